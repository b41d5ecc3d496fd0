#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh DIR [SUITE]: makes DIR/root-systemd.sqfs, the system that check-nspawn and check-system boot: Debian
# with systemd, resolved, networkd, nscd, AppArmor and what vpnrun links, from the machine's own package
# sources, or that SUITE from its mirror. Made anew only when this file changes. Needs root, installs nothing. vpnrun itself is put on
# top at each start.
set -eu

packages=(apparmor bash curl dbus dbus-user-session iproute2 iputils-ping kmod libcap2-bin libjansson4 libmnl0 libnftables1
	libnss-resolve libpam-systemd libseccomp2 make nftables nscd passwd procps systemd-resolved systemd-sysv udev
	util-linux wireguard-go)

die()
{
	echo "nspawn: $*" >&2
	exit 1
}

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
dir=$(realpath -m "${1:?usage: build.sh DIR [SUITE]}")
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive LC_ALL=C
key=$(sha256sum <"$here/build.sh" | cut -c1-16)

mkdir -p "$dir"
exec 9>"$dir/lock-systemd"
flock 9
[ "$(cat "$dir/key-systemd" 2>/dev/null)" != "$key" ] || exit 0
[ "$(id -u)" = 0 ] || die "the system's image is missing or old, and making it needs root"
for tool in mmdebstrap mksquashfs; do
	command -v $tool >/dev/null || die "needs '$tool': packages mmdebstrap, squashfs-tools"
done
own=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)
suite=${2:-$own}
echo "nspawn: making the system ($suite), half a minute, once" >&2

work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
mapfile -t sources < <(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
	/etc/apt/sources.list.d/*.sources 2>/dev/null)
if [ "$suite" != "$own" ]; then
	mirror=$(grep -hoE 'https?://[^] ]+/debian/?( |$)' "${sources[@]}" | head -n 1)
	sources=("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main")
fi
# In mounts of its own, so that a killed build leaves none behind.
unshare -m mmdebstrap --quiet --mode=root --variant=essential --include="${packages[*]}" \
	--aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Check-Valid-Until "false"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" root "${sources[@]}" >log 2>&1 9>&- || { tail -20 log >&2; die "mmdebstrap failed"; }

# Debian's own profiles take seconds to compile in an emulated machine.
find root/etc/apparmor.d -maxdepth 1 -type f -delete
# Nothing that waits for hardware, the clock or a terminal, or writes to a disk.
units=root/etc/systemd/system
mkdir -p $units root/srv
for u in systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer console-getty.service \
	systemd-update-utmp.service systemd-update-utmp-runlevel.service \
	systemd-journal-catalog-update.service systemd-networkd-wait-online.service \
	systemd-machine-id-commit.service systemd-networkd.service systemd-networkd.socket \
	systemd-remount-fs.service apparmor.service dev-hugepages.mount getty@tty1.service \
	serial-getty@ttyS0.service ldconfig.service sys-kernel-debug.mount sys-kernel-tracing.mount \
	systemd-hwdb-update.service systemd-pstore.service systemd-random-seed.service; do
	ln -snf /dev/null $units/$u
done
ln -snf /usr/lib/systemd/system/multi-user.target $units/default.target
echo 5ac2bd2f3d3a4f4fa1ae2d3a4f4fa1ae >root/etc/machine-id
echo rig >root/etc/hostname

mksquashfs root root-systemd.sqfs -comp lz4 -quiet -no-progress -noappend >log 2>&1 ||
	{ cat log >&2; die "mksquashfs failed"; }
mv root-systemd.sqfs "$dir/"
echo "$key" >"$dir/key-systemd"
