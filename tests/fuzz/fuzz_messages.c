/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what the programs say to each other: the front to the plugger, a user to the door of
 * the default, the front to a keeper and its answer, a supervisor to who started it, a launch to
 * the helper of its session, the door's and the broker's answers. Every one may be taken over;
 * nothing that is refused has done anything, and what is believed has an end to its texts.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* The judges are static: they are the very ones. */
#include "plugd/serve.c"
#define receive receive_use
#define watch	watch_use
#define find	find_use
#include "bus/use.c"
#undef receive
#undef watch
#undef find
#include "command/default_door.c"
#define receive receive_in
#include "keeper/inbound_serve.c"
#undef receive

#include "ipc/client.h"
#include "state/inbound.h"
#include "tunnel/supervise.h"

static void plugger(struct err *e)
{
	struct bytes b;
	int fds[2] = {world_socket(), world_socket()};

	(void)e;
	world_piece(&b);
	if (b.len > sizeof(mem.request))
		b.len = sizeof(mem.request);
	memset(&mem, 0, sizeof(mem.request.head) + 64);
	if (b.len)
		memcpy(&mem.request, b.at, b.len);
	serve_one(b.len, fds, world_choice(2));
	util_close(&fds[0]);
	util_close(&fds[1]);
}

static void door(struct err *e)
{
	struct door_request q = {0};
	char name[16];
	struct bytes b;

	world_piece(&b);
	if (b.len)
		memcpy(&q, b.at, b.len < sizeof(q) ? b.len : sizeof(q));
	if (is_request(&q, (ssize_t)b.len))
		must(memchr(q.name, '\0', sizeof(q.name)) && q.strict <= 1);
	/* These are root's own words, whatever they are. */
	if (door_ask("demo", false, name, e) < 0)
		must(e->code < 0 && memchr(e->msg, '\0', sizeof(e->msg)));
}

static void keeper(struct err *e)
{
	struct record r = {.name = "demo", .id = 1, .subnet4_plen = 24, .state = RECORD_UP};
	const struct port_maps maps = {{{.outer = 8080, .inner = 80, .proto = 6}}, 1};
	struct inbound_request q = {0};
	char text[INBOUND_TEXT_LEN];
	struct bytes b;

	world_piece(&b);
	if (b.len)
		memcpy(&q, b.at, b.len < sizeof(q) ? b.len : sizeof(q));
	if (serve_request("demo", -1, world_choice(2), &q, e) == 0)
		inbound_format(q.at, q.n, text);
	memset(e, 0, sizeof(*e));
	if (inbound_ask(&r, 7, 1000, &maps, e) < 0)
		must(e->code < 0 && memchr(e->msg, '\0', sizeof(e->msg)));
}

static void session(struct err *e)
{
	struct use_message m;
	int sock = world_socket(), fd;

	(void)e;
	while (receive_use(sock, &m, &fd) > 0)
		must(fd == -1);
	util_close(&sock);
}

static void broker(struct err *e)
{
	int sock = world_socket();
	struct proto_request q;
	uint32_t host;

	if (world_choice(2)) {
		if (conn_request_peek(sock, 100, &q, e) == 0)
			must(memchr(q.vpn, '\0', sizeof(q.vpn)) && q.n_expose <= PORT_MAPS_MAX);
		else
			must_be_sentence(e);
	} else if (ipc_attach_receive(sock, &host, e) < 0) {
		/* These are the broker's own words, whatever they are. */
		must(e->code < 0 && memchr(e->msg, '\0', sizeof(e->msg)));
	}
	util_close(&sock);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct err *) = {plugger, door, keeper, session, broker};
	struct err e = ERR_INIT;

	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
