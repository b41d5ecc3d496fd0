/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl rename OLD NEW`: the same VPN, id, key and settings, by another name. At each moment
 * there is one VPN with all that it needs: its key gets the new name beside the old one, the JSON
 * then says so, is renamed by one call, and the key's old name goes.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "conf/value.h"
#include "ctl/show.h"
#include "files/owned.h"

struct renaming {
	struct confdir dir;
	struct owned old;
	const char *name;
	char json[OWNED_FILE_LEN], conf[OWNED_FILE_LEN]; /* the new ones */
	char *text;					 /* of the new JSON */
};

/* The path of the key in the JSON's text, which stays as it was written but for that. */
static int make_text(struct renaming *n, struct err *e)
{
	const char *at = n->old.json_text.at, *from;
	char path[sizeof(VPN_CONFIG_DIR) + OWNED_FILE_LEN];
	struct profile p = {0};
	int r;

	from = n->old.conf_text.at ? strstr(at, n->old.p.config) : NULL;
	if (n->old.conf_text.at && !from)
		return err_set(e, -EINVAL,
			       VPN_CONFIG_DIR "/%s: config: write the path as it is, without '\\'",
			       n->old.json);
	if (!from)
		r = asprintf(&n->text, "%s", at);
	else
		r = asprintf(&n->text, "%.*s" VPN_CONFIG_DIR "/%s%s", (int)(from - at), at, n->conf,
			     from + strlen(n->old.p.config));
	if (r < 0) {
		n->text = NULL;
		return err_sys(e, -ENOMEM, "cannot rename VPN '%s'", n->old.name);
	}
	/* A name that means something else in a file, such as its own "via", is refused here. */
	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s", n->json);
	r = profile_parse(path, n->text, strlen(n->text), &p, e);
	profile_free(&p);
	return r;
}

static int fail(const struct renaming *n, int r, struct err *e)
{
	return err_sys(e, r, "cannot rename VPN '%s' to '%s'", n->old.name, n->name);
}

static int check_new(const struct renaming *n, struct err *e)
{
	char shown[VALUE_SHOW_MAX];
	int r;

	if (!str_is_vpn_name(n->name))
		return err_set(e, -EINVAL,
			       "%s is not a VPN's name: 1 to %d letters, digits, '-' and '_', the "
			       "first a letter or digit",
			       value_show(n->name, shown), NAME_MAX_LEN);
	r = confdir_has(&n->dir, n->json);
	if (r < 0)
		return fail(n, r, e);
	if (r > 0)
		return err_set(e, -EEXIST, "there is a VPN '%s' already", n->name);
	r = n->old.conf_text.at ? confdir_has(&n->dir, n->conf) : 0;
	if (r < 0)
		return fail(n, r, e);
	if (r > 0 && !confdir_is_same(&n->dir, n->old.conf, n->conf))
		return err_set(e, -EEXIST, VPN_CONFIG_DIR "/%s exists and is another file",
			       n->conf);
	return 0;
}

static int apply(struct renaming *n, struct err *e)
{
	const struct owned *o = &n->old;
	size_t len = strlen(n->text);
	int r = o->conf_text.at ? confdir_link(&n->dir, o->conf, n->conf) : 0;

	if (r < 0 && r != -EEXIST)
		return fail(n, r, e);
	r = confdir_swap(&n->dir, o->json, n->text, len, 0644);
	if (r == 0) {
		r = confdir_rename(&n->dir, o->json, n->json);
		if (r < 0)
			confdir_swap(&n->dir, o->json, o->json_text.at, o->json_text.len, 0644);
	}
	if (r < 0 && o->conf_text.at)
		confdir_remove(&n->dir, n->conf);
	if (r < 0)
		return fail(n, r, e);
	if (o->conf_text.at)
		confdir_remove(&n->dir, o->conf);
	return 0;
}

static int rename_vpn(struct renaming *n, const char *old, struct err *e)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	int r;

	progress_begin(&progress, 0, "renaming %s", old);
	r = confdir_open(&n->dir, e);

	r = r ?: owned_open(&n->dir, old, &n->old, e);
	if (r == 0 && n->old.why.code) {
		*e = n->old.why;
		r = e->code;
	}
	r = r ?: owned_check_via(old, NULL, 0, e);
	r = r ?: check_new(n, e);
	r = r ?: make_text(n, e);
	r = r ?: apply(n, e);
	confdir_close(&n->dir, r < 0);
	return r;
}

int ctl_rename(int argc, char **argv)
{
	struct renaming n = {.dir = CONFDIR_INIT, .old.lock = -1, .name = argv[2]};
	struct err e = ERR_INIT;
	int status = CTL_OK;

	(void)argc;
	str_fmt(n.json, sizeof(n.json), "%s.json", n.name);
	str_fmt(n.conf, sizeof(n.conf), "%s.conf", n.name);
	if (rename_vpn(&n, argv[1], &e) < 0)
		status = ctl_fail(&e);
	else
		say("VPN '%s' is now '%s', with the id that it had\n", argv[1], n.name);
	owned_close(&n.old);
	free(n.text);
	return status;
}
