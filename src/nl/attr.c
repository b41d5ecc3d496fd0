/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See attr.h. */
#include "nl/attr.h"

#include <string.h>

void nl_attr_each_at(const void *p, size_t len, nl_attr_fn fn, void *arg)
{
	size_t at = 0;

	while (at <= len && len - at >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)((const uint8_t *)p + at);

		if (a->nla_len < sizeof(*a) || a->nla_len > len - at)
			break;
		fn(a, arg);
		at += (size_t)NLA_ALIGN(a->nla_len);
	}
}

void nl_attr_each(const struct nlmsghdr *nlh, size_t header, nl_attr_fn fn, void *arg)
{
	size_t skip = NLMSG_ALIGN(header), len = nl_payload_len(nlh);

	if (len > skip)
		nl_attr_each_at((const uint8_t *)nl_payload(nlh) + skip, len - skip, fn, arg);
}

void nl_attr_each_in(const struct nlattr *nest, nl_attr_fn fn, void *arg)
{
	nl_attr_each_at(nl_attr_data(nest), nl_attr_len(nest), fn, arg);
}

uint32_t nl_attr_u32(const struct nlattr *a)
{
	uint32_t v;

	memcpy(&v, nl_attr_data(a), sizeof(v));
	return v;
}

bool nl_attr_get(const struct nlattr *a, void *dst, size_t size)
{
	if (nl_attr_len(a) != size)
		return false;
	memcpy(dst, nl_attr_data(a), size);
	return true;
}

const char *nl_attr_str(const struct nlattr *a)
{
	const char *text = nl_attr_data(a);
	size_t len = nl_attr_len(a);

	return len && text[len - 1] == '\0' ? text : NULL;
}
