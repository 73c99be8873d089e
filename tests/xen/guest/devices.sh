# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# a guest that uses its disk and its network; init sources this
for _ in $(seq 50); do
	[ -b /dev/xvda ] && break
	usleep 200000
done
text=$(head -c 9 /dev/xvda)
echo "guest: the disk says $text"
printf FROM-GUEST | dd of=/dev/xvda bs=512 seek=8 conv=fsync 2>/dev/null ||
	echo "guest: cannot write"
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
ping -c 1 -W 20 10.9.0.1 >/dev/null && [ "$text" = FROM-DOM0 ]
