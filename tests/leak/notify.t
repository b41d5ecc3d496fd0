#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/desktop/vpnrun-notify-watch: one notification in the session when a VPN in use breaks, and one in its place when
# it is back. With a real session bus and one that shows them. Runs inside the rig.
# shellcheck disable=SC2016 # scripts for other shells
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
R=/run/user/$RIG_UID
home=$(as_user sh -c 'echo $HOME')
log=$home/desktop.log
desk=("$RIG_DIR/bin/as_user" env "DBUS_SESSION_BUS_ADDRESS=unix:path=$R/bus")
pids=()
start() { "$@" >/dev/null 2>&1 & pids+=($!); }
# A signal to as_user need not reach its child.
end() { pkill -u "$RIG_UID" -f "$1"; }
show() { start "${desk[@]}" env BUSSTUB_NUMBERS=1 "$RIG_DIR/build/tests/net/busstub" serve "$log" org.freedesktop.Notifications; }
shown() { sed -n 's/^call [^ ]* [^ ]* org.freedesktop.Notifications.Notify \[vpnrun\] \[\([0-9]*\)\] \[\([^]]*\)\] \[\([^]]*\)\] /\1 \2 \3: /p' "$log"; }
n_shown() { shown | grep -c ': '; }
are() { [ "$(n_shown)" = "$1" ]; }
logged() { grep -Eq -- "$1" "$log"; }
ready() { [ "$(grep -c ^ready "$log")" = "$1" ]; }
watched() { pgrep -u "$RIG_UID" -f '^vpnctl status --watch --json'; }
marked() { grep -Eq -- "$1" "$RIG_DIR/marks"; }

start "${desk[@]}" dbus-daemon --session --nofork --nopidfile --address="unix:path=$R/bus"
wait_for 5 test -S "$R/bus"
show
ok 'the desktop is there' wait_for 5 ready 1
vpnctl status --watch --json >"$RIG_DIR/marks" &
pids+=($!)
start "${desk[@]}" env VPNRUN_NOTIFY_CALM=0 "$RIG_DIR/contrib/desktop/vpnrun-notify-watch"
ok 'and so is the watcher' wait_for 10 watched

# --- one that nobody uses ----------------------------------------------------------------------------
vpnctl down other >/dev/null
vpnctl up other >/dev/null 2>&1
ok 'R70: control: a VPN that nobody uses goes down and comes up' wait_for 10 marked '"event": "up", "name": "other"'

# --- one in use ---------------------------------------------------------------------------------------
start "$RIG_DIR/bin/as_user" vpnrun demo sh -c "while :; do curl -s -m 1 http://$RIG_WEB4/ >/dev/null; sleep 0.2; done"
ok 'a program is inside' wait_for 10 marked '"event": "enter", "name": "demo"'
vpnctl restart demo >/dev/null 2>&1
in_ns router nft "table ip cut { chain c { type filter hook forward priority 0; ip daddr $RIG_ENDPOINT4 drop; }; }"
vpnctl restart --no-wait demo >/dev/null 2>&1
ok 'R70: the server of a VPN in use falls silent: it is said' wait_for 30 are 1
like "$(shown)" "^0 network-error VPN demo is broken: \[Its programs have no network until it is back: the server at $RIG_ENDPOINT4:$RIG_PORT has .*\.$" \
	'R70: the VPN, and what that means'
ok 'R70: and what to type' logged '^See: vpnctl status demo\] \[category\] \[network.error\]'
is "$(grep -c 'other' "$log")" 0 'R70: of one that nobody uses nothing is said, nor of a restart'
ok 'R70: who watches is told that it is silent' wait_for 10 marked '"event": "degraded", "name": "demo".*"silent": true'
in_ns router nft delete table ip cut
ok 'R70: it answers again: that is said, too' wait_for 30 are 2
like "$(shown | tail -n 1)" '^7 network-vpn VPN demo is back: \[Its programs can use it again.\]' 'R70: in the place of the former'

# The one who shows them is started anew, and knows no numbers of the former.
end 'busstub serve'
wait_for 10 sh -c "! pgrep -u $RIG_UID -f 'busstub serve'"
show
wait_for 10 ready 2
vpnctl down demo >/dev/null
ok 'R70: it is taken down: that is said' wait_for 10 are 3
like "$(shown | tail -n 1)" '^0 network-error VPN demo is down: \[Its programs have no network until: sudo vpnctl up demo$' \
	'R70: to a desktop that has begun anew as a new one'
