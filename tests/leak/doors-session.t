#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The session of a user and a VPN: one runtime directory for that user's sandboxes of that VPN, and
# for nobody else. Runs inside the rig.
# shellcheck disable=SC2016,SC2010 # scripts for other shells; names that are known
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
R=/run/user/$RIG_UID
home=$(as_user sh -c 'echo $HOME')
inside() { as_user vpnrun demo "$@"; }
other() { as_user vpnrun other "$@"; }

# --- what is shared, and with whom ---------------------------------------------------------------

as_user sh -c 'cd "$1" && mkdir -p systemd gnupg gcr keyring pulse podman at-spi gvfs tmux-$2 && touch bus wayland-0 wayland-0.lock \
	pipewire-0 pipewire-0-manager gnupg/S.gpg-agent gnupg/S.dirmngr gcr/ssh keyring/ssh keyring/control \
	pulse/native podman/podman.sock docker.sock systemd/private at-spi/bus_0 .mutter-Xwaylandauth.AA xauth_BB ICEauthority' - "$R" "$RIG_UID"
is "$(inside sh -c 'cd "$1" && find . -type f | sort | tr "\n" " "' - "$R")" \
	'./.mutter-Xwaylandauth.AA ./at-spi/bus_0 ./gcr/ssh ./gnupg/S.gpg-agent ./keyring/ssh ./pipewire-0 ./pipewire-0-manager ./pulse/native ./wayland-0 ./xauth_BB ' \
	'L36 L37 L40: of the runtime directory, display, sound and keys are there, and nothing that acts'
is "$(as_user vpnrun --strict demo sh -c 'stat -c %a "$1" && touch "$1/mark"' - "$R")" 700 '--strict: one of its own'
inside sh -c 'echo demo >"$1/shared"' - "$R"
is "$(inside cat "$R/shared")" demo 'two sandboxes of one VPN share it'
is "$(other cat "$R/shared" 2>&1 | grep -c 'No such file')" 1 "another VPN's do not"
is "$(as_user vpnrun none cat "$R/shared" 2>&1 | grep -c 'No such file')" 1 "nor one without any network"
is "$(as_user vpnrun --strict demo ls "$R" | grep -c 'shared\|mark')" 0 'nor --strict'
ok 'and nothing of it lies in the real one' test ! -e "$R/shared" -a ! -e "$R/mark"
is "$(inside ls -d "$R/vpnrun" 2>&1 | grep -c 'No such file')" 1 'the place where it is kept is not in it'
is "$(stat -c '%a %u' "$R/vpnrun" "$R/vpnrun/demo" "$R/vpnrun/demo/run" | sort -u)" "700 $RIG_UID" 'it is private'
names='echo "$SESSION_MANAGER$DBUS_SESSION_BUS_ADDRESS $XDG_RUNTIME_DIR"'
is "$(as_user env SESSION_MANAGER=local/x:/tmp/.ICE-unix/1 vpnrun demo sh -c "$names")" " $R" 'nothing names what is not there'
is "$(as_user env DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus" vpnrun demo sh -c "$names")" "unix:path=$R/bus $R" \
	"a session with a bus: the VPN's own is at the usual place"
composes() { as_user env "$@" printenv IBUS_USE_PORTAL; }
is "$(composes DBUS_SESSION_BUS_ADDRESS="unix:path=$R/bus" vpnrun demo)$(composes vpnrun --strict demo)" 1 "on it input methods are asked by IBus's portal, not on IBus's own bus"
is "$(as_user vpnrun --allow "$R/docker.sock" demo test -e "$R/docker.sock"; echo $?)" 0 '--allow gives one back'

# An agent that only ssh's configuration names.
holds() { "$@" sh -c 'for at in "$HOME/an agent" "$XDG_RUNTIME_DIR/of/agent" "$HOME/listens"; do SSH_AUTH_SOCK=$at ssh-add -l >/dev/null 2>&1; printf $?; done'; }
as_user sh -c 'mkdir -m 700 ~/.ssh "$1/of" && ssh-agent -a "$HOME/an agent" && ssh-agent -a "$1/of/agent" && ssh-agent -a ~/listens' - "$R" >"$home/agents"
is "$(holds as_user)" 111 'control: three agents, without a key'
is "$(holds inside)" 222 'L33: none is there by itself'
printf 'Host a\n\tIdentityAgent "~/an agent"\nhost b\n identityagent=%s\nhost c\n IdentityAgent none\nIdentityAgent %%d/listens\nIdentityAgent ~/mine\n' "$R/of/agent" |
	as_user tee "$home/.ssh/config" >/dev/null
is "$(holds inside)$(holds other)" 112112 "L15: those are whose path ssh's configuration names"
is "$(holds as_user vpnrun --strict demo)" 222 'L15: not with --strict'
as_user sh -c 'sed -n "s/.*SSH_AGENT_PID=\([0-9]*\).*/\1/p" ~/agents | xargs kill; rm -rf ~/.ssh'

# --- what a confined program left there ------------------------------------------------------------

as_user sh -c 'echo real >"$1/wayland-0"' - "$R"
echo mine | as_user tee "$home/mine" >/dev/null
for what in "ln -s $home/mine wayland-0" 'ln -s / wayland-0' 'mkdir wayland-0' 'mkfifo wayland-0'; do
	as_user sh -c 'cd "$1" && rm -rf wayland-0 && '"$what" - "$R/vpnrun/demo/run"
	is "$(inside cat "$R/wayland-0" "$home/mine" | tr '\n' ' ')" 'real mine ' "hostile: $what: the real one, in its place alone"
