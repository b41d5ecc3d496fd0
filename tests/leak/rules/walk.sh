# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2317
# What the tests that take rules out of the kernel share: sandboxes, the packets of a file, and the walk. Sourced after
# tests/lib.sh. Whose rules they are is in "vpn", "tables" and "places"; as_was and forget are theirs.
rules=$RIG_DIR/tests/leak/rules
home=$(as_user sh -c 'echo $HOME')
vpn=demo layers=$rules/layers
part=${PART:-$((RANDOM % 12))}
declare -A ns=([lan]=$RIG_DIR/ns/lan [far]=$RIG_DIR/ns/demo [host]=/proc/$$/ns/net)
sleepers=()

sandbox() { # sandbox NAME [OPTION...]: one that waits
	local name=$1
	shift
	as_user sh -c "exec vpnrun $* $vpn sh -c 'echo \$\$ >$home/$name; exec sleep 3600'" &
	sleepers+=($!)
	wait_for 20 test -s "$home/$name"
	wait_for 20 sh -c "grep -q sleep /proc/\$(cat $home/$name)/comm"
	ns[$name]=/proc/$(cat "$home/$name")/ns/net
}
container() # c, as an engine plugs it in; and whom it may reach behind the uplink
{
	ip netns add c
	ip link add c0 type veth peer name eth0 netns c
	ip addr add 10.99.0.1/24 dev c0
	ip link set c0 up
	ip -n c addr add 10.99.0.2/24 dev eth0
	ip -n c link set eth0 up
	ip -n c route add default via 10.99.0.1
	sysctl -qw net.ipv4.conf.c0.forwarding=1
	ns[c]=/run/netns/c ns[net]=$RIG_DIR/ns/internet ns[router]=$RIG_DIR/ns/router
}
of() { nsenter --net="${ns[$1]}" "${@:2}"; }
mac() { of "$1" ip -o link show "$2" | sed 's,.*ether ,,; s, .*,,'; }
ip4() { of "$1" ip -4 -o addr show "$2" | sed 's/.*inet //; s,/.*,,'; }
ip6() { of "$1" ip -6 -o addr show "$2" scope global | sed 's/.*inet6 //; s,/.*,,'; }

# Nobody is at home where a forged packet seems to come from: what the far side says to that is noise.
quiet() { # quiet NAME...
	local n
	for n; do
		of "$n" nft "add table inet quiet; add chain inet quiet out { type filter hook output priority 0; }
			add rule inet quiet out meta mark 0 icmp type destination-unreachable drop
			add rule inet quiet out meta mark 0 icmpv6 type destination-unreachable drop"
	done
}

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
keeper() { kill "-$1" "$(cat /run/vpnrun/$vpn.supervisor)"; }
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
			done <"$layers"
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
