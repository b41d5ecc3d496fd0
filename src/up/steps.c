/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps that both layouts have. The record, which is what makes the broker plug cables in, is
 * the last of them to be carried out and the first to be taken back.
 */
#include "up/steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/stat.h>

#include "base/same.h"
#include "nl/link.h"
#include "state/forwarded.h"
#include "ns/netns.h"
#include "tunnel/supervise.h"
#include "tunnel/tunnel_dev.h"
#include "tunnel/uapi.h"
#include "up/finish.h"
#include "wall/firewall.h"
#include "ensure/ensure.h"
#include "wall/flows.h"
#include "wall/guard.h"
#include "ensure/made.h"
#include "ensure/applied.h"
#include "up/strays.h"
#include "up/wanted.h"
#include "up/hold.h"
#include "conf/plan.h"
#include "want/record.h"

int step_check_foreign(const char *name, int ns_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n;
	int r;

	r = ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);
	if (r == 0)
		r = rtnl_link_list(&s, RTNL_HERE, &links, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct rtnl_link *l = &links[i];

		/* Every new namespace gets devices of the tunnel modules, which are down. */
		if (!(l->flags & IFF_UP) || (l->flags & IFF_LOOPBACK) || rtnl_link_is_port(l) ||
		    !strcmp(l->name, name) || !strcmp(l->kind, "bridge"))
			continue;
		r = err_set(e, -EEXIST,
			    NETNS_DIR
			    "/%s is there already and is not vpnrun's: its interface %s "
			    "would be a way around the VPN (ip netns delete %s, or give the VPN "
			    "another name)",
			    name, l->name, name);
	}
	return r;
}

/* --- what the lists say ---------------------------------------------------------------------- */

static void say(const struct up *u, const struct err *why, const char *what)
{
	if (u->note && !u->note->msg[0])
		err_set(u->note, why->code, "%s: %s", what, why->msg);
}

/* The table of the family "bridge" comes with the one of "inet", in one transaction. What a host
 * itself must not do with a bridge's devices, an old kernel goes without. */
static int make_table(const struct want *w, void *arg, struct err *e)
{
	struct err why = ERR_INIT;
	struct up *u = arg;

	switch (w->nft.family) {
	case NFPROTO_INET:
		return firewall_apply(u->p, u->ns_fd, e);
	case NFPROTO_ARP:
		if (firewall_apply_arp(u->p, u->ns_fd, &why) < 0)
			say(u, &why,
			    "whoever is on the LAN can ask for the VPN's addresses by ARP");
		return 0;
	case NFPROTO_NETDEV:
		if (!strchr(w->nft.table, '/'))
			firewall_apply_busy(u->p, u->ns_fd);
		else if (guard_make(u->p, u->ns_fd, &u->guard_flags, &why) < 0)
			say(u, &why,
			    "a DHCP client of this machine that serves every device would be "
			    "answered by who is inside (see vpnrun.json(5), \"layout\")");
		return 0;
	default:
		return 0;
	}
}

int step_make(struct up *u, const struct want_list *l, struct err *e)
{
	const struct ensure_by by = {.table = make_table, .arg = u};

	return ensure_make(l, u->ns_fd, &by, e);
}

int step_ports(struct up *u, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct lease_pool pool = plan_pool(u->p);
	struct strays strays;
	int ifindex = 0, r = ns_nl_open(&s, u->ns_fd, NETLINK_ROUTE, e);

	if (r == 0)
		r = rtnl_link_index(&s, u->p->bridge, &ifindex, e);
	u->bridge_ifindex = (uint32_t)ifindex;
	return r < 0 ? r : strays_mend(u->ns_fd, &pool, ifindex, &strays, e);
}

/* --- the tunnel ------------------------------------------------------------------------------ */

/* A socket stays where it was made. */
static bool is_socket_there(const struct up *u)
{
	struct stat st = {0};

	if (u->socket_fd >= 0 && fstat(u->socket_fd, &st) < 0)
		return false;
	return same_numbers(&st, u->old.via_dev, u->old.via_ino);
}

/* Of a supervisor that was killed, the lock is free before wireguard-go ends: a device that still
 * answers says nothing of whether it will go on to. */
