#!/bin/bash
# SPDX-License-Identifier: MIT
# harness.sh - the shell harness and the seed replayer tested: they can fail
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"

functions=$BH_SRCDIR/tests/sys/functions.sh

# victim NAME: a script with the body on stdin; prints its exit status
victim() {
	{
		echo ". '$functions'"
		cat
	} >"$T/$1"
	(
		cd "$T" || exit 99
		env -u BH_TIMEOUT BH_TIMEOUT="${limit:-20}" TMPDIR="$T" \
			bash "./$1"
	) >"$T/$1.out" 2>&1
	echo $?
}

check_eq "a passing script passes" 0 "$(
	victim pass <<'X'
check "yes" true
finish
X
)"
check_eq "a failed check fails the script" 1 "$(
	victim fail <<'X'
check "no" false
check "yes" true
finish
X
)"
check "and both were made" grep -qx '1 passed, 1 failed' "$T/fail.out"
check_eq "no check at all is an error" 99 "$(
	victim none <<'X'
finish
X
)"
check_eq "something missing skips" 77 "$(
	victim skip <<'X'
requires no-such-program-here
X
)"
check "with the reason" \
	grep -qx 'SKIP: no-such-program-here is not installed' "$T/skip.out"
check_eq "check_fails wants a failure" 1 "$(
	victim cf <<'X'
check_fails "fails" false
check_fails "does not fail" true
finish
X
)"
check "and takes one" grep -qx '1 passed, 1 failed' "$T/cf.out"
check_eq "check_fails does not take a crash" 1 "$(
	victim crash <<'X'
check_fails "crashes" bash -c 'kill -SEGV $$'
finish
X
)"
check_eq "wait_for gives up" 1 "$(
	victim wait <<'X'
wait_for 1 false
X
)"
status=$(limit=1 victim hang <<'X'
start sleeper sleep 600
echo "$started_pid" >"$TMPDIR/pid"
sleep 600
X
)
check "a hanging script is ended" test "$status" -ne 0
check_fails "and what it started is gone" kill -0 "$(cat "$T/pid")"
check_eq "temporary folders are removed" "" \
	"$(find "$T" -mindepth 1 -name 'bulkhead-test.*')"

probe=$BH_BUILDDIR/tests/fuzz/fuzz_probe
if [ -x "$probe" ]; then
	printf 'planted bug' >"$T/bug"
	printf 'harmless' >"$T/harmless"
	mkdir "$T/empty"
	check "the replayer takes a good input" "$probe" "$T/harmless"
	"$probe" "$T/bug" >"$T/out" 2>&1
	check "the replayer dies of a bad one" test $? -gt 128
	check "and names it" grep -q "$T/bug" "$T/out"
	check_fails "no seeds are an error" "$probe" "$T/empty"
	check_fails "no folder is an error" "$probe" "$T/nowhere"
fi
finish
