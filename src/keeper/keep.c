/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See keep.h. Whoever serves a tunnel roams by itself as WireGuard does; what WireGuard cannot know
 * is that a name has another address, and what packets a new path carries. Names are asked for by a
 * process of their own, since DNS may take long and reading the profile brings keys into memory; it
 * lives for seconds and dies with the supervisor. It logs; nothing else here does. Called by
 * keeper/supervise_run.c.
 */
#include "keeper/keep.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "base/util.h"
#include "nl/link.h"
#include "nl/route.h"
#include "ns/netns.h"
#include "default/default.h"
#include "tunnel/path.h"
#include "state/health.h"
#include "tunnel/resolve.h"
#include "ensure/applied.h"
#include "keeper/ask.h"
#include "up/uplink.h"
#include "up/strays.h"
#include "tunnel/via.h"

#define GROUP_IPV6_RULE (1u << (RTNLGRP_IPV6_RULE - 1))
#define LOOK_MS		30000
#define WAITING_MS	1000  /* while an answer may come */
#define DEAD_MS		10000 /* while none does */
#define SETTLE_MS	1000  /* an uplink comes as a dozen events */
#define SLEPT_MS	5000
#define HELPER_MS	30000

/* The time that the machine has slept since it was started. */
static int64_t asleep_ms(void)
{
	struct timespec all;

	clock_gettime(CLOCK_BOOTTIME, &all);
	return (int64_t)all.tv_sec * 1000 + all.tv_nsec / 1000000 - util_now_ms();
}

int keeper_open(struct keeper *k, const char *name, bool userspace, struct err *e)
{
	const struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE |
			     GROUP_IPV6_RULE,
	};

	int r;

	*k = (struct keeper){.name = name,
			     .userspace = userspace,
			     .units_fd = -1,
			     .helper = HELPER_INIT,
			     .failover = {.helper = HELPER_INIT}};
	k->look_at = util_now_ms() + SETTLE_MS;
	k->asleep_ms = asleep_ms();
	k->event_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (k->event_fd >= 0 &&
	    bind(k->event_fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
		struct err why = ERR_INIT;

		if (healer_open(&k->healer, name, &why) < 0)
			log_error("nobody hears when something of %s is taken away: %s", name,
				  why.msg);
		return 0;
	}
	r = -errno;
	util_close(&k->event_fd);
	return err_sys(e, r, "cannot listen to changes of the network");
}

enum help { HELP_STAY, HELP_MOVE, HELP_TURN, HELP_DEFAULT };

#define HELPED_ROUND 2 /* exit status: all addresses of the endpoint have had their turn */
#define HELPED_FRESH 3 /* the next address is one for a wireguard-go that has sent nothing yet */

static void end_helper(struct keeper *k)
{
	int status = helper_end(&k->helper);

	if (WIFEXITED(status) && WEXITSTATUS(status) == HELPED_FRESH) {
		k->wants_fresh = true;
		status = 0;
	}
	if (status != 0 && k->turn.at_ms)
		turn_round(&k->turn, util_now_ms());
	if (WIFEXITED(status) && WEXITSTATUS(status) == HELPED_ROUND)
		status = 0;
	/* No way is like this one: the next look tries again. */
	if (status != 0)
		k->oif = -1;
	else
		k->tried_default = false;
}

void keeper_close(struct keeper *k)
{
	end_helper(k);
	failover_close(&k->failover);
	healer_close(&k->healer);
	util_close(&k->units_fd);
	util_close(&k->event_fd);
}

void keeper_poll(const struct keeper *k, struct pollfd ret[KEEPER_FDS], int *ret_timeout_ms)
{
	int64_t at = k->event_at && k->event_at < k->look_at ? k->event_at : k->look_at;
	int64_t left = at - util_now_ms();
	int heal_ms;

	healer_poll(&k->healer, ret + 4, &heal_ms);
	ret[0] = (struct pollfd){.fd = k->event_fd, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = k->helper.fd, .events = POLLIN};
	ret[2] = (struct pollfd){.fd = k->failover.helper.fd, .events = POLLIN};
	ret[3] = (struct pollfd){.fd = k->units_fd, .events = POLLIN};
	*ret_timeout_ms = left > 0 ? (int)left : 0;
	if (heal_ms < *ret_timeout_ms)
		*ret_timeout_ms = heal_ms;
}

