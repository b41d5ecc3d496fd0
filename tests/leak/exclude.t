#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What does not go by the machine's default: answers to who asks its services by the uplink
# ("default_inbound"), and users and units that it leaves out ("default_exclude"). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"

probe=$RIG_DIR/build/tests/net/probe
get() { curl -s -m "${2:-12}" "http://$1/"; }
both() { echo "$(get "$RIG_WEB4" "${1:-12}") $(get "$RIG_WEB6" "${1:-12}")"; }
on() { vpnctl default --no-ip "$@"; }
off() { vpnctl default --no-ip none; }
plain=$(cat /etc/vpnrun/demo.json)
say() { # say KEYS: demo's file has them, too, and they are applied
	echo "${plain/\{ /\{ $1, }" >/etc/vpnrun/demo.json
	vpnctl up demo >/dev/null
}
strict() { for d in all "$RIG_UPLINK"; do echo 1 >"/proc/sys/net/ipv4/conf/$d/rp_filter"; done; }

# --- answers by the way that they are asked by ---------------------------------------------------

# Lines are echoed; an empty one ends a web request.
cat >"$RIG_DIR/serve.pl" <<'X'
use IO::Socket::IP;
$SIG{CHLD} = 'IGNORE';
my $s = IO::Socket::IP->new(Listen => 9, LocalHost => '::', LocalPort => $ARGV[0], V6Only => 0, ReuseAddr => 1) or die $!;
while (my $c = $s->accept) {
	next if fork;
	while (<$c>) {
		if (/^\r?$/) { print $c "HTTP/1.0 200 OK\r\n\r\nhost"; last }
		syswrite $c, "echo $_" if /^session/;
		select undef, undef, undef, 0.02 until !/^wait/ || -e "$ARGV[1]";
		syswrite $c, "waited\n" if /^wait/;
	}
	exit;
}
X
jobs=()
for port in 8022 8023; do
	perl "$RIG_DIR/serve.pl" $port "$RIG_DIR/speak" &
	jobs+=($!)
