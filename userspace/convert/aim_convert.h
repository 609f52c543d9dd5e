/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a TensorFlow Lite model (.tflite) to a model file (.aim), and a look at
 * either without running it. Static library; no global state, no output of its
 * own. The input is untrusted: every function here is total, and bounded in
 * time and memory by the size of the file.
 */
#ifndef AIM_CONVERT_H
#define AIM_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Enough for any message of this library, with the final NUL. */
#define AIM_CONVERT_REASON_LEN 320

/**
 * struct aim_convert_options - how to convert; all zero is the default
 * @keep_all: make the result of every source operator a model output too, in
 *	      operator order: all outputs of one sample, one after the other,
 *	      are then a dump of every layer
 * @name:     the model's name, shown by `info`; NULL: none
 */
struct aim_convert_options {
	bool keep_all;
	const char *name;
};

/**
 * aim_convert_tflite() - convert a .tflite file
 * @data:       the file, any alignment
 * @bytes:      its length
 * @opt:        options, or NULL
 * @out:        the .aim file, 64-byte aligned; free() it
 * @out_bytes:  its length
 * @reason:     on refusal one sentence for people, naming operator and tensor;
 *		printable characters only
 * @reason_len: room there; AIM_CONVERT_REASON_LEN is enough
 *
 * What comes back has passed aim_verify(). Return: 0; -ENOEXEC not a TFLite
 * file; -EBADMSG damaged; -EINVAL contradictory (shapes, quantisation);
 * -EOPNOTSUPP well-formed but uses something this version does not have;
 * -E2BIG beyond a limit of the model format; -ENOMEM.
 */
int aim_convert_tflite(const void *data, size_t bytes,
		       const struct aim_convert_options *opt,
		       void **out, size_t *out_bytes,
		       char *reason, size_t reason_len);

/* Whether the bytes look like a .tflite file (by its identifier). */
bool aim_is_tflite(const void *data, size_t bytes);

#define AIM_TFL_NAME_LEN	96	/* of names below, with the final NUL */
#define AIM_TFL_TYPE_LEN	24
#define AIM_TFL_MAX_RANK	8

/**
 * struct aim_tfl_tensor - an input or output of a .tflite model
 * @name:	printable characters only, shortened if longer
 * @type:	"int8", "float32", ...
 * @rank:	number of @dims; more than AIM_TFL_MAX_RANK are not listed
 * @scale:	0: not quantised
 */
struct aim_tfl_tensor {
	char name[AIM_TFL_NAME_LEN];
	char type[AIM_TFL_TYPE_LEN];
	unsigned int rank;
	int dims[AIM_TFL_MAX_RANK];
	double scale;
	long long zero_point;
};

/**
 * struct aim_tfl_op_count - how often an operator occurs
 * @name: "CONV_2D", or "custom 'Name'"
 */
struct aim_tfl_op_count {
	char name[AIM_TFL_NAME_LEN];
	unsigned int count;
};

/**
 * struct aim_tfl_info - what a .tflite file holds
 * @schema_version: 3 for every file this version can convert
 * @description:    the file's own, printable characters only
 * @subgraphs:      1 for every file this version can convert
 * @tensors:	    of the first subgraph, as are all below
 * @const_bytes:    bytes of constants
 * @ops:	    operators by falling count
 * @issues:	    what keeps the file from being converted, one sentence each;
 *		    none: aim_convert_tflite() succeeds on it
 * @more_issues:    how many more there are than are listed
 */
struct aim_tfl_info {
	unsigned int schema_version;
	char description[AIM_TFL_NAME_LEN];
	unsigned int subgraphs;
	unsigned int tensors;
	unsigned int operators;
	unsigned long long const_bytes;
	struct aim_tfl_tensor *inputs;
	size_t nr_inputs;
	struct aim_tfl_tensor *outputs;
	size_t nr_outputs;
	struct aim_tfl_op_count *ops;
	size_t nr_ops;
	char (*issues)[AIM_CONVERT_REASON_LEN];
	size_t nr_issues;
	size_t more_issues;
};

/**
 * aim_tfl_inspect() - describe a .tflite file
 * @info: filled on success; release it with aim_tfl_info_free()
 *
 * Succeeds also on well-formed files that can't be converted, and says why
 * in @info->issues. Return and the other arguments: as aim_convert_tflite().
 */
int aim_tfl_inspect(const void *data, size_t bytes, struct aim_tfl_info *info,
		    char *reason, size_t reason_len);
void aim_tfl_info_free(struct aim_tfl_info *info);

#ifdef __cplusplus
}
#endif

#endif /* AIM_CONVERT_H */