bool keeper_wake(struct keeper *k)
{
	int64_t now = util_now_ms();
	bool changed = false;
	char buf[8192];

	/* Which of them does not matter, and an overrun (ENOBUFS) is a change as well. */
	while (recv(k->event_fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) >= 0 ||
	       errno == ENOBUFS)
		changed = true;
	if (changed && !k->event_at)
		k->event_at = now + SETTLE_MS;
	/* Until it is known, what a unit sends goes by the VPN. */
	if (k->units_fd >= 0 && read(k->units_fd, buf, sizeof(buf)) > 0) {
		util_close(&k->units_fd);
		k->event_at = now;
	}
	if (helper_is_over(&k->helper))
		end_helper(k);
	if (failover_wake(&k->failover))
		k->look_at = now;
	k->heal_due = healer_wake(&k->healer);
	k->due = now >= k->look_at || (k->event_at && now >= k->event_at);
	return k->due || k->heal_due;
}

/* --- the helper ------------------------------------------------------------------------------ */

static void follow_mtu(const char *name, int ns, const struct tunnel *t,
		       const struct endpoint_set *es)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	struct err e = ERR_INIT;
	struct rtnl_link link;
	uint32_t mtu;
	int r = path_mtu(t, es, &mtu, &e);

	r = r ?: ns_nl_open(&s, ns, NETLINK_ROUTE, &e);
	r = r ?: rtnl_link_get(&s, RTNL_HERE, name, &link, &e);
	if (r == 0 && link.mtu == mtu)
		return;
	r = r ?: rtnl_link_set_mtu(&s, name, mtu, &e);
	if (r < 0)
		log_error("cannot adapt the MTU of %s: %s", name, e.msg);
	else
		log_info("the MTU of %s is %u now, was %u", name, mtu, link.mtu);
}

/* Whoever was asked before and did not answer makes room for another address of the same name. */
static bool take_turn(const struct keeper *k, struct endpoint_set *es)
{
	bool round = true;
	size_t i;

	/* wireguard-go takes none that is of another family than those of the other peers. */
	if (k->userspace)
		endpoint_keep_family(es);
	i = turn_choose(&k->turn, es->others, es->n_others, &k->peer, &round);

	if (i < es->n_others)
		es->at[es->named] = es->others[i];
	else if (es->n_others)
		es->at[es->named] = k->peer;
	return round;
}

void keeper_choose(struct keeper *k, struct endpoint_set *es)
{
	if (k->turn.at_ms && take_turn(k, es))
		turn_round(&k->turn, util_now_ms());
}

/* An errand of the short-lived process that the keeper starts. */
struct keep_errand {
	struct keeper *k;
	int ns;
	const char *current; /* where the endpoint was */
	enum help what;
};

static int move(const struct keep_errand *a, const struct profile *p, const struct endpoint_set *es,
		struct err *e)
{
	const struct tunnel_dev dev = {a->k->name, a->ns, a->k->userspace};
	char wanted[ENDPOINT_TEXT_LEN] = "";
	int r;

	if (es->n)
		endpoint_format(&es->at[es->named], wanted);
	if (es->n == 1 && !strcmp(wanted, a->current))
		return 0;
	r = tunnel_dev_set_endpoints(&dev, &p->tunnel, es, e);
	/* Nobody may have anything to send before it is known that this one answers. */
	r = r ?: tunnel_dev_call(&dev, &p->tunnel, es, e);
	if (r == 0)
		log_info("the endpoint of %s is %s now, was %s", a->k->name, wanted, a->current);
	return r;
}

