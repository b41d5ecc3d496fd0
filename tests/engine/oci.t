#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers of podman, by root and by an ordinary user, with runc and with crun, under the hook.
# Images are made here, of busybox; nothing is downloaded. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman runc crun conmon newuidmap slirp4netns busybox

# --- engines -------------------------------------------------------------------------------------

W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
# The directory that podman reads, without touching the machine's.
hooks=/usr/share/containers/oci/hooks.d
cp -a /usr/share/containers "$W/share"
rm -rf "$W/share/oci"
mount --bind "$W/share" /usr/share/containers
ok 'oci status: not enabled' not vpnctl oci status
like "$(vpnctl oci status)" 'not enabled: sudo vpnctl oci enable' 'and says what to do'
ok 'oci enable' vpnctl oci enable
ok 'oci enable, twice' vpnctl oci enable
is "$(vpnctl oci status)" 'enabled: podman run --network none --annotation vpnrun=NAME ...' 'oci status: enabled'
ok 'not by a user' not as_user vpnctl oci disable
one_hierarchy
# For --userns=auto of root.
for f in subuid subgid; do echo containers:700000:65536 >>/etc/$f; done

options=(--cgroup-manager=cgroupfs --events-backend=file)
pod_root() { # pod_root RUNTIME ARG...: podman as root
	timeout 30 podman --root "$W/root" --runroot "$W/runroot" "${options[@]}" --runtime "$1" "${@:2}" </dev/null
}
pod_as() { # pod_as as_user|as_stranger RUNTIME ARG...
	local uid=$RIG_UID name=$RIG_USER
	[ "$1" = as_user ] || uid=$RIG_STRANGER_UID name=$RIG_STRANGER
	timeout 30 "$1" env -i HOME="$(getent passwd "$name" | cut -d: -f6)" XDG_RUNTIME_DIR="/run/user/$uid" \
		PATH=/usr/bin:/bin:/usr/sbin:/sbin podman "${options[@]}" --runtime "$2" "${@:3}" </dev/null
}
pod_user() { pod_as as_user "$@"; }
run() { # run root|user RUNTIME OPTION... IMAGE CMD...
	local who=$1 rt=$2 limits=()
	shift 2
	# Root of a container's machine may not raise limits either.
	[ "$who" = user ] || limits=(--ulimit nofile=20000:20000 --ulimit nproc=30000:30000)
	"pod_$who" "$rt" run --rm --pull=never "${limits[@]}" "$@" 2>&1
}

image() { # image NAME: of the files in $W/fs
	tar -C "$W/fs" -cf "$W/$1.tar" .
	chmod 644 "$W/$1.tar"
	pod_root runc import "$W/$1.tar" "$1:1" >/dev/null 2>&1
	pod_user runc import "$W/$1.tar" "$1:1" >/dev/null 2>&1
}
rootfs "$W/fs"
image plain
ln -sf "$W/victim" "$W/fs/etc/resolv.conf"
image evil
printf '{}' >"$W/victim"
image evil2 # the same link, to a file that exists

before=$(mount | wc -l)

# --- the main job --------------------------------------------------------------------------------

for who in root user; do
	for rt in runc crun; do
		$RIG_CAPTURE start
		is "$(run $who $rt --network none --annotation vpnrun=demo plain:1 sh -c "$fetch; $status" | words)" \
			'demo demo demo CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' \
			"R20 $who $rt: IPv4, IPv6 and names by the VPN, and the policy"
		is "$($RIG_CAPTURE stop)" 0 "R20 $who $rt: and nothing beside it"
	done
done
is "$(run user crun --network none --userns=keep-id --annotation vpnrun=demo plain:1 sh -c "$fetch")" \
	$'demo\ndemo\ndemo' 'R20 user crun, --userns=keep-id'
is "$(run user runc --network none --userns=auto --annotation vpnrun=other plain:1 sh -c "wget -qO- http://$RIG_NAME/")" \
	other 'R20 user runc, --userns=auto, another VPN'
