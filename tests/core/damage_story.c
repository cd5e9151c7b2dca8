#include "tests/core/damage_story.h"

#include "node/core/webhook.h"

#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void story_copy_file(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_true(in && out);
	for (size_t got; (got = fread(block, 1, sizeof(block), in)) > 0;)
		assert_int_equal(fwrite(block, 1, got, out), got);
	fclose(in);
	fclose(out);
}

/* ---- the story */

static void import(struct pair *pair, const char *line)
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"importId\":\"i\",\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,"
	         "holder_code,issuer,issued_on\","
	         "\"firstLine\":\"2\",\"lines\":[\"%s\"],\"endOffset\":\"10\"}",
	         line);
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Import", json);
}

static void remember(struct story *story)
{
	PbCaseView *view = pair_case(story->pair, &story->pair->home, story->granted);
	for (size_t i = 0; i < view->n_evidence && story->evidence_count < 6; i++)
		snprintf(story->evidence[story->evidence_count++], 64, "%s", view->evidence[i]);
	const PbMaterial *material = view->log[0]->detail->application->materials[0];
	struct tb_buf text = {0};
	tb_base64(&text, proto_bytes(material->root));
	snprintf(story->root, sizeof(story->root), "%s", tb_buf_text(&text));
	memcpy(story->root_bytes, material->root.data, PKI_HASH_BYTES);
	tb_buf_clear(&text);
	for (size_t i = 0; i < view->n_log; i++) {
		if (view->log[i]->event == PB_CASE_EVENT__GRANT)
			snprintf(story->identifier, sizeof(story->identifier), "%s",
			         view->log[i]->detail->decision->credential_identifier);
	}
}

/* A matter with a file, and an agreement that both sides have signed. */
static void agree(struct story *story)
{
	struct pair *pair = story->pair;
	char json[2048], file[512];
	bool parted = pair->parted;
	pair->parted = false;
	pair_upload(pair, &pair->window, 500, 77, file);
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"LIAISON\",\"id\":\"l\"},\"subject\":\"s\",\"text\":\"t\","
	         "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":3,\"parties\":[\"" WINDOW "\",\"" HOME
	         "\"],\"files\":[{\"need\":\"x\",%s}],\"caseNumber\":\"%s\"}}",
	         file, story->open);
	PbMatterView *matter =
		(PbMatterView *)(void *)pair_ask(pair, &pair->window, "/tongban.v1.MatterService/Open", json);
	snprintf(story->matter, sizeof(story->matter), "%s", matter->matter);
	PbAgreementView *view = (PbAgreementView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.AgreementService/Propose",
		"{\"agreement\":{\"title\":\"t\",\"parties\":[\"" HOME "\",\"" WINDOW
		"\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"],"
		"\"rights\":["
		"\"NOTIFY_ONCE\",\"DELIVER_RESULTS\"]}]}}");
	snprintf(story->agreement, sizeof(story->agreement), "%s", view->agreement->id);
	pair_pass(pair, 2 * TB_MINUTE);
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", story->agreement);
	pair_ask(pair, &pair->home, "/tongban.v1.AgreementService/Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
	pair->parted = parted;
}

#define CASE_JSON "{\"caseNumber\":\"%s\",\"reason\":\"r\"}"

/* Tokens, webhooks, halls, holds. */
static void departments(struct story *story, struct side *side, size_t index)
{
	struct pair *pair = story->pair;
	char json[256];
	const PbTokenAddResponse *token = (const void *)pair_ask(
		pair, side, "/tongban.v1.TokenService/Add",
		"{\"name\":\"desk\",\"roles\":[\"TOKEN_HEAD\",\"TOKEN_WINDOW\"],\"items\":[\"" ITEM "\"]}");
	snprintf(story->tokens[index], sizeof(story->tokens[index]), "Bearer %s", token->token);
	pair_ask(pair, side, "/tongban.v1.WebhookService/Add",
	         "{\"name\":\"hook\",\"url\":\"https://hooks.example.gov/\",\"token\":\"desk\","
	         "\"fromBeginning\":true,\"kinds\":[\"EVENT_CASE\",\"EVENT_CREDENTIAL\"]}");
	snprintf(json, sizeof(json),
	         "{\"halls\":[{\"code\":\"A\",\"name\":\"政务服务中心\",\"area\":\"%s\",\"receives\":true}]}",
	         side->setup.region);
	pair_ask(pair, side, "/tongban.v1.HallService/Load", json);
	snprintf(json, sizeof(json), CASE_JSON, story->granted);
	pair_ask(pair, side, "/tongban.v1.RetentionService/Hold", json);
}

