/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See told.h. A lease is known by its number: who takes one that was free for less than a look is
 * taken for the former.
 */
#include "look/told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "state/forwarded.h"

void told_free(struct tolds *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->at[i].leases);
	free(t->at);
	t->at = NULL;
	t->n = 0;
}

/* The machine's own cable, and one of root's without a process, such as `up` tries, are nobody's
 * who is inside. */
static bool is_of_somebody(const struct view *v, const struct inside_lease *l)
{
	return l->h != v->host_lease && (l->uid != 0 || l->process.pid != 0);
}

static int copy_leases(const struct view *v, struct told *t)
{
	t->is_counted = v->looked || v->glanced_inside || !v->has_record;
	t->leases = calloc(v->inside.n_leases + 1, sizeof(*t->leases));
	if (!t->leases)
		return -ENOMEM;
	for (size_t i = 0; i < v->inside.n_leases; i++)
		if (is_of_somebody(v, &v->inside.leases[i]))
			t->leases[t->n_leases++] = v->inside.leases[i];
	return 0;
}

static int read_one(const struct view *v, struct told *t)
{
	const char *server = view_server(v);

	str_copy(t->name, sizeof(t->name), v->name);
	str_copy(t->why, sizeof(t->why), v->why);
	str_copy(t->server, sizeof(t->server), server ? server : "");
	t->id = v->id;
	t->state = v->state;
	t->is_silent = v->is_silent;
	t->is_machine_default = v->is_machine_default;
	if (v->has_record && v->state != VIEW_DOWN && v->state != VIEW_CLOSED)
		forwarded_ports(&v->record, t->ports);
	return copy_leases(v, t);
}

/* Who looks at one VPN is told when the machine waits for that one, or for any. */
static void read_closed(const struct views *vs, const char *only, struct tolds *t)
{
	t->is_closed = vs->is_closed && (!only || !vs->awaited[0] || !strcmp(only, vs->awaited));
	str_copy(t->awaited, sizeof(t->awaited), t->is_closed ? vs->awaited : "");
}

int told_read(const struct views *vs, const char *only, struct tolds *ret, struct err *e)
{
	struct tolds t = {.at = calloc(vs->n + 1, sizeof(*t.at))};
	int r = t.at ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < vs->n; i++)
		if (!only || !strcmp(only, vs->at[i].name))
			r = read_one(&vs->at[i], &t.at[t.n++]);
	if (r < 0) {
		told_free(&t);
		return err_sys(e, r, "cannot hold %zu VPNs", vs->n);
	}
	read_closed(vs, only, &t);
	*ret = t;
	return 0;
}

static struct told *find(const struct tolds *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->at[i].name, name))
			return &all->at[i];
	return NULL;
}

static void doubt(const struct told *w, struct told *t, int64_t now_ms, int *ret_wait_ms)
{
	int64_t until = w->doubt_ms ? w->doubt_ms : now_ms + TOLD_DOUBT_MS;

	if (w->state != VIEW_UP || t->state != VIEW_DEGRADED || now_ms >= until)
		return;
	t->state = VIEW_UP;
	t->is_silent = false;
	t->why[0] = '\0';
	t->doubt_ms = until;
	if (until - now_ms < *ret_wait_ms)
		*ret_wait_ms = (int)(until - now_ms);
}

void told_settle(const struct tolds *was, struct tolds *is, int64_t now_ms, int *ret_wait_ms)
{
	for (size_t i = 0; i < is->n; i++) {
		struct told *t = &is->at[i], *w = find(was, t->name);

		if (!w)
			continue;
		doubt(w, t, now_ms, ret_wait_ms);
		if (t->is_counted)
			continue;
		free(t->leases);
		t->leases = w->leases;
		t->n_leases = w->n_leases;
		w->leases = NULL;
		w->n_leases = 0;
	}
}

static const struct inside_lease *find_lease(const struct told *t, uint32_t h)
{
	for (size_t i = 0; i < t->n_leases; i++)
		if (t->leases[i].h == h)
			return &t->leases[i];
	return NULL;
}

static bool is_other_state(const struct told *w, const struct told *t)
{
	if (w->state != t->state || w->is_silent != t->is_silent)
		return true;
	return !t->is_silent && strcmp(w->why, t->why) != 0;
}

static int compare_leases(const struct told *w, const struct told *t, told_fn fn, void *arg)
{
	int r = 0;

	if (!t->is_counted)
		return 0;
	for (size_t i = 0; r == 0 && i < w->n_leases; i++)
		if (!find_lease(t, w->leases[i].h))
			r = fn("leave", t, &w->leases[i], arg);
	for (size_t i = 0; r == 0 && i < t->n_leases; i++)
		if (!find_lease(w, t->leases[i].h))
			r = fn("enter", t, &t->leases[i], arg);
	return r;
}

static int compare_one(const struct told *w, const struct told *t, told_fn fn, void *arg)
{
	int r = 0;

	if (is_other_state(w, t))
		r = fn(view_state_name(t->state), t, NULL, arg);
	if (r == 0 && strcmp(w->server, t->server) != 0 && t->server[0])
		r = fn("server", t, NULL, arg);
	if (r == 0 && memcmp(w->ports, t->ports, sizeof(t->ports)) != 0)
		r = fn("forwarded_port", t, NULL, arg);
	if (r == 0 && w->is_machine_default != t->is_machine_default)
		r = fn(t->is_machine_default ? "default_on" : "default_off", t, NULL, arg);
	return r ? r : compare_leases(w, t, fn, arg);
}

static int compare_closed(const struct tolds *was, const struct tolds *is, told_fn fn, void *arg)
{
	const struct tolds *closed = is->is_closed ? is : was;
	struct told unknown = {.state = VIEW_DOWN};
	const struct told *t = find(is, closed->awaited);

	if (was->is_closed == is->is_closed && !strcmp(was->awaited, is->awaited))
		return 0;
	str_copy(unknown.name, sizeof(unknown.name), closed->awaited);
	return fn(is->is_closed ? "machine_closed" : "machine_open", t ? t : &unknown, NULL, arg);
}

int told_compare(const struct tolds *was, const struct tolds *is, told_fn fn, void *arg)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < was->n; i++)
		if (!find(is, was->at[i].name))
			r = fn("removed", &was->at[i], NULL, arg);
	for (size_t i = 0; r == 0 && i < is->n; i++) {
		const struct told *w = find(was, is->at[i].name);

		r = w ? compare_one(w, &is->at[i], fn, arg) : fn("now", &is->at[i], NULL, arg);
	}
	return r ? r : compare_closed(was, is, fn, arg);
}
