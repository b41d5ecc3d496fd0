/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl wrap, unwrap: a program that always goes through a VPN, for a user without root. All is
 * looked at first and becomes a plan; then a record of it is written, then the files.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "wrap/around.h"
#include "wrap/aside.h"
#include "wrap/carry.h"
#include "wrap/ways.h"

struct wrap_options {
	const char *vpn, *policy;
	bool profile, check;
};

/* The cover's texts live here, as long as it does. */
struct wrap_words {
	char vpnrun[PATH_MAX], prefix[PATH_MAX], options[PATH_MAX], first[PATH_MAX];
	char mark[WRAP_MARK_SIZE];
};

/* --- the job ---------------------------------------------------------------------------------- */

static int begin(struct wrap_job *j, struct wrap_words *w, const char *program, struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", w->vpnrun, sizeof(w->vpnrun) - 8);

	j->target.program = program;
	if (geteuid() == 0 && getenv("SUDO_UID"))
		return err_set(e, -EPERM, "wrappers are a user's own: run this without sudo");
	if (!wrap_is_program_name(program))
		return err_set(e, -EINVAL, "say the program's name alone, such as firefox");
	if (n <= 0)
		return err_set(e, -ENOENT, "cannot find vpnrun");
	w->vpnrun[n] = '\0';
	memcpy(strrchr(w->vpnrun, '/'), "/vpnrun", sizeof("/vpnrun"));
	wrap_mark(program, w->mark);
	j->cover = (struct wrap_cover){
		.target = &j->target, .prefix = w->prefix, .options = w->options, .mark = w->mark};
	return wrap_find_places(j, e);
}

/* A browser's profile of its own is in a directory of the VPN's: two VPNs have two. */
static int find_profile(const struct wrap_job *j, struct wrap_words *w, struct err *e)
{
	const char *option = j->target.kind == KIND_GECKO      ? "--profile "
			     : j->target.kind == KIND_CHROMIUM ? "--user-data-dir="
							       : NULL;

	if (!option)
		return err_set(e, -EINVAL,
			       "%s is not a browser whose profile can be named: wrap it without "
			       "--profile",
			       j->target.program);
	if (strpbrk(j->data, " \t\n\"'\\$`%;&|<>()*?#"))
		return err_set(e, -EINVAL, "the path %s has characters that no wrapper can hold",
			       j->data);
	return str_fmt(w->options, sizeof(w->options), "%s%s/vpnrun/profiles/%s/%s", option,
		       j->data, j->cover.vpn, j->target.program) < 0
		       ? err_set(e, -ENAMETOOLONG, "the path of the home directory is too long")
		       : 0;
}

static int plan(struct wrap_job *j, struct wrap_words *w, const struct wrap_options *o,
		struct err *e)
{
	int r = wrap_path_without(j->bin, j->target.program, w->first, sizeof(w->first), e);

