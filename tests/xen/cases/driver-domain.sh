#!/bin/bash
# SPDX-License-Identifier: MIT
# an unprivileged driver domain serves a disk to another guest
. /case/functions.sh

cfg=$(config driver pv driver "driver_domain = 1")
check "xl create of the driver domain" xl create "$cfg"
driver=$(xl domid driver)
check "it is ready" guest_done driver

cfg=$(config work pv disk \
	"disk = ['format=raw,backendtype=phy,vdev=xvda,access=rw,backend=driver,target=/dev/ram0']")
check "xl create of a guest with a disk of it" xl create "$cfg"
work=$(xl domid work)
check "the guest reads and writes that disk" guest_done work
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
