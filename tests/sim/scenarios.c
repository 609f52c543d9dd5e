// SPDX-License-Identifier: LGPL-2.1-or-later
/* Scenarios that come with the simulator, in the language of parse.c. */
#include "sim.h"

#define FOUR_GROUPS \
	"group a weight=100\n" \
	"group b weight=200\n" \
	"group c weight=400\n" \
	"group d weight=800\n" \
	"queue qa group=a load=closed:16 len=const:10ms\n" \
	"queue qb group=b load=closed:16 len=const:100us\n" \
	"queue qc group=c load=closed:16 len=uniform:100us:10ms\n" \
	"queue qd group=d load=closed:4 len=const:1ms\n"

static const struct {
	const char *name;
	const char *what;
	const char *text;
} builtin[] = {
	{ "weights", "groups of weight 1:2:4:8, jobs of lengths 1:100",
	  "set time=10s\n"
	  "device acc tile=100us\n"
	  FOUR_GROUPS },
	/* so many jobs that no queue would be empty in the ideal, either */
	{ "weights-whole", "the same on a device that can't be preempted",
	  "set time=10s\n"
	  "device acc\n"
	  "group a weight=100\n"
	  "group b weight=200\n"
	  "group c weight=400\n"
	  "group d weight=800\n"
	  "queue qa group=a load=closed:16 len=const:10ms\n"
	  "queue qb group=b load=closed:16 len=const:100us\n"
	  "queue qc group=c load=closed:16 len=uniform:100us:10ms\n"
	  "queue qd group=d load=closed:20 len=const:1ms\n" },
	{ "nested", "groups in groups; many queues don't make a larger share",
	  "set time=10s\n"
	  "device acc tile=100us\n"
	  "group x weight=100\n"
	  "group y weight=300\n"
	  "group x1 parent=x weight=100\n"
	  "group x2 parent=x weight=200\n"
	  "group y1 parent=y weight=800\n"
	  "group y2 parent=y weight=100\n"
	  "group y3 parent=y weight=100\n"
	  "queue qx1 group=x1 count=8 load=closed:8 len=const:200us\n"
	  "queue qx2 group=x2 load=closed:8 len=const:5ms\n"
	  "queue qy1 group=y1 load=closed:8 len=exp:1ms\n"
	  "queue qy2 group=y2 count=3 load=closed:8 len=two:100us:10ms:10\n"
	  "queue qy3 group=y3 load=closed:8 len=const:10ms\n" },
	{ "churn", "groups come, go, and change their weight",
	  "set time=12s sample=100ms\n"
	  "device acc tile=100us\n"
	  "group a weight=100\n"
	  "group b weight=200\n"
	  "group c weight=400\n"
	  "queue qa group=a load=closed:16 len=const:1ms\n"
	  "queue qb group=b load=closed:16 len=exp:3ms from=2s to=10s\n"
	  "queue qc group=c load=closed:16 len=const:200us from=4s to=8s\n"
	  "at 6s weight a 400\n" },
	{ "realtime", "a 10 ms stream beside everybody else",
	  "set time=20s\n"
	  "device acc tile=100us\n"
	  "group rt weight=100\n"
	  "group ia weight=100\n"
	  "group no weight=100\n"
	  "group bg weight=100\n"
	  "queue kws group=rt class=realtime runtime=200us period=10ms "
	  "deadline=1ms "
	  "load=periodic:10ms len=const:136us\n"
	  "queue ui group=ia class=interactive count=4 load=poisson:20ms len=exp:500us\n"
	  "queue work group=no count=4 load=closed:8 len=exp:2ms\n"
	  "queue batch group=bg class=background count=8 load=closed:4 len=const:10ms\n" },
	{ "poisson", "open arrivals, 90 % load, groups of equal weight",
	  "set time=20s\n"
	  "device acc tile=100us\n"
	  "group g count=6\n"
	  "queue q group=g* count=18 load=poisson:20ms len=exp:1ms\n" },
	{ "bursty", "on for 50 ms, off for 150 ms; overloaded while on",
	  "set time=20s\n"
	  "device acc tile=100us\n"
	  "group g count=4\n"
	  "queue q group=g* count=8 load=bursty:3ms:50ms:150ms len=exp:1ms\n"
	  "queue steady group=g0 load=closed:8 len=const:1ms\n" },
	{ "diurnal", "days of 5 s, two groups a busy noon, background all night",
	  "set time=20s sample=50ms\n"
	  "device acc tile=100us\n"
	  "group a weight=100\n"
	  "group b weight=300\n"
	  "group night weight=100\n"
	  "queue qa group=a count=4 load=diurnal:8ms:5s len=exp:1ms\n"
	  "queue qb group=b count=4 load=diurnal:8ms:5s len=exp:1ms\n"
	  "queue train group=night class=background load=closed:4 len=const:20ms\n" },
	{ "adversary", "one who works, sleeps and comes back; one who floods; one "
	  "who lies about his costs; and an honest one",
	  "set time=20s\n"
	  "device acc tile=100us\n"
	  "group honest\n"
	  "group nap\n"
	  "group flood\n"
	  "group liar\n"
	  "queue h group=honest load=closed:8 len=const:1ms\n"
	  "queue n group=nap load=nap:3ms:5ms len=const:1ms\n"
	  "queue f group=flood count=16 load=flood:200ms:64 len=const:1ms\n"
	  "queue l group=liar load=closed:8 len=const:10ms est=0.01\n" },
	{ "floor", "background beside work that never ends",
	  "set time=10s\n"
	  "device acc tile=100us\n"
	  "group fair\n"
	  "group bg\n"
	  "queue q group=fair load=closed:4 len=const:1ms\n"
	  "queue b group=bg class=background count=2 load=closed:8 len=const:10ms\n" },
	{ "edf", "realtime streams of all kinds, 92 % of the device promised",
	  "set time=20s\n"
	  "device acc tile=50us\n"
	  "group rt\n"
	  "group no\n"
	  "queue r1 group=rt class=realtime runtime=1ms period=5ms "
	  "load=periodic:5ms:1 len=const:950us deadline=5ms\n"
	  "queue r2 group=rt class=realtime runtime=2ms period=7ms "
	  "load=periodic:7ms:1 len=const:1950us deadline=7ms\n"
	  "queue r3 group=rt class=realtime runtime=3ms period=11ms "
	  "load=periodic:11ms:1 len=const:2950us deadline=11ms\n"
	  "queue r4 group=rt class=realtime runtime=2ms period=13ms "
	  "load=periodic:13ms:1 len=const:1950us deadline=13ms\n"
	  "queue q group=no load=closed:8 len=const:5ms\n" },
	{ "overrun", "a realtime stream that takes ten times what it was promised",
	  "set time=10s\n"
	  "device acc tile=100us\n"
	  "group rt\n"
	  "group no\n"
	  "queue good group=rt class=realtime runtime=500us period=5ms "
	  "load=periodic:5ms len=const:400us deadline=2ms\n"
	  "queue bad group=rt class=realtime runtime=500us period=5ms "
	  "load=periodic:5ms len=const:4ms deadline=5ms\n"
	  "queue q group=no load=closed:8 len=const:1ms\n" },
	{ "window", "a device of depth 4 that can't be preempted",
	  "set time=10s\n"
	  "device acc depth=4\n"
	  "group a weight=100\n"
	  "group b weight=300\n"
	  "queue qa group=a load=closed:16 len=const:500us\n"
	  "queue qb group=b load=closed:16 len=exp:500us\n" },
	{ "deep", "realtime and interactive on a device of depth 64 that can't be preempted",
	  "set time=20s\n"
	  "device acc depth=64\n"
	  "group g\n"
	  "queue kws group=g class=realtime runtime=200us period=10ms deadline=4ms "
	  "load=periodic:10ms len=const:136us\n"
	  "queue asks group=g class=interactive load=poisson:20ms len=const:200us\n"
	  "queue n group=g count=4 load=closed:64 len=const:1ms\n"
	  "queue bg group=g class=background load=closed:64 len=uniform:100us:1ms\n" },
	{ "several", "four devices, each shared by weight",
	  "set time=10s\n"
	  "device acc count=4 tile=100us\n"
	  "group a weight=100\n"
	  "group b weight=200\n"
	  "group c weight=500\n"
	  "queue qa group=a count=4 spread=1 load=closed:8 len=const:1ms\n"
	  "queue qb group=b count=4 spread=1 load=closed:8 len=exp:1ms\n"
	  "queue qc group=c count=4 spread=1 load=closed:8 len=const:4ms\n" },
	{ "either", "two devices, one three times as fast; jobs go to either",
	  "set time=10s\n"
	  "device slow tile=100us\n"
	  "device fast speed=3 tile=100us\n"
	  "group a weight=100\n"
	  "group b weight=300\n"
	  "group c weight=600\n"
	  "queue qa group=a load=closed:16 len=const:7ms\n"
	  "queue qb group=b load=closed:16 len=const:2ms\n"
	  "queue qc group=c load=closed:16 len=const:1ms\n" },
	{ "place", "a batch on three accelerators of different speed and the CPU",
	  "set time=10s drain=1\n"
	  "device cpu speed=1 active=15W idle=5W\n"
	  "device small speed=2 active=4W idle=1W\n"
	  "device mid speed=4 active=20W idle=4W\n"
	  "device big speed=8 active=90W idle=10W\n"
	  "group a\n"
	  "queue learn group=a hint=latency load=poisson:4ms len=const:2ms to=900ms\n"
	  "queue q group=a hint=latency from=1s load=once:2000 len=const:2ms jitter=5%\n" },
	{ "kill", "a device dies and comes back, another one stalls",
	  "set time=4s drain=1 watch=50ms sample=20ms\n"
	  "device d count=3 active=10W idle=2W\n"
	  "group a\n"
	  "queue q group=a count=6 load=poisson:5ms len=exp:2ms\n"
	  "at 1s kill d0\n"
	  "at 2s return d0\n"
	  "at 2500ms stall d1\n"
	  "at 3s return d1\n" },
	{ "scale", "10,000 devices, 1,000,000 queues, 1,000 groups",
	  "set time=1s\n"
	  "device acc count=10000 tile=1ms\n"
	  "group top count=1000\n"
	  "queue q count=1000000 spread=1 load=poisson:250ms len=exp:2ms\n" },
};

#define N_BUILTIN (sizeof(builtin) / sizeof(builtin[0]))

const char *scenario_builtin(const char *name)
{
	size_t i;

	for (i = 0; i < N_BUILTIN; i++)
		if (!strcmp(builtin[i].name, name))
			return builtin[i].text;
	return NULL;
}

void scenario_list(FILE *out)
{
	size_t i;

	for (i = 0; i < N_BUILTIN; i++)
		fprintf(out, "%-14s %s\n", builtin[i].name, builtin[i].what);
}
