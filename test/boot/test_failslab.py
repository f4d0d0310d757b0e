"""Allocations that fail on purpose: settings, commands, and a walk through start-up.

failslab=, failpoint= (debug builds) and the commands of these names are tried; in
the walk each allocation of the start-up fails in turn.

The walk boots with the first allocation failing, then with the second, and so
on, until a boot met no failure. Each boot either panics and says that it had no
memory for something, or it goes on with everything in its place.
"""

import collections
import concurrent.futures
import re

import pytest

from conftest import AT_ONCE
from kernel import BUILD, PANIC_STATUS, Boot

DEBUG = {port: str(BUILD / f"{port}-debug" / image)
         for port, image in (("host", "ashlar"), ("i386", "ashlar.elf"))}
PORTS = ["i386", "host"]
MEM = 64

# What a kernel that went on has to show. The failure is turned off before: it is
# start-up that is walked through. Some of these commands fail where slob serves, so
# the status is given.
SCRIPT = ("{option}; {option} off; check kmem_cache; check wait; slabinfo; ps; "
          "failslab; poweroff 0")
FIRED = r"^(?:failslab|failpoint): allocation (\d+) fails: (.*)$"
COUNTS = r"^(?:failslab|failpoint): (\d+) of (\d+) failed"
NO_MEMORY = r"^panic: .*\bno (memory|thread|worker)\b.*"

WALK_MAX = 3000  # no start-up has as many allocations


# -- the walk -------------------------------------------------------------------


def start(option, n, more="", port="host", image="", settings="", cpus=1):
    """Boots with allocation number n failing."""
    words = f"{option}=nth={n}{more} threads=16 {settings}"
    script = SCRIPT.format(option=option)
    boot = Boot(port, f'{words} run="{script}"', mem=MEM, cpus=cpus,
                image=image)
    return boot.run()


def caches(ended):
    """The names that slabinfo lists."""
    found = ended.matches(r"^([a-z_]\S*) +\d+ +\d+ +\d+ .* : tunables ")
    return sorted(match[1] for match in found)


def processes(ended):
    found = ended.matches(r"^ +\d+ +\d+ [a-z]+ +\d+[! ] +\d+ +\d+ (\S+)$")
    return sorted(match[1] for match in found)


def expect_whole(ended, sound):
    """It went on: nothing is missing that a sound kernel has."""
    ended.expect_status(0)
    ended.expect("^ok 1 kmem_cache$")
    ended.expect("^ok 1 wait$")
    ended.expect_none("^not ok|^panic")
    for what in (caches, processes):
        if what(ended) != what(sound):
            raise ended.failure(f"{what.__name__}: {what(ended)}, "
                                f"not {what(sound)}")


def expect_told(ended):
    """It panicked, once, and said what it had no memory for."""
    ended.expect_status(PANIC_STATUS)
    ended.expect(NO_MEMORY)
    panics = ended.matches("^panic: ")
    if len(panics) != 1:
        raise ended.failure(f"{len(panics)} panics")
    ended.expect("^backtrace:")


def look(ended, n, sound):
    """The site that failed; None: no failure was met, and all is well."""
    fired = ended.matches(FIRED)
    if not fired or ended.status == 0:
        expect_whole(ended, sound)
    else:
        expect_told(ended)
    if not fired:
        return None
    if int(fired[0][1]) != n:
        raise ended.failure(f"allocation {fired[0][1]} failed, not {n}")
    return fired[0][2]


def walk(boot):
    """boot(n) for n = 1, 2, 3 ... Returns what happened: how many boots panicked
    and how many went on, and how often each site failed."""
    sound = boot(WALK_MAX)
    expect_whole(sound, sound)
    sites, ends = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for first in range(1, WALK_MAX, 8 * AT_ONCE):
            numbers = range(first, first + 8 * AT_ONCE)
            for n, ended in zip(numbers, pool.map(boot, numbers)):
                site = look(ended, n, sound)
                if site is None:
                    nr_failed, nr_seen = ended.expect(COUNTS).groups()
                    assert (int(nr_failed), int(nr_seen)) < (1, n)
                    return sites, ends, int(nr_seen)
                sites[site] += 1
                ends["went on" if ended.status == 0 else "panicked"] += 1
    raise AssertionError(f"{WALK_MAX} allocations, and no end")


