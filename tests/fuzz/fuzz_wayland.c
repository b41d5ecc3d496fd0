/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes, in pieces of any length, as what a compositor says. Whatever it is, a compositor that
 * was not understood to be harmless is refused.
 */
#include "fuzz/world.h"

#include "base/util.h"
#include "session/wayland.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wayland w = WAYLAND_INIT;
	struct err e = ERR_INIT;
	int held = -1;

	world_begin_whole(data, size);
	if (wayland_open(&w, "/run/user/1000/wayland-0", &e) < 0)
		must_be_sentence(&e);
	else if (w.manager && wayland_listen(&w, "/run/x", "vpnrun", &held, &e) < 0)
		must_be_sentence(&e);
	util_close(&held);
	wayland_close(&w);
	world_end();
	return 0;
}
