#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be read, or put in its place, is neither absent nor done: no switch is skipped, no file is guessed, and a
# default that stands is no leftover (L51 R19 R36 R45 R78). Each call fails for as long as a command takes. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
if [ -n "${FAULT_ONLY:-}${FAULT_KINDS:-}" ]; then
	echo '1..0 # SKIP a part of control.t or launch.t is asked for'
	exit 0
fi
# The default resolves nothing while it changes hands.
sed -i "s/^Endpoint.*/Endpoint = $RIG_OTHER_ENDPOINT4:$RIG_PORT/" /etc/vpnrun/other.conf
vpnctl restart other >/dev/null

unreadable() { strace -qqq -o /dev/null -e trace=access -e inject=access:error=EACCES -- vpnctl "$@" 2>&1; }
whole_or_refused() { # whole_or_refused STATUS TEXT
	if [ "$1" = 0 ]; then vpnctl status demo; else [[ $2 = 'vpnctl: '* ]] || { echo "$2"; false; }; fi
}

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
# Nor is its cable made anew because nobody can be asked about it: all flows of the machine would break.
if [ "$RIG_LAYOUT" = netns ]; then
	cable() { ip -o link show dev vh-demo | cut -d: -f1; }
	former=$(cable)
	for n in {1..12}; do
		strace -qqq -o "$RIG_DIR/opened" -P /run/netns/demo -P /proc/thread-self/ns/net -e trace=openat -e "inject=openat:error=EMFILE:when=$n" \
			vpnctl default --no-ip demo >/dev/null 2>&1
		grep -q INJECTED "$RIG_DIR/opened" || break
		is "$(cable)" "$former" "R36 R14: a namespace that cannot be opened ($n): the default keeps its cable"
		vpnctl default --no-ip demo >/dev/null
	done
	ok "control: one was opened $((n - 1)) times" test "$n" -gt 2
