/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl leak-test NAME [--cut]`: whether a VPN of this machine is closed, seen and not believed.
 * A program inside tries every way out, with packets that can be told from all others, and a watch
 * on the host's devices must see none of them. First of all the watch has to see one that is sent
 * in the clear on purpose: else nothing is shown. With --cut also while the tunnel is taken away
 * and comes back, which everybody inside feels.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "leak/leak.h"
#include "leak/leak_inside.h"
#include "ctl/show.h"
#include "look/view.h"
#include "nl/link.h"
#include "ns/netns.h"
#include "default/default.h"
#include "up/apply.h"
#include "up/passage.h"
#include "conf/profile.h"

#define ROUNDS	   5	 /* of each part */
#define PART_MS	   20000 /* for them */
#define CONTROL_MS 3000

struct test {
	const char *name;
	struct record rec;
	struct leak_watch watch;
	pid_t pid; /* whose view; 0: a sandbox of its own */
	bool cut, json, is_root;
	struct leak_inside in;
	struct leak_table table;
	unsigned int rounds, leaks;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- parts ----------------------------------------------------------------------------------- */

/* True: something came from fd (-1: of the watch alone), or there is more time. */
static bool wait_any(struct leak_watch *w, int fd, int64_t end)
{
	struct pollfd p[] = {{.fd = w->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int64_t left = end - util_now_ms();

	if (left <= 0)
		return false;
	poll(p, ARRAY_SIZE(p), (int)left);
	leak_watch_read(w);
	return true;
}

static void send_clear(const char *text, int family, const struct leak_mark *m)
{
	AUTO_CLOSE int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(m->port)};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(m->port)};

	if (fd < 0)
		return;
	if (family == AF_INET && inet_pton(family, text, &a4.sin_addr) == 1)
		sendto(fd, m->text, LEAK_TEXT_LEN, 0, (struct sockaddr *)&a4, sizeof(a4));
	else if (inet_pton(family, text, &a6.sin6_addr) == 1)
		sendto(fd, m->text, LEAK_TEXT_LEN, 0, (struct sockaddr *)&a6, sizeof(a6));
}

/* Sends one packet in the clear, which is no program's: the watch must see it. */
static int control(const struct test *t, struct err *e)
{
	int64_t end = util_now_ms() + CONTROL_MS;
	struct leak_mark mark;
	struct leak_watch w = {.fd = -1};
	int r = leak_mark_make(&mark, e);

	if (r == 0)
		r = leak_watch_open(&w, &mark, &t->rec, e);
	if (r < 0)
		return r;
	send_clear(LEAK_TARGET4, AF_INET, &mark);
	send_clear(LEAK_TARGET6, AF_INET6, &mark);
	while (w.n == 0 && !interrupted && wait_any(&w, -1, end))
		;
	leak_watch_close(&w);
	if (w.n == 0)
		return err_set(
			e, -ENETUNREACH,
			"a packet sent in the clear on purpose was not seen to leave: without an "
			"uplink, or with a VPN for the whole machine, this test shows nothing");
	if (!t->json)
		say("%-24s %s\n", "in the clear on purpose", w.first);
	return 0;
}

/* The program inside goes through some rounds; what of them was seen outside? */
static int run_part(struct test *t, const char *what, struct err *e)
{
	int64_t end = util_now_ms() + PART_MS;
	unsigned int was = t->watch.n, n = 0;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	char dots[64];
	ssize_t k = 1;

	progress_begin(&progress, PART_MS, "watching what leaves (%s)", what);
	while (n < ROUNDS && k > 0 && !interrupted && wait_any(&t->watch, t->in.from, end)) {
		struct pollfd p = {.fd = t->in.from, .events = POLLIN};

		if (poll(&p, 1, 0) <= 0)
			continue;
		k = read(t->in.from, dots, sizeof(dots));
		n += k > 0 ? (unsigned int)k : 0;
	}
	leak_watch_read(&t->watch);
	if (interrupted)
		return err_set(e, -EINTR, "interrupted");
	if (n < ROUNDS)
		return err_set(e, -ECHILD, "the program inside %s %s", t->name,
			       k > 0 ? "does not go on" : "has ended");
	if (t->watch.lost)
		return err_set(
			e, -ENOBUFS,
			"this machine sends more than can be watched: try when it is less busy");
	t->rounds += n;
	t->leaks += t->watch.n - was;
	if (t->json)
		return 0;
	if (t->watch.n > was)
		say("%-24s LEAK: %u packets, the first: %s\n", what, t->watch.n - was,
		    t->watch.first);
	else
		say("%-24s nothing seen outside\n", what);
	fflush(stdout);
	return 0;
}

static int set_down(const struct test *t, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	AUTO_CLOSE int ns = record_open_netns(&t->rec, e);
	int r = ns < 0 ? ns : ns_nl_open(&s, ns, NETLINK_ROUTE, e);

	return r < 0 ? r : rtnl_link_set_up(&s, t->rec.device, false, e);
}

static int run_cut(struct test *t, const struct profile *p, struct err *e)
{
	struct down_report rep;
	int r = set_down(t, e);

	r = r ?: run_part(t, "the tunnel set down", e);
	r = r ?: vpn_down(t->name, false, &rep, e);
	r = r ?: run_part(t, "down", e);
	/* Whatever has failed: everybody inside waits for it. */
	if (r == 0)
		r = default_around(vpn_up, p, NULL, e);
	else
		default_around(vpn_up, p, NULL, NULL);
	r = r ?: run_part(t, "up again", e);
	r = r ?: default_around(vpn_restart, p, NULL, e);
	return r < 0 ? r : run_part(t, "restarted", e);
}

/* All packets are shut, as far as all rounds have shown. */
static void packets_seen(struct test *t)
{
	for (int c = LEAK_TCP4; c <= LEAK_DNS; c++)
		leak_table_say(&t->table, (enum leak_channel)c, LEAK_SHUT, NULL);
}

static int run_packets(struct test *t, const struct profile *p, struct err *e)
{
	int r = run_part(t, t->rec.state == RECORD_UP ? "up" : "closed", e);

	if (r == 0 && t->cut)
		r = run_cut(t, p, e);
	if (r == 0)
		packets_seen(t);
	return r;
}

/* What is closed to all is closed, and nothing is shown by it. What leaves is seen by root alone.
 */
static int check_first(struct test *t, struct err *e)
{
	int r = 0;

	if (t->is_root && t->rec.layout == LAYOUT_BRIDGE && t->rec.state == RECORD_UP)
		r = passage_judge(&t->rec, e);
	return r == 0 && t->is_root ? control(t, e) : r;
}

/* What can be reached is seen by the user whose it is. */
static int run(struct test *t, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct profile p = {0};
	struct leak_mark mark;
	int r = t->cut ? profile_load_name(t->name, &p, e) : 0;

	progress_begin(&progress, 0, "testing %s", t->name);
	r = r ?: check_first(t, e);
	r = r ?: leak_mark_make(&mark, e);
	t->watch.table = &t->table;
	if (r == 0 && t->is_root)
		r = leak_watch_open(&t->watch, &mark, &t->rec, e);
	r = r ?: leak_inside_start(&t->in, t->name, t->pid, &mark, e);
	r = r ?: leak_inside_look(&t->in, &t->rec, &t->table, e);
	if (r == 0 && t->pid)
		leak_doors_descriptors(&t->table, t->pid);
	if (r == 0 && t->is_root)
		r = run_packets(t, &p, e);
	leak_inside_end(&t->in);
	leak_watch_close(&t->watch);
	profile_free(&p);
	return r;
}

static int print_json(const struct test *t, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct json_out out;
	int r;

	json_out_begin(&out);
	json_out_str(&out, "vpn", t->name);
	if (t->pid)
		json_out_int(&out, "pid", t->pid);
	json_out_bool(&out, "closed", leak_table_is_closed(&t->table));
	json_out_bool(&out, "packets_watched", t->is_root);
	json_out_int(&out, "rounds", t->rounds);
	json_out_int(&out, "packets_seen", t->leaks);
	leak_table_json(&t->table, &out);
	r = json_out_finish(&out, &text, e);
	if (r == 0)
		fputs(text, stdout);
	return r;
}

static int report(const struct test *t, struct err *e)
{
	char whose[64];

	if (t->json)
		return print_json(t, e);
	if (t->pid)
		snprintf(whose, sizeof(whose), "from process %d", t->pid);
	else
		snprintf(whose, sizeof(whose), "from a sandbox of %s", t->name);
	leak_table_print(&t->table, whose);
	if (t->leaks || !leak_table_is_closed(&t->table))
		log_error(t->leaks ? "%s leaks" : "%s is open by a door", t->name);
	else if (t->is_root)
		say("%s is closed: in %u rounds no packet and no name was seen outside, and no "
		    "door is open\n",
		    t->name, t->rounds);
	else
		say("%s: no door is open; whether packets leave is watched as root\n", t->name);
	return 0;
}

static bool parse(int argc, char **argv, struct test *t)
{
	for (int i = 1; i < argc; i++) {
		uint64_t pid;

		if (!strcmp(argv[i], "--cut")) {
			t->cut = true;
		} else if (!strcmp(argv[i], "--json")) {
			t->json = true;
		} else if (!strcmp(argv[i], "--pid") && i + 1 < argc) {
			if (str_uint(argv[++i], 2, INT32_MAX, &pid) < 0)
				return false;
			t->pid = (pid_t)pid;
		} else if (!t->name && argv[i][0] != '-') {
			t->name = argv[i];
		} else {
			return false;
		}
	}
	return t->name != NULL;
}

/* A process may be inside of what is closed; a sandbox starts only in what is up. */
static bool can_be_tested(const struct test *t)
{
	if (t->pid && !t->cut)
		return record_check_open(&t->rec, NULL) == 0;
	return t->rec.state == RECORD_UP;
}

int ctl_leak_test(int argc, char **argv)
{
	const struct sigaction act = {.sa_handler = on_signal};
	struct test t = {.watch.fd = -1, .in = LEAK_INSIDE_INIT, .is_root = geteuid() == 0};
	struct err e = ERR_INIT;
	int r;

	if (!parse(argc, argv, &t)) {
		log_error("usage: vpnctl leak-test NAME [--cut] [--pid PID] [--json]");
		return CTL_USAGE;
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	r = view_find_record(t.name, &t.rec, &e);
	if (r == 0 || (r > 0 && !can_be_tested(&t)))
		r = record_fail_down(t.name, &e);
	if (r > 0 && (t.rec.flags & RECORD_DEVICE))
		r = err_set(
			&e, -EINVAL,
			"%s goes out by %s, which is not a tunnel: all that it sends may be seen "
			"there",
			t.name, record_way(&t.rec)[0] ? record_way(&t.rec) : "the uplink");
	if (r > 0)
		r = run(&t, &e);
	if (r == 0)
		r = report(&t, &e);
	if (r < 0)
		return ctl_fail(&e);
	return t.leaks || !leak_table_is_closed(&t.table) ? CTL_FAILED : CTL_OK;
}
