#!/bin/bash
# SPDX-License-Identifier: MIT
# libxs-debian.sh - Debian's programs with our libxenstore.so.4, against our
# daemon and against Debian's
BH_TIMEOUT=120
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_xen_debs

tools=$XEN_DEBS/usr/bin
libs=$(cat "$XEN_DEBS/LIBPATH")
ours=$BH_BUILDDIR/libxs/.libs
unset XENSTORED_RUNDIR NOTIFY_SOCKET

# tool TOOL ARGUMENT...: xenstore-TOOL with our library
tool() {
	local tool=$1
	shift
	LD_LIBRARY_PATH=$ours:$libs timeout 20 "$tools/xenstore-$tool" "$@"
}

# with_tools: all of them against the daemon at $XENSTORED_PATH
with_tools() {
	check "write" tool write /t/a value /t/b 'x\ty\xff' /t/c ''
	check_eq "read" value "$(tool read /t/a)"
	check_eq "read, awkward value" 'x\ty\xff' "$(tool read /t/b)"
	check_eq "read, empty value" '' "$(tool read /t/c)"
	check_eq "read, several in a transaction" "value value" \
		"$(tool read /t/a /t/a | xargs)"
	check_fails "read what is not there" tool read /t/none
	check_eq "list" "a b c" "$(tool list /t | xargs)"
	check "exists" tool exists /t/a
	check_fails "does not exist" tool exists /t/none
	check "chmod" tool chmod /t/a n0 r7
	check_eq "ls -p" '(n0,r7)' \
		"$(tool ls -p /t | sed -n 's/^a = .* \. *//p')"
	check_eq "ls" 'a = "value" b = "x\ty\xff" c = ""' \
		"$(tool ls /t | xargs -d '\n')"
	start watch env LD_LIBRARY_PATH="$ours:$libs" timeout 20 \
		"$tools/xenstore-watch" -n 3 /t
	wait_for 5 grep -q '^/t$' "$T/watch.log"
	check "write, watched" tool write /t/d 1
	wait_for 5 grep -q '^/t/d$' "$T/watch.log"
	check "rm" tool rm /t/a
	wait_for 5 grep -q '^/t/a$' "$T/watch.log"
	check_eq "is gone" "b c d" "$(tool list /t | xargs)"
	check "rm -t" tool rm -t /t/b
	# 1,000 names of 9 bytes: more than one answer can hold
	seq -f '/t/wide/node%05g' 1 1000 |
		xargs -n 500 sh -c 'for i; do printf "%s\n1\n" "$i"; done |
			xargs "$0" write' "$T/tool"
	check_eq "list in parts" 1000 "$(tool list /t/wide | sort -u | wc -l)"
	check "rm a tree" tool rm /t
	check "test-xenstore" env LD_LIBRARY_PATH="$ours:$libs" \
		timeout 60 "$XEN_DEBS/usr/lib/xen-4.17/bin/test-xenstore" -i 20
}

cat >"$T/tool" <<END
#!/bin/sh
tool=\$1; shift
LD_LIBRARY_PATH=$ours:$libs exec "$tools/xenstore-\$tool" "\$@"
END
chmod +x "$T/tool"

check "it is our library that they use" grep -q "$ours/libxenstore" \
	<(LD_LIBRARY_PATH=$ours:$libs ldd "$tools/xenstore-read")

export XENSTORED_PATH=$T/ours.socket
start daemon "$BH_BUILDDIR/xenstored/xenstored" -D -N
wait_for 5 test -S "$XENSTORED_PATH"
if tool read / / >/dev/null 2>&1; then
	with_tools
else
	echo "# our daemon has no transactions yet: not tried with it"
fi
finish
