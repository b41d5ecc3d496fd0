/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rewrites a program's own desktop entry into one that starts it through vpnrun. Line by line: what
 * it does not know stays as it is, in the order it was. Called for menus, for autostart and for the
 * helpers of Xfce.
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
		fputc('\n', f);
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

/* --- Xfce's helpers -----------------------------------------------------------------------------
 */

#define HELPER_COMMANDS "X-XFCE-Commands"

/* Of "firefox;mozilla-firefox;" Xfce takes the first that is in PATH, and calls it %B. */
static void find_binary(const char *text, char ret[PATH_MAX])
{
	char path[PATH_MAX];
	size_t len;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		const char *v = value_of(line, len = strcspn(line, "\n"), "X-XFCE-Binaries");

		for (size_t n; v && v < line + len; v += n + 1) {
			n = strcspn(v, ";\n");
			if (str_fmt(ret, PATH_MAX, "%.*s", (int)n, v) > 0 &&
			    wrap_find_command(ret, path))
				return;
		}
	}
	ret[0] = '\0';
}

/* The list of commands in a line, each with a ';' behind it; NULL: it has none. */
static const char *commands_of(const char *line, size_t len)
{
	const char *v = value_of(line, len, HELPER_COMMANDS);

	return v ? v : value_of(line, len, HELPER_COMMANDS "WithParameter");
}

static bool has_binary(const char *cmd, size_t len)
{
	return memmem(cmd, len, "%B", 2);
}

/* A vpnrun that somebody has written there has its VPN. */
static bool is_vpnrun(const char *cmd, size_t len)
{
	const char *end = memchr(cmd, ' ', len);
	size_t n = end ? (size_t)(end - cmd) : len;

	return n >= 6 && !strncmp(cmd + n - 6, "vpnrun", 6) && (n == 6 || cmd[n - 7] == '/');
}

static enum wrap_how judge_command(const struct wrap_target *t, const char *binary, const char *cmd,
				   size_t len)
{
	if (is_vpnrun(cmd, len))
		return WRAP_OTHER;
	return has_binary(cmd, len) ? wrap_judge(t, binary, strlen(binary))
				    : wrap_judge(t, cmd, len);
}

enum wrap_how helper_judge(const char *text, const struct wrap_target *t)
{
	enum wrap_how how = WRAP_OTHER;
	char binary[PATH_MAX];
	size_t len;

	find_binary(text, binary);
	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		const char *v = commands_of(line, len = strcspn(line, "\n"));

		for (size_t n; v && v < line + len; v += n + 1) {
			n = strcspn(v, ";\n");
			how = clearer(how, judge_command(t, binary, v, n));
		}
	}
	return how;
}

/* The program stands for a %B that leads, since what it is called may be a script that chooses; one
 * that another command is given stays, behind the prefix with the whole. */
static void put_helper(FILE *f, const struct wrap_cover *c, const char *binary, const char *cmd,
		       size_t len)
{
	enum wrap_how how = judge_command(c->target, binary, cmd, len);

	if (how == WRAP_OTHER)
		fprintf(f, "%.*s", (int)len, cmd);
	else if (len >= 2 && !strncmp(cmd, "%B", 2))
		fprintf(f, "%s %s%s%s%.*s", c->prefix, c->target->path, c->options[0] ? " " : "",
			c->options, (int)len - 2, cmd + 2);
	else if (how == WRAP_STARTS && !has_binary(cmd, len))
		wrap_put_command(f, c, cmd, len);
	else
		fprintf(f, "%s %.*s", c->prefix, (int)len, cmd);
}

char *helper_wrap(const char *text, const struct wrap_cover *c)
{
	char *out = NULL, binary[PATH_MAX];
	size_t size = 0, len;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	find_binary(text, binary);
	fprintf(f, "#%s\n", c->mark);
	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		const char *v = commands_of(line, len = strcspn(line, "\n"));

		fprintf(f, "%.*s", v ? (int)(v - line) : (int)len, line);
		for (size_t n; v && v < line + len; v += n + 1) {
			n = strcspn(v, ";\n");
			put_helper(f, c, binary, v, n);
			fputc(';', f);
		}
		fputc('\n', f);
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
