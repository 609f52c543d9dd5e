# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of every guest program, on every kernel.

  pytest tests/vm/test_guest.py -k 'abi and 6.12'     one program, one kernel
  pytest tests/vm/test_guest.py -k scribbling         a case on all kernels

docs/testing.md says how to add one.
"""
import pytest

import machines


def pytest_generate_tests(metafunc):
    if "case" not in metafunc.fixturenames:
        return
    machines.build()
    todo = [(k, p, c) for k in machines.KERNELS
            for p in machines.C_PROGRAMS + machines.SCRIPTS
            for c in machines.cases(p)]
    metafunc.parametrize("kernel,program,case", todo,
                         ids=["-".join(t) for t in todo])


@pytest.fixture(scope="session")
def booted(request):
    """kernel -> Results. The first call boots all kernels of which something
    is wanted, as many at a time as the machine bears."""
    def wanted(kernel):
        mine = [i.callspec.params for i in request.session.items
                if getattr(i, "callspec", None)
                and i.callspec.params.get("kernel") == kernel]
        return [(p["program"], p["case"]) for p in mine
                if "case" in p] if mine else None
    return machines.Fleet(wanted).results


def test(booted, kernel, program, case):
    word, text = booted(kernel).verdict(program, case)
    if word == "skip":
        pytest.skip(text)
    assert word == "ok", text


@pytest.mark.parametrize("kernel", machines.KERNELS)
def test_log_outside_of_cases_is_clean(booted, kernel):
    assert booted(kernel).complaints.get(None, []) == []
