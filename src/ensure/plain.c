/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See plain.h. In the place of a key there is one that everybody knows, as a file without any would
 * not be read. Must never write what is secret. Called by ensure/applied.
 */
#include "ensure/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NO_KEY "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static void put_key(FILE *f, const char *name, const uint8_t key[WG_KEY_LEN])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[45];
	size_t n = 0;

	for (size_t i = 0; i < WG_KEY_LEN; i += 3) {
		uint32_t v = (uint32_t)key[i] << 16;

		v |= i + 1 < WG_KEY_LEN ? (uint32_t)key[i + 1] << 8 : 0;
		v |= i + 2 < WG_KEY_LEN ? key[i + 2] : 0;
		for (int shift = 18; shift >= 0; shift -= 6)
			text[n++] = digits[v >> shift & 63];
	}
	text[n - 1] = '=';
	fprintf(f, "%s = %.*s\n", name, (int)n, text);
}

static void put_list(FILE *f, const char *name, const struct ipaddr *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s = %s\n", name, at[i].text);
}

static void put_interface(FILE *f, const struct tunnel *t)
{
	fputs("[Interface]\nPrivateKey = " NO_KEY "\n", f);
	put_list(f, "Address", t->addresses, t->n_addresses);
	put_list(f, "DNS", t->dns, t->n_dns);
	for (size_t i = 0; i < t->n_search; i++)
		fprintf(f, "DNS = %s\n", t->search[i]);
	if (t->mtu)
		fprintf(f, "MTU = %u\n", t->mtu);
	if (t->table)
		fprintf(f, "Table = %s\n", t->table);
	if (t->has_fwmark)
		fprintf(f, "FwMark = %u\n", t->fwmark);
	if (t->has_listen_port)
		fprintf(f, "ListenPort = %u\n", t->listen_port);
}

static void put_peer(FILE *f, const struct tunnel_peer *p)
{
	fputs("[Peer]\n", f);
	put_key(f, "PublicKey", p->public_key);
	if (p->has_psk)
		fputs("PresharedKey = " NO_KEY "\n", f);
	if (p->endpoint)
		fprintf(f, "Endpoint = %s\n", p->endpoint);
	if (p->has_keepalive)
		fprintf(f, "PersistentKeepalive = %u\n", p->keepalive);
	put_list(f, "AllowedIPs", p->allowed, p->n_allowed);
}

int ensure_plain(const struct tunnel *t, char **ret, size_t *ret_len)
{
	FILE *f = open_memstream(ret, ret_len);

	if (!f)
		return -ENOMEM;
	put_interface(f, t);
	for (size_t i = 0; i < t->n_peers; i++)
		put_peer(f, &t->peers[i]);
	if (fclose(f) == 0)
		return 0;
	free(*ret);
	*ret = NULL;
	return -ENOMEM;
}
