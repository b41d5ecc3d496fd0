/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnrund-plug: the plugger, the only process with CAP_NET_ADMIN while users use vpnrun. The front,
 * vpnrund, starts it with one end of a socket pair as standard input, or systemd does, with the
 * connection that the front made. It gives up all that it does not need before it reads a byte, and
 * ends when the front does.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "box/caps.h"
#include "box/isolate.h"
#include "nl/sock.h"
#include "plugd/serve.h"
#include "plugd/whose.h"
#include "vpnrund_plug_filter.h"

static int option(int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(STDIN_FILENO, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

static int check_start(struct err *e)
{
	if (option(SO_DOMAIN) != AF_UNIX || option(SO_TYPE) != SOCK_SEQPACKET ||
	    option(SO_ACCEPTCONN) != 0)
		return err_set(e, -EINVAL,
			       "the plugger is started by vpnrund, or by systemd for it: its "
			       "standard input is not their socket");
	if (getuid() == 0 || geteuid() == 0)
		return err_set(e, -EPERM,
			       "the plugger must not be root: vpnrund starts it as user "
			       "'" ISOLATE_USER "'");
	if (!box_caps_has(ISOLATE_CAP))
		return err_set(e, -EPERM, "the plugger needs CAP_NET_ADMIN");
	return 0;
}

static int run(struct nl_sock *s, struct nl_sock *nft, struct err *e)
{
	int r = check_start(e);

	/* Whoever started it may have forgotten to close something. */
	if (r == 0 && close_range(STDERR_FILENO + 1, ~0u, 0) < 0)
		r = err_sys(e, -errno, "cannot close inherited descriptors");
	r = r ?: nl_sock_open(s, NETLINK_ROUTE, e);
	r = r ?: whose_init(e);
	if (r == 0)
		/* A kernel without it has no port that would have to be guarded. */
		nl_sock_open(nft, NETLINK_NETFILTER, NULL);
	r = r ?: isolate_limits(ISOLATE_PLUG_FILES, e);
	r = r ?: box_caps_keep(1ull << ISOLATE_CAP, e);
	r = r ?: isolate_lock(vpnrund_plug_filter, ARRAY_SIZE(vpnrund_plug_filter), e);
	return r < 0 ? r : serve_run(STDIN_FILENO, s, nft, e);
}

int main(void)
{
	struct nl_sock s = NL_SOCK_INIT, nft = NL_SOCK_INIT;
	struct err e = ERR_INIT;

	if (run(&s, &nft, &e) == 0)
		return 0;
	dprintf(STDERR_FILENO, "vpnrund-plug: %s\n", e.msg);
	return 1;
}
