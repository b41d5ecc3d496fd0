/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a default consists of is one list, and all that can be done to it is that one list takes the
 * place of another (ensure/replace). The order of the list is the safety: the firewall, the cable
 * and its table, the rules, then the names; and back in reverse. So names are never asked for in
 * the clear by way of the VPN's servers, nor by way of the LAN's while traffic goes through the
 * VPN; and while one default replaces another, the rules of one of them stand. The note says in
 * which direction a run that was broken off was going. Called by vpnctl's commands, and by `up`.
 */
#include "default/default.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/progress.h"
#include "base/util.h"
#include "state/lock.h"
#include "up/apply.h"
#include "ensure/made.h"
#include "default/default_dns.h"
#include "default/default_part.h"
#include "conf/model.h"

#define LOCK_PATH RUN_DIR "/default.lock"
#define LEDGER	  "default" /* no VPN is called so */

static int note_here(struct default_note *n, struct err *e)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return err_sys(e, -errno, "cannot look at the network namespace");
	n->netns_dev = st.st_dev;
	n->netns_ino = st.st_ino;
	return 0;
}

/* A VPN that goes through another's has its keeper in that one's namespace: there, all of the
 * default is missing, and making it would send that VPN's programs by this one. */
static int check_here(const struct default_note *n, struct err *e)
{
	struct default_note here = {0};
	int r = note_here(&here, e);

	if (r == 0 && (here.netns_dev != n->netns_dev || here.netns_ino != n->netns_ino))
		return err_set(e, -EXDEV,
			       "%s is the default of another network namespace: this has to be run "
			       "in that one",
			       n->now.name);
	return 0;
}

static int lock(struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int r = record_make_dir(e);

	if (r < 0)
		return r;
	fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : progress_lock(fd, "the machine's default");
	if (r < 0)
		return err_sys(e, r, "cannot lock " LOCK_PATH);
	file_clear_begun(RUN_DIR);
	return take_fd(&fd);
}

/* --- what else it needs ---------------------------------------------------------------------- */

/* Where a reverse path is looked for strictly, the mark of the tunnels' own packets has to count in
 * it, which one sysctl says for each device or for all. */
static int look_valid_mark(struct default_note *n, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct boot b;
	int r;

	n->valid_mark = -1;
	if (!default_is_filtered("1"))
		return 0;
	r = file_read(VALID_MARK, 16, &text, NULL, e);
	if (r == 0 && text[0] == '0')
		n->valid_mark = 0;
	else if (r == 0)
		r = boot_read(BOOT_WAIT_PATH, &b, e);
	if (r == 0 && n->valid_mark < 0 && b.valid_mark)
		n->valid_mark = 0;
	return r == -ENOENT || r == -EPROTO ? 0 : r;
}

static int read_way(const char *name, bool strict, struct default_way *ret, struct err *e)
{
	struct default_way w = {.strict = strict};
	struct record r;
	int rc = record_read_up(name, &r, e);

	if (rc < 0)
		return rc;
	if (r.flags & RECORD_DEVICE)
		return err_set(
			e, -EINVAL,
			"'%s' has no tunnel: it is the way around the machine's default, and "
			"cannot be it",
			name);
	str_copy(w.name, sizeof(w.name), r.name);
	w.id = r.id;
	w.layout = r.layout;
	memcpy(w.dns, r.dns, sizeof(w.dns));
	memcpy(w.search, r.search, sizeof(w.search));
	if (r.layout == LAYOUT_BRIDGE)
		str_copy(w.dev, sizeof(w.dev), r.device);
	else
		str_device_of("vh", r.name, r.id, w.dev);
	*ret = w;
	return default_exempt_read(ret, false, e);
}

/* --- the list ----------------------------------------------------------------------------------
 */

static int list_way(const struct default_note *n, const struct default_way *w, struct want_list *l,
		    struct err *e)
{
	/* Of a VPN that is no more, the names of what is to go are enough. */
	struct want_host h = {.pool = {.id = w->id, .plen = 24}};
	struct record r;
	int rc;

	if (!w->id)
		return 0;
	rc = default_marks(&h.marks, e);
	if (rc < 0)
		return rc;
	/* A record that cannot be read has a pool all the same, and the cable's route would lead
	 * elsewhere. */
	rc = record_find(w->name, &r, e);
	if (rc < 0)
		return rc;
	if (rc > 0)
		h.pool = record_pool(&r);
	want_default(l, n, w, &h);
	rc = default_dns_want(n, w, l, e);
	return rc < 0 ? rc : want_list_check(l, e);
}

