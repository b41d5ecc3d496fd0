#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun-hook on its own: what it refuses of an engine's words, and what it makes of a configuration.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib.sh
. tests/lib.sh
B=${B:-build}
hook=${VPNCTL:-$B/bin/vpnctl}
hook=${hook%/bin/vpnctl}/libexec/vpnrun/vpnrun-hook
command -v jq >/dev/null || {
	echo '1..0 # SKIP jq is not installed'
	exit 0
}

exits() { # exits CODE STAGE TEXT DESCRIPTION
	local out rc
	out=$("$hook" "$2" 2>&1 < <(printf '%s' "$3"))
	rc=$?
	is "$rc" "$1" "$4"
	[ "$1" = 0 ] || like "$out" $'^[^\n]+$' "$4: one line"
}
spec() { printf '{"annotations":{"vpnrun":"%s"}}' "$1"; }

for stage in precreate createRuntime prestart createContainer; do
	exits 4 $stage '' "$stage: nothing"
	exits 4 $stage '{"annotations":{"vpnrun":"de' "$stage: cut off"
	exits 4 $stage '[]' "$stage: no object"
	exits 4 $stage '{"annotations":{"vpnrun":"a","vpnrun":"b"}}' "$stage: a key twice"
	exits 3 $stage '{"annotations":{"vpnrun":7}}' "$stage: an annotation that is no text"
	exits 3 $stage '{"annotations":[]}' "$stage: annotations that are none"
	exits 3 $stage '{}' "$stage: no annotation"
done
exits 4 precreate "$(printf '[%.0s' {1..100000})" 'deeply nested'
rc=$(head -c 5000000 /dev/zero | tr '\0' ' ' | "$hook" precreate >/dev/null 2>&1; echo $?)
is "$rc" 4 'huge'
for bad in '' ';' 'demo;' 'demo;;policy=none' ';demo' '../x' 'de mo' 'none' 'demo;policy' 'demo;policy=' 'demo;policy=../x' \
	'demo;policy=strict;policy=none' 'demo;dns=' 'demo;dns=example.org' 'demo;ifname=lo' 'demo;ifname=a/b' \
	'demo;ifname=abcdefghijklmnop' 'demo;Policy=strict' 'demo policy=strict' 'demo;dns=1.1.1.1 '; do
	exits 3 precreate "$(spec "$bad")" "annotation '$bad'"
done
exits 3 precreate '{"annotations":{"vpnrun":"demo","policy":"strict"}}' 'an option that the engine cut off'
for bad in lan= lan=yes lan publish=80 publish=x:1:2 publish=1:2/sctp reach= reach=1.2.3.4:53 'reach=[::1]:853' expose=0 expose=natpmp/udp \
	'expose=1;expose=2;expose=3;expose=4;expose=5' publish=web: publish=web:0 publish=web:80:80 publish=web:80/tcp \
	publish=web:80/udp/x publish=nas.lan:80:80 reach=web:65536 reach=web:53 reach=web:853 reach=localhost:80 reach=LocalHost:80 \
	reach=1web:80 reach=we.b:80 'reach=we b:80' publish=80:web:80 reach=0:web:80 reach=80:web: reach=80:1web:80 reach=800000:web:80 "reach=$(printf 'a%.0s' {1..64}):80" \
	"reach=a:1$(printf ';reach=b%s:1' {1..16})"; do
	exits 3 precreate "$(spec "demo;$bad")" "R86 R87 annotation 'demo;$bad'"
done
exits 3 precreate '{"annotations":{"vpnrun":"demo","publish":"1:2"}}' 'R87 a port that the engine cut off'
exits 4 precreate "$(spec demo)" 'no process, no linux'
bundle=$(mktemp -d)
echo '{"linux":{"namespaces":[{"type":"network"}]}}' >"$bundle/config.json"
asks() { printf '{"annotations":{"vpnrun":"nosuch;%s"},"pid":1,"bundle":"%s"}' "$1" "$bundle"; }
exits 10 createRuntime "$(asks expose=natpmp)" 'R87 a container that was not told of the forwarded port'
exits 5 createRuntime "$(asks publish=1:2)" 'R87 control: ports where the network is the host'"'"'s: the VPN is looked for'
if unshare -Urn true 2>/dev/null; then
	like "$(asks publish=1:2 | unshare -Urn "$hook" createRuntime 2>&1)" 'in one of its own' \
		'R87 an engine in a network of its own: ports would be nowhere'
