#!/bin/bash
# SPDX-License-Identifier: MIT
# xs-output.sh - what xs prints: JSON for every verb, every byte value there
# and back, terminals of all kinds, closed and full outputs
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# shellcheck source=tests/sys/xs.sh
. "$BH_SRCDIR/tests/sys/xs.sh"
requires script stty
command -v jq >/dev/null || requires python3
store_up
nl=$'\n'

# --- every byte value, through every way in and out
for ((i = 0; i < 256; i++)); do
	# shellcheck disable=SC2059 # the format is the point
	printf "$(printf '\\x%02x' $i)"
done >"$T/bytes"
xs write /bytes - <"$T/bytes"
xs read --raw /bytes >"$T/raw"
check "raw is what was written" cmp "$T/bytes" "$T/raw"
escaped=$(xs read /bytes)
printf '%s' "$escaped" >"$T/escaped"
check "escaped is printable" sh -c "! LC_ALL=C grep -q '[^ -~]' '$T/escaped'"
xs write /again "$escaped"
xs read --raw /again >"$T/raw"
check "escaped can be written again" cmp "$T/bytes" "$T/raw"
xs read -j /bytes >"$T/json"
check "JSON is valid" is_json <"$T/json"
if command -v jq >/dev/null; then
	jq -j '.nodes[0].value_b64' "$T/json" | base64 -d >"$T/raw"
	check "base64 is the same" cmp "$T/bytes" "$T/raw"
	for ((i = 0; i < 128; i++)); do
		printf -v byte '\\x%02x' $i
		xs write /byte "x${byte}y"
		xs read -j /byte | jq -j .nodes[0].value
	done >"$T/json"
	for ((i = 0; i < 128; i++)); do
		# shellcheck disable=SC2059
		printf "x$(printf '\\x%02x' $i)y"
	done >"$T/raw"
	check "text in JSON is the same, byte by byte" cmp "$T/json" "$T/raw"
fi

