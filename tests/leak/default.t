#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# `vpnctl default`: the whole machine's traffic through a VPN, both families and names; the LAN stays direct;
# whatever goes wrong nothing goes in the clear; and all is put back to the byte. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

slow=${RIG_SLOW:+yes}

no_cable() { ! ip -o link | grep -q ': vr[0-9]'; }
# All that a default could change.
# shellcheck disable=SC2016
snapshot() {
	# A sandbox's cable goes a moment after its last process.
	wait_for 10 no_cable
	ip -o rule
	ip -6 -o rule
	ip -o route show table all | sed 's/ linkdown//'
	ip -6 -o route show table all | sed 's/ expires [0-9]*sec//; s/ linkdown//'
	ip -o link | grep -v ': \(demo\|br-demo\|other\|br-other\|vr[0-9.]*\)[@:]'
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//; / expires [0-9]/d; / ct count over /d'
	grep -rs . /proc/sys/net --exclude-dir=stat --exclude='*_key' --exclude=random --exclude='nf_conntrack_count' |
		grep -vE 'stable_secret|/netfilter/|/nf_log/|/neigh/|/conf/(demo|other|br-demo|br-other)/' | sort
	stat -c '%F %i %a %u %g %h %N' /etc/resolv.conf
	cat /etc/resolv.conf
	find /run/vpnrun ! -name '*.lock' ! -name '*.health.new' | sort
	ls -A /etc
}
# A far end hears one handshake in 20 ms; where that was the tunnel's last, the next comes after 5 s.
get() { curl -s -m "${2:-12}" "http://$1/"; }
both() { echo "$(get "$RIG_WEB4" "${1:-12}") $(get "$RIG_WEB6" "${1:-12}")"; }
on() { vpnctl default --no-ip "$@"; }
off() { vpnctl default --no-ip none; }
same() { # same DESCRIPTION: as before the first default
	snapshot >"$RIG_DIR/after"
	is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' "$1"
}

# What comes with the first use of a bridge is there already.
for v in demo other; do as_user vpnrun $v curl -s -m 12 "http://$RIG_WEB4/" >/dev/null; done
snapshot >"$RIG_DIR/before"
is "$(both)" 'clear clear' 'control: without a default the machine goes in the clear'
$RIG_CAPTURE start
both >/dev/null
ok 'control: the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0

# --- on and off ----------------------------------------------------------------------------------

like "$(on demo)" 'demo is the default' 'R11: default demo'
$RIG_CAPTURE start
is "$(both)" 'demo demo' 'R11 R14: all traffic goes by it, IPv4 and IPv6'
is "$(get "$RIG_NAME")" demo 'R19: and by name'
is "$(getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)" "$RIG_SIDE_DEMO" 'R19: the names are the VPN'"'"'s'
is "$($RIG_CAPTURE stop)" 0 'R17: only UDP to the endpoint leaves by the uplink'
is "$(get "$RIG_LAN") $(get "[$RIG_LAN6_ADDR]")" 'lan lan' 'R11: the LAN is reached directly'
is "$(as_user vpnrun other curl -s -m 12 "http://$RIG_WEB4/")" other 'R16: a program in the other VPN goes by that'
off >/dev/null
same 'R12: default none puts back rules, routes, firewall, sysctls and resolv.conf'
is "$(both)" 'clear clear' 'and traffic goes directly'
like "$(off)" 'no default' 'R13: none when none is none: no error'
on demo >/dev/null
r=$(ip rule; ip -6 rule; ip -o link | cut -d: -f2; nft list table inet vpnrun-default-demo)
ok 'R13: the same again: no error' on demo
is "$(ip rule; ip -6 rule; ip -o link | cut -d: -f2; nft list table inet vpnrun-default-demo)" "$r" 'R13: and nothing twice'
like "$(vpnctl remove demo 2>&1; vpnctl rename demo x 2>&1)" "machine's default; first: vpnctl default none.*machine's default; first: vpnctl default none" 'R83: the default is neither removed nor renamed'
off >/dev/null
like "$(vpnctl default nosuch 2>&1)" 'there is no VPN .nosuch.; there is demo, other' 'a VPN that there is not: a sentence'
vpnctl down other >/dev/null
snapshot >"$RIG_DIR/before"
like "$(on other 2>&1)" "VPN 'other' is down.*vpnctl up other" 'one that is down: a sentence'
same 'and nothing was done'

# resolv.conf as it may be, too.
mv /etc/resolv.conf /run/real.conf
ln -s ../run/real.conf /etc/resolv.conf
stat -c '%i %N' /etc/resolv.conf >"$RIG_DIR/link"
on demo >/dev/null
is "$(get "$RIG_NAME")" demo 'R19: resolv.conf is a symlink: names go through the VPN'
off >/dev/null
is "$(stat -c '%i %N' /etc/resolv.conf)" "$(cat "$RIG_DIR/link")" 'R12: and it is the same symlink again'
on demo >/dev/null
echo 'nameserver 192.0.2.1' >/etc/resolv.conf.theirs
mv /etc/resolv.conf.theirs /etc/resolv.conf
off >/dev/null
is "$(cat /etc/resolv.conf)" 'nameserver 192.0.2.1' 'what another program wrote meanwhile stays'
ok 'and nothing of ours lies about' not test -e /etc/resolv.conf.vpnrun-saved
mv /run/real.conf /etc/resolv.conf
vpnctl up other >/dev/null
for v in demo other; do as_user vpnrun $v curl -s -m 12 "http://$RIG_WEB4/" >/dev/null; done
snapshot >"$RIG_DIR/before"

# --- the address before and after ----------------------------------------------------------------

