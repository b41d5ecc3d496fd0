#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rig tested by itself, without any part of vpnrun: a WireGuard client set up by hand with ip(8)
# and wg(8) in a namespace of its own, as a plain VPN would be. What the other tests conclude from
# the web servers, the names and the capture stands on what is shown here.
# shellcheck disable=SC2086,SC2012 # RIG_* are single words
set -u
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
rig=$here/rig

if [ "${1:-}" != --inside ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "1..0 # SKIP the rig needs root"
		exit 0
	fi
	before=$(stat -c '%a %n' /dev/full; ls /dev)
	out=$(mktemp)
	RIG_MACHINES_DEV=$(stat -c %d /dev) "$rig" run --no-up --no-broker -- "$here/selftest.t" --inside >"$out"
	rc=$?
	n=$(grep -c '^ok\|^not ok' "$out")
	sed '$d' "$out"
	rm "$out"
	# The engines change the modes of what they are given.
	if [ "$before" = "$(stat -c '%a %n' /dev/full; ls /dev)" ]; then
		echo "ok $((n + 1)) - the machine's devices have their modes, and no file is beside them"
	else
		echo "not ok $((n + 1)) - the machine's devices have their modes, and no file is beside them"
		rc=1
	fi
	echo "1..$((n + 1))"
	exit $rc
fi

n=0 failed=0
ok()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		failed=$((failed + 1))
	fi
}
is()
{
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || echo "# got '$1', wanted '$2'"
}
web()
{
	curl -s -m "${RIG_PATIENCE:-5}" "http://$1"
}

# --- the clear side ------------------------------------------------------------------------------
is "$(web "$RIG_WEB4/")" clear 'IPv4 from the host reaches the clear side'
is "$(web "$RIG_WEB6/")" clear 'IPv6 from the host reaches the clear side'
is "$(web "$RIG_NAME4/")" clear 'a name with an A record only resolves'
is "$(web "$RIG_NAME6/")" clear 'a name with an AAAA record only resolves'
is "$(web "$RIG_LAN/")" lan 'the LAN host answers'
is "$(web "$RIG_WEB4/ip")" $RIG_HOST4 'the web server sees the client'"'"'s address'
is "$(getent ahostsv4 $RIG_SIDE | awk '{print $1; exit}')" $RIG_SIDE_CLEAR \
	'the host'"'"'s name server is the clear one'
grep -q "^$RIG_HOST4 $RIG_SIDE A\$" "$RIG_DIR/dns-clear.log"
ok $? 'and its log tells who asked for what'
is "$(web "$RIG_WEB4/big?1000000" | wc -c)" 1000000 'a large answer is complete'
is "$(as_user id -un)" "$RIG_USER" 'as_user is the ordinary user'
is "$(as_user sh -c 'grep CapEff /proc/self/status | cut -f2')" 0000000000000000 \
	'and has no capability'
is "$(as_stranger curl -s "http://$RIG_WEB4/")" clear 'the stranger has the ordinary network'

# --- devices -------------------------------------------------------------------------------------
# What the rig was made from is below the mounts of the process that started it.
is "$(stat -c %d /dev/null)" "$(stat -c %d /dev)" 'devices are nodes of the rig, in a file system of its own'
[ "$(stat -c %d /dev)" != "$RIG_MACHINES_DEV" ]
ok $? 'which is not the machine'"'"'s'
chmod 600 /dev/full && touch /dev/left-behind
: >/dev/null && head -c 1 /dev/zero | cmp -s - <(printf '\0')
ok $? 'and they work'

