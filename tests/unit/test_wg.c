/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nl/wg.c against golden bytes: what is sent to the kernel for a device, how a long list is spread
 * over messages, and that no answer, however malformed, is misread. A little-endian machine's
 * bytes.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>

#include "nl/wg.h"
#include "base/util.h"

#define FAMILY 0x1f

static uint8_t key_a[WG_KEY_LEN], key_b[WG_KEY_LEN], key_c[WG_KEY_LEN];

static void hex(const struct nl_msg *m, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < m->len && used + 3 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%02x", m->buf[i]);
}

static void test_golden(void)
{
	/* Written down by hand from <linux/wireguard.h>. */
	static const char want[] =
		"f0000000" /* length 240 */
		"1f00"
		"0500"		   /* family, NLM_F_REQUEST | NLM_F_ACK */
		"0000000000000000" /* sequence, port: the socket's */
		"01010000"	   /* WG_CMD_SET_DEVICE, version 1 */
		"0900"
		"0200"
		"64656d6f"
		"00000000" /* IFNAME "demo" */
		"2400"
		"0300"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"0600"
		"0600"
		"6cca0000" /* LISTEN_PORT 51820 */
		"0800"
		"0700"
		"11270000" /* FWMARK 10001 */
		"0800"
		"0500"
		"01000000" /* FLAGS: REPLACE_PEERS */
		"9400"
		"0880" /* PEERS, nested, 148 */
		"9000"
		"0080" /* one peer, 144 */
		"2400"
		"0100"
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		"0800"
		"0300"
		"02000000" /* FLAGS: REPLACE_ALLOWEDIPS */
		"2400"
		"0200"
		"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"1400"
		"0400"
		"0200"
		"ca6c"
		"c6336401"
		"0000000000000000" /* 198.51.100.1:51820 */
		"0600"
		"0500"
		"19000000" /* keepalive 25 */
		"2000"
		"0980" /* ALLOWEDIPS, nested */
		"1c00"
		"0080"
		"0600"
		"0100"
		"02000000"
		"0800"
		"0200"
		"00000000"
		"0500"
		"0300"
		"00000000"; /* AF_INET 0.0.0.0/0 */
	const struct wg_allowed any = {.family = AF_INET};
	struct wg_peer peer = {.public_key = key_b,
			       .psk = key_c,
			       .keepalive = 25,
			       .allowed = &any,
			       .n_allowed = 1};
	struct wg_device d = {.name = "demo",
			      .private_key = key_a,
			      .listen_port = 51820,
			      .fwmark = 10001,
			      .peers = &peer,
			      .n_peers = 1};
	struct wg_cursor at = {0};
	static struct nl_msg m;
	char got[2048];

	peer.endpoint.in.sin_family = AF_INET;
	peer.endpoint.in.sin_port = htons(51820);
	inet_pton(AF_INET, "198.51.100.1", &peer.endpoint.in.sin_addr);
	is_int(wg_put_device(&m, sizeof(m.buf), FAMILY, &d, &at), 0, "R64: one message is enough");
	hex(&m, got, sizeof(got));
	is_str(got, want, "R64: key, port, mark, preshared key, keepalive: the very bytes");
}

static void test_no_peer(void)
{
	struct wg_device d = {.name = "demo", .private_key = key_a};
	struct wg_cursor at = {0};
	static struct nl_msg m;

	is_int(wg_put_device(&m, sizeof(m.buf), FAMILY, &d, &at), 0, "a device without peers");
	is_int((long long)m.len, 16 + 4 + 12 + 36 + 8 + 8 + 8, "has no list of them");
	at = (struct wg_cursor){0};
	is_int(wg_put_device(&m, 40, FAMILY, &d, &at), -EMSGSIZE, "no room at all is an error");
}

/* --- what was sent, put together again as the kernel does ------------------------------------ */

#define MANY 700

struct seen {
	int messages, replace_peers, replace_allowed, keys, psks;
	int allowed[3];	  /* by peer, told apart by the first byte of the key */
	uint32_t next[3]; /* address expected */
	bool in_order;
};

static const struct nlattr *next_attr(const struct nlattr *a)
{
	return (const struct nlattr *)(const void *)((const uint8_t *)a +
						     ((a->nla_len + 3u) & ~3u));
}

static const void *data(const struct nlattr *a)
{
	return (const uint8_t *)a + sizeof(*a);
}

