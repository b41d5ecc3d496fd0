/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See remote.h. Vim's `--remote URL`, xpdf's and ImageMagick's `-remote` have an instance that
 * shows windows on the same display open what they name, and that instance fetches it from where it
 * is. No lock or socket tells of it: what counts is the option, and a process of the user's that
 * runs the same file and has X11's library. Costs nothing where the option is not there. Called by
 * running/check.c.
 */
#include "running/remote.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define MAPS_MAX (4u << 20)

/* `--remote`, `--remote-wait-silent`, `-remote`. */
static bool asks(char *const *argv)
{
	for (size_t i = 1; argv[0] && argv[i]; i++) {
		if (!strcmp(argv[i], "--"))
			break;
		if (str_starts(argv[i], "--remote") || str_starts(argv[i], "-remote"))
			return true;
	}
	return false;
}

/* One whose memory cannot be read is taken for one that does: the line asked for it. */
static bool has_x11(pid_t pid)
{
	AUTO_FREE char *text = NULL;
	char path[32];

	str_fmt(path, sizeof(path), "/proc/%d/maps", pid);
	return file_read(path, MAPS_MAX, &text, NULL, NULL) < 0 || strstr(text, "/libX11.so");
}

static bool is_instance(pid_t pid, const char *program, const struct running_where *w)
{
	char exe[PATH_MAX], path[32];
	struct stat st;

	str_fmt(path, sizeof(path), "/proc/%d", pid);
	return pid != getpid() && stat(path, &st) == 0 && st.st_uid == geteuid() &&
	       holder_exe(pid, exe, sizeof(exe)) && !strcmp(exe, program) &&
	       holder_is_outside(pid, w) && has_x11(pid);
}

pid_t running_remote(const struct running_program *p, const struct running_where *w)
{
	const struct dirent *de;
	pid_t found = 0;
	uint64_t pid;
	DIR *d;

	if (!w->x11 || !asks(p->argv))
		return 0;
	d = opendir("/proc");
	while (d && !found && (de = readdir(d)))
		if (str_uint(de->d_name, 1, INT32_MAX, &pid) == 0 &&
		    is_instance((pid_t)pid, p->path, w))
			found = (pid_t)pid;
	if (d)
		closedir(d);
	return found;
}
