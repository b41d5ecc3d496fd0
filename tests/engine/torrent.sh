# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
# What most VPN containers are for: a torrent client, its page and its forwarded port. Debian's qbittorrent-nox in an
# image of its own, with contrib/torrent's script as its entrypoint; another one at the VPN's far end is the rest of the
# swarm. One script for all engines: the file that sources it says how its own engine begins such a container.
#
#   lan ── page, by the host's address ──┐        ┌── container ── vpn0 ── demo ── forwarded port ── far (in_ns demo)
#   host ── page, by localhost ──────────┴─ relay ┘
#
#   torrent_image           before ./lib.sh is sourced: of the machine's own packages, whatever system is entered
#   torrent_world           the provider, who forwards a port, and the swarm
#   torrent_works WHO HOW   all of it; HOW: free, if who comes from localhost needs no password, or locked
#                           it calls: begin WHO, again WHO (a restart), remove WHO
W=$(dirname "$RIG_DIR")/engine

# --- the image and the torrents ---------------------------------------------------------------------

# A newer one makes up a password for each start unless it has one: this is "adminadmin".
password='ARQ77eY1NUZaQsuDHbIMCA==:0WMRkYTUWVT9wVvdDtHAjU9b3b7uB8NR1Gur2hmQCvCDpm39Q+PsJRJPaCU51dEiz+dTzh8qbPsL8WkFljQYFQ=='
settings() { # settings DIR HOME PORT PAGE [free]: of one whose HOME is DIR by now
	mkdir -p "$1/qBittorrent/config" "$1/data"
	printf '%s\n' '[LegalNotice]' Accepted=true '[BitTorrent]' "Session\\Port=$3" "Session\\DefaultSavePath=$2/data" \
		'Session\DHTEnabled=false' 'Session\LSDEnabled=false' '[Preferences]' "WebUI\\Port=$4" "WebUI\\Password_PBKDF2=\"@ByteArray($password)\"" \
		"WebUI\\LocalHostAuth=$([ "${5:-}" = free ] && echo false || echo true)" >"$1/qBittorrent/config/qBittorrent.conf"
}
profile() { # profile DIR: what a container is to have as /config
	settings "$1" /config 6881 8080
	cp "$W"/torrents/{one,more} "$1/data/"
}
torrent() { # torrent NAME: a file of half a megabyte, its torrent, and what that is called
	perl -MDigest::SHA=sha1 -e '
		my ($name, $dir) = @ARGV;
		srand length $name;
		my $data = join "", map { chr int rand 256 } 1 .. 1 << 19;
		my $pieces = join "", map { sha1(substr $data, $_ << 18, 1 << 18) } 0, 1;
		sub text { length($_[0]) . ":$_[0]" }
		sub file { open my $f, ">", "$dir/$_[0]" or die "$dir/$_[0]: $!"; print $f $_[1] }
		my $info = "d" . join("", map { text($_) } "length") . "i524288e" . text("name") . text($name) .
			text("piece length") . "i262144e" . text("pieces") . text($pieces) . "e";
		file($name, $data);
		file("$name.torrent", "d" . text("info") . $info . "e");
		file("$name.hash", unpack "H*", sha1($info))' "$1" "$W/torrents"
}
make_image() {
	local a f program
	rootfs "$W/fs"
	echo root:x:0: >"$W/fs/etc/group"
	for a in sed head grep tr timeout httpd; do ln -sf busybox "$W/fs/bin/$a"; done
	for program in qbittorrent-nox curl; do
		program=$(command -v $program)
		cp "$program" "$W/fs/bin/"
		for f in $(ldd "$program" | grep -oE '/[^ ]+'); do
			mkdir -p "$W/fs${f%/*}"
			cp -L "$f" "$W/fs$f"
		done
	done
	cp "$RIG_TREE/contrib/torrent/vpnrun-torrent-port" "$W/fs/"
	printf '#!/bin/sh\nexport HOME=/config\nexec qbittorrent-nox --profile=/config\n' >"$W/fs/init"
	chmod 755 "$W/fs/init"
	# Its page asks nobody for a password who comes from localhost, as gluetun's users set it.
	settings "$W/fs/config" /config 6881 8080 free
	settings "$W/fs/far" /far 7000 8090 free
	torrent one
	torrent more
	cp "$W"/torrents/{one,more} "$W/fs/config/data/"
}
torrent_image() {
	local program
	[ ! -d "$W" ] || return 0
	for program in qbittorrent-nox perl curl; do
		command -v $program >/dev/null || { echo "1..0 # SKIP needs $program: tests/setup/deps desktop"; exit 0; }
	done
	mkdir -m 755 "$W" "$W/torrents"
	# shellcheck source=tests/engine/lib.sh
	(unset SUITE; . "$RIG_DIR/tests/engine/lib.sh"; make_image)
}

# --- the provider, and the rest of the swarm -----------------------------------------------------

