// SPDX-License-Identifier: LGPL-2.1-or-later
/* aioffload doctor on directories that look like machines in various states. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../userspace/cli/cli.h"
#include "../../userspace/cli/doctor.h"
#include "clitest.h"
#include "fakekernel.h"

#define REL	"6.1.0-40-amd64"
#define MODS	"lib/modules/" REL
#define KO	MODS "/updates/dkms/aioffload.ko"
#define DKMS	"var/lib/dkms/aioffload"
#define EFI	"sys/firmware/efi/efivars/"
#define BOOT	EFI "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define MOKLIST	EFI "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
#define MOKNEW	EFI "MokNew-605dab50-e046-4300-abb6-3dd810dd8b23"
#define SIGNED	"ELF...~Module signature appended~\n"
#define GID	((gid_t)64000)

static struct doctor doc;

/* An absolute link, as packages make them: it leads elsewhere below the root. */
static void link_to(const char *name, const char *target)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", cli_dir, name);
	assert_int_equal(symlink(target, path), 0);
}

/* A machine where all is well, apart from its device node's group. */
static int set_up(void **state)
{
	char members[64];

	cli_set_up();
	cli_puts("proc/sys/kernel/osrelease", REL "\n");
	cli_puts("etc/os-release", "NAME=\"Debian\"\nID=debian\n");
	cli_puts("usr/src/linux-headers-" REL "/Makefile", "");
	cli_puts(KO, "ELF...");
	cli_puts(MODS "/modules.dep",
		 "kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko\n"
		 "updates/dkms/aioffload_cpu.ko: updates/dkms/aioffload.ko\n"
		 "updates/dkms/aioffload.ko:\n");
	cli_puts("usr/src/aioffload-0.1.0/dkms.conf", "");
	link_to(MODS "/build", "/usr/src/linux-headers-" REL);
	cli_puts(DKMS "/0.1.0/" REL "/x86_64/module/aioffload.ko", "");
	link_to(DKMS "/0.1.0/source", "/usr/src/aioffload-0.1.0");
	cli_puts("sys/module/module/parameters/sig_enforce", "N\n");
	cli_puts("sys/module/aioffload/version", "0.1.0\n");
	cli_puts("dev/aioffload", "");
	snprintf(members, sizeof(members),
		 "root:x:0:\naioffload:x:%u:ann,bob\n", (unsigned int)GID);
	cli_puts("etc/group", members);
	cli_puts("usr/lib/udev/rules.d/60-aioffload.rules", "");
	cli_puts("etc/aioffload/keys.d/acme.pem", "");
	return 0;
}

static int tear_down(void **state)
{
	cli_tear_down();
	return 0;
}

/* As user @name, with @group among the session's groups if it is not 0. */
static void examine_as(const char *name, uid_t uid, gid_t group)
{
	memset(&doc, 0, sizeof(doc));
	doc.root = cli_dir;
	doc.uid = uid;
	snprintf(doc.user, sizeof(doc.user), "%s", name);
	doc.groups[0] = group ? group : 1000;
	doc.nr_groups = 1;
	doctor_examine(&doc);
}

static void examine(void)
{
	examine_as("bob", 1000, GID);
}

/* The check @name has this verdict, its text and command hold these words. */
static void expect(const char *name, enum doctor_verdict verdict,
		   const char *text, const char *fix)
{
	size_t i;

	for (i = 0; i < doc.nr_checks; i++) {
		const struct doctor_check *c = &doc.checks[i];

		if (strcmp(c->name, name))
			continue;
		if (c->verdict != verdict)
			print_error("%s: %s\n", name, c->text);
		assert_int_equal(c->verdict, verdict);
		assert_says(c->text, text);
		assert_says(c->fix, fix);
		/* what fails or warns tells how to mend it, OK tells nothing */
		if (verdict == DOCTOR_FAIL)
			assert_true(*c->fix);
		if (verdict == DOCTOR_OK)
			assert_false(*c->fix);
		return;
	}
	fail_msg("no check '%s'", name);
}

static void absent(const char *name)
{
	size_t i;

	for (i = 0; i < doc.nr_checks; i++)
		assert_string_not_equal(doc.checks[i].name, name);
}

static void scratch_remove(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", cli_dir, name);
	assert_int_equal(remove(path), 0);
}

/* Only root can give a file away; where we can't, the node is not checked. */
static bool own_node(gid_t gid)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/dev/aioffload", cli_dir);
	assert_int_equal(chmod(path, 0660), 0);
	return !chown(path, 0, gid);
}

