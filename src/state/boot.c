/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes the line that says which VPN is the machine's default from its start on.
 */
#include "state/boot.h"

#include <errno.h>
#include <string.h>

#define LINE_MAX_LEN 64
#define STRICT	     "--strict"
#define VALID_MARK   "--valid-mark"

static int parse(char *line, struct boot *ret)
{
	struct boot b = {0};
	char *save = NULL, *word;

	word = strtok_r(line, " \n", &save);
	if (!word || !str_is_vpn_name(word))
		return -EPROTO;
	str_copy(b.name, sizeof(b.name), word);
	while ((word = strtok_r(NULL, " \n", &save))) {
		if (!strcmp(word, STRICT))
			b.strict = true;
		else if (!strcmp(word, VALID_MARK))
			b.valid_mark = true;
		else
			return -EPROTO;
	}
	*ret = b;
	return 0;
}

int boot_read(const char *path, struct boot *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read(path, LINE_MAX_LEN, &text, NULL, e);

	*ret = (struct boot){0};
	if (r < 0 && r != -EFBIG)
		return r;
	if (r < 0 || parse(text, ret) < 0)
		return err_set(e, -EPROTO,
			       "%s does not name a VPN; again: sudo vpnctl default NAME --boot",
			       path);
	return 0;
}

int boot_write(const char *path, const struct boot *b, struct err *e)
{
	char line[LINE_MAX_LEN];

	if (str_fmt(line, sizeof(line), "%s%s%s\n", b->name, b->strict ? " " STRICT : "",
		    b->valid_mark ? " " VALID_MARK : "") < 0)
		return err_set(e, -EINVAL, "cannot write %s: the name is too long", path);
	return file_replace(path, line, strlen(line), 0644, e);
}
