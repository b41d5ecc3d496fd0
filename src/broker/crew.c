/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forks the children that serve connections and keeps their table: how many of whom, since when,
 * and how they ended. What is over its deadline in spite of SIGALRM hangs in the kernel (the close
 * of a FUSE file cannot be interrupted); it counts for its own user's share from then on, and no
 * more for what all have in common. Must not wait for any child. Called by broker/server.c.
 */
#include "broker/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "broker/session.h"

#define SERVING_MAX	 64 /* at once, of all users */
#define WAITING_MAX	 32 /* of these, with nothing sent to them yet */
#define WAITING_PER_USER 8
#define REFUSING_MAX	 16 /* beside the others */

size_t crew_count_user(const struct crew *c, uid_t owner)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->children[i].peer.owner == owner && c->children[i].kind != CREW_REFUSES;
	return n;
}

bool crew_has_room(const struct crew *c, enum crew_kind kind, uid_t owner)
{
	size_t serving = 0, waiting = 0, refusing = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct crew_child *k = &c->children[i];

		if (k->stuck)
			continue;
		refusing += k->kind == CREW_REFUSES;
		serving += k->kind != CREW_REFUSES;
		waiting += k->kind == CREW_WAITS;
	}
	if (c->n == CREW_SIZE)
		return false;
	switch (kind) {
	case CREW_SERVES:
		return serving < SERVING_MAX && crew_count_user(c, owner) < CREW_PER_USER;
	case CREW_WAITS:
		return serving < SERVING_MAX && waiting < WAITING_MAX &&
		       crew_count_user(c, owner) < WAITING_PER_USER;
	case CREW_REFUSES:
		return refusing < REFUSING_MAX;
	}
	return false;
}

static void child_enter(int *fd)
{
	sigset_t none;

	/* Other clients' connections, the listening socket: none of them is this child's. */
	if (*fd != 3 && dup3(*fd, 3, O_CLOEXEC) < 0)
		_exit(1);
	*fd = 3;
	if (close_range(4, ~0u, 0) < 0)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int crew_start(struct crew *c, enum crew_kind kind, int fd, const struct peer *peer, int code,
	       const char *sentence)
{
	struct crew_child k = {
		.kind = kind,
		.peer = *peer,
		.end_ms = util_now_ms() + (SESSION_SERVE_S + 1) * 1000,
	};

	if (!crew_has_room(c, kind, peer->owner))
		return -EAGAIN;
	if (kind == CREW_WAITS)
		k.end_ms += SESSION_IDLE_S * 1000;
	k.pid = fork();
	if (k.pid < 0)
		return -EAGAIN;
	if (k.pid == 0) {
		child_enter(&fd);
		if (kind == CREW_REFUSES)
			session_refuse(fd, &k.peer, code, sentence);
		else
			session_serve(fd, &k.peer, c->hints);
		_exit(0);
	}
	/* Not the last to hold it: the child does, until it has thrown away what is in there. */
	close(fd);
	c->children[c->n++] = k;
	return 0;
}

static void log_end(const struct crew_child *k, int status)
{
	if (!WIFSIGNALED(status))
		return;
	if (WTERMSIG(status) == SIGALRM)
		log_info("dropped uid=%u pid=%d: not done in time", k->peer.uid, k->peer.pid);
	else
		log_error("the process that served uid=%u pid=%d was killed by signal %d%s",
			  k->peer.uid, k->peer.pid, WTERMSIG(status),
			  WTERMSIG(status) == SIGSYS ? ": a system call that the broker never makes"
						     : "");
}

void crew_reap(struct crew *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < c->n; i++) {
			if (c->children[i].pid != pid)
				continue;
			log_end(&c->children[i], status);
			c->children[i] = c->children[--c->n];
			break;
		}
	}
}

void crew_check(struct crew *c, int64_t now_ms)
{
	for (size_t i = 0; i < c->n; i++) {
		struct crew_child *k = &c->children[i];

		if (k->stuck || now_ms < k->end_ms)
			continue;
		k->stuck = true;
		log_error("process %d, which served uid=%u pid=%d, cannot end: the kernel is still "
			  "closing what it was sent",
			  k->pid, k->peer.uid, k->peer.pid);
	}
}
