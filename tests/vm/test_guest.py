# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of every guest program, on every kernel.

  pytest tests/vm/test_guest.py -k 'abi and 6.12'     one program, one kernel
  pytest tests/vm/test_guest.py -k scribbling         a case on all kernels

docs/testing.md says how to add one.
"""
from guests import Guests
from verdicts import test, test_log_outside_of_cases_is_clean  # noqa: F401

SUITE = Guests()
