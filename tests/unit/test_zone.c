/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state/zone: the kernel's arithmetic, as seen in its table of connections.
 */
#include "tap.h"

#include "state/zone.h"

int main(void)
{
	uint16_t low = UINT16_MAX, high = 0;

	tap_begin();
	is_int(zone_of_port(8), 14244, "L47 the zone of port 8 is what the kernel's rules make it");
	for (int i = 1; i < 100000; i++) {
		uint16_t z = zone_of_port(i);

		low = z < low ? z : low;
		high = z > high ? z : high;
	}
	ok(low == 1 && high == UINT16_MAX,
	   "L47 a zone is never 0, which is everybody's, and uses all others");
	return tap_done();
}
