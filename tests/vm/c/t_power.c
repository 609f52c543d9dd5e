// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices idle down and come up. */
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>

#include "vmtest.h"

#define MS	1000000ULL
#define S	1000000000ULL
#define RT_PERCENT	"/sys/module/aioffload/parameters/rt_percent"
#define PARAMS	"/sys/module/aioffload_null/parameters/"

/* A device with a slot and a queue. */
struct client {
	int id;
	struct bound b;
	struct queue q;
};

static void client_open(struct client *c, const char *settings)
{
	c->id = null_add(settings);
	bound_open(&c->b, open_ctx(c->id), 64, 4);
	queue_open(&c->q, c->b.ctx, 64, 0);
}

static struct aioffload_device_info info_of(const struct client *c)
{
	struct aioffload_device_info di;

	MUST(device_info(c->b.ctx, c->id, &di));
	return di;
}

/* ---- files of a device in sysfs ---- */

static const char *file_of(const struct client *c, const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/%s",
		 c->id, name);
	return path;
}

/* The word in a file, or "" if it can't be read: errno then says why. */
static const char *word_in(const char *path)
{
	static char word[64];
	FILE *f = fopen(path, "re");

	*word = '\0';
	if (!f)
		return word;
	errno = 0;
	if (fscanf(f, "%63s", word) != 1)
		*word = '\0';
	fclose(f);
	return word;
}

static void set_file(const struct client *c, const char *name, const char *text)
{
	int err = write_text(file_of(c, name), text);

	if (err)
		FAIL("%s: %s", file_of(c, name), strerror(-err));
}

/* How soon it idles down, in ms; "-1": never. */
static void idle_after(const struct client *c, const char *ms)
{
	set_file(c, "power/autosuspend_delay_ms", ms);
}

static bool becomes(const struct client *c, const char *file, const char *word)
{
	for (int i = 0; i < 1000; i++) {
		if (!strcmp(word_in(file_of(c, file)), word))
			return true;
		sleep_ms(10);
	}
	return false;
}

static void expect_becomes(const struct client *c, const char *file,
			   const char *word)
{
	if (!becomes(c, file, word))
		FAIL("%s is %s, expected %s", file, word_in(file_of(c, file)), word);
}

static void expect_down(const struct client *c)
{
	expect_becomes(c, "power/runtime_status", "suspended");
	EXPECT_EQ(info_of(c).pm, AIOFFLOAD_PM_SUSPENDED);
	EXPECT_EQ(info_of(c).state, AIOFFLOAD_STATE_READY);
}

static void expect_one(struct client *c, int status)
{
	EXPECT_EQ(queue_one(&c->q, c->b.slot).status, status);
}

/* ---- runtime PM ---- */

TEST(idles_down_and_comes_up)
{
	struct client c;

	client_open(&c, "idle_down=1 latency_ns=100000 power_idle_uw=5000"
			" power_down_uw=70");
	EXPECT(!strcmp(word_in(file_of(&c, "power/control")), "auto"));
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	EXPECT_EQ(info_of(&c).power_uw, 5000);
	idle_after(&c, "30");
	expect_down(&c);
	/* Looking at it wakes nothing. */
	EXPECT_EQ(read_long(file_of(&c, "power_uw")), 70);
	EXPECT_EQ(info_of(&c).power_uw, 70);
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_SUSPENDED);
	expect_one(&c, 0);
	expect_down(&c);
	/* RUN as well, and BIND, which prepares a model. */
	MUST(run_slot(c.b.ctx, c.b.slot, 0, 4, 0));
	expect_down(&c);
	MUST(bound_again(&c.b));
	set_file(&c, "power/control", "on");
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	EXPECT_EQ(info_of(&c).power_uw, 5000);
	sleep_ms(200);
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	set_file(&c, "power/control", "auto");
	expect_down(&c);
	EXPECT_EQ(info_of(&c).jobs_done, 2);
	EXPECT_EQ(info_of(&c).jobs_failed, 0);
}

TEST(one_that_is_never_used_idles_down)
{
	struct client c = { .id = null_add("idle_down=1") };

	idle_after(&c, "20");
	expect_becomes(&c, "power/runtime_status", "suspended");
}

