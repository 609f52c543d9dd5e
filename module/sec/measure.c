// SPDX-License-Identifier: GPL-2.0
/* Admitted models, measured by IMA. */
#include "sec.h"
