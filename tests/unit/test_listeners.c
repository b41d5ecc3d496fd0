/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sock_diag and /proc/net/unix say of others' sockets: names are any bytes that a stranger
 * chose, and a listener that is overlooked is a door (L33).
 */
#include "tap.h"

#define got_socket listed
#include "session/listeners.c"
#undef got_socket
#include "nl/unixdiag.c"

#define HEAD "Num       RefCount Protocol Flags    Type St Inode Path\n"
#define LINE "0000000000000000: 00000002 00000000 "

static const char *const hidden[] = {"/run/", "/tmp/", NULL};

/* The names, with '|' behind each. */
static const char *all_names(const struct listeners *l)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s|", l->text + l->at[i].name);
	return text;
}

/* --- /proc/net/unix -------------------------------------------------------------------------- */

static void test_lines(void)
{
	static const struct {
		const char *text, *names, *what;
	} cases[] = {
		{"", "", "nothing at all"},
		{HEAD, "", "nobody"},
		{HEAD LINE "00010000 0001 01 77 /a\n", "/a|", "a listener"},
		{HEAD LINE "00010000 0001 01 77 /a", "/a|", "the last line may lack its end"},
		{HEAD LINE "00010000 0005 01 77 /a\n" LINE "00000000 0002 01 78 /b\n", "/a|/b|",
		 "one by packets, a datagram socket"},
		{HEAD LINE "00000000 0002 03 78 /b\n", "/b|",
		 "a datagram socket to which somebody is connected"},
		{HEAD LINE "00000000 0001 03 77 /a\n", "", "a connection that was accepted"},
		{HEAD LINE "00000000 0001 01 77 /a\n", "/a|", "bound: it may listen any time"},
		{HEAD LINE "00010000 0001 01 77 @a\n" LINE "00010000 0001 01 77\n", "",
		 "abstract ones, or without a name"},
		{HEAD LINE "00010000 0001 01 77 /a\nb\n", "/a\nb|", "a name with a newline"},
		{HEAD LINE "00010000 0001 01 77 /a\n\n\nb\n" LINE "00010000 0001 01 78 /c\n",
		 "/a\n\n\nb|/c|", "with several, and one behind it"},
		{HEAD LINE "00010000 0001 01 77 /a b  \n", "/a b  |", "blanks, at the end too"},
		{HEAD LINE "00010000 0001 01 77 /a (deleted)\n", "/a (deleted)|",
		 "\"(deleted)\" is a name like others"},
		{HEAD LINE "00010000 0001 01 77 /\xff\xc3\x01\n", "/\xff\xc3\x01|", "other bytes"},
		{HEAD LINE "00010000 0001 01 77 s\n", "s|", "a relative one"},
		{HEAD LINE "00010000 0001 01 77 /run/a\n" LINE "00010000 0001 01 77 /tmp/b\n", "",
		 "in a directory that is hidden"},
		{HEAD LINE "00010000 0001 01 77 /run\n" LINE "00010000 0001 01 77 /running/a\n",
		 "/run|/running/a|", "beside one that is hidden"},
		{HEAD LINE "00010000 0001 01 77 /run/media/u/a\n", "/run/media/u/a|",
		 "in what a sandbox has of a hidden directory"},
		{"no head and no end", "", "what is no table"},
		{HEAD "zz: 2 0 10000 1 1 7 /a\n", "", "a line that is none"},
		{HEAD "0: 2 0 10000 1 1 /a\n", "", "a field too few"},
		{HEAD LINE "00010000 0001 01 99999999999999999999 /a\n", "/a|",
		 "a number that is too large"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct listeners l = {.hidden = hidden};
		char *text = strdup(cases[i].text);

		is_int(listeners_parse(text, &l), 0, "L33 /proc/net/unix is read");
		is_str(all_names(&l), cases[i].names, cases[i].what);
		listeners_free(&l);
		free(text);
	}
}

/* A name that is a line of the table hides nobody: it can only add one. */
static void test_forged_line(void)
{
	char text[] = HEAD LINE "00010000 0001 01 77 /a\n" LINE "00000000 0001 03 77 /real\n" LINE
				"00010000 0001 01 78 /b\n";
	struct listeners l = LISTENERS_INIT;

	is_int(listeners_parse(text, &l), 0, "L33 a name that looks like a line");
	is_str(all_names(&l), "/a|/b|", "hides none that comes before or behind");
	listeners_free(&l);
}

static void test_many(void)
{
	struct listeners l = LISTENERS_INIT;
	const size_t n = 10000;
	char *text = malloc(n * 160 + 100), *at = text;
	bool right = true;

	at += sprintf(at, HEAD);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, LINE "00010000 0001 01 %zu /%0100zu\n", i, i);
	is_int(listeners_parse(text, &l), 0, "L33 10,000 listeners");
	is_int((long long)l.n, (long long)n, "all of them");
	for (size_t i = 0; i < l.n; i++)
		right &= strtoul(l.text + l.at[i].name + 1, NULL, 10) == i &&
			 strlen(l.text + l.at[i].name) == 101;
	ok(right, "each by its name");
	listeners_free(&l);
	ok(!l.n && !l.at && !l.text, "and forgotten");
	free(text);
}

/* --- sock_diag ------------------------------------------------------------------------------- */

static union {
	struct nlmsghdr h;
	uint8_t bytes[1024];
} msg;

