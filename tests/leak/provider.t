#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Providers' files as they are downloaded, brought up against the rig's far ends. Of each only what
# cannot be had here is put in: our keys and our far end's address. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
confs=$RIG_DIR/tests/fixtures/provider-confs
work=$RIG_DIR/provider
marker=/tmp/FIXTURE_HOOK_WAS_RUN
mkdir "$work"
vpnctl down demo other >/dev/null
rm -f "$marker"

# --- the far ends and the files ------------------------------------------------------------------

# far NAME COMMAND...: where the far end of that VPN can be spoken to
far() {
	local enter=(nsenter --net="$RIG_DIR/ns/$1")
	[ "$RIG_WG" = kernel ] || enter+=(--mount="/proc/$(<"$RIG_DIR/$1.wg.pid")/ns/mnt")
	"${enter[@]}" "${@:2}"
}
# accept NAME KEY PSK-FILE ADDRESS...: the far end knows a client by these addresses only
accept() {
	local name=$1 key=$2 psk=$3 list
	shift 3
	list=$(printf '%s,' "$@")
	far "$name" wg set far peer "$(<"$RIG_DIR/keys/$name/$key.pub")" preshared-key "$psk" allowed-ips "${list%,}"
	for a in "$@"; do nsenter --net="$RIG_DIR/ns/$name" ip route replace "$a" dev far; done
}
# The values of a key, from all its lines, one a line.
values() { # values FILE KEY
	tr -d '\r' <"$1" | sed -n "s/[[:space:]]*#.*//; s/^$2[[:space:]]*=[[:space:]]*//Ip" | tr ',' '\n' | sed 's/^ *//; s/ *$//; /^$/d'
}
only_addresses() { grep -E '^[0-9.]+(/[0-9]+)?$|:'; }
# take FIXTURE [NAME [KEY [ENDPOINT]]]: the fixture with our keys in it, as $work/FIXTURE.conf
take() {
	local name=${2:-demo} key=${3:-client} psk=/dev/null ep a=()
	ep=${4:-$RIG_ENDPOINT4:$RIG_PORT}
	sed -E -e "s,^(privatekey *= *)[A-Za-z0-9+/]+=*,\1$(<"$RIG_DIR/keys/$name/$key"),I" \
		-e "0,/^publickey/Is,^(publickey *= *)[A-Za-z0-9+/]+=*,\1$(<"$RIG_DIR/keys/$name/server.pub"),I" \
		-e "0,/^endpoint/Is,^(endpoint *= *)[^[:space:]]+,\1$ep,I" "$confs/$1.conf" >"$work/$1.conf"
	if [ -n "$(values "$work/$1.conf" PresharedKey)" ]; then
		psk=$work/psk
		values "$work/$1.conf" PresharedKey >"$psk"
	fi
	mapfile -t a < <(values "$work/$1.conf" Address | sed 's,/.*,,')
	accept "$name" "$key" "$psk" "${a[@]}"
}
import() { # import FILE NAME [OPTION...]
	rm -f "/etc/vpnrun/$2."{json,conf}
	local up='' options=()
	for o in "${@:3}"; do
		if [ "$o$RIG_LAYOUT" = --upbridge ]; then up=yes; else options+=("$o"); fi
	done
	vpnctl import "$1" --name "$2" "${options[@]}" >"$work/import.out" 2>&1 || return
	[ "$RIG_LAYOUT" = netns ] || sed -i 's/"id"/"layout": "bridge", "id"/' "/etc/vpnrun/$2.json"
	[ -z "$up" ] || vpnctl up "$2" >>"$work/import.out" 2>&1
}
forget() { vpnctl down --force "$1" >/dev/null; rm -f "/etc/vpnrun/$1."{json,conf}; }
inside() { in_vpn "$vpn" "$@"; }
get() { get_by "$vpn" "http://$1/"; }
at_once() { # at_once ADDR: refused, and within 100 ms; on a busy machine a first packet may be lost
	local how ms try
	for try in 1 2 3; do
		read -r how ms < <(from_vpn "$vpn" "$probe" tcp "$1" 80)
		[[ $how =~ ^(refused|unreachable)$ ]] || break
		awk "BEGIN { exit !($ms < 100 * ${RIG_SLOW_FACTOR:-1}) }" && return
	done
	echo "$how $ms (try $try)"
	return 1
}
rm -f /etc/vpnrun/demo.* /etc/vpnrun/other.*
first=$RIG_LAYOUT
vpn=v

