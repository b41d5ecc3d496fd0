/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds whose a network namespace is, as the kernel tells it of the descriptor itself.
 *
 * Should: find the owner by NS_GET_USERNS and NS_GET_OWNER_UID, up to the machine's own user
 * namespace. Mustn't: change anything; make any system call on a descriptor that could reach its
 * maker's code (fstat() of a FUSE file does) or use our capability (an ioctl on a device or tun
 * does) before readlink() has told what it is.
 *
 * Called by the plugger (plugd/serve.c); the broker's workers call whose_check_kind() before they
 * pass a descriptor on.
 */
#include "plugd/whose.h"

#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/same.h"
#include "base/util.h"

#define USERNS_DEPTH_MAX 33 /* the kernel's own limit, and one */

struct ns_id {
	dev_t dev;
	ino_t ino;
};

static struct ns_id own_user, own_net;

static int ns_id_of(const char *path, struct ns_id *ret, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", path);
	*ret = (struct ns_id){st.st_dev, st.st_ino};
	return 0;
}

static bool ns_is(int fd, const struct ns_id *id)
{
	struct stat st;

	/* What cannot be looked at must not pass for another one. */
	return fstat(fd, &st) < 0 || same_numbers(&st, id->dev, id->ino);
}

int whose_init(struct err *e)
{
	int r = ns_id_of("/proc/self/ns/user", &own_user, e);

	return r < 0 ? r : ns_id_of("/proc/self/ns/net", &own_net, e);
}

/* Who asks from within the network namespace of a sandbox must not be a client. */
static int check_place(const struct peer *p, struct err *e)
{
	if (p->place == PEER_HERE)
		return 0;
	return err_set(e, -EPERM,
		       "that network namespace is of a sandbox within a sandbox: from inside one, "
		       "no VPN can be attached%s",
		       p->place == PEER_ELSEWHERE ? ""
						  : " (where the broker is asked from, kernels "
						    "before 5.14 cannot tell)");
}

/*
 * The user namespace that owns the descriptor, and each one above it up to ours, must be the
 * peer's. A child of ours is what a launch makes. What nests deeper is a container of an engine,
 * which asks from the host's network, or the work of a program inside a sandbox, which must not be
 * a client.
 */
static int check_owner(int user_fd, const struct peer *p, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	uid_t owner;

	if (ns_is(user_fd, &own_user))
		return err_set(e, -EPERM,
			       "that network namespace belongs to the system, not to a sandbox of "
			       "uid %u",
			       p->uid);
	for (int depth = 0; depth < USERNS_DEPTH_MAX; depth++) {
		int here = depth ? fd : user_fd, parent;

		if (ioctl(here, NS_GET_OWNER_UID, &owner) < 0)
			return err_sys(e, -errno, "cannot learn whose the network namespace is");
		if (owner != p->uid)
			return err_set(e, -EPERM,
				       "that network namespace belongs to uid %u, not to uid %u",
				       owner, p->uid);
		parent = ioctl(here, NS_GET_PARENT);
		util_close(&fd);
		fd = parent;
		if (fd < 0)
			break;
		if (ns_is(fd, &own_user))
			return depth ? check_place(p, e) : 0;
	}
	return err_set(e, -EPERM, "that network namespace is of no user namespace below this one");
}

int whose_check_kind(int fd, struct err *e)
{
	char path[64], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return err_sys(e, -errno, "cannot learn what the client's descriptor is");
	target[n] = '\0';
	/* Files of any file system read "/...", and so does a namespace that was opened by a bind
	 * mount of it; this form is the kernel's own. */
	if (target[0] == '/')
		return err_set(e, -EBADF,
			       "the descriptor is a file, not a network namespace opened as "
			       "/proc/PID/ns/net");
	if (!str_starts(target, "net:["))
		return err_set(e, -EBADF, "the descriptor is not a network namespace");
	return 0;
}

int whose_check(int fd, const struct record *r, const struct peer *p, struct err *e)
{
	AUTO_CLOSE int user_fd = -1;
	struct ns_id vpn = {r->netns_dev, r->netns_ino};
	int rc = whose_check_kind(fd, e);

	if (rc < 0)
		return rc;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return err_set(e, -EBADF, "the descriptor is not a network namespace");
	if (ns_is(fd, &own_net))
		return err_set(e, -EPERM,
			       "the network namespace is the host's own: that is never attached to "
			       "a VPN");
	if (ns_is(fd, &vpn))
		return err_set(e, -EPERM, "the network namespace is that of VPN '%s' itself",
			       r->name);
	user_fd = ioctl(fd, NS_GET_USERNS);
	if (user_fd < 0)
		return err_set(e, -EPERM,
			       "the network namespace belongs to no user namespace of this system");
	return check_owner(user_fd, p, e);
}
