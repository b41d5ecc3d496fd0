/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl confine, release: an existing service goes into a VPN's namespace by a drop-in, and comes
 * out again when that file goes. Two files, known by their first line: the service's own drop-in,
 * and one for vpnrun@NAME, so that the service comes back with the VPN. Somebody else's file is
 * never written or removed, and systemd is told nothing: what to run is printed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "confine/confine.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "conf/profile.h"
#include "conf/value.h"

#define VPN_UNIT "vpnrun@"

/* --- units ----------------------------------------------------------------------------------- */

/* "sshd" is "sshd.service", as for systemctl. Nothing that could leave the directory. */
static int set_unit(struct confine *c, const char *arg, struct err *e)
{
	char shown[VALUE_SHOW_MAX];
	const char *dot = strrchr(arg, '.');
	bool service = dot && !strcmp(dot, ".service");
	static const char *const others[] = {".socket", ".timer", ".target", ".mount", ".path",
					     ".slice",	".scope", ".swap",   ".device"};

	for (const char *p = arg; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(":-_.\\@", *p))
			return err_set(e, -EINVAL, "%s is not a unit's name",
				       value_show(arg, shown));
	for (size_t i = 0; dot && i < ARRAY_SIZE(others); i++)
		if (!strcmp(dot, others[i]))
			return err_set(e, -EINVAL,
				       "'%s' is not a service: only a service can be confined",
				       value_show(arg, shown));
	if (!*arg || *arg == '.' ||
	    str_fmt(c->unit, sizeof(c->unit), "%s%s", arg, service ? "" : ".service") < 0)
		return err_set(e, -EINVAL, "%s is not a unit's name", value_show(arg, shown));
	if (str_starts(c->unit, VPN_UNIT) || str_starts(c->unit, CONFINE_ETC_UNIT) ||
	    !strcmp(c->unit, "vpnrund.service"))
		return err_set(e, -EINVAL, "%s is a part of vpnrun and needs the host's network",
			       c->unit);
	str_fmt(c->dropin, sizeof(c->dropin), CONFINE_UNIT_DIR "/%s.d/" CONFINE_DROPIN, c->unit);
	str_fmt(c->etc_unit, sizeof(c->etc_unit), CONFINE_UNIT_DIR "/" CONFINE_ETC_UNIT "%s",
		c->unit);
	return 0;
}

static int check_unit(struct confine *c, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	int r = confine_find_unit(c->unit, c->file, sizeof(c->file));

	if (r < 0)
		return err_set(e, r,
			       "there is no unit %s on this machine (systemctl list-unit-files "
			       "lists them)",
			       c->unit);
	if (stat(c->file, &st) == 0 && S_ISCHR(st.st_mode))
		return err_set(e, -EPERM, "%s is masked; first: systemctl unmask %s", c->unit,
			       c->unit);
	r = file_read(c->file, 1u << 20, &text, NULL, e);
	if (r < 0)
		return r;
	if (!c->keep_bus &&
	    (confine_text_says(text, "Type", "dbus") || confine_text_says(text, "BusName", NULL)))
		return err_set(e, -EINVAL,
			       "%s answers on the system bus, by which the host's resolver can be "
			       "asked too; if that is accepted: --keep-bus",
			       c->unit);
	return 0;
}

static int check_vpn(const char *name, struct err *e)
{
	struct profile p = {0};
	int r = profile_load_name(name, &p, e);

	if (r == 0 && p.layout != LAYOUT_NETNS)
		r = err_set(e, -EINVAL,
			    "VPN '%s' has no namespace that a service could be in: its layout is "
			    "\"bridge\"",
			    name);
	profile_free(&p);
	return r;
}

/* --- files ----------------------------------------------------------------------------------- */

/* 1: ours, 0: not there, -EEXIST: somebody else's. */
static int whose(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[sizeof(CONFINE_MARK)] = "";

	if (fd < 0)
		return errno == ENOENT ? 0 : -EEXIST;
	if (read(fd, head, sizeof(CONFINE_MARK) - 1) < 0)
		return -EEXIST;
	return str_starts(head, CONFINE_MARK) ? 1 : -EEXIST;
}

