/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what lies in a home and in /proc where one looks for an instance of a program that
 * runs outside: locks of browsers, wrapper scripts, application.ini, ELF heads, command lines,
 * flatpak's instances. The command is a stranger's text, too.
 */
#include "fuzz/world.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "running/check.h"
#include "running/command.h"
#include "running/elf.h"
#include "running/holder.h"
#include "running/kind.h"
#include "running/places.h"
#include "running/words.h"

static const struct record vpn = {.id = 1, .subnet4_plen = 24, .name = "demo"};
static const struct running_where where = {.vpn = &vpn, .x11 = true, .outer_bus = true};

static void scripts(struct err *e)
{
	static struct words w;
	static char arg[] = "https://example.net";
	char *args[] = {arg, NULL}, *text = world_next_text();
	size_t n = 0;

	(void)e;
	words_begin(&w, text, "/usr/bin/browser", "/usr/bin", args);
	while (words_next(&w) && n++ < 10000) {
		must(w.n <= WORDS_MAX && !w.word[w.n]);
		for (size_t i = 0; i < w.n; i++)
			must(w.word[i] != NULL && strlen(w.word[i]) < sizeof(w.text));
		words_var(&w, "HOME");
	}
	must(n < 10000);
	free(text);
}

static int on_program(const struct running_program *p, void *arg)
{
	(void)arg;
	must(p->path && p->argv);
	return 0;
}

static char **command(char *text, char *argv[8])
{
	size_t n = 0;
	char *save;

	for (char *s = strtok_r(text, "\n", &save); s && n < 7; s = strtok_r(NULL, "\n", &save))
		argv[n++] = s;
	argv[n] = NULL;
	return n ? argv : NULL;
}

static void commands(struct err *e)
{
	char *argv[8], *text = world_next_text(), path[PATH_MAX], home[256], config[256];

	(void)e;
	if (command(text, argv)) {
		running_each(argv, on_program, NULL);
		running_find_i386(argv, path, sizeof(path));
	}
	running_kind_of("/usr/lib/firefox/firefox");
	running_gecko_places("/usr/lib/firefox/firefox", home, config, sizeof(home));
	free(text);
}

static void checks(struct err *e)
{
	char *argv[8], *text = world_next_text();
	struct running_state s = {0};
	int r = running_check(command(text, argv), &where, world_choice(2), &s, e);

	if (r < 0)
		must_be_sentence(e);
	must(memchr(s.note, '\0', sizeof(s.note)) && memchr(s.i386, '\0', sizeof(s.i386)));
	free(text);
}

static pid_t on_dir(const char *dir, void *arg)
{
	(void)arg;
	return holder_of_singleton(dir, &where);
}

static pid_t on_app(const char *app, pid_t pid, void *arg)
{
	struct places p;

	must(app[0] && pid != 0);
	return places_of_flatpak(arg, app, &p) < 0 ? 0 : places_find_chromium(&p, &where);
}

static void places(struct err *e)
{
	struct places p;

	(void)e;
	holder_of_profile("/home/a/.mozilla/firefox/x", &where);
	holder_of_prefix("/home/a/.wine", &where);
	if (places_find(&p) < 0)
		return;
	places_find_gecko(&p, NULL, NULL, &where);
	places_each_data_dir(&p, on_dir, NULL);
	places_each_flatpak(&p, on_app, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct err *) = {scripts, commands, checks, places};
	struct err e = ERR_INIT;

	setenv("HOME", "/home/a", 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/0", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("WINEPREFIX");
	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
