// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rig's capture: counts what leaves by one device and is not UDP to a given endpoint.
 * `rigcap serve SOCKET DEVICE ADDR@PORT…` is started by the rig and waits for orders;
 * `rigcap start|stop|list SOCKET` gives them: stop prints the count, list the packets.
 *
 * Not counted, being the host's own talk with its link and no program's: ARP, and of ICMPv6 the
 * neighbour discovery (133-137, hop limit 255) and the multicast listener reports (130-132, 143);
 * and "port unreachable" to an endpoint about that endpoint's own encrypted UDP, which the kernel
 * answers while a tunnel is gone; and questions for the name of an endpoint, which a supervisor
 * asks of the uplink's name server whenever its server is silent. Everything else counts, whoever
 * sent it. It must never count too little: a packet that the socket had no room for makes stop
 * fail.
 *
 * start waits a moment for connections that are closed, but not to the end: the last packets of a
 * control would count as a leak.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ENDPOINTS_MAX	8
#define LIST_MAX	64
#define TYPE_MARKER	0x88b5 /* IEEE 802 local experimental */
#define SNAP_LEN	128
#define BUFFER_LEN	(64 * 1024 * 1024)
#define CLOSING_WAIT_MS 1000
#define MARKER_WAIT_MS	5000

struct endpoint {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	uint16_t port;
};

struct capture {
	int packet_fd; /* what leaves */
	int marker_fd; /* a packet socket does not see what it sends itself */
	struct sockaddr_ll device;
	struct endpoint endpoints[ENDPOINTS_MAX];
	int n_endpoints;
	bool active;
	unsigned long count;
	unsigned long lost;
	unsigned long marker;
	char list[LIST_MAX][160];
};

static void die(const char *what)
{
	fprintf(stderr, "rigcap: cannot %s: %s\n", what, strerror(errno));
	exit(1);
}

static void endpoint_parse(const char *arg, struct endpoint *ret)
{
	char text[80];
	char *at;

	snprintf(text, sizeof(text), "%s", arg);
	at = strchr(text, '@');
	if (!at) {
		fprintf(stderr, "rigcap: %s is not ADDR@PORT\n", arg);
		exit(2);
	}
	*at = '\0';
	ret->port = (uint16_t)strtoul(at + 1, NULL, 10);
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ret->family, text, &ret->v6) != 1) {
		fprintf(stderr, "rigcap: %s is no address\n", text);
		exit(2);
	}
}

#define STMT(op, k) ((struct sock_filter)BPF_STMT((uint16_t)(op), (uint32_t)(k)))
#define JUMP(op, k, jt, jf) \
	((struct sock_filter)BPF_JUMP((uint16_t)(op), (uint32_t)(k), (uint8_t)(jt), (uint8_t)(jf)))

static int filter_endpoint(struct sock_filter *f, const struct endpoint *ep)
{
	int words = ep->family == AF_INET ? 1 : 4;
	int n = 0;

	for (int i = 0; i < words; i++) {
		uint32_t want =
			ep->family == AF_INET ? ntohl(ep->v4.s_addr) : ntohl(ep->v6.s6_addr32[i]);

		f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, (words == 1 ? 30 : 38) + 4 * i);
		f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, want, 0, 2 * (words - 1 - i) + 3);
	}
	f[n++] = STMT(BPF_LD | BPF_H | BPF_ABS, words == 1 ? 36 : 56);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, ep->port, 0, 1);
	f[n++] = STMT(BPF_RET | BPF_K, 0);
	return n;
}

/*
 * Lets the kernel throw away the tunnel's own packets, which are many; all that is not plainly one
 * of them comes up and is looked at in classify().
 */
