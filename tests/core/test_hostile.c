/* Case messages of a peer that is granted, signs correctly, and lies. Each is refused with a coded receipt,
 * changes nothing but the record that it was refused, and leaves the exchange working. */
#include "tests/core/hostile.h"

#include "node/core/ident.h"
#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define OTHER "330100"

struct alteration {
	const char *what;
	void (*alter)(struct forgery *f);
	const char *code;   /* of the receipt */
	const char *reason; /* what the receipt's reason holds */
};

static char *word(struct forgery *f, const char *text)
{
	return tb_arena_str(&f->arena, text);
}

static char *long_word(struct forgery *f, size_t size)
{
	char *text = tb_arena_alloc(&f->arena, size + 1);
	memset(text, 'x', size);
	return text;
}

static PbApplication *application(struct forgery *f)
{
	return f->entries[0]->detail->application;
}

static PbMaterial *material(struct forgery *f)
{
	return application(f)->materials[0];
}

static void assert_refused(const struct alteration *a, const PbReceipt *receipt)
{
	if (receipt->kind != PB_RECEIPT_KIND__REJECTED || strcmp(receipt->code, a->code) != 0 ||
	    !strstr(receipt->reason, a->reason))
		fail_msg("%s: receipt %d, code '%s', reason '%s'", a->what, (int)receipt->kind, receipt->code,
		         receipt->reason);
}

/* Sends what |from| has in its outbox, |entries| of the log in it, once more with the alteration: |to|
 * refuses it, and knows of the case |number| (NULL: of none) what it knew. */
static void refuse_altered(struct pair *pair, struct side *from, struct side *to, const char *number,
                           size_t entries, const struct alteration *a)
{
	struct forgery f;
	struct pair_reply reply;
	char *before = hostile_state(pair, to, number);
	forgery_take(&f, pair, from);
	assert_int_equal(f.count, entries);
	if (f.message->proposal && !f.message->proposal->detail)
		f.message->proposal->detail = PROTO_NEW(PbCaseDetail, case_detail, &f.arena);
	a->alter(&f);
	assert_refused(a, forgery_send(&f, &reply));
	hostile_assert_unchanged(pair, to, number, before, a->what);
	pair_reply_clear(&reply);
	forgery_clear(&f);
}

/* A case goes all its way, whatever was refused before. */
static void assert_works(struct pair *pair)
{
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT", ""));
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__GRANTED);
	pair_assert_equal_logs(pair, number);
}

/* ---- packages */

#define ALTER(name, ...)                    \
	static void name(struct forgery *f) \
	{                                   \
		__VA_ARGS__;                \
	}

ALTER(item_not_granted, application(f)->item = word(f, "11320400014109045T2000131005007"))
ALTER(mode_not_granted, application(f)->mode = word(f, "TB"))
ALTER(for_another_region, application(f)->home = word(f, OTHER))
ALTER(without_application, f->entries[0]->detail->application = NULL)
ALTER(without_applicant, application(f)->applicant = NULL)
ALTER(without_detail, f->entries[0]->detail = NULL)
ALTER(without_entries, f->count = 0)
ALTER(first_node_forged, f->entries[0]->node = word(f, OTHER))
ALTER(checked_at_home, f->entries[1]->node = word(f, HOME))
ALTER(owner_forged, f->entries[1]->owner = word(f, OTHER))
ALTER(ordered_by_home, f->entries[1]->owner = word(f, HOME))
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
ALTER(entry_of_another_case, f->entries[1]->case_number = word(f, "62010020260101000000110"))
ALTER(without_salt, f->entries[1]->salt.len = 0)
ALTER(short_salt, f->entries[2]->salt.len = 15)
ALTER(epoch_forged, f->entries[2]->epoch = UINT32_MAX)
ALTER(epoch_of_message_forged, f->message->epoch = 7)
ALTER(path_in_name, material(f)->name = word(f, "../../etc/passwd"))
ALTER(slash_in_name, material(f)->name = word(f, "a/b.pdf"))
ALTER(backslash_in_name, material(f)->name = word(f, "a\\b.pdf"))
ALTER(escape_in_name, material(f)->name = word(f, "a\x1b[2J.pdf"))
ALTER(override_in_name, material(f)->name = word(f, "a\xe2\x80\xae"
                                                    "fdp.exe"))
