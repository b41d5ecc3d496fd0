/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `up` and `restart`: carries out a layout's table of steps (up/netns, up/bridge), and where one of
 * them fails, the undo of those before it. What can be checked is checked before the first step.
 */
#include "up/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lan/lan.h"
#include "ns/netns.h"
#include "ensure/applied.h"
#include "up/bridge.h"
#include "wall/forwarding.h"
#include "up/hold.h"
#include "up/netns.h"
#include "ensure/ensure.h"
#include "ensure/made.h"
#include "up/netnsfiles.h"
#include "up/passage.h"
#include "tunnel/path.h"
#include "up/uplink.h"
#include "state/lock.h"
#include "state/note.h"
#include "state/record.h"
#include "tunnel/resolve.h"
#include "tunnel/uapi.h"
#include "up/steps.h"
#include "tunnel/supervise.h"
#include "tunnel/tunnel_dev.h"
#include "tunnel/via.h"
#include "tunnel/way.h"

/* The record must not promise a tunnel after a failed up. What was up before, and nobody has taken
 * down, is still to be brought back: the record says that, too. */
static void record_as_failed(const struct up *u, const struct err *why)
{
	struct record r = u->old;
	bool is_lost = r.id && r.state != RECORD_DOWN;

	if (!is_lost && (u->ns_created || r.id == 0)) {
		record_remove(u->p->name, NULL);
		/* It says what there is to undo, and goes with that. */
		if (u->p->layout != LAYOUT_BRIDGE && (u->ns_created || u->ns_fd < 0)) {
			made_remove(u->p->name, NULL);
			applied_remove(u->p->name, NULL);
		}
		return;
	}
	r.state = is_lost ? RECORD_LOST : RECORD_DOWN;
	r.supervisor_pid = 0;
	snprintf(r.why, sizeof(r.why), "%.*s", (int)sizeof(r.why) - 1, is_lost ? why->msg : "");
	record_write(&r, NULL);
}

static int run_steps(struct up *u, const struct step *steps, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct err why = ERR_INIT;
		int r = steps[i].act(u, &why);

		if (r == 0)
			continue;
		record_as_failed(u, &why);
		for (size_t j = i + 1; j-- > 0;)
			if (steps[j].undo)
				steps[j].undo(u);
		return err_set(e, r, "%s", why.msg);
	}
	return 0;
}

static int run_layout(struct up *u, struct err *e)
{
	struct record rec;
	int r;

	if (u->p->layout == LAYOUT_BRIDGE && !u->is_hold) {
		r = run_steps(u, bridge_steps, bridge_n_steps, e);
		/* It is up, and of no use: that matters more than what else there is to say. */
		if (r == 0 && u->note && record_read(u->p->name, &rec, NULL) == 0)
			passage_judge(&rec, u->note);
		return r;
	}
	return u->p->layout == LAYOUT_BRIDGE ? run_steps(u, bridge_steps, bridge_n_steps, e)
					     : run_steps(u, netns_steps, netns_n_steps, e);
}

/* --- up -------------------------------------------------------------------------------------- */

static bool has_same_ground(const struct record *o, const struct profile *p)
{
	return o->id == p->id && o->subnet4.s_addr == p->subnet4.s_addr &&
	       o->subnet4_plen == p->subnet4_plen && !strcmp(o->bridge, p->bridge);
}

static bool is_same(const struct up *u)
{
	return u->old.layout == (uint32_t)u->p->layout && has_same_ground(&u->old, u->p);
}

/* A kept namespace has the addresses of the id and subnet that it was made with. */
static int check_unchanged(const struct up *u, struct err *e)
{
	const struct record *o = &u->old;
	const struct profile *p = u->p;
	struct default_note n;
	struct hold h = {0};
	int fd, r;

	if (o->id == 0 || (o->layout == (uint32_t)p->layout && has_same_ground(o, p)))
		return 0;
	/* The default's rules are those of the old id, and its table. */
	r = default_note_read(&n, e);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && default_has(&n, p->name))
		return err_set(
			e, -EBUSY,
			"VPN '%s' has another layout, id, subnet or bridge than when it came "
			"up, and is the machine's default; first: vpnctl default none",
			p->name);
	r = record_find_netns(o, &fd, e);
	if (r <= 0)
		return r;
	r = o->layout == LAYOUT_BRIDGE ? bridge_count_ports(o, &h.leases, e)
				       : hold_count(fd, &h, e);
	close(fd);
	if (r < 0 || ((u->is_restart || o->state == RECORD_DOWN) && h.leases + h.processes == 0))
		return r;
	return err_set(
		e, -EBUSY,
		"VPN '%s' has another layout, id, subnet or bridge than when it came up, and is in use "
		"(%u inside); first: vpnctl down --force %s",
		p->name, h.leases + h.processes, p->name);
}

/* A tunnel that is up must go on when its new file is refused. */
static int check_families(const struct up *u, struct err *e)
{
	return u->old.flags & RECORD_USERSPACE
		       ? uapi_check_families(u->endpoints.at, u->endpoints.n, e)
		       : 0;
}

