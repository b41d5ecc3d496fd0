#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The far end: `up` says whether it answers, `status` and vpnrun say that a dead tunnel is dead, to everybody,
# and an endpoint's name with several addresses is left for the next that answers. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
log=$RIG_DIR/up.out
conf=/etc/vpnrun/demo.conf

said() { grep -qF -- "$1" "$log"; }
shown() { as_user vpnctl status "$1" >"$log.status" 2>&1; }
# hints: the commands that the last words name, one a line
hints() { grep -oE '(see|then): .*' "$log" | sed 's/^[a-z]*: //' | sort -u; }

vpnctl down demo other >/dev/null

# --- a key that is no longer valid, and a name of two addresses, the first of which is silent --------
cp "$conf" "$RIG_DIR/demo.good"
sed -i "s,^PublicKey = .*,PublicKey = $(wg genkey | wg pubkey)," "$conf"
sed -i "s/^Endpoint = .*/Endpoint = dual.vpn.rig.test:$RIG_PORT/" /etc/vpnrun/other.conf
in_ns router nft "table ip6 cut { chain c { type filter hook forward priority 0; ip6 daddr $RIG_OTHER_ENDPOINT6 drop; }; }"
vpnctl up demo other >"$log" 2>&1 &
up=$!
ok 'R79: after a second up says for whom it waits' wait_for 8 said "vpnctl: waiting for the server of demo, $RIG_ENDPOINT4:$RIG_PORT ..."
ok 'R79: and for the other: its first address' wait_for 2 said "vpnctl: waiting for the server of other, [$RIG_OTHER_ENDPOINT6]:$RIG_PORT ..."
as_user vpnrun other sh -c "until [ \"\$(curl -s -m 2 http://$RIG_WEB4/)\" = other ]; do sleep 0.1; done; echo works >$RIG_DIR/../home/rigger/other; sleep 1000" &
inside=$!
ok 'R80: who is inside meanwhile gets through by the next address' wait_for 20 test -s "$RIG_DIR/../home/rigger/other"
wait $up
is $? 0 'R79: a silent server is no failure of up, nor of the unit that runs it'
like "$(cat "$log")" "other is up: the server answers, at $RIG_OTHER_ENDPOINT4:$RIG_PORT" 'R80: up says which address answers'
like "$(cat "$log")" 'demo is up, but its server does not answer' 'R79: and that the other does not'
like "$(cat "$log")" 'the key is no longer valid.*UDP to port 51820 is blocked.*the network does not lead there.*the clock is wrong' \
	'R79: with the usual causes'
bad=
while read -r hint; do
	[ "$hint" = 'vpnctl restart demo' ] || $hint >"$log.hint" 2>&1 || [ "$hint" = 'vpnctl status demo' ] || bad+="$hint: $(cat "$log.hint")"
done < <(hints)
is "$(hints | paste -sd,)$bad" "date,ip route get $RIG_ENDPOINT4,vpnctl restart demo,vpnctl status demo" 'R79: each hint is a command that works'
ok 'R80: who was inside before is inside still' kill -0 $inside
for who in '' as_user; do
	like "$($who vpnctl status other)" "the endpoint is at $RIG_OTHER_ENDPOINT4:$RIG_PORT; \[$RIG_OTHER_ENDPOINT6\]:$RIG_PORT did not answer" \
		"R80: status${who:+ of an ordinary user} says which is in use, and which did not answer"
	like "$($who vpnctl status demo)" "demo is degraded: the server at $RIG_ENDPOINT4:$RIG_PORT has never answered" \
		"R79 L01: a dead tunnel is dead${who:+, for an ordinary user, too}"
	ok 'R79: and the exit status says so' not $who vpnctl status demo
done
like "$(cat /run/vpnrun/other.log)" "the endpoint of other is $RIG_OTHER_ENDPOINT4:$RIG_PORT now, was \[$RIG_OTHER_ENDPOINT6\]:$RIG_PORT" 'R80: and the log'
kill $inside

# --- vpnrun ------------------------------------------------------------------------------------------
$RIG_CAPTURE start
said=$(as_user vpnrun demo sh -c 'exit 7' 2>&1)
is "$? $said" "7 vpnrun: VPN 'demo' is of no use now: the server at $RIG_ENDPOINT4:$RIG_PORT has never answered; see: vpnctl status demo" \
	'R79: vpnrun says in a line that the tunnel is dead, and the command is started all the same'
