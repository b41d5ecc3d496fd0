/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translates the data model into what nl/wg.h and tunnel/uapi.h take. Pure. Called by the device's
 * front and by the supervisor.
 */
#include "tunnel/tunnel_wg.h"

#include <errno.h>
#include <stdlib.h>

static size_t put_allowed(struct wg_allowed *at, const struct tunnel_peer *p)
{
	for (size_t i = 0; i < p->n_allowed; i++) {
		at[i].family = (uint16_t)p->allowed[i].family;
		at[i].plen = p->allowed[i].plen;
		at[i].v6 = p->allowed[i].v6;
	}
	return p->n_allowed;
}

int tunnel_wg_make(const char *name, const struct tunnel *t, const struct endpoint_set *es,
		   struct tunnel_wg *ret, struct err *e)
{
	struct tunnel_wg w = {0};
	size_t n = 0, at = 0;

	if (es->n != t->n_peers)
		return err_set(e, -EINVAL, "%zu endpoints for %zu peers of %s", es->n, t->n_peers,
			       name);
	for (size_t i = 0; i < t->n_peers; i++)
		n += t->peers[i].n_allowed;
	w.peers = calloc(t->n_peers + 1, sizeof(*w.peers));
	w.allowed = calloc(n + 1, sizeof(*w.allowed));
	if (!w.peers || !w.allowed) {
		tunnel_wg_free(&w);
		return err_sys(e, -ENOMEM, "cannot hold %zu AllowedIPs", n);
	}
	for (size_t i = 0; i < t->n_peers; i++) {
		const struct tunnel_peer *p = &t->peers[i];

		w.peers[i].public_key = p->public_key;
		w.peers[i].psk = p->has_psk ? p->psk : NULL;
		w.peers[i].endpoint = es->at[i];
		w.peers[i].keepalive = p->has_keepalive ? p->keepalive : 0;
		w.peers[i].allowed = w.allowed + at;
		w.peers[i].n_allowed = p->n_allowed;
		at += put_allowed(w.allowed + at, p);
	}
	w.dev.name = name;
	w.dev.private_key = t->private_key;
	w.dev.listen_port = t->has_listen_port ? t->listen_port : 0;
	w.dev.fwmark = t->has_fwmark ? t->fwmark : 0;
	w.dev.peers = w.peers;
	w.dev.n_peers = t->n_peers;
	*ret = w;
	return 0;
}

void tunnel_wg_free(struct tunnel_wg *w)
{
	free(w->peers);
	free(w->allowed);
	w->peers = NULL;
	w->allowed = NULL;
}
