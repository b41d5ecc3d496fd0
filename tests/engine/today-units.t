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
# shellcheck source=tests/engine/units.sh
. "$RIG_DIR/tests/engine/units.sh"
engine_settings
vpnctl oci enable >/dev/null
mkdir -p /usr/local/libexec/netavark
ln -s "$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun" /usr/local/libexec/netavark/
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
ln -s "$wrapper" "$W/vpnrun-runtime@demo"

# --- quadlets ------------------------------------------------------------------------------------

for who in root user; do
	take vpn.container
	ok "quadlet .container, $who: starts" start_unit $who vpn.service
	is "$(pod $who exec systemd-vpn sh -c "$fetch" 2>&1 | words)" 'demo demo demo ' "R20 quadlet .container, $who"
	pod $who rm -f -t 0 systemd-vpn >/dev/null
done
take invpn.network
like "$(lines root invpn-network.service After)" 'vpnrun@demo.service' 'quadlet .network: after its VPN'
ok 'quadlet .network: is made' start_unit root invpn-network.service
printf '[Container]\nImage=localhost/plain:1\nExec=sleep 600\nNetwork=invpn.network\n' >"$units/inside.container"
ok 'quadlet .container in it: starts' start_unit root inside.service
is "$(pod root exec systemd-inside sh -c "$fetch" | words)" 'demo demo demo ' 'R20 quadlet .container with Network=invpn.network'
pod root rm -f -t 0 systemd-inside >/dev/null
take invpn.network invpn.pod app.container
ok 'quadlet .pod: starts' start_unit root invpn-pod.service
ok 'quadlet .container with Pod=: starts' start_unit root app.service
is "$(pod root exec systemd-app sh -c "$fetch; ls /sys/class/net" | words)" 'demo demo demo eth0 lo ' 'R20 quadlet .pod: a container of it'
pod root pod rm -f -t 0 invpn >/dev/null
take invpn.pod app.container
sed -i "s|^Network=.*|Network=none\nGlobalArgs=--runtime $W/vpnrun-runtime@demo|" "$units/invpn.pod"
sed -i "s|^Pod=.*|&\nGlobalArgs=--runtime $W/vpnrun-runtime@demo|" "$units/app.container"
ok 'quadlet .pod, user: starts' start_unit user invpn-pod.service
ok 'quadlet .container with Pod=, user: starts' start_unit user app.service
is "$(pod user exec systemd-app sh -c "$fetch; ls /sys/class/net" | words)" 'demo demo demo lo vpn0 ' 'R20 quadlet .pod, user, as invpn.pod says'
pod user pod rm -f -t 0 invpn >/dev/null
take invpn.network invpn.kube invpn.yaml
ok 'quadlet .kube: starts' start_unit root invpn.service
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
