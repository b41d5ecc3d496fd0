/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See made.h. Its reader is vpnctl of the same installation: a list of another shape is refused,
 * not guessed at. Called by up/apply, default/default and ctl/view.
 */
#include "ensure/made.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "state/record.h"

#define MADE_MAGIC   0x4d505652u /* "RVPM" */
#define MADE_VERSION 3
#define MADE_MAX     (1u << 20)

struct made_header {
	uint32_t magic, version;
	uint32_t size; /* of one object */
	uint32_t n;
	struct record record;
};

static int path_of(const char *name, char *ret, size_t size, struct err *e)
{
	if (str_fmt(ret, size, RUN_DIR "/%s.made", name) < 0)
		return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", name);
	return 0;
}

int made_write(const char *name, const struct record *r, const struct want_list *l, struct err *e)
{
	struct made_header h = {.magic = MADE_MAGIC, .version = MADE_VERSION};
	size_t len = sizeof(h) + l->n * sizeof(*l->at);
	AUTO_FREE char *all = malloc(len);
	char path[64];
	int rc = path_of(name, path, sizeof(path), e);

	if (rc < 0)
		return rc;
	if (!all)
		return err_sys(e, -ENOMEM, "cannot write %s", path);
	h.size = sizeof(*l->at);
	h.n = (uint32_t)l->n;
	if (r)
		h.record = *r;
	memcpy(all, &h, sizeof(h));
	if (l->n)
		memcpy(all + sizeof(h), l->at, l->n * sizeof(*l->at));
	return file_replace(path, all, len, 0600, e);
}

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/* Any other byte in the place of a bool is none that C knows. */
static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, sizeof(byte));
	return byte <= 1;
}

/* Who reads it compares and prints its texts. */
static bool is_sound(const struct want *w)
{
	switch ((enum want_kind)w->kind) {
	case WANT_LINK:
		return is_text(w->link.name, sizeof(w->link.name)) &&
		       is_text(w->link.kind, sizeof(w->link.kind));
	case WANT_ADDR:
		return is_text(w->addr.dev, sizeof(w->addr.dev));
	case WANT_NEIGH:
		return is_text(w->neigh.dev, sizeof(w->neigh.dev)) && w->neigh.pool.plen >= 22 &&
		       w->neigh.pool.plen <= 29;
	case WANT_ROUTE:
		return is_text(w->route.dev, sizeof(w->route.dev));
	case WANT_RULE:
		return is_bool(&w->rule.unreachable) && is_bool(&w->rule.no_default) &&
		       is_bool(&w->rule.nop);
	case WANT_SYSCTL:
		return is_text(w->sysctl.key, sizeof(w->sysctl.key)) &&
		       is_text(w->sysctl.value, sizeof(w->sysctl.value)) &&
		       is_text(w->sysctl.before, sizeof(w->sysctl.before));
	case WANT_NFT:
		return is_text(w->nft.table, sizeof(w->nft.table));
	case WANT_FILE:
		return is_text(w->file.path, sizeof(w->file.path));
	case WANT_NETNS:
		return is_text(w->netns.name, sizeof(w->netns.name));
	case WANT_ACT:
		return is_text(w->act.dev, sizeof(w->act.dev)) &&
		       is_text(w->act.vpn, sizeof(w->act.vpn));
	}
	return false;
}

static bool are_sound(const struct want_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!is_sound(&l->at[i]))
			return false;
	return true;
}

static int read_all(const char *name, struct record *ret_record, struct want_list *ret,
		    struct err *e)
{
	AUTO_FREE char *all = NULL;
	AUTO_WANT_LIST struct want_list l = {0};
	struct made_header h = {0};
	char path[64];
	size_t len = 0;
	int r = path_of(name, path, sizeof(path), e);

	if (r == 0)
		r = file_read(path, MADE_MAX, &all, &len, e);
	if (r < 0)
		return r;
	if (len >= sizeof(h))
		memcpy(&h, all, sizeof(h));
	if (len < sizeof(h) || h.magic != MADE_MAGIC || h.version != MADE_VERSION ||
	    h.size != sizeof(*l.at) || h.n > MADE_MAX / sizeof(*l.at) ||
	    len != sizeof(h) + h.n * sizeof(*l.at))
		return err_set(e, -EPROTO, "%s was written by another version of vpnrun", path);
	l.at = calloc(h.n + 1, sizeof(*l.at));
	if (!l.at)
		return err_sys(e, -ENOMEM, "cannot read %s", path);
	memcpy(l.at, all + sizeof(h), h.n * sizeof(*l.at));
	l.n = h.n;
	l.room = h.n + 1;
	if (!are_sound(&l))
		return err_set(e, -EPROTO, "%s was written by another version of vpnrun", path);
	*ret = l;
	*ret_record = h.record;
	l = (struct want_list){0};
	return 0;
}

int made_read(const char *name, struct want_list *ret, struct err *e)
{
	struct record ignored;

	return read_all(name, &ignored, ret, e);
}

int made_read_record(const char *name, struct record *ret, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	struct record r;
	int rc = read_all(name, &r, &l, e);

	if (rc < 0)
		return rc;
	if (!r.id)
		return err_set(e, -ENOENT, "nothing is noted of whose %s is", name);
	*ret = r;
	return 0;
}

void made_keep_digests(const char *name, struct want_list *l)
{
	AUTO_WANT_LIST struct want_list made = {0};

	if (made_read(name, &made, NULL) < 0)
		return;
	for (size_t i = 0; i < l->n; i++)
		for (size_t j = 0; j < made.n; j++)
			if (l->at[i].kind == WANT_NFT && want_is_same(&l->at[i], &made.at[j]))
				l->at[i].nft.digest = made.at[j].nft.digest;
}

int made_remove(const char *name, struct err *e)
{
	char path[64];
	int r = path_of(name, path, sizeof(path), e);

	return r < 0 ? r : file_remove(path, e);
}
