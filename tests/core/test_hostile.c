/* Packages, and messages of who has no part in a case, from a peer that is granted, signs correctly, and
 * lies. Each is refused with a coded receipt, changes nothing but the record that it was refused, and leaves
 * the exchange working. */
#include "tests/core/hostile.h"

#include "node/core/ident.h"
#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OTHER "330100"

static char *long_word(struct forgery *f, size_t size)
{
	char *text = tb_arena_alloc(&f->arena, size + 1);
	memset(text, 'x', size);
	return text;
}

/* ---- packages */

ALTER(item_not_granted, forgery_application(f)->item = forgery_word(f, "11320400014109045T2000131005007"))
ALTER(mode_not_granted, forgery_application(f)->mode = forgery_word(f, "TB"))
ALTER(for_another_region, forgery_application(f)->home = forgery_word(f, OTHER))
ALTER(without_application, f->entries[0]->detail->application = NULL)
ALTER(without_applicant, forgery_application(f)->applicant = NULL)
ALTER(without_detail, f->entries[0]->detail = NULL)
ALTER(without_entries, f->count = 0)
ALTER(first_node_forged, f->entries[0]->node = forgery_word(f, OTHER))
ALTER(checked_at_home, f->entries[1]->node = forgery_word(f, HOME))
ALTER(owner_forged, f->entries[1]->owner = forgery_word(f, OTHER))
ALTER(ordered_by_home, f->entries[1]->owner = forgery_word(f, HOME))
ALTER(checked_by_department, f->entries[1]->actor->role = PB_ROLE__H_DEPT)
ALTER(sent_by_system, f->entries[2]->actor->role = PB_ROLE__SYSTEM)
ALTER(role_unknown, f->entries[1]->actor->role = (PbRole)99)
ALTER(without_actor, f->entries[1]->actor = NULL)
ALTER(not_checked, f->entries[1] = f->entries[2]; f->count = 2; f->entries[1]->seq = 2;
      f->entries[1]->from = PB_CASE_STATE__RECEIVED)
ALTER(not_sent, f->count = 2)
ALTER(sequence_gap, f->entries[2]->seq = 4)
ALTER(sequence_repeats, f->entries[2]->seq = 2)
ALTER(wrong_from, f->entries[1]->from = PB_CASE_STATE__CHECKING)
ALTER(wrong_to, f->entries[2]->to = PB_CASE_STATE__GRANTED)
ALTER(event_unknown, f->entries[1]->event = (PbCaseEvent)99)
ALTER(deemed_at_window, f->entries[1]->event = PB_CASE_EVENT__DEEM)
ALTER(chain_broken, f->unchained = true; f->entries[1]->previous.data[5] ^= 1)
ALTER(chain_cut, f->unchained = true; f->entries[1]->previous.len = 0)
ALTER(entry_of_another_case, f->entries[1]->case_number = forgery_word(f, "62010020260101000000110"))
ALTER(without_salt, f->entries[1]->salt.len = 0)
ALTER(short_salt, f->entries[2]->salt.len = 15)
ALTER(epoch_forged, f->entries[2]->epoch = UINT32_MAX)
ALTER(epoch_of_message_forged, f->message->epoch = 7)
ALTER(path_in_name, forgery_material(f)->name = forgery_word(f, "../../etc/passwd"))
ALTER(slash_in_name, forgery_material(f)->name = forgery_word(f, "a/b.pdf"))
ALTER(backslash_in_name, forgery_material(f)->name = forgery_word(f, "a\\b.pdf"))
ALTER(escape_in_name, forgery_material(f)->name = forgery_word(f, "a\x1b[2J.pdf"))
ALTER(override_in_name, forgery_material(f)->name = forgery_word(f, "a\xe2\x80\xae"
                                                                    "fdp.exe"))