ALTER(not_utf8_in_name, material(f)->name = word(f, "a\xff.pdf"))
ALTER(root_short, material(f)->root.len = 31)
ALTER(root_missing, material(f)->root.len = 0)
ALTER(whole_digest_missing, material(f)->sha256.len = 0)
ALTER(size_nothing, material(f)->size = 0)
ALTER(size_enormous, material(f)->size = UINT64_MAX)
ALTER(need_unknown, material(f)->need = word(f, "M9"))
ALTER(need_not_met, material(f)->need = word(f, "M2"))
ALTER(materials_none, application(f)->n_materials = 0)
ALTER(certificate_for_paper, material(f)->credential = word(f, "1.2.3"))
ALTER(applied_twice, f->entries[1]->detail->application = application(f))
ALTER(vouched_by_another, application(f)->identity->region = word(f, OTHER))
ALTER(vouched_by_nobody, application(f)->identity->region = word(f, ""))
ALTER(vouched_at_no_level, application(f)->identity->level = PB_ASSURANCE__ASSURANCE_UNSPECIFIED)
ALTER(vouched_at_unknown_level, application(f)->identity->level = (PbAssurance)9)
ALTER(seen_by_nobody, f->entries[0]->actor->role = PB_ROLE__APPLICANT)
ALTER(seen_by_a_story, application(f)->identity->method = long_word(f, TB_NAME_BYTES_MAX + 1))
ALTER(two_bodies, PbCaseProposal *p = PROTO_NEW(PbCaseProposal, case_proposal, &f->arena);
      f->message->proposal = p)
ALTER(no_body, f->message->package = NULL)
ALTER(id_short, f->message->id.len = 15)
ALTER(number_missing, f->message->case_number = word(f, ""))
ALTER(number_long, f->message->case_number = word(f, "6201002026010100000011062010020260"))

static void number_of_another_region(struct forgery *f)
{
	char number[IDENT_CASE_ROOM];
	ident_case_number(number, OTHER, tb_day_at(f->pair->now), 1);
	f->message->case_number = word(f, number);
	for (size_t i = 0; i < f->count; i++)
		f->entries[i]->case_number = word(f, number);
}

static void number_mistyped(struct forgery *f)
{
	char *number = word(f, f->message->case_number);
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
		all[i] = material(f);
	application(f)->materials = all;
	application(f)->n_materials = TB_MATERIALS_MAX + 1;
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
		refuse_altered(pair, &pair->window, &pair->home, NULL, 3, &forged_packages[i]);
	/* The true one, which waited all the time, is taken. */
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	assert_works(pair);
	pair_free(pair);
}

/* ---- the owner's log going on */

ALTER(decided_at_once, f->entries[0]->event = PB_CASE_EVENT__GRANT;
      f->entries[0]->to = PB_CASE_STATE__GRANTED)
ALTER(accepted_to_the_end, f->entries[0]->to = PB_CASE_STATE__CLOSED)
ALTER(accepted_from_review, f->entries[0]->from = PB_CASE_STATE__REVIEW)
ALTER(accepted_by_window, f->entries[0]->actor->role = PB_ROLE__R_WIN)
ALTER(accepted_by_applicant, f->entries[0]->actor->role = PB_ROLE__APPLICANT)
ALTER(accepted_by_system, f->entries[0]->actor->role = PB_ROLE__SYSTEM)
ALTER(accepted_by_nobody, f->entries[0]->actor = NULL)
ALTER(accepted_in_third_region, f->entries[0]->node = word(f, OTHER))
ALTER(accepted_at_window, f->entries[0]->node = word(f, WINDOW))
ALTER(ordered_by_third, f->entries[0]->owner = word(f, OTHER))
ALTER(ordered_by_window, f->entries[0]->owner = word(f, WINDOW))
ALTER(next_but_one, f->entries[0]->seq++)
ALTER(once_more, f->entries[0]->seq--)
ALTER(other_past, f->unchained = true; f->entries[0]->previous.data[0] ^= 1)
ALTER(hands_over_without_return, f->message->entries->hand_over = true)
ALTER(epoch_of_entry, f->entries[0]->epoch = 0)
ALTER(other_case_inside, f->entries[0]->case_number = word(f, "62010020260101000000110"))
ALTER(salt_gone, f->entries[0]->salt.len = 0)
ALTER(clocks_mad, f->entries[0]->clocks[0]->days_left = -1)
ALTER(nothing_inside, f->count = 0)
ALTER(twice_the_same, f->entries[1] = f->entries[0]; f->count = 2)
ALTER(old_epoch, f->message->epoch--)
ALTER(next_epoch, f->message->epoch++)
ALTER(seen_place, f->message->case_seq--)
ALTER(other_message_before, f->message->previous.len = 0)
ALTER(withdrawn_unasked, f->entries[0]->event = PB_CASE_EVENT__WITHDRAW;
      f->entries[0]->to = PB_CASE_STATE__WITHDRAWN; f->entries[0]->node = word(f, WINDOW);
      f->entries[0]->actor->role = PB_ROLE__APPLICANT)

