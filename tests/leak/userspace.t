#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Without WireGuard in the kernel: wireguard-go, its supervisor, and what goes wrong with them. Runs
# inside the rig.
# shellcheck disable=SC2016,SC2046 # inner shells expand; a list of files
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
if [ ! -e /run/wireguard/demo.sock ]; then
	echo "1..0 # SKIP this kernel has WireGuard: nothing runs in userspace"
	exit 0
fi
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')

sup() { cat "/run/vpnrun/$1.supervisor"; }
go() { pgrep -P "$(sup "$1")" -x wireguard-go; }
new_go() { [ -n "$(go demo)" ] && [ "$(go demo)" != "$1" ]; }
web() { [ "$(get_by "$1" "http://$RIG_WEB4/" 3)" = "$1" ]; }
loop_is() { [[ $(cut -d' ' -f2 "$home/loop") =~ ^($1)$ ]]; }
nothing_left() { # of a VPN in userspace
	[ ! -e "/run/vpnrun/$1.supervisor" ] && [ ! -e "/run/wireguard/$1.sock" ] &&
		! ip link show "$1" 2>/dev/null && ! pgrep -fx "wireguard-go -f $1" && [ ! -e "/run/vpnrun/$1.log" ]
}
set_conf() { # set_conf VPN SED-EXPRESSION: from the rig's own file
	[ -e "$RIG_DIR/$1.conf.orig" ] || cp -p "/etc/vpnrun/$1.conf" "$RIG_DIR/$1.conf.orig"
	sed "$2" "$RIG_DIR/$1.conf.orig" >"/etc/vpnrun/$1.conf"
}

ok 'R77: a VPN is up without WireGuard in the kernel' web demo
[ "$RIG_LAYOUT" = bridge ] || is "$(ip -o link show demo 2>/dev/null | wc -l) $(ip -n demo -o link show demo | wc -l)" '0 1' \
	'R33: its device is in its own namespace only'
is "$(readlink "/proc/$(go demo)/ns/net")" "$(readlink /proc/self/ns/net)" \
	"R33: and wireguard-go, with the encrypted socket, in the host's"
is "$(ps -o tty=,sid= -p "$(sup demo)" | xargs)" "? $(sup demo)" 'the supervisor is detached'
is "$(stat -c %a /run/vpnrun/demo.log /run/vpnrun/demo.supervisor /run/wireguard/demo.sock | sort -u | xargs)" \
	'600 700' 'its files are for root only'

# --- secrets -------------------------------------------------------------------------------------
key=$(sed -n 's/^PrivateKey = //p' /etc/vpnrun/demo.conf)
hex=$(printf %s "$key" | base64 -d | od -An -tx1 | tr -d ' \n')
is "$(cat /proc/{"$(sup demo)","$(go demo)"}/{cmdline,environ} $(find /run/vpnrun -type f) | grep -acF -e "$key" -e "$hex")" 0 \
	'R26 L28: the key is in no argument, environment, log or state file'
# 1 and not 0: with 0 the kernel still feeds a core handler that is a program.
is "$(grep -c 'Max core file size  *[01]  *[01] ' /proc/{"$(sup demo)","$(go demo)"}/limits | cut -d: -f2 | xargs)" '1 1' \
	'L28: neither of the two would dump its memory'

# --- wireguard-go ends ---------------------------------------------------------------------------
as_user vpnrun demo "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
job=$!
ok 'a program is at work inside' wait_for 10 loop_is demo
for how in KILL TERM; do
	old=$(go demo)
	$RIG_CAPTURE start
	kill -$how "$old"
	ok "L01: wireguard-go killed (SIG$how) is started anew" wait_for 10 new_go "$old"
	ok 'L01: and the same program works again' wait_for 10 loop_is demo
	ok 'with addresses and routes' wait_for 10 web demo
	is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink meanwhile'
done
old=$(go demo)
in_vpn demo ip link delete demo
ok 'the device deleted: the same' wait_for 10 new_go "$old"
ok 'and it carries' wait_for 10 web demo
is "$(vpnctl status demo >/dev/null && echo up)" up 'status says up'

# --- the supervisor ends -------------------------------------------------------------------------
old=$(go demo) oldsup=$(sup demo)
$RIG_CAPTURE start
kill -KILL "$oldsup"
ok 'L01: the supervisor killed takes wireguard-go along' wait_for 5 ended "$old"
ok 'L01: programs are refused, not let out' wait_for 5 loop_is 'refused|unreachable'
like "$(vpnctl status demo)" 'degraded: its supervisor has ended' 'R70: status says why'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink'
ok 'R76: the next up makes all anew' vpnctl up demo
ok 'for the program that is inside, too' wait_for 10 loop_is demo
oldsup=$(sup demo)
freeze demo
ok 'a supervisor that hangs does not keep down from its work' vpnctl down demo
ok 'and is gone' ended "$oldsup"
kill $job
wait $job 2>/dev/null
vpnctl down demo >/dev/null
ok 'R37: down leaves nothing' nothing_left demo
vpnctl up demo >/dev/null
kill -TERM "$(sup demo)"
ok 'told to end, it cleans up' wait_for 5 sh -c '[ ! -e /run/vpnrun/demo.supervisor ] && [ ! -e /run/wireguard/demo.sock ]'
vpnctl down demo >/dev/null
vpnctl up demo >/dev/null
if [ "$RIG_LAYOUT" = netns ]; then
	oldsup=$(sup demo)
	ip netns delete demo
	ok 'the namespace deleted: the supervisor ends by itself' wait_for 10 ended "$oldsup"
fi
vpnctl down demo >/dev/null
ok 'and down clears the rest' nothing_left demo

# --- what keeps it from starting -----------------------------------------------------------------
ip tuntap add demo mode tun
like "$(vpnctl up demo 2>&1)" "interface demo already" "R68: another's interface of that name: refused"
ok "R68: and it stays" ip link show demo
ip tuntap del demo mode tun

perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(Local => "/run/wireguard/demo.sock", Listen => 5); sleep 60' &
other=$!
wait_for 5 test -S /run/wireguard/demo.sock
like "$(vpnctl up demo 2>&1)" 'another program serves /run/wireguard/demo.sock' "another's WireGuard of that name: refused"
ok 'and lives on' kill -0 $other
kill $other
wait $other 2>/dev/null
ok 'its stale socket is no hindrance' vpnctl up demo
vpnctl down demo >/dev/null

mount --bind /dev/null /usr/bin/wireguard-go
like "$(vpnctl up demo 2>&1)" 'no WireGuard and wireguard-go is not installed: apt install' 'R77: neither of them: says so plainly'
umount /usr/bin/wireguard-go
mount --bind /dev/null /dev/net/tun
like "$(vpnctl up demo 2>&1)" 'wireguard-go ended at once: .*TUN' 'R77: wireguard-go fails: its own words'
umount /dev/net/tun
ok 'R36: a failed start leaves nothing' nothing_left demo

set_conf demo "s/^DNS/ListenPort = 40404\nDNS/"
ok 'R64: ListenPort' vpnctl up demo
is "$(wg show demo listen-port)" 40404 'R64: is what the file says'
kill -KILL "$(go demo)"
ok 'R64: after a restart as well' wait_for 10 sh -c '[ "$(wg show demo listen-port)" = 40404 ]'
vpnctl down demo >/dev/null
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "0.0.0.0", LocalPort => 40404)
	and open(F, ">", "/run/bound"); sleep 60' &
other=$!
wait_for 5 test -e /run/bound
like "$(vpnctl up demo 2>&1)" 'cannot listen on UDP port 40404.*another program has it' 'a ListenPort that is taken: says so'
kill $other
wait $other 2>/dev/null
ok 'R36: and leaves nothing' nothing_left demo

set_conf demo 's/^Endpoint.*/Endpoint = no-such-host.rig.test:51820/'
like "$(vpnctl up demo 2>&1)" 'cannot resolve the endpoint no-such-host.rig.test: .*is the network up' \
	'R62: an endpoint that does not resolve'
set_conf demo ''

# --- other files ---------------------------------------------------------------------------------
for c in demo6 named v4only psk; do
	cp "$RIG_DIR/conf/$c.conf" /etc/vpnrun/demo.conf
	ok "$c: up" vpnctl up demo
	ok "R62 R63 R64: $c: carries" wait_for 10 web demo
	vpnctl down demo >/dev/null
done
set_conf demo ''

# --- from IPv4 to IPv6 ---------------------------------------------------------------------------
# Since 0.0.20230223, one that has sent by IPv4 sends the first packets by IPv6 to another host of the same /32:
# such a version as the machine's own shows it by the capture, each by who serves the device.
drops() { in_ns router nft "add table inet cut; delete table inet cut; table inet cut { chain c { type filter hook forward priority 0; $1; }; }"; }
set_conf other "s/^Endpoint.*/Endpoint = dual.vpn.rig.test:$RIG_PORT/"
sed -i 's/^PersistentKeepalive.*//' /etc/vpnrun/other.conf
# The resolver says the IPv4 address first, each time: the other is taken because its turn has come.
echo 'precedence ::ffff:0:0/96 100' >/etc/gai.conf
vpnctl down other >/dev/null
$RIG_CAPTURE start
vpnctl up other >/dev/null 2>&1
as_user vpnrun other "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
job=$!
ok 'control: a program is inside, by IPv4' wait_for 20 loop_is other
is "$(wg show other endpoints | cut -f2)" "$RIG_OTHER_ENDPOINT4:$RIG_PORT" 'control: that is the endpoint'
old=$(go other)
drops "ip daddr $RIG_OTHER_ENDPOINT4 drop; ip saddr $RIG_OTHER_ENDPOINT4 drop"
ok 'control: now the server is silent there' wait_for 20 sh -c '! grep -q other "$1"' - "$home/loop"
ok 'R80: the same program goes on by IPv6' wait_for 90 loop_is other
is "$(wg show other endpoints | cut -f2)" "[$RIG_OTHER_ENDPOINT6]:$RIG_PORT" 'R80: that is the endpoint'
ok 'R77 R80: by a wireguard-go that has sent nothing by IPv4' not test "$(go other)" = "$old"
is "$($RIG_CAPTURE stop)" 0 'L01 R17: no packet went to a stranger, nor in the clear'
kill $job
wait $job 2>/dev/null
in_ns router nft delete table inet cut
rm /etc/gai.conf
vpnctl down other >/dev/null

# --- several peers ---------------------------------------------------------------------------------
second=$(printf '[Peer]\nPublicKey = %s\nAllowedIPs = 192.0.2.0/24\nPersistentKeepalive = 1' "$(wg genkey | wg pubkey)")
{ cat "$RIG_DIR/other.conf.orig" && echo "$second" && echo "Endpoint = [$RIG_ENDPOINT6]:$RIG_PORT"; } >/etc/vpnrun/other.conf
sed -i "0,/^Endpoint.*/s//Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf
like "$(vpnctl up other 2>&1)" 'wireguard-go sends to strangers .* give all peers endpoints of one family' \
	'R64 R77: peers of both families are refused'
ok 'R36: and nothing is left' nothing_left other
{ cat "$RIG_DIR/other.conf.orig" && echo "$second" && echo "Endpoint = $RIG_ENDPOINT4:$RIG_PORT"; } >/etc/vpnrun/other.conf
sed -i "0,/^Endpoint.*/s//Endpoint = dual.vpn.rig.test:$RIG_PORT/" /etc/vpnrun/other.conf
vpnctl up other >/dev/null 2>&1
is "$(wg show other endpoints | cut -f2 | sort | paste -sd,)" "$RIG_ENDPOINT4:$RIG_PORT,$RIG_OTHER_ENDPOINT4:$RIG_PORT" \
	'R63 R77: a name of both takes the family that the others have'
old=$(go other)
sed -i "0,/^Endpoint.*/s//Endpoint = [$RIG_OTHER_ENDPOINT6]:$RIG_PORT/" /etc/vpnrun/other.conf
like "$(vpnctl up other 2>&1)" 'wireguard-go sends to strangers .* give all peers endpoints of one family' \
	'R64 R77: of a tunnel that is up, too'
is "$(go other) $(wg show other endpoints | cut -f2 | sort | paste -sd,)" "$old $RIG_ENDPOINT4:$RIG_PORT,$RIG_OTHER_ENDPOINT4:$RIG_PORT" \
	'R36 R64: which goes on as it was'
vpnctl down other >/dev/null
set_conf other ''
ip link set "$RIG_UPLINK" mtu 1400
vpnctl up demo >/dev/null
is "$(in_vpn demo ip -o link show demo | grep -o 'mtu [0-9]*')" 'mtu 1320' 'R59: an uplink of 1400: 1320'
vpnctl down demo >/dev/null
ip link set "$RIG_UPLINK" mtu 1500
finish
