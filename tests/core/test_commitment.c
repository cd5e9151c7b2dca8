/* What was promised instead of shown, what was paid elsewhere, and who pays for parcels. */
#include "tests/core/pair.h"

#include <stdio.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define LIST "/tongban.v1.CommitmentService/List"

static void act(struct pair *pair, struct side *side, const char *number, const char *event, const char *role,
                const char *more)
{
	if (pair_act(pair, side, number, event, role, more))
		fail_msg("%s by %s: %s", event, role, pair_refusal(side));
}

static void load_with(struct pair *pair, unsigned months)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"creditMonths\":%u,\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"无犯罪记录\",\"required\":true,\"basis\":\"x\",\"commitment\":"
	         "true}]}]}",
	         months);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load", json);
	pair_pass(pair, 6 * TB_MINUTE);
}

static void load(struct pair *pair)
{
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" ITEM "\",\"name\":\"公证\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"无犯罪记录\",\"required\":true,\"basis\":\"x\",\"commitment\":"
	         "true}]}]}");
	pair_pass(pair, 6 * TB_MINUTE);
}

#define WANG "{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"}"

static void submit_of(struct pair *pair, const char *applicant, char number[32])
{
	enum tb_code code;
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"DS\",\"home\":\"" HOME
	         "\",\"applicant\":%s,"
	         "\"delivery\":\"NETWORK\",\"materials\":[{\"need\":\"M1\",\"commitment\":"
	         "\"本人承诺无犯罪记录\"}]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         applicant);
	PbCaseView *view = (PbCaseView *)(void *)pair_call(pair, &pair->window,
	                                                   "/tongban.v1.CaseService/Submit", json, &code);
	if (code)
		fail_msg("%s", pair_refusal(&pair->window));
	snprintf(number, 32, "%s", view->number);
	pair_run(pair);
}

static void submit(struct pair *pair, char number[32])
{
	submit_of(pair, WANG, number);
}

static const PbCommitmentListResponse *list(struct pair *pair, struct side *side, const char *json)
{
	return (const PbCommitmentListResponse *)(const void *)pair_ask(pair, side, LIST, json);
}

static void close_case(struct pair *pair, const char *number)
{
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "");
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", "\"detail\":{\"way\":\"NETWORK\"}");
	act(pair, &pair->window, number, "HAND_OVER", "APPLICANT", "");
}

static void test_a_commitment_is_published_and_checked_afterwards(void **state)
{
	struct pair *pair = pair_new(*state);
	char kept[32], broken[32];
	load(pair);
	submit(pair, kept);
	submit(pair, broken);
	const PbCommitmentListResponse *reply = list(pair, &pair->home, "{}");
	assert_int_equal(reply->n_commitments, 2);
	assert_string_equal(reply->next, "");
	assert_string_equal(reply->commitments[0]->applicant, "王**");
	assert_string_equal(reply->commitments[0]->text, "本人承诺无犯罪记录");
	assert_string_equal(reply->commitments[0]->need, "M1");
	assert_false(reply->commitments[0]->decided);
	close_case(pair, kept);
	close_case(pair, broken);
	assert_int_equal(pair_act(pair, &pair->home, kept, "KEPT", "H_DEPT", ""), TB_EINVALID);
	act(pair, &pair->home, kept, "KEPT", "H_DEPT", "\"detail\":{\"note\":\"已核查，属实\"}");
	act(pair, &pair->home, broken, "REOPEN", "H_DEPT",
	    "\"detail\":{\"reason\":\"承诺不实\",\"needs\":[{\"code\":\"M1\"}]}");
	assert_int_equal(list(pair, &pair->window, "{\"unchecked\":true}")->n_commitments, 0);
	reply = list(pair, &pair->window, "{}");
	assert_true(reply->commitments[0]->kept && !reply->commitments[0]->broken);
	assert_true(reply->commitments[1]->broken && !reply->commitments[1]->kept);
	assert_int_equal(pair_case(pair, &pair->window, broken)->state, PB_CASE_STATE__REVIEW);
	pair_free(pair);
}