#define each(a, from, len)                                                                   \
	for (const struct nlattr *a = (const void *)(from),                                  \
				 *a##_end = (const void *)((const uint8_t *)(from) + (len)); \
	     a < a##_end; a = next_attr(a))

static void see_allowed(struct seen *s, int peer, const struct nlattr *ip)
{
	each(a, data(ip), ip->nla_len - sizeof(struct nlattr))
	{
		uint32_t addr;

		if (a->nla_type != WGALLOWEDIP_A_IPADDR)
			continue;
		memcpy(&addr, data(a), sizeof(addr));
		if (ntohl(addr) != s->next[peer]++)
			s->in_order = false;
		s->allowed[peer]++;
	}
}

static void see_peer(struct seen *s, const struct nlattr *p)
{
	int peer = -1;

	each(a, data(p), p->nla_len - sizeof(struct nlattr))
	{
		if (a->nla_type == WGPEER_A_PUBLIC_KEY)
			peer = *(const uint8_t *)data(a);
		else if (a->nla_type == WGPEER_A_FLAGS)
			s->replace_allowed++;
		else if (a->nla_type == WGPEER_A_PRESHARED_KEY)
			s->psks++;
		else if ((a->nla_type & NLA_TYPE_MASK) == WGPEER_A_ALLOWEDIPS)
			each(ip, data(a), a->nla_len - sizeof(struct nlattr))
				see_allowed(s, peer, ip);
	}
}

static void see(struct seen *s, const struct nl_msg *m)
{
	const uint8_t *from = m->buf + NLMSG_HDRLEN + GENL_HDRLEN;

	s->messages++;
	each(a, from, m->len - NLMSG_HDRLEN - GENL_HDRLEN)
	{
		if (a->nla_type == WGDEVICE_A_FLAGS)
			s->replace_peers++;
		else if (a->nla_type == WGDEVICE_A_PRIVATE_KEY)
			s->keys++;
		else if ((a->nla_type & NLA_TYPE_MASK) == WGDEVICE_A_PEERS)
			each(p, data(a), a->nla_len - sizeof(struct nlattr)) see_peer(s, p);
	}
}

static void spread(size_t room, struct seen *s, int *ret_last)
{
	static struct wg_allowed allowed[3][MANY];
	static uint8_t keys[3][WG_KEY_LEN] = {{0}, {1}, {2}};
	static struct nl_msg m;
	struct wg_peer peers[3] = {0};
	struct wg_device d = {.name = "demo", .private_key = key_a, .peers = peers, .n_peers = 3};
	struct wg_cursor at = {0};

	memset(s, 0, sizeof(*s));
	s->in_order = true;
	for (uint32_t p = 0; p < 3; p++) {
		s->next[p] = 0x0a000000 + (p << 16);
		for (uint32_t i = 0; i < MANY; i++) {
			allowed[p][i].family = AF_INET;
			allowed[p][i].plen = 32;
			allowed[p][i].v4.s_addr = htonl(s->next[p] + i);
		}
		peers[p].public_key = keys[p];
		peers[p].psk = key_c;
		peers[p].allowed = allowed[p];
		peers[p].n_allowed = p == 1 ? 0 : MANY; /* one in the middle has none */
	}
	do {
		*ret_last = wg_put_device(&m, room, FAMILY, &d, &at);
		if (*ret_last < 0)
			return;
		see(s, &m);
	} while (*ret_last > 0 && s->messages < 5000);
}

static void test_spread(void)
{
	bool good = true;
	struct seen s;
	int last;

	spread(NL_MSG_SIZE, &s, &last);
	is_int(last, 0, "R64: 1400 AllowedIPs of 3 peers go out to the last");
	ok(s.messages > 4 && s.messages < 10, "in several messages (%d)", s.messages);
	is_int(s.allowed[0] + s.allowed[2], 2 * MANY, "every one of them, once");
	ok(s.in_order && s.allowed[1] == 0, "each at its own peer, in order");
	is_int(s.replace_peers, 1, "only the first message clears the peers");
	is_int(s.replace_allowed, 3, "each peer's list is cleared once");
	is_int(s.keys + s.psks, 4, "L28: each key is sent once");
	/* Whatever the room, as long as a peer and one address fit. */
	for (size_t room = 180; room < 700 && good; room++) {
		spread(room, &s, &last);
		good = last == 0 && s.in_order && s.allowed[0] + s.allowed[2] == 2 * MANY &&
		       s.replace_peers == 1 && s.replace_allowed == 3;
		if (!good)
			printf("# room %zu: last %d, %d + %d allowed\n", room, last, s.allowed[0],
			       s.allowed[2]);
	}
	ok(good, "the same for every size of message");
	spread(100, &s, &last);
	is_int(last, -EMSGSIZE, "room for less than a peer ends, with an error");
}

/* --- answers --------------------------------------------------------------------------------- */

static void put_peer_answer(struct nl_msg *m, uint8_t key, int64_t handshake, uint64_t rx,
			    uint64_t tx, const char *addr)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(51820)};
	int64_t ts[2] = {handshake, 5};
	uint8_t k[WG_KEY_LEN] = {key};
	size_t p = nl_nest(m, 0);

	inet_pton(AF_INET, addr, &in.sin_addr);
	nl_put(m, WGPEER_A_PUBLIC_KEY, k, sizeof(k));
	nl_put(m, WGPEER_A_LAST_HANDSHAKE_TIME, ts, sizeof(ts));
	nl_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, (uint16_t)(key * 10));
	nl_put(m, WGPEER_A_TX_BYTES, &tx, sizeof(tx));
	nl_put(m, WGPEER_A_RX_BYTES, &rx, sizeof(rx));
	nl_put(m, WGPEER_A_ENDPOINT, &in, sizeof(in));
	nl_nest_end(m, p);
}

