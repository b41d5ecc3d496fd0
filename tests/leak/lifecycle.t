#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `vpnctl up` and `down` themselves: they leave the host alone, may be repeated, may be killed or fail
# at any step, and leave either the VPN or nothing. Runs inside the rig, in either layout: where the
# host's namespace is used, its own devices, rules, tables and settings are to be as before, too.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
slow=${RIG_SLOW:+yes}
bridge=
[ "$RIG_LAYOUT" = netns ] || bridge=yes

# --- what the host shows -------------------------------------------------------------------------

# All that an up could change in the host's namespace; counters and ages are not state.
host_net() {
	ip -o link
	ip -o addr
	ip rule
	ip -6 rule
	ip route show table all
	ip -6 route show table all | sed 's/ expires [0-9]*sec//'
	nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//; / ct count over /d'
	cat /etc/resolv.conf /etc/nsswitch.conf
	grep -rs . /proc/sys/net --include='*' --exclude-dir=stat --exclude='*_key' \
		--exclude=random --exclude='nf_conntrack_count'
}
# And what lies about: namespaces, files, sockets, processes.
leftovers() {
	# A lock's file stays: removing it would let two hold "the" lock.
	find /run/netns /run/vpnrun /etc/netns /run/wireguard -mindepth 1 ! -name '*.lock' -printf '%p %M\n' 2>/dev/null | sort
	grep -E ' /run/netns/| /etc/netns/' /proc/self/mountinfo | cut -d' ' -f5 | sort
	ip -o link | cut -d: -f2
	processes | sort
	[ -z "$bridge" ] || host_net
}
processes() {
	grep -lazsE '^(vpnctl|wireguard-go|strace)$' /proc/[0-9]*/cmdline | while read -r c; do
		tr '\0' ' ' <"$c"
		echo
	done 2>/dev/null | grep -E '^(vpnctl|wireguard-go|strace) '
}
count_of() { processes | grep -c "$1"; }
is_clean() { [ "$(leftovers)" = "$clean" ]; }
why_unclean() { diff <(echo "$clean") <(leftovers) | grep '^[<>]'; }

# Who has no other way than the VPN: in its namespace, or a client of its bridge for as long as there is one.
if [ "$bridge" ]; then
	present() { ip link set client master br-demo 2>/dev/null; }
	inside() { ip netns exec client "$@"; }
	absent() { ip link set client nomaster; }
else
	present() { nsenter --net=/run/netns/demo true 2>/dev/null; }
	inside() { nsenter --net=/run/netns/demo "$@"; }
	absent() { :; }
