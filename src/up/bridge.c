/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up and down in the host's namespace, among the routes, rules and tables of others. Three means
 * keep it closed, each alone: an unreachable default behind all others in the VPN's own table, an
 * unreachable rule right behind the rule that leads there, and the firewall, which lets the bridge
 * out by the VPN's device only. Must never touch a device, rule, route or table that is not this
 * VPN's, nor a sysctl of anything but its two devices: a note in RUN_DIR, written before anything
 * is made, says what is its own. Called by up/apply.
 */
#include "up/bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nl/addr.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "ensure/applied.h"
#include "up/bridge_table.h"
#include "wall/flows.h"
#include "up/foreign.h"
#include "wall/forwarding.h"
#include "up/hold.h"
#include "up/inside.h"
#include "conf/plan.h"
#include "wall/sysctls.h"
#include "tunnel/supervise.h"
#include "tunnel/tunnel_dev.h"

static const int families[] = {AF_INET, AF_INET6};

/* --- the ledger ------------------------------------------------------------------------------ */

/* The versions before noted the record alone, and the first of them lacks its last field. Nobody
 * else would take away what they made. */
static void former_path(const char *name, char *ret, size_t size)
{
	snprintf(ret, size, RUN_DIR "/%s.undo", name);
}

static int read_former(const char *name, struct record *ret, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	struct record r = {.size = 0};
	char path[64];
	ssize_t n;

	former_path(name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	n = read(fd, &r, sizeof(r));
	if (n < (ssize_t)offsetof(struct record, why) || r.size != (size_t)n ||
	    r.magic != RECORD_MAGIC)
		return err_set(e, -EPROTO, "%s was written by another version of vpnrun", path);
	*ret = r;
	return 0;
}

int bridge_note_read(const char *name, struct record *ret, struct err *e)
{
	struct record r;
	int rc = made_read_record(name, &r, NULL);

	if (rc < 0)
		rc = read_former(name, &r, e);
	if (rc < 0)
		return rc;
	if (r.layout != LAYOUT_BRIDGE || r.id < 1 || r.id > 99 || strcmp(r.name, name) != 0)
		return err_set(e, -ENOENT, "nothing is noted of a bridge of %s", name);
	*ret = r;
	return 0;
}

/* --- before ---------------------------------------------------------------------------------- */

static int check_device_free(struct nl_sock *s, const char *name, struct err *e)
{
	struct rtnl_link link;

	if (rtnl_link_get(s, RTNL_HERE, name, &link, NULL) == 0)
		return err_set(e, -EEXIST,
			       "this machine has an interface %s already, which is not vpnrun's: "
			       "remove it, or choose another name",
			       name);
	return 0;
}

/* The kernel would take the same address twice, and send one VPN's answers to the other. */
static int check_addresses_free(const struct profile *p, struct err *e)
{
	struct ifaddrs *all, *i;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return err_sys(e, -errno, "cannot list the host's addresses");
	for (i = all; i && r == 0; i = i->ifa_next)
		for (size_t k = 0; k < ARRAY_SIZE(families) && r == 0; k++) {
			const struct ipaddr *a = plan_source(p, families[k]);
			const void *there = NULL;

			if (!a || !i->ifa_addr || i->ifa_addr->sa_family != families[k] ||
			    !strcmp(i->ifa_name, p->name))
				continue;
			if (families[k] == AF_INET)
				there = &((const struct sockaddr_in *)(const void *)i->ifa_addr)
						 ->sin_addr;
			else
				there = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)
						 ->sin6_addr;
			if (memcmp(there, &a->v4, rtnl_addr_len(families[k])) == 0)
				r = err_set(e, -EADDRINUSE,
					    "the host has the tunnel's address %s already, on %s: "
					    "of two VPNs with one address only one can be of the "
					    "layout \"bridge\"",
					    a->text, i->ifa_name);
		}
	freeifaddrs(all);
	return r;
}

static int check_place_free(const struct profile *p, bool is_made, struct err *e)
{
	struct lease_pool pool = plan_pool(p);
	int r = check_addresses_free(p, e);

	if (r == 0)
		r = foreign_check_pool(&pool, p->name, p->bridge, e);
	return r < 0 ? r : foreign_check_table(p->id, is_made, e);
}

int bridge_check_again(const struct profile *p, struct err *e)
{
	return check_place_free(p, true, e);
}

