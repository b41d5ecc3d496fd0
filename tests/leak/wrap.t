#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnctl wrap: a program that always goes through a VPN (R09), for a user without root. Runs in the rig.
# shellcheck disable=SC2016
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
sys=$home/sys
apps=$home/.local/share/applications
as_user mkdir -p "$sys/bin" "$sys/share/applications" "$apps"
printf '#!/bin/sh\necho "$# [$1] $(curl -s -m 5 "http://%s/")"\n' "$RIG_WEB4" >"$sys/bin/fox"
chmod 755 "$sys/bin/fox"
cat >"$sys/share/applications/org.fox.desktop" <<'EOF'
#!/usr/bin/env xdg-open
[Desktop Entry]
Type=Application
Name=Fox
Name[de]=Fuchs
Exec=env FOX=1 fox %u
DBusActivatable=true
MimeType=text/html;
Actions=new;

[Desktop Action new]
Name=New Window
Exec=fox --new-window
EOF
printf '[Desktop Entry]\nName=Not\nExec=foxy\n' >"$sys/share/applications/foxy.desktop"
printf '[Desktop Entry]\nName=Mine\nExec=fox\n' >"$apps/mine.desktop"
chown -R "$RIG_UID" "$home"
user() { as_user env PATH="$home/.local/bin:$sys/bin:$PATH" XDG_DATA_DIRS="$sys/share" "$@"; }
files() { (cd "$home" && find . -type f -printf '%p %m ' -exec md5sum {} \; | sort); }
entry() { sed -n "s/^$1=//p" "$apps/org.fox.desktop"; }

before=$(files)
is "$(user fox x)" '1 [x] clear' 'control: without a wrapper it goes in the clear'
like "$(user vpnctl wrap fox --vpn demo)" 'fox goes through demo.*2 desktop entries$' 'R09: wrap, without root'
is "$(user fox 'a  b')" '1 [a  b] demo' 'R09: its name goes through the VPN, arguments as they are'
is "$(user fox)" '0 [] demo' 'R09: also without arguments'
vpnrun=$(realpath "$(command -v vpnrun)")
is "$(entry Name | head -1)" 'Fox (demo)' 'R09: the entry is shown with the name of the VPN'
is "$(entry 'Name\[de\]')" 'Fuchs (demo)' 'in every language'
is "$(entry Exec | head -1)" "$vpnrun --notify demo -- env FOX=1 $sys/bin/fox %u" 'R09: its command goes through vpnrun'
is "$(entry Exec | tail -1)" "$vpnrun --notify demo -- $sys/bin/fox --new-window" 'R09: and those of its actions'
is "$(entry DBusActivatable)" false 'L16: it is not activated by D-Bus'
is "$(entry Name | tail -1) $(entry MimeType)" 'New Window text/html;' 'all else is as it was'
is "$(find "$apps" -name '*.desktop' -exec basename {} \; | sort | xargs)" 'mine.desktop org.fox.desktop' 'other programs have no wrapper'
is "$(sed -n 's/^Exec=//p' "$apps/mine.desktop")" "$vpnrun --notify demo -- $sys/bin/fox" 'R09: an entry of the user'"'"'s own goes through it, too'
first=$(files)
ok 'once more' user vpnctl wrap fox --vpn demo
is "$(files)" "$first" 'R09: wrap is idempotent'
ok 'with another VPN and a policy' user vpnctl wrap fox --vpn other --policy browser
is "$(user fox)" '0 [] other' 'R09: it goes through the other'
like "$(entry Exec | head -1)" "--policy browser other -- " 'and its entry, too'
# A failure behind a menu entry: somebody is told.
mkdir "$home/told"
for p in notify-send zenity kdialog xmessage logger; do
	printf '#!/bin/sh\n[ -e "%s/no-${0##*/}" ] && exit 1\nprintf "%%s|" "${0##*/}" "$@" >"%s/said"\n[ ! -e "%s/hang-${0##*/}" ] || exec sleep 1004\n' "$home/told" "$home/told" "$home/told" >"$home/told/$p"
