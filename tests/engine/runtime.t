#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun-runtime in the place of runc and crun: no engine, no hooks of an engine. Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
# shellcheck source=tests/engine/lib.sh
. "$RIG_DIR/tests/engine/lib.sh"

need runc crun busybox jq
one_hierarchy
wrapper=$RIG_DIR/build/libexec/vpnrun/vpnrun-runtime
B=$(dirname "$RIG_DIR")/bundle
rootfs "$B/rootfs"
ln -s "$B/victim" "$B/rootfs/etc/resolv.conf"
echo untouched >"$B/victim"
cd "$B" || exit 1
runc spec
mv config.json plain.json

# What an engine would have put there: its own names, by a mount.
bundle() { # bundle JQ SCRIPT
	local change=$1
	jq --arg cmd "$2" --arg src "$B/victim" '.process.terminal = false | .process.rlimits = [] | .root.readonly = false
		| .process.args = ["sh", "-c", $cmd]
		| .mounts += [{destination: "/etc/resolv.conf", type: "bind", source: $src, options: ["bind", "ro"]}] |'"$change" \
		plain.json >config.json
}
create() { "$wrapper" --runtime="$1" create --bundle "$B" --pid-file "$B/pid" "$2" >"$B/out" 2>&1 </dev/null; }
fetch="wget -qO- http://$RIG_WEB4/; wget -qO- http://$RIG_NAME/; ls /sys/class/net | grep -vc lo; grep -E 'CapBnd|NoNew' /proc/self/status"
wanted=$'demo\ndemo\n1\nCapBnd:\t0000000000000420\nNoNewPrivs:\t1'
for rt in runc crun; do
	bundle . "$fetch"
	is "$($wrapper --runtime=$rt --vpnrun=demo run t1 2>&1)" "$wanted" "$rt: by --vpnrun="
	bundle '.annotations = {vpnrun: "demo;policy=strict"}' "$fetch"
	is "$($wrapper --runtime=$rt run --bundle "$B" t2 2>&1)" "${wanted/0420/0000}" "$rt: by annotation, policy=strict"
	bundle . 'ls /sys/class/net'
	cp config.json before.json
	is "$($wrapper --runtime=$rt run t3 2>&1)" lo "$rt: without an annotation it is the runtime itself"
	ok 'and nothing is edited' cmp config.json before.json
	bundle '.annotations = {vpnrun: "demo"} | .linux.namespaces |= map(select(.type != "network"))' 'echo STARTED'
	like "$($wrapper --runtime=$rt run t4 2>&1)" "^vpnrun-runtime: .*host's own network" "$rt: the host's network: refused"
	bundle '.annotations = {vpnrun: "demo;nonsense"}' 'echo STARTED'
	like "$($wrapper --runtime=$rt --log "$B/log" --log-format json run t5 2>&1)" unknown "$rt: a wrong annotation: refused"
	like "$(tail -n 1 "$B/log" | jq -r .msg)" unknown 'and the engine finds it in the log'

	# An engine that makes its network between create and start.
	bundle '.annotations = {vpnrun: "demo"}' "$fetch"
	ok "$rt: create" create $rt t6
	ip netns attach late "$(cat "$B/pid")"
	ip link add late0 type veth peer name eth1 netns late
	ip -n late link set eth1 up
	like "$($wrapper --runtime=$rt start t6 2>&1)" 'the network device eth1 into the container: start it with --network none$' "$rt: a second device: not started"
	ip link del late0
	ok "$rt: without it: started" "$wrapper" --runtime=$rt start t6
	$rt delete -f t6
	ip netns del late

	# As it does so: IPv6 off, which takes the addresses away.
	bundle '.annotations = {vpnrun: "demo"}' "wget -qO- http://$RIG_WEB6/"
	ok "$rt: create" create $rt t8
	nsenter -n -t "$(cat "$B/pid")" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	"$wrapper" --runtime=$rt start t8
	ended() { [ "$($rt state t8 | jq -r .status)" = stopped ]; }
	wait_for 10 ended
	is "$(cat "$B/out")" demo "$rt: IPv6 is given back at start"
	$rt delete -f t8

	# What is added to a running container: by the engine's own idea of its capabilities.
	bundle '.annotations = {vpnrun: "demo"}' 'sleep 100'
	ok "$rt: create" create $rt t9
	"$wrapper" --runtime=$rt start t9
	jq '.process | .noNewPrivileges = false | .args = ["grep", "-E", "CapBnd|NoNewPrivs", "/proc/self/status"] | .rlimits = []
		| .capabilities.bounding += ["CAP_SYS_ADMIN"]' plain.json >process.json
	sed -i 's/"terminal": true/"terminal": false/' process.json
	cp process.json process0.json
	like "$($rt exec --process process0.json t9 | xargs)" 'CapBnd: 0000000020200420 NoNewPrivs: 0' "$rt exec: more capabilities than the policy's"
	is "$($wrapper --runtime=$rt exec --process process.json t9 | xargs)" 'CapBnd: 0000000000000420 NoNewPrivs: 1' \
		"$rt exec: the policy's"
	like "$($wrapper --runtime=$rt checkpoint --image-path "$B/image" t9 2>&1)" checkpoint "$rt: checkpoint: refused"
	$rt delete -f t9
	bundle '.annotations = {vpnrun: "demo"}' :
	like "$($wrapper --runtime=$rt restore --bundle "$B" t7 2>&1)" checkpoint "$rt: restore: refused"
