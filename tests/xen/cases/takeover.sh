#!/bin/bash
# SPDX-License-Identifier: MIT
# ours takes the place of another xenstored: dom0's ring works again
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

pid=$(cat /run/xen/xenstored.pid)
check "before: write through /dev/xen/xenbus" through_kernel \
	xenstore-write /tool/case 1
killall xenconsoled
kill "$pid"
sleep 1
kill -9 "$pid" 2>/dev/null
rm -f /run/xen/xenstored.pid

check "ours starts" timeout 60 /usr/local/sbin/xenstored \
	--pid-file /run/xen/xenstored.pid
check "it answers on the socket" timeout 10 xenstore-list -s /
check "xen-init-dom0" timeout 60 xen-init-dom0
check "after: write through /dev/xen/xenbus" through_kernel \
	xenstore-write /tool/case 2
check "and read it through the socket" reads /tool/case 2
check "a second one leaves it alone" sh -c \
	'! timeout 20 /usr/local/sbin/xenstored --pid-file /run/second.pid'
check "which still answers" timeout 10 xenstore-list -s /
xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest \
	--log-dir=/var/log/xen
cfg=$(config after pv none)
check "a guest can be created" xl create "$cfg"
check "and destroyed" xl destroy after
finish
