#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Containers of podman, by root and by an ordinary user, with runc and with crun, under the hook.
# Images are made here, of busybox; nothing is downloaded. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"
need podman runc crun conmon newuidmap slirp4netns busybox
podman_version=$(podman --version)
podman_version=${podman_version##* }

# --- engines -------------------------------------------------------------------------------------

W=$(dirname "$RIG_DIR")/engine
mkdir -m 755 "$W"
# The directory that podman and others read by themselves, without touching the machine's.
shared=/usr/share/containers/oci/hooks.d
ours=/etc/vpnrun/oci
cp -a /usr/share/containers "$W/share"
rm -rf "$W/share/oci"
mount --bind "$W/share" /usr/share/containers
one_hierarchy
# For --userns=auto of root.
for f in subuid subgid; do echo containers:700000:65536 >>/etc/$f; done
# Newer libraries want to know who that is.
echo containers:x:5999:5999::/:/bin/false >>/etc/passwd
rootfs "$W/fs"
image plain
ln -sf "$W/victim" "$W/fs/etc/resolv.conf"
image evil
printf '{}' >"$W/victim"
image evil2 # the same link, to a file that exists

before=$(mount | wc -l)
files=$(find /tmp -maxdepth 1 -name 'vpnrun*')

# --- where the engines find the hook -------------------------------------------------------------

printf 'FROM localhost/plain:1\nRUN echo built\n' >"$W/Containerfile"
mkdir -m 777 "$W/context"
builds() { pod_root runc build --no-cache --network none "${build_limits[@]}" -f "$W/Containerfile" "$W/context" 2>&1; }
ok 'oci status: not enabled' not vpnctl oci status
like "$(vpnctl oci status)" 'not enabled: sudo vpnctl oci enable' 'and says what to do'
like "$(builds)" built 'podman build, before'
# As former versions enabled it: for whoever reads that directory.
mkdir -p $shared
echo '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"annotations":{"^vpnrun$":".*"}},"stages":["precreate"]}' \
	>$shared/vpnrun-precreate.json
like "$(builds)" 'unknown stage' 'L58 danger: a stage of podman'"'"'s in the shared directory: every build fails'
like "$(vpnctl oci status)" "$shared/vpnrun-precreate.json: of a former version" 'L58: oci status says so'
is "$(find /etc/containers -name '*vpnrun*')" '' 'oci status writes nothing'
mount -o remount,bind,ro /usr/share/containers
like "$(vpnctl oci enable 2>&1)" "$shared/vpnrun-precreate.json: Read-only" 'L58: what cannot be taken away is named'
is "$(find /etc/vpnrun/oci /etc/containers -name '*vpnrun*' 2>/dev/null)" '' 'and nothing is left of the attempt'
mount -o remount,bind,rw /usr/share/containers
printf '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d", # one\n  "%s/own.d"]\n' "$W" >/etc/containers/containers.conf
mkdir "$W/own.d"
ok 'L58: oci enable' vpnctl oci enable
is "$(ls $shared)" '' 'L58: takes what former versions have left away'
like "$(builds)" built 'L58: podman build works, with a RUN'
rm -rf "$W/share/oci"
like "$(builds)" built 'L58: also where the shared directory does not exist'
ok "L58: the drop-in keeps the administrator's own directories" grep -q "\"$W/own.d\"" /etc/containers/containers.conf.d/90-vpnrun.conf
rm -r /etc/containers/containers.conf "$W/own.d"
mount -o remount,bind,ro /usr/share/containers
ok 'L58: oci enable, twice, and with a read-only /usr' vpnctl oci enable
mount -o remount,bind,rw /usr/share/containers
is "$(vpnctl oci status)" 'enabled: podman run --network none --annotation vpnrun=NAME ...' 'oci status: enabled'
ok 'not by a user' not as_user vpnctl oci disable
ok 'oci status of a user' as_user vpnctl oci status
home=$(getent passwd "$RIG_USER" | cut -d: -f6)
as_user mkdir -p "$home/.config/containers"
echo 'engine.x = 1
[engine]
hooks_dir = ["/home/hooks"]' | as_user tee "$home/.config/containers/containers.conf" >/dev/null
like "$(as_user vpnctl oci status)" "$home/.config/containers/containers.conf: hooks_dir is without $ours/" \
	"L58: a user's own list leads elsewhere: said"
as_user rm "$home/.config/containers/containers.conf"

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

# --- the names of the image ----------------------------------------------------------------------

rm "$W/fs/etc/resolv.conf"
printf 'passwd: files extrausers\nhosts: mymachines resolve [!UNAVAIL=return] files\nnetworks: files\n' >"$W/fs/etc/nsswitch.conf"
image names
for rt in runc crun "$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime"; do
	for who in root user; do
		is "$(run $who "$rt" --network none --annotation vpnrun=demo names:1 sh -c 'cat /etc/nsswitch.conf; (echo x >/etc/nsswitch.conf) 2>/dev/null ||
			echo read-only' | tr '\n' '|')" 'passwd: files extrausers|hosts: files dns|networks: files|read-only|' \
			"L07 $who ${rt##*/}: the image's own nsswitch.conf, but for hosts"
	done
done
is "$(find /run/vpnrun "/run/user/$RIG_UID" -maxdepth 1 -name '*nsswitch-*' | wc -l)" 2 'which is kept once for root, and once for the user'
is "$(run root crun --network none --annotation vpnrun=demo plain:1 sh -c 'ls /etc/nsswitch.conf 2>/dev/null')" '' 'an image without one gets none'
# From whatever depth an engine unpacks an image at, that many steps up are the host's root.
ln -sf "../../../../../../../../../../../../../../../..$W/victim" "$W/fs/etc/nsswitch.conf"
image link
mkdir -p "$W/fs$W"
mkfifo "$W/fs$W/victim"
image fifo
is "$(run root crun --network none --annotation vpnrun=demo link:1 echo hello)" hello 'L61 an nsswitch.conf that leads nowhere: nobody waits for it'
is "$(run root crun --network none --annotation vpnrun=demo fifo:1 sh -c "test -p $W/victim && echo hello")" hello \
	'L61 one that is a named pipe: nobody waits for it, or makes another of it'
is "$(grep -l '{}' /run/vpnrun/nsswitch-* 2>/dev/null)" '' 'L61: and no file of the host was read'
rm -r "${W:?}/fs$W" "$W/fs/etc/nsswitch.conf"

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

# The first container of a pod has no annotation of its own: the name of the runtime says it, which
# podman keeps for each container.
ln -s "$wrapper" "$W/vpnrun-runtime@demo"
for who in root user; do
	"pod_$who" "$W/vpnrun-runtime@demo" pod create --network none --infra-image localhost/plain:1 \
		--infra-command 'sleep 600' --name pod >/dev/null
	for c in 1 2; do
		is "$(run $who crun --pod pod --annotation vpnrun=demo plain:1 sh -c "$fetch; ls /sys/class/net" | xargs)" \
			'demo demo demo lo vpn0' "R20 a pod, $who, container $c"
	done
	is "$(ip -n demo -br link show type veth | wc -l)" 1 'by one cable'
	ok 'the pod, restarted' "pod_$who" crun pod restart pod
	is "$(run $who runc --pod pod --annotation vpnrun=demo plain:1 wget -qO- "http://$RIG_NAME/")" demo "R20 $who: is in the VPN again"
	"pod_$who" crun pod rm -f -t 0 pod >/dev/null
done

# --- the image's own word ------------------------------------------------------------------------

# From podman 5 on no image hands its annotations on: there is nothing to refuse, and nothing to allow.
inherits=yes
[ "${podman_version%%.*}" -lt 5 ] || inherits=
printf 'FROM localhost/plain:1\n' >"$W/Containerfile"
for who in root user; do
	"pod_$who" crun build --annotation vpnrun=demo -t self:1 -f "$W/Containerfile" "$W/context" >/dev/null 2>&1
	is "$("pod_$who" crun image inspect -f '{{index .Annotations "vpnrun"}}' self:1)" demo "an image with the annotation, $who"
	for rt in runc crun; do
		out=$(run $who $rt --network none self:1 sh -c "ls /sys/class/net; wget -qO- http://$RIG_WEB4/")
		ok "L56 $who $rt: it gives itself no network" not grep -qE 'vpn0|demo$' <<<"$out"
		[ -n "$inherits" ] || continue
		like "$out" "(exit status 3.*|vpnrun-hook.log|hook.log)" "L56 $who $rt: and where the sentence is, is said"
	done
	is "$(run $who crun --network none --annotation 'vpnrun=demo;policy=default' self:1 wget -qO- "http://$RIG_WEB4/")" demo \
		"L56 $who: the user's own word counts"
	is "$(run $who crun --network none --annotation vpnrun=other self:1 wget -qO- "http://$RIG_WEB4/")" other "L56 $who: for another VPN, too"
	[ -n "$inherits" ] || continue
	# Without the hook.
	like "$(CONTAINERS_CONF=/dev/null run $who "$wrapper" --network none self:1 echo STARTED)" 'no image chooses its own network' \
		"L56 $who: nor by the wrapper runtime"
done
if [ -n "$inherits" ]; then
	like "$(tail -n 1 /run/vpnrun/hook.log)" 'the image itself carries the annotation vpnrun=demo' 'L56: the sentence, in the log'
	like "$(vpnctl oci status)" 'refused lately, by /run/vpnrun/hook.log:.*the image itself carries' 'L61: oci status prints its last lines'
fi
pod_root "$wrapper" build --annotation 'vpnrun=other;policy=none' -t self2:1 -f "$W/Containerfile" "$W/context" >/dev/null 2>&1
is "$(CONTAINERS_CONF=/dev/null run root "$W/vpnrun-runtime@demo" --network none self2:1 sh -c "wget -qO- http://$RIG_WEB4/; $status" | words)" \
	'demo CapBnd: 00000000000404fb NoNewPrivs: 1 Seccomp: 2 ' "L56: the image's word does not go before the runtime's option"
ok 'oci enable --images' vpnctl oci enable --images
is "$(run root crun --network none self:1 wget -qO- "http://$RIG_WEB4/" | grep -x demo)" "${inherits:+demo}" 'L56: where root allows it, an image may say it'
ok 'oci enable' vpnctl oci enable
ok 'L56: and takes it back' not run root crun --network none self:1 wget -qO- "http://$RIG_WEB4/"

# --- what is refused -----------------------------------------------------------------------------

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
refused 'unknown VPN' "VPN 'nosuch' is down" root runc --network none --annotation vpnrun=nosuch "${started[@]}"
refused 'unknown VPN, by its exit code' 'exit code: 5' user crun --network none --annotation vpnrun=nosuch "${started[@]}"
refused 'unknown key' 'exit status 3' root runc --network none --annotation 'vpnrun=demo;polcy=strict' "${started[@]}"
like "$(tail -n 1 /run/vpnrun/hook.log)" "'polcy=strict' is unknown" 'and the log says why'
refused 'unknown key, user' 'exit status 3' user crun --network none --annotation 'vpnrun=demo;' "${started[@]}"
like "$(tail -n 1 "/run/user/$RIG_UID/vpnrun-hook.log")" "'' is unknown" 'and the log of the user says why'
refused 'an annotation without a name' 'exit status 3' root runc --network none --annotation vpnrun= "${started[@]}"
if [ "${podman_version%%.*}" -lt 5 ]; then
	refused 'an option that podman cut off' 'exit status 3' root runc --network none --annotation vpnrun=demo,policy=strict "${started[@]}"
else
	like "$(run root runc --network none --annotation vpnrun=demo,policy=strict plain:1 sh -c "$status" | words)" 'CapBnd: 0000000000000000 ' \
		'an option behind a comma, which podman cuts off no more, is in force'
fi
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
mv "$ours/podman.d/vpnrun-precreate.json" "$W"
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
mv "$W/vpnrun-precreate.json" "$ours/podman.d"

# --- images as they are -----------------------------------------------------------------------------

mkdir -p "$W/outside"
odd() { # odd NAME COMMAND...: an image that the command has changed, in the files of "plain"
	rm -rf "$W/fs"
	rootfs "$W/fs"
	(cd "$W/fs" && "${@:2}")
	image "$1"
}
etc_is_link() { mkdir -p nix/store; mv etc nix/store/etc; ln -s nix/store/etc etc; }
etc_leads_out() { rm -r etc; ln -s "$W/outside" etc; }
resolved() { mkdir -p run; ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf; }
odd etclink etc_is_link
odd etcout etc_leads_out
odd noetc rm -r etc
odd resolved resolved
outside=$(find "$W/outside" /run/systemd /nix 2>/dev/null | sort)
get="wget -qO- http://$RIG_NAME/"
for who in root user; do
	for rt in runc crun; do
		for i in etclink noetc resolved; do
			is "$(run $who $rt --network none --annotation vpnrun=demo $i:1 sh -c "$get")" demo "L61 $who $rt: image $i: names by the VPN"
		done
		like "$(run $who $rt --network none --annotation vpnrun=demo etcout:1 sh -c "$get")" '^Error: .*/etc' \
			"L61 $who $rt: /etc a link to a directory of the host: podman refuses"
		is "$(run $who $rt --network none --read-only --annotation vpnrun=demo resolved:1 sh -c "$get")" demo \
			"L61 $who $rt: a link for resolv.conf and a read-only root"
		is "$(run $who $rt --network none --annotation "vpnrun=demo;dns=$RIG_DNS_DEMO" etclink:1 sh -c "$get; grep -c nameserver /etc/resolv.conf")" \
			$'demo\n1' "L61 $who $rt: /etc a link, and dns="
	done
done
mv "$ours/podman.d/vpnrun-precreate.json" "$W"
for rt in runc crun; do
	for i in etclink noetc resolved; do
		out=$(run root $rt --network none --annotation vpnrun=demo $i:1 sh -c "$get")
		like "$out" '(^demo$|vpnrun-hook)' "L61 root $rt: image $i, no precreate: in the VPN, or refused with a sentence"
	done
done
mv "$W/vpnrun-precreate.json" "$ours/podman.d"
is "$(find "$W/outside" /run/systemd /nix 2>/dev/null | sort)" "$outside" 'L61: nothing of the host was made'

# --- nothing is left -----------------------------------------------------------------------------

ok 'no cable is left' wait_for 5 gone
is "$(find /tmp -maxdepth 1 -name 'vpnrun*')" "$files" 'no file'
is "$(pod_root crun ps -aq)$(pod_user crun ps -aq)" '' 'no container, of those that were refused either'
now=$(mount | wc -l)
ok 'oci disable' vpnctl oci disable
is "$(ls -d $ours /etc/containers/containers.conf.d/*vpnrun* 2>/dev/null)" '' 'takes its files away'
ok "no mount beyond podman's own ($before, $now)" test "$now" -le $((before + 4))
finish
