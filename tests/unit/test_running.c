/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running/: what a command line or a wrapper script starts, what kind of program a file is, and who
 * holds a lock. Works in a directory of its own, which holds a home and a PATH.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "running/check.h"
#include "running/command.h"
#include "running/kind.h"
#include "running/places.h"
#include "running/words.h"

static char top[64];

static const char *at(const char *rel)
{
	static char path[4][PATH_MAX];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", top, rel);
	return path[i];
}

/* --- words ------------------------------------------------------------------------------------ */

/* Every command of text, its words in brackets, "!" behind one that becomes the shell and "@"
 * behind one that gets the arguments. */
static const char *commands(const char *text)
{
	static char self[] = "/opt/x/run", one[] = "a b", two[] = "c";
	static char out[4096];
	char *args[] = {one, two, NULL};
	static struct words w;
	size_t n = 0;

	out[0] = '\0';
	words_begin(&w, text, self, "/opt/x", args);
	while (words_next(&w)) {
		for (size_t i = 0; i < w.n; i++)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "[%s]", w.word[i]);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s;", w.is_exec ? "!" : "",
				      w.hands_on ? "@" : "");
	}
	return out;
}

static void test_words(void)
{
	static const char *const cases[][2] = {
		{"firefox", "[firefox];"},
		{"exec firefox \"$@\"", "[firefox][a b][c]!@;"},
		{"exec -a name fire\\fox $*", "[firefox][a b][c]!@;"},
		{"exec firefox ${1+\"$@\"}", "[firefox][a b][c]!@;"},
		{"cd /; exec 'fire'\"fox\" -P x", "[cd][/];[firefox][-P][x]!;"},
		{"A=1 B=2 firefox", "[firefox];"},
		{"LIB=/usr/lib/x\nexec $LIB/fox", "[/usr/lib/x/fox]!;"},
		{"LIB=\"/usr lib\"; exec \"$LIB/fox\" $LIB", "[/usr lib/fox][/usr][lib]!;"},
		{"export LIB=/l; exec ${LIB}/fox", "[/l/fox]!;"},
		{"exec ${NOSUCH_V:-/d}/fox ${NOSUCH_V-\"q\"}", "[/d/fox][q]!;"},
		{"HERE=`dirname \"$0\"`; exec $HERE/fox", "[/opt/x/fox]!;"},
		{"HERE=$(dirname \"$(readlink -f \"$0\")\")\nexec \"$HERE/fox\"", "[/opt/x/fox]!;"},
		{"exec \"$(readlink -f \"$0\")\".bin", "[/opt/x/run.bin]!;"},
		{"exec ${0%/*}/fox", "[/opt/x/fox]!;"},
		{"exec $(command -v fox) x", "[fox][x]!;"},
		{"exec $(cat /etc/browser)", "[\1]!;"},
		{"exec ${X#y}/fox", "[\1/fox]!;"},
		{"if test -n \"$B\"; then exec fox \"$@\"; else exec cat; fi",
		 "[test][-n][];[fox][a b][c]!@;[cat]!;"},
		{"case $1 in\n-x) exec one ;;\n*) exec two \"$1\";;\nesac",
		 "[-x];[one]!;[*];[two][a b]!;"},
		{"for f in a b; do fox $f; done", "[fox];"},
		{"Run \"$HOME_OF\" \"$@\" && exit", "[Run][][a b][c]@;[exit];"},
		{"fox >/dev/null 2>&1 </dev/null x", "[fox][2][x];"},
		{"# exec no\nfox # exec no", "[fox];"},
		{"exec \\\n fox", "[fox]!;"},
		{"fox | tee; (exec dog &) ; ! { cat; }", "[fox];[tee];[dog]!;[cat];"},
		{"exec", ""},
		{"exec -a", ""},
		{"'", "[];"},
		{"\"$", "[$];"},
		{"`", "[\1];"},
		{"$(", "[\1];"},
		{"${", "[\1];"},
		{"\\", "[\\];"},
		{"", ""},
	};

	unsetenv("NOSUCH_V");
	unsetenv("B");
	unsetenv("HOME_OF");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!is_str(commands(cases[i][0]), cases[i][1], "what a text starts"))
			printf("#   the text: %.*s\n", (int)strcspn(cases[i][0], "\n"),
			       cases[i][0]);
}

