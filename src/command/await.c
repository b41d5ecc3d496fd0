/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See await.h. A server that is silent is no failure: the VPN is up and closed, and works as soon
 * as the server answers, so that a boot without a network goes on. What cannot be told from here (a
 * key that the provider has forgotten and UDP that is blocked look alike: nothing comes) is named
 * as a possible cause, what can be told as the cause.
 */
#include "command/await.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/progress.h"
#include "base/util.h"
#include "conf/profile.h"

#define WAIT_MS 10000 /* WireGuard tries at once and after 5 s */
#define WORD_MS 1000  /* then it is said what is waited for */
#define LOOK_MS 20
#define WAY_MS	2000 /* where there is not even a route */

void await_begin(struct await *a, struct profile *p)
{
	struct err e = ERR_INIT;

	memset(a, 0, sizeof(*a));
	a->p = *p;
	memset(p, 0, sizeof(*p));
	a->begun = answer_begin(&a->p, &a->answer, &e) == 0;
	if (!a->begun)
		log_error("cannot tell whether the server of %s answers: %s", a->p.name, e.msg);
}

static bool is_waited_for(const struct await *a)
{
	int64_t ms = util_now_ms() - a->answer.begun_ms;

	return a->begun && ((a->answer.state == ANSWER_WAITING && ms < WAIT_MS) ||
			    (a->answer.state == ANSWER_NO_WAY && ms < WAY_MS));
}

/* Before the first look there is nothing but what the file says. */
static const char *server_of(const struct await *a)
{
	return a->answer.stats.endpoint[0] ? a->answer.stats.endpoint : a->answer.record.endpoint;
}

/* The address of "192.0.2.1:51820" or "[2001:db8::1]:51820". */
static void address_of(const char *endpoint, char *ret, size_t size)
{
	size_t bracket = endpoint[0] == '[';
	const char *end = strrchr(endpoint, ':');
	size_t len = end ? (size_t)(end - endpoint) : strlen(endpoint);

	str_fmt(ret, size, "%.*s", (int)(len - 2 * bracket), endpoint + bracket);
}

/* A handshake carries the time, and a server takes none that is older than the last: a machine
 * without a battery for its clock starts in the past. */
static bool is_clock_behind(const struct await *a)
{
	struct stat st;

	return a->p.config && stat(a->p.config, &st) == 0 && st.st_mtime > time(NULL) + 60;
}

static void say_no_way(const struct await *a)
{
	char addr[ENDPOINT_TEXT_LEN];

	address_of(server_of(a), addr, sizeof(addr));
	log_info("this machine has no route to the server of %s: the network is not up, see: ip "
		 "route get %s",
		 a->p.name, addr);
}

static void say_causes(const struct await *a)
{
	const char *name = a->p.name, *server = server_of(a);
	const char *port = strrchr(server, ':');
	char addr[ENDPOINT_TEXT_LEN];

	address_of(server, addr, sizeof(addr));
	log_info("%s has not answered for %d seconds, and until it does, everything in %s waits in "
		 "vain. The usual causes:",
		 server, WAIT_MS / 1000, name);
	if (is_clock_behind(a))
		log_info("- the clock is wrong: %s was written in its future; see: date",
			 a->p.config);
	log_info("- the key is no longer valid (expired, or the device was removed): put the "
		 "provider's new file in the place of %s, then: vpnctl restart %s",
		 a->p.config ? a->p.config : "the old one", name);
	log_info("- UDP%s%s is blocked on this network: try another network, or another port or "
		 "server of the provider's",
		 port ? " to port " : "", port ? port + 1 : "");
	if (a->p.via)
		log_info("- VPN '%s', through which it goes, is dead itself; see: vpnctl status %s",
			 a->p.via, a->p.via);
	else
		log_info("- the network does not lead there; see: ip route get %s", addr);
	if (!is_clock_behind(a))
		log_info("- the clock is wrong; see: date");
	log_info("It is tried again while programs use it; see: vpnctl status %s", name);
}

/* This is for where no terminal shows how long it has been. */
static void say_word(struct await *a)
{
	if (a->said || progress_is_seen() || !is_waited_for(a) ||
	    util_now_ms() - a->answer.begun_ms < WORD_MS)
		return;
	log_info("waiting for the server of %s, %s ...", a->p.name, server_of(a));
	a->said = true;
}

static void finish(struct await *a)
{
	const char *name = a->p.name;

	if (!a->begun || a->answer.state == ANSWER_NOBODY) {
		say("%s is up\n", name);
	} else if (a->answer.state == ANSWER_YES) {
		say("%s is up: the server answers, at %s\n", name, server_of(a));
	} else {
		say("%s is up, but its server does not answer\n", name);
		fflush(stdout);
		if (a->answer.state == ANSWER_NO_WAY)
			say_no_way(a);
		else
			say_causes(a);
	}
	answer_end(&a->answer);
	profile_free(&a->p);
}

static void begin_progress(struct progress *ret, const struct await *all, size_t n)
{
	if (n == 1)
		progress_begin(ret, WAIT_MS, "waiting for the server of %s, %s", all->p.name,
			       server_of(all));
	else if (n)
		progress_begin(ret, WAIT_MS, "waiting for the servers of %s and %zu more",
			       all->p.name, n - 1);
}

void await_all(struct await *all, size_t n)
{
	AUTO_PROGRESS progress = PROGRESS_INIT;
	bool waits = true;

	begin_progress(&progress, all, n);
	while (waits) {
		waits = false;
		for (size_t i = 0; i < n; i++) {
			if (!is_waited_for(&all[i]))
				continue;
			answer_look(&all[i].answer);
			say_word(&all[i]);
			waits |= is_waited_for(&all[i]);
		}
		if (waits)
			poll(NULL, 0, LOOK_MS);
	}
	progress_end(&progress);
	for (size_t i = 0; i < n; i++)
		finish(&all[i]);
}
