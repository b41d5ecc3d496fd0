/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plugd/: who may, by the files and by the process's own groups; and the readers of those files.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The broker's objects are in no library, so that nothing else can be linked with them. */
#include "broker/plugger.c"
#include "plugd/allow.c"
#include "plugd/whose.c"

static char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
		       "# a comment:x:9:9::/:\n"
		       "alice:x:1001:1001:A,,,:/home/alice:/bin/bash\n"
		       "bob:x:1002:1002::/home/bob:/bin/bash\n"
		       "carol:x:1003:50::/home/carol:/bin/bash\n"
		       "short:x:1004\n"
		       "+nis:x:1005:50::/:\n"
		       "bad:x:12a:50::/:\n"
		       "neg:x:-1:50::/:\n"
		       ":x:1007:50::/:\n"
		       "max:x:4294967295:50::/:\n"
		       "robert:x:1002:1002::/home/bob:/bin/bash\n"
		       "last:x:1006:1006::/:/bin/sh";
static char group[] = "root:x:0:\n"
		      "vpnrun:x:50:alice,robert\n"
		      "ali:x:51:\n"
		      "tail:x:52:alicex,xalice,al,,last\n"
		      "broken:x\n"
		      "end:x:53:last";
static const struct accounts files = {passwd, group, NULL};

static void test_accounts(void)
{
	char name[ACCOUNTS_NAME_MAX];
	struct accounts none = {.passwd = NULL};
	uint32_t ids[2];
	gid_t gid = 0;

	ok(accounts_find_user(&files, "alice", ids) && ids[0] == 1001 && ids[1] == 1001, "alice");
	ok(accounts_find_user(&files, "last", ids) && ids[0] == 1006, "a line without its end");
	ok(!accounts_find_user(&files, "ali", ids), "not by the beginning of a name");
	ok(!accounts_find_user(&files, "", ids), "not by no name");
	ok(!accounts_find_user(&files, "short", ids), "a short line is passed over");
	ok(!accounts_find_user(&files, "+nis", ids), "so is NIS's");
	ok(!accounts_find_user(&files, "bad", ids), "so is a uid that is not a number");
	ok(!accounts_find_user(&files, "neg", ids), "or negative");
	ok(!accounts_find_user(&files, "max", ids), "or nobody's");
	accounts_name(&files, 1002, name);
	ok(accounts_has_user(&files, 1002) && !strcmp(name, "bob"), "the first name of a uid");
	accounts_name(&files, 1004, name);
	ok(!accounts_has_user(&files, 1004) && !strcmp(name, "unknown"), "a uid without a line");
	ok(!accounts_has_user(&files, 1007), "a line without a name");
	ok(accounts_find_group(&files, "vpnrun", &gid) && gid == 50, "a group");
	ok(!accounts_find_group(&files, "broken", &gid), "a broken line");
	ok(accounts_has_group(&files, 53) && !accounts_has_group(&files, 54), "by its gid");
	ok(accounts_is_member(&files, 1001, 50), "a member");
	ok(accounts_is_member(&files, 1002, 50), "a member by the uid's other name");
	ok(accounts_is_member(&files, 1003, 50), "a member by the primary group");
	ok(!accounts_is_member(&files, 1006, 50), "not a member");
	ok(accounts_is_member(&files, 1006, 52) && accounts_is_member(&files, 1006, 53),
	   "the last of the list, and of the file");
	ok(!accounts_is_member(&files, 1001, 52), "not by a part of a name");
	ok(!accounts_is_member(&files, 0, 50) && !accounts_is_member(&none, 0, 0),
	   "not by nothing");
	is_int(accounts_read("/nonexistent", &none.passwd, NULL), 0, "an absent file is empty");
	ok(!none.passwd, "and nothing was made for it");
}

static void is_spare(const char *subuid, uid_t uid, bool is, uid_t owner, const char *what)
{
	struct accounts a = files;
	char text[100];
	uid_t got = 0;

	str_copy(text, sizeof(text), subuid);
	a.subuid = text;
	ok(accounts_is_spare(&a, uid, &got) == is, "%s", what);
	ok(got == owner, "%s: who stands behind it", what);
}

