#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What most VPN containers are for: a torrent client, its page and its forwarded port. Debian's qbittorrent-nox in an
# image of its own, by podman as root and as a user and by Docker, each with contrib/torrent's script as its entrypoint.
# Another one at the VPN's far end is the rest of the swarm. Runs inside the rig.
#
#   lan ── page, by the host's address ──┐        ┌── container ── vpn0 ── demo ── forwarded port ── far (in_ns demo)
#   host ── page, by localhost ──────────┴─ relay ┘
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
W=$(dirname "$RIG_DIR")/engine

# --- the image and the torrents: of the machine's own packages, whatever system is entered ----------

# Its page asks nobody for a password who comes from localhost, as gluetun's users set it.
settings() { # settings DIR PORT PAGE
	mkdir -p "$W/fs$1/qBittorrent/config" "$W/fs$1/data"
	printf '%s\n' '[LegalNotice]' Accepted=true '[BitTorrent]' "Session\\Port=$2" "Session\\DefaultSavePath=$1/data" \
		'Session\DHTEnabled=false' 'Session\LSDEnabled=false' '[Preferences]' "WebUI\\Port=$3" \
		'WebUI\LocalHostAuth=false' >"$W/fs$1/qBittorrent/config/qBittorrent.conf"
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
	cp "$W/torrents/$1" "$W/fs/config/data/"
}
make_image() {
	local a f nox
	nox=$(command -v qbittorrent-nox)
	rootfs "$W/fs"
	for a in sed head grep tr timeout; do ln -sf busybox "$W/fs/bin/$a"; done
	cp "$nox" "$RIG_TREE/contrib/torrent/vpnrun-torrent-port" "$W/fs/bin/"
	for f in $(ldd "$nox" | grep -oE '/[^ ]+'); do
		mkdir -p "$W/fs${f%/*}"
		cp -L "$f" "$W/fs$f"
	done
	settings /config 6881 8080
	settings /far 7000 8090
	torrent one
	torrent more
}
if [ ! -d "$W" ] && command -v qbittorrent-nox perl >/dev/null; then
	mkdir -m 755 "$W" "$W/torrents"
	# shellcheck source=tests/engine/lib.sh
	(unset SUITE; . "$RIG_DIR/tests/engine/lib.sh"; make_image)
fi
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
need podman crun conmon newuidmap
[ -x "$W/fs/bin/qbittorrent-nox" ] || { echo '1..0 # SKIP needs qbittorrent-nox and perl: tests/setup/deps desktop'; exit 0; }
one_hierarchy
image torrent
vpnctl oci enable >/dev/null
one=$(cat "$W/torrents/one.hash")
two=$(cat "$W/torrents/more.hash")

# --- the provider, and the rest of the swarm -----------------------------------------------------

cp /etc/vpnrun/demo.json "$W/demo.json"
sed 's|{ |{ "port_forward": "natpmp", |' "$W/demo.json" >/etc/vpnrun/demo.json
gateway 51413 1000
vpnctl up demo >/dev/null
wait_for 10 port_is 51413

# --- who starts it, and who asks -----------------------------------------------------------------

# Its page takes no other port for its own than the one at which it listens.
annotation="demo;publish=8080:8080;publish=$RIG_HOST4:8080:8080;expose=natpmp"
entry=(vpnrun-torrent-port qbittorrent qbittorrent-nox --profile=/config)
begin() { # begin root|user|docker
	local limits=()
	[ "$1" = user ] || limits=("${limits_root[@]}")
	case $1 in
	docker) d run -d --network none --runtime demo -e HOME=/config -e TORRENT_POLL=1 --name torrent torrent:1 "${entry[@]}" ;;
	*) "pod_$1" crun run --detach --pull=never --network none "${limits[@]}" --annotation "vpnrun=$annotation" \
		-e HOME=/config -e TORRENT_POLL=1 --name torrent torrent:1 "${entry[@]}" ;;
	esac
}
again() { case $1 in docker) d restart -t 0 torrent ;; *) "pod_$1" crun restart -t 0 torrent ;; esac; }
remove() { case $1 in docker) d rm -f torrent ;; *) "pod_$1" crun rm -f -t 0 torrent ;; esac; }

