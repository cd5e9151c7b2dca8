/* Bits that turn over in a stored value while nobody looks. The engine's own pages are left alone: what is
 * damaged is what the product has sealed, and must notice. */
#pragma once

#include "sim/node.h"

/* |node| is down. The table in which a value was damaged; NULL if there is none, or the store does not open.
 */
const char *sim_rot_value(struct sim_node *node, struct sim_random *random);
