/* Verification between two nodes: what is told to whom, at which rate, and what is believed of an answer. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define VERIFY "/tongban.v1.CredentialService/Verify"
#define TYPE "11100000000013338W032"
#define OTHER_TYPE "11100000MB0143028R001"
#define ISSUER "11320400014109045T"
#define OTHER_ISSUER "320400"
#define WANG "11010519491231002X"
#define ZHANG "440524188001010014"

#define HEADER \
	"type,number,name,holder_code_type,holder_code,holder_name,issuer,issued_on,valid_from,valid_until"

static void import(struct pair *pair, const char *const *lines, size_t count)
{
	struct tb_buf json = {0};
	tb_buf_printf(&json, "{\"format\":\"CSV\",\"header\":\"" HEADER "\",\"firstLine\":\"2\",\"lines\":[");
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(&json, "%s\"%s\"", i ? "," : "", lines[i]);
	tb_buf_str(&json, "]}");
	PbImportResponse *reply = (PbImportResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CredentialService/Import", tb_buf_text(&json));
	if (reply->n_bad > 0)
		fail_msg("line %llu: %s", (unsigned long long)reply->bad[0]->line, reply->bad[0]->reason);
	assert_int_equal(reply->added, count);
	tb_buf_clear(&json);
}

static const char *const usual[] = {
	TYPE ",N1,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,,2044-01-30",
	TYPE ",N2,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,,2025-01-30",
	TYPE ",N3,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,2030-01-01,",
	TYPE ",N4,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,,",
	OTHER_TYPE ",N5,营业执照,111," WANG ",王伟," ISSUER ",2024-01-31,,",
};

/* Sets the state of the certificate |type| |number| at home. */
static void set_state(struct pair *pair, const char *type, const char *number, const char *state)
{
	char json[512], identifier[TB_ID_BYTES_MAX + 1];
	snprintf(json, sizeof(json), "{\"type\":\"%s\",\"number\":\"%s\"}", type, number);
	PbCredentialFindResponse *found = (PbCredentialFindResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CredentialService/Find", json);
	assert_true(found->n_credentials > 0);
	snprintf(identifier, sizeof(identifier), "%s", found->credentials[0]->credential->identifier);
	snprintf(json, sizeof(json),
	         "{\"identifier\":\"%s\",\"state\":\"%s\",\"reason\":\"x\",\"supersededBy\":\"y\"}",
	         identifier, state);
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/SetState", json);
}

static void identifier_of(struct pair *pair, const char *type, const char *number,
                          char out[TB_ID_BYTES_MAX + 1])
{
	char json[256];
	snprintf(json, sizeof(json), "{\"type\":\"%s\",\"number\":\"%s\"}", type, number);
	PbCredentialFindResponse *found = (PbCredentialFindResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CredentialService/Find", json);
	assert_int_equal(found->n_credentials, 1);
	snprintf(out, TB_ID_BYTES_MAX + 1, "%s", found->credentials[0]->credential->identifier);
}

static struct pair *pair_with(struct scratch *scratch)
{
	struct pair *pair = pair_new(scratch);
	import(pair, usual, COUNT(usual));
	set_state(pair, TYPE, "N4", "REVOKED");
	return pair;
}

/* What the window may see: certificates of |types| up to |disclosure|. */
static void grant(struct pair *pair, const char *const *types, PbDisclosure disclosure)
{
	struct peer_set *set = peer_set_new();
	struct hostile_grant given = {.types = types, .disclosure = disclosure};
	hostile_add_peer(set, &pair->window.region, &given);
	pair_set_peers(pair, &pair->home, set);
}

static const char *const one_type[] = {TYPE, NULL};

/* The answer to one query; lives until the window's next call. |more| is the query's own members. */
static PbVerifyOutcome *ask(struct pair *pair, const char *more)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"region\":\"" HOME "\",\"queries\":[{%s,\"purpose\":\"核验\",\"basis\":\"条例\"}]}",
	         more);
	PbVerifyResponse *reply = (PbVerifyResponse *)(void *)pair_ask(pair, &pair->window, VERIFY, json);
	assert_int_equal(reply->n_outcomes, 1);
	return reply->outcomes[0];
}

/* ---- what is told */

