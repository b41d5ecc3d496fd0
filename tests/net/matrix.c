/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many single packets, and where each of them arrives. Reads a list of places and probes, then, for
 * each line of its input, sends all probes once and prints what was seen of each, and a dot.
 *
 *	place NAME NETNS DEV [out]	listens on DEV; with "out" to what leaves by it. Packets can
 *be sent from it: as frames, of a tunnel as what it carries
 *	host NAME NETNS			packets are sent by its own routes; listens with a socket
 *	listen NETNS			somebody is at home: ports 9999, of UDP and TCP
 *	probe NAME FROM KIND [KEY=VALUE]... [=> WHERE...]
 *
 * WHERE is "PLACE:ADDRESS" (it arrived, from there), "PLACE" (a frame without one), "PLACE!WHAT":
 * the sender was told, or an error leaves by "out": unreach, reset, or got synack, echo, arp;
 *"PLACE?", of a probe with ask=1: it is asked there for the neighbour to send it to. Probes go out
 *in their order; after the word "wait" all so far have arrived, or nothing comes any more. First it
 *prints what is wanted, in the form of a round.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PLACES	   16
#define PROBES	   250
#define TOKENS	   8
#define TOKEN_LEN  64
#define PORT	   9999
#define QUIET_MS   60  /* nothing comes any more */
#define PATIENT_MS 800 /* something that should has not come: once in a round */

struct place {
	char name[16];
	bool out, mute, is_host, is_tunnel;
	int capture, frames, raw4, raw6, sock4, sock6;
	int ifindex, netns;
	uint8_t mac[6];
};

struct probe {
	char name[32];
	struct place *from;
	char kind[12];
	bool wait;
	char keys[14][72];
	int n_keys;
	char want[TOKENS][TOKEN_LEN];
	int n_want;
	char seen[TOKENS][TOKEN_LEN];
	int n_seen;
	uint16_t port;
};

/* In each packet, in front of its other bytes. */
struct mark {
	char magic[4];
	uint16_t probe;
	uint32_t round;
} __attribute__((packed));

static struct place places[PLACES];
static struct probe probes[PROBES];
static int n_places, n_probes, own_net;
static uint32_t round_now;
static bool was_patient;
static uint8_t buf[2048];
static size_t len;

static void die(const char *what)
{
	fprintf(stderr, "matrix: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- places ----------------------------------------------------------------------------------- */

static void enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(path);
	close(fd);
}

static void leave(void)
{
	if (setns(own_net, CLONE_NEWNET) < 0)
		die("setns");
}

static int server(int family, int type)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int one = 1, fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
		 family == AF_INET ? sizeof(a4) : sizeof(a6)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 100) < 0))
		die("bind");
	return fd;
}

static void open_raw(struct place *p)
{
	p->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	p->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (p->raw4 < 0 || p->raw6 < 0)
		die("raw socket");
}

static void open_device(struct place *p, const char *dev)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct ifreq ifr = {0};

	p->capture = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	p->frames = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (p->capture < 0 || p->frames < 0 || ioctl(p->capture, SIOCGIFINDEX, &ifr) < 0)
		die(dev);
	p->ifindex = ll.sll_ifindex = ifr.ifr_ifindex;
	if (ioctl(p->capture, SIOCGIFHWADDR, &ifr) < 0 ||
	    bind(p->capture, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die(dev);
	p->is_tunnel = ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER;
	memcpy(p->mac, ifr.ifr_hwaddr.sa_data, 6);
	if (p->is_tunnel)
		open_raw(p);
}

static void add_place(char **w, int n)
{
	struct place *p = &places[n_places++];

	snprintf(p->name, sizeof(p->name), "%s", w[1]);
	p->capture = p->sock4 = p->sock6 = -1;
	p->netns = open(w[2], O_RDONLY | O_CLOEXEC);
	enter(w[2]);
	if (!strcmp(w[0], "host")) {
		p->is_host = true;
		open_raw(p);
		p->sock4 = server(AF_INET, SOCK_DGRAM);
		p->sock6 = server(AF_INET6, SOCK_DGRAM);
		server(AF_INET, SOCK_STREAM);
		server(AF_INET6, SOCK_STREAM);
	} else {
		p->out = n > 4 && !strcmp(w[4], "out");
		p->mute = n > 4 && !strcmp(w[4], "mute");
		open_device(p, w[3]);
	}
	leave();
}

static void add_listener(const char *netns)
{
	static const int all[4][2] = {{AF_INET, SOCK_DGRAM},
				      {AF_INET6, SOCK_DGRAM},
				      {AF_INET, SOCK_STREAM},
				      {AF_INET6, SOCK_STREAM}};

	enter(netns);
	for (int i = 0; i < 4; i++)
		server(all[i][0], all[i][1]);
	leave();
}

/* --- packets ---------------------------------------------------------------------------------- */

static const char *key(const struct probe *p, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; i < p->n_keys; i++)
		if (!strncmp(p->keys[i], name, n) && p->keys[i][n] == '=')
			return p->keys[i] + n + 1;
	return NULL;
}

