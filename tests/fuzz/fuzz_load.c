/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as all the files of /etc/vpnrun at once: profiles, the wg-quick files and keys that
 * they name, and what else is asked on the way; as the accounts of whom root becomes; and as the
 * kernel's own tables of text. What is loaded is whole, what is not has a sentence.
 */
#include "fuzz/world.h"

#include <stdlib.h>
#include <string.h>

#include "line/identity.c"

#include "conf/plan.h"
#include "conf/profile.h"
#include "ensure/kinds.h"
#include "launch/i386.h"

static void profiles(struct err *e)
{
	struct profile_entry *all = NULL;
	struct profile p;
	size_t n = 0;

	if (world_choice(2)) {
		if (profile_list(&all, &n, e) < 0)
			must_be_sentence(e);
		for (size_t i = 0; i < n; i++)
			must(all[i].id ? all[i].id >= 1 && all[i].id <= 99 : all[i].error.code < 0);
		free(all);
		return;
	}
	if (profile_load_name("demo", &p, e) < 0) {
		must_be_sentence(e);
		return;
	}
	must(p.id >= 1 && p.id <= 99 && p.bridge && p.tunnel.n_peers && p.tunnel.n_addresses);
	memset(e, 0, sizeof(*e));
	if (profile_check_via(&p, e) < 0 || profile_check_conflicts(&p, e) < 0)
		must(e->code < 0 && e->msg[0]);
	profile_free(&p);
}

static void accounts(struct err *e)
{
	struct account a;
	gid_t groups[16];

	(void)e;
	account_find(world_choice(2) ? "alice" : NULL, 1000, &a);
	if (a.name)
		must(a.home && a.shell && a.uid != (uid_t)-1);
	must(groups_of("alice", groups, ARRAY_SIZE(groups)) <= ARRAY_SIZE(groups));
	free(a.text);
}

static void tables(struct err *e)
{
	char *text = world_next_text();
	const char *why = launch_reaches_by(text, world_choice(2) ? -1 : 3);

	(void)e;
	must(!why || *why);
	free(text);
}

static void sysctls(struct err *e)
{
	struct want w = {.kind = WANT_SYSCTL, .sysctl = {"ipv4/ip_forward", "1"}};
	struct net_seen s = SEEN_INIT;
	char why[64] = "";
	int r = kind_missing(&w, &s, why, sizeof(why), e);

	must(r <= 1 && memchr(why, '\0', sizeof(why)));
	w.kind = WANT_FILE;
	str_copy(w.file.path, sizeof(w.file.path), "/etc/netns/demo/resolv.conf");
	must(kind_missing(&w, &s, why, sizeof(why), e) <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const all[])(struct err *) = {profiles, accounts, tables, sysctls};
	struct err e = ERR_INIT;

	world_begin(data, size);
	all[world_choice(ARRAY_SIZE(all))](&e);
	world_end();
	return 0;
}
