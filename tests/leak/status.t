#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# `vpnctl status`, `list` and `kick`: what is said of a VPN is what the kernel says of it. Runs inside
# the rig.
# shellcheck disable=SC2016 # Perl's variables
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

json() { # json VPN EXPRESSION: of the VPN's object v in `status --json`
	vpnctl status --json | value "$1" "$2"
}
# The JSON read as Perl (perl-base has no module for it): none of its texts has a quote or a backslash.
value() {
	perl -0777 -ne 'BEGIN { ($name, $expr) = splice @ARGV, 0, 2 }
		s/"(\s*):/"$1=>/g; s/\b(true|false)\b/"$1"/g; s/\bnull\b/undef/g; tr/"/\x27/;
		sub out { my ($x, $in) = @_;
			!defined $x ? "null" : ref $x ? "[" . join(", ", map { out($_, 1) } @$x) . "]"
			: $x =~ /^(-?\d+|true|false)$/ || !$in ? $x : "\"$x\"" }
		($v) = grep { $_->{name} eq $name } @{ (eval $_)->{vpns} }; print out(eval $expr), "\n"' "$1" "$2"
}
ready() { json "$1" '[map { $_->{comm} } @{$v->{leases}}]' | grep -qw "$2"; }
wg_demo() { if [ -S /run/wireguard/demo.sock ]; then wg "$@"; else in_vpn demo wg "$@"; fi; }
table=vpnrun
[ "$RIG_LAYOUT" = netns ] || table=vpnrun-demo
state_is() { [ "$(json demo '$v->{state}')" = "$1" ]; }

# --- a VPN that is up ----------------------------------------------------------------------------
ok 'R70: status NAME of one that is up exits 0' vpnctl status demo
for c in status list 'plan demo' 'check /etc/vpnrun/demo.json'; do
	is "$(vpnctl $c --json | head -2 | paste -sd' ')" '{   "schema_version": 1,' "the JSON of $c says its version first"
done
is "$(vpnctl status --json | value demo '[sort keys %$v]')" \
	'["addresses", "default", "dns", "edited", "endpoint", "endpoint_address", "endpoint_left", "forward_error", "forwarded_port", "forwarded_udp_port", "handshake_age_s", "held", "id", "inside", "layout", "leases", "leases_of", "machine_default", "machine_default_at_boot", "missing", "name", "rx_bytes", "seen_age_s", "server", "server_chosen", "state", "tx_bytes", "via", "why"]' \
	'status --json has the keys that are promised'
is "$(json demo '[@$v{qw(id layout state default machine_default)}]')" \
	"[1, \"$RIG_LAYOUT\", \"up\", true, false]" 'id, layout and state, and the lowest id is the default'
is "$(json other '[@$v{qw(id default)}]')" '[2, false]' 'and only that one'
is "$(json demo '[@$v{qw(addresses dns endpoint)}]')" \
	"[[\"10.64.0.2/32\", \"fd64:64::2/128\"], [\"$RIG_DNS_DEMO\", \"fd64:64::1\"], \"$RIG_ENDPOINT4:$RIG_PORT\"]" \
	'addresses, DNS and endpoint as written'
is "$(get_by demo "http://$RIG_WEB4/")" demo 'the tunnel carries'
# The last packets of the connection may come between the two looks.
same_traffic() {
	[ "$(json demo '[@$v{qw(rx_bytes tx_bytes)}]')" = "$(wg_demo show demo transfer | awk '{print "[" $2 ", " $3 "]"}')" ]
}
ok 'R70: traffic as wg show has it' wait_for 10 same_traffic
age=$(($(date +%s) - $(wg_demo show demo latest-handshakes | cut -f2)))
shown=$(json demo '$v->{handshake_age_s}')
ok "R70: the handshake's age as wg show has it ($shown s)" test $((age - shown)) -le 2 -a $((shown - age)) -le 2
like "$(vpnctl status)" 'demo +1\* +up +' 'a line for people'
like "$(vpnctl status)" $'(now|ago) ' 'with the age in words'
is "$(vpnctl status | grep -c $'\033')" 0 'and without colour where no terminal is'
if command -v script >/dev/null; then
	ok 'on a terminal with colour' sh -c "script -qec 'vpnctl status' /dev/null | grep -q '\[32m'"
	ok 'but for NO_COLOR' sh -c "! NO_COLOR=1 script -qec 'vpnctl status' /dev/null | grep -q '\[32m'"
fi

# --- who is inside -------------------------------------------------------------------------------
as_user vpnrun demo sleep 1000 &
p1=$!
as_user vpnrun demo sh -c 'sleep 1001; exit' &
p2=$!
service=
if [ "$RIG_LAYOUT" = netns ]; then
	ip netns exec demo sleep 1002 &
	service=$!
