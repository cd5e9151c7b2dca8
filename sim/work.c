#include "sim/work.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/faults.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	OFFICE_FROM = 9,
	OFFICE_UNTIL = 17,
	DAYS_LOOKED_AT = 30,
	STATE_CHANGES_PPM = 3000,  /* of the verifications, somebody changes a certificate */
	OTHER_CRITERIA_ONE_IN = 4, /* regions that decide by another version of the criteria */
};

/* ---- days and hours */

static bool working(tb_day day)
{
	bool is = true;
	/* Beyond the calendar everyone works: this is about load, not about law. */
	return calendar_is_working(sim_calendar(), day, &is, NULL) != TB_OK || is;
}

sim_time sim_office(sim_time at, struct sim_random *random)
{
	tb_time now = sim_ms(at);
	tb_day day = tb_day_at(now);
	tb_time late = tb_day_start(day) + OFFICE_UNTIL * TB_HOUR;
	if (working(day) && now >= tb_day_start(day) + OFFICE_FROM * TB_HOUR && now < late)
		return at;
	if (!working(day) || now >= late)
		day++;
	for (unsigned i = 0; i < DAYS_LOOKED_AT && !working(day); i++)
		day++;
	tb_time opening = tb_day_start(day) + OFFICE_FROM * TB_HOUR;
	return opening * SIM_MS + (sim_time)sim_random_below(random, 2 * SIM_HOUR);
}

double sim_busy(sim_time at)
{
	tb_time now = sim_ms(at);
	tb_day day = tb_day_at(now);
	tb_time hour = (now - tb_day_start(day)) / TB_HOUR;
	if (!working(day))
		return 0.05;
	return hour >= OFFICE_FROM && hour < OFFICE_UNTIL ? 1.0 : 0.15;
}

/* Hours of full work in a working day. */
static double full_hours(void)
{
	return OFFICE_UNTIL - OFFICE_FROM + 0.15 * (24 - (OFFICE_UNTIL - OFFICE_FROM));
}

uint32_t sim_some_node(struct sim_work *work, struct sim_random *random)
{
	return work->ranked[sim_zipf_draw(&work->ranks, random)];
}

uint32_t sim_some_partner(struct sim_world *world, uint32_t node, struct sim_random *random)
{
	size_t count;
	const struct sim_link *links = sim_links(world->net, node, &count);
	return count == 0 ? SIM_NOBODY : links[sim_random_below(random, count)].to;
}

/* ---- what a node begins with */

#define ITEM "123204000000000013320001000001"
static const char catalogue[] =
	"{\"items\":["
	"{\"code\":\"" ITEM "A\",\"name\":\"机动车驾驶证公证\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"司法局\",\"modes\":[\"DS\",\"QC\"],\"promisedDays\":5,\"legalDays\":15,"
	"\"resultType\":\"11100000000013338W032\",\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"公证程序规则\"},"
	"{\"code\":\"M2\",\"name\":\"驾驶证\",\"required\":false,\"basis\":\"公证程序规则\"}]},"
	"{\"code\":\"" ITEM "B\",\"name\":\"学历公证\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"司法局\",\"modes\":[\"DS\"],\"promisedDays\":1,\"legalDays\":10,"
	"\"resultType\":\"11100000000013338W032\",\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"公证程序规则\"},"
	"{\"code\":\"M3\",\"name\":\"原件\",\"required\":true,\"basis\":\"公证程序规则\",\"original\":true,"
	"\"disposition\":\"RETURNED_ORIGINAL\"}]}"
	","
	"{\"code\":\"" ITEM "C\",\"name\":\"无差别事项\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"司法局\",\"modes\":[\"YS\",\"YB\",\"LB\"],\"promisedDays\":3,\"legalDays\":10,"
	"\"baseCode\":\"000132000000\",\"criteria\":\"%s\",\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":false,\"basis\":\"公证程序规则\"}]}";
/* Stories have one that may be handled in any way. */
static const char told[] =
	",{\"code\":\"" ITEM "D\",\"name\":\"多模式事项\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"司法局\",\"modes\":[\"QC\",\"YS\",\"YB\",\"LB\"],\"promisedDays\":3,"
	"\"legalDays\":10,\"baseCode\":\"000132000001\",\"criteria\":\"2026-1\",\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"公证程序规则\"}]}";

