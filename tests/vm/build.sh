#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# build.sh DIR: makes the guest of check-vm in DIR: vmlinuz, initrd.gz and root.sqfs, from the
# machine's own package sources. Made anew only when the kernel's version, the list of packages or
# this file change. Needs root, installs nothing. Everything the guest runs beyond the packages is
# packed by run.sh on each start, so that an edit of a test costs no image.
set -eu

packages=(bash bubblewrap busybox-static cpio curl fuse3 iproute2 iputils-ping kmod libcap2-bin
	libjansson4 libmnl0 libnftables1 libseccomp2 mount nftables openssh-client passwd perl procps
	strace sudo util-linux wireguard-tools)

die()
{
	echo "vm: $*" >&2
	exit 1
}

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
dir=$(realpath -m "${1:?usage: build.sh DIR}")
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive LC_ALL=C

# The kernel: of Debian's, the one for virtual machines is the smallest with WireGuard.
kernel=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends:/ {print $2; exit}')
if [ -z "$kernel" ]; then
	[ -e "$dir/key" ] || die "apt knows no linux-image-cloud-amd64: the guest is made on Debian," \
		"amd64, after apt-get update"
	echo "vm: apt knows no kernel at present, the image stays as it is" >&2
	exit 0
fi
version=${kernel#linux-image-}
package_version=$(apt-cache policy "$kernel" | awk '/Candidate:/ {print $2}')
key=$( (echo "$package_version ${packages[*]}" && cat "$here/build.sh") | sha256sum | cut -c1-16)

mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9
# QEMU is that of Debian 13, whatever the machine's own is: 10.0 needs less than half of the processor time of
# Debian 12's 7.2, which in a run of the whole check was more than of all other tests together.
"$here/../setup/tree.sh" trixie "$dir/qemu" qemu-system-x86 9>&-
[ "$(cat "$dir/key" 2>/dev/null)" != "$key" ] || exit 0
[ "$(id -u)" = 0 ] || die "the guest's image is missing or old, and making it needs root"
for tool in mmdebstrap mksquashfs dpkg-deb; do
	command -v $tool >/dev/null || die "needs '$tool': packages mmdebstrap, squashfs-tools, dpkg"
done
echo "vm: making the guest ($kernel $package_version), about a minute, once" >&2

work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
# apt's downloader gives its rights away and must be able to write here.
chmod 755 "$work"
cd "$work"
mkdir deb && chmod 777 deb
(cd deb && apt-get -q download "$kernel" >../log 2>&1) || { cat log >&2; die "cannot fetch $kernel"; }
dpkg-deb -x deb/*.deb kernel
rm -r deb

mapfile -t sources < <(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
	/etc/apt/sources.list.d/*.sources 2>/dev/null)
suite=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)
# In mounts of its own, so that a killed build leaves none behind.
unshare -m mmdebstrap --quiet --mode=root --variant=essential --include="${packages[*]}" \
	--aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	"$suite" root "${sources[@]}" >log 2>&1 9>&- || { tail -20 log >&2; die "mmdebstrap failed"; }

modules=root/usr/lib/modules
mkdir -p $modules root/host root/mnt root/srv
# In lib, or as of Debian 13 in usr/lib.
cp -a kernel/{,usr/}lib/modules/"$version" $modules/ 2>/dev/null || [ -d "$modules/$version/kernel" ] ||
	die "$kernel has no modules"
rm -rf "$modules/$version"/{build,source,kernel/sound}
find "$modules/$version/kernel/drivers" -mindepth 1 -maxdepth 1 -type d \
	! -name net ! -name virtio ! -name block ! -name char -exec rm -rf {} +
rm -rf "$modules/$version/kernel/drivers/net"/{ethernet,wireless,can,wwan,usb,hyperv}
chroot root depmod "$version"
echo rig >root/etc/hostname

# What stands between the kernel and that root: a shell, the modules for its disks, an overlay.
mkdir -p initrd/{bin,proc,sys,dev,modules}
cp root/bin/busybox initrd/bin/
for m in virtio_pci virtio_blk virtio_console virtio_rng overlay squashfs; do
	chroot root modprobe -S "$version" --show-depends $m
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
	cp "root$file" initrd/modules/
	basename "$file" >>initrd/modules/order
done
cat >initrd/init <<'X'
#!/bin/busybox sh
b=/bin/busybox
fail() { echo "vm: $*"; echo o >/proc/sysrq-trigger; $b sleep 60; }
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for m in $($b cat /modules/order); do $b insmod /modules/$m; done
$b mkdir -p /ro /rw /new
$b mount -t squashfs -o ro /dev/vda /ro || fail "no root disk"
$b mount -t tmpfs -o size=75% rw /rw
$b mkdir /rw/upper /rw/work
$b mount -t overlay -o lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work root /new || fail "no root"
$b mount -t squashfs -o ro /dev/vdb /new/host || fail "no disk with the tests"
$b mount --move /dev /new/dev
$b umount /sys /proc
exec $b switch_root /new /host/tests/vm/init
X
chmod 755 initrd/init
mv initrd root/initrd
chroot root sh -c 'cd /initrd && find . | cpio -o -H newc --quiet' | gzip -1 >initrd.gz
rm -rf root/initrd

mksquashfs root root.sqfs -comp lz4 -quiet -no-progress -noappend >log 2>&1 ||
	{ cat log >&2; die "mksquashfs failed"; }
cp "kernel/boot/vmlinuz-$version" vmlinuz
chmod 644 vmlinuz initrd.gz root.sqfs
mv vmlinuz initrd.gz root.sqfs "$dir/"
echo "$key" >"$dir/key"
