/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine's default is after each way in which a command may end: nothing but the note and
 * the order of steps, with stand-ins for what changes the kernel (R12, R16, R36, R76).
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "default/default.h"
#include "default/default_dns.h"
#include "default/default_part.h"
#include "ensure/made.h"
#include "inside.h"

/* --- stand-ins -------------------------------------------------------------------------------- */

/* One list taking another's place: how it ends, and what the note said of it meanwhile. */
static struct step {
	int result;
	bool done;    /* it failed behind the point from which the new one is the default */
	bool commits; /* that point is reached */
	/* seen */
	bool wants; /* something is to stand in the end */
	int state;  /* of the note, 0: none */
	char now[16];
	int committed; /* and behind that point */
} steps[4];
static size_t n_steps;

static int note_state(char *ret_now)
{
	struct default_note n = {0};

	if (default_note_read(&n, NULL) < 0)
		return 0;
	if (ret_now)
		str_copy(ret_now, sizeof(n.now.name), n.now.name);
	return (int)n.state;
}

static int fake_replace(const struct ensure_change *c, const struct want_list *had,
			const struct want_list *wanted, bool *ret_done, struct err *e)
{
	struct step *s = &steps[n_steps++];

	(void)had;
	s->wants = wanted->n > 0;
	s->state = note_state(s->now);
	if (s->commits && c->commit && c->commit(c->by.arg, e) < 0)
		return -EIO;
	s->committed = note_state(NULL);
	if (ret_done)
		*ret_done = s->done;
	return s->result < 0 ? err_set(e, s->result, "no luck") : 0;
}

static int fake_made(const char *name, struct want_list *ret, struct err *e)
{
	(void)name;
	(void)ret;
	(void)e;
	return -ENOENT;
}

static int at_cable; /* what the note says when the cable is plugged in */

static int fake_cable(struct default_way *w, struct err *e)
{
	at_cable = note_state(NULL);
	(void)w;
	(void)e;
	return 0;
}

static int fake_check(const struct default_way *w, struct err *e)
{
	(void)w;
	(void)e;
	return 0;
}

static int fake_names(const struct default_note *n, const struct default_way *w,
		      struct want_list *l, struct err *e)
{
	(void)n;
	(void)w;
	(void)l;
	(void)e;
	return 0;
}

static int names_asked, names_restored;

static int fake_is_ours(struct err *e)
{
	(void)e;
	names_asked++;
	return 1;
}

static int fake_restore(struct err *e)
{
	(void)e;
	names_restored++;
	return 0;
}

/* The directory cannot be searched: nobody knows whether there is a note. */
static bool blind;

static int fake_is_there(const char *path, struct err *e)
{
	return blind ? err_sys(e, -EACCES, "cannot look whether %s is there", path)
		     : file_is_there(path, e);
}

static int is_awaited, walls; /* whether the machine is closed, and how often that was made anew */

static int fake_awaited(struct err *e)
{
	return is_awaited < 0 ? err_set(e, is_awaited, "cannot tell") : is_awaited;
}

static int fake_wall(const struct profile *p, struct err *e)
{
	(void)p;
	(void)e;
	walls++;
	return 0;
}

#define ensure_replace	    fake_replace
#define made_read	    fake_made
#define default_cable_plug  fake_cable
#define default_cable_check fake_check
#define default_dns_want    fake_names
#define resolv_file_is_ours fake_is_ours
#define resolv_file_restore fake_restore
#define file_is_there	    fake_is_there
#define default_awaited	    fake_awaited
#define default_boot_wall   fake_wall
#include "default/default.c"
#undef file_is_there

/* Two VPNs that are up, and the third is down. */
static bool make_vpns(void)
{
	static const char *const names[] = {"a", "b", "c"};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct record r = {.id = (uint8_t)(i + 1),
				   .subnet4_plen = 24,
				   .subnet4 = {htonl(0x0a140000 + ((uint32_t)i + 1) * 256)},
				   .state = i < 2 ? RECORD_UP : RECORD_DOWN};

		str_copy(r.name, sizeof(r.name), names[i]);
		if (record_write(&r, &e) < 0)
			return false;
	}
	return true;
}

static void begin_again(struct step first, struct step second)
{
	memset(steps, 0, sizeof(steps));
	steps[0] = first;
	steps[1] = second;
	n_steps = 0;
}

static const struct step good = {.commits = true}, fails = {.result = -EIO};

/* A note in that state, of a that is or was to become the default, in the place of old. */
static bool put_note(enum default_state state, const char *now, const char *old)
{
	struct default_note n = {.state = state, .now = {.id = 1}, .old = {.id = old ? 2 : 0}};
	struct err e = ERR_INIT;

	str_copy(n.now.name, sizeof(n.now.name), now);
	if (old)
		str_copy(n.old.name, sizeof(n.old.name), old);
	return note_here(&n, &e) == 0 && default_note_write(&n, &e) == 0;
}

