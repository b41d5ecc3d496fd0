/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box/landlock.c: what is asked of the kernel for each ABI, the system calls' answers faked; and on
 * the kernel that is there, what it forbids and what goes on.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/landlock.h"

#define SCOPES	     3ULL
#define REFER	     (1ULL << 13)
#define RESOLVE_UNIX (1ULL << 16)

/* --- a kernel of any age ---------------------------------------------------------------------- */

static struct {
	int abi, create, allow, restrict_self; /* the answers */
	struct box_landlock_ruleset set;       /* what was asked */
	size_t size;
	int n_created, n_allowed, n_restricted;
	uint64_t allowed[8];
} fake;

static int fake_abi(void)
{
	return fake.abi;
}

static int fake_create(const struct box_landlock_ruleset *set, size_t size)
{
	fake.set = *set;
	fake.size = size;
	fake.n_created++;
	return fake.create < 0 ? fake.create : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int fake_allow(int ruleset, const struct box_landlock_path *path)
{
	if (ruleset < 0 || path->parent_fd < 0 || fcntl(path->parent_fd, F_GETFD) < 0)
		return -EBADF;
	fake.allowed[fake.n_allowed++] = path->allowed;
	return fake.allow;
}

static int fake_restrict(int ruleset)
{
	fake.n_restricted++;
	return ruleset < 0 ? -EBADF : fake.restrict_self;
}

static const struct box_landlock_sys faked = {fake_abi, fake_create, fake_allow, fake_restrict};
static const char *const paths[] = {"/tmp", "/nonexistent/socket", "/dev"};

static int try_abi(int abi, bool sockets, struct err *e)
{
	memset(&fake, 0, sizeof(fake));
	fake.abi = abi;
	return box_landlock_enter_by(&faked, sockets, paths, 3, e);
}

static void test_abis(void)
{
	struct err e = ERR_INIT;

	for (int abi = 1; abi <= 12; abi++) {
		for (int sockets = 0; sockets < 2; sockets++) {
			int want = abi < 6		   ? BOX_LANDLOCK_NONE
				   : (sockets && abi >= 9) ? BOX_LANDLOCK_SOCKETS
							   : BOX_LANDLOCK_SCOPES;
			int got = try_abi(abi, sockets, &e);
			bool fs = want == BOX_LANDLOCK_SOCKETS;
			bool good = got == want &&
				    fake.n_restricted == (want != BOX_LANDLOCK_NONE) &&
				    fake.n_created == fake.n_restricted &&
				    fake.set.scoped == (want ? SCOPES : 0) &&
				    fake.set.fs == (fs ? RESOLVE_UNIX | REFER : 0) &&
				    fake.set.net == 0 && fake.n_allowed == (fs ? 3 : 0);

			ok(good, "L45 ABI %d%s: %s", abi, sockets ? ", sockets" : "",
			   want == BOX_LANDLOCK_NONE ? "nothing is asked"
			   : fs			     ? "scopes, and sockets with a path"
						     : "scopes alone");
		}
	}
	try_abi(9, true, &e);
	ok(fake.allowed[0] == REFER && fake.allowed[1] == RESOLVE_UNIX &&
		   fake.allowed[2] == RESOLVE_UNIX,
	   "ABI 9: renames stay allowed everywhere, sockets where they are named");
	is_int((long long)fake.size, 24, "the structure has the size that ABI 6 gave it");
}

static void test_refusals(void)
{
	static const int absent[] = {-ENOSYS, -EOPNOTSUPP, -EPERM};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 3; i++)
		is_int(try_abi(absent[i], true, &e), BOX_LANDLOCK_NONE, "no Landlock: none");
	is_int(try_abi(-ENOMEM, true, &e), -ENOMEM,
	       "L45 an answer that does not say that it is not there ends the launch");
	memset(&fake, 0, sizeof(fake));
	fake.abi = 9;
	fake.create = -EINVAL;
	ok(box_landlock_enter_by(&faked, true, paths, 3, &e) == -EINVAL && strstr(e.msg, "ABI 9"),
	   "a refused ruleset ends the launch: %s", e.msg);
	fake.create = 0;
	fake.allow = -EBADFD;
	ok(box_landlock_enter_by(&faked, true, paths, 3, &e) == -EBADFD && !fake.n_restricted,
	   "so does a refused rule: %s", e.msg);
	fake.allow = 0;
	fake.restrict_self = -E2BIG;
	ok(box_landlock_enter_by(&faked, false, NULL, 0, &e) == -E2BIG,
	   "and a refused restriction: %s", e.msg);
}

