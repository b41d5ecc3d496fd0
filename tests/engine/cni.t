#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The CNI plugin, driven as libcni drives it: the environment, the config with what the library adds
# to it on stdin, one JSON text on stdout. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

plugin=$RIG_DIR/build/libexec/vpnrun/cni/vpnrun
dir=$RIG_DIR/cni
mkdir -p "$dir"

# cni COMMAND CONTAINER CONFIG [NETNS [IFNAME]]: stdout to $dir/CONTAINER.json, and printed.
cni() {
	local netns=${4-/run/netns/$2}
	env -i CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS="$netns" CNI_IFNAME="${5:-eth0}" \
		CNI_PATH=/opt/cni/bin CNI_ARGS="${CNI_ARGS:-IgnoreUnknown=1;K8S_POD_NAME=p}" \
		"$plugin" <<<"$3" >"$dir/${2##*/}.json" 2>"$dir/${2##*/}.err"
	rc=$?
	cat "$dir/${2##*/}.json"
	return $rc
}
# field PATH: of the JSON on stdin, as in ips.0.address
field() {
	perl -MJSON::PP -0777 -e 'my $v = JSON::PP->new->utf8->decode(<STDIN>);
		for (split /\./, $ARGV[0]) { $v = ref $v eq "ARRAY" ? $v->[$_] : $v->{$_}; last if !defined $v }
		print ref $v ? JSON::PP->new->canonical->encode($v) : $v // "null"' "$1"
}
# config VPN [VERSION [MORE]]: what a runtime passes
config() { echo "{\"cniVersion\":\"${2:-1.1.0}\",\"name\":\"net\",\"type\":\"vpnrun\",\"vpn\":\"$1\"${3:+,$3}}"; }
# code COMMAND CONTAINER CONFIG ...: the code of the refusal; stdout must be that JSON and no more
code() {
	local text
	text=$(cni "$@") && echo "no error: $text" && return
	field code <<<"$text"
}
ports() { ip -n demo -o link show type veth | wc -l; }
ports_are() { [ "$(ports)" = "$1" ]; }
fetch() { ip netns exec "$1" curl -s -m 10 "http://$2/"; }

wait_for 10 ports_are 0
links=$(ip -o link | wc -l)
for n in c1 c2 c3; do ip netns add $n; done

# VERSION: as libcni asks, with dummies.
v=$(env -i CNI_COMMAND=VERSION CNI_NETNS=dummy CNI_IFNAME=dummy CNI_PATH=dummy "$plugin" <<<'{"cniVersion":"1.0.0"}')
is "$(field supportedVersions <<<"$v")" '["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]' 'VERSION lists what it speaks'
ok 'STATUS: ready' cni STATUS x "$(config demo)"
is "$(cat "$dir/x.json")" '' 'STATUS: nothing on stdout'

# ADD: the result, and the way out.
$RIG_CAPTURE start
r=$(cni ADD c1 "$(config demo)")
is $? 0 'ADD'
is "$(field cniVersion <<<"$r")" 1.1.0 'the result has the version that was asked for'
like "$(field interfaces.0.name <<<"$r")" '^vr1\.[0-9]+$' 'the port on the host side'
is "$(field interfaces.1.name <<<"$r") $(field interfaces.1.sandbox <<<"$r")" 'eth0 /run/netns/c1' 'the interface in its sandbox'
is "$(field interfaces.1.mac <<<"$r")" "$(ip netns exec c1 cat /sys/class/net/eth0/address)" 'its mac'
is "$(field interfaces.1.mtu <<<"$r")" "$(ip netns exec c1 cat /sys/class/net/eth0/mtu)" 'its mtu'
is "$(field ips.0.address <<<"$r") $(field ips.0.gateway <<<"$r") $(field ips.0.interface <<<"$r")" \
	"$(ip -n c1 -4 -o addr show eth0 | awk '{print $4}') 10.20.1.1 1" 'its IPv4 address, gateway and interface'
