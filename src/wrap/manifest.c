/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See manifest.h. Two values of the text are changed where they stand, so that all else is byte for
 * byte as it was. Called by what plans a wrap.
 */
#include "wrap/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"

/* The end of the string that begins behind at. The text has been parsed: each has one. */
static const char *string_end(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return at;
}

/* Finds the value of one of the outermost object's keys, with its quotes. */
static const char *find_value(const char *text, const char *key, size_t *ret_len)
{
	size_t n = strlen(key);
	int depth = 0;

	for (const char *at = text; *at; at++) {
		const char *end, *v;

		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		if (*at != '"')
			continue;
		end = string_end(at);
		if (!*end)
			return NULL;
		v = end + 1 + strspn(end + 1, " \t\r\n");
		if (depth == 1 && *v == ':' && (size_t)(end - at) == n + 1 &&
		    !strncmp(at + 1, key, n)) {
			v += 1 + strspn(v + 1, " \t\r\n");
			if (*v != '"' || !*string_end(v))
				return NULL;
			*ret_len = (size_t)(string_end(v) - v) + 1;
			return v;
		}
		at = end;
	}
	return NULL;
}

int manifest_path(const char *text, char *ret, size_t size)
{
	struct json_doc doc = {0};
	const char *path = NULL;
	int r = json_doc_parse(&doc, "manifest", text, strlen(text), NULL);

	if (r < 0)
		return -EINVAL;
	if (json_doc_str(&doc, "path", &path, NULL) != 1 || str_copy(ret, size, path) < 0)
		r = -EINVAL;
	json_doc_free(&doc);
	return r;
}

char *manifest_wrap(const char *text, const char *path, const char *mark)
{
	size_t path_len, said_len = 0, size = 0;
	const char *was = find_value(text, "path", &path_len),
		   *said = find_value(text, "description", &said_len);
	char *out = NULL;
	FILE *f;

	/* Bytes that JSON would write in another way. */
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
			return NULL;
	f = was ? open_memstream(&out, &size) : NULL;
	if (!f)
		return NULL;
	if (said && said < was)
		fprintf(f, "%.*s (%s)\"%.*s", (int)(said + said_len - 1 - text), text, mark + 1,
			(int)(was - said - (ptrdiff_t)said_len), said + said_len);
	else
		fprintf(f, "%.*s", (int)(was - text), text);
	fprintf(f, "\"%s\"", path);
	if (said && said > was)
		fprintf(f, "%.*s (%s)\"%s", (int)(said + said_len - 1 - was - (ptrdiff_t)path_len),
			was + path_len, mark + 1, said + said_len);
	else
		fprintf(f, "%s%s%s%s", said ? "" : ", \"description\": \"(", said ? "" : mark + 1,
			said ? "" : ")\"", was + path_len);
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
