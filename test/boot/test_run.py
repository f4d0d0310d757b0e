"""tools/run: what becomes of a machine's end. The machine is made to end by the
test loader, so nothing here depends on the kernel."""

import os
import signal
import subprocess
import time

import pytest

from kernel import ROOT, RUN, TRIPLE_FAULT_STATUS, Boot, environment


@pytest.mark.parametrize("how, status", [
    ("off", 0),
    ("1", 1),
    ("3", 3),
    ("5", 5),
    ("62", 62),
    ("63", 63),
    ("triple", TRIPLE_FAULT_STATUS),
])
def test_status(loader, how, status):
    ended = Boot(image=loader, append=f"end={how}").run()
    ended.expect_status(status)
    if how == "triple":
        ended.expect("tools/run: triple fault")


@pytest.mark.parametrize("code", [64, 68, 99, 127])
def test_large_code(loader, code):
    """What QEMU then exits with could be a shell's word for a signal. It is a
    failure in any case."""
    ended = Boot(image=loader, append=f"end={code}").run()
    assert ended.status != 0


def test_words_reach_the_kernel_as_they_are(loader):
    line = "end=nonsense -- a='b  c' \"d\" $HOME `e` \\f *"
    ended = Boot(image=loader, append=line).run().expect_status(63)
    ended.expect("loader: not a number")


def test_without_qemu(loader, tmp_path):
    for tool in ("sh", "mktemp", "grep", "rm"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}")
    ended = Boot(image=loader).run(env={"PATH": str(tmp_path)})
    ended.expect_status(125)


def test_qemu_that_cannot_start(loader):
    ended = Boot(image=loader, flags="-device no-such-device").run()
    ended.expect_status(125).expect("no-such-device")


def test_no_image():
    ended = Boot(image="/no/such/image").run()
    ended.expect_status(2).expect("/no/such/image is not there")


def test_wrong_parameter():
    run = subprocess.run([RUN, "MEMORY=12"], env=environment(), cwd=ROOT,
                         stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 2
    assert "MEMORY=12" in run.stderr


def test_killed(loader):
    """No QEMU is left behind by a test that loses patience, and the kernel did
    not end well."""
    # With no module the loader would end; a paused machine stays.
    boot = Boot(image=loader, flags="-S -name left-behind")
    run = subprocess.Popen(boot.command(), env=environment(), cwd=ROOT,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

    def children():
        path = f"/proc/{run.pid}/task/{run.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def is_qemu(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return b"left-behind" in file.read()
        except FileNotFoundError:
            return False

    deadline = time.monotonic() + 30
    qemu = []
    while not qemu and time.monotonic() < deadline:
        qemu = [pid for pid in children() if is_qemu(pid)]
        time.sleep(0.1)
    assert qemu, "QEMU was not started"
    os.kill(run.pid, signal.SIGTERM)
    assert run.wait(timeout=30) != 0
    assert not is_qemu(qemu[0])
