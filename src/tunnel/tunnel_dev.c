/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one front over the kernel's WireGuard and wireguard-go. Which of them it is, the kernel's
 * answer to the first try decides. Must never delete or change a device in the host's namespace.
 * Called by up/apply and by `vpnctl status`.
 */
#include "tunnel/tunnel_dev.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "nl/link.h"
#include "ns/netns.h"
#include "tunnel/supervise.h"
#include "tunnel/supervise_lock.h"
#include "tunnel/tunnel_wg.h"
#include "tunnel/uapi.h"

#define WAIT_TIMEOUT_MS 5000
#define WAIT_LOOK_MS	5
#define LINGER_MS	1000

/* A device of ours whose wireguard-go was just killed may linger for a moment. */
static int check_host(struct nl_sock *host, const char *name, struct err *e)
{
	int64_t end = util_now_ms() + LINGER_MS;
	struct rtnl_link link;

	while (rtnl_link_get(host, RTNL_HERE, name, &link, NULL) == 0) {
		if (strcmp(link.kind, "tun") != 0 || util_now_ms() > end)
			return err_set(
				e, -EEXIST,
				"this machine has an interface %s already, which is not vpnrun's "
				"(wg-quick down %s, or give the VPN another name)",
				name, name);
		poll(NULL, 0, 10);
	}
	return 0;
}

static int configure_kernel(int vpn_netns_fd, const struct wg_device *dev, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock genl = NL_SOCK_INIT;
	int r = ns_nl_open(&genl, vpn_netns_fd, NETLINK_GENERIC, e);

	return r < 0 ? r : wg_device_set(&genl, dev, e);
}

/* A port that is as wished stays untouched: setting it closes the socket for a moment. */
static int configure_userspace(struct wg_device *dev, struct err *e)
{
	struct wg_stats st;

	if (uapi_device_get(dev->name, &st, NULL) == 0 && st.listen_port == dev->listen_port)
		dev->listen_port = 0;
	return uapi_device_set(dev->name, dev, e);
}

int tunnel_dev_configure(const struct tunnel_dev *d, const struct tunnel *t,
			 const struct endpoint_set *es, struct err *e)
{
	struct tunnel_wg w;
	int r = tunnel_wg_make(d->name, t, es, &w, e);

	if (r < 0)
		return r;
	r = d->userspace ? configure_userspace(&w.dev, e)
			 : configure_kernel(d->vpn_netns_fd, &w.dev, e);
	tunnel_wg_free(&w);
	return r;
}

/* What is done to the peers of the kernel's device, and of wireguard-go's. */
struct peers_act {
	int (*kernel)(struct nl_sock *s, const char *name, const struct wg_peer *peers, size_t n,
		      struct err *e);
	int (*userspace)(const char *name, const struct wg_peer *peers, size_t n, struct err *e);
};

static int act_on_peers(const struct peers_act *act, const struct tunnel_dev *d,
			const struct tunnel *t, const struct endpoint_set *es, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock genl = NL_SOCK_INIT;
	struct tunnel_wg w;
	int r = tunnel_wg_make(d->name, t, es, &w, e);

	if (r < 0)
		return r;
	if (d->userspace)
		r = act->userspace(d->name, w.peers, w.dev.n_peers, e);
	else
		r = ns_nl_open(&genl, d->vpn_netns_fd, NETLINK_GENERIC, e);
	if (r == 0 && !d->userspace)
		r = act->kernel(&genl, d->name, w.peers, w.dev.n_peers, e);
	tunnel_wg_free(&w);
	return r;
}

int tunnel_dev_set_endpoints(const struct tunnel_dev *d, const struct tunnel *t,
			     const struct endpoint_set *es, struct err *e)
{
	static const struct peers_act act = {wg_endpoints_set, uapi_endpoints_set};

	return act_on_peers(&act, d, t, es, e);
}

int tunnel_dev_call(const struct tunnel_dev *d, const struct tunnel *t,
		    const struct endpoint_set *es, struct err *e)
{
	static const struct peers_act act = {wg_peers_call, uapi_peers_call};

	return act_on_peers(&act, d, t, es, e);
}

/* Of another kind, it is what somebody else has put into the place of ours. */
static int delete_link(const char *name, int vpn_netns_fd, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct err why = ERR_INIT;
	struct rtnl_link link;
	int r = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, &why);

	if (r == 0)
		r = rtnl_link_get(&s, RTNL_HERE, name, &link, &why);
	if (r == 0 && strcmp(link.kind, "wireguard") != 0 && strcmp(link.kind, "tun") != 0)
		return 0;
	if (r == 0)
		r = rtnl_link_delete(&s, RTNL_HERE, name, &why);
	if (r < 0 && r != -ENODEV)
		return err_set(e, r, "%s", why.msg);
	return 0;
}