def site_name(site):
    """A site by its functions: what it is called wherever it is linked."""
    return re.sub(r"\+0x[0-9a-f]+(\.\w+)*", "", site)


WALKS = {
    "slab": dict(option="failpoint", image=DEBUG["host"],
                 settings="kmalloc=slab"),
    "slab-all-after": dict(option="failpoint", image=DEBUG["host"],
                           more=",times=-1", settings="kmalloc=slab"),
    "slab-nodes": dict(option="failpoint", image=DEBUG["host"], cpus=4,
                       settings="kmalloc=slab nodes=2"),
    "slab-release": dict(option="failslab", more=",internal=1", cpus=2,
                         settings="kmalloc=slab nodes=2"),
    "slob": dict(option="failpoint", image=DEBUG["host"], cpus=2,
                 settings="kmalloc=slob"),
}

# What start-up passes through, by the functions that ask.
THREADS = ["kernel_thread_on"]
OBJECTS = ["cache_make", "cache_attach", "slab_create_early", "slab_own_get"]
PAGES = ["kstack_alloc", "arch_mmu_init"]


@pytest.fixture(scope="module")
def layers():
    """What there is between slab and the CPUs: the values of cpu=."""
    ended = Boot("host", 'run="help boot; poweroff"').run()
    return ended.expect(r"^cpu=([a-z|]+)$")[1].split("|")


@pytest.mark.parametrize("name", WALKS)
def test_start_up(name, layers, record_property):
    how = WALKS[name]
    for layer in layers if "slab" in name else [""]:
        more = f" cpu={layer}" if layer else ""
        walk_start_up(f"{name}{more}",
                      how | {"settings": how["settings"] + more},
                      record_property)


def walk_start_up(name, how, record_property):
    sites, ends, nr_seen = walk(lambda n: start(n=n, **how))
    names = collections.Counter()
    for site, nr in sites.items():
        names[site_name(site)] += nr
    report = [f"{name}: {sum(sites.values())} allocations failed in turn, "
              f"{ends['panicked']} boots panicked, {ends['went on']} went on; "
              f"{len(names)} sites:"]
    report += [f"{nr:6}  {site}" for site, nr in names.items()]
    print("\n".join(report))
    record_property("walk", report[0])

    # The last boot met as many as were made to fail, or, where other CPUs
    # take part, about as many.
    assert abs(sum(sites.values()) - nr_seen) <= (0 if "cpus" not in how else 16)
    wanted = list(THREADS)
    if "slab" in name:
        wanted += OBJECTS
    if how["option"] == "failpoint":
        wanted += PAGES
    for function in wanted:
        assert any(function in site for site in names), function
    assert ends["panicked"] > 0
    # Without a new sheaf, objects go the slower way; memory of another node helps
    # out; nothing helps where all that follow fail too.
    spared = sum(nr for site, nr in names.items() if "sheaf_alloc" in site)
    if "nodes" in how["settings"]:
        assert ends["went on"] > 0
    else:
        assert ends["went on"] == (0 if "more" in how else spared)


