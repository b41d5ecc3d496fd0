/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads policy/dbus/. What is not listed there is refused, so a line that is not understood is an
 * error and never skipped. Must never look at anything but the text. Called by the main of
 * vpnrun-session and by the tests.
 */
#include "bus/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define WORDS_MAX 5

static const struct {
	const char *word;
	enum bus_kind kind;
} kinds[] = {
	{"call", BUS_CALL},
	{"read", BUS_READ},
	{"write", BUS_WRITE},
	{"signal", BUS_SIGNAL},
	{"item-call", BUS_ITEM_CALL},
	{"item-read", BUS_ITEM_READ},
	{"item-signal", BUS_ITEM_SIGNAL},
};

static const struct {
	const char *word;
	enum bus_rewrite rewrite;
} rewrites[] = {
	{"notify", BUS_NOTIFY},
	{"capabilities", BUS_CAPABILITIES},
	{"notification", BUS_NOTIFICATION},
	{"register", BUS_REGISTER},
	{"item", BUS_ITEM},
	{"settings", BUS_SETTINGS},
};

/* Cuts at blanks; -E2BIG: more words than any line has. A comment ends the line. */
static int split(char *line, const char *ret[WORDS_MAX])
{
	int n = 0;

	line[strcspn(line, "#")] = '\0';
	for (;;) {
		line += strspn(line, " \t\r");
		if (!*line)
			return n;
		if (n == WORDS_MAX)
			return -E2BIG;
		ret[n++] = line;
		line += strcspn(line, " \t\r");
		if (*line)
			*line++ = '\0';
	}
}

static int add_word(const char **list, size_t *n, size_t max, const char *word)
{
	if (*n == max)
		return -E2BIG;
	list[(*n)++] = word;
	return 0;
}

static int add_rule(struct bus_service *s, enum bus_kind kind, const char *const *w, int n)
{
	struct bus_rule rule = {.kind = kind, .interface = w[1], .member = w[2]};
	bool known = n == 3;

	if (n < 3 || n > 4)
		return -EINVAL;
	for (size_t i = 0; n == 4 && i < ARRAY_SIZE(rewrites); i++)
		if (strcmp(w[3], rewrites[i].word) == 0) {
			rule.rewrite = rewrites[i].rewrite;
			known = true;
		}
	if (!known)
		return -EINVAL;
	if (s->n_rules == BUS_RULES_MAX)
		return -E2BIG;
	s->rules[s->n_rules++] = rule;
	return 0;
}

static int parse_line(struct bus_policy *p, struct bus_service *s, const char *const *w, int n)
{
	if (n == 2 && strcmp(w[0], "name") == 0)
		return add_word(s->names, &s->n_names, BUS_NAMES_MAX, w[1]);
	if (n == 2 && strcmp(w[0], "hide") == 0)
		return add_word(p->hidden, &p->n_hidden, BUS_LIST_MAX, w[1]);
	if (n == 2 && strcmp(w[0], "background") == 0)
		return add_word(p->background, &p->n_background, BUS_LIST_MAX, w[1]);
	if (n == 2 && strcmp(w[0], "desktop") == 0)
		return add_word(p->desktop, &p->n_desktop, BUS_LIST_MAX, w[1]);
	if (n == 1 && strcmp(w[0], "start") == 0) {
		s->start = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(w[0], kinds[i].word) == 0)
			return add_rule(s, kinds[i].kind, w, n);
	return -EINVAL;
}

static int check(const struct bus_service *s, struct err *e)
{
	if (!s->n_names && (s->n_rules || s->start))
		return err_set(e, -EINVAL, "%s: rules, but no name that they are for", s->file);
	return 0;
}

int bus_policy_parse(struct bus_policy *p, const char *file, char *text, struct err *e)
{
	struct bus_service *s = &p->services[p->n_services];
	unsigned int number = 0;
	const char *words[WORDS_MAX];
	char *next;
	int n, r;

	if (p->n_services == BUS_SERVICES_MAX)
		return err_set(e, -E2BIG, "%s: more than %d files", file, BUS_SERVICES_MAX);
	memset(s, 0, sizeof(*s));
	s->file = file;
	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		n = split(line, words);
		r = n > 0 ? parse_line(p, s, words, n) : n;
		if (r == -E2BIG)
			return err_set(e, r, "%s, line %u: too many words or lines", file, number);
		if (r < 0)
			return err_set(e, r, "%s, line %u: '%s' is not understood", file, number,
				       words[0]);
	}
	r = check(s, e);
	p->n_services += r == 0 && s->n_names;
	return r;
}

const struct bus_rule *bus_policy_find(const struct bus_service *s, enum bus_kind kind,
				       const char *interface, const char *member)
{
	for (size_t i = 0; interface && i < s->n_rules; i++) {
		const struct bus_rule *r = &s->rules[i];

		if (r->kind == kind && strcmp(r->interface, interface) == 0 &&
		    (strcmp(r->member, "*") == 0 || strcmp(r->member, member) == 0))
			return r;
	}
	return NULL;
}

bool bus_policy_knows(const struct bus_service *s, enum bus_kind kind, const char *interface)
{
	for (size_t i = 0; interface && i < s->n_rules; i++)
		if (s->rules[i].kind == kind && strcmp(s->rules[i].interface, interface) == 0)
			return true;
	return false;
}

bool bus_policy_lists(const char *const list[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);

		if (len && list[i][len - 1] == '*' ? strncmp(list[i], name, len - 1) == 0
						   : strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}
