/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ask.h. A server is asked by all that WireGuard itself says: a handshake, which only the owner
 * of that server's key can answer. Called by `vpnctl switch` and `failover`.
 */
#include "keeper/ask.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "tunnel/tunnel_dev.h"
#include "tunnel/uapi.h"
#include "tunnel/via.h"

#define MTU	   1280
#define LOOK_MS	   10
#define ADDRESS_MS 2000 /* then another address of the same name is asked */

/* A copy that carries nothing: no peer has an address behind it. */
static int strip(struct ask *a, const struct profile *p, struct err *e)
{
	size_t n = p->tunnel.n_peers;

	a->peers = calloc(n + 1, sizeof(*a->peers));
	if (!a->peers)
		return err_sys(e, -ENOMEM, "cannot hold %zu peers", n);
	a->tunnel = p->tunnel;
	a->tunnel.has_listen_port = false;
	a->tunnel.peers = a->peers;
	for (size_t i = 0; i < n; i++) {
		a->peers[i] = p->tunnel.peers[i];
		a->peers[i].allowed = NULL;
		a->peers[i].n_allowed = 0;
	}
	return 0;
}

static int start_userspace(struct ask *a, struct err *e)
{
	int back = -1, r = a->socket_fd < 0 ? 0 : ns_netns_enter(a->socket_fd, &back, e);

	a->userspace = true;
	a->go.name = a->device;
	a->go.mtu = MTU;
	a->go.quiet = true;
	r = r ?: userspace_start(&a->go, &a->tunnel, &a->endpoints, a->ns_fd, e);
	ns_netns_leave(&back);
	return r;
}

static int make_device(struct ask *a, struct err *e)
{
	const struct tunnel_dev dev = {a->device, a->ns_fd, false};
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = a->socket_fd < 0 ? nl_sock_open(&s, NETLINK_ROUTE, e)
				 : ns_nl_open(&s, a->socket_fd, NETLINK_ROUTE, e);

	r = r ?: rtnl_link_add_wireguard(&s, a->device, a->ns_fd, MTU, e);
	if (r == -EOPNOTSUPP)
		return start_userspace(a, e);
	return r ?: tunnel_dev_configure(&dev, &a->tunnel, &a->endpoints, e);
}

static int set_up(struct ask *a, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	int r = ns_nl_open(&s, a->ns_fd, NETLINK_ROUTE, e);

	r = r ?: rtnl_link_set_up(&s, a->device, true, e);
	return r < 0 || !a->userspace ? r : userspace_take_up(&a->go, e);
}

static int call(struct ask *a, struct err *e)
{
	const struct tunnel_dev dev = {a->device, a->ns_fd, a->userspace};

	a->since_ms = util_now_ms();
	return tunnel_dev_call(&dev, &a->tunnel, &a->endpoints, e);
}

/* A wireguard-go that is killed with its asker leaves its socket. */
void ask_clear(void)
{
	DIR *d = opendir(UAPI_DIR);
	struct dirent *de;

	while (d && (de = readdir(d))) {
		char name[IFNAMSIZ];
		int pid, n = 0;

		if (sscanf(de->d_name, ASK_PREFIX "%d-%*u.sock%n", &pid, &n) != 1 || !n ||
		    de->d_name[n] || pid < 2 || (kill(pid, 0) == 0 || errno != ESRCH) ||
		    str_fmt(name, sizeof(name), "%.*s", n - 5, de->d_name) < 0)
			continue;
		uapi_remove_stale(name);
	}
	if (d)
		closedir(d);
}

int ask_begin(struct ask *a, const struct profile *p, unsigned int n, struct err *e)
{
	struct record via = {0};
	int r = strip(a, p, e);

	ask_clear();
	if (r == 0)
		r = str_fmt(a->device, sizeof(a->device), ASK_PREFIX "%d-%u", (int)getpid(), n);
	if (r >= 0 && p->via) {
		a->socket_fd = via_open(p, &via, e);
		r = a->socket_fd;
	}
	r = r < 0 ? r : via_resolve(p, a->socket_fd, &via, 0, &a->endpoints, e);
	if (r == 0) {
		a->ns_fd = ns_netns_make(e);
		r = a->ns_fd < 0 ? a->ns_fd : 0;
	}
	r = r ?: make_device(a, e);
	r = r ?: set_up(a, e);
	return r ?: call(a, e);
}

/* -EAFNOSUPPORT: a wireguard-go that has sent by IPv4 takes no IPv6 endpoint, but a fresh one. */
static int readdress(struct ask *a)
{
	const struct tunnel_dev dev = {a->device, a->ns_fd, a->userspace};
	int r = tunnel_dev_set_endpoints(&dev, &a->tunnel, &a->endpoints, NULL);

	if (r != -EAFNOSUPPORT)
		return r;
	userspace_end(&a->go);
	r = start_userspace(a, NULL);
	return r ?: set_up(a, NULL);
}

/* A name may lead to one address that answers and to others that do not. */
static void ask_another_address(struct ask *a)
{
	struct endpoint_set *es = &a->endpoints;

	if (a->at + 1 >= es->n_others || util_now_ms() - a->since_ms < ADDRESS_MS)
		return;
	es->at[es->named] = es->others[++a->at];
	if (readdress(a) == 0)
		call(a, NULL);
}

bool ask_look(struct ask *a)
{
	struct tunnel_stats st;

	if (!a->since_ms || tunnel_dev_stats(a->device, a->ns_fd, a->userspace, &st, NULL) < 0)
		return false;
	if (st.handshake_age_s >= 0)
		return true;
	ask_another_address(a);
	return false;
}

/* The kernel's device goes with its namespace. */
void ask_end(struct ask *a)
{
	if (a->userspace)
		userspace_end(&a->go);
	endpoint_set_free(&a->endpoints);
	if (a->peers)
		util_wipe(a->peers, (a->tunnel.n_peers + 1) * sizeof(*a->peers));
	free(a->peers);
	util_wipe(&a->tunnel, sizeof(a->tunnel));
	util_close(&a->ns_fd);
	util_close(&a->socket_fd);
}

int ask_wait(const struct profile *p, int timeout_ms, struct err *e)
{
	int64_t end = util_now_ms() + timeout_ms;
	struct ask a = ASK_INIT;
	int r = ask_begin(&a, p, 0, e);

	while (r == 0 && util_now_ms() < end) {
		r = ask_look(&a);
		if (r == 0)
			poll(NULL, 0, LOOK_MS);
	}
	ask_end(&a);
	return r;
}
