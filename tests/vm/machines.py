# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines in which tests run: one boot for each kernel and suite.

A boot costs seconds, so all wanted cases of a suite share one. A guest program
prints a line for each of its cases (see c/vmtest.c); Boot turns these, and what
the kernel log says between them, into one verdict for each case.
tests/conftest.py makes pytest items of the cases.
"""
import concurrent.futures
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tools"))
from vmlib.complaints import (  # noqa: E402
    COMPLAINTS, EMULATOR_RETRIES, EMULATOR_SAYS, emulator_failed)

# For quick rounds while working on the modules: no packages, the modules come
# from the share. What needs packages is then skipped.
BARE = bool(os.environ.get("AIOFFLOAD_VM_BARE"))
KERNELS = os.environ.get("AIOFFLOAD_KERNELS", "6.1 6.12 7.3").split()

# Slab debugging works on stock kernels: red zones, poison, sanity checks. Of
# what drivers allocate from; with all caches it costs a seventh of the time.
# swiotlb: what devices import is bounced, so that missing syncs show.
APPEND = ["slub_debug=FZP,kmalloc-*,aioffload*", "oops=panic", "swiotlb=force"]


def call(*argv, **kw):
    """The output of a command that must succeed."""
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, **kw)
    if r.returncode:
        raise RuntimeError("%s failed:\n%s" % (" ".join(argv), r.stdout))
    return r.stdout


def say(text):
    # one write: machines run side by side
    sys.__stderr__.write("vm tests: " + text + "\n")
    sys.__stderr__.flush()


class Suite:
    """The programs of one directory of tests, and the machine they want."""
    name = None         # of its directory below build/
    programs = []       # in this order
    append = APPEND     # to the kernel's command line
    options = []        # further ones of tools/vm run
    memory = 1536
    timeout = 1800

    def __init__(self):
        self.build_dir = os.path.join(TOP, "build", self.name)

    def build(self):
        """What runs in guests; called before tests are collected."""
        raise NotImplementedError

    def path(self, program):
        """Of a program; with --list it names its cases."""
        raise NotImplementedError

    def cases(self, program):
        return call(self.path(program), "--list").split()

    def fill(self, share, kernel):
        """Put what the programs need into the directory that guests see."""
        raise NotImplementedError

    def environment(self, kernel):
        return {}

    def options_on(self, kernel):
        return self.options

    @contextlib.contextmanager
    def locked(self, what):
        """One at a time, also between two runs of pytest in this tree."""
        os.makedirs(self.build_dir, exist_ok=True)
        with open(os.path.join(self.build_dir, "lock-" + what), "w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield


def copy_modules(kernel, to):
    """For guests without packages, from build/kmod."""
    os.makedirs(to)
    kmod = os.environ.get("AIOFFLOAD_KMOD", os.path.join(TOP, "build", "kmod"))
    for release in sorted(os.listdir(kmod)):
        debug = release.endswith("-debug")
        if debug != kernel.startswith("debug-") or not release.startswith(
                kernel.replace("debug-", "") + "."):
            continue
        for where, _, files in os.walk(os.path.join(kmod, release)):
            for f in files:
                if f.endswith(".ko"):
                    shutil.copy(os.path.join(where, f), to)
    if not os.listdir(to):
        raise RuntimeError("no modules for %s in build/kmod" % kernel)


class Boot:
    """Verdicts of one boot: verdict(program, case) -> (word, text)."""

    def __init__(self, suite, kernel, wanted):
        self.suite = suite
        self.kernel = kernel
        self.lines = {}         # (program, case) -> (word, text)
        self.complaints = {}    # (program, case) or None -> [line]
        self.output = ""
        with suite.locked(kernel):
            say("%s: %d cases on %s ..." % (suite.name, len(wanted), kernel))
            start = time.time()
            cpu = self._run(self._share(wanted))
            for _ in range(EMULATOR_RETRIES):
                if not self.emulator_failed:
                    break
                say("%s on %s: %s" % (suite.name, kernel, EMULATOR_SAYS))
                self.lines.clear()
                self.complaints.clear()
                cpu += self._run(self._share(wanted))
            say("%s on %s took %d s, %d s of CPU"
                % (suite.name, kernel, time.time() - start, cpu))

    def _file(self, what):
        return os.path.join(self.suite.build_dir, what + "-" + self.kernel)

    def _share(self, wanted):
        share = self._file("share")
        shutil.rmtree(share, ignore_errors=True)
        os.makedirs(share + "/bin")
        with self.suite.locked("bin"):
            for p in self.suite.programs:
                shutil.copy(self.suite.path(p), share + "/bin/")
            self.suite.fill(share, self.kernel)
        shutil.copy(HERE + "/guest/run.sh", share)
        if BARE:
            copy_modules(self.kernel, share + "/ko")
        with open(share + "/wanted", "w") as f:
            for program, case in wanted:
                f.write("%s %s\n" % (program, case))
        return share

    def _argv(self, share):
        env = self.suite.environment(self.kernel)
        argv = [TOP + "/tools/vm", "run", "--kernel", self.kernel,
                "--share", share, "--memory", str(self.suite.memory),
                "--timeout", str(self.suite.timeout),
                "--dmesg", self._file("dmesg"),
                "--console", self._file("console")] + self.suite.options_on(self.kernel)
        for a in self.suite.append:
            argv += ["--append", a]
        if BARE:
            argv.append("--bare")
            env["AIOFFLOAD_MODULES"] = "/mnt/share/ko"
        for name, value in env.items():
            argv += ["--env", "%s=%s" % (name, value)]
        return argv + ["--", "sh", "/mnt/share/run.sh", "/mnt/share/wanted"]

    def _run(self, share):
        """Run the machine and read what it left; the CPU time it took."""
        with open(self._file("output"), "wb") as out:
            vm = subprocess.Popen(self._argv(share), stdout=out,
                                  stderr=subprocess.STDOUT)
            # This one's use of the CPU; a thread beside us waits for another
            _, vm.returncode, used = os.wait4(vm.pid, 0)
        with open(self._file("output"), errors="replace") as f:
            self.output = f.read()
        self._parse(self.output)
        dmesg = ""
        if os.path.exists(self._file("dmesg")):
            with open(self._file("dmesg"), errors="replace") as f:
                dmesg = f.read()
        self._scan(dmesg)
        self.emulator_failed = emulator_failed(dmesg)
        return used.ru_utime + used.ru_stime

    def _parse(self, text):
        program = None
        for line in text.splitlines():
            if line.startswith("## "):
                program = line[3:]
                continue
            m = re.match(r"(ok|not ok|skip) (\S+)(?: # (.*))?$", line)
            if m and program:
                self.lines[program, m[2]] = (m[1], m[3] or "")

    def _scan(self, dmesg):
        """Complaints of the kernel, each with the case during which it came."""
        now = None
        for line in dmesg.splitlines():
            m = re.search(r"vmtest: begin (\w+)\.(\S+)", line)
            if m:
                now = (m[1], m[2])
            elif "kmemleak: " in line and COMPLAINTS.search(line):
                # Looked for in the end: nobody knows whose they are
                self.complaints.setdefault(None, []).append(line)
            elif COMPLAINTS.search(line):
                self.complaints.setdefault(now, []).append(line)

    def verdict(self, program, case):
        word, text = self.lines.get((program, case), (None, ""))
        heard = self.complaints.get((program, case))
        if word is None:
            tail = "\n".join(self.output.splitlines()[-15:])
            return "not ok", "no result; the machine's output ends:\n" + tail
        if heard:
            return "not ok", "%s %s\nkernel log: %s" % (
                word, text, "\n".join(heard[:20]))
        return word, text


def at_once(machines):
    """How many machines: one more than CPUs, since their tests wait for more
    than a third of the time."""
    wanted = os.environ.get("AIOFFLOAD_VMS")
    if wanted:
        return max(1, int(wanted))
    with open("/proc/meminfo") as f:
        free = int(re.search(r"MemAvailable:\s*(\d+)", f.read())[1]) // 1024
    cpus = len(os.sched_getaffinity(0))
    return max(1, min(len(machines), cpus + 1,
                      free // (max(s.memory for s, _ in machines) + 512)))


class Fleet:
    """All machines of a session: whose suites they are makes no difference."""

    def __init__(self):
        self.pool = None
        self.boots = {}

    def start(self, wanted):
        """wanted: {(suite, kernel): [(program, case)]}, in order of boots"""
        if not wanted:
            return
        self.pool = concurrent.futures.ThreadPoolExecutor(at_once(wanted))
        for (suite, kernel), cases in wanted.items():
            self.boots[suite, kernel] = self.pool.submit(
                Boot, suite, kernel, cases)

    def boot(self, suite, kernel):
        return self.boots[suite, kernel].result()

    def stop(self):
        """Boot no more of them."""
        if self.pool:
            self.pool.shutdown(wait=False, cancel_futures=True)