static void import_json(struct tb_buf *out, const struct sim_node *node)
{
	tb_buf_printf(out, "{\"importId\":\"%064x\",\"format\":\"JSONL\",\"firstLine\":\"1\",\"lines\":[",
	              node->index);
	for (unsigned i = 0; i < CREDENTIALS_A_NODE; i++)
		tb_buf_printf(
			out,
			"%s\"{\\\"type\\\":\\\"11100000MB0143028R001\\\",\\\"number\\\":\\\"N%s%04u\\\","
			"\\\"name\\\":\\\"营业执照\\\",\\\"holders\\\":[{\\\"codeType\\\":\\\"099\\\","
			"\\\"code\\\":\\\"H%s%04u\\\",\\\"name\\\":\\\"商行%u\\\"}],"
			"\\\"issuer\\\":\\\"%s\\\",\\\"issuedOn\\\":\\\"2024-05-06\\\"}\"",
			i ? "," : "", node->code, i, node->code, i, i, node->code);
	tb_buf_str(out, "]}");
}

static void furnished(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                      void *ctx)
{
	(void)ctx;
	const PbImportResponse *done = reply ? (const PbImportResponse *)(const void *)reply->reply : NULL;
	if (!done || done->added != CREDENTIALS_A_NODE)
		sim_fail(world, SIM_DIED, "%s could not be furnished: %s", node->code,
		         reply ? reply->error.text : "it went down");
}

const char *sim_criteria(const struct sim_node *node)
{
	bool other = sim_mix(node->world->options.seed, node->index) % OTHER_CRITERIA_ONE_IN == 0;
	return other && !node->world->options.scenario ? "2026-2" : "2026-1";
}

static void furnish_run(struct sim_world *world, void *subject, uint64_t again)
{
	struct sim_node *node = subject;
	struct tb_buf json = {0};
	if (again) { /* now every list is in its place: ask for them */
		sim_node_post(node,
		              (struct core_event){.kind = CORE_PEERS, .peers = peer_set_ref(node->peers)});
		return;
	}
	tb_buf_printf(&json, catalogue, sim_criteria(node));
	tb_buf_printf(&json, "%s]}", world->play ? told : "");
	sim_node_ask(node, "/tongban.v1.CatalogueService/Load", tb_buf_bytes(&json), NULL, NULL);
	json.size = 0;
	import_json(&json, node);
	sim_node_ask(node, "/tongban.v1.CredentialService/Import", tb_buf_bytes(&json), furnished, NULL);
	tb_buf_clear(&json);
}

static const struct sim_event_kind furnish_event = {"furnish", furnish_run, NULL};

void sim_work_furnish(struct sim_node *node)
{
	sim_after(node->world, 2 * SIM_SECOND, &furnish_event, node, 0);
	sim_after(node->world, 60 * SIM_SECOND, &furnish_event, node, 1);
}

/* ---- certificates change */

static struct sim_paper *paper_at(struct sim_work *work, uint32_t node, unsigned i)
{
	return &work->papers[(size_t)node * CREDENTIALS_A_NODE + i];
}

static void changed(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                    void *ctx)
{
	struct sim_paper *paper = ctx;
	(void)node;
	if (!reply)
		return; /* nobody knows: it stays under way */
	if (reply->error.code)
		paper->state = paper->before;
	paper->changed = world->now;
}