static void test_spare(void)
{
	is_spare("alice:100000:65536\nbob:200000:1\n", 165535, true, 1001,
		 "L25 L49 a subordinate uid is its owner");
	is_spare("alice:100000:65536\nbob:200000:1", 200000, true, 1002,
		 "L25 L49 of a line without its end");
	is_spare("alice:100000:65536\nbob:200000:1\n", 165536, false, 165536,
		 "L25 one beyond the range");
	is_spare("alice:100000\n:x:\n", 100000, false, 100000, "L25 a short line");
	is_spare("", 0, false, 0, "L25 no line");
	is_spare("1003:100000:10\n", 100009, true, 1003, "L49 the owner by number");
	is_spare("ldapuser:100000:10\n", 100009, true, 100000,
		 "L49 an owner whom the files do not know: one for the whole range");
	is_spare("ldapuser:100000:10\n", 100000, true, 100000, "L25 and the first of it is spare");
	is_spare("alice:1000:10\n", 1002, false, 1002, "L49 a user of the files is their own");
	is_spare("alice:100000:10\n", 1001, false, 1001, "L49 the owner is their own");
}

static void test_allowed(void)
{
	gid_t groups[] = {7, 50, 77};
	struct peer alice = {.uid = 1001, .gid = 1001};
	struct peer last = {.uid = 1006, .gid = 50, .groups = groups, .n_groups = 3};
	struct peer ldap = {.uid = 9000, .gid = 9000, .groups = groups, .n_groups = 3};
	struct peer ldap_gid = {.uid = 9000, .gid = 50};
	struct peer stranger = {.uid = 9000, .gid = 9000};
	struct peer dir_group = {.uid = 1001, .gid = 1001, .groups = groups, .n_groups = 3};
	struct record by_group = {.allow_groups = {"other", "vpnrun"}};
	struct record by_gid = {.allow_groups = {"50"}};
	struct record by_dir_gid = {.allow_groups = {"77"}};
	struct record by_dir_name = {.allow_groups = {"staff@corp"}};
	struct record by_user = {.allow_users = {"nobody", "alice"}};
	struct record by_uid = {.allow_users = {"9000"}};
	struct record nobody = {0};
	struct record all = {.flags = RECORD_EVERYONE};

	ok(allow_is_allowed(&by_group, &files, &alice), "L26 a member by the file");
	ok(!allow_is_allowed(&by_group, &files, &last),
	   "L26 no member by the file, whatever the process has");
	ok(allow_is_allowed(&by_group, &files, &ldap),
	   "L26 not in passwd: by the process's groups");
	ok(allow_is_allowed(&by_group, &files, &ldap_gid), "L26 or its first one");
	ok(!allow_is_allowed(&by_group, &files, &stranger), "L26 or not");
	ok(allow_is_allowed(&by_gid, &files, &alice), "L26 a gid in the list");
	ok(!allow_is_allowed(&by_gid, &files, &last), "L26 which the file knows, too");
	ok(allow_is_allowed(&by_dir_gid, &files, &dir_group), "L26 a directory's gid");
	ok(!allow_is_allowed(&by_dir_gid, &files, &alice), "L26 not without it");
	ok(!allow_is_allowed(&by_dir_name, &files, &ldap), "L26 a name that is nowhere");
	ok(allow_is_allowed(&by_user, &files, &alice), "L26 a user by name");
	ok(!allow_is_allowed(&by_user, &files, &last), "L26 not another");
	ok(allow_is_allowed(&by_uid, &files, &stranger), "L26 a user by uid");
	ok(!allow_is_allowed(&nobody, &files, &alice), "L26 an empty list is nobody");
	ok(allow_is_allowed(&all, &files, &stranger), "L26 everyone");
}

static void test_netns(void)
{
	struct record r = {.name = "demo"};
	struct peer p = {.uid = getuid() ? getuid() : 1000};
	struct err e = ERR_INIT;
	int fds[2];

	is_int(whose_init(&e), 0, "its own namespaces");
	fds[0] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	is_int(whose_check(fds[0], &r, &p, &e), -EPERM, "L25 the host's namespace");
	close(fds[0]);
	fds[0] = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	is_int(whose_check(fds[0], &r, &p, &e), -EBADF, "L25 a user namespace");
	close(fds[0]);
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	is_int(whose_check(fds[0], &r, &p, &e), -EBADF, "L25 a device");
	close(fds[0]);
	if (pipe2(fds, O_CLOEXEC) == 0) {
		is_int(whose_check(fds[0], &r, &p, &e), -EBADF, "L25 a pipe");
		close(fds[0]);
		close(fds[1]);
	}
	is_int(whose_check(999, &r, &p, &e), -ENOENT, "L25 nothing at all");
	p.uid = 0;
	is_int(allow_user(&r, &files, &p, &e), -EPERM, "L25 root is not served");
}

/* --- whose it is -------------------------------------------------------------------------------
 */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	util_close(&fd);
	return good;
}