static void test_a_fee_is_part_of_the_case_by_its_reference(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
#define FEE(state, fen) \
	"\"detail\":{\"fee\":{\"reference\":\"P1\",\"state\":\"" state "\",\"amountFen\":\"" fen "\"}}"
	pair_submit(pair, true, number);
	assert_int_equal(pair_act(pair, &pair->home, number, "FEE", "H_WIN", FEE("FEE_DUE", "1000")),
	                 TB_ESTATE);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "FEE", "H_WIN", FEE("FEE_DUE", "1000"));
	assert_int_equal(pair_act(pair, &pair->home, number, "FEE", "H_WIN", ""), TB_EINVALID);
	assert_int_equal(pair_act(pair, &pair->home, number, "FEE", "H_WIN", FEE("FEE_DUE", "100000000001")),
	                 TB_EINVALID);
	act(pair, &pair->window, number, "FEE", "R_WIN", FEE("FEE_PAID", "1000"));
	const PbCaseView *view = pair_case(pair, &pair->home, number);
	assert_int_equal(view->n_fees, 1);
	assert_int_equal(view->fees[0]->state, PB_FEE_STATE__FEE_PAID);
	assert_int_equal(view->fees[0]->amount_fen, 1000);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_who_pays_for_a_parcel_is_agreed(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[160];
	pair_ask(pair, &pair->window, "/tongban.v1.AgreementService/Propose",
	         "{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]}],"
	         "\"postage\":\"PAID_BY_HOME\"}}");
	for (int i = 0; i < 5; i++)
		pair_pass(pair, 2 * TB_MINUTE);
	PbAgreementListResponse *all = (PbAgreementListResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.AgreementService/List", "{}");
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", all->agreements[0]->agreement->id);
	pair_ask(pair, &pair->home, "/tongban.v1.AgreementService/Sign", json);
	for (int i = 0; i < 5; i++)
		pair_pass(pair, 2 * TB_MINUTE);
	pair_submit(pair, true, number);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	act(pair, &pair->home, number, "START", "H_DEPT", "");
	act(pair, &pair->home, number, "GRANT", "H_DEPT", "");
#define PARCEL(more) \
	"\"detail\":{\"way\":\"COURIER\",\"waybill\":{\"carrier\":\"EMS\",\"number\":\"1\"" more "}}"
	assert_int_equal(pair_act(pair, &pair->home, number, "DISPATCH", "H_WIN",
	                          PARCEL(",\"payer\":\"PAID_BY_APPLICANT\"")),
	                 TB_EINVALID);
	act(pair, &pair->home, number, "DISPATCH", "H_WIN", PARCEL(",\"postageFen\":\"2200\""));
	const PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->log[view->n_log - 1]->detail->waybill->payer, PB_POSTAGE_PAYER__PAID_BY_HOME);
	const PbStatsCasesResponse *stats = (const PbStatsCasesResponse *)(const void *)pair_ask(
		pair, &pair->window, "/tongban.v1.StatsService/Cases", "{}");
	assert_int_equal(stats->rows[0]->parcels, 1);
	assert_int_equal(stats->rows[0]->postage_fen, 2200);
	pair_free(pair);
}

/* ---- 信用记录 */

#define NOTES "/tongban.v1.CommitmentService/Notes"
#define OF_WANG "{\"holder\":{\"codeType\":\"111\",\"code\":\"11010519491231002X\"}}"
#define BROKEN "\"detail\":{\"reason\":\"承诺不实\",\"needs\":[{\"code\":\"M1\"}]}"

/* A case whose promise, so the check found, did not hold. */
static void break_promise(struct pair *pair, char number[32])
{
	submit(pair, number);
	close_case(pair, number);
	act(pair, &pair->home, number, "REOPEN", "H_DEPT", BROKEN);
}

static const PbCreditNote *note(struct pair *pair, struct side *side)
{
	PbCreditNotesResponse *reply = (PbCreditNotesResponse *)(void *)pair_ask(pair, side, NOTES, OF_WANG);
	assert_true(reply->n_notes <= 1);
	return reply->n_notes ? reply->notes[0] : NULL;
}

