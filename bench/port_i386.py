"""The i386 port's rows: in QEMU, in guest instructions."""

import os
import re
import struct
import subprocess
import time

from figures import row_of
from kernel import ICOUNT, MEM, OUT, say
from settings import Plans, both


def tiny_kernel(path):
    """A Multiboot kernel whose first instruction reads the time stamp counter.
    It writes the 8 bytes to the serial port and ends with code 1: what
    passes before any kernel is entered."""
    load = 0x100000
    put = b"\xee\xc1\xe8\x08" * 4  # out %al,(%dx); shr $8,%eax
    code = (b"\x0f\x31"              # rdtsc
            b"\x89\xd3"              # mov %edx,%ebx
            b"\x66\xba\xf8\x03"      # mov $0x3f8,%dx
            + put + b"\x89\xd8" + put +  # mov %ebx,%eax
            b"\xb8\x01\0\0\0\xe7\xf4"    # mov $1,%eax; out %eax,$0xf4
            b"\xf4\xeb\xfd")             # hlt; jmp to it
    magic, flags = 0x1BADB002, 0x10003
    header = struct.pack("<8I", magic, flags, -(magic + flags) & 0xffffffff,
                         load, load, load + 32 + len(code), 0, load + 32)
    with open(path, "wb") as image:
        image.write(header + code)


def entered_at(bench, tiny):
    """Instructions from reset to the kernel's first one, or None."""
    env = dict(os.environ, PORT="i386", IMAGE=tiny, MEM=str(MEM), CPUS="1",
               APPEND="", QEMU_FLAGS=ICOUNT)
    done = subprocess.run(["tools/run"], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, timeout=60, check=False)
    if done.returncode != 1 or len(done.stdout) < 8:
        bench.failures.append("boot.init: the tiny kernel did not say when it "
                              "was entered")
        return None
    return struct.unpack("<Q", done.stdout[-8:])[0]


def boot_rows(bench, tiny, boots):
    """boot.init from reset, from the first instruction, from kernel_main."""
    reset = entered_at(bench, tiny)
    found = [bench.bench(["boot.init"]).boot for _ in range(boots)]
    found = [pair for pair in found if pair]
    if not found:
        return
    if reset is not None:
        yield row_of("boot.init", "instructions",
                     [init - reset for _, init in found])
    yield row_of("boot.init.from_kernel_main", "instructions",
                 [init - entered for entered, init in found])
    yield row_of("boot.init.from_reset", "instructions",
                 [init for _, init in found])


def wall_row(bench, tiny, boots):
    """Milliseconds of tools/run with a kernel that powers off at once,
    and with one of a few instructions."""
    ours, bare = [], []
    for _ in range(boots):
        for image, times in ((bench.image, ours), (tiny, bare)):
            start = time.monotonic()
            bench.kernel("", icount=False, image=image)
            times.append((time.monotonic() - start) * 1000)
    row = row_of("boot.wall", "ms", ours)
    row.note = f"a kernel of 20 instructions: {sorted(bare)[len(bare) // 2]:.0f}"
    return row


def counted_loop(image):
    """Instructions of one turn of bench_counted_loop, as disassembled."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn",
                           "--disassemble=bench_counted_loop", image],
                          stdout=subprocess.PIPE, check=False).stdout.decode()
    addresses = []
    for line in text.splitlines():
        m = re.match(r"\s*([0-9a-f]+):\s+(\S+)\s*(?:([0-9a-f]+)\b)?", line)
        if not m:
            continue
        addresses.append(int(m[1], 16))
        if m[2].startswith("j") and m[3] and int(m[3], 16) in addresses:
            return len(addresses) - addresses.index(int(m[3], 16))
    return None


def check_counter(bench, found):
    for row in found:
        if row.name == "counter.loop":
            expected = counted_loop(bench.image)
            row.note = f"the loop has {expected} instructions"
            if expected is None or round(row.min) != expected:
                bench.failures.append(
                    f"counter.loop: {row.min} a turn, but {row.note}: this "
                    "counter does not count instructions")


def run_plan(bench, plans, plan, quick):
    say(f"bench: {' '.join(plan.words) or 'everything'} with "
        f"{plan.settings or 'the defaults'}")
    words = [*plan.words, *(["n=21"] if quick else [])]
    output = bench.bench(words, plan.settings)
    found = [row.in_unit(1, "instructions") for row in output.rows]
    for row in found:
        plans.mark(row, plan.settings)
    check_counter(bench, found)
    return found


def run(bench, asked, quick):
    tiny = os.path.join(OUT, "tiny.elf")
    tiny_kernel(tiny)
    found = []
    if both(asked, ("boot.init",)):
        found += boot_rows(bench, tiny, 1 if quick else 3)
    if not quick and both(asked, ("boot.wall",)):
        found.append(wall_row(bench, tiny, 7))
    plans = Plans(bench, asked)
    chosen = [] if plans.only_waiting() else [plans.first()]
    if not quick:
        chosen += [] if plans.only_waiting() else plans.variations()
    # Nothing happens while they wait, so here it takes no time.
    chosen += [plan for plan in plans.waiting()
               if not quick or not plan.settings]
    for plan in chosen:
        found += run_plan(bench, plans, plan, quick)
    return found
