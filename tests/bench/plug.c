/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See plug.h. Uses the product's own netlink layer and lease table, so that the floor's cables are
 * the product's cables; takes numbers from the end of the pool, where the broker comes last.
 */
#include "plug.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cable.h"
#include "nl/addr.h"
#include "nl/link.h"
#include "nl/route.h"
#include "ns/netns.h"

#define SETTLE_MS 20000

int plug_open(struct plug *p, const char *vpn, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->vpn_fd = -1;
	if (record_read(vpn, &p->r, e) < 0)
		return e->code;
	p->pool = record_pool(&p->r);
	p->vpn_fd = record_open_netns(&p->r, e);
	if (p->vpn_fd < 0 || nl_sock_open(&p->here, NETLINK_ROUTE, e) < 0 ||
	    ns_nl_open(&p->there, p->vpn_fd, NETLINK_ROUTE, e) < 0)
		return e->code;
	return 0;
}

uint32_t plug_hand_host(const struct plug *p)
{
	return lease_max(&p->pool) - PLUG_KEPT;
}

static int plug_veth(struct nl_sock *s, const struct plug *p, uint32_t h, int netns, struct err *e)
{
	char port[LEASE_IF_LEN];
	uint8_t mac[6];
	struct rtnl_veth v = {
		.name = port,
		.netns_fd = p->vpn_fd,
		.master = p->r.bridge_ifindex,
		.mtu = p->r.mtu,
		.peer_name = LEASE_CABLE,
		.peer_netns_fd = netns,
		.peer_mac = mac,
	};

	lease_port(&p->pool, h, port);
	lease_mac(&p->pool, h, mac);
	return rtnl_link_add_veth(s, &v, e);
}

static void describe(const struct plug *p, uint32_t h, struct cable *c)
{
	c->plen4 = p->pool.plen;
	c->has4 = (p->r.flags & RECORD_HAS_IP4) != 0;
	c->has6 = (p->r.flags & RECORD_HAS_IP6) != 0;
	c->addr4 = lease_ip4(&p->pool, h);
	c->gateway4 = lease_ip4(&p->pool, 1);
	c->addr6 = lease_ip6(&p->pool, h);
	c->gateway6 = lease_ip6(&p->pool, 1);
}

static int receive_fd(int sock)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cm;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	cm = CMSG_FIRSTHDR(&msg);
	if (!cm || cm->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	return fd;
}

static void serve(const struct plug *p, int sock, uint32_t top, uint32_t count)
{
	struct nl_sock s = NL_SOCK_INIT;
	uint32_t h = top;
	struct err e = ERR_INIT;
	int netns;

	if (nl_sock_open(&s, NETLINK_ROUTE, &e) < 0)
		_exit(1);
	while ((netns = receive_fd(sock)) >= 0) {
		struct cable c = {0};

		/* The last one's port may be there still. */
		h = h <= top - count + 1 ? top : h - 1;
		c.error = plug_veth(&s, p, h, netns, &e);
		describe(p, h, &c);
		if (send(sock, &c, sizeof(c), MSG_NOSIGNAL) < 0)
			break;
		/* After the answer, as the launcher need not wait for this. */
		close(netns);
	}
	_exit(0);
}

int plug_serve(const struct plug *p, uint32_t top, uint32_t count, struct err *e)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, -errno, "cannot make a socket pair");
	pid = fork();
	if (pid < 0)
		return err_sys(e, -errno, "cannot fork");
	if (pid == 0) {
		close(pair[0]);
		serve(p, pair[1], top, count);
	}
	close(pair[1]);
	return pair[0];
}

static int configure(const struct plug *p, uint32_t h, struct err *e)
{
	struct nl_sock s = NL_SOCK_INIT;
	struct in_addr a4 = lease_ip4(&p->pool, h), g4 = lease_ip4(&p->pool, 1);
	struct rtnl_route def = {.family = AF_INET, .gateway = &g4, .oif = 2};
	struct nl_msg m;

	if (nl_sock_open(&s, NETLINK_ROUTE, e) < 0)
		return e->code;
	nl_msg_init(&m);
	rtnl_put_link_up(&m, 1);
	rtnl_put_link_up_quiet(&m, 2);
	rtnl_put_addr(&m, 2, &(struct rtnl_addr){AF_INET, &a4, p->pool.plen, false});
	rtnl_put_route(&m, &def);
	nl_call(&s, &m, e);
	nl_sock_close(&s);
	return e->code;
}

static int make_sandbox(const struct plug *p, struct nl_sock *host, uint32_t h, struct err *e)
{
	int netns;

	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot make a network namespace");
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return err_sys(e, -errno, "cannot open /proc/self/ns/net");
	/* The namespace lives by its descriptor, which stays open. */
	return plug_veth(host, p, h, netns, e) < 0 ? e->code : configure(p, h, e);
}

int plug_into(struct plug *p, const char *path, struct err *e)
{
	int netns = open(path, O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return err_sys(e, -errno, "cannot open %s", path);
	if (plug_veth(&p->here, p, plug_hand_host(p), netns, e) < 0)
		return e->code;
	if (setns(netns, CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot enter %s", path);
	return configure(p, plug_hand_host(p), e);
}

int plug_hold(const struct plug *p, unsigned int n, int *ret_fd, struct err *e)
{
	int down[2], up[2];
	pid_t pid;
	char c = 'n';

	if (n + PLUG_KEPT + 2 > lease_max(&p->pool))
		return err_set(e, -ENOSPC, "the pool of %s has only %u numbers", p->r.name,
			       lease_max(&p->pool));
	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
		return err_sys(e, -errno, "cannot make a pipe");
	pid = fork();
	if (pid < 0)
		return err_sys(e, -errno, "cannot fork");
	if (pid == 0) {
		struct rlimit lim;
		struct nl_sock host = NL_SOCK_INIT;
		int r = nl_sock_open(&host, NETLINK_ROUTE, e);

		close(down[1]);
		close(up[0]);
		if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
			lim.rlim_cur = lim.rlim_max;
			setrlimit(RLIMIT_NOFILE, &lim);
		}
		for (unsigned int i = 0; r == 0 && i < n; i++)
			r = make_sandbox(p, &host, i + 2, e);
		if (r < 0)
			dprintf(2, "bench: %s\n", e->msg);
		else if (write(up[1], "y", 1) == 1 && read(down[0], &c, 1) < 0)
			_exit(1);
		_exit(r < 0);
	}
	close(down[0]);
	close(up[1]);
	if (read(up[0], &c, 1) != 1) {
		close(down[1]);
		close(up[0]);
		return err_set(e, -EIO, "cannot hold %u sandboxes", n);
	}
	close(up[0]);
	*ret_fd = down[1];
	return 0;
}

int plug_count(struct plug *p, struct err *e)
{
	AUTO_FREE struct rtnl_link *links = NULL;
	size_t n;
	int count = 0;

	if (rtnl_link_list(&p->there, RTNL_HERE, &links, &n, e) < 0)
		return e->code;
	for (size_t i = 0; i < n; i++)
		count += links[i].master == (int)p->r.bridge_ifindex;
	return count;
}

int plug_settle(struct plug *p, unsigned int n, struct err *e)
{
	const struct timespec tick = {0, 2000000};
	int64_t until = util_now_ms() + SETTLE_MS;

	do {
		int count = plug_count(p, e);

		if (count < 0)
			return count;
		if (count == (int)n)
			return 0;
		nanosleep(&tick, NULL);
	} while (util_now_ms() < until);
	return err_set(e, -ETIMEDOUT, "%s has other ports than the %u expected", p->r.name, n);
}
