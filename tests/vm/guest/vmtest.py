# SPDX-License-Identifier: LGPL-2.1-or-later
"""The frame of c/vmtest.c for programs in Python: same lines, same options."""
import os
import subprocess
import sys
import traceback


class Skip(Exception):
    pass


class Fail(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Fail(text)


def command(*argv, user=None, env=None):
    """(status, standard output, standard error) of a command."""
    argv = [str(a) for a in argv]
    if user:
        argv = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] + argv
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, errors="replace", env=env)
    return r.returncode, r.stdout, r.stderr


def must(*argv, **kw):
    status, out, err = command(*argv, **kw)
    expect(status == 0, "%s: status %d: %s" % (" ".join(map(str, argv)), status,
                                              (err or out).strip()))
    return out


# ---- signed models under the default policy ----

# Made on the host (tools/testkey); the share, or who runs us by hand, has it.
KEYS = os.environ.get("VMTEST_KEYS", "/mnt/share/keys")
KEY, CERT = os.path.join(KEYS, "test.key"), os.path.join(KEYS, "test.pem")


def _keyring():
    """What /proc/keys says of .aioffload: "empty", or "1/4"."""
    with open("/proc/keys") as f:
        for line in f:
            if " .aioffload: " in line:
                return line.rsplit(": ", 1)[1].strip()
    raise Fail("there is no keyring .aioffload")


def unload():
    for m in ("aioffload_null", "aioffload_cpu", "aioffload"):
        if os.path.exists("/sys/module/" + m):
            must("rmmod", m)


def load(*modules):
    """The modules as a user gets them, policy enforce; the test key trusted."""
    must("modprobe", "-a", "aioffload", *modules)
    if _keyring() == "empty":
        must("aioffload", "model", "trust", "--now-only", CERT)


def sign(model, *options, out=None):
    """Sign a model file with the test key; in place unless out is given."""
    must("aioffload", "model", "sign", model, "--key", KEY, "--cert", CERT,
         "-o", out or model, *options)
    return out or model


def _mark(program, name):
    try:
        with open("/dev/kmsg", "w") as f:
            f.write("<5>vmtest: begin %s.%s\n" % (program, name))
    except OSError:
        pass


def main(tests):
    """tests: {name: function}"""
    program = os.path.basename(sys.argv[0])
    if sys.argv[1:2] == ["--list"]:
        print("\n".join(tests))
        return 0
    bad = 0
    for name in sys.argv[1:] or tests:
        _mark(program, name)
        try:
            text = tests[name]()
            print("ok %s%s" % (name, " # " + text if text else ""))
        except Skip as e:
            print("skip %s # %s" % (name, e))
        except Fail as e:
            bad += 1
            print("not ok %s # %s" % (name, " ".join(str(e).split("\n"))))
        except Exception:
            bad += 1
            print("not ok %s # %s" % (name, traceback.format_exc().replace("\n", " | ")))
        sys.stdout.flush()
    return 1 if bad else 0
