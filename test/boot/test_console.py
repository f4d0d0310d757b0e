"""Typing at the console."""

import re
import threading

import pytest

from kernel import PROMPT, Boot

PORTS = ["i386", "host"]
BACKSPACE, DELETE, CTRL_U, CTRL_D = "\x08", "\x7f", "\x15", "\x04"
UP, DOWN, LEFT, RIGHT = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C"


@pytest.fixture(params=PORTS)
def kernel(request, start):
    """At its prompt."""
    kernel = start(request.param)
    kernel.prompt()
    return kernel


def expect(kernel, lines, pattern):
    """The first match in these lines."""
    for line in lines:
        match = re.search(pattern, line)
        if match:
            return match
    raise kernel.failure(f"no line matches {pattern!r} in {lines}")


# -- commands --------------------------------------------------------------------------


def test_help(kernel):
    lines = kernel.command("help")
    for name in ("help", "ps", "spawn", "kill", "pages", "uptime", "poweroff",
                 "reboot", "crash"):
        expect(kernel, lines, rf"^\s*{name}\b.*\w")


def test_help_boot(kernel):
    """Each setting with its values and what is in force."""
    lines = kernel.command("help boot")
    for name, values in {
        "pages": ["first-fit", "best-fit", "worst-fit", "buddy"],
        "fit": ["first", "next", "best", "worst"],
        "sched": ["fifo", "rr"],
        "kmalloc": ["slab", "slob"],
        "cpu": ["sheaf", "array"],
        "threads": [], "check": [], "run": [],
    }.items():
        expect(kernel, lines, rf"^\s*{name}\b")
        for value in values:
            expect(kernel, lines, rf"\b{value}\b")


def test_ps(kernel):
    lines = kernel.command("ps")
    expect(kernel, lines, r"(?i)\bpid\b.*\bname\b")
    expect(kernel, lines, r"^\s*1\s.*\binit\b")
    expect(kernel, lines, r"\bmonitor\b")


def test_uptime(kernel):
    lines = kernel.command("uptime")
    expect(kernel, lines, r"\d")


def test_unknown_command(kernel):
    lines = kernel.command("frobnicate now")
    expect(kernel, lines, r"frobnicate")
    expect(kernel, lines, r"\bhelp\b")
    expect(kernel, kernel.command("ps"), r"\binit\b")


@pytest.mark.parametrize("line, answer", [
    ("kill", "kill"), ("kill abc", "abc|kill"), ("kill 99999", "99999|no such"),
    ("kill 0", r"(?i)invalid|may not|cannot|idle"),
    ("kill 1", r"(?i)invalid|may not|cannot|init"),
    ("kill -1", r"-1|kill"), ("kill 4294967297", "4294967297|kill"),
    ("spawn", "spawn"), ("spawn nonsense", "nonsense"),
    ("help nonsense", "nonsense"), ("check nonsense", "nonsense"),
    ("poweroff now", "now|poweroff"), ("poweroff 1 2", "poweroff"),
    ('ps "unclosed', r"(?i)quote"),
])
def test_wrong_arguments(kernel, line, answer):
    """An explanation, and the next prompt."""
    expect(kernel, kernel.command(line), answer)
    expect(kernel, kernel.command("ps"), r"^\s*1\s.*\binit\b")


@pytest.mark.parametrize("code", [0, 5, 42])
def test_poweroff(kernel, code):
    kernel.type(f"poweroff {code}\r" if code else "poweroff\r")
    kernel.wait_for_end().expect_status(code)


def test_reboot(kernel):
    """The machine starts again; tools/run has -no-reboot, so that is the end."""
    kernel.type("reboot\r")
    kernel.wait_for_end().expect_status(0)


def test_several_on_a_line(kernel):
    lines = kernel.command("uptime; ps; uptime")
    expect(kernel, lines, r"^\s*1\s.*\binit\b")


@pytest.mark.parametrize("port, cpus, killer", [
    ("host", 2, "kill 4"), ("i386", 1, "kill 3")])
def test_killed_script(port, cpus, killer):
    """A script that asks its own thread to end goes on to its next commands; what
    they start has the use of what they lend it, to its end."""
    script = f"{killer}; spawn exit 3; trace n=5000; ps; slabinfo -s; poweroff 9"
    ended = Boot(port, f'run="{script}"', cpus=cpus).run().expect_status(9)
    ended.expect_in_order(
        "^spawn: exit is pid ", "^requests without memory +0 +0",
        r"^ *1 .* init$", "^slabinfo - version")
    ended.expect_none("no memory for|panic")


def test_killed_monitor(kernel):
    """The console says why it ends; then there is nothing left to do."""
    pid = next(int(line.split()[0]) for line in kernel.command("ps")
               if line.endswith(" monitor"))
    kernel.type(f"kill {pid}\r")
    kernel.wait_for("^monitor: was asked to end$")
    kernel.wait_for_end().expect_status(0)


