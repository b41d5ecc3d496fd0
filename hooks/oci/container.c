/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * createContainer: resolv.conf over the container's own. Runs in the container's namespaces while /
 * is still the host's: a path in the image may be a link to anywhere, so every step starts from the
 * root file system's descriptor and cannot leave it. Must never use /proc (it is the host's, seen
 * from another pid namespace) nor a pid, and must not change a file of any mounted volume.
 */
#include "oci/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMES_PATH "etc/resolv.conf"
#define INSIDE	   (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

static int open_inside(int root, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags | O_PATH | O_CLOEXEC, .resolve = resolve};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_file(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* The image has no such file, or a link that leads nowhere within it. */
static int make_target(int root, struct err *e)
{
	AUTO_CLOSE int etc = -1, fd = -1;

	if (mkdirat(root, "etc", 0755) < 0 && errno != EEXIST)
		return err_sys(e, -errno, "cannot make /etc in the container");
	etc = open_inside(root, "etc", O_DIRECTORY, INSIDE | RESOLVE_NO_XDEV);
	if (etc < 0)
		return err_sys(e, etc, "cannot open /etc of the container");
	if (unlinkat(etc, "resolv.conf", 0) < 0 && errno != ENOENT)
		return err_sys(e, -errno, "cannot replace /etc/resolv.conf of the container");
	fd = openat(etc, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make /etc/resolv.conf in the container");
	return take_fd(&fd);
}

static int open_target(int root, const char *ours, struct err *e)
{
	AUTO_CLOSE int fd = open_inside(root, NAMES_PATH, 0, INSIDE);

	if (fd == -ENOSYS)
		return err_sys(e, fd, "cannot look into the container safely");
	/* This finds precreate's mount, wherever in the container the links of the image have led
	 * it. */
	if (is_file(fd) && same_fd_path(fd, ours))
		return take_fd(&fd);
	util_close(&fd);
	fd = open_inside(root, NAMES_PATH, O_NOFOLLOW, INSIDE | RESOLVE_NO_SYMLINKS);
	if (is_file(fd))
		return take_fd(&fd);
	util_close(&fd);
	/* A link is followed within the image only: not into a volume, which may be shared. */
	fd = open_inside(root, NAMES_PATH, 0, INSIDE | RESOLVE_NO_XDEV);
	if (is_file(fd))
		return take_fd(&fd);
	return make_target(root, e);
}

static int open_root(const json_t *state, struct err *e)
{
	const char *path = hook_get_string(state, "root");
	AUTO_CLOSE int fd = -1;
	struct stat root, host;

	/* crun says it; runc starts us there. */
	fd = open(path && *path ? path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, -errno, "cannot open the container's root file system");
	if (fstat(fd, &root) < 0 || stat("/", &host) < 0 || same_stat(&root, &host))
		return err_set(
			e, -EPERM,
			"the runtime does not say where the container's root file system is");
	return take_fd(&fd);
}

/* Names of one's own have no file on the host: a tmpfs holds them. It must be mounted somewhere to
 * be cloned from (Linux 6.15 needs that no more), for a moment on the root file system itself. */
static int own_names_tree(int root, const struct hook_want *w, struct err *e)
{
	AUTO_CLOSE int fs = -1, mnt = -1, file = -1;
	char text[NAMES_RESOLV_MAX];
	long tree;
	int r = names_resolv_conf(text, sizeof(text), w->dns, w->n_dns, NULL);

	if (r < 0)
		return err_sys(e, r, "cannot write the container's resolv.conf");
	fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(e, -errno, "cannot make a file system for resolv.conf");
	mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0)
		return err_sys(e, -errno, "cannot make a file system for resolv.conf");
	file = openat(mnt, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file < 0 || fchmod(file, 0644) < 0)
		return err_sys(e, -errno, "cannot write the container's resolv.conf");
	r = fd_write_all(file, text, strlen(text));
	if (r < 0)
		return err_sys(e, r, "cannot write the container's resolv.conf");
	if (syscall(SYS_move_mount, mnt, "", root, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, -errno, "cannot mount a file system for resolv.conf");
	tree = syscall(SYS_open_tree, mnt, "resolv.conf", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	r = tree < 0 ? -errno : 0;
	if (fchdir(mnt) < 0 || syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) < 0)
		r = r < 0 ? r : -errno;
	if (r < 0 && tree >= 0)
		close((int)tree);
	return r < 0 ? err_sys(e, r, "cannot mount the container's resolv.conf") : (int)tree;
}

static int hosts_tree(const char *path, struct err *e)
{
	long tree = syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return err_sys(e, -errno, "cannot take %s, which `vpnctl up` writes", path);
	return (int)tree;
}

int hook_create_container(const json_t *state, const struct hook_want *w, struct err *e)
{
	struct mount_attr ro = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};
	AUTO_CLOSE int root = open_root(state, e), target = -1, tree = -1;
	char path[128];

	if (root < 0)
		return root;
	str_fmt(path, sizeof(path), HOOK_NETNS_FMT, w->vpn, "resolv.conf");
	target = open_target(root, path, e);
	if (target < 0)
		return target;
	if (!w->n_dns && same_fd_path(target, path))
		return 0; /* precreate had it mounted */
	tree = w->n_dns ? own_names_tree(root, w, e) : hosts_tree(path, e);
	if (tree < 0)
		return tree;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &ro, sizeof(ro)) < 0)
		return err_sys(e, -errno, "cannot make the container's resolv.conf read-only");
	if (syscall(SYS_move_mount, tree, "", target, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(e, -errno, "cannot mount resolv.conf in the container");
	return 0;
}