is "$(field ips.1.address <<<"$r")" "$(ip -n c1 -6 -o addr show eth0 scope global | awk '{print $4}')" 'its IPv6 address'
is "$(field routes.0.dst <<<"$r") $(field routes.1.dst <<<"$r")" '0.0.0.0/0 ::/0' 'its routes'
like "$(field dns.nameservers <<<"$r")" "$RIG_DNS_DEMO" "the VPN's name server"
is "$(cat "$dir/c1.err")" '' 'and nothing on stderr'
is "$(fetch c1 "$RIG_WEB4")" demo 'R20: the container goes through the VPN, IPv4'
is "$(fetch c1 "$RIG_WEB6")" demo 'R20: IPv6'
cni ADD c2 "$(config other)" >/dev/null
is "$(fetch c2 "$RIG_WEB4") $(fetch c1 "$RIG_WEB4")" 'other demo' 'two containers in two VPNs at once'
is "$($RIG_CAPTURE stop)" 0 'L01: nothing of all that left by the uplink'
is "$(ip -o link | wc -l)" "$links" 'nothing was made in the host'"'"'s network'

# CHECK, with the result that the runtime kept.
check=$(config demo 1.1.0 "\"prevResult\":$r")
ok 'CHECK' cni CHECK c1 "$check"
is "$(code CHECK c1 "$(config demo)")" 7 'CHECK without prevResult: 7'
is "$(code CHECK c1 "$(config other 1.1.0 "\"prevResult\":$r")")" 104 'CHECK of another VPN fails'
ip -n c1 route del default dev eth0 table 86
is "$(code CHECK c1 "$check")" 104 'CHECK without the route fails'
ip -n c1 route add default via 10.20.1.1 dev eth0 onlink table 86
ok 'CHECK when it is back' cni CHECK c1 "$check"
# altered SENTENCE WHAT: CHECK refuses, and says why.
altered() { like "$(code CHECK c1 "$check") $(field msg <"$dir/c1.json")" "^104 .*$1" "CHECK: $2"; }
port=$(field interfaces.0.name <<<"$r") mac=$(field interfaces.1.mac <<<"$r")
ip -n c1 link set eth0 address 02:00:00:00:00:99
altered 'another MAC address' 'another MAC address than its lease'"'"'s fails'
ip -n c1 link set eth0 address "$mac"
ip -n demo link set "$port" nomaster
altered 'left the bridge' 'a port that is on the bridge no more fails'
ip -n demo link set "$port" master br-demo
ok 'CHECK when both are as they were' cni CHECK c1 "$check"
ip -n c1 addr del "$(field ips.0.address <<<"$r")" dev eth0
altered 'lost its address' 'without its address fails'
ip -n c1 link set eth0 down
is "$(code CHECK c1 "$check")" 104 'CHECK of a cable that is down fails'
ip -n c1 link set eth0 name eth7
altered 'no interface eth0' 'an interface that has gone fails'
ip -n c1 link add eth0 type veth peer name veth7
altered 'not the cable to VPN .demo' 'another one in its place fails'
ip -n c1 link del eth0
ip -n c1 link set eth7 name eth0
ip -n c1 link add veth9 type veth peer name veth8
is "$(code ADD c1 "$(config demo)")" 101 'ADD where the interface exists: refused'

# Whose namespace it is must be known: a VPN's own is no container's.
printf '#!/bin/sh\nexec %s -qqq -o /dev/null -P /run/vpnrun -e trace=openat -e inject=openat:error=EMFILE %s\n' "$(command -v strace)" "$plugin" >"$dir/blind"
chmod +x "$dir/blind"
cni ADD blind "$(config demo)" /run/netns/other >/dev/null
like "$(cat "$dir/blind.json")" 'network of a VPN itself' 'ADD of a VPN'"'"'s own namespace: refused'
plugin=$dir/blind cni ADD blind "$(config demo)" /run/netns/other >/dev/null
like "$(cat "$dir/blind.json")" 'cannot list /run/vpnrun' 'R36: also where it cannot be told whose it is'
is "$(ip -n other -o link show eth0 2>/dev/null)" '' 'and nothing is plugged into it'

