/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what is to be published and opens the sockets that listen. Must never listen anywhere but
 * on loopback unless an address was said, and never share a port with somebody else. Called by the
 * launcher and by `vpnctl publish` before either leaves the host's network.
 */
#include "relay/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/util.h"
#include "relay/address.h"

#define IN_USE_TRIES 25

/* --- what the user writes -------------------------------------------------------------------- */

static int bad(const char *option, const char *text, const char *why, struct err *e)
{
	return err_set(e, -EINVAL, "%s %.64s: %s", option, text, why);
}

static int parse_port(const char *s, uint16_t *ret)
{
	uint64_t v;

	if (str_uint(s, 1, UINT16_MAX, &v) < 0)
		return -EINVAL;
	*ret = (uint16_t)v;
	return 0;
}

/* Cuts "/tcp" or what else stands there off. */
static int cut_protocol(char *text, struct relay_spec *s)
{
	char *slash = strchr(text, '/');

	if (!slash)
		return 0;
	*slash++ = '\0';
	s->udp = !strcmp(slash, "udp");
	s->proxy = !strcmp(slash, "proxy");
	return s->udp || s->proxy || !strcmp(slash, "tcp") ? 0 : -EINVAL;
}

/* Takes "[ADDR]:" off, or what stands before the first colon; *rest comes behind. */
static int cut_address(char *text, struct relay_target *t, char **rest)
{
	bool is_six = text[0] == '[';
	char *end = strchr(text, is_six ? ']' : ':');

	if (!end || (is_six && end[1] != ':'))
		return -EINVAL;
	*end = '\0';
	*rest = end + (is_six ? 2 : 1);
	t->family = is_six ? AF_INET6 : AF_INET;
	return inet_pton(t->family, text + is_six, t->addr) == 1 ? 0 : -EINVAL;
}

static bool is_wide(const struct relay_target *at)
{
	if (at->family == AF_INET)
		return at->addr[0] != 127;
	return at->family == AF_INET6 && memcmp(at->addr, relay_loopback6, 16) != 0;
}

static bool is_any6(const struct relay_target *at)
{
	static const uint8_t any[16];

	return at->family == AF_INET6 && memcmp(at->addr, any, sizeof(any)) == 0;
}

static int add(struct relay_specs *list, const struct relay_spec *s, const char *option,
	       struct err *e)
{
	if (list->n == RELAY_SPECS_MAX)
		return err_set(e, -E2BIG, "more than %d %s", RELAY_SPECS_MAX, option);
	list->at[list->n++] = *s;
	return 0;
}

int relay_spec_add(struct relay_specs *list, const char *option, const char *text, struct err *e)
{
	struct relay_spec s = {0};
	char copy[96], *ports = copy, *colon;

	if (str_copy(copy, sizeof(copy), text) < 0 || cut_protocol(copy, &s) < 0)
		return bad(option, text, "not [ADDR:]HOST:INSIDE, or with /udp or /proxy behind it",
			   e);
	colon = strchr(copy, ':');
	if ((copy[0] == '[' || (colon && strchr(colon + 1, ':'))) &&
	    cut_address(copy, &s.at, &ports) < 0)
		return bad(option, text,
			   "what stands before the ports is not an IP address (IPv6 in brackets)",
			   e);
	colon = strchr(ports, ':');
	if (!colon)
		return bad(option, text, "two ports are needed, HOST:INSIDE", e);
	*colon = '\0';
	if (parse_port(ports, &s.listen) < 0 || parse_port(colon + 1, &s.target) < 0)
		return bad(option, text, "a port is a number from 1 to 65535", e);
	return add(list, &s, option, e);
}

static bool is_name_server(const struct relay_spec *s)
{
	return s->to.family && (s->target == 53 || s->target == 853);
}

