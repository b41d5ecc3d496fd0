#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout on a host that has tables, rules, addresses and firewalls of its own: none of them
# is lost, and none of them is in the way without a word. Runs inside the rig, whatever its layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"

to_bridge

# --- the host's own table, rules and addresses ---------------------------------------------------

# An address of IPv6 has its route in the table "local" a moment later, by a worker of the kernel's.
routed() {
	local routes
	routes=$(ip -6 -o route show table local)
	ip -6 -o addr | awk '{ sub("/.*", "", $4); print $4 }' | while read -r a; do [[ $routes == *"local $a "* ]] || exit 1; done
}
# All that `up` could touch.
all() {
	wait_for 10 routed
	ip -o rule
	ip -6 -o rule
	ip -o route show table all | sed 's/ linkdown//'
	ip -6 -o route show table all | sed 's/ expires [0-9]*sec//; s/ linkdown//'
	ip -o link | cut -d: -f2
	ip -o addr | sed 's/ *valid_lft.*//'
	nft list tables
	find /run/vpnrun ! -name '*.lock' ! -name '*.log' ! -name '*.health.new' | sort
}
taken() { # taken DESCRIPTION PATTERN UNDO COMMAND...: what the host has is kept, and `up` refused
	local what=$1 pattern=$2 undo=$3 before
	shift 3
	ok "$what" "$@"
	before=$(all)
	like "$(vpnctl up demo 2>&1)" "cannot bring up demo: .*$pattern" "L62 R93: refused: $what"
	is "$(diff <(echo "$before") <(all))" '' 'L62: and nothing was touched'
	vpnctl down demo >/dev/null
	is "$(diff <(echo "$before") <(all))" '' 'L62: nor lost by a down'
	eval "$undo"
}
taken 'a default route in its table' 'table 1 has routes of somebody else \(ip route show table 1\).*"id"' \
	'ip route flush table 1' ip route add default via 192.168.77.1 table 1
taken 'another, of the kernel'"'"'s protocol as a VRF has it' 'table 1 has routes of somebody else' \
	'ip route flush table 1' ip route add 192.0.2.0/24 dev "$RIG_UPLINK" table 1 proto kernel
taken 'a route of IPv6' 'ip -6 route show table 1' \
	'ip -6 route delete unreachable default table 1 metric 4294967295' ip -6 route add unreachable default table 1 metric 4294967295
taken 'a rule that leads to its table, which is empty' 'rule 1000 of somebody else leads to the table 1 \(ip rule\)' \
	'ip rule delete pref 1000' ip rule add from 192.0.2.7 lookup 1 pref 1000
taken 'a rule of IPv6' 'rule 1000 .*ip -6 rule' \
	'ip -6 rule delete pref 1000' ip -6 rule add from 2001:db8::7 lookup 1 pref 1000
taken 'its gateway'"'"'s address' 'the host has the address 10\.20\.1\.1, on lo.*"subnet"' \
	'ip addr delete 10.20.1.1/32 dev lo' ip addr add 10.20.1.1/32 dev lo
taken 'a route to an address of IPv6 among the sandboxes'"'" 'fd76:706e:7275:1::9/128 dev lo overlaps.*"id"' \
	'ip addr delete fd76:706e:7275:1::9/128 dev lo' ip addr add fd76:706e:7275:1::9/128 dev lo nodad
taken 'the tunnel'"'"'s address' '10\.64\.0\.2/32 already, on lo' \
	'ip addr delete 10.64.0.2/32 dev lo' ip addr add 10.64.0.2/32 dev lo
vpnctl up demo other >/dev/null
ip route add default via 192.168.77.1 dev "$RIG_UPLINK" table 1 metric 7
before=$(all)
like "$(vpnctl up demo 2>&1)" 'table 1 has routes of somebody else' 'L62: one that came while the VPN is up: the next up is refused'
is "$(diff <(echo "$before") <(all)); $(as_user vpnrun demo curl -s -m 12 "http://$RIG_WEB4/")" '; demo' 'and touches nothing: the VPN works'
wait_for 20 free br-demo
vpnctl down demo >/dev/null
is "$(ip route show table 1)" "default via 192.168.77.1 dev $RIG_UPLINK metric 7 " 'L62: a down leaves it'
ip route flush table 1
vpnctl up demo >/dev/null

# --- the LAN asks for addresses --------------------------------------------------------------------

# ARP alone: packets for such an address are dropped by the firewall already.
lan_dev=$(in_ns lan ip -o route get "$RIG_HOST4" | sed 's/.* dev \([^ ]*\) .*/\1/')
told() { # told ADDRESS...: those of which the LAN learns whose they are; it asks for all at once
	local a
	for a in "$@"; do
		in_ns lan ip route replace "$a" dev "$lan_dev"
		in_ns lan ping -c 1 -W 1 "$a" >/dev/null &
	done
	wait
	for a in "$@"; do
		in_ns lan ip neigh show "$a" dev "$lan_dev" | grep -q lladdr && echo "$a"
		in_ns lan ip neigh flush to "$a" dev "$lan_dev" nud all
		in_ns lan ip route delete "$a" dev "$lan_dev"
	done
}
addresses='10.64.0.2 10.20.1.1 fd64:64::2 fd76:706e:7275:1::1'
nft delete table arp vpnrun-demo
# shellcheck disable=SC2086
is "$(told $addresses)" $'10.64.0.2\n10.20.1.1' 'control: a host answers for the addresses of the tunnel and the bridge (MLLVD-CR-24-03)'
vpnctl up demo >/dev/null
# shellcheck disable=SC2086
is "$(told $addresses)" '' 'L62: it does not, for neither family'
is "$(told "$RIG_HOST4" "$RIG_HOST6")" "$RIG_HOST4"$'\n'"$RIG_HOST6" 'control: for its own it does'
vpnctl default --no-ip demo >/dev/null
# shellcheck disable=SC2086
is "$(told $addresses)" '' 'L62: nor with the VPN as the default'
vpnctl default --no-ip none >/dev/null
# --- ports that somebody takes out of the bridge ---------------------------------------------------