	r = r ?: wrap_target_find(&j->target, e);
	if (r < 0)
		return r;
	j->cover.vpn = o->vpn;
	if (str_fmt(w->prefix, sizeof(w->prefix), "%s --notify%s%s %s --", w->vpnrun,
		    o->policy ? " --policy " : "", o->policy ? o->policy : "", o->vpn) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of vpnrun is too long");
	r = o->profile ? find_profile(j, w, e) : 0;
	return r ?: wrap_plan_ways(j, e);
}

/* The directory goes again with the wrapper if no browser has used it. */
static int note_profile(const struct wrap_words *w, struct wrap_record *r, struct err *e)
{
	const char *dir = strchr(w->options, '/');
	char below[PATH_MAX];

	return dir && str_fmt(below, sizeof(below), "%s/x", dir) > 0
		       ? wrap_record_missing(r, below, e)
		       : 0;
}

static int make_profile(const struct wrap_words *w, struct err *e)
{
	const char *dir = strchr(w->options, '/');

	return dir ? dir_make(dir, 0700, e) : 0;
}

/* --- what is said ----------------------------------------------------------------------------- */

static unsigned int count(const struct wrap_job *j, enum wrap_kind kind)
{
	unsigned int n = 0;

	for (size_t i = 0; i < j->n_files; i++)
		n += j->files[i].kind == kind;
	return n;
}

static const char *const kind_names[][2] = {
	[WRAP_COMMAND] = {"", ""},
	[WRAP_ENTRY] = {"desktop entry", "desktop entries"},
	[WRAP_AUTOSTART] = {"autostart entry", "autostart entries"},
	[WRAP_HELPER] = {"helper of Xfce's", "helpers of Xfce's"},
	[WRAP_SERVICE] = {"D-Bus service", "D-Bus services"},
	[WRAP_UNIT] = {"user unit", "user units"},
	[WRAP_HOST] = {"native-messaging manifest", "native-messaging manifests"},
};
static_assert(ARRAY_SIZE(kind_names) == WRAP_N_KINDS, "each kind has a name");

static void say_made(const struct wrap_job *j, const struct wrap_words *w)
{
	char list[300] = "";
	size_t n = 0;

	for (size_t i = WRAP_ENTRY; i < WRAP_N_KINDS; i++) {
		unsigned int k = count(j, (enum wrap_kind)i);

		if (!k && i != WRAP_ENTRY)
			continue;
		str_fmt(list + n, sizeof(list) - n, ", %u %s", k, kind_names[i][k != 1]);
		n = strlen(list);
	}
	say("%s goes through %s from now on: %s/%s%s\n", j->target.program, j->cover.vpn, j->bin,
	    j->target.program, list);
	if (w->options[0])
		say("its profile of this VPN's own is %s\n", strchr(w->options, '/'));
	if (count(j, WRAP_SERVICE))
		say("the session's bus knows it after the next login, or now by: dbus-send "
		    "--session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus "
		    "org.freedesktop.DBus.ReloadConfig\n");
	if (count(j, WRAP_UNIT))
		say("systemd knows it after the next login, or now by: systemctl --user "
		    "daemon-reload; what runs already is to be restarted\n");
}

static void say_around(const struct wrap_job *j)
{
	for (size_t i = 0; i < j->n_around; i++)
		say("%s\n    %s\n", j->around[i].what, j->around[i].instead);
}

/* --- commands --------------------------------------------------------------------------------- */

static int wrap_usage(void)
{
	log_error("usage: vpnctl wrap PROGRAM --vpn NAME [--policy POLICY] [--profile], or vpnctl "
		  "wrap --check PROGRAM");
	return CTL_USAGE;
}

static int check_options(const struct wrap_options *o, struct err *e)
{
	int r = 0;

	if (!str_is_vpn_name(o->vpn) && strcmp(o->vpn, "default") != 0 &&
	    strcmp(o->vpn, "none") != 0)
		return err_set(e, -EINVAL, "that is not a VPN's name");
	if (o->policy && !wrap_is_program_name(o->policy))
		return err_set(e, -EINVAL, "that is not a policy's name");
	if (str_is_vpn_name(o->vpn))
		r = ctl_check_known(o->vpn, e);
	if (r == 0 && o->policy)
		r = ctl_check_policy(o->policy, e);
	return r;
}

/* What the user types next in their own shell is said at once, not counted. */
static void note_around(const struct wrap_job *j, bool is_shell)
{
	size_t n = j->n_around - (is_shell ? 1 : 0);

	if (is_shell)
		log_info("note: %s; %s", j->around[0].what, j->around[0].instead);
	if (n)
		log_info("note: %zu more %s it without the VPN: vpnctl wrap --check %s", n,
			 n == 1 ? "way starts" : "ways start", j->target.program);
}

static int make(struct wrap_job *j, struct wrap_words *w, const struct wrap_options *o,
		struct err *e)
{
	struct wrap_record record = {.profile = o->profile};
	int r = check_options(o, e);