pkill -u "$RIG_UID" -f 'while :; do curl'
ok 'R70: its last program ends: nobody wants to know any more' wait_for 10 logged 'Notifications.CloseNotification \[7\]'
vpnctl up --no-wait demo >/dev/null 2>&1
wait_for 10 marked '"event": "up", "name": "demo".*"inside": 0'
watcher=$(watched)
script=$(pgrep -u "$RIG_UID" -f '^/bin/bash .*vpnrun-notify-watch')
kill "$watcher"
ok 'R70: vpnctl ends: so does who reads it, to be started anew' wait_for 10 ended "$script"
is "$(n_shown)" 3 'R70: nothing else was said'

# --- what may come, without waiting for a tunnel --------------------------------------------------------
as_user mkfifo "$home/feed"
# What the watcher asked of the bus, and what became of it.
as_user mkdir "$home/told"
printf '#!/bin/sh\n%s "$@"\nrc=$?\necho "$rc $*" >>"$HOME/asked"\nexit $rc\n' "$(command -v busctl)" | as_user tee "$home/told/busctl" >/dev/null
as_user chmod 755 "$home/told/busctl"
printf '#!/bin/sh\nexec cat "$HOME/feed"\n' | as_user tee "$home/fake" >/dev/null
as_user chmod 755 "$home/fake"
fed() { # CALM: another one, that hears what we say; what was shown is forgotten
	exec 9>&-
	wait_for 10 sh -c "! pgrep -u $RIG_UID -f vpnrun-notify-watch"
	: >"$log"
	start "${desk[@]}" env "VPNRUN_NOTIFY_CALM=$1" "PATH=$home/told:$PATH" \
		"$RIG_DIR/contrib/desktop/vpnrun-notify-watch" "$home/fake"
	exec 9>"$home/feed"
}
hears() { # EVENT NAME STATE INSIDE SILENT DEFAULT WHY
	printf '{"schema_version": 1, "event": "%s", "name": %s, "id": 1, "state": "%s", "inside": %s, "silent": %s, "server": null, "forwarded_port": null, "forwarded_udp_port": null, "machine_default": %s, "lease": null, "why": %s}\n' "$@" >&9
}
flaps() { hears degraded '"a"' degraded 1 true false '"x"'; hears up '"a"' up 1 false false null; }
last() { # when this is shown, all before it was heard
	hears now '"last"' down 1 false false null
	wait_for 20 logged 'VPN last is down'
}

fed 3600
hears now '"a"' up 2 false false null
hears now '"b"' down 0 false false null
hears now '"c"' degraded 0 true true '"the <b>server</b> & \"co\", \"event\": \"x\""'
hears machine_closed '"d"' down 0 false false null
hears machine_open '"d"' down 0 false true null
last
is "$(shown | cut -d: -f1)" "$(printf '0 network-error %s is %s\n' 'VPN c' broken 'This machine' closed 'VPN last' down | sed -n '1,2p')
9 network-vpn This machine is open again
0 network-error VPN last is down" 'R70 R84: at the start what is broken already, and a machine that is closed; each in its own place'
like "$(shown | head -n 1)" 'This machine reaches no more than its LAN until it is back: the &lt;b&gt;server&lt;/b&gt; &amp; "co", "event": "x".' \
	'R70: what it means for the machine, and no markup of others'

fed 3600
for _ in 1 2 3 4 5; do flaps; done
last
is "$(shown | grep -c 'VPN a')" 2 'R70: what comes and goes is said once'
fed 1
flaps
hears degraded '"a"' degraded 1 true false '"x"'
ok 'R70: and again when it is broken after a while' wait_for 20 sh -c "[ \$(grep -c 'VPN a is broken' '$log') = 2 ]"

end 'busstub serve'
wait_for 10 sh -c "! pgrep -u $RIG_UID -f 'busstub serve'"
as_user rm -f "$home/asked"
fed 0
hears now '"a"' down 1 false false null
ok 'control: nobody is there to show it' wait_for 20 grep -q '^[1-9][0-9]* .* Notify ' "$home/asked"
show
ok 'R70: what nobody could show is shown when somebody can' wait_for 30 are 1
exec 9>&-
kill "${pids[@]}" 2>/dev/null
wait "${pids[@]}" 2>/dev/null
finish
