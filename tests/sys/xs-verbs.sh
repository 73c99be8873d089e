#!/bin/bash
# SPDX-License-Identifier: MIT
# xs-verbs.sh - what each verb of xs does, and each exit code
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# shellcheck source=tests/sys/xs.sh
. "$BH_SRCDIR/tests/sys/xs.sh"
store_up
nl=$'\n'
tab=$'\t'

# --- read, write
code "write" 0 write /a 1
says "read" 1 read /a
says "several" "1${nl}1" read /a /a
says "with paths" "/a${tab}1" read -p /a
code "write several" 0 write /b 'two\nlines' /c ''
says "escaped" 'two\nlines' read /b
says "raw" "two${nl}lines" read --raw /b
says "alias" 1 cat /a
says "quiet" "" read -q /a
code "raw write" 0 write --raw /b 'a\nb'
says "keeps its backslash" 'a\\nb' read /b
code "bad escape" 2 write /b 'a\q'
code "half an escape" 2 write /b 'a\x4'
code "odd operands" 2 write /a 1 /b
code "nothing" 2 write
printf 'from\0stdin' | xs write /b -
says "from stdin" 'from\x00stdin' read /b
printf '%05000d' 0 | xs write /b - 2>"$T/err"
check_eq "too much on stdin: exit code 5" 5 $?
check "says so" grep -q 'more than 4096' "$T/err"
says "was not written" 'from\x00stdin' read /b
printf x | xs write /b - /e - 2>/dev/null
says "only one value is stdin" "x$nl-" read /b /e
code "several are all or nothing" 3 read /a /none /b
check_eq "nothing is printed" "" "$(cat "$T/code.out")"
code "a bad path" 2 read 'a b'
code "a path with / at its end" 2 read /a/
code "too large" 5 write /b "$(printf '%04096d' 0)"

# --- mkdir, exists, rm
code "mkdir" 0 mkdir /d/e/f /d/g
code "mkdir again" 0 mkdir /d/e/f
code "exists" 0 exists /d/e/f /d/g
code "exists not" 1 exists /d/e/f /d/none
code "test is exists" 1 test /none
code "rm" 0 rm /d/g
code "rm of nothing" 3 rm /d/g
code "rm of nothing, forced" 0 rm -f /d/g /none/deeper
code "rm of one and nothing" 3 rm /d/e /none
code "is all or nothing" 0 exists /d/e
says "dry run" "/d${nl}/d/e${nl}/d/e/f" rm -n /d
code "did nothing" 0 exists /d/e/f
code "tidy" 0 rm -t /d/e/f
code "removed its empty parents" 1 exists /d
xs write /t/keep value /t/x/y 1
code "tidy" 0 rm --tidy /t/x/y
says "kept a parent with children" keep ls /t
code "rm of the root" 2 rm /

# --- ls, tree
xs write /l/one 1 /l/two 2 /l/two/deep 3
says "ls" "one${nl}two" ls /l
says "ls -p" "/l/one${nl}/l/two" ls -p /l
says "ls -l" "n0${tab}1${tab}one${tab}1${nl}n0${tab}1${tab}two${tab}2" ls -l /l
says "ls of two" "/l:${nl}one${nl}two${nl}${nl}/l/two:${nl}deep" ls /l /l/two
says "tree" "/l${tab}${nl}/l/one${tab}1${nl}/l/two${tab}2${nl}/l/two/deep${tab}3" \
	tree /l
says "tree -L 1" "/l${tab}${nl}/l/one${tab}1${nl}/l/two${tab}2" tree -L 1 /l
says "tree -L 0" "/l${tab}" tree --depth 0 /l
says "tree -l" "/l/two${tab}n0${tab}2${nl}/l/two/deep${tab}n0${tab}3" \
	tree -l /l/two
says "tree --loose" "/l/one${tab}1" tree --loose /l/one
code "tree of nothing" 3 tree /none
code "ls of nothing" 3 ls /none
code "tree, bad depth" 2 tree -L x /l

# --- domains by name
xs write /local/domain/5/name work /local/domain/5/data/x 5 \
	/local/domain/6/name net /local/domain/6/data/x 6 \
	/local/domain/7/name twin /local/domain/8/name twin
says "a name" 5 read work:data/x
says "a number" 6 read 6:data/x
says "its home" "name${nl}data" ls net:
code "no such name" 3 read nobody:x
code "a name that two have" 2 read twin:x
code "a number that nobody has" 3 read 99:data
code "a bad path behind a name" 2 read work:/x

