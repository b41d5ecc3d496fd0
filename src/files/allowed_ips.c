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
	struct ipaddr *from, *minus;
	size_t n_from, n_minus;
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
			r = prefixes_parse(text, &l->minus, &l->n_minus, &e);
		else
			r = prefixes_parse(text, &l->from, &l->n_from, &e);
		if (r < 0) {
			log_error("%s", e.msg);
			return CTL_FAILED;
		}
	}
	return l->n_from ? CTL_OK : usage();
}

static int print(const struct lists *l)
{
	AUTO_FREE struct ipaddr *rest = NULL;
	struct err e = ERR_INIT;
	size_t n = 0;
	char text[PREFIX_TEXT_LEN];

	if (prefixes_subtract(l->from, l->n_from, l->minus, l->n_minus, &rest, &n, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (!n) {
		log_error("nothing remains");
		return CTL_FAILED;
	}
	for (size_t i = 0; i < n; i++) {
		prefix_format(&rest[i], text);
		say("%s%s", i ? ", " : "", text);
	}
	putchar('\n');
	return CTL_OK;
}

int ctl_allowed_ips(int argc, char **argv)
{
	struct lists l = {0};
	int rc = parse(argc, argv, &l);

	if (rc == CTL_OK)
		rc = print(&l);
	free(l.from);
	free(l.minus);
	return rc;
}
