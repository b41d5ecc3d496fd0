#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: no
# repair: off
# Each rule of the firewall, of the layout bridge and of the default, is taken out of the kernel: of
# the packets in rules/*.probes at least one goes another way than before. A rule that nothing misses
# alone stands in rules/layers with the rules that hold beside it: taken out together, it is missed.
# Runs inside the rig, whatever its own layout is. A twelfth of them in each run, which is printed;
# RULES=REGEX: those whose "TABLE FAMILY CHAIN RULE" matches.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
# shellcheck source=tests/leak/rules/walk.sh
. "$RIG_DIR/tests/leak/rules/walk.sh"

# --- places --------------------------------------------------------------------------------------

to_bridge
with "\"allow_lan\": [\"$RIG_LAN/32\", \"$RIG_LAN6_ADDR/128\"], \"allow_host\": [\"9999/tcp\"], \"expose\": [\"9999/udp\"], \"allow_expose\": [\"9000-9999\"], " >/dev/null
sandbox s1 -e 9998:9999/udp -e 9998:9999
sandbox s2
plug g1 200
plug g2 201
ns[g1]=/run/netns/g1 ns[g2]=/run/netns/g2
# Refusals are rationed by the machine, and where it filters bridged frames as if they were routed,
# clients by hand do not see each other.
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv6.icmp.ratelimit=0
sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 2>/dev/null
quiet s1 s2 g1 g2 far lan
for p in s1:vpn0 s2:vpn0 g1:eth0 g2:eth0 lan:eth0 host:uplink0; do
	n=${p%:*} d=${p#*:}
	export "${n^^}_M=$(mac "$n" "$d")" "${n^^}_4=$(ip4 "$n" "$d")" "${n^^}_6=$(ip6 "$n" "$d")"
done
GW=$(cat /sys/class/net/br-demo/address)
export GW GW4=10.20.1.1 GW6=fd76:706e:7275:1::1 FAR4=$RIG_WEB4 FAR6=$RIG_WEB6_ADDR TUN4=10.64.0.2 TUN6=fd64:64::2
export LAN4=$RIG_LAN LAN6=$RIG_LAN6_ADDR HOST4=$RIG_HOST4 HOST6=$RIG_HOST6 UP_M=$HOST_M
# The provider may send what it likes. What carries it keeps to the cable: some wireguard-go take the route of the
# machine's own network for that as well, and what they send comes back to them for ever.
in_ns demo ip rule add fwmark 2 lookup 100
in_ns demo ip route add default via 198.51.100.254 dev eth0 table 100
in_ns -m demo wg set far fwmark 2
in_ns -m demo wg set far peer "$(cat "$RIG_DIR/keys/demo/client.pub")" \
	allowed-ips "10.64.0.2/32,fd64:64::2/128,10.20.1.0/24,fd76:706e:7275:1::/64,192.168.77.0/24,2001:db8:77::/64"
for n in 10.20.1.0/24 fd76:706e:7275:1::/64 192.168.77.0/24 2001:db8:77::/64; do in_ns demo ip route add $n dev far; done

# NAME[=NAMESPACE] DEVICE
places=('s1 vpn0' 's2 vpn0' 'g1 eth0' 'g2 eth0' 'far far' 'lan eth0' 'br=host br-demo' "port=host vr1.${S1_4##*.} mute" "up=host $RIG_UPLINK out")
listeners=(s1 s2 g1 g2 far lan)
tables=('inet vpnrun-demo' 'bridge vpnrun-demo' 'arp vpnrun-demo' 'netdev vpnrun-demo' 'netdev vpnrun-demo/guard')
as_was() { vpnctl up --no-wait demo; }
# What a forged frame has taught anybody; and neighbours are asked for anew.
forget() {
	ip link set br-demo type bridge fdb_flush
	ip neigh flush dev br-demo
}
begin "$rules/bridge.probes" 'a VPN of the layout "bridge"'
walk 'a VPN of the layout "bridge"'
kill "${sleepers[@]}"
# It listens in there.
kill "$MATRIX_PID"
wait
unplug g1 g2

# --- the machine's default -----------------------------------------------------------------------

vpnctl down --force demo >/dev/null
sed -i 's/"layout": "bridge"/"layout": "netns"/' "$RIG_DIR/demo.json"
with '' >/dev/null
ok 'the default' vpnctl default --strict --no-ip demo
container
sysctl -qw net.ipv4.conf.uplink0.forwarding=1
quiet c net
V4=$(ip -4 -o addr show vh-demo | sed 's/.*inet //; s,/.*,,') V6=$(ip -6 -o addr show vh-demo scope global | sed 's/.*inet6 //; s,/.*,,')
C_GW=$(cat /sys/class/net/c0/address) NET_GW=$(mac router inet)
export V4 V6 C_GW NET_GW C_4=10.99.0.2 DNS4=$RIG_DNS_DEMO
places=('far far' 'lan eth0' 'c eth0' 'net router' "up=host $RIG_UPLINK out")
listeners=(far lan c net)
tables=('inet vpnrun-default-demo' 'arp vpnrun-default-demo')
as_was() { vpnctl default --strict --no-ip demo; }
forget() { ip neigh flush dev "$RIG_UPLINK"; } # it would ask again and again for who is not there
begin "$rules/default.probes" 'the default'
walk 'the default'
[ -z "${MATRIX_PID:-}" ] || kill "$MATRIX_PID"
finish
