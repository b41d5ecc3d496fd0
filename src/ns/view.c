/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns /run, /sys and what else leads to a daemon of the host by a path. /run is a new file system
 * into which an allow-list is bound: a mask over a socket or a directory is gone when the host
 * makes it anew, and what is started later would be there. Must never mount anything below /proc
 * (nested sandboxes could mount no procfs of their own), and never leave a way by path to our layer
 * or to what is covered. Called by the launcher, in the new mount namespace.
 *
 * What is covered stays reachable for us, and only for us, by a descriptor opened before.
 */
#include "ns/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/dev.h"
#include "ns/etc.h"
#include "ns/mirror.h"
#include "ns/upcall.h"

#define TMPFS_FLAGS (MS_NOSUID | MS_NODEV)
#define LAYER	    "/run/etc"
#define SPARE	    "/run/copy"
#define NEW_RUN	    "/run/run"

/* Data and links that programs need, and no socket of a system service: removable media, the device
 * database (games, SDL), NixOS's drivers and profiles. */
static const char *const carried[] = {
	"media",	  "mount",	   "udev",     "opengl-driver", "opengl-driver-32",
	"current-system", "booted-system", "wrappers",
};

#define GRANTS_MAX 8

struct covered {
	int run, tmp, dev;	/* the old directories; the last two only if strict */
	int grants[GRANTS_MAX]; /* what is given back, in the order of the view's list */
};

static int open_dir(const char *path, int *ret, struct err *e)
{
	*ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_sys(e, -errno, "cannot open %s", path) : 0;
}

/* rel below the covered directory old, as a path that leads under the mounts above it. */
static int old_path(char *ret, size_t size, int old, const char *rel)
{
	return str_fmt(ret, size, "/proc/self/fd/%d/%s", old, rel);
}

