/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gathers and judges; prints nothing, changes nothing. Keys that a profile brings along are wiped
 * before anything is shown.
 */
#include "look/view.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "default/default.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "ensure/applied.h"
#include "lan/lan.h"
#include "up/passage.h"
#include "conf/profile.h"
#include "conf/servers.h"
#include "up/strays.h"
#include "tunnel/supervise.h"
#include "conf/value.h"

/* WireGuard drops a session that is older (REJECT_AFTER_TIME of its paper). */
#define SESSION_MAX_S 180
/* A first initiation has 148 bytes and goes out again after 5 s: more was sent, and none answered.
 */
#define ONE_INITIATION 148

const char *view_state_name(enum view_state s)
{
	switch (s) {
	case VIEW_DOWN:
		return "down";
	case VIEW_UP:
		return "up";
	case VIEW_DEGRADED:
		return "degraded";
	case VIEW_CLOSED:
		return "closed";
	}
	return "?";
}

const char *view_layout_name(const struct view *v)
{
	enum vpn_layout l = v->has_profile  ? v->profile.layout
			    : v->has_record ? (enum vpn_layout)v->record.layout
					    : LAYOUT_NETNS;

	return l == LAYOUT_BRIDGE ? "bridge" : "netns";
}

const char *view_server(const struct view *v)
{
	return v->has_record && v->record.server[0] && v->record.state != RECORD_DOWN
		       ? v->record.server
		       : NULL;
}

const char *view_endpoint(const struct view *v)
{
	const struct tunnel *t = &v->profile.tunnel;

	for (size_t i = 0; i < t->n_peers; i++)
		if (t->peers[i].endpoint)
			return t->peers[i].endpoint;
	return v->has_record && v->record.endpoint[0] ? v->record.endpoint : NULL;
}

/* --- gathering ------------------------------------------------------------------------------- */

static struct view *add(struct views *vs, const char *name)
{
	struct view *more = reallocarray(vs->at, vs->n + 1, sizeof(*more));

	if (!more)
		return NULL;
	vs->at = more;
	more += vs->n++;
	memset(more, 0, sizeof(*more));
	str_copy(more->name, sizeof(more->name), name);
	more->stats.handshake_age_s = -1;
	return more;
}

static void wipe_keys(struct tunnel *t)
{
	util_wipe(t->private_key, sizeof(t->private_key));
	for (size_t i = 0; i < t->n_peers; i++)
		util_wipe(t->peers[i].psk, sizeof(t->peers[i].psk));
}

/* Their names are everybody's to see. */
static void read_chosen(struct view *v)
{
	AUTO_SERVERS struct servers s = {0};
	const char *dir = v->profile.servers;

	if (servers_list(dir, &s, NULL) == 0)
		str_copy(v->chosen, sizeof(v->chosen), s.names[servers_chosen(dir, &s)]);
}

/* Root gets the tunnel as well; everybody the JSON. */
static void load_profile(struct view *v)
{
	AUTO_FREE char *text = NULL;
	char path[sizeof(VPN_CONFIG_DIR) + NAME_MAX_LEN + 8];
	struct err e = ERR_INIT;
	size_t len = 0;
	int r = -EACCES;

	if (geteuid() == 0)
		r = applied_load_in_use(v->name, &v->profile, &e);
	if (r < 0 && geteuid() == 0 && !v->broken.code)
		v->broken = e;
	str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", v->name);
	if (r < 0)
		r = file_read(path, 64 * 1024, &text, &len, &e);
	if (text && r >= 0)
		r = profile_parse(path, text, len, &v->profile, &e);
	if (r < 0 && !v->broken.code)
		v->broken = e;
	v->has_profile = r >= 0;
	if (v->has_profile)
		wipe_keys(&v->profile.tunnel);
	if (v->has_profile && v->profile.servers)
		read_chosen(v);
}

static int add_profiles(struct views *vs, struct err *e)
{
	AUTO_FREE struct profile_entry *entries = NULL;
	bool first = true;
	size_t n = 0;
	int r = profile_list(&entries, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct view *v = add(vs, entries[i].name);

		if (!v)
			return err_sys(e, -ENOMEM, "cannot hold %zu VPNs", n);
		v->id = entries[i].id;
		v->broken = entries[i].error;
		if (str_is_vpn_name(v->name))
			load_profile(v);
		v->is_default = first && v->id > 0 && !v->profile.device;
		first = first && !v->is_default;
	}
	return r;
}

static struct view *find(struct views *vs, const char *name)
{
	for (size_t i = 0; i < vs->n; i++)
		if (!strcmp(vs->at[i].name, name))
			return &vs->at[i];
	return NULL;
}