/* No text may lead out of the buffers, or keep the reader for ever. */
static void test_hostile_words(void)
{
	static const char bits[] = "$(){}`'\"\\;&|<>@*#=%-0a/ \n\t\1";
	static char text[70000];
	static struct words w;
	char *args[] = {text, text, NULL};
	unsigned int seed = 1, n = 0;

	for (int round = 0; round < 400; round++) {
		size_t len = round % 8 ? 300 : sizeof(text) - 1;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = bits[(seed >> 16) % (sizeof(bits) - 1)];
		}
		text[len] = '\0';
		words_begin(&w, text, text, text, args);
		while (words_next(&w))
			n += w.n <= WORDS_MAX && !w.word[w.n];
	}
	ok(n > 0, "400 texts of nonsense are read to their end, %u commands", n);
	memset(text, 'x', sizeof(text) - 1);
	words_begin(&w, text, "", NULL, NULL);
	ok(!words_next(&w), "a word that is too long is none");
	for (size_t i = 0; i + 1 < sizeof(text); i++)
		text[i] = i % 2 ? ' ' : 'x';
	words_begin(&w, text, "", NULL, NULL);
	ok(words_next(&w) && w.n == WORDS_MAX, "of too many words the first");
	for (size_t i = 0; i + 8 < sizeof(text); i += 8)
		memcpy(text + i, "AB=cdef\n", 8);
	words_begin(&w, text, "", NULL, NULL);
	while (words_next(&w))
		;
	ok(w.n_vars == WORDS_VARS_MAX && w.kept <= sizeof(w.vars), "of too many variables");
	memset(text, 'v', sizeof(text) - 1);
	for (size_t i = 0; i + 2000 < sizeof(text); i += 2000)
		memcpy(text + i, "\nA=", 3);
	words_begin(&w, text, "", NULL, NULL);
	while (words_next(&w))
		;
	ok(w.n_vars <= 2 && w.kept <= sizeof(w.vars), "and of what they hold");
}

/* --- commands --------------------------------------------------------------------------------- */

static void put_file(const char *rel, const char *text, mode_t mode)
{
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
		printf("Bail out! cannot write %s\n", rel);
	close(fd);
}

static int note(const struct running_program *p, void *arg)
{
	char *out = arg;
	size_t n = strlen(out);

	if (strncmp(p->path, top, strlen(top)) != 0)
		return 0;
	snprintf(out + n, 1024 - n, "%s%s%s ", p->path + strlen(top), p->wine ? " in " : "",
		 p->wine ? p->wine : "");
	return 0;
}

/* The programs below top that a line leads to; "TEXT..." in the last word may have blanks. */
static const char *leads_to(const char *a, const char *b, const char *c, const char *d)
{
	static char out[1024];
	static char word[4][512];
	char *argv[5] = {NULL};
	const char *in[] = {a, b, c, d};

	for (int i = 0; i < 4 && in[i]; i++) {
		snprintf(word[i], sizeof(word[i]), "%s", in[i]);
		argv[i] = word[i];
	}
	out[0] = '\0';
	running_each(argv, note, out);
	return out;
}

static int count(const struct running_program *p, void *arg)
{
	(void)p;
	++*(unsigned int *)arg;
	return 0;
}

static void test_bounds(void)
{
	char sh[] = "/bin/sh", c[] = "-c", text[6 * 1000 + 1] = "";
	char *argv[] = {sh, c, text, NULL};
	unsigned int n = 0;

	for (int i = 0; i < 1000; i++)
		memcpy(text + 6 * i, "plain;", 7);
	running_each(argv, count, &n);
	ok(n >= 100 && n <= 200, "of a thousand programs that a text starts %u are looked at", n);
}

static void copy_program(const char *from, const char *rel)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	char buf[65536];
	ssize_t n;

	out = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			printf("Bail out! cannot copy %s\n", from);
	close(in);
	close(out);
}

