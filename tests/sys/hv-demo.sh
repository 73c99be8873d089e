#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-demo.sh - the demonstration holds what it claims, within 15 seconds
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_without libasan libtsan

demo() {
	HV=$BH_BUILDDIR/hv/cli/hv HV_DEMO=$BH_BUILDDIR/hv/demo \
		XS=$BH_BUILDDIR/libxs/cli/xs \
		XEN_ENV=$BH_SRCDIR/scripts/xen-env TMPDIR=$T \
		"$BH_SRCDIR/hv/demo/hv-demo" >"$T/said" 2>&1
}

start=$SECONDS
check "every claim holds" demo
sed 's/^/    /' "$T/said"
check "in time" test $((SECONDS - start)) -lt 15
check "all of them were made" test "$(grep -c '\[ok\]' "$T/said")" -ge 19
check "nothing is left in its folder" \
	test -z "$(find "$T" -mindepth 1 -name 'hv-demo.*')"
XENSTORED=/bin/false
export XENSTORED
check_fails "it can fail" demo
finish