static void healthy(void **state)
{
	bool root = own_node(GID);

	examine();
	expect("kernel", DOCTOR_OK, REL, "");
	expect("headers", DOCTOR_OK, "", "");
	expect("module", DOCTOR_OK, "updates/dkms/aioffload.ko", "");
	expect("dkms", DOCTOR_OK, "0.1.0", "");
	expect("secure-boot", DOCTOR_OK, "no UEFI", "");
	expect("loaded", DOCTOR_OK, "0.1.0", "");
	expect("group", DOCTOR_OK, "bob", "");
	absent("signature");
	if (root) {
		expect("node", DOCTOR_OK, "0660", "");
		assert_int_equal(doctor_worst(&doc), DOCTOR_OK);
	}
}

static void kernel(void **state)
{
	cli_puts("proc/sys/kernel/osrelease", "5.10.0-30-amd64\n");
	examine();
	expect("kernel", DOCTOR_WARN, "older than 6.1", "");
	cli_puts("proc/sys/kernel/osrelease", "../../../etc\n");
	examine();
	expect("kernel", DOCTOR_FAIL, "can't tell", "mount");
	absent("headers");
	scratch_remove("proc/sys/kernel/osrelease");
	examine();
	expect("kernel", DOCTOR_FAIL, "can't tell", "mount");
}

static void headers(void **state)
{
	scratch_remove(MODS "/build");
	examine();
	/* built already: a warning for later */
	expect("headers", DOCTOR_WARN, "next version",
	       "sudo apt install linux-headers-" REL);
	scratch_remove(KO);
	scratch_remove("sys/module/aioffload/version");
	scratch_remove("sys/module/aioffload");
	examine();
	expect("headers", DOCTOR_FAIL, "missing",
	       "sudo apt install linux-headers-" REL);
	cli_puts("etc/os-release", "ID=fedora\n");
	examine();
	expect("headers", DOCTOR_FAIL, "missing",
	       "sudo dnf install kernel-devel-" REL);
}

static void unload(void)
{
	scratch_remove("sys/module/aioffload/version");
	scratch_remove("sys/module/aioffload");
}

static void module(void **state)
{
	cli_puts(MODS "/modules.dep",
		 "updates/dkms/aioffload_cpu.ko: updates/dkms/aioffload.ko\n");
	examine();
	expect("module", DOCTOR_FAIL, "index does not list", "sudo depmod " REL);
	scratch_remove(KO);
	examine();
	expect("module", DOCTOR_WARN, "gone after a reboot", "dkms");
	unload();
	examine();
	expect("module", DOCTOR_FAIL, "not built for " REL,
	       "sudo dkms autoinstall -k " REL);
	expect("loaded", DOCTOR_FAIL, "not loaded", "modprobe");
	absent("node");
	/* listed in the index, yet not there any more */
	cli_puts(MODS "/modules.dep", "updates/dkms/aioffload.ko:\n");
	examine();
	expect("module", DOCTOR_FAIL, "not built", "dkms");
	/* compressed, elsewhere */
	cli_puts(MODS "/extra/aioffload.ko.xz", "");
	cli_puts(MODS "/modules.dep", "extra/aioffload.ko.xz:\n");
	examine();
	expect("module", DOCTOR_OK, "extra/aioffload.ko.xz", "");
}

static void dkms(void **state)
{
	scratch_remove(DKMS "/0.1.0/" REL "/x86_64/module/aioffload.ko");
	scratch_remove(DKMS "/0.1.0/" REL "/x86_64/module");
	scratch_remove(DKMS "/0.1.0/" REL "/x86_64");
	scratch_remove(DKMS "/0.1.0/" REL);
	examine();
	expect("dkms", DOCTOR_WARN, "not built",
	       "sudo dkms install aioffload/0.1.0 -k " REL);
	scratch_remove(KO);
	cli_puts(DKMS "/0.1.0/build/make.log", "error");
	examine();
	expect("dkms", DOCTOR_FAIL, "0.1.0/build/make.log", "dkms install");
	/* another version that is built counts */
	cli_puts(DKMS "/0.2.0/source/dkms.conf", "");
	cli_puts(DKMS "/0.2.0/" REL "/x86_64/module/aioffload.ko", "");
	examine();
	expect("dkms", DOCTOR_OK, "0.2.0", "");
}

static void dkms_unknown(void **state)
{
	scratch_remove(DKMS "/0.1.0/source");
	examine();
	expect("dkms", DOCTOR_WARN, "does not know",
	       "apt install aioffload-dkms");
}

/* Secure Boot's variable: four bytes of attributes, then 1 */
static void boot_securely(bool on)
{
	cli_put(BOOT, on ? "\6\0\0\0\1" : "\6\0\0\0\0", 5);
	cli_puts("sys/kernel/security/lockdown",
		 on ? "none [integrity] confidentiality\n" :
		      "[none] integrity confidentiality\n");
}

