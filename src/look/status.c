/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `vpnctl status [NAME] [--watch] [--json]`. For people: one line a VPN, what is wrong with it, who
 * is inside. For machines: JSON in which everything that the asker may not see is null. Exits 0 if
 * NAME is up, 1 if it is down or degraded.
 */
#include "ctl/ctl.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "ctl/show.h"
#include "look/view.h"
#include "look/watch.h"
#include "ctl/words.h"
#include "state/forwarded.h"
#include "wall/forwarding.h"

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_process(struct json_out *out, const struct inside_process *p)
{
	if (p->pid) {
		json_out_int(out, "pid", p->pid);
		json_out_str(out, "comm", p->comm);
	} else {
		json_out_null(out, "pid");
		json_out_null(out, "comm");
	}
}

static void json_bytes(struct json_out *out, const char *key, bool known, uint64_t n)
{
	if (known)
		json_out_int(out, key, (int64_t)n);
	else
		json_out_null(out, key);
}

static void json_leases(struct json_out *out, const struct view *v)
{
	bool has_ip6 = v->record.flags & RECORD_HAS_IP6;
	char addr[INET6_ADDRSTRLEN];

	json_out_array(out, "leases");
	for (size_t i = 0; i < v->inside.n_leases; i++) {
		const struct inside_lease *l = &v->inside.leases[i];

		json_out_object(out, NULL);
		json_out_str(out, "if", l->port);
		json_out_str(out, "ip4", inet_ntop(AF_INET, &l->ip4, addr, sizeof(addr)));
		json_out_str(out, "ip6",
			     has_ip6 ? inet_ntop(AF_INET6, &l->ip6, addr, sizeof(addr)) : NULL);
		json_out_int(out, "uid", l->uid);
		json_process(out, &l->process);
		json_bytes(out, "rx_bytes", l->counted, l->rx);
		json_bytes(out, "tx_bytes", l->counted, l->tx);
		json_out_bool(out, "lan", l->is_lan);
		json_out_end(out);
	}
	json_out_end(out);
	if (geteuid() != 0) {
		json_out_null(out, "inside");
		return;
	}
	json_out_array(out, "inside");
	for (size_t i = 0; i < v->inside.n_services; i++) {
		json_out_object(out, NULL);
		json_out_int(out, "uid", v->inside.services[i].uid);
		json_process(out, &v->inside.services[i]);
		json_out_end(out);
	}
	json_out_end(out);
}

static void json_addresses(struct json_out *out, const char *key, const struct ipaddr *at, size_t n)
{
	json_out_array(out, key);
	for (size_t i = 0; i < n; i++)
		json_out_str(out, NULL, at[i].text);
	json_out_end(out);
}

static void json_record_dns(struct json_out *out, const struct record *r)
{
	char addr[INET6_ADDRSTRLEN];

	json_out_array(out, "dns");
	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++)
		json_out_str(out, NULL,
			     inet_ntop(r->dns[i].family, r->dns[i].addr, addr, sizeof(addr)));
	json_out_end(out);
}

/* Of one that is not up there is at most what was left. */
static bool has_forward(const struct view *v)
{
	return v->has_record && v->state != VIEW_DOWN && v->state != VIEW_CLOSED;
}

/* The port that the provider forwards, where one is asked for. */
static void json_forward(struct json_out *out, const struct view *v)
{
	uint16_t ports[2] = {0};
	char why[FORWARDED_WHY] = "";

	if (has_forward(v)) {
		forwarded_ports(&v->record, ports);
		forwarded_why(&v->record, why);
	}
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "forwarded_udp_port" : "forwarded_port";

		if (ports[i])
			json_out_int(out, key, ports[i]);
		else
			json_out_null(out, key);
	}
	json_out_str(out, "forward_error", why[0] ? why : NULL);
}

/* What root alone can see. */
static void json_differences(struct json_out *out, const struct view *v)
{
	json_out_bool(out, "edited", v->is_edited);
	if (!v->looked) {
		json_out_null(out, "missing");
		return;
	}
	json_out_array(out, "missing");
	for (size_t i = 0; i < v->n_missing; i++)
		json_out_str(out, NULL, v->missing[i]);
	json_out_end(out);
}

