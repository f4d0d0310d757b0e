"""Fixtures of the boot tests.

`ended`     a kernel that ran to its end: parametrised (indirectly) with a Boot.
`start`     starts a Kernel to talk with; it is closed when the test is over.
`loader`    the boot loader of test/loader, built.

Tests do not share files or ports: pytest-xdist runs several at the same time
(`-n 3`, as tools/stages/boot does).

ONLY=PATTERN in the environment selects the tests whose names, such as
"test.boot.test_console: test_help[i386]", match the regular expression.
"""

import os
import re
import subprocess
import time

import pytest

from kernel import BUILD, ROOT, Boot, Kernel, environment

# For tests that start kernels in threads of their own.
AT_ONCE = min(2, os.cpu_count() or 1)

PULSE = 5  # seconds between two lines of progress


def test_name(nodeid):
    """test/boot/test_run.py::test_b[c] as the results of `make test` have it."""
    file, _, name = nodeid.partition("::")
    return f"test.boot.{file.rpartition('/')[2].removesuffix('.py')}: {name}"


def pytest_collection_modifyitems(config, items):
    only = re.compile(os.environ.get("ONLY", ""))
    dropped = [item for item in items if not only.search(test_name(item.nodeid))]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in dropped]


class Progress:
    """How many tests are over, after how many seconds; and what went wrong."""

    def __init__(self):
        self.began = self.told = time.monotonic()
        self.nr_ended = self.nr_failed = 0

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report):
        self.nr_failed += report.failed
        self.nr_ended += report.when == "teardown"
        now = time.monotonic()
        if not report.failed and now < self.told + PULSE:
            return
        self.told = now
        print(f"   [{self.nr_ended:3} ended, {self.nr_failed} failed "
              f"{now - self.began:4.0f} s] {'FAIL' if report.failed else 'ok  '} "
              f"{test_name(report.nodeid)}", flush=True)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress())


def pytest_report_teststatus(report):
    """No dots: Progress says it."""
    if report.when == "call" and report.passed:
        return "passed", "", "PASSED"
    return None


@pytest.fixture
def ended(request):
    kernel = request.param.run()
    request.node.kernels = [kernel]
    return kernel


@pytest.fixture
def start(request):
    request.node.kernels = kernels = []

    def start_kernel(port="i386", append="", command=None, **settings):
        kernel = Kernel(Boot(port, append, **settings), command)
        kernels.append(kernel)
        return kernel

    yield start_kernel
    for kernel in kernels:
        kernel.close()


@pytest.fixture(scope="session")
def loader():
    subprocess.run(["make", "-s", "PORT=i386", "loader"], cwd=ROOT, check=True,
                   env=environment())
    return str(BUILD / "loader" / "loader.elf")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows all its kernels said."""
    outcome = yield
    report = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    if "-- Boot(" in str(report.longrepr):
        return  # a Failure has shown it
    for kernel in getattr(item, "kernels", ()):
        report.sections.append((str(kernel.boot), "\n".join(kernel.lines)))
