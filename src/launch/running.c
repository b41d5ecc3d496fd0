/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that hand a new window over to an instance that runs already: started in a sandbox, they
 * would show a page that was fetched outside of it. Found by the locks that they leave in the home
 * directory. Must cost nothing for every other program, and must never take a lock that a crash
 * left for a living instance. Called by launch/run.c before anything is confined.
 */
#include "launch/launch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

enum lock_kind {
	LOCK_GECKO,    /* PROFILE/lock -> ADDRESS:+PID */
	LOCK_CHROMIUM, /* DIR/SingletonLock -> HOST-PID */
	LOCK_SERVER,   /* every window is one of a server, which the session starts */
};

static const struct program {
	const char *name;
	enum lock_kind kind;
	const char *dir;  /* below the home directory */
	const char *sign; /* in the path of its executable */
} programs[] = {
	{"firefox", LOCK_GECKO, ".mozilla/firefox", "firefox"},
	{"firefox", LOCK_GECKO, "snap/firefox/common/.mozilla/firefox", "firefox"},
	{"firefox-esr", LOCK_GECKO, ".mozilla/firefox", "firefox"},
	{"librewolf", LOCK_GECKO, ".librewolf", "librewolf"},
	{"thunderbird", LOCK_GECKO, ".thunderbird", "thunderbird"},
	{"chromium", LOCK_CHROMIUM, ".config/chromium", "chromium"},
	{"chromium", LOCK_CHROMIUM, "snap/chromium/common/chromium", "chromium"},
	{"chromium-browser", LOCK_CHROMIUM, ".config/chromium", "chromium"},
	{"google-chrome", LOCK_CHROMIUM, ".config/google-chrome", "chrome"},
	{"google-chrome-stable", LOCK_CHROMIUM, ".config/google-chrome", "chrome"},
	{"brave", LOCK_CHROMIUM, ".config/BraveSoftware/Brave-Browser", "brave"},
	{"brave-browser", LOCK_CHROMIUM, ".config/BraveSoftware/Brave-Browser", "brave"},
	{"vivaldi", LOCK_CHROMIUM, ".config/vivaldi", "vivaldi"},
	{"vivaldi-stable", LOCK_CHROMIUM, ".config/vivaldi", "vivaldi"},
	{"microsoft-edge", LOCK_CHROMIUM, ".config/microsoft-edge", "edge"},
	{"opera", LOCK_CHROMIUM, ".config/opera", "opera"},
	{"code", LOCK_CHROMIUM, ".config/Code", "code"},
	{"discord", LOCK_CHROMIUM, ".config/discord", "iscord"},
	{"slack", LOCK_CHROMIUM, ".config/Slack", "slack"},
	{"element-desktop", LOCK_CHROMIUM, ".config/Element", "lement"},
	{"signal-desktop", LOCK_CHROMIUM, ".config/Signal", "ignal"},
	{"gnome-terminal", LOCK_SERVER, NULL, NULL},
};

/* The value of an option written as "NAME VALUE" or "NAME=VALUE"; NULL: not there. */
static const char *option_value(char *const *argv, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 1; argv[0] && argv[i]; i++) {
		const char *a = argv[i];

		if (a[0] == '-' && a[1] == '-' && name[1] != '-')
			a++; /* Gecko takes either */
		if (!strncmp(a, name, len) && a[len] == '=')
			return a + len + 1;
		if (!strcmp(a, name))
			return argv[i + 1];
	}
	return NULL;
}

static bool has_option(char *const *argv, const char *name)
{
	for (size_t i = 1; argv[0] && argv[i]; i++)
		if (!strcmp(argv[i], name) || (argv[i][0] == '-' && !strcmp(argv[i] + 1, name)))
			return true;
	return false;
}

/* A process of that number that is the program, and no later one of the same number. */
static bool is_alive(pid_t pid, const char *sign)
{
	char link[32], exe[PATH_MAX];
	struct stat st;
	ssize_t n;

	str_fmt(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, exe, sizeof(exe) - 1);
	/* One of the user's own may be shy; one of somebody else's is not the holder. */
	if (n < 0)
		return errno == EACCES && lstat(link, &st) == 0 && st.st_uid == geteuid();
	exe[n] = '\0';
	return strstr(exe, sign) != NULL;
}

/* Whether that process sits at the same VPN: its default route is what ours will be. */
static bool is_at(pid_t pid, const struct record *r)
{
	struct lease_pool pool = record_pool(r);
	struct in_addr gateway = lease_ip4(&pool, 1);
	AUTO_FREE char *text = NULL;
	char path[40], line[40];

	str_fmt(path, sizeof(path), "/proc/%d/net/route", pid);
	str_fmt(line, sizeof(line), "vpn0\t00000000\t%08X", gateway.s_addr);
	return file_read(path, 65536, &text, NULL, NULL) == 0 && strstr(text, line) != NULL;
}

