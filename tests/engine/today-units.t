#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What writes podman's command lines for others: quadlets (contrib/quadlet, by podman's own generator),
# Kubernetes' YAML by podman kube play, distrobox. With the userland of SUITE
# as / (tests/setup/tree.sh). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
SUITE=${SUITE:-trixie}
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman crun conmon newuidmap catatonit distrobox
one_hierarchy
W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
rootfs "$W/fs"
echo root:x:0: >"$W/fs/etc/group"
image plain
# As an administrator would, for what cannot be said on each command line.
mkdir -p /etc/containers/containers.conf.d
cat >/etc/containers/containers.conf.d/50-rig.conf <<'C'
[containers]
default_ulimits = [ "nofile=20000:20000", "nproc=30000:30000" ]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
C
cat >"$W/storage.conf" <<C
[storage]
driver = "overlay"
graphroot = "$W/root"
runroot = "$W/runroot"
C
vpnctl oci enable >/dev/null
mkdir -p /usr/local/libexec/netavark
ln -s "$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun" /usr/local/libexec/netavark/
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
ln -s "$wrapper" "$W/vpnrun-runtime@demo"
home=$(getent passwd "$RIG_USER" | cut -d: -f6)
user() { timeout 60 as_user env -i HOME="$home" XDG_RUNTIME_DIR="/run/user/$RIG_UID" PODMAN_IGNORE_CGROUPSV1_WARNING=1 \
	PATH=/usr/bin:/bin:/usr/sbin:/sbin "$@"; }
root() { timeout 60 env CONTAINERS_STORAGE_CONF="$W/storage.conf" "$@"; }
pod() { "$1" podman "${@:2}" </dev/null; } # pod root|user ARG...

# --- quadlets ------------------------------------------------------------------------------------