# --- each as it is -------------------------------------------------------------------------------

# The peers of a file as `wg show dump` tells of them; the endpoint's name is where it leads.
wanted_peers() {
	tr -d '\r' <"$1" | sed -E 's/[[:space:]]*#.*//' | awk -v ep="$2" '
		function out() { if (key) { n = split(ips, l, "[, ]+"); s = ""
			for (i = 1; i <= n; i++) if (l[i] != "") print key, "allowed", tolower(l[i])
			print key, "psk", psk; print key, "endpoint", end; print key, "keepalive", ka } }
		tolower($0) ~ /^\[peer\]/ { out(); key = ips = ""; psk = end = "(none)"; ka = "off"; inpeer = 1; next }
		/^\[/ { next }
		inpeer && /=/ { k = tolower($0); sub(/[ \t]*=.*/, "", k); v = $0; sub(/^[^=]*=[ \t]*/, "", v); sub(/[ \t]*$/, "", v)
			if (k == "publickey") key = v; else if (k == "presharedkey") psk = v
			else if (k == "allowedips") ips = ips "," v; else if (k == "endpoint") end = ep
			else if (k == "persistentkeepalive") ka = (v == "0" || tolower(v) == "off") ? "off" : v }
		END { out() }' | sed 's,::0/0,::/0,' | sort
}
real_peers() {
	inside wg show "$vpn" dump | tail -n +2 | while IFS=$'\t' read -r key psk end ips _ _ _ ka; do
		tr ',' '\n' <<<"$ips" | sed "s,^,$key allowed ,"
		printf '%s\n' "$key psk $psk" "$key endpoint $end" "$key keepalive $ka"
	done | sort
}
# Its routes are in the main table of its namespace, or in the table of its id.
table() { if [ "$RIG_LAYOUT" = netns ]; then echo main; else sed -n 's/.*"id": *\([0-9]*\).*/\1/p' /etc/vpnrun/$vpn.json; fi; }
resolv() { if [ "$RIG_LAYOUT" = netns ]; then cat /etc/netns/$vpn/resolv.conf; else vpnrun $vpn sed 's,:0:1$,::1,' /etc/resolv.conf; fi; }
has_addresses() { # every address of the file, and no other
	local a n=0
	while read -r a; do
		[[ $a == *:* && ! $has6 ]] && continue
		inside ip -o addr show dev $vpn scope global to "${a%/*}" | grep -q . || { echo "no $a"; return 1; }
		n=$((n + 1))
	done < <(values "$1" Address)
	[ "$(inside ip -o addr show dev $vpn | wc -l)" = $n ]
}
has_routes() { # every AllowedIPs of a family that the tunnel has an address of
	local a
	while read -r a; do
		[[ $a == *:* && ! $has6 ]] && continue
		inside ip "-$([[ $a == *:* ]] && echo 6 || echo 4)" route show table "$(table)" exact "${a/::0/::}" dev $vpn | grep -q . || { echo "no route to $a"; return 1; }
	done < <(values "$1" AllowedIPs)
}
used=0
check_fixture() { # FIXTURE ENDPOINT RESOLVED
	local f=$1 file=$work/$1.conf mtu has6='' all
	take "$f" demo client "$2"
	used=$((used + 1))
	ok "R35 $f: imported as downloaded" import "$file" $vpn
	diag "$(head -n 5 "$work/import.out")"
	ok "R35 $f: kept byte for byte" cmp "$file" /etc/vpnrun/$vpn.conf
	is "$(stat -c '%a %U' /etc/vpnrun/$vpn.conf)" '600 root' "R26 $f: root's alone"
	[ "$f" != corp-2peers ] || sed -i 's/"id"/"subnet": "10.99.0.0\/22", "id"/' /etc/vpnrun/$vpn.json
	ok "R35 $f: up" vpnctl up $vpn
	all=$(values "$file" Address; values "$file" AllowedIPs)
	[ "$(values "$file" Address | grep -c :)" -gt 0 ] && [ "$(values "$file" AllowedIPs | grep -c :)" -gt 0 ] && has6=yes
	ok "R34 $f: the addresses of the file" has_addresses "$file"
	ok "R34 $f: routes for each family" has_routes "$file"
	is "$(diff <(wanted_peers "$file" "$3") <(real_peers))" '' "R64 $f: peers, keys, PSK, keepalive, AllowedIPs as in the file"
	mtu=$(values "$file" MTU)
	is "$(inside cat /sys/class/net/$vpn/mtu 2>/dev/null || inside ip -o link show $vpn | sed 's/.*mtu //; s/ .*//')" "${mtu:-1420}" "R59 $f: MTU"
	is "$(resolv | grep ^nameserver | sed 's/nameserver //')" "$(values "$file" DNS | only_addresses)" "R42 $f: its name servers"
	if grep -qE '^(0\.0\.0\.0|128\.0\.0\.0)/[01]$' <<<"$all"; then
		is "$(get "$RIG_WEB4")" demo "R34 $f: IPv4 goes through the VPN"
	else
		ok "R61 $f: no /0: the rest is unreachable at once" at_once "$RIG_WEB4"
	fi
	if [ $has6 ] && grep -qE '^::0?/[01]$' <<<"$all"; then
		is "$(get "$RIG_WEB6")" demo "R34 $f: IPv6 goes through the VPN"
	else
		ok "R60 $f: no IPv6 that leads there: unreachable at once" at_once "$RIG_WEB6_ADDR"
	fi
}
name=demo.vpn.rig.test:$RIG_PORT lit=$RIG_ENDPOINT4:$RIG_PORT
: >"$RIG_DIR/dns-clear.log"
: >"$RIG_DIR/dns-demo.log"
$RIG_CAPTURE start
for f in mullvad airvpn ivpn nordvpn ovpn-com mullvad-ks mullvad-mhop ivpn-ks-v4 pia proton-free proton-pf \
	split-tailnet hostile-hooks edge-crlf corp-2peers; do
	case $f in
	airvpn | ivpn | nordvpn | ovpn-com) check_fixture $f "$name" "$lit" ;;
	edge-crlf) check_fixture $f "[$RIG_ENDPOINT6]:$RIG_PORT" "[$RIG_ENDPOINT6]:$RIG_PORT" ;;
	*) check_fixture $f "$lit" "$lit" ;;
	esac
	case $f in
	mullvad)
		is "$(vpnctl check "$work/$f.conf" 2>/dev/null | grep -c .)" "$(vpnctl check "$confs/$f.conf" 2>/dev/null | grep -c .)" 'the substitution changes no line' ;;
	nordvpn)
		is "$(inside ip -6 -o addr show dev $vpn scope global | wc -l)" 0 'R60: ::/0 without an address: no IPv6 at all' ;;
	mullvad-ks)
		like "$(cat "$work/import.out")" '[Kk]ill.?switch|built in|not needed|redundant' 'R66: the kill-switch hooks are known as redundant' ;;
	hostile-hooks)
		like "$(cat "$work/import.out")" 'PreUp' 'R65: the hooks are listed'
		like "$(cat "$work/import.out")" 'PostDown' 'R65: all of them' ;;
	split-tailnet)
		ok 'R61: a hole in AllowedIPs is unreachable at once' at_once 100.100.100.100
		is "$(inside ip route show table "$(table)" dev $vpn | grep -c -v 'proto kernel.* src ')" "$(values "$work/$f.conf" AllowedIPs | grep -vc :)" 'R57: one route a prefix, no more' ;;
	edge-crlf)
		is "$(cut -d' ' -f1 <(inside wg show $vpn endpoints | cut -f2))" "[$RIG_ENDPOINT6]:$RIG_PORT" 'R63: an IPv6 endpoint carries an IPv4 tunnel' ;;
	corp-2peers)
		nsenter --net="$RIG_DIR/ns/demo" ip addr add 10.10.0.1/32 dev lo
		is "$(get 10.10.0.1)" demo 'R61: what AllowedIPs have is reached'
		is "$(inside wg show $vpn listen-port) $(inside wg show $vpn fwmark)" '51999 0xca6c' 'R64: ListenPort and FwMark'
		is "$(resolv | grep ^search)" 'search corp.example lab.corp.example' 'R67: search domains'
		like "$(cat "$work/import.out")" 'Table' 'R67: Table is reported'
		like "$(cat "$work/import.out")" 'SaveConfig' 'R67: so is SaveConfig'
		vpnctl down $vpn >/dev/null
		ok 'R67: SaveConfig writes nothing back' cmp "$work/$f.conf" /etc/vpnrun/$vpn.conf ;;
	esac
	forget $vpn