static void test_what_is_told_follows_the_grant_the_question_and_the_certificate(void **state)
{
	static const struct {
		const char *query;
		PbCredentialState state; /* unspecified: there is no such certificate, or it does not match */
		bool known;
	} questions[] = {
		{"\"number\":\"N1\",\"match\":[{\"name\":\"holder.name\",\"value\":\"王伟\"}]",
	         PB_CREDENTIAL_STATE__VALID, true},
		{"\"number\":\"N2\"", PB_CREDENTIAL_STATE__EXPIRED, true},
		{"\"number\":\"N3\"", PB_CREDENTIAL_STATE__NOT_YET_VALID, true},
		{"\"number\":\"N4\"", PB_CREDENTIAL_STATE__REVOKED, true},
		{"\"number\":\"N1\",\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG
	         "\",\"name\":\"王伟\"}",
	         PB_CREDENTIAL_STATE__VALID, true},
		{"\"number\":\"N1\",\"match\":[{\"name\":\"holder.name\",\"value\":\"王\"}]", 0, true},
		{"\"number\":\"N1\",\"match\":[{\"name\":\"no such field\",\"value\":\"\"}]", 0, true},
		{"\"number\":\"N1\",\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG "\"}", 0, true},
		{"\"number\":\"N1\",\"holder\":{\"codeType\":\"111\",\"code\":\"" WANG
	         "\",\"name\":\"王五\"}",
	         0, true},
		{"\"number\":\"N9\"", 0, false},
		{"\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG "\"}", 0, false},
	};
	struct pair *pair = pair_with(*state);
	for (PbDisclosure right = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED; right <= PB_DISCLOSURE__DOCUMENT;
	     right++) {
		grant(pair, right ? one_type : NULL, right);
		for (PbDisclosure asked = PB_DISCLOSURE__STATUS; asked <= PB_DISCLOSURE__DOCUMENT; asked++) {
			for (size_t i = 0; i < COUNT(questions); i++) {
				char query[512];
				snprintf(query, sizeof(query),
				         "\"type\":\"" TYPE "\",%s,\"disclosure\":\"%s\"", questions[i].query,
				         proto_enum_name(&pb_disclosure__descriptor, (int)asked));
				PbVerifyOutcome *outcome = ask(pair, query);
				const PbAnswer *answer = outcome->answer;
				bool agrees = questions[i].state != 0, all = right == PB_DISCLOSURE__DOCUMENT;
				PbVerifyResult expected = right < asked ? PB_VERIFY_RESULT__NOT_GRANTED
				                          : agrees      ? PB_VERIFY_RESULT__CONFIRMED
				                          : !all        ? PB_VERIFY_RESULT__NOT_CONFIRMED
				                          : questions[i].known ? PB_VERIFY_RESULT__MISMATCH
				                                               : PB_VERIFY_RESULT__NOT_FOUND;
				if (answer->result != expected)
					fail_msg("right %d, asked %d, question %zu: %d, not %d", (int)right,
					         (int)asked, i, (int)answer->result, (int)expected);
				bool told = right >= asked && (agrees || (all && questions[i].known));
				PbCredentialState shown =
					agrees ? questions[i].state : PB_CREDENTIAL_STATE__VALID;
				assert_int_equal(answer->state, told ? shown : 0);
				assert_int_equal(answer->document != NULL,
				                 agrees && right >= asked &&
				                         asked == PB_DISCLOSURE__DOCUMENT);
				assert_int_equal(outcome->document != NULL, answer->document != NULL);
				if (asked == PB_DISCLOSURE__STATUS || right < asked)
					assert_int_equal(answer->n_matches, 0);
			}
		}
	}
	pair_free(pair);
}

/* The answer as bytes, without what names the question and the time. */
static struct tb_bytes told(struct pair *pair, struct tb_arena *arena, const char *query)
{
	PbAnswer *answer = ask(pair, query)->answer;
	answer->query = (ProtobufCBinaryData){0, NULL};
	answer->at_ms = 0;
	return proto_encode_arena(arena, &answer->base);
}

