/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See words.h. Every text is read to its end, however broken: what does not fit, and what only a
 * shell could find out, becomes UNKNOWN, a byte that is in no program's name. Must never write
 * beyond its buffers, whoever wrote the script.
 */
#include "running/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define UNKNOWN	 '\1'
#define NAME_LEN 64

void words_begin(struct words *w, const char *text, const char *self, const char *dir,
		 char *const *args)
{
	w->at = text;
	w->self = self;
	w->dir = dir;
	w->args = args;
	w->n = w->n_vars = w->used = w->kept = 0;
}

const char *words_var(const struct words *w, const char *name)
{
	for (size_t i = w->n_vars; i-- > 0;)
		if (!strcmp(w->var[i][0], name))
			return w->var[i][1];
	return getenv(name);
}

static const char *keep(struct words *w, const char *s, size_t len)
{
	char *at = w->vars + w->kept;

	if (len >= sizeof(w->vars) - w->kept)
		return NULL;
	memcpy(at, s, len);
	at[len] = '\0';
	w->kept += len + 1;
	return at;
}

static void set_var(struct words *w, const char *name, size_t len, const char *value)
{
	const char *k, *v;

	if (w->n_vars == WORDS_VARS_MAX)
		return;
	k = keep(w, name, len);
	v = keep(w, value, strlen(value));
	if (!k || !v)
		return;
	w->var[w->n_vars][0] = k;
	w->var[w->n_vars++][1] = v;
}

/* --- the word that is being read -------------------------------------------------------------- */

static void put(struct words *w, char c)
{
	if (w->used + 1 < sizeof(w->text))
		w->text[w->used++] = c;
}

static void put_text(struct words *w, const char *s)
{
	while (*s)
		put(w, *s++);
}

/* Ends the word that began at start; one that does not fit is left out. */
static void end_word(struct words *w, size_t *start)
{
	if (w->n < WORDS_MAX && w->used + 1 < sizeof(w->text)) {
		w->text[w->used++] = '\0';
		w->word[w->n++] = w->text + *start;
	} else {
		w->used = *start;
	}
	*start = w->used;
}

/* "$@": words of their own, whatever stands around it. */
static void put_args(struct words *w, size_t *start)
{
	w->hands_on = true;
	for (char *const *a = w->args; a && *a; a++) {
		put_text(w, *a);
		if (a[1])
			end_word(w, start);
	}
}

/* A variable's value; unquoted it falls into words. */
static void put_value(struct words *w, const char *value, bool quoted, size_t *start)
{
	for (; *value; value++) {
		if (quoted || !isspace((unsigned char)*value))
			put(w, *value);
		else if (w->used > *start)
			end_word(w, start);
	}
}

/* --- expansions ------------------------------------------------------------------------------- */

/* The end of a text that began behind open, which may be nested. */
static const char *find_close(const char *p, char open, char close)
{
	unsigned int depth = 1;

	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == open && open != close)
			depth++;
		else if (*p == close && --depth == 0)
			break;
	}
	return p;
}

static bool has(const char *p, const char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what)) != NULL;
}

/* $(...): the ways in which scripts ask where they lie, and `command -v NAME`. */
static void put_output(struct words *w, const char *p, const char *end)
{
	static const char *const finders[] = {"command -v ", "which "};
	bool self = has(p, end, "$0") || has(p, end, "BASH_SOURCE");

	if (self && has(p, end, "dirname") && w->dir) {
		put_text(w, w->dir);
		return;
	}
	if (self && (has(p, end, "readlink") || has(p, end, "realpath"))) {
		put_text(w, w->self);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(finders); i++) {
		if (!str_starts(p, finders[i]))
			continue;
		for (p += strlen(finders[i]);
		     p < end && (isalnum((unsigned char)*p) || (*p && strchr("/._+-", *p))); p++)
			put(w, *p);
		return;
	}
	put(w, UNKNOWN);
}

