/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns what the words of `--allow` stand for: which sockets outside, under which names inside, and
 * the variables that lead there. Must never give back more than the sockets that a word is about:
 * the directories they lie in hold others. Called by launch/hide.c.
 */
#include "session/words.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

const char session_word_list[] = "wayland, x11, sound, bus";

static const struct {
	const char *text;
	unsigned int word;
} table[] = {
	{"wayland", SESSION_WAYLAND},
	{"x11", SESSION_X11},
	{"sound", SESSION_SOUND},
	{"bus", SESSION_BUS},
};

/* One launch a process: the names that the view's list points to. */
static struct {
	char src[PATH_MAX], dst[PATH_MAX];
} names[SESSION_GRANTS_MAX];

unsigned int session_word(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].text, text) == 0)
			return table[i].word;
	return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

/* name, absolute or in the runtime directory outside. */
static int resolve(const struct session_words *w, const char *name, char *ret, size_t size)
{
	if (name[0] == '/')
		return str_copy(ret, size, name);
	return str_fmt(ret, size, "%s/%s", w->session->runtime, name);
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/* src outside becomes dst inside, below the runtime directory unless it is absolute. */
static int grant(struct session_words *w, const char *src, const char *dst, struct err *e)
{
	const char *dir = w->session->runtime;
	size_t i = w->n_grants;

	if (i == SESSION_GRANTS_MAX || str_copy(names[i].src, sizeof(names[i].src), src) < 0 ||
	    str_fmt(names[i].dst, sizeof(names[i].dst), "%s%s%s", dst[0] == '/' ? "" : dir,
		    dst[0] == '/' ? "" : "/", dst) < 0)
		return err_set(e, -ENAMETOOLONG, "%s: name too long", src);
	w->grants[i] = (struct view_grant){names[i].src, names[i].dst};
	w->n_grants++;
	return 0;
}

static int set_env(const char *name, const char *value, struct err *e)
{
	return setenv(name, value, 1) < 0 ? err_sys(e, -errno, "cannot set %s", name) : 0;
}

/* --- the words -------------------------------------------------------------------------------- */

static int open_wayland(struct session_words *w, struct err *e)
{
	const char *name = getenv("WAYLAND_DISPLAY");
	char path[PATH_MAX];
	int r;

	if (resolve(w, name && *name ? name : "wayland-0", path, sizeof(path)) < 0 ||
	    !is_kind(path, S_IFSOCK))
		return err_set(e, -ENOENT,
			       "--allow wayland: there is no compositor at %s "
			       "(WAYLAND_DISPLAY)",
			       path);
	r = wayland_open(&w->wayland, path, e);
	if (r < 0 || w->wayland.sock >= 0)
		return r < 0 ? err_wrap(e, r, "--allow wayland") : 0;
	return grant(w, path, "wayland-0", e);
}

static int grant_xauthority(struct session_words *w, struct err *e)
{
	const char *file = getenv("XAUTHORITY");

	if (!file || !is_kind(file, S_IFREG) ||
	    !(str_starts(file, "/run/") || str_starts(file, "/tmp/") ||
	      str_starts(file, "/var/run/")))
		return 0;
	return grant(w, file, "Xauthority", e);
}

static int open_x11(struct session_words *w, struct err *e)
{
	const char *display = getenv("DISPLAY"), *number;
	char path[64];
	int r;

	if (!display || !*display)
		return err_set(e, -ENOENT, "--allow x11: DISPLAY is not set");
	number = str_starts(display, "unix:") ? display + 5 : display + (display[0] == ':');
	if (number == display || !*number || strspn(number, "0123456789") > 5 ||
	    number[strspn(number, "0123456789.")] != '\0')
		return err_set(e, -EINVAL,
			       "--allow x11: DISPLAY '%.60s' is not a display of this machine's; "
			       "for one that is forwarded by ssh: --reach PORT",
			       display);
	snprintf(path, sizeof(path), "/tmp/.X11-unix/X%.*s", (int)strspn(number, "0123456789"),
		 number);
	if (!is_kind(path, S_IFSOCK))
		return err_set(e, -ENOENT, "--allow x11: there is no X server at %s", path);
	r = grant(w, path, path, e);
	return r < 0 ? r : grant_xauthority(w, e);
}

static int open_sound(struct session_words *w, struct err *e)
{
	const char *server = getenv("PULSE_SERVER"), *remote = getenv("PIPEWIRE_REMOTE");
	const char *pulse = server && str_starts(server, "unix:/") ? server + 5 : "pulse/native";
	const char *pipewire = remote && *remote ? remote : "pipewire-0";
	char pulse_path[PATH_MAX], pipewire_path[PATH_MAX];
	bool found = false;
	int r = 0;

	if (resolve(w, pulse, pulse_path, sizeof(pulse_path)) >= 0 &&
	    is_kind(pulse_path, S_IFSOCK)) {
		found = true;
		r = grant(w, pulse_path, "pulse/native", e);
	}
	if (r == 0 && resolve(w, pipewire, pipewire_path, sizeof(pipewire_path)) >= 0 &&
	    is_kind(pipewire_path, S_IFSOCK)) {
		found = true;
		r = grant(w, pipewire_path, "pipewire-0", e);
	}
	if (!found)
		return err_set(e, -ENOENT,
			       "--allow sound: there is no sound server, neither PulseAudio at %s "
			       "nor PipeWire at %s; without one: --allow /dev/snd",
			       pulse_path, pipewire_path);
	return r;
}

static int open_bus(struct session_words *w, struct err *e)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	char path[PATH_MAX];
	int r;

	if (!address || !*address)
		r = resolve(w, "bus", path, sizeof(path));
	else if (str_starts(address, "unix:path=/"))
		r = str_fmt(path, sizeof(path), "%.*s", (int)strcspn(address + 10, ",;"),
			    address + 10);
	else
		return err_set(e, -EINVAL,
			       "--allow bus: the session's bus, '%.80s', is not a socket with a "
			       "path",
			       address);
	if (r < 0 || !is_kind(path, S_IFSOCK))
		return err_set(e, -ENOENT, "--allow bus: there is no session bus at %s", path);
	return grant(w, path, "bus", e);
}