fi
says() { curl -s -m 10 "http://$1/"; }
works() { [ "$(get_by demo "http://$RIG_WEB4/")" = demo ]; }
one_sentence() { [ "$(wc -l <<<"$1")" = 1 ] && [[ $1 =~ ^vpnctl:.*[a-z0-9.\)]$ ]]; }

# What the capture saw, without the host's answers to what the far end still sends to a tunnel that is
# gone: ICMP to the endpoint, about the tunnel's own encrypted packets.
leaked() {
	local n
	n=$($RIG_CAPTURE stop) || return 1
	$RIG_CAPTURE list >"$RIG_DIR/list"
	grep -vcE "^protocol (1|58) [^ ]+ > ($RIG_ENDPOINT4|$RIG_OTHER_ENDPOINT4|$RIG_ENDPOINT6|$RIG_OTHER_ENDPOINT6), byte [13]$" "$RIG_DIR/list"
	[ "$n" -le 64 ] || echo "more than the capture lists: $n"
}

# --- the host is left alone ----------------------------------------------------------------------

vpnctl down demo other >/dev/null
if [ "$bridge" ]; then
	# A container engine's firewall, a mesh VPN's rules, others' settings; and a client's cable.
	nft -f - <<-NFT
		table ip filter {
			chain DOCKER { }
			chain FORWARD { type filter hook forward priority filter; policy accept; jump DOCKER; }
		}
		table inet vpnrun { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; }
	NFT
	ip rule add pref 201 from 192.0.2.77 lookup 52
	for f in -4 -6; do ip $f rule add pref 5270 lookup 52; done
	ip route add 203.0.113.250 dev "$RIG_UPLINK" table 3
	# shellcheck source=tests/leak/bridge.sh
	. "$RIG_DIR/tests/leak/bridge.sh"
	# Both change one setting of the uplink, which is nobody's.
	sed -i "s|{ |{ \"allow_lan\": [\"$RIG_LAN\"], |" /etc/vpnrun/demo.json /etc/vpnrun/other.json
	ip netns add client
	ip link add client type veth peer name eth0 netns client
	ip link set client addrgenmode none
	ip link set client up
	ip -n client link set lo up
	settle client eth0 10.20.1 fd76:706e:7275:1::1 200
fi
is "$(count_of 'vpnctl supervise')" 0 'R36: down leaves no process behind'
clean=$(leftovers)
net=$(host_net)
other_way=$(says "$RIG_WEB4")

# The danger: the snapshot would see what wg-quick and its like do.
ip rule add pref 5000 fwmark 1 lookup 100
echo 1 >/proc/sys/net/ipv4/conf/lo/forwarding
ok 'control: a rule and a sysctl are seen in the snapshot' test "$(diff <(echo "$net") <(host_net) | grep -c '^>')" -ge 2
ip rule del pref 5000
echo 0 >/proc/sys/net/ipv4/conf/lo/forwarding

vpnctl up demo other >/dev/null
[ "$bridge" ] ||
	is "$(diff <(echo "$net") <(host_net))" '' 'R03: with two VPNs up the host has the same links, addresses, rules, routes, sysctls, nft, resolv.conf'
is "$(says "$RIG_WEB4")" "$other_way" 'R03: ordinary traffic goes as before'
if [ -z "$bridge" ]; then
is "$(ip netns list | cut -d' ' -f1 | grep -xE 'demo|other' | sort | xargs)" 'demo other' 'R32: several named namespaces, listed'
ok 'R33: the tunnel is not in the host'"'"'s namespace' not ip link show demo
ok 'R33: it is in the VPN'"'"'s' ip -n demo link show demo
is "$(ip netns exec demo curl -s -m 10 "http://$RIG_NAME/")" demo 'R34 R42: ip netns exec: routes and names of the VPN'
fi

record=$(od -An -tx1 /run/vpnrun/demo)
supervisors=2
[ "$RIG_WG" != kernel ] || supervisors=$(count_of 'vpnctl supervise')
ok 'R13: up when up: no error' vpnctl up demo
is "$(od -An -tx1 /run/vpnrun/demo)" "$record" 'R13: and nothing changed in its record'
one_each() { [ "$(count_of 'vpnctl supervise')" = "$supervisors" ]; }
ok 'R13: nor another supervisor' wait_for 5 one_each
ok 'R13: it works' works
is "$(vpnctl down demo)" 'demo is down' 'R37: down'
out=$(vpnctl down demo)
is "$? $out" '0 demo was not up' 'R13: down when down: no error'
[ "$bridge" ] || is "$(ip netns list | cut -d' ' -f1 | grep -x demo)" '' 'R32: the namespace is gone'
vpnctl down other >/dev/null
ok 'R37: all is gone' is_clean

# --- again and again -----------------------------------------------------------------------------

$RIG_CAPTURE start
rounds=$([ "$slow" ] && echo 4 || { [ "$bridge" ] && echo 6 || echo 20; }) # bridge-life.t: 20 of two VPNs
bad=0
for ((i = 0; i < rounds; i++)); do
	out=$(vpnctl up demo 2>&1 && vpnctl down demo 2>&1) || { bad=$((bad + 1)); diag "$out"; }
	is_clean || { bad=$((bad + 1)); why_unclean; }
done
is $bad 0 "R37: $rounds times up and down, clean each time"
is "$(diff <(echo "$net") <(host_net))" '' 'R37: and the host as it was'

# A program that tries without a pause, through the ends and beginnings of a VPN.
: >"$RIG_DIR/tries"
(
	trap 'exit 0' TERM
	while :; do
		present && inside timeout 2 "$probe" tcp "$RIG_WEB4" 80
		present && inside timeout 0.1 "$probe" udp "$RIG_WEB6_ADDR" 80
	done
) >"$RIG_DIR/tries" 2>/dev/null &
trier=$!
no_way='^(refused|unreachable)'
tried() { grep -cE "$1" "$RIG_DIR/tries"; }
tried_more() { [ "$(tried "$1")" -gt "$2" ]; }
for ((i = 0; i < rounds / 2; i++)); do
	n=$(tried '^demo')
	vpnctl up demo >/dev/null && works && wait_for 10 tried_more '^demo' "$n"
	if [ "$bridge" ]; then # while a client holds it, it is closed and stays
		n=$(tried "$no_way")
		vpnctl down demo >/dev/null
		wait_for 10 tried_more "$no_way" "$n"
	fi
	vpnctl down --force demo >/dev/null
done
kill $trier
wait $trier
absent
ok "L02: meanwhile a program inside got through" grep -q '^demo' "$RIG_DIR/tries"
ok 'L02: or was refused' grep -qE "$no_way" "$RIG_DIR/tries"
is "$(grep -c '^clear' "$RIG_DIR/tries")" 0 'L02: but never met the clear network'
is "$(leaked)" 0 'L02: nothing left by the uplink while it came and went'
vpnctl down --force demo >/dev/null
ok 'R37: all is gone' wait_for 5 is_clean

# --- killed at any step --------------------------------------------------------------------------

# strike SYSCALL N WHAT COMMAND...: with something done at the Nth call of SYSCALL; the exit status is the
# command's. strace follows no child: what it started goes on alone, as after a kill by anybody.
strike() {
	strace -qqq -o /dev/null -e "trace=$1" -e "inject=$1:$3:when=$2" -- "${@:4}" >"$RIG_DIR/strike.out" 2>&1
}
# After a kill: nothing can get out; then up repairs (odd) or down removes (even) what is left.
after_kill() { # after_kill WHAT N
	local out
	if present; then
		# It is the sending that matters: what is refused is refused at once, and UDP once a second.
		inside timeout 0.3 "$probe" tcp "$RIG_WEB4" 80 >>"$RIG_DIR/tries"
		inside timeout 0.1 "$probe" udp "$RIG_WEB4" 80 >>"$RIG_DIR/tries"
		absent
	fi
	if [ $(($2 % 2)) = 1 ]; then
		out=$(vpnctl up --no-wait demo 2>&1) || { diag "$1 $2: up: $out"; return 1; }
		works || { diag "$1 $2: up again, but it does not work"; return 1; }
	fi
	out=$(vpnctl down demo 2>&1) || { diag "$1 $2: down: $out"; return 1; }
	wait_for 5 is_clean || { diag "$1 $2: left behind:" "$(why_unclean)"; return 1; }
}
# killed SYSCALL MAX BEFORE COMMAND...: at its 1st, 2nd ... call, until it ends by itself
killed() {
	local sc=$1 max=$2 before=$3 n bad=0 step=1
	shift 3
	# Odd ones: after_kill takes turns.
	[ -z "$bridge" ] || case $sc in sendto | write) step=11 ;; unlink) step=3 ;; esac
	[ -z "$slow" ] || step=16
	for ((n = 1; n <= max; n += step)); do
		$before
		strike "$sc" $n signal=SIGKILL "$@"
		[ $? = 137 ] || break
		after_kill "$sc" $n || bad=$((bad + 1))
		[ $bad -lt 3 ] || break
	done
	vpnctl down demo >/dev/null 2>&1
	diag "$sc: $((n - 1)) places"
	[ "$n" -gt 1 ] || { diag "$sc: was never called"; return 1; }
	return $bad
}
nothing() { :; }
bring_up() { vpnctl up --no-wait demo >/dev/null; }