done

# --- what is called in a way that is not known ----------------------------------------------------

bundle . 'echo STARTED; ls /sys/class/net'
cp config.json other.json
for rt in runc crun; do
	bundle '.annotations = {vpnrun: "demo"}' "$fetch"
	# Older ones of both do not know it themselves.
	"$wrapper" --runtime=$rt --log-level error run u1 >/dev/null 2>&1
	is "$(jq -r '.hooks.createRuntime | length' config.json)" 1 "L60 $rt: the value of --log-level is not the command"
	bundle '.annotations = {vpnrun: "demo"}' "$fetch"
	is "$($wrapper --runtime=$rt --root="$B/state" run --bundle="$B" u2 2>&1)" "$wanted" "L60 $rt: values behind ="
	while read -r args; do
		# shellcheck disable=SC2086
		like "$(timeout 20 $wrapper --runtime=$rt $args 2>&1)" "^vpnrun-runtime: the (option|command) [^ ]* .*unknown" "L60 $rt $args: refused"
	done <<-X
		--frobnicate error run u3
		--frobnicate run u3
		--frob=run run u3
		run --bun=$B u3
		run --config other.json u3
		run -f other.json u3
		run -b$B u3
		run u3 --bundle $B
		create --frobnicate x u3
		exec --frobnicate x u3 true
		conjure u3
	X
done
is "$($wrapper --runtime=runc --version | head -n 1 | cut -d' ' -f1)" runc 'L60: --version passes'
ln -s "$wrapper" "vpnrun-runtime@demo,policy=strict"
bundle . "$fetch"
is "$("./vpnrun-runtime@demo,policy=strict" run u4 2>&1)" "${wanted/0420/0000}" "the name of the program says the annotation"

# --- volumes whose lookups are the host's -----------------------------------------------------------

