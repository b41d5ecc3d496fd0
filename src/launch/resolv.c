/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which name servers the command is given: the VPN's, those of the line where the VPN lets one
 * choose, or the host's own. A step of launch/run.c, before /etc is another.
 */
#include "launch/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"

static int check_dns(const struct launch *l, const struct names_dns *own, size_t n, struct err *e)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; (l->record.flags & RECORD_OWN_DNS) && i < l->o->n_dns; i++) {
		const struct names_dns *d = &l->o->dns[i];
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found |= own[k].family == d->family &&
				 memcmp(own[k].addr, d->addr,
					d->family == AF_INET ? 4 : sizeof(d->addr)) == 0;
		if (!found)
			return err_set(
				e, -EPERM,
				"--dns %s: VPN '%s' lets nobody ask another name server than "
				"its own (\"other_dns\" in its file)",
				inet_ntop(d->family, d->addr, text, sizeof(text)), l->record.name);
	}
	return 0;
}

/* The host's network without a word about names has the host's. */
static int copy_names(struct launch *l, struct err *e)
{
	AUTO_FREE char *text = NULL;
	int r = file_read("/etc/resolv.conf", sizeof(l->resolv_conf) - 1, &text, NULL, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0 || str_copy(l->resolv_conf, sizeof(l->resolv_conf), text) < 0)
		return err_sys(e, r < 0 ? r : -E2BIG, "cannot take over /etc/resolv.conf");
	return 0;
}

int launch_resolv_write(struct launch *l, struct err *e)
{
	struct names_dns dns[NAMES_DNS_MAX];
	size_t n = record_servers(&l->record, dns);
	int r = check_dns(l, dns, n, e);

	if (r < 0)
		return r;
	if (l->network == LINE_HOST && !l->o->n_dns)
		return copy_names(l, e);
	if (l->o->n_dns)
		r = names_resolv_conf(l->resolv_conf, sizeof(l->resolv_conf), l->o->dns,
				      l->o->n_dns, NULL);
	else
		r = names_resolv_conf(l->resolv_conf, sizeof(l->resolv_conf), dns, n,
				      l->record.search);
	return r < 0 ? err_sys(e, r, "cannot write the sandbox's resolv.conf") : 0;
}
