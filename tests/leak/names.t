#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names: what is asked inside is answered by the VPN's own DNS and seen by nobody else, whatever the
# host's resolver does meanwhile. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
clear_log=$RIG_DIR/dns-clear.log
side() { getent ahostsv4 "$RIG_SIDE" | awk 'NR == 1 { print $1 }'; }
printf '#!/bin/sh\ngetent ahostsv4 %s | awk "NR == 1 { print \\$1 }"\n' "$RIG_SIDE" >"$home/side"
chmod 755 "$home/side"
inside() { as_user vpnrun demo "$@"; }
asked_clear() { grep -c "$1" "$clear_log"; }

# The danger: a command that only sits in the VPN's network namespace asks the host's resolver.
in_vpn demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups \
	timeout 5 getent ahostsv4 leak1.rig.test >/dev/null
like "$(sed -n 's/^nameserver //p' /etc/resolv.conf)" "$RIG_DNS_CLEAR" \
	"control: in the namespace alone, the host's resolv.conf is what a program reads"
is "$(side)" "$RIG_SIDE_CLEAR" "control: outside, the host's DNS answers"

$RIG_CAPTURE start
is "$(inside "$home/side")" "$RIG_SIDE_DEMO" "R42: inside, the VPN's DNS answers"
inside getent ahosts secret1.rig.test >/dev/null
is "$(asked_clear secret1)" 0 "L05: the host's DNS has not been asked"
like "$(grep -c secret1 "$RIG_DIR/dns-demo.log")" '^[1-9]' "control: the VPN's DNS has"
[ "$RIG_LAYOUT" = bridge ] ||
	is "$(ip netns exec demo "$home/side")" "$RIG_SIDE_DEMO" 'R42 R38: ip netns exec reads the same'
is "$($RIG_CAPTURE stop)" 0 'L05 L06: no name left by the uplink'

# The host's resolv.conf in every shape that it has: while running, and before.
mkfifo "$RIG_DIR/questions"
# shellcheck disable=SC2016
as_user vpnrun demo bash -c 'while read -r name; do getent ahostsv4 "$name" | awk "NR == 1 { print \$1 }"; echo "done"; done' \
	<"$RIG_DIR/questions" >"$home/answers" &
asker=$!
exec 8>"$RIG_DIR/questions"
n_done() { [ "$(grep -c "done" "$home/answers")" -ge "$1" ]; }
ask() {
	local n
	n=$(grep -c "done" "$home/answers")
	echo "$RIG_SIDE" >&8
	wait_for 15 n_done $((n + 1))
	grep -v "done" "$home/answers" | tail -n 1
}
cp /etc/resolv.conf "$RIG_DIR/resolv.saved"
is "$(ask)" "$RIG_SIDE_DEMO" 'a running program asks the VPN'
$RIG_CAPTURE start
echo 'nameserver 203.0.113.53' >/etc/resolv.conf.new
mv /etc/resolv.conf.new /etc/resolv.conf
is "$(ask)" "$RIG_SIDE_DEMO" 'R43 L08: the host renames a new resolv.conf into place: no change inside'
is "$(inside "$home/side")" "$RIG_SIDE_DEMO" 'R43: nor for a new launch'
mkdir -p /run/systemd/resolve
echo 'nameserver 203.0.113.53' >/run/systemd/resolve/stub-resolv.conf
for link in ../run/systemd/resolve/stub-resolv.conf /run/systemd/resolve/stub-resolv.conf /nonexistent/resolv.conf; do
	ln -sf "$link" /etc/resolv.conf
	is "$(ask)" "$RIG_SIDE_DEMO" "R43 L08: resolv.conf a link to $link: the running program"
	is "$(inside "$home/side")" "$RIG_SIDE_DEMO" "R43 L08: resolv.conf a link to $link: a new launch"
done
rm -f /etc/resolv.conf
echo 'nameserver 127.0.0.53' >/etc/resolv.conf
is "$(ask)" "$RIG_SIDE_DEMO" 'R45: the stub of systemd-resolved, by accident: the running program'
is "$(inside "$home/side")" "$RIG_SIDE_DEMO" 'R45: the stub of systemd-resolved: a new launch'
is "$(inside cat /etc/resolv.conf | grep -c 127.0.0)" 0 'R45: no stub address inside'
cp "$RIG_DIR/resolv.saved" /etc/resolv.conf
is "$($RIG_CAPTURE stop)" 0 'L08: no name left by the uplink through all of that'
exec 8>&-
wait $asker

