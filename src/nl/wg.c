/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WG_CMD_SET_DEVICE and WG_CMD_GET_DEVICE of <linux/wireguard.h>. A device of many peers or many
 * AllowedIPs takes several messages; only the first may carry the flags that clear what was there.
 * Messages hold keys: they are wiped after use, and no key is ever put into an error.
 */
#include "nl/wg.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>

#include "base/util.h"
#include "nl/attr.h"
#include "nl/genl.h"

static bool is_full(const struct nl_msg *m, size_t room)
{
	return m->overflow || m->len > room;
}

static void put_endpoint(struct nl_msg *m, const union wg_endpoint *ep)
{
	if (ep->family == AF_INET)
		nl_put(m, WGPEER_A_ENDPOINT, &ep->in, sizeof(ep->in));
	else if (ep->family == AF_INET6)
		nl_put(m, WGPEER_A_ENDPOINT, &ep->in6, sizeof(ep->in6));
}

static void put_allowed(struct nl_msg *m, const struct wg_allowed *a)
{
	size_t nest = nl_nest(m, 0);

	nl_put_u16(m, WGALLOWEDIP_A_FAMILY, a->family);
	nl_put(m, WGALLOWEDIP_A_IPADDR, &a->v4,
	       a->family == AF_INET ? sizeof(a->v4) : sizeof(a->v6));
	nl_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, a->plen);
	nl_nest_end(m, nest);
}

/* Puts what is said once of a peer, in the first message that names it. */
static void put_peer_head(struct nl_msg *m, const struct wg_peer *p)
{
	nl_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	if (p->psk)
		nl_put(m, WGPEER_A_PRESHARED_KEY, p->psk, WG_KEY_LEN);
	put_endpoint(m, &p->endpoint);
	nl_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive);
}

/* Returns how many of the AllowedIPs from at on fitted. */
static size_t put_allowed_list(struct nl_msg *m, size_t room, const struct wg_peer *p, size_t at)
{
	size_t nest = nl_nest(m, WGPEER_A_ALLOWEDIPS);
	size_t i;

	for (i = at; i < p->n_allowed; i++) {
		size_t before = m->len;

		put_allowed(m, &p->allowed[i]);
		if (is_full(m, room)) {
			nl_msg_rewind(m, before);
			break;
		}
	}
	if (i == at)
		nl_msg_rewind(m, nest); /* an empty list says nothing */
	else
		nl_nest_end(m, nest);
	return i - at;
}

/* True if the peer is done with; false if the message is full. */
static bool put_peer(struct nl_msg *m, size_t room, const struct wg_peer *p, struct wg_cursor *at)
{
	size_t nest = nl_nest(m, 0), n = 0;
	bool head = !at->peer_begun;

	nl_put(m, WGPEER_A_PUBLIC_KEY, p->public_key, WG_KEY_LEN);
	if (head)
		put_peer_head(m, p);
	if (is_full(m, room)) {
		nl_msg_rewind(m, nest);
		return false;
	}
	at->peer_begun = true;
	if (at->allowed < p->n_allowed)
		n = put_allowed_list(m, room, p, at->allowed);
	at->allowed += n;
	if (!head && n == 0)
		nl_msg_rewind(m, nest);
	else
		nl_nest_end(m, nest);
	if (at->allowed < p->n_allowed)
		return false;
	at->peer++;
	at->allowed = 0;
	at->peer_begun = false;
	return true;
}

static bool put_peers(struct nl_msg *m, size_t room, const struct wg_device *d,
		      struct wg_cursor *at)
{
	size_t nest = nl_nest(m, WGDEVICE_A_PEERS), first = m->len;

	while (at->peer < d->n_peers)
		if (!put_peer(m, room, &d->peers[at->peer], at))
			break;
	if (m->len == first) {
		nl_msg_rewind(m, nest);
		return false;
	}
	nl_nest_end(m, nest);
	return true;
}

int wg_put_device(struct nl_msg *m, size_t room, uint16_t family, const struct wg_device *d,
		  struct wg_cursor *at)
{
	const struct genlmsghdr g = {.cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION};
	bool progress = !at->begun;

