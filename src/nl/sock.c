/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only reader of netlink acks. Checks sender, port and sequence number of everything it reads,
 * and takes the kernel's sentence out of NLMSGERR_ATTR_MSG. Never retries a request.
 */
#include "nl/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "nl/attr.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* The kernel fills one part of a dump with this much at most. */
#define RECV_SIZE   32768

#define TABLE_TRIES 8
#define ERRNO_MAX   4095

int nl_sock_open(struct nl_sock *s, int family, struct err *e)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);

	if (fd < 0)
		return err_sys(e, -errno, "cannot open a netlink socket");
	return nl_sock_adopt(s, fd, e);
}

int nl_sock_adopt(struct nl_sock *s, int taken, struct err *e)
{
	AUTO_CLOSE int fd = taken;
	struct sockaddr_nl me = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(me);
	int one = 1;

	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&me, &len) < 0)
		return err_sys(e, -errno, "cannot bind a netlink socket");
	/* Old kernels know less; every one of these only makes answers better. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	s->fd = take_fd(&fd);
	s->port = me.nl_pid;
	s->seq = 0;
	return 0;
}

void nl_sock_close(struct nl_sock *s)
{
	util_close(&s->fd);
}

/* The last so many messages get no answer. */
static int send_all(struct nl_sock *s, struct nl_msg *m, unsigned int silent, uint32_t *first,
		    struct err *e)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	ssize_t n;
	size_t at;

	if (m->overflow)
		return err_set(e, -EMSGSIZE, "the request is too long for a netlink message");
	*first = s->seq + 1;
	for (at = 0; at < m->len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(m->buf + at);

		nlh->nlmsg_seq = ++s->seq;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
		/* The kernel answers in order, and tells every failure: an ack of the last is
		 * enough. */
		if (s->seq != *first + m->count - 1 - silent)
			nlh->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
	}
	n = sendto(s->fd, m->buf, m->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));
	if (n < 0)
		return err_sys(e, -errno, "cannot send a netlink request");
	return 0;
}

/* The message at *at of len bytes, and *at is moved behind it. NULL: no whole one is left. */
static const struct nlmsghdr *next_message(const uint8_t *buf, size_t len, size_t *at)
{
	const struct nlmsghdr *nlh = (const void *)(buf + *at);

	if (*at > len || len - *at < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) ||
	    nlh->nlmsg_len > len - *at)
		return NULL;
	*at += NLMSG_ALIGN(nlh->nlmsg_len);
	return nlh;
}

static void find_text(const struct nlattr *a, void *arg)
{
	if (nl_attr_type(a) == NLMSGERR_ATTR_MSG)
		*(const char **)arg = nl_attr_str(a);
}

/* The kernel fails with a negative errno. Another number has no text, and its negative may not even
 * exist. */
static int failure(int code)
{
	return code < 0 && code >= -ERRNO_MAX ? code : -EPROTO;
}

