#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# More programs of the kinds that doors-servers.t shows: servers of the user's that work for whoever
# asks (music players, a downloader), helpers that fetch (CRLs) or know passwords, terminals and editors
# that have an instance outside do it, by a socket, by X11, by a signal, a file or the terminal itself.
# Runs inside the rig; its programs are the set `desktop` of tests/setup/deps.
# shellcheck disable=SC2016 # scripts for other shells
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# The clone may lie where the user cannot enter: git and urxvt do nothing in such a directory.
cd / || exit
home=$(as_user sh -c 'echo $HOME')
R=/run/user/$RIG_UID
mount -t tmpfs -o mode=1777 doors /tmp
web=http://$RIG_WEB4
display=()
old() { # in the VPN's network, and nothing else changed: as people do it today
	in_vpn demo setpriv --reuid "$RIG_UID" --regid "$RIG_UID" --clear-groups env HOME="$home" XDG_RUNTIME_DIR="$R" \
		USER="$RIG_USER" PATH="$PATH" SHELL=/bin/sh LANG=C.UTF-8 "${display[@]}" "$@"
}
outside() { as_user env "${display[@]}" "$@"; }
inside() { outside vpnrun demo "$@"; }
strict() { outside vpnrun --strict demo "$@"; }
none() { outside vpnrun none "$@"; }
has() {
	local p
	for p in "$@"; do command -v "$p" >/dev/null || return; done
}
pids=()
start() { "$RIG_DIR/bin/as_user" env "${display[@]}" "$@" >>"$home/started.log" 2>&1 </dev/null & pids+=($!); }
stop() {
	local pid
	kill "${pids[@]}" 2>/dev/null
	for pid in "${pids[@]}"; do
		# One that waits for an answer of its network's need not have it.
		wait_for 1 ended "$pid" || kill -9 "$pid"
		wait "$pid"
	done 2>/dev/null
	pids=()
}
trap stop EXIT