/* All that may be there: what the ledger names; and what the note alone does, of one that was
 * killed before it had a ledger, or that another version of vpnrun made. */
static int list_had(const struct default_note *n, struct want_list *l, struct err *e)
{
	AUTO_WANT_LIST struct want_list made = {0}, noted = {0};
	int r = made_read(LEDGER, &made, NULL);

	if (r < 0 && r != -ENOENT && r != -EPROTO)
		return err_sys(e, r, "cannot read what makes the machine's default");
	r = list_way(n, &n->now, &noted, e);
	r = r ?: list_way(n, &n->old, &noted, e);
	want_list_minus(&noted, &made, l);
	want_list_append(l, &made);
	return r < 0 ? r : want_list_check(l, e);
}

/* The table of ARP comes with the one of "inet". */
static int make_table(const struct want *w, void *arg, struct err *e)
{
	struct default_note *n = arg;
	struct want_marks marks;

	if (w->nft.family != NFPROTO_INET)
		return 0;
	return default_marks(&marks, e) ?: default_firewall_add(&n->now, &marks, e);
}

static int act(const struct want_act *a, bool undo, void *arg, struct err *e)
{
	int r;

	switch ((enum want_act_what)a->what) {
	case ACT_NAMES:
		return undo ? default_dns_undo(a, e) : default_dns_set(arg, e);
	case ACT_CONNECTIONS:
		return undo ? default_cable_end(a, e) : 0;
	case ACT_FLOWS:
		r = undo ? default_cable_end(a, e) : 0;
		return r < 0 || !undo ? r : default_cable_forget(a, e);
	}
	return 0;
}

/* From here on it is the default, whoever has to finish it. */
static int commit(void *arg, struct err *e)
{
	struct default_note *n = arg, next = *n;
	int r;

	next.state = n->old.id ? DEFAULT_CHANGING : DEFAULT_ON;
	r = default_note_write(&next, e);
	if (r == 0)
		*n = next;
	return r;
}

/* The one way to change anything: on, off, over, repaired and undone. w: the way that is to be;
 * NULL: none. */
static int replace(struct default_note *n, const struct default_way *w, bool *ret_done,
		   struct err *e)
{
	AUTO_WANT_LIST struct want_list had = {0}, wanted = {0};
	const struct ensure_change c = {.ledger = LEDGER,
					.ns_fd = -1,
					.by = {make_table, act, n},
					.commit = ret_done ? commit : NULL};
	int r = list_had(n, &had, e);

	if (r == 0 && w)
		r = list_way(n, w, &wanted, e);
	return r < 0 ? r : ensure_replace(&c, &had, &wanted, ret_done, e);
}

/* --- set ------------------------------------------------------------------------------------- */

/* In an order that never sends names to the VPN's servers in the clear: where a step fails the rest
 * waits, and the note says what for. */
static int clear_locked(struct default_note *n, struct err *e)
{
	int r = 0;

	/* Of one that never was on, the note stays as it is: whoever finds it undoes it, too. Of
	 * any other, whoever finds it goes on: the machine's owner has asked for that. */
	if (n->state != DEFAULT_BEGUN) {
		n->state = DEFAULT_GOING;
		r = default_note_write(n, e);
	}
	r = r ?: replace(n, NULL, NULL, e);
	return r < 0 ? r : file_remove(DEFAULT_NOTE_PATH, e);
}

/* Back to what was on before it was begun, which may be another VPN, or none. */
static int undo_begun(struct default_note *n, bool *ret_has, struct err *e)
{
	struct default_way failed = n->now;
	int r;

	*ret_has = n->old.id != 0;
	if (!n->old.id)
		return clear_locked(n, e);
	n->now = n->old;
	n->old = failed;
	n->state = DEFAULT_CHANGING;
	r = default_note_write(n, e);
	r = r ?: replace(n, &n->now, NULL, e);
	if (r < 0)
		return r;
	memset(&n->old, 0, sizeof(n->old));
	n->state = DEFAULT_ON;
	return default_note_write(n, e);
}

/* e says what failed: and also, if that is so, that undoing it fails. Of one that was on already,
 * what stood before stands still. */
static void back_out(struct default_note *n, struct err *e)
{
	struct err why = ERR_INIT;
	bool has;

	if (n->state == DEFAULT_BEGUN && undo_begun(n, &has, &why) < 0 && e)
		err_hint(e, e->code,
			 "something is left (%s), which is undone soon, or by: vpnctl default %s",
			 why.msg, has ? n->now.name : "none");
}

