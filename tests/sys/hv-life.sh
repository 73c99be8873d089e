#!/bin/bash
# SPDX-License-Identifier: MIT
# hv-life.sh - the commands of hv, through the life of domains
. "${BH_SRCDIR:-.}/tests/sys/functions.sh"
requires_without libtsan
. "$BH_SRCDIR/tests/sys/hv.sh"
requires python3

# status COMMAND...: its exit status; what it said is in $T/said
status() {
	"$@" >"$T/said" 2>&1
	echo $?
}

check_eq "no machine: exit status 7" 7 "$(status hv list)"
check "and what to do about it" grep -q '^hint: hv up' "$T/said"
hv_up
check_eq "two machines in one folder are refused" 1 "$(status hv up)"
check_eq "dom0 has its name" 0 "$(hv_domid Domain-0)"
check_eq "the folder is its owner's alone" 700 "$(stat -c %a "$HV_DIR")"

hv_cfg a 'kernel = "/bin/sh"' \
	'args = [ "-c", "echo up; while read l; do echo got $l; done" ]'
before=$(hv info | grep -v requests)
check_eq "create says the domid" "a is domain 1" "$(hv create "$T/a.cfg")"
check_eq "a name is used once" 1 "$(status hv create "$T/a.cfg")"
check "and says by whom" grep -q 'domain 1 has the name' "$T/said"
check_eq "names and numbers are the same" "$(hv list a)" "$(hv list 1)"
check_eq "memory is as configured" 8 "$(hv list a | awk 'NR == 2 { print $3 }')"
check "JSON is valid" sh -c "'$HV' --dir '$HV_DIR' list -j | python3 -m json.tool"
check "hv info -j too" sh -c "'$HV' --dir '$HV_DIR' info -j | python3 -m json.tool"

# exec
check_eq "exec gives the exit status back" 3 "$(status hv exec a -- sh -c 'exit 3')"
check_eq "128 and the signal" 137 "$(status hv exec a -- sh -c 'kill -9 $$')"
check_eq "stdin and stdout are ours" hello \
	"$(echo hello | hv exec a -- cat)"
check_eq "stderr is apart" err \
	"$(hv exec a -- sh -c 'echo err >&2' 2>&1 >/dev/null)"
check_eq "no such command" 127 "$(status hv exec a -- no-such-command)"
check_eq "no such domain" 125 "$(status hv exec nobody -- true)"
check_eq "nothing to run is a usage error" 2 "$(status hv exec a)"
"$HV" --dir "$HV_DIR" exec a -- sh -c 'trap "exit 9" TERM; echo on; while :; do sleep 0.02; done' \
	>"$T/term" &
pid=$!
wait_for 5 grep -q on "$T/term"
kill -TERM $pid
wait $pid
check_eq "signals are forwarded" 9 $?
hv exec a -- sh -c 'trap "echo hup >'"$T"'/hup" HUP; echo on; sleep 5' \
	>"$T/on" 2>&1 &
pid=$!
wait_for 5 grep -q on "$T/on"
kill -KILL $pid
check "a killed hv exec takes its command along" \
	eventually sh -c "! '$HV' --dir '$HV_DIR' exec a -- pgrep -x sleep"

# the domain's own view
check_eq "it reads its name through its own ring" a "$(hv exec a -- python3 -c '
import socket, struct
s = socket.socket(socket.AF_UNIX)
s.connect("/dev/xen/xenbus")
s.send(struct.pack("<IIII", 2, 7, 0, 5) + b"name\0")
print(s.recv(4096)[16:].decode())')"

# pause
hv exec a -- sh -c 'while :; do echo x; sleep 0.01; done' >"$T/ticks" 2>&1 &
ticker=$!
eventually test -s "$T/ticks"
hv pause a
check "pause shows in the state" test "$(hv_state a | tr -d br-)" = p
sleep 0.1
size=$(stat -c %s "$T/ticks")
sleep 0.3
check_eq "and stops its programs" "$size" "$(stat -c %s "$T/ticks")"
hv unpause a
grown() { [ "$(stat -c %s "$T/ticks")" -gt "$size" ]; }
check "unpause lets them go on" eventually grown
kill $ticker
check_eq "pausing nobody" 3 "$(status hv pause nobody)"

# console
mkfifo "$T/typed"
"$HV" --dir "$HV_DIR" console a <"$T/typed" >"$T/console" 2>"$T/console.err" &
console=$!
exec 9>"$T/typed"
echo one >&9
check "the console answers" eventually grep -q 'got one' "$T/console"
check "and kept what came before" grep -q '^up' "$T/console"
check_eq "two at once are refused" 1 "$(status hv console a </dev/null)"
kill $console
wait $console 2>/dev/null
exec 9>&-
cat >"$T/terminal.py" <<'X'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def until(what):
    global seen
    while what not in seen:
        seen += os.read(fd, 1000)
until(b"attached")
os.write(fd, b"two\n")
until(b"got two")
os.write(fd, b"\x1d")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
X
check "on a terminal Ctrl-] leaves" timeout 10 \
	python3 "$T/terminal.py" "$HV" --dir "$HV_DIR" console a
