// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who decides what is trusted: keyring, policy, lockdown. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "sectest.h"

TEST(t16_empty_keyring)
{
	struct aioffload_policy p;
	int ctx;

	fresh_with("policy=enforce");
	ctx = open_ctx(-1);
	EXPECT_EQ(policy_now().nr_keys, 0);
	/* Before any parser: what is in the file does not matter. */
	refused(ctx, "good", ENOKEY);
	refused(ctx, "unsigned", ENOKEY);
	refused(ctx, "deep-der", ENOKEY);
	refused(ctx, "length-huge", ENOKEY);
	MUST(key_add("good", ring_id()));
	p = policy_now();
	EXPECT_EQ(p.nr_keys, 1);
	EXPECT_EQ(p.mode, AIOFFLOAD_POLICY_ENFORCE);
	unharmed();
}

static int ring;

/* Every way that keyctl offers. */
static void tamper(void *arg)
{
	long mine;

	(void)arg;
	EXPECT_ERRNO(key_add("evil", ring), EACCES);
	mine = MUST(syscall(SYS_add_key, "user", "mine", "x", 1, -2 /* process */));
	EXPECT_ERRNO(key_ctl(KEYCTL_LINK_, mine, ring, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_CLEAR_, ring, 0, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_SETPERM_, ring, 0x3f3f3f3f, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_CHOWN_, ring, getuid(), getgid()), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_REVOKE_, ring, 0, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_SET_TIMEOUT_, ring, 1, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_INVALIDATE_, ring, 0, 0), EACCES);
	EXPECT_ERRNO(key_ctl(KEYCTL_RESTRICT_, ring, 0, 0), EACCES);
	/* A ring of that name of one's own */
	EXPECT_ERRNO(syscall(SYS_add_key, "keyring", ".aioffload", NULL, 0, -2), EPERM);
	EXPECT(key_ctl(1 /* JOIN_SESSION_KEYRING */, (unsigned long)".aioffload", 0, 0) < 0);
}

static void tamper_as_user(void *arg)
{
	become(NOBODY);
	tamper(arg);
}

static void tamper_as_ns_root(void *arg)
{
	become_ns_root();
	tamper(arg);
}

TEST(t17_keyring_tampering)
{
	fresh();
	ring = ring_id();
	in_child(tamper_as_user, NULL);
	in_child(tamper_as_ns_root, NULL);
	EXPECT_EQ(ring_id(), ring);
	EXPECT_EQ(policy_now().nr_keys, 2);
	refused(open_ctx(-1), "wrong-key", ENOKEY);
	unharmed();
	/* What is no certificate is no use there. */
	syscall(SYS_add_key, "user", "x", "x", 1, ring);
	refused(open_ctx(-1), "wrong-key", ENOKEY);
}

/* As in a container without a user namespace: uid 0, and nothing else. */
static void root_without_capabilities(void *arg)
{
	(void)arg;
	drop_capabilities();
	EXPECT_ERRNO(key_add("evil", ring), EPERM);
	EXPECT_ERRNO(policy_mode(open_ctx(-1), AIOFFLOAD_POLICY_OFF), EPERM);
}

TEST(t18_restricted_keyring)
{
	fresh();
	ring = ring_id();
	MUST(key_ctl(KEYCTL_RESTRICT_, ring, 0, 0));
	EXPECT_ERRNO(key_add("evil", ring), EPERM);
	in_child(root_without_capabilities, NULL);
	EXPECT_ERRNO(key_ctl(KEYCTL_RESTRICT_, ring, 0, 0), EEXIST);
	refused(open_ctx(-1), "wrong-key", ENOKEY);
	unharmed();
	/* Taking away is still possible, and only ever refuses more. */
	MUST(key_ctl(KEYCTL_CLEAR_, ring, 0, 0));
	refused(open_ctx(-1), "good", ENOKEY);
}

/* ---- policy ---- */

static const uint8_t some_id[32] = { 1 };

