/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as ssh's configuration: the user's own, which may share connections, and the machine's,
 * of which the sandbox has copies with all that they include.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

/* Their static functions are the readers. */
#include "ns/etc.c"
#include "session/ssh.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s = {.runtime = "/run/user/1000/vpnrun/demo"};
	char *text = world_text((struct bytes){data, size});
	struct err e = ERR_INIT;
	bool shares = strcasestr(text, "ControlPath") != NULL;

	must(!shares || speaks_of_sharing(text));
	free(text);
	world_begin(data, size);
	if (session_ssh_cover(&s, "/home/alice", &e) < 0)
		must_be_sentence(&e);
	copy_ssh_files("/run/.vpnrun-etc");
	world_end();
	return 0;
}
