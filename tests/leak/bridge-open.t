#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout: what a VPN's file opens (the LAN, the machine's switch for IPv6), and what must
# not outlive a way: flows of the old one, sockets of the tunnel's own address. Runs inside the rig,
# whatever the rig's own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"

to_bridge no-switch
all_of() { cat "/proc/sys/net/$1"; }
switches() { # of the machine, and of devices that are not the VPNs'
	grep -H . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/{forwarding,accept_ra,force_forwarding} 2>/dev/null |
		grep -vE '/(demo|br-demo|other|br-other|hand|vr1\.[0-9]+)/'
}
in_hand() { ip netns exec hand "$@"; }
get() { in_hand curl -s -m "${2:-5}" "http://$1/"; }
how() { in_hand "$probe" "$1" "$2" 80 | cut -d' ' -f1; }
seen() { # seen PATTERN: of what left by the uplink since the capture began, how many
	$RIG_CAPTURE stop >/dev/null
	$RIG_CAPTURE list | grep -cE "$1"
}
refused='^(refused|unreachable)$'

# --- IPv6 ----------------------------------------------------------------------------------------

before=$(switches)
echo 1 >/proc/sys/net/ipv6/conf/lo/forwarding # somebody's own setting
echo 1 >"/proc/sys/net/ipv6/conf/$RIG_UPLINK/accept_ra"
first=$(switches)
out=$(vpnctl up demo 2>&1)
plug hand 200
if [ "$own6" ]; then
	like "$out" '^demo is up: the server answers, at [^ ]*$' 'up'
	is "$(get "[$RIG_WEB6_ADDR]")" demo 'R20: IPv6 is forwarded'
	with '"ipv6_forwarding": true, ' >/dev/null
	is "$(switches)" "$first" 'R03: where devices have their own setting, the switch of the machine is not touched'
else
	like "$out" 'note: IPv6 from br-demo is refused.*"ipv6_forwarding": true' 'up says that IPv6 is not forwarded, and what to do'
	like "$(vpnctl status demo)" 'IPv6 from br-demo is refused' 'so does status'
	$RIG_CAPTURE start
	like "$(how tcp "$RIG_WEB6_ADDR")" "$refused" 'R21: a client is refused at once, TCP'
	like "$(how udp "$RIG_WEB6_ADDR")" "$refused" 'R21: and UDP'
	is "$(get "$RIG_WEB4")" demo 'while IPv4 goes through the VPN'
	is "$(seen .)" 0 'R21: nothing left by the uplink'
	is "$(switches)" "$first" 'R03: the switch of the machine is not touched'
	out=$(with '"ipv6_forwarding": true, ' 2>&1)
	like "$out" '^demo is up: the server answers, at [^ ]*$' 'with the key: up'
	is "$(get "[$RIG_WEB6_ADDR]")" demo 'R20: IPv6 is forwarded'
	is "$(all_of ipv6/conf/all/forwarding) $(all_of "ipv6/conf/$RIG_UPLINK/accept_ra") $(all_of ipv6/conf/default/accept_ra)" \
		'1 2 2' 'the switch is on, and the uplink goes on taking router advertisements'
	in_ns router ip -6 addr flush dev host scope link
	is "$(curl -s -m 5 "http://$RIG_WEB6/")" clear 'R03: the host itself has its IPv6'
	sed -i 's/{ /{ "ipv6_forwarding": true, /' /etc/vpnrun/other.json
	vpnctl up other >/dev/null
	unplug hand
	vpnctl down demo >/dev/null
	is "$(all_of ipv6/conf/all/forwarding)" 1 'one of two that asked goes down: the switch stays'
	kill -9 "$(cat /run/vpnrun/other.supervisor 2>/dev/null)" 2>/dev/null
	vpnctl down other >/dev/null
	is "$(switches)" "$first" 'R37: the last one down puts all back, exactly'
	for n in 60 140; do
		strace -qq -o /dev/null -e trace=openat,write -e inject=openat,write:signal=SIGKILL:when=$n vpnctl up demo >/dev/null 2>&1
		vpnctl down demo >/dev/null
		is "$(switches)" "$first" "R76: up killed at its file call $n: down puts all back"
	done
	for n in 20 50; do
		vpnctl up demo >/dev/null
		strace -qq -o /dev/null -e trace=openat,write -e inject=openat,write:signal=SIGKILL:when=$n vpnctl down demo >/dev/null 2>&1
		vpnctl down demo >/dev/null
		is "$(switches)" "$first" "R76: down killed at its file call $n: the next down puts all back"
	done
	vpnctl up demo >/dev/null
	plug hand 200
	with '' >/dev/null 2>&1
	is "$(switches)" "$first" 'the key taken out, and up: all put back'
	with '"ipv6_forwarding": true, ' >/dev/null
