// SPDX-License-Identifier: LGPL-2.1-or-later
// Outputs of TensorFlow Lite's reference kernels, for gen_nets; see README.
//
// Lines on standard input: MODEL INPUTS OUTPUTS, three files each. For each a
// line "ok", or what failed. The inputs are samples, one after the other.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>
#include <sys/wait.h>
#include <unistd.h>
#include "tensorflow/lite/interpreter.h"
#include "tensorflow/lite/interpreter_builder.h"
#include "tensorflow/lite/kernels/register_ref.h"
#include "tensorflow/lite/model.h"

static std::vector<char> read_file(const char *path)
{
	std::vector<char> data;
	char part[65536];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		return data;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		data.insert(data.end(), part, part + n);
	fclose(f);
	return data;
}

static bool run_samples(tflite::Interpreter &net, const std::vector<char> &in,
			FILE *out)
{
	size_t bytes = 0;

	for (int i : net.inputs())
		bytes += net.tensor(i)->bytes;
	for (size_t at = 0; at + bytes <= in.size();) {
		for (int i : net.inputs()) {
			TfLiteTensor *t = net.tensor(i);

			memcpy(t->data.raw, in.data() + at, t->bytes);
			at += t->bytes;
		}
		if (net.Invoke() != kTfLiteOk)
			return false;
		for (int i : net.outputs())
			fwrite(net.tensor(i)->data.raw, 1, net.tensor(i)->bytes, out);
	}
	return true;
}

static const char *run(const char *model, const char *inputs, const char *outputs)
{
	auto file = tflite::FlatBufferModel::VerifyAndBuildFromFile(model);
	tflite::ops::builtin::BuiltinRefOpResolver kernels;
	std::unique_ptr<tflite::Interpreter> net;
	bool good;
	FILE *f;

	if (!file)
		return "fail load";
	tflite::InterpreterBuilder build(*file, kernels);
	if (build(&net) != kTfLiteOk || net->AllocateTensors() != kTfLiteOk)
		return "fail prepare";
	f = fopen(outputs, "wb");
	if (!f)
		return "fail output";
	good = run_samples(*net, read_file(inputs), f);
	fclose(f);
	return good ? "ok" : "fail invoke";
}

int main()
{
	char model[512], inputs[512], outputs[512];

	// Each in a process of its own: some networks crash it.
	while (scanf("%511s %511s %511s", model, inputs, outputs) == 3) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid) {
			puts(run(model, inputs, outputs));
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (!WIFEXITED(status))
			puts("fail crash");
	}
	return 0;
}
