/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as a request and as a reply, and any text as /etc/passwd, /etc/group and
 * /etc/subuid.
 * What is accepted is what a good client sends; sentences are printable.
 */
#include <stdlib.h>
#include <string.h>

#include "base/accounts.c"
#include "ipc/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(const struct err *e)
{
	if (!e->msg[0])
		abort();
	for (size_t i = 0; e->msg[i]; i++)
		if ((unsigned char)e->msg[i] < ' ' || (unsigned char)e->msg[i] > '~')
			abort();
}

static void fuzz_accounts(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct accounts a = {text, text, text};
	char name[ACCOUNTS_NAME_MAX];
	uint32_t ids[2];
	uid_t uid, owner;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	for (uid = 0; uid < 4; uid++) {
		/* A colon or newline in a name would be another field. */
		accounts_name(&a, uid, name);
		if (strpbrk(name, ":\n"))
			abort();
		accounts_is_member(&a, uid, 1);
		/* Who is nobody's is their own. */
		if (!accounts_is_spare(&a, uid, &owner) && owner != uid)
			abort();
	}
	accounts_find_user(&a, "alice", ids);
	accounts_find_group(&a, "vpnrun", ids);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	struct proto_request req, again;
	struct proto_reply reply;

	if (conn_request_check(data, size, &req, &e) < 0) {
		check_sentence(&e);
	} else {
		if (conn_request_init(&again, PROTO_ATTACH, req.vpn, &e) < 0)
			abort();
		again.n_expose = req.n_expose;
		memcpy(again.expose, req.expose, req.n_expose * sizeof(req.expose[0]));
		if (memcmp(&req, &again, sizeof(req)) != 0)
			abort();
	}
	if (conn_reply_check(data, size, &reply, &e) < 0)
		check_sentence(&e);
	fuzz_accounts(data, size);
	return 0;
}
