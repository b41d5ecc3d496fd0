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
#include "keeper/turn.h"
#include "state/health.h"
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

/* One look a line: what WireGuard says, and what is made of it. */
struct look {
	int64_t at_s;
	int64_t age_s;
	uint64_t rx, tx;
	uint16_t keepalive;
	enum silence_state want;
	const char *what; /* NULL: as the one before */
};

static void look(const struct look *all, size_t n)
{
	struct silence q = {0};
	const char *what = "";

	for (size_t i = 0; i < n; i++) {
		const struct tunnel_stats st = {
			.present = true,
			.up = true,
			.asked = true,
			.handshake_age_s = all[i].age_s,
			.rx = all[i].rx,
			.tx = all[i].tx,
			.keepalive = all[i].keepalive,
		};

		what = all[i].what ? all[i].what : what;
		is_int(silence_look(&q, &st, all[i].at_s * 1000 + 1), all[i].want, what);
	}
}

static void test_silence(void)
{
	static const struct look never[] = {
		{1, -1, 0, 0, 0, SILENCE_NONE, "R79: a tunnel that nobody uses is not dead"},
		{100, -1, 0, 0, 0, SILENCE_NONE, NULL},
		{101, -1, 0, 148, 0, SILENCE_WAITING, "R79: a first try may still be answered"},
		{104, -1, 0, 148, 0, SILENCE_WAITING, NULL},
		{107, -1, 0, 296, 0, SILENCE_WAITING, NULL},
		{109, -1, 0, 296, 0, SILENCE_DEAD, "R79: a second one was not answered, either"},
		{999, -1, 0, 2664, 0, SILENCE_DEAD, "R79: nor those that followed: it stays dead"},
		{1000, 0, 92, 2812, 0, SILENCE_NONE, "R79: until something comes"},
	};
	static const struct look lives[] = {
		{1, -1, 0, 148, 0, SILENCE_WAITING, "a handshake begins"},
		{2, 0, 92, 180, 0, SILENCE_NONE, "R79: it is answered"},
		{60, 59, 4000, 1000, 0, SILENCE_NONE, "and so is what follows"},
		{500, 500, 4000, 1000, 0, SILENCE_NONE, "R79: an idle tunnel is not dead"},
		{530, 530, 4000, 1148, 0, SILENCE_WAITING, "that it is used again begins a try"},
		{531, 0, 4092, 1180, 0, SILENCE_NONE, "which is answered"},
	};
	static const struct look keepalive[] = {
		{1, 0, 92, 180, 100, SILENCE_NONE, "R79: keepalives are never answered"},
		{101, 100, 92, 212, 100, SILENCE_NONE, NULL},
		{185, 184, 92, 212, 100, SILENCE_NONE, "R79: also where they leave a session end"},
		{201, 200, 92, 360, 100, SILENCE_WAITING, "the next asks for a new one"},
		{202, 0, 184, 392, 100, SILENCE_NONE, "and gets it"},
	};
	static const struct look dies[] = {
		{1, 1, 5000, 5000, 0, SILENCE_NONE, "R79: a server that ends within a session"},
		{31, 31, 5000, 5128, 0, SILENCE_WAITING, NULL},
		{46, 46, 5000, 5276, 0, SILENCE_WAITING, NULL},
		{60, 60, 5000, 5572, 0, SILENCE_WAITING, NULL},
		{61, 61, 5000, 5572, 0, SILENCE_DEAD, NULL},
	};
	static const struct look quiet[] = {
		{1, 1, 5000, 5000, 0, SILENCE_NONE, "R79: what WireGuard itself confirms"},
		{31, 31, 5000, 5032, 0, SILENCE_NONE, "is no question"},
		{90, 90, 5000, 5032, 0, SILENCE_NONE, NULL},
	};
	static const struct look once[] = {
		{1, -1, 0, 0, 0, SILENCE_NONE, "R79: a tunnel that is new"},
		{2, -1, 0, 100, 0, SILENCE_NONE, "R79: less than a handshake asks nothing"},
		{3, -1, 0, 148, 0, SILENCE_WAITING, "R79: one that was asked for once"},
		{60, -1, 0, 148, 0, SILENCE_WAITING, "R79: may have been lost on its way"},
	};
	static const struct look ends[] = {
		{1, 1, 5000, 5000, 0, SILENCE_NONE, "a session"},
		{175, 175, 5000, 5160, 0, SILENCE_WAITING, "in which something is asked"},
		{190, 190, 5000, 5160, 0, SILENCE_NONE,
		 "R79: has ended: what is asked now is another matter"},
	};
	static const struct look anew[] = {
		{1, -1, 0, 296, 0, SILENCE_WAITING, "a dead one"},
		{10, -1, 0, 444, 0, SILENCE_DEAD, NULL},
		{11, -1, 0, 0, 0, SILENCE_NONE, "R79: set up anew, nothing is known of it"},
		{12, -1, 0, 148, 0, SILENCE_WAITING, NULL},
	};

	look(never, ARRAY_SIZE(never));
	look(lives, ARRAY_SIZE(lives));
	look(keepalive, ARRAY_SIZE(keepalive));
	look(dies, ARRAY_SIZE(dies));
	look(quiet, ARRAY_SIZE(quiet));
	look(anew, ARRAY_SIZE(anew));
	look(once, ARRAY_SIZE(once));
	look(ends, ARRAY_SIZE(ends));
}

