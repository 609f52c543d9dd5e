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
