#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "device": a profile whose way out is the uplink, or a device that something else made. Beside a default, and while the
# machine is closed, it and its names go by the uplink, for those whom its file names; everything else does not. Runs
# inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
wish=/etc/vpnrun/default.boot

get() { curl -s -m "${2:-12}" "http://$1/"; }
via() { as_user vpnrun direct curl -s -m "${2:-12}" "http://$1/"; }
profile() { # profile NAME ID DEVICE USER
	echo '{"id": '"$2"', "device": "'"$3"'", "allow": {"users": ["'"$4"'"]}}' >"/etc/vpnrun/$1.json"
}
no() { # no FILE-TEXT PATTERN DESCRIPTION
	echo "$1" >/etc/vpnrun/bad.json
	like "$(vpnctl up bad 2>&1)" "$2" "$3"
	rm /etc/vpnrun/bad.json
}
counted() { # counted COMMAND...: what it says, and how many packets left by the uplink meanwhile
	local out
	$RIG_CAPTURE start
	out=$("$@" 2>&1)
	echo "$out $($RIG_CAPTURE stop)"
}
quiet() { "$@" 2>/dev/null; }
empty() { ! ip -o link | grep -q " vr$1\."; } # the last program's cable goes a moment after it
way() { ip route show table 9 | grep -q "^default .*dev $1 "; }
no_way() { ! way "$1"; }
forwards() { cat "/proc/sys/net/ipv4/conf/$1/forwarding"; }

# --- before anything is touched ------------------------------------------------------------------

no '{"id": 9, "device": "uplink"}' 'device: needs "allow"' 'who names nobody is refused'
no '{"id": 9, "device": "lo", "allow": "everyone"}' 'device: must be' 'lo is refused'
no '{"id": 9, "device": "bad", "allow": "everyone"}' 'device: must be' 'and a device of the name that nothing may have'
no '{"id": 9, "device": "uplink", "layout": "netns", "allow": "everyone"}' 'layout.* only' 'nor in a namespace of its own'
no '{"id": 9, "device": "bad0", "allow": "everyone", "config": "/etc/vpnrun/demo.conf"}' 'config: is for a tunnel' 'nor beside a file of one'
no '{"id": 9, "device": "uplink", "endpoint": "1.2.3.4:5", "allow": "everyone"}' 'endpoint: is for a tunnel' 'nor beside a tunnel'
no '{"id": 9, "device": "uplink", "expose": [80], "allow": "everyone"}' 'expose: is for a tunnel' 'nor are ports opened'
no '{"id": 9, "device": "uplink", "default_exclude": {"users": ["root"]}, "allow": "everyone"}' 'default_exclude: is for a tunnel' 'nor what only a default has'
sed 's/"id": *1,/"id": 8, "via": "direct",/' /etc/vpnrun/demo.json | sed 's/"layout": "bridge"/"layout": "netns"/' >/etc/vpnrun/bad.json
profile direct 9 uplink "$RIG_USER"
like "$(vpnctl up bad 2>&1)" 'direct.* has the layout "bridge"' 'and no VPN goes "via" it'
rm /etc/vpnrun/bad.json /etc/vpnrun/direct.json
if [ "$RIG_LAYOUT" = bridge ]; then
	for dev in br-demo demo; do
		no '{"id": 9, "device": "'$dev'", "allow": "everyone"}' "$dev is a device of this machine.s own or of a VPN" "R08: $dev of a VPN is refused"
	done
fi

# --- beside a default ------------------------------------------------------------------------------