static void keep_cable(struct default_way *w, const struct default_way *was)
{
	w->host = was->host;
	w->has_ip4 = was->has_ip4;
	w->has_ip6 = was->has_ip6;
	w->addr4 = was->addr4;
	w->addr6 = was->addr6;
}

/* Writes the note, with what the wanted one replaces. has: there is a note, which *n is. */
static int begin(struct default_note *n, bool has, struct default_way *w, struct err *e)
{
	bool is_new;
	int r = 0;

	if (!has) {
		memset(n, 0, sizeof(*n));
		r = note_here(n, e);
		r = r ?: default_dns_look(n, e);
		r = r ?: look_valid_mark(n, e);
	}
	is_new = !default_has(n, w->name);
	if (r == 0 && is_new)
		r = default_cable_check(w, e);
	if (r < 0)
		return r;
	if (n->now.id && !default_is_way_of(&n->now, w->name)) {
		struct default_way other = n->now;

		n->now = n->old;
		n->old = other;
	}
	if (default_is_way_of(&n->now, w->name))
		keep_cable(w, &n->now);
	n->state = is_new ? DEFAULT_BEGUN : DEFAULT_CHANGING;
	n->now = *w;
	return default_note_write(n, e);
}

/* Nothing is left of the one that it replaces. */
static int finish(struct default_note *n, struct err *e)
{
	if (n->state == DEFAULT_ON)
		return 0;
	memset(&n->old, 0, sizeof(n->old));
	n->state = DEFAULT_ON;
	return default_note_write(n, e);
}

/* Under the lock. */
static int set_locked(struct default_note *n, bool has, const char *name, bool strict,
		      struct err *e)
{
	AUTO_CLOSE int vpn = vpn_lock(name, e);
	struct default_way w;
	bool done = false;
	int r;

	if (vpn < 0)
		return vpn;
	r = read_way(name, strict, &w, e);
	if (r == 0 && has && n->state == DEFAULT_BEGUN)
		r = undo_begun(n, &has, e);
	if (r == 0)
		r = begin(n, has, &w, e);
	if (r < 0)
		return err_wrap(e, r, "cannot make %s the default", name);
	r = default_cable_plug(&n->now, e);
	r = r ?: default_note_write(n, e); /* now with the cable's number */
	r = r ?: replace(n, &n->now, &done, e);
	if (r < 0 && done)
		return err_wrap(e, r,
				"%s is the default, but of %s something is left (the same again "
				"finishes it)",
				n->now.name, n->old.id ? n->old.name : "what was before");
	if (r < 0) {
		back_out(n, e);
		return err_wrap(e, r, "cannot make %s the default", name);
	}
	r = finish(n, e);
	return r < 0 ? err_wrap(e, r,
				"%s is the default, but that is not noted yet (the same again "
				"does it, or its keeper)",
				n->now.name)
		     : 0;
}

/* The last step: what kept the machine closed before there was a default goes. */
static int open_up(const char *name, struct err *e)
{
	int r = default_boot_open(false, e);

	return r < 0 ? err_wrap(e, r,
				"%s is the default, but the machine is still closed as at its "
				"start (the same again opens it, or its keeper)",
				name)
		     : 0;
}

/* Locks, reads and asks. *ret_has: *n is what there is. Returns a descriptor, the lock. */
static int start(const struct default_permit *permit, struct default_note *n, bool *ret_has,
		 int *ret_verdict, struct err *e)
{
	AUTO_CLOSE int fd = lock(e);
	int r;

	if (fd < 0)
		return fd;
	r = default_note_read(n, e);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_has = r == 0;
	r = *ret_has ? check_here(n, e) : 0;
	if (r < 0)
		return r;
	*ret_verdict = permit ? permit->ask(*ret_has ? n : NULL, permit->arg, e) : 0;
	return *ret_verdict < 0 ? *ret_verdict : take_fd(&fd);
}

static int set_name(const char *name, bool strict, const struct default_permit *permit,
		    struct err *e)
{
	struct default_note n;
	int verdict, r;
	bool has;
	AUTO_CLOSE int fd = start(permit, &n, &has, &verdict, e);

	if (fd < 0 || verdict)
		return fd < 0 ? fd : 0;
	r = set_locked(&n, has, name, strict, e);
	return r < 0 ? r : open_up(name, e);
}