static void json_state(struct json_out *out, const struct view *v)
{
	json_out_str(out, "state", view_state_name(v->state));
	json_out_bool(out, "held", v->has_record && (v->record.flags & RECORD_HELD));
	json_out_str(out, "why", v->why[0] ? v->why : NULL);
}

static void json_server(struct json_out *out, const struct view *v, bool measured)
{
	json_out_str(out, "server", view_server(v));
	json_out_str(out, "server_chosen", v->chosen[0] ? v->chosen : NULL);
	json_out_str(out, "endpoint", view_endpoint(v));
	json_out_str(out, "endpoint_address",
		     measured && v->stats.endpoint[0] ? v->stats.endpoint : NULL);
	json_out_str(out, "endpoint_left", v->left[0] ? v->left : NULL);
}

static void json_vpn(struct json_out *out, const struct view *v)
{
	const struct tunnel *t = &v->profile.tunnel;
	bool measured = (v->looked || v->glanced) && v->stats.asked;

	json_out_object(out, NULL);
	json_out_str(out, "name", v->name);
	if (v->id)
		json_out_int(out, "id", v->id);
	else
		json_out_null(out, "id");
	json_out_str(out, "layout", view_layout_name(v));
	json_state(out, v);
	json_differences(out, v);
	json_out_bool(out, "default", v->is_default);
	json_out_bool(out, "machine_default", v->is_machine_default);
	json_out_bool(out, "machine_default_at_boot", v->is_at_boot);
	json_out_str(out, "via", v->has_record && v->record.via[0] ? v->record.via : NULL);
	json_server(out, v, measured);
	if (v->glanced)
		json_out_int(out, "seen_age_s", v->seen_age_s);
	else
		json_out_null(out, "seen_age_s");
	if (measured && v->stats.handshake_age_s >= 0)
		json_out_int(out, "handshake_age_s", v->stats.handshake_age_s);
	else
		json_out_null(out, "handshake_age_s");
	json_bytes(out, "rx_bytes", measured, v->stats.rx);
	json_bytes(out, "tx_bytes", measured, v->stats.tx);
	/* A tunnel has an address always: none is one that may not be read. In the place of one
	 * there are two that nobody has. */
	if (t->n_addresses)
		json_addresses(out, "addresses", t->addresses, v->profile.way ? 0 : t->n_addresses);
	else
		json_out_null(out, "addresses");
	if (t->n_addresses && !v->profile.way)
		json_addresses(out, "dns", t->dns, t->n_dns);
	else if (v->has_record)
		json_record_dns(out, &v->record);
	else
		json_out_null(out, "dns");
	json_forward(out, v);
	json_out_str(out, "leases_of", geteuid() == 0 ? "all" : "asker");
	if (v->looked || geteuid() != 0 || !v->has_record) {
		json_leases(out, v);
	} else {
		json_out_null(out, "leases");
		json_out_null(out, "inside");
	}
	json_out_end(out);
}