/* Into a user namespace of its own, so many deep, the last with a network. */
static bool dive(int depth)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	for (int i = 0; i < depth; i++) {
		if (unshare(CLONE_NEWUSER | (i == depth - 1 ? CLONE_NEWNET : 0)) < 0)
			return false;
		str_fmt(map, sizeof(map), "%u %u 1", uid, uid);
		if (!write_file("/proc/self/setgroups", "deny") ||
		    !write_file("/proc/self/uid_map", map))
			return false;
		str_fmt(map, sizeof(map), "%u %u 1", gid, gid);
		if (!write_file("/proc/self/gid_map", map))
			return false;
	}
	return true;
}

/* A network namespace that a program so many user namespaces deep has made; -1: none can be. */
static int open_netns(int depth)
{
	int ready[2], fd = -1;
	char path[64], c = 'n';
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		c = dive(depth) ? 'y' : 'n';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) == 1 && c == 'y') {
		str_fmt(path, sizeof(path), "/proc/%d/ns/net", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return fd;
}

/* From here on the system call nr, with that first argument (-1: any), fails with code. */
static bool deny(unsigned int nr, int first, int code)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)first, 0, first < 0 ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {ARRAY_SIZE(insns), insns};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

/* 0: a namespace that cannot be looked at is refused. */
static int refuses_unseen(int fd)
{
	struct record r = {.name = "v"};
	struct peer p = {.uid = geteuid(), .place = PEER_HERE};
	struct err e = ERR_INIT;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(deny(SYS_newfstatat, -1, EIO) && deny(SYS_fstat, -1, EIO) &&
				      whose_check(fd, &r, &p, &e) < 0
			      ? 0
			      : 1);
	waitpid(pid, &status, 0);
	return status;
}

static void test_owner(void)
{
	struct record r = {.name = "v"};
	struct peer p = {.uid = geteuid(), .place = PEER_HERE};
	struct err e = ERR_INIT;
	struct stat st;
	int one = open_netns(1), two = open_netns(2);

	if (one < 0 || two < 0) {
		printf("ok %d - # SKIP no user namespaces\n", ++tap_count);
		util_close(&one);
		util_close(&two);
		return;
	}
	is_int(whose_check(one, &r, &p, &e), 0, "L25 the user's own: attached");
	is_int(refuses_unseen(one), 0, "L25 one that cannot be looked at: not");
	p.uid++;
	is_int(whose_check(one, &r, &p, &e), -EPERM, "L25 another user's");
	p.uid--;
	fstat(one, &st);
	r.netns_dev = st.st_dev;
	r.netns_ino = st.st_ino;
	is_int(whose_check(one, &r, &p, &e), -EPERM, "L25 the VPN's own");
	r.netns_ino = 0;
	is_int(whose_check(two, &r, &p, &e), 0, "L25 one within another, asked for from the host");
	p.place = PEER_ELSEWHERE;
	is_int(whose_check(two, &r, &p, &e), -EPERM, "L25 asked for from inside a sandbox");
	is_int(whose_check(one, &r, &p, &e), 0, "control: not for the first that one makes");
	p.place = PEER_UNKNOWN;
	is_int(whose_check(two, &r, &p, &e), -EPERM, "L25 where the kernel cannot tell from where");
	p.place = PEER_HERE;
	p.uid++;
	is_int(whose_check(two, &r, &p, &e), -EPERM, "L25 another user's, within another");
	close(one);
	close(two);
}

/* --- what the front hears ----------------------------------------------------------------------
 */

/* What the front makes of an answer of so many bytes. */
static void answers(size_t len, int code, int wanted, const char *sentence, const char *what)
{
	const struct peer p = {.uid = 1};
	struct plug_answer a = {.code = code, .host = 7, .msg = "no"};
	struct err e = ERR_INIT;
	struct plugger plugger;
	uint32_t host = 0;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    plugger_open(&plugger, pair[0], &e) < 0)
		exit(1);
	/* It is there before the question. */
	if (send(plugger.answers, &a, len, 0) != (ssize_t)len)
		exit(1);
	is_int(plugger_ask(&plugger, &(struct plug_wish){"v", pair[1], false}, &p, &host, &e),
	       wanted, what);
	ok(wanted == 0 ? host == 7 : !strcmp(e.msg, sentence), "%s: %s", what, e.msg);
	plugger_close(&plugger);
	close(pair[1]);
}

static void test_answers(void)
{
	const char *odd = "what the broker's plugger answers is not an answer: restart vpnrund";

	answers(sizeof(struct plug_answer), 0, 0, "", "R73 an answer");
	answers(sizeof(struct plug_answer), -EPERM, -EPERM, "no", "R73 a refusal");
	answers(4, 0, -EPROTO, odd, "R73 half an answer");
	answers(0, 0, -EPROTO, odd, "R73 an empty one");
}

int main(void)
{
	tap_begin();
	test_answers();
	test_accounts();
	test_spare();
	test_allowed();
	test_netns();
	test_owner();
	return tap_done();
}
