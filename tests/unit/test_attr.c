/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of netlink attributes: what is not whole is never handed on. */
#include <linux/netlink.h>
#include <string.h>

#include "nl/attr.h"
#include "tap.h"

#define HEADER 8

static struct {
	union {
		struct nlmsghdr h;
		uint8_t bytes[128];
	};
	size_t len;
} msg;

struct seen {
	unsigned int n;
	size_t bytes;
	uint16_t types[8];
};

static void see(const struct nlattr *a, void *arg)
{
	struct seen *s = arg;

	s->types[s->n++ % 8] = nl_attr_type(a);
	s->bytes += nl_attr_len(a);
}

static void begin(void)
{
	memset(&msg, 0, sizeof(msg));
	msg.len = NLMSG_HDRLEN + HEADER;
}

static void put(uint16_t type, uint16_t nla_len, size_t room)
{
	struct nlattr a = {.nla_type = type, .nla_len = nla_len};

	memcpy(msg.bytes + msg.len, &a, sizeof(a));
	msg.len += room;
}

static struct seen read_all(size_t header)
{
	struct seen s = {0};

	msg.h.nlmsg_len = (uint32_t)msg.len;
	nl_attr_each(&msg.h, header, see, &s);
	return s;
}

static void see_in(const struct nlattr *a, void *arg)
{
	nl_attr_each_in(a, see, arg);
}

int main(void)
{
	struct seen s;

	tap_begin();
	begin();
	put(1, 5, 8);
	put(2 | NLA_F_NESTED, 8, 8);
	put(3, 4, 4);
	s = read_all(HEADER);
	ok(s.n == 3 && s.bytes == 1 + 4 + 0, "three whole attributes, with their own lengths");
	ok(s.types[0] == 1 && s.types[1] == 2 && s.types[2] == 3, "types without flags");
	begin();
	put(1, 6, 6);
	s = read_all(HEADER);
	ok(s.n == 1 && s.bytes == 2, "the last one may lack its padding");
	begin();
	put(1, 8, 8);
	put(2, 9, 8);
	ok(read_all(HEADER).n == 1, "one that is longer than the message");
	begin();
	put(1, 8, 8);
	put(2, 3, 8);
	ok(read_all(HEADER).n == 1, "one that is shorter than its own header");
	begin();
	put(1, 0, 8);
	ok(read_all(HEADER).n == 0, "one of no length is no endless loop");
	begin();
	put(1, 4, 2);
	ok(read_all(HEADER).n == 0, "half a header");
	begin();
	ok(read_all(HEADER).n == 0, "none");
	ok(read_all(HEADER + 64).n == 0, "a message shorter than what it begins with");
	begin();
	put(1, 16, 4);
	put(7, 8, 8);
	put(8, 65535, 4);
	memset(&s, 0, sizeof(s));
	msg.h.nlmsg_len = (uint32_t)msg.len;
	nl_attr_each(&msg.h, HEADER, see_in, &s);
	ok(s.n == 1 && s.types[0] == 7 && s.bytes == 4, "a nest ends where it says");
	return tap_done();
}