	r = r ?: plan(j, w, o, e);
	/* All looking comes before all making. */
	r = r ?: wrap_look_around(j, w->first, e);
	r = r ?: note_profile(w, &record, e);
	if (r < 0) {
		wrap_record_free(&record);
		return r;
	}
	str_copy(record.vpn, sizeof(record.vpn), o->vpn);
	str_copy(record.policy, sizeof(record.policy), o->policy ? o->policy : "");
	r = wrap_carry_out(j, &record, e);
	r = r ?: make_profile(w, e);
	if (r < 0)
		return r;
	say_made(j, w);
	note_around(j, w->first[0] != '\0');
	return 0;
}

/* 1: there is a way around. */
static int check(struct wrap_job *j, struct wrap_words *w, struct err *e)
{
	struct wrap_record was;
	struct wrap_options o;
	int r = wrap_record_read(j, &was, e);

	if (r < 0)
		return r;
	o = (struct wrap_options){.vpn = was.vpn,
				  .policy = was.policy[0] ? was.policy : NULL,
				  .profile = was.profile};
	if (!was.is_there)
		r = err_set(e, -ENOENT, "%s is not wrapped: vpnctl wrap %s --vpn NAME",
			    j->target.program, j->target.program);
	r = r ?: plan(j, w, &o, e);
	r = r ?: wrap_look_at_files(j, e);
	r = r ?: wrap_look_around(j, w->first, e);
	if (r == 0) {
		say_around(j);
		if (!j->n_around)
			say("every way of starting %s that can be seen goes through %s\n",
			    j->target.program, was.vpn);
	}
	wrap_record_free(&was);
	return r < 0 ? r : j->n_around > 0;
}

static int parse(int argc, char **argv, struct wrap_options *o, const char **ret_program)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--vpn") && i + 1 < argc)
			o->vpn = argv[++i];
		else if (!strcmp(argv[i], "--policy") && i + 1 < argc)
			o->policy = argv[++i];
		else if (!strcmp(argv[i], "--profile"))
			o->profile = true;
		else if (!strcmp(argv[i], "--check"))
			o->check = true;
		else if (argv[i][0] != '-' && !*ret_program)
			*ret_program = argv[i];
		else
			return -EINVAL;
	}
	if (o->check)
		return *ret_program && !o->vpn && !o->policy && !o->profile ? 0 : -EINVAL;
	return *ret_program && o->vpn ? 0 : -EINVAL;
}

int ctl_wrap(int argc, char **argv)
{
	struct wrap_lock lock = WRAP_LOCK_INIT;
	struct wrap_options o = {0};
	struct wrap_job j = {0};
	struct wrap_words w = {0};
	struct err e = ERR_INIT;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	const char *program = NULL;
	int r;

	if (parse(argc, argv, &o, &program) < 0)
		return wrap_usage();
	progress_begin(&progress, 0, "looking at every way to start %s", program);
	r = begin(&j, &w, program, &e);
	r = r ?: wrap_lock_take(&j, o.check, &lock, &e);
	r = r ?: o.check ? check(&j, &w, &e) : make(&j, &w, &o, &e);
	wrap_lock_release(&lock);
	wrap_plan_free(&j);
	return r < 0 ? ctl_fail(&e) : r ? CTL_FAILED : CTL_OK;
}

int ctl_unwrap(int argc, char **argv)
{
	struct wrap_lock lock = WRAP_LOCK_INIT;
	struct wrap_job j = {0};
	struct wrap_words w = {0};
	struct err e = ERR_INIT;
	int n;

	if (argc != 2 || argv[1][0] == '-') {
		log_error("usage: vpnctl unwrap PROGRAM");
		return CTL_USAGE;
	}
	n = begin(&j, &w, argv[1], &e);
	n = n ?: wrap_lock_take(&j, false, &lock, &e);
	n = n ?: wrap_carry_back(&j, &e);
	wrap_lock_release(&lock);
	if (n < 0)
		return ctl_fail(&e);
	if (n)
		say("%s is as it was\n", argv[1]);
	else
		say("%s had no wrapper\n", argv[1]);
	return CTL_OK;
}
