#include "node/cli/evidence_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/cli/table.h"
#include "node/cli/userfile.h"
#include "node/cli/words.h"
#include "node/core/casetable.h"

enum { EVIDENCE_VERSION = 1 };

/* One check in progress. */
struct check {
	struct tb_buf *report;
	struct pki_trust *trust;
	struct tb_arena *arena;
	struct tb_error *err;
};

/* ---- the files */

enum tb_code evidence_read(PbEvidence **out, struct tb_bytes file, struct tb_arena *arena,
                           struct tb_error *err)
{
	size_t at = 0;
	*out = NULL;
	while (at < file.size && (file.data[at] == ' ' || file.data[at] == '\n' || file.data[at] == '\r'))
		at++;
	if (at < file.size && file.data[at] == '{') {
		proto_message *message;
		enum tb_code code = proto_json_decode(&message, &pb_evidence__descriptor, file, arena, err);
		*out = (PbEvidence *)(void *)message;
		return code;
	}
	struct tb_error why;
	enum tb_code code = PROTO_DECODE(out, evidence, file, arena, &why);
	return code ? text_fail(err, code, TEXT_M_EVIDENCE_NONE, why.text, NULL) : TB_OK;
}

/* "320400.pem" */
static bool is_anchor_file(const char *name, char region[PKI_REGION_ROOM])
{
	size_t digits = strspn(name, "0123456789");
	if (digits != 6 || strcmp(name + digits, ".pem") != 0)
		return false;
	memcpy(region, name, digits);
	region[digits] = 0;
	return true;
}

static enum tb_code add_anchors(struct pki_trust *trust, const char *dir, const char *name,
                                const char *region, struct tb_error *err)
{
	struct tb_buf path = {0};
	struct tb_buf pem = {0};
	tb_buf_printf(&path, "%s/%s", dir, name);
	enum tb_code code = userfile_read(&pem, tb_buf_text(&path), TB_FILE_BYTES_MAX, err);
	if (!code)
		code = pki_trust_add(trust, region, tb_buf_bytes(&pem), err);
	tb_buf_clear(&path);
	tb_buf_clear(&pem);
	return code;
}

enum tb_code evidence_anchors(struct pki_trust **out, const char *dir, struct tb_error *err)
{
	*out = NULL;
	DIR *entries = opendir(dir);
	if (!entries)
		return tb_fail(err, TB_ENOTFOUND, "%s: %s", dir, strerror(errno));
	struct pki_trust *trust = pki_trust_new();
	size_t count = 0;
	enum tb_code code = TB_OK;
	for (struct dirent *entry; !code && (entry = readdir(entries)) != NULL;) {
		char region[PKI_REGION_ROOM];
		if (!is_anchor_file(entry->d_name, region))
			continue;
		code = add_anchors(trust, dir, entry->d_name, region, err);
		count++;
	}
	closedir(entries);
	if (!code && count == 0)
		code = text_fail(err, TB_ENOTFOUND, TEXT_EV_NO_ANCHORS, dir, NULL);
	if (code) {
		pki_trust_unref(trust);
		return code;
	}
	*out = trust;
	return TB_OK;
}

/* ---- what is told */

static void tell_raw(const struct check *check, const char *line)
{
	table_clean(check->report, line);
	tb_buf_str(check->report, "\n");
}

#define TELL(check, ...)                                    \
	do {                                                \
		struct tb_buf tell_line = {0};              \
		text_fill(&tell_line, __VA_ARGS__, NULL);   \
		tell_raw((check), tb_buf_text(&tell_line)); \
		tb_buf_clear(&tell_line);                   \
	} while (0)

static const char *time_text(const struct check *check, int64_t at_ms)
{
	char at[30];
	tb_time_format(at, at_ms);
	return tb_arena_str(check->arena, at);
}

static const char *number_text(const struct check *check, uint64_t number)
{
	return tb_arena_printf(check->arena, "%llu", (unsigned long long)number);
}

static const char *enum_text(const proto_enum *type, int value)
{
	const char *name = proto_enum_name(type, value);
	return name ? name : "?";
}

static enum tb_code broken(const struct check *check, enum text_id id)
{
	return text_fail(check->err, TB_EINVALID, id, NULL);
}

/* ---- the proofs */

