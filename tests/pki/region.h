/* Regions with keys and certificates, for the tests of what is signed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/cert.h"

static const tb_time NOW = 1790000000000; /* 2026-09-21 */

struct credential {
	struct pki_key *key;
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t chain_count;
};

struct region {
	const char *code;
	struct tb_arena arena;
	struct pki_key *ca;
	struct tb_buf ca_pem;
	struct credential node;
	struct credential message;
	struct credential seal;
};

#define SEAL_ISSUER "11320400MB0A00001X"

/* A leaf of |region|'s CA; |uri| overrides the name that it would carry. */
static inline void issue(struct region *region, struct credential *out, enum pki_suite suite,
                         enum pki_role role, const char *uri)
{
	struct tb_error err = {0};
	struct tb_buf pem = {0};
	struct pki_issue leaf = {.region = region->code,
	                         .role = role,
	                         .issuer = role == PKI_ROLE_SEAL ? SEAL_ISSUER : NULL,
	                         .common_name = "test",
	                         .valid_from = NOW - TB_DAY,
	                         .valid_until = NOW + 30 * TB_DAY,
	                         .uri_override = uri};
	assert_int_equal(pki_key_generate(&out->key, suite, &err), TB_OK);
	assert_int_equal(
		pki_issue_leaf(&pem, out->key, region->ca, tb_buf_bytes(&region->ca_pem), &leaf, &err),
		TB_OK);
	assert_int_equal(
		pki_pem_to_chain(out->chain, &out->chain_count, tb_buf_bytes(&pem), &region->arena, &err),
		TB_OK);
	tb_buf_clear(&pem);
}

static inline void region_init(struct region *region, const char *code, enum pki_suite suite)
{
	struct tb_error err = {0};
	*region = (struct region){.code = code};
	struct pki_issue ca = {.region = code,
	                       .common_name = "test CA",
	                       .valid_from = NOW - 100 * TB_DAY,
	                       .valid_until = NOW + 1000 * TB_DAY,
	                       .ca = true};
	assert_int_equal(pki_key_generate(&region->ca, suite, &err), TB_OK);
	assert_int_equal(pki_issue_ca(&region->ca_pem, region->ca, &ca, &err), TB_OK);
	issue(region, &region->node, suite, PKI_ROLE_NODE, NULL);
	issue(region, &region->message, suite, PKI_ROLE_MESSAGE, NULL);
	issue(region, &region->seal, suite, PKI_ROLE_SEAL, NULL);
}

static inline void region_clear(struct region *region)
{
	pki_key_free(region->ca);
	pki_key_free(region->node.key);
	pki_key_free(region->message.key);
	pki_key_free(region->seal.key);
	tb_buf_clear(&region->ca_pem);
	tb_arena_clear(&region->arena);
}

static inline void region_trust(struct pki_trust *trust, const struct region *region)
{
	struct tb_error err = {0};
	assert_int_equal(pki_trust_add(trust, region->code, tb_buf_bytes(&region->ca_pem), &err), TB_OK);
}
