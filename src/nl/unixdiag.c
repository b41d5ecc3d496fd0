/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See unixdiag.h. Ten times faster than /proc/net/unix, and a name with a newline in it cannot be
 * taken for two. Called by session/listeners.c, on the way of every launch.
 */
#include "nl/unixdiag.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "nl/attr.h"

/* Who listens; who has a name and no peer, a datagram socket or one that will listen soon; and who
 * has a peer: whoever connects to a datagram socket makes it look connected, too. */
#define STATES (1u << TCP_LISTEN | 1u << TCP_CLOSE | 1u << TCP_ESTABLISHED)

struct unix_walk {
	unixdiag_fn fn;
	void *arg;
};

static void read_attr(const struct nlattr *a, void *arg)
{
	struct unixdiag *s = arg;
	struct unix_diag_vfs vfs;
	size_t len = nl_attr_len(a);

	if (nl_attr_type(a) == UNIX_DIAG_NAME) {
		s->len =
			strnlen(nl_attr_data(a), len < UNIXDIAG_NAME_MAX ? len : UNIXDIAG_NAME_MAX);
		memcpy(s->name, nl_attr_data(a), s->len);
		s->name[s->len] = '\0';
	} else if (nl_attr_type(a) == UNIX_DIAG_VFS && len >= sizeof(vfs)) {
		memcpy(&vfs, nl_attr_data(a), sizeof(vfs));
		s->ino = vfs.udiag_vfs_ino;
	} else if (nl_attr_type(a) == UNIX_DIAG_UID && len >= sizeof(s->uid)) {
		s->uid = nl_attr_u32(a);
	}
}

static int got_socket(const struct nlmsghdr *nlh, void *arg)
{
	const struct unix_walk *w = arg;
	const struct unix_diag_msg *d = nl_payload(nlh);
	struct unixdiag s = {.len = 0, .uid = UINT32_MAX};

	if (nl_payload_len(nlh) < sizeof(*d))
		return -EPROTO;
	/* A connection that was accepted has its listener's name. */
	if (d->udiag_state == TCP_ESTABLISHED && d->udiag_type != SOCK_DGRAM)
		return 0;
	nl_attr_each(nlh, sizeof(*d), read_attr, &s);
	/* It has no name, or an abstract one, which begins with a NUL. */
	return s.len ? w->fn(&s, w->arg) : 0;
}

int unixdiag_each(struct nl_sock *s, bool uids, unixdiag_fn fn, void *arg, struct err *e)
{
	const struct unix_diag_req req = {
		.sdiag_family = AF_UNIX,
		.udiag_states = STATES,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | (uids ? UDIAG_SHOW_UID : 0),
	};
	struct unix_walk w = {fn, arg};
	struct nl_msg m;

	nl_msg_init(&m);
	nl_msg_begin(&m, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &req, sizeof(req));
	return nl_dump(s, &m, got_socket, &w, e);
}
