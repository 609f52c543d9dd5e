# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write initramfs archives (cpio "newc").

The kernel unpacks any number of concatenated archives, so each run gets the
cached initrd of its image plus a small archive of its own that holds the
command. No cpio program, no temporary directory, and the same bytes for the
same input (an --icount run repeats only if its initrd does).
"""
import os
import stat


class Archive:
    def __init__(self, out):
        self.out = out
        self.ino = 1
        self.dirs = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        name = name.lstrip("/")
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields)
        head += name.encode() + b"\0"
        self.out.write(head + b"\0" * (-len(head) % 4))
        self.out.write(data + b"\0" * (-len(data) % 4))
        self.ino += 1

    def dir(self, name, mode=0o755):
        name = name.strip("/")
        if not name or name in self.dirs:
            return
        self.dir(os.path.dirname(name))
        self.dirs.add(name)
        self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.dir(os.path.dirname(name))
        if isinstance(data, str):
            data = data.encode()
        self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, name, target):
        self.dir(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def node(self, name, kind, major, minor, mode=0o600):
        self.dir(os.path.dirname(name))
        self._entry(name, kind | mode, rdev=(major, minor))

    def copy(self, src, name):
        """One file, link or directory tree, as it is."""
        if os.path.islink(src):
            self.symlink(name, os.readlink(src))
        elif os.path.isdir(src):
            self.dir(name)
            for entry in sorted(os.listdir(src)):
                self.copy(os.path.join(src, entry), name + "/" + entry)
        elif os.path.isfile(src):
            with open(src, "rb") as f:
                self.file(name, f.read(), stat.S_IMODE(os.stat(src).st_mode))

    def close(self):
        self._entry("TRAILER!!!", 0)
        self.out.write(b"\0" * (-self.out.tell() % 512))
