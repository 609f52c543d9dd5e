# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug kernel: Debian's source of a release, tests/debug's configuration.

build/vm/KERNEL/build/      the source tree, kept until it is built, so that
                            an interrupted build goes on
build/vm/KERNEL/kernel-KEY/ layer/     its modules directory and build tree, to
                                       lay over the stock release's root
                            vmlinuz, initrd, release, config
build/vm/KERNEL/base-KEY/   root.img   the stock release's root with that layer
                            and links to the rest

The kernel is keyed by configuration and source only: a new package in the
release's image makes a new base, not a new kernel.
"""
import glob
import os
import re
import shutil
import subprocess
import time

from . import images

RECIPE = 1
# Lines that a complete build prints, for the percentage.
LINES = 2060

TOOLS = ["gcc", "libc6-dev", "make", "flex", "bison", "bc", "libelf-dev",
         "libssl-dev", "openssl", "rsync", "cpio", "python3", "xz-utils"]

CONFIGURE = r"""
make -s KCONFIG_ALLCONFIG=/debug-config allnoconfig >/dev/null
# What was asked for and is not there: a dependency is missing, and checks
# that are silently off prove nothing.
lost=$(grep -E '^CONFIG_[A-Z0-9_]+=' /debug-config | grep -vxFf .config || :)
[ -z "$lost" ] || { echo "not granted:" $lost >&2; exit 1; }
grep -qx CONFIG_KASAN=y .config
"""

# The files that building modules for it takes, where Debian has them.
COLLECT = r"""
rel=$(cat include/config/kernel.release)
dir=/usr/src/linux-headers-$rel
rm -rf /out && mkdir -p /out
make -s modules_install INSTALL_MOD_PATH=/out DEPMOD=true
make -s run-command KBUILD_RUN_COMMAND='$(srctree)/scripts/package/install-extmod-build /out'$dir
rm -f /out/lib/modules/$rel/build /out/lib/modules/$rel/source
cp .config /out$dir/.config
# The images have gcc-14, as Debian's own headers want it, and no gcc
sed -i -E 's/^((HOST)?CC\t.*)gcc$/\1gcc-'$(gcc -dumpversion)/ /out$dir/Makefile
mkdir -p /out$dir/certs
ln -s $dir /out/lib/modules/$rel/build
depmod -b /out $rel
cp arch/x86/boot/bzImage /out/vmlinuz
cp System.map /out/System.map
echo $rel >/out/release
"""


def config_path(rel):
    return os.path.join(images.TOP, "tests", "debug", rel.config)


def kernel_key(rel):
    stock = images.base(rel.stock)
    return images.digest(RECIPE, images.read(stock + "/release"),
                         images.read(config_path(rel)))


def base_key(rel):
    return images.digest(RECIPE, "layer", images.base_key(rel.stock), kernel_key(rel))


def kernel_dir(rel):
    return os.path.join(images.CACHE, rel.kernel, "kernel-" + kernel_key(rel))


def cached(rel):
    """Is the kernel built? Answering builds no image."""
    stock = os.path.join(images.CACHE, rel.stock.kernel,
                         "base-" + images.base_key(rel.stock))
    return (os.path.exists(stock + "/done")
            and os.path.exists(kernel_dir(rel) + "/done"))


def lower(rel):
    """The overlay's lower directories of its root."""
    return "%s/layer:%s/root" % (kernel_dir(rel), images.base(rel.stock))


def base(rel, quiet=True):
    path = os.path.join(images.CACHE, rel.kernel, "base-" + base_key(rel))
    if not os.path.exists(path + "/done"):
        with images.locked(rel.kernel):
            if not os.path.exists(kernel_dir(rel) + "/done"):
                _build_kernel(rel, kernel_dir(rel))
            if not os.path.exists(path + "/done"):
                _build_base(rel, kernel_dir(rel), path)
    elif not quiet:
        images.say("%s: the kernel is current" % rel.kernel)
    return path