int relay_reach_add(struct relay_specs *list, const char *option, const char *text, struct err *e)
{
	struct relay_spec s = {0};
	char copy[96], *rest = copy, *colon;
	bool has_inside;

	if (str_copy(copy, sizeof(copy), text) < 0 || cut_protocol(copy, &s) < 0 || s.proxy)
		return bad(option, text, "not [INSIDE:][ADDR:]PORT, or with /udp behind it", e);
	colon = strchr(copy, ':');
	/* An address has a dot or a bracket, which no port has. */
	has_inside = colon && strcspn(copy, ".[") > (size_t)(colon - copy);
	if (has_inside) {
		*colon = '\0';
		rest = colon + 1;
	}
	if (strpbrk(rest, ".[") && cut_address(rest, &s.to, &rest) < 0)
		return bad(option, text,
			   "what stands before the port is not an IP address (IPv6 in brackets)",
			   e);
	if (parse_port(has_inside ? copy : rest, &s.listen) < 0 || parse_port(rest, &s.target) < 0)
		return bad(option, text, "a port is a number from 1 to 65535", e);
	if (is_name_server(&s))
		return bad(option, text,
			   "ports 53 and 853 elsewhere are not reached: names go through the VPN",
			   e);
	return add(list, &s, option, e);
}

bool relay_specs_are_wide(const struct relay_specs *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_wide(&s->at[i].at))
			return true;
	return false;
}

/* --- sockets --------------------------------------------------------------------------------- */

static int explain(const struct relay_spec *s, const char *whose, int code, struct err *e)
{
	const char *proto = s->udp ? "UDP" : "TCP";
	char text[INET6_ADDRSTRLEN] = "localhost";

	if (s->at.family)
		inet_ntop(s->at.family, s->at.addr, text, sizeof(text));
	if (code == -EADDRINUSE)
		return err_set(e, code,
			       "%s port %u of %s %s is in use: choose another, or end the program "
			       "that has it",
			       proto, s->listen, whose, text);
	if (code == -EACCES)
		return err_set(e, code,
			       "%s port %u of %s %s is root's: choose one from "
			       "net.ipv4.ip_unprivileged_port_start (1024) on",
			       proto, s->listen, whose, text);
	if (code == -EADDRNOTAVAIL)
		return err_set(e, code, "%s is not an address of %s: see ip address", text, whose);
	return err_sys(e, code, "cannot listen on %s port %u of %s %s", proto, s->listen, whose,
		       text);
}

static int listen_on(const struct relay_spec *s, int family, const uint8_t *addr)
{
	int type = (s->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	AUTO_CLOSE int fd = socket(family, type, 0);
	struct sockaddr_storage sa;
	socklen_t len = relay_address(&sa, family, addr, s->listen);
	const int one = 1;

	if (fd < 0)
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	/* This binds over old connections' remains, and never over one who listens. With UDP it
	 * would share. */
	if (!s->udp && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	if (!s->udp && listen(fd, SOMAXCONN) < 0)
		return -errno;
	return take_fd(&fd);
}

struct place {
	int family;
	const uint8_t *addr;
	bool may_lack; /* such addresses */
};

static int open_one(const struct relay_spec *s, const struct place *at, const char *whose,
		    struct relay_ports *p, struct err *e)
{
	int fd = listen_on(s, at->family, at->addr);

	/* A relay is told of its command's end, and goes, a moment after whoever waited for that.
	 */
	for (int i = 0; fd == -EADDRINUSE && i < IN_USE_TRIES; i++) {
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
		fd = listen_on(s, at->family, at->addr);
	}
	if (at->may_lack && (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT))
		return 0;
	if (fd < 0)
		return explain(s, whose, fd, e);
	p->at[p->n++] = (struct relay_listener){.fd = fd,
						.target = s->target,
						.udp = s->udp,
						.proxy = s->proxy,
						.is_wide = s->strangers || is_wide(&s->at),
						.to = s->to};
	return 0;
}

int relay_listen(const struct relay_specs *s, const char *whose, struct relay_ports *ret,
		 struct err *e)
{
	const struct place loopback4 = {AF_INET, relay_loopback4, false};
	const struct place loopback6 = {AF_INET6, relay_loopback6, true};
	struct relay_ports p = {.n = 0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		const struct relay_spec *spec = &s->at[i];
		/* A host without IPv6 has "all addresses" of IPv4. */
		const struct place named = {spec->at.family, spec->at.addr, is_any6(&spec->at)};

		if (spec->at.family) {
			r = open_one(spec, &named, whose, &p, e);
			continue;
		}
		r = open_one(spec, &loopback4, whose, &p, e);
		if (r == 0)
			r = open_one(spec, &loopback6, whose, &p, e);
	}
	if (r < 0)
		relay_ports_close(&p);
	else
		*ret = p;
	return r;
}

void relay_ports_close(struct relay_ports *p)
{
	for (size_t i = 0; i < p->n; i++)
		util_close(&p->at[i].fd);
	p->n = 0;
}
