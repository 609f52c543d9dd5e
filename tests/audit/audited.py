# SPDX-License-Identifier: LGPL-2.1-or-later
"""The suite of tests/audit: with auditd, a TPM and IMA's measurements."""
import os
import shutil

import machines
from machines import TOP, call

HERE = os.path.dirname(os.path.abspath(__file__))
USER = os.path.join(TOP, "build", "userspace")
COMMAND = os.path.join(USER, "aioffload-static")


class Audited(machines.Suite):
    name = "audit"
    # The first one counts measurements: nothing is measured before it.
    programs = ["attested", "records"]
    append = machines.APPEND + ["ima_policy=critical_data"]
    options = ["--tpm", "--install", "auditd", "--install", "tpm2-tools"]
    timeout = 1200

    def __init__(self):
        super().__init__()
        self.files = os.path.join(self.build_dir, "files")

    def build(self):
        """The program, keys and models."""
        with self.locked("bin"):
            call("make", "-s", "-C", TOP + "/userspace", "lib", "static")
            call("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                 "-I" + TOP + "/userspace/lib",
                 "-I" + TOP + "/module/include/uapi",
                 "-o", self.build_dir + "/jobs", HERE + "/jobs.c",
                 USER + "/libaioffload.a")
            models_out = self.build_dir + "/obj/models_out"
            call("make", "-s", "-C", TOP + "/tests/security/c",
                 "O=" + self.build_dir + "/obj", models_out)
            shutil.rmtree(self.files, ignore_errors=True)
            os.makedirs(self.files)
            call(models_out, self.files)
            self._models()

    def _models(self):
        keys = self.build_dir + "/keys"
        for name in ("good", "evil"):
            if not os.path.exists("%s/%s.pem" % (keys, name)):
                os.makedirs(keys, exist_ok=True)
                call(COMMAND, "model", "keygen", "--out", keys, "--name", name)
            shutil.copy("%s/%s.pem" % (keys, name), self.files)

        def sign(out, key, name, version, model="lut"):
            call(COMMAND, "model", "sign", "%s/%s.aim" % (self.files, model),
                 "--key", "%s/%s.key" % (keys, key),
                 "-o", "%s/%s.aim" % (self.files, out),
                 "--name", name, "-v", str(version))

        sign("good", "good", "audit.lut", 3)
        sign("evil", "evil", "audit.lut", 3)
        sign("named", "evil", "x=res=1", 1)
        sign("second", "good", "audit.other", 7, "other")
        sign("third", "good", "audit.chain", 9, "chain")

    def path(self, program):
        return os.path.join(HERE, "guest", program)

    def fill(self, share, kernel):
        shutil.copy(self.build_dir + "/jobs", share + "/bin/")
        shutil.copytree(self.files, share + "/files")
        if machines.BARE:
            shutil.copy(COMMAND, share + "/bin/aioffload")
        shutil.copy(HERE + "/guest/auditlib.py", share + "/bin/")
        shutil.copy(machines.HERE + "/guest/vmtest.py", share + "/bin/")
