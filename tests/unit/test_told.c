/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which events lie between two looks at the VPNs (R70): what `status --watch` tells.
 */
#include "tap.h"

#include "inside.h"
#include "look/told.c"

/* Of look/view.c, which has static functions of the same names. */
const char *view_state_name(enum view_state s)
{
	return s == VIEW_UP	    ? "up"
	       : s == VIEW_DOWN	    ? "down"
	       : s == VIEW_DEGRADED ? "degraded"
				    : "closed";
}

const char *view_server(const struct view *v)
{
	return v->record.server;
}

static char said[512];

static int note(const char *event, const struct told *t, const struct inside_lease *l, void *arg)
{
	size_t used = strlen(said);

	(void)arg;
	str_fmt(said + used, sizeof(said) - used, "%s%s %s%s%s", used ? ", " : "", event, t->name,
		l ? " " : "", l ? l->port : "");
	return 0;
}

static const char *between(struct told *was, struct told *is)
{
	const struct tolds a = {.at = was, .n = was ? 1 : 0}, b = {.at = is, .n = is ? 1 : 0};

	said[0] = '\0';
	told_compare(&a, &b, note, NULL);
	return said;
}

static const struct told up = {.name = "demo", .id = 1, .state = VIEW_UP, .is_counted = true};

static void test_states(void)
{
	struct told a = up, b = up;

	is_str(between(NULL, &b), "now demo", "R70: what is seen first is told as it is");
	is_str(between(&a, &b), "", "R70: nothing has changed, nothing is told");
	is_str(between(&a, NULL), "removed demo", "R70: it is gone");
	b.state = VIEW_DOWN;
	is_str(between(&a, &b), "down demo", "R70: down");
	is_str(between(&b, &a), "up demo", "R70: and up");
	a.state = b.state = VIEW_DEGRADED;
	str_copy(a.why, sizeof(a.why), "one");
	str_copy(b.why, sizeof(b.why), "two");
	is_str(between(&a, &b), "degraded demo", "R70: another reason");
	a.is_silent = b.is_silent = true;
	is_str(between(&a, &b), "", "R70: that a silence lasts is no change");
	b.is_silent = false;
	is_str(between(&a, &b), "degraded demo", "R70: silent no more, and degraded still");
}

static void test_rest(void)
{
	struct told a = up, b = up;

	str_copy(a.server, sizeof(a.server), "se-1");
	str_copy(b.server, sizeof(b.server), "se-2");
	is_str(between(&a, &b), "server demo", "R70: another server");
	b = a;
	b.ports[0] = 4711;
	is_str(between(&a, &b), "forwarded_port demo", "R70: the provider forwards another port");
	b = a;
	b.is_machine_default = true;
	is_str(between(&a, &b), "default_on demo", "R70: the machine's default");
	is_str(between(&b, &a), "default_off demo", "R70: and not any more");
}

static void test_leases(void)
{
	struct inside_lease one = {.port = "vr1.2", .h = 2}, two = {.port = "vr1.3", .h = 3};
	struct told a = up, b = up;

	a.leases = &one;
	b.leases = &two;
	a.n_leases = b.n_leases = 1;
	is_str(between(&a, &b), "leave demo vr1.2, enter demo vr1.3", "R70: who left and who came");
	b.is_counted = false;
	is_str(between(&a, &b), "", "R70: nobody has left because a look failed");
}

static void test_settle(void)
{
	struct told a = up, b = up;
	struct tolds was = {.at = &a, .n = 1}, is = {.at = &b, .n = 1};
	int wait = 5000;

	b.state = VIEW_DEGRADED;
	str_copy(b.why, sizeof(b.why), "the table is missing");
	told_settle(&was, &is, 100, &wait);
	is_str(between(&a, &b), "", "R70: degraded for a moment is not told");
	is_int(wait, TOLD_DOUBT_MS, "R70: but soon looked at again");
	a = b;
	b = up;
	told_settle(&was, &is, 200, &wait);
	is_str(between(&a, &b), "", "R70: nor that it was nothing");
	b.state = VIEW_DEGRADED;
	told_settle(&was, &is, 1050, &wait);
	is_str(between(&a, &b), "", "R70: and it is held so long");
	b.state = VIEW_DEGRADED;
	told_settle(&was, &is, 100 + TOLD_DOUBT_MS, &wait);
	is_str(between(&a, &b), "degraded demo", "R70: what lasts is told");
}

static void test_kept(void)
{
	struct told a = up, b = up;
	struct tolds was = {.at = &a, .n = 1}, is = {.at = &b, .n = 1};
	int wait = 5000;

	a.leases = calloc(1, sizeof(*a.leases));
	a.n_leases = a.leases ? 1 : 0;
	b.is_counted = false;
	told_settle(&was, &is, 0, &wait);
	is_int((int)b.n_leases, 1, "R70: who was inside is kept where a look failed");
	free(b.leases);
}

static const char *closing(const struct tolds *was, const struct tolds *is)
{
	said[0] = '\0';
	told_compare(was, is, note, NULL);
	return said;
}

static void test_closed(void)
{
	struct told a = up;
	const struct tolds open = {.at = &a, .n = 1}, any = {.at = &a, .n = 1, .is_closed = true};
	const struct tolds for_demo = {.at = &a, .n = 1, .is_closed = true, .awaited = "demo"};
	const struct tolds for_none = {.is_closed = true, .awaited = "nosuch"};

	is_str(closing(&open, &for_demo), "machine_closed demo", "R70 R84: the machine is closed");
	is_str(closing(&for_demo, &for_demo), "", "R70 R84: once");
	is_str(closing(&for_demo, &open), "machine_open demo", "R70 R84: and open again");
	is_str(closing(&for_demo, &any), "machine_closed ",
	       "R70 R84: until another is its default");
	is_str(closing(&(struct tolds){0}, &for_none), "machine_closed nosuch",
	       "R70 R84: whatever is known of that VPN");
}

static void test_closed_only(void)
{
	struct views vs = {.is_closed = true, .awaited = "demo"};
	struct tolds t;

	told_read(&vs, "other", &t, NULL);
	is_int(t.is_closed, false, "R70 R84: who looks at another VPN is not told of it");
	told_free(&t);
	told_read(&vs, "demo", &t, NULL);
	is_int(t.is_closed, true, "R70 R84: who looks at that one is");
	told_free(&t);
}

int main(void)
{
	tap_begin();
	test_states();
	test_rest();
	test_leases();
	test_settle();
	test_kept();
	test_closed();
	test_closed_only();
	return tap_done();
}
