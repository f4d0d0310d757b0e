"""Starts the kernel and talks with it, as a person at the console would.

Two ways.  Boot(...).run() is for a kernel that ends by itself: nothing is typed,
the answer has every line and the exit status.  Kernel(...) is a conversation:
wait for a line, type a command, look at what it printed.

Both start the kernel through tools/run, so an exit status is the kernel's own
on every port.  A step that takes longer than PATIENCE seconds is a hang, and
every failure shows all that the kernel has said.
"""

import dataclasses
import io
import os
import pathlib
import re
import signal
import subprocess
import time

import pexpect

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = (ROOT / os.environ.get("O", "build")).resolve()
RUN = str(ROOT / "tools" / "run")

# Emulated, on a machine that has other work: far more than anything needs.
PATIENCE = 90

PROMPT = "ashlar> "
PANIC_STATUS = 3  # PANIC_EXIT_CODE
TRIPLE_FAULT_STATUS = 125  # of tools/run

# The terminal's control sequences, which a line editor may send.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")


class Failure(AssertionError):
    """Something was not as expected; says what, and shows the whole log."""


def text_lines(text):
    """What a person sees of it, line by line."""
    return [line.rstrip("\r") for line in CONTROL.sub("", text).split("\n")]


def environment(changes=()):
    """Ours, without what the make that started us may have left in it."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "APPEND",
                        "QEMU_FLAGS", "MEM", "CPUS", "PORT", "IMAGE")
    }
    env.update(changes)
    return env


def qemu_with_disc(iso, mem=128):
    """A machine that boots from a disc, which tools/run has no word for. Its
    exit status is QEMU's: 0, or code * 2 + 1."""
    return ["qemu-system-i386", "-accel", "tcg", "-cdrom", str(iso), "-boot", "d",
            "-m", str(mem), "-no-reboot", "-nic", "none", "-display", "none",
            "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]


@dataclasses.dataclass(frozen=True)
class Boot:
    """What to start: the same words that tools/run takes."""

    port: str = "i386"
    append: str = ""
    mem: int = 128
    cpus: int = 1
    flags: str = ""  # more flags for QEMU
    image: str = ""  # another file than the port's own

    def command(self):
        words = [RUN, f"PORT={self.port}", f"MEM={self.mem}",
                 f"CPUS={self.cpus}", f"APPEND={self.append}",
                 f"QEMU_FLAGS={self.flags}"]
        if self.image:
            words.append(f"IMAGE={self.image}")
        return words

    def run(self, typed=b"", patience=PATIENCE, env=()):
        """Starts it, hands it `typed` as all of its input, waits for the end."""
        start = time.monotonic()
        process = subprocess.Popen(
            self.command(), cwd=ROOT, env=environment(env), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(typed, timeout=patience)
            hung = False
        except subprocess.TimeoutExpired:
            hung = True
            # Its own session: tools/run and the QEMU it started.
            os.killpg(process.pid, signal.SIGTERM)
            output, _ = process.communicate()
        ended = Ended(self, text_lines(output.decode("latin-1")),
                      process.returncode, time.monotonic() - start)
        if hung:
            raise ended.failure(f"hangs: no end after {patience} s")
        return ended


class Log:
    """Lines that a kernel printed, and what can be asked of them."""

    boot: Boot
    lines: list

    def failure(self, what):
        return Failure("\n".join([what, f"-- {self.boot}"] + self.lines))

    def matches(self, pattern):
        found = (re.search(pattern, line) for line in self.lines)
        return [match for match in found if match]

    def expect(self, pattern):
        """The first match; a failure if there is none."""
        found = self.matches(pattern)
        if not found:
            raise self.failure(f"no line matches {pattern!r}")
        return found[0]

    def expect_in_order(self, *patterns):
        at = 0
        for pattern in patterns:
            while at < len(self.lines) and not re.search(pattern, self.lines[at]):
                at += 1
            if at == len(self.lines):
                where = "here" if self.matches(pattern) else "at all"
                raise self.failure(f"no line matches {pattern!r} {where}")
            at += 1

    def expect_none(self, pattern):
        found = self.matches(pattern)
        if found:
            raise self.failure(f"{pattern!r} matches {found[0].string!r}")

    def settings(self):
        """{name: value in force}, from what `help boot` printed."""
        found = {}
        for line, explanation in zip(self.lines, self.lines[1:]):
            name = re.match(r"(?:.*> )?([a-z_]+)=", line)
            value = re.search(r"\(now: (.*)\)$", explanation)
            if name and value:
                found[name[1]] = value[1]
        if not found:
            raise self.failure("no settings are shown")
        return found


@dataclasses.dataclass
class Ended(Log):
    """A kernel that has run to its end."""

    boot: Boot
    lines: list
    status: int
    seconds: float

    def expect_status(self, status):
        if self.status != status:
            raise self.failure(f"exit status {self.status}, not {status}")
        return self


class Kernel(Log):
    """A running kernel with us at its console."""

    def __init__(self, boot, command=None):
        self.boot = boot
        self.said = io.StringIO()
        argv = command or boot.command()
        # A width that no line reaches: a line editor shall not wrap.
        self.child = pexpect.spawn(
            argv[0], argv[1:], cwd=str(ROOT), env=environment(), echo=False,
            encoding="latin-1", timeout=PATIENCE, dimensions=(50, 5000))
        self.child.logfile_read = self.said
        self.child.delaybeforesend = None

    @property
    def lines(self):
        return text_lines(self.said.getvalue())

    def wait_for(self, pattern, patience=PATIENCE):
        """Reads until a line matches; returns the match."""
        deadline = time.monotonic() + patience
        while True:
            line = self._read_line(deadline, f"a line like {pattern!r}")
            match = re.search(pattern, line)
            if match:
                return match

    def _read_line(self, deadline, wanted):
        self._expect(["\n"], deadline, wanted)
        return CONTROL.sub("", self.child.before).rstrip("\r")

    def _expect(self, texts, deadline, wanted):
        ends = [pexpect.EOF, pexpect.TIMEOUT]
        left = max(0.1, deadline - time.monotonic())
        found = self.child.expect_exact(texts + ends, timeout=left)
        if found == len(texts):
            raise self.failure(f"ended while waiting for {wanted}")
        if found == len(texts) + 1:
            raise self.failure(f"hangs: waited in vain for {wanted}")
        return found

    def prompt(self, patience=PATIENCE):
        """Reads up to the next prompt; returns the lines before it."""
        deadline = time.monotonic() + patience
        self._expect([PROMPT], deadline, "the prompt")
        return text_lines(self.child.before)

    def overhear(self, seconds):
        """Whatever it says in that time."""
        if self.child.expect_exact([pexpect.TIMEOUT, pexpect.EOF],
                                   timeout=seconds) == 1:
            raise self.failure("ended")
        return self.child.before

    def type(self, text):
        """Types it, a str or bytes, without Enter."""
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        self.child.send(text)

    def command(self, text, patience=PATIENCE):
        """At a prompt: runs a command, returns the lines it printed; then we are
        at the next prompt."""
        self.type(text + "\r")
        lines = self.prompt(patience)
        if not lines or not lines[0].endswith(text):
            raise self.failure(f"no echo of {text!r} but {lines[:1]}")
        return lines[1:-1] if lines[-1] == "" else lines[1:]

    def wait_for_end(self, patience=PATIENCE):
        """Reads to the end; returns an Ended."""
        start = time.monotonic()
        if self.child.expect_exact([pexpect.EOF, pexpect.TIMEOUT],
                                   timeout=patience) == 1:
            raise self.failure(f"hangs: no end after {patience} s")
        self.child.close()
        status = self.child.exitstatus
        if status is None:
            status = -self.child.signalstatus
        return Ended(self.boot, self.lines, status, time.monotonic() - start)

    def power_off(self, status=0):
        self.type("poweroff\r")
        return self.wait_for_end().expect_status(status)

    def close(self):
        """Ends whatever still runs. tools/run takes its QEMU along."""
        if self.child.isalive():
            self.child.kill(signal.SIGTERM)
            try:
                self.child.expect(pexpect.EOF, timeout=5)
            except pexpect.ExceptionPexpect:
                pass
        self.child.close(force=True)
