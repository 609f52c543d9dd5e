# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages: contents, installation, upgrade, removal, and what
they say when something is missing. In chroots, at native speed."""
import glob
import os
import subprocess

import pytest

from tree import TOP, run

INSTALL = """
set -e
export DEBIAN_FRONTEND=noninteractive
k=$KERNELRELEASE
install_debs() { apt-get install -y -o Dpkg::Use-Pty=0 "$@" 2>&1; }
# Every file of the system, but for logs, caches and dpkg's own records
listing() {
	find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /mnt \\
		-o -path /tmp -o -path /var/log -o -path /var/cache \\
		-o -path /var/lib/dpkg -o -path /var/lib/apt \\) -prune \\
		-o -print | sort
}
"""


def test_lintian_finds_no_error():
    result = run(["lintian", "--allow-root", "--fail-on", "error",
                  "--suppress-tags", "bogus-mail-host,"
                  "bogus-mail-host-in-debian-changelog"]
                 + sorted(TOP + "/build/deb/" + f
                          for f in os.listdir(TOP + "/build/deb")
                          if f.endswith(".changes")))
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_source_file_is_in_the_dkms_package(debs, version):
    """The tests use what the tree has; a user has what the package has."""
    tree = run(["git", "ls-files", "module"]).stdout.split()
    if not tree:
        pytest.skip("not a git checkout")
    listed = run(["dpkg-deb", "-c", debs["aioffload-dkms"]]).stdout
    home = "./usr/src/aioffload-%s/" % version
    packed = {line.split(home, 1)[1] for line in listed.splitlines()
              if home in line}
    missing = [f for f in tree
               if os.path.exists(os.path.join(TOP, f)) and f not in packed]
    assert not missing
    assert not [f for f in packed
                if f.endswith((".o", ".ko", ".mod.c", ".cmd", "probed.h"))]


@pytest.fixture
def newer(debs, version, tmp_path):
    """The DKMS package once more, as version VERSION.1, to upgrade to."""
    tree, new = tmp_path / "newer", version + ".1"
    subprocess.check_call(["dpkg-deb", "-R", debs["aioffload-dkms"], tree])
    os.rename(tree / "usr/src" / ("aioffload-" + version),
              tree / "usr/src" / ("aioffload-" + new))
    names = ["DEBIAN/" + f for f in os.listdir(tree / "DEBIAN") if f != "md5sums"]
    for name in names + ["usr/src/aioffload-%s/dkms.conf" % new]:
        path = tree / name
        path.write_text(path.read_text().replace(version, new))
    out = tmp_path / "aioffload-dkms-newer.deb"
    subprocess.check_call(["dpkg-deb", "--build", tree, out],
                          stdout=subprocess.DEVNULL)
    return out


@pytest.mark.parametrize("kernel", ["6.1", "7.3"])
def test_install_upgrade_purge(chroot, newer, tmp_path, version, kernel):
    share = tmp_path / "share"
    share.mkdir()
    os.rename(newer, share / "newer")
    result = chroot(kernel, INSTALL + """
