/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One file for all VPNs, a line "VPN KEY BEFORE NOW" for each that wants a key, in the order of the
 * setting; put back in reverse, so that a switch which resets others comes before them. Must never
 * change a value whose line is not on disk. Called by wall/forwarding.
 */
#include "wall/sysctls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "state/record.h"

/* Longer than a VPN's name may be. */
#define NOTE	   RUN_DIR "/sysctls-of-others.undo"
#define SYSCTL_DIR "/proc/sys/net/"
#define NOTE_MAX   (1u << 20)

struct line {
	char vpn[NAME_MAX_LEN + 1];
	char key[SYSCTL_KEY_MAX];
	char before[8], now[8];
};

struct note {
	struct line *at;
	size_t n;
};

static int lock_note(struct err *e)
{
	int fd = open(RUN_DIR "/sysctls-of-others.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      0600);
	int code;

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	code = -errno;
	util_close(&fd);
	return err_sys(e, code, "cannot lock " NOTE);
}

static struct line *add_line(struct note *note)
{
	struct line *more = reallocarray(note->at, note->n + 1, sizeof(*more));

	if (!more)
		return NULL;
	note->at = more;
	memset(&more[note->n], 0, sizeof(*more));
	return &more[note->n++];
}

static int note_read(struct note *ret, struct err *e)
{
	AUTO_FREE char *text = NULL;
	struct note note = {0};
	char *save = NULL;
	int r;

	*ret = note;
	if (access(NOTE, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = file_read(NOTE, NOTE_MAX, &text, NULL, e);
	if (r < 0)
		return r;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		struct line *x = add_line(&note);

		if (!x) {
			free(note.at);
			return err_sys(e, -ENOMEM, "cannot read " NOTE);
		}
		if (sscanf(l, "%12s %63s %7s %7s", x->vpn, x->key, x->before, x->now) != 4)
			note.n--;
	}
	*ret = note;
	return 0;
}

static int note_write(const struct note *note, struct err *e)
{
	AUTO_FREE char *text = NULL;
	size_t len;
	FILE *f;

	if (!note->n)
		return file_remove(NOTE, e);
	f = open_memstream(&text, &len);
	if (!f)
		return err_sys(e, -errno, "cannot write " NOTE);
	for (size_t i = 0; i < note->n; i++)
		fprintf(f, "%s %s %s %s\n", note->at[i].vpn, note->at[i].key, note->at[i].before,
			note->at[i].now);
	if (fclose(f) != 0)
		return err_set(e, -ENOMEM, "cannot write " NOTE ": no memory");
	return file_replace(NOTE, text, len, 0600, e);
}

static int read_value(const char *key, char ret[8], struct err *e)
{
	AUTO_FREE char *text = NULL;
	char path[sizeof(SYSCTL_DIR) + SYSCTL_KEY_MAX];
	int r;

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", key);
	r = file_read(path, 4096, &text, NULL, e);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return str_copy(ret, 8, text) < 0 ? err_set(e, -ERANGE, "%s is not a number", path) : 0;
}

static int write_value(const char *key, const char *value, struct err *e)
{
	char path[sizeof(SYSCTL_DIR) + SYSCTL_KEY_MAX];

	snprintf(path, sizeof(path), SYSCTL_DIR "%s", key);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0; /* its device has gone, and the setting with it */
	return file_write_existing(path, value, e);
}

static struct line *find_line(struct note *note, const char *vpn, const char *key)
{
	for (size_t i = 0; i < note->n; i++)
		if ((!vpn || !strcmp(note->at[i].vpn, vpn)) && !strcmp(note->at[i].key, key))
			return &note->at[i];
	return NULL;
}

static bool is_wanted(const struct sysctl_want *want, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(want[i].key, key))
			return true;
	return false;
}

/* The switch of the whole machine, which somebody has turned on since, set each device's own: to
 * set it back would cut off what that was turned on for. */
static bool is_switched_on(const char *key)
{
	size_t len = strlen(key), tail = strlen("/forwarding");
	char value[8];

	return str_starts(key, "ipv4/conf/") && len > tail &&
	       !strcmp(key + len - tail, "/forwarding") &&
	       read_value("ipv4/ip_forward", value, NULL) == 0 && !strcmp(value, "1");
}

/* First the values, then the lines: a killed run's next one does it again. */
static int put_back(struct note *note, const char *vpn, const struct sysctl_want *want, size_t n,
		    struct err *e)
{
	struct note rest = {0};
	int r = 0;

	for (size_t i = note->n; r == 0 && i-- > 0;) {
		const struct line *l = &note->at[i];
		bool others = false;

		if (strcmp(l->vpn, vpn) != 0 || is_wanted(want, n, l->key))
			continue;
		for (size_t k = 0; k < note->n; k++)
			others |= strcmp(note->at[k].vpn, vpn) != 0 &&
				  !strcmp(note->at[k].key, l->key);
		if (!others && !is_switched_on(l->key))
			r = write_value(l->key, l->before, e);
	}
	for (size_t i = 0; i < note->n; i++)
		if (strcmp(note->at[i].vpn, vpn) != 0 || is_wanted(want, n, note->at[i].key))
			note->at[rest.n++] = note->at[i];
	/* With nothing noted, a killed run's half-written note goes. */
	if (r < 0 || (rest.n == note->n && rest.n))
		return r;
	note->n = rest.n;
	return note_write(note, e);
}

static int note_wanted(struct note *note, const char *vpn, const struct sysctl_want *want, size_t n,
		       struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct line *other = find_line(note, NULL, want[i].key);
		struct line *l = find_line(note, vpn, want[i].key), copy = {0};
		int r = 0;

		if (l)
			continue;
		str_copy(copy.vpn, sizeof(copy.vpn), vpn);
		str_copy(copy.key, sizeof(copy.key), want[i].key);
		str_copy(copy.now, sizeof(copy.now), want[i].value);
		if (other)
			memcpy(copy.before, other->before, sizeof(copy.before));
		else
			r = read_value(want[i].key, copy.before, e);
		if (r < 0)
			return r;
		l = add_line(note);
		if (!l)
			return err_sys(e, -ENOMEM, "cannot note what %s is", want[i].key);
		*l = copy;
	}
	return note_write(note, e);
}

