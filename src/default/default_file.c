/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/resolv.conf as the machine's way to names. The original is never copied: a second name for
 * it is made first, ours is renamed over the first, and to restore is to rename back. So whatever
 * it was (a symlink, its mode, its owner) is kept by the file system, a reader sees the one or the
 * other whole, and a kill in between is told from the first line of what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/names.h"
#include "default/default_dns.h"

#define SAVED_NEW RESOLV_SAVED ".new"
#define OURS	  "# vpnrun: "

int resolv_file_is_ours(struct err *e)
{
	AUTO_CLOSE int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char head[sizeof(OURS) - 1];
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	/* None at all, a link, a socket or a directory is the machine's own. */
	if (n < 0 && errno != ENOENT && errno != ELOOP && errno != ENXIO && errno != EISDIR)
		return err_sys(e, -errno, "cannot read " RESOLV_CONF);
	return n == (ssize_t)sizeof(head) && memcmp(head, OURS, sizeof(head)) == 0;
}

/* A second name; no file at all is nothing to keep. */
static int keep_original(struct err *e)
{
	int r = 0;

	unlink(SAVED_NEW);
	if (linkat(AT_FDCWD, RESOLV_CONF, AT_FDCWD, SAVED_NEW, 0) < 0)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot keep " RESOLV_CONF);
	if (rename(SAVED_NEW, RESOLV_SAVED) < 0)
		r = err_sys(e, -errno, "cannot keep " RESOLV_CONF);
	unlink(SAVED_NEW); /* still there where both were names of one file already */
	return r;
}

int resolv_file_text(const char *name, const char *text, char ret[RESOLV_FILE_MAX], struct err *e)
{
	int r = str_fmt(
		ret, RESOLV_FILE_MAX,
		OURS "all names go through VPN %s; vpnctl default none puts back what was here\n%s",
		name, text);

	return r < 0 ? err_sys(e, r, "cannot write " RESOLV_CONF) : 0;
}

int resolv_file_replace(const char *all, struct err *e)
{
	int ours = resolv_file_is_ours(e);
	int r = ours ? ours : keep_original(e);

	return r < 0 ? r : file_replace(RESOLV_CONF, all, strlen(all), 0644, e);
}

int resolv_file_restore(struct err *e)
{
	int ours = resolv_file_is_ours(e);

	if (ours < 0)
		return ours;
	unlink(SAVED_NEW);
	unlink(RESOLV_CONF ".new");
	if (!ours)
		return unlink(RESOLV_SAVED) < 0 && errno != ENOENT
			       ? err_sys(e, -errno, "cannot remove " RESOLV_SAVED)
			       : 0;
	if (rename(RESOLV_SAVED, RESOLV_CONF) == 0)
		return 0;
	if (errno != ENOENT)
		return err_sys(e, -errno, "cannot put back " RESOLV_CONF);
	return unlink(RESOLV_CONF) < 0 ? err_sys(e, -errno, "cannot remove " RESOLV_CONF) : 0;
}
