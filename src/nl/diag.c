/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inet sockets by <linux/inet_diag.h>. An IPv6 socket keeps sending with an address that no device
 * has any more; nothing but this ends it. Called by vpn/default_cable.
 */
#include "nl/diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/rtnl.h"

#ifndef SOCK_DESTROY
#define SOCK_DESTROY 21
#endif

#define ALL_STATES UINT32_MAX

struct diag_walk {
	int family;
	const void *addr;
	struct inet_diag_sockid *ids; /* owned */
	size_t n;
};

static int got_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct diag_walk *w = arg;
	struct inet_diag_sockid *more;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*msg) || msg->idiag_family != w->family ||
	    memcmp(msg->id.idiag_src, w->addr, rtnl_addr_len(w->family)) != 0)
		return 0;
	more = reallocarray(w->ids, w->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->ids = more;
	w->ids[w->n++] = msg->id;
	return 0;
}

static int destroy(struct nl_sock *s, uint8_t protocol, const struct diag_walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct inet_diag_req_v2 req = {
			.sdiag_family = (uint8_t)w->family,
			.sdiag_protocol = protocol,
			.idiag_states = ALL_STATES,
			.id = w->ids[i],
		};
		struct nl_msg m;
		int r;

		nl_msg_init(&m);
		nl_msg_begin(&m, SOCK_DESTROY, 0, &req, sizeof(req));
		r = nl_call(s, &m, NULL);
		if (r == -EOPNOTSUPP)
			break; /* other failures: it has ended meanwhile */
	}
	return 0;
}

int diag_destroy(struct nl_sock *s, int family, const void *addr, struct err *e)
{
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(protocols); i++) {
		const struct inet_diag_req_v2 req = {
			.sdiag_family = (uint8_t)family,
			.sdiag_protocol = protocols[i],
			.idiag_states = ALL_STATES,
		};
		struct diag_walk w = {.family = family, .addr = addr};
		struct nl_msg m;

		nl_msg_init(&m);
		nl_msg_begin(&m, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
		r = nl_dump(s, &m, got_socket, &w, e);
		if (r == 0)
			destroy(s, protocols[i], &w);
		free(w.ids);
		if (r == -ENOENT || r == -EOPNOTSUPP || r == -EINTR)
			r = 0; /* no module for it; or some have come and gone */
	}
	return r < 0 ? err_wrap(e, "cannot end the connections of an address") : 0;
}
