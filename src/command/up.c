/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl up, restart, down, hold: the VPNs themselves. Parse, call up/apply, say what came of it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "command/await.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "ctl/twins.h"
#include "ensure/applied.h"
#include "keeper/ask.h"
#include "up/apply.h"
#include "default/default.h"
#include "conf/profile.h"
#include "state/record.h"
#include "tunnel/twin.h"
#include "tunnel/via.h"
#include "conf/value.h"

typedef int (*apply_fn)(const struct profile *p, struct err *note, struct err *e);

/* One that may be applied: nothing on this machine is against it. */
static int load_profile(const char *name,
			int (*load)(const char *name, struct profile *p, struct err *e),
			struct profile *p, struct err *e)
{
	int r = load(name, p, e);

	r = r > 0 ? 0 : r;
	r = r ?: profile_check_conflicts(p, e);
	if (r == 0 && p->tunnel.world_readable)
		r = err_set(e, -EPERM,
			    "the private key of %s can be read by every user; first: chmod 600 %s",
			    name, p->config ? p->config : "its private_key_file");
	return r;
}

static bool is_up(const char *name)
{
	struct record r;

	return record_read(name, &r, NULL) == 0 && r.state == RECORD_UP;
}

/* It may be meant, for a moment, so it is no reason to refuse. */
static void warn_twins(const struct profile *p)
{
	char other[NAME_MAX_LEN + 1], device[IFNAMSIZ];

	if (twins_find(p->name, &p->tunnel, is_up, other))
		log_info("note: VPN '%s', which is up, " TWINS_SAY, other);
	if (tunnel_twin_find(p->name, &p->tunnel, device))
		log_info("note: the device %s, which is not vpnrun's, " TWINS_SAY, device);
}

/* Returns 0 and the profile, whose keys the caller frees, 1 where there was nothing to do, or has
 * said why not. */
static int apply_profile(const char *name, apply_fn apply, struct profile *ret)
{
	struct err e = ERR_INIT, note = ERR_INIT;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct profile p = {0};
	int r;

	progress_begin(&progress, 0, "bringing %s up", name);
	/* What is repaired is what was applied, whatever the files say by now; without keys, as far
	 * as they are not needed. */
	ask_clear();
	r = load_profile(name, apply == vpn_revive ? applied_load : applied_load_in_use, &p, &e);
	if (r == 0 && apply != vpn_revive)
		warn_twins(&p);
	/* The machine's default follows its VPNs. */
	r = r ?: default_around(apply, &p, &note, &e);
	if (r < 0)
		ctl_fail(&e);
	else if (note.msg[0])
		log_info("note: %s", note.msg);
	if (r == 0)
		*ret = p;
	else
		profile_free(&p);
	return r;
}

/* A terminal shows it until the answer has come. */
static void say_asking(const char *host, const char *servers, const char *via)
{
	static struct progress progress;

	progress_end(&progress);
	if (!host)
		return;
	if (!*servers)
		servers = "the name server";
	progress_begin(&progress, 0, "asking %s for the address of %s%s%s", servers, host,
		       *via ? ", through VPN " : "", via);
	if (!progress.is_on)
		log_info("asking %s for the address of %s%s%s ...", servers, host,
			 *via ? ", through VPN " : "", via);
}

/* All of them come up before the first is waited for. */
static int apply_names(int n, char **names, apply_fn apply, bool wait)
{
	struct await *all = calloc((size_t)n + 1, sizeof(*all));
	size_t n_up = 0;
	int rc = CTL_OK;

	if (!all) {
		log_error("cannot hold %d VPNs", n);
		return CTL_FAILED;
	}
	via_on_wait(say_asking);
	for (int i = 0; i < n; i++) {
		struct profile p = {0};

		if (names[i][0] == '-')
			continue;
		if (apply_profile(names[i], apply, &p) < 0) {
			rc = CTL_FAILED;
		} else if (wait) {
			await_begin(&all[n_up++], &p);
		} else {
			say("%s is up\n", names[i]);
			profile_free(&p);
		}
	}
	await_all(all, n_up);
	free(all);
	return rc;
}

/* All of them, before anything is done for the first. */
static int check_all(int n, char **names)
{
	struct err e = ERR_INIT;

	for (int i = 0; i < n; i++)
		if (names[i][0] != '-' && ctl_check_known(names[i], &e) < 0)
			return ctl_fail(&e);
	return CTL_OK;
}

int ctl_up_name(const char *name, bool wait)
{
	char copy[NAME_MAX_LEN + 1], *names[] = {copy};

	return str_copy(copy, sizeof(copy), name) < 0 ? CTL_FAILED
						      : apply_names(1, names, vpn_up, wait);
}

/* `up` and `restart`, whose words are the same. */
static int run_apply(int argc, char **argv, apply_fn apply)
{
	bool wait = true;
	int names = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--no-wait"))
			wait = false;
		else if (argv[i][0] == '-')
			names = -argc;
		else
			names++;
	}
	if (names <= 0) {
		log_error("usage: vpnctl %s [--no-wait] NAME...", argv[0]);
		return CTL_USAGE;
	}
	if (check_all(argc - 1, argv + 1) != CTL_OK)
		return CTL_FAILED;
	return apply_names(argc - 1, argv + 1, apply, wait);
}

