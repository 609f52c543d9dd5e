// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random networks of TensorFlow Lite, and inputs for them.
 *
 *	gen_nets SEED PREFIX N		PREFIX0.tflite, PREFIX0.in, ...
 *
 * Network k of seed s is that of seed s + k. Three samples each.
 */
#include <stdio.h>
#include "gen_nets.h"

#define SAMPLES		3

struct tfl_builder b;
int type;
struct value pool[64];
int nr_pool;
static int outs[64], nr_outs;
static void *kept[4 * TB_OPS];
static int nr_kept;
static unsigned long long state;

static unsigned int rnd(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(state >> 33);
}

int between(int lo, int hi)
{
	return lo + (int)(rnd() % (unsigned int)(hi - lo + 1));
}

double uniform(void)
{
	return rnd() / 2147483648.0;
}

/* Of the quantised type */
int lowest(void)
{
	return type == TB_U8 ? 0 : -128;
}

int is_float(void)
{
	return type == TB_F32;
}

long elements(struct value *c)
{
	long n = 1;

	for (int i = 0; i < c->rank; i++)
		n *= c->d[i];
	return n;
}

/* None, or a fused one */
int activation(void)
{
	return between(0, 1) ? 0 : between(1, 3);
}

/* Within a factor of 4 */
float scale_near(double base)
{
	return (float)(base * exp2(uniform() * 4 - 2));
}

/* A zero point, often one at an end */
int some_zero(void)
{
	if (between(0, 4) == 0)
		return lowest();
	if (between(0, 4) == 0)
		return lowest() + 255;
	return between(lowest(), lowest() + 255);
}

struct value new_act(int rank, int *d, float s, int z)
{
	struct value c = { .rank = rank, .s = s, .z = z };

	memcpy(c.d, d, sizeof(int) * rank);
	c.t = tb_act(&b, "t", type, is_float() ? 0 : s, is_float() ? 0 : z, rank, d);
	return c;
}

struct value new_scaled(int rank, int *d, double base)
{
	float s = scale_near(base);

	return new_act(rank, d, s, some_zero());
}

void result(struct value c)
{
	pool[nr_pool++] = c;
	outs[nr_outs++] = c.t;
}

static long product(int rank, const int *d)
{
	long n = 1;

	for (int i = 0; i < rank; i++)
		n *= d[i];
	return n;
}

int constant(const char *name, float s, int z, int rank, int *d, double range)
{
	long i, n = product(rank, d);
	unsigned char *q = malloc(n * sizeof(float));
	float *f = (float *)q;
	int id;

	if (is_float()) {
		for (i = 0; i < n; i++)
			f[i] = (float)((uniform() * 2 - 1) * range);
		id = tb_const(&b, name, TB_F32, 0, 0, rank, d, f);
	} else {
		for (i = 0; i < n; i++)
			q[i] = (unsigned char)between(0, 255);
		id = tb_const(&b, name, type, s, z, rank, d, q);
	}
	free(q);
	return id;
}

static int dequantized(int id, int rank, int *d)
{
	int out = tb_act(&b, "wf", TB_F32, 0, 0, rank, d);

	tb_operator(&b, TFL_DEQUANTIZE, 1, &id, 1, &out);
	return out;
}

/* Half floats: a few subnormal ones among ordinary ones */
static int weights_f16(int rank, int *d)
{
	long i, n = product(rank, d);
	unsigned short *h = malloc(n * sizeof(*h));
	int id;

	for (i = 0; i < n; i++) {
		h[i] = (unsigned short)between(0, 1023);
		if (between(0, 30))
			h[i] |= (unsigned short)(between(8, 14) << 10);
		if (between(0, 1))
			h[i] |= 1U << 15;
	}
	id = tb_const(&b, "h", TB_F16, 0, 0, rank, d, h);
	free(h);
	return dequantized(id, rank, d);
}

