#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnctl ip: the address that the world sees, asked inside the VPN, with the provider's verdict.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

# A provider's service: each answers as itself, so what is read tells which way the question went.
cat >"$RIG_DIR/service" <<'EOF'
use IO::Socket::INET;
my ($addr, %answer) = @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => $addr, LocalPort => 8075, Listen => 9, ReuseAddr => 1) or die "$@";
open(my $r, '>', $answer{ready}); close($r);
while (my $c = $s->accept) {
	my ($path) = (<$c> // '') =~ m{^GET /(\S*)};
	while (<$c>) { last if /^\r?$/ }
	if (($path // '') eq 'hang') { sleep 3 }
	my $body = $answer{$path // ''};
	print $c $body ? "HTTP/1.0 200 OK\r\n\r\n$body" : "HTTP/1.0 404 No\r\n\r\n";
	close $c;
}
EOF
serve() { # serve NS JSON
	in_ns "$1" perl "$RIG_DIR/service" "$RIG_WEB4" ready "$RIG_DIR/ready-$1" json "$2" text "203.0.113.9
" junk '<html>hello</html>' v6 '{"ip_address": "2001:DB8::0:5", "isIvpnServer": true}' &
	pids+=($!)
	wait_for 5 test -e "$RIG_DIR/ready-$1"
}
pids=()
serve demo '{"ip":"203.0.113.7","country":"X","mullvad_exit_ip":true}'
serve internet '{"ip":"192.0.2.9","country":"X","mullvad_exit_ip":false}'
url=http://$RIG_NAME4:8075

is "$(vpnctl ip --url $url/json 2>/dev/null)" 192.0.2.9 'control: without a name, the way is the clear one'
$RIG_CAPTURE start
is "$(vpnctl ip demo --url $url/json)" 203.0.113.7 'R75: of demo: what its far end sees'
is "$(as_user vpnctl ip demo --url $url/json)" 203.0.113.7 'R75: an ordinary user: by vpnrun'
is "$(as_user vpnrun demo vpnctl ip --url $url/json)" 203.0.113.7 'R75: in a sandbox, without a name'
like "$(vpnctl ip demo --url $url/json --json | tr -d ' \n')" \
	'"vpn":"demo","ip":"203.0.113.7",.*"verdict":true,"expected":null,"ok":true' 'R75: --json'
like "$(as_user vpnctl ip demo --json --url $url/json --expect 203.0.113.0/24 | tr -d ' \n')" \
	'"vpn":"demo".*"expected":true,"ok":true' 'R75: --json for a user, names the VPN'
is "$(vpnctl ip demo --url $url/v6)" 2001:db8::5 'R75: another provider'"'"'s words'
ok 'R30: --expect what it is' vpnctl ip demo --url $url/text --expect 203.0.113.9
ok 'R30: --expect one of several' vpnctl ip demo --url $url/text --expect 192.0.2.0/24,203.0.113.8/31
out=$(vpnctl ip demo --url $url/text --expect 203.0.113.10 2>&1 >/dev/null)
like "$? $out" '^1 vpnctl: .*203.0.113.9.*not what was expected' 'R30: --expect another: fails, in one sentence'
out=$(as_user vpnctl ip demo --url $url/text --expect 203.0.113.10 2>&1 >/dev/null)
like "$? $out" '^1 vpnctl: .*not what was expected' 'R30: the same for a user'
out=$(vpnctl ip demo --url $url/junk 2>&1)
like "$? $out" '^1 vpnctl: .*no address in it' 'an answer without an address: fails'
out=$(vpnctl ip demo --url $url/nothing 2>&1)
like "$? $out" '^1 vpnctl: .*404' 'an error of the server: fails'
out=$(vpnctl ip demo --url $url/hang --timeout 1 2>&1)
like "$? $out" '^1 vpnctl: .*[Tt]imed out|^1 vpnctl: .*time' 'R30: a server that does not answer: fails in time'
out=$(vpnctl ip demo --url http://secret7.rig.test/ 2>&1)
like "$? $out" '^1 vpnctl: .*secret7' 'a name that does not exist: fails'
is "$(grep -c secret7 "$RIG_DIR/dns-clear.log") $($RIG_CAPTURE stop)" '0 0' \
	'L05 L06: nothing of all this left by the uplink, no name was asked outside'
ok 'control: the name was asked inside' grep -q secret7 "$RIG_DIR/dns-demo.log"

out=$(vpnctl ip --url $url/json 2>&1 >/dev/null)
like "$? $out" '^1 vpnctl: .*not an exit of the provider' 'R75: the provider says that it is not its own: fails'
out=$(http_proxy=http://127.0.0.1:9 vpnctl ip demo --url $url/text 2>&1)
is "$out" 203.0.113.9 'no proxy of the environment is asked'
vpnctl down demo >/dev/null
out=$(vpnctl ip demo --url $url/json 2>&1)
like "$? $out" "^1 vpnctl: VPN 'demo' is down; bring it up with: sudo vpnctl up demo" 'R30: of a VPN that is down: fails, and asks nowhere'
out=$(as_user vpnctl ip demo --url $url/json 2>&1)
like "$? $out" "^1 vpnctl: VPN 'demo' is down; bring it up with: sudo vpnctl up demo" 'R30: the same for a user'
out=$(vpnctl ip demo --url file:///etc/passwd 2>&1)
like "$?" '^1' 'no other scheme'
out=$(vpnctl ip demo --expect nonsense 2>&1)
like "$? $out" '^2 vpnctl: --expect' 'a wrong --expect: wrong usage'
kill "${pids[@]}"
finish