static const struct nlmsghdr *answer(struct nl_msg *m, bool more)
{
	const struct genlmsghdr g = {.cmd = WG_CMD_GET_DEVICE, .version = 1};
	size_t peers;

	nl_msg_init(m);
	nl_msg_begin(m, FAMILY, NLM_F_MULTI, &g, sizeof(g));
	nl_put_str(m, WGDEVICE_A_IFNAME, "demo");
	if (!more)
		nl_put_u16(m, WGDEVICE_A_LISTEN_PORT, 4321);
	peers = nl_nest(m, WGDEVICE_A_PEERS);
	if (more) {
		size_t p = nl_nest(m, 0); /* the rest of the peer before: a key, no numbers */

		nl_put(m, WGPEER_A_PUBLIC_KEY, key_b, WG_KEY_LEN);
		nl_nest_end(m, p);
		put_peer_answer(m, 3, 0, 5, 6, "192.0.2.3");
	} else {
		put_peer_answer(m, 1, 1000, 10, 20, "192.0.2.1");
		put_peer_answer(m, 2, 2000, 100, 200, "192.0.2.2");
	}
	nl_nest_end(m, peers);
	return (const void *)m->buf;
}

static void test_answer(void)
{
	struct wg_stats st = {0};
	static struct nl_msg m;
	char addr[INET_ADDRSTRLEN];

	is_int(wg_parse_device(answer(&m, false), &st), 0, "R70: a device's answer");
	is_int(wg_parse_device(answer(&m, true), &st), 0, "and its second message");
	is_int((long long)st.n_peers, 3, "a peer that goes on in another message counts once");
	is_int(st.handshake, 2000, "the latest handshake");
	is_int((long long)(st.rx * 1000 + st.tx), 115 * 1000 + 226, "the sum of the traffic");
	is_int(st.listen_port, 4321, "the port");
	is_int(st.keepalive, 20, "the keepalive of the peer with the latest handshake");
	is_str(inet_ntop(AF_INET, &st.endpoint.in.sin_addr, addr, sizeof(addr)), "192.0.2.2",
	       "and its endpoint");
}

/* Any length in any attribute: read nothing that is not there. Under ASan this means something. */
static void test_malformed(void)
{
	static struct nl_msg m;
	size_t len = answer(&m, false)->nlmsg_len;
	uint8_t *copy;
	int refused = 0;

	for (size_t i = NLMSG_HDRLEN; i < len; i++)
		for (unsigned int v = 0; v < 256; v += 15) {
			struct wg_stats st = {0};

			copy = malloc(len);
			if (!copy)
				return;
			memcpy(copy, m.buf, len);
			copy[i] = (uint8_t)v;
			refused += wg_parse_device((const void *)copy, &st) < 0;
			free(copy);
		}
	ok(refused > 0, "answers with wrong lengths are refused (%d of them)", refused);
	for (size_t cut = NLMSG_HDRLEN; cut < len; cut++) {
		struct wg_stats st = {0};

		copy = calloc(1, NLMSG_ALIGN(cut)); /* a receive buffer is aligned */
		if (!copy)
			return;
		memcpy(copy, m.buf, cut);
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)cut;
		wg_parse_device((const void *)copy, &st);
		free(copy);
	}
	ok(true, "answers cut anywhere are survived");
}

int main(void)
{
	tap_begin();
	memset(key_a, 0xaa, sizeof(key_a));
	memset(key_b, 0xbb, sizeof(key_b));
	memset(key_c, 0xcc, sizeof(key_c));
	test_golden();
	test_no_peer();
	test_spread();
	test_answer();
	test_malformed();
	return tap_done();
}