profile direct 9 uplink "$RIG_USER"
switch=$(forwards "$RIG_UPLINK")
sysctl -qw "net.ipv4.conf.$RIG_UPLINK.rp_filter=1"
ok 'direct comes up' vpnctl up direct
vpnctl default --no-ip demo >/dev/null
is "$(get "$RIG_WEB4") $(get "$RIG_WEB6")" 'demo demo' 'R85: control: everything else goes through the default'
is "$(counted get "$RIG_WEB4")" 'demo 0' 'R17: and nothing of that is seen on the uplink'
$RIG_CAPTURE start
is "$(via "$RIG_WEB4") $(via "$RIG_WEB6")" 'clear clear' 'R85: vpnrun direct goes by the uplink, IPv4 and IPv6, also where the way back is looked for'
ok 'and the capture sees it there' test "$($RIG_CAPTURE stop)" -gt 0
is "$(via "$RIG_NAME")" clear 'R85: by name, too'
is "$(as_user vpnrun direct getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)" "$RIG_SIDE_CLEAR" 'R85: the names are those of the uplink'
is "$(getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)" "$RIG_SIDE_DEMO" 'and everybody else has those of the VPN'
is "$(via "$RIG_LAN") $(via "[$RIG_LAN6_ADDR]")" 'lan lan' 'the LAN is of the uplink, where a portal may be'
is "$(as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/")" demo 'R08: a program in the VPN stays there'
vpnctl default --strict --no-ip demo >/dev/null
is "$(via "$RIG_NAME") $(get "$RIG_WEB4")" 'clear demo' 'R85: so it is beside a strict default'
vpnctl default --no-ip demo >/dev/null
like "$(vpnctl default --no-ip direct 2>&1)" 'cannot be it' 'it is not the default of anybody'
is "$(as_user vpnrun - curl -s -m 12 "http://$RIG_WEB4/")" demo 'nor what vpnrun takes without a name'
like "$(vpnctl leak-test direct 2>&1)" 'is not a tunnel' 'a test for leaks says why there is nothing to test'
in_ns lan ip route add "$RIG_WEB4/32" via "$RIG_HOST4"
is "$(in_ns lan curl -s -m 2 "http://$RIG_WEB4/")" '' 'R50: it does not make the machine a router of its LAN'
in_ns lan ip route del "$RIG_WEB4/32" via "$RIG_HOST4"

# --- who may -----------------------------------------------------------------------------------------

like "$(counted as_stranger vpnrun direct curl -s -m 3 "http://$RIG_WEB4/")" 'may not use.* 0$' 'L25: who is not named is refused'
for how in '' --strict; do
	# shellcheck disable=SC2086
	like "$(counted as_user vpnrun $how demo vpnrun direct curl -s -m 3 "http://$RIG_WEB4/")" 'inside a sandbox of VPN .demo. already.* 0$|cannot.* 0$' "L19: from inside a VPN ${how:+that is strict }it is refused"
done
# The same programs with the broker's socket before their eyes, as nothing of ours shows it to them.
# shellcheck disable=SC2016
noted=$(as_user sh -c 'echo $HOME')/inside
as_user vpnrun demo bash -c 'echo $$ >"$0"; exec sleep 1000' "$noted" &
wait_for 10 test -s "$noted"
inside=$(cat "$noted")
into() { as_user nsenter -t "$inside" -U -n --preserve-credentials "$@"; }
wait_for 10 into ip link show vpn0
is "$(into curl -s -m 12 "http://$RIG_WEB4/")" demo 'control: somebody in the network of a sandbox, and in nothing else of it'
like "$(counted into vpnrun direct curl -s -m 3 "http://$RIG_WEB4/")" 'leads around the VPNs: .* not from inside a VPN or a container.* 0$' 'L19 L27: the broker itself refuses who is inside'
# A container, as an engine plugs it in.
ip netns add guest
ip link add guest0 type veth peer name eth0 netns guest
ip addr add 172.30.0.1/24 dev guest0
ip link set guest0 up
ip -n guest addr add 172.30.0.2/24 dev eth0
ip -n guest link set eth0 up
ip -n guest route add default via 172.30.0.1
guest() { ip netns exec guest as_user "$@"; }
like "$(counted guest vpnrun direct curl -s -m 3 "http://$RIG_WEB4/")" 'leads around the VPNs' 'L27: and a container that has its socket'
if [ "$RIG_LAYOUT" = netns ]; then
	like "$(counted ip netns exec demo as_user vpnrun direct curl -s -m 3 "http://$RIG_WEB4/")" 'leads around the VPNs' 'L27: and a service that is confined to a VPN'
