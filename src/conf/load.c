/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile with all the files that it names: the wg-quick file, or the files that hold keys.
 * Everything is refused before anything is touched. Called by vpnctl only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "conf/profile.h"
#include "conf/profile_inbound.h"
#include "conf/servers.h"
#include "conf/value.h"
#include "state/lease.h"

#define SPARE_DNS_MAX 64

struct loader {
	struct json_doc doc; /* has no root, and still knows the lines */
	struct profile *p;
	const struct profile_texts *texts;
	struct err *e;
};

static int fail_memory(struct loader *r)
{
	return err_sys(r->e, -ENOMEM, "cannot read %s", r->doc.file);
}

static int load_key(struct loader *r, const char *key, const char *path, uint8_t ret[WG_KEY_LEN])
{
	struct err why = ERR_INIT;
	AUTO_CLOSE int fd = file_open(path, &why);
	AUTO_FREE char *text = NULL;
	struct stat st = {0};
	size_t len = 0;
	int n = fd < 0 ? fd : 0;

	if (n < 0) {
		json_doc_fail(&r->doc, r->e, key, "%s", why.msg);
		return n;
	}
	n = fstat(fd, &st) < 0 ? -errno : file_read_fd(fd, 4096, &text, &len);
	if (n < 0) {
		json_doc_fail(&r->doc, r->e, key, "cannot read %s: %s", path, strerror(-n));
		return n;
	}
	while (len && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	n = strlen(text) == len ? wgkey_parse(text, ret) : -EINVAL;
	util_wipe(text, len);
	if (n < 0)
		return json_doc_fail(&r->doc, r->e, key,
				     "%s holds no WireGuard key (32 bytes in base64)", path);
	if (S_ISREG(st.st_mode) && (st.st_mode & S_IROTH)) {
		r->p->tunnel.world_readable = true;
		if (tunnel_warn(
			    &r->p->tunnel,
			    "%s: everybody on this machine can read it (mode %04o), and it is a "
			    "secret key: chmod 600 %s",
			    path, (unsigned int)st.st_mode & 07777, path) < 0)
			return fail_memory(r);
	}
	return 0;
}

static int load_inline(struct loader *r)
{
	struct tunnel *t = &r->p->tunnel;
	int n;

	t->peers[0].has_psk = r->p->preshared_key_file != NULL;
	if (r->texts->conf)
		return 0; /* it is without keys */
	n = load_key(r, "private_key_file", r->p->private_key_file, t->private_key);
	if (n < 0 || !r->p->preshared_key_file)
		return n;
	return load_key(r, "preshared_key_file", r->p->preshared_key_file, t->peers[0].psk);
}

static int read_config(struct loader *r, struct tunnel *t)
{
	struct err why = ERR_INIT;
	AUTO_CLOSE int fd = -1;

	if (r->texts->conf)
		return conf_parse(r->p->config, r->texts->conf, r->texts->conf_len, t, r->e);
	fd = file_open(r->p->config, &why);
	if (fd >= 0)
		return conf_load_fd(fd, r->p->config, t, NULL, r->e);
	json_doc_fail(&r->doc, r->e, "config", "%s", why.msg);
	return fd;
}

static int load_config(struct loader *r)
{
	struct tunnel *t = &r->p->tunnel, over = *t;
	int n = read_config(r, t);

	if (n < 0) {
		*t = over;
		return n;
	}
	/* What the JSON says of names wins; the losers are freed with `over`. */
	if (over.n_dns) {
		struct ipaddr *dns = t->dns;
		size_t n_dns = t->n_dns;

		t->dns = over.dns;
		t->n_dns = over.n_dns;
		over.dns = dns;
		over.n_dns = n_dns;
	}
	if (over.n_search) {
		char **search = t->search;
		size_t n_search = t->n_search;

		t->search = over.search;
		t->n_search = over.n_search;
		over.search = search;
		over.n_search = n_search;
	}
	tunnel_free(&over);
	return 0;
}

/* Which of many servers it is: from here on its file is the "config". */
static int take_server(struct loader *r)
{
	AUTO_SERVERS struct servers s = {0};
	struct profile *p = r->p;
	const char *name = r->texts->server;
	struct err why = ERR_INIT;
	size_t at = 0;
	int n = 0;

	/* What was applied is known without the directory. */
	if (!r->texts->conf || !name)
		n = servers_list(p->servers, &s, &why);
	if (n == 0 && s.n)
		at = name ? servers_find(&s, name) : servers_chosen(p->servers, &s);
	if (n == 0 && s.n && at == s.n)
		n = servers_fail_unknown(&s, p->name, name, &why);
	if (n < 0) {
		json_doc_fail(&r->doc, r->e, "servers", "%s", why.msg);
		return n;
	}
	p->server = strdup(s.n ? s.names[at] : name);
	if (!p->server || asprintf(&p->config, "%s/%s.conf", p->servers, p->server) < 0) {
		p->config = NULL;
		return fail_memory(r);
	}
	return 0;
}

static bool has_address(const struct ipaddr *list, size_t n, const struct ipaddr *a)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].family == a->family &&
		    memcmp(&list[i].v4, &a->v4, a->family == AF_INET ? 4 : 16) == 0)
			return true;
	return false;
}

