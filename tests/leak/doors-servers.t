#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that hand their work to a server of the user's by a socket in the file tree: real ones, each
# shown to go out in the clear when it only sits in the VPN's network, then shut, then still working.
# Runs inside the rig; its programs are the set `desktop` of tests/setup/deps.
# shellcheck disable=SC2016,SC2086,SC2010 # scripts for other shells; lists of words; known names
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# The clone may lie where the user cannot enter: git and urxvt do nothing in such a directory.
cd / || exit
home=$(as_user sh -c 'echo $HOME')
R=/run/user/$RIG_UID
mount -t tmpfs -o mode=1777 doors /tmp
web=http://$RIG_WEB4
old() { # in the VPN's network, and nothing else changed: as people do it today
	in_vpn demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups env HOME="$home" XDG_RUNTIME_DIR="$R" \
		USER="$RIG_USER" PATH="$PATH" SHELL=/bin/sh LANG=C.UTF-8 "$@"
}
inside() { as_user vpnrun demo "$@"; }
strict() { as_user vpnrun --strict demo "$@"; }
other() { as_user vpnrun other "$@"; }
# got FILE: what a server fetched into it, when it has
got() {
	wait_for 10 test -s "$1"
	cat "$1" 2>/dev/null
	rm -f "$1"
}
# Until nothing leaves any more: what a server outside still acknowledges is not what is looked for.
calm() {
	for _ in 1 2 3 4 5 6 7 8 9; do
		$RIG_CAPTURE start
		read -r -t 0.1 <> <(:)
		[ "$($RIG_CAPTURE stop)" != 0 ] || return 0
	done
}
watch() { calm; $RIG_CAPTURE start; }
has() { command -v "$1" >/dev/null; }

# --- L32: ssh with a shared connection -----------------------------------------------------------------

# Unpacked, and not installed: the package starts a server on the machine.
openssh=$RIG_B/openssh
ssh_servers() {
	local side part
	grep -q '^sshd:' /etc/passwd || echo 'sshd:x:65500:65500::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
	mkdir -p /run/sshd "$RIG_DIR/sshd"
	ssh-keygen -q -t ed25519 -N '' -f "$RIG_DIR/sshd/key"
	as_user sh -c 'mkdir -m 700 ~/.ssh && ssh-keygen -q -t ed25519 -N "" -f ~/.ssh/id_ed25519 && cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys'
	for side in internet demo; do
		cat >"$RIG_DIR/sshd/$side" <<-X
		ListenAddress $RIG_WEB4
		HostKey $RIG_DIR/sshd/key
		PidFile none
		StrictModes no
		UsePAM no
		SetEnv SIDE=${side/internet/clear}
		Subsystem sftp internal-sftp
		X
		# As of OpenSSH 9.8 and 10.0 it is in parts, which are looked for where the package would have them.
		for part in session auth; do
			[ ! -x "$openssh/usr/lib/openssh/sshd-$part" ] ||
				echo "Sshd${part^}Path $openssh/usr/lib/openssh/sshd-$part" >>"$RIG_DIR/sshd/$side"
		done
		in_ns "$side" env LD_LIBRARY_PATH="$(echo "$openssh"/usr/lib/*-linux-gnu)" "$openssh/usr/sbin/sshd" -D -e -f "$RIG_DIR/sshd/$side" 2>>"$RIG_DIR/sshd/log" &
		sshd+=" $!"
		wait_for 10 in_ns "$side" bash -c ": </dev/tcp/$RIG_WEB4/22"
	done
	as_user tee "$home/.ssh/config" >/dev/null <<-X
	Host *
	    StrictHostKeyChecking no
	    LogLevel ERROR
	    HostName $RIG_WEB4
	    ControlMaster auto
	    ControlPath ~/.ssh/cm-%C
	    ControlPersist 120
	X
}
if [ -x "$openssh/usr/sbin/sshd" ] || [ -n "${CI:-}" ]; then
	ssh_servers
	as_user ssh far true
	is "$(old ssh far 'echo $SIDE')" clear 'control: by the master outside, ssh goes out in the clear'
	watch
	is "$(inside ssh far 'echo $SIDE')" demo 'L32: ssh inside goes through the VPN, by itself'
	is "$(strict ssh far 'echo $SIDE')" demo 'L32: with --strict, too'
	is "$(inside ssh -o ControlPath="$home/.ssh/cm-%C" far 'echo $SIDE' 2>/dev/null)" demo 'L32: a ControlPath on the command line, to the master that runs: it is dead'
	is "$(inside sh -c 'echo x | ssh far cat; scp -q /etc/hostname far:copied && ssh far "cat copied; rm copied"')" "x
