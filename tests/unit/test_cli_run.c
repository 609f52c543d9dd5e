// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload run and bench against a kernel in this process (fakekernel.h). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aioffload.h>

#include "../../userspace/cli/cli.h"
#include "aim_builder.h"
#include "clitest.h"
#include "fakekernel.h"

#define SAMPLE	8	/* bytes of one sample of two.aim, in and out */

/* Two inputs of 3 and 5 bytes, two outputs of 5 and 3. */
static void put_two(void)
{
	static struct aim_builder b;
	struct aim_file f;
	u32 a, c, x, y;

	ab_init(&b);
	a = ab_tensor(&b, "a", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(3));
	c = ab_tensor(&b, "c", AIM_TYPE_S8, AIM_PLACE_INPUT, AB_DIMS(5));
	x = ab_tensor(&b, "x", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(5));
	y = ab_tensor(&b, "y", AIM_TYPE_S8, AIM_PLACE_OUTPUT, AB_DIMS(3));
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(c), x);
	ab_op(&b, AIM_OP_RESHAPE, AB_IN(a), y);
	assert_int_equal(ab_finish(&b, &f), 0);
	cli_put("two.aim", f.data, f.bytes);
	ab_release(&f);
}

/* Output byte i is input byte i of the same sample, XOR FAKE_KEY. */
static void put_input(unsigned int samples)
{
	unsigned char *in = malloc(SAMPLE * samples + 1);
	unsigned int i;

	for (i = 0; i < SAMPLE * samples; i++)
		in[i] = (unsigned char)(i * 7 + i / 251);
	cli_put("in.bin", in, SAMPLE * samples);
	free(in);
}

static void check_bytes(const unsigned char *out, size_t bytes,
			unsigned int samples)
{
	unsigned int i;

	assert_int_equal(bytes, SAMPLE * samples);
	for (i = 0; i < bytes; i++)
		assert_int_equal(out[i], (unsigned char)(i * 7 + i / 251) ^
				 FAKE_KEY);
}

static void check_output(const char *name, unsigned int samples)
{
	size_t bytes;
	unsigned char *out = cli_get(name, &bytes);

	assert_non_null(out);
	check_bytes(out, bytes, samples);
	free(out);
}

static int set_up(void **state)
{
	cli_set_up();
	fake_boot();
	put_two();
	return 0;
}

static int tear_down(void **state)
{
	fake_shutdown();
	cli_tear_down();
	return 0;
}

/* Every way of running gives the same bytes, in the same order. */
static void all_modes(void **state)
{
	static const char *const modes[] = {
		"", "--batch 3", "--batch 1000", "--repeat 4",
		"--mode queue", "--mode queue --depth 1",
		"--mode queue --depth 64 --batch 2 --repeat 3",
		"--device 0", "--device any", "-d aioffload0",
		"-d /dev/aioffload0", "--timeout 100",
	};
	static const unsigned int counts[] = { 1, 2, 10, 333 };
	size_t i, j;

	for (j = 0; j < 4; j++) {
		put_input(counts[j]);
		for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
			fake.reverse = i & 1;
			fake.max_samples = 1 + (i % 3) * 5;	/* chunks */
			assert_int_equal(cli_run("run two.aim -i in.bin -o out%zu.bin %s",
						 i, modes[i]), 0);
			assert_says(cli.out, "latency: min");
			assert_string_equal(cli.err, "");
		}
		for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
			char name[32];

			snprintf(name, sizeof(name), "out%zu.bin", i);
			check_output(name, counts[j]);
		}
	}
}

static void report_as_json(void **state)
{
	struct json_object *obj, *val, *lat;

	put_input(10);
	assert_int_equal(cli_run("run two.aim -i in.bin --json -m queue -D 4 -r 3 -b 2 --hint keep-warm"),
			 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "jobs", &val));
	assert_int_equal(json_object_get_int(val), 15);
	assert_true(json_object_object_get_ex(obj, "hint", &val));
	assert_string_equal(json_object_get_string(val), "keep-warm");
	assert_true(json_object_object_get_ex(obj, "samples", &val));
	assert_int_equal(json_object_get_int(val), 10);
	assert_true(json_object_object_get_ex(obj, "device", &val));
	assert_string_equal(json_object_get_string(val), "aioffload0");
	assert_true(json_object_object_get_ex(obj, "latency_ns", &lat));
	assert_true(json_object_object_get_ex(lat, "p99", &val));
	assert_true(json_object_get_int64(val) > 0);
	assert_true(json_object_object_get_ex(obj, "device_ns", &lat));
	assert_true(json_object_object_get_ex(lat, "median", &val));
	assert_int_equal(json_object_get_int64(val), 1000);
	json_object_put(obj);
}

