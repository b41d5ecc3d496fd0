/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bus/use.c: how long a session is used. Programs are children of this one, in networks of their
 * own where the machine lets an ordinary user have one.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "bus/loop.h"
#include "bus/use.h"
#include "ipc/use.h"

#define MANY 24

static char dir[] = "/tmp/test_use.XXXXXX";
static int dir_fd, listener;

static int connect_control(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	str_fmt(sa.sun_path, sizeof(sa.sun_path), "%s/" USE_CONTROL, dir);
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void send_use(int conn, uint64_t netns, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct use_message m = {.magic = USE_MAGIC, .netns = netns};
	struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	sendmsg(conn, &msg, MSG_NOSIGNAL);
}

/* As the helper's loop does; true once the use is n. */
static bool comes_to(size_t n)
{
	for (int i = 0; i < 200; i++) {
		use_again();
		if (use_count() == n)
			return true;
		bus_loop_turn(10);
	}
	return false;
}

static void begin(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct err e = ERR_INIT;

	if (!mkdtemp(dir))
		exit(1);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	str_fmt(sa.sun_path, sizeof(sa.sun_path), "%s/" USE_CONTROL, dir);
	if (bind(listener, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(listener, 1024) < 0)
		exit(1);
	is_int(use_begin(listener, &e), 0, "it listens for launches");
	is_int((long long)use_count(), 0, "nobody is there");
}

/* --- a program, and what it leaves behind ----------------------------------------------------- */

struct child {
	pid_t pid, left; /* 0: none */
	ino_t netns;
	int pidfd;
};

static void live(int report, bool leaves) __attribute__((noreturn));
static void live(int report, bool leaves)
{
	pid_t left = 0;
	char c = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? 'n' : 'y';

	if (leaves && (left = fork()) == 0)
		for (;;)
			pause();
	if (write(report, &c, 1) != 1 || write(report, &left, sizeof(left)) != sizeof(left))
		_exit(1);
	for (;;)
		pause();
}

static bool start(struct child *c, bool leaves)
{
	char path[64], answer = 'n';
	struct stat st = {0};
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		return false;
	c->pid = fork();
	if (c->pid == 0)
		live(report[1], leaves);
	if (read(report[0], &answer, 1) != 1 ||
	    read(report[0], &c->left, sizeof(c->left)) != sizeof(c->left))
		answer = 'n';
	close(report[0]);
	close(report[1]);
	str_fmt(path, sizeof(path), "/proc/%d/ns/net", c->pid);
	stat(path, &st);
	c->netns = st.st_ino;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return answer == 'y';
}

static void end(struct child *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	util_close(&c->pidfd);
}

/* The launch says who it is and where it will be, and becomes its command: its connection ends. */
static void launch(const struct child *c)
{
	int conn = connect_control();

	send_use(conn, 0, c->pidfd);
	send_use(conn, c->netns, -1);
	close(conn);
}

static void test_left(void)
{
	struct child one = {.pidfd = -1}, two = {.pidfd = -1};
	bool can = start(&one, true) && start(&two, false);

	if (!can)
		printf("ok %d - # SKIP no user namespaces\n", ++tap_count);
	if (can) {
		launch(&one);
		launch(&two);
		ok(comes_to(2), "two programs use the session");
		end(&one);
		ok(comes_to(1),
		   "one has ended: while the other uses it, nobody looks what it left");
		end(&two);
		for (int i = 0; i < 10; i++)
			bus_loop_turn(10);
		is_int((long long)use_count(), 1,
		       "the other has, too: what the first left in its network counts in its place");
		kill(one.left, SIGKILL);
		ok(comes_to(0), "when that has ended, nobody uses it");
	} else if (one.left)
		kill(one.left, SIGKILL);
	end(&one);
	end(&two);
}

/* More than there is room for: each leaves its place to the next. */
static void test_room(void)
{
	struct child stays = {.pidfd = -1}, last = {.pidfd = -1};
	size_t n = 0;

	start(&stays, false);
	launch(&stays);
	ok(comes_to(1), "a program that stays");
	for (size_t i = 0; i < USE_PROGRAMS_MAX + 16; i++) {
		struct child c = {.pid = fork(), .netns = 1, .pidfd = -1};

		if (c.pid == 0)
			_exit(0);
		c.pidfd = (int)syscall(SYS_pidfd_open, c.pid, 0);
		launch(&c);
		end(&c);
		bus_loop_turn(0);
		bus_loop_turn(0);
		n += use_count() >= 1;
	}
	is_int((long long)n, USE_PROGRAMS_MAX + 16, "while it does, the session is used");
	ok(comes_to(1), "thousands that came and went have left no trace");
	start(&last, false);
	launch(&last);
	ok(comes_to(2), "and the next has its place");
	end(&last);
	end(&stays);
	ok(comes_to(0), "and it is not used any more when it ends");
}

/* --- what is no launch -------------------------------------------------------------------------
 */

static void test_nonsense(void)
{
	struct use_message m = {.magic = 5};
	int conn = connect_control(), other = connect_control();

	if (send(conn, &m, sizeof(m), 0) < 0 || send(other, "x", 1, 0) < 0)
		ok(false, "cannot send");
	ok(comes_to(0), "who speaks another language is let go");
	close(conn);
	close(other);
}

/* --- no descriptors ----------------------------------------------------------------------------
 */

static int open_fds(void)
{
	return tap_open_fds() - 1;
}

static void test_descriptors(void)
{
	struct rlimit before, few;
	int conns[MANY], late;

	for (int i = 0; i < MANY; i++)
		conns[i] = connect_control();
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = (rlim_t)open_fds() + MANY / 2;
	setrlimit(RLIMIT_NOFILE, &few);
	bus_loop_turn(0);
	ok(use_count() > 0 && use_count() < MANY, "no descriptors: some wait in the queue");
	ok(use_again() > 0, "the listener is left alone for a moment, and the loop does not spin");
	is_int(bus_loop_turn(0), 0, "the loop goes on");
	setrlimit(RLIMIT_NOFILE, &before);
	is_int(use_again(), -1, "with descriptors it listens again");
	is_int((long long)use_count(), MANY, "and has lost none");
	late = connect_control();
	ok(comes_to(MANY + 1), "and hears the next");
	close(late);
	for (int i = 0; i < MANY; i++)
		close(conns[i]);
	ok(comes_to(0), "all have gone");
}

static void test_end(void)
{
	int conn = connect_control(), gone;

	ok(!use_end(dir_fd), "a launch that comes meanwhile keeps the session");
	close(conn);
	ok(comes_to(0), "it has gone");
	gone = connect_control();
	conn = connect_control();
	close(gone);
	ok(!use_end(dir_fd), "so does one behind another that has given up");
	close(conn);
	ok(comes_to(0), "it has gone, too");
	ok(use_end(dir_fd), "nobody comes: the session ends");
	conn = connect_control();
	is_int(conn, -1, "and nobody can come any more");
}

int main(void)
{
	tap_begin();
	signal(SIGPIPE, SIG_IGN);
	begin();
	test_left();
	test_room();
	test_nonsense();
	test_descriptors();
	test_end();
	close(listener);
	close(dir_fd);
	rmdir(dir);
	return tap_done();
}