as_user vpnrun demo sh -c 'while :; do curl -s -m 2 "http://$RIG_WEB4/" >"$HOME/word.new"; mv "$HOME/word.new" "$HOME/word"; sleep 0.1; done' &
word=$(dirname "$RIG_DIR")/home/$RIG_USER/word
says() { [ "$(cat "$word")" = "$1" ]; }
wait_for 20 says demo
port=$(ip -o link show group "$RIG_UID" | sed 's/^[0-9]*: \(vr1\.[0-9]*\)@.*/\1/')
master() { ip -o link show "$port" | grep -o 'master [^ ]*'; }
freeze demo
$RIG_CAPTURE start
ip link set "$port" nomaster
ok 'control: a port that systemd-networkd takes out of the bridge: who is inside hangs' wait_for 20 says ''
is "$($RIG_CAPTURE stop)" 0 'and nothing leaves'
like "$(vpnctl status demo)" "degraded: somebody took 1 of its ports out of br-demo, ${port//./\\.} first" 'L62 R93: status says so'
vpnctl up demo >/dev/null &
up=$!
ok 'L62: up puts it back' wait_for 20 master
thaw demo
wait "$up"
ok 'L62: and it works again' wait_for 20 says demo
ip link set "$port" nomaster
ok 'L62: so does the keeper, by itself' wait_for 20 master
ok 'L62: and it works again' wait_for 20 says demo
like "$(cat /run/vpnrun/demo.log)" "1 ports had been taken out of br-demo, ${port//./\\.} first" 'L62: the journal says so'
like "$(vpnctl status demo)" 'demo *1\*? *up' 'status: up'
kill %1

# --- firewalls of others that forbid to forward ----------------------------------------------------

refused() { as_user vpnrun demo curl -s -m 2 "http://$1/"; }
forbid() { # forbid DESCRIPTION FAMILY TABLE CHAIN WEB RULESET: is seen, named, and mended as it says
	local what=$1 family=$2 table=$3 chain=$4 web=$5 said rule
	nft "$6"
	is "$(refused "$web")" '' "control: $what: programs inside hang"
	said=$(vpnctl up demo 2>&1)
	like "$said" "note: no IPv[46] gets from br-demo into the tunnel: the chain $chain of the table $family $table .*; to let it through: nft insert rule" "L62: $what: up names it"
	like "$(echo "$said" | tail -n 1)" '^demo is up: ' 'L62: and is up'
	like "$(vpnctl status demo)" "degraded: no IPv[46] gets from br-demo into the tunnel: the chain $chain of" "L62: $what: so does status"
	like "$(vpnctl leak-test demo 2>&1)" "no IPv[46] gets from br-demo into the tunnel: the chain $chain of" "L62: $what: so does leak-test"
	said=${said%%$'\n'*}
	while IFS= read -r rule; do eval "$rule"; done < <(echo "${said#*let it through: }" | sed 's/; /\n/g')
	is "$(as_user vpnrun demo curl -s -m 12 "http://$web/")" demo "L62: $what: the two rules that it says mend it"
	like "$(vpnctl up demo 2>&1; vpnctl status demo)" 'demo is up.*demo *1\*? *up' "L62: $what: and nobody complains any more"
	nft delete table "$family" "$table"
}
forbid 'Docker, ufw by iptables' ip filter FORWARD "$RIG_WEB4" \
	'table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; iifname "docker0" accept; }; }'
forbid 'the same of IPv6' ip6 filter FORWARD "$RIG_WEB6" \
	'table ip6 filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }'
forbid 'Arch'"'"'s nftables.conf' inet filter forward "$RIG_WEB4" \
	'table inet filter { chain forward { type filter hook forward priority filter; policy drop; }; chain input { type filter hook input priority filter; policy accept; }; }'
forbid 'firewalld, which rejects at the end' inet firewalld filter_FORWARD "$RIG_WEB4" \
	'table inet firewalld { chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept; ct state established,related accept; iifname "lo" accept; reject with icmpx admin-prohibited; }; }'
is "$(ip -o link | grep -c 'vr1\.')" 0 'no cable of a look is left'
# By systemd, too, whose units restrict the kinds of sockets.
nft 'table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; }; }'
like "$(strace -f -qq -e trace=socket -o "$RIG_DIR/sockets" vpnctl up demo 2>&1)" 'note: no IPv4 gets from br-demo into the tunnel' 'control: up has looked'
for unit in vpnrun vpnrun-keeper; do
	sed -n 's/^RestrictAddressFamilies=//p' "$RIG_TREE/contrib/systemd/$unit@.service.in" | tr ' ' '\n' >"$RIG_DIR/families"
	is "$(grep -o 'socket(AF_[A-Z0-9]*' "$RIG_DIR/sockets" | sed 's/.*(//' | sort -u | grep -vxFf "$RIG_DIR/families")" '' \
		"L62: and asks for no kind of socket that $unit@.service forbids"
done
nft delete table ip filter
ip rule add pref 100 lookup 77
ip route add default via 192.168.77.1 table 77
like "$(vpnctl status demo)" 'degraded: no IPv4 gets from br-demo into the tunnel: .*routing rule before its own \(ip rule\)' 'L62: a rule of somebody else that leads away: status says so'
ip rule delete pref 100
ip route flush table 77
like "$(vpnctl status demo)" 'demo *1\*? *up' 'status: up'

finish
