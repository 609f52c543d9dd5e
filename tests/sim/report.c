// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a run says in the end: for people, as JSON, and a row for each sample. */
#include <inttypes.h>

#include "sim.h"

static double seconds(u64 ns)
{
	return (double)ns / 1e9;
}

static u64 span(const struct world *w)
{
	u64 end = w->end < w->now ? w->end : w->now;

	return end > w->warm ? end - w->warm : 1;
}

static u64 queue_sum(const struct qspec *sp, size_t member)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < sp->count; i++)
		sum += *(const u64 *)((const char *)&sp->queues[i] + member);
	return sum;
}

#define SUM(sp, field) queue_sum(sp, offsetof(struct queue, field))

static u64 queue_gap(const struct qspec *sp)
{
	u64 max = 0;
	u32 i;

	for (i = 0; i < sp->count; i++)
		if (sp->queues[i].max_gap > max)
			max = sp->queues[i].max_gap;
	return max;
}

static u32 queue_refused(const struct qspec *sp)
{
	u32 n = 0, i;

	for (i = 0; i < sp->count; i++)
		n += sp->queues[i].refused;
	return n;
}

static u64 idle_with_work(const struct world *w)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < w->n_devices; i++)
		sum += w->devices[i]->idle_with_work;
	return sum;
}

static u64 preempted(const struct world *w)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < w->n_devices; i++)
		sum += w->devices[i]->preempted;
	return sum;
}

static double utilisation(const struct world *w)
{
	double busy = 0, room = 0;
	u32 i;

	for (i = 0; i < w->n_devices; i++) {
		busy += (double)w->devices[i]->busy_ns;
		room += (double)span(w) * w->devices[i]->parallel;
	}
	return busy / room;
}

/* ---- text ---- */

#define MANY	40	/* no more lines than that of one kind */

static void text_queues(const struct world *w, FILE *out)
{
	u32 i;

	fprintf(out, "\n%-10s %-11s %9s %9s %7s %9s %9s %9s %9s\n", "queues", "class",
		"jobs", "done", "missed", "p50 us", "p99.9 us", "max us", "gap us");
	for (i = 0; i < w->n_specs && i < MANY; i++) {
		const struct qspec *sp = w->specs[i];

		fprintf(out, "%-10s %-11s %9" PRIu64 " %9" PRIu64 " %7" PRIu64
			" %9.1f %9.1f %9.1f %9.1f\n", sp->name, qos_names[sp->qos],
			SUM(sp, submitted), SUM(sp, done), SUM(sp, missed),
			(double)hist_quantile(&sp->response, 0.5) / 1e3,
			(double)hist_quantile(&sp->response, 0.999) / 1e3,
			(double)sp->response.max / 1e3, (double)queue_gap(sp) / 1e3);
	}
}

static void text_groups(const struct world *w, FILE *out)
{
	u32 i, q;

	fprintf(out, "\n%-10s %7s %9s %9s", "group", "weight", "share %", "ideal %");
	for (q = 0; q < QOS_N; q++)
		fprintf(out, " %11.9s s", qos_names[q]);
	fputc('\n', out);
	for (i = 0; i < w->n_groups && i < MANY; i++) {
		const struct group *g = w->groups[i];

		fprintf(out, "%-10s %7u %9.3f %9.3f", g->name, g->weight,
			100 * group_share(w, g), 100 * group_ideal(w, g));
		for (q = 0; q < QOS_N; q++)
			fprintf(out, " %13.4f", seconds(g->served[q]));
		fputc('\n', out);
	}
}

static void text_devices(const struct world *w, FILE *out)
{
	u32 i;

	fprintf(out, "\n%-10s %7s %9s %9s %9s\n", "device", "busy %", "jobs", "preempted",
		"energy J");
	for (i = 0; i < w->n_devices && i < MANY; i++) {
		const struct device *d = w->devices[i];

		fprintf(out, "%-10s %7.2f %9" PRIu64 " %9" PRIu64 " %9.3f\n", d->name,
			100 * (double)d->busy_ns / (double)span(w) / d->parallel, d->jobs,
			d->preempted, (double)d->energy_nj / 1e9);
	}
}

