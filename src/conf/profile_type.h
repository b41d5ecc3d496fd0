/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of a profile as data: a row says what a key is called, of which kind its value is, where
 * it goes and how it is read and written. Private to the reader of profiles and to `vpnctl check`.
 */
#pragma once

#include "base/json.h"
#include "conf/model.h"

struct profile_reader {
	struct json_doc doc;
	struct profile *p;
	struct err *e;
};

enum profile_only { ONLY_ANY, ONLY_NETNS, ONLY_BRIDGE };

struct profile_key {
	const char *name;
	/* Called for every row in the order of the table, also where the file lacks the key. */
	int (*read)(struct profile_reader *r, const struct profile_key *k);
	/* NULL of a key that the tunnel's own part says. */
	void (*write)(struct json_out *out, const struct profile_key *k, const struct profile *p);
	enum profile_only only;
	bool device; /* also of a way out that is not a tunnel */
	bool tunnel; /* describes the tunnel: cannot stand beside "config", whose file says it */
	bool needed;
	size_t at;		  /* of the value in struct profile */
	size_t n_at;		  /* of a list, of how many it has */
	size_t min, max;	  /* of a number, or the most that a list has */
	const char *const *words; /* of an enum, by its values; NULL ends them */
};

int profile_fail_memory(struct profile_reader *r);
/* A text that is kept: 1 if there. *ret is the caller's. */
int profile_read_text(struct profile_reader *r, const char *key, char **ret);
int profile_read_accounts(struct profile_reader *r, const char *key, const struct profile_key *max,
			  char ***ret, size_t *ret_n);

int profile_read_units(struct profile_reader *r, const char *key, const struct profile_key *max,
		       char ***ret, size_t *ret_n);

/* Readers, by the kind of the value: */
int profile_read_number(struct profile_reader *r, const struct profile_key *k); /* uint32_t */
int profile_read_switch(struct profile_reader *r, const struct profile_key *k); /* bool */
int profile_read_path(struct profile_reader *r, const struct profile_key *k);	/* char * */
int profile_read_word(struct profile_reader *r, const struct profile_key *k);	/* enum */
int profile_read_addresses(struct profile_reader *r, const struct profile_key *k);
int profile_read_networks(struct profile_reader *r, const struct profile_key *k);
int profile_read_services(struct profile_reader *r, const struct profile_key *k);

void profile_write_number(struct json_out *out, const struct profile_key *k,
			  const struct profile *p); /* 0: null */
void profile_write_switch(struct json_out *out, const struct profile_key *k,
			  const struct profile *p);
void profile_write_text(struct json_out *out, const struct profile_key *k, const struct profile *p);
void profile_write_word(struct json_out *out, const struct profile_key *k, const struct profile *p);
void profile_write_networks(struct json_out *out, const struct profile_key *k,
			    const struct profile *p);
void profile_write_services(struct json_out *out, const struct profile_key *k,
			    const struct profile *p);
void profile_write_texts(struct json_out *out, const char *key, char *const *list, size_t n);

/* Reads a list of prefixes, or of addresses alone. 1 if it is there. */
int profile_read_prefixes(struct profile_reader *r, const char *key, bool alone,
			  struct ipaddr **ret, size_t *ret_n);
