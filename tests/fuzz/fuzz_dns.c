/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as resolv.conf of the uplink and as the answers of its name servers. Only addresses of
 * the right length come out, never more than there is room for.
 */
#include "fuzz/world.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tunnel/uplink_dns.c"

/* The one answer that nobody can guess: its number. The question is sent with it. */
ssize_t getrandom(void *buf, size_t size, unsigned int flags)
{
	(void)flags;
	memset(buf, 'x', size);
	return (ssize_t)size;
}

static void check(int type, size_t max, const uint8_t *answer, size_t len)
{
	union wg_endpoint ep[8];
	struct lookup q = {.type = type, .port = 51820, .at = ep, .max = max};

	read_answer(&q, answer, len);
	must(q.n <= max);
	for (size_t i = 0; i < q.n; i++)
		must((ep[i].family == AF_INET && ep[i].in.sin_port == htons(51820)) ||
		     (ep[i].family == AF_INET6 && ep[i].in6.sin6_port == htons(51820)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct default_note note = {.dns = DEFAULT_DNS_FILE};
	union wg_endpoint ep[8];
	struct lookup q = {"vpn.example.net", 51820, ns_t_a, ep, 0, 8};
	struct record_ip servers[3];
	struct bytes answer;
	uint8_t *exact;

	world_begin(data, size);
	must(servers_of(&note, servers, 3, NULL) <= 3);
	world_piece(&answer);
	exact = world_copy(answer);
	check(ns_t_a, 8, exact, answer.len);
	check(ns_t_aaaa, 2, exact, answer.len);
	free(exact);
	note.uplink_dns[0].family = AF_INET;
	ask(&note.uplink_dns[0], &q);
	world_end();
	return 0;
}