fi
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
# Nor which of those of an up beside it: whether the VPN is up is said, whatever became of the default.
vpnctl default --no-ip demo >/dev/null
vpnctl down --force other >/dev/null
unsaid=0
for n in {1..20}; do
	out=$("$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s rename -n "$n" -e 28 -- vpnctl up --no-wait other 2>&1)
	grep -q ^struck "$RIG_DIR/struck" || break
	[[ $out != *'other is up, but the machine'*'try again'* ]] || unsaid=$((unsaid + 1))
	[[ $out = *'other is up'* ]] && now=up || now=down
	is "$(vpnctl status other | awk 'NR == 2 { print $3 }')" $now "R36: an up whose file $n cannot be put in its place: the VPN is $now, as it says"
	[ $now = down ] || ok 'R28 R16: and to try again is all that is left to do' vpnctl up --no-wait other
	vpnctl down --force other >/dev/null
done
ok "control: one of these $n was the default's, of a VPN that was up" test "$unsaid" -gt 0
vpnctl default --no-ip none >/dev/null
vpnctl down --force demo >/dev/null
# A way out by the uplink is found in files and by questions: one that is not answered is not "there is none", for then the
# VPN would be up without names, or without a way.
printf '{"id": 9, "device": "uplink", "allow": {"users": ["%s"]}}\n' "$RIG_USER" >/etc/vpnrun/direct.json
for default in none demo; do
	vpnctl up --no-wait demo >/dev/null
	vpnctl default --no-ip $default >/dev/null
	for what in /etc/resolv.conf:openat /etc/resolv.conf:read /etc/resolv.conf.vpnrun-saved:openat /run/vpnrun/default.note:openat; do
		file=${what%:*}
		[ -e "$file" ] || continue
		# Once there is a default, the uplink's own servers are in the other file.
		[ "$file $default" != '/etc/resolv.conf demo' ] || continue
		out=$(strace -qqq -o /dev/null -P "$file" -e inject=${what#*:}:error=EIO vpnctl up --no-wait direct 2>&1)
		is "$? $(vpnctl status direct | awk 'NR == 2 { print $3 }')" '1 down' "R36 R85: the default $default, $file is not read (${what#*:}): direct is not up"
		like "$out" "^vpnctl: .*cannot (read|open|say) .*${file##*/}" 'R28: and it says which file'
	done
done
# Which VPNs there are: who cannot list them, or read one, does not go on as if there were no others.
vpnctl default --no-ip none >/dev/null
vpnctl up --no-wait other >/dev/null
for file in /run/vpnrun /run/vpnrun/other; do
	blind() { strace -qqq -o /dev/null -P $file -e inject=openat:error=EMFILE vpnctl "$@" 2>&1; }
	like "$(blind down demo)" "^vpnctl: .*cannot (list|open|read) $file" "R74: $file cannot be read: what another may go through is not taken down"
	is "$(vpnctl status demo | awk 'NR == 2 { print $3 }')" up 'R36: and it is not'
	like "$(blind up --no-wait direct)" "^vpnctl: .*cannot (list|open|read) $file" 'R85: nor is a way out made that could be a VPN'
	is "$(vpnctl status direct | awk 'NR == 2 { print $3 }')" down 'R36: and it is not'
	like "$(blind list)" "cannot (list|open|read) $file|other.*degraded" 'R78: nor does the list say that there is none'
done
# Who names no VPN gets the first, not the first that could be read.
like "$(as_user strace -qqq -o /dev/null -P /run/vpnrun/demo -e inject=open,openat:error=EMFILE vpnrun - true 2>&1)" \
	'^vpnrun: cannot find the default VPN' 'R08: vpnrun - is never another VPN than the first'
vpnctl default --no-ip demo >/dev/null
unlisted=0
for n in {1..20}; do
	out=$(strace -qqq -o "$RIG_DIR/opened" -P /run/vpnrun -e trace=openat -e "inject=openat:error=EMFILE:when=$n" vpnctl default --no-ip demo 2>&1)
	rc=$?
	grep -q INJECTED "$RIG_DIR/opened" || break
	# The wall of a machine that is closed meanwhile stands whatever cannot be listed, and goes.
	case "$rc $out" in
	'1 vpnctl: '*'cannot list /run/vpnrun'*) unlisted=$((unlisted + 1)) ;;
	*) ok "R36: the VPNs are not listed ($n), and the default is whole" vpnctl status demo ;;
	esac
	vpnctl default --no-ip demo >/dev/null
done
ok "R36: $unlisted of $((n - 1)) times a default that would not know all VPNs is not made" test "$unlisted" -ge 4
vpnctl default --no-ip none >/dev/null
vpnctl down --force other >/dev/null
# A record that cannot be read has a pool all the same: the cable's route does not lead elsewhere.
vpnctl default --no-ip demo >/dev/null
leads() { ip route show table 1; }
way=$(leads)
for ((n = 1; ; n++)); do
	rm -f "$RIG_DIR/opened"
	strace -qqq -o "$RIG_DIR/opened" -P /run/vpnrun/demo -e trace=openat -e "inject=openat:error=EIO:when=$n" vpnctl up --no-wait direct >/dev/null 2>&1
	grep -q INJECTED "$RIG_DIR/opened" || break
	is "$(leads)" "$way" "R36 R14: a record that is not read ($n), and the default goes where it went"
	vpnctl down --force direct >/dev/null 2>&1
	vpnctl default --no-ip demo >/dev/null
done
ok 'control: it is read more than once' test $n -gt 2
vpnctl down --force direct >/dev/null 2>&1
vpnctl default --no-ip none >/dev/null

# Whom a default leaves out asks those servers: it is not made anew without them.
sed -i "s/^{/{ \"default_exclude\": { \"users\": [ \"$RIG_USER\" ] },/" /etc/vpnrun/demo.json
vpnctl up --no-wait demo >/dev/null
vpnctl default --no-ip demo >/dev/null
unread_saved() { strace -qqq -o "$RIG_DIR/opened" -P /etc/resolv.conf.vpnrun-saved -e trace=openat -e "inject=openat:error=EIO:when=$1" vpnctl default --no-ip demo 2>&1; }
for n in {1..9}; do
	out=$(unread_saved "$n")
	grep -q INJECTED "$RIG_DIR/opened" || break
	like "$out" '^vpnctl: .*cannot (open|read) /etc/resolv.conf.vpnrun-saved' "R36: what the default leaves out goes by no firewall that was half known ($n)"
	vpnctl default --no-ip demo >/dev/null
done
ok "control: it was read $((n - 1)) times" test "$n" -gt 1
like "$(strace -qqq -o /dev/null -P /etc/resolv.conf.vpnrun-saved -e inject=openat:error=EIO vpnctl status demo 2>&1)" \
	'cannot (open|read) /etc/resolv.conf.vpnrun-saved' 'R78: nor does status say that all of it stands'
sed -i 's/ "default_exclude": [^}]*},//' /etc/vpnrun/demo.json
vpnctl default --no-ip none >/dev/null
vpnctl down --force demo >/dev/null
found=0
for n in {1..30}; do
	out=$("$RIG_DIR/build/tests/fault/strike" -o "$RIG_DIR/struck" -p 0 -s sendto -n "$n" -e 105 -- vpnctl up --no-wait direct 2>&1)
	rc=$?
	grep -q ^struck "$RIG_DIR/struck" || break
	[ $rc = 0 ] || found=$((found + 1))
	[ $rc != 0 ] || ok "R36 R85: question $n is not sent, and it is up: all of it" vpnctl status direct
	vpnctl down --force direct >/dev/null
done
ok "control: $found of these $n were said" test "$found" -gt 3
rm /etc/vpnrun/direct.json
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
finish