/* The same bytes again are not written: a file's time says when it changed. */
static int put_file(const char *path, const char *text, struct err *e)
{
	AUTO_FREE char *now = NULL, *dir = strdup(path);
	int r;

	if (!dir)
		return err_set(e, -ENOMEM, "cannot write %s: no memory", path);
	if (file_read(path, 65536, &now, NULL, NULL) == 0 && !strcmp(now, text))
		return 0;
	*strrchr(dir, '/') = '\0';
	r = dir_make(dir, 0755, e);
	return r < 0 ? r : file_replace(path, text, strlen(text), 0644, e);
}

static void remove_dir_of(const char *path)
{
	char dir[CONFINE_PATH_LEN];
	char *end;

	if (str_copy(dir, sizeof(dir), path) < 0)
		return;
	end = strrchr(dir, '/');
	if (end)
		*end = '\0';
	rmdir(dir); /* only if nothing else is in it */
}

/* Its directory goes, too, if nothing else is in it; and what a run that was killed had begun to
 * write of a file that is not there. 1: it was there. */
static int take_file(const char *path, struct err *e)
{
	char begun[CONFINE_PATH_LEN + 8];
	int mine = whose(path), r;
	bool is_left;

	str_fmt(begun, sizeof(begun), "%s.new", path);
	is_left = mine >= 0 && file_is_there(begun, NULL) != 0;
	r = mine < 0 ? 0 : file_remove(path, e);
	if (r == 0 && (mine == 1 || is_left))
		remove_dir_of(path);
	return r < 0 ? r : mine == 1;
}

static int wants_path(const struct confine *c, const char *vpn_dir, char *ret, size_t size)
{
	return str_fmt(ret, size, CONFINE_UNIT_DIR "/%s/50-confine-%s.conf", vpn_dir, c->unit);
}

/* Takes the unit out of every VPN's drop-ins but the one called keep (may be NULL). Returns how
 * many it was in. */
static int drop_wants(const struct confine *c, const char *keep, struct err *e)
{
	DIR *d = opendir(CONFINE_UNIT_DIR);
	const struct dirent *de;
	char path[CONFINE_PATH_LEN];
	int r = 0, n = 0;

	while (d && r >= 0 && (de = readdir(d))) {
		size_t len = strlen(de->d_name);

		if (!str_starts(de->d_name, VPN_UNIT) || len < 3 ||
		    strcmp(de->d_name + len - 2, ".d") != 0 ||
		    (keep && !strcmp(de->d_name, keep)) ||
		    wants_path(c, de->d_name, path, sizeof(path)) < 0)
			continue;
		r = take_file(path, e);
		n += r == 1;
	}
	if (d)
		closedir(d);
	return r < 0 ? r : n;
}

static int write_all(const struct confine *c, struct err *e)
{
	AUTO_FREE char *text = NULL, *etc = NULL;
	struct confine_unit u;
	char vpn_dir[64], path[CONFINE_PATH_LEN], wants[CONFINE_UNIT_MAX + 128];
	bool instance = !strstr(c->unit, "@.service");
	int r;

	if (whose(c->dropin) < 0 || whose(c->etc_unit) < 0)
		return err_set(e, -EEXIST, "%s is there already and is not vpnrun's",
			       whose(c->dropin) < 0 ? c->dropin : c->etc_unit);
	str_fmt(vpn_dir, sizeof(vpn_dir), VPN_UNIT "%s.service.d", c->vpn);
	r = wants_path(c, vpn_dir, path, sizeof(path)) < 0 ? -E2BIG : 0;
	if (r < 0)
		return err_set(e, r, "the name '%s' is too long", c->unit);
	if (whose(path) < 0)
		return err_set(e, -EEXIST, "%s is there already and is not vpnrun's", path);
	r = confine_unit_read(c, &u, e);
	r = r ?: confine_make_dropin(c, &u, &text, e);
	r = r ?: confine_make_etc_unit(c, &etc, e);
	/* First what the drop-in needs: without it the service does not start. */
	if (r == 0 && !u.has_root)
		r = put_file(c->etc_unit, etc, e);
	r = r ?: put_file(c->dropin, text, e);
	r = r ?: drop_wants(c, c->on_demand || !instance ? NULL : vpn_dir, e);
	if (r < 0 || c->on_demand || !instance)
		return r;
	str_fmt(wants, sizeof(wants),
		CONFINE_MARK
		"%s: written by vpnctl confine, removed by vpnctl release\n[Unit]\nWants=%s\n",
		c->vpn, c->unit);
	return put_file(path, wants, e);
}

