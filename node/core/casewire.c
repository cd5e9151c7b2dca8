/* Cases as peers' messages move them, and what receipts mean for them. */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement.h"
#include "node/core/casetable.h"
#include "node/core/catalogue.h"
#include "node/core/clocks.h"
#include "node/core/ident.h"
#include "node/core/turn.h"

enum { MESSAGE_ID_BYTES = 16 };
/* A case is begun long before it is sent only seldom; what a peer says of earlier days proves nothing. */
#define BEGUN_MOST (90 * TB_DAY)

/* ---- entries that another node ordered */

/* Entries of a message, decoded; each has a detail. */
struct entries {
	PbCaseEntry **list;
	struct tb_bytes *bytes;
	struct pki_digest *digests; /* of the bytes */
	size_t count;
};

static enum tb_code decode_entries(struct turn *turn, const ProtobufCBinaryData *data, size_t count,
                                   struct entries *out, struct tb_error *err)
{
	if (count == 0 || count > TB_ENTRIES_MAX)
		return tb_fail(err, TB_EMALFORMED, "entries: 1 to %d expected", TB_ENTRIES_MAX);
	out->count = count;
	out->list = tb_arena_alloc(&turn->arena, count * sizeof(*out->list));
	out->bytes = tb_arena_alloc(&turn->arena, count * sizeof(*out->bytes));
	out->digests = tb_arena_alloc(&turn->arena, count * sizeof(*out->digests));
	for (size_t i = 0; i < count; i++)
		out->bytes[i] = proto_bytes(data[i]);
	pki_sha256_each(out->digests, out->bytes, count);
	for (size_t i = 0; i < count; i++) {
		struct tb_error why;
		if (PROTO_DECODE(&out->list[i], case_entry, out->bytes[i], &turn->arena, &why))
			return tb_fail_at(err, TB_EMALFORMED, &why, "entries[%zu]", i);
		if (!out->list[i]->detail)
			out->list[i]->detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	}
	return TB_OK;
}

/* ---- what this node proposed, until the owner has ordered it */

static struct kv_key proposed_key(const char *peer, struct tb_bytes id)
{
	struct kv_key key = kv_key_str(peer);
	kv_key_add(&key, id);
	return key;
}

static struct tb_bytes proposed_text(struct tb_arena *arena, const char *number, PbCaseEvent event)
{
	return tb_bytes_str(tb_arena_printf(arena, "%s %d", number, (int)event));
}

void case_proposed(struct turn *turn, const char *peer, const PbCaseMessage *message)
{
	struct kv_key key = proposed_key(peer, proto_bytes(message->id));
	kv_put(&turn->kv, KV_PROPOSED, &key,
	       proposed_text(&turn->arena, message->case_number, message->proposal->event));
}

/* The owner orders what happens on both sides, but it cannot make up what happened here: an entry that says
 * so names a proposal of ours for that very event, and no proposal counts twice. */
static enum tb_code check_proposed(struct turn *turn, const char *peer, const struct entries *run,
                                   size_t from, size_t i, struct tb_error *err)
{
	const PbCaseEntry *entry = run->list[i];
	struct tb_bytes id = proto_bytes(entry->proposal), stored;
	if (strcmp(entry->node, turn->core->setup.region) != 0)
		return TB_OK;
	bool known = id.size == MESSAGE_ID_BYTES;
	if (known) {
		struct kv_key key = proposed_key(peer, id);
		enum tb_code code = kv_get(&turn->kv, KV_PROPOSED, &key, &turn->arena, &stored, err);
		if (code != TB_OK && code != TB_ENOTFOUND)
			return code;
		known = code == TB_OK &&
		        tb_bytes_equal(stored, proposed_text(&turn->arena, entry->case_number, entry->event));
	}
	for (size_t j = from; j < i; j++)
		known = known && !tb_bytes_equal(id, proto_bytes(run->list[j]->proposal));
	if (!known)
		return tb_fail(err, TB_EDENIED, "entry %u: %s was not proposed here", entry->seq,
		               case_event_text(entry->event, false));
	return TB_OK;
}

static void append_run(struct turn *turn, PbCaseRecord *record, const char *peer, const struct entries *run,
                       size_t from)
{
	for (size_t i = from; i < run->count; i++) {
		if (strcmp(run->list[i]->node, turn->core->setup.region) == 0) {
			struct kv_key key = proposed_key(peer, proto_bytes(run->list[i]->proposal));
			kv_delete(&turn->kv, KV_PROPOSED, &key);
		}
		case_append(turn, record, run->list[i], run->bytes[i], run->digests[i].bytes);
	}
}

