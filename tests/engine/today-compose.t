#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/compose/compose.yaml as it stands, by compose v2 with Docker and with podman of root and of a user: the torrent
# client of torrent.sh in the place of the image that it names, web servers of busybox in that of the others. With the
# userland of SUITE as / (tests/setup/tree.sh). Runs inside the rig.
#
#   in the VPN: qbittorrent, prowlarr, sonarr, radarr      outside: jellyfin, jellyseerr in a network of the engine's
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
SUITE=${SUITE:-trixie}
# shellcheck source=tests/engine/torrent.sh
. "$RIG_DIR/tests/engine/torrent.sh"
torrent_image
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
need docker-compose dockerd docker containerd podman crun runc jq newuidmap
one_hierarchy
diag "$(docker-compose version), $(dockerd --version), $(podman --version)"
rootfs "$W/web"
ln -s busybox "$W/web/bin/httpd"
mkdir "$W/web/www"
echo 'a page' >"$W/web/www/index.html"
for i in fs web; do
	tar -C "$W/$i" -cf "$W/$i.tar" .
	chmod 644 "$W/$i.tar"
done
torrent_world

# --- the project ---------------------------------------------------------------------------------

server() { # server NAME PORT: a web server is NAME
	printf '  %s:\n    image: web:1\n    command: ["/bin/httpd", "-f", "-p", "%s", "-h", "/www"]\n' "$1" "$2"
}
project() { # project WHO: a directory of its own, with qBittorrent's first settings and its password
	local dir=$W/by-$1
	mkdir -p "$dir"/{data,prowlarr,sonarr,radarr,jellyfin,jellyseerr}
	cp "$RIG_DIR/contrib/compose/compose.yaml" "$dir/"
	profile "$dir/qbittorrent"
	echo adminadmin >"$dir/qbittorrent.password"
	{
		printf 'services:\n  qbittorrent:\n    image: torrent:1\n    environment: {TORRENT_POLL: "1"}\n    volumes:\n'
		printf '      - %s:/vpnrun-torrent-port:ro\n' "$RIG_DIR/contrib/torrent/vpnrun-torrent-port"
		server prowlarr 9696
		server sonarr 8989
		server radarr 7878
		server jellyfin 8096
		server jellyseerr 5055
	} >"$dir/compose.override.yaml"
	[ "$1" != user ] || chown -R "$RIG_USER" "$dir"
	{ d import "$W/fs.tar" torrent:1 && d import "$W/web.tar" web:1; } >"$W/import.log" 2>&1 || diag "$(cat "$W/import.log")"
}
d() { timeout 120 docker --host "unix://$socket" "$@" </dev/null; }
compose() { (cd "$W/by-$who" && timeout 120 env VPN=demo RUNTIME="$runtime" DOCKER_HOST="unix://$socket" docker-compose "$@" </dev/null); }
begin() { compose up -d --pull never; }
again() { compose restart -t 0 qbittorrent; }
remove() { compose down -t 0; }
inside() { compose exec -T "$1" wget -qO- -T 5 "$2" 2>&1; } # inside SERVICE URL
shows() { [ "$(inside "$@")" = 'a page' ]; }

works() { # works WHO RUNTIME SOCKET
	who=$1 runtime=$2 socket=$3
	ok "$who: its API" wait_for 30 d version
	project "$who"
	torrent_works "$who" locked
	is "$(compose ps -q 2>/dev/null | wc -l)" 6 "$who: all of them"
	is "$(inside prowlarr "http://$RIG_WEB4/") $(inside sonarr "http://$RIG_NAME/")" 'demo demo' "R20 $who: Prowlarr and Sonarr go through the VPN"
	ok "R87 $who: Sonarr calls qBittorrent by name" page inside sonarr http://qbittorrent:8080/
	ok "R87 $who: Radarr calls Prowlarr" shows radarr http://prowlarr:9696/
	ok "R87 $who: Prowlarr calls Sonarr" shows prowlarr http://sonarr:8989/
	ok "R87 $who: Sonarr tells Jellyfin, outside" shows sonarr http://localhost:8096/
	ok "R50 $who: Prowlarr, which did not ask for it, cannot" not shows prowlarr http://localhost:8096/
	ok "R50 $who: nor call another's own port" not shows qbittorrent http://sonarr:8989/
	ok "R87 $who: Jellyseerr, outside, calls Sonarr by name" shows jellyseerr http://sonarr:8989/
	is "$(curl -s -m 5 http://127.0.0.1:8096/)" 'a page' "$who: Jellyfin is where it was"
	# This Docker makes no rules, so that its own network leads nowhere but to the host.
	[ "$who" = Docker ] || is "$(inside jellyseerr "http://$RIG_WEB4/")" clear "control: $who: and Jellyseerr goes out in the clear"
	torrent_removed "$who"
}

# --- Docker --------------------------------------------------------------------------------------

wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
mkdir "$W/docker"
# The hierarchies are the machine's, where another rig may run the same.
cgroup=vpnrun-docker-$(stat -Lc %i /proc/self/ns/net)
jq -n --arg c "$cgroup" --arg w "$W/docker" --arg p "$wrapper" '{"data-root": ($w + "/data"), "exec-root": ($w + "/exec"), pidfile: ($w + "/pid"),
	hosts: ["unix://" + $w + "/sock"], iptables: false, ip6tables: false, "storage-driver": "vfs",
	"cgroup-parent": $c, runtimes: {vpnrun: {path: $p}}}' >"$W/daemon.json"
dockerd --config-file "$W/daemon.json" >"$W/docker.log" 2>&1 &
daemon=$!
works Docker vpnrun "$W/docker/sock"
kill $daemon
wait $daemon
remove_cgroups "$cgroup"

# --- podman --------------------------------------------------------------------------------------

vpnctl oci enable >/dev/null
mkdir -p /etc/containers/containers.conf.d
printf '[containers]\ndefault_ulimits = [ "nofile=20000:20000", "nproc=30000:30000" ]\n' >/etc/containers/containers.conf.d/95-limits.conf
podman --root "$W/root" --runroot "$W/runroot" "${options[@]}" system service --time 0 "unix://$W/podman.sock" >"$W/podman.log" 2>&1 &
daemon=$!
works root crun "$W/podman.sock"
kill $daemon
wait $daemon
run=/run/user/$RIG_UID
as_user env -i HOME="$(getent passwd "$RIG_USER" | cut -d: -f6)" XDG_RUNTIME_DIR="$run" PATH=/usr/bin:/bin:/usr/sbin:/sbin \
	podman "${options[@]}" system service --time 0 "unix://$run/podman.sock" >"$W/podman-user.log" 2>&1 &
daemon=$!
works user crun "$run/podman.sock"
kill $daemon
wait $daemon
torrent_world_ends
finish
