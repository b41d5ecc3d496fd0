/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order is the safety: the host's firewall stands before the cable has an end that is up, and
 * what is opened of the LAN's devices for the answers is noted, closed by that firewall, then
 * opened. Back: the cable goes first, the firewall last. A ledger of its own says what there is, as
 * it is in another namespace than the VPN. Must never touch a device that it did not make. Called
 * by up/netns, up/down and those who judge.
 */
#include "lan/lan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ensure/made.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "wall/forwarding.h"
#include "wall/lan.h"
#include "wall/sysctls.h"
#include "want/lan.h"

#define LEDGER_LEN 32
#define CABLE_MTU  1500

/* No VPN is called so. */
static void ledger_of(const char *vpn, char ret[LEDGER_LEN])
{
	snprintf(ret, LEDGER_LEN, "-lan-%s", vpn);
}

int lan_want(const struct profile *p, struct want_list *l, struct err *e)
{
	int r;

	if (!lan_is_wanted(p))
		return 0;
	want_lan_firewall(l, p->name);
	r = forwarding_want(p, l, e);
	want_lan_host(l, p);
	return r < 0 ? r : want_list_check(l, e);
}

/* What another version has made is known by its names. *ret_any: there is something. */
static int read_made(const char *vpn, int id, struct want_list *ret, bool *ret_any, struct err *e)
{
	char ledger[LEDGER_LEN];
	int r;

	ledger_of(vpn, ledger);
	r = made_read(ledger, ret, NULL);
	*ret_any = r != -ENOENT;
	if (r == -EPROTO)
		want_lan_rest(ret, vpn, id);
	else if (r < 0 && r != -ENOENT)
		return err_sys(e, r, "cannot read what %s has of the LAN", vpn);
	return want_list_check(ret, e);
}

/* --- the cable ------------------------------------------------------------------------------- */

static bool is_whole(struct nl_sock *in, const struct lan_cable *c, const struct rtnl_link *host)
{
	struct rtnl_link inner;

	return rtnl_link_get(in, RTNL_HERE, c->dev, &inner, NULL) == 0 &&
	       !strcmp(inner.kind, "veth") && inner.link == host->ifindex;
}

static bool names_cable(const struct want_list *had, const char *dev)
{
	for (size_t i = 0; i < had->n; i++)
		if (had->at[i].kind == WANT_LINK && !strcmp(had->at[i].link.name, dev))
			return true;
	return false;
}

static int add_cable(struct nl_sock *s, const struct lan_cable *c, int vpn_fd, struct err *e)
{
	AUTO_CLOSE int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const struct rtnl_veth v = {.name = c->dev,
				    .netns_fd = vpn_fd,
				    .mtu = CABLE_MTU,
				    .peer_name = c->dev,
				    .peer_netns_fd = here,
				    .peer_mac = c->host_mac,
				    .down = true};
	int r;

	if (here < 0)
		return err_sys(e, -errno, "cannot open the host's network namespace");
	r = rtnl_link_add_veth(s, &v, e);
	return r < 0 ? err_wrap(e, r, "cannot make the cable %s to the LAN", c->dev) : 0;
}

/* One whose other end is not in this very namespace is of a namespace that is no more. */
static int plug(const struct lan_cable *c, const struct want_list *had, int vpn_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT, in = NL_SOCK_INIT;
	struct rtnl_link host, inner;
	int r = nl_sock_open(&s, NETLINK_ROUTE, e);

	r = r ?: ns_nl_open(&in, vpn_fd, NETLINK_ROUTE, e);
	if (r < 0)
		return r;
	if (rtnl_link_get(&s, RTNL_HERE, c->dev, &host, NULL) == 0) {
		if (is_whole(&in, c, &host))
			return 0;
		if (strcmp(host.kind, "veth") != 0 || !names_cable(had, c->dev))
			return err_set(e, -EEXIST,
				       "this machine has an interface %s already, which is not "
				       "vpnrun's: remove it, or take \"allow_lan\" out of the file",
				       c->dev);
		r = rtnl_link_delete(&s, RTNL_HERE, c->dev, e);
	}
	if (r == 0 && rtnl_link_get(&in, RTNL_HERE, c->dev, &inner, NULL) == 0)
		r = rtnl_link_delete(&in, RTNL_HERE, c->dev, e);
	return r < 0 && r != -ENODEV ? r : add_cable(&s, c, vpn_fd, e);
}

