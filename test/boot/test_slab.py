"""The slab allocator seen from the console: slabinfo as text and as JSON, and
pictures of caches.

The text is read as programs elsewhere read it: a first line with the version, a
second one with the names of columns, then a line for each cache, all in this order
and nothing else.
"""

import json
import re

import pytest

from kernel import Boot

# CPUs and nodes where the port has several.
BOOTS = {
    "i386": Boot("i386", "kmalloc=slab"),
    "host": Boot("host", "kmalloc=slab nodes=2", cpus=4),
}

VERSION = "slabinfo - version: 2.1"
COLUMNS = ("# name            <active_objs> <num_objs> <objsize> <objperslab> "
           "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> "
           ": slabdata <active_slabs> <num_slabs> <sharedavail>")
STATISTICS = (" : globalstat <listallocs> <maxobjs> <grown> <reaped> <error> "
              "<maxfreeable> <nodeallocs> <remotefrees> <alienoverflow> "
              ": cpustat <allochit> <allocmiss> <freehit> <freemiss>")
# Readers take numbers between blanks and colons as words of their own.
LINE = re.compile(
    r"(?P<name>\S+) +(?P<active_objs>\d+) +(?P<num_objs>\d+) +(?P<objsize>\d+) "
    r"+(?P<objperslab>\d+) +(?P<pagesperslab>\d+) : tunables +(?P<limit>\d+) "
    r"+(?P<batchcount>\d+) +(?P<sharedfactor>\d+) : slabdata "
    r"+(?P<active_slabs>\d+) +(?P<num_slabs>\d+) +(?P<sharedavail>\d+)"
    r"(?P<rest> : globalstat +(?P<listallocs>\d+) +(?P<maxobjs>\d+) "
    r"+(?P<grown>\d+) +(?P<reaped>\d+) +(?P<error>\d+) +(?P<maxfreeable>\d+) "
    r"+(?P<nodeallocs>\d+) +(?P<remotefrees>\d+) +(?P<alienoverflow>\d+) : cpustat "
    r"+(?P<allochit>\d+) +(?P<allocmiss>\d+) +(?P<freehit>\d+) +(?P<freemiss>\d+))?")
# What a JSON object has beside the fields of the line itself.
GROUPS = {
    "tunables": ("limit", "batchcount", "sharedfactor"),
    "slabdata": ("active_slabs", "num_slabs", "sharedavail"),
    "globalstat": ("listallocs", "maxobjs", "grown", "reaped", "error",
                   "maxfreeable", "nodeallocs", "remotefrees", "alienoverflow"),
    "cpustat": ("allochit", "allocmiss", "freehit", "freemiss"),
}


@pytest.fixture(params=BOOTS)
def kernel(request, start):
    """At its prompt."""
    boot = BOOTS[request.param]
    kernel = start(boot.port, boot.append, cpus=boot.cpus)
    kernel.prompt()
    return kernel


def slabinfo(kernel, lines, statistics):
    """[{column: value}], after a look at every character."""
    if statistics:
        assert lines[:2] == [VERSION + " (statistics)", COLUMNS + STATISTICS]
    else:
        assert lines[:2] == [VERSION, COLUMNS]
    caches = []
    for line in lines[2:]:
        match = LINE.fullmatch(line)
        if not match or (match["rest"] is not None) != statistics:
            raise kernel.failure(f"not a line of slabinfo: {line!r}")
        # The name is left-justified in 17, so that numbers stand below each other.
        assert line.startswith(f"{match['name']:<17} ")
        cache = match.groupdict()
        del cache["rest"]
        caches.append({name: value if name == "name" or value is None
                       else int(value) for name, value in cache.items()})
    return caches


def flat(cache):
    """A JSON object as slabinfo() would have it."""
    result = {name: value for name, value in cache.items() if name not in GROUPS}
    for group, names in GROUPS.items():
        assert tuple(cache[group]) == names
        result.update(cache[group])
    return result


