#!/bin/bash
# SPDX-License-Identifier: MIT
# confined on the real Xen: guests, signals, logs; nothing it needs is refused
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

# as root it starts, and has nothing of root's when it serves
killall xenconsoled
kill "$(cat /run/xen/xenstored.pid)"
wait_for 20 test ! -e /run/xenstored/socket
mkdir -p /var/log/store /etc/store
echo 'nodes = 900' >/etc/store/conf
# check has a place of its own for what is written
start_again() {
	timeout 60 /usr/local/sbin/xenstored -C /etc/store/conf \
		-T /var/log/store/access -W 200 \
		--pid-file /run/xen/xenstored.pid 2>>/results/xenstored.log
}
check "starts again, with an access log" start_again
pid=$(cat /run/xen/xenstored.pid)
status() {
	awk -v f="$1:" '$1 == f { print $2 }' "/proc/$pid/status"
}
check "seccomp" test "$(status Seccomp)" = 2
check "no new privileges" test "$(status NoNewPrivs)" = 1
for set in Inh Prm Eff Bnd Amb; do
	check "no capabilities: $set" test "$(status "Cap$set")" = \
		0000000000000000
done
# looked at by its maps: nothing is executable and writable
check "no memory is writable and executable" \
	sh -c "! grep ' .wx' /proc/$pid/maps"

check "xen-init-dom0" timeout 60 xen-init-dom0
xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest \
	--log-dir=/var/log/xen
cfg=$(config before pv none)
check "a guest is created" xl create "$cfg"
check "it runs, and writes to the store" guest_done before
check "the access log shows it" \
	grep -q '^[0-9TZ:.-]* d[1-9][0-9]* ring WRITE tx=[0-9]* data/done value=1 OK$' \
	/var/log/store/access

mv /var/log/store/access /var/log/store/access.1
echo 'nodes = 800' >/etc/store/conf.new
mv /etc/store/conf.new /etc/store/conf
kill -HUP "$pid"
check "SIGHUP: the access log is opened again" \
	wait_for 10 test -e /var/log/store/access
limit() {
	[ "$(xenstore-control quota | awk -v q="$1" '$1 == q { print $3 }')" = "$2" ]
}
check "the configuration, too" wait_for 10 limit nodes 800
check "the command line still holds" limit watches 200
check "CONTROL writes a file" xenstore-control memreport report
check "beside the socket" test -s /run/xenstored/report

check "the guest is destroyed" xl destroy before
check "no zombie" wait_for 20 no_zombies 2
cfg=$(config later pvh none)
check "another one lives" xl create "$cfg"
check "and works" guest_done later
check "and dies" xl destroy later
check "no zombie of it" wait_for 20 no_zombies 2
check "test-xenstore" timeout 200 test-xenstore -i 1
check "dom0's ring" through_kernel xenstore-write /tool/case two
check "xs through the socket" /usr/local/sbin/xs tree /tool
check "xs through dom0's ring" through_kernel \
	/usr/local/sbin/xs read /tool/case
check "the accounts are right" test "$(xenstore-control check)" = OK
check "the kernel says what it audits" sh -c 'dmesg | grep -q audit:'
check "nothing was refused to it" sh -c '! dmesg | grep xenstored | grep 1326'
check "it is heard" xenstore-control print heard
check "where we look" grep -q heard /results/xenstored.log
check "it has not complained" \
	sh -c '! grep -iE "not permitted|denied| error" /results/xenstored.log'
cp -r /var/log/store /results/
finish
