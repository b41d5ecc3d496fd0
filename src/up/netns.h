/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netns layout: tunnel, bridge and firewall in a namespace that nothing leaves but by the
 * tunnel. Root.
 */
#pragma once

#include "up/steps.h"

extern const struct step netns_steps[];
extern const size_t netns_n_steps;
