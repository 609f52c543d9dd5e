# SPDX-License-Identifier: LGPL-2.1-or-later
"""The suite of tests/vm: what the modules must do, called as they can be."""
import os
import shutil
import subprocess

import machines
from machines import HERE, TOP, call

SHARED = os.environ.get("AIOFFLOAD_SHARED", os.path.join(TOP, "..", "shared"))
# Modules are loaded and unloaded 200 times: many minutes under emulation.
LONG = bool(os.environ.get("AIOFFLOAD_LONG"))

# In this order: what leaves the modules as they were goes first.
C_PROGRAMS = ["abi", "buffers", "models", "bind", "run", "queue", "rings",
              "zerocopy", "import", "perm", "rights", "visible", "quota",
              "class", "earliest", "realtime", "weights", "sched", "fence", "sandbox",
              "lib", "faults", "place", "power", "kill"]
SCRIPTS = ["cli", "admin", "golden"]


def models_dir():
    """The models to try: the shared ones, else those kept in the project."""
    shared = os.path.join(SHARED, "models")
    return shared if os.path.isdir(shared) else os.path.join(
        TOP, "tests", "data", "models")


class Guests(machines.Suite):
    name = "vmtests"
    programs = C_PROGRAMS + SCRIPTS
    memory = 2048
    timeout = 2400

    def build(self):
        """The programs and a key."""
        with self.locked("bin"):
            call("make", "-s", "-j2", "-C", HERE + "/c",
                 "O=" + self.build_dir + "/bin")
            call(TOP + "/tools/testkey", self.build_dir + "/keys")

    def path(self, program):
        if program in SCRIPTS:
            return os.path.join(HERE, "guest", program)
        return os.path.join(self.build_dir, "bin", program)

    def cases(self, program):
        env = dict(os.environ, VMTEST_MODELS=models_dir())
        return call(self.path(program), "--list", env=env).split()

    def fill(self, share, kernel):
        for f in os.listdir(HERE + "/guest"):
            if f.endswith(".py"):
                shutil.copy(os.path.join(HERE, "guest", f), share + "/bin/")
        shutil.copytree(self.build_dir + "/keys", share + "/keys")
        shutil.copytree(models_dir(), share + "/models")
        shutil.copytree(os.path.join(TOP, "tests", "fuzz", "corpus"),
                        share + "/corpus")
        self._build_modules(kernel, share + "/kmod")

    def _build_modules(self, kernel, to):
        """tests/vm/kmod, against that kernel's headers, into the directory."""
        dst = os.path.join(self.build_dir, "kmod-" + kernel)
        os.makedirs(dst, exist_ok=True)
        for src in (HERE + "/kmod", TOP + "/module/compat"):
            # with their times: what has not changed is not built again
            subprocess.run(["cp", "-a", src, dst], check=True)
        script = ("set -e; cd kmod; rm -rf compat; ln -s ../compat compat; "
                  "sh ../compat/configure /lib/modules/$KERNELRELEASE/build; "
                  "make -s -C /lib/modules/$KERNELRELEASE/build M=$PWD modules")
        call(TOP + "/tools/vm", "chroot", "--kernel", kernel, "--bind", dst,
             "--cwd", dst, "--", "sh", "-c", script)
        os.makedirs(to)
        for f in os.listdir(dst + "/kmod"):
            if f.endswith(".ko"):
                shutil.copy(os.path.join(dst, "kmod", f), to)

    def environment(self, kernel):
        return {"VMTEST_MODULE_ROUNDS": 200} if LONG else {}
