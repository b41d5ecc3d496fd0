/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See replace.h. Only reads. Called by import.c, before it touches anything.
 */
#include "files/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/vpn.h"
#include "conf/conf.h"
#include "conf/profile.h"
#include "files/server_dir.h"

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

static int read_json(const struct confdir *d, const char *name, struct conf_text *ret,
		     struct profile *p, struct err *e)
{
	char file[NAME_MAX_LEN + 8], path[PATH_LEN];
	int r;

	snprintf(file, sizeof(file), "%s.json", name);
	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s", file);
	r = confdir_read(d, file, ret);
	return r < 0 ? err_sys(e, r, "cannot read %s", path)
		     : profile_parse(path, ret->at, ret->len, p, e);
}

int replace_check_servers(const struct confdir *d, const char *name, int *ret_id, struct err *e)
{
	char own[sizeof(VPN_CONFIG_DIR) + SERVER_DIR_LEN], dir[SERVER_DIR_LEN];
	struct conf_text json = {NULL, 0};
	struct profile p = {0};
	int r = read_json(d, name, &json, &p, e);

	server_dir_of(name, dir);
	str_fmt(own, sizeof(own), VPN_CONFIG_DIR "/%s", dir);
	if (r == 0 && p.servers && strcmp(p.servers, own) != 0)
		r = err_set(e, -EINVAL,
			    "VPN '%s' has its servers elsewhere: replace the files in %s", name,
			    p.servers);
	if (r == 0 && p.servers) {
		*ret_id = p.id;
		r = 1;
	}
	profile_free(&p);
	free(json.at);
	return r;
}

int replace_check(const struct confdir *d, const char *name, const struct source *from, int *ret_id,
		  struct err *e)
{
	struct conf_text json = {NULL, 0};
	struct profile_texts texts;
	struct profile p = {0};
	char path[PATH_LEN];
	int r = read_json(d, name, &json, &p, e);

	snprintf(path, sizeof(path), VPN_CONFIG_DIR "/%s.json", name);
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