$RIG_CAPTURE start
: >"$RIG_DIR/tries"
calls='sendto write rename flock clone'
calls="$calls $([ "$bridge" ] && echo unlink || echo mount unshare mkdir fchmod)"
[ "$RIG_WG" = kernel ] || calls="$calls pidfd_send_signal"
# In a guest only what is said to its kernel differs.
[ -z "$slow" ] || calls='sendto clone'
for c in $calls; do
	ok "R36 R76: up killed at any $c: up repairs, down removes all" killed "$c" 200 nothing vpnctl up --no-wait demo
done
for c in sendto $([ "$slow" ] || echo write rename clone); do
	ok "R76: up of what is up killed at any $c" killed "$c" 20 bring_up vpnctl up --no-wait demo
done
calls="sendto unlink rename $([ "$bridge" ] && echo write || echo umount2 rmdir)"
[ "$RIG_WG" = kernel ] || calls="$calls pidfd_send_signal poll"
[ -z "$slow" ] || calls=sendto
for c in $calls; do
	ok "R36 R76: down killed at any $c: up repairs, down removes all" killed "$c" 100 bring_up vpnctl down demo
done
is "$(grep -c '^clear' "$RIG_DIR/tries")" 0 'L02: no program in what was left met the clear network'
is "$(leaked)" 0 'L02: nothing left by the uplink after any of these kills'

# --- failing at any step -------------------------------------------------------------------------

