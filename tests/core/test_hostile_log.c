/* The log of a case as its owner continues it, and what the other side proposes, from a peer that signs
 * correctly, and lies: refused with a coded receipt, and the case stays as it was. */
#include "tests/core/hostile.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OTHER "330100"

/* ---- the owner's log going on */

ALTER(decided_at_once, f->entries[0]->event = PB_CASE_EVENT__GRANT;
      f->entries[0]->to = PB_CASE_STATE__GRANTED)
ALTER(accepted_to_the_end, f->entries[0]->to = PB_CASE_STATE__CLOSED)
ALTER(accepted_from_review, f->entries[0]->from = PB_CASE_STATE__REVIEW)
ALTER(accepted_by_window, f->entries[0]->actor->role = PB_ROLE__R_WIN)
ALTER(accepted_by_applicant, f->entries[0]->actor->role = PB_ROLE__APPLICANT)
ALTER(accepted_by_system, f->entries[0]->actor->role = PB_ROLE__SYSTEM)
ALTER(accepted_by_nobody, f->entries[0]->actor = NULL)
ALTER(accepted_in_third_region, f->entries[0]->node = forgery_word(f, OTHER))
ALTER(accepted_at_window, f->entries[0]->node = forgery_word(f, WINDOW))
ALTER(ordered_by_third, f->entries[0]->owner = forgery_word(f, OTHER))
ALTER(ordered_by_window, f->entries[0]->owner = forgery_word(f, WINDOW))
ALTER(next_but_one, f->entries[0]->seq++)
ALTER(once_more, f->entries[0]->seq--)
ALTER(other_past, f->unchained = true; f->entries[0]->previous.data[0] ^= 1)
ALTER(hands_over_without_return, f->message->entries->hand_over = true)
ALTER(epoch_of_entry, f->entries[0]->epoch = 0)
ALTER(other_case_inside, f->entries[0]->case_number = forgery_word(f, "62010020260101000000110"))
ALTER(salt_gone, f->entries[0]->salt.len = 0)
ALTER(clocks_mad, f->entries[0]->clocks[0]->days_left = -1)
ALTER(nothing_inside, f->count = 0)
ALTER(twice_the_same, f->entries[1] = f->entries[0]; f->count = 2)
ALTER(old_epoch, f->message->epoch--)
ALTER(next_epoch, f->message->epoch++)
ALTER(seen_place, f->message->case_seq--)
ALTER(other_message_before, f->message->previous.len = 0)
ALTER(withdrawn_unasked, f->entries[0]->event = PB_CASE_EVENT__WITHDRAW;
      f->entries[0]->to = PB_CASE_STATE__WITHDRAWN; f->entries[0]->node = forgery_word(f, WINDOW);
      f->entries[0]->actor->role = PB_ROLE__APPLICANT)

static void a_package_back(struct forgery *f)
{
	f->message->package = PROTO_NEW(PbCasePackage, case_package, &f->arena);
	f->message->entries = NULL;
}

static void accept_the_case(struct pair *pair, const char *number)
{
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
}

static void test_a_forged_entry_is_refused_and_the_case_stays_as_it_was(void **state)
{
	static const struct alteration alterations[] = {
		{"decided at once", decided_at_once, "state", "not possible"},
		{"accepted and closed", accepted_to_the_end, "state", "not possible"},
		{"accepted from another state", accepted_from_review, "state", "not possible"},
		{"accepted by the window", accepted_by_window, "not_granted", "may not"},
		{"accepted by the applicant", accepted_by_applicant, "not_granted", "may not"},
		{"accepted by the system", accepted_by_system, "not_granted", "may not"},
		{"accepted by nobody", accepted_by_nobody, "not_granted", "may not"},
		{"accepted in a third region", accepted_in_third_region, "not_granted", "no party"},
		{"accepted at the window", accepted_at_window, "not_granted", "may not"},
		{"ordered by a third region", ordered_by_third, "not_granted", "was not ordered by"},
		{"ordered by the window", ordered_by_window, "not_granted", "was not ordered by"},
		{"the next but one", next_but_one, "state", "does not follow"},
		{"once more", once_more, "state", "does not follow"},
		{"another past", other_past, "state", "does not follow"},
		{"a hand-over without return", hands_over_without_return, "invalid", "hands the case over"},
		{"another epoch in the entry", epoch_of_entry, "state", "epoch"},
		{"an entry of another case", other_case_inside, "invalid", "another case"},
		{"no salt", salt_gone, "invalid", "salt"},
		{"mad clocks", clocks_mad, "invalid", "clocks"},
		{"nothing", nothing_inside, "invalid", "entries"},
		{"the same twice", twice_the_same, "state", "does not follow"},
		{"an old epoch", old_epoch, "state", "stale"},
		{"an epoch to come", next_epoch, "state", "stale"},
		{"a place that was seen", seen_place, "state", "does not follow"},
		{"another message before", other_message_before, "state", "does not follow"},
		{"a withdrawal at the window that the window did not ask for", withdrawn_unasked,
	         "not_granted", "proposed"},
		{"an empty package back", a_package_back, "state", "known here"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->home, &pair->window, 1, alterations, COUNT(alterations),
	                    accept_the_case);
	pair_free(pair);
}

ALTER(extended_again, f->entries[0]->event = PB_CASE_EVENT__EXTEND; f->entries[0]->to = PB_CASE_STATE__REVIEW;
      f->entries[0]->actor->role = PB_ROLE__H_HEAD)
ALTER(suspended_without_reason, f->entries[0]->event = PB_CASE_EVENT__SUSPEND;
      f->entries[0]->to = PB_CASE_STATE__SPECIAL; f->entries[0]->detail->reason = forgery_word(f, ""))
ALTER(granted_with_another_application, PbApplication *a = PROTO_NEW(PbApplication, application, &f->arena);
      f->entries[0]->detail->application = a)

static void extend_and_grant(struct pair *pair, const char *number)
{
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "EXTEND", "H_HEAD",
	            "\"detail\":{\"reason\":\"复杂\",\"days\":5}"));
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT",
	            "\"detail\":{\"reason\":\"又\",\"days\":5}"));
}

