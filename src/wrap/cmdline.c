/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See cmdline.h. The three formats quote in three ways; what is needed here, where the first words
 * end, is the same in all of them. What is not understood is left as it is, behind the prefix.
 */
#include "wrap/cmdline.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "running/command.h"

#define ARGS_MAX 32

struct word {
	size_t at, end; /* with its quotes */
	char text[PATH_MAX];
};

static const char *const shells[] = {"sh", "dash", "bash", "zsh", "ksh", "fish"};

/* false: there is no further word. A word that is too long is cut, and names no file. */
static bool next_word(const char *cmd, size_t len, size_t from, struct word *ret)
{
	size_t at = from, n = 0;
	char quote = 0;

	while (at < len && (cmd[at] == ' ' || cmd[at] == '\t'))
		at++;
	if (at >= len)
		return false;
	ret->at = at;
	for (; at < len && (quote || (cmd[at] != ' ' && cmd[at] != '\t')); at++) {
		char c = cmd[at];

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'' && at + 1 < len)
			c = cmd[++at];
		if (n + 1 < sizeof(ret->text))
			ret->text[n++] = c;
	}
	ret->text[n] = '\0';
	ret->end = at;
	return true;
}

/* Finds the first word that is a command: env, its options and its variables are none. */
static bool find_command(const char *cmd, size_t len, struct word *w)
{
	bool after_env = false;
	size_t from = 0;

	while (next_word(cmd, len, from, w)) {
		from = w->end;
		if (!after_env && !strcmp(running_base(w->text), "env")) {
			after_env = true;
			continue;
		}
		if (!after_env || (w->text[0] != '-' && !strchr(w->text, '=')))
			return true;
		if ((!strcmp(w->text, "-u") || !strcmp(w->text, "-C")) &&
		    next_word(cmd, len, from, w))
			from = w->end;
	}
	return false;
}

static int match(const struct running_program *p, void *arg)
{
	const struct wrap_target *t = arg;

	return !strcmp(p->path, t->real) || (t->engine[0] && !strcmp(p->path, t->engine)) ||
	       (p->argv[0] && !strcmp(running_base(p->argv[0]), t->program));
}

/* Whether the command leads to the program through whatever starts it. */
static bool leads(const struct wrap_target *t, const char *cmd, size_t len)
{
	char *argv[ARGS_MAX + 1] = {NULL};
	struct word *w = malloc(sizeof(*w));
	size_t n = 0, from = 0;
	bool found;

	while (w && n < ARGS_MAX && next_word(cmd, len, from, w) && (argv[n] = strdup(w->text))) {
		from = w->end;
		n++;
	}
	/* The target is only read. */
	found = n && running_each(argv, match, (void *)(uintptr_t)t);
	while (n > 0)
		free(argv[--n]);
	free(w);
	return found;
}

static bool is_script_file(const char *word)
{
	char path[PATH_MAX], head[2];
	AUTO_CLOSE int fd = wrap_find_command(word, path) ? file_open(path, NULL) : -1;

	return fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) && head[0] == '#' &&
	       head[1] == '!';
}

/* `sh FILE`, or a script by its name: what else it does is not known. */
static bool is_script(const char *cmd, size_t len, const struct word *first)
{
	struct word next;

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (!strcmp(running_base(first->text), shells[i]))
			return !next_word(cmd, len, first->end, &next) || next.text[0] != '-';
	return is_script_file(first->text);
}

enum wrap_how wrap_judge(const struct wrap_target *t, const char *cmd, size_t len)
{
	struct word first;

	if (!find_command(cmd, len, &first))
		return WRAP_OTHER;
	if (wrap_target_is(t, first.text))
		return WRAP_STARTS;
	/* A vpnrun that somebody has written there has its VPN. */
	if (!strcmp(running_base(first.text), "vpnrun") || !leads(t, cmd, len))
		return WRAP_OTHER;
	return is_script(cmd, len, &first) ? WRAP_SCRIPT : WRAP_WHOLE;
}

/* Who names a profile wants that one. */
static bool has_profile(const char *cmd, size_t len)
{
	static const char *const names[] = {"-P", "-p", "-profile", "--profile", "--user-data-dir"};
	struct word w;

	for (size_t from = 0; next_word(cmd, len, from, &w); from = w.end) {
		w.text[strcspn(w.text, "=")] = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (!strcmp(w.text, names[i]))
				return true;
	}
	return false;
}

void wrap_put_command(FILE *f, const struct wrap_cover *c, const char *cmd, size_t len)
{
	const struct wrap_target *t = c->target;
	const char *options = c->options;
	char path[PATH_MAX];
	struct word w;

	if (!find_command(cmd, len, &w) || !wrap_target_is(t, w.text)) {
		fprintf(f, "%s %.*s", c->prefix, (int)len, cmd);
		return;
	}
	if (has_profile(cmd + w.end, len - w.end))
		options = "";
	fprintf(f, "%s %.*s", c->prefix, (int)w.at, cmd);
	/* By its whole path: its name alone would find the wrapper. */
	if (strchr(w.text, '/'))
		fprintf(f, "%.*s", (int)(w.end - w.at), cmd + w.at);
	else if (!strcmp(w.text, t->program) || !wrap_find_command(w.text, path))
		fputs(t->path, f);
	else
		fputs(path, f);
	fprintf(f, "%s%s%.*s", options[0] ? " " : "", options, (int)(len - w.end), cmd + w.end);
}
