/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text for audit records. Readers of the log split records at blanks and look
 * for "res=" and its like anywhere, so nothing that a user chose may hold
 * either. Freestanding: tested in user space.
 */
#ifndef AIOFFLOAD_AUDIT_TEXT_H
#define AIOFFLOAD_AUDIT_TEXT_H

#include <aim/types.h>

/* Room for ai_text_value() of n bytes. */
#define AI_TEXT_VALUE_ROOM(n)	(2 * (n) + 3)

/*
 * The audit system's encoding of an untrusted string: "in quotes" if it is
 * harmless, else upper-case hexadecimal digits. At most @n bytes, up to a NUL;
 * cut if @room is too small. Return: the length, without the final NUL.
 */
size_t ai_text_value(char *out, size_t room, const char *s, size_t n);

/* A sentence as one word that anybody can read: blanks become dashes. */
size_t ai_text_word(char *out, size_t room, const char *s);

/*
 * Words "what=value" parted by blanks stay so: of other harmless characters
 * only, with no further '=' in a word.
 */
size_t ai_text_detail(char *out, size_t room, const char *s);

#endif /* AIOFFLOAD_AUDIT_TEXT_H */
