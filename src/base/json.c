/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See json.h. jansson knows lines only of what it cannot parse, so a scanner of our own finds the
 * line of a key; it runs when an error is certain already, on text that jansson took or refused.
 * Never repeats a value in a message: a key may have been pasted into the wrong file.
 */
#include "base/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define PATH_MAX_KEY 64

/* --- the scanner ----------------------------------------------------------------------------- */

struct scan {
	const char *start, *at, *end;
	int line;
	int depth;
	bool key_next[3], is_object[3]; /* of depths 1 and 2 */
	char outer[PATH_MAX_KEY];
};

struct scan_key {
	char path[PATH_MAX_KEY * 2]; /* "key" or "outer.key" */
	int line;
	size_t end; /* offset behind it */
};

static bool scan_string(struct scan *s, struct scan_key *ret)
{
	const char *start = ++s->at;
	bool is_key = s->depth >= 1 && s->depth <= 2 && s->key_next[s->depth];
	int len;

	while (s->at < s->end && *s->at != '"' && *s->at != '\n')
		s->at += *s->at == '\\' && s->at + 1 < s->end ? 2 : 1;
	len = (int)(s->at - start);
	if (s->at < s->end && *s->at == '"')
		s->at++;
	if (!is_key || len >= PATH_MAX_KEY)
		return false;
	if (s->depth == 1)
		snprintf(s->outer, sizeof(s->outer), "%.*s", len, start);
	snprintf(ret->path, sizeof(ret->path), "%s%s%.*s", s->depth == 2 ? s->outer : "",
		 s->depth == 2 ? "." : "", len, start);
	ret->line = s->line;
	ret->end = (size_t)(s->at - s->start);
	return true;
}

/* The next key of the two outermost levels of objects; false at the end. */
static bool scan_next(struct scan *s, struct scan_key *ret)
{
	while (s->at < s->end) {
		char c = *s->at;

		if (c == '"') {
			if (scan_string(s, ret))
				return true;
			continue;
		}
		s->at++;
		if (c == '\n')
			s->line++;
		if (c == '{' || c == '[') {
			s->depth++;
			if (s->depth <= 2)
				s->key_next[s->depth] = s->is_object[s->depth] = c == '{';
		} else if ((c == '}' || c == ']') && s->depth > 0) {
			s->depth--;
		} else if ((c == ':' || c == ',') && s->depth >= 1 && s->depth <= 2) {
			s->key_next[s->depth] = c == ',' && s->is_object[s->depth];
		}
	}
	return false;
}

static struct scan scan_begin(const struct json_doc *doc)
{
	struct scan s = {.start = doc->text, .line = 1};

	s.at = s.start;
	s.end = s.start + strlen(s.start);
	return s;
}

int json_doc_line(const struct json_doc *doc, const char *key)
{
	struct scan s = scan_begin(doc);
	struct scan_key found;

	while (scan_next(&s, &found))
		if (!strcmp(found.path, key))
			return found.line;
	return 1;
}

/* The last key that begins before an offset: where jansson stood when it met it again. */
static void key_before(const struct json_doc *doc, size_t offset, struct scan_key *ret)
{
	struct scan s = scan_begin(doc);
	struct scan_key found;

	while (scan_next(&s, &found) && found.end <= offset + 1)
		*ret = found;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Keys in messages: those of ours, and what looks like one. */
static const char *key_show(const char *key)
{
	size_t len = strlen(key);

	if (!len || len > 40 ||
	    strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != len)
		return "key";
	return key;
}

int json_doc_fail(const struct json_doc *doc, struct err *e, const char *key, const char *fmt, ...)
{
	char what[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s:%d: %s: %s", doc->file, json_doc_line(doc, key),
		       key_show(key), what);
}

static int fail_syntax(const struct json_doc *doc, const json_error_t *error, struct err *e)
{
	struct scan_key found = {.path = "key", .line = error->line};
	char what[sizeof(error->text)];
	char *near;

	if (json_error_code(error) == json_error_duplicate_key) {
		key_before(doc, (size_t)error->position, &found);
		return err_set(e, -EINVAL, "%s:%d: %s: is given twice", doc->file, found.line,
			       key_show(found.path));
	}
	snprintf(what, sizeof(what), "%s", error->text);
	near = strstr(what, " near ");
	if (near)
		*near = '\0';
	return err_set(e, -EINVAL, "%s:%d: JSON: %s", doc->file, error->line > 0 ? error->line : 1,
		       what);
}

int json_doc_parse(struct json_doc *doc, const char *file, const char *text, size_t len,
		   struct err *e)
{
	struct json_doc d = {.file = file, .text = text};
	json_error_t error;
	json_t *root;

	memset(doc, 0, sizeof(*doc));
	if (memchr(text, '\0', len))
		return err_set(e, -EINVAL, "%s:1: JSON: holds a NUL byte: this is not plain text",
			       file);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return fail_syntax(&d, &error, e);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(e, -EINVAL, "%s:1: JSON: an object { ... } is needed", file);
	}
	d.root = root;
	*doc = d;
	return 0;
}

