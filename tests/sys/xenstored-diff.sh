#!/bin/bash
# SPDX-License-Identifier: MIT
# xenstored-diff.sh - our xenstored and Debian's say the same, but for
# tests/diff/differences; DIFF_SEEDS sequences from DIFF_FIRST on
BH_TIMEOUT=${DIFF_TIMEOUT:-120}
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
# Debian's daemon is not built with a sanitizer, and would load ours that is
requires_without libasan libtsan
requires_xen_debs
export XEN_DEBS

rules=$BH_SRCDIR/tests/diff/differences
timeout -k 2 "$BH_TIMEOUT" "$BH_BUILDDIR/tests/diff/diff" "$rules" \
	"${DIFF_FIRST:-1}" "${DIFF_SEEDS:-40}" | tee "$T/diff.out"
status=${PIPESTATUS[0]}
check_eq "every difference has a rule" 0 "$status"

# the comparison sees something: without its rules the first seeds differ
sed '/^#/!d' "$rules" >"$T/none"
"$BH_BUILDDIR/tests/diff/diff" "$T/none" 1 4 >"$T/none.out" 2>&1
check_eq "without rules there are differences" 1 $?
check "they are shown as short as they go" \
	grep -q '^--- seed [0-9]* differs; the shortest' "$T/none.out"
finish
