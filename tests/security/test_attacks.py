# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every threat of docs/threat-model.md, tried on every kernel.

  pytest tests/security -k t10                   one threat on all kernels
  pytest tests/security -k 'admission and 6.12'  one program on one

A case fails as in tests/vm: if it says so, if it leaves something behind, or
if the kernel complains in its log meanwhile. The order of cases is fixed: the
last one locks the kernel down.
"""
import pytest

import attacks
import machines


def pytest_generate_tests(metafunc):
    if "threat" not in metafunc.fixturenames:
        return
    attacks.build()
    todo = [(k, p, c) for k in machines.KERNELS
            for p in attacks.OTHERS + attacks.PROGRAMS
            for c in attacks.cases(p)]
    metafunc.parametrize("on,program,threat", todo,
                         ids=["-".join(t) for t in todo])


@pytest.fixture(scope="session")
def attacked(request):
    """kernel -> Results, as in tests/vm"""
    def wanted(kernel):
        mine = [i.callspec.params for i in request.session.items
                if getattr(i, "callspec", None)
                and i.callspec.params.get("on") == kernel]
        return [(p["program"], p["threat"]) for p in mine
                if "threat" in p] if mine else None
    return attacks.Fleet(wanted).results


def test(attacked, on, program, threat):
    word, text = attacked(on).verdict(program, threat)
    if word == "skip":
        pytest.skip(text)
    assert word == "ok", text


@pytest.mark.parametrize("on", machines.KERNELS)
def test_log_outside_of_cases_is_clean(attacked, on):
    assert attacked(on).complaints.get(None, []) == []


def test_each_threat_has_a_case_and_each_case_a_threat():
    cases = {c for p in attacks.PROGRAMS for c in attacks.cases(p)}
    described = attacks.described()
    named = {c for names in described.values() for c in names}
    elsewhere = {t for t, names in described.items() if not names}
    assert sorted(cases - named) == []
    assert sorted(named - cases) == []
    assert sorted(attacks.numbers(cases) - set(described)) == []
    assert sorted(elsewhere) == [], "threats without a case"
