/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lookup below an autofs or afs mount is an upcall: the kernel asks a daemon of the host, which
 * resolves the name that the program chose and connects to it, in the host's network, for whoever
 * opens the path. The same holds for file systems in user space whose paths name hosts. They are
 * covered. Must never look up anything below such a mount that is not mounted already, because just
 * that is the leak. Called by ns/view.c, in the sandbox's mount namespace.
 */
#include "ns/upcall.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/mirror.h"

#define MOUNTINFO_MAX (16u << 20)
#define BELOW_MAX     64

struct mount_line {
	char path[PATH_MAX];
	char type[64];
};

/* The path chooses the host that is asked. */
static const char *const by_path[] = {
	"autofs",	  "afs",	  "fuse.avfsd",
	"fuse.smbnetfs",  "fuse.fusesmb", "fuse.kio-fuse",
	"fuse.ipfs",	  "fuse.ipns",	  "fuse.gvfsd-fuse",
	"fuse.httpdirfs", "fuse.httpfs2", "fuse.gvfs-fuse-daemon",
};

/* They are in user space, but of this machine's own disks alone. */
static const char *const local_fuse[] = {
	"fuse.gocryptfs",     "fuse.encfs",   "fuse.cryfs",	 "fuse.bindfs",
	"fuse.mergerfs",      "fuse.unionfs", "fuse.squashfuse", "fuse.fuse-overlayfs",
	"fuse.squashfuse_ll", "fuse.ntfs-3g", "fuse.exfat",	 "fuse.dislocker",
	"fuse.portal",	      "fuse.lxcfs",
};

static bool is_in(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], s))
			return true;
	return false;
}

bool ns_upcall_is_type(const char *type, bool strict)
{
	if (is_in(by_path, ARRAY_SIZE(by_path), type))
		return true;
	return strict && (!strcmp(type, "fuse") || str_starts(type, "fuse.")) &&
	       !is_in(local_fuse, ARRAY_SIZE(local_fuse), type);
}

/* --- what is mounted ------------------------------------------------------------------------- */

/* The kernel writes blank, tab, newline and backslash as \ and three octal digits. */
static bool is_escape(const char *s)
{
	return s[0] == '\\' && strspn(s + 1, "01234567") >= 3;
}

static bool unescape(const char *from, size_t len, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = from[i];

		if (i + 3 < len && is_escape(from + i)) {
			c = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 |
				   (from[i + 3] - '0'));
			i += 3;
		}
		if (n + 1 >= size)
			return false;
		ret[n++] = c;
	}
	ret[n] = '\0';
	return true;
}

