/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers of the table's rows about the tunnel. The first of them to be called is the endpoint's,
 * which makes the peer.
 */
#pragma once

#include "conf/profile_type.h"

int tunnel_read_endpoint(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_public_key(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_keepalive(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_mtu(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_allowed_ips(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_own_addresses(struct profile_reader *r, const struct profile_key *k);
int tunnel_read_search(struct profile_reader *r, const struct profile_key *k);
