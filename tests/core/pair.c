#include "tests/core/pair.h"

#include "base/log.h"

/* A crash here loses memory, never the disk: nothing needs to be synced, and a thousand turns take a second.
 */
int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static uint8_t *next_seed(struct pair *pair)
{
	static uint8_t seed[32];
	memset(seed, ++pair->seed, sizeof(seed));
	return seed;
}

static struct tb_bytes read_file(const char *path, struct tb_buf *out)
{
	char block[4096];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
		tb_buf_add(out, block, got);
	fclose(file);
	return tb_buf_bytes(out);
}

/* ---- life */

static struct peer_set *peers_of(const struct side *other)
{
	static const char *const all[] = {"*", NULL};
	struct peer_set *set = peer_set_new();
	struct peer_verify_grant verify = {.types = all, .disclosure = PB_DISCLOSURE__DOCUMENT};
	struct peer_case_grant cases = {.items = all, .modes = all};
	struct peer peer = {.region = other->region.code,
	                    .name = "test",
	                    .endpoint = "wire:1",
	                    .verify = &verify,
	                    .verify_count = 1,
	                    .cases = &cases,
	                    .cases_count = 1,
	                    .queries_per_second = 100000,
	                    .queries_burst = 100000};
	struct tb_error err = {0};
	assert_int_equal(peer_set_add(set, &peer, tb_buf_bytes(&other->region.ca_pem), &err), TB_OK);
	return set;
}

enum tb_code pair_try_open(struct pair *pair, struct side *side, struct tb_error *err)
{
	char store[160], blobs[160];
	snprintf(store, sizeof(store), "%s/store", side->dir);
	snprintf(blobs, sizeof(blobs), "%s/blobs", side->dir);
	struct store_options options = {.dir = store, .map_bytes = 1 << 28, .tables = core_tables};
	assert_int_equal(store_open(&side->setup.store, &options, err), TB_OK);
	assert_int_equal(blob_dir_open(&side->setup.blobs, blobs, TB_CHUNK_BYTES + PKI_VAULT_OVERHEAD, err),
	                 TB_OK);
	if (core_open(&side->core, &side->setup, side->peers, next_seed(pair), pair->now, err)) {
		store_close(side->setup.store);
		blob_dir_close(side->setup.blobs);
		return err->code;
	}
	side->wake = pair->now;
	return TB_OK;
}

void pair_open(struct pair *pair, struct side *side)
{
	struct tb_error err = {0};
	if (pair_try_open(pair, side, &err))
		fail_msg("opening %s: %s", side->setup.name, err.text);
}

/* A leaf that outlives the longest story; a node's seal has the region itself as its issuer. */
static void reissue(struct side *side, struct credential *out, enum pki_role role)
{
	struct pki_issue leaf = {.region = side->region.code,
	                         .role = role,
	                         .issuer = role == PKI_ROLE_SEAL ? side->region.code : NULL,
	                         .common_name = "test",
	                         .valid_from = NOW - TB_DAY,
	                         .valid_until = NOW + 400 * TB_DAY};
	struct tb_buf pem = {0};
	struct tb_error err = {0};
	pki_key_free(out->key);
	assert_int_equal(pki_key_generate(&out->key, PKI_P256, &err), TB_OK);
	assert_int_equal(pki_issue_leaf(&pem, out->key, side->region.ca, tb_buf_bytes(&side->region.ca_pem),
	                                &leaf, &err),
	                 TB_OK);
	assert_int_equal(pki_pem_to_chain(out->chain, &out->chain_count, tb_buf_bytes(&pem),
	                                  &side->region.arena, &err),
	                 TB_OK);
	tb_buf_clear(&pem);
}

tb_time pair_describe_every;

