/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl publish NAME [ADDR:]HOST:INSIDE[/udp]...`: for services that live in the VPN's own
 * namespace. Stays in the foreground until it is stopped, or until that namespace loses its name,
 * which is a failure: started anew, it finds the next one. Must serve with nothing of root's left
 * but the number: no capability, no file, no system call that could get one.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/show.h"
#include "look/view.h"
#include "ns/netns.h"
#include "relay/relay.h"

static const char *published; /* the VPN's name */

static int usage(void)
{
	log_error("usage: vpnctl publish NAME [ADDR:]HOST:INSIDE[/udp]...");
	return CTL_USAGE;
}

static bool is_over(int watch)
{
	return ns_netns_has_gone(watch, published);
}

static int find_netns(const char *name, struct record *rec, struct err *e)
{
	int r = view_find_record(name, rec, e);

	if (r == 0)
		return record_fail_down(name, e);
	if (r > 0 && rec->layout != LAYOUT_NETNS)
		return err_set(e, -EINVAL,
			       "VPN '%s' has no namespace of its own: its services are the host's, "
			       "and their ports too",
			       name);
	return r < 0 ? r : record_open_netns(rec, e);
}

/* Sockets that listen are the host's; then the process moves. */
static int prepare(struct relay *r, const char *name, const struct relay_specs *specs,
		   struct err *e)
{
	AUTO_CLOSE int ns = -1, watch = -1;
	struct record rec;
	int rc;

	/* The namespace is looked up again behind the watch, so that no removal is missed. The
	 * first look is for a machine without any, which is told which VPN has none, and why. */
	ns = find_netns(name, &rec, e);
	if (ns < 0)
		return ns;
	watch = ns_netns_watch(NETNS_DIR, e);
	if (watch < 0)
		return watch;
	util_close(&ns);
	ns = find_netns(name, &rec, e);
	if (ns < 0)
		return ns;
	rc = relay_listen(specs, "the host's", &r->ports, e);
	if (rc < 0)
		return rc;
	if (setns(ns, CLONE_NEWNET) < 0)
		return err_sys(e, -errno, "cannot enter the namespace of VPN '%s'", name);
	relay_targets_loopback(r);
	if (rec.flags & RECORD_HAS_IP4)
		relay_own_add(r, AF_INET, &rec.addr4);
	if (rec.flags & RECORD_HAS_IP6)
		relay_own_add(r, AF_INET6, &rec.addr6);
	relay_end_add(r, take_fd(&watch), is_over);
	published = name;
	return relay_prepare(r, e);
}

/* Not by stdio, which asks about its file first: that is filtered by now. */
static void tell_ready(const char *name, size_t n)
{
	char text[64];

	if (str_fmt(text, sizeof(text), "%zu port%s of %s published\n", n, n == 1 ? "" : "s",
		    name) > 0)
		fd_write_all(STDOUT_FILENO, text, strlen(text));
}

int ctl_publish(int argc, char **argv)
{
	static struct relay relay;
	struct relay_specs specs = {.n = 0};
	struct err e = ERR_INIT;
	int r = 0;

	if (argc < 3 || argv[1][0] == '-')
		return usage();
	for (int i = 2; r == 0 && i < argc; i++)
		r = relay_spec_add(&specs, "publish", argv[i], &e);
	if (r < 0) {
		log_error("%s", e.msg);
		return CTL_USAGE;
	}
	if (geteuid() != 0) {
		log_error("publish needs root; try: sudo vpnctl publish ... "
			  "(for a program of your own: vpnrun -p)");
		return CTL_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	r = prepare(&relay, argv[1], &specs, &e);
	if (r == 0)
		r = relay_confine(&e);
	if (r == 0) {
		tell_ready(argv[1], specs.n);
		r = relay_loop(&e);
	}
	if (r == 0)
		err_set(&e, -ENETDOWN, "VPN '%s' was taken down", argv[1]);
	log_error("%s", e.msg);
	return CTL_FAILED;
}