void json_doc_free(struct json_doc *doc)
{
	json_decref(doc->root);
	memset(doc, 0, sizeof(*doc));
}

static json_t *doc_get(const struct json_doc *doc, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[PATH_MAX_KEY];

	if (!dot)
		return json_object_get(doc->root, key);
	if (str_fmt(outer, sizeof(outer), "%.*s", (int)(dot - key), key) < 0)
		return NULL;
	return json_object_get(json_object_get(doc->root, outer), dot + 1);
}

int json_doc_check_keys(const struct json_doc *doc, const char *path, const char *const known[],
			struct err *e)
{
	json_t *object = path ? doc_get(doc, path) : doc->root;
	char full[PATH_MAX_KEY * 2];
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach(object, key, value)
	{
		for (i = 0; known[i] && strcmp(known[i], key) != 0; i++)
			;
		if (known[i])
			continue;
		if (str_fmt(full, sizeof(full), "%s%s%s", path ? path : "", path ? "." : "", key) <
		    0)
			return json_doc_fail(doc, e, "", "there is no such key");
		return json_doc_fail(doc, e, full, "there is no such key");
	}
	return 0;
}

bool json_doc_has(const struct json_doc *doc, const char *key)
{
	return doc_get(doc, key) != NULL;
}

bool json_doc_is_string(const struct json_doc *doc, const char *key)
{
	return json_is_string(doc_get(doc, key));
}

int json_doc_uint(const struct json_doc *doc, const char *key, struct json_bounds b, uint64_t *ret,
		  struct err *e)
{
	json_t *v = doc_get(doc, key);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) < b.min || (uint64_t)json_integer_value(v) > b.max)
		return json_doc_fail(doc, e, key, "must be a whole number from %llu to %llu",
				     (unsigned long long)b.min, (unsigned long long)b.max);
	*ret = (uint64_t)json_integer_value(v);
	return 1;
}

