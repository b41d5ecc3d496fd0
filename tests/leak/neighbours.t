#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# A hostile sandbox on the same bridge: its owner re-enters it with every capability there and forges
# frames. It can take nobody's address, reach neither host nor LAN nor other VPN. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
frames=$RIG_DIR/build/tests/net/frames
home=$(as_user sh -c 'echo $HOME')

sandbox() { # sandbox NAME VPN: starts one that waits, its pid in $NAME
	as_user sh -c "exec vpnrun $2 sh -c 'echo \$\$ >$home/$1; exec sleep 600'" &
	wait_for 10 test -s "$home/$1"
	wait_for 10 sh -c "grep -q sleep /proc/\$(cat $home/$1)/comm"
	declare -g "$1=$(cat "$home/$1")"
}
in_sandbox() { local pid=$1; shift; nsenter -t "$pid" -n "$@"; }
owner_of() { as_user "$RIG_DIR/build/tests/net/reenter" "$@"; }
mac_of() { in_sandbox "$1" ip -o link show vpn0 | sed 's,.*ether ,,; s, .*,,'; }
ip4_of() { in_sandbox "$1" ip -4 -o addr show vpn0 | sed 's/.*inet //; s,/.*,,'; }
ip6_of() { in_sandbox "$1" ip -6 -o addr show vpn0 scope global | sed 's/.*inet6 //; s,/.*,,'; }
who() { echo "$(mac_of "$1") $(ip4_of "$1") $(ip6_of "$1")"; }

table=vpnrun
[ "$RIG_LAYOUT" = netns ] || table=vpnrun-demo
sandbox attacker demo
sandbox victim demo
# shellcheck disable=SC2154
{ att=$(who "$attacker"); vic=$(who "$victim"); }
read -r vmac v4 v6 <<<"$vic"
gw="$(in_vpn demo ip -o link show br-demo | sed 's/.*ether //; s/ .*//') 10.20.1.1 fd76:706e:7275:1::1"
vport=$(in_vpn demo ip -o link show type veth | sed 's/^[0-9]*: //; s/@.*//' | while read -r p; do
	[ "vr1.${v4##*.}" = "$p" ] && echo "$p"; done)