# --- chmod
code "chmod" 0 chmod /l n0 r5
check_eq "permissions" "n0,r5" "$(xs ls -l / | awk -F'\t' '$3 == "l" { print $1 }')"
code "with a name" 0 chmod /l b0 rwork w:net
check_eq "permissions" "b0,r5,w6" \
	"$(xs ls -l / | awk -F'\t' '$3 == "l" { print $1 }')"
says "dry run" "/l${nl}/l/one${nl}/l/two${nl}/l/two/deep" chmod -rn /l n0
code "below it, too" 0 chmod -r /l n0 r5
check_eq "all have them" 4 "$(xs tree -l /l | grep -c "${tab}n0,r5${tab}")"
code "bad letter" 2 chmod /l q0
code "no domain" 2 chmod /l r
code "unknown name" 3 chmod /l rnobody
code "no permission" 2 chmod /l
code "of nothing" 3 chmod /none n0
code "of a special node" 0 chmod @releaseDomain n0 r5
code "of a special node, recursive" 2 chmod -r @releaseDomain n0

# --- wait
code "wait, holds" 0 wait /a /a=1 '/a~^[0-9]$' '!/none'
code "wait, time is over" 1 wait --timeout 0.2 /a=2
code "wait, absent" 1 wait --timeout 0.2 '!/a'
code "wait, other text" 1 wait --timeout 0.2 '/a~x'
code "wait, bad expression" 2 wait '/a~['
code "wait, bad escape" 2 wait '/a=\q'
start wait timeout 20 "$XS" wait /w/x=4 /w/y
wait_pid=$started_pid
sleep 0.2
xs write /w/x 3 /w/y 1
sleep 0.2
check "waits for both" kill -0 "$wait_pid"
xs write /w/x 4
wait "$wait_pid"
check_eq "ends when both hold" 0 $?
start wait timeout 20 "$XS" wait '!/w/x'
wait_pid=$started_pid
sleep 0.2
xs rm /w
wait "$wait_pid"
check_eq "ends when a parent is removed" 0 $?

# --- watch
code "watch" 0 watch -n 1 /a
check "shows time, path and value" grep -Eq \
	"^20[0-9-]+T[0-9:.]+Z${tab}/a${tab}1\$" "$T/code.out"
code "watch, no more events" 1 watch -n 2 --timeout 0.3 /a
code "watch, time is over" 0 watch --timeout 0.3 /a
: >"$T/watch.log"
start watch timeout 20 "$XS" watch /v
watch_pid=$started_pid
wait_for 5 grep -q /v "$T/watch.log"
xs write /v/x 'a\nb'
wait_for 5 grep -q "/v/x${tab}a.nb" "$T/watch.log"
xs rm /v/x
wait_for 5 grep -q "/v/x\$" "$T/watch.log"
check "all three events" test "$(grep -c . "$T/watch.log")" = 3
stop "$watch_pid"
# seen NAME PATH...: what a watch has shown
seen() {
	check_eq "$1" "${*:2}" "$(cut -f 2 "$T/watch.log" | paste -sd' ')"
}
: >"$T/watch.log"
start watch timeout 20 "$XS" watch --depth 1 -n 3 /v
watch_pid=$started_pid
wait_for 5 grep -q /v "$T/watch.log"
xs write /v/x/y 1 /v/z 2 /v/x 3
wait "$watch_pid"
seen "a watch of depth 1" /v /v/x /v/z
: >"$T/watch.log"
start watch timeout 20 "$XS" watch -L 0 -n 2 /v
watch_pid=$started_pid
wait_for 5 grep -q /v "$T/watch.log"
xs write /v/x/y 3 /v/w 4
xs write /v 5
wait "$watch_pid"
seen "a watch of depth 0" /v /v
code "a depth that cannot be" 2 watch -L 2147483648 -n 1 /v
code "the largest depth" 0 watch -L 2147483647 -n 1 /v
code "wait has no depth" 2 wait --depth 1 /v
code "watch of a special name" 0 watch -n 1 @releaseDomain
code "watch twice" 9 watch -n 1 /a /a

# --- txn
txn() {
	printf '%s\n' "$@" | xs txn 2>"$T/err"
}
check_eq "txn" "1${nl}a b${nl}x" "$(txn 'read /a' '# comment' '' \
	'write /x "a b"  # more' "read /x" 'write /y '\''x'\' 'read /y' 'mkdir /z')"