/* What the note says in the end: its state and whose default it is. */
static bool says(int state, const char *now)
{
	struct default_note n = {0};

	if (!state)
		return default_note_read(&n, NULL) == -ENOENT;
	return default_note_read(&n, NULL) == 0 && (int)n.state == state &&
	       !strcmp(n.now.name, now);
}

static bool has_old(void)
{
	struct default_note n = {0};

	return default_note_read(&n, NULL) == 0 && n.old.id != 0;
}

/* --- on --------------------------------------------------------------------------------------- */

static int first_default(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	begin_again(good, good);
	if (default_set("a", false, NULL, &e) != 0 || n_steps != 1)
		return 2;
	/* Whoever finds it broken off knows that it never was on, and then that it was. */
	if (at_cable != DEFAULT_BEGUN || steps[0].state != DEFAULT_BEGUN ||
	    strcmp(steps[0].now, "a") != 0)
		return 3;
	if (steps[0].committed != DEFAULT_ON)
		return 4;
	return says(DEFAULT_ON, "a") ? 0 : 5;
}

static int first_fails(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	begin_again(fails, good);
	if (default_set("a", false, NULL, &e) != -EIO || n_steps != 2 || steps[1].wants)
		return 2;
	return says(0, NULL) && !strstr(e.msg, "left") ? 0 : 3;
}

static int undo_fails(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	begin_again(fails, fails);
	if (default_set("a", false, NULL, &e) != -EIO || !strstr(e.msg, "undone soon"))
		return 2;
	/* The keeper takes it away, and must not finish it. */
	return says(DEFAULT_BEGUN, "a") ? 0 : 3;
}

static int down_is_refused(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	return default_set("c", false, NULL, &e) == -ENETDOWN && n_steps == 0 && says(0, NULL) ? 0
											       : 2;
}

/* --- a switch --------------------------------------------------------------------------------- */

static int switch_over(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	begin_again(good, good);
	if (default_set("b", false, NULL, &e) != 0 || n_steps != 1)
		return 2;
	if (steps[0].state != DEFAULT_BEGUN || strcmp(steps[0].now, "b") != 0)
		return 3;
	/* Of the old one something is left until it ends. */
	if (steps[0].committed != DEFAULT_CHANGING)
		return 4;
	return says(DEFAULT_ON, "b") && !has_old() ? 0 : 5;
}

static int switch_fails(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	begin_again(fails, good);
	if (default_set("b", false, NULL, &e) != -EIO || n_steps != 2)
		return 2;
	if (!steps[1].wants || strcmp(steps[1].now, "a") != 0)
		return 3;
	return says(DEFAULT_ON, "a") && !has_old() ? 0 : 4;
}

static int switch_fails_late(void)
{
	const struct step late = {.result = -EIO, .commits = true, .done = true};
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	begin_again(late, good);
	if (default_set("b", false, NULL, &e) != -EIO || n_steps != 1)
		return 2;
	if (!strstr(e.msg, "b is the default, but of a something is left"))
		return 3;
	return says(DEFAULT_CHANGING, "b") && has_old() ? 0 : 4;
}

/* It was on already, and is made whole: what fails then undoes nothing. */
static int repair_fails(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	begin_again(fails, good);
	return default_set("a", false, NULL, &e) == -EIO && n_steps == 1 &&
			       says(DEFAULT_CHANGING, "a")
		       ? 0
		       : 2;
}

/* --- off -------------------------------------------------------------------------------------- */

static int off(void)
{
	struct err e = ERR_INIT;
	char was[16];

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	begin_again(fails, good);
	if (default_clear(NULL, was, &e) != -EIO || steps[0].wants || !says(DEFAULT_GOING, "a"))
		return 2;
	begin_again(good, good);
	if (default_clear(NULL, was, &e) != 0 || strcmp(was, "a") != 0 || n_steps != 1)
		return 3;
	return says(0, NULL) ? 0 : 4;
}

/* --- what was broken off -----------------------------------------------------------------------
 */

static int found_begun(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_BEGUN, "a", NULL))
		return 1;
	begin_again(good, good);
	if (default_repair(&e) != 1 || n_steps != 1 || steps[0].wants || !says(0, NULL))
		return 2;
	if (!put_note(DEFAULT_BEGUN, "a", "b"))
		return 3;
	begin_again(good, good);
	if (default_repair(&e) != 1 || !steps[0].wants)
		return 4;
	return says(DEFAULT_ON, "b") && !has_old() ? 0 : 5;
}

/* Also where it was asked for in the middle of a switch. */
static int found_going(void)
{
	static const char *const olds[] = {NULL, "b"};
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(olds); i++) {
		if (!put_note(DEFAULT_GOING, "a", olds[i]))
			return 2;
		begin_again(good, good);
		if (default_repair(&e) != 1 || n_steps != 1 || steps[0].wants || !says(0, NULL))
			return 3;
	}
	return 0;
}

