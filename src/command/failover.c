/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl failover NAME ROUND|home`: what the keeper starts when the server in use is silent, or
 * when it is time to go back to the one that is chosen. Not for people, and not in the help. Others
 * are asked a few at a time, beside the tunnel; the first that answers is switched to, unless the
 * one in use has answered by then. What its owner has chosen is not changed.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command/switch_to.h"
#include "conf/servers.h"
#include "ctl/show.h"
#include "ensure/applied.h"
#include "keeper/ask.h"
#include "state/record.h"
#include "tunnel/tunnel_dev.h"

#define AT_ONCE	  4
#define ASK_MS	  4000
#define TURNS_MAX 8 /* of so many at once, in one run; the next begins behind them */
#define LOOK_MS	  10

struct hunt {
	const char *name;
	struct record record;
	struct profile old; /* what was applied */
	struct servers servers;
	uint64_t rx; /* what had come from the one in use when the search began */
};

static bool read_rx(const struct hunt *s, uint64_t *ret)
{
	AUTO_CLOSE int ns = record_open_netns(&s->record, NULL);
	struct tunnel_stats st;

	if (ns < 0 ||
	    tunnel_dev_stats(s->name, ns, s->record.flags & RECORD_USERSPACE, &st, NULL) < 0)
		return false;
	*ret = st.rx;
	return st.asked;
}

static int begin(struct hunt *s, struct err *e)
{
	int r = record_read_up(s->name, &s->record, e);

	r = r ?: applied_load(s->name, &s->old, e);
	if (r > 0 || (r == 0 && !s->old.servers))
		r = err_set(e, -ENOENT, "%s has no other server", s->name);
	r = r ?: servers_list(s->old.servers, &s->servers, e);
	if (r == 0 && !read_rx(s, &s->rx))
		r = err_set(e, -ENODEV, "the tunnel of %s does not tell what came", s->name);
	return r;
}

/* --- asking ---------------------------------------------------------------------------------- */

struct candidate {
	struct profile p;
	struct ask ask;
	bool begun;
};

static void begin_one(const struct hunt *s, const char *server, unsigned int n, struct candidate *a)
{
	struct err e = ERR_INIT;
	int r;

	*a = (struct candidate){.ask = ASK_INIT};
	r = applied_load_server(s->name, server, &a->p, &e);
	/* The same far end by another address has the tunnel's own session. */
	if (r == 0 && (a->p.tunnel.world_readable || switch_is_same_far(&a->p, &s->old)))
		return;
	r = r ?: ask_begin(&a->ask, &a->p, n, &e);
	if (r < 0)
		log_error("%s: cannot ask server %s: %s", s->name, server, e.msg);
	a->begun = r == 0;
}

/* n where none of them answers. */
static size_t wait_first(struct candidate *all, size_t n)
{
	int64_t end = util_now_ms() + ASK_MS;

	while (util_now_ms() < end) {
		bool any = false;

		for (size_t i = 0; i < n; i++) {
			if (all[i].begun && ask_look(&all[i].ask))
				return i;
			any = any || all[i].begun;
		}
		if (!any)
			break;
		poll(NULL, 0, LOOK_MS);
	}
	return n;
}

/* The profile of the first of those that answers; false: none does. */
static bool ask_some(const struct hunt *s, const size_t *which, size_t n, struct profile *ret)
{
	struct candidate all[AT_ONCE];
	size_t first;

	for (size_t i = 0; i < n; i++)
		begin_one(s, s->servers.names[which[i]], (unsigned int)i, &all[i]);
	first = wait_first(all, n);
	for (size_t i = 0; i < n; i++) {
		ask_end(&all[i].ask);
		if (i == first)
			*ret = all[i].p;
		else
			profile_free(&all[i].p);
	}
	return first < n;
}

/* --- the switch ------------------------------------------------------------------------------ */

static int take(const struct hunt *s, const struct profile *p, bool is_home)
{
	struct err e = ERR_INIT;
	uint64_t rx = 0;
	int r;

	/* What was a hole in the machine's own network is over. */
	if (!is_home && (!read_rx(s, &rx) || rx != s->rx))
		return CTL_FAILED;
	r = switch_to(p, &s->old, NULL, &e);
	if (r < 0)
		return ctl_fail(&e);
	if (r > 0)
		return CTL_FAILED;
	log_info("%s goes through %s now: %s %s", s->name, p->server, s->record.server,
		 is_home ? "stood in for it" : "did not answer");
	return CTL_OK;
}

static int search(const struct hunt *s, const size_t *which, size_t n, size_t round, bool is_home)
{
	struct profile p = {0};
	int rc = CTL_FAILED;

	for (size_t turn = 0; turn < TURNS_MAX && turn * AT_ONCE < n; turn++) {
		size_t from = (round * TURNS_MAX + turn) * AT_ONCE % n;
		size_t some = n - from < AT_ONCE ? n - from : AT_ONCE;

		if (!ask_some(s, which + from, some, &p))
			continue;
		rc = take(s, &p, is_home);
		break;
	}
	profile_free(&p);
	return rc;
}

static int run(struct hunt *s, const char *what)
{
	AUTO_FREE size_t *which = calloc(s->servers.n + 1, sizeof(*which));
	size_t home = servers_chosen(s->old.servers, &s->servers), n = 1;
	size_t now = servers_find(&s->servers, s->record.server);
	bool is_home = !strcmp(what, "home");
	uint64_t round = 0;

	if (!which)
		return CTL_FAILED;
	if (is_home)
		which[0] = home;
	else if (str_uint(what, 0, UINT32_MAX, &round) < 0)
		return CTL_USAGE;
	else
		n = servers_order(&s->servers, home, now, which);
	if (!n || (is_home && home == now))
		return CTL_FAILED;
	return search(s, which, n, (size_t)round, is_home);
}

int ctl_failover(int argc, char **argv)
{
	struct hunt s = {0};
	struct err e = ERR_INIT;
	int rc;

	if (argc != 3) {
		log_error("usage: vpnctl failover NAME ROUND|home");
		return CTL_USAGE;
	}
	s.name = argv[1];
	rc = begin(&s, &e) < 0 ? ctl_fail(&e) : run(&s, argv[2]);
	profile_free(&s.old);
	servers_free(&s.servers);
	return rc;
}
