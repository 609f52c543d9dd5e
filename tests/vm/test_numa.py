# SPDX-License-Identifier: LGPL-2.1-or-later
"""Threads of the CPU device on a machine of three nodes, one of them isolated.

  pytest tests/vm/test_numa.py -k 'isolated and 6.12'
"""
import os

import machines
from machines import HERE, call
from verdicts import test, test_log_outside_of_cases_is_clean  # noqa: F401

# What must hold there as on other machines.
AS_EVER = {"class": ("threads_are_in", "threads_that", "threads_follow", "cpu_max_holds", "goes_under", "leaves_no_thread"),
           "earliest": ("goes_first",)}


class Numa(machines.Suite):
    name = "numatests"
    programs = ["numa", "class", "earliest"]
    append = machines.APPEND + ["isolcpus=2"]
    options = ["--numa", "3", "--cpus", "3"]
    timeout = 600

    def build(self):
        with self.locked("bin"):
            call("make", "-s", "-j2", "-C", HERE + "/c",
                 "O=" + self.build_dir + "/bin",
                 *(self.path(p) for p in self.programs))

    def path(self, program):
        return os.path.join(self.build_dir, "bin", program)

    def cases(self, program):
        wanted = AS_EVER.get(program)
        return [c for c in super().cases(program)
                if not wanted or any(w in c for w in wanted)]

    def fill(self, share, kernel):
        pass


SUITE = Numa()