TEST(without_the_ops_it_stays_up)
{
	struct client c;

	client_open(&c, "");
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ALWAYS_ON);
	EXPECT(!strcmp(word_in(file_of(&c, "power/runtime_status")),
		       "unsupported"));
}

/* As many as the rings take, more than fit at the device, with it down. */
TEST(jobs_that_come_while_it_is_down_all_end)
{
	struct aioffload_cqe cqe;
	struct client c;

	client_open(&c, "idle_down=1 latency_ns=50000 queue_depth=4"
			" wake_ns=30000000");
	idle_after(&c, "0");
	for (int round = 0; round < 5; round++) {
		expect_down(&c);
		for (int i = 0; i < 64; i++)
			queue_run(&c.q, c.b.slot, i % 4, 1, i, 20 * S);
		EXPECT_EQ(queue_enter(&c.q, 64, 64, 20 * S), 64);
		for (int i = 0; i < 64; i++) {
			EXPECT(queue_reap(&c.q, &cqe));
			EXPECT_EQ(cqe.status, 0);
		}
	}
	EXPECT_EQ(info_of(&c).jobs_done, 5 * 64);
	/* A budget counts while it wakes up. */
	null_set(c.id, "wake_ns=500000000");
	expect_down(&c);
	queue_run(&c.q, c.b.slot, 0, 1, 1, 50 * MS);
	EXPECT_EQ(queue_enter(&c.q, 1, 1, 10 * S), 1);
	EXPECT_EQ(queue_reap_one(&c.q).status, -ETIME);
	expect_one(&c, 0);
}

static void *runs(void *arg)
{
	struct client *c = arg;

	for (int i = 0; i < 300; i++) {
		MUST(run_slot(c->b.ctx, c->b.slot, 0, 1, 20 * S));
		if (i % 3)
			continue;
		sleep_ms(i % 11);
	}
	return NULL;
}

/* It idles down whenever it can, as often as can be, under everybody's feet. */
TEST_SECONDS(down_and_up_under_load, 60)
{
	struct client c, other;
	pthread_t t[3];

	client_open(&c, "idle_down=1 latency_ns=20000");
	idle_after(&c, "0");
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(pthread_create(&t[i], NULL, runs, &c), 0);
	for (int i = 0; i < 20; i++) {
		other = c;
		bound_open(&other.b, open_ctx(c.id), 64, 4);
		MUST(run_slot(other.b.ctx, other.b.slot, 0, 1, 20 * S));
		bound_close(&other.b);
		close(other.b.ctx);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(info_of(&c).jobs_done, 3 * 300 + 20);
	EXPECT_EQ(info_of(&c).jobs_failed, 0);
	expect_down(&c);
}

TEST(a_job_that_never_ends_keeps_it_up_until_it_is_reset)
{
	struct client c;

	client_open(&c, "idle_down=1 latency_ns=1000 stall_every=2"
			" ignore_cancel=1");
	idle_after(&c, "0");
	write_text("/sys/module/aioffload/parameters/cancel_grace_ms", "50");
	expect_one(&c, 0);
	queue_run(&c.q, c.b.slot, 0, 1, 1, 300 * MS);
	EXPECT_EQ(queue_enter(&c.q, 1, 0, 0), 1);
	sleep_ms(150);
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	EXPECT_EQ(queue_enter(&c.q, 0, 1, 10 * S), 0);
	EXPECT_EQ(queue_reap_one(&c.q).status, -ETIME);
	write_text("/sys/module/aioffload/parameters/cancel_grace_ms", "1000");
	EXPECT_EQ(info_of(&c).resets, 1);
	expect_down(&c);
	expect_one(&c, 0);
}

TEST(what_cannot_idle_down_stays_up)
{
	struct client c;

	client_open(&c, "idle_down=1 suspend_fails=1 latency_ns=1000");
	idle_after(&c, "20");
	sleep_ms(200);
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	expect_one(&c, 0);
	null_set(c.id, "suspend_fails=0");
	expect_down(&c);
}

TEST(what_cannot_come_up_is_out_of_use)
{
	struct client c;

	client_open(&c, "idle_down=1 resume_fails=1 latency_ns=1000");
	idle_after(&c, "20");
	expect_becomes(&c, "power/runtime_status", "suspended");
	for (int i = 0; i < 8; i++)
		queue_run(&c.q, c.b.slot, 0, 1, i, 20 * S);
	EXPECT_EQ(queue_enter(&c.q, 8, 8, 20 * S), 8);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(queue_reap_one(&c.q).status, -EIO);
	EXPECT_EQ(info_of(&c).state, AIOFFLOAD_STATE_FAILED);
	expect_one(&c, -EIO);
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), EIO);
	/* It does not get better by asking. */
	null_set(c.id, "resume_fails=0");
	EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), EIO);
}

