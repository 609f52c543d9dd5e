# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot for each kernel in which every wanted attack is tried.

The machines, the frame and the reading of results are those of tests/vm;
what is different is that policy is enforced, with keys made here.
"""
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(TOP, "tests", "vm"), HERE]

import forge  # noqa: E402
import machines  # noqa: E402
import more_files  # noqa: E402

BUILD = os.path.join(TOP, "build", "security")
BIN = os.path.join(BUILD, "bin")
FILES = os.path.join(BUILD, "files")
# The last case of the last one locks the kernel down for good.
PROGRAMS = ["admission", "rights", "quotas", "isolation", "authority"]
# No attacks, but they need the same keys and files.
OTHERS = ["policy"]
THREATS = os.path.join(TOP, "docs", "threat-model.md")

# Audit is on, so that records come. Nothing here runs auditd, so they fill the
# kernel log, all of which is wanted; the serial console is too slow for them.
APPEND = machines.APPEND + ["audit=1", "audit_backlog_limit=8192",
                            "log_buf_len=16M", "loglevel=4"]
TIMEOUT = 1800


def build():
    """Programs, keys and forged files; called before tests are collected."""
    with machines.locked("security"):
        r = subprocess.run(["make", "-s", "-j2", "-C", HERE + "/c", "O=" + BIN],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
        if r.returncode:
            raise RuntimeError("building tests/security/c failed:\n" + r.stdout)
        plain = os.path.join(BUILD, "plain")
        os.makedirs(plain, exist_ok=True)
        subprocess.run([BIN + "/models_out", plain], check=True)
        shutil.rmtree(FILES, ignore_errors=True)
        smith = forge.Forge(BUILD)
        smith.write(FILES)
        more_files.write(smith, FILES)


def cases(program):
    return subprocess.run([os.path.join(BIN, program), "--list"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.split()


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


class Results(machines.Results):
    def _run(self, wanted):
        share = os.path.join(BUILD, "share-" + self.kernel)
        shutil.rmtree(share, ignore_errors=True)
        os.makedirs(share + "/bin")
        with machines.locked("security"):
            for p in OTHERS + PROGRAMS:
                shutil.copy(os.path.join(BIN, p), share + "/bin/")
            shutil.copytree(FILES, share + "/files")
        shutil.copy(os.path.join(TOP, "tests", "vm", "guest", "run.sh"), share)
        if machines.BARE:
            machines.copy_modules(self.kernel, share + "/ko")
        with open(share + "/wanted", "w") as f:
            for program, case in wanted:
                f.write("%s %s\n" % (program, case))
        log = os.path.join(BUILD, "dmesg-" + self.kernel)
        argv = [TOP + "/tools/vm", "run", "--kernel", self.kernel,
                "--share", share, "--memory", "1536",
                "--timeout", str(TIMEOUT), "--dmesg", log,
                "--console", os.path.join(BUILD, "console-" + self.kernel),
                "--env", "VMTEST_POLICY=enforce",
                "--env", "SECTEST_FILES=/mnt/share/files"]
        for a in APPEND:
            argv += ["--append", a]
        if machines.BARE:
            argv += ["--bare", "--env", "AIOFFLOAD_MODULES=/mnt/share/ko"]
        argv += ["--", "sh", "/mnt/share/run.sh", "/mnt/share/wanted"]
        self._boot(argv, os.path.join(BUILD, "output-" + self.kernel), log)


class Fleet(machines.Fleet):
    @staticmethod
    def _boot(kernel, wanted):
        with machines.locked("security-" + kernel):
            machines.say("%d attacks on %s ..." % (len(wanted), kernel))
            r = Results(kernel, wanted)
        machines.say("%s took %d s" % (kernel, r.seconds))
        return r