/* Hands in one more promise; true if the home region takes it. */
static bool takes(struct pair *pair)
{
	char number[32];
	submit(pair, number);
	return pair_case(pair, &pair->window, number)->state == PB_CASE_STATE__SIGNED_FOR;
}

static enum tb_code tell(struct pair *pair, const char *method, const char *number, const char *more)
{
	char path[96], json[256];
	enum tb_code code;
	snprintf(path, sizeof(path), "/tongban.v1.CommitmentService/%s", method);
	snprintf(json, sizeof(json),
	         "{\"caseNumber\":\"%s\",\"reason\":\"r\",\"actor\":{\"role\":\"H_HEAD\",\"id\":\"h1\"}%s}",
	         number, more);
	pair_call(pair, &pair->home, path, json, &code);
	return code;
}

static void test_a_broken_promise_bars_another_one_until_it_lapses(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load_with(pair, 1);
	assert_true(takes(pair));
	break_promise(pair, number);
	const PbCreditNote *one = note(pair, &pair->home);
	assert_non_null(one);
	assert_string_equal(one->case_number, number);
	assert_string_equal(one->needs[0], "M1");
	assert_string_equal(one->reason, "承诺不实");
	assert_int_equal(one->state, PB_CREDIT_STATE__CREDIT_STANDS);
	assert_null(note(pair, &pair->window)); /* it leaves the node never */
	assert_false(takes(pair));
	for (int day = 0; day < 32; day++)
		pair_pass(pair, TB_DAY);
	assert_null(note(pair, &pair->home));
	assert_true(takes(pair));
	pair_free(pair);
}

static void test_a_note_is_made_only_where_the_list_says_so_and_the_check_names_the_promise(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load_with(pair, 0);
	break_promise(pair, number);
	assert_null(note(pair, &pair->home));
	load_with(pair, 6);
	submit(pair, number);
	close_case(pair, number);
	assert_int_equal(pair_act(pair, &pair->home, number, "REOPEN", "H_DEPT",
	                          "\"detail\":{\"reason\":\"x\",\"needs\":[{\"code\":\"M2\"}]}"),
	                 TB_EINVALID);
	/* Reopened for another reason: that says nothing of the promise. */
	act(pair, &pair->home, number, "REOPEN", "H_DEPT", "\"detail\":{\"reason\":\"异议成立\"}");
	assert_null(note(pair, &pair->home));
	const PbCommitmentListResponse *reply = list(pair, &pair->home, "{\"unchecked\":true}");
	assert_int_equal(reply->n_commitments, 1);
	assert_string_equal(reply->commitments[0]->case_number, number);
	assert_false(reply->commitments[0]->broken);
	submit(pair, number);
	close_case(pair, number);
	act(pair, &pair->home, number, "KEPT", "H_DEPT", "\"detail\":{\"note\":\"属实\"}");
	assert_int_equal(pair_act(pair, &pair->home, number, "REOPEN", "H_DEPT", BROKEN), TB_ESTATE);
	pair_free(pair);
}

static void test_the_paper_itself_is_taken_after_a_promise_was_not(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], form[512], more[1024];
	load_with(pair, 12);
	break_promise(pair, number);
	submit(pair, number);
	assert_int_not_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_upload(pair, &pair->window, 1000, 9, form);
	snprintf(more, sizeof(more), "\"detail\":{\"materials\":[{\"need\":\"M1\",%s}]}", form);
	act(pair, &pair->window, number, "SEND", "R_WIN", more);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

#define JOINT "320400000000000000000000000LB01"
#define JOINT_THERE "620100000000000000000000000LB02"

/* A joint application at the home region, whose first part is decided there. */
static enum tb_code hand_in_jointly(struct pair *pair, const char *material)
{
	char json[2048];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"application\":{\"mode\":\"LB\",\"home\":\"" HOME
	         "\",\"itemName\":\"联办\",\"applicant\":" WANG
	         ",\"delivery\":\"WINDOW_PICKUP\",\"parts\":[{\"home\":\"" HOME "\",\"item\":\"" JOINT
	         "\"},{\"home\":\"" WINDOW "\",\"item\":\"" JOINT_THERE
	         "\"}],\"materials\":[%s]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},\"forward\":true}",
	         material);
	pair_call(pair, &pair->home, "/tongban.v1.CaseService/Submit", json, &code);
	return code;
}

