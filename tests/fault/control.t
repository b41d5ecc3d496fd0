#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnctl is killed, or fails, at every system call of up, down, restart, default, import, wrap, policy, oci and confine,
# while programs start in the VPN and send all the time: nothing in the clear, nothing that the next run does not finish or
# remove, nothing that happens later (L51 R12 R13 R16 R36 R76). FAULT_SAMPLE: how many points of each kind, all of them by 0;
# FAULT_PART: which of them, as faults.pl has it.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck disable=SC2016
home=$(as_user sh -c 'echo $HOME')
export FAULT_HOME=$home FAULT_PORTS=0
probe=$RIG_DIR/build/tests/net/probe
faults() {
	# shellcheck disable=SC2086
	"$RIG_DIR/tests/fault/faults.pl" --sample "${FAULT_SAMPLE-8}" ${FAULT_SEED:+--seed "$FAULT_SEED"} ${FAULT_ONLY:+--only "$FAULT_ONLY"} ${FAULT_PART:-} "$@" |
		sed -u '/^1\.\.[0-9]*$/d'
	return "${PIPESTATUS[0]}"
}
tap() { # tap NAME COMMAND...: the assertions of another program, one after the other
	local line
	while read -r line; do
		case $line in
		ok* | 'not ok'*)
			tap_n=$((tap_n + 1))
			[[ $line = ok* ]] || tap_failed=$((tap_failed + 1))
			echo "${line%%ok*}ok $tap_n ${line#*ok +([0-9]) }" ;;
		*) echo "$line" ;;
		esac
	done < <("$@")
}
shopt -s extglob
kinds() { # those of these that are wanted
	local k
	for k; do [[ " ${FAULT_KINDS:-$*} " != *" $k "* ]] || echo "$k"; done
}
# The default resolves nothing while it changes hands.
sed -i "s/^Endpoint.*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf
vpnctl restart other >/dev/null

# --- programs that start in the VPN and send ------------------------------------------------------

