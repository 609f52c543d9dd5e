# SPDX-License-Identifier: LGPL-2.1-or-later
"""A boot for each kernel with auditd, a TPM and IMA's measurements."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "vm"))

import machines  # noqa: E402

BUILD = os.path.join(TOP, "build", "audit")
FILES = os.path.join(BUILD, "files")
USER = os.path.join(TOP, "build", "userspace")
COMMAND = os.path.join(USER, "aioffload-static")
# The first one counts measurements: nothing is measured before it.
PROGRAMS = ["attested", "records"]
TIMEOUT = 1200


def call(*argv):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    if r.returncode:
        raise RuntimeError("%s failed:\n%s" % (" ".join(argv), r.stdout))
    return r.stdout


def build():
    """The program, keys and models; called before tests are collected."""
    with machines.locked("audit"):
        os.makedirs(BUILD, exist_ok=True)
        call("make", "-s", "-C", TOP + "/userspace", "lib", "static")
        call("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
             "-I" + TOP + "/userspace/lib", "-I" + TOP + "/module/include/uapi",
             "-o", BUILD + "/jobs", HERE + "/jobs.c", USER + "/libaioffload.a")
        models_out = BUILD + "/obj/models_out"
        call("make", "-s", "-C", TOP + "/tests/security/c", "O=" + BUILD + "/obj",
             models_out)
        shutil.rmtree(FILES, ignore_errors=True)
        os.makedirs(FILES)
        call(models_out, FILES)
        _models()


def _models():
    keys = BUILD + "/keys"
    for name in ("good", "evil"):
        if not os.path.exists("%s/%s.pem" % (keys, name)):
            os.makedirs(keys, exist_ok=True)
            call(COMMAND, "model", "keygen", "--out", keys, "--name", name)
    shutil.copy(keys + "/good.pem", FILES)
    shutil.copy(keys + "/evil.pem", FILES)

    def sign(out, key, name, version, model="lut"):
        call(COMMAND, "model", "sign", "%s/%s.aim" % (FILES, model), "--key",
             "%s/%s.key" % (keys, key), "-o", "%s/%s.aim" % (FILES, out),
             "--name", name, "-v", str(version))

    sign("good", "good", "audit.lut", 3)
    sign("evil", "evil", "audit.lut", 3)
    sign("named", "evil", "x=res=1", 1)
    sign("second", "good", "audit.other", 7, "other")
    sign("third", "good", "audit.chain", 9, "chain")


def cases(program):
    return call(sys.executable, os.path.join(HERE, "guest", program),
                "--list").split()


class Results(machines.Results):
    def _run(self, wanted):
        share = os.path.join(BUILD, "share-" + self.kernel)
        shutil.rmtree(share, ignore_errors=True)
        os.makedirs(share + "/bin")
        with machines.locked("audit"):
            shutil.copy(BUILD + "/jobs", share + "/bin/")
            shutil.copytree(FILES, share + "/files")
            if machines.BARE:
                shutil.copy(COMMAND, share + "/bin/aioffload")
        for f in os.listdir(HERE + "/guest"):
            shutil.copy(os.path.join(HERE, "guest", f), share + "/bin/")
        guest = os.path.join(TOP, "tests", "vm", "guest")
        shutil.copy(guest + "/vmtest.py", share + "/bin/")
        shutil.copy(guest + "/run.sh", share)
        with open(share + "/wanted", "w") as f:
            for program, case in wanted:
                f.write("%s %s\n" % (program, case))
        if machines.BARE:
            machines.copy_modules(self.kernel, share + "/ko")
        self._boot(self._argv(share),
                   os.path.join(BUILD, "output-" + self.kernel),
                   os.path.join(BUILD, "dmesg-" + self.kernel))

    def _argv(self, share):
        argv = [TOP + "/tools/vm", "run", "--kernel", self.kernel,
                "--share", share, "--memory", "1536",
                "--timeout", str(TIMEOUT), "--tpm",
                "--install", "auditd", "--install", "tpm2-tools",
                "--dmesg", os.path.join(BUILD, "dmesg-" + self.kernel),
                "--console", os.path.join(BUILD, "console-" + self.kernel)]
        for a in machines.APPEND + ["ima_policy=critical_data"]:
            argv += ["--append", a]
        if machines.BARE:
            argv += ["--bare", "--env", "AIOFFLOAD_MODULES=/mnt/share/ko"]
        return argv + ["--", "sh", "/mnt/share/run.sh", "/mnt/share/wanted"]


class Fleet(machines.Fleet):
    @staticmethod
    def _boot(kernel, wanted):
        with machines.locked("audit-" + kernel):
            machines.say("%d audit cases on %s ..." % (len(wanted), kernel))
            r = Results(kernel, wanted)
        machines.say("%s took %d s" % (kernel, r.seconds))
        return r
