/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the host's nsswitch.conf, passwd, group and hosts, of which a sandbox gets copies
 * that differ. Nobody but files and DNS is asked for a host's name, whatever stood there, and the
 * rest stays as it was.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "ns/account.h"
#include "ns/etc.h"
#include "ns/names.h"
#include "up/netnsfiles.h"

/* It reads as glibc does: blanks, the word, a colon or a blank. */
static void check_hosts(const char *text)
{
	unsigned int n = 0;

	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		l += strspn(l, " \t\r\v\f");
		if (strncasecmp(l, "hosts", 5) != 0 || !l[5] || !strchr(": \t\r\v\f", l[5]))
			continue;
		must(str_starts(l, NAMES_HOSTS_LINE));
		n++;
	}
	must(n == 1);
}

static void fuzz_nsswitch(struct bytes b)
{
	char *host = world_copy(b), *text;
	size_t len;

	must(names_nsswitch(host, b.len, &text, &len) == 0);
	must(len >= strlen(NAMES_HOSTS_LINE) && text[len] == '\0');
	/* libc reads no further than a NUL of a line, and neither does the check. */
	if (!memchr(text, '\0', len))
		check_hosts(text);
	free(text);
	free(host);
}

static void fuzz_accounts(const char *text)
{
	const struct account_line a = {1000, 1000, "alice", "/home/alice", "/bin/sh"};
	char *more, *again;

	if (account_passwd(text, &a, &more) == 1) {
		/* The name is somebody's of another number already: then it is one without. */
		must(strstr(more, "alice:x:1000:1000:") || strstr(more, "u1000:x:1000:1000:"));
		must(account_passwd(more, &a, &again) == 0);
		free(more);
	}
	if (account_group(text, &a, &more) == 1) {
		must(account_group(more, &a, &again) == 0);
		free(more);
	}
	if (account_hosts(text, "host", &more) == 1) {
		must(strlen(more) >= strlen(text));
		must(account_hosts(more, "host", &again) == 0);
		free(more);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes whole = {data, size};
	struct want_list l = {0};
	char *text = world_text(whole);
	struct err e = ERR_INIT;

	fuzz_nsswitch(whole);
	fuzz_accounts(text);
	free(text);
	world_begin_whole(data, size);
	must(netnsfiles_want("demo", "nameserver 10.20.1.1\n", &l, &e) == 0);
	want_list_free(&l);
	world_end();
	return 0;
}