static void test_a_broken_promise_bars_another_one_in_a_joint_application_too(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], form[512], paper[1024];
	load_with(pair, 12);
	break_promise(pair, number);
	pair_ask(pair, &pair->home, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" JOINT "\",\"name\":\"甲\",\"department\":\"11320400014109045T\","
	         "\"modes\":[\"LB\"],\"promisedDays\":5,\"legalDays\":15,\"creditMonths\":12,\"materials\":["
	         "{\"code\":\"M1\",\"name\":\"无犯罪记录\",\"required\":true,\"basis\":\"x\",\"commitment\":"
	         "true}]}]}");
	pair_ask(pair, &pair->window, "/tongban.v1.CatalogueService/Load",
	         "{\"items\":[{\"code\":\"" JOINT_THERE "\",\"name\":\"乙\",\"department\":"
	         "\"11620100014109045T\",\"modes\":[\"LB\"],\"promisedDays\":5,\"legalDays\":15,"
	         "\"materials\":["
	         "{\"code\":\"A1\",\"name\":\"申请表\",\"basis\":\"x\"}]}]}");
	pair_pass(pair, 10 * TB_MINUTE);
	assert_int_equal(
		hand_in_jointly(pair, "{\"need\":\"无犯罪记录\",\"commitment\":\"本人承诺无犯罪记录\"}"),
		TB_EDENIED);
	assert_non_null(strstr(pair_refusal(&pair->home), "part 0 (" HOME ")"));
	/* The paper itself is taken, also where it was promised before. */
	pair_upload(pair, &pair->home, 1000, 9, form);
	snprintf(paper, sizeof(paper),
	         "{\"need\":\"无犯罪记录\",\"commitment\":\"本人承诺无犯罪记录\"},{\"need\":\"无犯罪记录\",%"
	         "s}",
	         form);
	OK(hand_in_jointly(pair, paper));
	pair_free(pair);
}

static void test_a_note_bars_nothing_while_it_is_disputed_nor_once_it_is_corrected(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load_with(pair, 12);
	break_promise(pair, number);
	assert_int_equal(tell(pair, "Settle", number, ""), TB_ESTATE); /* nobody disputes it */
	assert_int_equal(tell(pair, "Dispute", number, ""), TB_OK);
	assert_int_equal(note(pair, &pair->home)->state, PB_CREDIT_STATE__CREDIT_DISPUTED);
	assert_true(takes(pair));
	assert_int_equal(tell(pair, "Settle", number, ""), TB_OK); /* it stands */
	assert_false(takes(pair));
	assert_int_equal(tell(pair, "Dispute", number, ""), TB_ESTATE); /* once */
	assert_int_equal(tell(pair, "Settle", number, ",\"correct\":true"), TB_OK);
	assert_string_equal(note(pair, &pair->home)->settlement, "r");
	assert_true(takes(pair));
	assert_int_equal(tell(pair, "Dispute", "62010020260101000001", ""), TB_ENOTFOUND);
	pair_free(pair);
}

static void test_notes_are_asked_for_by_person_or_by_case(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], json[96];
	enum tb_code code;
	load_with(pair, 12);
	break_promise(pair, number);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", number);
	assert_int_equal(((PbCreditNotesResponse *)(void *)pair_ask(pair, &pair->home, NOTES, json))->n_notes,
	                 1);
	pair_call(pair, &pair->home, NOTES, "{}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(pair);
}

/* |method| with |json|; TB_OK or the refusal. */
static enum tb_code ask_of(struct pair *pair, const char *method, const char *json)
{
	char path[96];
	enum tb_code code;
	snprintf(path, sizeof(path), "/tongban.v1.CommitmentService/%s", method);
	pair_call(pair, &pair->home, path, json, &code);
	return code;
}