int session_words_open(unsigned int words, bool strict, const struct session *s,
		       struct session_words *w, struct err *e)
{
	int r = 0;

	w->words = words;
	w->strict = strict;
	w->session = s;
	if (strict && (words & SESSION_WAYLAND))
		r = open_wayland(w, e);
	if (r == 0 && strict && (words & SESSION_X11))
		r = open_x11(w, e);
	if (r == 0 && strict && (words & SESSION_SOUND))
		r = open_sound(w, e);
	if (r == 0 && (words & SESSION_BUS))
		r = open_bus(w, e);
	return r;
}

/* --- inside ----------------------------------------------------------------------------------- */

/* Where the variable leads after all, by a path that `--allow` named, it stays. */
static bool leads(const struct session_words *w, const char *name)
{
	const char *value = getenv(name);
	char path[PATH_MAX];

	if (!value || !*value)
		return false;
	if (str_starts(value, "unix:"))
		value += 5;
	return resolve(w, value, path, sizeof(path)) >= 0 && is_kind(path, S_IFSOCK);
}

/* A variable that leads to something which was given back below the runtime directory. */
struct leading {
	const char *name, *dst;
	const char *before; /* the value begins with it */
	const char *value;  /* NULL: the whole path */
};
static const struct leading wayland_display = {"WAYLAND_DISPLAY", "wayland-0", "", "wayland-0"};
static const struct leading pulse_server = {"PULSE_SERVER", "pulse/native", "unix:", NULL};
static const struct leading pipewire_remote = {"PIPEWIRE_REMOTE", "pipewire-0", "", "pipewire-0"};
static const struct leading xauthority = {"XAUTHORITY", "Xauthority", "", NULL};

/* It is set, or taken away where it leads nowhere. */
static int lead(const struct session_words *w, const struct leading *l, struct err *e)
{
	char path[PATH_MAX], text[PATH_MAX];
	bool given = false;

	if (str_fmt(path, sizeof(path), "%s/%s", w->session->runtime, l->dst) < 0 ||
	    str_fmt(text, sizeof(text), "%s%s", l->before, l->value ? l->value : path) < 0)
		return err_set(e, -ENAMETOOLONG, "%s: name too long", w->session->runtime);
	for (size_t i = 0; i < w->n_grants; i++)
		given |= strcmp(w->grants[i].dst, path) == 0;
	if (given)
		return set_env(l->name, text, e);
	if (!leads(w, l->name))
		unsetenv(l->name);
	return 0;
}

/* The file may lie where the view shows it as it is. */
static int lead_xauthority(const struct session_words *w, struct err *e)
{
	const char *file = getenv("XAUTHORITY");

	if (file && access(file, R_OK) == 0)
		return 0;
	return lead(w, &xauthority, e);
}

static int set_strict_env(const struct session_words *w, bool own_wayland, struct err *e)
{
	int r = own_wayland ? set_env("WAYLAND_DISPLAY", "wayland-0", e)
			    : lead(w, &wayland_display, e);

	r = r ?: lead(w, &pulse_server, e);
	r = r ?: lead(w, &pipewire_remote, e);
	if (r == 0 && (w->words & SESSION_X11))
		r = lead_xauthority(w, e);
	/* It is an open connection, which was closed. */
	unsetenv("WAYLAND_SOCKET");
	return r;
}

int session_words_finish(struct session_words *w, const char *app, int *ret_held, struct err *e)
{
	const char *dir = w->session->runtime;
	char path[PATH_MAX + 16];
	int r = 0;

	*ret_held = -1;
	if (str_fmt(path, sizeof(path), "%s/wayland-0", dir) < 0)
		return err_set(e, -ENAMETOOLONG, "%s: name too long", dir);
	if (w->wayland.sock >= 0) {
		r = wayland_listen(&w->wayland, path, app, ret_held, e);
		if (r < 0)
			return err_wrap(e, r, "--allow wayland");
	}
	return w->strict ? set_strict_env(w, *ret_held >= 0, e) : 0;
}

void session_words_close(struct session_words *w)
{
	wayland_close(&w->wayland);
}
