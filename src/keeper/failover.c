/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See failover.h. Must never leave a server because the machine itself has no network: who asks
 * others finds that none answers, and so nothing is changed. Must not swing to and fro either: a
 * switch ends what programs have open, so the way back is asked for ever more seldom if the server
 * that is wanted fails soon each time. Called by keeper/keep.c.
 */
#include "keeper/failover.h"

#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "conf/model.h"
#include "conf/servers.h"
#include "ensure/applied.h"
#include "state/record.h"

#define HELPER_MS 120000

static int64_t doubled(int64_t ms, unsigned int times, int64_t max)
{
	for (unsigned int i = 0; i < times && ms < max; i++)
		ms *= 2;
	return ms < max ? ms : max;
}

static int64_t home_wait(const struct failover *f)
{
	return doubled(FAILOVER_HOME_MS, f->soon, FAILOVER_HOME_MAX);
}

static void note_place(struct failover *f, bool is_home, int64_t now_ms)
{
	if (is_home && (!f->seen || !f->was_home)) {
		f->since_ms = now_ms;
		f->home_ms = 0;
	}
	if (!is_home && f->seen && f->was_home)
		f->soon = now_ms - f->since_ms < FAILOVER_HOME_MAX ? f->soon + 1 : 0;
	if (!is_home && !f->home_ms)
		f->home_ms = now_ms + home_wait(f);
	f->seen = true;
	f->was_home = is_home;
}

static bool is_silent(enum silence_state s, const struct silence *q, int64_t now_ms)
{
	return s == SILENCE_DEAD || (s == SILENCE_WAITING && q->had_session && q->since_ms &&
				     now_ms - q->since_ms >= FAILOVER_SESSION_MS);
}

enum failover_what failover_judge(struct failover *f, enum silence_state s, const struct silence *q,
				  bool is_home, int64_t now_ms)
{
	note_place(f, is_home, now_ms);
	if (s == SILENCE_NONE) {
		f->at_ms = 0;
		f->rounds = 0;
	}
	if (is_silent(s, q, now_ms)) {
		if (now_ms < f->at_ms)
			return FAILOVER_NONE;
		f->at_ms = now_ms + doubled(FAILOVER_MS, f->rounds, FAILOVER_MAX_MS);
		f->rounds++;
		return FAILOVER_NEXT;
	}
	if (s != SILENCE_NONE || !f->home_ms || now_ms < f->home_ms)
		return FAILOVER_NONE;
	f->home_ms = now_ms + home_wait(f);
	return FAILOVER_HOME;
}

/* --- the process ----------------------------------------------------------------------------- */

static void start(struct failover *f, const char *name, enum failover_what what)
{
	char round[12];
	int r;

	str_fmt(round, sizeof(round), "%u", f->rounds ? f->rounds - 1 : 0);
	r = helper_exec(&f->helper, HELPER_MS, "failover", name,
			what == FAILOVER_HOME ? "home" : round);
	if (r < 0) /* the next look tries again */
		log_error("%s: cannot start what asks its other servers: %s", name, strerror(-r));
}

bool failover_wake(struct failover *f)
{
	if (!helper_is_over(&f->helper))
		return false;
	helper_end(&f->helper);
	return true;
}

void failover_close(struct failover *f)
{
	helper_leave(&f->helper);
}

/* Whether its profile names more than one, and whether the one in use is the one that is wanted. */
static bool has_others(const char *name, const char *server, bool *ret_home)
{
	AUTO_SERVERS struct servers s = {0};
	struct profile p = {0};
	bool has = false;

	if (applied_parse(name, &p, NULL) == 0 && p.servers && !p.keep_server &&
	    servers_list(p.servers, &s, NULL) == 0) {
		*ret_home = !strcmp(s.names[servers_chosen(p.servers, &s)], server);
		has = s.n > 1 || !*ret_home;
	}
	profile_free(&p);
	return has;
}

void failover_look(struct failover *f, const char *name, const struct silence *q,
		   enum silence_state s)
{
	enum failover_what what;
	bool is_home = false;
	struct record r;

	if (f->helper.pid)
		return;
	f->applies = record_read(name, &r, NULL) == 0 && r.state == RECORD_UP && r.server[0] &&
		     has_others(name, r.server, &is_home);
	if (!f->applies)
		return;
	what = failover_judge(f, s, q, is_home, util_now_ms());
	if (what != FAILOVER_NONE)
		start(f, name, what);
}