/* --- making ---------------------------------------------------------------------------------- */

static int make_table(const struct want *w, void *arg, struct err *e)
{
	const struct profile *const *p = arg;

	(void)w;
	return lan_firewall_apply(*p, e);
}

/* The cable's end is made in the place where the list has it, behind the firewall. */
static int make(const struct profile *p, const struct want_list *had, int vpn_fd, struct err *e)
{
	AUTO_WANT_LIST struct want_list wall = {0}, wanted = {0};
	const struct profile *arg = p;
	const struct ensure_by by = {.table = make_table, .arg = &arg};
	char ledger[LEDGER_LEN];
	struct ensure_change c = {.ledger = ledger, .ns_fd = -1, .by = by};
	struct lan_cable cable;
	int r = lan_want(p, &wanted, e);

	ledger_of(p->name, ledger);
	lan_cable_of(p->name, p->id, &cable);
	want_lan_firewall(&wall, p->name);
	if (r == 0) {
		AUTO_WANT_LIST struct want_list all = {0};

		/* The ledger names everything before the first of it is made. */
		want_list_append(&all, &wanted);
		want_list_minus(had, &wanted, &all);
		r = want_list_check(&all, e) ?: made_write(ledger, NULL, &all, e);
	}
	r = r ?: forwarding_take(p, false, e);
	r = r ?: ensure_make(&wall, -1, &by, e);
	r = r ?: plug(&cable, had, vpn_fd, e);
	r = r ?: ensure_replace(&c, had, &wanted, NULL, e);
	return r ?: forwarding_take(p, true, e);
}

int lan_make(const struct profile *p, int vpn_fd, struct err *e)
{
	AUTO_WANT_LIST struct want_list had = {0};
	bool any;
	int r;

	if (!lan_is_wanted(p))
		return lan_remove(p->name, p->id, e);
	r = read_made(p->name, p->id, &had, &any, e);
	r = r ?: make(p, &had, vpn_fd, e);
	return r < 0 ? err_wrap(e, r, "cannot open the LAN to programs of --lan") : 0;
}

int lan_remove(const char *vpn, int id, struct err *e)
{
	AUTO_WANT_LIST struct want_list had = {0}, cable = {0};
	char ledger[LEDGER_LEN];
	bool any;
	int r = read_made(vpn, id, &had, &any, e);

	if (r < 0 || !any)
		return r;
	ledger_of(vpn, ledger);
	for (size_t i = 0; i < had.n; i++)
		if (had.at[i].kind == WANT_LINK)
			want_add_link(&cable, had.at[i].link.name, "veth", NULL, 0);
	r = ensure_remove(&cable, -1, NULL, e);
	r = r ?: sysctls_give_back(vpn, e);
	r = r ?: ensure_remove(&had, -1, NULL, e);
	r = r ?: made_remove(ledger, e);
	return r < 0 ? err_wrap(e, r, "cannot close the LAN to %s", vpn) : 0;
}

/* --- judging --------------------------------------------------------------------------------- */

int lan_missing(const char *vpn, ensure_fn fn, void *arg, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	char ledger[LEDGER_LEN];
	int r;

	ledger_of(vpn, ledger);
	r = made_read(ledger, &l, e);
	return r == -ENOENT ? 0 : r < 0 ? r : ensure_missing(&l, -1, fn, arg, e);
}

void lan_keep_digests(const char *vpn, struct want_list *l)
{
	char ledger[LEDGER_LEN];

	ledger_of(vpn, ledger);
	made_keep_digests(ledger, l);
}

void lan_drop_inside(struct want_list *l, const char *vpn, int id)
{
	struct lan_cable c;

	lan_cable_of(vpn, id, &c);
	want_list_drop(l, c.dev);
}
