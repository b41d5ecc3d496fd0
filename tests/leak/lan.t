#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The LAN and the tailnet from a VPN that has a namespace of its own, for the programs that ask for them
# (--lan) and for no other. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
[ "$RIG_LAYOUT" = netns ] || { echo '1..0 # SKIP the layout "bridge" has bridge-open.t'; exit 0; }

cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
with() { # with 'KEY-VALUES, ': demo has them, until `with ''`
	sed "s|{ |{ $1|" "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
	vpnctl up demo
}
on() { as_user vpnrun --lan demo "$@"; }
get() { on curl -s -m "${2:-5}" "http://$1/"; }
both() { echo "$(get "$RIG_LAN") $(get "[$RIG_LAN6_ADDR]")"; }
how() { on "$probe" "$1" "$2" "${3:-80}" | cut -d' ' -f1; }
seen() { # seen PATTERN: of what left by the uplink since the capture began, how many
	$RIG_CAPTURE stop >/dev/null
	$RIG_CAPTURE list | grep -cE "$1"
}
refused='^(refused|unreachable)$'
state() { # of the host, but for what any VPN has
	ip -o link | sed 's/^[0-9]*: //' | grep -oE '^[^:@]*' | sort
	ip rule; ip -6 rule; ip route; ip -6 route | grep -v '^fe80'; nft list tables
	grep -H . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/force_forwarding 2>/dev/null
	find /run/vpnrun -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -v '^demo\|^other\|lock$' | sort
}
lan4=${RIG_LAN%.*}.0/24 lan6=${RIG_LAN6_ADDR%::*}::/64
key6=
[ -e /proc/sys/net/ipv6/conf/default/force_forwarding ] || key6='"ipv6_forwarding": true, '
before=$(state)

# --- without the key ----------------------------------------------------------------------------------
is "$(curl -s -m 5 "http://$RIG_LAN/")" lan 'control: the host reaches the LAN'
$RIG_CAPTURE start
is "$(get "$RIG_LAN" 2>&1)" "vpnrun: VPN 'demo' opens nothing of the LAN: \"allow_lan\" in /etc/vpnrun/demo.json names what may be reached, and counts after: sudo vpnctl up demo" \
	'R86: without "allow_lan" --lan is refused, with the file and the key'
is "$(seen .)" 0 'R86: and nothing left by the uplink'
for bad in 'none true' 'host true' "--with $$ true"; do
	# shellcheck disable=SC2086
	like "$(as_user vpnrun --lan $bad 2>&1)" '^vpnrun: --(lan reaches|with enters).*' "R86: --lan ${bad% *}: a sentence"
done
like "$(sed 's|{ |{ "allow_lan": ["10.9.0.0/16"], "via": "other", |' "$RIG_DIR/demo.json" >"$RIG_DIR/via.json" && vpnctl check "$RIG_DIR/via.json" 2>&1)" \
	'allow_lan: does not go with "via"' 'R86: a VPN through another has no LAN, and says so'

# --- with it ------------------------------------------------------------------------------------------
home=$(as_user sh -c 'echo $HOME')
as_user vpnrun demo sh -c 'echo $$ >"$HOME/plain"; exec sleep 600' &
plain=$!
wait_for 10 test -s "$home/plain"
# The VPN's own name servers lie in some of them.
like "$(with "$key6\"allow_lan\": [\"$lan4\", \"$lan6\", \"$RIG_DNS_DEMO\", \"fd64:64::1\"], " 2>&1)" '^demo is up' 'up'
$RIG_CAPTURE start
is "$(both)" 'lan lan' 'R86: a program of --lan reaches the LAN, both families'
ip neigh flush dev vl-demo
is "$(both)" 'lan lan' 'R86: also when the host has to ask for its neighbour'
is "$(as_user vpnrun --lan --strict demo curl -s -m 5 "http://$RIG_LAN/")" lan 'R86: with --strict, too'
is "$(seen '(^|[ ])(10\.20\.|10\.64\.|169\.254\.|fd76:|fd64:)')" 0 'R86: with the address of the host, and no other'
is "$(get "$RIG_WEB4") $(get "[$RIG_WEB6_ADDR]") $(get "$RIG_NAME")" 'demo demo demo' 'R86: all else goes through the VPN, and its names'
$RIG_CAPTURE start
for who in demo other; do
	is "$(as_user vpnrun $who curl -s -m 1 "http://$RIG_LAN/")$(as_user vpnrun $who curl -s -m 1 "http://[$RIG_LAN6_ADDR]/")" '' \
		"R86: a program of $who that did not ask for it does not"
