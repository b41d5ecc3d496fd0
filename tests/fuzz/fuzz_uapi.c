/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes, in pieces of any length, as what comes by the socket of wireguard-go. What is refused
 * has a sentence, and what is believed is in its bounds.
 */
#include "fuzz/world.h"

#include <netinet/in.h>

#include "base/util.h"
#include "tunnel/uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	static const uint8_t key[WG_KEY_LEN];
	struct wg_stats st;

	world_begin_whole(data, size);
	if (uapi_device_get("demo", &st, &e) < 0)
		must_be_sentence(&e);
	else
		must(st.handshake >= 0 && (!st.endpoint.family || st.endpoint.family == AF_INET ||
					   st.endpoint.family == AF_INET6));
	world_end();
	world_begin_whole(data, size);
	uapi_device_has_key("demo", key);
	world_end();
	return 0;
}
