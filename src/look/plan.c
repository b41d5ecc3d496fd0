/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl plan NAME`: all that an `up` makes, in its order, without making anything; of a VPN that
 * is up, what of it is there. What is printed is the list that `up` itself works by.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "conf/profile.h"
#include "ctl/show.h"
#include "state/record.h"
#include "tunnel/way.h"
#include "tunnel/path.h"
#include "ensure/ensure.h"
#include "wall/firewall.h"
#include "ensure/made.h"
#include "lan/lan.h"
#include "up/wanted.h"

struct planned {
	struct profile p;
	struct want_list l;
	size_t n_vpn; /* so many are in the VPN's namespace, and the rest is the host's end of its
		       * cable to the LAN */
	bool is_up;
	const struct want **missing; /* of l, in its order */
	size_t n_missing;
};

static void note_missing(const struct want *w, const char *sentence, void *arg)
{
	struct planned *plan = arg;

	(void)sentence;
	if (plan->n_missing < plan->l.n)
		plan->missing[plan->n_missing++] = w;
}

static bool is_missing(const struct planned *plan, const struct want *w)
{
	for (size_t i = 0; i < plan->n_missing; i++)
		if (plan->missing[i] == w)
			return true;
	return !plan->is_up;
}

static int compare(struct planned *plan, struct err *e)
{
	struct want_list vpn, host;
	AUTO_CLOSE int ns = -1;
	struct record r;
	int n;

	if (record_read(plan->p.name, &r, NULL) < 0 || r.state != RECORD_UP)
		return 0;
	ns = record_open_netns(&r, e);
	if (ns < 0)
		return 0; /* somebody took it away: all is to be made */
	plan->missing = calloc(plan->l.n + 1, sizeof(const struct want *));
	if (!plan->missing)
		return err_sys(e, -ENOMEM, "cannot hold the plan");
	made_keep_digests(plan->p.name, &plan->l);
	lan_keep_digests(plan->p.name, &plan->l);
	vpn = (struct want_list){.at = plan->l.at, .n = plan->n_vpn};
	host = (struct want_list){.at = plan->l.at + plan->n_vpn, .n = plan->l.n - plan->n_vpn};
	n = ensure_missing(&vpn, ns, note_missing, plan, e);
	if (n >= 0)
		n = ensure_missing(&host, -1, note_missing, plan, e);
	plan->is_up = n >= 0;
	return n < 0 ? n : 0;
}

static int make_plan(const char *name, struct planned *plan, struct err *e)
{
	const struct endpoint_set nowhere = {0};
	struct record rec;
	uint32_t mtu;
	int r = profile_load_name(name, &plan->p, e);

	if (r == 0)
		r = profile_check_conflicts(&plan->p, e);
	if (r < 0)
		return r;
	if (record_read(name, &rec, NULL) == 0 && rec.state == RECORD_UP)
		mtu = rec.mtu;
	else
		r = path_mtu(&plan->p.tunnel, &nowhere, &mtu, NULL);
	r = r ?: way_find(&plan->p, e);
	if (plan->p.way)
		mtu = plan->p.way->mtu;
	if (r == 0)
		r = wanted_vpn(&plan->p, mtu, &plan->l, e);
	plan->n_vpn = plan->l.n;
	r = r ?: lan_want(&plan->p, &plan->l, e);
	return r < 0 ? r : compare(plan, e);
}

static void free_plan(struct planned *plan)
{
	free(plan->missing);
	want_list_free(&plan->l);
	profile_free(&plan->p);
}

static int print_json(const struct planned *plan)
{
	AUTO_FREE char *all = NULL;
	struct err e = ERR_INIT;
	struct json_out out;

	json_out_begin(&out);
	json_out_str(&out, "name", plan->p.name);
	json_out_bool(&out, "up", plan->is_up);
	json_out_array(&out, "objects");
	for (size_t i = 0; i < plan->l.n; i++) {
		char text[WANT_TEXT_LEN];

		want_describe(&plan->l.at[i], text);
		json_out_object(&out, NULL);
		json_out_str(&out, "kind", want_kind_name(plan->l.at[i].kind));
		json_out_str(&out, "object", text);
		json_out_bool(&out, "there", !is_missing(plan, &plan->l.at[i]));
		json_out_end(&out);
	}
	if (json_out_finish(&out, &all, &e) < 0)
		return ctl_fail(&e);
	fputs(all, stdout);
	return CTL_OK;
}

static void print_text(const struct planned *plan)
{
	const char *where = plan->p.layout == LAYOUT_BRIDGE ? "among the host's own"
							    : "in a network namespace of its own";

	say("%s, %s:\n", plan->p.name, where);
	for (size_t i = 0; i < plan->l.n; i++) {
		char text[WANT_TEXT_LEN];

		want_describe(&plan->l.at[i], text);
		say("  %s %s\n", is_missing(plan, &plan->l.at[i]) ? "+" : " ", text);
	}
	if (!plan->is_up)
		say("and the tunnel. Nothing of it was made: vpnctl up %s makes it.\n",
		    plan->p.name);
	else if (plan->n_missing)
		say("%zu missing or altered (+): vpnctl up %s restores them.\n", plan->n_missing,
		    plan->p.name);
	else
		say("All of it is there.\n");
}

static int print_firewall(const struct planned *plan)
{
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;

	if (firewall_text(&plan->p, &text, &e) < 0)
		return ctl_fail(&e);
	fputs(text, stdout);
	return CTL_OK;
}

int ctl_plan(int argc, char **argv)
{
	const char *name = NULL;
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct planned plan = {0};
	struct err e = ERR_INIT;
	bool json = false, nft = false;
	int r, rc = CTL_OK;

	for (int i = 1; i < argc; i++) {
		json = json || !strcmp(argv[i], "--json");
		nft = nft || !strcmp(argv[i], "--nft");
		if (argv[i][0] != '-')
			name = argv[i];
	}
	if (!name || (json && nft)) {
		log_error("usage: vpnctl plan NAME [--json|--nft]");
		return CTL_USAGE;
	}
	progress_begin(&progress, 0, "planning %s", name);
	r = make_plan(name, &plan, &e);
	progress_end(&progress);
	if (r < 0)
		rc = ctl_fail(&e);
	else if (nft)
		rc = print_firewall(&plan);
	else if (json)
		rc = print_json(&plan);
	else
		print_text(&plan);
	free_plan(&plan);
	return rc;
}
