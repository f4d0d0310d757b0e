"""Every way to start the i386 kernel: by QEMU, by GRUB 2 and by our own loader.

The loader of test/loader does what the Multiboot specification allows and nobody
else does."""

import subprocess

import pytest

from kernel import BUILD, ROOT, TRIPLE_FAULT_STATUS, Boot, environment, qemu_with_disc

ELF = str(BUILD / "i386" / "ashlar.elf")

BOOTING = "Booting `Ashlar'"  # GRUB says
GREETING = r'^To U: "en\.\., Bye, Bye\. :\)"$'


def forged(loader, words, line='run="poweroff"', mem=64, flags=""):
    """A Boot through our loader; `words` are for it, `line` is the kernel's."""
    return Boot(image=loader, mem=mem, append=f"{words} -- {line}",
                flags=f"-initrd {ELF} {flags}")


# -- QEMU's -kernel ----------------------------------------------------------------


@pytest.mark.parametrize("line", [
    'run="ps; poweroff"', '"run=ps; poweroff"', "run='ps; poweroff'",
    'ru"n=ps; p"owero"ff"',
], ids=["value", "word", "single", "middle"])
def test_quotes(line):
    ended = Boot(append=line).run().expect_status(0)
    ended.expect(r"^\s*1\b.*\binit\b")


# Quotes in all of their places; the monitor takes apart what is in run= once more.
QUOTES = (r"""run="help 'a b'; help \"it's\"; help e\\\\f; poweroff 5" 'sched=fifo'""")
QUOTED = ("a b", "it's", r"e\\f")


def expect_quoted(ended):
    for word in QUOTED:
        ended.expect(f"^help: no such command: {word}$")
    ended.expect_none("^boot: ")


def test_escaped_quotes():
    expect_quoted(Boot(append=QUOTES).run().expect_status(5))


@pytest.mark.parametrize("name", ["a=b.elf", "it's", 'say "x".elf', "plain"])
def test_path_before_the_words(tmp_path, name):
    """QEMU puts the file's path first, without quotes, whatever is in it."""
    image = tmp_path / name
    image.symlink_to(ELF)
    ended = Boot(image=str(image), append='run="poweroff 5"').run()
    ended.expect_status(5).expect_none("^boot: ")


@pytest.mark.parametrize("cpu, missing", [
    ("486", "CPUID|PSE"), ("pentium", "PGE|CMOV"), ("pentium3,pge=off", "PGE"),
    ("qemu32,tsc=off", "TSC"), ("qemu32,pse=off", "PSE"),
    ("qemu32,cmov=off", "CMOV"),
])
def test_cpu_that_lacks_something(cpu, missing):
    ended = Boot(append="run=poweroff", flags=f"-cpu {cpu}").run()
    ended.expect_status(2).expect(rf"^boot: .*({missing})")


@pytest.mark.parametrize("cpu", ["pentium2", "pentium3", "qemu32", "max"])
def test_cpu(cpu):
    Boot(append="check=all run=poweroff", flags=f"-cpu {cpu}").run(
        ).expect_status(0).expect(GREETING)


# -- our loader ----------------------------------------------------------------------


@pytest.mark.parametrize("memory", ["map", "upper", "odd"])
@pytest.mark.parametrize("info", ["0x500", "0x8ffc", "0x90000", "after", "0x3000000"])
def test_information_block(loader, info, memory):
    """Anywhere in memory, with nothing in it but a map, or sizes."""
    ended = forged(loader, f"info={info} memory={memory}",
                   'check=all run="ps; pages; poweroff"').run()
    ended.expect_status(0)
    ended.expect_in_order("^loader: kernel at", GREETING, r"^\s*1\b.*\binit\b")
    ended.expect_none(r"^\s*not ok\b")


def test_information_block_out_of_reach(loader):
    """Where the kernel has no direct map."""
    ended = forged(loader, "info=0x30000000", mem=1024).run()
    ended.expect_status(0).expect(GREETING)


