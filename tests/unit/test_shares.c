// SPDX-License-Identifier: LGPL-2.1-or-later
/* Shares of devices: words, library, commands, and aioffloadd's following. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <aioffload.h>

#include "../../userspace/cli/cli.h"
#include "../../userspace/common/common.h"
#include "../../userspace/daemon/daemon.h"
#include "clitest.h"
#include "fakekernel.h"
#include "fakesec.h"

#define MS	1000000ULL

static struct aioffload_ctx *ctx;
static char groups[128];	/* the module's file */

static int set_up(void **state)
{
	cli_set_up();
	fake_boot();
	fake_sec_boot();
	cli_puts("groups", "0\n");
	snprintf(groups, sizeof(groups), "%s/groups", cli_dir);
	return aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
}

static int tear_down(void **state)
{
	follow_stop();
	aioffload_close(ctx);
	fake_sec_shutdown();
	fake_shutdown();
	cli_tear_down();
	return 0;
}

/* ---- words, library ----------------------------------------------------- */

static void weights_as_words(void **state)
{
	static const char *const bad[] = {
		"", "0", "10001", "-1", "1.5", "100%", "x", " 5", "5 ", "none ",
		"18446744073709551716", "18446744073709551615", "0x10",
	};
	uint32_t weight = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(words_weight(bad[i], &weight), -EINVAL);
		assert_int_equal(weight, 7);
	}
	assert_int_equal(words_weight("1", &weight), 0);
	assert_int_equal(weight, 1);
	assert_int_equal(words_weight("10000", &weight), 0);
	assert_int_equal(weight, 10000);
	assert_int_equal(words_weight("None", &weight), 0);
	assert_int_equal(weight, 0);
}

static void library_weights(void **state)
{
	struct aioffload_weight w;
	int a, root;

	fake_cgroup("a");
	a = cgroup_open("a");
	root = cgroup_open("/");
	assert_int_equal(aioffload_weight_get(ctx, a, &w), 0);
	assert_int_equal(w.effective, 100);
	assert_int_equal(w.weight | w.cpu_weight, 0);
	assert_int_equal(aioffload_weight_set_cpu(ctx, a, 300), 0);
	assert_int_equal(aioffload_weight_get(ctx, a, &w), 0);
	assert_int_equal(w.effective, 300);
	assert_int_equal(aioffload_weight_set(ctx, a, 7), 0);
	assert_int_equal(aioffload_weight_get(ctx, a, &w), 0);
	assert_int_equal(w.effective, 7);
	assert_int_equal(w.cpu_weight, 300);
	assert_int_equal(aioffload_weight_set(ctx, a, 10001), -EINVAL);
	assert_says(aioffload_last_error(), "1 to 10000");
	assert_int_equal(aioffload_weight_set(ctx, root, 5), -EINVAL);
	assert_int_equal(aioffload_weight_get(ctx, -1, &w), 0);
	assert_int_equal(aioffload_weight_get(ctx, 0, &w), -EBADF);
	assert_says(aioffload_last_error(), "cgroup 2");
	fake_sec.denied = true;
	assert_int_equal(aioffload_weight_set(ctx, a, 5), -EPERM);
	assert_says(aioffload_last_error(), "can't set the weight");
	assert_int_equal(aioffload_weight_set_cpu(ctx, a, 5), -EPERM);
	close(a);
	close(root);
}