/* Is |entry| what may come next in |record|, by the table? */
static enum tb_code check_next(const PbCaseRecord *record, const PbCaseEntry *entry, struct tb_error *err)
{
	const struct case_mode *mode = case_mode_find(record->mode);
	const struct case_row *row = mode ? case_row_find(mode, record->state, entry->event) : NULL;
	struct case_clocks clocks;
	struct tb_error why;
	if (strcmp(entry->case_number, record->number) != 0)
		return tb_fail(err, TB_EINVALID, "entry %u is of another case", entry->seq);
	if (entry->seq != record->seq + 1 ||
	    !tb_bytes_equal(proto_bytes(entry->previous), proto_bytes(record->head)))
		return tb_fail(err, TB_ESTATE, "entry %u does not follow entry %u", entry->seq, record->seq);
	if (entry->epoch != record->epoch)
		return tb_fail(err, TB_ESTATE, "entry %u: epoch %u, the case is in %u", entry->seq,
		               entry->epoch, record->epoch);
	if (!row || entry->from != record->state || entry->to != row->to)
		return tb_fail(err, TB_ESTATE, "entry %u: %s is not possible in state %u", entry->seq,
		               case_event_text(entry->event, false), (unsigned)record->state);
	unsigned sides = case_sides(record, entry->node);
	if (sides == 0)
		return tb_fail(err, TB_EDENIED, "entry %u: from a region that is no party", entry->seq);
	if (!entry->actor || !case_row_takes(row, entry->actor->role, sides))
		return tb_fail(err, TB_EDENIED, "entry %u: %s by a role or on a side that may not",
		               entry->seq, case_event_text(entry->event, false));
	if (case_allowed(&row, mode, record->state, entry->event, entry->actor->role, sides, entry->detail,
	                 &why))
		return tb_fail_at(err, why.code, &why, "entry %u", entry->seq);
	if (row->needs & CASE_ONCE && case_done_once(record, entry->event))
		return tb_fail(err, TB_ESTATE, "entry %u: %s: only once in a case", entry->seq,
		               case_event_text(entry->event, false));
	if (entry->salt.len != TB_SALT_BYTES || !clocks_from_proto(&clocks, entry->clocks, entry->n_clocks))
		return tb_fail(err, TB_EMALFORMED, "entry %u: salt or clocks", entry->seq);
	return TB_OK;
}

/* Checks a run of entries by folding them into a copy; |record| is that copy. */
static enum tb_code check_run(struct turn *turn, PbCaseRecord *record, const struct entries *run, size_t from,
                              const char *owner, struct tb_error *err)
{
	for (size_t i = from; i < run->count; i++) {
		const PbCaseEntry *entry = run->list[i];
		enum tb_code code = check_next(record, entry, err);
		if (code == TB_OK && strcmp(entry->owner, owner) != 0)
			code = tb_fail(err, TB_EDENIED, "entry %u was not ordered by %s", entry->seq, owner);
		if (code == TB_OK)
			code = check_proposed(turn, owner, run, from, i, err);
		if (code)
			return code;
		case_fold(record, entry, run->digests[i].bytes, &turn->arena);
	}
	return TB_OK;
}

/* The first |known| entries of a package must be those that are here: what follows is judged by them. */
static enum tb_code check_known(const PbCaseRecord *record, const struct entries *run, size_t known,
                                struct tb_error *err)
{
	for (size_t i = 0; i < known; i++) {
		struct tb_bytes next =
			i + 1 < known ? proto_bytes(run->list[i + 1]->previous) : proto_bytes(record->head);
		if (!tb_bytes_equal(next, tb_bytes_of(run->digests[i].bytes, PKI_HASH_BYTES)))
			return tb_fail(err, TB_ESTATE, "entry %zu is not the one that is here", i + 1);
	}
	return TB_OK;
}

static PbCaseRecord *copy_record(struct turn *turn, const PbCaseRecord *record)
{
	PbCaseRecord *copy = tb_arena_copy(&turn->arena, record, sizeof(*record));
	return copy;
}

static void want_materials(struct turn *turn, PbCaseRecord *record, const char *peer,
                           PbMaterial *const *materials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (materials[i]->root.len != PKI_HASH_BYTES)
			continue;
		if (material_here(&turn->kv, proto_bytes(materials[i]->root))) {
			material_belongs(turn, record->number, proto_bytes(materials[i]->root));
			continue;
		}
		material_want(turn, peer, record->number, materials[i]);
		record->materials_missing++;
	}
}

