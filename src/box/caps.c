/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives capabilities away, in the one order in which the kernel lets it be done: the bounding set
 * and the securebits need CAP_SETPCAP, so the process's own sets come last. Must never leave a
 * capability that was not asked for, whatever the kernel's version knows. Called by box/drop.c, and
 * by box/isolate.c for the broker's two programs.
 */
#include "box/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NOROOT would take from root's command also what it may keep. */
#define BITS_KEEP (SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
/* KEEP_CAPS stays unlocked: ping sets it, and there is nothing left to keep. */
#define BITS_NONE                                                                    \
	(BITS_KEEP | SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | \
	 SECBIT_NO_SETUID_FIXUP_LOCKED)

static int drop_bounding(uint64_t keep, struct err *e)
{
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* the kernel's last one was before */
		return err_sys(e, -errno, "cannot drop capability %u from the bounding set", cap);
	}
	return 0;
}

bool box_caps_has(unsigned int cap)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2];

	return syscall(SYS_capget, &head, now) == 0 && (now[cap / 32].permitted >> (cap % 32) & 1);
}

int box_caps_keep(uint64_t keep, struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (keep) {
		struct __user_cap_data_struct now[2];

		if (syscall(SYS_capget, &head, now) < 0)
			return err_sys(e, -errno, "cannot read the capabilities");
		for (int i = 0; i < 2; i++) {
			data[i].permitted = now[i].permitted & (uint32_t)(keep >> (32 * i));
			data[i].effective = data[i].permitted;
		}
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(e, -errno, "cannot drop the capabilities");
	return 0;
}

int box_caps_limit(uint64_t keep, struct err *e)
{
	int r = drop_bounding(keep, e);

	if (r < 0)
		return r;
	if (prctl(PR_SET_SECUREBITS, keep ? BITS_KEEP : BITS_NONE, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot lock the securebits");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot clear the ambient capabilities");
	return box_caps_keep(keep, e);
}

int box_caps_hand_on(unsigned int cap, struct err *e)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2];

	if (syscall(SYS_capget, &head, now) < 0)
		return err_sys(e, -errno, "cannot read the capabilities");
	now[cap / 32].inheritable |= 1u << (cap % 32);
	if (syscall(SYS_capset, &head, now) < 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
		return err_sys(e, -errno, "cannot hand on capability %u", cap);
	return 0;
}
