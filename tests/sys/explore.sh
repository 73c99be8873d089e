#!/bin/bash
# SPDX-License-Identifier: MIT
# explore.sh - hv-explore: the short scenarios, a broken rule, a way and back
export BH_TIMEOUT=${BH_TIMEOUT:-400}
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
explore=$BH_BUILDDIR/hv/explore/hv-explore
! has_sanitizer 'lib[at]san' || skip "it has stacks of its own"

check "every order of the short scenarios" "$explore" -q quick

# a rule that is broken is found, and found again from the file
broken=(-q --fault put-no-partial --save "$T/way" T299h)
"$explore" "${broken[@]}" >"$T/found" 2>&1
check_eq "a broken rule is found" 1 $?
check "its way is told" grep -q 'v1: pv_pin(self(), A, 2)' "$T/found"
"$explore" --replay "$T/way" >"$T/again" 2>&1
check_eq "the way leads there again" 1 $?
check_eq "and says the same" "$(tail -n 1 "$T/found")" \
	"$(tail -n 1 "$T/again")"
check "in JSON, too" bash -c '"$0" -j --replay "$1" | grep -q "\"violation\": \"S2"' \
	"$explore" "$T/way"
sed 's/^fault .*/fault none/' "$T/way" | head -n 20 >"$T/none"
check "without the fault nothing is violated" "$explore" --replay "$T/none"
check "random orders" "$explore" -q --random 1 --steps 20000 T299c
check "tables of full size" "$explore" -q --random 2 --steps 30000 soak

# what it knows is written down
read -ra names < <("$explore" --list | awk 'NF { printf "%s ", $1 }')
for name in "${names[@]}"; do
	grep -Eq "^\\| \`?$name\`? \\|" "$BH_SRCDIR/docs/PV-MEMORY.md" || missing=$name
done
[ "${#names[@]}" -gt 1 ] || missing=all
check_eq "each scenario and fault has a row in PV-MEMORY.md" "" "${missing-}"

# and what it shows there it still shows
while read -r _ _ _ rule name; do
	"$explore" -q --fault "$rule" "$name" >"$T/out" 2>&1
	check "PV-MEMORY.md tells what $rule does in $name" \
		grep -qxF "    $(head -n 1 "$T/out")" "$BH_SRCDIR/docs/PV-MEMORY.md"
done < <(grep '^    \$ hv-explore --fault' "$BH_SRCDIR/docs/PV-MEMORY.md")

# what is wrong is said
for args in "" "T999" "--fault nothing T299h" "--memory x T299h" \
	"--replay $BH_SRCDIR/README.md" "--random 1 T299c T299h" "--steps" "soak"; do
	# shellcheck disable=SC2086
	"$explore" -q $args >"$T/out" 2>"$T/err" </dev/null
	check_eq "usage: $args" 2 $?
	check "  says why" test -s "$T/err"
done
"$explore" -q --memory 1 T299f >"$T/out"
check_eq "too little memory is no result" 3 $?
finish
