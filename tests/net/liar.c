/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lies in every field, by chance: takes what a sound client would say and spoils some of it, so
 * that most of it is right and the judges behind the first are reached. Says how many were answered
 * in which way; the same seed tells the same lies.
 *
 *   liar broker SOCKET VPN SEED ROUNDS     as whoever runs it
 *   liar plugger PROGRAM VPN SEED ROUNDS   as the broker's front: user vpnrun with CAP_NET_ADMIN as
 *                                          an ambient capability, which it gives up
 *   liar door PROGRAM UID SEED ROUNDS      root; each request is one of UID's, PROGRAM is vpnctl
 *
 * Nothing that it has to offer may be plugged by anybody. The end is not 0 where something was.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "box/caps.h"
#include "ipc/door.h"
#include "ipc/plug.h"
#include "ipc/proto.h"
#include "net/plugger.h"

#define FDS_MAX	  4
#define ANSWER_MS 5000

static uint64_t state;
static unsigned int granted, refused, dropped;

static uint32_t chance(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % n;
}

/* Numbers at which something ends. */
static uint32_t number(void)
{
	static const uint32_t edges[] = {0,	 1,	     2,		 7,	     16,
					 255,	 4000,	     4001,	 4002,	     65535,
					 16384,	 16385,	     0x40000000, 0x7fffffff, 0x80000000,
					 104000, 0xfffffffe, 0xffffffff};

	return chance(4) ? edges[chance(ARRAY_SIZE(edges))] : chance(UINT32_MAX);
}

/* Spoils so many places of what is said: a number, a byte, or a run of one byte. */
static void spoil(void *data, size_t len, unsigned int places)
{
	uint8_t *at = data;

	while (places--) {
		size_t where = chance((uint32_t)len), n = 1 + chance(16);
		uint32_t v = number();

		switch (chance(3)) {
		case 0:
			where -= where % sizeof(v);
			memcpy(at + where, &v, len - where < sizeof(v) ? len - where : sizeof(v));
			break;
		case 1:
			at[where] = (uint8_t)v;
			break;
		default:
			memset(at + where, (int)(v & 0xff), n < len - where ? n : len - where);
			break;
		}
	}
}

/* It is one of everything that is not a namespace of anybody's own. */
static int thing(void)
{
	static const char *const paths[] = {"/proc/self/ns/net", "/proc/self/ns/user",
					    "/proc/self/ns/mnt", "/dev/null",
					    "/etc/passwd",	 "/"};
	int pair[2], n = (int)chance(ARRAY_SIZE(paths) + 3);

	if (n < (int)ARRAY_SIZE(paths))
		return open(paths[n], O_RDONLY | O_CLOEXEC);
	if (n == ARRAY_SIZE(paths))
		return memfd_create("net:[1]", MFD_CLOEXEC);
	if (n == ARRAY_SIZE(paths) + 1)
		return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (pipe2(pair, O_CLOEXEC) < 0)
		die("pipe2");
	close(pair[1]);
	return pair[0];
}

static ssize_t say(int sock, void *data, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {.buf = {0}};
	struct iovec iov = {data, len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n) {
		m.msg_control = control.buf;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL);
}

static void count(ssize_t n, size_t wanted, int32_t code)
{
	if (n != (ssize_t)wanted)
		dropped++;
	else if (code < 0)
		refused++;
	else
		granted++;
}

static bool is_answered(int sock, int wait_ms)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};

	return poll(&p, 1, wait_ms) == 1;
}

/* --- the broker ------------------------------------------------------------------------------- */

