#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Questions that a program sends to a name server of its own choice: by default they go through the
# tunnel, and with "other_dns" only the VPN's own servers are ever asked. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')
far4=203.0.113.99 far6=2001:db8:203::99 log=$RIG_DIR/dns-far.log

# A public name server on demo's side, which is not the VPN's.
in_ns demo ip addr add $far4/32 dev lo
in_ns demo ip addr add $far6/128 dev lo nodad
in_ns demo "$RIG_DIR/build/rig/dnsd" -l $far4 -l $far6 -o "$log" far.rig.test=192.0.2.99 >"$RIG_DIR/far.ready" &
far=$!
ok 'the other name server is up' wait_for 10 test -s "$RIG_DIR/far.ready"

# query udp|tcp ADDRESS LABEL: asks there for LABEL.rig.test, whatever resolv.conf says; prints how many bytes
# were answered. A label of 10 letters would be two writes to printf: its length is a newline.
cat >"$home/query" <<'Q'
#!/bin/bash
label=$3
size() { printf '\\x%02x' "$1"; }
q="\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00$(size ${#label})$label\x03rig\x04test\x00\x00\x01\x00\x01"
[ "$1" = udp ] || q="\x00$(size $((27 + ${#label})))$q"
exec 3<>"/dev/$1/$2/53" || exit 1
# shellcheck disable=SC2059
printf "$q" >&3
timeout 20 head -c 12 <&3 | wc -c
Q
chmod 755 "$home/query"
ask() { as_user vpnrun demo "$home/query" "$@" 2>/dev/null; }
own() { in_vpn demo "$home/query" "$@" 2>/dev/null; }
asked() { grep -c " $2.rig.test " "$1" 2>/dev/null; } # asked LOG LABEL: how often
demo_log=$RIG_DIR/dns-demo.log
both='inside'
[ "$RIG_LAYOUT" = bridge ] || both='inside own'
set_to() { # set_to VALUE [DNS]
	sed "s|\"config\"|\"other_dns\": \"$1\", ${2:+\"dns\": [$2], }\"config\"|" "$RIG_DIR/demo.saved" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
}
try() { # try inside|own ARG...
	case $1 in inside) ask "${@:2}" ;; *) own "${@:2}" ;; esac
}
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.saved"

# --- the default ---------------------------------------------------------------------------------

$RIG_CAPTURE start
for who in $both; do
	for a in $far4 $far6; do
		for proto in udp tcp; do
			is "$(try "$who" "$proto" "$a" "free-$who-$proto")" 12 "control: $who: $proto to $a is answered"
		done
	done
	is "$(asked "$log" "free-$who-udp") $(asked "$log" "free-$who-tcp")" '2 2' "control: $who: that server was asked"
	is "$(asked "$demo_log" "free-$who-udp")" 0 "control: $who: and the VPN's was not"
done
is "$($RIG_CAPTURE stop)" 0 'L09: nothing of it left by the uplink'
is "$(as_user vpnrun --dns $far4 demo getent ahostsv4 far.rig.test | awk 'NR == 1 { print $1 }')" 192.0.2.99 \
	"R44: a sandbox's own --dns is asked"

in_ns demo "$RIG_DIR/build/rig/webd" -p 853 tls >/dev/null 2>&1 &
over_tls=$!
answers_by_tls() { like_tls "$far4" && like_tls "$far6"; }
like_tls() { [ "$(as_user vpnrun demo "$probe" tcp "$1" 853 | cut -d' ' -f1)" = tls ]; }
ok 'control: DNS over TLS to another is answered' wait_for 20 answers_by_tls

# --- redirected ----------------------------------------------------------------------------------

set_to redirect
$RIG_CAPTURE start
for who in $both; do
	for a in $far4 $far6; do
		for proto in udp tcp; do
			is "$(try "$who" "$proto" "$a" "turned-$who-$proto")" 12 "R44 L09: redirect: $who: $proto to $a is answered"
		done
	done
	is "$(asked "$log" "turned-$who-udp") $(asked "$log" "turned-$who-tcp")" '0 0' "R44: redirect: $who: that server was not asked"
	is "$(asked "$demo_log" "turned-$who-udp") $(asked "$demo_log" "turned-$who-tcp")" '2 2' \
		"R44: redirect: $who: the VPN's was"
done
is "$(ask udp 10.20.1.1 turned-gateway)" 12 "R44: redirect: the bridge's own address is as good as any"
is "$(asked "$demo_log" turned-gateway)" 1 "R44: redirect: and it is the VPN's server that is asked"
like "$(as_user vpnrun demo "$probe" tcp $far4 853)" '^refused' 'L09: redirect: DNS over TLS to another is refused at once'
is "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_NAME/")" demo 'R42: redirect: names resolve, and all else goes as before'
is "$($RIG_CAPTURE stop)" 0 'L09: redirect: nothing of it left by the uplink'
out=$(as_user vpnrun --dns $far4 demo true 2>&1)
like "$? $out" "^125 vpnrun: --dns $far4: .*other_dns" 'R44: redirect: --dns of another is refused in a sentence'
ok "R44: redirect: --dns of the VPN's own is not" as_user vpnrun --dns "$RIG_DNS_DEMO" demo true

