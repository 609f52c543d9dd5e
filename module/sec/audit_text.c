// SPDX-License-Identifier: GPL-2.0
/* Text for audit records. */
#include "audit_text.h"

/*
 * Stricter than the audit system itself, which lets '=' pass: ausearch would
 * take a name such as x=res=1 for a result.
 */
static bool harmless(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == '=')
			return false;
	}
	return true;
}

size_t ai_text_value(char *out, size_t room, const char *s, size_t n)
{
	size_t i, at = 0;

	n = strnlen(s, n);
	if (room < AI_TEXT_VALUE_ROOM(n))
		n = room < 3 ? 0 : (room - 3) / 2;
	if (room < 3) {
		if (room)
			out[0] = '\0';
		return 0;
	}
	/* What is empty can't be told from hexadecimal: in quotes. */
	if (harmless(s, n)) {
		out[at++] = '"';
		memcpy(out + at, s, n);
		at += n;
		out[at++] = '"';
	} else {
		for (i = 0; i < n; i++) {
			out[at++] = "0123456789ABCDEF"[(u8)s[i] >> 4];
			out[at++] = "0123456789ABCDEF"[(u8)s[i] & 15];
		}
	}
	out[at] = '\0';
	return at;
}

static bool in_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == ',' ||
	       c == ':' || c == '/' || c == '-' || c == '+' || c == '(' ||
	       c == ')';
}

size_t ai_text_word(char *out, size_t room, const char *s)
{
	size_t at;

	if (!room)
		return 0;
	for (at = 0; s[at] && at < room - 1; at++)
		out[at] = in_word(s[at]) ? s[at] : s[at] == ' ' ? '-' : '_';
	out[at] = '\0';
	return at;
}

size_t ai_text_detail(char *out, size_t room, const char *s)
{
	bool named = false;
	size_t at;

	if (!room)
		return 0;
	for (at = 0; s[at] && at < room - 1; at++) {
		if (s[at] == ' ') {
			named = false;
			out[at] = ' ';
		} else if (s[at] == '=' && !named) {
			named = true;
			out[at] = '=';
		} else {
			out[at] = in_word(s[at]) ? s[at] : '_';
		}
	}
	out[at] = '\0';
	return at;
}