# failed SYSCALL ERROR MAX: where up fails it says so in one sentence and undoes everything.
failed() {
	local sc=$1 err=$2 max=$3 n bad=0 rc step=1 seen=0
	[ -z "$bridge" ] || case $sc in sendto | write) step=9 ;; socket | recvmsg) step=2 ;; esac
	[ -z "$slow" ] || step=16
	for ((n = 1; n <= max; n += step)); do
		strike "$sc" $n "error=$err" vpnctl up --no-wait demo
		rc=$?
		if [ $rc = 0 ]; then
			works || { diag "$sc $n: up, but does not work"; bad=$((bad + 1)); }
			vpnctl down demo >/dev/null 2>&1
			[ $seen -gt 3 ] && break
			seen=$((seen + 1))
		elif grep -q 'cannot write the output' "$RIG_DIR/strike.out"; then
			vpnctl down demo >/dev/null # all is done by then, and only its word is lost
		elif ! one_sentence "$(cat "$RIG_DIR/strike.out")"; then
			diag "$sc $n: status $rc:" "$(cat "$RIG_DIR/strike.out")"
			bad=$((bad + 1))
		fi
		wait_for 5 is_clean || {
			diag "$sc $n: left behind:" "$(why_unclean)"
			bad=$((bad + 1))
			vpnctl down demo >/dev/null 2>&1
		}
		[ $bad -lt 3 ] || break
	done
	diag "$sc: $((n - 1)) places"
	return $bad
}
$RIG_CAPTURE start
errors=('sendto EPERM 100' 'clone EAGAIN 3' 'pipe2 EMFILE 3' 'write ENOSPC 60' 'rename EROFS 6' 'socket EMFILE 12'
	'recvmsg ENOBUFS 12' 'bind EADDRINUSE 8')
[ "$bridge" ] || errors+=('mount EPERM 5' 'unshare ENOSPC 2')
[ -z "$slow" ] || errors=('sendto EPERM 100' 'socket EMFILE 12')
for c in "${errors[@]}"; do
	# shellcheck disable=SC2086
	ok "R36 R76: up failing at any ${c% *}: one sentence, all undone" failed $c
done
few() { # FIRST LAST: with so few descriptors
	local n bad=0
	for ((n = $1; n <= $2; n++)); do
		if prlimit --nofile="$n" vpnctl up --no-wait demo >"$RIG_DIR/strike.out" 2>&1; then
			works || { diag "$n: up, but does not work"; bad=$((bad + 1)); }
			vpnctl down demo >/dev/null
		elif ! one_sentence "$(cat "$RIG_DIR/strike.out")"; then
			diag "$n:" "$(cat "$RIG_DIR/strike.out")"
			bad=$((bad + 1))
		fi
		wait_for 5 is_clean || { diag "$n: left behind:" "$(why_unclean)"; bad=$((bad + 1)); vpnctl down demo; }
	done
	return $bad
}
[ "$slow" ] || ok 'R36 R76: up out of descriptors at any place: one sentence, all undone' few 5 16
is "$(leaked)" 0 'L02: nothing left by the uplink after any of these failures'
is "$(diff <(echo "$net") <(host_net))" '' 'R03: the host is as it was'

# --- several at once -----------------------------------------------------------------------------

bad=0
for i in 1 2 3 4 5; do
	jobs=()
	for v in demo demo other demo other; do
		vpnctl up $v >/dev/null 2>"$RIG_DIR/at-once.${#jobs[@]}" &
		jobs+=($!)
	done
	for j in "${!jobs[@]}"; do
		wait "${jobs[j]}" || { bad=$((bad + 1)); diag "round $i, up $j ended with $?: $(cat "$RIG_DIR/at-once.$j" /run/vpnrun/*.log)"; }
	done
	works || { bad=$((bad + 1)); diag "round $i: demo does not work" "$(vpnctl status demo)"; }
	[ "$RIG_WG" = kernel ] || [ "$(count_of 'vpnctl supervise')" = 2 ] ||
		{ bad=$((bad + 1)); diag "$(processes)"; }
	vpnctl down demo >/dev/null &
	out=$(vpnctl down demo other 2>&1) || { bad=$((bad + 1)); diag "round $i: $out"; }
	wait $!
	wait_for 5 is_clean || { bad=$((bad + 1)); diag "$(why_unclean)"; }
	[ -z "$slow" ] || break
	[ -z "$bridge" ] || [ $i != 3 ] || break