done
as_user sh -c 'cd "$1" && rm -rf gnupg && ln -s "$2" gnupg' - "$R/vpnrun/demo/run" "$home"
inside test -e "$R/gnupg/S.gpg-agent"
is "$? $(ls "$home" | grep -c S.gpg)" '0 0' 'hostile: a directory that is a link: not followed'
as_user sh -c 'cd "$1" && rm -rf wayland-0 && mkdir -p wayland-0/full' - "$R/vpnrun/demo/run"
is "$(inside echo started)" started 'hostile: a directory that cannot be removed: left out, and the launch goes on'
as_user rm -rf "$R/vpnrun/demo/run/wayland-0"
for mode in 0 500 755 1777; do
	inside sh -c 'chmod "$1" "$XDG_RUNTIME_DIR"' - "$mode"
	is "$(inside sh -c 'cat "$XDG_RUNTIME_DIR/wayland-0"; stat -c %a "$XDG_RUNTIME_DIR"' 2>&1 | tr '\n' ' ')" 'real 700 ' \
		"hostile: mode $mode of its runtime directory: made good by the next launch"
done
mkdir -p /run/dm && echo magic >/run/dm/xauthority
is "$(as_user env XAUTHORITY=/var/run/dm/xauthority vpnrun demo cat /var/run/dm/xauthority)" magic 'what XAUTHORITY names by way of /var/run is there'

# --- a runtime directory as it should not be ---------------------------------------------------------

said() { out=$(as_user "$@" 2>&1); out="$? $out"; }
mv "$R/vpnrun" "$R/away"
as_user ln -s "$home" "$R/vpnrun"
said vpnrun demo true
like "$out" "^125 vpnrun: $R/vpnrun is not a directory, but a link or a file: remove it" 'a link in the place: refused'
is "$(ls "$home" | grep -c demo)" 0 'and not followed'
rm "$R/vpnrun"
install -d -m 700 -o "$RIG_STRANGER_UID" "$R/vpnrun"
said vpnrun demo true
like "$out" "^125 vpnrun: .*$R/vpnrun.*(another user|denied)" "another user's in the place: refused"
rmdir "$R/vpnrun"
as_user mkdir -m 755 "$R/vpnrun"
said vpnrun demo true
like "$out" "^125 vpnrun: $R/vpnrun can be entered by others; first: chmod 700 $R/vpnrun\$" 'open to others: refused'
as_user chmod 700 "$R/vpnrun"
ok 'R28: and runs when it is typed what the sentence says' as_user vpnrun demo true
rm -r "$R/vpnrun"
for at in "$R/away" /run/user/$RIG_STRANGER_UID "$home" /tmp relative /nonexistent ''; do
	said env XDG_RUNTIME_DIR="$at" vpnrun demo sh -c 'echo "$XDG_RUNTIME_DIR"'
	[ "$at" = "$R/away" ] && want=$at || want=$R
	is "$out" "0 $want" "XDG_RUNTIME_DIR=$at: $want"
done
as_user ln -s "$R" "$home/link"
said env XDG_RUNTIME_DIR="$home/link" vpnrun demo sh -c 'echo "$XDG_RUNTIME_DIR"'
is "$out" "0 $R" 'XDG_RUNTIME_DIR is a link: not followed'
as_user mkdir -m 700 "$home/own"
said env XDG_RUNTIME_DIR="$home/own" vpnrun demo sh -c 'touch "$XDG_RUNTIME_DIR/x"; ls -A "$XDG_RUNTIME_DIR"'
is "$out $(ls "$home/own")" '0 x vpnrun' 'one that is not below /run: covered likewise'
said env XDG_RUNTIME_DIR="$home/own" vpnrun --strict demo sh -c 'touch "$XDG_RUNTIME_DIR/y"; ls -A "$XDG_RUNTIME_DIR"'
is "$out $(ls "$home/own")" '0 y vpnrun' 'with --strict, too'
mv "$R" "$R.away"
said vpnrun demo sh -c 'echo "$XDG_RUNTIME_DIR"; stat -c "%a %u" "$XDG_RUNTIME_DIR"'
is "$out" "0 $R
700 $RIG_UID" 'none at all: a private one, and the variable names it'
mkdir "$R"
mount -t tmpfs -o "mode=700,uid=$RIG_UID,nr_inodes=2" full "$R"
as_user touch "$R/last"
said vpnrun demo true
like "$out" "^125 vpnrun: cannot make $R/vpnrun for the session: No space left on device" 'a full one: a sentence'
said vpnrun --strict demo true
is "$out" '0 ' '--strict needs no room in it'
umount "$R"
rmdir "$R"
mv "$R.away" "$R"
rm -rf "$R/vpnrun" "$R/away"
as_user sh -c 'for i in 1 2 3 4 5 6 7 8; do vpnrun demo sh -c "echo ok" & done; wait' >"$RIG_DIR/eight"
is "$(sort "$RIG_DIR/eight" | uniq -c | tr -s ' ')" ' 8 ok' 'eight launches at once make one session'
finish
