/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See zip.h. What providers hand out is the format of 1993: one volume, deflate or nothing, below
 * 4 GiB. The rest (ZIP64, encryption, other methods, several volumes) is refused by name: a reader
 * that knows less is wrong less often. Called by archive.c, in a process that can do nothing else.
 */
#include "files/zip.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/value.h"

#define END_LEN	      22u
#define CENTRAL_LEN   46u
#define LOCAL_LEN     30u
#define COMMENT_MAX   65535u

#define MADE_BY_UNIX  3u
#define FLAG_SECRET   0x2041u /* encrypted, strongly, and names too */
#define METHOD_STORED 0u
#define METHOD_PACKED 8u

static unsigned int get2(const uint8_t *p)
{
	return p[0] | (unsigned int)p[1] << 8;
}

static uint32_t get4(const uint8_t *p)
{
	return get2(p) | (uint32_t)get2(p + 2) << 16;
}

static bool has_sign(const uint8_t *p, uint8_t a, uint8_t b)
{
	return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

bool zip_is(const void *at, size_t len)
{
	return len >= 4 && (has_sign(at, 3, 4) || has_sign(at, 5, 6));
}

static int fail_damaged(const struct zip *z, struct err *e)
{
	return err_set(e, -EBADMSG, "%s: is a damaged zip archive: download it again", z->file);
}

/* A comment may follow the last record, and only as long as that says. */
static const uint8_t *find_end(const struct zip *z)
{
	size_t at, least;

	if (z->len < END_LEN)
		return NULL;
	least = z->len > END_LEN + COMMENT_MAX ? z->len - END_LEN - COMMENT_MAX : 0;
	for (at = z->len - END_LEN;; at--) {
		const uint8_t *p = z->at + at;

		if (has_sign(p, 5, 6) && at + END_LEN + get2(p + 20) == z->len)
			return p;
		if (at == least)
			return NULL;
	}
}

int zip_open(struct zip *z, size_t max, struct err *e)
{
	const uint8_t *end = find_end(z);
	size_t from, size;

	if (!end)
		return fail_damaged(z, e);
	from = get4(end + 16);
	size = get4(end + 12);
	z->left = get2(end + 10);
	if (z->left == 0xffff || from == 0xffffffffu || size == 0xffffffffu)
		return err_set(e, -EFBIG,
			       "%s: is a zip archive of the kind for huge ones (ZIP64): unpack it, "
			       "and give the directory",
			       z->file);
	if (get2(end + 4) || get2(end + 6) || get2(end + 8) != z->left)
		return err_set(e, -EINVAL, "%s: is one part of a zip archive that has several",
			       z->file);
	if (z->left > max)
		return err_set(e, -EFBIG,
			       "%s: holds %zu files, and %zu are the most: unpack it, "
			       "and give those that you need",
			       z->file, z->left, max);
	/* There is no gap, so that no second directory can be hidden. */
	if (from > z->len || size > z->len - from || z->at + from + size != end)
		return fail_damaged(z, e);
	z->next = from;
	z->end = from + size;
	return 0;
}

/* Nothing is written to where an entry's name leads; but one that leads anywhere is no provider's.
 */
static const char *judge_path(const char *path, size_t len)
{
	const char *part = path;

	if (!len || strlen(path) != len)
		return "has no name that a file can have";
	if (path[0] == '/' || path[0] == '\\' || (len > 1 && path[1] == ':'))
		return "has an absolute path";
	while (part) {
		size_t n = strcspn(part, "/\\");

		if (n == 2 && part[0] == '.' && part[1] == '.')
			return "leads out of the archive";
		part = part[n] ? part + n + 1 : NULL;
	}
	return NULL;
}

static void split_path(struct zip_entry *entry)
{
	size_t len = strlen(entry->path);

	entry->is_dir = strchr("/\\", entry->path[len - 1]) != NULL;
	entry->name = entry->path + len;
	while (entry->name > entry->path && !strchr("/\\", entry->name[-1]))
		entry->name--;
}

static const char *judge_entry(const uint8_t *c, struct zip_entry *entry)
{
	unsigned int method = get2(c + 10), mode = get4(c + 38) >> 16;
	const char *why = judge_path(entry->path, get2(c + 28));

	if (why)
		return why;
	if (get2(c + 8) & FLAG_SECRET)
		return "is encrypted: unpack the archive, and give the directory";
	if (c[5] == MADE_BY_UNIX && (mode & S_IFMT) && !S_ISREG(mode) && !S_ISDIR(mode))
		return S_ISLNK(mode) ? "is a link" : "is not an ordinary file";
	split_path(entry);
	if (entry->is_dir)
		return NULL;
	if (method != METHOD_STORED && method != METHOD_PACKED)
		return "is packed by a method that is not known here: unpack the archive, and "
		       "give the directory";
	entry->is_packed = method == METHOD_PACKED;
	entry->crc = get4(c + 16);
	entry->packed_len = get4(c + 20);
	entry->len = get4(c + 24);
	return NULL;
}

/* The record before the bytes says again what the directory says, and has a length of its own. */
static bool find_bytes(const struct zip *z, const uint8_t *c, struct zip_entry *entry)
{
	size_t at = get4(c + 42), name_len = get2(c + 28);
	const uint8_t *l = z->at + at;

	if (at > z->len || z->len - at < LOCAL_LEN || !has_sign(l, 3, 4) ||
	    get2(l + 8) != get2(c + 10) || get2(l + 26) != name_len)
		return false;
	at += LOCAL_LEN;
	if (z->len - at < name_len || memcmp(z->at + at, c + CENTRAL_LEN, name_len) != 0)
		return false;
	at += name_len;
	if (z->len - at < get2(l + 28) || z->len - at - get2(l + 28) < entry->packed_len)
		return false;
	entry->from = z->at + at + get2(l + 28);
	return entry->is_packed || entry->packed_len == entry->len;
}

int zip_next(struct zip *z, struct zip_entry *ret, struct err *e)
{
	const uint8_t *c = z->at + z->next;
	size_t name_len, whole;
	char shown[VALUE_SHOW_MAX];
	const char *why;

	if (!z->left)
		return z->next == z->end ? 0 : fail_damaged(z, e);
	if (z->end - z->next < CENTRAL_LEN || !has_sign(c, 1, 2))
		return fail_damaged(z, e);
	name_len = get2(c + 28);
	whole = CENTRAL_LEN + name_len + get2(c + 30) + get2(c + 32);
	if (z->end - z->next < whole)
		return fail_damaged(z, e);
	memset(ret, 0, sizeof(*ret));
	if (name_len > ZIP_NAME_MAX)
		return err_set(e, -ENAMETOOLONG, "%s: holds a file whose name is too long",
			       z->file);
	memcpy(ret->path, c + CENTRAL_LEN, name_len);
	why = judge_entry(c, ret);
	if (why)
		return err_set(e, -EINVAL, "%s: %s in it %s", z->file, value_show(ret->path, shown),
			       why);
	if (!ret->is_dir && !find_bytes(z, c, ret))
		return fail_damaged(z, e);
	z->next += whole;
	z->left--;
	return 1;
}

static uint32_t crc_of(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

int zip_read(const struct zip *z, const struct zip_entry *entry, uint8_t *ret_text, struct err *e)
{
	int r = 0;

	if (entry->is_packed)
		r = z->inflate(z, entry, ret_text);
	else
		memcpy(ret_text, entry->from, entry->len);
	if (r == -ELIBACC)
		return err_set(
			e, r, "zlib, which unpacks archives, cannot be loaded: apt install zlib1g");
	if (r < 0 || crc_of(ret_text, entry->len) != entry->crc)
		return fail_damaged(z, e);
	return 0;
}