void report_text(const struct world *w, FILE *out)
{
	fprintf(out, "policy %s, placer %s, seed %" PRIu64 ", %.3f s; %u devices, %u queues\n",
		w->policy->name, w->placer->name, w->seed, seconds(w->now),
		w->n_devices, w->n_queues);
	fprintf(out, "jobs: %" PRIu64 " submitted, %" PRIu64 " done, %" PRIu64
		" late, %" PRIu64 " moved; %" PRIu64 " realtime queues refused\n",
		w->submitted, w->done, w->missed, w->moved, w->refused);
	fprintf(out, "busy %.2f %%, idle with work waiting %.6f s, %" PRIu64 " preemptions\n",
		100 * utilisation(w), seconds(idle_with_work(w)), preempted(w));
	fprintf(out, "by weight: Jain's index %.6f, worst share off by %.3f %%; "
		"against GPS: %.6f, %.3f %%\n", world_jain(w, false),
		100 * world_share_error(w, false), world_jain(w, true),
		100 * world_share_error(w, true));
	fprintf(out, "lag among siblings %.1f..%.1f us, against GPS of the whole tree "
		"%.1f..%.1f us\n", w->min_level / 1e3, w->max_level / 1e3,
		w->min_lag / 1e3, w->max_lag / 1e3);
	fprintf(out, "energy %.3f J; %" PRIu64 " events, %" PRIu64 " picks, %.1f MB\n",
		world_energy_j(w), w->events, w->picks, (double)w->memory / 1e6);
	text_queues(w, out);
	text_groups(w, out);
	text_devices(w, out);
}

/* ---- JSON ---- */

static void json_hist(const struct hist *h, FILE *out)
{
	fprintf(out, "{\"count\": %" PRIu64 ", \"mean_ns\": %.1f, \"p50_ns\": %" PRIu64
		", \"p90_ns\": %" PRIu64 ", \"p99_ns\": %" PRIu64 ", \"p999_ns\": %" PRIu64
		", \"max_ns\": %" PRIu64 "}", h->count,
		h->count ? (double)h->sum / (double)h->count : 0, hist_quantile(h, 0.5),
		hist_quantile(h, 0.9), hist_quantile(h, 0.99), hist_quantile(h, 0.999), h->max);
}

static void json_cdf(const struct hist *h, FILE *out)
{
	double q;
	int i;

	fputs(", \"cdf\": [", out);
	for (i = 0; i <= 80; i++) {
		/* even steps of the number of nines: 0 to 4 */
		q = 1;
		for (int k = 0; k < i; k++)
			q *= 0.89125093813374556;
		fprintf(out, "%s[%.6f, %" PRIu64 "]", i ? ", " : "", 1 - q,
			hist_quantile(h, 1 - q));
	}
	fputc(']', out);
}

static void json_queues(const struct world *w, FILE *out)
{
	u32 i;

	fputs("  \"queues\": [", out);
	for (i = 0; i < w->n_specs; i++) {
		const struct qspec *sp = w->specs[i];

		fprintf(out, "%s\n    {\"name\": \"%s\", \"class\": \"%s\", \"count\": %u, "
			"\"submitted\": %" PRIu64 ", \"done\": %" PRIu64 ", \"missed\": %" PRIu64
			", \"refused\": %u, \"served_ns\": %" PRIu64 ", \"max_gap_ns\": %" PRIu64
			", \"response\": ", i ? "," : "", sp->name, qos_names[sp->qos],
			sp->count, SUM(sp, submitted), SUM(sp, done), SUM(sp, missed),
			queue_refused(sp), SUM(sp, served), queue_gap(sp));
		json_hist(&sp->response, out);
		json_cdf(&sp->response, out);
		fputc('}', out);
	}
	fputs("\n  ],\n", out);
}

static void json_groups(const struct world *w, FILE *out)
{
	u32 i, q;

	fputs("  \"groups\": [", out);
	for (i = 0; i < w->n_groups && w->n_groups <= 256; i++) {
		const struct group *g = w->groups[i];

		fprintf(out, "%s\n    {\"name\": \"%s\", \"weight\": %u, \"share\": %.8f, "
			"\"ideal\": %.8f", i ? "," : "", g->name, g->weight,
			group_share(w, g), group_ideal(w, g));
		for (q = 0; q < QOS_N; q++)
			fprintf(out, ", \"%s_ns\": %" PRIu64, qos_names[q], g->served[q]);
		fputc('}', out);
	}
	fputs("\n  ],\n", out);
}

