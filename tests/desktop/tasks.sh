# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # mode, home ... are of session.sh; scripts for other shells
# The rows of things that people do with several programs: type in another script, print, follow a link
# out of a mail, unpack an application.

# as_typed WHO...: what a dialog there has after "awb" was typed into it
as_typed() {
	rm -f "$home/typed"
	"$@" zenity --entry --title 'Type here' >"$home/typed" 2>/dev/null &
	row_pids+=($!)
	await_window 'Type here' >/dev/null || return
	raise 'Type here'
	read -r -t 0.5 <> <(:) # the first keys of a window are lost where the input method is slow to begin
	type_text awb
	[ -z "${picture:-}" ] || shot "$picture"
	keys Return
	wait_for 5 test -s "$home/typed"
	cat "$home/typed"
}
row_input() {
	[ "$mode" = xvfb ] && needs ibus-daemon zenity xdotool && [ -e /usr/lib/python3/dist-packages/gi/overrides/IBus.py ] || return
	local session=("${session[@]}" GTK_IM_MODULE=ibus XMODIFIERS=@im=ibus)
	start dbus-update-activation-environment --all
	start ibus-daemon --panel disable --config disable
	wait_for 10 eval 'outside ibus address | grep -q unix'
	as_user tee "$home/omega.py" >/dev/null <"$here/omega.py"
	as_user sh -c ': >~/engine'
	start sh -c 'exec /usr/bin/python3 ~/omega.py >>~/engine'
	wait_for 10 grep -q engine "$home/engine"
	is "$(as_typed outside)" aωb 'input: control: an input method outside makes an omega of a w'
	is "$(picture=input as_typed inside)" aωb 'input: and inside'
	is "$(as_typed inside env GTK_IM_MODULE=xim)" awb 'input: control: without it'
}

# heard_while COMMAND...: what leaves the sound server meanwhile
is_quiet() { ! outside pactl list sink-inputs | grep -q .; }
heard_while() {
	wait_for 10 is_quiet
	as_user sh -c ': >~/heard'
	outside parec --latency-msec=50 -d null.monitor --raw >>"$home/heard" &
	row_pids+=($!)
	wait_for 10 test -s "$home/heard"
	as_user truncate -s 0 "$home/heard"
	"$@" >/dev/null 2>&1
	wait_for 10 is_quiet
	kill "${row_pids[-1]}"
	perl -e 'binmode STDIN; local $/; my $m = 0; for (unpack "s<*", <STDIN>) { $m = abs if abs > $m }
		print $m > 8000 ? "tone" : $m < 100 ? "silence" : $m' <"$home/heard"
}
row_playback() {
	make_tone
	needs pactl parec || return
	is "$(heard_while true)" silence 'playback: control: silence'
	if has paplay; then
		is "$(heard_while inside timeout 20 paplay "$home/tone.wav")" tone 'playback: paplay inside: the tone is what the server outside plays'
		is "$(heard_while outside vpnrun --strict --allow sound demo timeout 20 paplay "$home/tone.wav")" tone 'playback: --strict --allow sound, too'
		is "$(heard_while outside vpnrun --strict demo timeout 20 paplay "$home/tone.wav")" silence 'playback: --strict: nothing'
	fi
	[ -S "$R/pipewire-0" ] && needs pw-play wireplumber || return
	is "$(heard_while inside timeout 20 pw-play "$home/tone.wav")" tone 'playback: pw-play inside: the tone'
	is "$(heard_while outside vpnrun --strict demo timeout 20 pw-play "$home/tone.wav")" silence 'playback: pw-play with --strict: nothing'
}

row_terminal() {
	needs gnome-terminal gdbus || return
	local term=(gnome-terminal --wait -- sh -c)
	start "${term[@]}" "exec sleep 1000"
	owned() { "$1" gdbus call --session -d org.freedesktop.DBus -o / -m org.freedesktop.DBus.NameHasOwner org.gnome.Terminal | grep -q true; }
	ok 'terminal: a gnome-terminal outside has its server' wait_for $patience owned outside
	is "$(owned inside; echo $?)" 1 'terminal: and inside there is none yet'
	inside timeout $patience "${term[@]}" "curl -s $RIG_WEB4 >\$HOME/of-terminal"
	is "$(cat "$home/of-terminal")" demo 'terminal: what a window inside runs goes through the VPN'
	start_inside "${term[@]}" 'printf "\033]0;In the VPN\007"; exec sleep 1000'
	ok 'terminal: its window' await_window 'In the VPN'
	inside timeout $patience "${term[@]}" "curl -s $RIG_WEB4 >\$HOME/of-second; readlink /proc/\$PPID/ns/net >>\$HOME/of-second"
	is "$(head -n 1 "$home/of-second")" demo 'terminal: a second one, too'
	is "$(inside_firsts gnome-terminal-server | wc -w)" 1 'terminal: by the same server, which is inside'
	shot terminal
	is "$(outside vpnrun --allow bus demo gnome-terminal 2>/dev/null; echo $?)" 125 "terminal: with the session's own bus it is refused"
}