/* Returns an exit status. */
static int help(const struct keep_errand *a)
{
	const struct keeper *k = a->k;
	struct endpoint_set es = {0};
	struct err e = ERR_INIT;
	struct profile p = {0};
	struct record rec;
	/* The keys are not needed. */
	int r = applied_load(k->name, &p, &e);
	bool round = false, fresh;

	/* Another server's endpoint is nothing to a tunnel that does not go by it yet. */
	if (r >= 0 && record_read(k->name, &rec, NULL) == 0 && applied_is_ahead(&rec)) {
		profile_free(&p);
		return 0;
	}
	r = r < 0 ? r : via_resolve_here(&p, 0, &es, &e);
	if (r == 0 && a->what == HELP_TURN)
		round = take_turn(k, &es);
	if (r == 0 && a->what != HELP_STAY)
		r = move(a, &p, &es, &e);
	if (r == 0)
		follow_mtu(k->name, a->ns, &p.tunnel, &es);
	fresh = k->userspace && r == -EAFNOSUPPORT;
	if (r < 0 && !fresh)
		log_error("cannot follow the endpoint of %s: %s", k->name, e.msg);
	endpoint_set_free(&es);
	profile_free(&p);
	return fresh ? HELPED_FRESH : r < 0 ? 1 : round ? HELPED_ROUND : 0;
}

/* systemd-networkd takes the rules of others away when it starts anew; and a switch may have been
 * broken off. */
static bool is_default_lost(const char *name)
{
	struct default_note n;
	struct record r;

	if (default_note_read(&n, NULL) < 0)
		return false;
	/* One that goes through another VPN has its keeper there, and not here. */
	if (strcmp(n.now.name, name) != 0 && (record_read(n.now.name, &r, NULL) < 0 || !r.via[0]))
		return false;
	return default_judge(&n, NULL) == -ENOENT;
}

static int repair_default(const char *name)
{
	struct err e = ERR_INIT;
	int r = default_repair(&e);

	if (r < 0)
		log_error("cannot repair the machine's default: %s", e.msg);
	else if (r > 0)
		log_info("%s: a default that was not finished, or was to go, is taken away", name);
	else
		log_info("%s: some of what makes the machine's default had gone", name);
	return r;
}

static int run_errand(void *arg)
{
	const struct keep_errand *a = arg;

	signal(SIGPIPE, SIG_IGN);
	return a->what == HELP_DEFAULT ? repair_default(a->k->name) < 0 : help(a);
}

static void start_helper(struct keeper *k, int ns, const char *current, enum help what)
{
	struct keep_errand a = {k, ns, current, what};

	if (helper_start(&k->helper, HELPER_MS, run_errand, &a) < 0)
		k->oif = -1; /* the next look tries again */
}

/* --- looking --------------------------------------------------------------------------------- */

/* The way to where the packets go. 0: there is none. */
static int read_way(const union wg_endpoint *ep, uint32_t *ret_path)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	union wg_endpoint copy = *ep;
	struct endpoint_set one = {.at = &copy, .n = 1};
	const struct rtnl_target to = {ep->family, wg_endpoint_addr(ep), MARK_BASE};
	struct rtnl_way way;

	if (!ep->family || nl_sock_open(&s, NETLINK_ROUTE, NULL) < 0 ||
	    rtnl_route_get(&s, &to, &way, NULL) < 0 || path_read(&one, ret_path, NULL) < 0)
		return 0;
	return way.oif;
}

/* This is for a bridge among the host's devices. It takes no time, and needs no process of its
 * own. */
static void mend_ports(const struct keeper *k, int vpn_netns_fd)
{
	struct err e = ERR_INIT;
	struct lease_pool pool;
	struct strays strays;
	struct record r;

	if (record_read(k->name, &r, NULL) < 0 || r.layout != LAYOUT_BRIDGE || !r.bridge_ifindex)
		return;
	pool = record_pool(&r);
	if (strays_mend(vpn_netns_fd, &pool, (int)r.bridge_ifindex, &strays, &e) < 0)
		log_error("%s: %s", k->name, e.msg);
	else if (strays.n)
		log_info("%zu ports had been taken out of %s, %s first: they are back (see "
			 "vpnrun.json(5), \"layout\", for what does so)",
			 strays.n, r.bridge, strays.first);
}