/* ---- a package: the hand-over from the window */

static enum tb_code check_grant(struct turn *turn, const char *peer, const PbApplication *application,
                                struct tb_error *err)
{
	const struct peer *config = peer_find(turn->core->peers, peer);
	if (!config || !peer_may_send(config, application->item, case_mode_listed(application->mode)))
		return tb_refuse(err, TB_REASON_NOT_GRANTED_ITEM, peer, application->item, application->mode,
		                 NULL);
	return TB_OK;
}

/* What both regions promised covers it: by the version that the message cites, or by what is in force here.
 */
static enum tb_code check_agreement(struct turn *turn, const char *peer, const PbCaseMessage *message,
                                    const PbCaseEntry *first, const char **base_code, struct tb_error *err)
{
	const PbApplication *application = first->detail->application;
	const char *self = turn->core->setup.region;
	PbItem *item;
	enum tb_code code = catalogue_item(&turn->kv, self, application->item, CATALOGUE_ANY_DAY,
	                                   &turn->arena, &item, err);
	if (code)
		return code;
	*base_code = item->base_code;
	struct agreement_ask ask = {.window = peer,
	                            .home = self,
	                            .item = item->code,
	                            .base_code = item->base_code,
	                            .mode = case_mode_listed(application->mode)};
	if (!message->agreement[0]) {
		const PbAgreement *in_force;
		return agreement_for(turn->core, &ask, turn->now, &in_force, err);
	}
	const PbAgreement *cited =
		agreement_cited(turn->core, message->agreement, message->agreement_version);
	if (!cited)
		return tb_refuse(err, TB_REASON_AGREEMENT_UNSIGNED, message->agreement,
		                 TB_NUMBER(message->agreement_version), NULL);
	tb_time begun = first->at_ms;
	if (begun > turn->now)
		begun = turn->now;
	if (begun < turn->now - BEGUN_MOST)
		begun = turn->now - BEGUN_MOST;
	const char *lapsed =
		agreement_lapsed(turn->core, message->agreement, message->agreement_version, peer, begun);
	if (lapsed)
		return tb_fail(err, TB_EDENIED, "agreement %.60s version %u %s when the case began",
		               message->agreement, message->agreement_version, lapsed);
	if (!agreement_covers(cited, &ask, turn->now))
		return tb_refuse(err, TB_REASON_AGREEMENT_NOT_COVERED, message->agreement,
		                 TB_NUMBER(message->agreement_version), ask.item, ask.mode, NULL);
	return TB_OK;
}

/* The application and all that was brought, gathered from the entries, must satisfy our own list. */
static enum tb_code check_against_list(struct turn *turn, PbCaseRecord *record, const struct entries *run,
                                       PbApplication **out, struct tb_error *err)
{
	PbApplication *whole = NULL;
	PbItem *item;
	bool deemed = false;
	for (size_t i = 0; i < run->count; i++) {
		const PbCaseDetail *detail = run->list[i]->detail;
		deemed = deemed || run->list[i]->event == PB_CASE_EVENT__DEEM;
		if (detail->application)
			whole = tb_arena_copy(&turn->arena, detail->application, sizeof(*whole));
		if (!whole || detail->n_materials == 0)
			continue;
		size_t total = whole->n_materials + detail->n_materials;
		PbMaterial **all = tb_arena_alloc(&turn->arena, total * sizeof(PbMaterial *));
		if (whole->n_materials > 0)
			memcpy(all, whole->materials, whole->n_materials * sizeof(PbMaterial *));
		memcpy(all + whole->n_materials, detail->materials,
		       detail->n_materials * sizeof(PbMaterial *));
		whole->materials = all;
		whole->n_materials = total;
	}
	if (!whole || !whole->applicant)
		return tb_fail(err, TB_EMALFORMED, "the package has no application");
	enum tb_code code = catalogue_item_claimed(&turn->kv, turn->core->setup.region, whole,
	                                           run->list[0]->at_ms, &turn->arena, &item, err);
	if (code == TB_OK)
		code = catalogue_check_offer(item, whole->mode, record->window, err);
	/* What was deemed accepted is accepted with what there is. */
	if (code == TB_OK && !deemed)
		code = catalogue_check_application(item, whole, peer_find(turn->core->peers, record->window),
		                                   err);
	if (code == TB_OK && !deemed && strcmp(whole->mode, "YB") != 0) /* decided by who sends it */
		code = credit_check(turn, item, whole->applicant, whole->materials, whole->n_materials, err);
	if (code == TB_OK)
		code = catalogue_check_supplement(whole->materials, whole->n_materials, err);
	if (code == TB_OK) {
		record->needs_originals = catalogue_needs_originals(item, whole);
		record->catalogue_version = item->listed;
		record->item_version = item->version;
	}
	*out = whole;
	return code;
}

