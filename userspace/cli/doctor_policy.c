// SPDX-License-Identifier: LGPL-2.1-or-later
/* doctor: which models the kernel admits: policy, keys known, keys kept. */
#include <aioffload.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define KEYS_DIR "/etc/aioffload/keys.d"

/* Files named as certificates are there; -errno if there is no looking. */
static int count_certs(const struct doctor *d)
{
	int fd = doctor_open(d, O_RDONLY | O_DIRECTORY, KEYS_DIR);
	struct dirent *e;
	const char *dot;
	DIR *dir;
	int n = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(dir))) {
		dot = strrchr(e->d_name, '.');
		n += e->d_name[0] != '.' && dot &&
			(!strcmp(dot, ".pem") || !strcmp(dot, ".der") ||
			 !strcmp(dot, ".crt"));
	}
	closedir(dir);
	return n;
}

void doctor_keys(struct doctor *d)
{
	struct doctor_check *c;

	d->nr_certs = count_certs(d);
	if (d->nr_certs > 0) {
		c = doctor_add(d, "keys", DOCTOR_OK);
		doctor_say(c, "%d certificate%s in " KEYS_DIR, d->nr_certs,
			   d->nr_certs > 1 ? "s" : "");
		return;
	}
	c = doctor_add(d, "keys", DOCTOR_WARN);
	if (d->nr_certs < 0) {
		doctor_say(c, "only root may look into " KEYS_DIR);
		doctor_fix(c, "sudo aioffload doctor");
		return;
	}
	doctor_say(c, "no certificate in " KEYS_DIR ": after a boot no model is admitted, unless by other keyrings. Make a key, if nobody gave you a certificate");
	doctor_fix(c, "aioffload model keygen && sudo aioffload model trust aioffload.pem");
}

static void empty_ring(struct doctor *d)
{
	struct doctor_check *c = doctor_add(d, "policy", DOCTOR_WARN);

	doctor_say(c, "enforce, and no key is known: every model is refused (ENOKEY)");
	if (d->nr_certs > 0)
		doctor_fix(c, "sudo systemctl restart aioffloadd");
	else
		doctor_fix(c, "aioffload model keygen && sudo aioffload model trust aioffload.pem");
}

/* Not enforced: said aloud, since it is the exception. */
static void lax(struct doctor *d, const struct aioffload_policy *p)
{
	struct doctor_check *c = doctor_add(d, "policy", DOCTOR_WARN);

	doctor_say(c, p->mode == AIOFFLOAD_POLICY_OFF ?
		   "off: models run whoever made them" :
		   "permissive: what enforce would refuse is recorded, and runs");
	doctor_fix(c, "sudo aioffload policy set --mode enforce");
}

void doctor_policy(struct doctor *d, struct aioffload_ctx *ctx)
{
	struct aioffload_policy p;
	struct doctor_check *c;

	if (aioffload_policy_get(ctx, &p)) {
		c = doctor_add(d, "policy", DOCTOR_WARN);
		doctor_say(c, "%s", aioffload_last_error());
		return;
	}
	if (p.mode < AIOFFLOAD_POLICY_ENFORCE) {
		lax(d, &p);
		return;
	}
	if (!p.nr_keys && !p.keyrings) {
		empty_ring(d);
		return;
	}
	c = doctor_add(d, "policy", DOCTOR_OK);
	doctor_say(c, "enforce%s, %u key%s in .aioffload%s%s", p.locked ?
		   " (locked)" : "", p.nr_keys, p.nr_keys == 1 ? "" : "s",
		   p.keyrings & AIOFFLOAD_KEYS_SECONDARY ?
		   ", and the secondary keyring" : "",
		   p.keyrings & AIOFFLOAD_KEYS_PLATFORM ?
		   ", and the platform keyring" : "");
}
