/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leads to a tunnel device: the text for wireguard-go and its answers, endpoints, the MTU, and
 * how numbers are said.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "conf/conf.h"
#include "keeper/keep.h"
#include "tunnel/path.h"
#include "tunnel/resolve.h"
#include "tunnel/tunnel_wg.h"
#include "tunnel/uapi.h"

static const char conf[] = "[Interface]\n"
			   "PrivateKey = gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8=\n"
			   "Address = 10.2.0.2/32, fd00::2/128\n"
			   "ListenPort = 4444\n"
			   "FwMark = 0x11\n"
			   "[Peer]\n"
			   "PublicKey = 7+yRxBTUEqt8jUTbf5ULgsMmBDVoPF3wwtOyXEAZOmM=\n"
			   "PresharedKey = gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8=\n"
			   "Endpoint = [2001:db8::1]:51820\n"
			   "AllowedIPs = 0.0.0.0/0, ::/0\n"
			   "PersistentKeepalive = 25\n"
			   "[Peer]\n"
			   "PublicKey = eMVtTS2ciWG2/bo+wrjwcN8LeIrk+vQO1y8hrO54IFE=\n"
			   "Endpoint = 198.51.100.7:443\n"
			   "AllowedIPs = 10.0.0.0/8\n"
			   "[Peer]\n"
			   "PublicKey = WtIMIGPsdTMeYQdoxt7ALFj2+6lW4mAW/lgAS8jkcyU=\n"
			   "AllowedIPs = 192.0.2.0/24\n";

static const char expected[] =
	"set=1\n"
	"private_key=80b183e06b62db1dbe2a4fa306ad24111ede806ff28925862fbad3b8988abe4f\n"
	"listen_port=4444\n"
	"fwmark=17\n"
	"replace_peers=true\n"
	"public_key=efec91c414d412ab7c8d44db7f950b82c3260435683c5df0c2d3b25c40193a63\n"
	"preshared_key=80b183e06b62db1dbe2a4fa306ad24111ede806ff28925862fbad3b8988abe4f\n"
	"endpoint=[2001:db8::1]:51820\n"
	"persistent_keepalive_interval=25\n"
	"replace_allowed_ips=true\n"
	"allowed_ip=0.0.0.0/0\n"
	"allowed_ip=::/0\n"
	"public_key=78c56d4d2d9c8961b6fdba3ec2b8f070df0b788ae4faf40ed72f21acee782051\n"
	"endpoint=198.51.100.7:443\n"
	"persistent_keepalive_interval=0\n"
	"replace_allowed_ips=true\n"
	"allowed_ip=10.0.0.0/8\n"
	"public_key=5ad20c2063ec75331e610768c6dec02c58f6fba956e26016fe58004bc8e47325\n"
	"persistent_keepalive_interval=0\n"
	"replace_allowed_ips=true\n"
	"allowed_ip=192.0.2.0/24\n"
	"\n";

static void test_format(void)
{
	struct endpoint_set es = {0};
	struct tunnel_wg w = {0};
	struct tunnel t = {0};
	struct err e = ERR_INIT;
	char text[ENDPOINT_TEXT_LEN];
	char *got = NULL;
	size_t len = 0;

	if (!ok(conf_parse("t.conf", conf, sizeof(conf) - 1, &t, &e) == 0, "a file of three peers"))
		printf("# %s\n", e.msg);
	is_int(resolve_endpoints(&t, &es, &e), 0, "literal endpoints need no DNS");
	is_int((long long)es.n, 3, "one a peer, the peer without one too");
	endpoint_format(&es.at[0], text);
	is_str(text, "[2001:db8::1]:51820", "R63: an IPv6 endpoint");
	endpoint_format(&es.at[1], text);
	is_str(text, "198.51.100.7:443", "an IPv4 endpoint");
	endpoint_format(&es.at[2], text);
	is_str(text, "", "none");
	is_int(tunnel_wg_make("demo", &t, &es, &w, &e), 0, "in WireGuard's terms");
	is_int(uapi_format_device(&w.dev, &got, &len), 0, "R77: as wireguard-go takes it");
	is_str(got, expected, "R64: every value arrives");
	is_int((long long)len, sizeof(expected) - 1, "its length is its own");
	free(got);
	tunnel_wg_free(&w);
	es.n = 2;
	is_int(tunnel_wg_make("demo", &t, &es, &w, &e), -EINVAL, "endpoints of another tunnel");
	endpoint_set_free(&es);
	tunnel_free(&t);
}

static const char reply[] =
	"private_key=80b183e06b62db1dbe2a4fa306ad24111ede806ff28925862fbad3b8988abe4f\n"
	"listen_port=12912\n"
	"public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33\n"
	"preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52\n"
	"allowed_ip=192.168.4.4/32\n"
	"endpoint=[abcd:23::33%2]:51820\n"
	"protocol_version=1\n"
	"tx_bytes=10\n"
	"rx_bytes=1\n"
	"last_handshake_time_sec=100\n"
	"last_handshake_time_nsec=5\n"
	"public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376\n"
	"tx_bytes=20\n"
	"rx_bytes=2\n"
	"last_handshake_time_sec=200\n"
	"persistent_keepalive_interval=111\n"
	"allowed_ip=192.168.4.6/32\n"
	"endpoint=182.122.22.19:3233\n"
	"public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58\n"
	"endpoint=[2001:db8::9]:1\n"
	"last_handshake_time_sec=0\n"
	"errno=0\n"
	"\n";

