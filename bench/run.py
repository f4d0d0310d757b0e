"""Runs the benchmarks of one port; see bench/run and docs/benchmarks.md."""

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import time

import peers
import rows

MEM = int(os.environ.get("MEM", "128"))
# MiB that the rows with 4,000 threads need; stacks are large on the host port.
MEM_MIN = {"i386": 64, "host": 512}
OUT = os.path.join(os.environ.get("O", "build"), "bench")
TIMEOUT = 600  # seconds for one run of a kernel

ROW = re.compile(r"(?:bench|peer): (\S+) n=(\d+) ops=(\d+) median=([\d.]+)"
                 r" min=([\d.]+) max=([\d.]+)")
SKIPPED = re.compile(r"bench: skipped (.*)")
BOOT = re.compile(r"bench: boot\.init entered=(\d+) init=(\d+)")
CHOICES = re.compile(r"boot: (\w+)=\?: .*\(([^)]*)\); it stays (\S+)")
RATE = re.compile(r"bench: counter\.rate ticks=(\d+) of=(\d+) cycles=(\d+)")

# -icount: the time stamp counter counts the guest's instructions, from reset on.
ICOUNT = "-icount shift=0,sleep=off"


def say(text):
    print(text, file=sys.stderr, flush=True)


class Row:
    """One line of the table: numbers are per operation."""

    def __init__(self, name, n, median, low, high, unit=None):
        self.name, self.n, self.unit = name, n, unit
        self.median, self.min, self.max = median, low, high
        self.settings, self.peers = {}, {}
        self.aim, self.note = None, ""

    def scaled(self, factor, unit):
        row = Row(self.name, self.n, self.median * factor, self.min * factor,
                  self.max * factor, unit)
        row.settings = self.settings
        return row

    def as_json(self):
        return {"name": self.name, "unit": self.unit, "n": self.n,
                "median": round(self.median, 2), "min": round(self.min, 2),
                "max": round(self.max, 2), "note": self.note,
                "peers": {k: round(v, 2) for k, v in self.peers.items()}}


