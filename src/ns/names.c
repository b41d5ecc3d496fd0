/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the two files that decide whom libc asks for a name. Must never let through a module that
 * speaks to a daemon of the host (resolve, mdns, sss, mymachines, wins, libvirt): those answer from
 * the host's network whatever resolv.conf says. Called by the launcher.
 */
#include "ns/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

int names_resolv_conf(char *ret, size_t size, const struct names_dns *dns, size_t n,
		      const char *search)
{
	int at = str_fmt(ret, size, "# Written by vpnrun for this program alone.\n"), r;

	if (at < 0)
		return at;
	if (n == 0) {
		r = str_fmt(ret + at, size - (size_t)at, "# There is no name server.\n");
		return r < 0 ? r : 0;
	}
	for (size_t i = 0; i < n; i++) {
		char text[INET6_ADDRSTRLEN];

		if (!inet_ntop(dns[i].family, dns[i].addr, text, sizeof(text)))
			return -EINVAL;
		r = str_fmt(ret + at, size - (size_t)at, "nameserver %s\n", text);
		if (r < 0)
			return r;
		at += r;
	}
	/* Without such a line, libc completes short names by the domain of the machine's own. */
	r = str_fmt(ret + at, size - (size_t)at, "search %s\n", search && search[0] ? search : ".");
	return r < 0 ? r : 0;
}

/* Reads a line as glibc does: blanks before the word, then a blank or a colon, in any number. It
 * takes the last line of a word, so that one that is left decides. */
static bool is_hosts_line(const char *line, const char *end)
{
	while (line < end && isspace((unsigned char)*line))
		line++;
	return end - line > 5 && strncasecmp(line, "hosts", 5) == 0 &&
	       (line[5] == ':' || isspace((unsigned char)line[5]));
}

int names_nsswitch(const char *host, size_t len, char **ret, size_t *ret_len)
{
	static const char ours[] = NAMES_HOSTS_LINE;
	const char *end = host + len, *line, *next;
	bool seen = false;
	/* This is for one line of ours, and a newline where the last line has none. */
	char *out = malloc(len + sizeof(ours) + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	for (line = host; line < end; line = next) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));

		next = nl ? nl + 1 : end;
		if (!is_hosts_line(line, next)) {
			memcpy(out + n, line, (size_t)(next - line));
			n += (size_t)(next - line);
			continue;
		}
		if (!seen) {
			memcpy(out + n, ours, sizeof(ours) - 1);
			n += sizeof(ours) - 1;
		}
		seen = true;
	}
	if (!seen) {
		if (n && out[n - 1] != '\n')
			out[n++] = '\n';
		memcpy(out + n, ours, sizeof(ours) - 1);
		n += sizeof(ours) - 1;
	}
	out[n] = '\0';
	*ret = out;
	*ret_len = n;
	return 0;
}
