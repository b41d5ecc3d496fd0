/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See service.h. Called by what plans a wrap.
 */
#include "wrap/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static const char *exec_of(const char *line, size_t *len)
{
	if (strncmp(line, "Exec=", 5) != 0)
		return NULL;
	*len -= 5;
	return line + 5;
}

enum wrap_how service_judge(const char *text, const struct wrap_target *t)
{
	size_t len;

	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		size_t n = len = strcspn(line, "\n");
		const char *exec = exec_of(line, &n);

		if (exec)
			return wrap_judge(t, exec, n);
	}
	return WRAP_OTHER;
}

char *service_wrap(const char *text, const struct wrap_cover *c)
{
	char *out = NULL;
	size_t size = 0, len;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	fprintf(f, "#%s\n", c->mark);
	for (const char *line = text; *line; line += len + (line[len] == '\n')) {
		size_t n = len = strcspn(line, "\n");
		const char *exec = exec_of(line, &n);

		if (exec) {
			fputs("Exec=", f);
			wrap_put_command(f, c, exec, n);
			fputc('\n', f);
		} else if (strncmp(line, "SystemdService=", 15) != 0) {
			fprintf(f, "%.*s\n", (int)len, line);
		}
	}
	if (fclose(f) != 0) {
		free(out);
		return NULL;
	}
	return out;
}
