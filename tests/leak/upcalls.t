#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# File systems whose lookups somebody in the host's network carries out (L52): a real automount(8), with
# a map that resolves and fetches what the path names, as the map -hosts does.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
auto=$RIG_B/autofs
if [ ! -x "$auto/usr/sbin/automount" ] || ! grep -q autofs /proc/filesystems; then
	[ -z "${CI:-}" ] || { echo "not ok 1 - L52 autofs: no package or no kernel support"; echo 1..1; exit 1; }
	echo '1..0 # SKIP no automount(8) or no autofs in the kernel'
	exit 0
fi
# The modules lie where the program looks for them, in this rig alone.
lib=$(cd "$auto" && echo usr/lib/*-linux-gnu)
mount -t overlay -o "lowerdir=$auto/$lib:/$lib" overlay "/$lib"
work=$RIG_DIR/auto
mkdir -p "$work"/{net,homes,real/alice,direct,real/disk} /run/autofs
echo data >"$work/real/disk/file"
cat >"$work/map" <<X
#!/bin/sh
[ "\$1" != alice ] || { echo "-fstype=bind :$work/real/alice"; exit; }
echo "\$1" >>$work/asked
getent ahosts "\$1.$RIG_NAME" >/dev/null
curl -s -m 5 "http://$RIG_WEB4/" >>$work/got
exit 1
X
chmod 755 "$work/map"
printf '%s/net program:%s/map\n%s/homes program:%s/map\n/- %s/direct.map\n' \
	"$work" "$work" "$work" "$work" "$work" >"$work/master"
echo "$work/direct -fstype=bind :$work/real/disk" >"$work/direct.map"
chown -R "$RIG_USER:" "$work/real/alice"
# The kernel tells the daemon from its clients by the process group.
setsid "$auto/usr/sbin/automount" -f -t 3600 -p /run/automount.pid "$work/master" >"$work/log" 2>&1 &
daemon=$!
is_up() { [ "$(grep -c " - autofs .*$work\|$work.* - autofs " /proc/self/mountinfo)" -ge 3 ]; }
ok 'automount(8) serves two indirect maps and a direct one' wait_for 10 is_up
asked() { cat "$work/asked" 2>/dev/null | tr '\n' ' '; }
forget() { rm -f "$work/asked" "$work/got"; }

# Without vpnrun: a program whose only network is the VPN's.
$RIG_CAPTURE start
ip netns exec demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups ls "$work/net/secret" >/dev/null 2>&1
is "$(asked)" 'secret ' 'L52 danger: a path below an automount is looked up for a program in the VPN'
is "$(cat "$work/got")" clear 'L52 danger: by a connection in the clear'
ok 'L52 danger: which the capture sees' test "$($RIG_CAPTURE stop)" -gt 0

for strict in '' --strict; do
	forget
	$RIG_CAPTURE start
	# shellcheck disable=SC2086
	as_user vpnrun $strict demo sh -c "ls $work/net/secret2 $work/homes/bob $work/net" >/dev/null 2>&1
	# shellcheck disable=SC2086
	(cd "$work/net" && as_user vpnrun $strict demo sh -c 'ls ./secret3 ../net/secret4') >/dev/null 2>&1
	is "$(asked)" '' "L52 nothing is asked ${strict:-by default}"
	is "$($RIG_CAPTURE stop)" 0 "L52 nothing left in the clear ${strict:-by default}"
done
as_user vpnrun none ls "$work/net/secret5" >/dev/null 2>&1
is "$(asked)" '' 'L52 nor without any network'

# What is mounted already stays: a home below an automounted /home.
ls "$work/homes/alice" >/dev/null
forget
is "$(as_user env HOME="$work/homes/alice" vpnrun demo sh -c "cd && echo x >f && cat f; ls .. ; ls ../bob 2>&1 | grep -c 'No such'" | tr '\n' ' ')" \
	'x alice 1 ' 'L52 an automounted home that is there works, and its neighbours are not looked up'
is "$(asked)" '' 'L52 nothing was asked for it'
is "$(cat "$work/direct/file")" data 'a direct mount has been triggered'
as_user vpnrun demo sh -c 'echo $$; exec sleep 600' >"$work/pid" &
wait_for 5 test -s "$work/pid"
pid=$(cat "$work/pid")
is "$(as_user vpnrun --with "$pid" cat "$work/direct/file")" data 'L52 it is there inside'
ok 'the host unmounts it, as after its idle time' umount "$work/direct"
# With the trap bare again, this lookup would make the daemon mount it once more.
is "$(as_user vpnrun --with "$pid" cat "$work/direct/file")" data 'L52 inside it stays what it was'
ok 'L52 and the trap has not been sprung again' not grep -q " $work/direct " <(grep -v ' - autofs ' /proc/self/mountinfo)
kill "$pid"

kill "$daemon"
wait "$daemon" 2>/dev/null
finish
