// SPDX-License-Identifier: GPL-2.0
/*
 * What the processor has, and what the kernel lets us use of it.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#if defined(CONFIG_X86_64)
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#elif defined(CONFIG_ARM64)
#include <asm/cpufeature.h>
#endif
#include "cpu.h"

#if defined(CONFIG_X86_64)
#define ARCH	"x86-64"

void cpudev_detect(struct eng_cpu *cpu)
{
	bool ymm = cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM,
				     NULL);
	bool zmm = ymm && cpu_has_xfeatures(XFEATURE_MASK_AVX512, NULL);

	cpu->avx2 = ymm && boot_cpu_has(X86_FEATURE_AVX2) &&
		    boot_cpu_has(X86_FEATURE_FMA);
	cpu->avx_vnni = cpu->avx2 && boot_cpu_has(X86_FEATURE_AVX_VNNI);
	cpu->avx512 = zmm && boot_cpu_has(X86_FEATURE_AVX512F) &&
		      boot_cpu_has(X86_FEATURE_AVX512BW) &&
		      boot_cpu_has(X86_FEATURE_AVX512DQ) &&
		      boot_cpu_has(X86_FEATURE_AVX512VL);
	cpu->avx512_vnni = cpu->avx512 &&
			   boot_cpu_has(X86_FEATURE_AVX512_VNNI);
}
#elif defined(CONFIG_ARM64)
#define ARCH	"arm64"

void cpudev_detect(struct eng_cpu *cpu)
{
	cpu->neon = cpu_have_named_feature(ASIMD);
	cpu->neon_dotprod = cpu->neon && cpu_have_named_feature(ASIMDDP);
}
#endif

const char *cpudev_describe(const struct eng_isa *isa)
{
	static const struct {
		const char *name, *text;
	} texts[] = {
		{ "scalar", ARCH " scalar" },
		{ "avx2", ARCH " AVX2" },
		{ "avxvnni", ARCH " AVX-VNNI" },
		{ "avx512", ARCH " AVX-512" },
		{ "avx512vnni", ARCH " AVX-512 VNNI" },
		{ "neon", ARCH " NEON" },
		{ "neondot", ARCH " NEON dot product" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(eng_isa_name(isa), texts[i].name))
			return texts[i].text;
	return ARCH;
}
