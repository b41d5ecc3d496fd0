/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock that keeps two commands from one VPN. Called by all that make, change or take down a
 * VPN, and by whoever needs one to stay as it is meanwhile. Whoever has it clears what a killed one
 * had begun to write, of this VPN or of another.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/util.h"
#include "state/lock.h"
#include "state/record.h"

static int lock(const char *name, bool wait, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	char path[64];
	int r;

	r = record_make_dir(e);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), RUN_DIR "/%s.lock", name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (wait)
		r = progress_lock(fd, name);
	else
		r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	if (r == 0) {
		file_clear_begun(RUN_DIR);
		return take_fd(&fd);
	}
	return r == -EWOULDBLOCK ? r : err_sys(e, r, "cannot lock %s", path);
}

/* The lock goes with the process. */
int vpn_lock(const char *name, struct err *e)
{
	return lock(name, true, e);
}

int vpn_lock_try(const char *name, struct err *e)
{
	return lock(name, false, e);
}
