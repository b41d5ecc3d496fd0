/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 32-bit program as the i386 C library of most distributions makes them: its sockets come by
 * socketcall(2). Needs no library, so that the tests need no 32-bit packages.
 *
 *   old32 FAMILY        prints "ok", or the number of the error, of making such a socket
 *   old32 A.B.C.D PORT  prints what an HTTP server there answers to "GET /"
 */
typedef unsigned int u32;

static int call(int nr, int a, int b, int c)
{
	int got;

	__asm__ volatile("int $0x80" : "=a"(got) : "0"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return got;
}

#define SYS_EXIT       1
#define SYS_READ       3
#define SYS_WRITE      4
#define SYS_SOCKETCALL 102

static int socketcall(int which, u32 a, u32 b, u32 c)
{
	u32 args[3] = {a, b, c};

	return call(SYS_SOCKETCALL, which, (int)args, 0);
}

static u32 number(const char **s)
{
	u32 n = 0;

	while (**s >= '0' && **s <= '9')
		n = n * 10 + (u32)(*(*s)++ - '0');
	if (**s)
		(*s)++;
	return n;
}

static void say(const char *s, int len)
{
	call(SYS_WRITE, 1, (int)s, len);
}

static int family(const char *word)
{
	int r = socketcall(1, number(&word), 1, 0);
	char text[4] = {(char)('0' + -r / 100 % 10), (char)('0' + -r / 10 % 10),
			(char)('0' + -r % 10), '\n'};

	if (r >= 0)
		say("ok\n", 3);
	else
		say(text, 4);
	return r < 0;
}

static int get(const char *address, const char *port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	static char buf[4096];
	struct {
		unsigned short family, port;
		u32 address, zero[2];
	} to = {2, 0, 0, {0, 0}};
	int s = socketcall(1, 2, 1, 0), len = 0, n, at = 0;
	u32 p = number(&port);

	for (int i = 0; i < 4; i++)
		to.address |= number(&address) << (8 * i);
	to.port = (unsigned short)(p << 8 | p >> 8);
	if (s < 0 || socketcall(3, (u32)s, (u32)&to, 16) < 0)
		return 1;
	call(SYS_WRITE, s, (int)request, sizeof(request) - 1);
	while (len < (int)sizeof(buf) &&
	       (n = call(SYS_READ, s, (int)(buf + len), (int)sizeof(buf) - len)) > 0)
		len += n;
	while (at + 4 <= len && !(buf[at] == '\r' && buf[at + 1] == '\n' && buf[at + 2] == '\r'))
		at++;
	if (at + 4 <= len)
		say(buf + at + 4, len - at - 4);
	return 0;
}

__attribute__((used)) static void begin(int *sp)
{
	int argc = *sp;
	char **argv = (char **)(sp + 1);

	call(SYS_EXIT, argc == 2 ? family(argv[1]) : argc == 3 ? get(argv[1], argv[2]) : 2, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tpush %eax\n\tpush %eax\n\tpush "
	"%eax\n\tpush %eax\n\tcall begin\n");