out=$(vpnctl default --url "http://$RIG_WEB4/ip" demo)
like "$out" 'public address: 10\.64\.0\.2, was 192\.168\.77\.2' 'R18: says the public address before and after'
off >/dev/null
forward() { in_ns router sh -c "echo $1 >/proc/sys/net/ipv4/ip_forward; echo $1 >/proc/sys/net/ipv6/conf/all/forwarding"; }
forward 0
t=$SECONDS
out=$(vpnctl default --url "http://$RIG_NAME/ip" demo 2>&1)
like "$? $out" '^0 .*unknown, was unknown' 'R18: offline: it toggles, and says that it does not know'
ok 'R18: and does not hang' test $((SECONDS - t)) -lt $((20 * ${RIG_SLOW_FACTOR:-1}))
ok 'R18: nor back' vpnctl default --url "http://$RIG_NAME/ip" none
forward 1
wait_for 10 get "$RIG_WEB4"
same 'R18: as before'

# --- the tunnel dies -----------------------------------------------------------------------------

on demo >/dev/null
is "$(both)" 'demo demo' 'control: it works'
$RIG_CAPTURE start
[ "$RIG_WG" != go ] || freeze demo
in_vpn demo ip link delete demo
is "$(both 2)" ' ' 'R15: the tunnel deleted: nothing is reached'
t=$SECONDS
curl -s -m 10 "http://$RIG_WEB4/" >/dev/null
curl -s -m 10 "http://$RIG_WEB6/" >/dev/null
ok 'R15: and refused at once' test $((SECONDS - t)) -lt $((4 * ${RIG_SLOW_FACTOR:-1}))
timeout 1 "$RIG_DIR/build/tests/net/probe" udp "$RIG_WEB4" 80 >/dev/null
is "$(getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)" '' 'R15: nor is a name resolved'
is "$($RIG_CAPTURE stop)" 0 'R15: nothing left by the uplink'
is "$(get "$RIG_LAN")" lan 'R11: the LAN still answers'
[ "$RIG_WG" != go ] || thaw demo
vpnctl up demo >/dev/null
is "$(both)" 'demo demo' 'R15: back again: it works'
$RIG_CAPTURE start
ok 'restart of the default' vpnctl restart demo
is "$(both)" 'demo demo' 'it works again'
is "$($RIG_CAPTURE stop)" 0 'nothing left by the uplink meanwhile'
out=$(vpnctl down demo 2>&1)
like "$? $out" '^1 .*default.*vpnctl default none' 'down of the default: refused, and how'
is "$(both)" 'demo demo' 'and it works'
like "$(vpnctl down --force demo)" 'not the default any more' 'down --force takes the default away, and says so'
is "$(both)" 'clear clear' 'traffic goes directly'
vpnctl up demo >/dev/null
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
is "$(ip rule | grep '^[34]..:'; nft list tables | grep default; find /run/vpnrun -name default.note)" '' 'and nothing of it is left'

# --- one replaces another ------------------------------------------------------------------------

probe=$RIG_DIR/build/tests/net/probe
on demo >/dev/null
# Both families, TCP and UDP, new sockets without a pause, until the file is gone.
traffic() {
	while [ -e "$RIG_DIR/traffic" ]; do
		get "$RIG_WEB4" 2
		get "$RIG_WEB6" 2
		timeout 0.1 "$probe" udp "$RIG_WEB4" 80 >/dev/null
		timeout 0.1 "$probe" udp "$RIG_WEB6_ADDR" 80 >/dev/null
		echo
	done >"$RIG_DIR/said" 2>/dev/null
}
: >"$RIG_DIR/traffic"
$RIG_CAPTURE start
traffic &
job=$!
bad=0
rounds=$([ "$slow" ] && echo 1 || echo 4)
for ((i = 0; i < rounds; i++)); do
	for v in other demo; do
		on $v >/dev/null || bad=$((bad + 1))
		[ "$(both)" = "$v $v" ] || bad=$((bad + 1))
	done
done
rm "$RIG_DIR/traffic"
wait $job
is $bad 0 'R16: a second default replaces the first, again and again'
is "$($RIG_CAPTURE stop)" 0 'R16: and with traffic running nothing was in the clear'
is "$(grep -c clear "$RIG_DIR/said")" 0 'R16: nor did any connection come out there'
ok 'control: the traffic went by the one' grep -q demo "$RIG_DIR/said"
ok 'control: and by the other' grep -q other "$RIG_DIR/said"
: >"$RIG_DIR/traffic"
$RIG_CAPTURE start
traffic &
job=$!
wait_for 10 grep -q demo "$RIG_DIR/said"
off >/dev/null
wait_for 10 grep -q clear "$RIG_DIR/said"
rm "$RIG_DIR/traffic"
wait $job
ok 'control: the capture sees this traffic when the default goes' test "$($RIG_CAPTURE stop)" -gt 0
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
snapshot >"$RIG_DIR/before"

# What is connected by the VPN does not go on by the uplink (L29). What still arrives for it would be
# answered with a reset, so it is busy.
busy() { # busy VPN URL: a download of which the first bytes have come
	on "$1" >/dev/null
	rm -f "$RIG_DIR/stream"
	curl -sN -m 30 "$2" | { head -c 1000 >"$RIG_DIR/stream"; exec cat >/dev/null; } &
	job=$!
	wait_for 10 test -s "$RIG_DIR/stream"
}
for ((i = 0; i < rounds; i++)); do
	for w in "$RIG_WEB4" "$RIG_WEB6"; do
		busy demo "http://$w/big?400000000"
		$RIG_CAPTURE start
		off >/dev/null
		# In the bridge layout it may go on: its address still leads into the tunnel.
		[ "$RIG_LAYOUT" = bridge ] || ok 'L29: a connection by the VPN ends with the default' wait_for 20 ended $job
		kill $job 2>/dev/null
		wait $job 2>/dev/null
		is "$($RIG_CAPTURE stop)" 0 "L29: and does not go on by the uplink ($w)"
		busy demo "http://$w/big?400000000"
		$RIG_CAPTURE start
		on other >/dev/null
		kill $job 2>/dev/null
		wait $job 2>/dev/null
		is "$($RIG_CAPTURE stop)" 0 "L29: nor when another replaces it ($w)"
		off >/dev/null
	done
done