static union wg_endpoint ep4(uint8_t last)
{
	union wg_endpoint ep = {.in = {.sin_family = AF_INET, .sin_port = htons(51820)}};

	ep.in.sin_addr.s_addr = htonl(0xc6336400u + last);
	return ep;
}

static union wg_endpoint ep6(uint8_t last)
{
	union wg_endpoint ep = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(51820)}};

	ep.in6.sin6_addr.s6_addr[0] = 0x20;
	ep.in6.sin6_addr.s6_addr[15] = last;
	return ep;
}

static void test_interleave(void)
{
	union wg_endpoint at[] = {ep6(1), ep6(2), ep6(3), ep4(1), ep4(2)};
	const union wg_endpoint want[] = {ep6(1), ep4(1), ep6(2), ep4(2), ep6(3)};

	endpoint_interleave(at, ARRAY_SIZE(at));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		ok(endpoint_is_same(&at[i], &want[i]), "R80: IPv4 and IPv6 in turn (%zu)", i);
}

static int may_have(const struct wg_stats *is, union wg_endpoint a, union wg_endpoint b)
{
	const struct wg_peer peers[] = {{.endpoint = a}, {.endpoint = b}, {0}};

	return uapi_check_endpoints(is, peers, ARRAY_SIZE(peers), NULL);
}

/* wireguard-go that has sent by IPv4 sends to strangers by IPv6. */
static void test_families(void)
{
	const struct wg_stats fresh = {0}, four = {.n_peers = 2, .has_ipv4 = true},
			      six = {.n_peers = 2, .has_ipv6 = true},
			      both = {.n_peers = 2, .has_ipv4 = true, .has_ipv6 = true},
			      unknown = {.n_peers = 1};
	const union wg_endpoint none = {0};
	struct endpoint_set es = {.n = 2, .named = 1, .others = {ep6(1), ep4(1)}, .n_others = 2};
	union wg_endpoint at[] = {ep6(1), none, ep4(2)}, other[] = {ep4(1), ep6(9), none};

	is_int(may_have(&fresh, ep6(1), ep6(2)), 0, "R77: a fresh wireguard-go takes IPv6");
	is_int(may_have(&six, ep6(3), none), 0, "R77: so does one that has IPv6");
	is_int(may_have(&six, ep4(1), ep4(2)), 0, "R77: which may change to IPv4");
	is_int(may_have(&four, ep4(1), ep4(2)), 0, "R77: one that has IPv4 keeps to it");
	is_int(may_have(&four, ep6(1), none), -EAFNOSUPPORT, "R77: and takes no IPv6");
	is_int(may_have(&both, none, ep6(1)), -EAFNOSUPPORT, "R77: nor if another peer has IPv4");
	is_int(may_have(&unknown, ep6(1), none), -EAFNOSUPPORT, "R77: nor if one may have had it");
	is_int(may_have(&four, none, none), 0, "R77: no endpoint changes nothing");
	is_int(may_have(&fresh, ep4(1), ep6(1)), -EPFNOSUPPORT, "R77: none takes both families");
	endpoint_agree(at, other, 3);
	ok(endpoint_is_same(&at[0], &other[0]) && !at[1].family && at[2].family == AF_INET,
	   "R63: peers whose names have both families take the one that all have");
	at[0] = ep4(1);
	at[2] = ep6(2);
	other[0] = none;
	endpoint_agree(at, other, 3);
	ok(at[0].family == AF_INET && at[2].family == AF_INET6, "R63: if there is none, all stay");
	other[0] = ep6(7);
	endpoint_agree(at, other, 3);
	ok(endpoint_is_same(&at[0], &other[0]), "R63: it may be IPv6");
	es.at = at;
	at[0] = ep4(3);
	endpoint_keep_family(&es);
	ok(es.n_others == 1 && es.others[0].family == AF_INET,
	   "R80: beside another peer, a name's addresses of its family have their turn");
	es.n = 1;
	es.named = 0;
	es.others[es.n_others++] = ep6(1);
	endpoint_keep_family(&es);
	is_int((long long)es.n_others, 2, "R80: alone, all of them");
}