check_eq "has written" "a b${nl}x" "$(xs read /x /y)"
txn 'check /a=1' 'check !/none' 'check /x~^a' 'rm /x' 'chmod /y n0 r:work'
check_eq "checks, rm and chmod" 0 $?
code "has removed" 1 exists /x
txn 'write /y 2' 'check /a=2'
check_eq "a check that fails: exit code 6" 6 $?
check "says which" grep -q 'line 2: "/a=2"' "$T/err"
says "nothing was done" x read /y
txn 'write /y 2' 'read /none'
check_eq "an error: exit code 3" 3 $?
check "says where" grep -q 'line 2: read /none: ' "$T/err"
says "nothing was done" x read /y
txn 'write /y 2' 'nonsense'
check_eq "a mistake: exit code 2" 2 $?
txn 'write /y'
check_eq "an operand is missing: exit code 2" 2 $?
txn 'write /y "open'
check_eq "a quote is open: exit code 2" 2 $?
printf 'read /a\0\n' | xs txn 2>/dev/null
check_eq "a NUL: exit code 2" 2 $?
check_eq "empty script" "" "$(txn '')"
code "operands" 2 txn x

# --- usage
code "no verb" 2
code "unknown verb" 2 nonsense
code "no verb's name is empty" 2 ''
for beginning in wr watc ex; do
	code "half a verb in a script: $beginning" 2 $beginning /a
	check "says where that works" grep -q '^hint: .*terminal' "$T/code.err"
done
code "half of several verbs" 2 w /a
check "says which" grep -q '^hint: .* write, watch, wait$' "$T/code.err"
code "unknown option" 2 read -Z /a
code "unknown long option" 2 read --nonsense /a
code "option without its argument" 2 read --socket
code "bad time" 2 read --timeout x /a
code "negative time" 2 read --timeout -1 /a
code "bad colour" 2 read --color x /a
code "option of another verb" 2 read -n 1 /a
code "help" 0 help
code "version" 0 version
check_eq "--version" "$(xs version)" "$(xs --version)"
code "options in front" 0 --timeout 3 read /a
code "help of nothing" 2 help nonsense
for verb in read write mkdir rm ls tree chmod exists watch wait txn control complete \
	help version; do
	code "help $verb" 0 help $verb
	check "help $verb starts with an example" \
		sh -c "head -n 1 '$T/code.out' | grep -q '^example: '"
	check "--help is the same" cmp "$T/code.out" <(xs $verb --help)
	check "it is in the list" sh -c "'$XS' help | grep -q '^  $verb '"
done

# --- the daemon
code "control" 0 control help
check "its reply has lines" test "$(wc -l <"$T/code.out")" -gt 3
code "control with an argument" 0 control print hello
code "control, unknown" 2 control nonsense
code "control, nothing" 2 control
code "no such socket" 7 read --socket "$T/none" /a
check "has a hint" grep -q '^hint: .*--socket' "$T/code.err"
code "another socket" 0 read --socket "$XENSTORED_PATH" /a
socket=$XENSTORED_PATH
export XENSTORED_PATH=$T/none
code "socket beats the environment" 0 read --socket "$socket" /a
export XENSTORED_PATH=$socket
kill -STOP "$store_pid"
code "no answer" 8 read --timeout 0.4 /a
xs read -j --timeout 0.4 /a 2>"$T/err"
check_eq "no answer, JSON: exit code 8" 8 $?
check "is JSON" is_json <"$T/err"
kill -CONT "$store_pid"
if command -v python3 >/dev/null; then
	# a daemon that accepts nobody, with as many waiting as may
	start full timeout 20 python3 -c 'if 1:
		import socket, sys, time
		s = [socket.socket(socket.AF_UNIX) for i in range(4)]
		s[0].bind(sys.argv[1])
		s[0].listen(0)
		for c in s[1:]:
			c.setblocking(False)
			try:
				c.connect(sys.argv[1])
			except BlockingIOError:
				print("full", flush=True)
		time.sleep(20)' "$T/full"
	wait_for 5 grep -q full "$T/full.log"
	code "no place in the queue" 8 read --timeout 0.3 --socket "$T/full" /a
	# a daemon that knows nothing
	start old timeout 20 python3 -c 'if 1:
		import socket, struct, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		print("old", flush=True)
		while True:
			c = s.accept()[0]
			while head := c.recv(16, socket.MSG_WAITALL):
				op, req, tx, n = struct.unpack("=4I", head)
				c.recv(n, socket.MSG_WAITALL)
				e = b"ENOSYS\0"
				head = struct.pack("=4I", 16, req, tx, len(e))
				c.sendall(head + e)' "$T/old"
	wait_for 5 grep -q old "$T/old.log"
	code "no depths" 9 watch --socket "$T/old" --depth 1 /a
	check "has a hint" grep -q '^hint: .*without --depth' "$T/code.err"
fi
: >"$T/watch.log"
start watch timeout 20 "$XS" watch /a
watch_pid=$started_pid
wait_for 5 grep -q /a "$T/watch.log"
kill -KILL "$store_pid"
wait "$watch_pid"
check_eq "it went away: exit code 7" 7 $?

finish