far() { in_ns demo curl -s -m 5 "http://127.0.0.1:8090/api/v2/$1" "${@:2}"; }
far_is_there() { far app/version | grep -q ^v; }
torrent_world() {
	# shellcheck disable=SC2034 # by its name
	one=$(cat "$W/torrents/one.hash")
	more=$(cat "$W/torrents/more.hash")
	cp /etc/vpnrun/demo.json "$W/demo.json"
	sed 's|{ |{ "port_forward": "natpmp", |' "$W/demo.json" >/etc/vpnrun/demo.json
	gateway 51413 1000
	# An older libnftables than the tree's, which the keeper has from outside of it, cannot read what the tree's writes.
	vpnctl restart demo >/dev/null 2>&1
	ok 'the provider forwards a port' wait_for 10 port_is 51413
	outside=$(in_vpn demo ip -4 -o addr show demo | sed 's/.*inet //;s,/.*,,' | head -n 1)
	mount --bind /dev "$W/fs/dev" # it asks for random numbers there
	HOME=/far in_ns demo chroot "$W/fs" /bin/qbittorrent-nox --profile=/far >"$W/far.log" 2>&1 &
	swarm=$!
	ok 'the rest of the swarm' wait_for 30 far_is_there
}
torrent_world_ends() {
	stop "$swarm"
	stop "$natpmpd"
	umount "$W/fs/dev"
	cp "$W/demo.json" /etc/vpnrun/demo.json
}

# --- who asks the container, and who asks it for files -------------------------------------------

api() { # api WHERE [CURL'S OPTIONS...]: with the session of login, if there is one
	curl -s -m 5 -b "$W/cookies" "http://127.0.0.1:8080/api/v2/$1" "${@:2}"
}
login() { api auth/login -c "$W/cookies" -d 'username=admin&password=adminadmin' | grep -q Ok; }
code() { "$@" -s -m 5 -o /dev/null -w '%{http_code}' "http://$where:8080/api/v2/app/version"; } # code CURL...
# A newer one does not translate its page where no system is to say what an .html is.
page() { "$@" | grep -qE '<title>(QBT_TR\()?qBittorrent'; }
lan_is_gone() { [ -z "$(ss -Htn dst "$RIG_LAN")" ]; }
at_localhost() { page curl -s -m 5 http://127.0.0.1:8080/; }
set_to() { api app/preferences | grep -q "\"listen_port\":$1,"; }
seed() { # seed NAME: the container has the file
	api torrents/add -F "torrents=@$W/torrents/$1.torrent" -F savepath=/config/data -F skip_checking=true >/dev/null
}
knows() { far torrents/info | grep -q "$1"; }
came() { cmp "$W/torrents/$1" "$W/fs/far/data/$1"; }
# The client says its new port before it listens there, and whom it has refused it asks again a minute later.
listens() { in_ns demo timeout 2 bash -c "exec 3<>/dev/tcp/$outside/$1"; } # listens PORT
fetches() { # fetches NAME PORT: the far one asks the forwarded port for it, and nobody else
	far torrents/add -F "torrents=@$W/torrents/$1.torrent" >/dev/null
	wait_for 10 knows "${!1}"
	wait_for 20 listens "$2"
	far torrents/addPeers --data-urlencode "hashes=${!1}" --data-urlencode "peers=$outside:$2" >/dev/null
	wait_for 30 came "$1"
}
forget() { # forget NAME: and its file
	far torrents/delete -d "hashes=${!1}&deleteFiles=true"
	wait_for 10 not knows "${!1}"
}

# --- all of it ---------------------------------------------------------------------------------------

begun() { # begun WHO HOW: its page is there, and lets us in
	ok "R87 $1: its page, at the host's localhost" wait_for 20 at_localhost
	[ "$2" = free ] || ok "$1: by its password" wait_for 5 login
}
torrent_works() {
	local who=$1 how=$2 port other where
	port=$(cat /run/vpnrun/demo.port)
	other=$((51413 + 51500 - port))
	rm -f "$W/cookies"
	$RIG_CAPTURE start
	begin "$who" >"$W/begin.log" 2>&1 || diag "$(tail -n 8 "$W/begin.log")"
	begun "$who" "$how"
	ok "R87 $who: the forwarded port is set in it by itself" wait_for 20 set_to "$port"
	seed one
	seed more
	ok "R87 $who: a torrent goes to who asks the forwarded port" fetches one "$port"
	is "$($RIG_CAPTURE stop)" 0 "L01 $who: nothing of all that left by the uplink"
	ok "R87 $who: its page, from the LAN" page in_ns lan curl -s -m 5 "http://$RIG_HOST4:8080/"
	is "$(where=127.0.0.1 code curl) $(where=$RIG_HOST4 code in_ns lan curl)" "$([ "$how" = free ] && echo 200 || echo 403) 403" \
		"R87 $who: whoever is let in without a password at localhost, the LAN is not"
	# The page has not closed its side yet, and would while the next capture runs.
	wait_for 10 lan_is_gone

	$RIG_CAPTURE start
	in_vpn demo ip link del demo
	vpnctl down demo >/dev/null 2>&1
	api torrents/addPeers --data-urlencode "hashes=$more" --data-urlencode "peers=$RIG_WEB4:80" >/dev/null
	ok "R87 $who: the tunnel killed: its page is there" at_localhost
	gateway $other 0
	vpnctl up demo >/dev/null 2>&1
	ok "R87 $who: and back, with another port: it follows" wait_for 20 set_to $other
	ok "R87 $who: a torrent, by the new one" fetches more $other
	again "$who" >/dev/null 2>&1
	begun "$who, restarted" "$how"
	ok "R87 $who, restarted: and the port" wait_for 20 set_to $other
	is "$($RIG_CAPTURE stop)" 0 "L01 $who: nothing left by the uplink"
	forget one
	forget more
}
torrent_removed() { # torrent_removed WHO
	remove "$1" >/dev/null 2>&1
	ok "$1: removed: no process of ours stays" wait_for 10 no_relay
	ok "$1: and no cable" wait_for 10 gone
}
