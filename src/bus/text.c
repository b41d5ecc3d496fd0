/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program inside says is shown by a program outside, which has the host's network. Must
 * never let anything pass that the latter would fetch or open: icons become names of the theme,
 * markup loses its links and images. Called by rewrite.c and carry.c.
 */
#include "bus/text.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

bool bus_text_is_word(const char *s)
{
	for (; *s; s++)
		if (*s == '/' || *s == ':' || *s == '\\' || *s == '%' || *s == '<' ||
		    (unsigned char)*s < ' ')
			return false;
	return true;
}

static void cut_suffix(char *s)
{
	static const char *const suffixes[] = {".png", ".svg", ".svgz", ".xpm", ".ico", ".jpg"};
	size_t len = strlen(s);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && strcmp(s + len - n, suffixes[i]) == 0)
			s[len - n] = '\0';
	}
}

void bus_text_icon(char *s)
{
	const char *slash = s[0] == '/' ? strrchr(s, '/') : NULL;

	if (slash) {
		memmove(s, slash + 1, strlen(slash + 1) + 1);
		cut_suffix(s);
	}
	if (!bus_text_is_word(s))
		*s = '\0';
}

/* --- markup ---------------------------------------------------------------------------------- */

/* Length of a tag that only changes how letters look, 0: another. */
static size_t plain_tag(const char *s)
{
	size_t i = 1 + (s[1] == '/');

	return (s[i] == 'b' || s[i] == 'i' || s[i] == 'u') && s[i + 1] == '>' ? i + 2 : 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void bus_text_markup(char *s)
{
	char *out = s;

	while (*s) {
		size_t n = *s == '<' ? plain_tag(s) : 1;

		if (n) {
			memmove(out, s, n);
			out += n;
			s += n;
			continue;
		}
		/* A quoted '>' ends the tag for some readers: what follows is text, or a tag that
		 * is looked at in its turn. A tag that has no end takes the rest with it, and a '<'
		 * that begins none, as in "a < b", goes alone. */
		if (s[1] && !strchr("/!?", s[1]) && !is_letter(s[1])) {
			s++;
			continue;
		}
		s += strcspn(s, ">");
		s += *s == '>';
	}
	*out = '\0';
}

/* --- paths of the portal --------------------------------------------------------------------- */

int bus_text_sender(const char *unique, char *ret, size_t size)
{
	int r = str_copy(ret, size, unique + (unique[0] == ':'));

	for (char *c = ret; r == 0 && *c; c++)
		if (*c == '.')
			*c = '_';
	return r;
}

/* The sender in a path of a request or session, NULL: it is none. */
static const char *sender_in(const char *path)
{
	if (!str_starts(path, BUS_PORTAL))
		return NULL;
	path += strlen(BUS_PORTAL);
	if (str_starts(path, "request/") || str_starts(path, "session/"))
		return path + strlen("request/");
	return NULL;
}

enum bus_owner bus_text_owner(const char *path, const char *sender)
{
	const char *s = sender_in(path);
	size_t len = strlen(sender);

	if (!s)
		return BUS_NOBODYS;
	return strncmp(s, sender, len) == 0 && s[len] == '/' ? BUS_OWN : BUS_FOREIGN;
}

int bus_text_move(const char *path, const char *from, const char *to, char *ret, size_t size)
{
	const char *s = sender_in(path);

	return s ? str_fmt(ret, size, "%.*s%s%s", (int)(s - path), path, to, s + strlen(from))
		 : -EINVAL;
}

/* --- introspection --------------------------------------------------------------------------- */

void bus_text_introspection(char *xml, bool (*keep)(void *arg, const char *interface), void *arg)
{
	static const char begin[] = "<interface name=\"", end[] = "</interface>";
	char *at = xml;

	while ((at = strstr(at, begin))) {
		char *name = at + sizeof(begin) - 1, *quote = strchr(name, '"');
		char *stop = strstr(name, end);
		bool wanted;

		if (!quote || !stop) {
			*at = '\0';
			return;
		}
		*quote = '\0';
		wanted = keep(arg, name);
		*quote = '"';
		stop += sizeof(end) - 1;
		if (wanted)
			at = stop;
		else
			memmove(at, stop, strlen(stop) + 1);
	}
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool has_key(const char *keys, const char *key)
{
	size_t n = strlen(key);

	for (const char *k = keys; *k; k += strcspn(k, ","), k += *k == ',')
		if (strncmp(k, key, n) == 0 && k[n] == '=')
			return true;
	return false;
}

bool bus_text_is_address(const char *address)
{
	return str_starts(address, "unix:") &&
	       (has_key(address + 5, "path") || has_key(address + 5, "abstract"));
}
