/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a hostile sandbox can put on its cable: each kind is one forged frame, sent COUNT times.
 *
 *   frames DEV KIND ME VICTIM GATEWAY     (each: MAC IP4 IP6)
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT 5

struct who {
	uint8_t mac[6];
	struct in_addr ip4;
	struct in6_addr ip6;
};

static uint8_t frame[256];
static size_t len;
static struct who me, victim, gateway;
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ether(const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	struct ether_header *h = (struct ether_header *)frame;

	memset(frame, 0, sizeof(frame));
	memcpy(h->ether_dhost, dst, 6);
	memcpy(h->ether_shost, src, 6);
	h->ether_type = htons(type);
	len = 60;
}

static void arp(uint16_t op, const uint8_t *mac, struct in_addr ip, struct in_addr target)
{
	struct ether_arp a = {0};

	a.arp_hrd = htons(ARPHRD_ETHER);
	a.arp_pro = htons(ETHERTYPE_IP);
	a.arp_hln = 6;
	a.arp_pln = 4;
	a.arp_op = htons(op);
	memcpy(a.arp_sha, mac, 6);
	memcpy(a.arp_spa, &ip, 4);
	memcpy(a.arp_tha, gateway.mac, 6);
	memcpy(a.arp_tpa, &target, 4);
	memcpy(frame + ETH_HLEN, &a, sizeof(a));
}

static uint16_t sum16(const uint8_t *p, size_t n, uint32_t acc)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		acc += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)acc;
}

/* An ICMPv6 message with a target and a link-layer address option: what NS and NA look like. */
static void nd(uint8_t type, const struct in6_addr *src, const struct in6_addr *dst,
	       const struct in6_addr *target, uint8_t option, uint32_t flags)
{
	struct ip6_hdr ip = {0};
	uint8_t *icmp = frame + ETH_HLEN + sizeof(ip);
	uint16_t n = 32, sum;
	uint32_t acc;

	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons(n);
	ip.ip6_nxt = IPPROTO_ICMPV6;
	ip.ip6_hlim = 255;
	ip.ip6_src = *src;
	ip.ip6_dst = *dst;
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	icmp[0] = type;
	flags = htonl(flags);
	memcpy(icmp + 4, &flags, 4);
	memcpy(icmp + 8, target, 16);
	icmp[24] = option;
	icmp[25] = 1;
	memcpy(icmp + 26, me.mac, 6);
	acc = sum16((const uint8_t *)&ip.ip6_src, 32, 0);
	sum = sum16(icmp, n, acc + n + IPPROTO_ICMPV6);
	sum = (uint16_t)~sum;
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	len = ETH_HLEN + sizeof(ip) + n;
}

static void ip4(uint8_t protocol, const struct in_addr *src, const struct in_addr *dst,
		const void *body, size_t n)
{
	struct iphdr ip = {0};
	uint16_t sum;

	ip.version = 4;
	ip.ihl = 5;
	ip.ttl = 64;
	ip.protocol = protocol;
	ip.tot_len = htons((uint16_t)(sizeof(ip) + n));
	ip.saddr = src->s_addr;
	ip.daddr = dst->s_addr;
	sum = (uint16_t)~sum16((const uint8_t *)&ip, sizeof(ip), 0);
	ip.check = htons(sum);
	memcpy(frame + ETH_HLEN, &ip, sizeof(ip));
	memcpy(frame + ETH_HLEN + sizeof(ip), body, n);
	if (ETH_HLEN + sizeof(ip) + n > len)
		len = ETH_HLEN + sizeof(ip) + n;
}

static void udp4(const struct in_addr *src, const struct in_addr *dst)
{
	struct udphdr u = {0};

	u.source = htons(9999);
	u.dest = htons(9999);
	u.len = htons(sizeof(u));
	ip4(IPPROTO_UDP, src, dst, &u, sizeof(u));
}

/* "Port unreachable", about a packet that nobody has sent: connection tracking calls it invalid. */
static void icmp4_error(const struct in_addr *src, const struct in_addr *dst)
{
	uint8_t icmp[8 + sizeof(struct iphdr) + 8] = {3, 3};
	uint16_t sum;

	udp4(dst, src);
	memcpy(icmp + 8, frame + ETH_HLEN, sizeof(icmp) - 8);
	sum = (uint16_t)~sum16(icmp, sizeof(icmp), 0);
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	ip4(IPPROTO_ICMP, src, dst, icmp, sizeof(icmp));
}

