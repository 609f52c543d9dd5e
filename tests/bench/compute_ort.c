// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ONNX Runtime on MODEL.onnx, one thread. Built by tools/bench-compute inside a
 * Debian release that has it. Serves rounds, see compute_rounds.h.
 */
#include <string.h>
#include <onnxruntime_c_api.h>
#include "compute_rounds.h"

static const OrtApi *api;

struct net {
	OrtSession *session;
	OrtIoBinding *binding;
};

static void must(OrtStatus *s)
{
	if (!s)
		return;
	fprintf(stderr, "compute_ort: %s\n", api->GetErrorMessage(s));
	exit(1);
}


/* A tensor of the session's own type and shape, filled with a pattern */
static OrtValue *value_of(OrtTypeInfo *type, OrtAllocator *a)
{
	const OrtTensorTypeAndShapeInfo *info;
	ONNXTensorElementDataType element;
	int64_t dims[8];
	size_t rank, count, i;
	OrtValue *v;
	void *data;

	must(api->CastTypeInfoToTensorInfo(type, &info));
	must(api->GetTensorElementType(info, &element));
	must(api->GetDimensionsCount(info, &rank));
	must(api->GetDimensions(info, dims, rank));
	must(api->GetTensorShapeElementCount(info, &count));
	must(api->CreateTensorAsOrtValue(a, dims, rank, element, &v));
	must(api->GetTensorMutableData(v, &data));
	for (i = 0; i < count && element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; i++)
		((uint8_t *)data)[i] = (uint8_t)(i * 37 % 64);
	if (element == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
		memset(data, 0, count * sizeof(float));
	return v;
}

static void bind(struct net *n)
{
	OrtAllocator *a;
	OrtTypeInfo *type;
	char *name;

	must(api->GetAllocatorWithDefaultOptions(&a));
	must(api->CreateIoBinding(n->session, &n->binding));
	must(api->SessionGetInputTypeInfo(n->session, 0, &type));
	must(api->SessionGetInputName(n->session, 0, a, &name));
	must(api->BindInput(n->binding, name, value_of(type, a)));
	must(api->SessionGetOutputTypeInfo(n->session, 0, &type));
	must(api->SessionGetOutputName(n->session, 0, a, &name));
	must(api->BindOutput(n->binding, name, value_of(type, a)));
}

static void infer(void *arg)
{
	struct net *n = arg;

	must(api->RunWithBinding(n->session, NULL, n->binding));
}

int main(int argc, char **argv)
{
	OrtSessionOptions *options;
	struct net n;
	OrtEnv *env;

	if (argc != 2)
		return 2;
	api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
	must(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "bench", &env));
	must(api->CreateSessionOptions(&options));
	must(api->SetIntraOpNumThreads(options, 1));
	must(api->SetInterOpNumThreads(options, 1));
	must(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
	must(api->CreateSession(env, argv[1], options, &n.session));
	bind(&n);
	serve_rounds(infer, &n);
	return 0;
}
