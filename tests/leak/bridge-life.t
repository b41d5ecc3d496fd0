#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vpnctl up` and `down` of the bridge layout beside a container engine's firewall, a mesh VPN's
# rules and other people's settings: they stay as they are, byte for byte; wrong input is refused
# before anything is touched. (An up or down that is killed or fails: lifecycle.t.) Inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh" || exit

vpnctl down --force demo other >/dev/null
sed -i -E 's/"layout": "[a-z]*"(, "ipv6_forwarding": true)?/"layout": "bridge"/' /etc/vpnrun/demo.json /etc/vpnrun/other.json
cp -p /etc/vpnrun/*.json /etc/vpnrun/*.conf "$RIG_DIR/"
restore() { cp -p "$RIG_DIR"/{demo,other}.{json,conf} /etc/vpnrun/; }

# --- others --------------------------------------------------------------------------------------

nft -f - <<-NFT
	table ip filter {
		chain DOCKER { }
		chain FORWARD { type filter hook forward priority filter; policy drop; jump DOCKER; }
	}
	table ip nat { chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 masquerade; }; }
	table inet vpnrun { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; }
	table bridge vpnrun-demo2 { }
NFT
ip rule add pref 201 from 192.0.2.77 lookup 52
ip rule add pref 101 fwmark 7 lookup 53 proto 117
for p in 5210 5230 5250 5270; do
	for f in -4 -6; do ip $f rule add pref $p fwmark 0x80000/0xff0000 lookup $((p == 5270 ? 52 : 254)); done
done
ip route add 100.64.0.9 dev "$RIG_UPLINK" table 52
ip -6 route add unreachable fd7a:115c:a1e0::/48 table 52
ip route add 203.0.113.250 dev "$RIG_UPLINK" table 3
echo 1 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"
echo 1 >/proc/sys/net/ipv4/conf/lo/forwarding

# Counters and ages are not state.
host_net() {
	ip -o link
	ip -o addr
	for f in -4 -6; do
		ip -o $f rule
		ip -o $f route show table all | sed 's/ expires [0-9]*sec//'
	done
	nft list ruleset | sed '/ ct count over /d'
	cat /etc/resolv.conf
	grep -rs . /proc/sys/net --exclude-dir=stat --exclude='*_key' --exclude=random --exclude=nf_conntrack_count
}
leftovers() {
	find /run/vpnrun /run/wireguard -mindepth 1 ! -name '*.lock' -printf '%p %M\n' 2>/dev/null | sort
	grep -lazsE '^(vpnctl|wireguard-go)$' /proc/[0-9]*/cmdline | while read -r c; do tr '\0' ' ' <"$c"; done 2>/dev/null |
		grep -E '^(vpnctl|wireguard-go) '
}
remember() { clean=$(host_net && leftovers); }
is_clean() { [ "$(host_net && leftovers)" = "$clean" ]; }
why_unclean() { diff <(echo "$clean") <(host_net && leftovers) | grep '^[<>]'; }
one_sentence() { [ "$(wc -l <<<"$1")" = 1 ] && [[ $1 =~ ^vpnctl:.*[a-z0-9.\)]$ ]]; }
remember

echo 0 >/proc/sys/net/ipv4/conf/lo/forwarding
ok 'control: one sysctl is seen' not is_clean
echo 1 >/proc/sys/net/ipv4/conf/lo/forwarding
ip rule add pref 201 from 192.0.2.78 lookup 52
ok 'control: one rule is seen' not is_clean
ip rule del pref 201 from 192.0.2.78
ok 'control: and that they are gone' is_clean

bad=0
sed -i "s|{ |{ \"allow_lan\": [\"$RIG_LAN\"], \"allow_host\": [\"53/udp\"], \"subnets\": [\"198.18.0.0/15\"], |" /etc/vpnrun/demo.json
$RIG_CAPTURE start
for ((i = 0; i < 20; i++)); do
	out=$(vpnctl up demo other 2>&1 && vpnctl up demo 2>&1 && vpnctl down demo other 2>&1) || { bad=$((bad + 1)); diag "$out"; }
	wait_for 5 is_clean || { bad=$((bad + 1)); diag "$(why_unclean)"; }
done
is $bad 0 'R12 R37: 20 times up, up and down of two: rules, routes, nft, sysctls of others as before, its own gone'
restore

# --- wrong input ---------------------------------------------------------------------------------