/* --- this kernel ------------------------------------------------------------------------------ */

static int listen_at(const char *name, socklen_t len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, name, len);
	if (bind(s, (struct sockaddr *)&a,
		 (socklen_t)offsetof(struct sockaddr_un, sun_path) + len) ||
	    listen(s, 5))
		printf("# cannot listen: %s\n", strerror(errno));
	return s;
}

static int knock(const char *name, socklen_t len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	memcpy(a.sun_path, name, len);
	r = connect(s, (struct sockaddr *)&a,
		    (socklen_t)offsetof(struct sockaddr_un, sun_path) + len);
	r = r < 0 ? errno : 0;
	close(s);
	return r;
}

struct seen {
	int shut, signal_parent, signal_child, abstract, path, renamed;
};

/* In a process of its own: a ruleset is for life. */
static void look(struct seen *s, const char *dir)
{
	const char *const none[] = {NULL};
	struct err e = ERR_INIT;
	char name[64], a[64], b[64];
	pid_t child;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	s->shut = box_landlock_enter(true, none, 0, &e);
	s->signal_parent = kill(getppid(), 0) < 0 ? errno : 0;
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	s->signal_child = kill(child, SIGKILL) < 0 ? errno : 0;
	waitpid(child, NULL, 0);
	s->abstract = knock("\0vpnrun-test-landlock", 21);
	snprintf(name, sizeof(name), "%s/socket", dir);
	s->path = knock(name, (socklen_t)strlen(name) + 1);
	snprintf(a, sizeof(a), "%s/a/file", dir);
	snprintf(b, sizeof(b), "%s/b/file", dir);
	s->renamed = rename(a, b) < 0 ? errno : 0;
}

static struct seen look_from_a_child(const char *dir)
{
	struct seen s = {0};
	int p[2];
	pid_t pid;

	if (pipe(p) < 0)
		return s;
	pid = fork();
	if (pid == 0) {
		look(&s, dir);
		_exit(write(p[1], &s, sizeof(s)) == sizeof(s) ? 0 : 1);
	}
	close(p[1]);
	if (read(p[0], &s, sizeof(s)) != sizeof(s))
		printf("# the child said nothing\n");
	close(p[0]);
	waitpid(pid, NULL, 0);
	return s;
}

static void test_here(void)
{
	char dir[] = "/tmp/test_landlock.XXXXXX", cmd[128], name[64];
	struct seen s;
	int abstract, path;

	if (!mkdtemp(dir))
		return;
	snprintf(cmd, sizeof(cmd), "%s/a", dir);
	if (mkdir(cmd, 0700) < 0)
		printf("# mkdir: %s\n", strerror(errno));
	snprintf(cmd, sizeof(cmd), "%s/b", dir);
	if (mkdir(cmd, 0700) < 0)
		printf("# mkdir: %s\n", strerror(errno));
	snprintf(cmd, sizeof(cmd), "%s/a/file", dir);
	close(open(cmd, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	snprintf(name, sizeof(name), "%s/socket", dir);
	path = listen_at(name, (socklen_t)strlen(name) + 1);
	abstract = listen_at("\0vpnrun-test-landlock", 21);
	is_int(knock("\0vpnrun-test-landlock", 21), 0, "control: the abstract socket answers");
	s = look_from_a_child(dir);
	if (s.shut == BOX_LANDLOCK_NONE) {
		printf("ok %d # SKIP this kernel's Landlock has no scopes\n", ++tap_count);
	} else {
		ok(s.shut > 0, "this kernel takes the ruleset");
		is_int(s.signal_parent, EPERM, "L45 no signal to a process outside");
		is_int(s.abstract, EPERM, "L45 no abstract socket of one outside");
		is_int(s.path, s.shut == BOX_LANDLOCK_SOCKETS ? EACCES : 0,
		       "a socket with a path: refused where the kernel knows how");
	}
	is_int(s.signal_child, 0, "its own child can be signalled");
	is_int(s.renamed, 0, "a file can be moved to another directory");
	close(path);
	close(abstract);
	unlink(name);
	snprintf(cmd, sizeof(cmd), "%s/b/file", dir);
	unlink(cmd);
	snprintf(cmd, sizeof(cmd), "%s/a", dir);
	rmdir(cmd);
	snprintf(cmd, sizeof(cmd), "%s/b", dir);
	rmdir(cmd);
	rmdir(dir);
}

int main(void)
{
	tap_begin();
	test_abis();
	test_refusals();
	test_here();
	return tap_done();
}
