/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See reap.h. A socket in the VPN's namespace would keep it alive; the kernel tells of it here,
 * too, once it has a number here. Of all that a socket is told only the end of devices wakes
 * anybody: a launch makes half a dozen changes. Nothing depends on being quick, or on being at all:
 * who has a number next cannot use what is left of the last (state/zone.h), which only takes up
 * room until then. Called by keeper/supervise_run.c.
 */
#include "keeper/reap.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "nl/gone.h"
#include "nl/link.h"
#include "state/record.h"

#define SETTLE_MS 300	/* many end at once, and all are forgotten by one look at the table */
#define BLIND_MS  30000 /* where nothing tells */

int reaper_open(struct reaper *r, const char *name, int vpn_netns_fd, struct err *e)
{
	int nsid, rc;

	*r = (struct reaper){.name = name, .events = NL_SOCK_INIT};
	/* Forgets what ended while nobody was here. */
	r->due_at = util_now_ms() + SETTLE_MS;
	rc = nl_sock_open(&r->events, NETLINK_ROUTE, e);
	if (rc == 0)
		rc = rtnl_nsid_ensure(&r->events, vpn_netns_fd, &nsid, e);
	if (rc == 0)
		rc = nl_gone_watch_all(&r->events, e);
	if (rc < 0)
		reaper_close(r);
	return rc;
}

void reaper_close(struct reaper *r)
{
	nl_sock_close(&r->events);
}

void reaper_poll(const struct reaper *r, struct pollfd *ret, int *ret_timeout_ms)
{
	int64_t left = r->due_at - util_now_ms();

	*ret = (struct pollfd){.fd = r->events.fd, .events = POLLIN};
	*ret_timeout_ms = !r->due_at ? -1 : left > 0 ? (int)left : 0;
}

static void note_gone(const char *name, void *arg)
{
	struct reaper *r = arg;
	struct record rec;
	uint32_t h;

	if (!str_starts(name, "vr"))
		return;
	if (!r->pool.id && record_read(r->name, &rec, NULL) == 0)
		r->pool = record_pool(&rec);
	h = r->pool.id ? lease_from_port(&r->pool, name) : 0;
	if (!h || h >= FLOWS_HOSTS)
		return;
	r->gone[h] = 1;
	if (!r->due_at)
		r->due_at = util_now_ms() + SETTLE_MS;
}

bool reaper_wake(struct reaper *r)
{
	if (r->events.fd >= 0 && nl_gone_names(&r->events, note_gone, r) == -ENOBUFS && !r->due_at)
		r->due_at = util_now_ms() + SETTLE_MS;
	return r->due_at && util_now_ms() >= r->due_at;
}

void reaper_run(struct reaper *r, int vpn_netns_fd)
{
	struct err e = ERR_INIT;
	struct record rec;
	int rc = record_read(r->name, &rec, &e);

	r->due_at = r->events.fd < 0 ? util_now_ms() + BLIND_MS : 0;
	if (rc == 0)
		rc = flows_forget_gone(&rec, vpn_netns_fd, r->gone, &e);
	if (rc < 0 && rc != -ENOENT)
		log_error("cannot forget the connections of those who left %s: %s", r->name, e.msg);
	memset(r->gone, 0, sizeof(r->gone));
	memset(&r->pool, 0, sizeof(r->pool)); /* an up may have changed it */
}
