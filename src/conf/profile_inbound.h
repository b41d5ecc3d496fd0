/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers and writers of the table's rows about what may come in.
 */
#pragma once

#include "conf/profile_type.h"

int inbound_read_ranges(struct profile_reader *r, const struct profile_key *k);
int inbound_read_forward(struct profile_reader *r, const struct profile_key *k);
int inbound_read_gateway(struct profile_reader *r, const struct profile_key *k);
int inbound_read_hook(struct profile_reader *r, const struct profile_key *k);

void inbound_write_ranges(struct json_out *out, const struct profile_key *k,
			  const struct profile *p);
void inbound_write_forward(struct json_out *out, const struct profile_key *k,
			   const struct profile *p);
void inbound_write_gateway(struct json_out *out, const struct profile_key *k,
			   const struct profile *p);
void inbound_write_hook(struct json_out *out, const struct profile_key *k, const struct profile *p);

/* Once the tunnel is known. NULL, or what is wrong with "port_forward". */
const char *profile_check_forward(struct profile *p);