/* Endpoints and the way to them, as seen from where the socket is to be. */
static int look_outside(struct up *u, struct err *e)
{
	struct err path_note = ERR_INIT;
	struct record via;
	int r, back = -1;

	if (u->p->way) {
		u->mtu = u->p->way->mtu;
		return 0;
	}
	if (u->is_mend) {
		u->mtu = u->old.mtu;
		return 0;
	}
	if (u->is_hold)
		return path_mtu(&u->p->tunnel, &u->endpoints, &u->mtu, &path_note);
	if (u->p->via) {
		u->via_lock = vpn_lock(u->p->via, e);
		if (u->via_lock < 0)
			return u->via_lock;
	}
	u->socket_fd = via_open(u->p, &via, e);
	if (u->socket_fd < 0 && u->p->via)
		return u->socket_fd;
	r = via_resolve(u->p, u->socket_fd, &via, RESOLVE_RETRIES, &u->endpoints, e);
	r = r ?: check_families(u, e);
	if (r == 0 && u->socket_fd >= 0)
		r = ns_netns_enter(u->socket_fd, &back, e);
	r = r ?: via_check_way(u->p, &via, &u->endpoints, e);
	if (r == 0) {
		r = path_mtu(&u->p->tunnel, &u->endpoints, &u->mtu, &path_note);
		if (r < 0 && e)
			*e = path_note;
	}
	ns_netns_leave(&back);
	if (r == 0 && u->note)
		*u->note = path_note;
	return r;
}

static int check_before(struct up *u, struct err *e)
{
	int r = record_find(u->p->name, &u->old, e), fd = -1, own;

	if (r < 0)
		return r;
	own = u->old.layout == LAYOUT_BRIDGE ? (int)u->old.bridge_ifindex : 0;
	r = way_find(u->p, e);
	r = r ?: check_unchanged(u, e);
	r = r ?: plan_check_subnet(u->p, e);
	r = r ?: plan_check_uplink(u->p, own, e);
	r = r ?: netnsfiles_check(u->p->name, e);
	r = r ?: look_outside(u, e);
	if (r < 0)
		return r;
	if (u->note && !u->note->msg[0] && forwarding_lacks_ip6(u->p))
		forwarding_say_no_ip6(u->p, u->note->msg, sizeof(u->note->msg));
	/* What is made anew beside one that could not be looked at strands who is inside that one.
	 */
	r = u->old.id ? record_find_netns(&u->old, &fd, e) : 0;
	if (r < 0)
		return r;
	util_close(&fd);
	u->is_ours = r > 0;
	u->was_up = r > 0 && u->old.state == RECORD_UP;
	return u->is_ours && is_same(u) && u->p->layout == LAYOUT_BRIDGE
		       ? bridge_check_again(u->p, e)
		       : 0;
}

#define UP_INIT(profile, remark)                                                               \
	{                                                                                      \
		.p = (profile), .note = (remark), .ns_fd = -1, .socket_fd = -1, .via_lock = -1 \
	}

static void end_up(struct up *u)
{
	util_close(&u->ns_fd);
	util_close(&u->socket_fd);
	util_close(&u->via_lock);
	endpoint_set_free(&u->endpoints);
	want_list_free(&u->had);
	want_list_free(&u->wanted);
}

/* Asked under the lock: whoever takes it down on purpose has it until the record says so. */
static bool is_lost(const char *name)
{
	AUTO_WANT_LIST struct want_list l = {0};
	AUTO_CLOSE int ns = -1;
	struct record r;

	if (record_read(name, &r, NULL) < 0 || r.state == RECORD_DOWN)
		return false;
	if (r.state == RECORD_LOST || applied_is_ahead(&r) || supervise_is_alive(name, NULL) == 0)
		return true;
	if (lan_missing(name, NULL, NULL, NULL) > 0)
		return true;
	ns = record_open_netns(&r, NULL);
	if (ns >= 0 && uplink_is_stale(&r))
		return true;
	return ns >= 0 && made_read(name, &l, NULL) == 0 &&
	       ensure_missing(&l, ns, NULL, NULL, NULL) > 0;
}

/* What is missing beside a tunnel that works is put back without asking for its endpoint's name: a
 * guard must come back where no name server answers, and the address that answers stays. */
static bool is_tunnel_well(const struct profile *p)
{
	AUTO_CLOSE int ns = -1;
	struct tunnel_stats st;
	struct record r;

	/* One that a switch was broken off of may have the other server's key yet. */
	if (p->via || p->way || record_read(p->name, &r, NULL) < 0 || r.state != RECORD_UP ||
	    applied_is_ahead(&r) || r.layout != (uint32_t)p->layout || !has_same_ground(&r, p) ||
	    supervise_is_alive(p->name, NULL) != 1)
		return false;
	ns = record_open_netns(&r, NULL);
	return ns >= 0 &&
	       tunnel_dev_stats(p->name, ns, r.flags & RECORD_USERSPACE, &st, NULL) == 0 &&
	       st.present && st.asked;
}

