#include "sim/lab/work.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPEN_MOST = 40, /* cases of one worker that are not at their end */
	PAUSE_LEAST_MS = 30,
	PAUSE_MEAN_MS = 120,
	AUDIT_EVERY_MS = 4000,
	INSIST_MS = 200,
	KIB = 1024,
};

/* ---- what is made */

void lab_json_text(struct tb_buf *out, const char *name, const char *value)
{
	out->size = 0;
	tb_buf_printf(out, "{\"%s\":\"%s\"}", name, value);
	tb_buf_text(out);
}

void lab_material_bytes(const struct lab *lab, const struct lab_material *material, struct tb_buf *out)
{
	struct sim_random random;
	sim_random_start(&random, lab->options.seed, "content", material->serial);
	out->size = 0;
	tb_buf_reserve(out, material->size);
	sim_random_bytes(&random, out->data, material->size);
	out->size = material->size;
}

static uint64_t draw_size(struct sim_random *random)
{
	uint64_t draw = sim_random_below(random, 100);
	if (draw < 80)
		return KIB + sim_random_below(random, 15 * KIB);
	if (draw < 98)
		return 16 * KIB + sim_random_below(random, 600 * KIB);
	return 600 * KIB + sim_random_below(random, 3400 * KIB);
}

void lab_certificate_number(char out[LAB_NUMBER_ROOM], unsigned node, uint64_t serial, unsigned line)
{
	snprintf(out, LAB_NUMBER_ROOM, "L%u-%llu-%u", node, (unsigned long long)serial, line);
}

static void import_json(const struct lab *lab, unsigned node, uint64_t serial, struct tb_buf *out)
{
	tb_buf_printf(out,
	              "{\"importId\":\"i%u-%llu\",\"format\":\"JSONL\",\"firstLine\":\"1\",\"endOffset\":"
	              "\"1\",\"lines\":[",
	              node, (unsigned long long)serial);
	for (unsigned line = 0; line < LAB_BATCH_LINES; line++) {
		char number[LAB_NUMBER_ROOM];
		lab_certificate_number(number, node, serial, line);
		tb_buf_printf(out,
		              "%s\"{\\\"type\\\":\\\"" LAB_TYPE "\\\",\\\"typeName\\\":\\\"公证书\\\","
		              "\\\"number\\\":\\\"%s\\\",\\\"name\\\":\\\"公证书\\\",\\\"holders\\\":[{"
		              "\\\"codeType\\\":\\\"111\\\",\\\"code\\\":\\\"11010519491231002X\\\","
		              "\\\"name\\\":\\\"王伟\\\"}],"
		              "\\\"issuer\\\":\\\"11320400014109045T\\\",\\\"issuerName\\\":\\\"司法局\\\","
		              "\\\"issuedOn\\\":\\\"2024-01-31\\\",\\\"validFrom\\\":\\\"2024-01-31\\\","
		              "\\\"validUntil\\\":\\\"2044-01-30\\\",\\\"region\\\":\\\"%s\\\"}\"",
		              line ? "," : "", number, lab->nodes[node].code);
	}
	tb_buf_str(out, "]}");
	tb_buf_text(out);
}

/* ---- a worker */

static void note_batch(struct lab_work *work, unsigned node, uint64_t serial, struct lab_told told)
{
	struct lab *lab = work->lab;
	pthread_mutex_lock(&lab->lock);
	if (work->batches_count[node] < LAB_BATCHES_MOST)
		work->batches[node][work->batches_count[node]++] = (struct lab_batch){serial, told};
	lab->counts.certificates += LAB_BATCH_LINES;
	pthread_mutex_unlock(&lab->lock);
}

