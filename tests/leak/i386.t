#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 32-bit programs, whose C library makes sockets by socketcall (W4). Runs inside the rig.
# shellcheck source=tests/lib.sh
. "$RIG_DIR/tests/lib.sh"
home=$(as_user sh -c 'echo $HOME')
old=$home/old32
[ -x "$RIG_DIR/build/tests/i386/old32" ] || { echo "1..0 # SKIP no 32-bit programs here"; exit 0; }
install -m 755 "$RIG_DIR/build/tests/i386/old32" "$old"
as_user "$old" 1 >/dev/null 2>&1 || { echo "1..0 # SKIP this kernel runs no 32-bit programs"; exit 0; }

is "$(as_user "$old" "$RIG_WEB4" 80)" clear 'control: outside it goes out in the clear'
$RIG_CAPTURE start
is "$(as_user vpnrun --policy i386 demo "$old" "$RIG_WEB4" 80 2>&1)" demo 'R92: by the policy i386 it goes through the VPN'
# What the machine has, asked in another way than vpnrun asks it.
as_user "$old" 40 >/dev/null
leads_out() {
	grep -q '^QIPCRTR' /proc/net/protocols && return
	grep -q '^AF_VSOCK' /proc/net/protocols || return
	! as_user perl -e 'open my $f, "<", "/dev/vsock" or exit 1; my $cid = pack "L", 0;
		ioctl $f, 0x7b9, $cid or exit 1; $cid = unpack "L", $cid; exit !($cid == 1 || $cid == 0xffffffff)'
}
out=$(as_user vpnrun -v demo "$old" "$RIG_WEB4" 80 2>&1)
if ! leads_out; then
	like "$out" "'$old' is a 32-bit program: policy 'i386'.*demo$" 'R92: by itself, and -v says so'
else
	like "$out" "is a 32-bit program, .* refused here: no sandbox holds back AF_.*--policy i386" \
		'R92: this machine has a family that leads out: refused, with what to do'
fi
is "$(as_user vpnrun --policy default demo "$old" 1 2>/dev/null)" 038 'R92: by the policy default: no socket'
out=$(as_user vpnrun --strict demo "$old" 1 2>&1)
like "$out" '--strict; to let it: --policy i386.*038' 'R92: --strict: no socket, and it says why'
printf '#!/bin/sh\nexec "%s" "$@"\n' "$old" >"$home/wrapper"
chmod 755 "$home/wrapper"
like "$(as_user vpnrun -v demo "$home/wrapper" 1 2>&1)" "'$old' is a 32-bit program" 'R92: found behind a script, as Wine'"'"'s'
is "$(as_user vpnrun --policy default demo /bin/sh -c "'$old' 1" 2>/dev/null)" 038 'L11: below a 64-bit program: no socket'
is "$($RIG_CAPTURE stop)" 0 'R92: nothing of all that left by the uplink'
finish
