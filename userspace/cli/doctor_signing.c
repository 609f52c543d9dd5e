// SPDX-License-Identifier: LGPL-2.1-or-later
/* doctor: Secure Boot, module signatures, lockdown. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define EFIVARS		"/sys/firmware/efi/efivars/"
#define GUID_GLOBAL	"8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define GUID_SHIM	"605dab50-e046-4300-abb6-3dd810dd8b23"
#define MAX_CERT	16384
#define MAX_LIST	(1U << 20)

static bool secure_boot(const struct doctor *d)
{
	char var[16];

	/* four bytes of attributes, then the value */
	return doctor_read(d, EFIVARS "SecureBoot-" GUID_GLOBAL, var,
			   sizeof(var)) == 5 && var[4] == 1;
}

/* "none [integrity] confidentiality": the one in brackets holds. */
static void lockdown_mode(const struct doctor *d, char *mode, size_t len)
{
	char line[128], *open_at, *close_at;

	snprintf(mode, len, "none");
	if (!doctor_line(d, "/sys/kernel/security/lockdown", line, sizeof(line)))
		return;
	open_at = strchr(line, '[');
	close_at = open_at ? strchr(open_at, ']') : NULL;
	if (close_at) {
		*close_at = '\0';
		snprintf(mode, len, "%s", open_at + 1);
	}
}

enum signed_state { UNSIGNED, SIGNED, UNKNOWN };

/* A signature is recognised by the words that end the file. */
static enum signed_state module_signed(const struct doctor *d)
{
	static const char marker[] = "~Module signature appended~\n";
	char tail[sizeof(marker) - 1];
	enum signed_state state = UNKNOWN;
	size_t len = strlen(d->module_path);
	int fd;

	if (len < 3 || strcmp(d->module_path + len - 3, ".ko"))
		return UNKNOWN;		/* compressed */
	fd = doctor_open(d, O_RDONLY, "%s", d->module_path);
	if (fd < 0)
		return UNKNOWN;
	if (lseek(fd, -(off_t)sizeof(tail), SEEK_END) >= 0 &&
	    read(fd, tail, sizeof(tail)) == (ssize_t)sizeof(tail))
		state = memcmp(tail, marker, sizeof(tail)) ? UNSIGNED : SIGNED;
	else
		state = UNSIGNED;
	close(fd);
	return state;
}

enum key_state { KEY_NONE, KEY_NOT_ENROLLED, KEY_PENDING, KEY_ENROLLED,
		 KEY_UNREADABLE };

static bool list_holds(const struct doctor *d, const char *path,
		       const char *cert, size_t cert_len)
{
	char *list = malloc(MAX_LIST);
	ssize_t n;
	bool found = false;

	if (!list)
		return false;
	n = doctor_read(d, path, list, MAX_LIST);
	if (n > 0)
		found = memmem(list, (size_t)n, cert, cert_len);
	free(list);
	return found;
}

/*
 * Is DKMS's key among those that shim hands to the kernel? The lists hold the
 * certificate in DER form, byte by byte.
 */
static enum key_state dkms_key(const struct doctor *d, const char **key)
{
	static const char *const keys[] = {
		"/var/lib/dkms/mok.pub",
		"/var/lib/shim-signed/mok/MOK.der",
	};
	char cert[MAX_CERT];
	ssize_t n = -ENOENT;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		n = doctor_read(d, keys[i], cert, sizeof(cert));
		if (n > 0 || n == -EACCES) {
			*key = keys[i];
			break;
		}
	}
	if (n == -EACCES)
		return KEY_UNREADABLE;
	if (n <= 0)
		return KEY_NONE;
	if (list_holds(d, EFIVARS "MokListRT-" GUID_SHIM, cert, (size_t)n) ||
	    list_holds(d, "/sys/firmware/efi/mok-variables/MokListRT", cert,
		       (size_t)n))
		return KEY_ENROLLED;
	if (doctor_exists(d, EFIVARS "MokNew-" GUID_SHIM))
		return KEY_PENDING;
	return KEY_NOT_ENROLLED;
}

static void check_key(struct doctor *d)
{
	const char *key = "/var/lib/dkms/mok.pub";
	struct doctor_check *c;

	switch (dkms_key(d, &key)) {
	case KEY_ENROLLED:
		c = doctor_add(d, "signature", DOCTOR_OK);
		doctor_say(c, "signed modules only; the key %s is enrolled", key);
		break;
	case KEY_PENDING:
		c = doctor_add(d, "signature", DOCTOR_FAIL);
		doctor_say(c, "a signing key waits to be enrolled: reboot, choose \"Enroll MOK\" in the blue menu and give the password set with mokutil");
		doctor_fix(c, "sudo reboot");
		break;
	case KEY_NOT_ENROLLED:
		c = doctor_add(d, "signature", DOCTOR_FAIL);
		doctor_say(c, "the kernel takes signed modules only, and the key %s is not enrolled: loading would fail with \"Key was rejected by service\". After the command reboot and choose \"Enroll MOK\"",
			   key);
		doctor_fix(c, "sudo mokutil --import %s", key);
		break;
	case KEY_UNREADABLE:
		c = doctor_add(d, "signature", DOCTOR_WARN);
		doctor_say(c, "the kernel takes signed modules only; whether %s is enrolled only root may see",
			   key);
		doctor_fix(c, "sudo aioffload doctor");
		break;
	default:
		c = doctor_add(d, "signature", DOCTOR_FAIL);
		doctor_say(c, "the kernel takes signed modules only, and DKMS has made no key to sign with");
		doctor_fix(c, "sudo dkms generate_mok && sudo mokutil --import /var/lib/dkms/mok.pub");
	}
}

void doctor_signing(struct doctor *d)
{
	struct doctor_check *c;
	char enforce[8], mode[32];
	bool efi = doctor_exists(d, "/sys/firmware/efi");
	bool boot = secure_boot(d);

	lockdown_mode(d, mode, sizeof(mode));
	d->enforced = strcmp(mode, "none") ||
		(doctor_line(d, "/sys/module/module/parameters/sig_enforce",
			     enforce, sizeof(enforce)) && enforce[0] == 'Y');
	c = doctor_add(d, "secure-boot", DOCTOR_OK);
	doctor_say(c, "Secure Boot %s, lockdown %s, unsigned modules %s",
		   !efi ? "is not there (no UEFI)" : boot ? "is on" : "is off",
		   mode, d->enforced ? "refused" : "allowed");
	if (!d->enforced)
		return;
	/* A module that runs was accepted. */
	if (doctor_exists(d, "/sys/module/aioffload")) {
		c = doctor_add(d, "signature", DOCTOR_OK);
		doctor_say(c, "signed modules only; aioffload was accepted");
		return;
	}
	if (*d->module_path && module_signed(d) == UNSIGNED) {
		c = doctor_add(d, "signature", DOCTOR_FAIL);
		doctor_say(c, "the kernel takes signed modules only, and %s is not signed; building it again through DKMS signs it",
			   d->module_path);
		doctor_fix(c, "sudo dkms remove aioffload --all; sudo dkms autoinstall -k %s",
			   d->release);
		return;
	}
	check_key(d);
}