/* Imports a batch, or one that got no answer again: an import counts once. */
static void import(struct lab_worker *worker)
{
	struct lab *lab = worker->work->lab;
	const struct lab_node *node = &lab->nodes[worker->node];
	struct tb_buf json = {0};
	struct lab_reply reply;
	if (worker->open_batch == 0)
		worker->open_batch =
			++worker->serial * LAB_WORKERS_AT_NODE + worker->index % LAB_WORKERS_AT_NODE;
	import_json(lab, worker->node, worker->open_batch, &json);
	enum lab_answer answer = lab_call(lab, node, "CredentialService/Import", tb_buf_text(&json),
	                                  &pb_import_response__descriptor, LAB_PATIENCE_MS, &reply);
	if (answer == LAB_DONE_WELL) {
		const PbImportResponse *done = (const PbImportResponse *)(const void *)reply.message;
		if (done->n_bad > 0 || done->added + done->unchanged != LAB_BATCH_LINES)
			lab_broke(lab, LAB_RULE_CREDENTIAL, node->index, NULL,
			          "an import of %d: %u added, %u there, %zu bad", LAB_BATCH_LINES,
			          done->added, done->unchanged, done->n_bad);
		note_batch(worker->work, worker->node, worker->open_batch, reply.told);
		worker->open_batch = 0;
	} else if (answer == LAB_REFUSED) {
		lab_broke(lab, LAB_RULE_CREDENTIAL, node->index, NULL, "an import was refused: %s",
		          reply.text);
		worker->open_batch = 0;
	}
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
}

static void check_answer(struct lab_worker *worker, unsigned home, const char *number,
                         const struct lab_told *known, const PbVerifyResponse *reply)
{
	struct lab *lab = worker->work->lab;
	const PbAnswer *answer = reply->n_outcomes == 1 ? reply->outcomes[0]->answer : NULL;
	if (!answer) {
		lab_broke(lab, LAB_RULE_TRUTH, worker->node, NULL, "one question, %zu answers",
		          reply->n_outcomes);
		return;
	}
	bool confirmed =
		answer->result == PB_VERIFY_RESULT__CONFIRMED && answer->state == PB_CREDENTIAL_STATE__VALID;
	bool unknown = answer->result == PB_VERIFY_RESULT__NOT_CONFIRMED;
	if (known ? confirmed || (unknown && lab_excused(lab, &lab->nodes[home], known)) : unknown)
		lab_held(lab, LAB_RULE_TRUTH);
	else
		lab_broke(lab, LAB_RULE_TRUTH, worker->node, NULL, "%s, %s, of %s: result %d, state %d",
		          number, known ? "which was imported" : "which never was", lab->nodes[home].name,
		          (int)answer->result, (int)answer->state);
	pthread_mutex_lock(&lab->lock);
	lab->counts.verifications++;
	lab->counts.unknown_asked += !known;
	pthread_mutex_unlock(&lab->lock);
}

static unsigned other_node(struct lab_worker *worker)
{
	unsigned other = (unsigned)sim_random_below(&worker->random, worker->work->lab->options.nodes - 1);
	return other + (other >= worker->node);
}

static void verify(struct lab_worker *worker)
{
	struct lab_work *work = worker->work;
	struct lab *lab = work->lab;
	unsigned home = other_node(worker);
	bool unknown = sim_random_chance(&worker->random, 100000);
	char number[LAB_NUMBER_ROOM] = "";
	struct lab_batch batch = {0};
	struct tb_buf json = {0};
	struct lab_reply reply;
	pthread_mutex_lock(&lab->lock);
	if (work->batches_count[home] > 0)
		batch = work->batches[home][sim_random_below(&worker->random, work->batches_count[home])];
	pthread_mutex_unlock(&lab->lock);
	if (batch.serial == 0)
		return;
	lab_certificate_number(number, home, batch.serial,
	                       unknown ? 999 : (unsigned)sim_random_below(&worker->random, LAB_BATCH_LINES));
	tb_buf_printf(
		&json,
		"{\"region\":\"%s\",\"queries\":[{\"type\":\"" LAB_TYPE
		"\",\"number\":\"%s\",\"purpose\":\"核验\","
		"\"basis\":\"条例\",\"disclosure\":\"STATUS\",\"holder\":{\"codeType\":\"111\",\"code\":"
		"\"11010519491231002X\"}}]}",
		lab->nodes[home].code, number);
	enum lab_answer answer =
		lab_call(lab, &lab->nodes[worker->node], "CredentialService/Verify", tb_buf_text(&json),
	                 &pb_verify_response__descriptor, LAB_PATIENCE_MS * 4, &reply);
	if (answer == LAB_DONE_WELL) {
		check_answer(worker, home, number, unknown ? NULL : &batch.told,
		             (const PbVerifyResponse *)(const void *)reply.message);
		pthread_mutex_lock(&lab->lock);
		sim_histogram_add(&work->verify_ms, (uint64_t)(reply.told.answered - reply.told.sent));
		pthread_mutex_unlock(&lab->lock);
	}
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
}

