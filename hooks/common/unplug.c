/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See unplug.h. The kernel keeps whoever deletes a device for 10 to 30 ms after it is gone, until
 * every processor has forgotten it and its memory can be freed. That is a child's time, not the
 * engine's. The child holds nothing of the engine's, which reads its plugin's output to the
 * end; it sleeps in the kernel and ends by itself. If anything is in the way of this,
 * the port is deleted as ever. Called by wire.c.
 */
#include "common/unplug.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/child.h"
#include "base/util.h"
#include "nl/gone.h"
#include "ns/netns.h"

static int unplug_and_wait(struct nl_sock *s, const char *port, struct err *e)
{
	int r = rtnl_link_delete(s, RTNL_HERE, port, e);

	return r == -ENODEV ? 0 : r;
}

struct unplug_errand {
	struct nl_sock *s;
	const char *port;
	int done;
};

static int unplug_in_child(void *arg)
{
	const struct unplug_errand *a = arg;
	struct err e = ERR_INIT;

	if (dup2(a->s->fd, 0) < 0 || dup2(a->done, 1) < 0 ||
	    syscall(SYS_close_range, 2, ~0u, 0) < 0 || chdir("/") < 0)
		return 1;
	a->s->fd = 0;
	if (unplug_and_wait(a->s, a->port, &e) == 0)
		e.code = 0;
	if (write(1, &e, sizeof(e)) < 0) {
		/* the caller has gone: it knows from the kernel */
	}
	return 0;
}

/* 1: gone, and the child is still at it; 0: the child has ended, with *ret in full or not. */
static int await(struct nl_sock *watch, int done, int ifindex, struct err *ret, ssize_t *ret_len)
{
	struct pollfd p[] = {{.fd = watch->fd, .events = POLLIN}, {.fd = done, .events = POLLIN}};

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			p[0].fd = -1;
		else if (p[0].revents) {
			int r = nl_gone_read(watch, ifindex);

			if (r > 0)
				return 1;
			if (r < 0)
				p[0].fd = -1; /* only the child can tell now */
		} else if (p[1].revents) {
			*ret_len = read(done, ret, sizeof(*ret));
			return 0;
		}
		p[0].revents = p[1].revents = 0;
	}
}

int unplug_port(struct nl_sock *s, int vpn_netns, const struct rtnl_link *port, struct err *e)
{
	AUTO_NL_SOCK struct nl_sock watch = NL_SOCK_INIT;
	AUTO_CLOSE int done = -1;
	struct unplug_errand errand = {.s = s, .port = port->name};
	struct err ignored = ERR_INIT, theirs = ERR_INIT;
	ssize_t len = -1;
	int pipe_fds[2];
	pid_t child;

	if (ns_nl_open(&watch, vpn_netns, NETLINK_ROUTE, &ignored) < 0 ||
	    nl_gone_watch(&watch, &ignored) < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return unplug_and_wait(s, port->name, e);
	done = pipe_fds[0];
	errand.done = pipe_fds[1];
	child = child_start(0, unplug_in_child, &errand);
	close(pipe_fds[1]);
	if (child < 0)
		return unplug_and_wait(s, port->name, e);
	if (await(&watch, done, port->ifindex, &theirs, &len) == 1)
		return 0;
	child_reap(child);
	if (len != (ssize_t)sizeof(theirs)) /* somebody has killed it */
		return unplug_and_wait(s, port->name, e);
	if (theirs.code < 0)
		err_set(e, theirs.code, "%s", theirs.msg);
	return theirs.code;
}
