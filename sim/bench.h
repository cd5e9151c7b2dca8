/* The simulator's own figures: how fast it goes, how much it takes. */
#pragma once

#include <stdbool.h>

/* Measures and prints them, in about ten minutes; |quick|: in about two, and less exactly. |days| is for the
 * disks of whole days, |dir| for the others. Gives the exit status: 0 if all was measured. */
int sim_bench(const char *days, const char *dir, bool quick);