int sysctls_take(const char *vpn, const struct sysctl_want *want, size_t n, bool set, struct err *e)
{
	AUTO_CLOSE int lock = lock_note(e);
	struct note note = {0};
	char value[8];
	int r;

	if (lock < 0)
		return lock;
	r = note_read(&note, e);
	if (r == 0)
		r = put_back(&note, vpn, want, n, e);
	if (r == 0 && n)
		r = note_wanted(&note, vpn, want, n, e);
	for (size_t i = 0; r == 0 && set && i < n; i++)
		if (read_value(want[i].key, value, NULL) < 0 || strcmp(value, want[i].value) != 0)
			r = write_value(want[i].key, want[i].value, e);
	free(note.at);
	return r;
}

int sysctls_give_back(const char *vpn, struct err *e)
{
	return sysctls_take(vpn, NULL, 0, false, e);
}

int sysctls_for_each(const char *vpn, void (*fn)(const char *key, const char *before, void *arg),
		     void *arg, struct err *e)
{
	struct note note = {0};
	int r = note_read(&note, e);

	for (size_t i = 0; r == 0 && i < note.n; i++)
		if (!strcmp(note.at[i].vpn, vpn))
			fn(note.at[i].key, note.at[i].before, arg);
	free(note.at);
	return r;
}

bool sysctls_is_ours(const char *key)
{
	struct note note = {0};
	bool found;

	if (note_read(&note, NULL) < 0)
		return false;
	found = find_line(&note, NULL, key) != NULL;
	free(note.at);
	return found;
}