static void filter_attach(const struct capture *c)
{
	struct sock_filter f[16 + 16 * ENDPOINTS_MAX];
	struct sock_fprog prog;
	int n = 0, jump_v6;

	f[n++] = STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, 0);
	f[n++] = STMT(BPF_LD | BPF_H | BPF_ABS, 12);
	jump_v6 = n;
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 0);
	f[n++] = STMT(BPF_LD | BPF_B | BPF_ABS, 14);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);
	f[n++] = STMT(BPF_LD | BPF_H | BPF_ABS, 20);
	f[n++] = JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 2, 0);
	f[n++] = STMT(BPF_LD | BPF_B | BPF_ABS, 23);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);
	for (int i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].family == AF_INET)
			n += filter_endpoint(f + n, &c->endpoints[i]);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);
	f[jump_v6].jf = (uint8_t)(n - jump_v6 - 1);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);
	f[n++] = STMT(BPF_LD | BPF_B | BPF_ABS, 20);
	f[n++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);
	for (int i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].family == AF_INET6)
			n += filter_endpoint(f + n, &c->endpoints[i]);
	f[n++] = STMT(BPF_RET | BPF_K, SNAP_LEN);

	prog.len = (unsigned short)n;
	prog.filter = f;
	if (setsockopt(c->packet_fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("attach the filter");
}

/* A later fragment has no port: the address must do. */
static bool is_endpoint_fragment(const struct capture *c, const struct iphdr *ip)
{
	if (ip->protocol != IPPROTO_UDP || !(ntohs(ip->frag_off) & IP_OFFMASK))
		return false;
	for (int i = 0; i < c->n_endpoints; i++)
		if (c->endpoints[i].family == AF_INET && c->endpoints[i].v4.s_addr == ip->daddr)
			return true;
	return false;
}

/*
 * p: ICMP of either family to an endpoint. It is the kernel's answer to the tunnel's far end, and
 * no program's, if what it quotes came from the endpoint's own address and port.
 */
static bool is_answer_to_endpoint(const struct capture *c, int family, const void *to,
				  const uint8_t *p, size_t len)
{
	const uint8_t *quoted = p + 8;
	size_t ip_len = family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t addr_len = family == AF_INET ? 4 : 16;
	bool unreachable;

	if (len < 8 + ip_len + 2)
		return false;
	unreachable = family == AF_INET ? p[0] == 3 && p[1] == 3 : p[0] == 1 && p[1] == 4;
	if (!unreachable || (family == AF_INET && quoted[0] != 0x45) ||
	    quoted[family == AF_INET ? 9 : 6] != IPPROTO_UDP)
		return false;
	for (int i = 0; i < c->n_endpoints; i++) {
		const struct endpoint *ep = &c->endpoints[i];

		if (ep->family == family && !memcmp(to, &ep->v6, addr_len) &&
		    !memcmp(quoted + (family == AF_INET ? 12 : 8), &ep->v6, addr_len) &&
		    ep->port == (((unsigned int)quoted[ip_len] << 8) | quoted[ip_len + 1]))
			return true;
	}
	return false;
}

static bool is_link_talk(const struct ip6_hdr *ip, const uint8_t *payload, size_t len)
{
	unsigned int next = ip->ip6_nxt;
	unsigned int type;

	if (next == IPPROTO_HOPOPTS && len >= 8 && len >= 8u + payload[1] * 8u) {
		size_t skip = 8u + payload[1] * 8u;

		next = payload[0];
		payload += skip;
		len -= skip;
	}
	if (next != IPPROTO_ICMPV6 || len < 1)
		return false;
	type = payload[0];
	if (type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT)
		return ip->ip6_hlim == 255;
	return (type >= MLD_LISTENER_QUERY && type <= MLD_LISTENER_REDUCTION) || type == 143;
}

/* p: UDP. exit.vpn.rig.test is not among them: it must be asked within another VPN. */
static bool asks_for_endpoint(const uint8_t *p, size_t len)
{
	static const char *const names[] = {"\4demo", "\5other", "\3six", "\4dual"};
	static const char zone[] = "\3vpn\3rig\4test"; /* with the root's label */

	if (len < 8 + 12 || p[2] != 0 || p[3] != 53)
		return false;
	p += 8 + 12;
	len -= 8 + 12;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (len >= n + sizeof(zone) && !memcmp(p, names[i], n) &&
		    !memcmp(p + n, zone, sizeof(zone)))
			return true;
	}
	return false;
}

