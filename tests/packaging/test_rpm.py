# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rpm packages, installed by dnf into a root directory of their own."""
import glob
import os
import subprocess

import pytest

from tree import TOP, run

# What the packages want from a real distribution, as one empty package.
STUB = """
Name: stub
Version: 99
Release: 1
Summary: What a distribution would bring
License: none
BuildArch: noarch
Provides: dkms = 99, gcc, make, shadow-utils, kernel-devel, /bin/sh, /sbin/ldconfig
%s
AutoReq: no
%%description
Test only.
%%files
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    home = tmp_path_factory.mktemp("rpm")
    ours = glob.glob(TOP + "/build/rpm/RPMS/*/*.rpm")
    assert len(ours) == 4, "run make rpm"
    os.makedirs(home / "repo")
    wants = set()
    for f in ours:
        subprocess.check_call(["cp", f, home / "repo"])
        wants.update(run(["rpm", "-qp", "--requires", f]).stdout.splitlines())
    libraries = sorted(w for w in wants if "aioffload" not in w
                       and (".so" in w or w.startswith(("rtld(", "/usr/bin/"))))
    spec = home / "stub.spec"
    spec.write_text(STUB % "".join("Provides: %s\n" % w for w in libraries))
    subprocess.check_call(
        ["rpmbuild", "-bb", "--define", "_topdir %s/stub" % home, spec],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for f in glob.glob(str(home / "stub/RPMS/noarch/*.rpm")):
        subprocess.check_call(["cp", f, home / "repo"])
    subprocess.check_call(["createrepo_c", "-q", home / "repo"])
    return home


def dnf(home, *command):
    return run(["dnf", "-y", "-q", "--installroot=%s/root" % home,
                "--repofrompath=ours,%s/repo" % home, "--repo=ours",
                "--nogpgcheck", "--setopt=tsflags=noscripts",
                "--setopt=reposdir=/nonexistent", "--releasever=1", *command])


def files(home):
    """Files, and the directories that are ours alone."""
    out = set()
    for where, dirs, names in os.walk(home / "root"):
        for n in names + [d for d in dirs if "aioffload" in d]:
            path = os.path.relpath(os.path.join(where, n), home / "root")
            if not path.startswith(("var/", "etc/dnf", "proc", "sys", "dev")):
                out.add(path)
    return out


def test_install_and_remove(repo, version):
    result = dnf(repo, "install", "stub")
    assert result.returncode == 0, result.stderr
    before = files(repo)
    result = dnf(repo, "install", "aioffload", "aioffload-dkms",
                 "libaioffload-devel")
    assert result.returncode == 0, result.stdout + result.stderr
    have = files(repo)
    for want in ("usr/bin/aioffload", "usr/lib/udev/rules.d/60-aioffload.rules",
                 "usr/lib/modprobe.d/aioffload.conf", "usr/include/aioffload.h",
                 "usr/src/aioffload-%s/dkms.conf" % version,
                 "usr/src/aioffload-%s/module/Kbuild" % version,
                 "usr/sbin/aioffloadd", "etc/aioffload/policy.conf",
                 "usr/lib/systemd/system/aioffloadd.service"):
        assert want in have
    assert [f for f in have if "/libaioffload.so.1" in f]
    assert [f for f in have if "man1/aioffload.1" in f]
    result = dnf(repo, "remove", "aioffload", "aioffload-dkms",
                 "libaioffload-devel", "libaioffload")
    assert result.returncode == 0, result.stderr
    assert not files(repo) - before


def test_scriptlets_are_valid_shell():
    for f in glob.glob(TOP + "/build/rpm/RPMS/*/*.rpm"):
        text = run(["rpm", "-qp", "--scripts", f]).stdout
        for part in text.split("scriptlet (using /bin/sh):\n")[1:]:
            body = part.split("scriptlet (using")[0]
            body = "\n".join(x for x in body.splitlines()
                             if not x.startswith(("postinstall program",
                                                  "postuninstall program")))
            body = body.rsplit("\n", 1)[0] if body.endswith(
                ("preinstall", "postinstall", "preuninstall")) else body
            result = run(["sh", "-n", "-c", body])
            assert result.returncode == 0, result.stderr + body


def test_every_source_file_is_in_the_dkms_package():
    tree = [f for f in run(["git", "ls-files", "module"]).stdout.split()
            if os.path.exists(os.path.join(TOP, f))]
    listed = run(["rpm", "-qpl"] + glob.glob(
        TOP + "/build/rpm/RPMS/noarch/aioffload-dkms-*.rpm")).stdout.split()
    packed = {"module/" + x.split("/module/", 1)[1] for x in listed
              if "/module/" in x}
    assert not set(tree) - packed
