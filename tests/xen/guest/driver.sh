# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# a driver domain that serves a memory disk; init sources this.  The loop does
# what a hotplug script would: say which device is behind a backend.
modprobe brd rd_nr=1 rd_size=8192
printf FROM-DRIVER >/dev/ram0
modprobe xen-blkback
serve() {
	for path in $(xenstore-list backend/vbd 2>/dev/null | while read -r d; do
		xenstore-list "backend/vbd/$d" | sed "s,^,backend/vbd/$d/,"
	done); do
		[ "$(xenstore-read "$path/state")" = 2 ] || continue
		xenstore-exists "$path/physical-device" && continue
		xenstore-write "$path/physical-device" 1:0 \
			"$path/hotplug-status" connected
	done
}
(while :; do
	serve 2>/dev/null
	usleep 300000
done) &
# what an unprivileged backend in user space needs
for device in xenbus evtchn gntdev; do
	[ -c "/dev/xen/$device" ] || echo "guest: no /dev/xen/$device"
done
[ -c /dev/xen/gntdev ]
