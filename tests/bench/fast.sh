#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fast.sh make FAR-ADDRESS | rules vpn|snat | remove: the namespace of the VPN demo once more, by hand,
# with the same bridge and names, but a veth in the tunnel's place; and its firewall, or the one rule
# without which no gateway can be. In the rig.
#
#   bench-box vpn0 ── vr1.200 br-demo (bench-vpn) demo ── far (bench-far) FAR-ADDRESS
set -euo pipefail

spaces=(bench-box bench-vpn bench-far)
if [ "$1" = remove ]; then
	for s in "${spaces[@]}"; do
		[ ! -e "/run/netns/$s" ] || ip netns del "$s"
	done
	exit 0
fi
own=$(ip -n demo -4 -o addr show dev demo | awk '{ sub("/.*", "", $4); print $4 }')
if [ "$1" = rules ]; then
	ip netns exec bench-vpn nft flush ruleset
	if [ "$2" = vpn ]; then
		ip netns exec demo nft list ruleset
	else
		printf 'table ip gateway {\nchain out {\ntype nat hook postrouting priority srcnat\noifname "demo" snat to %s\n}\n}\n' "$own"
	fi | ip netns exec bench-vpn nft -f -
	exit 0
fi
far=$2
mac=02:76:70:01:00:c8 # of host number 200, which the firewall knows
mtu=$(ip netns exec demo cat /sys/class/net/br-demo/mtu)
bridge=$(ip netns exec demo cat /sys/class/net/br-demo/address)

for s in "${spaces[@]}"; do
	ip netns add "$s"
	ip -n "$s" link set lo up
done
ip -n bench-vpn -batch - <<B
link add demo mtu $mtu type veth peer name far mtu $mtu netns bench-far
link add br-demo address $bridge mtu $mtu type bridge forward_delay 0 mcast_snooping 0
link add vr1.200 mtu $mtu numtxqueues 1 numrxqueues 1 type veth peer name vpn0 address $mac mtu $mtu numtxqueues 1 numrxqueues 1 netns bench-box
link set vr1.200 master br-demo up
addr add $own/32 dev demo
addr add 10.20.1.1/24 dev br-demo
link set demo up
link set br-demo up
neigh add 10.20.1.200 lladdr $mac nud permanent dev br-demo
route add default dev demo
B
ip -n bench-far -batch - <<B
addr add $far/32 dev far
link set far up
route add $own dev far
B
ip -n bench-box -batch - <<B
addr add 10.20.1.200/24 dev vpn0 noprefixroute
link set vpn0 up
route add default via 10.20.1.1 dev vpn0 onlink
B
# As `vpnctl up` does.
# shellcheck disable=SC2016 # for the inner shell
ip netns exec bench-vpn sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 >"$f"; done'
"$0" rules vpn