TEST(bind_to_what_cannot_come_up)
{
	struct client c = { .id = null_add("idle_down=1 resume_fails=1") };
	struct aioffload_bind_io ios[2] = { };
	struct model_bytes m;
	int ctx = open_ctx(c.id), model, buf;

	make_lut(&m, 64);
	model = MUST(model_load(ctx, m.data, m.bytes, NULL, 0));
	buf = MUST(buf_create(ctx, 4096));
	ios[0] = (struct aioffload_bind_io){ .buf_fd = buf };
	ios[1] = (struct aioffload_bind_io){ .buf_fd = buf, .offset = 64 };
	idle_after(&c, "0");
	expect_becomes(&c, "power/runtime_status", "suspended");
	EXPECT_ERRNO(bind_slot(ctx, model, ios, 2, 1, 0), EIO);
}

/* Another device of the binding takes the jobs of one that does not come up. */
TEST(jobs_of_what_cannot_come_up_go_elsewhere)
{
	struct client c;
	struct aioffload_cqe cqe;
	struct queue q;
	struct bound b;

	client_open(&c, "idle_down=1 resume_fails=1 latency_ns=1000");
	idle_after(&c, "-1");
	null_add("latency_ns=50000000");
	bound_open(&b, open_ctx(-1), 64, 4);
	queue_open(&q, b.ctx, 64, 0);
	idle_after(&c, "20");
	expect_becomes(&c, "power/runtime_status", "suspended");
	for (int i = 0; i < 6; i++)
		queue_run(&q, b.slot, 0, 1, i, 20 * S);
	EXPECT_EQ(queue_enter(&q, 6, 6, 20 * S), 6);
	for (int i = 0; i < 6; i++) {
		EXPECT(queue_reap(&q, &cqe));
		EXPECT_EQ(cqe.status, 0);
	}
	/* It is down for good; a new model is bound without it. */
	bound_open(&b, open_ctx(-1), 64, 4);
	MUST(run_slot(b.ctx, b.slot, 0, 4, 0));
}

/* A device that leaves while it is down, and while it comes up. */
TEST(leaves_in_any_state)
{
	struct client c;

	for (int i = 0; i < 4; i++) {
		client_open(&c, "idle_down=1 wake_ns=1000000000 latency_ns=1000");
		idle_after(&c, "0");
		expect_down(&c);
		if (i) {
			queue_run(&c.q, c.b.slot, 0, 1, 1, 20 * S);
			EXPECT_EQ(queue_enter(&c.q, 1, 0, 0), 1);
			sleep_ms(10 * (i - 1));
		}
		null_remove(c.id);
		if (i) {
			EXPECT_EQ(queue_enter(&c.q, 0, 1, 10 * S), 0);
			EXPECT_EQ(queue_reap_one(&c.q).status, -ENODEV);
		}
		EXPECT_ERRNO(run_slot(c.b.ctx, c.b.slot, 0, 1, 0), ENODEV);
		queue_close(&c.q);
		bound_close(&c.b);
		close(c.b.ctx);
	}
}

TEST(modules_go_while_devices_are_down)
{
	struct client c = { .id = null_add("idle_down=1 wake_ns=1000000") };

	idle_after(&c, "0");
	expect_becomes(&c, "power/runtime_status", "suspended");
	if (run_command("rmmod aioffload_null"))
		SKIP("can't unload aioffload_null");
	modules_load();
}

/* ---- hwmon ---- */

