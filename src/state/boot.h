/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which VPN is to be the machine's default from the machine's start on: one line, "NAME" or
 * "NAME --strict". What /etc keeps of it is root's wish; what RUN_DIR has of it says that the
 * machine is closed at this moment, until which VPN is its default, and with a word more, what is
 * to be set back then.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/util.h"
#include "base/vpn.h"
#include "state/record.h"

#define BOOT_WISH_PATH VPN_CONFIG_DIR "/default.boot"
#define BOOT_WAIT_PATH RUN_DIR "/default.boot"

struct boot {
	char name[NAME_MAX_LEN + 1]; /* "": the line says nothing of use */
	bool strict;
	bool valid_mark; /* src_valid_mark was 0 */
};

/* -ENOENT: there is none. -EPROTO and a sentence: its line says nothing of use, which must close no
 * less than one that does. Else it cannot be read. Needs no privilege. */
int boot_read(const char *path, struct boot *ret, struct err *e);
int boot_write(const char *path, const struct boot *b, struct err *e);
