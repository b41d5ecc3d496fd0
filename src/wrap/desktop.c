/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rewrites a program's own desktop entry into one that starts it through vpnrun. Line by line: what
 * it does not know stays as it is, in the order it was. Called for menus and for autostart.
 */
#include "wrap/desktop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Finds what stands behind "KEY =", or returns NULL. */
static const char *value_of(const char *line, size_t len, const char *key)
{
	size_t n = strlen(key);

	if (len <= n || strncmp(line, key, n) != 0)
		return NULL;
	while (n < len && line[n] == ' ')
		n++;
	if (n == len || line[n] != '=')
		return NULL;
	do {
		n++;
	} while (n < len && line[n] == ' ');
	return line + n;
}

/* Name and its translations, "Name[de]". */
static bool is_name(const char *line, size_t len)
{
	return value_of(line, len, "Name") || (len > 5 && !strncmp(line, "Name[", 5));
}

struct judged {
	enum wrap_how main, actions;
	bool hidden;
};

/* WRAP_STARTS and WRAP_WHOLE can be covered, WRAP_SCRIPT only told of. */
static enum wrap_how clearer(enum wrap_how a, enum wrap_how b)
{
	if (a == WRAP_OTHER || b == WRAP_OTHER)
		return a == WRAP_OTHER ? b : a;
	return a < b ? a : b;
}

static struct judged judge(const char *text, const struct wrap_target *t)
{
	struct judged j = {WRAP_OTHER, WRAP_OTHER, false};
	bool main_group = false;
	size_t len;

	for (const char *line = text, *hidden; *line; line += len + (line[len] == '\n')) {
		const char *v;
		enum wrap_how how;

		len = strcspn(line, "\n");
		if (line[0] == '[')
			main_group = !strncmp(line, "[Desktop Entry]", 15);
		hidden = main_group ? value_of(line, len, "Hidden") : NULL;
		if (hidden)
			j.hidden = !strncmp(hidden, "true", 4);
		v = t ? value_of(line, len, "Exec") : NULL;
		if (!v)
			continue;
		how = wrap_judge(t, v, (size_t)(line + len - v));
		if (main_group)
			j.main = clearer(j.main, how);
		else
			j.actions = clearer(j.actions, how);
	}
	return j;
}

enum wrap_how desktop_judge(const char *text, const struct wrap_target *t)
{
	struct judged j = judge(text, t);

	return clearer(j.main, j.actions);
}

bool desktop_is_hidden(const char *text)
{
	return judge(text, NULL).hidden;
}

static bool is_covered(enum wrap_how how)
{
	return how == WRAP_STARTS || how == WRAP_WHOLE;
}

struct entry_line {
	const char *at;
	size_t len;
	bool main_group; /* it stands in the entry's own group */
	bool whole;	 /* all of the entry goes behind the prefix */
};

static void put_line(FILE *f, const struct entry_line *l, const struct wrap_cover *c)
{
	const char *v = value_of(l->at, l->len, "Exec");
	size_t n = v ? (size_t)(l->at + l->len - v) : 0;

	if (v && (l->whole || is_covered(wrap_judge(c->target, v, n)))) {
		fputs("Exec=", f);
		wrap_put_command(f, c, v, n);
	} else if (l->whole && l->main_group && is_name(l->at, l->len)) {
		fprintf(f, "%.*s (%s)\n", (int)l->len, l->at, c->vpn);
	} else if (!l->whole || !value_of(l->at, l->len, "DBusActivatable")) {
		fprintf(f, "%.*s\n", (int)l->len, l->at);
	}
}

char *desktop_wrap(const char *text, const struct wrap_cover *c)
{
	struct entry_line l = {.whole = is_covered(judge(text, c->target).main)};
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	fprintf(f, "#%s\n", c->mark);
	for (l.at = text; *l.at; l.at += l.len + (l.at[l.len] == '\n')) {
		l.len = strcspn(l.at, "\n");
		if (l.at[0] == '[')
			l.main_group = !strncmp(l.at, "[Desktop Entry]", 15);
		put_line(f, &l, c);
		if (l.whole && l.main_group && l.at[0] == '[')
			fputs("DBusActivatable=false\n", f);
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