rig" 'ssh, scp: they do their work'
	is "$($RIG_CAPTURE stop)" 0 'L32: and nothing left by the uplink'
	is "$(as_user ssh -O check far 2>&1 | cut -d' ' -f1,2)" 'Master running' 'the master outside lives on'
	is "$(inside ssh -O check far 2>&1 | cut -d' ' -f1,2)" 'Master running' 'inside there is one of the VPN, which its sandboxes share'
	ok 'and not those of another VPN' not other ssh -O check far
	inside ssh -O exit far 2>/dev/null
	as_user ssh -O exit far 2>/dev/null
	as_user mkfifo "$home/go"
	inside sh -c 'touch $HOME/waits; read x <$HOME/go; ssh far "echo \$SIDE"' >"$home/late" &
	late=$!
	wait_for 10 test -e "$home/waits"
	as_user ssh far true
	as_user sh -c 'echo >$HOME/go'
	wait $late
	is "$(cat "$home/late")" demo 'L32: a master outside that is started later is not found either'
	as_user ssh -O exit far 2>/dev/null
	inside ssh -O exit far 2>/dev/null
	as_user sh -c 'cp -p ~/.ssh/config ~/.ssh/kept; yes "# generated" | head -c 300000 >>~/.ssh/config'
	is "$(inside ssh -G far | grep -c "^controlpath $home")" 0 'L32: a long configuration, too'
	as_user sh -c 'yes "# generated" | head -c 5000000 >>~/.ssh/config'
	like "$(inside true 2>&1)" "^vpnrun: cannot read $home/.ssh/config.*File too large" 'L32: one that is too long: refused'
	as_user mv "$home/.ssh/kept" "$home/.ssh/config"
	is "$(inside sh -c 'echo lost >>$HOME/.ssh/config' 2>&1 | grep -ci 'read-only')" 1 'the copy of the configuration cannot be written, so no edit is lost'
	if has git; then
		as_user sh -c 'git init -q --bare ~/far.git'
		as_user ssh far true
		is "$(old git ls-remote "far:far.git" >/dev/null; echo $?) $(in_ns internet ss -Htn state established "sport = 22" | wc -l)" '0 1' 'control: git goes by the master'
		watch
		is "$(inside git ls-remote far:far.git; echo $?)" 0 'L32: git inside works'
		is "$($RIG_CAPTURE stop)" 0 'L32: and not by the master'
		as_user ssh -O exit far 2>/dev/null
	fi
	inside ssh -O exit far 2>/dev/null
	kill $sshd
else
	skip 'no sshd: tests/setup/unpack build/openssh openssh-server' 'L32: ssh with a shared connection'
fi

# --- L37: tmux, screen -----------------------------------------------------------------------------------

fetch="curl -s -m 10 $web >\$HOME/fetched"
if has tmux; then
	as_user tmux new -d
	old tmux new -d "$fetch"
	is "$(got "$home/fetched")" clear 'control: a tmux server outside runs it in the clear'
	watch
	inside tmux new -d -s first "$fetch; exec sleep 300"
	is "$(got "$home/fetched")" demo 'L37: tmux inside has a server of its own'
	is "$($RIG_CAPTURE stop)" 0 'L37: nothing left by the uplink'
	is "$(inside tmux ls -F '#S')" first 'L37: another sandbox of the VPN finds it'
	is "$(inside sh -c 'script -qec "tmux attach -t first \\; detach" /dev/null' </dev/null 2>&1 | grep -c 'detached (from session first)')" 1 'L37: and attaches to it'
	is "$(inside tmux neww -d -t first "$fetch" 2>&1; got "$home/fetched")" demo 'L37: what is started there is in the VPN'
	is "$(other tmux ls 2>&1 | grep -c 'no server\|No such')" 1 "L37: another VPN's sandbox does not"
	is "$(as_user tmux ls -F '#S')" 0 'L37: nor does the user outside'
	is "$(as_user env TMUX="/tmp/tmux-$RIG_UID/default,1,0" vpnrun demo sh -c 'echo "$TMUX"; tmux ls -F "#S"')" "