static int set_over_begun(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_BEGUN, "a", NULL))
		return 1;
	begin_again(good, good);
	if (default_set("b", false, NULL, &e) != 0 || n_steps != 2 || steps[0].wants)
		return 2;
	return says(DEFAULT_ON, "b") ? 0 : 3;
}

/* --- whose it is -------------------------------------------------------------------------------
 */

static int another_network(void)
{
	struct err e = ERR_INIT;
	char was[16];

	if (!make_vpns() || !put_note(DEFAULT_GOING, "a", NULL) || unshare(CLONE_NEWNET) < 0)
		return 1;
	begin_again(good, good);
	if (default_set("b", false, NULL, &e) != -EXDEV || default_clear(NULL, was, &e) != -EXDEV)
		return 2;
	return default_repair(&e) == 0 && n_steps == 0 && says(DEFAULT_GOING, "a") ? 0 : 3;
}

static int verdict;

static int say_verdict(const struct default_note *n, const void *arg, struct err *e)
{
	(void)n;
	(void)arg;
	(void)e;
	return verdict;
}

static int is_permitted(void)
{
	const struct default_permit permit = {say_verdict, NULL};
	struct err e = ERR_INIT;
	char was[16];

	if (!make_vpns() || !put_note(DEFAULT_ON, "a", NULL))
		return 1;
	verdict = -EPERM;
	if (default_set("b", false, &permit, &e) != -EPERM ||
	    default_clear(&permit, was, &e) != -EPERM)
		return 2;
	verdict = 1;
	if (default_set("b", false, &permit, &e) != 0 || default_clear(&permit, was, &e) != 0)
		return 3;
	return n_steps == 0 && says(DEFAULT_ON, "a") ? 0 : 4;
}

/* --- names that a restart of the machine leaves --------------------------------------------------
 */

static int leftover_names(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns() || default_recover(&e) != 0 || names_restored != 1)
		return 1;
	blind = true;
	if (default_recover(&e) != 0 || names_asked != 1 || names_restored != 1)
		return 2;
	blind = false;
	return put_note(DEFAULT_ON, "a", NULL) && default_recover(&e) == 0 && names_restored == 1
		       ? 0
		       : 3;
}

static int failure, n_applied;

static int apply(const struct profile *p, struct err *note, struct err *e)
{
	(void)p;
	(void)note;
	n_applied++;
	return failure < 0 ? err_set(e, failure, "no luck") : 0;
}

static int follows_its_vpn(void)
{
	struct profile p = {0};
	struct err e = ERR_INIT;

	if (!make_vpns() || !put_note(DEFAULT_GOING, "a", NULL))
		return 1;
	failure = -EIO;
	begin_again(good, good);
	if (default_around(apply, &p, NULL, &e) != -EIO || n_steps != 0)
		return 2;
	failure = 0;
	return default_around(apply, &p, NULL, &e) == 0 && n_steps == 1 && says(0, NULL) ? 0 : 3;
}

/* Taken for closed it was closed, for good: nobody opens what nobody asked for. */
static int cannot_tell_closed(void)
{
	struct profile p = {0};
	struct err e = ERR_INIT;

	if (!make_vpns())
		return 1;
	is_awaited = -EACCES;
	if (default_around(apply, &p, NULL, &e) != -EACCES || n_applied || walls || !e.msg[0])
		return 2;
	is_awaited = 0;
	if (default_around(apply, &p, NULL, &e) != 0 || n_applied != 1 || walls)
		return 3;
	is_awaited = 1;
	return default_around(apply, &p, NULL, &e) == 0 && n_applied == 2 && walls == 1 ? 0 : 4;
}

int main(void)
{
	tap_begin();
	inside(first_default, "R16 R76 a default is noted before it is begun, and when it stands");
	inside(first_fails, "R36 one that fails is undone, and there is none");
	inside(undo_fails,
	       "R36 R76 one that cannot be undone is said to be left, and never finished");
	inside(down_is_refused, "one that is down is refused before anything is noted");
	inside(switch_over, "R16 R76 a switch, from one that stands to one that stands");
	inside(switch_fails, "R36 one that fails puts back what stood before");
	inside(switch_fails_late,
	       "R36 one that fails when it stands says so, and goes on from there");
	inside(repair_fails, "R76 a repair that fails takes nothing away");
	inside(off, "R12 R36 to take it away: what fails goes on later");
	inside(found_begun, "R76 what was begun and broken off is undone, to what stood before");
	inside(found_going, "R76 what was to go goes");
	inside(set_over_begun, "R76 a new default undoes first what was begun");
	inside(another_network, "a default of another network is left alone");
	inside(is_permitted, "nothing is done for whom it is not permitted");
	inside(leftover_names,
	       "R19 R56 names of a default that stands, or may stand, are no leftover");
	inside(follows_its_vpn, "R76 what is left is finished when a VPN came up, and not before");
	inside(cannot_tell_closed,
	       "R36 R78 where it cannot be told whether the machine is closed, nothing is done");
	return tap_done();
}