static int add_spares(struct profile *p, const struct tunnel *other)
{
	for (size_t i = 0; i < other->n_dns; i++) {
		const struct ipaddr *a = &other->dns[i];
		struct ipaddr *place;

		if (p->n_spare_dns == SPARE_DNS_MAX)
			return 0;
		if (has_address(p->tunnel.dns, p->tunnel.n_dns, a) ||
		    has_address(p->spare_dns, p->n_spare_dns, a))
			continue;
		place = model_grow(&p->spare_dns, p->n_spare_dns, sizeof(*place));
		if (!place)
			return -ENOMEM;
		*place = *a;
		place->text = NULL;
		p->n_spare_dns++;
	}
	return 0;
}

/* The tunnels' name servers may differ. One whose file is broken is no reason to go without this
 * one: it is refused when it is to be used. */
static int find_spares(struct loader *r)
{
	AUTO_SERVERS struct servers s = {0};
	struct profile *p = r->p;
	int n = 0;

	if (servers_list(p->servers, &s, NULL) < 0)
		return 0;
	for (size_t i = 0; n == 0 && i < s.n; i++) {
		AUTO_FREE char *path = NULL;
		AUTO_CLOSE int fd = -1;
		struct tunnel other = {0};

		if (!strcmp(s.names[i], p->server))
			continue;
		if (asprintf(&path, "%s/%s.conf", p->servers, s.names[i]) < 0) {
			path = NULL;
			return fail_memory(r);
		}
		fd = file_open(path, NULL);
		if (fd >= 0 && conf_load_fd(fd, path, &other, NULL, NULL) == 0)
			n = add_spares(p, &other);
		tunnel_free(&other);
	}
	return n < 0 ? fail_memory(r) : 0;
}

/* The keeper of a VPN that goes through another lives in that one's namespace, from where the
 * host's LAN cannot be kept. */
static int check_lan(struct loader *r)
{
	const struct profile *p = r->p;

	if (p->layout != LAYOUT_NETNS)
		return 0;
	if (p->n_allow_lan && p->via)
		return json_doc_fail(&r->doc, r->e, "allow_lan",
				     "does not go with \"via\" in the layout \"netns\"");
	if (p->ipv6_forwarding && !p->n_allow_lan)
		return json_doc_fail(&r->doc, r->e, "ipv6_forwarding",
				     "is for what \"allow_lan\" names in the layout \"netns\", "
				     "and the file has no \"allow_lan\"");
	return 0;
}

/* In the place of a tunnel: addresses out of 10.20.0.0/24 and fd76:706e:7275::/64, which are no
 * id's and never a device's, say that it carries both families. */
static int load_device(struct loader *r)
{
	struct tunnel *t = &r->p->tunnel;
	struct ipaddr own4 = {.family = AF_INET, .plen = 32}, own6 = {.family = AF_INET6};
	struct ipaddr all4 = {.family = AF_INET}, all6 = {.family = AF_INET6};
	struct lease_pool pool = {.plen = 24};

	own4.v4.s_addr = htonl(0x0a140000u | (uint32_t)r->p->id);
	own6.v6 = lease_ip6(&pool, (uint32_t)r->p->id);
	own6.plen = 128;
	t->peers = model_grow(&t->peers, 0, sizeof(*t->peers));
	if (!t->peers)
		return fail_memory(r);
	t->n_peers = 1;
	if (ipaddr_append(&t->addresses, &t->n_addresses, &own4, "") < 0 ||
	    ipaddr_append(&t->addresses, &t->n_addresses, &own6, "") < 0 ||
	    ipaddr_append(&t->peers->allowed, &t->peers->n_allowed, &all4, "0.0.0.0/0") < 0 ||
	    ipaddr_append(&t->peers->allowed, &t->peers->n_allowed, &all6, "::/0") < 0)
		return fail_memory(r);
	t->has_fwmark = true;
	t->fwmark = MARK_BASE + (uint32_t)r->p->id;
	return 0;
}