static void make_tree(void)
{
	static const char *const dirs[] = {"bin",	  "lib",  "lib/fox", "lib/chr",
					   "lib/chr/bin", "home", "home/.v", "home/.v/fox"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		mkdir(at(dirs[i]), 0700);
	put_file("lib/fox/fox", "\177ELF", 0755);
	put_file("lib/fox/application.ini", "[App]\nVendor=V\nName=Fox\n", 0644);
	copy_program("/bin/sleep", "lib/chr/chr");
	put_file("lib/chr/icudtl.dat", "", 0644);
	put_file("lib/chr/resources.pak", "", 0644);
	put_file("lib/chr/bin/chr", "#!/bin/sh\nexec \"$(dirname \"$0\")/../chr\" \"$@\"\n", 0755);
	put_file("bin/plain", "\177ELF", 0755);
	put_file("bin/notx", "\177ELF", 0644);
	put_file("bin/wrapper", "#!/usr/bin/env -S bash -e\nL=$NO\nexec fox \"$@\"\n", 0755);
	put_file("bin/loop", "#!/bin/sh\nexec loop \"$@\"\nexec loop\nexec fox\n", 0755);
	put_file("bin/python", "#!/usr/bin/python3\nexec fox\n", 0755);
	put_file("bin/mentions", "#!/bin/sh\necho exec\nfox -v\n", 0755);
	put_file("bin/sensible", "#!/bin/sh\nRun \"${BROWSER}\" \"$@\" && exit\n", 0755);
	put_file("bin/sensible-browser", "#!/bin/sh\nc=\"$BROWSER\"\neval \"$c \\\"\\$@\\\"\"\n",
		 0755);
	put_file("bin/wine", "\177ELF", 0755);
	if (symlink(at("lib/fox/fox"), at("bin/fox")) < 0 ||
	    symlink("fox", at("bin/x-www-browser")) < 0)
		printf("Bail out! cannot make links\n");
	setenv("HOME", at("home"), 1);
	setenv("PATH", at("bin"), 1);
}

static void test_commands(void)
{
	static const char *const cases[][5] = {
		{"fox", NULL, NULL, NULL, "/lib/fox/fox "},
		{"x-www-browser", NULL, NULL, NULL, "/lib/fox/fox "},
		{"nosuch", NULL, NULL, NULL, ""},
		{"notx", NULL, NULL, NULL, ""},
		{"/usr/bin/env", "X=1", "fox", NULL, "/lib/fox/fox "},
		{"/usr/bin/env", "-u", "fox", "plain", "/bin/plain "},
		{"/usr/bin/env", "WINEPREFIX=/w", "wine", "x", "/bin/wine in /w "},
		{"/usr/bin/timeout", "5", "fox", NULL, "/lib/fox/fox "},
		{"/usr/bin/nice", "-n", "5", "fox", "/lib/fox/fox "},
		{"/bin/sh", "-c", "fox", NULL, "/lib/fox/fox "},
		{"/bin/sh", "-ec", "cd / && plain; fox x", NULL, "/bin/plain /lib/fox/fox "},
		{"/bin/sh", "-c", "WINEPREFIX=/v wine", NULL, "/bin/wine in /v "},
		{"/bin/sh", "-c", "\"$@\"", "fox", ""},
		{"wrapper", "x", NULL, NULL, "/lib/fox/fox /bin/wrapper "},
		{"python", NULL, NULL, NULL, "/bin/python "},
		{"mentions", NULL, NULL, NULL, "/bin/mentions "},
		{"sensible", "url", NULL, NULL, "/lib/fox/fox /bin/sensible "},
		{"", NULL, NULL, NULL, ""},
	};

	setenv("BROWSER", "fox", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(leads_to(cases[i][0], cases[i][1], cases[i][2], cases[i][3]), cases[i][4],
		       cases[i][2] ? cases[i][2] : cases[i][0]);
	setenv("BROWSER", "plain", 1);
	is_str(leads_to("sensible-browser", "url", NULL, NULL),
	       "/bin/plain /lib/fox/fox /bin/sensible-browser ",
	       "L39 Debian's sensible-browser: what BROWSER says, else what the alternative is");
	unsetenv("BROWSER");
	is_str(leads_to("sensible-browser", NULL, NULL, NULL),
	       "/lib/fox/fox /bin/sensible-browser ", "L39 without BROWSER");
	is_str(leads_to("/bin/sh", "-c", "\"$@\" x", "sh"), "", "no arguments: none");
	ok(strstr(leads_to(at("lib/chr/bin/chr"), NULL, NULL, NULL), "/lib/chr/chr "),
	   "a script that asks where it lies");
	ok(strlen(leads_to("loop", NULL, NULL, NULL)) > 0, "a script that starts itself: it ends");
	ok(strstr(leads_to("/bin/sh", at("bin/wrapper"), NULL, NULL), "/lib/fox/fox "), "sh FILE");
}

static void test_kinds(void)
{
	char home[64], config[64];

	is_int(running_kind_of(at("lib/fox/fox")), KIND_GECKO, "L39 Gecko, by its application.ini");
	is_int(running_kind_of(at("lib/chr/chr")), KIND_CHROMIUM, "L39 Chromium, by its resources");
	is_int(running_kind_of(at("lib/chr/bin/chr")), KIND_CHROMIUM, "L39 and what lies below");
	is_int(running_kind_of(at("bin/plain")), KIND_OTHER, "no other");
	is_int(running_kind_of("/usr/bin/snap"), KIND_SNAP, "snap(1)");
	is_int(running_kind_of("/x/wineserver"), KIND_OTHER, "wineserver is no program of Wine's");
	is_int(running_kind_of("/x/wine64-stable"), KIND_WINE, "wine64-stable is one");
	is_int(running_gecko_places(at("lib/fox/fox"), home, config, sizeof(home)), 0, "places");
	is_str(home, ".v/fox", "L39 profiles below the home, by what the program says");
	is_str(config, "v/fox", "L39 and below the configuration");
	put_file("lib/fox/application.ini", "[App]\nVendor=V\nName=Fox\nProfile=Bird\n", 0644);
	is_int(running_gecko_places(at("lib/fox/fox"), home, config, sizeof(home)), 0, "places");
	is_str(home, ".bird", "L39 or under a name of their own");
	put_file("lib/fox/application.ini", "[App]\n", 0644);
	is_int(running_gecko_places(at("lib/fox/fox"), home, config, sizeof(home)), -ENOENT,
	       "or it does not say");
	put_file("lib/fox/application.ini", "[App]\nVendor=V\nName=Fox\n", 0644);
}

/* --- locks ------------------------------------------------------------------------------------ */

static int check(const char *a, const char *b, const char *c, struct running_state *state)
{
	static const struct record none;
	static char word[3][512];
	char *argv[4] = {NULL};
	const char *in[] = {a, b, c};
	const struct running_where where = {.vpn = &none};
	struct err e = ERR_INIT;

	for (int i = 0; i < 3 && in[i]; i++) {
		snprintf(word[i], sizeof(word[i]), "%s", in[i]);
		argv[i] = word[i];
	}
	return running_check(a ? argv : NULL, &where, true, state, &e);
}

/* A child that has a record lock on the file until it is killed. */
static pid_t hold(const char *path)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int fd = open(path, O_RDWR | O_CREAT, 0600);

		if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		printf("Bail out! no lock on %s\n", path);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void link_to(const char *rel, const char *fmt, const char *host, pid_t pid)
{
	char target[300];

	snprintf(target, sizeof(target), "%s%s%d", host, fmt, pid);
	unlink(at(rel));
	if (symlink(target, at(rel)) < 0)
		printf("Bail out! cannot make %s\n", rel);
}

/* Another pid namespace, as of a container that shares the home: the kernel says that the lock is
 * held, and has no number for who holds it. */
static void test_unseen(void)
{
	struct running_state s;
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
			_exit(77);
		pid = fork();
		if (pid == 0)
			_exit(check("fox", NULL, NULL, &s) == -EBUSY ? 0 : 1);
		waitpid(pid, &status, 0);
		_exit(WEXITSTATUS(status));
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77)
		printf("ok %d - # SKIP no user namespaces\n", ++tap_count);
	else
		is_int(WEXITSTATUS(status), 0, "L39 held by somebody that cannot be seen: refused");
}

static void test_gecko(void)
{
	struct running_state s;
	pid_t pid;

	mkdir(at("home/.v/fox/abc.default"), 0700);
	is_int(check("fox", NULL, NULL, &s), 0, "no lock: runs");
	pid = hold(at("home/.v/fox/abc.default/.parentlock"));
	is_int(check("fox", NULL, NULL, &s), 0,
	       "a lock without the link that every one makes: runs");
	link_to("home/.v/fox/abc.default/lock", ":+", "127.0.1.1", 2);
	is_int(check("fox", NULL, NULL, &s), -EBUSY,
	       "L39 R71 the kernel says who lives, whatever number the link has");
	is_int(check("x-www-browser", NULL, NULL, &s), -EBUSY, "L39 by an alternative");
	is_int(check("/bin/sh", "-c", "exec fox", &s), -EBUSY, "L39 by sh -c");
	is_int(check("wrapper", NULL, NULL, &s), -EBUSY, "L39 by a wrapper script");
	is_int(check("/usr/bin/env", "X=1", "fox", &s), -EBUSY, "L39 by env");
	is_int(check("plain", NULL, NULL, &s), 0, "another program: runs");
	ok(!s.gecko, "and of a place that only its own program knows nothing is said");
	is_int(check("fox", "-P", "other", &s), 0, "another profile: runs");
	is_int(check("fox", "-P", "default", &s), -EBUSY, "the same by name: does not");
	is_int(check("fox", "--profile", at("home/.v/fox/abc.default"), &s), -EBUSY,
	       "the same by directory: does not");
	is_int(check("fox", "--no-remote", NULL, &s), 0, "--no-remote: runs");
	test_unseen();
	end(pid);
	is_int(check("fox", NULL, NULL, &s), 0, "R71 what a crash left: runs");
	link_to("home/.v/fox/abc.default/lock", ":+", "127.0.1.1", getpid());
	is_int(check("fox", NULL, NULL, &s), 0,
	       "R71 also when the number is another program's by now");
	unlink(at("home/.v/fox/abc.default/.parentlock"));
	is_int(check("fox", NULL, NULL, &s), 0, "R71 and without the file");
}

static void test_state(void)
{
	static const char *const dirs[] = {"home/.config", "home/.config/mozilla",
					   "home/.config/mozilla/firefox",
					   "home/.config/mozilla/firefox/x.y"};
	struct running_state s;
	pid_t pid;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		mkdir(at(dirs[i]), 0700);
	is_int(check("plain", NULL, NULL, &s), 0, "nothing runs");
	ok(!s.gecko && !s.note[0], "and nothing is said");
	pid = hold(at("home/.config/mozilla/firefox/x.y/.parentlock"));
	link_to("home/.config/mozilla/firefox/x.y/lock", ":+", "127.0.1.1", pid);
	is_int(check(NULL, NULL, NULL, &s), 0, "a Firefox runs: a shell starts");
	ok(s.gecko && strstr(s.note, "runs outside"),
	   "L39 but in today's place the lock is seen, for whoever starts one");
	setenv("XDG_CONFIG_HOME", at("home/.config"), 1);
	setenv("HOME", at("lib"), 1);
	is_int(check("plain", NULL, NULL, &s), 0, "with XDG_CONFIG_HOME");
	ok(s.gecko, "L39 there, too");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", at("home"), 1);
	end(pid);
}

static pid_t run(const char *path, const char *arg)
{
	char exe[PATH_MAX], link[32];
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, "1000", arg, NULL);
		_exit(1);
	}
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	for (int i = 0; i < 500; i++) {
		ssize_t n = readlink(link, exe, sizeof(exe) - 1);

		exe[n > 0 ? n : 0] = '\0';
		if (!strcmp(exe, path))
			break;
		usleep(10000);
	}
	return pid;
}

