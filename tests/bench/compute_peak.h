/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Upper bound of a vector unit, measured: see compute_peak_*.c */
#ifndef _BENCH_COMPUTE_PEAK_H
#define _BENCH_COMPUTE_PEAK_H

/* int8 multiply-adds per ns on one core, best of many rounds; 0: not known */
double compute_peak(const char *isa);

double compute_peak_avx2(void);
double compute_peak_avxvnni(void);
double compute_peak_avx512(void);
double compute_peak_avx512vnni(void);

#endif /* _BENCH_COMPUTE_PEAK_H */