fi
key6=$([ "$own6" ] || echo '"ipv6_forwarding": true, ')

# --- the LAN -------------------------------------------------------------------------------------

lan6=${RIG_LAN6_ADDR%::*}::/64
is "$(curl -s -m 5 "http://$RIG_LAN/")" lan 'control: the host reaches the LAN'
$RIG_CAPTURE start
like "$(how tcp "$RIG_LAN") $(how tcp "$RIG_LAN6_ADDR")" '(demo|refused|unreachable|timeout) (demo|refused|unreachable|timeout)' 'R22: without the key a client does not reach the LAN'
is "$(seen .)" 0 'R22: nothing left by the uplink'
as_user vpnrun demo sleep 600 &
sandbox=$!
may() { [ "$(vpnctl status demo --json | sed -n 's/.*"lan": //p' | xargs)" = "$1" ]; }
ok 'R70: as status says of a program' wait_for 10 may false
with "$key6\"allow_lan\": [\"${RIG_LAN%.*}.0/24\", \"$lan6\"], " >/dev/null
ok 'R70: with the key everybody on the bridge may' may true
kill $sandbox
wait $sandbox 2>/dev/null
$RIG_CAPTURE start
is "$(get "$RIG_LAN") $(get "[$RIG_LAN6_ADDR]")" 'lan lan' 'R22: allow_lan: a client reaches the LAN, both families'
is "$(as_user vpnrun demo curl -s -m 5 "http://$RIG_LAN/")" lan 'R22: so does a program under vpnrun'
is "$(seen "(^|[ ])(10\\.20\\.|10\\.64\\.|fd76:|fd64:)")" 0 'R22: with the address of the host'
is "$(get "$RIG_WEB4") $(get "[$RIG_WEB6_ADDR]")" 'demo demo' 'R22: all else goes through the VPN'
"$RIG_DIR/build/rig/webd" host >/dev/null &
web=$!
by_lan() { in_ns lan curl -s -m 5 "http://$RIG_HOST4/" "http://[$RIG_HOST6]/" | xargs; }
host_serves() { [ "$(by_lan)" = 'host host' ]; }
ok 'control: the LAN reaches a service of the host' wait_for 10 host_serves
is "$(get "$RIG_HOST4" 1)$(get "[$RIG_HOST6]" 1)$(get 10.20.1.1 1)$(get '[fd76:706e:7275:1::1]' 1)" '' 'R22: a client does not'
kill $web
is "$(all_of "ipv4/conf/$RIG_UPLINK/forwarding") $(all_of ipv4/ip_forward)" '1 0' 'the uplink alone lets answers in'
# It is no router for the LAN.
in_ns lan ip route add "$RIG_WEB4" via "$RIG_HOST4"
through() { # by the rig's host, which sends it back into the LAN by its own way
	$RIG_CAPTURE start
	in_ns lan timeout 2 "$probe" tcp "$RIG_WEB4" 80 >/dev/null
	seen "$RIG_LAN .*> $RIG_WEB4"
}
is "$(through)" 0 'R22: whom it does not know does not go through by it'
nft flush chain inet vpnrun-demo forward
ok 'control: without its firewall one would' test "$(through)" -gt 0
in_ns lan ip route delete "$RIG_WEB4"
with "$key6\"allow_lan\": [\"$RIG_LAN\"], " >/dev/null
is "$(get "$RIG_LAN")" lan 'R22: allow_lan: one host'
ok 'R22: and no other' not in_hand ping -c 1 -W 1 192.168.77.1
with "$key6\"allow_lan\": [\"${RIG_WEB4%.*}.0/24\"], " >/dev/null
$RIG_CAPTURE start
like "$(how tcp "$RIG_WEB4")" "$refused" 'R22: a network that is not there: refused, not by the default route'
is "$(seen .)" 0 'R22: nothing left by the uplink'
# The tailnet, of which Tailscale tells in a table of its own.
tail='100.64.0.0/10", "fd7a:115c:a1e0::/48'
tailnet() { echo "$(get 100.100.100.100 2) $(get '[fd7a:115c:a1e0::53]' 2)"; }
with "$key6\"allow_lan\": [\"$tail\"], " >/dev/null
$RIG_CAPTURE start
like "$(how tcp 100.100.100.100) $(how tcp fd7a:115c:a1e0::53)" '^(refused|unreachable) (refused|unreachable)$' \
	'R53: a tailnet that is not there: refused, not by the default route'
