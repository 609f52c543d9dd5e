// SPDX-License-Identifier: LGPL-2.1-or-later
/* Apart from cli.c, so that tests can link the command without its main(). */
#include "cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
