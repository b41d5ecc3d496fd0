/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A failure that nobody would read: a click on a menu entry would do nothing. The launch is over,
 * so the launcher becomes a script of the installation's that says it. Called by main.
 */
#include "launch/launch.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define HELPER "/libexec/vpnrun/vpnrun-notify"

void launch_notify(const struct line_options *o, int status, const char *sentence)
{
	char path[PATH_MAX + sizeof(HELPER)], code[8];
	ssize_t n;

	if (!o->notify || isatty(STDERR_FILENO))
		return;
	/* The program is in BIN/../libexec, wherever it was installed. */
	n = readlink("/proc/self/exe", path, PATH_MAX);
	for (int up = 0; n > 0 && up < 2; up++)
		while (n > 0 && path[--n] != '/')
			;
	if (n < 0 || str_fmt(path + n, sizeof(path) - (size_t)n, HELPER) < 0)
		return;
	str_fmt(code, sizeof(code), "%d", status);
	execl(path, path, code, sentence, (char *)NULL);
}