static void build(const char *kind)
{
	static const uint8_t lldp[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
	static const uint8_t all6[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct in6_addr nodes = {.s6_addr = {0xff, 0x02, [15] = 1}};

	if (!strcmp(kind, "arp-reply")) {
		ether(gateway.mac, me.mac, ETHERTYPE_ARP);
		arp(ARPOP_REPLY, me.mac, victim.ip4, gateway.ip4);
	} else if (!strcmp(kind, "arp-request")) {
		ether(broadcast, me.mac, ETHERTYPE_ARP);
		arp(ARPOP_REQUEST, me.mac, victim.ip4, gateway.ip4);
	} else if (!strcmp(kind, "arp-gateway")) {
		ether(broadcast, me.mac, ETHERTYPE_ARP);
		arp(ARPOP_REPLY, me.mac, gateway.ip4, victim.ip4);
	} else if (!strcmp(kind, "nd-advert")) {
		ether(gateway.mac, me.mac, ETHERTYPE_IPV6);
		nd(ND_NEIGHBOR_ADVERT, &me.ip6, &gateway.ip6, &victim.ip6, 2, 0x60000000);
	} else if (!strcmp(kind, "nd-solicit")) {
		ether(gateway.mac, me.mac, ETHERTYPE_IPV6);
		nd(ND_NEIGHBOR_SOLICIT, &victim.ip6, &gateway.ip6, &gateway.ip6, 1, 0);
	} else if (!strcmp(kind, "nd-gateway")) {
		ether(all6, me.mac, ETHERTYPE_IPV6);
		nd(ND_NEIGHBOR_ADVERT, &gateway.ip6, &nodes, &gateway.ip6, 2, 0xa0000000);
	} else if (!strcmp(kind, "fdb")) {
		ether(gateway.mac, victim.mac, ETHERTYPE_IP);
		udp4(&victim.ip4, &gateway.ip4);
	} else if (!strcmp(kind, "fdb-link-local")) {
		ether(lldp, victim.mac, 0x88cc);
	} else if (!strcmp(kind, "spoof-ip")) {
		ether(gateway.mac, me.mac, ETHERTYPE_IP);
		udp4(&victim.ip4, &gateway.ip4);
	} else if (!strcmp(kind, "icmp-error")) {
		ether(gateway.mac, me.mac, ETHERTYPE_IP);
		icmp4_error(&me.ip4, &gateway.ip4);
	} else if (!strcmp(kind, "direct")) {
		ether(victim.mac, me.mac, ETHERTYPE_IP);
		udp4(&me.ip4, &victim.ip4);
	} else if (!strcmp(kind, "broadcast")) {
		ether(broadcast, me.mac, ETHERTYPE_IP);
		udp4(&me.ip4, &(struct in_addr){INADDR_BROADCAST});
	} else {
		fprintf(stderr, "frames: no kind %s\n", kind);
		exit(2);
	}
}

static void parse(struct who *w, char **argv)
{
	if (sscanf(argv[0], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &w->mac[0], &w->mac[1], &w->mac[2],
		   &w->mac[3], &w->mac[4], &w->mac[5]) != 6 ||
	    inet_pton(AF_INET, argv[1], &w->ip4) != 1 ||
	    inet_pton(AF_INET6, argv[2], &w->ip6) != 1) {
		fputs("frames: bad address\n", stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_halen = 6};
	struct ifreq ifr = {0};
	int fd;

	if (argc != 12) {
		fputs("usage: frames DEV KIND ME VICTIM GATEWAY (each: MAC IP4 IP6)\n", stderr);
		return 2;
	}
	parse(&me, argv + 3);
	parse(&victim, argv + 6);
	parse(&gateway, argv + 9);
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	if (fd < 0)
		die("socket");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", argv[1]);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		die(argv[1]);
	ll.sll_ifindex = ifr.ifr_ifindex;
	build(argv[2]);
	for (int i = 0; i < COUNT; i++)
		if (sendto(fd, frame, len, 0, (struct sockaddr *)&ll, sizeof(ll)) < 0)
			die("sendto");
	return 0;
}
