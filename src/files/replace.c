/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See replace.h. Only reads. Called by import.c, before it touches anything.
 */
#include "files/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vpn.h"
#include "conf/conf.h"
#include "conf/profile.h"

#define PATH_LEN (sizeof(VPN_CONFIG_DIR) + NAME_MAX_LEN + 8)

static int check_config(const struct profile *p, const char *name, struct err *e)
{
	char own[PATH_LEN];

	snprintf(own, sizeof(own), VPN_CONFIG_DIR "/%s.conf", name);
	if (p->config && !strcmp(p->config, own))
		return 0;
	if (p->config)
		return err_set(e, -EINVAL, "VPN '%s' has its file elsewhere: replace %s itself",
			       name, p->config);
	return err_set(e, -EINVAL, "VPN '%s' has no file: " VPN_CONFIG_DIR "/%s.json describes it",
		       name, name);
}

int replace_check(const struct confdir *d, const char *name, const struct source *from, int *ret_id,
		  struct err *e)
{
	struct conf_text json = {NULL, 0};
	struct profile_texts texts;
	struct profile p = {0};
	char file[NAME_MAX_LEN + 8], path[PATH_LEN];
	int r;

	snprintf(file, sizeof(file), "%s.json", name);
	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s", file);
	r = confdir_read(d, file, &json);
	if (r < 0)
		return err_sys(e, r, "cannot read %s", path);
	r = profile_parse(path, json.at, json.len, &p, e);
	r = r ?: check_config(&p, name, e);
	profile_free(&p);
	texts = (struct profile_texts){
		.json = json.at, .conf = from->text, .json_len = json.len, .conf_len = from->len};
	r = r ?: profile_load_texts(path, &texts, &p, e);
	if (r == 0)
		*ret_id = p.id;
	profile_free(&p);
	free(json.at);
	return r;
}