# a command's terminal: its own, of our size, and gone when it ends
cat >"$T/own.py" <<'X'
import fcntl, os, pty, struct, sys, termios
m, s = pty.openpty()
fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 99, 0, 0))
was = termios.tcgetattr(s)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(s, termios.TIOCSCTTY, 0)
    for i in range(3):
        os.dup2(s, i)
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def until(what):
    global seen
    while what not in seen:
        seen += os.read(m, 1000)
until(b"41 99")
os.write(m, b"abc\x03")
until(b"interrupted")
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if code != 5:
    sys.exit("exit status %d: %r" % (code, seen))
if os.fstat(s).st_rdev == int(seen.split(b"rdev ")[1].split()[0], 16):
    sys.exit("it was our terminal")
if termios.tcgetattr(s) != was:
    sys.exit("its settings are not back")
X
cat >"$T/tty.sh" <<'X'
trap "echo interrupted; exit 5" INT
(trap "" INT HUP; cat </proc/self/fd/0 >/dev/null; exec sleep 777) <&0 &
python3 -c 'import os; print("rdev %x" % os.fstat(0).st_rdev)'
stty size
while :; do sleep 0.02; done
X
check "exec on a terminal" timeout 20 python3 "$T/own.py" \
	"$HV" --dir "$HV_DIR" exec a sh -c "$(cat "$T/tty.sh")"

check_eq "dom0 has none" 1 "$(status hv console 0)"

# shutdown, destroy
check_eq "shutdown -w waits" 0 "$(status hv shutdown -w a)"
gone() { ! hv list a; }
check "the monitor takes it away" eventually gone
hv_new b
check_eq "a reboot makes it anew" 0 "$(status hv shutdown -r -w b)"
anew() { [ "$(hv_domid b)" = 3 ]; }
check "under the next number" eventually anew
hv destroy b
back() { [ "$(hv info | grep -v requests)" = "$before" ]; }
check "everything is given back" eventually back
check "also in the store" sh -c "! ls '$HV_DIR'/domains/*"
check_eq "dom0 cannot be destroyed" 4 "$(status hv destroy 0)"
check_eq "nor be asked to shut down" 4 "$(status hv shutdown 0)"

# its command decides how it ends
hv_new c 'kernel = "/bin/true"' 'on_poweroff = "preserve"'
ended() { [ "$(hv_state c | tr -d br-)" = s ]; }
check "a domain ends with its command" eventually ended
check_eq "nothing runs in it any more" 125 "$(status hv exec c -- true)"
hv destroy c

check_eq "--help is no error" 0 "$(status hv create --help)"
check_eq "an unknown command" 2 "$(status hv frobnicate)"
# whose machine it is
chmod 770 "$HV_DIR"
check_eq "a folder that others can change" 4 "$(status hv list)"
check_eq "nor does down trust it" 4 "$(status hv down)"
chmod 700 "$HV_DIR"
ln -s m "$T/l"
check_eq "nor one behind a link" 4 "$(HV_DIR=$T/l status hv list)"
if [ "$(id -u)" = 0 ]; then
	mkdir -m 700 "$T/o"
	start other python3 -c '
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
os.seteuid(65534)
s.listen()
print("on", flush=True)
time.sleep(60)' "$T/o/hvd.sock"
	wait_for 5 grep -q on "$T/other.log"
	check_eq "a socket of another user" 4 "$(HV_DIR=$T/o status hv list)"
	check "is said to be that" grep -q 'user 65534' "$T/said"
	check_eq "up does not go on either" 4 "$(HV_DIR=$T/o status hv up)"
fi

check_eq "down" 0 "$(status hv down)"
check_eq "twice" 7 "$(status hv down)"
check_fails "no process is left" pgrep -f "$HV_DIR"

# what a dom0 may leave in its folders for the next start
mkdir -p "$T/victim" "$HV_DIR/dom0/run/deep/er"
echo precious | tee "$T/victim/file" >"$T/victim/socket"
ln -sf "$T/victim/file" "$HV_DIR/dom0/log/xenstored.out"
ln -sf "$T/victim/file" "$HV_DIR/dom0/log/other.out"
echo old >"$HV_DIR/dom0/log/kept.log"
rm -rf "$HV_DIR/dom0/run/xenstored"
ln -s "$T/victim" "$HV_DIR/dom0/run/xenstored"
ln -s "$T/victim" "$HV_DIR/dom0/run/deep/er/link"
chmod 000 "$HV_DIR/dom0/run/deep/er"
hv_up
check_eq "and up again in the same folder" 0 "$(status hv list 0)"
check_eq "without following links of dom0" "precious precious " \
	"$(cat "$T/victim/file" "$T/victim/socket" | tr '\n' ' ')"
check_fails "which are gone" test -L "$HV_DIR/dom0/log/other.out"
check "as is all of dom0/run" test ! -e "$HV_DIR/dom0/run/deep"
check "but not its logs" test -s "$HV_DIR/dom0/log/kept.log"
mv "$HV_DIR/dom0/run/xenstored" "$HV_DIR/dom0/run/moved"
ln -s moved "$HV_DIR/dom0/run/xenstored"
check_eq "a store behind a link is none" "(0)" \
	"$(hv list 0 | awk 'NR == 2 { print $1 }')"
finish