static void decide_nothing(int ctx, int cgroup)
{
	struct aioffload_block b = ARG(block);
	struct aioffload_policy p = { .size = sizeof(p) };

	for (int mode = AIOFFLOAD_POLICY_OFF; mode <= AIOFFLOAD_POLICY_ENFORCE; mode++)
		EXPECT_ERRNO(policy_mode(ctx, mode), EPERM);
	for (int bit = 1; bit < 5; bit++)
		EXPECT_ERRNO(policy_set(ctx, 1U << bit, p), EPERM);
	EXPECT_ERRNO(block(ctx, AIOFFLOAD_BLOCK_ADD, AIOFFLOAD_BLOCK_DIGEST, some_id), EPERM);
	EXPECT_ERRNO(block(ctx, AIOFFLOAD_BLOCK_DEL, AIOFFLOAD_BLOCK_DIGEST, some_id), EPERM);
	EXPECT_ERRNO(block_version(ctx, AIOFFLOAD_BLOCK_ADD, "sec.lut", 9), EPERM);
	EXPECT_ERRNO(grant(ctx, cgroup, AIOFFLOAD_RIGHTS_ALL), EPERM);
	EXPECT_ERRNO(grant(ctx, cgroup, 0), EPERM);
	EXPECT_ERRNO(grant_clear(ctx, cgroup), EPERM);
	EXPECT_ERRNO(set_limit(ctx, cgroup, AIOFFLOAD_RES_MODELS, 0, 0), EPERM);
	EXPECT_ERRNO(set_limit(ctx, cgroup, AIOFFLOAD_RES_MODELS, AIOFFLOAD_NO_LIMIT, 0), EPERM);
	/* To look is allowed. */
	MUST(ioctl(ctx, AIOFFLOAD_IOC_POLICY, &p));
	b.op = AIOFFLOAD_BLOCK_GET;
	EXPECT_ERRNO(ioctl(ctx, AIOFFLOAD_IOC_BLOCK, &b), ENOENT);
}

static void decide_as_user(void *arg)
{
	become(NOBODY);
	decide_nothing(open_ctx(-1), *(int *)arg);
}

static void decide_as_ns_root(void *arg)
{
	become_ns_root();
	decide_nothing(open_ctx(-1), *(int *)arg);
}

TEST(t19_policy_by_the_unprivileged)
{
	int cgroup;

	fresh();
	open_to_all();
	cgroup = cg_open("any");
	in_child(decide_as_user, &cgroup);
	AUDIT_EXPECT("op=policy", "uid=65534 ", "mode=off ", "errno=1 res=0");
	AUDIT_EXPECT("op=block", "uid=65534 ", "errno=1 res=0");
	AUDIT_EXPECT("op=grant", "uid=65534 ", "rights=0xf ", "errno=1 res=0");
	AUDIT_EXPECT("op=limit_set", "uid=65534 ", "resource=models limit=0 ", "errno=1 res=0");
	in_child(decide_as_ns_root, &cgroup);
	EXPECT_EQ(policy_now().mode, AIOFFLOAD_POLICY_ENFORCE);
	refused(open_ctx(-1), "unsigned", EKEYREJECTED);
	unharmed();
	MUST(policy_mode(open_ctx(-1), AIOFFLOAD_POLICY_ENFORCE));
}

struct deputy {
	int sock[2];
	int ctx, cgroup;
};

static void open_and_send(void *arg)
{
	struct deputy *d = arg;

	become(NOBODY);
	pass_fd(d->sock[1], open_ctx(-1));
}

static void use_inherited(void *arg)
{
	struct deputy *d = arg;

	become(NOBODY);
	decide_nothing(d->ctx, d->cgroup);
}

/* A descriptor lends nobody more than its opener and its user both have. */
TEST(t20_confused_deputy)
{
	struct deputy d;

	fresh();
	open_to_all();
	d.cgroup = cg_open("any");
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, d.sock));
	in_child(open_and_send, &d);
	d.ctx = take_fd(d.sock[0]);
	decide_nothing(d.ctx, d.cgroup);	/* a user's, in root's hands */
	AUDIT_EXPECT("op=policy", " uid=0 ", "mode=off ", "errno=1 res=0");
	d.ctx = open_ctx(-1);
	in_child(use_inherited, &d);		/* root's, in a user's */
	MUST(grant(d.ctx, d.cgroup, AIOFFLOAD_RIGHT_EXEC));
	unharmed();
}

static void nothing_lower(int ctx)
{
	struct aioffload_policy p = { .signed_drivers = 0 };
	struct aioffload_policy before = policy_now();

	EXPECT_ERRNO(policy_mode(ctx, AIOFFLOAD_POLICY_PERMISSIVE), EPERM);
	EXPECT_ERRNO(policy_mode(ctx, AIOFFLOAD_POLICY_OFF), EPERM);
	p.keyrings = AIOFFLOAD_KEYS_SECONDARY | AIOFFLOAD_KEYS_PLATFORM;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_KEYRINGS, p), EPERM);
	/* All or nothing: what would be allowed is not done either. */
	p.audit = AIOFFLOAD_AUDIT_EXEC;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_AUDIT |
				AIOFFLOAD_POLICY_SET_MODE, p), EPERM);
	EXPECT_EQ(policy_now().audit, before.audit);
	EXPECT_EQ(policy_now().mode, AIOFFLOAD_POLICY_ENFORCE);
	EXPECT_EQ(policy_now().keyrings, before.keyrings);
	refused(ctx, "unsigned", EKEYREJECTED);
}

