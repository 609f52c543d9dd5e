// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files, keys, policy. */
#include <sys/syscall.h>
#include "sectest.h"

char load_reason[256];
uint8_t load_digest[AIOFFLOAD_DIGEST_LEN];

static void path_of(char *path, size_t room, const char *name)
{
	const char *dir = getenv("SECTEST_FILES");

	snprintf(path, room, "%s/%s", dir ? dir : "/mnt/share/files", name);
}

static size_t read_into(void *to, size_t room, const char *name)
{
	char path[300];
	size_t n;
	FILE *f;

	path_of(path, sizeof(path), name);
	f = fopen(path, "re");
	if (!f)
		FAIL("%s: %s", path, strerror(errno));
	n = fread(to, 1, room, f);
	if (n == room)
		FAIL("%s is too large", path);
	fclose(f);
	return n;
}

void blob_read(struct blob *b, const char *name)
{
	b->bytes = read_into(b->data, sizeof(b->data), name);
}

static int load_blob(int ctx, const struct blob *b)
{
	struct aioffload_model_load a = ARG(model_load);

	load_reason[0] = '\0';
	a.data = (uintptr_t)b->data;
	a.bytes = b->bytes;
	a.reason = (uintptr_t)load_reason;
	a.reason_len = sizeof(load_reason);
	if (ioctl(ctx, AIOFFLOAD_IOC_MODEL_LOAD, &a))
		return -1;
	memcpy(load_digest, a.digest, sizeof(load_digest));
	return a.fd;
}

int load_file(int ctx, const char *name)
{
	static struct blob b;

	blob_read(&b, name);
	return load_blob(ctx, &b);
}

void refused(int ctx, const char *name, int err)
{
	uint64_t before = policy_now().refused;
	char word[40];
	int fd;

	errno = 0;
	fd = load_file(ctx, name);
	if (fd >= 0)
		FAIL("%s was admitted, expected %s", name, vmt_errno_name(err));
	if (errno != err)
		FAIL("%s: %s (%s), expected %s", name, vmt_errno_name(errno),
		     load_reason, vmt_errno_name(err));
	if (!load_reason[0])
		FAIL("%s was refused without a word", name);
	if (policy_now().refused != before + 1)
		FAIL("%s: refused, but not counted", name);
	snprintf(word, sizeof(word), "errno=%d ", err);
	AUDIT_EXPECT("op=model_refuse", word, "res=0");
}

int admitted(int ctx, const char *name)
{
	int fd = load_file(ctx, name);

	if (fd < 0)
		FAIL("%s: %s (%s)", name, vmt_errno_name(errno), load_reason);
	return fd;
}

void bound_model(struct bound *b, int ctx, int model)
{
	*b = (struct bound){ .ctx = ctx, .n = SEC_N, .samples = 1,
			     .out_offset = SEC_N, .bytes = 4096, .model = model };
	b->buf = MUST(buf_create(ctx, b->bytes));
	b->map = buf_map(b->buf, b->bytes);
	b->slot = MUST(bound_again(b));
}

void bound_file(struct bound *b, int ctx, const char *name)
{
	bound_model(b, ctx, admitted(ctx, name));
}

void bound_works(struct bound *b)
{
	bound_fill(b);
	MUST(run_slot(b->ctx, b->slot, 0, 1, 0));
	bound_check_done(b, 0, 1);
}

void unharmed(void)
{
	int cpu = find_device("aioffload_cpu");
	struct bound b;

	EXPECT(cpu >= 0);
	bound_file(&b, open_ctx(cpu), "good");
	bound_works(&b);
	bound_close(&b);
	close(b.ctx);
}

/* ---- keys ---- */

int ring_id(void)
{
	FILE *f = fopen("/proc/keys", "re");
	char line[512];
	unsigned int id = 0;

	if (!f)
		FAIL("/proc/keys: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, " keyring   .aioffload:"))
			sscanf(line, "%x", &id);
	}
	fclose(f);
	if (!id)
		FAIL("/proc/keys does not show .aioffload");
	return id;
}

