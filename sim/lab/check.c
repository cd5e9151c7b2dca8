#include "sim/lab/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 500, PAGES_MOST = 200, REPORTED_MOST = 5 };

/* ---- rest */

static const struct lab_node *node_by_code(const struct lab *lab, const char *code)
{
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		if (strcmp(lab->nodes[i].code, code) == 0)
			return &lab->nodes[i];
	}
	return NULL;
}

static bool peer_restored(struct lab *lab, const char *code)
{
	const struct lab_node *peer = node_by_code(lab, code);
	return peer && lab_restored(lab, peer);
}

typedef bool (*each_case)(void *ctx, const struct lab_node *node, const PbCaseView *view);

/* Calls |each| with every case of |node| (without its log) until it says false. False: not all were seen. */
static bool list_cases(struct lab *lab, const struct lab_node *node, each_case each, void *ctx)
{
	char after[LAB_NUMBER_ROOM] = "";
	for (int page = 0; page < PAGES_MOST && !lab_over(lab); page++) {
		char json[160];
		struct lab_reply reply;
		bool good = true;
		snprintf(json, sizeof(json), "{\"limit\":%d,\"after\":\"%s\"}", PAGE, after);
		enum lab_answer answer =
			lab_call(lab, node, "CaseService/List", json, &pb_case_list_response__descriptor,
		                 LAB_PATIENCE_LONG_MS, &reply);
		if (answer != LAB_DONE_WELL) {
			lab_reply_clear(&reply);
			return false;
		}
		const PbCaseListResponse *list = (const PbCaseListResponse *)(const void *)reply.message;
		for (size_t i = 0; i < list->n_cases && good; i++) {
			good = each(ctx, node, list->cases[i]);
			snprintf(after, sizeof(after), "%s", list->cases[i]->number);
		}
		bool last = list->n_cases == 0;
		lab_reply_clear(&reply);
		if (last || !good)
			return good;
	}
	return false;
}

struct rest {
	struct lab *lab;
	char *why;
	size_t room;
};

static bool case_rests(void *ctx, const struct lab_node *node, const PbCaseView *view)
{
	struct rest *rest = ctx;
	const char *other = strcmp(view->home, node->code) == 0 ? view->first_node : view->home;
	if (lab_restored(rest->lab, node) || peer_restored(rest->lab, other))
		return true;
	if (view->handing_over)
		snprintf(rest->why, rest->room, "%s is handing over %s", node->name, view->number);
	else if (view->materials_missing > 0)
		snprintf(rest->why, rest->room, "%s has not got the materials of %s", node->name,
		         view->number);
	else if (view->state == PB_CASE_STATE__TRANSFER)
		snprintf(rest->why, rest->room, "%s: %s is on the way", node->name, view->number);
	else
		return true;
	return false;
}

static bool node_rests(struct rest *rest, const struct lab_node *node)
{
	struct lab_reply reply;
	bool rests = false;
	enum lab_answer answer = lab_call(rest->lab, node, "NodeService/Status", "{}",
	                                  &pb_status_response__descriptor, LAB_PATIENCE_LONG_MS, &reply);
	if (answer == LAB_DONE_WELL) {
		const PbStatusResponse *status = (const PbStatusResponse *)(const void *)reply.message;
		rests = true;
		for (size_t i = 0; i < status->n_peers && rests; i++) {
			const PbPeerView *peer = status->peers[i];
			/* What a node without its memory does not understand is put off for ever. */
			if (peer->outbox == 0 || lab_restored(rest->lab, node) ||
			    peer_restored(rest->lab, peer->region))
				continue;
			rests = false;
			snprintf(rest->why, rest->room, "%s has %llu messages for %s (%s)", node->name,
			         (unsigned long long)peer->outbox, peer->name, peer->last_error);
		}
	} else {
		snprintf(rest->why, rest->room, "%s does not answer", node->name);
	}
	lab_reply_clear(&reply);
	return rests && list_cases(rest->lab, node, case_rests, rest);
}

