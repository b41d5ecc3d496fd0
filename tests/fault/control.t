#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnctl is killed, or fails, at every system call of up, down (of a way out by the uplink, too), restart, default, switch,
# import, wrap, policy, oci and confine, while programs start in the VPN and send all the time: nothing in the clear, nothing
# that the next run does not finish or remove, nothing that happens later (L51 R12 R13 R16 R36 R76). FAULT_SAMPLE: how many
# points of each kind, all of them by 0; FAULT_PART: which of them, as faults.pl has it.
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

# --- a way out by the uplink, beside the default -----------------------------------------------------

mapfile -t some < <(kinds direct direct-down)
if [ ${#some[@]} -gt 0 ]; then
	vpnctl up --no-wait demo >/dev/null
	vpnctl default --no-ip demo >/dev/null
	echo '{"id": 9, "device": "uplink", "allow": {"users": ["'"$RIG_USER"'"]}}' >/etc/vpnrun/direct.json
	in_ns lan ip route add "$RIG_WEB4/32" via "$RIG_HOST4"
	: >"$RIG_DIR/sent" # or what the one before has written is taken for this one's
	# Everybody else's way is the default; of those inside one speaks to the bridge, and would be counted elsewhere.
	(
		trap 'exit 0' TERM
		while :; do
			as_user timeout 1 "$probe" tcp "$RIG_WEB4" 80
			as_user timeout 0.1 "$probe" udp "$RIG_WEB6_ADDR" 80
			as_user vpnrun direct ping -c 1 -W 1 10.20.9.1 | sed -n 's/.* 0% packet loss.*/inside/p'
			as_stranger vpnrun direct timeout 1 "$probe" tcp "$RIG_WEB4" 80
			in_ns lan timeout 0.2 "$probe" tcp "$RIG_WEB4" 80
		done
	) >"$RIG_DIR/sent" 2>/dev/null &
	sender=$!
	ok 'control: the machine gets out by its default' wait_for 20 grep -q '^demo' "$RIG_DIR/sent"
	$RIG_CAPTURE start
	tap faults "${some[@]}"
	is "$($RIG_CAPTURE stop)" 0 'R84 L02: while what leads around the VPNs came and went, was killed and failed, nothing of anybody else left by the uplink'
	is "$(grep -c '^clear' "$RIG_DIR/sent")" 0 'R50 L26: nor did who may not use it, or a host of the LAN, meet the clear network'
	ok 'control: somebody was inside, now and then' grep -q '^inside' "$RIG_DIR/sent"
	kill $sender
	wait $sender 2>/dev/null
	vpnctl up --no-wait direct >/dev/null
	is "$(as_user vpnrun direct curl -s -m 12 "http://$RIG_WEB4/") $(curl -s -m 12 "http://$RIG_WEB4/")" 'clear demo' 'R85: after all of that it leads out by the uplink, and nobody else does'
	vpnctl down --force direct >/dev/null
	in_ns lan ip route del "$RIG_WEB4/32" via "$RIG_HOST4"
	rm /etc/vpnrun/direct.json
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
	# If it has not come so far, whoever starts it is ended: nobody waits for that.
	kill "$FAULT_INSIDE" 2>/dev/null || kill $sender
	wait $sender 2>/dev/null
	vpnctl down --force many >/dev/null
	is "$(find /run/vpnrun -name 'many*' ! -name many.lock)" '' 'R37 R83: down leaves nothing of it'
	vpnctl remove many >/dev/null
	vpnctl up --no-wait other >/dev/null
fi

# --- files ----------------------------------------------------------------------------------------

# A service is confined to a namespace.
# shellcheck disable=SC2046
mapfile -t some < <(kinds import wrap policy oci $([ "$RIG_LAYOUT" = bridge ] || echo confine))
[ ${#some[@]} = 0 ] || tap faults "${some[@]}"
finish
