#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-crash.sh - what dies alone, and what takes its domain along
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
. "$BH_SRCDIR/tests/sys/hv.sh"
requires python3

hv_up
hv_new a 'on_crash = "preserve"' 'kernel = "/bin/sleep"' 'args = [ "1000" ]'
hv_new b 'on_crash = "restart"'
hv_new c

# a program is its own
check "a program that crashes" test "$(
	hv exec c -- sh -c 'kill -SEGV $$'
	echo $?
)" = 139
check_eq "leaves its domain alone" "" "$(hv_state c | tr -d br-)"
# the kernel is the domain's
kernel=$(hv_kernel a)
check "there is a kernel process" test -n "$kernel"
kill -KILL "$kernel"
crashed() { [ "$(hv_state a | tr -d br-)" = c ]; }
check "a domain without its kernel has crashed" eventually crashed
check_eq "with that reason" 3 "$(hv list -j a | sed -n 's/.*reason": \([0-9]*\).*/\1/p')"
check_eq "the others go on" "" "$(hv_state c | tr -d br-)"
hv destroy a
was=$(hv_domid b)
kill -KILL "$(hv_kernel b)"
anew() { [ "$(hv_domid b)" -gt "$was" ]; }
check "on_crash = restart" eventually anew
kill -KILL "$(hv_kernel c)"
gone() { ! hv list c; }
check "on_crash = destroy, which is the default" eventually gone
# its first process
was=$(hv_domid b)
kill -KILL "$(hv_init b)"
check "the end of hv-init is the domain's" eventually anew

# the store: without it domains run, and the monitor finds the next one
store=${XENSTORED:-$BH_BUILDDIR/xenstored/xenstored}
hv exec 0 -- sh -c 'kill -KILL $(cat /run/xenstored.pid)'
check_eq "without a store hv lists numbers" "(0)" \
	"$(hv list 0 | awk 'NR == 2 { print $1 }')"
hv_cfg s
check_fails "and makes no domain" hv create "$T/s.cfg"
hv exec 0 -- env XENSTORED_RUNDIR=/run/xenstored "$store" \
	--pid-file /run/xenstored.pid
check "with the next one it does" eventually hv create "$T/s.cfg"
sleep 1.2 # the monitor looks for it once a second
hv shutdown s
gone() { ! hv list s; }
check "and its end is noticed" eventually gone

# one that ends as soon as it starts is not made anew for ever
hv_new r 'kernel = "/bin/false"' 'on_poweroff = "restart"'
check "endless restarts end" eventually grep -q 'r ends as soon' \
	"$HV_DIR/monitor.log"
check_fails "and it is gone" hv list r

# two machines
names() { hv list | awk '{ print $1, $2 }'; }
one=$(names)
HV_DIR=$T/n hv_up
check_eq "a second machine has its own domains" 0 "$(HV_DIR=$T/n hv_domid Domain-0)"
hv_cfg x
HV_DIR=$T/n hv create "$T/x.cfg" >/dev/null
check_fails "one does not see the other's" hv list x
HV_DIR=$T/n hv down
check_eq "and outlives it" "$one" "$(names)"

# the daemon
pid=$(cat "$HV_DIR/hvd.pid")
kill -KILL "$pid"
left() { ! pgrep -f "$HV_DIR"; }
check "the machine ends with hvd" eventually left
check_eq "which hv says" 7 "$(
	hv list >/dev/null 2>&1
	echo $?
)"
hv_up
check_eq "and can be started again" 0 "$(hv_domid Domain-0)"

# an hvd that serves nobody
mkdir "$T/exec"
for i in hv-init hv-kernel xenstored; do
	ln -s /bin/true "$T/exec/$i"
done
cat >"$T/exec/hvd" <<'X'
#!/usr/bin/env python3
import os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[2] + "/hvd.sock")
s.listen()
if os.fork():
    sys.exit(0)
os.dup2(1, 2)
SESSION, STOP, EINVAL = 1, 8, 22
while True:
    c = s.accept()[0]
    while m := c.recv(100):
        kind = struct.unpack("<IIIiI", m)[0]
        value = -EINVAL if kind == SESSION else 0
        c.send(struct.pack("<IIIiI", kind, 0, 0, value, 0))
        if kind == STOP:
            open(sys.argv[2] + "/stopped", "w")
            sys.exit(0)
X
chmod +x "$T/exec/hvd"
mkdir -m 700 "$T/h"
HV_DIR=$T/h HV_LIBEXEC=$T/exec check_fails "an hvd that is of no use" \
	timeout 20 "$HV" --dir "$T/h" up
check "is not left running" test -e "$T/h/stopped"
finish