int default_set(const char *name, bool strict, const struct default_permit *permit, struct err *e)
{
	struct default_way w = {.strict = strict};
	int r = str_copy(w.name, sizeof(w.name), name);

	/* Who asks for it hears what is not there; who only keeps it goes on without. */
	r = r < 0 ? err_set(e, r, "there is no VPN '%s'", name) : default_exempt_read(&w, true, e);
	return r < 0 ? err_wrap(e, r, "cannot make %s the default", name)
		     : set_name(name, strict, permit, e);
}

int default_clear(const struct default_permit *permit, char *ret_name, struct err *e)
{
	const struct default_way *was;
	struct default_note n;
	int verdict, r;
	bool has;
	AUTO_CLOSE int fd = start(permit, &n, &has, &verdict, e);

	ret_name[0] = '\0';
	if (fd < 0)
		return err_wrap(e, fd, "cannot take the default away");
	if (verdict)
		return 0;
	if (!has) {
		/* A restart of the machine leaves the names, a killed default the note that it
		 * began. */
		r = file_remove(DEFAULT_NOTE_PATH, e);
		r = r ?: resolv_file_restore(e);
		return r < 0 ? r : default_boot_open(true, e);
	}
	was = n.state == DEFAULT_BEGUN ? &n.old : &n.now;
	r = clear_locked(&n, e);
	r = r ?: default_boot_open(true, e);
	if (r < 0)
		return err_wrap(e, r, "cannot take the default away");
	memcpy(ret_name, was->name, sizeof(was->name));
	return 0;
}

/* Whoever cannot tell must not take the names of a default that stands for a leftover. */
static bool note_is_absent(void)
{
	return file_is_there(DEFAULT_NOTE_PATH, NULL) == 0;
}

int default_recover(struct err *e)
{
	AUTO_CLOSE int fd = -1;
	int ours = note_is_absent() ? resolv_file_is_ours(e) : 0;

	if (ours <= 0)
		return ours;
	fd = lock(e);
	if (fd < 0)
		return fd;
	return note_is_absent() ? resolv_file_restore(e) : 0;
}

/* The VPN is down itself, and closed; what others need of it still changes. Its cable may have gone
 * with its namespace, and is made with the next `up`. */
static int refresh(struct default_note *n, struct err *e)
{
	AUTO_WANT_LIST struct want_list part = {0}, all = {0};
	const struct ensure_by by = {make_table, act, n};
	struct want_marks marks;
	int r = default_marks(&marks, e);

	want_default_firewall(&part, &n->now);
	want_default_rules(&part, &n->now, &marks);
	r = r ?: ensure_make(&part, -1, &by, e);
	r = r ?: default_note_write(n, e); /* with the ways that the firewall knows now */
	r = r ?: list_way(n, &n->now, &all, e);
	r = r ?: ensure_seal(&all, -1, e);
	return r < 0 ? r : made_write(LEDGER, NULL, &all, e);
}

/* only_lost: nothing if nothing is missing. 1: what was begun and broken off is undone. */
static int follow(bool only_lost, struct err *e)
{
	struct default_note n;
	struct record rec;
	int verdict, r;
	bool has;
	AUTO_CLOSE int fd = -1;

	if (note_is_absent())
		return 0;
	fd = start(NULL, &n, &has, &verdict, e);
	if (fd == -EXDEV)
		return 0;
	if (fd < 0 || !has)
		return fd < 0 ? fd : 0;
	if (n.state == DEFAULT_BEGUN || n.state == DEFAULT_GOING) {
		r = n.state == DEFAULT_GOING ? clear_locked(&n, e) : undo_begun(&n, &has, e);
		return r < 0 ? r : 1;
	}
	/* Another that was at it when it was looked at is done by now. */
	if (only_lost && default_judge(&n, NULL) == 0)
		return 0;
	r = record_find(n.now.name, &rec, e);
	if (r < 0)
		return r;
	if (r > 0 && rec.state == RECORD_UP)
		r = set_locked(&n, true, n.now.name, n.now.strict, e);
	else
		r = refresh(&n, e);
	return r < 0 ? r : open_up(n.now.name, e);
}

int default_follow(struct err *e)
{
	int r = follow(false, e);

	return r < 0 ? r : 0;
}

int default_close(struct boot *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int read = boot_read(BOOT_WISH_PATH, ret, &why), r;
	AUTO_CLOSE int fd = -1;

	if (read == -ENOENT)
		return read;
	fd = lock(e);
	if (fd < 0)
		return fd;
	if (!note_is_absent())
		return 1;
	/* Whoever finds one of the two means must know that it has to go. */
	r = boot_write(BOOT_WAIT_PATH, ret, e);
	r = r ?: default_boot_wall(NULL, e);
	/* Somebody is about to write the uplink's names into it. */
	r = r ?: resolv_file_restore(e);
	if (r < 0)
		return err_wrap(e, r, "cannot close the machine");
	return read < 0 ? err_set(e, read, "the machine is closed, but %s", why.msg) : 0;
}

