#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A tunnel while the world changes: its endpoint's name gets another address, the uplink goes and
# comes back with another, its MTU changes. ROAM_WAIT=1: waits until the handshake is stale, which
# takes three minutes, instead of telling the supervisor to look. Runs inside the rig.
# shellcheck disable=SC2015
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')
name=demo.vpn.rig.test

sup() { cat /run/vpnrun/demo.supervisor; }
web() { [ "$(get_by demo "http://$RIG_WEB4/" 3)" = demo ]; }
loop_is() { [[ $(cut -d' ' -f2 "$home/loop") =~ ^($1)$ ]]; }
mtu_is() { [ "$(in_vpn demo ip -o link show "$1" | sed 's/.* mtu \([0-9]*\).*/\1/')" = "$2" ]; }
endpoint_is() { vpnctl status demo | grep -qF "the endpoint is at $1:$RIG_PORT"; }
asked() { grep -c "$name" "$RIG_DIR/dns-$1.log"; }
clear_packets() { $RIG_CAPTURE list | grep -cF -e "$RIG_WEB4" -e "$RIG_WEB6_ADDR" -e 10.20.1. -e "$RIG_SIDE_DEMO"; }

vpnctl down demo >/dev/null
cat "$RIG_DIR/conf/named.conf" >/etc/vpnrun/demo.conf
ok 'R62: up with an endpoint that is a name' vpnctl up demo
ok 'it works' wait_for 5 web
as_user vpnrun demo "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
job=$!
ok 'a program is at work inside' wait_for 10 loop_is demo
like "$(asked clear)" '^[1-9]' 'R62: the host'"'"'s name server was asked for it'
is "$(readlink "/proc/$(sup)/ns/net")" "$(readlink /proc/self/ns/net)" 'R62: its keeper lives in the host'"'"'s namespace'
$RIG_CAPTURE start

# --- the name points elsewhere ---------------------------------------------------------------------
old=$(pgrep -fx ".*/dnsd -l $RIG_DNS_CLEAR .*")
mapfile -d '' -t args <"/proc/$old/cmdline"
for i in "${!args[@]}"; do
	case ${args[i]} in
	$name=*) args[i]=$name=$RIG_OTHER_ENDPOINT4 ;;
	esac
done
kill "$old"
wait_for 5 ended "$old"
before=$(asked clear)
in_ns internet setsid "${args[@]}" </dev/null >"$RIG_DIR/dnsd.out" 2>&1 &
wait_for 5 test -s "$RIG_DIR/dnsd.out"
in_ns other ip addr del "$RIG_OTHER_ENDPOINT4/32" dev eth0
in_ns demo ip addr del "$RIG_ENDPOINT4/32" dev eth0
# It must not know whom it served: its first packet would tell the client where it is now.
in_ns -m demo wg setconf far "$RIG_DIR/keys/demo/far.conf"
in_ns demo ip addr add "$RIG_OTHER_ENDPOINT4/32" dev eth0
in_ns demo ip route replace default via 198.51.100.254 dev eth0 onlink
in_ns internet ip route replace "$RIG_OTHER_ENDPOINT4" dev demo
ok 'control: the far end has moved, and nothing comes through' not web
ok 'control: the tunnel still sends to the old place' endpoint_is "$RIG_ENDPOINT4"
if [ -n "${ROAM_WAIT:-}" ]; then
	begin=$SECONDS
	ok 'R62: when the handshake is stale, the new address is found' wait_for 240 endpoint_is "$RIG_OTHER_ENDPOINT4"
	diag "after $((SECONDS - begin)) s"
else
	kill -USR2 "$(sup)"
	ok 'R62: told to look, the keeper finds the new address' wait_for 10 endpoint_is "$RIG_OTHER_ENDPOINT4"
fi
ok 'R62: it works again' wait_for 30 web
ok 'R62: for the same program inside, too' wait_for 30 loop_is demo
like "$(($(asked clear) - before)) $(asked demo)" '^[1-9][0-9]* 0$' 'R62: the name was asked for outside, never through the tunnel'

# --- another uplink ----------------------------------------------------------------------------------
ip link set $RIG_UPLINK down
ip addr flush dev $RIG_UPLINK
ok 'R69: without an uplink nothing comes through' not web
like "$(vpnctl status demo)" 'demo' 'R69: status answers meanwhile'
ip addr add 192.168.77.3/24 dev $RIG_UPLINK
in_ns router ip link set host mtu 1400
ip link set $RIG_UPLINK up mtu 1400
ip route add default via 192.168.77.1 dev $RIG_UPLINK
begin=$SECONDS
ok 'R69: a new address on the uplink: works again by itself' wait_for 60 web
diag "after $((SECONDS - begin)) s"
ok 'R69: for the same program inside, too' wait_for 30 loop_is demo
ok 'R69: the MTU follows the smaller path' wait_for 20 mtu_is demo 1320
ok 'and big answers come through' test "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/big?200000" | wc -c)" -ge 200000
in_ns router ip link set host mtu 1500
ip link set $RIG_UPLINK mtu 1500
ok 'R69: and the larger one' wait_for 20 mtu_is demo 1420
is "$(clear_packets)" 0 'L01: all the while nothing of the program left in the clear'
$RIG_CAPTURE stop >/dev/null

# --- the keeper itself -------------------------------------------------------------------------------
if [ "$RIG_WG" = kernel ]; then
	kill -KILL "$(sup)"
	ok 'R69: without its keeper the tunnel works' web
	like "$(vpnctl status demo)" 'degraded: its supervisor has ended' 'R70: and status says what is missing'
	rm /run/vpnrun/demo.inbound
	mkdir -p /run/vpnrun/demo.inbound/x
	like "$(vpnctl up demo 2>&1)" 'note: nobody looks after the tunnel: .*demo\.inbound.*demo is up' 'R69: where it cannot be started, up says why'
	rm -r /run/vpnrun/demo.inbound
	vpnctl up demo >/dev/null
	ok 'the next up brings the keeper back' kill -0 "$(sup)"
fi
kill "$job"
wait "$job" 2>/dev/null
pid=$(sup)
vpnctl down demo >/dev/null
ok 'R37: down ends it' wait_for 5 ended "$pid"
ok 'R37: and leaves no file of it' not ls /run/vpnrun/demo.supervisor /run/vpnrun/demo.log
finish
