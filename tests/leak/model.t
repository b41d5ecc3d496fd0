#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# What tests/model says of a packet, and what the kernel does with it: the same events, and in each state a client of
# the bridge and the machine itself send, by IPv4 and IPv6. Runs inside the rig, whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
to_bridge
vpnctl up demo >/dev/null
plug hand 200

both() { ip "$@"; ip -6 "$@"; } 2>/dev/null
one_rule() { # one_rule PRIORITY PATTERN: takes away the rules of that number that match
	local f what
	for f in -4 -6; do
		while what=$(ip $f rule show pref "$1" | sed 's/.*:\t//; s/ proto .*//' | grep -E -m 1 "$2"); do
			# shellcheck disable=SC2086
			ip $f rule delete pref "$1" $what || break
		done
	done
}
does() { # does EVENT, as the model names it
	case $1 in
	'up a') vpnctl up demo ;;
	'default a') vpnctl default --no-ip demo ;;
	'default none') vpnctl default --no-ip none ;;
	'delete a') ip link delete demo ;;
	'set-down a') ip link set demo down ;;
	'lose nft') for t in demo default-demo; do no_tables $t; done ;;
	'lose table 1')
		both route flush table 1
		# A flush passes this one over.
		ip -6 route delete unreachable default table 1 ;;
	'lose unreachable '*) one_rule "${1##* }" 'unreachable$' ;;
	'lose lookup '*) one_rule "${1##* }" '^from [^ ]+ lookup (demo|1)$' ;;
	*) diag "no such event: $1"; return 1 ;;
	esac
}
back() {
	thaw demo
	vpnctl default --no-ip none && vpnctl restart demo
}

# goes COMMAND...: where what it sends goes: a (the tunnel), eth0 (the uplink), closed. Without the firewall the far end
# does not know who sends, and does not answer.
nft -f - <<-X
	table inet seen {
		counter into {}
		chain post { type filter hook postrouting priority 1000; oifname "demo" tcp flags & (syn | ack) == syn counter name into; }
	}
	X
into() { nft list counter inet seen into | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
goes() {
	local before sent
	$RIG_CAPTURE start
	before=$(into)
	"$@" >/dev/null 2>&1
	sent=$($RIG_CAPTURE stop)
	if [ "$sent" != 0 ]; then echo eth0; elif [ "$(into)" -gt "$before" ]; then echo a; else echo closed; fi
}
said() { # said PROBE: what the model says
	sed -n "s/\t$1\$//p" <<<"$model" | sed -E 's/^(refuse|unreachable|drop|local|br-a)$/closed/'
}
there() { ip netns exec hand curl -s -m "${RIG_PATIENCE:-2}" "http://$1/"; }
here() { curl -s -m "${RIG_PATIENCE:-2}" "http://$1/"; }

# agrees WHO SAID DESCRIPTION: neighbours and handshakes may take a moment; what has left by the uplink has left.
agrees() {
	local got
	for _ in 1 2 3 4 5; do
		got="$(goes "$1" "$RIG_WEB4") $(goes "$1" "$RIG_WEB6")"
		[ "$got" != "$2" ] && [[ $got != *eth0* ]] || break
	done
	is "$got" "$2" "$3"
}
state() { # state EVENT...
	local e what
	model=$(perl tests/model/model.pl "$RIG_DIR/build/tests/model/lists" --trace any 'up a' "$@")
	for e in "$@"; do
		# Its keeper would mend, also the default.
		[[ $e == 'default '* ]] || freeze demo
		does "$e" >"$RIG_DIR/does" 2>&1
		case $?$e in 0* | *lose*) ;; *) diag "$e:" "$(cat "$RIG_DIR/does")" ;; esac
	done
	what="${*:-up}"
	agrees there "$(said 'inside a to 198.51.100.9 tcp 443') $(said 'inside a to 2001:db8:99::9')" "L03: ${what// a/}: a client of the bridge, as the model says"
	agrees here "$(said 'the machine, default a, tcp') $(said 'the machine, default a, IPv6')" "L03: ${what// a/}: the machine"
	back >"$RIG_DIR/does" 2>&1 || diag 'back:' "$(cat "$RIG_DIR/does")"
}
state
state 'delete a'
state 'set-down a'
state 'lose nft'
state 'delete a' 'lose nft'
state 'delete a' 'lose nft' 'lose unreachable 201'
state 'delete a' 'lose nft' 'lose table 1'
state 'lose table 1' 'lose unreachable 201'
state 'lose lookup 201'
# All three means gone: the danger, in the model and on the uplink.
state 'delete a' 'lose nft' 'lose table 1' 'lose unreachable 201'
is "$(said 'inside a to 198.51.100.9 tcp 443')" eth0 'control: with all three means gone the model sees it leave'
state 'default a'
state 'default a' 'delete a'
state 'default a' 'delete a' 'lose nft'
state 'default a' 'lose nft' 'lose table 1'
state 'default a' 'lose lookup 301'
state 'default a' 'lose table 1' 'lose unreachable 301'
is "$(said 'the machine, default a, IPv6')" eth0 'control: with nothing that closes the model sees the machine send'
state 'default a' 'default none'
finish
