/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership of the data model: growing, wiping, freeing, and the questions about a tunnel that
 * need nothing but its fields. Whatever held a key is wiped before it goes back to the heap, also
 * when an array moves. Never prints, never touches the system.
 */
#include "conf/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void *model_grow(void *array, size_t n, size_t size)
{
	char **base = array;

	/* The capacity is the next power of two, so that it need not be stored. */
	if ((n & (n - 1)) == 0) {
		char *bigger = calloc(n ? n * 2 : 1, size);

		if (!bigger)
			return NULL;
		if (n) {
			memcpy(bigger, *base, n * size);
			util_wipe(*base, n * size);
			free(*base);
		}
		*base = bigger;
	}
	memset(*base + n * size, 0, size);
	return *base + n * size;
}

static void strv_free(char **strv, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(strv[i]);
	free(strv);
}

static void ipaddrs_free(struct ipaddr *a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(a[i].text);
	free(a);
}

void tunnel_free(struct tunnel *t)
{
	size_t i;

	for (i = 0; i < t->n_peers; i++) {
		struct tunnel_peer *peer = &t->peers[i];

		free(peer->endpoint);
		free(peer->host);
		ipaddrs_free(peer->allowed, peer->n_allowed);
	}
	if (t->peers)
		util_wipe(t->peers, t->n_peers * sizeof(*t->peers));
	free(t->peers);
	for (i = 0; i < t->n_hooks; i++) {
		free(t->hooks[i].key);
		free(t->hooks[i].text);
	}
	free(t->hooks);
	ipaddrs_free(t->addresses, t->n_addresses);
	ipaddrs_free(t->dns, t->n_dns);
	strv_free(t->search, t->n_search);
	strv_free(t->warnings, t->n_warnings);
	free(t->table);
	util_wipe(t, sizeof(*t));
}

int tunnel_warn(struct tunnel *t, const char *fmt, ...)
{
	char *text = NULL, **place;
	va_list ap;
	int n;

	if (t->n_warnings > TUNNEL_WARNINGS_MAX)
		return 0;
	if (t->n_warnings == TUNNEL_WARNINGS_MAX) {
		text = strdup("further warnings are left out");
	} else {
		va_start(ap, fmt);
		n = vasprintf(&text, fmt, ap);
		va_end(ap);
		if (n < 0)
			text = NULL;
	}
	place = text ? model_grow(&t->warnings, t->n_warnings, sizeof(*t->warnings)) : NULL;
	if (!place) {
		free(text);
		return -ENOMEM;
	}
	*place = text;
	t->n_warnings++;
	return 0;
}

bool tunnel_is_full(const struct tunnel *t, int family)
{
	size_t i, k;

	for (i = 0; i < t->n_peers; i++)
		for (k = 0; k < t->peers[i].n_allowed; k++)
			if (t->peers[i].allowed[k].family == family &&
			    t->peers[i].allowed[k].plen == 0)
				return true;
	return false;
}

bool tunnel_has_address(const struct tunnel *t, int family)
{
	size_t i;

	for (i = 0; i < t->n_addresses; i++)
		if (t->addresses[i].family == family)
			return true;
	return false;
}

void profile_free(struct profile *p)
{
	free(p->device);
	free(p->way);
	free(p->config);
	free(p->servers);
	free(p->server);
	free(p->json);
	ipaddrs_free(p->spare_dns, p->n_spare_dns);
	free(p->bridge);
	free(p->private_key_file);
	free(p->preshared_key_file);
	free(p->via);
	strv_free(p->allow_users, p->n_allow_users);
	strv_free(p->allow_groups, p->n_allow_groups);
	strv_free(p->default_users, p->n_default_users);
	strv_free(p->default_groups, p->n_default_groups);
	strv_free(p->exclude_users, p->n_exclude_users);
	strv_free(p->exclude_units, p->n_exclude_units);
	free(p->default_inbound);
	ipaddrs_free(p->subnets, p->n_subnets);
	ipaddrs_free(p->allow_lan, p->n_allow_lan);
	free(p->allow_host);
	free(p->expose);
	free(p->may_expose);
	free(p->hook_user);
	free(p->hook_command);
	tunnel_free(&p->tunnel);
	memset(p, 0, sizeof(*p));
}