is "$(seen .)" 0 'R53: nothing left by the uplink'
ip netns add tailnet
ip link add tailscale0 type veth peer name eth0 netns tailnet
ip addr add 100.101.102.103/32 dev tailscale0
ip addr add fd7a:115c:a1e0::1/128 dev tailscale0 nodad
ip link set tailscale0 up
ip -n tailnet addr add 100.100.100.100/32 dev eth0
ip -n tailnet addr add fd7a:115c:a1e0::53/128 dev eth0 nodad
ip -n tailnet link set eth0 up
ip -n tailnet route add 100.101.102.103 dev eth0
ip -n tailnet -6 route add fd7a:115c:a1e0::1 dev eth0
ip netns exec tailnet "$RIG_DIR/build/rig/webd" tailnet >/dev/null &
web=$!
for f in -4 -6; do
	ip $f route add "$([ $f = -4 ] && echo 100.64.0.0/10 || echo fd7a:115c:a1e0::/48)" dev tailscale0 table 52
	ip $f rule add pref 5270 lookup 52
done
wait_for 5 curl -s -m 1 http://100.100.100.100/
with "$key6" >/dev/null
is "$(tailnet)" ' ' 'R53: without the key the tailnet is not reached from the bridge'
with "$key6\"allow_lan\": [\"$tail\"], " >/dev/null
is "$(tailnet)" 'tailnet tailnet' 'R53: with its addresses in allow_lan it is, in both families'
is "$(as_user vpnrun demo curl -s -m 5 http://100.100.100.100/)" tailnet 'R53: by a program under vpnrun, too'
$RIG_CAPTURE start
like "$(how tcp "$RIG_LAN")" 'demo|refused|unreachable|timeout' 'R53: and the LAN is not'
is "$(get "$RIG_WEB4") $(get "[$RIG_WEB6_ADDR]")" 'demo demo' 'R53: all else goes through the VPN'
is "$(seen .)" 0 'R53: nothing left by the uplink'
for f in -4 -6; do ip $f rule delete pref 5270; done
kill $web
ip netns delete tailnet
wait_for 5 not ip link show tailscale0
with "$key6" >/dev/null
check_with() {
	mkdir -p "$RIG_DIR/bad"
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >"$RIG_DIR/bad/demo.json"
	vpnctl check "$RIG_DIR/bad/demo.json" 2>&1
}
for bad in '"nonsense"' '["nonsense"]' '["192.168.77.1/24"]' '["0.0.0.0/0"]'; do
	out=$(check_with "\"allow_lan\": $bad, ")
	like "$out" ':[0-9]+: allow_lan: ' "allow_lan: $bad: refused, with line and key"
done
out=$(check_with '"ipv6_forwarding": 1, ')
like "$out" 'ipv6_forwarding: must be true or false' 'ipv6_forwarding: 1: refused'

# --- flows of an old way -------------------------------------------------------------------------

# The LAN host's address has a server on either way; one socket asks for ever.
with "$key6" >/dev/null
in_ns demo ip addr add "$RIG_LAN/32" dev lo
in_ns demo "$probe" serve "$RIG_LAN" 7007 demo >/dev/null &
s1=$!
in_ns lan "$probe" serve "$RIG_LAN" 7007 lan >/dev/null &
s2=$!
ip netns exec hand "$probe" flow "$RIG_LAN" 7007 "$RIG_DIR/flow" &
flow=$!
word_is() { [ "$(cut -d' ' -f2 "$RIG_DIR/flow")" = "$1" ]; }
ok 'control: a flow goes through the VPN' wait_for 10 word_is demo
$RIG_CAPTURE start
with "$key6\"allow_lan\": [\"$RIG_LAN\"], " >/dev/null
ok 'L29: its way is the LAN now: the same flow goes on there' wait_for 10 word_is lan
is "$(seen '(^|[ ])10\.(64|20)\.')" 0 "L29: and never with the tunnel's address or its own"
with "$key6" >/dev/null
ok 'L29: and the VPN again' wait_for 10 word_is demo
kill $flow $s1 $s2
wait $flow $s1 $s2 2>/dev/null
in_ns demo ip addr delete "$RIG_LAN/32" dev lo

# --- sockets of the tunnel's address -------------------------------------------------------------