static bool may_keep_tunnel(const struct up *u)
{
	bool userspace = u->old.flags & RECORD_USERSPACE;
	const char *name = u->p->name;
	struct tunnel_stats st;

	return u->was_up && is_socket_there(u) &&
	       (!userspace || supervise_is_alive(name, NULL) == 1) &&
	       tunnel_dev_stats(name, u->ns_fd, userspace, &st, NULL) == 0 && st.present &&
	       st.asked;
}

/* It waits until it does its work, so that what ends meanwhile is noticed. */
static int finish_tunnel(struct up *u, struct err *e)
{
	const struct profile *p = u->p;
	struct err why = ERR_INIT;
	int r = tunnel_finish(p, u->ns_fd, u->mtu, e);

	/* The tunnel works without its keeper: as long as nothing changes around it. */
	if (r == 0 && !u->userspace &&
	    supervise_start_keeper(p->name, u->socket_fd, u->mtu, &why) < 0 && u->note)
		err_set(u->note, why.code, "nobody looks after the tunnel: %s", why.msg);
	return r < 0 ? r : tunnel_dev_wait(p->name, &p->tunnel, u->userspace, e);
}

static int keep_tunnel(struct up *u, struct err *e)
{
	const struct tunnel_dev dev = {u->p->name, u->ns_fd, u->old.flags & RECORD_USERSPACE};
	int r = 0;

	u->userspace = dev.userspace;
	u->supervisor_pid = u->old.supervisor_pid;
	/* The kernel's takes any other by itself; this one would keep the last server's, where only
	 * that one may be reached from it. */
	if (u->p->instead_of && dev.userspace && !u->p->tunnel.has_listen_port)
		r = uapi_port_set(u->p->name, 0, e);
	if (r == 0 && !u->is_mend)
		r = tunnel_dev_configure(&dev, &u->p->tunnel, &u->endpoints, e);
	return r < 0 ? r : finish_tunnel(u, e);
}

/* What a killed run left may have any configuration. */
static int make_tunnel(struct up *u, struct err *e)
{
	struct tunnel_dev dev = {.name = u->p->name, .vpn_netns_fd = u->ns_fd};
	struct tunnel_birth birth = {.socket_netns_fd = u->socket_fd, .mtu = u->mtu};
	int r = tunnel_dev_delete(u->p->name, u->ns_fd, e);

	r = r ?: tunnel_dev_create(&dev, &u->p->tunnel, &u->endpoints, &birth, e);
	if (r == 0) {
		u->userspace = dev.userspace;
		u->supervisor_pid = birth.supervisor_pid;
	}
	return r < 0 ? r : finish_tunnel(u, e);
}

/* Whatever has ended while it was kept, supervisor or wireguard-go, is made anew: of one that
 * cannot be kept, undo would leave nothing anyway. */
int step_tunnel(struct up *u, struct err *e)
{
	struct err why = ERR_INIT;

	if (u->is_hold)
		return tunnel_dev_delete(u->p->name, u->ns_fd, e);
	if (may_keep_tunnel(u) && keep_tunnel(u, &why) == 0 && may_keep_tunnel(u))
		return 0;
	if (u->is_mend)
		return err_set(e, -ECHILD, "its tunnel has ended meanwhile");
	return make_tunnel(u, e);
}

void step_undo_tunnel(struct up *u)
{
	tunnel_dev_delete(u->p->name, u->ns_fd, NULL);
}

int step_flows(struct up *u, struct err *e)
{
	return flows_forget_stale(u->p, u->ns_fd, e);
}

/* --- the ledger ------------------------------------------------------------------------------ */

bool step_is_noted(const char *name, int ns_fd)
{
	struct record noted;
	struct stat st;

	return made_read_record(name, &noted, NULL) == 0 && fstat(ns_fd, &st) == 0 &&
	       record_is_netns(&noted, &st);
}

static int write_ledger(struct up *u, const struct want_list *rest, struct err *e)
{
	AUTO_WANT_LIST struct want_list all = {0};
	int r;

	want_list_append(&all, &u->wanted);
	want_list_append(&all, rest);
	r = want_list_check(&all, e);
	return r < 0 ? r : made_write(u->p->name, &u->record, &all, e);
}