static void test_what_the_table_asks_of_an_event_is_asked_of_a_foreign_entry_too(void **state)
{
	static const struct alteration alterations[] = {
		{"extended twice", extended_again, "state", "only once"},
		{"suspended without a reason", suspended_without_reason, "invalid", "reason"},
		{"granted what was not applied for", granted_with_another_application, "invalid",
	         "application"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->home, &pair->window, 1, alterations, COUNT(alterations),
	                    extend_and_grant);
	pair_free(pair);
}

/* ---- proposals */

ALTER(by_system, f->message->proposal->actor->role = PB_ROLE__SYSTEM)
ALTER(by_nobody, f->message->proposal->actor = NULL)
ALTER(by_no_role, f->message->proposal->actor->role = PB_ROLE__ROLE_UNSPECIFIED)
ALTER(by_unknown_role, f->message->proposal->actor->role = (PbRole)77)
ALTER(by_their_department, f->message->proposal->actor->role = PB_ROLE__H_DEPT)
ALTER(by_a_supervisor, f->message->proposal->actor->role = PB_ROLE__SUPERVISOR)
ALTER(grant_from_the_window, f->message->proposal->event = PB_CASE_EVENT__GRANT;
      f->message->proposal->actor->role = PB_ROLE__H_DEPT)
ALTER(accept_from_the_window, f->message->proposal->event = PB_CASE_EVENT__ACCEPT;
      f->message->proposal->actor->role = PB_ROLE__H_WIN)
ALTER(return_from_the_window, f->message->proposal->event = PB_CASE_EVENT__RETURN;
      f->message->proposal->actor->role = PB_ROLE__H_WIN;
      f->message->proposal->detail->reason = forgery_word(f, "x"))
ALTER(event_out_of_order, f->message->proposal->event = PB_CASE_EVENT__HAND_OVER)
ALTER(supplement_unasked, f->message->proposal->event = PB_CASE_EVENT__SUPPLEMENT)
ALTER(no_event, f->message->proposal->event = PB_CASE_EVENT__CASE_EVENT_UNSPECIFIED)
ALTER(unheard_of_event, f->message->proposal->event = (PbCaseEvent)1000)
ALTER(consult_without_note, f->message->proposal->event = PB_CASE_EVENT__CONSULT;
      f->message->proposal->actor->role = PB_ROLE__R_WIN)
ALTER(post_without_waybill, f->message->proposal->event = PB_CASE_EVENT__POST;
      f->message->proposal->actor->role = PB_ROLE__R_WIN)
ALTER(new_application, PbApplication *a = PROTO_NEW(PbApplication, application, &f->arena);
      f->message->proposal->detail->application = a)
ALTER(a_decision, PbDecision *d = PROTO_NEW(PbDecision, decision, &f->arena);
      f->message->proposal->detail->decision = d)
ALTER(proposal_epoch, f->message->epoch = 0)
ALTER(unknown_case, f->message->case_number = forgery_word(f, "62010020260101000000110"))

static void proposal_material(struct forgery *f, const char *name, size_t root)
{
	PbMaterial *brought = PROTO_NEW(PbMaterial, material, &f->arena);
	PbMaterial **list = tb_arena_alloc(&f->arena, sizeof(*list));
	uint8_t zero[PKI_HASH_BYTES] = {0};
	brought->need = forgery_word(f, "M2");
	brought->name = forgery_word(f, name);
	brought->size = 10;
	brought->root = proto_data(tb_arena_bytes(&f->arena, tb_bytes_of(zero, root)));
	brought->sha256 = proto_data(tb_arena_bytes(&f->arena, tb_bytes_of(zero, sizeof(zero))));
	list[0] = brought;
	f->message->proposal->detail->materials = list;
	f->message->proposal->detail->n_materials = 1;
}

ALTER(proposal_path, proposal_material(f, "..", 32))
ALTER(proposal_root, proposal_material(f, "a", 16))

static void withdraw(struct pair *pair, const char *number)
{
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", "\"detail\":{\"note\":\"\"}"));
}