static int carry(int old, const char *rel, const char *root, struct err *e)
{
	char src[PATH_MAX], dst[PATH_MAX];
	struct stat st;
	int r;

	if (old_path(src, sizeof(src), old, rel) < 0 ||
	    str_fmt(dst, sizeof(dst), "%s/%s", root, rel) < 0)
		return err_set(e, -ENAMETOOLONG, "%s/%s: name too long", root, rel);
	if (lstat(src, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", dst);
	if (strchr(rel, '/')) {
		r = mirror_make_parents(dst, e);
		if (r < 0)
			return r;
	}
	return mirror_entry(src, dst, e);
}

static int mount_run(struct err *e)
{
	if (mount("tmpfs", "/run", "tmpfs", TMPFS_FLAGS, "mode=0755,size=16m") < 0)
		return err_sys(e, -errno, "cannot mount a file system over /run");
	if (mkdir(LAYER, 0755) < 0 || mkdir(NEW_RUN, 0755) < 0 || mkdir(SPARE, 0755) < 0)
		return err_sys(e, -errno, "cannot make directories in the new /run");
	return 0;
}

/* --- what comes back ------------------------------------------------------------------------- */

static int fill_run(const struct ns_view *v, int old_run, struct err *e)
{
	int r = v->runtime ? v->runtime->fill(v->runtime->arg, e) : 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(carried); i++) {
		r = carry(old_run, carried[i], "/run", e);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	/* Serial-line tools and old libcs look for these. */
	if (mkdir("/run/lock", 0755) < 0 || chmod("/run/lock", 01777) < 0 ||
	    symlink("/dev/shm", "/run/shm") < 0)
		return err_sys(e, -errno, "cannot fill the new /run");
	return 0;
}

static bool answers_names(const char *name, void *arg)
{
	(void)arg;
	return !strcmp(name, "nscd") || !strcmp(name, "avahi-daemon") || !strcmp(name, "samba");
}

/* For the host's own network: everything but whom libc would ask for a name. */
static int fill_host_run(int old_run, struct err *e)
{
	char src[PATH_MAX];
	int r;

	if (old_path(src, sizeof(src), old_run, ".") < 0)
		return err_set(e, -ENAMETOOLONG, "cannot list /run");
	r = mirror_dir(src, "/run", answers_names, NULL, e);
	if (r < 0)
		return r;
	/* systemd keeps this directory when it restarts the service: the mask stays. */
	if (mount("tmpfs", "/run/systemd/resolve", "tmpfs", TMPFS_FLAGS | MS_RDONLY, "mode=0755") <
		    0 &&
	    errno != ENOENT)
		return err_sys(e, -errno, "cannot hide /run/systemd/resolve");
	return 0;
}

/* Whether path is root itself or below it; *ret_rel is what follows. */
static bool is_below(const char *path, const char *root, const char **ret_rel)
{
	size_t len = strlen(root);

	if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return false;
	*ret_rel = path + len + (path[len] == '/');
	return true;
}

static int allow_one(const struct ns_view *v, const struct covered *old, const char *path,
		     struct err *e)
{
	const char *rel;
	int r;

	if (strstr(path, "/../") || strstr(path, "//"))
		return err_set(e, -EINVAL, "--allow %s: not a plain absolute path", path);
	r = v->runtime ? v->runtime->allow(v->runtime->arg, path, e) : 0;
	if (r != 0)
		return r < 0 ? err_wrap(e, r, "--allow %s", path) : 0;
	if ((is_below(path, "/run", &rel) || is_below(path, "/var/run", &rel)) && *rel)
		r = carry(old->run, rel, "/run", e);
	else if (v->strict && is_below(path, "/tmp", &rel) && *rel)
		r = carry(old->tmp, rel, "/tmp", e);
	else if (v->strict && is_below(path, "/dev", &rel) && *rel)
		r = carry(old->dev, rel, "/dev", e);
	else /* a listener or a file system, which whoever covers them leaves alone */
		r = access(path, F_OK) < 0 ? err_sys(e, -errno, "cannot look at it") : 0;
	return r < 0 ? err_wrap(e, r, "--allow %s", path) : 0;
}

/* Opened while nothing is covered yet, and in this mount namespace: the kernel binds no other. */
static int open_grants(const struct ns_view *v, struct covered *old, struct err *e)
{
	if (v->n_grants > GRANTS_MAX)
		return err_set(e, -E2BIG, "more than %d things are given back", GRANTS_MAX);
	for (size_t i = 0; i < v->n_grants; i++) {
		old->grants[i] = open(v->grants[i].src, O_PATH | O_CLOEXEC);
		if (old->grants[i] < 0)
			return err_sys(e, -errno, "cannot open %s", v->grants[i].src);
	}
	return 0;
}

/* The directory may be shared with what runs in there already: what a program left in the place is
 * taken away, and no link is followed. */
static int open_place(const char *dst, struct err *e)
{
	struct stat st;
	int fd;

	if (lstat(dst, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode) &&
	    (S_ISDIR(st.st_mode) ? rmdir(dst) : unlink(dst)) < 0)
		return err_sys(e, -errno, "cannot replace %s", dst);
	fd = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make %s", dst);
	util_close(&fd);
	fd = open(dst, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot open %s", dst);
	if (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode))
		return fd;
	close(fd);
	return err_set(e, -EBUSY, "%s was replaced while it was looked at", dst);
}

static int mount_grant(int src, const char *dst, struct err *e)
{
	AUTO_CLOSE int place = -1;
	char from[32], to[32];
	int r = mirror_make_parents(dst, e);

	if (r < 0)
		return r;
	place = open_place(dst, e);
	if (place < 0)
		return place;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", src);
	snprintf(to, sizeof(to), "/proc/self/fd/%d", place);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return err_sys(e, -errno, "cannot bind %s", dst);
	return 0;
}

static int mount_grants(const struct ns_view *v, const struct covered *old, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n_grants; i++)
		r = mount_grant(old->grants[i], v->grants[i].dst, e);
	return r;
}

/* --- /sys and the rest ----------------------------------------------------------------------- */

/* Locked options of the old mount: the kernel mounts no sysfs that has fewer. */
static unsigned long sys_flags(void)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct statfs fs;

	if (statfs("/sys", &fs) < 0)
		return flags;
	if (fs.f_flags & ST_RDONLY)
		flags |= MS_RDONLY;
	if (fs.f_flags & ST_NOATIME)
		flags |= MS_NOATIME;
	if (fs.f_flags & ST_NODIRATIME)
		flags |= MS_NODIRATIME;
	return flags;
}

/* A new sysfs shows the devices of the network namespace it is mounted from. It hides devices, not
 * ways out: that it cannot be made is no failure. */
static void mount_sys(struct view_report *report)
{
	AUTO_CLOSE int old = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char src[64];

	if (old < 0)
		return;
	if (mount("sysfs", "/sys", "sysfs", sys_flags(), NULL) < 0) {
		report->sys_masked = true;
		mount("tmpfs", "/sys/class/net", "tmpfs", TMPFS_FLAGS | MS_RDONLY, "mode=0755");
		return;
	}
	if (old_path(src, sizeof(src), old, "fs/cgroup") > 0)
		mount(src, "/sys/fs/cgroup", NULL, MS_BIND | MS_REC, NULL);
}

