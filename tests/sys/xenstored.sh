#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored.sh - the daemon as a process: start, background, end, and
# Debian's own client tools against it
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"

daemon=$BH_BUILDDIR/xenstored/xenstored
export XENSTORED_RUNDIR=$T/run
unset XENSTORED_PATH NOTIFY_SOCKET
socket=$T/run/socket

# options
check "help" "$daemon" --help
"$daemon" --help >"$T/help"
check "help names the socket's folder" grep -q XENSTORED_RUNDIR "$T/help"
check "version" "$daemon" --version
check_fails "unknown option" "$daemon" --nonsense
check_fails "argument" "$daemon" -D nonsense
check_eq "usage is exit status 2" 2 \
	"$("$daemon" --nonsense >/dev/null 2>&1; echo $?)"

# in the background: it listens as soon as the command returns
check "starts" "$daemon" --no-domain-init --pid-file "$T/pid"
pid=$(cat "$T/pid")
cleanup_add sh -c "kill $pid 2>/dev/null || :"
check "socket is there" test -S "$socket"
check_eq "nobody else may use it" 600 "$(stat -c %a "$socket")"
check "pid file names it" kill -0 "$pid"
check_fails "a second one does not take the socket" "$daemon" -D
check "the first one still has it" test -S "$socket"
kill -TERM "$pid"
wait_for 5 test ! -e "/proc/$pid"
check "socket is gone" test ! -e "$socket"
# who is confined may remove nothing there
check "pid file says nothing" test ! -s "$T/pid"

# its log stays in a file, and a pipe is let go of: cat ends before it does
check "starts with a pipe for its log" \
	sh -c "'$daemon' -D -v -F '$T/pid' 2>&1 | cat"
kill -TERM "$(cat "$T/pid")"
wait_for 5 test ! -e "$socket"
check "starts with a file for its log" \
	sh -c "'$daemon' -D -v -F '$T/pid' 2>'$T/log'"
kill -HUP "$(cat "$T/pid")"
wait_for 5 grep -q "configuration read again" "$T/log"
kill -TERM "$(cat "$T/pid")"
wait_for 5 test ! -e "$socket"

# else its warnings go to the system's log, which may start again: also
# when it is confined
export XENSTORED_SYSLOG=$T/syslog.sock
# warned: the lines with what is wrong with the configuration
warned() {
	grep -cE "^<27>[A-Z][a-z]{2} .* xenstored\[$pid\]: config: .*:1: " \
		"$T/$1.log"
}
echo bad >"$T/conf"
start syslog1 "$BH_BUILDDIR/tests/sys/syslog" "$XENSTORED_SYSLOG"
wait_for 5 test -S "$XENSTORED_SYSLOG"
: >"$T/conf"
check "starts with nowhere to log" \
	sh -c "'$daemon' -D -C '$T/conf' -F '$T/pid' 2>&1 | cat"
pid=$(cat "$T/pid")
echo bad >"$T/conf"
kill -HUP "$pid"
wait_for 5 warned syslog1
check_eq "an error is in the system's log" 1 "$(warned syslog1)"
stop "$started_pid"
start syslog2 "$BH_BUILDDIR/tests/sys/syslog" "$XENSTORED_SYSLOG"
bound() {
	kill -HUP "$pid" && sleep 0.1 && warned syslog2
}
wait_for 5 bound
: >"$T/conf"
kill -HUP "$pid"
sleep 0.2
check "and in the one that is started next" warned syslog2
check_fails "what is no warning is not" \
	grep -q "read again" "$T/syslog1.log" "$T/syslog2.log"
kill -TERM "$pid"
wait_for 5 test ! -e "$socket"
stop "$started_pid"
unset XENSTORED_SYSLOG

mkfifo "$T/journal"
exec 9<>"$T/journal"
check "starts with the journal for its log" env \
	JOURNAL_STREAM="$(stat -c %d:%i "$T/journal")" \
	sh -c "'$daemon' -D -F '$T/pid' 2>&9"
