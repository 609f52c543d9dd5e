// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * IMA's measurement list, binary or ASCII. An entry is
 *
 *	pcr, digest of the template, the template's name, the template
 *
 * and a template is a row of fields, each with its length. The ASCII form
 * leaves the lengths out, but nothing of the templates known here is lost: they
 * are built again, and the digest tells whether they were built right.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "attest.h"

#define OLD_NAME_BYTES	256	/* of template "ima": what it is padded to */
#define MAX_ENTRY	(16U << 20)

int attest_refuse(struct attest_reason *why, const char *fmt, ...)
{
	va_list args;
	char *p;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	for (p = why->text; *p; p++) {
		if (*p < ' ' || *p > '~')
			*p = '?';
	}
	return -EBADMSG;
}

void attest_list_open(struct attest_list *l, const void *data, size_t bytes)
{
	size_t i;

	*l = (struct attest_list){
		.data = data, .bytes = bytes, .digest_alg = ATTEST_SHA1,
		.ascii = true,
	};
	/* A binary entry begins with a PCR's number, which is less than ' '. */
	for (i = 0; i < bytes && i < 4; i++) {
		if (l->data[i] < ' ' && l->data[i] != '\n')
			l->ascii = false;
	}
}

void attest_list_close(struct attest_list *l)
{
	free(l->scratch);
	l->scratch = NULL;
}

/* ---- bytes -------------------------------------------------------------- */

struct bytes {
	const uint8_t *p;
	size_t left;
};

static bool take(struct bytes *b, size_t n, const uint8_t **out)
{
	if (b->left < n)
		return false;
	*out = b->p;
	b->p += n;
	b->left -= n;
	return true;
}

static bool take_u32(struct bytes *b, uint32_t *v)
{
	const uint8_t *p;

	if (!take(b, 4, &p))
		return false;
	*v = p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
	return true;
}

/* A field of a template: its length, then so many bytes. */
static bool take_field(struct bytes *b, const uint8_t **out, size_t *len)
{
	uint32_t n;

	if (!take_u32(b, &n) || !take(b, n, out))
		return false;
	*len = n;
	return true;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n--) {
		if (*p++)
			return false;
	}
	return true;
}

/* ---- templates ---------------------------------------------------------- */

static bool is_template(const struct attest_entry *e, const char *name)
{
	return !strcmp(e->template, name);
}

/* Templates whose first fields are d-ng (or d-ngv2) and n-ng. */
static bool known_template(const struct attest_entry *e)
{
	return is_template(e, "ima-ng") || is_template(e, "ima-sig") ||
	       is_template(e, "ima-buf") || is_template(e, "ima-modsig") ||
	       is_template(e, "ima-ngv2") || is_template(e, "ima-sigv2");
}

static void set_event(struct attest_entry *e, const uint8_t *name, size_t len)
{
	e->event = (const char *)name;
	e->event_len = strnlen(e->event, len);
}

/*
 * Find the name, and the third field. No digest covers the template's name, so
 * whoever hands us the list may have changed it: what an entry is must follow
 * from its fields, and an entry that can't be read is refused, not skipped.
 */
static int split(struct attest_entry *e, struct attest_reason *why)
{
	struct bytes b = { e->data, e->bytes };
	const uint8_t *p;
	size_t len;

	if (is_template(e, "ima"))
		return 0;
	if (!known_template(e))
		return attest_refuse(why, "template '%s' is not known",
				     e->template);
	if (!take_field(&b, &p, &len))	/* d-ng */
		goto bad;
	if (!take_field(&b, &p, &len))
		goto bad;
	set_event(e, p, len);
	if (!b.left)
		return 0;
	if (!take_field(&b, &p, &len))
		goto bad;
	if (!b.left) {
		e->buf = p;
		e->buf_len = len;
	}
	return 0;

bad:
	return attest_refuse(why, "a template %s ends too early", e->template);
}

static int check_digest(const struct attest_entry *e, size_t n,
			struct attest_reason *why)
{
	static const uint8_t zeros[OLD_NAME_BYTES];
	struct attest_piece pieces[2] = {
		{ e->data, e->bytes }, { zeros, e->padded },
	};
	uint8_t digest[ATTEST_MAX_HASH];
	int ret;

	if (e->violation)
		return 0;
	ret = attest_hash(e->digest_alg, pieces, 2, digest);
	if (ret)
		return attest_refuse(why, "this library has no %s",
				     attest_hash_name(e->digest_alg));
	if (memcmp(digest, e->digest, attest_hash_bytes(e->digest_alg)))
		return attest_refuse(why,
				     "entry %zu of the list is not what its digest says",
				     n);
	return 0;
}

/* ---- binary ------------------------------------------------------------- */

