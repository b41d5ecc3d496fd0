/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * default/default_ways.c against the kernel: the host's own routes to public addresses, as the
 * firewall of a default is told of them. The set takes no two that overlap, so that one too many
 * would refuse the whole firewall.
 */
#include "unit/tap.h"
#include "unit/inside.h"

#include "default/default_part.h"

#define WAY(dev, net) "add element inet vpnrun-default-demo ways4 { \"" dev "\" . " net " }\n"

static const char made[] =
	"ip link add w0 type veth peer name w1 && ip link add w2 type veth peer name w3 && "
	"for i in w0 w1 w2 w3; do ip link set $i up || exit 1; done && "
	"ip addr add 198.51.100.1/32 dev w0 && ip addr add 198.51.100.2/32 dev w2 && "
	"ip route add default dev w0 && "
	"ip route add 203.0.113.0/25 dev w0 && ip route add 203.0.113.0/24 dev w0 && "
	"ip route add 203.0.113.200/32 dev w0 && ip route add 203.0.113.128/25 dev w2 && "
	"ip route add 192.0.2.0/24 nexthop dev w2 nexthop dev w0 && "
	"ip route add 192.168.7.0/24 dev w0 && ip route add 100.64.0.0/10 dev w0 && "
	"ip route add 10.0.0.0/7 dev w2 && ip route add blackhole 8.8.8.0/24";

/* 1: another text, 2: not made, 3: not read. */
static int told(const char *want)
{
	const struct default_way w = {.name = "demo"};
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;
	uint64_t digest;

	if (default_ways_read(&w, &text, &digest, &e) < 0)
		return 3;
	if (strcmp(text, want) == 0)
		return 0;
	printf("# got:\n%s", text);
	return 1;
}

static int all_of_them(void)
{
	if (run(made) != 0)
		return 2;
	return told(WAY("w0", "192.0.2.0/24") WAY("w0", "203.0.113.0/24") WAY("w2", "10.0.0.0/7")
			    WAY("w2", "192.0.2.0/24") WAY("w2", "203.0.113.128/25"));
}

static int none_of_them(void)
{
	return told("");
}

int main(void)
{
	tap_begin();
	inside(all_of_them,
	       "L55: routes of one's own: each once, of several ways each, no private net, "
	       "nothing twice");
	inside(none_of_them, "L55: and a host without any");
	return tap_done();
}