TEST(t21_policy_downgrade)
{
	struct aioffload_policy p = { .locked = 1, .signed_drivers = 1 };
	int ctx;

	fresh();
	ctx = open_ctx(-1);
	/* Unlocked, the administrator may; and it is recorded. */
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_PERMISSIVE));
	AUDIT_EXPECT("op=policy", "res=1");
	close(admitted(ctx, "unsigned"));
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_ENFORCE));
	MUST(block(ctx, AIOFFLOAD_BLOCK_ADD, AIOFFLOAD_BLOCK_DIGEST, some_id));
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_LOCKED, p));
	nothing_lower(ctx);
	AUDIT_EXPECT("op=policy", "res=0");
	p.locked = 0;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_LOCKED, p), EPERM);
	EXPECT_ERRNO(block(ctx, AIOFFLOAD_BLOCK_DEL, AIOFFLOAD_BLOCK_DIGEST, some_id), EPERM);
	/* Upwards is free. */
	unharmed();
	MUST(policy_set(ctx, AIOFFLOAD_POLICY_SET_DRIVERS, p));
	p.signed_drivers = 0;
	EXPECT_ERRNO(policy_set(ctx, AIOFFLOAD_POLICY_SET_DRIVERS, p), EPERM);
	EXPECT_EQ(policy_now().locked, 1);
}

static bool param_is_writable(const char *name)
{
	char path[120];

	snprintf(path, sizeof(path), "/sys/module/aioffload/parameters/%s", name);
	return !write_text(path, "0");
}

/* ---- lockdown ------------------------------------------------------------ */

#define LOCKDOWN	"/sys/kernel/security/lockdown"

static void *lock_down_while_it_loads(void *arg)
{
	static const char params[] = "policy=off";
	struct held *h = arg;
	int err;

	EXPECT(held_wait(h, 20000));
	err = write_text(LOCKDOWN, "integrity");
	held_give(h, params, sizeof(params));
	if (err)
		SKIP("lockdown: %s", strerror(-err));
	return NULL;
}

/*
 * Nothing of ours bears a signature that these kernels know, so under lockdown
 * it is not loaded at all. But its parameters are copied after the signature was
 * looked for, and there it can be held until lockdown is on.
 */
static void load_while_locking_down(void)
{
	const char *dir = getenv("AIOFFLOAD_MODULES");
	char cmd[400];
	struct held h;
	pthread_t t;
	int fd;

	if (run_command("rmmod aioffload_null aioffload_cpu aioffload"))
		FAIL("the modules can't be unloaded");
	snprintf(cmd, sizeof(cmd),
		 "f=%s/aioffload.ko; [ -e $f ] || f=$(modinfo -n aioffload); "
		 "case $f in *.xz) xz -dc $f ;; *) cat $f ;; esac >/tmp/aioffload.ko",
		 dir ? dir : "");
	EXPECT(!run_command(cmd));
	fd = MUST(open("/tmp/aioffload.ko", O_RDONLY | O_CLOEXEC));
	held_open(&h);
	EXPECT(!pthread_create(&t, NULL, lock_down_while_it_loads, &h));
	MUST(syscall(SYS_finit_module, fd, h.mem + HELD_PAGE, 0));
	pthread_join(t, NULL);
	held_close(&h);
	close(fd);
}

/*
 * The last case of all: the kernel stays locked down, and will load no module
 * of ours any more, drivers neither.
 */
TEST(t22_downgrade_under_lockdown)
{
	int ctx;

	fresh();
	unharmed();
	load_while_locking_down();
	EXPECT_EQ(policy_now().mode, AIOFFLOAD_POLICY_ENFORCE);
	MUST(key_add("good", ring_id()));
	ctx = open_ctx(-1);
	nothing_lower(ctx);
	AUDIT_EXPECT("op=policy", "mode=permissive ", "errno=1 res=0");
	EXPECT(!param_is_writable("policy"));
	MUST(policy_mode(ctx, AIOFFLOAD_POLICY_ENFORCE));
	close(admitted(ctx, "good"));
}
