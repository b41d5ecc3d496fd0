/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of a profile by their kind. Pure.
 */
#include "conf/profile_type.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"

#define LIST_MAX 256 /* entries of a list in the JSON */

static void *place_of(struct profile *p, size_t at)
{
	return (char *)p + at;
}

static const void *value_of(const struct profile *p, size_t at)
{
	return (const char *)p + at;
}

int profile_fail_memory(struct profile_reader *r)
{
	return err_sys(r->e, -ENOMEM, "cannot read %s", r->doc.file);
}

int profile_read_text(struct profile_reader *r, const char *key, char **ret)
{
	const char *text;
	int n = json_doc_str(&r->doc, key, &text, r->e);

	if (n <= 0)
		return n;
	*ret = strdup(text);
	return *ret ? 1 : profile_fail_memory(r);
}

static int fail_missing(struct profile_reader *r, const struct profile_key *k)
{
	return json_doc_fail(&r->doc, r->e, k->name, "is missing");
}

int profile_read_number(struct profile_reader *r, const struct profile_key *k)
{
	const struct json_bounds bounds = {k->min, k->max};
	uint64_t v = 0;
	int n = json_doc_uint(&r->doc, k->name, bounds, &v, r->e);

	if (n == 0 && k->needed)
		return json_doc_fail(&r->doc, r->e, k->name, "is missing: a number from %zu to %zu",
				     k->min, k->max);
	if (n > 0)
		*(uint32_t *)place_of(r->p, k->at) = (uint32_t)v;
	return n < 0 ? n : 0;
}

int profile_read_switch(struct profile_reader *r, const struct profile_key *k)
{
	int n = json_doc_bool(&r->doc, k->name, place_of(r->p, k->at), r->e);

	return n < 0 ? n : 0;
}

int profile_read_path(struct profile_reader *r, const struct profile_key *k)
{
	char **ret = place_of(r->p, k->at);
	int n = profile_read_text(r, k->name, ret);

	if (n == 0)
		return k->needed ? fail_missing(r, k) : 0;
	if (n == 1 && ((*ret)[0] != '/' || strlen(*ret) > 255))
		return json_doc_fail(&r->doc, r->e, k->name,
				     "must be an absolute path of at most 255 characters");
	return n < 0 ? n : 0;
}

/* "a", "b" or "c" */
static void list_words(const struct profile_key *k, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; k->words[i]; i++) {
		const char *between = !i ? "" : k->words[i + 1] ? ", " : " or ";
		int n = str_fmt(ret + len, size - len, "%s\"%s\"", between, k->words[i]);

		len += n > 0 ? (size_t)n : 0;
	}
}

int profile_read_word(struct profile_reader *r, const struct profile_key *k)
{
	unsigned int *ret = place_of(r->p, k->at);
	const char *text = k->words[0];
	char all[80];

	if (json_doc_str(&r->doc, k->name, &text, r->e) < 0)
		return -EINVAL;
	for (unsigned int i = 0; k->words[i]; i++)
		if (!strcmp(text, k->words[i])) {
			*ret = i;
			return 0;
		}
	list_words(k, all, sizeof(all));
	return json_doc_fail(&r->doc, r->e, k->name, "must be %s", all);
}

/* Names as the system's databases have them, those of a directory service included. */
static bool is_account(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (i >= PROFILE_ACCOUNT_LEN - 1 || name[i] <= ' ' || name[i] > '~' ||
		    strchr(":,/\"'", name[i]))
			return false;
	return i > 0 && name[0] != '-';
}

static int keep_text(struct profile_reader *r, const char *text, char ***ret, size_t *ret_n)
{
	char **place = model_grow(ret, *ret_n, sizeof(*place));

	if (!place)
		return profile_fail_memory(r);
	*place = strdup(text);
	if (!*place)
		return profile_fail_memory(r);
	++*ret_n;
	return 0;
}

int profile_read_accounts(struct profile_reader *r, const char *key, const struct profile_key *max,
			  char ***ret, size_t *ret_n)
{
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = max->max};

	if (json_doc_strv(&r->doc, key, &got, r->e) < 0)
		return -EINVAL;
	list = got.at;
	for (size_t i = 0; i < got.n; i++) {
		if (!is_account(list[i]))
			return json_doc_fail(&r->doc, r->e, key,
					     "holds what is not a name of at most %d characters",
					     PROFILE_ACCOUNT_LEN - 1);
		if (keep_text(r, list[i], ret, ret_n) < 0)
			return -EINVAL;
	}
	return 0;
}

/* It becomes a directory's name: what systemd escapes it writes with a backslash. */
static bool is_unit(const char *name)
{
	static const char *const kinds[] = {".service", ".scope", ".slice"};
	size_t len = strlen(name);
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i]);

		known = known || (len > n && !strcmp(name + len - n, kinds[i]));
	}
	for (size_t i = 0; i < len; i++)
		if (!str_is_alnum(name[i]) && !strchr(":-_.\\@", name[i]))
			return false;
	return known && len < PROFILE_UNIT_LEN && name[0] != '.';
}

int profile_read_units(struct profile_reader *r, const char *key, const struct profile_key *max,
		       char ***ret, size_t *ret_n)
{
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = max->max};

	if (json_doc_strv(&r->doc, key, &got, r->e) < 0)
		return -EINVAL;
	list = got.at;
	for (size_t i = 0; i < got.n; i++) {
		if (!is_unit(list[i]))
			return json_doc_fail(&r->doc, r->e, key,
					     "holds what is not a unit of systemd like "
					     "\"sshd.service\" (a service, scope or slice)");
		if (keep_text(r, list[i], ret, ret_n) < 0)
			return -EINVAL;
	}
	return 0;
}