static void a_package_back(struct forgery *f)
{
	f->message->package = PROTO_NEW(PbCasePackage, case_package, &f->arena);
	f->message->entries = NULL;
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
	char number[32];
	for (size_t i = 0; i < COUNT(alterations); i++) {
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		pair->parted = true;
		OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
		refuse_altered(pair, &pair->home, &pair->window, number, 1, &alterations[i]);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	assert_works(pair);
	pair_free(pair);
}

ALTER(extended_again, f->entries[0]->event = PB_CASE_EVENT__EXTEND; f->entries[0]->to = PB_CASE_STATE__REVIEW;
      f->entries[0]->actor->role = PB_ROLE__H_HEAD)
ALTER(suspended_without_reason, f->entries[0]->event = PB_CASE_EVENT__SUSPEND;
      f->entries[0]->to = PB_CASE_STATE__SPECIAL; f->entries[0]->detail->reason = word(f, ""))
ALTER(granted_with_another_application, PbApplication *a = PROTO_NEW(PbApplication, application, &f->arena);
      f->entries[0]->detail->application = a)

static void test_what_the_table_asks_of_an_event_is_asked_of_a_foreign_entry_too(void **state)
{
	static const struct alteration alterations[] = {
		{"extended twice", extended_again, "state", "only once"},
		{"suspended without a reason", suspended_without_reason, "invalid", "reason"},
		{"granted what was not applied for", granted_with_another_application, "invalid",
	         "application"},
	};
	struct pair *pair = pair_new(*state);
	char number[32];
	for (size_t i = 0; i < COUNT(alterations); i++) {
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
		OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
		OK(pair_act(pair, &pair->home, number, "EXTEND", "H_HEAD",
		            "\"detail\":{\"reason\":\"复杂\",\"days\":5}"));
		pair->parted = true;
		OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT",
		            "\"detail\":{\"reason\":\"又\",\"days\":5}"));
		refuse_altered(pair, &pair->home, &pair->window, number, 1, &alterations[i]);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	assert_works(pair);
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
      f->message->proposal->actor->role = PB_ROLE__H_WIN; f->message->proposal->detail->reason = word(f, "x"))
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
ALTER(unknown_case, f->message->case_number = word(f, "62010020260101000000110"))

static void proposal_material(struct forgery *f, const char *name, size_t root)
{
	PbMaterial *brought = PROTO_NEW(PbMaterial, material, &f->arena);
	PbMaterial **list = tb_arena_alloc(&f->arena, sizeof(*list));
	uint8_t zero[PKI_HASH_BYTES] = {0};
	brought->need = word(f, "M2");
	brought->name = word(f, name);
	brought->size = 10;
	brought->root = proto_data(tb_arena_bytes(&f->arena, tb_bytes_of(zero, root)));
	brought->sha256 = proto_data(tb_arena_bytes(&f->arena, tb_bytes_of(zero, sizeof(zero))));
	list[0] = brought;
	f->message->proposal->detail->materials = list;
	f->message->proposal->detail->n_materials = 1;
}

ALTER(proposal_path, proposal_material(f, "..", 32))
ALTER(proposal_root, proposal_material(f, "a", 16))

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
	char number[32];
	for (size_t i = 0; i < COUNT(alterations); i++) {
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		pair->parted = true;
		OK(pair_act(pair, &pair->window, number, "WITHDRAW", "APPLICANT",
		            "\"detail\":{\"note\":\"\"}"));
		refuse_altered(pair, &pair->window, &pair->home, number, 0, &alterations[i]);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	assert_works(pair);
	pair_free(pair);
}

/* ---- a package that comes again */

