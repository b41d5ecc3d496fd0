/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer: any bytes as /proc/net/unix and as answers of sock_diag. Names are strangers' words:
 * what is listed has an end, is where the sandbox looks, and no listener that stands alone in the
 * table is lost because of what others are called.
 */
#include <stdlib.h>
#include <string.h>

#define got_socket listed
#include "session/listeners.c"
#undef got_socket
#include "nl/unixdiag.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hidden[] = {"/run/", NULL};
static const char last[] = "\n0000000000000000: 00000002 00000000 00010000 0001 01 77 /last\n";

static void check(const struct listeners *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n; i++) {
		const char *name = l->text + l->at[i].name;

		/* They stand one behind the other, and each has its end. */
		if (l->at[i].name != at || !*name || (name[0] == '/' && is_hidden(l, name)))
			abort();
		at += strlen(name) + 1;
	}
	if (at != l->len || l->len > l->text_room || l->n > l->room)
		abort();
}

static bool has(const struct listeners *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->text + l->at[i].name, name))
			return true;
	return false;
}

/* A last line of our own: whatever came before, it is a line of the table. */
static void fuzz_text(const uint8_t *data, size_t size)
{
	struct listeners l = {.hidden = hidden};
	char *text = malloc(size + sizeof(last));

	if (!text)
		return;
	memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		if (!text[i])
			text[i] = ' ';
	memcpy(text + size, last, sizeof(last));
	if (listeners_parse(text, &l) < 0 || !has(&l, "/last"))
		abort();
	check(&l);
	listeners_free(&l);
	free(text);
}

static int see(const struct unixdiag *u, void *arg)
{
	if (!u->len || u->len > UNIXDIAG_NAME_MAX || strlen(u->name) != u->len)
		abort();
	return u->name[0] == '/' ? listed(u, arg) : got_relative(u, arg);
}

/* It hands them on as nl_dump() does: each is whole, none is beyond the end. */
static void fuzz_answers(const uint8_t *data, size_t size)
{
	struct listeners l = {.hidden = hidden};
	struct unix_walk w = {see, &l};
	/* The copy has no byte more, so that the sanitizer sees what is read behind it.
	 */
	uint8_t *buf = malloc(size ? size : 1);

	if (!buf)
		return;
	memcpy(buf, data, size);
	for (size_t at = 0; at + NLMSG_HDRLEN <= size;) {
		const struct nlmsghdr *h = (const void *)(buf + at);

		if (h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > size - at)
			break;
		if (got_socket(h, &w) < 0)
			break;
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	check(&l);
	listeners_free(&l);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text(data, size);
	fuzz_answers(data, size);
	return 0;
}
