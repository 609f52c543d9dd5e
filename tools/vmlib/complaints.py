# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a kernel log says when something is wrong."""
import re

# Case matters: firmware has bugs too, and the kernel says so at boot.
COMPLAINTS = re.compile(
    r"WARNING: |BUG: |BUG \w|\bOops\b|general protection|Call Trace|"
    r"rcu.*(stall|detected)|possible circular|possible recursive|"
    r"INFO: (task .* blocked|trying to register|possible|suspicious|lockdep)|"
    r"\bleak(?! detector)|unreferenced object|refcount_t|"
    r"UBSAN|KASAN: |KFENCE|ODEBUG|"
    r"Objects remaining|cut here|soft lockup|hard LOCKUP|double free|"
    r"[Bb]ad page|Kernel panic|scheduling while atomic|sleeping function|"
    r"[Uu]nable to handle")

# docs/testing.md, "The emulator"
EMULATOR_RETRIES = 2
EMULATOR_SAYS = ("the emulator ran an int3 that the kernel had taken back "
                 "(docs/testing.md); again ...")


def emulator_failed(dmesg):
    """Did the machine end at an int3 in the kernel's own text, with no complaint
    before it? Nothing but the kernel's patching of itself puts any there. One
    in a module is nobody's but ours."""
    m = re.search(r"Oops: int3.*?RIP: 0010:([^\n]*)", dmesg, re.S)
    return (bool(m) and "[" not in m[1]
            and not COMPLAINTS.search(dmesg[:m.start()]))