/* |name| is what the proof is of, in words. */
static enum tb_code check_signed(const struct check *check, struct pki_proven *proven, const PbProof *proof,
                                 PbBatchKind kind, enum text_id name)
{
	if (!proof)
		return text_fail(check->err, TB_EMALFORMED, TEXT_EV_MISSING, text(name), NULL);
	enum tb_code code = pki_proof_check(proven, proof, check->trust, check->arena, check->err);
	if (code)
		return code;
	const PbBatchHeader *header = proven->header;
	if (header->kind != kind)
		return text_fail(check->err, TB_EINVALID, TEXT_EV_KIND, text(name),
		                 enum_text(&pb_batch_kind__descriptor, (int)header->kind), NULL);
	char keyid[2 * PKI_HASH_BYTES + 1];
	tb_hex(keyid, proven->signer->keyid, PKI_HASH_BYTES);
	if (kind == PB_BATCH_KIND__SEAL)
		TELL(check, TEXT_EV_SEALED, text(name), header->sender, header->issuer,
		     time_text(check, header->sent_at_ms), keyid);
	else
		TELL(check, TEXT_EV_SIGNED, text(name), header->sender, header->receiver,
		     time_text(check, header->sent_at_ms), keyid);
	TELL(check, TEXT_EV_INCLUDED, number_text(check, (uint64_t)proof->index + 1),
	     number_text(check, header->count));
	return TB_OK;
}

/* The other side answers: who asked is who is answered. */
static bool is_between(const struct pki_proven *claim, const struct pki_proven *question)
{
	return strcmp(claim->header->sender, question->header->receiver) == 0 &&
	       strcmp(claim->header->receiver, question->header->sender) == 0;
}

static enum tb_code check_credential(const struct check *check, const PbSealedCredential *sealed,
                                     const char *region, PbCredential **out)
{
	struct pki_proven proven;
	enum tb_code code =
		check_signed(check, &proven, sealed->proof, PB_BATCH_KIND__SEAL, TEXT_EV_CREDENTIAL);
	if (!code && strcmp(proven.header->sender, region) != 0)
		return text_fail(check->err, TB_EINVALID, TEXT_EV_SEAL_REGION, proven.header->sender, region,
		                 NULL);
	if (!code)
		code = PROTO_DECODE(out, credential, proven.message, check->arena, check->err);
	if (code)
		return code;
	TELL(check, TEXT_EV_CREDENTIAL_IS, (*out)->name[0] ? (*out)->name : (*out)->type, (*out)->identifier,
	     (*out)->number);
	for (size_t i = 0; i < (*out)->n_holders; i++)
		TELL(check, TEXT_EV_HOLDER, (*out)->holders[i]->name, (*out)->holders[i]->code_type,
		     (*out)->holders[i]->code);
	return TB_OK;
}

/* ---- answers */

static bool fits_query(const PbCredential *credential, const PbQuery *query)
{
	if (query->identifier[0] && strcmp(query->identifier, credential->identifier) != 0)
		return false;
	if (query->type[0] && strcmp(query->type, credential->type) != 0)
		return false;
	if (query->number[0] && strcmp(query->number, credential->number) != 0)
		return false;
	bool holder = !query->holder || !query->holder->code[0];
	for (size_t i = 0; !holder && i < credential->n_holders; i++)
		holder = strcmp(credential->holders[i]->code, query->holder->code) == 0 &&
		         strcmp(credential->holders[i]->code_type, query->holder->code_type) == 0;
	return holder;
}

static void tell_query(const struct check *check, const PbQuery *query)
{
	if (query->identifier[0])
		TELL(check, TEXT_EV_ASKED_ID, query->identifier);
	else
		TELL(check, TEXT_EV_ASKED_TYPE, query->type, query->number);
	if (query->holder)
		TELL(check, TEXT_EV_ASKED_HOLDER, query->holder->name, query->holder->code_type,
		     query->holder->code);
	TELL(check, TEXT_EV_PURPOSE, query->purpose, query->basis[0] ? query->basis : query->case_number);
}