/* A file of its hwmon device; NULL: there is none. */
static const char *hwmon_of(const struct client *c, const char *name)
{
	static char path[256];
	glob_t found;

	snprintf(path, sizeof(path), "/sys/class/aioffload/aioffload%d/hwmon*/%s",
		 c->id, name);
	if (glob(path, 0, NULL, &found))
		return NULL;
	EXPECT_EQ(found.gl_pathc, 1);
	snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

static void expect_no_data(const char *path)
{
	EXPECT(path);
	EXPECT(!*word_in(path));
	EXPECT_EQ(errno, ENODATA);
}

TEST(hwmon_tells_power)
{
	char label[32];
	struct client c;

	client_open(&c, "idle_down=1 power_idle_uw=1500 power_busy_uw=9000"
			" power_down_uw=7 latency_ns=500000000");
	idle_after(&c, "-1");
	EXPECT(hwmon_of(&c, "name"));
	EXPECT(!strcmp(word_in(hwmon_of(&c, "name")), "aioffload"));
	snprintf(label, sizeof(label), "aioffload%d", c.id);
	EXPECT(!strcmp(word_in(hwmon_of(&c, "power1_label")), label));
	EXPECT_EQ(read_long(hwmon_of(&c, "power1_input")), 1500);
	expect_no_data(hwmon_of(&c, "temp1_input"));
	queue_run(&c.q, c.b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&c.q, 1, 0, 0), 1);
	EXPECT_EQ(read_long(hwmon_of(&c, "power1_input")), 9000);
	EXPECT_EQ(queue_enter(&c.q, 0, 1, 10 * S), 0);
	EXPECT_EQ(queue_reap_one(&c.q).status, 0);
	idle_after(&c, "0");
	expect_down(&c);
	EXPECT_EQ(read_long(hwmon_of(&c, "power1_input")), 7);
	null_remove(c.id);
	EXPECT(!hwmon_of(&c, "name"));
}

TEST(hwmon_of_a_device_that_does_not_know)
{
	struct client c = { .id = null_add("") };

	expect_no_data(hwmon_of(&c, "power1_input"));
	expect_no_data(hwmon_of(&c, "temp1_input"));
}

static void may_not_see_it(void *arg)
{
	const struct client *c = arg;

	cg_become("a");
	EXPECT(!strcmp(word_in(hwmon_of(c, "name")), "aioffload"));
	EXPECT(!*word_in(hwmon_of(c, "power1_input")));
	EXPECT_EQ(errno, ENODEV);
	EXPECT(!*word_in(hwmon_of(c, "temp1_input")));
	EXPECT_EQ(errno, ENODEV);
}

/* As its files in sysfs. */
TEST(hwmon_is_for_those_who_see_the_device)
{
	struct client c = { .id = null_add("power_idle_uw=1500") };
	int other = null_add("");

	MUST(grant_devices(open_ctx(-1), cg_make("a"), AIOFFLOAD_RIGHT_EXEC,
			   only_device(other)));
	reap(spawn(may_not_see_it, &c));
	EXPECT_EQ(read_long(hwmon_of(&c, "power1_input")), 1500);
}

/* ---- operating points ---- */

#define POINTS	"points=5 power_idle_uw=100000 power_busy_uw=1100000"

static long devfreq_of(const struct client *c, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/class/devfreq/aioffload%d/%s", c->id,
		 name);
	return read_long(path);
}

static int set_devfreq(const struct client *c, const char *name, const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/class/devfreq/aioffload%d/%s", c->id,
		 name);
	return write_text(path, text);
}

static const char *governor_of(const struct client *c)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/class/devfreq/aioffload%d/governor",
		 c->id);
	return word_in(path);
}

static void expect_speed(const struct client *c, unsigned int permille)
{
	char word[16];

	snprintf(word, sizeof(word), "%u", permille);
	expect_becomes(c, "speed_permille", word);
}

static void send_jobs(struct client *c, int n)
{
	for (int i = 0; i < n; i++)
		queue_run(&c->q, c->b.slot, 0, 1, i, 20 * S);
	EXPECT_EQ(queue_enter(&c->q, n, 0, 0), n);
}

static void reap_jobs(struct client *c, int n)
{
	EXPECT_EQ(queue_enter(&c->q, 0, n, 20 * S), 0);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(queue_reap_one(&c->q).status, 0);
}