fi
wait_for 10 ready demo sleep
wait_for 10 sh -c "[ \"\$(vpnctl status demo | grep -c 'vr1\.')\" = 2 ]"
# What a program received and sent, as its own device counts it.
traffic() { # traffic WHO PID
	"$1" vpnctl status --json | value demo "map { \"\$_->{rx_bytes} \$_->{tx_bytes}\" } grep { \$_->{pid} == $2 } @{\$v->{leases}}"
}
root() { "$@"; }
own() { awk '$1 == "vpn0:" { print $2, $10 }' "/proc/$1/net/dev"; }
nsenter -t "$p1" -n ping -c 3 -i 0.2 -s 1000 "$RIG_WEB4" >/dev/null 2>&1
counted() { [ "$(traffic "$1" "$p1")" = "$(own "$p1")" ]; }
ok 'R70: what a sandbox received and sent, as its own device counts it' wait_for 10 counted root
ok 'R70: and its user sees the same' wait_for 10 counted as_user
ok 'more than 3000 bytes each way' sh -c "set -- $(own "$p1"); [ \$1 -gt 3000 ] && [ \$2 -gt 3000 ]"
like "$(vpnctl status demo)" "$p1 +sleep +[0-9.]+ KiB in, [0-9.]+ KiB out" 'R70: the same for people'
is "$(json demo '[sort { $a->[1] <=> $b->[1] } map { [@$_{qw(uid pid)}] } @{$v->{leases}}]')" \
	"$(printf '[%s, %s]\n' "$RIG_UID" "$p1" "$RIG_UID" "$p2" | sort -k2 -n | paste -sd, | sed 's/,\[/, [/; s/.*/[&]/')" \
	'R70: each cable with its user and the first process behind it'
is "$(json demo '[sort map { $_->{comm} } @{$v->{leases}}]')" '["sh", "sleep"]' 'and its name'
is "$(json demo 'scalar grep { $_->{ip4} =~ /^10\.20\.1\.(\d+)$/ && $_->{if} eq "vr1.$1" && $_->{ip6} eq sprintf("fd76:706e:7275:1::%x", $1) } @{$v->{leases}}')" \
	2 'port and addresses say the same number'
is "$(json demo '[map { [@$_{qw(pid uid comm)}] } @{$v->{inside}}]')" "[${service:+[$service, 0, \"sleep\"]}]" \
	"R70: a program in the VPN's own namespace"
like "$(vpnctl status demo)" "vr1\.[0-9]+ +10\.20\.1\.[0-9]+ +$RIG_USER +$p1 +sleep" 'the same for people'
is "$(json other '$v->{leases}')" '[]' 'the other VPN has nobody'

# An ordinary user.
as_json() { as_user vpnctl status --json | value demo "$1"; } # what the keeper saw, and one's own
like "$(as_json '[@$v{qw(state handshake_age_s rx_bytes tx_bytes seen_age_s)}]')" '^\["up", [0-9]+, [0-9]+, [0-9]+, [0-9]+\]$' \
	'R79: an ordinary user sees the handshake and the traffic as the keeper saw them, and when that was'
is "$(as_json '[$v->{leases_of}, $v->{inside}, sort { $a->[1] <=> $b->[1] } map { [@$_{qw(uid pid)}] } @{$v->{leases}}]')" \
	"$(printf '[%s, %s]\n' "$RIG_UID" "$p1" "$RIG_UID" "$p2" | sort -k2 -n | paste -sd, | sed 's/,\[/, [/; s/.*/["asker", null, &]/')" \
	'R79: and the sandboxes of their own, with the first process of each'
is "$(as_user vpnctl status --json | value demo '[map { @$_{qw(if ip4)} } @{$v->{leases}}]')" \
	"$(vpnctl status --json | value demo '[map { @$_{qw(if ip4)} } @{$v->{leases}}]')" 'R79: by the same names as root'
is "$(as_stranger vpnctl status --json | value demo '$v->{leases}')" '[]' 'R79: nobody else'"'"'s'
like "$(as_user vpnctl status demo)" "2 of yours.*vr1\.[0-9]+ +10\.20\.1\.[0-9]+ +$RIG_USER +$p1 +sleep" 'R79: the same for people'
is "$(as_user vpnctl status --json | value demo '[@$v{qw(dns endpoint)}]')" \
	"[[\"$RIG_DNS_DEMO\", \"fd64:64::1\"], \"$RIG_ENDPOINT4:$RIG_PORT\"]" 'the rest is there'
ok 'and status NAME says it is up' as_user vpnctl status demo
is "$(as_user vpnctl list --json | value demo '[@$v{qw(id state error)}]')" '[1, "up", null]' 'list --json'