api() { # api WHERE [CURL'S OPTIONS...]: of the container's
	curl -s -m 5 "http://127.0.0.1:8080/api/v2/$1" "${@:2}"
}
far() { in_ns demo curl -s -m 5 "http://127.0.0.1:8090/api/v2/$1" "${@:2}"; }
page() { "$@" | grep -q '<title>qBittorrent'; }
set_to() { api app/preferences | grep -q "\"listen_port\":$1,"; }
seed() { # seed NAME: the container has the file
	api torrents/add -F "torrents=@$W/torrents/$1.torrent" -F savepath=/config/data -F skip_checking=true >/dev/null
}
fetch() { # fetch NAME HASH PORT: the far one asks the forwarded port for it, and nobody else
	far torrents/add -F "torrents=@$W/torrents/$1.torrent" >/dev/null
	wait_for 10 knows "$2"
	far torrents/addPeers --data-urlencode "hashes=$2" --data-urlencode "peers=$outside:$3" >/dev/null
}
knows() { far torrents/info | grep -q "$1"; }
came() { cmp "$W/torrents/$1" "$W/fs/far/data/$1"; }
forget() { # forget HASH: and its file
	far torrents/delete -d "hashes=$1&deleteFiles=true"
	wait_for 10 not knows "$1"
}
outside=$(in_vpn demo ip -4 -o addr show demo | sed 's/.*inet //;s,/.*,,' | head -n 1)
mount --bind /dev "$W/fs/dev" # it asks for random numbers there
HOME=/far in_ns demo chroot "$W/fs" /bin/qbittorrent-nox --profile=/far >"$W/far.log" 2>&1 &
swarm=$!
far_is_there() { far app/version | grep -q ^v; }
ok 'the rest of the swarm' wait_for 30 far_is_there

# --- all of it, by each --------------------------------------------------------------------------

works() { # works WHO
	$RIG_CAPTURE start
	begin "$1" >/dev/null 2>&1
	ok "R87 $1: its page, at the host's localhost" wait_for 20 page curl -s -m 5 http://127.0.0.1:8080/
	ok "R87 $1: the forwarded port is set in it by itself" wait_for 10 set_to 51413
	seed one
	fetch one "$one" 51413
	ok "R87 $1: a torrent goes to who asks the forwarded port" wait_for 30 came one
	is "$($RIG_CAPTURE stop)" 0 "L01 $1: nothing of all that left by the uplink"
	forget "$one"
	ok "R87 $1: its page, from the LAN" page in_ns lan curl -s -m 5 "http://$RIG_HOST4:8080/"
	is "$(api app/version | cut -c1) $(in_ns lan curl -s -m 5 -o /dev/null -w '%{http_code}' "http://$RIG_HOST4:8080/api/v2/app/version")" \
		'v 403' "R87 $1: where localhost needs no password, the LAN does"
	again "$1" >/dev/null 2>&1
	ok "R87 $1: restarted: its page is there again" wait_for 20 page curl -s -m 5 http://127.0.0.1:8080/
	ok "R87 $1: and the port" wait_for 10 set_to 51413
}

works root
$RIG_CAPTURE start
in_vpn demo ip link del demo
vpnctl down demo >/dev/null 2>&1
seed more
api torrents/addPeers --data-urlencode "hashes=$two" --data-urlencode "peers=${RIG_WEB4}:80" >/dev/null
ok 'R87: the tunnel killed: its page is there' page curl -s -m 5 http://127.0.0.1:8080/
gateway 51500 0
vpnctl up demo >/dev/null 2>&1
ok 'R87: and back, with another port: it follows' wait_for 20 set_to 51500
fetch more "$two" 51500
ok 'R87: a torrent, by the new one' wait_for 30 came more
is "$($RIG_CAPTURE stop)" 0 'L01: nothing left by the uplink'
forget "$two"
remove root >/dev/null 2>&1
ok 'nothing stays' wait_for 10 no_relay
gateway 51413 0
vpnctl restart demo >/dev/null 2>&1
wait_for 20 port_is 51413
works user
remove user >/dev/null 2>&1
ok 'nothing stays' wait_for 10 no_relay
kill $swarm
stop "$natpmpd"
cp "$W/demo.json" /etc/vpnrun/demo.json
ok 'no cable is left' wait_for 10 gone
finish
