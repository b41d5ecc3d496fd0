#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vpnctl default NAME --boot`: the machine closed from before its network is up until NAME is its
# default. What the machine's start runs is run here by hand; tests/nspawn/closed starts a machine.
# Runs inside the rig, in either layout.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

wish=/etc/vpnrun/default.boot
links=/etc/systemd/system/sysinit.target.wants
get() { curl -s -m 12 "http://$1/"; }
both() { echo "$(get "$RIG_WEB4") $(get "$RIG_WEB6")"; }
datagram() { timeout 5 bash -c "echo x >/dev/udp/$1/$2"; }
# What goes out in the clear unless something stops it: by address, from the device itself, by name, to the
# LAN's name server, by TCP and UDP, as who is forwarded. Prints what curl said.
tries() {
	local url codes=
	for url in "http://$RIG_WEB4/" "http://$RIG_WEB6/" "http://$RIG_SIDE/"; do
		curl -s -o /dev/null -m 5 "$url"
		codes="$codes $?"
	done
	curl -s -o /dev/null -m 2 --interface "$RIG_UPLINK" "http://$RIG_WEB4/"
	for port in 53 853; do
		datagram "$RIG_LAN" $port
		datagram "$RIG_LAN6_ADDR" $port
	done
	datagram "$RIG_WEB4" 123
	ping -c 1 -W 1 "$RIG_WEB4" >/dev/null
	ip netns exec guest curl -s -o /dev/null -m 1 "http://$RIG_WEB4/"
	echo "${codes# }"
} 2>/dev/null
shut='7 7 6' # at once, and never 28
clear() { # clear DESCRIPTION: nothing of that is let out
	$RIG_CAPTURE start
	is "$(tries)" "$shut" "R84 $1: all is refused at once"
	is "$($RIG_CAPTURE stop)" 0 "R84 $1: nothing goes out in the clear"
}
means() { nft list tables | grep -c vpnrun-boot; ip rule | grep -c ^300:; ip -6 rule | grep -c ^300:; }
json() { vpnctl status --json | perl -MJSON::PP -0777 -ne "print JSON::PP->new->decode(\$_)->$1"; }
# The machine restarts: nothing of the kernel's is left, and nothing of /run.
restart() {
	vpnctl down --force demo other >/dev/null 2>&1
	vpnctl default none --no-ip >/dev/null
	rm -f /run/vpnrun/default.*
	printf '%s\n' "$1" >$wish
}
# A container, as an engine plugs it in.
ip netns add guest
ip link add guest0 type veth peer name eth0 netns guest
ip addr add 172.30.0.1/24 dev guest0
ip link set guest0 up
ip -n guest addr add 172.30.0.2/24 dev eth0
ip -n guest link set lo up
ip -n guest link set eth0 up
ip -n guest route add default via 172.30.0.1
sysctl -qw net.ipv4.conf.guest0.forwarding=1 "net.ipv4.conf.$RIG_UPLINK.forwarding=1"
nft 'table ip engine { chain nat { type nat hook postrouting priority srcnat; oifname "'"$RIG_UPLINK"'" masquerade; }; }'

# --- what is asked for ---------------------------------------------------------------------------

vpnctl down other >/dev/null
like "$(vpnctl default other --boot --no-ip 2>&1)" 'other' 'a VPN that is down is refused'
ok 'R84 and nothing is kept of it' test ! -e $wish
vpnctl up other >/dev/null 2>&1
for line in 'none --boot' '--hold demo' '--hold --strict'; do
	# shellcheck disable=SC2086 # words
	vpnctl default $line >/dev/null 2>&1
	is $? 2 "R28 default $line is wrong usage"
done
like "$(as_user vpnctl default demo --boot 2>&1)" '^vpnctl: default --boot needs root; try: sudo' 'R84 --boot is root'"'"'s'
out=$(vpnctl default demo --boot --no-ip 2>&1)
is $? 0 'R84 default demo --boot'
like "$out" 'closed from before its network is up until demo is its default' 'and what that means is said'
like "$out" "run, before the network is up, 'vpnctl default --hold'" 'without systemd: what a script of the start has to type'
is "$(cat $wish)" demo 'R84 it is kept in /etc'
ok 'R84 and no unit is enabled that is not there' test ! -e "$links/vpnrun-boot@demo.service"
is "$(both)" 'demo demo' 'it is the default at once'
like "$(vpnctl status demo)" "demo is the machine's default, also from its start on" 'status says so'
touch /etc/systemd/system/vpnrun-boot@.service
is "$(vpnctl default other --boot --strict --no-ip >/dev/null 2>&1; cat $wish)" 'other --strict' 'R84 another one takes its place, and strictly'
is "$(readlink "$links/vpnrun-boot@other.service")" /etc/systemd/system/vpnrun-boot@.service 'R84 with systemd its unit is enabled'
vpnctl default demo --boot --no-ip >/dev/null 2>&1
is "$(find $links -name 'vpnrun-boot@*' | sed 's|.*/||')" vpnrun-boot@demo.service 'R84 and the other'"'"'s is not any more'
like "$(vpnctl default other --no-ip 2>&1)" 'when the machine starts again, it is demo' 'a default for now leaves that as it is, and says so'
like "$(vpnctl default none --no-ip)" 'demo is not the default at the machine.s start any more' 'R84 one command takes it away'
is "$(find $links/vpnrun-boot@demo.service $wish 2>/dev/null)" '' 'R84 and leaves nothing'
rm /etc/systemd/system/vpnrun-boot@.service
is "$(vpnctl default --hold; means | xargs)" 'no VPN is to be the default from the machine'"'"'s start on (vpnctl default NAME --boot says which)
0 0 0' 'R84 the machine'"'"'s start without it does nothing'

