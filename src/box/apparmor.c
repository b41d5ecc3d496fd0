/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exec from a profile in the mode "unconfined" inherits it. Vpnrun's allows user namespaces that
 * the distribution forbids to programs without a profile: handed on, it would undo that for every
 * command. Called by the launcher; must never touch a profile that somebody else has put us in.
 */
#include "box/apparmor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

int box_apparmor_leave(struct err *e)
{
	static const char ours[] = "vpnrun (unconfined)\n", leave[] = "changeprofile unconfined";
	/* The file of older kernels may be another security module's, and they restrict nothing. */
	AUTO_CLOSE int fd = open("/proc/self/attr/apparmor/current", O_RDWR | O_CLOEXEC);
	char now[sizeof(ours)];

	if (fd < 0 || read(fd, now, sizeof(now)) != (ssize_t)strlen(ours) ||
	    memcmp(now, ours, strlen(ours)) != 0)
		return 0;
	if (pwrite(fd, leave, strlen(leave), 0) < 0)
		return err_sys(e, -errno, "cannot leave AppArmor's profile 'vpnrun'");
	return 0;
}
