/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See args.h. Knows of an option its name and whether a value follows; what the value means, the
 * command says.
 */
#include "ctl/args.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "conf/value.h"

enum kind { NONE, FLAG, VALUE };

static enum kind kind_of(const char *options, const char *name, size_t len)
{
	for (const char *s = options; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " "), bare = n && s[n - 1] == '=' ? n - 1 : n;

		if (bare == len && !strncmp(s, name, len))
			return bare < n ? VALUE : FLAG;
		s += n;
	}
	return NONE;
}

/* *i moves on to a value that follows. */
static int check_option(int argc, char **argv, int *i, const struct args_rule *rule, struct err *e)
{
	const char *option = argv[*i];
	size_t len = strcspn(option, "=");
	enum kind kind = kind_of(rule->options, option, len);
	char shown[VALUE_SHOW_MAX];

	if (kind == NONE)
		return err_set(e, -EINVAL, "there is no option %s", value_show(option, shown));
	if (kind == FLAG && option[len])
		return err_set(e, -EINVAL, "%.*s takes no value", (int)len, option);
	if (kind == VALUE && !option[len] && ++*i >= argc)
		return err_set(e, -EINVAL, "%s needs a value", option);
	return 0;
}

int args_check(int argc, char **argv, const struct args_rule *rule, struct err *e)
{
	bool only_words = false;
	int words = 0;

	for (int i = 1; i < argc; i++) {
		int r = 0;

		if (!only_words && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")))
			return 1;
		if (!only_words && !strcmp(argv[i], "--"))
			only_words = true;
		else if (!only_words && argv[i][0] == '-' && argv[i][1])
			r = check_option(argc, argv, &i, rule, e);
		else
			words++;
		if (r < 0)
			return r;
	}
	if (words < rule->min)
		return err_set(e, -EINVAL, "something is missing");
	if (words > rule->max)
		return err_set(e, -EINVAL, "there is an argument too many");
	return 0;
}

const char *args_root(int argc, char **argv, const struct args_rule *rule)
{
	if (!rule->root || !*rule->root)
		return rule->root;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (kind_of(rule->root, argv[i], strlen(argv[i])) != NONE)
			return argv[i];
	return NULL;
}