done
# Also left out: what the host answers to the far end's last packets for a tunnel that is gone.
is "$($RIG_CAPTURE list | grep -vE "^udp .* > $RIG_DNS_CLEAR port 53$|^protocol (1|58) .* > ($RIG_ENDPOINT4|$RIG_ENDPOINT6), byte [13]$")" '' \
	'L01: nothing of all that left by the uplink but the endpoint'"'"'s name'
$RIG_CAPTURE stop >/dev/null
is $used "$(find "$confs" -maxdepth 1 -name '*.conf' ! -name 'bad-*' ! -name 'amnezia*' | wc -l)" 'every valid fixture was brought up'
ok 'R65: no hook was run, at import, up or down' not test -e "$marker"
ok 'R62: the endpoint was asked of the host'"'"'s own name server' grep -q demo.vpn.rig.test "$RIG_DIR/dns-clear.log"
ok 'R62: and not of the VPN'"'"'s' not grep -q demo.vpn.rig.test "$RIG_DIR/dns-demo.log"

# --- those that cannot work ----------------------------------------------------------------------

snapshot() { find /etc/vpnrun /run/vpnrun /run/netns /etc/netns /run/wireguard ! -name '*.lock' ! -name '*.health.new' -printf '%p %M %s\n' 2>/dev/null | sort; ip -o link; ip rule; ip route; }
before=$(snapshot)
for f in bad-key bad-noaddr bad-nopeer bad-nopriv bad-port amnezia-like; do
	import "$confs/$f.conf" $vpn
	like "$? $(cat "$work/import.out")" "^1 [^ ]*$f\.conf:[0-9]+: [A-Za-z0-9]+" "R68 $f: import refuses, with file, line and key"
	install -m 600 "$confs/$f.conf" /etc/vpnrun/$vpn.conf
	echo '{ "id": 5, "config": "/etc/vpnrun/v.conf" }' >/etc/vpnrun/$vpn.json
	out=$(vpnctl up $vpn 2>&1)
	like "$? $out" "^1 .*/etc/vpnrun/$vpn\.conf:[0-9]+: [A-Za-z0-9]+" "R68 $f: so does up"
	rm /etc/vpnrun/$vpn.*
