// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is done when:
 *	at the start, at SIGHUP, and when /dev/aioffload appears (the module was
 *	loaded, and knows nothing yet): everything;
 *	when a device appears, or a cgroup where a pattern may match: groups;
 *	when a cgroup comes to a device, or its cpu.weight changes: weights.
 *
 * No descriptor of the device is kept: it would keep the module from being
 * unloaded.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"

#ifndef CONFDIR
#define CONFDIR "/etc/aioffload"
#endif
#define STATEDIR	"/run/aioffload"
#define NODE		"aioffload"
#define GROUPS		"/sys/class/aioffload/aioffload/groups"
#define GAP_MS		20	/* between two looks at the cgroups */
#define RETRY_MS	200	/* a node that is there and can't be opened yet */
#define RETRIES		25
#define LOOKS		3

enum { EXIT_BAD = 1, EXIT_USAGE = 2, EXIT_SETUP = 4 };

struct daemon {
	const char *conf, *state, *dev;
	bool once, check, foreground;
	struct config config;
	struct applied applied;
	int inotify, signals;
	int follow;		/* events of cpu.weight */
	int dev_watch;
	int retries;		/* of everything: the node can't be opened yet */
	int looks;		/* at groups: a device's node comes before it */
	bool no_watches;	/* told already */
};

static struct daemon d = { .conf = CONFDIR, .state = STATEDIR, .dev = "/dev" };

/* ---- options ------------------------------------------------------------ */

