#!/bin/bash
# SPDX-License-Identifier: MIT
# xs-golden.sh - xs as xenstore-read, -write and so on, beside Debian's: the
# same arguments on the same store give the same output, messages, exit
# status and change of the store
BH_TIMEOUT=240
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# Debian's daemon is not built with a sanitizer, and would load ours that is
requires_without libasan libtsan
requires_xen_debs

unset XENSTORED_PATH XENSTORED_RUNDIR
debs_libs=$(cat "$XEN_DEBS/LIBPATH")
mkdir "$T/debian" "$T/ours"
for tool in "$XEN_DEBS"/usr/bin/xenstore*; do
	[ "${tool##*/}" = xenstore-control ] || ln -s "$tool" "$T/debian/"
	ln -s "$BH_BUILDDIR/libxs/cli/xs" "$T/ours/${tool##*/}"
done
ln -s "$XEN_DEBS/usr/lib/xen-4.17/bin/xenstore-control" "$T/debian/"
ln -s "$BH_BUILDDIR/libxs/cli/xs" "$T/ours/xenstore-bogus"
ln -s "$XEN_DEBS/usr/bin/xenstore" "$T/debian/xenstore-bogus"

# debian|ours COMMAND...: with the name as a user would type it, so that
# messages name the same program
debian() {
	(PATH=$T/debian:$PATH LD_LIBRARY_PATH=$debs_libs exec timeout 10 "$@")
}

ours() {
	(PATH=$T/ours:$PATH exec timeout 10 "$@")
}

dump() {
	debian xenstore-ls -fp /
}

# The store that every command starts with.
all_bytes=$(printf '\\x%02x' {0..255})
wide=$(printf 'w%.0s' {1..90})
reset_store() {
	local name
	[ -S "$XENSTORED_PATH" ] || return 0
	for name in $(debian xenstore-list /); do
		case $name in
		tool | local) debian xenstore-chmod -r "/$name" n0 ;;
		*) debian xenstore-rm "/$name" ;;
		esac
	done
	debian xenstore-chmod / n0
	debian xenstore-rm /local/domain/0/rel
	debian xenstore-write /g/a 1 /g/b 'two words' /g/empty '' \
		/g/bytes "$all_bytes" /g/sub/one 1 /g/sub/deep/er/x y \
		/g/wide "$wide" "/g/$wide" "$wide" /g/60 \
		'0123456789012345678901234567890123456789012345678' \
		/g/59 '012345678901234567890123456789012345678901234567' \
		/g/cut70 '0123456789012345678901234567890123456789012345678901234567' \
		/g/cut71 '01234567890123456789012345678901234567890123456789012345678' \
		/g/tabs 'a\tb\nc\rd\\e' /g/perms p
	debian xenstore-chmod /g/perms n0 r0 w0 b0
}

# run_one debian|ours COMMAND...: what it did is in $T/debian.* or $T/ours.*
run_one() {
	local where=$1
	shift
	"$where" "$@" >"$T/$where.out" 2>"$T/$where.err" </dev/null
	echo $? >"$T/$where.status"
	dump >"$T/$where.store" 2>&1
	cmp -s "$T/$where.store" "$T/start.store" || reset_store
}

same_as() {
	local what
	for what in status out err store; do
		cmp "$T/debian.$what" "$T/ours.$what" || {
			echo "--- Debian's, then ours: $what"
			head -c 2000 "$T/debian.$what"
			echo "---"
			head -c 2000 "$T/ours.$what"
			return 1
		}
	done
}

# same COMMAND...: one line of the table
same() {
	run_one debian "$@"
	run_one ours "$@"
	[ "$(cat "$T/ours.status")" -lt 124 ] || fail "hangs: $*"
	check "$store: $(printf '%q ' "$@" | head -c 90)" same_as
}

# same_tty COLUMNS COMMAND...: on a terminal
same_tty() {
	local columns=$1 command
	shift
	command="stty rows 24 cols $columns 2>/dev/null; $(printf '%q ' "$@")"
	same script -qec "$command" /dev/null
}