done
is $bad 0 'R13: five ups at once, of two VPNs, then downs at once'
for i in 1 2 3; do
	vpnctl up demo >/dev/null 2>&1 &
	vpnctl down demo >/dev/null 2>&1
	wait $!
done
ok 'R76: up against down: up repairs' vpnctl up demo
ok 'R76: and it works' works
vpnctl down demo >/dev/null
ok 'R37: all is gone' wait_for 5 is_clean

# --- leftovers -----------------------------------------------------------------------------------

# What is left in files is the same on every kernel, and the guest is slow.
if [ -z "$slow" ]; then
what=bridge
[ "$bridge" ] || what=namespace
[ "$bridge" ] || : >/run/netns/demo
ok 'R76: a stale file where the namespace belongs: up' vpnctl up demo
ok 'R76: works' works
cp /run/vpnrun/demo "$RIG_DIR/record"
vpnctl down demo >/dev/null
cp "$RIG_DIR/record" /run/vpnrun/demo
like "$(vpnctl status demo 2>&1)" 'degraded|down|stale|again' "a record without its $what: status does not say up"
ok "R76: a record without its $what: up" vpnctl up demo
ok 'R76: works' works
vpnctl down demo >/dev/null
cp "$RIG_DIR/record" /run/vpnrun/demo
ok "R76: a record without its $what: down" vpnctl down demo
ok 'R76: all is gone' wait_for 5 is_clean
vpnctl up demo >/dev/null
rm /run/vpnrun/demo
ok "R76: a $what without its record: up" vpnctl up demo
ok 'R76: works' works
rm /run/vpnrun/demo
ok "R76: a $what without its record: down" vpnctl down demo
ok 'R76: all is gone' wait_for 5 is_clean
vpnctl up demo >/dev/null
printf garbage >/run/vpnrun/demo
ok 'R76: a record of another version: up' vpnctl up demo
printf garbage >/run/vpnrun/demo
ok 'R76: a record of another version: down' vpnctl down demo
if [ "$bridge" ]; then
	# The record before had no last field: 256 bytes less, and it says so.
	former() { cp /run/vpnrun/demo /run/vpnrun/demo.undo; rm /run/vpnrun/demo.made; perl -e 'for my $f (@ARGV) { my $size = (-s $f) - 256; truncate $f, $size; open my $h, "+<", $f or die;
		seek $h, 4, 0; print $h pack "LL", 2, $size; }' /run/vpnrun/demo /run/vpnrun/demo.undo; }
	vpnctl up demo >/dev/null
	former
	ok 'R76: record and note are of the version before: up' vpnctl up demo
	former
	is "$(vpnctl down demo)" 'demo is down' 'R76: the same: down'
	ok 'and nothing is left of it' not ip link show br-demo
	ok 'nor of the note' not ls /run/vpnrun/demo.undo
fi
ok 'R76: all is gone' wait_for 5 is_clean
if [ "$bridge" ]; then
	# Beside the record there is a note of what is to be undone.
	for bad in 'rm -f' 'truncate -s 7'; do
		for c in up down; do
			vpnctl up demo >/dev/null
			$bad /run/vpnrun/demo.made
			ok "R76: $bad of the note: $c" vpnctl $c demo
			[ $c = down ] || ok 'R76: works' works
			vpnctl down demo >/dev/null
			ok 'R76: all is gone' wait_for 5 is_clean
		done
	done
fi
fi
[ -z "$bridge" ] || {
	absent
	ip netns delete client
	wait_for 5 not ip link show client
	finish
	exit
}

# --- names that are taken ------------------------------------------------------------------------

ip link add demo type veth peer name demo-peer
with=$(leftovers)
out=$(vpnctl up demo 2>&1)
like "$? $(one_sentence "$out" && echo "$out")" '^1 vpnctl: .*interface demo already' 'the host has an interface of that name: refused in one sentence'
is "$(leftovers)" "$with" 'and nothing changed'
ok 'the interface is still there' ip link show demo
ip link del demo
ip link add br-demo type bridge
ok 'a bridge of the same name in the host'"'"'s namespace is no matter' vpnctl up demo
ok 'it works' works
vpnctl down demo >/dev/null
ip link del br-demo

