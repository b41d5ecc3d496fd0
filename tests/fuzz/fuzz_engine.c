/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as what a container engine says on stdin, to the CNI plugin (each command)
 * and to the netavark plugin. What is refused has a sentence and an error that is JSON; what is
 * taken gives a result that is JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cni/cni.h"
#include "netavark/netavark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wire_ends ends = {
	.record = {.id = 1,
		   .subnet4_plen = 24,
		   .mtu = 1420,
		   .flags = RECORD_HAS_IP4 | RECORD_HAS_IP6},
	.host = 7,
	.port.name = "vr1.7",
	.end.name = "eth0",
};

static void must_be_json(char *text)
{
	json_t *v = json_loads(text, 0, NULL);

	if (!v)
		abort();
	json_decref(v);
	free(text);
}

static void must_be_sentence(const struct err *e)
{
	if (!e->code || !strchr(e->msg, ' '))
		abort();
	for (size_t i = 0; e->msg[i]; i++)
		if ((unsigned char)e->msg[i] < ' ')
			abort();
}

static void fuzz_cni(const char *command, const char *text, size_t size)
{
	struct cni_env env = {command, "c1", "/run/netns/c1", "eth0", "A=b;C=d"};
	struct err e = ERR_INIT, e2 = ERR_INIT;
	struct cni_request q;
	char *answer;

	if (cni_request_parse(&env, text, size, &q, &e) < 0) {
		must_be_sentence(&e);
		if (q.root || cni_code(e.code) < 1 || cni_answer_error(&q, &e, &answer, &e2) < 0)
			abort();
		must_be_json(answer);
		return;
	}
	if (q.command <= CNI_CHECK && (strcmp(q.wire.ifname, q.chained ? "vpn0" : "eth0") != 0 ||
				       !str_starts(q.wire.tag, "cni:") || !cni_request_vpn(&q, 0)))
		abort();
	if (q.command == CNI_ADD && !q.wire.vpn == !q.passes)
		abort();
	if (q.command == CNI_GC)
		cni_request_is_valid(&q, "cni:net/c1/eth0");
	if (q.command == CNI_CHECK)
		cni_request_check_prev(&q, &ends, &e);
	if (q.passes) {
		if (cni_answer_passed(&q, &answer, &e) < 0)
			abort();
		must_be_json(answer);
	}
	if (q.command == CNI_VERSION ? cni_answer_version(&q, &answer, &e) < 0
				     : cni_answer_result(&q, &ends, &answer, &e) < 0)
		abort();
	must_be_json(answer);
	cni_request_free(&q);
}

static void fuzz_netavark(const char *text, size_t size)
{
	struct err e = ERR_INIT;
	struct nv_request q;
	char *answer;

	if (nv_create(text, size, &answer, &e) == 0)
		must_be_json(answer);
	else
		must_be_sentence(&e);
	for (int teardown = 0; teardown < 2; teardown++) {
		memset(&e, 0, sizeof(e));
		if (nv_request_parse(text, size, &(struct nv_call){"/run/netns/c1", teardown}, &q,
				     &e) < 0) {
			must_be_sentence(&e);
			if (nv_answer_error(&e, &answer, &e) < 0)
				abort();
		} else {
			if (nv_answer_setup(&q, &ends, &answer, &e) < 0)
				abort();
			nv_request_free(&q);
		}
		must_be_json(answer);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const commands[] = {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"};
	AUTO_FREE char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fuzz_cni(commands[i], text, size);
	fuzz_netavark(text, size);
	return 0;
}
