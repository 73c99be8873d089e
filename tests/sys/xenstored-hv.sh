#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored-hv.sh - the daemon on hv: a guest over a real ring, its life and
# its death, with Debian's tools as clients on both sides
BH_TIMEOUT=120
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_xen_debs

tools=$XEN_DEBS/usr/bin
libs=$(cat "$XEN_DEBS/LIBPATH")
dir=$T/m

hv() {
	timeout -k 2 30 "$BH_BUILDDIR/hv/cli/hv" --dir "$dir" "$@"
}

# dom0 TOOL ARGUMENT...: xenstore-TOOL in dom0
dom0() {
	local tool=$1
	shift
	hv exec 0 -- sh -c \
		'LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$0 exec "$@"' "$libs" \
		"$tools/xenstore-$tool" "$@"
}

# guest TOOL ARGUMENT...: the same in the guest
guest() {
	local tool=$1
	shift
	hv exec work -- "$tools/xenstore-$tool" "$@"
}

# events N: so many lines are in the log of the watcher
events() {
	[ "$(grep -c . "$T/watch.log")" = "$1" ]
}

cat >"$T/work.cfg" <<EOF
name = "work"
type = "pvh"
memory = 16
kernel = "/bin/sh"
args = ["-c", "exec sleep 1000"]
hv_bind = ["$XEN_DEBS"]
EOF

check "starts in dom0" hv up --xenstored "$BH_BUILDDIR/xenstored/xenstored"
cleanup_add sh -c "'$BH_BUILDDIR/hv/cli/hv' --dir '$dir' down 2>/dev/null || :"
check "a guest is created and introduced" hv create "$T/work.cfg"
check_eq "it reads over its ring" work "$(guest read name)"
check "it writes over its ring" guest write data/colour blue
check_eq "dom0 reads what it wrote" blue \
	"$(dom0 read /local/domain/1/data/colour)"
check "dom0 writes more than fits into a ring" \
	dom0 write /local/domain/1/data/long "$(printf '%02000d' 0)"
check_eq "it reads more than fits into a ring" 2000 \
	"$(guest read data/long | tr -d '\n' | wc -c)"
check_fails "it may not write dom0's nodes" \
	guest write /local/domain/0/name evil
check_fails "it may not read what is not there for it" \
	guest read /local/domain/0/name
check_eq "dom0's node is as it was" Domain-0 \
	"$(dom0 read /local/domain/0/name)"

start watch timeout 60 "$BH_BUILDDIR/hv/cli/hv" --dir "$dir" exec 0 -- sh -c \
	'LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$0 exec "$@"' "$libs" \
	"$tools/xenstore-watch" @releaseDomain
wait_for 10 events 1
check "the guest is destroyed" hv destroy work
wait_for 10 events 2
sleep 1
check "it is released once" events 2
check_fails "its nodes are gone" dom0 read /local/domain/1/data/colour
check "no domain is left over" \
	sh -c "'$BH_BUILDDIR/hv/cli/hv' --dir '$dir' info |
		grep -q '^of them zombies *0\$'"
check "ends" hv down

finish
