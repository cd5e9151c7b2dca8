/* pki_chain_check() and pki_chain_check_pem(). The first byte says how: 0, certificates as DER, each after
 * its size in two bytes; 1, PEM; 2, a good leaf with the changes that follow, so that what lies behind the
 * decoding is reached; 3, the same as PEM. No leaf but the two that the CA has signed may ever pass. */
#include "tests/fuzz/fuzz_region.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHAIN_ROOM = TB_CHAIN_CERTS_MAX + 1 }; /* one too many must be refused too */

struct question {
	enum pki_role role;
	tb_time now;
};

static void answer_check(const struct pki_identity *identity, enum tb_code code, const struct tb_error *err,
                         const struct question *question, struct tb_bytes leaf)
{
	struct fuzz_region *region = fuzz_region();
	assert((code == TB_OK) == (identity != NULL));
	if (!identity) {
		assert(err->code == code && err->text[0]);
		assert(tb_text_printable(tb_bytes_str(err->text)));
		assert(code == TB_EMALFORMED || code == TB_EUNTRUSTED || code == TB_EEXPIRED);
		return;
	}
	bool seal = question->role == PKI_ROLE_SEAL;
	assert(identity->role == question->role);
	assert(strcmp(identity->region, "320400") == 0);
	assert((identity->issuer[0] != '\0') == seal);
	assert(question->now >= identity->valid_from && question->now < identity->valid_until);
	assert(tb_bytes_equal(leaf, region->certs[seal]));
}

static void check_der(const struct tb_bytes *chain, size_t count, const struct question *question)
{
	const struct pki_identity *identity = NULL;
	const struct pki_identity *again = NULL;
	struct tb_error err = {0};
	struct pki_trust *trust = fuzz_region()->trust;
	enum tb_code code =
		pki_chain_check(&identity, trust, chain, count, question->role, question->now, &err);
	answer_check(identity, code, &err, question, count > 0 ? chain[0] : tb_bytes_of(NULL, 0));
	/* The cache says the same. */
	assert(pki_chain_check(&again, trust, chain, count, question->role, question->now, NULL) == code);
	assert(again == identity);
	uint8_t print[PKI_HASH_BYTES];
	if (count > 0 && pki_cert_fingerprint(print, chain[0], NULL) == TB_OK && identity)
		assert(memcmp(print, identity->keyid, sizeof(print)) == 0);
}

static void check_pem(struct tb_bytes pem, const struct question *question, struct tb_arena *arena)
{
	const struct pki_identity *identity = NULL;
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX] = {{0}};
	size_t count = 0;
	struct tb_error err = {0};
	enum tb_code code = pki_chain_check_pem(&identity, fuzz_region()->trust, pem, question->role,
	                                        question->now, &err);
	enum tb_code form = pki_pem_to_chain(chain, &count, pem, arena, NULL);
	answer_check(identity, code, &err, question, chain[0]);
	assert(form == TB_OK || code == form);
	if (form != TB_OK)
		return;
	struct tb_buf text = {0};
	struct tb_bytes second[TB_CHAIN_CERTS_MAX];
	size_t second_count = 0;
	pki_chain_to_pem(&text, chain, count);
	fuzz_must(pki_pem_to_chain(second, &second_count, tb_buf_bytes(&text), arena, NULL));
	assert(second_count == count);
	for (size_t i = 0; i < count; i++)
		assert(tb_bytes_equal(second[i], chain[i]));
	tb_buf_clear(&text);
}

/* A copy of |bytes| with some bytes changed. */
static struct tb_bytes changed(struct tb_bytes bytes, struct fuzz_input *in, struct tb_arena *arena)
{
	uint8_t *copy = tb_arena_copy(arena, bytes.data, bytes.size);
	while (in->size > 0) {
		size_t at = (size_t)fuzz_number(in, 2) % bytes.size;
		copy[at] ^= (uint8_t)fuzz_number(in, 1);
	}
	return tb_bytes_of(copy, bytes.size);
}

static void run(struct fuzz_input *in, struct tb_arena *arena)
{
	unsigned how = (unsigned)fuzz_number(in, 1) % 4;
	unsigned asked = (unsigned)fuzz_number(in, 1);
	bool seal = asked & 4;
	struct question question = {.role = (enum pki_role)(asked & 3), .now = FUZZ_NOW};
	if (question.role > PKI_ROLE_SEAL)
		question.role = seal ? PKI_ROLE_SEAL : PKI_ROLE_MESSAGE;
	if (asked & 8)
		question.now = (tb_time)fuzz_number(in, 8);
	struct tb_bytes chain[CHAIN_ROOM];
	struct tb_buf pem = {0};
	size_t count = 0;
	if (how == 0) {
		for (; count < CHAIN_ROOM && in->size > 0; count++) {
			size_t size = (size_t)fuzz_number(in, 2);
			size = size < in->size ? size : in->size;
			chain[count] = tb_arena_bytes(arena, tb_bytes_of(in->data, size));
			in->data += size;
			in->size -= size;
		}
		check_der(chain, count, &question);
	} else if (how == 1) {
		check_pem(tb_arena_bytes(arena, tb_bytes_of(in->data, in->size)), &question, arena);
	} else if (how == 2) {
		chain[0] = changed(fuzz_region()->certs[seal], in, arena);
		check_der(chain, 1, &question);
	} else {
		pki_chain_to_pem(&pem, &fuzz_region()->certs[seal], 1);
		check_pem(changed(tb_buf_bytes(&pem), in, arena), &question, arena);
	}
	tb_buf_clear(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tb_arena arena = {0};
	struct fuzz_input in = {data, size};
	run(&in, &arena);
	tb_arena_clear(&arena);
	return 0;
}
