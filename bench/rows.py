"""What each row is measured against.

An aim is what the project wants to reach; a row that misses it says so and
fails nothing. By port and name; a name may carry the setting that it was measured
under, "page.pair.order3@pages=buddy"; one without it stands for all settings.
"""

from typing import NamedTuple, Optional


class Aim(NamedTuple):
    """At most so much (or at least), of the row's unit or of what a peer takes."""
    limit: float = None
    note: str = ""
    peer: Optional[str] = None
    at_least: bool = False

    def value(self, row):
        """What is held against the limit; None: the peer was not there."""
        if self.peer is None:
            return row.median
        return next((ratio for name, ratio in row.ratios.items()
                     if name.split()[0] == self.peer), None)

    def text(self):
        if self.limit is None:
            return ""
        of_peer = f" {self.peer}" if self.peer else ""
        return f"{'>=' if self.at_least else '<='} {self.limit:,}{of_peer}"

    def is_met(self, row):
        """True or False; None if that cannot be said."""
        value = self.value(row)
        if self.limit is None or value is None or row.is_disturbed:
            return None
        # Reading the counter costs a hundredth of an instruction an operation.
        if row.unit == "instructions":
            value = round(value)
        return value >= self.limit if self.at_least else value <= self.limit


def of_mimalloc(limit, note=""):
    return Aim(limit, note, peer="mimalloc")


def for_each(pattern, values, aim):
    return {pattern.format(value): aim for value in values}


PAIR_SIZES = (64, 192, 512, 2048)
ORDERS = ("fifo", "lifo", "random")
SLAB = "@kmalloc=slab"

# Bytes for each byte asked for: the same on both ports.
MEMORY = {
    f"cache.memory.24.peak{SLAB}": Aim(1.05),
    f"cache.memory.200.peak{SLAB}": Aim(1.05),
    f"cache.memory.200.reaped{SLAB}": Aim(0.92, "90 % freed"),
    f"cache.memory.1100.peak{SLAB}": Aim(1.10),
    f"cache.memory.1100.reaped{SLAB}": Aim(0.40, "90 % freed"),
}

# Pairs are to cost the same whatever else is alive.
LIVE = {
    **for_each("slab.live.{}.worst_to_median", PAIR_SIZES, Aim(1.2)),
    **for_each(f"kmalloc.live.{{}}.worst_to_median{SLAB}", PAIR_SIZES,
               Aim(1.2)),
}

I386 = {
    "boot.init": Aim(1_500_000, "from the kernel's first instruction, 128 MiB"),
    "boot.wall": Aim(220, "QEMU's own start included"),
    "switch.yield.2": Aim(120, "run-queue lock and accounting included"),
    "switch.yield.4000": Aim(120, "4,000 more threads asleep"),
    "switch.wakeup": Aim(300, "wakeup_proc and sleep, per switch"),
    "switch.wakeup_semaphore": Aim(None, "sem_up and sem_down, per switch"),
    "thread.create_exit_wait": Aim(900),
    f"thread.create_exit_wait{SLAB}": Aim(600, "block and stack constructed"),
    "thread.create_exit_wait.4000": Aim(900, "4,000 more threads asleep"),
    f"thread.create_exit_wait.4000{SLAB}":
        Aim(600, "4,000 more threads asleep"),
    "pid.after_wrap.4000": Aim(40, "get_pid with its lock held"),
    "page.pair.order0": Aim(48),
    "page.pair.order3": Aim(350, "a tree policy"),
    "page.pair.order3@pages=buddy": Aim(200),
    "page.pair.order3.fragmented": Aim(400, "a tree policy; 2,000 fragments"),
    "page.pair.order3.fragmented@pages=buddy": Aim(220, "2,000 fragments"),
    "page.pair.order4": Aim(None, "past the CPU's own lists"),
    "page.pair.order4.fragmented": Aim(None, "2,000 fragments"),
    "page.batch.free_random": Aim(150, "4,000 pages"),
    **for_each("slab.pair.{}", PAIR_SIZES, Aim(34)),
    f"kmalloc.pair.variable{SLAB}": Aim(60),
    "slab.batch10000.alloc": Aim(40),
    "slab.batch10000.free_fifo": Aim(36),
    "slab.batch10000.free_lifo": Aim(36),
    "slab.batch10000.free_random": Aim(40),
    f"kmalloc.batch10000.alloc{SLAB}": Aim(40),
    f"kmalloc.batch10000.free_fifo{SLAB}": Aim(36),
    f"kmalloc.batch10000.free_lifo{SLAB}": Aim(36),
    f"kmalloc.batch10000.free_random{SLAB}": Aim(40),
    **LIVE,
    **MEMORY,
    "counter.loop": Aim(None, "must be the instructions of its loop"),
}

HOST = {
    "switch.yield.2": Aim(25, "schedule() included"),
    "switch.yield.4000": Aim(25, "4,000 more threads asleep"),
    **for_each("slab.pair.{}", PAIR_SIZES, of_mimalloc(0.45)),
    "slab.pair.192.instructions": Aim(25, "loop included"),
    **for_each(f"kmalloc.pair.{{}}{SLAB}", PAIR_SIZES, of_mimalloc(0.8)),
    f"kmalloc.pair.variable{SLAB}": of_mimalloc(0.8),
    **for_each("slab.batch10000.{}", ORDERS, of_mimalloc(0.40)),
    **for_each(f"kmalloc.batch10000.{{}}{SLAB}", ORDERS, of_mimalloc(0.40)),
    f"kmalloc.replace{SLAB}": of_mimalloc(0.40),
    "slab.handover.64": of_mimalloc(0.30),
    **for_each("slab.scale.{}.2.throughput", ("pair", "batch"),
               Aim(0.9, "of one CPU's, each", at_least=True)),
    **LIVE,
    **MEMORY,
}

PORTS = {"i386": I386, "host": HOST}


def aim_of(port, name, settings):
    """The Aim of a row measured under these settings ({"pages": ...})."""
    table = PORTS[port]
    for key, value in settings.items():
        found = table.get(f"{name}@{key}={value}")
        if found:
            return found
    return table.get(name)