int profile_read_prefixes(struct profile_reader *r, const char *key, bool alone,
			  struct ipaddr **ret, size_t *ret_n)
{
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = LIST_MAX};
	char buf[VALUE_SHOW_MAX];
	struct ipaddr a;
	int found = json_doc_strv(&r->doc, key, &got, r->e);

	list = got.at;
	if (found <= 0)
		return found;
	for (size_t i = 0; i < got.n; i++) {
		if (ipaddr_parse(list[i], &a) < 0 || (alone && strchr(list[i], '/')))
			return json_doc_fail(&r->doc, r->e, key, "%s is not an IP address%s",
					     value_show(list[i], buf),
					     alone ? "" : " with an optional /LENGTH");
		if (ipaddr_append(ret, ret_n, &a, list[i]) < 0)
			return profile_fail_memory(r);
	}
	return 1;
}

int profile_read_addresses(struct profile_reader *r, const struct profile_key *k)
{
	int n = profile_read_prefixes(r, k->name, true, place_of(r->p, k->at),
				      place_of(r->p, k->n_at));

	return n < 0 ? n : 0;
}

int profile_read_networks(struct profile_reader *r, const struct profile_key *k)
{
	struct ipaddr **list = place_of(r->p, k->at);
	size_t *n = place_of(r->p, k->n_at);

	if (profile_read_prefixes(r, k->name, false, list, n) < 0)
		return -EINVAL;
	if (*n > k->max)
		return json_doc_fail(&r->doc, r->e, k->name, "has more than %zu entries", k->max);
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i].plen < 8 || ipaddr_has_host_bits(&(*list)[i]))
			return json_doc_fail(
				&r->doc, r->e, k->name,
				"%s is not a network of at least a /8, given by its own address",
				(*list)[i].text);
	return 0;
}

static bool parse_service(const char *text, struct host_port *ret)
{
	const char *slash = strchr(text, '/');
	char number[8] = "";
	uint64_t port;

	if (!slash || (strcmp(slash, "/tcp") != 0 && strcmp(slash, "/udp") != 0) ||
	    str_fmt(number, sizeof(number), "%.*s", (int)(slash - text), text) < 0 ||
	    str_uint(number, 1, 65535, &port) < 0)
		return false;
	*ret = (struct host_port){.port = (uint16_t)port, .udp = slash[1] == 'u'};
	return true;
}

/* "53/udp", "8080/tcp" */
int profile_read_services(struct profile_reader *r, const struct profile_key *k)
{
	AUTO_FREE const char **list = NULL;
	struct json_strv got = {.max = k->max};
	struct host_port **ret = place_of(r->p, k->at);
	size_t *n = place_of(r->p, k->n_at);
	char buf[VALUE_SHOW_MAX];

	if (json_doc_strv(&r->doc, k->name, &got, r->e) < 0)
		return -EINVAL;
	list = got.at;
	for (size_t i = 0; i < got.n; i++) {
		struct host_port *one = model_grow(ret, *n, sizeof(*one));

		if (!one)
			return profile_fail_memory(r);
		if (!parse_service(list[i], one))
			return json_doc_fail(&r->doc, r->e, k->name,
					     "%s is not a port like \"53/udp\" or \"8080/tcp\"",
					     value_show(list[i], buf));
		++*n;
	}
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

void profile_write_number(struct json_out *out, const struct profile_key *k,
			  const struct profile *p)
{
	uint32_t v = *(const uint32_t *)value_of(p, k->at);

	if (v)
		json_out_int(out, k->name, v);
	else
		json_out_null(out, k->name);
}

void profile_write_switch(struct json_out *out, const struct profile_key *k,
			  const struct profile *p)
{
	json_out_bool(out, k->name, *(const bool *)value_of(p, k->at));
}

void profile_write_text(struct json_out *out, const struct profile_key *k, const struct profile *p)
{
	json_out_str(out, k->name, *(char *const *)value_of(p, k->at));
}

void profile_write_word(struct json_out *out, const struct profile_key *k, const struct profile *p)
{
	json_out_str(out, k->name, k->words[*(const unsigned int *)value_of(p, k->at)]);
}

void profile_write_networks(struct json_out *out, const struct profile_key *k,
			    const struct profile *p)
{
	const struct ipaddr *list = *(struct ipaddr *const *)value_of(p, k->at);
	size_t n = *(const size_t *)value_of(p, k->n_at);

	json_out_array(out, k->name);
	for (size_t i = 0; i < n; i++)
		json_out_str(out, NULL, list[i].text);
	json_out_end(out);
}

void profile_write_services(struct json_out *out, const struct profile_key *k,
			    const struct profile *p)
{
	const struct host_port *list = *(struct host_port *const *)value_of(p, k->at);
	size_t n = *(const size_t *)value_of(p, k->n_at);
	char text[16];

	json_out_array(out, k->name);
	for (size_t i = 0; i < n; i++) {
		str_fmt(text, sizeof(text), "%u/%s", list[i].port, list[i].udp ? "udp" : "tcp");
		json_out_str(out, NULL, text);
	}
	json_out_end(out);
}

void profile_write_texts(struct json_out *out, const char *key, char *const *list, size_t n)
{
	json_out_array(out, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(out, NULL, list[i]);
	json_out_end(out);
}
