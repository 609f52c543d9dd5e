// SPDX-License-Identifier: LGPL-2.1-or-later
/* Running a program: a process of its own, its threads, and its end. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "fuzz.h"

#define KILL_SECONDS	60	/* emulated, with every check on */

unsigned int program_ms = 2500;
struct op_stats *op_stats;

static _Thread_local sigjmp_buf out_of_call;
static _Thread_local volatile bool in_call;

/* A mapping went while a call used it: only the call ends. */
static void on_fault(int sig)
{
	if (in_call)
		siglongjmp(out_of_call, sig);
	_exit(3);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* The next so-many-th allocation of this thread fails; debug kernels only. */
static void fail_nth(unsigned int n)
{
	char path[64], text[12];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/fail-nth",
		 syscall(SYS_gettid));
	snprintf(text, sizeof(text), "%u", n);
	write_file(path, text);
}

/* Ours say -1, as libc does, or -errno. */
static void count(struct op_stats *s, long ret)
{
	long err = ret == -1 ? errno : -ret;

	__atomic_fetch_add(ret < 0 ? &s->failed : &s->ok, 1, __ATOMIC_RELAXED);
	if (ret < 0 && err < NR_ERRNOS)
		__atomic_fetch_add(&s->with[err], 1, __ATOMIC_RELAXED);
}

long run_call(struct world *w, const struct call *c)
{
	volatile long ret = -1;

	if (c->fail)
		fail_nth(c->fail);
	if (!sigsetjmp(out_of_call, 1)) {
		in_call = true;
		errno = 0;
		ret = ops[c->op].run(w, c->arg);
		count(&op_stats[c->op], ret);
	}
	in_call = false;
	if (c->fail)
		fail_nth(0);
	return ret;
}

struct start {
	struct world *w;
	unsigned int thread;
	pthread_barrier_t *barrier;
};

static void run_thread(struct world *w, unsigned int thread)
{
	my_thread = thread;
	for (unsigned int i = 0; i < w->program->nr; i++) {
		if (w->program->call[i].thread == thread)
			run_call(w, &w->program->call[i]);
	}
}

static void *thread_main(void *arg)
{
	struct start *s = arg;

	pthread_barrier_wait(s->barrier);
	run_thread(s->w, s->thread);
	return NULL;
}

/* Keeps changing what PLACE_RACED calls hand over. */
static void *racer_main(void *arg)
{
	struct world *w = arg;
	volatile uint32_t *words = (volatile uint32_t *)w->raced;
	uint64_t r = w->program->seed;

	while (__atomic_load_n(&w->racing, __ATOMIC_RELAXED)) {
		for (unsigned int i = 0; i < 256; i++) {
			/* The sizes only now and then: they are looked at first */
			uint64_t at = rng_below(&r, PAGE / 4);

			if (at % 64 || i % 16 == 0)
				words[at] ^= 1U << rng_below(&r, 32);
		}
		sched_yield();
	}
	return NULL;
}

static bool wants_race(const struct program *p)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const char *z = strchr(ops[p->call[i].op].args, 'z');

		if (z && (p->call[i].arg[z - ops[p->call[i].op].args] & HAND_PLACE)
		    == PLACE_RACED << 4)
			return true;
	}
	return false;
}

static void run_threads(struct world *w)
{
	struct start s[MAX_THREADS];
	pthread_t t[MAX_THREADS], racer;
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, MAX_THREADS);
	w->racing = wants_race(w->program);
	if (w->racing && pthread_create(&racer, NULL, racer_main, w))
		w->racing = false;
	for (unsigned int i = 0; i < MAX_THREADS; i++) {
		s[i] = (struct start){ w, i, &barrier };
		if (pthread_create(&t[i], NULL, thread_main, &s[i]))
			_exit(4);
	}
	for (unsigned int i = 0; i < MAX_THREADS; i++)
		pthread_join(t[i], NULL);
	/* The racer ends with the process: that races, too */
}

static void signals(void)
{
	struct sigaction fault = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
	struct sigaction other = { .sa_handler = on_signal };

	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGUSR1, &other, NULL);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static void become_user(void)
{
	gid_t none = USER_ID;

	if (setgroups(1, &none) || setresgid(USER_ID, USER_ID, USER_ID) ||
	    setresuid(USER_ID, USER_ID, USER_ID))
		_exit(5);
}

static void run_child(const struct program *p)
{
	static struct world w;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signals();
	world_open(&w, p);
	write_file(CGROUPS "/cgroup.procs", "0");
	if (p->flags & PROG_CGROUP_NS)
		unshare(CLONE_NEWCGROUP);
	my_thread = SETUP;
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct call *c = &p->call[i];

		/* Devices are the administrator's even in a user's programs */
		if (c->thread == SETUP && !strncmp(ops[c->op].name, "null", 4))
			run_call(&w, c);
	}
	if (p->flags & PROG_USER)
		become_user();
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct call *c = &p->call[i];

		if (c->thread == SETUP && strncmp(ops[c->op].name, "null", 4))
			run_call(&w, c);
	}
	run_threads(&w);
	_exit(0);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Until this process is there no more, or none at all if @pid is -1. */
static bool gone(int pid, uint64_t until)
{
	const struct timespec ms2 = { 0, 2000000 };

	for (;;) {
		int got = waitpid(pid, NULL, WNOHANG);

		if (got < 0 && errno == ECHILD)
			return true;
		if (got > 0)
			continue;
		if (now_ms() >= until)
			return false;
		nanosleep(&ms2, NULL);
	}
}

bool program_run(const struct program *p)
{
	int pid = fork();

	if (!pid)
		run_child(p);
	if (pid < 0)
		return true;
	setpgid(pid, pid);
	gone(pid, now_ms() + program_ms);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	/* Its children became ours: main() is a subreaper */
	return gone(-1, now_ms() + KILL_SECONDS * 1000);
}
