# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # mode, home ... are of session.sh; scripts for other shells
# The rows of programs that use a session's services, or make one of their own.

row_notify() {
	needs notify-send || return
	ok 'notify: a notification is sent' inside timeout 20 notify-send 'From inside' 'Its text'
	ok 'notify: and shown outside' logged 'Notify .*\[From inside\] \[Its text\]'
}

make_tone() {
	[ -e "$home/tone.wav" ] || perl -e 'my $d = join "", map { pack "s<", 9000 * sin($_ / 12) } 1 .. 44100;
		print "RIFF", pack("V", 36 + length $d), "WAVEfmt ", pack("VvvVVvv", 16, 1, 1, 44100, 88200, 2, 16), "data", pack("V", length $d), $d' |
		as_user tee "$home/tone.wav" >/dev/null
}
row_sound() {
	make_tone
	needs pactl paplay || return
	start_inside sh -c 'while paplay ~/tone.wav; do :; done'
	heard() { outside pactl list sink-inputs | grep -q 'media.name = "tone.wav"\|application.name = "paplay"'; }
	ok 'sound: paplay is heard by the server outside' wait_for 20 heard
	! plays paplay || is "$(inside timeout 20 paplay "$home/tone.wav" 2>&1; echo $?)" 0 'sound: and ends without a word'
	[ -S "$R/pipewire-0" ] && needs pw-play wireplumber && plays pw-play || return
	is "$(inside timeout 20 pw-play "$home/tone.wav" >/dev/null 2>&1; echo $?)" 0 'sound: pw-play'
}

row_keyring() {
	needs secret-tool gnome-keyring-daemon || return
	printf of-outside | outside timeout 20 secret-tool store --label=One rig one
	is "$(inside timeout 20 secret-tool lookup rig one)" of-outside 'keyring: a password that was stored outside is found inside'
	printf of-inside | inside timeout 20 secret-tool store --label=Two rig two
	is "$(outside timeout 20 secret-tool lookup rig two)" of-inside 'keyring: and the other way'
	is "$(pgrep -cU "$RIG_UID" gnome-keyring)" 1 'keyring: there is one keyring'
}

row_agents() {
	needs ssh-add gpg || return
	like "$(inside ssh-add -l)" 'of-outside' "agents: ssh's agent has its keys"
	inside timeout 20 gpg --batch -q -o "$home/text.sig" --detach-sign "$home/text.txt"
	ok "agents: gpg's signs" outside gpg --verify "$home/text.sig" "$home/text.txt"
	is "$(pgrep -cU "$RIG_UID" gpg-agent)" 1 'agents: it is the one outside'
}

row_emacs() {
	needs emacs emacsclient || return
	outside timeout $patience emacs -Q --daemon >/dev/null 2>&1
	is "$(outside emacsclient -e '(+ 1 1)')" 2 'emacs: a server outside'
	inside timeout $patience emacs -Q --daemon >/dev/null 2>&1
	is "$(inside emacsclient -e "(shell-command-to-string \"curl -s $RIG_WEB4\")")" '"demo\n"' 'emacs: inside the client finds the one inside'
	is "$(inside emacsclient -e "(shell-command-to-string \"curl -s $RIG_WEB4\")")" '"demo\n"' 'emacs: and again'
	inside emacsclient -e '(kill-emacs)' >/dev/null 2>&1
	is "$(outside emacsclient -e '(+ 1 1)')" 2 'emacs: the one outside lives on'
	outside emacsclient -e '(kill-emacs)' >/dev/null 2>&1
}

row_tmux() {
	needs tmux script || return
	outside tmux new -d -s out cat
	inside tmux new -d -s one "curl -s $RIG_WEB4 >\$HOME/of-tmux; exec cat"
	wait_for 20 test -s "$home/of-tmux"
	is "$(cat "$home/of-tmux")" demo 'tmux: what a new session inside runs goes through the VPN'
	is "$(inside tmux ls -F '#{session_name}')" one 'tmux: the next command finds it, and not the one outside'
	as_user mkfifo "$home/terminal"
	start_inside sh -c 'TERM=xterm exec script -qec "tmux attach -t one" /dev/null 0<>~/terminal'
	ok 'tmux: and attaches to it' wait_for 20 eval '[ "$(inside tmux ls -F "#{session_attached}")" = 1 ]'
	inside tmux kill-server
	is "$(outside tmux ls -F '#{session_name}')" out 'tmux: the one outside lives on'
	outside tmux kill-server
}