# Somebody else's namespace of that name, with a way out of its own.
ip netns add demo
ip link add way type veth peer name out netns demo
ip addr add 10.9.9.1/24 dev way
ip link set way up
ip -n demo addr add 10.9.9.2/24 dev out
ip -n demo link set out up
ip -n demo route add default via 10.9.9.1
$RIG_CAPTURE start
sysctl -qw net.ipv4.conf.way.forwarding=1 net.ipv4.conf.$RIG_UPLINK.forwarding=1
inside timeout 0.3 "$probe" udp "$RIG_WEB4" 80 >/dev/null
ok 'control: that namespace has a way around the VPN' test "$($RIG_CAPTURE stop)" -gt 0
sysctl -qw net.ipv4.conf.way.forwarding=0 net.ipv4.conf.$RIG_UPLINK.forwarding=0
out=$(vpnctl up demo 2>&1)
like "$? $out" '^1 vpnctl: .*out' 'L30: a namespace of that name with another way out: refused, the way named'
is "$(ip -n demo -o link | grep -c .)" 2 'and nothing was made in it'
is "$(vpnctl down demo)" 'demo was not up' 'down of it: not ours'
ok 'and it is still there' ip -n demo link show out
ip netns del demo
wait_for 5 not ip link show way
ip netns add demo
ip -n demo link add br-demo type veth peer name x
out=$(vpnctl up demo 2>&1)
like "$? $out" '^1 vpnctl: .*br-demo.*not a bridge' 'the bridge'"'"'s name taken in the namespace: refused'
ip netns del demo
ip netns add demo
ok 'an empty namespace of that name: used' vpnctl up demo
ok 'it works' works
vpnctl down demo >/dev/null
ok 'R37: all is gone' wait_for 5 is_clean

# --- names that are too long ---------------------------------------------------------------------

cp /etc/vpnrun/demo.json "$RIG_DIR/demo.json"
# So are names that are refused before the kernel is asked.
if [ -z "$slow" ]; then
long=abcdefghijklmnopqrstuvwxyz0123
for c in "up $long" "down $long" "import --name $long $RIG_DIR/conf/named.conf" "status $long"; do
	# shellcheck disable=SC2086
	out=$(vpnctl $c 2>&1)
	like "$? $(one_sentence "$out" && echo "$out")" "^1 vpnctl: .*VPN" "R27: ${c%% *} of a name of 30 characters: refused in one sentence"
done
sed 's/"id": 1,/"id": 1, "bridge": "br-abcdefghijklm",/' /etc/vpnrun/demo.json >"$RIG_DIR/long.json"
cat "$RIG_DIR/long.json" >/etc/vpnrun/demo.json
out=$(vpnctl up demo 2>&1)
like "$? $out" '^1 .*bridge' 'R27: a bridge name of 16 characters: refused'
cat "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
ok 'R27: and nothing was made' is_clean
for name in default host none - ../demo a/b ''; do
	out=$(vpnctl up "$name" 2>&1)
	like "$? $out" '^[12] ' "R27: up of '$name': refused"
done
fi

# --- in use --------------------------------------------------------------------------------------

vpnctl up demo >/dev/null
ip netns exec demo sleep 300 &
sleeper=$!
wait_for 5 grep -q sleep /proc/$sleeper/comm
$RIG_CAPTURE start
like "$(vpnctl down demo)" 'closed, for 1 inside' 'down with a program in the namespace: keeps it'
ok 'the tunnel is gone' not ip -n demo link show demo
is "$(nsenter -t $sleeper -n "$probe" tcp "$RIG_WEB4" 80 | cut -d' ' -f1)" refused 'L01: the program is refused at once'
is "$(leaked)" 0 'L01: and nothing left by the uplink'
like "$(vpnctl down demo)" 'closed, for 1 inside' 'down once more: the same'
ok 'R31: up uses the same namespace' vpnctl up demo
is "$(nsenter -t $sleeper -n curl -s -m 10 "http://$RIG_WEB4/")" demo 'R31: the program is back'
# Another id would give the same namespace other addresses.
sed 's/"id": 1/"id": 7/' "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
like "$(vpnctl up demo 2>&1)" 'in use.*--force' 'up with another id while in use: refused'
cat "$RIG_DIR/demo.json" >/etc/vpnrun/demo.json
vpnctl down --force demo >/dev/null
ok 'down --force: the name is gone' not test -e /run/netns/demo
is "$(nsenter -t $sleeper -n "$probe" tcp "$RIG_WEB4" 80 | cut -d' ' -f1)" refused 'L01: the program is still refused'
kill $sleeper
wait $sleeper 2>/dev/null
ok 'R37: all is gone' wait_for 5 is_clean
is "$(diff <(echo "$net") <(host_net))" '' 'R03 R37: and the host is as it was at the beginning'
finish