done
"$probe" serve :: 8053 host >/dev/null &
jobs+=($!)
out_there() { in_ns internet "$@"; }
ask() { out_there curl -s -m "${2:-12}" "http://$1/"; }
serves() { [ "$(out_there curl -s -m 2 "http://$RIG_HOST4:$1/")" = host ]; }
wait_for 10 serves 8022
wait_for 10 serves 8023
# Both families, TCP and UDP.
asked() {
	echo "$(ask "$RIG_HOST4:8022" "$1") $(ask "[$RIG_HOST6]:8022" "$1")" \
		"$(out_there timeout "${1:-5}" "$probe" udp "$RIG_HOST4" 8053 | cut -d' ' -f1)" \
		"$(out_there timeout "${1:-5}" "$probe" udp "$RIG_HOST6" 8053 | cut -d' ' -f1)"
}
is "$(asked)" 'host host answer answer' 'control: without a default the internet is answered'
on demo >/dev/null
is "$(asked 1)" '   ' 'R11: by default nobody out there is answered'
off >/dev/null

# Of before the switch, when nobody tracked connections.
mkfifo "$RIG_DIR/lines"
out_there perl -MIO::Socket::IP -e '$| = 1; $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 8022) or die $!;
	while (<STDIN>) { syswrite $s, $_; print scalar <$s> }' "$RIG_HOST4" <"$RIG_DIR/lines" >"$RIG_DIR/session" &
session=$!
exec 7>"$RIG_DIR/lines"
says() { grep -q "echo session $1" "$RIG_DIR/session"; }
echo 'session 1' >&7
wait_for 10 says 1
# The server's word will be the first that anybody tracks.
echo wait >&7
say '"default_inbound": ["80/tcp", "8022/tcp", "8024/tcp", "8025/tcp", "8053/udp", "8055/udp"]'
on demo >/dev/null
: >"$RIG_DIR/speak"
ok 'R11: who was connected before goes on' wait_for 10 grep -q waited "$RIG_DIR/session"
echo 'session 2' >&7
ok 'R11: in both directions' wait_for 10 says 2
exec 7>&-
wait $session
is "$(asked)" 'host host answer answer' 'R11 R85: who asks a named service from the internet is answered, both families'
is "$(ask "$RIG_HOST4:8023" 1)" '' 'R11: another port is not'
is "$(both)" 'demo demo' 'R11: all else goes by the VPN'

# What the machine itself opens from these ports, or sends from them when nobody has asked.
$RIG_CAPTURE start
is "$(curl -s -m 12 --local-port 8024 "http://$RIG_WEB4/") $(curl -s -m 12 --local-port 8025 "http://$RIG_WEB6/")" 'demo demo' \
	'R11: what the machine itself opens from such a port goes by the VPN'
in_ns demo "$probe" serve :: 7007 demo >/dev/null &
jobs+=($!)
out_there "$probe" serve :: 7007 clear >/dev/null &
jobs+=($!)
datagram() { # datagram ADDRESS [COMMAND...]: from port 8055
	"${@:2}" perl -MIO::Socket::IP -e '$s = IO::Socket::IP->new(Proto => "udp", LocalPort => 8055, PeerHost => $ARGV[0], PeerPort => 7007) or die $!;
		for (1 .. 40) { syswrite $s, "x"; vec($r = "", fileno $s, 1) = 1; next if !select($r, undef, undef, 0.25); sysread $s, $b, 9 or next; print $b; last }' "$1"
}
is "$(datagram "$RIG_WEB4") $(datagram "$RIG_WEB6_ADDR")" 'demo demo' 'R11: and so does a datagram that answers nothing'

# A container that claims to be somebody out there: the answer would go there.
ip netns add box
ip link add box0 type veth peer name eth0 netns box
ip addr add 172.30.0.1/24 dev box0
ip link set box0 up
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
echo 0 >/proc/sys/net/ipv4/conf/box0/rp_filter
ip netns exec box sh -c "ip addr add 172.30.0.2/24 dev eth0; ip link set eth0 up; ip link set lo up; ip addr add $RIG_WEB4/32 dev lo"
ip netns exec box "$probe" flow 172.30.0.1 8053 "$RIG_DIR/forged" "$RIG_WEB4" &
forger=$!
ok 'control: the forger has sent' wait_for 10 test -s "$RIG_DIR/forged"
kill $forger
is "$(ip netns exec box timeout 5 "$probe" udp 172.30.0.1 8053 | cut -d' ' -f1)" answer 'control: with its own address it is answered'
# What is only forwarded is not the machine's answer, whatever its port.
for d in box0 "$RIG_UPLINK"; do echo 1 >"/proc/sys/net/ipv4/conf/$d/forwarding"; done
ip netns exec box ip route add default via 172.30.0.1 src 172.30.0.2
ip netns exec box ip addr del "$RIG_WEB4/32" dev lo
is "$(datagram "$RIG_WEB4" ip netns exec box)" demo 'R20: and what a container sends from such a port goes by the VPN'
is "$($RIG_CAPTURE stop)" 0 'R17: none of these left by the uplink'
# As an engine publishes a port.
nft "table ip engine { chain in { type nat hook prerouting priority dstnat; iifname $RIG_UPLINK tcp dport 80 dnat to 172.30.0.2:8022; }; }"
ip netns exec box perl "$RIG_DIR/serve.pl" 8022 &
jobs+=($!)
ok 'R11: what a container serves is answered by the way that it is asked by' wait_for 10 serves 80

# Whatever becomes of the VPN.
off >/dev/null
strict
on demo >/dev/null
is "$(asked)" 'host host answer answer' 'R11: a strict reverse path filter lets them in'
[ "$RIG_WG" != go ] || freeze demo
in_vpn demo ip link delete demo
is "$(asked)" 'host host answer answer' 'R15: with the tunnel gone they are answered all the same'
is "$(both 2)" ' ' 'R15: and nothing else goes anywhere'
[ "$RIG_WG" != go ] || thaw demo
off >/dev/null
cp /etc/vpnrun/demo.conf "$RIG_DIR/demo.conf"
cp "$RIG_DIR/conf/v4only.conf" /etc/vpnrun/demo.conf
say "\"default_inbound\": [\"8022/tcp\", \"8053/udp\"], \"default_exclude\": { \"users\": [ \"$RIG_USER\" ] }"
on demo >/dev/null
is "$(asked)" 'host host answer answer' 'R14: nor is it the VPN'"'"'s matter that they have a family that it does not carry'
is "$(as_user curl -s -m 12 "http://$RIG_WEB6/")$(get "$RIG_WEB6" 3)" clear 'R14: which whoever is left out has as well, and nobody else'
off >/dev/null
cp "$RIG_DIR/demo.conf" /etc/vpnrun/demo.conf
is "$(ip rule | grep -c sport)$(ip -6 rule | grep -c sport)" 00 'R12: and nothing of it is left'

kill "${jobs[@]}"

# --- users ---------------------------------------------------------------------------------------

all() { # all AS...: both families, and whose word a name is
	echo "$("$@" curl -s -m 12 "http://$RIG_WEB4/") $("$@" curl -s -m 12 "http://$RIG_WEB6/") $("$@" getent ahostsv4 "$RIG_SIDE" | head -1 | cut -d' ' -f1)"
}
direct="clear clear $RIG_SIDE_CLEAR"
through="demo demo $RIG_SIDE_DEMO"
say '"default_exclude": { "users": [ "nosuch" ] }'
like "$(on demo 2>&1)" 'default_exclude.*names the user nosuch, who does not exist' 'a user that there is not: a sentence'
say '"default_exclude": { "users": [ "root" ] }'
like "$(on demo 2>&1)" 'default_exclude.*root.*name their units' 'nor root, whose are everybody'"'"'s packets'
say '"default_exclude": { "units": [ "nosuch.service" ] }'
like "$(on demo 2>&1)" 'names nosuch.service, which is not a unit' 'nor a unit that there is not'
ok 'and nothing was done' not test -e /run/vpnrun/default.note
like "$(echo "${plain/\{ /\{ \"default_exclude\": { \"units\": [ \"../x.service\" ] \}, }" >"$RIG_DIR/bad.json"
	vpnctl check "$RIG_DIR/bad.json" 2>&1)" 'default_exclude.units.*is not a unit' 'check knows what a unit is'

say "\"default_exclude\": { \"users\": [ \"$RIG_USER\" ] }"
like "$(on demo 2>&1)" 'demo is the default' 'R11: a default that leaves a user out'
is "$(vpnctl status demo | grep degraded)" '' 'R70: status finds it whole'
ip rule del from all iif lo uidrange "$RIG_UID-$RIG_UID"
like "$(vpnctl status demo)" "degraded: .* uidrange $RIG_UID-$RIG_UID goto .* is missing|machine.s default" 'R70: status names what is missing, or the supervisor was faster'
rule_is_back() { ip rule | grep -q "uidrange $RIG_UID-$RIG_UID"; }
ok 'R70: and it is put back' wait_for 20 rule_is_back
is "$(all as_user)" "$direct" 'R11 R85: a user who is left out goes by the uplink, both families and names'
$RIG_CAPTURE start
is "$(all as_stranger)" "$through" 'R11: everybody else by the VPN'
is "$(all env)" "$through" 'R11: root, too'
is "$(all as_user vpnrun demo)" "$through" 'R17: and what that user runs in a sandbox is left in it'
is "$(all as_user vpnrun other)" "other other $RIG_SIDE_OTHER" 'R17: whichever it is'
is "$($RIG_CAPTURE stop)" 0 'R17: of these nothing left by the uplink'
[ "$RIG_WG" != go ] || freeze demo
in_vpn demo ip link delete demo
is "$(all as_user)" "$direct" 'R11: with the tunnel gone, too'
is "$(all timeout 3)" '  ' 'R15: and nobody else goes anywhere'
[ "$RIG_WG" != go ] || thaw demo
vpnctl up demo >/dev/null
off >/dev/null

# --- units ---------------------------------------------------------------------------------------

# Control groups are the machine's, and not the rig's: these have names that no other run has.
cg=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
if [ -z "$cg" ]; then
	cg=$RIG_DIR/cgroup
	mkdir "$cg"
	mount -t cgroup2 none "$cg" || cg=
fi
slice=${cg:+$(mktemp -d --suffix .slice "$cg/vrtXXXXXX")}
unit=$(basename "$slice" .slice).service
if [ -z "$slice" ]; then
	skip 'this machine has no cgroup2' 'R11: a unit that is left out'
	finish
	exit
fi
leave() { for d in "$slice"/*/"$unit" "$slice"/* "$slice"; do [ ! -d "$d" ] || wait_for 10 rmdir "$d"; done; }
trap leave EXIT
mkdir -p /run/systemd/system
: >"/run/systemd/system/$unit"
# shellcheck disable=SC2016
in_group() { sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' - "$@"; }
in_unit() { in_group "$slice/$unit" "$@"; }
is_direct() { [ "$(in_unit curl -s -m 5 "http://$RIG_WEB4/")" = clear ]; }

say "\"default_exclude\": { \"units\": [ \"$unit\" ] }"
like "$(on demo 2>&1)" 'demo is the default' 'R11: a default that leaves a unit out'
is "$(all env)" "$through" 'R11: a unit is left out that does not run: all goes by the VPN'
listens() { grep -qs ^inotify "/proc/$(cat /run/vpnrun/demo.supervisor)"/fdinfo/*; }
ok 'R11: the supervisor hears of units' wait_for 20 listens
mkdir "$slice/$unit"
ok 'R11 R85: it starts, and soon goes by the uplink' wait_for 20 is_direct
is "$(all in_unit)" "$direct" 'R11: both families and names'
off >/dev/null
strict
on demo >/dev/null
is "$(all in_unit)" "$direct" 'R11: and past a strict reverse path filter'
[ "$RIG_WG" != go ] || freeze demo
in_vpn demo ip link delete demo
ok 'R11: with the tunnel gone, too, as who sets the clock needs it' wait_for 20 is_direct
[ "$RIG_WG" != go ] || thaw demo
vpnctl up demo >/dev/null
$RIG_CAPTURE start
is "$(all env)" "$through" 'R11: all else by the VPN'
is "$(all in_unit as_user vpnrun demo)" "$through" 'R17: also a sandbox that the unit makes'
# Anybody may call a group so below their own: of a user's service manager, or of a slice that is theirs.
for d in "user@1000.service" "vrt.slice"; do
	mkdir "$slice/$d" "$slice/$d/$unit"
	[ $d = user@1000.service ] || chown "$RIG_USER" "$slice/$d" "$slice/$d/$unit"
done
on demo >/dev/null
is "$(all in_group "$slice/user@1000.service/$unit")" "$through" 'R17: and a group of that name below another unit'
is "$(all in_group "$slice/vrt.slice/$unit")" "$through" 'R17: or that a user has made'
is "$($RIG_CAPTURE stop)" 0 'R17: of these nothing left by the uplink'
rmdir "$slice/$unit"
mkdir "$slice/$unit"
ok 'R11: it starts again, and goes by the uplink again' wait_for 20 is_direct
off >/dev/null
is "$(nft list tables | grep -c default; ip rule | grep -c uidrange)" "$(printf '0\n0')" 'R12: and nothing of it is left'
finish
