/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a stranger may cause this: it makes one pair of devices whose one end is in a namespace of
 * the stranger's own making and whose other is a port that the VPN's static rules bind to one
 * address. Nothing of it is the stranger's choice: not the name, not the number, not the bridge.
 *
 * Should: leave either a whole cable or nothing. Mustn't: touch any device but the one made here.
 *
 * Called by plug/attach.c.
 */
#include "plug/search.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "nl/attr.h"
#include "nl/link.h"
#include "nl/port.h"

#define ROUNDS	    32 /* in a nearly full pool the others of a storm are faster, for a while */
#define BLIND_TRIES 8  /* after that many surprises a list of all costs less */
#define BITS	    64
#define MAC_LEN	    6

/* Steps of so much go through all numbers of any pool, whose size it does not divide, for it is a
 * prime; and they leave a long run of taken ones at once. */
#define STRIDE 631

/* Before 6.14 the kernel makes the peer first and takes it back when the name is taken: 15 ms. */
static bool eexist_is_slow(void)
{
	static int slow = -1;
	struct utsname u;
	unsigned int major, minor;

	if (slow < 0)
		slow = uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2 ||
		       major < 6 || (major == 6 && minor < 14);
	return slow;
}

int search_need_nsid(struct search *a, struct err *e)
{
	/* The bridge layout's ports are in the caller's own namespace. */
	if (a->r->layout == LAYOUT_BRIDGE || a->nsid != RTNL_HERE)
		return 0;
	return rtnl_nsid_ensure(a->s.rt, a->vpn_fd, &a->nsid, e);
}

/* 1: the port exists; 0: it does not. */
static int port_exists(struct search *a, const char *name, struct err *e)
{
	struct port port;
	int r = search_need_nsid(a, e);

	if (r == 0)
		r = port_get(a->s.rt, a->nsid, name, &port, e);
	return r == -ENODEV ? 0 : r < 0 ? r : 1;
}

static int create(struct search *a, uint32_t h, const char *port, struct err *e)
{
	uint8_t mac[6];
	struct rtnl_veth v = {
		.name = port,
		.netns_fd = a->vpn_fd,
		.master = a->r->bridge_ifindex,
		.group = a->group,
		.mtu = a->r->mtu,
		.peer_name = a->ifname,
		.peer_netns_fd = a->netns_fd,
		.peer_mac = mac,
	};

	lease_mac(&a->pool, h, mac);
	return guard_port_add(&a->s, a->r, &v, e);
}

/* -EEXIST: the lease is taken, try another. */
static int try_host(struct search *a, uint32_t h, struct err *e)
{
	char port[LEASE_IF_LEN];
	int r = 0, there;

	lease_port(&a->pool, h, port);
	if (eexist_is_slow()) {
		there = port_exists(a, port, e);
		if (there != 0)
			return there < 0 ? there : -EEXIST;
	}
	/* Twice: between an EEXIST and the look at the port, the port may have been given up. */
	for (int i = 0; i < 2; i++) {
		r = create(a, h, port, e);
		if (r != -EEXIST)
			break;
		there = port_exists(a, port, e);
		if (there != 0)
			return there < 0 ? there : -EEXIST;
	}
	if (r == -EEXIST)
		return err_set(e, -EALREADY,
			       "that network namespace already has a device called %s: one cable "
			       "to a sandbox",
			       a->ifname);
	if (r == -EXFULL)
		return err_set(e, -ENOSPC,
			       "the bridge of VPN '%s' has no free port: all 1023 are taken (see "
			       "`vpnctl status %s`)",
			       a->r->name, a->r->name);
	if (r < 0)
		return err_wrap(e, r, "cannot plug the sandbox into VPN '%s' as %s", a->r->name,
				port);
	return 0;
}

static bool is_taken(const struct search_memory *m, uint32_t h)
{
	return h >= SEARCH_HOSTS || (m->taken[h / BITS] >> (h % BITS) & 1);
}

static void mark(struct search_memory *m, uint32_t h)
{
	if (h < SEARCH_HOSTS)
		m->taken[h / BITS] |= 1ull << (h % BITS);
}

static void mark_port(const struct port *p, void *arg)
{
	struct search *a = arg;

	mark(a->m, lease_from_port(&a->pool, p->name));
}