/* A tunnel is made anew with the keys of today's files, which may be half-way through an edit. */
static int check_key(const struct profile *p, struct err *e)
{
	static const uint8_t none[WG_KEY_LEN];

	if (p->way || memcmp(p->tunnel.private_key, none, sizeof(none)) != 0)
		return 0;
	return err_set(e, -ENOKEY,
		       "the keys of %s cannot be read any more, and its tunnel has to be made anew",
		       p->name);
}

/* Takes the old tunnel away and keeps what it was in, also when empty: a service that starts at
 * this moment must find it. Only what was made for another layout, id or subnet, and nobody holds,
 * goes. */
static int close_old(struct up *u, struct err *e)
{
	bool stays = is_same(u);
	struct down_report rep = {0};
	AUTO_CLOSE int ns_fd = -1;
	int r;

	if (!u->is_ours)
		return 0;
	ns_fd = record_open_netns(&u->old, e);
	if (ns_fd < 0)
		return ns_fd;
	/* There are no new cables from here on. */
	if (u->old.state != RECORD_DOWN)
		u->old.state = RECORD_LOST;
	u->old.why[0] = '\0';
	r = record_write(&u->old, e);
	if (r == 0)
		r = bridge_close(&u->old, ns_fd, e);
	u->was_up = false;
	if (r < 0 || stays)
		return r;
	u->is_ours = false;
	if (u->old.layout == LAYOUT_BRIDGE)
		return bridge_down(&u->old, true, &rep, e);
	r = lan_remove(u->p->name, u->old.id, e);
	r = r ?: ns_netns_remove(NETNS_DIR, u->p->name, e);
	return r < 0 ? r : netnsfiles_remove(u->p->name, e);
}

/* One that is closed, and empty, is made for the file as it is now. */
static int leave_old_ground(struct up *u, struct err *e)
{
	return u->old.state == RECORD_DOWN && !is_same(u) ? close_old(u, e) : 0;
}

static int up(const struct profile *p, bool only_lost, struct err *note, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, note);
	int r;

	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	if (only_lost && !is_lost(p->name))
		return 1;
	u.is_revival = only_lost;
	u.is_mend = only_lost && is_tunnel_well(p);
	r = only_lost && !u.is_mend ? check_key(p, e) : 0;
	r = r ?: check_before(&u, e);
	r = r ?: leave_old_ground(&u, e);
	if (r == 0)
		r = run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot bring up %s", p->name) : 0;
}

int vpn_up(const struct profile *p, struct err *note, struct err *e)
{
	return up(p, false, note, e);
}

int vpn_revive(const struct profile *p, struct err *note, struct err *e)
{
	int r = up(p, true, note, e);

	/* What is worth a note to who brings a tunnel up, is here what was asked for. */
	if (r == 0 && supervise_is_alive(p->name, NULL) == 0)
		return err_set(e, -ECHILD, "the supervisor of %s does not stay", p->name);
	return r;
}

/* --- restart --------------------------------------------------------------------------------- */

int vpn_restart(const struct profile *p, struct err *note, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, note);
	int r;

	u.is_restart = true;
	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	r = check_before(&u, e);
	if (r == 0)
		r = close_old(&u, e);
	if (r == 0)
		r = run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot restart %s", p->name) : 0;
}

/* --- switch ---------------------------------------------------------------------------------- */

/* One that a switch before has lost is put back by a switch, too. */
int vpn_switch(const struct profile *p, struct err *note, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, note);
	struct record rec;
	int r;

	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	r = record_find(p->name, &rec, e);
	if (r < 0)
		return err_wrap(e, r, "cannot switch %s", p->name);
	if (r == 0 || rec.state == RECORD_DOWN)
		return 1;
	/* Somebody else has switched it since: this one's answer is an old one. */
	if (rec.state == RECORD_UP && p->instead_of && !applied_is_by(p->name, p->instead_of))
		return 1;
	r = check_before(&u, e);
	r = r ?: run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot switch %s", p->name) : 0;
}

/* --- hold ------------------------------------------------------------------------------------ */

/* 1: it is up, or on its way back, and is all that it has to be: it only must not go. */
static int hold_as_it_is(const char *name, struct err *e)
{
	struct record r;
	int rc = record_find(name, &r, e);

	if (rc <= 0 || r.state == RECORD_DOWN)
		return rc < 0 ? rc : 0;
	r.flags |= RECORD_HELD;
	return record_write(&r, e) ?: 1;
}

int vpn_hold(const struct profile *p, struct err *e)
{
	AUTO_CLOSE int lock = -1;
	struct up u = UP_INIT(p, NULL);
	int r;

	u.is_hold = true;
	lock = vpn_lock(p->name, e);
	if (lock < 0)
		return lock;
	r = hold_as_it_is(p->name, e);
	if (r > 0)
		return 0;
	r = r ?: check_before(&u, e);
	r = r ?: leave_old_ground(&u, e);
	r = r ?: run_layout(&u, e);
	end_up(&u);
	return r < 0 ? err_wrap(e, r, "cannot hold %s", p->name) : 0;
}