int json_doc_bool(const struct json_doc *doc, const char *key, bool *ret, struct err *e)
{
	json_t *v = doc_get(doc, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return json_doc_fail(doc, e, key, "must be true or false");
	*ret = json_is_true(v);
	return 1;
}

int json_doc_str(const struct json_doc *doc, const char *key, const char **ret, struct err *e)
{
	json_t *v = doc_get(doc, key);

	if (!v)
		return 0;
	if (!json_is_string(v) || !json_string_length(v))
		return json_doc_fail(doc, e, key, "must be a text that is not empty");
	*ret = json_string_value(v);
	return 1;
}

int json_doc_object(const struct json_doc *doc, const char *key, struct err *e)
{
	json_t *v = doc_get(doc, key);

	if (!v)
		return 0;
	return json_is_object(v) ? 1 : json_doc_fail(doc, e, key, "must be an object { ... }");
}

int json_doc_strv(const struct json_doc *doc, const char *key, struct json_strv *ret, struct err *e)
{
	json_t *v = doc_get(doc, key);
	AUTO_FREE const char **list = NULL;
	size_t i, n = json_array_size(v);

	if (!v)
		return 0;
	if (!json_is_array(v))
		return json_doc_fail(doc, e, key, "must be a list of texts [ ... ]");
	if (n > ret->max)
		return json_doc_fail(doc, e, key, "has %zu entries, more than %zu", n, ret->max);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return err_sys(e, -ENOMEM, "cannot read %s", doc->file);
	for (i = 0; i < n; i++) {
		list[i] = json_string_value(json_array_get(v, i));
		if (!list[i] || !*list[i])
			return json_doc_fail(doc, e, key, "must hold texts that are not empty");
	}
	ret->at = list;
	ret->n = n;
	list = NULL;
	return 1;
}

/* --- writing --------------------------------------------------------------------------------- */

static void out_add(struct json_out *out, const char *key, json_t *value)
{
	json_t *in = out->depth ? out->stack[out->depth - 1] : NULL;
	int r;

	if (!in || !value)
		r = -1;
	else if (json_is_object(in))
		r = key ? json_object_set(in, key, value) : -1;
	else
		r = json_array_append(in, value);
	json_decref(value); /* its parent holds it, or nobody */
	out->failed |= r < 0;
}

static void out_push(struct json_out *out, const char *key, json_t *value)
{
	if (out->depth >= JSON_OUT_DEPTH) {
		json_decref(value);
		out->failed = true;
		return;
	}
	if (out->depth) {
		json_incref(value);
		out_add(out, key, value);
	}
	out->stack[out->depth++] = value;
}

/* Every object that is printed has it, so that no command can forget it. */
#define SCHEMA_KEY "schema_version"

void json_out_begin(struct json_out *out)
{
	memset(out, 0, sizeof(*out));
	out_push(out, NULL, json_object());
	json_out_int(out, SCHEMA_KEY, JSON_SCHEMA_VERSION);
}

void json_out_object(struct json_out *out, const char *key)
{
	out_push(out, key, json_object());
}

void json_out_array(struct json_out *out, const char *key)
{
	out_push(out, key, json_array());
}

void json_out_end(struct json_out *out)
{
	if (out->depth <= 1) {
		out->failed = true;
		return;
	}
	json_decref(out->stack[--out->depth]);
}

void json_out_str(struct json_out *out, const char *key, const char *value)
{
	json_t *v = value ? json_string(value) : json_null();
	AUTO_FREE char *ascii = NULL;
	size_t i;

	if (!v) {
		ascii = strdup(value);
		for (i = 0; ascii && ascii[i]; i++)
			if ((unsigned char)ascii[i] >= 0x80)
				ascii[i] = '?';
		v = ascii ? json_string(ascii) : NULL;
	}
	out_add(out, key, v);
}

void json_out_int(struct json_out *out, const char *key, int64_t value)
{
	out_add(out, key, json_integer(value));
}

void json_out_bool(struct json_out *out, const char *key, bool value)
{
	out_add(out, key, json_boolean(value));
}

void json_out_null(struct json_out *out, const char *key)
{
	out_add(out, key, json_null());
}

static int finish(struct json_out *out, size_t flags, char **ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	char *line = NULL;

	while (out->depth > 1)
		json_out_end(out);
	if (!out->failed)
		text = json_dumps(out->stack[0], flags);
	json_decref(out->stack[0]);
	out->depth = 0;
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return err_sys(e, -ENOMEM, "cannot write JSON");
	*ret = line;
	return 0;
}

int json_out_finish(struct json_out *out, char **ret, struct err *e)
{
	return finish(out, JSON_INDENT(2), ret, e);
}

int json_out_finish_line(struct json_out *out, char **ret, struct err *e)
{
	return finish(out, 0, ret, e);
}

static void tell(FILE *f, const json_t *v)
{
	const char *key, *between = "";
	const json_t *in;
	size_t i;

	if (json_is_string(v))
		fputs(json_string_value(v), f);
	else if (json_is_integer(v))
		fprintf(f, "%lld", (long long)json_integer_value(v));
	else if (json_is_true(v))
		fputs("yes", f);
	json_array_foreach(v, i, in)
	{
		fprintf(f, "%s", i ? ", " : "");
		tell(f, in);
	}
	for (void *it = json_object_iter((json_t *)(uintptr_t)v); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
		key = json_object_iter_key(it);
		in = json_object_iter_value(it);
		if (json_is_null(in) || (json_is_array(in) && !json_array_size(in)))
			continue;
		fprintf(f, "%s%s: ", between, key);
		tell(f, in);
		between = "; ";
	}
}

int json_out_tell(struct json_out *out, void (*fn)(const char *key, const char *text),
		  struct err *e)
{
	int r = 0;

	while (out->depth > 1)
		json_out_end(out);
	for (void *it = json_object_iter(out->stack[0]); r == 0 && it;
	     it = json_object_iter_next(out->stack[0], it)) {
		AUTO_FREE char *text = NULL;
		size_t len = 0;
		FILE *f;

		if (!strcmp(json_object_iter_key(it), SCHEMA_KEY))
			continue; /* of no use to people */
		f = open_memstream(&text, &len);
		if (f)
			tell(f, json_object_iter_value(it));
		if (!f || fclose(f) != 0)
			r = -ENOMEM;
		else if (len)
			fn(json_object_iter_key(it), text);
	}
	json_decref(out->stack[0]);
	out->depth = 0;
	return r < 0 || out->failed ? err_sys(e, -ENOMEM, "cannot write it") : 0;
}
