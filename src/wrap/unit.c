/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See unit.h. A drop-in can only clear a list of commands and say it anew, so the lists that count
 * are gathered first: an empty assignment in the text has cleared what came before it.
 */
#include "wrap/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define COMMANDS_MAX 64

static const char *const keys[] = {"ExecStartPre", "ExecStart",	   "ExecStartPost", "ExecReload",
				   "ExecStop",	   "ExecStopPost", "ExecCondition"};

/* Makes one line of lines that end with a backslash; comments between them go. */
static char *join_lines(const char *text)
{
	char *out = malloc(strlen(text) + 1);
	size_t n = 0, len;
	bool joining = false;

	for (const char *line = text; out && *line; line += len + (line[len] == '\n')) {
		bool more;

		len = strcspn(line, "\n");
		if (line[0] == '#' || line[0] == ';')
			continue;
		while (!joining && len && (*line == ' ' || *line == '\t')) {
			line++;
			len--;
		}
		more = len && line[len - 1] == '\\';
		memcpy(out + n, line, len);
		n += len;
		if (more)
			out[n - 1] = ' ';
		else
			out[n++] = '\n';
		joining = more;
	}
	/* Every line but the last had its newline in the text. */
	if (out)
		out[n && n == strlen(text) + 1 ? n - 1 : n] = '\0';
	return out;
}

static const char *value_of(const char *line, size_t *len, const char *key)
{
	size_t n = strlen(key);

	if (*len <= n || strncmp(line, key, n) != 0)
		return NULL;
	while (n < *len && line[n] == ' ')
		n++;
	if (n >= *len || line[n] != '=')
		return NULL;
	do {
		n++;
	} while (n < *len && line[n] == ' ');
	*len -= n;
	return line + n;
}

struct commands {
	struct {
		const char *at;
		size_t len;
	} line[COMMANDS_MAX];
	size_t n;
};

/* The commands of a key that are left at the end of the text. */
static void gather(const char *text, const char *key, struct commands *ret)
{
	bool service = false;
	size_t len;

	ret->n = 0;
	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		size_t n = len = strcspn(line, "\n");
		const char *v;

		if (line[0] == '[')
			service = !strncmp(line, "[Service]", 9);
		v = service ? value_of(line, &n, key) : NULL;
		if (v && n == 0) {
			ret->n = 0;
		} else if (v && ret->n < COMMANDS_MAX) {
			ret->line[ret->n].at = v;
			ret->line[ret->n++].len = n;
		}
	}
}

/* The signs before a command; *ret_argv0: the word behind it is not its first argument, but its
 * name. */
static size_t signs(const char *cmd, size_t len, bool *ret_argv0)
{
	size_t n = 0;

	*ret_argv0 = false;
	for (; n < len && strchr("@-:+!|", cmd[n]); n++)
		*ret_argv0 = *ret_argv0 || cmd[n] == '@';
	return n;
}

static enum wrap_how judge_list(const struct commands *c, const struct wrap_target *t)
{
	enum wrap_how how = WRAP_OTHER;
	bool argv0;

	for (size_t i = 0; i < c->n; i++) {
		size_t n = signs(c->line[i].at, c->line[i].len, &argv0);
		enum wrap_how one = wrap_judge(t, c->line[i].at + n, c->line[i].len - n);

		if (one != WRAP_OTHER && (how == WRAP_OTHER || one < how))
			how = one;
	}
	return how;
}

enum wrap_how unit_judge(const char *text, const struct wrap_target *t)
{
	AUTO_FREE char *joined = join_lines(text);
	enum wrap_how how = WRAP_OTHER;
	struct commands c;

	for (size_t i = 0; joined && i < ARRAY_SIZE(keys); i++) {
		enum wrap_how one;

		gather(joined, keys[i], &c);
		one = judge_list(&c, t);
		if (one != WRAP_OTHER && (how == WRAP_OTHER || one < how))
			how = one;
	}
	return how;
}

/* The value of a key that is given last, or "". */
static void last_value(const char *joined, const char *key, char *ret, size_t size)
{
	struct commands c;

	gather(joined, key, &c);
	if (!c.n || str_fmt(ret, size, "%.*s", (int)c.line[c.n - 1].len, c.line[c.n - 1].at) < 0)
		ret[0] = '\0';
}

