# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests of every suite; a file of tests with a SUITE imports them."""
import pytest


def test(boot, program, case):
    word, text = boot.verdict(program, case)
    if word == "skip":
        pytest.skip(text)
    assert word == "ok", text


def test_log_outside_of_cases_is_clean(boot):
    assert boot.complaints.get(None, []) == []