ALTER(not_utf8_in_name, forgery_material(f)->name = forgery_word(f, "a\xff.pdf"))
ALTER(root_short, forgery_material(f)->root.len = 31)
ALTER(root_missing, forgery_material(f)->root.len = 0)
ALTER(whole_digest_missing, forgery_material(f)->sha256.len = 0)
ALTER(size_nothing, forgery_material(f)->size = 0)
ALTER(size_enormous, forgery_material(f)->size = UINT64_MAX)
ALTER(need_unknown, forgery_material(f)->need = forgery_word(f, "M9"))
ALTER(need_not_met, forgery_material(f)->need = forgery_word(f, "M2"))
ALTER(materials_none, forgery_application(f)->n_materials = 0)
ALTER(certificate_for_paper, forgery_material(f)->credential = forgery_word(f, "1.2.3"))
ALTER(applied_twice, f->entries[1]->detail->application = forgery_application(f))
ALTER(vouched_by_another, forgery_application(f)->identity->region = forgery_word(f, OTHER))
ALTER(vouched_by_nobody, forgery_application(f)->identity->region = forgery_word(f, ""))
ALTER(vouched_at_no_level, forgery_application(f)->identity->level = PB_ASSURANCE__ASSURANCE_UNSPECIFIED)
ALTER(vouched_at_unknown_level, forgery_application(f)->identity->level = (PbAssurance)9)
ALTER(seen_by_nobody, f->entries[0]->actor->role = PB_ROLE__APPLICANT)
ALTER(seen_by_a_story, forgery_application(f)->identity->method = long_word(f, TB_NAME_BYTES_MAX + 1))
ALTER(two_bodies, PbCaseProposal *p = PROTO_NEW(PbCaseProposal, case_proposal, &f->arena);
      f->message->proposal = p)
ALTER(no_body, f->message->package = NULL)
ALTER(id_short, f->message->id.len = 15)
ALTER(number_missing, f->message->case_number = forgery_word(f, ""))
ALTER(number_long, f->message->case_number = forgery_word(f, "6201002026010100000011062010020260"))

static void number_of_another_region(struct forgery *f)
{
	char number[IDENT_CASE_ROOM];
	ident_case_number(number, OTHER, tb_day_at(f->pair->now), 1);
	f->message->case_number = forgery_word(f, number);
	for (size_t i = 0; i < f->count; i++)
		f->entries[i]->case_number = forgery_word(f, number);
}

static void number_mistyped(struct forgery *f)
{
	char *number = forgery_word(f, f->message->case_number);
	number[20] = number[20] == '9' ? '8' : '9';
	f->message->case_number = number;
	for (size_t i = 0; i < f->count; i++)
		f->entries[i]->case_number = number;
}

static void clock_twice(struct forgery *f)
{
	PbClockState **clocks = tb_arena_alloc(&f->arena, 2 * sizeof(*clocks));
	clocks[0] = clocks[1] = f->entries[0]->clocks[0];
	f->entries[0]->clocks = clocks;
	f->entries[0]->n_clocks = 2;
}

static void clock_mad(struct forgery *f)
{
	f->entries[0]->clocks[0]->due_ms = INT64_MIN;
}

static void materials_many(struct forgery *f)
{
	PbMaterial **all = tb_arena_alloc(&f->arena, (TB_MATERIALS_MAX + 1) * sizeof(*all));
	for (size_t i = 0; i <= TB_MATERIALS_MAX; i++)
		all[i] = forgery_material(f);
	forgery_application(f)->materials = all;
	forgery_application(f)->n_materials = TB_MATERIALS_MAX + 1;
}

static void entry_put_raw(struct forgery *f, struct tb_bytes bytes)
{
	ProtobufCBinaryData *data = tb_arena_alloc(&f->arena, sizeof(*data));
	*data = proto_data(bytes);
	f->raw = true;
	f->message->package->entries = data;
	f->message->package->n_entries = 1;
}

static void entry_garbage(struct forgery *f)
{
	entry_put_raw(f, tb_bytes_str("\xff\xff\xff\xff\xff\xff"));
}

static void entry_with_nul(struct forgery *f)
{
	struct tb_bytes bytes = proto_encode_arena(&f->arena, &f->entries[0]->base);
	uint8_t *copy = tb_arena_copy(&f->arena, bytes.data, bytes.size);
	uint8_t *name = memmem(copy, bytes.size, "scan.pdf", 8);
	assert_non_null(name);
	name[4] = 0;
	entry_put_raw(f, tb_bytes_of(copy, bytes.size));
}