# DEL: any number of times, in any state.
ok 'DEL' cni DEL c1 "$check"
is "$(ports)" 0 'DEL: no port is left'
ok 'DEL again' cni DEL c1 "$check"
ok 'DEL without a namespace' cni DEL c1 "$(config demo)" ''
ok 'DEL of a namespace that is gone' cni DEL nobody "$(config demo)"
ok 'DEL in a VPN that is not there' cni DEL c1 "$(config nowhere)"
ip -n c1 link set veth9 up
is "$(code ADD c1 "$(config demo)")" 103 'L30: ADD beside another way out: refused'
ok '"exclusive": false permits it' cni ADD c1 "$(config demo 1.1.0 '"exclusive":false')"
ip -n c1 link del veth9
ok 'DEL by the tag alone, when the namespace is not told' cni DEL c1 "$(config demo)" ''
is "$(ports)" 0 'DEL without a namespace: no port is left'
cni DEL c2 "$(config other)" >/dev/null

# What comes after ours, in a chain or by hand, leads nowhere: not by a default route, which would stand
# before ours in the main table, and not when the cable is gone.
nft 'table ip second { chain post { type nat hook postrouting priority srcnat; ip saddr 10.98.0.0/24 masquerade; }; }'
echo 1 >/proc/sys/net/ipv4/ip_forward
second() { # second NETNS: a bridge's network, as another plugin makes it
	ip link add second0 type veth peer name net1 netns "$1"
	ip addr add 10.98.0.1/24 dev second0
	ip link set second0 up
	ip -n "$1" addr add 10.98.0.2/24 dev net1
	ip -n "$1" link set net1 up
	ip -n "$1" route add default via 10.98.0.1 dev net1 2>/dev/null || ip -n "$1" route add default dev net1
}
exec {web}< <(exec "$RIG_DIR/build/rig/webd" neighbour)
neighbour=$!
read -r _ <&$web
bound() { ip netns exec "$1" curl -s -m 2 --interface net1 http://10.98.0.1/; }
ok 'ADD, not exclusive' cni ADD c1 "$(config demo 1.1.0 '"exclusive":false')"
ip -n c1 route del default
second c1
is "$(fetch c1 "$RIG_WEB4")" clear 'another attachment has a way out'
is "$(bound c1)" neighbour 'and a socket that is bound to its device, whatever the routes are'
cni DEL c1 "$(config demo)" >/dev/null
ip link del second0
r=$(cni ADD c1 "$(config demo)")
$RIG_CAPTURE start
second c1
is "$(fetch c1 "$RIG_WEB4") $(fetch c1 "$RIG_WEB6")" 'demo demo' 'L57: after an exclusive ADD it has none'
is "$(bound c1)" '' 'L57: nor by a socket that is bound to its device'
is "$(code CHECK c1 "$(config demo 1.1.0 "\"prevResult\":$r")")" 103 'L57: and CHECK says what is there'
cni DEL c1 "$(config demo)" >/dev/null
ok 'L57: nor when the cable is gone' not fetch c1 "$RIG_WEB4"
is "$($RIG_CAPTURE stop)" 0 'L57: nothing of that left by the uplink'
ip link del second0
r=$(cni ADD c1 "$(config demo)")
is "$(fetch c1 "$RIG_WEB4")" demo 'L57: ADD again, in the same namespace'
ip netns exec c1 nft delete table inet vpnrun
is "$(code CHECK c1 "$(config demo 1.1.0 "\"prevResult\":$r")")" 104 'L57: CHECK without the table fails'
cni DEL c1 "$(config demo)" >/dev/null
r=$(cni ADD c1 "$(config demo)")
ip -n c1 rule del pref 101
is "$(code CHECK c1 "$(config demo 1.1.0 "\"prevResult\":$r")")" 104 'L57: CHECK without the rule that ends the search fails'
cni DEL c1 "$(config demo)" >/dev/null
r=$(cni ADD c1 "$(config demo)")
ip -n c1 -6 rule del pref 100
is "$(code CHECK c1 "$(config demo 1.1.0 "\"prevResult\":$r")")" 104 'L57: CHECK without the one that leads to the cable, too'
cni DEL c1 "$(config demo)" >/dev/null
is "$(ip -n c1 rule | wc -l) $(ip -n c1 -6 rule | wc -l) $(ip netns exec c1 nft list tables)" '3 2 ' 'DEL: where nothing is left that leads anywhere, the rules go, too'
kill $neighbour
nft delete table ip second
echo 0 >/proc/sys/net/ipv4/ip_forward

# An address is handed out when it works: CRI-O checks right after.
lost=0
for _ in {1..60}; do
	r=$(cni ADD c3 "$(config demo)")
	cni CHECK c3 "$(config demo 1.1.0 "\"prevResult\":$r")" >/dev/null || lost=$((lost + 1))
	cni DEL c3 "$(config demo)" >/dev/null
