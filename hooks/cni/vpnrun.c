/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CNI plugin `vpnrun`: what container runtimes call, as root, to put a container into a VPN.
 * Reads the question, calls, answers on stdout; nothing else is ever printed there. Keeps no
 * file, ends by its own deadline, and starts no child but those of common/.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "cni/cni.h"
#include "common/call.h"

#define DEADLINE_S 30

static const char too_late[] =
	"{\"cniVersion\":\"" CNI_NEWEST "\",\"code\":11,"
	"\"msg\":\"gave up after 30 seconds: the kernel or the runtime kept vpnrun waiting\"}\n";

static bool is_valid(const char *tag, const void *arg)
{
	return cni_request_is_valid(arg, tag);
}

static int collect(const struct cni_request *q, struct err *e)
{
	char prefix[WIRE_TAG_LEN];
	int r = str_fmt(prefix, sizeof(prefix), "cni:%s/", q->network);

	/* No port can be tagged with a name that is too long for a tag. */
	return r < 0 ? 0 : wire_collect(q->wire.vpn, prefix, is_valid, q, e);
}

static int status(const struct cni_request *q, struct err *e)
{
	uint32_t inside;
	int r = wire_status(q->wire.vpn, &inside, e);

	if (r == -ENETDOWN || r == -ESTALE)
		e->code = CNI_ERR(inside ? CNI_IMPAIRED : CNI_UNAVAILABLE);
	else if (r < 0)
		e->code = CNI_ERR(CNI_UNAVAILABLE);
	return r;
}

static int carry_out(const struct cni_request *q, char **ret, struct err *e)
{
	struct wire_ends w;
	int r;

	if (q->command != CNI_VERSION && geteuid() != 0)
		return err_set(e, CNI_ERR(CNI_FAILED),
			       "needs root: an engine without root cannot use a CNI plugin");
	switch (q->command) {
	case CNI_VERSION:
		return cni_answer_version(q, ret, e);
	case CNI_DEL:
		return wire_detach(&q->wire, e);
	case CNI_GC:
		return collect(q, e);
	case CNI_STATUS:
		return status(q, e);
	case CNI_CHECK:
		r = wire_check(&q->wire, &w, e);
		return r < 0 ? r : cni_request_check_prev(q, &w, e);
	case CNI_ADD:
		r = wire_attach(&q->wire, &w, e);
		if (r < 0)
			return r;
		r = publish_serve(&q->ports, &q->wire, &w, e);
		r = r ?: cni_answer_result(q, &w, ret, e);
		if (r < 0)
			wire_detach(&q->wire, NULL);
		return r;
	}
	return -EINVAL;
}

static int serve(struct cni_request *q, char **ret, struct err *e)
{
	struct cni_env env = {
		.command = getenv("CNI_COMMAND"),
		.container = getenv("CNI_CONTAINERID"),
		.netns = getenv("CNI_NETNS"),
		.ifname = getenv("CNI_IFNAME"),
		.args = getenv("CNI_ARGS"),
	};
	AUTO_FREE char *text = NULL;
	size_t len;
	int r = call_read(&text, &len, e);

	if (r == 0)
		r = cni_request_parse(&env, text, len, q, e);
	return r < 0 ? r : carry_out(q, ret, e);
}

int main(int argc, char **argv)
{
	struct cni_request q = {.version = CNI_1_1_0, .version_text = CNI_NEWEST};
	struct err e = ERR_INIT, late = ERR_INIT;
	AUTO_FREE char *answer = NULL;
	int r;

	(void)argv;
	log_program = "vpnrun-cni";
	if (argc > 1) {
		log_error("a CNI plugin takes no arguments: container engines call it, see "
			  "vpnrun-cni(8)");
		return 1;
	}
	r = call_begin(DEADLINE_S, too_late, &e);
	if (r == 0)
		r = serve(&q, &answer, &e);
	if (r < 0 && cni_answer_error(&q, &e, &answer, &late) < 0)
		answer = NULL;
	if (r < 0)
		log_error("%s", e.msg);
	if (answer && call_answer(answer, &late) < 0) {
		/* Who does not learn of a cable does not take it away either. */
		if (r == 0 && q.command == CNI_ADD)
			wire_detach(&q.wire, NULL);
		log_error("%s", late.msg);
		r = late.code;
	}
	cni_request_free(&q);
	return r < 0;
}