def test_without_command_line(loader, start):
    """Nothing to run: the monitor comes up."""
    boot = forged(loader, "line=none", line='run="poweroff 9"')
    kernel = start(**vars(boot))
    kernel.wait_for(GREETING)
    kernel.prompt()
    kernel.power_off()


def test_no_memory_information(loader):
    ended = forged(loader, "memory=none").run()
    assert ended.status not in (0, TRIPLE_FAULT_STATUS)
    ended.expect("^boot: .*neither a memory map nor mem_upper")


def test_wrong_magic(loader):
    ended = forged(loader, "magic=0x36d76289").run()  # Multiboot 2
    ended.expect_status(2).expect("^boot: not started by a Multiboot 1 loader")


def managed_pages(ended):
    return int(ended.expect(r"^memory: (\d+) KiB managed$")[1]) // 4


def test_odd_map_is_understood(loader):
    """The odd map says that 64 MiB have a reserved MiB, one of an unknown kind,
    and a page with a bad spot; what overlaps is counted once."""
    plain, odd = (
        managed_pages(forged(loader, f"memory={memory}").run().expect_status(0))
        for memory in ("map", "odd"))
    assert odd == plain - 2 * 256 - 1


def test_many_reserved_ranges(loader):
    """70 reserved pages in 63 MiB: they cost what they cover, no more."""
    line = 'run="pages; poweroff"'
    plain, ended = (forged(loader, f"info=0x3000000 memory={m}", line).run()
                    for m in ("map", "many"))
    missing = managed_pages(plain) - managed_pages(ended.expect_status(0))
    assert 60 <= missing <= 75, ended.failure(f"{missing} pages are missing")
    ended.expect_none("^boot: ")


# -- GRUB ---------------------------------------------------------------------------


@pytest.fixture
def grub(start, tmp_path):
    """Starts a kernel with this command line from a disc."""
    def boot(line):
        iso = tmp_path / "ashlar.iso"
        subprocess.run(["tools/iso", ELF, iso], cwd=ROOT, check=True,
                       env=environment({"APPEND": line}),
                       stdout=subprocess.DEVNULL)
        return start(append=line, command=qemu_with_disc(iso))
    return boot


def test_make_iso(start):
    """As the documentation says it."""
    env = environment({"APPEND": 'run="ps; poweroff"'})
    subprocess.run(["make", "-s", "iso"], cwd=ROOT, check=True, env=env,
                   stdout=subprocess.DEVNULL)
    kernel = start(command=qemu_with_disc(BUILD / "i386" / "ashlar.iso"))
    ended = kernel.wait_for_end().expect_status(0)
    ended.expect_in_order(BOOTING, GREETING, r"^\s*1\b.*\binit\b")


def test_grub_to_the_prompt(grub):
    kernel = grub("sched=fifo check=all")
    kernel.prompt()
    assert any("init" in line for line in kernel.command("ps"))
    kernel.type("poweroff\r")
    ended = kernel.wait_for_end().expect_status(0)
    ended.expect_in_order(BOOTING, GREETING)
    ended.expect_none(r"^\s*not ok\b")


def test_grub_and_nested_quotes(grub):
    expect_quoted(grub(QUOTES).wait_for_end().expect_status(5 * 2 + 1))


def test_as_grub_hands_it_on(loader):
    """A line typed in GRUB's menu, with what GRUB makes of it."""
    line = r'"run=help \'a b\'; help \"it\'s\"; help e\\\\f; poweroff 5" sched=fifo'
    expect_quoted(forged(loader, "", line).run().expect_status(5))


def test_grub_and_quotes(grub):
    kernel = grub('"run=ps; poweroff 3" sched=fifo')
    ended = kernel.wait_for_end().expect_status(3 * 2 + 1)
    ended.expect(r"^\s*1\b.*\binit\b")