static struct probe *by_name(const char *name)
{
	for (int i = 0; i < n_probes; i++)
		if (!strcmp(probes[i].name, name))
			return &probes[i];
	fprintf(stderr, "matrix: no probe %s\n", name);
	exit(2);
}

/* A number, or "@NAME": the port that this probe was sent from. */
static uint16_t port(const struct probe *p, const char *name, uint16_t otherwise)
{
	const char *v = key(p, name);

	if (!v)
		return otherwise;
	return *v == '@' ? by_name(v + 1)->port : (uint16_t)atoi(v);
}

static void mac(const struct probe *p, const char *name, const uint8_t *otherwise, uint8_t ret[6])
{
	const char *v = key(p, name);

	if (!v)
		memcpy(ret, otherwise, 6);
	else if (sscanf(v, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &ret[0], &ret[1], &ret[2], &ret[3],
			&ret[4], &ret[5]) != 6)
		die(v);
}

static int address(const struct probe *p, const char *name, uint8_t ret[16])
{
	const char *v = key(p, name);

	memset(ret, 0, 16);
	if (!v)
		return 0;
	if (inet_pton(AF_INET, v, ret) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, v, ret) != 1)
		die(v);
	return AF_INET6;
}

static uint32_t add(const void *data, size_t n, uint32_t acc)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < n; i += 2)
		acc += (uint32_t)(p[i] << 8 | p[i + 1]);
	return n & 1 ? acc + (uint32_t)(p[n - 1] << 8) : acc;
}

static uint16_t fold(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return htons((uint16_t)~acc);
}

static size_t put_header(uint8_t *at, int family, uint8_t proto, const uint8_t *src,
			 const uint8_t *dst, size_t n, uint8_t ttl)
{
	struct iphdr h4 = {.version = 4, .ihl = 5, .ttl = ttl, .protocol = proto};
	struct ip6_hdr h6 = {.ip6_nxt = proto, .ip6_hlim = ttl};

	if (family == AF_INET) {
		h4.tot_len = htons((uint16_t)(sizeof(h4) + n));
		memcpy(&h4.saddr, src, 4);
		memcpy(&h4.daddr, dst, 4);
		h4.check = fold(add(&h4, sizeof(h4), 0));
		memcpy(at, &h4, sizeof(h4));
		return sizeof(h4);
	}
	h6.ip6_flow = htonl(6u << 28);
	h6.ip6_plen = htons((uint16_t)n);
	memcpy(&h6.ip6_src, src, 16);
	memcpy(&h6.ip6_dst, dst, 16);
	memcpy(at, &h6, sizeof(h6));
	return sizeof(h6);
}

static uint16_t check(int family, uint8_t proto, const uint8_t *src, const uint8_t *dst,
		      const uint8_t *body, size_t n)
{
	size_t a = family == AF_INET ? 4 : 16;

	return fold(add(body, n, add(dst, a, add(src, a, (uint32_t)n + proto))));
}

static struct mark mark_of(const struct probe *p)
{
	struct mark m = {.magic = "vPRB", .probe = (uint16_t)(p - probes), .round = round_now};

	return m;
}

