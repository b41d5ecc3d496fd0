# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2317
# What the tests of the layout "bridge" share. Sourced after tests/lib.sh, in the rig, whatever the
# rig's own layout is.

# Where devices have no setting of their own for IPv6, the machine's is asked for.
own6=yes
[ -e /proc/sys/net/ipv6/conf/default/force_forwarding ] || own6=

to_bridge() { # to_bridge [no-switch]: both VPNs down, their files of this layout
	local key=''
	[ "$own6${1:-}" ] || key=', "ipv6_forwarding": true'
	vpnctl down --force demo other >/dev/null
	sed -i -E "s/\"layout\": \"[a-z]*\"(, \"ipv6_forwarding\": true)?/\"layout\": \"bridge\"$key/" /etc/vpnrun/demo.json /etc/vpnrun/other.json
	cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
}
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo
}

# A client by hand: a container, as far as the bridge is concerned.
plug() { # plug NAME H [VPN [BRIDGE [NET]]]: namespace NAME with host number H on the VPN's bridge
	local id=1 net6
	[ "${3:-demo}" = demo ] || id=2
	net6=fd76:706e:7275:$id::1
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master "${4:-br-${3:-demo}}" up
	ip -n "$1" link set lo up
	settle "$1" eth0 "${5:-10.20.$id}" "$net6" "$2"
}
settle() { # settle NAMESPACE DEVICE NET4 GATEWAY6 H: its address and ways
	ip -n "$1" -batch - <<-X
		addr add $3.$5/24 dev $2
		addr add $4:$5/64 dev $2 nodad
		link set $2 up
		route add default via $3.1
		route add default via $4
	X
}
unplug() { # unplug NAME...
	local n
	for n in "$@"; do
		ip netns delete "$n"
		wait_for 5 not ip link show "$n"
	done
}

free() { [ -z "$(ls "/sys/class/net/$1/brif")" ]; } # free BRIDGE: the kernel has taken all cables out

no_tables() { # no_tables VPN: all of its firewall
	local f
	for f in inet bridge netdev; do nft delete table $f "vpnrun-$1" 2>/dev/null; done
}
no_rules() { # no_rules ID
	while ip rule delete pref "20$1" proto kernel 2>/dev/null; do :; done
	while ip -6 rule delete pref "20$1" proto kernel 2>/dev/null; do :; done
}