# Whatever stands at that moment: where they get out is where their packets go.
sender() {
	trap 'exit 0' TERM
	while :; do
		# shellcheck disable=SC2016
		as_user vpnrun demo sh -c 'for i in 1 2 3 4 5 6; do
			timeout 1 "$0" tcp "$1" 80; timeout 0.1 "$0" udp "$2" 80; done' "$probe" "$RIG_WEB4" "$RIG_WEB6_ADDR"
		read -r -t 0.1 <> <(:)
	done
}
sender >"$RIG_DIR/sent" 2>/dev/null &
sender=$!
wait_for 20 grep -q '^demo' "$RIG_DIR/sent"
ok 'control: a program inside gets out by the VPN' grep -q '^demo' "$RIG_DIR/sent"
$RIG_CAPTURE start
mapfile -t some < <(kinds up down restart)
[ ${#some[@]} = 0 ] || tap faults "${some[@]}"
is "$($RIG_CAPTURE stop)" 0 'L02: while the VPN came and went, was killed and failed, nothing left by the uplink'
is "$(grep -c '^clear' "$RIG_DIR/sent")" 0 'L02: and no program inside met the clear network'
kill $sender
wait $sender 2>/dev/null

# --- the machine's default ------------------------------------------------------------------------

mapfile -t some < <(kinds on off)
[ ${#some[@]} = 0 ] || tap faults "${some[@]}"
mapfile -t some < <(kinds switch)
if [ ${#some[@]} -gt 0 ]; then
	vpnctl up demo >/dev/null
	vpnctl up other >/dev/null
	vpnctl default --no-ip demo >/dev/null
	: >"$RIG_DIR/sent" # or what the one before has written is taken for this one's
	(
		trap 'exit 0' TERM
		while :; do
			as_user timeout 1 "$probe" tcp "$RIG_WEB4" 80
			as_user timeout 0.1 "$probe" udp "$RIG_WEB6_ADDR" 80
			read -r -t 0.05 <> <(:)
		done
	) >"$RIG_DIR/sent" 2>/dev/null &
	sender=$!
	wait_for 20 grep -q '^demo' "$RIG_DIR/sent"
	ok 'control: the machine gets out by the VPN' grep -q '^demo' "$RIG_DIR/sent"
	$RIG_CAPTURE start
	tap faults switch
	is "$($RIG_CAPTURE stop)" 0 'R16: while the default changed hands, was killed and failed, nothing was in the clear'
	is "$(grep -c '^clear' "$RIG_DIR/sent")" 0 'R16: and no program met the clear network'
	kill $sender
	wait $sender 2>/dev/null
	vpnctl default --no-ip none >/dev/null
fi

# --- another of a VPN's servers --------------------------------------------------------------------

mapfile -t some < <(kinds server failover)
if [ ${#some[@]} -gt 0 ]; then
	vpnctl down --force demo other >/dev/null
	mkdir "$RIG_DIR/servers"
	install -m 600 /etc/vpnrun/demo.conf /etc/vpnrun/other.conf "$RIG_DIR/servers"
	vpnctl import "$RIG_DIR/servers" --name many --id 9 >/dev/null
	sed -i "s/\"id\"/\"layout\": \"$RIG_LAYOUT\", &/" /etc/vpnrun/many.json
	vpnctl up many >/dev/null
	rm -f "$home/pid"
	: >"$RIG_DIR/sent" # or what the one before has written is taken for this one's
	# shellcheck disable=SC2016
	export FAULT_PROGRAM='echo $$ >"$HOME/pid"; while :; do timeout 1 "$0" tcp "$1" 80; timeout 0.1 "$0" udp "$2" 80; done'
	as_user vpnrun many sh -c "$FAULT_PROGRAM" "$probe" "$RIG_WEB4" "$RIG_WEB6_ADDR" >"$RIG_DIR/sent" 2>/dev/null &
	sender=$!
	wait_for 20 grep -q '^demo' "$RIG_DIR/sent"
	ok 'control: a program inside gets out by the first server' grep -q '^demo' "$RIG_DIR/sent"
	FAULT_INSIDE=$(cat "$home/pid")
	export FAULT_INSIDE FAULT_SENT=$RIG_DIR/sent
	$RIG_CAPTURE start
	tap faults "${some[@]}"
	ok 'R83: after all of that the same program is inside' kill -0 "$FAULT_INSIDE"
	is "$($RIG_CAPTURE stop)" 0 'L02 R83: while another server was taken, the keeper'"'"'s errand, too, was killed and failed, nothing was in the clear'
	is "$(grep -c '^clear' "$RIG_DIR/sent")" 0 'L02 R83: and the program inside did not meet the clear network'
	kill "$FAULT_INSIDE"
	wait $sender 2>/dev/null
	vpnctl down --force many >/dev/null
	is "$(find /run/vpnrun -name 'many*' ! -name many.lock)" '' 'R37 R83: down leaves nothing of it'
	vpnctl remove many >/dev/null
	vpnctl up --no-wait other >/dev/null
fi

# --- what cannot be read is not absent ------------------------------------------------------------

# With a failure that lasts: a switch is not skipped, a file is not guessed, and a default that stands is no leftover.
unreadable() { strace -qqq -o /dev/null -e trace=access -e inject=access:error=EACCES -- vpnctl "$@" 2>&1; }
whole_or_refused() { # whole_or_refused STATUS TEXT
	if [ "$1" = 0 ]; then vpnctl status demo; else [[ $2 = 'vpnctl: '* ]] || { echo "$2"; false; }; fi
}
if [ -z "${FAULT_ONLY:-}" ]; then
	vpnctl down --force demo >/dev/null
	out=$(unreadable up --no-wait demo)
	ok 'R36 R78: up that may not ask which switches there are: all of them are set, or none of it' whole_or_refused $? "$out"
	vpnctl up --no-wait demo >/dev/null
	# Taken for no namespace, the one that programs are in would be removed, and another made in its place.
	if [ "$RIG_LAYOUT" = netns ]; then
		as_user vpnrun demo sleep 600 &
		inside=$!
		# shellcheck disable=SC2016
		wait_for 10 eval '[ "$(cat /proc/$inside/comm)" = sleep ]'
		lives=$(stat -Lc %i /run/netns/demo)
		for what in openat:EMFILE newfstatat:ENOMEM fstatfs:EIO ioctl:EPERM; do
			for cmd in 'up --no-wait' 'restart --no-wait' down; do
				# shellcheck disable=SC2086 # words
				strace -qqq -o /dev/null -P /run/netns/demo -e inject=${what%:*}:error=${what#*:} vpnctl $cmd demo >/dev/null 2>&1
				is "$(stat -Lc %i /run/netns/demo)" "$lives" "R36 R78: '$cmd' that may not ask what is in its place (${what%:*}) leaves who is inside alone"
			done
		done
		vpnctl up --no-wait demo >/dev/null
		kill $inside
	fi
	vpnctl default --no-ip demo >/dev/null
	names=$(cat /etc/resolv.conf)
	unreadable up --no-wait other >/dev/null
	is "$(cat /etc/resolv.conf)" "$names" 'R19: and the names of a default that stands stay its own'
	for what in openat read; do
		out=$(strace -qqq -o /dev/null -P /etc/resolv.conf -e inject=$what:error=EIO vpnctl default --no-ip none 2>&1)
		like "$out" '^vpnctl: .*cannot read /etc/resolv.conf' "R19 R36: a default whose names cannot be read ($what) is not taken away"
		vpnctl default --no-ip none >/dev/null
		is "$(cat /etc/resolv.conf)" "nameserver $RIG_DNS_CLEAR" 'R19: and the next one puts back what the machine had'
		vpnctl default --no-ip demo >/dev/null
	done
	# Whichever file a switch cannot put in its place: what it says of the default is so.
	vpnctl up --no-wait other >/dev/null
	unsaid=0
	for n in {1..20}; do
		out=$("$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s rename -n "$n" -e 28 -- vpnctl default --no-ip other 2>&1) &&
			now=other || now=demo
		grep -q ^struck "$RIG_DIR/struck" || break
		[[ $out != *'other is the default, but'* ]] || now=other unsaid=$((unsaid + 1))
		like "$(vpnctl status $now)" "$now is the machine's default" "R16 R36: a switch whose file $n cannot be put in its place: $now is the default, as it says"
		vpnctl default --no-ip demo >/dev/null
	done
	ok "control: one of these $n was the last note of a switch that was done" test "$unsaid" -gt 0
	vpnctl down --force other >/dev/null
	vpnctl default --no-ip none >/dev/null
	vpnctl down --force demo >/dev/null
	mv /etc/nsswitch.conf "$RIG_DIR/nsswitch.conf"
	mkdir /etc/nsswitch.conf
	[ "$RIG_LAYOUT" = bridge ] || like "$(vpnctl up --no-wait demo 2>&1)" '^vpnctl: .*cannot read /etc/nsswitch.conf' \
		"R36: the host's nsswitch.conf cannot be read: up says so"
	rmdir /etc/nsswitch.conf
	mv "$RIG_DIR/nsswitch.conf" /etc/nsswitch.conf
	if [ "$RIG_LAYOUT" = netns ]; then
		like "$(strace -qqq -o /dev/null -P /etc/netns/demo/resolv.conf -e inject=openat:error=EMFILE vpnctl up --no-wait demo 2>&1)" \
			'^vpnctl: .*cannot read /etc/netns/demo/resolv.conf' "R36 R45: nor is what holds its names somebody else's if it cannot be read"
		is "$(vpnctl status demo | awk 'NR == 2 { print $3 }')" down 'R36: and nothing of it is up'
	fi
fi

# --- files ----------------------------------------------------------------------------------------

# Found by the rest of this file; each here by itself.
# shellcheck disable=SC2086 # two words
strike() { # strike CALL N WHAT COMMAND...: -k, or -e ERROR
	"$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s "$1" -n "$2" $3 -- "${@:4}" >/dev/null 2>&1
	grep -q ^struck "$RIG_DIR/struck"
}
if [ -z "${FAULT_ONLY:-}" ]; then
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
fi
# A service is confined to a namespace.
# shellcheck disable=SC2046
mapfile -t some < <(kinds import wrap policy oci $([ "$RIG_LAYOUT" = bridge ] || echo confine))
[ ${#some[@]} = 0 ] || tap faults "${some[@]}"
finish