fi
rm -r "$bundle"
exits 4 createRuntime '{"annotations":{"vpnrun":"demo"},"pid":1,"bundle":"/nonexistent"}' 'no bundle'
exits 1 createContainer '{"annotations":{"vpnrun":"demo"},"root":"/"}' "the host's own root"
like "$(printf '{"annotations":{"vpnrun":"demo"},"root":"/"}' | "$hook" createContainer 2>&1)" \
	'does not say where the container.s root file system is' "the host's own root: refused for that reason"
ok 'no such stage' test "$("$hook" poststop </dev/null >/dev/null 2>&1; echo $?)" = 2

# In mounts of its own: an image is a directory, and a name server of one's own needs no VPN.
image=$(mktemp -d)
create() { # create COMMAND: what the hook says, then what COMMAND sees
	printf '{"annotations":{"vpnrun":"demo;dns=192.0.2.53"},"root":"%s"}' "$image/root" >"$image/state"
	unshare -m --propagation private sh -c '"$1" createContainer <"$2/state"; cd "$2"; eval "$3"' - "$hook" "$image" "$1" 2>&1
}
anew() { rm -rf "$image/root"; mkdir -p "$image/root/etc" "$image/root/lib"; echo theirs >"$image/victim"; }
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	anew
	echo image >"$image/root/etc/resolv.conf"
	like "$(create 'cat root/etc/resolv.conf')" 'nameserver 192.0.2.53' "L61: the container has its own name server"
	is "$(create 'echo bad >root/etc/resolv.conf; grep -c bad root/etc/resolv.conf' | tail -n 1)" 0 'L61: which cannot be written from inside'
	is "$(cat "$image/root/etc/resolv.conf")" image "L61: the image's own file is as it was"
	for to in "$image/victim" ../../victim ../../../../../../..$image/victim /proc/self/root$image/victim; do
		anew
		ln -s "$to" "$image/root/etc/resolv.conf"
		is "$(create 'grep -c 192.0.2.53 root/etc/resolv.conf victim' | xargs)" 'root/etc/resolv.conf:1 victim:0' \
			"L61: a link that leads out of the image ($(basename "$(dirname "$to")")): the host's file is not touched"
	done
	anew
	echo in >"$image/root/lib/r"
	ln -s ../lib/r "$image/root/etc/resolv.conf"
	is "$(create 'grep -c 192.0.2.53 root/lib/r')" 1 'L61: a link within it is followed'
else
	skip 'needs root' "L61: what createContainer makes of an image's resolv.conf"
fi
rm -rf "$image"

config() { # config SPEC SECCOMP [MORE]
	local seccomp=,\"seccomp\":$2
	[ "$2" != null ] || seccomp=
	printf '{"ociVersion":"1.0.2","annotations":{"vpnrun":"%s","run.oci.seccomp_bpf_data":"x","other":"y"},%s,"linux":{"namespaces":[]%s}%s}' "$1" \
		'"process":{"capabilities":{"bounding":["CAP_CHOWN","CAP_SYS_ADMIN"],"effective":["CAP_SYS_ADMIN"]}}' "$seccomp" "${3:-}"
}
edited() { config "$@" | "$hook" precreate; }
engines='{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","setns","keyctl","mount","socket"],"action":"SCMP_ACT_ALLOW"},
	{"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]}]}'
got=$(edited demo "$engines")
is "$(jq -c .annotations <<<"$got")" '{"vpnrun":"demo","other":"y"}' 'annotations of crun are gone, others stay'
is "$(jq -c '[.process.noNewPrivileges, .process.capabilities]' <<<"$got")" '[true,{"bounding":["CAP_CHOWN"],"effective":[]}]' \
	'capabilities and no_new_privs'
allowed() { jq -c '[.linux.seccomp.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]] | unique' <<<"$1"; }
is "$(allowed "$got")" '["mount","personality","read","socket"]' 'default: what the policy denies is in no list'
is "$(jq -c '[.linux.seccomp.syscalls[] | select(.names == ["socket"]) | [.args[].value]]' <<<"$got")" \
	'[[1],[2],[10],[16,0],[16,4],[16,15]]' 'default: sockets by family'
got=$(edited 'demo;policy=strict' "$engines")
is "$(allowed "$got")" '["personality","read","socket"]' 'strict: what both allow'
is "$(jq -c '[.linux.seccomp.syscalls[] | select(.names == ["personality"]) | .args]' <<<"$got")" \
	'[[{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]]' 'strict: by the conditions of both'
got=$(edited 'demo;policy=strict' '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["socket"],"action":"SCMP_ACT_ALLOW",
	"args":[{"index":0,"value":16,"op":"SCMP_CMP_NE"}]}]}')