static int step_begin(struct up *u, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct record note;
	int r;

	u->ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (u->ns_fd < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	r = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (r < 0)
		return r;
	if (!u->is_ours && bridge_note_read(u->p->name, &note, NULL) == 0) {
		/* A killed run's, perhaps with another id or subnet. */
		struct down_report rep = {0};

		r = bridge_down(&note, true, &rep, e);
		if (r < 0)
			return r;
	}
	if (!u->is_ours) {
		r = check_device_free(&s, u->p->name, e);
		if (r == 0)
			r = check_device_free(&s, u->p->bridge, e);
		if (r == 0)
			r = check_place_free(u->p, false, e);
		if (r < 0)
			return r;
	}
	r = step_note(u, u->ns_fd, e);
	u->ns_created = r == 0 && !u->is_ours;
	return r;
}

/* --- what the lists say ---------------------------------------------------------------------- */

static int step_firewall(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};

	want_bridge_firewall(&l, u->p);
	return step_make(u, &l, e);
}

static int step_bridge(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	int r;

	want_bridge_device(&l, u->p, u->mtu);
	r = step_make(u, &l, e);
	return r < 0 ? r : step_ports(u, e);
}

/* The table is closed before a rule leads there; who has sent by another is ended between. */
static int step_table(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list table = {0}, rules = {0};
	unsigned int left;
	int r;

	want_bridge_table(&table, u->p);
	want_bridge_rules(&rules, u->p);
	r = step_make(u, &table, e);
	if (r == 0)
		r = bridge_table_end_sockets(u->p->id, u->p, true, &left, e);
	return r < 0 ? r : step_make(u, &rules, e);
}

/* --- forwarding ------------------------------------------------------------------------------ */

/* What is opened for answers from the LAN is noted first, closed by the firewall, then opened. */
static int step_note_forwarding(struct up *u, struct err *e)
{
	return forwarding_take(u->p, false, e);
}

static int step_forwarding(struct up *u, struct err *e)
{
	return forwarding_take(u->p, true, e);
}

/* --- a device that is not ours --------------------------------------------------------------- */

