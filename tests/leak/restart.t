#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vpnctl restart`: another key or endpoint, with everybody left where they are. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

if [ "$RIG_LAYOUT" = netns ]; then
	inode() { stat -Lc %i /run/netns/demo; }
	nothing_is_left() { [ ! -e /run/netns/demo ]; }
else
	inode() { cat /sys/class/net/br-demo/ifindex 2>/dev/null || ip -o link show br-demo | cut -d: -f1; }
	nothing_is_left() { ! ip link show br-demo && ! ip link show demo; }
fi
says() { get_by demo "http://$1/"; }
is_demo() { [ "$("$@")" = demo ]; }
probe=$RIG_DIR/build/tests/net/probe
take() { install -m 600 "$RIG_DIR/conf/$1.conf" /etc/vpnrun/demo.conf; }
cp /etc/vpnrun/demo.conf "$RIG_DIR/first.conf"

home=$(as_user sh -c 'echo $HOME')
as_user vpnrun demo sh -c 'echo $$ >"$HOME/pid"; exec sleep 600' &
inside=$!
wait_for 10 test -s "$home/pid"
wait_for 10 grep -q sleep "/proc/$(cat "$home/pid")/comm"
again() { as_user vpnrun --with "$(cat "$home/pid")" curl -s -m 10 "http://$1/"; }
works() { [ "$(again "$RIG_WEB4")" = demo ]; }
is "$(again "$RIG_WEB4")" demo 'control: a program inside reaches the VPN'

# A launch in the middle of a restart: what the record says then, for as long as it takes.
cp -p /run/vpnrun/demo "$RIG_DIR/record"
strace -qqq -o "$RIG_DIR/trace" -e trace=rename -e inject=rename:signal=SIGSTOP:when=1 vpnctl restart demo >/dev/null &
tracer=$!
# Whoever is traced stops for a moment at each call, too: its state alone tells nothing.
middle() { grep -qs 'stopped by SIGSTOP' "$RIG_DIR/trace"; }
ok 'a restart is stopped in its middle' wait_for 10 middle
# Not on standard error, where strace has words of its own of a child that ends before it was seen to begin.
# shellcheck disable=SC2016 # the inner shell's
as_user strace -f -qqq -o "$home/trace" -e inject=poll:signal=SIGSTOP:when=1 sh -c 'exec vpnrun demo true 2>"$0"' "$home/said" 2>/dev/null &
launch=$!
waits() { grep -qs 'stopped by SIGSTOP' "$home/trace"; }
ok 'a launch is stopped where it waits for the end of it' wait_for 10 waits
cp -p "$RIG_DIR/record" /run/vpnrun/demo.new && mv /run/vpnrun/demo.new /run/vpnrun/demo
kill -CONT "$(awk '/stopped by SIGSTOP/ { print $1; exit }' "$home/trace")"
wait $launch
is "$? $(cat "$home/said")" '0 ' 'a launch in the middle of a restart waits for its end'
kill -CONT "$(pgrep -P $tracer)"
wait $tracer
ok 'and the restart ends' wait_for 10 works

$RIG_CAPTURE start
before=$(inode)
like "$(vpnctl restart demo)" '^demo is up: the server answers' 'R31: restart'
is "$(inode)" "$before" 'R31: the namespace, or the bridge, is the same'
ok 'R31: the program inside is not stranded' wait_for 15 is_demo again "$RIG_WEB4"
ok 'R31: nor by IPv6' wait_for 15 is_demo again "$RIG_WEB6"
# A flow that goes on, by UDP from one socket: what translates it must not keep the old address.
word() { cut -d' ' -f2 "$home/flow"; }
word_is() { [ "$(word)" = "$1" ]; }
in_ns demo "$probe" serve "$RIG_WEB4" 7007 answer >/dev/null &
server=$!
as_user vpnrun demo "$probe" flow "$RIG_WEB4" 7007 "$home/flow" &
flow=$!
ok 'control: a flow is answered' wait_for 10 word_is answer
take psk
like "$(vpnctl restart demo)" '^demo is up: the server answers' 'R31: restart with another key, address and preshared key'
ok 'R31: the program inside goes on with it' wait_for 15 is_demo again "$RIG_WEB4"
is "$(inode)" "$before" 'R31: in the same place'
ok 'L29: so does the flow, which has its old address no more' wait_for 10 word_is answer
kill $flow $server
wait $flow $server 2>/dev/null
take demo6
ok 'R31: restart with another endpoint' vpnctl restart demo
ok 'R31: the program inside goes on with it' wait_for 15 is_demo again "$RIG_WEB4"