static void streams(void **state)
{
	unsigned char in[SAMPLE * 100];
	unsigned int i;

	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + i / 251);
	fake.max_samples = 9;
	assert_int_equal(cli_run_stdin(in, sizeof(in), "run two.aim -i - -o -"),
			 0);
	check_bytes((unsigned char *)cli.out, cli.out_bytes, 100);
	assert_says(cli.err, "100 samples");

	assert_int_equal(cli_run_stdin(in, 0, "run two.aim -i - -o -"),
			 CLI_REFUSED);
	assert_says(cli.err, "is empty");
	assert_int_equal(cli_run_stdin(in, sizeof(in) - 1,
				       "run two.aim -i - -o out.bin"),
			 CLI_REFUSED);
	assert_says(cli.err, "99 samples and 7 bytes left over");
	assert_null(cli_get("out.bin", NULL));
}

static void wrong_inputs(void **state)
{
	int files;

	put_input(3);
	cli_puts("empty.bin", "");
	cli_puts("odd.bin", "0123456789");
	cli_puts("net.tflite", "\x1c__.TFL3........");
	cli_puts("out.bin", "what was there");
	files = cli_count_files();
	assert_int_equal(cli_run("run two.aim -i odd.bin -o out.bin"),
			 CLI_REFUSED);
	assert_says(cli.err, "has 8 bytes");
	assert_says(cli.err, "1 samples and 2 bytes left over");
	assert_int_equal(cli_run("run two.aim -i empty.bin -o out.bin"),
			 CLI_REFUSED);
	assert_int_equal(cli_run("run two.aim -i none.bin -o out.bin"),
			 CLI_FAILED);
	assert_int_equal(cli_run("run two.aim -i . -o out.bin"), CLI_REFUSED);
	assert_int_equal(cli_run("run none.aim -i in.bin"), CLI_FAILED);
	assert_int_equal(cli_run("run in.bin -i in.bin"), CLI_REFUSED);
	assert_int_equal(cli_run("run . -i in.bin"), CLI_REFUSED);
	/* the message gives the command, also without any device */
	fake.open_errno = ENOENT;
	assert_int_equal(cli_run("run net.tflite -i in.bin"), CLI_REFUSED);
	assert_says(cli.err, "aioffload model convert net.tflite");
	fake.open_errno = 0;
	assert_int_equal(cli_run("run two.aim -i in.bin -o no/dir/out.bin"),
			 CLI_FAILED);
	assert_int_equal(cli_count_files(), files);
}

static void output_whole_or_not(void **state)
{
	char *was;
	int files;

	put_input(50);
	cli_puts("out.bin", "what was there");
	files = cli_count_files();
	fake.job_errno = EIO;
	fake.job_errno_at = 30;
	assert_int_equal(cli_run("run two.aim -i in.bin -o out.bin"),
			 CLI_FAILED);
	assert_says(cli.err, "EIO");
	fake.job_errno = ETIME;
	assert_int_equal(cli_run("run two.aim -i in.bin -o out.bin -m queue"),
			 CLI_FAILED);
	assert_says(cli.err, "--timeout");
	fake.job_errno = ENODEV;
	assert_int_equal(cli_run("run two.aim -i in.bin -o out.bin -m queue -D 64"),
			 CLI_FAILED);
	assert_says(cli.err, "ENODEV");
	was = cli_get("out.bin", NULL);
	assert_string_equal(was, "what was there");
	free(was);
	assert_int_equal(cli_count_files(), files);	/* no temporary left */

	fake.job_errno = 0;
	assert_int_equal(cli_run("run two.aim -i in.bin -o in.bin"), 0);
	check_output("in.bin", 50);
}