static int add_record(const struct record *r, void *arg)
{
	struct views *vs = arg;
	struct view *v = find(vs, r->name);

	if (!v)
		v = add(vs, r->name);
	if (!v)
		return -ENOMEM;
	v->has_record = true;
	v->record = *r;
	if (!v->id)
		v->id = r->id;
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	if (x->id != y->id)
		return !x->id ? 1 : !y->id ? -1 : x->id - y->id;
	return strcmp(x->name, y->name);
}

/* --- judging --------------------------------------------------------------------------------- */

static void degrade(struct view *v, const char *why)
{
	if (v->state == VIEW_DEGRADED)
		return; /* the first cause is the nearest to the root of it */
	v->state = VIEW_DEGRADED;
	str_copy(v->why, sizeof(v->why), why);
}

static void degrade_silent(struct view *v, const char *why)
{
	v->is_silent = v->is_silent || v->state != VIEW_DEGRADED;
	degrade(v, why);
}

static void degrade_namespace(struct view *v)
{
	char why[sizeof(v->why)];

	str_fmt(why, sizeof(why), "the network namespace %s is missing; vpnctl up %s makes it anew",
		v->name, v->name);
	degrade(v, why);
}

static void judge_ports(struct view *v, int ns, int bridge)
{
	struct lease_pool pool = record_pool(&v->record);
	struct err e = ERR_INIT;
	char why[sizeof(v->why)];
	struct strays strays;

	if (strays_find(ns, &pool, bridge, &strays, &e) < 0) {
		degrade(v, e.msg);
	} else if (strays.n) {
		str_fmt(why, sizeof(why),
			"somebody took %zu of its ports out of %s, %s first; vpnctl up %s puts them "
			"back",
			strays.n, v->record.bridge, strays.first, v->name);
		degrade(v, why);
	}
}

/* A sentence of its own for each, and the first of them is why. */
static void add_missing(const struct want *w, const char *sentence, void *arg)
{
	struct view *v = arg;
	char **more = reallocarray(v->missing, v->n_missing + 1, sizeof(*more));

	(void)w;
	degrade(v, sentence);
	if (!more)
		return;
	v->missing = more;
	more[v->n_missing] = strdup(sentence);
	if (more[v->n_missing])
		v->n_missing++;
}

/* Every object that it was made of, while it is closed but those of the tunnel. */
static void judge_objects(struct view *v, int ns)
{
	AUTO_WANT_LIST struct want_list l = {0};
	struct err e = ERR_INIT;
	char why[sizeof(v->why)];
	int r = made_read(v->name, &l, &e);

	if (v->record.state == RECORD_DOWN) {
		want_list_drop(&l, record_way(&v->record));
		lan_drop_inside(&l, v->name, v->record.id);
	}
	if (r == -ENOENT || r == -EPROTO) {
		str_fmt(why, sizeof(why),
			"another version of vpnrun brought it up, and what it consists of is not "
			"known: vpnctl up %s",
			v->name);
		degrade(v, why);
	} else if (r < 0 || ensure_missing(&l, ns, add_missing, v, &e) < 0 ||
		   lan_missing(v->name, add_missing, v, &e) < 0) {
		degrade(v, e.msg);
	}
}

/* As far as one look can tell; the keeper, which looks all the time, knows more. */
static bool is_silent(const struct tunnel_stats *st)
{
	if (st->handshake_age_s < 0)
		return st->tx > ONE_INITIATION;
	return st->keepalive && st->handshake_age_s > SESSION_MAX_S + st->keepalive;
}

static void judge_tunnel(struct view *v)
{
	const struct tunnel_stats *st = &v->stats;
	char why[sizeof(v->why)];

	if (!st->present)
		degrade(v, "the tunnel device is missing");
	else if (!st->up)
		degrade(v, "the tunnel device is down");
	else if (!st->asked)
		degrade(v, "WireGuard does not answer");
	else if (is_silent(st)) {
		struct health s = {.far = HEALTH_SILENT};

		str_copy(s.endpoint, sizeof(s.endpoint), st->endpoint);
		if (st->handshake_age_s >= 0)
			s.handshake_ms = s.silent_ms = health_now_ms() - st->handshake_age_s * 1000;
		health_is_dead(&s, why, sizeof(why));
		degrade_silent(v, why);
	}
}

/* Shows what the keeper saw, in the place of WireGuard's own answer, which is root's alone. */
static void take_health(struct view *v, const struct health *s)
{
	v->glanced = true;
	v->seen_age_s = (util_now_ms() - s->at_ms) / 1000;
	v->stats.present = v->stats.up = v->stats.asked = !s->why[0];
	v->stats.handshake_age_s =
		s->handshake_ms ? (health_now_ms() - s->handshake_ms) / 1000 : -1;
	v->stats.rx = s->rx;
	v->stats.tx = s->tx;
	str_copy(v->stats.endpoint, sizeof(v->stats.endpoint), s->endpoint);
}

