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


def test_kmem(kernel):
    """The sums of slabinfo; what is given back is missing afterwards."""
    for _ in range(5):
        before = kernel.command("slabinfo")
        lines = kernel.command("kmem")
        if kernel.command("slabinfo") == before:
            break
    else:
        raise kernel.failure("slabinfo is never the same twice")
    caches = slabinfo(kernel, before, False)
    numbers = [int(word) for line in lines for word in re.findall(r"\d+", line)]
    assert numbers == [
        len(caches), sum(cache["num_slabs"] for cache in caches),
        sum(cache["num_slabs"] * cache["pagesperslab"] for cache in caches),
        sum(cache["active_objs"] for cache in caches)]
    given_back = kernel.command("kmem shrink")
    assert re.fullmatch(r"kmem: \d+ pages given back", given_back[0])
    pages = int(re.search(r"of (\d+) pages", "\n".join(given_back))[1])
    assert pages <= numbers[2]


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
CPU = re.compile(r" +(\d+)  \[([#-]+)\] (\d+) of (\d+)(?: \+(\d+))?"
                 r"(, top 0x[0-9a-f]+.*)?")


def picture(kernel, lines):
    """The slabs, each (list, colour, objects out, all objects, their strip), and what
    each CPU's array has."""
    slabs, cpus, index_lists = [], {}, 0
    for line in lines:
        assert len(line) < 80 and line == line.rstrip(), line
        if match := SLAB.fullmatch(line):
            slabs.append([match[1], int(match[3]), int(match[4]), int(match[5]),
                          match[6] or ""])
        elif match := STRIP.fullmatch(line):
            slabs[-1][4] += match[1]
        elif match := CPU.fullmatch(line):
            cpus[int(match[1])] = int(match[3]) + int(match[5] or 0)
            assert int(match[3]) <= int(match[4])
            assert (match[6] is not None) == (int(match[3]) > 0)
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
    lines = kernel.command("slab kmem_cache 200")
    text = "\n".join(lines)
    colours = re.search(r"(\d+) colours: a slab begins 0, (\d+), ", text)
    slabs, _, _ = picture(kernel, lines)
    used = sorted({slab[1] for slab in slabs})
    step = int(colours[2])
    assert len(slabs) >= 3
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
    assert max(map(len, lines)) < 80


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
    ("slabinfo nothing 1 1 1", "no such cache"), ("kmem frob", r"^usage: kmem"),
])
def test_wrong_arguments(kernel, line, answer):
    lines = kernel.command(line)
    assert any(re.search(answer, said) for said in lines), kernel.failure(
        f"no line matches {answer!r}")


def test_kmem_of_slob(start):
    kernel = start("host", "kmalloc=slob fit=best")
    kernel.prompt()
    lines = kernel.command("kmem")
    assert lines[0] == "slob: best fit"
    assert all(line.startswith("slob: ") for line in lines)


@pytest.mark.parametrize("command", ["slab kmalloc-64", "slabinfo --json", "slabinfo"])
def test_another_back_end(start, command):
    kernel = start("host", "kmalloc=slob")
    kernel.prompt()
    lines = kernel.command(command)
    assert any(re.search("kmalloc=", line) for line in lines)


# -- colours ----------------------------------------------------------------------------


SETS = re.compile(r" +(.*): (\d+) of (\d+) sets used, at most (\d+) of (\d+) in one")


def histograms(kernel, lines):
    """{what: (sets used, sets, most slabs in one, slabs)}, checked against the bars."""
    found = {}
    for line, bar in zip(lines, lines[1:]):
        assert len(line) < 80, line
        if match := SETS.fullmatch(line):
            used, sets, most, slabs = map(int, match.groups()[1:])
            found[match[1]] = used, sets, most, slabs
            columns = bar.strip().strip("|")
            assert len(columns) == sets
            assert sum(column != "." for column in columns) == used
            if most < 36:
                values = [int(column, 36) for column in columns if column != "."]
                assert max(values) == most and sum(values) == slabs
    if not found:
        raise kernel.failure("no histogram")
    return found


def test_colours_of_a_cache(kernel):
    found = histograms(kernel, kernel.command("colours kmem_cache"))
    used, _, _, slabs = found["as they are"]
    assert 1 < used <= slabs
    used, _, most, slabs = found["less their colours"]
    assert used == 1 and most == slabs


