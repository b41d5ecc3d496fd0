/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/child: what a child answers, and that one which ends, hangs or is killed is an error with a
 * sentence.
 */
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"

enum what { ANSWER, FAIL, DIE, HANG, HALF };

static int work(void *arg, void *answer, size_t *len, struct err *e)
{
	switch (*(enum what *)arg) {
	case ANSWER:
		memcpy(answer, "six", 3);
		*len = 3;
		return 0;
	case FAIL:
		return err_set(e, -ENODEV, "no such thing");
	case DIE:
		kill(getpid(), SIGKILL);
		return 0;
	case HANG:
		pause();
		return 0;
	case HALF:
		*len = 2;
		return 0;
	}
	return 0;
}

static int call(enum what what, int timeout_ms, char *room, size_t *len, struct err *e)
{
	const struct child_job job = {.fn = work,
				      .arg = &what,
				      .answer = room,
				      .size = 8,
				      .timeout_ms = timeout_ms,
				      .silent = "nobody speaks"};

	return child_call(&job, len, e);
}

static int status(void *arg)
{
	return *(int *)arg;
}

static int is_plain(void *arg)
{
	struct sigaction sa;
	sigset_t blocked;

	(void)arg;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	sigaction(SIGPIPE, NULL, &sa);
	return sa.sa_handler == SIG_DFL && !sigismember(&blocked, SIGUSR1);
}

int main(void)
{
	struct err e = ERR_INIT;
	size_t len = 0;
	char room[8] = "";
	sigset_t usr1;
	int seven = 7, st;

	tap_begin();
	is_int(call(ANSWER, -1, room, &len, &e), 0, "a child answers");
	ok(len == 3 && !memcmp(room, "six", 3), "and its bytes arrive");
	is_int(call(FAIL, -1, room, &len, &e), -ENODEV, "a child fails with its code");
	is_str(e.msg, "no such thing", "and with its sentence");
	is_int(call(DIE, -1, room, &len, &e), -ECHILD, "one that is killed is an error");
	is_str(e.msg, "nobody speaks", "with the caller's sentence");
	is_int(call(HANG, 50, room, &len, &e), -ETIMEDOUT, "one that hangs is ended in time");
	is_int(waitpid(-1, NULL, WNOHANG), -1, "and no child is left behind");
	is_int(call(HALF, -1, room, &len, NULL), 0, "nobody has to want a sentence");
	st = child_reap(child_start(0, status, &seven));
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 7, "a child's status is what its function returns");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	st = child_reap(child_start(CHILD_PLAIN_SIGNALS, is_plain, NULL));
	is_int(WEXITSTATUS(st), 1, "its signals are plain where that is asked for");
	st = child_reap(child_start(0, is_plain, NULL));
	is_int(WEXITSTATUS(st), 0, "and the caller's where not");
	return tap_done();
}
