// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The smallest model that does anything: 64 bytes in, the same 64 bytes out.
 * What a job costs beyond its arithmetic is measured with it.
 */
#include <aim/format.h>
#include <string.h>

#include "bench.h"

#define ALIGNED(x)	(((x) + AIM_ALIGN - 1) / AIM_ALIGN * AIM_ALIGN)

static uint64_t add_section(struct aim_header *h, uint64_t at, unsigned int id,
			    uint64_t bytes)
{
	h->sections[id].offset = at;
	h->sections[id].bytes = bytes;
	return ALIGNED(at + bytes);
}

static void fill_tensor(struct aim_tensor *t, uint8_t place)
{
	unsigned int i;

	t->type = AIM_TYPE_S8;
	t->rank = 2;
	t->place = place;
	for (i = 0; i < AIM_MAX_RANK; i++)
		t->dims[i] = 1;
	t->dims[1] = 64;
	t->bytes = 64;
}

size_t tiny_model(unsigned char buf[TINY_MODEL_ROOM])
{
	static const char strings[] = "\0tiny";
	struct aim_header h = {
		.version_major = AIM_VERSION_MAJOR,
		.version_minor = AIM_VERSION_MINOR,
		.header_bytes = sizeof(h),
		.nr_inputs = 1,
		.nr_outputs = 1,
		.name = 1,
	};
	struct aim_tensor tensors[2] = { 0 };
	struct aim_op op = {
		.code = AIM_OP_RESHAPE,
		.nr_inputs = 1,
		.nr_outputs = 1,
	};
	uint32_t operands[2] = { 0, 1 };
	uint64_t at = ALIGNED(sizeof(h));

	memcpy(h.magic, AIM_MAGIC, AIM_MAGIC_LEN);
	fill_tensor(&tensors[0], AIM_PLACE_INPUT);
	fill_tensor(&tensors[1], AIM_PLACE_OUTPUT);
	at = add_section(&h, at, AIM_SEC_TENSORS, sizeof(tensors));
	at = add_section(&h, at, AIM_SEC_OPS, sizeof(op));
	at = add_section(&h, at, AIM_SEC_OPERANDS, sizeof(operands));
	at = add_section(&h, at, AIM_SEC_STRINGS, sizeof(strings));
	h.file_bytes = at;

	memset(buf, 0, TINY_MODEL_ROOM);
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + h.sections[AIM_SEC_TENSORS].offset, tensors,
	       sizeof(tensors));
	memcpy(buf + h.sections[AIM_SEC_OPS].offset, &op, sizeof(op));
	memcpy(buf + h.sections[AIM_SEC_OPERANDS].offset, operands,
	       sizeof(operands));
	memcpy(buf + h.sections[AIM_SEC_STRINGS].offset, strings,
	       sizeof(strings));
	return at;
}