for rt in runc crun; do
	is "$(run root $rt --network none --userns=auto --annotation vpnrun=demo plain:1 sh -c "$fetch; grep -c 700000 /proc/self/uid_map")" \
		$'demo\ndemo\ndemo\n1' "R20 root $rt, --userns=auto"
done
is "$(run user runc --network none --read-only --annotation vpnrun=demo plain:1 wget -qO- "http://$RIG_NAME/")" demo 'R20 user runc, --read-only'
out=$(run root runc --network none -p 8080:80 --annotation vpnrun=demo plain:1 cat /sys/class/net/vpn0/mtu)
like "$out" 'Port mappings have been discarded' '-p: podman discards it, and says so'
is "${out##*$'\n'}" "$(ip -n demo -o link show demo | grep -oP 'mtu \K\d+')" "the cable's MTU is the tunnel's"
is "$(run root crun --network none --read-only --annotation vpnrun=demo plain:1 sh -c "wget -qO- http://$RIG_NAME/")" \
	demo 'R20 root crun, --read-only'
is "$(run root runc --network none --annotation "vpnrun=demo;ifname=eth0;dns=$RIG_DNS_DEMO" plain:1 sh -c \
	"ls /sys/class/net | grep -v lo; grep -c nameserver /etc/resolv.conf; wget -qO- http://$RIG_NAME/")" \
	$'eth0\n1\ndemo' 'root runc: ifname= and dns='
is "$(run user crun --network none --annotation "vpnrun=demo;dns=$RIG_DNS_DEMO" plain:1 sh -c \
	"grep -c nameserver /etc/resolv.conf; wget -qO- http://$RIG_NAME/")" $'1\ndemo' 'user crun: dns='
is "$(run root crun plain:1 --network none true)" "$(run root crun plain:1 --network none true)" 'no annotation, no hook'

# --- the policy ----------------------------------------------------------------------------------

for rt in runc crun; do
	is "$(run root $rt --network none --annotation 'vpnrun=demo;policy=strict' plain:1 sh -c "$status; $fetch" | words)" \
		'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 demo demo demo ' "$rt: policy=strict: no capability, and works"
done
like "$(run user crun --network none --annotation 'vpnrun=demo;policy=strict' --annotation run.oci.seccomp_bpf_data=BgAAAAAA/38= \
	plain:1 sh -c 'unshare -U true || echo shut')" shut \
	'policy=strict: run.oci.seccomp_bpf_data does not undo it'
is "$(run user runc --network none --security-opt seccomp=unconfined --annotation vpnrun=demo plain:1 sh -c "$status" | words)" \
	'CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' 'seccomp=unconfined is confined by the policy'

# --- while they run ------------------------------------------------------------------------------

long=(run --detach --pull=never --ulimit nofile=20000:20000 --ulimit nproc=30000:30000 --network none)
for v in demo other; do
	ok "a container that stays, in $v" pod_root crun "${long[@]}" --name "$v" --annotation "vpnrun=$v" plain:1 sleep 60
done
for v in demo other; do
	is "$(pod_root crun exec "$v" wget -qO- "http://$RIG_NAME/")" "$v" "R20 two at once: $v, by podman exec"
done
is "$(pod_root crun exec demo sh -c 'grep CapBnd: /proc/self/status' | words)" 'CapBnd: 00000000000404fb ' \
	'podman exec has no more capabilities'
is "$(pod_root crun exec demo sh -c "$status" | words)" 'CapBnd: 00000000000404fb NoNewPrivs: 0 Seccomp: 2 ' \
	'podman exec: the filter, but no no_new_privs: podman does not ask for it'
ok 'a checkpoint is refused' not pod_root crun container checkpoint demo
pod_root crun rm -f -t 0 demo other >/dev/null
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
ok 'podman --runtime vpnrun-runtime' pod_root "$wrapper" "${long[@]}" --name wrapped --annotation vpnrun=other plain:1 sleep 60
is "$(pod_root "$wrapper" exec wrapped sh -c "wget -qO- http://$RIG_NAME/; $status" | words)" \
	'other CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' 'R20 and its exec has all of the policy'