static void test_a_forged_proposal_is_refused_and_the_owner_orders_nothing(void **state)
{
	static const struct alteration alterations[] = {
		{"by the system", by_system, "not_granted", "person"},
		{"by nobody", by_nobody, "not_granted", "person"},
		{"by no role", by_no_role, "not_granted", "WITHDRAW"},
		{"by an unknown role", by_unknown_role, "not_granted", "WITHDRAW"},
		{"by the home region's department", by_their_department, "not_granted", "H_DEPT"},
		{"by a supervisor", by_a_supervisor, "not_granted", "SUPERVISOR"},
		{"a grant", grant_from_the_window, "state", "GRANT"},
		{"an acceptance", accept_from_the_window, "not_granted", "ACCEPT"},
		{"a return", return_from_the_window, "not_granted", "RETURN"},
		{"an event out of order", event_out_of_order, "state", "HAND_OVER"},
		{"a supplement that nobody asked for", supplement_unasked, "state", "SUPPLEMENT"},
		{"no event", no_event, "state", "not possible"},
		{"an unheard-of event", unheard_of_event, "state", "not possible"},
		{"a consultation without a note", consult_without_note, "invalid", "note"},
		{"a posting without a waybill", post_without_waybill, "invalid", "waybill"},
		{"another application", new_application, "invalid", "application"},
		{"a decision", a_decision, "invalid", "decision"},
		{"a path as a material's name", proposal_path, "invalid", "name"},
		{"a short root", proposal_root, "invalid", "root"},
		{"an old epoch", proposal_epoch, "state", "stale"},
		{"an unknown case", unknown_case, "unknown_case", "no such case"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->window, &pair->home, 0, alterations, COUNT(alterations), withdraw);
	pair_free(pair);
}

/* ---- certificates in decisions */

static PbDecision *decision(struct forgery *f)
{
	return f->entries[0]->detail->decision;
}

ALTER(certificate_altered, decision(f)->credential->proof->item.data[40] ^= 1)
ALTER(certificate_signature_altered, decision(f)->credential->proof->signature.data[9] ^= 1)
ALTER(certificate_header_altered, decision(f)->credential->proof->header.data[20] ^= 1)
ALTER(certificate_path_added, PbProof *p = decision(f)->credential->proof; p->n_path = 1;
      p->path = tb_arena_alloc(&f->arena, sizeof(*p->path)); p->path[0] = p->item; p->path[0].len = 32)
ALTER(certificate_unchained, decision(f)->credential->proof->n_chain = 0)
ALTER(certificate_of_another_name, decision(f)->credential_identifier = forgery_word(f, "1.2.156.3005.2.X"))

/* Signs |message| as one of |kind| with |signer|'s key in the name of |region|, in place of the certificate.
 */
static void sign_as(struct forgery *f, PbBatchKind kind, const char *region, const struct credential *signer,
                    struct tb_bytes message)
{
	bool sealing = kind == PB_BATCH_KIND__SEAL;
	static const uint8_t seed[32] = {5};
	struct pki_random *random = pki_random_new(seed);
	struct tb_error err = {0};
	struct pki_batch_head head = {.kind = kind,
	                              .sender = region,
	                              .receiver = sealing ? "" : WINDOW,
	                              .issuer = sealing ? region : NULL,
	                              .sent_at = f->pair->now,
	                              .expires_at = f->pair->now + (sealing ? 0 : TB_MINUTE)};
	struct pki_batch *seal = pki_batch_build(&head, &message, 1, random);
	OK(pki_batch_sign(seal, signer->key, signer->chain, signer->chain_count, &err));
	PbProof *proof = PROTO_NEW(PbProof, proof, &f->arena);
	pki_proof_make(proof, seal, 0, &f->arena);
	struct tb_bytes copy = proto_encode_arena(&f->arena, &proof->base);
	OK(PROTO_DECODE(&decision(f)->credential->proof, proof, copy, &f->arena, &err));
	pki_batch_free(seal);
	pki_random_free(random);
}

static void seal_by(struct forgery *f, const char *region, const struct credential *signer,
                    struct tb_bytes message)
{
	sign_as(f, PB_BATCH_KIND__SEAL, region, signer, message);
}

static struct tb_bytes certificate(struct forgery *f)
{
	struct tb_bytes item = proto_bytes(decision(f)->credential->proof->item);
	return tb_bytes_of(item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES);
}

ALTER(sealed_by_the_window, seal_by(f, WINDOW, &f->pair->window.region.seal, certificate(f)))
ALTER(sealed_with_the_message_key, seal_by(f, HOME, &f->pair->home.region.message, certificate(f)))
ALTER(sealed_as_a_message,
      sign_as(f, PB_BATCH_KIND__MESSAGES, HOME, &f->pair->home.region.message, certificate(f)))
ALTER(sealed_in_anothers_name, seal_by(f, HOME, &f->pair->window.region.seal, certificate(f)))
ALTER(certificate_without_seal, decision(f)->credential->proof = NULL)
ALTER(sealed_garbage, seal_by(f, HOME, &f->pair->home.region.seal, tb_bytes_str("\xff\xff\xff")))

static void grant_with_certificate(struct pair *pair, const char *number)
{
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", "\"issue\":{\"typeName\":\"公证书\"}"));
}