fi
as_user vpnrun direct bash -c 'exec sleep 1000' &
there() { ip -o link | grep -oE ' vr9\.[0-9]+' | head -1 | cut -d. -f2; }
wait_for 10 eval 'test -n "$(there)"'
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => 7777, ReuseAddr => 1) or die; $SIG{PIPE} = "IGNORE"; while ($c = $s->accept) { print $c "host"; close $c }' &
server=$!
wait_for 10 eval '[ "$(curl -s --http0.9 http://127.0.0.1:7777/)" = host ]'
is "$(curl -s --http0.9 -m 5 "http://$RIG_HOST4:7777/") $(as_user vpnrun direct curl -s --http0.9 -m 3 "http://$RIG_HOST4:7777/" http://10.20.9.1:7777/)" 'host ' 'R50 L18: a service of the machine is not reached from it'
kill $server
wait $server 2>/dev/null
is "$(counted into ping -c 1 -W 1 10.20.9.1 | grep -c ' 0% packet loss')" 0 'L20: nobody of a VPN reaches its bridge'
is "$(counted into ping -c 1 -W 1 "10.20.9.$(there)" | grep -c ' 0% packet loss')" 0 'L20: nor a program there'
ok 'control: the host reaches a container' wait_for 10 ping -c 1 -W 1 172.30.0.2
is "$(as_user vpnrun direct ping -c 1 -W 1 172.30.0.2 | grep -c ' 0% packet loss')" 0 'R50: a program of it does not'
like "$(counted quiet as_user vpnrun direct curl -s -m 2 http://169.254.169.254/)" '^ 0$' 'R50: nor what is for the link alone'
is "$(as_user vpnrun direct ping -c 1 -W 1 "10.20.9.$(there)" | grep -c ' 0% packet loss')" 0 'L20: nor do two of its programs reach each other'
for job in $(jobs -pr); do kill "$job"; done
wait_for 20 empty 9
ok 'R50: and no cable stays' empty 9

# --- while the machine is closed -------------------------------------------------------------------

vpnctl default --no-ip none >/dev/null
vpnctl down --force demo other >/dev/null 2>&1
echo demo >$wish
$RIG_CAPTURE start
like "$(vpnctl default --hold)" 'closed, but for its LAN, until demo is its default' 'R84: a machine that has no VPN is closed'
# shellcheck disable=SC2046
is "$(for url in "$RIG_WEB4" "$RIG_WEB6" "$RIG_SIDE"; do curl -s -m 5 "http://$url/"; echo -n "$? "; done; echo $($RIG_CAPTURE stop))" '7 7 6 0' 'R84: control: everything is refused, and nothing leaves'
$RIG_CAPTURE start
is "$(via "$RIG_NAME4") $(via "$RIG_LAN")" 'clear lan' 'R84: vpnrun direct goes on meanwhile, by name: the page of a captive portal is reached, in the LAN, too'
get "$RIG_WEB6" 3
as_stranger curl -s -m 3 "http://$RIG_SIDE/"
ok 'R84: control: its packets are seen' test "$($RIG_CAPTURE stop)" -gt 0
is "$($RIG_CAPTURE list | grep -vc " > \($RIG_DNS_CLEAR port 53\|$RIG_WEB4 port 80\|$RIG_LAN port 80\)$")" 0 'R84: and nothing of anybody else'
like "$(as_user vpnrun - true 2>&1)" 'no VPN is up' 'R84: and whoever names no VPN is not sent by it'
as_user vpnrun direct bash -c 'until echo >>"$1.tries"; curl -s -m 2 "http://$0/" >>"$1" 2>/dev/null && test -e "$1.end"; do read -r -t 0.1 <> <(:); done' "$RIG_WEB4" "$noted.got" &
user=$!
wait_for 10 test -s "$noted.got"
like "$(vpnctl down direct)" 'stays' 'down with somebody inside'
$RIG_CAPTURE start
n=$(wc -l <"$noted.got.tries")
tried_more() { [ "$(wc -l <"$noted.got.tries")" -gt $((n + 2)) ]; }
wait_for 20 tried_more
is "$($RIG_CAPTURE stop)" 0 'R21: it is closed, and nothing leaves'
ok 'R84: it comes up in a machine that is closed' vpnctl up direct
is "$(via "$RIG_NAME4")" clear 'R84: and works there'
touch "$noted.got.end"
ok 'R84: and for who was inside' wait_for 20 ended $user
touch /run/vpnrun/no-repair
for _ in 1 2 3 4 5 6 7 8 9; do # a repair that was under way finishes
	nft delete table inet vpnrun-direct 2>/dev/null
	out=$(counted quiet via "$RIG_WEB4" 2)
	nft list table inet vpnrun-direct >/dev/null 2>&1 || break