done
chmod 755 "$home"/told/*
chown -R "$RIG_UID" "$home/told"
clicked() {
	as_user rm -f "$home/told/said"
	as_user timeout 60 env PATH="$home/told:$PATH" DISPLAY=:99 "$@" >/dev/null 2>&1
	out="$? $(cat "$home/told/said" 2>/dev/null)"
}
told_is() { grep -q "^$1|" "$home/told/said" && out="${out%% *} $(cat "$home/told/said")"; } # whoever starts it does not wait for that
clicked vpnrun --notify 'no<b>&' -- true
like "$out" "^125 notify-send\\|.*private-synchronous:vpnrun-launch\\|--\\|vpnrun\\|there is no VPN 'no&lt;b&gt;&amp;'" 'a failure behind a menu entry: a notification, in the place of the former, and its status'
clicked vpnrun nosuch true
is "$out" '125 ' 'control: without --notify nobody is told'
clicked vpnrun --notify demo -- true
is "$out" '0 ' 'and nobody where nothing fails'
as_user touch "$home/told/no-notify-send"
clicked vpnrun --notify nosuch -- true
wait_for 10 told_is zenity
like "$out" "^125 zenity\\|--error\\|.*there is no VPN 'nosuch'" 'where there is none: a dialog'
as_user touch "$home/told/hang-zenity"
clicked vpnrun --notify nosuch -- true
wait_for 10 told_is zenity
like "$out" "^125 zenity\\|" 'which nobody has to close before the status is there'
pkill -u "$RIG_UID" -xf 'sleep 1004'
as_user rm "$home/told/no-notify-send"
as_user touch "$home/told/hang-notify-send"
clicked vpnrun --notify nosuch -- true
wait_for 10 told_is zenity
like "$out" "^125 zenity\\|" 'so where a notification waits for a desktop that does not come'
pkill -u "$RIG_UID" -xf 'sleep 1004'
as_user touch "$home/told/no-notify-send"
as_user touch "$home/told/no-zenity" "$home/told/no-kdialog" "$home/told/no-xmessage"
clicked vpnrun --notify nosuch -- true
wait_for 10 told_is logger
like "$out" "^125 logger\\|.*there is no VPN 'nosuch'" 'where there is no dialog: the journal'
as_user rm "$home/told/said"
like "$(script -qec "as_user env PATH='$home/told:$PATH' vpnrun --notify nosuch true" /dev/null </dev/null 2>&1)" \
	"there is no VPN 'nosuch'" 'on a terminal the sentence is there'
ok 'and is enough' test ! -e "$home/told/said"
rm -r "$home/told"
as_user sh -c 'kill -0 1' 2>/dev/null
like "$(user vpnctl unwrap fox)" 'as it was' 'R09: unwrap'
is "$(files)" "$before" 'R09: and nothing of it is left, nothing else was touched'
like "$(user vpnctl unwrap fox)" 'had no wrapper' 'once more: nothing to do'

# --- whoever starts it ---------------------------------------------------------------------------

# A program that says, by the way it was started, who answered; each way names it by its whole path, as packages do.
R=/run/user/$RIG_UID
birds=$home/birds
as_user mkdir -p "$birds" "$home/.config" "$sys/xdg/autostart" "$sys/share/dbus-1/services" "$home/.mozilla/native-messaging-hosts"
cat >"$sys/bin/bird" <<EOT
#!/bin/sh
exec >/dev/null 2>&1
curl -s -m 5 "http://$RIG_WEB4/" >"$birds/\$1.new"
mv "$birds/\$1.new" "$birds/\$1"
# A bus waits for one that ends well.
[ "\$1" != bus ]
EOT
chmod 755 "$sys/bin/bird"
cat >"$sys/share/dbus-1/services/org.bird.service" <<EOT
[D-BUS Service]
Name=org.bird
Exec=$sys/bin/bird bus
EOT
cat >"$sys/share/applications/org.bird.desktop" <<EOT
[Desktop Entry]
Type=Application
Name=Bird
Exec=$sys/bin/bird menu %u
DBusActivatable=true
MimeType=x-scheme-handler/bird;
EOT
cat >"$sys/share/applications/nest.desktop" <<EOT
[Desktop Entry]
Type=Application
Name=Nest
Exec=$sys/bin/bird link %u
MimeType=x-scheme-handler/nest;
EOT
printf '[Desktop Entry]\nType=Application\nName=Bird\nExec=sh -c "exec %s auto"\n' "$sys/bin/bird" >"$sys/xdg/autostart/bird.desktop"
# Xfce's preferred browser is a helper: the program itself, or Debian's script that has the choice in a variable.
as_user mkdir -p "$sys/share/xfce4/helpers"
printf '#!/bin/sh\nchosen=x-www-browser\neval "$chosen \\"\\$@\\""\n' >"$sys/bin/sensible-browser"
chmod 755 "$sys/bin/sensible-browser"
ln -s bird "$sys/bin/x-www-browser"
for h in 'xfce nosuch;bird;' 'sensible sensible-browser;'; do
	printf '[Desktop Entry]\nType=X-XFCE-Helper\nName=Bird\nX-XFCE-Binaries=%s\nX-XFCE-Category=WebBrowser\nX-XFCE-Commands=%%B;\nX-XFCE-CommandsWithParameter=%%B "%%s";\n' \
		"${h#* }" >"$sys/share/xfce4/helpers/${h% *}.desktop"
done
printf '{"name":"org.bird","description":"","path":"%s","type":"stdio","allowed_extensions":["a@b"]}' "$sys/bin/bird" \
	>"$home/.mozilla/native-messaging-hosts/org.bird.json"
printf '[Default Applications]\nx-scheme-handler/nest=nest.desktop\nx-scheme-handler/bird=org.bird.desktop\n' >"$home/.config/mimeapps.list"
chown -R "$RIG_UID" "$home"
desk() { as_user env PATH="$home/.local/bin:$sys/bin:$PATH" XDG_DATA_DIRS="$sys/share:/usr/share" XDG_CONFIG_DIRS="$sys/xdg" \
	DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus" "$@"; }
desk dbus-daemon --session --nofork --nopidfile --address="unix:path=$R/bus" >/dev/null 2>&1 &
bus=$!
wait_for 10 test -S "$R/bus"
ask_bus() { desk dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus."$1" "${@:2}" >/dev/null 2>&1; }
# As a session starts what is in both directories: the user's own hides the system's.
autostart() {
	local f=$home/.config/autostart/bird.desktop
	[ -e "$f" ] || f=$sys/xdg/autostart/bird.desktop
	desk gio launch "$f"
}
# As exo-open starts a helper: the user's own hides the system's, and %B is the first of its programs that is there.
helper() {
	local f=$home/.local/share/xfce4/helpers/$1.desktop b c
	[ -e "$f" ] || f=$sys/share/xfce4/helpers/$1.desktop
	b=$(desk sh -c 'IFS=";"; for b in $1; do command -v "$b" && break; done' - "$(sed -n 's/^X-XFCE-Binaries=//p' "$f")")
	c=$(sed -n 's/^X-XFCE-CommandsWithParameter=\([^;]*\);.*/\1/p' "$f")
	c=${c//%B/$b}
	desk sh -c "${c//%s/$1}"
}
came() { [ "$(find "$birds" -type f -printf "%f\n" | sort | xargs)" = "$1" ]; }
starts() { # THE-WAYS: how each of them ends, once all have
	as_user rm -rf "$birds"
	as_user mkdir "$birds"
	ask_bus StartServiceByName string:org.bird uint32:0
	desk gio open bird:egg
	desk env DISPLAY=:99 xdg-open nest:egg >/dev/null 2>&1
	autostart
	helper xfce
	helper sensible
	as_user "$(perl -MJSON::PP -0ne 'print decode_json($_)->{path}' "$home/.mozilla/native-messaging-hosts/org.bird.json")" host x
	wait_for 20 came "$1"
	(cd "$birds" && grep -H . ./*) | sed "s/^..//" | xargs
}
before=$(files)
$RIG_CAPTURE start
is "$(starts 'auto bus host link sensible xfce')" 'auto:clear bus:clear host:clear link:clear sensible:clear xfce:clear' \
	'danger: a session'"'"'s bus, which the menu asks, too, a link, autostart, a browser and Xfce start it in the clear'
ok 'danger: packets leave' test "$($RIG_CAPTURE stop)" -gt 0
said=$(desk vpnctl wrap bird --vpn demo)
like "$said" '2 desktop entries, 1 autostart entry, 2 helpers of Xfce.s, 1 D-Bus service, 1 native-messaging manifest' 'R09: all of them are covered'
said=${said##*or now by: }
# shellcheck disable=SC2086,SC2218 # words, as a shell has them; another of the name comes later
desk $said >/dev/null
$RIG_CAPTURE start
is "$(starts 'auto bus host link menu sensible xfce')" 'auto:demo bus:demo host:demo link:demo menu:demo sensible:demo xfce:demo' 'R09 L16 L38: now each goes through the VPN, and the menu asks no bus'
is "$($RIG_CAPTURE stop)" 0 'R09: and nothing leaves beside it'
like "$(desk vpnctl wrap --check bird)" '^[^ ]*/x-www-browser is bird by another name' 'R09: --check names the other name, and nothing else'
rm "$sys/bin/x-www-browser"
ok 'R09: nothing goes around, says --check' desk vpnctl wrap --check bird
ok 'unwrap' desk vpnctl unwrap bird
is "$(files | grep -v -e /birds/)" "$(grep -v -e /birds/ <<<"$before")" 'R09: all is as it was'
kill "$bus"
wait "$bus" 2>/dev/null
rm -rf "$birds" "$sys/bin/bird" "$home/.mozilla" "$home/.config" "$home/.local/share/gvfs-metadata" "$sys/share/dbus-1" "$sys/share/xfce4" "$sys/bin/sensible-browser" "$sys/xdg" "$sys/share/applications/"{org.bird,nest}.desktop

# Programs as their packages ship them.
desk() { as_user env PATH="$home/.local/bin:$PATH" DISPLAY= "$@"; }
if command -v firefox-esr >/dev/null; then
	servers=
	ok 'R09: firefox-esr' desk vpnctl wrap firefox-esr --vpn demo --policy browser --profile
	entries=$(grep -lr '^Exec=.*/vpnrun --notify --policy browser demo -- .*--profile ' "$apps" | wc -l)
	ok 'R09: its entry has the profile, too' test "$entries" -ge 1
	like "$(desk vpnctl wrap --check firefox-esr)" 'x-www-browser is firefox-esr by another name' 'L39: --check names the alternative'
	if command -v Xvfb >/dev/null; then
		# One runs outside, with a window, and is given the pages of whoever has its profile.
		for ns in internet demo; do
			in_ns $ns perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(LocalAddr => shift, LocalPort => 8088, Listen => 9, ReuseAddr => 1) or die;
				while ($c = $s->accept) { $_ = <$c>; print "$1:$ARGV[0]\n" if m{/(page\d)}; print $c "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<title>x</title>x"; close $c }' \
				"$RIG_WEB4" $ns >>"$RIG_DIR/asked" &
			servers+=" $!"
		done
		[ -d /tmp/.X11-unix ] || mkdir -m 1777 /tmp/.X11-unix
		as_user Xvfb -displayfd 1 -noreset -nolisten tcp >"$RIG_DIR/display" 2>/dev/null &
		xvfb=$!
		ok 'control: a display' wait_for 30 test -s "$RIG_DIR/display"
		fox() { desk env DISPLAY=":$(<"$RIG_DIR/display")" NO_AT_BRIDGE=1 "$1" "http://$RIG_WEB4:8088/$2" >/dev/null 2>&1; }
		asked() { grep -qx "$1" "$RIG_DIR/asked"; }
		fox /usr/bin/firefox-esr page1 &
		ok 'control: one runs outside, and opens pages there' wait_for 90 asked page1:internet
		fox /usr/bin/firefox-esr page2
		ok 'danger: who starts it once more gives the page to that one' wait_for 60 asked page2:internet
		fox firefox-esr page3 &
		ok 'R09 L16: wrapped with --profile beside it: its page goes through the VPN' wait_for 90 asked page3:demo
		fox firefox-esr page4
		ok 'R09 L16: the next one, too, which the wrapped one opens' wait_for 60 asked page4:demo
		fox /usr/bin/firefox-esr page5
		ok 'R09: and the one outside is still its own' wait_for 60 asked page5:internet
		is "$(sort -u "$RIG_DIR/asked" | xargs)" 'page1:internet page2:internet page3:demo page4:demo page5:internet' 'L16: no page went the other way'
		kill $xvfb # and all that have a window there
		ok 'they have ended' wait_for 30 eval '! pgrep -U "$RIG_UID" "^firefox-esr"'
		# shellcheck disable=SC2086
		kill $servers
		rm -rf "$home/.mozilla" "$home/.config" "$home/.cache" "$home/.local/share/vpnrun/profiles/demo/firefox-esr"
	else
		skip 'needs Xvfb' 'a real browser beside one that runs'
	fi
	desk vpnctl unwrap firefox-esr >/dev/null
else
	skip 'needs firefox-esr' 'a real browser'
fi
if command -v gnome-text-editor >/dev/null; then
	like "$(desk vpnctl wrap gnome-text-editor --vpn demo)" '1 desktop entry, 1 D-Bus service' 'R09: gnome-text-editor, which the bus starts'
	desk vpnctl unwrap gnome-text-editor >/dev/null
else
	skip 'needs gnome-text-editor' 'a real D-Bus service'
fi
if command -v syncthing >/dev/null; then
	like "$(desk vpnctl wrap syncthing --vpn demo)" '2 desktop entries, 1 user unit' 'R09: syncthing, a unit of the user'"'"'s'
	like "$(desk vpnctl wrap --check syncthing)" 'sudo vpnctl confine syncthing@' 'R09: --check names the unit of the system'
	desk vpnctl unwrap syncthing >/dev/null
else
	skip 'needs syncthing' 'a real user unit'
fi
if command -v chromium >/dev/null; then
	# One runs outside, and would be given the page.
	desk /usr/bin/chromium --headless --disable-gpu --user-data-dir="$home/.config/chromium" --remote-debugging-port=0 about:blank >/dev/null 2>&1 &
	ok 'one that runs outside' wait_for 60 test -L "$home/.config/chromium/SingletonLock"
	desk vpnctl wrap chromium --vpn demo --policy browser >/dev/null
	like "$(desk chromium --headless --disable-gpu --dump-dom --user-data-dir="$home/.config/chromium" "http://$RIG_WEB4/" 2>&1)" \
		'already runs outside|runs outside|another profile' 'L16: control: with its profile it is refused'
	desk vpnctl wrap chromium --vpn demo --policy browser --profile >/dev/null
	is "$(desk chromium --headless --disable-gpu --dump-dom "http://$RIG_WEB4/" 2>/dev/null | grep -o demo)" demo 'R09: chromium, by its name'
	ok 'R09: with a profile of the VPN'"'"'s own' test -d "$home/.local/share/vpnrun/profiles/demo/chromium/Default"
	outer=$(readlink "$home/.config/chromium/SingletonLock")
	kill "${outer##*-}"
	ok 'the one outside has ended' wait_for 30 eval '! pgrep -U "$RIG_UID" -f user-data-dir="$home/.config/chromium"'
	rm -rf "$home/.config"
	desk vpnctl unwrap chromium >/dev/null
	ok 'R37: which stays after unwrap' test -d "$home/.local/share/vpnrun/profiles/demo/chromium/Default"
	rm -r "$home/.local/share/vpnrun"
else
	skip 'needs chromium' 'a profile of its own'
fi
is "$(find "$home" -path "$sys" -prune -o -name '*vpnrun*' -print)" '' 'R09: of none anything is left'
before=$(files)

# The form for all users, as its files say: the wrapper under the program's name, the entry in their
# own share. Its directories are the machine's, so here they are only this user's.
desktop=$RIG_TREE/contrib/desktop
sed -e 's/^vpn=.*/vpn=demo/' -e "s|^for dir in .*|for dir in $sys/bin; do|" "$desktop/vpnrun-wrapper" >"$RIG_DIR/wrapper"
is "$(diff "$desktop/vpnrun-wrapper" "$RIG_DIR/wrapper" | grep -c '^<')" 2 'the wrapper for all users, for demo'
mkdir "$home/all"
install -m 755 "$RIG_DIR/wrapper" "$home/all/vpnrun-wrapper"
ln -s vpnrun-wrapper "$home/all/fox"
ln -s vpnrun-wrapper "$home/all/nofox"
is "$(as_user "$home/all/fox" 'a  b')" '1 [a  b] demo' 'R09: under the name of a program, it goes through the VPN'
out=$(as_user "$home/all/nofox" 2>&1)
is "$? $out" '127 nofox: not installed' 'R09: a program that is not there: says so'
sed -i 's/^policy=.*/policy=browser/' "$home/all/vpnrun-wrapper"
is "$(as_user "$home/all/fox")" '0 [] demo' 'R09: with a policy as well'
exec=$(sed -n 's/^Exec=//p' "$desktop/vpnrun-firefox.desktop")
is "$exec" 'vpnrun --policy browser mullvad -- /usr/bin/firefox %u' 'the entry for all users'
exec=${exec/mullvad/demo} exec=${exec/\/usr\/bin\/firefox/$sys/bin/fox}
# shellcheck disable=SC2086 # words, as a desktop makes them
is "$(as_user ${exec/\%u/x})" '1 [x] demo' 'R09: its command goes through the VPN'
is "$(grep -c '^DBusActivatable=false$' "$desktop/vpnrun-firefox.desktop")" 1 'L16: and is not activated by D-Bus'
rm -r "$home/all"

as_user sh -c 'mkdir -p ~/.local/bin; echo mine >~/.local/bin/fox'
with=$(files)
out=$(user vpnctl wrap fox --vpn demo 2>&1)
like "$? $out" '^1 vpnctl: .*fox exists and was not made' 'a file of the user'"'"'s own is not replaced'
user vpnctl unwrap fox >/dev/null
is "$(files)" "$with" 'nor removed'
as_user rm "$home/.local/bin/fox"
out=$(user vpnctl wrap nofox --vpn demo 2>&1)
like "$? $out" "^1 vpnctl: there is no program 'nofox'" 'a program that is not there: refused'
out=$(user vpnctl wrap ../fox --vpn demo 2>&1)
like "$?" '^1' 'a path: refused'
out=$(user vpnctl wrap fox --vpn 'a;b' 2>&1)
like "$?" '^1' 'no name of a VPN: refused'
out=$(user vpnctl wrap fox 2>&1)
like "$?" '^2' 'no VPN: wrong usage'
out=$(SUDO_UID=$RIG_UID vpnctl wrap fox --vpn demo 2>&1)
like "$? $out" '^1 .*without sudo' 'under sudo: refused'
is "$(files)" "$before" 'and nothing was made'
finish
