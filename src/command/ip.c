/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl ip: the public address that a VPN's traffic has, as a server out there sees it, and the
 * provider's own verdict. Asks inside the VPN's namespace with the VPN's name servers and nobody
 * else's: a name that the host's resolver looked up would be a leak of its own. An ordinary user
 * cannot enter that namespace, so for one vpnrun runs this very program in a sandbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "ctl/ctl.h"
#include "command/fetch.h"
#include "command/ip_answer.h"
#include "ctl/show.h"
#include "ns/names.h"
#include "ns/view.h"
#include "state/record.h"
#include "conf/subtract.h"
#include "conf/value.h"

#define DEFAULT_TIMEOUT_S 15

struct ip_options {
	const char *name; /* NULL: from where vpnctl runs */
	bool here;	  /* inside the sandbox that was made for that name */
	const char *url;
	int family;
	unsigned int timeout_s;
	bool json;
	struct prefixes expect;
	char **argv; /* all options, to hand on */
	int argc;
};

static int usage(void)
{
	log_error("usage: vpnctl ip [NAME] [--expect ADDRESS]... [--url URL] [--timeout SECONDS] "
		  "[-4|-6] [--json]");
	return CTL_USAGE;
}

static int take_value(struct ip_options *o, const char *option, const char *value)
{
	struct err e = ERR_INIT;
	uint64_t n;

	if (!strcmp(option, "--url")) {
		o->url = value;
	} else if (!strcmp(option, "--timeout")) {
		if (str_uint(value, 1, 3600, &n) < 0)
			return usage();
		o->timeout_s = (unsigned int)n;
	} else if (!strcmp(option, "--expect")) {
		if (prefixes_parse(value, &o->expect, &e) < 0) {
			log_error("--expect: %s", e.msg);
			return CTL_USAGE;
		}
	} else {
		return usage();
	}
	return CTL_OK;
}

static int parse(int argc, char **argv, struct ip_options *o)
{
	for (int i = 1; i < argc; i++) {
		int at = i, rc = CTL_OK;

		if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "--here"))
			o->here = true;
		else if (!strcmp(argv[i], "-4"))
			o->family = AF_INET;
		else if (!strcmp(argv[i], "-6"))
			o->family = AF_INET6;
		else if (argv[i][0] == '-' && ++i < argc)
			rc = take_value(o, argv[at], argv[i]);
		else if (argv[at][0] == '-' || o->name)
			return usage();
		else
			o->name = argv[i];
		if (rc != CTL_OK)
			return rc;
	}
	o->argv = argv;
	o->argc = argc;
	return CTL_OK;
}

/* --- where to ask from ----------------------------------------------------------------------- */

static int resolv_conf(const struct record *r, char *ret, size_t size, struct err *e)
{
	struct names_dns dns[RECORD_DNS_MAX];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < RECORD_DNS_MAX && r->dns[i].family; i++) {
		dns[n].family = r->dns[i].family;
		memcpy(dns[n++].addr, r->dns[i].addr, sizeof(dns->addr));
	}
	rc = names_resolv_conf(ret, size, dns, n, r->search);
	return rc < 0 ? err_sys(e, rc, "cannot write resolv.conf of %s", r->name) : 0;
}

static int read_up(const char *name, struct record *ret, struct err *e)
{
	if (!str_is_vpn_name(name))
		return err_set(e, -EINVAL, "that is not a VPN's name");
	return record_read_up(name, ret, e);
}

/* For good: this process does nothing else. */
static int enter_vpn(const struct record *rec, struct err *e)
{
	char resolv[NAMES_RESOLV_MAX];
	struct ns_view v = {.resolv_conf = resolv};
	struct view_report report;
	AUTO_CLOSE int ns = -1;
	int r = resolv_conf(rec, resolv, sizeof(resolv), e);

	if (r < 0)
		return r;
	ns = record_open_netns(rec, e);
	if (ns < 0)
		return ns;
	if (setns(ns, CLONE_NEWNET) < 0 || unshare(CLONE_NEWNS) < 0)
		return err_sys(e, -errno, "cannot enter the namespace of %s", rec->name);
	return ns_view_make(&v, &report, e);
}

