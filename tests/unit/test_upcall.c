/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which mounts are upcalls, and lines of mountinfo as proc(5) describes them and as nobody should
 * write them (L52).
 */
#include "tap.h"

#include <errno.h>
#include <unistd.h>

#include "inside.h"

/* Stands in for the kernel that is asked for the mounts. */
long fake_syscall(long number, ...);
#define syscall fake_syscall
#include "ns/upcall.c"
#undef syscall

static void test_types(void)
{
	ok(ns_upcall_is_type("autofs", false) && ns_upcall_is_type("afs", false),
	   "L52 autofs, afs");
	ok(ns_upcall_is_type("fuse.avfsd", false), "L52 a path that names a host, in user space");
	ok(!ns_upcall_is_type("fuse.sshfs", false), "L52 one fixed place stays by default");
	ok(ns_upcall_is_type("fuse.sshfs", true) && ns_upcall_is_type("fuse.rclone", true) &&
		   ns_upcall_is_type("fuse", true) && ns_upcall_is_type("fuse.new", true),
	   "L52 --strict: everything in user space that is not known to be local");
	ok(!ns_upcall_is_type("fuse.gocryptfs", true) && !ns_upcall_is_type("fuseblk", true) &&
		   !ns_upcall_is_type("ext4", true) && !ns_upcall_is_type("nfs4", true),
	   "disks stay");
}

static void test_lines(void)
{
	static const struct {
		const char *line, *path, *type;
	} cases[] = {
		{"36 35 98:0 /m /mnt2 rw,noatime master:1 - ext3 /dev/root rw", "/mnt2", "ext3"},
		{"36 35 0:9 / /net rw - autofs /etc/auto.net rw,fd=7", "/net", "autofs"},
		{"36 35 0:9 / /a\\040b\\134c rw shared:1 master:2 - afs none rw", "/a b\\c", "afs"},
		{"36 35 0:9 / /a\\012b rw - fuse.a\\040b x rw\n", "/a\nb", "fuse.a b"},
		{"36 35 0:9 / /a\\0z1b rw - afs none rw", "/a\\0z1b", "afs"},
		{"36 35 0:9 / /a\\\273\273\273b rw - afs none rw", "/a\\\273\273\273b", "afs"},
		{"36 35 0:9 / net rw - afs none rw", NULL, NULL},
		{"36 35 0:9 /", NULL, NULL},
		{"36 35 0:9 / /net rw shared:1", NULL, NULL},
		{"", NULL, NULL},
		{" - autofs", NULL, NULL},
		{"36 - autofs x / /net rw", NULL, NULL},
	};
	struct mount_line m;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *l = cases[i].line;
		bool good = parse_line(l, end_of(l), &m);

		is_int(good, cases[i].path != NULL, "mountinfo: a line, or not");
		if (!good || !cases[i].path)
			continue;
		is_str(m.path, cases[i].path, "its path");
		is_str(m.type, cases[i].type, "its type");
	}
}

static void test_long_path(void)
{
	static char line[2 * PATH_MAX];
	struct mount_line m;

	memset(line, 'a', sizeof(line));
	memcpy(line, "1 2 0:1 / /", 11);
	memcpy(line + sizeof(line) - 20, " rw - autofs none rw", 20);
	line[sizeof(line) - 1] = '\0';
	ok(!parse_line(line, end_of(line), &m), "a path that is too long is no line");
}

static void test_below(void)
{
	ok(is_at_or_below("/net/a", "/net") && is_at_or_below("/net", "/net"), "below");
	ok(!is_at_or_below("/network", "/net") && !is_at_or_below("/", "/net"), "not below");
}

