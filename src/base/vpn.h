/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that the files, the record and the kernel's objects of a VPN have in common.
 */
#pragma once

/* One JSON file a VPN, NAME.json, which everybody may look for and root alone may read. */
#define VPN_CONFIG_DIR "/etc/vpnrun"

enum vpn_layout { LAYOUT_NETNS, LAYOUT_BRIDGE };

/* + id: the mark of the tunnel's own packets, unless its file says otherwise. All of them, and this
 * number itself, lie within the mask. */
#define MARK_BASE 10000
#define MARK_NET  0x2700u
#define MARK_MASK 0xffffff80u

/* The first three lie below every VPN's own, and go around the machine's default. The others are
 * outside all of them: what goes by the default, whatever else would lead it around; what is none.
 */
#define MARK_EXEMPT	(MARK_NET + 1)
#define MARK_ANSWER	(MARK_NET + 2)
#define MARK_EARLIER	(MARK_NET + 3)
#define MARK_BY_DEFAULT 0x2780u
#define MARK_ASTRAY	0x2781u

/* A name of one of a VPN's servers. */
#define SERVER_MAX_LEN 63
