#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make demo`: the main job, shown to somebody who sees it for the first time. Runs inside the rig
# (tests/rig/rig run -- tests/rig/demo.sh). Every value on the screen was printed by the command
# beside it, just now, and is compared with what it should be: the demo fails if one differs.
# shellcheck disable=SC2016 # shell text that the user's shell expands
set -u

bold='' dim='' green='' red='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
failed=0

say()
{
	printf '%s\n' "$@"
}
title()
{
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}
# value GOT WANTED WIDTH: coloured by whether GOT is what it should be (an extended expression).
value()
{
	local colour=$green got=${1:-nothing} mark=

	if ! [[ $got =~ ^($2)$ ]]; then
		colour=$red mark=' (!)'
		failed=$((failed + 1))
	fi
	printf '%s%-*s%s' "$colour" "${3:-0}" "${got//$'\n'/ }$mark" "$plain"
}
# line TEXT GOT WANTED [NOTE]
line()
{
	printf '  %-41s' "$1"
	value "$2" "$3" 18
	printf ' %s%s%s\n' "$dim" "${4:-}" "$plain"
}
user()
{
	timeout "${RIG_PATIENCE:-20}" as_user bash -c "$1" 2>&1
}
tunnel="wireguard-go, as this kernel has no WireGuard"
[ "$RIG_WG" = go ] || tunnel="the kernel's WireGuard"
say "${bold}vpnrun: one program goes through the VPN, and nothing else does${plain}" \
	"You are \"$RIG_USER\", an ordinary user, in a small internet of its own, which leaves your real" \
	"network alone: a web server that answers by which way you came (clear, or the VPN's name)," \
	"name servers, and two VPN providers, \"demo\" and \"other\", reached by" "$tunnel."

# --- the same command outside and inside ---------------------------------------------------------

rows=(
	"curl -s http://$RIG_WEB4/|clear|demo|other"
	"curl -s 'http://$RIG_WEB6/'|clear|demo|other"
	"curl -s http://$RIG_NAME/|clear|demo|other"
	"getent hosts $RIG_SIDE|$RIG_SIDE_CLEAR|$RIG_SIDE_DEMO|$RIG_SIDE_OTHER"
	"whoami|$RIG_USER|$RIG_USER|$RIG_USER"
)
first()
{
	user "$1" | awk 'NR == 1 {print $1}'
}
$RIG_CAPTURE start
outside=()
for row in "${rows[@]}"; do
	outside+=("$(first "${row%%|*}")")
done
seen_outside=$($RIG_CAPTURE stop)

# From here to the end of part 3 everything is inside, and a capture watches the uplink.
$RIG_CAPTURE start
title '1. The same commands: outside, and led through a VPN'
printf '  %s%-37s%-16s%-17s%s%s\n' "$dim" 'command' '(as it is)' 'vpnrun demo ...' 'vpnrun other ...' "$plain"
for i in "${!rows[@]}"; do
	IFS='|' read -r command clear demo other <<<"${rows[i]}"
	printf '  %-37s' "$command"
	value "${outside[i]}" "$clear" 16
	value "$(first "vpnrun demo $command")" "$demo" 17
	value "$(first "vpnrun other $command")" "$other"
	echo
done
say "  ${dim}$RIG_SIDE is a name that every name server answers differently.${plain}"

title '2. It is still your program'
line 'vpnrun demo sh -c "exit 55"; echo $?' "$(user 'vpnrun demo sh -c "exit 55"; echo $?')" 55 \
	'its own exit status'
read -r before after < <(user 'echo $$; exec vpnrun demo sh -c "echo \$\$"' | tr '\n' ' ')
line "a shell's pid, then after exec vpnrun" "$before $after" "([0-9]+) $before" \
	'no process of ours stays in between'
line 'echo hello | vpnrun demo cat' "$(user 'echo hello | vpnrun demo cat')" hello 'pipes work'

# --- the tunnel dies -----------------------------------------------------------------------------

# One shell inside, kept over the tunnel's death: it tries a connection whenever it is told to.
coproc inside {
	exec as_user vpnrun demo bash -c 'while read -r word; do
		from=$EPOCHREALTIME
		if why=$({ exec 3<>"/dev/tcp/$1/80"; } 2>&1); then
			curl -s -m "$2" "http://$1/"
		else
			to=$EPOCHREALTIME
			echo "${why##*: }|$(((${to/[.,]/} - ${from/[.,]/}) / 100))"
		fi
	done' - "$RIG_WEB4" "${RIG_PATIENCE:-10}" 2>&1
}
inside_pid=$! tell=${inside[1]}
try()
{
	local reply=

	echo go >&"$tell"
	read -r -t "${RIG_PATIENCE:-10}" -u "${inside[0]}" reply
	echo "$reply"
}
title '3. The tunnel dies under a running program'
line 'a shell inside connects:' "$(try)" demo
if [ "$RIG_WG" = kernel ]; then
	kill_it="ip -n demo link del demo"
else
	kill_it="vpnctl down demo"
fi
$kill_it >/dev/null 2>&1
IFS='|' read -r why tenths <<<"$(try)"
line "$kill_it; it connects:" "${why:-no answer}" 'Connection refused|.*unreachable'
line '... and was told so' "$((${tenths:-99999} / 10)).$((${tenths:-99999} % 10)) ms" '[0-9]{1,2}\.[0-9] ms' \
	'at once, no hang (100 ms at most)'
vpnctl up demo >/dev/null 2>&1
back=$(try)
line 'vpnctl up demo; it connects:' "$back" demo \
	"the same process, $inside_pid"
exec {tell}>&-
wait "$inside_pid" 2>/dev/null
leaked=$($RIG_CAPTURE stop)

title '4. What left this machine beside the encrypted tunnels'
line 'packets, during all of the above inside' "$leaked" 0 'nothing leaked'
line 'packets, of the first column of part 1' "$seen_outside" '[1-9][0-9]*' 'so the counter does see them'
line 'curl, without vpnrun, afterwards' "$(first "curl -s http://$RIG_WEB4/")" clear 'as before: only what you lead goes there'

# --- how long it takes ---------------------------------------------------------------------------

median_ms()
{
	user 'for i in {1..20}; do
		from=$EPOCHREALTIME
		'"$1"' || exit
		to=$EPOCHREALTIME
		echo $((${to/[.,]/} - ${from/[.,]/}))
	done' | sort -n | awk '{v[NR] = $1} END {if (NR == 20) printf "%.1f ms\n", (v[10] + v[11]) / 2000}'
}
title '5. How long a start takes (median of 20)'
line '/bin/true' "$(median_ms /bin/true)" '[0-9.]+ ms'
line 'vpnrun demo /bin/true' "$(median_ms 'vpnrun demo /bin/true')" '[0-9.]+ ms' \
	'namespaces, cable, addresses, filter, exec'

echo
if [ $failed = 0 ]; then
	say "${green}All as it should be.${plain} Next: README.md, and your own provider's file:" \
		"  sudo make install && sudo vpnctl import FILE.conf --up && vpnrun NAME curl ..."
else
	say "${red}$failed of these values are not what they should be (marked (!)).${plain}"
	say "The broker's last words:" && tail -5 "$RIG_DIR/vpnrund.log"
fi
exit $((failed > 0))