	nl_msg_init(m);
	nl_msg_begin(m, family, 0, &g, sizeof(g));
	nl_put_str(m, WGDEVICE_A_IFNAME, d->name);
	if (!at->begun) {
		nl_put(m, WGDEVICE_A_PRIVATE_KEY, d->private_key, WG_KEY_LEN);
		nl_put_u16(m, WGDEVICE_A_LISTEN_PORT, d->listen_port);
		nl_put_u32(m, WGDEVICE_A_FWMARK, d->fwmark);
		nl_put_u32(m, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
	}
	if (is_full(m, room))
		return -EMSGSIZE;
	at->begun = true;
	if (at->peer < d->n_peers && put_peers(m, room, d, at))
		progress = true;
	if (!progress)
		return -EMSGSIZE;
	return at->peer < d->n_peers;
}

int wg_device_set(struct nl_sock *s, const struct wg_device *d, struct err *e)
{
	struct wg_cursor at = {0};
	struct nl_msg m;
	uint16_t family;
	int more, r = genl_family_get(s, WG_GENL_NAME, &family, e);

	if (r < 0)
		return r;
	do {
		more = wg_put_device(&m, sizeof(m.buf), family, d, &at);
		r = more < 0 ? err_set(e, more, "the configuration does not fit a netlink message")
			     : nl_call(s, &m, e);
		util_wipe(&m, sizeof(m));
		if (r < 0)
			return err_wrap(e, r, "cannot configure the WireGuard device %s", d->name);
	} while (more);
	return 0;
}

/* What follows is of that peer, and changes it only where it exists. */
static size_t nest_peer(struct nl_msg *m, const struct wg_peer *p)
{
	size_t nest = nl_nest(m, 0);

	nl_put(m, WGPEER_A_PUBLIC_KEY, p->public_key, WG_KEY_LEN);
	nl_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_UPDATE_ONLY);
	return nest;
}

static size_t begin_update(struct nl_msg *m, uint16_t family, const char *name)
{
	const struct genlmsghdr g = {.cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION};

	nl_msg_init(m);
	nl_msg_begin(m, family, 0, &g, sizeof(g));
	nl_put_str(m, WGDEVICE_A_IFNAME, name);
	return nl_nest(m, WGDEVICE_A_PEERS);
}

static int set_endpoint(struct nl_sock *s, uint16_t family, const char *name,
			const struct wg_peer *p, struct err *e)
{
	struct nl_msg m;
	size_t peers = begin_update(&m, family, name), peer = nest_peer(&m, p);

	put_endpoint(&m, &p->endpoint);
	nl_nest_end(&m, peer);
	nl_nest_end(&m, peers);
	return nl_call(s, &m, e);
}

int wg_endpoints_set(struct nl_sock *s, const char *name, const struct wg_peer *peers, size_t n,
		     struct err *e)
{
	uint16_t family;
	int r = genl_family_get(s, WG_GENL_NAME, &family, e);

	for (size_t i = 0; i < n && r >= 0; i++)
		if (peers[i].endpoint.family)
			r = set_endpoint(s, family, name, &peers[i], e);
	return r < 0 ? err_wrap(e, r, "cannot set the endpoint of %s", name) : 0;
}

static int call_peer(struct nl_sock *s, uint16_t family, const char *name, const struct wg_peer *p,
		     struct err *e)
{
	const uint16_t interval[] = {p->keepalive ? 0 : UINT16_MAX, p->keepalive};
	struct nl_msg m;
	size_t peers = begin_update(&m, family, name);

	for (size_t i = 0; i < ARRAY_SIZE(interval); i++) {
		size_t peer = nest_peer(&m, p);

		nl_put_u16(&m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, interval[i]);
		nl_nest_end(&m, peer);
	}
	nl_nest_end(&m, peers);
	return nl_call(s, &m, e);
}

int wg_peers_call(struct nl_sock *s, const char *name, const struct wg_peer *peers, size_t n,
		  struct err *e)
{
	uint16_t family;
	int r = genl_family_get(s, WG_GENL_NAME, &family, e);

	for (size_t i = 0; i < n && r >= 0; i++)
		if (peers[i].endpoint.family)
			r = call_peer(s, family, name, &peers[i], e);
	return r < 0 ? err_wrap(e, r, "cannot call the far end of %s", name) : 0;
}

void wg_stats_add(struct wg_stats *st, const struct wg_peer_numbers *p)
{
	if (st->n_peers == 0 || p->handshake > st->handshake) {
		st->endpoint = p->endpoint;
		st->keepalive = p->keepalive;
	}
	if (p->handshake > st->handshake)
		st->handshake = p->handshake;
	st->has_ipv4 |= p->endpoint.family == AF_INET;
	st->has_ipv6 |= p->endpoint.family == AF_INET6;
	st->rx += p->rx;
	st->tx += p->tx;
	st->n_peers++;
}

struct peer_numbers {
	bool seen; /* the continuation of a peer has no numbers */
	bool malformed;
	struct wg_peer_numbers is;
};

static bool get_endpoint(const struct nlattr *a, union wg_endpoint *ret)
{
	size_t len = nl_attr_len(a);
	union wg_endpoint ep = {0};

	if (len > sizeof(ep) || len < sizeof(ep.family))
		return false;
	memcpy(&ep, nl_attr_data(a), len);
	if ((ep.family != AF_INET || len < sizeof(ep.in)) &&
	    (ep.family != AF_INET6 || len < sizeof(ep.in6)))
		return false;
	*ret = ep;
	return true;
}