bool lab_check_quiet(struct lab *lab, char *why, size_t room)
{
	struct rest rest = {lab, why, room};
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		if (!node_rests(&rest, &lab->nodes[i]))
			return false;
	}
	why[0] = 0;
	return true;
}

/* ---- cases */

struct side {
	struct lab_reply reply;
	const PbCaseView *view; /* NULL: not there */
	bool silent;
};

static void get_side(struct lab *lab, const struct lab_node *node, const char *number, struct side *side)
{
	struct tb_buf json = {0};
	lab_json_text(&json, "number", number);
	*side = (struct side){0};
	enum lab_answer answer = lab_call(lab, node, "CaseService/Get", tb_buf_text(&json),
	                                  &pb_case_view__descriptor, LAB_PATIENCE_LONG_MS, &side->reply);
	if (answer == LAB_DONE_WELL)
		side->view = (const PbCaseView *)(const void *)side->reply.message;
	side->silent = answer == LAB_SILENCE || answer == LAB_LATER;
	tb_buf_clear(&json);
}

/* Entries that both have the same, from the first on. */
static size_t same_entries(const PbCaseView *a, const PbCaseView *b)
{
	size_t same = 0;
	while (same < a->n_log_digests && same < b->n_log_digests &&
	       strcmp(a->log_digests[same], b->log_digests[same]) == 0)
		same++;
	return same;
}

static bool gapless(const PbCaseView *view)
{
	for (size_t i = 0; i < view->n_log; i++) {
		if (view->log[i]->seq != i + 1)
			return false;
	}
	return view->n_log == view->seq && view->n_log_digests == view->n_log;
}

static void check_logs(struct lab *lab, const struct lab_case *kase, const PbCaseView *here,
                       const PbCaseView *there)
{
	const struct lab_node *window = &lab->nodes[kase->window], *home = &lab->nodes[kase->home];
	size_t same = there ? same_entries(here, there) : 0;
	size_t less = !there || here->seq < there->seq ? here->seq : there->seq;
	bool restored = (lab_restored(lab, window) || lab_restored(lab, home)) && !lab->options.no_excuse;
	if (!gapless(here) || (there && !gapless(there))) {
		lab_broke(lab, LAB_RULE_ONE_LOG, window->index, kase->number, "a log has a gap");
	} else if (restored) {
		/* One continues the other, or one of the two says that it is at odds. */
		if (there && same < less && !here->dispute && !there->dispute)
			lab_broke(lab, LAB_RULE_RESTORED, window->index, kase->number,
			          "%u entries here and %u in %s, %zu the same, and no dispute", here->seq,
			          there->seq, home->name, same);
		else
			lab_held(lab, LAB_RULE_RESTORED);
	} else if (!there) {
		if (strcmp(here->owner, window->code) != 0)
			lab_broke(lab, LAB_RULE_ACKED, home->index, kase->number,
			          "was handed over and is not there");
	} else if (same != here->seq || here->seq != there->seq || here->state != there->state ||
	           here->epoch != there->epoch || strcmp(here->owner, there->owner) != 0) {
		lab_broke(lab, LAB_RULE_ONE_LOG, window->index, kase->number,
		          "%u entries here and %u in %s, %zu the same; state %d and %d, owner %s and %s",
		          here->seq, there->seq, home->name, same, (int)here->state, (int)there->state,
		          here->owner, there->owner);
	} else if (here->dispute || there->dispute) {
		lab_broke(lab, LAB_RULE_ONE_LOG, window->index, kase->number, "is in dispute");
	} else {
		lab_held(lab, LAB_RULE_ONE_LOG);
	}
}

static unsigned count_actor(const PbCaseView *view, const char *actor)
{
	unsigned count = 0;
	for (size_t i = 0; view && i < view->n_log; i++) {
		if (view->log[i]->actor && strcmp(view->log[i]->actor->id, actor) == 0)
			count++;
	}
	return count;
}

