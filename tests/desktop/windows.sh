# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # mode, home ... are of session.sh; scripts for other shells
# The rows with windows.
web=http://$RIG_WEB4

row_clipboard() {
	if [ "$mode" = xvfb ]; then needs xclip || return; else needs wl-copy || return; fi
	copy outside 'from outside'
	is "$(paste inside)" 'from outside' 'clipboard: what was copied outside is pasted inside'
	copy inside 'from inside'
	is "$(paste outside)" 'from inside' 'clipboard: and the other way'
}

row_dialog() {
	needs zenity || return
	start_inside sh -c 'exec zenity --file-selection --title "Which file" >"$HOME/chosen"'
	ok 'dialog: a file chooser opens' await_window 'Which file'
	raise 'Which file'
	keys ctrl+l ctrl+a
	type_text "$home/text.txt"
	shot dialog
	keys Return
	if [ "$mode" = wayland ]; then
		skip "sway's virtual keyboard does not press Return there, outside either" 'dialog: and gives the file back'
		return
	fi
	chosen() { raise 'Which file'; keys Return; [ "$(cat "$home/chosen")" = "$home/text.txt" ]; }
	ok 'dialog: and gives the file back' wait_for 10 chosen
}

row_gtk() {
	needs gnome-text-editor || return
	start gnome-text-editor --new-window
	ok 'gtk: an editor outside' await_window 'Text Editor'
	start_inside gnome-text-editor "$home/text.txt"
	ok 'gtk: one inside is its own, while one runs outside' await_window text.txt
	shot gtk
	is "$(inside timeout 30 gnome-text-editor --new-window >/dev/null 2>&1; echo $?)" 0 \
		'gtk: a second window inside is handed over to the first, and the command ends'
}

# inside_firsts PATTERN: main processes of a program that are in the VPN
inside_firsts() {
	local p
	for p in $(pgrep -U "$RIG_UID" -f "$1"); do
		[ "$(netns_of "$p")" = "$(netns_of self)" ] || tr '\0' ' ' <"/proc/$p/cmdline" | grep -Eq -- '-contentproc|--type=|crashpad|crashhelper|vpnrun' ||
			echo "$p"
	done
}
# own_sandbox MAIN PATTERN: a process of pages has less than the browser: a filter more, and other namespaces
own_sandbox() {
	local p
	filters() { sed -n 's/^Seccomp_filters:\t//p' "/proc/$1/status"; }
	for p in $(pgrep -U "$RIG_UID" -f -- "$2"); do
		[ "$(filters "$p")" -gt "$(filters "$1")" ] || continue
		[ "$(readlink "/proc/$p/ns/user")" = "$(readlink "/proc/$1/ns/user")" ] || return 0
	done
	return 1
}

# browser NAME COMMAND... with: binary, pages (what their processes are called)
browser() {
	local name=$1 binary=$2 pages=$3 first
	shift 3
	start_inside "$@" "$web/page?firstpage"
	ok "$name: its window opens" await_window firstpage
	first=$(inside_firsts "$binary")
	is "$(wc -w <<<"$first")" 1 "$name: one program"
	ok "$name: the page comes through the VPN" wait_for $patience page_says firstpage demo
	shot "$name"
	ok "$name: its own sandbox is alive" wait_for $patience own_sandbox "$first" "$pages"
	ok "$name: a second window is handed over, and the command ends" inside timeout $patience "$@" --new-window "$web/page?secondpage"
	ok "$name: it opens" await_window secondpage
	ok "$name: and its page comes through the VPN" wait_for $patience page_says secondpage demo
	is "$(inside_firsts "$binary")" "$first" "$name: in the same program"
	shot "$name-second"
}

