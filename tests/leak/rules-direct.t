#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: no
# repair: off
# Each rule of the firewall of what leads around the VPNs by the uplink is taken out of the kernel, beside a strict default:
# of the packets in rules/direct.probes at least one goes another way than before, or the rule stands in rules/direct.layers. Its
# table "bridge" is the text that rules.t walks. As there, a twelfth of them in each run; RULES=REGEX others. Runs inside the
# rig, whatever its own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
# shellcheck source=tests/leak/rules/walk.sh
. "$RIG_DIR/tests/leak/rules/walk.sh"

vpn=direct layers=$rules/direct.layers
echo '{"id": 9, "device": "uplink", "allow": {"users": ["'"$RIG_USER"'"]}}' >/etc/vpnrun/direct.json
ok 'control: a strict default' vpnctl default --strict --no-ip demo
ok 'control: and what leads around it' vpnctl up direct
sandbox d1
sandbox d2
ip netns add g1
ip link add g1 type veth peer name eth0 netns g1
ip link set g1 master br-direct up
ip -n g1 link set lo up
settle g1 eth0 10.20.9 fd76:706e:7275:9::1 200
container
ns[g1]=/run/netns/g1
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv6.icmp.ratelimit=0
sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 2>/dev/null
quiet d1 d2 g1 c net lan
for p in d1:vpn0 d2:vpn0 g1:eth0 lan:eth0 host:uplink0; do
	n=${p%:*} d=${p#*:}
	export "${n^^}_M=$(mac "$n" "$d")" "${n^^}_4=$(ip4 "$n" "$d")" "${n^^}_6=$(ip6 "$n" "$d")"
done
GW=$(cat /sys/class/net/br-direct/address) C_GW=$(cat /sys/class/net/c0/address) NET_GW=$(mac router inet)
export GW C_GW NET_GW C_4=10.99.0.2 GW4=10.20.9.1 GW6=fd76:706e:7275:9::1 FAR4=$RIG_WEB4 FAR6=$RIG_WEB6_ADDR
export LAN4=$RIG_LAN LAN6=$RIG_LAN6_ADDR HOST4=$RIG_HOST4 HOST6=$RIG_HOST6 UP_M=$HOST_M
places=('d1 vpn0' 'd2 vpn0' 'g1 eth0' 'lan eth0' 'c eth0' 'net router' 'br=host br-direct' "up=host $RIG_UPLINK out")
listeners=(d1 d2 g1 lan c net)
tables=('inet vpnrun-direct')
as_was() { vpnctl up --no-wait direct; }
forget() {
	ip link set br-direct type bridge fdb_flush
	ip neigh flush dev br-direct
	ip neigh flush dev "$RIG_UPLINK"
}
begin "$rules/direct.probes" 'what leads around the VPNs'
walk 'what leads around the VPNs'
[ -z "${MATRIX_PID:-}" ] || kill "$MATRIX_PID"
finish