static void test_a_wrong_guess_and_an_unknown_certificate_give_the_same_bytes(void **state)
{
	static const char *const pairs[][2] = {
		{"\"number\":\"N1\",\"holder\":{\"name\":\"王五\"}",
	         "\"number\":\"N9\",\"holder\":{\"name\":\"王五\"}"},
		{"\"number\":\"N4\",\"holder\":{\"name\":\"王五\"}",
	         "\"number\":\"N9\",\"holder\":{\"name\":\"王五\"}"},
		{"\"number\":\"N1\",\"match\":[{\"name\":\"name\",\"value\":\"公证书\"},{\"name\":\"holder."
	         "code\",\"value\":\"1\"}]",
	         "\"number\":\"N9\",\"match\":[{\"name\":\"name\",\"value\":\"公证书\"},{\"name\":\"holder."
	         "code\",\"value\":\"1\"}]"},
		{"\"number\":\"N5\"", "\"number\":\"N9\""},
	};
	struct pair *pair = pair_with(*state);
	struct tb_arena arena = {0};
	for (PbDisclosure right = PB_DISCLOSURE__STATUS; right <= PB_DISCLOSURE__MATCH; right++) {
		grant(pair, one_type, right);
		for (size_t i = 0; i < COUNT(pairs); i++) {
			struct tb_bytes answers[2];
			for (size_t j = 0; j < 2; j++) {
				char query[512];
				snprintf(query, sizeof(query),
				         "\"type\":\"" TYPE "\",%s,\"disclosure\":\"%s\"", pairs[i][j],
				         proto_enum_name(&pb_disclosure__descriptor, (int)right));
				answers[j] = told(pair, &arena, query);
			}
			assert_true(tb_bytes_equal(answers[0], answers[1]));
		}
	}
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void test_a_granted_type_opens_no_certificate_of_another(void **state)
{
	struct pair *pair = pair_with(*state);
	char identifier[TB_ID_BYTES_MAX + 1], query[512];
	identifier_of(pair, OTHER_TYPE, "N5", identifier);
	grant(pair, one_type, PB_DISCLOSURE__DOCUMENT);
	snprintf(query, sizeof(query),
	         "\"identifier\":\"%s\",\"type\":\"" TYPE
	         "\",\"disclosure\":\"DOCUMENT\",\"match\":[{\"name\":\"holder.name\","
	         "\"value\":\"王伟\"}]",
	         identifier);
	PbVerifyOutcome *outcome = ask(pair, query);
	assert_int_equal(outcome->answer->result, PB_VERIFY_RESULT__NOT_FOUND);
	assert_int_equal(outcome->answer->state, 0);
	assert_false(outcome->answer->matches[0]->equal);
	snprintf(query, sizeof(query), "\"identifier\":\"%s\",\"disclosure\":\"STATUS\"", identifier);
	assert_int_equal(ask(pair, query)->answer->result, PB_VERIFY_RESULT__NOT_GRANTED);
	snprintf(query, sizeof(query),
	         "\"type\":\"" OTHER_TYPE "\",\"number\":\"N5\",\"disclosure\":\"STATUS\"");
	assert_int_equal(ask(pair, query)->answer->result, PB_VERIFY_RESULT__NOT_GRANTED);
	/* Of two grants for a type the greater one counts; one for the other type opens it. */
	static const char *const all[] = {"*", NULL};
	struct peer_verify_grant grants[] = {{.types = all, .disclosure = PB_DISCLOSURE__STATUS},
	                                     {.types = one_type, .disclosure = PB_DISCLOSURE__DOCUMENT}};
	struct peer peer = {.region = WINDOW,
	                    .name = "w",
	                    .endpoint = "wire:1",
	                    .verify = grants,
	                    .verify_count = 2,
	                    .queries_per_second = 1000,
	                    .queries_burst = 1000};
	struct peer_set *set = peer_set_new();
	struct tb_error err = {0};
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->window.region.ca_pem), &err));
	pair_set_peers(pair, &pair->home, set);
	assert_int_equal(ask(pair, query)->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	assert_non_null(
		ask(pair, "\"type\":\"" TYPE "\",\"number\":\"N1\",\"disclosure\":\"DOCUMENT\"")->document);
	assert_int_equal(ask(pair, "\"type\":\"" OTHER_TYPE "\",\"number\":\"N5\",\"disclosure\":\"MATCH\"")
	                         ->answer->result,
	                 PB_VERIFY_RESULT__NOT_GRANTED);
	pair_free(pair);
}

static void test_of_several_certificates_the_one_that_is_meant_is_told_of(void **state)
{
	static const char *const lines[] = {
		/* One number of two issuers, for two people; the newer one is not Wang's. */
		TYPE ",S1,公证书,111," WANG ",王伟," ISSUER ",2024-01-31,,",
		TYPE ",S1,公证书,111," ZHANG ",张三," OTHER_ISSUER ",2025-01-31,,",
		/* One person's, of one type: the older one is asked for by name. */
		OTHER_TYPE ",S2,旧,111," ZHANG ",张三," ISSUER ",2024-01-31,,",
		OTHER_TYPE ",S3,新,111," ZHANG ",张三," ISSUER ",2025-01-31,,",
	};
	struct pair *pair = pair_with(*state);
	import(pair, lines, COUNT(lines));
	grant(pair, (const char *const[]){"*", NULL}, PB_DISCLOSURE__MATCH);
	assert_int_equal(ask(pair,
	                     "\"type\":\"" TYPE
	                     "\",\"number\":\"S1\",\"disclosure\":\"STATUS\",\"holder\":{\"name\":\"王伟\"}")
	                         ->answer->result,
	                 PB_VERIFY_RESULT__CONFIRMED);
	assert_int_equal(ask(pair,
	                     "\"type\":\"" TYPE
	                     "\",\"number\":\"S1\",\"disclosure\":\"STATUS\",\"holder\":{\"name\":\"张三\"}")
	                         ->answer->result,
	                 PB_VERIFY_RESULT__CONFIRMED);
	static const char by_holder[] =
		"\"type\":\"" OTHER_TYPE "\",\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG
		"\"},\"disclosure\":\"MATCH\",\"match\":[{\"name\":\"name\",\"value\":\"旧\"}]";
	assert_int_equal(ask(pair, by_holder)->answer->result, PB_VERIFY_RESULT__CONFIRMED);
	/* A valid one stands before one that is not; without any the newest speaks. */
	static const char by_type[] =
		"\"type\":\"" OTHER_TYPE "\",\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG
		"\"},\"disclosure\":\"STATUS\"";
	set_state(pair, OTHER_TYPE, "S3", "REVOKED");
	assert_int_equal(ask(pair, by_type)->answer->state, PB_CREDENTIAL_STATE__VALID);
	set_state(pair, OTHER_TYPE, "S2", "SUPERSEDED");
	assert_int_equal(ask(pair, by_type)->answer->state, PB_CREDENTIAL_STATE__REVOKED);
	pair_free(pair);
}

