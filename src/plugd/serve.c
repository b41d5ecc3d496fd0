/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the front says is a claim. A claim about the user is checked against the namespace, which
 * the kernel says to be that user's; the decision is made by the record and the files, read anew
 * for each request. So whoever has taken over the front can plug the namespaces of those who handed
 * it one, and no other.
 *
 * Should: have everything of one request done and closed before the next. Mustn't: sleep, wait for
 * anything but the kernel, or believe a length; use a descriptor before it is known what it is.
 *
 * Called by vpnrund_plug.c.
 */
#include "plugd/serve.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "ipc/plug.h"
#include "plug/attach.h"
#include "plugd/allow.h"
#include "plugd/limit.h"
#include "plugd/whose.h"

#define FAILURES_MAX 1000 /* in a row: a moment without memory must not end it */

/* Its pages are touched only as far as there are VPNs and users. */
static struct {
	struct plug_request request;
	struct attach_users users;
	struct limit_memory limits;
} mem;

static int check_words(const struct plug_head *q, size_t len, struct err *e)
{
	if (len < sizeof(*q) || q->magic != PLUG_MAGIC || q->n_groups > PLUG_GROUPS_MAX ||
	    len != sizeof(*q) + q->n_groups * sizeof(uint32_t) || q->place > PEER_ELSEWHERE ||
	    q->is_lan > 1 || memchr(q->vpn, '\0', sizeof(q->vpn)) == NULL)
		return err_set(e, -EBADMSG, "not a request that the broker makes: restart vpnrund");
	return 0;
}

/* What the file opens is for who asks for it, and in the layout "bridge" for everybody. */
static int find_group(const struct plug_head *q, const struct record *r, uid_t owner, uint32_t *ret,
		      struct err *e)
{
	int rc = q->is_lan ? record_check_lan(r, e) : 0;

	*ret = owner;
	if (rc < 0 || !q->is_lan || r->layout == LAYOUT_BRIDGE)
		return rc;
	if (owner & LEASE_LAN)
		return err_set(e, -EOVERFLOW, "uid %u is too high for --lan", owner);
	*ret |= LEASE_LAN;
	return 0;
}

static int attach(const struct plug_head *q, int netns_fd, uint32_t *ret_host, struct err *e)
{
	struct peer p = {
		.uid = q->uid,
		.gid = q->gid,
		.place = (enum peer_place)q->place,
		.groups = mem.request.groups,
		.n_groups = q->n_groups,
	};
	AUTO_ACCOUNTS struct accounts a = {.passwd = NULL};
	struct record r;
	uint32_t group = 0;
	int rc = record_read(q->vpn, &r, e);

	rc = rc ?: record_check_open(&r, e);
	/* From inside a VPN nothing leads around it, whoever is inside and however. */
	if (rc == 0 && (r.flags & RECORD_DEVICE) && p.place != PEER_HERE)
		rc = err_set(e, -EPERM,
			     "'%s' leads around the VPNs: it is for programs of the host's own "
			     "network, and not from inside a VPN or a container%s",
			     r.name,
			     p.place == PEER_ELSEWHERE ? "" : ", which Linux tells since 5.14");
	rc = rc ?: accounts_load(&a, e);
	rc = rc ?: allow_user(&r, &a, &p, e);
	rc = rc ?: whose_check(netns_fd, &r, &p, e);
	rc = rc ?: limit_check(&mem.limits, mem.users.s, &r, p.owner, e);
	rc = rc ?: find_group(q, &r, p.owner, &group, e);
	rc = rc ?: attach_for_user(&mem.users, &r, netns_fd, group, ret_host, e);
	if (rc == 0)
		limit_add(&mem.limits, &r, p.owner);
	return rc;
}

/* Only by a socket with two ends on this machine: what is written to any other with our capability
 * could be a request to the kernel. */
static int answer(int sock, const struct plug_answer *a)
{
	int domain = AF_UNSPEC;
	socklen_t len = sizeof(domain);

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 || domain != AF_UNIX)
		return -EINVAL;
	return send(sock, a, sizeof(*a), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void serve_one(size_t len, const int fds[2], bool is_cut)
{
	struct plug_answer a = {.code = 0};
	struct err e = ERR_INIT;

	a.code = is_cut || fds[1] < 0
			 ? err_set(&e, -EBADMSG, "not the two descriptors that a request needs")
			 : check_words(&mem.request.head, len, &e);
	if (a.code == 0)
		a.code = attach(&mem.request.head, fds[1], &a.host, &e);
	if (a.code < 0)
		memcpy(a.msg, e.msg, sizeof(a.msg));
	answer(fds[0], &a);
}

/* The number of bytes, 0 at the end. At most two descriptors are ever installed. */
static ssize_t receive(int sock, int fds[2], bool *ret_cut)
{
	struct iovec iov = {&mem.request, sizeof(mem.request)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_LEN(2 * sizeof(int)),
	};
	ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	*ret_cut = m.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	return n;
}

int serve_run(int sock, struct nl_sock *s, struct nl_sock *nft, struct err *e)
{
	const struct plug_answer ready = {.code = 0};
	int failures = 0;

	mem.users.s = s;
	mem.users.nft = nft;
	/* The front waits for that word, and not for long: without it there is nothing to serve. */
	if (answer(sock, &ready) < 0)
		return err_set(e, -EPIPE, "the plugger cannot say that it is ready");
	while (failures < FAILURES_MAX) {
		int fds[2] = {-1, -1};
		bool is_cut = false;
		ssize_t n = receive(sock, fds, &is_cut);

		if (n == 0 && fds[0] < 0)
			return 0;
		failures = n < 0 ? failures + 1 : 0;
		if (n >= 0)
			serve_one((size_t)n, fds, is_cut);
		util_close(&fds[0]);
		util_close(&fds[1]);
	}
	return err_sys(e, -errno, "cannot hear what the broker asks");
}
