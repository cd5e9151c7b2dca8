/* The simulator's own figures: how fast it goes, how much it takes. */
#pragma once

#include <stdbool.h>

/* Measures and prints them, in about ten minutes; |quick|: in about two, and less exactly. |dir| is for the
 * disks. Gives the exit status: 0 if all was measured. */
int sim_bench(const char *dir, bool quick);
