# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records and measurements, with auditd, ausearch, a TPM and tpm2-tools.

  pytest tests/audit -k 'records and 6.12'     one program on one kernel
  pytest tests/audit -k tampered               a case on all kernels
"""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import boot  # noqa: E402
from boot import machines  # noqa: E402


def pytest_generate_tests(metafunc):
    if "aspect" not in metafunc.fixturenames:
        return
    boot.build()
    todo = [(k, p, c) for k in machines.KERNELS
            for p in boot.PROGRAMS for c in boot.cases(p)]
    metafunc.parametrize("on,program,aspect", todo,
                         ids=["-".join(t) for t in todo])


@pytest.fixture(scope="session")
def recorded(request):
    """kernel -> Results, as in tests/vm"""
    def wanted(kernel):
        mine = [i.callspec.params for i in request.session.items
                if getattr(i, "callspec", None)
                and i.callspec.params.get("on") == kernel]
        return [(p["program"], p["aspect"]) for p in mine
                if "aspect" in p] if mine else None
    return boot.Fleet(wanted).results


def test(recorded, on, program, aspect):
    word, text = recorded(on).verdict(program, aspect)
    if word == "skip":
        pytest.skip(text)
    assert word == "ok", text


@pytest.mark.parametrize("on", machines.KERNELS)
def test_log_outside_of_cases_is_clean(recorded, on):
    assert recorded(on).complaints.get(None, []) == []
