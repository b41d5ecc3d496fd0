#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vm: no
# repair: off
# Each rule of the firewall, of the layout bridge and of the default, is taken out of the kernel: of
# the packets in rules/*.probes at least one goes another way than before. A rule that nothing misses
# alone stands in rules/layers with the rules that hold beside it: taken out together, it is missed.
# Runs inside the rig, whatever its own layout is. A twelfth of them in each run, which is printed;
# RULES=REGEX: those whose "TABLE FAMILY CHAIN RULE" matches.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
rules=$RIG_DIR/tests/leak/rules
home=$(as_user sh -c 'echo $HOME')

sandbox() { # sandbox NAME [OPTION...]: one that waits
	local name=$1
	shift
	as_user sh -c "exec vpnrun $* demo sh -c 'echo \$\$ >$home/$name; exec sleep 3600'" &
	sleepers+=($!)
	wait_for 20 test -s "$home/$name"
	wait_for 20 sh -c "grep -q sleep /proc/\$(cat $home/$name)/comm"
	ns[$name]=/proc/$(cat "$home/$name")/ns/net
}
of() { nsenter --net="${ns[$1]}" "${@:2}"; }
mac() { of "$1" ip -o link show "$2" | sed 's,.*ether ,,; s, .*,,'; }
ip4() { of "$1" ip -4 -o addr show "$2" | sed 's/.*inet //; s,/.*,,'; }
ip6() { of "$1" ip -6 -o addr show "$2" scope global | sed 's/.*inet6 //; s,/.*,,'; }

# --- places --------------------------------------------------------------------------------------

