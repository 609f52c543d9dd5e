#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stage 2, process 1 in the guest's own root: what an init would set up, then
# the command, then its status over the control port.
bb=/run/vm/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8

try_mount() {
	$bb mkdir -p "$4" 2>/dev/null
	$bb mount -t "$1" -o "$2" "$3" "$4" 2>/dev/null
}
try_mount tmpfs mode=1777 tmpfs /tmp
try_mount tmpfs mode=1777 tmpfs /dev/shm
try_mount devpts mode=620,ptmxmode=666 devpts /dev/pts
try_mount cgroup2 rw cgroup2 /sys/fs/cgroup
try_mount debugfs rw debugfs /sys/kernel/debug
try_mount tracefs rw tracefs /sys/kernel/tracing
try_mount securityfs rw securityfs /sys/kernel/security
try_mount bpf mode=700 bpf /sys/fs/bpf
for c in cpu cpuset io memory pids; do
	echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
done
# The first child of a kind makes the kernel patch its text and the last one to
# go makes it patch it back, which an emulator of several CPUs may get wrong
# (docs/testing.md): here is one that stays.
$bb mkdir /sys/fs/cgroup/vm.stays 2>/dev/null
for l in fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 \
	stderr:/proc/self/fd/2; do
	$bb ln -sf "${l#*:}" "/dev/${l%%:*}"
done
$bb hostname aioffload-vm

port() {
	for p in /sys/class/virtio-ports/*; do
		if [ "$($bb cat "$p/name")" = "aivm.$1" ]; then
			echo "/dev/${p##*/}"
			return
		fi
	done
}
exec 9>"$(port ctl)"

vm_shares="" vm_icount="" vm_debug="" vm_stdin="" vm_cwd=/
# shellcheck disable=SC1091  # made by tools/vm for each run
. /run/vm/settings
for s in $vm_shares; do
	tag=${s%%:*} mode=${s##*:} path=${s#*:}
	path=${path%:*}
	$bb mkdir -p "$path"
	$bb mount -t 9p -o \
		"trans=virtio,version=9p2000.L,msize=524288,cache=mmap,$mode" \
		"$tag" "$path" || echo "error cannot mount $path" >&9
done

udevd=
for u in /lib/systemd/systemd-udevd /usr/lib/systemd/systemd-udevd; do
	[ -x $u ] && udevd=$u
done
if [ -n "$udevd" ] && [ -z "$vm_icount" ]; then
	$udevd --daemon >/dev/null 2>&1
	udevadm trigger --action=add --subsystem-match=misc \
		--subsystem-match=virtio-ports >/dev/null 2>&1
	udevadm settle --timeout=30 >/dev/null 2>&1
fi

# The command writes to pipes, not to the ports: a port can be opened once
# only, and programs do open /dev/stdout.
$bb mkfifo /run/vm/out /run/vm/err /run/vm/in
if [ -n "$vm_icount" ]; then
	# Ports would disturb the count: keep the output until the end.
	out=/run/vm/out.txt err=/run/vm/err.txt
else
	out=/run/vm/out err=/run/vm/err
	$bb cat /run/vm/out >"$(port out)" &
	relays=$!
	$bb cat /run/vm/err >"$(port err)" &
	relays="$relays $!"
fi
if [ -n "$vm_stdin" ]; then
	in=/run/vm/in
	$bb cat "$(port in)" >/run/vm/in &
	stdin_relay=$!
else
	in=/dev/null
fi

echo start >&9
(
	exec 9>&-
	cd "$vm_cwd" 2>/dev/null || cd /
	# shellcheck disable=SC1091
	. /run/vm/command
	exec "$@"
) <$in >$out 2>$err
status=$?

if [ -n "$vm_icount" ]; then
	$bb cat $out >"$(port out)"
	$bb cat $err >"$(port err)"
else
	# A daemon that the command left behind may hold the pipes: wait a
	# little for what is on its way, no longer.
	n=0
	while [ $n -lt 30 ]; do
		alive=
		for r in $relays; do
			kill -0 "$r" 2>/dev/null && alive=1
		done
		[ -n "$alive" ] || break
		$bb usleep 50000
		n=$((n + 1))
	done
fi

# What has no reference left is a leak once it is 5 s old; only a second scan
# in a row is sure of it. The reports go to the log with the rest.
leaks=/sys/kernel/debug/kmemleak
if [ -n "$vm_debug" ] && [ -w $leaks ]; then
	$bb sleep 6
	echo scan >$leaks
	echo scan >$leaks
	while read -r line; do
		echo "<4>kmemleak: $line" >/dev/kmsg
	done <$leaks
fi
[ -z "$stdin_relay" ] || kill "$stdin_relay" 2>/dev/null
$bb dmesg -r >"$(port dmesg)" 2>/dev/null
case $vm_shares in
share:*) $bb umount /mnt/share 2>/dev/null || $bb sync ;;
esac
echo "status $status" >&9
# tools/vm ends the machine when it has read the status
$bb sleep 20
$bb poweroff -f
