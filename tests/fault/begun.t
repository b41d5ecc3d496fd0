#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a command had begun to write when it was killed, or failed, is taken away by the next one, whatever that is about:
# no key, no unit and no note stays (R12 R26 R36 R76). Each of these was found by control.t. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
if [ -n "${FAULT_ONLY:-}${FAULT_KINDS:-}" ]; then
	echo '1..0 # SKIP a part of control.t or launch.t is asked for'
	exit 0
fi
# shellcheck disable=SC2016
home=$(as_user sh -c 'echo $HOME')
# shellcheck disable=SC2086 # two words
strike() { # strike CALL N WHAT COMMAND...: -k, or -e ERROR
	"$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s "$1" -n "$2" $3 -- "${@:4}" >/dev/null 2>&1
	grep -q ^struck "$RIG_DIR/struck"
}
import() { vpnctl import --name "$1" --id 9 "$RIG_DIR/conf/psk.conf"; }
strike linkat 1 -k vpnctl import --name first --id 9 "$RIG_DIR/conf/psk.conf"
is "$(find /etc/vpnrun -name '.*' -type f | wc -l)" 1 'R26 R76 danger: an import that is killed leaves a file with a key'
import second >/dev/null
is "$(find /etc/vpnrun -name '.*' -type f)" '' 'R26 R76: the next import, of whatever name, takes it away'
rm -f /etc/vpnrun/{first,second}.*
mkdir -p "$RIG_DIR/servers"
install -m 600 "$RIG_DIR/conf/psk.conf" "$RIG_DIR/servers/one.conf"
install -m 600 "$RIG_DIR/conf/psk.conf" "$RIG_DIR/servers/two.conf"
keys() { find /etc/vpnrun/{keys*,.import*} -type f ! -name '*.json' 2>/dev/null; }
orphans=0
for call in mkdirat renameat2 unlinkat; do
	for n in {1..20}; do
		vpnctl import "$RIG_DIR/servers" --name keys --id 9 >/dev/null
		strike $call "$n" -k vpnctl remove keys || break
		[ -e /etc/vpnrun/keys.json ] || [ -z "$(keys)" ] || orphans=$((orphans + 1))
		# As it was asked for, and if there is no such VPN any more, whatever comes next.
		vpnctl remove keys 2>/dev/null || import second >/dev/null
		is "$(keys)" '' "R26 R76: a remove of many servers that was killed at its $call $n: the next change leaves no key"
		rm -f /etc/vpnrun/second.*
	done
	vpnctl remove keys 2>/dev/null
done
ok 'R26 R76 danger: killed late it has left keys that no VPN is known by' test "$orphans" -gt 0
chmod 1777 "$RIG_DIR"
rm -f "$RIG_DIR/struck"
ok 'control: wrap is killed' as_user bash -c "$(declare -f strike); RIG_DIR=$RIG_DIR; strike fchmod 1 -k vpnctl wrap --vpn demo curl"
rm -f "$RIG_DIR/struck"
chmod 755 "$RIG_DIR"
as_user vpnctl unwrap curl >/dev/null
is "$(find "$home" -name 'curl*')" '' 'R76: a wrap that was killed: unwrap takes away what it had begun'
mkdir -p /etc/systemd/system
printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/failer.service
if [ "$RIG_LAYOUT" = netns ]; then
	ok 'control: confine fails' strike rename 2 '-e 28' vpnctl confine --vpn demo failer
fi
is "$(find /etc/systemd/system -name '*failer*')" /etc/systemd/system/failer.service 'R36: confine that fails leaves no unit of its own'
rm /etc/systemd/system/failer.service
vpnctl up --no-wait demo >/dev/null
begun() { find /run/vpnrun -name '*.new' ! -name '*.health.new'; }
for next in 'default --no-ip none' 'up --no-wait demo' 'restart --no-wait other' 'down --force other'; do
	ok 'control: a default is killed as it begins to note itself' strike rename 1 -k vpnctl default --no-ip demo
	# shellcheck disable=SC2086 # words
	vpnctl $next >/dev/null
	is "$(begun)" '' "R12 R76: the next \"vpnctl ${next%% *}\" takes away what was begun"
done
strike rename 1 -k vpnctl default --no-ip demo
kill -USR2 "$(cat /run/vpnrun/demo.supervisor)"
ok 'R12 R76: and so does a keeper at its next look' wait_for 10 eval '[ -z "$(begun)" ]'
vpnctl up --no-wait other >/dev/null
finish
