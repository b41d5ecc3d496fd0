/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a VPN is not said to be up: what status makes of WireGuard's answer, of the record, and of
 * what the keeper has written down (R70, R79).
 */
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "inside.h"
#include "look/view.c"

/* --- WireGuard's answer ----------------------------------------------------------------------- */

static void test_tunnel(void)
{
	static const struct {
		struct tunnel_stats st;
		const char *why, *what;
	} cases[] = {
		{{.present = true, .up = true, .asked = true, .handshake_age_s = 5}, "", "R79 up"},
		{{.up = true, .asked = true, .handshake_age_s = 5},
		 "device is missing",
		 "L01 no device"},
		{{.present = true, .asked = true, .handshake_age_s = 5},
		 "device is down",
		 "L01 down"},
		{{.present = true, .up = true}, "does not answer", "L01 no answer of WireGuard's"},
		{{.present = true, .up = true, .asked = true, .handshake_age_s = -1, .tx = 148},
		 "",
		 "R79 one try is not yet silence"},
		{{.present = true, .up = true, .asked = true, .handshake_age_s = -1, .tx = 149},
		 "never answered",
		 "R79 more than one is"},
		{{.present = true,
		  .up = true,
		  .asked = true,
		  .handshake_age_s = 206,
		  .keepalive = 25},
		 "not answered",
		 "R79 an old session that is kept alive is dead"},
		{{.present = true,
		  .up = true,
		  .asked = true,
		  .handshake_age_s = 205,
		  .keepalive = 25},
		 "",
		 "R79 but not before its time"},
		{{.present = true, .up = true, .asked = true, .handshake_age_s = 9999},
		 "",
		 "R79 and one that nothing is sent through may be old"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct view v = {.state = VIEW_UP, .stats = cases[i].st};
		const char *why = cases[i].why;

		judge_tunnel(&v);
		ok(*why ? v.state == VIEW_DEGRADED && strstr(v.why, why) : v.state == VIEW_UP, "%s",
		   cases[i].what);
	}
}

/* --- the record ------------------------------------------------------------------------------- */

static void test_record(void)
{
	struct view up = {.record.state = RECORD_UP}, down = {.record.state = RECORD_DOWN};
	struct view held = {.record = {.state = RECORD_DOWN, .flags = RECORD_HELD}};
	struct view lost = {.record = {.state = RECORD_LOST, .why = "no memory"}};

	judge_record(&up);
	judge_record(&down);
	judge_record(&held);
	judge_record(&lost);
	ok(up.state == VIEW_UP && down.state == VIEW_DOWN && held.state == VIEW_CLOSED,
	   "up, down, closed");
	ok(lost.state == VIEW_DEGRADED && strstr(lost.why, "no memory"),
	   "R95 one that could not be brought back is not simply down");
}

/* --- what the keeper saw ---------------------------------------------------------------------- */

#define HEALTH_FILE "/run/vpnrun/a.health"

/* What is said of VPN a when its keeper saw that, so many ms ago; looked: by root, who has rx of
 * WireGuard itself. */
static struct view judged(struct health s, int64_t ms, bool looked, uint64_t rx)
{
	struct view v = {.name = "a", .state = VIEW_UP, .looked = looked, .stats.rx = rx};
	struct err e = ERR_INIT;
	int fd;

	if (health_write("a", &s, &e) < 0 || health_read("a", &s) < 0)
		_exit(100);
	s.at_ms -= ms;
	fd = open(HEALTH_FILE, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, &s, sizeof(s)) != (ssize_t)sizeof(s))
		_exit(101);
	close(fd);
	judge_health(&v);
	return v;
}

static bool is_up(struct view v)
{
	return v.state == VIEW_UP;
}

static bool is_bad(struct view v, const char *why)
{
	return v.state == VIEW_DEGRADED && strstr(v.why, why);
}

static const struct health alive = {.far = HEALTH_ANSWERS, .rx = 7};
static const struct health silent = {.far = HEALTH_SILENT, .rx = 7, .endpoint = "192.0.2.1:9"};
static const struct health broken = {.far = HEALTH_ANSWERS, .rx = 7, .why = "no route"};

static int as_a_user(void)
{
	struct view v = {.name = "a"};

	if (record_make_dir(NULL) < 0)
		return 99;
	if (!is_up(judged(alive, 0, false, 0)))
		return 1;
	if (!is_bad(judged(silent, 0, false, 0), "192.0.2.1:9 has never answered"))
		return 2;
	if (!is_bad(judged(broken, 0, false, 0), "no route"))
		return 3;
	if (!is_bad(judged(alive, HEALTH_FRESH_MS, false, 0), "keeper has ended"))
		return 4;
	v.state = VIEW_DOWN;
	judge_health(&v);
	if (v.state != VIEW_DOWN)
		return 6;
	/* At its next look it may be this old. */
	return is_up(judged(alive, HEALTH_FRESH_MS / 2, false, 0)) ? 0 : 5;
}

static int as_root(void)
{
	if (record_make_dir(NULL) < 0)
		return 99;
	if (!is_bad(judged(silent, 0, true, 7), "never answered"))
		return 1;
	/* Root's own look is younger. */
	return is_up(judged(silent, 0, true, 8)) && is_up(judged(broken, 0, true, 7)) &&
			       is_up(judged(silent, HEALTH_FRESH_MS, true, 7))
		       ? 0
		       : 2;
}

int main(void)
{
	tap_begin();
	test_tunnel();
	test_record();
	inside(as_a_user, "R79 a user is told what the keeper saw, and that nobody looks any more");
	inside(as_root, "R79 root is told so, too, unless WireGuard itself says more");
	return tap_done();
}