static int take_entry(struct bytes *b, struct attest_entry *e)
{
	size_t hash = attest_hash_bytes(e->digest_alg);
	uint32_t name_len, len;
	const uint8_t *p;

	if (!take_u32(b, &e->pcr) || !take(b, hash, &p))
		return -EBADMSG;
	memcpy(e->digest, p, hash);
	e->violation = all_zero(p, hash);
	if (!take_u32(b, &name_len) || !name_len ||
	    name_len >= sizeof(e->template) || !take(b, name_len, &p))
		return -EBADMSG;
	memcpy(e->template, p, name_len);
	e->template[name_len] = '\0';

	if (!is_template(e, "ima")) {
		if (!take_u32(b, &len) || len > MAX_ENTRY ||
		    !take(b, len, &e->data))
			return -EBADMSG;
		e->bytes = len;
		return 0;
	}
	/* The old one: a digest, a length that is not hashed, a name. */
	if (b->left < 24)
		return -EBADMSG;
	len = b->p[20] | b->p[21] << 8 | b->p[22] << 16 |
	      (uint32_t)b->p[23] << 24;
	if (len > OLD_NAME_BYTES - 1 || b->left - 24 < len)
		return -EBADMSG;
	e->bytes = 24 + len;
	e->data = b->p;
	set_event(e, b->p + 24, len);
	b->p += e->bytes;
	b->left -= e->bytes;
	return 0;
}

/*
 * The list for another bank has digests of another length. Which one is seen
 * from the first entry: only with the right one a name follows the digest.
 */
static unsigned int find_alg(const struct attest_list *l)
{
	static const unsigned int algs[] = {
		ATTEST_SHA1, ATTEST_SHA256, ATTEST_SHA384, ATTEST_SHA512,
	};
	struct attest_entry e;
	struct bytes b;
	size_t i;

	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		b = (struct bytes){ l->data, l->bytes };
		e = (struct attest_entry){ .digest_alg = algs[i] };
		if (!take_entry(&b, &e) &&
		    (known_template(&e) || is_template(&e, "ima")))
			return algs[i];
	}
	return ATTEST_SHA1;
}

static int grow(struct attest_list *l, size_t room)
{
	uint8_t *more;

	if (room <= l->room)
		return 0;
	more = realloc(l->scratch, room);
	if (!more)
		return -ENOMEM;
	l->scratch = more;
	l->room = room;
	return 0;
}

static int next_binary(struct attest_list *l, struct attest_entry *e,
		       struct attest_reason *why)
{
	struct bytes b = { l->data + l->at, l->bytes - l->at };

	if (!l->at)
		l->digest_alg = find_alg(l);
	e->digest_alg = l->digest_alg;
	if (take_entry(&b, e))
		return attest_refuse(why, "entry %zu of the list makes no sense",
				     l->n + 1);
	l->at = (size_t)(b.p - l->data);
	if (is_template(e, "ima")) {
		/* What is hashed leaves the length out. */
		if (grow(l, e->bytes))
			return -ENOMEM;
		memcpy(l->scratch, e->data, 20);
		memcpy(l->scratch + 20, e->data + 24, e->bytes - 24);
		set_event(e, l->scratch + 20, e->bytes - 24);
		e->data = l->scratch;
		e->bytes -= 4;
		e->padded = OLD_NAME_BYTES - e->event_len;
		if (e->bytes - 20 != e->event_len)
			return attest_refuse(why, "a name in the list has a NUL");
	}
	return 0;
}

/* ---- ASCII -------------------------------------------------------------- */

struct word {
	const char *p;
	size_t len;
};