is "$(as_user vpnrun other echo fine 2>&1)" fine 'R79: and of one that lives it says nothing'
as_user vpnrun demo curl -s -m 1 "http://$RIG_WEB4/" >/dev/null 2>&1
said=$(vpnctl default --no-ip demo 2>&1)
like "$? $said" "^0 .*VPN 'demo' is of no use now: the server at $RIG_ENDPOINT4:$RIG_PORT has never answered; .*back: vpnctl default none" \
	'R79: so does default, which is made all the same'
# The keeper looks again, and must not take the change of the default for a tunnel that is new.
seen() { stat -c '%i %y' /run/vpnrun/demo.health; }
before=$(seen)
again() { [ "$(seen)" != "$before" ]; }
wait_for 15 again
like "$(vpnctl status demo)" "demo is degraded: the server at $RIG_ENDPOINT4:$RIG_PORT has never answered" 'R79: and status after it'
like "$(as_user vpnrun demo true 2>&1)" "VPN 'demo' is of no use now" 'R79: and vpnrun'
curl -s -m 1 "http://$RIG_WEB4/" >/dev/null 2>&1
is "$($RIG_CAPTURE stop)" 0 'L01 R15: nothing of it leaves in the clear'
ok 'R79: the hint is a command that works' vpnctl default --no-ip none
is "$(vpnctl default --no-ip other 2>&1)" 'other is the default: all traffic but the LAN'"'"'s goes through it' 'R79: of one that lives default says nothing'
vpnctl default --no-ip none >/dev/null

# --- the hint's own way out ----------------------------------------------------------------------------
cp "$RIG_DIR/demo.good" "$conf"
vpnctl restart demo >"$log" 2>&1
like "$(cat "$log")" "^demo is up: the server answers, at $RIG_ENDPOINT4:$RIG_PORT" 'R79: with the new file, restart as the hint says'
ok 'R79: an ordinary user sees it at once' as_user vpnctl status demo
is "$(as_user vpnrun demo echo fine 2>&1)" fine 'R79: and vpnrun is content'

# --- a server that comes back while up waits; up that is killed meanwhile --------------------------------
in_ns router nft "table ip cut { chain c { type filter hook forward priority 0; ip daddr $RIG_ENDPOINT4 drop; }; }"
vpnctl up demo >"$log" 2>&1 &
up=$!
wait_for 8 said 'waiting for the server of demo'
kill -KILL $up
wait $up 2>/dev/null
like "$(vpnctl status demo --json | tr -d '\n')" '"state": "(up|degraded)"' 'R76: up that is killed while it waits has brought the VPN up'
ok 'L01: which is closed' not get_by demo "http://$RIG_WEB4/" 1
vpnctl up demo >"$log" 2>&1 &
up=$!
wait_for 8 said 'waiting for the server of demo'
in_ns router nft delete table ip cut
wait $up
like "$? $(cat "$log")" '^0 .*demo is up: the server answers' 'R79: one that comes back meanwhile is seen'

# --- without a network ------------------------------------------------------------------------------------
vpnctl down demo >/dev/null
ip route del default dev $RIG_UPLINK
vpnctl up demo >"$log" 2>&1
is $? 0 'R79: without a network up does not fail'
like "$(cat "$log")" "this machine has no route to the server of demo: the network is not up, see: ip route get $RIG_ENDPOINT4" 'R79: and says that there is none'
like "$(as_user vpnctl status demo)" "degraded: this machine has no route to the server at $RIG_ENDPOINT4:$RIG_PORT" 'R79: so does status'
like "$(as_user vpnrun demo true 2>&1)" "of no use now: this machine has no route to the server" 'R79: and vpnrun'
ip route add default via 192.168.77.1 dev $RIG_UPLINK
from_vpn demo ping -c 1 -W 1 "$RIG_WEB4" >/dev/null
ok 'R79: the keeper sees the network come' wait_for 20 shown demo

# --- a tunnel through which nobody sends anything by itself ---------------------------------------------------
cat "$RIG_DIR/conf/v4only.conf" >"$conf"
like "$(vpnctl restart demo 2>&1)" '^demo is up: the server answers' 'R79: up itself has something sent, which needs no program'
cp "$RIG_DIR/demo.good" "$conf"

# --- no wait, no endpoint ----------------------------------------------------------------------------------
is "$(vpnctl up --no-wait demo 2>&1)" 'demo is up' 'R79: --no-wait'
sed -i '/^Endpoint/d' "$conf"
is "$(vpnctl restart demo 2>&1)" 'demo is up' 'R79: where no peer has an endpoint, nobody is waited for'
vpnctl down demo other >/dev/null
is "$(find /run/vpnrun -name '*.health*')" '' 'R37: down leaves nothing of what was seen'
finish
