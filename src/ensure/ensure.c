/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See ensure.h. Called by up/steps, up/finish, default/default, the keeper and look/view.
 */
#include "ensure/ensure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "nf/nft_digest.h"
#include "ensure/kinds.h"

struct verdict {
	ensure_fn fn;
	void *arg;
	int n;
};

static void tell(const struct want *w, const char *why, void *arg)
{
	char name[WANT_TEXT_LEN], all[WANT_TEXT_LEN + 110];
	struct verdict *v = arg;

	v->n++;
	if (!v->fn)
		return;
	want_describe(w, name);
	snprintf(all, sizeof(all), "%s %s", name, why);
	v->fn(w, all, v->arg);
}

static int look_at_one(const struct want *w, struct net_seen *s, struct verdict *v, struct err *e)
{
	char why[100] = "";
	int r = kind_missing(w, s, why, sizeof(why), e);

	if (r > 0)
		tell(w, why, v);
	return r < 0 ? r : 0;
}

/* The devices first: with one of them goes much of the rest. */
int ensure_missing(const struct want_list *l, int ns_fd, ensure_fn fn, void *arg, struct err *e)
{
	AUTO_SEEN struct net_seen s = SEEN_INIT;
	struct verdict v = {.fn = fn, .arg = arg};
	int r = seen_open(&s, ns_fd, e);

	for (size_t i = 0; r == 0 && i < l->n; i++)
		if (l->at[i].kind == WANT_LINK)
			r = look_at_one(&l->at[i], &s, &v, e);
	for (size_t i = 0, step; r == 0 && i < l->n; i += step) {
		step = l->at[i].kind == WANT_RULE ? rules_count(l, i) : 1;
		if (l->at[i].kind == WANT_RULE)
			r = rules_missing(&l->at[i], step, &s, tell, &v, e);
		else if (l->at[i].kind != WANT_LINK)
			r = look_at_one(&l->at[i], &s, &v, e);
	}
	return r < 0 ? r : v.n;
}

static int make_one(const struct want *w, struct net_seen *s, struct err *e)
{
	char why[100];
	int r = kind_missing(w, s, why, sizeof(why), e);

	return r <= 0 ? r : kind_make(w, s, e);
}

int ensure_make(const struct want_list *l, int ns_fd, const struct ensure_by *by, struct err *e)
{
	AUTO_SEEN struct net_seen s = SEEN_INIT;
	int r = want_list_check(l, e);

	if (r == 0)
		r = seen_open(&s, ns_fd, e);
	for (size_t i = 0, step; r == 0 && i < l->n; i += step) {
		const struct want *w = &l->at[i];

		step = w->kind == WANT_RULE ? rules_count(l, i) : 1;
		if (w->kind == WANT_RULE)
			r = rules_make(w, step, &s, e);
		else if (w->kind == WANT_NFT)
			r = by->table(w, by->arg, e);
		else if (w->kind == WANT_ACT)
			r = by->act(&w->act, false, by->arg, e);
		else if (w->kind != WANT_FILE)
			r = make_one(w, &s, e);
	}
	return r;
}

static const char *device_of(const struct want *w)
{
	switch ((enum want_kind)w->kind) {
	case WANT_ADDR:
		return w->addr.dev;
	case WANT_ROUTE:
		return w->route.dev;
	case WANT_NEIGH:
	case WANT_LINK:
	case WANT_RULE:
	case WANT_SYSCTL:
	case WANT_NFT:
	case WANT_FILE:
	case WANT_ACT:
	case WANT_NETNS:
		break;
	}
	return "";
}

/* Whether it goes with a device that goes, too. */
static bool goes_along(const struct want_list *l, const struct want *w)
{
	const char *dev = device_of(w);

	for (size_t i = 0; dev[0] && i < l->n; i++)
		if (l->at[i].kind == WANT_LINK && l->at[i].link.kind[0] &&
		    !strcmp(l->at[i].link.name, dev))
			return true;
	return false;
}

int ensure_remove(const struct want_list *l, int ns_fd, const struct ensure_by *by, struct err *e)
{
	AUTO_SEEN struct net_seen s = SEEN_INIT;
	int r = want_list_check(l, e);

	if (r == 0)
		r = seen_open(&s, ns_fd, e);
	for (size_t i = l->n; r == 0 && i-- > 0;) {
		const struct want *w = &l->at[i];
		/* All of one number have gone with the last of them. */
		bool gone =
			w->kind == WANT_RULE && i + 1 < l->n && want_takes_place(w, &l->at[i + 1]);

		if (w->kind == WANT_ACT)
			r = by && by->act ? by->act(&w->act, true, by->arg, e) : 0;
		else if (!gone && !goes_along(l, w))
			r = kind_remove(w, &s, e);
	}
	return r;
}

/* Says, of what may be lacking, whether it does. */
static int is_lacking(struct want *w, struct net_seen *s, struct err *e)
{
	char why[100];
	int r;

	if (w->kind == WANT_SYSCTL && (w->flags & WANT_IF_CAN))
		return kind_missing(w, s, why, sizeof(why), e);
	if (w->kind != WANT_NFT)
		return 0;
	r = nft_table_digest(&s->nft, w->nft.family, w->nft.table, &w->nft.digest, e);
	if (r == -ENOENT && (w->flags & WANT_IF_KNOWN))
		return 1;
	w->flags = 0;
	return r;
}

int ensure_seal(struct want_list *l, int ns_fd, struct err *e)
{
	AUTO_SEEN struct net_seen s = SEEN_INIT;
	int r = seen_open(&s, ns_fd, e);
	size_t kept = 0;

	for (size_t i = 0; r >= 0 && i < l->n; i++) {
		r = is_lacking(&l->at[i], &s, e);
		if (r == 0)
			l->at[kept++] = l->at[i];
	}
	if (r < 0)
		return err_wrap(e, r, "cannot note what was made");
	l->n = kept;
	return 0;
}
