/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session/: sockets on which somebody outside listens are found, by whatever name they have, and
 * dead in a sandbox (L32, L33); what is no such socket is left alone. As an ordinary user, in a
 * mount namespace of the test's own.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "session/listeners.h"
#include "session/others.h"
#include "session/ssh.h"

#define SKIPPED 77

static char top[] = "/tmp/test_cover.XXXXXX";

static const char *at(const char *rel)
{
	static char buf[8][128];
	static unsigned int i;
	char *p = buf[i++ % 8];

	snprintf(p, sizeof(buf[0]), "%s/%s", top, rel);
	return p;
}

/* --- outside ------------------------------------------------------------------------------------
 */

static int bind_at(const char *path, int type)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, type, 0);

	str_copy(sa.sun_path, sizeof(sa.sun_path), path);
	if (s < 0 || bind(s, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    (type != SOCK_DGRAM && listen(s, 5) < 0))
		_exit(1);
	return s;
}

static void bind_renamed(const char *from, const char *to)
{
	bind_at(at(from), SOCK_STREAM);
	if (rename(at(from), at(to)) < 0)
		_exit(1);
}

static void put_file(const char *rel, const char *text)
{
	int fd = open(at(rel), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(1);
	close(fd);
}

/* Each way in which programs of Debian's make their sockets. */
static void bind_all(void)
{
	bind_at(at("plain"), SOCK_STREAM);
	bind_at(at("packets"), SOCK_SEQPACKET);
	bind_at(at("datagrams"), SOCK_DGRAM);
	bind_renamed("renamed.tmp", "renamed");
	bind_at(at("linked.tmp"), SOCK_STREAM);
	if (link(at("linked.tmp"), at("linked")) < 0 || unlink(at("linked.tmp")) < 0)
		_exit(1);
	bind_at(at("both"), SOCK_STREAM);
	if (link(at("both"), at("both2")) < 0)
		_exit(1);
	mkdir(at("q"), 0700);
	bind_renamed("q/s", "moved-up");
	rmdir(at("q"));
	bind_at(at("by-link/s"), SOCK_STREAM);
	bind_at(at("ok/s"), SOCK_STREAM);
	bind_at(at("okay"), SOCK_STREAM);
	bind_at(at("ok-link/s2"), SOCK_STREAM);
	bind_at(at("ok/out/s"), SOCK_STREAM);
	bind_at(at("r/own"), SOCK_STREAM);
	bind_at(at("file"), SOCK_STREAM);
	unlink(at("file"));
	put_file("file", "content");
	/* Where a listener was is a link to one that may stay. */
	bind_at(at("was"), SOCK_STREAM);
	unlink(at("was"));
	if (symlink("ok/s", at("was")) < 0)
		_exit(1);
	/* The last ones by names that are relative, and stays there. */
	if (chdir(at("rel")) < 0)
		_exit(1);
	bind_at("relative", SOCK_STREAM);
	bind_at("relative.tmp", SOCK_STREAM);
	if (rename("relative.tmp", "relative-renamed") < 0)
		_exit(1);
}

static void bind_elsewhere(void)
{
	bind_at(at("elsewhere"), SOCK_STREAM);
	bind_renamed("elsewhere.tmp", "elsewhere-renamed");
}

/* A process that has what bind makes until it is killed; -1: it could not. */
static pid_t serve(int flags, void (*bind_them)(void))
{
	int ready[2];
	pid_t pid;
	char c = 'n';

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (flags && unshare(flags) < 0)
			_exit(1);
		bind_them();
		if (write(ready[1], "y", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		c = 'n';
	close(ready[0]);
	return c == 'y' ? pid : -1;
}

static void end(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* --- inside -------------------------------------------------------------------------------------
 */

static const char *ask(const char *rel)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	const char *said = "nothing";

	str_copy(sa.sun_path, sizeof(sa.sun_path), at(rel));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int s = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
		int r = connect(s, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? errno : 0;

		close(s);
		if (r == 0)
			return "open";
		if (r != EPROTOTYPE)
			said = r == ECONNREFUSED ? "dead" : r == ENOENT ? "none" : "other";
	}
	return said;
}

static bool is_never(pid_t pid, void *arg)
{
	(void)pid;
	(void)arg;
	return false;
}

static bool is_always(pid_t pid, void *arg)
{
	(void)pid;
	(void)arg;
	return true;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	util_close(&fd);
	return good;
}

static int enter(void)
{
	gid_t gid = getegid();
	char map[64];

	str_fmt(map, sizeof(map), "%u %u 1", geteuid(), geteuid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	    !write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/uid_map", map))
		return -1;
	str_fmt(map, sizeof(map), "%u %u 1", gid, gid);
	if (!write_text("/proc/self/gid_map", map))
		return -1;
	return mount("t", "/run", "tmpfs", 0, "mode=0755");
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

/* How often the directory of a listener is another one, with another listener, right before the
 * launch looks whether the socket that it has covered is dead. */
static int swaps;
static bool covering;

static void swap_dir(void)
{
	char old[16];

	str_fmt(old, sizeof(old), "swap.%d", swaps--);
	if (rename(at("swap"), at(old)) < 0 || mkdir(at("swap"), 0700) < 0)
		_exit(1);
	bind_at(at("swap/s"), SOCK_STREAM);
}

/* In the place of libc's, which does the same. */
int lstat(const char *path, struct stat *ret)
{
	if (covering && swaps && !strcmp(path, at("swap/s")))
		swap_dir();
	return fstatat(AT_FDCWD, path, ret, AT_SYMLINK_NOFOLLOW);
}

/* Before the launch, in its process: makes what is outside of it. */
static void (*before)(void);

/* What fails in the launch that comes next. */
static struct {
	unsigned int nr; /* 0: nothing */
	int first;	 /* argument, -1: any */
	int code;
	bool inside; /* when it has its namespaces */
} failing;

/* As a launch does it; then what each of the names says, on lines. */
static void launch(const char *const *names, bool has_runtime, bool others_are_outside, int out)
{
	char stays[128];
	const char *const paths[] = {stays};
	struct session s = SESSION_INIT;
	struct others others = {.session = &s,
				.is_outside = others_are_outside ? is_always : is_never};
	struct listeners l = LISTENERS_INIT;
	struct listeners_allowed allowed = {
		.session = &s, .classes = SESSION_ALL, .paths = paths, .n_paths = 1, .home = top};
	struct err e = ERR_INIT;
	char content[16];
	struct stat st;
	size_t dead = 0;
	int fd;

	str_copy(stays, sizeof(stays), at("ok"));
	str_copy(s.runtime, sizeof(s.runtime), at("r"));
	str_copy(s.name, sizeof(s.name), "demo");
	s.has_runtime = has_runtime;
	if (before)
		before();
	if (failing.nr && !failing.inside && !deny(failing.nr, failing.first, failing.code))
		_exit(1);
	if (listeners_list(&l, &others, &e) < 0) {
		dprintf(out, "%s\n", e.msg);
		_exit(1);
	}
	if (enter() < 0)
		_exit(SKIPPED);
	if (failing.nr && failing.inside && !deny(failing.nr, failing.first, failing.code))
		_exit(1);
	covering = true;
	if (listeners_cover(&l, &allowed, &dead, &e) < 0) {
		dprintf(out, "%s\n", e.msg);
		_exit(1);
	}
	covering = false;
	for (; *names; names++)
		dprintf(out, "%s ", ask(*names));
	fd = open(at("file"), O_RDONLY | O_CLOEXEC);
	if (access(at("file"), F_OK) == 0 && read(fd, content, sizeof(content)) != 7)
		dprintf(out, "the file is lost ");
	/* Clients look whose a socket is, and whether it is one. */
	if (stat(at("plain"), &st) == 0 && !S_ISSOCK(st.st_mode))
		dprintf(out, "no socket ");
	if (access("/run/.vpnrun-dead", F_OK) == 0)
		dprintf(out, "the dead one has a name ");
	_exit(0);
}

/* What they say in a sandbox that is made now; "" where none can be. */
static const char *say(const char *const *names, bool has_runtime, bool others_are_outside)
{
	static char text[1024];
	int p[2], status = 0;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	text[0] = '\0';
	if (pipe(p) < 0)
		return "";
	pid = fork();
	if (pid == 0)
		launch(names, has_runtime, others_are_outside, p[1]);
	close(p[1]);
	while ((got = read(p[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(p[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED ? "" : text;
}

static const char *say_one(const char *name, bool has_runtime, bool others_are_outside)
{
	const char *const names[] = {name, NULL};

	return say(names, has_runtime, others_are_outside);
}

/* --- the tests ----------------------------------------------------------------------------------
 */

static void test_names(void)
{
	static const char *const names[] = {"plain",
					    "packets",
					    "datagrams",
					    "renamed",
					    "linked",
					    "both",
					    "both2",
					    "moved-up",
					    "by-link/s",
					    "okay",
					    "ok/out/s",
					    "rel/relative",
					    "rel/relative-renamed",
					    NULL};
	static const char *const stays[] = {"ok/s", "ok-link/s2", "r/own", NULL};
	char content[16] = "";
	pid_t pid = serve(0, bind_all);
	int fd;

	if (pid < 0) {
		ok(false, "cannot listen");
		return;
	}
	for (size_t i = 0; names[i]; i++)
		is_str(ask(names[i]), "open", names[i]);
	is_str(say(names, true, false),
	       "dead dead dead dead dead dead dead dead dead dead dead dead dead ",
	       "L32 L33 in a sandbox: dead, by whatever name");
	is_str(say(stays, true, false), "open open open ",
	       "what --allow names and the session's own stay");
	is_str(say_one("file", true, false), "dead ", "a file in the place of a socket");
	fd = open(at("file"), O_RDONLY | O_CLOEXEC);
	ok(fd >= 0 && read(fd, content, sizeof(content) - 1) == 7 && !strcmp(content, "content"),
	   "is still that file");
	util_close(&fd);
	end(pid);
}

static void bind_few(void)
{
	bind_at(at("few"), SOCK_STREAM);
	bind_at(at("few-datagrams"), SOCK_DGRAM);
}

static void bind_by_link(void)
{
	bind_at(at("by-link/few"), SOCK_STREAM);
}

/* What could not be done is never taken for nothing to do. */
static void test_failures(void)
{
	static const char *const names[] = {"few", "few-datagrams", NULL};
	pid_t pid = serve(0, bind_few), linked;
	const char *said;

	ok(pid > 0, "two listen");
	failing.nr = SYS_move_mount;
	failing.first = -1;
	failing.code = EPERM;
	failing.inside = true;
	said = say(names, true, false);
	ok(strstr(said, "cannot cover"), "L51 a socket that cannot be covered ends the launch: %s",
	   said);
	linked = serve(0, bind_by_link);
	failing.nr = SYS_readlink;
	failing.code = EACCES;
	said = say_one("by-link/few", true, false);
	ok(strstr(said, "cannot"), "L51 so does a directory whose name cannot be learnt: %s", said);
	end(linked);
	failing.nr = SYS_socket;
	failing.first = AF_NETLINK;
	failing.code = EPROTONOSUPPORT;
	failing.inside = false;
	is_str(say(names, true, false), "dead dead ",
	       "L33 without sock_diag they are found by /proc/net/unix");
	failing.nr = 0;
	end(pid);
}

static void bind_in_dir(void)
{
	bind_at(at("swap/s"), SOCK_STREAM);
}

/* A server that begins anew while it is covered. */
static void test_replaced(void)
{
	const char *said;

	before = bind_in_dir;
	mkdir(at("swap"), 0700);
	swaps = 1;
	is_str(say_one("swap/s", true, false), "dead ",
	       "L32 L33 a listener that came in the place of the one that was covered: dead, too");
	unlink(at("swap/s"));
	swaps = 1000;
	said = say_one("swap/s", true, false);
	ok(strstr(said, "faster than it can be covered"),
	   "L51 one that is replaced for ever ends the launch: %s", said);
	swaps = 0;
	before = NULL;
}

static void bind_in_overlay(void)
{
	char options[512];

	if (enter() < 0 || mkdir("/run/upper", 0700) < 0 || mkdir("/run/work", 0700) < 0)
		_exit(SKIPPED);
	str_fmt(options, sizeof(options),
		"userxattr,lowerdir=%s,upperdir=/run/upper,workdir=/run/work", at("real"));
	if (mount("t", at("over"), "overlay", 0, options) < 0)
		_exit(SKIPPED);
	bind_renamed("over/s.tmp", "over/s");
}

/* There the kernel's own number of a file may be another than the one that a directory shows. */
static void test_overlay(void)
{
	const char *said;

	mkdir(at("over"), 0700);
	before = bind_in_overlay;
	said = say_one("over/s", true, false);
	ok(!*said || !strcmp(said, "dead "), "L32 L33 a renamed listener on an overlay: %s", said);
	before = NULL;
}

static void test_others(void)
{
	pid_t pid = serve(CLONE_NEWUSER | CLONE_NEWNET, bind_elsewhere);
	struct session held = SESSION_INIT;
	struct err e = ERR_INIT;

	if (pid < 0)
		return;
	is_str(ask("elsewhere"), "open",
	       "control: a listener of another network is reached by path");
	is_str(say_one("elsewhere", true, true), "open ",
	       "the open row: nothing says that there is such a network");
	mkdir(at("r/libpod"), 0700);
	is_str(say_one("elsewhere", true, true), "dead ",
	       "L33 with the traces of the user's own containers: dead");
	is_str(say_one("elsewhere-renamed", true, true), "dead ", "L33 also under another name");
	is_str(say_one("elsewhere", true, false), "open ", "but the same VPN's stay");
	rmdir(at("r/libpod"));
	mkdir(at("r/vpnrun"), 0700);
	mkdir(at("r/vpnrun/other"), 0700);
	put_file("r/vpnrun/other/used", "");
	is_str(say_one("elsewhere", true, true), "dead ", "L33 with another VPN's note of its use");
	ok(access(at("r/vpnrun/other/used"), F_OK) == 0, "which stays while somebody is there");
	is_str(say_one("elsewhere", false, true), "dead ",
	       "L33 without a runtime directory, where no note can be left");
	end(pid);
	held.dir = open(at("r/vpnrun/other"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_int(others_note_use(&held, &e), 0, "L33 one whose sandbox has no listener yet");
	say_one("elsewhere", true, false);
	ok(access(at("r/vpnrun/other/used"), F_OK) == 0, "L33 keeps its note");
	session_close(&held);
	say_one("elsewhere", true, false);
	ok(access(at("r/vpnrun/other/used"), F_OK) < 0, "and it goes when nobody is there");
	put_file("r/vpnrun/demo-used", "");
}

/* Whether it waits for a lock. */
static bool is_blocked(pid_t pid)
{
	AUTO_FREE char *text = NULL;
	char who[32];

	str_fmt(who, sizeof(who), " %d ", pid);
	if (file_read("/proc/locks", 1 << 20, &text, NULL, NULL) < 0)
		return false;
	for (const char *line = text; (line = strstr(line, "-> FLOCK")); line++) {
		const char *nl = strchr(line, '\n');

		if (memmem(line, nl ? (size_t)(nl - line) : strlen(line), who, strlen(who)))
			return true;
	}
	return false;
}

/* The note is held from before it is looked for: a launch that waits for its lock finds it gone. */
static void test_note(void)
{
	struct session s = SESSION_INIT;
	struct err e = ERR_INIT;
	struct stat st = {.st_nlink = 0};
	int fd, status = 0;
	pid_t pid;

	mkdir(at("r/vpnrun/demo"), 0700);
	s.dir = open(at("r/vpnrun/demo"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s.has_runtime = true;
	fd = open(at("r/vpnrun/demo/used"), O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (s.dir < 0 || fd < 0 || flock(fd, LOCK_EX) < 0) {
		ok(false, "cannot hold the note");
		return;
	}
	pid = fork();
	if (pid == 0) {
		/* The lock ends with the descriptor of the parent, which goes once this waits. */
		close(fd);
		_exit(others_note_use(&s, &e) == 0 && fstat(s.used, &st) == 0 && st.st_nlink == 1
			      ? 0
			      : 1);
	}
	for (int i = 0; i < 500 && !is_blocked(pid); i++)
		usleep(10000);
	ok(is_blocked(pid), "L33 who finds a note that is just looked at waits");
	unlink(at("r/vpnrun/demo/used"));
	close(fd);
	waitpid(pid, &status, 0);
	is_int(status, 0, "L33 a note that was removed while one waited is made anew");
	session_close(&s);
}

/* Wine's server binds a relative name, and goes away from there. */
static void bind_wine(void)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/.wine-%u", geteuid());
	mkdir(dir, 0700);
	strncat(dir, "/server-test", sizeof(dir) - strlen(dir) - 1);
	mkdir(dir, 0700);
	if (chdir(dir) < 0 || symlink(dir, at("wine")) < 0)
		_exit(1);
	unlink("socket");
	bind_at("socket", SOCK_STREAM);
	if (chdir("/") < 0)
		_exit(1);
}

static void test_wine(void)
{
	char path[64];
	pid_t pid = serve(0, bind_wine);

	if (pid < 0)
		return;
	is_str(ask("wine/socket"), "open", "control: a wineserver's socket");
	is_str(say_one("wine/socket", true, false), "dead ",
	       "L34 where Wine has its sockets, they are found without anybody who is there");
	end(pid);
	snprintf(path, sizeof(path), "/tmp/.wine-%u/server-test/socket", geteuid());
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

/* --- ssh's configuration ------------------------------------------------------------------------
 */

/* What ~/.ssh/config begins with in a sandbox, "error": the launch is refused, "kept": it can be
 * written. */
static const char *config_inside(void)
{
	static char text[128];
	struct session s = SESSION_INIT;
	struct err e = ERR_INIT;
	int p[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(p) < 0)
		return "";
	str_copy(s.runtime, sizeof(s.runtime), at("r"));
	pid = fork();
	if (pid == 0) {
		int fd;

		alarm(20); /* what hangs is a failure, too */
		if (enter() < 0)
			_exit(SKIPPED);
		if (session_ssh_cover(&s, top, &e) < 0) {
			dprintf(p[1], "error");
			_exit(0);
		}
		fd = open(at(".ssh/config"), O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0)
			dprintf(p[1], "kept ");
		util_close(&fd);
		fd = open(at(".ssh/config"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		n = read(fd, text, 24);
		dprintf(p[1], "%.*s", n > 0 ? (int)strcspn(text, " ") : 0, text);
		_exit(0);
	}
	close(p[1]);
	n = read(p[0], text, sizeof(text) - 1);
	/* Both parts of what it says. */
	if (n > 0 && n < (ssize_t)sizeof(text) - 1) {
		ssize_t more = read(p[0], text + n, sizeof(text) - 1 - (size_t)n);

		n += more > 0 ? more : 0;
	}
	text[n > 0 ? n : 0] = '\0';
	close(p[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? text : "it hangs";
}

static void test_ssh(void)
{
	static char big[(4 << 20) + 2];

	mkdir(at(".ssh"), 0700);
	is_str(config_inside(), "", "no configuration: none");
	put_file(".ssh/config", "Port 22\n");
	is_str(config_inside(), "kept Port", "one that shares nothing is left alone");
	put_file(".ssh/config", "Host x\ncontrolmaster auto\nControlPath ~/cm\n");
	is_str(config_inside(), "ControlPath",
	       "L32 one that shares connections gets a place of the sandbox's, and cannot be written");
	put_file(".ssh/config", "include conf.d/*\n");
	is_str(config_inside(), "ControlPath", "L32 so does one whose included files may");
	memset(big, '#', sizeof(big) - 1);
	put_file(".ssh/config", big);
	is_str(config_inside(), "error", "L32 one that is too long to be read: refused");
	unlink(at(".ssh/config"));
	mkfifo(at(".ssh/config"), 0600);
	ok(strcmp(config_inside(), "it hangs") != 0, "a pipe in its place: nobody waits for it");
}

/* In a process of its own, as an ordinary user. */
static int all(void)
{
	if (!mkdtemp(top))
		return 1;
	mkdir(at("ok"), 0700);
	mkdir(at("r"), 0700);
	mkdir(at("rel"), 0700);
	mkdir(at("real"), 0700);
	mkdir(at("real2"), 0700);
	if (symlink("real", at("by-link")) < 0 || symlink("ok", at("ok-link")) < 0 ||
	    symlink("../real2", at("ok/out")) < 0)
		return 1;
	test_names();
	test_failures();
	test_replaced();
	test_overlay();
	test_others();
	test_note();
	test_wine();
	test_ssh();
	if (fork() == 0)
		execl("/bin/rm", "rm", "-r", top, NULL);
	wait(NULL);
	return 0;
}

int main(void)
{
	pid_t pid;
	int status = 0;

	tap_begin();
	if (geteuid() == 0 &&
	    (setresgid(12345, 12345, 12345) < 0 || setresuid(12345, 12345, 12345) < 0))
		return 1;
	/* A change of user takes that away, and with it the own entries of /proc. */
	prctl(PR_SET_DUMPABLE, 1);
	pid = fork();
	if (pid == 0)
		_exit(enter() < 0);
	waitpid(pid, &status, 0);
	if (status != 0) {
		printf("1..0 # SKIP no user namespaces\n");
		return 0;
	}
	if (all() != 0)
		return 1;
	return tap_done();
}
