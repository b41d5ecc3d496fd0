/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only reader of netlink acks. Checks port and sequence number of everything it reads, and
 * takes the kernel's sentence out of NLMSGERR_ATTR_MSG. Never retries a request.
 */
#include "nl/sock.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* What the kernel fills a dump with at most. */
#define RECV_SIZE 32768

int nl_sock_open(struct nl_sock *s, int family, struct err *e)
{
	struct mnl_socket *mnl = mnl_socket_open2(family, SOCK_CLOEXEC);
	int one = 1;
	int r;

	if (!mnl)
		return err_sys(e, -errno, "cannot open a netlink socket");
	if (mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = err_sys(e, -errno, "cannot bind a netlink socket");
		mnl_socket_close(mnl);
		return r;
	}
	/* Old kernels know less; every one of these only makes answers better. */
	mnl_socket_setsockopt(mnl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(mnl, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(mnl, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	s->mnl = mnl;
	s->seq = 0;
	return 0;
}

void nl_sock_close(struct nl_sock *s)
{
	int saved = errno;

	if (s->mnl)
		mnl_socket_close(s->mnl);
	s->mnl = NULL;
	errno = saved;
}

static int send_all(struct nl_sock *s, struct nl_msg *m, uint32_t *first, struct err *e)
{
	size_t at;

	if (m->overflow)
		return err_set(e, -EMSGSIZE, "the request is too long for a netlink message");
	*first = s->seq + 1;
	for (at = 0; at < m->len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(m->buf + at);

		nlh->nlmsg_seq = ++s->seq;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	if (mnl_socket_sendto(s->mnl, m->buf, m->len) < 0)
		return err_sys(e, -errno, "cannot send a netlink request");
	return 0;
}

static int find_text(const struct nlattr *a, void *arg)
{
	const char **text = arg;

	if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*text = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

/* Returns the ack's code, which is 0 or a negative errno, and puts its sentence into e. */
static int read_ack(const struct nlmsghdr *nlh, struct err *e)
{
	const struct nlmsgerr *ne = mnl_nlmsg_get_payload(nlh);
	const char *text = NULL;
	size_t skip = sizeof(*ne);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ne))
		return err_set(e, -EPROTO, "the kernel's answer is too short");
	if (ne->error == 0)
		return 0;
	/* An uncapped ack repeats the request's payload before the attributes. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += ne->msg.nlmsg_len - sizeof(ne->msg);
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && skip <= mnl_nlmsg_get_payload_len(nlh))
		mnl_attr_parse(nlh, (unsigned int)skip, find_text, &text);
	if (text)
		return err_set(e, ne->error, "%s (%s)", strerror(-ne->error), text);
	return err_set(e, ne->error, "%s", strerror(-ne->error));
}

static ssize_t receive(struct nl_sock *s, void *buf, size_t size, struct err *e)
{
	ssize_t n;

	do
		n = mnl_socket_recvfrom(s->mnl, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, -errno, "cannot read the kernel's answer");
	return n;
}

static bool is_ours(const struct nl_sock *s, const struct nlmsghdr *nlh, uint32_t first)
{
	return nlh->nlmsg_pid == mnl_socket_get_portid(s->mnl) && nlh->nlmsg_seq >= first &&
	       nlh->nlmsg_seq <= s->seq;
}

int nl_call(struct nl_sock *s, struct nl_msg *m, struct err *e)
{
	uint8_t buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned int acks = 0;
	uint32_t first;
	int result = send_all(s, m, &first, e);

	if (result < 0)
		return result;
	while (acks < m->count) {
		ssize_t n = receive(s, buf, sizeof(buf), e);
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			struct err ack = ERR_INIT;

			if (!is_ours(s, nlh, first) || nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			acks++;
			if (read_ack(nlh, &ack) < 0 && result == 0) {
				result = ack.code;
				if (e)
					*e = ack;
			}
		}
	}
	return result;
}

/* A dump that failed half-way says so in its last message. */
static int read_done(const struct nlmsghdr *nlh, bool interrupted, struct err *e)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof(code));
	if (code < 0)
		return err_set(e, code, "%s", strerror(-code));
	if (interrupted)
		return err_set(e, -EINTR, "the table changed while read");
	return 0;
}

/* Reads messages up to the ack or NLMSG_DONE. */
static int converse_in(uint8_t *buf, struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg,
		       struct err *e)
{
	bool interrupted = false;
	int stop = 0, seen = 0;
	uint32_t first;
	int r = send_all(s, m, &first, e);

	if (r < 0)
		return r;
	for (;;) {
		ssize_t n = receive(s, buf, RECV_SIZE, e);
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0)
			return (int)n;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (!is_ours(s, nlh, first))
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				r = read_ack(nlh, e);
				return r < 0 ? r : stop < 0 ? stop : seen;
			}
			if (nlh->nlmsg_type == NLMSG_DONE) {
				r = read_done(nlh, interrupted, e);
				return r < 0 ? r : stop < 0 ? stop : seen;
			}
			seen++;
			if (stop == 0 && fn)
				stop = fn(nlh, arg);
		}
	}
}

static int converse(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	uint8_t buf[RECV_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	int r = converse_in(buf, s, m, fn, arg, e);

	/* A WireGuard device's answer has its private key in it. */
	if (s->has_secrets)
		util_wipe(buf, sizeof(buf));
	return r;
}

int nl_query(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	int r = converse(s, m, fn, arg, e);

	if (r == 0)
		return err_set(e, -ENODATA, "the kernel gave no answer");
	return r < 0 ? r : 0;
}

int nl_dump(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	int r = converse(s, m, fn, arg, e);

	return r < 0 ? r : 0;
}