kill -HUP "$(cat "$T/pid")"
read -r -t 5 -u 9 line
check_eq "which stays, too, with priorities" \
	"<6>xenstored: config: configuration read again" "$line"
kill -TERM "$(cat "$T/pid")"
wait_for 5 test ! -e "$socket"
exec 9>&-

# clients are the domain that was named, with its home
xs() {
	XENSTORED_PATH=$socket timeout 10 "$BH_BUILDDIR/libxs/cli/xs" "$@"
}
start master "$daemon" -D -N -F "$T/pid3" --master-domid 7
wait_for 5 test -S "$socket"
check "write" xs write x v
check_eq "at its home" v "$(xs read /local/domain/7/x)"
kill -TERM "$(cat "$T/pid3")"
wait_for 5 test ! -e "$socket"

# a socket that nobody serves is replaced
start killed "$daemon" -D -N
wait_for 5 test -S "$socket"
kill -KILL -- "-$started_pid"
wait "$started_pid" 2>/dev/null
check "stale socket is left" test -S "$socket"

start daemon "$daemon" -D -N --pid-file "$T/pid2"
daemon_pid=$started_pid
wait_for 5 test -e "$T/pid2"
check "stale socket is replaced" test -S "$socket"
echo mine >"$T/file"
check_fails "a file is not taken for a socket" \
	env XENSTORED_PATH="$T/file" "$daemon" -D
check_eq "and stays" mine "$(cat "$T/file")"
check_fails "the pid file is locked" \
	env XENSTORED_PATH="$T/other" "$daemon" -D -F "$T/pid2"

# no hypervisor, and told to use one
if [ ! -e /dev/xen/evtchn ] && [ ! -e /proc/xen ]; then
	check_fails "no hypervisor" \
		env XENSTORED_PATH="$T/none" "$daemon" -N
	XENSTORED_PATH="$T/none" "$daemon" -N 2>"$T/none.err"
	check "says so" grep -q "no hypervisor" "$T/none.err"
fi
check_fails "socket that cannot be" \
	env XENSTORED_PATH="$T/none/none" "$daemon" -D
check_fails "pid file that cannot be" \
	env XENSTORED_PATH="$T/none" "$daemon" -D -F "$T/none/pid"

# a real client
check "libxenstore" "$BH_BUILDDIR/tests/sys/xsclient" "$socket"

# Debian's tools, when they are there
if "$BH_SRCDIR/scripts/xen-debs" --path >/dev/null 2>&1; then
	tool() {
		local mode=$1
		shift
		"$BH_SRCDIR/scripts/xen-env" "xenstore-$mode" "$@"
	}
	check "xenstore write" tool write /debian/a value
	check_eq "xenstore read" value "$(tool read /debian/a)"
	check "xenstore write, awkward value" tool write /debian/b 'x\ty\xff'
	check_eq "xenstore read, awkward value" 'x\ty\xff' \
		"$(tool read /debian/b)"
	check_eq "xenstore ls" 'debian a = "value"' \
		"$(tool ls / | sed -n '/^debian/,$p' | head -n 2 | xargs -d '\n' |
			sed 's/ = ""//; s/  */ /g')"
	check_eq "xenstore ls -p" '(n0)' \
		"$(tool ls -p /debian | sed -n 's/^a = .* \. *//p')"
	start watch timeout 10 "$BH_SRCDIR/scripts/xen-env" \
		xenstore-watch -n 2 /debian
	wait_for 5 grep -q '^/debian$' "$T/watch.log"
	check "xenstore write, watched" tool write /debian/c 1
	wait_for 5 grep -q '^/debian/c$' "$T/watch.log"
else
	echo "# Debian's client tools are not unpacked: not tried"
fi
check "still alive" kill -0 "$daemon_pid"

finish
