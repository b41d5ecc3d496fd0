/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See command.h. Bounded in depth and in number, whatever a script says: it is the user's own, but
 * it may start itself. Called by running/check.c.
 */
#include "running/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "running/words.h"

#define DEPTH_MAX   8
#define COMMAND_MAX 200 /* looked up in all */
#define SCRIPT_MAX  65536
#define HEAD_MAX    128

/* Programs that run another with their own arguments before it. */
static const struct prefix {
	const char *name;
	const char *valued; /* short options that take the next word */
	unsigned int words; /* before the command */
} prefixes[] = {
	{"env", "uC", 0},
	{"nice", "n", 0},
	{"nohup", "", 0},
	{"setsid", "", 0},
	{"ionice", "cn", 0},
	{"chrt", "TPD", 1},
	{"taskset", "", 1},
	{"timeout", "sk", 1},
	{"stdbuf", "ioe", 0},
	{"time", "fo", 0},
	{"setpriv", "", 0},
	{"prlimit", "", 0},
	{"dbus-run-session", "", 0},
	{"dbus-launch", "", 0},
	{"xvfb-run", "nsefpw", 0},
	{"systemd-inhibit", "", 0},
	{"gamemoderun", "", 0},
	{"mangohud", "", 0},
	{"prime-run", "", 0},
	{"catchsegv", "", 0},
	{"unbuffer", "", 0},
	{"busybox", "", 0},
};

static const char *const shells[] = {"sh",   "dash", "bash", "zsh",  "ksh",
				     "mksh", "ash",  "yash", "fish", "rbash"};

struct command_search {
	int (*fn)(const struct running_program *p, void *arg);
	void *arg;
	unsigned int depth, count;
	const char *wine;
};

static int follow(struct command_search *s, char *const *argv);

const char *running_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_program(const char *path)
{
	struct stat st;

	return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Finds it as execvp(3) would. */
static bool find_in_path(const char *name, char ret[PATH_MAX])
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return str_copy(ret, PATH_MAX, name) == 0 && is_program(ret);
	if (!path)
		path = "/bin:/usr/bin";
	for (size_t len; *name && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (len < PATH_MAX &&
		    str_fmt(ret, PATH_MAX, "%.*s%s%s", (int)len, path, len ? "/" : "", name) > 0 &&
		    is_program(ret))
			return true;
	}
	return false;
}

bool running_finds(const char *name)
{
	char path[PATH_MAX];

	return !strchr(name, '/') && find_in_path(name, path);
}

static bool is_shell(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (!strcmp(name, shells[i]))
			return true;
	return false;
}

/* --- programs that run another ---------------------------------------------------------------- */

/* An option of a prefix; whether the word behind it is its value. */
static bool takes_next(const char *option, const char *valued)
{
	size_t len = strlen(option);

	return option[1] != '-' && len == 2 && strchr(valued, option[1]);
}

static bool is_assignment(const char *word)
{
	const char *eq = strchr(word, '=');

	return eq && eq != word && !memchr(word, '/', (size_t)(eq - word));
}

static int follow_prefix(struct command_search *s, const struct prefix *p, char *const *argv)
{
	unsigned int words = p->words;
	const char *before = s->wine;
	int r;

	for (argv++; *argv; argv++) {
		const char *a = *argv;

		if (!strcmp(a, "--") && argv[1] && !words) {
			argv++;
			break;
		}
		if (a[0] == '-') {
			if (a[1] && takes_next(a, p->valued) && argv[1])
				argv++;
		} else if (is_assignment(a) && p->name[0] == 'e') {
			if (str_starts(a, "WINEPREFIX="))
				s->wine = a + strlen("WINEPREFIX=");
		} else if (words) {
			words--;
		} else {
			break;
		}
	}
	r = *argv ? follow(s, argv) : 0;
	s->wine = before;
	return r;
}

/* --- shells and scripts ------------------------------------------------------------------------
 */

static int follow_words(struct command_search *s, struct words *w)
{
	const char *before = s->wine, *wine = words_var(w, "WINEPREFIX");
	char path[PATH_MAX];
	int r;

	if (wine)
		s->wine = wine;
	/* A function of the script's own that is given a program: `Run "$BROWSER" "$@"`. */
	r = follow(s, w->hands_on && w->n > 1 && !find_in_path(w->word[0], path) ? w->word + 1
										 : w->word);
	s->wine = before;
	return r;
}

