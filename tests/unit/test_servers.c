/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VPN of many servers: their directory and the choice in it, the order in which they are asked,
 * when the keeper asks, and what a profile takes of them.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "conf/profile.h"
#include "conf/servers.h"
#include "keeper/failover.h"

static char dir[] = "/tmp/test_servers.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, 0600) < 0)
		ok(false, "cannot write %s", path);
}

static void write_server(const char *name, const char *dns)
{
	char text[600];

	snprintf(text, sizeof(text),
		 "[Interface]\nPrivateKey = gLGD4Gti2x2+Kk+jBq0kER7egG/yiSWGL7rTuJiKvk8=\n"
		 "Address = 10.2.0.2/32\nDNS = %s\n[Peer]\n"
		 "PublicKey = 7+yRxBTUEqt8jUTbf5ULgsMmBDVoPF3wwtOyXEAZOmM=\n"
		 "Endpoint = 192.0.2.1:51820\nAllowedIPs = 0.0.0.0/0\n",
		 dns);
	write_file(name, text);
}

static void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static void link_chosen(const char *to)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/chosen", dir);
	unlink(path);
	if (symlink(to, path) < 0)
		ok(false, "cannot link %s", path);
}

static void test_names(void)
{
	static const char *const bad[] = {"",	  ".hidden", "-up",    "a/b",  "a b", "a\"b",
					  "a\tb", "next",    "random", "\x80", "a\\b"};
	char longest[SERVER_MAX_LEN + 2];

	ok(server_is_name("se-sto-wg-001") && server_is_name("NL-FREE#12"),
	   "R83: providers' own names are names");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ok(!server_is_name(bad[i]), "R83: '%s' is none", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[SERVER_MAX_LEN + 1] = '\0';
	ok(!server_is_name(longest), "R83: nor is one that is too long");
	longest[SERVER_MAX_LEN] = '\0';
	ok(server_is_name(longest), "R83: the longest is one");
}

static void test_list(void)
{
	AUTO_SERVERS struct servers s = {0};
	struct err e = ERR_INIT;

	is_int(servers_list(dir, &s, &e), -ENOENT, "R83: a directory without a server");
	write_server("se-10.conf", "10.2.0.1");
	write_server("se-2.conf", "10.2.0.1");
	write_server("de-1.conf", "10.64.0.1, 10.2.0.1, fd00::1");
	write_file("README.txt", "");
	is_int(servers_list(dir, &s, &e), 0, "R83: the servers of a directory");
	ok(s.n == 3 && !strcmp(s.names[0], "de-1") && !strcmp(s.names[1], "se-2") &&
		   !strcmp(s.names[2], "se-10"),
	   "R83: sorted as people count, other files left out");
	is_int((long long)servers_chosen(dir, &s), 0, "R83: nobody has chosen: the first");
	is_int(servers_choose(dir, "se-10", &e), 0, "R83: one is chosen");
	is_int((long long)servers_chosen(dir, &s), 2, "R83: and is the one");
	is_int(servers_choose(dir, "se-2", &e), 0, "R83: another is chosen");
	is_int((long long)servers_chosen(dir, &s), 1, "R83: and is the one");
	is_int(servers_choose(dir, "../x", &e), -EINVAL, "R83: a path is not a choice");
	link_chosen("gone.conf");
	is_int((long long)servers_chosen(dir, &s), 0, "R83: one that is gone: the first");
	link_chosen("/etc/passwd");
	is_int((long long)servers_chosen(dir, &s), 0, "R83: one that is a path: the first");
	is_int(servers_fail_unknown(&s, "v", "se-3", &e), -ENOENT, "R83: no such server");
	is_str(e.msg, "v has no server 'se-3'; did you mean se-2?", "R83: one like it is named");
}

static void test_shut(void)
{
	AUTO_SERVERS struct servers s = {0};
	struct err e = ERR_INIT;

	chmod(dir, 0775);
	is_int(servers_list(dir, &s, &e), -EPERM, "R26: who writes there could bring a key along");
	chmod(dir, 0757);
	is_int(servers_list(dir, &s, &e), -EPERM, "R26: whoever that is");
	chmod(dir, 0755);
	write_file("a b.conf", "");
	is_int(servers_list(dir, &s, &e), -EINVAL, "R83: a name that cannot be typed is refused");
	remove_file("a b.conf");
}

static void test_order(void)
{
	static char a[] = "de-ber-1", b[] = "se-got-1", c[] = "se-sto-1", d[] = "se-sto-2",
		    g[] = "se-sto-3", h[] = "us-1";
	static char *names[] = {a, b, c, d, g, h};
	const struct servers s = {names, ARRAY_SIZE(names)};
	size_t ret[ARRAY_SIZE(names)];
	const size_t home[] = {4, 2, 1, 5, 0}, away[] = {3, 4, 2, 1, 0};

	ok(servers_order(&s, 3, 3, ret) == 5 && !memcmp(ret, home, sizeof(home)),
	   "R83: the same town first, then the same country, each behind the one in use");
	ok(servers_order(&s, 3, 5, ret) == 5 && ret[0] == 3, "R83: the chosen one before all");
	ok(servers_order(&s, 3, 5, ret) == 5 && ret[1] != away[0], "R83: and once");
	is_int((long long)servers_order(&s, 3, s.n, ret), 6,
	       "R83: one in use that is gone is nobody");
}

static void test_profile(void)
{
	char json[200], path[PATH_MAX], text[INET_ADDRSTRLEN] = "";
	struct profile p = {0};
	struct err e = ERR_INIT;
	struct profile_texts t = {.json = json};

	t.json_len = (size_t)snprintf(json, sizeof(json), "{\"id\": 3, \"servers\": \"%s\"}", dir);
	snprintf(path, sizeof(path), "%s/many.json", dir);
	servers_choose(dir, "se-2", NULL);
	is_int(profile_load_texts(path, &t, &p, &e), 0, "R83: a profile of many servers");
	ok(p.server && !strcmp(p.server, "se-2") && p.config && strstr(p.config, "/se-2.conf"),
	   "R83: is that of the chosen one");
	is_int((long long)p.n_spare_dns, 2, "R83: and knows the other tunnels' name servers");
	inet_ntop(AF_INET, &p.spare_dns[0].v4, text, sizeof(text));
	is_str(text, "10.64.0.1", "R83: those that are not its own");
	profile_free(&p);
	t.server = "de-1";
	is_int(profile_load_texts(path, &t, &p, &e), 0, "R83: by another of them");
	ok(p.server && !strcmp(p.server, "de-1") && !p.n_spare_dns, "R83: which has them all");
	profile_free(&p);
	t.server = "xx";
	is_int(profile_load_texts(path, &t, &p, &e), -ENOENT, "R83: by none that there is");
	t.server = NULL;
	t.json_len = (size_t)snprintf(json, sizeof(json),
				      "{\"id\": 3, \"servers\": \"%s\", \"config\": \"/x\"}", dir);
	is_int(profile_load_texts(path, &t, &p, &e), -EINVAL, "R83: beside one file of its own");
	t.json_len = (size_t)snprintf(json, sizeof(json),
				      "{\"id\": 3, \"servers\": \"%s\", \"mtu\": 1400}", dir);
	is_int(profile_load_texts(path, &t, &p, &e), -EINVAL, "R83: beside what its files say");
	t.json_len = (size_t)snprintf(json, sizeof(json),
				      "{\"id\": 3, \"config\": \"/x\", \"failover\": false}");
	is_int(profile_load_texts(path, &t, &p, &e), -EINVAL, "R83: failover of one server");
	t.json_len = (size_t)snprintf(
		json, sizeof(json),
		"{\"id\": 3, \"servers\": \"%s\", \"failover\": false, \"dns\": [\"9.9.9.9\"]}",
		dir);
	is_int(profile_load_texts(path, &t, &p, &e), 0,
	       "R83: without failover, with its own names");
	ok(p.keep_server && !p.n_spare_dns, "R83: which all of them have in common");
	profile_free(&p);
}

static enum failover_what judge(struct failover *f, enum silence_state s, bool session,
				int64_t since_ms, bool is_home, int64_t now_ms)
{
	const struct silence q = {.had_session = session, .since_ms = since_ms};

	return failover_judge(f, s, &q, is_home, now_ms);
}

static void test_silent(void)
{
	struct failover f = {0};

	is_int(judge(&f, SILENCE_NONE, true, 0, true, 1000), FAILOVER_NONE,
	       "R83: who answers stays");
	is_int(judge(&f, SILENCE_WAITING, true, 1000, true, 2000), FAILOVER_NONE,
	       "R83: an answer may come within ten seconds");
	is_int(judge(&f, SILENCE_WAITING, true, 1000, true, 1000 + FAILOVER_SESSION_MS),
	       FAILOVER_NEXT, "R83: after that, others are asked");
	is_int(judge(&f, SILENCE_WAITING, true, 1000, true, 2000 + FAILOVER_SESSION_MS),
	       FAILOVER_NONE, "R83: and not again at once");
	is_int(judge(&f, SILENCE_DEAD, true, 1000, true, 1000 + FAILOVER_SESSION_MS + FAILOVER_MS),
	       FAILOVER_NEXT, "R83: but after a while");
	is_int(judge(&f, SILENCE_DEAD, true, 1000, true,
		     1000 + FAILOVER_SESSION_MS + 2 * FAILOVER_MS),
	       FAILOVER_NONE, "R83: which becomes longer");
	f = (struct failover){0};
	is_int(judge(&f, SILENCE_WAITING, false, 1000, true, 50000), FAILOVER_NONE,
	       "R83: without a session, the second try may be answered");
	is_int(judge(&f, SILENCE_DEAD, false, 1000, true, 60000), FAILOVER_NEXT,
	       "R83: and when it is not, others are asked at once");
}

static void test_home(void)
{
	struct failover f = {0};
	int64_t now = 1000, gone;

	judge(&f, SILENCE_NONE, true, 0, true, now);
	gone = now += 1000;
	is_int(judge(&f, SILENCE_NONE, true, 0, false, now), FAILOVER_NONE,
	       "R83: the chosen one has just been left");
	is_int(judge(&f, SILENCE_NONE, true, 0, false, gone + FAILOVER_HOME_MS), FAILOVER_NONE,
	       "R83: one that is left soon is asked later than the first time");
	now = gone + 2 * FAILOVER_HOME_MS;
	is_int(judge(&f, SILENCE_WAITING, true, now - 1000, false, now), FAILOVER_NONE,
	       "R83: while the one in use may still answer, nobody is asked");
	now = gone;
	is_int(judge(&f, SILENCE_WAITING, true, gone, false, gone + 2 * FAILOVER_HOME_MS),
	       FAILOVER_NEXT, "R83: while the one in use is silent, others come first");
	is_int(judge(&f, SILENCE_NONE, true, 0, false, gone + 2 * FAILOVER_HOME_MS), FAILOVER_HOME,
	       "R83: then it is asked whether it answers");
	is_int(judge(&f, SILENCE_NONE, true, 0, false, gone + 3 * FAILOVER_HOME_MS), FAILOVER_NONE,
	       "R83: and not again before as long");
	for (int i = 0; i < 10; i++) {
		judge(&f, SILENCE_NONE, true, 0, true, now += 1000);
		judge(&f, SILENCE_NONE, true, 0, false, now += 1000);
	}
	is_int(f.home_ms - now, FAILOVER_HOME_MAX, "R83: never seldomer than once an hour");
	judge(&f, SILENCE_NONE, true, 0, true, now += 1000);
	judge(&f, SILENCE_NONE, true, 0, false, now += FAILOVER_HOME_MAX);
	is_int(f.home_ms - now, FAILOVER_HOME_MS, "R83: one that was well for long is asked soon");
}

int main(void)
{
	tap_begin();
	if (!mkdtemp(dir))
		return 1;
	chmod(dir, 0755);
	test_names();
	test_list();
	test_shut();
	test_order();
	test_profile();
	test_silent();
	test_home();
	remove_file("chosen");
	remove_file("README.txt");
	remove_file("se-10.conf");
	remove_file("se-2.conf");
	remove_file("de-1.conf");
	ok(rmdir(dir) == 0, "nothing else was written there");
	return tap_done();
}
