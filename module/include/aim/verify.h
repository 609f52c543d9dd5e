/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * The verifier: from untrusted bytes to a model that can be run blindly.
 * Freestanding; the same file serves the kernel, the library and the fuzzers.
 */
#ifndef _AIM_VERIFY_H
#define _AIM_VERIFY_H

#include <aim/format.h>

/**
 * struct aim_view - a verified file, by part
 * @data:	the file; the caller keeps it alive and unchanged
 * @header:	its header
 * @tensors:	@nr_tensors records, and so on
 *
 * Only aim_verify() fills this; holding one means that every rule of
 * docs/model-format.md was checked. Data is little-endian and 64-byte aligned;
 * big-endian hosts are not supported (aim_verify() answers -ENOEXEC there).
 */
struct aim_view {
	const u8 *data;
	size_t bytes;
	const struct aim_header *header;
	const struct aim_tensor *tensors;
	const struct aim_op *ops;
	const u32 *operands;
	const struct aim_requant *requants;
	const u32 *scales;
	const u8 *consts;
	const char *strings;
	const char *meta;
	u32 nr_tensors;
	u32 nr_ops;
	u32 nr_operands;
	u32 nr_requants;
	u32 nr_scales;
	u32 strings_bytes;
	u32 meta_bytes;
	/* tensor numbers of inputs 0.. and outputs 0.. */
	u32 io[AIM_MAX_IO];
};

#define AIM_REASON_LEN	192

/**
 * struct aim_reason - why a file was refused, for people
 * @text:	one sentence, NUL-terminated, naming operator or tensor
 */
struct aim_reason {
	char text[AIM_REASON_LEN];
};

/**
 * aim_verify_scratch() - bytes of scratch that aim_verify() needs
 * @data: the file, at least its header is looked at if there is one
 * @bytes: its length
 *
 * Never more than 32 times AIM_MAX_TENSORS plus 64 KiB, whatever the file says.
 */
size_t aim_verify_scratch(const void *data, size_t bytes);

/**
 * aim_verify() - prove a file
 * @data:	the bytes, 64-byte aligned, not writable by anyone else
 * @bytes:	their number
 * @scratch:	aim_verify_scratch() bytes, 8-byte aligned, contents ignored
 * @view:	out: filled on success
 * @reason:	out: set on refusal
 *
 * Total: terminates on every input in time linear in @bytes. Return: 0;
 * -ENOEXEC not a model file or another version; -EBADMSG damaged (sizes,
 * offsets, reserved fields); -EINVAL an operator's or tensor's rule is broken;
 * -EOPNOTSUPP an operator or type this version does not have; -E2BIG a limit
 * is passed.
 */
int aim_verify(const void *data, size_t bytes, void *scratch,
	       struct aim_view *view, struct aim_reason *reason);

/* Operand access for a verified view. Optional operands may be NULL. */
static inline const struct aim_tensor *
aim_operand(const struct aim_view *v, const struct aim_op *op, u32 i)
{
	u32 t = v->operands[op->operands + i];

	return t == AIM_NO_TENSOR ? NULL : &v->tensors[t];
}

static inline const struct aim_tensor *
aim_out(const struct aim_view *v, const struct aim_op *op, u32 i)
{
	return aim_operand(v, op, op->nr_inputs + i);
}

static inline const char *aim_str(const struct aim_view *v, u32 at)
{
	return at ? v->strings + at : "";
}

/* Bytes of an element; 0: no such type, which no verified model has. */
static inline u32 aim_type_size(u32 type)
{
	switch (type) {
	case AIM_TYPE_S8:
	case AIM_TYPE_U8:
		return 1;
	case AIM_TYPE_S16:
		return 2;
	case AIM_TYPE_S32:
	case AIM_TYPE_F32:
		return 4;
	default:
		return 0;
	}
}

const char *aim_op_name(u32 code);	/* "conv2d", never NULL */
const char *aim_type_name(u32 type);	/* "int8", never NULL */

#endif /* _AIM_VERIFY_H */
