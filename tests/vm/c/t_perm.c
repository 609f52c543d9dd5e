// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may open the nodes. */
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "vmtest.h"

#define NOBODY	65534

static gid_t our_group(void)
{
	FILE *f = fopen("/etc/group", "re");	/* getgrnam() is not for static programs */
	char line[512];
	unsigned int gid = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "aioffload:%*[^:]:%u", &gid) == 1)
			break;
		gid = 0;
	}
	if (f)
		fclose(f);
	return gid;
}

static void become(gid_t group)
{
	MUST(setgroups(group ? 1 : 0, &group));
	MUST(setgid(NOBODY));
	MUST(setuid(NOBODY));
}

static void outsider(void *arg)
{
	become(0);
	EXPECT_ERRNO(open("/dev/aioffload", O_RDWR), EACCES);
	EXPECT_ERRNO(open("/dev/aioffload", O_RDONLY), EACCES);
	EXPECT_ERRNO(open(arg, O_RDWR), EACCES);
}

TEST(outsiders_get_eacces)
{
	char path[40];

	snprintf(path, sizeof(path), "/dev/aioffload%d", null_add(""));
	reap(spawn(outsider, path));
}

static void member(void *arg)
{
	struct aioffload_info info;
	struct bound b;

	become(our_group());
	bound_open(&b, open_ctx(*(int *)arg), 64, 1);
	MUST(run_slot(b.ctx, b.slot, 0, 1, 0));
	MUST(get_info(open_ctx(-1), &info));
}

TEST(members_of_the_group_may)
{
	int id = null_add("");

	if (!our_group())
		SKIP("no group aioffload (not installed from packages)");
	reap(spawn(member, &id));
}

TEST(nodes_are_0660)
{
	struct stat st;
	char path[40];
	int id = null_add("");

	close(open_ctx(id));
	snprintf(path, sizeof(path), "/dev/aioffload%d", id);
	MUST(stat("/dev/aioffload", &st));
	EXPECT_EQ(st.st_mode & 07777, 0660);
	EXPECT_EQ(st.st_uid, 0);
	if (our_group())
		EXPECT_EQ(st.st_gid, our_group());
	/* udev gets to a new node a little later */
	for (int i = 0; i < 200; i++) {
		MUST(stat(path, &st));
		if (st.st_gid == our_group())
			break;
		sleep_ms(10);
	}
	EXPECT_EQ(st.st_mode & 07777, 0660);
	EXPECT_EQ(st.st_gid, our_group());
}

static void use_given(void *arg)
{
	struct bound *b = arg;

	become(0);
	/* opened by root, used by another: the fd is the right */
	MUST(run_slot(b->ctx, b->slot, 0, 1, 0));
}

TEST(an_open_fd_may_be_used_by_others)
{
	struct bound b;

	bound_open(&b, open_null(""), 64, 1);
	reap(spawn(use_given, &b));
}

static void try_parameters(void *arg)
{
	(void)arg;
	become(0);
	EXPECT_EQ(write_text("/sys/module/aioffload_null/parameters/add", "\n"), -EACCES);
	EXPECT_EQ(write_text("/sys/module/aioffload_null/parameters/remove", "all"), -EACCES);
	EXPECT_EQ(write_text("/sys/module/aioffload_null/parameters/set", "x"), -EACCES);
}

TEST(only_root_makes_null_devices)
{
	reap(spawn(try_parameters, NULL));
}
