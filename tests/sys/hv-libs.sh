#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-libs.sh - Xen's four libraries as hv provides them, on a real hvd
BH_TIMEOUT=180
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"

libs=$BH_BUILDDIR/hv/compat/.libs
for p in hv_fake hv_evtchn hv_grants hv_memory hv_requests hv_greedy \
	hv_tables hv_tables_calls; do
	check "$p" env LD_LIBRARY_PATH="$libs" TMPDIR="$T" \
		"$BH_BUILDDIR/tests/sys/$p"
done
check_eq "no hvd is left" "" "$(pgrep -f "hvd --dir $T/")"
finish