/* Doors that are not in /run: sssd's pipes, and a /var/run that is no link. */
static int hide_var(struct err *e)
{
	struct stat st;

	if (lstat("/var/run", &st) == 0 && S_ISDIR(st.st_mode) &&
	    mount("/run", "/var/run", NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot mount over /var/run");
	if (mount("tmpfs", "/var/lib/sss", "tmpfs", TMPFS_FLAGS | MS_RDONLY, "mode=0755") < 0 &&
	    errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, -errno, "cannot mount over /var/lib/sss");
	return 0;
}

static int mount_tmp(struct err *e)
{
	if (mount("tmpfs", "/tmp", "tmpfs", TMPFS_FLAGS, "mode=1777") < 0)
		return err_sys(e, -errno, "cannot mount over /tmp");
	return 0;
}

/* A directory below a new mount would still be the old one, with its neighbours. */
static int reenter(const struct ns_view *v, const char *cwd, bool always, struct err *e)
{
	const char *const roots[] = {
		"/run",		"/etc", "/sys", "/var/run",
		"/var/lib/sss", "/tmp", "/dev", v->runtime ? v->runtime->path : "/run"};
	const char *rel;
	bool below = !cwd || always;

	for (size_t i = 0; cwd && i < ARRAY_SIZE(roots); i++)
		below |= is_below(cwd, roots[i], &rel);
	if (!below || (cwd && chdir(cwd) == 0))
		return 0;
	return chdir("/") < 0 ? err_sys(e, -errno, "cannot enter /") : 0;
}

/* The kernel refuses to execute a file with capabilities that the bounding set lacks, as ping has
 * on many systems, unless it has to ignore them; and setuid bits count for nothing in here anyway.
 * Kernels before 5.12 cannot: there, such a ping does not start. */
static void ignore_file_privileges(void)
{
	/* struct mount_attr, which old C libraries do not have */
	struct {
		uint64_t set, clear, propagation, userns_fd;
	} attr = {.set = 0x2 /* MOUNT_ATTR_NOSUID */};

	syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr));
}

/* Nothing of the host's /tmp and /dev. */
static int replace_shared(const struct ns_view *v, const struct covered *old, struct err *e)
{
	int r = mount_tmp(e);

	return r ?: ns_dev_make(old->dev, v->display, e);
}

static int rearrange(const struct ns_view *v, const struct covered *old, struct view_report *report,
		     struct err *e)
{
	int r = mount_run(e);

	r = r ?: ns_etc_fill(LAYER, v->resolv_conf, v->own_userns, e);
	r = r ?: ns_etc_mount(LAYER, SPARE, !v->own_userns, &report->etc_copied, e);
	if (r < 0)
		return r;
	/* From here on no path leads to the layer. */
	if (mount(NEW_RUN, "/run", NULL, MS_BIND, NULL) < 0)
		return err_sys(e, -errno, "cannot mount the new /run");
	r = v->host_network && !v->strict ? fill_host_run(old->run, e) : fill_run(v, old->run, e);
	r = r ?: hide_var(e);
	if (r == 0 && v->strict)
		r = replace_shared(v, old, e);
	r = r ?: mount_grants(v, old, e);
	for (size_t i = 0; r == 0 && i < v->n_allow; i++)
		r = allow_one(v, old, v->allow[i], e);
	if (r == 0 && v->strict)
		r = ns_dev_seal(e);
	if (r == 0 && !v->host_network)
		mount_sys(report);
	return r;
}

static int open_covered(const struct ns_view *v, struct covered *old, struct err *e)
{
	int r = open_dir("/run", &old->run, e);

	if (r == 0 && v->strict)
		r = open_dir("/tmp", &old->tmp, e);
	if (r == 0 && v->strict)
		r = open_dir("/dev", &old->dev, e);
	return r < 0 ? r : open_grants(v, old, e);
}

static void close_covered(struct covered *old)
{
	util_close(&old->run);
	util_close(&old->tmp);
	util_close(&old->dev);
	for (size_t i = 0; i < ARRAY_SIZE(old->grants); i++)
		util_close(&old->grants[i]);
}

int ns_view_make(const struct ns_view *v, struct view_report *ret, struct err *e)
{
	struct covered old = {-1, -1, -1, {-1, -1, -1, -1, -1, -1, -1, -1}};
	struct view_report report = {false, false};
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) && cwd[0] == '/';
	size_t n_covered = 0;
	mode_t mask;
	int r;

	if (!v->own_userns && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(e, -errno, "cannot keep mounts to the sandbox");
	r = open_covered(v, &old, e);
	if (r == 0) {
		ignore_file_privileges();
		/* The caller's umask must not make directories that others in the sandbox cannot
		 * enter. */
		mask = umask(022);
		r = rearrange(v, &old, &report, e);
		umask(mask);
	}
	close_covered(&old);
	if (r == 0 && !v->host_network)
		r = ns_upcall_cover(&(struct upcall_view){.strict = v->strict,
							  .cwd = has_cwd ? cwd : NULL,
							  .home = getenv("HOME"),
							  .allow = v->allow,
							  .n_allow = v->n_allow},
				    &n_covered, e);
	r = r ?: reenter(v, has_cwd ? cwd : NULL, n_covered > 0, e);
	if (r == 0)
		*ret = report;
	return r;
}