void story_new(struct story *story, struct scratch *scratch)
{
	static const char *const hosts[] = {"hooks.example.gov", NULL};
	struct pair *pair = pair_new(scratch);
	*story = (struct story){.pair = pair};
	struct side *sides[] = {&pair->window, &pair->home};
	for (size_t i = 0; i < COUNT(sides); i++) {
		sides[i]->setup.webhook_hosts = sides[i]->core->setup.webhook_hosts = hosts;
		sides[i]->setup.case_years = sides[i]->core->setup.case_years = 1;
		sides[i]->setup.material_years = sides[i]->core->setup.material_years = 1;
	}
	import(pair, STORY_TYPE ",N1,公证书,111," STORY_HOLDER "," STORY_ISSUER ",2024-01-31");
	import(pair, STORY_TYPE ",N2,公证书,111," STORY_HOLDER "," STORY_ISSUER ",2024-01-31");
	pair_submit(pair, true, story->granted);
	OK(pair_act(pair, &pair->home, story->granted, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->home, story->granted, "START", "H_DEPT", ""));
	OK(pair_act(pair, &pair->home, story->granted, "GRANT", "H_DEPT",
	            "\"issue\":{\"typeName\":\"公证书\"}"));
	pair_submit(pair, true, story->ended);
	OK(pair_act(pair, &pair->home, story->ended, "REFUSE", "H_WIN", "\"detail\":{\"reason\":\"r\"}"));
	pair_submit(pair, true, story->open);
	OK(pair_act(pair, &pair->home, story->open, "ACCEPT", "H_WIN", ""));
	pair->parted = true;
	pair_submit(pair, true, story->lost);
	pair->now += 7 * TB_DAY + TB_MINUTE;
	pair_run(pair);
	pair->parted = false;
	pair_submit(pair, true, story->waiting);
	pair_pass(pair, TB_MINUTE);
	pair->parted = true;
	OK(pair_act(pair, &pair->home, story->waiting, "ACCEPT", "H_WIN", ""));
	OK(pair_act(pair, &pair->window, story->waiting, "WITHDRAW", "APPLICANT", ""));
	pair_ask(pair, &pair->home, "/tongban.v1.CredentialService/Find",
	         "{\"type\":\"" STORY_TYPE "\",\"number\":\"N1\"}");
	remember(story);
	departments(story, &pair->window, 0);
	departments(story, &pair->home, 1);
	agree(story);
}

/* ---- everything that can be called */

static void call(struct story *story, struct side *side, const char *path, const char *fmt, ...)
	TB_PRINTF(4, 5);
static void call(struct story *story, struct side *side, const char *path, const char *fmt, ...)
{
	char json[4096], whole[128];
	enum tb_code code;
	va_list args;
	va_start(args, fmt);
	vsnprintf(json, sizeof(json), fmt, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "/tongban.v1.%s", path);
	proto_message *reply = pair_call(story->pair, side, whole, json, &code);
	if ((reply != NULL) != (code == TB_OK))
		fail_msg("%s: %s beside a reply", path, tb_code_name(code));
	assert_true(code == TB_OK || pair_refusal(side)[0]);
}

static const char *peer_of(const struct story *story, const struct side *side)
{
	return side == &story->pair->home ? WINDOW : HOME;
}

/* What departments' systems read: lists, exports, archives, as the socket's owner and with a token. */
static void read_lists(struct story *story, struct side *side)
{
	call(story, side, "HallService/List", "{}");
	call(story, side, "HallService/List", "{\"region\":\"%s\",\"receives\":true}", peer_of(story, side));
	call(story, side, "CommitmentService/List", "{}");
	call(story, side, "StatsService/Cases", "{}");
	call(story, side, "StatsService/Cases", "{\"by\":\"STATS_BY_ITEM\",\"peer\":\"%s\"}",
	     peer_of(story, side));
	call(story, side, "ExportService/Cases", "{\"format\":\"CSV\"}");
	call(story, side, "ExportService/Cases", "{\"format\":\"JSONL\",\"after\":\"3\",\"limit\":2}");
	call(story, side, "ExportService/Credentials", "{\"format\":\"CSV\",\"limit\":1}");
	call(story, side, "ExportService/Credentials", "{\"format\":\"JSONL\",\"after\":\"1-0\"}");
	call(story, side, "EventService/List", "{\"limit\":500}");
	for (int token = 0; token < 2; token++) {
		side->authorization = story->tokens[side == &story->pair->home];
		call(story, side, "NodeService/Status", "{}");
		call(story, side, "CaseService/List", "{\"limit\":9}");
		call(story, side, "CaseService/Get", "{\"number\":\"%s\"}", story->open);
		call(story, side, "ExportService/Cases", "{\"format\":\"CSV\"}");
		side->authorization = NULL;
	}
	call(story, side, "WebhookService/List", "{}");
	call(story, side, "CaseService/JointNeeds",
	     "{\"parts\":[{\"home\":\"" HOME "\",\"item\":\"" ITEM "\"}]}");
	call(story, side, "RetentionService/Holds", "{}");
	call(story, side, "RetentionService/Finished", "{\"before\":\"2999-01-01\"}");
	call(story, side, "RetentionService/Archive", "{\"caseNumber\":\"%s\"}", story->ended);
}