static void entry_deep(struct forgery *f)
{
	/* detail.application.applicant, opened ten thousand times over: each length is a lie that fits. */
	struct tb_buf deep = {0};
	for (unsigned i = 0; i < 10000; i++)
		tb_buf_add(&deep, "\x62\xff\xff\x03", 4);
	entry_put_raw(f, tb_arena_bytes(&f->arena, tb_buf_bytes(&deep)));
	tb_buf_clear(&deep);
}

static const struct alteration forged_packages[] = {
	{"an item that is not granted", item_not_granted, "not_granted", "not granted"},
	{"a mode that is not granted", mode_not_granted, "not_granted", "not granted"},
	{"a package for another region", for_another_region, "invalid", "is for 330100"},
	{"a number of another region", number_of_another_region, "invalid", "is not one of"},
	{"a number whose check is wrong", number_mistyped, "invalid", "is not one of"},
	{"no application", without_application, "invalid", "no application"},
	{"no applicant", without_applicant, "invalid", "no application"},
	{"no detail", without_detail, "invalid", "no application"},
	{"no entries", without_entries, "invalid", "entries"},
	{"first node forged", first_node_forged, "not_granted", "no party"},
	{"checked at home", checked_at_home, "not_granted", "may not"},
	{"owner forged", owner_forged, "not_granted", "was not ordered by"},
	{"ordered by home", ordered_by_home, "not_granted", "was not ordered by"},
	{"checked by a department", checked_by_department, "not_granted", "may not"},
	{"sent by the system", sent_by_system, "not_granted", "may not"},
	{"an unknown role", role_unknown, "not_granted", "may not"},
	{"no actor", without_actor, "not_granted", "may not"},
	{"not checked", not_checked, "state", "not possible"},
	{"not sent", not_sent, "state", "ends with its sending"},
	{"a gap in the sequence", sequence_gap, "state", "does not follow"},
	{"a repeated sequence number", sequence_repeats, "state", "does not follow"},
	{"a wrong state before", wrong_from, "state", "not possible"},
	{"a wrong state after", wrong_to, "state", "not possible"},
	{"an unknown event", event_unknown, "state", "not possible"},
	{"an event of the home region", deemed_at_window, "state", "not possible"},
	{"a broken chain", chain_broken, "state", "does not follow"},
	{"a cut chain", chain_cut, "state", "does not follow"},
	{"an entry of another case", entry_of_another_case, "invalid", "another case"},
	{"no salt", without_salt, "invalid", "salt"},
	{"a short salt", short_salt, "invalid", "salt"},
	{"a clock twice", clock_twice, "invalid", "clocks"},
	{"a mad clock", clock_mad, "invalid", "clocks"},
	{"a forged epoch", epoch_forged, "state", "epoch"},
	{"a forged epoch of the message", epoch_of_message_forged, "state", "epoch"},
	{"a path as name", path_in_name, "invalid", "name"},
	{"a slash in a name", slash_in_name, "invalid", "name"},
	{"a backslash in a name", backslash_in_name, "invalid", "name"},
	{"a control character in a name", escape_in_name, "invalid", "entries[0]"},
	{"a bidirectional override in a name", override_in_name, "invalid", "entries[0]"},
	{"a name that is not UTF-8", not_utf8_in_name, "invalid", "entries[0]"},
	{"NUL in a name", entry_with_nul, "invalid", "entries[0]"},
	{"a short root", root_short, "invalid", "root"},
	{"no root", root_missing, "invalid", "root"},
	{"no digest of the whole", whole_digest_missing, "invalid", "sha256"},
	{"a size of nothing", size_nothing, "invalid", "size"},
	{"an enormous size", size_enormous, "invalid", "size"},
	{"too many materials", materials_many, "invalid", "more than 200"},
	{"an unknown need", need_unknown, "invalid", "need"},
	{"a need that is not met", need_not_met, "invalid", "M1"},
	{"no materials", materials_none, "invalid", "M1"},
	{"a certificate where paper belongs", certificate_for_paper, "invalid", "M1"},
	{"an identity that another region vouches for", vouched_by_another, "not_granted",
         "vouched for by 330100"},
	{"an identity that nobody vouches for", vouched_by_nobody, "not_granted", "vouched"},
	{"an identity of no level", vouched_at_no_level, "invalid", "level"},
	{"an identity of an unknown level", vouched_at_unknown_level, "invalid", "level"},
	{"an applicant that saw himself in person", seen_by_nobody, "not_granted", "IN_PERSON"},
	{"a method of identification without end", seen_by_a_story, "invalid", "method"},
	{"a second application", applied_twice, "invalid", "application"},
	{"two bodies", two_bodies, "malformed", "one of"},
	{"no body", no_body, "malformed", "one of"},
	{"a short id", id_short, "malformed", "id"},
	{"no number", number_missing, "malformed", "case_number"},
	{"a long number", number_long, "malformed", "case_number"},
	{"a garbage entry", entry_garbage, "invalid", "entries[0]"},
	{"an entry of ten thousand levels", entry_deep, "invalid", "entries[0]"},
};

