/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vpnctl's commands refuse before anything is done: words of a line that are wrong, requests
 * and users at the default's door, addresses and answers of strangers.
 */
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "default/default.h"
#include "inside.h"

/* Stand in for who changes the default. Under its lock another one is found than before: what is
 * said of that; 99: nobody was asked. */
static struct default_note meanwhile;
static int said = 99;

static int fake_set(const char *name, bool strict, const struct default_permit *permit,
		    struct err *e)
{
	(void)name;
	(void)strict;
	said = permit ? permit->ask(&meanwhile, permit->arg, e) : 99;
	return 0;
}

static int fake_clear(const struct default_permit *permit, char *ret_name, struct err *e)
{
	ret_name[0] = '\0';
	return fake_set("", false, permit, e);
}
#define default_set   fake_set
#define default_clear fake_clear
#include "command/default_door.c"
#include "command/up.c"
#undef default_set
#undef default_clear
#include "command/await.c"
#include "command/fetch.c"
#include "command/ip_answer.c"
#include "ctl/args.c"
#include "ctl/show.c"
#include "ctl/twins.c"

/* --- the words of a line ---------------------------------------------------------------------- */

static const struct args_rule rule = {"--force --id=", 1, 2, "--force wipe"};

/* What args_check() says of the words of line, or whether args_root() finds something of root's. */
static int words(const char *line, bool ask_root)
{
	static char text[128], program[] = "vpnctl";
	char *argv[12] = {program}, *state = NULL;
	struct err e = ERR_INIT;
	int argc = 1;

	str_copy(text, sizeof(text), line);
	for (char *w = strtok_r(text, " ", &state); w; w = strtok_r(NULL, " ", &state))
		argv[argc++] = w;
	return ask_root ? args_root(argc, argv, &rule) != NULL : args_check(argc, argv, &rule, &e);
}

