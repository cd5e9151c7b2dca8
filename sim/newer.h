/* Nodes of the next release: what they say has fields that this one does not know. Those are skipped by who
 * reads them, and kept by who passes the bytes on (docs/protocol.md, section 4). The product encodes; the
 * linker puts newer.c between (as stub.c). */
#pragma once

#include <stdbool.h>

/* Whose messages are encoded from now on: a node of the next release, or of this. */
void sim_newer_speaks(bool newer);