static int weights_stored_as_s8(int rank, int *d)
{
	long i, n = product(rank, d);
	signed char *q = malloc(n);
	struct tb_tensor t = {
		.name = "wq", .type = TB_I8, .rank = rank, .data = q,
		.bytes = (int)n, .nr_scales = 1, .scale = 0.004f,
	};
	int id;

	for (i = 0; i < n; i++)
		q[i] = (signed char)between(-128, 127);
	memcpy(t.dims, d, sizeof(int) * rank);
	t.zero = between(-20, 20);
	id = tb_add(&b, &t);
	free(q);
	return dequantized(id, rank, d);
}

static int weights_float(int rank, int *d)
{
	int k = between(0, 3);

	if (k < 2 || b.nr_ops > 40)
		return constant("w", 0, 0, rank, d, 0.5);
	return k == 2 ? weights_f16(rank, d) : weights_stored_as_s8(rank, d);
}

int weights(int rank, int *d, int channels, int qd, float base, float *ws, int *ns)
{
	long i, n = product(rank, d);
	struct tb_tensor t = { .name = "w", .type = type, .rank = rank,
			       .bytes = (int)n };
	unsigned char *q;
	int id;

	*ns = 0;
	if (is_float())
		return weights_float(rank, d);
	q = malloc(n);
	for (i = 0; i < n; i++)
		q[i] = (unsigned char)(type == TB_U8 ? between(0, 255) : between(-127, 127));
	t.data = q;
	memcpy(t.dims, d, sizeof(int) * rank);
	if (type == TB_U8 || channels < 2 || between(0, 2) == 0) {
		t.nr_scales = *ns = 1;
		t.scale = ws[0] = scale_near(base);
		if (type == TB_U8)
			t.zero = between(0, 3) ? between(90, 160) : 128;
	} else {
		t.nr_scales = *ns = channels;
		for (i = 0; i < channels; i++)
			ws[i] = scale_near(base);
		t.scales = ws;
		t.quantized_dimension = qd;
	}
	id = tb_add(&b, &t);
	free(q);
	return id;
}

int bias(int channels, float in_scale, float *ws, int ns)
{
	int d[1] = { channels }, values[MAX_CHANNELS];
	float *scales = keep(MAX_CHANNELS * sizeof(*scales));
	struct tb_tensor t = {
		.name = "b", .type = TB_I32, .rank = 1, .dims = { channels },
		.data = values, .bytes = (int)sizeof(int) * channels,
		.nr_scales = ns, .scales = scales,
	};
	int i;

	if (is_float())
		return constant("b", 0, 0, 1, d, 0.5);
	for (i = 0; i < channels; i++)
		values[i] = between(-3000, 3000);
	for (i = 0; i < ns; i++)
		scales[i] = in_scale * ws[i];
	t.scale = scales[0];
	return tb_add(&b, &t);
}

/* ---- networks ---- */

void *keep(size_t bytes)
{
	if (nr_kept == sizeof(kept) / sizeof(kept[0]))
		abort();
	return kept[nr_kept++] = calloc(1, bytes);
}

static void end_net(void)
{
	tb_free(&b);
	while (nr_kept)
		free(kept[--nr_kept]);
}

static void conv(struct value *x) { op_conv(x, 0); }
static void depthwise(struct value *x) { op_conv(x, 1); }
static void average(struct value *x) { op_pool(x, 0); }
static void largest(struct value *x) { op_pool(x, 1); }
static void add(struct value *x) { op_bin(x, TFL_ADD); }
static void sub(struct value *x) { op_bin(x, TFL_SUB); }
static void mul(struct value *x) { op_bin(x, TFL_MUL); }
static void packs(struct value *x) { between(0, 1) ? op_pack(x) : op_unpack(x); }
static void floats(struct value *x) { op_prelu(x); op_div(x); }

