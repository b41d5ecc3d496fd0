#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A switch between two of a VPN's servers that was killed: until somebody finishes it, nothing is known of the server that is
# in use. The keeper finishes it at a word, and follows no other server meanwhile; what asked a server goes with who was
# asking. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
probe=$RIG_DIR/build/tests/net/probe
home=$(as_user sh -c 'echo $HOME')

word_is() { [ "$(cut -d' ' -f2 "$home/loop")" = "$1" ]; }
broken_off() { vpnctl status many | grep -q 'is under way, or was broken off'; }
endpoint() { in_vpn many wg show many endpoints | cut -f2; }
server_is() { vpnctl status many --json | grep -q "\"server\": \"$1\""; }
keeper() { cat /run/vpnrun/many.supervisor; }
told() { grep -c 'many: it is all there again' /run/vpnrun/many.log; }
told_since() { [ "$(told)" -gt "$1" ]; }
seen() { stat -c %y /run/vpnrun/many.health; }
seen_since() { [ "$(seen)" != "$1" ]; }
no_errand() { ! pgrep -P "$(keeper)" -x vpnctl; }
sockets() { find /run/wireguard -name 'ask*'; }
no_sockets() { [ -z "$(sockets)" ]; }
struck() { # struck CALL N COMMAND...: killed as it makes that call
	rm -f "$RIG_DIR/struck"
	"$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s "$1" -n "$2" -k -- "${@:3}" >/dev/null 2>&1
	grep -q ^struck "$RIG_DIR/struck"
}
# The keeper looks by itself twice a minute. Here it has just looked: what comes now, comes of a word.
looked() {
	local before
	[ ! -e /run/vpnrun/no-repair ] || return 0
	before=$(told)
	if [ "$RIG_LAYOUT" = bridge ]; then ip route del default table 9; else in_vpn many ip route del default; fi
	wait_for 20 told_since "$before"
}
break_off() { # break_off SERVER: by the first file of the switch that nobody else has been told of
	local n
	for n in {1..9}; do
		looked
		struck rename "$n" vpnctl switch many "$1" || return 1
		! broken_off || return 0
		vpnctl switch many one >/dev/null 2>&1
	done
	return 1
}

vpnctl down demo other >/dev/null
mkdir "$RIG_DIR/given"
install -m 600 /etc/vpnrun/demo.conf "$RIG_DIR/given/one.conf"
# Nobody is there; and its keys are those of the first, as many providers have it.
sed "s/^Endpoint = .*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/demo.conf >"$RIG_DIR/given/near.conf"
sed "s/^Endpoint = .*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf >"$RIG_DIR/given/two.conf"
sed "s,^PublicKey = .*,PublicKey = $(wg genkey | wg pubkey)," /etc/vpnrun/demo.conf >"$RIG_DIR/given/void.conf"
chmod 600 "$RIG_DIR"/given/*.conf
vpnctl import "$RIG_DIR/given" --name many --id 9 >/dev/null
sed -i "s/\"id\"/\"layout\": \"$RIG_LAYOUT\", &/" /etc/vpnrun/many.json
ln -sfn one.conf /etc/vpnrun/many.servers/chosen
ok 'control: it is up' vpnctl up many
as_user vpnrun many "$probe" loop "$RIG_WEB4" 80 "$home/loop" &
inside=$!
ok 'control: a program is at work inside, by the first server' wait_for 20 word_is demo
$RIG_CAPTURE start

# --- the keeper's errand ---------------------------------------------------------------------------------

# Who puts things back is kept away for now: what is seen is what the errand does.
touch /run/vpnrun/no-repair
ok 'danger: a switch that is killed early leaves a VPN of which no server is known' break_off near
is "$(endpoint)" "$RIG_ENDPOINT4:$RIG_PORT" 'control: its tunnel goes by the first server'
for _ in 1 2 3; do
	before=$(seen)
	kill -USR2 "$(keeper)"
	wait_for 20 seen_since "$before"
	wait_for 20 no_errand
done
is "$(endpoint)" "$RIG_ENDPOINT4:$RIG_PORT" 'R83: the keeper that looks for addresses that changed does not follow a server that is not in use'
ok 'R83: the program inside goes by the first' word_is demo
rm /run/vpnrun/no-repair
ok 'R28: the command that status names is typed' vpnctl up --no-wait many
ok 'R83: and finishes it' not broken_off
ok 'control: the program inside goes on by the first' wait_for 20 word_is demo

# --- put back --------------------------------------------------------------------------------------------

# Whoever has the keys of the one before is not asked first, and of a device that asks the kernel would tell.
ok 'danger: it is killed early again' break_off near
kill -USR2 "$(keeper)"
ok 'R83 R78: at a word the keeper finishes it, of which the kernel had nothing to tell' wait_for 15 not broken_off
is "$(endpoint)" "$RIG_OTHER_ENDPOINT4:$RIG_PORT" 'R83: by the server that it was for'
vpnctl switch many one >/dev/null 2>&1
ok 'control: back at the first' wait_for 20 word_is demo
ok 'danger: a switch to another with other keys is killed' break_off two
kill -USR2 "$(keeper)"
ok 'R83 R78: the keeper finishes that, too' wait_for 20 not broken_off
ok 'R83: by the server that it was for' server_is two
ok 'R83: and so goes the program inside, not by the one before' wait_for 20 word_is other
ok 'R83: it is whole' wait_for 20 vpnctl status many

# --- what asks a server -----------------------------------------------------------------------------------

n=0
freeze many # or it takes away what is left before it has been looked at
until [ -n "$(sockets)" ] || [ $n = 9 ]; do
	n=$((n + 1))
	struck poll $((5 * n)) vpnctl switch many void
done
if [ -e /run/wireguard/many.sock ]; then
	ok 'danger: a switch that is killed as it asks leaves the socket of what asked' test -n "$(sockets)"
	thaw many
	ok 'R37: the keeper takes it away when it looks' wait_for 45 no_sockets
else
	thaw many
	skip 'the kernel has WireGuard, and no socket for it' 'R37: the keeper takes away the socket of what asked'
fi
is "$($RIG_CAPTURE stop)" 0 'L01 R83: nothing of all that left in the clear'
ok 'R83: the same program is inside' kill -0 $inside
kill $inside
wait 2>/dev/null
vpnctl down --force many >/dev/null
is "$(find /run/vpnrun -name 'many*' ! -name many.lock)" '' 'R37: down leaves nothing'
finish
