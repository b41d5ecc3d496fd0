/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See aside.h. A file goes aside by a second name of it, and comes back by rename(2), so that its
 * owner, times and links are what they were, and at no moment is nothing there.
 */
#include "wrap/aside.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/same.h"
#include "base/util.h"

#define DIGEST_LEN 16
#define NO_DIGEST  ": 0000000000000000"

void wrap_mark(const char *program, char ret[WRAP_MARK_SIZE])
{
	str_fmt(ret, WRAP_MARK_SIZE, " made by vpnctl wrap for %s" NO_DIGEST, program);
}

/* Finds where the digest stands. NULL: no mark of that program. *ret_old: there is a mark, as
 * releases made it that knew no digests. */
static char *find_digest(char *text, const char *mark, bool *ret_old)
{
	const char *stem = mark + 1;
	size_t n = strlen(stem) - strlen(NO_DIGEST);

	*ret_old = false;
	for (char *at = text; (at = strstr(at, "made by vpnctl wrap for ")); at++) {
		if (strncmp(at, stem, n) != 0)
			continue;
		if (at[n] == '\n' || !at[n]) {
			*ret_old = true;
			return NULL;
		}
		if (at[n] != ':' || at[n + 1] != ' ')
			continue;
		for (size_t i = 0; isxdigit((unsigned char)at[n + 2 + i]); i++)
			if (i == DIGEST_LEN - 1)
				return at + n + 2;
	}
	return NULL;
}

/* Of the text with zeros in its digest's place, which are put there. */
static void digest_of(char *text, char *at, char ret[DIGEST_LEN + 1])
{
	memset(at, '0', DIGEST_LEN);
	snprintf(ret, DIGEST_LEN + 1, "%016llx",
		 (unsigned long long)digest_bytes(DIGEST_INIT, text, strlen(text)));
}

void wrap_seal(char *text, const char *mark)
{
	char digest[DIGEST_LEN + 1];
	bool old;
	char *at = find_digest(text, mark, &old);

	if (!at)
		return;
	digest_of(text, at, digest);
	memcpy(at, digest, DIGEST_LEN);
}

/* In a manifest, which has no comments, the mark stands in its description; else it is a comment
 * at the beginning. */
static void cut_to_head(char *text)
{
	char *line = text;

	while (line[0] == '#')
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	*line = '\0';
}

static int judge(char *text, const char *path, const char *mark, enum wrap_whose *ret)
{
	char was[DIGEST_LEN + 1], is[DIGEST_LEN + 1];
	AUTO_FREE char *head = strdup(text);
	bool old;
	char *at;

	if (!head)
		return -ENOMEM;
	if (!str_ends(path, ".json"))
		cut_to_head(head);
	at = find_digest(head, mark, &old);
	*ret = old ? WRAP_OURS : WRAP_OTHERS;
	if (!at)
		return 0;
	at = text + (at - head);
	memcpy(was, at, DIGEST_LEN);
	was[DIGEST_LEN] = '\0';
	digest_of(text, at, is);
	*ret = strcmp(was, is) != 0 ? WRAP_EDITED : WRAP_OURS;
	return 0;
}

int wrap_read(const char *path, char **ret, struct err *e)
{
	int r = file_read(path, WRAP_TEXT_MAX, ret, NULL, e);

	switch (-r) {
	case 0:
		return 1;
	case ENOENT:
	case ENOTDIR:
	case EACCES:
	case ELOOP:
	case EINVAL:
	case EISDIR:
	case EFBIG:
		return 0;
	default:
		return r;
	}
}

int wrap_whose_is(const char *path, const char *mark, enum wrap_whose *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct stat st;
	int r;

	*ret = WRAP_NOBODYS;
	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(e, -errno, "cannot look at %s", path);
	*ret = WRAP_OTHERS;
	r = S_ISREG(st.st_mode) ? wrap_read(path, &text, e) : 0;
	if (r > 0 && judge(text, path, mark, ret) < 0)
		return err_sys(e, -ENOMEM, "cannot look at %s", path);
	return r < 0 ? r : 0;
}

