#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# repair: off
# "via": a VPN whose encrypted packets go through another VPN, and through nothing else whatever becomes of that.
# `nested` has the far end of `other`, and is reached through `demo`. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')
port=$RIG_PORT

says() { as_user vpnrun nested curl -s -m "${RIG_PATIENCE:-10}" "http://$1/"; }
asked() { grep -c exit.vpn "$RIG_DIR/dns-$1.log"; }
one_sentence() { [ "$(wc -l <<<"$1")" = 1 ] && [[ $1 =~ ^[^:]+:.*[a-z0-9.\"\)]$ ]]; }

# A way on from demo's far end to other's, as a provider has it, and what arrives there from whom.
in_ns demo sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
in_ns demo nft -f - <<-X
	table ip exit {
		chain post { type nat hook postrouting priority srcnat; oifname "eth0" snat to $RIG_ENDPOINT4; }
	}
	X
in_ns other nft -f - <<-X
	table ip seen {
		counter demo {}
		counter host {}
		chain in {
			type filter hook input priority filter;
			udp dport $port ip saddr $RIG_ENDPOINT4 counter name demo
			udp dport $port ip saddr $RIG_HOST4 counter name host
		}
	}
	X
seen() { in_ns other nft list counter ip seen "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
# Of the two endpoints, only demo's may be seen on the uplink.
"$RIG_DIR/build/rig/rigcap" serve "$RIG_DIR/capture2" "$RIG_UPLINK" "$RIG_ENDPOINT4@$port" "$RIG_ENDPOINT6@$port" >/dev/null &
capture2=$!
cap() { "$RIG_DIR/build/rig/rigcap" "$1" "$RIG_DIR/capture2"; }
wait_for 10 cap start

profile() { # profile NAME REST
	printf '{ "id": 3, "config": "/etc/vpnrun/nested.conf"%s }\n' "$2" >"/etc/vpnrun/$1.json"
}
vpnctl down other >/dev/null
sed 's/other\.vpn/exit.vpn/' /etc/vpnrun/other.conf >/etc/vpnrun/nested.conf
chmod 600 /etc/vpnrun/nested.conf

# --- the danger ----------------------------------------------------------------------------------

profile nested ''
cap start
ok 'control: without "via": up' vpnctl up nested
is "$(says "$RIG_WEB4")" other 'control: it reaches its far end'
ok "control: the capture sees its packets on the uplink" test "$(cap stop)" -gt 0
ok "control: the far end sees them come from the host" test "$(seen host)" -gt 0
is "$(seen demo)" 0 "control: and not from demo"
vpnctl down --force nested >/dev/null

# --- by the other --------------------------------------------------------------------------------

profile nested ', "via": "demo"'
clear=$(asked clear) before=$(seen host)
# What a machine with systemd-resolved has: a resolver that is not there in any other namespace.
cp /etc/resolv.conf "$RIG_DIR/resolv.saved"
echo 'nameserver 127.0.0.53' >/etc/resolv.conf
cap start
$RIG_CAPTURE start
ok 'R74: with "via": up' vpnctl up nested
is "$(says "$RIG_WEB4")" other 'R74: a program comes out at its far end, IPv4'
is "$(says "$RIG_WEB6")" other 'R74: IPv6'
is "$(says "$RIG_NAME")" other 'R74: by name'
is "$(cap stop)" 0 "R74: only demo's encrypted packets are seen on the uplink"
is "$($RIG_CAPTURE stop)" 0 'R74: and nothing else'
ok "R74: the far end sees them come from demo's exit" test "$(seen demo)" -gt 0
is "$(seen host)" "$before" 'R74: and none from the host'
is "$(asked clear)" "$clear" "R62 R74: the host's name servers were not asked for the endpoint"
ok "R62 R45: demo's were, whatever the host's resolv.conf says" test "$(asked demo)" -gt 0
cp "$RIG_DIR/resolv.saved" /etc/resolv.conf
ok "R74: the tunnel is in nested's own namespace" ip -n nested link show nested
ok "R74: and was left in no other" sh -c '! ip link show nested && ! ip -n demo link show nested'
mtu() { ip -n "$1" -o link show "$1" | sed 's/.* mtu \([0-9]*\).*/\1/'; }
is "$(mtu nested)" $(($(mtu demo) - 80)) "R69 R74: its MTU is demo's less 80"
like "$(vpnctl status nested)" 'via demo' 'status says through which it goes'
is "$(vpnctl status --json nested | sed -n 's/.*"via": "\(.*\)",*/\1/p')" demo 'also as JSON'
record=$(od -An -tx1 /run/vpnrun/nested)
ok 'R13: up when up: no error' vpnctl up nested
is "$(od -An -tx1 /run/vpnrun/nested)" "$record" 'R13: nor anything else'

n=$(asked demo)
kill -USR2 "$(cat /run/vpnrun/nested.supervisor)"
more() { [ "$(asked demo)" -gt "$n" ]; }
ok 'R62: the endpoint is looked up anew by the same way' wait_for 15 more
is "$(asked clear)" "$clear" 'R62: and by no other'
mtu_is() { [ "$(mtu nested)" = "$1" ]; }
was=$(mtu demo)
ip -n demo link set demo mtu 1380
ok "R69: its MTU follows demo's" wait_for 20 mtu_is 1300
ip -n demo link set demo mtu "$was"
ok "R69: both ways" wait_for 20 mtu_is $((was - 80))

# --- the machine's default -----------------------------------------------------------------------

# The keeper of nested is in demo's namespace, where nothing of a default is, nor may be made.
of_demo() { for f in -4 -6; do ip -n demo $f rule; ip -n demo $f route show table all; done; ip -n demo -o link; in_vpn demo nft list tables; }
host_rules() { ip rule; ip -6 rule; }
both() { echo "$(curl -s -m 10 "http://$RIG_WEB4/") $(curl -s -m 10 "http://$RIG_WEB6/")"; }
looked() { kill -USR2 "$1"; wait_for 15 more; }
cap start
$RIG_CAPTURE start
ok 'R74: a VPN that goes by another as the default' vpnctl default --no-ip nested
is "$(both)" 'other other' 'R11 R74: all goes by it, both families'
is "$(curl -s -m 5 "http://$RIG_LAN/")" lan 'R11 R74: and the LAN does not'
inside=$(of_demo) rules=$(host_rules)
n=$(asked demo)
ok "R74: its keeper looks" looked "$(cat /run/vpnrun/nested.supervisor)"
is "$(of_demo)" "$inside" "R74: and leaves demo's namespace as it is"
like "$(ip netns exec demo vpnctl default none 2>&1)" 'nested is the default of another network namespace' \
	'default none in another namespace: a sentence'
is "$(of_demo) $(host_rules)" "$inside $rules" 'and nothing was done'
freeze demo
for f in -4 -6; do while ip $f rule delete pref 303 2>/dev/null; do :; done; done
like "$(vpnctl status nested)" "of the machine's default, the rule 303: .* is missing" 'control: its rules are gone'
thaw demo
same_rules() { [ "$(host_rules)" = "$rules" ]; }
ok "R15 R74: the other's keeper puts them back" wait_for 20 same_rules
is "$(both)" 'other other' 'R15 R74: and it works'
ok 'none' vpnctl default --no-ip none
cap stop >/dev/null
$RIG_CAPTURE stop >/dev/null
is "$($RIG_CAPTURE list | grep -cF -e '10.64.' -e '10.2.0.' -e '10.20.')" 0 'R74: none of its addresses left by the uplink'
is "$(cap list | grep -c "$RIG_OTHER_ENDPOINT4")" 0 "R17 R74: nor did its own packets: they went by demo"
is "$(host_rules | grep -c '^[34]03')" 0 'R12: its rules are gone'

# --- the other dies ------------------------------------------------------------------------------

as_user vpnrun nested "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
job=$!
state() { cut -d' ' -f2 "$home/loop" 2>/dev/null; }
is_state() { [[ $(state) =~ ^($1)$ ]]; }
ok 'a program is at work inside' wait_for 15 is_state other
in_vpn demo nft -f - <<-X
	table ip tried {
		counter outer {}
		chain out { type filter hook output priority filter - 10; udp dport $port ip daddr $RIG_OTHER_ENDPOINT4 counter name outer; }
	}
	X
tried() { [ "$(in_vpn demo nft list counter ip tried outer | sed -n 's/.*packets \([0-9]*\).*/\1/p')" -gt "$1" ]; }
ok 'control: its encrypted packets are counted where they are born' wait_for 10 tried 0
closed() { ok "R74 L01: $1: connects fail" wait_for 20 is_state 'refused|unreachable|timeout'; }
deaths=('the tunnel deleted' 'vpnctl restart' 'vpnctl down --force')
# In a guest only what the kernel's device does differs.
[ -z "${RIG_SLOW:-}" ] || deaths=("${deaths[0]}")
for how in "${deaths[@]}"; do
	cap start
	$RIG_CAPTURE start
	before=$(seen host)
	case $how in
	*deleted)
		# A supervisor would bring wireguard-go back at once.
		[ "$RIG_WG" = kernel ] || freeze demo
		ip -n demo link delete demo
		in_vpn demo nft reset counter ip tried outer >/dev/null
		closed "$how"
		ok "control: $how: nested still tries to send" wait_for 20 tried 0
		is "$(cap stop)" 0 "R74: $how: nothing of it leaves by the uplink"
		[ "$RIG_WG" = kernel ] || thaw demo
		vpnctl up demo >/dev/null ;;
	*restart)
		ok "$how demo" vpnctl restart demo
		is "$(cap stop)" 0 "R74: $how: nothing of it leaves by the uplink" ;;
	*)
		out=$(vpnctl down demo 2>&1)
		like "$? $(one_sentence "$out" && echo "$out")" "^1 vpnctl: .*'nested' goes through demo" \
			'down of a VPN by which another goes: refused in one sentence'
		ok 'it is still up' vpnctl status demo
		ok "$how demo" vpnctl down --force demo
		closed "$how"
		like "$(vpnctl status nested)" "degraded(.|[[:cntrl:]])*'demo', which is down" "$how: status names the cause"
		out=$(vpnctl up nested 2>&1)
		like "$? $(one_sentence "$out" && echo "$out")" '^1 vpnctl: .*bring it up with: sudo vpnctl up demo' \
			'up while the other is down: refused in one sentence that says what to do'
		is "$(cap stop)" 0 "R74: $how: nothing of it leaves by the uplink"
		vpnctl up demo >/dev/null
		like "$(vpnctl status nested)" 'taken down since: vpnctl up nested' \
			'status: demo is another namespace by now'
		ok 'up takes the new one' vpnctl up nested ;;
	esac
	is "$($RIG_CAPTURE stop)" 0 "R74: $how: nor anything else"
	is "$(seen host)" "$before" "R74: $how: the far end saw nothing of it from the host"
	ok "R74: $how: the same process works again" wait_for 30 is_state other
done
kill $job
wait $job 2>/dev/null

if [ -n "${RIG_SLOW:-}" ]; then
	vpnctl down --force nested >/dev/null
	kill $capture2
	finish
	exit
fi

# --- one of many servers ----------------------------------------------------------------------------

vpnctl down --force nested demo >/dev/null
mkdir /etc/vpnrun/{nested,demo}.servers
sed "s/exit.vpn.rig.test/$RIG_OTHER_ENDPOINT4/" /etc/vpnrun/nested.conf >/etc/vpnrun/nested.servers/four.conf
sed "s,^PublicKey = .*,PublicKey = $(wg genkey | wg pubkey)," /etc/vpnrun/nested.servers/four.conf >/etc/vpnrun/nested.servers/dead.conf
cp /etc/vpnrun/nested.conf /etc/vpnrun/nested.servers/name.conf
ln -s four.conf /etc/vpnrun/nested.servers/chosen
cp /etc/vpnrun/demo.conf /etc/vpnrun/demo.servers/four.conf
sed "s/^Endpoint = .*/Endpoint = [$RIG_ENDPOINT6]:$port/" /etc/vpnrun/demo.conf >/etc/vpnrun/demo.servers/six.conf
chmod 600 /etc/vpnrun/*.servers/*.conf
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.one"
sed -i 's,"config": "[^"]*","servers": "/etc/vpnrun/demo.servers",' /etc/vpnrun/demo.json
echo '{ "id": 3, "servers": "/etc/vpnrun/nested.servers", "via": "demo" }' >/etc/vpnrun/nested.json
before=$(seen host)
cap start
$RIG_CAPTURE start
ok 'R74 R83: one of many servers by one of many servers: up' vpnctl up demo
ok 'R74 R83: both' vpnctl up nested
as_user vpnrun nested "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
job=$!
count() { cut -d' ' -f1 "$home/loop"; }
goes_on() { is_state other && [ "$(count)" -gt "$1" ]; }
ok 'control: a program is at work inside' wait_for 15 is_state other
like "$(vpnctl switch nested dead 2>&1)" 'server dead of nested does not answer.*nested stays with four' \
	'R74 R83: a server that does not answer, asked by the other VPN'
n=$(count)
ok 'R74 R83: another server, by the other VPN' vpnctl switch nested name
ok 'R74 R83: the program inside goes on' wait_for 20 goes_on "$n"
n=$(count) keeper=$(cat /run/vpnrun/demo.supervisor)
like "$(vpnctl switch demo six 2>&1)" 'demo goes through six now, was four' 'R83: the VPN by which it goes is switched'
in_vpn demo wg show demo endpoints | grep -qF "[$RIG_ENDPOINT6]"
is $? 0 'control: that is another endpoint'
# Debian 13's wireguard-go sends to somebody else after such a change: only a fresh one is sure.
[ "$RIG_WG" = kernel ] || ok 'R83: from IPv4 to IPv6 by a wireguard-go that has sent nothing yet' \
	test "$(cat /run/vpnrun/demo.supervisor)" != "$keeper"
ok 'R74 R83: who goes through it is not stranded: the program inside goes on' wait_for 20 goes_on "$n"
ok 'R74 R83: and is whole' vpnctl status nested
like "$(vpnctl switch demo four 2>&1)" 'demo goes through four now, was six' 'R83: and back'
n=$(count)
ok 'R74 R83: who goes through it goes on' wait_for 20 goes_on "$n"
is "$(cap stop)" 0 "R74 R83: only demo's encrypted packets are seen on the uplink, whoever is asked"
is "$($RIG_CAPTURE stop)" 0 'R74 R83: and nothing else'
is "$(seen host)" "$before" 'R74 R83: the far end saw none from the host'
kill $job
wait $job 2>/dev/null
vpnctl down --force nested demo >/dev/null
cp "$RIG_DIR/demo.one" /etc/vpnrun/demo.json
profile nested ', "via": "demo"'
vpnctl up demo nested >/dev/null

# --- what cannot be ------------------------------------------------------------------------------

vpnctl down --force nested >/dev/null
ok "R37: down of both" vpnctl down demo
is "$(ip netns list | cut -d' ' -f1 | grep -xE 'demo|nested')" '' 'R37: no namespace stays'
refused() { # refused WHAT PATTERN FILE: by check and by up, with file, line and key
	local out name

	name=$(basename "$3" .json)
	out=$(vpnctl check "$3" 2>&1)
	like "$? $out" "^1 $3:1: via: $2" "$1: check refuses it"
	out=$(vpnctl up "$name" 2>&1)
	like "$? $out" "^1 vpnctl: .*$3:1: via: $2" "$1: so does up"
}
p=/etc/vpnrun/nested.json
profile nested ', "via": "nested"'
refused 'via itself' 'is this VPN itself' $p
profile nested ', "via": "nowhere"'
refused 'via a VPN that is not there' 'there is no VPN .nowhere' $p
profile nested ', "via": "../demo"'
refused 'via no name' '.../demo. is not a VPN' $p
profile nested ', "via": 3'
refused 'via a number' 'must be a text' $p
profile nested ', "layout": "bridge", "via": "demo"'
refused 'in the layout bridge' 'is for' $p
cp /etc/vpnrun/demo.json "$RIG_DIR/demo.saved"
sed -i 's/"netns"/"bridge"/' /etc/vpnrun/demo.json
profile nested ', "via": "demo"'
refused 'via one of the layout bridge' ".*demo. has the layout" $p
sed 's/"config"/"via": "nested", "config"/' "$RIG_DIR/demo.saved" >/etc/vpnrun/demo.json
refused 'in a circle' 'leads in a circle, back to' $p
refused 'in a circle, the other' 'leads in a circle, back to' /etc/vpnrun/demo.json
cp "$RIG_DIR/demo.saved" /etc/vpnrun/demo.json
profile nested ', "via": "demo"'
like "$(vpnctl check $p)" 'via +demo' 'check says through which it goes'

cp -p /etc/vpnrun/demo.conf "$RIG_DIR/demo.conf.saved"
sed -i "s,^AllowedIPs.*,AllowedIPs = $RIG_WEB4/32\, ::/0," /etc/vpnrun/demo.conf
sed -i 's/exit.vpn.rig.test/198.51.100.2/' /etc/vpnrun/nested.conf
vpnctl up demo >/dev/null
out=$(vpnctl up nested 2>&1)
like "$? $(one_sentence "$out" && echo "$out")" "^1 vpnctl: .*'demo' .*does not lead to the endpoint $RIG_OTHER_ENDPOINT4" \
	"an endpoint that the other's AllowedIPs leave out: refused in one sentence"
is "$(ip netns list | cut -d' ' -f1 | grep -x nested)" '' 'and nothing was made'
kill $capture2
finish