ALTER(other_applicant_in_the_past, f->unchained = true; application(f)->applicant->name = word(f, "李四"))
ALTER(other_material_in_the_past, f->unchained = true; material(f)->root.data[0] ^= 1)
ALTER(other_identity_in_the_past, f->unchained = true;
      application(f)->identity->level = PB_ASSURANCE__SELF_DECLARED)
ALTER(ends_in_the_past, f->count = 3)
ALTER(other_return, f->unchained = true; f->entries[4]->detail->reason = word(f, "x"))

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
	for (size_t i = 0; i < COUNT(alterations); i++) {
		char number[32];
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		OK(pair_act(pair, &pair->home, number, "RETURN", "H_WIN",
		            "\"detail\":{\"reason\":\"扫描不清\"}"));
		pair_pass(pair, TB_MINUTE);
		OK(pair_act(pair, &pair->window, number, "FIX", "R_WIN", ""));
		pair_pass(pair, TB_MINUTE);
		pair->parted = true;
		OK(pair_act(pair, &pair->window, number, "SEND", "R_WIN", ""));
		refuse_altered(pair, &pair->window, &pair->home, number, 7, &alterations[i]);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	assert_works(pair);
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
ALTER(certificate_of_another_name, decision(f)->credential_identifier = word(f, "1.2.156.3005.2.X"))

/* Seals |message| with |signer|'s key in the name of |region|. */
static void seal_by(struct forgery *f, const char *region, const struct credential *signer,
                    struct tb_bytes message)
{
	static const uint8_t seed[32] = {5};
	struct pki_random *random = pki_random_new(seed);
	struct tb_error err = {0};
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__SEAL,
	                              .sender = region,
	                              .receiver = "",
	                              .issuer = region,
	                              .sent_at = f->pair->now,
	                              .expires_at = f->pair->now};
	struct pki_batch *seal = pki_batch_build(&head, &message, 1, random);
	OK(pki_batch_sign(seal, signer->key, signer->chain, signer->chain_count, &err));
	PbProof *proof = PROTO_NEW(PbProof, proof, &f->arena);
	pki_proof_make(proof, seal, 0, &f->arena);
	struct tb_bytes copy = proto_encode_arena(&f->arena, &proof->base);
	OK(PROTO_DECODE(&decision(f)->credential->proof, proof, copy, &f->arena, &err));
	pki_batch_free(seal);
	pki_random_free(random);
}

static struct tb_bytes certificate(struct forgery *f)
{
	struct tb_bytes item = proto_bytes(decision(f)->credential->proof->item);
	return tb_bytes_of(item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES);
}

ALTER(sealed_by_the_window, seal_by(f, WINDOW, &f->pair->window.region.seal, certificate(f)))
ALTER(sealed_with_the_message_key, seal_by(f, HOME, &f->pair->home.region.message, certificate(f)))
ALTER(sealed_in_anothers_name, seal_by(f, HOME, &f->pair->window.region.seal, certificate(f)))
ALTER(sealed_garbage, seal_by(f, HOME, &f->pair->home.region.seal, tb_bytes_str("\xff\xff\xff")))

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
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < COUNT(alterations); i++) {
		char number[32];
		pair->parted = false;
		pair_submit(pair, true, number);
		pair_pass(pair, TB_MINUTE);
		OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
		OK(pair_act(pair, &pair->home, number, "START", "H_DEPT", ""));
		pair_pass(pair, TB_MINUTE);
		pair->parted = true;
		OK(pair_act(pair, &pair->home, number, "GRANT", "H_DEPT",
		            "\"issue\":{\"typeName\":\"公证书\"}"));
		refuse_altered(pair, &pair->home, &pair->window, number, 1, &alterations[i]);
		pair->parted = false;
		pair_pass(pair, TB_HOUR);
	}
	assert_works(pair);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_forged_package_is_refused_and_leaves_no_trace),
		TEST(test_a_forged_entry_is_refused_and_the_case_stays_as_it_was),
		TEST(test_what_the_table_asks_of_an_event_is_asked_of_a_foreign_entry_too),
		TEST(test_a_forged_proposal_is_refused_and_the_owner_orders_nothing),
		TEST(test_a_package_that_comes_again_cannot_rewrite_what_was_received),
		TEST(test_a_decision_with_a_forged_certificate_is_refused),
		TEST(test_a_third_region_learns_and_moves_nothing_of_a_case),
		TEST(test_a_message_before_its_time_is_deferred_and_not_kept),
		TEST(test_one_id_with_two_contents_is_refused_and_audited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
