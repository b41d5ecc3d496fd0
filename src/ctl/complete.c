/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See complete.h. Reads the names of VPNs and policies, and of a VPN's file, which holds no secret,
 * whether it is a tunnel: so it needs no right and says nothing of the keys.
 */
#include "ctl/complete.h"

#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/util.h"
#include "conf/profile.h"

/* What follows an option, where that is not anybody's to know. */
static const struct {
	const char *option, *what;
} values[] = {
	{"--vpn", "@vpns none"},
	{"--policy", "@policies"},
	{"--pid", "@pids"},
	{"--with", "@pids"},
	{"--uid", "@users"},
	{"--user", "@users"},
	{"--caps", "@files"},
	{"--socket", "@files"},
	{"--allow", "@files wayland x11 sound bus"},
	{"-e", "natpmp"},
	{"--expose", "natpmp"},
};

/* What a word of the usage stands for. */
static const struct {
	const char *word, *what;
} operands[] = {
	{"NAME", "@vpns"},  {"OLD", "@vpns"},	      {"FILE", "@files"},
	{"UNIT", "@units"}, {"PROGRAM", "@commands"}, {"VPN", "@tunnels"},
};

/* A way out that is no tunnel, which cannot be the machine's default: its file has a "device". */
static bool is_direct(const char *name)
{
	AUTO_FREE char *text = NULL;
	struct json_doc doc;
	char path[PATH_MAX];
	bool direct;
	size_t len;

	if (str_fmt(path, sizeof(path), "/etc/vpnrun/%s.json", name) < 0 ||
	    file_read(path, PROFILE_SIZE_MAX, &text, &len, NULL) < 0 ||
	    json_doc_parse(&doc, path, text, len, NULL) < 0)
		return false;
	direct = json_doc_has(&doc, "device");
	json_doc_free(&doc);
	return direct;
}

/* The names of the files that match, without what stands before and behind the star. */
static void print_glob(const char *pattern, bool tunnels, FILE *out)
{
	size_t tail = strlen(strchr(pattern, '*') + 1);
	glob_t g;

	if (glob(pattern, 0, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++) {
			const char *name = strrchr(g.gl_pathv[i], '/') + 1;
			size_t len = strlen(name) - tail;

			g.gl_pathv[i][(size_t)(name - g.gl_pathv[i]) + len] = '\0';
			/* Beside the record of a VPN in /run lie files with a dot. */
			if ((tail || !strchr(name, '.')) && !(tunnels && is_direct(name)))
				fprintf(out, "%s\n", name);
		}
	globfree(&g);
}

static void print_policies(FILE *out)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	for (int up = 0; n > 0 && up < 2; up++)
		while (n > 0 && path[--n] != '/')
			;
	if (n >= 0) {
		char pattern[PATH_MAX + 32];

		str_fmt(pattern, sizeof(pattern), "%.*s/lib/vpnrun/policy/*.bpf", (int)n, path);
		print_glob(pattern, false, out);
	}
	print_glob("/etc/vpnrun/policy/*.bpf", false, out);
	fputs("none\n", out);
}

static void print_vpns(bool tunnels, FILE *out)
{
	print_glob("/etc/vpnrun/*.json", tunnels, out);
	print_glob("/run/vpnrun/*", tunnels, out);
}

static bool is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !strncmp(s, word, len);
}

/* Blank-separated words, of which three are looked up here. */
static void print_what(const char *what, FILE *out)
{
	for (const char *s = what; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		if (is_word(s, n, "@vpns"))
			print_vpns(false, out);
		else if (is_word(s, n, "@tunnels"))
			print_vpns(true, out);
		else if (is_word(s, n, "@policies"))
			print_policies(out);
		else
			fprintf(out, "%.*s\n", (int)n, s);
		s += n;
	}
}

static bool takes_value(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = options; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		if (n == len + 1 && s[len] == '=' && !strncmp(s, name, len))
			return true;
		s += n;
	}
	return false;
}

static void print_value(const char *option, FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		if (!strcmp(values[i].option, option))
			print_what(values[i].what, out);
}

static void print_options(const char *options, FILE *out)
{
	for (const char *s = options; *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " ");

		fprintf(out, "%.*s\n", (int)(s[n - 1] == '=' ? n - 1 : n), s);
		s += n;
	}
	fputs("--help\n", out);
}