/* UDP, TCP or an echo request: its header, and the mark behind. */
static size_t put_transport(const struct probe *p, uint8_t *at, int family, uint8_t proto,
			    const uint8_t *src, const uint8_t *dst)
{
	struct mark m = mark_of(p);
	size_t n = proto == IPPROTO_TCP ? sizeof(struct tcphdr) : 8;
	uint16_t *sum = (uint16_t *)(void *)(at + (proto == IPPROTO_TCP	  ? 16
						   : proto == IPPROTO_UDP ? 6
									  : 2));
	uint16_t from = htons(port(p, "sport", p->port)), to = htons(port(p, "dport", PORT));
	uint16_t whole;

	memset(at, 0, n);
	memcpy(at + n, &m, sizeof(m));
	n += sizeof(m);
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		at[0] = proto == IPPROTO_ICMP ? 8 : 128;
		memcpy(at + 4, &from, 2);
	} else {
		memcpy(at, &from, 2);
		memcpy(at + 2, &to, 2);
	}
	if (proto == IPPROTO_UDP) {
		whole = htons((uint16_t)n);
		memcpy(at + 4, &whole, 2);
	} else if (proto == IPPROTO_TCP) {
		at[12] = 5 << 4;
		at[13] = (uint8_t)(key(p, "flags") ? atoi(key(p, "flags")) : 2);
		at[14] = 0x10;
	}
	if (proto == IPPROTO_ICMP)
		*sum = fold(add(at, n, 0));
	else
		*sum = check(family, proto, src, dst, at, n);
	return n;
}

/* "Port unreachable", about a packet from dst that nobody has sent. */
static size_t put_error(const struct probe *p, uint8_t *at, int family, const uint8_t *src,
			const uint8_t *dst)
{
	uint8_t inner[128];
	size_t n = put_transport(p, inner, family, IPPROTO_UDP, dst, src), head;

	memset(at, 0, 8);
	at[0] = family == AF_INET ? 3 : 1;
	at[1] = family == AF_INET ? 3 : 4;
	head = put_header(at + 8, family, IPPROTO_UDP, dst, src, n, 64);
	memcpy(at + 8 + head, inner, n);
	n += 8 + head;
	*(uint16_t *)(void *)(at + 2) = family == AF_INET
						? fold(add(at, n, 0))
						: check(family, IPPROTO_ICMPV6, src, dst, at, n);
	return n;
}

/* Neighbour discovery and its like: a target, a link-layer address, and the mark as an option. */
static size_t put_nd(const struct probe *p, uint8_t *at, uint8_t type, const uint8_t *src,
		     const uint8_t *dst)
{
	struct mark m = mark_of(p);
	uint8_t target[16];
	size_t n = type == ND_ROUTER_SOLICIT || type == 143 ? 8 : 24;

	address(p, "target", target);
	memset(at, 0, 64);
	at[0] = type;
	if (n == 24)
		memcpy(at + 8, target, 16);
	at[n] = type == ND_NEIGHBOR_ADVERT ? 2 : 1;
	at[n + 1] = 1;
	mac(p, "lladdr", p->from->mac, at + n + 2);
	at[n + 8] = 253;
	at[n + 9] = 2;
	memcpy(at + n + 10, &m, sizeof(m));
	n += 24;
	*(uint16_t *)(void *)(at + 2) = check(AF_INET6, IPPROTO_ICMPV6, src, dst, at, n);
	return n;
}

static size_t put_ip(const struct probe *p, uint8_t *at, int *family)
{
	static const struct {
		const char *kind;
		uint8_t type;
	} nd[] = {{"ns", ND_NEIGHBOR_SOLICIT}, {"na", ND_NEIGHBOR_ADVERT},
		  {"rs", ND_ROUTER_SOLICIT},   {"ra", ND_ROUTER_ADVERT},
		  {"redirect", ND_REDIRECT},   {"mld", 143}};
	uint8_t src[16], dst[16], body[512], proto = IPPROTO_UDP;
	uint8_t ttl = (uint8_t)(key(p, "ttl") ? atoi(key(p, "ttl")) : 64);
	size_t n = 0;

	address(p, "src", src);
	*family = address(p, "dst", dst);
	for (size_t i = 0; i < sizeof(nd) / sizeof(*nd); i++)
		if (!strcmp(p->kind, nd[i].kind)) {
			n = put_nd(p, body, nd[i].type, src, dst);
			ttl = key(p, "ttl") ? ttl : 255;
		}
	if (n)
		proto = IPPROTO_ICMPV6;
	else if (!strcmp(p->kind, "error"))
		proto = *family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		n = put_error(p, body, *family, src, dst);
	else {
		if (!strcmp(p->kind, "tcp"))
			proto = IPPROTO_TCP;
		else if (!strcmp(p->kind, "echo"))
			proto = *family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		n = put_transport(p, body, *family, proto, src, dst);
	}
	memcpy(at + put_header(at, *family, proto, src, dst, n, ttl), body, n);
	return n + (*family == AF_INET ? 20 : 40);
}

