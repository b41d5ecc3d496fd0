/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of `--allow` give back a part of the session: a display, the sound, the session's bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ns/view.h"
#include "session/session.h"
#include "session/wayland.h"

/* One more beside the classes of session.h that words stand for: the session's own bus. */
#define SESSION_BUS (1u << 8)

/* The bit of a word, or 0. */
unsigned int session_word(const char *text);
extern const char session_word_list[]; /* for messages */

#define SESSION_GRANTS_MAX 6

struct session_words {
	unsigned int words;
	bool strict;
	const struct session *session;
	struct view_grant grants[SESSION_GRANTS_MAX]; /* point to static memory */
	size_t n_grants;
	struct wayland wayland;
};
#define SESSION_WORDS_INIT               \
	{                                \
		.wayland = WAYLAND_INIT, \
	}

/* Before the namespaces: finds what the words stand for, and asks the compositor. Without strict
 * only the bus has to be given back. A word that stands for nothing here is an error. */
int session_words_open(unsigned int words, bool strict, const struct session *s,
		       struct session_words *w, struct err *e);

/* Called when the view is made: makes the compositor's socket for this sandbox, and the environment
 * that leads to what was given back. *ret_held is a descriptor that the command has to keep for as
 * long as it may open new windows, or -1. */
int session_words_finish(struct session_words *w, const char *app, int *ret_held, struct err *e);

void session_words_close(struct session_words *w);