static void test_what_is_said_of_a_note_names_its_case_its_reason_and_who_says_it(void **state)
{
	static const struct {
		const char *method;
		const char *more; /* than the case */
		enum tb_code code;
	} calls[] = {
		{"Dispute", "", TB_EINVALID},
		{"Dispute", ",\"reason\":\"r\"", TB_EINVALID},
		{"Dispute", ",\"reason\":\"r\",\"actor\":{\"role\":\"H_HEAD\"}", TB_EINVALID},
		{"Dispute", ",\"actor\":{\"role\":\"H_HEAD\",\"id\":\"h1\"}", TB_EINVALID},
		{"Dispute", ",\"reason\":\" \",\"actor\":{\"role\":\"H_HEAD\",\"id\":\"h1\"}", TB_EINVALID},
		{"Settle", ",\"reason\":\"\",\"correct\":true", TB_EINVALID},
		{"Notes", ",\"holder\":{\"codeType\":\"111\",\"code\":\"11010519491231002X\"}", TB_EINVALID},
		{"Notes", "", TB_OK},
	};
	struct pair *pair = pair_new(*state);
	char number[32], clean[32], json[256];
	load_with(pair, 12);
	submit(pair, clean);
	break_promise(pair, number);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"%s}", number, calls[i].more);
		assert_int_equal(ask_of(pair, calls[i].method, json), calls[i].code);
	}
	assert_int_equal(note(pair, &pair->home)->state, PB_CREDIT_STATE__CREDIT_STANDS);
	/* A case that has none, by its number; one that is not here. */
	assert_int_equal(tell(pair, "Dispute", clean, ""), TB_ENOTFOUND);
	snprintf(json, sizeof(json), "{\"caseNumber\":\"%s\"}", clean);
	assert_int_equal(((PbCreditNotesResponse *)(void *)pair_ask(pair, &pair->home, NOTES, json))->n_notes,
	                 0);
	assert_int_equal(ask_of(pair, "Notes", "{\"caseNumber\":\"62010020260101000001\"}"), TB_ENOTFOUND);
	pair_free(pair);
}

static uint64_t notes_kept(struct side *side)
{
	struct store_txn *txn;
	struct tb_error err;
	OK(store_read(&txn, side->setup.store, &err));
	uint64_t count = store_count(txn, KV_CREDIT);
	store_abort(txn);
	return count;
}

static void test_what_has_lapsed_is_no_more_disputed_and_leaves_with_the_next_note(void **state)
{
	struct pair *pair = pair_new(*state);
	char first[32], second[32], other[32];
	load_with(pair, 1);
	break_promise(pair, first);
	submit_of(pair, "{\"name\":\"福州某某公司\",\"codeType\":\"001\",\"code\":\"91350100M000100Y43\"}",
	          other);
	close_case(pair, other);
	for (int day = 0; day < 20; day++)
		pair_pass(pair, TB_DAY);
	act(pair, &pair->home, other, "REOPEN", "H_DEPT", BROKEN);
	assert_int_equal(notes_kept(&pair->home), 2);
	for (int day = 0; day < 12; day++)
		pair_pass(pair, TB_DAY);
	assert_int_equal(tell(pair, "Dispute", first, ""), TB_ENOTFOUND);
	break_promise(pair, second);
	assert_string_equal(note(pair, &pair->home)->case_number, second);
	assert_int_equal(notes_kept(&pair->home), 2); /* the company's still counts */
	pair_free(pair);
}

static void test_a_check_names_no_more_promises_than_there_can_be(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf more = {0};
	char number[32];
	load_with(pair, 12);
	submit(pair, number);
	close_case(pair, number);
	tb_buf_str(&more, "\"detail\":{\"reason\":\"r\",\"needs\":[{\"code\":\"M1\"}");
	for (int i = 0; i < TB_NEEDS_MAX; i++)
		tb_buf_str(&more, ",{\"code\":\"M1\"}");
	tb_buf_str(&more, "]}");
	assert_int_equal(pair_act(pair, &pair->home, number, "REOPEN", "H_DEPT", tb_buf_text(&more)),
	                 TB_EINVALID);
	tb_buf_clear(&more);
	pair_free(pair);
}

