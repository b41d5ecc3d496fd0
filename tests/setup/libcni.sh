#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# libcni.sh DIR [ROOT]: builds tests/engine/libcni as DIR/libcni from Go and libcni as Debian packs them: the
# machine's, or those of a tree (tree.sh) below ROOT. Made anew only when one of the three changes.
set -eu
dir=${1:?usage: libcni.sh DIR [ROOT]}
root=${2:+$(realpath "$2")}
here=$(dirname "$(realpath "$0")")/../engine/libcni
lib=$root/usr/share/gocode/src/github.com/containernetworking/cni/libcni/api.go

die()
{
	echo "libcni: $*" >&2
	exit 1
}

for go in "$root"/usr/lib/go-[0-9]*; do :; done
[ -x "$go/bin/go" ] || die "no Go in ${root:-/}: tests/setup/deps engine"
[ -e "$lib" ] || die "no libcni in ${root:-/}: tests/setup/deps engine"
key="$("$go/bin/go" version) $(cat "$here"/*.go "$lib" | sha256sum | cut -c1-16)"
[ "$(cat "$dir/key" 2>/dev/null)" != "$key" ] || exit 0
mkdir -p "$dir"
dir=$(realpath "$dir")
! grep -q ' GCNetworkList(' "$lib" || tags=gc_status
cd "$here"
# Nothing is fetched: all that it needs are these sources and Go's own library.
GOROOT=$go GOPATH=$root/usr/share/gocode GO111MODULE=off GOFLAGS='' GOTOOLCHAIN=local CGO_ENABLED=0 \
	GOCACHE=$dir/cache "$go/bin/go" build -tags "${tags:-}" -o "$dir/libcni" . || die 'it does not build'
rm -rf "$dir/cache"
echo "$key" >"$dir/key"
