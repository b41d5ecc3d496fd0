#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# `vpnctl status --watch`: what is so, and then what changes, a line each. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

dir=$(mktemp -d)
chmod 755 "$dir"
seen() { grep -q -- "$1" "$dir/$2"; }
told() { ok "R70: $3" wait_for 20 seen "$1" "$2"; }

vpnctl status demo --watch >"$dir/text" 2>"$dir/err" &
text=$!
vpnctl status --watch --json >"$dir/json" 2>>"$dir/err" &
json=$!
as_user vpnctl status demo --watch >"$dir/user" 2>>"$dir/err" &
told '^demo is up$' text 'first it says what is so'
told '"event": "now", "name": "other"' json 'of each VPN'
told '^demo is up$' user 'an ordinary user is told the same'
# A signal to as_user need not reach its child.
user() { pgrep -u "$RIG_UID" -f '^vpnctl status demo --watch'; }

as_user vpnrun demo sleep 1000 &
p=$!
told '^demo: vr1\.[0-9]* (.*, process [0-9]*) is inside$' text 'who comes'
told '"event": "enter", "name": "demo".*"inside": 1,.*"lease": {"if": "vr1\.' json 'with the cable, in JSON'
told 'is inside$' user 'an ordinary user sees their own'
is "$(grep -c 'is inside$' "$dir/text")" 1 'R70: once'
kill "$p"
wait "$p" 2>/dev/null
told '^demo: vr1\.[0-9]* .*has left$' text 'and who goes'
told 'has left$' user 'one of their own'
told '"event": "leave", "name": "demo"' json 'in JSON'

vpnctl up demo >/dev/null 2>&1
in_vpn demo ip link set br-demo down
told '^demo is degraded: .*br-demo is down$' text 'what breaks, and why'
told '"event": "degraded", "name": "demo".*"why": ".*br-demo' json 'the same in JSON'
vpnctl up demo >/dev/null 2>&1
ok 'R70: and that it is mended' wait_for 20 sh -c "[ \$(grep -c '^demo is up$' '$dir/text') = 2 ]"
wait_for 20 sh -c "[ \$(grep -c '\"event\": \"up\"' '$dir/json') = 1 ]"
is "$(sed -n '/"name": "demo"/s/.*"event": "\([a-z_]*\)".*/\1/p' "$dir/json" | paste -sd' ')" 'now enter leave degraded up' \
	'R70: a line a change, and an up that changes nothing has none'
vpnctl down demo >/dev/null
told '^demo is down$' text 'down'
told '^demo is down$' user 'for everybody'
is "$(grep -vc '^{"schema_version": 1, "event": .*}$' "$dir/json")" 0 'R70: each line is an object with its version'

# --- its end ---------------------------------------------------------------------------------------
ended() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }
ends() { # ends SIGNAL PID: with what status; one that it does not end is no reason to wait for ever
	kill "-$1" "$2"
	wait_for 10 ended "$2" || kill -KILL "$2"
	wait "$2" 2>/dev/null
}
ends TERM "$text"
is $? 0 'R70: SIGTERM ends it'
ends INT "$json"
is $? 0 'R70: so does SIGINT'
pid=$(user)
kill -TERM "$pid"
wait_for 10 sh -c "! kill -0 $pid 2>/dev/null"
mkfifo "$dir/fifo"
vpnctl status --watch >"$dir/fifo" &
alone=$!
head -1 <"$dir/fifo" >/dev/null
ok 'R70: the end of its reader ends it, though nothing changes' wait_for 10 sh -c "! kill -0 $alone 2>/dev/null || grep -q '^State:.Z' /proc/$alone/status"
wait "$alone"
is $? 0 'R70: without an error'
ok 'R70: of a VPN that is not there it says so' sh -c "vpnctl status nosuch --watch 2>&1 | grep -q 'there is no VPN'"
is "$(cat "$dir/err")" '' 'nothing else was said'
rm -r "$dir"
finish
