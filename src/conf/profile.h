/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/vpnrun/NAME.json. Unknown keys, wrong types, numbers out of range: refused with
 * "FILE:LINE: KEY: what is wrong". The JSON holds no secret.
 */
#pragma once

#include "conf/model.h"

#define PROFILE_SIZE_MAX (64u * 1024u)

/* Parses the JSON only; the name comes from the file's name. p->tunnel stays empty unless the
 * tunnel is given inline, and then has no private key yet. */
int profile_parse(const char *path, const char *text, size_t len, struct profile *p, struct err *e);

/* The JSON, the wg-quick file or private key file that it names, and the checks that need both.
 * Needs to read the key: root, for the files in /etc. */
int profile_load(const char *path, struct profile *p, struct err *e);

/* profile_load() of texts instead of files. conf NULL: the files that the JSON names are read;
 * else it is the wg-quick file ("" where there is none), and whatever keys there are stay unread.
 */
struct profile_texts {
	const char *json, *conf;
	size_t json_len, conf_len;
	const char *server; /* of many; NULL: the one that its owner has chosen */
};
int profile_load_texts(const char *path, const struct profile_texts *texts, struct profile *p,
		       struct err *e);

/* profile_load() of VPN_CONFIG_DIR/NAME.json. -ENOENT: e lists the names that exist. */
int profile_load_name(const char *name, struct profile *p, struct err *e);

/* -ENOENT, and a sentence that lists the names that exist. */
int profile_fail_unknown(const char *name, struct err *e);

/* profile_parse() of VPN_CONFIG_DIR/NAME.json: no key is read. -ENOENT as profile_load_name(). */
int profile_parse_name(const char *name, struct profile *p, struct err *e);

/* profile_load_name() by that one of its servers. NULL: by the one that its owner has chosen.
 * -ENOENT: there is none of that name. */
int profile_load_server(const char *name, const char *server, struct profile *p, struct err *e);

struct profile_entry {
	char name[NAME_MAX_LEN + 1];
	int id;		  /* 0: the file could not be parsed */
	struct err error; /* why */
};

/* All VPNs of VPN_CONFIG_DIR sorted by id, from the JSON alone; a broken file is an entry with an
 * error, and so is an id that two files claim. *ret is the caller's to free. */
int profile_list(struct profile_entry **ret, size_t *ret_n, struct err *e);

/* Follows "via" from VPN to VPN: -EINVAL and half a sentence if one of them is not there, is of the
 * layout bridge, or leads back. */
int profile_check_via(const struct profile *p, struct err *e);

/* -EEXIST and a sentence that names both if another profile has p's id or an overlapping subnet. */
int profile_check_conflicts(const struct profile *p, struct err *e);
