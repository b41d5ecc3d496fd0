#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout: what is plugged into br-demo by hand goes through the VPN alone, whichever of the
# three means that keep it in is taken away; the host is as before afterwards. Runs inside the rig,
# whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
probe=$RIG_DIR/build/tests/net/probe
to_bridge

# Others' tables, rules and routes, which must be as they are at the end.
nft -f - <<-X
	table inet others { chain forward { type filter hook forward priority filter; policy accept; counter comment "others"; }; }
	table ip vpnrun { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; }
X
ip rule add pref 201 from 192.0.2.77 lookup 52
ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
ip -6 rule add pref 5270 lookup 52
ip route add 100.64.0.9 dev "$RIG_UPLINK" table 52
# A strict host: what is new is strict too.
for d in default "$RIG_UPLINK"; do echo 1 >"/proc/sys/net/ipv4/conf/$d/rp_filter"; done
# shellcheck disable=SC2016
snapshot() {
	ip -o rule
	ip -6 -o rule
	ip -o route show table all
	ip -6 -o route show table all
	ip -o addr | sed 's/valid_lft.*//'
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//; / ct count over /d'
	grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward \
		/proc/sys/net/ipv4/icmp_ratelimit 2>/dev/null | grep -v 'stable_secret' | sort
	find /run/vpnrun ! -name '*.lock' ! -name '*.health.new' | sort
	cat /etc/resolv.conf
}
strictness() { grep . /proc/sys/net/ipv4/conf/*/rp_filter | grep -vE '/(br-)?(demo|other)/'; }
snapshot >"$RIG_DIR/before"
strict=$(strictness)
ok 'up' vpnctl up demo
ok 'up of a second VPN beside it' vpnctl up other
is "$(curl -s -m 5 "http://$RIG_WEB4/") $(curl -s -m 5 "http://$RIG_WEB6/")" 'clear clear' 'R03: what is not sent there goes directly'
is "$(cat /proc/sys/net/ipv4/ip_forward)$(cat /proc/sys/net/ipv6/conf/all/forwarding)" "$([ "$own6" ] && echo 00 || echo 01)" 'no forwarding switch of the whole machine unasked'
rules() { ip -o rule; ip -6 -o rule; }
is "$(strictness)" "$strict" 'R25: the reverse path of other devices is as strict as before'
is "$(cat /proc/sys/net/ipv4/conf/{br-demo,demo}/rp_filter)" $'1\n2' "R25: the tunnel's alone is loose"
r=$(rules)
vpnctl up demo >/dev/null
is "$(rules)" "$r" 'R13: up twice: the same rules'
is "$(ip -o -4 addr show br-demo | grep -c '10\.20\.1\.1/24')" 1 'the bridge has the address of its id'
like "$r" '201:.*from 10\.20\.1\.0/24 lookup 1' 'the rule has the priority and the table of its id'
is "$(wg show demo fwmark)" 0x2711 'R17: the tunnel has the mark of its id'
is "$(wg show other fwmark)" 0x2712 'R17: the other its own'

# Clients by hand: containers, as far as the bridge is concerned.
in_hand() { ip netns exec hand timeout 20 "$@"; }
# A handshake that is lost is tried again after 5 seconds.
get() { in_hand curl -s -m "${2:-12}" "http://$1/"; }
plug hand 200
plug second 201
$RIG_CAPTURE start
is "$(get "$RIG_WEB4")" demo 'R20: a client by hand reaches the VPN, IPv4'
is "$(get "$RIG_WEB6")" demo 'R20: the same by IPv6'
is "$(as_user vpnrun demo curl -s -m 5 "http://$RIG_WEB4/")" demo 'R20: so does a cable of the broker'
is "$(as_user vpnrun other curl -s -m 5 "http://$RIG_WEB4/")" other 'the other VPN at the same time'
is "$(get "$RIG_LAN" 1)$(get "[$RIG_LAN6_ADDR]" 1)" '' 'R22: the LAN is not reached'
is "$($RIG_CAPTURE stop)" 0 'nothing of it left by the uplink'
is "$(curl -s -m 5 "http://$RIG_LAN/" "http://[$RIG_LAN6_ADDR]/" | xargs)" 'lan lan' 'control: it is there, for the host'
ok 'control: the gateway answers' in_hand ping -c 1 -W 2 10.20.1.1
ok 'L19: another client of the bridge is answered by itself only' not ip netns exec hand ping -c 1 -W 1 10.20.2.1
as_user vpnrun demo sh -c 'echo $$ >"$HOME/pid"; exec sleep 300' &
job=$!
home=$(as_user sh -c 'echo $HOME')
wait_for 10 test -s "$home/pid"
wait_for 10 grep -q sleep "/proc/$(cat "$home/pid")/comm"
v4=$(nsenter -t "$(cat "$home/pid")" -n ip -4 -o addr show vpn0 | sed 's/.*inet //; s,/.*,,')
ok 'control: the host reaches a cable' ping -c 1 -W 2 "$v4"
ok 'L19: a client by hand does not reach a cable' not in_hand ping -c 1 -W 1 "$v4"
ok 'L19: nor a cable a client' not nsenter -t "$(cat "$home/pid")" -n ping -c 1 -W 1 10.20.1.200
ip -n second addr add "$v4/24" dev eth0
is "$(ip netns exec second curl -s -m 2 --interface "$v4" "http://$RIG_WEB4/")" '' "L19: a cable's address is of no use to a client"
kill $job
wait $job 2>/dev/null

# Each of the means taken away, and each left alone, under flows that never end: nothing leaves.
take_away() { # take_away PART[+PART]...
	local part parts
	IFS=+ read -r -a parts <<<"$1"
	for part in "${parts[@]}"; do
		case $part in
		tunnel)
			if [ "$RIG_WG" = go ]; then freeze demo; fi
			ip link delete demo ;;
		firewall) no_tables demo ;;
		routes) # A flush of IPv6 passes the last one over.
			ip route flush table 1
			ip -6 route flush table 1
			ip -6 route delete unreachable default table 1 ;;
		'lookup rule')
			ip rule delete pref 201 from 10.20.1.0/24 lookup 1
			ip -6 rule delete pref 201 from fd76:706e:7275:1::/64 lookup 1 ;;
		'last rule')
			ip rule delete pref 201 from 10.20.1.0/24 unreachable
			ip -6 rule delete pref 201 from fd76:706e:7275:1::/64 unreachable ;;
		rules) no_rules 1 ;;
		esac
	done
}
give_back() { # what was stopped for take_away goes on, and up repairs
	case $1$RIG_WG in tunnel*go) thaw demo ;; esac
	vpnctl up demo >/dev/null
}
in_ns demo "$probe" serve :: 7007 demo >/dev/null &
flows=($!)
in_ns internet "$probe" serve :: 7007 clear >/dev/null &
flows+=($!)
ip netns exec hand "$probe" flow "$RIG_WEB4" 7007 "$RIG_DIR/flow4" &
flows+=($!)
ip netns exec hand "$probe" flow "$RIG_WEB6_ADDR" 7007 "$RIG_DIR/flow6" &
flows+=($!)
flows_are() { [ "$(cut -d' ' -f2 "$RIG_DIR/flow4")$(cut -d' ' -f2 "$RIG_DIR/flow6")" = "$1$1" ]; }
sent() { cut -d' ' -f1 "$RIG_DIR/flow$1"; }
more() { [ "$(sent 4)" -gt "$1" ] && [ "$(sent 6)" -gt "$2" ]; }
a_few() { wait_for 20 more $(($(sent 4) + 4)) $(($(sent 6) + 4)); } # datagrams of each flow
left() { $RIG_CAPTURE list | grep -c "^$1 .*> $2 "; }
turns=(tunnel firewall routes rules tunnel+rules+routes tunnel+firewall+routes 'tunnel+firewall+last rule')
[ "${RIG_SLOW:-}" ] || turns+=('lookup rule')
for what in "${turns[@]}"; do
	ok "R21: flows of a client go through the VPN, both families ($what)" wait_for 15 flows_are demo
	$RIG_CAPTURE start
	take_away "$what"
	a_few
	is "$(get "$RIG_WEB4" 1)$(get "$RIG_WEB6" 1)" '' "L03 R21: $what taken away: a client reaches nothing"
	is "$($RIG_CAPTURE stop)" 0 "L03 R21: $what taken away: nothing left by the uplink, of the flows either"
	like "$(vpnctl status demo)" degraded "L03: $what taken away: status says so"
	give_back "$what"
	is "$(get "$RIG_WEB4")$(get "$RIG_WEB6")" demodemo "R76: the next up puts back: $what"
done
$RIG_CAPTURE start
take_away tunnel+firewall+routes+rules
a_few
get "$RIG_WEB4" 1
get "$RIG_WEB6" 1
$RIG_CAPTURE stop >/dev/null
for a in "$RIG_WEB4" "$RIG_WEB6_ADDR"; do
	ok "control: all of them taken away: the flow is seen to leave, to $a" test "$(left udp "$a")" -gt 0
	ok "control: and a connection is" test "$(left tcp "$a")" -gt 0
done
give_back tunnel
ok 'R76: the next up puts all back: the same flows go through the VPN' wait_for 15 flows_are demo

# What is the tunnel's own.
is "$(curl -s -m 5 --interface 10.64.0.2 "http://$RIG_WEB4/")" demo 'R23: a socket of the tunnel'"'"'s address goes through the VPN, IPv4'
is "$(curl -s -m 5 --interface fd64:64::2 "http://$RIG_WEB6/")" demo 'R23: the same by IPv6'
echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter
is "$(get "$RIG_WEB4")" demo 'R25: a host with strict reverse paths hears the answers'
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
lan() { in_ns lan "$@"; }
lan ip route add 10.64.0.2 via "$RIG_HOST4"
lan ip route add fd64:64::2 via "$RIG_HOST6"
echoes() { # how many questions the host has heard
	case $1 in
	10.64.0.2) awk '/^Icmp: [0-9]/ { print $10 }' /proc/net/snmp ;;
	*) awk '/^Icmp6InEchos / { print $2 }' /proc/net/snmp6 ;;
	esac
}
echo 0 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter" # a strict uplink would not hear it either
for a in 10.64.0.2 fd64:64::2; do
	n=$(echoes $a)
	lan ping -c 1 -W 1 $a >/dev/null
	is "$(echoes $a)" "$n" "L21: the tunnel's address hears nothing from the LAN: $a"
	nft delete table inet vpnrun-demo
	lan ping -c 1 -W 1 $a >/dev/null
	ok "control: without the firewall it does: $a" test "$(echoes $a)" -gt "$n"
	lan ip route delete $a
	vpnctl up demo >/dev/null
done
echo 1 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"

# What the file opens.
with "\"subnets\": [\"${RIG_WEB4%.*}.0/24\"], " >/dev/null
is "$(curl -s -m 5 "http://$RIG_WEB4/")" demo 'R24: a subnet that is always by this VPN'
$RIG_CAPTURE start
take_away tunnel
is "$(curl -s -m 1 "http://$RIG_WEB4/")" '' 'R24: the tunnel gone: not in the clear'
is "$($RIG_CAPTURE stop)" 0 'R24: nothing left by the uplink'
[ "$RIG_WG" != go ] || thaw demo
with '' >/dev/null
ok 'what is for this layout is refused in the other' not vpnctl check <(sed 's/"bridge"/"netns"/; s/{ /{ "subnets": [], /' "$RIG_DIR/demo.json")

# Down while a client holds the bridge: closed, and kept.
$RIG_CAPTURE start
like "$(vpnctl down demo)" 'stays|closed' 'down while in use: says that the bridge stays'
a_few
is "$(get "$RIG_WEB4" 1)$(get "$RIG_WEB6" 1)" '' 'R21: down: a client reaches nothing'
is "$($RIG_CAPTURE stop)" 0 'R21: down: nothing left by the uplink, of the flows either'
ok 'up again' vpnctl up demo
is "$(get "$RIG_WEB4")" demo 'R21: the same client works again'
ok 'R21: and its flows' wait_for 15 flows_are demo
kill "${flows[@]}"
wait "${flows[@]}" 2>/dev/null
unplug hand second
wait_for 20 free br-demo
wait_for 20 free br-other
ok 'down' vpnctl down demo
ok 'down of the other' vpnctl down other
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R12 R37: the host is as before'
ok 'R13: down again: no error' vpnctl down demo
for ((i = 0; i < 3; i++)); do vpnctl up demo >/dev/null && vpnctl down demo >/dev/null; done
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R37: also after three more rounds'

# A bridge of another name, and one of few addresses: an address that somebody took by hand is the last
# that a program gets, and neither vpnctl's own cable.
with '"bridge": "br-mine", "subnet": "10.99.7.0/29", "limit": 5, ' >/dev/null
plug hand 5 demo br-mine 10.99.7
is "$(get "$RIG_WEB4")$(get "$RIG_WEB6")" demodemo 'R20: a bridge of another name: a client reaches the VPN'
is "$(as_user vpnrun demo curl -s -m 5 "http://$RIG_WEB4/")" demo 'R20: so does a cable of the broker'
ok 'R20: and there is none of the usual name' not ip link show br-demo
got=$(for i in 1 2 3 4 5 6; do
	as_user vpnrun demo ip -4 -o addr show vpn0
	vpnctl status demo >/dev/null
done)
like "$got" '10\.99\.7\.[2346]/' 'control: six programs have had addresses'
ok 'R20: and none that of a client by hand' not grep -q '10\.99\.7\.5/' <<<"$got"
is "$(get "$RIG_WEB4" 5)" demo 'R20: no program took the address of a client by hand'
jobs=()
for i in 2 3 4 6; do
	as_user vpnrun demo sleep 60 &
	jobs+=($!)
done
cables() { [ "$(find /sys/class/net/br-mine/brif/ -name 'vr1.*' | wc -l)" = "$1" ]; }
wait_for 20 cables 4
ok 'control: unless all others are taken' as_user vpnrun demo test -e /sys/class/net/vpn0
kill "${jobs[@]}"
wait "${jobs[@]}" 2>/dev/null
unplug hand
wait_for 20 free br-mine
is "$(vpnctl down demo)" 'demo is down' 'R20: down'
cp "$RIG_DIR/demo.json" /etc/vpnrun/demo.json
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R12 R37: it leaves nothing behind'

# Somebody else's device of that name; an up that is killed.
ip link add demo type veth peer name demo-peer
like "$(vpnctl up demo 2>&1)" 'interface demo already' 'a device of that name that is not ours: refused'
ok 'and left alone' ip link show demo
vpnctl down demo >/dev/null 2>&1
ok 'also by down' ip link show demo
ip link delete demo
for n in 120 200 $([ "${RIG_SLOW:-}" ] || echo 40 160 260); do
	strace -qq -o /dev/null -e inject=all:signal=SIGKILL:when=$n vpnctl up demo >/dev/null 2>&1
	vpnctl down demo >/dev/null
	snapshot >"$RIG_DIR/after"
	is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' "R76: up killed at its system call $n: down clears it"
done
finish
