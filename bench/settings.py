"""Boot settings under which rows are measured, as data.

The plain rows are the kernel's as it boots without settings. For each setting below
that this kernel knows, the rows that it matters to are measured again with each of
its other values.
"""

from typing import NamedTuple


class Setting(NamedTuple):
    name: str
    # What it is measured by, and what its value is told beside.
    rows: tuple
    concerns: tuple
    ports: tuple = ("i386", "host")
    # Other settings without which it means nothing.
    needs: dict = {}


OBJECTS = ("slob", "slab", "kmalloc", "cache")
SLAB = {"kmalloc": "slab"}

SETTINGS = (
    Setting("pages", ("page",), ("page",), ports=("i386",)),
    Setting("kmalloc", OBJECTS, ("kmalloc", "cache")),
    Setting("fit", ("slob",), OBJECTS, ports=("i386",),
            needs={"kmalloc": "slob"}),
    Setting("cpu", ("slab", "kmalloc.pair", "kmalloc.batch", "kmalloc.replace",
                    "cache.memory"), OBJECTS, needs=SLAB),
    Setting("fast", ("slab.pair", "kmalloc.pair", "slab.batch",
                     "slab.handover"), OBJECTS, needs=SLAB),
    Setting("colour", ("slab.walk", "kmalloc.replace", "cache.memory"),
            OBJECTS, needs=SLAB),
)

# Rows that need more CPUs than one, and how many the machine has then.
CPUS = ((2, ("slab.handover",)), (4, ("slab.scale",)))
MORE_CPUS_PORTS = ("host",)

# Rows for which half a minute of the kernel's time passes. It measures them where they
# are named in full; they get boots of their own.
WAITING = tuple(f"cache.memory.{size}.reaped" for size in (24, 200, 1100))


def is_of(name, beginnings):
    """Whether a row's name begins with one of these, up to a dot (or a number:
    "slab.batch" begins slab.batch10.fifo)."""
    return any(name.startswith(part) for part in beginnings)


def both(asked, rows):
    """The words that mean what both lists of words mean; () for `asked` is all."""
    if not asked:
        return tuple(rows)
    found = [word for word in asked if is_of(word, rows)]
    found += [row for row in rows if is_of(row, asked) and row not in found]
    return tuple(found)


class Plan(NamedTuple):
    """One run of the kernel."""
    settings: dict  # on its command line
    words: tuple    # rows; () is all
    cpus: int = 1


class Plans:
    """All runs that this kernel and this choice of rows ask for."""

    def __init__(self, bench, asked):
        self.defaults, self.values = {}, {}
        self.asked = asked  # all of them; () is all there are
        self.at_once = tuple(word for word in asked if word not in WAITING)
        for setting in SETTINGS:
            values = bench.choices(setting.name)
            if values:
                self.defaults[setting.name] = values[0]
                self.values[setting.name] = values
        self.port = bench.port

    def label(self, name, settings):
        """"kmalloc=slob": what is not as the kernel boots by itself. Names that
        say who serves need no setting to say it again."""
        told = {key: value for key, value in settings.items()
                if self.defaults.get(key) != value}
        if is_of(name, ("slob", "slab")):
            told.pop("kmalloc", None)
        return ",".join(f"{key}={value}" for key, value in told.items())

    def facts(self, name, settings):
        """The settings to tell beside a row, the kernel's own choices too."""
        now = {**self.defaults, **settings}
        return {s.name: now[s.name] for s in SETTINGS
                if s.name in now and is_of(name, s.concerns) and
                all(now.get(key) == value for key, value in s.needs.items())}

    def mark(self, row, settings):
        """Notes in a row how the kernel was booted."""
        row.settings = self.facts(row.name, settings)
        row.label = self.label(row.name, settings)
        if row.name in WAITING:
            row.note = "one sample, the reaper at rest"

    def only_waiting(self):
        return bool(self.asked) and not self.at_once

    def first(self):
        return Plan({}, self.at_once)

    def variations(self):
        return self._variations(self.at_once)

    def waiting(self):
        """The rows that wait, under each setting that matters to them."""
        for plan in (Plan({}, self.asked), *self._variations(self.asked)):
            words = both(plan.words, WAITING)
            if words:
                yield plan._replace(words=words)

    def _variations(self, asked):
        for setting in SETTINGS:
            words = both(asked, setting.rows)
            if self.port not in setting.ports or not words:
                continue
            for value in self.values.get(setting.name, ())[1:]:
                yield Plan({**setting.needs, setting.name: value}, words)

    def with_more_cpus(self, plan):
        """The runs on several CPUs that belong to a plan."""
        if self.port not in MORE_CPUS_PORTS:
            return
        for cpus, rows in CPUS:
            words = both(plan.words, rows)
            if words:
                yield plan._replace(words=words, cpus=cpus)