# -- editing -------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", [
    f"px{BACKSPACE}s", f"pxy{DELETE}{DELETE}s", f"nonsense{CTRL_U}ps",
    f"s{LEFT}p", f"p{LEFT}{RIGHT}s", f"{LEFT}{RIGHT}{UP}{DOWN}ps",
    f"{BACKSPACE * 10}ps", "  ps  ", "ps\t", "ps\x00", "ps\x01",
], ids=["backspace", "delete", "ctrl-u", "left", "right", "all", "at-start",
        "blanks", "tab", "nul", "ctrl-a"])
def test_line_editing(kernel, typed):
    if typed.endswith("\x01") and kernel.boot.port == "i386":
        pytest.skip("QEMU's terminal takes Ctrl-A for itself")
    kernel.type(typed + "\r")
    expect(kernel, kernel.prompt(), r"^\s*1\s.*\binit\b")


class Screen:
    """What a terminal of 80 columns shows of the bytes that came since it was made:
    its last line, and where the cursor is."""

    WIDTH = 80

    def __init__(self, kernel):
        self.kernel, self.start = kernel, len(kernel.said.getvalue())
        self.rows, self.column = [""], len(PROMPT)
        self.rows[-1] = PROMPT

    def feed(self):
        text = self.kernel.said.getvalue()
        for c in text[self.start:]:
            self.put(c)
        self.start = len(text)

    def put(self, c):
        if c == "\b":
            self.column = max(0, self.column - 1)
        elif c == "\r":
            self.column = 0
        elif c == "\n":
            self.rows.append("")
            self.column = 0
        else:
            if self.column == self.WIDTH:
                self.rows.append("")
                self.column = 0
            row = self.rows[-1].ljust(self.column)
            self.rows[-1] = row[:self.column] + c + row[self.column + 1:]
            self.column += 1

    def shows(self, text, column):
        """Waits until the line that is edited is this, and the cursor there."""
        wanted = ((PROMPT + text).rstrip(), len(PROMPT) + column)
        for _ in range(40):
            self.kernel.overhear(0.1)
            self.feed()
            if (self.rows[-1].rstrip(), self.column) == wanted:
                return
        raise self.kernel.failure(
            f"shows {self.rows[-1]!r}, {self.column} and not {wanted}")


def test_escape_sequences(kernel):
    """Those of keys that mean nothing here leave nothing in the line, whatever
    their form; those that do work with modifiers too; Enter after a lone
    escape is still Enter."""
    kernel.type("\x1b[[A\x1b[[E"  # F1, F5 of a Linux console
                "\x1bOP\x1b[15~\x1b[1;2P"  # F1, F5, Shift-F1 of an xterm
                "\x1b[?1;2c\x1b[>0;276;0c\x1b[24;80R\x1b[I"  # answers of a terminal
                "\x1b]10;rgb:ffff/ffff/ffff\x07\x1b]11;x\x1b\\\x1bP1$r0m\x1b\\"
                "\x1b(B\x1b#8\x1bx\x1b[200~p\x1b[201~"
                "x\x1b[D\x1b[3~yy\x1b[1;5D\x1b[1;2D\x1b[3~\x1b[3;5~s"
                "\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b\r")
    lines = kernel.prompt()
    expect(kernel, lines, r"^\s*1\s.*\binit\b")
    kernel.type("nonsense\x15uptime\x1b[1;\r")
    expect(kernel, kernel.prompt(), r"^up ")


def test_completion(kernel):
    screen = Screen(kernel)
    kernel.type("upt\t")
    screen.shows("uptime", 7)
    kernel.type("; sl\t")  # becomes longer, and then there is a choice
    screen.shows("uptime ; sl", 11)
    for name in ("slab", "slabinfo", "slab_debug", "sleep"):
        assert any(name in row.split() for row in screen.rows[-3:-1])
    kernel.type("ab\t\t")
    screen.shows("uptime ; slab", 13)
    kernel.type("_\t\x15spawn ex\t2 7")
    screen.shows("spawn exit 2 7", 14)
    kernel.type("\x15check slab_sh\tno\t \"no\t")
    screen.shows('check slab_shelves no "no', 25)
    kernel.type("\x15crash over\tr\t")
    screen.shows("crash overflow-recursion", 25)
    kernel.type(CTRL_U)
    screen.shows("", 0)


def test_line_wider_than_the_screen(kernel):
    """It never wraps; what is shown is right around the cursor; all of it runs."""
    words = " ".join(f"w{i:02}" for i in range(40))
    screen = Screen(kernel)
    kernel.type(f"kill {words}")
    screen.feed()
    kernel.overhear(0.2)
    screen.feed()
    assert len(screen.rows) == 1 and len(screen.rows[0]) < 80
    assert screen.rows[0].rstrip().endswith("w38 w39")
    assert screen.rows[0].startswith(f"{PROMPT}<")
    kernel.type("\x1b[H")
    whole = f"kill {words}"
    screen.shows(whole[:70] + ">", 0)
    kernel.type(f"{RIGHT * 5}x ")
    screen.shows(f"kill x {words}"[:70] + ">", 7)
    kernel.type("\x1b[F" + BACKSPACE * 130)
    screen.shows(f"kill x {words}"[:-130], len(whole) + 2 - 130)
    kernel.type("\x0b\x1b[H\x1b[3~" * 3 + UP + DOWN + "ps\r")
    assert screen.rows[0].count(PROMPT) == 1
    expect(kernel, kernel.prompt(), r"^\s*1\s.*\binit\b")