static enum tb_code begin_record(struct turn *turn, const char *peer, const PbCaseMessage *message,
                                 const struct entries *run, PbCaseRecord **out, struct tb_error *err)
{
	const PbCaseDetail *first = run->list[0]->detail;
	if (!first->application || !first->application->applicant)
		return tb_fail(err, TB_EMALFORMED, "the package has no application");
	if (strcmp(first->application->home, turn->core->setup.region) != 0)
		return tb_fail(err, TB_EINVALID, "the package is for %.8s", first->application->home);
	if (ident_case_number_check(message->case_number, err) || strncmp(message->case_number, peer, 6) != 0)
		return tb_fail(err, TB_EINVALID, "case number %.40s is not one of %s", message->case_number,
		               peer);
	const char *base_code = "";
	enum tb_code code = check_grant(turn, peer, first->application, err);
	if (code == TB_OK)
		code = identity_check_peer(first->application, run->list[0]->actor, peer, run->list[0]->at_ms,
		                           err);
	if (code == TB_OK)
		code = check_agreement(turn, peer, message, run->list[0], &base_code, err);
	if (code)
		return code;
	PbCaseRecord *record = PROTO_NEW(PbCaseRecord, case_record, &turn->arena);
	record->number = message->case_number;
	record->item = first->application->item;
	record->item_name = first->application->item_name;
	record->mode = first->application->mode;
	record->first_node = tb_arena_str(&turn->arena, peer);
	record->window = record->first_node;
	record->owner = record->first_node;
	record->home = tb_arena_str(&turn->arena, turn->core->setup.region);
	record->state = PB_CASE_STATE__DRAFT;
	record->created_ms = turn->now;
	record->applicant_name = first->application->applicant->name;
	record->lead = first->application->lead;
	record->base_code = (char *)(uintptr_t)base_code;
	record->agreement = message->agreement;
	record->agreement_version = message->agreement_version;
	/* What came before and was refused left no trace here: the sequence begins with this message. */
	record->in_seq = message->case_seq - 1;
	record->in_previous = message->previous;
	*out = record;
	return TB_OK;
}

static void consume(PbCaseRecord *record, const PbCaseMessage *message, const uint8_t digest[PKI_HASH_BYTES],
                    struct tb_arena *arena)
{
	record->in_seq = message->case_seq;
	record->in_previous = proto_data(tb_arena_bytes(arena, tb_bytes_of(digest, PKI_HASH_BYTES)));
}

/* What the last entry of |run| means for who has the case: the needs of its row. */
static uint32_t last_needs(const PbCaseRecord *record, const struct entries *run)
{
	const PbCaseEntry *last = run->list[run->count - 1];
	const struct case_row *row = case_row_find(case_mode_find(record->mode), last->from, last->event);
	assert(row); /* check_run() has seen it. */
	return row->needs;
}

static enum tb_code take_package(struct turn *turn, const char *peer, const PbCaseMessage *message,
                                 const uint8_t digest[PKI_HASH_BYTES], PbCaseRecord *record, uint32_t *head,
                                 struct tb_error *err)
{
	struct entries run = {0};
	PbApplication *whole = NULL;
	enum tb_code code =
		decode_entries(turn, message->package->entries, message->package->n_entries, &run, err);
	size_t known = record ? record->seq : 0;
	if (code == TB_OK && known >= run.count)
		code = tb_fail(err, TB_ESTATE, "the package ends before what is known here");
	if (code == TB_OK && !record)
		code = begin_record(turn, peer, message, &run, &record, err);
	else if (code == TB_OK && strcmp(record->owner, peer) != 0)
		code = tb_fail(err, TB_ESTATE, "%s does not own the case", peer);
	if (code)
		return code;
	PbCaseRecord *after = copy_record(turn, record);
	code = check_known(record, &run, known, err);
	if (code == TB_OK)
		code = check_run(turn, after, &run, known, peer, err);
	uint32_t ends = message->package->copy ? CASE_SHARES : CASE_HANDS_OVER;
	if (code == TB_OK && !(last_needs(record, &run) & ends))
		code = tb_fail(err, TB_ESTATE, "a package ends with its sending");
	if (code == TB_OK)
		code = check_against_list(turn, record, &run, &whole, err);
	if (code == TB_OK)
		code = material_check_named(turn, peer, whole->materials, whole->n_materials, err);
	if (code)
		return code;
	append_run(turn, record, peer, &run, known);
	consume(record, message, digest, &turn->arena);
	if (message->package->copy) {
		record->shared = true;
	} else {
		record->owner = record->home;
		record->epoch++;
	}
	record->materials_missing = 0;
	case_note_applicant(turn, record, whole->applicant);
	want_materials(turn, record, peer, whole->materials, whole->n_materials);
	case_arm(turn, record, !message->package->copy);
	case_save(turn, record);
	case_maybe_sign(turn, record);
	*head = record->seq;
	return TB_OK;
}

