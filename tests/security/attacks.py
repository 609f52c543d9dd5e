# SPDX-License-Identifier: LGPL-2.1-or-later
"""The suite of attacks. The frame is that of tests/vm; what is different is
that policy is enforced, with keys made here."""
import os
import re
import shutil

import firmware
import forge
import machines
import more_files
from machines import TOP, call

HERE = os.path.dirname(os.path.abspath(__file__))
# The last case of the last one locks the kernel down for good.
PROGRAMS = ["admission", "rights", "quotas", "isolation", "authority"]
# No attacks, but they need the same keys and files.
OTHERS = ["policy"]
THREATS = os.path.join(TOP, "docs", "threat-model.md")


def numbers(names):
    """The threats' numbers in names of cases: {"T01", ...}."""
    found = (re.match(r"(t\d\d)_", n) for n in names)
    return {m[1].upper() for m in found if m}


def described():
    """threat's number -> names of cases that docs/threat-model.md gives it"""
    out = {}
    with open(THREATS) as f:
        for line in f:
            m = re.match(r"\| (T\d\d) \|", line)
            if m:
                out[m[1]] = re.findall(r"`(t\d\d_\w+)`", line)
    return out


class Attacks(machines.Suite):
    name = "security"
    programs = OTHERS + PROGRAMS
    # Audit is on, so that records come. Nothing here runs auditd, so they fill
    # the kernel log, all of which is wanted; the serial console is too slow.
    append = machines.APPEND + ["audit=1", "audit_backlog_limit=8192",
                                "log_buf_len=16M", "loglevel=3"]

    def build(self):
        """Programs, keys and forged files."""
        with self.locked("bin"):
            call("make", "-s", "-j2", "-C", HERE + "/c",
                 "O=" + self.build_dir + "/bin")
            plain = os.path.join(self.build_dir, "plain")
            os.makedirs(plain, exist_ok=True)
            call(self.path("models_out"), plain)
            files = os.path.join(self.build_dir, "files")
            shutil.rmtree(files, ignore_errors=True)
            smith = forge.Forge(self.build_dir)
            smith.write(files)
            more_files.write(smith, files)
            self.flash = firmware.with_key(smith.der("firmware"),
                                           self.build_dir + "/flash")

    def path(self, program):
        return os.path.join(self.build_dir, "bin", program)

    def fill(self, share, kernel):
        shutil.copytree(os.path.join(self.build_dir, "files"), share + "/files")

    def options_on(self, kernel):
        # The debug kernel can't be started by such a firmware.
        return [] if kernel.startswith("debug-") else self.flash

    def environment(self, kernel):
        return {"VMTEST_POLICY": "enforce", "SECTEST_FILES": "/mnt/share/files"}
