/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a gateway's answer to a request for a port (NAT-PMP). */
#include "fuzz/world.h"

#include <stdlib.h>

#include "keeper/natpmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct natpmp_reply r;
	struct bytes b = {data, size};
	void *exact = world_copy(b);

	for (unsigned int op = NATPMP_UDP; op <= NATPMP_TCP; op++) {
		if (natpmp_parse(exact, size, (enum natpmp_op)op, 8080, &r) < 0)
			continue;
		must(natpmp_result_text(r.result)[0]);
		must(r.result || (r.outer && r.lifetime_s));
		natpmp_is_reset(r.epoch, r.lifetime_s, r.outer);
	}
	free(exact);
	return 0;
}
