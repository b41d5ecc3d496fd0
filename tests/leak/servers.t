#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VPN of many servers: another is chosen, the silent one is left for one that answers, and who is inside stays
# inside all the while, with names, addresses of its own and nothing in the clear. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')
dir=/etc/vpnrun/many.servers json=/etc/vpnrun/many.json

word() { cut -d' ' -f2 "$home/$1"; }
word_is() { [ "$(word "$1")" = "$2" ]; }
# names: what the program inside, which came in before any switch, gets by a name
said_inside() { as_user vpnrun --with "$(cat "$home/pid")" curl -s -m 5 "http://$RIG_NAME4/"; }
inside_is() { [ "$(said_inside)" = "$1" ]; }
chosen() { readlink "$dir/chosen"; }
goes_by() { vpnctl status many | grep -qF "many goes through $1"; }
record_is() { vpnctl status many --json | tr -d '\n' | grep -qE "\"server\": \"$1\",[ ]*\"server_chosen\": \"$2\""; }
tunnel_addresses() { in_vpn many ip -br addr show many | tr -s ' ' | cut -d' ' -f3-; }
asks() { pgrep -f 'wireguard-go -f ask' || ls /run/wireguard/ask* 2>/dev/null; }
cut_off() { in_ns router nft "table ip cut { chain c { type filter hook forward priority 0; ip daddr $1 drop; ip saddr $1 drop; }; }"; }

