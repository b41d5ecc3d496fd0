#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# What takes more than a second says on a terminal what it waits for, in a line that is gone afterwards (R28). Runs inside
# the rig.
# shellcheck disable=SC2016 # scripts for other shells
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
dir=$(mktemp -d)
on_terminal() { # on_terminal FILE COMMAND: in the background; FILE has what the terminal was sent
	TERM=xterm script -qefc "$2" "$dir/$1" </dev/null >/dev/null 2>&1 &
	terminal=$!
}
sent() { grep -aqE -- "$2" "$dir/$1"; }
shows() { ok "R28: $3" wait_for 20 sent "$1" "$2"; }
# What is left to be seen of it.
screen() { perl -0777 -ne 's/^Script (started|done).*\n//mg;
	for (split /\n/) { my ($at, $line) = (0, "");
		while (/(\r)|(\e\[K)|(.)/g) { if ($1) { $at = 0 } elsif ($2) { substr($line, $at) = "" } else { substr($line, $at++, 1) = $3 } }
		print "$line\n" if length $line }' "$dir/$1"; }

# --- another command has the lock -------------------------------------------------------------------
flock /run/vpnrun/demo.lock sleep 300 &
holder=$!
wait_for 5 not flock -n /run/vpnrun/demo.lock true
on_terminal lock 'vpnctl down demo'
shows lock "vpnctl: waiting for flock \\(process $holder\\), which is at work on demo \\([1-9]" 'a lock that another has: it is said who, and since when'
vpnctl up --no-wait demo 2>"$dir/err" >"$dir/out" &
up=$!
said_late() { grep -qx "vpnctl: waiting for flock (process $holder), which is at work on demo" "$dir/err"; }
ok 'R28: without a terminal a line says so, in the end' wait_for 30 said_late
is "$(wc -l <"$dir/err")" 1 'R28: once'
pkill -P "$holder"
wait "$holder"
wait "$terminal"
is $? 0 'it goes on'
wait "$up"
like "$(screen lock)" '^demo (is down|was not up)' 'R28: and the line is gone'
# Who took it for another has ended: no process is named that is none any more.
exec 8>/run/vpnrun/demo.lock
flock 8
on_terminal nobody 'vpnctl down demo'
vpnctl up --no-wait demo 2>"$dir/err" >"$dir/out" &
up=$!
shows nobody 'vpnctl: waiting for another vpnctl, which is at work on demo \([1-9]' 'a lock of which nobody knows who has it'
is "$(cat "$dir/out" "$dir/err")" '' 'R28: without a terminal nothing is said at first'
flock -u 8
exec 8>&-
wait "$terminal" "$up"
is "$(cat "$dir/err")" '' 'R28: nor when it is over'

# --- a server that does not answer ---------------------------------------------------------------------
vpnctl up demo >/dev/null 2>&1
in_ns router nft "table ip cut { chain c { type filter hook forward priority 0; ip daddr $RIG_ENDPOINT4 drop; }; }"
on_terminal up 'env --default-signal=INT vpnctl restart demo'
shows up "vpnctl: waiting for the server of demo, $RIG_ENDPOINT4:$RIG_PORT \([1-9] of 10 s\)" 'a server that does not answer, and how long it may take'
# The older of the two; the other paints.
kill -INT "$(pgrep -o -x -f 'vpnctl restart demo')"
wait "$terminal"
is $? 130 'R28: SIGINT ends it'
is "$(screen up)" '' 'R28: and it leaves a clean line'
on_terminal ask "vpnctl ip demo --url http://$RIG_WEB4/ip --timeout 4"
asks=$terminal
on_terminal json "vpnctl ip demo --url http://$RIG_WEB4/ip --timeout 4 --json"
wait "$asks" "$terminal"
ok 'R28: a public address' sent ask "vpnctl: asking http://$RIG_WEB4/ip for the public address \([1-9] of 4 s\)"
is "$(grep -ac asking "$dir/json")" 0 'R28: --json: nothing of it'
in_ns router nft delete table ip cut

# --- vpnrun ----------------------------------------------------------------------------------------------
vpnctl restart demo >/dev/null 2>&1
ok 'the server answers again' wait_for 20 as_user vpnctl status demo
run='as_user vpnrun demo sh -c '\''read -r c </proc/$$/task/$$/children; echo "children: ${c:-none}"'\'
on_terminal quick "$run"
wait "$terminal"
is "$(screen quick)" 'children: none' 'R28: a launch says nothing'
R=/run/user/$RIG_UID
as_user dbus-daemon --session --nofork --nopidfile --address="unix:path=$R/bus" >/dev/null 2>&1 &
wait_for 5 test -S "$R/bus"
as_user touch "$R/vpnrun/demo/lock"
exec 8<"$R/vpnrun/demo/lock"
flock 8
on_terminal launch "${run/vpnrun/env DBUS_SESSION_BUS_ADDRESS=unix:path=$R/bus vpnrun}"
shows launch 'vpnrun: waiting for another launch in demo \([1-9] of 5 s\)' 'a launch that has to wait for another'
flock -u 8
exec 8<&-
wait "$terminal"
is $? 0 'it goes on'
is "$(screen launch)" 'children: none' 'R28: the line is gone, and no process of it stays'
kill -STOP "$(cat "$RIG_DIR/vpnrund.pid")"
on_terminal broker "$run"
shows broker 'vpnrun: waiting for a cable from the broker \([1-9] of 20 s\)' 'and for the broker'
kill -CONT "$(cat "$RIG_DIR/vpnrund.pid")"
wait "$terminal"
is $? 0 'it goes on'
is "$(screen broker)" 'children: none' 'R28: the line is gone'
rm -r "$dir"
pkill -u "$RIG_UID" dbus-daemon
finish