/* ---- rate */

static size_t throttled(struct pair *pair, size_t count)
{
	struct tb_buf json = {0};
	tb_buf_str(&json, "{\"region\":\"" HOME "\",\"queries\":[");
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(
			&json,
			"%s{\"type\":\"" TYPE
			"\",\"number\":\"N1\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":\"STATUS\"}",
			i ? "," : "");
	tb_buf_str(&json, "]}");
	PbVerifyResponse *reply =
		(PbVerifyResponse *)(void *)pair_ask(pair, &pair->window, VERIFY, tb_buf_text(&json));
	tb_buf_clear(&json);
	size_t over = 0;
	for (size_t i = 0; i < count; i++) {
		PbVerifyResult result = reply->outcomes[i]->answer->result;
		assert_true(result == PB_VERIFY_RESULT__THROTTLED ||
		            (result == PB_VERIFY_RESULT__CONFIRMED && over == 0));
		over += result == PB_VERIFY_RESULT__THROTTLED;
	}
	return over;
}

static void test_a_peer_gets_its_burst_and_then_its_rate(void **state)
{
	static const char *const all[] = {"*", NULL};
	struct pair *pair = pair_with(*state);
	struct peer_set *set = peer_set_new();
	struct hostile_grant given = {
		.types = all, .disclosure = PB_DISCLOSURE__STATUS, .per_second = 10, .burst = 50};
	hostile_add_peer(set, &pair->window.region, &given);
	/* A new peer, so that its bucket is new. */
	pair_set_peers(pair, &pair->home, peer_set_new());
	pair_set_peers(pair, &pair->home, set);
	assert_int_equal(throttled(pair, 80), 30);
	assert_int_equal(throttled(pair, 5), 5);
	pair_pass(pair, TB_SECOND);
	assert_int_equal(throttled(pair, 15), 5);
	pair_pass(pair, 100);
	assert_int_equal(throttled(pair, 2), 1);
	pair_pass(pair, TB_HOUR);
	assert_int_equal(throttled(pair, 60), 10);
	/* A clock that is set back stops no bucket from filling. */
	pair_set_back(pair, TB_HOUR);
	assert_int_equal(throttled(pair, 1), 1);
	pair_pass(pair, TB_SECOND);
	assert_int_equal(throttled(pair, 15), 5);
	pair_free(pair);
}

/* ---- many at once */