/* What is not of its kind's length makes the whole answer worthless. */
static void parse_peer_attr(const struct nlattr *a, void *arg)
{
	struct peer_numbers *p = arg;
	int64_t time[2]; /* struct __kernel_timespec */
	bool ok = true;

	switch (nl_attr_type(a)) {
	case WGPEER_A_ENDPOINT:
		ok = get_endpoint(a, &p->is.endpoint);
		break;
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		ok = nl_attr_get(a, time, sizeof(time));
		if (ok)
			p->is.handshake = time[0];
		break;
	case WGPEER_A_RX_BYTES:
		ok = nl_attr_get(a, &p->is.rx, sizeof(p->is.rx));
		p->seen = true;
		break;
	case WGPEER_A_TX_BYTES:
		ok = nl_attr_get(a, &p->is.tx, sizeof(p->is.tx));
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		ok = nl_attr_get(a, &p->is.keepalive, sizeof(p->is.keepalive));
		break;
	default:
		break;
	}
	p->malformed |= !ok;
}

struct device_numbers {
	struct wg_stats *st;
	bool malformed;
};

static void parse_peer(const struct nlattr *a, void *arg)
{
	struct peer_numbers p = {0};
	struct device_numbers *d = arg;

	nl_attr_each_in(a, parse_peer_attr, &p);
	d->malformed |= p.malformed;
	if (p.seen && !p.malformed)
		wg_stats_add(d->st, &p.is);
}

static void parse_device_attr(const struct nlattr *a, void *arg)
{
	struct device_numbers *d = arg;

	switch (nl_attr_type(a)) {
	case WGDEVICE_A_LISTEN_PORT:
		d->malformed |= !nl_attr_get(a, &d->st->listen_port, sizeof(d->st->listen_port));
		break;
	case WGDEVICE_A_PEERS:
		nl_attr_each_in(a, parse_peer, d);
		break;
	}
}

int wg_parse_device(const struct nlmsghdr *nlh, struct wg_stats *st)
{
	struct device_numbers d = {.st = st};

	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct genlmsghdr)))
		return -EPROTO;
	nl_attr_each(nlh, sizeof(struct genlmsghdr), parse_device_attr, &d);
	return d.malformed ? -EPROTO : 0;
}

static int got_device(const struct nlmsghdr *nlh, void *arg)
{
	return wg_parse_device(nlh, arg);
}

static void begin_device(void *arg)
{
	memset(arg, 0, sizeof(struct wg_stats));
}

static int read_device(struct nl_sock *s, const char *name, const struct nl_table *table,
		       struct err *e)
{
	const struct genlmsghdr g = {.cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION};
	struct nl_msg m;
	uint16_t family;
	int r = genl_family_get(s, WG_GENL_NAME, &family, e);

	s->has_secrets = true;
	if (r < 0)
		return r;
	nl_msg_init(&m);
	nl_msg_begin(&m, family, NLM_F_DUMP, &g, sizeof(g));
	nl_put_str(&m, WGDEVICE_A_IFNAME, name);
	return nl_read_table(s, &m, table, e);
}

int wg_device_get(struct nl_sock *s, const char *name, struct wg_stats *ret, struct err *e)
{
	struct wg_stats st;
	const struct nl_table table = {begin_device, got_device, &st};
	int r = read_device(s, name, &table, e);

	if (r == -EPROTO)
		return err_set(e, r, "the kernel's answer about %s is malformed", name);
	if (r < 0)
		return err_wrap(e, r, "cannot read the WireGuard device %s", name);
	*ret = st;
	return 0;
}

/* --- its key --------------------------------------------------------------------------------- */

struct key_question {
	const uint8_t *key;
	bool same;
};

static void compare_key(const struct nlattr *a, void *arg)
{
	struct key_question *q = arg;

	if (nl_attr_type(a) == WGDEVICE_A_PRIVATE_KEY && nl_attr_len(a) == WG_KEY_LEN)
		q->same = !memcmp(nl_attr_data(a), q->key, WG_KEY_LEN);
}

static int got_key(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_len < NLMSG_LENGTH(sizeof(struct genlmsghdr)))
		return -EPROTO;
	nl_attr_each(nlh, sizeof(struct genlmsghdr), compare_key, arg);
	return 0;
}

static void begin_key(void *arg)
{
	((struct key_question *)arg)->same = false;
}

bool wg_device_has_key(struct nl_sock *s, const char *name, const uint8_t key[WG_KEY_LEN])
{
	struct key_question q = {.key = key};
	const struct nl_table table = {begin_key, got_key, &q};

	return read_device(s, name, &table, NULL) == 0 && q.same;
}