int tunnel_dev_create(struct tunnel_dev *d, const struct tunnel *t, const struct endpoint_set *es,
		      struct tunnel_birth *b, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock host = NL_SOCK_INIT;
	int r = b->socket_netns_fd < 0 ? nl_sock_open(&host, NETLINK_ROUTE, e)
				       : ns_nl_open(&host, b->socket_netns_fd, NETLINK_ROUTE, e);

	b->supervisor_pid = 0;
	d->userspace = false;
	if (r == 0)
		r = check_host(&host, d->name, e);
	if (r < 0)
		return r;
	r = rtnl_link_add_wireguard(&host, d->name, d->vpn_netns_fd, b->mtu, e);
	if (r == -EOPNOTSUPP) {
		d->userspace = true;
		return supervise_start(d->name, b->socket_netns_fd, b->mtu, &b->supervisor_pid, e);
	}
	if (r < 0)
		return r;
	r = tunnel_dev_configure(d, t, es, e);
	if (r < 0)
		delete_link(d->name, d->vpn_netns_fd, NULL);
	return r;
}

/* 1: it listens at that port, or, 0, at any; 0: not within the time, or it has lost the one it had
 * when it was to take the one wanted. */
static int wait_port(const char *name, uint16_t want, struct err *e)
{
	int64_t end = util_now_ms() + WAIT_TIMEOUT_MS;
	bool had_port = false;
	struct wg_stats st;

	while (util_now_ms() < end) {
		int r = uapi_device_get(name, &st, e);

		if (r < 0)
			return r;
		if (st.listen_port && (!want || st.listen_port == want))
			return 1;
		if (had_port && !st.listen_port)
			return 0;
		had_port = had_port || st.listen_port;
		poll(NULL, 0, WAIT_LOOK_MS);
	}
	return 0;
}

int tunnel_dev_wait(const char *name, const struct tunnel *t, bool userspace, struct err *e)
{
	uint16_t want = t->has_listen_port ? t->listen_port : 0;
	int r;

	if (!userspace)
		return 0;
	r = supervise_nudge(name, e);
	r = r ?: wait_port(name, want, e);
	if (r > 0)
		return 0;
	if (r == 0 && !want)
		return err_set(e, -ETIMEDOUT, "wireguard-go does not take up %s", name);
	r = r ?: uapi_port_set(name, want, e);
	if (r == -EADDRINUSE)
		return err_set(
			e, r,
			"cannot listen on UDP port %u for %s (ListenPort): another program has it",
			want, name);
	return r;
}

int tunnel_dev_delete(const char *name, int vpn_netns_fd, struct err *e)
{
	int r = supervise_stop(name, e);

	if (r < 0 || vpn_netns_fd < 0)
		return r;
	return delete_link(name, vpn_netns_fd, e);
}

static int64_t age_of(int64_t handshake)
{
	int64_t now = (int64_t)time(NULL);

	if (handshake <= 0)
		return -1;
	return now > handshake ? now - handshake : 0;
}

int tunnel_dev_stats(const char *name, int vpn_netns_fd, bool userspace, struct tunnel_stats *ret,
		     struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT, genl = NL_SOCK_INIT;
	struct tunnel_stats st = {.handshake_age_s = -1};
	struct wg_stats wg = {0};
	struct err why = ERR_INIT;
	struct rtnl_link link;
	int r = ns_nl_open(&s, vpn_netns_fd, NETLINK_ROUTE, &why);

	if (r == 0)
		r = rtnl_link_get(&s, RTNL_HERE, name, &link, &why);
	if (r == -ENODEV) {
		*ret = st;
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "%s", why.msg);
	st.present = true;
	st.up = link.flags & IFF_UP;
	if (userspace)
		r = uapi_device_get(name, &wg, &why);
	else
		r = ns_nl_open(&genl, vpn_netns_fd, NETLINK_GENERIC, &why);
	if (r == 0 && !userspace)
		r = wg_device_get(&genl, name, &wg, &why);
	if (r == 0) {
		st.asked = true;
		st.handshake_age_s = age_of(wg.handshake);
		st.rx = wg.rx;
		st.tx = wg.tx;
		st.keepalive = wg.keepalive;
		st.listen_port = wg.listen_port;
		st.peer = wg.endpoint;
		endpoint_format(&wg.endpoint, st.endpoint);
	}
	*ret = st;
	return 0;
}
