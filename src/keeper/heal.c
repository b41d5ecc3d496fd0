/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See heal.h. The kernel's word comes first, so that a guard is back within a second; what the
 * kernel does not tell of, most settings and the files, is seen when it is time to look. A look is
 * never made while an `up` or a `down` is under way, which has the VPN's lock and makes the same
 * messages; and it is made less often the longer it takes, so that a storm of changes that concern
 * nobody here costs a twentieth of a processor at most. Called by keeper/keep.
 */
#include "keeper/heal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "lan/lan.h"
#include "nl/change.h"
#include "state/lock.h"
#include "state/record.h"
#include "ensure/applied.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "up/uplink.h"

#define SETTLE_MS 150	/* a change is a handful of messages */
#define LOOK_MS	  30000 /* where nothing tells */
#define AGAIN_MS  500	/* while the lock is held */
#define HELPER_MS 60000
#define LOAD	  20 /* times as long as a look took, until the next */
#define SAY_MAX	  4

int healer_open(struct healer *h, const char *name, struct err *e)
{
	int r;

	*h = (struct healer){
		.name = name, .route = NL_SOCK_INIT, .nft = NL_SOCK_INIT, .helper = HELPER_INIT};
	h->due_at = util_now_ms() + LOOK_MS;
	r = nl_sock_open(&h->route, NETLINK_ROUTE, e);
	if (r == 0)
		r = nl_sock_open(&h->nft, NETLINK_NETFILTER, e);
	if (r == 0)
		r = nl_change_watch(&h->route, &h->nft, e);
	if (r == 0)
		return 0;
	nl_sock_close(&h->route);
	nl_sock_close(&h->nft);
	return r;
}

void healer_close(struct healer *h)
{
	nl_sock_close(&h->route);
	nl_sock_close(&h->nft);
	helper_leave(&h->helper);
}

void healer_poll(const struct healer *h, struct pollfd ret[HEALER_FDS], int *ret_timeout_ms)
{
	int64_t now = util_now_ms();
	int64_t at = h->due_at > h->not_before ? h->due_at : h->not_before;
	/* Where a look is due already, one more word of the kernel's says nothing, and whoever can
	 * make it say many must not keep a processor of root's busy. */
	bool told = h->helper.pid || h->due_at <= now + SETTLE_MS;
	int64_t left = (h->helper.pid ? h->helper.until_ms : at) - now;

	ret[0] = (struct pollfd){.fd = told ? -1 : h->route.fd, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = told ? -1 : h->nft.fd, .events = POLLIN};
	ret[2] = (struct pollfd){.fd = h->helper.fd, .events = POLLIN};
	*ret_timeout_ms = left > 0 ? (int)left : 0;
}

void healer_defer(struct healer *h)
{
	h->due_at = util_now_ms() + AGAIN_MS;
}

void healer_hurry(struct healer *h)
{
	if (h->due_at > util_now_ms())
		h->due_at = util_now_ms();
}

bool healer_wake(struct healer *h)
{
	int64_t now = util_now_ms();
	/* Both are read, whatever the first says. */
	bool route = nl_change_read(&h->route);
	bool nft = nl_change_read(&h->nft);

	if ((route || nft) && h->due_at > now + SETTLE_MS)
		h->due_at = now + SETTLE_MS;
	/* Whether it restored anything is for the next look to say. */
	if (helper_is_over(&h->helper)) {
		helper_end(&h->helper);
		h->due_at = util_now_ms() + SETTLE_MS;
	}
	return !h->helper.pid && now >= h->due_at && now >= h->not_before;
}

/* --- looking --------------------------------------------------------------------------------- */

struct heal_finding {
	struct healer *h;
	int n;
};

static void say_missing(const struct want *w, const char *sentence, void *arg)
{
	struct heal_finding *f = arg;

	/* What the host's owner decides of the host is shown by status, and not fought over. */
	if (w->flags & WANT_OTHERS)
		return;
	if (!f->n)
		str_copy(f->h->why, sizeof(f->h->why), sentence);
	if (f->n++ < SAY_MAX && !f->h->failures)
		log_error("%s: %s", f->h->name, sentence);
}

static void restore(struct healer *h)
{
	int r = helper_exec(&h->helper, HELPER_MS, "revive", h->name, NULL);

	if (r < 0) /* the next look tries again */
		log_error("%s: cannot start what restores it: %s", h->name, strerror(-r));
}

/* How many objects are missing; each is said, the first time. -EWOULDBLOCK: somebody is at it. */
static int count_missing(struct healer *h, int ns, enum record_state *ret, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	AUTO_CLOSE int lock = vpn_lock_try(h->name, e);
	struct heal_finding f = {h, 0};
	struct record r;
	int n;

	if (lock < 0)
		return lock;
	n = record_read(h->name, &r, e);
	if (n < 0)
		return n;
	*ret = (enum record_state)r.state;
	/* A repair that failed half-way is still to be made. */
	if (r.state != RECORD_UP)
		return r.state == RECORD_LOST;
	if (applied_is_ahead(&r)) {
		str_copy(h->why, sizeof(h->why), "a switch to another server was not finished");
		return 1;
	}
	h->why[0] = '\0';
	n = made_read(h->name, &l, e);
	n = n ?: ensure_missing(&l, ns, say_missing, &f, e);
	if (n >= 0)
		n = lan_missing(h->name, say_missing, &f, e);
	if (f.n > SAY_MAX && !h->failures)
		log_error("%s: and %d more", h->name, f.n - SAY_MAX);
	if (n >= 0 && !f.n && uplink_is_stale(&r)) {
		log_info("%s: the way out has changed", h->name);
		f.n++;
	}
	return n < 0 ? n : f.n;
}

/* Somebody may take away what is put back, for as long as both are there. */
static int64_t patience_ms(unsigned int failures)
{
	int64_t ms = 1000ll << (failures < 5 ? failures : 5);

	return ms < LOOK_MS ? ms : LOOK_MS;
}

void healer_look(struct healer *h, int vpn_netns_fd)
{
	int64_t began = util_now_ms(), now;
	enum record_state state = RECORD_DOWN;
	struct err e = ERR_INIT;
	int n;

	if (access(HEAL_OFF, F_OK) == 0) {
		h->due_at = began + LOOK_MS;
		return;
	}
	n = count_missing(h, vpn_netns_fd, &state, &e);
	now = util_now_ms();
	h->not_before = now + LOAD * (now - began);
	h->due_at = now + (n == -EWOULDBLOCK ? AGAIN_MS : LOOK_MS);
	if (n == 0 && h->failures && state == RECORD_UP)
		log_info("%s: it is all there again", h->name);
	if (n <= 0) {
		if (n == 0)
			h->failures = 0;
		return; /* what cannot be judged, `vpnctl status` says */
	}
	if (h->failures == 1)
		log_error("%s: %d of what it consists of could not be restored; see: vpnctl "
			  "status %s",
			  h->name, n, h->name);
	h->not_before = now + (h->failures ? patience_ms(h->failures) : 0);
	h->failures++;
	restore(h);
}
