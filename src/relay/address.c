/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place where the relay fills in a sockaddr. Called by all of relay/.
 */
#include "relay/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

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