@pytest.mark.parametrize("size, num, colours", [
    (512, 7, 8), (128, 31, 2), (1024, 4, 1), (2048, 2, 1)])
def test_colours_of_a_size(kernel, size, num, colours):
    """64 slabs with and without; powers of two give up an object, if it is cheap."""
    lines = kernel.command(f"colours {size}")
    found = histograms(kernel, lines)
    assert found["without colours"] == (1, 64, 64, 64)
    assert found["with colours"] == (colours, 64, -(-64 // colours), 64)
    with_colours = [line for line in lines if "bytes an object" in line][1]
    found = re.match(rf"{size} bytes an object, (\d+) a slab; (\d+) colour",
                     with_colours)
    assert (int(found[1]), int(found[2])) == (num, colours)
    assert sum("cycles an object" in line for line in lines) == 2
    assert not any("trial" in line for line in kernel.command("slabinfo"))


def test_colours_of_larger_ways(kernel):
    found = histograms(kernel, kernel.command("colours 512 64K"))
    assert found["with colours"][1] == 64
    assert found["without colours"][0] > 1


def test_colour_off(start):
    """Every slab begins alike, and gives up nothing."""
    kernel = start("host", "kmalloc=slab colour=off")
    kernel.prompt()
    kernel.command("spawn sleep 90")
    lines = kernel.command("slab proc_struct 200")
    slabs, _, _ = picture(kernel, lines)
    assert len(slabs) > 1 and all(slab[1] == 0 for slab in slabs)
    assert any(line.startswith("  1 colour:") for line in lines)
    assert any("512 bytes an object, 8 a slab; 1 colour," in line
               for line in kernel.command("colours 512"))


@pytest.mark.parametrize("line, answer", [
    ("colours", r"^usage: colours"), ("colours a b c", r"^usage: colours"),
    ("colours 3", r"\b3\b.*to 8192"), ("colours 8193", r"\b8193\b.*to 8192"),
    ("colours 512 3000", r"\b3000\b.*power of two"),
    ("colours 512 64", r"\b64\b.*power of two"), ("colours 0", r"\b0\b"),
    ("colours proc_strukt", r"^there is no cache proc_strukt$"),
    ("trace n=0", r"n=0\b.*n=1 to"), ("trace n=500001", r"n=500001\b.*n=1 to"),
    ("trace n=", r"n=:.*n=1 to"), ("trace 5", r"trace: 5:"),
    ("trace seed=x", r"seed=x\b"),
])
def test_wrong_arguments_too(kernel, line, answer):
    test_wrong_arguments(kernel, line, answer)


# -- back ends side by side ---------------------------------------------------------------


def trace(kernel, line):
    """{row: {back end: number}}, and the lines before the table."""
    lines = kernel.command(line)
    names = lines[2].split()
    assert sorted(names) == ["slab", "slob"]
    table = {}
    for row in lines[3:]:
        assert len(row) < 80
        if match := re.fullmatch(r"(.*?)((?: +\d+){2})", row):
            table[match[1].strip()] = dict(zip(names, map(int, match[2].split())))
    return table, lines[:2]


def test_trace(kernel):
    """The same requests twice are the same; nothing is kept in the end."""
    first, said = trace(kernel, "trace n=20000")
    second, said_again = trace(kernel, "trace n=20000 seed=1")
    assert said == said_again
    other, said_other = trace(kernel, "trace n=20000 seed=2")
    assert said_other[1] != said[1]
    for table in first, second, other:
        assert set(table["requests without memory"].values()) == {0}
        assert set(table["pages after shrinking"].values()) == {0}
        for name in "slab", "slob":
            asked = table["percent of these that were asked for"][name]
            assert 50 < asked <= 100
            # Slab makes sheaves while objects come back, and keeps a burst.
            slack = 1.1 if name == "slab" else 1
            assert (table["pages at the peak"][name]
                    >= table["pages after the requests"][name]
                    >= table["pages after nine of ten are freed"][name] / slack
                    >= table["pages after all are freed"][name] / slack ** 2)
            assert (table["pages after the requests"][name] * 4096
                    >= table["bytes of the objects in them"][name])
    objects = "bytes of the objects in them"
    assert first[objects] == second[objects]
    assert first[objects]["slab"] > first[objects]["slob"]