# The machine has no systemd; the generator's units are read, and what they start is started.
units=$W/units
lines() { # lines root|user UNIT KEY: what the generator makes of the files
	local options=()
	[ "$1" = root ] || options=(-user)
	"$1" env QUADLET_UNIT_DIRS="$units" /usr/libexec/podman/quadlet -dryrun "${options[@]}" 2>&1 |
		awk -v unit="---$2---" -v key="$3=" '/^---.*---$/ { on = $0 == unit } on && index($0, key) == 1 { print substr($0, length(key) + 1) }'
}
begin() { # begin root|user UNIT: its ExecStartPre= and ExecStart=
	local line run=/run
	[ "$1" = root ] || run=/run/user/$RIG_UID
	while read -r line; do
		line=${line//%t/$run}
		line=${line//%N/${2%.service}}
		line=${line//%h/$home}
		line=${line//--cgroups=split/}
		line=${line//--sdnotify=conmon/}
		"$1" sh -c "exec $line" </dev/null || return
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

for who in root user; do
	take vpn.container
	ok "quadlet .container, $who: starts" begin $who vpn.service
	is "$(pod $who exec systemd-vpn sh -c "$fetch" 2>&1 | words)" 'demo demo demo ' "R20 quadlet .container, $who"
	pod $who rm -f -t 0 systemd-vpn >/dev/null
done
take invpn.network
like "$(lines root invpn-network.service After)" 'vpnrun@demo.service' 'quadlet .network: after its VPN'
ok 'quadlet .network: is made' begin root invpn-network.service
printf '[Container]\nImage=localhost/plain:1\nExec=sleep 600\nNetwork=invpn.network\n' >"$units/inside.container"
ok 'quadlet .container in it: starts' begin root inside.service
is "$(pod root exec systemd-inside sh -c "$fetch" | words)" 'demo demo demo ' 'R20 quadlet .container with Network=invpn.network'
pod root rm -f -t 0 systemd-inside >/dev/null
take invpn.network invpn.pod app.container
ok 'quadlet .pod: starts' begin root invpn-pod.service
ok 'quadlet .container with Pod=: starts' begin root app.service
is "$(pod root exec systemd-app sh -c "$fetch; ls /sys/class/net" | words)" 'demo demo demo eth0 lo ' 'R20 quadlet .pod: a container of it'
pod root pod rm -f -t 0 invpn >/dev/null
take invpn.pod app.container
sed -i "s|^Network=.*|Network=none\nGlobalArgs=--runtime $W/vpnrun-runtime@demo|" "$units/invpn.pod"
sed -i "s|^Pod=.*|&\nGlobalArgs=--runtime $W/vpnrun-runtime@demo|" "$units/app.container"
ok 'quadlet .pod, user: starts' begin user invpn-pod.service
ok 'quadlet .container with Pod=, user: starts' begin user app.service
is "$(pod user exec systemd-app sh -c "$fetch; ls /sys/class/net" | words)" 'demo demo demo lo vpn0 ' 'R20 quadlet .pod, user, as invpn.pod says'
pod user pod rm -f -t 0 invpn >/dev/null
take invpn.network invpn.kube invpn.yaml
ok 'quadlet .kube: starts' begin root invpn.service
is "$(pod root exec kube-invpn-app sh -c "$fetch" | words)" 'demo demo demo ' 'R20 quadlet .kube'
pod root kube down "$units/invpn.yaml" >/dev/null 2>&1
pod root pod rm -f -t 0 -a >/dev/null 2>&1
ok 'no cable is left' wait_for 10 gone

# --- podman kube play ----------------------------------------------------------------------------

take invpn.yaml
pod root kube play --network invpn "$units/invpn.yaml" >/dev/null
is "$(pod root exec kube-invpn-app sh -c "$fetch" | words)" 'demo demo demo ' 'R20 kube play --network invpn'
pod root kube down "$units/invpn.yaml" >/dev/null
for who in root user; do
	pod $who --runtime "$W/vpnrun-runtime@demo" kube play --network none "$units/invpn.yaml" >/dev/null
	is "$(pod $who exec kube-invpn-app sh -c "$fetch; ls /sys/class/net" | words)" 'demo demo demo lo vpn0 ' \
		"R20 kube play by the wrapper runtime, $who"
	pod $who kube down "$units/invpn.yaml" >/dev/null
	pod $who --runtime "$wrapper" --runtime-flag vpnrun=demo kube play --network none "$units/invpn.yaml" >/dev/null
	is "$(pod $who --runtime "$wrapper" --runtime-flag vpnrun=demo exec kube-invpn-app sh -c "$fetch" | words)" 'demo demo demo ' \
		"R20 kube play by --runtime-flag, $who"
	pod $who kube down "$units/invpn.yaml" >/dev/null
done
ok 'no cable is left' wait_for 10 gone

# --- distrobox ------------------------------------------------------------------------------------

# Its own command line, with a command in the place of its set-up, which wants a whole distribution.
boxed() { # boxed NETWORK-OPTION ADDITIONAL COMMAND
	local line
	line=$(user env USER="$RIG_USER" SHELL=/bin/sh DBX_CONTAINER_MANAGER=podman distrobox create --dry-run --name box \
		--image localhost/plain:1 ${1:+"$1"} --additional-flags "$2" 2>/dev/null | sed 's/\\$//' | tr '\n' ' ')
	line=${line#*podman create }
	line=${line%%--entrypoint*}
	# Of a whole system, which the rig is not.
	line=${line//--ulimit host/}
	line=${line//--volume \/sys:\/sys:rslave/}
	eval "user podman run --rm --pull=never $line --entrypoint /bin/sh localhost/plain:1 -c '$3'" </dev/null 2>&1
}
# shellcheck disable=SC2016
like "$(boxed '' '' 'wget -qO- http://'"$RIG_WEB4/")" 'clear$' "distrobox's own: the host's network"
$RIG_CAPTURE start
like "$(boxed --unshare-netns "--network none --annotation 'vpnrun=demo;policy=none'" "$fetch" | words)" 'demo demo demo $' \
	'R20 distrobox create --unshare-netns, with the flags of vpnrun-hook(8)'
is "$($RIG_CAPTURE stop)" 0 'R20 distrobox: and nothing beside it'
like "$(boxed '' '--annotation vpnrun=demo' 'echo STARTED')" '(exit code: 6|own network)' "L30 distrobox without --unshare-netns: refused"
ok 'no cable is left' wait_for 10 gone
finish
