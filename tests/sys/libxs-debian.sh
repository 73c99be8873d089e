#!/bin/bash
# SPDX-License-Identifier: MIT
# libxs-debian.sh - Debian's programs with our libxenstore.so.4, against our
# daemon and against Debian's
BH_TIMEOUT=120
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_without libasan libtsan
requires_xen_debs

tools=$XEN_DEBS/usr/bin
libs=$(cat "$XEN_DEBS/LIBPATH")
ours=$BH_BUILDDIR/libxs/.libs
unset XENSTORED_RUNDIR NOTIFY_SOCKET

# with_tools: all of them, where $place says, below $base as $owner
base=/t
owner=0
with_tools() {
	local watch
	check "write" tool write $base/a value $base/b 'x\ty\xff' $base/c ''
	check_eq "read" value "$(tool read $base/a)"
	check_eq "read, awkward value" 'x\ty\xff' "$(tool read $base/b)"
	check_eq "read, empty value" '' "$(tool read $base/c)"
	check_eq "read, several in a transaction" "value value" \
		"$(tool read $base/a $base/a | xargs)"
	check_fails "read what is not there" tool read $base/none
	check_eq "list" "a b c" "$(tool list $base | xargs)"
	check "exists" tool exists $base/a
	check_fails "does not exist" tool exists $base/none
	check "chmod" tool chmod $base/a n$owner r7
	check_eq "ls -p" "(n$owner,r7)" \
		"$(tool ls -p $base | sed -n 's/^a = .* \. *//p')"
	check_eq "ls" 'a = "value" b = "x\ty\xff" c = ""' \
		"$(tool ls $base | xargs -d '\n')"
	watch=(sh -c "$run" watch -n 3 "$base")
	[ "$place" = socket ] ||
		watch=("$BH_BUILDDIR/hv/cli/hv" --dir "$T/m" exec "$place" --
			"${watch[@]}")
	start watch timeout 20 "${watch[@]}"
	wait_for 5 grep -q "^$base\$" "$T/watch.log"
	check "write, watched" tool write $base/d 1
	wait_for 5 grep -q "^$base/d\$" "$T/watch.log"
	check "rm" tool rm $base/a
	wait_for 5 grep -q "^$base/a\$" "$T/watch.log"
	check_eq "is gone" "b c d" "$(tool list $base | xargs)"
	check "rm -t" tool rm -t $base/b
	# 80 names of 64 bytes: more than one answer can hold; a guest may not
	# have so many children in one node of Debian's daemon
	if [ "$place" = socket ]; then
		# shellcheck disable=SC2046 # words
		tool write $(seq -f "$base/wide/%063.0f 1" 1 80)
		check_eq "list in parts" 80 \
			"$(tool list "$base/wide" | sort -u | wc -l)"
	fi
	check "rm a tree" tool rm "$base"
}

# for sh: $0 is the tool
run="export LD_LIBRARY_PATH=$ours:\$LD_LIBRARY_PATH:$libs
exec $tools/xenstore-\$0 \"\$@\""

check "it is our library that they use" grep -q "$ours/libxenstore" \
	<(LD_LIBRARY_PATH=$ours:$libs ldd "$tools/xenstore-read")

# tool TOOL ARGUMENT...: xenstore-TOOL with our library, where $place says
place=socket
tool() {
	local tool=$1
	shift
	case $place in
	socket) timeout 20 sh -c "$run" "$tool" "$@" ;;
	*) hv exec "$place" -- sh -c "$run" "$tool" "$@" ;;
	esac
}

export XENSTORED_PATH=$T/ours.socket
start daemon "$BH_BUILDDIR/xenstored/xenstored" -D -N
wait_for 5 test -S "$XENSTORED_PATH"
with_tools
check "test-xenstore" env LD_LIBRARY_PATH="$ours:$libs" \
	timeout 60 "$XEN_DEBS/usr/lib/xen-4.17/bin/test-xenstore" -i 20
unset XENSTORED_PATH

# Debian's daemon on hv, from a guest over its ring
hv() {
	timeout -k 2 30 "$BH_BUILDDIR/hv/cli/hv" --dir "$T/m" "$@"
}
cat >"$T/work.cfg" <<END
name = "work"
type = "pvh"
memory = 16
kernel = "/bin/sh"
args = ["-c", "exec sleep 1000"]
hv_bind = ["$XEN_DEBS", "$ours"]
END
check "Debian's daemon starts in dom0" \
	hv up --xenstored "$XEN_DEBS/usr/lib/xen-4.17/bin/xenstored"
cleanup_add sh -c "'$BH_BUILDDIR/hv/cli/hv' --dir '$T/m' down 2>/dev/null || :"
check "a guest is created and introduced" hv create "$T/work.cfg"
place=work base=data/t owner=1
check_eq "the guest has its name" work "$(tool read name)"
check_fails "the guest reads what it may not" tool read /local/domain/0/name
with_tools
check "hv ends" hv down
finish
