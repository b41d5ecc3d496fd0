/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opens ports of the tunnel for sandboxes. What is open is written on the cables themselves; the
 * firewall's sets are always made anew from that. An entry that has outlived its sandbox opens
 * nothing: it names the index of a device, which the kernel gives to no other, and what came by an
 * inbound port leaves the bridge by that device alone. So nobody has to watch sandboxes end, and
 * this process may be killed at any point. Must never open a port where connections of the last at
 * that number are still known. Called by keeper/supervise_run.c.
 */
#include "keeper/inbound_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/ports.h"
#include "nl/addr.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "wall/firewall.h"
#include "wall/flows.h"
#include "wall/open_ports.h"
#include "state/inbound.h"
#include "conf/model.h"
#include "state/zone.h"

#define BROKER_USER "vpnrun"
#define REQUEST_MS  1000

/* --- one request ----------------------------------------------------------------------------- */

static struct rtnl_link *find_cable(const struct record *r, const struct inbound_cables *c,
				    const struct inbound_request *q)
{
	struct lease_pool pool = record_pool(r);

	for (size_t i = 0; i < c->n; i++)
		if (lease_from_port(&pool, c->at[i].name) == q->host &&
		    lease_owner(c->at[i].group) == q->uid)
			return &c->at[i];
	return NULL;
}

/* Packets wait up to three seconds for a neighbour's answer. The neighbours of a VPN's own
 * namespace are permanent. */
static int forget_neighbour(struct nl_sock *s, const struct record *r, uint32_t host, struct err *e)
{
	struct lease_pool pool = record_pool(r);
	struct in_addr a4 = lease_ip4(&pool, host);
	struct nl_msg m;
	int rc;

	if (r->layout != LAYOUT_BRIDGE)
		return 0;
	nl_msg_init(&m);
	rtnl_put_neigh_gone(&m, (int)r->bridge_ifindex, AF_INET, &a4);
	rc = nl_call(s, &m, e);
	return rc == -ENOENT ? 0 : rc < 0 ? err_wrap(e, rc, "cannot forget a neighbour") : 0;
}

/* What still comes in for who had the number before goes to whoever has a port open there. So first
 * the sets lose what opened it, since each packet would make the connection anew; then it is
 * forgotten, and what is on its way. */
static int forget_former(struct nl_sock *s, const struct record *r, int ns_fd, uint32_t host,
			 struct err *e)
{
	int rc = firewall_refresh_ports(r, ns_fd, e);

	if (rc == 0)
		rc = flows_forget_inbound(r, ns_fd, host, e);
	return rc < 0 ? rc : forget_neighbour(s, r, host, e);
}

static int open_ports(const struct record *r, int ns_fd, const struct inbound_request *q,
		      struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct inbound_cables c = {0};
	char text[INBOUND_TEXT_LEN];
	struct rtnl_link *own;
	int rc = open_ports_cables(r, ns_fd, &c, e);

	if (rc < 0)
		return rc;
	own = find_cable(r, &c, q);
	if (!own)
		rc = err_set(e, -ENODEV, "the sandbox has no cable to VPN '%s' any more", r->name);
	for (uint32_t i = 0; rc == 0 && i < q->n; i++)
		rc = inbound_check_free(r, &c, own, &q->at[i], e);
	inbound_format(q->at, q->n, text);
	rc = rc ?: ns_nl_open(&s, ns_fd, NETLINK_ROUTE, e);
	rc = rc ?: forget_former(&s, r, ns_fd, q->host, e);
	rc = rc ?: rtnl_link_set_alias(&s, own->name, text, e);
	rc = rc ?: firewall_refresh_ports(r, ns_fd, e);
	if (rc < 0 && s.fd >= 0)
		rtnl_link_set_alias(&s, own->name, "", NULL);
	free(c.at);
	return rc;
}

/* What the broker asks for is judged here once more: it serves strangers. That the lease is the
 * user's it alone can know. */
static int check_asked(const struct record *r, const struct inbound_request *q, struct err *e)
{
	if (q->uid == 0)
		return err_set(e, -EPERM, "a sandbox of root's asks for its ports by itself");
	return inbound_check(r, q->at, q->n, e);
}

static int serve_request(const char *name, int ns_fd, bool by_root, const struct inbound_request *q,
			 struct err *e)
{
	struct record r;
	int rc = record_read_up(name, &r, e);

	if (rc == 0 && (q->magic != INBOUND_MAGIC || q->n < 1 || q->n > PORT_MAPS_MAX))
		rc = err_set(e, -EBADMSG, "no request for a port");
	for (uint32_t i = 0; rc == 0 && i < q->n; i++)
		if (!inbound_is_sound(&q->at[i]))
			rc = err_set(e, -EBADMSG, "no request for a port");
	if (rc == 0 && !by_root)
		rc = check_asked(&r, q, e);
	return rc < 0 ? rc : open_ports(&r, ns_fd, q, e);
}

static bool is_trusted(int sock, bool *ret_root)
{
	const struct passwd *pw = getpwnam(BROKER_USER);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	*ret_root = cred.uid == 0;
	return *ret_root || (pw && cred.uid == pw->pw_uid);
}

void inbound_serve(int listen_fd, const char *name, int vpn_netns_fd)
{
	AUTO_CLOSE int sock = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct inbound_request q = {0};
	struct err e = ERR_INIT;
	char text[INBOUND_TEXT_LEN];
	bool by_root = false;

	if (sock < 0 || !is_trusted(sock, &by_root) || poll(&p, 1, REQUEST_MS) != 1 ||
	    recv(sock, &q, sizeof(q), MSG_DONTWAIT) != (ssize_t)sizeof(q))
		return;
	/* Who has given up holds the sandbox no more: that lease may be another's by now. */
	if (poll(&p, 1, 0) < 0 || (p.revents & (POLLHUP | POLLERR)))
		return;
	e.code = serve_request(name, vpn_netns_fd, by_root, &q, &e);
	if (e.code == 0) {
		inbound_format(q.at, q.n, text);
		log_info("%s: lease %u of uid %u is open at %s", name, q.host, q.uid, text);
	}
	send(sock, &e, sizeof(e), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int inbound_listen(const char *name, struct err *e)
{
	const struct passwd *pw = getpwnam(BROKER_USER);
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int rc;

	if (fd < 0)
		return err_sys(e, -errno, "cannot make a socket");
	str_fmt(sa.sun_path, sizeof(sa.sun_path), RUN_DIR "/%s.inbound", name);
	rc = file_remove(sa.sun_path, e);
	if (rc < 0)
		return rc;
	/* umask is 077: nobody else can connect before the owner is set, or after. */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(sa.sun_path, 0600) < 0 || (pw && chown(sa.sun_path, pw->pw_uid, 0) < 0) ||
	    listen(fd, 64) < 0)
		return err_sys(e, -errno, "cannot listen at %s", sa.sun_path);
	return take_fd(&fd);
}
