/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl wrap, unwrap: a program that always goes through a VPN, for a user without root: a script
 * of its name in ~/.local/bin, and copies of its desktop entries that hide the system's. Every file
 * made carries a mark with the program's name; nothing without that mark is ever replaced or
 * removed, so that unwrap takes away exactly what wrap made.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/ctl.h"
#include "confine/desktop.h"
#include "ctl/show.h"

#define ENTRY_MAX (1024 * 1024)

struct wrap {
	const char *program, *vpn, *policy;
	char bin[PATH_MAX];  /* ~/.local/bin */
	char apps[PATH_MAX]; /* ~/.local/share/applications */
	char vpnrun[PATH_MAX];
	char path[PATH_MAX];   /* of the program */
	char prefix[PATH_MAX]; /* VPNRUN [--policy P] VPN -- */
	char mark[300];
	unsigned int entries;
};

/* --- where ------------------------------------------------------------------------------------ */

static bool is_program_name(const char *s)
{
	if (!s[0] || s[0] == '.' || s[0] == '-' || strlen(s) > 200)
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		      (*s >= '0' && *s <= '9') || strchr("._+-", *s)))
			return false;
	return true;
}

static int find_places(struct wrap *w, struct err *e)
{
	const char *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	ssize_t n = readlink("/proc/self/exe", w->vpnrun, sizeof(w->vpnrun) - 8);
	char *slash;

	if (geteuid() == 0 && getenv("SUDO_UID"))
		return err_set(e, -EPERM, "wrappers are a user's own: run this without sudo");
	if (!home || home[0] != '/')
		return err_set(e, -ENOENT, "HOME is not set");
	if (!is_program_name(w->program))
		return err_set(e, -EINVAL, "say the program's name alone, such as firefox");
	if (n <= 0)
		return err_set(e, -ENOENT, "cannot find vpnrun");
	w->vpnrun[n] = '\0';
	slash = strrchr(w->vpnrun, '/');
	memcpy(slash, "/vpnrun", sizeof("/vpnrun"));
	if (str_fmt(w->bin, sizeof(w->bin), "%s/.local/bin", home) < 0 ||
	    (data && data[0] == '/'
		     ? str_fmt(w->apps, sizeof(w->apps), "%s/applications", data)
		     : str_fmt(w->apps, sizeof(w->apps), "%s/.local/share/applications", home)) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of the home directory is too long");
	str_fmt(w->mark, sizeof(w->mark), " made by vpnctl wrap for %s", w->program);
	return 0;
}

/* As a shell would find it, but for the wrapper's own directory. */
static int find_program(struct wrap *w, struct err *e)
{
	const char *path = getenv("PATH");
	bool before = true;

	for (size_t len; path && *path; path += len + (path[len] == ':')) {
		struct stat st;

		len = strcspn(path, ":");
		if (strlen(w->bin) == len && !strncmp(path, w->bin, len)) {
			before = false;
			continue;
		}
		if (str_fmt(w->path, sizeof(w->path), "%.*s/%s", (int)len, path, w->program) < 0 ||
		    w->path[0] != '/' || access(w->path, X_OK) < 0 || stat(w->path, &st) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (before)
			log_info("note: %s is not in PATH before %.*s, so a shell starts the "
				 "program without the VPN",
				 w->bin, (int)len, path);
		return 0;
	}
	return err_set(e, -ENOENT, "there is no program '%s' in PATH", w->program);
}

/* --- files ------------------------------------------------------------------------------------ */

/* 1: ours, for this program. 0: there is none. -EEXIST: somebody else's. */
static int whose(const struct wrap *w, const char *path)
{
	AUTO_FREE char *text = NULL;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(st.st_mode) || file_read(path, ENTRY_MAX, &text, NULL, NULL) < 0)
		return -EEXIST;
	for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL) {
		if (line[0] != '#')
			break;
		if (!strncmp(line + 1, w->mark, strlen(w->mark)) &&
		    (line[1 + strlen(w->mark)] == '\n' || !line[1 + strlen(w->mark)]))
			return 1;
	}
	return -EEXIST;
}

