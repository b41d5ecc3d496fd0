#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `vpnctl confine` and `release`, on a private tmpfs over /etc and /run: what they
# write, what of somebody else's they leave alone, and what is left where one of them fails. What
# systemd makes of the files, the tests of whole machines show. Runs as root or, in a user namespace,
# as anybody.

here=$(cd "$(dirname "$0")" && pwd)
export VPNCTL=${VPNCTL:-${B:-$here/../../build}/bin/vpnctl}

if [ "$1" != inside ]; then
	VPNCTL=$(readlink -f "$VPNCTL")
	if [ "$(id -u)" = 0 ]; then
		exec unshare -m "$0" inside
	elif unshare -Urm true 2>/dev/null; then
		exec unshare -Urm "$0" inside
	fi
	echo "1..0 # SKIP user namespaces are forbidden and this is not root"
	exit 0
fi

n=0 failed=0
ok() { # STATUS DESCRIPTION
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		sed 's/^/#   /' "$work/out" "$work/err"
	fi
}
run() { "$VPNCTL" "$@" >"$work/out" 2>"$work/err"; }
refused() { # SENTENCE DESCRIPTION COMMAND...
	local says=$1 what=$2
	shift 2
	run "$@"
	[ $? != 0 ] && grep -q -- "$says" "$work/err"
	ok $? "$what"
}

mount --make-rprivate / 2>/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mount -t tmpfs -o mode=755 tmpfs /etc || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /etc/vpnrun /etc/systemd/system /run/systemd/system /etc/keys "/etc/a b"
key=6GyDaknJ0hZzLj2cSdgYqjtHzfW3Cx0tXo0/MpzVEGk=
echo $key >/etc/keys/demo
chmod 600 /etc/keys/demo
vpn() { # NAME ID LAYOUT
	printf '{"id": %s, "layout": "%s", "endpoint": "192.0.2.1:51820", "public_key": "%s", "private_key_file": "/etc/keys/demo",
	"addresses": ["10.64.0.2/32"], "dns": ["10.64.0.1"]}\n' "$2" "$3" "$key" >"/etc/vpnrun/$1.json"
}
vpn demo 1 netns
vpn other 2 netns
vpn wide 3 bridge
unit() { cat >"/run/systemd/system/$1"; }
unit web.service <<<$'[Service]\nExecStart=/bin/true'
unit bus.service <<<$'[Service]\nType=dbus\nBusName=org.example'
unit hard.service <<<$'[Service]\nProtectSystem=strict\nRestrictAddressFamilies=AF_INET AF_UNIX'
unit rooted.service <<<$'[Service]\nRootDirectory=/srv/x'
unit many@.service <<<$'[Service]\nExecStart=/bin/true %i'
ln -s /dev/null /etc/systemd/system/masked.service
d=/etc/systemd/system
files() { (cd $d && find . -mindepth 1 -type f -exec md5sum {} + | sort); }
has() { grep -qxF -- "$1" "$d/$2"; }

# --- confine ------------------------------------------------------------------------------------

before=$(files)
refused 'is not a unit' 'L54 a path is no unit' confine ../web --vpn demo
refused 'is not a unit' 'L54 nor is one that leads out of the directory' confine a/../../web --vpn demo
refused 'is not a unit' 'L54 nor is nothing' confine '' --vpn demo
refused 'only a service' 'a socket cannot be confined' confine web.socket --vpn demo
for own in vpnrun@demo vpnrund vpnrun-etc-web; do
	refused 'part of vpnrun' "L54 $own needs the host's network" confine $own --vpn demo
done
refused 'there is no unit' 'a unit that there is not' confine nosuch --vpn demo
refused 'is masked' 'one that is masked' confine masked --vpn demo
refused 'system bus' 'L54 one that answers on the system bus' confine bus --vpn demo
refused 'no namespace' 'L54 a VPN without a namespace' confine web --vpn wide
refused 'nosuch' 'a VPN that there is not' confine web --vpn nosuch
[ "$(files)" = "$before" ] && [ ! -e $d/web.service.d ]; ok $? 'and nothing was written'

