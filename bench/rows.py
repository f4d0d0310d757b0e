"""What each row is measured against.

An aim is what the project wants to reach; a row that misses it says so and
fails nothing.  (aim, note) by port and name; a name may carry the setting that it
was measured under, "page.pair.order3@pages=first-fit"; one without it stands for
all settings.
"""

I386 = {
    "boot.init": (1_500_000, "from the kernel's first instruction, 128 MiB"),
    "boot.wall": (220, "QEMU's own start included"),
    "switch.yield.2": (120, "run-queue lock and accounting included"),
    "switch.yield.4000": (120, "4,000 more threads asleep"),
    "switch.wakeup": (300, "wakeup_proc and sleep, per switch"),
    "switch.wakeup_semaphore": (None, "sem_up and sem_down, per switch"),
    "thread.create_exit_wait": (900, ""),
    "thread.create_exit_wait@kmalloc=slab": (600, "block and stack constructed"),
    "thread.create_exit_wait.4000": (900, "4,000 more threads asleep"),
    "thread.create_exit_wait.4000@kmalloc=slab":
        (600, "4,000 more threads asleep"),
    "pid.after_wrap.4000": (40, "get_pid with its lock held"),
    "page.pair.order0": (48, ""),
    "page.pair.order3": (350, "a tree policy"),
    "page.pair.order3@pages=buddy": (200, ""),
    "page.pair.order3.fragmented": (400, "a tree policy; 2,000 fragments"),
    "page.pair.order3.fragmented@pages=buddy": (220, "2,000 fragments"),
    "page.pair.order4": (None, "past the CPU's own lists"),
    "page.pair.order4.fragmented": (None, "2,000 fragments"),
    "page.batch.free_random": (150, "4,000 pages"),
    "kmalloc.pair.variable@kmalloc=slab": (60, ""),
    "counter.loop": (None, "must be the instructions of its loop"),
}

HOST = {
    "switch.yield.2": (25, "schedule() included"),
    "switch.yield.4000": (25, "4,000 more threads asleep"),
}

PORTS = {"i386": I386, "host": HOST}


def aim_of(port, name, settings):
    """The (aim, note) of a row measured under these settings ({"pages": ...})."""
    table = PORTS[port]
    for key, value in settings.items():
        found = table.get(f"{name}@{key}={value}")
        if found:
            return found
    return table.get(name, (None, ""))