# Printing: a server of the rig's own. What it has taken and dealt with it keeps for a day.
row_print() {
	needs cupsd lp lpadmin lpstat || return
	local d=/tmp/cups
	mkdir -p "$d"/{spool/tmp,cache,state,log,etc,ppd} /run/cups
	grep -q '^lp:' /etc/passwd || echo 'lp:x:7:7::/:/usr/sbin/nologin' >>/etc/passwd
	grep -q '^lpadmin:' /etc/group || echo 'lpadmin:x:65501:root' >>/etc/group
	cat >"$d/cupsd.conf" <<-X
	Listen /run/cups/cups.sock
	Listen 127.0.0.1:631
	DefaultAuthType None
	Browsing No
	<Location />
	Order allow,deny
	Allow all
	</Location>
	<Policy default>
	<Limit All>
	Order deny,allow
	Allow all
	</Limit>
	</Policy>
	X
	cat >"$d/cups-files.conf" <<-X
	User lp
	Group lp
	SystemGroup lpadmin root
	FileDevice Yes
	ServerRoot $d/etc
	RequestRoot $d/spool
	TempDir $d/spool/tmp
	CacheDir $d/cache
	StateDir $d/state
	AccessLog $d/log/access
	ErrorLog $d/log/error
	PageLog $d/log/page
	X
	: >"$d/paper"
	chown -R lp "$d"
	start_root cupsd -f -c "$d/cupsd.conf" -s "$d/cups-files.conf"
	wait_for 10 test -S /run/cups/cups.sock
	lpadmin -h /run/cups/cups.sock -p paper -E -v "file://$d/paper" >/dev/null 2>&1
	printed() { grep -lq "$1" "$d"/spool/d*; }
	prints() { echo "$1" | as_user tee "$home/print.txt" >/dev/null; shift; outside vpnrun "$@" timeout 10 lp ${to[@]+"${to[@]}"} -d paper "$home/print.txt" 2>&1; }
	local to=()
	echo of-outside | outside lp -d paper >/dev/null 2>&1
	ok 'print: control: a page from outside' wait_for 10 printed of-outside
	like "$(prints by-itself demo)" 'No such file|not find|refused|no|Bad' 'print: inside there is no printer by itself'
	prints by-socket --allow /run/cups demo >/dev/null
	ok 'print: --allow /run/cups: printed' wait_for 10 printed by-socket
	to=(-h localhost:631)
	prints by-port --reach 631 demo >/dev/null
	ok 'print: --reach 631: printed' wait_for 10 printed by-port
	is "$(cat "$d"/spool/d* | grep -c by-itself)" 0 'print: and the first was not'
	is "$(lpstat -h /run/cups/cups.sock -W completed -o | wc -l)" 3 'print: three jobs are done'
}

# An AppImage is its files in a squashfs behind a starter that mounts them by FUSE, or unpacks them.
# Debian has no starter: what it does is done by hand here.
row_appimage() {
	is "$(inside printenv APPIMAGE_EXTRACT_AND_RUN)" 1 'appimage: they are told to unpack themselves'
	needs mksquashfs unsquashfs || return
	as_user sh -ec 'mkdir -p ~/app.dir && cd ~/app.dir
		printf "#!/bin/sh\nexec curl -s \"\$@\"\n" >AppRun && chmod 755 AppRun
		printf "[Desktop Entry]\nName=App\nExec=AppRun\nType=Application\n" >app.desktop
		mksquashfs . ../app.squashfs -quiet -no-progress' >/dev/null
	is "$(inside sh -c 'd=$(mktemp -d) && unsquashfs -q -n -d "$d/root" ~/app.squashfs >/dev/null && "$d/root/AppRun" "$1"; rm -rf "$d"' - "$web")" \
		demo 'appimage: unpacked, it runs, through the VPN'
	has squashfuse && [ -r /dev/fuse ] || { skip 'needs squashfuse and /dev/fuse' 'appimage: mounted'; return; }
	as_user mkdir -p "$home/app.mount"
	like "$(inside squashfuse "$home/app.squashfs" "$home/app.mount" 2>&1)" 'fusermount.*(ermitted|denied)' \
		'appimage: a mount by FUSE fails: its helper is a setuid program'
	is "$(inside unshare -Ucm --keep-caps sh -c 'squashfuse ~/app.squashfs ~/app.mount && ~/app.mount/AppRun "$1"' - "$web" 2>&1)" \
		demo 'appimage: in a namespace of its own it can be mounted, and runs'
}

