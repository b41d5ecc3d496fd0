/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See places.h. places_find_gecko() is asked at every launch, so that it opens only what is short
 * and mostly not there; all else is for commands that are browsers. Called by running/check.c.
 */
#include "running/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* A Firefox of another brand hands over by names and windows, not by the lock: so these are looked
 * at whatever the command is. */
static const char *const in_home[] = {
	".mozilla/firefox",
	".thunderbird",
	".librewolf",
	".waterfox",
	".floorp",
	".zen",
	"snap/firefox/common/.mozilla/firefox",
	"snap/thunderbird/common/.thunderbird",
};
static const char *const in_config[] = {
	"mozilla/firefox",
	"thunderbird",
	"librewolf/librewolf",
};

int places_find(struct places *ret)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME"),
		   *run = getenv("XDG_RUNTIME_DIR");

	if (!home || home[0] != '/' || str_copy(ret->home, sizeof(ret->home), home) < 0)
		return -ENOENT;
	if (!config || config[0] != '/' || str_copy(ret->config, sizeof(ret->config), config) < 0)
		if (str_fmt(ret->config, sizeof(ret->config), "%s/.config", home) < 0)
			return -ENOENT;
	if (!run || run[0] != '/' || str_copy(ret->run, sizeof(ret->run), run) < 0)
		str_fmt(ret->run, sizeof(ret->run), "/run/user/%u", geteuid());
	return 0;
}

int places_of_flatpak(const struct places *p, const char *app, struct places *ret)
{
	memcpy(ret->run, p->run, sizeof(ret->run));
	return str_fmt(ret->home, sizeof(ret->home), "%s/.var/app/%s", p->home, app) < 0 ||
			       str_fmt(ret->config, sizeof(ret->config), "%s/config", ret->home) < 0
		       ? -ENOENT
		       : 0;
}

pid_t places_find_profile(const char *dir, const char *name, const struct running_where *w)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	char path[PATH_MAX];
	pid_t found = 0;

	while (d && !found && (de = readdir(d)))
		if (de->d_name[0] != '.' && de->d_type != DT_REG && str_ends(de->d_name, name) &&
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) > 0)
			found = holder_of_profile(path, w);
	if (d)
		closedir(d);
	return found;
}

struct gecko_wanted {
	const char *only, *name;
	const struct running_where *where;
};

static pid_t find_gecko_below(const char *root, const char *const *rel, size_t n,
			      const struct gecko_wanted *want)
{
	char path[PATH_MAX];
	pid_t found = 0;

	for (size_t i = 0; i < n && !found; i++)
		if ((!want->only || strstr(rel[i], want->only)) &&
		    str_fmt(path, sizeof(path), "%s/%s", root, rel[i]) > 0)
			found = places_find_profile(path, want->name, want->where);
	return found;
}

pid_t places_find_gecko(const struct places *p, const char *only, const char *name,
			const struct running_where *w)
{
	const struct gecko_wanted want = {only, name ? name : "", w};
	pid_t found = find_gecko_below(p->home, in_home, ARRAY_SIZE(in_home), &want);

	return found ? found : find_gecko_below(p->config, in_config, ARRAY_SIZE(in_config), &want);
}

/* --- Chromium's ------------------------------------------------------------------------------- */

static pid_t each_below(const char *dir, int depth, pid_t (*fn)(const char *dir, void *arg),
			void *arg)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	char path[PATH_MAX];
	pid_t found = 0;

	while (d && !found && (de = readdir(d))) {
		if (de->d_name[0] == '.' || de->d_type == DT_REG ||
		    str_fmt(path, sizeof(path), "%s/%s", dir, de->d_name) < 0)
			continue;
		found = fn(path, arg);
		/* BraveSoftware/Brave-Browser; deeper there is none. */
		if (!found && depth > 1 && de->d_type == DT_DIR)
			found = each_below(path, depth - 1, fn, arg);
	}
	if (d)
		closedir(d);
	return found;
}

pid_t places_each_data_dir(const struct places *p, pid_t (*fn)(const char *dir, void *arg),
			   void *arg)
{
	return each_below(p->config, 2, fn, arg);
}

/* Asked at every launch, as places_find_gecko() is. Electron's programs are none: each has its own.
 */
pid_t places_find_chromium(const struct places *p, const struct running_where *w)
{
	static const char *const dirs[] = {
		"chromium", "google-chrome",  "BraveSoftware/Brave-Browser",
		"vivaldi",  "microsoft-edge", "opera",
	};
	char path[PATH_MAX];
	pid_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs) && !found; i++)
		if (str_fmt(path, sizeof(path), "%s/%s", p->config, dirs[i]) > 0)
			found = holder_of_singleton(path, w);
	return found;
}

/* --- flatpak's -------------------------------------------------------------------------------- */

/* "name=" of an instance's description, and its process outside the sandbox. */
static bool read_instance(const char *dir, char *app, size_t size, pid_t *ret)
{
	AUTO_FREE char *info = NULL, *number = NULL;
	char path[PATH_MAX], *name;
	uint64_t pid;

	if (str_fmt(path, sizeof(path), "%s/pid", dir) < 0 ||
	    file_read(path, 32, &number, NULL, NULL) < 0)
		return false;
	number[strcspn(number, "\n")] = '\0';
	if (str_uint(number, 2, INT32_MAX, &pid) < 0 ||
	    str_fmt(path, sizeof(path), "%s/info", dir) < 0 ||
	    file_read(path, 65536, &info, NULL, NULL) < 0)
		return false;
	name = strstr(info, "\nname=");
	if (!name)
		return false;
	name += strlen("\nname=");
	name[strcspn(name, "\n")] = '\0';
	*ret = (pid_t)pid;
	return !strchr(name, '/') && str_copy(app, size, name) == 0;
}

pid_t places_each_flatpak(const struct places *p,
			  pid_t (*fn)(const char *app, pid_t pid, void *arg), void *arg)
{
	char root[PATH_MAX], path[PATH_MAX], app[256];
	const struct dirent *de;
	pid_t pid, found = 0;
	DIR *d;

	if (str_fmt(root, sizeof(root), "%s/.flatpak", p->run) < 0)
		return 0;
	d = opendir(root);
	while (d && !found && (de = readdir(d)))
		if (de->d_name[0] != '.' &&
		    str_fmt(path, sizeof(path), "%s/%s", root, de->d_name) > 0 &&
		    read_instance(path, app, sizeof(app), &pid))
			found = fn(app, pid, arg);
	if (d)
		closedir(d);
	return found;
}
