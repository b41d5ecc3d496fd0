/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/value.c: addresses, keys, endpoints and what may be shown of them.
 */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "conf/conf.h"

#define KEY "gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8="

static void test_ipaddr(void)
{
	static const struct {
		const char *text;
		int plen; /* -1: refused */
	} cases[] = {
		{"10.2.0.2", 32},
		{"10.2.0.0/24", 24},
		{"0.0.0.0/0", 0},
		{"::0/0", 0},
		{"fd00::1/128", 128},
		{"fd00::1", 128},
		{"::/0", 0},
		{"1.2.3.4/032", 32},
		{"10.2.0.2/33", -1},
		{"::/129", -1},
		{"10.2.0.300", -1},
		{"10.2", -1},
		{"10.2.0.2/", -1},
		{"10.2.0.2/-1", -1},
		{"/8", -1},
		{"", -1},
		{"fd00:::1", -1},
		{"fe80::1%eth0", -1},
		{"1.2.3.4/8/8", -1},
		{" 1.2.3.4", -1},
		{"::ffff:1.2.3.4", 128},
		{"010.1.1.1", -1},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999", -1},
	};
	struct ipaddr a, b, c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&a, 0, sizeof(a));
		int r = ipaddr_parse(cases[i].text, &a);

		ok(cases[i].plen < 0 ? r == -EINVAL && a.family == 0
				     : r == 0 && a.plen == cases[i].plen,
		   "R68 address '%s'", cases[i].text);
	}
	ipaddr_parse("10.20.0.0/16", &a);
	ipaddr_parse("10.20.3.0/24", &b);
	ipaddr_parse("10.21.0.0/16", &c);
	ok(ipaddr_contains(&a, &b) && !ipaddr_contains(&b, &a), "a /16 contains its /24");
	ok(ipaddr_overlaps(&b, &a) && !ipaddr_overlaps(&c, &a), "overlap knows both ways");
	ok(!ipaddr_has_host_bits(&a), "10.20.0.0/16 has no host bits");
	ipaddr_parse("10.20.1.0/20", &a);
	ok(ipaddr_has_host_bits(&a), "10.20.1.0/20 has host bits");
	ipaddr_parse("10.20.0.0/20", &b);
	is_int(ipaddr_compare(&a, &b), 0, "host bits do not count in a comparison");
	ipaddr_parse("fd00::/9", &a);
	ipaddr_parse("fd80::/9", &b);
	ok(ipaddr_compare(&a, &b) != 0 && !ipaddr_overlaps(&a, &b), "/9 differs in its ninth bit");
}

static void test_key(void)
{
	static const char *const bad[] = {
		"",
		"bm90LWEta2V5",
		"gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8",
		"gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk9=", /* spare bits */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* zero */
		"gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8==",
		"gLGD4Gti2x2-Kk_jBq0kER7egG/yiSWGL7rTuJiKvk8=",
	};
	static const uint8_t head[] = {0x80, 0xb1, 0x83, 0xe0};
	uint8_t key[WG_KEY_LEN] = {0};
	size_t i;

	is_int(wgkey_parse(KEY, key), 0, "R64 a key is 32 bytes of base64");
	ok(!memcmp(key, head, sizeof(head)) && key[31] == 0x4f, "R64 its bytes are right");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		is_int(wgkey_parse(bad[i], key), -EINVAL, "R68 no key");
}

static void test_endpoint(void)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		int port;
		bool is_name;
	} cases[] = {
		{"192.0.2.1:51820", "192.0.2.1", 51820, false},
		{"[2001:db8::9]:51820", "2001:db8::9", 51820, false},
		{"2001:db8::9:51820", "2001:db8::9", 51820, false},
		{"[fe80::1%eth0]:1", "fe80::1%eth0", 1, true},
		{"nl3.vpn.example:1637", "nl3.vpn.example", 1637, true},
		{"1.host.example.:1", "1.host.example.", 1, true},
		{"192.0.2.1:0", NULL, 0, false},
		{"192.0.2.1:99999", NULL, 0, false},
		{"192.0.2.1:http", NULL, 0, false},
		{"192.0.2.1:+1", NULL, 0, false},
		{"192.0.2.1", NULL, 0, false},
		{"192.0.2.1:", NULL, 0, false},
		{":51820", NULL, 0, false},
		{"192.0.2:1", NULL, 0, false},
		{"192.0.2.256:1", NULL, 0, false},
		{"[192.0.2.1]:1", NULL, 0, false},
		{"[2001:db8::9]", NULL, 0, false},
		{"[]:1", NULL, 0, false},
		{"[2001:db8::9:1", NULL, 0, false},
		{"a b:1", NULL, 0, false},
		{"-a:1", NULL, 0, false},
		{"a..b:1", NULL, 0, false},
		{"", NULL, 0, false},
	};
	struct tunnel_peer peer = {0};
	const char *why;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = endpoint_parse(cases[i].text, &peer, &why);

		if (!cases[i].host)
			ok(r == -EINVAL && why, "R68 endpoint '%s' is refused", cases[i].text);
		else
			ok(r == 0 && !strcmp(peer.host, cases[i].host) &&
				   peer.port == cases[i].port &&
				   peer.endpoint_is_name == cases[i].is_name &&
				   !strcmp(peer.endpoint, cases[i].text),
			   "R63 endpoint '%s'", cases[i].text);
	}
	free(peer.host);
	free(peer.endpoint);
}

