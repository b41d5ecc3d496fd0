/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP without sockets: as many connections as one likes, of which no kernel at either end knows,
 * and which connection tracking takes for real ones. Both ends make packets by hand; that no kernel
 * resets what it does not know is the caller's affair. Bounded by N.
 *
 *   flows answer DEV
 *     answers every SYN to port 7777 and the next nine that comes by DEV, until it is killed;
 * prints "ready", then the source port of what has data flows open DEV MAC FROM TO N [PORT] N
 * connections, from PORT (1024) on; MAC is the gateway's. Prints "opened N refused N silent N"
 *   flows data DEV MAC FROM TO PORT
 *     one segment of a connection that was opened before
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE	 64   /* answers that are due: no queue on the way may overflow */
#define SILENT_S 1    /* longer than a refusal takes */
#define DPORT	 7777 /* and on, each for PORTS connections */
#define PORTS	 60000

struct side {
	int family;
	uint8_t addr[16];
};

struct segment {
	struct side from, to;
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	size_t data;
};

static int fd;
static struct sockaddr_ll from_ll;
static struct sockaddr_ll to_ll = {.sll_family = AF_PACKET, .sll_halen = 6};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t add_words(uint32_t acc, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i += 2)
		acc += (uint32_t)(p[i] << 8 | (i + 1 < n ? p[i + 1] : 0));
	return acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return htons((uint16_t)~acc);
}

static size_t put_header(uint8_t *at, const struct segment *s, size_t payload)
{
	if (s->from.family == AF_INET) {
		struct iphdr h = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP};

		h.tot_len = htons((uint16_t)(sizeof(h) + payload));
		memcpy(&h.saddr, s->from.addr, 4);
		memcpy(&h.daddr, s->to.addr, 4);
		h.check = fold(add_words(0, &h, sizeof(h)));
		memcpy(at, &h, sizeof(h));
		return sizeof(h);
	}
	struct ip6_hdr h = {.ip6_flow = htonl(6u << 28), .ip6_nxt = IPPROTO_TCP, .ip6_hlim = 64};

	h.ip6_plen = htons((uint16_t)payload);
	memcpy(&h.ip6_src, s->from.addr, 16);
	memcpy(&h.ip6_dst, s->to.addr, 16);
	memcpy(at, &h, sizeof(h));
	return sizeof(h);
}

static void send_segment(const struct segment *s)
{
	struct tcphdr t = {.doff = 5, .window = htons(65000)};
	size_t n = sizeof(t) + s->data, ip, alen = s->from.family == AF_INET ? 4 : 16;
	uint8_t packet[128] = {0};
	uint32_t acc;

	t.source = htons(s->sport);
	t.dest = htons(s->dport);
	t.seq = htonl(s->seq);
	t.ack_seq = htonl(s->ack);
	t.th_flags = s->flags;
	ip = put_header(packet, s, n);
	acc = add_words(add_words(0, s->from.addr, alen), s->to.addr, alen) + IPPROTO_TCP +
	      (uint32_t)n;
	t.check = fold(add_words(acc, &t, sizeof(t)));
	memcpy(packet + ip, &t, sizeof(t));
	to_ll.sll_protocol = htons(s->from.family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	while (sendto(fd, packet, ip + n, 0, (struct sockaddr *)&to_ll, sizeof(to_ll)) < 0)
		if (errno != ENOBUFS && errno != EAGAIN)
			die("sendto");
}

/* Whether it is a TCP segment. Data is all zeroes, so that it is in no checksum. */
static bool parse(const uint8_t *p, size_t len, struct segment *ret)
{
	size_t ip;
	struct tcphdr t;

	if (len >= sizeof(struct iphdr) && p[0] >> 4 == 4) {
		ip = (p[0] & 15u) * 4;
		if (p[9] != IPPROTO_TCP)
			return false;
		ret->from.family = ret->to.family = AF_INET;
		memcpy(ret->from.addr, p + 12, 4);
		memcpy(ret->to.addr, p + 16, 4);
		len = (size_t)(p[2] << 8 | p[3]);
	} else if (len >= sizeof(struct ip6_hdr) && p[0] >> 4 == 6 && p[6] == IPPROTO_TCP) {
		ip = sizeof(struct ip6_hdr);
		ret->from.family = ret->to.family = AF_INET6;
		memcpy(ret->from.addr, p + 8, 16);
		memcpy(ret->to.addr, p + 24, 16);
	} else {
		return false;
	}
	if (len < ip + sizeof(t))
		return false;
	memcpy(&t, p + ip, sizeof(t));
	ret->sport = ntohs(t.source);
	ret->dport = ntohs(t.dest);
	ret->seq = ntohl(t.seq);
	ret->ack = ntohl(t.ack_seq);
	ret->flags = t.th_flags;
	ret->data = len - ip - t.doff * 4u;
	return true;
}

static bool receive(struct segment *ret, int timeout_ms)
{
	uint8_t packet[2048];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, timeout_ms) > 0) {
		socklen_t len = sizeof(from_ll);
		ssize_t n =
			recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from_ll, &len);

		if (n > 0 && from_ll.sll_pkttype != PACKET_OUTGOING &&
		    parse(packet, (size_t)n, ret))
			return true;
	}
	return false;
}

