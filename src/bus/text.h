/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings of a program's choice on their way to the desktop. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The path below which a portal keeps what belongs to one caller:
 * PREFIX{request,session}/SENDER/TOKEN. */
#define BUS_PORTAL "/org/freedesktop/portal/desktop/"

/* The name of an icon of the theme. A path becomes the name that it would have there, a URL
 * nothing. Edits in place. */
void bus_text_icon(char *s);

/* A word that can be neither a path nor a URL. */
bool bus_text_is_word(const char *s);

/* Leaves <b>, <i>, <u> and their ends of the markup, in place: no link, no image, no unknown tag.
 */
void bus_text_markup(char *s);

/* A unique name as the portal writes it in a path: ":1.5" is "1_5". -E2BIG. */
int bus_text_sender(const char *unique, char *ret, size_t size);

enum bus_owner { BUS_NOBODYS, BUS_OWN, BUS_FOREIGN };

/* Tells whose a request's or session's path is, sender in the portal's spelling. */
enum bus_owner bus_text_owner(const char *path, const char *sender);

/* path, which is from's own, as it is to's. -E2BIG. */
int bus_text_move(const char *path, const char *from, const char *to, char *ret, size_t size);

/* Takes the interfaces out of an introspection that keep() does not want, in place. */
void bus_text_introspection(char *xml, bool (*keep)(void *arg, const char *interface), void *arg);

/* Whether one address of a bus leads to a unix socket, by path or abstract name: "unixexec:" and
 * "autolaunch:" would start a program, "tcp:" would need a socket of the network. */
bool bus_text_is_address(const char *address);
