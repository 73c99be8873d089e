#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-create.sh - configurations: what they give, and what is refused
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
. "$BH_SRCDIR/tests/sys/hv.sh"

# refused WHAT WORDS LINE...: a configuration which is not one
refused() {
	local what=$1 words=$2
	shift 2
	hv_cfg bad "$@"
	hv create "$T/bad.cfg" >"$T/said" 2>&1
	check "$what is refused" test $? = "${code:-1}"
	check "and named" grep -q "$words" "$T/said"
}

hv_up
before=$(hv info | grep -v requests)
refused "an unknown key" 'no key "memroy"' 'memroy = 3'
refused "memory of 0" 'memory is not' 'memory = 0'
refused "maxmem below memory" 'maxmem is less' 'maxmem = 4'
refused "an unknown type" 'type is not' 'type = "arm"'
refused "an unknown action" 'on_crash is not' 'on_crash = "ignore"'
refused "args alone" 'args without' 'args = [ "x" ]'
refused "a number for a name" 'name: 1 to' 'name = "12"'
refused "a name with a slash" 'name: 1 to' 'name = "a/b"'
refused "half a uuid" 'uuid is not' 'uuid = "12-34"'
refused "a relative bind" 'not an absolute' 'hv_bind = [ "here" ]'
refused "a variable without value" 'not NAME=VALUE' 'hv_env = [ "X" ]'
refused "a disk that is none" '' 'disk = [ "/x,raw,nonsense,w" ]'
refused "a disk without number" 'no vdev' 'disk = [ "/x,raw,foo,w" ]'
refused "the same disk twice" 'two disks' \
	'disk = [ "/x,raw,xvda,w", "/y,raw,xvda,w" ]'
refused "a multicast MAC" 'vif: "mac"' 'vif = [ "mac=01:00:00:00:00:00" ]'
refused "an unknown backend" 'no domain "nobody"' 'vif = [ "backend=nobody" ]'
refused "a syntax error" 'syntax error' 'memory = = 3'
refused "too much memory" 'it got no memory' 'memory = 1000000'
code=3 refused "a missing command" '' 'hv_bind = [ "/no/such/file" ]'
check_fails "no file" hv create "$T/nothing.cfg"
back() { [ "$(hv info | grep -v requests)" = "$before" ]; }
check "a failed creation leaves nothing" eventually back
check "not even a record" sh -c "! ls '$HV_DIR'/domains/*"

# four at once, all of one name
hv_cfg n
for i in 1 2 3 4; do
	(hv create "$T/n.cfg" && echo >"$T/made.$i") >/dev/null 2>&1 &
	makers[i]=$!
done
wait "${makers[@]}"
check_eq "one of four gets the name" 1 \
	"$(find "$T" -name 'made.*' | wc -l)"
hv destroy n

# what it gives
echo inside >"$T/file"
hv_new a 'vcpus = 2' 'maxmem = 16' 'type = "pv"' \
	'uuid = "01234567-89ab-cdef-0123-456789abcdef"' \
	'hv_env = [ "GREETING=hello world" ]' "hv_bind = [ '$T/file' ]" \
	"disk = [ '/dev/null,raw,xvdb,r' ]" \
	"vif = [ 'mac=00:16:3e:01:02:03,bridge=br0' ]"
store() {
	XENSTORED_PATH=$HV_DIR/dom0/run/xenstored/socket \
		"$BH_BUILDDIR/hv/demo/hv-demo-store" read "$1"
}
domid=$(hv_domid a)
D=/local/domain/$domid
check_eq "memory/target" 8192 "$(store $D/memory/target)"
check_eq "memory/static-max" 16384 "$(store $D/memory/static-max)"
check_eq "the second processor" online "$(store $D/cpu/1/availability)"
check_eq "vm" /vm/01234567-89ab-cdef-0123-456789abcdef "$(store $D/vm)"
check_eq "the disk's frontend" 51728 "$(store $D/device/vbd/51728/virtual-device)"
check_eq "and backend" r "$(store /local/domain/0/backend/vbd/$domid/51728/mode)"
check_eq "the vif's MAC" 00:16:3e:01:02:03 \
	"$(store /local/domain/0/backend/vif/$domid/0/mac)"
check_eq "vif and bridge" br0 "$(store /local/domain/0/backend/vif/$domid/0/bridge)"
# a MAC of its own, which a reboot does not change
hv_new e "vif = [ '' ]"
mac() { store "/local/domain/$(hv_domid e)/device/vif/0/mac"; }
first=$(mac)
check "a vif without a MAC gets one of Xen's" \
	test "${first#00:16:3e:}" != "$first"
was=$(hv_domid e)
hv shutdown -r -w e
anew() { [ "$(hv_domid e)" -gt "$was" ]; }
check "a reboot" eventually anew
same() { [ "$(mac)" = "$first" ]; }
check "keeps the MAC" eventually same # its nodes come after its number
hv destroy e
hv_new b 'kernel = "/bin/sh"' 'on_poweroff = "preserve"' \
	'args = [ "-c", "echo $GREETING $1; sleep 100", "sh", "an argument" ]' \
	'hv_env = [ "GREETING=hello world" ]' "hv_bind = [ '$T/file' ]"
hv console b </dev/null >"$T/b" 2>&1 &
pid=$!
check "arguments and environment" \
	eventually grep -q 'hello world an argument' "$T/b"
kill $pid
check_eq "a bound file" inside "$(hv exec b -- cat "$T/file")"
check_fails "is read-only" hv exec b -- sh -c "echo x >'$T/file'"

# the command line
hv_cfg c
check_eq "the command line wins" "d is domain 22" "$(
	hv create "$T/c.cfg" 'name="d"' 'memory=16' | sed 's/domain [0-9]*/domain 22/')"
check_eq "for all keys" 16 "$(hv list d | awk 'NR == 2 { print $3 }')"
hv create -p "$T/c.cfg" >/dev/null
check "-p leaves it paused" test "$(hv_state c | tr -d br-)" = p
hv unpause c
check "until it is unpaused" eventually test "$(hv exec c -- echo x)" = x
hv destroy a b c d
check "all is given back" eventually back
check_fails "no backend nodes are left" store /local/domain/0/backend/vif/$domid
finish
