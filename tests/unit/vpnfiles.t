#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `vpnctl remove`, `vpnctl rename` and `vpnctl import --replace`: the files of a VPN that nobody uses, all of it or
# nothing.
#
#	old.conf, old.json --rename--> new.conf, new.json: the same id, key and settings
#
# Runs as root or, in a user namespace, as anybody, on an /etc and a /run of its own.

here=$(cd "$(dirname "$0")" && pwd)
B=${B:-$here/../../build}
export VPNCTL=${VPNCTL:-$B/bin/vpnctl} MKVPN=${MKVPN:-$B/tests/net/mkvpn}
wild=$here/../fixtures/provider-confs/wild

if [ "$1" != inside ]; then
	VPNCTL=$(readlink -f "$VPNCTL") MKVPN=$(readlink -f "$MKVPN")
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
run() { timeout 60 "$VPNCTL" "$@" >"$work/out" 2>"$work/err"; }
d=/etc/vpnrun
state() { (cd $d && stat -c '%n %a %i' -- * && cksum -- *); }
refused() { # WORDS DESCRIPTION COMMAND...: a sentence, and nothing is changed
	local words=$1 what=$2 before
	shift 2
	before=$(state)
	run "$@"
	[ $? = 1 ] && grep -q -- "$words" "$work/err" && [ "$(state)" = "$before" ]
	ok $? "$what"
}

mount --make-rprivate / 2>/dev/null
work=$(mktemp -d)
trap 'umount -l "$work"; rmdir "$work"' EXIT
# A thousand small files take a second on a disk.
mount -t tmpfs tmpfs "$work" || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
mount -t tmpfs -o mode=755 tmpfs /etc || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns
a=$wild/torguard.conf b=$wild/pivpn.conf
run import "$a" --name one && ! grep -q 'private key: to' "$work/err" && run import "$b" --name two
ok $? 'two VPNs'
grep -q "pivpn.conf: VPN 'one' has the same private key: to a server the two are one" "$work/err"
ok $? 'R83 they have one key: import says so'
sed -i 's/"id": 1/"id": 1, "limit": 3/' $d/one.json

# --- replace --------------------------------------------------------------------------------------