/* One line of mountinfo (proc(5)): the fifth field, and the first behind " - ". */
static bool parse_line(const char *line, const char *end, struct mount_line *ret)
{
	const char *at = line, *dash = memmem(line, (size_t)(end - line), " - ", 3);
	size_t len;

	for (int field = 1; field < 5 && at; field++) {
		at = memchr(at, ' ', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at || !dash || at >= dash)
		return false;
	if (*at != '/' || !unescape(at, strcspn(at, " \n"), ret->path, sizeof(ret->path)))
		return false;
	len = strcspn(dash + 3, " \n");
	return len < sizeof(ret->type) && unescape(dash + 3, len, ret->type, sizeof(ret->type));
}

static const char *next_line(const char *line)
{
	const char *nl = strchr(line, '\n');

	return nl && nl[1] ? nl + 1 : NULL;
}

static const char *end_of(const char *line)
{
	const char *nl = strchr(line, '\n');

	return nl ? nl : line + strlen(line);
}

static bool is_at_or_below(const char *path, const char *root)
{
	size_t len = strlen(root);

	return !strncmp(path, root, len) && (path[len] == '/' || path[len] == '\0');
}

/* --- covering -------------------------------------------------------------------------------- */

struct below {
	int fd;
	char path[PATH_MAX];
};

/* Takes what is mounted below root, and on nothing else that is. Opening a mount's root is no
 * lookup in the file system that it hides. */
static int open_below(const char *first, const char *root, struct below *ret, size_t *n)
{
	struct mount_line m;

	for (const char *l = first; l; l = next_line(l)) {
		bool nested = false;

		if (!parse_line(l, end_of(l), &m) || !is_at_or_below(m.path, root) ||
		    !strcmp(m.path, root))
			continue;
		for (size_t i = 0; i < *n; i++)
			nested |= is_at_or_below(m.path, ret[i].path);
		if (nested)
			continue;
		if (*n == BELOW_MAX)
			return -E2BIG;
		ret[*n].fd = open(m.path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
		if (ret[*n].fd >= 0)
			str_copy(ret[(*n)++].path, PATH_MAX, m.path);
	}
	return 0;
}

/* The descriptor's own name is a link; with "/." it is the directory. A single file that something
 * mounted there stays hidden. */
static int put_back(const struct below *b, struct err *e)
{
	char src[64];
	struct stat st;
	int r;

	if (fstat(b->fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	snprintf(src, sizeof(src), "/proc/self/fd/%d/.", b->fd);
	r = mirror_make_parents(b->path, e);
	return r < 0 ? r : mirror_entry(src, b->path, e);
}

static int cover(const char *first, const char *path, struct err *e)
{
	/* 4 KiB each; a launch has one thread, and this is done once. */
	static struct below below[BELOW_MAX];
	size_t n = 0;
	int r = open_below(first, path, below, &n);

	if (r < 0)
		err_set(e, r, "more than %d file systems are mounted below %s", BELOW_MAX, path);
	if (r == 0 && mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0)
		r = err_sys(e, -errno, "cannot hide %s", path);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = put_back(&below[i], e);
		util_close(&below[i].fd);
	}
	if (r == 0 && mount(NULL, path, NULL,
			    MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		r = err_sys(e, -errno, "cannot make the cover of %s read-only", path);
	return r;
}

/* Something is mounted on it at the moment. When the host unmounts that after its idle time, this
 * namespace follows, and the bare trap would be there: one more mount on top holds it. */
static int hold(const char *path, struct err *e)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(e, -errno, "cannot hold what is mounted on %s", path);
	return 0;
}

static bool is_hidden_already(const char *path)
{
	return is_at_or_below(path, "/proc") || is_at_or_below(path, "/run") ||
	       is_at_or_below(path, "/sys") || is_at_or_below(path, "/var/run");
}

/* --- whether there is any -------------------------------------------------------------------- */

/* Numbers and layout of Linux 6.8, which headers older than that lack; newer ones have names for
 * them. */
#define NR_STATMOUNT 457
#define NR_LISTMOUNT 458
#define ASK_POINT    0x10U
#define ASK_TYPE     0x20U
#define ALL_MOUNTS   UINT64_MAX
#define LIST_MAX     512

struct mount_request {
	uint32_t size, spare;
	uint64_t id, param;
};

struct mount_answer {
	uint32_t size, opts;
	uint64_t mask;
	uint32_t dev[2];
	uint64_t magic;
	uint32_t sb_flags, type; /* the second an offset in text, as is point */
	uint64_t ids[2];
	uint32_t old_ids[2];
	uint64_t attrs[5];
	uint32_t root, point;
	uint64_t rest[50];
	char text[PATH_MAX + 64];
};
_Static_assert(offsetof(struct mount_answer, text) == 512, "the kernel's layout");

/* Whether the mount is of a kind that ns_upcall_is_type() may mean, where programs can see it. */
static bool may_be_meant(const struct mount_answer *a)
{
	const uint64_t both = ASK_POINT | ASK_TYPE;
	const char *type = a->text + a->type;

	if ((a->mask & both) != both || a->type >= sizeof(a->text) || a->point >= sizeof(a->text))
		return true;
	return (!strcmp(type, "autofs") || !strcmp(type, "afs") || !strcmp(type, "fuse")) &&
	       !is_hidden_already(a->text + a->point);
}

/* /proc/self/mountinfo takes the kernel three times as long, for what nearly no machine has. False
 * only if that is sure. */
static bool may_be_any(void)
{
	static uint64_t ids[LIST_MAX];
	struct mount_request r = {.size = sizeof(r), .id = ALL_MOUNTS};
	struct mount_answer a;
	long n = syscall(NR_LISTMOUNT, &r, ids, LIST_MAX, 0);
	bool found = n < 0 || n == LIST_MAX;

	r.param = ASK_POINT | ASK_TYPE;
	for (long i = 0; !found && i < n; i++) {
		r.id = ids[i];
		/* One that is gone meanwhile, too, is a reason to look at them all. */
		found = syscall(NR_STATMOUNT, &r, &a, sizeof(a), 0) < 0 || may_be_meant(&a);
	}
	return found;
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool is_wanted(const struct upcall_view *v, const struct mount_line *m)
{
	for (size_t i = 0; i < v->n_allow; i++)
		if (is_at_or_below(v->allow[i], m->path))
			return true;
	if (ns_upcall_is_type(m->type, false))
		return false;
	return (v->cwd && is_at_or_below(v->cwd, m->path)) ||
	       (v->home && is_at_or_below(v->home, m->path));
}

static bool is_mounted_over(const char *line, const char *path)
{
	struct mount_line m;

	for (const char *l = next_line(line); l; l = next_line(l))
		if (parse_line(l, end_of(l), &m) && !strcmp(m.path, path))
			return true;
	return false;
}

int ns_upcall_cover(const struct upcall_view *v, size_t *ret_covered, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct mount_line m;
	int r;

	*ret_covered = 0;
	if (!may_be_any())
		return 0;
	r = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, e);
	if (r < 0)
		return r;
	for (const char *l = *text ? text : NULL; l && r == 0; l = next_line(l)) {
		if (!parse_line(l, end_of(l), &m) || !ns_upcall_is_type(m.type, v->strict) ||
		    is_hidden_already(m.path) || is_wanted(v, &m))
			continue;
		r = is_mounted_over(l, m.path) ? hold(m.path, e) : cover(text, m.path, e);
		(*ret_covered)++;
	}
	return r;
}

static bool has_below(const char *first, const char *root)
{
	struct mount_line m;

	for (const char *l = first; l; l = next_line(l))
		if (parse_line(l, end_of(l), &m) && is_at_or_below(m.path, root) &&
		    strcmp(m.path, root) != 0)
			return true;
	return false;
}

int ns_upcall_for_each(bool in_run, void (*each)(const char *path, bool has_below, void *arg),
		       void *arg, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct mount_line m;
	int r = file_read("/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL, e);

	for (const char *l = r == 0 && *text ? text : NULL; l; l = next_line(l))
		if (parse_line(l, end_of(l), &m) && ns_upcall_is_type(m.type, false) &&
		    (!is_hidden_already(m.path) || (in_run && is_at_or_below(m.path, "/run"))) &&
		    !is_mounted_over(l, m.path))
			each(m.path, has_below(text, m.path), arg);
	return r;
}