/* "[NAME] [--json]" is "NAME " here: the options are known from elsewhere. */
static void strip_options(const char *usage, char *ret, size_t size)
{
	size_t n = 0;

	for (const char *s = usage; *s && n + 1 < size; s++) {
		if (*s == '[' && s[1] == '-') {
			s += strcspn(s, "]");
			if (!*s)
				break;
		} else if (*s == '-' && (s == usage || s[-1] == ' ')) {
			break; /* what must be there behind the operands */
		} else if (*s != '[' && *s != ']' && !(*s == ' ' && s[1] == '|')) {
			ret[n++] = *s;
		}
	}
	ret[n] = '\0';
	/* "enable [--images]|disable" had a blank there. */
	for (char *p; (p = strstr(ret, " |"));)
		memmove(p, p + 1, strlen(p));
}

/* Of a VPN whose servers `import` has put in their place. */
static void print_servers(const char *vpn, FILE *out)
{
	char pattern[64];

	if (!str_is_vpn_name(vpn))
		return;
	str_fmt(pattern, sizeof(pattern), "/etc/vpnrun/%s.servers/*.conf", vpn);
	print_glob(pattern, false, out);
}

/* first: what was typed for the first operand. */
static void print_alternative(const char *s, size_t len, const char *first, FILE *out)
{
	bool literal = len > 0;

	if (len == strlen("SERVER") && !strncmp(s, "SERVER", len))
		print_servers(first, out);

	for (size_t i = 0; i < ARRAY_SIZE(operands); i++)
		if (strlen(operands[i].word) == len && !strncmp(operands[i].word, s, len))
			print_what(operands[i].what, out);
	for (size_t i = 0; i < len; i++)
		literal = literal && (islower((unsigned char)s[i]) || s[i] == '-');
	if (literal)
		fprintf(out, "%.*s\n", (int)len, s);
}

/* The operand of that number, from 0; one with dots behind it may be repeated. */
static void print_operand(const char *usage, int number, const char *first, FILE *out)
{
	char text[256];
	const char *s = text;

	strip_options(usage, text, sizeof(text));
	s += strspn(s, " ");
	for (;; number--) {
		size_t n = strcspn(s, " "), next = n + strspn(s + n, " ");
		bool many = n >= 3 && !strncmp(s + n - 3, "...", 3);

		if (!n)
			return;
		if (many)
			n -= 3;
		if (number == 0 || many) {
			/* "..." alone says that the manual knows. */
			if (n == 0)
				print_what("@files @policies", out);
			for (size_t i = 0, len; i < n; i += len + 1) {
				len = strcspn(s + i, "| ");
				if (i + len > n)
					len = n - i;
				print_alternative(s + i, len, first, out);
			}
			return;
		}
		s += next;
	}
}

void complete_command(const struct complete_rule *rule, int n, char **words, FILE *out)
{
	const char *now = words[n - 1], *value_of = NULL, *first = "";
	int operand = 0;

	for (int i = 0; i < n - 1; i++) {
		if (value_of)
			value_of = NULL;
		else if (words[i][0] != '-' || !words[i][1])
			first = operand++ ? first : words[i];
		else if (takes_value(rule->options, words[i]))
			value_of = words[i];
	}
	if (value_of)
		print_value(value_of, out);
	else if (now[0] == '-')
		print_options(rule->options, out);
	else
		print_operand(rule->usage, operand, first, out);
}

void complete_launch(const char *options, int n, char **words, FILE *out)
{
	const char *now = words[n - 1], *value_of = NULL;
	bool vpn = false;

	for (int i = 0; i < n - 1; i++) {
		if (value_of) {
			value_of = NULL;
		} else if (!strcmp(words[i], "--")) {
			fprintf(out, "@line %d\n", i + 1);
			return;
		} else if (words[i][0] != '-' || !words[i][1]) {
			if (vpn) {
				fprintf(out, "@line %d\n", i);
				return;
			}
			vpn = true;
		} else if (takes_value(options, words[i])) {
			value_of = words[i];
			vpn = vpn || !strcmp(words[i], "--with");
		}
	}
	if (value_of)
		print_value(value_of, out);
	else if (now[0] == '-')
		print_options(options, out);
	else if (vpn)
		fprintf(out, "@line %d\n", n - 1);
	else
		print_what("@vpns default none host", out);
}