/* Returns whether the packet counts, and describes it. */
static bool classify(const struct capture *c, const uint8_t *p, size_t len, char *text, size_t size)
{
	unsigned int type = len >= 14 ? ((unsigned int)p[12] << 8) | p[13] : 0;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct ip6_hdr ip6;
	struct iphdr ip;
	unsigned int proto;
	size_t l4;

	if (type == ETH_P_ARP)
		return false;
	if (type == ETH_P_IP && len >= 14 + sizeof(ip)) {
		memcpy(&ip, p + 14, sizeof(ip));
		if (is_endpoint_fragment(c, &ip))
			return false;
		inet_ntop(AF_INET, &ip.saddr, from, sizeof(from));
		inet_ntop(AF_INET, &ip.daddr, to, sizeof(to));
		proto = ip.protocol;
		l4 = 14 + ip.ihl * 4u;
		if (proto == IPPROTO_ICMP && len > l4 &&
		    is_answer_to_endpoint(c, AF_INET, &ip.daddr, p + l4, len - l4))
			return false;
	} else if (type == ETH_P_IPV6 && len >= 14 + sizeof(ip6)) {
		memcpy(&ip6, p + 14, sizeof(ip6));
		if (is_link_talk(&ip6, p + 14 + sizeof(ip6), len - 14 - sizeof(ip6)))
			return false;
		inet_ntop(AF_INET6, &ip6.ip6_src, from, sizeof(from));
		inet_ntop(AF_INET6, &ip6.ip6_dst, to, sizeof(to));
		proto = ip6.ip6_nxt;
		l4 = 14 + sizeof(ip6);
		if (proto == IPPROTO_ICMPV6 &&
		    is_answer_to_endpoint(c, AF_INET6, &ip6.ip6_dst, p + l4, len - l4))
			return false;
	} else {
		snprintf(text, size, "frame of type 0x%04x, %zu bytes", type, len);
		return true;
	}
	if (proto == IPPROTO_UDP && len > l4 && asks_for_endpoint(p + l4, len - l4))
		return false;
	if ((proto == IPPROTO_TCP || proto == IPPROTO_UDP) && len >= l4 + 4)
		snprintf(text, size, "%s %s port %u > %s port %u",
			 proto == IPPROTO_TCP ? "tcp" : "udp", from,
			 ((unsigned int)p[l4] << 8) | p[l4 + 1], to,
			 ((unsigned int)p[l4 + 2] << 8) | p[l4 + 3]);
	else
		snprintf(text, size, "protocol %u %s > %s, byte %u", proto, from, to,
			 len > l4 ? p[l4] : 0u);
	return true;
}

/* Reads what is there; returns true once the marker went by. */
static bool drain(struct capture *c)
{
	uint8_t p[SNAP_LEN];
	bool marked = false;

	for (;;) {
		ssize_t n = recv(c->packet_fd, p, sizeof(p), MSG_DONTWAIT);
		unsigned long id;
		char text[160];

		if (n < 0 && errno == EINTR)
			continue;
		/* ENETDOWN: the device went down; what left before has been read. */
		if (n < 0 && errno == ENETDOWN)
			continue;
		if (n < 0)
			return marked;
		if (n >= 14 + (ssize_t)sizeof(id) && p[12] == TYPE_MARKER >> 8 &&
		    p[13] == (TYPE_MARKER & 0xff)) {
			memcpy(&id, p + 14, sizeof(id));
			marked = marked || id == c->marker;
			continue;
		}
		if (!c->active || !classify(c, p, (size_t)n, text, sizeof(text)))
			continue;
		if (c->count < LIST_MAX)
			memcpy(c->list[c->count], text, sizeof(text));
		c->count++;
	}
}

/*
 * Sends a marker after everything else and reads up to it. A device that is down sends nothing,
 * not even a marker.
 */