# What others' packages bring along is theirs to remove
install_debs libc6-dev libconfuse2
listing >/tmp/before
install_debs /mnt/share/*.deb
ls /etc/systemd/system/basic.target.wants/aioffloadd.service
aioffloadd --check && echo "-- check passed"
touch /etc/aioffload/keys.d/mine.pem /etc/aioffload/groups.d/mine.conf
mkdir /run/aioffload
for m in aioffload aioffload_cpu aioffload_null; do modinfo -k $k -n $m; done
getent group aioffload
ls -l /usr/lib/udev/rules.d/60-aioffload.rules
modprobe -S $k -n -v aioffload
cp /mnt/share/newer /tmp/newer.deb
install_debs /tmp/newer.deb
echo "== $(dkms status)"
apt-get purge -y 'aioffload*' 'libaioffload*' 2>&1
listing >/tmp/after
echo "-- left behind"
diff /tmp/before /tmp/after || true
echo "-- end"
getent group aioffload || echo no group
grep -c aioffload /lib/modules/$k/modules.dep || :
""")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    for m in ("aioffload", "aioffload_cpu", "aioffload_null"):
        assert "/updates/dkms/%s.ko" % m in text
    # The softdep brings the CPU device
    assert "insmod" in text and "aioffload_cpu.ko" in text.split("insmod", 2)[-1]
    status = [line for line in text.splitlines() if line.startswith("== ")]
    assert "installed" in status[0] and version + ".1" in status[0], text
    left = text.split("-- left behind\n")[1].split("-- end")[0]
    # DKMS's own signing key, made at the first build, is DKMS's to keep
    left = [x for x in left.splitlines()
            if x[:1] in "<>" and "/var/lib/dkms/mok" not in x]
    assert not left, left
    assert "no group" in text
    assert "-- check passed" in text


def test_kernel_without_headers_is_named(chroot):
    result = chroot("6.1", INSTALL + """
rm /lib/modules/$k/build
mkdir -p /lib/modules/6.1.0-99-amd64/kernel
install_debs /mnt/share/*.deb
""")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "NO MODULES for kernel 6.1.0-99-amd64" in text
    assert "apt install linux-headers-6.1.0-99-amd64" in text
    assert text.count("NO MODULES for kernel") == 2


def test_kernel_that_is_not_supported_is_named(chroot):
    result = chroot("6.1", INSTALL + """
mkdir -p /lib/modules/5.10.0-9-amd64/kernel
mv /lib/modules/$k/build /lib/modules/5.10.0-9-amd64/
install_debs /mnt/share/*.deb
""")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "no modules for kernel 5.10.0-9-amd64" in text


def test_failing_build_is_loud_and_stops_nobody_else(chroot):
    """As with any DKMS package: ours stays unconfigured and apt says so;
    other packages are installed all the same."""
    result = chroot("6.1", INSTALL + """
dpkg --unpack /mnt/share/aioffload-dkms_*.deb
for f in /usr/src/aioffload-*/module/core/main.c; do
	echo '#error broken on purpose' >>"$f"
done
rc=0; install_debs /mnt/share/libaioffload1_*.deb || rc=$?
echo "rc=$rc"
dpkg -s aioffload-dkms | grep ^Status
dpkg -s libaioffload1 | grep ^Status
apt-get purge -y aioffload-dkms 2>&1
""")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "rc=100" in text and "make.log" in text
    assert "Status: install ok half-configured" in text
    assert "Status: install ok installed" in text


def test_group_with_members_survives_purge(chroot):
    result = chroot("6.1", INSTALL + """
install_debs /mnt/share/libaioffload1_*.deb /mnt/share/aioffload_*.deb
usermod -aG aioffload user
apt-get purge -y aioffload 2>&1
getent group aioffload
""")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "has members, it stays" in text


def test_development_package_builds_a_program(debs, tmp_path):
    """Against the installed header and library, found by pkg-config."""
    root = str(tmp_path)
    for name in ("libaioffload1", "libaioffload-dev"):
        subprocess.check_call(["dpkg-deb", "-x", debs[name], root])
    library = glob.glob(root + "/usr/lib/*/libaioffload.so")[0]
    home = os.path.dirname(library)
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=root,
               PKG_CONFIG_LIBDIR=home + "/pkgconfig", LD_LIBRARY_PATH=home)
    flags = run(["pkg-config", "--cflags", "--libs", "libaioffload"], env=env)
    assert flags.returncode == 0, flags.stderr
    program = root + "/example"
    result = run(["cc", "-Wall", "-Werror", "-o", program,
                  TOP + "/docs/example.c"] + flags.stdout.split())
    assert result.returncode == 0, result.stderr
    result = run([program], env=env)
    assert result.returncode == 2 and "usage" in result.stderr
