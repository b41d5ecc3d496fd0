#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job: an ordinary user's command, alone, goes through WireGuard. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

home=$(as_user sh -c 'echo $HOME')
get() { as_user vpnrun "$@"; }
fetch() { echo curl -s -m 10 "$1"; }

# The danger first: without vpnrun the same command leaves in the clear, and the capture sees it.
$RIG_CAPTURE start
is "$(as_user curl -s -m 5 "http://$RIG_WEB4/")" clear 'control: plain curl goes out in the clear, IPv4'
is "$(as_user curl -s -m 5 "http://$RIG_WEB6/")" clear 'control: plain curl goes out in the clear, IPv6'
ok 'control: the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0

# shellcheck disable=SC2046
{
	$RIG_CAPTURE start
	is "$(get demo $(fetch "http://$RIG_WEB4/"))" demo 'R04 R07: an ordinary user reaches the VPN, IPv4'
	is "$(get demo $(fetch "http://$RIG_WEB6/"))" demo 'R04: the same by IPv6'
	is "$(get demo $(fetch "http://$RIG_NAME/"))" demo 'R04 R42: the same by name'
	is "$(get demo -- $(fetch "http://$RIG_WEB4/"))" demo 'a -- before the command is taken away'
	is "$(get demo getent ahostsv4 "$RIG_SIDE" | awk 'NR==1{print $1}')" "$RIG_SIDE_DEMO" \
		"R42: names are asked of the VPN's own DNS"
	is "$(get other getent ahostsv4 "$RIG_SIDE" | awk 'NR==1{print $1}')" "$RIG_SIDE_OTHER" \
		"R42: the other VPN asks its own"
	is "$(get default $(fetch "http://$RIG_WEB4/"))" demo 'R02: "default" is the lowest id'
	is "$(get - $(fetch "http://$RIG_WEB4/"))" demo 'R02: so is "-"'
	is "$(get -- $(fetch "http://$RIG_WEB4/"))" demo 'R02: so is no name at all'
	get demo $(fetch "http://$RIG_WEB4/") >"$RIG_DIR/a" &
	a=$!
	get other $(fetch "http://$RIG_WEB4/") >"$RIG_DIR/b" &
	b=$!
	wait $a $b
	is "$(cat "$RIG_DIR/a") $(cat "$RIG_DIR/b")" 'demo other' 'R08: two VPNs at the same moment'
	is "$($RIG_CAPTURE stop)" 0 'L01: nothing of all that left by the uplink'
}
is "$(as_user curl -s -m 5 "http://$RIG_WEB4/")" clear 'R03: what is not confined still goes directly'

# What the command keeps.
get demo sh -c 'exit 55'
is $? 55 'R04: the exit status is the command'"'"'s'
is "$(get demo id -u) $(get demo id -g)" "$RIG_UID $RIG_UID" 'R04 R38: own uid and gid'
is "$(cd /usr/share && get demo pwd)" /usr/share 'R04: own working directory'
is "$(as_user env FOO=bar vpnrun demo sh -c 'echo $FOO')" bar 'R04: own environment'
is "$(as_user sh -c 'echo $$; exec vpnrun demo sh -c "echo \$\$"' | sort -u | wc -l)" 1 \
	'the command has the launcher'"'"'s pid: nothing of ours stays'
is "$(echo hello | get demo cat)" hello 'R04: own stdin and stdout'
get demo sh -c 'kill -TERM $$'
is $? 143 'the command'"'"'s death by a signal is seen'
get demo /nonexistent/command 2>/dev/null
is $? 127 'a command that is not there: 127'
get demo /etc/passwd 2>/dev/null
is $? 126 'a command that cannot be executed: 126'
as_user vpnrun >/dev/null 2>&1
is $? 125 'R28: no argument at all: usage, 125'
like "$(as_user vpnrun --help)" 'vpnrun' 'R28: --help'
is "$(as_user env SHELL=/bin/sh vpnrun demo <<<'readlink /proc/self/ns/net; readlink /proc/1/ns/net' | sort -u | grep -c net)" 1 \
	'R05: no command: a shell, inside'
is "$(get demo bash -c 'diff <(echo a) <(echo a) && echo same')" same 'process substitution works'
# A terminal: job control needs the session and the foreground group untouched.
is "$(as_user script -qec 'vpnrun demo bash -ic "set -o | grep monitor; sleep 60 & kill %1 && echo job-control"' /dev/null 2>/dev/null | tr -d '\r' | grep -c -e 'monitor.*on' -e '^job-control')" 2 \
	'a shell inside has job control'
is "$(get demo ping -c 1 -W 5 "$RIG_WEB4" | grep -c '1 received')" 1 'unprivileged ping works inside'

# Loopback, and no network.
is "$(get demo sh -c 'ping -c1 -W2 127.0.0.1 >/dev/null && ping -c1 -W2 "$(ip -4 -o addr show vpn0 | sed "s/.*inet //;s,/.*,,")" >/dev/null && echo up')" up \
	'R58: lo is up, and the own address answers'
