# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# podman as units and other programs call it, without options of the test's own, and quadlets by podman's own
# generator. Sourced after ./lib.sh.
home=$(getent passwd "$RIG_USER" | cut -d: -f6)
user() { timeout 60 as_user env -i HOME="$home" XDG_RUNTIME_DIR="/run/user/$RIG_UID" PODMAN_IGNORE_CGROUPSV1_WARNING=1 \
	PATH=/usr/bin:/bin:/usr/sbin:/sbin "$@"; }
root() { timeout 60 env CONTAINERS_STORAGE_CONF="$W/storage.conf" "$@"; }
pod() { "$1" podman "${@:2}" </dev/null; } # pod root|user ARG...

# As an administrator would, for what cannot be said on each command line.
engine_settings() {
	mkdir -p /etc/containers/containers.conf.d
	cat >/etc/containers/containers.conf.d/50-rig.conf <<-'C'
	[containers]
	default_ulimits = [ "nofile=20000:20000", "nproc=30000:30000" ]
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	runtime = "crun"
	C
	cat >"$W/storage.conf" <<-C
	[storage]
	driver = "overlay"
	graphroot = "$W/root"
	runroot = "$W/runroot"
	C
}

# The machine has no systemd; the generator's units are read, and what they start is started.
units=$W/units
lines() { # lines root|user UNIT KEY: what the generator makes of the files
	local options=()
	[ "$1" = root ] || options=(-user)
	"$1" env QUADLET_UNIT_DIRS="$units" /usr/libexec/podman/quadlet -dryrun "${options[@]}" 2>&1 |
		awk -v unit="---$2---" -v key="$3=" '/^---.*---$/ { on = $0 == unit } on && index($0, key) == 1 { print substr($0, length(key) + 1) }'
}
start_unit() { # start_unit root|user UNIT: its ExecStartPre= and ExecStart=
	local line words run=/run
	[ "$1" = root ] || run=/run/user/$RIG_UID
	while read -r line; do
		line=${line//%t/$run}
		line=${line//%N/${2%.service}}
		line=${line//%h/$home}
		line=${line//--cgroups=split/}
		line=${line//--sdnotify=conmon/}
		# Words as systemd makes them: a semicolon within one is nothing special.
		mapfile -t words < <(xargs printf '%s\n' <<<"$line")
		"$1" "${words[@]}" </dev/null || return
	done < <(lines "$1" "$2" ExecStartPre; lines "$1" "$2" ExecStart)
}
# The files as they are, with the rig's VPN and image.
take() { # take FILE...
	rm -rf "$units"
	mkdir -m 755 "$units"
	for f in "$@"; do
		sed 's/mullvad/demo/g; s,docker.io/library/alpine,localhost/plain:1,; s/sleep infinity/sleep 600/; s/"infinity"/"600"/; s/^spec:/&\n  terminationGracePeriodSeconds: 0/' \
			"$RIG_DIR/contrib/quadlet/$f" >"$units/$f"
	done
}
