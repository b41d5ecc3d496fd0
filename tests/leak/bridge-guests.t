#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# The bridge layout: what a bridge is for. A virtual machine's tap, systemd-nspawn and an ordinary
# user's firejail take br-demo, reach the VPN, and nothing of theirs leaves by another way. Inside
# the rig, whatever its own layout is.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/leak/bridge.sh
. "$RIG_DIR/tests/leak/bridge.sh"
probe=$RIG_DIR/build/tests/net/probe
jobs=() flows=()
to_bridge
vpnctl up demo >/dev/null
# The firewall of the bridge believes nobody who claims an address with which a cable has spoken lately, and the looks
# whether anything gets through are by a cable.
for _ in 1 2 3; do vpnctl status demo >/dev/null; done
is "$(nft list set bridge vpnrun-demo spoken | grep -o '10\.20\.[0-9.]*')" 10.20.1.254 \
	'R20: the looks of up and status take one address, always the same, from who is plugged in next'
in_ns demo "$probe" serve :: 7007 demo >/dev/null &
jobs+=($!)
in_ns internet "$probe" serve :: 7007 clear >/dev/null &
jobs+=($!)
as_user sh -c 'mkdir "$HOME/flow"'
dir=$(as_user sh -c 'echo "$HOME/flow"')
word() { cut -d' ' -f2 "$dir/$1"; }
sent() { cut -d' ' -f1 "$dir/$1"; }
more() { [ "$(sent "$1")" -gt "$2" ]; }
all_say() { local f; for f in "${flows[@]}"; do [ "$(word "$f")" = "$1" ] || return; done; }
a_few() { # datagrams of each flow
	local f jobs=()
	for f in "${flows[@]}"; do
		wait_for 20 more "$f" $(($(sent "$f") + 4)) &
		jobs+=($!)
	done
	wait "${jobs[@]}"
}

# --- a virtual machine ---------------------------------------------------------------------------

