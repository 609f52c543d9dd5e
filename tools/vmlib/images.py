# SPDX-License-Identifier: LGPL-2.1-or-later
"""Make and cache what a guest boots from.

build/vm/KERNEL/base-KEY/   root/      the release with its kernel, as apt left it
                            root.img   the same as a read-only ext4 image
                            vmlinuz, initrd, release
build/vm/KERNEL/pkg-KEY/    layer.img  what apt changes in base to install our packages
                            slim.cpio  the little that --icount boots from
build/vm/KERNEL/more-KEY/   layer.img  the same with further Debian packages, and
                                       with or without our own
A guest mounts a layer over its base. KEY is a hash of the inputs, so a stale
image is never found. A lock per kernel lets any number of runs ask at once; the
first one builds.
"""
import contextlib
import fcntl
import glob
import gzip
import hashlib
import lzma
import os
import shlex
import shutil
import subprocess
import sys
import time

from . import cpio, debugk, slim

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.environ.get("AIOFFLOAD_VM_CACHE", os.path.join(TOP, "build", "vm"))
HERE = os.path.dirname(os.path.abspath(__file__))

# Raise it when the way of building changes in a way that the key can't see.
RECIPE = 2

# What stage 1 needs before it reaches the root; what is built in is skipped.
# crc32c_generic: ext4 asks for it by name, which modules.dep doesn't show.
BOOT_MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic",
                "ext4", "overlay", "9pnet_virtio", "9p", "virtio_rng"]

# A layer holds what was installed, not apt's caches.
APT_OPTIONS = ["-o", "Dpkg::Use-Pty=0", "-o", "Dir::Cache::pkgcache=",
               "-o", "Dir::Cache::srcpkgcache=",
               "-o", "APT::Keep-Downloaded-Packages=false"]


class Error(Exception):
    pass


def say(text):
    print("vm: " + text, file=sys.stderr, flush=True)


def digest(*parts):
    h = hashlib.sha256()
    for p in parts:
        h.update(p if isinstance(p, bytes) else str(p).encode())
        h.update(b"\0")
    return h.hexdigest()[:16]


def read(path):
    with open(path, "rb") as f:
        return f.read()


@contextlib.contextmanager
def locked(kernel):
    home = os.path.join(CACHE, kernel)
    os.makedirs(home, exist_ok=True)
    with open(os.path.join(home, ".lock"), "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield home


def run_logged(argv, log, what, **kw):
    """Run quietly into a log; on failure show the end of it."""
    with open(log, "ab") as f:
        f.write(("+ %s\n" % " ".join(argv)).encode())
        f.flush()
        rc = subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=f,
                             stderr=subprocess.STDOUT, **kw)
    if rc:
        tail = read(log).decode(errors="replace").splitlines()[-40:]
        raise Error("%s failed (status %d); the end of %s:\n  %s"
                    % (what, rc, log, "\n  ".join(tail)))


# ---- base ----

def base_key(rel):
    return digest(RECIPE, rel.suite, *rel.packages, *rel.sources(),
                  *BOOT_MODULES)


def base(rel, quiet=True):
    """The base image's directory; built when it is not there."""
    if rel.stock:
        return debugk.base(rel, quiet)
    path = os.path.join(CACHE, rel.kernel, "base-" + base_key(rel))
    if not os.path.exists(path + "/done"):
        with locked(rel.kernel):
            if not os.path.exists(path + "/done"):
                _build_base(rel, path)
    elif not quiet:
        say("%s: base image is current" % rel.kernel)
    return path


def disks(rel, top):
    """The read-only disks of an image, the lowest first."""
    base_dir = base(rel)
    under = [base(rel.stock) + "/root.img"] if rel.stock else []
    own = base_dir + ("/layer.img" if rel.stock else "/root.img")
    return under + [own] + ([top + "/layer.img"] if top != base_dir else [])


