#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vpnrun on a whole machine: the system of check-nspawn with systemd as its init, systemd-networkd,
# AppArmor and the kernel's own WireGuard, in a guest. Without an image this fails, or with
# VM_OPTIONAL=1 says why and is skipped.
set -u
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
tree=$(realpath "$here/../..")
build=$(realpath -m "${B:-$tree/build}")

missing()
{
	if [ "${VM_OPTIONAL:-}" = 1 ]; then
		echo "1..0 # SKIP $*"
		exit 0
	fi
	echo "Bail out! $*"
	exit 1
}
command -v mksquashfs >/dev/null || missing "mksquashfs is not installed (squashfs-tools)"
for key in key qemu/key key-systemd; do
	[ -e "$build/vm/$key" ] || missing "no guest in $build/vm: make vm-image nspawn-image, as root"
done

VM_TIMEOUT=${VM_TIMEOUT:-3600} "$here/run.sh" "$build/vm" "$build" "${VM_SYSTEM:---system}"
status=$?
[ $status != 125 ] || echo "Bail out! The guest died."
exit $status