# --- the machine starts ---------------------------------------------------------------------------

valid_mark() { sysctl -n net.ipv4.conf.all.src_valid_mark; }
sysctl -qw "net.ipv4.conf.$RIG_UPLINK.rp_filter=1" net.ipv4.conf.all.src_valid_mark=0
# other's endpoint is a name that only the uplink's server knows.
restart other
$RIG_CAPTURE start
tries >/dev/null
n=$($RIG_CAPTURE stop)
ok "danger, R84: a machine that is not closed sends $n packets in the clear" test "$n" -gt 10
up4=$(ip route show default)
up6=$(ip -6 route show default | sed 's/ expires [0-9]*sec//; s/ pref [a-z]*//')
ip route del default
ip -6 route del default
like "$(vpnctl default --hold)" 'closed, but for its LAN, until other is its default: vpnctl up other' 'R84 without a network the machine is closed'
ok 'a second time changes nothing' vpnctl default --hold
# shellcheck disable=SC2086 # words
ip route add $up4
# shellcheck disable=SC2086
ip -6 route add $up6
clear 'the network comes'
is "$(get "$RIG_LAN") $(in_ns lan curl -s -m 5 "http://$RIG_HOST4:9/" >/dev/null; echo $?)" 'lan 7' 'the LAN is reached, and is answered'
like "$(vpnctl status)" 'This machine is closed, but for its LAN, until other is its default: vpnctl up other' 'status says so'
is "$(json '{machine_closed}')" 1 'also as JSON'
# The door of those whom "allow_default" names, as systemd opens it.
# shellcheck disable=SC2016 # Perl
perl -MSocket -e 'socket S, AF_UNIX, SOCK_SEQPACKET, 0; bind S, pack_sockaddr_un($ARGV[0]) or die; listen S, 5;
	chmod 0666, $ARGV[0]; $SIG{CHLD} = "IGNORE"; while (accept(C, S)) { if (!fork) { open STDIN, "<&", \*C; exec "vpnctl", "serve-default" } close C }' \
	/run/vpnrun/default.sock 2>/dev/null &
door=$!
wait_for 10 test -S /run/vpnrun/default.sock
for v in none other; do
	like "$(as_user vpnctl default $v --no-ip 2>&1)" 'is closed until the VPN that root has chosen' "R84 L26 a user does not open it by default $v"
done
kill $door
rm /run/vpnrun/default.sock

nft delete table inet vpnrun-boot
$RIG_CAPTURE start
curl -s -m 2 "http://$RIG_WEB4/"
curl -s -m 2 "http://$RIG_WEB6/"
ip netns exec guest curl -s -m 2 "http://$RIG_WEB4/"
is "$($RIG_CAPTURE stop)" 0 'R84 L03: somebody flushes the firewall: the rules hold'
vpnctl default --hold >/dev/null
clear 'made anew'
ip rule flush
ip rule add lookup main priority 32766
ip -6 rule flush
ip -6 rule add lookup main priority 32766
clear 'somebody flushes the rules'
vpnctl default --hold >/dev/null
is "$(means | tr '\n' ' ')" "1 $(ip rule | grep -c ^300:) $(ip -6 rule | grep -c ^300:) " 'all of it is made anew'

# --- the VPN comes up ------------------------------------------------------------------------------

