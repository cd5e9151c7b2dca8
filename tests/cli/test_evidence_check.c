#include "node/cli/evidence_check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/pki/region.h"

enum { QUERIES = 3 };

/* Region A (window) asks and sends, region B (home) answers and receipts. */
static struct region a;
static struct region b;
static struct pki_trust *trust;
static struct pki_random *drawn;
static struct tb_arena arena;
static struct tb_buf report;
static struct tb_error err;

static int set_up(void **state)
{
	static const uint8_t seed[32] = {9};
	(void)state;
	region_init(&a, "320400", PKI_P256);
	region_init(&b, "330100", PKI_ED25519);
	trust = pki_trust_new();
	region_trust(trust, &a);
	region_trust(trust, &b);
	drawn = pki_random_new(seed);
	text_use(false);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pki_random_free(drawn);
	pki_trust_unref(trust);
	region_clear(&a);
	region_clear(&b);
	tb_arena_clear(&arena);
	tb_buf_clear(&report);
	return 0;
}

static char *text_of(const char *text)
{
	return tb_arena_str(&arena, text);
}

static struct pki_batch *signed_batch(PbBatchKind kind, const struct region *sender,
                                      const struct region *receiver, const struct credential *by,
                                      const struct tb_bytes *messages, size_t count,
                                      struct tb_bytes in_reply_to)
{
	bool seal = kind == PB_BATCH_KIND__SEAL;
	struct pki_batch_head head = {.kind = kind,
	                              .sender = sender->code,
	                              .receiver = seal ? "" : receiver->code,
	                              .issuer = seal ? SEAL_ISSUER : NULL,
	                              .sent_at = NOW,
	                              .expires_at = seal ? NOW : NOW + TB_MINUTE,
	                              .in_reply_to = in_reply_to};
	struct pki_batch *batch = pki_batch_build(&head, messages, count, drawn);
	assert_int_equal(pki_batch_sign(batch, by->key, by->chain, by->chain_count, &err), TB_OK);
	return batch;
}

/* A proof that outlives the batch. */
static PbProof *proof_of(const struct pki_batch *batch, size_t index)
{
	PbProof *proof = PROTO_NEW(PbProof, proof, &arena);
	PbProof *copy;
	pki_proof_make(proof, batch, index, &arena);
	assert_int_equal(PROTO_DECODE(&copy, proof, proto_encode_arena(&arena, &proof->base), &arena, &err),
	                 TB_OK);
	return copy;
}

/* ---- answers */

static PbSealedCredential *sealed(const struct region *region, const char *number)
{
	PbCredential credential = PB_CREDENTIAL__INIT;
	credential.identifier = text_of("1.2.156.3005.2.TEST");
	credential.type = text_of("11100000MB0143028R001");
	credential.number = text_of(number);
	credential.name = text_of("营业执照");
	credential.region = text_of(region->code);
	credential.issuer = text_of(SEAL_ISSUER);
	struct tb_bytes message = proto_encode_arena(&arena, &credential.base);
	struct pki_batch *batch = signed_batch(PB_BATCH_KIND__SEAL, region, NULL, &region->seal, &message, 1,
	                                       tb_bytes_of(NULL, 0));
	PbSealedCredential *out = PROTO_NEW(PbSealedCredential, sealed_credential, &arena);
	out->proof = proof_of(batch, 0);
	pki_batch_free(batch);
	return out;
}

static struct pki_batch *queries(void)
{
	struct tb_bytes messages[QUERIES];
	for (size_t i = 0; i < QUERIES; i++) {
		PbQuery query = PB_QUERY__INIT;
		query.type = text_of("11100000MB0143028R001");
		query.number = tb_arena_printf(&arena, "N%zu", i);
		query.purpose = text_of("变更登记");
		query.basis = text_of("条例第二十四条");
		query.disclosure = PB_DISCLOSURE__DOCUMENT;
		messages[i] = proto_encode_arena(&arena, &query.base);
	}
	return signed_batch(PB_BATCH_KIND__QUERIES, &a, &b, &a.message, messages, QUERIES,
	                    tb_bytes_of(NULL, 0));
}