def lower(rel):
    """The release's tree, as the lower directories of an overlay."""
    return debugk.lower(rel) if rel.stock else base(rel) + "/root"


def _build_base(rel, path):
    if os.geteuid():
        raise Error("building images needs root (mmdebstrap, chroot, overlay)")
    if not shutil.which("mmdebstrap"):
        raise Error("mmdebstrap is missing: run tools/deps test")
    start = time.time()
    for old in glob.glob(os.path.join(CACHE, rel.kernel, "base-*")):
        shutil.rmtree(old, ignore_errors=True)
    os.makedirs(path)
    log = path + "/log"
    say("%s: installing %s with its kernel (about 2 minutes) ..."
        % (rel.kernel, rel.suite))
    # INITRD=No: Debian's kernel hook then makes no initramfs; ours is used.
    # The first hook keeps the package lists: our packages may want them.
    run_logged(["mmdebstrap", "--variant=minbase", "--mode=root",
          "--include=" + ",".join(rel.packages),
          "--aptopt=Apt::Install-Recommends \"false\"",
          "--dpkgopt=path-exclude=/usr/share/locale/*",
          "--skip=cleanup/apt/lists", rel.suite, path + "/root"]
         + rel.sources(), log, "mmdebstrap", env=dict(os.environ, INITRD="No"))
    if rel.cross:
        _foreign_headers(path + "/root", rel, log)
    release = _kernel_release(path + "/root", rel)
    with open(path + "/release", "w") as f:
        f.write(release + "\n")
    if rel.cross:
        open(path + "/done", "w").close()
        return
    _user_for_tests(path + "/root")
    shutil.copy(path + "/root/boot/vmlinuz-" + release, path + "/vmlinuz")
    initrd(path + "/root", release, path + "/initrd")
    say("%s: packing %s ..." % (rel.kernel, release))
    ext4(path + "/root", path + "/root.img", log)
    open(path + "/done", "w").close()
    say("%s: base image done in %d s" % (rel.kernel, time.time() - start))


def _foreign_headers(root, rel, log):
    """Unpack the other architecture's headers beside our own: they share the
    common part and kbuild's programs. apt would want its compiler too."""
    ours = os.listdir(root + "/lib/modules")[0]
    name = "linux-headers-%s-%s" % (ours.rsplit("-", 1)[0], rel.cross)
    script = ("dpkg --add-architecture %s && apt-get -q update && cd /tmp && "
              "apt-get -q download %s:%s && dpkg-deb --fsys-tarfile %s_*.deb | "
              "tar -x --keep-directory-symlink -C / && rm %s_*.deb && "
              "ln -sf aarch64-linux-gnu-gcc-12 /usr/bin/aarch64-linux-gnu-gcc"
              % (rel.cross, name, rel.cross, name, name))
    run_logged(chroot_argv(root) + ["sh", "-ec", script], log,
         "fetching the headers of " + rel.cross, env=chroot_env())


def _kernel_release(root, rel):
    found = sorted(os.listdir(root + "/lib/modules"))
    if rel.cross:
        found = [r for r in found if r.endswith("-" + rel.cross)]
    else:
        found = [r for r in found if r.startswith(rel.kernel + ".")]
    if len(found) != 1:
        raise Error("expected one %s kernel in %s, found: %s"
                    % (rel.kernel, root, " ".join(found) or "none"))
    return found[0]


def _user_for_tests(root):
    """An ordinary user, 'user', for what must not need privileges."""
    subprocess.check_call(["chroot", root, "useradd", "--create-home",
                           "--shell", "/bin/sh", "user"])