static void test_a_decision_with_a_forged_certificate_is_refused(void **state)
{
	static const struct alteration alterations[] = {
		{"an altered certificate", certificate_altered, "invalid", ""},
		{"an altered signature", certificate_signature_altered, "invalid", ""},
		{"an altered header", certificate_header_altered, "invalid", ""},
		{"an added step in the path", certificate_path_added, "invalid", ""},
		{"no chain", certificate_unchained, "invalid", "chain"},
		{"another identifier", certificate_of_another_name, "invalid", "not the one"},
		{"sealed by the window", sealed_by_the_window, "invalid", ""},
		{"sealed with the message key", sealed_with_the_message_key, "invalid", ""},
		{"sealed in another's name", sealed_in_anothers_name, "invalid", ""},
		{"sealed garbage", sealed_garbage, "invalid", ""},
		{"not sealed", certificate_without_seal, "invalid", "not sealed"},
		{"a message for a seal", sealed_as_a_message, "invalid", "not sealed by"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->home, &pair->window, 1, alterations, COUNT(alterations),
	                    grant_with_certificate);
	pair_free(pair);
}

/* ---- what happened at the window, as the owner tells it */

static enum fate home_is_mute(struct pair *pair, const struct core_outbound *outbound)
{
	(void)pair;
	return outbound->call == CORE_DELIVER && strcmp(outbound->peer, WINDOW) == 0 ? REQUEST_LOST : ARRIVES;
}

static void counted_twice(struct forgery *f)
{
	f->entries[1] = tb_arena_copy(&f->arena, f->entries[0], sizeof(*f->entries[0]));
	f->entries[1]->seq++;
	f->count = 2;
}

ALTER(of_another_event, f->entries[0]->event = PB_CASE_EVENT__WITHDRAW;
      f->entries[0]->to = PB_CASE_STATE__WITHDRAWN)
ALTER(of_no_id, f->entries[0]->proposal.len = 15)
ALTER(of_an_unknown_id, f->entries[0]->proposal.data[3] ^= 1)

static void consult_and_be_told(struct pair *pair, const char *number)
{
	pair->fate = home_is_mute;
	OK(pair_act(pair, &pair->window, number, "CONSULT", "R_WIN", "\"detail\":{\"note\":\"x\"}"));
	pair_pass(pair, TB_SECOND);
}

static void test_what_the_window_proposed_counts_once_and_as_what_it_was(void **state)
{
	static const struct alteration alterations[] = {
		{"a proposal twice", counted_twice, "not_granted", "not proposed here"},
		{"a proposal as another event", of_another_event, "not_granted", "not proposed here"},
		{"a short proposal", of_no_id, "not_granted", "not proposed here"},
		{"a proposal that nobody made", of_an_unknown_id, "not_granted", "not proposed here"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->home, &pair->window, 1, alterations, COUNT(alterations),
	                    consult_and_be_told);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_forged_entry_is_refused_and_the_case_stays_as_it_was),
		TEST(test_what_the_table_asks_of_an_event_is_asked_of_a_foreign_entry_too),
		TEST(test_a_forged_proposal_is_refused_and_the_owner_orders_nothing),
		TEST(test_a_decision_with_a_forged_certificate_is_refused),
		TEST(test_what_the_window_proposed_counts_once_and_as_what_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