static int put_file(const struct wrap *w, const char *path, const char *text, mode_t mode,
		    struct err *e)
{
	int r = whose(w, path);

	if (r == -EEXIST)
		return err_set(e, r,
			       "%s exists and was not made by vpnctl wrap: move it away first",
			       path);
	return r < 0 ? err_sys(e, r, "cannot look at %s", path)
		     : file_replace(path, text, strlen(text), mode, e);
}

static int put_script(const struct wrap *w, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	int r = str_fmt(path, sizeof(path), "%s/%s", w->bin, w->program);

	if (r < 0 || asprintf(&text, "#!/bin/sh\n#%s\nexec %s %s \"$@\"\n", w->mark, w->prefix,
			      w->path) < 0) {
		text = NULL;
		return err_set(e, -ENOMEM, "cannot write the wrapper of %s", w->program);
	}
	return put_file(w, path, text, 0755, e);
}

static int put_entry(struct wrap *w, const char *dir, const char *id, struct err *e)
{
	const struct desktop_wrap d = {w->program, w->path, w->prefix, w->vpn, w->mark};
	AUTO_FREE char *text = NULL, *ours = NULL;
	char path[PATH_MAX];

	if (str_fmt(path, sizeof(path), "%s/%s", dir, id) < 0 ||
	    file_read(path, ENTRY_MAX, &text, NULL, NULL) < 0 || !desktop_starts(text, w->program))
		return 0;
	ours = desktop_wrap(text, &d);
	if (!ours || str_fmt(path, sizeof(path), "%s/%s", w->apps, id) < 0)
		return err_set(e, -ENOMEM, "cannot write the desktop entry of %s", w->program);
	w->entries++;
	return put_file(w, path, ours, 0644, e);
}

/* Calls fn for each desktop entry of a directory; a directory that is not there, or that the user
 * may not read, has none. */
