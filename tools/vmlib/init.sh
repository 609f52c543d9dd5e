#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stage 1, in the initrd (busybox): find the root, put a writable layer over
# it, go there. Nothing but the share outlives the machine.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for m in $(cat /modules/order); do
	insmod "/modules/$m" || echo "vm: cannot load $m" >/dev/console
done
ip link set lo up
mkdir -p /rw /root
mount -t tmpfs -o size=80% tmpfs /rw
if [ -d /slim ]; then
	# --icount: all of the root came in the initrd. switch_root empties
	# the file system that we leave, so it can't stay there.
	mount -t tmpfs -o size=80%,mode=755 tmpfs /root
	cp -a /slim/. /root/
else
	vm_disks=""
	# shellcheck disable=SC1091  # made by tools/vm for each run
	. /vm/settings
	n=0 lower=""
	for d in $vm_disks; do
		until [ -b "$d" ] || [ $n = 50 ]; do
			sleep 0.1
			n=$((n + 1))
		done
		mkdir -p "/ro$d"
		mount -t ext4 -o ro,noload "$d" "/ro$d"
		lower="/ro$d${lower:+:$lower}"
	done
	mkdir /rw/upper /rw/work
	mount -t overlay -o "lowerdir=$lower,upperdir=/rw/upper,workdir=/rw/work" \
		overlay /root
fi
mkdir -p /root/run /root/mnt/share
mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir -p /root/run/vm
cp -a /vm/. /root/run/vm/
cp /bin/busybox /root/run/vm/busybox
for d in proc sys dev; do mount --move /$d /root/$d; done
exec switch_root /root /bin/sh /run/vm/guest.sh
