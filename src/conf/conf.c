/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of wg-quick files: lines into sections, keys and values; the keys themselves are
 * conf_key.c's. Reads the file and touches nothing else. Must never repeat a text that may be a
 * key, and leaves no copy of one behind on the heap.
 */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_foreign.h"
#include "conf/conf_key.h"

static const struct conf_key *find_key(const char *name)
{
	size_t i;

	for (i = 0; i < conf_keys_n; i++)
		if (!strcasecmp(conf_keys[i].name, name))
			return &conf_keys[i];
	return NULL;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* A key's name is repeated only if it looks like one: a lost line of base64 does not. */
static bool is_nameable(const char *name)
{
	size_t len = strlen(name);

	if (!len || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") +
				    strspn(name + strcspn(name, "0123456789"), "0123456789") !=
			    len)
		return false;
	return len <= 12 || (len <= 28 && !strpbrk(name, "0123456789"));
}

static int fail_unknown(struct conf_parse *p, const char *name)
{
	if (is_nameable(name))
		return conf_fail(p, p->line, name, "WireGuard has no such key");
	return conf_fail(p, p->line, "line",
			 "WireGuard has no such key (not shown: it may be secret)");
}

/* Whether the server speaks WireGuard is known when all of them are. */
static int amnezia_key(struct conf_parse *p, const char *name, int said)
{
	if (!p->amnezia_line) {
		p->amnezia_line = p->line;
		p->amnezia_key = name;
	}
	p->amnezia |= said;
	return 0;
}

static int check_amnezia(struct conf_parse *p)
{
	if (!p->amnezia_line)
		return 0;
	if (p->amnezia != AMNEZIA_PLAIN)
		return conf_fail(p, p->amnezia_line, p->amnezia_key,
				 "is AmneziaWG's key, not WireGuard's; such a server does not "
				 "speak plain WireGuard, so ask the provider for a WireGuard file");
	p->line = p->amnezia_line;
	return conf_warn(p, p->amnezia_key,
			 "is AmneziaWG's, as others are here, and left out: by their values its "
			 "packets are WireGuard's own");
}

static int other_key(struct conf_parse *p, const char *name, const char *value)
{
	bool left_out = false;
	const char *says, *known = name;
	int amnezia = p->section ? conf_amnezia_key(name, value, &known) : -1;

	if (amnezia >= 0)
		return amnezia_key(p, known, amnezia);
	says = p->section ? conf_client_key(name, value, &left_out) : NULL;
	if (!says)
		return fail_unknown(p, name);
	return left_out ? conf_warn(p, name, says) : conf_fail(p, p->line, name, "%s", says);
}

static int fail_odd(struct conf_parse *p, const char *key, const char *what)
{
	return conf_fail(p, p->line, key,
			 "holds %s: only in comments may such a character stand, so type the line "
			 "anew%s",
			 what,
			 strcmp(key, "Endpoint") ? "" : "; a host has a name in ASCII, xn--...");
}

/* Refuses what no value of WireGuard's can be, in words that say just that. */
static int check_value(struct conf_parse *p, const struct conf_key *k, const char *value)
{
	char buf[CONF_ODD_MAX];
	const char *odd = conf_odd_character(value, buf);

	if (odd)
		return fail_odd(p, k->name, odd);
	if (*value == '"' || *value == '\'')
		return conf_fail(p, p->line, k->name,
				 "is in quotes, which WireGuard does not know: take them off");
	if (k->adds && (str_starts(value, "//") || strstr(value, " //")))
		return conf_fail(p, p->line, k->name,
				 "holds //, which begins no comment here: write # in its place");
	return 0;
}

static int end_peer(struct conf_parse *p)
{
	struct tunnel_peer *peer;

	if (p->section != SECTION_PEER)
		return 0;
	peer = conf_peer(p);
	if (!p->peer_has_key)
		return conf_fail(p, peer->line, "PublicKey", "this [Peer] has none");
	if (!peer->n_allowed &&
	    tunnel_warn(p->t, "%s:%d: AllowedIPs: this [Peer] has none, so nothing goes to it",
			p->file, peer->line) < 0)
		return conf_fail_memory(p);
	return 0;
}

static int begin_section(struct conf_parse *p, const char *name)
{
	const char *says = conf_foreign_section(name);
	struct tunnel_peer *peer;
	int r = end_peer(p);

	if (r < 0)
		return r;
	if (says)
		return conf_fail(p, p->line, "section", "%s %s", name, says);
	p->seen = 0;
	p->section_line = p->line;
	if (!strcasecmp(name, conf_section_names[SECTION_INTERFACE])) {
		p->section = SECTION_INTERFACE;
		if (p->interface_line)
			return conf_warn(p, "Interface", "comes again; the two are read as one");
		p->interface_line = p->line;
		return 0;
	}
	if (strcasecmp(name, conf_section_names[SECTION_PEER]) != 0)
		return conf_fail(p, p->line, "section",
				 "only [Interface] and [Peer] are WireGuard's");
	peer = model_grow(&p->t->peers, p->t->n_peers, sizeof(*peer));
	if (!peer)
		return conf_fail_memory(p);
	peer->line = p->line;
	p->t->n_peers++;
	p->section = SECTION_PEER;
	p->peer_has_key = false;
	return 0;
}

static int set_value(struct conf_parse *p, const struct conf_key *k, char *value)
{
	uint32_t bit = 1u << (k - conf_keys);
	int r;

	if (k->section != p->section)
		return conf_fail(p, p->line, k->name, "belongs in %s, but stands in %s",
				 conf_section_names[k->section], conf_section_names[p->section]);
	if (!k->adds && (p->seen & bit)) {
		r = conf_warn(p, k->name, "comes again; the last one counts");
		if (r < 0)
			return r;
	}
	p->seen |= bit;
	value = conf_trim(value);
	r = k->is_hook ? 0 : check_value(p, k, value);
	if (r < 0)
		return r;
	if (*value)
		return k->set(p, k, value);
	return k->needed ? conf_fail(p, p->line, k->name, "is empty")
			 : conf_warn(p, k->name, "is empty; read as if it were not there");
}

static int fail_line(struct conf_parse *p, const struct conf_key *k, const char *foreign)
{
	if (k)
		return conf_fail(p, p->line, k->name, "has no value");
	return conf_fail(p, p->line, "line", "%s",
			 foreign ?: "is neither [Section], KEY = VALUE nor # comment");
}

static int parse_line(struct conf_parse *p, char *line)
{
	char *hash = strchr(line, '#'), *equals = strchr(line, '=');
	const char *foreign, *odd;
	const struct conf_key *k;
	char *name, buf[CONF_ODD_MAX];

	line = conf_trim(line);
	if (*line == ';')
		return conf_warn(p, "line",
				 "begins with ';', which wg(8) refuses; read as a comment");
	if (hash && (!equals || hash < equals)) {
		*hash = '\0';
		equals = NULL;
	}
	if (equals)
		*equals = '\0';
	foreign = p->section ? NULL : conf_foreign_line(line);
	name = conf_squeeze(line);
	if (!*name && !equals)
		return 0;
	odd = conf_odd_character(name, buf);
	if (odd)
		return fail_odd(p, "line", odd);
	if (*name == '[' && !equals)
		return begin_section(p, name);
	k = find_key(name);
	if (!equals)
		return fail_line(p, k, foreign);
	/* A hook's '#' is its shell's business. */
	if (hash && !(k && k->is_hook))
		*hash = '\0';
	return k ? set_value(p, k, equals + 1) : other_key(p, name, conf_trim(equals + 1));
}

static int check_bytes(struct conf_parse *p, const char *text, size_t len)
{
	const char *nul = memchr(text, '\0', len);
	const char *foreign = conf_foreign_file(text, len);
	const char *c;

	if (len > CONF_SIZE_MAX)
		return conf_fail(p, 1, "file", "is larger than 1 MiB");
	if (foreign)
		return conf_fail(p, 1, "file", "%s", foreign);
	if (!nul)
		return 0;
	for (c = text; c < nul; c++)
		p->line += *c == '\n';
	return conf_fail(p, p->line, "line", "holds a NUL byte: this is not plain text%s",
			 len >= 2 && ((uint8_t)text[0] >= 0xfe || nul <= text + 1)
				 ? " (UTF-16? save it as UTF-8)"
				 : "");
}

static int check_whole(struct conf_parse *p)
{
	int r = end_peer(p);

	r = r ?: check_amnezia(p);
	if (r < 0)
		return r;
	if (!p->interface_line)
		return conf_fail(p, 1, "Interface",
				 "is missing: this is not a WireGuard configuration");
	if (!p->has_private_key)
		return conf_fail(p, p->interface_line, "PrivateKey", "is missing in [Interface]");
	if (!p->t->n_addresses)
		return conf_fail(
			p, p->interface_line, "Address",
			"is missing in [Interface]: programs would have no address to send from");
	if (!p->t->n_peers)
		return conf_fail(p, p->line, "Peer", "is missing: there is nobody to connect to");
	return 0;
}

static int parse_text(struct conf_parse *p, char *text)
{
	char *line = text, *end;
	int r;

	if (str_starts(line, "\xef\xbb\xbf")) {
		line += 3;
		r = conf_warn(p, "line",
			      "begins with a byte order mark, which wg(8) refuses; skipped");
		if (r < 0)
			return r;
	}
	for (;; p->line++, line = end + 1) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		r = parse_line(p, line);
		if (r < 0)
			return r;
		if (!end || !end[1])
			return check_whole(p);
	}
}

