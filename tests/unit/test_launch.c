/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * line/options.c, ns/names.c and box/fds.c: the command line, the text of a sandbox's resolver
 * files, and which descriptors are harmless.
 */
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "box/fds.h"
#include "launch/i386.h"
#include "launch/launch.h"
#include "line/find.h"
#include "line/hint.h"
#include "line/identity.h"
#include "line/options.h"
#include "ns/account.h"
#include "ns/names.h"
#include "running/elf.h"
#include "session/words.h"

#define ARGS_MAX 24

/* Splits line at blanks into argv behind "vpnrun"; "''" is an empty word. What *o points to lives
 * until the next call. */
static int parse(const char *line, struct line_options *o, struct err *e)
{
	static char text[256];
	static char empty[] = "", self[] = "vpnrun";
	static char *argv[ARGS_MAX + 1] = {self};
	int argc = 1;
	char *save;

	snprintf(text, sizeof(text), "%s", line);
	for (char *w = strtok_r(text, " ", &save); w && argc < ARGS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "''") ? w : empty;
	argv[argc] = NULL;
	return line_parse(argc, argv, o, e);
}

static const char *text_or(const char *s)
{
	return s ? s : "(null)";
}

static void test_lines(void)
{
	static const struct {
		const char *line, *vpn, *command, *second;
	} cases[] = {
		{"demo curl -s", "demo", "curl", "-s"},
		{"demo -- curl", "demo", "curl", "(null)"},
		{"demo", "demo", "(null)", ""},
		{"- id", "-", "id", "(null)"},
		{"-- id -u", "(null)", "id", "-u"},
		{"-- -- id", "(null)", "--", "id"},
		{"-v demo --strict sh -c", "demo", "sh", "-c"},
		{"host --dns 9.9.9.9 dig", "host", "dig", "(null)"},
		{"demo env --dns x", "demo", "env", "--dns"},
		{"--dns=9.9.9.9 none -- -v", "none", "-v", "(null)"},
		{"--with 12 id", "(null)", "id", "(null)"},
		{"--with 12", "(null)", "(null)", ""},
		{"demo ''", "demo", "", "(null)"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line_options o;
		struct err e = ERR_INIT;
		int r = parse(cases[i].line, &o, &e);
		bool good = r == 0 && !strcmp(text_or(o.vpn), cases[i].vpn) &&
			    !strcmp(text_or(o.command ? o.command[0] : NULL), cases[i].command) &&
			    (!o.command || !strcmp(text_or(o.command[1]), cases[i].second));

		ok(good, "vpnrun %s", cases[i].line);
	}
}

static void test_bad_lines(void)
{
	static const char *const cases[] = {
		"--bogus demo id",
		"--dns",
		"--dns x demo",
		"--dns 1.2.3.4/24 demo",
		"--dns ::g demo",
		"--keep-fd -1 demo",
		"--keep-fd x demo",
		"--with 0 id",
		"--with x id",
		"--with 1x id",
		"demo --with 3 id",
		"--with 3 --dns 9.9.9.9 id",
		"--allow run/x demo",
		"--allow waylan demo",
		"--with 3 --allow bus id",
		"-x demo",
		"--strict=yes demo",
		"-v",
		"''",
		"--policy",
		"-p 9000 demo",
		"-p 0:80 demo",
		"-p 80:0 demo",
		"-p 9000:65536 demo",
		"-p 9000:80/sctp demo",
		"-p 9000:80:90:1 demo",
		"-p 1.2.3:9000:80 demo",
		"-p ::1:9000:80 demo",
		"-p [::1]9000:80 demo",
		"-p [::1]:80 demo",
		"-p :9000:80 demo",
		"--reach 0 demo",
		"--reach 1:2:3 demo",
		"--reach x demo",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line_options o;
		struct err e = ERR_INIT;

		ok(parse(cases[i], &o, &e) < 0 && e.msg[0], "vpnrun %s is refused", cases[i]);
	}
}

static void test_values(void)
{
	struct line_options o;
	struct err e = ERR_INIT;

	is_int(parse("-v --strict --policy=p --socket s --allow /run/a --allow /run/b --keep-fd 7 "
		     "--dns 9.9.9.9 --dns 2001:db8::9 demo id",
		     &o, &e),
	       0, "a line with everything");
	ok(o.verbose && o.strict && !strcmp(o.policy, "p") && !strcmp(o.socket, "s"), "its words");
	ok(o.n_allow == 2 && !strcmp(o.allow[1], "/run/b"), "its --allow");
	is_int(o.words, 0, "and no word");
	is_int(parse("--allow sound --allow=x11 --allow wayland --allow bus demo id", &o, &e), 0,
	       "a line with words");
	ok(o.words == (SESSION_SOUND | SESSION_X11 | SESSION_WAYLAND | SESSION_BUS) &&
		   o.n_allow == 0,
	   "L42 L43 its words");
	parse("--keep-fd 7 --dns 9.9.9.9 --dns 2001:db8::9 demo id", &o, &e);
	ok(o.n_keep_fd == 1 && o.keep_fd[0] == 7, "its --keep-fd");
	ok(o.n_dns == 2 && o.dns[0].family == AF_INET && o.dns[1].family == AF_INET6, "its --dns");
	is_int(parse("-p 9000:80 -p 10.0.0.1:53:54/udp --publish=[::1]:1:65535/tcp --reach 7 "
		     "--reach 8:9/udp demo id",
		     &o, &e),
	       0, "a line with ports");
	ok(o.publish.n == 3 && o.publish.at[0].at.family == 0 && o.publish.at[0].listen == 9000 &&
		   o.publish.at[0].target == 80 && !o.publish.at[0].udp,
	   "R46 its -p");
	ok(o.publish.at[1].at.family == AF_INET && o.publish.at[1].at.addr[0] == 10 &&
		   o.publish.at[1].udp && o.publish.at[2].at.family == AF_INET6 &&
		   o.publish.at[2].at.addr[15] == 1 && o.publish.at[2].target == 65535,
	   "R48 their addresses");
	ok(o.reach.n == 2 && o.reach.at[0].listen == 7 && o.reach.at[0].target == 7 &&
		   o.reach.at[1].listen == 8 && o.reach.at[1].target == 9 && o.reach.at[1].udp,
	   "R50 its --reach");
	is_int(parse("--help", &o, &e), 0, "--help needs nothing else");
}

static void test_ports(void)
{
	static const char *const wrong[] = {
		"",	     "80:",	   ":80",	    "1:2:3",	   "10.0.0.1", "10.0.0.1:",
		"10.0.0:80", "[::1]",	   "[::1:80",	    "::1:80",	   "nas:80",   "80/proxy",
		"80/sctp",   "1.2.3.4:53", "[::1]:853/udp", "5:1.2.3.4:53"};
	struct relay_specs s = {.n = 0}, p = {.n = 0};
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		is_int(relay_reach_add(&s, "reach", wrong[i], &e), -EINVAL, wrong[i]);
	is_int(relay_reach_add(&s, "reach", "53", &e), 0, "a name server of this machine's");
	is_int(relay_reach_add(&s, "reach", "192.168.1.5:445", &e), 0, "one place elsewhere");
	ok(s.at[1].to.family == AF_INET && s.at[1].to.addr[0] == 192 && s.at[1].listen == 445 &&
		   s.at[1].target == 445 && !s.at[1].at.family,
	   "R50 its address and port");
	is_int(relay_reach_add(&s, "reach", "80:[2001:db8::5]:8080/udp", &e), 0,
	       "the same by IPv6");
	ok(s.at[2].to.family == AF_INET6 && s.at[2].to.addr[15] == 5 && s.at[2].listen == 80 &&
		   s.at[2].target == 8080 && s.at[2].udp,
	   "R50 its address and ports");
	is_int(relay_spec_add(&p, "-p", "127.0.0.2:80:81", &e), 0, "another loopback address");
	is_int(relay_spec_add(&p, "-p", "[::1]:80:81", &e), 0, "that of IPv6");
	ok(!relay_specs_are_wide(&p), "R48 neither is beyond loopback");
	is_int(relay_spec_add(&p, "-p", "0.0.0.0:80:81/proxy", &e), 0, "all addresses, with PROXY");
	ok(relay_specs_are_wide(&p) && p.at[2].proxy && !p.at[2].udp, "R48 they are");
}

static void test_resolv_conf(void)
{
	struct names_dns dns[2] = {{.family = AF_INET}, {.family = AF_INET6}};
	char text[NAMES_RESOLV_MAX], tiny[64];

	inet_pton(AF_INET, "10.64.0.1", dns[0].addr);
	inet_pton(AF_INET6, "fd00::53", dns[1].addr);
	is_int(names_resolv_conf(text, sizeof(text), dns, 2, "a.example b.example"), 0,
	       "resolv.conf");
	ok(strstr(text,
		  "\nnameserver 10.64.0.1\nnameserver fd00::53\nsearch a.example b.example\n"),
	   "servers and domains");
	for (int i = 0; i < 2; i++) {
		is_int(names_resolv_conf(text, sizeof(text), dns, 1, i ? "" : NULL), 0,
		       "no domains");
		ok(strstr(text, "\nnameserver 10.64.0.1\nsearch .\n"),
		   "L07 short names are completed by nothing, not by the machine's own domain");
	}
	is_int(names_resolv_conf(text, sizeof(text), NULL, 0, "a.example"), 0, "R45 no server");
	ok(!strstr(text, "\nnameserver") && !strstr(text, "search"), "is comments only");
	is_int(names_resolv_conf(tiny, sizeof(tiny), dns, 2, NULL), -E2BIG, "a cut one is refused");
}

static void test_nsswitch(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "hosts: files dns\n"},
		{"passwd: files", "passwd: files\nhosts: files dns\n"},
		{"hosts: resolve files", "hosts: files dns\n"},
		{"a: b\n\thosts\t: mdns4\nc: d\n", "a: b\nhosts: files dns\nc: d\n"},
		{"HOSTS:x\nhosts: y\n", "hosts: files dns\n"},
		{"# hosts: x\n", "# hosts: x\nhosts: files dns\n"},
		{"hosts files resolve\nhosts\t:\tmdns\n", "hosts: files dns\n"},
		{"\v\f hosts\r: x\nhosts ::: y\nb: c\nhosts:z", "hosts: files dns\nb: c\n"},
		{"hosts#: x\n", "hosts#: x\nhosts: files dns\n"},
		{"hosts", "hosts\nhosts: files dns\n"},
		{"hostsx: a\nhost: b\n", "hostsx: a\nhost: b\nhosts: files dns\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = NULL;
		size_t len = 0;

		is_int(names_nsswitch(cases[i].in, strlen(cases[i].in), &out, &len), 0,
		       "L07 nsswitch.conf");
		is_str(out, cases[i].out, "is as it should be");
		ok(out && len == strlen(out), "and of its length");
		free(out);
	}
}