/* Returns the ack's code, which is 0 or a negative errno, and puts its sentence into e. */
static int read_ack(const struct nlmsghdr *nlh, struct err *e)
{
	const char *text = NULL;
	struct nlmsgerr ne;
	size_t skip = sizeof(ne);
	int code;

	if (nl_payload_len(nlh) < sizeof(ne))
		return err_set(e, -EPROTO, "the kernel's answer is too short");
	memcpy(&ne, nl_payload(nlh), sizeof(ne));
	if (ne.error == 0)
		return 0;
	code = failure(ne.error);
	/* An uncapped ack repeats the request's payload before the attributes. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(ne.msg.nlmsg_len) - sizeof(ne.msg);
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS)
		nl_attr_each(nlh, skip, find_text, &text);
	if (text)
		return err_set(e, code, "%s (%s)", strerror(-code), text);
	return err_set(e, code, "%s", strerror(-code));
}

static ssize_t receive(struct nl_sock *s, void *buf, size_t size, struct err *e)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t len;
	ssize_t n;

	do {
		len = sizeof(from);
		n = recvfrom(s->fd, buf, size, MSG_TRUNC, (struct sockaddr *)&from, &len);
		/* Port 0 is the kernel; anybody else may send to us, too. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return err_sys(e, -errno, "cannot read the kernel's answer");
	if ((size_t)n > size)
		return err_set(e, -EMSGSIZE, "the kernel's answer is too long");
	return n;
}

static bool is_ours(const struct nl_sock *s, const struct nlmsghdr *nlh, uint32_t first)
{
	return nlh->nlmsg_pid == s->port && nlh->nlmsg_seq >= first && nlh->nlmsg_seq <= s->seq;
}

/* A dump that failed half-way says so in its last message. */
static int read_done(const struct nlmsghdr *nlh, bool interrupted, struct err *e)
{
	int code = 0;

	if (nl_payload_len(nlh) >= sizeof(code))
		memcpy(&code, nl_payload(nlh), sizeof(code));
	if (code < 0)
		return err_set(e, failure(code), "%s", strerror(-failure(code)));
	if (interrupted)
		return err_set(e, -EINTR, "the table changed while read");
	return 0;
}

struct talk {
	uint8_t *buf;
	size_t size;
	unsigned int silent; /* so many of the last messages are not answered */
	nl_fn fn;	     /* NULL: nobody wants the answers */
	void *arg;
	uint32_t first;
	bool done, interrupted;
	int stop, seen; /* what fn said, and how many answers there were */
	int result;	/* the first failure */
};

static void hear(struct nl_sock *s, struct talk *t, const struct nlmsghdr *nlh, struct err *e)
{
	struct err said = ERR_INIT;
	int r = 0;

	t->interrupted |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		/* A batch that fails as a whole fails by its first message. */
		t->done |= nlh->nlmsg_seq == s->seq - t->silent ||
			   (t->silent && nlh->nlmsg_seq == t->first);
		r = read_ack(nlh, &said);
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		t->done = true;
		r = read_done(nlh, t->interrupted, &said);
	} else {
		t->seen++;
		if (t->stop == 0 && t->fn)
			t->stop = t->fn(nlh, t->arg);
	}
	if (r == 0 || t->result < 0)
		return;
	t->result = r;
	if (e)
		*e = said;
}

/* Reads messages up to the last ack or NLMSG_DONE. How many answers there were, or what fn said. */
static int talk(struct nl_sock *s, struct nl_msg *m, struct talk *t, struct err *e)
{
	int r = send_all(s, m, t->silent, &t->first, e);

	if (r < 0)
		return r;
	while (!t->done) {
		ssize_t n = receive(s, t->buf, t->size, e);
		const struct nlmsghdr *nlh;

		if (n < 0)
			return (int)n;
		for (size_t at = 0; !t->done && (nlh = next_message(t->buf, (size_t)n, &at));)
			if (is_ours(s, nlh, t->first))
				hear(s, t, nlh, e);
	}
	if (t->result < 0)
		return t->result;
	return t->stop < 0 ? err_sys(e, t->stop, "cannot use the kernel's answer") : t->seen;
}

static int call(struct nl_sock *s, struct nl_msg *m, unsigned int silent, struct err *e)
{
	uint8_t buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct talk t = {.buf = buf, .size = sizeof(buf), .silent = silent};
	int r = talk(s, m, &t, e);

	return r < 0 ? r : 0;
}

int nl_call(struct nl_sock *s, struct nl_msg *m, struct err *e)
{
	return call(s, m, 0, e);
}

int nl_call_batch(struct nl_sock *s, struct nl_msg *m, struct err *e)
{
	return call(s, m, 1, e);
}

static int ask(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	uint8_t buf[RECV_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct talk t = {.buf = buf, .size = sizeof(buf), .fn = fn, .arg = arg};
	int r = talk(s, m, &t, e);

	/* A WireGuard device's answer has its private key in it. */
	if (s->has_secrets)
		util_wipe(buf, sizeof(buf));
	return r;
}

int nl_query(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	int r = ask(s, m, fn, arg, e);

	if (r == 0)
		return err_set(e, -ENODATA, "the kernel gave no answer");
	return r < 0 ? r : 0;
}

int nl_dump(struct nl_sock *s, struct nl_msg *m, nl_fn fn, void *arg, struct err *e)
{
	int r = ask(s, m, fn, arg, e);

	return r < 0 ? r : 0;
}

int nl_read_table(struct nl_sock *s, struct nl_msg *m, const struct nl_table *t, struct err *e)
{
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < TABLE_TRIES; i++) {
		if (t->begin)
			t->begin(t->arg);
		r = nl_dump(s, m, t->fn, t->arg, e);
	}
	return r;
}