static void tell_answer(const struct check *check, const PbAnswer *answer)
{
	TELL(check, TEXT_EV_ANSWER, words_result(answer->result), time_text(check, answer->at_ms));
	if (answer->state)
		TELL(check, TEXT_EV_STATE, words_state(answer->state));
	if (answer->valid_until[0])
		TELL(check, TEXT_EV_UNTIL, answer->valid_until);
	for (size_t i = 0; i < answer->n_matches; i++)
		TELL(check, answer->matches[i]->equal ? TEXT_EV_EQUAL : TEXT_EV_DIFFERS,
		     answer->matches[i]->name);
	if (answer->reason[0])
		TELL(check, TEXT_EV_REASON, answer->reason);
}

/* That the answer is to this query: leaf hash, batch and place in it. */
static enum tb_code check_answers_query(const struct check *check, const PbEvidence *evidence,
                                        const struct pki_proven *claim, const struct pki_proven *question,
                                        const PbAnswer *answer)
{
	struct tb_bytes asked = tb_bytes_of(question->leaf.bytes, PKI_HASH_BYTES);
	if (!is_between(claim, question))
		return broken(check, TEXT_EV_NOT_BETWEEN);
	if (!tb_bytes_equal(proto_bytes(claim->header->in_reply_to), proto_bytes(question->header->root)) ||
	    evidence->claim->index != evidence->question->index)
		return broken(check, TEXT_EV_OTHER_BATCH);
	if (!tb_bytes_equal(proto_bytes(answer->query), asked))
		return broken(check, TEXT_EV_OTHER_QUERY);
	TELL(check, TEXT_EV_EXACTLY_QUERY);
	return TB_OK;
}

static enum tb_code check_answer(const struct check *check, proto_message **out, const PbEvidence *evidence)
{
	struct pki_proven claim;
	struct pki_proven question;
	PbAnswer *answer;
	PbQuery *query;
	enum tb_code code =
		check_signed(check, &claim, evidence->claim, PB_BATCH_KIND__ANSWERS, TEXT_EV_NAME_ANSWER);
	if (!code)
		code = PROTO_DECODE(&answer, answer, claim.message, check->arena, check->err);
	if (code)
		return code;
	*out = &answer->base;
	tell_answer(check, answer);
	code = check_signed(check, &question, evidence->question, PB_BATCH_KIND__QUERIES, TEXT_EV_NAME_QUERY);
	if (!code)
		code = PROTO_DECODE(&query, query, question.message, check->arena, check->err);
	if (code)
		return code;
	tell_query(check, query);
	code = check_answers_query(check, evidence, &claim, &question, answer);
	if (code || !answer->document)
		return code;
	PbCredential *credential;
	code = check_credential(check, answer->document, claim.header->sender, &credential);
	if (!code && !fits_query(credential, query))
		code = broken(check, TEXT_EV_OTHER_CREDENTIAL);
	return code;
}

/* ---- case messages */

/* The log's own chain: each entry names the SHA-256 of the one before. */
struct entry_chain {
	uint32_t seq; /* of the entry before; 0 before the first */
	uint8_t digest[PKI_HASH_BYTES];
};

static enum tb_code check_entry(const struct check *check, const char *case_number, struct tb_bytes bytes,
                                struct entry_chain *chain)
{
	PbCaseEntry *entry;
	enum tb_code code = PROTO_DECODE(&entry, case_entry, bytes, check->arena, check->err);
	if (code)
		return code;
	const char *seq = number_text(check, entry->seq);
	struct tb_bytes before = tb_bytes_of(chain->digest, PKI_HASH_BYTES);
	if (strcmp(entry->case_number, case_number) != 0)
		return text_fail(check->err, TB_EINVALID, TEXT_EV_ENTRY_CASE, seq, NULL);
	if ((chain->seq > 0 || entry->seq == 1) && entry->seq != chain->seq + 1)
		return text_fail(check->err, TB_EINVALID, TEXT_EV_ENTRY_GAP, seq, NULL);
	if (chain->seq > 0 && !tb_bytes_equal(proto_bytes(entry->previous), before))
		return text_fail(check->err, TB_EINVALID, TEXT_EV_ENTRY_CHAIN, seq, NULL);
	if (entry->seq == 1 && entry->previous.len > 0)
		return text_fail(check->err, TB_EINVALID, TEXT_EV_ENTRY_CHAIN, seq, NULL);
	bool zh = text_zh();
	TELL(check, TEXT_EV_ENTRY, seq, time_text(check, entry->at_ms), case_event_text(entry->event, zh),
	     case_state_text(entry->from, zh), case_state_text(entry->to, zh), entry->node,
	     entry->actor ? case_role_text(entry->actor->role, zh) : "-",
	     entry->actor ? entry->actor->id : "");
	if (entry->detail && entry->detail->reason[0])
		TELL(check, TEXT_EV_REASON, entry->detail->reason);
	chain->seq = entry->seq;
	pki_sha256(chain->digest, bytes);
	const PbDecision *decision = entry->detail ? entry->detail->decision : NULL;
	if (!decision || !decision->credential)
		return TB_OK;
	/* A grant's certificate is sealed where it was decided. */
	PbCredential *credential;
	return check_credential(check, decision->credential, entry->node, &credential);
}

