"""How the kernel ends when it must not go on: `crash KIND` commits the crime, the
report must lead to the culprit."""

import re

import pytest

from kernel import BUILD, PANIC_STATUS, Boot

PORTS = ["i386", "host"]

OVERFLOW = r"stack overflow of thread run \(pid \d+\) at 0x([0-9a-f]+)"

# kind: what the reason says, and functions that the backtrace names in this
# order. (A leaf has no frame, so its caller may be missing.)
# panic() and failed assertions do not return: the address behind the call may
# be the next function's.
CRIMES = {
    "panic": (r"panic: on purpose$", ["crash_panic", "crash_run"]),
    "assert": (r"zero != 0.*cmd_crash\.c:\d+.*crash_assert|"
               r"cmd_crash\.c:\d+.*crash_assert.*zero != 0",
               ["crash_assert", "crash_run"]),
    "null-write": (r"page fault: write to 0x(0+)\b", ["crash_null_write"]),
    "text-write": (r"page fault: write to 0x([0-9a-f]*[1-9a-f][0-9a-f]*)\b",
                   ["crash_text_write"]),
    "divide": (r"divide error", ["crash_divide"]),
    "overflow-recursion": (OVERFLOW, ["crash_recurse", "crash_recurse"]),
    "overflow-frame": (OVERFLOW,
                       ["crash_large_frame|crash_approach", "crash_approach"]),
    "irq-panic": (r"panic: on purpose, in an interrupt$",
                  ["crash_in_interrupt", "timer_tick", "crash_irq_panic"]),
    # Page faults where nobody may sleep: the reason says why.
    "irq-fault": (r"page fault: write to 0x0+\b.*, in an interrupt$",
                  ["crash_fault_in_interrupt", "timer_tick", "crash_irq_fault"]),
    "lock-fault": (r"page fault: write to 0x0+\b.*, (under spinlock crash|"
                   r"with preemption off, as under a spinlock)$",
                   ["crash_lock_fault"]),
    "irqs-off-fault": (r"page fault: write to 0x0+\b.*, with interrupts off$",
                       ["crash_irqs_off_fault"]),
}

# Only debug builds look: locks against the order, waits for another CPU where nobody may.
DEBUG_CRIMES = {
    "lock-equal": (r"panic: lock second twin: taken while holding first twin, "
                   r"against the order$",
                   ["lock_debug_acquire", "crash_lock_equal"]),
    "call-locked": (r"panic: a wait for other CPUs, under spinlock crash$",
                    ["cpu_call", "crash_call_locked"]),
    "call-irqs-off": (r"panic: a wait for other CPUs, with interrupts off$",
                      ["cpu_call", "crash_call_irqs_off"]),
    "flush-locked": (r"panic: a wait for other CPUs, under spinlock crash$",
                     ["tlb_forget", "crash_flush_locked"]),
    "flush-irqs-off": (r"panic: a wait for other CPUs, with interrupts off$",
                       ["tlb_forget", "crash_flush_irqs_off"]),
}
ALL_CRIMES = {**CRIMES, **DEBUG_CRIMES}
DEBUG_IMAGES = {"i386": str(BUILD / "i386-debug" / "ashlar.elf"),
                "host": str(BUILD / "host-debug" / "ashlar")}
# They end by panic(), not in a trap.
CALLS_OF_PANIC = ("panic", "assert", *DEBUG_CRIMES)

FRAME = r"^\s*#(\d+)\s+0x[0-9a-f]+\s+(\S+?)\+0x[0-9a-f]+"


def crash(port, kind):
    image = DEBUG_IMAGES[port] if kind in DEBUG_CRIMES else ""
    return Boot(port, f'run="crash {kind}; ps; poweroff"', image=image)


@pytest.mark.parametrize("ended", [
    pytest.param(crash(port, kind), id=f"{port}-{kind}")
    for port in PORTS for kind in ALL_CRIMES
], indirect=True)
def test_crash(ended):
    kind = re.search(r"crash (\S+);", ended.boot.append)[1]
    reason, culprits = ALL_CRIMES[kind]
    ended.expect_status(PANIC_STATUS)
    ended.expect(reason)

    frames = [match[2] for match in ended.matches(FRAME)]
    left = iter(frames)
    for culprit in culprits:
        assert any(re.match(rf"({culprit})(\.|$)", frame) for frame in left), (
            ended.failure(f"{culprit} is not in the backtrace {frames}, or late"))
    # The whole way from a thread's start, but for overflows: those are cut.
    if not kind.startswith("overflow"):
        assert any(re.match("first_job", frame) for frame in frames), (
            ended.failure(f"the thread's function is not in {frames}"))

    # Who it was, and what was said before.
    ended.expect(r"^thread: run, pid \d+, CPU 0$")
    greeting = ended.matches(r'To U: "Hello world!!"\.')
    assert len(greeting) == 2, ended.failure("the last log lines are missing")

    if ended.boot.port == "i386" and kind not in CALLS_OF_PANIC:
        for register in ("eax", "esp", "ebp", "eip", "eflags", "cs"):
            ended.expect(rf"(?i)\b{register}\b\W+(0x)?[0-9a-f]+")


@pytest.mark.parametrize("ended", [
    pytest.param(Boot("i386", f'run="crash {kind}"'), id=kind)
    for kind in ("null-write", "text-write", "overflow-recursion", "overflow-frame")
], indirect=True)
def test_address_of_the_fault(ended):
    """The reason names the address that was written to."""
    ended.expect_status(PANIC_STATUS)
    kind = re.search(r"crash ([a-z-]+)", ended.boot.append)[1]
    address = int(ended.expect(CRIMES[kind][0])[1], 16)
    register = {
        name: int(ended.expect(rf"(?i)\b{name}\b\W+(?:0x)?([0-9a-f]+)")[1], 16)
        for name in ("esp", "eip")
    }
    if kind == "null-write":
        assert address == 0
    elif kind == "text-write":
        assert register["eip"] - 64 < address <= register["eip"]
    else:
        assert abs(address - register["esp"]) < 256


@pytest.mark.parametrize("port", PORTS)
def test_crash_at_the_console(start, port):
    """The report names the thread that did it."""
    kernel = start(port)
    kernel.prompt()
    lines = kernel.command("crash")
    assert any("overflow-frame" in line for line in lines)
    kernel.type("crash panic\r")
    ended = kernel.wait_for_end().expect_status(PANIC_STATUS)
    ended.expect_in_order(r"^panic: on purpose$", r"^thread: monitor, pid \d+, CPU 0$",
                          r"#\d+ .* monitor_main\+")