/* ---- the owner's log goes on */

/* What the window keeps of a decision: checked before the entry is taken. */
static enum tb_code check_decision(struct turn *turn, const char *peer, const PbCaseEntry *entry,
                                   struct tb_error *err)
{
	const PbDecision *decision = entry->detail->decision;
	if (!decision || !decision->credential)
		return TB_OK;
	if (!decision->credential->proof)
		return tb_fail(err, TB_EUNTRUSTED, "the issued certificate is not sealed");
	struct pki_proven proven;
	PbCredential *credential;
	enum tb_code code = pki_proof_check(&proven, decision->credential->proof,
	                                    peer_trust(turn->core->peers), &turn->arena, err);
	if (code == TB_OK &&
	    (proven.header->kind != PB_BATCH_KIND__SEAL || strcmp(proven.signer->region, peer) != 0))
		code = tb_fail(err, TB_EUNTRUSTED, "the issued certificate is not sealed by %s", peer);
	if (code == TB_OK)
		code = PROTO_DECODE(&credential, credential, proven.message, &turn->arena, err);
	if (code == TB_OK && strcmp(credential->identifier, decision->credential_identifier) != 0)
		code = tb_fail(err, TB_EINVALID,
		               "the issued certificate is not the one that the decision names");
	return code;
}

static enum tb_code take_entries(struct turn *turn, const char *peer, const PbCaseMessage *message,
                                 const uint8_t digest[PKI_HASH_BYTES], PbCaseRecord *record, uint32_t *head,
                                 struct tb_error *err)
{
	struct entries run = {0};
	if (strcmp(record->owner, peer) != 0)
		return tb_fail(err, TB_ESTATE, "%s does not own the case", peer);
	enum tb_code code =
		decode_entries(turn, message->entries->entries, message->entries->n_entries, &run, err);
	PbCaseRecord *after = copy_record(turn, record);
	if (code == TB_OK)
		code = check_run(turn, after, &run, 0, peer, err);
	if (code == TB_OK &&
	    message->entries->hand_over != ((last_needs(record, &run) & CASE_HANDS_OVER) != 0))
		code = tb_fail(err, TB_EINVALID, "a return hands the case over, and nothing else does");
	for (size_t i = 0; i < run.count && code == TB_OK; i++) {
		const PbCaseDetail *detail = run.list[i]->detail;
		code = catalogue_check_supplement(detail->materials, detail->n_materials, err);
		if (code == TB_OK)
			code = material_check_named(turn, peer, detail->materials, detail->n_materials, err);
		if (code == TB_OK)
			code = check_decision(turn, peer, run.list[i], err);
	}
	if (code)
		return code;
	append_run(turn, record, peer, &run, 0);
	consume(record, message, digest, &turn->arena);
	for (size_t i = 0; i < run.count; i++) {
		const PbCaseDetail *detail = run.list[i]->detail;
		if (run.list[i]->event == PB_CASE_EVENT__FILE)
			want_materials(turn, record, peer, detail->materials, detail->n_materials);
	}
	if (message->entries->hand_over) {
		record->owner = tb_arena_str(&turn->arena, turn->core->setup.region);
		record->epoch++;
		case_arm(turn, record, true);
	}
	case_save(turn, record);
	*head = record->seq;
	for (size_t i = 0; i < run.count; i++)
		joint_moved(turn, record, run.list[i]->event);
	return TB_OK;
}

/* ---- the other node asks for an event */

/* A person may ask for anything that the table takes; a node only for what the table says that it may. */
static bool may_propose(const PbCaseRecord *record, const PbCaseProposal *proposal)
{
	const struct case_row *row =
		case_row_find(case_mode_find(record->mode), record->state, proposal->event);
	return proposal->actor &&
	       (proposal->actor->role != PB_ROLE__SYSTEM || (row && (row->needs & CASE_SYSTEM_ASKS)));
}

