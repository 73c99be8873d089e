# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# a guest that uses a disk of the driver domain; init sources this
for _ in $(seq 100); do
	[ -b /dev/xvda ] && break
	usleep 200000
done
text=$(head -c 11 /dev/xvda)
echo "guest: the disk says $text"
printf FROM-GUEST | dd of=/dev/xvda bs=512 seek=8 conv=fsync 2>/dev/null &&
	[ "$text" = FROM-DRIVER ]
