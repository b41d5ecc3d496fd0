#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The rig and its tests once more, in a guest whose kernel has WireGuard: TAP as it comes from
# there. VM_TESTS names other test files. Without an image this fails, or with
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
for key in key qemu/key; do
	[ -e "$build/vm/$key" ] || missing "no guest in $build/vm: make vm-image, as root"
done

"$here/run.sh" "$build/vm" "$build" "exec tests/vm/suite.sh ${VM_TESTS:-}"
status=$?
[ $status != 125 ] || echo "Bail out! The guest died."
exit $status