static enum tb_code take_proposal(struct turn *turn, const char *peer, const PbCaseMessage *message,
                                  const uint8_t digest[PKI_HASH_BYTES], PbCaseRecord *record, uint32_t *head,
                                  struct tb_error *err)
{
	const PbCaseProposal *proposal = message->proposal;
	PbCaseDetail *detail =
		proposal->detail ? proposal->detail : PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	if (strcmp(record->owner, turn->core->setup.region) != 0 || record->handing_over)
		return tb_fail(err, TB_ESTATE, "stale: the case has been handed over");
	if (!may_propose(record, proposal))
		return tb_fail(err, TB_EDENIED, "a proposal needs a person");
	enum tb_code code = catalogue_check_supplement(detail->materials, detail->n_materials, err);
	if (code == TB_OK)
		code = material_check_named(turn, peer, detail->materials, detail->n_materials, err);
	if (code)
		return code;
	struct case_change change = {.event = proposal->event,
	                             .actor = proposal->actor,
	                             .detail = detail,
	                             .node = peer,
	                             .proposal = proto_bytes(message->id)};
	code = case_order(turn, record, &change, err);
	if (code)
		return code;
	consume(record, message, digest, &turn->arena);
	want_materials(turn, record, peer, detail->materials, detail->n_materials);
	case_save(turn, record);
	*head = record->seq;
	return TB_OK;
}

static void handed_over(struct turn *turn, PbCaseRecord *record)
{
	record->handing_over = false;
	record->owner = (char *)(uintptr_t)case_other(record, turn->core->setup.region);
	record->epoch++;
	case_arm(turn, record, false);
	case_save(turn, record);
}

static enum tb_code dispatch(struct turn *turn, const char *peer, const PbCaseMessage *message,
                             const uint8_t digest[PKI_HASH_BYTES], PbCaseRecord *record, uint32_t *head,
                             struct tb_error *err)
{
	/* Who speaks in the next epoch has received our hand-over, whatever became of the receipt. */
	if (record && record->handing_over && message->epoch == record->epoch + 1)
		handed_over(turn, record);
	if (!record && !message->package)
		return tb_refuse(err, TB_REASON_CASE_UNKNOWN_THERE, NULL);
	if (record && (strcmp(message->agreement, record->agreement) != 0 ||
	               message->agreement_version != record->agreement_version))
		return tb_fail(err, TB_EINVALID, "the case stands on another agreement, or another version");
	uint32_t epoch = record ? record->epoch : 0;
	if (message->epoch != epoch)
		return tb_fail(err, TB_ESTATE, "stale: epoch %u, the case is in %u", message->epoch, epoch);
	if (message->package)
		return take_package(turn, peer, message, digest, record, head, err);
	if (message->entries)
		return take_entries(turn, peer, message, digest, record, head, err);
	return take_proposal(turn, peer, message, digest, record, head, err);
}

enum tb_code case_message(struct turn *turn, const char *peer, const PbCaseMessage *message,
                          const uint8_t digest[PKI_HASH_BYTES], bool *defer, uint64_t *want, uint32_t *head,
                          struct tb_error *err)
{
	PbCaseRecord *record = NULL;
	enum tb_code code = case_load(&turn->kv, message->case_number, &turn->arena, &record, err);
	*defer = false;
	if (code != TB_OK && code != TB_ENOTFOUND)
		return code;
	if (record && strcmp(record->home, peer) != 0 && strcmp(record->window, peer) != 0)
		return tb_refuse(err, TB_REASON_CASE_UNKNOWN_THERE, NULL); /* not a party: told nothing */
	if (record && message->case_seq > record->in_seq + 1) {
		*defer = true;
		*want = record->in_seq + 1;
		return TB_OK;
	}
	*head = record ? record->seq : 0;
	if (record && (message->case_seq != record->in_seq + 1 ||
	               !tb_bytes_equal(proto_bytes(message->previous), proto_bytes(record->in_previous))))
		return tb_fail(err, TB_ESTATE, "message %llu does not follow message %llu of this case",
		               (unsigned long long)message->case_seq, (unsigned long long)record->in_seq);
	code = dispatch(turn, peer, message, digest, record, head, err);
	if (code && record && tb_code_fault(code) != TB_FAULT_LOCAL) {
		/* A refused message is answered for; the next one may come. */
		PbCaseRecord *fresh;
		if (case_load(&turn->kv, message->case_number, &turn->arena, &fresh, NULL) == TB_OK) {
			consume(fresh, message, digest, &turn->arena);
			case_save(turn, fresh);
			*head = fresh->seq;
		}
	}
	return code;
}

