/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as a profile's JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "conf/plan.h"
#include "conf/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = malloc(size + 1);
	struct err e = ERR_INIT;
	struct profile p;
	size_t i;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (profile_parse("f.json", text, size, &p, &e) < 0) {
		if (!str_starts(e.msg, "f.json:") || p.config || p.bridge || p.tunnel.peers)
			abort();
		for (i = 0; e.msg[i]; i++)
			if ((unsigned char)e.msg[i] < ' ')
				abort();
		return 0;
	}
	if (p.id < 1 || p.id > 99 || !p.bridge ||
	    !(p.config || p.servers || p.private_key_file || p.device))
		abort();
	plan_subnet_clash(&p, NULL);
	profile_free(&p);
	return 0;
}
