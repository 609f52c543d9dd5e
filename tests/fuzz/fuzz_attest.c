// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Measurement lists, quotes, signatures and PCR files: the first byte says which
 * one the rest is.
 */
#include <assert.h>
#include <stdlib.h>

#include "../../userspace/cli/attest.h"

static void list(const uint8_t *data, size_t size)
{
	char line[AIM_MEASURED_MAX];
	struct attest_reason why;
	struct attest_entry e;
	struct attest_list l;
	struct aim_measured m;

	attest_list_open(&l, data, size);
	while (attest_list_next(&l, &e, &why) > 0) {
		assert(e.event_len <= size);
		if (attest_entry_model(&e, &m, &why) <= 0)
			continue;
		/* One spelling for each measurement */
		assert(aim_measured_write(&m, line) == e.buf_len);
		assert(!memcmp(line, e.buf, e.buf_len));
	}
	attest_list_close(&l);
}

static void quote(const uint8_t *data, size_t size)
{
	size_t cut = size ? data[0] : 0;
	struct attest_reason why;
	struct attest_quote q;
	struct attest_pcrs *p = malloc(sizeof(*p));

	if (!p || !size)
		goto out;
	data++;
	size--;
	if (cut > size)
		cut = size;
	if (!attest_quote_read(data, cut, &q, &why) &&
	    !attest_pcrs_read(data + cut, size - cut, &q, p, &why))
		attest_pcrs_check(&q, ATTEST_SHA256, p, &why);
out:
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attest_reason why;
	struct aim_measured m;
	struct attest_sig sig;

	if (!size)
		return 0;
	switch (data[0] & 3) {
	case 0:
		list(data + 1, size - 1);
		break;
	case 1:
		quote(data + 1, size - 1);
		break;
	case 2:
		attest_sig_read(data + 1, size - 1, &sig, &why);
		break;
	case 3:
		aim_measured_read((const char *)data + 1, size - 1, &m);
		break;
	}
	return 0;
}