refused "there is a VPN 'one' already.*--replace" 'R68 a name that is taken: refused, and --replace is named' import "$b" --name one
json=$(cat $d/one.json)
run import "$b" --name one --replace
[ $? = 0 ] && cmp -s "$b" $d/one.conf && [ "$(cat $d/one.json)" = "$json" ] && [ "$(stat -c %a $d/one.conf)" = 600 ]
ok $? 'R83 --replace: another file, the same id and settings'
sed 's/^PrivateKey.*/PrivateKey = 6GyDaknJ0hZzLj2cSdgYqjtHzfW3Cx0tXo0\/MpzVEGk=/' "$a" >"$work/other.conf"
run import "$work/other.conf" --name three --replace && [ -e $d/three.json ] && ! grep -q 'same private key' "$work/err"; ok $? 'R83 --replace of what is not there is an import'
refused "keeps its id" 'R83 --replace with --id' import "$a" --name one --replace --id 9
refused 'html.conf:1: file: is a web page' 'R68 --replace by what is not a file of WireGuard' import "$wild/html.conf" --name one --replace
sed -i 's,"config": .*,"config": "/etc/elsewhere.conf",' $d/three.json
refused 'has its file elsewhere: replace /etc/elsewhere.conf itself' 'R83 --replace of a file that is not ours' import "$b" --name three --replace
sed -i 's,"config": .*,"config": "/etc/vpnrun/three.conf"\, "port_forward": "natpmp",' $d/three.json
refused 'port_forward' 'R68 --replace by a file that the settings cannot be used with' import "$wild/ipv6-only.conf" --name three --replace
sed -i 's/, "port_forward": "natpmp",//' $d/three.json
# One of several cannot be written: the others have their former file again.
mkdir "$work/several" && cp "$b" "$work/several/one.conf" && cp "$a" "$work/several/two.conf" && cp "$a" "$work/several/zzz.conf"
echo mine >$d/zzz.conf
before=$(cksum $d/*)
run import "$work/several" --replace
[ $? = 1 ] && grep -q 'zzz.conf exists' "$work/err" && [ "$(cksum $d/*)" = "$before" ]
ok $? 'R68 one of several cannot be written: the others have their former file'
rm $d/zzz.conf
touch /run/netns/one && "$MKVPN" one 1 1
run import "$b" --name one --replace && grep -q 'until: vpnctl restart one' "$work/out"
ok $? 'R83 a VPN that is up has its former file, and it is said until when'

# --- in use ---------------------------------------------------------------------------------------

for c in 'remove one' 'rename one uno'; do
	refused "VPN 'one' is up; first: vpnctl down one" "R83 $c, while it is up" $c
done
"$MKVPN" one 1 1 down
for c in 'remove one' 'rename one uno'; do
	refused "VPN 'one' has programs inside; first: vpnctl down --force one" "R83 $c, with somebody inside" $c
done
"$MKVPN" one 1 1 down held
for c in 'remove one' 'rename one uno'; do
	refused "VPN 'one' is held for containers; first: vpnctl hold --off one" "R83 $c, held for containers" $c
done
refused "VPN 'one' is held" 'R83 of several none is removed' remove two one
rm /run/vpnrun/one
(
	exec 9>/run/vpnrun/two.lock
	flock 9
	refused "VPN 'two' is just being brought up or down" 'R83 an up is at it' remove two
	exit $failed
) || failed=1
n=$((n + 1))
sed -i 's/"id": 2/"id": 2, "via": "one"/' $d/two.json
refused "VPN 'two' goes through 'one': take \"via\" out of /etc/vpnrun/two.json first" 'R83 another VPN goes through it: remove' remove one
refused "VPN 'two' goes through 'one'" 'R83 and rename' rename one uno
refused "there is no VPN 'nix'" 'R83 remove: no such VPN' remove nix
refused "there is no VPN 'nix'" 'R83 rename: no such VPN' rename nix uno
refused "there is no VPN '../x'" 'R83 a name that leads elsewhere' remove ../x
run remove one one; ok $(($? != 2)) 'R28 remove: one name twice is wrong usage'

# --- rename ---------------------------------------------------------------------------------------

refused "there is a VPN 'three' already" 'R83 rename to a name that is taken' rename two three
refused "'sixteen-letters-' is not a VPN's name: 1 to" 'R27 rename to what is not a name' rename two sixteen-letters-
refused "'default' is not a VPN's name: 1 to" 'R27 rename to what means something else' rename two default
refused "'../uno' is not a VPN's name: 1 to" 'R27 rename to what leads elsewhere' rename two ../uno
echo mine >$d/zwei.conf
refused 'zwei.conf exists and is another file' 'R83 rename onto a file of somebody else' rename two zwei
rm $d/zwei.conf
key=$(cksum <$d/two.conf)
run rename two zwei
[ $? = 0 ] && [ ! -e $d/two.json ] && [ ! -e $d/two.conf ] && [ "$(cksum <$d/zwei.conf)" = "$key" ] && [ "$(stat -c '%a %h' $d/zwei.conf)" = '600 1' ]
ok $? 'R83 rename: the key has the other name alone'
grep -q '"id": 2, "via": "one"' $d/zwei.json && grep -q '"config": "/etc/vpnrun/zwei.conf"' $d/zwei.json && [ "$(stat -c %a $d/zwei.json)" = 644 ]
ok $? 'R83 id and settings as they were'
run check $d/zwei.json; ok $? 'R83 and it is a valid VPN'
# A rename that was killed after each of its steps, given again.
ln $d/zwei.conf $d/two.conf
run rename zwei two && [ "$(cd $d && echo two.* zwei*)" = 'two.conf two.json zwei*' ]
ok $? 'R95 killed after the first step: the next one goes on'
ln $d/two.conf $d/zwei.conf && sed -i 's,two.conf,zwei.conf,' $d/two.json
run rename two zwei && [ -e $d/zwei.json ] && [ -e $d/zwei.conf ] && [ ! -e $d/two.json ] && run check $d/zwei.json
ok $? 'R95 killed after the second: the next one goes on'
rm -f $d/two.conf
cp "$d/zwei.conf" /etc/elsewhere.conf
sed -i 's,"config": .*,"config": "/etc/elsewhere.conf",' $d/three.json
echo theirs >$d/three.conf
run rename three drei && grep -q /etc/elsewhere.conf $d/drei.json && [ -e /etc/elsewhere.conf ] && [ ! -e $d/drei.conf ]
ok $? 'R83 a file that lies elsewhere stays there'
is_theirs() { [ "$(cat $d/three.conf)" = theirs ]; }
is_theirs; ok $? 'R83 and what only has the name that its file would have is somebody else'"'"'s'
printf '{ "id": 4, "nonsense": 1 }\n' >$d/bad.json
refused 'bad.json:1: nonsense' 'R68 rename of a VPN whose file is wrong' rename bad good

# --- remove ---------------------------------------------------------------------------------------

run remove bad && [ ! -e $d/bad.json ]; ok $? 'R83 remove works, whatever is wrong in the file'
mv $d/three.conf $d/drei.conf
run remove drei && [ ! -e $d/drei.json ] && [ -e $d/drei.conf ] && [ -e /etc/elsewhere.conf ] && grep -q '/etc/elsewhere.conf stays' "$work/out"
ok $? 'R83 a key that lies elsewhere stays, and that is said'
rm $d/drei.conf
# One of two cannot be taken away: the other is there again.
if [ "$(id -u)" = 0 ] && chattr +i $d/zwei.json 2>/dev/null; then
	before=$(cksum $d/*)
	run remove one zwei
	[ $? = 1 ] && grep -q 'cannot remove /etc/vpnrun/zwei.json' "$work/err" && [ "$(cksum $d/*)" = "$before" ] && [ "$(stat -c %a $d/zwei.conf)" = 600 ]
	ok $? 'R68 one of two cannot be removed: both are there, with their keys'
	chattr -i $d/zwei.json
else
	echo "ok $((n = n + 1)) # SKIP no file can be made immutable here"
fi
run remove one zwei && [ -z "$(ls $d)" ]; ok $? 'R83 two at once, one of which goes through the other: nothing is left, and no key'

echo "1..$n"
exit $failed