void keeper_defer(struct keeper *k)
{
	k->look_at = util_now_ms() + LOOK_MS;
	k->event_at = 0;
	healer_defer(&k->healer);
}

/* A tunnel that its supervisor is just starting anew is not missing: what belongs to its device is
 * put back with it. */
static void heal(struct keeper *k, int vpn_netns_fd)
{
	struct tunnel_stats st;

	if (k->userspace &&
	    (tunnel_dev_stats(k->name, vpn_netns_fd, true, &st, NULL) < 0 || !st.asked))
		healer_defer(&k->healer);
	else
		healer_look(&k->healer, vpn_netns_fd);
}

void keeper_forget(struct keeper *k)
{
	k->silence = (struct silence){0};
	k->turn = (struct turn){0};
	k->left[0] = '\0';
	k->silent_ms = 0;
	k->look_at = util_now_ms() + SETTLE_MS;
}

static enum health_far far_of(const struct tunnel_stats *st, int oif, enum silence_state s)
{
	if (st->peer.family && !oif)
		return HEALTH_NO_WAY;
	if (s == SILENCE_DEAD)
		return HEALTH_SILENT;
	return s == SILENCE_NONE && st->handshake_age_s >= 0 &&
			       st->handshake_age_s <= SILENCE_SESSION_S
		       ? HEALTH_ANSWERS
		       : HEALTH_UNTRIED;
}

/* For everybody who may not ask WireGuard. */
static void write_health(const struct keeper *k, const struct tunnel_stats *st, int oif,
			 enum silence_state s)
{
	struct health seen = {.rx = st->rx, .tx = st->tx, .silent_ms = k->silent_ms};
	struct err e = ERR_INIT;

	if (!st->present)
		str_copy(seen.why, sizeof(seen.why), "the tunnel device is missing");
	else if (!st->up)
		str_copy(seen.why, sizeof(seen.why), "the tunnel device is down");
	else if (!st->asked)
		str_copy(seen.why, sizeof(seen.why), "WireGuard does not answer");
	else
		seen.far = far_of(st, oif, s);
	if (!seen.why[0])
		str_copy(seen.why, sizeof(seen.why), k->healer.why);
	if (st->handshake_age_s >= 0)
		seen.handshake_ms = health_now_ms() - st->handshake_age_s * 1000;
	str_copy(seen.endpoint, sizeof(seen.endpoint), st->endpoint);
	str_copy(seen.left, sizeof(seen.left), k->left);
	if (health_write(k->name, &seen, &e) < 0)
		log_error("cannot write down what was seen of %s: %s", k->name, e.msg);
}

/* Notes what the numbers say of the far end, and where that was. */
static enum silence_state hear(struct keeper *k, const struct tunnel_stats *st)
{
	enum silence_state s = silence_look(&k->silence, st, util_now_ms());

	if (k->peer.family && !endpoint_is_same(&k->peer, &st->peer) &&
	    (s != SILENCE_NONE || k->heard != SILENCE_NONE))
		endpoint_format(&k->peer, k->left);
	k->heard = s;
	if (s == SILENCE_NONE && k->silent_ms)
		log_info("the server of %s answers again, at %s", k->name, st->endpoint);
	if (s == SILENCE_DEAD && !k->silent_ms) {
		k->silent_ms = health_now_ms() - (util_now_ms() - k->silence.since_ms);
		log_info("the server of %s at %s does not answer", k->name, st->endpoint);
	}
	if (s == SILENCE_NONE)
		k->silent_ms = 0;
	if (s == SILENCE_WAITING)
		k->look_at = util_now_ms() + WAITING_MS;
	else if (s == SILENCE_DEAD)
		k->look_at = util_now_ms() + DEAD_MS;
	return s;
}