# A link in a mail, clicked: the mail program asks for the browser of the desktop, in the VPN.
row_mail() {
	[ "$mode" = xvfb ] && needs thunderbird firefox-esr xdotool || return
	as_user mkdir -p "$home/.config"
	printf '[Default Applications]\nx-scheme-handler/http=firefox-esr.desktop\ntext/html=firefox-esr.desktop\n' |
		as_user tee "$home/.config/mimeapps.list" >/dev/null
	as_user tee "$home/mail.eml" >/dev/null <<-X
	From: Someone <someone@rig.test>
	To: <d@rig.test>
	Subject: A link
	MIME-Version: 1.0
	Content-Type: text/html; charset=utf-8

	<html><body><a href="$web/page?mailpage" style="display:block;font-size:300px">LINK LINK LINK</a></body></html>
	X
	start_inside thunderbird "$home/mail.eml"
	ok 'mail: a message opens' await_window 'A link'
	clicked() {
		local id
		id=$(windows 'A link' | tail -n 1)
		outside xdotool windowactivate --sync "$id" mousemove --window "$id" 300 600 click 1
		RIG_POLL=0.5 wait_for 15 has_window mailpage
	}
	shot mail
	ok 'mail: a click on its link opens the browser' wait_for $patience clicked
	ok 'mail: which shows the page as the VPN has it' wait_for $patience page_says mailpage demo
	shot mail-link
	is "$(inside_firsts '^/usr/lib/firefox-esr/firefox-esr|^firefox-esr' | wc -w)" 1 'mail: and runs inside'
}

# What the launcher does not see: a program inside that starts a Chromium while one runs outside.
row_chromium_later() {
	local options=(--no-first-run --no-default-browser-check --password-store=basic) lock=$home/.config/chromium/SingletonLock before
	needs chromium || return
	[ "$mode" = xvfb ] || options+=(--ozone-platform=wayland)
	# It would ask the network of its own accord.
	start chromium "${options[@]}" --proxy-server=127.0.0.1:9 'data:text/html,<title>outerpage</title>'
	ok 'chromium_later: one runs outside' await_window outerpage
	before=$(readlink "$lock")
	is "$(inside timeout 20 chromium "${options[@]}" "$web" >/dev/null 2>&1; echo $?)" 125 'chromium_later: as the command it is refused'
	start_inside perl -e 'exit system(@ARGV) >> 8' chromium "${options[@]}" "$web/page?innerpage"
	ok 'chromium_later: started by a script inside it opens' await_window innerpage
	ok 'chromium_later: its page comes through the VPN' wait_for $patience page_says innerpage demo
	is "$(readlink "$lock")" "$before" 'chromium_later: the lock of the one outside stays its own'
	ok 'chromium_later: with data of its own' test -d "$home/.config/vpnrun/demo/chromium/Default"
	is "$(titles | grep -c 'error occurred')" 0 'chromium_later: and no database errs'
	shot chromium-later
}

row_rsync() {
	needs rsync || return
	as_user mkdir -p "$home/from"
	echo text >"$home/from/file"
	chown "$RIG_UID:vpnrun" "$home/from/file"
	is "$(outside rsync -a "$home/from/" "$home/to-outside" && stat -c %G "$home/to-outside/file")" vpnrun 'rsync: control: -a keeps a group of the user'
	inside rsync -a "$home/from/" "$home/to-inside" >"$home/rsync.out" 2>&1
	is "$? $(cat "$home/to-inside/file")" '23 text' 'rsync: inside -a copies, and says that it cannot give the file to that group'
	is "$(inside rsync -a --no-group "$home/from/" "$home/to-inside" 2>&1; echo $?)" 0 'rsync: with --no-group it has nothing to say'
}
