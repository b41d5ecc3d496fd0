/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of a zip archive that lies in memory. Pure: no file is opened, nothing allocated,
 * nothing unpacked but by the caller's function. Every offset and length of the archive is a claim
 * of whoever made it, and checked against the bytes that there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ZIP_NAME_MAX 512 /* bytes of a path in an archive */

struct zip;

struct zip_entry {
	char path[ZIP_NAME_MAX + 1];
	const char *name; /* its last part */
	bool is_dir;
	bool is_packed; /* by deflate; else the bytes are as they are */
	uint32_t crc;
	const uint8_t *from;
	size_t packed_len, len;
};

struct zip {
	const char *file; /* for messages */
	const uint8_t *at;
	size_t len;
	/* Unpacks raw deflate, and returns 0 where the result has exactly that length. */
	int (*inflate)(const struct zip *z, const struct zip_entry *entry, uint8_t *ret);
	void *arg; /* of the caller's */

	size_t next, end; /* of the central directory: where the next entry is, and its end */
	size_t left;	  /* entries to come */
};

/* Whether these may be the first bytes of one. */
bool zip_is(const void *at, size_t len);

/* z has the first four and those of the caller. More than max entries are refused here. */
int zip_open(struct zip *z, size_t max, struct err *e);

/* 1: the next entry; 0: there is none left; or -errno: links, names that lead elsewhere, what is
 * encrypted and what is damaged are refused, whatever the caller wants with the entry. */
int zip_next(struct zip *z, struct zip_entry *ret, struct err *e);

/* Fills ret_text of entry->len bytes. */
int zip_read(const struct zip *z, const struct zip_entry *entry, uint8_t *ret_text, struct err *e);
