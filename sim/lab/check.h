/* What must hold when everything rests: clients' ledgers against what the nodes themselves say. */
#pragma once

#include "sim/lab/work.h"

/* Nothing is on its way any more, but what waits for a node that lost its memory. If not, |why| says what is.
 */
bool lab_check_quiet(struct lab *lab, char *why, size_t room);
/* All rules of the end. Clients have ended. */
void lab_check_end(struct lab *lab, const struct lab_work *work);