@pytest.mark.parametrize("option, image, more", [
    ("failslab", "", ",internal=1"), ("failpoint", DEBUG["i386"], ""),
], ids=["release", "debug"])
def test_start_up_on_i386(option, image, more):
    """Some of them, from the first to one past the last."""
    def boot(n):
        return start(option, n, more, "i386", image, "kmalloc=slab")

    sound = boot(WALK_MAX)
    expect_whole(sound, sound)
    nr_seen = int(sound.expect(COUNTS)[2])
    assert nr_seen > 50
    numbers = sorted({1 + nr_seen * i // 7 for i in range(7)} |
                     {nr_seen - 1, nr_seen, nr_seen + 1})
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for n, ended in zip(numbers, pool.map(boot, numbers)):
            site = look(ended, n, sound)
            assert (site is None) == (n > nr_seen), ended.failure(f"n = {n}")


# -- settings ---------------------------------------------------------------------


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("text, word", [
    ("nth=0", "nth=0"), ("probability=101,nth=1", "probability=101"),
    ("nth=1,colour=blue", "colour=blue"), ("1,2,3,many", "many"), ("on", "on"),
    ("cache=", "cache="), ("1,1,1,1,1", "1"),
], ids=["nth", "percentage", "unknown", "number", "no-number", "no-name", "fifth"])
def test_wrong_settings(port, text, word):
    """The wrong word is named, and nothing fails."""
    ended = Boot(port, f'kmalloc=slab failslab={text} '
                 f'run="failslab {text}; ps; failslab; poweroff"').run()
    ended.expect_status(1).expect_none(FIRED)
    assert len(ended.matches(rf'^failslab: "{re.escape(word)}": ')) == 2
    ended.expect(rf"^boot: failslab={re.escape(text)}: .* it stays off$")
    ended.expect("^failslab: off$")


@pytest.mark.parametrize("port", PORTS)
def test_other_back_end(port):
    """slob cannot: it says so, by name, and the kernel starts."""
    ended = Boot(port, 'kmalloc=slob failslab=nth=1 '
                 'run="failslab nth=1; failslab; poweroff"').run()
    ended.expect_status(1).expect_none(FIRED)
    assert len(ended.matches("^failslab: kmalloc=slob has no .*slab has$")) == 3


@pytest.mark.parametrize("port", PORTS)
def test_failpoint_needs_debug(port):
    ended = Boot(port, 'failpoint=nth=1 run="failpoint nth=1; poweroff"').run()
    ended.expect_status(1).expect_none(FIRED)
    assert len(ended.matches("^failpoint: in debug builds only")) == 2


@pytest.mark.parametrize("port", PORTS)
def test_command(start, port):
    """What failed, how often, where; and off."""
    kernel = start(port, "kmalloc=slab")
    kernel.prompt()
    assert kernel.command("failslab")[0] == "failslab: off"
    assert kernel.command("failslab nth=2,times=2,seed=5") == []
    assert kernel.command("ps")[0].startswith("  PID")
    for n in (2, 3):
        said = kernel.command("ps")
        assert re.search(rf"^failslab: allocation {n} fails: .*\bps_run\+", said[0])
        assert re.search("^ps: no memory for", said[1])
    assert kernel.command("ps")[0].startswith("  PID")
    said = kernel.command("failslab")
    assert "times=2" in said[0] and "nth=2" in said[0] and "seed=5" in said[0]
    assert said[1] == "failslab: 2 of 4 failed, at 1 sites"
    assert re.search(r"^ +2  .*\bps_run\+", said[2])
    # With a backtrace, and only of one cache.
    assert kernel.command("failslab verbose=2,cache=proc_struct,times=1") == []
    assert kernel.command("ps")[0].startswith("  PID")
    said = kernel.command("spawn exit")
    assert re.search("^failslab: allocation 1 fails: ", said[0])
    assert any(re.search(r"^  #\d+ 0x\w+ kernel_thread_on\+", line) for line in said)
    assert said[-1] == "spawn: no memory"
    assert kernel.command("failslab off") == []
    assert kernel.command("spawn exit")[0].startswith("spawn: exit is pid")
    assert kernel.command("failslab")[0] == "failslab: off"
    assert kernel.command("failslab a b")[0].startswith("usage: failslab")
    kernel.power_off()


def failures(seed):
    """Numbers of the allocations that failed, and the seed that was printed."""
    text = "probability=25" + (f",seed={seed}" if seed else "")
    ended = Boot("host", f'kmalloc=slab failslab={text},cache=kmalloc-2048 '
                 f'threads=16 run="{"ps; " * 60}poweroff"').run()
    ended.expect_status(1)
    seed = ended.expect(r"^failslab: interval.*,seed=(\d+)$")[1]
    return [int(match[1]) for match in ended.matches(FIRED)], seed


def test_seed():
    """It is printed, and with it the same ones fail again."""
    failed, seed = failures("")
    assert 2 <= len(failed) <= 35
    assert failures(seed) == (failed, seed)
    assert failures(int(seed) ^ 0x5a5a5a)[0] != failed