static void test_more_queries_than_fit_in_a_batch_are_answered_in_order(void **state)
{
	enum { MANY = 2500 };
	struct pair *pair = pair_with(*state);
	struct tb_buf json = {0};
	unsigned calls = pair->calls;
	uint64_t batches = hostile_count(&pair->home, KV_BATCH);
	tb_buf_str(&json, "{\"region\":\"" HOME "\",\"queries\":[");
	for (size_t i = 0; i < MANY; i++)
		tb_buf_printf(
			&json,
			"%s{\"type\":\"" TYPE
			"\",\"number\":\"N%zu\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":\"STATUS\"}",
			i ? "," : "", i % 5 == 0 ? (size_t)1 : 100 + i);
	tb_buf_str(&json, "]}");
	PbVerifyResponse *reply =
		(PbVerifyResponse *)(void *)pair_ask(pair, &pair->window, VERIFY, tb_buf_text(&json));
	assert_int_equal(reply->n_outcomes, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(reply->outcomes[i]->answer->result,
		                 i % 5 == 0 ? PB_VERIFY_RESULT__CONFIRMED : PB_VERIFY_RESULT__NOT_FOUND);
	assert_int_equal(pair->calls - calls, 3);
	assert_int_equal(hostile_count(&pair->home, KV_BATCH) - batches, 6);
	tb_buf_clear(&json);
	pair_free(pair);
}

static void test_documents_are_asked_for_in_small_batches_and_their_seals_hold(void **state)
{
	enum { MANY = 150 };
	struct pair *pair = pair_with(*state);
	struct tb_buf json = {0};
	unsigned calls = pair->calls;
	tb_buf_str(&json, "{\"region\":\"" HOME "\",\"queries\":[");
	for (size_t i = 0; i < MANY; i++)
		tb_buf_printf(
			&json,
			"%s{\"type\":\"" TYPE
			"\",\"number\":\"N1\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":\"DOCUMENT\"}",
			i ? "," : "");
	tb_buf_str(&json, "]}");
	PbVerifyResponse *reply =
		(PbVerifyResponse *)(void *)pair_ask(pair, &pair->window, VERIFY, tb_buf_text(&json));
	for (size_t i = 0; i < MANY; i++) {
		struct pki_proven proven;
		struct tb_arena arena = {0};
		struct tb_error err;
		assert_string_equal(reply->outcomes[i]->document->number, "N1");
		OK(pki_proof_check(&proven, reply->outcomes[i]->answer->document->proof,
		                   peer_trust(pair->window.peers), &arena, &err));
		assert_int_equal(proven.header->kind, PB_BATCH_KIND__SEAL);
		tb_arena_clear(&arena);
	}
	assert_int_equal(pair->calls - calls, 3);
	tb_buf_clear(&json);
	pair_free(pair);
}

/* ---- what the asker checks, before and after */

static void test_a_question_that_may_not_be_asked_does_not_leave_the_node(void **state)
{
	static const struct {
		const char *json;
		enum tb_code code;
	} wrong[] = {
		{"{\"region\":\"" HOME "\"}", TB_EINVALID},
		{"{\"region\":\"330100\",\"queries\":[{}]}", TB_ENOTFOUND},
		{"{\"region\":\"" HOME "\",\"queries\":[{}]}", TB_EINVALID},
		{"{\"region\":\"" HOME "\",\"queries\":[{\"type\":\"t\",\"purpose\":\"p\",\"basis\":\"b\","
	         "\"disclosure\":\"STATUS\"}]}",
	         TB_EINVALID},
		{"{\"region\":\"" HOME
	         "\",\"queries\":[{\"identifier\":\"i\",\"basis\":\"b\",\"disclosure\":\"STATUS\"}]}",
	         TB_EINVALID},
		{"{\"region\":\"" HOME
	         "\",\"queries\":[{\"identifier\":\"i\",\"purpose\":\"p\",\"disclosure\":\"STATUS\"}]}",
	         TB_EINVALID},
		{"{\"region\":\"" HOME
	         "\",\"queries\":[{\"identifier\":\"i\",\"purpose\":\"p\",\"basis\":\"b\"}]}",
	         TB_EINVALID},
	};
	struct pair *pair = pair_with(*state);
	unsigned calls = pair->calls;
	enum tb_code code;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		pair_call(pair, &pair->window, VERIFY, wrong[i].json, &code);
		assert_int_equal(code, wrong[i].code);
	}
	struct tb_buf json = {0};
	tb_buf_str(&json, "{\"region\":\"" HOME
	                  "\",\"queries\":[{\"identifier\":\"i\",\"purpose\":\"p\",\"basis\":\"b\","
	                  "\"disclosure\":\"MATCH\",\"match\":[{}");
	for (size_t i = 0; i < TB_MATCH_FIELDS_MAX; i++)
		tb_buf_str(&json, ",{}");
	tb_buf_str(&json, "]}]}");
	pair_call(pair, &pair->window, VERIFY, tb_buf_text(&json), &code);
	assert_int_equal(code, TB_ETOOBIG);
	assert_int_equal(pair->calls, calls);
	tb_buf_clear(&json);
	pair_free(pair);
}

enum lie { ANOTHER_QUERY, NO_QUERY, GARBAGE, SPOILED_DOCUMENT, FOREIGN_DOCUMENT, NO_DOCUMENT_AT_ALL };

/* The home region answers, but not what it should. */
static void lie_in_answers(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                           struct tb_buf *bytes)
{
	enum lie lie = *(enum lie *)pair->test;
	struct tb_arena arena = {0};
	PbAnswer *answer;
	if (inbound->call != CORE_VERIFY)
		return;
	OK(PROTO_DECODE(&answer, answer, pki_batch_message(inbound->answer, 0), &arena, NULL));
	if (lie == ANOTHER_QUERY)
		answer->query.data[0] ^= 1;
	else if (lie == NO_QUERY)
		answer->query.len = 0;
	else if (lie == SPOILED_DOCUMENT)
		answer->document->proof->item.data[30] ^= 1;
	else if (lie == FOREIGN_DOCUMENT) /* a proof of the home region, but of no certificate */
		pki_proof_make(answer->document->proof, inbound->batch, 0, &arena);
	struct tb_bytes message =
		lie == GARBAGE ? tb_bytes_str("\xff\xff") : proto_encode_arena(&arena, &answer->base);
	bytes->size = 0;
	hostile_answer(pair, bytes, PB_BATCH_KIND__ANSWERS, HOME, WINDOW, &from->region.message,
	               pki_batch_root(inbound->batch), &message, 1);
	tb_arena_clear(&arena);
}

