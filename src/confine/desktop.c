/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rewrites a program's own desktop entry into one that starts it through vpnrun. Line by line: what
 * it does not know stays as it is, in the order it was. Called by `vpnctl wrap`.
 */
#include "confine/desktop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Finds where in a command the word that names the program begins, or NULL. */
static const char *find_program(const char *cmd, size_t len, const char *program, size_t *ret_len)
{
	const char *at = cmd, *end = cmd + len;
	bool after_env = false;

	while (at < end) {
		const char *word, *base;

		while (at < end && (*at == ' ' || *at == '"'))
			at++;
		word = base = at;
		while (at < end && *at != ' ' && *at != '"') {
			if (*at == '/')
				base = at + 1;
			at++;
		}
		if ((size_t)(at - base) == strlen(program) &&
		    !strncmp(base, program, (size_t)(at - base))) {
			*ret_len = (size_t)(at - word);
			return word;
		}
		if (after_env && memchr(word, '=', (size_t)(at - word)))
			continue;
		if (after_env || at - base != 3 || strncmp(base, "env", 3) != 0)
			return NULL;
		after_env = true;
	}
	return NULL;
}

static bool is_key(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);

	return len > n && !strncmp(line, key, n) && line[n] == '=';
}

/* Name and its translations, "Name[de]". */
static bool is_name(const char *line, size_t len)
{
	return is_key(line, len, "Name") || (len > 5 && !strncmp(line, "Name[", 5));
}

bool desktop_starts(const char *text, const char *program)
{
	bool main_group = false;
	size_t len, ignored;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (line[0] == '[')
			main_group = !strncmp(line, "[Desktop Entry]", 15);
		else if (main_group && is_key(line, len, "Exec"))
			return find_program(line + 5, len - 5, program, &ignored) != NULL;
	}
	return false;
}

static void put_exec(FILE *f, const char *line, size_t len, const struct desktop_wrap *w)
{
	size_t n = 0;
	const char *word = find_program(line + 5, len - 5, w->program, &n);

	if (!word) {
		fprintf(f, "Exec=%s %.*s\n", w->prefix, (int)(len - 5), line + 5);
		return;
	}
	/* By its whole path: its name alone would find the wrapper. */
	fprintf(f, "Exec=%s %.*s%s%.*s\n", w->prefix, (int)(word - line - 5), line + 5, w->path,
		(int)(line + len - word - (ptrdiff_t)n), word + n);
}

static void put_line(FILE *f, const char *line, size_t len, bool main_group,
		     const struct desktop_wrap *w)
{
	if (is_key(line, len, "Exec"))
		put_exec(f, line, len, w);
	else if (main_group && is_name(line, len))
		fprintf(f, "%.*s (%s)\n", (int)len, line, w->vpn);
	else if (!is_key(line, len, "DBusActivatable"))
		fprintf(f, "%.*s\n", (int)len, line);
}

char *desktop_wrap(const char *text, const struct desktop_wrap *w)
{
	bool main_group = false;
	char *out = NULL;
	size_t size = 0, len;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	fprintf(f, "#%s\n", w->mark);
	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (line[0] == '[')
			main_group = !strncmp(line, "[Desktop Entry]", 15);
		put_line(f, line, len, main_group, w);
		if (main_group && line[0] == '[')
			fputs("DBusActivatable=false\n", f);
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
