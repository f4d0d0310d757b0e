"""Settings on the kernel command line: wrong ones are named, with what would have
been right, and the kernel starts with the default."""

import pytest

from kernel import BUILD, Boot

PORTS = ["i386", "host"]

# setting: its values, the default first
TABLES = {
    "pages": ["buddy", "first-fit", "best-fit", "worst-fit"],
    "fit": ["first", "next", "best", "worst"],
    "sched": ["rr", "fifo"],
    "kmalloc": ["slab", "slob"],
    "cpu": ["sheaf", "array"],
    "colour": ["on", "off"],
}
THREADS_DEFAULT = 4096
GREETING = r'^To U: "en\.\., Bye, Bye\. :\)"$'
RUN = 'run="help boot; poweroff"'


def boots(cases):
    """{id: command line} -> parameters, on both ports; each shows its settings
    and powers off by itself."""
    return [
        pytest.param(Boot(port, f"{line} {RUN}"), id=f"{port}-{name}")
        for port in PORTS for name, line in cases.items()
    ]


@pytest.mark.parametrize("ended", boots({
    f"{name}-{wrong or 'empty'}": f"{name}={wrong}"
    for name in TABLES for wrong in ("nonsense", "", "Buddy", "bu", "buddyy")
}), indirect=True)
def test_wrong_value(ended):
    """The complaint lists all right values; the default is taken, and the
    exit status tells."""
    ended.expect_status(1)
    name, wrong = ended.boot.append.split()[0].split("=")
    complaint = ended.expect(rf"^boot: {name}={wrong}: ").string
    for value in TABLES[name]:
        assert value in complaint, ended.failure(f"{value} is not offered")
    assert complaint.endswith(f"it stays {TABLES[name][0]}")
    assert ended.settings()[name] == TABLES[name][0]
    ended.expect(GREETING)


@pytest.mark.parametrize("ended", boots({
    f"{name}-{value}": f"{name}={value}"
    for name, values in TABLES.items() for value in values
}), indirect=True)
def test_right_value(ended):
    ended.expect_status(0).expect_none("^boot: ")
    name, value = ended.boot.append.split()[0].split("=")
    assert ended.settings()[name] == value


@pytest.mark.parametrize("ended", boots({
    "unknown": "flavour=sweet", "no-name": "=flavour", "no-equals": "flavour",
    "sign": "flavour=sweet=sour",
}), indirect=True)
def test_unknown_name(ended):
    """Named; the settings that there are are listed, and in force."""
    ended.expect_status(1).expect(GREETING)
    wrong = ended.boot.append.split()[0]
    complaint = ended.expect("^boot: .*" + wrong.split("=")[0]).string
    if "=" in wrong:
        for name in TABLES:
            assert f" {name}" in complaint
    assert ended.settings()["sched"] == "rr"


@pytest.mark.parametrize("ended", boots({
    "wrong-between": "sched=fifo flavour=sweet junk fit=best",
}), indirect=True)
def test_others_hold(ended):
    ended.expect_status(1)
    settings = ended.settings()
    assert (settings["sched"], settings["fit"]) == ("fifo", "best")


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("line", [
    'sched=fifo pages="best-fit', "sched=fifo pages='best-fit", 'sched=fifo "',
], ids=["double", "single", "lonely"])
def test_unclosed_quote(start, port, line):
    """Nobody can tell where its words end: it is shown, and nothing is applied.
    The host port does not even start."""
    kernel = start(port, line)
    if port == "host":
        kernel.wait_for_end().expect_status(2).expect("^ashlar: .*quote")
        return
    kernel.wait_for("^boot: .*quote")
    kernel.prompt()
    kernel.command("help boot")
    assert kernel.settings()["sched"] == "rr"
    kernel.power_off(1)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("line", [
    "sched=fifo junk=" + "x" * 4100,
    "sched=fifo " + " ".join(f"junk{i}=x" for i in range(400)),
    "sched=fifo" + " " * 4100 + "fit=best",
], ids=["long-word", "many-words", "blanks"])
def test_very_long_line(start, port, line):
    """Said to be too long; it is not cut in the middle of a word."""
    kernel = start(port, line)
    if port == "host":
        kernel.wait_for_end().expect_status(2).expect("^ashlar: .*(long|words)")
        return
    kernel.wait_for("^boot: .*(long|words)")
    kernel.prompt()
    kernel.command("help boot")
    assert kernel.settings()["fit"] == "first"
    kernel.power_off(1)


@pytest.mark.parametrize("limit", [512, 1024, 2048])
def test_cut_in_a_number(start, limit):
    """However long a line is taken, threads=1600 never becomes threads=160."""
    image = str(BUILD / "i386" / "ashlar.elf")
    # QEMU puts the image's name first.
    room = limit - 1 - len(image + " threads=160")
    kernel = start(append=" " * room + "threads=1600", image=image)
    kernel.prompt()
    kernel.command("help boot")
    assert kernel.settings()["threads"] in ("1600", str(THREADS_DEFAULT))
    if kernel.settings()["threads"] != "1600":
        kernel.expect("^boot: .*(long|1600)")