static void note_namespace(struct up *u)
{
	for (size_t i = 0; i < u->wanted.n; i++)
		if (u->wanted.at[i].kind == WANT_NETNS) {
			u->wanted.at[i].netns.dev = u->record.netns_dev;
			u->wanted.at[i].netns.ino = u->record.netns_ino;
		}
}

/* What it names beside what is wanted is what a former profile, or a killed run, has left. */
static int read_ledger(struct up *u, int ns_fd, struct err *e)
{
	int r = made_read(u->p->name, &u->had, e);

	/* Until this one is sealed, the tables are as they were. */
	if (r == 0 && ns_fd >= 0 && step_is_noted(u->p->name, ns_fd))
		made_keep_digests(u->p->name, &u->wanted);
	else
		want_list_free(&u->had); /* it is of another namespace, which is gone */
	/* What cannot be read is not absent: what it names would be nobody's. */
	return r == -ENOENT || r == -EPROTO ? 0 : r;
}

static int write_notes(struct up *u, int ns_fd, struct err *e)
{
	AUTO_WANT_LIST struct want_list rest = {0};
	int r = read_ledger(u, ns_fd, e);

	want_list_minus(&u->had, &u->wanted, &rest);
	if (r == 0 && !u->is_revival)
		r = applied_write(u->p, e);
	r = r ?: write_ledger(u, &rest, e);
	/* There is nothing yet that it would be the profile of. */
	if (r < 0 && !u->is_ours)
		applied_remove(u->p->name, NULL);
	return r;
}

int step_note(struct up *u, int ns_fd, struct err *e)
{
	struct stat st = {0};
	struct record r;
	int rc = plan_record(u->p, u->mtu, &r, e);

	if (rc == 0 && ns_fd >= 0 && fstat(ns_fd, &st) < 0)
		rc = err_sys(e, -errno, "cannot stat the namespace of %s", u->p->name);
	if (rc < 0)
		return rc;
	r.state = RECORD_DOWN;
	r.netns_dev = st.st_dev;
	r.netns_ino = st.st_ino;
	u->record = r;
	want_list_free(&u->wanted);
	want_list_free(&u->had);
	rc = wanted_vpn(u->p, u->mtu, &u->wanted, e);
	if (rc < 0)
		return rc;
	note_namespace(u);
	return write_notes(u, ns_fd, e);
}

/* All that the profile wants stands: what only a former one wanted goes. */
int step_made(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list rest = {0};
	int r;

	want_list_minus(&u->had, &u->wanted, &rest);
	r = ensure_remove(&rest, u->ns_fd, NULL, e);
	if (r == 0)
		r = ensure_seal(&u->wanted, u->ns_fd, e);
	rest.n = 0;
	return r < 0 ? r : write_ledger(u, &rest, e);
}

int step_record(struct up *u, struct err *e)
{
	struct record r;
	int rc = plan_record(u->p, u->mtu, &r, e);
	struct stat st;

	if (rc < 0)
		return rc;
	if (u->socket_fd >= 0) {
		if (fstat(u->socket_fd, &st) < 0)
			return err_sys(e, -errno, "cannot stat the namespace of %s", u->p->via);
		r.via_dev = st.st_dev;
		r.via_ino = st.st_ino;
	}
	r.netns_dev = u->record.netns_dev;
	r.netns_ino = u->record.netns_ino;
	r.bridge_ifindex = u->bridge_ifindex;
	r.supervisor_pid = u->supervisor_pid;
	r.flags |= u->guard_flags;
	if (u->userspace)
		r.flags |= RECORD_USERSPACE;
	r.flags |= u->old.flags & RECORD_HELD;
	if (u->is_hold) {
		r.flags |= RECORD_HELD;
		r.state = RECORD_DOWN;
	}
	rc = record_write(&r, e);
	if (rc == 0 && u->is_hold && u->p->natpmp)
		rc = forwarded_share(r.name, "", e);
	/* Without a supervisor nothing is forwarded, and `status` says so. */
	if (rc == 0)
		supervise_reread(u->p->name, NULL);
	return rc;
}
