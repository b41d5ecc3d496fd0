/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world that lies: while it is on, what the readers of src/ and hooks/ ask of the machine is
 * answered from the bytes of the fuzzer, and nothing of the machine is read, written or waited for.
 * The linker puts world.c before libc (--wrap, see fuzz.mk), so that the readers are tested as they
 * are, with all that they do around the parsing. Descriptors that it hands out must be closed by
 * those who asked: world_end() aborts otherwise.
 *
 * The input is cut into pieces at each byte 0xff. The first piece is of choices, a byte each, for
 * questions whose answer is not a text: is it there, is it a directory. Each file that is opened,
 * link that is read and directory that is listed takes the next piece; when there is none left,
 * there is no such file. A target may take pieces for itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void world_begin(const uint8_t *data, size_t size);
/* No pieces and no choices: data is one file, of which each reader gets all, and what comes by each
 * socket. */
void world_begin_whole(const uint8_t *data, size_t size);
void world_end(void);

/* A file with that end of its path has those bytes, whatever is asked for before it. At most four;
 * world_begin() forgets them. */
void world_set_file(const char *end, struct bytes is);

unsigned int world_choice(unsigned int n);   /* 0..n-1; 0 when the choices are used up */
bool world_piece(struct bytes *ret);	     /* the next; false, and empty: there is none */
char *world_text(struct bytes b);	     /* with a NUL, to be freed; NULs in it are blanks */
char *world_next_text(void);		     /* of the next piece; never NULL */
void *world_copy(struct bytes b);	     /* exactly as many bytes, to be freed */
int world_socket(void);			     /* a descriptor from which the bytes are received */
extern uint32_t world_nl_seq, world_nl_port; /* netlink: of the last request, and of its sender */

/* Aborts where a refusal is not a code and words. */
struct err;
void must_be_sentence(const struct err *e);
void must(bool what); /* aborts */