static size_t put_arp(const struct probe *p, uint8_t *at)
{
	struct mark m = mark_of(p);
	uint8_t a[16];
	const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, !strcmp(p->kind, "arpq") ? 1 : 2};

	memset(at, 0, 60);
	memcpy(at, head, sizeof(head));
	mac(p, "sha", p->from->mac, at + 8);
	address(p, "spa", a);
	memcpy(at + 14, a, 4);
	address(p, "tpa", a);
	memcpy(at + 24, a, 4);
	memcpy(at + 28, &m, sizeof(m));
	return 46;
}

static void send_frame(const struct probe *p)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_halen = 6};
	bool is_arp = !strncmp(p->kind, "arp", 3);
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
	uint16_t type;
	int family = AF_INET;

	mac(p, "dmac", all, buf);
	mac(p, "smac", p->from->mac, buf + 6);
	len = 14 + (is_arp ? put_arp(p, buf + 14) : put_ip(p, buf + 14, &family));
	type = htons(is_arp ? ETHERTYPE_ARP : family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	memcpy(buf + 12, &type, 2);
	ll.sll_ifindex = p->from->ifindex;
	/* ENOBUFS: what is forbidden to leave by the device has left nobody. */
	if (sendto(p->from->frames, buf, len, 0, (struct sockaddr *)&ll, sizeof(ll)) < 0 &&
	    errno != ENOBUFS)
		fprintf(stderr, "matrix: %s: %s\n", p->name, strerror(errno));
}

/* With "bind" as a program that has chosen that address of the place's: rules may go by it. */
static int bound(const struct place *p, int family, const uint8_t *src)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
	int one = 1, fd;

	memcpy(&a4.sin_addr, src, 4);
	memcpy(&a6.sin6_addr, src, 16);
	if (setns(p->netns, CLONE_NEWNET) < 0)
		die("setns");
	fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	leave();
	setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		   family == AF_INET ? IP_FREEBIND : IPV6_FREEBIND, &one, sizeof(one));
	if (fd < 0 || bind(fd, family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
			   family == AF_INET ? sizeof(a4) : sizeof(a6)) < 0)
		die("a bound socket");
	return fd;
}

/* By the place's own routes; a refusal of the sender's own kernel is nothing to speak of. */
static void send_raw(const struct probe *p)
{
	struct sockaddr_in a4 = {.sin_family = AF_INET};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6};
	const char *dev = key(p, "dev");
	int family, fd;
	uint32_t m =
		key(p, "mark") ? (uint32_t)strtoul(key(p, "mark"), NULL, 0) : p->from->is_tunnel;

	len = put_ip(p, buf, &family);
	if (key(p, "bind"))
		fd = bound(p->from, family, buf + (family == AF_INET ? 12 : 8));
	else
		fd = family == AF_INET ? p->from->raw4 : p->from->raw6;
	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &m, sizeof(m)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev ? dev : "",
		       (socklen_t)(dev ? strlen(dev) : 0)) < 0)
		die("a raw socket's options");
	memcpy(&a4.sin_addr, buf + 16, 4);
	memcpy(&a6.sin6_addr, buf + 24, 16);
	sendto(fd, buf, len, 0, family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6,
	       family == AF_INET ? sizeof(a4) : sizeof(a6));
	if (key(p, "bind"))
		close(fd);
}

/* --- what arrives ------------------------------------------------------------------------------
 */

static void note(struct probe *p, const char *place, const char *how, const char *what)
{
	char token[TOKEN_LEN];

	snprintf(token, sizeof(token), "%s%s%s", place, how, what);
	for (int i = 0; i < p->n_seen; i++)
		if (!strcmp(p->seen[i], token))
			return;
	if (p->n_seen < TOKENS)
		memcpy(p->seen[p->n_seen++], token, sizeof(token));
}

static const struct mark *find_mark(const uint8_t *data, size_t n)
{
	const struct mark *m = memmem(data, n, "vPRB", 4);

	if (!m || (const uint8_t *)(m + 1) > data + n || m->round != round_now ||
	    m->probe >= n_probes)
		return NULL;
	return m;
}