def cache_of(caches, name):
    found = [cache for cache in caches if cache["name"] == name]
    assert len(found) == 1
    return found[0]


# -- slabinfo -----------------------------------------------------------------------


@pytest.mark.parametrize("statistics", [False, True], ids=["plain", "statistics"])
def test_text(kernel, statistics):
    """Version 2.1 to the letter, and numbers that can be."""
    lines = kernel.command("slabinfo -s" if statistics else "slabinfo")
    caches = slabinfo(kernel, lines, statistics)
    names = [cache["name"] for cache in caches]
    assert len(set(names)) == len(names)
    assert {"kmalloc-32", "kmalloc-4194304", "proc_struct"} <= set(names)
    for cache in caches:
        assert cache["active_objs"] <= cache["num_objs"]
        assert cache["active_slabs"] <= cache["num_slabs"]
        assert cache["num_objs"] == cache["num_slabs"] * cache["objperslab"]
        assert cache["objsize"] * cache["objperslab"] <= cache["pagesperslab"] * 4096
    assert cache_of(caches, "proc_struct")["active_objs"] >= 3


def test_json(kernel):
    """A document that says what the text says, cache by cache."""
    for _ in range(5):
        text = slabinfo(kernel, kernel.command("slabinfo -s"), True)
        document = json.loads("\n".join(kernel.command("slabinfo --json")))
        again = slabinfo(kernel, kernel.command("slabinfo -s"), True)
        # Unless the reaper came by in between.
        if text == again:
            break
    else:
        raise kernel.failure("slabinfo is never the same twice")
    assert document["slabinfo"] == "2.1"
    assert document["layer"] in ("array", "sheaf")
    assert [flat(cache) for cache in document["caches"]] == text


# -- pictures -------------------------------------------------------------------------


SLAB = re.compile(r" {4}(partial|full|free) +(0x[0-9a-f]+)  colour +(\d+)  "
                  r"(\d+) of (\d+) out(?:  ([.#s0-9a-f]+))?")
STRIP = re.compile(r" {8}([.#s0-9a-f]+)")
CPU = re.compile(r" +(\d+)  \[([#-]+)\] (\d+) of (\d+)(, top 0x[0-9a-f]+.*)?")


def picture(kernel, lines):
    """The slabs, each (list, colour, objects out, all objects, their strip), and what
    each CPU's array has."""
    slabs, cpus, index_lists = [], {}, 0
    for line in lines:
        assert len(line) <= 80 and line == line.rstrip(), line
        if match := SLAB.fullmatch(line):
            slabs.append([match[1], int(match[3]), int(match[4]), int(match[5]),
                          match[6] or ""])
        elif match := STRIP.fullmatch(line):
            slabs[-1][4] += match[1]
        elif match := CPU.fullmatch(line):
            cpus[int(match[1])] = int(match[3])
            assert (match[5] is not None) == (int(match[3]) > 0)
        elif "index list: " in line:
            # The head of what is free: these are free in the strip.
            free = [int(word) for word in re.sub(r"\.\.\. .*", "", line).split()[2:]]
            assert free and all(slabs[-1][4][i] == "." for i in free)
            index_lists += 1
    if not cpus:
        raise kernel.failure("no CPU is drawn")
    return slabs, cpus, index_lists


def quiet_picture(kernel, name):
    """A picture and slabinfo's line of the same moment."""
    for _ in range(5):
        before = kernel.command("slabinfo")
        lines = kernel.command(f"slab {name} 200")
        if kernel.command("slabinfo") == before:
            return lines, cache_of(slabinfo(kernel, before, False), name)
    raise kernel.failure("slabinfo is never the same twice")


@pytest.mark.parametrize("name", ["proc_struct", "kmalloc-192", "kmalloc-1024",
                                  "kmalloc-8192"])