static void test_accounts(void)
{
	static const char file[] =
		"root:x:0:0:root:/root:/bin/sh\nal:x:1001:1001::/home/al:/bin/sh";
	struct account_line a = {1001, 1001, "al", "/home/al", "/bin/bash"};
	char *out = NULL;

	is_int(account_passwd(file, &a, &out), 0, "an account that is listed");
	is_int(account_group("al:x:1001:\n", &a, &out), 0, "a group that is listed");
	a = (struct account_line){5000, 6000, "d.o@x", "/home/d", "/bin/zsh"};
	is_int(account_passwd("a:x:1:2::/:/x\n", &a, &out), 1, "one that is not");
	is_str(out, "a:x:1:2::/:/x\nd.o@x:x:5000:6000::/home/d:/bin/zsh\n", "gets its line");
	free(out);
	is_int(account_group("", &a, &out), 1, "and its group");
	is_str(out, "d.o@x:x:6000:\n", "a line, too");
	free(out);
	a = (struct account_line){5000, 6000, "al", "/h\nroot:x:0:0", "zsh"};
	is_int(account_passwd(file, &a, &out), 1,
	       "a name that another has, and paths that are none");
	ok(out && strstr(out, "/bin/sh\nu5000:x:5000:6000::/:/bin/sh\n"), "are not taken: %s", out);
	free(out);
	for (const char *const *bad =
		     (const char *const[]){"a:b", "a\nb", "+x", "-x", "#x", "a b", "", "a/b", NULL};
	     *bad; bad++) {
		a.name = *bad;
		out = NULL;
		is_int(account_passwd("", &a, &out), 1, "a name that is none");
		is_str(out, "u5000:x:5000:6000::/:/bin/sh\n", "gives a number");
		free(out);
	}
	is_int(account_passwd("x:y:50001:\n:x:500:\nno line\n5000:x\n", &a, &out), 1,
	       "a number that only begins so, or stands elsewhere, is another");
	free(out);
}

