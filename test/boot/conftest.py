"""Fixtures of the boot tests.

`ended`     a kernel that ran to its end: parametrised (indirectly) with a Boot.
            All Boots of a module run side by side, as many as there are CPUs
            but at most two, and each test waits for its own.
`start`     starts a Kernel to talk with; it is closed when the test is over.
`loader`    the boot loader of test/loader, built.
"""

import concurrent.futures
import os
import subprocess

import pytest

from kernel import BUILD, ROOT, Boot, Kernel, environment

AT_ONCE = min(2, os.cpu_count() or 1)


@pytest.fixture(scope="module")
def boots(request):
    """The Boots of the chosen tests of this module, each running or run."""
    wanted = []
    for item in request.session.items:
        if item.module is request.module and "ended" in item.fixturenames:
            wanted.append(item.callspec.params["ended"])
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {boot: pool.submit(boot.run) for boot in dict.fromkeys(wanted)}
        # After a failure with -x, those that have not begun never do.
        pool.shutdown(cancel_futures=True)


@pytest.fixture
def ended(request, boots):
    kernel = boots[request.param].result()
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