/* ---- receipts of ours */

/* The package was refused, or given up: the case stays ours, and the window is told why. */
static void bounced(struct turn *turn, PbCaseRecord *record, const char *reason)
{
	struct case_change change = {.event = PB_CASE_EVENT__BOUNCE,
	                             .actor = case_system_actor(&turn->arena),
	                             .detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena),
	                             .node = turn->core->setup.region};
	struct tb_error err;
	change.detail->reason = tb_arena_str(&turn->arena, reason);
	record->handing_over = false;
	if (case_order(turn, record, &change, &err) == TB_OK)
		return;
	turn_log(turn, TB_LOG_ERROR, "case.bounce_failed", "", record->number, "%s", err.text);
	record->dispute = true;
	case_save(turn, record);
}

/* True if |receipt|, which refuses our package, shows that the peer holds what we do not: the case, although
 * we never handed it over, or entries past ours. Our store is an older one then (docs/operations.md, section
 * 11). */
static bool peer_knows_more(const PbCaseRecord *record, const PbReceipt *receipt)
{
	return receipt->head > record->seq || (record->epoch == 0 && !record->shared && receipt->head > 0);
}

static void package_refused(struct turn *turn, const char *peer, PbCaseRecord *record,
                            const PbReceipt *receipt)
{
	bool parted = peer_knows_more(record, receipt);
	bounced(turn, record, receipt->reason[0] ? receipt->reason : receipt->code);
	if (!parted)
		return;
	record->dispute = true;
	turn_log(turn, TB_LOG_ERROR, "case.diverged", peer, record->number, "%s", receipt->reason);
	case_save(turn, record);
}

/* The owner refused what we proposed. If the case has come back to us meanwhile, we are the owner and order
 * it. */
static void refused(struct turn *turn, const char *peer, PbCaseRecord *record, const PbCaseMessage *message,
                    const char *reason)
{
	const char *self = turn->core->setup.region;
	struct kv_key key = proposed_key(peer, proto_bytes(message->id));
	kv_delete(&turn->kv, KV_PROPOSED, &key);
	if (strcmp(record->owner, self) == 0 && !record->handing_over) {
		struct case_change change = {.event = message->proposal->event,
		                             .actor = message->proposal->actor,
		                             .detail = message->proposal->detail,
		                             .node = self,
		                             .proposal = proto_bytes(message->id)};
		struct tb_error err;
		if (case_order(turn, record, &change, &err) == TB_OK)
			return;
	}
	record->refusal = tb_arena_printf(&turn->arena, "%s refused: %s",
	                                  case_event_text(message->proposal->event, false), reason);
	case_save(turn, record);
}

/* What the peer never got of the log, from entry |first| on, in a new message: it refuses those that wait
 * behind |given_up|, the message that had them, since they follow what it lacks. A package on its way has it
 * all. */
static void send_entries_anew(struct turn *turn, const char *peer, PbCaseRecord *record, uint64_t given_up,
                              uint32_t first)
{
	if (record->handing_over && strcmp(record->window, turn->core->setup.region) == 0)
		return;
	if (given_up < record->sent_anew && first >= record->sent_anew_from)
		return; /* went with one that was given up before it */
	PbCaseMessage again = PB_CASE_MESSAGE__INIT;
	PbCaseEntries entries = PB_CASE_ENTRIES__INIT;
	entries.entries = tb_arena_alloc(&turn->arena, record->seq * sizeof(*entries.entries));
	for (uint32_t seq = first; seq <= record->seq; seq++) {
		struct kv_key key = case_entry_key(record->number, seq);
		struct tb_bytes entry;
		struct tb_error err = {.text = "an entry is missing"};
		if (kv_get(&turn->kv, KV_ENTRY, &key, &turn->arena, &entry, &err)) {
			turn_log(turn, TB_LOG_ERROR, "case.unreadable", peer, record->number, "%s", err.text);
			return;
		}
		entries.entries[entries.n_entries++] = proto_data(entry);
	}
	/* An entry that hands over is the last: nothing is ordered after it. */
	entries.hand_over = record->handing_over;
	again.entries = &entries;
	record->sent_anew = record->out_seq + 1;
	record->sent_anew_from = first;
	delivery_queue(turn, peer, record, &again, entries.hand_over);
}

