"""Rows, as the kernel and the peer programs print them, and what is made of them."""

import re

ROW = re.compile(r"(?:bench|peer): (\S+) n=(\d+) ops=(\d+) median=([\d.]+)"
                 r" min=([\d.]+) max=([\d.]+)")
SKIPPED = re.compile(r"bench: skipped (.*)")
BOOT = re.compile(r"bench: boot\.init entered=(\d+) init=(\d+)")
RATE = re.compile(r"bench: counter\.rate ticks=(\d+) of=(\d+) cycles=(\d+)")

# Rows of several CPUs at once. Whatever else runs on the machine takes a processor from
# one of them and makes the others wait: only samples that nothing disturbed tell
# something, so these are compared by their minimum.
SEVERAL_CPUS = (".handover.", ".scale.")
# A median so far from the minimum, or so many ns for an operation, are Linux's time
# slices: two sides that shared a processor.
DISTURBED_RATIO = 2
DISTURBED_NS = 1000

# Rows that count something else than the port's counter does: (part of the name, unit).
UNITS = ((".memory.", "bytes/byte"),)


class Row:
    """One line of the table: numbers are per operation."""

    def __init__(self, name, n, median, low, high, unit=None, ops=1):
        self.name, self.n, self.ops = name, n, ops
        self.median, self.min, self.max = median, low, high
        self.unit = next((u for part, u in UNITS if part in name), unit)
        self.settings, self.label = {}, ""
        self.peers, self.ratios = {}, {}  # by peer: its median, ours to it
        self.aim, self.note = None, ""
        self.is_disturbed = False  # says more about the machine than about us

    def typical(self):
        """What it is compared by."""
        if more_is_better(self.name):
            return self.max
        if any(part in self.name for part in SEVERAL_CPUS):
            return self.min
        return self.median

    def look_for_disturbance(self):
        if any(part in self.name for part in SEVERAL_CPUS):
            self.is_disturbed = (self.median > DISTURBED_RATIO * self.min or
                                 (self.unit == "ns" and
                                  self.min > DISTURBED_NS))

    def full_name(self):
        return f"{self.name}@{self.label}" if self.label else self.name

    def in_unit(self, factor, unit):
        """The same, a reading of the counter being `factor` of a unit."""
        if self.unit is not None:
            return self
        row = Row(self.name, self.n, self.median * factor, self.min * factor,
                  self.max * factor, unit, self.ops)
        row.settings, row.label = self.settings, self.label
        row.is_disturbed = self.is_disturbed
        row.look_for_disturbance()
        return row

    def as_json(self):
        found = {"name": self.full_name(), "unit": self.unit, "n": self.n,
                 "median": round(self.median, 2), "min": round(self.min, 2),
                 "max": round(self.max, 2), "note": self.note,
                 "settings": self.settings,
                 "disturbed": self.is_disturbed,
                 "peers": {k: round(v, 2) for k, v in self.peers.items()},
                 "ratios": {k: round(v, 3) for k, v in self.ratios.items()}}
        if self.aim:
            found["aim"] = self.aim.text()
            found["met"] = self.aim.is_met(self)
        return found


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def row_of(name, unit, values):
    return Row(name, len(values), median(values), min(values), max(values),
               unit)


def merge(found):
    """One row from the same row of several runs: median of the medians, of those
    that nothing disturbed if there are any."""
    found = [row for row in found if not row.is_disturbed] or found
    row = Row(found[0].name, sum(row.n for row in found),
              median(row.median for row in found),
              min(row.min for row in found), max(row.max for row in found),
              found[0].unit, found[0].ops)
    row.settings, row.label = found[0].settings, found[0].label
    row.note = found[0].note
    row.is_disturbed = all(one.is_disturbed for one in found)
    return row


class Output:
    """What a run of the kernel, or of a peer program, said."""

    def __init__(self, text, unit=None):
        self.text, self.status = text, None
        self.rows = with_derived(
            [Row(m[1], int(m[2]), *map(float, m.groups()[3:6]), unit,
                 int(m[3])) for m in ROW.finditer(text)])
        self.skipped = SKIPPED.findall(text)
        boot = BOOT.search(text)
        self.boot = tuple(map(int, boot.groups())) if boot else None
        rate = RATE.search(text)
        # Of the counter, in Hz.
        self.rate = (int(rate[3]) * int(rate[2]) / int(rate[1])
                     if rate else None)

    def is_complete(self):
        return "bench: done" in self.text

    def found_nothing(self):
        return "bench: nothing of that name" in self.text


def quotient(name, above, below):
    value = above.typical() / below.typical() if below.typical() else 0
    row = Row(name, min(above.n, below.n), value, value, value, "x")
    row.is_disturbed = above.is_disturbed or below.is_disturbed
    return row


def with_derived(found):
    """The rows, and behind each those that are made of it and another one."""
    by_name = {row.name: row for row in found}
    for row in found:
        row.look_for_disturbance()
    rows = []
    for row in found:
        rows.append(row)
        alone = by_name.get(re.sub(r"\.\d+$", ".1", row.name))
        if ".scale." in row.name and alone not in (None, row):
            rows.append(quotient(f"{row.name}.throughput", alone, row))
        usual = by_name.get(row.name.removesuffix(".worst"))
        if usual not in (None, row):
            rows.append(quotient(f"{row.name}_to_median", row, usual))
    return rows


def more_is_better(name):
    return name.endswith(".throughput")
