/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A confined command that looks around: prints "whole", or a line for each wall that is missing.
 * What is outside is told by the environment, as numbers and paths of things that must not be
 * reachable:
 *
 *   JUDGE_KIND     vpn, none, strict or host
 *   JUDGE_NET, JUDGE_USER, JUDGE_IPC   the inodes of the host's namespaces; "": not looked at
 *   JUDGE_SOCKETS  listeners outside, by path
 *   JUDGE_HIDDEN   paths that must not be there
 *   JUDGE_PID      a process of the user's outside
 *   JUDGE_CAPS     the capabilities that may be there, as a hexadecimal mask
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int missing;

static void __attribute__((format(printf, 1, 2))) weak(const char *fmt, ...)
{
	va_list ap;

	fputs("weak: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	missing++;
}

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v ? v : "";
}

static bool is_kind(const char *kind)
{
	return !strcmp(env("JUDGE_KIND"), kind);
}

static void look_at_namespace(const char *kind, const char *variable)
{
	const char *host = env(variable);
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (!*host)
		return;
	if (stat(path, &st) < 0)
		weak("cannot look at %s", path);
	else if (st.st_ino == strtoull(host, NULL, 10))
		weak("the host's own %s namespace", kind);
}

static void look_at_status(void)
{
	unsigned long long may = strtoull(env("JUDGE_CAPS"), NULL, 16), set;
	bool filter = false, privs = false;
	FILE *f = fopen("/proc/self/status", "re");
	char line[256], name[32];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Cap%3[A-Za-z]: %llx", name, &set) == 2 && (set & ~may))
			weak("Cap%s is %llx", name, set);
		filter |= !strncmp(line, "Seccomp:\t2", 10);
		privs |= !strncmp(line, "NoNewPrivs:\t1", 13);
	}
	if (f)
		fclose(f);
	if (!filter)
		weak("no filter of system calls");
	if (!privs)
		weak("new privileges may be had");
}

static void look_at_devices(void)
{
	FILE *f = fopen("/proc/net/dev", "re");
	char line[512], name[64];

	if (!f)
		weak("cannot list the devices");
	while (f && fgets(line, sizeof(line), f))
		if (strchr(line, ':') && sscanf(line, " %63[^:]:", name) == 1 &&
		    strcmp(name, "lo") != 0 && (strcmp(name, "vpn0") != 0 || is_kind("none")))
			weak("a device %s", name);
	if (f)
		fclose(f);
}

static bool starts(const char *path, const char *with)
{
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, with, strlen(with));
	if (f)
		fclose(f);
	return found;
}

static void look_at_names(void)
{
	if (!starts("/etc/resolv.conf", "# Written by vpnrun"))
		weak("/etc/resolv.conf is the host's");
	if (!starts("/etc/nsswitch.conf", "hosts: files dns\n"))
		weak("/etc/nsswitch.conf is the host's");
}

static bool answers(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return false;
	strcpy(a.sun_path, path);
	good = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return good;
}

static void for_each_word(const char *words, void (*each)(const char *word))
{
	char *copy = strdup(words), *save, *w;

	for (w = copy ? strtok_r(copy, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save))
		each(w);
	free(copy);
}

static void try_socket(const char *path)
{
	if (answers(path))
		weak("%s answers", path);
}

static void try_hidden(const char *path)
{
	if (access(path, F_OK) == 0)
		weak("%s is there", path);
}

static bool is_data(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) ||
				       (S_ISCHR(st.st_mode) && !S_ISDIR(st.st_mode)));
}

static void look_at_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *de;

	if (!d)
		weak("cannot list the descriptors");
	while (d && (de = readdir(d))) {
		int fd = atoi(de->d_name);

		if (de->d_name[0] != '.' && fd > 2 && fd != dirfd(d) && !is_data(fd))
			weak("descriptor %d", fd);
	}
	if (d)
		closedir(d);
}

int main(void)
{
	pid_t pid = (pid_t)atoi(env("JUDGE_PID"));

	look_at_namespace("net", "JUDGE_NET");
	look_at_namespace("user", "JUDGE_USER");
	look_at_namespace("ipc", "JUDGE_IPC");
	look_at_status();
	if (!is_kind("host"))
		look_at_devices();
	look_at_names();
	for_each_word(env("JUDGE_SOCKETS"), try_socket);
	for_each_word(env("JUDGE_HIDDEN"), try_hidden);
	if (!is_kind("host"))
		look_at_descriptors();
	if (is_kind("strict") && pid && kill(pid, 0) == 0)
		weak("signals reach process %d outside", pid);
	if (!missing)
		puts("whole");
	return 0;
}
