#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The tunnel dies under a running program: nothing leaks, its connects fail at once, and the same
# process works again when the VPN is back. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')

state4() { cut -d' ' -f2 "$home/loop4"; }
state6() { cut -d' ' -f2 "$home/loop6"; }
count4() { cut -d' ' -f1 "$home/loop4"; }
both_are() { [[ $(state4) =~ ^($1)$ && $(state6) =~ ^($1)$ ]]; }
later() { [ "$(count4)" -gt "$1" ]; }
# In the host's own namespace ICMP is rationed by the host, and a kernel may lack what is not
# (nft_reject_netdev): then a UDP program that asks all the time is not told each time.
rationed=''
if [ "$RIG_LAYOUT" = bridge ]; then
	nft 'table netdev try { chain try { type filter hook ingress device lo priority 0; ip daddr 192.0.2.1 reject with icmp type port-unreachable; }; }' 2>/dev/null ||
		rationed=yes
	nft delete table netdev try 2>/dev/null
fi
# The worst of 20 single tries, so that a hang cannot hide behind a lucky one.
worst() {
	local tries='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20'
	[ "$rationed $1" != 'yes udp' ] || tries=1
	as_user vpnrun --with "$pid" sh -c "for i in $tries; do $probe $1 $2 80; done" |
		sort -k2 -g | tail -n 1
}
at_once() { # KIND ADDR DESCRIPTION: every one of them refused or unreachable
	local w
	w=$(worst "$1" "$2")
	diag "slowest of 20: $w ms"
	like "$w" '^(refused|unreachable) ' "$3"
}

as_user vpnrun demo "$probe" loop "$RIG_WEB4" 80 "$home/loop4" &
job4=$!
wait_for 10 test -s "$home/loop4"
pid=$job4
wait_for 10 grep -q probe "/proc/$pid/comm"
as_user vpnrun demo "$probe" loop "$RIG_WEB6_ADDR" 80 "$home/loop6" &
job6=$!
ok 'a program is at work inside, by both families' wait_for 10 both_are demo

# The danger: in the clear the same loop would go on. (A namespace with the uplink as second way.)
$RIG_CAPTURE start
as_user timeout 1 "$probe" loop "$RIG_WEB4" 80 "$home/clear" || :
ok 'control: the same loop outside is seen by the capture' test "$($RIG_CAPTURE stop)" -gt 0

for how in 'the tunnel set down' 'the tunnel deleted' 'vpnctl down'; do
	$RIG_CAPTURE start
	case $how in
	*'set down') in_vpn demo ip link set demo down ;;
	*deleted)
		# A supervisor would bring wireguard-go back at once: that is another test.
		if [ "$RIG_WG" = go ]; then freeze demo; fi
		in_vpn demo ip link delete demo ;;
	*) vpnctl down demo >/dev/null ;;
	esac
	ok "L01 R15: $how: connects fail, IPv4 and IPv6" wait_for 10 both_are 'refused|unreachable'
	at_once tcp "$RIG_WEB4" "L01: $how: TCP is refused at once, IPv4"
	at_once tcp "$RIG_WEB6_ADDR" "L01: $how: TCP is refused at once, IPv6"
	at_once udp "$RIG_WEB4" "L01: $how: UDP is refused at once, IPv4"
	at_once udp "$RIG_WEB6_ADDR" "L01: $how: UDP is refused at once, IPv6"
	if [ "$RIG_LAYOUT" = netns ]; then
		is "$(in_vpn demo "$probe" tcp "$RIG_WEB4" 80 | cut -d' ' -f1)" refused \
			"L01: $how: so is a program in the VPN's own namespace"
	fi
	like "$(vpnctl status demo)" '(down|degraded)' "$how: status says so"
	ok "$how: status NAME is not 0" not vpnctl status demo
	is "$($RIG_CAPTURE stop)" 0 "L01: $how: nothing left by the uplink"
	if [ "$how" = 'the tunnel deleted' ] && [ "$RIG_WG" = go ]; then
		thaw demo
	fi
	n=$(count4)
	ok "$how: vpnctl up brings it back" vpnctl up demo
	ok "$how: the same processes work again" wait_for 15 both_are demo
	ok "$how: and go on" wait_for 10 later "$n"
done
ok 'the processes are the ones that were started' kill -0 $job4 $job6

