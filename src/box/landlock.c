/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the Landlock ruleset of a strict launch. Must never ask for what the kernel's ABI lacks (the
 * whole ruleset would be refused), and never go on when a ruleset that the kernel has to offer
 * cannot be put in force. Called by launch/run.c after the last mount and before the filter.
 *
 * Scopes alone leave mount(2) and renames as they are. Any right of the file system does not: it
 * forbids mount(2), and "refer", which is denied wherever it is not granted, has to be granted
 * again everywhere.
 */
#include "box/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"

#define ABI_SCOPES	  6 /* Linux 6.12 */
#define ABI_SOCKETS	  9 /* Linux 7.1 */

#define SCOPE_ABSTRACT	  (1ULL << 0)
#define SCOPE_SIGNAL	  (1ULL << 1)
#define FS_REFER	  (1ULL << 13)
#define FS_RESOLVE_UNIX	  (1ULL << 16)

#define CREATE_VERSION	  1u
#define RULE_PATH_BENEATH 1

static int sys_abi(void)
{
	long r = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return r < 0 ? -errno : (int)r;
}

static int sys_create(const struct box_landlock_ruleset *set, size_t size)
{
	long r = syscall(SYS_landlock_create_ruleset, set, size, 0);

	return r < 0 ? -errno : (int)r;
}

static int sys_allow(int ruleset, const struct box_landlock_path *path)
{
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, path, 0) < 0 ? -errno : 0;
}

static int sys_restrict_self(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

static const struct box_landlock_sys kernel = {
	.abi = sys_abi,
	.create = sys_create,
	.allow = sys_allow,
	.restrict_self = sys_restrict_self,
};

static int allow(const struct box_landlock_sys *sys, int ruleset, const char *path, uint64_t right,
		 struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	struct box_landlock_path rule = {.allowed = right, .parent_fd = fd};
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot open %s", path);
	r = sys->allow(ruleset, &rule);
	return r < 0 ? err_sys(e, r, "cannot allow %s in the Landlock ruleset", path) : 0;
}

int box_landlock_enter_by(const struct box_landlock_sys *sys, bool sockets,
			  const char *const *allowed, size_t n_allowed, struct err *e)
{
	struct box_landlock_ruleset set = {.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL};
	AUTO_CLOSE int ruleset = -1;
	int abi = sys->abi(), r = 0;

	/* It is not built, not enabled, too old, or hidden by the filter of a container around us.
	 * Any other failure does not say that it is not there. */
	if (abi < 0 && abi != -ENOSYS && abi != -EOPNOTSUPP && abi != -EPERM && abi != -EACCES)
		return err_sys(e, abi, "cannot ask the kernel about Landlock");
	if (abi < ABI_SCOPES)
		return BOX_LANDLOCK_NONE;
	sockets = sockets && abi >= ABI_SOCKETS;
	if (sockets)
		set.fs = FS_RESOLVE_UNIX | FS_REFER;
	ruleset = sys->create(&set, sizeof(set));
	if (ruleset < 0)
		return err_sys(e, ruleset, "cannot make a Landlock ruleset (ABI %d)", abi);
	if (sockets)
		r = allow(sys, ruleset, "/", FS_REFER, e);
	for (size_t i = 0; sockets && r == 0 && i < n_allowed; i++)
		r = allow(sys, ruleset, allowed[i], FS_RESOLVE_UNIX, e);
	if (r < 0)
		return r;
	r = sys->restrict_self(ruleset);
	if (r < 0)
		return err_sys(e, r, "cannot put the Landlock ruleset in force");
	return sockets ? BOX_LANDLOCK_SOCKETS : BOX_LANDLOCK_SCOPES;
}

int box_landlock_enter(bool sockets, const char *const *allowed, size_t n_allowed, struct err *e)
{
	return box_landlock_enter_by(&kernel, sockets, allowed, n_allowed, e);
}