# A container of the host's own bridge: its flow was translated for the VPN.
snapshot >"$RIG_DIR/before"
ip netns add box
ip link add box0 type veth peer name eth0 netns box
ip addr add 172.30.0.1/24 dev box0
ip link set box0 up
ip -n box addr add 172.30.0.2/24 dev eth0
ip -n box link set eth0 up
ip -n box route add default via 172.30.0.1
# One by one: the switch of the machine would reset those of the bridges.
forward_box() { for d in default "$RIG_UPLINK" "${@:2}"; do echo "$1" >"/proc/sys/net/ipv4/conf/$d/forwarding"; done; }
forward_box 1 box0
nft -f - <<-X
	table ip box {
		chain out {
			type nat hook postrouting priority srcnat;
			ip saddr 172.30.0.0/24 oifname "$RIG_UPLINK" masquerade
		}
	}
X
in_ns demo "$probe" serve "$RIG_WEB4" 7007 demo >/dev/null &
s1=$!
in_ns internet "$probe" serve "$RIG_WEB4" 7007 clear >/dev/null &
s2=$!
on demo >/dev/null
ip netns exec box "$probe" flow "$RIG_WEB4" 7007 "$RIG_DIR/flow" &
flow=$!
word_is() { [ "$(cut -d' ' -f2 "$RIG_DIR/flow")" = "$1" ]; }
ok 'R20: what the host forwards for a container goes by it, too' wait_for 12 word_is demo
if [ "$RIG_LAYOUT" = netns ]; then
	# Another cable, with another address: nobody would know later what to forget of the old one.
	own=$(ip -4 -o addr show vh-demo)
	ip link set vh-demo down
	ip link set vh-demo address 02:00:00:00:00:63
	on demo >/dev/null
	ok 'control: the cable has another address now' test "$(ip -4 -o addr show vh-demo | grep -c "${own#*inet }")" = 0
	# shellcheck disable=SC2016
	seen_now() { read -r n _ <"$RIG_DIR/flow"; [ "$n" -gt "$1" ]; }
	read -r n _ <"$RIG_DIR/flow"
	ok "L29: the container's flow goes on by that" wait_for 12 seen_now "$n"
fi
# Names that the LAN asks a container of this machine's for are not this machine's.
ip netns exec box perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die $!;
	while ($s->recv($b, 99)) { $s->send("box") }' &
named=$!
from_lan() { in_ns lan perl -MIO::Socket::INET -e '$SIG{ALRM} = sub { exit }; alarm 1; $s = IO::Socket::INET->new(Proto => "udp",
	PeerAddr => "$ARGV[0]:53"); $s->send("x"); $s->recv($b, 99); print $b' "$1"; }
in_ns lan ip route add 172.30.0.2 via "$RIG_HOST4"
is "$(from_lan 172.30.0.2)" '' 'what asks one behind this machine for names is refused'
nft "table ip box { chain in { type nat hook prerouting priority dstnat; iifname \"$RIG_UPLINK\" udp dport 53 dnat to 172.30.0.2; }; }"
answered() { [ "$(from_lan "$RIG_HOST4")" = box ]; }
ok 'a name server that this machine offers to its LAN from a container goes on' wait_for 10 answered
kill $named
wait $named 2>/dev/null
in_ns lan ip route delete 172.30.0.2
$RIG_CAPTURE start
off >/dev/null
ok 'control: its flow goes on by the uplink, as before' wait_for 12 word_is clear
$RIG_CAPTURE stop >/dev/null
is "$($RIG_CAPTURE list | grep -c 'udp 10\.\|172\.30')" 0 "L29: and never with an address of the VPN's or its own"
kill $flow $s1 $s2
wait $flow $s1 $s2 2>/dev/null
nft delete table ip box
ip netns delete box
wait_for 5 not ip link show box0
forward_box 0
same 'R12: as before'

# Nor what was connected before the switch.
rm -f "$RIG_DIR/stream" # or what an earlier one has said is taken for this one's
curl -sN -m 30 "http://$RIG_WEB4/stream" >"$RIG_DIR/stream" 2>/dev/null &
job=$!
wait_for 10 test -s "$RIG_DIR/stream"
on demo >/dev/null
$RIG_CAPTURE start
ok 'L29: a connection from before the switch ends' wait_for 20 ended $job
kill $job 2>/dev/null
wait $job 2>/dev/null
is "$($RIG_CAPTURE stop)" 0 'L29: and sends nothing more by the uplink'
off >/dev/null

# The machine went off with a default: what is left is one file.
on demo >/dev/null
mv /run/vpnrun/default.note "$RIG_DIR/note"
like "$(cat /etc/resolv.conf)" 'vpnctl default none puts back' 'control: after a restart resolv.conf is still the VPN'"'"'s'
vpnctl up demo >/dev/null
is "$(cat /etc/resolv.conf)" "nameserver $RIG_DNS_CLEAR" 'R56: the first VPN that comes up puts it back'
mv "$RIG_DIR/note" /run/vpnrun/default.note
off >/dev/null
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
same 'R12: all as before'

# What another program takes away comes back by itself (systemd-networkd, when it starts anew).
on demo >/dev/null
freeze demo
for f in -4 -6; do while ip $f rule delete pref 301 2>/dev/null; do :; done; done
is "$(get "$RIG_WEB4")" '' 'L55: without the rules the firewall alone holds'
nft flush chain inet vpnrun-default-demo astray
is "$(get "$RIG_WEB4")" clear 'control: without both the machine goes in the clear'
comes_back() { [ "$(both)" = 'demo demo' ]; }
is_whole() { vpnctl status demo >/dev/null 2>&1; }
thaw demo
ok 'R15: the keeper puts them back' wait_for 20 comes_back
off >/dev/null

# What follows is the same on every kernel, and long on a slow machine.
if [ "$slow" ]; then
	finish
	exit
fi

# --- among others --------------------------------------------------------------------------------

# Tailscale as it sets itself up: its rules, its table, its device; whichever comes first.
tailscale_up() {
	ip netns add tailnet
	ip link add tailscale0 type veth peer name eth0 netns tailnet
	ip addr add 100.101.102.103/32 dev tailscale0
	ip addr add fd7a:115c:a1e0::1/128 dev tailscale0 nodad
	ip link set tailscale0 addrgenmode none up
	ip -n tailnet addr add 100.100.100.100/32 dev eth0
	ip -n tailnet addr add fd7a:115c:a1e0::53/128 dev eth0 nodad
	ip -n tailnet link set eth0 up
	ip -n tailnet route add 100.101.102.103 dev eth0
	ip -n tailnet -6 route add fd7a:115c:a1e0::1 dev eth0
	ip route add 100.64.0.0/10 dev tailscale0 table 52
	ip -6 route add fd7a:115c:a1e0::/48 dev tailscale0 table 52
	for f in -4 -6; do
		ip $f rule add pref 5210 fwmark 0x80000/0xff0000 lookup main
		ip $f rule add pref 5230 fwmark 0x80000/0xff0000 lookup default
		ip $f rule add pref 5250 fwmark 0x80000/0xff0000 unreachable
		ip $f rule add pref 5270 lookup 52
	done
}
tailscale_down() {
	ip netns delete tailnet
	ip link delete tailscale0 2>/dev/null
	for f in -4 -6; do
		for p in 5210 5230 5250 5270; do ip $f rule delete pref $p; done
		ip $f route flush table 52 2>/dev/null
	done
}
tailnet() { ping -c 1 -W 2 100.100.100.100 && ping -6 -c 1 -W 2 fd7a:115c:a1e0::53; }
its_rules() { ip rule; ip -6 rule; }
tailscale_up
r=$(its_rules | grep ^52)
ok 'control: the tailnet answers without a default' tailnet
on demo >/dev/null
ok 'R52: and with one, MagicDNS'"'"'s address and IPv6' tailnet
is "$(its_rules | grep ^52)" "$r" 'R52: its rules are as they were'
is "$(both)" 'demo demo' 'R52: and all else goes through the VPN'
like "$(ip route get 203.0.113.9 mark 0x80000)" "$([ "$RIG_LAYOUT" = bridge ] && echo dev demo || echo dev vh-demo)" "R52: its own packets go through the VPN, too"
off >/dev/null
ok 'R52: and afterwards' tailnet
snapshot >"$RIG_DIR/before"
bad=0
rounds=$([ "$slow" ] && echo 3 || echo 20)
for ((i = 0; i < rounds; i++)); do
	on demo >/dev/null || bad=$((bad + 1))
	[ "$(both) $(get "$RIG_LAN")" = 'demo demo lan' ] || bad=$((bad + 1))
	tailnet >/dev/null || bad=$((bad + 1))
	off >/dev/null || bad=$((bad + 1))
done
is $bad 0 "R12 R52: $rounds times on and off, beside the tailnet"
same 'R12 R52: and the machine as before, its table 52 and rules, too'
tailscale_down
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
snapshot >"$RIG_DIR/before"
on demo >/dev/null
$RIG_CAPTURE start
ok 'R56: without Tailscale its addresses do not answer' not ping -c 1 -W 1 100.100.100.100
is "$($RIG_CAPTURE stop)" 0 'R56: nor do they go in the clear'
tailscale_up
ok 'R56: Tailscale started after the default: the tailnet answers' tailnet
is "$(both)" 'demo demo' 'R56: and all else goes through the VPN'
tailscale_down
off >/dev/null

# A socket that is bound to the uplink: the kernel takes everybody to be on that link, and here
# somebody answers for everybody.
in_ns router sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/proxy_arp'
bound() { # bound WHAT [SECONDS]: by the uplink's name, or by its address, which is not a way
	local a
	for a in "$RIG_WEB4" "$RIG_WEB6"; do curl -s -m "${2:-8}" --interface "$1" "http://$a/"; echo ",$?"; done
}
on demo >/dev/null
# The keeper would put it back.
freeze demo
nft flush chain inet vpnrun-default-demo astray
is "$(bound "$RIG_UPLINK" | head -n 1)" clear 'control: without the rule, a socket bound to the uplink reaches a public address by ARP'
thaw demo
ip neigh flush dev "$RIG_UPLINK"
for strict in '' --strict; do
	# shellcheck disable=SC2086
	on $strict demo >/dev/null
	$RIG_CAPTURE start
	is "$(bound "$RIG_UPLINK")" $',7\n,7' "L55: ${strict:-without --strict} it is refused at once, both families"
	ok "L55: ${strict:-without --strict} other protocols, too" not ping -c 1 -W 1 -I "$RIG_UPLINK" "$RIG_WEB4"
	is "$(bound "$RIG_HOST4" | head -n 1)" demo 'L55: one that is bound to the address goes through the VPN'
	is "$($RIG_CAPTURE stop)" 0 'L55: nothing left by the uplink'
	is "$(curl -s -m 8 --interface "$RIG_UPLINK" "http://$RIG_LAN/")" lan 'the LAN is reached all the same'
done
off >/dev/null
on demo >/dev/null
ip route add "$RIG_WEB4/32" via 192.168.77.1 dev "$RIG_UPLINK"
by_uplink() { [ "$(curl -s -m 2 --interface "$RIG_UPLINK" "http://$RIG_WEB4/")" = clear ]; }
ok 'L55: with a route of the host'"'"'s own there it goes, as the keeper has seen it' wait_for 20 by_uplink
ip route delete "$RIG_WEB4/32"
not_by_uplink() { ! by_uplink; }
ok 'L55: and without it no more' wait_for 20 not_by_uplink
ok 'and the default is whole' wait_for 20 vpnctl status demo
off >/dev/null
in_ns router sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/proxy_arp'
ip neigh flush dev "$RIG_UPLINK"
wait_for 10 get "$RIG_WEB4"
same 'and all is as before'

# A strict reverse path filter. The larger of two numbers counts, and 2 is loose.
cat "/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter" >"$RIG_DIR/rp_filter"
echo 1 >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"
on demo >/dev/null
is "$(cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" 1 'R25: a strict reverse path filter: the mark counts in it'
is "$(both)" 'demo demo' 'R25: with a strict reverse path filter it works'
is "$(get "$RIG_LAN")" lan 'R25: and the LAN'
ok 'R25: a user'"'"'s program, too' test "$(as_user vpnrun other curl -s -m 12 "http://$RIG_WEB4/")" = other
off >/dev/null
is "$(cat /proc/sys/net/ipv4/conf/all/src_valid_mark)" 0 'R12: and its switch is put back'
cat "$RIG_DIR/rp_filter" >"/proc/sys/net/ipv4/conf/$RIG_UPLINK/rp_filter"

# What sends by the uplink on purpose, or asks the LAN for names.
on demo >/dev/null
$RIG_CAPTURE start
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "$ARGV[0]:53"); print $s->send("x") ? "sent" : "$!"' \
	"$RIG_LAN" >"$RIG_DIR/said"
is "$($RIG_CAPTURE stop)" 0 'R19: the LAN is not asked for names'
is "$(curl -s -m 2 --interface "$RIG_UPLINK" "http://$RIG_WEB4/")" '' 'a socket bound to the uplink gets nowhere, IPv4'
off >/dev/null

# An injected route (DHCP option 121).
ip route add "${RIG_WEB4%.*}.0/25" via "$RIG_LAN" dev "$RIG_UPLINK"
in_ns lan ip addr add "$RIG_WEB4/32" dev lo
# Or a router advertisement, which names no LAN of its own (RFC 4191).
ip -6 route add "$RIG_WEB6_ADDR/128" via "$RIG_LAN6_ADDR" dev "$RIG_UPLINK"
in_ns lan ip -6 addr add "$RIG_WEB6_ADDR/128" dev lo nodad
on demo >/dev/null
is "$(both)" 'lan lan' 'L22: control: a route that a DHCP server or a router injects catches traffic'
is "$(curl -s -m 10 --interface "$RIG_UPLINK" "http://$RIG_WEB6/")" lan 'L22: control: so does it that of a socket bound to the uplink'
on --strict demo >/dev/null
$RIG_CAPTURE start
is "$(both)" 'demo demo' 'L22: with --strict it does not'
is "$(curl -s -m 2 --interface "$RIG_UPLINK" "http://$RIG_WEB4/")" '' 'L22: nor for a socket bound to the uplink'
is "$(curl -s -m 2 --interface "$RIG_UPLINK" "http://$RIG_WEB6/")" '' 'L22: nor by IPv6'
is "$($RIG_CAPTURE stop)" 0 'L22: and nothing leaves by the uplink'
is "$(get "$RIG_LAN")" lan 'L22: the LAN is reached'
freeze demo
for f in -4 -6; do while ip $f rule delete pref 301 2>/dev/null; do :; done; done
$RIG_CAPTURE start
is "$(both 2)" ' ' 'L22: with --strict the firewall alone holds'
is "$($RIG_CAPTURE stop)" 0 'L22: and nothing leaves'
like "$(vpnctl status demo)" "machine's default, strictly" 'status shows the default'
like "$(vpnctl status demo --json)" '"machine_default": true' 'also as JSON'
like "$(vpnctl status other --json)" '"machine_default": false' 'and not of the other'
like "$(vpnctl status demo)" "of the machine's default, the rule 301: .* is missing" 'status says what is missing'
thaw demo
on --strict demo >/dev/null
is "$(both)" 'demo demo' 'the same default again repairs it'
off >/dev/null
in_ns lan ip addr del "$RIG_WEB4/32" dev lo
in_ns lan ip -6 addr del "$RIG_WEB6_ADDR/128" dev lo
ip route del "${RIG_WEB4%.*}.0/25" via "$RIG_LAN"
ip -6 route del "$RIG_WEB6_ADDR/128" via "$RIG_LAN6_ADDR"
get "$RIG_WEB4" >/dev/null
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
snapshot >"$RIG_DIR/after"
is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' 'R12: in the end all is as before'

# The name of an endpoint is asked for outside, also when the tunnel is dead (R62).
vpnctl down other >/dev/null
on demo >/dev/null
: >"$RIG_DIR/dns-demo.log"
ok 'R62: a VPN whose endpoint is a name comes up' vpnctl up other
is "$(grep -c other.vpn "$RIG_DIR/dns-demo.log")" 0 'R62: its name was not asked for by the VPN'
on other >/dev/null
[ "$RIG_WG" != go ] || freeze other
in_vpn other ip link delete other
[ "$RIG_WG" != go ] || thaw other
ok 'R62: and comes up again while it is itself the default' vpnctl up other
is "$(both)" 'other other' 'R62: and works'
off >/dev/null

# Each of the other means taken away.
table=1
on demo >/dev/null
freeze demo
$RIG_CAPTURE start
for f in -4 -6; do ip $f route flush table $table; done
is "$(both 2)" ' ' 'L03 R15: the routes flushed: nothing is reached'
is "$($RIG_CAPTURE stop)" 0 'L03 R15: and nothing leaves'
like "$(vpnctl status demo)" 'the IPv6 route .* of the table 1 is missing' 'L03: status names them'
thaw demo
if [ "$RIG_LAYOUT" = netns ]; then
	ok 'R15: the keeper puts them back' wait_for 45 comes_back
	ok 'R15: and has finished' wait_for 20 is_whole
	ip link delete vh-demo
	like "$(vpnctl status demo)" "of the machine's default, the device vh-demo is missing" 'L03: the cable deleted: status says so'
	kill -USR2 "$(cat /run/vpnrun/demo.supervisor)"
	ok 'R15: and the keeper plugs another in' wait_for 45 comes_back
fi
vpnctl up demo >/dev/null
ok 'R76: after an up it works' wait_for 12 comes_back
freeze demo
$RIG_CAPTURE start
nft delete table inet vpnrun-default-demo
[ "$RIG_LAYOUT" = netns ] || nft 'delete table inet vpnrun-demo; delete table bridge vpnrun-demo'
is "$(both)" 'demo demo' 'L03: the firewalls deleted: the rules alone lead all into the tunnel'
in_vpn demo ip link set demo down
is "$(both 2)" ' ' 'L03 R15: and with the tunnel gone as well, to nowhere'
is "$($RIG_CAPTURE stop)" 0 'L03: nothing left by the uplink'
like "$(vpnctl status demo)" 'degraded' 'L03: status says so'
thaw demo
vpnctl up demo >/dev/null
ok 'R76: an up puts all of that back' wait_for 12 comes_back

# A neighbour who asks whether an address is the machine's (CVE-2019-14899).
w=$([ "$RIG_LAYOUT" = netns ] && echo vh-demo || echo demo)
own4=$(ip -4 -o addr show "$w" | sed 's/.* inet //;s,[/ ].*,,') own6=$(ip -6 -o addr show "$w" scope global | sed 's/.* inet6 //;s,[/ ].*,,')
in_ns lan sh -c "ip route add $own4 via $RIG_HOST4; ip -6 route add $own6 via $RIG_HOST6"
echoes() { awk '/^Icmp: [0-9]/ { n = $10 } /^Icmp6InEchos / { m = $2 } END { print n + m }' /proc/net/snmp /proc/net/snmp6; }
knock() { in_ns lan ping -c 1 -W 1 "$own4" >/dev/null; in_ns lan ping -6 -c 1 -W 1 "$own6" >/dev/null; }
n=$(echoes)
knock
is "$(echoes)" "$n" "L21: the default's address hears nothing from the LAN"
freeze demo
nft delete table inet vpnrun-default-demo
[ "$RIG_LAYOUT" = netns ] || nft delete table inet vpnrun-demo
knock
is "$(echoes)" $((n + 2)) 'control: without the firewalls it does, by both families'
thaw demo
in_ns lan sh -c "ip route delete $own4; ip -6 route delete $own6"
vpnctl up demo >/dev/null
off >/dev/null

for v in demo other; do as_user vpnrun $v curl -s -m 12 "http://$RIG_WEB4/" >/dev/null; done
snapshot >"$RIG_DIR/before"

# By an endpoint that is reached by IPv6.
cp -p /etc/vpnrun/demo.conf "$RIG_DIR/demo.saved"
cat "$RIG_DIR/conf/demo6.conf" >/etc/vpnrun/demo.conf
$RIG_CAPTURE start
on demo >/dev/null
vpnctl restart demo >/dev/null
ok 'R17: an endpoint that is reached by IPv6: all by the VPN' wait_for 12 comes_back
like "$(vpnctl status demo)" "$RIG_ENDPOINT6" 'control: it is the one'
is "$($RIG_CAPTURE stop)" 0 'R17: and nothing leaves by the uplink but to it'
cat "$RIG_DIR/demo.saved" >/etc/vpnrun/demo.conf
vpnctl restart demo >/dev/null
off >/dev/null
as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/" >/dev/null
snapshot >"$RIG_DIR/before"

# --- killed at any step --------------------------------------------------------------------------

strike() { # strike SYSCALL N COMMAND...
	strace -qqq -o /dev/null -e "trace=$1" -e "inject=$1:signal=SIGKILL:when=$2" -- "${@:3}" >"$RIG_DIR/strike.out" 2>&1
}
becomes() { on "$1" >/dev/null && [ "$(both)" = "$1 $1" ]; }
# killed SYSCALL STEP BEFORE COMMAND...: at its 1st, 1+STEPth ... call, until it ends by itself. Then the next
# default finishes (odd) or none undoes (even) what is left.
killed() {
	local sc=$1 step=$2 before=$3 n bad=0 i=0 clean
	clean=$RIG_DIR/before
	shift 3
	for ((n = 1; n < 300; n += step)); do
		$before >/dev/null
		strike "$sc" $n "$@"
		[ $? = 137 ] || break
		i=$((i + 1))
		if [ $((i % 2)) = 1 ]; then
			becomes other || { bad=$((bad + 1)); diag "$sc $n: on: $(both)"; }
		fi
		off >/dev/null || bad=$((bad + 1))
		snapshot >"$RIG_DIR/after"
		diff "$clean" "$RIG_DIR/after" >"$RIG_DIR/diff" || { bad=$((bad + 1)); diag "$sc $n:" "$(cat "$RIG_DIR/diff")"; }
		[ $bad -lt 3 ] || break
	done
	off >/dev/null
	[ $i -gt 0 ] || bad=1
	diag "$sc: $i places"
	return $bad
}
on_demo() { on demo; }
nothing() { :; }
for c in 'sendto 4' 'rename 1' 'linkat 1' 'clone 1' 'write 2'; do
	# shellcheck disable=SC2086
	ok "R13 R76: default killed at any ${c% *}: the next finishes or undoes it" killed $c nothing vpnctl default --no-ip demo
done
# A default stands at every moment here, whichever.
switch_killed() { # switch_killed SYSCALL STEP
	local n bad=0 v
	for ((n = 1; n < 300; n += $2)); do
		on demo >/dev/null
		strike "$1" $n vpnctl default --no-ip other
		[ $? = 137 ] || break
		timeout 0.1 "$probe" udp "$RIG_WEB4" 80 >/dev/null
		timeout 0.1 "$probe" udp "$RIG_WEB6_ADDR" 80 >/dev/null
		v=$([ $((n % 2)) = 0 ] && echo demo || echo other)
		becomes "$v" || { bad=$((bad + 1)); diag "$1 $n: $(both)"; }
	done
	[ "$n" -gt 1 ] || bad=1
	return $bad
}
on demo >/dev/null
$RIG_CAPTURE start
for c in 'sendto 7' 'rename 1' 'clone 1'; do
	# shellcheck disable=SC2086
	ok "R13 R16 R76: a switch killed at any ${c% *}: either can be had" switch_killed $c
done
is "$($RIG_CAPTURE stop)" 0 'R16: and nothing was in the clear'
off >/dev/null
for c in 'sendto 3' 'rename 1' 'unlink 1'; do # it starts no child
	# shellcheck disable=SC2086
	ok "R12 R76: default none killed at any ${c% *}" killed $c on_demo vpnctl default --no-ip none
done
# Where the kernel says no half-way, one of the two stands: never none, and not with half of it.
on_demo
bad='' failures=0
for ((n = 1; n < 80; n += 3)); do
	# What it looks for in vain it does without, and what it does in a child is counted anew there.
	strace -qqq -o /dev/null -f -e trace=sendto -e "inject=sendto:error=ENOBUFS:when=$n" -- \
		vpnctl default --no-ip other >/dev/null 2>&1 || failures=$((failures + 1))
	w=$(get "$RIG_WEB4" 2)
	[[ $w =~ ^(demo|other|)$ ]] || bad="$bad $n:$w"
	on demo >/dev/null && [ "$(get "$RIG_WEB4")" = demo ] || bad="$bad $n:after"
done
is "$bad" '' 'R16: a switch that fails at any sendto leaves one of the two'
ok 'control: they did fail' test $failures -gt 9
off >/dev/null
same 'R12: as before'

# --- failed at any step --------------------------------------------------------------------------

# What was told to have failed does not happen later: the supervisor looks whenever it is told to.
note=/run/vpnrun/default.note
look() { kill -USR2 "$(cat /run/vpnrun/demo.supervisor)" "$(cat /run/vpnrun/other.supervisor)"; }
inject() { # inject SYSCALL ERROR WHEN COMMAND...: strace's word on what failed is in inject.out
	strace -qqq -o "$RIG_DIR/inject.out" -e "trace=$1" -e "inject=$1:error=$2:when=$3" -- "${@:4}" >"$RIG_DIR/strike.out" 2>&1
}
is_injected() { grep -q INJECTED "$RIG_DIR/inject.out"; }
rules() { ip rule; ip -6 rule; head -1 /etc/resolv.conf; }
none=$(rules)
# The first default, one failure each: not there, or (where it does without) all there, never by halves.
fails() { # fails SYSCALL ERROR STEP
	local n bad=0 failed=0 state
	for ((n = 1; n < 300; n += $3)); do
		inject "$1" "$2" $n vpnctl default --no-ip demo
		if [ $? = 0 ]; then
			is_injected || break
			state=$(vpnctl status demo) || { bad=$((bad + 1)); diag "$1 $n: half of it: $(cat "$RIG_DIR"/{inject,strike}.out)" "$state"; }
			off >/dev/null
		elif is_injected; then
			failed=$((failed + 1))
			[ ! -e $note ] || { bad=$((bad + 1)); diag "$1 $n: the note is left: $(cat "$RIG_DIR/strike.out")"; }
		fi
		[ "$(rules)" = "$none" ] || { bad=$((bad + 1)); diag "$1 $n: $(cat "$RIG_DIR/strike.out")" "$(rules | diff - <(echo "$none"))"; }
		[ $bad = 0 ] || { off >/dev/null; break; }
	done
	off >/dev/null
	diag "$1: $failed failures in $n calls"
	[ $failed -gt 0 ] && [ $bad = 0 ] && [ "$n" -gt 1 ]
}
for c in 'sendto ENOBUFS 3' 'socket EMFILE 1' 'openat EMFILE 1' 'rename ENOSPC 1' 'linkat EROFS 1' 'clone EAGAIN 1'; do
	# shellcheck disable=SC2086
	ok "R12 design 9: the first default fails at any ${c%% *}: undone, and no note is left" fails $c
done
look
same 'R12: and nothing of it happens later'
# Killed, or unable to undo: the note says that it never was on, and the supervisor undoes it.
no_note() { [ ! -e $note ]; }
for c in 'rename 2' 'sendto 15' 'linkat 1'; do
	# shellcheck disable=SC2086
	strike $c vpnctl default --no-ip demo
	is $? 137 "killed at ${c% *}"
	look
	ok "R12: a default that never was on, killed at ${c% *}: undone, not finished" wait_for 10 no_note
	is "$(rules)" "$none" 'R12: all of it'
done
same 'R12: to the byte'
# Whoever finds it half taken away goes the way that was asked, and not back.
for c in 'rename 2' 'sendto 6' 'sendto 16'; do
	on demo >/dev/null
	# shellcheck disable=SC2086
	strike $c vpnctl default --no-ip none
	is $? 137 "none killed at ${c% *}"
	look
	ok "R12: a default that was being taken away, killed at ${c% *}: goes, and is not switched on again" wait_for 10 no_note
	is "$(rules)" "$none" 'R12: all of it'
done
same 'R12: to the byte'
on demo >/dev/null
is_demo() { [[ $(vpnctl status demo) = *"demo is the machine's default"* ]] && vpnctl status demo && ! ip rule | grep -q ^302:; }
$RIG_CAPTURE start
inject rename ENOSPC 2+ vpnctl default --no-ip other
is "$? $(grep -c 'cannot make other the default.*undone soon' "$RIG_DIR/strike.out")" '1 1' 'R16: a switch that fails and cannot be undone says so'
look
ok 'R16: it is undone later: the one before is the default' wait_for 10 is_demo
is "$(both)" 'demo demo' 'R16: and not the one that failed'
strike sendto 14 vpnctl default --no-ip other
look
ok 'R16: a switch that is killed before it is done is undone, too' wait_for 10 is_demo
is "$($RIG_CAPTURE stop)" 0 'R16: and nothing was in the clear'
off >/dev/null
same 'R12: as before'

# --- resolvconf ----------------------------------------------------------------------------------

# As openresolv does: a text for each interface, and a file that is its own.
mkdir -p "$RIG_DIR/sbin" /run/resolvconf
cat >"$RIG_DIR/sbin/resolvconf" <<-'X'
	#!/bin/sh
	echo "$*" >>/run/resolvconf/calls
	case $1 in
	-a) { echo '# Generated by resolvconf'; cat; } >/run/resolvconf/resolv.conf ;;
	-d) cp /run/resolvconf/before /run/resolvconf/resolv.conf ;;
	esac
