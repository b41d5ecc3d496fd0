#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout beside a DHCP client of the host's that serves every device: a user who answers
# from inside a sandbox gives the host nothing. Runs inside the rig, whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
tools=$RIG_DIR/build/tests/net
gateway=02:76:70:01:00:01
owner_of() { as_user "$tools/reenter" "$@"; }

# --- the two sides -------------------------------------------------------------------------------

# What the distributions ship, in a hurry; its scripts, leases and sockets stay out of the way.
cat >/etc/dhcpcd.conf <<-X
	denyinterfaces $RIG_UPLINK
	nodev
	nodelay
	noarp
	noipv4ll
	timeout 3
X
mkdir -p /run/leases && mount --bind /run/leases /var/lib/dhcpcd
client=''
start_client() {
	setsid dhcpcd -B -c /bin/true -f /etc/dhcpcd.conf >"$RIG_DIR/dhcpcd.log" 2>&1 &
	client=$!
}
end_client() {
	kill -KILL -- "-$client" # its parts do not all end when they are asked to
	wait "$client" 2>/dev/null
	rm -rf /run/leases/*
	ip -o -4 addr show scope global | awk '$4 ~ /^10\.66\./ { print "addr delete", $4, "dev", $2 }' | ip -batch -
}
sandbox='' port=''
open_sandbox() {
	as_user vpnrun demo sh -c 'echo $$; exec sleep 1000' >"$RIG_DIR/pid" &
	wait_for 20 test -s "$RIG_DIR/pid"
	sandbox=$(cat "$RIG_DIR/pid")
	port=$(ip -o link show group "$RIG_UID" | sed 's/^[0-9]*: \(vr1\.[0-9]*\)@.*/\1/')
}
close_sandbox() {
	kill "$sandbox"
	wait_for 10 free br-demo
	rm "$RIG_DIR/pid"
}
server=''
start_server() {
	owner_of "$sandbox" ip addr add 10.66.0.1/24 dev vpn0
	as_user "$tools/reenter" "$sandbox" dnsmasq -d -C /dev/null -p 0 -i vpn0 --bind-interfaces --leasefile-ro --dhcp-authoritative --no-ping \
		--dhcp-range=10.66.0.50,10.66.0.60,2m --dhcp-option=3,10.66.0.1 --dhcp-option=6,10.66.0.53 >"$RIG_DIR/dnsmasq.log" 2>&1 &
	server=$!
	wait_for 10 grep -q 'DHCP, IP range' "$RIG_DIR/dnsmasq.log"
}
end_server() {
	kill "$server"
	wait "$server" 2>/dev/null
}
given() { ip -o -4 addr show | grep -F ' 10.66.0.'; }
# It has asked for an address by the port, and was told that the question was not sent.
has_asked() { grep -q "$port: soliciting a DHCP lease" "$RIG_DIR/dhcpcd.log" && grep -q 'No buffer space' "$RIG_DIR/dhcpcd.log"; }
no_guard() { nft delete table netdev "vpnrun-$1/guard"; }

to_bridge
vpnctl up demo other >/dev/null

# --- a cable -------------------------------------------------------------------------------------

no_guard demo
open_sandbox
start_server
start_client
ok 'control: without the guard, who is inside gives the host an address' wait_for 20 given
like "$(ip route show default dev "$port")" 'via 10\.66\.0\.1' 'control: and its default route'
end_client
vpnctl up demo >/dev/null
: >"$RIG_DIR/dnsmasq.log"
start_client
ok 'L62 R93: with it, the client of the host asks by the port' wait_for 20 has_asked
is "$(given; ip route show default dev "$port"; grep -c "DHCP[A-Z]*(" "$RIG_DIR/dnsmasq.log")" 0 'L62 R93: nobody hears it: no address, no route'
is "$(as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/")" demo 'and the VPN works'
end_client
end_server
close_sandbox

# --- the first moment ----------------------------------------------------------------------------

# A sandbox's end whose owner counts what comes, before there is a port: of the host's own, the kernel
# is the first to speak (IPv6).
ip netns add early
strangers() { ip netns exec early nft -j list counter netdev c strangers | jq '.nftables[1].counter.packets'; }
settled() { ip -6 -o addr show dev "$1" scope link -tentative | grep -q fe80; }
count_early() { # count_early PORT: frames that are not the bridge's, until the port has an address
	ip link add "$1" type veth peer name vpn0 netns early
	ip netns exec early nft -f - <<-X
		table netdev c {
			counter strangers { }
			chain in {
				type filter hook ingress device vpn0 priority 0; policy accept;
				ether saddr != $gateway counter name strangers
			}
		}
	X
	ip link set "$1" master br-demo up
	ip -n early link set vpn0 up
	wait_for 10 settled "$1"
	strangers
	ip link delete "$1"
	ip netns exec early nft delete table netdev c
}
no_guard demo
ok 'control: without the guard a port of the host speaks by itself' test "$(count_early vr1.201)" -gt 0
vpnctl up demo >/dev/null
is "$(count_early vr1.201)" 0 'L62: with it, from its first moment it does not'

# --- a kernel that cannot guard what is not there yet ----------------------------------------------

nft "delete table netdev vpnrun-demo/guard; add table netdev vpnrun-demo/guard"
"$tools/record_flags" demo
open_sandbox
like "$(nft list table netdev vpnrun-demo/guard)" "chain $port .*device[s =]*[{ ]*\"?$port\"?.*policy drop.*0x27670010001 accept" 'L62: before 6.16 the broker guards each port that it makes'
start_server
start_client
ok 'L62: the client asks there' wait_for 20 has_asked
is "$(given; grep -c "DHCP[A-Z]*(" "$RIG_DIR/dnsmasq.log")" 0 'L62: and nobody hears it'
end_client
end_server
is "$(as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/")" demo 'and the VPN works'
is "$(vpnrun demo curl -s -m 12 "http://$RIG_WEB6/")" demo 'for root, too'
close_sandbox
vpnctl up demo >/dev/null

# --- a guest -------------------------------------------------------------------------------------

plug hand 200
ip -n hand addr flush dev eth0
ip -n hand addr add 10.66.0.1/24 dev eth0
ip netns exec hand dnsmasq -d -C /dev/null -p 0 -i eth0 --bind-interfaces --leasefile-ro --dhcp-authoritative --no-ping \
	--dhcp-range=10.66.0.50,10.66.0.60,2m --dhcp-option=3,10.66.0.1 >"$RIG_DIR/dnsmasq.log" 2>&1 &
server=$!
wait_for 10 grep -q 'DHCP, IP range' "$RIG_DIR/dnsmasq.log"
asks() { busybox udhcpc -i br-demo -f -n -q -t 2 -T 1 -A 1 -s /bin/true >/dev/null 2>&1; }
no_guard demo
heard() { grep -c 'DHCPDISCOVER(' "$RIG_DIR/dnsmasq.log"; }
asks
ok 'control: without the guard, a guest is asked for an address of the bridge' test "$(heard)" -gt 0
vpnctl up demo >/dev/null
: >"$RIG_DIR/dnsmasq.log"
asks
is "$(heard)" 0 'L62: with it, it is not'
end_server
unplug hand
is "$(vpnctl down demo other)" $'demo is down\nother is down' 'down'
is "$(nft list tables | grep vpnrun)" '' 'nothing of the guard is left'
finish
