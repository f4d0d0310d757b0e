"""What the scheduler does for threads that never give up the CPU."""

import re
import time

import pytest

from kernel import PATIENCE, PROMPT

PORTS = ["i386", "host"]


def runs(kernel, name):
    """{pid: how often it was scheduled in}, from ps."""
    lines = kernel.command("ps")
    head = next(line for line in lines if re.search(r"(?i)\bpid\b", line))
    column = [word.lower() for word in head.split()].index("runs")
    return {
        int(line.split()[0]): int(line.split()[column])
        for line in lines if re.search(rf" {name}$", line)
    }


@pytest.mark.parametrize("port", PORTS)
def test_round_robin_shares(start, port):
    """Two threads that never yield, and the console between them."""
    kernel = start(port, "sched=rr")
    kernel.prompt()
    kernel.command("spawn spin 2")
    before = runs(kernel, "spin")
    assert len(before) == 2, kernel.failure(f"not two spinners: {before}")
    deadline = time.monotonic() + PATIENCE
    after = before
    while any(after[pid] < count + 3 for pid, count in before.items()):
        assert time.monotonic() < deadline, kernel.failure(f"{before} -> {after}")
        time.sleep(1)
        after = runs(kernel, "spin")
    for pid in after:
        kernel.command(f"kill {pid}")
    deadline = time.monotonic() + PATIENCE
    while runs(kernel, "spin"):
        assert time.monotonic() < deadline, kernel.failure("they do not end")
    kernel.power_off()


@pytest.mark.parametrize("port", PORTS)
def test_fifo_does_not(start, port):
    """The first thread keeps the only CPU; nobody else runs again."""
    kernel = start(port, "sched=fifo")
    kernel.prompt()
    kernel.type("spawn spin\r")
    kernel.wait_for(r"^spawn: spin is pid \d+$")
    kernel.type("ps\r")
    said = kernel.overhear(3)
    assert PROMPT not in said, kernel.failure("the console has the CPU")
    assert "PID" not in said, kernel.failure("ps ran all the same")


@pytest.mark.parametrize("port", PORTS)
def test_fifo_with_yielding(start, port):
    """Threads that give up the CPU take turns, and end."""
    kernel = start(port, "sched=fifo")
    kernel.prompt()
    kernel.command("spawn yield 3 1000")
    deadline = time.monotonic() + PATIENCE
    while runs(kernel, "yield"):
        assert time.monotonic() < deadline, kernel.failure("they do not end")
    kernel.power_off()


@pytest.mark.parametrize("port", PORTS)
def test_preemptions_are_threads_that_lost_the_cpu(start, port):
    """Idle that makes room for a thread lost nothing; nor did a thread whose slice
    ended while nobody else wanted the CPU."""
    def preemptions(kernel):
        for line in kernel.command("uptime"):
            match = re.search(r" (\d+) switches, (\d+) preemptions", line)
            if match:
                return [int(n) for n in match.groups()]
        raise kernel.failure("uptime shows no preemptions")

    fifo = start(port, "sched=fifo")
    fifo.prompt()
    fifo.command("sleep 50")
    assert preemptions(fifo)[1] == 0
    fifo.power_off()

    kernel = start(port, "sched=rr slice=1")
    kernel.prompt()
    kernel.command("sleep 30; spawn spin; sleep 50")
    # The spinner gives way when the console wakes up, not at each tick.
    switches, lost = preemptions(kernel)
    assert 1 <= lost < 40 and lost < switches, kernel.failure("wrong")
    kernel.command("spawn spin; sleep 50")
    assert preemptions(kernel)[1] >= lost + 25, kernel.failure("too few")


def test_fifo_on_two_cpus(start):
    """A second CPU is free for the console."""
    kernel = start("host", "sched=fifo", cpus=2)
    kernel.prompt()
    kernel.command("spawn spin")
    assert len(runs(kernel, "spin")) == 1
    for pid in runs(kernel, "spin"):
        kernel.command(f"kill {pid}")
    kernel.power_off()