in_ns demo "$probe" serve "$RIG_WEB4" 7007 demo >/dev/null &
s1=$!
in_ns demo "$probe" serve "$RIG_WEB6_ADDR" 7007 demo >/dev/null &
s2=$!
"$probe" flow "$RIG_WEB4" 7007 "$RIG_DIR/flow" 10.64.0.2 &
f4=$!
"$probe" flow "$RIG_WEB6_ADDR" 7007 "$RIG_DIR/flow6" fd64:64::2 &
f6=$!
both_are() { [[ $(cut -d' ' -f2 "$RIG_DIR/flow")$(cut -d' ' -f2 "$RIG_DIR/flow6") =~ ^($1)($1)$ ]]; }
more() { [ "$(cut -d' ' -f1 "$RIG_DIR/flow6")" -gt "$1" ]; }
a_few() { wait_for 10 more $(($(cut -d' ' -f1 "$RIG_DIR/flow6") + 4)); }
ok 'R23: two of the host send from it, and are answered' wait_for 10 both_are demo
no_rules 1
for chain in none output guard; do
	$RIG_CAPTURE start
	[ $chain = none ] || nft flush chain inet vpnrun-demo $chain
	a_few
	is "$(seen .)" 0 "R21: the rules deleted, and of the firewall $chain: nothing of that address leaves"
	[ $chain = none ] || { vpnctl up demo >/dev/null && no_rules 1; }
done
$RIG_CAPTURE start
nft 'flush chain inet vpnrun-demo output; flush chain inet vpnrun-demo guard'
a_few
ok 'control: without both chains it goes out by the uplink' test "$(seen "(10\\.64\\.0\\.2|fd64:64::2) .*>")" -gt 0
vpnctl up demo >/dev/null
ok 'up puts both back' wait_for 10 both_are demo

unplug hand
curl -s -m 60 --interface fd64:64::2 -o "$RIG_DIR/stream" "http://$RIG_WEB6/stream" &
stream=$!
wait_for 10 test -s "$RIG_DIR/stream"
$RIG_CAPTURE start
like "$(vpnctl down demo)" 'closed, for 1 inside' 'R21: down while a socket would go on without the rules: closed, and kept'
ok 'R21: a connection of that address ends at once' wait_for 10 ended $stream
wait $stream
a_few
is "$(seen .)" 0 'R21: and nothing of either left by the uplink'
vpnctl up demo >/dev/null
ok 'up: the same sockets are answered again' wait_for 10 both_are demo
kill $f4 $f6 $s1 $s2
wait $f4 $f6 $s1 $s2 2>/dev/null
is "$(vpnctl down demo)" 'demo is down' 'and down, when they have ended'
is "$(switches)" "$first" 'R37: all switches are as they were'

# --- Docker, started later -----------------------------------------------------------------------

# It turns the whole machine's switch on and publishes ports by DNAT.
with "\"allow_lan\": [\"$RIG_LAN\"], " >/dev/null
ip netns add pub
ip link add pub type veth peer name eth0 netns pub
ip addr add 172.31.0.1/24 dev pub
ip link set pub up
ip -n pub addr add 172.31.0.2/24 dev eth0
ip -n pub link set eth0 up
ip -n pub route add default via 172.31.0.1
echo 1 >/proc/sys/net/ipv4/ip_forward
nft "table ip pub { chain in { type nat hook prerouting priority dstnat; iifname \"$RIG_UPLINK\" tcp dport 8088 dnat to 172.31.0.2:80; }; }"
ip netns exec pub perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die $!;
	while ($c = $s->accept) { sysread $c, $b, 999; print $c "HTTP/1.0 200 OK\r\n\r\npub"; close $c }' &
pub=$!
in_ns lan ip route add 172.31.0.2 via "$RIG_HOST4"
published() { [ "$(in_ns lan curl -s -m 2 "http://$RIG_HOST4:8088/")" = pub ]; }
ok 'R22: what Docker publishes is reached from the LAN while allow_lan is up' wait_for 10 published
is "$(in_ns lan curl -s -m 2 "http://172.31.0.2/")" '' 'R22: and what nobody publishes is not'
vpnctl down demo >/dev/null
is "$(all_of "ipv4/conf/$RIG_UPLINK/forwarding")" 1 'R37: down leaves on what somebody has turned on for the whole machine'
ok 'R37: and it is reached as before' published
kill $pub
wait $pub 2>/dev/null
in_ns lan ip route delete 172.31.0.2
nft delete table ip pub
ip netns delete pub
wait_for 5 not ip link show pub
echo 0 >/proc/sys/net/ipv4/ip_forward

# --- two addresses of a family -------------------------------------------------------------------

sed -i 's|^Address = .*|&, 10.64.0.99/32|' /etc/vpnrun/demo.conf
with '' >/dev/null
is "$(ip -4 -o addr show demo | grep -c 'inet 10\.64')" 1 'R21: one is on the host: of a second no rule would know'
is "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" demo 'and it works'
vpnctl down demo >/dev/null
sed -i 's|, 10.64.0.99/32||' /etc/vpnrun/demo.conf
echo 0 >/proc/sys/net/ipv6/conf/lo/forwarding
diag "$(diff <(echo "$before") <(switches))"
finish
