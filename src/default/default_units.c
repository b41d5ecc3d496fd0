/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control groups of units that a default leaves out. A unit has one while it runs, and another
 * number each time: whoever keeps the default looks again when a directory appears. Only what root
 * made counts: below a user's own service manager anybody may call a group as they like. Until the
 * firewall knows a group, its packets go by the VPN.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "default/default.h"
#include "default/default_part.h"
#include "nf/nft_elems.h"

#define GROUPS_MAX 32 /* of one depth */
#define FLAVOUR	   "cgroup2"

struct unit_groups {
	const struct default_way *w;
	uint64_t at[DEFAULT_UNIT_DEPTH][GROUPS_MAX];
	size_t n[DEFAULT_UNIT_DEPTH];
	int watch_fd; /* -1: nobody watches */
};

/* --- where they are -------------------------------------------------------------------------- */

/* The mount point of the unified hierarchy, which beside the old ones lies anywhere. */
static int find_root(char *ret, size_t size)
{
	AUTO_FREE char *text = NULL;
	char *save = NULL;

	if (file_read("/proc/self/mounts", 1u << 20, &text, NULL, NULL) < 0)
		return -ENOENT;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(l, ' '), *type = path ? strchr(path + 1, ' ') : NULL;

		if (!type || !str_starts(type + 1, FLAVOUR " "))
			continue;
		*type = '\0';
		return str_copy(ret, size, path + 1);
	}
	return -ENOENT;
}

static bool has_end(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n > k && !strcmp(name + n - k, end);
}

static bool is_named(const struct default_way *w, const char *name)
{
	for (size_t i = 0; i < w->n_units; i++)
		if (!strcmp(w->units[i], name))
			return true;
	return false;
}

static void take_group(struct unit_groups *g, const struct stat *st, int depth)
{
	if (g->n[depth] < GROUPS_MAX)
		g->at[depth][g->n[depth]++] = st->st_ino;
}

/* Units lie in slices, and slices in slices; depth is that of what is in this one. dir is taken. */
static void walk(struct unit_groups *g, int dir, int depth)
{
	DIR *d = fdopendir(dir);
	char self[64];

	if (!d) {
		close(dir);
		return;
	}
	str_fmt(self, sizeof(self), "/proc/self/fd/%d", dir);
	if (g->watch_fd >= 0)
		inotify_add_watch(g->watch_fd, self, IN_CREATE | IN_DELETE | IN_ONLYDIR);
	for (const struct dirent *de = readdir(d); de; de = readdir(d)) {
		struct stat st;
		int sub;

		if (de->d_name[0] == '.' ||
		    fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode) || st.st_uid != 0)
			continue;
		if (is_named(g->w, de->d_name))
			take_group(g, &st, depth);
		if (!has_end(de->d_name, ".slice") || depth + 1 >= DEFAULT_UNIT_DEPTH)
			continue;
		sub = openat(dir, de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			walk(g, sub, depth + 1);
	}
	closedir(d);
}

static void look(struct unit_groups *g, const struct default_way *w, int watch_fd)
{
	char root[256];
	int fd = -1;

	*g = (struct unit_groups){.w = w, .watch_fd = watch_fd};
	if (w->n_units && find_root(root, sizeof(root)) == 0)
		fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		walk(g, fd, 0);
}

/* --- what the firewall knows of them --------------------------------------------------------- */

int default_units_fill(const struct default_way *w, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock s = NL_SOCK_INIT;
	char table[WANT_TABLE_LEN], set[16];
	struct unit_groups g;
	int r = w->n_units ? nl_sock_open(&s, NETLINK_NETFILTER, e) : 0;

	look(&g, w, -1);
	r = r ?: str_fmt(table, sizeof(table), "vpnrun-default-%s", w->name) < 0 ? -E2BIG : 0;
	for (int i = 0; r == 0 && w->n_units && i < DEFAULT_UNIT_DEPTH; i++) {
		str_fmt(set, sizeof(set), "units%d", i + 1);
		r = nft_set_fill(&s, &(struct nft_set_name){table, set}, g.at[i], g.n[i], e);
	}
	return r < 0 ? err_wrap(e, r, "cannot leave units out of the default") : 0;
}

uint64_t default_exempt_digest(const struct default_way *w, const struct record_ip *uplink)
{
	uint64_t d = DIGEST_INIT;
	struct unit_groups g;

	if (!w->n_units && !w->n_users)
		return 0;
	look(&g, w, -1);
	for (int i = 0; i < DEFAULT_UNIT_DEPTH; i++)
		d = digest_bytes(d, g.at[i], g.n[i] * sizeof(g.at[i][0]));
	return digest_bytes(d, uplink, DEFAULT_DNS_MAX * sizeof(*uplink));
}

/* --- for whoever keeps it -------------------------------------------------------------------- */

int default_units_watch(const char *name)
{
	struct default_note n;
	struct unit_groups g;
	int fd;

	if (default_note_read(&n, NULL) < 0 || !n.now.n_units || !default_is_way_of(&n.now, name))
		return -1;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	look(&g, &n.now, fd);
	return fd;
}

bool default_unit_exists(const char *unit)
{
	static const char *const dirs[] = {
		"/etc/systemd/system",		 "/run/systemd/system",
		"/run/systemd/transient",	 "/run/systemd/generator",
		"/usr/lib/systemd/system",	 "/lib/systemd/system",
		"/usr/local/lib/systemd/system", "/run/systemd/generator.late"};
	struct default_way w = {.n_units = 1};
	const char *at = strchr(unit, '@'), *end = strrchr(unit, '.');
	char path[512];
	struct unit_groups g;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (str_fmt(path, sizeof(path), "%s/%s", dirs[i], unit) >= 0 &&
		    access(path, F_OK) == 0)
			return true;
		if (at && end > at &&
		    str_fmt(path, sizeof(path), "%s/%.*s@%s", dirs[i], (int)(at - unit), unit,
			    end) >= 0 &&
		    access(path, F_OK) == 0)
			return true;
	}
	/* Scopes and slices need no file. */
	if (str_copy(w.units[0], sizeof(w.units[0]), unit) < 0)
		return false;
	look(&g, &w, -1);
	for (int i = 0; i < DEFAULT_UNIT_DEPTH; i++)
		n += g.n[i];
	return n > 0;
}