# The program is the machine's network card: frames go between its tap and the machine's own system,
# which is a namespace.
mkdir -p /etc/netns/machine
echo "nameserver $RIG_DNS_DEMO" >/etc/netns/machine/resolv.conf
ip netns add machine
in_machine() { ip netns exec machine "$@"; }
exec {tun}<>/dev/net/tun # a tap is of the namespace where it was opened
# shellcheck disable=SC2016
exec {said}< <(exec ip netns exec machine perl -e '
	open my $card, "+<&=", $ARGV[0] or die; open my $inside, "+<", "/dev/net/tun" or die;
	my @end = ($card, $inside);
	for (0, 1) { ioctl $end[$_], 0x400454ca, pack "a16 S x22", ("tap0", "eth0")[$_], 0x1002 or die "tap: $!" }
	syswrite STDOUT, "ready\n";
	for (;;) {
		my $want = "";
		vec($want, fileno $_, 1) = 1 for @end;
		select $want, undef, undef, undef;
		for (0, 1) {
			vec($want, fileno $end[$_], 1) && sysread $end[$_], my $frame, 65536 or next;
			syswrite $end[1 - $_], $frame;
		}
	}' "$tun")
jobs+=($!)
exec {tun}>&-
read -r -t 20 ready <&"$said"
is "$ready" ready 'a program has a tap'
ip link set tap0 master br-demo up
ip -n machine link set lo up
settle machine eth0 10.20.1 fd76:706e:7275:1::1 203
mac=$(cat /sys/class/net/br-demo/address)
is "$(in_machine curl -s -m 12 "http://$RIG_WEB4/")" demo 'R20: a virtual machine on a tap reaches the VPN, IPv4'
is "$(in_machine curl -s -m 12 "http://$RIG_WEB6/")" demo 'R20: by IPv6'
is "$(in_machine curl -s -m 12 "http://$RIG_NAME/")" demo 'R20: by name'
is "$(in_machine curl -s -m 12 "http://$RIG_WEB4/ip" "http://$RIG_WEB6/ip" | xargs)" '10.64.0.2 fd64:64::2' \
	"R20: with the VPN's address"
like "$(in_machine ip neigh show 10.20.1.1)" "lladdr $mac" 'R20: its ARP was answered'
like "$(in_machine ip neigh show fd76:706e:7275:1::1)" "lladdr $mac" 'R20: and its neighbour discovery'
for f in 4 6; do
	[ $f = 4 ] && a=$RIG_WEB4 || a=$RIG_WEB6_ADDR
	in_machine "$probe" flow "$a" 7007 "$dir/machine$f" &
	jobs+=($!)
	flows+=("machine$f")
done

# --- systemd-nspawn ------------------------------------------------------------------------------

# The machine's own /usr, read-only, and nothing else of it.
nspawn() { # nspawn COMMANDS: by a shell, in a container on the bridge
	exec systemd-nspawn -q --pipe --register=no --keep-unit --volatile=yes -D / --network-bridge=br-demo \
		--bind="$RIG_DIR/build" --bind="$dir" sh -c "
			ip link set host0 up
			ip addr add 10.20.1.204/24 dev host0
			ip addr add fd76:706e:7275:1::1:204/64 dev host0 nodad
			ip route add default via 10.20.1.1
			ip route add default via fd76:706e:7275:1::1
			$1" </dev/null
}
if command -v systemd-nspawn >/dev/null; then
	# Where systemd is not the machine's, nspawn asks in vain which control groups it has.
	export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
	is "$(nspawn "curl -s -m 12 http://$RIG_WEB4/ http://$RIG_WEB6/" 2>"$RIG_DIR/nspawn.err" | xargs)" 'demo demo' \
		'R20: systemd-nspawn --network-bridge=br-demo reaches the VPN'
	diag "$(cat "$RIG_DIR/nspawn.err")"
	(nspawn "exec $probe flow $RIG_WEB4 7007 $dir/nspawn") 2>/dev/null &
	jobs+=($!)
	flows+=(nspawn)
else
	skip 'systemd-nspawn is not installed' 'R20: systemd-nspawn --network-bridge=br-demo reaches the VPN'
fi

# --- firejail ------------------------------------------------------------------------------------

# It takes itself to be in a sandbox where it sees no kernel thread: it is shown one. Debian keeps
# bridges from ordinary users until root says otherwise.
firejail_() { # firejail_ H COMMAND...
	# Each another address: firejail takes none that is answered for, and one that ends answers on.
	local h=$1
	shift
	# shellcheck disable=SC2016
	exec unshare -m sh -c 'mount --bind "$1" /proc/1/comm && shift && exec "$@"' - "$RIG_DIR/kthreadd" \
		as_user firejail --quiet --noprofile --net=br-demo --ip="10.20.1.$h" --dns="$RIG_DNS_DEMO" "$@"
}
if command -v firejail >/dev/null; then
	echo kthreadd >"$RIG_DIR/kthreadd"
	echo 'restricted-network no' >>/etc/firejail/firejail.config
	# Its search for neighbours asks select(2) for a time below zero, often on a busy machine, and it gives up.
	for h in {206..215}; do
		word=$(firejail_ $h curl -s -m 12 "http://$RIG_NAME/" 2>"$RIG_DIR/fj")
		grep -q arp_check "$RIG_DIR/fj" || break
	done
	is "$word" demo 'R20: firejail --net=br-demo --dns=… of an ordinary user reaches the VPN, by name'
	diag "$(cat "$RIG_DIR/fj")"
	is "$(grep -c "$RIG_NAME" "$RIG_DIR/dns-clear.log")" 0 'R20: no name was asked in the clear'
	begun() { [ -s "$dir/firejail" ] || ended "$pid"; }
	for firejail_at in 205 {216..224}; do
		(firejail_ $firejail_at "$probe" flow "$RIG_WEB4" 7007 "$dir/firejail") &
		pid=$!
		wait_for 20 begun
		[ ! -s "$dir/firejail" ] || break
	done
	jobs+=("$pid")
	flows+=(firejail)
else
	skip 'firejail is not installed' 'R20: firejail --net=br-demo reaches the VPN'
fi

# --- nothing of theirs leaves by another way -----------------------------------------------------

ok "R20: a flow of each goes through the VPN: ${flows[*]}" wait_for 20 all_say demo
[ "$RIG_WG" != go ] || freeze demo
$RIG_CAPTURE start
ip link delete demo
a_few
is "$($RIG_CAPTURE stop)" 0 'L01 R21: the tunnel deleted under them: nothing left by the uplink'
no_tables demo
ip route flush table 1
ip -6 route flush table 1
$RIG_CAPTURE start
a_few
is "$($RIG_CAPTURE stop)" 0 'L03 R21: the firewall and the routes, too: nothing left'
$RIG_CAPTURE start
no_rules 1
a_few
ok 'control: and the rules: they are seen to leave' test "$($RIG_CAPTURE stop)" -gt 0
$RIG_CAPTURE list >"$RIG_DIR/list"
for f in "${flows[@]}"; do
	case $f in
	machine4) a=10.20.1.203 ;;
	machine6) a=fd76:706e:7275:1::1:203 ;;
	nspawn) a=10.20.1.204 ;;
	firejail) a=10.20.1.$firejail_at ;;
	esac
	ok "control: $f is" grep -q "^udp $a " "$RIG_DIR/list"
done
[ "$RIG_WG" != go ] || thaw demo
vpnctl up demo >/dev/null
ok 'R76: up: the same flows go through the VPN' wait_for 20 all_say demo

kill "${jobs[@]}"
wait "${jobs[@]}" 2>/dev/null
ip netns delete machine
ok 'the bridge is free again' wait_for 20 free br-demo
is "$(vpnctl down demo)" 'demo is down' 'down'
finish