/* One that runs: of its own directory, two levels down; by the line; and others of its kind. */
static void test_chromium_lives(const char *host)
{
	char option[PATH_MAX + 32];
	struct running_state s;
	pid_t pid = run(at("lib/chr/chr"), "0");

	link_to("home/.config/Chr/Own/SingletonLock", "-", host, pid);
	is_int(check(at("lib/chr/chr"), NULL, NULL, &s), -EBUSY,
	       "L39 a Chromium of a brand that nobody listed runs outside: refused");
	unlink(at("home/.config/Chr/Own/SingletonLock"));
	is_int(check(at("lib/chr/chr"), NULL, NULL, &s), 0, "without the lock: runs");
	mkdir(at("home/data"), 0700);
	link_to("home/data/SingletonLock", "-", host, pid);
	snprintf(option, sizeof(option), "--user-data-dir=%s", at("home/data"));
	is_int(check(at("lib/chr/chr"), option, NULL, &s), -EBUSY, "L39 the profile of the line");
	end(pid);
	mkdir(at("lib/el"), 0700);
	copy_program("/bin/sleep", "lib/el/electron");
	put_file("lib/el/icudtl.dat", "", 0644);
	put_file("lib/el/resources.pak", "", 0644);
	pid = run(at("lib/el/electron"), "0");
	link_to("home/.config/Chr/Own/SingletonLock", "-", host, pid);
	is_int(check(at("lib/chr/chr"), NULL, NULL, &s), 0,
	       "R71 a lock that a program of another brand holds: runs");
	is_int(check(at("lib/el/electron"), "1000", NULL, &s), -EBUSY,
	       "L39 the same application of one Electron: refused");
	is_int(check(at("lib/el/electron"), "2000", NULL, &s), 0, "R71 another: runs");
	end(pid);
}