static void begin(uint8_t type, uint8_t state)
{
	struct unix_diag_msg d = {
		.udiag_family = AF_UNIX,
		.udiag_type = type,
		.udiag_state = state,
	};

	memset(&msg, 0, sizeof(msg));
	memcpy(msg.bytes + NLMSG_HDRLEN, &d, sizeof(d));
	msg.h.nlmsg_len = NLMSG_HDRLEN + sizeof(d);
}

/* claims: what the attribute says of its length, where that is not so. */
static void put(uint16_t type, const void *data, size_t len, size_t claims)
{
	struct nlattr a = {.nla_type = type, .nla_len = (uint16_t)(sizeof(struct nlattr) + claims)};
	uint8_t *at = msg.bytes + ((msg.h.nlmsg_len + 3U) & ~3U);

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, len);
	msg.h.nlmsg_len = (uint32_t)(at - msg.bytes) + (uint32_t)(sizeof(a) + len);
}

static struct unixdiag seen;

static int see(const struct unixdiag *u, void *arg)
{
	(void)arg;
	seen = *u;
	return 7;
}

/* What the reader made of the message: 7 if it handed it on. */
static int look(void)
{
	struct unix_walk w = {see, NULL};

	seen = (struct unixdiag){.len = 0};
	return got_socket(&msg.h, &w);
}

static void test_messages(void)
{
	const struct unix_diag_vfs vfs = {.udiag_vfs_ino = 42};
	const uint32_t uid = 1000;

	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_NAME, "/a\nb", 4, 4);
	put(UNIX_DIAG_VFS, &vfs, sizeof(vfs), sizeof(vfs));
	put(UNIX_DIAG_UID, &uid, sizeof(uid), sizeof(uid));
	is_int(look(), 7, "L33 sock_diag: a listener");
	is_str(seen.name, "/a\nb", "its name, which has no NUL behind it there");
	ok(seen.len == 4 && seen.ino == 42 && seen.uid == 1000, "its inode and whose it is");

	begin(SOCK_STREAM, TCP_ESTABLISHED);
	put(UNIX_DIAG_NAME, "/a", 2, 2);
	is_int(look(), 0, "a connection that was accepted is nobody's door");
	begin(SOCK_DGRAM, TCP_ESTABLISHED);
	put(UNIX_DIAG_NAME, "/a", 2, 2);
	is_int(look(), 7, "a datagram socket with a peer is");
	ok(seen.uid == UINT32_MAX && !seen.ino, "what is not said is not known");

	begin(SOCK_STREAM, TCP_LISTEN);
	is_int(look(), 0, "no name");
	put(UNIX_DIAG_NAME, "\0abc", 4, 4);
	is_int(look(), 0, "an abstract name");
	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_NAME, "/a\0bc", 5, 5);
	is_int(look(), 7, "a name ends at a NUL");
	is_str(seen.name, "/a", "and what is behind it is not looked at");
}

static void test_bad_messages(void)
{
	const struct unix_diag_vfs vfs = {.udiag_vfs_ino = 42};
	char name[300];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_NAME, name, sizeof(name), sizeof(name));
	is_int(look(), 7, "a name that is longer than a socket's can be");
	is_int((long long)strlen(seen.name), UNIXDIAG_NAME_MAX, "is cut, and ends");

	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_VFS, &vfs, 4, 4);
	put(UNIX_DIAG_UID, &vfs, 2, 2);
	put(UNIX_DIAG_NAME, "/a", 2, 2);
	is_int(look(), 7, "attributes that are too short");
	ok(!seen.ino && seen.uid == UINT32_MAX, "are passed over");

	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_NAME, "/a", 2, 200);
	is_int(look(), 0, "one that is longer than its message is not read");
	begin(SOCK_STREAM, TCP_LISTEN);
	put(UNIX_DIAG_NAME, "/a", 2, 2);
	put(UNIX_DIAG_VFS, &vfs, sizeof(vfs), 60000);
	is_int(look(), 7, "what was whole before it is kept");
	begin(SOCK_STREAM, TCP_LISTEN);
	msg.h.nlmsg_len = NLMSG_HDRLEN + sizeof(struct unix_diag_msg) - 1;
	is_int(look(), -EPROTO, "a message that is no whole one ends the list");
}

/* What the list is made of that. */
static void test_list(void)
{
	struct listeners l = {.hidden = hidden};
	struct unixdiag u = {.name = "/a", .len = 2, .ino = 5, .uid = UINT32_MAX};
	struct unixdiag r = {.name = "s", .len = 1, .ino = 6, .uid = geteuid()};
	struct unixdiag other = {.name = "t", .len = 1, .ino = 7, .uid = geteuid() + 1};
	struct unixdiag in = {.name = "/run/a", .len = 6, .ino = 8};

	ok(listed(&u, &l) == 0 && listed(&in, &l) == 0 && !l.some_relative, "L33 absolute names");
	ok(listed(&r, &l) == 0 && l.some_relative, "a relative one is noticed");
	is_str(all_names(&l), "/a|", "but has no place yet");
	ok(got_relative(&r, &l) == 0 && got_relative(&other, &l) == 0 && got_relative(&u, &l) == 0,
	   "relative names are looked at once more");
	is_str(all_names(&l), "/a|s|", "the user's own, and nobody else's");
	ok(l.at[0].ino == 5 && l.at[1].ino == 6, "with their inodes");
	listeners_free(&l);
}

int main(void)
{
	tap_begin();
	test_lines();
	test_forged_line();
	test_many();
	test_messages();
	test_bad_messages();
	test_list();
	return tap_done();
}
