#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What one would type to put a command into a VPN's namespace with ip(8): by-hand.sh VPN BRIDGE PORT
# MAC ADDRESS4 GATEWAY4 ADDRESS6 GATEWAY6 UID COMMAND... As root. An address may be empty.
set -e
vpn=$1 bridge=$2 port=$3 mac=$4 a4=$5 g4=$6 a6=$7 g6=$8 uid=$9
shift 9
ip netns add by-hand
trap 'ip netns del by-hand' EXIT
ip -n "$vpn" link add "$port" type veth peer name vpn0 address "$mac" netns by-hand
ip -n "$vpn" link set "$port" master "$bridge" up
ip -n by-hand link set lo up
ip -n by-hand link set vpn0 up
if [ "$a4" ]; then
	ip -n by-hand addr add "$a4" dev vpn0
	ip -n by-hand route add default via "$g4"
fi
if [ "$a6" ]; then
	ip -n by-hand addr add "$a6" dev vpn0 nodad
	ip -n by-hand route add default via "$g6"
fi
ip netns exec by-hand setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
