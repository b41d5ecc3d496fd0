#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A torrent client in a VPN (torrent.sh) by podman as root and as a user; with the userland of SUITE as / also by
# contrib/quadlet/qbittorrent.container. By Docker and compose: today-compose.t. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/torrent.sh
. "$RIG_DIR/tests/engine/torrent.sh"
torrent_image
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
# shellcheck source=tests/engine/units.sh
. "$RIG_DIR/tests/engine/units.sh"
need podman crun conmon newuidmap
one_hierarchy
diag "$(podman --version), $(crun --version | head -n 1)"
image torrent
vpnctl oci enable >/dev/null
torrent_world

# Its page takes no other port for its own than the one at which it listens.
begin() { # begin root|user|quadlet
	local limits=()
	[ "$1" = user ] || limits=("${limits_root[@]}")
	[ "$1" != quadlet ] || { start_unit user qbittorrent.service; return; }
	"pod_$1" crun run --detach --pull=never --network none "${limits[@]}" \
		--annotation "vpnrun=demo;publish=8080:8080;publish=$RIG_HOST4:8080:8080;expose=natpmp" \
		-e TORRENT_POLL=1 --name torrent torrent:1 /vpnrun-torrent-port qbittorrent /init
}
again() {
	case $1 in
	quadlet) pod user restart -t 0 systemd-qbittorrent ;;
	*) "pod_$1" crun restart -t 0 torrent ;;
	esac
}
remove() {
	case $1 in
	quadlet) pod user rm -f -t 0 systemd-qbittorrent ;;
	*) "pod_$1" crun rm -f -t 0 torrent ;;
	esac
}

for who in root user; do
	torrent_works $who free
	torrent_removed $who
done
if [ -x /usr/libexec/podman/quadlet ] && [ -n "${ENTERED:-}" ]; then
	engine_settings
	take qbittorrent.container
	profile "$home/qbittorrent"
	mkdir "$home/downloads"
	chown -R "$RIG_USER" "$home/qbittorrent" "$home/downloads"
	sed -i "s,lscr.io/.*,localhost/torrent:1,; s/proton/demo/; s/publish=8080/publish=0.0.0.0:8080/; s,/usr/local/libexec/vpnrun,$RIG_DIR/contrib/torrent,
		s/^Environment=/&TORRENT_POLL=1 /" "$units/qbittorrent.container"
	printf adminadmin | user podman secret create qbittorrent - >/dev/null
	torrent_works quadlet locked
	torrent_removed quadlet
fi
torrent_world_ends
finish