# A tunnel that has a server of one family only.
set_to redirect "\"$RIG_DNS_DEMO\""
for who in $both; do
	is "$(try "$who" udp $far4 "sole-$who")" 12 "R44: redirect to an IPv4 server: $who: IPv4 is answered"
	is "$(asked "$demo_log" "sole-$who")" 1 "R44: redirect to an IPv4 server: $who: by that one"
done
like "$(as_user vpnrun demo "$probe" udp $far6 53)" '^refused' 'R44: redirect to an IPv4 server: IPv6 is refused at once'
like "$(as_user vpnrun demo "$probe" tcp $far6 53)" '^refused' 'R44: redirect to an IPv4 server: by TCP too'
is "$(grep -c sole "$log")" 0 'R44: redirect to an IPv4 server: the other was not asked'

# --- refused -------------------------------------------------------------------------------------

set_to refuse
$RIG_CAPTURE start
for a in $far4 $far6; do
	for proto in udp tcp; do
		like "$(as_user vpnrun demo "$probe" "$proto" "$a" 53)" '^refused' "R44 L09: refuse: $proto to $a is refused at once"
		[ "$RIG_LAYOUT" = bridge ] ||
			like "$(in_vpn demo "$probe" "$proto" "$a" 53)" '^(refused|Operation not permitted)' "R44 L09: refuse: for services as well"
	done
done
is "$(ask udp "$RIG_DNS_DEMO" plain)" 12 "R44: refuse: the VPN's own server answers"
is "$(as_user vpnrun demo curl -s -m 10 "http://$RIG_NAME/")" demo 'R42: refuse: names resolve'
is "$(grep -cE 'turned|sole|plain' "$log")" 0 'R44: the other server has seen none of these'
is "$($RIG_CAPTURE stop)" 0 'L09: refuse: nothing of it left by the uplink'
set_to allow
is "$(ask udp $far4 again)" 12 'allow: as by default'

# --- a resolver of the host's own ----------------------------------------------------------------

# What systemd-resolved leaves in /etc/resolv.conf: an address that means another machine in every
# namespace. And a VPN's file that says the same by mistake.
cp /etc/resolv.conf "$RIG_DIR/resolv.saved"
echo 'nameserver 127.0.0.53' >/etc/resolv.conf
cp "$RIG_DIR/demo.saved" /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
is "$(as_user vpnrun demo getent ahostsv4 "$RIG_SIDE" | awk 'NR == 1 { print $1 }')" "$RIG_SIDE_DEMO" \
	"R45: the host asks 127.0.0.53: a program inside asks the VPN's server"
[ "$RIG_LAYOUT" = bridge ] ||
	is "$(ip netns exec demo getent ahostsv4 "$RIG_SIDE" | awk 'NR == 1 { print $1 }')" "$RIG_SIDE_DEMO" \
		'R45: so does ip netns exec'
cp "$RIG_DIR/resolv.saved" /etc/resolv.conf
set_to allow '"127.0.0.53"'
like "$(vpnctl check /etc/vpnrun/demo.json 2>&1)" 'warning: .*127.0.0.53.*' 'R45: a VPN whose DNS is 127.0.0.53: check warns'
$RIG_CAPTURE start
# Every one of its tries is refused by the sandbox's own loopback: no wait for an answer.
t=$(date +%s%N)
as_user vpnrun demo getent ahosts stub.rig.test >/dev/null
is $? 2 'R45: the name is not found'
t=$((($(date +%s%N) - t) / 1000000))
diag "after $t ms"
ok 'R45: not by a time-out: those are 5 seconds each' test $t -lt $((4500 * ${RIG_SLOW_FACTOR:-1}))
is "$(cat "$RIG_DIR"/dns-*.log | grep -c stub.rig.test)" 0 'R45: nobody was asked'
is "$($RIG_CAPTURE stop)" 0 'R45: nothing left by the uplink'

# --- bad input -----------------------------------------------------------------------------------

sed 's|"config"|"other_dns": "drop", "config"|' "$RIG_DIR/demo.saved" >/etc/vpnrun/demo.json
out=$(vpnctl check /etc/vpnrun/demo.json 2>&1)
like "$? $out" '^1 /etc/vpnrun/demo.json:1: other_dns: must be' 'a value that there is not: refused with file, line and key'
kill $far $over_tls
finish