/* What became of a message that we had given up. */
static void told_expired(struct turn *turn, const char *peer, PbCaseRecord *record,
                         const PbCaseMessage *notice, const PbReceipt *receipt)
{
	struct kv_key key = kv_key_str(peer);
	PbOutboxRecord *old;
	PbCaseMessage *message;
	struct entries run;
	struct tb_error err = {0};
	kv_key_add_u64(&key, notice->expired->seq);
	if (KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &old, &err) ||
	    PROTO_DECODE_OWN(&message, case_message, proto_bytes(old->message), &turn->arena, &err) ||
	    (message->entries &&
	     decode_entries(turn, message->entries->entries, message->entries->n_entries, &run, &err))) {
		turn_log(turn, TB_LOG_ERROR, "delivery.unreadable", peer, record->number, "%s", err.text);
		return;
	}
	kv_delete(&turn->kv, KV_DEAD, &key);
	bool applied = strcmp(receipt->code, "applied") == 0;
	if (applied && old->hand_over && record->handing_over) {
		handed_over(turn, record);
	} else if (!applied && message->package && record->handing_over) {
		bounced(turn, record, "expired: the package did not arrive");
	} else if (!applied && message->entries) {
		send_entries_anew(turn, peer, record, notice->expired->case_seq, run.list[0]->seq);
		case_save(turn, record);
	} else if (!applied && message->package) {
		PbCaseMessage again = PB_CASE_MESSAGE__INIT;
		again.package = message->package;
		delivery_queue(turn, peer, record, &again, false);
		case_save(turn, record);
	} else if (!applied && message->proposal) {
		refused(turn, peer, record, message, "expired: it did not arrive");
	}
}

/* A post that was given up is sent again, unless it had arrived. */
static bool post_told_expired(struct turn *turn, const char *peer, const PbCaseMessage *notice,
                              const PbReceipt *receipt)
{
	struct kv_key key = kv_key_str(peer);
	PbOutboxRecord *old;
	PbCaseMessage *message;
	kv_key_add_u64(&key, notice->expired->seq);
	if (KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &old, NULL) ||
	    PROTO_DECODE_OWN(&message, case_message, proto_bytes(old->message), &turn->arena, NULL) ||
	    !message->post)
		return false;
	kv_delete(&turn->kv, KV_DEAD, &key);
	if (strcmp(receipt->code, "applied") != 0) {
		PbCaseMessage again = PB_CASE_MESSAGE__INIT;
		again.case_number = message->case_number;
		again.post = message->post;
		delivery_queue_post(turn, peer, &again);
	}
	return true;
}

void case_receipted(struct turn *turn, const char *peer, const PbCaseMessage *message,
                    const PbReceipt *receipt)
{
	if (message->post || (message->expired && post_told_expired(turn, peer, message, receipt)))
		return;
	PbCaseRecord *record;
	struct tb_error err;
	bool durable = receipt->kind == PB_RECEIPT_KIND__DURABLE;
	if (case_load(&turn->kv, message->case_number, &turn->arena, &record, &err)) {
		turn_log(turn, TB_LOG_ERROR, "case.unreadable", peer, message->case_number, "%s", err.text);
		return;
	}
	if (message->expired) {
		told_expired(turn, peer, record, message, receipt);
	} else if (message->package && record->handing_over) {
		if (durable)
			handed_over(turn, record);
		else
			package_refused(turn, peer, record, receipt);
	} else if (message->package && message->package->copy && durable && record->copy_refused) {
		/* It was refused before, and taken now: that was the dispute. */
		record->copy_refused = false;
		record->dispute = false;
		record->refusal = tb_arena_str(&turn->arena, "");
		case_save(turn, record);
	} else if (message->package && message->package->copy && !durable) {
		/* The home region did not take its copy: people mend what it lacks, and share it again. */
		record->shared = false;
		record->dispute = true;
		record->copy_refused = true;
		record->refusal =
			tb_arena_printf(&turn->arena, "%s refused its copy: %s", peer, receipt->reason);
		turn_log(turn, TB_LOG_ERROR, "case.copy_refused", peer, record->number, "%s",
		         receipt->reason);
		case_save(turn, record);
	} else if (message->entries && message->entries->hand_over && record->handing_over && durable) {
		handed_over(turn, record);
	} else if (message->entries && !durable && message->case_seq < record->sent_anew) {
		turn_log(turn, TB_LOG_INFO, "case.sent_anew", peer, record->number, "%s", receipt->reason);
	} else if (message->entries && !durable) {
		record->dispute = true;
		record->handing_over = false;
		turn_log(turn, TB_LOG_ERROR, "case.diverged", peer, record->number, "%s", receipt->reason);
		case_save(turn, record);
	} else if (message->proposal && !durable) {
		refused(turn, peer, record, message, receipt->reason);
	}
}
