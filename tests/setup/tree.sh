#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tree.sh SUITE DIR [PACKAGE...]: makes DIR/root, the userland of that Debian (trixie, sid) with its container
# engines, for tests to enter (tests/engine/enter): podman 5, netavark with plugins, newer Docker, containerd, runc,
# crun and buildah; or with those packages instead. Unpacked and not set up, which takes a minute and needs no /proc.
# Made anew only when this file or the list changes. Needs root, installs nothing on the machine.
set -eu

packages=(aardvark-dns bash buildah busybox-static catatonit conmon containerd containernetworking-plugins coreutils criu crun curl
	dash diffutils distrobox docker-cli docker-compose docker.io findutils gawk grep hostname iproute2 jq libc-bin libcap2 libcap2-bin
	libjansson4 libmnl0 libnftables1 libseccomp2 mount netavark nftables passt perl-base podman procps rootlesskit
	runc sed slirp4netns sudo tar uidmap util-linux wireguard-go wireguard-tools)

die()
{
	echo "tree: $*" >&2
	exit 1
}

here=$(realpath "${BASH_SOURCE[0]}")
suite=${1:?usage: tree.sh SUITE DIR [PACKAGE...]}
dir=$(realpath -m "${2:?usage: tree.sh SUITE DIR [PACKAGE...]}")
shift 2
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive LC_ALL=C
case $suite in
trixie) ;;
sid) packages+=(golang-go golang-github-appc-cni-dev) ;; # for libcni.sh
*) die "no suite '$suite': trixie or sid" ;;
esac
[ $# = 0 ] || packages=("$@")
key="$suite $* $(sha256sum <"$here" | cut -c1-16)"

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
[ "$(cat "$dir/key" 2>/dev/null)" != "$key" ] || exit 0
[ "$(id -u)" = 0 ] || die 'the tree is missing or old, and making it needs root'
command -v mmdebstrap >/dev/null || die "needs 'mmdebstrap'"
echo "tree: making that of $suite${*:+ with $*}, a minute, once" >&2

# The machine's own mirror.
mirror=$(grep -hoE 'https?://[^] ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ ! -e $keyring ] || signed="[signed-by=$keyring]"
rm -rf "$dir/root" "$dir/new"
trap 'rm -rf "$dir/new"' EXIT
# In mounts of its own, so that a killed build leaves none behind. A snapshot's date may be past.
unshare -m mmdebstrap --quiet --mode=root --variant=extract --include="${packages[*]}" \
	--aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
	--aptopt='Acquire::Retries "3"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" "$dir/new" "deb ${signed:-} ${mirror:-http://deb.debian.org/debian} $suite main" \
	>"$dir/log" 2>&1 9>&- || { tail -20 "$dir/log" >&2; die 'mmdebstrap failed'; }
mv "$dir/new" "$dir/root"
echo "$key" >"$dir/key"
