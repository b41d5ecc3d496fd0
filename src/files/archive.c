/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See archive.h. `vpnctl import` runs as root, and an archive comes from a web site: what reads it
 * is a child with the bytes in its memory, no capability, and a filter by which it can write its
 * answer and end. A library for all archives (libarchive reads thirty formats) or a program that
 * unpacks into a directory would be far more to trust than two hundred lines of ours and the
 * system's zlib, which is loaded in the child alone, when there is something to unpack: neither
 * vpnctl nor anything that launches is linked with it.
 */
#include "files/archive.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/child.h"
#include "base/util.h"
#include "box/caps.h"
#include "box/seccomp.h"
#include "files/zip.h"

#include "unzip_filter.h"

#define UNZIP_MS  20000
#define NOT_TAKEN 0xffffffffu /* in the place of a text's length */
#define HEAD_LEN  8u	      /* of a file in the answer: two lengths; then name and text */

/* This is a part of zlib's ABI since 1.2 (https://zlib.net/manual.html); inflateInit2_()
 * compares the size. */
struct z_stream {
	const uint8_t *next_in;
	unsigned int avail_in;
	unsigned long total_in;
	uint8_t *next_out;
	unsigned int avail_out;
	unsigned long total_out;
	const char *msg;
	void *state, *zalloc, *zfree, *opaque;
	int data_type;
	unsigned long adler, reserved;
};
#define Z_FINISH     4
#define Z_STREAM_END 1
#define Z_RAW	     (-15)

struct zlib {
	void *lib;
	int (*init)(struct z_stream *s, int bits, const char *version, int size);
	int (*inflate)(struct z_stream *s, int flush);
	int (*end)(struct z_stream *s);
};

static void zlib_close(struct zlib *z)
{
	if (z->lib)
		dlclose(z->lib);
}

/* dlsym(3) gives an object's pointer for a function's. */
static bool find(void *lib, const char *name, void *ret)
{
	void *p = dlsym(lib, name);

	memcpy(ret, &p, sizeof(p));
	return p != NULL;
}

/* Where there is none, archives whose files are not packed can be read all the same. */
static void zlib_open(struct zlib *z)
{
	z->lib = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
	if (z->lib && find(z->lib, "inflateInit2_", &z->init) &&
	    find(z->lib, "inflate", &z->inflate) && find(z->lib, "inflateEnd", &z->end))
		return;
	z->init = NULL;
}

static int unpack(const struct zip *zip, const struct zip_entry *entry, uint8_t *ret)
{
	const struct zlib *z = zip->arg;
	struct z_stream s = {.next_in = entry->from,
			     .avail_in = (unsigned int)entry->packed_len,
			     .next_out = ret,
			     .avail_out = (unsigned int)entry->len};
	int r;

	if (!z->init)
		return -ELIBACC;
	if (z->init(&s, Z_RAW, "1", sizeof(s)) != 0)
		return -ENOMEM;
	r = z->inflate(&s, Z_FINISH);
	z->end(&s);
	return r == Z_STREAM_END && s.total_out == entry->len ? 0 : -EBADMSG;
}

/* --- in the child ---------------------------------------------------------------------------- */

