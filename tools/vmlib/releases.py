# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernels we know, and the Debian release that each belongs to."""
import os

MIRROR = os.environ.get("AIOFFLOAD_MIRROR", "http://deb.debian.org/debian")
SECURITY = os.environ.get("AIOFFLOAD_SECURITY_MIRROR",
                          "http://deb.debian.org/debian-security")

# What a guest has beyond the minimal system: what DKMS needs to build the
# modules, what our packages depend on (so that they install without a
# network), and what the tests use.
COMMON = ["dkms", "kmod", "udev", "python3", "libjson-c5", "procps",
          "iproute2", "xz-utils"]


class Release:
    cross = None        # architecture to build for, if not this one
    stock = None        # the release it differs from in its kernel only

    def __init__(self, kernel, suite, extra, backports=False):
        self.kernel = kernel
        self.suite = suite
        self.backports = backports
        pin = "/%s-backports" % suite if backports else ""
        self.packages = COMMON + extra + ["linux-image-amd64" + pin,
                                          "linux-headers-amd64" + pin]

    def sources(self):
        lines = ["deb %s %s main" % (MIRROR, self.suite),
                 "deb %s %s-updates main" % (MIRROR, self.suite),
                 "deb %s %s-security main" % (SECURITY, self.suite)]
        if self.backports:
            lines.append("deb %s %s-backports main" % (MIRROR, self.suite))
        return lines


class CrossRelease(Release):
    """Headers and compiler of another architecture, to build modules for it
    in a chroot; it does not boot here."""

    def __init__(self, name, suite, arch, compiler):
        super().__init__(name, suite, [])
        self.cross = arch
        self.packages = ["make", "libc6-dev", compiler, "linux-headers-amd64"]


class DebugRelease:
    """A release with a kernel that we build, with every check: debugk.py."""
    cross = None

    def __init__(self, kernel, stock, config):
        self.kernel = kernel
        self.stock = stock
        self.config = config    # in tests/debug


RELEASES = {r.kernel: r for r in (
    Release("6.1", "bookworm", ["libssl3"]),
    Release("6.12", "trixie", ["libssl3t64"]),
    Release("7.3", "trixie", ["libssl3t64"], backports=True),
)}
CROSS = {r.kernel: r for r in (
    CrossRelease("arm64", "bookworm", "arm64", "gcc-12-aarch64-linux-gnu"),
)}
# Made by `make debug-kernel` only, not by `tools/vm build`: minutes.
DEBUG = {r.kernel: r for r in (
    DebugRelease("debug-6.12", RELEASES["6.12"], "config-6.12"),
)}