static bool is_in_namespace_of(pid_t pid, pid_t other)
{
	struct stat a, b;
	char path[40];

	str_fmt(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &a) < 0)
		return false;
	str_fmt(path, sizeof(path), "/proc/%d/ns/net", other);
	return stat(path, &b) == 0 && a.st_ino == b.st_ino;
}

static pid_t read_lock(const char *path, enum lock_kind kind)
{
	char target[300], host[256] = "";
	const char *digits;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	uint64_t pid;

	if (n < 0)
		return 0;
	target[n] = '\0';
	digits = strrchr(target, kind == LOCK_GECKO ? '+' : '-');
	if (!digits || str_uint(digits + 1, 2, INT32_MAX, &pid) < 0)
		return 0;
	/* A home directory shared by several machines. */
	if (kind == LOCK_CHROMIUM &&
	    (gethostname(host, sizeof(host) - 1) < 0 || strlen(host) != (size_t)(digits - target) ||
	     strncmp(host, target, strlen(host)) != 0))
		return 0;
	return (pid_t)pid;
}

struct place {
	const struct program *program;
	const struct record *vpn;
	pid_t with;
	const char *profile; /* the end of a profile directory's name; "": any */
};

/* Who has the lock at path, and is not where the command will be. 0: nobody. */
static pid_t find_holder(const struct place *at, const char *path)
{
	pid_t pid = read_lock(path, at->program->kind);

	if (!pid || !is_alive(pid, at->program->sign))
		return 0;
	if (at->with ? is_in_namespace_of(pid, at->with) : at->vpn->id && is_at(pid, at->vpn))
		return 0;
	return pid;
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

static pid_t find_in_profiles(const struct place *at, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *de;
	char path[PATH_MAX];
	pid_t found = 0;

	while (d && !found && (de = readdir(d)))
		if (ends_with(de->d_name, at->profile) &&
		    str_fmt(path, sizeof(path), "%s/%s/lock", dir, de->d_name) > 0)
			found = find_holder(at, path);
	if (d)
		closedir(d);
	return found;
}

/* Where the lock of what is about to start is or will be. */
static pid_t find_outside(struct place *at, char *const *argv, const char *home)
{
	bool gecko = at->program->kind == LOCK_GECKO;
	const char *given = option_value(argv, gecko ? "-profile" : "--user-data-dir"), *name;
	char path[PATH_MAX], end[256];

	if (gecko && (has_option(argv, "-no-remote") || has_option(argv, "-new-instance")))
		return 0;
	if (given &&
	    str_fmt(path, sizeof(path), "%s/%s", given, gecko ? "lock" : "SingletonLock") > 0)
		return find_holder(at, path);
	if (!gecko)
		return str_fmt(path, sizeof(path), "%s/%s/SingletonLock", home, at->program->dir) <
				       0
			       ? 0
			       : find_holder(at, path);
	name = option_value(argv, "-P");
	at->profile = name && str_fmt(end, sizeof(end), ".%s", name) > 0 ? end : "";
	return str_fmt(path, sizeof(path), "%s/%s", home, at->program->dir) < 0
		       ? 0
		       : find_in_profiles(at, path);
}

static int refuse(const struct program *p, pid_t pid, struct err *e)
{
	if (p->kind == LOCK_GECKO)
		return err_set(
			e, -EBUSY,
			"%s runs already outside this sandbox (process %d) and would take "
			"the new window: close it first, or use another profile (%s -P NAME), "
			"or say --allow-running",
			p->name, pid, p->name);
	return err_set(
		e, -EBUSY,
		"%s runs already outside this sandbox (process %d) and would take the new "
		"window: close it first, or use another profile (%s --user-data-dir=DIR), or "
		"say --allow-running",
		p->name, pid, p->name);
}

int launch_check_running(char *const *argv, const struct record *vpn, pid_t with, struct err *e)
{
	const char *name = strrchr(argv[0], '/'), *home = getenv("HOME");

	name = name ? name + 1 : argv[0];
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct place at = {.program = &programs[i], .vpn = vpn, .with = with};
		pid_t pid;

		if (strcmp(programs[i].name, name) != 0)
			continue;
		if (programs[i].kind == LOCK_SERVER)
			return err_set(e, -EBUSY,
				       "%s opens its windows in a server outside the sandbox: run "
				       "vpnrun inside a terminal instead, or another terminal, or "
				       "say --allow-running",
				       name);
		pid = home ? find_outside(&at, argv, home) : 0;
		if (pid)
			return refuse(&programs[i], pid, e);
	}
	return 0;
}
