/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leads from the name on the command line to a VPN that is up. Must never choose another VPN than
 * the one that was named: a name that is not up ends the launch. Called by launch/run.c.
 */
#include "line/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/near.h"
#include "base/util.h"
#include "running/command.h"
#include "state/health.h"

#define NAMES_MAX 100 /* ids go up to 99 */

struct vpn_names {
	struct name {
		char text[NAME_MAX_LEN + 1];
		bool is_up;
	} at[NAMES_MAX];
	size_t n;
};

static void add_name(struct vpn_names *l, const char *name, bool is_up)
{
	if (l->n < NAMES_MAX && str_copy(l->at[l->n].text, sizeof(l->at[0].text), name) == 0)
		l->at[l->n++].is_up = is_up;
}

static int add_record(const struct record *r, void *arg)
{
	add_name(arg, r->name, r->state == RECORD_UP);
	return 0;
}

static void add_configured(struct vpn_names *l)
{
	DIR *d = opendir(VPN_CONFIG_DIR);
	const struct dirent *de;
	struct record r;

	while (d && (de = readdir(d))) {
		size_t len = strlen(de->d_name);
		char name[NAME_MAX_LEN + 1];

		if (len < 6 || len - 5 > NAME_MAX_LEN || strcmp(de->d_name + len - 5, ".json") != 0)
			continue;
		memcpy(name, de->d_name, len - 5);
		name[len - 5] = '\0';
		if (str_is_vpn_name(name) && record_read(name, &r, NULL) < 0)
			add_name(l, name, false);
	}
	if (d)
		closedir(d);
}

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static void list_names(struct vpn_names *l)
{
	l->n = 0;
	record_for_each(add_record, l, NULL);
	add_configured(l);
	qsort(l->at, l->n, sizeof(l->at[0]), by_name);
}

/* "demo (up), other (down)"; what does not fit is counted. */
static void print_names(const struct vpn_names *l, char *ret, size_t size)
{
	size_t at = 0, i;

	ret[0] = '\0';
	for (i = 0; i < l->n; i++) {
		int r = str_fmt(ret + at, size - at, "%s%s (%s)", at ? ", " : "", l->at[i].text,
				l->at[i].is_up ? "up" : "down");

		if (r < 0)
			break;
		at += (size_t)r;
	}
	ret[at] = '\0';
	if (i < l->n)
		str_fmt(ret + at, size - at, " and %zu more", l->n - i);
}

/* Asks the program that can read it. Nothing is confined yet, and the launch has failed. */
static bool has_error(const char *file)
{
	char path[PATH_MAX], check[] = "check", name[PATH_MAX];
	char *argv[] = {path, check, name, NULL}, *env[] = {NULL};
	posix_spawn_file_actions_t actions;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	int status = 0;
	pid_t pid;
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash || str_copy(name, sizeof(name), file) < 0)
		return false;
	memcpy(slash, "/vpnctl", sizeof("/vpnctl"));
	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	n = posix_spawn(&pid, path, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return n == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 1;
}

/* A VPN with a file and without a record. */
static int is_down(const char *name, struct err *e)
{
	char path[64];

	if (str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name) > 0 &&
	    access(path, R_OK) == 0 && has_error(path))
		return err_set(e, -ENETDOWN,
			       "VPN '%s' is down, and its file has an error; see: vpnctl check %s",
			       name, path);
	return record_fail_down(name, e);
}

void line_hint_command(const char *vpn, struct err *e)
{
	char path[64];
	struct record r;

	if (strlen(vpn) > 40 || str_is_reserved(vpn) || !running_finds(vpn) ||
	    record_read(vpn, &r, NULL) == 0 ||
	    (str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", vpn) > 0 &&
	     access(path, F_OK) == 0))
		return;
	err_hint(e, e->code, "'%s' is a program; did you mean: vpnrun -- %s", vpn, vpn);
}

static int is_unknown(const char *name, struct err *e)
{
	struct vpn_names l;
	char text[200], path[64];

	if (str_is_vpn_name(name) &&
	    str_fmt(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name) > 0 &&
	    access(path, F_OK) == 0)
		return is_down(name, e);
	list_names(&l);
	if (l.n == 0)
		return err_set(e, -ENOENT,
			       "there is no VPN '%.40s', nor any other; add one with: "
			       "sudo vpnctl import FILE.conf",
			       name);
	print_names(&l, text, sizeof(text));
	err_set(e, -ENOENT, "there is no VPN '%.40s'; there are: %s", name, text);
	for (size_t i = 0; i < l.n; i++)
		if (near_name(name, l.at[i].text))
			return err_hint(e, -ENOENT, "did you mean '%s'?", l.at[i].text);
	line_hint_command(name, e);
	return -ENOENT;
}

static int find_default(struct record *ret, struct err *e)
{
	struct vpn_names l;
	char text[200];
	int r = record_read_default(ret, NULL);

	if (r != -ENOENT)
		return r < 0 ? err_sys(e, r, "cannot find the default VPN") : 0;
	list_names(&l);
	if (l.n == 0)
		return err_set(e, -ENOENT,
			       "there is no VPN; add one with: sudo vpnctl import "
			       "FILE.conf");
	print_names(&l, text, sizeof(text));
	return err_set(e, -ENETDOWN,
		       "no VPN is up; there are: %s; bring one up with: sudo vpnctl "
		       "up NAME",
		       text);
}

int line_find(const char *vpn, enum line_network *ret, struct record *ret_record, struct err *e)
{
	int r;

	memset(ret_record, 0, sizeof(*ret_record));
	*ret = LINE_VPN;
	if (!vpn || !strcmp(vpn, "-") || !strcmp(vpn, "default"))
		return find_default(ret_record, e);
	if (!strcmp(vpn, "none") || !strcmp(vpn, "host")) {
		*ret = vpn[0] == 'n' ? LINE_NONE : LINE_HOST;
		return 0;
	}
	r = record_read_settled(vpn, ret_record, e);
	if (r == -ENOENT)
		return is_unknown(vpn, e);
	if (r < 0)
		return r;
	return ret_record->state == RECORD_UP ? 0 : is_down(vpn, e);
}

/* The command starts all the same, and waits inside: it is closed, and works as soon as the server
 * answers. */
void line_say_dead(const struct record *r)
{
	char why[RECORD_WHY_LEN];

	if (health_is_of_no_use(r->name, why, sizeof(why)))
		log_info("VPN '%s' is of no use now: %s; see: vpnctl status %s", r->name, why,
			 r->name);
}