static int each_entry(struct wrap *w, const char *dir,
		      int (*fn)(struct wrap *w, const char *dir, const char *id, struct err *e),
		      struct err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	int r = 0;

	/* An entry that was overlooked would start the program without the VPN. */
	if (!d && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		return err_sys(e, -errno, "cannot list %s", dir);
	while (d && r == 0 && (de = readdir(d))) {
		size_t len = strlen(de->d_name);

		if (len > 8 && !strcmp(de->d_name + len - 8, ".desktop"))
			r = fn(w, dir, de->d_name, e);
	}
	if (d)
		closedir(d);
	return r;
}

/* The first directory's entry of a name hides those of the others: so the last goes first. */
static int put_entries(struct wrap *w, struct err *e)
{
	const char *dirs = getenv("XDG_DATA_DIRS"), *end;
	char dir[PATH_MAX];

	if (!dirs || !dirs[0])
		dirs = "/usr/local/share:/usr/share";
	end = dirs + strlen(dirs);
	while (end > dirs) {
		const char *at = end;
		int r = 0;

		while (at > dirs && at[-1] != ':')
			at--;
		if (at < end &&
		    str_fmt(dir, sizeof(dir), "%.*s/applications", (int)(end - at), at) > 0)
			r = each_entry(w, dir, put_entry, e);
		if (r < 0)
			return r;
		end = at > dirs ? at - 1 : dirs;
	}
	return 0;
}

static int remove_entry(struct wrap *w, const char *dir, const char *id, struct err *e)
{
	char path[PATH_MAX];

	if (str_fmt(path, sizeof(path), "%s/%s", dir, id) < 0 || whose(w, path) != 1)
		return 0;
	w->entries++;
	return file_remove(path, e);
}

static int remove_all(struct wrap *w, struct err *e)
{
	return each_entry(w, w->apps, remove_entry, e);
}

/* --- commands --------------------------------------------------------------------------------- */

static int make(struct wrap *w, struct err *e)
{
	int r = find_places(w, e);

	r = r ?: find_program(w, e);
	if (r == 0 && strpbrk(w->path, " \t\"'\\$`%"))
		r = err_set(e, -EINVAL, "the path %s has characters that no wrapper can hold",
			    w->path);
	if (r < 0)
		return r;
	if (str_fmt(w->prefix, sizeof(w->prefix), "%s --notify%s%s %s --", w->vpnrun,
		    w->policy ? " --policy " : "", w->policy ? w->policy : "", w->vpn) < 0)
		return err_set(e, -ENAMETOOLONG, "the path of vpnrun is too long");
	r = dir_make(w->bin, 0755, e);
	r = r ?: dir_make(w->apps, 0755, e);
	r = r ?: put_script(w, e);
	/* An earlier one may have made some of entries that are gone by now. */
	r = r ?: remove_all(w, e);
	w->entries = 0;
	return r < 0 ? r : put_entries(w, e);
}

/* A program that had no wrapper before has none if not all of it could be made. */
static int make_or_undo(struct wrap *w, struct err *e)
{
	char path[PATH_MAX];
	bool is_new = find_places(w, e) == 0 &&
		      str_fmt(path, sizeof(path), "%s/%s", w->bin, w->program) > 0 &&
		      whose(w, path) == 0;
	int r = make(w, e);

	if (r < 0 && is_new) {
		file_remove(path, NULL);
		remove_all(w, NULL);
	}
	return r;
}

static int wrap_usage(void)
{
	log_error("usage: vpnctl wrap PROGRAM --vpn NAME [--policy POLICY]");
	return CTL_USAGE;
}

int ctl_wrap(int argc, char **argv)
{
	struct wrap w = {0};
	struct err e = ERR_INIT;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--vpn") && i + 1 < argc)
			w.vpn = argv[++i];
		else if (!strcmp(argv[i], "--policy") && i + 1 < argc)
			w.policy = argv[++i];
		else if (argv[i][0] != '-' && !w.program)
			w.program = argv[i];
		else
			return wrap_usage();
	}
	if (!w.program || !w.vpn)
		return wrap_usage();
	if (!str_is_vpn_name(w.vpn) && strcmp(w.vpn, "default") != 0 &&
	    strcmp(w.vpn, "none") != 0) {
		err_set(&e, -EINVAL, "that is not a VPN's name");
		return ctl_fail(&e);
	}
	if (w.policy && !is_program_name(w.policy)) {
		err_set(&e, -EINVAL, "that is not a policy's name");
		return ctl_fail(&e);
	}
	if (str_is_vpn_name(w.vpn) && ctl_check_known(w.vpn, &e) < 0)
		return ctl_fail(&e);
	if (w.policy && ctl_check_policy(w.policy, &e) < 0)
		return ctl_fail(&e);
	if (make_or_undo(&w, &e) < 0)
		return ctl_fail(&e);
	say("%s goes through %s from now on: %s/%s and %u desktop %s\n", w.program, w.vpn, w.bin,
	    w.program, w.entries, w.entries == 1 ? "entry" : "entries");
	return CTL_OK;
}

int ctl_unwrap(int argc, char **argv)
{
	struct wrap w = {0};
	struct err e = ERR_INIT;
	char path[PATH_MAX];
	int r, mine;

	if (argc != 2 || argv[1][0] == '-') {
		log_error("usage: vpnctl unwrap PROGRAM");
		return CTL_USAGE;
	}
	w.program = argv[1];
	r = find_places(&w, &e);
	if (r == 0 && str_fmt(path, sizeof(path), "%s/%s", w.bin, w.program) < 0)
		r = err_set(&e, -ENAMETOOLONG, "the path of the home directory is too long");
	if (r < 0)
		return ctl_fail(&e);
	mine = whose(&w, path);
	/* Where there is none, a wrap that was killed may have begun to write one. */
	if (mine >= 0)
		r = file_remove(path, &e);
	if (r == 0)
		r = remove_all(&w, &e);
	if (r < 0)
		return ctl_fail(&e);
	if (mine == 1 || w.entries)
		say("%s is as it was\n", w.program);
	else
		say("%s had no wrapper\n", w.program);
	return CTL_OK;
}
