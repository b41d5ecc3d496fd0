#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything that a wg-quick file may say arrives at the device, whatever stands behind it, however
# much it is. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

wg_demo() { if [ -S /run/wireguard/demo.sock ]; then wg "$@"; else in_vpn demo wg "$@"; fi; }
key() { sed -n "s/^$1 = //p" "$RIG_DIR/demo.conf.orig"; }
allowed() { # allowed PUBLIC-KEY: one a line, sorted
	wg_demo show demo allowed-ips | awk -v k="$1" '$1 == k { for (i = 2; i <= NF; i++) print $i }' | sort
}
many() { # many A N: N prefixes 10.A.x.y/32, and as many of IPv6
	awk -v a="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) {
		printf "10.%d.%d.%d/32\n", a, i / 256, i % 256; printf "2001:db8:%x::%x/128\n", a, i + 1 } }' | sort
}

vpnctl down demo >/dev/null
cp /etc/vpnrun/demo.conf "$RIG_DIR/demo.conf.orig"
n=${RIG_SLOW:+100}
n=${n:-600}
# wireguard-go takes endpoints of one family alone: see userspace.t.
second_at=$RIG_ENDPOINT4:4242
[ "${RIG_WG:-}" != kernel ] || second_at=[$RIG_ENDPOINT6]:4242
second=$(wg genkey | wg pubkey) third=$(wg genkey | wg pubkey) psk=$(wg genpsk)
(
	umask 077
	cat >/etc/vpnrun/demo.conf <<-X
	[Interface]
	PrivateKey = $(key PrivateKey)
	Address = 10.64.0.2/32, fd64:64::2/128
	ListenPort = 41414
	FwMark = 0x2a
	[Peer]
	PublicKey = $(key PublicKey)
	Endpoint = $RIG_ENDPOINT4:$RIG_PORT
	AllowedIPs = 0.0.0.0/0, ::/0
	PersistentKeepalive = 25
	[Peer]
	PublicKey = $second
	PresharedKey = $psk
	Endpoint = $second_at
	AllowedIPs = $(many 77 "$n" | paste -sd, | sed 's/,/, /g')
	[Peer]
	PublicKey = $third
	AllowedIPs = $(many 78 "$n" | paste -sd, | sed 's/,/, /g')
	PersistentKeepalive = off
	X
)
ok "R64: up with three peers and $((4 * n + 2)) AllowedIPs" vpnctl up demo
is "$(wg_demo show demo peers | sort)" "$(printf '%s\n' "$(key PublicKey)" "$second" "$third" | sort)" 'R64: the three peers'
is "$(allowed "$(key PublicKey)")" "$(printf '0.0.0.0/0\n::/0\n' | sort)" "R64: the first's AllowedIPs"
ok "R64: the second's" test "$(allowed "$second")" = "$(many 77 "$n")"
ok "R64: the third's" test "$(allowed "$third")" = "$(many 78 "$n")"
is "$(wg_demo show demo preshared-keys | awk -v k="$second" -v p="$psk" '$1 == k { print ($2 == p) }')" 1 'R64: the preshared key'
is "$(wg_demo show demo preshared-keys | grep -c none)" 2 'R64: and none where none is'
is "$(wg_demo show demo persistent-keepalive | cut -f2 | sort | xargs)" '25 off off' 'R64: keepalive, absent and off'
is "$(wg_demo show demo listen-port) $(wg_demo show demo fwmark)" '41414 0x2a' 'R64: port and mark'
is "$(wg_demo show demo endpoints | cut -f2 | sort)" \
	"$(printf '%s\n' "$RIG_ENDPOINT4:$RIG_PORT" "$second_at" '(none)' | sort)" 'R63 R64: the endpoints, and none'

ok 'up once more' vpnctl up demo
ok 'R13: changes nothing' test "$(allowed "$third") $(wg_demo show demo listen-port)" = "$(many 78 "$n") 41414"
is "$(wg_demo show demo peers | wc -l)" 3 'R13: nor doubles a peer'

