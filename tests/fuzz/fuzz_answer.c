/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as what a service answers that tells one's address. Nothing of it is shown but the
 * address, in our own writing.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "command/ip_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = world_text((struct bytes){data, size});
	struct err e = ERR_INIT;
	struct ip_answer a;

	if (ip_answer_parse(text, &a, &e) < 0) {
		must_be_sentence(&e);
	} else {
		must(a.text[0] && strspn(a.text, "0123456789abcdef.:") == strlen(a.text));
		must(!a.verdict_key || strlen(a.verdict_key) > 3);
	}
	free(text);
	return 0;
}