static bool has_moved(struct keeper *k, int oif, uint32_t path)
{
	int64_t slept = asleep_ms();
	bool moved = k->seen && (oif != k->oif || path != k->path);
	bool woken = slept - k->asleep_ms > SLEPT_MS;

	k->asleep_ms = slept;
	k->seen = true;
	k->oif = oif;
	k->path = path;
	return moved || woken;
}

/* The address of a name and the server itself are not changed at the same time. */
static void look_at_servers(struct keeper *k, enum silence_state s)
{
	int64_t soon = util_now_ms() + FAILOVER_LOOK_MS;

	if (!k->helper.pid)
		failover_look(&k->failover, k->name, &k->silence, s);
	if (k->failover.applies && k->look_at > soon)
		k->look_at = soon;
}

/* There is no tunnel that could be silent: its device is there or not, and what leads to it changes
 * with the uplink, of which the kernel tells by an event. */
static bool look_at_device(struct keeper *k)
{
	struct health seen = {.far = HEALTH_UNTRIED};
	struct err e = ERR_INIT;
	struct record r;

	if (record_read(k->name, &r, NULL) < 0 || !(r.flags & RECORD_DEVICE))
		return false;
	if (uplink_is_stale(&r))
		healer_hurry(&k->healer);
	str_copy(seen.why, sizeof(seen.why),
		 record_way(&r)[0] ? k->healer.why : "there is no device to go out by");
	if (health_write(k->name, &seen, &e) < 0)
		log_error("cannot write down what was seen of %s: %s", k->name, e.msg);
	return true;
}

void keeper_look(struct keeper *k, int vpn_netns_fd, bool told)
{
	struct tunnel_stats st;
	enum silence_state s;
	uint32_t path = 0;
	bool due, moved;
	int oif;

	if (k->heal_due) {
		bool was_whole = !k->healer.why[0];

		heal(k, vpn_netns_fd);
		k->due = k->due || was_whole != !k->healer.why[0];
	}
	if (!k->due && !told)
		return;
	k->look_at = util_now_ms() + LOOK_MS;
	k->event_at = 0;
	/* A command that was killed may have been the last one for long. */
	file_clear_begun(RUN_DIR);
	ask_clear();
	mend_ports(k, vpn_netns_fd);
	if (look_at_device(k))
		return;
	/* One that cannot be repaired must not keep the tunnel's own from being looked after: it
	 * has every second turn. */
	if (k->units_fd < 0)
		k->units_fd = default_units_watch(k->name);
	k->tried_default = !k->helper.pid && !k->tried_default && is_default_lost(k->name);
	if (k->tried_default)
		start_helper(k, vpn_netns_fd, "", HELP_DEFAULT);
	if (tunnel_dev_stats(k->name, vpn_netns_fd, k->userspace, &st, NULL) < 0)
		return;
	if (!st.asked) {
		write_health(k, &st, k->oif, SILENCE_NONE);
		return;
	}
	oif = read_way(&st.peer, &path);
	s = hear(k, &st);
	look_at_servers(k, s);
	if (k->helper.pid || k->failover.helper.pid) {
		/* What is remembered of the way stays, so that its change is seen again. */
		if (k->helper.pid && !k->tried_default)
			k->look_at = util_now_ms() + SETTLE_MS;
		write_health(k, &st, oif, s);
		return;
	}
	k->peer = st.peer;
	due = turn_is_due(&k->turn, s, k->silence.had_session, &st.peer, util_now_ms());
	moved = has_moved(k, oif, path);
	write_health(k, &st, oif, s);
	if (told || (moved && !oif))
		start_helper(k, vpn_netns_fd, st.endpoint, HELP_MOVE);
	else if (due)
		start_helper(k, vpn_netns_fd, st.endpoint, HELP_TURN);
	else if (moved)
		start_helper(k, vpn_netns_fd, st.endpoint, HELP_STAY);
}