static int show_json(const struct views *vs, const struct view *only)
{
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;
	struct json_out out;

	json_out_begin(&out);
	json_out_bool(&out, "machine_closed", vs->is_closed);
	json_out_array(&out, "vpns");
	for (size_t i = 0; i < vs->n; i++)
		if (!only || only == &vs->at[i])
			json_vpn(&out, &vs->at[i]);
	if (json_out_finish(&out, &text, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	fputs(text, stdout);
	return CTL_OK;
}

/* --- people ---------------------------------------------------------------------------------- */

enum column {
	COL_NAME,
	COL_ID,
	COL_STATE,
	COL_ENDPOINT,
	COL_HANDSHAKE,
	COL_RX,
	COL_TX,
	COL_INSIDE,
	N_COLS
};

struct row {
	char cell[N_COLS][80];
	enum view_state state;
};

static size_t n_inside(const struct view *v)
{
	return v->inside.n_leases + v->inside.n_services;
}

static void fill_row(const struct view *v, struct row *row)
{
	const char *endpoint = view_endpoint(v);
	bool measured = (v->looked || v->glanced) && v->stats.asked;

	for (int c = 0; c < N_COLS; c++)
		str_copy(row->cell[c], sizeof(row->cell[c]), "-");
	row->state = v->state;
	str_copy(row->cell[COL_NAME], sizeof(row->cell[0]), v->name);
	if (v->id)
		str_fmt(row->cell[COL_ID], sizeof(row->cell[0]), "%d%s", v->id,
			v->is_default ? "*" : "");
	if ((v->state == VIEW_DOWN || v->state == VIEW_CLOSED) && v->looked && n_inside(v))
		str_fmt(row->cell[COL_STATE], sizeof(row->cell[0]), "%s, %zu inside",
			view_state_name(v->state), n_inside(v));
	else
		str_copy(row->cell[COL_STATE], sizeof(row->cell[0]), view_state_name(v->state));
	if (endpoint)
		snprintf(row->cell[COL_ENDPOINT], sizeof(row->cell[0]), "%.50s%s%s", endpoint,
			 v->has_record && v->record.via[0] ? " via " : "",
			 v->has_record ? v->record.via : "");
	if (measured) {
		words_age(v->stats.handshake_age_s, row->cell[COL_HANDSHAKE], sizeof(row->cell[0]));
		words_bytes(v->stats.rx, row->cell[COL_RX], sizeof(row->cell[0]));
		words_bytes(v->stats.tx, row->cell[COL_TX], sizeof(row->cell[0]));
	}
	if (v->looked)
		str_fmt(row->cell[COL_INSIDE], sizeof(row->cell[0]), "%zu", n_inside(v));
	else if (geteuid() != 0 && v->has_record)
		str_fmt(row->cell[COL_INSIDE], sizeof(row->cell[0]), "%zu of yours", n_inside(v));
}

static const char *state_colour(enum view_state s)
{
	switch (s) {
	case VIEW_UP:
		return "\033[32m";
	case VIEW_DEGRADED:
	case VIEW_CLOSED:
		return "\033[33m";
	case VIEW_DOWN:
		return "\033[2m";
	}
	return "";
}

static void print_row(const struct row *row, const int width[N_COLS], bool colour, bool head)
{
	for (int c = 0; c < N_COLS; c++) {
		const char *on = !colour	  ? ""
				 : head		  ? "\033[1m"
				 : c == COL_STATE ? state_colour(row->state)
						  : "";
		/* Numbers stand to the right. Nothing is padded behind the last column. */
		int w = c == N_COLS - 1 ? 0 : width[c];

		if (c == COL_RX || c == COL_TX)
			w = -w;
		/* What is ours to colour does not pass the gate that what is shown has to pass. */
		fputs(c ? "  " : "", stdout);
		fputs(on, stdout);
		say("%*s", -w, row->cell[c]);
		fputs(*on ? "\033[0m" : "", stdout);
	}
	putchar('\n');
}

/* It is good until the next call. A thousand sandboxes are mostly one user's, and a directory may
 * be far. */
static const char *user_name(uint32_t uid)
{
	static uint32_t known = UINT32_MAX;
	static char name[64];
	const struct passwd *pw;

	if (uid == known && name[0])
		return name;
	pw = getpwuid(uid);
	if (!pw || str_copy(name, sizeof(name), pw->pw_name) < 0)
		str_fmt(name, sizeof(name), "%u", uid);
	known = uid;
	return name;
}

static void print_process(const struct inside_lease *l)
{
	const char *lan = l->is_lan ? ", LAN" : "";
	char rx[32], tx[32];

	if (!l->counted) {
		say("%7d  %s%s\n", l->process.pid, l->process.comm, lan);
		return;
	}
	words_bytes(l->rx, rx, sizeof(rx));
	words_bytes(l->tx, tx, sizeof(tx));
	say("%7d  %-15s  %s in, %s out%s\n", l->process.pid, l->process.comm, rx, tx, lan);
}

static void print_inside(const struct view *v)
{
	const struct inside *in = &v->inside;
	char addr[INET_ADDRSTRLEN];

	if (!n_inside(v))
		return;
	say("\n%s, inside:\n", v->name);
	for (size_t i = 0; i < in->n_leases; i++) {
		const struct inside_lease *l = &in->leases[i];

		say("  %-9s  %-15s  %-12s  ", l->port,
		    inet_ntop(AF_INET, &l->ip4, addr, sizeof(addr)), user_name(l->uid));
		if (l->h == v->host_lease)
			say("%7s  (the machine itself: its default)\n", "-");
		else if (l->process.pid)
			print_process(l);
		else
			say("%7s  (no process; its namespace is kept open)\n", "-");
	}
	for (size_t i = 0; i < in->n_services; i++)
		say("  %-9s  %-15s  %-12s  %7d  %s\n", "-", "-", user_name(in->services[i].uid),
		    in->services[i].pid, in->services[i].comm);
}

static void print_forward(const struct view *v)
{
	char why[FORWARDED_WHY];
	uint16_t ports[2];

	if (!has_forward(v))
		return;
	forwarded_ports(&v->record, ports);
	forwarded_why(&v->record, why);
	if (ports[0] && ports[0] == ports[1])
		say("\n%s: the provider forwards port %u\n", v->name, ports[0]);
	else if (ports[0])
		say("\n%s: the provider forwards port %u (TCP) and %u (UDP)\n", v->name, ports[0],
		    ports[1]);
	if (why[0])
		say("\n%s: %s\n", v->name, why);
}

/* The first is the cause, or told as a part of it. */
static void print_missing(const struct view *v)
{
	for (size_t i = 0; i < v->n_missing; i++)
		if (!strstr(v->why, v->missing[i]))
			say("  %s\n", v->missing[i]);
	if (v->n_missing)
		say("vpnctl up %s puts back what is missing of it\n", v->name);
}

/* Says which address of a name is in use. */
static void print_endpoint(const struct view *v)
{
	const char *at = v->stats.endpoint, *written = view_endpoint(v);

	if (!v->stats.asked || !at[0] || !written || !strcmp(at, written))
		return;
	if (v->left[0] && strcmp(v->left, at) != 0)
		say("\n%s: the endpoint is at %s; %s did not answer\n", v->name, at, v->left);
	else
		say("\n%s: the endpoint is at %s\n", v->name, at);
}

static void print_server(const struct view *v)
{
	const char *server = view_server(v);

	if (!server)
		return;
	if (v->chosen[0] && strcmp(v->chosen, server) != 0)
		say("\n%s goes through %s; %s, which is chosen, did not answer and is tried again\n",
		    v->name, server, v->chosen);
	else
		say("\n%s goes through %s\n", v->name, server);
}

static void print_closed(const struct view *v)
{
	if (v->state != VIEW_CLOSED)
		return;
	fputs("\n", stdout);
	say("%s is closed: held, without a tunnel; containers start in it, and all that "
	    "they send is refused until: vpnctl up %s\n",
	    v->name, v->name);
}

static void print_remarks(const struct views *vs, const struct view *only, bool colour)
{
	char no_ip6[256];

	if (vs->is_closed && vs->awaited[0])
		say("\nThis machine is closed, but for its LAN, until %s is its default: vpnctl up "
		    "%s\n",
		    vs->awaited, vs->awaited);
	else if (vs->is_closed)
		say("\nThis machine is closed, but for its LAN, until a VPN is its default: vpnctl "
		    "default NAME\n");
	for (size_t i = 0; i < vs->n; i++) {
		const struct view *v = &vs->at[i];

		if (only && only != v)
			continue;
		if (v->is_machine_default)
			say("\n%s is the machine's default%s%s\n", v->name,
			    v->is_strict ? ", strictly" : "",
			    v->is_at_boot ? ", also from its start on" : "");
		else if (v->is_at_boot)
			say("\n%s becomes the machine's default when it starts\n", v->name);
		print_closed(v);
		if (v->why[0]) {
			fputs(colour ? "\n\033[33m" : "\n", stdout);
			say("%s is degraded:", v->name);
			fputs(colour ? "\033[0m " : " ", stdout);
			say("%s\n", v->why);
			print_missing(v);
		}
		if (v->state == VIEW_UP && v->has_profile && v->record.layout == LAYOUT_BRIDGE &&
		    (v->record.flags & RECORD_HAS_IP6) && !forwarding_has_ip6(&v->profile)) {
			forwarding_say_no_ip6(&v->profile, no_ip6, sizeof(no_ip6));
			say("\n%s: %s\n", v->name, no_ip6);
		}
		if (v->is_edited)
			fputs("\n", stdout);
		if (v->is_edited)
			say("the profile of %s has changed since it came up; to apply it: vpnctl up "
			    "%s\n",
			    v->name, v->name);
		print_server(v);
		print_endpoint(v);
		print_forward(v);
		print_inside(v);
	}
}

/* The keepers look at different times: the oldest of what is shown counts. */
static void say_as_user(const struct views *vs, const struct view *only)
{
	int64_t age = -1;

	for (size_t i = 0; i < vs->n; i++)
		if ((!only || only == &vs->at[i]) && vs->at[i].glanced &&
		    vs->at[i].seen_age_s > age)
			age = vs->at[i].seen_age_s;
	if (age > 0)
		say("\nSeen %lld second%s ago. Who else is inside: sudo vpnctl status\n",
		    (long long)age, age == 1 ? "" : "s");
	else
		say("\nWho else is inside: sudo vpnctl status\n");
}

static int show_text(const struct views *vs, const struct view *only)
{
	static const struct row head = {
		.cell = {"NAME", "ID", "STATE", "ENDPOINT", "LAST HANDSHAKE", "RECEIVED", "SENT",
			 "INSIDE"},
	};
	bool colour = isatty(STDOUT_FILENO) && !(getenv("NO_COLOR") && *getenv("NO_COLOR"));
	AUTO_FREE struct row *rows = calloc(vs->n + 1, sizeof(*rows));
	int width[N_COLS] = {0};
	size_t n = 0;

	if (!rows) {
		log_error("cannot hold %zu VPNs", vs->n);
		return CTL_FAILED;
	}
	rows[n++] = head;
	for (size_t i = 0; i < vs->n; i++)
		if (!only || only == &vs->at[i])
			fill_row(&vs->at[i], &rows[n++]);
	if (n == 1) {
		say("no VPN is configured: sudo vpnctl import FILE\n");
		return CTL_OK;
	}
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < N_COLS; c++)
			if ((int)strlen(rows[i].cell[c]) > width[c])
				width[c] = (int)strlen(rows[i].cell[c]);
	for (size_t i = 0; i < n; i++)
		print_row(&rows[i], width, colour, i == 0);
	print_remarks(vs, only, colour);
	if (geteuid() != 0)
		say_as_user(vs, only);
	fflush(stdout);
	for (size_t i = 0; i < vs->n; i++)
		if (vs->at[i].broken.code && (!only || only == &vs->at[i]))
			log_error("%s", vs->at[i].broken.msg);
	return CTL_OK;
}

int ctl_status(int argc, char **argv)
{
	const char *name = NULL;
	struct view *only = NULL;
	struct views vs = {0};
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct err e = ERR_INIT;
	bool json = false, watch = false;
	int r, rc;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--watch")) {
			watch = true;
		} else if (argv[i][0] != '-' && !name) {
			name = argv[i];
		} else {
			log_error("usage: vpnctl status [NAME] [--watch] [--json]");
			return CTL_USAGE;
		}
	}
	if (watch)
		return watch_run(name, json, &e) < 0 ? ctl_fail(&e) : CTL_OK;
	progress_begin(&progress, 0, "looking at the VPNs");
	r = views_read(geteuid() == 0, &vs, &e);
	progress_end(&progress);
	if (r < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (name)
		only = views_find(&vs, name, &e);
	if (name && !only) {
		log_error("%s", e.msg);
		rc = CTL_FAILED;
	} else {
		rc = json ? show_json(&vs, only) : show_text(&vs, only);
		if (rc == CTL_OK && only && only->state != VIEW_UP)
			rc = CTL_FAILED;
	}
	views_free(&vs);
	return rc;
}