/* Answers to |asked|; number 1 carries |document|. */
static struct pki_batch *answers(const struct pki_batch *asked, PbSealedCredential *document,
                                 const struct credential *by)
{
	struct tb_bytes messages[QUERIES];
	for (size_t i = 0; i < QUERIES; i++) {
		PbAnswer answer = PB_ANSWER__INIT;
		answer.result = PB_VERIFY_RESULT__CONFIRMED;
		answer.state = PB_CREDENTIAL_STATE__VALID;
		answer.at_ms = NOW;
		answer.query = proto_data(tb_bytes_of(asked->leaves[i].bytes, PKI_HASH_BYTES));
		answer.document = i == 1 ? document : NULL;
		messages[i] = proto_encode_arena(&arena, &answer.base);
	}
	return signed_batch(PB_BATCH_KIND__ANSWERS, &b, &a, by, messages, QUERIES, pki_batch_root(asked));
}

static PbEvidence *evidence(const char *subject, PbProof *claim, PbProof *question)
{
	PbEvidence *out = PROTO_NEW(PbEvidence, evidence, &arena);
	out->version = 1;
	out->subject = text_of(subject);
	out->claim = claim;
	out->question = question;
	return out;
}

/* Evidence that answer |i| is to query |j|. */
static PbEvidence *answer_evidence(size_t i, size_t j, PbSealedCredential *document,
                                   const struct credential *by)
{
	struct pki_batch *asked = queries();
	struct pki_batch *answered = answers(asked, document, by);
	PbEvidence *out = evidence("answer", proof_of(answered, i), proof_of(asked, j));
	pki_batch_free(asked);
	pki_batch_free(answered);
	return out;
}

static enum tb_code check(const PbEvidence *item)
{
	proto_message *claim;
	report.size = 0;
	err = (struct tb_error){0};
	enum tb_code code = evidence_check(&report, &claim, item, trust, &arena, &err);
	assert_true((code == TB_OK) == (claim != NULL));
	/* A failure is never told with the sentence of success. */
	assert_true((code == TB_OK) == (strstr(tb_buf_text(&report), "The evidence holds.") != NULL));
	return code;
}

static void assert_told(const char *part)
{
	if (!strstr(tb_buf_text(&report), part))
		fail_msg("\"%s\" is not in:\n%s", part, tb_buf_text(&report));
}

static void test_evidence_of_an_answer_tells_who_said_what(void **state)
{
	(void)state;
	assert_int_equal(check(answer_evidence(1, 1, sealed(&b, "N1"), &b.message)), TB_OK);
	assert_told("the answer was signed with the message key of 330100 for 320400");
	assert_told("item 2 of 3");
	assert_told("answer: CONFIRMED: all that was given is so");
	assert_told("state of the certificate: VALID");
	assert_told("the query was signed with the message key of 320400 for 330100");
	assert_told("number N1");
	assert_told("answers exactly this query");
	assert_told("sealed by the issuer " SEAL_ISSUER " of 330100");
	assert_told("营业执照");
}

static void test_evidence_speaks_chinese(void **state)
{
	(void)state;
	PbEvidence *item = answer_evidence(0, 0, NULL, &b.message);
	struct tb_buf zh = {0};
	text_use(true);
	enum tb_code code = evidence_check(&zh, NULL, item, trust, &arena, &err);
	text_use(false);
	assert_int_equal(code, TB_OK);
	assert_non_null(strstr(tb_buf_text(&zh), "该答复正是对此查询作出的"));
	tb_buf_clear(&zh);
}

static void test_evidence_refuses_the_answer_to_another_query(void **state)
{
	(void)state;
	assert_int_equal(check(answer_evidence(1, 2, NULL, &b.message)), TB_EINVALID);
	assert_non_null(strstr(err.text, "another"));
	/* The same place in another batch. */
	PbEvidence *item = answer_evidence(1, 1, NULL, &b.message);
	item->question = answer_evidence(1, 1, NULL, &b.message)->question;
	assert_int_equal(check(item), TB_EINVALID);
	/* A query that was changed afterwards. */
	item = answer_evidence(1, 1, NULL, &b.message);
	item->question->item.data[TB_SALT_BYTES + 4] ^= 1;
	assert_int_equal(check(item), TB_EUNTRUSTED);
}

