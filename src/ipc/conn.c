/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sends and receives the messages of ipc/proto.h, and is the one place that decides whether bytes
 * from a stranger are a request. Must never believe a length, a terminator or a number of
 * descriptors that it did not check, nor leave a received descriptor open on failure. Called by
 * the client side (ipc/client.c) and by the broker's children.
 */
#include "ipc/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/accounts.h"
#include "base/util.h"

#define GROUPS_MAX 65536

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static uint64_t own_net_cookie; /* 0: the kernel has none */

int conn_request_init(struct proto_request *ret, enum proto_op op, const char *vpn, struct err *e)
{
	struct proto_request r = {
		.magic = PROTO_MAGIC,
		.version = PROTO_VERSION,
		.op = (uint16_t)op,
	};

	if (!str_is_vpn_name(vpn) || str_copy(r.vpn, sizeof(r.vpn), vpn) < 0)
		return err_set(e, -EINVAL, "'%.40s' cannot be the name of a VPN", vpn);
	*ret = r;
	return 0;
}

/* Bytes after the terminator would be a place for what no check looks at. */
static bool is_padded(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	if (len == size)
		return false;
	for (; len < size; len++)
		if (s[len])
			return false;
	return true;
}

static bool are_zero(const struct proto_request *r, uint32_t from)
{
	static const struct port_map none;

	for (; from < PORT_MAPS_MAX; from++)
		if (memcmp(&r->expose[from], &none, sizeof(none)) != 0)
			return false;
	return true;
}

int conn_request_check(const void *data, size_t len, struct proto_request *ret, struct err *e)
{
	struct proto_request r = {0};

	memcpy(&r, data, len < sizeof(r) ? len : sizeof(r));
	/* These two lead every version, so that a newer client is told what is the matter. */
	if (len < sizeof(r.magic) + sizeof(r.version) || r.magic != PROTO_MAGIC)
		return err_set(e, -EBADMSG, "not a request: %zu bytes without its mark", len);
	if (r.version != PROTO_VERSION)
		return err_set(
			e, -EPROTO,
			"the client speaks version %u of the protocol, the broker version %u: "
			"both must be of the same installation (restart vpnrund after an "
			"upgrade)",
			r.version, PROTO_VERSION);
	if (len != sizeof(r))
		return err_set(e, -EBADMSG, "a request of %zu bytes, not of %zu", len, sizeof(r));
	if (r.op != PROTO_ATTACH)
		return err_set(e, -EBADMSG, "unknown operation %u", r.op);
	if ((r.flags & ~(uint32_t)PROTO_LAN) || r.n_expose > PORT_MAPS_MAX ||
	    !are_zero(&r, r.n_expose))
		return err_set(e, -EBADMSG, "reserved fields of the request are not 0");
	if (!is_padded(r.vpn, sizeof(r.vpn)) || !str_is_vpn_name(r.vpn))
		return err_set(e, -EBADMSG, "what the request names cannot be the name of a VPN");
	*ret = r;
	return 0;
}

int conn_reply_check(const void *data, size_t len, struct proto_reply *ret, struct err *e)
{
	struct proto_reply r;

	if (len != sizeof(r))
		return err_set(e, -EBADMSG, "the broker's reply has %zu bytes, not %zu", len,
			       sizeof(r));
	memcpy(&r, data, sizeof(r));
	if (r.magic != PROTO_MAGIC || r.code > 0 || strnlen(r.msg, sizeof(r.msg)) == sizeof(r.msg))
		return err_set(e, -EBADMSG, "the broker's reply is malformed");
	*ret = r;
	return 0;
}

int conn_request_send(int sock, const struct proto_request *req, int fd, struct err *e)
{
	struct proto_request copy = *req;
	struct iovec iov = {.iov_base = &copy, .iov_len = sizeof(copy)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, -errno, "cannot send a request to the broker");
	return 0;
}

/* 0: something is there to read. */
static int wait_readable(int sock, int timeout_ms)
{
	int64_t end = util_now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = {.fd = sock, .events = POLLIN};
		int64_t left = end - util_now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIME;
		if (errno != EINTR)
			return -errno;
	}
}

