# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the tree is, and how to run something in it."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(argv, **kw):
    kw.setdefault("timeout", 900)
    return subprocess.run(argv, stdin=kw.pop("stdin", subprocess.DEVNULL),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, cwd=TOP, **kw)