static void change_paper(struct sim_work *work, struct sim_node *node)
{
	unsigned which = (unsigned)sim_random_below(&work->random, CREDENTIALS_A_NODE / 2);
	struct sim_paper *paper = paper_at(work, node->index, which);
	struct tb_buf json = {0};
	struct sim_reader reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	PbCredentialRecord *record;
	PbCredential *credential;
	bool suspend = paper->state == PB_CREDENTIAL_STATE__VALID;
	if (node->state != SIM_NODE_UP || paper->changed == SIM_NEVER)
		return;
	sim_read_begin(&reader, node);
	struct kv_key from = kv_key_u64(which + 1);
	store_cursor(&cursor, reader.kv.txn, KV_CREDENTIAL, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	if (store_next(&cursor, &key, &sealed) &&
	    kv_open(&reader.kv, KV_CREDENTIAL, key, sealed, &reader.arena, &plain, NULL) == TB_OK &&
	    PROTO_DECODE_OWN(&record, credential_record, plain, &reader.arena, NULL) == TB_OK &&
	    PROTO_DECODE_OWN(&credential, credential,
	                     tb_bytes_of(record->item.data + TB_SALT_BYTES, record->item.len - TB_SALT_BYTES),
	                     &reader.arena, NULL) == TB_OK)
		tb_buf_printf(&json, "{\"identifier\":\"%s\",\"state\":\"%s\",\"reason\":\"核查\"}",
		              credential->identifier, suspend ? "SUSPENDED" : "VALID");
	store_cursor_end(&cursor);
	sim_read_end(&reader);
	if (json.size > 0) {
		paper->before = paper->state;
		paper->state = suspend ? PB_CREDENTIAL_STATE__SUSPENDED : PB_CREDENTIAL_STATE__VALID;
		paper->changed = SIM_NEVER;
		sim_node_ask(node, "/tongban.v1.CredentialService/SetState", tb_buf_bytes(&json), changed,
		             paper);
	}
	tb_buf_clear(&json);
}

/* ---- verifications */

struct question {
	struct sim_work *work;
	struct sim_node *home;
	unsigned paper;
	bool right;
	PbDisclosure asked_for;
	sim_time asked;
};

static bool may_be(const struct sim_paper *paper, PbCredentialState state, sim_time asked)
{
	return state == paper->state ||
	       (state == paper->before && (paper->changed == SIM_NEVER || paper->changed >= asked));
}

static void check_truth(struct sim_world *world, const struct question *question, struct sim_node *asker,
                        const PbVerifyOutcome *outcome)
{
	const PbAnswer *answer = outcome->answer;
	const struct sim_link *link = sim_link_find(world->net, question->home->index, asker->index);
	const struct sim_paper *paper = paper_at(question->work, question->home->index, question->paper);
	bool granted = link->verify >= question->asked_for;
	const char *problem = NULL;
	if (answer->result == PB_VERIFY_RESULT__THROTTLED) {
		sim_mark(&world->marks, SIM_MARK_THROTTLED);
		return;
	}
	if (!granted && answer->result != PB_VERIFY_RESULT__NOT_GRANTED)
		problem = "more was told than was granted";
	else if (granted && question->right && answer->result != PB_VERIFY_RESULT__CONFIRMED)
		problem = "what is so was not confirmed";
	else if (granted && !question->right && answer->result == PB_VERIFY_RESULT__CONFIRMED)
		problem = "what is not so was confirmed";
	else if (answer->result == PB_VERIFY_RESULT__CONFIRMED &&
	         !may_be(paper, answer->state, question->asked))
		problem = "the state is not the certificate's";
	else if (outcome->document && question->asked_for != PB_DISCLOSURE__DOCUMENT)
		problem = "a document that was not asked for";
	if (problem)
		sim_check_broke(world, SIM_RULE_TRUTH, question->home->index, NULL, "%s", problem);
	sim_check_held(world, SIM_RULE_TRUTH);
	if (outcome->document)
		sim_mark(&world->marks, SIM_MARK_DOCUMENT);
	if (granted && !question->right)
		sim_mark(&world->marks, SIM_MARK_NOT_CONFIRMED);
}

static void answered(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
                     void *ctx)
{
	struct question *question = ctx;
	struct sim_work *work = question->work;
	const PbVerifyResponse *response =
		reply && !reply->error.code ? (const PbVerifyResponse *)(const void *)reply->reply : NULL;
	if (response) {
		work->counts.verifications++;
		sim_histogram_add(&work->verify_ms, (uint64_t)((world->now - question->asked) / SIM_MS));
		if (sim_node_reliable(question->home) && sim_node_reliable(node))
			check_truth(world, question, node, response->outcomes[0]);
	} else {
		work->counts.verifications_failed++;
	}
	free(question);
}

static void ask(struct sim_work *work, struct sim_node *asker, struct sim_node *home,
                struct sim_random *random)
{
	static const char *const levels[] = {"STATUS", "MATCH", "DOCUMENT"};
	struct question *question = tb_alloc(sizeof(*question));
	struct tb_buf json = {0};
	unsigned level = (unsigned)sim_random_below(random, 3),
		 guess = (unsigned)sim_random_below(random, 10);
	unsigned paper = (unsigned)sim_random_below(random, CREDENTIALS_A_NODE);
	*question = (struct question){.work = work,
	                              .home = home,
	                              .paper = paper,
	                              .right = guess < 7,
	                              .asked_for = (PbDisclosure)(level + 1),
	                              .asked = work->world->now};
	tb_buf_printf(
		&json,
		"{\"region\":\"%s\",\"queries\":[{\"type\":\"11100000MB0143028R001\","
		"\"number\":\"N%s%04u\",\"holder\":{\"codeType\":\"099\",\"code\":\"H%s%04u\","
		"\"name\":\"商行%u\"},\"purpose\":\"变更登记\",\"basis\":\"条例\",\"disclosure\":\"%s\"",
		home->code, home->code, guess == 7 ? 9000 + paper : paper, home->code, paper,
		guess == 8 ? paper + 1 : paper, levels[level]);
	if (level > 0)
		tb_buf_printf(&json, ",\"match\":[{\"name\":\"issued_on\",\"value\":\"%s\"}]",
		              guess == 9 ? "2024-05-07" : "2024-05-06");
	else if (guess == 9)
		question->right = true;
	tb_buf_str(&json, "}]}");
	sim_node_ask(asker, "/tongban.v1.CredentialService/Verify", tb_buf_bytes(&json), answered, question);
	tb_buf_clear(&json);
}

void sim_work_verify(struct sim_world *world, uint32_t from, uint32_t to)
{
	struct sim_random own;
	sim_random_start(&own, world->options.seed, "verify", world->work->verify_number++);
	if (world->nodes[from].state == SIM_NODE_UP)
		ask(world->work, &world->nodes[from], &world->nodes[to], &own);
}

/* ---- when */

static void verify_run(struct sim_world *world, void *subject, uint64_t argument);
static void case_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind verify_event = {"verify", verify_run, NULL};
static const struct sim_event_kind case_event = {"case", case_run, NULL};

/* Schedules the next of so many a day. How busy people are changes with the hour: what would come later than
 * that is drawn again then (argument 0: nothing happens). */
static void next_of(struct sim_work *work, const struct sim_event_kind *kind, double a_day)
{
	double mean = full_hours() * (double)SIM_HOUR / a_day / sim_busy(work->world->now);
	sim_time wait = 1 + sim_random_exponential(&work->random, (int64_t)mean);
	if (wait > SIM_HOUR)
		sim_after(work->world, SIM_HOUR, kind, work, 0);
	else
		sim_after(work->world, wait, kind, work, 1);
}

static void verify_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_work *work = subject;
	struct sim_random own;
	if (world->healed)
		return;
	next_of(work, &verify_event, work->verifications_a_day);
	if (!argument)
		return;
	uint32_t number = work->verify_number++;
	sim_random_start(&own, world->options.seed, "verify", number);
	struct sim_node *asker = &world->nodes[sim_some_node(work, &own)];
	uint32_t partner = sim_some_partner(world, asker->index, &own);
	if (partner == SIM_NOBODY || world->nodes[partner].absent || asker->state != SIM_NODE_UP ||
	    !sim_decide(world, SIM_DO_VERIFY, SIM_NOBODY, SIM_NOBODY, number))
		return;
	ask(work, asker, &world->nodes[partner], &own);
	if (sim_random_chance(&own, STATE_CHANGES_PPM))
		change_paper(work, &world->nodes[partner]);
}