static void library_sched(void **state)
{
	struct aioffload_sched s;
	char path[64], tiny[3];

	assert_int_equal(aioffload_sched_get(ctx, 0, 0, &s, NULL, 0), -ENOENT);
	fake_cgroup("a/b");
	fake_share("a/b")->lag_ns = -5;
	assert_int_equal(aioffload_sched_get(ctx, 0, 0, &s, path, sizeof(path)), 0);
	assert_string_equal(path, "/a/b");
	assert_int_equal(s.lag_ns, -5);
	assert_int_equal(aioffload_sched_get(ctx, 0, 0, &s, tiny, sizeof(tiny)),
			 -ERANGE);
	assert_int_equal(aioffload_sched_get(ctx, 0, s.cgroup_id + 1, &s, NULL, 0),
			 -ENOENT);
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_SCHED);
	fake.fail_errno = ENODEV;
	assert_int_equal(aioffload_sched_get(ctx, 9, 0, &s, NULL, 0), -ENODEV);
	assert_says(aioffload_last_error(), "no device 9");
	fake.fail_errno = ENOTTY;
	assert_int_equal(aioffload_sched_get(ctx, 0, 0, &s, NULL, 0), -ENOTTY);
	assert_says(aioffload_last_error(), "too old");
	fake.fail_errno = 0;
}

/* ---- commands ----------------------------------------------------------- */

static void wrong_words(void **state)
{
	static const char *const wrong[] = {
		"limit a --weight 0", "limit a --weight 10001",
		"limit a --weight heavy", "limit --weight 5",
		"sched a", "sched --interval 0", "sched --interval x",
		"sched --device x", "sched --device", "sched --frob",
	};
	size_t i;

	fake_cgroup("a");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(cli_run("%s", wrong[i]), CLI_USAGE);
		assert_int_equal(cli.out_bytes, 0);
	}
	assert_int_equal(fake_sec.changes, 0);
}

static uint64_t json_number(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no '%s' in %s", key, json_object_to_json_string(o));
	return (uint64_t)json_object_get_int64(v);
}

static struct json_object *json_part(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		fail_msg("no '%s' in %s", key, json_object_to_json_string(o));
	return v;
}

static void weight_by_command(void **state)
{
	struct json_object *o;

	fake_cgroup("a");
	assert_int_equal(cli_run("usage a"), 0);
	assert_says(cli.out, "weight 100 (by default)");
	assert_int_equal(cli_run("limit a --weight 250 --jobs 3"), 0);
	assert_int_equal(fake_granted("/a")->weight, 250);
	assert_int_equal(fake_granted("/a")->res[AIOFFLOAD_RES_JOBS].limit, 3);
	assert_int_equal(cli_run("usage a"), 0);
	assert_says(cli.out, "weight 250 (set)");
	assert_int_equal(cli_run("limit a -w none"), 0);
	assert_int_equal(fake_granted("/a")->weight, 0);
	fake_granted("/a")->cpu_weight = 33;
	assert_int_equal(cli_run("usage a"), 0);
	assert_says(cli.out, "weight 33 (from cpu.weight)");
	assert_int_equal(cli_run("usage --json a"), 0);
	o = cli_json();
	assert_int_equal(json_number(json_part(o, "weight"), "effective"), 33);
	assert_int_equal(json_number(json_part(o, "weight"), "cpu_weight"), 33);
	json_object_put(o);
	assert_int_equal(cli_run("limit / --weight 5"), CLI_REFUSED);
	fake_sec.denied = true;
	assert_int_not_equal(cli_run("limit a --weight 5"), 0);
	/* a module that knows no weights still tells the rest */
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_WEIGHT);
	fake.fail_errno = ENOTTY;
	assert_int_equal(cli_run("usage a"), 0);
	assert_says(cli.out, "jobs");
	fake.fail_errno = 0;
}

