"""Who the host port is compared with: small programs (bench/peers/*.c) that play the
same patterns with what Linux, glibc and other allocators offer."""

import os
import subprocess

LIBRARIES = "/usr/lib/x86_64-linux-gnu/"

# The allocators that are loaded into objects.c: (name, library, package).
ALLOCATORS = (
    ("glibc", None, "libc6"),
    ("mimalloc", LIBRARIES + "libmimalloc.so.2", "libmimalloc2.0"),
    ("jemalloc", LIBRARIES + "libjemalloc.so.2", "libjemalloc2"),
    ("tcmalloc", LIBRARIES + "libtcmalloc_minimal.so.4",
     "libtcmalloc-minimal4"),
)

# What plays a row of threads.c.
THREAD_PEERS = {
    "switch.yield.2": "swapcontext",
    "switch.wakeup": "futex",
    "thread.create_exit_wait": "pthread_create+join",
    "thread.create_exit_wait.4000": "pthread_create+join",
}

# Rows of ours that another row's peers are fair to as well.
SAME_PEERS = {"switch.wakeup_semaphore": "switch.wakeup",
              "switch.yield.4000": None}


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
    """The row whose peers are compared with row `name`."""
    return SAME_PEERS.get(name, name)


def plays(peer, name):
    """Whether this peer belongs to our row (all that share its name do)."""
    return peer_row(name) is not None and bool(peer)


class Programs:
    """The peer programs, built; run() plays all of them once."""

    def __init__(self, out, say):
        self.say = say
        self.runs = []  # (program, environment, names by row or one name)
        objects = self.build(out, "objects")
        threads = self.build(out, "threads")
        for name, library, package in ALLOCATORS:
            if library and not need(f"{library}:{package}"):
                continue
            env = dict(os.environ, **({"LD_PRELOAD": library} if library
                                      else {}))
            label = f"{name} {version(package)}"
            self.runs.append((objects, env, label))
        self.runs.append((threads, dict(os.environ), None))
        self.thread_label = f"glibc {version('libc6')}, Linux " \
                            f"{os.uname().release.split('-')[0]}"

    @staticmethod
    def build(out, name):
        program = os.path.join(out, f"peer_{name}")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-D_GNU_SOURCE", "-fno-builtin", "-pthread", "-o",
                        program, f"bench/peers/{name}.c"], check=True)
        return program

    def label(self, line):
        """The peer's name in one of threads.c's lines."""
        row = line.split()[1] if line.startswith("peer: ") else ""
        return f"{THREAD_PEERS.get(row, 'pthreads')} ({self.thread_label})"

    def run(self):
        """Yields (peer's name, lines it printed)."""
        for program, env, name in self.runs:
            done = subprocess.run([program], env=env, stdout=subprocess.PIPE,
                                  check=False)
            text = done.stdout.decode()
            if done.returncode != 0:
                self.say(f"bench: {program} {name or ''} ended with "
                         f"{done.returncode}")
            if name:
                yield name, text
                continue
            for line in text.splitlines():
                yield self.label(line), line