static void json_devices(const struct world *w, FILE *out)
{
	u32 i;

	fputs("  \"devices\": [", out);
	for (i = 0; i < w->n_devices && w->n_devices <= 256; i++) {
		const struct device *d = w->devices[i];

		fprintf(out, "%s\n    {\"name\": \"%s\", \"busy_ns\": %" PRIu64
			", \"realtime_ns\": %" PRIu64 ", \"fair_ns\": %" PRIu64
			", \"background_ns\": %" PRIu64 ", \"jobs\": %" PRIu64
			", \"preempted\": %" PRIu64 ", \"energy_j\": %.6f}", i ? "," : "",
			d->name, d->busy_ns, d->tier_ns[0], d->tier_ns[1], d->tier_ns[2],
			d->jobs, d->preempted, (double)d->energy_nj / 1e9);
	}
	fputs("\n  ]\n", out);
}

void report_json(const struct world *w, FILE *out)
{
	fprintf(out, "{\n  \"policy\": \"%s\", \"placer\": \"%s\", \"seed\": %" PRIu64
		",\n  \"end_ns\": %" PRIu64 ", \"last_done_ns\": %" PRIu64
		",\n  \"submitted\": %" PRIu64 ", \"done\": %" PRIu64 ", \"missed\": %" PRIu64
		", \"moved\": %" PRIu64 ", \"refused\": %" PRIu64 ",\n",
		w->policy->name, w->placer->name, w->seed, w->now, w->drained,
		w->submitted, w->done, w->missed, w->moved, w->refused);
	fprintf(out, "  \"utilisation\": %.8f, \"idle_with_work_ns\": %" PRIu64
		", \"preempted\": %" PRIu64 ",\n  \"jain\": %.8f, \"share_error\": %.8f, "
		"\"jain_gps\": %.8f, \"share_error_gps\": %.8f,\n"
		"  \"level_lag_min_ns\": %.1f, \"level_lag_max_ns\": %.1f, "
		"\"lag_min_ns\": %.1f, \"lag_max_ns\": %.1f,\n"
		"  \"energy_j\": %.6f, \"events\": %" PRIu64 ", \"picks\": %" PRIu64
		", \"memory\": %" PRIu64 ",\n",
		utilisation(w), idle_with_work(w), preempted(w), world_jain(w, false),
		world_share_error(w, false), world_jain(w, true), world_share_error(w, true),
		w->min_level, w->max_level, w->min_lag, w->max_lag,
		world_energy_j(w), w->events, w->picks, w->memory);
	json_queues(w, out);
	json_groups(w, out);
	json_devices(w, out);
	fputs("}\n", out);
}

/* ---- series: what each group was given since the last row, and its lag ---- */

void report_series_head(const struct world *w)
{
	u32 i;

	fputs("time_ns", w->series);
	for (i = 0; i < w->n_groups; i++)
		fprintf(w->series, ",%s_ns,%s_lag_ns", w->groups[i]->name, w->groups[i]->name);
	for (i = 0; i < w->n_devices; i++)
		fprintf(w->series, ",%s_busy_ns", w->devices[i]->name);
	fputc('\n', w->series);
}

void report_series_row(const struct world *w)
{
	u32 i, d, q;

	for (d = 0; d < w->n_devices; d++)
		engine_account(w->devices[d]);
	fprintf(w->series, "%" PRIu64, w->now);
	for (i = 0; i < w->n_groups; i++) {
		struct group *g = w->groups[i];
		double lag = 0;
		u64 sum = 0;

		for (q = 0; q < QOS_N; q++)
			sum += g->served[q];
		for (d = 0; g->on && d < w->n_devices; d++)
			if (g->on[d])
				lag += g->on[d]->fluid[0].served - g->on[d]->served[0];
		fprintf(w->series, ",%" PRIu64 ",%.0f", sum - g->sampled, lag);
		g->sampled = sum;
	}
	for (d = 0; d < w->n_devices; d++)
		fprintf(w->series, ",%" PRIu64, w->devices[d]->busy_ns);
	fputc('\n', w->series);
}