TEST(speed_follows_load)
{
	struct client c;

	client_open(&c, POINTS " latency_ns=20000000");
	if (devfreq_of(&c, "cur_freq") < 0)
		SKIP("this kernel has no devfreq");
	EXPECT(!strcmp(governor_of(&c), "aioffload"));
	EXPECT_EQ(devfreq_of(&c, "max_freq"), 1000000000);
	EXPECT_EQ(devfreq_of(&c, "min_freq"), 200000000);
	/* Nothing to do: as slow as it goes. */
	expect_speed(&c, 200);
	EXPECT_EQ(info_of(&c).khz, 200000);
	EXPECT_EQ(info_of(&c).limit_permille, 1000);
	EXPECT_EQ(devfreq_of(&c, "cur_freq"), 200000000);
	send_jobs(&c, 40);
	expect_speed(&c, 1000);
	EXPECT_EQ(devfreq_of(&c, "cur_freq"), 1000000000);
	EXPECT_EQ(info_of(&c).khz, 1000000);
	reap_jobs(&c, 40);
	expect_speed(&c, 200);
	/* An administrator's limits, and another governor's choice. */
	EXPECT_EQ(set_devfreq(&c, "min_freq", "600000000"), 0);
	expect_speed(&c, 600);
	EXPECT_EQ(set_devfreq(&c, "max_freq", "800000000"), 0);
	send_jobs(&c, 20);
	expect_speed(&c, 800);
	reap_jobs(&c, 20);
	expect_speed(&c, 600);
	EXPECT_EQ(set_devfreq(&c, "min_freq", "0"), 0);
	expect_speed(&c, 200);
}

/* What it took is what it does at its speed, and power goes by that as well. */
TEST(jobs_and_power_follow_the_speed)
{
	struct aioffload_cqe cqe;
	struct client c;

	client_open(&c, POINTS " latency_ns=50000000");
	if (set_devfreq(&c, "polling_interval", "0"))
		SKIP("this kernel has no devfreq");
	/* Full speed, or 200: what the governor has seen so far. */
	EXPECT_EQ(set_devfreq(&c, "max_freq", "400000000"), 0);
	EXPECT_EQ(set_devfreq(&c, "min_freq", "400000000"), 0);
	expect_speed(&c, 400);
	queue_run(&c.q, c.b.slot, 0, 1, 1, 0);
	EXPECT_EQ(queue_enter(&c.q, 1, 0, 0), 1);
	/* 0.1 W and 1 W times 0.4 to the third */
	EXPECT_EQ(info_of(&c).power_uw, 164000);
	EXPECT_EQ(queue_enter(&c.q, 0, 1, 10 * S), 0);
	cqe = queue_reap_one(&c.q);
	EXPECT(cqe.duration_ns >= 125 * MS);
	EXPECT_EQ(set_devfreq(&c, "max_freq", "1000000000"), 0);
	EXPECT_EQ(set_devfreq(&c, "min_freq", "1000000000"), 0);
	expect_speed(&c, 1000);
	cqe = queue_one(&c.q, c.b.slot);
	EXPECT(cqe.duration_ns >= 50 * MS && cqe.duration_ns < 125 * MS * slower());
}

/* Idling down keeps the point, and nothing looks at it meanwhile. */
TEST(points_of_one_that_idles_down)
{
	struct client c;

	client_open(&c, POINTS " idle_down=1 latency_ns=1000000");
	idle_after(&c, "20");
	expect_down(&c);
	if (!set_devfreq(&c, "max_freq", "600000000"))
		EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_SUSPENDED);
	for (int i = 0; i < 10; i++) {
		send_jobs(&c, 10);
		reap_jobs(&c, 10);
		expect_down(&c);
	}
	EXPECT(info_of(&c).speed_permille <= 1000);
	EXPECT_EQ(info_of(&c).jobs_failed, 0);
	null_set(c.id, "point_fails=1");
	send_jobs(&c, 10);
	reap_jobs(&c, 10);
	expect_down(&c);
}

/* ---- heat ---- */

/* The cooling device of a device: its cur_state, or NULL. */
static const char *cooling_of(const struct client *c)
{
	static char path[256];
	char want[32];
	glob_t found;

	*path = '\0';
	snprintf(want, sizeof(want), "aioffload%d", c->id);
	if (glob("/sys/class/thermal/cooling_device*/type", 0, NULL, &found))
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!strcmp(word_in(found.gl_pathv[i]), want))
			snprintf(path, sizeof(path), "%.*scur_state",
				 (int)strlen(found.gl_pathv[i]) - 4,
				 found.gl_pathv[i]);
	globfree(&found);
	return *path ? path : NULL;
}

