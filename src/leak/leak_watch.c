/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watch of `vpnctl leak-test`: a packet socket on all devices of the host. It only reads.
 */
#include "leak/leak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/util.h"
#include "nl/link.h"
#include "conf/model.h"

#define ROOM	(32 << 20)
#define SNAPLEN 1024

int leak_mark_make(struct leak_mark *ret, struct err *e)
{
	uint8_t bytes[LEAK_TEXT_LEN / 2 + 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_sys(e, -errno, "cannot get random bytes");
	for (size_t i = 0; i < LEAK_TEXT_LEN / 2; i++)
		snprintf(ret->text + 2 * i, 3, "%02x", bytes[i]);
	ret->port = (uint16_t)(20000 + (bytes[8] << 8 | bytes[9]) % 10000);
	return 0;
}

/* Only what leaves, cut off behind what is looked at. */
static int filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAPLEN),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = {.len = ARRAY_SIZE(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

int leak_watch_open(struct leak_watch *w, const struct leak_mark *mark, const struct record *rec,
		    struct err *e)
{
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const int room = ROOM;

	*w = (struct leak_watch){.mark = *mark, .rec = rec, .table = w->table};
	/* Protocol 0: receives nothing until it is bound, so the filter comes first. */
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return err_sys(e, -errno, "cannot open a packet socket");
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (filter(w->fd) < 0 || bind(w->fd, (struct sockaddr *)&all, sizeof(all)) < 0) {
		int r = err_sys(e, -errno, "cannot watch the host's devices");

		leak_watch_close(w);
		return r;
	}
	return 0;
}

void leak_watch_close(struct leak_watch *w)
{
	util_close(&w->fd);
}

/* To a target, by its port: a connect() carries no text. */
static bool is_to_target(const uint8_t *p, size_t len, uint16_t port)
{
	uint8_t target[sizeof(struct in6_addr)], wanted[2] = {(uint8_t)(port >> 8), (uint8_t)port};
	bool v4 = len >= 24 && p[0] >> 4 == 4;
	size_t head = v4 ? (size_t)(p[0] & 15) * 4 : 40, at = v4 ? 16 : 24, n = v4 ? 4 : 16;

	if ((!v4 && (len < 44 || p[0] >> 4 != 6)) || len < head + 4)
		return false;
	inet_pton(v4 ? AF_INET : AF_INET6, v4 ? LEAK_TARGET4 : LEAK_TARGET6, target);
	return memcmp(p + at, target, n) == 0 && memcmp(p + head + 2, wanted, 2) == 0;
}

/* In the bridge layout, the VPN's plain side is in the host's namespace, too. */
static bool belongs(const struct leak_watch *w, int ifindex, const char *dev)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct rtnl_link link;

	if (!strcmp(dev, "lo"))
		return true;
	if (w->rec->layout != LAYOUT_BRIDGE)
		return false;
	if (!strcmp(dev, w->rec->device) || !strcmp(dev, w->rec->bridge))
		return true;
	return nl_sock_open(&s, NETLINK_ROUTE, NULL) == 0 &&
	       rtnl_link_get_index(&s, ifindex, &link, NULL) == 0 &&
	       link.master == (int)w->rec->bridge_ifindex;
}

static void describe(char *ret, size_t size, const uint8_t *p, size_t len, const char *dev)
{
	char src[INET6_ADDRSTRLEN] = "?", dst[INET6_ADDRSTRLEN] = "?";
	unsigned int protocol = 0;

	if (len >= 20 && p[0] >> 4 == 4) {
		inet_ntop(AF_INET, p + 12, src, sizeof(src));
		inet_ntop(AF_INET, p + 16, dst, sizeof(dst));
		protocol = p[9];
	} else if (len >= 40 && p[0] >> 4 == 6) {
		inet_ntop(AF_INET6, p + 8, src, sizeof(src));
		inet_ntop(AF_INET6, p + 24, dst, sizeof(dst));
		protocol = p[6];
	}
	snprintf(ret, size, "%s %s > %s by %s",
		 protocol == IPPROTO_TCP   ? "TCP"
		 : protocol == IPPROTO_UDP ? "UDP"
					   : "a packet",
		 src, dst, dev);
}

static enum leak_channel channel_of(const uint8_t *p, size_t len)
{
	bool v6 = len && p[0] >> 4 == 6;
	size_t head = v6 ? 40 : len ? (size_t)(p[0] & 15) * 4 : 0;
	uint8_t protocol = len < 20 ? 0 : v6 ? p[6] : p[9];

	if ((protocol == IPPROTO_UDP || protocol == IPPROTO_TCP) && len >= head + 4 &&
	    p[head + 2] == 0 && p[head + 3] == 53)
		return LEAK_DNS;
	if (protocol == IPPROTO_TCP)
		return v6 ? LEAK_TCP6 : LEAK_TCP4;
	if (protocol == IPPROTO_UDP)
		return v6 ? LEAK_UDP6 : LEAK_UDP4;
	return v6 ? LEAK_OTHER6 : LEAK_OTHER4;
}

static void note(struct leak_watch *w, const uint8_t *p, size_t len, const char *dev)
{
	enum leak_channel c = channel_of(p, len);
	char what[sizeof(w->first)];

	describe(what, sizeof(what), p, len, dev);
	if (w->n++ == 0)
		str_copy(w->first, sizeof(w->first), what);
	if (w->table && !w->told[c])
		leak_table_say(w->table, c, LEAK_OPEN, "%s", what);
	w->told[c] = true;
}

void leak_watch_read(struct leak_watch *w)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);
	uint8_t buf[SNAPLEN];

	for (;;) {
		struct sockaddr_ll from = {.sll_ifindex = 0};
		socklen_t from_len = sizeof(from);
		ssize_t n =
			recvfrom(w->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
		char dev[IF_NAMESIZE] = "?";

		if (n < 0)
			break;
		if (!memmem(buf, (size_t)n, w->mark.text, LEAK_TEXT_LEN) &&
		    !is_to_target(buf, (size_t)n, w->mark.port))
			continue;
		if_indextoname((unsigned int)from.sll_ifindex, dev);
		if (belongs(w, from.sll_ifindex, dev))
			continue;
		note(w, buf, (size_t)n, dev);
	}
	if (getsockopt(w->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0 && stats.tp_drops)
		w->lost = true;
}