static void test_an_organisation_is_published_by_its_name(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	load(pair);
	submit_of(pair, "{\"name\":\"福州某某公司\",\"codeType\":\"001\",\"code\":\"91350100M000100Y43\"}",
	          number);
	submit(pair, number);
	const PbCommitmentListResponse *reply = list(pair, &pair->home, "{}");
	assert_int_equal(reply->n_commitments, 2);
	assert_string_equal(reply->commitments[0]->applicant, "福州某某公司");
	/* A list that goes on behind the first case holds the second alone. */
	char json[64];
	snprintf(json, sizeof(json), "{\"after\":\"%s\"}", number);
	reply = list(pair, &pair->home, json);
	assert_int_equal(reply->n_commitments, 1);
	assert_string_equal(reply->commitments[0]->applicant, "王**");
	pair_free(pair);
}

static void test_only_what_was_not_checked_yet_is_listed_on_demand(void **state)
{
	struct pair *pair = pair_new(*state);
	char kept[32], open[32], plain[32];
	load(pair);
	submit(pair, kept);
	submit(pair, open);
	close_case(pair, kept);
	act(pair, &pair->home, kept, "KEPT", "H_DEPT", "\"detail\":{\"note\":\"属实\"}");
	OK(pair_submit_as(pair, &pair->window, "DS", "R_WIN", true, plain)); /* shows its papers */
	assert_int_equal(list(pair, &pair->home, "{}")->n_commitments, 2);
	const PbCommitmentListResponse *reply = list(pair, &pair->home, "{\"unchecked\":true}");
	assert_int_equal(reply->n_commitments, 1);
	assert_string_equal(reply->commitments[0]->case_number, open);
	pair_free(pair);
}

/* A case may have many fees; those that are kept are bounded, and a fee's newest word counts. */
static void test_fees_beyond_the_most_are_in_the_log_alone(void **state)
{
	enum { KEPT = 64 };
	struct pair *pair = pair_new(*state);
	char number[32], more[128];
	pair_submit(pair, true, number);
	act(pair, &pair->home, number, "ACCEPT", "H_WIN", "");
	for (int i = 0; i < KEPT + 2; i++) {
		snprintf(more, sizeof(more),
		         "\"detail\":{\"fee\":{\"reference\":\"P%d\",\"state\":\"FEE_DUE\",\"amountFen\":\"%"
		         "d\"}}",
		         i, i + 1);
		act(pair, &pair->home, number, "FEE", "H_WIN", more);
	}
	act(pair, &pair->home, number, "FEE", "H_WIN", FEE("FEE_WAIVED", "0"));
	const PbCaseView *view = pair_case(pair, &pair->window, number);
	assert_int_equal(view->n_fees, KEPT);
	assert_int_equal(view->fees[1]->state, PB_FEE_STATE__FEE_WAIVED);
	assert_int_equal(view->fees[KEPT - 1]->amount_fen, KEPT);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_broken_promise_bars_another_one_until_it_lapses),
		TEST(test_a_note_is_made_only_where_the_list_says_so_and_the_check_names_the_promise),
		TEST(test_the_paper_itself_is_taken_after_a_promise_was_not),
		TEST(test_a_broken_promise_bars_another_one_in_a_joint_application_too),
		TEST(test_a_note_bars_nothing_while_it_is_disputed_nor_once_it_is_corrected),
		TEST(test_notes_are_asked_for_by_person_or_by_case),
		TEST(test_what_is_said_of_a_note_names_its_case_its_reason_and_who_says_it),
		TEST(test_what_has_lapsed_is_no_more_disputed_and_leaves_with_the_next_note),
		TEST(test_a_check_names_no_more_promises_than_there_can_be),
		TEST(test_a_commitment_is_published_and_checked_afterwards),
		TEST(test_a_fee_is_part_of_the_case_by_its_reference),
		TEST(test_who_pays_for_a_parcel_is_agreed),
		TEST(test_an_organisation_is_published_by_its_name),
		TEST(test_only_what_was_not_checked_yet_is_listed_on_demand),
		TEST(test_fees_beyond_the_most_are_in_the_log_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
