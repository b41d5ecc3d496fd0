/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in and out; the library's only user of jansson. A document is an object of known keys, read
 * through typed getters whose errors say "FILE:LINE: KEY: what is wrong". A KEY may name a key one
 * level down: "allow.users".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct json_t; /* jansson's */

struct json_doc {
	const char *file; /* borrowed, as text is */
	const char *text;
	struct json_t *root;
};

/* Refuses what is no single object, a key given twice anywhere, NULs and what follows the object.
 * file and text must outlive the document. */
int json_doc_parse(struct json_doc *doc, const char *file, const char *text, size_t len,
		   struct err *e);
void json_doc_free(struct json_doc *doc);

/* -EINVAL and "FILE:LINE: KEY: what is wrong". */
int json_doc_fail(const struct json_doc *doc, struct err *e, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Fails on the first key of the object at path (NULL: the document's own) that is not among the
 * NULL-terminated known ones. */
int json_doc_check_keys(const struct json_doc *doc, const char *path, const char *const known[],
			struct err *e);

bool json_doc_has(const struct json_doc *doc, const char *key);
bool json_doc_is_string(const struct json_doc *doc, const char *key);

struct json_bounds {
	uint64_t min, max;
};

struct json_strv {
	size_t max;	 /* the caller's: that many entries at most */
	const char **at; /* the array is the caller's to free, the strings are the document's */
	size_t n;
};

/* Getters: 1 if the key is there, 0 and *ret untouched if it is not, -EINVAL on another type.
 * Strings belong to the document. */
int json_doc_uint(const struct json_doc *doc, const char *key, struct json_bounds bounds,
		  uint64_t *ret, struct err *e);
int json_doc_bool(const struct json_doc *doc, const char *key, bool *ret, struct err *e);
int json_doc_str(const struct json_doc *doc, const char *key, const char **ret, struct err *e);
int json_doc_object(const struct json_doc *doc, const char *key, struct err *e);
int json_doc_strv(const struct json_doc *doc, const char *key, struct json_strv *ret,
		  struct err *e);

/* The line of a key, 1 if it is not to be found. */
int json_doc_line(const struct json_doc *doc, const char *key);

/* A document to be written, built from the outside in. Errors (memory) stick until the end. key is
 * NULL inside arrays. Text that is no UTF-8 is written with '?' for what is not ASCII. */
#define JSON_OUT_DEPTH 8
/* Of all that is printed. It grows when a key goes away, or means or holds something else; not by a
 * key that is new. */
#define JSON_SCHEMA_VERSION 1
struct json_out {
	struct json_t *stack[JSON_OUT_DEPTH];
	size_t depth;
	bool failed;
};

/* The outermost object; with "schema_version", its first key. */
void json_out_begin(struct json_out *out);
void json_out_object(struct json_out *out, const char *key);
void json_out_array(struct json_out *out, const char *key);
void json_out_end(struct json_out *out); /* of the innermost object or array */
void json_out_str(struct json_out *out, const char *key, const char *value); /* NULL: null */
void json_out_int(struct json_out *out, const char *key, int64_t value);
void json_out_bool(struct json_out *out, const char *key, bool value);
void json_out_null(struct json_out *out, const char *key);

/* Ends what is open, frees out, and calls fn with each key of the outermost object that has a
 * value, as a person writes it: "a, b", "users: alice; groups: staff". -ENOMEM. */
int json_out_tell(struct json_out *out, void (*fn)(const char *key, const char *text),
		  struct err *e);

/* Ends what is open, frees out, and gives the text with a newline at its end: the caller's to
 * free. */
int json_out_finish(struct json_out *out, char **ret, struct err *e);
/* The same on one line. */
int json_out_finish_line(struct json_out *out, char **ret, struct err *e);