int ctl_up(int argc, char **argv)
{
	return run_apply(argc, argv, vpn_up);
}

int ctl_restart(int argc, char **argv)
{
	return run_apply(argc, argv, vpn_restart);
}

/* Whoever took the VPN down may have removed its files, too. */
int ctl_revive(int argc, char **argv)
{
	struct profile p = {0};
	struct record r;
	int rc;

	if (argc != 2 || argv[1][0] == '-') {
		log_error("usage: vpnctl revive NAME");
		return 2;
	}
	if (!str_is_vpn_name(argv[1]) || record_read(argv[1], &r, NULL) < 0 ||
	    r.state == RECORD_DOWN)
		return 0;
	rc = apply_profile(argv[1], vpn_revive, &p);
	if (rc == 0)
		say("%s is up\n", argv[1]);
	profile_free(&p);
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

/* A name that has neither a profile nor anything that is up is a typing error. */
int ctl_check_known(const char *name, struct err *e)
{
	struct record r;
	struct profile p = {0};
	char path[64], shown[VALUE_SHOW_MAX];
	int rc;

	if (!str_is_vpn_name(name))
		return err_set(e, -EINVAL, "%s is not a VPN's name", value_show(name, shown));
	if (record_read(name, &r, NULL) == 0)
		return 0;
	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name);
	if (access(path, F_OK) == 0)
		return 0;
	rc = profile_load_name(name, &p, e); /* for its list of those that exist */
	profile_free(&p);
	return rc;
}

/* Another that has become it meanwhile stays it. */
static int is_its_default(const struct default_note *n, const void *arg, struct err *e)
{
	(void)e;
	return !n || !default_has(n, arg);
}

/* Says so: the machine's traffic goes in the clear from here on. */
static int forsake_default(const char *name, struct err *e)
{
	const struct default_permit permit = {is_its_default, name};
	char was[16];
	int r = default_clear(&permit, was, e);

	if (r == 0 && was[0])
		say("%s is not the default any more: traffic goes through the uplink\n", was);
	return r;
}

static void say_down(const char *name, const struct down_report *rep)
{
	if (!rep->was_there)
		say("%s was not up\n", name);
	else if (rep->held)
		say("%s is down; it stays, closed, as it is held (vpnctl hold --off %s ends that)\n",
		    name, name);
	else if (rep->kept)
		say("%s is down; its namespace stays, closed, for %u inside "
		    "(vpnctl down --force %s unplugs them)\n",
		    name, rep->leases + rep->processes, name);
	else
		say("%s is down\n", name);
}

static int down_one(const char *name, bool force)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct down_report rep;
	struct err e = ERR_INIT;
	int r = ctl_check_known(name, &e);

	progress_begin(&progress, 0, "taking %s down", name);

	ask_clear();
	if (r == 0 && force)
		r = forsake_default(name, &e);
	if (r == 0)
		r = vpn_down(name, force, &rep, &e);
	if (r < 0)
		return ctl_fail(&e);
	say_down(name, &rep);
	return 0;
}

/* All names are known before one() is called for the first. */
static int run_each(int argc, char **argv, const char *option,
		    int (*one)(const char *name, bool has_option))
{
	bool has_option = false;
	int names = 0, rc = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], option))
			has_option = true;
		else if (argv[i][0] == '-')
			names = -argc;
		else
			names++;
	}
	if (names <= 0) {
		log_error("usage: vpnctl %s [%s] NAME...", argv[0], option);
		return 2;
	}
	if (check_all(argc - 1, argv + 1) != CTL_OK)
		return 1;
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			rc |= one(argv[i], has_option);
	return rc;
}

int ctl_down(int argc, char **argv)
{
	return run_each(argc, argv, "--force", down_one);
}

/* --- hold ------------------------------------------------------------------------------------ */

static int unhold_one(const char *name)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct down_report rep;
	struct err e = ERR_INIT;

	progress_begin(&progress, 0, "taking %s down", name);
	if (vpn_unhold(name, &rep, &e) < 0)
		return ctl_fail(&e);
	say("%s is not held any more%s\n", name,
	    rep.kept && rep.leases + rep.processes ? ", and stays, closed, for those inside" : "");
	return 0;
}

static int hold_one(const char *name, bool off)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct profile p = {0};
	struct err e = ERR_INIT;
	struct record rec;
	int r;

	if (off)
		return unhold_one(name);
	progress_begin(&progress, 0, "making %s", name);
	r = load_profile(name, profile_load_name, &p, &e);
	r = r ?: vpn_hold(&p, &e);
	r = r ?: record_read(name, &rec, &e);
	profile_free(&p);
	if (r < 0)
		return ctl_fail(&e);
	if (rec.state == RECORD_UP)
		say("%s is up, and will stay, closed, when it is taken down\n", name);
	else
		say("%s is held: closed until it is up, and containers may start in it\n", name);
	return 0;
}

int ctl_hold(int argc, char **argv)
{
	return run_each(argc, argv, "--off", hold_one);
}