X
chmod 755 "$RIG_DIR/sbin/resolvconf"
dir=$(dirname "$(realpath -m /sbin/resolvconf)")
mount -t overlay -o "lowerdir=$RIG_DIR/sbin:$dir" overlay "$dir"
{ echo '# Generated by resolvconf'; cat /etc/resolv.conf; } | tee /run/resolvconf/before >/run/resolvconf/resolv.conf
mv /etc/resolv.conf "$RIG_DIR/resolv.conf"
ln -s /run/resolvconf/resolv.conf /etc/resolv.conf
on demo >/dev/null
is "$(get "$RIG_NAME")" demo 'R19: where resolvconf owns the file: names go through the VPN'
ok 'R19: and the file is still resolvconf'"'"'s' test -L /etc/resolv.conf
on other >/dev/null
off >/dev/null
is "$(cat /run/resolvconf/resolv.conf)" "$(cat /run/resolvconf/before)" 'R12: and are as before'
like "$(tail -1 /run/resolvconf/calls)" '^-d ' 'R12: it was told so'
mv "$RIG_DIR/resolv.conf" /etc/resolv.conf
umount "$dir"

# --- other files ---------------------------------------------------------------------------------

cp /etc/vpnrun/demo.conf "$RIG_DIR/demo.conf"
cp "$RIG_DIR/conf/v4only.conf" /etc/vpnrun/demo.conf
vpnctl up demo >/dev/null
on demo >/dev/null
$RIG_CAPTURE start
is "$(both 2)" 'demo ' 'R14: a VPN without IPv6: IPv4 goes by it, IPv6 nowhere'
as_user timeout 1 "$probe" udp "$RIG_WEB6_ADDR" 80 >/dev/null
is "$($RIG_CAPTURE stop)" 0 'R14: nothing in the clear'
vpnctl down --force demo >/dev/null
cp "$RIG_DIR/demo.conf" /etc/vpnrun/demo.conf
vpnctl up demo >/dev/null
on demo >/dev/null
sed -i '/^\[Interface\]/a FwMark = 0x77' /etc/vpnrun/other.conf
vpnctl restart other >/dev/null
# Its first packet was sent before the default knew its mark, and WireGuard repeats it after 5 s.
is "$(as_user vpnrun other curl -s -m 20 "http://$RIG_WEB4/")" other 'R17: a VPN whose file has a FwMark of its own goes by the uplink, too'
on other >/dev/null
is "$(both)" 'other other' 'R17: also as the default'
off >/dev/null
sed -i '/^FwMark/d' /etc/vpnrun/other.conf
vpnctl restart other >/dev/null
if [ "$RIG_LAYOUT" = netns ]; then
	ip route add 192.0.2.0/24 dev "$RIG_UPLINK" table 1
	like "$(on demo 2>&1)" 'table 1 has routes of somebody else' 'a routing table that is in use: refused'
	is "$(ip route show table 1; ip rule | grep ^3..:)" "192.0.2.0/24 dev $RIG_UPLINK scope link " 'and left as it was'
	ip route flush table 1
	ip link add vh-demo type dummy 2>/dev/null || ip link add vh-demo type bridge
	like "$(on demo 2>&1)" 'interface vh-demo already' 'a device of that name: refused'
	ok 'and left alone' ip link show vh-demo
	ip link delete vh-demo
	on demo >/dev/null
	freeze demo
	ip link delete vh-demo
	ip link add vh-demo type bridge
	like "$(on demo 2>&1)" 'cannot make demo the default' 'nor is one taken that somebody has put there since'
	off >/dev/null
	thaw demo
	ok 'R12: none leaves it where it is' ip link delete vh-demo