/* The host itself looks for who has the address that a probe of it goes to. */
static void look_at_question(const struct place *at, const uint8_t *target, size_t n)
{
	for (int i = 0; i < n_probes; i++) {
		uint8_t dst[16];

		if (key(&probes[i], "ask") && address(&probes[i], "dst", dst) &&
		    !memcmp(dst, target, n) && (n == 16 || !memcmp(dst + 4, "\0\0\0\0", 4)))
			note(&probes[i], at->name, "?", "");
	}
}

static void look_at_ip(const struct place *at, const uint8_t *d, size_t n)
{
	bool six = n && d[0] >> 4 == 6;
	size_t head = six ? 40 : 20;
	const struct mark *m = find_mark(d, n);
	const uint8_t *body = d + head;
	char src[INET6_ADDRSTRLEN];
	uint8_t proto;
	uint16_t to;

	if (n < head + 8)
		return;
	proto = six ? d[6] : d[9];
	if (!m && proto == IPPROTO_ICMPV6 && body[0] == ND_NEIGHBOR_SOLICIT && n >= head + 24)
		look_at_question(at, body + 8, 16);
	memcpy(&to, body + 2, 2);
	if (proto == IPPROTO_TCP && n >= head + 20 && (body[13] & 0x14))
		for (int i = 0; i < n_probes; i++)
			if (probes[i].port == ntohs(to) && probes[i].from == at &&
			    !strcmp(probes[i].kind, "tcp"))
				note(&probes[i], at->name, "!", body[13] & 4 ? "reset" : "synack");
	if (!m || (proto == IPPROTO_TCP && (body[13] & 0x14) && !key(&probes[m->probe], "flags")))
		return;
	inet_ntop(six ? AF_INET6 : AF_INET, d + (six ? 8 : 12), src, sizeof(src));
	if ((proto == IPPROTO_ICMP && body[0] == 3) || (proto == IPPROTO_ICMPV6 && body[0] < 128)) {
		/* Of a forged error it is the error itself that is looked for. */
		if (!strcmp(probes[m->probe].kind, "error"))
			note(&probes[m->probe], at->name, ":", src);
		else if (probes[m->probe].from == at || at->out)
			note(&probes[m->probe], at->name, "!", "unreach");
		return;
	}
	if ((proto == IPPROTO_ICMP && body[0] == 0) ||
	    (proto == IPPROTO_ICMPV6 && body[0] == 129)) {
		if (probes[m->probe].from == at)
			note(&probes[m->probe], at->name, "!", "echo");
		return;
	}
	note(&probes[m->probe], at->name, ":", src);
}

static void look_at_arp(const struct place *at, const uint8_t *d, size_t n)
{
	const struct mark *m = find_mark(d, n);

	if (m)
		note(&probes[m->probe], at->name, "", "");
	else if (n >= 28 && d[7] == 1)
		look_at_question(at, d + 24, 4);
	for (int i = 0; !m && n >= 28 && i < n_probes; i++) {
		uint8_t tpa[16];

		address(&probes[i], "tpa", tpa);
		if (probes[i].from == at && !strcmp(probes[i].kind, "arpq") && d[7] == 2 &&
		    !memcmp(d + 14, tpa, 4))
			note(&probes[i], at->name, "!", "arp");
	}
}

static bool take(struct place *p)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	uint8_t d[2048];
	const struct mark *m;
	ssize_t n;

	if (p->is_host) {
		n = recv(p->sock4, d, sizeof(d), 0);
		if (n < 0)
			n = recv(p->sock6, d, sizeof(d), 0);
		m = n > 0 ? find_mark(d, (size_t)n) : NULL;
		if (m)
			note(&probes[m->probe], p->name, "", "");
		return n > 0;
	}
	n = recvfrom(p->capture, d, sizeof(d), 0, (struct sockaddr *)&from, &size);
	if (n <= 0)
		return false;
	if (p->mute || (from.sll_pkttype == PACKET_OUTGOING) != p->out)
		return true;
	if (ntohs(from.sll_protocol) == ETHERTYPE_ARP)
		look_at_arp(p, d, (size_t)n);
	else
		look_at_ip(p, d, (size_t)n);
	return true;
}

