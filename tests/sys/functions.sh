# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# functions.sh - what every test script starts with
#
#	. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
#	requires nbdkit
#	start daemon "$BH_BUILDDIR/xenstored" --foreground
#	wait_for 5 test -S "$T/socket"
#	check "reads back" test "$(xs read /a)" = 1
#	finish
#
# $T is a new folder, removed at the end together with everything that was
# begun with `start`.  Exit codes are automake's: 0 passed, 77 skipped, 99 the
# test could not be set up, anything else failed.  A script is ended after
# BH_TIMEOUT seconds (60, or what it sets before sourcing this).

set -u
: "${BH_SRCDIR:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${BH_BUILDDIR:=$PWD}"
export BH_SRCDIR BH_BUILDDIR

# has_sanitizer LIBRARY: the build is with libasan, or libtsan.
has_sanitizer() {
	readelf -d "$BH_BUILDDIR/hv/compat/.libs/libxencall.so.1" 2>/dev/null |
		grep -q "NEEDED.*$1"
}

# Everything runs below a timeout: a test that hangs must not hang the run.
if [ -z "${BH_IN_TIMEOUT:-}" ]; then
	export BH_IN_TIMEOUT=1
	: "${BH_TIMEOUT:=60}"
	! has_sanitizer 'lib[at]san' || BH_TIMEOUT=$((5 * BH_TIMEOUT))
	exec timeout -k 5 "$BH_TIMEOUT" bash "$0" "$@"
fi
unset BH_IN_TIMEOUT

checks_nr=0
failures_nr=0
started=()
cleanups=()
T=$(mktemp -d "${TMPDIR:-/tmp}/bulkhead-test.XXXXXX") || exit 99

# cleanup_add COMMAND...: run at the end, last added first.
cleanup_add() {
	cleanups+=("$(printf '%q ' "$@")")
}

# stop PID: end a process group begun with `start`, and wait for it.
stop() {
	local pid=$1 i
	kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		kill -0 -- "-$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL -- "-$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	return 0
}

on_exit() {
	local status=$? i
	trap - EXIT
	trap '' TERM INT HUP
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		eval "${cleanups[i]}"
	done
	for ((i = ${#started[@]} - 1; i >= 0; i--)); do
		stop "${started[i]}"
	done
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for i in "$T"/*.log; do
			[ -s "$i" ] || continue
			echo "--- ${i##*/} (last lines)"
			tail -n 40 "$i"
		done
	fi
	rm -rf "$T"
	exit "$status"
}
trap on_exit EXIT
trap 'echo "ended by a signal or the time limit"; exit 1' TERM INT HUP

# skip REASON...: this test cannot run here, and why.
skip() {
	echo "SKIP: $*"
	exit 77
}

# broken REASON...: the test itself could not be set up.
broken() {
	echo "ERROR: $*"
	exit 99
}

# fail REASON...: end at once, failed.
fail() {
	echo "FAIL: $*"
	exit 1
}

# requires PROGRAM...: skip unless every one is there.
requires() {
	local p
	for p in "$@"; do
		command -v "$p" >/dev/null || skip "$p is not installed"
	done
}

# requires_root: skip unless uid 0.
requires_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# requires_userns: skip unless an ordinary user may unshare.
requires_userns() {
	unshare -Ur true 2>/dev/null ||
		skip "user namespaces are not permitted here"
}

# requires_xen_debs: skip unless Debian's Xen programs are unpacked; sets
# XEN_DEBS to their folder.
requires_xen_debs() {
	# shellcheck disable=SC2034 # for the script
	XEN_DEBS=$("$BH_SRCDIR/scripts/xen-debs" --path 2>"$T/xen-debs.err") ||
		skip "$(tail -n 1 "$T/xen-debs.err")"
}

# requires_without LIBRARY...: skip where the build has that sanitizer.
#   libasan, libtsan: programs that were built without cannot load them
#   libasan: it cannot look for leaks behind a domain's walls, which is an error
#   libtsan: it has a thread, and hv-init no user namespace then (walls.h)
requires_without() {
	local lib
	for lib in "$@"; do
		! has_sanitizer "$lib" || skip "not with $lib"
	done
}

# start NAME COMMAND...: run in the background, in a process group of its
# own, output in $T/NAME.log; $started_pid is its pid.
start() {
	local name=$1
	shift
	# here: the child may be late, and who waits for a line sees old ones
	: >"$T/$name.log"
	setsid "$@" >"$T/$name.log" 2>&1 </dev/null &
	started_pid=$!
	started+=("$started_pid")
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails the test
# when it has not in time.
wait_for() {
	local seconds=$1 end
	shift
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "timed out waiting for: $*"
		sleep 0.05
	done
}

# verdict 0|1 WHAT COMMAND...: count and print one expectation
verdict() {
	local bad=$1 what=$2
	shift 2
	checks_nr=$((checks_nr + 1))
	if [ "$bad" = 0 ]; then
		echo "ok $checks_nr - $what"
		return 0
	fi
	failures_nr=$((failures_nr + 1))
	echo "not ok $checks_nr - $what: $*"
	sed 's/^/    /' "$T/check.out"
	return 1
}

# check WHAT COMMAND...: one expectation; the script goes on when it fails.
check() {
	local what=$1 bad=0
	shift
	"$@" >"$T/check.out" 2>&1 || bad=1
	verdict "$bad" "$what" "$@"
}

# check_fails WHAT COMMAND...: the command must fail, and not by a signal.
check_fails() {
	local what=$1 status bad=1
	shift
	"$@" >"$T/check.out" 2>&1
	status=$?
	if [ "$status" -gt 0 ] && [ "$status" -lt 126 ]; then
		bad=0
	fi
	verdict "$bad" "$what (exit $status)" "$@"
}

# check_eq WHAT EXPECTED GOT: two strings.
check_eq() {
	check "$1" test "$2" = "$3"
}

# finish: the last line of a script; prints the count.
finish() {
	[ "$checks_nr" -gt 0 ] || broken "no check was made"
	echo "$((checks_nr - failures_nr)) passed, $failures_nr failed"
	[ "$failures_nr" = 0 ]
	exit
}
