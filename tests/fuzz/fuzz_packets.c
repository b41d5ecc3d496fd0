/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as packets that are captured while a VPN is watched for leaks: a stranger's, and cut
 * anywhere. Each that has the mark is told in one line, of one channel.
 */
#include "fuzz/world.h"

#include <netinet/in.h>
#include <string.h>

#include "leak/leak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct record rec = {.name = "demo", .id = 1, .layout = LAYOUT_BRIDGE};
	static struct leak_table table;
	struct leak_watch w = {
		.mark = {.text = "vpnrunleaktest77", .port = 4242},
		.rec = &rec,
		.table = &table,
	};

	memset(&table, 0, sizeof(table));
	world_begin_whole(data, size);
	w.fd = world_socket();
	leak_watch_read(&w);
	must(memchr(w.first, '\0', sizeof(w.first)) && (w.n != 0) == (w.first[0] != '\0'));
	leak_watch_close(&w);
	world_end();
	return 0;
}
