/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists, then destroys: each socket by its whole identity. Called by up/bridge_table and
 * default/default_cable.
 */
#include "nl/diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nl/attr.h"

/* They send nothing of their own accord. */
#define TCP_SILENT (1u << 6 /* TIME_WAIT */ | 1u << 7 /* CLOSE */ | 1u << 10 /* LISTEN */)

struct diag_found {
	uint8_t addr[16];
	size_t len;
	struct inet_diag_sockid *at;
	size_t n, room;
};

static int got_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct inet_diag_msg *d = nl_payload(nlh);
	struct diag_found *f = arg;

	if (nl_payload_len(nlh) < sizeof(*d))
		return -EPROTO;
	if (memcmp(d->id.idiag_src, f->addr, f->len) != 0)
		return 0;
	if (f->n == f->room) {
		size_t room = f->room ? f->room * 2 : 16;
		struct inet_diag_sockid *more = reallocarray(f->at, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->at = more;
		f->room = room;
	}
	f->at[f->n++] = d->id;
	return 0;
}

static void begin_sockets(void *arg)
{
	((struct diag_found *)arg)->n = 0;
}

static int find(struct nl_sock *s, struct inet_diag_req_v2 req, bool end, struct diag_found *f,
		struct err *e)
{
	const struct nl_table table = {begin_sockets, got_socket, f};
	struct nl_msg m;
	int r;

	nl_msg_init(&m);
	nl_msg_begin(&m, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	r = nl_read_table(s, &m, &table, e);
	if (r == -ENOENT || r == -EINVAL || r == -EOPNOTSUPP)
		return 0; /* not built in, or its module is not there */
	for (size_t i = 0; end && r >= 0 && i < f->n; i++) {
		req.id = f->at[i];
		nl_msg_init(&m);
		nl_msg_begin(&m, SOCK_DESTROY, 0, &req, sizeof(req));
		r = nl_call(s, &m, e);
		if (r == -ENOENT || r == -EOPNOTSUPP)
			r = 0;
	}
	return r < 0 ? err_wrap(e, r, "cannot find the sockets of an address") : 0;
}

int diag_from(struct nl_sock *s, const struct diag_sockets *of, bool end, size_t *ret,
	      struct err *e)
{
	int family = of->family, protocol = of->protocol;
	struct diag_found own = {.len = family == AF_INET ? 4 : 16};
	struct diag_found mapped = {.addr = {[10] = 0xff, [11] = 0xff}, .len = 16};
	struct inet_diag_req_v2 req = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = (uint8_t)protocol,
		.idiag_states = protocol == IPPROTO_TCP ? ~TCP_SILENT : ~0u,
	};
	int r;

	memcpy(own.addr, of->addr, own.len);
	memcpy(mapped.addr + 12, of->addr, 4);
	r = find(s, req, end, &own, e);
	/* An IPv6 socket may have an IPv4 address. */
	req.sdiag_family = AF_INET6;
	if (r == 0 && family == AF_INET)
		r = find(s, req, end, &mapped, e);
	*ret = own.n + mapped.n;
	free(own.at);
	free(mapped.at);
	return r;
}
