#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/torrent/vpnrun-torrent-port against Debian's qbittorrent-nox and transmission-daemon, in a network of its
# own with lo alone, by dash and busybox' sh, with curl and with busybox' wget. R87.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=$(realpath -m "${B:-build}")
if [ "${TORRENT_INSIDE:-}" != 1 ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root"; exit 0; }
	TORRENT_INSIDE=1 B=$B exec unshare -nmpf --kill-child --mount-proc --propagation private "$0" "$@"
fi
# shellcheck source=tests/lib.sh
. tests/lib.sh
PATH=$PATH:$B/transmission/usr/bin # unpacked: as a package it would start on the machine
for tool in qbittorrent-nox transmission-daemon curl busybox; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP needs $tool: tests/setup/deps desktop, tests/setup/unpack"; exit 0; }
done
script=$PWD/contrib/torrent/vpnrun-torrent-port
ip link set lo up
mount -t tmpfs tmpfs /mnt
mkdir /mnt/{home,none,few,shim}
export HOME=/mnt/home
for a in sh wget sed head grep tr timeout sleep cat; do ln -s "$(command -v busybox)" /mnt/few/$a; done
# Each look at the file leaves a line.
printf '#!/bin/sh\necho x >>/mnt/rounds\nexec /bin/sleep "$@"\n' >/mnt/shim/sleep
chmod 755 /mnt/shim/sleep
file=/mnt/port
log=/mnt/log

follow() { # follow [VARIABLE=VALUE...] -- COMMAND...: the script, in the background
	local vars=()
	while [ "$1" != -- ]; do vars+=("$1"); shift; done
	shift
	env VPNRUN_PORT_FILE=$file TORRENT_POLL=0.1 "${vars[@]}" "$@" >>$log 2>&1 &
	follower=$!
}
end() { kill "$1" 2>/dev/null; wait "$1" 2>/dev/null; }
said() { grep -q "$1" $log; }
tell() { echo "$1" >$file.new && mv $file.new $file; }

# --- qBittorrent -----------------------------------------------------------------------------------

settings=$HOME/.config/qBittorrent/qBittorrent.conf
# A newer one makes up a password for each start unless it has one: this is "adminadmin".
password='ARQ77eY1NUZaQsuDHbIMCA==:0WMRkYTUWVT9wVvdDtHAjU9b3b7uB8NR1Gur2hmQCvCDpm39Q+PsJRJPaCU51dEiz+dTzh8qbPsL8WkFljQYFQ=='
configure() { # configure LOCAL_NEEDS_A_PASSWORD
	mkdir -p "${settings%/*}"
	printf '%s\n' '[LegalNotice]' Accepted=true '[BitTorrent]' 'Session\Port=6881' 'Session\DHTEnabled=false' \
		'[Preferences]' 'WebUI\Port=8080' "WebUI\\Password_PBKDF2=\"@ByteArray($password)\"" \
		"WebUI\\LocalHostAuth=$1" >"$settings"
}
page=http://127.0.0.1:8080
answers() { [ "$(curl -s -o /dev/null -m 5 -w '%{http_code}' $page/)" = 200 ]; }
qbittorrent() {
	qbittorrent-nox >/mnt/qbittorrent.log 2>&1 &
	client=$!
}
# What it really listens on.
listens() { [ -n "$(ss -Hltnp "( sport = :$1 )" | grep "pid=$client,")" ]; }

configure false
tell 50001
follow -- $script qbittorrent
ok 'R87 qbittorrent: not there yet: it is waited for' wait_for 10 said 'does not answer at http://127.0.0.1:8080 yet'
qbittorrent
ok 'R87 qbittorrent: it comes: its port is set' wait_for 30 listens 50001
ok 'and said' wait_for 5 said 'qbittorrent at http://127.0.0.1:8080 listens on port 50001'
tell 50002
ok 'R87 qbittorrent: another port: it follows' wait_for 10 listens 50002
rm $file
ok 'R87 qbittorrent: no port: said' wait_for 10 said 'no port is forwarded now'
ok 'and it keeps the one that it has' listens 50002
echo 'not a port' >$file
tell 50003
ok 'R87 qbittorrent: a port again' wait_for 10 listens 50003
curl -s -d 'json={"listen_port":6881}' $page/api/v2/app/setPreferences
ok 'R87 qbittorrent: somebody alters it: set again' wait_for 20 listens 50003
end $client
configure false
qbittorrent
ok 'R87 qbittorrent: restarted without its settings: set again' wait_for 30 listens 50003
end $follower
tell 50004
by_busybox() { follow -- env PATH=/mnt/few "$(command -v busybox)" sh $script qbittorrent; }
by_busybox
ok 'R87 qbittorrent: by busybox alone, with its wget' wait_for 10 listens 50004
end $follower
is "$(env VPNRUN_PORT_FILE=$file $script qbittorrent sh -c 'echo started with $0 "$@"' a b 2>/dev/null)" 'started with a b' \
	'as an entrypoint it becomes the command'
tell 50005
follow -- $script qbittorrent sleep 600
ok 'R87 qbittorrent: and the port is set beside it' wait_for 10 listens 50005
is "$(ps -o comm= -p $follower)" sleep 'by the process that it was'
end $follower
mine() { [ "$(pgrep -fc "^[^ ]*sh $script")" = 0 ]; }
ok 'the command ends: nothing of it stays' wait_for 10 mine
is "$(env -u VPNRUN_PORT_FILE $script qbittorrent echo STARTED 2>&1)" \
	'vpnrun-torrent-port: VPNRUN_PORT_FILE is not set: in a container expose=natpmp of the annotation does it' \
	'not told of a port: refused, before the command'
# As the keeper calls it: nothing but HOME in its environment.
mkdir -p $HOME/.config/vpnrun
echo CLIENT=qbittorrent >$HOME/.config/vpnrun/torrent-port
as_hook() { env -i HOME=$HOME PATH=/usr/local/bin:/usr/bin:/bin "$script" "$@"; }
ok 'R72 as port_forward_hook' as_hook 50006
ok 'the port is set' listens 50006
ok 'the port is gone: nothing to do' as_hook 0
ok 'and it keeps its own' listens 50006
ok 'no port' not as_hook 70000
end $client

# With a password.
configure true
qbittorrent
wait_for 30 answers
: >$log
tell 50007
follow -- $script qbittorrent
ok 'R87 qbittorrent asks for a password: said' wait_for 10 said 'asks for a password: set TORRENT_USER and TORRENT_PASSWORD'
ok 'control: it is not set' not listens 50007
end $follower
: >$log
by_busybox
ok 'and by busybox' wait_for 10 said 'asks for a password: set TORRENT_USER and TORRENT_PASSWORD'
end $follower
follow PATH=/mnt/shim:$PATH TORRENT_PASSWORD='wr"ong\' -- $script qbittorrent
ok 'R87 qbittorrent: a wrong password: said' wait_for 10 said "refuses the password of user 'admin'"
rounds() { [ "$(grep -c . /mnt/rounds)" -gt 8 ]; } # more than qBittorrent lets one try
: >/mnt/rounds
wait_for 10 rounds
is "$(grep -c 'refuses the password' $log)" 1 'and said once'
end $follower
echo adminadmin >/mnt/secret
follow TORRENT_PASSWORD_FILE=/mnt/secret -- $script qbittorrent
ok 'R87 qbittorrent: the right one is heard: the wrong one has not shut us out' wait_for 10 listens 50007
is "$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -c "[a]dminadmin")" 0 'L28: no list of processes shows it'
end $client
qbittorrent
tell 50008
ok 'R87 qbittorrent: restarted: logged in again' wait_for 30 listens 50008
end $follower
end $client

# --- Transmission ----------------------------------------------------------------------------------

transmission() { # transmission OPTION...
	LD_LIBRARY_PATH=$B/transmission/usr/lib/$(uname -m)-linux-gnu transmission-daemon -f -g /mnt/none --no-portmap -M --no-dht --no-lpd "$@" >/mnt/transmission.log 2>&1 &
	client=$!
}
: >$log
tell 51001
follow -- $script transmission
ok 'R87 transmission: not there yet: it is waited for' wait_for 10 said 'does not answer at http://127.0.0.1:9091 yet'
transmission
ok 'R87 transmission: it comes: its port is set' wait_for 30 listens 51001
tell 51002
ok 'R87 transmission: another port: it follows' wait_for 10 listens 51002
end $client
rm -r /mnt/none/*
transmission
ok 'R87 transmission: restarted without its settings: set again' wait_for 30 listens 51002
end $follower
like "$(env PATH=/mnt/few VPNRUN_PORT_FILE=$file "$(command -v busybox)" sh $script transmission 2>&1)" 'curl is needed' \
	'transmission without curl: refused'
end $client
rm -r /mnt/none/*
transmission -t -u me -v 'pass"word'
tell 51004
follow -- $script transmission
ok 'R87 transmission asks for a password: said' wait_for 30 said 'transmission at .* asks for a password'
end $follower
follow TORRENT_USER=me TORRENT_PASSWORD=wrong -- $script transmission
ok 'R87 transmission: a wrong one: said' wait_for 10 said "refuses user 'me'"
end $follower
follow TORRENT_USER=me TORRENT_PASSWORD='pass"word' -- $script transmission
ok 'R87 transmission: the right one' wait_for 10 listens 51004
end $follower
end $client
like "$($script deluge 2>&1)" "is not qbittorrent or transmission" 'another client: refused'
finish