pod_root "$wrapper" rm -f -t 0 wrapped >/dev/null
for who in root user; do
	for rt in runc crun; do
		limits=("${long[@]}")
		[ $who = root ] || limits=(run --detach --pull=never --network none)
		"pod_$who" $rt "${limits[@]}" --name flow --annotation vpnrun=demo plain:1 sh -c "$flow" >/dev/null
		killed_flow "$who $rt" "pod_$who" $rt exec flow
		"pod_$who" $rt rm -f -t 0 flow >/dev/null
	done
done
mkdir -m 777 "$W/share2"
again='wget -qO- '"http://$RIG_WEB4/"' >>/w/came; echo >>/w/came; exit 1'
pod_root runc "${long[@]}" --restart=on-failure:2 --name again -v "$W/share2:/w" --annotation vpnrun=demo plain:1 sh -c "$again" >/dev/null
three() { [ "$(grep -c . "$W/share2/came")" = 3 ]; }
ok '--restart=on-failure: attached three times' wait_for 10 three
is "$(sort -u "$W/share2/came" | xargs)" demo 'each time to the VPN'
pod_root runc rm -f -t 0 again >/dev/null

# --- one namespace for several -------------------------------------------------------------------

printf 'FROM localhost/plain:1\n' >"$W/Containerfile"
for who in root user; do
	# podman annotates a pod's first container by its image alone.
	"pod_$who" crun build --annotation vpnrun=demo -t infra:1 -f "$W/Containerfile" "$W/share2" >/dev/null 2>&1
	"pod_$who" crun pod create --network none --infra-image localhost/infra:1 --infra-command 'sleep 600' --name pod >/dev/null
	for c in 1 2; do
		is "$(run $who crun --pod pod --annotation vpnrun=demo plain:1 sh -c "$fetch; ls /sys/class/net" | xargs)" \
			'demo demo demo lo vpn0' "R20 a pod, $who, container $c"
	done
	is "$(ip -n demo -br link show type veth | wc -l)" 1 'by one cable'
	"pod_$who" crun pod rm -f -t 0 pod >/dev/null
done

# --- what is refused -----------------------------------------------------------------------------

refused() { # refused DESCRIPTION PATTERN root|user RUNTIME ARG...: it does not start
	local what=$1 pattern=$2 out rc
	shift 2
	out=$(run "$@")
	rc=$?
	[[ $rc != 0 && $out != *STARTED* ]] && out="refused: $out"
	like "$out" "^refused: .*$pattern" "$what"
}
started=(plain:1 echo STARTED)
refused 'L30 --network host, root runc' 'own network' root runc --network host --annotation vpnrun=demo "${started[@]}"
refused 'L30 --network host, user crun' 'exit code: 6' user crun --network host --annotation vpnrun=demo "${started[@]}"
refused 'L30 a namespace of another' 'something else' root runc --network ns:/run/netns/other --annotation vpnrun=demo "${started[@]}"
# podman makes the network of these after the hooks.
like "$(run user runc --network slirp4netns --userns=keep-id plain:1 ls /sys/class/net)" tap0 'L30 late networking, without the hook: there is one'
for rt in runc crun; do
	refused "L30 --network bridge --userns=keep-id, user $rt" '(of its own|exit code: 6)' \
		user $rt --network bridge --userns=keep-id --annotation vpnrun=demo "${started[@]}"
	refused "L30 late networking, user $rt" '(of its own|exit code: 6)' \
		user $rt --network slirp4netns --userns=keep-id --annotation vpnrun=demo "${started[@]}"