static bool has_word(const struct commands *c, const char *word)
{
	for (size_t i = 0; i < c->n; i++) {
		const char *at = memmem(c->line[i].at, c->line[i].len, word, strlen(word));
		size_t end = at ? (size_t)(at - c->line[i].at) + strlen(word) : 0;

		if (at && (end == c->line[i].len || c->line[i].at[end] == ' '))
			return true;
	}
	return false;
}

/* The first line says whether the list allows or, with a tilde, forbids. */
static bool is_shut(const char *joined, const char *key, const char *const needed[])
{
	struct commands c;
	bool forbids;

	gather(joined, key, &c);
	forbids = c.n && c.line[0].at[0] == '~';
	for (size_t i = 0; c.n && needed[i]; i++)
		if (has_word(&c, needed[i]) == forbids)
			return true;
	return false;
}

const char *unit_forbids(const char *text)
{
	static const char *const families[] = {"AF_UNIX", "AF_NETLINK", NULL};
	static const char *const calls[] = {"@mount", NULL};
	AUTO_FREE char *joined = join_lines(text);
	char value[64] = "no";

	if (!joined)
		return NULL;
	last_value(joined, "RestrictNamespaces", value, sizeof(value));
	if (value[0] && strcmp(value, "no") != 0 && strcmp(value, "false") != 0 &&
	    strcmp(value, "0") != 0)
		return "RestrictNamespaces=no";
	if (is_shut(joined, "SystemCallFilter", calls))
		return "SystemCallFilter=";
	return is_shut(joined, "RestrictAddressFamilies", families) ? "RestrictAddressFamilies="
								    : NULL;
}

static void put_one(FILE *f, const struct wrap_cover *c, const char *cmd, size_t len)
{
	bool argv0;
	size_t n = signs(cmd, len, &argv0), word;
	enum wrap_how how = wrap_judge(c->target, cmd + n, len - n);

	if (how != WRAP_STARTS && how != WRAP_WHOLE) {
		fprintf(f, "%.*s\n", (int)len, cmd);
		return;
	}
	/* With '@' vpnrun itself would be given the name that was meant for the program. */
	for (size_t i = 0; i < n; i++)
		if (cmd[i] != '@')
			fputc(cmd[i], f);
	cmd += n;
	len -= n;
	if (argv0) {
		size_t gap = strcspn(cmd, " \t");

		gap = gap < len ? gap : len;
		fprintf(f, "%s %.*s", c->prefix, (int)gap, cmd);
		word = gap + strspn(cmd + gap, " \t");
		word += strcspn(cmd + (word < len ? word : len), " \t\n");
		if (word < len)
			fprintf(f, "%.*s", (int)(len - word), cmd + word);
		fputc('\n', f);
		return;
	}
	wrap_put_command(f, c, cmd, len);
	fputc('\n', f);
}

static void put_list(FILE *f, const struct wrap_cover *c, const char *key,
		     const struct commands *list)
{
	fprintf(f, "%s=\n", key);
	for (size_t i = 0; i < list->n; i++) {
		fprintf(f, "%s=", key);
		put_one(f, c, list->line[i].at, list->line[i].len);
	}
}

/* What is said to systemd, or on the session's bus, does not come out of a sandbox: a unit that is
 * ready only then would never be. */
static void put_type(FILE *f, const char *joined)
{
	char type[32];

	last_value(joined, "Type", type, sizeof(type));
	if (!strcmp(type, "notify") || !strcmp(type, "notify-reload") || !strcmp(type, "dbus"))
		fputs("Type=exec\nWatchdogSec=0\n", f);
}

char *unit_wrap(const char *text, const struct wrap_cover *c)
{
	AUTO_FREE char *joined = join_lines(text);
	struct commands list;
	char *out = NULL;
	size_t size = 0;
	FILE *f = joined ? open_memstream(&out, &size) : NULL;

	if (!f)
		return NULL;
	fprintf(f, "#%s\n[Service]\n", c->mark);
	put_type(f, joined);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		enum wrap_how how;

		gather(joined, keys[i], &list);
		how = judge_list(&list, c->target);
		if (how == WRAP_STARTS || how == WRAP_WHOLE)
			put_list(f, c, keys[i], &list);
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