int wrap_find_aside(const char *path, char *ret, size_t size, struct err *e)
{
	struct stat st;

	if (str_fmt(ret, size, "%s.unwrapped", path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot look beside %s: name too long", path);
	if (lstat(ret, &st) == 0)
		return 1;
	return errno == ENOENT || errno == ENOTDIR ? 0
						   : err_sys(e, -errno, "cannot look at %s", ret);
}

int wrap_can_put(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;

	/* What lies beside needs some characters more. */
	if (strlen(path) > 480 || str_copy(dir, sizeof(dir), path) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot write %s: name too long", path);
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(e, -EISDIR, "%s is a directory: move it away first", path);
	do {
		*strrchr(dir, '/') = '\0';
	} while (dir[0] && lstat(dir, &st) < 0 && errno == ENOENT);
	if (dir[0] && (access(dir, W_OK | X_OK) < 0 || stat(dir, &st) < 0))
		return err_sys(e, -errno, "cannot write %s", path);
	return dir[0] && !S_ISDIR(st.st_mode) ? err_sys(e, -ENOTDIR, "cannot write %s", path) : 0;
}

/* Gives the file a second name, which may be there already. */
static int keep_as(const char *path, const char *end, struct err *e)
{
	char kept[PATH_MAX], tmp[PATH_MAX];

	if (str_fmt(kept, sizeof(kept), "%s%s", path, end) < 0 ||
	    str_fmt(tmp, sizeof(tmp), "%s%s.new", path, end) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot keep %s: name too long", path);
	unlink(tmp);
	if (link(path, tmp) < 0 || rename(tmp, kept) < 0)
		return err_sys(e, -errno, "cannot keep %s as %s", path, kept);
	/* Where both are one file already, rename(2) does nothing. */
	unlink(tmp);
	return 0;
}

static int keep_edited(const char *path, struct err *e)
{
	int r = keep_as(path, ".edited", e);

	if (r == 0)
		log_info("note: %s was changed since it was wrapped: that is kept as %s.edited",
			 path, path);
	return r;
}

int wrap_put(const char *path, const char *text, mode_t mode, const char *mark, struct err *e)
{
	enum wrap_whose whose;
	int r = wrap_whose_is(path, mark, &whose, e);

	if (r == 0 && whose == WRAP_OTHERS)
		r = keep_as(path, ".unwrapped", e);
	if (r == 0 && whose == WRAP_EDITED)
		r = keep_edited(path, e);
	return r < 0 ? r : file_replace(path, text, strlen(text), mode, e);
}

/* Somebody else's now, or nobody's. */
static int leave(const char *path, const char *aside, bool is_there)
{
	struct stat a, b;

	if (!aside[0])
		return 0;
	if (is_there && lstat(path, &a) == 0 && lstat(aside, &b) == 0 && same_stat(&a, &b))
		return unlink(aside) == 0; /* the wrap was killed before it wrote */
	log_info("note: %s was %s since it was wrapped, and stays so: what it was before is %s",
		 path, is_there ? "changed" : "removed", aside);
	return 1;
}

int wrap_take_back(const char *path, const char *mark, struct err *e)
{
	char aside[PATH_MAX], tmp[PATH_MAX];
	enum wrap_whose whose;
	int r = wrap_whose_is(path, mark, &whose, e);

	if (r < 0)
		return r;
	if (str_fmt(tmp, sizeof(tmp), "%s.new", path) > 0)
		unlink(tmp);
	if (str_fmt(tmp, sizeof(tmp), "%s.unwrapped.new", path) > 0)
		unlink(tmp);
	r = wrap_find_aside(path, aside, sizeof(aside), e);
	if (r < 0)
		return r;
	if (r == 0)
		aside[0] = '\0';
	if (whose == WRAP_NOBODYS || whose == WRAP_OTHERS)
		return leave(path, aside, whose == WRAP_OTHERS);
	r = whose == WRAP_EDITED ? keep_edited(path, e) : 0;
	if (r < 0)
		return r;
	if (aside[0] ? rename(aside, path) < 0 : unlink(path) < 0)
		return err_sys(e, -errno, "cannot take %s back", path);
	return 1;
}