done
is "$(diff <(echo "$before") <(snapshot))" '' 'R68: and nothing has changed on the system'

take mullvad
sed -i "s,^Endpoint.*,Endpoint = nowhere.rig.test:51820," "$work/mullvad.conf"
import "$work/mullvad.conf" $vpn
with=$(snapshot)
out=$(vpnctl up $vpn 2>&1)
like "$? $(wc -l <<<"$out") $out" '^1 1 vpnctl: .*resolve.*nowhere.rig.test' 'R62: an endpoint of no address: one sentence'
echo 'nameserver 203.0.113.54' >"$work/resolv" # nobody listens there
mount --bind "$work/resolv" /etc/resolv.conf
if [ -z "${RIG_SLOW:-}" ]; then
	(sleep 1.5; umount /etc/resolv.conf) &
	sed -i "s,^Endpoint.*,Endpoint = $name," /etc/vpnrun/$vpn.conf
	out=$(vpnctl up $vpn 2>&1)
	is $? 0 'R62: a name server that comes back within seconds is waited for'
	like "$out" "vpnctl: asking 203\.0\.113\.54 for the address of ${name%:*} \.\.\." 'R79: meanwhile up says which server it asks, and for what'
	wait
	vpnctl down $vpn >/dev/null
	sed -i "s,^Endpoint.*,Endpoint = nowhere.rig.test:51820," /etc/vpnrun/$vpn.conf
else
	umount /etc/resolv.conf
fi
is "$(diff <(echo "$with") <(snapshot))" '' 'R62: nothing is left of it'

take mullvad
import "$work/mullvad.conf" $vpn
with=$(snapshot)
chmod 644 /etc/vpnrun/$vpn.conf
out=$(vpnctl up $vpn 2>&1)
like "$? $out" '^1 .*chmod 600' 'R26: a key that everybody can read: up refuses'
chmod 600 /etc/vpnrun/$vpn.conf
is "$(diff <(echo "$with") <(snapshot))" '' 'R26: nothing is left of it'

# --- ids, allow ----------------------------------------------------------------------------------

id=$(sed -n 's/.*"id": \([0-9]*\).*/\1/p' /etc/vpnrun/$vpn.json)
out=$(vpnctl import "$work/mullvad.conf" --name w --id "$id" 2>&1)
like "$? $out" "^1 .*id $id .*'$vpn'" 'R01: import with an id that is taken: refused, its owner named'
install -m 600 "$work/mullvad.conf" /etc/vpnrun/w.conf
echo "{ \"id\": $id, \"config\": \"/etc/vpnrun/w.conf\" }" >/etc/vpnrun/w.json
for n in $vpn w; do
	out=$(vpnctl up $n 2>&1)
	like "$? $out" "^1 .*id.*$id" "R01: two files with one id: up of $n refused"
