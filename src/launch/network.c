/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The namespaces of a launch and its cable. The broker wants to be connected to from the initial
 * user namespace, and makes the cable while the launch mounts. Must never go on in a network that
 * is not the sandbox's own. Steps of launch/run.c.
 */
#include "launch/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/client.h"
#include "ns/netns.h"
#include "ns/userns.h"
#include "session/bus.h"
#include "nl/sock.h"
#include "plug/attach.h"
#include "plug/cable.h"
int launch_broker_connect(struct launch *l, struct err *e)
{
	l->sock = ipc_connect(l->o->socket, e);
	return l->sock < 0 ? l->sock : 0;
}

int launch_namespaces_enter(struct launch *l, struct err *e)
{
	int flags = CLONE_NEWNS | (l->network == LINE_HOST ? 0 : CLONE_NEWNET) |
		    (l->o->strict ? CLONE_NEWIPC : 0);

	if (!l->root)
		return ns_userns_enter(flags, e);
	l->host_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (l->host_netns < 0 || unshare(flags) < 0)
		return err_sys(e, -errno, "cannot make the sandbox's namespaces");
	return 0;
}

static int open_netns(struct launch *l, struct err *e)
{
	l->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (l->netns < 0)
		return err_sys(e, -errno, "cannot open the sandbox's own network namespace");
	return 0;
}

/* Root plugs at once: the VPN's namespace has no name any more when /run is covered. */
static int plug_as_root(struct launch *l, struct err *e)
{
	struct nl_sock s AUTO_NL_SOCK = NL_SOCK_INIT;
	const struct attach_cable cable = {LEASE_CABLE, l->o->lan};
	int back, r = ns_netns_enter(l->host_netns, &back, e);

	if (r < 0)
		return r;
	r = nl_sock_open(&s, NETLINK_ROUTE, e);
	if (r == 0)
		r = attach_as_root(&s, &l->record, l->netns, &cable, &l->host, e);
	ns_netns_leave(&back);
	util_close(&l->host_netns);
	if (r == 0 && l->o->expose.n)
		r = inbound_ask_as_root(&l->record, l->host, &l->o->expose, e);
	return r;
}

static int ask_for_cable(struct launch *l, struct err *e)
{
	int r;

	if (l->network != LINE_VPN)
		return 0;
	cable_prepare(&l->record);
	r = open_netns(l, e);
	if (r < 0)
		return r;
	if (l->root)
		return plug_as_root(l, e);
	return ipc_attach_send(l->sock, l->record.name, l->netns,
			       &(struct ipc_wish){&l->o->expose, l->o->lan}, e);
}

int launch_cable_ask(struct launch *l, struct err *e)
{
	int r = ask_for_cable(l, e);

	/* The broker works meanwhile. */
	cable_let_ping();
	if (r == 0)
		session_bus_tell(l->bus, l->netns);
	return r;
}

int launch_cable_take(struct launch *l, struct err *e)
{
	int r = nl_sock_open(&l->nl, NETLINK_ROUTE, e);

	if (r == 0 && l->network == LINE_VPN && !l->root)
		r = ipc_attach_receive(l->sock, &l->host, e);
	/* A broker that was started before this launcher was installed does not know that word. */
	if (r == -EBADMSG && l->o->lan)
		return err_hint(e, r, "a broker of another version is running: restart vpnrund");
	return r < 0 ? r : 0;
}

int launch_network_set(struct launch *l, struct err *e)
{
	struct cable_end end = {LEASE_CABLE, l->host, 0};
	int r = cable_up(&l->nl, &l->record, &end, e);

	return r < 0 ? r : launch_mark(l->o, &l->record, l->host, launch_filter_name(), e);
}

int launch_cable_wait(struct launch *l, struct err *e)
{
	return cable_wait(&l->nl, &l->record, &(struct cable_end){LEASE_CABLE, l->host, 0}, e);
}

int launch_sandbox_join(struct launch *l, struct err *e)
{
	struct sandbox s;
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) && cwd[0] == '/';
	int r = ns_userns_join(l->o->with_pid, e);

	if (r == 0)
		r = sandbox_look(&s, e);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(e, -EINVAL,
			       "process %d is confined, but not by vpnrun: what this command sends "
			       "could leave by any way",
			       l->o->with_pid);
	r = launch_filter_join(l, &s, e);
	if (r < 0)
		return r;
	l->strict |= s.strict;
	if ((!has_cwd || chdir(cwd) < 0) && chdir("/") < 0)
		return err_sys(e, -errno, "cannot enter / of the sandbox");
	launch_mark_joined(&s);
	return 0;
}