# What can be known before is known before.
echo '[Interface]' >/etc/vpnrun/demo.conf
out=$(vpnctl restart demo 2>&1)
is "$? $(wc -l <<<"$out")" '1 1' 'R31: restart with a broken file: refused, one sentence'
ok 'R31: and the old tunnel works on' is_demo again "$RIG_WEB4"
install -m 600 "$RIG_DIR/first.conf" /etc/vpnrun/demo.conf
kill "$(cat "$home/pid")"
wait $inside

# Nobody inside: kept too, for a service that starts at this moment. Afterwards down removes it.
ok 'R31: restart of an empty VPN' vpnctl restart demo
is "$(inode)" "$before" 'R31: its namespace or bridge stays as well'
ok 'R31: it works' is_demo says "$RIG_WEB4"
sed -i 's/"id": 1,/"id": 7,/' /etc/vpnrun/demo.json
ok 'R31: restart with another id, nobody inside' wait_for 5 vpnctl restart demo
is "$(in_vpn demo ip -4 -o addr show br-demo | grep -o 'inet [0-9.]*')" 'inet 10.20.7.1' \
	'R31: only the new addresses are there'
ok 'R31: it works' wait_for 10 is_demo says "$RIG_WEB4"
# What the file had and has no more is taken away by the next up; what is in it both times stays.
first=$(in_vpn demo sh -c 'ip -br addr show demo; ip -6 route show table all dev demo')
sed -i -E 's,^(Address = [0-9.]+/32).*,\1,; s,^(AllowedIPs = 0.0.0.0/0).*,\1,' /etc/vpnrun/demo.conf
sed -i "s,^AllowedIPs = .*,&\nPersistentKeepalive = 25," /etc/vpnrun/demo.conf
ok 'control: it has IPv6' grep -q 'fd64.*default' <<<"${first//$'\n'/ }"
ok 'R76: up with a file that has no IPv6 any more' vpnctl up demo
is "$(in_vpn demo sh -c 'ip -6 -br addr show demo; ip -6 route show table all dev demo; ip -6 route show default dev br-demo' | grep -v '^demo *UN[A-Z]* *$')" '' \
	'R76 R14: takes away what it had of it'
ok 'R76: it is whole' vpnctl status demo
ok 'R31: it works' is_demo says "$RIG_WEB4"
install -m 600 "$RIG_DIR/first.conf" /etc/vpnrun/demo.conf
vpnctl up demo >/dev/null
is "$(in_vpn demo sh -c 'ip -br addr show demo; ip -6 route show table all dev demo')" "$first" 'R76: and back again'
vpnctl down demo >/dev/null
like "$(vpnctl restart demo)" '^demo is up: the server answers' 'R31: restart of a VPN that is down brings it up'
ok 'R31: it works' wait_for 10 is_demo says "$RIG_WEB4"
is "$($RIG_CAPTURE stop)" 0 'R31: nothing of all that left by the uplink'
vpnctl down demo >/dev/null
ok 'R37: down leaves nothing' nothing_is_left
is "$(vpnctl restart nowhere 2>&1 | wc -l)" 1 'restart of an unknown VPN: one sentence'
finish