/* The root, /p with 1 and 2 below it; what 1 and 2 had is also p's. */
static void share_out(void)
{
	struct aioffload_sched *root, *p, *one, *two;

	fake_cgroup("p/1");
	fake_cgroup("p/2");
	root = fake_share("/");
	p = fake_share("p");
	one = fake_share("p/1");
	two = fake_share("p/2");
	p->parent_id = fake_granted("/")->id;
	one->parent_id = fake_granted("/p")->id;
	two->parent_id = one->parent_id;
	root->total_ns = 1000 * MS;
	p->total_ns = root->total_ns;
	one->total_ns = root->total_ns;
	two->total_ns = root->total_ns;
	one->classes[AIOFFLOAD_QOS_NORMAL].served_ns = 250 * MS;
	one->classes[AIOFFLOAD_QOS_NORMAL].done = 25;
	one->classes[AIOFFLOAD_QOS_NORMAL].waiting = 4;
	one->classes[AIOFFLOAD_QOS_INTERACTIVE].served_ns = 50 * MS;
	one->classes[AIOFFLOAD_QOS_INTERACTIVE].missed = 2;
	one->classes[AIOFFLOAD_QOS_INTERACTIVE].late_max_ns = 9;
	one->lag_ns = -1500;
	two->classes[AIOFFLOAD_QOS_NORMAL].served_ns = 100 * MS;
	two->classes[AIOFFLOAD_QOS_NORMAL].done = 7;
	/* of a cgroup that was below it and has left */
	p->classes[AIOFFLOAD_QOS_NORMAL].served_ns = 100 * MS;
	fake_granted("/p/1")->weight = 300;
}

static struct json_object *json_group(struct json_object *dev, const char *path)
{
	struct json_object *list = json_part(dev, "groups"), *g;
	size_t i;

	for (i = 0; i < json_object_array_length(list); i++) {
		g = json_object_array_get_idx(list, i);
		if (!strcmp(json_object_get_string(json_part(g, "cgroup")), path))
			return g;
	}
	fail_msg("no %s in %s", path, json_object_to_json_string(dev));
	return NULL;
}

static void sched_as_json(void **state)
{
	struct json_object *o, *dev, *g;

	share_out();
	assert_int_equal(cli_run("sched --json"), 0);
	o = cli_json();
	dev = json_object_array_get_idx(json_part(o, "devices"), 0);
	assert_int_equal(json_number(dev, "total_ns"), 1000 * MS);
	g = json_group(dev, "/p");
	assert_int_equal(json_number(g, "served_ns"), 500 * MS);
	assert_int_equal(json_number(g, "done"), 32);
	assert_int_equal(json_number(g, "missed"), 2);
	assert_int_equal(json_number(g, "late_max_ns"), 9);
	assert_true(json_object_get_double(json_part(g, "share")) == 0.5);
	g = json_group(dev, "/p/1");
	assert_int_equal(json_number(g, "weight"), 300);
	assert_int_equal(json_number(g, "weight_set"), 300);
	assert_int_equal(json_object_get_int64(json_part(g, "lag_ns")), -1500);
	assert_int_equal(json_number(json_part(json_part(g, "classes"),
					       "interactive"), "served_ns"),
			 50 * MS);
	assert_int_equal(json_number(json_group(dev, "/"), "served_ns"),
			 500 * MS);
	json_object_put(o);
	/* in which nothing happens: nothing is told twice */
	assert_int_equal(cli_run("sched --json --interval 1 --device 0"), 0);
	o = cli_json();
	dev = json_object_array_get_idx(json_part(o, "devices"), 0);
	g = json_group(dev, "/p");
	assert_int_equal(json_number(g, "served_ns"), 0);
	assert_int_equal(json_number(g, "done"), 0);
	assert_int_equal(json_number(g, "waiting"), 4);
	json_object_put(o);
}

static void sched_as_table(void **state)
{
	char *root, *p, *one, *two;

	assert_int_equal(cli_run("sched"), 0);
	assert_says(cli.out, "nobody");
	share_out();
	fake_cgroup("p-q");
	fake_share("p-q");
	assert_int_equal(cli_run("sched"), 0);
	root = strstr(cli.out, "  /\n");
	p = strstr(cli.out, "  /p\n");
	one = strstr(cli.out, "  /p/1\n");
	two = strstr(cli.out, "  /p/2\n");
	assert_true(root && p && one && two);
	assert_true(root < p && p < one && one < two);
	assert_true(two < strstr(cli.out, "  /p-q\n"));
	assert_says(cli.out, "   300   -1.50 us  30.00%");
	assert_null(strstr(cli.out, "interactive"));
	assert_int_equal(cli_run("sched --classes"), 0);
	assert_says(cli.out, "(interactive)");
	assert_null(strstr(cli.out, "(background)"));
	assert_int_equal(cli_run("sched --device 7"), CLI_SETUP);
	assert_says(cli.err, "no device 7");
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_SCHED);
	fake.fail_errno = ENOTTY;
	assert_int_not_equal(cli_run("sched"), 0);
	assert_says(cli.err, "too old");
	fake.fail_errno = 0;
}

