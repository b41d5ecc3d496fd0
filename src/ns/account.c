/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See account.h. An account of a directory service has no line in /etc/passwd, and what knows it
 * cannot be asked from inside: ssh then says "No user exists for uid". To ask outside would be NSS:
 * modules loaded into the launcher, which speak to daemons and servers before the sandbox is there.
 * So the line is made of what login left in the environment, and it gives nothing away: inside,
 * nobody can become another. Called by ns/etc.c.
 */
#include "ns/account.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define NAME_LEN 256

/* The n-th field of a line, and its length. NULL: the line has fewer. */
static const char *field(const char *line, size_t n, size_t *ret_len)
{
	while (n--) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return NULL;
	}
	*ret_len = strcspn(line, ":\n");
	return line;
}

static bool field_is(const char *line, size_t n, const char *value)
{
	size_t len;
	const char *f = field(line, n, &len);

	return f && len == strlen(value) && !memcmp(f, value, len);
}

/* Whether a line of the file has that value in its n-th field. */
static bool has_field(const char *text, size_t n, const char *value)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (field_is(line, n, value))
			return true;
	return false;
}

static bool is_clean(const char *s)
{
	for (; *s; s++)
		if (*s == ':' || iscntrl((unsigned char)*s))
			return false;
	return true;
}

/* A name that no line of the file has: somebody else's account must not get another number. */
static bool is_free_name(const char *text, const char *name)
{
	return name && *name && strlen(name) < NAME_LEN && is_clean(name) &&
	       !strchr("+-#", *name) && !strpbrk(name, " /") && !has_field(text, 0, name);
}

static const char *clean_path(const char *path, const char *otherwise)
{
	return path && path[0] == '/' && strlen(path) < 4096 && is_clean(path) ? path : otherwise;
}

static int add_line(const char *text, const char *line, char **ret)
{
	size_t len = strlen(text);
	const char *gap = len && text[len - 1] != '\n' ? "\n" : "";

	return asprintf(ret, "%s%s%s", text, gap, line) < 0 ? -ENOMEM : 1;
}

static void name_of(const char *text, const struct account_line *a, unsigned int id,
		    char ret[NAME_LEN])
{
	if (!is_free_name(text, a->name) || str_copy(ret, NAME_LEN, a->name) < 0)
		str_fmt(ret, NAME_LEN, "u%u", id);
}

int account_passwd(const char *passwd, const struct account_line *a, char **ret)
{
	char id[16], name[NAME_LEN], line[3 * 4096];

	str_fmt(id, sizeof(id), "%u", a->uid);
	if (has_field(passwd, 2, id))
		return 0;
	name_of(passwd, a, a->uid, name);
	if (str_fmt(line, sizeof(line), "%s:x:%u:%u::%s:%s\n", name, a->uid, a->gid,
		    clean_path(a->home, "/"), clean_path(a->shell, "/bin/sh")) < 0)
		return -ENOMEM;
	return add_line(passwd, line, ret);
}

int account_group(const char *group, const struct account_line *a, char **ret)
{
	char id[16], name[NAME_LEN], line[NAME_LEN + 32];

	str_fmt(id, sizeof(id), "%u", a->gid);
	if (has_field(group, 2, id))
		return 0;
	name_of(group, a, a->gid, name);
	str_fmt(line, sizeof(line), "%s:x:%u:\n", name, a->gid);
	return add_line(group, line, ret);
}

/* --- hosts ------------------------------------------------------------------------------------ */

/* Whether a line gives name an address. */
static bool line_names(const char *line, const char *end, const char *name)
{
	const char *hash = memchr(line, '#', (size_t)(end - line));
	size_t len = strlen(name);
	bool is_address = true;

	if (hash)
		end = hash;
	while (line < end) {
		const char *word;

		while (line < end && isspace((unsigned char)*line))
			line++;
		for (word = line; line < end && !isspace((unsigned char)*line);)
			line++;
		if (!is_address && (size_t)(line - word) == len && !strncasecmp(word, name, len))
			return true;
		is_address = false;
	}
	return false;
}

static bool is_listed(const char *hosts, const char *name)
{
	for (const char *line = hosts; *line; line += *line == '\n') {
		const char *end = line + strcspn(line, "\n");

		if (line_names(line, end, name))
			return true;
		line = end;
	}
	return false;
}

static bool is_host_name(const char *s)
{
	if (!*s || strlen(s) > 253)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(".-_", *s))
			return false;
	return true;
}

int account_hosts(const char *hosts, const char *own_name, char **ret)
{
	bool local = is_listed(hosts, "localhost");
	bool own = !is_host_name(own_name) || !strcasecmp(own_name, "localhost") ||
		   is_listed(hosts, own_name);
	char lines[2 * 300 + 64] = "";
	int n = 0;

	if (local && own)
		return 0;
	if (!local)
		n = str_fmt(lines, sizeof(lines), "127.0.0.1 localhost\n::1 localhost\n");
	if (!own)
		str_fmt(lines + n, sizeof(lines) - (size_t)n, "127.0.1.1 %s\n::1 %s\n", own_name,
			own_name);
	return add_line(hosts, lines, ret);
}