if [ "$RIG_WG" = go ]; then
	# wireguard-go itself dies: the supervisor restarts it into the same namespace.
	$RIG_CAPTURE start
	old=$(pgrep -f 'wireguard-go -f demo')
	kill -9 "$old"
	again() { local p; p=$(pgrep -f 'wireguard-go -f demo') && [ "$p" != "$old" ]; }
	ok 'wireguard-go killed: the supervisor starts it again' wait_for 15 again
	ok 'the same processes work again' wait_for 20 both_are demo
	is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink meanwhile'
	# And the supervisor killed: the tunnel goes with it; closed; the next up repairs.
	$RIG_CAPTURE start
	kill -9 "$(cat /run/vpnrun/demo.supervisor)"
	ok 'R76: the supervisor killed: connects fail' wait_for 15 both_are 'refused|unreachable'
	ok 'R76: the next up repairs it' vpnctl up demo
	ok 'the same processes work again' wait_for 20 both_are demo
	is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink meanwhile'

	# Killed, its lock is free for some ms before wireguard-go ends, too: what is brought up in that time must
	# not count on the one that dies. `up` at once; `revive` as systemd does it, once the lock's file is closed.
	sup() { cat /run/vpnrun/demo.supervisor; }
	is_unlocked() { ! grep -q ":$(stat -c %i /run/vpnrun/demo.supervisor) " /proc/locks; }
	bring_back() { # up|revive
		local old
		old=$(sup)
		kill -9 "$old"
		[ "$1" = up ] || wait_for 10 is_unlocked
		# Who is inside may have asked more than once before the endpoint answers: nothing mends the rest by waiting.
		vpnctl "$1" demo && { wait_for 5 vpnctl status demo || vpnctl status demo; }
	}
	bad=0
	$RIG_CAPTURE start
	for ((i = 0; i < 25; i++)); do
		for how in up revive; do
			out=$(bring_back $how 2>&1) || { bad=$((bad + 1)) && diag "$i, $how: ${out//$'\n'/; }"; }
		done
	done
	is "$bad" 0 'R95: 50 times killed and brought back at once: each time it is up'
	# The same at the worst moment: it has been found alive, and is being configured.
	old=$(sup)
	strace -qq -o "$RIG_DIR/keep.strace" -e trace=connect -e inject=connect:delay_enter=1000000:when=2 \
		vpnctl up demo >/dev/null &
	up=$!
	wait_for 10 grep -q 'wireguard/demo.sock' "$RIG_DIR/keep.strace"
	kill -9 "$old"
	wait $up
	is $? 0 'R95: killed while up keeps its tunnel: it is made anew'
	ok 'R95: and is up' vpnctl status demo
	ok 'the same processes work again' wait_for 20 both_are demo

	# Bringing back that fails is tried again; what was taken down is left alone.
	broken() { strace -qq -o /dev/null -e inject=clone:error=EAGAIN:when=1 vpnctl "$@"; }
	for how in revive up restart; do
		kill -9 "$(sup)"
		wait_for 10 both_are 'refused|unreachable'
		ok "R95: $how that fails: says so" not broken $how demo
		like "$(vpnctl status demo)" 'degraded.*bringing it back failed: .*Resource temporarily' "R95: $how failed: status says what"
		like "$(as_user vpnctl status demo)" 'degraded.*bringing it back failed' "R95: $how failed: to everybody"
		ok "R95: $how failed: a launch is refused" not as_user vpnrun demo true
		ok "R95: $how failed: revive succeeds" vpnctl revive demo
		ok "R95: $how failed: after revive it is up" vpnctl status demo
		ok 'the same processes work again' wait_for 20 both_are demo
	done
	vpnctl down demo >/dev/null
	ok 'R95: revive of what was taken down: nothing to do' vpnctl revive demo
	ok 'R95: an up that fails: says so' not broken up demo
	ok 'R95: and revive: nothing to do' vpnctl revive demo
	is "$(vpnctl list --json | grep -c '"up"')" 1 'R95: down stays down'
	vpnctl up demo >/dev/null
	ok 'the same processes work again' wait_for 20 both_are demo
	is "$($RIG_CAPTURE stop)" 0 'R95 L01: nothing left by the uplink in all of that'
fi

# Down while in use keeps the namespace, closed; --force cuts.
ns=$(readlink "/proc/$pid/ns/net")
like "$(vpnctl down demo)" 'closed|inside' 'down while in use: says that the namespace stays'
like "$(vpnctl status demo)" 'down.*inside|inside' 'status: down, with who is inside'
ok 'a new launch is refused meanwhile' not as_user vpnrun demo true
vpnctl up demo >/dev/null
ok 'up uses the kept namespace again' wait_for 15 both_are demo
is "$(readlink "/proc/$pid/ns/net")" "$ns" 'the sandbox is the same one'
vpnctl down --force demo >/dev/null
ok 'down --force: connects fail' wait_for 10 both_are 'refused|unreachable'
if [ "$RIG_LAYOUT" = netns ]; then
	ok 'down --force: the namespace is gone' not test -e /run/netns/demo
else
	ok 'down --force: the bridge is gone' not ip link show br-demo
fi
vpnctl up demo >/dev/null
kill $job4 $job6
wait $job4 $job6 2>/dev/null

# The kernel takes the namespace of a program away a moment after its end: nobody is inside meanwhile. Here that moment is
# as long as a descriptor is open.
end_inside() {
	local pid
	as_user vpnrun demo sleep 600 &
	pid=$!
	wait_for 10 grep -q sleep "/proc/$pid/comm"
	exec 9<"/proc/$pid/ns/net"
	kill $pid
	wait $pid 2>/dev/null
}
waits_or_has_ended() { grep -q nanosleep "/proc/$down/wchan" || grep -q '^State:.Z' "/proc/$down/status"; }
end_inside
like "$(vpnctl down demo 9<&-)" 'closed, for 1 inside' 'control: a namespace that something keeps open is somebody'
exec 9<&-
vpnctl up demo >/dev/null
end_inside
vpnctl down demo 9<&- >"$RIG_DIR/down" &
down=$!
wait_for 10 waits_or_has_ended
exec 9<&-
wait $down
is "$(<"$RIG_DIR/down")" 'demo is down' 'R37: one that goes is waited for, and down leaves nothing'
finish