void story_read_all(struct story *story, struct side *side)
{
	const char *numbers[] = {story->open, story->granted, story->waiting, story->lost, story->ended};
	call(story, side, "NodeService/Status", "{}");
	call(story, side, "NodeService/DeadLetters", "{}");
	call(story, side, "PeerService/List", "{}");
	call(story, side, "CredentialService/ImportStatus", "{\"importId\":\"i\"}");
	call(story, side, "CredentialService/Get", "{\"identifier\":\"%s\"}", story->identifier);
	call(story, side, "CredentialService/Find", "{\"type\":\"" STORY_TYPE "\",\"number\":\"N1\"}");
	call(story, side, "CredentialService/Find",
	     "{\"holder\":{\"codeType\":\"111\",\"code\":\"" STORY_HOLDER "\"}}");
	call(story, side, "CatalogueService/List", "{}");
	call(story, side, "CatalogueService/List", "{\"region\":\"" HOME "\"}");
	for (size_t i = 0; i < COUNT(numbers); i++)
		call(story, side, "CaseService/Get", "{\"number\":\"%s\"}", numbers[i]);
	call(story, side, "CaseService/List", "{\"limit\":2}");
	call(story, side, "CaseService/List", "{\"state\":\"ACCEPTED\",\"peer\":\"%s\"}", HOME);
	call(story, side, "MaterialService/Get", "{\"root\":\"%s\"}", story->root);
	call(story, side, "MaterialService/List", "{}");
	for (size_t i = 0; i < story->evidence_count; i++)
		call(story, side, "EvidenceService/Export", "{\"reference\":\"%s\"}", story->evidence[i]);
	for (int i = 1; i < 6; i++)
		call(story, side, "EvidenceService/Export", "{\"reference\":\"answer:%d:0\"}", i);
	call(story, side, "MatterService/Get", "{\"matter\":\"%s\"}", story->matter);
	call(story, side, "MatterService/List", "{}");
	call(story, side, "AgreementService/Get", "{\"id\":\"%s\"}", story->agreement);
	call(story, side, "AgreementService/List", "{}");
	call(story, side, "AgreementService/Diff", "{\"peer\":\"%s\"}", peer_of(story, side));
	call(story, side, "EventService/List", "{\"limit\":500}");
	call(story, side, "TokenService/List", "{}");
	call(story, side, "AuditService/Checkpoint", "{}");
	call(story, side, "AuditService/Prove", "{\"index\":\"0\"}");
	call(story, side, "AuditService/Consistency", "{\"oldSize\":\"3\"}");
	call(story, side, "AuditService/List", "{\"limit\":1000}");
	read_lists(story, side);
}

/* One delivery of the webhook, which fails. */
static void deliver(struct story *story, struct side *side)
{
	struct webhook_due due;
	struct webhook_job *job = NULL;
	struct tb_error err = {0};
	uint64_t seen;
	size_t count = 0;
	enum tb_code code = webhook_dues(&side->setup, &due, 1, &count, &err);
	if (code == TB_OK && count > 0)
		code = webhook_job_new(&job, &side->setup, &due, due.cursor, &seen, story->pair->now, &err);
	assert_true(code == TB_OK || (!job && err.text[0]));
	if (!job)
		return;
	job->status = 500;
	side->waiting.events[side->waiting.count++] =
		(struct core_event){.kind = CORE_REQUEST, .request = webhook_done(job)};
	pair_run(story->pair);
}