def ext4(tree, image, log):
    size = int(subprocess.check_output(
        ["du", "-s", "--block-size=1M", "--apparent-size", tree]).split()[0])
    inodes = int(subprocess.check_output(
        ["du", "-s", "--inodes", tree]).split()[0])
    # Small files round up to a block; 10 % and 8 KiB a file is ample.
    size = int(size * 1.1) + inodes * 8 // 1024 + 64
    tmp = image + ".tmp"
    if os.path.exists(tmp):
        os.unlink(tmp)
    run_logged(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0",
          "-N", str(inodes + 1024), "-E", "lazy_itable_init=1",
          "-d", tree, tmp, "%dM" % size], log, "mke2fs")
    os.rename(tmp, image)


def _module_list(root, release, wanted):
    """Paths of the wanted modules, each after what it depends on."""
    home = "%s/lib/modules/%s/" % (root, release)
    deps, paths = {}, {}
    for line in read(home + "modules.dep").decode().splitlines():
        name, _, rest = line.partition(":")
        deps[name] = rest.split()
        paths[os.path.basename(name).split(".ko")[0].replace("-", "_")] = name
    order = []

    def visit(path):
        for d in deps[path]:
            if d not in order:
                visit(d)
        if path not in order:
            order.append(path)

    for name in wanted:
        if name.replace("-", "_") in paths:
            visit(paths[name.replace("-", "_")])
    return [home + p for p in order]


def module_bytes(path):
    data = read(path)
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".gz"):
        return gzip.decompress(data)
    if path.endswith(".zst"):
        return subprocess.check_output(["zstd", "-dcq", path])
    return data


def initrd(root, release, path):
    busybox = shutil.which("busybox")
    if not busybox:
        raise Error("busybox is missing: run tools/deps test")
    with open(path + ".tmp", "wb") as f:
        a = cpio.Archive(f)
        for d in ("proc", "sys", "dev", "run", "tmp"):
            a.dir(d)
        a.file("bin/busybox", read(busybox), 0o755)
        for applet in ("sh", "mount", "umount", "insmod", "cat", "mkdir",
                       "cp", "sleep", "ip", "switch_root", "echo"):
            a.symlink("bin/" + applet, "busybox")
        order = []
        for m in _module_list(root, release, BOOT_MODULES):
            name = os.path.basename(m).split(".ko")[0] + ".ko"
            a.file("modules/" + name, module_bytes(m))
            order.append(name)
        a.file("modules/order", "\n".join(order) + "\n")
        a.close()
    os.rename(path + ".tmp", path)


# ---- packages ----

def debs():
    found = glob.glob(os.path.join(TOP, "build", "deb", "*.deb"))
    return sorted(f for f in found if "-dbgsym_" not in f)


def packages(rel, quiet=True):
    """The directory of the image with our packages; built when stale."""
    base_dir = base(rel)
    files = debs()
    if not files:
        raise Error("there are no packages in build/deb: run 'make deb' "
                    "(or boot without them: --bare)")
    key = digest(RECIPE, "layer", os.path.basename(base_dir), read(HERE + "/slim.py"),
                 *[digest(os.path.basename(f), read(f)) for f in files])
    path = os.path.join(CACHE, rel.kernel, "pkg-" + key)
    if not os.path.exists(path + "/done"):
        with locked(rel.kernel):
            if not os.path.exists(path + "/done"):
                _build_packages(rel, base_dir, path, files)
    elif not quiet:
        say("%s: image with packages is current" % rel.kernel)
    return path


def with_more(rel, names, ours):
    """An image with further Debian packages; `ours`: and with our own. Apart
    from the others, so that what few tests need costs the rest nothing."""
    base_dir = base(rel)
    files = debs() if ours else []
    if ours and not files:
        raise Error("there are no packages in build/deb: run 'make deb'")
    key = digest(RECIPE, "layer", os.path.basename(base_dir), *sorted(names),
                 *[digest(os.path.basename(f), read(f)) for f in files])
    path = os.path.join(CACHE, rel.kernel, "more-" + key)
    if not os.path.exists(path + "/done"):
        with locked(rel.kernel):
            if not os.path.exists(path + "/done"):
                _drop_old(rel, "more-*", 2)
                _build_packages(rel, base_dir, path, files, sorted(names))
    return path