/* Plays the keeper's part: n looks a second apart at a name of which nothing answers. */
static void test_turn(void)
{
	const union wg_endpoint all[] = {ep6(1), ep4(1), ep4(2)};
	union wg_endpoint now = all[0];
	struct turn t = {0};
	char order[200] = "";
	size_t at = 0;
	bool round;

	is_int(turn_is_due(&t, SILENCE_NONE, false, &now, 1000), false, "R80: who answers stays");
	is_int(turn_is_due(&t, SILENCE_WAITING, true, &now, 1000), false,
	       "R80: and so does who has a session that may still live");
	for (int64_t s = 1; s < 40; s++) {
		size_t i;

		if (!turn_is_due(&t, SILENCE_WAITING, false, &now, s * 1000))
			continue;
		i = turn_choose(&t, all, ARRAY_SIZE(all), &now, &round);
		at += (size_t)snprintf(order + at, sizeof(order) - at, "%lld:%zu ", (long long)s,
				       i);
		now = all[i];
		if (round)
			turn_round(&t, s * 1000);
	}
	is_str(order, "4:1 9:2 14:0 24:1 34:2 ",
	       "R80: the silent one is left for the next, first soon, then less often");
	is_int((long long)turn_choose(&t, all, 1, &all[0], &round), 1,
	       "R80: a single address stays");
	is_int(round, true, "R80: and is asked for less often");
	t = (struct turn){.tried = {all[0]}, .n_tried = 1};
	is_int((long long)turn_choose(&t, &all[1], 1, &all[0], &round), 0,
	       "R62: a name that leads elsewhere by now is followed");
	t = (struct turn){.at_ms = 1};
	is_int(turn_is_due(&t, SILENCE_WAITING, true, &now, 1000), false,
	       "R80: nor is one with a session left for one question");
	is_int((long long)turn_choose(&t, all, ARRAY_SIZE(all), &all[0], &round), 1,
	       "R80: the next is not the same once more");
	t.n_tried = ENDPOINT_OTHERS;
	turn_is_due(&t, SILENCE_DEAD, false, &now, 1000);
	is_int((long long)t.n_tried, ENDPOINT_OTHERS,
	       "R80: no more are remembered than there is room for");
	t.rounds = 3;
	turn_is_due(&t, SILENCE_NONE, false, &now, 2000);
	ok(!t.n_tried && !t.rounds && !t.at_ms, "R80: an answer: all begins anew");
	for (int i = 0; i < 40; i++)
		turn_round(&t, 1000);
	is_int(t.at_ms, 301000, "R80: never less often than every five minutes");
}

static void test_health(void)
{
	struct health h = {.at_ms = util_now_ms(), .endpoint = "192.0.2.1:51820"};
	char why[160] = "";

	is_int(health_is_fresh(&h), true, "R79: what a keeper has just seen is fresh");
	h.at_ms -= HEALTH_FRESH_MS + 1;
	is_int(health_is_fresh(&h), false, "R79: what one saw that has ended since is not");
	h.at_ms = util_now_ms() + 60000;
	is_int(health_is_fresh(&h), false, "R79: nor what is of another boot");
	is_int(health_is_dead(&h, why, sizeof(why)), false, "R79: untried is not dead");
	h.far = HEALTH_ANSWERS;
	is_int(health_is_dead(&h, why, sizeof(why)), false, "R79: nor is what answers");
	h.far = HEALTH_SILENT;
	h.silent_ms = health_now_ms() - 90500;
	is_int(health_is_dead(&h, why, sizeof(why)), true, "R79: what is silent is");
	is_str(why, "the server at 192.0.2.1:51820 has never answered", "R79: from the beginning");
	h.handshake_ms = health_now_ms() - 200000;
	health_is_dead(&h, why, sizeof(why));
	is_str(why, "the server at 192.0.2.1:51820 has not answered for 90 seconds",
	       "R79: or for a while");
	h.silent_ms = health_now_ms() - 250000;
	health_is_dead(&h, why, sizeof(why));
	is_str(why, "the server at 192.0.2.1:51820 has not answered for 4 minutes",
	       "R79: or for long");
	h.far = HEALTH_NO_WAY;
	is_int(health_is_dead(&h, why, sizeof(why)), true, "R79: so is one without a route");
	is_int(health_read("no/name", &h), -EINVAL, "a name that is a path is not looked for");
}

int main(void)
{
	tap_begin();
	test_silence();
	test_interleave();
	test_families();
	test_turn();
	test_health();
	test_format();
	test_reply();
	test_bad_replies();
	test_resolve();
	test_mtu();
	return tap_done();
}