/* The kernel's answer for one mount: whether all have to be looked at. */
static void test_answers(void)
{
	static const struct {
		const char *type, *point;
		bool meant;
	} cases[] = {
		{"autofs", "/net", true},
		{"afs", "/afs", true},
		{"fuse", "/home/u/mnt", true},
		{"ext4", "/", false},
		{"fuseblk", "/mnt", false},
		{"autofs", "/proc/sys/fs/binfmt_misc", false},
		{"fuse", "/run/user/1000/doc", false},
		{"fuse", "/running", true},
	};
	struct mount_answer a;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		a = (struct mount_answer){.mask = ASK_POINT | ASK_TYPE};
		a.type = 1;
		a.point = 100;
		strcpy(a.text + a.type, cases[i].type);
		strcpy(a.text + a.point, cases[i].point);
		is_int(may_be_meant(&a), cases[i].meant, "L52 statmount: whether it may be one");
	}
	strcpy(a.text + a.type, "ext4");
	ok(!may_be_meant(&a), "control: this one is not");
	a.mask = ASK_TYPE;
	ok(may_be_meant(&a), "L52 an answer that lacks something is no reason to be sure");
	a.mask = ASK_POINT | ASK_TYPE;
	a.type = sizeof(a.text);
	ok(may_be_meant(&a), "L52 nor is one that points out of itself");
}

static struct {
	long listed; /* how many mounts, or -1 */
	long fails;  /* which of them cannot be asked for; 0: none */
	const char *type;
} kernel;

long fake_syscall(long number, ...)
{
	struct mount_request *q;
	struct mount_answer *a;
	va_list ap;

	va_start(ap, number);
	q = va_arg(ap, struct mount_request *);
	if (number == NR_LISTMOUNT) {
		uint64_t *ids = va_arg(ap, uint64_t *);

		for (long i = 0; i < kernel.listed; i++)
			ids[i] = (uint64_t)i + 1;
		va_end(ap);
		return kernel.listed;
	}
	a = va_arg(ap, struct mount_answer *);
	va_end(ap);
	*a = (struct mount_answer){.mask = q->param, .point = 100};
	strcpy(a->text, q->id == 3 ? kernel.type : "ext4");
	strcpy(a->text + 100, "/net");
	return kernel.fails && q->id == (uint64_t)kernel.fails ? -1 : 0;
}

static bool any(long listed, long fails, const char *type)
{
	kernel.listed = listed;
	kernel.fails = fails;
	kernel.type = type;
	return may_be_any();
}

static void test_asking(void)
{
	ok(!any(5, 0, "tmpfs"), "L52 no mount that matters");
	ok(any(5, 0, "autofs"), "L52 one among others");
	ok(any(-1, 0, "tmpfs"), "L52 a kernel that cannot list them: all are looked at");
	ok(any(LIST_MAX, 0, "tmpfs"), "L52 nor all of so many");
	ok(any(5, 5, "tmpfs"), "L52 nor one that is gone or cannot be asked for");
}

/* --- covers ----------------------------------------------------------------------------------- */

static int cover_refuses(void)
{
	struct err e = ERR_INIT;

	if (mkdir("/run/net", 0755) < 0 || mkdir("/run/net/host", 0755) < 0)
		return 1;
	if (cover("", "/run/net", &e) < 0)
		return 2;
	if (access("/run/net/host", F_OK) == 0)
		return 3;
	/* Who reads there is told at once; who writes must be, too, for nothing keeps it. */
	return mkdir("/run/net/new", 0755) < 0 && errno == EROFS ? 0 : 4;
}

/* An automounted home with more mounts in it than are put back one by one. */
static int many_in_one(void)
{
	static struct below below[BELOW_MAX];
	static char text[BELOW_MAX * 100];
	char path[64];
	size_t n = 0, len = 0;

	for (int i = -1; i < BELOW_MAX; i++) {
		if (i < 0)
			str_fmt(path, sizeof(path), "/run/net");
		else
			str_fmt(path, sizeof(path), i ? "/run/net/u/%d" : "/run/net/u", i);
		if (mkdir(path, 0755) < 0)
			return 1;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"1 2 0:1 / %s rw - nfs4 x rw\n", path);
	}
	if (open_below(text, "/run/net", below, &n) < 0)
		return 2;
	return n == 1 && !strcmp(below[0].path, "/run/net/u") ? 0 : 3;
}

static void test_covers(void)
{
	inside(cover_refuses, "L52 what lies over such a mount is empty, and takes nothing");
	inside(many_in_one, "what is mounted comes back with all that is mounted in it, as one");
}

int main(void)
{
	tap_begin();
	test_types();
	test_lines();
	test_long_path();
	test_below();
	test_answers();
	test_asking();
	test_covers();
	return tap_done();
}
