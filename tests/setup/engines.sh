#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's Docker, containerd and CNI plugins, unpacked and never installed: the packages would start
# daemons that change this machine's network. usage: engines.sh DIR
set -eu
dir=${1:?usage: engines.sh DIR}
packages='docker.io containerd containernetworking-plugins'
# Docker's client is in docker.io, or where apt knows one in a package of its own.
client=docker-cli

if [ -e "$dir/done" ]; then
	exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "engines: no apt-get here: the tests of Docker and containerd are left out" >&2
	exit 1
fi
mkdir -p "$dir"
dir=$(realpath "$dir")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
fetch()
{
	if apt-cache policy $client | grep -v 'Candidate: (none)' | grep -q Candidate:; then
		set -- $client
	fi
	# shellcheck disable=SC2086
	apt-get -q download $packages "$@"
}
if ! { fetch || { apt-get -q update && fetch; }; } >log 2>&1; then
	tail -n 20 log >&2
	echo "engines: apt-get could not download $packages" >&2
	exit 1
fi
for p in *.deb; do dpkg-deb -x "$p" "$dir"; done
for f in dockerd docker containerd containerd-shim-runc-v2 ctr tuning; do
	[ -x "$dir/usr/bin/$f" ] || [ -x "$dir/usr/sbin/$f" ] || [ -x "$dir/usr/lib/cni/$f" ] || {
		echo "engines: $f is in none of $packages" >&2
		exit 1
	}
done
echo "$packages" >"$dir/done"
