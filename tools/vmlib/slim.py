# SPDX-License-Identifier: LGPL-2.1-or-later
"""The root that --icount boots: no disk, whose interrupts would come at
other instants in each run, so everything must fit in the initrd. It holds our
packages, a shell, and the libraries that these need."""
import glob
import os
import re
import subprocess

from . import cpio

PROGRAMS = ["/usr/bin/" + p for p in (
    "sh bash env kmod cat ls sleep dmesg timeout cmp md5sum sha256sum true "
    "false uname date head tail wc sort seq grep sed cut tr id stat chmod cp "
    "mv rm mkdir ln dd od nproc taskset setpriv mount kill").split()]
PROGRAMS += ["/usr/sbin/" + p for p in "modprobe insmod rmmod lsmod".split()]
PACKAGES = ["aioffload", "libaioffload1", "aioffload-dkms"]


def _real(root, path):
    """A path inside the tree with every link on the way resolved inside it."""
    seen = 0
    parts, out = path.strip("/").split("/"), ""
    while parts:
        p = parts.pop(0)
        if p in ("", "."):
            continue
        if p == "..":
            out = os.path.dirname(out)
            continue
        here = out + "/" + p
        if os.path.islink(root + here) and seen < 40:
            seen += 1
            target = os.readlink(root + here)
            if target.startswith("/"):
                out = ""
            parts = target.strip("/").split("/") + parts
        else:
            out = here
    return out


def _libraries(root, programs):
    out = set()
    for p in programs:
        text = subprocess.run(["chroot", root, "ldd", p], text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout
        out.update(re.findall(r"(/\S+\.so\S*)", text))
    return out


def _package_files(root):
    out = []
    for p in PACKAGES:
        for line in subprocess.run(
                ["chroot", root, "dpkg", "-L", p], text=True,
                stdout=subprocess.PIPE).stdout.split():
            if not line.startswith(("/usr/src", "/usr/share/doc",
                                    "/usr/share/man")):
                out.append(line)
    return out


def _modules(root, release):
    home = "/lib/modules/%s/" % release
    keep = [home + f for f in ("modules.dep.bin", "modules.alias.bin",
                               "modules.symbols.bin", "modules.builtin.bin",
                               "modules.softdep", "modules.dep")]
    with open(root + home + "modules.dep") as f:
        for line in f:
            name, _, deps = line.partition(":")
            if os.path.basename(name).startswith("aioffload"):
                keep += [home + m for m in [name] + deps.split()]
    return keep


def build(root, release, path):
    names = set(_package_files(root) + _modules(root, release))
    names.update(["/etc/passwd", "/etc/group", "/etc/ld.so.cache"])
    names.update(glob.glob("/etc/modprobe.d/*", root_dir=root))
    names.update(p for p in PROGRAMS if os.path.exists(root + _real(root, p)))
    elf = [n for n in names if "/bin/" in n or "/sbin/" in n or ".so" in n]
    names.update(_libraries(root, elf))
    with open(path + ".tmp", "wb") as f:
        a = cpio.Archive(f)
        for top in ("bin", "sbin", "lib", "lib64"):
            a.symlink("slim/" + top, "usr/" + top)
        for d in ("proc", "sys", "dev", "run", "tmp", "root", "mnt", "var",
                  "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"):
            a.dir("slim/" + d)
        done = set()
        for n in sorted(names):
            real = _real(root, n)
            if not os.path.isfile(root + real):
                continue
            if real not in done:
                done.add(real)
                a.copy(root + real, "slim" + real)
            # Both names, unless the usual links (/lib to /usr/lib) say it
            name = _real(root, os.path.dirname(n)) + "/" + os.path.basename(n)
            if name not in done:
                done.add(name)
                a.symlink("slim" + name, real)
        a.close()
    os.rename(path + ".tmp", path)
