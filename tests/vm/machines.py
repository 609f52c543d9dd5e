# SPDX-License-Identifier: LGPL-2.1-or-later
"""One boot for each kernel, in which every wanted test runs.

A boot costs seconds, so the tests of a kernel share one. A guest program
prints a line for each of its cases (see c/vmtest.c); Results turns these, and
what the kernel log says between them, into one verdict for each case.
"""
import concurrent.futures
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tools"))
from vmlib.complaints import COMPLAINTS  # noqa: E402

BUILD = os.path.join(TOP, "build", "vmtests")
SHARED = os.environ.get("AIOFFLOAD_SHARED", os.path.join(TOP, "..", "shared"))
# For quick rounds while working on the modules: no packages, the modules come
# from the share. What needs packages is then skipped.
BARE = bool(os.environ.get("AIOFFLOAD_VM_BARE"))
# Modules are loaded and unloaded 200 times: many minutes under emulation.
LONG = bool(os.environ.get("AIOFFLOAD_LONG"))

KERNELS = os.environ.get("AIOFFLOAD_KERNELS", "6.1 6.12 7.3").split()

# In this order: what leaves the modules as they were goes first.
C_PROGRAMS = ["abi", "buffers", "models", "bind", "run", "queue", "rings",
              "zerocopy", "import", "perm", "rights", "visible", "quota",
              "sandbox", "lib", "faults", "kill"]
SCRIPTS = ["cli", "admin", "golden"]

# Slab debugging works on stock kernels: red zones, poison, sanity checks.
# swiotlb: what devices import is bounced, so that missing syncs show.
APPEND = ["slub_debug=FZP", "oops=panic", "swiotlb=force"]
MEMORY = 2048
TIMEOUT = 2400
# All samples of all models in scalar code on the first kernel; on the others
# what this many multiply-adds allow (two samples of the largest models).
SCALAR_MACS = 700 * 10 ** 6


