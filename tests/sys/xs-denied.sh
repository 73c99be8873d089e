#!/bin/bash
# SPDX-License-Identifier: MIT
# xs-denied.sh - what xs says of a store that denies, floods, hangs or goes
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# shellcheck source=tests/sys/xs.sh
. "$BH_SRCDIR/tests/sys/xs.sh"
requires script
nl=$'\n'
tab=$'\t'

# fake MODE: from now on, the store of tests/sys/xsfake.c
fake() {
	start "$1" "$BH_BUILDDIR/tests/sys/xsfake" "$T/$1" "$1"
	wait_for 5 test -S "$T/$1"
	export XENSTORED_PATH=$T/$1
}

# on_tty ARGUMENT...: what xs shows on a terminal
on_tty() {
	TERM=dumb script -qec "exec $(printf '%q ' "$XS" "$@")" /dev/null \
		</dev/null | tr -d '\r'
}

# --- a node that was named, and is denied: every verb says so
fake guest
while read -r -a args; do
	code "denied: ${args[*]}" 4 "${args[@]}"
	check "denied: ${args[*]}: has a hint" \
		grep -q '^hint: .*permissions' "$T/code.err"
	check "denied: ${args[*]}: prints nothing" test ! -s "$T/code.out"
done <<'end'
read /closed
read -q /closed
read /open /closed
write /closed 1
write /open 1 /closed 1
mkdir /closed
rm /closed
rm -f /closed
rm -n /closed
rm -fn /closed
ls /closed
ls -l /closed
ls -q /closed
ls --loose /closed
ls /open /closed
tree /closed
tree -l /closed
tree -L 0 /closed
tree --loose /closed
chmod /closed n0
chmod -n /closed n0
chmod -r /closed n0
chmod -rn /closed n0
exists /closed
wait /closed
wait !/closed
wait /closed=1
end
while read -r -a args; do
	xs "${args[@]}" >"$T/out" 2>"$T/err" </dev/null
	check_eq "denied: ${args[*]}: exit code 4" 4 $?
	check "denied: ${args[*]}: in JSON" grep -q '"code":"EACCES"' "$T/err"
	check "denied: ${args[*]}: prints nothing" test ! -s "$T/out"
done <<'end'
read -j /closed
ls -j /closed
tree -j /closed
tree -lj /closed
rm -jn /closed
chmod -jrn /closed n0
exists -j /closed
end
printf 'read /closed\n' | xs txn 2>"$T/err"
check_eq "denied: txn: exit code 4" 4 $?

# --- below a node that was named, it is left out
says "ls has its name" "plain${nl}closed" ls /open
says "ls -l has no value" "n0${tab}1${tab}plain${tab}1${nl}?${tab}0${tab}closed${tab}?" \
	ls -l /open
says "tree" "/open${tab}1${nl}/open/plain${tab}1${nl}/open/closed${tab}" tree /open
says "rm -n" "/open${nl}/open/plain${nl}/open/closed" rm -n /open
code "chmod -r cannot" 4 chmod -r /open n0

# --- watch: denied is not absent
code "watch" 0 watch -n 1 /closed
check "denied, in a pipe" grep -q "Z${tab}/closed${tab}${tab}denied\$" \
	"$T/code.out"
code "watch" 0 watch -n 1 /none
check "absent, in a pipe" grep -q "Z${tab}/none\$" "$T/code.out"
check "denied, on a terminal" grep -q ' /closed (may not be read)$' \
	<(on_tty watch -n 1 /closed)
check "absent, on a terminal" grep -q ' /none (not there)$' \
	<(on_tty watch -n 1 /none)
check "denied, in JSON" grep -q '"token":"/closed","denied":true}$' \
	<(xs watch -j -n 1 /closed)
check "absent, in JSON" grep -q '"token":"/none","new":null}$' \
	<(xs watch -j -n 1 /none)

# --- events without end do not keep anybody
fake flood
before=$SECONDS
code "wait ends in time" 1 wait --timeout 1 /none=never
code "watch ends in time" 0 watch --timeout 1 /none
code "watch -n, too" 1 watch -q -n 1000000000 --timeout 1 /none
check "all of them" test $((SECONDS - before)) -lt 12
code "a condition is seen at once" 0 wait --timeout 10 /there=1

fake burst
code "many events at once" 1 wait --timeout 0.5 /none
wait_for 5 grep -q reads "$T/burst.log"
read -r reads _ <"$T/burst.log"
check "one look for all of them ($reads)" test "$reads" -le 4

# --- names of domains, and a connection that is lost meanwhile
fake lost
code "lost while names are read" 7 read work:x
code "and in a permission" 7 chmod /open r:work
code "a number needs no names" 0 exists 5:x

# --- a daemon that does not answer
unset XENSTORED_PATH
export XENSTORED_PATH=$T/socket
store_up
xs write /a 1
kill -STOP "$store_pid"
for verb in wait watch; do
	before=$SECONDS
	code "$verb, no answer" 8 $verb --timeout 0.5 /a
	check "$verb: within the time" test $((SECONDS - before)) -lt 3
	check "$verb: says how long that was" \
		grep -q 'not answer within 0.5 s' "$T/code.err"
	check "$verb: no wrong advice" \
		sh -c "! grep -q -e --timeout '$T/code.err'"
	check "$verb: a hint" grep -q '^hint: the daemon ' "$T/code.err"
done
code "read, no answer" 8 read --timeout 0.3 /a
check "read: --timeout helps" grep -q '^hint: --timeout' "$T/code.err"
kill -CONT "$store_pid"

# --- hints of EINVAL
code "no such domain can be" 2 chmod /a n32758
check "the hint is of domains" grep -q '^hint: domains are 0 to ' "$T/code.err"
code "rm of the root" 2 rm /
check "the hint is of the root" grep -q '^hint: .*root' "$T/code.err"

# --- a domain's name is a guest's: on a terminal it is escaped, in columns
xs write /local/domain/5/name '\x1b]0;owned\x07' /n/a 1 /n/b 2
xs chmod /n/a n0 r5
name='(\x1b]0;owned\x07)'
check_eq "ls -l" "n0,r5$name     1 a = 1${nl}n0$(printf '%*s' $((${#name} + 3)) '')     1 b = 2" \
	"$(on_tty ls -l /n)"
check_eq "tree -l" "|-a [n0,r5$name] = 1" "$(on_tty tree -l /n | sed -n 2p)"
for args in 'ls -l /n' 'tree -l /n' 'ls -lj /n' 'tree -lj /n'; do
	# shellcheck disable=SC2086 # words
	on_tty $args >"$T/tty"
	check "no control byte reaches it: $args" \
		sh -c "! LC_ALL=C grep -q '[^ -~]' '$T/tty'"
done

finish
