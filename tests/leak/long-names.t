#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names of fifteen letters, which differ in the last: nothing of what is called after them is cut, and no two are one.
# From import to down, in each layout. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
one=mullvad-se-sto1 two=mullvad-se-sto2

says() { as_user vpnrun "$1" curl -s -m 10 "http://$2/"; }
links() { ip -br link | awk '{ sub("@.*", "", $1); print $1 }' | sort; }
all_links() { links; for n in /run/netns/*; do [ ! -e "$n" ] || ip -n "${n##*/}" -br link 2>/dev/null | awk -v n="${n##*/}:" '{ print n $1 }'; done | sort; }
tables() { nft list tables | sort; }

vpnctl down --force demo other >/dev/null
sed -i "s/^Endpoint = .*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf
install -m 600 /etc/vpnrun/demo.conf "$RIG_DIR/$one.conf"
install -m 600 /etc/vpnrun/other.conf "$RIG_DIR/$two.conf"
# Only files may have the keys of others.
rm /etc/vpnrun/{demo,other}.json
before=$(all_links) before_tables=$(tables) rules=$(ip rule; ip -6 rule)
out=$(vpnctl import "$RIG_DIR/$one.conf" "$RIG_DIR/$two.conf" 2>&1)
like "$out" "as VPN '$one', id 1:.*as VPN '$two', id 2:" 'R82: names of fifteen letters are whole'
sed -i "s/\"id\"/\"layout\": \"$RIG_LAYOUT\", &/" /etc/vpnrun/$one.json /etc/vpnrun/$two.json
$RIG_CAPTURE start
ok 'R82: both are up' vpnctl up $one $two
is "$(says $one "$RIG_WEB4") $(says $two "$RIG_WEB4")" 'demo other' 'R01 R82: each goes its own way'
is "$(says $one "[$RIG_WEB6_ADDR]") $(says $two "$RIG_NAME4")" 'demo other' 'R82: with IPv6, and with names'
is "$(in_vpn $one ip -br link show $one | cut -d' ' -f1) $(in_vpn $two ip -br link show $two | cut -d' ' -f1)" "$one $two" \
	'R27 R82: the devices have the whole names'
is "$(in_vpn $one ip -br link show type bridge | cut -d' ' -f1 | grep -c '^br\.1$') $(in_vpn $two ip -br link show type bridge | cut -d' ' -f1 | grep -c '^br\.2$')" '1 1' \
	'R27 R82: whose bridges are called after the ids'
for vpn in $one $two; do
	like "$(vpnctl status "$vpn")" "$vpn +[12][*]? +up" "R82: status of $vpn"
	ok "R82: all of $vpn is there" vpnctl status "$vpn"
done
is "$(as_user vpnctl list 2>/dev/null | grep -c mullvad-se-sto)" 2 'R82: the list has both'

# --- ports -------------------------------------------------------------------------------------------
a4=$(in_vpn $one ip -4 -o addr show $one | sed 's/.*inet //; s,/.*,,' | head -n 1)
# shellcheck disable=SC2016
as_user vpnrun -e 7070 -p 127.0.0.1:7071:7070 $one perl -MIO::Socket -e \
	'my $l = IO::Socket::INET->new(LocalPort => 7070, Listen => 5, ReuseAddr => 1) or die; while (my $c = $l->accept) { print $c "here\n" }' &
server=$!
inbound() { [ "$(in_ns demo timeout 3 bash -c "cat </dev/tcp/$a4/7070")" = here ]; }
published() { [ "$(timeout 3 bash -c 'cat </dev/tcp/127.0.0.1/7071')" = here ]; }
ok 'R29 R82: a port is opened from the VPN'"'"'s side' wait_for 10 inbound
ok 'R46 R82: and published here' wait_for 10 published
kill $server
wait $server 2>/dev/null

# --- the machine's default ---------------------------------------------------------------------------
machine() { [ "$(curl -s -m 5 "http://$RIG_WEB4/") $(curl -s -m 5 "http://$RIG_NAME4/")" = "$1 $1" ]; }
for vpn in "$one demo" "$two other" "$one demo"; do
	ok "R11 R16 R82: ${vpn% *} is the default" vpnctl default --no-ip "${vpn% *}"
	ok 'R11 R82: and all goes by it, with names' wait_for 15 machine "${vpn#* }"
	like "$(vpnctl status "${vpn% *}")" "${vpn% *} is the machine's default" 'R11 R82: status says so'
done
vpnctl default --no-ip none >/dev/null
is "$($RIG_CAPTURE stop)" 0 'L01 R82: nothing of all that left in the clear'

# --- what was taken away is put back -------------------------------------------------------------------
in_vpn $two ip link set br.2 down
whole() { vpnctl status $two; }
ok 'R78 R82: the keeper of the one puts back what is its own' wait_for 20 whole
ok 'R31 R82: a restart of the other' vpnctl restart $one
is "$(says $one "$RIG_WEB4") $(says $two "$RIG_WEB4")" 'demo other' 'R82: each goes its own way still'

# --- the end -------------------------------------------------------------------------------------------
ok 'R82: down of the one' vpnctl down --force $one
is "$(says $two "$RIG_WEB4")" other 'R82: is not the other'"'"'s'
ok 'R82: down of the other' vpnctl down --force $two
is_gone() { [ "$(all_links)" = "$before" ] && [ "$(tables)" = "$before_tables" ] && [ "$(ip rule; ip -6 rule)" = "$rules" ]; }
ok 'R37 R82: no device, table or rule stays' wait_for 10 is_gone
is "$(find /run/vpnrun -name 'mullvad*' ! -name '*.lock')" '' 'R37 R82: nor a file'
ok 'R82: both are removed' vpnctl remove $one $two
finish