static void test_evidence_refuses_an_answer_whose_leaf_hash_is_not_the_query_s(void **state)
{
	(void)state;
	/* The answerer points at its right place in the batch, but names another query. */
	struct pki_batch *asked = queries();
	struct tb_bytes messages[QUERIES];
	for (size_t i = 0; i < QUERIES; i++) {
		PbAnswer answer = PB_ANSWER__INIT;
		answer.query = proto_data(tb_bytes_of(asked->leaves[0].bytes, PKI_HASH_BYTES));
		messages[i] = proto_encode_arena(&arena, &answer.base);
	}
	struct pki_batch *answered = signed_batch(PB_BATCH_KIND__ANSWERS, &b, &a, &b.message, messages,
	                                          QUERIES, pki_batch_root(asked));
	assert_int_equal(check(evidence("answer", proof_of(answered, 0), proof_of(asked, 0))), TB_OK);
	assert_int_equal(check(evidence("answer", proof_of(answered, 1), proof_of(asked, 1))), TB_EINVALID);
	assert_string_equal(err.text, "the answer is to another query");
	pki_batch_free(asked);
	pki_batch_free(answered);
}

static void test_evidence_refuses_what_was_changed(void **state)
{
	(void)state;
	PbEvidence *item = answer_evidence(1, 1, sealed(&b, "N1"), &b.message);
	PbProof *proofs[] = {item->claim, item->question};
	for (size_t p = 0; p < 2; p++) {
		ProtobufCBinaryData parts[] = {proofs[p]->item, proofs[p]->header, proofs[p]->signature,
		                               proofs[p]->path[0]};
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			parts[i].data[parts[i].len - 1] ^= 1;
			assert_int_not_equal(check(item), TB_OK);
			parts[i].data[parts[i].len - 1] ^= 1;
		}
	}
	assert_int_equal(check(item), TB_OK);
}

static void test_evidence_refuses_a_region_that_speaks_for_another(void **state)
{
	(void)state;
	assert_int_equal(check(answer_evidence(0, 0, NULL, &a.message)), TB_EUNTRUSTED);
	/* The TLS key and the seal key of the right region sign no answers. */
	assert_int_equal(check(answer_evidence(0, 0, NULL, &b.node)), TB_EUNTRUSTED);
	assert_int_equal(check(answer_evidence(0, 0, NULL, &b.seal)), TB_EUNTRUSTED);
}

static void test_evidence_refuses_a_region_without_anchors(void **state)
{
	(void)state;
	PbEvidence *item = answer_evidence(0, 0, NULL, &b.message);
	pki_trust_unref(trust);
	trust = pki_trust_new();
	region_trust(trust, &a);
	assert_int_equal(check(item), TB_EUNTRUSTED);
}

static void test_evidence_refuses_another_certificate_than_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(check(answer_evidence(1, 1, sealed(&b, "N2"), &b.message)), TB_EINVALID);
	/* A certificate of region A in region B's answer. */
	assert_int_equal(check(answer_evidence(1, 1, sealed(&a, "N1"), &b.message)), TB_EINVALID);
}

static void test_evidence_refuses_missing_parts_and_unknown_kinds(void **state)
{
	(void)state;
	PbEvidence *item = answer_evidence(0, 0, NULL, &b.message);
	PbProof *question = item->question;
	item->question = NULL;
	assert_int_equal(check(item), TB_EMALFORMED);
	item->question = question;
	/* A query in the place of an answer. */
	item->claim = question;
	assert_int_equal(check(item), TB_EINVALID);
	item->claim = NULL;
	assert_int_equal(check(item), TB_EMALFORMED);
	item = answer_evidence(0, 0, NULL, &b.message);
	item->subject = text_of("rumour");
	assert_int_equal(check(item), TB_EMALFORMED);
	item->subject = text_of("answer");
	item->version = 2;
	assert_int_equal(check(item), TB_EMALFORMED);
}

/* ---- case messages and receipts */

