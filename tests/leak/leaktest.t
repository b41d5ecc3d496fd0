#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
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
like "$out" 'demo is closed: in [0-9]+ rounds.*no door is open' 'R55: it says so'
ok 'no process is left' wait_for 10 gone

as_user vpnrun demo sleep 600 &
pid=$!
wait_for 10 grep -qs sleep "/proc/$pid/comm"
$RIG_CAPTURE start
out=$(vpnctl leak-test --cut demo 2>&1)
rc=$?
[ $rc = 0 ] || diag "$out"
is $rc 0 'R55: --cut: status 0'
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

# --- doors ---------------------------------------------------------------------------------------

vpnctl up demo >/dev/null
home=$(as_user sh -c 'echo $HOME')
row() { grep -E "^  . $1" <<<"$out"; }
out=$(as_user vpnctl leak-test demo 2>&1)
is $? 0 'R55: an ordinary user: no door that matters'
like "$(row 'TCP, IPv4')" '^  \? ' 'and packets are not said to be shut, which it cannot see'
like "$(row 'sockets of programs outside')" '✓' 'sockets: shut'
like "$(row 'processes outside')" '○' 'signals: open by design'
out=$(as_user vpnctl leak-test demo --json)
is "$(jq -r '"\(.closed) \(.packets_watched) \(.channels | length) \(.channels[] | select(.channel == "names by the C library") | .state)"' <<<"$out")" \
	'true false 15 shut' 'R55: --json'

listener() { perl -MSocket -e 'unlink $ARGV[0]; socket S, AF_UNIX, SOCK_STREAM, 0; bind S, pack_sockaddr_un($ARGV[0]) or die;
	chmod 0777, $ARGV[0]; listen S, 50; while (1) { accept C, S; close C }' "$1" & }
mkdir -p /run/dbus /run/nscd /run/avahi-daemon
listener /run/dbus/system_bus_socket; l1=$!
listener /run/nscd/socket; l2=$!
listener /run/avahi-daemon/socket; l3=$!
listener /run/docker.sock; l4=$!
wait_for 5 test -S /run/docker.sock
# hole DESCRIPTION ROW OPTION...: a sandbox with a hole made on purpose, looked at from outside
hole() {
	local what=$1 row=$2
	shift 2
	rm -f "$home/pid"
	as_user vpnrun "$@" sh -c 'echo $$ >"$HOME/pid"; exec sleep 3600' <"${STDIN:-/dev/null}" &
	local me=$!
	wait_for 10 test -s "$home/pid"
	pid=$(cat "$home/pid")
	[ -z "${AFTER:-}" ] || eval "$AFTER"
	out=$(as_user vpnctl leak-test demo --pid "$pid" 2>&1)
	like "$? $(row "$row")" '^1 +✗' "R55: $what: ✗"
	kill "$pid"
	wait "$me" 2>/dev/null
}
hole 'the system bus' 'sockets of programs outside' --allow /run/dbus/system_bus_socket demo
like "$out" 'system_bus_socket, perl \(process' 'and who listens'
hole 'nscd' 'sockets of programs outside' --allow /run/nscd/socket demo
hole 'avahi' 'sockets of programs outside' --allow /run/avahi-daemon demo
hole 'docker' 'sockets of programs outside' --allow /run/docker.sock demo
as_user mkdir -p "$home/run/systemd"
AFTER='listener "$home/run/systemd/notify"; l5=$!; wait_for 5 test -S "$home/run/systemd/notify"' \
	hole 'a listener in the home that came later, called like one of systemd'"'"'s' 'sockets of programs outside' demo
kill "${l5:-}"
rm -r "$home/run"
STDIN=/ hole 'a directory as standard input' 'inherited descriptors' --keep-fd 0 demo
AFTER='ip link add way type veth peer name out netns "/proc/$pid/ns/net" && nsenter -t "$pid" -n ip link set out up' \
	hole 'a second network device' 'UDP, IPv4' demo
ip link delete way 2>/dev/null
AFTER='echo "hosts: files resolve dns" >"$RIG_DIR/nss" && nsenter -t "$pid" -m mount --bind "$RIG_DIR/nss" /etc/nsswitch.conf' \
	hole 'a name service that asks the host' 'names by the C library' demo
kill $l1 $l2 $l3 $l4
# As root, in the view of a process that vpnrun did not make: a confined service, a container.
if [ "$RIG_LAYOUT" = netns ]; then
	ip netns exec demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups sleep 3600 &
	pid=$!
	wait_for 5 eval '[ "$(stat -Lc %i /proc/$pid/ns/net)" = "$(stat -Lc %i /run/netns/demo)" ]'
	rm -f /run/docker.sock
	listener /run/docker.sock; l4=$!
	wait_for 5 test -S /run/docker.sock
	out=$(vpnctl leak-test demo --pid $pid 2>&1)
	like "$? $out" '^1 .*✗ sockets of programs outside .*docker.sock' 'R55: by root, any process: a service without masks'
	like "$(row 'TCP, IPv4')$(row 'UDP, IPv4')" '✓.*✓' 'whose packets are shut in, by the VPN'"'"'s own devices'
	kill $l4 $pid
fi
out=$(as_user vpnctl leak-test demo --pid $$ 2>&1)
like "$? $out" '^1 vpnctl: process [0-9]+ is not yours' 'another user'"'"'s process'
sleep 600 &
out=$(vpnctl leak-test demo --pid $! 2>&1)
like "$? $out" '^1 vpnctl: process [0-9]+ is not confined' 'one in the host'"'"'s network'
kill $!
vpnctl down --force demo >/dev/null

# --- what cannot be ------------------------------------------------------------------------------

out=$(vpnctl leak-test demo 2>&1)
like "$? $out" "^1 vpnctl: VPN 'demo' is down; bring it up with: sudo vpnctl up demo" 'a VPN that is down: refused in a sentence'
out=$(vpnctl leak-test nowhere 2>&1)
like "$? $out" "^1 vpnctl: there is no VPN" 'one that is not there'
out=$(as_user vpnctl leak-test --cut other 2>&1)
like "$? $out" '^1 vpnctl: leak-test --cut needs root' '--cut by an ordinary user'
out=$(vpnctl leak-test 2>&1)
like "$? $out" '^2 vpnctl: .*usage:' 'no name: usage'
ip link set $RIG_UPLINK down
out=$(vpnctl leak-test other 2>&1)
like "$? $out" '^1 vpnctl: a packet sent in the clear on purpose was not seen' 'without an uplink nothing is shown: it says so'
finish