def merge(found):
    """One row from the same row of several runs: median of the medians."""
    medians = sorted(row.median for row in found)
    row = Row(found[0].name, sum(row.n for row in found),
              medians[len(medians) // 2], min(row.min for row in found),
              max(row.max for row in found), found[0].unit)
    row.settings = found[0].settings
    return row


class Output:
    """What a run of the kernel, or of a peer program, said."""

    def __init__(self, text):
        self.text = text
        self.rows = [Row(m[1], int(m[2]), *map(float, m.groups()[3:6]))
                     for m in ROW.finditer(text)]
        self.skipped = SKIPPED.findall(text)
        boot = BOOT.search(text)
        self.boot = tuple(map(int, boot.groups())) if boot else None
        rate = RATE.search(text)
        # Of the counter, in Hz.
        self.rate = (int(rate[3]) * int(rate[2]) / int(rate[1])
                     if rate else None)

    def complete(self):
        return "bench: done" in self.text


class Bench:
    def __init__(self, port, image):
        self.port, self.image = port, image
        self.mem = max(MEM, MEM_MIN[port])
        self.failures = []

    def kernel(self, script, settings=None, icount=True, image=None,
               wrapper=()):
        """Boots it with run="script; poweroff"; an Output, or None."""
        words = [f"{k}={v}" for k, v in (settings or {}).items()]
        script = f"{script}; poweroff" if script else "poweroff"
        words.append(f'run="{script}"')
        env = dict(os.environ, PORT=self.port, IMAGE=image or self.image,
                   MEM=str(self.mem), CPUS="1", APPEND=" ".join(words),
                   QEMU_FLAGS=ICOUNT if icount else "")
        command = [*wrapper, "tools/run"]
        if self.port == "host" and wrapper:
            command = [*wrapper, self.image, f"mem={self.mem}M", "cpus=1",
                       env["APPEND"]]
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

    def bench(self, names="", settings=None, **how):
        """Runs `bench names`; what it said, complete or not."""
        output = self.kernel(f"bench {names}".strip(), settings, **how)
        if output is None:
            return Output("")
        for row in output.rows:
            row.settings = dict(settings or {})
        for line in output.skipped:
            self.failures.append(f"skipped: {line}")
        if not output.complete() or output.status != 0:
            tail = "\n".join(output.text.splitlines()[-15:])
            self.failures.append(f"bench {names} {settings or ''}: the kernel "
                                 f"ended with {output.status}:\n{tail}")
        return output

    def choices(self, option):
        """The values that a boot option can have, the default first."""
        # A wrong value is reported together with the right ones.
        output = self.kernel("", {option: "?"}, icount=False)
        found = output and CHOICES.search(output.text)
        if not found or found[1] != option:
            self.failures.append(f"{option}: its values are not known")
            return []
        values, default = found[2].split("|"), found[3]
        return [default] + [value for value in values if value != default]


# -- i386 -------------------------------------------------------------------------


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


def row_of(name, unit, values):
    values = sorted(values)
    return Row(name, len(values), values[len(values) // 2], values[0],
               values[-1], unit)


def boot_rows(bench, tiny, boots):
    """boot.init from reset, from the first instruction, from kernel_main."""
    reset = entered_at(bench, tiny)
    found = [bench.bench("boot.init").boot for _ in range(boots)]
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
    row.peers["a kernel of 20 instructions"] = sorted(bare)[len(bare) // 2]
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


# The rows that a setting matters to.
CONCERNS = {"pages": ("page.",), "fit": ("slob.", "kmalloc.")}


def run_i386(bench, quick):
    tiny = os.path.join(OUT, "tiny.elf")
    tiny_kernel(tiny)
    boots = 1 if quick else 3
    found = list(boot_rows(bench, tiny, boots))
    if not quick:
        found.append(wall_row(bench, tiny, 7))
    pages, fits = bench.choices("pages"), bench.choices("fit")
    settings = {key: values[0] for key, values in
                (("pages", pages), ("fit", fits)) if values}
    say("bench: everything, with the defaults")
    output = bench.bench("n=21" if quick else "", settings)
    check_counter(bench, output.rows)
    for row in output.rows:
        row.unit = "instructions"
        row.settings = {key: value for key, value in settings.items()
                        if row.name.startswith(CONCERNS[key])}
    found += output.rows
    if quick:
        return found
    for key, names, values in (("pages", "page", pages[1:]),
                               ("fit", "slob", fits[1:])):
        for value in values:
            say(f"bench: {names}.* with {key}={value}")
            for row in bench.bench(names, {key: value}).rows:
                row.unit = "instructions"
                row.name = f"{row.name}@{key}={value}"
                found.append(row)
    return found


# -- host -------------------------------------------------------------------------


def host_round(bench, found):
    """One run of the kernel; its rows in ns."""
    output = bench.bench()
    if not output.rate:
        bench.failures.append("the counter could not be held against the clock")
        return
    factor = 1e9 / output.rate
    for row in output.rows:
        if row.name != "counter.loop":
            found.setdefault(row.name, []).append(row.scaled(factor, "ns"))
    if output.boot:
        entered, init = output.boot
        ns = (init - entered) * factor
        found.setdefault("boot.init", []).append(
            Row("boot.init", 1, ns, ns, ns, "ns"))


def instructions(bench, name, samples):
    """Of a whole run. By cachegrind: callgrind follows calls and returns, and
    threads that leave their stacks confuse it."""
    output = bench.kernel(f"bench n={samples} {name}", wrapper=(
        "valgrind", "--tool=cachegrind", "--cache-sim=no",
        "--cachegrind-out-file=/dev/null"))
    total = re.search(r"I +refs: +([\d,]+)", output.text) if output else None
    if not total or not output.complete():
        return None
    return int(total[1].replace(",", ""))


# Rows whose instructions matter on the host port as well, with the operations of
# one sample.
INSTRUCTIONS = {"slob.pair.192": 1000, "page.pair.order0": 1000,
                "kmalloc.pair.variable": 1000, "switch.yield.2": 2000,
                "page.pair.order3": 1000, "switch.wakeup": 2000,
                "thread.create_exit_wait": 100}


def instruction_rows(bench):
    """What n=41 executes more than n=1 are 40 samples."""
    more = 40
    for name, ops in INSTRUCTIONS.items():
        say(f"bench: {name} under cachegrind")
        few = instructions(bench, name, 1)
        many = instructions(bench, name, 1 + more)
        if not few or not many:
            say(f"bench: {name}: cachegrind could not run it")
            continue
        value = (many - few) / (more * ops)
        row = Row(f"{name}.instructions", more, value, value, value,
                  "instructions")
        row.note = "cachegrind, all of the process"
        yield row


def run_host(bench, quick):
    rounds = 1 if quick else 5
    ours, theirs = {}, {}
    programs = peers.Programs(OUT, say)
    for i in range(rounds):
        say(f"bench: round {i + 1} of {rounds}")
        host_round(bench, ours)
        for peer, text in programs.run():
            for row in Output(text).rows:
                theirs.setdefault((row.name, peer), []).append(row.median)
    found = [merge(samples) for samples in ours.values()]
    for row in found:
        for (name, peer), medians in theirs.items():
            base = peers.peer_row(row.name)
            if name == base and peers.plays(peer, row.name):
                row.peers[peer] = sorted(medians)[len(medians) // 2]
    if not quick and peers.need("valgrind:valgrind"):
        found += instruction_rows(bench)
    return found


# -- the table --------------------------------------------------------------------


def number(value):
    return f"{value:,.0f}" if value >= 10000 else f"{value:,.2f}"


def verdict(row):
    if row.aim is None:
        return ""
    # Reading the counter costs a hundredth of an instruction an operation.
    return "met" if round(row.median) <= row.aim else "missed"


def print_table(found):
    head = ("row", "n", "median", "min", "max", "unit", "aim", "", "note")
    lines = [head]
    for row in found:
        note = row.note
        if row.peers:
            note += "; " if note else ""
            note += ", ".join(f"{k} {number(v)}" for k, v in row.peers.items())
        lines.append((row.name, str(row.n), number(row.median),
                      number(row.min), number(row.max), row.unit,
                      "" if row.aim is None else f"<= {row.aim:,}",
                      verdict(row), note))
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        cells = [cell.rjust(width) if i in (1, 2, 3, 4, 6) else
                 cell.ljust(width) for i, (cell, width) in
                 enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def finish(bench, found):
    """Gives every row its aim and its note."""
    for row in found:
        row.aim, note = rows.aim_of(bench.port, row.name.split("@")[0],
                                    row.settings)
        parts = [f"{key}={value}" for key, value in row.settings.items()]
        row.note = ", ".join(filter(None, [*parts, row.note, note]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true",
                        help="fewer samples, no other policies, no cachegrind")
    quick = parser.parse_args().quick
    port = os.environ.get("PORT", "i386")
    image = os.environ.get("IMAGE") or {
        "i386": "build/i386/ashlar.elf", "host": "build/host/ashlar"}[port]
    os.makedirs(OUT, exist_ok=True)
    bench = Bench(port, image)
    found = {"i386": run_i386, "host": run_host}[port](bench, quick)
    finish(bench, found)
    print_table(found)
    path = os.path.join(OUT, f"{port}.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump([row.as_json() for row in found], out, indent=1)
        out.write("\n")
    print(f"{len(found)} rows in {path}")
    for failure in bench.failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if bench.failures or not found else 0


if __name__ == "__main__":
    sys.exit(main())
