// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers and foreign text as output: for people, and as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

const char *text_ns(double ns, char buf[CLI_NUM_LEN])
{
	if (ns < 1e3)
		snprintf(buf, CLI_NUM_LEN, "%.0f ns", ns);
	else if (ns < 1e6)
		snprintf(buf, CLI_NUM_LEN, "%.2f us", ns / 1e3);
	else if (ns < 1e9)
		snprintf(buf, CLI_NUM_LEN, "%.2f ms", ns / 1e6);
	else
		snprintf(buf, CLI_NUM_LEN, "%.2f s", ns / 1e9);
	return buf;
}

const char *text_bytes(uint64_t bytes, char buf[CLI_NUM_LEN])
{
	if (bytes < 1024)
		snprintf(buf, CLI_NUM_LEN, "%" PRIu64 " bytes", bytes);
	else if (bytes < 1024 * 1024)
		snprintf(buf, CLI_NUM_LEN, "%.1f KiB", bytes / 1024.0);
	else
		snprintf(buf, CLI_NUM_LEN, "%.1f MiB", bytes / 1048576.0);
	return buf;
}

const char *text_count(double n, char buf[CLI_NUM_LEN])
{
	if (n < 1e3)
		snprintf(buf, CLI_NUM_LEN, "%.0f", n);
	else if (n < 1e6)
		snprintf(buf, CLI_NUM_LEN, "%.1f k", n / 1e3);
	else if (n < 1e9)
		snprintf(buf, CLI_NUM_LEN, "%.2f M", n / 1e6);
	else
		snprintf(buf, CLI_NUM_LEN, "%.2f G", n / 1e9);
	return buf;
}

/*
 * Length of the well-formed, printable UTF-8 sequence at @p, 0 if there is
 * none. Overlong forms, surrogates and C0/C1 controls are not printable.
 */
static size_t utf8_len(const unsigned char *p)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t min;
	} forms[] = {
		{ 0xe0, 0xc0, 0xa0 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};
	uint32_t code;
	size_t n, i;

	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f;
	for (n = 0; n < 3; n++)
		if ((*p & forms[n].mask) == forms[n].lead)
			break;
	if (n == 3)
		return 0;
	code = *p & (unsigned char)~forms[n].mask;
	for (i = 1; i <= n + 1; i++) {
		if ((p[i] & 0xc0) != 0x80)	/* the final NUL stops here too */
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < forms[n].min || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000) ||
	    (code >= 0x202a && code <= 0x202e) ||	/* bidirectional */
	    (code >= 0x2066 && code <= 0x2069))
		return 0;
	return n + 2;
}

const char *text_clean(const char *text, char *out, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0, n;

	while (*p) {
		n = utf8_len(p);
		if (at + (n ? n : 4) >= len)
			break;
		if (n) {
			memcpy(out + at, p, n);
			at += n;
			p += n;
		} else {
			snprintf(out + at, 5, "\\x%02x", *p++);
			at += 4;
		}
	}
	out[at] = '\0';
	return out;
}

const char *text_hex(const uint8_t *data, size_t bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < bytes; i++) {
		out[2 * i] = digits[data[i] >> 4];
		out[2 * i + 1] = digits[data[i] & 15];
	}
	out[2 * bytes] = '\0';
	return out;
}

int json_print(struct json_object *obj)
{
	puts(json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
	return cli_flush();
}

void json_str(struct json_object *obj, const char *key, const char *text)
{
	char clean[1024];

	json_object_object_add(obj, key, json_object_new_string(
				text_clean(text, clean, sizeof(clean))));
}

void json_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, json_object_new_uint64(value));
}

void json_dbl(struct json_object *obj, const char *key, double value)
{
	char text[64];

	/* shortest form that a reader turns back into about the same number */
	snprintf(text, sizeof(text), "%.9g", value);
	json_object_object_add(obj, key, json_object_new_double_s(value, text));
}

int cli_flush(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		clearerr(stdout);
		return cli_error(CLI_FAILED, "can't write to standard output: %s",
				 strerror(errno));
	}
	return CLI_OK;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

#define PROGRESS_NS	200000000ULL

void progress_start(struct progress *p, const char *what)
{
	p->what = what;
	p->active = isatty(STDERR_FILENO);
	p->shown = false;
	p->next_ns = now_ns() + PROGRESS_NS;
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	uint64_t now;

	if (!p->active)
		return;
	now = now_ns();
	if (now < p->next_ns)
		return;
	p->next_ns = now + PROGRESS_NS;
	p->shown = true;
	if (total)
		fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " (%u %%) ",
			p->what, done, total,
			(unsigned int)(100.0 * done / total));
	else
		fprintf(stderr, "\r%s: %" PRIu64 " ", p->what, done);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
