/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns /etc as the confined program sees it. A bind mount over one file is lost as soon as the host
 * renames a new one into place; a layer is not, so the layer is the way and the copy only its
 * stand-in. Must never let the host's resolv.conf be seen, not even for a moment after the sandbox
 * has its command. Called by ns/view.c, in the sandbox's mount namespace.
 */
#include "ns/etc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/account.h"
#include "ns/mirror.h"
#include "ns/names.h"

#define CONF_MAX     (64u * 1024u)
#define ACCOUNTS_MAX (1u << 20)
#define HOSTS_MAX    (4u << 20) /* lists of what is not to be reached are long */
#define SSH_DIR	     "/etc/ssh/ssh_config.d"

static int write_new(const char *dir, const char *name, const char *text, size_t len, struct err *e)
{
	AUTO_CLOSE int fd = -1;
	char path[PATH_MAX];
	int r;

	if (str_fmt(path, sizeof(path), "%s/%s", dir, name) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot make %s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, -errno, "cannot make %s", path);
	r = fd_write_all(fd, text, len);
	/* The caller's umask must not decide whether a program can read its resolv.conf. */
	if (r == 0 && fchmod(fd, 0644) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, r, "cannot write %s", path) : 0;
}

/* A file of /etc as the user's own copy; what cannot be read, or is there already, is left out. */
static void copy_file(const char *layer, const char *rel)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX];
	size_t len;

	if (str_fmt(path, sizeof(path), "/etc/%s", rel) < 0 ||
	    file_read(path, CONF_MAX, &text, &len, NULL) < 0)
		return;
	if (str_fmt(path, sizeof(path), "%s/%s", layer, rel) < 0 ||
	    mirror_make_parents(path, NULL) < 0)
		return;
	write_new(layer, rel, text, len, NULL);
}

/* ssh checks the owner of what an included file includes, too: Fedora's names one of
 * crypto-policies. One level is what distributions use. */
static void copy_includes(const char *layer, const char *rel)
{
	AUTO_FREE char *text = NULL;
	char path[PATH_MAX], *line, *save;

	if (str_fmt(path, sizeof(path), "/etc/%s", rel) < 0 ||
	    file_read(path, CONF_MAX, &text, NULL, NULL) < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (strncasecmp(line, "include", 7) != 0)
			continue;
		line += 7 + strspn(line + 7, " \t=");
		line[strcspn(line, " \t\r\"")] = '\0';
		if (str_starts(line, "/etc/") && !strpbrk(line, "*?[") && !strstr(line, ".."))
			copy_file(layer, line + 5);
	}
}