static pid_t count_app(const char *app, pid_t pid, void *arg)
{
	(void)pid;
	++*(unsigned int *)arg;
	return strcmp(app, "org.acme.Fox") != 0;
}

/* What an instance's directory says is a program's word. */
static void test_flatpak_names(void)
{
	struct places p = {.run = ""};
	unsigned int n = 0;

	snprintf(p.run, sizeof(p.run), "%s", at("home/run"));
	mkdir(at("home/run"), 0700);
	mkdir(at("home/run/.flatpak"), 0700);
	mkdir(at("home/run/.flatpak/1"), 0700);
	put_file("home/run/.flatpak/1/pid", "77\n", 0600);
	put_file("home/run/.flatpak/1/info", "[Application]\nname=org.acme.Fox\n", 0600);
	is_int(places_each_flatpak(&p, count_app, &n), 0, "an instance of flatpak's");
	is_int(n, 1, "is seen");
	put_file("home/run/.flatpak/1/info", "[Application]\nname=../../../x\n", 0600);
	is_int(places_each_flatpak(&p, count_app, &n), 0, "a name that leads elsewhere");
	is_int(n, 1, "is none");
}

static void test_chromium(void)
{
	struct running_state s;
	char host[256];

	gethostname(host, sizeof(host));
	mkdir(at("home/.config/Chr"), 0700);
	mkdir(at("home/.config/Chr/Own"), 0700);
	link_to("home/.config/Chr/Own/SingletonLock", "-", host, getpid());
	is_int(check(at("lib/chr/chr"), NULL, NULL, &s), 0,
	       "R71 a lock whose number is another program's: runs");
	test_chromium_lives(host);
}

