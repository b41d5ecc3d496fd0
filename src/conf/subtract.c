/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A prefix that only partly overlaps what is to be taken away is halved until each part is either
 * clear of it or inside it: at most one prefix a bit and a range remains. WireGuard has no "all
 * but", so this list is the only way to say it. Pure. Called by `vpnctl allowed-ips`.
 */
#include "conf/subtract.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"

static uint8_t *bytes_of(struct ipaddr *a)
{
	return a->family == AF_INET ? (uint8_t *)&a->v4 : a->v6.s6_addr;
}

static unsigned int bits_of(const struct ipaddr *a)
{
	return a->family == AF_INET ? 32 : 128;
}

static void clear_host_bits(struct ipaddr *a)
{
	for (unsigned int i = a->plen; i < bits_of(a); i++)
		bytes_of(a)[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
}

static int append(struct prefixes *list, const struct ipaddr *a, struct err *e)
{
	struct ipaddr *place;

	if (list->n >= SUBTRACT_MAX)
		return err_set(e, -E2BIG, "more than %d prefixes", SUBTRACT_MAX);
	place = model_grow(&list->at, list->n, sizeof(*place));
	if (!place)
		return err_sys(e, -ENOMEM, "cannot hold %zu prefixes", list->n + 1);
	*place = *a;
	list->n++;
	return 0;
}

int prefixes_parse(const char *text, struct prefixes *list, struct err *e)
{
	AUTO_FREE char *copy = strdup(text);
	char *save = NULL, shown[VALUE_SHOW_MAX];

	if (!copy)
		return err_sys(e, -ENOMEM, "cannot read the prefixes");
	for (char *w = strtok_r(copy, ", \t\n", &save); w; w = strtok_r(NULL, ", \t\n", &save)) {
		struct ipaddr a;
		int r;

		if (ipaddr_parse(w, &a) < 0)
			return err_set(e, -EINVAL,
				       "%s is not a prefix such as 10.0.0.0/8 or fd00::/8",
				       value_show(w, shown));
		clear_host_bits(&a);
		r = append(list, &a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* It goes at most as deep as an address has bits. */
static int put_rest(const struct ipaddr *a, const struct prefixes *minus, struct prefixes *out,
		    struct err *e)
{
	bool touched = false;
	struct ipaddr half = *a;
	uint8_t *bytes;
	int r;

	for (size_t i = 0; i < minus->n; i++) {
		if (ipaddr_contains(&minus->at[i], a))
			return 0;
		touched = touched || ipaddr_contains(a, &minus->at[i]);
	}
	if (!touched)
		return append(out, a, e);
	half.plen++;
	r = put_rest(&half, minus, out, e);
	if (r < 0)
		return r;
	bytes = bytes_of(&half);
	bytes[a->plen / 8] |= (uint8_t)(0x80u >> (a->plen % 8));
	return put_rest(&half, minus, out, e);
}

/* Sorts by family, then by address, the wider first. */
static int order(const void *x, const void *y)
{
	const struct ipaddr *a = x, *b = y;
	int d;

	if (a->family != b->family)
		return a->family == AF_INET ? -1 : 1;
	d = a->family == AF_INET ? memcmp(&a->v4, &b->v4, sizeof(a->v4))
				 : memcmp(&a->v6, &b->v6, sizeof(a->v6));
	return d ? d : a->plen - b->plen;
}

int prefixes_subtract(const struct prefixes *from, const struct prefixes *minus,
		      struct prefixes *ret, struct err *e)
{
	size_t n_from = from->n;
	AUTO_FREE struct ipaddr *sorted = calloc(n_from + 1, sizeof(*sorted));
	const struct ipaddr *last = NULL;
	struct prefixes out = {0};

	if (!sorted)
		return err_sys(e, -ENOMEM, "cannot hold %zu prefixes", n_from);
	if (n_from)
		memcpy(sorted, from->at, n_from * sizeof(*sorted));
	qsort(sorted, n_from, sizeof(*sorted), order);
	for (size_t i = 0; i < n_from; i++) {
		int r;

		/* They are sorted so that what contains another comes right before all that it
		 * contains. */
		if (last && ipaddr_contains(last, &sorted[i]))
			continue;
		last = &sorted[i];
		r = put_rest(last, minus, &out, e);
		if (r < 0) {
			free(out.at);
			return r;
		}
	}
	*ret = out;
	return 0;
}

void prefix_format(const struct ipaddr *a, char ret[PREFIX_TEXT_LEN])
{
	char addr[INET6_ADDRSTRLEN];
	const void *in = a->family == AF_INET ? (const void *)&a->v4 : (const void *)&a->v6;

	inet_ntop(a->family, in, addr, sizeof(addr));
	str_fmt(ret, PREFIX_TEXT_LEN, "%s/%u", addr, a->plen);
}
