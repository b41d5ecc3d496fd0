/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inbound ports as they are written, allowed and kept (R29), and NAT-PMP's bytes (R72).
 */
#include <errno.h>
#include <netinet/in.h>

#include "base/util.h"
#include "unit/tap.h"
#include "state/inbound.h"
#include "keeper/natpmp.h"

static int parse(const char *text, struct port_map *ret)
{
	struct port_maps m = {0};
	struct err e = ERR_INIT;
	int r = inbound_parse(&m, "-e", text, &e);

	*ret = m.at[0];
	return r;
}

static void test_parse(void)
{
	static const struct {
		const char *text;
		struct port_map want;
	} good[] = {
		{"80", {80, 80, IPPROTO_TCP, {0}}},
		{"8080:80", {8080, 80, IPPROTO_TCP, {0}}},
		{"53/udp", {53, 53, IPPROTO_UDP, {0}}},
		{"65535:1/tcp", {65535, 1, IPPROTO_TCP, {0}}},
		{"natpmp", {0, 0, 0, {0}}},
		{"natpmp:9000", {0, 9000, 0, {0}}},
	};
	static const char *const bad[] = {
		"",	      "0",	 "65536",
		"1:",	      ":1",	 "1:0",
		"1:2:3",      "1/sctp",	 "1/",
		"-1",	      "+1",	 " 1",
		"natpmp/tcp", "natpmp:", "natpmp:0",
		"1 /udp",     "0x50",	 "99999999999999999999999999999999999"};
	struct port_maps m = {0}, back;
	char text[INBOUND_TEXT_LEN];
	struct port_map p;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ok(parse(good[i].text, &p) == 0 && !memcmp(&p, &good[i].want, sizeof(p)) &&
			   inbound_is_sound(&p),
		   "R29 -e %s", good[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		is_int(parse(bad[i], &p), -EINVAL, "R29 -e refused");
	for (size_t i = 0; i < PORT_MAPS_MAX; i++)
		inbound_parse(&m, "-e", good[i].text, NULL);
	is_int(inbound_parse(&m, "-e", "7", NULL), -E2BIG, "R29 too many");
	inbound_format(m.at, m.n, text);
	is_str(text, "tcp/80:80 tcp/8080:80 udp/53:53 tcp/65535:1", "R29 as an alias");
	inbound_unformat(text, &back);
	ok(back.n == m.n && !memcmp(back.at, m.at, sizeof(m.at)), "R29 and back");
	inbound_unformat("natpmp/0:9000", &back);
	ok(back.n == 1 && back.at[0].inner == 9000 && !back.at[0].proto, "R29 natpmp too");
	inbound_unformat("cable of alice tcp/0:1 tcp/1:0 tcp/70000:1 sctp/1:1 natpmp/1:1 tcp/",
			 &back);
	is_int((long long)back.n, 0, "R29 another alias has no ports");
}

static void test_check(void)
{
	struct record r = {.name = "demo", .may_expose = {{1024, 65535}}};
	struct port_map p = {.outer = 1024, .inner = 1, .proto = IPPROTO_TCP};
	struct err e = ERR_INIT;

	is_int(inbound_check(&r, &p, 1, &e), 0, "R29 1024 may be opened");
	p.outer = 1023;
	is_int(inbound_check(&r, &p, 1, &e), -EPERM, "R29 1023 may not");
	ok(strstr(e.msg, "root's") != NULL, "R29 and says whose it is");
	p = (struct port_map){0};
	is_int(inbound_check(&r, &p, 1, &e), -EPERM, "R72 no provider, no port");
	r.natpmp_gateway.s_addr = htonl(0x0a020001);
	is_int(inbound_check(&r, &p, 1, &e), 0, "R72 one that is asked");
	r.may_expose[0].high = 0;
	is_int(inbound_check(&r, &p, 1, &e), -EPERM, "R29 nothing may be opened");
	ok(!inbound_is_sound(&(struct port_map){.outer = 1}), "R29 a port without a protocol");
	ok(!inbound_is_sound(&(struct port_map){.outer = 1, .inner = 1, .proto = 132}), "R29 SCTP");
	ok(!inbound_is_sound(&(struct port_map){.outer = 1, .proto = 6}), "R29 no port inside");
	ok(!inbound_is_sound(&(struct port_map){.zero = {0, 0, 1}}), "R29 what must be zero");
}

static void test_natpmp(void)
{
	static const uint8_t want[] = {0, 2, 0, 0, 0x12, 0x34, 0xc8, 0xd5, 0, 0, 0, 60};
	static const uint8_t good[] = {0,    130,  0,	 0,    0, 1, 0, 2,
				       0x12, 0x34, 0xc8, 0xd5, 0, 0, 0, 60};
	uint8_t q[NATPMP_REQUEST_LEN], b[20];
	struct natpmp_reply r;

	natpmp_request(NATPMP_TCP, 0x1234, 51413, 60, q);
	ok(!memcmp(q, want, sizeof(q)), "R72 a request, byte by byte");
	is_int(natpmp_parse(good, sizeof(good), NATPMP_TCP, 0x1234, &r), 0, "R72 an answer");
	ok(r.result == 0 && r.epoch == 0x10002 && r.outer == 51413 && r.lifetime_s == 60,
	   "R72 what it says");
	for (size_t len = 0; len < sizeof(good); len++)
		if (natpmp_parse(good, len, NATPMP_TCP, 0x1234, &r) != -EBADMSG)
			ok(false, "R72 cut to %zu", len);
	ok(true, "R72 cut anywhere");
	is_int(natpmp_parse(good, sizeof(good), NATPMP_UDP, 0x1234, &r), -EBADMSG, "R72 of UDP");
	is_int(natpmp_parse(good, sizeof(good), NATPMP_TCP, 0x1235, &r), -EBADMSG, "R72 another's");
	for (size_t i = 0; i < 2; i++) {
		memcpy(b, good, sizeof(good));
		b[i] ^= 128;
		is_int(natpmp_parse(b, sizeof(good), NATPMP_TCP, 0x1234, &r), -EBADMSG,
		       i ? "R72 a request" : "R72 another version");
	}
	memcpy(b, good, sizeof(good));
	b[10] = b[11] = 0;
	is_int(natpmp_parse(b, sizeof(good), NATPMP_TCP, 0x1234, &r), -EBADMSG, "R72 port 0");
	memcpy(b, good, sizeof(good));
	b[15] = 0;
	is_int(natpmp_parse(b, sizeof(good), NATPMP_TCP, 0x1234, &r), -EBADMSG, "R72 for no time");
	b[3] = 2;
	is_int(natpmp_parse(b, 8, NATPMP_TCP, 0x1234, &r), 0, "R72 a short refusal");
	ok(r.result == 2 && !r.outer, "R72 is one, and no port");
	for (size_t len = 0; len < 8; len++)
		if (natpmp_parse(b, len, NATPMP_TCP, 0x1234, &r) != -EBADMSG)
			ok(false, "R72 a refusal cut to %zu", len);
	ok(strstr(natpmp_result_text(2), "not allowed") && natpmp_result_text(65535),
	   "R72 in words");
	is_str(natpmp_result_text(6), natpmp_result_text(65535),
	       "R72 a reason that is none of them");
	ok(!natpmp_is_reset(1000, 1045, 45) && !natpmp_is_reset(1000, 1038, 45),
	   "R72 a slow clock");
	ok(natpmp_is_reset(1000, 1036, 45) && natpmp_is_reset(1000, 0, 45), "R72 a clock set back");
}

int main(void)
{
	tap_begin();
	test_parse();
	test_check();
	test_natpmp();
	return tap_done();
}
