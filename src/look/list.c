/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl list`: the VPNs that are configured, one a line. Needs no privilege; asks the kernel
 * nothing.
 */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "ctl/show.h"
#include "look/view.h"

static int list_json(const struct views *vs)
{
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;
	struct json_out out;

	json_out_begin(&out);
	json_out_array(&out, "vpns");
	for (size_t i = 0; i < vs->n; i++) {
		const struct view *v = &vs->at[i];

		json_out_object(&out, NULL);
		json_out_str(&out, "name", v->name);
		if (v->id)
			json_out_int(&out, "id", v->id);
		else
			json_out_null(&out, "id");
		json_out_str(&out, "layout", view_layout_name(v));
		json_out_str(&out, "state", view_state_name(v->state));
		json_out_bool(&out, "default", v->is_default);
		json_out_str(&out, "error", v->broken.code ? v->broken.msg : NULL);
		json_out_end(&out);
	}
	if (json_out_finish(&out, &text, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	fputs(text, stdout);
	return CTL_OK;
}

static void list_text(const struct views *vs)
{
	int width = 4;

	for (size_t i = 0; i < vs->n; i++)
		if ((int)strlen(vs->at[i].name) > width)
			width = (int)strlen(vs->at[i].name);
	if (!vs->n)
		say("no VPN is configured: sudo vpnctl import FILE\n");
	for (size_t i = 0; i < vs->n; i++) {
		const struct view *v = &vs->at[i];
		const char *endpoint = view_endpoint(v);

		say("%-*s  ", width, v->name);
		if (v->id)
			say("%2d", v->id);
		else
			say(" -");
		say("  %-8s  %-6s  %s%s\n", view_state_name(v->state), view_layout_name(v),
		    endpoint ? endpoint : "-", v->is_default ? "  (lowest id)" : "");
	}
	fflush(stdout);
	for (size_t i = 0; i < vs->n; i++)
		if (vs->at[i].broken.code)
			log_error("%s", vs->at[i].broken.msg);
}

int ctl_list(int argc, char **argv)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct views vs = {0};
	struct err e = ERR_INIT;
	int r, rc = CTL_OK;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0)) {
		log_error("usage: vpnctl list [--json]");
		return CTL_USAGE;
	}
	progress_begin(&progress, 0, "looking at the VPNs");
	r = views_read(false, &vs, &e);
	progress_end(&progress);
	if (r < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (argc == 2)
		rc = list_json(&vs);
	else
		list_text(&vs);
	views_free(&vs);
	return rc;
}
