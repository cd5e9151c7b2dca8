/* Writes what the corpora begin with: real messages, signed where the target wants that. The same in every
 * run. fuzz_seeds DIR makes DIR/<target>/<name>. */
#include "pki/note.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/proto/sample.h"

#include <sys/stat.h>

static const char *root_dir;
static struct tb_arena arena;
static struct pki_random *drawn;

static void put(const char *target, const char *name, int how, struct tb_bytes bytes)
{
	char *path = tb_arena_printf(&arena, "%s/%s", root_dir, target);
	mkdir(path, 0755);
	path = tb_arena_printf(&arena, "%s/%s", path, name);
	FILE *file = fopen(path, "wb");
	if (!file || fputc(how, file) == EOF || fwrite(bytes.data, 1, bytes.size, file) != bytes.size ||
	    fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

static void put_text(const char *target, const char *name, int how, const char *text)
{
	put(target, name, how, tb_bytes_str(text));
}

/* ---- messages */

static void seed_messages(void)
{
	/* In the order of the tables in fuzz_scan.c and fuzz_json.c. */
	static const proto_type *const wire[] = {&pb_query__descriptor,         &pb_answer__descriptor,
	                                         &pb_signed_batch__descriptor,  &pb_case_message__descriptor,
	                                         &pb_case_entry__descriptor,    &pb_receipt__descriptor,
	                                         &pb_material_part__descriptor, &pb_description__descriptor};
	static const proto_type *const json[] = {
		&pb_verify_request__descriptor,      &pb_import_request__descriptor,
		&pb_set_state_request__descriptor,   &pb_catalogue_load_request__descriptor,
		&pb_case_submit_request__descriptor, &pb_case_act_request__descriptor,
		&pb_case_view__descriptor,           &pb_evidence__descriptor};
	for (int i = 0; i < 8; i++) {
		unsigned serial = 0;
		struct tb_buf text = {0};
		const proto_message *message = sample_new(&arena, wire[i], 1, &serial);
		put("scan", wire[i]->short_name, i, proto_encode_arena(&arena, message));
		proto_json_encode(&text, sample_new(&arena, json[i], 1, &serial));
		put("json", json[i]->short_name, i, tb_buf_bytes(&text));
		tb_buf_clear(&text);
	}
}

/* ---- what is signed */

static struct pki_batch *batch(PbBatchKind kind, const struct tb_bytes *messages, size_t count)
{
	bool seal = kind == PB_BATCH_KIND__SEAL;
	struct fuzz_region *region = fuzz_region();
	const struct pki_batch_head head = {.kind = kind,
	                                    .sender = "320400",
	                                    .receiver = seal ? "" : "330100",
	                                    .issuer = seal ? "11320400MB0A00001X" : NULL,
	                                    .sent_at = FUZZ_NOW,
	                                    .expires_at = seal ? FUZZ_NOW : FUZZ_NOW + 1000};
	struct pki_batch *out = pki_batch_build(&head, messages, count, drawn);
	fuzz_must(pki_batch_sign(out, region->keys[seal], &region->certs[seal], 1, NULL));
	return out;
}

static PbProof *proof_of(const struct pki_batch *from, size_t index)
{
	PbProof *proof = PROTO_NEW(PbProof, proof, &arena);
	pki_proof_make(proof, from, index, &arena);
	return proof;
}

static void put_proof(const char *name, const PbProof *proof)
{
	put("proof", name, 0, proto_encode_arena(&arena, &proof->base));
}

static void seed_signed(void)
{
	PbQuery query = PB_QUERY__INIT;
	query.type = tb_arena_str(&arena, "11100000MB0143028R001");
	query.number = tb_arena_str(&arena, "N1");
	query.purpose = tb_arena_str(&arena, "变更登记");
	query.basis = tb_arena_str(&arena, "条例第二十四条");
	query.disclosure = PB_DISCLOSURE__STATUS;
	struct tb_bytes messages[3];
	for (size_t i = 0; i < 3; i++)
		messages[i] = proto_encode_arena(&arena, &query.base);
	struct tb_buf bytes = {0};
	struct pki_batch *asked = batch(PB_BATCH_KIND__QUERIES, messages, 3);
	struct pki_batch *sealed = batch(PB_BATCH_KIND__SEAL, messages, 2);
	pki_batch_encode(&bytes, asked);
	put("batch", "queries", 0, tb_buf_bytes(&bytes));
	put_text("batch", "signed", 1, "\x03\x10 item one \x10 item two \x10 item three and on");
	put_text("batch", "changed", 1,
	         "\x01\x05"
	         "wrong\xff\xff"
	         "a header of which all is changed, bit by bit");
	put_proof("query", proof_of(asked, 1));
	put_proof("seal", proof_of(sealed, 0));
	put_text("proof", "signed", 1,
	         "\x20 an item that is signed \x02\x20 a path of two hashes, more or less");
	put_text("proof", "sealed", 2,
	         "\x20 an item that is sealed \x01\x20 a path of one hash, more or less");

	PbEvidence evidence = PB_EVIDENCE__INIT;
	struct tb_buf json = {0};
	evidence.version = 1;
	evidence.subject = tb_arena_str(&arena, "answer");
	evidence.claim = proof_of(asked, 0);
	evidence.question = proof_of(asked, 2);
	proto_json_encode(&json, &evidence.base);
	put("evidence", "json", 0, tb_buf_bytes(&json));
	put("evidence", "encoded", 0, proto_encode_arena(&arena, &evidence.base));
	tb_buf_clear(&json);
	tb_buf_clear(&bytes);
	pki_batch_free(sealed);
	pki_batch_free(asked);
}

/* A message after its size in two bytes, and then the claim. */
static void put_pair(const char *name, int how, const proto_message *question, const proto_message *claim)
{
	struct tb_buf bytes = {0};
	struct tb_bytes asked = proto_encode_arena(&arena, question);
	const uint8_t size[2] = {(uint8_t)(asked.size >> 8), (uint8_t)asked.size};
	tb_buf_add(&bytes, size, 2);
	tb_buf_add(&bytes, asked.data, asked.size);
	struct tb_bytes said = proto_encode_arena(&arena, claim);
	tb_buf_add(&bytes, said.data, said.size);
	put("evidence", name, how, tb_buf_bytes(&bytes));
	tb_buf_clear(&bytes);
}

static void seed_evidence(void)
{
	unsigned serial = 0;
	PbQuery *query = (PbQuery *)(void *)sample_new(&arena, &pb_query__descriptor, 1, &serial);
	PbAnswer *answer = (PbAnswer *)(void *)sample_new(&arena, &pb_answer__descriptor, 1, &serial);
	PbReceipt *receipt = (PbReceipt *)(void *)sample_new(&arena, &pb_receipt__descriptor, 1, &serial);
	PbCaseEntry *entry =
		(PbCaseEntry *)(void *)sample_new(&arena, &pb_case_entry__descriptor, 1, &serial);
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCasePackage package = PB_CASE_PACKAGE__INIT;
	uint8_t digest[PKI_HASH_BYTES];
	answer->document = NULL;
	put_pair("answer", 4, &query->base, &answer->base);

	entry->seq = 1;
	entry->previous = (ProtobufCBinaryData){0};
	entry->detail = NULL;
	entry->case_number = message.case_number = tb_arena_str(&arena, "32040020260921000000018");
	ProtobufCBinaryData entries[2] = {proto_data(proto_encode_arena(&arena, &entry->base))};
	pki_sha256(digest, proto_bytes(entries[0]));
	entry->seq = 2;
	entry->previous = proto_data(tb_bytes_of(digest, sizeof(digest)));
	entries[1] = proto_data(proto_encode_arena(&arena, &entry->base));
	package.entries = entries;
	package.n_entries = 2;
	message.id = proto_data(tb_arena_bytes(&arena, tb_bytes_str("sixteen bytes ..")));
	message.package = &package;
	struct tb_bytes encoded = proto_encode_arena(&arena, &message.base);
	put("evidence", "package", 2, encoded);
	put("evidence", "entry", 7, encoded);
	pki_sha256(digest, encoded);
	receipt->id = message.id;
	receipt->digest = proto_data(tb_bytes_of(digest, sizeof(digest)));
	put_pair("receipt", 1, &message.base, &receipt->base);
}

static void seed_chain(void)
{
	struct fuzz_region *region = fuzz_region();
	for (int i = 0; i < 2; i++) {
		struct tb_buf der = {0};
		struct tb_buf pem = {0};
		struct tb_bytes cert = region->certs[i];
		const uint8_t head[3] = {i ? 2 | 4 : 1, (uint8_t)(cert.size >> 8), (uint8_t)cert.size};
		tb_buf_add(&der, head, 3);
		tb_buf_add(&der, cert.data, cert.size);
		put("chain", i ? "seal_der" : "message_der", 0, tb_buf_bytes(&der));
		tb_buf_add(&pem, head, 1);
		pki_chain_to_pem(&pem, &cert, 1);
		put("chain", i ? "seal_pem" : "message_pem", 1, tb_buf_bytes(&pem));
		put("chain", i ? "seal_changed" : "message_changed", 2, tb_bytes_of("\x06\x01\x20\x01", 4));
		put("chain", i ? "seal_pem_changed" : "message_pem_changed", 3,
		    tb_bytes_of("\x06\x01\x20\x01", 4));
		tb_buf_clear(&pem);
		tb_buf_clear(&der);
	}
}

static void seed_note(void)
{
	struct pki_checkpoint checkpoint = {.origin = "tongban/320400", .size = 1234};
	struct tb_buf note = {0};
	fuzz_must(pki_note_sign(&note, &checkpoint, fuzz_region()->keys[0], NULL));
	put("note", "signed", 0, tb_buf_bytes(&note));
	put_text("note", "text", 1, "tongban/320400\n18\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
	tb_buf_clear(&note);
}

/* ---- materials */

static void seed_material(void)
{
	static const char content[] = "tongban";
	struct tb_bytes chunk = tb_bytes_str(content);
	struct pki_digest leaf = pki_merkle_leaf(chunk);
	ProtobufCBinaryData chunks[1] = {proto_data(chunk)};
	PbMaterialPart part = PB_MATERIAL_PART__INIT;
	struct tb_buf bytes = {0};
	part.size = chunk.size;
	part.leaves = proto_data(tb_bytes_of(leaf.bytes, sizeof(leaf.bytes)));
	part.chunks = chunks;
	part.n_chunks = 1;
	struct tb_bytes encoded = proto_encode_arena(&arena, &part.base);
	const uint8_t head[3] = {0, (uint8_t)(encoded.size >> 8), (uint8_t)encoded.size};
	tb_buf_add(&bytes, head, 3);
	tb_buf_add(&bytes, encoded.data, encoded.size);
	put("material", "whole", 0, tb_buf_bytes(&bytes));
	put("material", "one", 1, tb_bytes_of("\x00\x00\x10\x00\x00\x01", 6));
	put("material", "five", 1, tb_bytes_of("\x12\x00\x07\x00\x00\x02\x00\x02\x00\x01", 10));
	put("material", "lies", 1, tb_bytes_of("\x0a\x00\x07\x00\x40\x02\x01\x02\x01\x02\x03\x04", 12));
	tb_buf_clear(&bytes);
}

/* ---- texts */

static void seed_texts(void)
{
	static const char json[] = "{\"type\":\"11100000MB0143028R001\",\"number\":\"N1\",\"name\":"
				   "\"营业执照\",\"holders\":[{\"codeType\":"
				   "\"001\",\"code\":\"91350100M000100Y43\",\"name\":\"某公司\"}],\"issuer\":"
				   "\"320400\",\"issuedOn\":"
				   "\"2024-02-29\",\"validUntil\":\"长期\",\"region\":\"320400\"}";
	static const char line[] = ",11100000MB0143028R001,营业执照,N1,\"营业\"\"执照\",001|111,"
				   "91350100M000100Y43|11010519491231002X,"
				   "某公司|李某,320400,某局,20240229,,长期,320400,\"a,b\"";
	static const char headed[] =
		"证照类型代码,证照编号,证照名称,持证主体代码类型,持证主体代码,证照颁发机构代码,证照颁发日期\n"
		"11100000MB0143028R001,N1,营业执照,111,11010519491231002X,320400,2024-02-29";
	static const char catalogue[] =
		"items:\n- code: 11320400MB0A00001X2000000000001\n  name: 失业登记\n  department: "
		"11320400MB0A00001X\n"
		"  modes: [DS]\n  promised_days: 3\n  legal_days: 20\n  materials:\n  - code: M1\n    name: "
		"申请表\n"
		"    required: true\n    basis: 条例\n    credential_types: [\"11100000MB0143028R001\"]\n";
	static const char peer[] =
		"region: \"320400\"\nname: \"常州市\"\nendpoint: \"127.0.0.1:7443\"\ngrants:\n  verify:\n    "
		"- types: "
		"[\"*\"]\n      disclosure: match\n  cases:\n    - items: [\"*\"]\n      modes: [DS]\n"
		"queries_per_second: 5\nqueries_burst: 9\n";
	struct tb_buf exported = {0};
	struct tb_bytes cert[1];
	size_t count = 0;
	uint8_t print[PKI_HASH_BYTES];
	char hex[2 * PKI_HASH_BYTES + 1];
	put_text("record", "json", 0, json);
	put_text("record", "csv", 1, line);
	put_text("record", "headed", 2, headed);
	put_text(
		"tables", "calendar", 0,
		"# "
		"2026\n2026-01-01\tH\t元旦\n2026-01-04\tW\t元旦\n2026-02-17\tH\t春节\n2027-01-01\tH\t元旦\n");
	put_text("tables", "regions", 1,
	         "code\tname\tparent\n320000\t江苏省\t100000\n320400\t常州市\t320000\n320402\t天宁区\t320400"
	         "\n");
	put_text("config", "items-yaml", 2, catalogue);
	put_text("config", "items-jsonl", 3,
	         "{\"code\":\"a\",\"name\":\"n\",\"department\":\"d\",\"modes\":[\"DS\"],\"promisedDays\":1,"
	         "\"legalDays\":2}\n{\"code\":\"b\"}\n");
	put_text("config", "items-csv", 4,
	         "事项编码,业务办理项名称,实施主体编码,受理模式,承诺办理时限,法定办理时限,材料编码,"
	         "申请材料名称,"
	         "是否必需,要求提供材料依据,通办范围\r\na,\"n "
	         "\"\"1\"\"\",d,DS、代收材料、属地办理,1,2,M1,表,是,法,全国\r\n"
	         ",,,,,,M2,证,否,\r\nb,,d,XX,x,2\r\n");
	put_text("config", "peer", 1, peer);
	fuzz_must(pki_pem_to_chain(cert, &count, tb_bytes_str(FUZZ_ANCHOR), &arena, NULL));
	fuzz_must(pki_cert_fingerprint(print, cert[0], NULL));
	tb_hex(hex, print, sizeof(print));
	tb_buf_printf(&exported,
	              "tongban_peer: 1\nregion: \"320400\"\nname: \"常州市\"\nendpoint: \"127.0.0.1:7443\"\n"
	              "fingerprint: \"%s\"\nanchor: |\n  ",
	              hex);
	for (const char *at = FUZZ_ANCHOR; *at; at++)
		tb_buf_printf(&exported, "%c%s", *at, *at == '\n' && at[1] ? "  " : "");
	put("config", "exported", 0, tb_buf_bytes(&exported));
	tb_buf_clear(&exported);
}

int main(int argc, char **argv)
{
	static const uint8_t seed[32] = {1};
	if (argc != 2) {
		fprintf(stderr, "usage: fuzz_seeds DIR\n");
		return 2;
	}
	root_dir = argv[1];
	mkdir(root_dir, 0755);
	drawn = pki_random_new(seed);
	seed_messages();
	seed_signed();
	seed_evidence();
	seed_chain();
	seed_note();
	seed_material();
	seed_texts();
	pki_random_free(drawn);
	tb_arena_clear(&arena);
	return 0;
}
