#!/bin/bash
# SPDX-License-Identifier: MIT
# an unprivileged driver domain serves a disk to another guest
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

cfg=$(config driver pv driver "driver_domain = 1")
check "xl create of the driver domain" xl create "$cfg"
check "it is ready" guest_done driver
driver=$guest

cfg=$(config work pv disk \
	"disk = ['format=raw,backendtype=phy,vdev=xvda,access=rw,backend=driver,target=/dev/ram0']")
check "xl create of a guest with a disk of it" xl create "$cfg"
check "the guest reads and writes that disk" guest_done work
work=$guest
check "connected, and by the driver domain" \
	reads "/local/domain/$driver/backend/vbd/$work/51712/state" 4
check "dom0 serves it nothing" \
	sh -c "! xenstore-exists /local/domain/0/backend/vbd/$work"

xenstore-watch -s @releaseDomain >/tmp/releases &
wait_for 10 test -s /tmp/releases
check "xl destroy of the guest" xl destroy work
check "xl destroy of the driver domain" xl destroy driver
sleep 1
check "one @releaseDomain for each" test "$(wc -l </tmp/releases)" = 3
check "no zombie" wait_for 20 no_zombies 2
finish