done
rm /etc/vpnrun/w.*
ok 'import --up' import "$work/mullvad.conf" $vpn --up
is "$(get "$RIG_WEB4")" demo 'import --up: it works'
allowed() { # allowed JSON USER...: these may, and the others may not
	local u may
	printf '{ "id": %u, "config": "/etc/vpnrun/%s.conf", "layout": "%s", "allow": %s }\n' "$id" $vpn "$RIG_LAYOUT" "$1" >/etc/vpnrun/$vpn.json
	vpnctl up $vpn >/dev/null || return 1
	for u in user stranger; do
		may=no
		[[ " $2 " != *" $u "* ]] || may=yes
		if "as_$u" vpnrun $vpn true >/dev/null 2>&1; then [ $may = yes ]; else [ $may = no ]; fi ||
			{ echo "as_$u: wanted $may"; return 1; }
	done
}
ok 'allow: a user by name' allowed "{ \"users\": [\"$RIG_STRANGER\"] }" stranger
ok 'allow: a user by number' allowed "{ \"users\": [\"$RIG_UID\"] }" user
ok 'allow: a group' allowed '{ "groups": ["vpnrun"] }' user
ok 'allow: everyone' allowed '"everyone"' 'user stranger'
ok 'allow: nobody' allowed '{ "users": [] }' ''
forget $vpn

# --- MTU -----------------------------------------------------------------------------------------

mtu_of() { inside ip -o link show $vpn | sed 's/.* mtu //; s/ .*//'; }
take mullvad
big() { [ "$(inside curl -s -m 20 "http://$1/big?1000000" | wc -c)" = 1000000 ]; }
ip link set "$RIG_UPLINK" mtu 1400
nsenter --net="$RIG_DIR/ns/router" ip link set host mtu 1400
import "$work/mullvad.conf" $vpn --up
is "$(mtu_of)" 1320 'R59: an uplink of 1400 gives 1320'
ok 'R59: 1 MB comes through, IPv4' big "$RIG_WEB4"
ok 'R59: 1 MB comes through, IPv6' big "$RIG_WEB6"
sed -i '/^Address/a MTU = 1500' /etc/vpnrun/$vpn.conf
like "$(vpnctl up $vpn 2>&1 >/dev/null)" 'MTU = 1500.*1320' 'R59: more than the way carries: clamped, and said'
is "$(mtu_of)" 1320 'R59: to 1320'
ip link set "$RIG_UPLINK" mtu 1300
like "$(vpnctl up $vpn 2>&1 >/dev/null)" '1280|1360' 'R59: too small a way for IPv6: said'
is "$(mtu_of)" 1280 'R59: IPv6 keeps its 1280'
is "$(get "$RIG_WEB6")" demo 'R59: and works'
ip link set "$RIG_UPLINK" mtu 1500
nsenter --net="$RIG_DIR/ns/router" ip link set host mtu 1500
forget $vpn

# --- many prefixes, few families -----------------------------------------------------------------

prefixes() { # prefixes N: N of them, no two alike, both families
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) if (i % 4 == 3) printf "AllowedIPs = 2001:db8:%x:%x::/64\n", 4096 + i / 65536, i % 65536
		else printf "AllowedIPs = 11.%d.%d.0/24\n", i / 256, i % 256 }'
}
many() { # many N: up with N prefixes more, all of them in the tunnel and in the routes
	local n=$1
	{ cat "$work/mullvad.conf"; prefixes "$n"; } >"$work/many.conf"
	import "$work/many.conf" $vpn --up || { cat "$work/import.out"; return 1; }
	[ "$(inside wg show $vpn allowed-ips | tr ' \t' '\n\n' | grep -cE '^[0-9a-f.:]+/[0-9]+$')" = $((n + 2)) ] || { echo 'AllowedIPs differ'; return 1; }
	[ "$(inside ip route show table "$(table)" dev $vpn | grep -c '^11\.')" = "$(prefixes "$n" | grep -c ' 11\.')" ] || { echo 'routes differ'; return 1; }
	[ "$(get "$RIG_WEB4")" = demo ]
}
ok 'R64: 400 AllowedIPs, over several messages' many 400
forget $vpn
ok 'R64: 5000 AllowedIPs' many 5000
ok 'R13: up of it when up' vpnctl up $vpn
forget $vpn