done
refused 'L30 --userns=auto, late networking, root' 'exit code: 6' root crun --network bridge --userns=auto --annotation vpnrun=demo "${started[@]}"
pod_root crun "${long[@]}" --name base plain:1 sleep 60 >/dev/null
refused 'L30 a namespace of a container without a VPN' 'exit code: 6' root crun --network container:base --annotation vpnrun=demo "${started[@]}"
pod_root crun rm -f -t 0 base >/dev/null
pod_root crun "${long[@]}" --name base --annotation vpnrun=other plain:1 sleep 60 >/dev/null
refused 'L30 a namespace of a container in another VPN' 'exit code: 6' root crun --network container:base --annotation vpnrun=demo "${started[@]}"
pod_root crun rm -f -t 0 base >/dev/null
refused 'unknown VPN' "VPN 'nosuch' is unknown" root runc --network none --annotation vpnrun=nosuch "${started[@]}"
refused 'unknown VPN, by its exit code' 'exit code: 5' user crun --network none --annotation vpnrun=nosuch "${started[@]}"
refused 'unknown key' 'exit status 3' root runc --network none --annotation 'vpnrun=demo;polcy=strict' "${started[@]}"
like "$(tail -n 1 /run/vpnrun/hook.log)" "'polcy=strict' is unknown" 'and the log says why'
refused 'unknown key, user' 'exit status 3' user crun --network none --annotation 'vpnrun=demo;' "${started[@]}"
like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" "'' is unknown" 'and the log of the user says why'
refused 'an annotation without a name' 'exit status 3' root runc --network none --annotation vpnrun= "${started[@]}"
refused 'an option that podman cut off' 'exit status 3' root runc --network none --annotation vpnrun=demo,policy=strict "${started[@]}"
refused 'unknown policy' 'exit status 10' user runc --network none --annotation 'vpnrun=demo;policy=nosuch' "${started[@]}"
sed -i 's/"groups": \["vpnrun"\]/"groups": ["nobody-has-it"]/' /etc/vpnrun/other.json
vpnctl up other >/dev/null 2>&1
refused 'L26 user who may not' 'may not use VPN .other' user runc --network none --annotation vpnrun=other "${started[@]}"
vpnctl down other >/dev/null
refused 'R21 VPN down' "VPN 'other'" user runc --network none --annotation vpnrun=other "${started[@]}"

# --- the image that points out -------------------------------------------------------------------

rm -f "$W/victim"
for who in root user; do
	for rt in runc crun; do
		is "$(run $who $rt --network none --annotation vpnrun=demo evil:1 sh -c "wget -qO- http://$RIG_NAME/")" \
			demo "evil image, $who $rt: names by the VPN"
	done
done
ok 'evil image: the file on the host was not made' test ! -e "$W/victim"
# Without precreate the mount is createContainer's.
mv "$hooks/vpnrun-precreate.json" "$W"
printf untouched >"$W/victim"
chmod 666 "$W/victim"
for who in root user; do
	for rt in runc crun; do
		is "$(run $who $rt --network none --annotation vpnrun=demo evil2:1 sh -c "wget -qO- http://$RIG_NAME/")" \
			demo "evil image, $who $rt, no precreate: names by the VPN"
	done
done
is "$(cat "$W/victim")" untouched 'evil image: the file on the host is as it was'
rm -f "$W/victim"
is "$(run root runc --network none --annotation vpnrun=demo evil:1 sh -c "wget -qO- http://$RIG_NAME/")" demo \
	'evil image, dangling, no precreate'
ok 'nothing was made on the host' test ! -e "$W/victim"
refused 'a policy that cannot be applied' 'not in force' root runc --network none --annotation 'vpnrun=demo;policy=strict' "${started[@]}"
mv "$W/vpnrun-precreate.json" "$hooks"

# --- nothing is left -----------------------------------------------------------------------------

ok 'no cable is left' wait_for 5 gone
is "$(find /tmp -maxdepth 1 -name 'vpnrun*' | wc -l)" 0 'no file'
is "$(pod_root crun ps -aq)$(pod_user crun ps -aq)" '' 'no container, of those that were refused either'
now=$(mount | wc -l)
ok 'oci disable' vpnctl oci disable
is "$(ls $hooks)" '' 'takes its files away'
ok "no mount beyond podman's own ($before, $now)" test "$now" -le $((before + 4))
finish