static void test_a_forged_package_is_refused_and_leaves_no_trace(void **state)
{
	static const char *const items[] = {ITEM, NULL};
	struct pair *pair = pair_new(*state);
	struct peer_set *set = peer_set_new();
	char number[32];
	hostile_add_peer(set, &pair->window.region, &(struct hostile_grant){.items = items});
	pair_set_peers(pair, &pair->home, set);
	pair->parted = true;
	pair_submit(pair, true, number);
	for (size_t i = 0; i < COUNT(forged_packages); i++)
		hostile_refuse_altered(pair, &pair->window, &pair->home, NULL, 3, &forged_packages[i]);
	/* The true one, which waited all the time, is taken. */
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	hostile_assert_works(pair);
	pair_free(pair);
}

/* ---- a package that comes again */

ALTER(other_applicant_in_the_past, f->unchained = true;
      forgery_application(f)->applicant->name = forgery_word(f, "李四"))
ALTER(other_material_in_the_past, f->unchained = true; forgery_material(f)->root.data[0] ^= 1)
ALTER(other_identity_in_the_past, f->unchained = true;
      forgery_application(f)->identity->level = PB_ASSURANCE__SELF_DECLARED)
ALTER(ends_in_the_past, f->count = 3)
ALTER(other_return, f->unchained = true; f->entries[4]->detail->reason = forgery_word(f, "x"))

static void return_and_send_again(struct pair *pair, const char *number)
{
	OK(pair_act(pair, &pair->home, number, "RETURN", "H_WIN", "\"detail\":{\"reason\":\"扫描不清\"}"));
	pair_pass(pair, TB_MINUTE);
	OK(pair_act(pair, &pair->window, number, "FIX", "R_WIN", ""));
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
}

static void test_a_package_that_comes_again_cannot_rewrite_what_was_received(void **state)
{
	static const struct alteration alterations[] = {
		{"another applicant", other_applicant_in_the_past, "state", "here"},
		{"another material", other_material_in_the_past, "state", "here"},
		{"another identity", other_identity_in_the_past, "state", "here"},
		{"another return", other_return, "state", "here"},
		{"nothing new", ends_in_the_past, "state", "here"},
	};
	struct pair *pair = pair_new(*state);
	hostile_refuse_each(pair, &pair->window, &pair->home, 7, alterations, COUNT(alterations),
	                    return_and_send_again);
	pair_free(pair);
}

/* ---- who is not concerned, and what comes too early or twice */

static void test_a_third_region_learns_and_moves_nothing_of_a_case(void **state)
{
	static const char *const all[] = {"*", NULL};
	struct pair *pair = pair_new(*state);
	struct region third;
	struct peer_set *set = peer_set_new();
	struct hostile_grant grant = {.items = all, .types = all, .disclosure = PB_DISCLOSURE__DOCUMENT};
	struct pair_reply reply;
	struct forgery f;
	char number[32];
	region_init(&third, OTHER, PKI_P256);
	hostile_add_peer(set, &pair->window.region, &grant);
	hostile_add_peer(set, &third, &grant);
	pair_set_peers(pair, &pair->home, set);
	pair_submit(pair, true, number);
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT", ""));
	char *before = hostile_state(pair, &pair->home, number);
	forgery_take(&f, pair, &pair->window);
	for (int twice = 0; twice < 2; twice++) {
		struct tb_bytes message = forgery_encode(&f);
		struct tb_buf bytes = {0};
		hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, OTHER, HOME, &third.message, &message,
		              1);
		OK(pair_inject(pair, &pair->home, CORE_DELIVER, OTHER, tb_buf_bytes(&bytes), &reply));
		const PbReceipt *receipt = (const PbReceipt *)(const void *)reply.messages[0];
		assert_int_equal(receipt->kind, PB_RECEIPT_KIND__REJECTED);
		assert_string_equal(receipt->code, "unknown_case");
		assert_int_equal(receipt->head, 0);
		tb_buf_clear(&bytes);
		pair_reply_clear(&reply);
		/* The second time it claims to hand the case over. */
		f.message->proposal = NULL;
		f.message->package = PROTO_NEW(PbCasePackage, case_package, &f.arena);
	}
	hostile_assert_unchanged(pair, &pair->home, number, before, "a third region");
	forgery_clear(&f);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__WITHDRAWN);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
	region_clear(&third);
}

