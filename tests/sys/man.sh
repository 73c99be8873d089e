#!/bin/bash
# SPDX-License-Identifier: MIT
# man.sh - every manual page is clean mdoc
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires mandoc

lint() {
	mandoc -T lint -W warning "$1"
}

printf '.Dd January 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nosuch\n' \
	>"$T/bad.1"
check_fails "the lint can say no" lint "$T/bad.1"
for page in "$BH_SRCDIR"/man/*.[1-9]; do
	[ -e "$page" ] || continue
	check "${page##*/}" lint "$page"
	check "${page##*/} is in the distribution" \
		grep -q "man/${page##*/}" "$BH_SRCDIR/man/Makefile.inc"
done
finish