# --- kick ----------------------------------------------------------------------------------------
vpnctl kick demo >/dev/null 2>&1
is $? 2 'kick without saying whom: usage'
vpnctl kick demo --uid 1 --pid 1 >/dev/null 2>&1
is $? 2 'kick with both: usage'
ok 'an ordinary user cannot' not as_user vpnctl kick demo --pid $p1
is "$(vpnctl kick demo --uid "$RIG_STRANGER_UID")" '0 unplugged from demo' 'L26: kick of a user without a cable'
is "$(vpnctl kick demo --pid $p2)" '1 unplugged from demo' 'L26: kick by process'
is "$(json demo '[map { $_->{pid} } @{$v->{leases}}]')" "[$p1]" 'takes that cable and no other'
[ -z "$service" ] || like "$(vpnctl kick demo --pid $service 2>&1)" 'has no cable' 'a program in the namespace itself has none'
like "$(vpnctl kick demo --pid 4194304 2>&1)" 'there is no process' 'nor has one that is not there'
is "$(vpnctl kick demo --uid "$RIG_USER")" '1 unplugged from demo' 'L26: kick by user'
is "$(json demo '$v->{leases}')" '[]' 'nobody is plugged in any more'
kill $p1 $p2 $service
wait $p1 $p2 $service 2>/dev/null

# A namespace that a descriptor alone keeps.
as_user vpnrun demo sleep 1003 &
p1=$!
wait_for 10 ready demo sleep
exec 9<"/proc/$p1/ns/net"
kill $p1
wait $p1 2>/dev/null
is "$(json demo '[map { [@$_{qw(pid comm uid)}] } @{$v->{leases}}]')" "[[null, null, $RIG_UID]]" \
	'a namespace without a process: its cable has no pid'
exec 9<&-
wait_for 10 sh -c 'vpnctl status demo | grep -q "vr1\." && exit 1; exit 0'

# --- names ---------------------------------------------------------------------------------------
like "$(vpnctl status nosuch 2>&1)" "no VPN 'nosuch'; there is demo, other" 'R28: an unknown name: those that exist'
like "$(vpnctl kick nosuch --uid 0 2>&1)" "there is demo, other" 'R28: so says kick'
vpnctl status --nonsense >/dev/null 2>&1
is $? 2 'R28: a wrong option: usage'

# --- degraded, and why ---------------------------------------------------------------------------
in_vpn demo ip link set demo down
like "$(vpnctl status demo)" 'demo is degraded: the tunnel device is down' 'L01: the device is down'
ok 'and status NAME is not 0' not vpnctl status demo
vpnctl up demo >/dev/null
ok 'up mends it' vpnctl status demo
in_vpn demo ip link set br-demo down
like "$(vpnctl status demo)" 'degraded: the device br-demo is down' 'the bridge is down'
vpnctl up demo >/dev/null
in_vpn demo nft flush table bridge "$table" 2>/dev/null &&
	like "$(vpnctl status demo)" "degraded: the firewall's table bridge $table was altered" 'L03: the firewall is emptied'
vpnctl up demo >/dev/null
ok 'L03: up puts it back' vpnctl status demo

kill -KILL "$(cat /run/vpnrun/demo.supervisor)"
ended_supervisor='its supervisor has ended; vpnctl up demo starts it again'
wait_for 10 sh -c "vpnctl status demo | grep -q supervisor"
like "$(vpnctl status demo)" "demo is degraded: $ended_supervisor" 'R70: nobody looks after the tunnel'
is "$(json demo '[@$v{qw(state why)}]')" "[\"degraded\", \"$ended_supervisor\"]" 'R70: the same in JSON'
ok 'R70: and the exit status tells it' not vpnctl status demo
vpnctl up demo >/dev/null
is "$(json demo '[@$v{qw(state why)}]')" '["up", null]' 'R70: up starts it again, as it says'

# A peer that never answers. What is sent into nothing must be more than one try.
vpnctl down demo >/dev/null
sed -i 's/^Endpoint = .*/Endpoint = 198.51.100.77:9/' /etc/vpnrun/demo.conf
vpnctl up --no-wait demo >/dev/null
ok 'a tunnel that nothing was sent through is up' vpnctl status demo
from_vpn demo ping -c 1 -W 1 "$RIG_WEB4" >/dev/null
wait_for 15 state_is degraded
like "$(vpnctl status demo)" 'degraded: the server at 198.51.100.77:9 has never answered' 'L01: a dead peer is told from a living one'

vpnctl down demo >/dev/null
vpnctl status demo >/dev/null
is $? 1 'status NAME of one that is down exits 1'
is "$(json demo '[@$v{qw(state leases rx_bytes)}]')" '["down", [], null]' 'down, in JSON'
ok 'status alone exits 0' vpnctl status
finish
