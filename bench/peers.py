"""Who the host port is compared with: small programs (bench/peers/*.c) that play the
same patterns with what Linux, glibc and other allocators offer."""

import os
import re
import subprocess

LIBRARIES = "/usr/lib/x86_64-linux-gnu/"

# The allocators that are loaded into peer_objects: (name, library, package).
ALLOCATORS = (
    ("glibc", None, "libc6"),
    ("mimalloc", LIBRARIES + "libmimalloc.so.2", "libmimalloc2.0"),
    ("jemalloc", LIBRARIES + "libjemalloc.so.2", "libjemalloc2"),
    ("tcmalloc", LIBRARIES + "libtcmalloc_minimal.so.4",
     "libtcmalloc-minimal4"),
)

# The programs, and of which files in bench/peers.
PROGRAMS = {
    "objects": ("peer", "objects", "pairs", "batches", "mixed", "cpus",
                "memory"),
    "threads": ("peer", "threads"),
}

# What plays a row of threads.c.
THREAD_PEERS = {
    "switch.yield.2": "swapcontext",
    "switch.wakeup": "futex",
    "thread.create_exit_wait": "pthread_create+join",
    "thread.create_exit_wait.4000": "pthread_create+join",
}

# Rows of ours that another row's peers are fair to as well (None: no peer's).
SAME_PEERS = {"switch.wakeup_semaphore": "switch.wakeup",
              "switch.yield.4000": None,
              "malloc.constructed": "malloc.reinitialised"}

# Whoever of ours serves, their counterpart is malloc.
OURS = re.compile(r"(slob|slab|kmalloc|cache)\b")

# Each size in a process of its own: what it holds is told from outside.
MEMORY = ("malloc.memory.24", "malloc.memory.200", "malloc.memory.1100")


def need(*pairs):
    """Sees to packages; False if one could not be had."""
    return subprocess.run(["tools/need", "-w", "make bench", *pairs],
                          check=False).returncode == 0


def version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)
    return done.stdout.decode() or "?"


def peer_row(name):
    """The row whose peers are compared with row `name`; None: nobody."""
    name = OURS.sub("malloc", name, count=1) if OURS.match(name) else name
    return SAME_PEERS.get(name, name)


def is_object_row(name):
    """Whether allocators play it."""
    return bool(OURS.match(name)) or name.startswith("page.")


class Programs:
    """The peer programs, built; run() plays all of them once."""

    def __init__(self, out, say, asked=()):
        self.say = say
        self.words = sorted({peer_row(word) for word in asked} - {None})
        self.programs = {name: self.build(out, name) for name in PROGRAMS}
        self.allocators = []  # (program, environment, name)
        for name, library, package in ALLOCATORS:
            if library and not need(f"{library}:{package}"):
                continue
            env = dict(os.environ, **({"LD_PRELOAD": library} if library
                                      else {}))
            self.allocators.append((self.programs["objects"], env,
                                    f"{name} {version(package)}"))
        self.thread_label = f"glibc {version('libc6')}, Linux " \
                            f"{os.uname().release.split('-')[0]}"

    @staticmethod
    def build(out, name):
        program = os.path.join(out, f"peer_{name}")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-D_GNU_SOURCE", "-fno-builtin", "-pthread", "-o",
                        program, *(f"bench/peers/{file}.c"
                                   for file in PROGRAMS[name])], check=True)
        return program

    def label(self, line):
        """The peer's name in one of threads.c's lines."""
        row = line.split()[1] if line.startswith("peer: ") else ""
        return f"{THREAD_PEERS.get(row, 'pthreads')} ({self.thread_label})"

    def play(self, program, env, words):
        done = subprocess.run([program, *words], env=env,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 0:
            self.say(f"bench: {program} {' '.join(words)} ended with "
                     f"{done.returncode}")
        return done.stdout.decode()

    def asks_for(self, name):
        """Whether rows that begin with `name` are wanted."""
        return not self.words or any(
            word.startswith(name) or name.startswith(word)
            for word in self.words)

    def run(self):
        """Yields (peer's name, lines it printed)."""
        for program, env, name in self.allocators:
            if any(self.asks_for(part) for part in ("malloc", "page")):
                yield name, self.play(program, env, self.words)
            for size in filter(self.asks_for, MEMORY):
                yield name, self.play(program, env, [size])
        if any(self.asks_for(part) for part in ("switch", "thread")):
            for line in self.play(self.programs["threads"], dict(os.environ),
                                  self.words).splitlines():
                yield self.label(line), line