TEST(a_cooling_device_caps_the_speed)
{
	struct client c, same;
	const char *state;

	client_open(&c, POINTS " latency_ns=20000000");
	state = cooling_of(&c);
	if (!state)
		SKIP("this kernel has no cooling devices");
	EXPECT_EQ(read_long(state), 0);
	send_jobs(&c, 60);
	expect_speed(&c, 1000);
	EXPECT_EQ(write_text(state, "3"), 0);
	EXPECT_EQ(read_long(state), 3);
	EXPECT_EQ(info_of(&c).limit_permille, 400);
	EXPECT_EQ(info_of(&c).speed_permille, 400);
	EXPECT_EQ(write_text(state, "4"), 0);
	EXPECT_EQ(info_of(&c).speed_permille, 200);
	EXPECT_EQ(write_text(state, "5"), -EINVAL);
	EXPECT_EQ(write_text(state, "-1"), -EINVAL);
	EXPECT_EQ(read_long(state), 4);
	EXPECT_EQ(write_text(state, "0"), 0);
	EXPECT_EQ(info_of(&c).limit_permille, 1000);
	expect_speed(&c, 1000);
	reap_jobs(&c, 60);
	/* It goes with its device. */
	null_remove(c.id);
	EXPECT(!cooling_of(&c));
	same.id = null_add("");
	EXPECT(!cooling_of(&same));
}

TEST(one_that_gets_too_hot_slows_itself_down)
{
	struct client c;

	/*
	 * It heads for 171 degrees at 1.1 W and for 65 at 0.3 W, a fifth of the
	 * speed: it stays slow as long as it is busy, and is cool when it isn't.
	 */
	client_open(&c, POINTS " power_exp=1 latency_ns=5000000"
			" heat_mc_per_w=133000 heat_ms=50 trip_mc=60000");
	EXPECT(read_long(hwmon_of(&c, "temp1_input")) >= 25000);
	EXPECT(info_of(&c).temp_mc >= 25000 && info_of(&c).temp_mc < 60000);
	send_jobs(&c, 30);
	expect_becomes(&c, "limit_permille", "200");
	EXPECT_EQ(info_of(&c).speed_permille, 200);
	reap_jobs(&c, 30);
	expect_becomes(&c, "limit_permille", "1000");
	EXPECT(info_of(&c).temp_mc < 60000);
}

/* ---- promises ---- */

/* A fifth of the device: it is up at once, and no slower than that needs. */
TEST(what_was_promised_keeps_it_up_and_fast)
{
	const char *state;
	struct queue q, more;
	struct client c;

	client_open(&c, POINTS " idle_down=1 latency_ns=1000000");
	idle_after(&c, "20");
	expect_down(&c);
	MUST(queue_create_qos(c.b.ctx, &q, 8, AIOFFLOAD_QOS_REALTIME, 20 * MS,
			      100 * MS));
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	EXPECT(info_of(&c).speed_permille >= 400);
	/* Neither idleness nor an administrator make it slower, or idle down. */
	set_devfreq(&c, "max_freq", "200000000");
	sleep_ms(300);
	EXPECT(info_of(&c).speed_permille >= 400);
	EXPECT_EQ(info_of(&c).pm, AIOFFLOAD_PM_ACTIVE);
	queue_map(&q);
	EXPECT_EQ(queue_one(&q, c.b.slot).status, 0);
	set_devfreq(&c, "max_freq", "1000000000");
	/* Heat does: 80 % of a fifth may be promised then, 20 % were of it all. */
	state = cooling_of(&c);
	if (state) {
		EXPECT_EQ(write_text(state, "4"), 0);
		EXPECT_EQ(info_of(&c).speed_permille, 200);
		EXPECT_EQ(read_long(file_of(&c, "realtime_short_ppm")), 40000);
		EXPECT_ERRNO(queue_create_qos(c.b.ctx, &more, 8,
					      AIOFFLOAD_QOS_REALTIME, MS,
					      100 * MS), EBUSY);
		state = cooling_of(&c);
		EXPECT_EQ(write_text(state, "0"), 0);
		EXPECT_EQ(read_long(file_of(&c, "realtime_short_ppm")), 0);
		EXPECT(info_of(&c).speed_permille >= 400);
		MUST(queue_create_qos(c.b.ctx, &more, 8, AIOFFLOAD_QOS_REALTIME,
				      MS, 100 * MS));
		close(more.fd);
	}
	queue_close(&q);
	expect_down(&c);
}