static void copy_ssh_files(const char *layer)
{
	const struct dirent *de;
	DIR *d = opendir(SSH_DIR);
	char rel[300];

	if (!d)
		return;
	while ((de = readdir(d))) {
		size_t len = strlen(de->d_name);

		if (len < 6 || strcmp(de->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(rel, sizeof(rel), "ssh/ssh_config.d/%s", de->d_name);
		copy_file(layer, rel);
		copy_includes(layer, rel);
	}
	closedir(d);
}

/* --- what the host's services know beyond the files ------------------------------------------- */

/* A file of /etc with a line more, if make() finds that it lacks one. One that cannot be read, or
 * is larger than anybody writes by hand, stays the host's. */
static int put_more(const char *layer, const char *name, size_t max,
		    int (*make)(const char *text, char **ret), struct err *e)
{
	AUTO_FREE char *text = NULL, *more = NULL;
	char path[64];
	int r;

	str_fmt(path, sizeof(path), "/etc/%s", name);
	r = file_read(path, max, &text, NULL, NULL);
	if (r < 0 && r != -ENOENT)
		return 0;
	r = make(text ? text : "", &more);
	if (r < 0)
		return err_sys(e, r, "cannot make the sandbox's %s", path);
	return r == 0 ? 0 : write_new(layer, name, more, strlen(more), e);
}

static struct account_line account(void)
{
	const char *name = getenv("USER");

	return (struct account_line){
		.uid = geteuid(),
		.gid = getegid(),
		.name = name && *name ? name : getenv("LOGNAME"),
		.home = getenv("HOME"),
		.shell = getenv("SHELL"),
	};
}

static int make_passwd(const char *text, char **ret)
{
	struct account_line a = account();

	return account_passwd(text, &a, ret);
}

static int make_group(const char *text, char **ret)
{
	struct account_line a = account();

	return account_group(text, &a, ret);
}

/* Where nss-myhostname or the name server of the host's network knows the machine's own name, and
 * localhost, nobody would know them inside: the VPN's server would be asked, and told. */
static int make_hosts(const char *text, char **ret)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	return account_hosts(text, name, ret);
}

static int fill_accounts(const char *layer, struct err *e)
{
	int r = put_more(layer, "passwd", ACCOUNTS_MAX, make_passwd, e);

	if (r == 0)
		r = put_more(layer, "group", ACCOUNTS_MAX, make_group, e);
	return r < 0 ? r : put_more(layer, "hosts", HOSTS_MAX, make_hosts, e);
}

int ns_etc_fill(const char *layer, const char *resolv_conf, bool copy_ssh, struct err *e)
{
	AUTO_FREE char *host = NULL, *text = NULL;
	size_t len = 0;
	int r;

	r = write_new(layer, "resolv.conf", resolv_conf, strlen(resolv_conf), e);
	if (r < 0)
		return r;
	/* Unreadable or absent: libc's own default would ask a daemon first. */
	if (file_read("/etc/nsswitch.conf", CONF_MAX, &host, &len, NULL) < 0)
		len = 0;
	if (names_nsswitch(host ? host : "", len, &text, &len) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	r = write_new(layer, "nsswitch.conf", text, len, e);
	if (r == 0)
		r = fill_accounts(layer, e);
	if (r == 0 && copy_ssh)
		copy_ssh_files(layer);
	return r;
}

static bool is_ours(const char *name, void *arg)
{
	const char *layer = arg;
	char path[PATH_MAX];
	struct stat st;

	return str_fmt(path, sizeof(path), "%s/%s", layer, name) > 0 && lstat(path, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

/* Our files go above those of the copy. A directory of the host's is there by its own mount, which
 * cannot be written: a file in it is covered. */
static int lay_over(const char *from, const char *to, int depth, struct err *e)
{
	char src[PATH_MAX], dst[PATH_MAX];
	const struct dirent *de;
	DIR *d = opendir(from);
	int r = 0;

	if (!d)
		return err_sys(e, -errno, "cannot list %s", from);
	while (r == 0 && (de = readdir(d))) {
		struct stat st;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (str_fmt(src, sizeof(src), "%s/%s", from, de->d_name) < 0 ||
		    str_fmt(dst, sizeof(dst), "%s/%s", to, de->d_name) < 0 || lstat(src, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < 8)
			r = lay_over(src, dst, depth + 1, e);
		else if (depth == 0)
			r = mirror_entry(src, dst, e);
		else
			mount(src, dst, NULL, MS_BIND, NULL); /* ssh only: its loss is no leak */
	}
	closedir(d);
	return r;
}

static int mount_copy(const char *layer, const char *spare, struct err *e)
{
	union {
		const char *in;
		void *arg;
	} u = {.in = layer};
	int r = mirror_dir("/etc", spare, is_ours, u.arg, e);

	if (r == 0)
		r = lay_over(layer, spare, 0, e);
	if (r < 0)
		return r;
	if (mount(spare, "/etc", NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot mount a copy of /etc");
	if (mount(NULL, "/etc", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV,
		  NULL) < 0)
		return err_sys(e, -errno, "cannot make the copy of /etc read-only");
	return 0;
}

static bool has_mounts_below(void)
{
	AUTO_FREE char *text = NULL;

	return file_read("/proc/self/mountinfo", 4u << 20, &text, NULL, NULL) < 0 ||
	       strstr(text, " /etc/") != NULL;
}

int ns_etc_mount(const char *layer, const char *spare, bool look_below, bool *ret_copied,
		 struct err *e)
{
	char options[256];
	int r;

	*ret_copied = false;
	if (str_fmt(options, sizeof(options), "lowerdir=%s:/etc", layer) < 0)
		return err_set(e, -ENAMETOOLONG, "cannot mount over /etc");
	/* Without privilege the kernel refuses by itself what has mounts below. */
	if (!(look_below && has_mounts_below()) &&
	    mount("overlay", "/etc", "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	*ret_copied = true;
	r = mount_copy(layer, spare, e);
	return r;
}
