// SPDX-License-Identifier: LGPL-2.1-or-later
/* Models: loading, and what the kernel says of them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static int fetch_tensor(int fd, uint32_t dir, uint32_t index,
			struct aioffload_model_tensor *out)
{
	struct aioffload_model_tensor arg = {
		.size = sizeof(arg), .dir = dir, .index = index,
	};
	int ret = lib_ioctl(fd, AIOFFLOAD_IOC_MODEL_TENSOR, &arg);

	if (ret < 0)
		return lib_fail(ret, "the kernel does not describe %s %u: %s",
				dir ? "output" : "input", index,
				aioffload_strerror(ret));
	*out = arg;
	return 0;
}

static int fetch_tensors(struct aioffload_model *model)
{
	uint32_t nr[2] = { model->info.nr_inputs, model->info.nr_outputs };
	struct aioffload_model_tensor *t;
	uint32_t dir, i;
	int ret;

	model->tensors = calloc((size_t)nr[0] + nr[1] + 1, sizeof(*t));
	if (!model->tensors)
		return lib_fail(ENOMEM, "out of memory");
	t = model->tensors;
	for (dir = 0; dir < 2; dir++) {
		for (i = 0; i < nr[dir]; i++, t++) {
			ret = fetch_tensor(model->fd, dir, i, t);
			if (ret)
				return ret;
			model->sample_bytes[dir] += t->bytes;
		}
	}
	return 0;
}

/* Takes the fd over, also on failure. */
static int model_new(int fd, struct aioffload_model **out)
{
	struct aioffload_model *model = calloc(1, sizeof(*model));
	int ret;

	if (!model) {
		close(fd);
		return lib_fail(ENOMEM, "out of memory");
	}
	model->fd = fd;
	model->info.size = sizeof(model->info);
	ret = lib_ioctl(fd, AIOFFLOAD_IOC_MODEL_INFO, &model->info);
	if (ret < 0)
		ret = lib_fail(ret, "fd %d is not a model: %s", fd,
			       aioffload_strerror(ret));
	else
		ret = fetch_tensors(model);
	if (ret) {
		aioffload_model_free(model);
		return ret;
	}
	*out = model;
	return 0;
}

/*
 * What to do about a refusal that the policy is the reason for, where the
 * kernel's own sentence does not say it.
 */
static const char *advice(int err, const char *reason)
{
	if (strstr(reason, "'aioffload "))
		return "";
	switch (-err) {
	case ENOKEY:
		return "; if you trust who signed it: sudo aioffload model trust CERTIFICATE (keys that are known: aioffload policy)";
	case EKEYREJECTED:
		return "; sign it: aioffload model sign FILE --key KEY (once before: aioffload model keygen, sudo aioffload model trust)";
	case EKEYREVOKED:
		return "; what is blocked: sudo aioffload block --list";
	case EKEYEXPIRED:
		return "; get it signed anew, or see that this machine's clock is right";
	case ENOPKG:
		return "; sign it with an RSA key of 3072 bits, which every kernel takes";
	case ENOTRECOVERABLE:
		return "; to give it another chance: sudo aioffload unblock";
	default:
		return "";
	}
}

static int load(struct aioffload_ctx *ctx, const char *what, const void *data,
		size_t bytes, struct aioffload_model **model)
{
	char reason[REASON_LEN] = "";
	struct aioffload_model_load arg = {
		.size = sizeof(arg),
		.data = (uintptr_t)data,
		.bytes = bytes,
		.reason = (uintptr_t)reason,
		.reason_len = sizeof(reason),
	};
	int ret = lib_ioctl(ctx->fd, AIOFFLOAD_IOC_MODEL_LOAD, &arg);

	if (lib_denied(ctx, ret, AIOFFLOAD_RIGHT_LOAD, "load a model"))
		return ret;
	if (ret < 0) {
		reason[sizeof(reason) - 1] = '\0';
		return lib_fail(ret, "%s: refused by the kernel (%s): %s%s", what,
				strerrorname_np(-ret),
				reason[0] ? reason : aioffload_strerror(ret),
				advice(ret, reason));
	}
	return model_new(arg.fd, model);
}

int aioffload_model_load(struct aioffload_ctx *ctx, const void *data,
			 size_t bytes, struct aioffload_model **model)
{
	return load(ctx, "model", data, bytes, model);
}

/* Refuse what can't be a model while the message can still be helpful. */
static int check_file(int fd, const char *path, size_t *bytes)
{
	char head[8] = "";
	struct stat st;

	if (fstat(fd, &st))
		return lib_fail(errno, "%s: %s", path,
				aioffload_strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lib_fail(EINVAL, "%s is not a regular file", path);
	if (st.st_size <= 0)
		return lib_fail(ENOEXEC, "%s is empty", path);
	if ((uint64_t)st.st_size > SIZE_MAX)
		return lib_fail(E2BIG, "%s is too large", path);
	if (pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	    !memcmp(head + 4, "TFL3", 4))
		return lib_fail(ENOEXEC, "%s is a TensorFlow Lite file; convert it first: aioffload model convert %s -o MODEL.aim",
				path, path);
	*bytes = (size_t)st.st_size;
	return 0;
}

int aioffload_model_load_file(struct aioffload_ctx *ctx, const char *path,
			      struct aioffload_model **model)
{
	size_t bytes = 0;
	void *data;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return lib_fail(errno, "can't open %s: %s", path,
				strerrordesc_np(errno));
	ret = check_file(fd, path, &bytes);
	if (ret)
		goto out_close;
	/*
	 * The kernel alone reads the mapping: a file cut short meanwhile is
	 * -EFAULT, not SIGBUS.
	 */
	data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		ret = lib_fail(errno, "can't map %s: %s", path,
			       strerrordesc_np(errno));
		goto out_close;
	}
	ret = load(ctx, path, data, bytes, model);
	munmap(data, bytes);
out_close:
	close(fd);
	return ret;
}

int aioffload_model_import(int model_fd, struct aioffload_model **model)
{
	int fd = fcntl(model_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return lib_fail(errno, "can't duplicate fd %d: %s", model_fd,
				aioffload_strerror(errno));
	return model_new(fd, model);
}

void aioffload_model_free(struct aioffload_model *model)
{
	if (!model)
		return;
	close(model->fd);
	free(model->tensors);
	free(model);
}

int aioffload_model_fd(const struct aioffload_model *model)
{
	return model->fd;
}

const struct aioffload_model_info *
aioffload_model_get_info(const struct aioffload_model *model)
{
	return &model->info;
}

const struct aioffload_model_tensor *
aioffload_model_get_tensor(const struct aioffload_model *model, uint32_t dir,
			   uint32_t index)
{
	if (dir == AIOFFLOAD_DIR_INPUT && index < model->info.nr_inputs)
		return &model->tensors[index];
	if (dir == AIOFFLOAD_DIR_OUTPUT && index < model->info.nr_outputs)
		return &model->tensors[(size_t)model->info.nr_inputs + index];
	return NULL;
}

size_t aioffload_model_sample_bytes(const struct aioffload_model *model,
				    uint32_t dir)
{
	return dir <= AIOFFLOAD_DIR_OUTPUT ? model->sample_bytes[dir] : 0;
}