static void check_acts(struct lab *lab, const struct lab_case *kase, const struct side sides[2])
{
	for (unsigned i = 0; i < kase->acts_count; i++) {
		const struct lab_act *act = &kase->acts[i];
		const struct lab_node *node = &lab->nodes[act->node];
		const struct side *side = &sides[act->node == kase->home];
		unsigned count = count_actor(side->view, act->actor);
		bool missing = act->state == LAB_ACT_DONE && count == 0;
		if (side->silent)
			continue;
		if (missing && lab_excused(lab, node, &act->told))
			LAB_COUNT(lab, excused, 1);
		else if (count > 1 || missing || (act->state == LAB_ACT_REFUSED && count > 0))
			lab_broke(lab, LAB_RULE_ACTS, act->node, kase->number,
			          "%s by %s, %s, is %u times in the log", act->event, act->actor,
			          act->state == LAB_ACT_DONE      ? "acknowledged"
			          : act->state == LAB_ACT_REFUSED ? "refused"
			                                          : "not answered",
			          count);
		else
			lab_held(lab, LAB_RULE_ACTS);
	}
}

/* ---- materials */

static bool same_bytes(struct lab *lab, const struct lab_node *node, const struct lab_material *material)
{
	struct tb_buf data = {0};
	struct lab_reply reply;
	bool same = false;
	if (lab_download(lab, node, material->root, &reply) == LAB_DONE_WELL) {
		lab_material_bytes(lab, material, &data);
		same = tb_bytes_equal(tb_buf_bytes(&data), tb_buf_bytes(&reply.body));
	}
	tb_buf_clear(&data);
	lab_reply_clear(&reply);
	return same;
}

static void check_material(struct lab *lab, const struct lab_node *node, const struct lab_case *kase,
                           bool excused)
{
	const struct lab_material *material = &kase->material;
	struct tb_buf json = {0};
	struct lab_reply reply;
	bool whole = false;
	tb_buf_str(&json, "{\"root\":\"");
	tb_base64(&json, tb_bytes_of(material->root, sizeof(material->root)));
	tb_buf_str(&json, "\"}");
	enum lab_answer answer = lab_call(lab, node, "MaterialService/Get", tb_buf_text(&json),
	                                  &pb_material_view__descriptor, LAB_PATIENCE_LONG_MS, &reply);
	if (answer == LAB_DONE_WELL) {
		const PbMaterialView *view = (const PbMaterialView *)(const void *)reply.message;
		whole = view->complete && view->size == material->size && view->sha256.len == 32 &&
		        memcmp(view->sha256.data, material->sha256, 32) == 0 &&
		        same_bytes(lab, node, material);
	}
	if (whole)
		lab_held(lab, LAB_RULE_MATERIAL);
	else if (excused)
		LAB_COUNT(lab, excused, 1);
	else
		lab_broke(lab, LAB_RULE_MATERIAL, node->index, kase->number,
		          "a material of %llu bytes is not %s", (unsigned long long)material->size,
		          answer == LAB_DONE_WELL ? "what was uploaded" : "there");
	lab_reply_clear(&reply);
	tb_buf_clear(&json);
}

static void check_case(struct lab *lab, const struct lab_case *kase)
{
	const struct lab_node *window = &lab->nodes[kase->window], *home = &lab->nodes[kase->home];
	struct side sides[2];
	if (kase->material.told.answered)
		check_material(lab, window, kase, lab_excused(lab, window, &kase->material.told));
	if (!kase->number[0])
		return;
	get_side(lab, window, kase->number, &sides[0]);
	get_side(lab, home, kase->number, &sides[1]);
	const PbCaseView *here = sides[0].view, *there = sides[1].view;
	if (here) {
		lab_held(lab, LAB_RULE_ACKED);
		check_logs(lab, kase, here, there);
	} else if (lab_excused(lab, window, &kase->told)) {
		LAB_COUNT(lab, excused, 1);
	} else {
		lab_broke(lab, LAB_RULE_ACKED, kase->window, kase->number, "was acknowledged and is %s",
		          sides[0].silent ? "not shown" : "not there");
	}
	if (here)
		check_acts(lab, kase, sides);
	bool lost = (lab_restored(lab, window) || lab_restored(lab, home)) && !lab->options.no_excuse;
	if (there)
		check_material(lab, home, kase, lost);
	lab_reply_clear(&sides[0].reply);
	lab_reply_clear(&sides[1].reply);
}

