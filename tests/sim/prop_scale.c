// SPDX-License-Identifier: LGPL-2.1-or-later
/* From 1 to 10,000 devices, up to 1,000,000 queues, and what they cost. */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "simtest.h"

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void many_devices_and_queues(void **state)
{
	static const struct {
		unsigned int devices, queues;
	} sizes[] = { { 1, 100 }, { 100, 10000 }, { 1000, 20000 }, { 10000, 1000000 } };
	unsigned int i, n = getenv("SIM_SHORT") ? 2 : 4;

	for (i = 0; i < n; i++) {
		struct text t = { 0 };
		struct world *w;
		double t0 = seconds();
		struct rusage ru;

		text_add(&t, "set time=500ms fluid=0");
		text_add(&t, "device d count=%u tile=1ms", sizes[i].devices);
		text_add(&t, "group g count=%u", sizes[i].queues / 100);
		text_add(&t, "queue q count=%u spread=1 load=poisson:250ms len=exp:2ms",
			 sizes[i].queues);
		w = run_text(&t);
		getrusage(RUSAGE_SELF, &ru);
		printf("%u devices, %u queues: %llu events in %.2f s, %ld MB\n",
		       sizes[i].devices, sizes[i].queues, (unsigned long long)w->events,
		       seconds() - t0, ru.ru_maxrss / 1024);
		expect(w, idle_with_work(w) == 0);
		/* every second queue has submitted twice, on average */
		expect(w, w->submitted > sizes[i].queues * 3 / 2);
		expect(w, w->done > w->submitted / 2);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_devices_and_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
