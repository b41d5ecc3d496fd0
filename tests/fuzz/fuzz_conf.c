/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as a wg-quick file. A file that is refused leaves nothing behind and has a
 * sentence with file and line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct tunnel t;
	size_t i;

	if (conf_parse("f", (const char *)data, size, &t, &e) < 0) {
		if (!str_starts(e.msg, "f:") || t.peers || t.warnings || t.addresses)
			abort();
		for (i = 0; e.msg[i]; i++)
			if ((unsigned char)e.msg[i] < ' ' || (unsigned char)e.msg[i] > '~')
				abort();
		return 0;
	}
	tunnel_review("f", &t);
	if (!t.n_peers || !t.n_addresses)
		abort();
	for (i = 0; i < t.n_warnings; i++)
		if (t.warnings[i][strcspn(t.warnings[i], "\n\r\x1b")])
			abort();
	tunnel_free(&t);
	return 0;
}