static struct tb_bytes entry_bytes(const char *number, uint32_t seq, PbCaseEvent event,
                                   struct tb_bytes previous)
{
	PbCaseEntry entry = PB_CASE_ENTRY__INIT;
	PbActor actor = PB_ACTOR__INIT;
	actor.role = PB_ROLE__R_WIN;
	actor.id = text_of("0371");
	entry.case_number = text_of(number);
	entry.seq = seq;
	entry.event = event;
	entry.from = PB_CASE_STATE__DRAFT;
	entry.to = PB_CASE_STATE__RECEIVED;
	entry.node = text_of(a.code);
	entry.actor = &actor;
	entry.at_ms = NOW;
	entry.previous = proto_data(previous);
	return proto_encode_arena(&arena, &entry.base);
}

static struct tb_bytes digest(struct tb_bytes bytes)
{
	uint8_t *out = tb_arena_alloc(&arena, PKI_HASH_BYTES);
	pki_sha256(out, bytes);
	return tb_bytes_of(out, PKI_HASH_BYTES);
}

/* A package of three entries; entry |bad| (from 1; 0: none) does not fit the one before. */
static struct tb_bytes package_bytes(uint32_t bad)
{
	static const uint8_t id[16] = {1, 2, 3};
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCasePackage package = PB_CASE_PACKAGE__INIT;
	ProtobufCBinaryData entries[3];
	struct tb_bytes before = tb_bytes_of(NULL, 0);
	for (uint32_t i = 0; i < 3; i++) {
		struct tb_bytes wrong = digest(tb_bytes_str("other"));
		struct tb_bytes bytes = entry_bytes("T320400202609210000001", i + 1,
		                                    (PbCaseEvent)(PB_CASE_EVENT__SUBMIT + (int)i),
		                                    i + 1 == bad ? wrong : before);
		before = digest(bytes);
		entries[i] = proto_data(bytes);
	}
	package.n_entries = 3;
	package.entries = entries;
	message.id = proto_data(tb_bytes_of(id, sizeof(id)));
	message.seq = 17;
	message.case_number = text_of("T320400202609210000001");
	message.issued_at_ms = NOW;
	message.package = &package;
	return proto_encode_arena(&arena, &message.base);
}

static PbProof *message_proof(struct tb_bytes message)
{
	struct pki_batch *batch =
		signed_batch(PB_BATCH_KIND__MESSAGES, &a, &b, &a.message, &message, 1, tb_bytes_of(NULL, 0));
	PbProof *proof = proof_of(batch, 0);
	pki_batch_free(batch);
	return proof;
}

static PbProof *receipt_proof(struct tb_bytes digest_of, const struct region *by)
{
	static const uint8_t id[16] = {1, 2, 3};
	PbReceipt receipt = PB_RECEIPT__INIT;
	receipt.id = proto_data(tb_bytes_of(id, sizeof(id)));
	receipt.digest = proto_data(digest_of);
	receipt.kind = PB_RECEIPT_KIND__DURABLE;
	receipt.case_number = text_of("T320400202609210000001");
	receipt.at_ms = NOW;
	struct tb_bytes message = proto_encode_arena(&arena, &receipt.base);
	struct pki_batch *batch = signed_batch(PB_BATCH_KIND__RECEIPTS, by, by == &b ? &a : &b, &by->message,
	                                       &message, 1, digest(tb_bytes_str("a root")));
	PbProof *proof = proof_of(batch, 0);
	pki_batch_free(batch);
	return proof;
}

static void test_evidence_of_a_package_lists_its_entries(void **state)
{
	(void)state;
	assert_int_equal(check(evidence("package", message_proof(package_bytes(0)), NULL)), TB_OK);
	assert_told("the case message was signed with the message key of 320400 for 330100");
	assert_told("package of case T320400202609210000001, message 17");
	assert_told("1. 2026-09-21");
	assert_told("hand in");
	assert_told("the 3 entries form one chain");
}

static void test_evidence_refuses_entries_that_form_no_chain(void **state)
{
	(void)state;
	for (uint32_t bad = 1; bad <= 3; bad++)
		assert_int_equal(check(evidence("package", message_proof(package_bytes(bad)), NULL)),
		                 TB_EINVALID);
}