# shellcheck source=tests/desktop/flatpak.sh
. "$here/flatpak.sh"
row_flatpak() {
	needs flatpak busybox || return
	system_bus start_root
	make_flatpak >/dev/null 2>"$home/flat.log" || diag "$(tail -n 3 "$home/flat.log")"
	like "$(inside timeout $patience flatpak run --branch=1 org.example.Hello 2>&1)" 'demo$' \
		'flatpak: an application finds a name, and its page comes through the VPN'
}

row_ssh_x() {
	local port
	[ "$mode" = xvfb ] && needs sshd xprop || return
	mkdir -p /run/sshd
	ssh-keygen -q -t ed25519 -N '' -f "$RIG_DIR/sshd_key"
	as_user cp "$home/.ssh/id_ed25519.pub" "$home/.ssh/authorized_keys"
	printf '%s\n' 'ListenAddress 127.0.0.1:2222' "HostKey $RIG_DIR/sshd_key" 'PidFile none' 'StrictModes no' 'UsePAM no' \
		'X11Forwarding yes' "SetEnv PATH=$PATH RIG_DIR=$RIG_DIR" >"$RIG_DIR/sshd_x"
	/usr/sbin/sshd -D -e -f "$RIG_DIR/sshd_x" 2>"$RIG_DIR/sshd.log" &
	row_pids+=($!)
	wait_for 10 bash -c ': </dev/tcp/127.0.0.1/2222'
	far() { outside timeout $patience ssh -q -X -p 2222 -o StrictHostKeyChecking=no 127.0.0.1 "$@"; }
	port=$(far 'echo $DISPLAY' | sed 's/.*:\([0-9]*\).*/\1/')
	is "$port" 10 'ssh -X: a display of another machine'
	is "$(far 'vpnrun demo xprop -root _NET_SUPPORTED >/dev/null 2>&1; echo $?')" 1 'ssh -X: is not reached by itself'
	is "$(far 'vpnrun --reach 6010 demo xprop -root >/dev/null; echo $?')" 0 'ssh -X: with --reach 6010 it is'
}

row_root() {
	local got apt
	is "$(vpnrun --as-root demo id -u)" 0 'root: --as-root: a program of root'
	is "$(vpnrun --as-root demo curl -s "$RIG_WEB4")" demo 'root: goes through the VPN'
	is "$(vpnrun --user "$RIG_USER" demo id -un)" "$RIG_USER" 'root: --user: one of a user'
	needs apt-get sudo || return
	# A repository that only the VPN's side has.
	got=$(mktemp -d)
	chmod 755 "$got"
	mkdir -p "$got"/{repo,state/lists/partial,cache/archives/partial}
	printf '%s\n' 'Package: rig-program' 'Version: 1' 'Architecture: all' 'Maintainer: x' 'Filename: ./x.deb' 'Size: 1' 'Description: x' >"$got/repo/Packages"
	echo "deb [trusted=yes] http://$RIG_WEB4:8081/ ./" >"$got/list"
	in_ns demo /usr/bin/python3 -m http.server --bind "$RIG_WEB4" -d "$got/repo" 8081 >/dev/null 2>&1 &
	row_pids+=($!)
	wait_for 10 in_ns demo bash -c ": </dev/tcp/$RIG_WEB4/8081"
	apt=(apt-get -q -o "Dir::Etc::SourceList=$got/list" -o Dir::Etc::SourceParts=- -o "Dir::State=$got/state" -o "Dir::Cache=$got/cache" update)
	outside sudo -n vpnrun --as-root demo "${apt[@]}" >"$home/apt.out" 2>&1
	is "$? $(grep -c '^Get:.*Packages' "$home/apt.out")" '0 1' 'root: sudo vpnrun --as-root VPN apt-get update reads a list that only the VPN has'
	is "$(outside sudo -n vpnrun demo id -u)" "$RIG_UID" 'root: without --as-root, sudo or not, it is the user'
}
