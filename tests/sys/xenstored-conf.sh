#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored-conf.sh - the configuration file: checked, used, read again
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"

daemon=$BH_BUILDDIR/xenstored/xenstored
export XENSTORED_RUNDIR=$T/run
unset XENSTORED_PATH NOTIFY_SOCKET

printf 'nodes = 50\n[domain 5]\nwatches = 9\n' >"$T/good"
printf 'nodes = 50\nwatch = 9\n' >"$T/bad"

check "a good file" "$daemon" -n -C "$T/good"
check_fails "a bad file" "$daemon" --check-config --config-file "$T/bad"
"$daemon" -n -C "$T/bad" 2>"$T/err"
check "names file and line" grep -qF "$T/bad:2: unknown key \"watch\"" \
	"$T/err"
check_fails "a file that is not there" "$daemon" -n -C "$T/none"
check_fails "does not start with a bad one" "$daemon" -D -C "$T/bad"
check "and leaves no socket" test ! -e "$T/run/socket"

cp "$T/good" "$T/conf"
start conf sh -c "exec '$daemon' -D -N -F '$T/pid' -C '$T/conf' 2>'$T/log'"
wait_for 5 test -S "$T/run/socket"
wait_for 5 test -s "$T/pid"
pid=$(cat "$T/pid")
check "nothing was said yet" test ! -s "$T/log"
cp "$T/bad" "$T/conf"
kill -HUP "$pid"
wait_for 5 grep -qF "$T/conf:2: unknown key" "$T/log"
check "a bad one is refused" kill -0 "$pid"
cp "$T/good" "$T/conf"
kill -HUP "$pid"
wait_for 5 grep -q "configuration read again" "$T/log"
check "a good one is used" kill -0 "$pid"
kill -TERM "$pid"
wait_for 5 test ! -e "$T/run/socket"
finish