static int load_rest(struct loader *r)
{
	struct err via = ERR_INIT;
	const struct ipaddr *clash;
	const char *why;
	bool has_own_dns;
	int n = profile_check_via(r->p, &via);

	if (n < 0)
		return json_doc_fail(&r->doc, r->e, "via", "%s", via.msg);
	if (r->p->device)
		return load_device(r);
	has_own_dns = r->p->tunnel.n_dns;
	n = r->p->servers ? take_server(r) : 0;
	if (n == 0)
		n = r->p->config ? load_config(r) : load_inline(r);
	if (n == 0 && r->p->servers && !has_own_dns)
		n = find_spares(r);
	if (n < 0)
		return n;
	n = check_lan(r);
	if (n < 0)
		return n;
	why = profile_check_forward(r->p);
	if (why)
		return json_doc_fail(&r->doc, r->e, "port_forward", "%s", why);
	/* Beside the machine's own traffic, the tunnel's has to be told apart. */
	if (!r->p->tunnel.fwmark) {
		r->p->tunnel.has_fwmark = true;
		r->p->tunnel.fwmark = MARK_BASE + (uint32_t)r->p->id;
	}
	if (tunnel_review(r->p->config ? r->p->config : r->doc.file, &r->p->tunnel) < 0)
		return fail_memory(r);
	clash = plan_subnet_clash(r->p, NULL);
	if (clash &&
	    tunnel_warn(
		    &r->p->tunnel,
		    "%s:%d: subnet: %s of the tunnel lies in the subnet that programs get their "
		    "addresses from: give another \"subnet\"",
		    r->doc.file, json_doc_line(&r->doc, "subnet"), clash->text) < 0)
		return fail_memory(r);
	return 0;
}

static char *memdup(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

int profile_load_texts(const char *path, const struct profile_texts *texts, struct profile *p,
		       struct err *e)
{
	struct profile fresh;
	struct loader r = {.p = &fresh, .texts = texts, .e = e};
	int n = profile_parse(path, texts->json, texts->json_len, &fresh, e);

	memset(p, 0, sizeof(*p));
	if (n < 0)
		return n;
	r.doc.file = path;
	r.doc.text = texts->json;
	fresh.json = memdup(texts->json, texts->json_len);
	fresh.json_len = texts->json_len;
	n = fresh.json ? load_rest(&r) : fail_memory(&r);
	if (n < 0) {
		profile_free(&fresh);
		return n;
	}
	*p = fresh;
	util_wipe(fresh.tunnel.private_key, WG_KEY_LEN);
	return 0;
}

static int load(const char *path, const char *server, struct profile *p, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct profile_texts texts = {.server = server};
	int n;

	memset(p, 0, sizeof(*p));
	n = file_read(path, PROFILE_SIZE_MAX, &text, &texts.json_len, e);
	texts.json = text;
	return n < 0 ? n : profile_load_texts(path, &texts, p, e);
}

int profile_load(const char *path, struct profile *p, struct err *e)
{
	return load(path, NULL, p, e);
}

int profile_load_server(const char *name, const char *server, struct profile *p, struct err *e)
{
	char path[sizeof(VPN_CONFIG_DIR) + NAME_MAX_LEN + 8];

	memset(p, 0, sizeof(*p));
	/* A name with a slash in it must not lead anywhere. */
	if (!str_is_vpn_name(name))
		return profile_fail_unknown(name, e);
	snprintf(path, sizeof(path), "%s/%s.json", VPN_CONFIG_DIR, name);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return profile_fail_unknown(name, e);
	return load(path, server, p, e);
}

int profile_load_name(const char *name, struct profile *p, struct err *e)
{
	return profile_load_server(name, NULL, p, e);
}