def _drop_old(rel, pattern, keep):
    found = glob.glob(os.path.join(CACHE, rel.kernel, pattern))
    for old in sorted(found, key=os.path.getmtime)[:max(0, len(found) - keep)]:
        shutil.rmtree(old, ignore_errors=True)


def _build_packages(rel, base_dir, path, files, more=()):
    start = time.time()
    if os.path.basename(path).startswith("pkg-"):
        _drop_old(rel, "pkg-*", 0)
    os.makedirs(path)
    log = path + "/log"
    say("%s: installing %s ..." % (rel.kernel, " ".join(
        ["our packages, DKMS builds the modules"][:len(files)] + list(more))))
    release = read(base_dir + "/release").decode().strip()
    with overlay(lower(rel), path + "/layer") as root:
        names = list(more)
        for f in files:
            shutil.copy(f, root + "/tmp/")
            names.append("/tmp/" + os.path.basename(f))
        run_logged(chroot_argv(root) + ["apt-get", "install", "-y"]
                   + APT_OPTIONS + names, log,
                   "installing the packages on " + rel.kernel, env=chroot_env())
        for f in files:
            os.unlink(root + "/tmp/" + os.path.basename(f))
        if files:
            _check_modules(root, release, log)
            slim.build(root, release, path + "/slim.cpio")
    ext4(path + "/layer/upper", path + "/layer.img", log)
    shutil.rmtree(path + "/layer")
    open(path + "/done", "w").close()
    say("%s: packages installed in %d s" % (rel.kernel, time.time() - start))


def _check_modules(root, release, log):
    dep = read("%s/lib/modules/%s/modules.dep" % (root, release)).decode()
    for m in ("aioffload", "aioffload_cpu", "aioffload_null"):
        if "/%s.ko" % m not in dep:
            raise Error("DKMS did not install %s.ko for %s; see %s and %s"
                        % (m, release, log, root + "/var/lib/dkms"))


# ---- chroots ----

@contextlib.contextmanager
def overlay(lower, home):
    """A writable view of a tree; what is written stays under home."""
    for d in ("upper", "work", "root"):
        os.makedirs(os.path.join(home, d), exist_ok=True)
    root = home + "/root"
    subprocess.check_call(["mount", "-t", "overlay", "aivm-overlay", "-o",
                           "lowerdir=%s,upperdir=%s/upper,workdir=%s/work"
                           % (lower, home, home), root])
    try:
        yield root
    finally:
        subprocess.call(["umount", root])


def chroot_env():
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb",
            "DEBIAN_FRONTEND": "noninteractive", "INITRD": "No"}


def chroot_argv(root, binds=()):
    """The start of a command line that runs inside a tree. Its mounts are in
    a name space of its own and go with it, whatever happens."""
    q = shlex.quote
    script = ["mount -t proc proc " + q(root + "/proc"),
              "mount -t sysfs sysfs " + q(root + "/sys"),
              "mount --rbind /dev " + q(root + "/dev")]
    for src, dst in binds:
        script.append("mkdir -p %s && mount --bind %s %s"
                      % (q(root + dst), q(src), q(root + dst)))
    script.append('exec chroot %s "$@"' % q(root))
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child",
            "--propagation", "private", "sh", "-ec", "\n".join(script), "sh"]


def describe():
    """(kernel, kind, release, MiB) of what is cached."""
    out = []
    for done in sorted(glob.glob(os.path.join(CACHE, "*", "*", "done"))):
        home = os.path.dirname(done)
        used = subprocess.check_output(["du", "-sm", home]).split()[0]
        kind = os.path.basename(home)
        out.append((os.path.basename(os.path.dirname(home)), kind,
                    int(used)))
    return out


def clean(kernels):
    for k in kernels:
        shutil.rmtree(os.path.join(CACHE, k), ignore_errors=True)