static void test_names(void)
{
	static const struct {
		const char *path, *name; /* NULL: none */
	} cases[] = {
		{"/tmp/us-nyc-wg-301.conf", "us-nyc-wg-301"},
		{"Proton NL-FREE#12.conf", "Proton-NL-FR-12"},
		{"AirVPN_Netherlands_UDP-1637-Entry3.conf", "AirVPN_Nether-3"},
		{"mullvad.conf", "mullvad"},
		{"a.very.long.provider.name.conf", "a-very-long-pro"},
		{"My VPN (1).conf", "My-VPN-1"},
		{"host.conf", NULL},
		{"default.conf", NULL},
		{"...conf", NULL},
		{"\xc3\xa9t\xc3\xa9.conf", "t"},
		{"/dev/fd/63", "63"},
	};
	char name[NAME_MAX_LEN + 1], buf[VALUE_SHOW_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = conf_name_from_path(cases[i].path, name);

		ok(cases[i].name ? r == 0 && !strcmp(name, cases[i].name) : r == -EINVAL,
		   "R27 name of '%s'", cases[i].path);
	}
	ok(str_is_device_name("br-mullvad-1234") && !str_is_device_name("lo") &&
		   !str_is_device_name("br-mullvad-12345"),
	   "R27 an interface name has 15 characters");
	ok(!str_is_device_name("a b") && !str_is_device_name("a/b") && !str_is_device_name("") &&
		   !str_is_device_name("..") && !str_is_device_name("a\"b"),
	   "R27 and no blank, slash or quote");
	is_str(value_show("10.0.0.300/24", buf), "'10.0.0.300/24'", "a bad address is shown");
	ok(!strstr(value_show(KEY, buf), "gLGD"), "R26 a key in a wrong place is not shown");
	ok(!strstr(value_show("gLGD4Gti2x2+Kk+jBq0kER", buf), "gLGD"), "R26 nor half of one");
	ok(!strchr(value_show("\x1b[2J", buf), 0x1b), "an escape sequence is not shown");
	ok(domain_is_valid("lab.corp.example") && !domain_is_valid("a\nnameserver 1.2.3.4") &&
		   !domain_is_valid("") && !domain_is_valid("a..b"),
	   "R67 a search domain cannot add a line to resolv.conf");
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"7", true},
		{"65535", true},
		{"65536", false},
		{"0", false},
		{"", false},
		{"+7", false},
		{" 7", false},
		{"7 ", false},
		{"0x7", false},
		{"-1", false},
		{"0000000000000000007", true},
		/* 2^64 + 7: as many bits as there are, it would be 7. */
		{"18446744073709551623", false},
		{"00000000000000000007", false},
	};
	uint64_t v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok((str_uint(cases[i].text, 1, 65535, &v) == 0) == cases[i].good,
		   "R27 a port: '%s'", cases[i].text);
}

/* What is shown of somebody else's text: what a terminal obeys, or no reader can decode, is not. */
static void test_clean(void)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{"plain text, 'quoted'", "plain text, 'quoted'"},
		{"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x94\x92",
		 "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x94\x92"},
		{"a\033[31mb", "a?[31mb"},
		{"two\nlines\rand\ttab\x7f", "two?lines?and?tab?"},
		{"\xc2\x9b"
		 "31m",
		 "?31m"}, /* the other CSI */
		{"\xe2\x80\xae"
		 "txt.exe",
		 "?txt.exe"}, /* right to left */
		{"\xff\xfe\x80", "???"},
		{"cut \xe2\x82", "cut ??"},
		{"\xc0\xaf\xe0\x80\xaf", "?????"},	     /* too long for what it means */
		{"\xed\xa0\x80\xf5\x80\x80\x80", "???????"}, /* no character */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[64];

		str_copy(buf, sizeof(buf), cases[i].text);
		buf[log_clean(buf, strlen(buf))] = '\0';
		is_str(buf, cases[i].clean, "L62 cleaned");
	}
}

int main(void)
{
	tap_begin();
	test_clean();
	test_ipaddr();
	test_key();
	test_endpoint();
	test_names();
	test_numbers();
	return tap_done();
}
