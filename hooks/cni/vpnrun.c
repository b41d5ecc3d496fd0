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

/* In each VPN: what does not end well in one does not keep another from its turn. */
static int collect(const struct cni_request *q, struct err *e)
{
	char prefix[WIRE_TAG_LEN];
	const char *vpn;
	int r = 0;

	/* No port can be tagged with a name that is too long for a tag. */
	if (str_fmt(prefix, sizeof(prefix), "cni:%s/", q->network) < 0)
		return 0;
	for (size_t i = 0; (vpn = cni_request_vpn(q, i)); i++) {
		struct err one = ERR_INIT;

		if (wire_collect(vpn, prefix, is_valid, q, &one) < 0 && r == 0) {
			*e = one;
			r = e->code;
		}
	}
	return r;
}

/* Of all VPNs that the pod could have chosen: what it has chosen may have been written anew. */
static int detach(const struct cni_request *q, struct err *e)
{
	struct wire w = q->wire;
	int r = 0;

	for (size_t i = 0; (w.vpn = cni_request_vpn(q, i)); i++) {
		struct err one = ERR_INIT;

		if (wire_detach(&w, &one) < 0 && r == 0) {
			*e = one;
			r = e->code;
		}
	}
	return r;
}

/* Where pods choose, the network serves those that do not, whatever becomes of a VPN: a node must
 * not be taken out of its cluster for it. */
static int status(const struct cni_request *q, struct err *e)
{
	uint32_t inside;
	int r = q->vpns ? 0 : wire_status(q->wire.vpn, &inside, e);

	if (r == -ENETDOWN || r == -ESTALE)
		e->code = CNI_ERR(inside ? CNI_IMPAIRED : CNI_UNAVAILABLE);
	else if (r < 0)
		e->code = CNI_ERR(CNI_UNAVAILABLE);
	return r;
}

static int add(const struct cni_request *q, char **ret, struct err *e)
{
	struct wire_ends w;
	int r;

	if (q->passes)
		return cni_answer_passed(q, ret, e);
	r = wire_attach(&q->wire, &w, e);
	if (r < 0)
		return r;
	r = publish_serve(&q->ports, &q->wire, &w, e);
	r = r ?: cni_answer_result(q, &w, ret, e);
	if (r < 0)
		wire_detach(&q->wire, NULL);
	return r;
}

static int check(const struct cni_request *q, struct err *e)
{
	struct wire_ends w;
	int r = q->passes ? 0 : wire_check(&q->wire, &w, e);

	return r < 0 || q->passes ? r : cni_request_check_prev(q, &w, e);
}

static int carry_out(const struct cni_request *q, char **ret, struct err *e)
{
	if (q->command != CNI_VERSION && geteuid() != 0)
		return err_set(e, CNI_ERR(CNI_FAILED),
			       "needs root: an engine without root cannot use a CNI plugin");
	switch (q->command) {
	case CNI_VERSION:
		return cni_answer_version(q, ret, e);
	case CNI_DEL:
		return detach(q, e);
	case CNI_GC:
		return collect(q, e);
	case CNI_STATUS:
		return status(q, e);
	case CNI_CHECK:
		return check(q, e);
	case CNI_ADD:
		return add(q, ret, e);
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
		if (r == 0 && q.command == CNI_ADD && !q.passes)
			wire_detach(&q.wire, NULL);
		log_error("%s", late.msg);
		r = late.code;
	}
	cni_request_free(&q);
	return r < 0;
}
