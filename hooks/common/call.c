/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See call.h. The deadline is a signal, whose handler only writes and ends. Called by the mains of
 * the plugins.
 */
#include "common/call.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "box/fds.h"

static const char *late_answer;
static size_t late_len;

static void too_late(int sig)
{
	(void)sig;
	if (write(STDOUT_FILENO, late_answer, late_len) < 0) {
		/* nobody reads it */
	}
	_exit(1);
}

int call_begin(unsigned int seconds, const char *answer, struct err *e)
{
	struct sigaction late = {.sa_handler = too_late}, ignore = {.sa_handler = SIG_IGN};
	sigset_t mask;
	int r = box_fds_guard_stdio(e);

	if (r < 0)
		return r;
	late_answer = answer;
	late_len = strlen(answer);
	sigemptyset(&mask);
	sigaddset(&mask, SIGALRM);
	/* A caller may have it blocked or ignored. */
	if (sigaction(SIGALRM, &late, NULL) < 0 || sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    sigprocmask(SIG_UNBLOCK, &mask, NULL) < 0)
		return err_sys(e, -errno, "cannot set a deadline");
	alarm(seconds);
	return 0;
}

int call_read(char **ret, size_t *ret_len, struct err *e)
{
	int r = file_read_fd(STDIN_FILENO, CALL_INPUT_MAX, ret, ret_len);

	if (r == -EFBIG)
		return err_set(e, r, "the input is larger than %d KiB", CALL_INPUT_MAX / 1024);
	return r < 0 ? err_sys(e, r, "cannot read the input") : 0;
}

int call_answer(const char *text, struct err *e)
{
	int r;

	alarm(0);
	r = fd_write_all(STDOUT_FILENO, text, strlen(text));
	return r < 0 ? err_sys(e, r, "cannot write the answer") : 0;
}
