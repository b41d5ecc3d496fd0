#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A client that lies in every field, by chance: to the broker, to the plugger in the front's place, and to the door of the
# default. Nothing is granted, nothing is left, and who tells the truth is served as before.
#
#   this test's own network, mount and pid namespaces ("the host"), with the netns tst (id 7), which alice may use
#
# LIAR_SEED=N tells the same lies again; LIAR_ROUNDS=N tells more of them.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-$PWD/build}
if [ "${LIAR_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	LIAR_INSIDE=1 B=$B exec unshare -nmpf --mount-proc --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh
seed=${LIAR_SEED:-$RANDOM$RANDOM}
rounds=${LIAR_ROUNDS:-400}
diag "LIAR_SEED=$seed LIAR_ROUNDS=$rounds"

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/t /run/netns
install -m 755 "$B"/tests/net/{hostile,mkvpn,liar} "$B"/libexec/vpnrun/vpnrund{,-plug} /run/t/
chmod 1777 /run/t
S=/run/vpnrun/vpnrund.sock
ip link set lo up
printf 'root:x:0:0::/root:/bin/sh\nvpnrun:x:4000:4000::/:/bin/false\nalice:x:4001:4001::/:/bin/sh\nbob:x:4002:4002::/:/bin/sh\n' >/run/t/passwd
printf 'root:x:0:\nvpnrun:x:4000:alice\n' >/run/t/group
mount --bind /run/t/passwd /etc/passwd
mount --bind /run/t/group /etc/group
ip netns add tst && ip -n tst link add br-tst type bridge && ip -n tst link set br-tst up
/run/t/mkvpn tst 7 "$(ip netns exec tst cat /sys/class/net/br-tst/ifindex)" group=vpnrun limit=253

as() { setpriv --reuid "$1" --regid "$1" --clear-groups --inh-caps=-all --bounding-set=-all -- "${@:2}"; }
ports() { ip -n tst -o link show type veth | grep -c .; }
no_ports() { [ "$(ports)" = 0 ]; }
idle() { ! pgrep -x vpnrund/busy >/dev/null; }
fds() { find "/proc/$1/fd" -mindepth 1 | wc -l; }

mkfifo /run/t/ready
/run/t/vpnrund --ready-fd 8 8>/run/t/ready 2>/run/t/log &
BROKER=$!
read -r -t 20 </run/t/ready
P=$(pgrep -P $BROKER -x vpnrund-plug)
like "$(as 4001 /run/t/hostile $S tst good)" '^attached' 'alice, who tells the truth, is served'
wait_for 10 no_ports
before=$(fds "$P")

for uid in 4001 4002; do
	like "$(as $uid /run/t/liar broker $S tst "$seed" "$rounds" 2>&1)" '^granted 0 refused [1-9][0-9]* ' \
		"L25 uid $uid lies to the broker: nothing is granted"
done
wait_for 20 idle
is "$(pgrep -P $BROKER -x vpnrund-plug)" "$P" 'the same plugger serves'
is "$(fds "$P")" "$before" 'it keeps no descriptor of theirs'
is "$(ports)" 0 'nothing is plugged'
like "$(as 4001 /run/t/hostile $S tst good)" '^attached' 'and alice is served as before'
wait_for 10 no_ports

like "$(setpriv --reuid 4000 --regid 4000 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
	--bounding-set=-all,+net_admin /run/t/liar plugger /run/t/vpnrund-plug tst "$seed" "$rounds" 2>&1)" \
	'^granted 0 refused [1-9][0-9]* ' 'L25 a front that lies in every field: nothing is plugged, and the plugger lives to the end'
is "$(ports)" 0 'nothing is'

rules=$(ip rule; ip -6 rule; ip route show table all)
like "$(/run/t/liar door "$B/bin/vpnctl" 4002 "$seed" $((rounds / 8)) 2>&1)" '^granted 0 refused [1-9][0-9]* ' \
	'L25 lies at the door of the default: nothing is granted'
is "$(ip rule; ip -6 rule; ip route show table all)" "$rules" 'and no route or rule is another'
ok 'there is no default' test ! -e /run/vpnrun/default.note
kill -TERM $BROKER
wait $BROKER
is $? 0 'the broker ends as if nothing had been'
finish
