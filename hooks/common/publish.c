/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See publish.h. The relay that carries the bytes is the launcher's. An engine says no process to
 * wait for: the relay ends when the cable goes, which every engine's DEL and every garbage
 * collection takes away, and when the namespace loses the name that the engine has for it. Must
 * never keep a container's network alive, and with it a lease. Called by the CNI and the netavark
 * plugin, as root.
 */
#include "common/publish.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "ns/netns.h"
#include "relay/relay.h"

/* --- what the engine writes ------------------------------------------------------------------ */

static int bad(const char *what, struct err *e)
{
	return err_set(e, -EINVAL, "a published port: %s", what);
}

static int read_port(const json_t *m, const char *key, uint16_t *ret, struct err *e)
{
	const json_t *v = json_object_get(m, key);

	if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > UINT16_MAX)
		return bad("its numbers are from 1 to 65535", e);
	*ret = (uint16_t)json_integer_value(v);
	return 0;
}

static int read_protocol(const json_t *m, const char *key, bool *ret_udp, struct err *e)
{
	const char *s = json_string_value(json_object_get(m, key));

	*ret_udp = s && !strcasecmp(s, "udp");
	return !s || !*s || *ret_udp || !strcasecmp(s, "tcp")
		       ? 0
		       : bad("it is TCP or UDP, no other protocol", e);
}

static int add(struct relay_specs *list, const struct relay_spec *s, struct err *e)
{
	if (list->n == RELAY_SPECS_MAX)
		return bad("there are too many of them", e);
	list->at[list->n++] = *s;
	return 0;
}

/* No address is all of either family. */
static int add_at(struct relay_specs *list, struct relay_spec s, const char *ip, struct err *e)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		s.at = (struct relay_target){.family = families[i]};
		if (!ip || !*ip)
			r = r ?: add(list, &s, e);
		else if (inet_pton(families[i], ip, s.at.addr) == 1)
			return add(list, &s, e);
	}
	return !ip || !*ip ? r : bad("its address is not an IP address", e);
}

static int read_one(const json_t *m, const struct publish_keys *k, struct relay_specs *list,
		    struct err *e)
{
	const json_t *range = k->range ? json_object_get(m, k->range) : NULL;
	const char *ip = json_string_value(json_object_get(m, k->host_ip));
	json_int_t n = json_is_integer(range) ? json_integer_value(range) : 1;
	struct relay_spec s = {0};
	int r = json_is_object(m) ? 0 : bad("it must be an object", e);

	r = r ?: read_port(m, k->host_port, &s.listen, e);
	r = r ?: read_port(m, k->container_port, &s.target, e);
	r = r ?: read_protocol(m, k->protocol, &s.udp, e);
	if (r == 0 && (n < 1 || n > RELAY_SPECS_MAX || s.listen + n - 1 > UINT16_MAX ||
		       s.target + n - 1 > UINT16_MAX))
		r = bad("the range is too long", e);
	for (json_int_t i = 0; r == 0 && i < n; i++, s.listen++, s.target++)
		r = add_at(list, s, ip, e);
	return r;
}

int publish_read(const json_t *list, const struct publish_keys *k, struct relay_specs *ret,
		 struct err *e)
{
	const json_t *m;
	size_t i;
	int r = 0;

	ret->n = 0;
	if (list && !json_is_array(list) && !json_is_null(list))
		return bad("they must be a list", e);
	json_array_foreach(list, i, m)
	{
		r = r ?: read_one(m, k, ret, e);
	}
	return r;
}

/* --- the relay ------------------------------------------------------------------------------- */

static int cable_index; /* of the container's end */

static bool is_end_gone(struct nlmsghdr *h)
{
	struct ifinfomsg ifi;

	if (h->nlmsg_type != RTM_DELLINK || h->nlmsg_len < NLMSG_LENGTH(sizeof(ifi)))
		return false;
	memcpy(&ifi, NLMSG_DATA(h), sizeof(ifi));
	/* Of another family it has only left a bridge. */
	return ifi.ifi_family == AF_UNSPEC && ifi.ifi_index == cable_index;
}

/* What was lost may have been the one: then it is over. */
static bool is_cable_gone(int fd)
{
	static char buf[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		struct nlmsghdr *h = (void *)buf;

		for (size_t left = (size_t)n; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if (is_end_gone(h))
				return true;
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static int watch_cable(struct err *e)
{
	const struct sockaddr_nl sa = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_sys(e, -errno, "cannot watch the container's cable");
	return take_fd(&fd);
}

static const char *netns_name; /* in its directory */

static bool is_name_gone(int watch)
{
	return ns_netns_has_gone(watch, netns_name);
}

/* A path is one of a process or a name in a directory. */
static int watch_netns(struct relay *r, const char *path, int *ret_fd, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *dir = NULL;
	int pid;

	if (sscanf(path, "/proc/%d/", &pid) == 1) {
		*ret_fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_fd < 0)
			return err_sys(e, -errno, "cannot wait for the process of %s", path);
		relay_end_add(r, *ret_fd, NULL);
		return 0;
	}
	dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!dir)
		return err_set(e, -ENOMEM, "cannot watch %s", path);
	*ret_fd = ns_netns_watch(dir, e);
	if (*ret_fd < 0)
		return *ret_fd;
	netns_name = slash ? slash + 1 : path;
	relay_end_add(r, *ret_fd, is_name_gone);
	return 0;
}

/* This is called in the container's network. The watch begins before the cable is looked for. */
static int serve_inside(struct relay_sandbox *s, const char *ifname, struct err *e)
{
	const struct relay_specs none = {.n = 0};
	AUTO_CLOSE int cable = watch_cable(e);
	AUTO_NL_SOCK struct nl_sock nl = NL_SOCK_INIT;
	int r = cable < 0 ? cable : nl_sock_open(&nl, NETLINK_ROUTE, e);

	r = r ?: rtnl_link_index(&nl, ifname, &cable_index, e);
	relay_end_add(&s->in, cable, is_cable_gone);
	return r ?: relay_sandbox_serve(s, &none, e);
}

int publish_serve(const struct relay_specs *s, const struct wire *w, const struct wire_ends *ends,
		  struct err *e)
{
	struct relay_sandbox ports = RELAY_SANDBOX_INIT;
	const struct relay_specs none = {.n = 0};
	AUTO_CLOSE int watch = -1, ns = -1;
	int back = -1, r;

	if (!s->n)
		return 0;
	r = relay_sandbox_open(&ports, s, &none, -1, e);
	if (r < 0)
		return r;
	relay_own_lease(&ports.in, &ends->record, ends->host);
	/* Before it is opened, so that no removal is missed. */
	r = watch_netns(&ports.in, w->netns, &watch, e);
	if (r == 0) {
		ns = open(w->netns, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		r = ns < 0 ? err_sys(e, -errno, "cannot open %s", w->netns)
			   : ns_netns_enter(ns, &back, e);
	}
	if (r == 0) {
		r = serve_inside(&ports, w->ifname, e);
		ns_netns_leave(&back);
	}
	relay_sandbox_close(&ports);
	return r;
}