vpnctl down demo other >/dev/null
given=$RIG_DIR/given
mkdir "$given"
install -m 600 "/etc/vpnrun/demo.conf" "$given/xx-one-2.conf"
# To ask for its name is no leak, and would be counted.
sed -i "s/^Endpoint = .*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf
install -m 600 /etc/vpnrun/other.conf "$given/xx-one-10.conf"
# Whoever is there has another key.
sed "s,^PublicKey = .*,PublicKey = $(wg genkey | wg pubkey)," "/etc/vpnrun/demo.conf" >"$given/yy-dead-1.conf"
chmod 600 "$given"/*.conf
$RIG_CAPTURE start
like "$(vpnctl import "$given" --name many --id 9)" "imported 3 servers as VPN 'many', id 9" 'R83: a directory is imported as one VPN'
sed -i "s/\"id\"/\"layout\": \"$RIG_LAYOUT\", &/" $json

# --- one of them ---------------------------------------------------------------------------------------
is "$(as_user vpnctl switch many | tr '\n' '|')" '  xx-one-2  (chosen, not up)|  xx-one-10|  yy-dead-1|' \
	'R83: switch lists the servers as people count, for everybody; the first is chosen'
like "$(vpnctl up many 2>&1)" "many is up: the server answers, at $RIG_ENDPOINT4" 'R83: up goes by the chosen one'
as_user vpnrun many sh -c 'echo $$ >"$HOME/pid"; exec "$@"' - "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
inside=$!
in_ns demo "$probe" serve "$RIG_WEB4" 7007 demo >/dev/null &
served=$!
in_ns other "$probe" serve "$RIG_WEB4" 7007 other >/dev/null &
served+=" $!"
as_user vpnrun many "$probe" flow "$RIG_WEB4" 7007 "$home/flow" &
flow=$!
ok 'control: a program is at work inside' wait_for 10 word_is loop demo
ok 'control: and a flow' wait_for 10 word_is flow demo
ok 'control: and it has names' wait_for 10 inside_is demo
port=$(in_vpn many ip -br link | grep -o '^vr9\.[0-9]*' | paste -sd,)
before=$(tunnel_addresses)
# What a restart with another server's file did to them: the name server that they ask is not behind it.
vpnctl up other >/dev/null 2>&1
is "$(as_user vpnrun other sh -c "curl -s -m 5 http://$RIG_WEB4/; timeout 2 bash -c '>/dev/tcp/$RIG_DNS_DEMO/53' 2>/dev/null || echo silent" | paste -sd,)" other,silent \
	'control: behind the other server nobody answers at the first one'"'"'s name server'
vpnctl down other >/dev/null

# --- another -------------------------------------------------------------------------------------------
vpnctl status many --watch >"$RIG_DIR/events" &
watcher=$!
wait_for 20 grep -q '^many is up' "$RIG_DIR/events"
like "$(vpnctl switch many xx-one-10 2>&1)" '^many goes through xx-one-10 now, was xx-one-2: the server answers$' 'R83: switch'
ok 'R70: who watches is told of the server' wait_for 20 grep -qx 'many goes through xx-one-10' "$RIG_DIR/events"
kill "$watcher"
ok 'R83 R31: the program inside goes on by the other' wait_for 15 word_is loop other
ok 'R83 L29: so does a flow of one socket, which has the old address no more' wait_for 15 word_is flow other
ok 'R83 L06: and asks the name server that it knows for names, which is answered by the one that there is' wait_for 15 inside_is other
ok 'R83: by the same cable, with the same pid' kill -0 "$(cat "$home/pid")"
is "$(in_vpn many ip -br link | grep -o '^vr9\.[0-9]*' | paste -sd,)" "$port" 'R83: with the same addresses'
ok 'R34: the tunnel has the other'"'"'s addresses, and the old ones no more' not test "$(tunnel_addresses)" = "$before"
is "$(in_vpn many ip -br addr show many | grep -cF -e 10.67. -e fd64:64)" 0 'R34: none of the old ones'
is "$(chosen)" xx-one-10.conf 'R83: what was chosen is written down beside the files'
ok 'R83: status says which' goes_by xx-one-10
ok 'R83: so does JSON' record_is xx-one-10 xx-one-10
ok 'R83: status is content' vpnctl status many
ok 'R83: for everybody' as_user vpnctl status many
like "$(vpnctl switch many next 2>&1)" 'server yy-dead-1 of many does not answer.*many goes through xx-one-2 now, was xx-one-10' \
	'R83: the next that answers; the silent one is said'
ok 'R83: back at the first' wait_for 15 inside_is demo
is "$(tunnel_addresses)" "$before" 'R34: as it was'

# --- a server that does not answer -----------------------------------------------------------------------
count=$(cut -d' ' -f1 "$home/loop")
# With the file's number: one that is written back as it was has been touched, too.
same() { ls -i /run/vpnrun/many; sha256sum /run/vpnrun/many; }
record=$(same)
said=$(vpnctl switch many yy-dead-1 2>&1)
is "$? $said" "1 vpnctl: server yy-dead-1 of many does not answer
vpnctl: many stays with xx-one-2" 'R83: a switch to a dead one stays with the old one, and says so'
is "$(same) $(chosen)" "$record xx-one-2.conf" 'R83: nothing was touched for it'
ok 'R83: the program inside went on meanwhile' test "$(cut -d' ' -f1 "$home/loop")" -gt "$count"
ok 'R37: whoever asked it has left nothing' wait_for 10 not asks
# One that answers who asks, and nobody who then comes: what has its port meets nothing.
sed -i 's/^\[Interface\]/&\nListenPort = 51999/' $dir/xx-one-10.conf
in_ns router nft 'table ip half { counter lost {}; chain c { type filter hook forward priority 0; udp sport 51999 counter name lost drop; }; }'
freeze many
said=$(vpnctl switch many xx-one-10 2>&1)
is "$? $said" "1 vpnctl: server xx-one-10 of many does not answer
vpnctl: many stays with xx-one-2" 'R83: a server that is silent once it is switched to is left again'
lost=$(in_ns router nft list counter ip half lost | sed -n 's/.*packets \([0-9]*\).*/\1/p')
ok 'control: it was switched to' test "${lost:-0}" -gt 0
# The keeper, who would leave it in the end, has done nothing yet.
ok 'R83: and what is in use is the old one' record_is xx-one-2 xx-one-2
thaw many
ok 'R83: the program inside is back, too' wait_for 15 word_is loop demo
ok 'R83: by the same cable, with the same pid' kill -0 "$(cat "$home/pid")"
is "$(tunnel_addresses) $(chosen)" "$before xx-one-2.conf" 'R34: with the addresses and the choice as they were'
ok 'R83: and it is whole' vpnctl status many
in_ns router nft delete table ip half
sed -i '/^ListenPort/d' $dir/xx-one-10.conf

