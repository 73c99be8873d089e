# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# functions.sh - what every case starts with; it runs in dom0
#
#	. /case/functions.sh
#	check "the daemon answers" xenstore-list -s /
#	finish

set -u
checks_nr=0
failures_nr=0

# check WHAT COMMAND...: one line, and with the output if it fails
check() {
	local what=$1
	shift
	checks_nr=$((checks_nr + 1))
	if "$@" >/tmp/check.out 2>&1; then
		echo "ok    $what"
		return 0
	fi
	failures_nr=$((failures_nr + 1))
	echo "FAIL  $what"
	sed 's/^/      | /' /tmp/check.out | tail -n 12
	return 1
}

finish() {
	echo "$checks_nr checks, $failures_nr failed"
	[ "$failures_nr" = 0 ]
	exit
}

# wait_for SECONDS COMMAND...
wait_for() {
	local i n=$(($1 * 5))
	shift
	for ((i = 0; i < n; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		usleep 200000
	done
	return 1
}

# config NAME TYPE SCRIPT [LINE...]: a guest's xl.cfg, its path on stdout
config() {
	local name=$1 type=$2 script=$3 file=/tmp/$1.cfg
	shift 3
	cat >"$file" <<-END
		name = "$name"
		type = "$type"
		kernel = "/boot/vmlinux"
		ramdisk = "/boot/guest.cpio"
		extra = "console=hvc0 rdinit=/init loglevel=4 bh.role=guest bh.script=$script"
		memory = 176
		vcpus = 1
	END
	printf '%s\n' "$@" >>"$file"
	echo "$file"
}

# say WORD...: a line of the case's own, from within a check, too
exec 3>&1
say() {
	echo "$*" >&3
}

# guest_done NAME: wait for its script; succeeds if that did.  Sets guest, the
# domid that NAME has by then: an emulated processor can lose a guest to a
# triple fault, mostly early in its boot, and xl starts it again as another.
# That is told; a guest that does it twice, or ends in any other way, has failed.
guest_done() {
	guest=$(xl domid "$1") && restarted= || return 1
	wait_for 180 script_or_guest_ended "$1"
	case $(xenstore-read "/local/domain/$guest/data/done" 2>/dev/null) in
	0) return 0 ;;
	'') echo "domain $guest is not done; its console says:" ;;
	*) echo "its script failed; its console says:" ;;
	esac
	tail -n 8 "/var/log/xen/guest-$1.log"
	return 1
}

script_or_guest_ended() {
	local fault
	if [ -z "$guest" ]; then
		guest=$(xl domid "$1") || guest=
		return 1
	fi
	! xenstore-exists "/local/domain/$guest/data/done" || return 0
	! xenstore-exists "/local/domain/$guest" || return 1
	fault=$(xl dmesg | grep -am 1 "d${guest}v[0-9]* Triple fault") || return 0
	[ -z "$restarted" ] || return 0
	restarted=1
	say "note  $1 is started again: $fault"
	guest=
	return 1
}

# reads PATH VALUE
reads() {
	local value
	value=$(xenstore-read "$1") || return 1
	[ "$value" = "$2" ] || {
		echo "$1 is $value, not $2"
		return 1
	}
}

export -f reads

# through_kernel COMMAND...: over /dev/xen/xenbus, that is dom0's own ring.
# Clients take the socket if they can, so it is out of their sight.
through_kernel() {
	local status
	mv /run/xenstored/socket /run/xenstored/hidden
	# by way of a shell, which knows our functions
	timeout 20 bash -c '"$@"' - "$@"
	status=$?
	mv /run/xenstored/hidden /run/xenstored/socket
	return $status
}

# A domain that does not go away is shown without its name, or dying.
no_zombies() {
	local list
	list=$(xl list) || return 1
	[ "$(wc -l <<<"$list")" = "$1" ] && ! grep -q '(null)\|d  *[0-9.]*$' \
		<<<"$list" || {
		echo "$list"
		return 1
	}
}