done
is "$out" ' 0' 'L03 R84: without its firewall nothing leaves a machine that is closed'
rm /run/vpnrun/no-repair
ip route add 198.18.9.0/24 dev lo # a word for the keeper
ok 'and the keeper puts it back' wait_for 20 nft list table inet vpnrun-direct
vpnctl default --no-ip none >/dev/null 2>&1
vpnctl up demo other >/dev/null 2>&1

# --- the way out goes, comes back, and is another ---------------------------------------------------

gateway=$(ip route show default | sed 's/.* via \([^ ]*\) .*/\1/')
up6=$(ip -6 route show default | sed 's/ expires [0-9]*sec//; s/ pref [a-z]*//')
ip route del default
ip -6 route del default
ok 'without a default route there is no way' wait_for 20 no_way "$RIG_UPLINK"
is "$(counted quiet via "$RIG_WEB4" 3)" ' 0' 'R21: and nothing leaves'
like "$(vpnctl status direct)" 'no default route, and no device to go out by' 'status says so'
ip route add default via "$gateway" dev "$RIG_UPLINK" metric 100
# shellcheck disable=SC2086 # words
ip -6 route add $up6
ok 'the keeper follows when there is one again' wait_for 20 way "$RIG_UPLINK"
is "$(via "$RIG_WEB4")" clear 'and it works again'

# Of several ways it is the first that is not down; one to a gateway of the other family is none that it can take.
ip link add idle0 type veth peer name idle1
ip addr add 198.18.6.1/24 dev idle0
ip link set idle0 up
ip route replace default metric 100 nexthop via 198.18.6.2 dev idle0 nexthop via "$gateway" dev "$RIG_UPLINK"
like "$(ip route show default | xargs)" 'nexthop via 198.18.6.2 dev idle0 .*linkdown.*nexthop via' 'control: a route of two ways, the first of which is down'
ok 'R85: of two ways the second, as the first is down' vpnctl restart direct
ok 'R85: that is the way' way "$RIG_UPLINK"
is "$(via "$RIG_WEB4")" clear 'R85: and it works'
ip link set idle1 up
ok 'R85: the first is up: the keeper follows' wait_for 20 way idle0
is "$(counted quiet via "$RIG_WEB4" 2)" ' 0' 'and no packet takes the second'
ip link del idle0 # takes the whole route along
ok 'R85: it is gone: there is no way' wait_for 20 no_way idle0
ip -4 route add default via inet6 fe80::77 dev "$RIG_UPLINK" metric 100
like "$(vpnctl restart direct 2>&1)" "default route by $RIG_UPLINK is to an IPv6 gateway \(via inet6\), which VPN 'direct' cannot take: give $RIG_UPLINK an IPv4 gateway, or set another \"device\" in /etc/vpnrun/direct.json" \
	'R85 R68: a gateway of the other family is refused, with what to do'
ip -4 route del default
ip route add default via "$gateway" dev "$RIG_UPLINK" metric 100
vpnctl up direct >/dev/null
ok 'R85: the gateway is back' way "$RIG_UPLINK"

