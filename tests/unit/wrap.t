#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `vpnctl wrap` and `unwrap`, on a private tmpfs over /etc and a home of its own: which ways of
# starting a program they cover, what they write, what of somebody else's comes back as it was, what
# --check says, and what is left where one of them fails. What desktops, buses and systemd make of
# the files, the tests of the rig show. Runs as root or, in a user namespace, as anybody.

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
# What a sentence of the last command says to type, with "NAME" or sudo put right, works.
typed() { # COMMAND [RC]
	local said
	said=$(cat "$work/out" "$work/err")
	[[ $said == *"$1"* ]] || [[ $said == *"${1/demo/NAME}"* ]] || return 1
	eval "run ${1#vpnctl }"
	[ $? = "${2:-0}" ]
}
has() { grep -qxF -- "$1" "$2"; }

mount --make-rprivate / 2>/dev/null
work=$(mktemp -d)
trap 'command -p umount -l "$work"; command -p rmdir "$work"' EXIT
# A thousand small files take a second on a disk.
mount -t tmpfs tmpfs "$work" || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
mount -t tmpfs -o mode=755 tmpfs /etc || { echo "1..0 # SKIP no tmpfs can be mounted"; exit 0; }
mkdir -p /etc/vpnrun /etc/keys /etc/alternatives
# The machine's own units are no part of what is asked, and there are hundreds; systemd itself needs its targets.
for dir in /usr/lib/systemd/{system,user}; do
	[ -d $dir ] || continue
	mkdir "$work/targets"
	cp -dR $dir/*.target "$work/targets"
	mount -t tmpfs tmpfs $dir || exit
	mv "$work"/targets/* $dir
	rmdir "$work/targets"
done
key=6GyDaknJ0hZzLj2cSdgYqjtHzfW3Cx0tXo0/MpzVEGk=
echo $key >/etc/keys/demo
chmod 600 /etc/keys/demo
for vpn in demo:1 other:2; do
	printf '{"id": %s, "endpoint": "192.0.2.1:51820", "public_key": "%s", "private_key_file": "/etc/keys/demo",
	"addresses": ["10.64.0.2/32"], "dns": ["10.64.0.1"]}\n' "${vpn#*:}" $key >"/etc/vpnrun/${vpn%:*}.json"
done

# Each program of PATH is asked about by every command below: those that are needed, not the machine's thousands.
mkdir "$work/tools"
for tool in awk basename bash busybox cat chmod cmp cp cut dirname env find flock grep head id ln ls md5sum mkdir mktemp mount mv perl \
	readlink rm rmdir sed sh sleep sort stat strace systemctl systemd-analyze tail tee touch tr true umount uniq wc xargs; do
	! at=$(command -v "$tool") || ln -s "$at" "$work/tools/$tool"
done
export HOME=$work/home XDG_DATA_DIRS=$work/sys/share XDG_CONFIG_DIRS=$work/sys/xdg PATH=$work/home/.local/bin:$work/sys/bin:$work/tools
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_DESKTOP_DIR SUDO_UID
sys=$work/sys/share apps=$HOME/.local/share/applications auto=$HOME/.config/autostart bus=$HOME/.local/share/dbus-1/services
units=$HOME/.config/systemd/user mozilla=$HOME/.mozilla/native-messaging-hosts
mkdir -p "$HOME" "$work"/sys/{bin,xdg/autostart} "$sys"/{applications,dbus-1/services,systemd/user} "$work/odd dir"
printf '#!/bin/sh\n' >"$work/sys/bin/fox"
cp "$work/sys/bin/fox" "$work/odd dir/odd"
chmod 755 "$work/sys/bin/fox" "$work/odd dir/odd"
fox=$work/sys/bin/fox
printf '[Desktop Entry]\nName=Fox\nExec=env A=1 fox %%u\nDBusActivatable=true\n' >"$sys/applications/fox.desktop"
printf '[Desktop Entry]\nName=Foxy\nExec=foxy\n' >"$sys/applications/foxy.desktop"
# Everything of the home: files with what they hold, links, directories.
home() { (cd "$HOME" && find . -mindepth 1 \( -type f -exec md5sum {} + -o -printf '%p %l\n' \) | sort); }
vpnrun=$(dirname "$(readlink -f "$VPNCTL")")/vpnrun
by="$vpnrun --notify demo --"

SUDO_UID=1000 refused 'without sudo' "wrappers are a user's own" wrap fox --vpn demo
refused "program's name" 'R09 a path is no program' wrap ../fox --vpn demo
refused 'no program' 'R09 one that there is not' wrap nosuch --vpn demo
refused 'nosuch' 'R09 a VPN that there is not' wrap fox --vpn nosuch
refused 'policy' 'R09 a policy that cannot be' wrap fox --vpn demo --policy 'a;b'
PATH="$work/odd dir:$PATH" refused 'no wrapper can hold' 'R09 a path that no script can hold' wrap odd --vpn demo
HOME="$work/a\"b" refused 'no wrapper can hold' 'R09 a home that no file can name' wrap fox --vpn demo
refused 'not a browser' 'R09 a profile of what has none' wrap fox --vpn demo --profile
refused 'is not wrapped' 'R09 --check of what is not wrapped' wrap --check fox
[ -z "$(home)" ]; ok $? 'and nothing was written'
typed "vpnctl wrap fox --vpn demo"; ok $? 'R28 what it says to type works'
grep -q -- "--notify demo -- $fox \"\$@\"" "$HOME/.local/bin/fox"; ok $? 'R09 a script that starts it through the VPN'
grep -qx 'DBusActivatable=false' "$apps/fox.desktop" && ! grep -qx 'DBusActivatable=true' "$apps/fox.desktop"
ok $? 'L16 its entry is not activated by D-Bus'
has "Exec=$by env A=1 $fox %u" "$apps/fox.desktop"; ok $? 'R09 but goes through vpnrun'
[ ! -e "$apps/foxy.desktop" ]; ok $? "R09 another program's has none"
run wrap --check fox && grep -q 'every way' "$work/out"; ok $? 'R09 --check: nothing goes around'
one=$(home)
run wrap fox --vpn demo && [ "$(home)" = "$one" ]; ok $? 'R09 once more: the same'
run wrap fox --vpn other && ! grep -rq 'demo --' "$HOME"; ok $? 'R09 with another VPN'
run unwrap fox && [ -z "$(home)" ]; ok $? 'R09 unwrapped: all is as it was, directories too'
run unwrap fox && grep -q 'had no wrapper' "$work/out"; ok $? 'and once more'
# What a release without records and digests has made.
mkdir -p "$HOME/.local/bin" "$apps"
printf '#!/bin/sh\n# made by vpnctl wrap for fox\nexec x\n' >"$HOME/.local/bin/fox"
printf '# made by vpnctl wrap for fox\n[Desktop Entry]\nExec=x\n' | tee "$apps/fox.desktop" >"$apps/gone.desktop"
run wrap fox --vpn demo && has "Exec=$by env A=1 $fox %u" "$apps/fox.desktop" && [ ! -e "$apps/gone.desktop" ]
ok $? "R09 an older release's wrapper is made anew"
run unwrap fox && [ -z "$(find "$HOME" -type f)" ]; ok $? 'and goes'
rm -r "$HOME/.local"

# --- the other ways -----------------------------------------------------------------------------

cat >"$sys/dbus-1/services/org.fox.service" <<EOT
[D-BUS Service]
Name=org.fox
Exec=$fox --gapplication-service
SystemdService=fox.service
EOT
printf '[D-BUS Service]\nName=org.foxy\nExec=/bin/foxy\n' >"$sys/dbus-1/services/org.foxy.service"
printf '[Desktop Entry]\nType=Application\nName=Fox\nExec=sh -c "sleep 1; exec fox --min"\n' >"$work/sys/xdg/autostart/fox.desktop"
printf '[Desktop Entry]\nType=Application\nName=No\nHidden=true\nExec=fox\n' >"$work/sys/xdg/autostart/hidden.desktop"
cat >"$sys/systemd/user/fox.service" <<EOT
[Unit]
Description=fox
[Service]
Type=notify
WatchdogSec=30
Environment=ExecStart=fox
ExecStart=-@$fox other --serve \\
  --more
ExecStop=/bin/kill \$MAINPID
EOT
printf '[Service]\nExecStart=/bin/true\nExecStartPost=%s --hello\n' "$fox" >"$sys/systemd/user/post.service"
printf '[Service]\nExecStart=%s\n' "$fox" >"$sys/systemd/user/cleared.service"
mkdir "$sys/systemd/user/cleared.service.d"
printf '[Service]\nExecStart=\nExecStart=/bin/true\n' >"$sys/systemd/user/cleared.service.d/no.conf"
ln -s fox.service "$sys/systemd/user/alias.service"
mkdir -p /etc/chromium/native-messaging-hosts "$mozilla" "$auto"
printf '{ "name": "org.fox", "type": "stdio",\n\t"path" : "%s", "description": "a \\"path\\": fox",\n  "allowed_origins": ["chrome-extension://x/"] }\n' \
	"$fox" >/etc/chromium/native-messaging-hosts/org.fox.json
printf '{"name":"org.fox","path":"%s","type":"stdio","allowed_extensions":["a@b"]}' "$fox" >"$mozilla/org.fox.json"
printf '{"name":"org.foxy","path":"/bin/foxy","type":"stdio"}' >"$mozilla/org.foxy.json"
printf '[Desktop Entry]\nType=Application\nName=Mine\nExec=%s -m\nX-Own=1\n' "$fox" >"$auto/mine.desktop"
chmod 600 "$auto/mine.desktop"
touch -d 2020-01-02 "$auto/mine.desktop"
mkdir -p "$apps"
printf '[Desktop Entry]\nType=Application\nName=Other\nExec=/bin/true\nActions=f;\n\n[Desktop Action f]\nName=With fox\nExec=fox\n' >"$apps/other.desktop"
before=$(home) stat=$(stat -c '%i %a %Y' "$auto/mine.desktop")

run wrap fox --vpn demo
grep -q 'fox, 2 desktop entries, 2 autostart entries, 1 D-Bus service, 2 user units, 3 native-messaging manifests$' "$work/out"
ok $? 'R09 every way that is covered is counted'
has "Exec=$by $fox --gapplication-service" "$bus/org.fox.service" && has Name=org.fox "$bus/org.fox.service"
ok $? 'R09 L16 its D-Bus service goes through vpnrun'
! grep -q SystemdService "$bus/org.fox.service"; ok $? 'R09 and is not started by the name of a unit'
[ ! -e "$bus/org.foxy.service" ]; ok $? "R09 another's stays"
has "Exec=$by sh -c \"sleep 1; exec fox --min\"" "$auto/fox.desktop"; ok $? "R09 a shell's text of an autostart entry goes through as a whole"
[ ! -e "$auto/hidden.desktop" ]; ok $? 'R09 what is hidden starts nothing'
has "Exec=$by $fox -m" "$auto/mine.desktop" && has X-Own=1 "$auto/mine.desktop"; ok $? "R09 so does the user's own entry"
d=$units/fox.service.d/zz-vpnrun-wrap.conf
tail -n +2 "$d" | cmp -s - <(printf '[Service]\nType=exec\nWatchdogSec=0\nExecStart=\nExecStart=-%s %s --serve    --more\n' "$by" "$fox")
ok $? 'R09 a user unit gets a drop-in: signs, its name, a line in two, and no word to systemd'
tail -n +2 "$units/post.service.d/zz-vpnrun-wrap.conf" | cmp -s - <(printf '[Service]\nExecStartPost=\nExecStartPost=%s %s --hello\n' "$by" "$fox")
ok $? 'R09 also where it is not the unit'"'"'s main program'
[ ! -e "$units/cleared.service.d" ] && [ ! -e "$units/alias.service.d" ]; ok $? 'R09 what a drop-in has cleared is not started, and a second name needs nothing'
m=$HOME/.config/chromium/NativeMessagingHosts/org.fox.json
grep -qF "\"path\" : \"$HOME/.local/bin/fox\", \"description\": \"a \\\"path\\\": fox (made by vpnctl wrap for fox: " "$m" &&
	grep -qF '"allowed_origins": ["chrome-extension://x/"] }' "$m"
ok $? "R09 a browser's native-messaging host is the wrapper, all else as it was"
grep -qF "\"path\":\"$HOME/.local/bin/fox\", \"description\": \"(made by" "$mozilla/org.fox.json"; ok $? 'R09 one without a description gets one'
if command -v jq >/dev/null; then
	jq -e . "$m" "$mozilla/org.fox.json" >/dev/null 2>"$work/err"; ok $? 'both are JSON'
fi
grep -qF /bin/foxy "$mozilla/org.foxy.json" && [ ! -e "$mozilla/org.foxy.json.unwrapped" ]; ok $? "R09 another's host stays"
has Exec=/bin/true "$apps/other.desktop" && has 'Name=Other' "$apps/other.desktop" && has "Exec=$by $fox" "$apps/other.desktop"
ok $? "R09 of another program's entry only the action that starts it"
if command -v desktop-file-validate >/dev/null; then
	! desktop-file-validate "$apps"/*.desktop "$auto"/*.desktop >"$work/out" 2>&1 || ! grep error "$work/out"
	ok $? 'the entries are valid'
fi
if command -v systemd-analyze >/dev/null; then
	XDG_RUNTIME_DIR=$work SYSTEMD_UNIT_PATH="$units:$sys/systemd/user:" systemd-analyze verify --man=no --user "$sys/systemd/user/fox.service" "$sys/systemd/user/post.service" >"$work/out" 2>"$work/err"
	ok $? 'the units are, as systemd reads them'
fi
run wrap --check fox; ok $? 'R09 --check: nothing goes around'
one=$(home)
run wrap fox --vpn demo && [ "$(home)" = "$one" ]; ok $? 'R09 once more: the same'
run unwrap fox && [ "$(home)" = "$before" ]; ok $? 'R09 R37 unwrapped: all is as it was'
[ "$(stat -c '%i %a %Y' "$auto/mine.desktop")" = "$stat" ]; ok $? 'R37 an own file is the very file that it was'

# --- what goes around ---------------------------------------------------------------------------

says() { # TEXT DESCRIPTION
	run wrap --check fox
	[ $? = 1 ] && grep -qF -- "$1" "$work/out"
	ok $? "$2"
}
run wrap fox --vpn demo
printf '[Desktop Entry]\nType=Application\nName=New\nExec=fox --new\n' >"$sys/applications/new.desktop"
says "$sys/applications/new.desktop, which starts fox, has nothing before it" 'R09 --check: an entry that a package has brought since'
run wrap fox --vpn demo && run wrap --check fox; ok $? 'R09 wrapped again: covered'
sed -i 's/--new/--newer/' "$sys/applications/new.desktop"
says 'new.desktop, which starts fox, was changed since it was wrapped' 'R09 --check: an entry that a package has changed since'
rm "$sys/applications/new.desktop"
run wrap fox --vpn demo && [ ! -e "$apps/new.desktop" ]; ok $? 'R09 one that has gone: its cover goes, too'
PATH=$work/sys/bin:$HOME/.local/bin:$PATH run wrap fox --vpn demo && grep -qE "note: $HOME/.local/bin is not in PATH before $work/sys/bin, so .*; put it first" "$work/err"
ok $? 'R09 wrap itself says that the shell it is typed in starts the program without it'
grep -qF 'more way' "$work/err"; ok $((! $?)) 'and does not count that once more'
PATH=$work/sys/bin:$HOME/.local/bin:$PATH says "$HOME/.local/bin is not in PATH before $work/sys/bin" 'R09 --check: a PATH that has the program before its wrapper'
ln -s "$fox" /etc/alternatives/x-fox
ln -s /etc/alternatives/x-fox "$work/sys/bin/x-fox"
ln -s fox "$work/sys/bin/foxlink"
says "$work/sys/bin/x-fox is fox by another name" 'R09 L39 --check: an alternative'
grep -qF 'sys/bin/foxlink is fox' "$work/out"; ok $? 'and so is a link'
typed 'vpnctl wrap x-fox --vpn demo' && run unwrap x-fox; ok $? 'R28 what it says to type works'
run wrap fox --vpn demo
typed 'vpnctl wrap --check fox' 1; ok $? 'R28 wrap itself says how many there are, and how to see them'
printf '[Desktop Entry]\nType=Application\nName=X\nExec=x-fox %%u\n' >"$sys/applications/x.desktop"
run wrap fox --vpn demo && has "Exec=$by $work/sys/bin/x-fox %u" "$apps/x.desktop"; ok $? 'R09 L39 an entry by that name is covered'
run wrap foxlink --vpn demo && run wrap --check foxlink; grep -qF 'sys/bin/x-fox is foxlink by another name' "$work/out"
ok $? 'L39 also of one that is not called like its file'
run unwrap foxlink
rm "$work/sys/bin/x-fox" "$work/sys/bin/foxlink" "$sys/applications/x.desktop"
run wrap fox --vpn demo
mkdir -p "$HOME/Desktop" /etc/systemd/system /etc/cron.d
printf '[Desktop Entry]\nType=Application\nName=Icon\nExec=%s %%u\n' "$fox" >"$HOME/Desktop/icon.desktop"
says "$HOME/Desktop/icon.desktop starts fox" 'R09 --check: an icon on the desktop'
rm -r "$HOME/Desktop"
printf '[Desktop Entry]\nType=Application\nName=Flat\nExec=/usr/bin/flatpak run --command=fox org.fox\n' >"$sys/applications/org.flat.desktop"
says 'org.flat.desktop starts the flatpak of fox' 'R09 --check: the same as a flatpak'
rm "$sys/applications/org.flat.desktop"
printf '[Service]\nExecStart=%s -d\n' "$fox" >/etc/systemd/system/foxd.service
says 'sudo vpnctl confine foxd --vpn demo' 'R09 --check: a unit of the system'
rm /etc/systemd/system/foxd.service
printf '# fox\n@reboot root fox -d\n' >/etc/cron.d/fox
says '/etc/cron.d/fox starts fox' 'R09 --check: a table of cron'
rm /etc/cron.d/fox
printf '#!/bin/sh\nexec fox "$@"\n' >"$work/sys/bin/starter"
chmod 755 "$work/sys/bin/starter"
printf '[Desktop Entry]\nType=Application\nName=S\nExec=starter\n' >"$sys/applications/s.desktop"
says 's.desktop starts a script that leads to fox' 'R09 L39 --check: a script that starts it'
rm "$sys/applications/s.desktop" "$work/sys/bin/starter"
run wrap --check fox; ok $? 'control: all that is gone again'
# busybox is a hundred programs.
cp "$fox" "$work/sys/bin/busybox"
ln -s busybox "$work/sys/bin/wegt"
ln -s busybox "$work/sys/bin/other-applet"
printf '[Desktop Entry]\nType=Application\nName=A\nExec=other-applet\n' >"$sys/applications/a.desktop"
run wrap wegt --vpn demo && [ ! -e "$apps/a.desktop" ] && run wrap --check wegt; ok $? 'R09 another program of the same busybox is left alone'
run unwrap wegt
rm "$work/sys/bin/"{busybox,wegt,other-applet} "$sys/applications/a.desktop"

# --- somebody else's ----------------------------------------------------------------------------

run unwrap fox
[ "$(home)" = "$before" ]; ok $? 'R37 unwrapped: all is as it was'
run wrap fox --vpn demo
echo X-Edited=1 >>"$auto/mine.desktop"
says "mine.desktop.unwrapped, which starts fox, is covered by a file that was changed since" 'R37 --check: a file of wrap'"'"'s that was edited'
run unwrap fox && [ "$(stat -c '%i %a %Y' "$auto/mine.desktop")" = "$stat" ] && has X-Edited=1 "$auto/mine.desktop.edited" && grep -q 'kept as' "$work/err"
ok $? 'R37 unwrap gives back the own one, and what was edited is kept and said'
rm "$auto/mine.desktop.edited"
run wrap fox --vpn demo
printf '[Desktop Entry]\nType=Application\nName=Anew\nExec=%s -x\n' "$fox" >"$auto/mine.desktop"
says "mine.desktop, which starts fox, was put there since" 'R37 --check: an own entry that a program has written anew'
cp -a "$auto" "$work/kept"
run unwrap fox && has Name=Anew "$auto/mine.desktop" && has Name=Mine "$auto/mine.desktop.unwrapped" && grep -q 'stays so' "$work/err"
ok $? 'R37 unwrap leaves it, and says where the former is'
run wrap fox --vpn demo && run unwrap fox && has Name=Anew "$auto/mine.desktop"; ok $? 'R37 wrapped and unwrapped again: the new one is the own one'
rm "$auto/mine.desktop"
[ "$(home)" = "$(grep -v mine.desktop <<<"$before")" ]; ok $? 'and nothing else is left'
run wrap fox --vpn demo
rm "$auto/fox.desktop"
run unwrap fox && [ ! -e "$auto/fox.desktop" ]; ok $? 'R37 a cover that somebody has removed'
printf '#!/bin/sh\ntrue\n# made by vpnctl wrap for fox\n' >"$work/own"
mkdir -p "$HOME/.local/bin"
cp "$work/own" "$HOME/.local/bin/fox"
own=$(home)
refused 'move it away' "R37 a script of the user's own" wrap fox --vpn demo
run unwrap fox
[ "$(home)" = "$own" ]; ok $? 'R37 stays'
rm -r "$HOME/.local/bin"
# What cannot be whole is not begun.
own=$(home)
mkdir "$apps/fox.desktop"
refused 'is a directory' 'R36 where one of the files cannot be' wrap fox --vpn demo
rmdir "$apps/fox.desktop"
[ "$(home)" = "$own" ]; ok $? 'R36 nothing was made'
printf '[Service]\nExecStart=%s\nRestrictNamespaces=yes\n' "$fox" >"$sys/systemd/user/shut.service"
refused 'RestrictNamespaces=no' 'R36 a unit in which no vpnrun can start' wrap fox --vpn demo
[ "$(home)" = "$own" ]; ok $? 'R36 nothing was made'
forbids() { # LINE ANSWER
	printf '[Service]\nExecStart=%s\n%s\n' "$fox" "$1" >"$sys/systemd/user/other.service"
	[ -z "$2" ] && run wrap fox --vpn demo && run unwrap fox && return
	! run wrap fox --vpn demo && grep -qF "drop-in with $2 first" "$work/err"
}
mv "$sys/systemd/user/shut.service" "$work/shut.service"
forbids 'SystemCallFilter=@system-service' 'SystemCallFilter='; ok $? 'R36 nor where mount(2) is not among what is allowed'
forbids 'SystemCallFilter=~@mount' 'SystemCallFilter='; ok $? 'R36 or is forbidden'
forbids $'SystemCallFilter=~@clock\nRestrictAddressFamilies=AF_INET AF_UNIX AF_NETLINK' ''; ok $? 'R09 all else may be'
forbids 'RestrictAddressFamilies=AF_INET' 'RestrictAddressFamilies='; ok $? 'R36 nor without the sockets that vpnrun needs'
rm "$sys/systemd/user/other.service"
mv "$work/shut.service" "$sys/systemd/user"
mkdir -p "$units/shut.service.d"
printf '[Service]\nRestrictNamespaces=no\n' >"$units/shut.service.d/ns.conf"
run wrap fox --vpn demo; ok $? 'R09 as the sentence says: wrapped'
run unwrap fox && [ "$(ls "$units/shut.service.d")" = ns.conf ]; ok $? 'R37 the own drop-in stays'
rm -r "$units" "$sys/systemd/user/shut.service"
own=$(home)
mkdir -p "$bus"
mount -t tmpfs -o nr_inodes=1 tmpfs "$bus"
run wrap fox --vpn demo
[ $? != 0 ] && [ ! -e "$HOME/.local/bin" ] && [ ! -e "$auto/fox.desktop" ]; ok $? 'R36 what fails half-way leaves nothing'
umount "$bus"
rmdir -p "$bus" 2>/dev/null
[ "$(home)" = "$own" ]; ok $? 'R36 and all is as it was'

# --- two at once ---------------------------------------------------------------------------------

own=$(home)
lock=$HOME/.vpnrun-wrap.lock
until_true() { # COMMAND...
	local _
	for _ in {1..200}; do
		"$@" && return
		sleep 0.1
	done
	return 1
}
exec 8>"$lock"
flock 8
"$VPNCTL" wrap fox --vpn demo >"$work/out" 2>"$work/err" 8>&- &
until_true grep -q 'another vpnctl wrap or unwrap of yours' "$work/err"; ok $? 'R13 a second one waits, and says so'
rm "$lock"
exec 9>"$lock"
flock 9
exec 8>&-
waits_twice() { [ "$(grep -c 'waiting for its end' "$work/err")" = 2 ]; }
until_true waits_twice; ok $? 'R13 also for a third, which came when the first had gone'
[ "$(home | grep -v "${lock##*/}")" = "$own" ]; ok $? 'R13 and has made nothing'
rm "$lock"
exec 9>&-
wait $!; ok $? 'R13 until they have ended'
run wrap --check fox && [ ! -e "$lock" ]; ok $? 'R13 then it does its work, and the lock goes'
run unwrap fox
if command -v strace >/dev/null; then
	at() { # SIGNAL: a wrap gets that as it puts its third file in place; its number is in $work/pid
		# shellcheck disable=SC2016 # the inner shell's
		strace -qqq -o "$work/stop" -e trace=rename,renameat,renameat2 -e inject=rename,renameat,renameat2:signal="$1":when=3 \
			sh -c 'echo $$ >"$0"; exec "$@"' "$work/pid" "$VPNCTL" wrap fox --vpn demo >/dev/null 2>&1
	}
	(at SIGKILL) 2>/dev/null
	[ -e "$lock" ] && [ "$(home | grep -v "${lock##*/}")" != "$own" ]; ok $? 'control: one that was killed at its third file'
	run unwrap fox && [ "$(home)" = "$own" ]; ok $? 'R13 R37 nobody waits for it, and unwrap leaves nothing'
	rm "$work/pid"
	at SIGSTOP &
	tracer=$!
	# Whoever is traced stops for a moment at each call, too: its state alone tells nothing.
	is_stopped() { grep -qs 'stopped by SIGSTOP' "$work/stop"; }
	until_true is_stopped; ok $? 'control: one is stopped there'
	"$VPNCTL" wrap fox --vpn other >"$work/out" 2>"$work/err" &
	second=$!
	until_true grep -q 'waiting for its end' "$work/err"; ok $? 'R13 another waits for it'
	kill -9 "$(<"$work/pid")"
	wait "$second" && run wrap --check fox && ! grep -rq -- 'notify demo --' "$HOME"; ok $? 'R13 the first killed: the second makes all of it anew, with its own VPN'
	wait "$tracer" 2>/dev/null
	run unwrap fox && [ "$(home)" = "$own" ]; ok $? 'R37 and nothing is left'
fi
whole=0
for _ in 1 2 3 4; do
	for vpn in demo other demo; do "$VPNCTL" wrap fox --vpn $vpn >/dev/null 2>&1 & done
	"$VPNCTL" unwrap fox >/dev/null 2>&1 &
	wait
	if grep -rq 'made by vpnctl wrap' "$HOME"; then
		run wrap --check fox || whole=1
	fi
	run unwrap fox
	[ "$(home)" = "$own" ] || whole=1
done
ok $whole 'R13 four at once: one of them is whole, and unwrap leaves nothing'

# --- a profile ----------------------------------------------------------------------------------

mkdir -p "$work/sys/lib/wolf" "$work/sys/lib/drome"
for b in wolf drome; do
	cp /bin/true "$work/sys/lib/$b/$b-bin"
	printf '#!/bin/sh\nexec %s "$@"\n' "$work/sys/lib/$b/$b-bin" >"$work/sys/bin/$b"
	chmod 755 "$work/sys/bin/$b"
done
touch "$work/sys/lib/wolf/application.ini" "$work/sys/lib/drome/"{icudtl.dat,resources.pak}
printf '[Desktop Entry]\nType=Application\nName=W\nExec=%s %%u\nActions=p;\n[Desktop Action p]\nName=P\nExec=wolf -P work\n' "$work/sys/lib/wolf/wolf-bin" >"$sys/applications/wolf.desktop"
run wrap wolf --vpn demo --profile
p=$HOME/.local/share/vpnrun/profiles/demo/wolf
[ "$(stat -c %a "$p")" = 700 ] && grep -qF -- "$work/sys/bin/wolf --profile $p \"\$@\"" "$HOME/.local/bin/wolf"
ok $? "R09 a profile of the VPN's own, for one of Firefox's family"
has "Exec=$by $work/sys/lib/wolf/wolf-bin --profile $p %u" "$apps/wolf.desktop"; ok $? 'R09 also where an entry names the executable behind the script'
has "Exec=$by $work/sys/bin/wolf -P work" "$apps/wolf.desktop"; ok $? 'R09 who names a profile has that'
run wrap --check wolf; ok $? 'R09 --check knows of the profile'
run wrap drome --vpn demo --profile
grep -qF -- "$work/sys/bin/drome --user-data-dir=$HOME/.local/share/vpnrun/profiles/demo/drome \"\$@\"" "$HOME/.local/bin/drome"
ok $? 'R09 and for one of Chromium'"'"'s'
touch "$p/cookies"
run unwrap wolf && [ -e "$p/cookies" ] && run unwrap drome && [ ! -e "$HOME/.local/share/vpnrun/profiles/demo/drome" ]
ok $? 'R37 unwrap: a profile that was used stays, an empty one goes'
rm -r "$HOME/.local/share/vpnrun"

echo "1..$n"
exit $failed
