/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the order in which a launch gives its powers away: capabilities, no_new_privs, and the
 * filter last, because it may forbid what the others need. Must never be called in part. Called by
 * the launcher when namespaces, mounts and descriptors are done.
 */
#include "box/drop.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "box/caps.h"

int box_drop(uint64_t keep_caps, const struct box_policy *policy, struct err *e)
{
	int r = box_caps_limit(keep_caps, e);

	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot set no_new_privs");
	return policy ? box_seccomp_load(policy, e) : 0;
}
