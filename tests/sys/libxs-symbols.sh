#!/bin/bash
# SPDX-License-Identifier: MIT
# libxs-symbols.sh - our libxenstore.so.4 can take the place of Debian's
#
# libxs-symbols.txt is what Xen's library exports: VERS_4.0 as Debian's of
# Xen 4.17 does, and the two nodes that came with Xen 4.21 and 4.22.
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires nm readelf

ours=$BH_BUILDDIR/libxs/.libs/libxenstore.so.4
recorded=$BH_SRCDIR/tests/sys/libxs-symbols.txt

# exports FILE: symbols with their version nodes
exports() {
	nm -D --defined-only --with-symbol-versions "$1" |
		awk '{print $2, $3}' | LC_ALL=C sort
}

exports "$ours" >"$T/ours"
check "exports what is recorded, and beside that only xsx_" \
	diff -u "$recorded" \
	<(grep -vE '^(T xsx_[a-z_]+@@|A )BULKHEAD_1$' "$T/ours")
check_eq "has the right name" libxenstore.so.4 \
	"$(readelf -d "$ours" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
check_eq "needs libc and nothing else" "" \
	"$(readelf -d "$ours" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
		grep -vE '^(libc|ld-linux[a-z0-9-]*|libpthread|lib[a-z]*san)\.so\.')"

debian=$(ldconfig -p | awk '$1 == "libxenstore.so.4" {print $NF; exit}')
if [ -n "$debian" ]; then
	exports "$debian" >"$T/debian"
	check "the record has all of Debian's" \
		test -z "$(comm -23 "$T/debian" "$recorded")"
	if command -v abidiff >/dev/null; then
		abidiff --no-added-syms "$debian" "$ours" >"$T/abidiff.log" 2>&1
		status=$?
		# 4: something differs, 8: incompatibly
		check "abidiff finds nothing removed" \
			test "$((status & 8))" = 0 -a "$((status & 3))" = 0
	else
		echo "# abidiff (package abigail-tools) is not there: not tried"
	fi
else
	echo "# no libxenstore.so.4 is installed to compare with"
fi

# programs compile with either header
for header in xenstore.h xenstore_lib.h xsx.h; do
	for lang in c c++; do
		[ "$lang" = c ] || command -v g++ >/dev/null || continue
		echo "#include <$header>" >"$T/h.$lang"
		check "<$header> is complete for $lang" \
			cc -x "$lang" -Wall -Wextra -Werror -pedantic \
			-I"$BH_SRCDIR/libxs" -fsyntax-only "$T/h.$lang"
	done
done
# a program that pkg-config linked finds this library and not Xen's
if command -v pkg-config >/dev/null; then
	cat >"$T/linked.c" <<-'end'
		#include <xsx.h>
		int main(void)
		{
			static const struct xsx_options no = {XSX_PATH};

			return xsx_open(&no) ? 1 : 0;
		}
	end
	# shellcheck disable=SC2046 # flags are words
	check "a program links as the manual says" \
		cc -o "$T/linked" "$T/linked.c" $(PKG_CONFIG_PATH=$BH_BUILDDIR/libxs \
			pkg-config --define-variable=libdir="$BH_BUILDDIR/libxs/.libs" \
			--define-variable=includedir="$BH_SRCDIR/libxs" \
			--cflags --libs bulkhead-xenstore)
	# its runtime has to be linked by the program, which is not built with it
	has_sanitizer 'lib[at]san' ||
		check "and runs" env -u LD_LIBRARY_PATH "$T/linked"
fi
finish
