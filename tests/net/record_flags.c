/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a VPN's record say what an older kernel's would: that each port needs a guard of its own.
 *
 *   record_flags VPN
 */
#include <stdio.h>

#include "state/record.h"

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct record r;

	if (argc != 2 || record_read(argv[1], &r, &e) < 0) {
		fprintf(stderr, "record_flags: %s\n",
			argc == 2 ? e.msg : "usage: record_flags VPN");
		return 1;
	}
	r.flags |= RECORD_GUARD_EACH;
	if (record_write(&r, &e) < 0) {
		fprintf(stderr, "record_flags: %s\n", e.msg);
		return 1;
	}
	return 0;
}
