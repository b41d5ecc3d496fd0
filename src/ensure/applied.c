/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See applied.h. The JSON is kept as it is, since it holds no secret; the wg-quick file in one
 * form, without keys, comments and hooks. Of the keys there are 32 bits, by which a change is seen
 * and nothing is told of 256. Called by up/steps, up/apply, the keeper and `status`.
 */
#include "ensure/applied.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensure/plain.h"
#include "conf/profile.h"

#define APPLIED_MAGIC 0x42505652u /* "RVPB" */
#define APPLIED_MAX   (2u << 20)

struct applied {
	uint32_t magic, json_len, conf_len, keys;
	char server[SERVER_MAX_LEN + 1]; /* the one in use of many; "" */
					 /* the JSON and the wg-quick file follow */
};

static int path_of(const char *name, char *ret, size_t size, struct err *e)
{
	if (str_fmt(ret, size, RUN_DIR "/%s.profile", name) < 0)
		return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", name);
	return 0;
}

static uint32_t fold_keys(const struct tunnel *t)
{
	uint64_t h = digest_bytes(DIGEST_INIT, t->private_key, WG_KEY_LEN);

	for (size_t i = 0; i < t->n_peers; i++)
		if (t->peers[i].has_psk)
			h = digest_bytes(h, t->peers[i].psk, WG_KEY_LEN);
	return (uint32_t)(h ^ h >> 32);
}

/* All that is noted of p, as one text; the caller's to free. */
static int put_all(const struct profile *p, char **ret, size_t *ret_len, struct err *e)
{
	AUTO_FREE char *conf = NULL;
	struct applied h = {.magic = APPLIED_MAGIC, .keys = fold_keys(&p->tunnel)};
	size_t json_len = p->json_len, conf_len = 0;

	str_copy(h.server, sizeof(h.server), p->server ? p->server : "");
	if (p->config && ensure_plain(&p->tunnel, &conf, &conf_len) < 0)
		return err_sys(e, -ENOMEM, "cannot note the profile of %s", p->name);
	h.json_len = (uint32_t)json_len;
	h.conf_len = (uint32_t)conf_len;
	*ret_len = sizeof(h) + json_len + conf_len;
	*ret = malloc(*ret_len);
	if (!*ret)
		return err_sys(e, -ENOMEM, "cannot note the profile of %s", p->name);
	memcpy(*ret, &h, sizeof(h));
	if (json_len)
		memcpy(*ret + sizeof(h), p->json, json_len);
	if (conf_len)
		memcpy(*ret + sizeof(h) + json_len, conf, conf_len);
	return 0;
}

int applied_write(const struct profile *p, struct err *e)
{
	AUTO_FREE char *all = NULL;
	char path[64];
	size_t len = 0;
	int r = path_of(p->name, path, sizeof(path), e);

	r = r ?: put_all(p, &all, &len, e);
	return r < 0 ? r : file_replace(path, all, len, 0600, e);
}

int applied_remove(const char *name, struct err *e)
{
	char path[64];
	int r = path_of(name, path, sizeof(path), e);

	return r < 0 ? r : file_remove(path, e);
}

static int read_all(const char *name, char **ret, size_t *ret_len, struct applied *ret_h)
{
	char path[64];
	int r = path_of(name, path, sizeof(path), NULL);

	r = r ?: file_read(path, APPLIED_MAX, ret, ret_len, NULL);
	if (r < 0)
		return r;
	if (*ret_len >= sizeof(*ret_h))
		memcpy(ret_h, *ret, sizeof(*ret_h));
	if (*ret_len < sizeof(*ret_h) || ret_h->magic != APPLIED_MAGIC ||
	    !memchr(ret_h->server, '\0', sizeof(ret_h->server)) ||
	    *ret_len != sizeof(*ret_h) + (uint64_t)ret_h->json_len + ret_h->conf_len)
		return -EPROTO;
	return 0;
}

/* A peer that has no key today had one that is lost: its handshakes will not be answered. */
static void take_keys(struct tunnel *t, const struct tunnel *today)
{
	memcpy(t->private_key, today->private_key, WG_KEY_LEN);
	for (size_t i = 0; i < t->n_peers; i++)
		for (size_t k = 0; t->peers[i].has_psk && k < today->n_peers; k++)
			if (memcmp(t->peers[i].public_key, today->peers[k].public_key,
				   WG_KEY_LEN) == 0)
				memcpy(t->peers[i].psk, today->peers[k].psk, WG_KEY_LEN);
}