/* ---- following ---------------------------------------------------------- */

static void set_cpu(const char *cgroup, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/cpu.weight", fake_sec.root, cgroup);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool event_due(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && follow_events();
}

static void follows_cpu_weight(void **state)
{
	unsigned int before;
	int fd = follow_start(groups);

	assert_true(fd >= 0);
	fake_cgroup("p/1");
	fake_cgroup("other");
	set_cpu("p", "500\n");
	set_cpu("other", "700\n");
	fake_share("p");
	fake_share("p/1");
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 500);
	/* no controller, no file: nothing to be told */
	assert_int_equal(fake_granted("/p/1")->cpu_weight, 0);
	assert_null(fake_granted("/other"));
	assert_int_equal(follow_timeout(), -1);
	/* the same again is no change */
	before = fake_sec.changes;
	follow_round(ctx);
	assert_int_equal(fake_sec.changes, before);
	assert_false(event_due(fd));
	/* what is written, and what it says, counts */
	set_cpu("p", "30");
	assert_true(event_due(fd));
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 30);
	set_cpu("p", "0");
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 1);
	set_cpu("p", "nonsense");
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 0);
	/* cgroups that nobody shares a device with are none of our business */
	assert_true(event_due(fd));
	set_cpu("other", "8");
	assert_false(event_due(fd));
	/* one that comes is told by the module */
	fake_share("other");
	cli_puts("groups", "1\n");
	assert_true(event_due(fd));
	follow_round(ctx);
	assert_int_equal(fake_granted("/other")->cpu_weight, 8);
	assert_int_equal(log_errors, 0);
}

static void follows_no_longer(void **state)
{
	int fd = follow_start(groups);

	fake_cgroup("p");
	set_cpu("p", "500");
	fake_share("p");
	follow_round(ctx);
	/* it has left the devices */
	fake_granted("/p")->shares = false;
	follow_round(ctx);
	event_due(fd);
	set_cpu("p", "30");
	assert_false(event_due(fd));
	/* and is another one, of the same name: the number differs */
	fake_granted("/p")->shares = true;
	fake_granted("/p")->id++;
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 500);
	/* of the host the kernel takes care itself */
	fake_granted("/p")->id--;
	fake_granted("/p")->share.host = 1;
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 500);
}

/* Without events there is a look now and then; nothing is reported twice. */
static void follows_blindly(void **state)
{
	char *no_file = "/nonexistent/groups";
	int i;

	fake_cgroup("p");
	set_cpu("p", "500");
	fake_share("p");
	/* --once: nothing is to be followed later */
	follow_round(ctx);
	assert_int_equal(fake_granted("/p")->cpu_weight, 500);
	assert_int_equal(follow_timeout(), -1);
	log_open(TO_NOTHING);
	follow_start(no_file);
	for (i = 0; i < 3; i++) {
		follow_round(ctx);
		assert_true(follow_timeout() > 0);
	}
	/* the module comes, and with it the file */
	follow_start(groups);
	follow_round(ctx);
	assert_int_equal(follow_timeout(), -1);
	log_open(TO_STDERR);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(weights_as_words), test(library_weights),
		test(library_sched), test(wrong_words),
		test(weight_by_command), test(sched_as_json),
		test(sched_as_table), test(follows_cpu_weight),
		test(follows_no_longer), test(follows_blindly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
