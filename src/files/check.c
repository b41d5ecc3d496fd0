/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl check [--json] FILE`: what a profile or a wg-quick file says, and whether it can work.
 * Touches nothing, needs no privilege but to read the file. Prints to stdout only what is valid,
 * and never a key. Errors about a file are written as compilers do, FILE:LINE: first.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/show.h"
#include "conf/conf.h"
#include "conf/profile.h"
#include "conf/profile_key.h"

static void json_texts(struct json_out *out, const char *key, char *const *list, size_t n)
{
	size_t i;

	json_out_array(out, key);
	for (i = 0; i < n; i++)
		json_out_str(out, NULL, list[i]);
	json_out_end(out);
}

static void json_ipaddrs(struct json_out *out, const char *key, const struct ipaddr *list, size_t n)
{
	size_t i;

	json_out_array(out, key);
	for (i = 0; i < n; i++)
		json_out_str(out, NULL, list[i].text);
	json_out_end(out);
}

static void json_number(struct json_out *out, const char *key, bool has, int64_t value)
{
	if (has)
		json_out_int(out, key, value);
	else
		json_out_null(out, key);
}

static void json_peer(struct json_out *out, const struct tunnel_peer *peer)
{
	json_out_object(out, NULL);
	json_out_str(out, "endpoint", peer->endpoint);
	json_ipaddrs(out, "allowed_ips", peer->allowed, peer->n_allowed);
	json_out_bool(out, "psk", peer->has_psk);
	json_number(out, "keepalive", peer->has_keepalive, peer->keepalive);
	json_out_end(out);
}

static void json_hooks(struct json_out *out, const struct tunnel *t)
{
	size_t i;

	json_out_array(out, "hook_lines");
	for (i = 0; i < t->n_hooks; i++) {
		AUTO_FREE char *line = NULL;

		if (asprintf(&line, "%s = %s", t->hooks[i].key, t->hooks[i].text) < 0)
			line = NULL;
		json_out_str(out, NULL, line);
	}
	json_out_end(out);
}

void ctl_tunnel_json(struct json_out *out, const struct tunnel *t)
{
	size_t i;

	json_ipaddrs(out, "addresses", t->addresses, t->n_addresses);
	json_ipaddrs(out, "dns", t->dns, t->n_dns);
	json_texts(out, "search", t->search, t->n_search);
	json_number(out, "mtu", t->mtu != 0, t->mtu);
	json_out_str(out, "table", t->table);
	json_number(out, "fwmark", t->has_fwmark, t->fwmark);
	json_number(out, "listen_port", t->has_listen_port, t->listen_port);
	json_out_int(out, "hooks", (int64_t)t->n_hooks);
	json_hooks(out, t);
	json_out_array(out, "peers");
	for (i = 0; i < t->n_peers; i++)
		json_peer(out, &t->peers[i]);
	json_out_end(out);
	json_out_bool(out, "full_tunnel_v4", tunnel_is_full(t, AF_INET));
	json_out_bool(out, "full_tunnel_v6", tunnel_is_full(t, AF_INET6));
	json_out_bool(out, "has_v6_address", tunnel_has_address(t, AF_INET6));
	json_texts(out, "warnings", t->warnings, t->n_warnings);
}

static void json_profile(struct json_out *out, const struct profile *p)
{
	json_out_str(out, "name", p->name);
	for (size_t i = 0; i < profile_n_keys; i++) {
		const struct profile_key *k = &profile_keys[i];

		if (k->write && (k->only != ONLY_BRIDGE || p->layout == LAYOUT_BRIDGE))
			k->write(out, k, p);
	}
}

/* Prints a profile whose tunnel could not be read. */
static void json_names_only(struct json_out *out, const struct tunnel *t)
{
	json_ipaddrs(out, "dns", t->dns, t->n_dns);
	json_texts(out, "search", t->search, t->n_search);
	json_texts(out, "warnings", t->warnings, t->n_warnings);
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_ipaddrs(const char *what, const struct ipaddr *list, size_t n)
{
	size_t i;

	if (!n)
		return;
	say("  %-10s ", what);
	for (i = 0; i < n && i < 8; i++)
		say("%s%s", i ? ", " : "", list[i].text);
	if (i < n)
		say(" and %zu more", n - i);
	say("\n");
}

static const char *families(bool v4, bool v6)
{
	if (v4)
		return v6 ? "all of IPv4 and IPv6" : "all of IPv4";
	return v6 ? "all of IPv6" : "only what a peer is given";
}

static void print_tunnel(const struct tunnel *t)
{
	size_t i;

	print_ipaddrs("addresses", t->addresses, t->n_addresses);
	print_ipaddrs("dns", t->dns, t->n_dns);
	for (i = 0; i < t->n_search; i++)
		say("  %-10s %s\n", "search", t->search[i]);
	if (t->mtu)
		say("  %-10s %u\n", "mtu", t->mtu);
	for (i = 0; i < t->n_peers; i++) {
		const struct tunnel_peer *peer = &t->peers[i];

		say("  %-10s %s%s\n", "peer", peer->endpoint ? peer->endpoint : "(no endpoint)",
		    peer->has_psk ? ", preshared key" : "");
		print_ipaddrs("  carries", peer->allowed, peer->n_allowed);
	}
	say("  %-10s %s\n", "in all",
	    families(tunnel_is_full(t, AF_INET), tunnel_is_full(t, AF_INET6)));
	for (i = 0; i < t->n_hooks; i++)
		say("  %-10s %s = %s\n", "not run", t->hooks[i].key, t->hooks[i].text);
}

static void print_key(const char *key, const char *text)
{
	say("  %-10s %s\n", key, text);
}

static int print_profile(const struct profile *p, struct err *e)
{
	struct json_out out;

	json_out_begin(&out);
	json_profile(&out, p);
	return json_out_tell(&out, print_key, e);
}

/* --- the command ----------------------------------------------------------------------------- */

static int fail(const struct err *e)
{
	log_plain("%s", e->msg);
	return CTL_FAILED;
}

static int print(const char *file, const struct profile *p, const struct tunnel *t, bool as_json)
{
	struct json_out out;
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;

	if (as_json) {
		json_out_begin(&out);
		if (p)
			json_profile(&out, p);
		if (t->n_peers)
			ctl_tunnel_json(&out, t);
		else
			json_names_only(&out, t);
		if (json_out_finish(&out, &text, &e) < 0)
			return fail(&e);
		fputs(text, stdout);
	} else {
		if (p)
			say("%s: a valid profile of VPN '%s'\n", file, p->name);
		else
			say("%s: a valid WireGuard configuration\n", file);
		if (p && print_profile(p, &e) < 0)
			return fail(&e);
		if (t->n_peers)
			print_tunnel(t);
		fflush(stdout);
		ctl_print_warnings(t);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write to standard output: %s", strerror(errno));
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int check_conf(const char *file, bool as_json)
{
	struct tunnel t;
	struct err e = ERR_INIT;
	int r;

	if (conf_load(file, &t, &e) < 0)
		return fail(&e);
	if (tunnel_review(file, &t) < 0 || conf_warn_name(file, &t) < 0) {
		log_error("cannot check %s: out of memory", file);
		r = CTL_FAILED;
	} else {
		r = print(file, NULL, &t, as_json);
	}
	tunnel_free(&t);
	return r;
}

/* The profile alone, for those who may not read its key. */
static int load_without_key(const char *file, struct profile *p, const struct err *why,
			    struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r = file_read(file, CONF_SIZE_MAX, &text, &len, e);

	if (r < 0)
		return r;
	r = profile_parse(file, text, len, p, e);
	if (r < 0)
		return r;
	return tunnel_warn(&p->tunnel, "%s; the tunnel is not checked", why->msg);
}

/* The sentence names the VPNs; the line is that of the key it is about. */
static int fail_conflict(const char *file, const struct err *clash)
{
	AUTO_FREE char *text = NULL;
	struct json_doc doc = {.file = file};
	struct err e = ERR_INIT;
	const char *key = "bridge";

	if (str_starts(clash->msg, "id "))
		key = "id";
	else if (str_starts(clash->msg, "the subnet "))
		key = "subnet";
	if (file_read(file, CONF_SIZE_MAX, &text, NULL, &e) < 0)
		return fail(&e);
	doc.text = text;
	json_doc_fail(&doc, &e, key, "%s", clash->msg);
	return fail(&e);
}

static bool is_installed(const char *file)
{
	AUTO_FREE char *real = realpath(file, NULL);

	return real && str_starts(real, VPN_CONFIG_DIR "/");
}

static int check_profile(const char *file, bool as_json)
{
	struct profile p;
	struct err e = ERR_INIT, why = ERR_INIT, clash = ERR_INIT;
	int r = profile_load(file, &p, &why);

	e = why;
	if (r == -EACCES)
		r = load_without_key(file, &p, &why, &e);
	if (r < 0)
		return fail(&e);
	r = profile_check_conflicts(&p, &clash);
	if (r == -EEXIST && is_installed(file)) {
		profile_free(&p);
		return fail_conflict(file, &clash);
	}
	if (r < 0)
		tunnel_warn(&p.tunnel, "%s: %s", file, clash.msg);
	r = print(file, &p, &p.tunnel, as_json);
	profile_free(&p);
	return r;
}

/* By its name; else a regular file that begins with '{' is JSON. */
static bool is_profile(const char *file)
{
	size_t len = strlen(file);
	AUTO_CLOSE int fd = -1;
	char head[64];
	ssize_t n;

	if (len > 5 && !strcasecmp(file + len - 5, ".json"))
		return true;
	if (len > 5 && !strcasecmp(file + len - 5, ".conf"))
		return false;
	if (str_starts(file, "/dev/") || str_starts(file, "/proc/"))
		return false;
	fd = file_open(file, NULL);
	n = fd < 0 ? -1 : read(fd, head, sizeof(head) - 1);
	if (n <= 0)
		return false;
	head[n] = '\0';
	return head[strspn(head, " \t\r\n")] == '{';
}

int ctl_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool as_json = false;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			say("usage: vpnctl check [--json] FILE\n\n"
			    "Says what a VPN's profile (.json) or a WireGuard configuration "
			    "(.conf) holds\nand what is wrong with it. Changes nothing.\n");
			return CTL_OK;
		}
		if (c != 'j')
			return CTL_USAGE;
		as_json = true;
	}
	if (argc - optind != 1) {
		log_error("check: one FILE is needed: vpnctl check [--json] FILE");
		return CTL_USAGE;
	}
	if (is_profile(argv[optind]))
		return check_profile(argv[optind], as_json);
	return check_conf(argv[optind], as_json);
}
