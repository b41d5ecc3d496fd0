/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case in user, mount, network and IPC namespaces of its own, with an empty /run: as root there,
 * which an ordinary user can be, too. Include after tap.h.
 */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

#define SKIPPED 77

static inline bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	util_close(&fd);
	return good;
}

static inline void enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0)
		_exit(SKIPPED);
	str_fmt(map, sizeof(map), "0 %u 1", uid);
	if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map))
		_exit(SKIPPED);
	str_fmt(map, sizeof(map), "0 %u 1", gid);
	if (!write_file("/proc/self/gid_map", map) || mount("t", "/run", "tmpfs", 0, NULL) < 0)
		_exit(SKIPPED);
}

/* Runs fn inside; what it returns is to be 0. */
static inline void inside(int (*fn)(void), const char *what)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		enter();
		_exit(fn());
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("ok %d - %s # SKIP no namespaces, or no ip(8)\n", ++tap_count, what);
	else
		is_int(status, 0, what);
}

static inline int run(const char *command)
{
	int r = system(command); /* a test's own words */

	return WIFEXITED(r) ? WEXITSTATUS(r) : -1;
}
