#!/bin/bash
# SPDX-License-Identifier: MIT
# PV and PVH guests with a disk and a network card, created, used, destroyed
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

brctl addbr xenbr0
ip addr add 10.9.0.1/24 dev xenbr0
ip link set xenbr0 up
dd if=/dev/zero of=/tmp/disk.img bs=1M count=8 2>/dev/null

for type in pv pvh; do
	printf 'FROM-DOM0' | dd of=/tmp/disk.img conv=notrunc 2>/dev/null
	cfg=$(config "$type" "$type" devices \
		"disk = ['/tmp/disk.img,raw,xvda,w']" \
		"vif = ['mac=00:16:3e:00:00:01,bridge=xenbr0']")
	check "$type: xl create" xl create "$cfg"
	check "$type: reads and writes its disk, pings dom0" guest_done "$type"
	id=$guest
	check "$type: its disk has what it wrote" \
		grep -q FROM-GUEST /tmp/disk.img
	check "$type: disk connected" \
		reads "/local/domain/0/backend/vbd/$id/51712/state" 4
	check "$type: network connected" \
		reads "/local/domain/0/backend/vif/$id/0/state" 4
	check "$type: xl destroy" xl destroy "$type"
	check "$type: nothing of it is left in the store" \
		sh -c "! xenstore-exists /local/domain/$id"
	check "$type: no zombie" wait_for 20 no_zombies 2
done
finish
