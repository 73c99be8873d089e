#!/bin/bash
# SPDX-License-Identifier: MIT
# twenty domains come and go: one @releaseDomain each, no zombie
# shellcheck source=tests/xen/functions.sh
. /case/functions.sh

cfg=$(config cycle pv none)
xenstore-watch -s @releaseDomain >/tmp/releases &
xenstore-watch -s @introduceDomain >/tmp/introductions &
wait_for 10 test -s /tmp/releases
wait_for 10 test -s /tmp/introductions

cycle() {
	local before after
	before=$(wc -l <"/tmp/$2")
	eval "$1" || return 1
	# what is to come has come by then
	sleep 0.5
	after=$(wc -l <"/tmp/$2")
	[ $((after - before)) = 1 ] || {
		echo "$2: $((after - before)) events, not 1"
		return 1
	}
}

for i in $(seq 20); do
	# paused, a guest cannot end by itself meanwhile
	check "$i: xl create, one @introduceDomain" \
		cycle "xl create -p $cfg" introductions
	check "$i: xl destroy, one @releaseDomain" \
		cycle "xl destroy cycle" releases
done
check "no zombie" wait_for 20 no_zombies 2
check "/local/domain has dom0 alone" test "$(xenstore-list /local/domain)" = 0
# one that comes late would have been counted with the next life
sleep 2
check "20 introductions in 20 lives" \
	test "$(($(wc -l </tmp/introductions) - 1))" = 20
check "20 releases in 20 lives" test "$(($(wc -l </tmp/releases) - 1))" = 20
finish
