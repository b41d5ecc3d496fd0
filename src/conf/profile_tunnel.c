/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of /etc/vpnrun/NAME.json about the tunnel, where no wg-quick file says it. Pure.
 */
#include "conf/profile_tunnel.h"

#include <errno.h>
#include <string.h>

#include "conf/value.h"

int tunnel_read_endpoint(struct profile_reader *r, const struct profile_key *k)
{
	struct tunnel *t = &r->p->tunnel;
	struct tunnel_peer *peer = model_grow(&t->peers, 0, sizeof(*peer));
	const char *text = NULL, *why;
	char buf[VALUE_SHOW_MAX];

	if (!peer)
		return profile_fail_memory(r);
	t->n_peers = 1;
	peer->line = json_doc_line(&r->doc, "public_key");
	if (json_doc_str(&r->doc, k->name, &text, r->e) < 0)
		return -EINVAL;
	if (!text)
		return json_doc_fail(&r->doc, r->e, k->name,
				     "is missing (or \"config\", the path of a wg-quick file)");
	if (endpoint_parse(text, peer, &why) < 0)
		return json_doc_fail(&r->doc, r->e, k->name, "%s %s", value_show(text, buf), why);
	return 0;
}

int tunnel_read_public_key(struct profile_reader *r, const struct profile_key *k)
{
	const char *text = NULL;

	if (json_doc_str(&r->doc, k->name, &text, r->e) < 0)
		return -EINVAL;
	if (!text || wgkey_parse(text, r->p->tunnel.peers[0].public_key) < 0)
		return json_doc_fail(&r->doc, r->e, k->name,
				     text ? "is not a WireGuard key (32 bytes in base64)"
					  : "is missing");
	return 0;
}

int tunnel_read_keepalive(struct profile_reader *r, const struct profile_key *k)
{
	const struct json_bounds bounds = {k->min, k->max};
	struct tunnel_peer *peer = &r->p->tunnel.peers[0];
	uint64_t v;
	int n = json_doc_uint(&r->doc, k->name, bounds, &v, r->e);

	if (n <= 0)
		return n;
	peer->has_keepalive = true;
	peer->keepalive = (uint16_t)v;
	return 0;
}

int tunnel_read_mtu(struct profile_reader *r, const struct profile_key *k)
{
	const struct json_bounds bounds = {k->min, k->max};
	uint64_t v = 0;

	if (json_doc_uint(&r->doc, k->name, bounds, &v, r->e) < 0)
		return -EINVAL;
	r->p->tunnel.mtu = (uint16_t)v;
	return 0;
}

int tunnel_read_allowed_ips(struct profile_reader *r, const struct profile_key *k)
{
	struct ipaddr all4 = {.family = AF_INET}, all6 = {.family = AF_INET6};
	struct tunnel_peer *peer = &r->p->tunnel.peers[0];
	int n = profile_read_prefixes(r, k->name, false, &peer->allowed, &peer->n_allowed);

	if (n != 0)
		return n < 0 ? n : 0;
	if (ipaddr_append(&peer->allowed, &peer->n_allowed, &all4, "0.0.0.0/0") < 0 ||
	    ipaddr_append(&peer->allowed, &peer->n_allowed, &all6, "::/0") < 0)
		return profile_fail_memory(r);
	return 0;
}

int tunnel_read_own_addresses(struct profile_reader *r, const struct profile_key *k)
{
	struct tunnel *t = &r->p->tunnel;

	if (profile_read_prefixes(r, k->name, false, &t->addresses, &t->n_addresses) < 0)
		return -EINVAL;
	if (!t->n_addresses)
		return json_doc_fail(&r->doc, r->e, k->name,
				     "has none: programs would have no address to send from");
	return 0;
}

int tunnel_read_search(struct profile_reader *r, const struct profile_key *k)
{
	struct tunnel *t = &r->p->tunnel;
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = k->max};
	char buf[VALUE_SHOW_MAX], **place;

	if (json_doc_strv(&r->doc, "search", &got, r->e) < 0)
		return -EINVAL;
	list = got.at;
	for (size_t i = 0; i < got.n; i++) {
		if (!domain_is_valid(list[i]))
			return json_doc_fail(&r->doc, r->e, "search", "%s is not a domain",
					     value_show(list[i], buf));
		place = model_grow(&t->search, t->n_search, sizeof(*place));
		if (!place)
			return profile_fail_memory(r);
		*place = strdup(list[i]);
		if (!*place)
			return profile_fail_memory(r);
		t->n_search++;
	}
	return 0;
}
