#!/bin/bash
# SPDX-License-Identifier: MIT
# xs-complete.sh - what xs says can follow, and bash with it
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# shellcheck source=tests/sys/xs.sh
. "$BH_SRCDIR/tests/sys/xs.sh"
store_up
xs write /local/domain/5/name work /local/domain/5/data/x 1 \
	/local/domain/6/name word /local/domain/7/name 'e\x1b[31m' \
	/local/domain/8/name 'rm -rf' /tool/only/one 1 /tool/only/oak 2 /vm ''

# can EXPECTED WORD...: the candidates, in one line
can() {
	local expected=$1 got
	shift
	got=$(xs complete -- "$@" 2>&1 </dev/null) ||
		got="exit code $?: $got"
	check_eq "$(printf '%q ' "$@")" "$expected" "${got//$'\n'/ }"
}

# --- verbs and options
can "write watch wait" w
can "read" rea
xs complete -- c >"$T/out"
check "aliases too" grep -qx cat "$T/out"
xs complete -- '' >"$T/out"
check "all verbs" grep -qx txn "$T/out"
check_fails "no aliases where nothing is typed" grep -qx cat "$T/out"
can "tree" -j tre
can "mkdir" --socket "$XENSTORED_PATH" mk
can "--depth" watch --de
can "--dry-run" rm /tool --dr
can "--json" --js
can "" read --de
can "auto always never" read --color ''
can "auto always" read --color a
can "auto always" --color a
can "" watch -n ''
can "" watch -qn ''
can "wait" help wai
can "" help wait ''
can "" nonsense /
can "" read --nonsense /

# --- paths
sorted=$(xs complete -- read '' | LC_ALL=C sort | paste -sd' ')
check_eq "where a path can start" "/local /tool /vm word: work:" "$sorted"
can "/tool /tool/" read /t
can "/vm" read /v
can "/tool/only /tool/only/" read -p /tool/on
can "/tool/only/one /tool/only/oak" ls /tool/only/o
can "/tool/only/one" tre /tool/only/on
can "" read /none/x
can "" read 'no path'
can "work: word:" rm wor
can "work:name work:data" exists work:
can "work:data work:data/" mkdir work:d
can "work:data/x" mkdir work:data/
can "5:data/x" mkdir 5:data/
can "" read work:/
can "" read nobody:
can "" read work:data/x/
can "/vm" write /tool/only 1 /v
can "/vm" write /v
can "" write /vm /v
can "@releaseDomain" watch @re
can "@releaseDomain" chmod @re
can "" read @re
can "/vm" watch -n 3 --depth 1 /v
can "/vm" wait /v
can "!/vm" wait !/v
can "!work: !word:" wait !wor
can "rwork rword" chmod /vm rwo
can "r:work r:word" chmod /vm n0 r:wo
can "r:work r:word" chmod /vm r
can "" chmod /vm q
can "" txn /v
can "" version /v

# --- nothing that is not good to run comes out
xs complete -- read '' >"$T/out"
xs complete -- chmod /vm n >>"$T/out"
check "no odd names" sh -c "! LC_ALL=C grep -q '[^A-Za-z0-9/@:_.+-]' '$T/out'"
socket=$XENSTORED_PATH
export XENSTORED_PATH=$T/none
can "" read /v
can "/vm" read --socket "$socket" /v
can "/vm" --socket "$socket" read /v
can "read" rea
export XENSTORED_PATH=$socket
kill -STOP "$store_pid"
start slow timeout 20 "$XS" complete -- read /v
wait "$started_pid"
check_eq "a daemon that does not answer: exit code 0" 0 $?
check "and nothing said" test ! -s "$T/slow.log"
kill -CONT "$store_pid"

# --- bash: reply LINE: what it puts behind the last break of the word
PATH=$(dirname "$XS"):$PATH
# shellcheck source=dist/bash-completion/xs
. "$BH_SRCDIR/dist/bash-completion/xs"
reply() {
	local expected=$1
	COMP_LINE=$2 COMP_POINT=${3:-${#2}}
	_xs xs
	check_eq "bash: $2" "$expected" "${COMPREPLY[*]}"
}
COMP_WORDBREAKS=$' \t\n"\'@><=;|&(:'
reply "write watch wait" "xs w"
reply "/tool/only/one /tool/only/oak" "xs read -p /tool/only/"
reply "name data" "xs  read work:"
reply "data/x" "xs read work:data/"
reply "@releaseDomain" "xs watch @re"
reply "write watch wait" "xs wx /vm" 4
reply "tree test txn" "xs t"
reply "" "xs"
reply "$T/socket" "xs --socket $T/soc"
COMP_WORDBREAKS=$' \t\n'
reply "work:name work:data" "xs read work:"
check_eq "is there for xs" "complete -F _xs xs" "$(complete -p xs)"

finish
