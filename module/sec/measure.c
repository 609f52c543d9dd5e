// SPDX-License-Identifier: GPL-2.0
/*
 * Admitted models, measured by IMA: a line each in its measurement list, of
 * which a TPM keeps the hash. <aim/measured.h> says how it reads.
 *
 * IMA keeps its list until reboot, in memory that is nobody's. So a model that
 * is loaded again is not measured again, as far as we remember.
 */
#include <linux/hash.h>
#include <linux/ima.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <aim/measured.h>

#include "sec.h"

#define MAX_REMEMBERED	1024

/* What makes two measurements the same. */
struct identity {
	u8 digest[32];
	u8 key[32];
	u64 version;
	u32 mode;
	u32 zero;
	char name[AIOFFLOAD_NAME_LEN];
};

struct remembered {
	struct hlist_node hash;
	struct list_head node;
	struct identity id;
};

static DEFINE_MUTEX(measure_lock);	/* all below; held while IMA works */
static struct hlist_head buckets[64];
static LIST_HEAD(oldest_first);
static unsigned int nr_remembered;

static struct hlist_head *bucket_of(const struct identity *id)
{
	return &buckets[id->digest[0] % ARRAY_SIZE(buckets)];
}

static bool known(const struct identity *id)
{
	struct remembered *r;

	hlist_for_each_entry(r, bucket_of(id), hash) {
		if (!memcmp(&r->id, id, sizeof(*id)))
			return true;
	}
	return false;
}

static void forget(struct remembered *r)
{
	hlist_del(&r->hash);
	list_del(&r->node);
	kfree(r);
	nr_remembered--;
}

/* Failing only means that it will be measured once more. */
static void remember(const struct identity *id)
{
	struct remembered *r = kmalloc(sizeof(*r), GFP_KERNEL);

	if (!r)
		return;
	if (nr_remembered == MAX_REMEMBERED)
		forget(list_first_entry(&oldest_first, struct remembered, node));
	r->id = *id;
	hlist_add_head(&r->hash, bucket_of(id));
	list_add_tail(&r->node, &oldest_first);
	nr_remembered++;
}

static int measure(const struct identity *id)
{
	char line[AIM_MEASURED_MAX];
	struct aim_measured m = {
		.version = id->version,
		.mode = id->mode,
		.time_ns = ktime_get_boottime_ns(),
	};
	size_t len;

	BUILD_BUG_ON(sizeof(m.name) < sizeof(id->name));
	memcpy(m.digest, id->digest, sizeof(m.digest));
	memcpy(m.key, id->key, sizeof(m.key));
	strscpy(m.name, id->name, sizeof(m.name));
	len = aim_measured_write(&m, line);
	return ima_measure_critical_data(AIM_MEASURED_LABEL, AIM_MEASURED_EVENT,
					 line, len, false, NULL, 0);
}

int ai_measure_model(const struct ai_sec_model *m)
{
	struct identity id = {
		.version = m->version,
		.mode = m->mode,
	};
	int ret = 0;

	memcpy(id.digest, m->digest, sizeof(id.digest));
	memcpy(id.key, m->key, sizeof(id.key));
	strscpy_pad(id.name, m->name, sizeof(id.name));

	mutex_lock(&measure_lock);
	if (!known(&id)) {
		ret = measure(&id);
		if (!ret)
			remember(&id);
	}
	mutex_unlock(&measure_lock);
	return ret;
}

void ai_measure_exit(void)
{
	while (!list_empty(&oldest_first))
		forget(list_first_entry(&oldest_first, struct remembered, node));
}