first" 'L37: vpnrun typed in a tmux outside: no variable leads there'
	is "$(inside tmux -S "/tmp/tmux-$RIG_UID/default" ls 2>&1 | grep -c 'error\|refused\|no server')" 1 'L37: the server outside by its path: dead'
	is "$(strict tmux ls 2>&1 | grep -c 'no server\|No such')" 1 'L37: --strict: none'
	strict sh -c 'tmux new -d "curl -s -m 10 '"$web"' >/dev/shm/x; tmux wait -S done"; tmux wait done; cat /dev/shm/x' >"$home/strict"
	is "$(cat "$home/strict")" demo 'L37: --strict: it works'
	inside tmux kill-server
	as_user tmux kill-server
else
	skip 'no tmux' L37
fi
if has screen; then
	install -d -m 1777 /run/screen
	as_user screen -dmS out sleep 300
	old screen -S out -X screen sh -c "$fetch"
	is "$(got "$home/fetched")" clear 'control: a screen outside runs it in the clear'
	watch
	inside screen -S out -X screen sh -c "$fetch" >/dev/null
	is "$(inside screen -dmS in sh -c "$fetch; exec sleep 300"; got "$home/fetched")" demo 'L37: screen inside is one of its own'
	is "$(inside screen -ls | grep -c '\.in')$(other screen -ls | grep -c '\.in')$(as_user screen -ls | grep -c '\.in')" 100 \
		"L37: found by the VPN's sandboxes alone"
	is "$($RIG_CAPTURE stop)" 0 'L37: nothing left by the uplink'
	inside screen -S in -X quit
	as_user screen -S out -X quit
else
	skip 'no screen' L37
fi

# --- L38: editors ----------------------------------------------------------------------------------------

if has emacs; then
	fetch_el="(progn (call-process \"sh\" nil nil nil \"-c\" \"$fetch\") 1)"
	as_user emacs --daemon >/dev/null 2>&1
	old emacsclient -e "$fetch_el" >/dev/null
	is "$(got "$home/fetched")" clear 'control: an Emacs outside runs it in the clear'
	watch
	is "$(inside emacsclient -e "$fetch_el" 2>&1 | grep -c "can't find socket\|not accessible\|No such file")$(ls "$home" | grep -c fetched)" 10 'L38: emacsclient inside does not find it'
	inside emacs --daemon >/dev/null 2>&1
	inside emacsclient -e "$fetch_el" >/dev/null
	is "$(got "$home/fetched")" demo 'L38: and finds one of the VPN'
	is "$($RIG_CAPTURE stop)" 0 'L38: nothing left by the uplink'
	inside emacsclient -e '(kill-emacs)' >/dev/null 2>&1
	as_user emacsclient -e '(kill-emacs)' >/dev/null 2>&1
else
	skip 'no emacs' L38
fi

# --- L36: gpg and dirmngr --------------------------------------------------------------------------------

if has dirmngr; then
	as_user sh -c 'mkdir -m 700 ~/.gnupg && gpgconf --create-socketdir && gpgconf --launch dirmngr && gpgconf --launch gpg-agent'
	key=0123456789ABCDEF0123456789ABCDEF01234567
	watch
	old timeout 20 gpg --keyserver "hkp://$RIG_NAME4:80" --recv-keys $key 2>/dev/null
	like "$($RIG_CAPTURE stop)" '^[1-9]' 'control: by the dirmngr outside, gpg asks the key server in the clear'
	watch
	said=$(inside timeout 20 gpg --keyserver "hkp://$RIG_NAME4:80" --recv-keys $key 2>&1)
	like "$said" 'keyserver receive failed: (No data|Not found|Server indicated)|no valid OpenPGP data' 'L36: gpg inside asks by a dirmngr of its own, and gets its answer'
	is "$($RIG_CAPTURE stop)" 0 'L36: nothing left by the uplink'
	like "$(inside gpg-connect-agent 'GETINFO pid' /bye)" "^D $(as_user gpg-connect-agent 'GETINFO pid' /bye | sed -n 's/^D //p')" 'L36: the agent, which has the keys, is the one outside'
	is "$(as_user vpnrun --strict demo gpg-connect-agent --no-autostart 'GETINFO pid' /bye 2>&1 | grep -c 'no gpg-agent\|no running')" 1 'L36: --strict: no agent'
	inside gpgconf --kill dirmngr
	as_user gpgconf --kill all
