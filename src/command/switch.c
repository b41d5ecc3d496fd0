/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl switch NAME [SERVER|next|random]`: another of a VPN's servers, for those who are inside,
 * too. Whoever is to be the next is asked first, beside the tunnel that is in use; so a server that
 * does not answer changes nothing. What is chosen is written down beside the servers' files.
 * Without a server it lists them.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "command/switch_to.h"
#include "conf/plan.h"
#include "conf/profile.h"
#include "conf/servers.h"
#include "ctl/show.h"
#include "ensure/applied.h"
#include "keeper/ask.h"
#include "state/record.h"

#define ASK_MS	     10000
#define ASK_SOME_MS  4000 /* where there is a next one to ask */
#define ASK_SOME_MAX 10

struct switching {
	const char *name;
	struct profile json; /* no key is in it */
	struct servers servers;
	size_t now, chosen; /* now: servers.n where it is not up, or by one that is gone */
	bool is_up;
	char by[SERVER_MAX_LEN + 1]; /* what it is up by */
	struct profile old;	     /* what was applied, where it is up */
};

static int read_all(const char *name, struct switching *s, struct err *e)
{
	struct record rec;
	int r = profile_parse_name(name, &s->json, e);

	s->name = name;
	if (r == 0 && !s->json.servers)
		r = err_set(e, -EINVAL,
			    "VPN '%s' has one server; \"servers\" in %s/%s.json would give it many "
			    "(see vpnrun.json(5))",
			    name, VPN_CONFIG_DIR, name);
	r = r ?: servers_list(s->json.servers, &s->servers, e);
	r = r ?: record_find(name, &rec, e);
	if (r < 0)
		return r;
	s->chosen = servers_chosen(s->json.servers, &s->servers);
	s->now = s->servers.n;
	s->is_up = r > 0 && rec.state == RECORD_UP;
	if (s->is_up && rec.server[0]) {
		/* One of which it is not known whether it was left stays none that is in use. */
		if (!applied_is_ahead(&rec))
			s->now = servers_find(&s->servers, rec.server);
		str_copy(s->by, sizeof(s->by), rec.server);
	}
	return 0;
}

/* --- the list -------------------------------------------------------------------------------- */

static void list(const struct switching *s)
{
	for (size_t i = 0; i < s->servers.n; i++)
		say("%c %s%s\n", i == s->now ? '*' : ' ', s->servers.names[i],
		    i == s->chosen && s->is_up && i != s->now ? "  (chosen)"
		    : i == s->chosen && !s->is_up	      ? "  (chosen, not up)"
							      : "");
}

/* --- which ----------------------------------------------------------------------------------- */

static size_t random_below(size_t n)
{
	uint32_t x = 0;

	return getrandom(&x, sizeof(x), 0) == (ssize_t)sizeof(x) ? x % n : (size_t)getpid() % n;
}

/* All but the one in use: in turn behind it, or in no order. */
static size_t candidates(const struct switching *s, bool shuffled, size_t *ret)
{
	size_t all = s->servers.n, from = s->now < all ? s->now : s->chosen, n = 0;

	for (size_t i = 1; i <= all; i++)
		if ((from + i) % all != s->now)
			ret[n++] = (from + i) % all;
	for (size_t i = n; shuffled && i > 1; i--) {
		size_t k = random_below(i), held = ret[k];

		ret[k] = ret[i - 1];
		ret[i - 1] = held;
	}
	return n;
}

static int choose(const struct switching *s, size_t i, struct err *e)
{
	int r = servers_choose(s->json.servers, s->servers.names[i], e);

	if (r != -EROFS)
		return r;
	log_info("note: %s is read-only: after the next restart of the machine %s begins with %s",
		 s->json.servers, s->name, s->servers.names[s->chosen]);
	return 0;
}

/* One that could be brought up: what is wrong with it is said before anything is touched. */
static int load(const struct switching *s, size_t i, struct profile *p, struct err *e)
{
	int r = profile_load_server(s->name, s->servers.names[i], p, e);

	r = r ?: profile_check_conflicts(p, e);
	r = r ?: plan_check_subnet(p, e);
	if (r == 0 && p->tunnel.world_readable)
		r = err_set(e, -EPERM,
			    "the private key of server %s can be read by every user; first: chmod "
			    "600 %s",
			    p->server, p->config);
	return r;
}

/* Who came in with a family that the new one lacks keeps the rest. */
static void say_families(const struct profile *p, const struct profile *old)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (plan_source(old, families[i]) && !plan_source(p, families[i]))
			log_info("note: server %s carries no IPv%c: who is inside is refused it",
				 p->server, i ? '6' : '4');
}

/* --- one that is up -------------------------------------------------------------------------- */

/* 0: it has answered, or cannot be asked before. */
static int ask(const struct switching *s, const struct profile *p, int ask_ms, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int r;

	if (switch_is_same_far(p, &s->old))
		return 0;
	progress_begin(&progress, ask_ms, "asking whether server %s of %s answers", p->server,
		       s->name);
	r = ask_wait(p, ask_ms, e);
	if (r == 0)
		return err_set(e, -ETIMEDOUT, "server %s of %s does not answer", p->server,
			       s->name);
	return r < 0 ? r : 0;
}

/* Returns 0 if it is in use now. */
static int try_one(const struct switching *s, size_t i, int ask_ms, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct err note = ERR_INIT;
	struct profile p = {0};
	int r = load(s, i, &p, e);

	progress_begin(&progress, 0, "switching %s to %s", s->name, s->servers.names[i]);

	r = r ?: ask(s, &p, ask_ms, e);
	r = r ?: switch_to(&p, &s->old, &note, e);
	if (r == 0 && note.msg[0])
		log_info("note: %s", note.msg);
	if (r == 0)
		say_families(&p, &s->old);
	profile_free(&p);
	return r;
}

static int say_switched(const struct switching *s, size_t i)
{
	struct err e = ERR_INIT;

	say("%s goes through %s now, was %s: the server answers\n", s->name, s->servers.names[i],
	    s->by);
	return choose(s, i, &e) < 0 ? ctl_fail(&e) : CTL_OK;
}

static int say_down(const struct switching *s)
{
	log_error("%s was taken down or switched meanwhile, and was left alone", s->name);
	return CTL_FAILED;
}

/* The first that answers. */
static int switch_among(const struct switching *s, const size_t *which, size_t n)
{
	int ask_ms = n > 1 ? ASK_SOME_MS : ASK_MS;

	for (size_t i = 0; i < n && i < ASK_SOME_MAX; i++) {
		struct err e = ERR_INIT;
		int r = try_one(s, which[i], ask_ms, &e);

		if (r == 0)
			return say_switched(s, which[i]);
		if (r > 0)
			return say_down(s);
		log_error("%s", e.msg);
	}
	log_error("%s stays with %s", s->name, s->by);
	return CTL_FAILED;
}

static int switch_up(struct switching *s, const size_t *which, size_t n)
{
	struct err e = ERR_INIT;

	if (n == 1 && which[0] == s->now) {
		say("%s goes through %s already\n", s->name, s->by);
		return choose(s, which[0], &e) < 0 ? ctl_fail(&e) : CTL_OK;
	}
	if (applied_load(s->name, &s->old, &e) < 0)
		return ctl_fail(&e);
	return switch_among(s, which, n);
}

static int switch_down(const struct switching *s, size_t i)
{
	struct err e = ERR_INIT;
	struct profile p = {0};
	int r = load(s, i, &p, &e);

	profile_free(&p);
	if (r < 0 || choose(s, i, &e) < 0)
		return ctl_fail(&e);
	say("%s is not up; it will go through %s\n", s->name, s->servers.names[i]);
	return CTL_OK;
}

static int run(struct switching *s, const char *server, struct err *e)
{
	bool any = !strcmp(server, SERVER_NEXT) || !strcmp(server, SERVER_RANDOM);
	AUTO_FREE size_t *which = calloc(s->servers.n + 1, sizeof(*which));
	size_t n = 1;

	if (!which)
		return err_sys(e, -ENOMEM, "cannot hold %zu servers", s->servers.n);
	if (any)
		n = candidates(s, !strcmp(server, SERVER_RANDOM), which);
	else
		which[0] = servers_find(&s->servers, server);
	if (!any && which[0] == s->servers.n)
		return servers_fail_unknown(&s->servers, s->name, server, e);
	if (!n)
		return err_set(e, -ENOENT, "%s has no other server than %s", s->name,
			       s->servers.names[0]);
	return s->is_up ? switch_up(s, which, n) : switch_down(s, which[0]);
}

int ctl_switch(int argc, char **argv)
{
	struct switching s = {0};
	struct err e = ERR_INIT;
	int r;

	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		log_error("usage: vpnctl switch NAME [SERVER|next|random]");
		return CTL_USAGE;
	}
	r = read_all(argv[1], &s, &e);
	if (r == 0 && argc == 3 && geteuid() != 0)
		r = err_set(&e, -EPERM, "only root can switch; try: sudo vpnctl switch %s %s",
			    argv[1], argv[2]);
	if (r == 0 && argc == 3)
		r = run(&s, argv[2], &e);
	else if (r == 0)
		list(&s);
	if (r < 0)
		r = ctl_fail(&e);
	profile_free(&s.json);
	profile_free(&s.old);
	servers_free(&s.servers);
	return r;
}
