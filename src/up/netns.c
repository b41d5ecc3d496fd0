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
#include <sys/stat.h>
#include <unistd.h>

#include "nl/rtnl.h"
#include "ns/netns.h"
#include "ns/sysctl.h"
#include "up/netnsfiles.h"
#include "up/plan.h"

#define NETNS_LOCK RUN_DIR "/-.lock" /* no VPN is called so */

static int open_or_create_netns(const char *name, bool *ret_created, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct err why = ERR_INIT;
	int fd = ns_netns_open(NETNS_DIR, name, &why);

	*ret_created = false;
	if (fd >= 0)
		return fd;
	if (fd != -ENOENT && fd != -EBADF)
		return err_set(e, fd, "%s", why.msg);
	/* Two VPNs coming up at once must not both make NETNS_DIR a mount point. A file that nobody
	 * else can open: a lock on the directory itself, everybody could hold. */
	lock = open(NETNS_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_sys(e, -errno, "cannot lock " NETNS_LOCK);
	if (fd == -EBADF) {
		int r = ns_netns_remove(NETNS_DIR, name, e);

		if (r < 0)
			return r;
	}
	fd = ns_netns_create(NETNS_DIR, name, e);
	*ret_created = fd >= 0;
	return fd;
}

static int do_namespace(struct up *u, struct err *e)
{
	struct stat st;

	u->ns_fd = open_or_create_netns(u->p->name, &u->ns_created, e);
	if (u->ns_fd < 0)
		return u->ns_fd;
	if (!u->ns_created && !u->is_ours) {
		int r = step_check_foreign(u->p->name, u->ns_fd, e);

		if (r < 0)
			return r;
	}
	if (fstat(u->ns_fd, &st) < 0)
		return err_sys(e, -errno, "cannot stat the namespace of %s", u->p->name);
	u->record.netns_dev = st.st_dev;
	u->record.netns_ino = st.st_ino;
	return 0;
}

static void undo_namespace(struct up *u)
{
	if (u->ns_created)
		ns_netns_remove(NETNS_DIR, u->p->name, NULL);
}

static int do_sysctls(struct up *u, struct err *e)
{
	static const struct {
		const char *key, *value;
	} all[] = {
		/* First: it resets what follows. */
		{"ipv4/ip_forward", "1"},
		{"ipv4/conf/all/rp_filter", "1"},
		{"ipv4/conf/default/rp_filter", "1"},
		{"ipv4/conf/all/accept_redirects", "0"},
		{"ipv4/conf/default/accept_redirects", "0"},
		{"ipv4/conf/all/send_redirects", "0"},
		{"ipv4/conf/default/send_redirects", "0"},
		{"ipv4/conf/all/accept_source_route", "0"},
		{"ipv4/conf/default/accept_source_route", "0"},
		/* An ARP request on the bridge must not learn the tunnel's address. */
		{"ipv4/conf/all/arp_ignore", "1"},
		/* "Unreachable at once" needs every refusal to be sent. */
		{"ipv4/icmp_ratelimit", "0"},
		{"ipv6/conf/all/forwarding", "1"},
		{"ipv6/conf/all/accept_ra", "0"},
		{"ipv6/conf/default/accept_ra", "0"},
		{"ipv6/conf/all/accept_redirects", "0"},
		{"ipv6/conf/default/accept_redirects", "0"},
		{"ipv6/icmp/ratelimit", "0"},
		/* Ports must stay silent; addr_gen_mode cannot be given when they are made. */
		{"ipv6/conf/default/addr_gen_mode", "1"},
		{"ipv6/conf/default/disable_ipv6", "1"},
		/* Where Docker has loaded br_netfilter, frames would pass the IP hooks twice. */
		{"bridge/bridge-nf-call-iptables", "0"},
		{"bridge/bridge-nf-call-ip6tables", "0"},
		{"bridge/bridge-nf-call-arptables", "0"},
	};
	bool has_ip6 = access("/proc/sys/net/ipv6", F_OK) == 0;
	bool has_br_nf = access("/proc/sys/net/bridge", F_OK) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		int r;

		if ((!has_ip6 && str_starts(all[i].key, "ipv6")) ||
		    (!has_br_nf && str_starts(all[i].key, "bridge")))
			continue;
		r = ns_sysctl_write(u->ns_fd, all[i].key, all[i].value, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Five days, by default, for a connection of somebody who has ended without a word. The least that
 * RFC 5382 allows is still longer than a TCP keepalive takes. The firewall has loaded what this is
 * a setting of; without it, there is the limit of connections and the supervisor. */
static int do_timeouts(struct up *u, struct err *e)
{
	(void)e;
	ns_sysctl_write(u->ns_fd, "netfilter/nf_conntrack_tcp_timeout_established", "7440", NULL);
	return 0;
}

static int ensure_bridge(struct nl_sock *s, const struct up *u, const uint8_t mac[6],
			 struct rtnl_link *ret, struct err *e)
{
	const char *name = u->p->bridge;
	int r = rtnl_link_get(s, RTNL_HERE, name, ret, NULL);

	if (r == 0 && strcmp(ret->kind, "bridge") != 0)
		return err_set(e, -EEXIST, "%s in the namespace of %s is no bridge", name,
			       u->p->name);
	if (r == 0)
		return rtnl_link_set_mtu(s, name, u->mtu, e);
	r = rtnl_link_add_bridge(s, name, mac, u->mtu, e);
	return r < 0 ? r : rtnl_link_get(s, RTNL_HERE, name, ret, e);
}

/* Without a route the kernel's own refusals are slow or lost; with this one, packets that the
 * tunnel does not take reach the firewall, which refuses them at once. */
static int add_fallback(struct nl_sock *s, int family, int ifindex, const char *dev, struct err *e)
{
	struct rtnl_route r = {.family = family, .oif = ifindex, .metric = UINT32_MAX};

	return rtnl_route_replace(s, &r, dev, e);
}

static int do_bridge(struct up *u, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct lease_pool pool = plan_pool(u->p);
	struct in_addr g4 = lease_ip4(&pool, 1);
	struct in6_addr g6 = lease_ip6(&pool, 1);
	bool ip6 = plan_source(u->p, AF_INET6) != NULL;
	const char *br = u->p->bridge;
	struct rtnl_link link;
	uint8_t mac[6];
	char key[64];
	int r;

	lease_mac(&pool, 1, mac);
	r = ns_nl_open(&s, u->ns_fd, NETLINK_ROUTE, e);
	if (r == 0)
		r = rtnl_link_set_up(&s, "lo", true, e);
	if (r == 0)
		r = ensure_bridge(&s, u, mac, &link, e);
	if (r == 0)
		r = rtnl_addr_add(&s, br, AF_INET, &g4, pool.plen, e);
	if (r == 0 && ip6) {
		str_fmt(key, sizeof(key), "ipv6/conf/%s/disable_ipv6", br);
		r = ns_sysctl_write(u->ns_fd, key, "0", e);
		if (r == 0)
			r = rtnl_addr_add(&s, br, AF_INET6, &g6, 64, e);
	}
	if (r == 0)
		r = step_neighbours(&s, &pool, link.ifindex, true, ip6, e);
	if (r == 0)
		r = rtnl_link_set_up(&s, br, true, e);
	if (r == 0)
		r = add_fallback(&s, AF_INET, link.ifindex, br, e);
	if (r == 0 && ip6)
		r = add_fallback(&s, AF_INET6, link.ifindex, br, e);
	if (r == 0)
		u->bridge_ifindex = (uint32_t)link.ifindex;
	return r;
}

static int do_files(struct up *u, struct err *e)
{
	AUTO_FREE char *resolv = NULL;
	int r = plan_resolv_conf(u->p, &resolv, e);

	return r < 0 ? r : netnsfiles_write(u->p->name, resolv, e);
}

static void undo_files(struct up *u)
{
	netnsfiles_remove(u->p->name, NULL);
}

const struct step netns_steps[] = {
	{do_namespace, undo_namespace},
	{do_sysctls, NULL},
	{step_firewall, NULL},
	{do_timeouts, NULL},
	{do_bridge, NULL},
	{step_tunnel, step_undo_tunnel},
	{step_flows, NULL},
	{do_files, undo_files},
	{step_made, NULL},
	{step_record, NULL},
};

const size_t netns_n_steps = ARRAY_SIZE(netns_steps);
