#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The podman of Debian 13 or later (SUITE), podman 5 with netavark's plugins and a crun that cannot start
# every hook, with the userland of that system as / (tests/setup/tree.sh). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
SUITE=${SUITE:-trixie}
# shellcheck source=tests/ports.sh
. "$RIG_DIR/tests/ports.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman runc crun conmon newuidmap buildah
one_hierarchy
W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
# libsubid looks for the user, too.
echo containers:x:4251:4251::/nonexistent:/usr/sbin/nologin >>/etc/passwd
for f in subuid subgid; do echo containers:700000:65536 >>/etc/$f; done
diag "podman $(podman --version | cut -d' ' -f3), $(crun --version | head -n 1), $(runc --version | head -n 1)"
rootfs "$W/fs"
image plain
ok 'oci enable' vpnctl oci enable
like "$(vpnctl oci status)" ^enabled 'oci status'

# --- annotations --------------------------------------------------------------------------------

for who in root user; do
	for rt in runc crun; do
		$RIG_CAPTURE start
		is "$(run $who $rt --network none --annotation vpnrun=demo plain:1 sh -c "$fetch; $status" | words)" \
			'demo demo demo CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' \
			"R20 $who $rt: IPv4, IPv6 and names by the VPN, and the policy"
		is "$($RIG_CAPTURE stop)" 0 "R20 $who $rt: and nothing beside it"
		for ns in keep-id auto nomap; do
			[ "$who $ns" != 'root nomap' ] || continue
			is "$(run $who $rt --network none --userns=$ns --annotation vpnrun=demo plain:1 sh -c "$fetch" | words)" \
				'demo demo demo ' "R20 $who $rt, --userns=$ns"
		done
	done
done

# A user's own list: in the place of root's, or behind it.
home=$(getent passwd "$RIG_USER" | cut -d: -f6)
as_user mkdir -p "$home/.config/containers" "$home/hooks.d"
own() { printf '[engine]\nhooks_dir = [ "%s/hooks.d" %s]\n' "$home" "$1" | as_user tee "$home/.config/containers/containers.conf" >/dev/null; }
own ''
like "$(as_user vpnctl oci status)" 'containers.conf: hooks_dir is without /etc/vpnrun/oci/' 'L58: a list of the user'"'"'s own leads elsewhere: said'
is "$(run user crun --network none --annotation vpnrun=demo plain:1 ls /sys/class/net)" lo 'and there is no network'
own ', {append=true}'
like "$(as_user vpnctl oci status)" ^enabled 'L58: one that adds to root'"'"'s does not'
is "$(run user crun --network none --annotation vpnrun=demo plain:1 wget -qO- "http://$RIG_NAME/")" demo 'and the hook is called'
as_user rm -r "$home/.config/containers"

# --- builds ---------------------------------------------------------------------------------------

printf 'FROM localhost/plain:1\nRUN echo built\n' >"$W/Containerfile"
mkdir -m 777 "$W/context"
like "$(pod_root crun build --no-cache --network none "${build_limits[@]}" -f "$W/Containerfile" "$W/context" 2>&1)" built \
	'L58: podman build, with a RUN'
like "$(buildah --root "$W/root" --runroot "$W/runroot" build --isolation oci --no-cache --network none "${build_limits[@]}" \
	-f "$W/Containerfile" "$W/context" 2>&1)" built 'L58: buildah'

# Through a VPN: the build has no annotation of its own, so root's joins the VPN's namespace, or the runtime says which.
printf 'FROM localhost/plain:1\nRUN echo built by $(wget -qO- http://%s/)\n' "$RIG_NAME" >"$W/Containerfile"
ln -s "$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime" "$W/vpnrun-runtime@demo"
build() { "pod_$1" "$2" build --no-cache -f "$W/Containerfile" "${@:3}" "$W/context" 2>&1; }
like "$(build root crun "${build_limits[@]}")" 'built by clear' "podman build: podman's own network is the clear"
$RIG_CAPTURE start
like "$(build root crun "${build_limits[@]}" --network ns:/run/netns/demo --dns "$RIG_DNS_DEMO")" 'built by demo' \
	'R20 podman build --network ns:/run/netns/demo'
for who in root user; do
	limits=()
	[ $who = user ] || limits=("${build_limits[@]}")
	like "$(build $who "$W/vpnrun-runtime@demo" "${limits[@]}" --network none)" 'built by demo' "R20 podman build by the wrapper runtime, $who"
	ok "podman build with the annotation alone, $who: has no network, and no other" not grep -qE 'built by (clear|demo)' \
		<<<"$(build $who crun "${limits[@]}" --network none --annotation vpnrun=demo)"
done
is "$($RIG_CAPTURE stop)" 0 'R20 podman build: and nothing beside it'

# --- networks of podman without root ---------------------------------------------------------------

mkdir -p /usr/local/libexec/netavark
ln -s "$RIG_DIR/build/libexec/vpnrun/netavark/vpnrun" /usr/local/libexec/netavark/
like "$(pod_user crun network create --driver vpnrun --opt vpn=demo invpn 2>&1)" 'without root.*--network none' \
	'a network of podman without root: what works instead'

# --- an image's word ------------------------------------------------------------------------------