static void test_hosts(void)
{
	static const struct {
		const char *in, *name, *out; /* NULL: it is all there */
	} cases[] = {
		{"127.0.0.1 localhost\n127.0.1.1 box\n", "box", NULL},
		{"127.0.0.1 localhost BOX # x\n", "box", NULL},
		{"127.0.0.1\tx localhost\n", "localhost", NULL},
		{"127.0.0.1 localhost\n", "", NULL},
		{"127.0.0.1 localhost\n", "a b", NULL},
		{"127.0.0.1 localhost\n# 1.1.1.1 box\n", "box",
		 "127.0.0.1 localhost\n# 1.1.1.1 box\n127.0.1.1 box\n::1 box\n"},
		{"127.0.0.1 localhost\nbox x\n1.1.1.1 boxes", "box",
		 "127.0.0.1 localhost\nbox x\n1.1.1.1 boxes\n127.0.1.1 box\n::1 box\n"},
		{"", "box.lan",
		 "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 box.lan\n::1 box.lan\n"},
		{"127.0.1.1 box\n", "box", "127.0.1.1 box\n127.0.0.1 localhost\n::1 localhost\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = NULL;

		is_int(account_hosts(cases[i].in, cases[i].name, &out), cases[i].out != NULL,
		       "L07 the machine's own name");
		is_str(out, cases[i].out, "is known inside");
		free(out);
	}
}

static bool harmless(int fd)
{
	struct stat st;
	bool good = fd >= 0 && fstat(fd, &st) == 0 && box_fds_is_harmless(fd, &st);

	close(fd);
	return good;
}

static void test_fds(void)
{
	int p[2];

	ok(harmless(open("/etc/passwd", O_RDONLY)), "L10 a file is harmless");
	ok(harmless(open("/dev/null", O_RDWR)), "/dev/null");
	ok(pipe(p) == 0 && harmless(p[0]) && harmless(p[1]), "a pipe");
	ok(!harmless(open("/run", O_RDONLY)), "a directory is not");
	ok(!harmless(open("/etc/passwd", O_PATH)), "O_PATH is not");
	ok(!harmless(socket(AF_UNIX, SOCK_STREAM, 0)), "a socket is not");
	ok(!harmless(open("/proc/self/ns/net", O_RDONLY)), "a namespace is not");
	ok(!harmless(open("/proc/self/mem", O_RDONLY)), "a process's memory is not");
	ok(!harmless(open("/dev/ptmx", O_RDWR | O_NOCTTY)), "the master of a terminal is not");
}

/* --- the environment ----------------------------------------------------------------------------
 */

static bool is_unset(const char *name)
{
	return getenv(name) == NULL;
}

/* What names a thing that is there stays, what names one that is not goes. */
static void test_env(void)
{
	static const char *const session[] = {"SSH_AUTH_SOCK",	 "TMUX",  "SWAYSOCK", "NVIM",
					      "KITTY_LISTEN_ON", "I3SOCK"};
	static const char *const servers[] = {"SESSION_MANAGER", "STY", "DBUS_STARTER_ADDRESS",
					      "DBUS_SESSION_BUS_PID"};
	char dir[] = "/tmp/test_launch_env.XXXXXX", there[64], gone[64], dead[64], text[96];
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!mkdtemp(dir))
		return;
	unsetenv("IBUS_USE_PORTAL");
	snprintf(there, sizeof(there), "%s/there", dir);
	snprintf(gone, sizeof(gone), "%s/gone", dir);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", there);
	if (bind(s, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(session); i++)
		setenv(session[i], gone, 1);
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		setenv(servers[i], there, 1);
	setenv("SSH_AGENT_PID", "1", 1);
	setenv("HYPRLAND_INSTANCE_SIGNATURE", "x", 1);
	setenv("NOTIFY_SOCKET", "@abstract", 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("TMUX_TMPDIR", "/own", 1);
	unsetenv("SCREENDIR");
	unsetenv("GIO_USE_VFS");
	unsetenv("TS_SOCKET");
	unsetenv("KITTY_WINDOW_ID");
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere", 1);
	launch_clean_env(dir, true);
	for (size_t i = 0; i < ARRAY_SIZE(session); i++)
		ok(is_unset(session[i]), "L37 %s leads nowhere: not told", session[i]);
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		ok(is_unset(servers[i]), "L38 %s is a server outside: not told", servers[i]);
	ok(is_unset("SSH_AGENT_PID"), "nor the agent's process");
	ok(is_unset("HYPRLAND_INSTANCE_SIGNATURE"), "L63 nor a compositor's directory");
	ok(is_unset("NOTIFY_SOCKET"), "L10 an abstract socket of another network is not told");
	ok(is_unset("LISTEN_FDS"), "L10 nor descriptors that were closed");
	ok(is_unset("DBUS_SESSION_BUS_ADDRESS"), "L35 a bus that is not there is not told");
	is_str(getenv("GIO_USE_VFS"), "local", "L35 and GVfs looks for no daemon");
	is_str(getenv("XDG_RUNTIME_DIR"), dir, "the runtime directory is the sandbox's");
	is_str(getenv("TMUX_TMPDIR"), "/own", "L37 what the user has set stays");
	snprintf(text, sizeof(text), "%s/screen", dir);
	is_str(getenv("SCREENDIR"), text, "L37 and helpers have a place in the sandbox");
	snprintf(text, sizeof(text), "%s/socket-ts", dir);
	is_str(getenv("TS_SOCKET"), text, "L37 also one that is a file");
	ok(is_unset("IBUS_USE_PORTAL"), "L35 nor is a portal asked for");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/bus", dir);
	ok(bind(bus, (struct sockaddr *)&sa, sizeof(sa)) == 0, "control: a bus");
	setenv("SSH_AUTH_SOCK", there, 1);
	setenv("KITTY_WINDOW_ID", "1", 1);
	snprintf(text, sizeof(text), "unix:path=%s,guid=1", there);
	setenv("NVIM", text, 1);
	setenv("NOTIFY_SOCKET", there, 1);
	launch_clean_env(dir, false);
	is_str(getenv("IBUS_USE_PORTAL"), "1", "L40 input methods are asked through the bus");
	unsetenv("IBUS_USE_PORTAL");
	unlink(sa.sun_path);
	close(bus);
	is_str(getenv("SSH_AUTH_SOCK"), there, "what is there stays");
	is_str(getenv("NVIM"), text, "also within an address");
	is_str(getenv("NOTIFY_SOCKET"), there, "and systemd's socket, if it has a path");
	snprintf(text, sizeof(text), "unix:%s/kitty", dir);
	is_str(getenv("KITTY_LISTEN_ON"), text,
	       "L44 kitty's client has a place to ask that is not the terminal");
	/* A dead socket that covers a listener has no name of its own. */
	snprintf(dead, sizeof(dead), "/proc/self/fd/%d", open(there, O_PATH | O_CLOEXEC));
	unlink(there);
	setenv("SSH_AUTH_SOCK", dead, 1);
	launch_clean_env(dir, false);
	ok(is_unset("SSH_AUTH_SOCK"), "L33 a dead socket is not told");
	close((int)strtol(dead + strlen("/proc/self/fd/"), NULL, 10));
	close(s);
	rmdir(dir);
}

static void write_head(const char *path, const void *head, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (write(fd, head, len) != (ssize_t)len)
		printf("# cannot write %s\n", path);
	close(fd);
}

static void test_i386(void)
{
	static const struct {
		const char *what;
		unsigned char class, machine;
		size_t len;
		bool is;
	} cases[] = {
		{"a 32-bit program for Intel", 1, 3, 52, true},
		{"a 64-bit one", 2, 62, 64, false},
		{"a 32-bit one for ARM", 1, 40, 52, false},
		{"x32", 1, 62, 52, false},
		{"a cut one", 1, 3, 19, false},
	};
	static const char list[] = "protocol  size sockets\nAF_VSOCK  1392      0\nUNIX  1 2\n";
	char dir[] = "/tmp/test_launch.XXXXXX", path[64], old[4096];
	unsigned char head[64] = "\177ELF";
	char name[] = "prog32", env[] = "env", var[] = "X=1", sh[] = "sh", c[] = "-c";
	char script[128] = "", found[200];
	char *by_name[] = {name, NULL}, *by_env[] = {env, var, path, NULL};
	char *by_shell[] = {sh, c, script, NULL};

	if (!mkdtemp(dir))
		return;
	snprintf(path, sizeof(path), "%s/prog32", dir);
	snprintf(old, sizeof(old), "%s", getenv("PATH"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		head[4] = cases[i].class;
		head[18] = cases[i].machine;
		write_head(path, head, cases[i].len);
#if defined(__x86_64__)
		ok(running_is_i386(path) == cases[i].is, "W4: %s", cases[i].what);
#endif
	}
	head[4] = 1;
	head[18] = 3;
	head[0] = '#';
	write_head(path, head, 52);
	ok(!running_is_i386(path), "W4: a script with the same bytes further on");
	head[0] = 0x7f;
	write_head(path, head, 52);
	setenv("PATH", dir, 1);
#if defined(__x86_64__)
	ok(running_find_i386(by_name, found, sizeof(found)), "W4: found by PATH");
#endif
	setenv("PATH", old, 1);
#if defined(__x86_64__)
	snprintf(script, sizeof(script), "x=1; exec %s \"$@\"", path);
	ok(running_find_i386(by_env, found, sizeof(found)) && !strcmp(found, path) &&
		   running_find_i386(by_shell, found, sizeof(found)),
	   "W4: found through env, and in what a shell runs");
#endif
	ok(!running_find_i386(by_name, found, sizeof(found)) && !running_is_i386("/") &&
		   !running_is_i386("/nonexistent") && !running_is_i386("/bin/sh"),
	   "W4: no directory, nothing, and no 64-bit shell");
	unlink(path);
	rmdir(dir);
	ok(!launch_reaches_by(list, 0xffffffff) && !launch_reaches_by(list, 1),
	   "W4: AF_VSOCK without a device leads nowhere");
	ok(launch_reaches_by(list, 3) && launch_reaches_by(list, 2) && launch_reaches_by(list, 0),
	   "W4: AF_VSOCK in a guest, and on a host of guests, leads out");
	ok(launch_reaches_by(list, -EACCES), "W4: what nobody may ask is not safe");
	ok(!launch_reaches_by("UNIX  1\nAF_VSOCKET 2\n", 3), "W4: a family that is not there");
	ok(launch_reaches_by("QIPCRTR 1\n", 1), "W4: a modem's family");
	is_str(launch_default_policy("", true), "strict", "--strict has the policy strict");
	is_str(launch_default_policy("", false), "default", "without it, default");
	is_str(launch_default_policy("prog32", true), "strict",
	       "W4: --strict lets no socketcall through, whatever the machine has");
}

int main(void)
{
	tap_begin();
	test_env();
	test_i386();
	test_lines();
	test_bad_lines();
	test_values();
	test_ports();
	test_resolv_conf();
	test_nsswitch();
	test_accounts();
	test_hosts();
	test_fds();
	return tap_done();
}
