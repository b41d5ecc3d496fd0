/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nsswitch.conf of a container: the image's own, which knows where the image has its accounts, but
 * for its line "hosts". A configuration can only mount a file of the host's, so the text lies in
 * one that is called by what it says, and serves every container of such an image. Must not open
 * what is not a regular file of the image, nor follow a link out of it. Called by precreate and the
 * wrapper runtime.
 */
#include "oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEXT_MAX 65536

static int open_root(const json_t *config, const char *bundle)
{
	const char *root = hook_get_string(config, "root.path");
	char path[PATH_MAX];
	int fd;

	if (!root || !*root ||
	    str_fmt(path, sizeof(path), "%s/%s", root[0] == '/' ? "" : bundle, root) < 0)
		return -ENOENT;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Returns -ENOENT if the image has none. */
static int read_image(int root, char **ret, size_t *ret_len)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	AUTO_CLOSE int file =
		(int)syscall(SYS_openat2, root, "etc/nsswitch.conf", &how, sizeof(how));
	AUTO_CLOSE int fd = -1;
	struct stat st;
	char path[48];

	if (file < 0)
		return -errno;
	if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	str_fmt(path, sizeof(path), "/proc/self/fd/%d", file);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : file_read_fd(fd, TEXT_MAX, ret, ret_len);
}

/* A file with another text under that name is not used. */
static int keep(const char *path, const char *text, size_t len)
{
	AUTO_FREE char *there = NULL;
	size_t n;

	if (file_read(path, TEXT_MAX, &there, &n, NULL) == 0)
		return n == len && !memcmp(there, text, len) ? 0 : -EEXIST;
	return file_replace(path, text, len, 0644, NULL);
}

int hook_nsswitch(const json_t *config, const char *bundle, char ret[HOOK_PLACE_MAX])
{
	AUTO_CLOSE int root = open_root(config, bundle);
	AUTO_FREE char *image = NULL, *text = NULL;
	char name[40];
	size_t len;
	int r = root < 0 ? root : read_image(root, &image, &len);

	/* Without the file a C library takes files and dns. */
	if (r == -ENOENT && root >= 0)
		return 0;
	r = r ?: names_nsswitch(image, len, &text, &len);
	if (r < 0)
		return r;
	str_fmt(name, sizeof(name), "nsswitch-%016llx",
		(unsigned long long)digest_bytes(DIGEST_INIT, text, len));
	hook_place(ret, name);
	r = keep(ret, text, len);
	return r < 0 ? r : 1;
}