cp -p "$RIG_DIR/demo.conf.orig" /etc/vpnrun/demo.conf
ok 'up after the file has changed' vpnctl up demo
is "$(wg_demo show demo peers)" "$(key PublicKey)" 'has the peers of the file and no others'
is "$(wg_demo show demo fwmark)" 0x2711 'and the mark is the VPN'"'"'s own again'
is "$(get_by demo "http://$RIG_WEB4/" "${RIG_PATIENCE:-5}")" demo 'and carries'

# --- files that are none -------------------------------------------------------------------------

# A FIFO is waited for without an end, and with it whoever waits for the lock: whatever stands where a file should,
# it is refused with a sentence, and the others go on.
odd=$RIG_DIR/odd
mkdir -p "$odd/dir"
mkfifo "$odd/fifo"
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un($ARGV[0])) or die' "$odd/socket"
ln -s /dev/zero "$odd/device"
no_file='is a (FIFO|directory|socket|device), not a file'
bad=''
refused() { # refused WHAT COMMAND...
	local out rc
	out=$(timeout 10 "${@:2}" 2>&1 </dev/null)
	rc=$?
	[[ $rc = 1 && $out =~ $no_file ]] || bad="$bad; $1: $rc $out"
}
policy=$RIG_DIR/odd/policy.json
echo '{ "defaultAction": "SCMP_ACT_ALLOW" }' >"$policy"
profile() { # profile JSON: of the VPN "gg"
	echo "{ \"id\": 77, $1 }" >/etc/vpnrun/gg.json
}
# The others are listed and brought up all the same.
gg() { # gg WHAT
	local out
	out=$(timeout 10 vpnctl list 2>&1) || bad="$bad; $1: list: $?"
	[[ $out = *demo* ]] || bad="$bad; $1: list: $out"
	[[ $(timeout 10 vpnctl status 2>&1) =~ $no_file ]] || bad="$bad; $1: status"
	timeout 20 vpnctl up demo >/dev/null 2>&1 || bad="$bad; $1: up of another"
	refused "$1: up" vpnctl up gg
	refused "$1: check" vpnctl check /etc/vpnrun/gg.json
}
for k in fifo dir socket device; do
	refused "$k: check" vpnctl check "$odd/$k"
	# A directory is one of files.
	[ $k = dir ] || refused "$k: import" vpnctl import "$odd/$k" --name odd
	refused "$k: policy check" vpnctl policy check "$odd/$k"
	refused "$k: policy install" vpnctl policy install --name odd "$odd/$k"
	refused "$k: --caps" vpnctl policy check --caps "$odd/$k" "$policy"
	ln -sfn "$odd/$k" /etc/vpnrun/gg.json
	gg "$k: JSON"
	rm /etc/vpnrun/gg.json
	profile "\"config\": \"$odd/$k\""
	gg "$k: config"
	profile "\"private_key_file\": \"$odd/$k\", \"endpoint\": \"192.0.2.1:1\", \"public_key\": \"$(key PublicKey)\", \"addresses\": [\"10.9.0.2/32\"]"
	gg "$k: key"
done
rm /etc/vpnrun/gg.json
is "$bad" '' 'L62 R68: a FIFO, directory, socket or device in the place of any file: refused with a sentence, no other VPN waits'
ok 'L62: a pipe where one is meant: <(...)' timeout 10 bash -c 'vpnctl check <(cat /etc/vpnrun/demo.conf)'
ok 'L62: /dev/stdin' timeout 10 sh -c 'cat /etc/vpnrun/demo.conf | vpnctl check /dev/stdin'
ok 'L62: -' timeout 10 sh -c 'cat /etc/vpnrun/demo.conf | vpnctl check -'
ok 'L62: a policy' timeout 10 bash -c 'vpnctl policy check <(cat "$1")' - "$policy"
if [ "$RIG_WG" = go ]; then
	# A "config" may be a file that a user may write: it must not hold up the supervisor either.
	mv /etc/vpnrun/demo.conf "$odd/demo.conf"
	mkfifo /etc/vpnrun/demo.conf
	kill -9 "$(pgrep -f 'wireguard-go -f demo')"
	ok 'L62: the supervisor says so, and does not wait' wait_for 10 grep -q 'is a FIFO, not a file' /run/vpnrun/demo.log
	mv -f "$odd/demo.conf" /etc/vpnrun/demo.conf
	ok 'L62: and goes on when it is a file again' wait_for 20 vpnctl status demo
