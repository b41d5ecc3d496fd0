/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small reader of passwd(5), group(5) and subuid(5), for decisions about who may. Reads at
 * request time, so that `gpasswd -d` counts at once and `usermod -aG` without a new login. A line
 * that is not of the right form is passed over, never guessed at; "+" and "-" lines (NIS) are no
 * users. Must not cache and must not call getpwnam(3) or its like. Called by plugd/allow.c,
 * ipc/conn.c, and by box/isolate.c for the broker's own user.
 */
#include "base/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"

#define FIELDS	    4 /* the longest prefix of a line that is of interest */

#define PASSWD_FILE "/etc/passwd"
#define GROUP_FILE  "/etc/group"

/* They are root's own: what else than a file may be there is nothing that could be waited for. */
int accounts_read(const char *path, char **ret, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r = fd < 0 ? -errno : file_read_fd(fd, ACCOUNTS_FILE_MAX, ret, NULL);

	return r == -ENOENT ? 0 : r < 0 ? err_sys(e, r, "cannot read %s", path) : 0;
}

int accounts_load(struct accounts *ret, struct err *e)
{
	int r = accounts_read(PASSWD_FILE, &ret->passwd, e);

	if (r == 0)
		r = accounts_read(GROUP_FILE, &ret->group, e);
	if (r == 0)
		r = accounts_read(ACCOUNTS_SUBUID, &ret->subuid, e);
	return r;
}

void accounts_free(struct accounts *a)
{
	util_free(&a->passwd);
	util_free(&a->group);
	util_free(&a->subuid);
}

struct field {
	const char *s;
	size_t len;
};

/* Moves *at behind the line; its first want fields, of which the last is the line's rest up to
 * the next ':'. False at the end of the text. Lines with fewer fields, or without a name, are
 * passed over. */
static bool next_fields(const char **at, struct field *f, int want)
{
	while (*at && **at) {
		const char *line = *at;
		size_t len = strcspn(line, "\n");
		const char *end = line + len;
		const char *p = line;
		int n = 0;

		*at = *end ? end + 1 : end;
		if (*line == '+' || *line == '-' || *line == '#' || *line == ':')
			continue;
		for (;;) {
			const char *colon = memchr(p, ':', (size_t)(end - p));
			const char *stop = colon ? colon : end;

			f[n++] = (struct field){p, (size_t)(stop - p)};
			if (n == want)
				return true;
			if (!colon)
				break;
			p = colon + 1;
		}
	}
	return false;
}

static bool field_is(const struct field *f, const char *s, size_t len)
{
	return f->len == len && memcmp(f->s, s, len) == 0;
}

static bool field_id(const struct field *f, uint32_t *ret)
{
	char num[16];
	uint64_t v;

	if (f->len == 0 || f->len >= sizeof(num))
		return false;
	memcpy(num, f->s, f->len);
	num[f->len] = '\0';
	/* (uid_t)-1 means "none" to the system. */
	if (str_uint(num, 0, UINT32_MAX - 1, &v) < 0)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* The first line of that name whose n fields from the third on are numbers. */
static bool find_name(const char *text, const char *name, size_t len, int n, uint32_t *ret)
{
	const char *at = text;
	struct field f[FIELDS];

	while (next_fields(&at, f, FIELDS))
		if (field_is(&f[0], name, len) && field_id(&f[2], &ret[0]) &&
		    (n == 1 || field_id(&f[3], &ret[1])))
			return true;
	return false;
}

/* The next line from *at on whose number is that. */
static bool next_id(const char **at, uint32_t id, struct field f[FIELDS])
{
	uint32_t n;

	while (next_fields(at, f, FIELDS))
		if (field_id(&f[2], &n) && n == id)
			return true;
	return false;
}

static bool has_id(const char *text, uint32_t id)
{
	struct field f[FIELDS];

	return next_id(&text, id, f);
}

bool accounts_find_user(const struct accounts *a, const char *name, uint32_t ret[2])
{
	return find_name(a->passwd, name, strlen(name), 2, ret);
}

bool accounts_find_group(const struct accounts *a, const char *name, gid_t *ret)
{
	return find_name(a->group, name, strlen(name), 1, ret);
}

bool accounts_has_user(const struct accounts *a, uid_t uid)
{
	return has_id(a->passwd, uid);
}

bool accounts_has_group(const struct accounts *a, gid_t gid)
{
	return has_id(a->group, gid);
}

static bool list_has(const struct field *list, const struct field *name)
{
	const char *p = list->s;
	const char *end = list->s + list->len;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		if (field_is(name, p, (size_t)(stop - p)))
			return true;
		p = stop + 1;
	}
	return false;
}

static bool group_lists(const struct accounts *a, gid_t gid, const struct field *name)
{
	const char *at = a->group;
	struct field f[FIELDS];

	while (next_id(&at, gid, f))
		if (list_has(&f[3], name))
			return true;
	return false;
}

bool accounts_is_member(const struct accounts *a, uid_t uid, gid_t gid)
{
	const char *at = a->passwd;
	struct field f[FIELDS];
	uint32_t primary;

	while (next_id(&at, uid, f))
		if (field_id(&f[3], &primary) && (primary == gid || group_lists(a, gid, &f[0])))
			return true;
	return false;
}

bool accounts_is_spare(const struct accounts *a, uid_t uid, uid_t *ret)
{
	const char *at = a->subuid;
	uint32_t first, count, ids[2];
	struct field f[3];

	*ret = uid;
	while (next_fields(&at, f, 3)) {
		if (!field_id(&f[1], &first) || !field_id(&f[2], &count) || uid < first ||
		    uid - first >= count)
			continue;
		if (accounts_has_user(a, uid))
			return false;
		if (find_name(a->passwd, f[0].s, f[0].len, 2, ids))
			*ret = ids[0];
		else if (!field_id(&f[0], ret))
			*ret = first;
		return true;
	}
	return false;
}

void accounts_name(const struct accounts *a, uid_t uid, char ret[ACCOUNTS_NAME_MAX])
{
	const char *at = a->passwd;
	struct field f[FIELDS];

	str_copy(ret, ACCOUNTS_NAME_MAX, "unknown");
	while (next_id(&at, uid, f)) {
		if (f[0].len >= ACCOUNTS_NAME_MAX)
			continue;
		memcpy(ret, f[0].s, f[0].len);
		ret[f[0].len] = '\0';
		return;
	}
}
