# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every threat of docs/threat-model.md, tried on every kernel.

  pytest tests/security -k t10                   one threat on all kernels
  pytest tests/security -k 'admission and 6.12'  one program on one

A case fails as in tests/vm: if it says so, if it leaves something behind, or
if the kernel complains in its log meanwhile. The order of cases is fixed: the
last one locks the kernel down.
"""
import attacks
from verdicts import test, test_log_outside_of_cases_is_clean  # noqa: F401

SUITE = attacks.Attacks()


def test_each_threat_has_a_case_and_each_case_a_threat():
    cases = {c for p in attacks.PROGRAMS for c in SUITE.cases(p)}
    described = attacks.described()
    named = {c for names in described.values() for c in names}
    elsewhere = {t for t, names in described.items() if not names}
    assert sorted(cases - named) == []
    assert sorted(named - cases) == []
    assert sorted(attacks.numbers(cases) - set(described)) == []
    assert sorted(elsewhere) == [], "threats without a case"
