/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place where the relay fills in a sockaddr, or prints one. Called by all of relay/.
 */
#include "relay/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/util.h"

const uint8_t relay_loopback4[16] = {127, 0, 0, 1};
const uint8_t relay_loopback6[16] = {[15] = 1};

socklen_t relay_address(struct sockaddr_storage *ret, int family, const uint8_t *addr,
			uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET) {
		memcpy(&in.sin_addr, addr, sizeof(in.sin_addr));
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, addr, sizeof(in6.sin6_addr));
	memcpy(ret, &in6, sizeof(in6));
	return sizeof(in6);
}

struct relay_printed {
	char addr[INET6_ADDRSTRLEN];
	unsigned int port;
};

static int print_end(const struct sockaddr_storage *sa, struct relay_printed *ret)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const void *addr = sa->ss_family == AF_INET ? (const void *)&in->sin_addr
						    : (const void *)&in6->sin6_addr;

	ret->port = ntohs(sa->ss_family == AF_INET ? in->sin_port : in6->sin6_port);
	return inet_ntop(sa->ss_family, addr, ret->addr, sizeof(ret->addr)) ? 0 : -errno;
}

int relay_proxy_line(int client, char ret[RELAY_PROXY_LINE])
{
	struct sockaddr_storage peer, own;
	socklen_t peer_len = sizeof(peer), own_len = sizeof(own);
	struct relay_printed from, to;
	int r;

	if (getpeername(client, (struct sockaddr *)&peer, &peer_len) < 0 ||
	    getsockname(client, (struct sockaddr *)&own, &own_len) < 0)
		return -errno;
	r = print_end(&peer, &from);
	r = r ?: print_end(&own, &to);
	return r
		       ?: str_fmt(ret, RELAY_PROXY_LINE, "PROXY TCP%d %s %s %u %u\r\n",
				  peer.ss_family == AF_INET ? 4 : 6, from.addr, to.addr, from.port,
				  to.port);
}
