# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2317
# What the tests of the engines share. Sourced after tests/lib.sh, in the rig.

# SUITE: with the userland of that Debian as /, and its engines.
if [ -n "${SUITE:-}" ] && [ -z "${ENTERED:-}" ]; then
	if [ ! -d "$RIG_DIR/build/$SUITE/root" ]; then
		[ -z "${CI:-}" ] || { echo "not ok 1 - the tree of Debian $SUITE could not be made"; echo 1..1; exit 1; }
		echo "1..0 # SKIP no tree: tests/setup/tree.sh $SUITE build/$SUITE, as root, with mmdebstrap"
		exit 0
	fi
	exec "$RIG_DIR/tests/engine/enter" "$RIG_DIR/build/$SUITE/root" "$RIG_DIR/tests/engine/$(basename "$0")"
fi
engines=$RIG_DIR/build/engines/usr # see tests/setup/engines.sh
[ -z "${ENTERED:-}" ] || engines=/usr
export PODMAN_IGNORE_CGROUPSV1_WARNING=1

need() { # need TOOL...: the test needs them all
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || {
			echo "1..0 # SKIP needs $tool: tests/setup/deps engine, tests/setup/engines.sh build/engines"
			exit 0
		}
	done
}

# crun does not take a hierarchy of both kinds; what lies below the second is the machine's.
one_hierarchy() {
	! mountpoint -q /sys/fs/cgroup/unified ||
		{ umount /sys/fs/cgroup/unified && mount -t tmpfs none /sys/fs/cgroup/unified; }
}

rootfs() { # rootfs DIR: a system of busybox alone
	local a busybox=/bin/busybox
	[ -x $busybox ] || busybox=/usr/bin/busybox
	mkdir -p "$1"/{bin,etc,tmp,proc,sys,dev}
	cp $busybox "$1/bin/busybox"
	for a in sh wget cat ls id grep true ip mount unshare sleep touch echo nc; do ln -s busybox "$1/bin/$a"; done
	echo 'root:x:0:0::/:/bin/sh' >"$1/etc/passwd"
}

# What a container runs: the three ways out, one line each; then what it may.
fetch="for u in http://$RIG_WEB4/ http://$RIG_WEB6/ http://$RIG_NAME/; do wget -qO- \$u; done"
status='grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status'
# A flow that stays, and when it breaks one attempt after another.
flow="wget -qO- http://$RIG_WEB4/stream >/tmp/flow; while :; do wget -qO /tmp/again http://$RIG_WEB4/; done"
words() { tr -s '\t\n' '  '; }

cables() { ip -n demo -br link show type veth | wc -l; }
gone() { [ "$(cables)" = 0 ]; }

# Some engines lose the last words of a command that ends at once. Without any it is asked again.
said() {
	local out _
	for _ in 1 2 3; do
		out=$("$@" 2>&1)
		[ -z "$out" ] || break
	done
	printf '%s' "$out"
}

# killed_flow DESCRIPTION COMMAND...: COMMAND enters a container that runs $flow, in `demo`. The
# tunnel is killed under it: nothing beside it, refused at once, and it goes on when the VPN is back.
killed_flow() {
	local what=$1
	shift
	# shellcheck disable=SC2016 # the container's own
	flows() { [ "$("$@" sh -c 'grep -c . /tmp/flow')" -gt 2 ]; }
	$RIG_CAPTURE start
	ok "$what: a flow" wait_for 10 flows "$@"
	in_vpn demo ip link del demo
	vpnctl down demo >/dev/null 2>&1 # or it is made anew
	like "$(said "$@" wget -qO- "http://$RIG_WEB4/")" refused "R21 L01 $what: the tunnel killed mid-flow: refused at once"
	like "$(said "$@" wget -qO- "http://$RIG_NAME/")" 'bad address' "L01 $what: and no name"
	is "$($RIG_CAPTURE stop)" 0 "R21 L01 $what: nothing went beside it"
	vpnctl up demo >/dev/null 2>&1
	is "$("$@" wget -qO- "http://$RIG_WEB4/")" demo "$what: VPN up again: the same container goes on"
}

# No file of the machine's cgroup hierarchies stays behind: remove_cgroups NAME
remove_cgroups() {
	! mountpoint -q /sys/fs/cgroup/unified || umount -l /sys/fs/cgroup/unified
	find /sys/fs/cgroup -mindepth 2 -depth -type d -path "/sys/fs/cgroup/*/$1*" -exec rmdir {} + 2>/dev/null
}

# --- podman, with $W a directory of the test's own -------------------------------------------------

options=(--cgroup-manager=cgroupfs --events-backend=file)
# Root of a container's machine may not raise limits either.
limits_root=(--ulimit nofile=20000:20000 --ulimit nproc=30000:30000)
build_limits=("${limits_root[@]}")
pod_root() { # pod_root RUNTIME ARG...: podman as root
	timeout 30 podman --root "$W/root" --runroot "$W/runroot" "${options[@]}" --runtime "$1" "${@:2}" </dev/null
}
pod_as() { # pod_as as_user|as_stranger RUNTIME ARG...
	local uid=$RIG_UID name=$RIG_USER
	[ "$1" = as_user ] || uid=$RIG_STRANGER_UID name=$RIG_STRANGER
	timeout 30 "$1" env -i HOME="$(getent passwd "$name" | cut -d: -f6)" XDG_RUNTIME_DIR="/run/user/$uid" \
		PODMAN_IGNORE_CGROUPSV1_WARNING=1 ${CONTAINERS_CONF:+CONTAINERS_CONF="$CONTAINERS_CONF"} \
		PATH=/usr/bin:/bin:/usr/sbin:/sbin podman "${options[@]}" --runtime "$2" "${@:3}" </dev/null
}
pod_user() { pod_as as_user "$@"; }
run() { # run root|user RUNTIME OPTION... IMAGE CMD...
	local who=$1 rt=$2 limits=()
	shift 2
	[ "$who" = user ] || limits=("${limits_root[@]}")
	"pod_$who" "$rt" run --rm --pull=never "${limits[@]}" "$@" 2>&1
}

image() { # image NAME: of the files in $W/fs
	tar -C "$W/fs" -cf "$W/$1.tar" .
	chmod 644 "$W/$1.tar"
	pod_root runc import "$W/$1.tar" "$1:1" >/dev/null 2>&1
	pod_user runc import "$W/$1.tar" "$1:1" >/dev/null 2>&1
}

refused() { # refused DESCRIPTION PATTERN root|user RUNTIME ARG...: it does not start
	local what=$1 pattern=$2 out rc
	shift 2
	out=$(run "$@")
	rc=$?
	[[ $rc != 0 && $out != *STARTED* ]] && out="refused: $out"
	like "$out" "^refused: .*$pattern" "$what"
}
