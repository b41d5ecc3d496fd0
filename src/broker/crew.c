/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the table of workers: how many serve whom, since when, and how they ended. What is over its
 * deadline in spite of SIGALRM hangs in the kernel (the close of a FUSE file cannot be
 * interrupted); it counts for its own user's share from then on, and no more for what all have in
 * common. Must not wait for any worker. Called by broker/server.c.
 */
#include "broker/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "broker/session.h"
#include "broker/worker.h"

#define SERVING_MAX	 64 /* at once, of all users */
#define WAITING_MAX	 32 /* of these, with nothing sent to them yet */
#define WAITING_PER_USER 8
#define REFUSING_MAX	 16 /* beside the others */
#define IDLE_MAX	 8  /* are kept for who comes next */

size_t crew_count_user(const struct crew *c, uid_t owner)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->children[i].busy && c->children[i].peer.owner == owner &&
		     c->children[i].kind != CREW_REFUSES;
	return n;
}

size_t crew_count_busy(const struct crew *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->children[i].busy;
	return n;
}

bool crew_has_room(const struct crew *c, enum crew_kind kind, uid_t owner)
{
	size_t serving = 0, waiting = 0, refusing = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct crew_child *k = &c->children[i];

		if (k->stuck || !k->busy)
			continue;
		refusing += k->kind == CREW_REFUSES;
		serving += k->kind != CREW_REFUSES;
		waiting += k->kind == CREW_WAITS;
	}
	if (crew_count_busy(c) == CREW_SIZE)
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

/* One that is idle, the last that was: its memory is still in the processor's. NULL: none. */
static struct crew_child *find_idle(struct crew *c)
{
	for (size_t i = c->n; i-- > 0;)
		if (!c->children[i].busy && c->children[i].channel >= 0)
			return &c->children[i];
	return NULL;
}

static struct crew_child *add_child(struct crew *c)
{
	struct crew_child k = {.channel = -1};

	if (c->n == CREW_SIZE)
		return NULL;
	k.channel = worker_start(c->plugger_fd, &k.pid, NULL);
	if (k.channel < 0)
		return NULL;
	c->children[c->n] = k;
	return &c->children[c->n++];
}

static int hand_on(struct crew *c, const struct worker_task *w, int fd, struct crew_child **ret)
{
	struct crew_child *k;

	while ((k = find_idle(c))) {
		if (worker_give(k->channel, w, fd) == 0) {
			*ret = k;
			return 0;
		}
		util_close(&k->channel); /* it was killed, and is collected later */
	}
	*ret = add_child(c);
	return *ret ? worker_give((*ret)->channel, w, fd) : -EAGAIN;
}

int crew_start(struct crew *c, enum crew_kind kind, int fd, const struct peer *peer, int code,
	       const char *sentence)
{
	struct worker_task w = {.peer = *peer, .alone = crew_count_busy(c) == 0, .code = code};
	struct crew_child *k;

	if (!crew_has_room(c, kind, peer->owner))
		return -EAGAIN;
	if (sentence)
		snprintf(w.sentence, sizeof(w.sentence), "%s", sentence);
	if (hand_on(c, &w, fd, &k) < 0)
		return -EAGAIN;
	k->busy = true;
	k->stuck = false;
	k->kind = kind;
	k->peer = *peer;
	k->end_ms = util_now_ms() + (SESSION_SERVE_S + SESSION_PLUG_S + 1) * 1000 +
		    (kind == CREW_WAITS ? SESSION_IDLE_S * 1000 : 0);
	return 0;
}

static size_t count_idle(const struct crew *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += !c->children[i].busy && c->children[i].channel >= 0;
	return n;
}

void crew_hear(struct crew *c, size_t i)
{
	struct crew_child *k = &c->children[i];
	char byte;

	/* At its end it is busy still, with what it was sent, until it is collected. */
	if (recv(k->channel, &byte, 1, MSG_DONTWAIT) != 1) {
		util_close(&k->channel);
		return;
	}
	k->busy = false;
	if (count_idle(c) > IDLE_MAX)
		util_close(&k->channel);
}

static void log_end(const struct crew_child *k, int status)
{
	if (!WIFSIGNALED(status))
		return;
	if (!k->busy)
		log_error("an idle process of the broker's was killed by signal %d",
			  WTERMSIG(status));
	else if (WTERMSIG(status) == SIGALRM)
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
			util_close(&c->children[i].channel);
			c->children[i] = c->children[--c->n];
			break;
		}
	}
}

void crew_check(struct crew *c, int64_t now_ms)
{
	for (size_t i = 0; i < c->n; i++) {
		struct crew_child *k = &c->children[i];

		if (!k->busy || k->stuck || now_ms < k->end_ms)
			continue;
		k->stuck = true;
		log_error("process %d, which served uid=%u pid=%d, cannot end: the kernel is still "
			  "closing what it was sent",
			  k->pid, k->peer.uid, k->peer.pid);
	}
}