done
is "$lost" 0 'L59: CHECK right after ADD, 60 times'

# DEL comes back when the kernel says that the cable is gone, before its memory is free.
left=0
for _ in {1..20}; do
	cni ADD c3 "$(config demo)" >/dev/null || left=$((left + 1))
	cni DEL c3 "$(config demo)" >/dev/null || left=$((left + 1))
	[ "$(ports)" = 0 ] || left=$((left + 1))
	! ip -n c3 link show eth0 >/dev/null 2>&1 || left=$((left + 1))
done
is "$left" 0 'after DEL there is no cable at either end, and ADD can follow: 20 times'

# An ADD that was killed half-way has no tag yet: DEL knows it by its other end.
cni ADD c1 "$(config demo)" >/dev/null
cni ADD c3 "$(config demo)" >/dev/null
ip -n demo -o link show type veth | sed 's/^[0-9]*: //; s/@.*//' | while read -r p; do ip -n demo link set "$p" alias ''; done
ok 'DEL of an ADD that was killed' cni DEL c1 "$(config demo)"
is "$(ports) $(fetch c3 "$RIG_WEB4")" '1 demo' "and nobody else's port is touched"
cni DEL c3 "$(config demo)" >/dev/null

# Old versions, and chains.
r=$(cni ADD c1 "$(config demo 0.4.0)")
is "$(field ips.0.version <<<"$r") $(field ips.1.version <<<"$r") $(field interfaces.1.mtu <<<"$r")" '4 6 null' \
	'0.4.0: ips have a version, interfaces no mtu'
ok '0.4.0: CHECK' cni CHECK c1 "$(config demo 0.4.0 "\"prevResult\":$r")"
cni DEL c1 "$(config demo 0.4.0)" >/dev/null
prev='{"cniVersion":"1.0.0","interfaces":[{"name":"lo","mac":"00:00:00:00:00:00","sandbox":"/run/netns/c1"}],"ips":[{"address":"127.0.0.1/8","interface":0}],"dns":{"nameservers":["192.0.2.53"]}}'
r=$(cni ADD c1 "$(config demo 1.0.0 "\"prevResult\":$prev")")
is "$(field interfaces.0.name <<<"$r") $(field interfaces.2.name <<<"$r") $(field ips.0.address <<<"$r") $(field ips.1.interface <<<"$r")" \
	'lo eth0 127.0.0.1/8 2' 'a chain: what came before is passed on, and ours counts behind it'
ok "a chain: the servers of others do not get in" not grep -q 192.0.2.53 "$dir/c1.json"
cni DEL c1 "$(config demo 1.0.0)" >/dev/null
r=$(cni ADD c1 "$(config demo 1.0.0 '"dns":{"nameservers":["9.9.9.9"],"search":["a.test"]},"capabilities":{"x":true},"runtimeConfig":{},"args":{"cni":{}},"cni.dev/extra":1')")
is "$(field dns.nameservers <<<"$r")" '["9.9.9.9"]' 'dns of the config is what the result says'
cni DEL c1 "$(config demo 1.0.0)" >/dev/null