ip netns add modem
modem() { # a modem, whose far end answers
	ip link add wwan0 type veth peer name far0 netns modem
	ip -n modem addr add 198.18.5.2/24 dev far0
	ip -n modem link set far0 up
	ip addr add 198.18.5.1/24 dev wwan0
	ip link set wwan0 up
	ip route add default via 198.18.5.2 dev wwan0 metric "$1"
}
far() { as_user vpnrun direct ping -c 1 -W 2 198.18.5.2; }
names() { nft list chain inet vpnrun-direct names | grep -c "$1"; }
modem 0
ok 'another uplink: the keeper follows' wait_for 20 way wwan0
ok 'and it leads there' wait_for 20 far
is "$(counted quiet via "$RIG_WEB4" 2)" ' 0' 'and no packet takes the old one'
is "$(forwards "$RIG_UPLINK") $(forwards wwan0)" "$switch 1" 'R12: whose setting is as it was'
sed -i "s/^nameserver.*/nameserver 198.18.5.2/" /etc/resolv.conf
ip link del wwan0
ok 'the modem is pulled out: the first uplink is the way again' wait_for 20 way "$RIG_UPLINK"
ok 'and its name server is another one by now' wait_for 20 names 198.18.5.2
sed -i "s/^nameserver.*/nameserver $RIG_DNS_CLEAR/" /etc/resolv.conf
ip route del 198.18.9.0/24 dev lo
ok 'and again' wait_for 20 names "$RIG_DNS_CLEAR"
is "$(via "$RIG_NAME4")" clear 'and it works, by name'

# --- two of them, and a device that something else made ----------------------------------------------

modem 900
profile second 10 "$RIG_UPLINK" "$RIG_STRANGER"
profile modem 11 wwan0 "$RIG_USER"
ok 'a second one by the same device, named' vpnctl up second
ok 'and a modem, which is not the uplink' vpnctl up modem
is "$(via "$RIG_WEB4") $(as_stranger vpnrun second curl -sS -m 12 "http://$RIG_WEB4/" 2>&1)" 'clear clear' 'each goes by it'
like "$(as_user vpnrun second true 2>&1) $(as_stranger vpnrun direct true 2>&1)" 'may not use.*may not use' 'L26: and who is named by one is not by the other'
ok 'the modem leads to its far end' as_user vpnrun modem ping -c 1 -W 2 198.18.5.2
is "$(counted quiet as_user vpnrun modem curl -s -m 2 "http://$RIG_WEB4/")" ' 0' 'and nothing of it takes the uplink'
ip link del wwan0
gone() { ! ip route show table 11 | grep -q wwan0; }
is "$(counted quiet as_user vpnrun modem curl -s -m 3 "http://$RIG_WEB4/")" ' 0' 'R21: the device gone: nothing leaves'
ok 'and no route is left' wait_for 20 gone
like "$(vpnctl status modem)" 'no device to go out by|wwan0 has gone' 'status says so'
modem 900
ok 'made anew, it is taken again' wait_for 20 as_user vpnrun modem ping -c 1 -W 2 198.18.5.2
wait_for 20 empty 10
wait_for 20 empty 9
ok 'direct goes down' vpnctl down direct
is "$(as_stranger vpnrun second curl -s -m 12 "http://$RIG_WEB4/") $(forwards "$RIG_UPLINK")" 'clear 1' 'the other one goes on'
wait_for 20 empty 10
wait_for 20 empty 11
ok 'and goes, too' vpnctl down second modem
left() { ip rule; ip -6 rule; nft list tables; ip route show table all; ip -6 route show table all; ip -o link; ls /run/vpnrun; }
is "$(left | grep -E '(209|210|211):|table (9|10|11)|br-(direct|second|modem)|vpnrun-(direct|second|modem)|^(direct|second|modem)' | grep -v 'lock$')" '' 'R12: and they leave no rule, table, route or file'
is "$(forwards "$RIG_UPLINK")" "$switch" 'R12: nor a setting of the uplink'
finish
