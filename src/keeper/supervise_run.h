/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor process itself, which tunnel/supervise.h starts and ends.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What the hidden command runs. kernel: there is a device, and no wireguard-go to run. status_fd
 * (-1: none) gets one struct err when the first start is done or has failed. Returns when told to
 * end. */
int supervise_run(const char *name, uint32_t mtu, bool kernel, int status_fd, struct err *e);
