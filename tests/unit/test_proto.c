/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ipc/: what is taken for a request, and how many descriptors ever come in with one.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/client.h"
#include "ipc/conn.h"

static struct proto_request good(void)
{
	struct proto_request r = {0};

	conn_request_init(&r, PROTO_ATTACH, "demo", NULL);
	return r;
}

static int check(const void *data, size_t len, const char *sentence, const char *what)
{
	struct proto_request out;
	struct err e = ERR_INIT;
	int rc = conn_request_check(data, len, &out, &e);

	ok(strstr(e.msg, sentence) != NULL, "L25 %s: says \"%s\"", what, sentence);
	return rc;
}

static void test_check(void)
{
	struct proto_request r = good(), out;
	char long_one[sizeof(r) + 1] = {0};

	is_int(conn_request_check(&r, sizeof(r), &out, NULL), 0, "a good request");
	is_str(out.vpn, "demo", "names its VPN");
	for (size_t len = 0; len < sizeof(r); len++)
		if (conn_request_check(&r, len, &out, NULL) != -EBADMSG)
			ok(false, "L25 cut to %zu bytes", len);
	ok(true, "L25 cut anywhere: refused");
	memcpy(long_one, &r, sizeof(r));
	is_int(check(long_one, sizeof(long_one), "65 bytes", "a byte too many"), -EBADMSG,
	       "L25 long");
	r.magic ^= 1;
	is_int(check(&r, sizeof(r), "not a request", "magic"), -EBADMSG, "L25 magic");
	r = good();
	r.version = PROTO_VERSION + 1;
	is_int(check(&r, sizeof(r), "speaks version 3", "version"), -EPROTO, "L25 version");
	is_int(check(&r, 8, "speaks version 3", "version of another size"), -EPROTO,
	       "L25 its size");
	r = good();
	r.op = 0;
	is_int(check(&r, sizeof(r), "unknown operation 0", "op"), -EBADMSG, "L25 op");
	r = good();
	r.flags = 0x80000000u;
	is_int(check(&r, sizeof(r), "reserved", "flags"), -EBADMSG, "L25 flags");
	r = good();
	r.n_expose = PORT_MAPS_MAX + 1;
	is_int(check(&r, sizeof(r), "reserved", "too many ports"), -EBADMSG, "L25 too many ports");
	r = good();
	r.n_expose = 1;
	r.expose[1].inner = 1;
	is_int(check(&r, sizeof(r), "reserved", "a hidden port"), -EBADMSG, "L25 a hidden port");
	r = good();
	r.vpn[9] = 'x';
	is_int(check(&r, sizeof(r), "cannot be the name", "padding"), -EBADMSG, "L25 padding");
	memset(r.vpn, 'a', sizeof(r.vpn));
	is_int(check(&r, sizeof(r), "cannot be the name", "no NUL"), -EBADMSG, "L25 no NUL");
	memset(r.vpn, 0, sizeof(r.vpn));
	is_int(check(&r, sizeof(r), "cannot be the name", "no name"), -EBADMSG, "L25 no name");
	memcpy(r.vpn, "../x", 4);
	is_int(check(&r, sizeof(r), "cannot be the name", "a path"), -EBADMSG, "L25 a path");
	is_int(conn_request_init(&r, PROTO_ATTACH, "a/b", NULL), -EINVAL, "nor is one made");
}

static void test_reply(void)
{
	struct proto_reply r = {.magic = PROTO_MAGIC, .version = PROTO_VERSION, .op = 1}, out;

	is_int(conn_reply_check(&r, sizeof(r), &out, NULL), 0, "a good reply");
	is_int(conn_reply_check(&r, sizeof(r) - 1, &out, NULL), -EBADMSG, "a short one");
	r.code = 1;
	is_int(conn_reply_check(&r, sizeof(r), &out, NULL), -EBADMSG, "a positive code");
	r.code = -1;
	memset(r.msg, 'x', sizeof(r.msg));
	is_int(conn_reply_check(&r, sizeof(r), &out, NULL), -EBADMSG, "a sentence without its end");
}