# nsswitch: whoever the host would ask, inside it is files and dns.
cp /etc/nsswitch.conf "$RIG_DIR/nsswitch.saved"
sed -i 's/^hosts:.*/hosts: mymachines resolve [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] wins dns/' /etc/nsswitch.conf
is "$(inside grep -h ^hosts: /etc/nsswitch.conf)" 'hosts: files dns' 'L07: hosts: files dns'
is "$(inside "$home/side")" "$RIG_SIDE_DEMO" 'L07: and so it is asked'
printf 'hosts : resolve\n hosts mdns4\n' >>/etc/nsswitch.conf
is "$(inside grep -h hosts /etc/nsswitch.conf)" 'hosts: files dns' 'L07: in every way that libc reads a line, of which the last counts'
if [ "$RIG_LAYOUT" != bridge ]; then
	vpnctl restart demo >/dev/null
	is "$(grep -h hosts /etc/netns/demo/nsswitch.conf)" 'hosts: files dns' 'L07: for services and containers likewise'
fi
cp "$RIG_DIR/nsswitch.saved" /etc/nsswitch.conf

# What other services of the host know beyond the files: the machine's own name, and accounts.
cp /etc/hosts "$RIG_DIR/hosts.saved"
real=$(hostname)
# A domain of the machine's own, by which libc would complete short names.
hostname box.corp.rig.test
own=$(hostname)
question="getent ahosts $own; getent ahostsv6 $own; getent ahosts localhost; getent ahosts shortname"
sed -i "/[[:space:]]$own\([[:space:]]\|\$\)/d; /localhost/d" /etc/hosts
asked_demo() { grep -ciE "$1" "$RIG_DIR/dns-demo.log"; }
out=$(inside sh -c "$question")
like "$out" '127\.0\.1\.1 .*::1 .*127\.0\.0\.1 ' "R91 L07: the machine's own name, and localhost, are known inside"
is "$(asked_demo " ($own|localhost) ")" 0 "L07: and nobody was asked"
like "$(asked_demo ' shortname ')" '^[1-9]' 'control: another short name was'
is "$(asked_demo ' shortname\.')" 0 "L07: and not completed by the machine's domain"
as_user vpnrun demo sh -c 'exec unshare -Urm sh -c "sed /search/d /etc/resolv.conf >/tmp/r.\$\$; mount --bind /tmp/r.\$\$ /etc/resolv.conf; rm /tmp/r.\$\$; getent ahosts shorter"'
like "$(asked_demo ' shorter\.corp')" '^[1-9]' 'control: without "search ." it is'
hostname "$real"
cp "$RIG_DIR/hosts.saved" /etc/hosts
is "$(inside cat /etc/hosts)" "$(cat /etc/hosts)" "where the host's file has them, it is the host's"
group=$(getent group vpnrun | cut -d: -f3)
directory_user() {
	setpriv --reuid 54321 --regid 54321 --groups "$group" env -i PATH="$PATH" USER=dora LOGNAME=dora HOME=/home/dora SHELL=/bin/bash "$@"
}
is "$(directory_user id -un 2>&1 >/dev/null)" 'id: cannot find name for user ID 54321' 'control: an account that the files do not have'
is "$(directory_user vpnrun demo sh -c 'id -un; id -gn; getent passwd 54321' 2>&1 | tr '\n' ' ')" \
	'dora dora dora:x:54321:54321::/home/dora:/bin/bash ' 'R91: an account of a directory service has its line inside'
if command -v ssh >/dev/null; then
	like "$(directory_user vpnrun demo ssh -o BatchMode=yes -o ConnectTimeout=2 nosuch.rig.test 2>&1)" 'Could not resolve hostname' 'so that ssh works'
	like "$(directory_user ssh nosuch.rig.test 2>&1)" 'No user exists for uid 54321' 'control: without it, ssh does not'
fi

# --dns: another resolver, still through the tunnel.
is "$(as_user vpnrun --dns "$RIG_DNS_CLEAR" demo grep -h ^nameserver /etc/resolv.conf)" "nameserver $RIG_DNS_CLEAR" \
	'--dns: the resolver that was asked for'
$RIG_CAPTURE start
as_user vpnrun --dns 9.9.9.9 demo timeout 3 getent ahostsv4 secret2.rig.test >/dev/null
is "$($RIG_CAPTURE stop)" 0 '--dns: its questions go through the tunnel'

# The VPN is down: a name is not found, at once, and nobody hears of it.
as_user vpnrun demo sh -c "echo \$\$ >$home/waiter; exec sleep 300" &
waiter=$!
wait_for 10 test -s "$home/waiter"
wait_for 10 grep -q sleep "/proc/$(cat "$home/waiter")/comm"
vpnctl down demo >/dev/null
$RIG_CAPTURE start
is "$(as_user vpnrun --with "$(cat "$home/waiter")" timeout 10 getent ahostsv4 secret3.rig.test; echo $?)" 2 \
	'the VPN down: a name is not found, and nothing hangs'
is "$(asked_clear secret)" 0 "L02: the host's DNS has not been asked"
is "$($RIG_CAPTURE stop)" 0 'L02: nothing left by the uplink'
kill $waiter
wait $waiter
vpnctl up demo >/dev/null
finish