static void test_wine(void)
{
	char dir[128], lock[160];
	struct running_state s;
	struct stat st;
	pid_t pid;

	mkdir(at("home/.wine"), 0700);
	if (stat(at("home/.wine"), &st) < 0)
		return;
	snprintf(dir, sizeof(dir), "/tmp/.wine-%u", geteuid());
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "/tmp/.wine-%u/server-%llx-%llx", geteuid(),
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	mkdir(dir, 0700);
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	is_int(check("wine", NULL, NULL, &s), 0, "no wineserver: runs");
	pid = hold(lock);
	is_int(check("wine", "x.exe", NULL, &s), -EBUSY, "L34 a wineserver outside: refused");
	is_int(check("/usr/bin/env", "WINEPREFIX=/nowhere", "wine", &s), 0, "another prefix: runs");
	setenv("WINEPREFIX", "/nowhere", 1);
	is_int(check("wine", NULL, NULL, &s), 0, "also by the environment");
	unsetenv("WINEPREFIX");
	end(pid);
	is_int(check("wine", NULL, NULL, &s), 0, "what a crash left: runs");
	unlink(lock);
	rmdir(dir);
	snprintf(dir, sizeof(dir), "/tmp/wine-test-%d", getpid());
	put_file("home/.wine/wineserver", dir + strlen("/tmp/"), 0400);
	mkdir(dir, 0700);
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/server-%llx-%llx",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	mkdir(dir, 0700);
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	pid = hold(lock);
	is_int(check("wine", NULL, NULL, &s), -EBUSY, "L34 a place that the prefix names");
	end(pid);
	unlink(lock);
	rmdir(dir);
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
}

int main(void)
{
	char *argv[] = {NULL};
	char command[128];

	tap_begin();
	snprintf(top, sizeof(top), "/tmp/vpnrun-running-XXXXXX");
	if (!mkdtemp(top))
		return 1;
	test_words();
	test_hostile_words();
	make_tree();
	test_commands();
	test_kinds();
	test_gecko();
	test_state();
	test_chromium();
	test_flatpak_names();
	test_bounds();
	test_wine();
	is_int(running_each(argv, note, command), 0, "no command");
	if (fork() == 0)
		execl("/bin/rm", "rm", "-r", top, NULL);
	wait(NULL);
	return tap_done();
}