def test_history(kernel):
    kernel.command("ps")
    kernel.command("uptime")
    kernel.type(f"{UP}{UP}\r")
    expect(kernel, kernel.prompt(), r"^\s*1\s.*\binit\b")
    kernel.type(f"{UP}{UP}{DOWN}{DOWN}uptime\r")
    expect(kernel, kernel.prompt(), r"\d")


def test_empty_lines(kernel):
    for _ in range(5):
        kernel.type("\r")
        kernel.prompt()
    expect(kernel, kernel.command("ps"), r"^\s*1\s.*\binit\b")


def settle(kernel):
    """Whatever was typed before, here it is over."""
    kernel.type(f"x{CTRL_U}settled\r")
    kernel.wait_for("^settled: no such command")
    kernel.prompt()


def test_every_byte(kernel):
    """Whatever can be typed harms nothing."""
    # Enter and the end of input; what QEMU or the terminal keep for themselves.
    taken = {ord("\n"), ord("\r"), ord(CTRL_D)}
    taken |= {0x01} if kernel.boot.port == "i386" else {
        0x03, 0x11, 0x13, 0x16, 0x1a, 0x1c}
    for first in range(0, 256, 32):
        kernel.type(bytes(set(range(first, first + 32)) - taken))
        settle(kernel)
    expect(kernel, kernel.command("ps"), r"^\s*1\s.*\binit\b")


def test_eight_bit_bytes(kernel):
    """A name that is not ASCII is not found, and shown as it is."""
    kernel.type("größe\r".encode())
    lines = "\n".join(kernel.prompt())
    assert "größe" in lines.encode("latin-1").decode("utf-8", "replace")


def test_very_long_line(kernel):
    """Longer than any buffer: said to be, and not run by half."""
    kernel.type("x" * 5000 + "\r")
    expect(kernel, kernel.prompt(), r"longer than \d+ characters is not run")
    kernel.type("ps" + " " * 5000 + "\r")
    lines = kernel.prompt()
    expect(kernel, lines, r"longer than \d+ characters is not run")
    assert not any("PPID" in line for line in lines)
    settle(kernel)


def test_paste(kernel):
    """200 lines faster than anyone types: each is run, in order."""
    kernel.type("".join(f"paste-{i}\r" for i in range(200)))
    for i in range(200):
        kernel.wait_for(f"^paste-{i}: no such command")
    settle(kernel)
    kernel.expect_none("typed bytes were lost")


def test_flood(kernel):
    """More than is kept for a slow reader: what is lost is counted."""
    # Typing blocks when nobody reads the answers.
    typist = threading.Thread(target=kernel.type, args=(
        "".join(f"flood-{i:04}\r" for i in range(2000)),))
    typist.start()
    kernel.wait_for(r"^flood-0000: no such command")
    said = -1
    while typist.is_alive() or said != len(kernel.said.getvalue()):
        said = len(kernel.said.getvalue())
        kernel.overhear(2)
    settle(kernel)
    whole = len(kernel.matches(r"^flood-\d{4}: no such command"))
    assert whole > 500, kernel.failure(f"only {whole} lines came through")
    if whole < 2000:
        lost = sum(int(match[1]) for match in
                   kernel.matches(r"console: (\d+) typed bytes were lost"))
        assert lost >= 2000 - whole, kernel.failure(
            f"{whole} of 2000 lines ran, but only {lost} bytes were lost")


@pytest.mark.parametrize("nr", [20, 400], ids=["pauses", "goes-on"])
def test_typed_before_the_kernel_is_there(nr):
    """More than QEMU and the UART keep, and more than the driver keeps early: all
    of it is run, in order."""
    lines = [f"early-{i}" for i in range(nr)] + ["poweroff 3"]
    ended = Boot().run(typed="\n".join(lines + [""]).encode())
    ended.expect_status(3)
    ended.expect_in_order(*(f"^early-{i}: no such command" for i in range(nr)))
    ended.expect_none("typed bytes were lost")


# -- the end of input ------------------------------------------------------------------------


def test_ctrl_d(kernel):
    """At the start of a line it ends the input; nothing is left to do."""
    kernel.type(CTRL_D)
    kernel.wait_for_end().expect_status(0)


@pytest.mark.parametrize("typed", [b"", b"ps\n", b"ps", b"uptime\nps\n"],
                         ids=["nothing", "line", "half-line", "lines"])
def test_end_of_standard_input(typed):
    ended = Boot("host").run(typed=typed).expect_status(0)
    if typed:
        ended.expect(r"^\s*1\s.*\binit\b")


def test_end_of_input_after_poweroff():
    Boot("host").run(typed=b"poweroff 7\nps\n").expect_status(7)