static enum tb_code check_log(const struct check *check, const char *case_number,
                              const ProtobufCBinaryData *entries, size_t count)
{
	struct entry_chain chain = {0};
	enum tb_code code = TB_OK;
	for (size_t i = 0; !code && i < count; i++)
		code = check_entry(check, case_number, proto_bytes(entries[i]), &chain);
	if (!code && count > 1)
		TELL(check, TEXT_EV_CHAIN, number_text(check, count));
	return code;
}

static enum tb_code check_entries(const struct check *check, const PbCaseMessage *message)
{
	const ProtobufCBinaryData *entries = NULL;
	size_t count = 0;
	if (message->package) {
		entries = message->package->entries;
		count = message->package->n_entries;
	} else if (message->entries) {
		entries = message->entries->entries;
		count = message->entries->n_entries;
	}
	return check_log(check, message->case_number, entries, count);
}

static enum tb_code tell_message(const struct check *check, const PbCaseMessage *message)
{
	enum text_id what = message->package    ? TEXT_EV_MSG_PACKAGE
	                    : message->entries  ? TEXT_EV_MSG_ENTRIES
	                    : message->proposal ? TEXT_EV_MSG_PROPOSAL
	                                        : TEXT_EV_MSG_EXPIRED;
	TELL(check, what, message->case_number, number_text(check, message->seq),
	     time_text(check, message->issued_at_ms));
	if (message->proposal)
		TELL(check, TEXT_EV_PROPOSAL, case_event_text(message->proposal->event, text_zh()));
	return check_entries(check, message);
}

static enum tb_code check_message(const struct check *check, proto_message **out, const PbEvidence *evidence)
{
	struct pki_proven claim;
	PbCaseMessage *message;
	enum tb_code code =
		check_signed(check, &claim, evidence->claim, PB_BATCH_KIND__MESSAGES, TEXT_EV_NAME_MESSAGE);
	if (!code)
		code = PROTO_DECODE(&message, case_message, claim.message, check->arena, check->err);
	if (code)
		return code;
	*out = &message->base;
	return tell_message(check, message);
}

/* ---- archives */

static void tell_materials(const struct check *check, PbMaterial *const *materials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char root[2 * PKI_HASH_BYTES + 1], digest[2 * PKI_HASH_BYTES + 1];
		if (materials[i]->root.len != PKI_HASH_BYTES || materials[i]->sha256.len != PKI_HASH_BYTES)
			continue;
		tb_hex(root, materials[i]->root.data, PKI_HASH_BYTES);
		tb_hex(digest, materials[i]->sha256.data, PKI_HASH_BYTES);
		TELL(check, TEXT_EV_MATERIAL, root, digest);
	}
}