/* Becomes `vpnrun NAME -- vpnctl ip --here NAME ...`; returns on failure only. */
static int become_vpnrun(const struct ip_options *o, struct err *e)
{
	static char here[] = "--here", dashes[] = "--";
	char self[PATH_MAX], beside[PATH_MAX];
	AUTO_FREE char **argv = calloc((size_t)o->argc + 6, sizeof(*argv));
	AUTO_FREE char *name = strdup(o->name);
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int n = 0, r;

	if (!argv || !name || len <= 0)
		return err_set(e, -ENOMEM, "cannot start vpnrun");
	self[len] = '\0';
	r = str_fmt(beside, sizeof(beside), "%.*s/vpnrun", (int)(strrchr(self, '/') - self), self);
	if (r < 0)
		return err_set(e, r, "cannot start vpnrun");
	argv[n++] = beside;
	argv[n++] = name;
	argv[n++] = dashes;
	argv[n++] = self;
	argv[n++] = o->argv[0];
	argv[n++] = here;
	for (int i = 1; i < o->argc; i++)
		argv[n++] = o->argv[i];
	fflush(stdout);
	execv(beside, argv);
	return err_sys(e, -errno, "cannot run %s", beside);
}

static int go_where(const struct ip_options *o, struct err *e)
{
	struct record rec;
	int r;

	if (!o->name || o->here)
		return 0;
	r = read_up(o->name, &rec, e);
	if (r < 0)
		return r;
	/* The host's own namespace, where a bridge is, is not in the VPN. */
	if (geteuid() == 0 && rec.layout == LAYOUT_NETNS)
		return enter_vpn(&rec, e);
	if (geteuid() == 0)
		unsetenv("SUDO_UID"); /* root asks, whom vpnrun need not ask a broker about */
	return become_vpnrun(o, e);
}

/* --- what came of it ------------------------------------------------------------------------- */

static bool is_expected(const struct ip_options *o, const struct ip_answer *a)
{
	for (size_t i = 0; i < o->expect.n; i++)
		if (ipaddr_contains(&o->expect.at[i], &a->ip))
			return true;
	return o->expect.n == 0;
}

static int print_json(const struct ip_options *o, const struct ip_answer *a, bool good)
{
	AUTO_FREE char *text = NULL;
	struct json_out out;
	struct err e = ERR_INIT;

	json_out_begin(&out);
	json_out_str(&out, "vpn", o->name);
	json_out_str(&out, "ip", a->text);
	json_out_str(&out, "url", o->url);
	if (a->verdict_key)
		json_out_bool(&out, "verdict", a->verdict);
	else
		json_out_null(&out, "verdict");
	if (o->expect.n)
		json_out_bool(&out, "expected", is_expected(o, a));
	else
		json_out_null(&out, "expected");
	json_out_bool(&out, "ok", good);
	if (json_out_finish(&out, &text, &e) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	fputs(text, stdout);
	return CTL_OK;
}

static int judge(const struct ip_options *o, const struct ip_answer *a)
{
	bool expected = is_expected(o, a), good = expected && (!a->verdict_key || a->verdict);
	int rc = CTL_OK;

	if (o->json)
		rc = print_json(o, a, good);
	else
		puts(a->text);
	if (!expected)
		log_error("the public address is %s, which is not what was expected", a->text);
	if (a->verdict_key && !a->verdict)
		log_error("%s is not an exit of the provider's: %s says \"%s\": false", a->text,
			  o->url, a->verdict_key);
	return good ? rc : CTL_FAILED;
}

static int fetch_answer(const struct ip_options *o, char **ret, struct err *e)
{
	const struct fetch_how how = {o->family, o->timeout_s * 1000};
	AUTO_PROGRESS progress = PROGRESS_INIT;
	struct fetch *f = NULL;
	int r = fetch_open(&f, e);

	progress_begin(&progress, (int)how.timeout_ms, "asking %s for the public address", o->url);
	r = r ?: fetch_get(f, o->url, &how, ret, e);
	fetch_close(&f);
	return r;
}

int ctl_ip(int argc, char **argv)
{
	struct ip_options o = {.url = CTL_IP_URL, .timeout_s = DEFAULT_TIMEOUT_S};
	AUTO_FREE char *text = NULL;
	struct err e = ERR_INIT;
	struct ip_answer a;
	int rc = parse(argc, argv, &o), r;

	if (rc != CTL_OK) {
		free(o.expect.at);
		return rc;
	}
	r = go_where(&o, &e);
	r = r ?: fetch_answer(&o, &text, &e);
	if (r == 0) {
		r = ip_answer_parse(text, &a, &e);
		if (r < 0)
			err_wrap(&e, r, "%s", o.url);
	}
	if (r < 0)
		log_error("%s", e.msg);
	rc = r < 0 ? CTL_FAILED : judge(&o, &a);
	free(o.expect.at);
	return rc;
}