f=$(run confine web --vpn demo; cd $d && ls web.service.d/*.conf)
[ -f "$d/$f" ]; ok $? 'L54 a drop-in'
for line in 'BindsTo=vpnrun@demo.service' 'After=vpnrun@demo.service' 'NetworkNamespacePath=/run/netns/demo' \
	'Requires=vpnrun-etc-web.service' 'BindReadOnlyPaths=/run/vpnrun/etc/demo/%n:/etc' 'BindPaths=-/etc/keys' \
	'TemporaryFileSystem=/run/nscd:ro /run/systemd/resolve:ro /run/avahi-daemon:ro /run/resolvconf:ro /run/nslcd:ro' \
	'TemporaryFileSystem=/run/dbus:ro' 'RestrictAddressFamilies=' 'SystemCallArchitectures=native'; do
	has "$line" "$f"; ok $? "L54 L55 it says $line"
done
grep -q '^InaccessiblePaths=-/run/docker.sock .* -/var/lib/sss/pipes$' "$d/$f"; ok $? 'L54 doors of the host are shut'
grep -q '^InaccessiblePaths=-/net -/misc -/afs' "$d/$f"; ok $? "L52 so are an automounter's directories"
grep -q '^RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK' "$d/$f"; ok $? 'L54 four families'
grep -q '^SystemCallFilter=~.*setns:EPERM' "$d/$f"; ok $? 'L54 no other namespace'
! grep -q '^SystemCallFilter=.*:ENOSYS' "$d/$f"; ok $? 'and no errno that systemd 257 refuses beside a list of its own'
! grep -q 'a b' "$d/$f"; ok $? 'a name with a blank is left out'
has 'PartOf=web.service' vpnrun-etc-web.service; ok $? 'L54 what makes its /etc'
has 'StartLimitIntervalSec=0' vpnrun-etc-web.service; ok $? 'as often as the service starts, however fast'
has 'Wants=web.service' vpnrun@demo.service.d/50-confine-web.service.conf; ok $? 'it comes back with the VPN'
one=$(files)
run confine web.service --vpn demo && [ "$(files)" = "$one" ]; ok $? 'once more: the same'
run confine web --vpn other
[ ! -e $d/vpnrun@demo.service.d ] && has 'Wants=web.service' vpnrun@other.service.d/50-confine-web.service.conf
ok $? 'with another VPN: the first has it no more'
run confine web --vpn other --on-demand && [ ! -e $d/vpnrun@other.service.d ]; ok $? 'on demand: no VPN brings it up'
run release web && [ "$(files)" = "$before" ] && [ ! -e $d/web.service.d ]; ok $? 'L54 released: all is as it was'
run release web && grep -q 'was not confined' "$work/out"; ok $? 'and once more'
run confine bus --vpn demo --keep-bus && ! grep -q /run/dbus $d/bus.service.d/*.conf; ok $? 'with --keep-bus it keeps that'
run release bus
run confine hard --vpn demo
grep -q '^BindReadOnlyPaths=-/etc/keys' $d/hard.service.d/*.conf; ok $? "L54 the unit's own hardening stays: /etc read-only"
grep -qx 'RestrictAddressFamilies=AF_UNIX AF_INET ' $d/hard.service.d/*.conf; ok $? 'L54 and its families'
run release hard
run confine rooted --vpn demo
grep -q '^BindReadOnlyPaths=/etc/netns/demo/resolv.conf:/etc/resolv.conf' $d/rooted.service.d/*.conf && [ ! -e $d/vpnrun-etc-rooted.service ]
ok $? 'L54 one with a root of its own gets the two files'
run release rooted
run confine many@ --vpn demo
grep -q '^Requires=vpnrun-etc-many@%i.service' $d/many@.service.d/*.conf && [ ! -e $d/vpnrun@demo.service.d ]
ok $? 'L54 a template, for each of its instances'
run release many@
[ "$(files)" = "$before" ]; ok $? 'and nothing is left of any'

# Somebody else's.
mkdir -p $d/web.service.d
echo '# mine' >"$d/$f"
own=$(files)
refused 'is there already' "R37 somebody else's drop-in" confine web --vpn demo
[ "$(files)" = "$own" ]; ok $? 'R37 stays, and nothing else is written'
refused "is not vpnrun's" 'R37 and is not released' release web
[ "$(files)" = "$own" ]; ok $? 'R37 but stays'
rm "$d/$f"
ln -s /etc/keys/demo "$d/$f"
refused 'is there already' 'R37 a link in its place' confine web --vpn demo
grep -q $key /etc/keys/demo; ok $? 'R37 is not followed'
rm "$d/$f"
echo '# mine' >$d/vpnrun-etc-web.service
refused 'is there already' "R37 somebody else's unit" confine web --vpn demo
[ ! -e "$d/$f" ]; ok $? 'R37 and nothing is written'
rm -r $d/vpnrun-etc-web.service $d/web.service.d
# The last file cannot be written.
mkdir $d/vpnrun@demo.service.d
mount -t tmpfs -o nr_inodes=1 tmpfs $d/vpnrun@demo.service.d
run confine web --vpn demo
[ $? != 0 ] && [ ! -e $d/web.service.d ] && [ ! -e $d/vpnrun-etc-web.service ]; ok $? 'R37 what fails half-way leaves nothing'
umount $d/vpnrun@demo.service.d
rmdir $d/vpnrun@demo.service.d

echo "1..$n"
exit $failed
