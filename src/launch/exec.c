/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Becomes the command. Which program a name means, and what becomes of a script without "#!", is
 * decided here as every shell does it: C libraries differ, and on that nothing in a sandbox may
 * depend. Called by launch/run.c, at its end.
 */
#include "launch/launch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* Where a shell looks if the environment does not say it. */
#define USUAL_PATH "/usr/local/bin:/bin:/usr/bin"

static void try_shell(const char *file, char **argv)
{
	AUTO_FREE const char **line = NULL;
	size_t n = 1;
	union {
		const char **in;
		char **out;
	} u; /* execve(2) has no const */

	while (argv[n - 1] && argv[n])
		n++;
	line = calloc(n + 2, sizeof(*line));
	if (!line)
		return;
	line[0] = "/bin/sh";
	line[1] = file;
	memcpy(line + 2, argv + 1, (n - 1) * sizeof(*line));
	u.in = line;
	execve(line[0], u.out, environ);
}

static void try_file(const char *file, char **argv)
{
	execve(file, argv, environ);
	if (errno == ENOEXEC)
		try_shell(file, argv);
}

/* Whether the next directory of PATH may have it all the same. */
static bool is_elsewhere(int code)
{
	return code == -ENOENT || code == -ENOTDIR || code == -EACCES || code == -ESTALE ||
	       code == -ENODEV || code == -ETIMEDOUT;
}

/* Calls fn of each file that name, which has no '/', may be, until it returns other than 0. */
static int each_file(const char *name, int (*fn)(const char *file, void *arg), void *arg)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];
	int r = 0;

	path = path ? path : USUAL_PATH;
	for (bool more = *name; r == 0 && more;) {
		size_t len = strcspn(path, ":");

		if (len <= PATH_MAX && str_fmt(file, sizeof(file), "%.*s%s%s", (int)len, path,
					       len ? "/" : "", name) > 0)
			r = fn(file, arg);
		more = path[len] == ':';
		path += len + more;
	}
	return r;
}

struct attempt {
	char **argv;
	int code; /* what counts of the failures so far */
};

static int try(const char *file, void *arg)
{
	struct attempt *a = arg;
	int code;

	try_file(file, a->argv);
	code = -errno;
	/* That one may not be executed says more than that the others are not there. */
	if (code == -EACCES || !is_elsewhere(code))
		a->code = code;
	return !is_elsewhere(code);
}

static int is_there(const char *file, void *arg)
{
	(void)arg;
	return access(file, F_OK) == 0;
}

/* The shell's distinction: EACCES of one directory of PATH says nothing about the program. */
static bool is_anywhere(const char *name)
{
	if (strchr(name, '/'))
		return access(name, F_OK) == 0 || errno != ENOENT;
	return each_file(name, is_there, NULL);
}

int launch_exec(char **argv, struct err *e)
{
	struct attempt a = {.argv = argv, .code = -ENOENT};

	if (strchr(argv[0], '/')) {
		try_file(argv[0], argv);
		a.code = -errno;
	} else {
		each_file(argv[0], try, &a);
	}
	if ((a.code == -ENOENT || a.code == -EACCES) && !is_anywhere(argv[0])) {
		err_set(e, a.code, "cannot run '%.200s': there is no such program", argv[0]);
		return LAUNCH_NOT_FOUND;
	}
	err_sys(e, a.code, "cannot run '%.200s'", argv[0]);
	return a.code == -ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NO_EXEC;
}
