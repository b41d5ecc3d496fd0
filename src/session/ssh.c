/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns ~/.ssh/config as a sandbox sees it, and the agents that it names. A master that runs when
 * the sandbox is made is dead like every listener; one that is started later would be found at the
 * same path, and git, rsync and sshfs ride on it. ssh takes the first value that it reads, so one
 * line in front of the user's own is enough, wherever their ControlPath is. An overlay over ~/.ssh
 * would shut later sockets, too, but keeps names that were looked up in vain missing: a new key
 * would not be seen.
 *
 * Must never let an edit inside go into a copy that is lost: it cannot be written.
 */
#include "session/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define CONFIG_MAX  (4u << 20) /* some are generated */
#define COPY	    "/run/.vpnrun-ssh"
#define TEMP_SUFFIX 17 /* what ssh appends to bind a master's socket before it links it */
#define SOCKET_MAX  107

/* Included files may do so. */
static bool speaks_of_sharing(const char *text)
{
	return text && (strcasestr(text, "controlpath") || strcasestr(text, "controlmaster") ||
			strcasestr(text, "include"));
}

static int write_copy(const struct session *s, const char *text, size_t len)
{
	AUTO_CLOSE int fd = open(COPY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	char line[PATH_MAX + 32];
	int r;

	/* %C is 40 characters. */
	if (strlen(s->runtime) + strlen("/ssh-") + 40 + TEMP_SUFFIX > SOCKET_MAX ||
	    strpbrk(s->runtime, " \t\"%$\n"))
		r = str_copy(line, sizeof(line), "ControlPath none\n");
	else
		r = str_fmt(line, sizeof(line), "ControlPath %s/ssh-%%C\n", s->runtime);
	if (fd < 0)
		return -errno;
	if (r >= 0)
		r = fd_write_all(fd, line, strlen(line));
	return r < 0 ? r : fd_write_all(fd, text, len);
}

static int bind_over(int fd)
{
	char at[32];

	snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
	if (mount(COPY, at, NULL, MS_BIND, NULL) < 0)
		return -errno;
	return 0;
}

/* --- agents ----------------------------------------------------------------------------------- */

/* The value of a line "IdentityAgent PATH", "=" or blanks between; false: it is another line, or no
 * path. What has a token or a variable in it names the agent of the environment most often. */
static bool agent_of(const char *line, const char *home, char ret[PATH_MAX])
{
	static const char word[] = "identityagent";
	const char *before = "", *end;
	size_t len;

	line += strspn(line, " \t");
	if (strncasecmp(line, word, sizeof(word) - 1) != 0)
		return false;
	line += sizeof(word) - 1;
	len = strspn(line, " \t=\"");
	line += len;
	end = len && line[-1] == '"' ? "\"\n" : " \t\r\n";
	if (str_starts(line, "~/")) {
		before = home;
		line++;
	}
	if (!len || *line != '/')
		return false;
	return str_fmt(ret, PATH_MAX, "%s%.*s", before, (int)strcspn(line, end), line) > 0 &&
	       !strchr(ret, '%') && !strchr(ret, '$');
}

void session_ssh_agents(struct session *s, const char *home)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	struct stat st;

	if (!home || str_fmt(path, sizeof(path), "%s/.ssh/config", home) < 0 ||
	    file_read(path, CONFIG_MAX, &text, NULL, NULL) < 0 ||
	    !strcasestr(text, "identityagent"))
		return;
	for (const char *line = text; line && s->n_named < SESSION_NAMED_MAX;
	     line = strchr(line, '\n')) {
		struct session_named *n = &s->named[s->n_named];

		line += *line == '\n';
		if (!agent_of(line, home, n->path))
			continue;
		n->fd = open(n->path, O_PATH | O_CLOEXEC);
		if (n->fd >= 0 && fstat(n->fd, &st) == 0 && S_ISSOCK(st.st_mode))
			s->n_named++;
		else
			util_close(&n->fd);
	}
}

int session_ssh_cover(const struct session *s, const char *home, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t len;
	int r;

	if (!home || str_fmt(path, sizeof(path), "%s/.ssh/config", home) < 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = fd < 0 ? -errno : file_read_fd(fd, CONFIG_MAX, &text, &len);
	if (r == -EFBIG || r == -ENOMEM)
		return err_sys(e, r, "cannot read %s, which may share ssh's connections", path);
	/* What cannot be read, ssh cannot read either. */
	if (r < 0 || !speaks_of_sharing(text))
		return 0;
	r = write_copy(s, text, len);
	if (r == 0)
		r = bind_over(fd);
	unlink(COPY);
	if (r == 0 && mount(NULL, path, NULL,
			    MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, r, "cannot cover %s, which shares ssh's connections", path) : 0;
}
