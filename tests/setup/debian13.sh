#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# debian13.sh DIR: makes DIR/root, the userland of a Debian 13 with its container engines, for tests to
# enter (tests/engine/debian13.t): podman 5, netavark with plugins, newer runc, crun and buildah. Unpacked
# and not set up, which takes 20 seconds and needs no /proc; nothing of it runs outside a rig. Made anew
# only when this file changes. Needs root, installs nothing on the machine.
set -eu

packages=(aardvark-dns bash buildah busybox-static conmon coreutils crun curl dash diffutils findutils gawk grep
	hostname iproute2 jq libc-bin libcap2 libjansson4 libmnl0 libnftables1 libseccomp2 mount netavark nftables passt
	perl-base podman procps runc sed sudo tar uidmap util-linux)

die()
{
	echo "debian13: $*" >&2
	exit 1
}

here=$(realpath "${BASH_SOURCE[0]}")
dir=$(realpath -m "${1:?usage: debian13.sh DIR}")
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive LC_ALL=C
key=$(sha256sum <"$here" | cut -c1-16)

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ "$(cat "$dir/key" 2>/dev/null)" != "$key" ] || exit 0
[ "$(id -u)" = 0 ] || die 'the tree is missing or old, and making it needs root'
command -v mmdebstrap >/dev/null || die "needs 'mmdebstrap'"
echo 'debian13: making the tree, half a minute, once' >&2

# The machine's own mirror.
mirror=$(grep -hoE 'https?://[^] ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ ! -e $keyring ] || signed="[signed-by=$keyring]"
rm -rf "$dir/root" "$dir/new"
trap 'rm -rf "$dir/new"' EXIT
# In mounts of its own, so that a killed build leaves none behind.
unshare -m mmdebstrap --quiet --mode=root --variant=extract --include="${packages[*]}" \
	--aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	trixie "$dir/new" "deb ${signed:-} ${mirror:-http://deb.debian.org/debian} trixie main" \
	>"$dir/log" 2>&1 9>&- || { tail -20 "$dir/log" >&2; die 'mmdebstrap failed'; }
mv "$dir/new" "$dir/root"
echo "$key" >"$dir/key"