row_firefox() {
	needs firefox-esr || return
	mkdir -p /etc/firefox/policies /etc/firefox-esr/policies
	echo '{"policies": {"OverrideFirstRunPage": "", "OverridePostUpdatePage": "", "DontCheckDefaultBrowser": true,
		"DisableTelemetry": true, "SkipTermsOfUse": true, "UserMessaging": {"SkipOnboarding": true}}}' |
		tee /etc/firefox/policies/policies.json >/etc/firefox-esr/policies/policies.json
	browser firefox '^/usr/lib/firefox-esr/firefox-esr|^firefox-esr' '-contentproc.* tab$' firefox-esr
	needs xdg-open || return
	as_user mkdir -p "$home/.config"
	printf '[Default Applications]\nx-scheme-handler/http=firefox-esr.desktop\n' |
		as_user tee "$home/.config/mimeapps.list" >/dev/null
	inside timeout $patience xdg-open "$web/page?linkpage" >/dev/null 2>&1
	ok 'firefox: a link that another program of the VPN opens, by xdg-open' await_window linkpage
	is "$(outside timeout 20 vpnrun other firefox-esr "$web/page?other" >"$home/refused" 2>&1; echo $?)" 125 \
		'firefox: for another VPN it is refused while this one runs'
}

row_chromium() {
	local options=(--no-first-run --no-default-browser-check --password-store=basic)
	needs chromium || return
	[ "$mode" = xvfb ] || options+=(--ozone-platform=wayland)
	browser chromium '^/usr/lib/chromium/chromium' '--type=renderer' chromium "${options[@]}"
}

row_thunderbird() {
	needs thunderbird || return
	start_inside thunderbird
	ok 'thunderbird: its window opens' await_window 'Thunderbird|Account'
	shot thunderbird
	is "$(inside timeout $patience thunderbird -addressbook >/dev/null 2>&1; echo $?)" 0 \
		'thunderbird: the address book that a second command asks for is handed over, and the command ends'
	ok 'thunderbird: and opens there' await_window 'Address Book'
}

# click: on the icon that came last
click() {
	outside gdbus call --session -d "$(sed -n 's/^call \(:[0-9.]*\) .*RegisterStatusNotifierItem.*/\1/p' "$log" | tail -n 1)" \
		-o /StatusNotifierItem -m org.kde.StatusNotifierItem.Activate 1 1
}
row_qt() {
	needs qbittorrent gdbus || return
	as_user mkdir -p "$home/.config/qBittorrent"
	printf '%s\n' '[LegalNotice]' 'Accepted=true' '[Network]' 'PortForwardingEnabled=false' '[BitTorrent]' 'Session\DHTEnabled=false' \
		'Session\LSDEnabled=false' | as_user tee "$home/.config/qBittorrent/qBittorrent.conf" >/dev/null
	start_inside qbittorrent
	ok 'qt: its window opens' await_window qBittorrent
	ok 'qt: its icon is in the panel: the desktop reads it' wait_for $patience logged '^item .*(qbittorrent|qBittorrent)'
	shot qt
}

row_tray() {
	needs gdbus || return
	start_inside sh -c '"$1" item >"$HOME/item"' - "$B/tests/net/busstub"
	ok 'tray: an icon is shown' wait_for 10 logged '^item .*an item'
	ok 'tray: a click on it arrives' eval 'click; wait_for 5 grep -q activated "$home/item"'
}

row_mpv() {
	local out=x11
	needs mpv || return
	make_tone
	[ "$mode" = xvfb ] || out=wlshm
	start_inside mpv --no-config --vo=$out --ao=pulse --title=Film --length=60 av://lavfi:testsrc
	ok 'mpv: a film is shown' await_window Film
	shot mpv
	plays mpv --no-config --vo=null --ao=pulse || return
	is "$(inside timeout $patience mpv --no-config --vo=null --ao=pulse "$home/tone.wav" >"$home/mpv.out" 2>&1; echo $?)" 0 'mpv: and heard'
}

row_wine() {
	needs wine || return
	is "$(inside env WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' WINEPREFIX="$home/wine" timeout 120 wine cmd /c ver 2>/dev/null |
		grep -c 'Microsoft Windows')" 1 'wine: a program of Windows runs'
	start_inside env WINEDEBUG=-all WINEPREFIX="$home/wine" wine notepad
	ok 'wine: and opens a window' await_window 'Notepad'
	shot wine
	inside env WINEPREFIX="$home/wine" wineserver -k
}
