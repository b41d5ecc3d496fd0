#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# All that a VPN consists of, object by object, from the lists themselves: taken away or altered,
# `status` names it and `up` puts it back, and no packet has left meanwhile. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

breakages=$RIG_DIR/build/tests/net/breakages
here() { if [ "$RIG_LAYOUT" = netns ]; then in_vpn demo "$@"; else "$@"; fi; }
out="$RIG_DIR/status.out"

# looks WHAT: status is degraded, says so by its exit status, and has a sentence that begins so.
looks() {
	vpnctl status demo --json >"$out" && return 1
	grep -q '"state": "degraded"' "$out" && grep -qF "\"$1" "$out"
}
mends() { "${mend[@]}" >"$RIG_DIR/mend.out" 2>&1 && vpnctl status demo >"$out"; }
keeper() { [ ! -e /run/vpnrun/demo.supervisor ] || kill "-$1" "$(cat /run/vpnrun/demo.supervisor)"; }

# try WHAT COMMAND: in ${where[@]}. Nothing is printed unless it fails.
try() {
	tried=$((tried + 1))
	keeper STOP
	case $1 in
	'the file'* | 'the network namespace'*) sh -c "$2" ;;
	*) "${where[@]}" sh -c "$2" ;;
	esac >"$RIG_DIR/break.out" 2>&1 || unbroken+=("$2: $(cat "$RIG_DIR/break.out")")
	looks "$1" || unseen+=("$2: $(sed -n 's/^ *"\(why\|state\)": //p' "$out" | tr '\n' ' ')")
	keeper CONT
	mends || unmended+=("$2: $(cat "$RIG_DIR/mend.out" "$out" | tail -n 3 | tr '\n' ' ')")
}

# Of a table: all of it, asleep, each chain emptied where there is something in it, each rule.
try_table() {
	local family=$1 table=$2 name="the firewall's table $1 $2" chain rule n
	try "$name" "nft delete table $family $table"
	try "$name" "nft add table $family $table '{ flags dormant; }'"
	# A handle is another's after each mending: by its place.
	n=$("${where[@]}" nft -a list table "$family" "$table" | grep -c ' # handle ')
	for ((rule = 1; rule <= n; rule++)); do
		chain=$("${where[@]}" nft -a list table "$family" "$table" | awk -v n="$rule" '
			/^\tchain / { chain = $2 }
			/^\t(set|map|counter) / { chain = "" }
			/ # handle / { if (++i == n) { if (/^\t\t/ && chain) print chain, $NF; exit } }')
		[ -z "$chain" ] || try "$name" "nft delete rule $family $table ${chain% *} handle ${chain#* }"
	done
	try "$name" "nft add chain $family $table another; nft add rule $family $table another accept"
}

# walk NAME [only]: the whole list of that name but for the namespace that all else is in; or only that.
walk() {
	local what how
	tried=0 unbroken=() unseen=() unmended=()
	"$breakages" "$1" | sort -u | sed "/\tip netns delete /${2+!}d" >"$RIG_DIR/breakages"
	while IFS=$'\t' read -r what how <&3; do
		# shellcheck disable=SC2086 # a family and a table
		if [ "$what" = nft ]; then try_table $how; else try "$what" "$how"; fi
	done 3<"$RIG_DIR/breakages"
	is "$(printf '%s\n' "${unbroken[@]}")" '' "$1: each of $tried could be broken"
	is "$(printf '%s\n' "${unseen[@]}")" '' "L03 L62 R70: $1: status is degraded and names each"
	is "$(printf '%s\n' "${unmended[@]}")" '' "R76: $1: each is put back by ${mend[*]}"
}

ok 'R70: whole, before' vpnctl status demo
# Somebody who sends all the time, both families, and stays plugged in.
as_user vpnrun demo bash -c "while :; do for a in $RIG_WEB4 $RIG_WEB6_ADDR; do echo x >/dev/udp/\$a/7007; done 2>/dev/null
	sleep 0.1; done" &
sender=$!
plugged() { vpnctl status demo | grep -q 'vr1\..*bash'; }
ok 'somebody is inside' wait_for 10 plugged
$RIG_CAPTURE start
where=(here) mend=(vpnctl up demo)
walk demo
ok 'who was inside is plugged in still' plugged
[ "$RIG_LAYOUT" != netns ] || walk demo only
is "$($RIG_CAPTURE stop)" 0 'L03: not one packet has left by the uplink meanwhile'
kill $sender

ok 'the machine: its default' vpnctl default --no-ip demo
$RIG_CAPTURE start
where=() mend=(vpnctl default --no-ip demo)
walk default
$RIG_CAPTURE stop >/dev/null
is "$($RIG_CAPTURE list | grep -cF -e '10.64.' -e '10.20.' -e 'fd64:' -e 'fd76:')" 0 "L03: none of the VPN's addresses has left meanwhile"
finish
