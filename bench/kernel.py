"""Boots the kernel to run its benchmarks."""

import os
import re
import subprocess
import sys

from figures import Output

MEM = int(os.environ.get("MEM", "128"))
# MiB that the rows with 4,000 threads need; stacks are large on the host port.
MEM_MIN = {"i386": 64, "host": 512}
OUT = os.path.join(os.environ.get("O", "build"), "bench")
TIMEOUT = 600  # seconds for one run of a kernel

CHOICES = re.compile(r"boot: (\w+)=\?: .*\(([^)]*)\); it stays (\S+)")

# -icount: the time stamp counter counts the guest's instructions, from reset on.
ICOUNT = "-icount shift=0,sleep=off"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, port, image):
        self.port, self.image = port, image
        self.mem = max(MEM, MEM_MIN[port])
        self.failures = []

    def kernel(self, script, settings=None, icount=True, image=None,
               wrapper=(), cpus=1):
        """Boots it with run="script; poweroff"; an Output, or None."""
        words = [f"{k}={v}" for k, v in (settings or {}).items()]
        script = f"{script}; poweroff" if script else "poweroff"
        words.append(f'run="{script}"')
        env = dict(os.environ, PORT=self.port, IMAGE=image or self.image,
                   MEM=str(self.mem), CPUS=str(cpus), APPEND=" ".join(words),
                   QEMU_FLAGS=ICOUNT if icount else "")
        command = ["tools/run"]
        if wrapper:
            command = [*wrapper, self.image, f"mem={self.mem}M",
                       f"cpus={cpus}", env["APPEND"]]
        try:
            done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=TIMEOUT,
                                  check=False)
        except subprocess.TimeoutExpired:
            self.failures.append(f"{env['APPEND']}: {TIMEOUT} s were not enough")
            return None
        output = Output(done.stdout.decode(errors="replace"))
        output.status = done.returncode
        return output

    def bench(self, words=(), settings=None, **how):
        """Runs `bench words`; what it said, complete or not."""
        words = " ".join(words)
        output = self.kernel(f"bench {words}".strip(), settings, **how)
        if output is None:
            return Output("")
        # The rows that were asked for may be another back end's.
        if output.found_nothing():
            return output
        for line in output.skipped:
            self.failures.append(f"skipped: {line}")
        if not output.is_complete() or output.status != 0:
            tail = "\n".join(output.text.splitlines()[-15:])
            self.failures.append(f"bench {words} {settings or ''}: the kernel "
                                 f"ended with {output.status}:\n{tail}")
        return output

    def choices(self, option):
        """The values that a boot option can have, the default first; [] if this
        kernel does not know it."""
        # A wrong value is reported together with the right ones.
        output = self.kernel("", {option: "?"}, icount=False)
        found = output and CHOICES.search(output.text)
        if not found or found[1] != option:
            return []
        values, default = found[2].split("|"), found[3]
        return [default] + [value for value in values if value != default]