usage_table() {
	local mode
	same xenstore
	same xenstore -h
	same xenstore bogus
	same xenstore-bogus
	same xenstore-bogus read /g/a
	for mode in read write rm exists list chmod watch ls; do
		[ $mode = ls ] || same "xenstore-$mode"
		same "xenstore-$mode" -h
		same "xenstore-$mode" --help /g/a
		same "xenstore" "$mode" -h
		same "xenstore" "$mode" -x
	done
	same xenstore ls /g
	same xenstore read -p /g/a /g/b
	same xenstore-read --bad /g/a
	same xenstore-read -x /g/a
	same xenstore-read -s /g/a
	same xenstore-read --pre /g/a
	same xenstore-read --r /g/a
	same xenstore-read /g/a -p
	same xenstore-read -- -p
	same xenstore-watch -n
	# each option with each mode
	local option
	for mode in read list ls exists rm; do
		for option in -f -p -t -u -r '-n 1' -R; do
			# shellcheck disable=SC2086 # -n 1 are two words
			same "xenstore-$mode" $option /g/a
		done
	done
	for mode in write chmod watch; do
		for option in -f -p -t; do
			same "xenstore-$mode" $option /g/a n0
		done
	done
}

read_table() {
	same xenstore-read /g/a
	same xenstore-read /g/a /g/b /g/empty
	same xenstore-read -p /g/a /g/b
	same xenstore-read --prefix --raw /g/tabs /g/b
	same xenstore-read /g/bytes
	same xenstore-read -R /g/bytes
	same xenstore-read /g/bytes /g/tabs
	same xenstore-read -R /g/empty
	same xenstore-read /g/none
	same xenstore-read /g/a /g/none /g/b
	same xenstore-read /
	same xenstore-read ''
	same xenstore-read /g/a/
	same xenstore-read 'bad path'
	same xenstore-read name
	same xenstore-read domid name
	same xenstore-read @releaseDomain
	same xenstore-read "$(printf '/%0300d' {1..11})"
}

write_table() {
	local value
	for value in '' plain '\x41\x0a' '\x00end' 'end\x00' '\7' '\77' '\777' \
		'\08' '\8' '\t\n\r\\' '\q' '\X41' '\xg' '\x' '\x4' '\x 4' \
		'\x-1' '\x+1' '\x0x' '\x0x5' '\x  9z' '\' 'a\' '\\' '\\x41' \
		'\1 2' '\"' 'ä€' '\xff\xFE\xfd' "$all_bytes"; do
		same xenstore-write /g/new "$value"
	done
	same xenstore-write -R /g/new 'a\tb\x41\'
	same xenstore-write --raw /g/new '\777' /g/new2 '\x'
	same xenstore-write /g/new 1 /g/new2 2
	same xenstore-write /g/new 1 /g/new2
	same xenstore-write /g/new 1 'bad path' 2
	same xenstore-write 'bad path' 2
	same xenstore-write /g/new 1 /g/new 2 /g/new 3
	same xenstore-write /g/x/y/z deep
	same xenstore-write / root
	same xenstore-write rel/path 1
	same xenstore-write -- /g/new -R
	same xenstore-write @x 1
	same xenstore-write /g/new "$(printf '%04080d' 0)"
	same xenstore-write /g/new "$(printf '%05000d' 0)"
}

rm_table() {
	same xenstore-rm /g/a
	same xenstore-rm /g/a /g/b /g/none
	same xenstore-rm /g/none/deeper
	same xenstore-rm /g/a /g/none/deeper /g/b
	same xenstore-rm /g
	same xenstore-rm /
	same xenstore-rm ''
	same xenstore-rm 'bad path'
	same xenstore-rm rel
	same xenstore-rm -t /g/sub/deep/er/x
	same xenstore-rm --tidy /g/sub/one /g/sub/deep/er/x
	same xenstore-rm -t /g/a
	same xenstore-rm -t /g/none
	same xenstore-rm -t /
	same xenstore-rm -t rel
	same xenstore-rm -t rel/none/x
}

list_table() {
	same xenstore-list /
	same xenstore-list -p /
	same xenstore-list /g
	same xenstore-list -p /g /g/sub
	same xenstore-list /g/empty
	same xenstore-list /g/sub /g/none /g
	same xenstore-list 'bad path'
	same xenstore-list ''
	same xenstore-exists /g/a
	same xenstore-exists /g/a /g/none
	same xenstore-exists /g/none /g/a
	same xenstore-exists 'bad path'
	same xenstore-exists ''
}

