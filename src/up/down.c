/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `down`: the record first, so that nothing new is plugged in; then the tunnel; then what it was
 * in, unless somebody is inside. Works from whatever a killed `up` has left.
 */
#include "up/apply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lan/lan.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "ensure/applied.h"
#include "up/bridge.h"
#include "up/hold.h"
#include "up/inside.h"
#include "ensure/made.h"
#include "up/netnsfiles.h"
#include "state/forwarded.h"
#include "state/lock.h"
#include "state/note.h"
#include "state/record.h"
#include "up/steps.h"
#include "tunnel/tunnel_dev.h"
#include "tunnel/via.h"

static int cut_cables(int ns_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n;
	int r;

	r = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);
	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!rtnl_link_is_port(&links[i]))
			continue;
		r = rtnl_link_delete(&s, RTNL_HERE, links[i].name, e);
		if (r < 0 && r != -ENODEV) /* its owner may have gone meanwhile */
			return r;
	}
	return 0;
}

static int empty_netns(const char *name, int ns_fd, bool force, struct down_report *rep,
		       struct record *rec, struct err *e)
{
	struct hold h;
	int r;

	r = tunnel_dev_delete(name, ns_fd, e);
	if (r == 0 && force)
		r = cut_cables(ns_fd, e);
	else if (r == 0 && rec->id)
		inside_settle(rec, ns_fd);
	if (r == 0)
		r = hold_count(ns_fd, &h, e);
	if (r < 0)
		return r;
	rep->leases = h.leases;
	rep->processes = h.processes;
	rep->held = rec->flags & RECORD_HELD;
	rep->kept = rep->held || (!force && (h.leases || h.processes));
	if (rep->kept) {
		if (rec->id == 0)
			return 0;
		rec->state = RECORD_DOWN;
		rec->supervisor_pid = 0;
		return record_write(rec, e);
	}
	return ns_netns_remove(NETNS_DIR, name, e);
}

static bool is_record_of(const struct record *rec, int ns_fd)
{
	struct stat st;

	return rec->id && fstat(ns_fd, &st) == 0 && record_is_netns(rec, &st);
}

static int down_bridge(const struct record *rec, bool force, struct down_report *rep, struct err *e)
{
	struct record r = *rec;
	int rc;

	rep->was_there = true;
	rc = bridge_down(&r, force, rep, e);
	return rc < 0 || rep->kept ? rc : record_remove(r.name, e);
}

/* Without it, the machine's traffic would go in the clear: that has to be asked for by its name. */
static int check_not_default(const char *name, struct err *e)
{
	struct default_note n;
	int r = default_note_read(&n, NULL);

	/* One that cannot be read is one all the same. */
	if (r < 0 && r != -ENOENT)
		return default_note_read(&n, e);
	if (r < 0 ||
	    (strcmp(n.now.name, name) != 0 && (!n.old.id || strcmp(n.old.name, name) != 0)))
		return 0;
	return err_set(
		e, -EBUSY,
		"%s is the machine's default; first: vpnctl default none (or vpnctl down --force "
		"%s, which does that, too)",
		name, name);
}

/* From here on the broker plugs nothing in. What a killed `up` has left of a bridge is a note. */
static int close_record(const char *name, bool force, struct record *rec, struct err *e)
{
	int r = record_find(name, rec, e);

	if (r < 0)
		return r;
	if (r == 0) {
		if (bridge_note_read(name, rec, NULL) < 0)
			memset(rec, 0, sizeof(*rec));
		return 0;
	}
	rec->state = RECORD_DOWN;
	if (force)
		rec->flags &= ~(uint32_t)RECORD_HELD;
	rec->why[0] = '\0';
	rec->supervisor_pid = rec->layout == LAYOUT_BRIDGE ? 0 : rec->supervisor_pid;
	return record_write(rec, e);
}

/* Also where there is no record, or no namespace any more. */
static int down_netns(const char *name, bool force, struct down_report *rep, struct record *rec,
		      struct err *e)
{
	AUTO_CLOSE int ns_fd = ns_netns_open(NETNS_DIR, name, e);
	bool foreign;
	int r = 0;

	if (ns_fd < 0 && !ns_netns_is_absent(ns_fd))
		return ns_fd;
	if (ns_fd >= 0 && !is_record_of(rec, ns_fd) && !step_is_noted(name, ns_fd))
		r = step_check_foreign(name, ns_fd, e);
	foreign = r == -EEXIST;
	if (r < 0 && !foreign)
		return r;
	rep->was_there = rec->id || (ns_fd >= 0 && !foreign);
	r = lan_remove(name, rec->id, e);
	if (r < 0)
		return r;
	if (ns_fd >= 0 && !foreign)
		r = empty_netns(name, ns_fd, force, rep, rec, e);
	else
		r = tunnel_dev_delete(name, -1, e);
	if (r == 0 && ns_fd < 0)
		r = ns_netns_remove(NETNS_DIR, name, e);
	if (r < 0 || rep->kept)
		return r;
	r = netnsfiles_remove(name, e);
	r = r ?: applied_remove(name, e);
	r = r ?: made_remove(name, e);
	return r ?: record_remove(name, e);
}

int vpn_down(const char *name, bool force, struct down_report *ret, struct err *e)
{
	AUTO_CLOSE int lock = vpn_lock(name, e);
	struct down_report rep = {0};
	struct record rec;
	int r;

	if (lock < 0)
		return lock;
	r = check_not_default(name, e);
	if (r < 0)
		return r;
	r = force ? 0 : via_check_unused(name, e);
	if (r == 0)
		r = close_record(name, force, &rec, e);
	if (r == 0)
		r = rec.id && rec.layout == LAYOUT_BRIDGE ? down_bridge(&rec, force, &rep, e)
							  : down_netns(name, force, &rep, &rec, e);
	if (r < 0)
		return err_wrap(e, r, "cannot take down %s", name);
	if (!rep.kept)
		forwarded_unshare(name);
	*ret = rep;
	return 0;
}

/* 1: it is up, or on its way back, and stays. */
static int end_hold(const char *name, struct err *e)
{
	AUTO_CLOSE int lock = vpn_lock(name, e);
	struct record r;
	int rc;

	if (lock < 0)
		return lock;
	rc = record_find(name, &r, e);
	if (rc <= 0)
		return rc;
	r.flags &= ~(uint32_t)RECORD_HELD;
	rc = record_write(&r, e);
	return rc ?: r.state != RECORD_DOWN;
}

int vpn_unhold(const char *name, struct down_report *ret, struct err *e)
{
	int r = end_hold(name, e);

	if (r == 0)
		return vpn_down(name, false, ret, e);
	if (r > 0)
		*ret = (struct down_report){.was_there = true, .kept = true};
	return r < 0 ? r : 0;
}