/* The machine waits for this VPN to be its default. awaited: it waited for one before. */
static int follow_boot(const char *name, bool awaited, struct err *e)
{
	struct boot b;
	int r = file_is_there(DEFAULT_NOTE_PATH, e);

	if (r > 0)
		return 0;
	r = r ?: boot_read(BOOT_WAIT_PATH, &b, e);
	if (r == -ENOENT || r == -EPROTO || (r < 0 && !awaited))
		return 0;
	if (r < 0)
		return err_wrap(e, r, "%s is up, but this machine is closed still (try again)",
				name);
	return strcmp(b.name, name) != 0 ? 0 : set_name(name, b.strict, NULL, e);
}

/* Whoever asked for the VPN must not take it for one that is down. */
static int follow_up(const char *name, struct err *e)
{
	int r = default_follow(e);

	return r < 0 ? err_wrap(
			       e, r,
			       "%s is up, but the machine's default could not follow it (try again)",
			       name)
		     : 0;
}

int default_around(int (*apply)(const struct profile *p, struct err *note, struct err *e),
		   const struct profile *p, struct err *note, struct err *e)
{
	int awaited = default_awaited(e), followed, r;

	r = awaited < 0 ? awaited : default_recover(e);
	/* The tunnel's own packets have to pass, whatever its file marks them with. */
	if (r == 0 && awaited)
		r = default_boot_wall(p, e);
	if (r == 0)
		r = apply(p, note, e);
	/* -ECHILD: the VPN is up, but nobody watches over it. */
	if (r != 0 && r != -ECHILD)
		return r;
	followed = follow_up(p->name, r == 0 ? e : NULL);
	followed = followed ?: follow_boot(p->name, awaited, r == 0 ? e : NULL);
	return r < 0 ? r : followed;
}

int default_repair(struct err *e)
{
	return follow(true, e);
}

static void keep_first(const struct want *w, const char *sentence, void *arg)
{
	struct err *first = arg;

	(void)w;
	if (!first->code)
		err_set(first, -ENOENT, "%s", sentence);
}

int default_missing(ensure_fn fn, void *arg, struct err *e)
{
	AUTO_WANT_LIST struct want_list l = {0};
	int r = made_read(LEDGER, &l, e);

	return r < 0 ? r : ensure_missing(&l, -1, fn, arg, e);
}

int default_judge(const struct default_note *n, struct err *e)
{
	struct err first = ERR_INIT;
	uint64_t ways = 0;
	int r;

	r = check_here(n, e);
	if (r < 0)
		return r;
	if (n->state == DEFAULT_BEGUN)
		return err_set(
			e, -ENOENT,
			"%s is to become it and is not yet; if that lasts: vpnctl default %s",
			n->now.name, n->old.id ? n->old.name : "none");
	if (n->state == DEFAULT_GOING)
		return err_set(e, -ENOENT,
			       "it is being taken away as the machine's default; if that lasts: "
			       "vpnctl default none");
	if (n->state != DEFAULT_ON)
		return err_set(e, -ENOENT,
			       "it is being set up; if that lasts, run again: vpnctl default %s",
			       n->now.name);
	r = default_missing(keep_first, &first, e);
	if (r > 0)
		return err_set(e, -ENOENT, "of the machine's default, %s", first.msg);
	if (r == -ENOENT || r == -EPROTO)
		return err_set(
			e, -ENOENT,
			"another version of vpnrun made it the machine's default; run again: "
			"vpnctl default %s",
			n->now.name);
	r = r ?: default_ways_read(&n->now, NULL, &ways, e);
	r = r ?: default_awaited(e);
	if (r < 0)
		return r;
	if (r > 0)
		return err_set(e, -ENOENT,
			       "the machine is still closed as at its start; run again: vpnctl "
			       "default %s",
			       n->now.name);
	r = default_exempt_is_stale(&n->now, e);
	if (r < 0)
		return r;
	if (r > 0)
		return err_set(
			e, -ENOENT,
			"a unit that \"default_exclude\" names has begun or ended, or the "
			"uplink's name servers have changed: vpnctl default %s takes that over",
			n->now.name);
	if (ways != n->now.ways)
		return err_set(e, -ENOENT,
			       "the host's own routes have changed: vpnctl default %s opens what "
			       "is new of them",
			       n->now.name);
	return r;
}