else
	skip 'no dirmngr' L36
fi

# --- L34: Wine -------------------------------------------------------------------------------------------

# Waiting for the server to end is to have found one; a prefix with something in it takes 15 s to make.
if has wineserver; then
	as_user mkdir "$home/prefix"
	finds() { # finds SECONDS WHO VARIABLE...
		"$2" timeout "$1" env WINEPREFIX="$home/prefix" "${@:3}" wineserver -w
		[ $? = 124 ] && echo found || echo none
	}
	for at in "$R" ''; do
		as_user env WINEPREFIX="$home/prefix" XDG_RUNTIME_DIR="$at" wineserver -p
		is "$(finds 1 old XDG_RUNTIME_DIR="$at")" found "control: XDG_RUNTIME_DIR=$at: the wineserver outside is found"
		is "$(finds 5 inside)" none 'L34: not inside'
		is "$(finds 5 inside XDG_RUNTIME_DIR=)" none 'L34: nor by a Wine that knows of no runtime directory'
		is "$(finds 5 strict)" none 'L34: nor with --strict'
		as_user env WINEPREFIX="$home/prefix" XDG_RUNTIME_DIR="$at" wineserver -k
	done
	inside env WINEPREFIX="$home/prefix" wineserver -p
	is "$(finds 1 inside)" found 'L34: one inside is found by the sandboxes of the VPN'
	is "$(finds 5 other)$(finds 5 as_user)" nonenone "L34: and by nobody else"
	inside env WINEPREFIX="$home/prefix" wineserver -k
else
	skip 'no wine' L34
fi

# --- L38 L33: single instances ----------------------------------------------------------------------------

if has qbittorrent-nox; then
	as_user mkdir -p "$home/.config/qBittorrent"
	printf '%s\n' '[LegalNotice]' 'Accepted=true' '[Preferences]' 'WebUI\Enabled=false' '[Network]' 'PortForwardingEnabled=false' \
		'[BitTorrent]' 'Session\DHTEnabled=false' 'Session\LSDEnabled=false' | as_user tee "$home/.config/qBittorrent/qBittorrent.conf" >/dev/null
	as_user qbittorrent-nox >/dev/null 2>&1 &
	qb=$!
	wait_for 20 test -S "$home/.config/qBittorrent/ipc-socket"
	fetches() { $RIG_CAPTURE list | grep -c "$RIG_WEB4 port 80"; }
	$RIG_CAPTURE start
	old timeout 10 qbittorrent-nox "$web/x.torrent" >/dev/null 2>&1
	ok 'control: the instance outside fetches it, in the clear' wait_for 10 eval '[ "$(fetches)" != 0 ]'
	$RIG_CAPTURE stop >/dev/null
	$RIG_CAPTURE start
	inside timeout 10 qbittorrent-nox "$web/x.torrent" >/dev/null 2>&1
	as_user vpnrun --allow-running demo timeout 10 qbittorrent-nox "$web/x.torrent" >/dev/null 2>&1
	strict timeout 10 qbittorrent-nox "$web/x.torrent" >/dev/null 2>&1
	old timeout 10 qbittorrent-nox "$web/y.torrent" >/dev/null 2>&1
	ok 'control: it still fetches what it is told outside' wait_for 10 eval '[ "$(fetches)" != 0 ]'
	is "$($RIG_CAPTURE list | grep "$RIG_WEB4 port 80" | sed 's/.*port \([0-9]*\) >.*/\1/' | sort -u | wc -l)" 1 'L33 L38: and nothing that it was told inside, or with --strict'
	$RIG_CAPTURE stop >/dev/null
	kill $qb
else
	skip 'no qbittorrent' L38
fi
finish