static size_t name_len(const char *p)
{
	size_t n = 0;

	if (isdigit((unsigned char)*p))
		return 0;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

static const char *var_of(const struct words *w, const char *p, size_t len)
{
	char name[NAME_LEN];

	if (len >= sizeof(name))
		return NULL;
	memcpy(name, p, len);
	name[len] = '\0';
	return words_var(w, name);
}

/* $1 and its like; $0. */
static const char *arg_of(const struct words *w, int n)
{
	char *const *a = w->args;

	if (n == 0)
		return w->self;
	while (a && *a && --n)
		a++;
	return a && *a ? *a : "";
}

/* ${...}, without the braces. */
static void put_braces(struct words *w, const char *p, const char *end, bool quoted, size_t *start)
{
	size_t len = name_len(p);
	const char *value = len ? var_of(w, p, len) : NULL, *rest = p + len;
	bool is_default = rest < end && (*rest == '-' || (*rest == ':' && rest[1] == '-'));

	if (has(p, end, "$@") || *p == '@' || *p == '*')
		put_args(w, start);
	else if (!strncmp(p, "0%/*", 4) && w->dir)
		put_text(w, w->dir);
	else if (len && rest == end)
		put_value(w, value ? value : "", quoted, start);
	else if (is_default && value && *value)
		put_value(w, value, quoted, start);
	else if (is_default && !has(rest, end, "$") && !has(rest, end, "`"))
		for (rest += *rest == ':' ? 2 : 1; rest < end; rest++) {
			if (*rest != '"' && *rest != '\'')
				put(w, *rest);
		}
	else if (isdigit((unsigned char)*p) && p + 1 == end)
		put_value(w, arg_of(w, *p - '0'), quoted, start);
	else
		put(w, UNKNOWN);
}

/* What begins with the dollar at p; returns what follows it. */
static const char *expand(struct words *w, const char *p, bool quoted, size_t *start)
{
	const char *end;
	size_t len;

	p++;
	if (*p == '(' || *p == '{') {
		end = find_close(p + 1, *p, *p == '(' ? ')' : '}');
		if (*p == '(')
			put_output(w, p + 1, end);
		else
			put_braces(w, p + 1, end, quoted, start);
		return *end ? end + 1 : end;
	}
	len = name_len(p);
	if (len) {
		const char *value = var_of(w, p, len);

		put_value(w, value ? value : "", quoted, start);
		return p + len;
	}
	if (*p == '@' || *p == '*')
		put_args(w, start);
	else if (isdigit((unsigned char)*p))
		put_value(w, arg_of(w, *p - '0'), quoted, start);
	else if (*p && strchr("#?$!-", *p))
		put(w, '0');
	else {
		put(w, '$');
		return p;
	}
	return p + 1;
}

/* --- words ------------------------------------------------------------------------------------ */

/* A variable, or the output of a command, at p: '$' or '`'. */
static const char *substitute(struct words *w, const char *p, bool quoted, size_t *start)
{
	const char *end;

	if (*p == '$')
		return expand(w, p, quoted, start);
	end = find_close(p + 1, '`', '`');
	put_output(w, p + 1, end);
	return *end ? end + 1 : end;
}

static const char *read_quoted(struct words *w, const char *p, size_t *start)
{
	if (*p == '\'') {
		for (p++; *p && *p != '\''; p++)
			put(w, *p);
		return *p ? p + 1 : p;
	}
	for (p++; *p && *p != '"';) {
		if (*p == '\\' && p[1] && strchr("$`\"\\\n", p[1])) {
			if (p[1] != '\n')
				put(w, p[1]);
			p += 2;
		} else if (*p == '$' || *p == '`') {
			p = substitute(w, p, true, start);
		} else {
			put(w, *p++);
		}
	}
	return *p ? p + 1 : p;
}

/* One word at p, which is neither blank nor an operator. */
static const char *read_word(struct words *w, const char *p)
{
	size_t start = w->used;
	bool quoted = false;

	while (*p && !isspace((unsigned char)*p) && !strchr(";&|()<>", *p)) {
		if (*p == '\'' || *p == '"') {
			quoted = true;
			p = read_quoted(w, p, &start);
		} else if (*p == '\\' && p[1]) {
			if (p[1] != '\n')
				put(w, p[1]);
			p += 2;
		} else if (*p == '$' || *p == '`') {
			p = substitute(w, p, false, &start);
		} else {
			put(w, *p++);
		}
	}
	if (w->used > start || quoted)
		end_word(w, &start);
	return p;
}

/* Where a redirection leads is no word of the command. */
static const char *skip_redirection(struct words *w, const char *p)
{
	size_t n = w->n, used = w->used;
	bool hands_on = w->hands_on;

	p += strspn(p, "<>&|-");
	p += strspn(p, " \t");
	p = read_word(w, p);
	w->n = n;
	w->used = used;
	w->hands_on = hands_on;
	return p;
}

/* The words up to the next operator. */
static const char *read_words(struct words *w, const char *p)
{
	while (*p && !strchr("\n;&|()", *p)) {
		if (*p == '#')
			p += strcspn(p, "\n");
		else if (*p == '\\' && p[1] == '\n')
			p += 2;
		else if (isspace((unsigned char)*p))
			p++;
		else if (*p == '<' || *p == '>')
			p = skip_redirection(w, p);
		else
			p = read_word(w, p);
	}
	return *p ? p + 1 : p;
}

/* --- commands --------------------------------------------------------------------------------- */

static void shift(struct words *w)
{
	memmove(w->word, w->word + 1, (w->n - 1) * sizeof(w->word[0]));
	w->n--;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

/* "NAME=VALUE" at *word: noted. */
static bool assign(struct words *w, const char *word)
{
	size_t len = name_len(word);

	if (!len || word[len] != '=')
		return false;
	set_var(w, word, len, word + len + 1);
	return true;
}

/* exec's own options, `-a NAME` among them. */
static void strip_exec(struct words *w)
{
	shift(w);
	w->is_exec = true;
	while (w->n && w->word[0][0] == '-') {
		bool named = !strcmp(w->word[0], "-a");

		shift(w);
		if (named && w->n)
			shift(w);
	}
}

/* What the shell reads itself before it looks for a program. false: it looks for none. */
static bool strip(struct words *w)
{
	static const char *const openers[] = {"if",   "then", "elif", "else", "while", "until",
					      "do",   "!",    "{",    "}",    "time",  "command",
					      "then", "fi",   "done", NULL};
	static const char *const setters[] = {"export",	 "readonly", "local",
					      "declare", "typeset",  NULL};
	static const char *const others[] = {"case", "for", "select", "function", "esac", NULL};

	while (w->n) {
		if (assign(w, w->word[0]) || is_one_of(w->word[0], openers)) {
			shift(w);
		} else if (!strcmp(w->word[0], "exec")) {
			strip_exec(w);
		} else if (is_one_of(w->word[0], setters)) {
			for (size_t i = 1; i < w->n; i++)
				assign(w, w->word[i]);
			return false;
		} else {
			return !is_one_of(w->word[0], others);
		}
	}
	return false;
}

bool words_next(struct words *w)
{
	while (*w->at) {
		w->n = w->used = 0;
		w->is_exec = w->hands_on = false;
		w->at = read_words(w, w->at);
		if (!strip(w))
			continue;
		w->word[w->n] = NULL;
		return true;
	}
	return false;
}
