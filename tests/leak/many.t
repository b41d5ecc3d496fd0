#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many launches: 300 in a row leave nothing, 250 at once all work, a full pool and a limit are
# refused with their sentences, and a launcher killed anywhere leaves nothing. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
sed -i 's/{/{ "limit": 253,/' /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
row=300 once=250 kills=40
if [ -n "${RIG_SLOW:-}" ]; then row=30 once=40 kills=8; fi

ports() { in_vpn demo ip -o link show type veth | grep ': vr1' | wc -l; }
namespaces() { readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | wc -l; }
namespaces_are() { [ "$(namespaces)" = "$1" ]; }
no_ports() { [ "$(ports)" = 0 ]; }
no_user() { ! pgrep -u "$RIG_UID" >/dev/null; }

wait_for 10 no_ports
ns=$(namespaces)
host=$(ip -o link | wc -l)
mounts=$(wc -l </proc/self/mountinfo)
failed=0
for ((i = 0; i < row; i++)); do as_user vpnrun demo true || failed=$((failed + 1)); done
is "$failed" 0 "$row launches in a row all work"
ok 'and leave no port' wait_for 10 no_ports
ok 'and no namespace' wait_for 10 namespaces_are "$ns" # the last one ends after its program
is "$(ip -o link | wc -l) $(wc -l </proc/self/mountinfo)" "$host $mounts" 'and nothing on the host'
ok 'and no process' no_user

# At once, each of them held until all are there, then each asks. Among the host's devices wireguard-go
# hears of each that comes and goes, and ends where its queue is full (ENOBUFS): the keeper starts it
# again, and meanwhile all is refused.
retry=''
[ "$RIG_LAYOUT" != bridge ] || retry='--retry 5 --retry-delay 1 --retry-all-errors'
rm -f "$home"/many.*
mkfifo -m 666 "$RIG_DIR/go"
for ((i = 0; i < once; i++)); do
	# shellcheck disable=SC2016
	as_user vpnrun demo sh -c 'echo $$ >"$0.up"; read -r x <"$1"; curl -s -m 20 $3 "$2" >"$0.got"' \
		"$home/many.$i" "$RIG_DIR/go" "http://$RIG_WEB4/" "$retry" &
done
all_up() { [ "$(find "$home" -name 'many.*.up' | wc -l)" = $once ]; }
ok "$once launches at once are all inside" wait_for 120 all_up
is "$(ports)" "$once" 'each has a port of its own'
is "$(in_vpn demo ip -o link show type veth | grep ': vr1' | sed 's/^[0-9]*: //; s/@.*//' | sort -u | wc -l)" "$once" 'no lease twice'
like "$(vpnctl status --json demo | perl -MJSON::PP -0777 -ne 'print scalar @{decode_json($_)->{vpns}[0]{leases}}')" \
	"^$once\$" 'status counts them'
exec 9<>"$RIG_DIR/go"
for ((i = 0; i < once; i++)); do echo go >&9; done
wait
exec 9>&-
is "$(cat "$home"/many.*.got | grep -o demo | wc -l)" "$once" 'and each reaches the VPN'
rm -f "$home"/many.*
ok 'and leave no port' wait_for 30 no_ports

# A small pool: /29 has 5 leases. And a limit for each user.
sed -i 's/{/{ "subnet": "10.99.0.0\/29", "limit": 5,/' /etc/vpnrun/other.json
vpnctl down other >/dev/null && vpnctl up other >/dev/null
hold() { as_user vpnrun "$1" sh -c "echo \$\$ >$home/hold.$2; exec sleep 300" & wait_for 20 test -s "$home/hold.$2"; }
for i in 1 2 3 4 5; do hold other $i; done
out=$(as_user vpnrun other true 2>&1)
is $? 125 'a full pool: 125'
like "$out" '(full|no free|taken)' 'a full pool: its own sentence'
kill "$(cat "$home/hold.3")"
free() { as_user vpnrun other true; }
ok 'a lease that ends is free again' wait_for 10 free
# shellcheck disable=SC2046
kill $(cat "$home"/hold.[1245])
wait
rm -f "$home"/hold.*
sed -i 's/"subnet": "10.99.0.0\/29", "limit": 5,/"limit": 2,/' /etc/vpnrun/other.json
vpnctl down --force other >/dev/null && vpnctl up other >/dev/null
hold other 1
hold other 2
out=$(as_user vpnrun other true 2>&1)
is $? 125 'over the limit: 125'
like "$out" 'limit|at most|allowed' 'over the limit: its own sentence'
# A rename of the cable does not help: ports are counted on our side.
"$RIG_DIR/build/tests/net/reenter" "$(cat "$home/hold.1")" ip link set vpn0 down
as_user "$RIG_DIR/build/tests/net/reenter" "$(cat "$home/hold.1")" ip link set vpn0 down
as_user "$RIG_DIR/build/tests/net/reenter" "$(cat "$home/hold.1")" ip link set vpn0 name other0
ok 'L25: over the limit after a rename of vpn0' not as_user vpnrun other true
# shellcheck disable=SC2046
kill $(cat "$home"/hold.*)
wait
sed -i 's/"limit": 2,//' /etc/vpnrun/other.json
vpnctl down --force other >/dev/null && vpnctl up other >/dev/null

# The launcher killed after each of its system calls.
$RIG_CAPTURE start
for ((i = 1; i <= kills; i++)); do
	{ as_user strace -f -qq -o /dev/null -e trace=all -e inject=all:signal=SIGKILL:when=$((i * 6)) \
		vpnrun demo true >/dev/null 2>&1; } 2>/dev/null
done
ok 'R76: a launcher killed anywhere leaves no port' wait_for 20 no_ports
ok 'and no process' wait_for 10 no_user
is "$($RIG_CAPTURE stop)" 0 'and nothing left by the uplink'
is "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" demo 'and the next launch works'

# The broker killed: those inside go on; a new one serves.
rm -f "$home"/hold.*
broker=$(pgrep -o -f 'vpnrund.*--listen')
hold demo 1
kill -9 "$broker"
is "$(as_user vpnrun --with "$(cat "$home/hold.1")" curl -s -m 10 "http://$RIG_WEB4/")" demo 'the broker killed: who is inside goes on'
like "$(as_user vpnrun demo true 2>&1)" 'broker' 'the broker killed: a launch says so'
"$RIG_DIR/build/libexec/vpnrun/vpnrund" --listen /run/vpnrun/vpnrund.sock 2>"$RIG_DIR/broker2.log" &
broker=$!
ok 'a new broker serves at once' wait_for 10 as_user vpnrun demo true
kill "$(cat "$home/hold.1")"

# kick.
ok 'the port of who ended is gone' wait_for 20 no_ports
rm -f "$home/hold.1"
hold demo 1
like "$(vpnctl kick demo --uid "$RIG_UID")" '1' 'L26: kick --uid unplugs'
ok 'L26: its connects fail' not as_user vpnrun --with "$(cat "$home/hold.1")" curl -s -m 5 "http://$RIG_WEB4/"
kill "$(cat "$home/hold.1")" $broker
wait
finish