static const struct {
	void (*append)(struct value *x);
	int rank4;		/* for pictures only */
} choices[] = {
	{ conv, 1 }, { conv, 1 }, { conv, 1 }, { depthwise, 1 }, { depthwise, 1 },
	{ average, 1 }, { largest, 1 }, { op_fc, 0 }, { add, 0 }, { sub, 0 },
	{ mul, 0 }, { op_un, 0 }, { op_un, 0 }, { op_reshape, 0 },
	{ op_transpose, 0 }, { op_pad, 0 }, { op_mean, 0 }, { op_softmax, 0 },
	{ op_concat, 0 }, { op_slice, 0 }, { op_sslice, 0 }, { op_split, 0 },
	{ packs, 0 }, { op_flat, 0 }, { op_flat, 0 }, { op_mixed, 0 },
	{ op_mixed, 0 }, { op_sq, 0 }, { op_splitv, 0 }, { op_group, 1 },
	{ op_space, 1 }, { op_space, 1 }, { op_lim, 0 }, { floats, 0 },
	{ op_r01, 0 }, { op_rmax, 1 }, { op_cast, 0 }, { op_na, 0 },
	{ op_ell, 0 }, { op_tconv, 1 }, { op_tconv, 1 }, { op_rnn, 1 },
};

#define NR_CHOICES	((int)(sizeof(choices) / sizeof(choices[0])))

/* Return: it has an output. */
static int make_net(unsigned int seed, struct value *x)
{
	static const int types[] = { TB_I8, TB_I8, TB_I8, TB_I8, TB_I8, TB_I8,
				     TB_U8, TB_U8, TB_F32, TB_F32 };
	int i, len;

	state = seed * 0x9E3779B97F4A7C15ULL + 7;
	for (i = 0; i < 5; i++)
		rnd();
	tb_init(&b);
	nr_outs = 0;
	type = types[between(0, 9)];
	int d[4] = { between(0, 3) ? 1 : between(2, 3), between(1, 14),
		     between(1, 14), between(1, 17) };

	*x = new_scaled(4, d, 0.03);
	pool[0] = *x;
	nr_pool = 1;
	b.inputs[0] = x->t;
	b.nr_inputs = 1;
	len = between(1, 8);
	for (i = 0; i < len && nr_pool < 40 && nr_outs < 12 && b.nr_tensors < 100; i++) {
		struct value v = pool[between(0, 3) ? nr_pool - 1 : between(0, nr_pool - 1)];
		int k;

		if (elements(&v) > 60000)
			continue;
		k = between(0, NR_CHOICES - 1);
		if (!choices[k].rank4 || v.rank == 4)
			choices[k].append(&v);
	}
	if (!nr_outs)
		op_un(x);
	return nr_outs;
}

static void write_file(const char *prefix, int k, const char *suffix,
		       const void *data, size_t bytes)
{
	char path[300];

	FILE *f;

	snprintf(path, sizeof(path), "%s%d.%s", prefix, k, suffix);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void write_net(const char *prefix, int k, struct value *x)
{
	long i, n = elements(x) * SAMPLES;
	unsigned char *q;
	float *v;
	size_t bytes;
	void *p;

	b.nr_outputs = nr_outs > 16 ? 16 : nr_outs;
	memcpy(b.outputs, outs, sizeof(int) * b.nr_outputs);
	p = tb_finish(&b, &bytes);
	write_file(prefix, k, "tflite", p, bytes);
	free(p);
	q = malloc(n * sizeof(float));
	v = (float *)q;
	for (i = 0; i < n; i++) {
		if (is_float())
			v[i] = (float)(uniform() * 2 - 1);
		else
			q[i] = (unsigned char)between(0, 255);
	}
	write_file(prefix, k, "in", q, n * (is_float() ? sizeof(float) : 1));
	free(q);
}

int main(int argc, char **argv)
{
	struct value x;

	if (argc != 4) {
		fprintf(stderr, "usage: gen_nets SEED PREFIX N\n");
		return 2;
	}
	for (int k = 0; k < atoi(argv[3]); k++) {
		if (make_net(atoi(argv[1]) + k, &x))
			write_net(argv[2], k, &x);
		end_net();
	}
	return 0;
}
