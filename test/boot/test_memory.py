"""Memories too small, small, and larger than the kernel can map."""

import pytest

from kernel import TRIPLE_FAULT_STATUS, Boot

GREETING = r'^To U: "en\.\., Bye, Bye\. :\)"$'
MIB = 1 << 20


def boots(memories, line='check=all run="ps; pages; poweroff"', port="i386"):
    return [pytest.param(Boot(port, line, mem), id=f"{port}-{mem}M")
            for mem in memories]


def managed(ended):
    return int(ended.expect(r"^memory: (\d+) KiB managed$")[1]) * 1024


def total(ended, what):
    """Bytes in the memory ranges that the log calls so."""
    return sum(
        int(match[2], 16) - int(match[1], 16) for match in
        ended.matches(rf"^memory: 0x([0-9a-f]+)-0x([0-9a-f]+) .*{what}"))


@pytest.mark.parametrize("ended", boots([2, 3, 4, 5, 6]), indirect=True)
def test_too_small(ended):
    """It boots, or says that memory is what it lacks; never a triple fault."""
    if ended.status == 0:
        ended.expect(GREETING)
        return
    assert ended.status != TRIPLE_FAULT_STATUS, ended.failure("triple fault")
    ended.expect(r"(?i)\bmemory\b.*(kernel|behind|not enough|too (small|little))|"
                 r"(?i:no memory|out of memory)")


@pytest.mark.parametrize(
    "ended", [*boots([8, 16, 64]), *boots([8, 16, 64], port="host")],
    indirect=True)
def test_small(ended):
    """Nearly all of it can be used."""
    ended.expect_status(0).expect(GREETING)
    size = ended.boot.mem * MIB
    assert size * 0.75 < managed(ended) <= size
    assert total(ended, "beyond the direct map") == 0


@pytest.mark.parametrize("ended", boots([512, 703, 704, 705, 706, 768, 1024,
                                         2048, 3072, 3584, 4096]), indirect=True)
def test_large(ended):
    """All of it is either managed or named as out of reach."""
    ended.expect_status(0).expect(GREETING)
    size = ended.boot.mem * MIB
    usable = total(ended, "usable")
    beyond = total(ended, "beyond the direct map")
    assert size - MIB < usable + beyond <= size
    assert usable * 0.95 < managed(ended) <= usable
    if ended.boot.mem <= 512:
        assert beyond == 0
    if ended.boot.mem >= 1024:
        assert beyond > 0


@pytest.mark.parametrize("ended", boots([1024, 8192], port="host"), indirect=True)
def test_large_host(ended):
    ended.expect_status(0).expect(GREETING)
    assert managed(ended) > ended.boot.mem * MIB * 0.95
