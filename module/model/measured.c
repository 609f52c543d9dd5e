// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/* The line that IMA keeps of a model: written here, and read by verifiers. */
#include <aim/measured.h>

#define NR_MODES	3

static const char *const mode_names[NR_MODES] = {
	"off", "permissive", "enforce"
};

/* Magic, fields' names, two digests, a name all escaped, two numbers, a mode */
static_assert(sizeof(AIM_MEASURED_MAGIC) + 64 + 2 * 71 + 3 * AIM_NAME_LEN +
	      2 * 20 + 16 < AIM_MEASURED_MAX, "a line always fits");

static bool plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '+' ||
	       c == ':' || c == '/' || c == '-';
}

/* ---- writing ------------------------------------------------------------ */

static char *put(char *p, const char *s)
{
	while (*s)
		*p++ = *s++;
	return p;
}

static char *put_number(char *p, u64 v)
{
	char digits[20];
	u32 n = 0;

	do {
		digits[n++] = '0' + v % 10;
		v /= 10;
	} while (v);
	while (n)
		*p++ = digits[--n];
	return p;
}

static char *put_byte(char *p, u8 b, const char *digits)
{
	*p++ = digits[b >> 4];
	*p++ = digits[b & 15];
	return p;
}

static char *put_digest(char *p, const u8 digest[32])
{
	u32 i;

	p = put(p, "sha256:");
	for (i = 0; i < 32; i++)
		p = put_byte(p, digest[i], "0123456789abcdef");
	return p;
}

static char *put_name(char *p, const char *name)
{
	bool lone = name[0] == '-' && !name[1];
	u32 i;

	if (!name[0])
		return put(p, "-");
	for (i = 0; i < AIM_NAME_LEN && name[i]; i++) {
		if (plain(name[i]) && !lone) {
			*p++ = name[i];
		} else {
			*p++ = '%';
			p = put_byte(p, name[i], "0123456789ABCDEF");
		}
	}
	return p;
}

static bool is_zero(const u8 digest[32])
{
	u8 any = 0;
	u32 i;

	for (i = 0; i < 32; i++)
		any |= digest[i];
	return !any;
}

size_t aim_measured_write(const struct aim_measured *m,
			  char line[AIM_MEASURED_MAX])
{
	char *p = put(line, AIM_MEASURED_MAGIC "digest=");

	p = put_digest(p, m->digest);
	p = put(p, " key=");
	p = is_zero(m->key) ? put(p, "-") : put_digest(p, m->key);
	p = put(p, " name=");
	p = put_name(p, m->name);
	p = put(p, " version=");
	p = put_number(p, m->version);
	p = put(p, " mode=");
	p = put(p, m->mode < NR_MODES ? mode_names[m->mode] : "off");
	p = put(p, " time=");
	p = put_number(p, m->time_ns);
	*p++ = '\n';
	return p - line;
}

/* ---- reading ------------------------------------------------------------ */

struct input {
	const char *p;
	const char *end;
};

static bool get(struct input *in, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(in->end - in->p) < n || memcmp(in->p, s, n))
		return false;
	in->p += n;
	return true;
}

static bool get_digits(struct input *in, const char *digits, u8 *byte)
{
	u32 i, k, v = 0;

	if (in->end - in->p < 2)
		return false;
	for (i = 0; i < 2; i++) {
		for (k = 0; k < 16 && digits[k] != in->p[i]; k++)
			;
		if (k == 16)
			return false;
		v = v << 4 | k;
	}
	in->p += 2;
	*byte = v;
	return true;
}

static bool get_digest(struct input *in, u8 digest[32])
{
	u32 i;

	if (!get(in, "sha256:"))
		return false;
	for (i = 0; i < 32; i++) {
		if (!get_digits(in, "0123456789abcdef", &digest[i]))
			return false;
	}
	return true;
}

/* One spelling for each number: no leading zeros, no overflow. */
static bool get_number(struct input *in, u64 *v)
{
	const char *begin = in->p;
	u64 n = 0;

	while (in->p < in->end && *in->p >= '0' && *in->p <= '9') {
		u32 d = *in->p++ - '0';

		if (n > (~0ULL - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*v = n;
	return in->p > begin && (*begin != '0' || in->p == begin + 1);
}

static bool get_name(struct input *in, char name[AIM_NAME_LEN])
{
	u32 n = 0;
	u8 byte;

	if (get(in, "- ")) {
		in->p--;
		name[0] = '\0';
		return true;
	}
	while (in->p < in->end && *in->p != ' ') {
		if (n == AIM_NAME_LEN - 1)
			return false;
		if (plain(*in->p)) {
			name[n++] = *in->p++;
			continue;
		}
		if (!get(in, "%") ||
		    !get_digits(in, "0123456789ABCDEF", &byte) || !byte)
			return false;
		name[n++] = byte;
	}
	name[n] = '\0';
	return n;
}

static bool get_mode(struct input *in, u32 *mode)
{
	for (*mode = 0; *mode < NR_MODES; ++*mode) {
		if (get(in, mode_names[*mode]))
			return true;
	}
	return false;
}

int aim_measured_read(const char *line, size_t len, struct aim_measured *m)
{
	struct input in = { line, line + len };

	memset(m, 0, sizeof(*m));
	if (!get(&in, AIM_MEASURED_MAGIC "digest=") ||
	    !get_digest(&in, m->digest) || !get(&in, " key="))
		return -EBADMSG;
	if (!get(&in, "-") && !get_digest(&in, m->key))
		return -EBADMSG;
	if (!get(&in, " name=") || !get_name(&in, m->name) ||
	    !get(&in, " version=") || !get_number(&in, &m->version) ||
	    !get(&in, " mode=") || !get_mode(&in, &m->mode) ||
	    !get(&in, " time=") || !get_number(&in, &m->time_ns) ||
	    !get(&in, "\n") || in.p != in.end)
		return -EBADMSG;
	return 0;
}