# --- a client by hand ----------------------------------------------------------------------------
# Made like the VPN's own: born here, so that its socket stays here, and moved.
client()
{
	local name=$1 conf=$2 dev=c-$1 addr mtu=1420

	ip netns add "t-$name"
	if [ "$RIG_WG" = kernel ]; then
		ip link add "$dev" type wireguard
	else
		setsid wireguard-go -f "$dev" >/dev/null 2>&1 </dev/null &
		until [ -S "/run/wireguard/$dev.sock" ]; do sleep 0.01; done
	fi
	wg setconf "$dev" <(grep -vE '^(Address|DNS) ' "$conf")
	ip link set "$dev" netns "t-$name"
	for addr in $(sed -n 's/^Address = //p' "$conf" | tr , ' '); do
		ip -n "t-$name" addr add "$addr" dev "$dev" nodad 2>/dev/null ||
			ip -n "t-$name" addr add "$addr" dev "$dev"
	done
	ip -n "t-$name" link set lo up
	ip -n "t-$name" link set "$dev" mtu $mtu up
	ip -n "t-$name" route add default dev "$dev"
	ip -n "t-$name" -6 route add default dev "$dev"
	mkdir -p "/etc/netns/t-$name"
	sed -n 's/^DNS = \([^,]*\).*/nameserver \1/p' "$conf" >"/etc/netns/t-$name/resolv.conf"
}
there()
{
	local name=$1

	shift
	ip netns exec "t-$name" "$@"
}
client demo /etc/vpnrun/demo.conf
client other /etc/vpnrun/other.conf
client psk "$RIG_DIR/conf/psk.conf"

for v in demo other; do
	is "$(there $v curl -s -m 20 "http://$RIG_WEB4/")" $v "IPv4 through $v arrives at $v"
	is "$(there $v curl -s -m 20 "http://$RIG_WEB6/")" $v "IPv6 through $v arrives at $v"
	is "$(there $v curl -s -m 20 "http://$RIG_NAME/")" $v "by name through $v arrives at $v"
done
is "$(there demo getent ahostsv4 $RIG_SIDE | awk '{print $1; exit}')" $RIG_SIDE_DEMO \
	'the name server of demo answers through demo'
is "$(there other getent ahostsv4 $RIG_SIDE | awk '{print $1; exit}')" $RIG_SIDE_OTHER \
	'that of other through other'
is "$(there psk curl -s -m 20 "http://$RIG_WEB4/")" demo 'with a preshared key'
is "$(there psk curl -s -m 20 "http://$RIG_WEB4/ip")" 10.64.0.3 'under its own address'
is "$(there demo curl -s -m 5 "http://$RIG_LAN/" || echo none)" none \
	'the LAN is not to be seen from there'

# Whoever has the same key and says one word more is where the far end answers from then on.
ip netns del t-demo
ip netns del t-psk
for v in demo6 named; do
	client $v "$RIG_DIR/conf/$v.conf"
	is "$(there $v curl -s -m 20 "http://$RIG_WEB4/")" demo "the variant $v.conf works"
	ip netns del t-$v
done
client v4only "$RIG_DIR/conf/v4only.conf"
is "$(there v4only curl -s -m 20 "http://$RIG_WEB4/")" demo "the variant v4only.conf works"
ip netns del t-v4only

# --- the capture ---------------------------------------------------------------------------------
is "$($RIG_CAPTURE start; $RIG_CAPTURE stop)" 0 'a capture of nothing counts 0'
$RIG_CAPTURE start
there other curl -s -m 20 "http://$RIG_WEB4/" "http://$RIG_WEB6/" "http://$RIG_NAME/" >/dev/null
there other curl -s -m 60 "http://$RIG_WEB4/big?3000000" >/dev/null
is "$($RIG_CAPTURE stop)" 0 'traffic of a tunnel is not counted'
$RIG_CAPTURE start
ping -q -c 3 -i 0.01 -W 5 $RIG_LAN >/dev/null
is "$($RIG_CAPTURE stop)" 3 'positive control: three pings count 3'
is "$($RIG_CAPTURE list | sort -u)" "protocol 1 $RIG_HOST4 > $RIG_LAN, byte 8" 'and are listed'
$RIG_CAPTURE start
for to in "$RIG_ENDPOINT4/1" "$RIG_WEB4/$RIG_PORT" "$RIG_ENDPOINT6/2" "$RIG_WEB6_ADDR/$RIG_PORT"; do
	echo x >"/dev/udp/$to"
done
is "$($RIG_CAPTURE stop)" 4 \
	'positive control: the endpoint at another port and its port elsewhere count'
