"""Every policy with every other, on small, usual and large memories: 96 boots of
i386, and a thinner choice on the host port over CPUs and memory nodes."""

import itertools

import pytest

from kernel import Boot

PAGES = ["first-fit", "best-fit", "worst-fit", "buddy"]
FITS = ["first", "next", "best", "worst"]
SCHEDULERS = ["fifo", "rr"]
MEMORIES = [8, 128, 3072]

GREETING = r'^To U: "en\.\., Bye, Bye\. :\)"$'


def i386_boots():
    for pages, fit, sched, mem in itertools.product(
            PAGES, FITS, SCHEDULERS, MEMORIES):
        line = (f"check=all pages={pages} fit={fit} sched={sched} kmalloc=slob "
                'run="help boot; ps; pages; poweroff"')
        yield pytest.param(Boot("i386", line, mem),
                           id=f"i386-{pages}-{fit}-{sched}-{mem}M")


def host_boots():
    fits = itertools.cycle(FITS)
    for pages, sched, cpus, nodes in itertools.product(
            PAGES, SCHEDULERS, [1, 2, 4], [1, 2]):
        fit = next(fits)
        line = (f"nodes={nodes} check=all pages={pages} fit={fit} sched={sched} "
                'kmalloc=slob run="help boot; ps; pages; poweroff"')
        yield pytest.param(
            Boot("host", line, cpus=cpus),
            id=f"host-{pages}-{fit}-{sched}-{cpus}cpus-{nodes}nodes")


@pytest.mark.parametrize("ended", [*i386_boots(), *host_boots()], indirect=True)
def test_boot(ended):
    ended.expect_status(0)
    given = dict(word.split("=") for word in ended.boot.append.split()
                 if word.startswith(("pages=", "fit=", "sched=", "kmalloc=")))
    assert given.items() <= ended.settings().items(), ended.failure(given)
    ended.expect_in_order(r"^memory management: ", GREETING, r"^\s*1\b.*\binit\b")
    ended.expect_none(r"(?i)^\s*not ok\b|panic|assert|oops|WARN")
    assert len(ended.matches(r"^\s*ok \d+ ")) >= 4, ended.failure("no checks ran")
    cpus = int(ended.expect(r"^Ashlar .*, (\d+) CPUs?$")[1])
    assert cpus == ended.boot.cpus
