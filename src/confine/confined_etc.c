/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl confined-etc: what vpnrun-etc-UNIT runs before a confined unit starts. The unit's /etc is
 * an overlay of the VPN's two files over the host's, made anew at each start: names that such a
 * mount has looked up stay as they were, so an old one would show an account or a setting of last
 * month. Must never leave the unit the host's own resolv.conf: where the mount cannot be made, the
 * unit fails.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "confine/confine.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "state/record.h"

#define ETC_DIR	 RUN_DIR "/etc"
#define FILE_MAX (1u << 20)

struct confined_etc {
	char at[CONFINE_PATH_LEN];    /* what is bound as the unit's /etc */
	char layer[CONFINE_PATH_LEN]; /* the two files */
};

static const char *const files[] = {"resolv.conf", "nsswitch.conf"};

static int set_paths(struct confined_etc *c, const char *vpn, const char *unit, struct err *e)
{
	if (!str_is_vpn_name(vpn) || strchr(unit, '/') || unit[0] == '.' || unit[0] == '\0' ||
	    str_fmt(c->at, sizeof(c->at), ETC_DIR "/%s/%s", vpn, unit) < 0 ||
	    str_fmt(c->layer, sizeof(c->layer), ETC_DIR "/%s/.%s", vpn, unit) < 0)
		return err_set(e, -EINVAL, "usage: vpnctl confined-etc VPN|--remove UNIT");
	/* The kernel splits the list of layers at colons and reads backslashes in it. */
	for (char *p = strrchr(c->layer, '/') + 1; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._@-", *p))
			*p = '_';
	return 0;
}

static int copy_file(const struct confined_etc *c, const char *vpn, const char *name, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char from[CONFINE_PATH_LEN], to[CONFINE_PATH_LEN + 32];
	size_t len;
	int r;

	if (str_fmt(from, sizeof(from), "/etc/netns/%s/%s", vpn, name) < 0 ||
	    str_fmt(to, sizeof(to), "%s/%s", c->layer, name) < 0)
		return err_set(e, -ENAMETOOLONG, "the name '%s' is too long", vpn);
	r = file_read(from, FILE_MAX, &text, &len, e);
	return r < 0 ? r : file_replace(to, text, len, 0644, e);
}

/* Who uses the old mount keeps it: theirs is a mount of its own. */
static int unmount(const char *path, struct err *e)
{
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	if (errno == EINVAL || errno == ENOENT)
		return 0;
	return err_sys(e, -errno, "cannot unmount %s", path);
}

static int make(const struct confined_etc *c, const char *vpn, struct err *e)
{
	char options[CONFINE_PATH_LEN + 32];
	int r = dir_make(c->layer, 0755, e);

	if (r == 0)
		r = dir_make(c->at, 0755, e);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = copy_file(c, vpn, files[i], e);
	if (r == 0)
		r = unmount(c->at, e);
	if (r < 0)
		return r;
	str_fmt(options, sizeof(options), "lowerdir=%s:/etc", c->layer);
	if (mount("overlay", c->at, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options) < 0)
		return err_sys(e, -errno, "cannot make an overlay over /etc at %s", c->at);
	return 0;
}

static int take_away(const struct confined_etc *c, struct err *e)
{
	char path[CONFINE_PATH_LEN + 32];
	int r = unmount(c->at, e);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		if (str_fmt(path, sizeof(path), "%s/%s", c->layer, files[i]) > 0)
			r = file_remove(path, e);
	if (r < 0)
		return r;
	rmdir(c->layer);
	rmdir(c->at);
	return 0;
}

/* An instance's, too, where unit is a template. */
static bool is_of(const char *name, const char *unit)
{
	const char *at = strstr(unit, "@.service");
	size_t len = at ? (size_t)(at - unit) + 1 : 0, n = strlen(name);

	if (!at)
		return !strcmp(name, unit);
	return !strncmp(name, unit, len) && n > 8 && !strcmp(name + n - 8, ".service");
}

/* Only if no other unit has one, the directories go. */
static int take_away_below(const char *vpn, const char *unit, struct err *e)
{
	char dir[CONFINE_PATH_LEN];
	const struct dirent *de;
	struct confined_etc c;
	DIR *d;
	int r = 0;

	if (str_fmt(dir, sizeof(dir), ETC_DIR "/%s", vpn) < 0)
		return 0;
	d = opendir(dir);
	while (d && r == 0 && (de = readdir(d)))
		if (is_of(de->d_name, unit) && set_paths(&c, vpn, de->d_name, e) == 0)
			r = take_away(&c, e);
	if (d)
		closedir(d);
	rmdir(dir);
	return r;
}

int confined_etc_remove(const char *unit, struct err *e)
{
	const struct dirent *de;
	DIR *d = opendir(ETC_DIR);
	int r = 0;

	while (d && r == 0 && (de = readdir(d)))
		if (str_is_vpn_name(de->d_name))
			r = take_away_below(de->d_name, unit, e);
	if (d)
		closedir(d);
	rmdir(ETC_DIR);
	return r;
}

int ctl_confined_etc(int argc, char **argv)
{
	bool remove = argc == 3 && !strcmp(argv[1], "--remove");
	struct confined_etc c;
	struct err e = ERR_INIT;
	int r;

	if (argc != 3) {
		log_error("usage: vpnctl confined-etc VPN|--remove UNIT");
		return CTL_USAGE;
	}
	r = remove ? confined_etc_remove(argv[2], &e) : set_paths(&c, argv[1], argv[2], &e);
	if (r == 0 && !remove)
		r = make(&c, argv[1], &e);
	return r < 0 ? ctl_fail(&e) : CTL_OK;
}
