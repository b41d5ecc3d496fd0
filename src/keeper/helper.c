/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See helper.h. A helper without a pidfd is ended at once: nobody would see its end, and its number
 * may be another's by then. Called by keeper/keep, heal and failover.
 */
#include "keeper/helper.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"

static int start(struct keep_helper *h, int limit_ms, unsigned int flags, int (*fn)(void *arg),
		 void *arg)
{
	pid_t pid = child_start(flags, fn, arg);
	int fd;

	if (pid < 0)
		return (int)pid;
	fd = child_pidfd(pid);
	if (fd < 0) {
		child_end(pid);
		return fd;
	}
	*h = (struct keep_helper){.pid = pid, .fd = fd, .until_ms = util_now_ms() + limit_ms};
	return 0;
}

int helper_start(struct keep_helper *h, int limit_ms, int (*fn)(void *arg), void *arg)
{
	return start(h, limit_ms, CHILD_DIES_WITH_US | CHILD_PLAIN_SIGNALS, fn, arg);
}

struct vpnctl_words {
	const char *word[3];
};

static int exec_command(void *arg)
{
	static char arg0[] = "vpnctl", env0[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	const struct vpnctl_words *c = arg;
	char words[ARRAY_SIZE(c->word)][32];
	char *argv[ARRAY_SIZE(c->word) + 2] = {arg0}, *envp[] = {env0, NULL};

	/* What it says to a person who typed it would be one more line in the log. */
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(c->word) && c->word[i]; i++) {
		if (str_copy(words[i], sizeof(words[i]), c->word[i]) < 0)
			return 127;
		argv[i + 1] = words[i];
	}
	if (dup2(null, STDOUT_FILENO) >= 0)
		execve("/proc/self/exe", argv, envp);
	return 127;
}

int helper_exec(struct keep_helper *h, int limit_ms, const char *command, const char *name,
		const char *more)
{
	struct vpnctl_words c = {{command, name, more}};

	return start(h, limit_ms, CHILD_PLAIN_SIGNALS, exec_command, &c);
}

bool helper_is_over(const struct keep_helper *h)
{
	return h->pid && (util_now_ms() >= h->until_ms || child_wait_pidfd(h->fd, 0));
}

int helper_end(struct keep_helper *h)
{
	int status = child_end(h->pid);

	helper_leave(h);
	return status;
}

void helper_leave(struct keep_helper *h)
{
	h->pid = 0;
	util_close(&h->fd);
}
