"""slab_debug= on the command line, slab_debug and leaks at the monitor."""

import pytest

from kernel import Boot

PORTS = ["i386", "host"]


def boots(cases):
    return [
        pytest.param(Boot(port, f"kmalloc=slab {line}"), id=f"{port}-{name}")
        for port in PORTS for name, line in cases.items()
    ]


@pytest.mark.parametrize("ended", boots({
    "alone": 'slab_debug run="slab_debug; slab_debug -v; poweroff"',
    "letters": 'slab_debug=FZPU run="slab_debug; slab_debug -v; poweroff"',
}), indirect=True)
def test_everything(ended):
    ended.expect_status(0).expect_none("BUG|^boot: ")
    ended.expect_in_order(r"^FZPU kmem_cache$", r"^FZPU kmem_cache_node$",
                          r"^FZPU kmalloc-64$", r"^F-P- kmalloc-4194304$",
                          r"^slab_debug: 0 caches with something wrong$")


@pytest.mark.parametrize("ended", boots({
    "off": "check=slab_sizes run=poweroff",
    "Z": "slab_debug=Z check=slab_sizes run=poweroff",
    "FZPU": "slab_debug=FZPU check=slab_sizes run=poweroff",
}), indirect=True)
def test_behind_what_was_asked_for(ended):
    """A general cache of 64 bytes, asked for 50: the 51st is in the red zone."""
    ended.expect_status(0).expect(r"^ok 1 slab_sizes")
    ended.expect_in_order(
        r"^slab: BUG in cache kmalloc-(64|96|192|512|2048|8192): right red zone",
        r"^  object 0x[0-9a-f]+, \d+ of \d+ bytes, number \d+ of slab ")


@pytest.mark.parametrize("ended", boots({
    "wrong": 'slab_debug=FxZ,kmalloc-64,nobody;P,kmalloc-12* '
             'run="slab_debug; poweroff"',
}), indirect=True)
def test_wrong_words_are_named(ended):
    """The letter and the cache that there are not; the others hold."""
    ended.expect_status(0)
    ended.expect(r'^slab_debug: there is no letter "x"')
    ended.expect(r"^slab_debug: no cache is called nobody so far$")
    ended.expect_in_order(r"^FZ-- kmalloc-64$", r"^--P- kmalloc-128$")
    ended.expect_none(r"^\S{4} kmalloc-(32|96|192)$")


@pytest.mark.parametrize("ended", [
    pytest.param(Boot(port, 'kmalloc=slob slab_debug=F run="slab_debug; leaks"'),
                 id=port) for port in PORTS
], indirect=True)
def test_other_back_end(ended):
    ended.expect_status(1)
    ended.expect(r"^slab_debug: only kmalloc=slab can be debugged, not slob$")
    ended.expect(r"^slab_debug: no such cache, or kmalloc= is not slab$")


@pytest.mark.parametrize("ended", boots({
    "run": 'run="slab_debug; slab_debug kmalloc-64 FP; slab_debug; '
           'slab_debug kmalloc-64 -; leaks; slab_debug kmem_cache Z"',
}), indirect=True)
def test_at_the_monitor(ended):
    """What wants another layout is refused, and that is said."""
    ended.expect_status(1)
    ended.expect_in_order(r"^no cache is debugged$", r"^F-P- kmalloc-64$",
                          r"^leaks: 0 objects that nothing leads to$",
                          r"^slab_debug: its objects would have to lie otherwise")
    ended.expect_none("BUG")
