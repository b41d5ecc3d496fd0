/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl allowed-ips: a calculator for AllowedIPs. Touches nothing, needs no privilege.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/ctl.h"
#include "ctl/show.h"
#include "conf/subtract.h"

struct lists {
	struct prefixes from, minus;
};

static int usage(void)
{
	log_error("usage: vpnctl allowed-ips PREFIX[,...] [--minus PREFIX[,...]]...");
	return CTL_USAGE;
}

static int parse(int argc, char **argv, struct lists *l)
{
	struct err e = ERR_INIT;

	for (int i = 1; i < argc; i++) {
		bool minus = str_starts(argv[i], "--minus");
		const char *text = argv[i];
		int r;

		if (minus && argv[i][7] == '=')
			text = argv[i] + 8;
		else if (minus && !argv[i][7] && i + 1 < argc)
			text = argv[++i];
		else if (argv[i][0] == '-')
			return usage();
		if (minus)
			r = prefixes_parse(text, &l->minus, &e);
		else
			r = prefixes_parse(text, &l->from, &e);
		if (r < 0) {
			log_error("%s", e.msg);
			return CTL_FAILED;
		}
	}
	return l->from.n ? CTL_OK : usage();
}

static int print(const struct lists *l)
{
	struct prefixes rest = {0};
	struct err e = ERR_INIT;
	char text[PREFIX_TEXT_LEN];

	if (prefixes_subtract(&l->from, &l->minus, &rest, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (!rest.n) {
		log_error("nothing remains");
		return CTL_FAILED;
	}
	for (size_t i = 0; i < rest.n; i++) {
		prefix_format(&rest.at[i], text);
		say("%s%s", i ? ", " : "", text);
	}
	putchar('\n');
	free(rest.at);
	return CTL_OK;
}

int ctl_allowed_ips(int argc, char **argv)
{
	struct lists l = {0};
	int rc = parse(argc, argv, &l);

	if (rc == CTL_OK)
		rc = print(&l);
	free(l.from.at);
	free(l.minus.at);
	return rc;
}