def _build_base(rel, kernel, path):
    for old in glob.glob(os.path.join(images.CACHE, rel.kernel, "base-*")):
        shutil.rmtree(old, ignore_errors=True)
    os.makedirs(path)
    for name in ("vmlinuz", "initrd", "release"):
        os.symlink(kernel + "/" + name, path + "/" + name)
    images.say("%s: packing ..." % rel.kernel)
    images.ext4(kernel + "/layer", path + "/layer.img", path + "/log")
    open(path + "/done", "w").close()


def _build_kernel(rel, path):
    if os.geteuid():
        raise images.Error("building a kernel needs root (chroot, overlay)")
    start = time.time()
    home = os.path.join(images.CACHE, rel.kernel, "build")
    os.makedirs(home, exist_ok=True)
    log = home + "/log"
    images.say("%s: building it from Debian's source, a dozen minutes of "
               "processor time; log: %s" % (rel.kernel, log))
    with images.overlay(images.base(rel.stock) + "/root", home) as root:
        _prepare(rel, root, log)
        shutil.copy(config_path(rel), root + "/debug-config")
        _in(root, CONFIGURE, log, "configuring the debug kernel")
        _compile(rel, root, log)
        _in(root, COLLECT, log, "collecting the debug kernel")
        collect(rel, root + "/out", root + "/src/.config", path)
    shutil.rmtree(home)
    images.say("%s: %s built in %d s" % (
        rel.kernel, images.read(path + "/release").decode().strip(),
        time.time() - start))


def _in(root, script, log, what):
    images.run_logged(images.chroot_argv(root) + ["sh", "-ec", "cd /src\n" + script],
                      log, what, env=images.chroot_env())


def _prepare(rel, root, log):
    """The source, unpacked once."""
    if os.path.exists(root + "/src/.unpacked"):
        return
    shutil.rmtree(root + "/src", ignore_errors=True)
    os.makedirs(root + "/src")
    source = "linux-source-" + rel.stock.kernel
    _in(root, "apt-get -q update\n"
        "apt-get -q install -y --no-install-recommends %s %s\n"
        "tar -xf /usr/src/%s.tar.xz --strip-components=1\n"
        "touch .unpacked" % (" ".join(TOOLS), source, source),
        log, "installing " + source)


def _compile(rel, root, log):
    """With a percentage now and then: it takes long."""
    argv = images.chroot_argv(root) + [
        "make", "-C", "/src", "-j%d" % os.cpu_count(), "bzImage", "modules"]
    shown = time.time()
    lines = 0
    with open(log, "a", encoding="utf-8") as f, subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            env=images.chroot_env()) as make:
        for line in make.stdout:
            f.write(line)
            lines += bool(re.match(r"  [A-Z]+ ", line))
            if time.time() > shown + 60:
                shown = time.time()
                images.say("%s: %d %% ..." % (rel.kernel,
                                              min(99, lines * 100 // LINES)))
    if make.returncode:
        tail = images.read(log).decode(errors="replace").splitlines()[-30:]
        raise images.Error("building the debug kernel failed; the end of %s:"
                           "\n  %s" % (log, "\n  ".join(tail)))


def collect(rel, out, config, path):
    """From where COLLECT put it to the cache. The stock kernel's directory is
    hidden, so that DKMS builds for this kernel only."""
    for old in glob.glob(os.path.join(images.CACHE, rel.kernel, "kernel-*")):
        shutil.rmtree(old, ignore_errors=True)
    os.makedirs(path)
    for name in ("vmlinuz", "release", "System.map"):
        shutil.move(out + "/" + name, path + "/" + name)
    shutil.copy(config, path + "/config")
    shutil.move(out, path + "/layer")
    release = images.read(path + "/release").decode().strip()
    stock = images.read(images.base(rel.stock) + "/release").decode().strip()
    modules = path + "/layer/usr/lib/modules"
    if not os.path.isdir(modules):      # /lib is a link in every release
        os.makedirs(path + "/layer/usr", exist_ok=True)
        shutil.move(path + "/layer/lib", path + "/layer/usr/lib")
    os.mknod(modules + "/" + stock, 0o600 | 0o020000, os.makedev(0, 0))
    images.initrd(path + "/layer/usr", release, path + "/initrd")
    open(path + "/done", "w").close()