static void send_fds(int sock, size_t n_fds)
{
	struct proto_request r = good();
	struct iovec iov = {.iov_base = &r, .iov_len = sizeof(r)};
	char control[CMSG_SPACE(sizeof(int) * 100)] __attribute__((aligned(8))) = {0};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = n_fds ? control : NULL,
		.msg_controllen = n_fds ? CMSG_SPACE(sizeof(int) * n_fds) : 0,
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = STDOUT_FILENO;

	if (n_fds) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, 0) < 0)
		perror("sendmsg");
}

static void test_fds(void)
{
	static const size_t bad[] = {0, 2, 3, 99};
	struct proto_request out;
	struct err e = ERR_INIT;
	int pair[2], fd = -1, before;

	if (!ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "a connection"))
		return;
	before = tap_open_fds();
	send_fds(pair[0], 1);
	is_int(conn_request_peek(pair[1], 1000, &out, &e), 0, "a request is seen");
	is_int(tap_open_fds(), before, "L25 without its descriptor coming in");
	is_int(conn_request_take(pair[1], &fd, &e), 0, "which is then taken");
	is_int(tap_open_fds(), before + 1, "and is one");
	ok(fd > 2 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec");
	util_close(&fd);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		send_fds(pair[0], bad[i]);
		is_int(conn_request_peek(pair[1], 1000, &out, &e), 0, "the next");
		is_int(conn_request_take(pair[1], &fd, &e), -EBADMSG, "L25 with none or too many");
		is_int(tap_open_fds(), before + (bad[i] != 0), "L25 no more than one comes in");
		util_close(&fd);
		is_int(tap_open_fds(), before, "L25 which is the caller's to close");
	}
	is_int(conn_request_peek(pair[1], 10, &out, &e), -ETIME, "nothing comes");
	for (int i = 0; i < 5; i++)
		send_fds(pair[0], 3);
	conn_finish(pair[1]);
	is_int(tap_open_fds(), before, "what is thrown away was never here");
	is_int(recv(pair[1], &out, sizeof(out), MSG_DONTWAIT), 0, "and nothing is left");
	is_int(send(pair[0], &out, sizeof(out), MSG_NOSIGNAL), -1, "nor can more be sent");
	close(pair[0]);
	is_int(conn_request_peek(pair[1], 1000, &out, &e), -EPIPE, "a client that left");
	close(pair[1]);
}

static void test_client(void)
{
	struct proto_reply reply = {
		.magic = PROTO_MAGIC,
		.version = PROTO_VERSION,
		.op = PROTO_ATTACH,
		.host = 7,
	};
	struct err e = ERR_INIT;
	uint32_t host = 0;
	int pair[2];

	is_int(ipc_connect("/nonexistent/sock", &e), -ENOENT, "no broker");
	ok(strstr(e.msg, "start it with") != NULL, "says how to start one");
	if (!ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "a connection"))
		return;
	conn_reply_send(pair[1], &reply);
	is_int(ipc_attach(pair[0], "demo", STDOUT_FILENO, &host, &e), 0, "attached");
	is_int(host, 7, "as number 7");
	reply.code = -EACCES;
	str_copy(reply.msg, sizeof(reply.msg), "you may not");
	conn_reply_send(pair[1], &reply);
	is_int(ipc_attach(pair[0], "demo", STDOUT_FILENO, &host, &e), -EACCES, "refused");
	is_str(e.msg, "you may not", "in the broker's words");
	/* The broker turns it away before it was asked: unread bytes, a closed socket. */
	conn_reply_send(pair[1], &reply);
	close(pair[1]);
	is_int(ipc_attach(pair[0], "demo", STDOUT_FILENO, &host, &e), -EACCES, "refused at sight");
	is_int(ipc_attach(pair[0], "demo", STDOUT_FILENO, &host, &e), -EPIPE, "nobody there");
	close(pair[0]);
}

int main(void)
{
	tap_begin();
	test_check();
	test_reply();
	test_fds();
	test_client();
	return tap_done();
}
