#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: no
# `vpnctl leak-test`: says that a closed VPN is closed, and finds out one that is not. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
table=vpnrun
[ "$RIG_LAYOUT" = netns ] || table=vpnrun-demo
probes() { grep -lazsE 'leak-prob[e]' /proc/[0-9]*/cmdline | grep -c .; }
gone() { [ "$(probes)" = 0 ]; }

out=$(vpnctl leak-test demo 2>&1)
is $? 0 'R55: a VPN that is closed: status 0'
like "$out" "in the clear on purpose +UDP [^ ]+ > 192.0.2.77 by $RIG_UPLINK" 'R55: the watch has seen a packet sent in the clear'
like "$out" 'demo is closed: in [0-9]+ rounds' 'R55: it says so'
ok 'no process is left' wait_for 10 gone

as_user vpnrun demo sleep 600 &
pid=$!
wait_for 10 grep -qs sleep "/proc/$pid/comm"
$RIG_CAPTURE start
out=$(vpnctl leak-test --cut demo 2>&1)
is $? 0 'R55: --cut: status 0'
for part in 'up' 'the tunnel set down' 'down' 'up again' 'restarted'; do
	ok "R55: --cut: $part" grep -qE "^$part +nothing seen outside" <<<"$out"
done
# Of its own, there is one packet for each family.
ok 'R55: nothing else left by the uplink' test "$($RIG_CAPTURE stop)" -le 2
is "$(as_user vpnrun --with "$pid" curl -s -m "${RIG_PATIENCE:-10}" "http://$RIG_WEB4/")" demo 'afterwards, who was inside works'
kill $pid
wait $pid 2>/dev/null

# --- a VPN that leaks ----------------------------------------------------------------------------

# Its rules gone, and a way out beside the tunnel.
in_vpn demo nft delete table inet $table
if [ "$RIG_LAYOUT" = netns ]; then
	ip link add way type veth peer name out netns demo
	ip addr add 10.9.9.1/24 dev way
	ip link set way up
	ip -n demo addr add 10.9.9.2/24 dev out
	ip -n demo link set out up
	ip -n demo route replace default via 10.9.9.1
	ip route add 10.20.1.0/24 via 10.9.9.2
	echo 1 >/proc/sys/net/ipv4/conf/way/forwarding
else
	while ip rule del pref 201 2>/dev/null; do :; done
fi
out=$(vpnctl leak-test demo 2>&1)
is $? 1 'R55: a VPN that leaks: status 1'
like "$out" "up +LEAK: [0-9]+ packets, the first: [^ ]+ 10.20.1.[0-9]+ > [^ ]+ by " 'R55: what, from where, to where, by which device'
like "$out" 'vpnctl: demo leaks' 'R55: in one sentence'
if [ "$RIG_LAYOUT" = netns ]; then
	ip link delete way
fi
vpnctl down --force demo >/dev/null
wait_for 10 gone

# --- what cannot be ------------------------------------------------------------------------------

out=$(vpnctl leak-test demo 2>&1)
like "$? $out" "^1 vpnctl: VPN 'demo' is down: vpnctl up demo" 'a VPN that is down: refused in a sentence'
out=$(vpnctl leak-test nowhere 2>&1)
like "$? $out" "^1 vpnctl: there is no VPN" 'one that is not there'
out=$(as_user vpnctl leak-test other 2>&1)
like "$? $out" '^1 vpnctl: leak-test needs root' 'an ordinary user'
out=$(vpnctl leak-test 2>&1)
like "$? $out" '^2 vpnctl: .*usage:' 'no name: usage'
ip link set $RIG_UPLINK down
out=$(vpnctl leak-test other 2>&1)
like "$? $out" '^1 vpnctl: a packet sent in the clear on purpose was not seen' 'without an uplink nothing is shown: it says so'
finish
