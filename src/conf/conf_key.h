/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the reader of wg-quick files: its state, and the table of WireGuard's keys.
 */
#pragma once

#include "conf/model.h"
#include "conf/value.h"

enum conf_section { SECTION_NONE, SECTION_INTERFACE, SECTION_PEER };

struct conf_parse {
	const char *file;
	struct tunnel *t;
	struct err *e;
	int line;
	int interface_line; /* 0: none yet */
	int key_line;	    /* of the [Interface] whose PrivateKey counts */
	int section_line;
	enum conf_section section;
	uint32_t seen; /* bits of conf_keys[] in this section */
	bool has_private_key;
	bool peer_has_key;
	int amnezia_line; /* of the first key of AmneziaWG's, 0: there is none */
	const char *amnezia_key;
	int amnezia; /* see conf_amnezia_key() */
};

struct conf_key {
	const char *name;
	enum conf_section section;
	bool is_hook;
	bool adds;   /* given again, it adds up; else the last one counts */
	bool needed; /* may not be empty; else that is the same as none */
	int (*set)(struct conf_parse *p, const struct conf_key *k, char *value);
};

#define CONF_KEYS_MAX 32 /* bits of conf_parse.seen */
extern const struct conf_key conf_keys[];
extern const size_t conf_keys_n;
extern const char *const conf_section_names[];

int conf_fail(struct conf_parse *p, int line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int conf_fail_memory(struct conf_parse *p);
int conf_warn(struct conf_parse *p, const char *key, const char *what);
struct tunnel_peer *conf_peer(struct conf_parse *p); /* the one being read */

char *conf_trim(char *s);
char *conf_squeeze(char *s); /* takes out every blank, as wg(8) does */
