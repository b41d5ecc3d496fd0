/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directories in which podman looks for hooks: "hooks_dir" of containers.conf(5), through all
 * its files.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define OCI_SHARED_DIR "/usr/share/containers/oci/hooks.d" /* podman's default, and others' */
#define OCI_DIRS_MAX   16

struct oci_dirs {
	char at[OCI_DIRS_MAX][256];
	size_t n;
	char from[PATH_MAX]; /* the file that says so; "": none does */
};

/* As podman of the caller would: root's files, and with home (may be NULL) a user's own. The file
 * except (may be NULL) is passed over. */
int oci_conf_read(const char *home, const char *except, struct oci_dirs *ret, struct err *e);

bool oci_dirs_have(const struct oci_dirs *d, const char *dir);
int oci_dirs_add(struct oci_dirs *d, const char *dir, struct err *e);
