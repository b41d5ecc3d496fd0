/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as an archive that `vpnctl import` is given, in what the confined process does with it;
 * and as the answer of that process, when it has been taken over. Names that come out lead nowhere.
 */
#include "fuzz/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "files/archive.h"

static void check(const struct sources *s)
{
	size_t bytes = 0;

	must(s->n <= SOURCES_MAX);
	for (size_t i = 0; i < s->n; i++) {
		const char *name = s->at[i].name;

		must(name[0] && !strpbrk(name, "/\\") && strlen(name) <= SOURCE_NAME_MAX);
		must(s->at[i].text[s->at[i].len] == '\0');
		bytes += s->at[i].len;
	}
	must(bytes == s->bytes && bytes <= SOURCES_BYTES_MAX);
}

static void take(const struct archive *a, const uint8_t *answer, size_t len, bool ours)
{
	struct sources s = {.n = 0};
	struct err e = ERR_INIT;
	int r = archive_take(a, answer, len, &s, &e);

	if (r < 0)
		must_be_sentence(&e);
	/* What the honest one says is refused for what is in it alone. */
	must(!ours || r != -EBADMSG);
	check(&s);
	sources_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *room;
	const struct archive a = {"a.zip", size ? data + 1 : data, size ? size - 1 : 0};
	struct err e = ERR_INIT;
	size_t len = 0;

	if (!room)
		room = malloc(ARCHIVE_ANSWER_MAX);
	must(room != NULL);
	if (size && data[0] == '!') {
		take(&a, a.at, a.len, false);
		return 0;
	}
	if (archive_answer(&a, room, &len, &e) < 0)
		must_be_sentence(&e);
	else
		take(&a, room, len, true);
	return 0;
}