/* Asks the kernel which numbers are taken, by one list: a crowded pool must not cost an EEXIST for
 * each. */
static int list_taken(struct search *a, struct err *e)
{
	int r = search_need_nsid(a, e);

	memset(a->m->taken, 0, sizeof(a->m->taken));
	return r < 0 ? r : port_each(a->s.rt, a->nsid, mark_port, a, e);
}

/* Of one that is silent the kernel has no MAC address, and of all that it says of another the MAC
 * address alone is in the words of a cable. */
static int got_neigh(const struct nlmsghdr *nlh, void *mac)
{
	const struct ndmsg *nd = nl_payload(nlh);

	if (nl_payload_len(nlh) < sizeof(*nd) || nd->ndm_state & (NUD_INCOMPLETE | NUD_FAILED))
		return 0;
	return memmem(nlh, nlh->nlmsg_len, mac, MAC_LEN) ? 0 : -EADDRINUSE;
}

/* Who was plugged into the bridge by hand has chosen an address, and from the moment that a cable
 * has it the firewall believes nobody else who claims it: the search must not silence who was there
 * first. It is no lock, and who comes later, or was never heard, meets the cable. */
static bool is_guests(const struct search *a, uint32_t h)
{
	const struct ndmsg nd = {.ndm_family = AF_INET, .ndm_ifindex = (int)a->r->bridge_ifindex};
	struct in_addr addr = lease_ip4(&a->pool, h);
	uint8_t mac[MAC_LEN];
	struct nl_msg m;

	lease_mac(&a->pool, h, mac);
	nl_msg_init(&m);
	nl_msg_begin(&m, RTM_GETNEIGH, 0, &nd, sizeof(nd));
	nl_put(&m, NDA_DST, &addr, sizeof(addr));
	return nl_query(a->s.rt, &m, got_neigh, mac, NULL) == -EADDRINUSE;
}

#define ALL_TAKEN 1

/* Once through the numbers of which nothing is known. ALL_TAKEN: none is left; -EEXIST: what is
 * known was wrong of some. */
static int go_through(struct search *a, uint32_t *ret, struct err *e)
{
	struct search_memory *m = a->m;
	uint32_t n = lease_max(&a->pool) - 1, start = m->next++;
	int surprises = 0;

	for (uint32_t i = 0; i < n && surprises < BLIND_TRIES; i++) {
		uint32_t h = 2 + (start % n + i * STRIDE) % n;
		int r;

		if (is_taken(m, h) || (!a->takes_all && is_guests(a, h)))
			continue;
		mark(m, h);
		r = try_host(a, h, e);
		if (r == 0) {
			m->next = h - 1;
			*ret = h;
		}
		if (r != -EEXIST)
			return r;
		surprises++;
	}
	return surprises ? -EEXIST : ALL_TAKEN;
}

static int full(const struct search *a, struct err *e)
{
	return err_set(e, -ENOSPC,
		       "VPN '%s' has no free address: all %u are taken (see `vpnctl status %s`)",
		       a->r->name, lease_max(&a->pool) - 1, a->r->name);
}

int search_take(struct search *a, uint32_t *ret, struct err *e)
{
	bool listed = false;

	a->takes_all = a->r->layout != LAYOUT_BRIDGE;
	for (int round = 0; lease_max(&a->pool) >= 2 && round < ROUNDS; round++) {
		int r = go_through(a, ret, e);

		if (r == ALL_TAKEN && listed && a->takes_all)
			break;
		a->takes_all = a->takes_all || (r == ALL_TAKEN && listed);
		if (r != ALL_TAKEN && r != -EEXIST)
			return r;
		r = list_taken(a, e);
		/* Where others plug so fast that no list is whole, the search goes on without. */
		if (r < 0 && r != -EINTR)
			return r;
		listed = r == 0;
	}
	return full(a, e);
}

void search_give_back(struct search *a, uint32_t host)
{
	struct port port;
	char name[LEASE_IF_LEN];

	lease_port(&a->pool, host, name);
	if (search_need_nsid(a, NULL) == 0 && port_get(a->s.rt, a->nsid, name, &port, NULL) == 0 &&
	    port.group == a->group)
		rtnl_link_delete(a->s.rt, a->nsid, name, NULL);
}
