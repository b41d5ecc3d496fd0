/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AllowedIPs less some ranges (R57): known answers, and by sampling that nothing is lost or kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit/tap.h"
#include "conf/subtract.h"
#include "conf/value.h"

#define TAILNET "100.64.0.0/10, fd7a:115c:a1e0::/48"

static struct prefixes parse(const char *text)
{
	struct prefixes s = {0};
	struct err e = ERR_INIT;

	if (prefixes_parse(text, &s, &e) < 0)
		ok(false, "parse %s: %s", text, e.msg);
	return s;
}

static char *text_of(const struct prefixes *s)
{
	char *out = calloc(s->n + 1, PREFIX_TEXT_LEN + 2);

	for (size_t i = 0; out && i < s->n; i++) {
		char one[PREFIX_TEXT_LEN];

		prefix_format(&s->at[i], one);
		if (i)
			strcat(out, ", ");
		strcat(out, one);
	}
	return out;
}

static size_t try_one(const char *from, const char *minus, const char *want, const char *what)
{
	struct prefixes a = parse(from), b = parse(minus), c = {0};
	struct err e = ERR_INIT;
	int r = prefixes_subtract(&a, &b, &c, &e);
	AUTO_FREE char *got = r < 0 ? strdup(e.msg) : text_of(&c);

	if (want)
		is_str(got, want, what);
	free(a.at);
	free(b.at);
	free(c.at);
	return c.n;
}

static void test_fixture(void)
{
	static const char key[] = "AllowedIPs = ";
	AUTO_FREE char *conf = NULL;
	struct err e = ERR_INIT;
	char *want;

	if (file_read("tests/fixtures/provider-confs/split-tailnet.conf", 65536, &conf, NULL, &e)) {
		ok(false, "%s", e.msg);
		return;
	}
	want = strstr(conf, key) + strlen(key);
	want[strcspn(want, "\n")] = '\0';
	is_int((long long)try_one("0.0.0.0/0, ::/0", TAILNET, want,
				  "R57: the tailnet's ranges removed are the fixture's prefixes"),
	       58, "R57: they are 58");
}

static bool covers(const struct prefixes *s, const struct ipaddr *a)
{
	for (size_t i = 0; i < s->n; i++)
		if (ipaddr_contains(&s->at[i], a))
			return true;
	return false;
}

static void test_samples(void)
{
	struct prefixes from = parse("10.0.0.0/8, 0.0.0.0/2, 172.16.0.0/12"), rest = {0};
	struct prefixes minus = parse("10.20.0.0/16 10.20.30.40 63.255.255.255/32 172.16.0.0/13");
	struct err e = ERR_INIT;
	unsigned int seed = 1, wrong = 0;

	prefixes_subtract(&from, &minus, &rest, &e);
	for (int i = 0; i < 20000; i++) {
		struct ipaddr a = {.family = AF_INET, .plen = 32};

		seed = seed * 1664525u + 1013904223u;
		a.v4.s_addr = i % 3 ? seed : (seed & 0xffff0000u) | 0x140au; /* 10.20.x.y */
		wrong += covers(&rest, &a) != (covers(&from, &a) && !covers(&minus, &a));
	}
	is_int(wrong, 0, "R57: 20000 addresses: covered exactly if wanted");
	free(from.at);
	free(minus.at);
	free(rest.at);
}

int main(void)
{
	struct err e = ERR_INIT;
	struct prefixes s = {0};

	tap_begin();
	test_fixture();
	test_samples();
	try_one("10.0.0.0/8", "", "10.0.0.0/8", "nothing to remove");
	try_one("10.0.0.0/8", "0.0.0.0/0", "", "all removed");
	try_one("10.0.0.0/8", "fd00::/8", "10.0.0.0/8", "families do not meet");
	try_one("10.1.2.3/8, 10.5.0.0/16, 10.0.0.0/8", "", "10.0.0.0/8", "nothing twice");
	try_one("10.0.0.0/31", "10.0.0.1", "10.0.0.0/32", "the last bit");
	try_one("::/127", "::1/128", "::/128", "the last bit of IPv6");
	try_one("::/0, 0.0.0.0/1", "128.0.0.0/1,8000::/1", "0.0.0.0/1, ::/1", "IPv4 first");
	is_int(prefixes_parse("10.0.0.0/33", &s, &e), -EINVAL, "a /33 is refused");
	is_int(prefixes_parse("example.org", &s, &e), -EINVAL, "a name is refused");
	free(s.at);
	return tap_done();
}