# --- JSON of each verb
xs write /j/a 1 /j/b 'x\xff' /local/domain/5/name 'wo"rk\xfe'
xs chmod /j/a n0 r5
json() {
	local what=$1
	shift
	xs "$@" >"$T/json" 2>"$T/err" </dev/null
	check "$what: one JSON document" is_json <"$T/json"
	check "$what: with the schema's number" grep -q '"xs": *1' "$T/json"
	check "$what: nothing else" test ! -s "$T/err"
	check_eq "$what: one line" 1 "$(wc -l <"$T/json")"
}
json read read -j /j/a /j/b
json write write -j /j/a 2
json mkdir mkdir --json /j/c
json ls ls -j /j
json "ls -l" ls -lj /j
json tree tree -j /
json "tree -l" tree -lj /
json chmod chmod -j /j/a n0 r5
json "chmod -n" chmod -jnr /j n0
json exists exists -j /j/a /none
json wait wait -j /j/a
json "wait in vain" wait -j --timeout 0.1 /none
json watch watch -j -n 1 /j/b
json rm rm -j /j/c
json "rm -n" rm -jn /j
json control control -j help
json help help -j
json version version -j
printf 'read /j/a\nwrite /j/a 3\n' | xs txn -j >"$T/json"
check "txn: JSON" is_json <"$T/json"
xs tree -lj /j >"$T/json"
none='"read":false,"write":false}'
perms="\"owner\":0,\"perms\":[{\"domid\":0,$none"
cat >"$T/want" <<EOF
{"xs":1,"nodes":[{"path":"/j","value":"","len":0,$perms],"children":[\
{"path":"/j/a","value":"3","len":1,$perms,\
{"domid":5,"name":"wo\\"rk\\ufffd","read":true,"write":false}],"children":[]},\
{"path":"/j/b","value_b64":"eP8=","len":2,$perms],"children":[]}]}]}
EOF
check_eq "a whole tree" "$(cat "$T/want")" "$(cat "$T/json")"
xs watch -j -n 3 /k >"$T/json" &
sleep 0.3
xs write /k 1
sleep 0.2
xs write /k '\xfe'
wait $!
check_eq "old values" 'null null "1"' \
	"$(sed 's/.*"old":\([^,]*\),.*/\1/; t; s/.*/null/' "$T/json" | paste -sd' ')"
check_eq "new values" '"new":null "new":"1" "new_b64":"/g=="' \
	"$(sed 's/.*,\("new[^}]*\)}/\1/' "$T/json" | paste -sd' ')"
error_json() {
	local what=$1 code=$2
	shift 2
	xs "$@" >"$T/json" 2>"$T/err" </dev/null
	check_eq "$what: its code" "$code" $?
	check "$what: JSON on stderr" is_json <"$T/err"
	check "$what: nothing on stdout" test ! -s "$T/json"
}
error_json "not found" 3 read -j /none
check_eq "an error in JSON" '{"error":{"code":"ENOENT","exit":3,'\
'"op":"read","path":"/none","message":"No such file or directory"}}' \
	"$(cat "$T/err")"
error_json "usage" 2 read -j
error_json "no daemon" 7 read -j --socket "$T/none" /a
error_json "option" 2 -j --nonsense

# --- terminals: on_tty COLUMNS COMMAND...
on_tty() {
	local columns=$1 command
	shift
	command="stty rows 24 cols $columns; exec $(printf '%q ' "$XS" "$@")"
	script -qec "$command" /dev/null </dev/null | tr -d '\r'
}
export TERM=xterm
xs write /evil '\x1b]0;owned\x07\x9b31m' /tty/a 1 /tty/long \
	"$(printf 'x%.0s' {1..100})" /tty/dir/leaf 2
on_tty 80 read /evil >"$T/tty"
check_eq "no control byte reaches it" '\x1b]0;owned\x07\x9b31m' "$(cat "$T/tty")"
on_tty 80 tree --color never /evil >"$T/tty"
check "nor in a tree" sh -c "! LC_ALL=C grep -q '[^ -~]' '$T/tty'"
check_eq "a tree in ASCII" "/tty
|-a = 1
|-long = $(printf 'x%.0s' {1..68})...
\`-dir
  \`-leaf = 2" "$(LC_ALL=C on_tty 80 tree --color never /tty)"
if locale -a 2>/dev/null | grep -qi '^C.utf-\?8$'; then
	check_eq "a tree in UTF-8" "├─a = 1" "$(LC_ALL=C.UTF-8 on_tty 80 tree \
		--color never /tty | sed -n 2p)"
fi
for columns in 1 5 20 40 500; do
	widest=$(LC_ALL=C on_tty $columns tree --color never /tty |
		awk '{ if (length > n) n = length } END { print n + 0 }')
	most=$((columns > 18 ? columns : 18))
	check "$columns columns are kept ($widest)" test "$widest" -le $most
done
check_eq "names of domains" "domain${nl}\`-5 (wo\"rk\\xfe)" "$(
	LC_ALL=C on_tty 80 tree --color never /local/domain | head -n 2 |
		sed 's,^/local/,,')"
colors() {
	on_tty 80 "$@" | grep -c $'\033'
}
check "colours on a terminal" test "$(colors tree /tty)" -gt 0
check_eq "none with NO_COLOR" 0 "$(NO_COLOR=1 colors tree /tty)"
check "an empty NO_COLOR is none" test "$(NO_COLOR='' colors tree /tty)" -gt 0
check_eq "none with TERM=dumb" 0 "$(TERM=dumb colors tree /tty)"
check_eq "none with --color never" 0 "$(colors tree --color=never /tty)"
check "some with --color always" \
	test "$(NO_COLOR=1 colors tree --color=always /tty)" -gt 0
check_eq "none in a pipe" 0 "$(xs tree /tty | grep -c $'\033')"
on_tty 80 read -j /tty/a >"$T/json"
check "JSON on a terminal is indented" test "$(wc -l <"$T/json")" -gt 3
check "and valid" is_json <"$T/json"
on_tty 80 ls -l /tty >"$T/tty"
check "ls -l in columns" grep -q ' = ' "$T/tty"
on_tty 80 watch -n 1 /tty/a >"$T/tty"
check "watch with the time of day" grep -Eq '[0-9:.]{12}.* /tty/a = 1$' "$T/tty"

# --- verbs that are not spelled out: on a terminal, both ways
check_eq "the beginning of a verb" 1 "$(on_tty 80 rea /tty/a)"
check_eq "the beginning of an alias" 1 "$(on_tty 80 ca /tty/a)"
check_eq "of both of one verb" "a${nl}long${nl}dir" "$(on_tty 80 l /tty)"
check_eq "a verb before those it begins" "" "$(on_tty 80 rm -f /tty/none)"
check "of several" grep -q 'could be one of read, rm' <(on_tty 80 r /tty/a)
check "help of a beginning" grep -q '^example: xs mkdir' <(on_tty 80 help mk)
# piped WHICH: with stdin or stdout elsewhere
piped() {
	script -qec "exec $(printf '%q ' "$XS") rea /tty/a $1" /dev/null \
		</dev/null | tr -d '\r'
}
check "not with another stdin" grep -q 'no verb "rea"' <(piped '</dev/null')
check "not with another stdout" grep -q 'no verb "rea"' <(piped '>/dev/null')

# --- outputs that are closed, full or left
closed() {
	local what=$1
	shift
	("$XS" "$@" >&- 2>"$T/err")
	check_eq "$what, closed stdout: exit code 9" 9 $?
	check "$what, closed stdout: says so" grep -q 'stdout: ' "$T/err"
	[ -e /dev/full ] || return 0
	("$XS" "$@" >/dev/full 2>"$T/err")
	check_eq "$what, full stdout: exit code 9" 9 $?
}
closed read read /tty/a
closed tree tree /tty
closed JSON tree -j /tty
closed watch watch -n 1 /tty/a
closed help help
("$XS" read -q /tty/a >&-)
check_eq "nothing to print needs no stdout" 0 $?
("$XS" read /none 2>&-)
check_eq "closed stderr" 3 $?
("$XS" read /tty/a <&- >"$T/out")
check_eq "closed stdin" 1 "$(cat "$T/out")"
("$XS" write /tty/a - <&- 2>/dev/null)
check_eq "closed stdin as a value: exit code 9" 9 $?
("$XS" read /tty/a <&- >&- 2>&-)
check_eq "all closed" 9 $?
check_eq "the store is as it was" 1 "$(xs read /tty/a)"
for ((i = 0; i < 40; i++)); do
	printf 'write /many/%d %s\n' "$i" "$(printf '%02000d' 0)"
done | xs txn
xs tree /many 2>"$T/err" | head -n 1 >/dev/null
check_eq "a reader that leaves: no message" "" "$(cat "$T/err")"

# --- one moment: a and b are always written together
touch "$T/go"
(
	i=0
	while [ -e "$T/go" ]; do
		xs write /m/a $i /m/b $i
		i=$((i + 1))
	done
) &
xs wait /m/b
torn=0
for ((i = 0; i < 60; i++)); do
	got=$(xs tree /m | sed -n 's/^.m.[ab]\t//p' | sort -u | wc -l)
	[ "$got" = 1 ] || torn=$((torn + 1))
done
rm "$T/go"
wait $!
check_eq "a tree is of one moment" 0 $torn

finish
