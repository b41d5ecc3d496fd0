/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one process of ours that stays beside a command or a container. It is forked twice, so that
 * the command is never told of its end; it is told of the command's by a pidfd that was opened
 * before there was a command, so that no number can come to mean somebody else. It holds sockets of
 * two networks: nobody may look into it, so it is confined before the launch goes on. Must hold
 * nothing of the caller's: no terminal, no pipe, no directory.
 *
 * publish: sockets that listen are the host's, made before the network changes; the relay lives
 * inside and connects there. reach: the relay is left behind in the host's network, and is handed
 * the sockets that listen inside. Must cost nothing where neither is asked for. Called by the
 * launcher and by what engines call for containers.
 */
#include "relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "box/caps.h"
#include "box/seccomp.h"
#include "relay_filter.h"

static bool has_caps(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	return syscall(SYS_capget, &head, data) < 0 || data[0].permitted || data[1].permitted;
}

int relay_confine(struct err *e)
{
	int r = 0;

	/* This comes before the capabilities go: until then it is they that keep others out. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot make the relay not dumpable");
	/* An ordinary user's process in the host's network has none, and may not lower bounds. */
	if (has_caps())
		r = box_caps_limit(0, e);
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, -errno, "cannot set no_new_privs");
	return box_seccomp_load_program(relay_filter, ARRAY_SIZE(relay_filter), e);
}

/* --- listeners over the channel -------------------------------------------------------------- */

union fds_control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int) * RELAY_LISTENERS_MAX)];
};