def test_picture(kernel, name):
    """Every object is somewhere, once, and the sums are slabinfo's."""
    lines, info = quiet_picture(kernel, name)
    slabs, cpus, _ = picture(kernel, lines)
    assert len(cpus) == kernel.boot.cpus
    assert len(slabs) == info["num_slabs"]
    for which, _, out, num, strip in slabs:
        assert num == len(strip) == info["objperslab"]
        assert num - out == strip.count(".")
        assert which == ("full" if out == num else "partial" if out else "free")
    for cpu, held in cpus.items():
        drawn = sum(strip.count(f"{cpu:x}") for *_, strip in slabs)
        assert drawn == held
    assert sum(out for _, _, out, _, _ in slabs) == info["active_objs"]
    assert sum(strip.count("s") for *_, strip in slabs) >= info["sharedavail"]


def test_colours_in_turn(kernel):
    """Consecutive slabs of a cache begin one colour later, around and around."""
    kernel.command("spawn sleep 90")
    lines = kernel.command("slab proc_struct 200")
    text = "\n".join(lines)
    colours = re.search(r"(\d+) colours: a slab begins 0, (\d+), ", text)
    slabs, _, _ = picture(kernel, lines)
    used = sorted({slab[1] for slab in slabs})
    step = int(colours[2])
    assert len(slabs) >= 4
    assert used == [i * step for i in range(len(used))]
    assert len(used) == min(int(colours[1]), len(used)) > 1


def test_index_list(kernel):
    """Of small slabs that are partly free, the list of what goes out next."""
    lines = kernel.command("slab kmalloc-192 200")
    slabs, _, index_lists = picture(kernel, lines)
    assert index_lists == sum(slab[0] != "full" for slab in slabs)


def test_elided(kernel):
    """What is left out is said to be."""
    kernel.command("spawn sleep 90")
    lines = kernel.command("slab proc_struct 2")
    slabs, _, _ = picture(kernel, lines)
    assert any("only the first 2 are drawn" in line for line in lines)
    assert 2 <= len(slabs) <= 2 * 3 * 2
    lines = kernel.command("slab kmalloc-32")
    assert max(map(len, lines)) <= 80


def test_picture_while_it_runs(kernel):
    """Threads come and go on all CPUs meanwhile: pictures stay whole."""
    for _ in range(20):
        kernel.type("spawn exit 40; slab proc_struct; slab kmalloc-64 1\r")
        lines = kernel.prompt()
        for which, _, out, num, strip in picture(
                kernel, [line for line in lines if "spawn" not in line])[0]:
            assert which in ("partial", "full", "free") and out <= num
            assert len(strip) == num
    assert not kernel.matches("panic|BUG|kmem:.*pointer|second free")


@pytest.mark.parametrize("line, answer", [
    ("slab kmaloc-64", r"^there is no cache kmaloc-64$"),
    ("slab kmaloc-64", r"^similar:$"), ("slab kmaloc-64", r"  kmalloc-64\b"),
    ("slab proc", r"  proc_struct\b"),
    ("slab frobnicate", r"^there is no cache frobnicate$"),
    ("slab frobnicate", r"  kmem_cache  kmem_cache_node  kmalloc-32"),
    (f"slab {'x' * 100}", r"^there is no cache x{40}$"),
    ("slab", r"^usage: slab NAME"), ("slab a b c", r"^usage: slab NAME"),
    ("slab kmalloc-64 0", r"\b0\b.*1 to 200"),
    ("slab kmalloc-64 many", r"\bmany\b.*1 to 200"),
    ("slabinfo --jsn", r"^usage: slabinfo .*--json"),
    ("slabinfo nothing 1 1 1", "no such cache"),
])
def test_wrong_arguments(kernel, line, answer):
    lines = kernel.command(line)
    assert any(re.search(answer, said) for said in lines), kernel.failure(
        f"no line matches {answer!r}")


@pytest.mark.parametrize("command", ["slab kmalloc-64", "slabinfo --json", "slabinfo"])
def test_another_back_end(start, command):
    kernel = start("host", "kmalloc=slob")
    kernel.prompt()
    lines = kernel.command(command)
    assert any(re.search("kmalloc=", line) for line in lines)