auto=$RIG_B/autofs
if [ -x "$auto/usr/sbin/automount" ] && grep -q autofs /proc/filesystems; then
	lib=$(cd "$auto" && echo usr/lib/*-linux-gnu)
	mount -t overlay -o "lowerdir=$auto/$lib:/$lib" overlay "/$lib"
	mkdir -p "$B/auto/vol/net" /run/autofs
	# shellcheck disable=SC2016 # text for a shell elsewhere
	printf '#!/bin/sh\necho "$1" >>%s/auto/asked\nexit 1\n' "$B" >"$B/auto/map"
	chmod 755 "$B/auto/map"
	echo "$B/auto/vol/net program:$B/auto/map" >"$B/auto/master"
	setsid "$auto/usr/sbin/automount" -f -p /run/automount.pid "$B/auto/master" >"$B/auto/log" 2>&1 &
	daemon=$!
	serves() { grep -q "$B/auto/vol/net .* - autofs" /proc/self/mountinfo; }
	ok 'automount(8) serves a directory of the host' wait_for 10 serves
	volume='.mounts += [{destination: "/w", type: "bind", source: "'$B/auto/vol'", options: ["rbind", "rprivate"]}]'
	bundle "$volume" 'ls /w/net/secret 2>&1; true'
	runc run v1 >/dev/null 2>&1
	is "$(cat "$B/auto/asked")" secret 'L52 danger: a container looks something up below it'
	rm "$B/auto/asked"
	for rt in runc crun; do
		bundle '.annotations = {vpnrun: "demo"} | '"$volume" 'ls /w/net/secret 2>&1; ls -d /w/net; touch /w/net/x 2>&1'
		like "$($wrapper --runtime=$rt run v2 2>&1 | xargs)" 'No such file.* /w/net .*Read-only' "L52 $rt: it is empty in the container"
		hooks='.hooks.createRuntime = [{path: "'$(dirname "$wrapper")/vpnrun-hook'", args: ["vpnrun-hook", "createRuntime"]}]'
		bundle '.annotations = {vpnrun: "demo"} | '"$hooks | $volume" 'echo STARTED; ls /w/net/secret'
		like "$($rt run v3 2>&1)" '(exit status 6|exit code: 6)' "L52 $rt: where nobody has covered it: refused"
	done
	ok 'L52: nothing was asked' test ! -e "$B/auto/asked"
	kill $daemon
	wait $daemon 2>/dev/null
elif [ -n "${CI:-}" ]; then
	ok 'L52: automount(8) is there' false
else
	skip 'no automount(8), or no autofs in the kernel' 'L52: volumes whose lookups are the host'"'"'s'
fi

# A pod's namespace: made and plugged beforehand, as Kubernetes' engines do by the CNI plugin.
ip netns add pod
cni() {
	env CNI_COMMAND="$1" CNI_CONTAINERID=pod CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 "$RIG_DIR/build/libexec/vpnrun/cni/vpnrun" \
		<<<'{"cniVersion":"1.0.0","name":"net","type":"vpnrun","vpn":"demo"}'
}
pod='.linux.namespaces |= map(if .type == "network" then .path = "/run/netns/pod" else . end)'
cni ADD >/dev/null
for rt in runc crun; do
	bundle '.annotations = {vpnrun: "demo;ifname=eth0"} | '"$pod" "$fetch"
	is "$($wrapper --runtime=$rt run t12 2>&1)" "$wanted" "R20 $rt: a namespace that the CNI plugin has plugged: joined"
	bundle '.annotations = {vpnrun: "other;ifname=eth0"} | '"$pod" 'echo STARTED'
	like "$($wrapper --runtime=$rt run t13 2>&1)" '(exit status 6|exit code: 6)' "$rt: for another VPN: refused"
	bundle '.annotations = {vpnrun: "demo"} | '"$pod" 'echo STARTED'
	like "$($wrapper --runtime=$rt run t14 2>&1)" '(exit status 6|exit code: 6)' "$rt: by another name: refused"
	ip -n pod link add more type veth peer name more2
	bundle '.annotations = {vpnrun: "demo;ifname=eth0"} | '"$pod" "$fetch"
	is "$($wrapper --runtime=$rt run t16 2>&1)" "${wanted/$'\n1'/$'\n3'}" "L61 $rt: with a device that is down, as tunl0 and sit0 are everywhere: joined"
	ip -n pod link set more up
	bundle '.annotations = {vpnrun: "demo;ifname=eth0"} | '"$pod" 'echo STARTED'
	like "$($wrapper --runtime=$rt run t15 2>&1)" '(exit status 6|exit code: 6)' "L30 $rt: with another device in it: refused"
	ip -n pod link del more
done
cni DEL
ip netns del pod

# --- bad input -----------------------------------------------------------------------------------

hook=$RIG_DIR/build/libexec/vpnrun/vpnrun-hook
state() { jq -nc --argjson pid "$1" --arg b "$B" '{ociVersion: "1.0", id: "x", status: "creating", pid: $pid, bundle: $b, annotations: {vpnrun: "demo"}}'; }
refuses() { # refuses CODE DESCRIPTION [STATE]: one line says why
	local out rc
	out=$(timeout 15 "$hook" createRuntime <<<"${3-$(state $other)}" 2>&1)
	rc=$?
	is "$rc $(wc -l <<<"$out") $(grep -cE '^vpnrun-hook: [a-zA-Z/].* .*' <<<"$out")" "$1 1 1" "createRuntime refuses $2"
}
unshare -n sleep 600 &
other=$!
elsewhere() { [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
wait_for 5 elsewhere
bundle '.annotations = {vpnrun: "demo"}' :
cp config.json good.json
(unshare -n sh -c 'echo $$ >zombie; exit' & exec sleep 600) &
zombies=$!
dead() { grep -q '^State:.Z' "/proc/$(cat zombie)/status"; }
ok 'a process that has ended and is not yet reaped' wait_for 5 dead
for pid in 0 -1 1.5 '"7"' null '[]' 99999999999 4194303 "$(cat zombie)"; do refuses 1 "pid $pid" "$(state "$pid")"; done
refuses 6 "the host's own namespace" "$(state $$)"
kill $zombies
for edit in '.linux.namespaces = {}' '.linux.namespaces = "network"' '.linux.namespaces = [1, [], null]' '.linux = 7' \
	'.linux.namespaces |= map(if .type == "network" then .type = 7 else . end)' 'del(.linux)' '.linux.netDevices = {eth0: {}}'; do
	jq "$edit" good.json >config.json
	refuses 6 "$edit"
done
head -c 300 good.json >config.json
refuses 4 'a configuration that is cut off'
{ cat good.json && head -c 5000000 /dev/zero | tr '\0' ' '; } >config.json
refuses 4 'a huge one'
rm config.json
refuses 4 'none'
ln -s config.json config.json
refuses 4 'a link to itself'
rm config.json
# The wrapper writes: never through a link.
cp good.json target.json
cp good.json target0.json
ln -s target.json config.json
like "$($wrapper --runtime=runc --vpnrun=demo run t10 2>&1)" 'cannot change' 'a configuration that is a link: refused'
ok 'and not written through' cmp target.json target0.json
rm config.json
mv rootfs real
ln -s real rootfs
bundle '.annotations = {vpnrun: "demo"}' "wget -qO- http://$RIG_NAME/"
for rt in runc crun; do
	like "$($wrapper --runtime=$rt run t11 2>&1)" '^(demo|.*rootfs.*)$' "$rt: a root file system that is a link"
done
kill $other
wait $other $zombies 2>/dev/null
is "$(cat "$B/victim")" untouched 'the file on the host is as it was'
none() { [ "$(ip -n demo -br link show type veth | wc -l)" = 0 ]; }
ok 'no cable is left' wait_for 5 none
finish
