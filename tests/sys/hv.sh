# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# hv.sh - machines for test scripts; after functions.sh
#
#	. "$BH_SRCDIR/tests/sys/hv.sh"
#	hv_up			# a machine in $T/m, taken down at the end
#	hv list

HV=$BH_BUILDDIR/hv/cli/hv
HV_DIR=$T/m

# hv ARGUMENT...: the command, on the machine of $HV_DIR
hv() {
	"$HV" --dir "$HV_DIR" "$@"
}

hv_down() {
	[ ! -S "$1/hvd.sock" ] || "$HV" --dir "$1" down
}

# hv_up [ARGUMENT...]: start a machine in $HV_DIR, or end the test
hv_up() {
	local args=()
	# another store daemon than ours, to tell their faults apart
	[ -z "${XENSTORED:-}" ] || args+=(--xenstored "$XENSTORED")
	cleanup_add hv_down "$HV_DIR"
	hv up "${args[@]}" "$@" >"$T/up.log" 2>&1 ||
		fail "no machine: $(cat "$T/up.log")"
}

# hv_cfg NAME [LINE...]: a small configuration, $T/NAME.cfg
hv_cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" 'memory = 8' "$@" >"$T/$name.cfg"
}

# hv_new NAME [LINE...]: and the domain
hv_new() {
	hv_cfg "$@"
	hv create "$T/$1.cfg" >"$T/create.log" 2>&1 ||
		fail "no domain $1: $(cat "$T/create.log")"
}

# hv_domid NAME, hv_state NAME: from hv list
hv_domid() {
	hv list "$1" | awk 'NR == 2 { print $2 }'
}
hv_state() {
	hv list "$1" | awk 'NR == 2 { print $5 }'
}

# hv_count WORD...: one line of hv info
hv_count() {
	hv info | sed -n "s/^$*  *//p"
}

# hv_init NAME: the host's pid of its first process; of this machine only
hv_init() {
	pgrep -P "$(cat "$HV_DIR/hvd.pid")" -f "^hv-init $1\$"
}

# hv_kernel NAME: the host's pid of its kernel process
hv_kernel() {
	local init kernel
	init=$(hv_init "$1")
	for kernel in $(pgrep -x hv-kernel); do
		hv_below "$kernel" "$init" && echo "$kernel"
	done
}

# hv_below PID ANCESTOR: is it one of its descendants?
hv_below() {
	local pid=$1
	while [ "${pid:-0}" -gt 1 ]; do
		[ "$pid" = "$2" ] && return 0
		pid=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
	done
	return 1
}

# eventually COMMAND...: within some seconds; for use in a check
eventually() {
	local end=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}