static void put4(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

struct answer {
	uint8_t *at;
	size_t len;
};

static int put_entry(const struct zip *z, const struct zip_entry *entry, struct answer *ans,
		     struct err *e)
{
	size_t name_len = strlen(entry->name);
	bool wanted = source_is_wanted(entry->name);
	size_t text = wanted ? entry->len : 0;
	uint8_t *at = ans->at + ans->len;

	if (name_len > SOURCE_NAME_MAX)
		return err_set(e, -ENAMETOOLONG, "%s: holds a file whose name is too long",
			       z->file);
	if (HEAD_LEN + name_len + text > ARCHIVE_ANSWER_MAX - ans->len)
		return err_set(e, -EFBIG,
			       "%s: holds more than %u MiB: give those files that you need",
			       z->file, SOURCES_BYTES_MAX >> 20);
	put4(at, (uint32_t)name_len);
	put4(at + 4, wanted ? (uint32_t)text : NOT_TAKEN);
	memcpy(at + HEAD_LEN, entry->name, name_len);
	ans->len += HEAD_LEN + name_len + text;
	return wanted ? zip_read(z, entry, at + HEAD_LEN + name_len, e) : 0;
}

static int answer_all(struct zip *z, struct answer *ans, struct err *e)
{
	struct zip_entry entry;
	int r = zip_open(z, SOURCES_MAX, e);

	while (r >= 0 && (r = zip_next(z, &entry, e)) > 0) {
		/* A Mac leaves a hidden file beside each. */
		if (!entry.is_dir && entry.name[0] != '.')
			r = put_entry(z, &entry, ans, e);
	}
	return r;
}

static int confine(struct err *e)
{
	int r = box_caps_keep(0, e);

	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = err_sys(e, -errno, "cannot set no_new_privs");
	return r ?: box_seccomp_load_program(unzip_filter, ARRAY_SIZE(unzip_filter), e);
}

static int answer(const struct archive *a, bool confined, struct answer *ans, struct err *e)
{
	struct zlib zlib = {.lib = NULL};
	struct zip z = {
		.file = a->file, .at = a->at, .len = a->len, .inflate = unpack, .arg = &zlib};
	int r = 0;

	/* Before it can open nothing any more: the archive has not been looked at. */
	zlib_open(&zlib);
	if (confined)
		r = confine(e);
	r = r ?: answer_all(&z, ans, e);
	if (!confined)
		zlib_close(&zlib);
	return r;
}

int archive_answer(const struct archive *a, uint8_t *ret, size_t *ret_len, struct err *e)
{
	struct answer ans = {.at = ret};
	int r = answer(a, false, &ans, e);

	*ret_len = ans.len;
	return r;
}

static int child(void *arg, void *room, size_t *len, struct err *e)
{
	struct answer ans = {.at = room};
	int r = answer(arg, true, &ans, e);

	*len = ans.len;
	return r;
}

/* --- in the parent --------------------------------------------------------------------------- */

static int fail_answer(const struct archive *a, struct err *e)
{
	return err_set(e, -EBADMSG,
		       "%s: what reads it gave no sense: unpack it, and give the "
		       "directory",
		       a->file);
}

/* One file of the answer. */
struct unpacked {
	char name[SOURCE_NAME_MAX + 1];
	bool taken;
	const uint8_t *text;
	size_t len;
};

/* The bytes that it takes up; 0: it makes no sense. */
static size_t read_part(const uint8_t *at, size_t left, struct unpacked *ret)
{
	uint32_t name_len, text_len;

	if (left < HEAD_LEN)
		return 0;
	memcpy(&name_len, at, sizeof(name_len));
	memcpy(&text_len, at + 4, sizeof(text_len));
	ret->taken = text_len != NOT_TAKEN;
	ret->len = ret->taken ? text_len : 0;
	left -= HEAD_LEN;
	if (name_len > SOURCE_NAME_MAX || left < name_len || left - name_len < ret->len)
		return 0;
	memcpy(ret->name, at + HEAD_LEN, name_len);
	ret->name[name_len] = '\0';
	if (!name_len || strlen(ret->name) != name_len || strpbrk(ret->name, "/\\"))
		return 0;
	ret->text = at + HEAD_LEN + name_len;
	return HEAD_LEN + name_len + ret->len;
}

static int take_part(const struct archive *a, const struct unpacked *p, struct sources *s,
		     struct err *e)
{
	struct source what = {.text = malloc(p->len + 1), .len = p->len};

	if (!what.text)
		return err_sys(e, -ENOMEM, "cannot read %s", a->file);
	memcpy(what.text, p->text, p->len);
	what.text[p->len] = '\0';
	return sources_add(s, a->file, p->name, &what, e);
}

int archive_take(const struct archive *a, const uint8_t *ans, size_t len, struct sources *s,
		 struct err *e)
{
	struct left_out left = {.n = 0};
	size_t at = 0, from = s->n;
	int r = 0;

	while (r == 0 && at < len) {
		struct unpacked part;
		size_t n = read_part(ans + at, len - at, &part);

		if (!n)
			return fail_answer(a, e);
		at += n;
		if (part.taken)
			r = take_part(a, &part, s, e);
		else
			left_out_add(&left, part.name);
	}
	return r ?: sources_end_place(s, a->file, s->n - from, &left, e);
}

int archive_read(const struct archive *a, struct sources *s, struct err *e)
{
	struct archive copy = *a;
	struct child_job job = {
		.fn = child, .arg = &copy, .size = ARCHIVE_ANSWER_MAX, .timeout_ms = UNZIP_MS};
	AUTO_FREE char *silent = NULL;
	uint8_t *room;
	size_t len = 0;
	int r;

	if (asprintf(&silent,
		     "%s: cannot be read as a zip archive: unpack it, and give the "
		     "directory",
		     a->file) < 0)
		return err_sys(e, -ENOMEM, "cannot read %s", a->file);
	/* Pages that nobody writes to are not there. */
	room = malloc(ARCHIVE_ANSWER_MAX);
	if (!room)
		return err_sys(e, -ENOMEM, "cannot read %s", a->file);
	job.answer = room;
	job.silent = silent;
	r = child_call(&job, &len, e);
	if (r == 0)
		r = archive_take(a, room, len, s, e);
	util_wipe(room, len);
	free(room);
	return r;
}

const char *archive_kind(const void *at, size_t len)
{
	static const struct {
		const char *begin, *name;
		size_t len;
	} kinds[] = {
		{"\x1f\x8b", "a gzip archive", 2},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive", 6},
		{"Rar!\x1a\x07", "a RAR archive", 6},
		{"\xfd"
		 "7zXZ",
		 "an xz archive", 5},
		{"BZh", "a bzip2 archive", 3},
		{"\x28\xb5\x2f\xfd", "a zstd archive", 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len >= kinds[i].len && !memcmp(at, kinds[i].begin, kinds[i].len))
			return kinds[i].name;
	return len > 262 && !memcmp((const char *)at + 257, "ustar", 5) ? "a tar archive" : NULL;
}