@contextlib.contextmanager
def locked(what):
    """One at a time, also between two runs of pytest in this tree."""
    os.makedirs(BUILD, exist_ok=True)
    with open(os.path.join(BUILD, "lock-" + what), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def build():
    """The programs and a key; called before the tests are collected."""
    with locked("bin"):
        r = subprocess.run(["make", "-s", "-j2", "-C", HERE + "/c",
                            "O=" + BUILD + "/bin"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        if not r.returncode:
            r = subprocess.run([TOP + "/tools/testkey", BUILD + "/keys"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    if r.returncode:
        raise RuntimeError("building the tests failed:\n" + r.stdout)


def program_path(name):
    if name in SCRIPTS:
        return os.path.join(HERE, "guest", name)
    return os.path.join(BUILD, "bin", name)


def cases(program):
    env = dict(os.environ, VMTEST_MODELS=models_dir())
    out = subprocess.run([program_path(program), "--list"], env=env, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return out.split()


def models_dir():
    """The models to try: the shared ones, else those kept in the project."""
    shared = os.path.join(SHARED, "models")
    return shared if os.path.isdir(shared) else os.path.join(
        TOP, "tests", "data", "models")


def build_modules(kernel, to):
    """tests/vm/kmod, against that kernel's headers, into the directory."""
    dst = os.path.join(BUILD, "kmod-" + kernel)
    os.makedirs(dst, exist_ok=True)
    for src in (HERE + "/kmod", TOP + "/module/compat"):
        # with their times: what has not changed is not built again
        subprocess.run(["cp", "-a", src, dst], check=True)
    script = ("set -e; cd kmod; rm -rf compat; ln -s ../compat compat; "
              "sh ../compat/configure /lib/modules/$KERNELRELEASE/build; "
              "make -s -C /lib/modules/$KERNELRELEASE/build M=$PWD modules")
    r = subprocess.run([TOP + "/tools/vm", "chroot", "--kernel", kernel,
                        "--bind", dst, "--cwd", dst, "--", "sh", "-c", script],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True)
    if r.returncode:
        raise RuntimeError("building tests/vm/kmod failed:\n" + r.stdout)
    os.makedirs(to)
    for f in os.listdir(dst + "/kmod"):
        if f.endswith(".ko"):
            shutil.copy(os.path.join(dst, "kmod", f), to)


def at_once():
    """How many machines: their tests mostly keep one CPU of two busy."""
    wanted = os.environ.get("AIOFFLOAD_VMS")
    if wanted:
        return max(1, int(wanted))
    with open("/proc/meminfo") as f:
        free = int(re.search(r"MemAvailable:\s*(\d+)", f.read())[1]) // 1024
    cpus = len(os.sched_getaffinity(0))
    return max(1, min(len(KERNELS), cpus, free // (MEMORY + 512)))


class Fleet:
    """All kernels' machines: the first call of results() boots every one."""

    def __init__(self, wanted_of):
        """wanted_of(kernel): [(program, case)], or None to leave it out"""
        self.wanted_of = wanted_of
        self.lock = threading.Lock()
        self.done = None

    def _start(self):
        pool = concurrent.futures.ThreadPoolExecutor(at_once())
        self.done = {}
        for k in KERNELS:
            wanted = self.wanted_of(k)
            if wanted is not None:
                self.done[k] = pool.submit(self._boot, k, wanted)
        pool.shutdown(wait=False)

    @staticmethod
    def _boot(kernel, wanted):
        with locked(kernel):
            say("%d cases on %s ..." % (len(wanted), kernel))
            r = Results(kernel, wanted)
        say("%s took %d s, %d s of CPU" % (kernel, r.seconds, r.cpu_seconds))
        return r

    def results(self, kernel):
        with self.lock:
            if self.done is None:
                self._start()
        return self.done[kernel].result()


def make_share(kernel):
    share = os.path.join(BUILD, "share-" + kernel)
    shutil.rmtree(share, ignore_errors=True)
    os.makedirs(share + "/bin")
    with locked("bin"):
        for p in C_PROGRAMS + SCRIPTS:
            shutil.copy(program_path(p), share + "/bin/")
    shutil.copy(HERE + "/guest/run.sh", share)
    shutil.copytree(BUILD + "/keys", share + "/keys")
    for f in os.listdir(HERE + "/guest"):
        if f.endswith(".py"):
            shutil.copy(os.path.join(HERE, "guest", f), share + "/bin/")
    shutil.copytree(models_dir(), share + "/models")
    corpus = os.path.join(TOP, "tests", "fuzz", "corpus")
    if os.path.isdir(corpus):
        shutil.copytree(corpus, share + "/corpus")
    else:
        os.makedirs(share + "/corpus")
    build_modules(kernel, share + "/kmod")
    if BARE:
        copy_modules(kernel, share + "/ko")
    return share


def copy_modules(kernel, to):
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


class Results:
    """Verdicts of one boot: verdict(program, case) -> (word, text)."""

    def __init__(self, kernel, wanted):
        self.kernel = kernel
        self.lines = {}         # (program, case) -> (word, text)
        self.complaints = {}    # (program, case) or None -> [line]
        self.last = "boot"
        self.output = ""
        self.seconds = 0
        self.cpu_seconds = 0
        self._run(wanted)

    def _run(self, wanted):
        share = make_share(self.kernel)
        with open(share + "/wanted", "w") as f:
            for program, case in wanted:
                f.write("%s %s\n" % (program, case))
        log = os.path.join(BUILD, "dmesg-" + self.kernel)
        argv = [TOP + "/tools/vm", "run", "--kernel", self.kernel,
                "--share", share, "--memory", str(MEMORY),
                "--timeout", str(TIMEOUT), "--dmesg", log,
                "--console", os.path.join(BUILD, "console-" + self.kernel)]
        for a in APPEND:
            argv += ["--append", a]
        if self.kernel != KERNELS[0]:
            argv += ["--env", "VMTEST_SCALAR_MACS=%d" % SCALAR_MACS]
        if LONG:
            argv += ["--env", "VMTEST_MODULE_ROUNDS=200"]
        if BARE:
            argv += ["--bare", "--env", "AIOFFLOAD_MODULES=/mnt/share/ko"]
        argv += ["--", "sh", "/mnt/share/run.sh", "/mnt/share/wanted"]
        self._boot(argv, os.path.join(BUILD, "output-" + self.kernel), log)

    def _boot(self, argv, path, log):
        """Run the machine; its output goes to path, its kernel log to log."""
        start = time.time()
        with open(path, "wb") as out:
            vm = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT)
            # This one's use of the CPU; a thread beside us waits for another
            _, vm.returncode, used = os.wait4(vm.pid, 0)
        self.seconds = time.time() - start
        self.cpu_seconds = used.ru_utime + used.ru_stime
        with open(path, errors="replace") as f:
            self.output = f.read()
        self._parse(self.output)
        if os.path.exists(log):
            with open(log, errors="replace") as f:
                self._scan(f.read())

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


def say(text):
    # one write: machines run side by side
    sys.__stderr__.write("vm tests: " + text + "\n")
    sys.__stderr__.flush()
