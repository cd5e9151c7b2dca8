/* What all worlds of a process share: regions, the calendar, where provinces lie, and the keys and
 * certificates of regions, which depend on nothing but the region's code. */
#pragma once

#include "node/core/calendar.h"
#include "node/core/region.h"
#include "pki/cert.h"

struct sim_credential {
	struct pki_key *key;
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t chain_count;
};

struct sim_identity {
	char code[PKI_REGION_ROOM];
	struct tb_arena arena;
	struct pki_key *ca;
	struct tb_buf ca_pem;
	struct sim_credential message;
	struct sim_credential seal;
};

const struct regions *sim_regions(void);
const struct calendar *sim_calendar(void);

/* Region |index| of a world of |count|: those of the shipped table, spread over it; beyond its size, invented
 * counties. |code| has room for PKI_REGION_ROOM, |name| for |room| bytes. */
void sim_region_at(size_t index, size_t count, char *code, char *name, size_t room);

/* The region |wanted|, six digits; its name is the code if the table does not have it. The same rooms. */
void sim_region_named(const char *wanted, char *code, char *name, size_t room);

/* Made at the first call, kept until sim_tables_free(). Draws from OpenSSL's random source: not while a world
 * is running. */
const struct sim_identity *sim_identity(const char *code);
/* A message key of |region| with another certificate, signed by |ca|'s CA: for hostile peers. To be cleared
 * with sim_credential_clear(); the chain is in |arena|. */
void sim_credential_make(struct sim_credential *out, const struct sim_identity *ca, const char *uri,
                         tb_time from, tb_time until, struct tb_arena *arena);
void sim_credential_clear(struct sim_credential *credential);

/* Between two regions, in kilometres, by their provinces' capitals. */
unsigned sim_distance(const char *a, const char *b);

void sim_tables_free(void);