declare -A ns=([lan]=$RIG_DIR/ns/lan [far]=$RIG_DIR/ns/demo [host]=/proc/$$/ns/net)
sleepers=()
part=${PART:-$((RANDOM % 12))}
to_bridge
with "\"allow_lan\": [\"$RIG_LAN/32\", \"$RIG_LAN6_ADDR/128\"], \"allow_host\": [\"9999/tcp\"], \"expose\": [\"9999/udp\"], \"allow_expose\": [\"9000-9999\"], " >/dev/null
sandbox s1 -e 9998:9999/udp -e 9998:9999
sandbox s2
plug g1 200
plug g2 201
ns[g1]=/run/netns/g1 ns[g2]=/run/netns/g2
# Refusals are rationed by the machine, and where it filters bridged frames as if they were routed,
# clients by hand do not see each other.
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv6.icmp.ratelimit=0
sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 2>/dev/null
# Nobody is at home where a forged packet seems to come from: what the far side says to that is noise.
quiet() { # quiet NAME...
	local n
	for n; do
		of "$n" nft "add table inet quiet; add chain inet quiet out { type filter hook output priority 0; }
			add rule inet quiet out meta mark 0 icmp type destination-unreachable drop
			add rule inet quiet out meta mark 0 icmpv6 type destination-unreachable drop"
	done
}
quiet s1 s2 g1 g2 far lan
for p in s1:vpn0 s2:vpn0 g1:eth0 g2:eth0 lan:eth0 host:uplink0; do
	n=${p%:*} d=${p#*:}
	export "${n^^}_M=$(mac "$n" "$d")" "${n^^}_4=$(ip4 "$n" "$d")" "${n^^}_6=$(ip6 "$n" "$d")"
done
GW=$(cat /sys/class/net/br-demo/address)
export GW GW4=10.20.1.1 GW6=fd76:706e:7275:1::1 FAR4=$RIG_WEB4 FAR6=$RIG_WEB6_ADDR TUN4=10.64.0.2 TUN6=fd64:64::2
export LAN4=$RIG_LAN LAN6=$RIG_LAN6_ADDR HOST4=$RIG_HOST4 HOST6=$RIG_HOST6 UP_M=$HOST_M
# The provider may send what it likes. What carries it keeps to the cable: some wireguard-go take the route of the
# machine's own network for that as well, and what they send comes back to them for ever.
in_ns demo ip rule add fwmark 2 lookup 100
in_ns demo ip route add default via 198.51.100.254 dev eth0 table 100
in_ns -m demo wg set far fwmark 2
in_ns -m demo wg set far peer "$(cat "$RIG_DIR/keys/demo/client.pub")" \
	allowed-ips "10.64.0.2/32,fd64:64::2/128,10.20.1.0/24,fd76:706e:7275:1::/64,192.168.77.0/24,2001:db8:77::/64"
for n in 10.20.1.0/24 fd76:706e:7275:1::/64 192.168.77.0/24 2001:db8:77::/64; do in_ns demo ip route add $n dev far; done

matrix() { # matrix PROBES: from now on `round` sends them
	{
		for p in "${places[@]}"; do
			read -r n rest <<<"$p"
			echo "place ${n%=*} ${ns[${n#*=}]} $rest"
		done
		echo "host host ${ns[host]}"
		for p in "${listeners[@]}"; do echo "listen ${ns[$p]}"; done
		envsubst <"$1"
	} >"$RIG_DIR/list"
	coproc MATRIX { exec "$RIG_DIR/build/tests/net/matrix" "$RIG_DIR/list"; }
}
round() { # all probes once, and where they arrived
	echo >&"${MATRIX[1]}"
	answer
}
answer() {
	local line
	while read -r -t 60 line <&"${MATRIX[0]}"; do
		[ "$line" != . ] || return 0
		echo "$line"
	done
}

# --- the walk ------------------------------------------------------------------------------------

# listed TABLE...: "FAMILY TABLE CHAIN HANDLE RULE" of each rule; TABLE is "FAMILY NAME".
listed() {
	local t
	for t; do
		nft -a list table ${t% *} "${t#* }" 2>/dev/null | awk -v t="$t" '
			/^\tchain / { chain = $2 }
			/^\t(set|map|counter) / { chain = "" }
			/^\t\t.* # handle / && chain && !/^\t\ttype / {
				h = $NF; sub(/ # handle .*/, ""); sub(/^\t+/, ""); print t, chain, h, $0 }'
	done
}
# deleted REGEX: all rules, but for the one that is looked at, whose "FAMILY CHAIN RULE" matches
deleted() {
	local family table chain handle rule n=1
	while read -r family table chain handle rule; do
		[[ "$family $chain $rule" =~ $1 && "$family $chain $rule" != "$what" ]] || continue
		nft delete rule "$family" "$table" "$chain" handle "$handle" && n=0
	done < <(listed "${tables[@]}")
	return $n
}
differs() { # differs FILE: a round is not as the base; what is, in FILE
	round >"$RIG_DIR/now"
	diff "$RIG_DIR/base" "$RIG_DIR/now" | grep '^[<>]' >"$1"
}

# holds_beside REGEX: the rule that is gone already is missed where those are gone, too; so it is
# the difference between two rounds without those.
holds_beside() {
	mend
	keeper STOP
	case $1 in
	sh:*) eval "${1#sh:}" ;;
	*) deleted "$1" ;;
	esac || return
	mv "$RIG_DIR/base" "$RIG_DIR/whole"
	round >"$RIG_DIR/base"
	forget
	nft delete rule "$family" "$table" "$chain" handle "$(handle_of "$what")"
	differs "$RIG_DIR/diff"
	set -- $?
	mv "$RIG_DIR/whole" "$RIG_DIR/base"
	[ -z "${SHOW:-}" ] || diag "$what, the others gone: $(tr '\n' ' ' <"$RIG_DIR/diff" | head -c 300)"
	return "$1"
}
handle_of() { # handle_of "FAMILY CHAIN RULE"
	local family table chain handle rule
	while read -r family table chain handle rule; do
		[ "$family $chain $rule" != "$1" ] || echo "$handle"
	done < <(listed "${tables[@]}") | head -n 1
}

# It puts back what is missing, and refills what it knows.
keeper() { kill "-$1" "$(cat /run/vpnrun/demo.supervisor)"; }
mend() {
	keeper CONT
	as_was >/dev/null
	forget
	wait_for 20 settled
	forget
}
# missed: twice, for a packet may be late; but who has the address is not asked again at once.
missed() { differs "$RIG_DIR/diff" && { grep -q '[?]' "$RIG_DIR/diff" || differs "$RIG_DIR/diff"; }; }
settled() { ! differs "$RIG_DIR/diff"; }