static void side_init(struct pair *pair, struct side *side, const char *region, const char *name)
{
	region_init(&side->region, region, PKI_P256);
	reissue(side, &side->region.message, PKI_ROLE_MESSAGE);
	reissue(side, &side->region.seal, PKI_ROLE_SEAL);
	snprintf(side->dir, sizeof(side->dir), "%s/%s", pair->scratch->dir, name);
	mkdir(side->dir, 0700);
	char path[160];
	snprintf(path, sizeof(path), "%s/store", side->dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/blobs", side->dir);
	mkdir(path, 0700);
	side->setup = (struct core_setup){
		.region = region,
		.name = name,
		.version = "test",
		.listen = "",
		.regions = pair->regions,
		.describe_every = pair_describe_every,
		.calendar = pair->calendar,
		.message = {side->region.message.key, side->region.message.chain,
	                    side->region.message.chain_count},
		.seal = {side->region.seal.key, side->region.seal.chain, side->region.seal.chain_count},
		.anchors = pki_trust_new(),
	};
	memset(side->setup.vault_key, region[0], sizeof(side->setup.vault_key));
	region_trust(side->setup.anchors, &side->region);
}

static const char catalogue[] =
	"{\"items\":[{\"code\":\"" ITEM
	"\",\"name\":\"机动车驾驶证公证\",\"department\":\"11320400014109045T\","
	"\"departmentName\":\"常州市司法局\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,"
	"\"resultType\":\"11100000000013338W032\",\"materials\":["
	"{\"code\":\"M1\",\"name\":\"申请表\",\"required\":true,\"basis\":\"公证程序规则\"},"
	"{\"code\":\"M2\",\"name\":\"驾驶证\",\"required\":false,\"basis\":\"公证程序规则\"},"
	"{\"code\":\"M3\",\"name\":\"原件\",\"required\":false,\"basis\":\"公证程序规则\",\"original\":true}]"
	"}]}";

struct pair *pair_new(struct scratch *scratch)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	struct tb_error err = {0};
	struct tb_buf text = {0};
	pair->scratch = scratch;
	pair->now = NOW;
	assert_int_equal(regions_parse(&pair->regions, read_file(TEST_DATA "/regions.tsv", &text), &err),
	                 TB_OK);
	text.size = 0;
	assert_int_equal(calendar_parse(&pair->calendar, read_file(TEST_DATA "/workdays.tsv", &text), &err),
	                 TB_OK);
	tb_buf_clear(&text);
	side_init(pair, &pair->window, WINDOW, "window");
	side_init(pair, &pair->home, HOME, "home");
	pair->window.peers = peers_of(&pair->home);
	pair->home.peers = peers_of(&pair->window);
	pair_open(pair, &pair->window);
	pair_open(pair, &pair->home);
	enum tb_code code;
	pair_call(pair, &pair->home, "/tongban.v1.CatalogueService/Load", catalogue, &code);
	assert_int_equal(code, TB_OK);
	pair_pass(pair, 6 * TB_MINUTE); /* the window asks again what the home region offers */
	return pair;
}

void pair_close(struct side *side)
{
	for (size_t i = 0; i < side->waiting.count; i++) {
		struct core_event *event = &side->waiting.events[i];
		if (event->kind == CORE_REQUEST)
			core_request_free(event->request);
		else if (event->kind == CORE_INBOUND)
			core_inbound_free(event->inbound);
		else if (event->kind == CORE_CALL_DONE) {
			free(event->outbound->core);
			core_outbound_free(event->outbound);
		} else if (event->kind == CORE_FETCHED)
			core_fetch_free(event->fetch);
	}
	side->waiting.count = 0;
	if (!side->core)
		return; /* it did not open */
	core_close(side->core);
	store_close(side->setup.store);
	blob_dir_close(side->setup.blobs);
	side->core = NULL;
}

static void side_clear(struct side *side)
{
	pair_close(side);
	core_request_free(side->replied);
	peer_set_unref(side->peers);
	pki_trust_unref(side->setup.anchors);
	region_clear(&side->region);
}

void pair_free(struct pair *pair)
{
	side_clear(&pair->window);
	side_clear(&pair->home);
	regions_free(pair->regions);
	calendar_free(pair->calendar);
	free(pair);
}

void pair_crash(struct pair *pair, struct side *side)
{
	pair_close(side);
	pair_open(pair, side);
}

struct side *pair_side(struct pair *pair, const char *region)
{
	return strcmp(region, WINDOW) == 0 ? &pair->window : &pair->home;
}

/* ---- the wire */

static void post(struct side *side, struct core_event event)
{
	assert_true(side->waiting.count < sizeof(side->waiting.events) / sizeof(side->waiting.events[0]));
	side->waiting.events[side->waiting.count++] = event;
}