static void begin_case(struct lab_worker *worker)
{
	struct lab *lab = worker->work->lab;
	/* "Hand nothing in on that day" (docs/operations.md, section 11). */
	if (worker->cases_count == LAB_CASES_MOST || lab_restored(lab, &lab->nodes[worker->node]))
		return;
	struct lab_case *kase = &worker->cases[worker->cases_count++];
	*kase = (struct lab_case){.window = worker->node, .home = other_node(worker), .begun = lab_now()};
	kase->forward = sim_random_chance(&worker->random, 700000);
	kase->material.serial = ((uint64_t)worker->index << 32) + ++worker->serial;
	kase->material.size = draw_size(&worker->random);
	snprintf(kase->request, sizeof(kase->request), "r%u-%llu", worker->index,
	         (unsigned long long)worker->serial);
	lab_case_step(worker, kase);
}

static struct lab_case *some_case(struct lab_worker *worker)
{
	unsigned open = 0;
	struct lab_case *chosen = NULL;
	for (unsigned i = 0; i < worker->cases_count; i++) {
		struct lab_case *kase = &worker->cases[i];
		if (!kase->ended && sim_random_below(&worker->random, ++open) == 0)
			chosen = kase;
	}
	return open > OPEN_MOST || sim_random_chance(&worker->random, 750000) ? chosen : NULL;
}

/* An impatient client sends the same request again. */
static void repeat(struct lab_worker *worker)
{
	if (worker->cases_count == 0)
		return;
	struct lab_case *kase = &worker->cases[sim_random_below(&worker->random, worker->cases_count)];
	if (!kase->number[0] || lab_restored(worker->work->lab, &worker->work->lab->nodes[kase->window]))
		return;
	LAB_COUNT(worker->work->lab, repeated, 1);
	lab_case_submit(worker, kase);
}

static void work_once(struct lab_worker *worker)
{
	uint64_t draw = sim_random_below(&worker->random, 100);
	if (draw < 20) {
		verify(worker);
	} else if (draw < 26) {
		import(worker);
	} else if (draw < 31) {
		repeat(worker);
	} else {
		struct lab_case *kase = some_case(worker);
		if (kase)
			lab_case_step(worker, kase);
		else
			begin_case(worker);
	}
}

/* What was asked and not answered is asked until it is, or for as long as the federation may take to rest. */
static void insist(struct lab_worker *worker)
{
	struct lab *lab = worker->work->lab;
	lab_time until = lab_now() + lab->options.quiet_ms;
	for (unsigned i = 0; i < worker->cases_count && !lab_over(lab); i++) {
		struct lab_case *kase = &worker->cases[i];
		if (kase->number[0])
			continue;
		kase->given_up = !kase->tried;
		while (!kase->given_up && !lab_case_submit(worker, kase) && !lab_over(lab)) {
			if (lab_now() > until) {
				pthread_mutex_lock(&lab->lock);
				if (!lab->lag[0])
					snprintf(lab->lag, sizeof(lab->lag), "%s does not answer request %s",
					         lab->nodes[kase->window].name, kase->request);
				pthread_mutex_unlock(&lab->lock);
				return;
			}
			lab_sleep(INSIST_MS);
		}
	}
}