is "$vport" "vr1.${v4##*.}" 'a lease is a name: the port says the address'
is "$v6" "fd76:706e:7275:1::$(printf %x "${v4##*.}")" 'and the IPv6 address'

# What must not be reached is there: services of the victim, of where the VPN is, and of the host.
webd=$RIG_DIR/build/rig/webd
servers=()
in_sandbox "$victim" "$webd" victim >/dev/null &
servers+=($!)
in_vpn demo "$webd" -p 22 vpn >/dev/null &
servers+=($!)
"$webd" host >/dev/null &
servers+=($!)
try() { as_user vpnrun --with "$attacker" timeout "${3:-20}" "$probe" tcp "$1" "$2" | cut -d' ' -f1; }
host_serves() { [ "$(in_ns lan curl -s -m 5 "http://$RIG_HOST4/")" = host ]; }
ok 'control: the LAN reaches a service of the host' wait_for 10 host_serves

entries() { # what the bridge believes about the victim
	# Where the address is asked for, the entry ages: its state is not what is believed.
	in_vpn demo ip neigh show "$v4" | sed 's/ [A-Z]* *$//'
	in_vpn demo ip -6 neigh show "$v6"
	in_vpn demo bridge fdb show br br-demo | grep -i "$vmac" | sed 's/ master.*//' | sort
}
# Counted by their sender: the gateway's own neighbour discovery reaches the victim at any time.
in_sandbox "$victim" nft "add table netdev seen
add chain netdev seen in { type filter hook ingress device vpn0 priority 0; }
add rule netdev seen in ether saddr ${att%% *} counter"
rx_of() { in_sandbox "$victim" nft list table netdev seen | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
forge() { # shellcheck disable=SC2086
	owner_of "$attacker" "$frames" vpn0 "$1" $att $vic $gw; }

# Traffic of the victim's own, so that the bridge knows it.
as_user vpnrun --with "$victim" curl -s -m 10 -o /dev/null "http://$RIG_WEB4/"
as_user vpnrun --with "$victim" curl -s -m 10 -o /dev/null "http://$RIG_WEB6/"
before=$(entries)
diag "$before"

is "$(rx_of)" 0 'nothing of the attacker has reached the victim'
# The danger: without the bridge's rules one forged frame moves the victim's forwarding entry.
in_vpn demo nft delete table bridge "$table"
# On a host's bridge the ports' table, and by br_netfilter the IP hooks', are further means against the same.
[ "$RIG_LAYOUT" = netns ] || {
	for family in netdev inet; do in_vpn demo nft delete table $family "$table"; done
	in_vpn demo nft delete table netdev "$table/guard"
}
n=$(rx_of)
forge direct
reached() { [ "$(rx_of)" -gt "$n" ]; }
ok 'control: without the rules a frame reaches the victim' wait_for 5 reached
# On a netns' bridge it is the IP hooks' table that shuts the services.
[ "$RIG_LAYOUT" = bridge ] || in_vpn demo nft delete table inet "$table"
is "$(try "$v4" 80) $(try "$v6" 80)" 'victim victim' 'control: without the rules its service is reached'
is "$(try 10.20.1.1 22) $(try fd76:706e:7275:1::1 22)" 'vpn vpn' "control: and one at the bridge's address"
[ "$RIG_LAYOUT" = netns ] ||
	is "$(try "$RIG_HOST4" 80)" host "control: and the host's, at its own address"
moved() { [ "$(entries)" != "$before" ]; }
# The victim's next frame takes the entry back.
takes() { forge fdb && moved; }
ok 'control: without the rules a forged frame moves the victim'"'"'s entry' wait_for 5 takes
vpnctl up demo >/dev/null
as_user vpnrun --with "$victim" curl -s -m 10 -o /dev/null "http://$RIG_WEB4/"
ok 'with the rules back the victim owns its entry again' wait_for 5 not moved

for kind in arp-reply arp-request nd-advert nd-solicit fdb fdb-link-local spoof-ip; do
	forge $kind
	as_user vpnrun --with "$attacker" curl -s -m 10 -o /dev/null "http://$RIG_WEB4/" # a frame after it has been through
	is "$(entries)" "$before" "L19: $kind: the victim's entries stay"
done
n=$(rx_of)
for kind in direct broadcast arp-gateway nd-gateway; do forge $kind; done
as_user vpnrun --with "$attacker" curl -s -m 10 -o /dev/null "http://$RIG_WEB4/"
is "$(rx_of)" "$n" 'L19 L23: no frame of the attacker reaches the victim'
# Its own address given up, another's taken: nothing goes through.
owner_of "$attacker" ip addr add "$v4/24" dev vpn0
is "$(owner_of "$attacker" curl -s -m 2 --interface "$v4" "http://$RIG_WEB4/")" '' "L19: the victim's address is of no use on another cable"
owner_of "$attacker" ip addr del "$v4/24" dev vpn0
owner_of "$attacker" ip link set vpn0 address "$vmac"
is "$(owner_of "$attacker" curl -s -m 2 "http://$RIG_WEB4/")" '' "L19: nor is its MAC address"
owner_of "$attacker" ip link set vpn0 address "${att%% *}"
is "$(as_user vpnrun --with "$victim" curl -s -m 10 "http://$RIG_WEB4/")" demo 'the victim works on'

# Refused at once, not hung: neighbours, the bridge, the host, the LAN, the other VPN.
no_way='^(refused|unreachable)$'
like "$(try "$v4" 80)" "$no_way" 'L19: another sandbox, IPv4: refused'
like "$(try "$v6" 80)" "$no_way" 'L19: another sandbox, IPv6: refused'
like "$(try 10.20.1.1 22)" "$no_way" 'L18: the bridge offers nothing, IPv4'
like "$(try fd76:706e:7275:1::1 22)" "$no_way" 'L18: the bridge offers nothing, IPv6'
like "$(try 10.20.2.1 22 2)" '^((refused|unreachable|timeout)?)$' "L20: the other VPN's bridge is not reached"
$RIG_CAPTURE start
for a in "$RIG_LAN" "$RIG_HOST4"; do
	as_user vpnrun --with "$attacker" curl -s -m 2 -o "$home/out" "http://$a/"
	is "$(cat "$home/out" 2>/dev/null)" '' "L18 R50: $a (LAN, host) is not reached"
	rm -f "$home/out"
done
is "$($RIG_CAPTURE stop)" 0 'L18: and nothing of it left by the uplink'
is "$(curl -s -m 5 "http://$RIG_LAN/")" lan 'control: the host reaches the LAN host'
# Router advertisements on the bridge, link-local addresses: none taken.
is "$(owner_of "$attacker" ip -6 -o addr show vpn0 | grep -c 'scope link')" 0 'L04: no link-local address on the cable'
is "$(owner_of "$attacker" ip -6 route | grep -c 'proto ra')" 0 'L04: no route by router advertisement'
[ "$RIG_LAYOUT" = bridge ] || is "$(in_vpn demo ip -6 -o addr show "$vport" | wc -l)" 0 'L04: IPv6 is off on the ports'

# The tunnel's own address is not given away on the bridge.
arp4=$(in_vpn demo ip -4 -o addr show demo | sed 's/.*inet //; s,/.*,,')
is "$(owner_of "$attacker" sh -c "ip route add $arp4 dev vpn0; ping -c1 -W1 $arp4 >/dev/null 2>&1; ip neigh show $arp4" | grep -c lladdr)" 0 \
	"the bridge does not answer ARP for the tunnel's address"
kill "$attacker" "$victim" "${servers[@]}"
wait
finish