/* Returns how many files it was taken out of. What pulls it up with the VPN is the first; a
 * killed release is finished by the next. */
static int remove_all(const struct confine *c, struct err *e)
{
	int n = drop_wants(c, NULL, e), r = n < 0 ? n : take_file(c->dropin, e);

	n += r == 1;
	r = r < 0 ? r : take_file(c->etc_unit, e);
	if (r == 1)
		r = confined_etc_remove(c->unit, e);
	return r < 0 ? r : n;
}

/* A unit that was not confined before leaves no file behind if it could not be confined. */
static int write_or_undo(const struct confine *c, struct err *e)
{
	bool is_new = whose(c->dropin) == 0 && whose(c->etc_unit) == 0;
	int r = write_all(c, e);

	if (r < 0 && is_new) {
		remove_all(c, NULL);
		remove_dir_of(c->dropin); /* also where the first file of it could not be written */
	}
	return r;
}

/* --- commands -------------------------------------------------------------------------------- */

/* A socket unit's socket is made by systemd, outside. */
static void note_socket(const struct confine *c)
{
	char name[CONFINE_UNIT_MAX + 1], path[CONFINE_PATH_LEN];
	size_t stem = strlen(c->unit) - strlen(".service");

	str_fmt(name, sizeof(name), "%.*s.socket", (int)stem, c->unit);
	if (confine_find_unit(name, path, sizeof(path)) == 0)
		log_info("note: %s listens in the host's network; only what the service opens "
			 "itself goes through the VPN",
			 name);
}

int ctl_confine(int argc, char **argv)
{
	struct confine c = {0};
	struct err e = ERR_INIT;
	const char *unit = NULL;
	bool bad = false;
	int r;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--vpn") && i + 1 < argc)
			c.vpn = argv[++i];
		else if (!strcmp(argv[i], "--keep-bus"))
			c.keep_bus = true;
		else if (!strcmp(argv[i], "--on-demand"))
			c.on_demand = true;
		else if (argv[i][0] == '-' || unit)
			bad = true;
		else
			unit = argv[i];
	}
	if (bad || !unit || !c.vpn) {
		log_error("usage: vpnctl confine UNIT --vpn NAME [--keep-bus] [--on-demand]");
		return 2;
	}
	r = set_unit(&c, unit, &e);
	if (r == 0)
		r = check_vpn(c.vpn, &e);
	if (r == 0)
		r = check_unit(&c, &e);
	if (r == 0)
		r = write_or_undo(&c, &e);
	if (r < 0)
		return ctl_fail(&e);
	note_socket(&c);
	say("%s will run in VPN %s (%s); now:\n  systemctl daemon-reload && systemctl restart "
	    "%s\n",
	    c.unit, c.vpn, c.dropin, c.unit);
	return 0;
}

int ctl_release(int argc, char **argv)
{
	struct confine c = {0};
	struct err e = ERR_INIT;
	int r, n;

	if (argc != 2 || argv[1][0] == '-') {
		log_error("usage: vpnctl release UNIT");
		return 2;
	}
	r = set_unit(&c, argv[1], &e);
	if (r < 0)
		return ctl_fail(&e);
	r = whose(c.dropin);
	if (r < 0) {
		log_error("%s is not vpnrun's and stays", c.dropin);
		return 1;
	}
	n = remove_all(&c, &e);
	if (n < 0)
		return ctl_fail(&e);
	if (n == 0) {
		say("%s was not confined\n", c.unit);
		return 0;
	}
	say("%s is released; now:\n  systemctl daemon-reload && systemctl try-restart %s\n", c.unit,
	    c.unit);
	return 0;
}
