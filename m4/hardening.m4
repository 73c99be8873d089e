# SPDX-License-Identifier: MIT
# BH_HARDENING: warnings, and the hardening every program is built with.
# --enable-werror is for CI; --enable-sanitizers=address,undefined for the
# check-asan family of targets; --enable-coverage for lcov.
AC_DEFUN([BH_TRY_FLAG], [
	AS_VAR_PUSHDEF([v], [bh_cv_flag_$1])
	AC_CACHE_CHECK([whether $CC takes $1], [v], [
		bh_save=$CFLAGS; CFLAGS="$CFLAGS -Werror $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([v], [yes])],
			[AS_VAR_SET([v], [no])])
		CFLAGS=$bh_save])
	AS_VAR_IF([v], [yes], [$2="$$2 $1"])
	AS_VAR_POPDEF([v])])

AC_DEFUN([BH_HARDENING], [
AC_ARG_ENABLE([werror], AS_HELP_STRING([--enable-werror],
	[treat warnings as errors (CI)]))
AC_ARG_ENABLE([debug], AS_HELP_STRING([--enable-debug],
	[check the engine's invariants after every operation]))
AC_ARG_ENABLE([sanitizers], AS_HELP_STRING([--enable-sanitizers=LIST],
	[build with -fsanitize=LIST]))
AC_ARG_ENABLE([fuzzers], AS_HELP_STRING([--enable-fuzzers],
	[link the fuzz targets with libFuzzer (needs CC=clang)]))
AC_ARG_ENABLE([coverage], AS_HELP_STRING([--enable-coverage],
	[build for lcov]))
BH_WARN=
for f in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wcast-qual -Wpointer-arith -Wimplicit-fallthrough -Wvla -Wformat=2 \
	-Wno-unused-parameter; do
	BH_WARN="$BH_WARN $f"
done
BH_HARD=
AS_IF([test "x${enable_sanitizers:-no}" = xno], [
	BH_TRY_FLAG([-fstack-protector-strong], [BH_HARD])
	BH_TRY_FLAG([-fstack-clash-protection], [BH_HARD])
	BH_TRY_FLAG([-fcf-protection], [BH_HARD])
	BH_HARD="$BH_HARD -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
], [
	BH_HARD="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer"
	BH_HARD="$BH_HARD -fno-sanitize-recover=all"
])
AS_IF([test "x$enable_coverage" = xyes], [BH_HARD="--coverage -O0 -DBH_COVERAGE"])
AS_IF([test "x$enable_werror" = xyes], [BH_WARN="$BH_WARN -Werror"])
AS_IF([test "x$enable_debug" = xyes],
	[AC_DEFINE([HV_DEBUG], [1], [check invariants after every operation])])
AM_CONDITIONAL([FUZZERS], [test "x$enable_fuzzers" = xyes])
BH_CFLAGS="-std=gnu11 $BH_WARN $BH_HARD"
BH_LDFLAGS=
AS_IF([test "x${enable_sanitizers:-no}" = xno],
	[BH_LDFLAGS="-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed"])
BH_PIE_CFLAGS=-fPIE
BH_PIE_LDFLAGS=-pie
AC_SUBST([BH_CFLAGS])
AC_SUBST([BH_LDFLAGS])
AC_SUBST([BH_PIE_CFLAGS])
AC_SUBST([BH_PIE_LDFLAGS])
])
