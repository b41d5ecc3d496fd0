#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The bridge layout: what is plugged into br-demo by hand goes by the VPN alone, whichever of the
# three means that keep it in is taken away; the host is as before afterwards. Runs inside the rig,
# whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

vpnctl down --force demo >/dev/null
vpnctl down --force other >/dev/null
all=''
[ -e /proc/sys/net/ipv6/conf/default/force_forwarding ] || all=', "ipv6_forwarding": true'
sed -i -E "s/\"layout\": \"[a-z]*\"(, \"ipv6_forwarding\": true)?/\"layout\": \"bridge\"$all/" /etc/vpnrun/demo.json /etc/vpnrun/other.json
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
}

# Others' tables, rules and routes, which must be as they are at the end.
nft -f - <<-X
	table inet others { chain forward { type filter hook forward priority filter; policy accept; counter comment "others"; }; }
	table ip vpnrun { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; }
X
ip rule add pref 201 from 192.0.2.77 lookup 52
ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
ip -6 rule add pref 5270 lookup 52
ip route add 100.64.0.9 dev "$RIG_UPLINK" table 52
# shellcheck disable=SC2016
snapshot() {
	ip -o rule
	ip -6 -o rule
	ip -o route show table all
	ip -6 -o route show table all
	ip -o addr | sed 's/valid_lft.*//'
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'
	grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward \
		/proc/sys/net/ipv4/icmp_ratelimit 2>/dev/null | grep -v 'stable_secret' | sort
	find /run/vpnrun ! -name '*.lock' | sort
	cat /etc/resolv.conf
}
snapshot >"$RIG_DIR/before"
ok 'up' vpnctl up demo
ok 'up of a second VPN beside it' vpnctl up other
is "$(curl -s -m 5 "http://$RIG_WEB4/") $(curl -s -m 5 "http://$RIG_WEB6/")" 'clear clear' 'R03: what is not sent there goes directly'
is "$(cat /proc/sys/net/ipv4/ip_forward)$(cat /proc/sys/net/ipv6/conf/all/forwarding)" "$([ "$all" ] && echo 01 || echo 00)" 'no forwarding switch of the whole machine unasked'
rules() { ip -o rule; ip -6 -o rule; }
r=$(rules)
vpnctl up demo >/dev/null
is "$(rules)" "$r" 'R13: up twice: the same rules'
is "$(ip -o -4 addr show br-demo | grep -c '10\.20\.1\.1/24')" 1 'the bridge has the address of its id'
like "$r" '201:.*from 10\.20\.1\.0/24 lookup 1' 'the rule has the priority and the table of its id'
is "$(wg show demo fwmark)" 0x2711 'R17: the tunnel has the mark of its id'
is "$(wg show other fwmark)" 0x2712 'R17: the other its own'

# A client by hand: a container, as far as the bridge is concerned.
plug() { # plug NAME H: namespace NAME with 10.20.1.H on br-demo
	ip netns add "$1"
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br-demo up
	ip -n "$1" link set lo up
	ip -n "$1" addr add "10.20.1.$2/24" dev eth0
	ip -n "$1" addr add "fd76:706e:7275:1::1:$2/64" dev eth0 nodad
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via 10.20.1.1
	ip -n "$1" route add default via fd76:706e:7275:1::1
}
in_hand() { ip netns exec hand timeout 10 "$@"; }
get() { in_hand curl -s -m "${2:-5}" "http://$1/"; }
plug hand 200
plug second 201
$RIG_CAPTURE start
is "$(get "$RIG_WEB4")" demo 'R20: a client by hand reaches the VPN, IPv4'
is "$(get "$RIG_WEB6")" demo 'R20: the same by IPv6'
is "$(as_user vpnrun demo curl -s -m 5 "http://$RIG_WEB4/")" demo 'R20: so does a cable of the broker'
is "$(as_user vpnrun other curl -s -m 5 "http://$RIG_WEB4/")" other 'the other VPN at the same time'
for a in "$RIG_LAN" "[$RIG_LAN6_ADDR]" "$RIG_HOST4" "[$RIG_HOST6]"; do
	is "$(get "$a" 2)" '' "R22: $a (LAN, host) is not reached"
done
is "$($RIG_CAPTURE stop)" 0 'nothing of it left by the uplink'
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

# Each of the three means alone, and the tunnel: nothing leaves.
$RIG_CAPTURE start
is "$(curl -s -m 5 "http://$RIG_WEB4/")" clear 'control: the host itself leaves in the clear'
ok 'control: the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0
take_away() {
	case $1 in
	tunnel)
		if [ "$RIG_WG" = go ]; then kill -STOP "$(cat /run/vpnrun/demo.supervisor)"; fi
		ip link delete demo ;;
	firewall) nft 'delete table inet vpnrun-demo; delete table bridge vpnrun-demo' ;;
	routes) ip route flush table 1; ip -6 route flush table 1 ;;
	'lookup rule')
		ip rule delete pref 201 from 10.20.1.0/24 lookup 1
		ip -6 rule delete pref 201 from fd76:706e:7275:1::/64 lookup 1 ;;
	rules)
		while ip rule delete pref 201 proto kernel 2>/dev/null; do :; done
		while ip -6 rule delete pref 201 proto kernel 2>/dev/null; do :; done ;;
	esac
}
for what in tunnel firewall routes 'lookup rule' rules; do
	$RIG_CAPTURE start
	take_away "$what"
	is "$(get "$RIG_WEB4" 1)$(get "$RIG_WEB6" 1)" "$([ "$what" != firewall ] || get "$RIG_WEB4" 1)" \
		"L03 R21: the $what taken away: a client reaches nothing"
	in_hand "$RIG_DIR/build/tests/net/probe" udp "$RIG_WEB4" 80 >/dev/null
	is "$($RIG_CAPTURE stop)" 0 "L03 R21: the $what taken away: nothing left by the uplink"
	[ "$what" = routes ] || like "$(vpnctl status demo)" degraded "L03: the $what taken away: status says so"
	[ "$what$RIG_WG" != tunnelgo ] || kill -CONT "$(cat /run/vpnrun/demo.supervisor)"
	vpnctl up demo >/dev/null
	is "$(get "$RIG_WEB4")$(get "$RIG_WEB6")" demodemo "R76: the next up puts the $what back"