static void test_evidence_refuses_an_entry_of_another_case(void **state)
{
	(void)state;
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCaseEntries entries = PB_CASE_ENTRIES__INIT;
	ProtobufCBinaryData one =
		proto_data(entry_bytes("OTHER", 4, PB_CASE_EVENT__CHECK, digest(tb_bytes_str("3"))));
	message.case_number = text_of("T320400202609210000001");
	message.entries = &entries;
	entries.n_entries = 1;
	entries.entries = &one;
	struct tb_bytes bytes = proto_encode_arena(&arena, &message.base);
	assert_int_equal(check(evidence("package", message_proof(bytes), NULL)), TB_EINVALID);
	message.case_number = text_of("OTHER");
	bytes = proto_encode_arena(&arena, &message.base);
	assert_int_equal(check(evidence("package", message_proof(bytes), NULL)), TB_OK);
}

static void test_evidence_of_a_receipt_is_for_exactly_its_message(void **state)
{
	(void)state;
	struct tb_bytes message = package_bytes(0);
	PbProof *sent = message_proof(message);
	assert_int_equal(check(evidence("receipt", receipt_proof(digest(message), &b), sent)), TB_OK);
	assert_told("receipt: DURABLE");
	assert_told("exactly this message");
	assert_told("the 3 entries form one chain");
	PbProof *other = receipt_proof(digest(tb_bytes_str("other")), &b);
	assert_int_equal(check(evidence("receipt", other, sent)), TB_EINVALID);
	assert_string_equal(err.text, "the receipt is for another message");
	/* A receipt that the sender wrote itself. */
	assert_int_equal(check(evidence("receipt", receipt_proof(digest(message), &a), sent)), TB_EINVALID);
	assert_int_equal(check(evidence("receipt", receipt_proof(digest(message), &b), NULL)), TB_EMALFORMED);
}

/* ---- archives */

enum { ARCHIVED_ENTRIES = 3 };

static const char archived_case[] = "T320400202609210000001";

/* The archive of a case of three entries: handed in with one material, brought a second, ended. */
struct archived {
	PbCaseEntry entries[ARCHIVED_ENTRIES];
	uint32_t first;     /* entry, from 0 */
	uint32_t count;     /* of those that are given */
	bool unchained;     /* the last names another one before it */
	const char *region; /* that says it archives */
	const struct credential *by;
};

static PbMaterial *scan(uint8_t fill, size_t root_size)
{
	PbMaterial *material = PROTO_NEW(PbMaterial, material, &arena);
	uint8_t *bytes = tb_arena_alloc(&arena, PKI_HASH_BYTES);
	memset(bytes, fill, PKI_HASH_BYTES);
	material->name = text_of("scan.pdf");
	material->root = proto_data(tb_bytes_of(bytes, root_size));
	material->sha256 = proto_data(tb_bytes_of(bytes, PKI_HASH_BYTES));
	return material;
}

static PbMaterial **list_of(PbMaterial *material)
{
	return tb_arena_copy(&arena, &material, sizeof(material));
}

static struct archived archived(void)
{
	struct archived made = {.count = ARCHIVED_ENTRIES, .region = a.code, .by = &a.message};
	PbApplication *application = PROTO_NEW(PbApplication, application, &arena);
	application->n_materials = 1;
	application->materials = list_of(scan(0x11, PKI_HASH_BYTES));
	for (uint32_t i = 0; i < ARCHIVED_ENTRIES; i++) {
		PbCaseEntry *entry = &made.entries[i];
		*entry = (PbCaseEntry)PB_CASE_ENTRY__INIT;
		entry->case_number = text_of(archived_case);
		entry->seq = i + 1;
		entry->event = PB_CASE_EVENT__CHECK;
		entry->to = i + 1 < ARCHIVED_ENTRIES ? PB_CASE_STATE__CHECKING : PB_CASE_STATE__CLOSED;
		entry->node = text_of(a.code);
		entry->at_ms = NOW;
		entry->detail = PROTO_NEW(PbCaseDetail, case_detail, &arena);
	}
	made.entries[0].detail->application = application;
	made.entries[1].detail->n_materials = 1;
	made.entries[1].detail->materials = list_of(scan(0x22, PKI_HASH_BYTES));
	return made;
}

