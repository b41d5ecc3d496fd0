/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in a zip archive that somebody else made, read by a process that can do nothing but
 * answer.
 */
#pragma once

#include <stdint.h>

#include "files/source_list.h"

struct archive {
	const char *file; /* for messages */
	const void *at;
	size_t len;
};

/* Adds the archive's files to s. */
int archive_read(const struct archive *a, struct sources *s, struct err *e);

/* Names the kind of archive that these bytes begin, other than zip; NULL: none that is known. */
const char *archive_kind(const void *at, size_t len);

/* The two halves of archive_read(), for the fuzzer: in the process that is confined, the archive
 * becomes an answer of at most ARCHIVE_ANSWER_MAX bytes; in the other one, which believes none of
 * it, the answer becomes sources. */
#define ARCHIVE_ANSWER_MAX (SOURCES_BYTES_MAX + SOURCES_MAX * (SOURCE_NAME_MAX + 8u))
int archive_answer(const struct archive *a, uint8_t *ret, size_t *ret_len, struct err *e);
int archive_take(const struct archive *a, const uint8_t *ans, size_t len, struct sources *s,
		 struct err *e);