# What a server was told to fetch is seen where it leaves: each is asked for another port.
seen() { $RIG_CAPTURE list | grep -c "$RIG_WEB4 port $1\$"; }
is_seen() { [ "$(seen "$1")" != 0 ]; }
# It is asked again: one with a window may lose what it is told while it begins, on a busy machine.
fetches() { # ASK PORT
	for _ in 1 2 3; do
		$1 old "$web:$2/x" >/dev/null 2>&1
		wait_for 10 is_seen "$2" && return
	done
	return 1
}
# door NAME ASK: ASK WHO URL has a server outside fetch URL
door() {
	$RIG_CAPTURE start
	ok "control: $1: the one outside is asked, and fetches in the clear" fetches "$2" 81
	$RIG_CAPTURE stop >/dev/null
	$RIG_CAPTURE start
	for who in inside strict none; do
		$2 $who "$web:82/x" >>"$home/asked.log" 2>&1
	done
	ok "control: $1: it still does what it is told outside" fetches "$2" 83
	is "$(seen 82)" 0 "$1: it is told nothing from inside, with --strict or without a network"
	$RIG_CAPTURE stop >/dev/null
}
# goes NAME ASK: one inside is found by the next launch, and what it fetches goes through the VPN
asked_for() { grep -q "$1" "$RIG_DIR/dns-$2.log"; }
goes() {
	local host=${1//[^a-z]/}.rig.test
	$RIG_CAPTURE start
	$2 inside "http://$host/x" >>"$home/asked.log" 2>&1
	ok "$1: one inside fetches, its names and all, through the VPN" wait_for 10 asked_for "$host" demo
	is "$($RIG_CAPTURE stop)$(asked_for "$host" clear && echo asked)" 0 "$1: and by no other way"
}

# --- L34: servers that play and load ------------------------------------------------------------------

ask_mpd() { $1 env MPD_HOST="$R/mpd/socket" sh -c 'mpc -q add "$1" && mpc -q play' - "$2"; }
if has mpd mpc; then
	as_user sh -c 'mkdir -p ~/.config/mpd && cat >~/.config/mpd/mpd.conf' <<-X
	bind_to_address "$R/mpd/socket"
	zeroconf_enabled "no"
	audio_output {
	type "null"
	name "null"
	}
	X
	as_user mkdir "$R/mpd"
	start mpd --no-daemon --stderr
	wait_for 10 test -S "$R/mpd/socket"
	door 'L34 mpd' ask_mpd
	start vpnrun demo sh -c 'mkdir -p $XDG_RUNTIME_DIR/mpd && exec mpd --no-daemon --stderr'
	wait_for 10 test -S "$R/vpnrun/demo/run/mpd/socket"
	goes 'L34 mpd' ask_mpd
	stop
else
	skip 'needs mpd and mpc' 'L34 mpd'
fi

ask_moc() { $1 mocp -M "${moc_dir:-$home/.moc}" -l "$2"; }
if has mocp; then
	as_user mkdir "$home/.moc"
	start mocp -F -S -O SoundDriver=NULL
	wait_for 10 test -S "$home/.moc/socket2"
	door 'L34 moc' ask_moc
	moc_dir=$home/.moc2
	as_user mkdir "$moc_dir"
	start vpnrun demo mocp -M "$moc_dir" -F -S -O SoundDriver=NULL
	wait_for 10 inside mocp -M "$moc_dir" -i
	goes 'L34 moc' ask_moc
	stop
else
	skip 'needs moc' 'L34 moc'
fi

cat >/tmp/scgi.pl <<'X'
use Socket;
my ($to, $method, @args) = @ARGV;
socket S, AF_UNIX, SOCK_STREAM, 0;
connect S, pack_sockaddr_un($to) or die "$to: $!\n";
my $body = "<?xml version=\"1.0\"?><methodCall><methodName>$method</methodName><params>"
	. join('', map "<param><value><string>$_</string></value></param>", @args) . '</params></methodCall>';
my $head = "CONTENT_LENGTH\0" . length($body) . "\0SCGI\0001\0";
syswrite S, length($head) . ":$head,$body";
print <S>;
X
ask_rtorrent() { $1 perl /tmp/scgi.pl "$home/rpc.socket" load.start '' "$2.torrent"; }
if has rtorrent; then
	as_user tee "$home/.rtorrent.rc" >/dev/null <<-X
	network.scgi.open_local = $home/rpc.socket
	network.port_open.set = no
	dht.mode.set = disable
	system.daemon.set = true
	X
	start rtorrent
	wait_for 10 test -S "$home/rpc.socket"
	door 'L34 L38 rtorrent' ask_rtorrent
	stop
	rm -f "$home/rpc.socket"
	start vpnrun demo rtorrent
	wait_for 10 test -S "$home/rpc.socket"
	goes 'L34 L38 rtorrent' ask_rtorrent
	stop
else
	skip 'needs rtorrent' 'L34 L38 rtorrent'
fi

# --- L38 L45: no socket: a number in a file, and a signal or another file ------------------------------

# Unpacked, and not installed: the package brings a service.
fetchmail=$RIG_B/fetchmail/usr/bin/fetchmail
said_of() { out=$("$@" 2>&1); out="$? $out"; }
if [ -x "$fetchmail" ] || [ -n "${CI:-}" ]; then
	cp "$fetchmail" "$home/fetchmail"
	as_user sh -c 'umask 077; printf "poll %s port 81 protocol pop3 user u password p sslproto \"\"\n" "$1" >~/.fetchmailrc' - "$RIG_WEB4"
	$RIG_CAPTURE start
	as_user "$home/fetchmail" -d 3600 >/dev/null 2>&1
	ok 'control: a fetchmail outside fetches, and sleeps' wait_for 10 is_seen 81
	$RIG_CAPTURE stop >/dev/null
	pid=$(sed -n 1p "$home/.fetchmail.pid")
	$RIG_CAPTURE start
	like "$(old "$home/fetchmail" 2>&1)" "background fetchmail at $pid awakened" 'control: one that is started later wakes it'
	ok 'control: and it fetches in the clear' wait_for 10 is_seen 81
	$RIG_CAPTURE stop >/dev/null
	$RIG_CAPTURE start
	for who in inside strict none; do
		said_of $who "$home/fetchmail"
		like "$out" "^125 vpnrun: fetchmail runs already outside this sandbox \\(process $pid\\).*end it first.*--allow-running" \
			"L38 L45 fetchmail: $who: refused, with what to do"
		said_of $who perl -e 'exit system(@ARGV) >> 8' "$home/fetchmail"
		like "$out" '^8 .*fetchmail.pid": No such device' "L38 L45 fetchmail: $who: started by a script it does not find the other"
	done
	is "$($RIG_CAPTURE stop)" 0 'L45 fetchmail: and it is not awakened'
	ok 'control: it lives on' as_user "$home/fetchmail" --quit
	$RIG_CAPTURE start
	inside "$home/fetchmail" >/dev/null 2>&1
	is "$? $($RIG_CAPTURE stop)" '2 0' 'L45 fetchmail: with none outside it asks by itself, through the VPN'
else
	skip 'no fetchmail: tests/setup/unpack build/fetchmail fetchmail' 'L38 L45 fetchmail'
fi

ask_amule() { $1 ed2k "ed2k://|serverlist|$2|/"; }
ask_amule_later() { $1 perl -e 'exit system(@ARGV) >> 8' ed2k "ed2k://|serverlist|$2|/"; }
if has amuled ed2k; then
	as_user mkdir "$home/.aMule"
	printf '%s\n' '[eMule]' 'Autoconnect=0' '[ExternalConnect]' 'AcceptExternalConnections=1' \
		'ECPassword=5f4dcc3b5aa765d61d8327deb882cf99' | as_user tee "$home/.aMule/amule.conf" >/dev/null
	listens() { grep -q ECServer "$home/.aMule/logfile" && grep -q . "$home/.aMule/muleLock"; }
	start amuled -o
	wait_for 20 listens
	door 'L38 aMule' ask_amule
	like "$(inside ed2k x 2>&1)" '^vpnrun: amule runs already outside.*would do what ed2k is asked to.*--allow-running' 'L38 aMule: a sentence says so'
	door 'L38 aMule, told by a script' ask_amule_later
	stop
	rm -f "$home/.aMule/logfile"
	start vpnrun demo amuled -o
	wait_for 20 listens
	goes 'L38 aMule' ask_amule
	stop
else
	skip 'needs amule-daemon and amule-utils' 'L38 aMule'
fi

ask_elinks() { $1 env TERM=xterm timeout 10 elinks -remote "openURL($2)" </dev/null; }
if has elinks script; then
	start env TERM=xterm script -qec elinks /dev/null
	wait_for 10 test -S "$home/.elinks/socket0"
	door 'L34 L38 elinks' ask_elinks
	stop
	rm -f "$home/.elinks/socket0"
	start env TERM=xterm vpnrun demo script -qec elinks /dev/null
	wait_for 10 test -S "$home/.elinks/socket0"
	goes 'L34 L38 elinks' ask_elinks
	stop
else
	skip 'needs elinks' 'L34 L38 elinks'
fi

# --- L36: helpers that fetch, or answer ---------------------------------------------------------------

ask_crl() { $1 timeout 10 dirmngr-client --url --load-crl "$2"; }
if has dirmngr-client; then
	as_user sh -c 'mkdir -m 700 ~/.gnupg && gpgconf --create-socketdir && gpgconf --launch dirmngr'
	door 'L36 a CRL by dirmngr' ask_crl
	goes 'L36 a CRL by dirmngr' ask_crl
	inside gpgconf --kill dirmngr
	as_user gpgconf --kill all
else
	skip 'needs dirmngr' 'L36 a CRL'
fi
if has git; then
	as_user git config --global credential.helper cache
	printf 'protocol=http\nhost=h\nusername=u\npassword=outside\n\n' | as_user git credential approve
	fills() { printf 'protocol=http\nhost=h\n\n' | "$@" env GIT_TERMINAL_PROMPT=0 git credential fill 2>/dev/null | sed -n 's/^password=//p'; }
	is "$(fills old)" outside "control: git's cache of passwords outside answers"
	is "$(fills inside)$(fills strict)" '' 'L36: not to who is inside, or with --strict'
	is "$(fills old)" outside 'and lives on'
	as_user git credential-cache exit
else
	skip 'needs git' "L36 git's cache of passwords"
fi

# --- L37, L38: terminals and editors, by sockets and by X11 ---------------------------------------------

ask_urxvt() { $1 timeout 5 urxvtc -e curl -s -m 5 "$2"; }
ask_lxterminal() { $1 timeout 5 lxterminal -e "curl -s -m 5 $2"; }
ask_vim() { $1 timeout 10 gvim --servername OUT --remote-expr "system('curl -s -m 5 $2')" </dev/null; }
if has Xvfb; then
	mkdir -m 1777 /tmp/.X11-unix
	# A server that begins anew when its last client goes would refuse the one that comes just then.
	# One that was killed has left its lock, with a number that may be another process's here.
	rm -f /tmp/.X9-lock /tmp/.X11-unix/X9
	as_user Xvfb :9 -noreset -nolisten tcp >/dev/null 2>&1 &
	server=$!
	wait_for 30 test -S /tmp/.X11-unix/X9
	display=(DISPLAY=:9 NO_AT_BRIDGE=1 GTK_A11Y=none)
fi
if has Xvfb urxvtd; then
	start urxvtd -q
	wait_for 10 eval 'ls "$home"/.urxvt/urxvtd-*'
	door 'L37 urxvt' ask_urxvt
	stop
else
	skip 'needs Xvfb and rxvt-unicode' 'L37 urxvt'
fi
if has Xvfb lxterminal; then
	start lxterminal
	wait_for 10 test -S "$R/.lxterminal-socket-:9"
	door 'L37 L38 lxterminal' ask_lxterminal
	goes 'L37 L38 lxterminal' ask_lxterminal
	stop
else
	skip 'needs Xvfb and lxterminal' 'L37 L38 lxterminal'
fi
if has Xvfb gvim; then
	# To ask is to start another of these, which keeps the first from getting on.
	serves() { "$1" gvim --serverlist | grep -qx "$2"; }
	wait_for_vim() { RIG_POLL=0.3 wait_for 60 serves "$@"; }
	start gvim -f --servername OUT
	ok 'control: a Vim outside has its name' wait_for_vim outside OUT
	door 'L38 L39 gvim' ask_vim
	for line in "gvim --remote $web" "gvim --remote-silent $web" "sh -c 'exec gvim --remote-wait $web'"; do
		said=$(eval "inside $line" 2>&1)
		like "$? $said" '^125 vpnrun: .*vim runs already outside .*by X11.*leave out the option.*--allow-running' \
			"L38 L39: ${line%http*}: refused, with what to do"
	done
	is "$(outside vpnrun --allow-running demo timeout 10 gvim --servername OUT --remote-expr '1+1' </dev/null 2>&1)" 2 'L38 L39: --allow-running: asks it'
	start vpnrun demo gvim -f --servername IN
	ok 'a Vim inside, beside it' wait_for_vim outside IN
	stop
	start vpnrun demo gvim -f --servername IN
	wait_for_vim inside IN
	is "$(inside timeout 10 gvim --servername IN --remote-expr "system('curl -s -m 5 $web')" </dev/null 2>/dev/null)" demo \
		'L38 L39: one inside does what another launch asks, through the VPN'
	stop
else
	skip 'needs Xvfb and vim-gtk3' 'L38 L39 gvim'
fi
# kitty's client asks by the screen, if nobody says where its socket is.
if has Xvfb kitty; then
	as_user sh -c 'mkdir -p ~/.config/kitty && echo "allow_remote_control yes" >~/.config/kitty/kitty.conf'
	as_user tee "$home/ask" >/dev/null <<-'X'
	port=81
	for who in "$@" env; do
		$who timeout --foreground 10 kitty @ launch --type=background curl -s -m 5 "$WEB:$port/x"
		port=$((port + 1))
	done
	exec sleep 1000
	X
	$RIG_CAPTURE start
	start LIBGL_ALWAYS_SOFTWARE=1 WEB="$web" kitty sh "$home/ask" env 'vpnrun demo' 'vpnrun --strict demo' 'vpnrun none'
	ok 'control: L44 kitty: a command on the terminal has the terminal itself fetch' wait_for 60 is_seen 81
	ok 'control: L44 kitty: it still does what it is told outside' wait_for 60 is_seen 85
	is "$(seen 82)$(seen 83)$(seen 84)" 000 'L44 kitty: its client inside does not ask the terminal'
	$RIG_CAPTURE stop >/dev/null
	stop
else
	skip 'needs Xvfb and kitty' 'L44 kitty'
fi
[ -z "${server:-}" ] || kill "$server"
finish