echo FROM localhost/plain:1 >"$W/Containerfile"
pod_root crun build --annotation vpnrun=demo -t self:1 -f "$W/Containerfile" "$W/context" >/dev/null 2>&1
is "$(pod_root crun image inspect -f '{{index .Annotations "vpnrun"}}' self:1)" demo 'an image with the annotation'
is "$(run root crun --network none self:1 ls /sys/class/net)" lo 'L56: it gives itself no network'

# --- netavark's networks --------------------------------------------------------------------------

ok 'a network of the driver vpnrun' pod_root crun network create --driver vpnrun --opt vpn=demo invpn
ok 'one beside it' pod_root crun network create second
ok 'and one that leads nowhere but to the host' pod_root crun network create --internal inner
is "$(run root crun --network second plain:1 wget -qO- "http://$RIG_WEB4/")" clear 'podman'"'"'s own network leads out in the clear'
$RIG_CAPTURE start
is "$(run root crun --network invpn plain:1 sh -c "$fetch" | words)" 'demo demo demo ' 'R20: a container of the network vpnrun'
printf '[engine]\nenable_port_reservation = false\n' >/etc/containers/containers.conf.d/95-ports.conf
ok "podman's own -p" pod_root crun run --detach --pull=never "${limits_root[@]}" --network invpn --name web -p 127.0.0.1:8080:80 plain:1 \
	sh -c 'while :; do echo hello | nc -l -p 80; done'
answers() { [ "$(timeout 2 bash -c 'cat </dev/tcp/127.0.0.1/8080')" = hello ]; }
ok 'R87: the host reaches it' wait_for 10 answers
pod_root crun rm -f -t 0 web >/dev/null
ok 'R87: and no process stays' wait_for 10 no_relay
is "$(run root crun --network invpn --annotation 'vpnrun=demo;ifname=eth0' plain:1 sh -c "$fetch; $status" | words)" \
	'demo demo demo CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' 'and with the annotation, for the policy'
# In the order of a hash table: each time another.
for _ in {1..6}; do run root crun --network invpn --network second plain:1 sh -c "$fetch"; done >"$W/both"
is "$(grep -cE '^(clear|lan)' "$W/both")" 0 'L57: with a second network at start: refused, or in the VPN alone'
stay() { # stay NAME: a container that stays
	ok "a container that stays: $1" pod_root crun run --detach --pull=never "${limits_root[@]}" --network invpn --name "$1" plain:1 sleep 600
}
stay one
like "$(pod_root crun network connect second one 2>&1)" '[Uu]nreachable' 'L57: network connect of another one fails'
is "$(pod_root crun exec one sh -c "$fetch" | words)" 'demo demo demo ' 'L57: and changes nothing'
stay two
ok 'L57: a network without a default route may be connected' pod_root crun network connect inner two
gateway=$(pod_root crun network inspect -f '{{range .Subnets}}{{.Gateway}}{{end}}' inner)
pid=$(pod_root crun inspect -f '{{.State.Pid}}' two)
exec {web}< <(exec "$RIG_DIR/build/rig/webd" -p 8080 neighbour)
neighbour=$!
read -r _ <&$web
bound() { nsenter -n -t "$pid" curl -s -m 2 --interface eth1 "http://$gateway:8080/"; }
is "$(bound)" '' 'L57: but a socket bound to its device sends nothing'
is "$(pod_root crun exec two sh -c "$fetch" | words)" 'demo demo demo ' 'L57: and the rest goes through the VPN'
ports() { ip -n demo -br link show type veth | cut -d@ -f1; }
for p in $(ports); do ip -n demo link del "$p"; done
ok 'L57: the cable cut: unreachable' not pod_root crun exec two wget -qO- "http://$RIG_WEB4/"
is "$(bound)" '' 'L57: and nothing by the other'
is "$($RIG_CAPTURE stop)" 0 'L57: of all that nothing left in the clear'
stay three
pod_root crun network connect inner three
pid=$(pod_root crun inspect -f '{{.State.Pid}}' three)
nsenter -n -t "$pid" nft delete table inet vpnrun
is "$(bound)" neighbour 'L57 danger: which it does without the table'
pod_root crun rm -f -t 0 one two three >/dev/null 2>&1
kill $neighbour

# --- pods ------------------------------------------------------------------------------------------

ok 'a pod in the network' pod_root crun pod create --network invpn --infra-image localhost/plain:1 --infra-command 'sleep 600' --name pod
is "$(run root crun --pod pod plain:1 sh -c "$fetch" | words)" 'demo demo demo ' 'R20: a container of it'
pod_root crun pod rm -f -t 0 pod >/dev/null
for who in root user; do
	"pod_$who" "$W/vpnrun-runtime@demo" pod create --network none --infra-image localhost/plain:1 --infra-command 'sleep 600' --name pod >/dev/null
	is "$(run $who crun --pod pod --annotation vpnrun=demo plain:1 sh -c "$fetch" | words)" 'demo demo demo ' "R20 $who: a pod without a network plugin"
	"pod_$who" crun pod rm -f -t 0 pod >/dev/null
done

ok 'no cable is left' wait_for 5 gone
ok 'oci disable' vpnctl oci disable
finish