done
is "$(as_user vpnrun --with "$(cat "$home/plain")" curl -s -m 1 "http://$RIG_LAN/")" '' 'R86: nor one that was there before the key'
is "$(in_vpn demo curl -s -m 1 "http://$RIG_LAN/")" '' 'R86: nor what lives in the namespace itself'
is "$(seen "$RIG_LAN|$RIG_LAN6_ADDR")" 0 'R86: and nothing of theirs left by the uplink'
in_vpn demo ip rule add pref 90 lookup 87
like "$(as_user vpnrun demo "$probe" tcp "$RIG_LAN" 80 | cut -d' ' -f1)" "$refused" 'R86: where routes lead there all the same, the firewall refuses'
in_vpn demo ip rule delete pref 90
for at in "$RIG_LAN" "$RIG_LAN6_ADDR"; do
	like "$(as_user vpnrun --lan --dns "$at" demo touch "$home/begun" 2>&1)" \
		"^vpnrun: --dns $at is in the LAN, where no name may be asked for: leave it out, and VPN 'demo' answers" 'R86: a name server in the LAN is refused'
done
ok 'R86: before the command is begun' not test -e "$home/begun"
is "$(as_user vpnrun --lan --dns "$RIG_DNS_DEMO" demo curl -s -m 5 "http://$RIG_NAME4/")" demo "R86: but the VPN's own, though \"allow_lan\" names it, is none"
ok 'R86: nor is one that is refused to nobody' as_user vpnrun --dns "$RIG_LAN" demo true
is "$(on sh -c "vpnrun --lan demo curl -s -m 5 http://$RIG_LAN/")" lan 'R86: --lan within --lan is what one has'
like "$(as_user vpnrun demo vpnrun --lan demo true 2>&1)" 'which --lan cannot change any more' 'R86: and within a sandbox without it, too late'
is "$(on "$probe" tcp 127.0.0.1 80 | cut -d' ' -f1)" refused 'control: a probe says what is refused'

# --- never --------------------------------------------------------------------------------------------
served=
for port in 53 137 853 5353 5355; do
	in_ns lan "$probe" serve :: $port lan >/dev/null &
	served+=" $!"
done
answers() { [ "$("$probe" udp "$RIG_LAN" "$1" | cut -d" " -f1)" = answer ]; }
for port in 53 137 853 5353 5355; do
	ok "control: the LAN answers the host at port $port" wait_for 10 answers $port
	$RIG_CAPTURE start
	like "$(how udp "$RIG_LAN" $port)$(how udp "$RIG_LAN6_ADDR" $port)$(how tcp "$RIG_LAN" $port)" '^refusedrefusedrefused$' "R86: port $port is refused at once, UDP and TCP"
	is "$(seen "port $port")" 0 "R86: and nothing for it left by the uplink"
done
touch /run/vpnrun/no-repair
nft insert rule inet vpnrun-demo/lan leave ct state new accept
like "$(how udp "$RIG_LAN" 53)" '^refused$' "R86: the VPN's own firewall refuses it without the host's"
vpnctl up demo >/dev/null
rule=$(in_vpn demo nft -a list chain inet vpnrun lan | sed -n 's/.*th dport .* handle //p')
in_vpn demo nft delete rule inet vpnrun lan handle "$rule"
like "$(how udp "$RIG_LAN" 53)" '^refused$' "R86: and the host's without the VPN's own"
rm /run/vpnrun/no-repair
vpnctl up demo >/dev/null
# shellcheck disable=SC2086
kill $served
# shellcheck disable=SC2086
wait $served 2>/dev/null
in_ns lan perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 5353) or die; sysread $s, $b, 99; print $b' >"$RIG_DIR/heard" &
ear=$!
$RIG_CAPTURE start
on perl -MSocket -e 'socket S, AF_INET, SOCK_DGRAM, 0; setsockopt S, SOL_SOCKET, SO_BROADCAST, 1;
	send S, "x", 0, pack_sockaddr_in($_->[1], inet_aton($_->[0])) for ["224.0.0.251", 5353], ["224.0.0.252", 5355], ["239.255.255.250", 1900], ["'"${RIG_LAN%.*}.255"'", 137], ["'"${RIG_LAN%.*}.255"'", 9]'