# A namespace that was made with IPv6 off has it on the cable, and nowhere else.
ip netns exec c1 sh -c 'for w in all default; do echo 1 >/proc/sys/net/ipv6/conf/$w/disable_ipv6; done'
ok 'ADD where IPv6 is off' cni ADD c1 "$(config demo)"
is "$(fetch c1 "$RIG_WEB6") $(ip netns exec c1 cat /proc/sys/net/ipv6/conf/default/disable_ipv6)" 'demo 1' 'R20: IPv6, on the cable alone'
cni DEL c1 "$(config demo)" >/dev/null
ip netns exec c1 sh -c 'for w in all default; do echo 0 >/proc/sys/net/ipv6/conf/$w/disable_ipv6; done'

# GC: what the runtime does not know any more; other networks and the broker's sandboxes stay.
for n in c1 c2 c3; do cni ADD $n "$(config demo)" >/dev/null; done
as_user vpnrun demo sleep 60 &
sandbox=$!
wait_for 10 ports_are 4
ok 'GC of another network' cni GC x '{"cniVersion":"1.1.0","name":"net2","type":"vpnrun","vpn":"demo","cni.dev/valid-attachments":[]}'
is "$(ports)" 4 "GC leaves other networks' ports"
is "$(code GC x "$(config demo)")" 7 'GC without the list of the valid: refused'
ok 'GC' cni GC x "$(config demo 1.1.0 '"cni.dev/valid-attachments":[{"containerID":"c2","ifname":"eth0"},{"containerID":"c1","ifname":"eth1"}]')"
is "$(ports) $(fetch c2 "$RIG_WEB4")" '2 demo' 'GC takes away what is not valid, and nothing else'
ok 'GC with null' cni GC x "$(config demo 1.1.0 '"cni.dev/valid-attachments":null')"
is "$(ports)" 1 'GC with null: nothing is valid'
kill $sandbox
wait $sandbox 2>/dev/null
ok 'the sandbox of a user ended by itself' wait_for 10 ports_are 0

