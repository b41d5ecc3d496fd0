/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `up` as a table of steps with their undo. The order is the safety: the namespace is closed
 * (sysctls, firewall) before the bridge exists, the bridge before the tunnel, and the record, which
 * is what makes the broker plug cables in, is written last and taken back first.
 */
#include "up/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nl/rtnl.h"
#include "ns/netns.h"
#include "up/bridge.h"
#include "up/finish.h"
#include "up/firewall.h"
#include "up/flows.h"
#include "up/forwarding.h"
#include "up/hold.h"
#include "up/netnsfiles.h"
#include "up/passage.h"
#include "tunnel/path.h"
#include "up/plan.h"
#include "state/lock.h"
#include "state/note.h"
#include "state/record.h"
#include "tunnel/resolve.h"
#include "up/steps.h"
#include "tunnel/supervise.h"
#include "tunnel/tunnel_dev.h"
#include "tunnel/via.h"

#define NETNS_LOCK RUN_DIR "/-.lock" /* no VPN is called so */

/* --- steps ----------------------------------------------------------------------------------- */

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

		/* Tunnel modules put devices that are down into every new namespace. */
		if (!(l->flags & IFF_UP) || (l->flags & IFF_LOOPBACK) || hold_is_lease(l) ||
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

int step_firewall(struct up *u, struct err *e)
{
	return firewall_apply(u->p, u->ns_fd, e);
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

int step_neighbours(struct nl_sock *s, const struct lease_pool *pool, int ifindex, bool ip4,
		    bool ip6, struct err *e)
{
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	for (uint32_t h = 2; h <= lease_max(pool); h++) {
		struct in_addr a4 = lease_ip4(pool, h);
		struct in6_addr a6 = lease_ip6(pool, h);
		uint8_t mac[6];

		lease_mac(pool, h, mac);
		if (ip4)
			rtnl_put_neigh(&m, ifindex, AF_INET, &a4, mac);
		if (ip6)
			rtnl_put_neigh(&m, ifindex, AF_INET6, &a6, mac);
		if (nl_msg_room(&m) > 512 && h < lease_max(pool))
			continue;
		r = nl_call(s, &m, e);
		if (r < 0)
			return err_wrap(e, r, "cannot set the bridge's neighbours");
		nl_msg_init(&m);
	}
	return 0;
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

/* A socket stays where it was made. */
static bool is_socket_there(const struct up *u)
{
	struct stat st = {0};

	if (u->socket_fd >= 0 && fstat(u->socket_fd, &st) < 0)
		return false;
	return u->old.via_dev == st.st_dev && u->old.via_ino == st.st_ino;
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

/* Until it does its work, so that what ends meanwhile is noticed. */
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
	int r;

	u->userspace = u->old.flags & RECORD_USERSPACE;
	u->supervisor_pid = u->old.supervisor_pid;
	r = tunnel_dev_configure(u->p->name, u->ns_fd, u->userspace, &u->p->tunnel, &u->endpoints,
				 e);
	return r < 0 ? r : finish_tunnel(u, e);
}

/* What a killed run left may have any configuration. */
static int make_tunnel(struct up *u, struct err *e)
{
	int r = tunnel_dev_delete(u->p->name, u->ns_fd, e);

	if (r == 0)
		r = tunnel_dev_create(u->p->name, u->ns_fd, u->socket_fd, &u->p->tunnel,
				      &u->endpoints, u->mtu, &u->userspace, &u->supervisor_pid, e);
	return r < 0 ? r : finish_tunnel(u, e);
}

/* Whatever has ended while it was kept, supervisor or wireguard-go, is made anew: of one that
 * cannot be kept, undo would leave nothing anyway. */
int step_tunnel(struct up *u, struct err *e)
{
	struct err why = ERR_INIT;

	if (!may_keep_tunnel(u))
		return make_tunnel(u, e);
	if (keep_tunnel(u, &why) == 0 && may_keep_tunnel(u))
		return 0;
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
	rc = record_write(&r, e);
	/* Without a supervisor nothing is forwarded, and `status` says so. */
	if (rc == 0)
		supervise_reread(u->p->name, NULL);
	return rc;
}

static const struct step netns_steps[] = {
	{do_namespace, undo_namespace},
	{do_sysctls, NULL},
	{step_firewall, NULL},
	{do_timeouts, NULL},
	{do_bridge, NULL},
	{step_tunnel, step_undo_tunnel},
	{step_flows, NULL},
	{do_files, undo_files},
	{step_record, NULL},
};

/* After a failed up, the record must not promise a tunnel. What was up before, and nobody has taken
 * down, is still to be brought back: the record says that, too. */
static void record_as_failed(const struct up *u, const struct err *why)
{
	struct record r = u->old;
	bool is_lost = r.id && r.state != RECORD_DOWN;

	if (!is_lost && (u->ns_created || r.id == 0)) {
		record_remove(u->p->name, NULL);
		return;
	}
	r.state = is_lost ? RECORD_LOST : RECORD_DOWN;
	r.supervisor_pid = 0;
	snprintf(r.why, sizeof(r.why), "%.*s", (int)sizeof(r.why) - 1, is_lost ? why->msg : "");
	record_write(&r, NULL);
}

static int run_steps(struct up *u, const struct step *steps, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		int r = steps[i].act(u, &why);

		if (r == 0)
			continue;
		record_as_failed(u, &why);
		for (size_t j = i + 1; j-- > 0;)
			if (steps[j].undo)
				steps[j].undo(u);
		return err_set(e, r, "%s", why.msg);
	}
	return 0;
}

static int run_layout(struct up *u, struct err *e)
{
	struct record rec;
	int r;

	if (u->p->layout == LAYOUT_BRIDGE) {
		r = run_steps(u, bridge_steps, bridge_n_steps, e);
		/* It is up, and of no use: that matters more than what else there is to say. */
		if (r == 0 && u->note && record_read(u->p->name, &rec, NULL) == 0)
			passage_judge(&rec, u->note);
		return r;
	}
	return run_steps(u, netns_steps, ARRAY_SIZE(netns_steps), e);
}

/* --- up -------------------------------------------------------------------------------------- */

static bool has_same_ground(const struct record *o, const struct profile *p)
{
	return o->id == p->id && o->subnet4.s_addr == p->subnet4.s_addr &&
	       o->subnet4_plen == p->subnet4_plen && !strcmp(o->bridge, p->bridge);
}

static bool is_same(const struct up *u)
{
	return u->old.layout == (uint32_t)u->p->layout && has_same_ground(&u->old, u->p);
}

/* A kept namespace has the addresses of the id and subnet that it was made with. */
static int check_unchanged(const struct up *u, struct err *e)
{
	const struct record *o = &u->old;
	const struct profile *p = u->p;
	struct default_note n;
	struct hold h = {0};
	int fd, r;

	if (o->id == 0 || (o->layout == (uint32_t)p->layout && has_same_ground(o, p)))
		return 0;
	/* The default's rules are those of the old id, and its table. */
	if (default_note_read(&n, NULL) == 0 && default_has(&n, p->name))
		return err_set(
			e, -EBUSY,
			"VPN '%s' has another layout, id, subnet or bridge than when it came "
			"up, and is the machine's default; first: vpnctl default none",
			p->name);
	fd = record_open_netns(o, NULL);
	if (fd < 0)
		return 0;
	r = o->layout == LAYOUT_BRIDGE ? bridge_count_ports(o, &h.leases, e)
				       : hold_count(fd, &h, e);
	close(fd);
	if (r < 0 || (u->is_restart && h.leases + h.processes == 0))
		return r;
	return err_set(
		e, -EBUSY,
		"VPN '%s' has another layout, id, subnet or bridge than when it came up, and is in use "
		"(%u inside); first: vpnctl down --force %s",
		p->name, h.leases + h.processes, p->name);
}

/* Endpoints and the way to them, as seen from where the socket is to be. */
static int look_outside(struct up *u, struct err *e)
{
	struct err path_note = ERR_INIT;
	struct record via;
	int r, back = -1;

	if (u->p->via) {
		u->via_lock = vpn_lock(u->p->via, e);
		if (u->via_lock < 0)
			return u->via_lock;
	}
	u->socket_fd = via_open(u->p, &via, e);
	if (u->socket_fd < 0 && u->p->via)
		return u->socket_fd;
	r = via_resolve(u->p, u->socket_fd, &via, RESOLVE_RETRIES, &u->endpoints, e);
	if (r == 0 && u->socket_fd >= 0)
		r = ns_netns_enter(u->socket_fd, &back, e);
	if (r == 0)
		r = via_check_way(u->p, &via, &u->endpoints, e);
	if (r == 0) {
		r = path_mtu(&u->p->tunnel, &u->endpoints, &u->mtu, &path_note);
		if (r < 0 && e)
			*e = path_note;
	}
	ns_netns_leave(&back);
	if (r == 0 && u->note)
		*u->note = path_note;
	return r;
}

static int check_before(struct up *u, struct err *e)
{
	int r, fd;

	if (record_read(u->p->name, &u->old, NULL) < 0)
		memset(&u->old, 0, sizeof(u->old));
	r = check_unchanged(u, e);
	if (r == 0)
		r = plan_check_subnet(u->p, e);
	if (r == 0)
		r = plan_check_uplink(u->p, e);
	if (r == 0)
		r = netnsfiles_check(u->p->name, e);
	if (r == 0)
		r = look_outside(u, e);
	if (r < 0)
		return r;
	if (u->note && !u->note->msg[0] && u->p->layout == LAYOUT_BRIDGE &&
	    plan_source(u->p, AF_INET6) && !forwarding_has_ip6(u->p))
		forwarding_say_no_ip6(u->p, u->note->msg, sizeof(u->note->msg));
	fd = u->old.id ? record_open_netns(&u->old, NULL) : -1;
	u->is_ours = fd >= 0;
	u->was_up = fd >= 0 && u->old.state == RECORD_UP;
	if (fd >= 0)
		close(fd);
	return u->is_ours && is_same(u) && u->p->layout == LAYOUT_BRIDGE
		       ? bridge_check_again(u->p, e)
		       : 0;
}

#define UP_INIT(profile, remark)                                                               \
	{                                                                                      \
		.p = (profile), .note = (remark), .ns_fd = -1, .socket_fd = -1, .via_lock = -1 \
	}

static void end_up(struct up *u)
{
	util_close(&u->ns_fd);
	util_close(&u->socket_fd);
	util_close(&u->via_lock);
	endpoint_set_free(&u->endpoints);
}

/* Asked under the lock: whoever takes it down on purpose has it until the record says so. */
static bool is_lost(const char *name)
{
	struct record r;

	if (record_read(name, &r, NULL) < 0 || r.state == RECORD_DOWN)
		return false;
	return r.state == RECORD_LOST || supervise_is_alive(name, NULL) == 0;
}

static int up(const struct profile *p, bool only_lost, struct err *note, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, note);
	int r;

	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	if (only_lost && !is_lost(p->name))
		return 1;
	r = check_before(&u, e);
	if (r == 0)
		r = run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot bring up %s", p->name) : 0;
}

int vpn_up(const struct profile *p, struct err *note, struct err *e)
{
	return up(p, false, note, e);
}

int vpn_revive(const struct profile *p, struct err *note, struct err *e)
{
	int r = up(p, true, note, e);

	/* What is worth a note to who brings a tunnel up, is here what was asked for. */
	if (r == 0 && supervise_is_alive(p->name, NULL) == 0)
		return err_set(e, -ECHILD, "the supervisor of %s does not stay", p->name);
	return r;
}

/* --- restart --------------------------------------------------------------------------------- */

/* Takes the old tunnel away and keeps what it was in, also when empty: a service that starts at
 * this moment must find it. Only what was made for another layout, id or subnet, and nobody holds,
 * goes. */
static int close_for_restart(struct up *u, struct err *e)
{
	bool stays = is_same(u);
	struct down_report rep = {0};
	AUTO_CLOSE int ns_fd = -1;
	int r;

	if (!u->is_ours)
		return 0;
	ns_fd = record_open_netns(&u->old, e);
	if (ns_fd < 0)
		return ns_fd;
	/* No new cables from here on. */
	if (u->old.state != RECORD_DOWN)
		u->old.state = RECORD_LOST;
	u->old.why[0] = '\0';
	r = record_write(&u->old, e);
	if (r == 0)
		r = tunnel_dev_delete(u->p->name, ns_fd, e);
	u->was_up = false;
	if (r < 0 || stays)
		return r;
	u->is_ours = false;
	if (u->old.layout == LAYOUT_BRIDGE)
		return bridge_down(&u->old, true, &rep, e);
	r = ns_netns_remove(NETNS_DIR, u->p->name, e);
	return r < 0 ? r : netnsfiles_remove(u->p->name, e);
}

int vpn_restart(const struct profile *p, struct err *note, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, note);
	int r;

	u.is_restart = true;
	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	r = check_before(&u, e);
	if (r == 0)
		r = close_for_restart(&u, e);
	if (r == 0)
		r = run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot restart %s", p->name) : 0;
}
