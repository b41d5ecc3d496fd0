/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See server_dir.h. The directory gets its name when every file is in it: a VPN that is up and
 * takes its next server from there must never meet a half.
 */
#include "files/server_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/conf.h"
#include "conf/servers.h"
#include "conf/value.h"

#define SUFFIX	   ".conf"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

void server_dir_of(const char *vpn, char ret[SERVER_DIR_LEN])
{
	str_fmt(ret, SERVER_DIR_LEN, "%s.servers", vpn);
}

int server_dir_name(const struct source *from, char ret[SERVER_MAX_LEN + 1], struct err *e)
{
	const char *name = from->name;
	size_t len = strlen(name);
	char shown[VALUE_SHOW_MAX];

	if (len > SUFFIX_LEN && !strcasecmp(name + len - SUFFIX_LEN, SUFFIX))
		len -= SUFFIX_LEN;
	for (; len && (*name == '.' || *name == '-' || *name == ' '); len--)
		name++;
	if (len > SERVER_MAX_LEN)
		return err_set(e, -ENAMETOOLONG,
			       "%s: a server is called after its file, in at most %d characters: "
			       "rename it",
			       from->path, SERVER_MAX_LEN);
	for (size_t i = 0; i < len; i++)
		ret[i] =
			name[i] <= ' ' || name[i] > '~' || strchr("/\"\\", name[i]) ? '-' : name[i];
	ret[len] = '\0';
	if (server_is_name(ret))
		return 0;
	return err_set(e, -EINVAL, "%s: %s is not a server's name: rename the file", from->path,
		       value_show(ret, shown));
}

struct named {
	char name[SERVER_MAX_LEN + 1];
	const struct source *from;
};

static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int server_dir_check(const struct sources *s, struct err *e)
{
	AUTO_FREE struct named *all = calloc(s->n + 1, sizeof(*all));
	int r = 0;

	if (!all)
		return err_sys(e, -ENOMEM, "cannot import");
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		all[i].from = &s->at[i];
		r = server_dir_name(&s->at[i], all[i].name, e);
	}
	if (r < 0)
		return r;
	qsort(all, s->n, sizeof(*all), compare);
	for (size_t i = 1; i < s->n; i++)
		if (!strcmp(all[i - 1].name, all[i].name))
			return err_set(e, -EEXIST,
				       "%s and %s would both be the server '%s': rename one",
				       all[i - 1].from->path, all[i].from->path, all[i].name);
	return 0;
}

static int put_all(const struct confdir *dir, const struct sources *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		char name[SERVER_MAX_LEN + 1], file[SERVER_MAX_LEN + sizeof(SUFFIX)];

		r = server_dir_name(&s->at[i], name, e);
		if (r < 0)
			return r;
		str_fmt(file, sizeof(file), "%s" SUFFIX, name);
		r = confdir_put(dir, file, s->at[i].text, s->at[i].len, 0600);
		if (r < 0)
			return err_sys(e, r, "cannot write %s for %s", file, s->at[i].path);
	}
	return 0;
}

int server_dir_put(const struct confdir *d, const char *vpn, const struct sources *s, struct err *e)
{
	struct confdir begun = CONFDIR_INIT;
	char name[SERVER_DIR_LEN];
	int r = confdir_begin_dir(d, &begun);

	server_dir_of(vpn, name);
	if (r < 0)
		r = err_sys(e, r, "cannot make %s/%s", VPN_CONFIG_DIR, name);
	r = r ?: put_all(&begun, s, e);
	if (r < 0) {
		confdir_end_dir(d, &begun, NULL);
		return r;
	}
	r = confdir_end_dir(d, &begun, name);
	if (r == -EEXIST)
		return err_set(e, r, "%s/%s exists: choose another name with --name, or remove it",
			       VPN_CONFIG_DIR, name);
	return r < 0 ? err_sys(e, r, "cannot make %s/%s", VPN_CONFIG_DIR, name) : 0;
}

/* --- others in their place ------------------------------------------------------------------- */

/* A second name for each of the former files that none of the new ones has, and the choice. */
static int keep_former(const struct confdir *former, const struct confdir *begun, bool adds)
{
	AUTO_CLOSE int fd = dup(former->fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	char chosen[NAME_MAX + 1];
	ssize_t n = readlinkat(former->fd, SERVERS_CHOSEN, chosen, sizeof(chosen) - 1);
	struct dirent *de;
	int r = dir ? 0 : -errno;

	if (dir)
		fd = -1;
	while (r == 0 && adds && (de = readdir(dir)))
		if (de->d_name[0] != '.' && strcmp(de->d_name, SERVERS_CHOSEN) != 0 &&
		    linkat(former->fd, de->d_name, begun->fd, de->d_name, 0) < 0 && errno != EEXIST)
			r = -errno;
	if (dir)
		closedir(dir);
	if (r == 0 && n > 0) {
		chosen[n] = '\0';
		r = confdir_has(begun, chosen);
		if (r > 0 && symlinkat(chosen, begun->fd, SERVERS_CHOSEN) < 0)
			r = -errno;
	}
	return r < 0 ? r : 0;
}

int server_dir_replace(const struct confdir *d, const char *vpn, const struct sources *s, bool adds,
		       struct err *e)
{
	struct confdir begun = CONFDIR_INIT, former = CONFDIR_INIT;
	char name[SERVER_DIR_LEN];
	int r;

	server_dir_of(vpn, name);
	former.fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = former.fd < 0 ? -errno : confdir_begin_dir(d, &begun);
	if (r < 0)
		r = err_sys(e, r, "cannot replace %s/%s", VPN_CONFIG_DIR, name);
	r = r ?: put_all(&begun, s, e);
	if (r == 0) {
		r = keep_former(&former, &begun, adds);
		r = r ?: confdir_swap_dir(d, &begun, name);
		if (r < 0)
			err_sys(e, r, "cannot replace %s/%s", VPN_CONFIG_DIR, name);
	}
	util_close(&former.fd);
	util_close(&begun.fd);
	if (r < 0)
		confdir_drop_aside(d);
	return r;
}

void server_dir_undo(const struct confdir *d, const char *vpn)
{
	char name[SERVER_DIR_LEN];

	server_dir_of(vpn, name);
	confdir_swap_dir(d, NULL, name);
	confdir_drop_aside(d);
}
