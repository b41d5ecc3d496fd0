/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vpnctl default: the whole machine's traffic through one VPN, and back. Parse, call
 * default/default, say what came of it and which public address that gives; nobody who has no
 * answer is waited for.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/log.h"
#include "ctl/ctl.h"
#include "command/default_door.h"
#include "command/fetch.h"
#include "command/ip_answer.h"
#include "ctl/show.h"
#include "default/default.h"
#include "state/health.h"

#define ASK_TIMEOUT_MS 3000

struct default_options {
	const char *name;
	const char *url; /* NULL: the public address is not asked for */
	bool strict;
};

static int usage(void)
{
	log_error("usage: vpnctl default [--strict] [--url URL|--no-ip] NAME|none");
	return CTL_USAGE;
}

static int parse(int argc, char **argv, struct default_options *o)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--strict"))
			o->strict = true;
		else if (!strcmp(argv[i], "--no-ip"))
			o->url = NULL;
		else if (!strcmp(argv[i], "--url") && i + 1 < argc)
			o->url = argv[++i];
		else if (argv[i][0] == '-' || o->name)
			return usage();
		else
			o->name = argv[i];
	}
	return o->name ? CTL_OK : usage();
}

struct ip_question {
	const char *url;
};

static int ask_in_child(void *arg, void *answer, size_t *len, struct err *e)
{
	AUTO_FREE char *text = NULL;
	const struct ip_question *q = arg;
	struct fetch *f = NULL;
	struct ip_answer a;
	int r = fetch_open(&f, e);

	if (r == 0)
		r = fetch_get(f, q->url, &(struct fetch_how){AF_UNSPEC, ASK_TIMEOUT_MS}, &text, e);
	if (r == 0)
		r = ip_answer_parse(text, &a, e);
	if (r < 0)
		return r;
	*len = strlen(a.text);
	memcpy(answer, a.text, *len);
	return 0;
}

/* The address that a server out there sees us at; "" where nobody answers. In a child, which is
 * ended in time: a resolver without a server takes longer than anybody wants to wait. */
static void ask(const char *url, char *ret, size_t size)
{
	struct ip_question q = {url};
	const struct child_job job = {.fn = ask_in_child,
				      .arg = &q,
				      .answer = ret,
				      .size = size - 1,
				      .timeout_ms = ASK_TIMEOUT_MS,
				      .silent = "nobody answers"};
	size_t len = 0;

	fflush(stdout);
	if (!url || child_call(&job, &len, NULL) < 0)
		len = 0;
	ret[len] = '\0';
}

static void say_addresses(const struct default_options *o, const char *before)
{
	char after[64];

	if (!o->url)
		return;
	ask(o->url, after, sizeof(after));
	say("public address: %s, was %s\n", after[0] ? after : "unknown",
	    before[0] ? before : "unknown");
}

static int clear(struct default_options *o, const char *before)
{
	struct err e = ERR_INIT;
	char name[16];

	if ((geteuid() ? door_ask("none", false, name, &e) : default_clear(NULL, name, &e)) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	if (!name[0]) {
		say("there was no default\n");
		return CTL_OK;
	}
	say("%s is not the default any more: traffic goes through the uplink\n", name);
	say_addresses(o, before);
	return CTL_OK;
}

/* It is made so all the same, closed: who has asked for a way that is dead must not go another. */
static void say_dead(const char *name)
{
	char why[RECORD_WHY_LEN];

	if (health_is_of_no_use(name, why, sizeof(why)))
		log_info("VPN '%s' is of no use now: %s; until that is mended this machine reaches "
			 "no more than its LAN; back: vpnctl default none",
			 name, why);
}

static int set(struct default_options *o, const char *before)
{
	struct err e = ERR_INIT;
	char was[16];

	if ((geteuid() ? door_ask(o->name, o->strict, was, &e)
		       : default_set(o->name, o->strict, NULL, &e)) < 0) {
		log_error("%s", e.msg);
		return CTL_FAILED;
	}
	say("%s is the default: all traffic but the LAN's goes through it\n", o->name);
	say_dead(o->name);
	say_addresses(o, before);
	return CTL_OK;
}

/* All of it, before anybody is asked and anything is done. */
static int check(const struct default_options *o)
{
	struct err e = ERR_INIT;

	if (o->url && fetch_check_url(o->url, &e) < 0)
		return ctl_fail(&e);
	if (!strcmp(o->name, "none"))
		return CTL_OK;
	return ctl_check_known(o->name, &e) < 0 ? ctl_fail(&e) : CTL_OK;
}

int ctl_default(int argc, char **argv)
{
	struct default_options o = {.url = CTL_IP_URL};
	char before[64];
	int rc = parse(argc, argv, &o);

	if (rc == CTL_OK)
		rc = check(&o);
	if (rc != CTL_OK)
		return rc;
	ask(o.url, before, sizeof(before));
	return !strcmp(o.name, "none") ? clear(&o, before) : set(&o, before);
}
