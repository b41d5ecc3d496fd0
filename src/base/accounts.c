/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small reader of passwd(5) and group(5), for decisions about who may. Reads at request time, so
 * that `gpasswd -d` counts at once and `usermod -aG` without a new login. A line that is not of
 * the right form is passed over, never guessed at; "+" and "-" lines (NIS) are no users. Must not
 * cache and must not call getpwnam(3) or its like. Called by plugd/allow.c, ipc/conn.c, and by
 * box/isolate.c for the broker's own user.
 */
#include "base/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"

#define FIELDS 4 /* the longest prefix of a line that is of interest */

/* They are root's own: what else than a file may be there is nothing that could be waited for. */
int accounts_read(const char *path, char **ret, struct err *e)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r = fd < 0 ? -errno : file_read_fd(fd, ACCOUNTS_FILE_MAX, ret, NULL);

	return r == -ENOENT ? 0 : r < 0 ? err_sys(e, r, "cannot read %s", path) : 0;
}

int accounts_load(const char *passwd_path, const char *group_path, struct accounts *ret,
		  struct err *e)
{
	struct accounts a = {NULL, NULL};
	int r = accounts_read(passwd_path, &a.passwd, e);

	if (r == 0)
		r = accounts_read(group_path, &a.group, e);
	if (r < 0) {
		accounts_free(&a);
		return r;
	}
	*ret = a;
	return 0;
}

void accounts_free(struct accounts *a)
{
	util_free(&a->passwd);
	util_free(&a->group);
	*a = (struct accounts){NULL, NULL};
}

struct field {
	const char *s;
	size_t len;
};

/* Moves *at behind the line; its first want fields, of which the last is the line's rest up to
 * the next ':'. False at the end of the text. Lines with fewer fields are passed over. */
static bool next_fields(const char **at, struct field *f, int want)
{
	while (*at && **at) {
		const char *line = *at;
		size_t len = strcspn(line, "\n");
		const char *end = line + len;
		const char *p = line;
		int n = 0;

		*at = *end ? end + 1 : end;
		if (*line == '+' || *line == '-' || *line == '#')
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

static bool next_line(const char **at, struct field f[FIELDS])
{
	return next_fields(at, f, FIELDS);
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

/* The first line from *at on of that name whose n fields from the third on are numbers. */
static bool find_name(const char *text, const char *name, int n, uint32_t ret[2])
{
	const char *at = text;
	struct field f[FIELDS];

	while (next_line(&at, f))
		if (field_is(&f[0], name, strlen(name)) && field_id(&f[2], &ret[0]) &&
		    (n == 1 || field_id(&f[3], &ret[1])))
			return true;
	return false;
}

/* The next line from *at on whose number is that. */
static bool next_id(const char **at, uint32_t id, struct field f[FIELDS])
{
	uint32_t n;

	while (next_line(at, f))
		if (field_id(&f[2], &n) && n == id)
			return true;
	return false;
}

bool accounts_user_by_name(const struct accounts *a, const char *name, uid_t *ret_uid,
			   gid_t *ret_gid)
{
	uint32_t ids[2];

	if (!find_name(a->passwd, name, 2, ids))
		return false;
	if (ret_uid)
		*ret_uid = ids[0];
	if (ret_gid)
		*ret_gid = ids[1];
	return true;
}

bool accounts_user_by_uid(const struct accounts *a, uid_t uid, char ret_name[ACCOUNTS_NAME_MAX])
{
	const char *at = a->passwd;
	struct field f[FIELDS];

	while (next_id(&at, uid, f)) {
		if (f[0].len == 0 || f[0].len >= ACCOUNTS_NAME_MAX)
			continue;
		if (ret_name) {
			memcpy(ret_name, f[0].s, f[0].len);
			ret_name[f[0].len] = '\0';
		}
		return true;
	}
	return false;
}

bool accounts_group_by_name(const struct accounts *a, const char *name, gid_t *ret_gid)
{
	uint32_t ids[2];

	if (!find_name(a->group, name, 1, ids))
		return false;
	if (ret_gid)
		*ret_gid = ids[0];
	return true;
}

bool accounts_group_has_gid(const struct accounts *a, gid_t gid)
{
	const char *at = a->group;
	struct field f[FIELDS];

	return next_id(&at, gid, f);
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
		if (f[0].len && field_id(&f[3], &primary) &&
		    (primary == gid || group_lists(a, gid, &f[0])))
			return true;
	return false;
}

/* The line of /etc/subuid that gives the uid away: whose, and from where on. */
static bool find_range(const char *subuid, uid_t uid, struct field *ret_whose, uid_t *ret_first)
{
	const char *at = subuid;
	struct field f[3];
	uint32_t first, count;

	while (next_fields(&at, f, 3)) {
		if (!field_id(&f[1], &first) || !field_id(&f[2], &count) || uid < first ||
		    uid - first >= count)
			continue;
		*ret_whose = f[0];
		*ret_first = first;
		return true;
	}
	return false;
}

bool accounts_is_subordinate(const char *subuid, uid_t uid)
{
	struct field whose;
	uid_t first;

	return find_range(subuid, uid, &whose, &first);
}

uid_t accounts_owner(const struct accounts *a, const char *subuid, uid_t uid)
{
	char name[ACCOUNTS_NAME_MAX];
	struct field whose;
	uint32_t number;
	uid_t first, owner;

	if (!find_range(subuid, uid, &whose, &first) || accounts_user_by_uid(a, uid, NULL))
		return uid;
	if (whose.len < sizeof(name)) {
		memcpy(name, whose.s, whose.len);
		name[whose.len] = '\0';
		if (accounts_user_by_name(a, name, &owner, NULL))
			return owner;
	}
	return field_id(&whose, &number) ? number : first;
}