static const struct argp_option options[] = {
	{ "config", 'c', "DIR", 0, "Directory of the configuration (" CONFDIR ")", 0 },
	{ "once", '1', NULL, 0, "Apply everything and exit", 0 },
	{ "check", 'n', NULL, 0, "Read all files, say what is wrong, and exit", 0 },
	{ "foreground", 'f', NULL, 0, "Do not go into the background", 0 },
	{ "state", 's', "DIR", 0, "Directory of the state (" STATEDIR ")", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'c':
		d.conf = arg;
		return 0;
	case 's':
		d.state = arg;
		return 0;
	case '1':
		d.once = true;
		return 0;
	case 'n':
		d.check = true;
		return 0;
	case 'f':
		d.foreground = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		return EINVAL;
	case ARGP_KEY_END:
		if (strlen(d.conf) > PATH_MAX / 2 || strlen(d.state) > PATH_MAX / 2)
			argp_error(state, "a directory's name is too long");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_version(FILE *to, struct argp_state *state)
{
	fprintf(to, "aioffloadd %s (ABI %u)\n", aioffload_version(),
		AIOFFLOAD_ABI_VERSION);
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Bring keys, policy, rights, limits and weights of " CONFDIR " to the "
	       "kernel, and keep them there.",
};

/* ---- the service manager ------------------------------------------------ */

static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(addr.sun_path) || !strchr("/@", *path))
		return;
	memcpy(addr.sun_path, path, len);
	if (*path == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&addr,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

static void notify_state(int ret, unsigned int errors)
{
	char text[160];

	if (ret == -ENOENT)
		snprintf(text, sizeof(text),
			 "READY=1\nSTATUS=The module is not loaded; waiting for it");
	else if (ret || errors)
		snprintf(text, sizeof(text),
			 "READY=1\nSTATUS=Applied with errors; see the log");
	else
		snprintf(text, sizeof(text), "READY=1\nSTATUS=%zu cgroups have rights, limits or weights",
			 d.applied.n);
	notify(text);
}

/* ---- applying ----------------------------------------------------------- */

static void watch_dir(int fd)
{
	char path[40];

	if (d.inotify < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(d.inotify, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
		return;
	if (errno == ENOSPC && !d.no_watches) {
		d.no_watches = true;
		log_err("too many directories to watch: raise fs.inotify.max_user_watches; new cgroups may be missed until then");
	}
}

/* 0; -ENOENT: the module is not loaded; or another errno, logged. */
static int open_device(struct aioffload_ctx **ctx)
{
	int ret = aioffload_open(AIOFFLOAD_DEVICE_ANY, ctx);

	if (ret && ret != -ENOENT && ret != -ENXIO && ret != -ENODEV)
		log_err("%s", aioffload_last_error());
	return ret;
}

static int apply_all(void)
{
	unsigned int before = log_errors;
	struct aioffload_ctx *ctx;
	int ret = open_device(&ctx);

	if (!ret) {
		apply_config(ctx, &d.config, d.conf, &d.applied, watch_dir);
		follow_round(ctx);
		aioffload_close(ctx);
		state_save(d.state, &d.applied);
	}
	notify_state(ret, log_errors - before);
	return ret;
}

static void apply_groups(void)
{
	struct aioffload_ctx *ctx;

	if (!d.config.nr_rules || open_device(&ctx))
		return;
	groups_apply(ctx, &d.config, &d.applied, false, watch_dir);
	aioffload_close(ctx);
	state_save(d.state, &d.applied);
}

static void apply_weights(void)
{
	struct aioffload_ctx *ctx;

	if (open_device(&ctx))
		return;
	follow_round(ctx);
	aioffload_close(ctx);
}

static void reload(void)
{
	config_free(&d.config);
	config_load(&d.config, d.conf);
}

/* ---- events ------------------------------------------------------------- */

struct seen {
	bool module, groups, device, weights;
};

static void look_at(const struct inotify_event *e, struct seen *seen)
{
	if (e->mask & IN_Q_OVERFLOW) {
		/* whatever it was */
		seen->module = true;
		return;
	}
	if (e->wd != d.dev_watch) {
		if (e->mask & IN_ISDIR && !(e->mask & IN_IGNORED))
			seen->groups = true;
		return;
	}
	if (!e->len || strncmp(e->name, NODE, strlen(NODE)))
		return;
	if (!e->name[strlen(NODE)])
		seen->module = true;
	else
		seen->device = true;
}

static void read_events(struct seen *seen)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	ssize_t n, at;

	while ((n = read(d.inotify, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(buf + at);
			look_at(e, seen);
		}
	}
}

/* A new one forgets the directories that no pattern names any more. */
static int set_up_watches(void)
{
	if (d.inotify >= 0)
		close(d.inotify);
	d.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (d.inotify < 0) {
		log_err("no events: %s", strerror(errno));
		return -EMFILE;
	}
	d.dev_watch = inotify_add_watch(d.inotify, d.dev, IN_CREATE | IN_ONLYDIR);
	if (d.dev_watch < 0) {
		log_err("%s can't be watched: %s", d.dev, strerror(errno));
		return -EIO;
	}
	return 0;
}

/* A module that was loaded knows nothing of what its predecessor was told. */
static void module_appeared(void)
{
	targets_free(&(struct targets){ d.applied.t, d.applied.n });
	memset(&d.applied, 0, sizeof(d.applied));
	d.retries = apply_all() ? RETRIES : 0;
}

/* Returns the signal that ends us, or 0. */
static int on_signal(void)
{
	struct signalfd_siginfo info;

	if (read(d.signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGHUP)
		return (int)info.ssi_signo;
	log_info("reading the configuration anew");
	notify("RELOADING=1");
	reload();
	if (set_up_watches())
		return SIGTERM;
	apply_all();
	return 0;
}

static void wait_gap(const struct timespec *last)
{
	struct timespec now, gap = { 0 };
	long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - last->tv_sec) * 1000 +
		(now.tv_nsec - last->tv_nsec) / 1000000;
	if (ms >= GAP_MS)
		return;
	/* many cgroups in a short time are looked at together */
	gap.tv_nsec = (GAP_MS - ms) * 1000000;
	nanosleep(&gap, NULL);
}

static int timeout(void)
{
	return d.retries || d.looks ? RETRY_MS : follow_timeout();
}

static void on_timeout(void)
{
	if (d.retries) {
		d.retries--;
		if (!apply_all())
			d.retries = 0;
	} else if (d.looks) {
		d.looks--;
		apply_groups();
	} else {
		apply_weights();
	}
}

static void read_all_events(const struct pollfd *fds, struct seen *seen)
{
	static struct timespec last;

	if (!fds[0].revents && !fds[1].revents)
		return;
	wait_gap(&last);
	if (fds[0].revents)
		read_events(seen);
	if (fds[1].revents)
		seen->weights = follow_events();
	clock_gettime(CLOCK_MONOTONIC, &last);
}

static int serve(void)
{
	struct pollfd fds[3] = {
		{ .events = POLLIN }, { .events = POLLIN }, { .events = POLLIN },
	};
	struct seen seen;
	int sig, n;

	for (;;) {
		fds[0].fd = d.inotify;
		fds[1].fd = d.follow;
		fds[2].fd = d.signals;
		n = poll(fds, 3, timeout());
		if (n < 0 && errno != EINTR)
			return -errno;
		memset(&seen, 0, sizeof(seen));
		if (n > 0 && fds[2].revents) {
			sig = on_signal();
			if (sig)
				return 0;
		}
		if (n > 0)
			read_all_events(fds, &seen);
		if (seen.module)
			module_appeared();
		else if (seen.groups || seen.device)
			apply_groups();
		if (seen.weights && !seen.module)
			apply_weights();
		if (seen.device)
			d.looks = LOOKS;
		if (!n)
			on_timeout();
	}
}

/* ---- start -------------------------------------------------------------- */

static int set_up_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d.signals < 0) {
		log_err("no signals: %s", strerror(errno));
		return -EMFILE;
	}
	return 0;
}

static int run_daemon(void)
{
	int ret;

	if (set_up_signals() || set_up_watches())
		return EXIT_BAD;
	d.follow = follow_start(GROUPS);
	ret = apply_all();
	if (ret == -ENOENT)
		log_info("the module is not loaded; waiting for it");
	else if (ret)
		d.retries = RETRIES;
	if (!d.foreground) {
		if (daemon(0, 0)) {
			log_err("can't go into the background: %s",
				strerror(errno));
			return EXIT_BAD;
		}
		log_open(TO_SYSLOG);
	}
	ret = serve();
	notify("STOPPING=1");
	if (ret)
		log_err("%s", strerror(-ret));
	return ret ? EXIT_BAD : 0;
}

int main(int argc, char **argv)
{
	char *conf;
	int ret = 0;

	argp_program_version_hook = print_version;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	d.inotify = -1;
	d.follow = -1;
	/* the background has another current directory */
	conf = realpath(d.conf, NULL);
	if (conf)
		d.conf = conf;
	/* not for --check: its messages are for who typed it */
	if (getenv("JOURNAL_STREAM") && !d.check && !d.once)
		log_open(TO_JOURNAL);
	reload();
	if (d.check) {
		keys_load(d.conf, KEYS_CHECK);
	} else {
		state_load(d.state, &d.applied);
		if (d.once) {
			ret = apply_all();
			if (ret == -ENOENT)
				log_err("%s", aioffload_last_error());
			if (ret)
				ret = EXIT_SETUP;
		} else {
			ret = run_daemon();
		}
	}
	if (!ret && (d.check || d.once) && log_errors)
		ret = EXIT_BAD;
	targets_free(&(struct targets){ d.applied.t, d.applied.n });
	config_free(&d.config);
	follow_stop();
	free(conf);
	return ret;
}
