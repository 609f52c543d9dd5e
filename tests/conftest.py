# SPDX-License-Identifier: LGPL-2.1-or-later
"""What files of tests with a SUITE have in common (tests/vm/machines.py): a
test for each of its cases on each kernel, and the machines they ran in."""
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "vm"))
import machines  # noqa: E402

FLEET = machines.Fleet()


def pytest_generate_tests(metafunc):
    suite = getattr(metafunc.module, "SUITE", None)
    if suite is None or "boot" not in metafunc.fixturenames:
        return
    if "case" not in metafunc.fixturenames:
        metafunc.parametrize("kernel", machines.KERNELS)
        return
    suite.build()
    cases = [(p, c) for p in suite.programs for c in suite.cases(p)]
    todo = [(k, p, c) for k in machines.KERNELS for p, c in cases]
    metafunc.parametrize("kernel,program,case", todo,
                         ids=["-".join(t) for t in todo])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Machines boot as soon as it is known what is wanted of them, all that
    there is room for; tests that need none run meanwhile."""
    if session.testsfailed or session.config.option.collectonly:
        return
    wanted = {}
    for item in session.items:
        suite = getattr(item.module, "SUITE", None)
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if suite is None or "kernel" not in params:
            continue
        cases = wanted.setdefault((suite, params["kernel"]), [])
        if "case" in params:
            cases.append((params["program"], params["case"]))
    FLEET.start(wanted)


def pytest_sessionfinish():
    FLEET.stop()


@pytest.fixture
def boot(request, kernel):
    return FLEET.boot(request.module.SUITE, kernel)