static int follow_text(struct command_search *s, const char *text, const char *self,
		       char *const *args)
{
	struct words w;
	int r = 0;

	words_begin(&w, text, self, NULL, args);
	while (r == 0 && words_next(&w))
		r = follow_words(s, &w);
	return r;
}

/* A script is a wrapper in what it becomes, and in what gets its own arguments. */
static int follow_script(struct command_search *s, const char *path, char *const *argv)
{
	AUTO_FREE char *text = NULL;
	char dir[PATH_MAX];
	struct words w;
	char *slash;
	int r = 0;

	if (str_copy(dir, sizeof(dir), path) < 0 ||
	    file_read(path, SCRIPT_MAX, &text, NULL, NULL) < 0)
		return 0;
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	words_begin(&w, text, path, slash ? dir : ".", argv + 1);
	while (r == 0 && words_next(&w))
		if (w.is_exec || w.hands_on)
			r = follow_words(s, &w);
	return r;
}

/* argv[0] is a shell: `sh -c TEXT NAME ARGUMENT...`, or `sh FILE ARGUMENT...`. */
static int follow_shell(struct command_search *s, char *const *argv)
{
	char path[PATH_MAX];
	bool text = false;

	for (argv++; *argv && (argv[0][0] == '-' || argv[0][0] == '+'); argv++) {
		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		if (argv[0][1] != '-' && strchr(*argv, 'c'))
			text = true;
		if (argv[0][1] == 'o' && !argv[0][2] && argv[1])
			argv++;
	}
	if (!*argv)
		return 0;
	if (text)
		return follow_text(s, *argv, argv[1] ? argv[1] : "sh",
				   argv[1] ? argv + 2 : argv + 1);
	return realpath(*argv, path) ? follow_script(s, path, argv) : 0;
}

/* The interpreter's name in "#!/usr/bin/env -S bash -e". */
static bool is_shell_script(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[HEAD_MAX + 1], *word, *save;
	ssize_t n = fd < 0 ? -1 : read(fd, head, HEAD_MAX);

	if (n < 3 || head[0] != '#' || head[1] != '!')
		return false;
	head[n] = '\0';
	head[strcspn(head, "\n")] = '\0';
	for (word = strtok_r(head + 2, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		if (is_shell(running_base(word)))
			return true;
	return false;
}

/* Debian's and its children's: a script whose next word stands in a variable, which is not read
 * here.
 */
static int follow_sensible(struct command_search *s, char *const *argv)
{
	static const char *const names[] = {"gnome-www-browser", "x-www-browser", "www-browser"};
	const char *wanted = getenv("BROWSER");
	int r = wanted ? follow_text(s, wanted, "sh", argv + 1) : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		char name[32];
		char *const next[] = {name, argv[1], NULL};

		str_copy(name, sizeof(name), names[i]);
		r = follow(s, next);
	}
	return r;
}

static int dispatch(struct command_search *s, const char *path, const char *real, char *const *argv)
{
	const struct running_program p = {.path = real, .argv = argv, .wine = s->wine};
	/* busybox, coreutils and others are many programs by the name they are called. */
	const char *names[] = {running_base(path), running_base(real)};

	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
			if (!strcmp(names[k], prefixes[i].name))
				return follow_prefix(s, &prefixes[i], argv);
		if (is_shell(names[k]))
			return follow_shell(s, argv);
	}
	if (is_shell_script(real)) {
		int r = !strcmp(names[1], "sensible-browser") ? follow_sensible(s, argv)
							      : follow_script(s, real, argv);

		if (r)
			return r;
	}
	return s->fn(&p, s->arg);
}

static int follow(struct command_search *s, char *const *argv)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = 0;

	if (s->depth == DEPTH_MAX || s->count++ >= COMMAND_MAX || !find_in_path(argv[0], path) ||
	    !realpath(path, real))
		return 0;
	s->depth++;
	r = dispatch(s, path, real, argv);
	s->depth--;
	return r;
}

int running_each(char *const *argv, int (*fn)(const struct running_program *p, void *arg),
		 void *arg)
{
	struct command_search s = {.fn = fn, .arg = arg};

	return argv && argv[0] ? follow(&s, argv) : 0;
}
