/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unit is enabled by a symlink of the name that `systemctl enable` would make, so that this
 * works where no systemd runs: in an image, in a chroot. The wish is written first and goes last: a
 * unit without it does nothing, and a killed run leaves what the next one finishes.
 */
#include "command/default_keep.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "state/boot.h"

#define WANTS_DIR     "/etc/systemd/system/sysinit.target.wants"
#define UNIT	      "vpnrun-boot@"
#define UNIT_PATH_LEN 128

static const char *const unit_dirs[] = {"/etc/systemd/system", "/usr/local/lib/systemd/system",
					"/usr/lib/systemd/system", "/lib/systemd/system"};

/* 1: there is one; 0: there is none. */
static int find_unit(char *ret, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(unit_dirs); i++) {
		str_fmt(ret, UNIT_PATH_LEN, "%s/" UNIT ".service", unit_dirs[i]);
		r = file_is_there(ret, e);
	}
	return r;
}

/* Takes away every symlink but that one (NULL: all). */
static int disable_but(const char *keep, struct err *e)
{
	DIR *d = opendir(WANTS_DIR);
	const struct dirent *de;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, -errno, "cannot list " WANTS_DIR);
	while (r == 0 && (de = readdir(d)))
		if (str_starts(de->d_name, UNIT) && (!keep || strcmp(de->d_name, keep) != 0) &&
		    unlinkat(dirfd(d), de->d_name, 0) < 0 && errno != ENOENT)
			r = err_sys(e, -errno, "cannot remove " WANTS_DIR "/%s", de->d_name);
	closedir(d);
	return r;
}

static int enable(const char *name, const char *unit, struct err *e)
{
	char link[UNIT_PATH_LEN], instance[64];
	int r = dir_make(WANTS_DIR, 0755, e);

	if (r < 0)
		return r;
	if (str_fmt(instance, sizeof(instance), UNIT "%s.service", name) < 0 ||
	    str_fmt(link, sizeof(link), WANTS_DIR "/%s", instance) < 0)
		return err_set(e, -EINVAL, "'%s' is too long a name for a unit", name);
	if (symlink(unit, link) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make %s", link);
	return disable_but(instance, e);
}

int keep_default(const char *name, bool strict, bool *ret_unit, struct err *e)
{
	struct boot b = {.strict = strict};
	char unit[UNIT_PATH_LEN];
	int r = str_copy(b.name, sizeof(b.name), name), found;

	found = r < 0 ? r : find_unit(unit, e);
	r = found < 0 ? found : boot_write(BOOT_WISH_PATH, &b, e);
	*ret_unit = found > 0;
	if (r == 0 && *ret_unit)
		r = enable(name, unit, e);
	return r;
}

int keep_no_default(char *ret_had, struct err *e)
{
	struct boot b;
	int r = boot_read(BOOT_WISH_PATH, &b, NULL);

	memcpy(ret_had, b.name, sizeof(b.name));
	r = disable_but(NULL, e);
	return r < 0 ? r : file_remove(BOOT_WISH_PATH, e);
}