static void write_lists(struct story *story, struct side *side)
{
	deliver(story, side);
	call(story, side, "WebhookService/Resume", "{\"name\":\"hook\"}");
	call(story, side, "WebhookService/Add",
	     "{\"name\":\"other\",\"url\":\"https://hooks.example.gov/\",\"token\":\"desk\"}");
	call(story, side, "TokenService/Add", "{\"name\":\"other\",\"roles\":[\"TOKEN_KIOSK\"]}");
	call(story, side, "HallService/Load", "{\"halls\":[{\"code\":\"B\",\"name\":\"n\",\"area\":\"%s\"}]}",
	     side->setup.region);
	call(story, side, "RetentionService/Hold", CASE_JSON, story->open);
	call(story, side, "RetentionService/Archived",
	     "{\"caseNumber\":\"%s\",\"entries\":5,\"digest\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	     "\"}",
	     story->ended);
	call(story, side, "CaseService/Prepare",
	     "{\"application\":{\"item\":\"" ITEM "\",\"home\":\"" HOME
	     "\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"" STORY_HOLDER "\"}}}");
}

void story_write_all(struct story *story, struct side *side)
{
	char material[512], application[2048];
	struct tb_arena arena = {0};
	struct tb_error err;
	PbStoredMaterial *record;
	call(story, side, "CredentialService/SetState",
	     "{\"identifier\":\"%s\",\"state\":\"REVOKED\",\"reason\":\"x\"}", story->identifier);
	call(story, side, "CredentialService/Import",
	     "{\"importId\":\"i\",\"format\":\"CSV\",\"header\":\"type,number,name,holder_code_type,holder_"
	     "code,issuer,issued_on\","
	     "\"firstLine\":\"2\",\"lines\":[\"" STORY_TYPE ",N1,公证书,111," STORY_HOLDER "," STORY_ISSUER
	     ",2024-01-31\",\"" STORY_TYPE ",N3,公证书,111," STORY_HOLDER "," STORY_ISSUER ",2024-01-31\"]}");
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"START\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"}}",
	     story->open);
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"GRANT\",\"actor\":{\"role\":\"H_DEPT\",\"id\":\"a\"},\"issue\":{"
	     "\"typeName\":\"t\"}}",
	     story->open);
	call(story, side, "CaseService/Act",
	     "{\"number\":\"%s\",\"event\":\"CONSULT\",\"actor\":{\"role\":\"R_WIN\",\"id\":\"a\"},"
	     "\"detail\":{\"note\":\"n\"}}",
	     story->open);
	call(story, side, "NodeService/Requeue", "{\"peer\":\"" HOME "\",\"seq\":\"3\"}");
	pair_upload(story->pair, side, 1000, 3, material);
	for (int request = 1; request <= 2; request++) {
		pair_application(application, material, request == 1 ? "r1" : "", true);
		call(story, side, "CaseService/Submit", "%s", application);
	}
	call(story, side, "CatalogueService/Load", "{}");
	enum tb_code code = core_material_for(&side->setup, HOME, story->root_bytes, &arena, &record, &err);
	assert_true(code == TB_OK || err.text[0]);
	tb_arena_clear(&arena);
	call(story, side, "MatterService/Post",
	     "{\"post\":{\"matter\":\"%s\",\"kind\":\"POST_SAYS\",\"text\":\"t\",\"actor\":{\"role\":"
	     "\"LIAISON\",\"id\":"
	     "\"l\"}}}",
	     story->matter);
	call(story, side, "AgreementService/Sign", "{\"id\":\"%s\"}", story->agreement);
	call(story, side, "AgreementService/End", "{\"id\":\"%s\",\"reason\":\"r\"}", story->agreement);
	write_lists(story, side);
	/* What waits goes on its way, both ways. */
	story->pair->parted = false;
	pair_pass(story->pair, 6 * TB_MINUTE);
	call(story, side, "CredentialService/Verify",
	     "{\"region\":\"%s\",\"queries\":[{\"type\":\"" STORY_TYPE
	     "\",\"number\":\"N1\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":"
	     "\"DOCUMENT\"}]}",
	     peer_of(story, side));
	/* Then clocks run out and messages expire, all at once. */
	story->pair->now += 8 * TB_DAY;
	pair_pass(story->pair, TB_MINUTE);
	story->pair->parted = true;
}

void story_remove_all(struct story *story, struct side *side)
{
	call(story, side, "RetentionService/Release", CASE_JSON, story->granted);
	call(story, side, "RetentionService/Erase", CASE_JSON, story->ended);
	call(story, side, "RetentionService/Erase", "{\"credential\":\"%s\",\"reason\":\"r\"}",
	     story->identifier);
	call(story, side, "WebhookService/Remove", "{\"name\":\"hook\"}");
	call(story, side, "TokenService/Revoke", "{\"name\":\"desk\"}");
	story->pair->now += 800 * TB_DAY;
	call(story, side, "RetentionService/Prune", "{\"dryRun\":true}");
	call(story, side, "RetentionService/Prune", "{}");
	pair_pass(story->pair, TB_MINUTE);
}
