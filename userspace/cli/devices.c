// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload devices: what there is to run on. */
#include <aioffload.h>
#include <errno.h>
#include <limits.h>

#include "cli.h"

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "List the devices that may be used, their state and counters.",
};

/* The kernel's words for it, in power/runtime_status. */
static const char *pm_name(uint32_t pm)
{
	return pm == AIOFFLOAD_PM_SUSPENDED ? "suspended" : "active";
}

static struct json_object *device_json(const struct aioffload_device_info *d)
{
	struct json_object *o = json_object_new_object();

	json_u64(o, "id", d->id);
	json_str(o, "name", d->name);
	json_str(o, "class", aioffload_class_name(d->dev_class));
	json_str(o, "state", aioffload_state_name(d->state));
	json_str(o, "driver", d->driver);
	json_str(o, "description", d->desc);
	json_u64(o, "caps", d->caps);
	json_u64(o, "queue_depth", d->queue_depth);
	json_u64(o, "jobs_done", d->jobs_done);
	json_u64(o, "jobs_failed", d->jobs_failed);
	json_u64(o, "jobs_inflight", d->jobs_inflight);
	json_u64(o, "resets", d->resets);
	json_u64(o, "busy_ns", d->busy_ns);
	if (d->power_uw)
		json_u64(o, "power_uw", d->power_uw);
	if (d->temp_mc != INT32_MIN)
		json_object_object_add(o, "temperature_mc",
				       json_object_new_int(d->temp_mc));
	if (d->load_permille != UINT32_MAX)
		json_u64(o, "load_permille", d->load_permille);
	if (d->pm)
		json_str(o, "runtime_status", pm_name(d->pm));
	if (d->khz)
		json_u64(o, "frequency_khz", d->khz);
	if (d->speed_permille)
		json_u64(o, "speed_permille", d->speed_permille);
	if (d->limit_permille)
		json_u64(o, "limit_permille", d->limit_permille);
	return o;
}

static void device_print(const struct aioffload_device_info *d)
{
	char name[3 * AIOFFLOAD_NAME_LEN], driver[3 * AIOFFLOAD_NAME_LEN];
	char desc[3 * AIOFFLOAD_NAME_LEN], load[16] = "-";

	if (d->load_permille != UINT32_MAX)
		snprintf(load, sizeof(load), "%u.%u%%", d->load_permille / 10,
			 d->load_permille % 10);
	printf("%-12s %-8s %-7s %-15s %10llu %7llu %8u %7s  %s",
	       text_clean(d->name, name, sizeof(name)),
	       aioffload_class_name(d->dev_class),
	       aioffload_state_name(d->state),
	       text_clean(d->driver, driver, sizeof(driver)),
	       (unsigned long long)d->jobs_done,
	       (unsigned long long)d->jobs_failed, d->jobs_inflight, load,
	       text_clean(d->desc, desc, sizeof(desc)));
	if (d->resets)
		printf(", %u resets", d->resets);
	if (d->power_uw)
		printf(", %.2f W", (double)d->power_uw / 1e6);
	if (d->temp_mc != INT32_MIN)
		printf(", %.1f C", d->temp_mc / 1e3);
	if (d->khz)
		printf(", %u MHz", d->khz / 1000);
	if (d->limit_permille && d->limit_permille < 1000)
		printf(", throttled to %u.%u%%", d->limit_permille / 10,
		       d->limit_permille % 10);
	if (d->pm)
		printf(", %s", pm_name(d->pm));
	putchar('\n');
}

static int list(struct aioffload_ctx *ctx, struct json_object *array)
{
	struct aioffload_device_info dev;
	uint32_t from = 0, n = 0;
	int ret;

	while (!(ret = aioffload_get_device(ctx, from, &dev))) {
		if (array)
			json_object_array_add(array, device_json(&dev));
		else if (!n)
			printf("%-12s %-8s %-7s %-15s %10s %7s %8s %7s  %s\n",
			       "DEVICE", "CLASS", "STATE", "DRIVER", "DONE",
			       "FAILED", "INFLIGHT", "LOAD", "DESCRIPTION");
		if (!array)
			device_print(&dev);
		n++;
		if (dev.id < from || dev.id == UINT32_MAX)
			break;		/* a kernel that goes backwards */
		from = dev.id + 1;
	}
	if (ret && ret != -ENOENT)
		return cli_lib_error(ret);
	if (!n)		/* not a failure: the question was answered */
		cli_error(CLI_OK, "no device is registered. Try: sudo modprobe aioffload_cpu");
	return CLI_OK;
}

int cmd_devices(int argc, char **argv)
{
	struct json_object *top = NULL, *array = NULL;
	struct aioffload_ctx *ctx;
	bool json = false;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, &ctx);
	if (ret)
		return cli_lib_error(ret);
	if (json) {
		top = json_object_new_object();
		array = json_object_new_array();
		json_object_object_add(top, "devices", array);
	}
	ret = list(ctx, array);
	if (json && ret == CLI_OK)
		ret = json_print(top);
	else
		json_object_put(top);
	aioffload_close(ctx);
	return ret;
}
