/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random networks for tests of the converter, see README.
 *
 * Every op_X() appends one operator with random parameters that works on the
 * value given, and makes its outputs values. It appends none where the value
 * does not suit. Numbers of option fields are those of TensorFlow's schema.
 */
#ifndef GEN_NETS_H
#define GEN_NETS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "tfl_builder.h"
#include "tflite.h"

/* Options that the converter does not read. */
#define OPT_CAST	36
#define OPT_SHAPE	55

#define MAX_CHANNELS	4096

/**
 * struct value - a tensor that operators may use
 * @t:	its number
 * @d:	its dimensions
 * @s:	its scale, @z: its zero point; no matter for floats
 */
struct value {
	int t, rank, d[6];
	float s;
	int z;
};

extern struct tfl_builder b;	/* the network */
extern int type;		/* of its activations: TB_I8, TB_U8 or TB_F32 */
extern struct value pool[64];	/* all values so far */
extern int nr_pool;

int between(int lo, int hi);	/* both included */
double uniform(void);		/* 0 <= x < 1 */
float scale_near(double base);
int some_zero(void);
int lowest(void);
int is_float(void);
long elements(struct value *c);
int activation(void);

/* Memory that lasts as long as the network. */
void *keep(size_t bytes);
/* A new tensor of the network's type. */
struct value new_act(int rank, int *d, float s, int z);
/* The same, with a scale near @base and some zero point. */
struct value new_scaled(int rank, int *d, double base);
/* It is there for others from now on, and an output. */
void result(struct value c);
/* A random constant; floats within +-@range. */
int constant(const char *name, float s, int z, int rank, int *d, double range);
/*
 * Random weights: quantised as a whole or by @channels of dimension @qd, floats
 * perhaps by DEQUANTIZE. @ws: out: their @ns scales.
 */
int weights(int rank, int *d, int channels, int qd, float base, float *ws,
	    int *ns);
int bias(int channels, float in_scale, float *ws, int ns);

void op_conv(struct value *x, int dw);
void op_group(struct value *x);
void op_tconv(struct value *x);
void op_fc(struct value *x);
void op_pool(struct value *x, int mx);
void op_bin(struct value *x, int code);
void op_un(struct value *x);
void op_lim(struct value *x);
void op_prelu(struct value *x);
void op_r01(struct value *x);
void op_div(struct value *x);
void op_mean(struct value *x);
void op_rmax(struct value *x);
void op_softmax(struct value *x);
void op_mixed(struct value *x);
void op_cast(struct value *x);
void op_rnn(struct value *x);
void op_reshape(struct value *x);
void op_flat(struct value *x);
void op_sq(struct value *x);
void op_na(struct value *x);
void op_ell(struct value *x);
void op_transpose(struct value *x);
void op_pad(struct value *x);
void op_concat(struct value *x);
void op_slice(struct value *x);
void op_sslice(struct value *x);
void op_split(struct value *x);
void op_splitv(struct value *x);
void op_pack(struct value *x);
void op_unpack(struct value *x);
void op_space(struct value *x);

#endif /* GEN_NETS_H */