static int hand(int channel, const struct relay_ports *p, struct err *e)
{
	union fds_control control = {.room = {0}};
	struct relay_ports copy = *p;
	struct iovec iov = {.iov_base = &copy, .iov_len = sizeof(copy)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
	struct err answer;
	int fds[RELAY_LISTENERS_MAX];

	for (size_t i = 0; i < p->n; i++)
		fds[i] = p->at[i].fd;
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * p->n);
	memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * p->n);
	msg.msg_controllen = control.head.cmsg_len;
	if (sendmsg(channel, &msg, MSG_NOSIGNAL) < 0)
		return err_sys(e, -errno, "cannot hand the ports to the relay");
	if (recv(channel, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
		return err_set(e, -EPIPE, "the relay of the ports ended before it began");
	if (answer.code && e)
		*e = answer;
	return answer.code;
}

static int receive_ports(int channel, struct relay_ports *ret)
{
	union fds_control control;
	struct iovec iov = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fds[RELAY_LISTENERS_MAX];

	if (recvmsg(channel, &msg, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*ret))
		return -EPIPE; /* the launch failed */
	if (!CMSG_FIRSTHDR(&msg) || ret->n > RELAY_LISTENERS_MAX ||
	    control.head.cmsg_len != CMSG_LEN(sizeof(int) * ret->n))
		return -EPROTO;
	memcpy(fds, CMSG_DATA(&control.head), sizeof(int) * ret->n);
	for (size_t i = 0; i < ret->n; i++)
		ret->at[i].fd = fds[i];
	return 0;
}

/* --- the process ----------------------------------------------------------------------------- */

static int close_but(const int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;

	for (;;) {
		unsigned int next = ~0u;

		for (size_t i = 0; i < n; i++)
			if ((unsigned int)keep[i] >= from && (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next > from &&
		    syscall(SYS_close_range, from, next == ~0u ? next : next - 1, 0) < 0)
			return -errno;
		if (next == ~0u)
			return 0;
		from = next + 1;
	}
}

/* Lets go of all that is the caller's. */
static int let_go(const struct relay *r, int channel, struct err *e)
{
	int keep[1 + RELAY_ENDS_MAX + RELAY_LISTENERS_MAX] = {channel};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), rc;
	size_t n = 1;
	sigset_t none;

	if (null < 0)
		return err_sys(e, -errno, "cannot open /dev/null");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return err_sys(e, -errno, "cannot replace the relay's descriptor %d", fd);
	for (size_t i = 0; i < r->n_ends; i++)
		keep[n++] = r->ends[i].fd;
	for (size_t i = 0; i < r->ports.n; i++)
		keep[n++] = r->ports.at[i].fd;
	rc = close_but(keep, n);
	if (rc < 0)
		return err_sys(e, rc, "cannot close the relay's other descriptors");
	if (setsid() < 0 || chdir("/") < 0)
		return err_sys(e, -errno, "cannot leave the command's session and directory");
	prctl(PR_SET_NAME, "vpnrun-ports");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void be_relay(struct relay *r, int channel) __attribute__((noreturn));
static void be_relay(struct relay *r, int channel)
{
	struct err e = ERR_INIT;
	int rc = let_go(r, channel, &e);

	if (rc == 0 && r->ports.n == 0 && receive_ports(channel, &r->ports) < 0)
		_exit(1);
	rc = rc ?: relay_prepare(r, &e);
	rc = rc ?: relay_confine(&e);
	send(channel, &e, sizeof(e), MSG_NOSIGNAL);
	close(channel);
	rc = rc ?: relay_loop(&e);
	_exit(rc < 0);
}

/* Without the signal that a fork's end is told by: the command may have inherited that blocked, and
 * would find it pending. */
static pid_t fork_quietly(void)
{
	return (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

/* Starts it as a process that is nobody's child; it ends as r->ends say, or with the caller's
 * process, whatever that executes. When this returns 0 it is confined and serves; with no listeners
 * in r they come later, by hand(). *ret_channel is the caller's to close. */
static int start(const struct relay *r, int *ret_channel, struct err *e)
{
	AUTO_CLOSE int ours = -1, theirs = -1, self = -1;
	struct relay copy = *r;
	struct err answer;
	int sv[2];
	pid_t pid;

	if (!r->n_ends) {
		self = (int)syscall(SYS_pidfd_open, getpid(), 0);
		if (self < 0)
			return err_sys(e, -errno, "cannot open a pidfd");
		relay_end_add(&copy, self, NULL);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return err_sys(e, -errno, "cannot make the relay's channel");
	ours = sv[0];
	theirs = sv[1];
	pid = fork_quietly();
	if (pid < 0)
		return err_sys(e, -errno, "cannot start the relay of the ports");
	if (pid == 0) {
		if (fork_quietly() == 0)
			be_relay(&copy, theirs);
		_exit(0);
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	util_close(&theirs);
	if (r->ports.n) {
		if (recv(ours, &answer, sizeof(answer), 0) != (ssize_t)sizeof(answer))
			return err_set(e, -EPIPE, "the relay of the ports ended before it began");
		if (answer.code) {
			if (e)
				*e = answer;
			return answer.code;
		}
	}
	*ret_channel = take_fd(&ours);
	return 0;
}

/* --- both directions of one sandbox ---------------------------------------------------------- */

int relay_sandbox_open(struct relay_sandbox *s, const struct relay_specs *publish,
		       const struct relay_specs *reach, int pidfd, struct err *e)
{
	int r = 0;

	relay_targets_loopback(&s->in);
	if (pidfd >= 0)
		relay_end_add(&s->in, pidfd, NULL);
	if (publish->n)
		r = relay_listen(publish, "the host's", &s->in.ports, e);
	if (r == 0 && reach->n) {
		struct relay out = {.n_ends = 0};

		relay_targets_loopback(&out);
		if (pidfd >= 0)
			relay_end_add(&out, pidfd, NULL);
		r = start(&out, &s->out, e);
	}
	if (r < 0)
		relay_sandbox_close(s);
	return r;
}

static int serve_publish(struct relay_sandbox *s, struct err *e)
{
	AUTO_CLOSE int channel = -1;
	int r = 0;

	for (size_t i = 0; i < s->in.ports.n; i++)
		if (s->in.ports.at[i].is_wide && !s->in.n_own)
			return err_set(e, -EADDRNOTAVAIL,
				       "a client from beyond localhost would look like localhost "
				       "inside, where there is no other address: publish the port "
				       "on localhost");
	r = start(&s->in, &channel, e);
	relay_ports_close(&s->in.ports);
	return r;
}

static int serve_reach(struct relay_sandbox *s, const struct relay_specs *reach, struct err *e)
{
	struct relay_ports inside;
	int r = relay_listen(reach, "the sandbox's", &inside, e);

	if (r < 0)
		return r;
	r = hand(s->out, &inside, e);
	relay_ports_close(&inside);
	return r;
}

int relay_sandbox_serve(struct relay_sandbox *s, const struct relay_specs *reach, struct err *e)
{
	int r = s->in.ports.n ? serve_publish(s, e) : 0;

	return r == 0 && reach->n ? serve_reach(s, reach, e) : r;
}

void relay_sandbox_close(struct relay_sandbox *s)
{
	relay_ports_close(&s->in.ports);
	util_close(&s->out);
}