static bool all_came(int upto)
{
	for (int i = 0; i < upto; i++)
		for (int k = 0; k < probes[i].n_want; k++) {
			bool found = false;

			for (int s = 0; s < probes[i].n_seen; s++)
				found |= !strcmp(probes[i].seen[s], probes[i].want[k]);
			if (!found)
				return false;
		}
	return true;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void collect(int upto)
{
	int64_t start = now_ms(), last = start;
	struct pollfd pfd[2 * PLACES];

	while (now_ms() - last < (was_patient || all_came(upto) ? QUIET_MS : PATIENT_MS)) {
		int n = 0;
		bool any = false;

		for (int i = 0; i < n_places; i++) {
			pfd[n++] = (struct pollfd){
				places[i].is_host ? places[i].sock4 : places[i].capture, POLLIN, 0};
			if (places[i].is_host)
				pfd[n++] = (struct pollfd){places[i].sock6, POLLIN, 0};
		}
		poll(pfd, (nfds_t)n, QUIET_MS);
		for (int i = 0; i < n_places; i++)
			while (take(&places[i]))
				any = true;
		/* Others talk, too: that alone must not keep us. */
		if (any && now_ms() - start < PATIENT_MS)
			last = now_ms();
	}
	was_patient |= !all_came(upto);
}

static int order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void print_probe(const struct probe *p, char (*tokens)[TOKEN_LEN], int n)
{
	printf("%s", p->name);
	for (int k = 0; k < n; k++)
		printf(" %s", tokens[k]);
	printf("\n");
}

static void run_round(void)
{
	round_now++;
	was_patient = false;
	for (int i = 0; i < n_probes; i++) {
		probes[i].n_seen = 0;
		probes[i].port = (uint16_t)(10000 + (round_now * PROBES + (uint32_t)i) % 50000);
	}
	for (int i = 0; i < n_places; i++)
		while (take(&places[i]))
			;
	for (int i = 0; i < n_probes; i++) {
		struct probe *p = &probes[i];

		if (p->wait)
			collect(i);
		if (p->from->is_host || p->from->is_tunnel)
			send_raw(p);
		else
			send_frame(p);
	}
	collect(n_probes);
	for (int i = 0; i < n_probes; i++) {
		qsort(probes[i].seen, (size_t)probes[i].n_seen, TOKEN_LEN, order);
		print_probe(&probes[i], probes[i].seen, probes[i].n_seen);
	}
	printf(".\n");
	fflush(stdout);
}

/* --- the list ----------------------------------------------------------------------------------
 */

static void add_probe(char **w, int n)
{
	static bool wait;
	struct probe *p;
	int i = 4;

	if (!strcmp(w[0], "wait")) {
		wait = true;
		return;
	}
	if (n < 4 || n_probes == PROBES)
		die("a probe's line");
	p = &probes[n_probes++];
	p->wait = wait;
	wait = false;
	snprintf(p->name, sizeof(p->name), "%s", w[1]);
	snprintf(p->kind, sizeof(p->kind), "%s", w[3]);
	for (int k = 0; k < n_places; k++)
		if (!strcmp(places[k].name, w[2]))
			p->from = &places[k];
	if (!p->from)
		die(w[2]);
	for (; i < n && strcmp(w[i], "=>") != 0; i++)
		snprintf(p->keys[p->n_keys++], sizeof(p->keys[0]), "%s", w[i]);
	for (i++; i < n; i++)
		snprintf(p->want[p->n_want++], TOKEN_LEN, "%s", w[i]);
	qsort(p->want, (size_t)p->n_want, TOKEN_LEN, order);
}

static void read_list(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[600];

	if (!f)
		die(path);
	while (fgets(line, sizeof(line), f)) {
		char *w[20], *save;
		int n = 0;

		for (char *t = strtok_r(line, " \t\n", &save); t && n < 20;
		     t = strtok_r(NULL, " \t\n", &save))
			w[n++] = t;
		if (!n || w[0][0] == '#')
			continue;
		if (!strcmp(w[0], "listen") && n == 2)
			add_listener(w[1]);
		else if ((!strcmp(w[0], "place") || !strcmp(w[0], "host")) && n >= 3)
			add_place(w, n);
		else
			add_probe(w, n);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	char line[16];

	own_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (argc != 2 || own_net < 0)
		return 2;
	read_list(argv[1]);
	for (int i = 0; i < n_probes; i++)
		print_probe(&probes[i], probes[i].want, probes[i].n_want);
	printf(".\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		run_round();
	return 0;
}
