#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-symbols.sh - hv's Xen libraries have Debian's names, versions, symbols
#
# hv-symbols.txt is what Debian's libraries of Xen 4.17 export; where they are
# installed the list itself is compared, too.
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires nm readelf

recorded=$BH_SRCDIR/tests/sys/hv-symbols.txt

# exports FILE: symbols with their version nodes
exports() {
	nm -D --defined-only --with-symbol-versions "$1" |
		awk '{print $2, $3}' | LC_ALL=C sort
}

soname() {
	readelf -d "$1" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'
}

for lib in libxenevtchn libxengnttab libxenforeignmemory libxencall; do
	ours=$BH_BUILDDIR/hv/compat/.libs/$lib.so.1
	sed -n "s/^$lib //p" "$recorded" >"$T/$lib.recorded"
	exports "$ours" >"$T/$lib.ours"
	check "$lib exports what is recorded" \
		diff -u "$T/$lib.recorded" "$T/$lib.ours"
	check_eq "$lib has the right name" "$lib.so.1" "$(soname "$ours")"
	debian=$(ldconfig -p | awk -v l="$lib.so.1" '$1 == l {print $NF; exit}')
	[ -n "$debian" ] || continue
	exports "$debian" >"$T/$lib.debian"
	check "$lib: the record is Debian's" \
		diff -u "$T/$lib.debian" "$T/$lib.recorded"
done
finish