static void reply(const struct segment *to, uint8_t flags)
{
	struct segment s = {
		.from = to->to,
		.to = to->from,
		.sport = to->dport,
		.dport = to->sport,
		.flags = flags,
		.seq = to->flags & TH_ACK ? to->ack : 1000,
		.ack = to->seq + 1,
	};

	send_segment(&s);
}

static void answer(void)
{
	struct segment s;

	puts("ready");
	fflush(stdout);
	for (;;) {
		if (!receive(&s, -1) || s.dport < DPORT || s.dport > DPORT + 9)
			continue;
		memcpy(to_ll.sll_addr, from_ll.sll_addr, sizeof(to_ll.sll_addr));
		if ((s.flags & (TH_SYN | TH_ACK)) == TH_SYN)
			reply(&s, TH_SYN | TH_ACK);
		else if (s.data)
			printf("%u\n", s.sport), fflush(stdout);
	}
}

static void open_flows(struct segment s, unsigned int n, unsigned int first)
{
	unsigned int sent = 0, opened = 0, refused = 0;
	struct segment got;

	while (opened + refused < n) {
		while (sent < n && sent - opened - refused < AT_ONCE) {
			s.sport = (uint16_t)(first + sent % PORTS);
			s.dport = (uint16_t)(DPORT + sent / PORTS);
			s.flags = TH_SYN;
			send_segment(&s);
			sent++;
		}
		if (!receive(&got, SILENT_S * 1000))
			break;
		if (got.flags & TH_RST) {
			refused++;
		} else if ((got.flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK)) {
			reply(&got, TH_ACK);
			opened++;
		}
	}
	printf("opened %u refused %u silent %u\n", opened, refused, n - opened - refused);
}

static void parse_side(struct side *s, const char *text)
{
	s->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(s->family, text, s->addr) != 1)
		die(text);
}

int main(int argc, char **argv)
{
	struct segment s = {.seq = 1, .flags = TH_ACK | TH_PUSH, .data = 4, .ack = 1001};
	uint8_t *m = to_ll.sll_addr;
	int room = 8 << 20;

	if (argc < 3)
		return 2;
	fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL));
	to_ll.sll_ifindex = (int)if_nametoindex(argv[2]);
	to_ll.sll_protocol = htons(ETH_P_ALL);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to_ll, sizeof(to_ll)) < 0)
		die(argv[2]);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (!strcmp(argv[1], "answer"))
		answer();
	if (argc < 7 || sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3,
			       m + 4, m + 5) != 6)
		return 2;
	parse_side(&s.from, argv[4]);
	parse_side(&s.to, argv[5]);
	if (!strcmp(argv[1], "open")) {
		s.data = 0;
		open_flows(s, (unsigned int)strtoul(argv[6], NULL, 10),
			   argc > 7 ? (unsigned int)strtoul(argv[7], NULL, 10) : 1024);
		return 0;
	}
	s.sport = (uint16_t)strtoul(argv[6], NULL, 10);
	s.dport = DPORT;
	s.seq = 2;
	send_segment(&s);
	return 0;
}