mv /etc/vpnrun/other.json "$RIG_DIR/other.json"
vpnctl up other >/dev/null 2>&1
is $? 1 'a VPN without its file does not come up'
clear 'and the machine stays closed'
mv "$RIG_DIR/other.json" /etc/vpnrun/
conf=$(sed -n 's/.*"config": *"\([^"]*\)".*/\1/p' /etc/vpnrun/demo.json)
cp -p "$conf" "$RIG_DIR/demo.saved"
sed -i '/^\[Interface\]/a FwMark = 0x77' "$conf"
vpnctl up demo >/dev/null 2>&1
clear 'another VPN comes up'
is "$(as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/")" demo 'R64 R84 which works meanwhile, with a FwMark of its own'
vpnctl down --force demo >/dev/null
cp -p "$RIG_DIR/demo.saved" "$conf"
asked=$(wc -l <"$RIG_DIR/dns-clear.log")
$RIG_CAPTURE start
vpnctl status --watch >"$RIG_DIR/events" &
watcher=$!
told() { [ "$(grep -cx "$1" "$RIG_DIR/events")" = "${2:-1}" ]; }
ok 'R70 R84: who watches is told that the machine is closed' wait_for 20 told 'this machine is closed, but for its LAN, until other is its default'
vpnctl up other >"$RIG_DIR/up.other" 2>&1
is $? 0 'R62 R84: other comes up, whose endpoint is a name'
is "$(both)" 'other other' 'R84 and is the default'
is "$(get "$RIG_NAME")" other 'R84 by name'
$RIG_CAPTURE stop >/dev/null
is "$($RIG_CAPTURE list | grep -v "> $RIG_DNS_CLEAR port 53$")" '' 'R84: on the way nothing goes out in the clear but a question'
is "$(tail -n +$((asked + 1)) "$RIG_DIR/dns-clear.log" | grep -v 'other\.vpn\.rig\.test')" '' 'R62 which is for its endpoint'
is "$(means | xargs) $(find /run/vpnrun/default.boot 2>/dev/null)" '0 0 0 ' 'R84 what closed the machine is gone'
is "$(json '{machine_closed}')" 0 'status does not call it closed'
like "$(vpnctl default --hold)" 'there is a default already' 'to close it again is nothing'
ok 'R70 R84: and that it is not any more' wait_for 20 told 'this machine is not closed any more'
ok 'R70: as it has a default' wait_for 20 told "other is the machine's default"
vpnctl default none --no-ip >/dev/null
ok 'R70: which is taken away' wait_for 20 told "other is not the machine's default any more"
kill "$watcher"
sysctl -qw "net.ipv4.conf.$RIG_UPLINK.rp_filter=2" net.ipv4.conf.all.src_valid_mark=0
printf 'other\n' >$wish
vpnctl down other >/dev/null
vpnctl default --hold >/dev/null
# A bridge of ours has a strict one.
is "$(vpnctl up other >/dev/null 2>&1; valid_mark; both)" "$([ "$RIG_LAYOUT" = netns ]; echo $?)
other other" 'R25 where a loose one does without, it is set back at once'
# What a kill between the two leaves.
printf 'other\n' >/run/vpnrun/default.boot
nft 'add table inet vpnrun-boot'
opened() { [ ! -e /run/vpnrun/default.boot ] && [ "$(means | head -1)" = 0 ]; }
like "$(vpnctl status other)" 'still closed as at its start|is the machine.s default' 'killed before it opened: status says so, or the keeper was faster'
ok 'R13 the keeper finishes it' wait_for 45 opened

# --- what may be wrong -----------------------------------------------------------------------------

restart 'demo --strict'
sysctl -qw "net.ipv4.conf.$RIG_UPLINK.rp_filter=1"
sed -i '/^\[Interface\]/a FwMark = 0x77' "$conf"
vpnctl default --hold >/dev/null
$RIG_CAPTURE start
ok 'R64 R84 a FwMark of the file'"'"'s own' vpnctl up demo
is "$(valid_mark)" 1 'R25 R84 the default has taken over what closed the machine had set'
is "$(both)" 'demo demo' 'R84 its packets are let out'
like "$(vpnctl status demo)" "demo is the machine's default, strictly" 'R84 strictly, as it was asked for'
is "$($RIG_CAPTURE stop)" 0 'R84 and nothing else is'
is "$(valid_mark)" 1 'R25 what a strict reverse path needs is set'
restart '../demo'
is "$(valid_mark)" 0 'R25 and set back'
cp -p "$RIG_DIR/demo.saved" "$conf"
out=$(vpnctl default --hold 2>&1)
is "$? $out" '1 vpnctl: the machine is closed, but /etc/vpnrun/default.boot does not name a VPN; again: sudo vpnctl default NAME --boot' \
	'R84 R68: a line that names no VPN closes no less'
clear 'such a line'
like "$(vpnctl status)" 'until a VPN is its default: vpnctl default NAME' 'status says what to type'
vpnctl up demo >/dev/null 2>&1
is "$(vpnctl default demo --no-ip >/dev/null 2>&1; both)" 'demo demo' 'R84 and that works'
restart '../demo'
vpnctl default --hold >/dev/null 2>&1
like "$(vpnctl default none --no-ip)" 'this machine is not closed any more' 'R84 default none'
is "$(both) $(means | xargs) $(find $wish 2>/dev/null)" 'clear clear 0 0 0 ' 'R84 opens it, and leaves nothing'
finish