fi

# --- parse all, then act -------------------------------------------------------------------------

# Whatever is wrong with the last argument is said before anything is done for the first.
look() { echo "$(cat /run/vpnrun/demo.supervisor 2>/dev/null) $(stat -c %Y.%i /run/vpnrun/demo) $(ip rule | md5sum) $(md5sum </etc/resolv.conf) $(find /run/vpnrun "$HOME/.local" -mindepth 1 -newer "$odd/then" ! -name '*.lock' ! -name '*.health*' 2>/dev/null)"; }
touch "$odd/then"
bad=''
untouched() { # COMMAND...
	local before out rc
	before=$(look)
	out=$(timeout 20 vpnctl "$@" 2>&1)
	rc=$?
	[[ $rc = [12] && -n $out ]] && [ "$(look)" = "$before" ] || bad="$bad; $*: $rc $out"
}
untouched up demo --force
untouched up demo nosuch
untouched restart demo --x
untouched restart demo nosuch
untouched down demo --nosuch
untouched down --force demo nosuch
for u in GARBAGE 'ftp://x/' 'http://' 'https:///x' 'http://a b/'; do untouched default --url "$u" demo; done
untouched default --no-ip demo other
untouched default --no-ip nosuch
untouched wrap sh --vpn nosuch
untouched wrap sh --vpn demo --policy nosuch
untouched wrap sh --vpn demo --x
untouched kick demo --uid 0 --x
untouched publish demo 8080:80 --x
untouched leak-test demo --x
untouched import "$odd/nosuch.conf" --up --x
is "$bad" '' 'L62: what is wrong in a command is said, and nothing was done'

# Another program's tunnel with a VPN's key: to the server the two are one.
install -m 600 "$RIG_DIR/demo.conf.orig" /etc/vpnrun/demo.conf
vpnctl down --force demo >/dev/null 2>&1
unlike() { not grep -qE "$2" <<<"$1"; }
ok 'control: nobody has the key beside it' unlike "$(vpnctl up --no-wait demo 2>&1)" 'private key'
vpnctl down demo >/dev/null
said() { wg show wgother private-key; }
if [ "$RIG_WG" = kernel ]; then
	ip link add wgother type wireguard
else
	wireguard-go wgother >/dev/null 2>&1
	wait_for 10 said
fi
umask 077
key PrivateKey >"$RIG_DIR/key"
wg set wgother private-key "$RIG_DIR/key"
is "$(said)" "$(cat "$RIG_DIR/key")" 'control: a device that is not of a VPN has the key'
up=$(vpnctl up --no-wait demo 2>&1)
like "$up" "note: the device wgother, which is not vpnrun's, has the same private key: to a server the two are one" 'R83: up says so'
import=$(vpnctl import --name twin "$RIG_DIR/demo.conf.orig" 2>&1)
like "$import" "the device wgother, which is not vpnrun's, has the same private key" 'R83: and so does import'
ok 'R26: none of them prints the key' unlike "$up$import" "$(cut -c1-20 "$RIG_DIR/key")"
ok 'R83: another key is no twin' unlike "$(vpnctl up --no-wait other 2>&1)" wgother
wg genkey >"$RIG_DIR/key"
wg set wgother private-key "$RIG_DIR/key"
vpnctl down demo >/dev/null
ok 'R83: nor is a device that has another by now' unlike "$(vpnctl up --no-wait demo 2>&1)" wgother
ip link delete wgother
rm "$RIG_DIR/key"
finish
