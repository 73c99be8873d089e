#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's own Xen programs run on hv, unmodified: both xenstored, xenconsoled,
# xl, test-xenstore, the xenstore tools and QEMU's xenpv machine.  A guest is
# introduced to each daemon over a real ring and reads and writes through it.
BH_TIMEOUT=240
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_without libasan libtsan
requires_xen_debs

bin=$XEN_DEBS/usr/lib/xen-4.17/bin
tools=$XEN_DEBS/usr/bin
libs=$(cat "$XEN_DEBS/LIBPATH")
dir=$T/m

hv() {
	timeout -k 2 30 "$BH_BUILDDIR/hv/cli/hv" --dir "$dir" "$@"
}

# dom0 COMMAND...: in dom0, with the libraries of the unpacked packages after
# hv's own
dom0() {
	hv exec 0 -- sh -c \
		'LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$0 exec "$@"' "$libs" "$@"
}

# in_guest COMMAND...: in the guest
in_guest() {
	hv exec work -- "$@"
}

# matches PATTERN COMMAND...: what it prints has a line like that
matches() {
	local pattern=$1
	shift
	"$@" | tee "$T/matches.out" | grep -q -- "$pattern"
}

no_zombies() {
	matches '^of them zombies *0$' hv info
}

cat >"$T/work.cfg" <<EOF
name = "work"
type = "pvh"
memory = 16
kernel = "/bin/sh"
args = ["-c", "echo the guest speaks; exec sleep 1000"]
hv_bind = ["$XEN_DEBS"]
EOF

# store NAME: everything that concerns a store daemon
store() {
	local daemon=$1 got
	check "$daemon starts in dom0" hv up --xenstored "$bin/$daemon"
	check "$daemon: xenstore-ls lists /tool" \
		matches '^tool = ' dom0 "$tools/xenstore-ls"
	check "$daemon: test-xenstore passes" \
		matches '^ta err ' dom0 "$bin/test-xenstore"
	check "$daemon: a guest is created and introduced" \
		hv create "$T/work.cfg"
	got=$(in_guest "$tools/xenstore-read" domid name | tr '\n' ' ')
	check_eq "$daemon: the guest reads over its ring" "1 work " "$got"
	check "$daemon: the guest writes over its ring" \
		in_guest "$tools/xenstore-write" data/colour blue
	got=$(dom0 "$tools/xenstore-read" /local/domain/1/data/colour)
	check_eq "$daemon: dom0 reads what it wrote" blue "$got"
	got=$(in_guest "$tools/xenstore-write" /local/domain/0/name evil 2>&1)
	check_eq "$daemon: the guest may not write dom0's nodes" "1 \
xenstore-write: could not write path /local/domain/0/name" "$? $got"
}

programs() {
	check "xl list shows the guest" \
		matches '^work  *1  *16 ' dom0 "$bin/xl" list
	check "xl list shows dom0" \
		matches '^Domain-0  *0 ' dom0 "$bin/xl" list
	check "xl info shows the version" \
		matches '^xen_major  *: 4$' dom0 "$bin/xl" info
	check "xl pause" dom0 "$bin/xl" pause work
	check "it is paused" matches '^work .* --p--- ' dom0 "$bin/xl" list
	check "xl unpause" dom0 "$bin/xl" unpause work
	check "xenconsoled starts" dom0 "$bin/xenconsoled" \
		--pid-file=/run/xenconsoled.pid --log=guest \
		--log-dir=/var/log/xen
	wait_for 10 grep -qs 'the guest speaks' "$dir/dom0/log/guest-work.log"
	check "xenconsoled logs the guest's console" \
		grep 'the guest speaks' "$dir/dom0/log/guest-work.log"
}

qemu() {
	start qemu "$BH_BUILDDIR/hv/cli/hv" --dir "$dir" exec 0 -- sh -c \
		'LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$0 exec "$@"' "$libs" \
		"$XEN_DEBS/usr/libexec/xen-qemu-system-i386" -machine xenpv \
		-xen-attach -xen-domid 1 -nodefaults -display none
	wait_for 20 matches '^running$' dom0 "$tools/xenstore-read" \
		/local/domain/0/device-model/1/state
	check "QEMU's xenpv machine reaches state running" \
		matches '^running$' dom0 "$tools/xenstore-read" \
		/local/domain/0/device-model/1/state
	stop "$started_pid"
}

for daemon in xenstored oxenstored; do
	store "$daemon"
	if [ "$daemon" = xenstored ]; then
		programs
		qemu
	fi
	check "$daemon: the guest is destroyed" hv destroy work
	wait_for 10 no_zombies
	check "$daemon: nothing of the guest is left" \
		matches '^domains  *1$' hv info
	check "$daemon: hv down" hv down
	rm -rf "$dir"
done
finish