static void output_targets(void **state)
{
	char path[128], link_path[128];
	struct stat st;

	put_input(5);
	assert_int_equal(cli_run("run two.aim -i in.bin -o /dev/null"), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(cli_run("run two.aim -i in.bin -o /dev/full"),
			 CLI_FAILED);
	assert_says(cli.err, "can't write /dev/full");
	/* a link stays a link */
	cli_puts("real.bin", "");
	snprintf(path, sizeof(path), "%s/real.bin", cli_dir);
	snprintf(link_path, sizeof(link_path), "%s/link.bin", cli_dir);
	assert_int_equal(symlink(path, link_path), 0);
	assert_int_equal(cli_run("run two.aim -i in.bin -o link.bin"), 0);
	check_output("real.bin", 5);
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	umask(077);
	assert_int_equal(cli_run("run two.aim -i in.bin -o new.bin"), 0);
	umask(022);
	snprintf(path, sizeof(path), "%s/new.bin", cli_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void no_kernel(void **state)
{
	static const struct {
		unsigned int nr;
		int err, status;
		const char *says;
	} cases[] = {
		{ _IOC_NR(AIOFFLOAD_IOC_BIND), EOPNOTSUPP, CLI_SETUP,
		  "modprobe aioffload_cpu" },
		{ _IOC_NR(AIOFFLOAD_IOC_BUF_CREATE), ENOMEM, CLI_FAILED,
		  "out of memory" },
		{ _IOC_NR(AIOFFLOAD_IOC_MODEL_LOAD), EOPNOTSUPP, CLI_REFUSED,
		  "EOPNOTSUPP" },
		{ _IOC_NR(AIOFFLOAD_IOC_QUEUE_CREATE), ENOSPC, CLI_FAILED,
		  "queue" },
		{ _IOC_NR(AIOFFLOAD_IOC_ENTER), ENODEV, CLI_FAILED, "ENODEV" },
	};
	size_t i;

	put_input(3);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.fail_nr = cases[i].nr;
		fake.fail_errno = cases[i].err;
		assert_int_equal(cli_run("run two.aim -i in.bin -m queue"),
				 cases[i].status);
		assert_says(cli.err, cases[i].says);
	}
	fake.fail_errno = 0;
	assert_int_equal(cli_run("run two.aim -i in.bin -d 42"), CLI_SETUP);
	assert_says(cli.err, "no device 42");
	fake.open_errno = EPERM;
	assert_int_equal(cli_run("run two.aim -i in.bin"), CLI_SETUP);
	assert_says(cli.err, "EPERM");
	fake.open_errno = EACCES;
	assert_int_equal(cli_run("bench"), CLI_SETUP);
}

/* A signal while waiting, and a full completion ring, are not failures. */
static void queue_goes_on(void **state)
{
	put_input(20);
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_ENTER);
	fake.fail_errno = EINTR;
	fake.fail_times = 5;
	assert_int_equal(cli_run("run two.aim -i in.bin -o out.bin -m queue"),
			 0);
	check_output("out.bin", 20);
	fake.fail_errno = EBUSY;
	fake.fail_times = 5;
	assert_int_equal(cli_run("run two.aim -i in.bin -o out.bin -m queue"),
			 0);
	check_output("out.bin", 20);
}

static void warns_of_null(void **state)
{
	put_input(3);
	fake.driver = "aioffload_null";
	assert_int_equal(cli_run("run two.aim -i in.bin"), 0);
	assert_says(cli.err, "computes nothing");
	assert_int_equal(cli_run("run two.aim -i in.bin -d 0"), 0);
	assert_string_equal(cli.err, "");
}

/* Killed in the middle: the old output stays, the temporary file does not. */
static void interrupted(void **state)
{
	char *argv[] = { "aioffload", "run", "two.aim", "-i", "-", "-o",
			 "out.bin", NULL };
	int fds[2], status, files, i;
	pid_t pid;

	cli_puts("out.bin", "old");
	files = cli_count_files();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		if (dup2(fds[0], 0) || chdir(cli_dir))
			_exit(99);
		_exit(cli_main(7, argv));
	}
	for (i = 0; i < 1000 && cli_count_files() == files; i++)
		usleep(10000);
	assert_int_equal(cli_count_files(), files + 1);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(cli_count_files(), files);
	close(fds[0]);
	close(fds[1]);
}

static void bench(void **state)
{
	static const char *const names[] = {
		"ioctl", "run", "queue-1", "queue-32", "nop-32", "model-run",
		"model-queue-32",
	};
	struct json_object *obj, *list, *val;
	size_t i;

	assert_int_equal(cli_run("bench -r 2 -t 1"), 0);
	assert_says(cli.out, "queue-32");
	assert_int_equal(cli_run("bench -r 3 -t 1 --json two.aim"), 0);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "cases", &list));
	assert_int_equal(json_object_array_length(list), 7);
	for (i = 0; i < 7; i++) {
		struct json_object *c = json_object_array_get_idx(list, i);

		assert_true(json_object_object_get_ex(c, "name", &val));
		assert_string_equal(json_object_get_string(val), names[i]);
		assert_true(json_object_object_get_ex(c, "best_ns", &val));
		assert_true(json_object_get_double(val) > 0);
	}
	json_object_put(obj);
	/* its own model, where only signed ones are admitted */
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_MODEL_LOAD);
	fake.fail_errno = EKEYREJECTED;
	assert_int_equal(cli_run("bench -r 2 -t 1"), CLI_REFUSED);
	assert_says(cli.err, "bench --key");
	fake.fail_errno = 0;
	assert_int_equal(cli_run("model keygen -t ec-p256"), 0);
	assert_int_equal(cli_run("bench -r 2 -t 1 --key aioffload.key"), 0);
	assert_int_equal(cli_run("bench -r 2 -t 1 --key absent.key"), CLI_FAILED);
	assert_int_equal(cli_run("bench -r 2 -t 1 --key aioffload.pem"), CLI_FAILED);
	fake.job_errno = EIO;
	assert_int_equal(cli_run("bench -r 2 -t 1"), CLI_FAILED);
	assert_says(cli.err, "bench run");
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(all_modes), test(report_as_json), test(streams),
		test(wrong_inputs), test(output_whole_or_not),
		test(output_targets), test(no_kernel), test(queue_goes_on),
		test(warns_of_null), test(interrupted), test(bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