walk() {
	local n=0 i family table chain handle rule what with why
	unseen=() stale=() explained=0
	[ -n "${RULES:-}" ] || diag "part $part of 12: each twelfth rule from there (PART=$part)"
	mapfile -t all < <(listed "${tables[@]}")
	for ((i = 0; i < ${#all[@]}; i++)); do
		# A handle is another's after each mending: by its place.
		read -r family table chain handle rule < <(listed "${tables[@]}" | sed -n "$((i + 1))p")
		what="$family $chain $rule"
		if [ -n "${RULES:-}" ]; then
			[[ "$table $what" =~ $RULES ]] || continue
		else
			[ $((i % 12)) = "$part" ] || continue
		fi
		n=$((n + 1))
		keeper STOP
		nft delete rule "$family" "$table" "$chain" handle "$handle"
		if missed; then
			[ -z "${SHOW:-}" ] || diag "$what: $(tr '\n' ' ' <"$RIG_DIR/diff" | head -c 300)"
		else
			with='' why=''
			while IFS=$'\t' read -r one with why; do
				[[ $one != '#'* && -n $why && $what =~ $one ]] && break
				why=''
			done <"$rules/layers"
			if [ -z "$why" ]; then
				unseen+=("$what")
				[ -z "${SHOW:-}" ] || diag "UNSEEN $what"
			elif [ "$with" = - ] || holds_beside "$with"; then
				explained=$((explained + 1))
			else
				stale+=("$what: nor without $with")
			fi
		fi
		mend
	done
	is "$(printf '%s\n' "${unseen[@]}")" '' "L03 L18 L19 L24: $1: of $n rules each is missed by a packet, or stands among the layers ($explained)"
	is "$(printf '%s\n' "${stale[@]}")" '' "$1: with the other layers gone each of these is missed"
}

begin() { # begin PROBES WHAT: sends them, and leaves in "base" how they go
	matrix "$1"
	answer >"$RIG_DIR/wanted"
	cp "$RIG_DIR/wanted" "$RIG_DIR/base"
	wait_for 20 settled
	forget
	round >"$RIG_DIR/base"
	[ -z "${SHOW:-}" ] || diag "$(cat "$RIG_DIR/base")"
	is "$(diff "$RIG_DIR/wanted" "$RIG_DIR/base" | grep '^[<>]')" '' \
		"L01 L18 L19 L21 L23 L24: $2: each of $(grep -c '^probe' "$1") packets goes where it should, and nowhere else"
}

# NAME[=NAMESPACE] DEVICE
places=('s1 vpn0' 's2 vpn0' 'g1 eth0' 'g2 eth0' 'far far' 'lan eth0' 'br=host br-demo' "port=host vr1.${S1_4##*.} mute" "up=host $RIG_UPLINK out")
listeners=(s1 s2 g1 g2 far lan)
tables=('inet vpnrun-demo' 'bridge vpnrun-demo' 'arp vpnrun-demo' 'netdev vpnrun-demo' 'netdev vpnrun-demo/guard')
as_was() { vpnctl up --no-wait demo; }
# What a forged frame has taught anybody; and neighbours are asked for anew.
forget() {
	ip link set br-demo type bridge fdb_flush
	ip neigh flush dev br-demo
}
begin "$rules/bridge.probes" 'a VPN of the layout "bridge"'
walk 'a VPN of the layout "bridge"'
kill "${sleepers[@]}"
unplug g1 g2
kill "$MATRIX_PID"
wait

# --- the machine's default -----------------------------------------------------------------------

vpnctl down --force demo >/dev/null
sed -i 's/"layout": "bridge"/"layout": "netns"/' "$RIG_DIR/demo.json"
with '' >/dev/null
ok 'the default' vpnctl default --strict --no-ip demo
ip netns add c
ip link add c0 type veth peer name eth0 netns c
ip addr add 10.99.0.1/24 dev c0
ip link set c0 up
ip -n c addr add 10.99.0.2/24 dev eth0
ip -n c link set eth0 up
sysctl -qw net.ipv4.conf.c0.forwarding=1 net.ipv4.conf.uplink0.forwarding=1
ns[c]=/run/netns/c ns[net]=$RIG_DIR/ns/internet ns[router]=$RIG_DIR/ns/router
ip -n c route add default via 10.99.0.1
quiet c net
V4=$(ip -4 -o addr show vh-demo | sed 's/.*inet //; s,/.*,,') V6=$(ip -6 -o addr show vh-demo scope global | sed 's/.*inet6 //; s,/.*,,')
C_GW=$(cat /sys/class/net/c0/address) NET_GW=$(mac router inet)
export V4 V6 C_GW NET_GW C_4=10.99.0.2 DNS4=$RIG_DNS_DEMO
places=('far far' 'lan eth0' 'c eth0' 'net router' "up=host $RIG_UPLINK out")
listeners=(far lan c net)
tables=('inet vpnrun-default-demo' 'arp vpnrun-default-demo')
as_was() { vpnctl default --strict --no-ip demo; }
forget() { ip neigh flush dev "$RIG_UPLINK"; } # it would ask again and again for who is not there
begin "$rules/default.probes" 'the default'
walk 'the default'
[ -z "${MATRIX_PID:-}" ] || kill "$MATRIX_PID"
finish
