/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A front that somebody has taken over: starts the plugger as vpnrund does, gives up its own
 * capabilities as vpnrund does, and then lies. One line a lie: "LIE: attached H", "LIE: refused:
 * SENTENCE", or "LIE: no answer".
 *
 *   front PLUGGER VPN UID FD LIE...
 *
 * FD is the descriptor of the namespace that it says to be UID's, in the network where the broker
 * is. "good" says nothing else that is wrong. A LIE is one of the names below, or "end", which
 * closes the socket and says how the plugger ended. Started with CAP_NET_ADMIN as an ambient
 * capability.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "box/caps.h"
#include "ipc/plug.h"
#include "net/plugger.h"

#define ANSWER_MS 3000

static struct {
	struct plug_request q;
	char more[100000];
} m;
static size_t len;
static int fds[8], n_fds;
static int given;

static int open_kind(const char *kind)
{
	int pair[2] = {-1, -1}, size = 4096;

	if (!strcmp(kind, "pipe") && pipe(pair) == 0)
		return pair[0];
	if (!strcmp(kind, "memfd"))
		return memfd_create("net:[4026531840]", 0);
	if (!strcmp(kind, "udp"))
		return socket(AF_INET, SOCK_DGRAM, 0);
	if (!strcmp(kind, "netlink")) {
		pair[0] = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		return pair[0];
	}
	if (!strcmp(kind, "usernamespace"))
		return open("/proc/self/ns/user", O_RDONLY);
	if (!strcmp(kind, "hostnet"))
		return open("/proc/self/ns/net", O_RDONLY);
	return open(kind, O_RDONLY);
}

/* What a sound front would say of it, changed in one way. */
static void tell(const char *lie, const char *vpn, uid_t uid)
{
	struct plug_head *h = &m.q.head;

	memset(&m, 0, sizeof(m));
	*h = (struct plug_head){.magic = PLUG_MAGIC, .place = PEER_HERE, .uid = uid, .gid = uid};
	str_copy(h->vpn, sizeof(h->vpn), vpn);
	len = sizeof(*h);
	fds[0] = answers[1];
	fds[1] = given;
	n_fds = 2;
	if (str_starts(lie, "uid=")) {
		h->uid = (uid_t)strtoul(lie + 4, NULL, 10);
	} else if (str_starts(lie, "group=")) {
		h->gid = m.q.groups[0] = (gid_t)strtoul(lie + 6, NULL, 10);
		h->n_groups = 1;
		len += sizeof(gid_t);
	} else if (!strcmp(lie, "elsewhere")) {
		h->place = PEER_ELSEWHERE;
	} else if (!strcmp(lie, "place")) {
		h->place = 77;
	} else if (str_starts(lie, "vpn=")) {
		memset(h->vpn, 0, sizeof(h->vpn));
		memcpy(h->vpn, lie + 4, strnlen(lie + 4, sizeof(h->vpn)));
	} else if (!strcmp(lie, "magic")) {
		h->magic ^= 1;
	} else if (!strcmp(lie, "groups")) {
		h->n_groups = 5; /* that are not there */
	} else if (!strcmp(lie, "manygroups")) {
		h->n_groups = PLUG_GROUPS_MAX + 1;
		len += (PLUG_GROUPS_MAX + 1) * sizeof(gid_t);
	} else if (!strcmp(lie, "overflow")) {
		h->n_groups = 0x40000000;
	} else if (!strcmp(lie, "short")) {
		len = 3;
	} else if (!strcmp(lie, "huge")) {
		len = sizeof(m);
	} else if (str_starts(lie, "fds=")) {
		n_fds = (int)strtol(lie + 4, NULL, 10);
		for (int i = 2; i < n_fds; i++)
			fds[i] = given;
	} else if (str_starts(lie, "kind=")) {
		fds[1] = open_kind(lie + 5);
	} else if (str_starts(lie, "answer=")) {
		fds[0] = open_kind(lie + 7);
	} else if (strcmp(lie, "good") != 0) {
		fprintf(stderr, "front: no lie '%s'\n", lie);
		exit(99);
	}
	if (fds[0] < 0 || fds[1] < 0)
		die(lie);
}

static void send_it(void)
{
	struct iovec iov = {&m, len};
	char control[CMSG_SPACE(sizeof(fds))] __attribute__((aligned(8))) = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (n_fds) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)n_fds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)n_fds);
	}
	if (sendmsg(plug, &msg, MSG_NOSIGNAL) < 0)
		die("sendmsg");
}

static void hear(const char *lie, int wait_ms)
{
	struct pollfd p = {.fd = answers[0], .events = POLLIN};
	struct plug_answer a;

	if (poll(&p, 1, wait_ms) != 1 || recv(answers[0], &a, sizeof(a), 0) != (ssize_t)sizeof(a))
		printf("%s: no answer\n", lie);
	else if (a.code == 0)
		printf("%s: attached %u\n", lie, a.host);
	else
		printf("%s: refused: %s\n", lie, a.msg);
	fflush(stdout);
}

static void end(void)
{
	int status = 0;

	close(plug);
	if (waitpid(plugger_pid, &status, 0) == plugger_pid && WIFEXITED(status))
		printf("end: status %d\n", WEXITSTATUS(status));
	else
		printf("end: signal %d\n", WTERMSIG(status));
}

int main(int argc, char **argv)
{
	if (argc < 6)
		return 99;
	given = (int)strtol(argv[4], NULL, 10);
	plugger_start(argv[1]);
	for (int i = 5; i < argc; i++) {
		if (!strcmp(argv[i], "end")) {
			end();
			continue;
		}
		tell(argv[i], argv[2], (uid_t)strtoul(argv[3], NULL, 10));
		send_it();
		/* Where there is nobody to answer, the next one's answer shows that it was passed.
		 */
		hear(argv[i],
		     str_starts(argv[i], "answer=") || !strcmp(argv[i], "fds=0") ? 50 : ANSWER_MS);
	}
	return 0;
}