static void flush(struct capture *c)
{
	uint8_t frame[60] = {
		0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, TYPE_MARKER >> 8, TYPE_MARKER & 0xff};
	struct tpacket_stats stats;
	socklen_t len = sizeof(stats);

	c->marker++;
	memcpy(frame + 14, &c->marker, sizeof(c->marker));
	if (sendto(c->marker_fd, frame, sizeof(frame), 0, (struct sockaddr *)&c->device,
		   sizeof(c->device)) >= 0) {
		struct pollfd p = {.fd = c->packet_fd, .events = POLLIN};
		struct timeval now, end;

		gettimeofday(&end, NULL);
		end.tv_sec += MARKER_WAIT_MS / 1000;
		while (!drain(c)) {
			gettimeofday(&now, NULL);
			if (timercmp(&now, &end, >)) {
				c->lost++;
				break;
			}
			poll(&p, 1, 100);
		}
	}
	drain(c);
	if (getsockopt(c->packet_fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
		c->lost += stats.tp_drops;
}

static bool is_closing(const char *path)
{
	enum { FIN_WAIT1 = 4, FIN_WAIT2 = 5, LAST_ACK = 9, CLOSING = 11 };
	FILE *f = fopen(path, "re");
	bool found = false;
	char line[512], to[64];
	unsigned int state;

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %*s %63s %x", to, &state) == 2 &&
		    strncmp(to, "0100007F", 8) != 0)
			found = found || state == FIN_WAIT1 || state == FIN_WAIT2 ||
				state == LAST_ACK || state == CLOSING;
	fclose(f);
	return found;
}

static void settle(void)
{
	for (int i = 0; i < CLOSING_WAIT_MS / 20; i++) {
		if (!is_closing("/proc/net/tcp") && !is_closing("/proc/net/tcp6"))
			return;
		poll(NULL, 0, 20);
	}
}

static void obey(struct capture *c, int fd)
{
	char reply[LIST_MAX * 168], order[8] = "";
	size_t n = 0;

	if (recv(fd, order, sizeof(order) - 1, 0) <= 0)
		return;
	if (!strcmp(order, "start")) {
		settle();
		flush(c);
		c->active = true;
		c->count = 0;
		c->lost = 0;
	} else if (!strcmp(order, "stop")) {
		flush(c);
		c->active = false;
		n = (size_t)snprintf(reply, sizeof(reply), "%lu\n", c->count);
		if (c->lost)
			n = (size_t)snprintf(reply, sizeof(reply), "lost %lu\n", c->lost);
	} else if (!strcmp(order, "list")) {
		if (c->active)
			flush(c);
		for (unsigned long i = 0; i < c->count && i < LIST_MAX; i++)
			n += (size_t)snprintf(reply + n, sizeof(reply) - n, "%s\n", c->list[i]);
	}
	if (send(fd, reply, n, MSG_NOSIGNAL) < 0)
		perror("rigcap: reply");
}

static struct sockaddr_un socket_name(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	return un;
}

__attribute__((noreturn)) static void serve(const char *path, const char *device, char **endpoints)
{
	struct sockaddr_un un = socket_name(path);
	const int size = BUFFER_LEN;
	static struct capture c;
	int listener;

	for (; *endpoints && c.n_endpoints < ENDPOINTS_MAX; endpoints++)
		endpoint_parse(*endpoints, &c.endpoints[c.n_endpoints++]);
	c.device = (struct sockaddr_ll){.sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_ALL),
					.sll_ifindex = (int)if_nametoindex(device),
					.sll_halen = ETH_ALEN};
	/* Protocol 0: receives nothing until it is bound, so the filter comes first. */
	c.packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	c.marker_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (c.packet_fd < 0 || c.marker_fd < 0)
		die("open a packet socket");
	setsockopt(c.packet_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	filter_attach(&c);
	if (!c.device.sll_ifindex ||
	    bind(c.packet_fd, (struct sockaddr *)&c.device, sizeof(c.device)) < 0)
		die("listen on the device");

	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	    chmod(path, 0666) < 0 || listen(listener, 8) < 0)
		die("listen for orders");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd fds[2] = {{c.packet_fd, POLLIN, 0}, {listener, POLLIN, 0}};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			drain(&c);
		if (fds[1].revents) {
			int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd < 0)
				continue;
			obey(&c, fd);
			close(fd);
		}
	}
}

static int order(const char *what, const char *path)
{
	struct sockaddr_un un = socket_name(path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	static char reply[LIST_MAX * 168];
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		die("reach the rig's capture");
	if (send(fd, what, strlen(what), MSG_NOSIGNAL) < 0)
		die("ask the rig's capture");
	n = recv(fd, reply, sizeof(reply) - 1, 0);
	if (n < 0)
		die("hear from the rig's capture");
	if (!strncmp(reply, "lost ", 5)) {
		fprintf(stderr, "rigcap: the count is worthless: %s", reply);
		return 1;
	}
	fputs(reply, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "serve"))
		serve(argv[2], argv[3], argv + 4);
	if (argc == 3 &&
	    (!strcmp(argv[1], "start") || !strcmp(argv[1], "stop") || !strcmp(argv[1], "list")))
		return order(argv[1], argv[2]);
	fprintf(stderr,
		"usage: rigcap serve SOCKET DEVICE ADDR@PORT... | start|stop|list SOCKET\n");
	return 2;
}
