/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * What IMA is told of an admitted model: one line of ASCII, so that a
 * measurement list can be read without tools.
 *
 *	aioffload-model 1 digest=sha256:HEX key=sha256:HEX name=NAME version=N
 *		mode=MODE time=N
 *
 * without the line break, fields parted by single blanks, in this order, a
 * newline at the end. HEX is 64 lower-case digits, key is "-" without a
 * signature. NAME is "-" without a manifest; in it every byte but
 * [A-Za-z0-9._+:/-], and the first of a name that is just "-", is written %XX.
 * MODE is what the policy demanded at that moment: enforce, permissive, off.
 * N is decimal; time is nanoseconds since boot and makes lines differ: IMA
 * drops a line that it has already.
 *
 * Later versions raise the 1 and may add fields at the end.
 */
#ifndef _AIM_MEASURED_H
#define _AIM_MEASURED_H

#include <aim/format.h>

#define AIM_MEASURED_LABEL	"aioffload"
#define AIM_MEASURED_EVENT	"aioffload-model"
#define AIM_MEASURED_MAGIC	"aioffload-model 1 "
#define AIM_MEASURED_MAX	512

/**
 * struct aim_measured - one line
 * @key:	of zeros: none
 * @mode:	enum aioffload_policy_mode
 * @name:	NUL-terminated, or empty
 */
struct aim_measured {
	u8 digest[32];
	u8 key[32];
	u64 version;
	u64 time_ns;
	u32 mode;
	char name[AIM_NAME_LEN];
};

/* Return: length of the line, newline included; there is no NUL. */
size_t aim_measured_write(const struct aim_measured *m,
			  char line[AIM_MEASURED_MAX]);

/* Nothing but a line exactly as written above. Return: 0 or -EBADMSG. */
int aim_measured_read(const char *line, size_t len, struct aim_measured *m);

#endif /* _AIM_MEASURED_H */