/* The words of a line. The last one may be missing: of ima-sig, unsigned. */
static size_t words_of(const char *line, size_t len, struct word *words,
		       size_t max)
{
	const char *end = line + len;
	size_t n = 0;

	while (line < end && n < max) {
		while (line < end && *line == ' ')
			line++;
		if (line == end)
			break;
		words[n].p = line;
		while (line < end && *line != ' ')
			line++;
		words[n].len = (size_t)(line - words[n].p);
		n++;
	}
	return line == end ? n : max + 1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool unhex(const char *s, size_t len, uint8_t *out)
{
	size_t i;

	if (len % 2)
		return false;
	for (i = 0; i < len; i += 2) {
		int hi = hex_digit(s[i]), lo = hex_digit(s[i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static uint8_t *put_u32(uint8_t *p, size_t v)
{
	*p++ = (uint8_t)v;
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)(v >> 16);
	*p++ = (uint8_t)(v >> 24);
	return p;
}

/* d-ng: "sha256:" with its NUL, then the digest in binary. */
static uint8_t *put_digest_field(uint8_t *p, const struct word *w)
{
	const char *colon = memrchr(w->p, ':', w->len);
	size_t head, hex;

	if (!colon)
		return NULL;
	head = (size_t)(colon - w->p) + 1;
	hex = w->len - head;
	p = put_u32(p, head + 1 + hex / 2);
	memcpy(p, w->p, head);
	p += head;
	*p++ = '\0';
	return unhex(colon + 1, hex, p) ? p + hex / 2 : NULL;
}

static uint8_t *put_hex_field(uint8_t *p, const struct word *w)
{
	p = put_u32(p, w->len / 2);
	return unhex(w->p, w->len, p) ? p + w->len / 2 : NULL;
}

/* words: digest, name, and a third field for all but ima-ng. */
static uint8_t *rebuild(const struct attest_entry *e, const struct word *words,
			size_t n, uint8_t *p)
{
	static const struct word nothing = { "", 0 };
	bool buf = is_template(e, "ima-buf");
	bool sig = is_template(e, "ima-sig") || is_template(e, "ima-sigv2");

	if (n < 2 || n > 3 || (n == 3 && !buf && !sig))
		return NULL;
	p = put_digest_field(p, &words[0]);
	if (!p)
		return NULL;
	p = put_u32(p, words[1].len + 1);
	memcpy(p, words[1].p, words[1].len);
	p += words[1].len;
	*p++ = '\0';
	if (buf || sig)
		p = put_hex_field(p, n == 3 ? &words[2] : &nothing);
	return p;
}

static int next_ascii(struct attest_list *l, struct attest_entry *e,
		      struct attest_reason *why)
{
	const char *line = (const char *)l->data + l->at;
	const char *end = memchr(line, '\n', l->bytes - l->at);
	size_t len = end ? (size_t)(end - line) : l->bytes - l->at;
	struct word words[6];
	uint8_t *stop = NULL;
	size_t n, i;

	l->at += len + !!end;
	n = len > MAX_ENTRY ? 0 : words_of(line, len, words, 6);
	if (n < 5 || n > 6 || words[0].len > 2 ||
	    words[2].len >= sizeof(e->template))
		goto bad;
	for (i = 0; i < words[0].len; i++) {
		if (words[0].p[i] < '0' || words[0].p[i] > '9')
			goto bad;
		e->pcr = e->pcr * 10 + (uint32_t)(words[0].p[i] - '0');
	}
	e->digest_alg = words[1].len == 40 ? ATTEST_SHA1 :
			words[1].len == 64 ? ATTEST_SHA256 :
			words[1].len == 96 ? ATTEST_SHA384 :
			words[1].len == 128 ? ATTEST_SHA512 : 0;
	if (!e->digest_alg || !unhex(words[1].p, words[1].len, e->digest))
		goto bad;
	e->violation = all_zero(e->digest, words[1].len / 2);
	memcpy(e->template, words[2].p, words[2].len);
	if (!known_template(e) || is_template(e, "ima-modsig"))
		return attest_refuse(why, "template %s can only be read from the binary list",
				     e->template);
	if (grow(l, len + 32))
		return -ENOMEM;
	stop = rebuild(e, words + 3, n - 3, l->scratch);
	if (!stop)
		goto bad;
	e->data = l->scratch;
	e->bytes = (size_t)(stop - l->scratch);
	return 0;

bad:
	return attest_refuse(why, "line %zu of the list makes no sense",
			     l->n + 1);
}

int attest_list_next(struct attest_list *l, struct attest_entry *e,
		     struct attest_reason *why)
{
	int ret;

	memset(e, 0, sizeof(*e));
	if (l->at == l->bytes)
		return 0;
	ret = l->ascii ? next_ascii(l, e, why) : next_binary(l, e, why);
	if (!ret)
		ret = split(e, why);
	if (!ret)
		ret = check_digest(e, l->n + 1, why);
	if (ret)
		return ret;
	l->n++;
	return 1;
}

int attest_entry_model(const struct attest_entry *e, struct aim_measured *m,
		       struct attest_reason *why)
{
	static const char event[] = AIM_MEASURED_EVENT;

	if (e->event_len != sizeof(event) - 1 ||
	    memcmp(e->event, event, e->event_len))
		return 0;
	if (!e->buf || !is_template(e, "ima-buf"))
		return attest_refuse(why, "a model's measurement passes for template %s",
				     e->template);
	/* The TPM does not know what such an entry says: anybody can write it. */
	if (e->violation)
		return attest_refuse(why, "a model's measurement is marked as a violation");
	if (aim_measured_read((const char *)e->buf, e->buf_len, m))
		return attest_refuse(why, "a measured model can't be read: a newer version?");
	return 1;
}
