/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides who the command runs as. `sudo vpnrun` is a habit from tools that need root: it becomes
 * the user who typed it and takes the ordinary way, so that the wall of a user namespace stands;
 * what has to be root's says --as-root. Must never go on as root when becoming somebody fails. The
 * files are read here, without NSS: its plugins ask daemons. Called by launch/run.c.
 */
#include "line/identity.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/util.h"

#define ACCOUNT_FILE_MAX (4u << 20)
#define GROUPS_MAX	 1024

struct account {
	const char *name, *home, *shell; /* point into text, NULL if not listed */
	uid_t uid;
	gid_t gid;
	char *text;
};

/* Cuts line at its colons; returns how many fields there are. */
static size_t split(char *line, char *field[], size_t max)
{
	size_t n = 0;

	while (n < max) {
		field[n++] = line;
		line = strchr(line, ':');
		if (!line)
			break;
		*line++ = '\0';
	}
	return n;
}

/* The account of a name, or, without one, of a uid. */
static void account_find(const char *name, uid_t uid, struct account *a)
{
	char *line, *save, *field[7];
	uint64_t id, gid;

	memset(a, 0, sizeof(*a));
	if (file_read("/etc/passwd", ACCOUNT_FILE_MAX, &a->text, NULL, NULL) < 0)
		return;
	for (line = strtok_r(a->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (split(line, field, 7) < 7 || str_uint(field[2], 0, UINT32_MAX - 1, &id) < 0 ||
		    str_uint(field[3], 0, UINT32_MAX - 1, &gid) < 0 ||
		    (name ? strcmp(field[0], name) != 0 : id != uid))
			continue;
		a->name = field[0];
		a->uid = (uid_t)id;
		a->gid = (gid_t)gid;
		a->home = field[5];
		a->shell = field[6];
		return;
	}
}

static bool lists(const char *members, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = members; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && strncmp(p, name, len) == 0)
			return true;
	return false;
}

static size_t groups_of(const char *name, gid_t *ret, size_t max)
{
	AUTO_FREE char *text = NULL;
	char *line, *save, *field[4];
	uint64_t gid;
	size_t n = 0;

	if (!name || file_read("/etc/group", ACCOUNT_FILE_MAX, &text, NULL, NULL) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &save); line && n < max;
	     line = strtok_r(NULL, "\n", &save))
		if (split(line, field, 4) == 4 && lists(field[3], name) &&
		    str_uint(field[2], 0, UINT32_MAX - 1, &gid) == 0)
			ret[n++] = (gid_t)gid;
	return n;
}

static int set_env(const char *name, const char *value)
{
	if (value && *value)
		return setenv(name, value, 1) < 0 ? -errno : 0;
	return unsetenv(name) < 0 ? -errno : 0;
}

static int set_user_env(uid_t uid, const struct account *a, struct err *e)
{
	const char *name = a->name ? a->name : getenv("SUDO_USER");
	char run[32];
	int r;

	snprintf(run, sizeof(run), "/run/user/%u", uid);
	r = set_env("USER", name);
	r = r ?: set_env("LOGNAME", name);
	/* Somebody whom /etc/passwd does not list keeps what sudo left: there is nothing better. */
	if (r == 0 && a->home)
		r = set_env("HOME", a->home);
	if (r == 0 && a->shell)
		r = set_env("SHELL", a->shell);
	r = r ?: set_env("XDG_RUNTIME_DIR", access(run, F_OK) == 0 ? run : NULL);
	return r < 0 ? err_sys(e, r, "cannot set the environment of uid %u", uid) : 0;
}

static int become(uid_t uid, gid_t gid, struct err *e)
{
	gid_t groups[GROUPS_MAX];
	struct account a;
	size_t n;
	int r;

	account_find(NULL, uid, &a);
	groups[0] = gid;
	n = 1 + groups_of(a.name ? a.name : getenv("SUDO_USER"), groups + 1, GROUPS_MAX - 1);
	r = set_user_env(uid, &a, e);
	util_free(&a.text);
	if (r < 0)
		return r;
	if (setgroups(n, groups) < 0)
		return err_sys(e, -errno, "cannot take on the groups of uid %u", uid);
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_sys(e, -errno, "cannot become uid %u", uid);
	/* The change of uid made our /proc/self root's, where the id maps are written. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot take back /proc/self");
	return 0;
}

static int become_caller(bool *ret_sudo, struct err *e)
{
	const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
	uint64_t uid, gid;

	if (!uid_text || !strcmp(uid_text, "0"))
		return 0;
	if (str_uint(uid_text, 1, UINT32_MAX - 1, &uid) < 0 || !gid_text ||
	    str_uint(gid_text, 0, UINT32_MAX - 1, &gid) < 0)
		return err_set(e, -EINVAL,
			       "SUDO_UID and SUDO_GID name no user; to run the command as root, "
			       "say --as-root");
	*ret_sudo = true;
	return become((uid_t)uid, (gid_t)gid, e);
}

/* Finds the user by name, or by number. */
static int become_named(const char *user, struct err *e)
{
	struct account a;
	uint64_t uid;
	int r;

	account_find(user, 0, &a);
	if (!a.name && str_uint(user, 0, UINT32_MAX - 1, &uid) == 0) {
		util_free(&a.text);
		account_find(NULL, (uid_t)uid, &a);
	}
	if (!a.name)
		r = err_set(e, -ENOENT,
			    "--user %.60s: /etc/passwd has no such user; for one of a directory "
			    "service: sudo -u %.60s vpnrun ...",
			    user, user);
	else
		r = geteuid() == a.uid ? 0 : become(a.uid, a.gid, e);
	util_free(&a.text);
	return r;
}

int line_become(const struct line_options *o, bool *ret_sudo, struct err *e)
{
	*ret_sudo = false;
	if (geteuid() == 0)
		return o->user	    ? become_named(o->user, e)
		       : o->as_root ? 0
				    : become_caller(ret_sudo, e);
	if (o->as_root)
		return err_set(e, -EPERM, "--as-root is for root: sudo vpnrun --as-root ...");
	if (o->user)
		return err_set(e, -EPERM, "--user is for root: sudo vpnrun --user %.60s ...",
			       o->user);
	return 0;
}

const char *line_shell(void)
{
	static char shell[256];
	const char *env = getenv("SHELL");
	struct account a;

	if (env && *env)
		return env;
	account_find(NULL, geteuid(), &a);
	if (!a.shell || !*a.shell || str_copy(shell, sizeof(shell), a.shell) < 0)
		snprintf(shell, sizeof(shell), "/bin/sh");
	util_free(&a.text);
	return shell;
}