/* ---- the host's CPUs ---- */

/* What CPUs may take to wake up, in us. */
static int cpu_latency(void)
{
	int fd = open("/dev/cpu_dma_latency", O_RDONLY), us = -1;

	if (fd < 0)
		SKIP("no /dev/cpu_dma_latency");
	EXPECT_EQ(read(fd, &us, sizeof(us)), sizeof(us));
	close(fd);
	return us;
}

static void expect_latency(int us)
{
	for (int i = 0; i < 500 && cpu_latency() != us; i++)
		sleep_ms(10);
	EXPECT_EQ(cpu_latency(), us);
}

/* Realtime on the CPU device: the one with the least slack says how deep. */
TEST(cpus_sleep_lightly_while_there_is_realtime)
{
	int cpu = find_device("aioffload_cpu"), ctx, before;
	struct queue q[3];

	if (cpu < 0)
		SKIP("no aioffload_cpu");
	before = cpu_latency();
	ctx = open_ctx(cpu);
	MUST(queue_create_qos(ctx, &q[0], 8, AIOFFLOAD_QOS_REALTIME, MS, 11 * MS));
	expect_latency(1000);
	MUST(queue_create_qos(ctx, &q[1], 8, AIOFFLOAD_QOS_REALTIME, MS, 2 * MS));
	expect_latency(100);
	/* One that is refused asks for nothing. */
	EXPECT_EQ(write_text(RT_PERCENT, "1"), 0);
	EXPECT_ERRNO(queue_create_qos(ctx, &q[2], 8, AIOFFLOAD_QOS_REALTIME,
				      MS / 2, MS), EBUSY);
	EXPECT_EQ(write_text(RT_PERCENT, "80"), 0);
	expect_latency(100);
	close(q[1].fd);
	expect_latency(1000);
	close(q[0].fd);
	expect_latency(before);
	/* Of another device it is no matter. */
	ctx = open_null("");
	MUST(queue_create_qos(ctx, &q[0], 8, AIOFFLOAD_QOS_REALTIME, MS, 2 * MS));
	EXPECT_EQ(cpu_latency(), before);
}

/* 1.5 W for each job, see ../kmod/energy.c. Without a model nothing is said. */
TEST(the_cpus_power_is_the_energy_models)
{
	const char *saying = "dmesg | tail -n 40 | grep -q 'aioffload_cpu: 3000 mW by the energy model'";
	char cmd[300];

	if (find_device("aioffload_cpu") < 0 || run_command("rmmod aioffload_cpu"))
		SKIP("can't unload aioffload_cpu");
	EXPECT_EQ(module_load("aioffload_cpu", "workers=2"), 0);
	EXPECT(run_command(saying));
	EXPECT_EQ(run_command("rmmod aioffload_cpu"), 0);
	snprintf(cmd, sizeof(cmd), "insmod %s/energy.ko", getenv("VMTEST_KMOD"));
	if (run_command(cmd))
		SKIP("this kernel has no energy model");
	EXPECT_EQ(module_load("aioffload_cpu", "workers=2"), 0);
	EXPECT_EQ(run_command(saying), 0);
	EXPECT_EQ(run_command("rmmod aioffload_cpu"), 0);
	modules_load();
}

TEST(bad_settings_are_refused)
{
	static const struct {
		const char *text;
		int err;
	} bad[] = {
		{ "idle_down=2", -ERANGE },
		{ "wake_ns=10000000001", -ERANGE },
		{ "suspend_fails=2", -ERANGE },
		{ "resume_fails=x", -EINVAL },
		{ "power_down_uw=1000000001", -ERANGE },
		{ "points=17", -ERANGE },
		{ "power_exp=4", -ERANGE },
		{ "point_fails=2", -ERANGE },
		/* it begins at full speed, and can't */
		{ "points=2 point_fails=1", -EIO },
		{ "heat_ms=0", -ERANGE },
		{ "heat_mc_per_w=1000001", -ERANGE },
		{ "trip_mc=200001", -ERANGE },
		/* nothing would keep it up for a job in run() */
		{ "idle_down=1 sync_run=1", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int err = write_text(PARAMS "add", bad[i].text);

		if (err != bad[i].err)
			FAIL("%s: %d, expected %d", bad[i].text, err, bad[i].err);
	}
}
