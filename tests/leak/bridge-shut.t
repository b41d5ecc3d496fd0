#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout: the host's own services, and whoever is on another VPN's bridge, are there, and
# are not reached. Runs inside the rig, whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
probe=$RIG_DIR/build/tests/net/probe
webd=$RIG_DIR/build/rig/webd
servers=()
serve() { # serve NAMESPACE PORT WORD: at every address of both families, by TCP and by UDP
	local in=() fd cmd
	[ "$1" = - ] || in=(ip netns exec "$1")
	for cmd in "$webd -p $2 $3" "$probe serve :: $2 $3"; do
		# shellcheck disable=SC2086
		exec {fd}< <(exec "${in[@]}" $cmd)
		servers+=($!)
		read -r -t 20 _ <&"$fd"
		exec {fd}<&-
	done
}
sandbox() { as_user vpnrun "$@"; }

# Everything is asked at once: what is not answered costs the time of one.
asked() { # asked SECONDS PORT WHO: "tcp ADDRESS WORD", "udp ADDRESS WORD" for each of $at
	local a p jobs=()
	for a in $at; do
		for p in tcp udp; do
			echo "$p $a $($3 timeout "$1" "$probe" $p "$a" "$2" | cut -d' ' -f1)" &
			jobs+=($!)
		done
	done
	wait "${jobs[@]}"
}
# Who answered: the patience with a server that is there is long, and not used up.
answered() { asked "$1" "$2" "$3" | grep -E ' (answer|host|client)$' | sort; }
all_of() { for a in $at; do echo "tcp $a $1"; echo "udp $a answer"; done | sort; }

to_bridge
vpnctl up demo other >/dev/null
plug hand 200
plug away 201 other
serve - 8098 host
serve - 8099 host
serve hand 8098 client
serve away 8098 client
hand='ip netns exec hand' away='ip netns exec away'
host4=$RIG_HOST4 host6=$RIG_HOST6
gateway='10.20.1.1 fd76:706e:7275:1::1'
beyond='10.20.2.1 fd76:706e:7275:2::1'
tunnels='10.64.0.2 fd64:64::2 10.2.0.2 fd02:2::2'

# --- the host ------------------------------------------------------------------------------------

at="$gateway $host4 $host6 $beyond $tunnels"
is "$(in_ns lan "$probe" tcp "$host4" 8098 | cut -d' ' -f1) $(in_ns lan "$probe" udp "$host6" 8098 | cut -d' ' -f1)" \
	'host answer' 'control: the LAN reaches a service of the host'
no_tables demo
no_tables other
no_rules 2 # what answers from the other VPN's addresses would go into its tunnel
is "$(answered 20 8098 "$hand")" "$(all_of host)" \
	'control: without firewall and rules a client reaches it at the gateway, the LAN address, the other bridge, the tunnels, by both families'
vpnctl up demo >/dev/null
$RIG_CAPTURE start
is "$(answered 1 8098 "$hand")" '' 'R22 L18: with the firewall of its own VPN at none of them, by neither family, TCP nor UDP'
at="$gateway $host4 $host6"
is "$(asked 5 8098 "$hand" | grep ^tcp | sort)" "$(all_of refused | grep ^tcp)" 'R22: TCP is refused at once'
at="$gateway $host4 $host6 $beyond"
is "$(answered 1 8098 'sandbox demo')" '' 'R22 L18: nor does a program under vpnrun'
is "$($RIG_CAPTURE stop)" 0 'R22: and nothing of it left by the uplink'
vpnctl up other >/dev/null
at="$beyond $host4 $host6 $gateway $tunnels"
is "$(answered 1 8098 "$away")" '' "R22 L18: nor does a client of the other bridge"

at=$gateway
with '"allow_host": ["8099/tcp"], ' >/dev/null
is "$(answered 20 8099 "$hand" | grep ^tcp)" "$(all_of host | grep ^tcp)" 'R22: allow_host opens a port, both families'
is "$(answered 1 8099 "$hand" | grep ^udp)" '' 'R22: not the UDP port of that number'
is "$(answered 1 8098 "$hand")" '' 'R22: nor another port'
is "$(answered 1 8099 "$away")" '' 'R22: nor for the other bridge'
with '"allow_host": ["8099/udp"], ' >/dev/null
is "$(answered 20 8099 "$hand")" "$(all_of host | grep ^udp)" 'R22: UDP alone'
with '' >/dev/null
is "$(answered 1 8099 "$hand")" '' 'R22: closed again'

# --- another VPN's bridge ------------------------------------------------------------------------

hand_at='10.20.1.200 fd76:706e:7275:1::1:200' away_at='10.20.2.201 fd76:706e:7275:2::1:201'
no_rules 1
no_rules 2
no_tables demo
no_tables other
at=$away_at
is "$(answered 20 8098 "$hand")" "$(all_of client)" 'control: without firewall and rules a client reaches one of another VPN'
at=$hand_at
is "$(answered 20 8098 "$away")" "$(all_of client)" 'control: and the other way round'
for vpn in demo other; do # the other's firewall and rules are gone
	vpnctl up $vpn >/dev/null
	no_rules 1
	no_rules 2
	at=$away_at
	is "$(answered 1 8098 "$hand")" '' "L20: the firewall of $vpn alone: a client of demo reaches none of other"
	at=$hand_at
	is "$(answered 1 8098 "$away")" '' 'L20: nor one of other one of demo'
	no_tables $vpn
done
vpnctl up demo other >/dev/null
$RIG_CAPTURE start
at=$away_at
is "$(answered 1 8098 "$hand") $(answered 2 8098 'sandbox demo')" ' ' 'L20: all as it should be: from demo none of other'
at=$hand_at
is "$(answered 1 8098 "$away") $(answered 2 8098 'sandbox other')" ' ' 'L20: from other none of demo'
is "$($RIG_CAPTURE stop)" 0 'L20: and nothing of it left by the uplink'

kill "${servers[@]}"
unplug hand away
wait_for 20 free br-demo
wait_for 20 free br-other
is "$(vpnctl down demo other)" $'demo is down\nother is down' 'down'
finish
