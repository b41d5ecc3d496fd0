/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VPN_CONFIG_DIR as a whole: which VPNs there are, and that no two claim the same id, subnet or
 * bridge. Reads the JSON only, never a key; changes nothing. A file that cannot be parsed hides
 * no other.
 */
#include "conf/profile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/value.h"

#define LIST_SENTENCE 200

/* Calls fn with each NAME.json, parsed or with the error; stops when fn returns non-zero. */
static int for_each(int (*fn)(const char *name, const struct profile *p, const struct err *why,
			      void *arg),
		    void *arg, struct err *e)
{
	DIR *dir = opendir(VPN_CONFIG_DIR);
	struct dirent *entry;
	int r = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return err_sys(e, -errno, "cannot read " VPN_CONFIG_DIR);
	while (r == 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		char path[sizeof(VPN_CONFIG_DIR) + sizeof(entry->d_name) + 1], name[256];
		AUTO_FREE char *text = NULL;
		struct profile p = {0};
		struct err why = ERR_INIT;
		size_t text_len = 0;

		if (len <= 5 || entry->d_name[0] == '.' || strcmp(entry->d_name + len - 5, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", VPN_CONFIG_DIR, entry->d_name);
		snprintf(name, sizeof(name), "%.*s", (int)len - 5, entry->d_name);
		if (file_read(path, PROFILE_SIZE_MAX, &text, &text_len, &why) == 0)
			profile_parse(path, text, text_len, &p, &why);
		r = fn(name, why.code ? NULL : &p, &why, arg);
		profile_free(&p);
	}
	closedir(dir);
	if (r == -ENOMEM)
		return err_sys(e, r, "cannot read " VPN_CONFIG_DIR);
	return r;
}

struct listing {
	struct profile_entry *entries;
	size_t n;
};

static int list_one(const char *name, const struct profile *p, const struct err *why, void *arg)
{
	struct listing *list = arg;
	struct profile_entry *entry = model_grow(&list->entries, list->n, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	snprintf(entry->name, sizeof(entry->name), "%.*s", NAME_MAX_LEN, name);
	if (p)
		entry->id = p->id;
	else
		entry->error = *why;
	list->n++;
	return 0;
}

/* Sorts by id, the broken ones last. */
static int entry_compare(const void *a, const void *b)
{
	const struct profile_entry *x = a, *y = b;

	if (x->id != y->id && (!x->id || !y->id))
		return x->id ? -1 : 1;
	return x->id != y->id ? x->id - y->id : strcmp(x->name, y->name);
}

static void mark_twins(struct profile_entry *a, struct profile_entry *b)
{
	struct profile_entry *both[] = {a, b};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(both); i++)
		if (!both[i]->error.code)
			err_set(&both[i]->error, -EEXIST,
				"id %d is claimed by both VPN '%s' and VPN '%s': give one of them "
				"another \"id\" in " VPN_CONFIG_DIR,
				a->id, a->name, b->name);
}

int profile_list(struct profile_entry **ret, size_t *ret_n, struct err *e)
{
	struct listing list = {0};
	size_t i;
	int r = for_each(list_one, &list, e);

	if (r < 0) {
		free(list.entries);
		return r;
	}
	if (list.n)
		qsort(list.entries, list.n, sizeof(*list.entries), entry_compare);
	for (i = 1; i < list.n; i++)
		if (list.entries[i].id && list.entries[i].id == list.entries[i - 1].id)
			mark_twins(&list.entries[i - 1], &list.entries[i]);
	*ret = list.entries;
	*ret_n = list.n;
	return 0;
}

int profile_fail_unknown(const char *name, struct err *e)
{
	AUTO_FREE struct profile_entry *entries = NULL;
	char names[LIST_SENTENCE] = "", buf[VALUE_SHOW_MAX];
	size_t i, n = 0, used = 0;

	if (profile_list(&entries, &n, e) < 0)
		return e ? e->code : -EIO;
	for (i = 0; i < n && used + NAME_MAX_LEN + 6 < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 entries[i].name);
	if (!n)
		return err_set(
			e, -ENOENT,
			"there is no VPN %s, nor any other: sudo vpnctl import FILE makes one",
			value_show(name, buf));
	return err_set(e, -ENOENT, "there is no VPN %s; there is %s%s", value_show(name, buf),
		       names, i < n ? ", ..." : "");
}

int profile_parse_name(const char *name, struct profile *ret, struct err *e)
{
	char path[sizeof(VPN_CONFIG_DIR) + NAME_MAX_LEN + 8];
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!str_is_vpn_name(name))
		return profile_fail_unknown(name, e);
	snprintf(path, sizeof(path), "%s/%s.json", VPN_CONFIG_DIR, name);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return profile_fail_unknown(name, e);
	r = file_read(path, PROFILE_SIZE_MAX, &text, &len, e);
	return r < 0 ? r : profile_parse(path, text, len, ret, e);
}

int profile_check_via(const struct profile *p, struct err *e)
{
	char name[NAME_MAX_LEN + 1] = "";
	int r = 0;

	str_copy(name, sizeof(name), p->via ? p->via : "");
	for (int depth = 0; r == 0 && name[0]; depth++) {
		struct profile other;

		if (!strcmp(name, p->name) || depth == 99)
			return err_set(e, -EINVAL, "leads in a circle, back to VPN '%s'", name);
		r = profile_parse_name(name, &other, e);
		if (r == 0 && other.layout != LAYOUT_NETNS)
			r = err_set(
				e, -EINVAL,
				"VPN '%s' has the layout \"bridge\", and so no namespace of its "
				"own to go through",
				name);
		str_copy(name, sizeof(name), r == 0 && other.via ? other.via : "");
		profile_free(&other);
	}
	return r < 0 ? -EINVAL : 0;
}

struct conflict {
	const struct profile *p;
	struct err *e;
};

/* Of two rules for the same destination the lower id's would win, and nobody be told. */
static int conflict_subnets(const struct profile *a, const struct profile *b, struct err *e)
{
	struct ipaddr bridge = {.family = AF_INET, .v4 = b->subnet4, .plen = b->subnet4_plen};

	for (size_t i = 0; i < a->n_subnets; i++) {
		if (ipaddr_overlaps(&a->subnets[i], &bridge))
			return err_set(e, -EEXIST,
				       "%s of \"subnets\" of VPN '%s' overlaps the subnet of VPN "
				       "'%s': change one of them in " VPN_CONFIG_DIR,
				       a->subnets[i].text, a->name, b->name);
		for (size_t k = 0; k < b->n_subnets; k++)
			if (ipaddr_overlaps(&a->subnets[i], &b->subnets[k]))
				return err_set(
					e, -EEXIST,
					"%s of \"subnets\" of VPN '%s' overlaps %s of VPN "
					"'%s': take it out of one of the files in " VPN_CONFIG_DIR,
					a->subnets[i].text, a->name, b->subnets[k].text, b->name);
	}
	return 0;
}

static int conflict_one(const char *name, const struct profile *other, const struct err *why,
			void *arg)
{
	const struct conflict *c = arg;
	struct ipaddr mine = {.family = AF_INET, .v4 = c->p->subnet4, .plen = c->p->subnet4_plen};
	struct ipaddr theirs = {.family = AF_INET};

	(void)why;
	if (!other || !strcmp(name, c->p->name))
		return 0;
	if (other->id == c->p->id)
		return err_set(c->e, -EEXIST,
			       "id %d of VPN '%s' is VPN '%s''s already: give one of them another "
			       "\"id\" (1 to 99) in " VPN_CONFIG_DIR,
			       c->p->id, c->p->name, name);
	theirs.v4 = other->subnet4;
	theirs.plen = other->subnet4_plen;
	if (ipaddr_overlaps(&mine, &theirs))
		return err_set(c->e, -EEXIST,
			       "the subnet of VPN '%s' overlaps that of VPN '%s': give one of them "
			       "another \"subnet\" in " VPN_CONFIG_DIR,
			       c->p->name, name);
	if (c->p->layout != LAYOUT_BRIDGE || other->layout != LAYOUT_BRIDGE)
		return 0;
	if (!strcmp(c->p->bridge, other->name) || !strcmp(c->p->name, other->bridge))
		return err_set(c->e, -EEXIST,
			       "of VPN '%s' and VPN '%s' one has a device called as the other's "
			       "bridge: give that one another \"bridge\" in " VPN_CONFIG_DIR,
			       c->p->name, name);
	if (!strcmp(c->p->bridge, other->bridge))
		return err_set(c->e, -EEXIST,
			       "the bridge %s of VPN '%s' is VPN '%s''s already: give one of them "
			       "another \"bridge\" in " VPN_CONFIG_DIR,
			       c->p->bridge, c->p->name, name);
	if (conflict_subnets(c->p, other, c->e) < 0)
		return -EEXIST;
	return conflict_subnets(other, c->p, c->e);
}

int profile_check_conflicts(const struct profile *p, struct err *e)
{
	struct conflict c = {p, e};

	return for_each(conflict_one, &c, e);
}