# In a guest only what its kernel's WireGuard makes different.
if [ -n "${RIG_SLOW:-}" ]; then
	is "$($RIG_CAPTURE stop)" 0 'L01 R83: nothing of all that left in the clear'
	kill $inside $flow $served
	wait 2>/dev/null
	vpnctl down --force many >/dev/null
	is "$(find /run/vpnrun -name 'many*' ! -name many.lock)" '' 'R37: down leaves nothing'
	finish
	exit
fi

# One that was killed half-way, as the keeper's errand is after two minutes: what the record says is not so any more.
freeze many
said=
for n in {1..9}; do
	"$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s rename -n "$n" -k -- vpnctl switch many xx-one-10 >/dev/null 2>&1
	said=$(vpnctl status many)
	[[ $said != *'broken off'* ]] || break
	vpnctl switch many xx-one-2 >/dev/null 2>&1
done
like "$said" 'a switch from xx-one-2 to another server is under way, or was broken off: vpnctl up many' 'R78 R83: status says that a switch was broken off'
like "$(vpnctl switch many xx-one-2 2>&1)" 'many goes through xx-one-2 now, was xx-one-2' 'R83: a switch to the one that the record names is one'
ok 'R28: the command that status names is typed' vpnctl up --no-wait many
thaw many
ok 'R83: with the same program inside' wait_for 30 word_is loop demo
ok 'R83: all is whole' vpnctl status many
record=$(same)

# --- bad input -------------------------------------------------------------------------------------------
like "$(vpnctl switch many xx-one-3 2>&1)" "many has no server 'xx-one-3'; did you mean xx-one-2\\?" 'R83: no such server'
like "$(vpnctl switch many nowhere 2>&1)" 'has no server .nowhere.; all 3 are listed by: vpnctl switch many' 'R83: nor one like it'
is "$(vpnctl switch many | wc -l)" 3 'R28: as it says'
like "$(vpnctl switch demo next 2>&1)" "VPN 'demo' has one server" 'R83: of a VPN with one server'
like "$(as_user vpnctl switch many next 2>&1)" 'only root can switch; try: sudo vpnctl switch many next' 'R28: who is not root'
echo '[Interface]' >"$dir/zz-bad.conf"
chmod 600 "$dir/zz-bad.conf"
like "$(vpnctl switch many zz-bad 2>&1)" "^$dir/zz-bad.conf:|zz-bad.conf.*many stays with xx-one-2" 'R83: a broken file is refused'
cp "/etc/vpnrun/other.conf" "$dir/zz-bad.conf"
chmod 644 "$dir/zz-bad.conf"
like "$(vpnctl switch many zz-bad 2>&1)" "chmod 600 $dir/zz-bad.conf.*many stays with xx-one-2" 'R26: one that everybody can read, too'
chmod 600 "$dir/zz-bad.conf"
is "$(stat -c %a "$dir/zz-bad.conf")" 600 'R28: the command that it names is typed'
rm "$dir/zz-bad.conf"
chmod 777 "$dir"
like "$(vpnctl switch many next 2>&1)" "$dir must be writable by its owner only" 'R26: and a directory that everybody can write in'
chmod 755 "$dir"
is "$(same) $(chosen)" "$record xx-one-2.conf" 'R83: nothing was touched for any of them'

