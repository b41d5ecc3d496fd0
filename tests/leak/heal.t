#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What somebody takes away from a VPN that is up is put back by its keeper, at once and unasked, and
# meanwhile nothing leaves. Runs inside the rig, in either layout.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
log=/run/vpnrun/demo.log
table='inet vpnrun'
main=main
[ "$RIG_LAYOUT" != bridge ] || { table='inet vpnrun-demo' main=1; }
state() { vpnctl status demo --json | grep -oE '"state": *"[a-z]+"' | head -n 1 | cut -d'"' -f4; }
whole() { [ "$(state)" = up ]; }
says() { grep -F -- "demo: " "$log" | grep -qF -- "$1"; }

as_user vpnrun demo sh -c 'while :; do hello 10.64.0.1 53000 1 || hello 53000 1 || :; done' >/dev/null 2>&1 &
inside=$!
ok 'control: a VPN that was just brought up is whole' wait_for 10 whole
$RIG_CAPTURE start

# taken WHAT SENTENCE COMMAND...: somebody takes it away, and the keeper puts it back.
taken() {
	local what=$1 sentence=$2
	shift 2
	: >"$log"
	ok "control: $what goes away" in_vpn demo "$@"
	# A look that is half-way then sees, and names, what went with it.
	if wait_for 10 says 'it is all there again' && ! says "$sentence"; then
		diag "$(cat "$log")"
		: >"$log"
		in_vpn demo "$@"
	fi
	ok "R78 L29: $what: the keeper says so, by its name" wait_for 5 says "$sentence"
	ok "R78: and that all is there again" wait_for 10 says 'it is all there again'
	ok "R78: and status agrees" wait_for 5 whole
}

gateway=$(in_vpn demo ip -4 -br addr show br-demo | awk '{ print $3 }')
taken 'an address of the bridge' "the address $gateway of br-demo is missing" \
	ip addr del "$gateway" dev br-demo
own6=$(in_vpn demo ip -6 -br addr show br-demo | grep -o 'fd76:[^ ]*::1/64')
taken 'the prefix of an IPv6 address' "the address $own6 of br-demo is missing" \
	sh -c "for i in 1 2 3 4 5 6 7 8; do # the keeper may be faster than the second of both
		ip -6 addr del $own6 dev br-demo; ! ip -6 addr add ${own6%/64}/80 dev br-demo nodad || exit 0; done; exit 1"
is "$(in_vpn demo ip -6 -br addr show br-demo | grep -o "${own6%/64}[^ ]*")" "$own6" 'R78: and the other prefix is gone'
taken 'the whole firewall' "the firewall's table $table is missing" nft delete table $table
taken 'a rule of the firewall' "the firewall's table $table was altered" \
	sh -c "nft delete rule $table forward handle \$(nft -a list chain $table forward | sed -n 's/.*# handle //p' | tail -n 1)"
taken 'the way by the tunnel' 'the route default dev demo' ip -4 route del default dev demo table $main
if [ "$RIG_LAYOUT" = bridge ]; then
	taken 'what refuses all without a tunnel' 'the route unreachable default' ip -4 route del unreachable default table 1
	taken 'a rule of the table' 'the rule' ip -4 rule del priority 201
else
	taken 'what refuses all without a tunnel' 'the route default dev br-demo' ip -4 route del default dev br-demo
fi
taken 'the bridge, put down' 'is down' ip link set br-demo down

: >"$log"
: >/run/vpnrun/no-repair
in_vpn demo ip addr del "$gateway" dev br-demo
ok 'R78: plan shows what is missing' sh -c "vpnctl plan demo | grep -qF '+ the address $gateway of br-demo'"
# By perl: a guest has no jq.
is "$(vpnctl plan demo --json | perl -MJSON::PP -0777 -ne 'print map { "$_->{object}\n" } grep { !$_->{there} } @{decode_json($_)->{objects}}')" \
	"$(vpnctl plan demo | sed -n 's/^  + //p')" \
	'R78: plan --json says the same'
ok 'R78: plan --nft: what nft takes as it is' sh -c "vpnctl plan demo --nft | nft -c -f -"
ok 'control: with no-repair, status names it' wait_for 5 sh -c 'vpnctl status demo | grep -q missing'
is "$(cat "$log")" '' 'and nothing is put back'
rm /run/vpnrun/no-repair
vpnctl up demo >/dev/null
ok 'an up does' wait_for 5 whole

# What is put back is what was applied: an edited file waits for its owner, and so does a broken one.
conf=/etc/vpnrun/demo.conf
cp -p "$conf" "$RIG_DIR/whole.conf"
own=$(in_vpn demo ip -4 -br addr show demo | awk '{ print $3 }')
for edit in 's,^Address = [0-9.]*,Address = 10.64.0.77,' 's,^Address = .*,Address = nonsense,'; do
	sed -i "$edit" "$conf"
	: >"$log"
	in_vpn demo ip addr del "$gateway" dev br-demo
	ok 'R78: beside an edited file, too, what is missing is put back' wait_for 10 says 'it is all there again'
	is "$(in_vpn demo ip -4 -br addr show demo | awk '{ print $3 }')" "$own" 'R78: and the edit is not applied'
	like "$(vpnctl status demo)" 'the profile of demo has changed since it came up; to apply it: vpnctl up demo' 'R78: status says so'
	cp -p "$RIG_DIR/whole.conf" "$conf"
	is "$(vpnctl status demo | grep -c 'has changed')" 0 'and no more once it is as it was'
done
sed -i '/^Address/s/^/# a remark\n/' "$conf"
is "$(vpnctl status demo | grep -c 'has changed')" 0 'R78: a remark changes nothing'
sed -i 's,^Address = [0-9.]*,Address = 10.64.0.77,' "$conf"
vpnctl up --no-wait demo >/dev/null
is "$(in_vpn demo ip -4 -br addr show demo | awk '{ print $3 }')" 10.64.0.77/32 'R78: up applies it'
is "$(vpnctl status demo | grep -c 'has changed')" 0 'R78: and status has nothing more to say of it'
cp -p "$RIG_DIR/whole.conf" "$conf"
vpnctl up --no-wait demo >/dev/null
is "$(grep -cFf <(sed -n 's/^\(PrivateKey\|PresharedKey\) = //p' "$conf") /run/vpnrun/demo.profile)" 0 'L28: and what is noted of it has no key in it'
is "$(stat -c %a /run/vpnrun/demo.profile)" 600 'and is for root alone'

# One who takes it away again each time: tried less and less often, and said once.
: >"$log"
: >"$RIG_DIR/rival"
in_vpn demo sh -c "while [ -e $RIG_DIR/rival ]; do ip addr del $gateway dev br-demo 2>/dev/null; done" &
rival=$!
ok 'R78: somebody takes it away again each time: that is said' wait_for 10 says \
	'of what it consists of could not be restored; see: vpnctl status demo'
rm "$RIG_DIR/rival"
wait $rival 2>/dev/null
ok 'and once he leaves, it is put back' wait_for 40 whole

ok 'control: one more look is due when it is taken down' in_vpn demo ip addr del "$gateway" dev br-demo
kill $inside
wait $inside 2>/dev/null
vpnctl down demo >/dev/null
ok 'R78: plan of a VPN that is down shows all of it, and makes nothing' test "$(vpnctl plan demo | grep -c '^  + ')" -gt 30
is "$(state)" down 'a VPN that was taken down on purpose stays down'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink in all of that'
vpnctl up demo >/dev/null
ok 'and comes up again' wait_for 5 whole
finish