long key_add(const char *name, int ring)
{
	uint8_t der[4096];
	char file[64];
	size_t n;

	snprintf(file, sizeof(file), "%s.der", name);
	n = read_into(der, sizeof(der), file);
	return syscall(SYS_add_key, "asymmetric", name, der, n, ring);
}

long key_ctl(int op, unsigned long a, unsigned long b, unsigned long c)
{
	return syscall(SYS_keyctl, op, a, b, c, 0);
}

/* ---- policy ---- */

struct aioffload_policy policy_now(void)
{
	struct aioffload_policy p = ARG(policy);
	int ctx = open_ctx(-1);

	MUST(ioctl(ctx, AIOFFLOAD_IOC_POLICY, &p));
	close(ctx);
	return p;
}

int policy_set(int ctx, uint32_t flags, struct aioffload_policy p)
{
	p.size = sizeof(p);
	p.flags = flags;
	return ioctl(ctx, AIOFFLOAD_IOC_POLICY, &p);
}

int policy_mode(int ctx, uint32_t mode)
{
	return policy_set(ctx, AIOFFLOAD_POLICY_SET_MODE,
			  (struct aioffload_policy){ .mode = mode });
}

int block(int ctx, uint32_t op, uint32_t kind, const void *id)
{
	struct aioffload_block b = ARG(block);

	b.op = op;
	b.kind = kind;
	memcpy(b.id, id, sizeof(b.id));
	return ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b);
}

int block_version(int ctx, uint32_t op, const char *name, uint64_t version)
{
	struct aioffload_block b = ARG(block);

	b.op = op;
	b.kind = AIOFFLOAD_BLOCK_VERSION;
	b.version = version;
	snprintf(b.name, sizeof(b.name), "%s", name);
	return ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b);
}

/* ---- beginning ---- */

/* A place of one's own: for records, quotas, quarantine. */
static void own_cgroup(void)
{
	char name[20];

	/* Children first; somebody may still be on his way out of one. */
	run_command("[ ! -d /sys/fs/cgroup/sec ] || find /sys/fs/cgroup/sec "
		    "-depth -type d -exec rmdir {} + 2>/dev/null");
	snprintf(name, sizeof(name), "case%d", getpid());
	cg_enter(name);
	audit_watch();
}

void fresh_with(const char *params)
{
	const char *dir = getenv("AIOFFLOAD_MODULES");
	char cmd[400];

	write_text("/sys/module/aioffload_null/parameters/remove", "all");
	if (run_command("for m in aioffload_null aioffload_cpu aioffload; do "
			"[ ! -d /sys/module/$m ] || rmmod $m || exit 1; done"))
		FAIL("the modules can't be unloaded");
	if (dir)
		snprintf(cmd, sizeof(cmd), "insmod %s/aioffload.ko %s", dir, params);
	else
		snprintf(cmd, sizeof(cmd), "modprobe aioffload %s", params);
	if (run_command(cmd))
		FAIL("%s failed", cmd);
	modules_load();
	own_cgroup();
}

static void unblock_all(void)
{
	struct aioffload_block b = ARG(block);
	int ctx = open_ctx(-1);

	for (;;) {
		b = ARG(block);
		b.op = AIOFFLOAD_BLOCK_GET;
		if (ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b))
			break;
		b.op = AIOFFLOAD_BLOCK_DEL;
		MUST(ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b));
	}
	close(ctx);
}

/* Is it as after loading, but for blocks? That a ring is closed can't be seen. */
static bool is_fresh(void)
{
	struct aioffload_policy p = policy_now();

	return p.mode == AIOFFLOAD_POLICY_ENFORCE && p.nr_keys == 2 &&
	       !p.locked && !p.keyrings && !p.signed_drivers &&
	       p.audit == AIOFFLOAD_AUDIT_BATCH;
}

void fresh(void)
{
	int ring;

	if (is_fresh()) {
		unblock_all();
		own_cgroup();
		return;
	}
	fresh_with("policy=enforce");
	ring = ring_id();
	MUST(key_add("good", ring));
	MUST(key_add("second", ring));
}