static void signing(void **state)
{
	static const char cert[] = "0\x82\3\7 a certificate with \0 bytes";
	static const char list[] = "\7\0\0\0 GUID and sizes"
		"0\x82\3\7 a certificate with \0 bytes" "and more";

	boot_securely(false);
	examine();
	expect("secure-boot", DOCTOR_OK, "is off, lockdown none", "");
	absent("signature");

	boot_securely(true);
	examine();
	expect("secure-boot", DOCTOR_OK, "is on, lockdown integrity", "");
	expect("signature", DOCTOR_OK, "was accepted", "");

	unload();
	examine();
	expect("signature", DOCTOR_FAIL, "is not signed", "dkms");
	cli_puts(KO, SIGNED);
	examine();
	expect("signature", DOCTOR_FAIL, "no key", "dkms generate_mok");
	cli_put("var/lib/dkms/mok.pub", cert, sizeof(cert) - 1);
	examine();
	expect("signature", DOCTOR_FAIL, "Key was rejected by service",
	       "sudo mokutil --import /var/lib/dkms/mok.pub");
	cli_puts(MOKNEW, "....");
	examine();
	expect("signature", DOCTOR_FAIL, "waits to be enrolled", "reboot");
	cli_put(MOKLIST, list, sizeof(list) - 1);
	examine();
	expect("signature", DOCTOR_OK, "is enrolled", "");
}

/* Without UEFI too a kernel may insist: module.sig_enforce=1 */
static void enforced(void **state)
{
	cli_puts("sys/module/module/parameters/sig_enforce", "Y\n");
	unload();
	examine();
	expect("secure-boot", DOCTOR_OK, "unsigned modules refused", "");
	expect("signature", DOCTOR_FAIL, "not signed", "dkms");
}

static void groups(void **state)
{
	examine_as("eve", 1000, 0);
	expect("group", DOCTOR_FAIL, "eve is not in group",
	       "sudo usermod -aG aioffload eve");
	examine_as("bob", 1000, 0);
	expect("group", DOCTOR_FAIL, "log out", "newgrp aioffload");
	examine_as("bo", 1000, 0);	/* not a prefix of bob */
	expect("group", DOCTOR_FAIL, "not in group", "usermod");
	examine_as("root", 0, 0);
	expect("group", DOCTOR_OK, "root", "");
	cli_puts("etc/group", "root:x:0:\naioffloadx:x:5:bob\nbroken\n:\n");
	examine_as("bob", 1000, 0);
	expect("group", DOCTOR_FAIL, "there is no group", "groupadd");
	examine_as("root", 0, 0);
	expect("group", DOCTOR_WARN, "there is no group", "groupadd");
	scratch_remove("usr/lib/udev/rules.d/60-aioffload.rules");
	examine();
	expect("group", DOCTOR_FAIL, "there is no group",
	       "apt install aioffload");
}

static void node(void **state)
{
	char path[4096];

	if (own_node(0)) {
		examine();
		expect("node", DOCTOR_FAIL, "rule has not run",
		       "udevadm trigger");
		scratch_remove("usr/lib/udev/rules.d/60-aioffload.rules");
		examine();
		expect("node", DOCTOR_FAIL, "rule is missing",
		       "apt install aioffload");
		own_node(GID);
		snprintf(path, sizeof(path), "%s/dev/aioffload", cli_dir);
		assert_int_equal(chmod(path, 0666), 0);
		examine();
		expect("node", DOCTOR_WARN, "everyone", "chmod 0660");
	}
	scratch_remove("dev/aioffload");
	examine();
	expect("node", DOCTOR_FAIL, "does not exist", "udevadm trigger");
}

/* Nothing at all below the root: every line says something, nothing crashes. */
static void empty_root(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/none", cli_dir);
	memset(&doc, 0, sizeof(doc));
	doc.root = path;
	doctor_examine(&doc);
	assert_int_equal(doctor_worst(&doc), DOCTOR_FAIL);
	memset(&doc, 0, sizeof(doc));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	doc.root = path;
	doctor_examine(&doc);
	assert_int_equal(doctor_worst(&doc), DOCTOR_FAIL);
}

/* Files that hold nonsense instead of what they should. */
static void garbage(void **state)
{
	char *junk = malloc(200000);
	size_t i;

	for (i = 0; i < 200000; i++)
		junk[i] = (char)(i * 2654435761u >> 13);
	cli_put("etc/group", junk, 200000);
	cli_put(MODS "/modules.dep", junk, 200000);
	cli_put("etc/os-release", junk, 200000);
	cli_put("sys/module/aioffload/version", junk, 200000);
	cli_put("sys/kernel/security/lockdown", junk, 200000);
	cli_put(BOOT, junk, 200000);
	cli_put("var/lib/dkms/mok.pub", junk, 200000);
	cli_put(MOKLIST, junk, 200000);
	examine();
	assert_int_equal(doctor_worst(&doc), DOCTOR_FAIL);
	free(junk);
}