static void test_reply(void)
{
	struct wg_stats st = {0};
	struct err e = ERR_INIT;
	char text[ENDPOINT_TEXT_LEN];

	is_int(uapi_parse_device(reply, sizeof(reply) - 1, &st, &e), 0, "R70: an answer");
	is_int((long long)st.n_peers, 3, "three peers");
	is_int(st.listen_port, 12912, "the port");
	is_int(st.handshake, 200, "the latest handshake");
	is_int((long long)(st.rx * 100 + st.tx), 330, "the sum of the traffic");
	is_int(st.keepalive, 111, "that peer's keepalive");
	endpoint_format(&st.endpoint, text);
	is_str(text, "182.122.22.19:3233", "and its endpoint");
}

static void test_bad_replies(void)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{"errno=-98\n\n", -EADDRINUSE},
		{"errno=2\n\n", -ENOENT},
		{"errno=0\n\n", 0},
		{"errno=0\n", 0},
		{"errno=\n\n", -EPROTO},
		{"errno=x\n\n", -EPROTO},
		{"errno=99999999999999999999999999\n\n", -EPROTO},
		{"errno=100000\n\n", -EPROTO},
		{"errno=0", -EPROTO},
		{"\n", -EPROTO},
		{"", -EPROTO},
		{"listen_port=1\n\n", -EPROTO},
		{"listen_port=99999999\nrx_bytes=-1\nendpoint=\nendpoint=[\nendpoint=]:1\nerrno=0\n\n",
		 0},
		{"=\n==\nerrno=0\n\n", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].text);
		/* Without the NUL, so that a reader beyond the end is caught. */
		char *copy = malloc(len + !len);
		struct wg_stats st = {.listen_port = 7};
		struct err e = ERR_INIT;
		int r;

		if (!copy)
			return;
		memcpy(copy, cases[i].text, len);
		r = uapi_parse_device(copy, len, &st, &e);
		is_int(r, cases[i].code, "an answer of odd lines");
		if (r < 0 && st.listen_port != 7)
			ok(false, "what is returned is untouched by a failure");
		free(copy);
	}
	for (size_t cut = 0; cut < sizeof(reply) - 3; cut++) {
		struct wg_stats st;

		if (uapi_parse_device(reply, cut, &st, NULL) == 0)
			ok(false, "an answer cut at %zu is taken for whole", cut);
	}
	ok(true, "answers cut anywhere are refused");
}

static void test_resolve(void)
{
	struct tunnel_peer peer = {.port = 51820, .endpoint_is_name = true};
	struct tunnel t = {.peers = &peer, .n_peers = 1};
	struct endpoint_set es = {0};
	struct err e = ERR_INIT;
	char host[] = "no-such-host.invalid";

	peer.host = host;
	ok(resolve_endpoints_retry(&t, 0, &es, &e) < 0, "R62: a name that does not resolve");
	ok(strstr(e.msg, "cannot resolve the endpoint no-such-host.invalid: ") == e.msg &&
		   strstr(e.msg, "is the network up?"),
	   "R62: is said by its name (%s)", e.msg);
	ok(!es.at && !es.n, "and nothing is given back");
}

static void test_mtu(void)
{
	static const struct {
		uint32_t path;
		uint16_t conf;
		bool v6;
		uint32_t want;
		bool note;
	} cases[] = {
		{1500, 0, true, 1420, false},	   {1400, 0, false, 1320, false},
		{1400, 0, true, 1320, false},	   {1500, 1320, true, 1320, false},
		{1400, 1420, true, 1320, true},	   {1500, 1420, true, 1420, false},
		{1350, 0, true, 1280, true},	   {1350, 0, false, 1270, false},
		{1500, 1200, true, 1280, true},	   {1500, 1200, false, 1200, false},
		{1500, 200, false, 576, true},	   {600, 0, false, 576, false},
		{0, 0, false, 576, false},	   {65536, 0, true, 65456, false},
		{4000000, 0, false, 65535, false}, {1360, 0, true, 1280, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ipaddr a[] = {{.family = AF_INET}, {.family = AF_INET6}};
		struct tunnel t = {.mtu = cases[i].conf, .addresses = a, .n_addresses = 1};
		struct err note = ERR_INIT;

		t.n_addresses += cases[i].v6;
		is_int(path_choose(&t, cases[i].path, &note), cases[i].want,
		       "R59: the tunnel's MTU");
		is_int(note.msg[0] != '\0', cases[i].note, "R59: said where it is not as wished");
		is_int(note.code, 0, "and that is no error");
	}
}

static void test_stale(void)
{
	static const struct {
		int64_t age;
		uint64_t tx, rx;
		bool want;
		const char *what;
	} cases[] = {
		{10, 200, 100, false, "R62: a young handshake is not stale"},
		{KEEP_STALE_S, 200, 100, false, "R62: nor one of the age that is usual"},
		{KEEP_STALE_S + 1, 200, 100, true, "R62: an old one is, if nothing is answered"},
		{KEEP_STALE_S + 1, 200, 101, false, "R62: not if something is"},
		{100000, 100, 100, false,
		 "R62: not if nothing is sent: an idle tunnel asks no DNS"},
		{-1, 248, 100, true, "R62: none at all is stale"},
		{-1, 100, 100, false, "R62: unless nobody wants it"},
	};
	struct tunnel_stats st = {.present = true, .up = true, .asked = true};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		st.handshake_age_s = cases[i].age;
		st.tx = cases[i].tx;
		st.rx = cases[i].rx;
		is_int(keep_is_stale(&st, 100, 100), cases[i].want, cases[i].what);
	}
	st = (struct tunnel_stats){.handshake_age_s = -1, .tx = 500};
	is_int(keep_is_stale(&st, 100, 100), false, "a device that is not there is not stale");
}

int main(void)
{
	tap_begin();
	test_stale();
	test_format();
	test_reply();
	test_bad_replies();
	test_resolve();
	test_mtu();
	return tap_done();
}