/* A tunnel that is dead is not up, whoever asks. Who has asked WireGuard itself knows when
 * something has come since. */
static void judge_health(struct view *v)
{
	char why[sizeof(v->why)];
	struct health s;

	if (v->state != VIEW_UP || health_read(v->name, &s) < 0)
		return;
	str_copy(v->left, sizeof(v->left), s.left);
	if (v->looked && (v->stats.rx != s.rx || !health_is_fresh(&s)))
		return;
	if (!v->looked)
		take_health(v, &s);
	if (!health_is_fresh(&s)) {
		str_fmt(why, sizeof(why),
			"nobody looks after it, its keeper has ended; now: sudo vpnctl up %s",
			v->name);
		degrade(v, why);
	} else if (s.why[0] && !v->looked) {
		degrade(v, s.why);
	} else if (health_is_dead(&s, why, sizeof(why))) {
		degrade_silent(v, why);
	}
}

/* The nearest to the root: a wireguard-go ends with it. */
static void judge_supervisor(struct view *v)
{
	struct err e = ERR_INIT;
	char why[sizeof(v->why)];
	int r = supervise_is_alive(v->name, &e);

	if (r < 0)
		degrade(v, e.msg);
	if (r != 0)
		return;
	str_fmt(why, sizeof(why), "its supervisor has ended; vpnctl up %s starts it again",
		v->name);
	degrade(v, why);
}

/* The tunnel is the one's or the other's, and the record is the one's. */
static void judge_switch(struct view *v)
{
	char why[sizeof(v->why)];

	if (!applied_is_ahead(&v->record))
		return;
	str_fmt(why, sizeof(why),
		"a switch from %s to another server is under way, or was broken off: vpnctl up %s",
		v->record.server, v->name);
	degrade(v, why);
}

static void judge_via(struct view *v)
{
	struct record other;
	char why[sizeof(v->why)];

	if (!v->record.via[0])
		return;
	if (record_read(v->record.via, &other, NULL) < 0 || other.state != RECORD_UP)
		str_fmt(why, sizeof(why), "it goes through VPN '%s', which is down", v->record.via);
	else if (other.netns_dev != v->record.via_dev || other.netns_ino != v->record.via_ino)
		str_fmt(why, sizeof(why),
			"VPN '%s', through which it goes, was taken down since: vpnctl up %s",
			v->record.via, v->name);
	else
		return;
	degrade(v, why);
}

/* It is up or closed, and so all of it has to be there. */
static bool is_there(const struct view *v)
{
	return v->record.state == RECORD_UP || v->state == VIEW_CLOSED;
}

/* One that has gone is not missed by who made it; here all is refused until it is back. */
static void judge_device(struct view *v)
{
	char why[sizeof(v->why)];
	const char *dev = record_way(&v->record);

	if (dev[0] && if_nametoindex(dev))
		return;
	str_fmt(why, sizeof(why), "%s%s; all that is sent from inside is refused",
		dev[0] ? dev : "the machine has no default route, and no device to go out by",
		dev[0] ? " has gone" : "");
	degrade(v, why);
}

static void judge_up(struct view *v, int ns)
{
	struct err e = ERR_INIT;

	judge_via(v);
	judge_switch(v);
	judge_supervisor(v);
	if (v->record.flags & RECORD_DEVICE) {
		judge_device(v);
		return;
	}
	if (tunnel_dev_stats(v->record.device, ns, v->record.flags & RECORD_USERSPACE, &v->stats,
			     &e) < 0)
		degrade(v, e.msg);
	else
		judge_tunnel(v);
	judge_health(v);
}

static void look(struct view *v)
{
	AUTO_CLOSE int ns = -1;
	struct err e = ERR_INIT;

	ns = record_open_netns(&v->record, &e);
	if (ns < 0) {
		if (is_there(v))
			degrade_namespace(v);
		return;
	}
	if (inside_read(&v->record, ns, &v->inside, &e) < 0) {
		if (is_there(v))
			degrade(v, e.msg);
		return;
	}
	v->looked = true;
	v->is_edited = v->record.state != RECORD_DOWN && applied_is_old(v->name) > 0;
	if (v->state == VIEW_UP)
		judge_up(v, ns);
	if (is_there(v)) {
		judge_ports(v, ns, (int)v->record.bridge_ifindex);
		judge_objects(v, ns);
	}
	if (v->record.layout == LAYOUT_BRIDGE && v->state == VIEW_UP &&
	    passage_judge(&v->record, &e) < 0)
		degrade(v, e.msg);
}