/* The whole log, from its first entry to the end of the case. */
static enum tb_code check_archive(const struct check *check, proto_message **out, const PbEvidence *evidence)
{
	struct pki_proven claim;
	PbCaseArchive *archive;
	PbCaseEntry *entry = NULL;
	enum tb_code code =
		check_signed(check, &claim, evidence->claim, PB_BATCH_KIND__ARCHIVE, TEXT_EV_NAME_ARCHIVE);
	if (!code)
		code = PROTO_DECODE(&archive, case_archive, claim.message, check->arena, check->err);
	if (code)
		return code;
	*out = &archive->base;
	TELL(check, TEXT_EV_ARCHIVE, archive->case_number, archive->region, time_text(check, archive->at_ms));
	if (strcmp(archive->region, claim.header->sender) != 0)
		return broken(check, TEXT_EV_NOT_BETWEEN);
	code = check_log(check, archive->case_number, archive->entries, archive->n_entries);
	for (size_t i = 0; !code && i < archive->n_entries; i++) {
		code = PROTO_DECODE(&entry, case_entry, proto_bytes(archive->entries[i]), check->arena,
		                    check->err);
		if (!code && i == 0 && entry->seq != 1)
			return text_fail(check->err, TB_EINVALID, TEXT_EV_ENTRY_GAP,
			                 number_text(check, entry->seq), NULL);
		const PbCaseDetail *detail = code ? NULL : entry->detail;
		if (detail && detail->application)
			tell_materials(check, detail->application->materials,
			               detail->application->n_materials);
		if (detail)
			tell_materials(check, detail->materials, detail->n_materials);
	}
	if (!code && (!entry || !case_state_final(entry->to)))
		code = broken(check, TEXT_EV_ARCHIVE_ENDS);
	return code;
}

/* ---- receipts */

static enum tb_code check_receipt(const struct check *check, proto_message **out, const PbEvidence *evidence)
{
	struct pki_proven claim;
	struct pki_proven question;
	PbReceipt *receipt;
	PbCaseMessage *message;
	enum tb_code code =
		check_signed(check, &claim, evidence->claim, PB_BATCH_KIND__RECEIPTS, TEXT_EV_NAME_RECEIPT);
	if (!code)
		code = PROTO_DECODE(&receipt, receipt, claim.message, check->arena, check->err);
	if (code)
		return code;
	*out = &receipt->base;
	TELL(check, TEXT_EV_RECEIPT, words_receipt(receipt->kind), receipt->case_number,
	     time_text(check, receipt->at_ms));
	if (receipt->reason[0])
		TELL(check, TEXT_EV_REASON, receipt->reason);
	code = check_signed(check, &question, evidence->question, PB_BATCH_KIND__MESSAGES,
	                    TEXT_EV_NAME_MESSAGE);
	if (!code)
		code = PROTO_DECODE(&message, case_message, question.message, check->arena, check->err);
	if (code)
		return code;
	if (!is_between(&claim, &question))
		return broken(check, TEXT_EV_NOT_BETWEEN);
	uint8_t digest[PKI_HASH_BYTES];
	pki_sha256(digest, question.message);
	if (!tb_bytes_equal(proto_bytes(receipt->digest), tb_bytes_of(digest, sizeof(digest))) ||
	    !tb_bytes_equal(proto_bytes(receipt->id), proto_bytes(message->id)))
		return broken(check, TEXT_EV_OTHER_MESSAGE);
	TELL(check, TEXT_EV_EXACTLY_MESSAGE);
	return tell_message(check, message);
}

enum tb_code evidence_check(struct tb_buf *report, proto_message **claim, const PbEvidence *evidence,
                            struct pki_trust *trust, struct tb_arena *arena, struct tb_error *err)
{
	static const struct {
		const char *subject;
		enum tb_code (*check)(const struct check *check, proto_message **out,
		                      const PbEvidence *evidence);
	} subjects[] = {
		{"answer", check_answer},   {"package", check_message}, {"entry", check_message},
		{"receipt", check_receipt}, {"archive", check_archive},
	};
	struct check check = {report, trust, arena, err};
	proto_message *message = NULL;
	enum tb_code code = TB_OK;
	size_t i = 0;
	if (claim)
		*claim = NULL;
	if (evidence->version != EVIDENCE_VERSION)
		return text_fail(err, TB_EMALFORMED, TEXT_EV_VERSION, number_text(&check, evidence->version),
		                 NULL);
	while (i < sizeof(subjects) / sizeof(subjects[0]) &&
	       strcmp(subjects[i].subject, evidence->subject) != 0)
		i++;
	if (i == sizeof(subjects) / sizeof(subjects[0]))
		return text_fail(err, TB_EMALFORMED, TEXT_EV_SUBJECT, evidence->subject, NULL);
	code = subjects[i].check(&check, &message, evidence);
	if (code)
		return code;
	TELL(&check, TEXT_EV_GOOD);
	if (claim)
		*claim = message;
	return TB_OK;
}
