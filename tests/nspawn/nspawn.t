#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun on a system with systemd: a container is booted on this kernel, inside the rig, so that its
# network, its VPNs and all its processes are the rig's and go with it. Outside the rig there is only
# a control group for this run, since systemd-nspawn makes its own below the caller's.
# NSPAWN_BOOT boots something else than tests/nspawn/boot does, NSPAWN_IMAGES/root-systemd.sqfs (tests/packages).
# Without systemd-nspawn or the image this fails, or with NSPAWN_OPTIONAL=1 says why and is skipped.
set -u
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
tree=$(realpath "$here/../..")
B=$(realpath -m "${B:-$tree/build}")
export B

missing()
{
	if [ "${NSPAWN_OPTIONAL:-}" = 1 ]; then
		echo "1..0 # SKIP $*"
		exit 0
	fi
	echo "Bail out! $*"
	exit 1
}
[ "$(id -u)" = 0 ] || missing "needs root"
command -v systemd-nspawn >/dev/null || missing "systemd-nspawn is not installed (systemd-container)"
[ -e "${NSPAWN_IMAGES:-$B/vm}/key-systemd" ] || missing "no image in ${NSPAWN_IMAGES:-$B/vm}: make nspawn-image, as root"

# Where this process is in each hierarchy that systemd looks at, to come back to.
groups=() homes=()
for h in /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
	[ ! -e $h/cgroup.procs ] || groups+=("$h/vpnrun-check-$$")
done
# What a killed run left: empty, since its processes were the rig's.
for g in /sys/fs/cgroup/{,unified/,systemd/}vpnrun-check-*; do
	[ ! -d "$g" ] || [ -d "/proc/${g##*-}" ] || find "$g" -depth -type d -exec rmdir {} + 2>/dev/null
done
[ ${#groups[@]} -gt 0 ] || groups=("/sys/fs/cgroup/vpnrun-check-$$")
for g in "${groups[@]}"; do
	mkdir "$g" || missing "no control group of its own can be made in ${g%/*}"
	homes+=("${g%/*}")
done
# shellcheck disable=SC2317 # the trap calls it
clean_up()
{
	local i n

	for i in "${!groups[@]}"; do
		echo $$ >"${homes[i]}/cgroup.procs"
		# What the rig's end has killed is gone a moment later.
		for ((n = 0; n < 200; n++)); do
			find "${groups[i]}" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -d "${groups[i]}" ] || break
			sleep 0.05
		done
	done
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP
for g in "${groups[@]}"; do
	echo $$ >"$g/cgroup.procs"
done
bound=(setpriv --pdeathsig KILL --)
"${bound[@]}" timeout --foreground -s TERM -k 20 "${NSPAWN_TIMEOUT:-300}" \
	"${bound[@]}" "$tree/tests/rig/rig" run --no-up --no-broker -- "${NSPAWN_BOOT:-$here/boot}"
