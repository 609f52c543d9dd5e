// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload model info on a TensorFlow Lite model (.tflite). */
#include <aim_convert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void tfl_tensor_line(const struct aim_tfl_tensor *t, const char *kind,
			    unsigned int index, struct tensor_line *line,
			    int64_t *dims)
{
	unsigned int rank = t->rank, d;

	if (rank > AIM_TFL_MAX_RANK)
		rank = AIM_TFL_MAX_RANK;
	for (d = 0; d < rank; d++)
		dims[d] = t->dims[d];
	*line = (struct tensor_line){
		.kind = kind,
		.index = index,
		.name = t->name,
		.type = t->type,
		.rank = rank,
		.dims = dims,
		.scale = t->scale,
		.zero_point = t->zero_point,
	};
}

static void print_list(const struct aim_tfl_tensor *list, size_t n,
		       const char *kind)
{
	int64_t dims[AIM_TFL_MAX_RANK];
	struct tensor_line line;
	size_t i;

	for (i = 0; i < n; i++) {
		tfl_tensor_line(&list[i], kind, (unsigned int)i, &line, dims);
		tensor_print(&line);
	}
}

static struct json_object *list_json(const struct aim_tfl_tensor *list,
				     size_t n)
{
	struct json_object *array = json_object_new_array();
	int64_t dims[AIM_TFL_MAX_RANK];
	struct tensor_line line;
	size_t i;

	for (i = 0; i < n; i++) {
		tfl_tensor_line(&list[i], "", (unsigned int)i, &line, dims);
		json_object_array_add(array, tensor_json(&line));
	}
	return array;
}

static void print_info(const struct aim_tfl_info *info, const char *digest,
		       size_t bytes)
{
	char num[CLI_NUM_LEN], clean[4 * AIM_CONVERT_REASON_LEN];
	size_t i;

	if (*info->description)
		printf("name      %s\n", text_clean(info->description, clean,
						    sizeof(clean)));
	printf("format    tflite, schema %u\n", info->schema_version);
	printf("sha256    %s\n", digest);
	printf("size      %s", text_bytes(bytes, num));
	printf(", constants %s\n", text_bytes(info->const_bytes, num));
	printf("tensors   %zu inputs, %zu outputs, %u in all\n",
	       info->nr_inputs, info->nr_outputs, info->tensors);
	print_list(info->inputs, info->nr_inputs, "input");
	print_list(info->outputs, info->nr_outputs, "output");
	printf("operators %u\n", info->operators);
	for (i = 0; i < info->nr_ops; i++)
		printf("  %-28s %u\n", text_clean(info->ops[i].name, clean,
						  sizeof(clean)),
		       info->ops[i].count);
	if (!info->nr_issues) {
		puts("convert   possible");
		return;
	}
	puts("convert   not possible:");
	for (i = 0; i < info->nr_issues; i++)
		printf("  %s\n", text_clean(info->issues[i], clean,
					    sizeof(clean)));
	if (info->more_issues)
		printf("  and %zu more\n", info->more_issues);
}

static struct json_object *info_json(const struct aim_tfl_info *info,
				     const char *digest, size_t bytes)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *ops = json_object_new_object();
	struct json_object *issues = json_object_new_array();
	char clean[4 * AIM_CONVERT_REASON_LEN];
	size_t i;

	json_str(obj, "format", "tflite");
	json_str(obj, "name", info->description);
	json_str(obj, "sha256", digest);
	json_u64(obj, "bytes", bytes);
	json_u64(obj, "constant_bytes", info->const_bytes);
	json_object_object_add(obj, "inputs",
			       list_json(info->inputs, info->nr_inputs));
	json_object_object_add(obj, "outputs",
			       list_json(info->outputs, info->nr_outputs));
	json_u64(obj, "operator_count", info->operators);
	for (i = 0; i < info->nr_ops; i++)
		json_u64(ops, text_clean(info->ops[i].name, clean,
					 sizeof(clean)), info->ops[i].count);
	json_object_object_add(obj, "operators", ops);
	json_object_object_add(obj, "convertible", json_object_new_boolean(
				!info->nr_issues && !info->more_issues));
	for (i = 0; i < info->nr_issues; i++)
		json_object_array_add(issues, json_object_new_string(
				text_clean(info->issues[i], clean,
					   sizeof(clean))));
	json_object_object_add(obj, "issues", issues);
	return obj;
}

int info_tflite(const char *path, const void *data, size_t bytes, bool json)
{
	char reason[AIM_CONVERT_REASON_LEN] = "", digest[TEXT_DIGEST_LEN];
	char clean[4 * AIM_CONVERT_REASON_LEN];
	struct aim_tfl_info info = { 0 };
	int ret, status;

	ret = aim_tfl_inspect(data, bytes, &info, reason, sizeof(reason));
	if (ret)
		return cli_error(ret == -ENOMEM ? CLI_FAILED : CLI_REFUSED,
				 "%s can't be read: %s", path,
				 text_clean(reason, clean, sizeof(clean)));
	status = info.nr_issues ? CLI_REFUSED : CLI_OK;
	if (digest_hex(data, bytes, digest)) {
		status = cli_error(CLI_FAILED, "libcrypto can't compute SHA-256");
	} else if (json) {
		ret = json_print(info_json(&info, digest, bytes));
		status = ret ? ret : status;
	} else {
		print_info(&info, digest, bytes);
	}
	aim_tfl_info_free(&info);
	return status;
}