static void ask_broker(const char *path, const char *vpn)
{
	struct {
		struct proto_request q;
		uint8_t more[512];
	} m = {.q = {.magic = PROTO_MAGIC, .version = PROTO_VERSION, .op = PROTO_ATTACH}};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fds[FDS_MAX];
	size_t len = sizeof(m.q), n = chance(8) ? 1 : chance(FDS_MAX + 1);
	struct proto_reply reply = {.code = -1};
	ssize_t got;

	str_copy(sa.sun_path, sizeof(sa.sun_path), path);
	if (sock < 0 || connect(sock, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		die(path);
	str_copy(m.q.vpn, sizeof(m.q.vpn), vpn);
	spoil(&m.q, len, chance(4));
	if (!chance(8))
		len = chance(sizeof(m));
	for (size_t i = 0; i < n; i++)
		fds[i] = thing();
	if (say(sock, &m, len, fds, n) < 0 && errno != EPIPE)
		die("sendmsg");
	got = is_answered(sock, ANSWER_MS) ? recv(sock, &reply, sizeof(reply), 0) : -1;
	count(got, sizeof(reply), reply.code);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	close(sock);
}

/* --- the plugger ------------------------------------------------------------------------------ */

/* An answer comes by the one socket that was sent along as its place. */
static void ask_plugger(const char *vpn)
{
	static struct {
		struct plug_request q;
		uint8_t more[512];
	} m;
	struct plug_head *h = &m.q.head;
	size_t len, n = chance(8) ? 2 : chance(FDS_MAX + 1);
	struct plug_answer a = {.code = -1};
	int fds[FDS_MAX];
	ssize_t got;

	*h = (struct plug_head){.magic = PLUG_MAGIC, .place = PEER_HERE, .uid = 4001, .gid = 4000};
	str_copy(h->vpn, sizeof(h->vpn), vpn);
	h->n_groups = chance(3);
	len = sizeof(*h) + h->n_groups * sizeof(uint32_t);
	spoil(h, sizeof(*h), chance(4));
	if (!chance(8))
		len = chance(sizeof(m));
	for (size_t i = 0; i < n; i++)
		fds[i] = i || !chance(8) ? thing() : dup(answers[1]);
	if (say(plug, &m, len, fds, n) < 0)
		die("the plugger has ended");
	got = is_answered(answers[0], 20) ? recv(answers[0], &a, sizeof(a), 0) : -1;
	count(got, sizeof(a), a.code);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* --- the default's door ----------------------------------------------------------------------- */

/* The socket says whose the request is, as of when it was made. */
static void ask_door(const char *program, uid_t uid)
{
	struct {
		struct door_request q;
		uint8_t more[64];
	} m = {.q = {.magic = DOOR_MAGIC, .name = "tst"}};
	struct door_reply reply = {.code = -1};
	size_t len = sizeof(m.q);
	int pair[2];
	ssize_t got;
	pid_t pid;

	if (seteuid(uid) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    seteuid(0) < 0)
		die("socketpair");
	spoil(&m.q, len, chance(4));
	if (!chance(4))
		len = chance(sizeof(m));
	if (send(pair[0], &m, len, MSG_NOSIGNAL) < 0)
		die("send");
	pid = fork();
	if (pid == 0) {
		dup2(pair[1], STDIN_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execl(program, "vpnctl", "serve-default", NULL);
		_exit(127);
	}
	close(pair[1]);
	got = recv(pair[0], &reply, sizeof(reply), 0);
	count(got, sizeof(reply), reply.code);
	waitpid(pid, NULL, 0);
	close(pair[0]);
}

int main(int argc, char **argv)
{
	unsigned long rounds;

	if (argc != 6)
		return 99;
	signal(SIGPIPE, SIG_IGN);
	state = strtoull(argv[4], NULL, 10) * 2654435761u + 88172645463325252u;
	rounds = strtoul(argv[5], NULL, 10);
	if (!strcmp(argv[1], "plugger"))
		plugger_start(argv[2]);
	for (unsigned long i = 0; i < rounds; i++) {
		if (!strcmp(argv[1], "broker"))
			ask_broker(argv[2], argv[3]);
		else if (!strcmp(argv[1], "plugger"))
			ask_plugger(argv[3]);
		else
			ask_door(argv[2], (uid_t)strtoul(argv[3], NULL, 10));
	}
	printf("granted %u refused %u dropped %u\n", granted, refused, dropped);
	return granted != 0;
}
