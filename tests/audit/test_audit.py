# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records and measurements, with auditd, ausearch, a TPM and tpm2-tools.

  pytest tests/audit -k 'records and 6.12'     one program on one kernel
  pytest tests/audit -k tampered               a case on all kernels
"""
from audited import Audited
from verdicts import test, test_log_outside_of_cases_is_clean  # noqa: F401

SUITE = Audited()
