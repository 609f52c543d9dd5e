# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests of packages, tools/vm and the demo."""
import glob
import os
import shutil

import pytest

from tree import TOP, run


@pytest.fixture(scope="session")
def debs():
    """Our packages by name."""
    found = {os.path.basename(f).split("_")[0]: f
             for f in glob.glob(TOP + "/build/deb/*.deb")}
    assert {"aioffload", "aioffload-dkms", "libaioffload1",
            "libaioffload-dev"} <= set(found), "run make deb"
    return found


@pytest.fixture(scope="session")
def version():
    with open(TOP + "/dkms.conf") as f:
        for line in f:
            if line.startswith("PACKAGE_VERSION="):
                return line.split('"')[1]


@pytest.fixture
def chroot(tmp_path, debs):
    """A script in a release's tree, with our packages in /mnt/share."""
    def call(kernel, script, **files):
        share = tmp_path / "share"
        share.mkdir(exist_ok=True)
        for name, path in debs.items():
            if not name.endswith("-dbgsym"):
                shutil.copy(path, share)
        for name, text in files.items():
            (share / name).write_text(text)
        return run([TOP + "/tools/vm", "chroot", "--kernel", kernel,
                    "--share", str(share), "--", "sh", "-c", script])
    return call


@pytest.fixture(scope="session")
def vm():
    """tools/vm run on 6.1 with the packages, or as its arguments say."""
    def call(*command, options=(), kernel="6.1", **kw):
        return run([TOP + "/tools/vm", "run", "--kernel", kernel, *options,
                    "--", *command], **kw)
    return call