static const char *server_of(const struct applied *h)
{
	return h->server[0] ? h->server : NULL;
}

int applied_load(const char *name, struct profile *p, struct err *e)
{
	AUTO_FREE char *all = NULL;
	struct profile_texts texts;
	struct profile today = {0};
	struct applied h = {0};
	char path[64];
	size_t len = 0;
	int r;

	memset(p, 0, sizeof(*p));
	r = str_is_vpn_name(name) ? read_all(name, &all, &len, &h) : -ENOENT;
	if (r == -ENOENT || r == -EPROTO)
		return profile_load_name(name, p, e);
	if (r < 0)
		return err_sys(e, r, "cannot read what was applied of %s", name);
	texts = (struct profile_texts){.json = all + sizeof(h),
				       .json_len = h.json_len,
				       .conf = all + sizeof(h) + h.json_len,
				       .conf_len = h.conf_len,
				       .server = server_of(&h)};
	/* The name is that of the file. */
	str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name);
	r = profile_load_texts(path, &texts, p, e);
	if (r < 0)
		return r;
	memset(p->tunnel.private_key, 0, WG_KEY_LEN);
	r = profile_load_server(name, server_of(&h), &today, e);
	if (r == 0)
		take_keys(&p->tunnel, &today.tunnel);
	profile_free(&today);
	return r < 0 ? 1 : 0;
}

bool applied_is_ahead(const struct record *r)
{
	return r->state == RECORD_UP && r->server[0] && !applied_is_by(r->name, r->server);
}

bool applied_is_by(const char *name, const char *server)
{
	AUTO_FREE char *all = NULL;
	struct applied h = {0};
	size_t len = 0;

	return read_all(name, &all, &len, &h) < 0 || !strcmp(h.server, server);
}

int applied_parse(const char *name, struct profile *p, struct err *e)
{
	AUTO_FREE char *all = NULL;
	struct applied h = {0};
	char path[64];
	size_t len = 0;
	int r = str_is_vpn_name(name) ? read_all(name, &all, &len, &h) : -ENOENT;

	memset(p, 0, sizeof(*p));
	if (r < 0)
		return err_sys(e, r, "cannot read what was applied of %s", name);
	str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name);
	return profile_parse(path, all + sizeof(h), h.json_len, p, e);
}

int applied_load_server(const char *name, const char *server, struct profile *p, struct err *e)
{
	AUTO_FREE char *all = NULL;
	struct profile_texts texts = {.server = server};
	struct applied h = {0};
	char path[64];
	size_t len = 0;
	int r = str_is_vpn_name(name) ? read_all(name, &all, &len, &h) : -ENOENT;

	memset(p, 0, sizeof(*p));
	if (r == -ENOENT || r == -EPROTO)
		return profile_load_server(name, server, p, e);
	if (r < 0)
		return err_sys(e, r, "cannot read what was applied of %s", name);
	texts.json = all + sizeof(h);
	texts.json_len = h.json_len;
	str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name);
	return profile_load_texts(path, &texts, p, e);
}

int applied_load_in_use(const char *name, struct profile *p, struct err *e)
{
	struct record r;

	if (record_read(name, &r, NULL) == 0 && r.state == RECORD_UP && r.server[0] &&
	    profile_load_server(name, r.server, p, NULL) == 0)
		return 0;
	return profile_load_name(name, p, e);
}

int applied_is_old(const char *name)
{
	AUTO_FREE char *noted = NULL, *now = NULL;
	struct profile today = {0};
	struct applied h = {0};
	size_t noted_len = 0, len = 0;
	int r;

	if (read_all(name, &noted, &noted_len, &h) < 0)
		return 0; /* of an older version nothing is known */
	/* It is another question by which of its servers it goes. */
	r = profile_load_server(name, server_of(&h), &today, NULL);
	r = r ?: put_all(&today, &now, &len, NULL);
	profile_free(&today);
	return r < 0 || len != noted_len || memcmp(noted, now, len) != 0;
}
