# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # mode is the caller's
# The session that tests/desktop/desktop runs programs in: what a desktop starts for its user, and how
# a row starts programs beside it.
R=/run/user/$RIG_UID
B=$RIG_DIR/build
home=$(as_user sh -c 'echo $HOME')
log=$home/desktop.log
pictures=$B/desktop
patience=${DESKTOP_PATIENCE:-60}
session=(DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus" XDG_CURRENT_DESKTOP=stub NO_AT_BRIDGE=1 GTK_A11Y=none
	LIBGL_ALWAYS_SOFTWARE=1 GSK_RENDERER=cairo)
session_pids=() row_pids=()

has() { command -v "$1" >/dev/null; }
# A row's first line: needs PROGRAM... || return
needs() {
	local p
	for p in "$@"; do
		has "$p" || { skip "$p is not installed" "$row"; return 1; }
	done
}
outside() { as_user env "${session[@]}" "$@"; }
inside() { outside vpnrun demo "$@"; }
# Both become the program itself, so that its number is the program's.
start() {
	"$RIG_DIR/bin/as_user" env "${session[@]}" "$@" >>"$home/$row.out" 2>&1 &
	row_pids+=($!)
}
start_inside() { start vpnrun demo "$@"; }
start_root() { "$@" >>"$home/session.out" 2>&1 & session_pids+=($!); }
daemon() {
	"$RIG_DIR/bin/as_user" env "${session[@]}" "$@" >>"$home/session.out" 2>&1 &
	session_pids+=($!)
}
logged() { grep -Eq -- "$1" "$log"; }
netns_of() { readlink "/proc/$1/ns/net"; }

end_pids() {
	local pid
	for pid in "$@"; do
		kill "$pid" 2>/dev/null
	done
	for pid in "$@"; do
		wait_for 10 ended "$pid" || kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
}
end_row() { end_pids "${row_pids[@]}"; row_pids=(); }

start_xvfb() {
	session+=(XAUTHORITY="$R/xauth_desktop" GDK_BACKEND=x11 QT_QPA_PLATFORM=xcb)
	as_user sh -c 'umask 77; xauth -q -f "$1" add :99 . "$(mcookie)" 2>/dev/null' - "$R/xauth_desktop"
	mkdir -m 1777 /tmp/.X11-unix
	daemon Xvfb :99 -noreset -screen 0 1280x900x24 -nolisten tcp -auth "$R/xauth_desktop"
	session+=(DISPLAY=:99)
	wait_for 20 outside xprop -root
	! has openbox || daemon openbox
}

start_sway() {
	printf '%s\n' 'output HEADLESS-1 resolution 1280x900' 'xwayland disable' | as_user tee "$home/sway.conf" >/dev/null
	daemon env WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman sway -c "$home/sway.conf"
	wait_for 20 test -S "$R/wayland-1"
	session+=(WAYLAND_DISPLAY=wayland-1 GDK_BACKEND=wayland QT_QPA_PLATFORM=wayland MOZ_ENABLE_WAYLAND=1)
	sway_socket=$(echo "$R"/sway-ipc.*.sock)
}

start_sound() {
	if [ "$mode" = xvfb ] && has pulseaudio; then
		daemon pulseaudio -n --daemonize=no --exit-idle-time=-1 --use-pid-file=no -L module-native-protocol-unix \
			-L 'module-null-sink sink_name=null'
	elif has pipewire; then
		daemon pipewire
		wait_for 10 test -S "$R/pipewire-0"
		# It ends where it finds no logind, which it asks for Bluetooth's sake.
		as_user sh -c 'mkdir -p ~/.config/wireplumber/bluetooth.lua.d; echo "bluez_monitor.enabled = false" >~/.config/wireplumber/bluetooth.lua.d/51-none.lua'
		! has wireplumber || daemon wireplumber
		! has pipewire-pulse || daemon pipewire-pulse
	fi
	wait_for 10 test -S "$R/pulse/native"
	# The rig has no card.
	[ "$mode" = xvfb ] || ! has pactl || outside pactl load-module module-null-sink sink_name=null >/dev/null 2>&1
}

start_keys() {
	if has gnome-keyring-daemon; then
		printf secret | "$RIG_DIR/bin/as_user" env "${session[@]}" gnome-keyring-daemon --foreground --components=secrets \
			--unlock >>"$home/session.out" 2>&1 &
		session_pids+=($!)
	fi
	if has ssh-agent; then
		daemon ssh-agent -D -a "$R/ssh-agent.desktop"
		session+=(SSH_AUTH_SOCK="$R/ssh-agent.desktop")
		as_user sh -c 'mkdir -m 700 ~/.ssh; ssh-keygen -q -t ed25519 -N "" -C of-outside -f ~/.ssh/id_ed25519'
		wait_for 5 test -S "$R/ssh-agent.desktop"
		outside ssh-add -q "$home/.ssh/id_ed25519" 2>/dev/null
	fi
	if has gpg; then
		outside gpg --batch -q --passphrase '' --quick-gen-key 'Desktop <d@rig.test>' ed25519 sign never 2>/dev/null
		outside gpgconf --launch gpg-agent
	fi
}

