/* A story that leaves something in every table of two nodes, and everything that can be called afterwards.
 * For tests of stores that are damaged: whatever is called is answered, and no call ends the process. */
#pragma once

#include "tests/core/hostile.h"

#define STORY_TYPE "11100000000013338W032"
#define STORY_ISSUER "11320400014109045T"
#define STORY_HOLDER "11010519491231002X"

struct story {
	struct pair *pair;
	char open[32];    /* under review */
	char granted[32]; /* with a certificate, and under a hold */
	char waiting[32]; /* with messages that have no receipt, both ways */
	char lost[32];    /* its package is a dead letter */
	char ended[32];   /* refused */
	char identifier[TB_ID_BYTES_MAX + 1];
	char evidence[8][64];
	size_t evidence_count;
	char root[64]; /* of a material, base64 */
	char matter[64];
	char agreement[64]; /* in force */
	char tokens[2][64]; /* of the window and of the home region: "Bearer tb_..." */
	uint8_t root_bytes[PKI_HASH_BYTES];
};

void story_new(struct story *story, struct scratch *scratch);

/* Every method is called; each gives a reply, or a code with a reason. */
void story_read_all(struct story *story, struct side *side);
/* Then what waits goes on its way, clocks run out and messages expire. */
void story_write_all(struct story *story, struct side *side);
/* What takes something away: erasing, pruning, releasing. */
void story_remove_all(struct story *story, struct side *side);

void story_copy_file(const char *from, const char *to);
