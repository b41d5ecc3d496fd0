/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up in a namespace of the VPN's own. The order is the safety: the namespace is closed (sysctls,
 * firewall) before the bridge exists, and the bridge exists before the tunnel does.
 */
#include "up/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"
#include "ns/netns.h"
#include "up/netnsfiles.h"
#include "conf/plan.h"
#include "lan/lan.h"
#include "want/lan.h"
#include "want/record.h"

#define NETNS_LOCK RUN_DIR "/-.lock" /* no VPN is called so */

static int open_or_create_netns(const char *name, bool *ret_created, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct err why = ERR_INIT;
	int fd = ns_netns_open(NETNS_DIR, name, &why), r;

	*ret_created = false;
	if (fd >= 0)
		return fd;
	if (!ns_netns_is_absent(fd))
		return err_set(e, fd, "%s", why.msg);
	/* Two VPNs coming up at once must not both make NETNS_DIR a mount point. A file that nobody
	 * else can open: a lock on the directory itself, everybody could hold. */
	lock = open(NETNS_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = lock < 0 ? -errno : progress_lock(lock, "network namespaces");
	if (r < 0)
		return err_sys(e, r, "cannot lock " NETNS_LOCK);
	if (fd == -EBADF) {
		r = ns_netns_remove(NETNS_DIR, name, e);
		if (r < 0)
			return r;
	}
	fd = ns_netns_create(NETNS_DIR, name, e);
	*ret_created = fd >= 0;
	return fd;
}

/* The ledger first: a namespace that it does not know is what an older version has left, or
 * somebody else's. */
static int do_namespace(struct up *u, struct err *e)
{
	AUTO_CLOSE int there = ns_netns_open(NETNS_DIR, u->p->name, e);
	int r = 0;

	if (there < 0)
		r = ns_netns_is_absent(there) ? step_note(u, -1, e) : there;
	if (r < 0)
		return r;
	u->ns_fd = open_or_create_netns(u->p->name, &u->ns_created, e);
	if (u->ns_fd < 0)
		return u->ns_fd;
	if (!u->ns_created && !u->is_ours && !step_is_noted(u->p->name, u->ns_fd))
		r = step_check_foreign(u->p->name, u->ns_fd, e);
	return r < 0 ? r : step_note(u, u->ns_fd, e);
}

static void undo_namespace(struct up *u)
{
	if (u->ns_created)
		ns_netns_remove(NETNS_DIR, u->p->name, NULL);
}

/* Its other end is down until the namespace is closed. Where there is no tunnel, there is no LAN.
 */
static int do_lan(struct up *u, struct err *e)
{
	return u->is_hold ? lan_remove(u->p->name, u->p->id, e) : lan_make(u->p, u->ns_fd, e);
}

static void undo_lan(struct up *u)
{
	if (u->ns_created)
		lan_remove(u->p->name, u->p->id, NULL);
}

static int do_objects(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};

	int r;

	want_netns(&l, u->p, u->mtu);
	want_lan_inside(&l, u->p);
	if (u->is_hold)
		lan_drop_inside(&l, u->p->name, u->p->id);
	r = step_make(u, &l, e);
	return r < 0 ? r : step_ports(u, e);
}

static int do_files(struct up *u, struct err *e)
{
	AUTO_FREE char *resolv = NULL;
	int r = plan_resolv_conf(u->p, &resolv, e);

	return r < 0 ? r : netnsfiles_write(u->p->name, resolv, e);
}

/* Who is inside a namespace that was there before goes on with them. */
static void undo_files(struct up *u)
{
	if (!u->is_ours)
		netnsfiles_remove(u->p->name, NULL);
}

const struct step netns_steps[] = {
	{do_namespace, undo_namespace},
	{do_lan, undo_lan},
	{do_objects, NULL},
	{step_tunnel, step_undo_tunnel},
	{step_flows, NULL},
	{do_files, undo_files},
	{step_made, NULL},
	{step_record, NULL},
};

const size_t netns_n_steps = ARRAY_SIZE(netns_steps);