static void test_an_answer_that_is_not_the_right_one_is_not_believed(void **state)
{
	static const enum tb_code codes[] = {TB_EUNTRUSTED, TB_EUNTRUSTED, TB_EMALFORMED, TB_EUNTRUSTED,
	                                     TB_EUNTRUSTED};
	static const char query[] = "{\"region\":\"" HOME "\",\"queries\":[{\"type\":\"" TYPE
				    "\",\"number\":\"N1\",\"purpose\":\"p\","
				    "\"basis\":\"b\",\"disclosure\":\"DOCUMENT\"}]}";
	struct pair *pair = pair_with(*state);
	enum lie lie = ANOTHER_QUERY;
	pair->test = &lie;
	pair->answering = lie_in_answers;
	for (; lie < NO_DOCUMENT_AT_ALL; lie++) {
		enum tb_code code;
		size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
		assert_null(pair_call(pair, &pair->window, VERIFY, query, &code));
		if (code != codes[lie])
			fail_msg("lie %d: %s: %s", (int)lie, tb_code_name(code), pair_refusal(&pair->window));
		pair_pass(pair, TB_MINUTE);
		if (hostile_leaves(pair, &pair->window, "LEAF_REFUSED") <= leaves)
			fail_msg("lie %d left no leaf", (int)lie);
	}
	pair->answering = NULL;
	assert_non_null(
		ask(pair, "\"type\":\"" TYPE "\",\"number\":\"N1\",\"disclosure\":\"DOCUMENT\"")->document);
	pair_free(pair);
}

static void test_a_peer_that_is_away_is_told_at_once_and_for_all_its_queries(void **state)
{
	struct pair *pair = pair_with(*state);
	enum tb_code code;
	static const char query[] = "{\"region\":\"" HOME "\",\"queries\":[{\"type\":\"" TYPE
				    "\",\"number\":\"N1\",\"purpose\":\"p\","
				    "\"basis\":\"b\",\"disclosure\":\"STATUS\"}]}";
	pair->parted = true;
	for (int i = 0; i < 5; i++) {
		assert_null(pair_call(pair, &pair->window, VERIFY, query, &code));
		assert_int_equal(code, TB_EUNREACHABLE);
	}
	pair->parted = false;
	pair_ask(pair, &pair->window, VERIFY, query);
	/* One that may not be called at all. */
	struct peer peer = {
		.region = HOME, .name = "h", .endpoint = "", .queries_per_second = 1, .queries_burst = 1};
	struct peer_set *set = peer_set_new();
	struct tb_error err = {0};
	OK(peer_set_add(set, &peer, tb_buf_bytes(&pair->home.region.ca_pem), &err));
	pair_set_peers(pair, &pair->window, set);
	pair_call(pair, &pair->window, VERIFY, query, &code);
	assert_int_equal(code, TB_EUNREACHABLE);
	pair_free(pair);
}

/* ---- when calls leave */

/* What a turn of the window's node lets go; the test holds the calls. */
struct held {
	struct core_outbound *calls[8];
	size_t count;
	tb_time wake;
};

static void hold_turn(struct pair *pair, struct held *held, const struct core_event *event)
{
	struct core_effects effects = {0};
	struct store_txn *txn;
	struct tb_error err = {0};
	OK(store_write(&txn, pair->window.setup.store, &err));
	core_apply(pair->window.core, txn, pair->now, event, &effects);
	held->wake = core_finish(pair->window.core, txn, pair->now, &effects);
	OK(store_commit(txn, &err));
	for (struct core_effect *effect = effects.first; effect; effect = effect->next) {
		if (effect->kind == CORE_REPLY)
			core_request_free(effect->request);
		else if (effect->kind == CORE_SEND && effect->outbound->call == CORE_VERIFY)
			held->calls[held->count++] = effect->outbound;
		else if (effect->kind == CORE_SEND)
			core_outbound_free(effect->outbound);
	}
	core_effects_clear(&effects);
}

