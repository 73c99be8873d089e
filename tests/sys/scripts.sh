#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts.sh - bootstrap, xen-debs, check-summary, check-style: can say no
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
scripts=$BH_SRCDIR/scripts

# --- bootstrap: only what needs neither packages nor a build
bootstrap=$BH_SRCDIR/bootstrap
"$bootstrap" --help >"$T/help" 2>&1
check_eq "help is help" 0 $?
check_eq "help fits a terminal" "" "$(awk 'length > 79' "$T/help")"
check_fails "an unknown command is refused" "$bootstrap" frobnicate
check_fails "an option wants its argument" "$bootstrap" --build-dir
check_fails "jobs are a number" "$bootstrap" --jobs many
check_fails "make cannot have blanks" "$bootstrap" --build-dir "$T/a b"
mkdir "$T/precious"
touch "$T/precious/file"
check_fails "clean removes build folders only" \
	"$bootstrap" --build-dir "$T/precious" clean
check "and touched nothing" test -e "$T/precious/file"
mkdir "$T/old"
touch "$T/old/config.log"
check "clean removes a build folder" "$bootstrap" --build-dir "$T/old" clean
check_fails "it is gone" test -e "$T/old"

# --- xen-debs: with an empty cache, and with a reason from last time
export BH_XEN_DEBS_CACHE=$T/cache
check_fails "no folder, no path" "$scripts/xen-debs" --path
mkdir "$T/cache"
echo 'the network was away' >"$T/cache/xen-4.17.reason"
"$scripts/xen-debs" --path >"$T/out" 2>"$T/err"
check "the reason is told" grep -q 'the network was away' "$T/err"
check_eq "and no path is printed" "" "$(cat "$T/out")"
check_eq "xen-env says skip" 77 "$("$scripts/xen-env" true 2>/dev/null
	echo $?)"
mkdir -p "$T/cache/xen-4.17/usr/bin"
echo x=1 >"$T/cache/xen-4.17/VERSIONS"
echo "/some/lib" >"$T/cache/xen-4.17/LIBPATH"
check_eq "a complete folder is found" "$T/cache/xen-4.17" \
	"$("$scripts/xen-debs" --path)"
check_eq "libraries of the caller stay in front" /hv:/some/lib \
	"$(LD_LIBRARY_PATH=/hv "$scripts/xen-env" printenv LD_LIBRARY_PATH)"
unset BH_XEN_DEBS_CACHE

# --- check-summary: over results that we make up
result() {
	mkdir -p "$T/b/tests"
	echo ":global-test-result: $2" >"$T/b/tests/$1.trs"
	echo "$3" >"$T/b/tests/$1.log"
}
mkdir "$T/b"
check_fails "no test is no success" "$scripts/check-summary" "$T/b"
result one SKIP "SKIP: no such thing"
check_fails "skipped only is no success" "$scripts/check-summary" "$T/b"
result two PASS "100%: Checks: 3, Failures: 0, Errors: 0"
"$scripts/check-summary" "$T/b" >"$T/out"
check_eq "a pass is" 0 $?
check "the sum" grep -qx '1 passed, 0 failed, 1 skipped' "$T/out"
check "Check's line" grep -q 'two: 100%: Checks: 3' "$T/out"
check "the reason of a skip" grep -q 'one: SKIP: no such thing' "$T/out"
result three FAIL "what went wrong"
check_fails "a failure fails" "$scripts/check-summary" "$T/b"
"$scripts/check-summary" "$T/b" >"$T/out"
check "its log is shown" grep -qx 'what went wrong' "$T/out"
result four ERROR "broken"
"$scripts/check-summary" "$T/b" >"$T/out"
check "errors count as failures" grep -qx '1 passed, 2 failed, 1 skipped' \
	"$T/out"

# --- check-style: one planted offence at a time, without clang-tidy
if ! command -v clang-format >/dev/null || ! command -v shellcheck >/dev/null
then
	echo "(clang-format or shellcheck missing: check-style not tested)"
	finish
fi
mkdir -p "$T/s/common" "$T/s/scripts"
cp "$BH_SRCDIR/.clang-format" "$T/s/"
export TIDY=no
style() {
	"$scripts/check-style" "$T/s" "$T/s/cache"
}
good() {
	printf '// SPDX-License-Identifier: MIT\n\nint a;\n' >"$T/s/common/a.c"
	echo 'libcommon_la_SOURCES = common/a.c' >"$T/s/common/Makefile.inc"
	printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\ntrue\n' \
		>"$T/s/scripts/x"
}
good
check "clean files pass" style
printf 'int  b;\n' >>"$T/s/common/a.c"
check_fails "formatting" style
good
sed -i 1d "$T/s/common/a.c"
check_fails "licence" style
good
printf '/* %0100d */\n' 0 >>"$T/s/common/a.c"
check_fails "long lines" style
good
: >"$T/s/common/Makefile.inc"
check_fails "a file that is in no list" style
good
printf 'if true; then\n' >>"$T/s/scripts/x"
check_fails "a script that does not parse" style
finish
