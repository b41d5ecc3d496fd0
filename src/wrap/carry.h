/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries a plan out, and takes it back.
 */
#pragma once

#include "wrap/plan.h"
#include "wrap/record.h"

/* What a former wrap made and this one does not is taken back. A program that had no wrapper before
 * has none if not all of it could be made. record has how it is to be wrapped; it is emptied. */
int wrap_carry_out(struct wrap_job *j, struct wrap_record *record, struct err *e);

/* The number of files that were taken back. */
int wrap_carry_back(const struct wrap_job *j, struct err *e);
