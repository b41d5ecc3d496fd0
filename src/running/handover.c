/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See handover.h. No kernel object tells of such programs, so they are a table. The command itself
 * is refused. For what a script inside starts, the way is shut: a dead socket stands where the
 * number or the pipe is, which nobody can open, or the directory cannot be written. Must cost a
 * launch no more than the question whether the files are there. Called by running/check.c, and by
 * the launcher in the new mount namespace.
 */
#include "running/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/util.h"

#define SHUT	    "/run/.vpnrun-shut"
#define NUMBER_MAX  64
#define CMDLINE_MAX 65536
#define NAMES_MAX   4

static const struct handover {
	const char *names[NAMES_MAX];
	const char *word;   /* the command line of whoever the number names has it */
	bool in_config;	    /* the paths are below the user's configuration, else below the home */
	const char *number; /* a file with the process number, or a link to it */
	const char *way;    /* by which it is handed over */
	bool is_dir;
} handovers[] = {
	/* It wakes the one that sleeps, by a signal, and that one fetches. */
	{{"fetchmail", "popclient"}, "fetchmail", false, ".fetchmail.pid", ".fetchmail.pid", false},
	/* The one that runs reads links from a file, which is not there while nobody asks. */
	{{"amule", "amuled", "ed2k"}, "amule", false, ".aMule/muleLock", ".aMule", true},
	{{"steam"}, "steam", false, ".steam/steam.pid", ".steam/steam.pipe", false},
	/* One that finds the other's socket dead takes the number for left over, and its data. */
	{{"deluge", "deluge-gtk"},
	 "deluge",
	 true,
	 "deluge/ipc/deluge-gtk.lock",
	 "deluge/ipc",
	 true},
};

static int path_of(const struct handover *h, const struct places *p, const char *rel,
		   char ret[PATH_MAX])
{
	return str_fmt(ret, PATH_MAX, "%s/%s", h->in_config ? p->config : p->home, rel);
}

/* Reads what stands in the file, or what the link is to. */
static bool read_number(const char *path, pid_t *ret)
{
	AUTO_FREE char *text = NULL;
	char link[NUMBER_MAX];
	ssize_t n = readlink(path, link, sizeof(link) - 1);
	const char *at = link;
	uint64_t pid;

	if (n >= 0) {
		link[n] = '\0';
	} else {
		if (errno != EINVAL || file_read(path, NUMBER_MAX, &text, NULL, NULL) < 0)
			return false;
		text[strcspn(text, " \n")] = '\0';
		at = text;
	}
	if (str_uint(at, 2, INT32_MAX, &pid) < 0)
		return false;
	*ret = (pid_t)pid;
	return true;
}

/* A crash leaves the number behind, which is another program's by and by. */
static bool is_program(pid_t pid, const char *word)
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	char path[40];
	size_t len;

	str_fmt(path, sizeof(path), "/proc/%d", pid);
	if (stat(path, &st) < 0 || st.st_uid != geteuid())
		return false;
	str_fmt(path, sizeof(path), "/proc/%d/cmdline", pid);
	return file_read(path, CMDLINE_MAX, &text, &len, NULL) < 0 ||
	       memmem(text, len, word, strlen(word)) != NULL;
}

static pid_t holder_of(const struct handover *h, const struct places *p,
		       const struct running_where *w)
{
	char path[PATH_MAX];
	pid_t pid;

	if (path_of(h, p, h->number, path) < 0 || !read_number(path, &pid))
		return 0;
	return is_program(pid, h->word) && holder_is_outside(pid, w) ? pid : 0;
}

pid_t running_handover(const struct running_program *p, const struct places *places,
		       const struct running_where *w, const char **ret_word)
{
	const char *names[] = {running_base(p->path), running_base(p->argv[0])};

	for (size_t i = 0; i < ARRAY_SIZE(handovers); i++)
		for (size_t k = 0; k < NAMES_MAX && handovers[i].names[k]; k++)
			if (!strcmp(names[0], handovers[i].names[k]) ||
			    !strcmp(names[1], handovers[i].names[k])) {
				*ret_word = handovers[i].word;
				return holder_of(&handovers[i], places, w);
			}
	return 0;
}

unsigned int running_handovers(const struct places *places, const struct running_where *w)
{
	unsigned int which = 0;

	for (size_t i = 0; i < ARRAY_SIZE(handovers); i++)
		if (holder_of(&handovers[i], places, w))
			which |= 1u << i;
	return which;
}

/* --- in the sandbox --------------------------------------------------------------------------- */

static int put_dead(const char *path)
{
	int r;

	if (mknod(SHUT, S_IFSOCK | 0600, 0) < 0 && errno != EEXIST)
		return -errno;
	r = mount(SHUT, path, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
	unlink(SHUT);
	return r;
}

/* What its mount forbids already stays forbidden, or the kernel refuses. */
static int make_read_only(const char *path)
{
	struct statvfs fs;

	if (mount(path, path, NULL, MS_BIND, NULL) < 0 || statvfs(path, &fs) < 0)
		return -errno;
	return mount(NULL, path, NULL,
		     MS_BIND | MS_REMOUNT | MS_RDONLY |
			     (fs.f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)),
		     NULL) < 0
		       ? -errno
		       : 0;
}

int running_handovers_shut(unsigned int which, struct err *e)
{
	struct places places;
	char path[PATH_MAX];
	int r = which && places_find(&places) < 0 ? -ENOENT : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(handovers); i++) {
		const struct handover *h = &handovers[i];

		if (!(which & 1u << i) || path_of(h, &places, h->way, path) < 0)
			continue;
		r = h->is_dir ? make_read_only(path) : put_dead(path);
		/* It ended meanwhile, and took it away. */
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			return err_sys(e, r, "cannot shut %.200s, which %s outside acts on", path,
				       h->word);
	}
	return r < 0 ? err_sys(e, r, "cannot find the home directory") : 0;
}