static void hold_queries(struct pair *pair, struct held *held, unsigned count)
{
	struct tb_buf json = {0};
	struct tb_error err = {0};
	struct core_event event = {.kind = CORE_REQUEST};
	tb_buf_str(&json, "{\"region\":\"" HOME "\",\"queries\":[");
	for (unsigned i = 0; i < count; i++)
		tb_buf_printf(&json,
		              "%s{\"type\":\"" TYPE "\",\"number\":\"N1\",\"purpose\":\"p\",\"basis\":\"b\","
		              "\"disclosure\":\"STATUS\"}",
		              i ? "," : "");
	tb_buf_str(&json, "]}");
	OK(core_request_new(&event.request, core_method_find(VERIFY), tb_buf_bytes(&json), &err));
	tb_buf_clear(&json);
	hold_turn(pair, held, &event);
}

static void hold_end(struct pair *pair, struct held *held)
{
	static const struct core_event nothing = {.kind = CORE_WAKE};
	for (size_t i = 0; i < held->count; i++) {
		struct core_event event = {.kind = CORE_CALL_DONE, .outbound = held->calls[i]};
		tb_fail(&held->calls[i]->error, TB_EUNREACHABLE, "the test ends");
		hold_turn(pair, held, &event);
	}
	hold_turn(pair, held, &nothing);
	pair_free(pair);
}

static void test_while_a_call_is_away_queries_gather_until_they_are_many_or_it_is_long_away(void **state)
{
	static const struct core_event wake = {.kind = CORE_WAKE};
	struct pair *pair = pair_with(*state);
	struct held held = {0};
	hold_queries(pair, &held, 1);
	assert_int_equal(held.count, 1);
	hold_queries(pair, &held, 5);
	assert_int_equal(held.count, 1);
	/* It says when it wants to be looked at, and no turn before that lets them go. */
	assert_true(held.wake > pair->now && held.wake <= pair->now + 10);
	tb_time due = held.wake;
	pair->now = due - 1;
	hold_turn(pair, &held, &wake);
	assert_int_equal(held.count, 1);
	pair->now = due;
	hold_turn(pair, &held, &wake);
	assert_int_equal(held.count, 2);
	assert_int_equal(held.calls[1]->batch->items_count, 5);
	/* Two are away: the third waits for one of them, however many it has. */
	hold_queries(pair, &held, 500);
	pair->now += TB_MINUTE / 60;
	hold_turn(pair, &held, &wake);
	assert_int_equal(held.count, 2);
	hold_end(pair, &held);
}

static void test_many_queries_wait_for_no_call(void **state)
{
	struct pair *pair = pair_with(*state);
	struct held held = {0};
	hold_queries(pair, &held, 1);
	hold_queries(pair, &held, 127);
	assert_int_equal(held.count, 1);
	hold_queries(pair, &held, 1);
	assert_int_equal(held.count, 2);
	assert_int_equal(held.calls[1]->batch->items_count, 128);
	hold_end(pair, &held);
}

/* ---- peers that go and come while something is under way */

static struct peer_set *no_peers;

static void answer_after_removal(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                                 struct tb_buf *bytes)
{
	(void)from;
	(void)bytes;
	if (inbound->call != CORE_VERIFY || !*(bool *)pair->test)
		return;
	*(bool *)pair->test = false;
	struct peer_set *old = peer_set_ref(pair->window.peers);
	struct side *window = &pair->window;
	/* Gone, and back again, before the answer is there. */
	no_peers = peer_set_new();
	window->waiting.events[window->waiting.count++] =
		(struct core_event){.kind = CORE_PEERS, .peers = no_peers};
	window->waiting.events[window->waiting.count++] =
		(struct core_event){.kind = CORE_PEERS, .peers = old};
	peer_set_unref(window->peers);
	window->peers = old;
}

static void test_a_peer_that_was_removed_and_is_back_can_be_asked_again(void **state)
{
	struct pair *pair = pair_with(*state);
	bool once = true;
	pair->test = &once;
	pair->answering = answer_after_removal;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			ask(pair, "\"type\":\"" TYPE "\",\"number\":\"N1\",\"disclosure\":\"STATUS\"")
				->answer->result,
			PB_VERIFY_RESULT__CONFIRMED);
	assert_false(once);
	peer_set_unref(no_peers);
	pair_free(pair);
}

static void test_a_removed_peer_is_refused_and_audited(void **state)
{
	struct pair *pair = pair_with(*state);
	static const char query[] = "{\"region\":\"" HOME "\",\"queries\":[{\"type\":\"" TYPE
				    "\",\"number\":\"N1\",\"purpose\":\"p\","
				    "\"basis\":\"b\",\"disclosure\":\"STATUS\"}]}";
	enum tb_code code;
	/* The I/O half still has the old set when the call comes in; the core has the new one. */
	struct peer_set *old = peer_set_ref(pair->home.peers);
	pair_set_peers(pair, &pair->home, peer_set_new());
	struct peer_set *none = pair->home.peers;
	pair->home.peers = old;
	size_t refused = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	pair_call(pair, &pair->window, VERIFY, query, &code);
	assert_int_equal(code, TB_EDENIED);
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_REFUSED"), refused + 1);
	pair->home.peers = none;
	peer_set_unref(old);
	pair_free(pair);
}

