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
like "$(user vpnctl wrap fox --vpn demo)" 'fox goes through demo.*1 desktop entry$' 'R09: wrap, without root'
is "$(user fox 'a  b')" '1 [a  b] demo' 'R09: its name goes through the VPN, arguments as they are'
is "$(user fox)" '0 [] demo' 'R09: also without arguments'
vpnrun=$(realpath "$(command -v vpnrun)")
is "$(entry Name | head -1)" 'Fox (demo)' 'R09: the entry is shown with the name of the VPN'
is "$(entry 'Name\[de\]')" 'Fuchs (demo)' 'in every language'
is "$(entry Exec | head -1)" "$vpnrun --notify demo -- env FOX=1 $sys/bin/fox %u" 'R09: its command goes through vpnrun'
is "$(entry Exec | tail -1)" "$vpnrun --notify demo -- $sys/bin/fox --new-window" 'R09: and those of its actions'
is "$(entry DBusActivatable)" false 'L16: it is not activated by D-Bus'
is "$(entry Name | tail -1) $(entry MimeType)" 'New Window text/html;' 'all else is as it was'
is "$(find "$apps" -name '*.desktop' | wc -l)" 2 'other programs have no wrapper'
first=$(files)
ok 'once more' user vpnctl wrap fox --vpn demo
is "$(files)" "$first" 'R09: wrap is idempotent'
ok 'with another VPN and a policy' user vpnctl wrap fox --vpn other --policy browser
is "$(user fox)" '0 [] other' 'R09: it goes through the other'
like "$(entry Exec | head -1)" "--policy browser other -- " 'and its entry, too'
# A failure behind a menu entry: somebody is told.
mkdir "$home/told"
for p in notify-send zenity kdialog xmessage logger; do
	printf '#!/bin/sh\n[ -e "%s/no-${0##*/}" ] && exit 1\nprintf "%%s|" "${0##*/}" "$@" >"%s/said"\n' "$home/told" "$home/told" >"$home/told/$p"
done
chmod 755 "$home"/told/*
chown -R "$RIG_UID" "$home/told"
clicked() {
	as_user rm -f "$home/told/said"
	as_user env PATH="$home/told:$PATH" DISPLAY=:99 "$@" >/dev/null 2>&1
	out="$? $(cat "$home/told/said" 2>/dev/null)"
}
clicked vpnrun --notify 'no<b>&' -- true
like "$out" "^125 notify-send\\|.*\\|vpnrun\\|there is no VPN 'no&lt;b&gt;&amp;'" 'a failure behind a menu entry: a notification, and its status'
clicked vpnrun nosuch true
is "$out" '125 ' 'control: without --notify nobody is told'
clicked vpnrun --notify demo -- true
is "$out" '0 ' 'and nobody where nothing fails'
as_user touch "$home/told/no-notify-send"
clicked vpnrun --notify nosuch -- true
like "$out" "^125 zenity\\|--error\\|.*there is no VPN 'nosuch'" 'where there is none: a dialog'
as_user touch "$home/told/no-zenity" "$home/told/no-kdialog" "$home/told/no-xmessage"
clicked vpnrun --notify nosuch -- true
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
