# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# xs.sh - a store of its own for scripts that test xs; after functions.sh

XS=$BH_BUILDDIR/libxs/cli/xs
export XENSTORED_PATH=$T/socket
export XENSTORED_RUNDIR=$T
unset NO_COLOR NOTIFY_SOCKET

# xs ARGUMENT...
xs() {
	timeout -k 2 20 "$XS" "$@"
}

# store_up: our daemon, without a hypervisor
store_up() {
	start store "$BH_BUILDDIR/xenstored/xenstored" -D -N
	# shellcheck disable=SC2034,SC2154 # for the script; of functions.sh
	store_pid=$started_pid
	wait_for 5 test -S "$XENSTORED_PATH"
}

# code WHAT EXPECTED ARGUMENT...: the exit code of xs, with no surprise on
# stdout or stderr: an error has a message, success has none
code() {
	local what=$1 expected=$2 got
	shift 2
	xs "$@" >"$T/code.out" 2>"$T/code.err" </dev/null
	got=$?
	check_eq "$what: exit code $expected" "$expected" "$got"
	case $expected in
	0 | 1) check_eq "$what: no message" "" "$(cat "$T/code.err")" ;;
	*) check "$what: says why" grep -q '^xs: ' "$T/code.err" ;;
	esac
}

# says WHAT EXPECTED ARGUMENT...: what xs prints
says() {
	local what=$1 expected=$2
	shift 2
	check_eq "$what" "$expected" "$(xs "$@" </dev/null 2>&1)"
}

# is_json: stdin is one document
if command -v jq >/dev/null; then
	is_json() { jq -e . >/dev/null; }
else
	is_json() { python3 -m json.tool >/dev/null; }
fi