static void *worker_run(void *argument)
{
	struct lab_worker *worker = argument;
	struct lab *lab = worker->work->lab;
	while (lab_phase(lab) == LAB_PHASE_TROUBLE && !lab_over(lab)) {
		work_once(worker);
		lab_sleep(PAUSE_LEAST_MS + (unsigned)sim_random_exponential(&worker->random, PAUSE_MEAN_MS));
	}
	insist(worker);
	return NULL;
}

/* ---- the auditor: writes down what nodes show of their logs */

static void look_at(struct lab_work *work, unsigned index)
{
	struct lab *lab = work->lab;
	struct lab_reply reply;
	if (lab_call(lab, &lab->nodes[index], "AuditService/Checkpoint", "{}",
	             &pb_checkpoint_response__descriptor, LAB_PATIENCE_MS, &reply) == LAB_DONE_WELL) {
		const PbCheckpointResponse *shown = (const PbCheckpointResponse *)(const void *)reply.message;
		if (shown->size > 0 && shown->root.len == 32 &&
		    work->checkpoints_count < LAB_CHECKPOINTS_MOST) {
			struct lab_checkpoint *checkpoint = &work->checkpoints[work->checkpoints_count++];
			*checkpoint = (struct lab_checkpoint){
				.node = index, .size = shown->size, .told = reply.told};
			memcpy(checkpoint->root, shown->root.data, 32);
			LAB_COUNT(lab, checkpoints, 1);
		}
	}
	lab_reply_clear(&reply);
}

static void *auditor_run(void *argument)
{
	struct lab_work *work = argument;
	struct lab *lab = work->lab;
	while (lab_phase(lab) == LAB_PHASE_TROUBLE && !lab_over(lab)) {
		for (unsigned i = 0; i < lab->options.nodes && !lab_over(lab); i++)
			look_at(work, i);
		for (int waited = 0; waited < AUDIT_EVERY_MS && lab_phase(lab) == LAB_PHASE_TROUBLE;
		     waited += 100)
			lab_sleep(100);
	}
	return NULL;
}

/* ---- threads */

struct lab_work *lab_work_new(struct lab *lab)
{
	struct lab_work *work = tb_alloc(sizeof(*work));
	work->lab = lab;
	work->workers_count = lab->options.nodes * LAB_WORKERS_AT_NODE;
	work->workers = tb_alloc(work->workers_count * sizeof(*work->workers));
	for (unsigned i = 0; i < work->workers_count; i++) {
		struct lab_worker *worker = &work->workers[i];
		*worker = (struct lab_worker){.work = work, .index = i, .node = i / LAB_WORKERS_AT_NODE};
		sim_random_start(&worker->random, lab->options.seed, "worker", i);
		worker->cases = tb_alloc(LAB_CASES_MOST * sizeof(*worker->cases));
	}
	return work;
}

void lab_work_free(struct lab_work *work)
{
	for (unsigned i = 0; i < work->workers_count; i++)
		free(work->workers[i].cases);
	free(work->workers);
	free(work);
}

void lab_work_start(struct lab_work *work)
{
	int failed = pthread_create(&work->auditor, NULL, auditor_run, work);
	for (unsigned i = 0; i < work->workers_count; i++)
		failed |= pthread_create(&work->workers[i].thread, NULL, worker_run, &work->workers[i]);
	assert(failed == 0);
	work->started = true;
}

void lab_work_join(struct lab_work *work)
{
	if (!work->started)
		return;
	for (unsigned i = 0; i < work->workers_count; i++)
		pthread_join(work->workers[i].thread, NULL);
	pthread_join(work->auditor, NULL);
	work->started = false;
}