done

# What is the tunnel's own.
is "$(curl -s -m 5 --interface 10.64.0.2 "http://$RIG_WEB4/")" demo 'R23: a socket of the tunnel'"'"'s address goes by the VPN, IPv4'
is "$(curl -s -m 5 --interface fd64:64::2 "http://$RIG_WEB6/")" demo 'R23: the same by IPv6'
echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter
is "$(get "$RIG_WEB4")" demo 'R25: a host with strict reverse paths hears the answers'
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
lan() { nsenter --net="$RIG_DIR/ns/lan" "$@"; }
lan ip route add 10.64.0.2 via "$RIG_HOST4"
echoes() { awk '/^Icmp: [0-9]/ { print $10 }' /proc/net/snmp; }
n=$(echoes)
lan ping -c 1 -W 1 10.64.0.2 >/dev/null
is "$(echoes)" "$n" "L21: the tunnel's address hears nothing from the LAN"
nft delete table inet vpnrun-demo
lan ping -c 1 -W 1 10.64.0.2 >/dev/null
ok 'control: without the firewall it does' test "$(echoes)" -gt "$n"
lan ip route delete 10.64.0.2
vpnctl up demo >/dev/null
lan ip route add 10.20.1.0/24 via "$RIG_HOST4"
ok 'a client is not reached from the LAN' not lan ping -c 1 -W 1 10.20.1.200
lan ip route delete 10.20.1.0/24

# What the file opens.
with "\"subnets\": [\"${RIG_WEB4%.*}.0/24\"], "
is "$(curl -s -m 5 "http://$RIG_WEB4/")" demo 'R24: a subnet that is always by this VPN'
$RIG_CAPTURE start
take_away tunnel
is "$(curl -s -m 1 "http://$RIG_WEB4/")" '' 'R24: the tunnel gone: not in the clear'
is "$($RIG_CAPTURE stop)" 0 'R24: nothing left by the uplink'
[ "$RIG_WG" != go ] || kill -CONT "$(cat /run/vpnrun/demo.supervisor)"
with '"allow_host": ["8099/tcp"], '
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die;
	print "ready\n"; close STDOUT; while ($c = $s->accept) { print $c "HTTP/1.0 200 OK\r\n\r\nhost"; close $c }' 8099 >"$RIG_DIR/ready" &
serve=$!
wait_for 10 test -s "$RIG_DIR/ready"
is "$(get 10.20.1.1:8099 2)" host 'R22: allow_host opens a port of the host'
with ''
is "$(get 10.20.1.1:8099 2)" '' 'R22: closed again'
kill $serve
ok 'what is for this layout is refused in the other' not vpnctl check <(sed 's/"bridge"/"netns"/; s/{ /{ "subnets": [], /' "$RIG_DIR/demo.json")

# firejail takes itself to be in a sandbox where it sees no kernel thread: it is shown one.
if command -v firejail >/dev/null; then
	echo kthreadd >"$RIG_DIR/kthreadd"
	# shellcheck disable=SC2016
	is "$(unshare -m sh -c 'mount --bind "$1" /proc/1/comm && shift && exec "$@"' - "$RIG_DIR/kthreadd" \
		timeout 30 firejail --quiet --noprofile --net=br-demo curl -s -m 10 "http://$RIG_WEB4/" 2>"$RIG_DIR/fj")" demo \
		'R20: firejail --net=br-demo reaches the VPN'
	diag "$(cat "$RIG_DIR/fj")"
elif [ -z "${RIG_SLOW:-}" ]; then # the guest has none
	skip 'firejail is not installed' 'R20: firejail --net=br-demo reaches the VPN'
fi

# Down while a client holds the bridge: closed, and kept.
$RIG_CAPTURE start
like "$(vpnctl down demo)" 'stays|closed' 'down while in use: says that the bridge stays'
is "$(get "$RIG_WEB4" 1)$(get "$RIG_WEB6" 1)" '' 'R21: down: a client reaches nothing'
is "$($RIG_CAPTURE stop)" 0 'R21: down: nothing left by the uplink'
ok 'up again' vpnctl up demo
is "$(get "$RIG_WEB4")" demo 'R21: the same client works again'
ip netns delete hand
ip netns delete second
ip link delete hand 2>/dev/null
ip link delete second 2>/dev/null
ok 'down' vpnctl down demo
ok 'down of the other' vpnctl down other
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R12 R37: the host is as before'
ok 'R13: down again: no error' vpnctl down demo
for ((i = 0; i < 3; i++)); do vpnctl up demo >/dev/null && vpnctl down demo >/dev/null; done
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R37: also after three more rounds'

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
