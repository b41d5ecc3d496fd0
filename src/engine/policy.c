/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl policy check|show|list|install`: says in words what a policy closes, on each ABI, and
 * compiles a user's own.
 *
 * check, show and list touch nothing; install replaces one file in /etc/vpnrun/policy. A policy
 * that leaves known doors open is installed all the same, with its warnings: the administrator
 * decides.
 */
#include "ctl/ctl.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "box/seccomp.h"
#include "engine/policy_explain.h"
#include "ctl/show.h"
#include "policy/compile.h"

#define POLICY_ETC_DIR "/etc/vpnrun/policy"

/* --- files ------------------------------------------------------------------------------------ */

/* /etc first, then what was installed or built beside this program. */
static void policy_dirs(char *beside, size_t size, const char *ret[3])
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	ret[0] = POLICY_ETC_DIR;
	ret[1] = ret[2] = NULL;
	if (n < 0)
		return;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return;
	*slash = '\0';
	if (str_fmt(beside, size, "%s/../lib/vpnrun/policy", exe) >= 0)
		ret[1] = beside;
}

/* FILE's base without ".json", if that can be a name. */
static const char *name_of_file(const char *file, char *buf, size_t size)
{
	const char *slash = strrchr(file, '/');
	size_t n;

	if (str_copy(buf, size, slash ? slash + 1 : file) < 0)
		return "";
	n = strlen(buf);
	if (n > 5 && strcmp(buf + n - 5, ".json") == 0)
		buf[n - 5] = '\0';
	return buf;
}

static int compile_file(const char *file, const char *name, const char *caps_file,
			struct policy_program *ret, struct err *e)
{
	AUTO_FREE char *text = NULL, *caps_text = NULL;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct policy p = {0};
	uint64_t caps = 0;
	size_t len;
	int rc = 0;

	progress_begin(&progress, 0, "compiling %s", file);
	if (caps_file) {
		rc = file_read_named(caps_file, POLICY_FILE_MAX, &caps_text, &len, e);
		if (rc == 0)
			rc = policy_caps_parse(caps_file, caps_text, len, &caps, e);
	}
	if (rc == 0)
		rc = file_read_named(file, POLICY_FILE_MAX, &text, &len, e);
	if (rc == 0)
		rc = policy_oci_parse(file, text, len, &p, e);
	if (rc < 0)
		return rc;
	rc = policy_compile(&p, &(struct policy_target){name, POLICY_ARCH, caps}, ret, e);
	if (rc < 0)
		err_wrap(e, rc, "%s", file);
	for (size_t i = 0; rc == 0 && i < p.n_warnings; i++)
		log_info("%s: warning: %s", file, p.warnings[i]);
	policy_free(&p);
	return rc;
}

/* --- commands --------------------------------------------------------------------------------- */

struct policy_options {
	const char *file; /* or a name */
	const char *name;
	const char *caps;
};

static bool parse(int argc, char **argv, bool many, struct policy_options *ret)
{
	static const struct option options[] = {{"name", required_argument, NULL, 'n'},
						{"caps", required_argument, NULL, 'c'},
						{NULL, 0, NULL, 0}};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'n' && many)
			ret->name = optarg;
		else if (opt == 'c' && many)
			ret->caps = optarg;
		else
			return false;
	}
	if (argc - optind != 1)
		return false;
	ret->file = argv[optind];
	return true;
}

static int usage(void)
{
	fputs("usage: vpnctl policy check [--name N] [--caps FILE] FILE\n"
	      "       vpnctl policy install [--name N] [--caps FILE] FILE\n"
	      "       vpnctl policy show NAME\n"
	      "       vpnctl policy list\n",
	      stderr);
	return CTL_USAGE;
}

static int install_or_check(const struct policy_options *o, bool install)
{
	static struct policy_program prog;
	struct err e = ERR_INIT;
	char buf[256], path[256];
	const char *name = o->name ? o->name : name_of_file(o->file, buf, sizeof(buf));
	int rc;

	/* A file to be looked at may have any name. */
	if (!install && !o->name && !policy_name_ok(name))
		name = "unnamed";
	if (compile_file(o->file, name, o->caps, &prog, &e) < 0)
		return ctl_fail(&e);
	if (!install) {
		policy_explain(o->file, &prog.header, prog.insns);
		return CTL_OK;
	}
	rc = dir_make(POLICY_ETC_DIR, 0755, &e);
	file_clear_begun(POLICY_ETC_DIR);
	if (rc >= 0)
		rc = str_fmt(path, sizeof(path), "%s/%s.bpf", POLICY_ETC_DIR, name);
	if (rc >= 0)
		rc = file_replace(path, &prog, policy_program_size(&prog), 0644, &e);
	if (rc < 0)
		return ctl_fail(&e);
	policy_explain(o->file, &prog.header, prog.insns);
	say("installed as %s: vpnrun --policy %s\n", path, name);
	return CTL_OK;
}

static int show(const char *name)
{
	static struct box_policy p;
	struct err e = ERR_INIT;
	char beside[4200];
	const char *dirs[3];

	policy_dirs(beside, sizeof(beside), dirs);
	if (box_seccomp_read(dirs, name, &p, &e) < 0)
		return ctl_fail(&e);
	policy_explain(name, &p.header, p.insns);
	return CTL_OK;
}

int ctl_check_policy(const char *name, struct err *e)
{
	static struct box_policy p;
	char beside[4200];
	const char *dirs[3];

	if (!strcmp(name, "none"))
		return 0;
	policy_dirs(beside, sizeof(beside), dirs);
	return box_seccomp_read(dirs, name, &p, e);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int list(void)
{
	char beside[4200], name[POLICY_NAME_MAX + 1], path[4400];
	const char *dirs[3];

	policy_dirs(beside, sizeof(beside), dirs);
	for (size_t i = 0; dirs[i]; i++) {
		struct dirent **found = NULL;
		int n = scandir(dirs[i], &found, NULL, by_name);

		for (int k = 0; k < n; k++) {
			size_t len = strlen(found[k]->d_name);

			if (len > 4 && len - 4 <= POLICY_NAME_MAX &&
			    strcmp(found[k]->d_name + len - 4, ".bpf") == 0) {
				memcpy(name, found[k]->d_name, len - 4);
				name[len - 4] = '\0';
				/* One in /etc hides the shipped one of its name. */
				if (i > 0 &&
				    str_fmt(path, sizeof(path), "%s/%s", dirs[0],
					    found[k]->d_name) >= 0 &&
				    access(path, F_OK) == 0)
					say("%-16s %s (hidden by the one above)\n", name,
					    "shipped");
				else
					say("%-16s %s\n", name, i ? "shipped" : dirs[i]);
			}
			free(found[k]);
		}
		free(found);
	}
	say("%-16s %s\n", "none", "no filter at all");
	return CTL_OK;
}

int ctl_policy(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct policy_options o = {NULL, NULL, NULL};

	if (strcmp(verb, "list") == 0 && argc == 2)
		return list();
	if (strcmp(verb, "show") == 0 && parse(argc - 1, argv + 1, false, &o))
		return show(o.file);
	if (strcmp(verb, "check") == 0 && parse(argc - 1, argv + 1, true, &o))
		return install_or_check(&o, false);
	if (strcmp(verb, "install") == 0 && parse(argc - 1, argv + 1, true, &o))
		return install_or_check(&o, true);
	return usage();
}
