// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages: to standard error, with the journal's marks, or to syslog. */
#include <stdarg.h>
#include <stdio.h>

#include "daemon.h"

static enum log_to target = TO_STDERR;
unsigned int log_errors;

void log_open(enum log_to to)
{
	target = to;
	if (to == TO_SYSLOG)
		openlog("aioffloadd", LOG_PID, LOG_DAEMON);
}

void log_msg(int priority, const char *fmt, ...)
{
	char text[2 * PATH_MAX];
	va_list args;
	char *p;

	if (priority <= LOG_ERR)
		log_errors++;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* names of files and cgroups are others' choice */
	for (p = text; *p; p++)
		if (*(unsigned char *)p < 0x20 || *p == 0x7f)
			*p = '?';
	switch (target) {
	case TO_STDERR:
		fprintf(stderr, "aioffloadd: %s\n", text);
		break;
	case TO_JOURNAL:
		fprintf(stderr, "<%d>%s\n", priority, text);
		break;
	case TO_SYSLOG:
		syslog(priority, "%s", text);
		break;
	case TO_NOTHING:
		break;
	}
}
