#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vpnctl default`: the whole machine's traffic by a VPN, both families and names; the LAN stays direct;
# whatever goes wrong nothing goes in the clear; and all is put back to the byte. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

# All that a default could change.
# shellcheck disable=SC2016
snapshot() {
	ip -o rule
	ip -6 -o rule
	ip -o route show table all
	ip -6 -o route show table all | sed 's/ expires [0-9]*sec//'
	ip -o link | grep -v ': \(demo\|br-demo\|other\|br-other\|vr[0-9.]*\)[@:]'
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'
	grep -rs . /proc/sys/net --exclude-dir=stat --exclude='*_key' --exclude=random --exclude='nf_conntrack_count' |
		grep -vE 'stable_secret|/netfilter/|/nf_log/|/neigh/|/conf/(demo|other|br-demo|br-other)/' | sort
	stat -c '%F %i %a %u %g %h %N' /etc/resolv.conf
	cat /etc/resolv.conf
	find /run/vpnrun /etc ! -name '*.lock' ! -path '*/build/*' -newer "$RIG_DIR/mark" ! -type d | sort
}
get() { curl -s -m "${2:-5}" "http://$1/"; }
both() { echo "$(get "$RIG_WEB4" "${1:-5}") $(get "$RIG_WEB6" "${1:-5}")"; }
on() { vpnctl default --no-ip "$@"; }
off() { vpnctl default --no-ip none; }
same() { # same DESCRIPTION: as before the first default
	snapshot >"$RIG_DIR/after"
	is "$(diff "$RIG_DIR/before" "$RIG_DIR/after")" '' "$1"
}

get "$RIG_WEB4" >/dev/null
: >"$RIG_DIR/mark"
read -r -t 0.02 <> <(:) || :
snapshot >"$RIG_DIR/before"
is "$(both)" 'clear clear' 'control: without a default the machine goes in the clear'
$RIG_CAPTURE start
both >/dev/null
ok 'control: the capture sees it' test "$($RIG_CAPTURE stop)" -gt 0

# --- on and off ----------------------------------------------------------------------------------

like "$(on demo)" 'demo is the default' 'R11: default demo'
$RIG_CAPTURE start
is "$(both)" 'demo demo' 'R11 R14: all traffic goes by it, IPv4 and IPv6'
is "$(get "$RIG_NAME")" demo 'R19: and by name'
is "$(getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)" "$RIG_SIDE_DEMO" 'R19: the names are the VPN'"'"'s'
is "$($RIG_CAPTURE stop)" 0 'R17: only UDP to the endpoint leaves by the uplink'
is "$(get "$RIG_LAN") $(get "[$RIG_LAN6_ADDR]")" 'lan lan' 'R11: the LAN is reached directly'
is "$(as_user vpnrun other curl -s -m 5 "http://$RIG_WEB4/")" other 'R16: a program in the other VPN goes by that'
off
same 'R12: default none puts back rules, routes, firewall, sysctls and resolv.conf'
is "$(both)" 'clear clear' 'and traffic goes directly'
finish
