#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh IMAGE-DIR BUILD-DIR COMMAND|--system|--closed: boots the guest once, with the build and the tests read-only
# at /host, and runs COMMAND (a line of shell) there as root. Its output is the guest's, its exit
# status COMMAND's; 125 if the guest died or the time (VM_TIMEOUT seconds, 3600) was up. Needs no
# privilege. --system: no command, but the tests of the system that tests/nspawn/build.sh has made,
# with vpnrun on it as `make install` puts it there (see tests/nspawn/boot); --closed: the same system, for
# tests/vm/closed.
#
# Emulation by QEMU itself, not KVM: a /dev/kvm may be there and not work. The emulated processor is the plain
# one, without cmpxchg16b, which QEMU 7.2 gets wrong (guests oops) for who has that one. On a busy machine the
# emulated timer is too late for the kernel's test of it, which would be a panic. What the kernel does against other
# programs that measure the processor's caches costs an emulated one a fifth of its time, and nothing here is about it.
# VM_CPUS is how many processors it has, VM_OPTIONS are more words for QEMU, QEMU is another than the image's.
set -u

die()
{
	echo "vm: $*" >&2
	exit 125
}

image=$(realpath "${1:?}") build=$(realpath "${2:?}") command=${3:?}
tree=$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../..
limit=${VM_TIMEOUT:-3600}
for tool in mksquashfs timeout; do
	command -v "$tool" >/dev/null || die "needs '$tool': packages squashfs-tools, coreutils"
done
for made in key qemu/key; do
	[ -e "$image/$made" ] || die "no image in $image: run make vm-image as root"
done
# By the loader of its own tree, as its libraries are not the machine's.
of=$image/qemu/root/usr
qemu=("$of/lib64/ld-linux-x86-64.so.2" --library-path "$of/lib/x86_64-linux-gnu" "$of/bin/qemu-system-x86_64"
	-L "$of/share/qemu" -L "$of/share/seabios")
[ -z "${QEMU:-}" ] || qemu=("$QEMU")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/host/build"
tar -C "$build" --exclude=./{obj,vm,gen,asan,tap,engines,debian1*,packages,deb,rpm,trixie,sid,coverage,clang} -cf - . |
	tar -C "$work/host/build" -xf - || die "cannot pack $build"
for d in tests policy hooks contrib; do
	[ ! -d "$tree/$d" ] || cp -a "$tree/$d" "$work/host/"
done
system=()
if [[ $command = --system || $command = --closed ]]; then
	[ -e "$image/root-systemd.sqfs" ] || die "no system in $image: run make nspawn-image as root"
	make -s -C "$tree" B="$build" DESTDIR="$work/host/installed" install >"$work/log" 2>&1 ||
		{ cat "$work/log" >&2; die "make install failed"; }
	cp "$tree/Makefile" "$work/host/"
	mkdir "$work/host/src"
	cp -a "$tree/src/man" "$work/host/src/"
	# shellcheck disable=SC2054 # the commas are QEMU's
	system=(-drive "file=$image/root-systemd.sqfs,if=none,id=system,format=raw,readonly=on"
		-device virtio-blk-pci,drive=system)
fi
printf '%s\n' "$command" >"$work/host/vm-command"
mksquashfs "$work/host" "$work/host.sqfs" -comp lz4 -all-root -quiet -no-progress -noappend \
	>"$work/log" 2>&1 || { cat "$work/log" >&2; die "cannot pack the tests"; }

# The port `out` closes when standard input ends, and the guest's writers would block: so standard
# input is a fifo that stays open.
mkfifo "$work/stdin"
exec 3<>"$work/stdin"
# Dies with this script, however that ends.
bound=(setpriv --pdeathsig KILL --)
"${bound[@]}" timeout --foreground -s KILL "$limit" "${bound[@]}" "${qemu[@]}" -accel "${VM_ACCEL:-tcg,thread=multi}" -cpu "${VM_CPU:-qemu64,-cx16}" \
	-m "${VM_MEMORY:-1536}" -smp "${VM_CPUS:-2}" -nodefaults -no-user-config -display none -no-reboot \
	-kernel "$image/vmlinuz" -initrd "$image/initrd.gz" -serial "file:$work/console" \
	-device virtio-rng-pci \
	-drive "file=$image/root.sqfs,if=none,id=root,format=raw,readonly=on" \
	-device virtio-blk-pci,drive=root \
	-drive "file=$work/host.sqfs,if=none,id=host,format=raw,readonly=on" \
	-device virtio-blk-pci,drive=host "${system[@]}" \
	-device virtio-serial-pci \
	-chardev "file,id=rc,path=$work/rc" -device virtserialport,chardev=rc,name=rc \
	-chardev stdio,id=out,signal=off -device virtserialport,chardev=out,name=out \
	-append "console=ttyS0 panic=-1 quiet loglevel=5 mitigations=off no_timer_check softlockup_panic=1 softlockup_all_cpu_backtrace=1 watchdog_thresh=60 systemd.show_status=no systemd.default_timeout_start_sec=300" \
	${VM_OPTIONS:-} <&3 2>"$work/err" &
guest=$!
trap 'kill $guest; wait $guest; exit 143' TERM INT HUP
wait $guest
status=$?
rc=$(cat "$work/rc" 2>/dev/null)
[ -z "$rc" ] || exit "$rc"
why="QEMU ended with status $status"
[ $status != 137 ] || why="not done after $limit s"
{
	echo "vm: the guest died: $why; the last it said:"
	cat "$work/err"
	tail -90 "$work/console" 2>/dev/null
} >&2
exit 125