/* ---- no case that nobody asked for */

struct known {
	struct lab *lab;
	const char **numbers; /* sorted */
	size_t count;
	unsigned reported;
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool case_known(void *ctx, const struct lab_node *node, const PbCaseView *view)
{
	struct known *known = ctx;
	const struct lab_node *window = node_by_code(known->lab, view->first_node);
	const char *number = view->number;
	if (bsearch(&number, known->numbers, known->count, sizeof(number), compare_texts))
		lab_held(known->lab, LAB_RULE_ONCE);
	else if (!window || !lab_restored(known->lab, window)) {
		if (known->reported++ < REPORTED_MOST)
			lab_broke(known->lab, LAB_RULE_ONCE, node->index, number,
			          "a case that no client was told of");
	}
	return true;
}

static void check_known(struct lab *lab, const struct lab_work *work)
{
	struct known known = {.lab = lab};
	for (unsigned w = 0; w < work->workers_count; w++)
		known.count += work->workers[w].cases_count;
	known.numbers = tb_alloc((known.count + 1) * sizeof(*known.numbers));
	known.count = 0;
	for (unsigned w = 0; w < work->workers_count; w++) {
		for (unsigned i = 0; i < work->workers[w].cases_count; i++) {
			if (work->workers[w].cases[i].number[0])
				known.numbers[known.count++] = work->workers[w].cases[i].number;
		}
	}
	qsort(known.numbers, known.count, sizeof(*known.numbers), compare_texts);
	for (size_t i = 1; i < known.count; i++) {
		/* A case number begins with its window's region. */
		char code[8] = "";
		memcpy(code, known.numbers[i], strnlen(known.numbers[i], 6));
		if (strcmp(known.numbers[i - 1], known.numbers[i]) == 0 && !peer_restored(lab, code))
			lab_broke(lab, LAB_RULE_ONCE, SIM_NOBODY, known.numbers[i],
			          "two requests were given this case");
	}
	for (unsigned i = 0; i < lab->options.nodes; i++)
		list_cases(lab, &lab->nodes[i], case_known, &known);
	free(known.numbers);
}

/* ---- certificates */

static void check_certificate(struct lab *lab, const struct lab_node *node, const struct lab_batch *batch,
                              unsigned line)
{
	char number[LAB_NUMBER_ROOM];
	char json[160];
	struct lab_reply reply;
	lab_certificate_number(number, node->index, batch->serial, line);
	snprintf(json, sizeof(json), "{\"type\":\"" LAB_TYPE "\",\"number\":\"%s\"}", number);
	size_t found = 0;
	bool well = false;
	if (lab_call(lab, node, "CredentialService/Find", json, &pb_credential_find_response__descriptor,
	             LAB_PATIENCE_LONG_MS, &reply) == LAB_DONE_WELL) {
		const PbCredentialFindResponse *list =
			(const PbCredentialFindResponse *)(const void *)reply.message;
		found = list->n_credentials;
		well = found == 1 && list->credentials[0]->seal_valid &&
		       list->credentials[0]->state == PB_CREDENTIAL_STATE__VALID;
	}
	if (well)
		lab_held(lab, LAB_RULE_CREDENTIAL);
	else if (found == 0 && lab_excused(lab, node, &batch->told))
		LAB_COUNT(lab, excused, 1);
	else
		lab_broke(lab, LAB_RULE_CREDENTIAL, node->index, NULL,
		          "%s was imported and is there %zu times%s", number, found,
		          found == 1 ? ", not valid" : "");
	lab_reply_clear(&reply);
}

/* ---- audit logs, dead letters */

static void check_checkpoint(struct lab *lab, const struct lab_checkpoint *shown)
{
	const struct lab_node *node = &lab->nodes[shown->node];
	char json[64];
	struct lab_reply reply;
	snprintf(json, sizeof(json), "{\"oldSize\":\"%llu\"}", (unsigned long long)shown->size);
	bool held = false;
	if (lab_call(lab, node, "AuditService/Consistency", json, &pb_consistency_response__descriptor,
	             LAB_PATIENCE_LONG_MS, &reply) == LAB_DONE_WELL) {
		const PbConsistencyResponse *now = (const PbConsistencyResponse *)(const void *)reply.message;
		held = now->old_root.len == 32 && memcmp(now->old_root.data, shown->root, 32) == 0;
	}
	if (held)
		lab_held(lab, LAB_RULE_HISTORY);
	else if (lab_excused(lab, node, &shown->told))
		LAB_COUNT(lab, excused, 1);
	else
		lab_broke(lab, LAB_RULE_HISTORY, node->index, NULL,
		          "a checkpoint of %llu leaves was shown and is no part of the log: %s",
		          (unsigned long long)shown->size, reply.text);
	lab_reply_clear(&reply);
}

static void check_audit(struct lab *lab, const struct lab_node *node)
{
	struct lab_reply reply;
	bool good = lab_call(lab, node, "AuditService/Verify", "{}", &pb_audit_verify_response__descriptor,
	                     LAB_PATIENCE_LONG_MS, &reply) == LAB_DONE_WELL;
	const PbAuditVerifyResponse *view = (const PbAuditVerifyResponse *)(const void *)reply.message;
	if (good && view->intact)
		lab_held(lab, LAB_RULE_INTACT);
	else
		lab_broke(lab, LAB_RULE_INTACT, node->index, NULL, "%s", good ? view->problem : reply.text);
	lab_reply_clear(&reply);
}

static void check_dead_letters(struct lab *lab, const struct lab_node *node)
{
	struct lab_reply reply;
	if (lab_call(lab, node, "NodeService/DeadLetters", "{}", &pb_dead_letters_response__descriptor,
	             LAB_PATIENCE_LONG_MS, &reply) == LAB_DONE_WELL) {
		const PbDeadLettersResponse *list =
			(const PbDeadLettersResponse *)(const void *)reply.message;
		for (size_t i = 0; i < list->n_letters; i++) {
			if (!list->letters[i]->reason[0])
				lab_broke(lab, LAB_RULE_DEAD, node->index, list->letters[i]->case_number,
				          "a dead letter without a reason");
		}
		lab_held(lab, LAB_RULE_DEAD);
	} else {
		lab_broke(lab, LAB_RULE_DEAD, node->index, NULL, "the dead letters cannot be read: %s",
		          reply.text);
	}
	lab_reply_clear(&reply);
}

void lab_check_end(struct lab *lab, const struct lab_work *work)
{
	for (unsigned w = 0; w < work->workers_count; w++) {
		for (unsigned i = 0; i < work->workers[w].cases_count && !lab_over(lab); i++)
			check_case(lab, &work->workers[w].cases[i]);
	}
	check_known(lab, work);
	for (unsigned n = 0; n < lab->options.nodes; n++) {
		for (unsigned i = 0; i < work->batches_count[n] && !lab_over(lab); i++) {
			for (unsigned line = 0; line < LAB_BATCH_LINES; line++)
				check_certificate(lab, &lab->nodes[n], &work->batches[n][i], line);
		}
		check_audit(lab, &lab->nodes[n]);
		check_dead_letters(lab, &lab->nodes[n]);
	}
	for (unsigned i = 0; i < work->checkpoints_count && !lab_over(lab); i++)
		check_checkpoint(lab, &work->checkpoints[i]);
}
