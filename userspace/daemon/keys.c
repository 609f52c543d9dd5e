// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The certificates of keys.d, and the keyring .aioffload.
 *
 * Their keys carry a description that says so: one whose file has gone is taken
 * out again, and keys that others added are left alone.
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../common/keyring.h"
#include "daemon.h"

#define MAX_KEY_BYTES	(1U << 20)

static long keyctl(int op, unsigned long a, unsigned long b, unsigned long c)
{
	long ret = syscall(SYS_keyctl, op, a, b, c, 0UL);

	return ret < 0 ? -errno : ret;
}

/* ---- what the keyring holds --------------------------------------------- */

struct held {
	int32_t serial;
	char desc[KEYRING_DESC_LEN];
	bool wanted;
};

struct ring {
	int32_t serial;
	struct held *held;	/* those of ours */
	size_t n;
	bool incomplete;	/* a file could not be read: take nothing out */
	bool grows;		/* keys are added */
};

/* "type;uid;gid;perm;description", which may hold semicolons itself */
static const char *description(const char *text)
{
	int i;

	for (i = 0; text && i < 4; i++) {
		text = strchr(text, ';');
		text = text ? text + 1 : NULL;
	}
	return text;
}

static void hold(struct ring *ring, int32_t serial)
{
	struct held *h = &ring->held[ring->n];
	const char *desc;
	char text[4200];

	if (keyctl(KEYCTL_DESCRIBE, (unsigned long)serial, (unsigned long)text,
		   sizeof(text) - 1) < 0)
		return;
	text[sizeof(text) - 1] = '\0';
	desc = description(text);
	if (!desc || strncmp(desc, KEYRING_OURS, strlen(KEYRING_OURS)))
		return;
	h->serial = serial;
	snprintf(h->desc, sizeof(h->desc), "%s", desc);
	ring->n++;
}

static int ring_read(struct ring *ring)
{
	int32_t *list = NULL, *p;
	long bytes = 0, got, i;

	/* it may grow between asking for its size and reading it */
	while ((got = keyctl(KEYCTL_READ, (unsigned long)ring->serial,
			     (unsigned long)list, (unsigned long)bytes)) > bytes) {
		bytes = got;
		p = realloc(list, (size_t)bytes);
		if (!p)
			break;
		list = p;
	}
	if (got < 0 || got > bytes) {
		free(list);
		return got < 0 ? (int)got : -ENOMEM;
	}
	ring->held = calloc((size_t)got / sizeof(*list) + 1, sizeof(*ring->held));
	for (i = 0; ring->held && i < got / (long)sizeof(*list); i++)
		hold(ring, list[i]);
	free(list);
	return ring->held ? 0 : -ENOMEM;
}

static bool have(struct ring *ring, const char *desc)
{
	size_t i;

	for (i = 0; i < ring->n; i++)
		if (!strcmp(ring->held[i].desc, desc))
			return ring->held[i].wanted = true;
	return false;
}

static void take_out(struct ring *ring)
{
	size_t i;
	long ret;

	for (i = 0; !ring->incomplete && i < ring->n; i++) {
		if (ring->held[i].wanted)
			continue;
		ret = keyctl(KEYCTL_UNLINK,
			     (unsigned long)ring->held[i].serial,
			     (unsigned long)ring->serial, 0);
		if (ret < 0)
			log_err("can't take the key '%s' out of the keyring: %s",
				ring->held[i].desc, strerror((int)-ret));
		else
			log_info("key taken out, its certificate is gone: %s",
				 ring->held[i].desc);
	}
}

/* ---- certificates ------------------------------------------------------- */

static void add(struct ring *ring, const char *file, const struct cert *cert)
{
	char desc[KEYRING_DESC_LEN];
	int ret;

	if (have(ring, keyring_describe(cert, desc)) || !ring->grows)
		return;
	ret = keyring_add(ring->serial, desc, cert->der, cert->der_bytes);
	if (!ret)
		log_info("key added: %s", desc);
	else if (ret == -EPERM || ret == -EACCES)
		log_err("%s: '%s' can't be added: the keyring is closed until the module is loaded anew",
			file, cert->name);
	else if (ret == -ENOPKG || ret == -ENOENT || ret == -EBADMSG)
		log_err("%s: this kernel can't use '%s' (%s): old kernels know RSA only",
			file, cert->name, strerrorname_np(-ret));
	else
		log_err("%s: '%s' can't be added: %s", file, cert->name,
			strerror(-ret));
}

/* What the kernel will not count, or will soon stop to, is told. */
static void judge(const char *file, const struct cert *cert)
{
	int64_t left = cert->not_after - (int64_t)time(NULL);

	if (cert->weak)
		log_warn("%s: '%s': %s: nothing that it signed is admitted",
			 file, cert->name, cert->weak);
	if (left < 0)
		log_warn("%s: '%s' has expired", file, cert->name);
}

static void load_file(struct ring *ring, const char *file)
{
	struct cert *certs;
	const char *why;
	size_t bytes;
	char *data;
	int n, i;

	if (file_read(file, MAX_KEY_BYTES, &data, &bytes)) {
		ring->incomplete = true;
		return;
	}
	n = certs_parse(data, bytes, &certs, &why);
	explicit_bzero(data, bytes);	/* a private key may lie beside it */
	free(data);
	if (n < 0) {
		log_err("%s: %s", file, why);
		ring->incomplete = true;
		return;
	}
	for (i = 0; i < n; i++) {
		judge(file, &certs[i]);
		if (ring->serial)
			add(ring, file, &certs[i]);
	}
	certs_free(certs, n);
}

void keys_load(const char *dir, enum keys_how how)
{
	static const char *const suffixes[] = { ".pem", ".der", ".crt", NULL };
	struct ring ring = { .grows = how == KEYS_ADD };
	struct names names;
	char path[PATH_MAX];
	size_t i;
	int ret;

	/* config_load() has told why, if so */
	ret = dir_check(dir);
	if (ret && ret != -ENOENT)
		return;
	snprintf(path, sizeof(path), "%s/keys.d", dir);
	ret = dir_list(path, suffixes, &names);
	if (ret && ret != -ENOENT)
		return;
	if (how != KEYS_CHECK) {
		ret = keyring_find(&ring.serial);
		if (!ret)
			ret = ring_read(&ring);
		/* nothing to add and nothing to take out needs no keyring */
		if (ret && (ret != -ENOENT || names.n))
			log_err("the keyring " KEYRING_NAME " can't be used: %s",
				strerror(-ret));
		if (ret)
			ring.serial = 0;
	}
	for (i = 0; i < names.n; i++)
		load_file(&ring, names.path[i]);
	take_out(&ring);
	free(ring.held);
	names_free(&names);
}

void keys_close(void)
{
	int32_t ring;
	long ret = keyring_find(&ring);

	if (!ret)
		ret = keyctl(KEYCTL_RESTRICT_KEYRING, (unsigned long)ring, 0, 0);
	if (ret && ret != -EEXIST)
		log_err("the keyring " KEYRING_NAME " can't be closed: %s",
			strerror((int)-ret));
}
