# SPDX-License-Identifier: LGPL-2.1-or-later
"""In the guest: auditd, records as ausearch gives them, modules, cgroups."""
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "vm", "guest")]
from vmtest import Fail, Skip, command, expect, main, must  # noqa: E402,F401

FILES = os.path.join(os.path.dirname(HERE), "files")
JOBS = os.path.join(HERE, "jobs")
NULL = "/sys/module/aioffload_null/parameters/"
LOG = "/var/log/audit/audit.log"
SELF = "/sys/fs/cgroup/audit"


# ---- auditd ----

def auditd_start(backlog=8192, wait=60000):
    """A fresh daemon with an empty log. Modules go first: what they still have
    to say is of an earlier case."""
    unload()
    auditd_stop()
    shutil.rmtree("/var/log/audit", ignore_errors=True)
    os.makedirs("/var/log/audit")
    with open("/etc/audit/auditd.conf") as f:
        conf = f.read()
    # Nothing of a test is rotated away
    conf = re.sub(r"(?m)^max_log_file *=.*", "max_log_file = 400", conf)
    with open("/etc/audit/auditd.conf", "w") as f:
        f.write(conf)
    must("auditd")
    end = time.time() + 20
    while status()["pid"] == 0 and time.time() < end:
        time.sleep(0.1)
    expect(status()["pid"], "auditd did not register")
    must("auditctl", "-D")
    must("auditctl", "-b", backlog, "--backlog_wait_time", wait)
    must("auditctl", "-e", "1")


def auditd_stop():
    pid = auditd_pid()
    if pid:
        os.kill(pid, 15)
        end = time.time() + 20
        while auditd_pid() and time.time() < end:
            time.sleep(0.1)


def auditd_pid():
    r = command("pidof", "auditd")[1].split()
    return int(r[0]) if r else 0


def status():
    out = must("auditctl", "-s")
    return {w[0]: int(w[1]) for w in (line.split() for line in out.splitlines())
            if len(w) > 1 and w[1].isdigit()}


# ---- records ----

def fields(line):
    """{field: text} of a raw record; encoded strings decoded."""
    line = line.split("\x1d")[0]
    out = {}
    for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', line):
        if quoted:
            plain = quoted
        elif name in ("comm", "exe", "cgroup", "name", "target", "device") and \
                re.fullmatch(r"([0-9A-F]{2})+", plain):
            plain = bytes.fromhex(plain).decode(errors="replace")
        out.setdefault(name, plain)
    return out


def ausearch(*args):
    return [fields(line) for line in raw(*args)]


def raw(*args):
    """The lines that ausearch finds."""
    status_, out, err = command("ausearch", "--input-logs", "--raw", *args)
    if status_ == 1 and (not err + out or "no matches" in err + out):
        return []
    expect(status_ == 0, "ausearch %s: %s" % (args, err))
    return out.splitlines()


TYPES = {"model_load": "INTEGRITY_DATA", "model_refuse": "INTEGRITY_DATA",
         "model_permit": "INTEGRITY_DATA", "quarantine": "INTEGRITY_DATA",
         "policy": "INTEGRITY_STATUS", "block": "INTEGRITY_RULE",
         "unblock": "INTEGRITY_RULE"}


def lines(op):
    kind = TYPES.get(op, "KERNEL_OTHER")
    return [x for x in raw("-m", kind)
            if x.startswith("type=%s " % kind) and " op=%s " % op in x]


def records(op):
    return [fields(x) for x in lines(op)]


def find(op, seconds=15, **want):
    """The record of this kind with these fields; waits for it."""
    end = time.time() + seconds
    while True:
        got = records(op)
        for r in got:
            if all(r.get(k) == str(v) for k, v in want.items()):
                return r
        if time.time() > end:
            raise Fail("no %s with %s among %s" % (op, want, got[-3:]))
        time.sleep(0.3)


def total(op, field="count", **want):
    """The sum of a field; a record without it stands for one."""
    return sum(int(r.get(field, 1)) for r in records(op)
               if all(r.get(k) == str(v) for k, v in want.items()))