@pytest.mark.parametrize("ended", boots({
    "empty-run": 'run="" sched=rr', "twice": "sched=fifo sched=rr",
    "long-run": f'run="{"ps; " * 150}poweroff" sched=rr',
}), indirect=True)
def test_last_one_counts(ended):
    ended.expect_status(0)
    assert ended.settings()["sched"] == "rr"


@pytest.mark.parametrize("ended, threads", [
    pytest.param(Boot(port, f"threads={given} {RUN}"), expected,
                 id=f"{port}-{given or 'empty'}")
    for port in PORTS for given, expected in {
        "0": None, "99999999": None, "abc": None, "-5": None, "": None,
        "16385": None, "15": None, "100x": None, "4294967312": None,
        "99999999999999999999": None, "16": 16, "16384": 16384, "0x100": 256,
    }.items()
], indirect=["ended"])
def test_threads(ended, threads):
    """Wrong numbers are named with the limits that there are."""
    ended.expect_status(1 if threads is None else 0).expect(GREETING)
    if threads is None:
        ended.expect(r"^boot: threads=.*\b16\b.*\b16384\b.* stays 4096$")
    assert int(ended.settings()["threads"]) == (threads or THREADS_DEFAULT)


@pytest.mark.parametrize("ended", [
    pytest.param(Boot(port, f"check={given} run=poweroff"), id=f"{port}-{given}")
    for port in PORTS for given in ("nonsense", "slab,nonsense", "x" * 300)
], indirect=True)
def test_unknown_check(ended):
    """A test that asks for it must not pass: the status says so."""
    assert ended.status != 0, ended.failure("status 0")
    ended.expect("nonsense|x{300}")


LONG = "x" * 1024


@pytest.mark.parametrize("ended", [
    pytest.param(Boot(port, line), id=f"{port}-{name}")
    for port in PORTS for name, line in {
        "run": f'run="{LONG}" run="help boot; poweroff"',
        "check_args": f'check_args="{LONG}" run="poweroff"',
        "choice": f'sched={LONG} run="poweroff"',
        "number": f'threads={LONG} run="poweroff"',
        "unknown": f'{LONG}=x run="poweroff"',
        "no-value": f'{LONG} run="poweroff"',
    }.items()
], indirect=True)
def test_long_values(ended):
    """The reason comes through whole, and in the exit status."""
    ended.expect_status(1)
    ended.expect(r"^boot: (run: too long .* up to 1023 characters\)"
                 r"|check_args: too long|sched: not a value .*\(rr\|fifo\)"
                 r"|threads: not a value .*\(16\.\.16384\)"
                 r"|there is no setting .* check_args|.*is not name=value)")


@pytest.mark.parametrize("typed", [b"", b"poweroff\n"], ids=["nothing", "poweroff"])
def test_misspelt_run(typed):
    """Nothing was run, and whoever asked for it learns so."""
    ended = Boot("host", 'rum="check all"').run(typed=typed)
    ended.expect_status(1).expect('^boot: there is no setting "rum"')


@pytest.mark.parametrize("append, cpus, mem, limits", [
    ("threads=16", 15, 128, r"23\.\.16384"), ("threads=23", 16, 128, r"24\.\.16384"),
    ("threads=16384", 1, 4, r"16\.\.4096")], ids=["cpus", "more-cpus", "memory"])
def test_threads_and_machine(append, cpus, mem, limits):
    """What is legal alone and not together is refused, with the limits."""
    ended = Boot("host", f"{append} {RUN}", cpus=cpus, mem=mem).run()
    ended.expect_status(1).expect(rf"^boot: {append}: .*{limits}")
    assert ended.settings()["threads"] == str(THREADS_DEFAULT)


@pytest.mark.parametrize("ended", [
    pytest.param(Boot(port, f'run="{script}"'), id=f"{port}-{name}")
    for port in PORTS for name, script in {
        "unknown": "frobnicate", "then-more": "frobnicate; ps",
        "poweroff": "frobnicate; poweroff",
        "wrong-arguments": "kill abc",
    }.items()
], indirect=True)
def test_script_that_fails(ended):
    """The exit status tells."""
    ended.expect_status(1).expect("frobnicate|abc")


@pytest.mark.parametrize("ended", [
    pytest.param(Boot(port, f'run="{script}"'), id=f"{port}-{name}")
    for port in PORTS for name, script in {
        "script": "ps; uptime", "odd": "ps;  ; ;uptime ;",
    }.items()
], indirect=True)
def test_script_that_ends(ended):
    """With no more to do the kernel powers off."""
    ended.expect_status(0).expect_in_order(GREETING, r"^\s*1\b.*\binit\b")


@pytest.mark.parametrize("line", [
    "mem=0", "mem=abc", "mem=1K", "cpus=0", "cpus=17", "cpus=abc", "nodes=0",
    "nodes=5", "ticks=nonsense",
])
def test_host_machine(line):
    """What the process cannot start with: one line says so, status 2."""
    ended = Boot("host", f"{line} run=poweroff").run()
    ended.expect_status(2).expect(rf"^ashlar: {line}: ")