take mullvad
sed -i -e 's/^Address.*/Address = fc00:bbbb:bbbb:bb01::4:5820\/128/' -e 's/^DNS.*/DNS = fd64:64::1/' "$work/mullvad.conf"
import "$work/mullvad.conf" $vpn --up
is "$(get "$RIG_WEB6")" demo 'R63: an IPv4 endpoint carries a tunnel of IPv6 alone'
ok 'R60: where IPv4 is unreachable at once' at_once "$RIG_WEB4"
is "$(as_user vpnrun --help >/dev/null && as_user vpnrun $vpn curl -s -m 10 "http://$RIG_WEB6/")" demo 'R63: also from a sandbox'
forget $vpn

# --- two at once, and addresses that meet ---------------------------------------------------------

take proton-free demo client "$lit"
take proton-pf other client "$RIG_OTHER_ENDPOINT4:$RIG_PORT"
import "$work/proton-free.conf" free --up
import "$work/proton-pf.conf" pf --up
if [ "$RIG_LAYOUT" = bridge ]; then
	like "$(cat "$work/import.out")" "the host has the tunnel's address 10\.2\.0\.2/32 already, on free" \
		'R73: two files with one address: of this layout only one, the other refused'
	is "$(vpn=free get "$RIG_WEB4")" demo 'R73: which works on'
	vpnctl down pf >/dev/null
	sed -i 's/"layout": "bridge"/"layout": "netns"/' /etc/vpnrun/pf.json
	ok 'R73: the other in a namespace of its own' vpnctl up pf
	RIG_LAYOUT=netns
fi
is "$(values "$work/proton-free.conf" Address) $(values "$work/proton-pf.conf" Address | head -n 1)" '10.2.0.2/32 10.2.0.2/32' 'R73: two files with one address'
is "$(RIG_LAYOUT=$first vpn=free get "$RIG_WEB4") $(vpn=pf get "$RIG_WEB4")" 'demo other' 'R73: run side by side'
is "$(as_user vpnrun free curl -s -m 10 "http://$RIG_WEB4/") $(as_user vpnrun pf curl -s -m 10 "http://$RIG_WEB4/")" 'demo other' 'R73: also from sandboxes'
forget free
is "$(vpn=pf get "$RIG_WEB4")" other 'R73: the end of one is no matter to the other'
forget pf
RIG_LAYOUT=$first

take mullvad
import "$work/mullvad.conf" $vpn --id 1
sed -i 's,^AllowedIPs.*,AllowedIPs = 0.0.0.0/0\, 10.20.0.0/16,' /etc/vpnrun/$vpn.conf
out=$(vpnctl up $vpn 2>&1)
like "$? $out" '^1 .*10\.20\.0\.0/16.*10\.20\.1\.0/24.*subnet' 'R51: AllowedIPs over the sandboxes'"'"' subnet: refused, both named'
sed -i 's,"id",    "subnet": "10.99.0.0/22"\, "id",' /etc/vpnrun/$vpn.json
ok 'R51: with another "subnet": up' vpnctl up $vpn
[ "$RIG_LAYOUT" = bridge ] || is "$(inside ip neigh show nud permanent dev br-$vpn | grep -c '^10\.99\.')" 1021 'a /22 has all its neighbours'
is "$(as_user vpnrun $vpn curl -s -m 10 "http://$RIG_WEB4/")" demo 'a sandbox of it works'
like "$(as_user vpnrun $vpn ip -4 -o addr show vpn0)" '10\.99\.[0-3]\.[0-9]+/22' 'with an address of it'
forget $vpn
import "$work/mullvad.conf" $vpn --id 1
ip addr add 10.20.5.9/16 dev "$RIG_UPLINK"
out=$(vpnctl up $vpn 2>&1)
like "$? $out" "^1 .*10\.20\.0\.0/16 dev $RIG_UPLINK.*subnet" 'R51: a LAN over the sandboxes'"'"' subnet: refused, the route named'
sed -i 's,"id",    "subnet": "172.31.7.0/24"\, "id",' /etc/vpnrun/$vpn.json
ok 'R51: with another "subnet": up' vpnctl up $vpn
is "$(as_user vpnrun $vpn curl -s -m 10 "http://$RIG_WEB4/")" demo 'R51: and it works'
ip addr del 10.20.5.9/16 dev "$RIG_UPLINK"
forget $vpn
ok 'R65: no hook was run in all that' not test -e "$marker"
finish