def executions():
    """(done, failed) over all records, of which there may be thousands. One
    that auditd is just writing lacks its end, and is left for the next time."""
    done = failed = 0
    for line in lines("exec"):
        m = re.search(r" done=(\d+) failed=(\d+) .*res=", line)
        if m:
            done += int(m[1])
            failed += int(m[2])
    return done, failed


def jobs_lost(rs):
    """How many jobs' records are missing among these, by their total=."""
    lost = last = 0
    for r in sorted(rs, key=lambda r: int(r["total"])):
        lost += int(r["total"]) - last - int(r["done"]) - int(r["failed"])
        last = int(r["total"])
    return lost


def expect_executions(done, failed, seconds=30):
    """auditd writes as fast as the machine lets it: what counts is that more
    comes, until it is all there."""
    before, end = None, 0
    while (got := executions()) != (done, failed):
        if got != before:
            before, end = got, time.time() + seconds
        expect(time.time() < end and got[0] <= done and got[1] <= failed,
               "recorded %s, expected %s" % (got, (done, failed)))
        time.sleep(0.3)
    # And no more: nothing is counted twice
    time.sleep(1.5)
    expect(executions() == (done, failed), "later: %s" % (executions(),))


def has(record, *names):
    missing = [n for n in names if not record.get(n)]
    expect(not missing, "%s missing in %s" % (missing, record))


# ---- modules ----

def unload():
    for m in ("aioffload_null", "aioffload_cpu", "aioffload"):
        if os.path.isdir("/sys/module/" + m):
            must("rmmod", m)


def modules(policy="off", flush_ms=500):
    unload()
    load("aioffload", "policy=" + policy, "audit_flush_ms=%d" % flush_ms)
    load("aioffload_null")
    # modprobe brings the CPU along, but the jobs here are for the null device
    if os.path.isdir("/sys/module/aioffload_cpu"):
        must("rmmod", "aioffload_cpu")
    # whoever has the node may use it: rights are what is tested
    must("udevadm", "settle")
    for n in os.listdir("/dev"):
        if n.startswith("aioffload"):
            os.chmod("/dev/" + n, 0o666)


def load(name, *params):
    ko = os.environ.get("AIOFFLOAD_MODULES")
    if ko:
        must("insmod", "%s/%s.ko" % (ko, name), *params)
    else:
        must("modprobe", name, *params)


def model(name):
    return os.path.join(FILES, name)


def trust():
    must("aioffload", "model", "trust", "--now-only", model("good.pem"))


def null_replace(settings):
    """Another device in the place of the first."""
    with open(NULL + "remove", "w") as f:
        f.write("all")
    with open(NULL + "add", "w") as f:
        f.write(settings)
    must("udevadm", "settle")
    with open(NULL + "devices") as f:
        name = f.read().split()[0]
    os.chmod("/dev/" + name, 0o666)
    return int(name[len("aioffload"):])


def null_set(settings):
    with open(NULL + "devices") as f:
        name = f.read().split()[0]
    with open(NULL + "set", "w") as f:
        f.write("%s %s" % (name, settings))
    return int(name[len("aioffload"):])


def jobs(name, *args, user=None, fail=False):
    """(done, failed) as the program counted them."""
    argv = [JOBS, model(name)] + [str(a) for a in args]
    if fail:
        return command(*argv, user=user)
    words = must(*argv, user=user).split()
    return int(words[-3]), int(words[-1])


def start_jobs(name, *args, cgroup=None):
    def enter():
        if cgroup:
            with open(cgroup + "/cgroup.procs", "w") as f:
                f.write("0")
    return subprocess.Popen([JOBS, model(name)] + [str(a) for a in args],
                            stdout=subprocess.PIPE, text=True,
                            preexec_fn=enter)


def cgroup(name):
    path = os.path.join("/sys/fs/cgroup", name)
    os.makedirs(path, exist_ok=True)
    return path
