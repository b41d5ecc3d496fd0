/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netavark plugin `vpnrun`: podman networks of the driver vpnrun lead into a VPN. Called as
 * root by podman (create) and netavark (setup, teardown). Reads the question, calls, answers on
 * stdout; keeps no file, ends by its own deadline, and starts no child but those of common/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/same.h"
#include "base/util.h"
#include "common/call.h"
#include "netavark/netavark.h"

#define DEADLINE_S 30

static const char too_late[] =
	"{\"error\":\"vpnrun gave up after 30 seconds: the kernel or podman kept it waiting\"}\n";

/* podman without root is root of a user namespace, and calls with a /run and a network of its own,
 * where no VPN is to be seen. */
static int refuse_rootless(const struct nv_request *q, struct err *e)
{
	struct stat own, first;

	if (stat("/proc/self/ns/user", &own) < 0 ||
	    (stat("/proc/1/ns/user", &first) == 0 && same_stat(&own, &first)))
		return 0;
	return err_set(e, -EPERM,
		       "podman without root cannot use networks of the driver vpnrun: run the "
		       "container with --network none --annotation vpnrun=%s instead, for which "
		       "root once says `vpnctl oci enable`",
		       q ? q->wire.vpn : "NAME");
}

static int plug(const struct nv_request *q, char **ret, struct err *e)
{
	struct wire_ends w;
	int r = refuse_rootless(q, e);

	r = r ?: wire_attach(&q->wire, &w, e);
	if (r < 0)
		return r;
	r = publish_serve(&q->ports, &q->wire, &w, e);
	r = r ?: nv_answer_setup(q, &w, ret, e);
	if (r < 0)
		wire_detach(&q->wire, NULL);
	return r;
}

static int serve(int argc, char **argv, struct nv_request *q, char **ret, struct err *e)
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool setup = !strcmp(verb, "setup"), teardown = !strcmp(verb, "teardown");
	AUTO_FREE char *text = NULL;
	size_t len;
	int r;

	if (argc == 2 && !strcmp(verb, "info"))
		return nv_answer_info(ret, e);
	if (!(argc == 2 && !strcmp(verb, "create")) && !(argc == 3 && (setup || teardown)))
		return err_set(e, -EINVAL, "usage: vpnrun create|setup NETNS|teardown NETNS|info");
	r = call_read(&text, &len, e);
	if (r < 0)
		return r;
	if (!setup && !teardown) {
		r = refuse_rootless(NULL, e);
		return r ?: nv_create(text, len, ret, e);
	}
	r = nv_request_parse(text, len, &(struct nv_call){argv[2], teardown}, q, e);
	if (r < 0)
		return r;
	return setup ? plug(q, ret, e) : wire_detach(&q->wire, e);
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT, late = ERR_INIT;
	AUTO_FREE char *answer = NULL;
	struct nv_request q = {0};
	int r;

	log_program = "vpnrun-netavark";
	r = call_begin(DEADLINE_S, too_late, &e);
	if (r == 0)
		r = serve(argc, argv, &q, &answer, &e);
	if (r < 0 && nv_answer_error(&e, &answer, &late) < 0)
		answer = NULL;
	if (answer && call_answer(answer, &late) < 0) {
		/* What podman was not told of it must not find plugged. */
		if (r == 0 && !strcmp(argv[1], "setup"))
			wire_detach(&q.wire, NULL);
		log_error("%s", late.msg);
	}
	nv_request_free(&q);
	return r < 0 || late.code < 0;
}