is "$(get none sh -c 'ls /sys/class/net')" lo 'R10: none: loopback only'
ok 'R10: none: a connect fails' not get none curl -s -m 3 "http://$RIG_WEB4/"
# shellcheck disable=SC2046
is "$(get host $(fetch "http://$RIG_WEB4/"))" clear 'R06: host: the host'"'"'s own network'
is "$(get host --dns "$RIG_DNS_CLEAR" true; as_user vpnrun --dns "$RIG_DNS_CLEAR" host cat /etc/resolv.conf | grep nameserver)" \
	"nameserver $RIG_DNS_CLEAR" 'R06: host --dns: only the resolver changes'

# sudo and root.
is "$(as_user sudo -E env PATH="$PATH" vpnrun demo id -u)" "$RIG_UID" 'sudo vpnrun first becomes the user'
is "$(as_user sudo -E env PATH="$PATH" vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" demo 'sudo vpnrun goes through the VPN'
is "$(vpnrun demo curl -s -m 10 "http://$RIG_WEB4/")" demo 'root goes through the VPN'
is "$(vpnrun demo id -u)" 0 'root stays root'

# A second command in the sandbox of the first.
as_user vpnrun demo sh -c 'echo $$ >"$HOME/pid"; exec sleep 300' &
first=$!
pidfile=$(as_user sh -c 'echo $HOME')/pid
wait_for 10 test -s "$pidfile"
p=$(cat "$pidfile")
wait_for 10 grep -q sleep "/proc/$p/comm"
is "$(as_user vpnrun --with "$p" readlink /proc/self/ns/net)" "$(readlink "/proc/$p/ns/net")" \
	'--with PID: the same network namespace'
is "$(as_user vpnrun --with "$p" curl -s -m 10 "http://$RIG_WEB4/")" demo '--with PID: the same way out'
ok '--with PID of a process that is not confined: refused' not as_user vpnrun --with $$ true
kill "$p"
wait $first

# The kernel's workers finish what a launch has asked for: without waiting for them five of a hundred
# begin with a network that loses its first packets, and a connection hangs for a second.
n=$([ "${RIG_SLOW:-}" ] && echo 30 || echo 100)
for ((i = 0; i < n; i++)); do as_user vpnrun demo "$RIG_DIR/build/tests/net/first_look"; done >"$home/first"
is "$(sort "$home/first" | uniq -c | xargs)" "$n ready" "L59: an address works in the first moment, $n times"

# What the kernel is told in the VPN's own namespace: each setting shuts one thing, and most of them
# nothing else would miss.
if [ "${RIG_LAYOUT:-netns}" = netns ]; then
	for want in ipv4/ip_forward=1 ipv4/conf/{all,default}/rp_filter=1 ipv4/conf/{all,default}/accept_redirects=0 \
		ipv4/conf/{all,default}/send_redirects=0 ipv4/conf/{all,default}/accept_source_route=0 ipv4/conf/all/arp_ignore=1 \
		ipv4/icmp_ratelimit=0 ipv6/conf/all/forwarding=1 ipv6/conf/{all,default}/accept_ra=0 \
		ipv6/conf/{all,default}/accept_redirects=0 ipv6/icmp/ratelimit=0 ipv6/conf/default/addr_gen_mode=1 \
		ipv6/conf/default/disable_ipv6=1; do
		is "${want%=*}=$(in_vpn demo cat "/proc/sys/net/${want%=*}")" "$want" "L04 L18 L24: ${want%=*} in the VPN's namespace"
	done
fi

# Wrong input: each its own sentence, 125, and the command never runs.
refused() { # refused PATTERN DESCRIPTION ARGS...
	local out rc pat=$1 what=$2
	shift 2
	rm -f "$home/ran"
	out=$("$@" 2>&1 >/dev/null)
	rc=$?
	[ ! -e "$home/ran" ] || out="$out (the command ran)"
	like "$rc $out" "^125 .*$pat" "$what"
}
refused '(demo.*other|other.*demo)' 'an unknown VPN: the sentence lists those that exist' as_user vpnrun nowhere touch "$home/ran"
refused 'vpnrun' 'a user who is not allowed: refused' as_stranger vpnrun demo touch "$home/ran"
refused 'olicy' 'an unknown policy: refused' as_user vpnrun --policy nonesuch demo touch "$home/ran"
refused 'address' 'a --dns that is no address: refused' as_user vpnrun --dns nonsense demo touch "$home/ran"
vpnctl down other >/dev/null
refused 'down|not up|bring' 'a VPN that is down: refused, with how to bring it up' as_user vpnrun other touch "$home/ran"
refused 'broker' 'no broker: its own sentence' as_user vpnrun --socket /run/nobroker.sock demo touch "$home/ran"
vpnctl up other >/dev/null
finish
