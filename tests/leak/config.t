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
	Endpoint = [$RIG_ENDPOINT6]:4242
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
	"$(printf '%s\n' "$RIG_ENDPOINT4:$RIG_PORT" "[$RIG_ENDPOINT6]:4242" '(none)' | sort)" 'R63 R64: endpoints of both families, and none'

ok 'up once more' vpnctl up demo
ok 'R13: changes nothing' test "$(allowed "$third") $(wg_demo show demo listen-port)" = "$(many 78 "$n") 41414"
is "$(wg_demo show demo peers | wc -l)" 3 'R13: nor doubles a peer'

cp -p "$RIG_DIR/demo.conf.orig" /etc/vpnrun/demo.conf
ok 'up after the file has changed' vpnctl up demo
is "$(wg_demo show demo peers)" "$(key PublicKey)" 'has the peers of the file and no others'
is "$(wg_demo show demo fwmark)" 0x2711 'and the mark is the VPN'"'"'s own again'
is "$(get_by demo "http://$RIG_WEB4/" "${RIG_PATIENCE:-5}")" demo 'and carries'
finish