static void case_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_work *work = subject;
	if (world->healed)
		return;
	next_of(work, &case_event, work->cases_a_day);
	if (argument)
		sim_case_begin(work);
}

void sim_work_begin(struct sim_world *world)
{
	struct sim_work *work = world->work;
	if (work->cases_a_day > 0)
		next_of(work, &case_event, work->cases_a_day);
	if (work->verifications_a_day > 0)
		next_of(work, &verify_event, work->verifications_a_day);
	sim_pacts_begin(work);
	sim_alliances_begin(work);
	sim_matters_begin(work);
}

/* ---- life */

struct sim_work *sim_work_new(struct sim_world *world)
{
	static const sim_time paces[] = {30 * SIM_SECOND, 5 * SIM_MINUTE, SIM_HOUR};
	struct sim_work *work = tb_alloc(sizeof(*work));
	size_t count = world->nodes_count;
	double load = sim_rates(world)->load;
	work->world = world;
	sim_random_start(&work->random, world->options.seed, "work", 0);
	sim_zipf_init(&work->ranks, count);
	work->ranked = tb_alloc(count * sizeof(*work->ranked));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (uint32_t)sim_random_below(&work->random, i + 1);
		work->ranked[i] = work->ranked[at];
		work->ranked[at] = i;
	}
	work->papers = tb_alloc(count * CREDENTIALS_A_NODE * sizeof(*work->papers));
	for (size_t i = 0; i < count * CREDENTIALS_A_NODE; i++)
		work->papers[i].state = work->papers[i].before = PB_CREDENTIAL_STATE__VALID;
	work->pace = paces[sim_random_below(&work->random, 3)];
	work->cases_a_day = world->options.cases_a_day;
	if (work->cases_a_day <= 0)
		work->cases_a_day = (double)(count * (5 + sim_random_below(&work->random, 56))) * load;
	work->verifications_a_day = world->options.verifications_a_day;
	if (work->verifications_a_day <= 0)
		work->verifications_a_day =
			(double)(count * (20 + sim_random_below(&work->random, 281))) * load;
	return work;
}

void sim_work_free(struct sim_work *work)
{
	sim_pacts_free(work);
	sim_alliances_free(work);
	sim_matters_free(work);
	sim_cases_free(work);
	sim_zipf_clear(&work->ranks);
	free(work->ranked);
	free(work->papers);
	free(work);
}

const struct sim_work_counts *sim_work_counts(const struct sim_work *work)
{
	return &work->counts;
}

const struct sim_histogram *sim_work_verify_ms(const struct sim_work *work)
{
	return &work->verify_ms;
}

const struct sim_histogram *sim_work_case_s(const struct sim_work *work)
{
	return &work->case_s;
}