$RIG_CAPTURE start
echo x >"/dev/udp/$RIG_ENDPOINT4/$RIG_PORT"
echo x >"/dev/udp/$RIG_ENDPOINT6/$RIG_PORT"
is "$($RIG_CAPTURE stop)" 0 'UDP to an endpoint does not, in both families'
$RIG_CAPTURE start
getent ahostsv4 other.vpn.rig.test >/dev/null
is "$? $($RIG_CAPTURE stop)" '0 0' "nor does a question for an endpoint's name"
$RIG_CAPTURE start
getent ahostsv4 exit.vpn.rig.test >/dev/null
is "$? $([ "$($RIG_CAPTURE stop)" -ge 1 ] && echo seen)" '0 seen' 'positive control: that for another name does'
curl -s -m 5 "http://$RIG_LAN/" >/dev/null
is "$($RIG_CAPTURE start; $RIG_CAPTURE stop)" 0 'nor the last packets of what was closed before'
$RIG_CAPTURE start
getent ahostsv4 $RIG_SIDE >/dev/null
[ "$($RIG_CAPTURE stop)" -ge 1 ]
ok $? 'positive control: a name asked in the clear counts'
# The kernel tells a far end that nobody listens any more; that is no program's packet. Here it tells so each time.
sysctl -q net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
client demo6 "$RIG_DIR/conf/demo6.conf"
client named "$RIG_DIR/conf/psk.conf"
for v in demo6 named; do
	there $v curl -s -m 60 "http://$RIG_WEB4/stream" >"$RIG_DIR/stream-$v" 2>/dev/null &
	until [ -s "$RIG_DIR/stream-$v" ]; do sleep 0.01; done
done
$RIG_CAPTURE start
unreachable()
{
	nstat -asz "$1" 2>/dev/null | awk -v n="$1" '$1 == n {print $2}'
}
was="$(unreachable IcmpOutDestUnreachs) $(unreachable Icmp6OutDestUnreachs)"
both_grew()
{
	[ "$(unreachable IcmpOutDestUnreachs)" -gt "${was% *}" ] &&
		[ "$(unreachable Icmp6OutDestUnreachs)" -gt "${was#* }" ]
}
ip -n t-demo6 link del c-demo6
ip -n t-named link del c-named
# It ends with its device, and can hang in that, its port still open.
[ "$RIG_WG" = kernel ] || pkill -9 -f 'wireguard-go -f c-(demo6|named)$'
# A stream that hears nothing more falls silent: what else its far end has for who was there is sent as well.
speak()
{
	# shellcheck disable=SC2016
	in_ns demo bash -c 'for to; do echo x >"/dev/udp/$to/9"; done' - 10.64.0.2 10.64.0.3
}
for ((i = 0; i < 1000; i++)); do
	both_grew && break
	((i % 10)) || speak
	sleep 0.01
done
# A far end that sends nothing gets no answer: that is no failure of the rig.
if both_grew; then
	said=''
else
	said=" # SKIP the far ends sent nothing in time: before $was, now $(unreachable IcmpOutDestUnreachs) $(unreachable Icmp6OutDestUnreachs)"
fi
ok 0 "the kernel answers the far ends of deleted tunnels, in both families$said"
is "$($RIG_CAPTURE stop)" 0 'which does not count'
$RIG_CAPTURE start
in_ns lan bash -c "echo x >/dev/udp/$RIG_HOST4/9; echo x >/dev/udp/$RIG_HOST6/9"
in_ns demo bash -c "echo x >/dev/udp/$RIG_HOST4/9; echo x >/dev/udp/$RIG_HOST6/9"
for ((i = 0; i < 500; i++)); do [ "$($RIG_CAPTURE list | wc -l)" -lt 4 ] || break; done
is "$($RIG_CAPTURE stop)" 4 'positive control: the same answers to anything else do'
$RIG_CAPTURE start
for ((i = 0; i < 500; i++)); do echo x; done >"/dev/udp/$RIG_DNS_CLEAR/53"
is "$($RIG_CAPTURE stop)" 500 'a burst right before stop is counted to the last packet'

# --- what is the rig's own -----------------------------------------------------------------------
is "$(ls /sys/class/net | tr '\n' ' ')" "lo $RIG_UPLINK " '/sys shows the rig'"'"'s devices'
is "$(stat -c %a /dev/net/tun)" 666 'the tun node is the rig'"'"'s'
"$rig" run --no-up --no-broker -- sh -c 'exit 55'
is $? 55 'a rig within the rig; the status is that of CMD'
"$rig" run --no-up --no-broker -- sh -c 'kill -TERM $$'
is $? 143 '128 and the number of the signal CMD died of'
is "$(echo through | "$rig" run --no-up --no-broker -- cat)" through 'stdin is that of CMD'
echo "1..$n"
exit $((failed > 0))