static void test_a_message_before_its_time_is_deferred_and_not_kept(void **state)
{
	struct pair *pair = pair_new(*state);
	struct pair_reply reply;
	struct forgery f;
	char number[32];
	pair_submit(pair, true, number);
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	char *before = hostile_state(pair, &pair->window, number);
	uint64_t kept = hostile_count(&pair->window, KV_INBOX);
	forgery_take(&f, pair, &pair->home);
	f.same_id = true;
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(forgery_send(&f, &reply)->kind, PB_RECEIPT_KIND__DEFERRED);
		pair_reply_clear(&reply);
	}
	forgery_clear(&f);
	hostile_assert_unchanged(pair, &pair->window, number, before, "a message before its time");
	assert_int_equal(hostile_count(&pair->window, KV_INBOX), kept);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__REVIEW);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_one_id_with_two_contents_is_refused_and_audited(void **state)
{
	struct pair *pair = pair_new(*state);
	struct pair_reply first, second, third;
	struct forgery f;
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	forgery_take(&f, pair, &pair->window);
	f.same_id = true;
	pair->parted = false;
	assert_int_equal(forgery_send(&f, &first)->kind, PB_RECEIPT_KIND__DURABLE);
	pair->parted = true;
	char *before = hostile_state(pair, &pair->home, number);
	size_t refused = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	unsigned logged = pair->home.logged_errors;
	f.message->expires_at_ms++;
	const PbReceipt *receipt = forgery_send(&f, &second);
	assert_int_equal(receipt->kind, PB_RECEIPT_KIND__REJECTED);
	assert_string_equal(receipt->code, "same_id_other_content");
	assert_int_equal(pair->home.logged_errors, logged + 1);
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_REFUSED"), refused + 1);
	hostile_assert_unchanged(pair, &pair->home, number, before, "a forked message");
	/* The first content is still the one that counts, and gets its own receipt again. */
	f.message->expires_at_ms--;
	forgery_send(&f, &third);
	assert_true(tb_bytes_equal(pki_batch_message(first.batch, 0), pki_batch_message(third.batch, 0)));
	pair_reply_clear(&first);
	pair_reply_clear(&second);
	pair_reply_clear(&third);
	forgery_clear(&f);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

/* ---- who is granted everything */

ALTER(mode_unheard_of, forgery_application(f)->mode = forgery_word(f, "ZZ"))
ALTER(agreement_unknown, f->message->agreement = forgery_word(f, "620100-1");
      f->message->agreement_version = 1)

static void test_who_is_granted_everything_may_not_make_up_modes_or_agreements(void **state)
{
	static const struct alteration alterations[] = {
		{"an unheard-of mode", mode_unheard_of, "state", "not possible"},
		{"an agreement that is not here", agreement_unknown, "not_granted", "is not here"},
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	for (size_t i = 0; i < COUNT(alterations); i++)
		hostile_refuse_altered(pair, &pair->window, &pair->home, NULL, 3, &alterations[i]);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	hostile_assert_works(pair);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_forged_package_is_refused_and_leaves_no_trace),
		TEST(test_a_package_that_comes_again_cannot_rewrite_what_was_received),
		TEST(test_who_is_granted_everything_may_not_make_up_modes_or_agreements),
		TEST(test_a_third_region_learns_and_moves_nothing_of_a_case),
		TEST(test_a_message_before_its_time_is_deferred_and_not_kept),
		TEST(test_one_id_with_two_contents_is_refused_and_audited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