ls_table() {
	local columns
	same xenstore-ls
	same xenstore-ls /g
	same xenstore-ls -p /g
	same xenstore-ls -f /g
	same xenstore-ls -fp /g
	same xenstore-ls --flat --prefix
	same xenstore-ls -s /g/sub
	same xenstore-ls /g/sub /g/sub/deep
	same xenstore-ls /g/sub /g/none /g
	same xenstore-ls /g/a
	same xenstore-ls /g/
	same xenstore-ls 'bad path'
	same xenstore-ls -f /
	same xenstore-ls -p rel
	for columns in 0 1 2 3 9 10 11 20 40 59 60 61 62 63 80 200; do
		same_tty $columns xenstore-ls -p /g
	done
	same_tty 80 xenstore-ls -f /g
	same_tty 40 xenstore-ls -fp /g
	same_tty 20 xenstore-ls /
}

chmod_table() {
	same xenstore-chmod /g/a
	same xenstore-chmod /g/a r0
	same xenstore-chmod /g/a n0 r0 w0 b0
	same xenstore-chmod /g/a b
	same xenstore-chmod /g/a rx
	same xenstore-chmod /g/a 'r 0'
	same xenstore-chmod /g/a q0
	same xenstore-chmod /g/a n0 Q0
	same xenstore-chmod /g/a ''
	same xenstore-chmod /g/a n0 r77
	same xenstore-chmod /g/a n77
	same xenstore-chmod /g/a n-1
	same xenstore-chmod /g/a n99999999999
	same xenstore-chmod /g/none n0
	same xenstore-chmod '' n0
	same xenstore-chmod 'bad path' n0
	same xenstore-chmod -r /g/sub r0
	same xenstore-chmod -r /g r0
	same xenstore-chmod -r / n0
	same xenstore-chmod -u /g/sub/deep/er/x r0
	same xenstore-chmod --upto --recurse /g/sub/deep r0
	same xenstore-chmod -u / r0
	same xenstore-chmod -u name r0
	same xenstore-chmod -r /g/none r0
	same xenstore-chmod @releaseDomain n0 r0
	same xenstore-chmod -u @releaseDomain n0
}

watch_table() {
	same xenstore-watch -n 1 /g/a
	same xenstore-watch -n 3 /g/a /g/none rel
	same xenstore-watch --number 1 /
	same xenstore-watch -n 0 /g/a
	same xenstore-watch -n abc /g/a
	same xenstore-watch -n 1 'bad path'
	same xenstore-watch -n 1 /g/a /g/a
	same xenstore-watch -n 1 ''
	same xenstore-watch -n 1 -d 2 /g/a
	same xenstore-watch -n 1 @releaseDomain
}

control_table() {
	same xenstore-control
	same xenstore-control bogus
	same xenstore-control -h
	same xenstore-control live-update
	same xenstore-control live-update -c
	same xenstore-control live-update -c x -t
	same xenstore-control live-update -F -c x -t 5
}

# with answers that only C xenstored has
control_table_c() {
	same xenstore-control help
	same xenstore-control check
	same xenstore-control print hello
	same xenstore-control quota
	same xenstore-control quota 77
	same xenstore-control quota set nonsense 5
	same xenstore-control quota set a
	same xenstore-control quota-soft
	same xenstore-control memreport /nonexistent/x
	same xenstore-control log off
	same xenstore-control live-update /nonexistent/x
	same xenstore-control live-update -c args /nonexistent/x
}

# whole NAME SOCKET: the table, with the daemon at a socket
whole() {
	store=$1
	export XENSTORED_PATH=$2
	debian xenstore-write /local/domain/0/name Domain-0
	reset_store
	dump >"$T/start.store"
	read_table
	write_table
	rm_table
	list_table
	ls_table
	chmod_table
	watch_table
	control_table
}

nowhere() {
	local tool
	store=nowhere
	export XENSTORED_PATH=$T/nowhere
	dump >"$T/start.store" 2>&1
	for tool in read exists list ls rm; do
		same "xenstore-$tool" /g
	done
	same xenstore-read
	same xenstore-write /g/a 1
	same xenstore-chmod /g n0
	same xenstore-chmod /g q0
	same xenstore-watch -n 1 /g
	same xenstore-control
	same xenstore-control check
	same xenstore-control live-update
}

nowhere
start daemon env XENSTORED_PATH="$T/socket" \
	"$BH_BUILDDIR/xenstored/xenstored" -D -N
wait_for 5 test -S "$T/socket"
whole ours "$T/socket"
usage_table

# Debian's daemon needs a machine
# shellcheck source=tests/sys/hv.sh
. "$BH_SRCDIR/tests/sys/hv.sh"
unset XENSTORED_PATH
hv_up --xenstored "$XEN_DEBS/usr/lib/xen-4.17/bin/xenstored"
whole debian "$HV_DIR/dom0/run/xenstored/socket"
control_table_c

finish