# --- the whole machine ------------------------------------------------------------------------------------
vpnctl default --no-ip many >/dev/null
is "$(curl -s -m 10 "http://$RIG_WEB4/")" demo 'control: many is the machine'"'"'s default'
ok 'R83 R16: switch beneath the default' vpnctl switch many xx-one-10
by_default() { [ "$(curl -s -m 10 "http://$1/")" = other ]; }
ok 'R83: the machine goes by the other' wait_for 15 by_default "$RIG_WEB4"
ok 'R83: and asks for names there' wait_for 15 by_default "$RIG_NAME4"
like "$(vpnctl status many)" 'many is the machine'"'"'s default' 'R83: it is the default still'
vpnctl default --no-ip none >/dev/null
is "$($RIG_CAPTURE stop)" 0 'L01 R83: nothing of all that left in the clear'
curl -s -m 5 "http://$RIG_WEB4/" >/dev/null
$RIG_CAPTURE start
curl -s -m 5 "http://$RIG_WEB4/" >/dev/null
ok 'control: what does leave in the clear is seen' test "$($RIG_CAPTURE stop)" -gt 0

# --- the server falls silent -------------------------------------------------------------------------------
$RIG_CAPTURE start
ok 'control: the program inside goes by the second' wait_for 15 word_is loop other
cut_off "$RIG_OTHER_ENDPOINT4"
begin=$EPOCHREALTIME
ok 'R80 R83 L01: the silent server is left for the next, with the same program inside' wait_for 60 word_is loop demo
diag "after $(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
like "$(vpnctl status many)" 'many goes through xx-one-2; xx-one-10, which is chosen, did not answer and is tried again' 'R83: status says so'
ok 'R83: and JSON' record_is xx-one-2 xx-one-10
is "$(chosen)" xx-one-10.conf 'R83: what was chosen stays chosen'
like "$(cat /run/vpnrun/many.log)" 'many goes through xx-one-2 now: xx-one-10 did not answer' 'R83: the log'
not_edited() { not grep -q 'has changed since' <<<"$(vpnctl status many)"; }
ok 'R83: and does not take it for a change of files' not_edited
vpnctl up --no-wait many >/dev/null
ok 'R83: up stays with the one that answers' record_is xx-one-2 xx-one-10
is "$(in_vpn many wg show many endpoints | cut -f2)" "$RIG_ENDPOINT4:$RIG_PORT" 'R83: and so does its tunnel'
ok 'R83: it is whole' vpnctl status many
ok 'R83: while the chosen one is silent, the keeper'"'"'s errand leaves it' not vpnctl failover many home
ok 'R83: the one in use stays' goes_by xx-one-2
in_ns router nft delete table ip cut
ok 'R83: when it answers again, the same errand goes back' vpnctl failover many home
ok 'R83: with the program inside' wait_for 15 word_is loop other
ok 'R83: and status says no more of it' record_is xx-one-10 xx-one-10
ip link set $RIG_UPLINK down
ok 'R83: without any network, nobody is gone to' not vpnctl failover many 0
ok 'R83: the one in use stays' goes_by xx-one-10
ip link set $RIG_UPLINK up
ip route add default via 192.168.77.1 dev $RIG_UPLINK
is "$($RIG_CAPTURE stop)" 0 'L01 R83: nothing of all that left in the clear'

# Its files are replaced while it is up.
ok 'R83: the switch before' vpnctl switch many xx-one-2
like "$(vpnctl import "$given" --name many --replace 2>&1)" 'it is up by the former ones until: vpnctl restart many' 'R83: import --replace of many'
is "$(chosen)" xx-one-2.conf 'R83: the chosen one stays chosen'
like "$(vpnctl restart many 2>&1)" "many is up: the server answers, at $RIG_ENDPOINT4" 'R31 R83: restart, as it says'
ok 'R31 R83: the program inside goes on' wait_for 30 word_is loop demo

# --- the end -----------------------------------------------------------------------------------------------
kill $inside $flow $served
wait 2>/dev/null
vpnctl down --force many >/dev/null
is "$(vpnctl switch many xx-one-2)" 'many is not up; it will go through xx-one-2' 'R83: one that is down goes by the chosen one next time'
is "$(chosen)" xx-one-2.conf 'R83: which is written down'
is "$(find /run/vpnrun -name 'many*' ! -name many.lock)" '' 'R37: down leaves nothing'
ok 'R37: nor does whoever asked' wait_for 10 not asks
finish
