#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored-confine.sh - the confined daemon does all that it is there for:
# limits and logs of the command line, signals, files, many connections
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"

daemon=$BH_BUILDDIR/xenstored/xenstored
export XENSTORED_RUNDIR=$T/run
unset XENSTORED_PATH NOTIFY_SOCKET
socket=$T/run/socket
xs() {
	XENSTORED_PATH=$socket timeout 10 "$BH_BUILDDIR/libxs/cli/xs" "$@"
}
# status PID FIELD
status() {
	awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"
}

mkdir "$T/log" "$T/conf"
echo 'nodes = 500' >"$T/conf/conf"
start daemon "$daemon" -N -D -F "$T/pid" -C "$T/conf/conf" \
	-T "$T/log/trace" --trace-control=-obj -E 600 -Q memory=70000
wait_for 5 test -s "$T/pid"
wait_for 5 xs exists /
pid=$(cat "$T/pid")

if nm "$daemon" | grep -q '__[atl]san_\|gcov'; then
	echo "# built with what needs its rights: not confined"
else
	check_eq "seccomp" 2 "$(status "$pid" Seccomp)"
	check_eq "no new privileges" 1 "$(status "$pid" NoNewPrivs)"
	for set in Inh Prm Eff Amb; do
		check_eq "no capabilities: $set" 0000000000000000 \
			"$(status "$pid" "Cap$set")"
	done
fi

# quota NAME: the limit that guests get
quota() {
	xs control quota | awk -v q="$1" '$1 == q { print $3 }'
}
check_eq "the command line is stronger than the file" 600 "$(quota nodes)"
check_eq "a limit by name" 70000 "$(quota memory)"

# the access log
check "write" xs write /a/secret hidden
wait_for 5 grep -q 'd0 socket WRITE tx=0 /a/secret value=6 OK$' "$T/log/trace"
check_fails "values are not shown" grep -q hidden "$T/log/trace"
check_fails "connections were switched off" grep -q ' open$' "$T/log/trace"
check "values are switched on" xs control log +values
check "write" xs write /a/b $'shown\nhere'
check "they are escaped" \
	grep -q 'WRITE tx=0 /a/b value=10 shown\\nhere OK$' "$T/log/trace"
check "a line is a line" test -z \
	"$(grep -v '^20[0-9-]*T[0-9:.]*Z d0 socket [A-Z_]* tx=' "$T/log/trace")"

# SIGHUP: both files are opened again
mv "$T/log/trace" "$T/log/trace.1"
echo 'watches = 77' >"$T/conf/new"
mv "$T/conf/new" "$T/conf/conf"
kill -HUP "$pid"
wait_for 5 grep -q "configuration read again" "$T/daemon.log"
check "the log is opened again" test -e "$T/log/trace"
check_eq "the configuration, too" 77 "$(quota watches)"
check_eq "the command line still holds" 600 "$(quota nodes)"
check "and it is written to" test -s "$T/log/trace"

# files of CONTROL
check "a report to a file" xs control memreport report
check "is there" test -s "$T/run/report"
check_fails "nowhere else" test -e "$T/report"

xs control log off >/dev/null
check "500 connections" "$BH_BUILDDIR/tests/sys/xsclient" "$socket" 500
check "all that a client can ask for" \
	"$BH_BUILDDIR/tests/sys/xsclient" "$socket"
check "check finds no fault" xs control check
kill -TERM "$pid"
wait_for 5 test ! -e "/proc/$pid"
check "socket is gone" test ! -e "$socket"
check_fails "nothing was refused to it" grep -i "not permitted" "$T/daemon.log"

# without
start free "$daemon" -N -D -F "$T/run/pid" --no-confine
wait_for 5 test -s "$T/run/pid"
wait_for 5 xs exists /
pid=$(cat "$T/run/pid")
check_eq "--no-confine" 0 "$(status "$pid" Seccomp)"
kill -TERM "$pid"
wait_for 5 test ! -e "$T/run/pid"

# a kernel that cannot say "in this folder": no file at all
if ! nm "$daemon" | grep -q '__[atl]san_\|gcov'; then
	echo 'nodes = 300' >"$T/conf/conf"
	start shut "$BH_BUILDDIR/tests/sys/nolandlock" "$daemon" -N -D \
		-F "$T/run/pid" -C "$T/conf/conf" -T "$T/log/shut"
	wait_for 5 test -s "$T/run/pid"
	wait_for 5 xs exists /
	pid=$(cat "$T/run/pid")
	check "says that there is no Landlock" \
		grep -q "no landlock" "$T/shut.log"
	check_eq "is confined all the same" 0000000000000000 \
		"$(status "$pid" CapEff)"
	echo 'nodes = 301' >"$T/conf/conf"
	kill -HUP "$pid"
	wait_for 5 grep -q "configuration read again" "$T/shut.log"
	check_eq "its configuration is still the file" 301 "$(quota nodes)"
	check "the log goes on, and says why" \
		grep -q "trace: shut: Operation not permitted" "$T/shut.log"
	check "write" xs write /x y
	wait_for 5 grep -q 'WRITE tx=0 /x value=1 OK$' "$T/log/shut"
	xs control memreport none >"$T/none.out"
	check "no report to a file" grep -q "not permitted" "$T/none.out"
	kill -TERM "$pid"
	wait_for 5 test ! -e "/proc/$pid"
	check "its socket is left to the next one" test -S "$socket"
fi

check_fails "a log that cannot be" "$daemon" -D -T "$T/none/trace"
check_fails "a log that is a link" \
	sh -c "ln -s '$T/x' '$T/link'; exec '$daemon' -D -T '$T/link'"

# of ten that start at once, one gets the socket
for i in 0 1 2 3 4 5 6 7 8 9; do
	start "race$i" "$daemon" -N -D
done
wait_for 5 xs exists /
races() {
	[ "$(grep -l 'in use' "$T"/race*.log | wc -l)" = 9 ]
}
wait_for 20 races
check "one serves" xs exists /
finish