static void send(struct pair *pair, struct side *from, struct core_outbound *outbound)
{
	struct side *to = pair_side(pair, outbound->peer);
	enum fate fate = pair->fate ? pair->fate(pair, outbound) : ARRIVES;
	struct tb_buf bytes = {0};
	struct tb_error err = {0};
	pair->calls++;
	assert_int_equal(core_outbound_encode(&from->setup, outbound, &bytes, &err), TB_OK);
	struct core_inbound *inbound = NULL;
	if (pair->parted || fate == REQUEST_LOST)
		tb_fail(&outbound->error, TB_EUNREACHABLE, "the wire is cut");
	else
		inbound = core_inbound_new(&to->setup, to->peers, outbound->call, from->region.code,
		                           tb_buf_bytes(&bytes), pair->now, &outbound->error);
	if (!inbound && !pair->parted && fate != REQUEST_LOST)
		post(to, (struct core_event){
				 .kind = CORE_REFUSED,
				 .refusal = core_refusal_of(from->region.code, core_call_word(outbound->call),
		                                            tb_buf_bytes(&bytes), &outbound->error)});
	tb_buf_clear(&bytes);
	if (!inbound) {
		post(from, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
		return;
	}
	if (fate == ANSWER_LOST) {
		tb_fail(&outbound->error, TB_ETIMEOUT, "the answer was lost");
		post(from, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
		outbound = NULL;
	}
	inbound->io = outbound;
	post(to, (struct core_event){.kind = CORE_INBOUND, .inbound = inbound});
}

/* The mark of an injected call, in place of the caller's. */
static char injected_call;

static void keep_injected(struct pair *pair, struct side *from, struct core_inbound *inbound)
{
	static const struct {
		PbBatchKind kind;
		const proto_type *type;
	} answers[] = {
		[CORE_VERIFY] = {PB_BATCH_KIND__ANSWERS, &pb_answer__descriptor},
		[CORE_DELIVER] = {PB_BATCH_KIND__RECEIPTS, &pb_receipt__descriptor},
		[CORE_DESCRIBE] = {PB_BATCH_KIND__DESCRIPTION, &pb_description__descriptor},
	};
	struct pair_reply *reply = pair->injected;
	struct tb_error err = {0};
	if (core_inbound_answer(&from->setup, inbound, &reply->bytes, &reply->error))
		return;
	struct pki_expect expect = {.kind = answers[inbound->call].kind,
	                            .sender = from->region.code,
	                            .receiver = inbound->peer,
	                            .in_reply_to = pki_batch_root(inbound->batch),
	                            .items_count = inbound->batch->items_count,
	                            .now = pair->now};
	if (pki_batch_check(&reply->batch, tb_buf_bytes(&reply->bytes), from->setup.anchors, &expect, &err))
		fail_msg("the answer to an injected call: %s", err.text);
	reply->messages =
		tb_arena_alloc(&reply->batch->arena, reply->batch->items_count * sizeof(*reply->messages));
	for (size_t i = 0; i < reply->batch->items_count; i++) {
		if (proto_decode(&reply->messages[i], answers[inbound->call].type,
		                 pki_batch_message(reply->batch, i), &reply->batch->arena, &err))
			fail_msg("item %zu of the answer to an injected call: %s", i, err.text);
	}
}

static void answer(struct pair *pair, struct side *from, struct core_inbound *inbound)
{
	if (inbound->io == &injected_call) {
		keep_injected(pair, from, inbound);
		core_inbound_free(inbound);
		return;
	}
	struct core_outbound *outbound = inbound->io;
	struct side *to = pair_side(pair, inbound->peer);
	struct tb_buf bytes = {0};
	struct tb_error err = {0};
	enum tb_code code = core_inbound_answer(&from->setup, inbound, &bytes, &err);
	if (outbound) {
		if (code == TB_OK && pair->answering)
			pair->answering(pair, from, inbound, &bytes);
		if (code == TB_OK)
			core_outbound_answered(&to->setup, to->peers, outbound, tb_buf_bytes(&bytes),
			                       pair->now);
		else
			outbound->error = err;
		post(to, (struct core_event){.kind = CORE_CALL_DONE, .outbound = outbound});
	}
	tb_buf_clear(&bytes);
	core_inbound_free(inbound);
}

enum tb_code pair_inject(struct pair *pair, struct side *to, enum core_call call, const char *peer,
                         struct tb_bytes bytes, struct pair_reply *reply)
{
	struct pair_reply dropped = {0};
	struct pair_reply *into = reply ? reply : &dropped;
	*into = (struct pair_reply){0};
	struct core_inbound *inbound =
		core_inbound_new(&to->setup, to->peers, call, peer, bytes, pair->now, &into->error);
	if (inbound) {
		inbound->io = &injected_call;
		pair->injected = into;
		post(to, (struct core_event){.kind = CORE_INBOUND, .inbound = inbound});
	} else {
		post(to, (struct core_event){.kind = CORE_REFUSED,
		                             .refusal = core_refusal_of(peer, core_call_word(call), bytes,
		                                                        &into->error)});
	}
	pair_run(pair);
	pair->injected = NULL;
	enum tb_code code = into->error.code;
	assert_true(code != TB_OK || into->batch);
	pair_reply_clear(&dropped);
	return code;
}

void pair_reply_clear(struct pair_reply *reply)
{
	pki_batch_free(reply->batch);
	tb_buf_clear(&reply->bytes);
	*reply = (struct pair_reply){0};
}

void pair_set_peers(struct pair *pair, struct side *side, struct peer_set *set)
{
	peer_set_unref(side->peers);
	side->peers = set;
	post(side, (struct core_event){.kind = CORE_PEERS, .peers = set});
	pair_run(pair);
}

static void fetch(struct pair *pair, struct side *side, struct core_fetch *fetch)
{
	struct side *from = pair_side(pair, fetch->peer);
	struct material_sink *sink = NULL;
	struct material_source *source = NULL;
	struct tb_arena arena = {0};
	PbStoredMaterial *record;
	bool more = true, progress;
	enum tb_code code = pair->parted ? tb_fail(&fetch->error, TB_EUNREACHABLE, "the wire is cut")
	                                 : core_material_for(&from->setup, side->region.code, fetch->root,
	                                                     &arena, &record, &fetch->error);
	if (code == TB_OK)
		code = material_sink_new(&sink, &side->setup, fetch, next_seed(pair), &fetch->error);
	if (code == TB_OK)
		code = material_source_new(&source, &from->setup, record, fetch->root, fetch->first_chunk,
		                           &fetch->error);
	for (unsigned parts = 0; code == TB_OK && more; parts++) {
		struct tb_buf part = {0};
		if (side->fetches_cut && parts == 1) {
			side->fetches_cut--;
			break;
		}
		code = material_source_part(source, &part, &more, &fetch->error);
		if (code == TB_OK && more && pair->sending_part)
			pair->sending_part(pair, side, &part);
		if (code == TB_OK && more) {
			material_sink_digest(sink, tb_buf_bytes(&part));
			code = material_sink_part(sink, tb_buf_bytes(&part), &progress, &fetch->error);
		}
		tb_buf_clear(&part);
	}
	if (sink) {
		struct tb_error err = {0};
		enum tb_code end = material_sink_end(sink, &err);
		if (end && code == TB_OK)
			fetch->error = err;
	}
	material_source_free(source);
	tb_arena_clear(&arena);
	post(side, (struct core_event){.kind = CORE_FETCHED, .fetch = fetch});
}

static void release(struct pair *pair, struct side *side, const struct core_effects *effects)
{
	for (const struct core_effect *effect = effects->first; effect; effect = effect->next) {
		switch (effect->kind) {
		case CORE_REPLY:
			core_request_free(side->replied);
			side->replied = effect->request;
			break;
		case CORE_ANSWER:
			answer(pair, side, effect->inbound);
			break;
		case CORE_SEND:
			send(pair, side, effect->outbound);
			break;
		case CORE_FETCH:
			if (pair->holding && !pair->held) {
				pair->held = effect->fetch;
				pair->holder = side;
			} else {
				fetch(pair, side, effect->fetch);
			}
			break;
		case CORE_LOG:
			if (effect->log.level == TB_LOG_ERROR)
				side->logged_errors++;
			break;
		}
	}
}

static bool turn(struct pair *pair, struct side *side)
{
	struct core_effects effects = {0};
	struct store_txn *txn;
	struct tb_error err = {0};
	if (side->waiting.count == 0 && side->wake > pair->now)
		return false;
	struct queue taken = side->waiting;
	side->waiting.count = 0;
	assert_int_equal(store_write(&txn, side->setup.store, &err), TB_OK);
	for (size_t i = 0; i < taken.count; i++)
		core_apply(side->core, txn, pair->now, &taken.events[i], &effects);
	side->wake = core_finish(side->core, txn, pair->now, &effects);
	assert_int_equal(store_commit(txn, &err), TB_OK);
	release(pair, side, &effects);
	core_effects_clear(&effects);
	return true;
}

void pair_run(struct pair *pair)
{
	for (unsigned rounds = 0; rounds < 10000; rounds++) {
		bool moved = turn(pair, &pair->window);
		moved = turn(pair, &pair->home) || moved;
		if (!moved)
			return;
	}
	fail_msg("the pair does not come to rest");
}

void pair_fetch_held(struct pair *pair)
{
	struct core_fetch *held = pair->held;
	assert_non_null(held);
	pair->held = NULL;
	pair->holding = false;
	fetch(pair, pair->holder, held);
}

void pair_pass(struct pair *pair, tb_time span)
{
	tb_time until = pair->now + span;
	pair_run(pair);
	/* Over days, the descriptions that are asked for every few minutes are only noise. */
	for (size_t i = 0; span >= TB_DAY && i < 2; i++)
		(i ? &pair->home : &pair->window)->core->states[0].describe_busy = true;
	for (unsigned steps = 0; steps < 100000; steps++) {
		tb_time next = pair->window.wake < pair->home.wake ? pair->window.wake : pair->home.wake;
		if (next > until)
			break;
		pair->now = next > pair->now ? next : pair->now;
		pair_run(pair);
	}
	pair->now = until;
	for (size_t i = 0; span >= TB_DAY && i < 2; i++)
		(i ? &pair->home : &pair->window)->core->states[0].describe_busy = false;
	pair_run(pair);
}

void pair_set_back(struct pair *pair, tb_time span)
{
	pair->now -= span;
	for (size_t i = 0; i < 2; i++) {
		struct side *side = i ? &pair->home : &pair->window;
		if (side->wake != INT64_MAX)
			side->wake -= span;
	}
}

/* ---- the local API */

proto_message *pair_call(struct pair *pair, struct side *side, const char *path, const char *json,
                         enum tb_code *code)
{
	struct tb_error err = {0};
	struct core_request *request;
	const struct core_method *method = core_method_find(path);
	assert_non_null(method);
	core_request_free(side->replied);
	side->replied = NULL;
	if (core_request_new(&request, method, tb_bytes_str(json), &err))
		fail_msg("%s: %s", path, err.text);
	if (side->authorization) {
		const struct core_principal *principal;
		struct tb_arena arena = {0};
		if (core_principal_find(&side->setup, side->authorization, &arena, &principal,
		                        &request->error) == TB_OK)
			core_request_as(request, principal);
		tb_arena_clear(&arena);
	}
	if (request->error.code) {
		side->replied = request;
	} else if (core_method_reads(method)) {
		core_query(&side->setup, side->peers, request, pair->now);
		side->replied = request;
	} else {
		core_prepare(&side->setup, request, pair->now);
		post(side, (struct core_event){.kind = CORE_REQUEST, .request = request});
		pair_run(pair);
		assert_non_null(side->replied);
	}
	*code = side->replied->error.code;
	return side->replied->reply;
}

proto_message *pair_ask(struct pair *pair, struct side *side, const char *path, const char *json)
{
	enum tb_code code;
	proto_message *reply = pair_call(pair, side, path, json, &code);
	if (code)
		fail_msg("%s: %s", path, pair_refusal(side));
	return reply;
}

const char *pair_refusal(const struct side *side)
{
	return side->replied ? side->replied->error.text : "";
}

PbCaseView *pair_case(struct pair *pair, struct side *side, const char *number)
{
	char json[128];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"number\":\"%s\"}", number);
	proto_message *reply = pair_call(pair, side, "/tongban.v1.CaseService/Get", json, &code);
	if (code)
		fail_msg("case %s at %s: %s", number, side->region.code, pair_refusal(side));
	return (PbCaseView *)(void *)reply;
}

void pair_upload(struct pair *pair, struct side *side, size_t size, uint8_t fill, char json[512])
{
	struct material_intake *intake;
	struct core_request *request;
	struct tb_error err = {0};
	uint8_t *bytes = malloc(size);
	memset(bytes, fill, size);
	assert_int_equal(material_intake_new(&intake, &side->setup, next_seed(pair), &err), TB_OK);
	assert_int_equal(material_intake_add(intake, tb_bytes_of(bytes, size), &err), TB_OK);
	assert_int_equal(material_intake_finish(intake, &request, &err), TB_OK);
	free(bytes);
	post(side, (struct core_event){.kind = CORE_REQUEST, .request = request});
	pair_run(pair);
	PbMaterialView *view = (PbMaterialView *)(void *)side->replied->reply;
	struct tb_buf root = {0}, sha256 = {0};
	tb_base64(&root, proto_bytes(view->root));
	tb_base64(&sha256, proto_bytes(view->sha256));
	snprintf(json, 512,
	         "\"name\":\"scan.pdf\",\"mediaType\":\"application/"
	         "pdf\",\"size\":%zu,\"root\":\"%s\",\"sha256\":\"%s\"",
	         size, tb_buf_text(&root), tb_buf_text(&sha256));
	tb_buf_clear(&root);
	tb_buf_clear(&sha256);
}

static void application(char json[2048], const char *mode, const char *role, const char *material,
                        const char *request_id, bool forward)
{
	snprintf(json, 2048,
	         "{\"application\":{\"item\":\"" ITEM "\",\"mode\":\"%s\",\"home\":\"" HOME "\",%s"
	         "\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
	         "\"delivery\":\"COURIER\",\"address\":\"兰州\",\"window\":\"1\",\"materials\":[{\"need\":"
	         "\"M1\",%s}]},"
	         "\"actor\":{\"role\":\"%s\",\"id\":\"w1\"},\"forward\":%s,\"requestId\":\"%s\"}",
	         mode, strcmp(role, "APPLICANT") == 0 ? "\"identity\":{\"level\":\"MATCHED\"}," : "",
	         material, role, forward ? "true" : "false", request_id);
}

void pair_application(char json[2048], const char *material, const char *request_id, bool forward)
{
	application(json, "DS", "R_WIN", material, request_id, forward);
}

enum tb_code pair_submit_as(struct pair *pair, struct side *side, const char *mode, const char *role,
                            bool forward, char number[32])
{
	char material[512], json[2048];
	enum tb_code code;
	pair_upload(pair, side, 300 * 1024, 7, material);
	application(json, mode, role, material, "", forward);
	proto_message *reply = pair_call(pair, side, "/tongban.v1.CaseService/Submit", json, &code);
	snprintf(number, 32, "%s", code ? "" : ((PbCaseView *)(void *)reply)->number);
	return code;
}

void pair_submit(struct pair *pair, bool forward, char number[32])
{
	if (pair_submit_as(pair, &pair->window, "DS", "R_WIN", forward, number))
		fail_msg("submit: %s", pair_refusal(&pair->window));
}

enum tb_code pair_act(struct pair *pair, struct side *side, const char *number, const char *event,
                      const char *role, const char *more)
{
	char json[4096];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"number\":\"%s\",\"event\":\"%s\",\"actor\":{\"role\":\"%s\",\"id\":\"a1\"}%s%s}", number,
	         event, role, more[0] ? "," : "", more);
	pair_call(pair, side, "/tongban.v1.CaseService/Act", json, &code);
	return code;
}

void pair_assert_equal_logs(struct pair *pair, const char *number)
{
	char **digests;
	PbCaseView *there = pair_case(pair, &pair->window, number);
	size_t count = there->n_log_digests;
	digests = calloc(count + 1, sizeof(*digests));
	for (size_t i = 0; i < count; i++)
		digests[i] = strdup(there->log_digests[i]);
	PbCaseView *here = pair_case(pair, &pair->home, number);
	assert_int_equal(here->n_log_digests, count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(here->log_digests[i], digests[i]);
		free(digests[i]);
	}
	free(digests);
}

void pair_agree(struct pair *pair, const char *term)
{
	char json[2048];
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"title\":\"兰州常州通办协议\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[%s]}}",
	         term);
	PbAgreementView *view = (PbAgreementView *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.AgreementService/Propose", json);
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", view->agreement->id);
	pair_pass(pair, 2 * TB_MINUTE);
	pair_ask(pair, &pair->home, "/tongban.v1.AgreementService/Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
}