int conn_request_peek(int sock, int timeout_ms, struct proto_request *ret, struct err *e)
{
	char buf[sizeof(struct proto_request)];
	struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
	/* No room for control data, so that nothing is installed. */
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;
	int r = wait_readable(sock, timeout_ms);

	if (r == -ETIME)
		return err_set(e, r, "no request came within %d seconds", timeout_ms / 1000);
	if (r < 0)
		return err_sys(e, r, "cannot wait for the request");
	/* MSG_TRUNC returns the true length of the datagram. */
	n = recvmsg(sock, &msg, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	if (n < 0)
		return err_sys(e, -errno, "cannot read the request");
	if (n == 0)
		return err_set(e, -EPIPE, "the client left without a request");
	if ((size_t)n > sizeof(buf))
		return err_set(e, -EBADMSG, "a request of %zd bytes, not of %zu", n, sizeof(buf));
	return conn_request_check(buf, (size_t)n, ret, e);
}

int conn_request_take(int sock, int *ret_fd, struct err *e)
{
	char buf[sizeof(struct proto_request)];
	struct iovec iov = {.iov_base = buf, .iov_len = sizeof(buf)};
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = {0};
	/* CMSG_SPACE() has room for two by its padding; CMSG_LEN() has not: the kernel installs
	 * the first only, throws the others away and says MSG_CTRUNC. */
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	struct cmsghdr *c;
	ssize_t n;

	*ret_fd = -1;
	n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return err_sys(e, -errno, "cannot read the request");
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_set(e, -EBADMSG,
			       "the request carries more than the one descriptor it needs");
	if (*ret_fd < 0)
		return err_set(e, -EBADMSG, "the request carries no descriptor");
	return 0;
}

int conn_reply_send(int sock, const struct proto_reply *reply)
{
	if (send(sock, reply, sizeof(*reply), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

int conn_reply_recv(int sock, int timeout_ms, struct proto_reply *ret, struct err *e)
{
	char buf[sizeof(struct proto_reply) + 1];
	ssize_t n;
	int r = wait_readable(sock, timeout_ms);

	if (r == -ETIME)
		return err_set(e, r, "the broker gave no answer within %d seconds",
			       timeout_ms / 1000);
	if (r < 0)
		return err_sys(e, r, "cannot wait for the broker's answer");
	/* A broker that closed before it had read all is told of first (ECONNRESET), its answer
	 * comes after. */
	for (int i = 0; i < 2; i++) {
		do {
			n = recv(sock, buf, sizeof(buf), MSG_DONTWAIT);
		} while (n < 0 && errno == EINTR);
		if (n >= 0 || errno != ECONNRESET)
			break;
	}
	if (n < 0 && errno != ECONNRESET)
		return err_sys(e, -errno, "cannot read the broker's answer");
	if (n <= 0)
		return err_set(
			e, -EPIPE,
			"the broker ended the connection without an answer: its log says why "
			"(journalctl -u vpnrund)");
	return conn_reply_check(buf, (size_t)n, ret, e);
}

void conn_finish(int sock)
{
	char c;

	shutdown(sock, SHUT_RDWR);
	/* Without room for control data their descriptors are dropped, not installed. The queue
	 * is short (net.unix.max_dgram_qlen) and cannot grow any more. */
	for (int i = 0; i < 4096; i++) {
		struct iovec iov = {.iov_base = &c, .iov_len = 1};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(sock, &msg, MSG_DONTWAIT);

		if (n < 0 || (n == 0 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))))
			return;
	}
}

/* --- who asks -------------------------------------------------------------------------------- */

void conn_remember_place(void)
{
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (sock >= 0 && getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) == 0)
		own_net_cookie = cookie;
}

/* Nearly every uid is its own, which one file says. What cannot be read gives nobody away. */
static uid_t find_owner(uid_t uid)
{
	AUTO_ACCOUNTS struct accounts ranges = {.passwd = NULL};
	AUTO_ACCOUNTS struct accounts all = {.passwd = NULL};
	uid_t owner;

	if (accounts_read(ACCOUNTS_SUBUID, &ranges.subuid, NULL) < 0 ||
	    !accounts_is_spare(&ranges, uid, &owner) || accounts_load(&all, NULL) < 0)
		return uid;
	accounts_is_spare(&all, uid, &owner);
	return owner;
}

/* A unix socket keeps the network namespace that it was made in, and the accepted end is given its
 * maker's: nobody can change that afterwards. Kernels before 5.14 cannot tell. */
static enum peer_place find_place(int sock)
{
	uint64_t theirs;
	socklen_t len = sizeof(theirs);

	if (own_net_cookie == 0 || getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &theirs, &len) < 0)
		return PEER_UNKNOWN;
	return theirs == own_net_cookie ? PEER_HERE : PEER_ELSEWHERE;
}

int conn_peer_get(int sock, struct peer *ret, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return err_sys(e, -errno, "cannot learn who a client is");
	*ret = (struct peer){
		.uid = cred.uid,
		.owner = find_owner(cred.uid),
		.gid = cred.gid,
		.pid = cred.pid,
		.place = find_place(sock),
	};
	return 0;
}

void conn_peer_groups(int sock, struct peer *p)
{
	socklen_t len = 0;

	/* The first call fails with ERANGE and says how much room it takes. */
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE ||
	    len == 0 || len > GROUPS_MAX * sizeof(gid_t))
		return;
	p->groups = malloc(len);
	if (!p->groups)
		return;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERGROUPS, p->groups, &len) == 0)
		p->n_groups = len / sizeof(gid_t);
}

void conn_peer_free(struct peer *p)
{
	free(p->groups);
	p->groups = NULL;
	p->n_groups = 0;
}