is "$(get "$RIG_LAN")" lan 'control: what was sent before this has been judged'
is "$(seen '224\.|239\.|\.255 port')" 0 'L23: multicast and broadcast stay inside: mDNS, LLMNR, SSDP, NetBIOS'
kill $ear
"$RIG_DIR/build/rig/webd" host >/dev/null &
web=$!
by_lan() { [ "$(in_ns lan curl -s -m 2 "http://$RIG_HOST4/")" = host ]; }
ok 'control: the LAN reaches a service of the host' wait_for 10 by_lan
is "$(how tcp "$RIG_HOST4") $(how tcp "$RIG_HOST6") $(get 169.254.118.2 1)" 'refused refused ' 'R50: the host itself is refused to --lan, at any of its addresses'
kill $web
on sh -c 'echo $$ >"$HOME/pid"; exec perl -MIO::Socket::INET -e '"'"'$s = IO::Socket::INET->new(LocalPort => 7070, Listen => 5) or die; while ($c = $s->accept) { print $c "in"; close $c }'"'" &
server=$!
serves() { as_user vpnrun --with "$(cat "$home/pid")" bash -c 'read -r -n 2 x </dev/tcp/127.0.0.1/7070; [ "$x" = in ]'; }
ok 'control: a server in a sandbox of --lan' wait_for 10 serves
lans() { "$@" vpnctl status demo --json | sed -n 's/.*"lan": \([a-z]*\).*/\1/p' | sort | paste -sd' '; }
is "$(lans env) | $(lans as_user)" 'false true | false true' 'R70: status says which sandboxes may reach the LAN, and says it to their user'
like "$(vpnctl status demo | grep ' perl ')$(as_user vpnctl status demo | grep ' perl ')" ' out, LAN.* out, LAN$' 'R70: the same for people'
is "$(vpnctl status demo | grep ' sleep .*LAN')" '' 'R70: and of no other'
inner=$(in_vpn demo ip -br link | sed -n 's/^vr1\.\([0-9]*\)@.*/10.20.1.\1/p')
in_ns lan ip route add 10.20.1.0/24 via "$RIG_HOST4"
in_ns lan ip route add 169.254.118.0/24 via "$RIG_HOST4"
for to in $inner 169.254.118.3; do
	is "$(in_ns lan timeout 2 "$probe" tcp "$to" 7070 | grep -c '^in')" 0 "R86: the LAN opens no connection to $to"
done
in_ns lan ip route delete 10.20.1.0/24
in_ns lan ip route delete 169.254.118.0/24
like "$(on "$probe" tcp "${inner%%$'\n'*}" 7070 | cut -d' ' -f1)" "$refused" 'L19: nor one sandbox to another'
kill "$(cat "$home/pid")" "$(cat "$home/plain")"
wait $server $plain 2>/dev/null

# --- gone ---------------------------------------------------------------------------------------------
touch /run/vpnrun/no-repair
in_ns demo ip addr add "$RIG_LAN/32" dev lo
is "$(as_user vpnrun demo curl -s -m 5 "http://$RIG_LAN/")" demo "danger: through the tunnel, somebody else's machine has that address"
ip link delete vl-demo
$RIG_CAPTURE start
like "$(how tcp "$RIG_LAN") $(how udp "$RIG_LAN")" '^refused refused$' 'R86: the cable cut: refused at once, and never through the tunnel to who has that address there'
is "$(seen .)" 0 'R86: nothing left by the uplink'
in_ns demo ip addr delete "$RIG_LAN/32" dev lo
like "$(vpnctl status demo)" 'degraded' 'R78: status says that it is missing'
rm -f /run/vpnrun/no-repair
vpnctl up demo >/dev/null
is "$(both)" 'lan lan' 'R78: up makes it anew'
nft delete table inet vpnrun-demo/lan
# It looks at the host's end when it is time, and when it hears of something in the VPN's namespace.
in_vpn demo ip rule add pref 91 lookup 91
in_vpn demo ip rule delete pref 91
is_back() { nft list table inet vpnrun-demo/lan; }
ok "R78: the keeper puts the host's firewall back" wait_for 60 is_back

# --- the tailnet, and nothing else --------------------------------------------------------------------
tail='100.64.0.0/10", "fd7a:115c:a1e0::/48'
tailnet() { echo "$(get 100.100.100.100 2) $(get '[fd7a:115c:a1e0::53]' 2)"; }
with "$key6\"allow_lan\": [\"$tail\"], " >/dev/null
$RIG_CAPTURE start
is "$(how tcp 100.100.100.100) $(how tcp fd7a:115c:a1e0::53)" 'refused refused' 'R53: a tailnet that is not there: refused at once, not by the default route'
is "$(get "$RIG_LAN" 1)" '' 'R53: and the LAN is not reached any more'
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
ip route add 100.64.0.0/10 dev tailscale0 table 52
ip -6 route add fd7a:115c:a1e0::/48 dev tailscale0 table 52
for f in -4 -6; do ip $f rule add pref 5270 lookup 52; done
ip netns exec tailnet "$RIG_DIR/build/rig/webd" tailnet >/dev/null &
web=$!
wait_for 5 curl -s -m 1 http://100.100.100.100/
with "$key6\"allow_lan\": [\"$tail\"], " >/dev/null
is "$(tailnet)" 'tailnet tailnet' 'R53: it is reached, in both families'
is "$(how udp 100.100.100.100 53)" refused 'R53: but for its name server'
for f in -4 -6; do ip $f rule delete pref 5270; done
kill $web
wait $web 2>/dev/null
ip netns delete tailnet
wait_for 5 not ip link show tailscale0

# --- beside a default, and down -----------------------------------------------------------------------
with "$key6\"allow_lan\": [\"$lan4\", \"$lan6\"], " >/dev/null
vpnctl default other >/dev/null
is "$(both) $(get "$RIG_WEB4") $(curl -s -m 5 "http://$RIG_WEB4/")" 'lan lan demo other' 'R86: beside a default of another VPN, each goes its way'
vpnctl default none >/dev/null
for n in 40 80 120; do
	strace -qq -o /dev/null -e trace=openat,sendto -e inject=openat,sendto:signal=SIGKILL:when=$n vpnctl up demo >/dev/null 2>&1
	vpnctl down demo >/dev/null
	is "$(diff <(echo "$before") <(state))" '' "R76: up killed at its call $n: down puts all back"
	vpnctl up demo >/dev/null
done
as_user vpnrun --lan demo "$probe" loop "$RIG_LAN" 80 "$home/loop" &
loop=$!
word_is() { [[ $(cut -d' ' -f2 "$home/loop") =~ $1 ]]; }
ok 'control: a program of --lan is at work' wait_for 10 word_is lan
like "$(vpnctl down demo)" 'closed, for [0-9]+ inside' 'down, while it is inside: closed, and kept'
ok 'R86: closed is closed, for the LAN, too' wait_for 10 word_is "$refused"
vpnctl up demo >/dev/null
ok 'R86: and up opens it to the same program' wait_for 10 word_is lan
is "$(lans env)" true 'control: it may reach the LAN'
with '' >/dev/null
is "$(lans env) $(lans as_user)" 'false false' 'R70: the key taken out: it may not any more, as status says'
kill $loop
wait $loop 2>/dev/null
is "$(diff <(echo "$before") <(state))" '' 'R37: the key taken out, and up: the host is as it was'
finish