static void command(void **state)
{
	struct json_object *obj, *val, *list;

	own_node(GID);
	scratch_remove(MODS "/build");
	cli_run("doctor --root .");
	assert_says(cli.out, "WARN  headers");
	assert_says(cli.out, "-> sudo apt install linux-headers-" REL);
	unload();
	assert_int_equal(cli_run("doctor --root . --json"), CLI_FAILED);
	obj = cli_json();
	assert_true(json_object_object_get_ex(obj, "ok", &val));
	assert_false(json_object_get_boolean(val));
	assert_true(json_object_object_get_ex(obj, "checks", &list));
	assert_true(json_object_array_length(list) >= 6);
	json_object_put(obj);
}

/* ---- through the library, against the fake kernel ----------------------- */

static const struct doctor_check *last(void)
{
	return &doc.checks[doc.nr_checks - 1];
}

static void ask_devices(void)
{
	memset(&doc, 0, sizeof(doc));
	doc.root = "";
	doc.loaded = true;
	doc.debian = true;
	doctor_devices(&doc);
}

static void devices(void **state)
{
	fake_boot();
	ask_devices();
	expect("abi", DOCTOR_OK, "ABI 1", "");
	expect("device", DOCTOR_OK, "aioffload0: aioffload_cpu", "");
	fake.device_state = 1;
	ask_devices();
	expect("device", DOCTOR_WARN, "failed", "modprobe -r aioffload_cpu");
	fake.nr_devices = 1000;
	fake.device_state = 0;
	ask_devices();
	assert_in_range(doc.nr_checks, 2, 12);
	fake.nr_devices = 0;
	ask_devices();
	expect("device", DOCTOR_FAIL, "nothing can run",
	       "modprobe aioffload_cpu");
	fake.abi = 2;
	ask_devices();
	expect("abi", DOCTOR_WARN, "newer features", "apt install");
	fake.abi = 0;
	ask_devices();
	expect("abi", DOCTOR_FAIL, "ABI 0", "aioffload-dkms");
	fake.abi = 1;
	fake.open_errno = EACCES;
	ask_devices();
	assert_int_equal(last()->verdict, DOCTOR_FAIL);
	assert_says(last()->text, "EACCES");
	fake_shutdown();
}

static void keys(void **state)
{
	examine();
	expect("keys", DOCTOR_OK, "1 certificate in", "");
	cli_puts("etc/aioffload/keys.d/two.der", "");
	cli_puts("etc/aioffload/keys.d/.hidden.pem", "");
	cli_puts("etc/aioffload/keys.d/README", "");
	examine();
	expect("keys", DOCTOR_OK, "2 certificates in", "");
	scratch_remove("etc/aioffload/keys.d/two.der");
	scratch_remove("etc/aioffload/keys.d/acme.pem");
	examine();
	expect("keys", DOCTOR_WARN, "no certificate", "aioffload model trust");
	scratch_remove("etc/aioffload/keys.d/.hidden.pem");
	scratch_remove("etc/aioffload/keys.d/README");
	scratch_remove("etc/aioffload/keys.d");
	examine();
	expect("keys", DOCTOR_WARN, "no certificate", "aioffload model trust");
}

static void policy(void **state)
{
	fake_boot();
	ask_devices();
	expect("policy", DOCTOR_OK, "enforce, 1 key in", "");
	fake.policy.nr_keys = 3;
	fake.policy.locked = 1;
	fake.policy.keyrings = AIOFFLOAD_KEYS_SECONDARY;
	ask_devices();
	expect("policy", DOCTOR_OK, "enforce (locked), 3 keys in", "");
	expect("policy", DOCTOR_OK, "secondary", "");
	fake.policy.nr_keys = 0;
	ask_devices();
	expect("policy", DOCTOR_OK, "0 keys in", "");
	fake.policy.keyrings = 0;
	ask_devices();
	expect("policy", DOCTOR_WARN, "every model is refused",
	       "aioffload model trust");
	fake.policy.mode = AIOFFLOAD_POLICY_PERMISSIVE;
	ask_devices();
	expect("policy", DOCTOR_WARN, "permissive", "--mode enforce");
	fake.policy.mode = AIOFFLOAD_POLICY_OFF;
	ask_devices();
	expect("policy", DOCTOR_WARN, "whoever", "--mode enforce");
	fake.fail_nr = _IOC_NR(AIOFFLOAD_IOC_POLICY);
	fake.fail_errno = ENOTTY;
	ask_devices();
	expect("policy", DOCTOR_WARN, "too old", "");
	fake_shutdown();
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(healthy), test(kernel), test(headers), test(module),
		test(dkms), test(dkms_unknown), test(signing), test(enforced),
		test(groups), test(node), test(empty_root), test(garbage),
		test(command), test(keys), cmocka_unit_test(devices),
		cmocka_unit_test(policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