refused() { # refused PATTERN WHAT [NAME]: up says so in one sentence, and nothing has changed
	local out
	out=$(vpnctl up "${3:-demo}" 2>&1)
	like "$? $(one_sentence "$out" && echo "$out")" "^1 .*$1" "$2"
	is_clean || {
		is "$(why_unclean)" '' "$2: nothing has changed"
		vpnctl down --force demo other >/dev/null
	}
}
put() { sed -i "s|{ |{ $2, |" "/etc/vpnrun/$1.json"; }
netns() { sed -i 's/"layout": "bridge"/"layout": "netns"/' "/etc/vpnrun/$1.json"; }
sed -i 's/"id": 2/"id": 1/' /etc/vpnrun/other.json
refused "id 1 .*other" 'two with one id: refused'
netns other
refused "id 1 .*other" 'two with one id, of two layouts: refused'
refused "id 1 .*demo" 'the same seen from the other' other
restore
put demo '"subnet": "10.99.1.0/24"'
put other '"subnet": "10.99.0.0/22"'
refused "subnet.*demo.*overlaps.*other" 'overlapping subnets: refused'
netns other
refused "subnet.*other.*overlaps.*demo" 'overlapping subnets of two layouts: refused' other
restore
put demo "\"subnet\": \"${RIG_LAN%.*}.0/24\""
refused "${RIG_LAN%.*}\\.0/24 dev $RIG_UPLINK overlaps" "R51: the LAN's subnet: refused, its route named"
restore
put demo "\"subnets\": [\"198.51.100.0/24\", \"${RIG_LAN%.*.*}.0.0/16\"]"
refused "route ${RIG_LAN%.*}\\.0/24 dev $RIG_UPLINK overlaps ${RIG_LAN%.*.*}\\.0\\.0/16 of \"subnets\"" 'R24: subnets with the LAN in one of them: refused'
restore
put demo '"subnets": ["198.18.0.0/15"]'
put other '"subnets": ["198.19.1.0/24"]'
refused "198.18.0.0/15 of \"subnets\" of VPN 'demo' overlaps 198.19.1.0/24 of VPN 'other'" 'R24: subnets of two VPNs overlap: refused'
refused "198.19.1.0/24 of \"subnets\" of VPN 'other' overlaps 198.18.0.0/15 of VPN 'demo'" 'R24: the same seen from the other' other
restore
put demo '"subnets": ["10.20.0.0/16"]'
refused "10.20.0.0/16 of \"subnets\" of VPN 'demo' overlaps the subnet of VPN 'other'" "R24: subnets with another VPN's own: refused"
restore
put demo "\"subnets\": [\"${RIG_ENDPOINT4%.*}.0/24\", \"${RIG_ENDPOINT6%::*}::/64\"]"
echo 2 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"
vpnctl up demo >/dev/null
works() { [ "$(curl -s -m 3 --interface 10.64.0.2 "http://$RIG_WEB4/")" = demo ]; }
carries() {
	wait_for 30 works && return
	vpnctl status demo
	ip -s link show demo
	cat /proc/sys/net/ipv4/conf/{all,demo,"$RIG_UPLINK"}/rp_filter
	tail -n 3 /run/vpnrun/demo.log
	return 1
}
ok 'R24: subnets with the endpoint in one of them: it works' carries
like "$(ip route get "$RIG_ENDPOINT4")" 'dev demo ' 'R24: what is for that address goes through the VPN'
like "$(ip route get "$RIG_ENDPOINT4" mark 10001)" "dev $RIG_UPLINK " 'R24: what is encrypted already does not, a second time'
like "$(ip route get "$RIG_ENDPOINT6")" 'dev demo ' 'R24: by IPv6, too'
like "$(ip route get "$RIG_ENDPOINT6" mark 10001)" "dev $RIG_UPLINK " 'R24: nor by IPv6'
vpnctl down demo >/dev/null
echo 1 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"
ok 'and down takes that away' wait_for 5 is_clean
restore
put demo '"bridge": "br0"'
put other '"bridge": "br0"'
refused "bridge br0 .*demo.*other" 'one bridge name in two files: refused'
restore
put other '"bridge": "demo"'
refused "demo.*other.*bridge" "a bridge called as another's device: refused"
restore
first=$clean
for kind in bridge 'veth peer name x0'; do
	# shellcheck disable=SC2086
	ip link add br-demo type $kind
	remember
	refused 'interface br-demo already.*not vpnrun' "a device called br-demo that is not ours ($kind): refused"
	vpnctl down demo >/dev/null 2>&1
	ok 'and down leaves it alone' is_clean
	ip link del br-demo
done
clean=$first
ok 'all is as before' wait_for 5 is_clean

$RIG_CAPTURE stop >/dev/null
is "$($RIG_CAPTURE list | grep -cE '(^|[ ])(10\.64\.|10\.2\.0\.|10\.20\.|fd64:|fd02:|fd76:)')" 0 \
	'L02: through all of that nothing of the VPNs left by the uplink'
# A device that somebody has put into the place of the bridge is theirs.
: >/run/vpnrun/no-repair
vpnctl up --no-wait demo >/dev/null
ip link delete br-demo
ip link add br-demo type veth peer name theirs
ok 'R76: down of a VPN in whose place somebody has put a device' vpnctl down --force demo
ok 'which stays' ip link delete br-demo
rm /run/vpnrun/no-repair
finish