static enum tb_code check_archived(struct archived *made)
{
	PbCaseArchive archive = PB_CASE_ARCHIVE__INIT;
	ProtobufCBinaryData entries[ARCHIVED_ENTRIES];
	struct tb_bytes before = tb_bytes_of(NULL, 0);
	for (uint32_t i = 0; i < ARCHIVED_ENTRIES; i++) {
		bool wrong = made->unchained && i + 1 == ARCHIVED_ENTRIES;
		made->entries[i].previous = proto_data(wrong ? digest(tb_bytes_str("other")) : before);
		entries[i] = proto_data(proto_encode_arena(&arena, &made->entries[i].base));
		before = digest(proto_bytes(entries[i]));
	}
	archive.case_number = text_of(archived_case);
	archive.region = text_of(made->region);
	archive.at_ms = NOW;
	archive.entries = entries + made->first;
	archive.n_entries = made->count;
	struct tb_bytes message = proto_encode_arena(&arena, &archive.base);
	struct pki_batch *batch =
		signed_batch(PB_BATCH_KIND__ARCHIVE, &a, &a, made->by, &message, 1, tb_bytes_of(NULL, 0));
	enum tb_code code = check(evidence("archive", proof_of(batch, 0), NULL));
	pki_batch_free(batch);
	return code;
}

static void test_evidence_of_an_archive_tells_the_whole_case_and_its_materials(void **state)
{
	(void)state;
	struct archived whole = archived();
	assert_int_equal(check_archived(&whole), TB_OK);
	assert_told("signed with the message key of 320400");
	assert_told("case T320400202609210000001, archived by 320400");
	assert_told("the 3 entries form one chain");
	assert_told(
		"material 1111111111111111111111111111111111111111111111111111111111111111, SHA-256 1111");
	assert_told(
		"material 2222222222222222222222222222222222222222222222222222222222222222, SHA-256 2222");
	/* A paper original has no file that could be named. */
	whole = archived();
	whole.entries[1].detail->materials = list_of(scan(0x33, 0));
	assert_int_equal(check_archived(&whole), TB_OK);
	assert_null(strstr(tb_buf_text(&report), "3333"));
}

static void test_evidence_refuses_an_archive_that_is_not_the_whole_log(void **state)
{
	(void)state;
	struct archived made = archived();
	made.first = 1;
	made.count = 2; /* its beginning is left out */
	assert_int_equal(check_archived(&made), TB_EINVALID);
	assert_string_equal(err.text, "entry 2 does not follow the one before");
	made = archived();
	made.count = 2; /* its end is left out */
	assert_int_equal(check_archived(&made), TB_EINVALID);
	assert_string_equal(err.text, "the archived case has not ended");
	made = archived();
	made.count = 0;
	assert_int_equal(check_archived(&made), TB_EINVALID);
	made = archived();
	made.unchained = true;
	assert_int_equal(check_archived(&made), TB_EINVALID);
	assert_non_null(strstr(err.text, "entry 3 does not hold the digest"));
	made = archived();
	made.entries[2].seq = 4;
	assert_int_equal(check_archived(&made), TB_EINVALID);
	made = archived();
	made.entries[1].case_number = text_of("T320400202609210000002");
	assert_int_equal(check_archived(&made), TB_EINVALID);
	assert_string_equal(err.text, "entry 2 is of another case");
}

static void test_evidence_refuses_an_archive_in_anothers_name(void **state)
{
	(void)state;
	struct archived made = archived();
	made.region = b.code;
	assert_int_equal(check_archived(&made), TB_EINVALID);
	made = archived();
	made.by = &b.message;
	assert_int_equal(check_archived(&made), TB_EUNTRUSTED);
	made = archived();
	made.by = &a.seal;
	assert_int_equal(check_archived(&made), TB_EUNTRUSTED);
	/* A package of the same log is no archive of it. */
	assert_int_equal(check(evidence("archive", message_proof(package_bytes(0)), NULL)), TB_EINVALID);
}