static void test_words(void)
{
	static const struct {
		const char *line;
		int want;
		const char *what;
	} cases[] = {
		{"a b", 0, "words"},
		{"a --force --id 7", 0, "options, one with a value behind it"},
		{"a --id=7", 0, "or in it"},
		{"a --help", 1, "help"},
		{"-- --force", 0, "behind -- all are words"},
		{"a -", 0, "a dash is a word"},
		{"a --forced", -EINVAL, "L62 an option that there is not"},
		{"a --for", -EINVAL, "L62 nor is the beginning of one"},
		{"a -f", -EINVAL, "L62 nor its letter"},
		{"a --force=yes", -EINVAL, "L62 a value where none belongs"},
		{"a --id", -EINVAL, "L62 no value where one belongs"},
		{"--force", -EINVAL, "L62 too few words"},
		{"--id 7", -EINVAL, "L62 a value is none of them"},
		{"a b c", -EINVAL, "L62 too many"},
		{"a -- b --id", -EINVAL, "L62 also behind --"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		is_int(words(cases[i].line, false), cases[i].want, cases[i].what);
	ok(words("a --force", true) && words("wipe", true), "what is root's alone is found");
	ok(!words("a --id=7 -- --force", true) && !words("a", true), "and nothing else is");
}

/* --- the door of the default ------------------------------------------------------------------ */

static bool good_request(struct door_request req, ssize_t n)
{
	return is_request(&req, n);
}

static void test_requests(void)
{
	const struct door_request good = {DOOR_MAGIC, 1, "demo"}, none = {DOOR_MAGIC, 0, "none"};
	const ssize_t size = sizeof(good);
	struct door_request r;

	ok(good_request(good, size) && good_request(none, size), "control: requests");
	ok(!good_request(good, size - 1) && !good_request(good, size + 1) &&
		   !good_request(good, -1),
	   "of another size: none");
	r = good;
	r.magic++;
	ok(!good_request(r, size), "of another kind: none");
	r = good;
	r.strict = 2;
	ok(!good_request(r, size), "strict is yes or no");
	r = good;
	memset(r.name, 'x', sizeof(r.name));
	ok(!good_request(r, size), "a name without an end: none");
	r = good;
	str_copy(r.name, sizeof(r.name), "../demo");
	ok(!good_request(r, size), "a name that leads elsewhere: none");
}

/* alice may "a", the group of bob "b", user 4243 "c"; nobody "d". */
static bool make_vpns(void)
{
	struct record r[4] = {{.name = "a", .default_users = {"alice"}},
			      {.name = "b", .default_groups = {"pals"}},
			      {.name = "c", .default_users = {"4243"}},
			      {.name = "d"}};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		r[i].id = (uint8_t)(i + 1);
		r[i].subnet4_plen = 24;
		if (record_write(&r[i], &e) < 0)
			return false;
	}
	return write_file("/run/passwd", "alice:x:4241:4241::/:/bin/sh\n"
					 "bob:x:4242:4242::/:/bin/sh\n") &&
	       write_file("/run/group", "pals:x:4300:bob\n") &&
	       write_file("/run/nsswitch.conf",
			  "passwd: files\ngroup: files\ninitgroups: files\n") &&
	       mount("/run/passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0 &&
	       mount("/run/group", "/etc/group", NULL, MS_BIND, NULL) == 0 &&
	       mount("/run/nsswitch.conf", "/etc/nsswitch.conf", NULL, MS_BIND, NULL) == 0;
}

static int asks(uid_t uid, const char *name, const struct default_note *n)
{
	struct door_request req = {.magic = DOOR_MAGIC};
	struct asked a = {&req, uid};
	struct err e = ERR_INIT;

	str_copy(req.name, sizeof(req.name), name);
	return judge(n, &a, &e);
}

static int who_may(void)
{
	if (!make_vpns())
		return SKIPPED;
	if (asks(4241, "a", NULL) != 0 || asks(4242, "b", NULL) != 0 || asks(4243, "c", NULL) != 0)
		return 1;
	if (asks(4241, "b", NULL) != -EPERM || asks(4242, "a", NULL) != -EPERM ||
	    asks(4244, "c", NULL) != -EPERM || asks(4241, "d", NULL) != -EPERM)
		return 2;
	return asks(4241, "e", NULL) == -ENETDOWN && asks(4241, "none", NULL) == 1 ? 0 : 3;
}

/* A user of b is to take neither a nor, in the middle of a switch, what was before it. */
static int whose_default(void)
{
	struct default_note n = {.state = DEFAULT_ON, .now = {.name = "a", .id = 1}};
	struct default_note between = {.state = DEFAULT_BEGUN,
				       .now = {.name = "b", .id = 2},
				       .old = {.name = "a", .id = 1}};

	if (!make_vpns())
		return SKIPPED;
	if (asks(4241, "none", &n) != 0 || asks(4241, "a", &n) != 0)
		return 1;
	if (asks(4242, "none", &n) != -EPERM || asks(4242, "b", &n) != -EPERM)
		return 2;
	return asks(4242, "none", &between) == -EPERM && asks(4242, "b", &between) == -EPERM ? 0
											     : 3;
}

/* What uid's request does, with no default at first, and then with that of a; 99: nobody is asked
 * when nobody else can change it any more. */
static int serves(uid_t uid, const char *name)
{
	struct door_request req = {.magic = DOOR_MAGIC};
	struct err e = ERR_INIT;
	char was[16];
	int r;

	said = 99;
	meanwhile = (struct default_note){.state = DEFAULT_ON, .now = {.name = "a", .id = 1}};
	str_copy(req.name, sizeof(req.name), name);
	r = serve(&req, uid, was, &e);
	return r < 0 ? r : said;
}

static int asked_again(void)
{
	struct err e = ERR_INIT;

	if (!make_vpns())
		return SKIPPED;
	if (serves(4241, "a") != 0)
		return 1;
	/* He may make b the default where there is none, and it is a's by then. */
	if (serves(4242, "b") != -EPERM)
		return 2;
	if (serves(4241, "b") != -EPERM || said != 99)
		return 3;
	if (default_note_write(&meanwhile, &e) < 0)
		return 4;
	return serves(4241, "none") == 0 && serves(4242, "none") == -EPERM && said == 99 ? 0 : 5;
}

/* `down --force` of one VPN takes away its own default, and no other's. */
static void test_forsake(void)
{
	struct err e = ERR_INIT;

	meanwhile = (struct default_note){.state = DEFAULT_ON, .now = {.name = "a", .id = 1}};
	forsake_default("b", &e);
	is_int(said, 1, "down --force: another's default stays");
	forsake_default("a", &e);
	is_int(said, 0, "control: its own goes");
}

/* Of these files there is nothing but the record: an attempt fails. */
static int revives(enum record_state state)
{
	struct record r = {.name = "a", .id = 1, .subnet4_plen = 24, .state = state};
	char command[] = "revive", name[] = "a", *argv[] = {command, name, NULL};
	struct err e = ERR_INIT;

	return record_write(&r, &e) < 0 ? -1 : ctl_revive(2, argv);
}

static int who_is_revived(void)
{
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (dup2(null, STDERR_FILENO) < 0 || revives(RECORD_DOWN) != CTL_OK)
		return 1;
	return revives(RECORD_UP) == CTL_FAILED && revives(RECORD_LOST) == CTL_FAILED ? 0 : 2;
}

static void test_door(void)
{
	test_requests();
	inside(who_may, "whom \"allow_default\" names may, and no other");
	inside(whose_default, "a default is taken by those alone who may have made it");
	inside(asked_again, "and that is asked again when nobody else can change it");
	test_forsake();
	inside(who_is_revived, "R95 who was taken down stays down: what is brought back was up");
}

/* --- what strangers answer -------------------------------------------------------------------- */

static int url(const char *text)
{
	struct err e = ERR_INIT;

	return fetch_check_url(text, &e);
}

static void test_fetch(void)
{
	static char bytes[1000], text[FETCH_MAX + 1];
	struct body b = {.text = text};
	size_t n = 0;

	ok(url("http://a") == 0 && url("https://a/b?c") == 0, "an address of a server");
	ok(url("file:///etc/passwd") < 0 && url("ftp://a") < 0 && url("a") < 0,
	   "R30 no other scheme");
	ok(url("http://") < 0 && url("https:///b") < 0 && url("http://:80") < 0, "R30 no server");
	ok(url("http://a b") < 0 && url("http://a\n") < 0, "R30 nor one with blanks");
	while (n < FETCH_MAX && take(bytes, 1, sizeof(bytes), &b) == sizeof(bytes))
		n += sizeof(bytes);
	ok(n == FETCH_MAX / sizeof(bytes) * sizeof(bytes) && b.len == n,
	   "R30 an answer is taken up to its bound, and none beyond it");
	ok(take(bytes, 1, FETCH_MAX - n, &b) == FETCH_MAX - n && take(bytes, 1, 1, &b) == 0,
	   "up to the last byte");
}

static const char *address(const char *text)
{
	static struct ip_answer a;
	struct err e = ERR_INIT;

	return ip_answer_parse(text, &a, &e) < 0 ? NULL : a.text;
}

static void test_answers(void)
{
	char longest[200];
	struct ip_answer a;
	struct err e = ERR_INIT;

	is_str(address("203.0.113.9\n"), "203.0.113.9", "R30 an address");
	is_str(address("{\"ip\": \"2001:db8::1\"}"), "2001:db8::1", "R30 in JSON");
	is_str(address("203.0.113.0/24"), NULL, "R30 a prefix is none");
	is_str(address("<html>203.0.113.9"), NULL, "R30 nor is a page");
	is_str(address(""), NULL, "nor nothing");
	is_str(address("{\"ip\": 9}"), NULL, "nor a number");
	memset(longest, '1', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	is_str(address(longest), NULL, "R30 a word that is longer than any address");
	ok(ip_answer_parse("{\"ip\":\"192.0.2.1\",\"mullvad_exit_ip\":false}", &a, &e) == 0 &&
		   a.verdict_key && !a.verdict,
	   "R75 the provider's verdict");
	ok(ip_answer_parse("{\"ip\":\"192.0.2.1\",\"mullvad_exit_ip\":\"yes\"}", &a, &e) == 0 &&
		   !a.verdict_key,
	   "R75 what is neither true nor false is none");
}

int main(void)
{
	tap_begin();
	test_words();
	test_door();
	test_fetch();
	test_answers();
	return tap_done();
}
