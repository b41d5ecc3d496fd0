/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each message is one write(2), so that lines of several processes do not mix. Whatever it quotes
 * (an argument, a file's name, another program's words) may hold what a terminal obeys or what no
 * reader of a log can decode: here, for all programs, none of that gets through.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *log_program = "vpnrun";
int log_verbose;
void (*log_step_aside)(bool is_over);

/* Stands for a line's end of our own in a text that is not cleaned yet. */
#define OUR_NEWLINE '\x1e'

/* The length of the sequence at s, which has n bytes; 0: it is no UTF-8. *ret is what it means. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);

	if (len == 0 || len > n || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

/* Control characters of both sets, and those that turn the order of a line round or end it. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

size_t log_clean(char *text, size_t len)
{
	unsigned char *s = (unsigned char *)text;
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = decode(s + i, len - i, &c);

		if (n == 0 || is_control(c)) {
			s[out++] = '?';
			i += n ? n : 1;
			continue;
		}
		memmove(s + out, s + i, n);
		out += n;
		i += n;
	}
	return out;
}

static void __attribute__((format(printf, 2, 0)))
emit(const char *program, const char *fmt, va_list ap)
{
	char line[1024];
	int saved = errno;
	int n = snprintf(line, sizeof(line), "%s%s", program, *program ? ": " : "");
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);

	if (m < 0)
		m = 0;
	n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	n = (int)log_clean(line, (size_t)n);
	line[n++] = '\n';
	if (log_step_aside)
		log_step_aside(false);
	if (write(STDERR_FILENO, line, (size_t)n) < 0) {
		/* nobody reads it: nothing to be done */
	}
	if (log_step_aside)
		log_step_aside(true);
	errno = saved;
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(log_program, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(log_program, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	emit(log_program, fmt, ap);
	va_end(ap);
}

void log_plain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("", fmt, ap);
	va_end(ap);
}

/* Line ends are ours where the format has them. Should what is quoted hold our sign for them, there
 * is no telling which is whose, and none is one. */
static void lines_restore(char *text, size_t wanted)
{
	size_t n = 0;

	for (char *c = text; (c = strchr(c, OUR_NEWLINE)); c++)
		n++;
	for (char *c = text; (c = strchr(c, OUR_NEWLINE)); c++)
		*c = n == wanted ? '\n' : '?';
}

void say(const char *fmt, ...)
{
	char *format = strdup(fmt), *text = NULL, *at = NULL;
	size_t wanted = 0;
	va_list ap;
	int n = -1;

	for (char *c = format ? strchr(format, '\n') : NULL; c; c = strchr(c, '\n')) {
		*c = OUR_NEWLINE;
		wanted++;
	}
	va_start(ap, fmt);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (format)
		n = vasprintf(&text, format, ap);
#pragma GCC diagnostic pop
	va_end(ap);
	if (n < 0)
		text = NULL;
	/* Cleaned line by line: our sign is what a cleaned line cannot hold. */
	for (at = text; at;) {
		char *end = strchrnul(at, OUR_NEWLINE), *next = *end ? end + 1 : NULL;
		size_t len = log_clean(at, (size_t)(end - at));

		memmove(at + len, end, strlen(end) + 1);
		at = next ? at + len + 1 : NULL;
	}
	if (log_step_aside)
		log_step_aside(false);
	if (text) {
		lines_restore(text, wanted);
		fputs(text, stdout);
	}
	if (log_step_aside) {
		fflush(stdout);
		log_step_aside(true);
	}
	free(format);
	free(text);
}
