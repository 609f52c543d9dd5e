#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the guest: run the tests named in the file $1, lines "PROGRAM CASE".
# Prints "## PROGRAM" before each program's own lines.
dir=$(dirname "$0")
export PATH="$dir/bin:$PATH"
export VMTEST_CORPUS="$dir/corpus" VMTEST_MODELS="$dir/models" VMTEST_KEYS="$dir/keys"
export VMTEST_KMOD="$dir/kmod"
echo 1 >/proc/sys/kernel/sysrq
echo 0 >/proc/sys/kernel/printk_ratelimit
for prog in $(cut -d' ' -f1 "$1" | uniq); do
	echo "## $prog"
	# shellcheck disable=SC2046  # one word for each case
	"$dir/bin/$prog" $(sed -n "s/^$prog //p" "$1")
done
echo "## end"