static void test_any_field_holder_or_attribute_can_be_matched(void **state)
{
	static const struct {
		const char *name, *value;
		bool equal;
	} fields[] = {
		{"number", "A1", true},
		{"name", "执照", true},
		{"name", "执", false},
		{"issuer", ISSUER, true},
		{"issued_on", "2024-01-31", true},
		{"issued_on", "2024-01-30", false},
		{"holder.name", "李", true},
		{"holder.code", ZHANG, true},
		{"holder.code", "110101199003070011", false},
		{"holder.age", "1", false},
		{"经营范围", "零售", true},
		{"经营范围", "批发", false},
		{"注册资本", "100", true},
		{"nothing", "", false},
		{"valid_until", "", true},
	};
	static const char line[] =
		"{\"format\":\"JSONL\",\"lines\":[\"{\\\"type\\\":\\\"" TYPE
		"\\\",\\\"number\\\":\\\"A1\\\",\\\"name\\\":\\\"执照\\\",\\\"issuer\\\":\\\"" ISSUER
		"\\\",\\\"issuedOn\\\":\\\"2024-01-31\\\",\\\"holders\\\":[{\\\"codeType\\\":\\\"111\\\","
		"\\\"code\\\":"
		"\\\"" WANG
		"\\\",\\\"name\\\":\\\"王\\\"},{\\\"codeType\\\":\\\"111\\\",\\\"code\\\":\\\"" ZHANG
		"\\\",\\\"name\\\":\\\"李\\\"}],\\\"attributes\\\":[{\\\"name\\\":\\\"注册资本\\\","
		"\\\"value\\\":\\\"100"
		"\\\"},{\\\"name\\\":\\\"经营范围\\\",\\\"value\\\":\\\"零售\\\"}]}\"]}";
	struct pair *pair = pair_new(*state);
	PbImportResponse *reply = (PbImportResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.CredentialService/Import", line);
	assert_int_equal(reply->added, 1);
	for (size_t i = 0; i < COUNT(fields); i++) {
		char more[512];
		snprintf(more, sizeof(more),
		         "\"type\":\"" TYPE
		         "\",\"number\":\"A1\",\"disclosure\":\"MATCH\",\"match\":[{\"name\":"
		         "\"%s\",\"value\":\"%s\"}]",
		         fields[i].name, fields[i].value);
		PbVerifyResult result = ask(pair, more)->answer->result;
		bool told = result == PB_VERIFY_RESULT__CONFIRMED;
		if (told != fields[i].equal)
			fail_msg("%s = %s: %u", fields[i].name, fields[i].value, (unsigned)result);
	}
	/* The holder of the query is looked for among all of them, and its name must fit its code. */
	assert_int_equal(ask(pair, "\"type\":\"" TYPE "\",\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG
	                           "\",\"name\":\"李\"},\"disclosure\":\"STATUS\"")
	                         ->answer->result,
	                 PB_VERIFY_RESULT__CONFIRMED);
	assert_int_not_equal(ask(pair,
	                         "\"type\":\"" TYPE "\",\"holder\":{\"codeType\":\"111\",\"code\":\"" ZHANG
	                         "\",\"name\":\"王\"},\"disclosure\":\"STATUS\"")
	                             ->answer->result,
	                     PB_VERIFY_RESULT__CONFIRMED);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_told_follows_the_grant_the_question_and_the_certificate),
		TEST(test_a_wrong_guess_and_an_unknown_certificate_give_the_same_bytes),
		TEST(test_a_granted_type_opens_no_certificate_of_another),
		TEST(test_of_several_certificates_the_one_that_is_meant_is_told_of),
		TEST(test_a_peer_gets_its_burst_and_then_its_rate),
		TEST(test_more_queries_than_fit_in_a_batch_are_answered_in_order),
		TEST(test_documents_are_asked_for_in_small_batches_and_their_seals_hold),
		TEST(test_a_question_that_may_not_be_asked_does_not_leave_the_node),
		TEST(test_an_answer_that_is_not_the_right_one_is_not_believed),
		TEST(test_a_peer_that_is_away_is_told_at_once_and_for_all_its_queries),
		TEST(test_while_a_call_is_away_queries_gather_until_they_are_many_or_it_is_long_away),
		TEST(test_many_queries_wait_for_no_call),
		TEST(test_a_peer_that_was_removed_and_is_back_can_be_asked_again),
		TEST(test_a_removed_peer_is_refused_and_audited),
		TEST(test_any_field_holder_or_attribute_can_be_matched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