int conf_parse(const char *file, const char *text, size_t len, struct tunnel *t, struct err *e)
{
	struct tunnel fresh = {0};
	struct conf_parse p = {.file = file, .t = &fresh, .e = e, .line = 1};
	char *copy;
	int r;

	memset(t, 0, sizeof(*t));
	r = check_bytes(&p, text, len);
	if (r < 0)
		return r;
	copy = malloc(len + 1);
	if (!copy)
		return conf_fail_memory(&p);
	memcpy(copy, text, len);
	copy[len] = '\0';
	r = parse_text(&p, copy);
	util_wipe(copy, len);
	free(copy);
	if (r < 0)
		tunnel_free(&fresh);
	else
		*t = fresh;
	util_wipe(fresh.private_key, sizeof(fresh.private_key));
	return r;
}

/* --- files ----------------------------------------------------------------------------------- */

int conf_warn_mode(const char *path, mode_t mode, struct tunnel *t, struct err *e)
{
	if (!S_ISREG(mode) || !(mode & S_IROTH))
		return 0;
	t->world_readable = true;
	if (tunnel_warn(t,
			"%s: everybody on this machine can read it (mode %04o), and it holds a "
			"private key: chmod 600 %s",
			path, (unsigned int)mode & 07777, path) == 0)
		return 0;
	tunnel_free(t);
	return err_sys(e, -ENOMEM, "cannot read %s", path);
}

int conf_load_fd(int fd, const char *path, struct tunnel *t, struct conf_text *ret, struct err *e)
{
	struct stat st;
	size_t len = 0;
	char *text = NULL;
	int r;

	if (fstat(fd, &st) < 0)
		return err_sys(e, -errno, "cannot look at %s", path);
	r = file_read_fd(fd, CONF_SIZE_MAX, &text, &len);
	if (r == -EFBIG)
		return err_set(e, r, "%s:1: file: is larger than 1 MiB", path);
	if (r < 0)
		return err_sys(e, r, "cannot read %s", path);
	r = conf_parse(path, text, len, t, e);
	r = r ?: conf_warn_mode(path, st.st_mode, t, e);
	if (r == 0 && ret) {
		*ret = (struct conf_text){text, len};
		return 0;
	}
	util_wipe(text, len);
	free(text);
	return r;
}

int conf_load(const char *path, struct tunnel *t, struct err *e)
{
	AUTO_CLOSE int fd = file_open_named(path, e);

	memset(t, 0, sizeof(*t));
	return fd < 0 ? fd : conf_load_fd(fd, path, t, NULL, e);
}