/* The routes to it do not go with it, as a tunnel's do. */
static int remove_ways(const struct record *r, struct err *e)
{
	AUTO_WANT_LIST struct want_list all = {0}, ways = {0};
	int rc = made_read(r->name, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (all.at[i].kind == WANT_ROUTE && all.at[i].route.table == r->id &&
		    all.at[i].route.plen == 0 && all.at[i].route.dev[0] &&
		    strcmp(all.at[i].route.dev, r->bridge) != 0 &&
		    strcmp(all.at[i].route.dev, "lo") != 0)
			*want_add(&ways, WANT_ROUTE) = all.at[i];
	rc = rc == -ENOENT ? 0 : rc;
	rc = rc ?: want_list_check(&ways, e);
	return rc ?: ensure_remove(&ways, -1, NULL, e);
}

int bridge_close(const struct record *r, int ns_fd, struct err *e)
{
	int rc = tunnel_dev_delete(r->name, r->flags & RECORD_DEVICE ? -1 : ns_fd, e);

	return rc < 0 || !(r->flags & RECORD_DEVICE) ? rc : remove_ways(r, e);
}

/* Its keeper follows it as it comes, goes and changes. */
static int step_way_out(struct up *u, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	struct err why = ERR_INIT;
	int r = 0;

	if (!u->p->way)
		return step_tunnel(u, e);
	if (u->old.id && !(u->old.flags & RECORD_DEVICE))
		r = tunnel_dev_delete(u->p->name, u->ns_fd, e);
	if (u->is_hold)
		return r ?: remove_ways(&u->record, e);
	want_tunnel(&l, u->p);
	r = r ?: step_make(u, &l, e);
	if (r == 0 && supervise_start_keeper(u->p->name, -1, u->mtu, &why) < 0 && u->note)
		err_set(u->note, why.code, "nobody looks after %s: %s", u->p->name, why.msg);
	if (r == 0 && u->note && !u->p->way->of[0].is_open && !u->p->way->of[1].is_open)
		err_set(u->note, -ENETUNREACH,
			"%s has no default route now: all that %s sends is refused until it has",
			u->p->way->dev[0] ? u->p->way->dev : u->p->device, u->p->name);
	return r;
}

static void step_undo_way_out(struct up *u)
{
	if (u->p->way)
		bridge_close(&u->record, u->ns_fd, NULL);
	else
		step_undo_tunnel(u);
}

/* --- undo ------------------------------------------------------------------------------------ */

/* The bridge first: without it there is nobody left to keep in. The firewall goes last. */
static int remove_rest(const struct record *r, int ns_fd, struct err *e)
{
	AUTO_WANT_LIST struct want_list bridge = {0}, l = {0};
	char former[64];
	int rc;

	want_add_link(&bridge, r->bridge, "bridge", NULL, 0);
	want_bridge_rest(&l, r);
	rc = ensure_remove(&bridge, -1, NULL, e);
	rc = rc ?: flows_forget(r, ns_fd, e);
	rc = rc ?: sysctls_give_back(r->name, e);
	rc = rc ?: ensure_remove(&l, -1, NULL, e);
	former_path(r->name, former, sizeof(former));
	rc = rc ?: file_remove(former, e);
	rc = rc ?: applied_remove(r->name, e);
	return rc < 0 ? rc : made_remove(r->name, e);
}

static void undo_all(struct up *u)
{
	if (u->ns_created)
		remove_rest(&u->record, u->ns_fd, NULL);
}

const struct step bridge_steps[] = {
	{step_begin, undo_all},
	{step_note_forwarding, NULL},
	{step_firewall, NULL},
	{step_forwarding, NULL},
	{step_bridge, NULL},
	{step_table, NULL},
	{step_way_out, step_undo_way_out},
	{step_flows, NULL},
	{step_made, NULL},
	{step_record, NULL},
};
const size_t bridge_n_steps = ARRAY_SIZE(bridge_steps);

/* --- down ------------------------------------------------------------------------------------ */

static int list_ports(struct nl_sock *s, const struct record *r, struct rtnl_link **ret,
		      size_t *ret_n, int *ret_bridge, struct err *e)
{
	struct rtnl_link br;
	int rc = nl_sock_open(s, NETLINK_ROUTE, e);

	if (rc < 0)
		return rc;
	*ret_bridge = rtnl_link_get(s, RTNL_HERE, r->bridge, &br, NULL) == 0 ? br.ifindex : 0;
	return rtnl_link_list(s, RTNL_HERE, ret, ret_n, e);
}

int bridge_count_ports(const struct record *r, unsigned int *ret, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	unsigned int count = 0;
	int br = 0, rc;
	size_t n = 0;

	rc = list_ports(&s, r, &links, &n, &br, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; br && i < n; i++)
		count += links[i].master == br;
	*ret = count;
	return 0;
}

static int cut_cables(const struct record *r, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_FREE struct rtnl_link *links = NULL;
	struct lease_pool pool = record_pool(r);
	int br = 0, rc;
	size_t n = 0;

	rc = list_ports(&s, r, &links, &n, &br, e);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (links[i].master != br || !rtnl_link_is_port(&links[i]) ||
		    !lease_from_port(&pool, links[i].name))
			continue;
		rc = rtnl_link_delete(&s, RTNL_HERE, links[i].name, e);
		if (rc == -ENODEV) /* its owner may have gone meanwhile */
			rc = 0;
	}
	return rc;
}

int bridge_down(struct record *r, bool force, struct down_report *rep, struct err *e)
{
	AUTO_CLOSE int ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	unsigned int ports = 0, sockets = 0;
	struct stat st;
	int rc;

	if (ns_fd < 0 || fstat(ns_fd, &st) < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	if (!record_is_netns(r, &st))
		return err_set(e, -ESTALE,
			       "VPN '%s' was brought up in another network namespace than this one",
			       r->name);
	rc = bridge_close(r, ns_fd, e);
	if (rc == 0 && force)
		rc = cut_cables(r, e);
	else if (rc == 0)
		inside_settle(r, ns_fd);
	rc = rc ?: bridge_count_ports(r, &ports, e);
	/* A socket of the tunnel's address would go on by the main table once the rules are gone.
	 */
	if (rc == 0 && (force || !ports))
		rc = bridge_table_end_sockets(r->id, NULL, force, &sockets, e);
	if (rc < 0)
		return rc;
	rep->leases = ports;
	rep->processes = sockets;
	rep->held = !force && (r->flags & RECORD_HELD);
	rep->kept = rep->held || (!force && ports + sockets > 0);
	return rep->kept ? 0 : remove_rest(r, ns_fd, e);
}