fi

# --- users ---------------------------------------------------------------------------------------

like "$(as_user vpnctl default --no-ip demo 2>&1)" 'root|vpnrun-default.socket' 'a user without the service: refused, and how'
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_SEQPACKET, 0) && bind(S, pack_sockaddr_un($ARGV[0])) && listen(S, 5) or die "$!";
	chmod 0666, $ARGV[0]; $SIG{CHLD} = "IGNORE"; while (accept(C, S)) { if (!fork) { open STDIN, "<&", \*C; exec "vpnctl", "serve-default" } close C }' \
	/run/vpnrun/default.sock 2>"$RIG_DIR/door.log" &
door=$!
wait_for 10 test -S /run/vpnrun/default.sock
flock /run/vpnrun/default.lock sh -c "echo >'$RIG_DIR/held'; exec sleep 20" &
held=$!
wait_for 5 test -e "$RIG_DIR/held"
like "$(as_stranger timeout 10 vpnctl default --no-ip none)" 'no default' 'R11: a stranger does not wait for what he could not take away'
kill $held
wait $held 2>/dev/null
like "$(as_user vpnctl default --no-ip demo 2>&1)" 'you may not make demo the default.*allow_default' 'a user whom no file names: refused'
ok 'and nothing was done' not test -e /run/vpnrun/default.note
sed -i "s/{ /{ \"allow_default\": { \"users\": [\"$RIG_USER\"] }, /" /etc/vpnrun/demo.json
sed -i "s/{ /{ \"allow_default\": { \"groups\": [\"$RIG_USER\"] }, /" /etc/vpnrun/other.json
vpnctl up demo other >/dev/null
like "$(as_user vpnctl default --no-ip demo)" 'demo is the default' 'R11: a user whom the file names'
is "$(both)" 'demo demo' 'R11: and it is'
like "$(as_stranger vpnctl default --no-ip none 2>&1)" 'you may not' 'a stranger may not take it away'
like "$(as_user vpnctl default --no-ip --strict other)" 'other is the default' 'R16: a user in a group that the file names replaces it'
is "$(both)" 'other other' 'R16: and it is'
ok 'and takes it away' as_user vpnctl default --no-ip none
is "$(both)" 'clear clear' 'and traffic goes directly'
like "$(perl -MSocket -e 'socket(S, AF_UNIX, SOCK_SEQPACKET, 0); connect(S, pack_sockaddr_un($ARGV[0])); send(S, "x" x 24, 0); recv(S, $b, 400, 0); print length $b' \
	/run/vpnrun/default.sock; cat "$RIG_DIR/door.log")" '^0.*not a request' 'what is no request is not answered'
sed 's/"users": \["[a-z]*"\]/"user": ["x"]/' /etc/vpnrun/demo.json >"$RIG_DIR/bad.json"
like "$(vpnctl check "$RIG_DIR/bad.json" 2>&1)" 'allow_default.*user' 'check knows its keys'
kill $door
finish