is "$(jq -c '[.linux.seccomp.syscalls[] | [.args[].value]]' <<<"$got")" '[[1],[2],[10]]' 'strict: conditions that exclude each other are no rule'
got=$(edited demo null)
is "$(jq -r .linux.seccomp.defaultAction <<<"$got")" SCMP_ACT_ALLOW "no filter of the engine's: the policy's"
ok 'with its denials' jq -e '[.linux.seccomp.syscalls[].names[]] | index("setns")' <<<"$got"
got=$(edited demo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["setns"],"action":"SCMP_ACT_ALLOW"}]}')
is "$(jq -c '[.linux.seccomp.syscalls[] | select(.names | index("setns")) | .action]' <<<"$got")" '["SCMP_ACT_ERRNO"]' \
	"an engine's filter that allows by default gets the denials"
# Containers by name: a copy of the engine's /etc/hosts, beside it.
own=$(mktemp -d)
mkdir "$own/c" "$own/volume"
for f in c/hosts c/hostname volume/hosts; do echo "192.0.2.1 of-$f" >"$own/$f"; done
shut=("$hook") # where a mistake would write into the machine's /etc
[ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null ||
	shut=(unshare -m --propagation private sh -c 'mount --bind /etc /etc && mount -o remount,bind,ro /etc && exec "$@"' - "$hook")
reaching() { # reaching SPEC HOSTS [HOSTNAME]: the configuration, or the sentence
	config "$1" null ",\"hostname\":\"${hostname:-box-1}\",\"mounts\":[{\"destination\":\"/etc/hosts\",\"source\":\"$2\"},
		{\"destination\":\"/etc/hostname\",\"source\":\"${3:-$own/c/hostname}\"}]" | "${shut[@]}" precreate 2>&1
}
got=$(reaching 'demo;reach=qbittorrent:8080;reach=81:Web-2:80/udp;reach=9000' "$own/c/hosts")
is "$(jq -r '.mounts[0].source' <<<"$got")" "$own/c/vpnrun-hosts" "R87 reach=NAME:PORT: a file beside the engine's"
is "$(cat "$own/c/vpnrun-hosts")" "$(printf '%s\n' $'127.98.247.106\tqbittorrent' $'127.119.185.108\tweb-2' '192.0.2.1 of-c/hosts')" \
	'R87: with the names, by the addresses that every version gives them, and what the engine says'
is "$(cat "$own/c/hosts")" '192.0.2.1 of-c/hosts' "R87: the engine's own is as it was"
mv "$own/c/hosts" "$own/hosts"
: >"$own/c/hosts" # as podman leaves it until the container has been made
reaching 'demo;reach=web:80' "$own/c/hosts" >/dev/null
is "$(tail -n +2 "$own/c/vpnrun-hosts")" $'127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.0.1\tbox-1' \
	"R87: the engine's is empty yet: localhost and the container's own name are there"
hostname='two lines' reaching 'demo;reach=web:80' "$own/c/hosts" >/dev/null
is "$(tail -n +2 "$own/c/vpnrun-hosts")" $'127.0.0.1\tlocalhost\n::1\tlocalhost' 'R87: a name that is none of a host is left out'
mv "$own/hosts" "$own/c/hosts"
is "$(reaching 'demo;reach=9000;publish=web:80' "$own/c/hosts" | jq -r '.mounts[0].source')" "$own/c/hosts" 'R87 control: without a name, the same mount'
for f in "$own/volume/hosts" /etc/hosts hosts; do
	like "$(reaching 'demo;reach=web:80' "$f")" "reach=web:PORT: the name has no place in the container's /etc/hosts" \
		"R87 L61: /etc/hosts is a volume, ${f##"$own"/}: refused"
done
like "$(reaching 'demo;reach=web:80' /etc/hosts /etc/hostname)" 'has no place' "R87 L61: both of the host's: refused"
like "$(edited 'demo;reach=web:80' null 2>&1)" 'has no place' 'R87: none at all: refused'
is "$(find "$own/volume" /etc/vpnrun-hosts -type f 2>/dev/null)" "$own/volume/hosts" 'R87 L61: and nothing was written beside it'
echo '{"linux":{"namespaces":[{"type":"network"}]},"mounts":[{"destination":"/etc/hosts","source":"'"$own"'/c/hosts"}]}' >"$own/config.json"
exits 10 createRuntime '{"annotations":{"vpnrun":"nosuch;reach=web:80"},"pid":1,"bundle":"'"$own"'"}' 'R87 an engine without precreate: refused'
rm -r "$own"

is "$(edited 'demo;policy=none' "$engines" | jq -c '[.process.noNewPrivileges, .linux.seccomp == '"$engines"']')" '[null,true]' \
	'policy=none leaves both'
finish