start_session() {
	row=session
	# X's sockets and programs' temporary files are not the machine's.
	mount -t tmpfs -o mode=1777 desktop /tmp
	mkdir -p "$pictures"
	echo 'This is a text.' | as_user tee "$home/text.txt" >/dev/null
	as_user touch "$log"
	daemon dbus-daemon --session --nofork --nopidfile --address="unix:path=$R/bus"
	wait_for 5 test -S "$R/bus"
	if [ "$mode" = xvfb ]; then start_xvfb; else start_sway; fi
	daemon env BUSSTUB_CLICK=no "$B/tests/net/busstub" serve "$log" org.freedesktop.Notifications org.kde.StatusNotifierWatcher \
		org.freedesktop.ScreenSaver
	wait_for 5 logged '^ready'
	start_sound
	start_keys
	outside dbus-update-activation-environment --all 2>/dev/null
}
end_session() {
	# What the programs said.
	cp "$home"/*.out "$log" "$pictures"
	! has gpgconf || as_user gpgconf --kill gpg-agent
	end_pids "${session_pids[@]}"
}

# plays COMMAND...: outside, where the server has somebody who connects its ends; a row's control
plays() { outside timeout 10 "$@" "$home/tone.wav" >/dev/null 2>&1 || { skip 'it is not heard outside either' "$row: $1"; return 1; }; }

# --- the display ---------------------------------------------------------------------------------

swaymsg_() { as_user env SWAYSOCK="$sway_socket" swaymsg "$@"; }
# titles: a line a window, its number and its title
titles() {
	local id
	if [ "$mode" = wayland ]; then
		swaymsg_ -t get_tree | jq -r '.. | objects | select(.pid?) | "\(.id) \(.name)"'
		return
	fi
	for id in $(outside xprop -root _NET_CLIENT_LIST | grep -o '0x[0-9a-f]*'); do
		echo "$id $(outside xprop -id "$id" _NET_WM_NAME WM_NAME 2>/dev/null | tr '\n' ' ')"
	done
}
# windows NAME: the numbers of those whose titles match
windows() { titles | grep -E -- "$1" | cut -d' ' -f1; }
has_window() { [ -n "$(windows "$1")" ]; }
await_window() {
	! RIG_POLL=0.3 wait_for $patience has_window "$1" || return 0
	echo "windows that are there: $(titles)"
	return 1
}
raise() {
	local id
	id=$(windows "$1" | tail -n 1)
	[ -n "$id" ] || return
	if [ "$mode" = xvfb ]; then outside xdotool windowactivate --sync "$id"; else swaymsg_ "[con_id=$id] focus"; fi >/dev/null 2>&1
}
keys() { # keys ctrl+a Return ...: to the window that was raised
	local k
	for k in "$@"; do
		if [ "$mode" = xvfb ]; then
			outside xdotool key "$k"
		elif [ "${k%+*}" != "$k" ]; then
			outside wtype -M "${k%+*}" "${k#*+}" -m "${k%+*}"
		else
			outside wtype -s 200 -k "$k" -s 200
		fi
	done
}
type_text() { if [ "$mode" = xvfb ]; then outside xdotool type --delay 20 "$1"; else outside wtype -d 20 "$1"; fi; }
paste() { if [ "$mode" = xvfb ]; then "$1" timeout 5 xclip -o -selection clipboard; else "$1" timeout 5 wl-paste -n; fi 2>/dev/null; }
copy() { # copy WHO TEXT
	if [ "$mode" = xvfb ]; then
		printf %s "$2" | "$1" xclip -i -selection clipboard >/dev/null 2>&1
	else
		"$1" wl-copy "$2" >/dev/null 2>&1
	fi
}
shot() { # shot NAME: a picture of the screen
	if [ "$mode" = xvfb ]; then
		! has import || outside import -window root png:- >"$pictures/$mode-$1.png" 2>/dev/null
	else
		! has grim || outside grim - >"$pictures/$mode-$1.png" 2>/dev/null
	fi
}
pasted() { [ "$(paste outside | tr -d '[:space:]')" = "$1" ]; }
# page_says WINDOW TEXT: what a reader of the page takes with ctrl+a, ctrl+c
page_says() {
	copy outside none
	raise "$1" || return
	keys ctrl+a ctrl+c
	wait_for 2 pasted "$2"
}