static void read_machine_default(struct views *vs, bool do_look)
{
	const struct default_way *w;
	struct default_note n;
	struct err e = ERR_INIT;
	struct view *v;

	if (default_note_read(&n, NULL) < 0)
		return;
	w = n.state == DEFAULT_BEGUN && n.old.id ? &n.old : &n.now;
	v = find(vs, w->name);
	if (!v)
		return;
	v->is_machine_default = n.state != DEFAULT_BEGUN || n.old.id;
	v->is_strict = w->strict;
	v->host_lease = w->host;
	if (!do_look || default_judge(&n, &e) == 0 || e.code == -EXDEV)
		return;
	degrade(v, e.msg);
	if (n.state == DEFAULT_ON)
		default_missing(add_missing, v, NULL);
}

static int read_boot(struct views *vs, struct err *e)
{
	struct view *v;
	struct boot b;
	int r = default_awaited(e);

	v = boot_read(BOOT_WISH_PATH, &b, NULL) == 0 ? find(vs, b.name) : NULL;
	if (v)
		v->is_at_boot = true;
	vs->is_closed = r > 0;
	if (vs->is_closed && boot_read(BOOT_WAIT_PATH, &b, NULL) == 0)
		str_copy(vs->awaited, sizeof(vs->awaited), b.name);
	return r < 0 ? r : 0;
}

/* Shut like one that is down, but nobody wants it so. */
static void judge_record(struct view *v)
{
	const struct record *r = &v->record;
	char why[sizeof(v->why)];

	v->state = r->state == RECORD_UP    ? VIEW_UP
		   : r->flags & RECORD_HELD ? VIEW_CLOSED
					    : VIEW_DOWN;
	if (r->state != RECORD_LOST)
		return;
	if (r->why[0])
		str_fmt(why, sizeof(why),
			"it is shut, as bringing it back failed: %s; try again: "
			"sudo vpnctl up %s",
			r->why, v->name);
	else
		str_fmt(why, sizeof(why),
			"it is shut while it is made anew; if that lasts: sudo "
			"vpnctl up %s",
			v->name);
	degrade(v, why);
}

/* What any user can see. */
static void glance(struct view *v)
{
	AUTO_CLOSE int ns = record_open_netns(&v->record, NULL);

	if (ns < 0 && is_there(v))
		degrade_namespace(v);
	judge_health(v);
	v->glanced_inside = inside_read_own(&v->record, &v->inside, NULL) == 0;
}

int views_read(bool do_look, struct views *ret, struct err *e)
{
	struct views vs = {0};
	struct err why = ERR_INIT;
	int r = add_profiles(&vs, e);

	if (r == 0) {
		r = record_for_each(add_record, &vs, &why);
		r = r < 0 ? err_set(e, r, "%s",
				    why.code ? why.msg : "cannot list the VPNs: no memory")
			  : r;
	}
	if (r < 0) {
		views_free(&vs);
		return r;
	}
	for (size_t i = 0; i < vs.n; i++) {
		struct view *v = &vs.at[i];

		if (!v->has_record)
			continue;
		judge_record(v);
		if (do_look)
			look(v);
		else
			glance(v);
	}
	read_machine_default(&vs, do_look);
	r = read_boot(&vs, e);
	if (r < 0) {
		views_free(&vs);
		return r;
	}
	if (vs.n)
		qsort(vs.at, vs.n, sizeof(*vs.at), by_id);
	*ret = vs;
	return 0;
}

void views_free(struct views *vs)
{
	for (size_t i = 0; i < vs->n; i++) {
		profile_free(&vs->at[i].profile);
		inside_free(&vs->at[i].inside);
		for (size_t k = 0; k < vs->at[i].n_missing; k++)
			free(vs->at[i].missing[k]);
		free(vs->at[i].missing);
	}
	free(vs->at);
	vs->at = NULL;
	vs->n = 0;
}

struct view *views_find(struct views *vs, const char *name, struct err *e)
{
	char names[200] = "", buf[VALUE_SHOW_MAX];
	const char *shown = value_show(name, buf);
	struct view *v = find(vs, name);
	size_t used = 0, i;

	if (v)
		return v;
	for (i = 0; i < vs->n && used + NAME_MAX_LEN + 8 < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 vs->at[i].name);
	if (!vs->n)
		err_set(e, -ENOENT,
			"there is no VPN %s, nor any other: sudo vpnctl import FILE makes one",
			shown);
	else
		err_set(e, -ENOENT, "there is no VPN %s; there is %s%s", shown, names,
			i < vs->n ? ", ..." : "");
	return NULL;
}

int view_find_record(const char *name, struct record *ret, struct err *e)
{
	struct views vs = {0};
	const struct view *v;
	int r = views_read(false, &vs, e);

	if (r < 0)
		return r;
	v = views_find(&vs, name, e);
	r = v ? v->has_record : -ENOENT;
	if (r > 0)
		*ret = v->record;
	views_free(&vs);
	return r;
}