# Twenty at once.
for i in {1..20}; do ip netns add "m$i"; done
pids=()
for i in {1..20}; do cni ADD "m$i" "$(config demo)" >/dev/null & pids+=($!); done
wait "${pids[@]}"
is "$(cat "$dir"/m*.json | grep -o '"address":"10[^"]*' | sort -u | wc -l) $(ports)" '20 20' '20 ADDs at once: 20 addresses'
is "$(fetch m7 "$RIG_WEB4") $(fetch m20 "$RIG_WEB4")" 'demo demo' 'and they work'
pids=()
for i in {1..20}; do cni DEL "m$i" "$(config demo)" >/dev/null & pids+=($!); done
wait "${pids[@]}"
is "$(ports)" 0 '20 DELs at once'
pids=()
for i in {1..8}; do { cni ADD same "$(config demo)" /run/netns/m1 >/dev/null && echo won; } & pids+=($!); done >"$dir/won"
wait "${pids[@]}"
is "$(grep -c won "$dir/won") $(ports)" '1 1' 'one namespace, 8 at once: one wins'
ip netns del m1
ok 'a namespace that dies takes its port along' wait_for 10 ports_are 0
for i in {2..20}; do ip netns del "m$i"; done

# Killed after each of its system calls: DEL clears what is there, a killed DEL the next one.
tried=${RIG_SLOW:+10}
left=0
for ((i = 1; i <= ${tried:-60}; i++)); do
	for what in ADD DEL; do
		{ CNI_COMMAND=$what CNI_CONTAINERID=c3 CNI_NETNS=/run/netns/c3 CNI_IFNAME=eth0 \
			strace -qq -o /dev/null -e trace=all -e inject=all:signal=SIGKILL:when=$((i * 3)) \
			"$plugin" <<<"$(config demo)" >/dev/null 2>&1; } 2>/dev/null
	done
	cni DEL c3 "$(config demo)" >/dev/null || left=$((left + 100))
	left=$((left + $(ports)))
done
is "$left" 0 'R76: ADD and DEL killed anywhere: DEL clears it'

# A runtime that never ends its question: the deadline, here by hand, answers for itself.
mkfifo "$dir/never"
env CNI_COMMAND=ADD CNI_CONTAINERID=c3 CNI_NETNS=/run/netns/c3 CNI_IFNAME=eth0 "$plugin" <>"$dir/never" >"$dir/late" &
late=$!
wait_for 5 grep -qE '^[0-9]+ 0x' "/proc/$late/syscall"
reads() { [ "$(cat /proc/$late/comm)" = vpnrun ] && grep -q '^SigCgt:.*2...$' "/proc/$late/status"; }
wait_for 5 reads
kill -ALRM $late
wait $late
is "$? $(field code <"$dir/late")" '1 11' 'at the deadline: an error that says try later'

# What is refused: code, JSON, a sentence, and nothing left.
refused() { # refused CODE DESCRIPTION COMMAND CONTAINER CONFIG ...
	local want=$1 what=$2
	shift 2
	is "$(code "$@")" "$want" "refused, $want: $what"
	like "$(field msg <"$dir/${2##*/}.json")" '[a-z]+.* [a-z]+' '  with a sentence'
}
refused 7 'an unknown VPN' ADD c1 "$(config nowhere)"
refused 7 'no VPN' ADD c1 '{"cniVersion":"1.1.0","name":"net","type":"vpnrun"}'
refused 7 'a VPN with a slash' ADD c1 "$(config ../demo)"
refused 7 'an unknown key' ADD c1 "$(config demo 1.1.0 '"vnp":"x"')"
refused 7 'a wrong type' ADD c1 '{"cniVersion":"1.1.0","name":"net","type":"vpnrun","vpn":7}'
refused 7 'a name that is none' ADD c1 '{"cniVersion":"1.1.0","name":"a/b","type":"vpnrun","vpn":"demo"}'
refused 7 'a prevResult that is none' ADD c1 "$(config demo 1.1.0 '"prevResult":[]')"
refused 7 'a server that is no address' ADD c1 "$(config demo 1.1.0 '"dns":{"nameservers":["x"]}')"
refused 2 'ipam' ADD c1 "$(config demo 1.1.0 '"ipam":{"type":"host-local"}')"
refused 2 'an own address' ADD c1 "$(config demo 1.1.0 '"runtimeConfig":{"ips":["10.0.0.1/24"]}')"
refused 7 'half a port mapping' ADD c1 "$(config demo 1.1.0 '"runtimeConfig":{"portMappings":[{"hostPort":80}]}')"
refused 7 'SCTP' ADD c1 "$(config demo 1.1.0 '"runtimeConfig":{"portMappings":[{"hostPort":80,"containerPort":80,"protocol":"SCTP"}]}')"
refused 1 'an old version' ADD c1 "$(config demo 0.2.0)"
refused 1 'no version' ADD c1 '{"name":"net","type":"vpnrun","vpn":"demo"}'
refused 1 'GC before 1.1.0' GC c1 "$(config demo 1.0.0)"
refused 6 'no JSON' ADD c1 'hello'
refused 6 'an empty input' ADD c1 ''
refused 6 'half of it' ADD c1 '{"cniVersion":"1.1.0","name":'
refused 6 'a list' ADD c1 '[]'
refused 6 'a key twice' ADD c1 "$(config demo 1.1.0 '"vpn":"other"')"
refused 6 'deep nesting' ADD c1 "$(printf '[%.0s' {1..5000})"
refused 3 'a namespace that is not there' ADD c1 "$(config demo)" /run/netns/nosuch
refused 4 'a file that is no namespace' ADD c1 "$(config demo)" /etc/passwd
refused 4 'a relative path' ADD c1 "$(config demo)" c1
refused 4 'no namespace' ADD c1 "$(config demo)" ''
refused 102 "the host's own namespace" ADD c1 "$(config demo)" /proc/1/ns/net
refused 102 "the VPN's own namespace" ADD c1 "$(config demo)" /run/netns/demo
refused 102 "another VPN's namespace" ADD c1 "$(config demo)" /run/netns/other
refused 4 'a wrong interface name' ADD c1 "$(config demo)" /run/netns/c1 an/interface
refused 4 'lo' ADD c1 "$(config demo)" /run/netns/c1 lo
refused 4 'a hostile container id' ADD ../c1 "$(config demo)"
refused 4 'an unknown command' FLY c1 "$(config demo)"
CNI_ARGS='IP=10.20.1.9' refused 4 'an own address in CNI_ARGS' ADD c1 "$(config demo)"
CNI_ARGS='nonsense' refused 4 'CNI_ARGS that are none' ADD c1 "$(config demo)"
head -c 2000000 /dev/zero | tr '\0' ' ' >"$dir/huge"
is "$(env -i CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 "$plugin" <"$dir/huge" 2>/dev/null | field code)" 5 \
	'refused, 5: two megabytes'
is "$(as_user env CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/c1 CNI_IFNAME=eth0 "$plugin" <<<"$(config demo)" 2>/dev/null | field code)" 100 \
	'refused, 100: without root'
# "lan": the NAS of whoever's file says so.
refused 7 'R86: "lan" of a VPN whose file opens nothing' ADD c1 "$(config demo 1.1.0 '"lan":true')"
cp /etc/vpnrun/demo.json "$dir/demo.json"
sed "s|{ |{ \"allow_lan\": [\"$RIG_LAN\"], |" "$dir/demo.json" >/etc/vpnrun/demo.json
vpnctl up demo >/dev/null
refused 7 'R86: a name server in the LAN, where no name may be asked for' ADD c1 "$(config demo 1.1.0 "\"lan\":true,\"dns\":{\"nameservers\":[\"$RIG_LAN\"]}")"
r=$(cni ADD c1 "$(config demo 1.1.0 '"lan":true')")
cni ADD c2 "$(config demo)" >/dev/null
is "$(fetch c1 "$RIG_LAN") $(fetch c1 "$RIG_WEB4") $(ip netns exec c2 curl -s -m 1 "http://$RIG_LAN/")" 'lan demo ' 'R86: a container of "lan" reaches the LAN, another does not'
ok 'CHECK: it does, still' cni CHECK c1 "$(config demo 1.1.0 "\"lan\":true,\"prevResult\":$r")"
refused 104 'R86: CHECK of a network that opens no LAN any more' CHECK c1 "$(config demo 1.1.0 "\"prevResult\":$r")"
cni DEL c1 "$(config demo)"
cni DEL c2 "$(config demo)"
mv "$dir/demo.json" /etc/vpnrun/demo.json
vpnctl up demo >/dev/null
cni ADD c1 "$(config demo)" >/dev/null
vpnctl down demo >/dev/null
refused 11 'a VPN that is down' ADD c2 "$(config demo)"
is "$(code STATUS x "$(config demo)")" 51 'STATUS: down with a container inside: 51'
ok 'R21: a container of a VPN that is down goes nowhere' not fetch c1 "$RIG_WEB4"
ok 'DEL in a VPN that is down' cni DEL c1 "$(config demo)"
vpnctl down demo >/dev/null
is "$(code STATUS x "$(config demo)")" 50 'STATUS: down: 50'
vpnctl up demo >/dev/null
ok 'STATUS: up again' cni STATUS x "$(config demo)"
is "$(ports)" 0 'nothing is left in the VPN'
is "$(ip -o link | wc -l)" "$links" 'and nothing in the host'"'"'s network'
for n in c1 c2 c3; do ip netns del $n; done
finish