/* ---- files */

static void test_evidence_is_read_as_json_and_as_protobuf(void **state)
{
	(void)state;
	PbEvidence *item = answer_evidence(1, 1, sealed(&b, "N1"), &b.message);
	struct tb_buf json = {0};
	PbEvidence *read;
	proto_json_encode_pretty(&json, &item->base);
	tb_buf_str(&json, "\n");
	assert_int_equal(evidence_read(&read, tb_buf_bytes(&json), &arena, &err), TB_OK);
	assert_int_equal(check(read), TB_OK);
	struct tb_bytes wire = proto_encode_arena(&arena, &item->base);
	assert_int_equal(evidence_read(&read, wire, &arena, &err), TB_OK);
	assert_int_equal(check(read), TB_OK);
	assert_int_not_equal(evidence_read(&read, tb_bytes_str("{\"version\":1,\"x\":2}"), &arena, &err),
	                     TB_OK);
	assert_null(read);
	assert_int_not_equal(evidence_read(&read, tb_bytes_str("%PDF-1.7\n%\xE2\xE3"), &arena, &err), TB_OK);
	assert_non_null(strstr(err.text, "this is no evidence file"));
	assert_int_not_equal(evidence_read(&read, tb_bytes_of(wire.data, wire.size - 1), &arena, &err),
	                     TB_OK);
	tb_buf_clear(&json);
}

static void write_anchor(const char *dir, const char *name, const struct region *region)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *stream = fopen(path, "w");
	assert_non_null(stream);
	assert_int_equal(fwrite(region->ca_pem.data, 1, region->ca_pem.size, stream), region->ca_pem.size);
	fclose(stream);
}

static void remove_anchor(const char *dir, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static void test_evidence_anchors_come_from_files_named_by_region(void **state)
{
	char dir[] = "/tmp/tongban-anchors-XXXXXX";
	struct pki_trust *read;
	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(evidence_anchors(&read, dir, &err), TB_ENOTFOUND);
	assert_null(read);
	write_anchor(dir, "320400.pem", &a);
	write_anchor(dir, "notes.pem", &b);
	assert_int_equal(evidence_anchors(&read, dir, &err), TB_OK);
	assert_true(pki_trust_knows(read, "320400"));
	assert_false(pki_trust_knows(read, "330100"));
	pki_trust_unref(read);
	/* The anchor of A under B's name would let A speak for B. */
	write_anchor(dir, "330100.pem", &a);
	assert_int_not_equal(evidence_anchors(&read, dir, &err), TB_OK);
	assert_null(read);
	remove_anchor(dir, "320400.pem");
	remove_anchor(dir, "330100.pem");
	remove_anchor(dir, "notes.pem");
	rmdir(dir);
	assert_int_equal(evidence_anchors(&read, dir, &err), TB_ENOTFOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_evidence_of_an_answer_tells_who_said_what),
		TEST(test_evidence_speaks_chinese),
		TEST(test_evidence_refuses_the_answer_to_another_query),
		TEST(test_evidence_refuses_an_answer_whose_leaf_hash_is_not_the_query_s),
		TEST(test_evidence_refuses_what_was_changed),
		TEST(test_evidence_refuses_a_region_that_speaks_for_another),
		TEST(test_evidence_refuses_a_region_without_anchors),
		TEST(test_evidence_refuses_another_certificate_than_was_asked_for),
		TEST(test_evidence_refuses_missing_parts_and_unknown_kinds),
		TEST(test_evidence_of_a_package_lists_its_entries),
		TEST(test_evidence_refuses_entries_that_form_no_chain),
		TEST(test_evidence_refuses_an_entry_of_another_case),
		TEST(test_evidence_of_a_receipt_is_for_exactly_its_message),
		TEST(test_evidence_of_an_archive_tells_the_whole_case_and_its_materials),
		TEST(test_evidence_refuses_an_archive_that_is_not_the_whole_log),
		TEST(test_evidence_refuses_an_archive_in_anothers_name),
		TEST(test_evidence_is_read_as_json_and_as_protobuf),
		TEST(test_evidence_anchors_come_from_files_named_by_region),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
