#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that tries without a pause, by both families, by names and from many processes, while its VPN
# comes, goes, gets another key and is killed piece by piece: nothing of it is ever seen in the clear.
# And three kinds of traffic at one moment, each by its own way. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')

# --- three classes at the same moment ------------------------------------------------------------

# A tailnet as Tailscale makes one: a device, addresses of 100.64.0.0/10, table 52 before the main one.
peer4=100.100.1.1 peer6=fd7a:115c:a1e0::1
"$RIG_DIR/build/rig/rigbox" netns "$RIG_DIR/ns/tail"
tail_net() { nsenter --net="$RIG_DIR/ns/tail" "$@"; }
ip -batch - <<-Y
	link add tailscale0 type veth peer name eth0 netns $RIG_DIR/ns/tail
	addr add 100.100.1.2/32 dev tailscale0
	addr add fd7a:115c:a1e0::2/128 dev tailscale0 nodad
	link set tailscale0 up
	route add 100.64.0.0/10 dev tailscale0 table 52
	route add fd7a:115c:a1e0::/48 dev tailscale0 table 52
	rule add pref 5270 lookup 52
Y
ip -6 rule add pref 5270 lookup 52
tail_net ip -batch - <<-Y
	link set lo up
	addr add $peer4/10 dev eth0
	addr add $peer6/48 dev eth0 nodad
	link set eth0 up
Y
tail_net "$RIG_DIR/build/rig/webd" tailnet >"$RIG_DIR/tail.ready" &
tail_web=$!
wait_for 10 test -s "$RIG_DIR/tail.ready"

says() { "${@:3}" curl -s -m "${RIG_PATIENCE:-10}" "http://$2/" >"$home/says-$1" & }
for round in 1 2 3; do
	rm -f "$home"/says-*
	jobs=()
	says tailnet4 $peer4; jobs+=($!)
	says tailnet6 "[$peer6]"; jobs+=($!)
	says clear4 "$RIG_WEB4"; jobs+=($!)
	says clear6 "$RIG_WEB6"; jobs+=($!)
	says lan "$RIG_LAN"; jobs+=($!)
	for v in demo other; do
		says ${v}4 "$RIG_WEB4" as_user vpnrun $v; jobs+=($!)
		says ${v}6 "$RIG_WEB6" as_user vpnrun $v; jobs+=($!)
	done
	wait "${jobs[@]}"
	is "$(cd "$home" && for f in says-*; do echo "${f#says-}=$(cat "$f")"; done | xargs)" \
		'clear4=clear clear6=clear demo4=demo demo6=demo lan=lan other4=other other6=other tailnet4=tailnet tailnet6=tailnet' \
		"R54: tailnet, clear, LAN and two VPNs at the same moment, each by its own way ($round)"
done
for a in $peer4 "[$peer6]"; do
	is "$(as_user vpnrun demo curl -s -m 2 "http://$a/")" '' "R54 R50: from inside, the tailnet's $a is not reached"
done
kill $tail_web

# --- through all that can happen to a VPN --------------------------------------------------------

cat >"$home/trier" <<-'Q'
	#!/bin/bash
	# trier PROBE WEB4 WEB6 PREFIX RESULTS: rounds of eight processes each, until there is RESULTS.stop
	n=0
	while [ ! -e "$5.stop" ]; do
		n=$((n + 1))
		for i in 1 2; do
			"$1" tcp "$2" 80 &
			"$1" tcp "$3" 80 &
			timeout 0.5 "$1" udp "$2" 80 &
			timeout 1 getent ahosts "$4-$n-$i.rig.test" &
		done >>"$5" 2>/dev/null
		wait
		echo "round $n" >>"$5"
	done
Q
chmod 755 "$home/trier"
rounds() { grep -c '^round' "$home/$1" 2>/dev/null; }
# Two: the first may have begun before.
goes_on() { local n; n=$(rounds "$1"); wait_for "${2:-30}" more "$1" "$((n + 1))"; }
more() { [ "$(rounds "$1")" -gt "$2" ]; }
works() { local n; n=$(grep -c '^demo' "$home/inside"); wait_for 30 demo_more "$n"; }
demo_more() { [ "$(grep -c '^demo' "$home/inside")" -gt "$1" ]; }

$RIG_CAPTURE start
as_user "$home/trier" "$probe" "$RIG_WEB4" "$RIG_WEB6_ADDR" outside "$home/outside" &
ok 'control: outside, it goes on' goes_on outside
# To the end of a round: what is left of it would be taken for the program's inside.
touch "$home/outside.stop"
wait $!
ok 'control: and meets the clear network' grep -q '^clear' "$home/outside"
ok 'control: the capture sees it' test "$($RIG_CAPTURE stop)" -gt 10
ok 'control: its names are seen by the name server' grep -q outside- "$RIG_DIR/dns-clear.log"

$RIG_CAPTURE start
as_user vpnrun demo "$home/trier" "$probe" "$RIG_WEB4" "$RIG_WEB6_ADDR" inside "$home/inside" &
trier=$!
ok 'R55: inside, it goes on' goes_on inside
ok 'R55: and works' works
through() { # through WHAT COMMAND...: and whatever that does, the program goes on trying
	ok "R55: $1" "${@:2}"
	ok "R55: $1: the program tries on" goes_on inside
}
back() { # back WHAT [COMMAND...]: as through(), and the program works in the end
	through "$@"
	ok "R55: $1: the program works" works
}
sup() { cat /run/vpnrun/demo.supervisor; }
back 'up when up' vpnctl up demo
through 'down' vpnctl down demo
back 'up' vpnctl up demo
back 'restart' vpnctl restart demo
cp -p /etc/vpnrun/demo.conf "$RIG_DIR/demo.conf.saved"
cp -p "$RIG_DIR/conf/psk.conf" /etc/vpnrun/demo.conf
back 'another key, another address' vpnctl restart demo
cp -p "$RIG_DIR/demo.conf.saved" /etc/vpnrun/demo.conf
back 'and the first again, without a restart' vpnctl up demo
through 'the tunnel set down' in_vpn demo ip link set demo down
back 'the tunnel set up' vpnctl up demo
kill -9 "$(sup)"
through 'the supervisor killed' true
back 'up' vpnctl up demo
if [ "$RIG_WG" = go ]; then
	kill -9 "$(pgrep -f 'wireguard-go -f demo')"
	back 'wireguard-go killed' true
else
	through 'the tunnel deleted' in_vpn demo ip link delete demo
	back 'up' vpnctl up demo
fi
kill -9 "$RIG_BROKER_PID"
back 'the broker killed' true
for _ in 1 2 3; do vpnctl down demo && vpnctl up demo; done >/dev/null
back 'down and up three times at once' true
through 'down --force' vpnctl down --force demo
touch "$home/inside.stop"
wait "$trier"
is "$(grep -c '^clear' "$home/inside")" 0 "R55 L02: in $(rounds inside) rounds it never met the clear network"
is "$(grep -c inside- "$RIG_DIR/dns-clear.log")" 0 "R55 L05: the clear name server heard of no name"
ok "control: demo's did" grep -q inside- "$RIG_DIR/dns-demo.log"
n=$($RIG_CAPTURE stop)
[ "$n" = 0 ] || diag "$($RIG_CAPTURE list | sort | uniq -c)"
is "$n" 0 'R55 L02: nothing of it was ever seen on the uplink'
finish
