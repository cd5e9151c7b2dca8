/* Matters: what regions say to each other beside the cases. A matter is a set of posts that only grows: each
 * author numbers its own and sends them to every other party through the outbox. What state it is in follows
 * from them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/calendar.h"
#include "node/core/casetable.h"
#include "node/core/catalogue.h"
#include "node/core/turn.h"

enum { DAYS_MAX = 365, DUE_PER_TURN = 64 };

_Static_assert((int)TB_MATTER_POSTS_MAX <= (int)TB_PAGE_ROWS_MAX, "whoever looks at a matter sees all of it");

static struct kv_key matter_key(const char *matter)
{
	return kv_key_of(tb_bytes_of(matter, strnlen(matter, TB_ID_BYTES_MAX)));
}

static struct kv_key post_prefix(const char *matter)
{
	struct kv_key key = matter_key(matter);
	kv_key_add(&key, tb_bytes_of("", 1)); /* so that no matter's name is the beginning of another's */
	return key;
}

static struct kv_key due_key(tb_time due, const char *matter)
{
	struct kv_key key = kv_key_u64((uint64_t)due);
	kv_key_add_str(&key, matter);
	return key;
}

static enum tb_code load(struct kv *kv, const char *matter, struct tb_arena *arena, PbMatterRecord **out,
                         struct tb_error *err)
{
	struct kv_key key = matter_key(matter);
	*out = NULL;
	if (key.size == 0)
		return tb_fail(err, TB_EINVALID, "matter: missing");
	enum tb_code code = KV_GET(kv, KV_MATTER, &key, matter_record, arena, out, err);
	return code == TB_ENOTFOUND ? tb_refuse_as(err, code, TB_REASON_MATTER_UNKNOWN, matter, NULL) : code;
}

static size_t party_index(const PbMatterPost *opening, const char *region)
{
	size_t i = 0;
	while (i < opening->n_parties && strcmp(opening->parties[i], region) != 0)
		i++;
	return i;
}

static bool is_party(const PbMatterPost *opening, const char *region)
{
	return party_index(opening, region) < opening->n_parties;
}

/* ---- checks, the same for our own posts and for peers' */

static enum tb_code check_opening(const PbMatterPost *post, struct tb_error *err)
{
	if (post->about < PB_MATTER_KIND__CONSULTATION || post->about > PB_MATTER_KIND__SUPERVISION)
		return tb_fail(err, TB_EINVALID, "post.about: what the matter is");
	if (case_text_blank(post->subject) || strlen(post->subject) > TB_NAME_BYTES_MAX)
		return tb_fail(err, TB_EINVALID, "post.subject: 1 to %d bytes", TB_NAME_BYTES_MAX);
	if (post->n_parties < 1 || post->n_parties > TB_MATTER_PARTIES_MAX || !is_party(post, post->region))
		return tb_fail(err, TB_EINVALID, "post.parties: 1 to %d regions, its author among them",
		               TB_MATTER_PARTIES_MAX);
	if (post->asked[0] && !is_party(post, post->asked))
		return tb_fail(err, TB_EINVALID, "post.asked: not a party");
	if (post->days > DAYS_MAX || (post->days > 0 && !post->asked[0]))
		return tb_fail(err, TB_EINVALID, "post.days: 0 to %d, for a party that is asked", DAYS_MAX);
	/* An order that nobody must answer is none. */
	if (post->about == PB_MATTER_KIND__SUPERVISION &&
	    (post->days == 0 || post->actor->role != PB_ROLE__SUPERVISOR))
		return tb_fail(err, TB_EDENIED, "a supervision order comes from a supervisor and sets days");
	return TB_OK;
}

static bool needs_outcome(PbMatterKind about)
{
	return about == PB_MATTER_KIND__COMPLAINT || about == PB_MATTER_KIND__DISPUTE;
}

static enum tb_code check_post(const PbMatterRecord *record, const PbMatterPost *post, struct tb_error *err)
{
	const PbMatterPost *opening = record->opening;
	if (!is_party(opening, post->region))
		return tb_refuse(err, TB_REASON_MATTER_UNKNOWN, post->matter, NULL);
	if (record->state == PB_MATTER_STATE__MATTER_CLOSED)
		return tb_refuse(err, TB_REASON_MATTER_CLOSED, NULL);
	if (post->kind == PB_POST_KIND__POST_CLOSES && strcmp(post->region, opening->region) != 0)
		return tb_fail(err, TB_EDENIED, "who opened the matter closes it");
	if (post->kind == PB_POST_KIND__POST_ANSWERS && strcmp(post->region, opening->asked) != 0)
		return tb_fail(err, TB_EDENIED, "the answer is %s's to give",
		               opening->asked[0] ? opening->asked : "nobody");
	if (post->kind == PB_POST_KIND__POST_ANSWERS && needs_outcome(opening->about) &&
	    (post->outcome < PB_OUTCOME__UPHELD || post->outcome > PB_OUTCOME__NOT_UPHELD))
		return tb_fail(err, TB_EINVALID, "post.outcome: whether it is upheld");
	return TB_OK;
}

/* Each party has an equal share of what a matter may hold: nobody's posts hide another's. The last of it is
 * for what settles the matter. */
static enum tb_code check_share(const PbMatterPost *opening, const PbMatterPost *post, uint32_t number,
                                struct tb_error *err)
{
	uint32_t share = TB_MATTER_POSTS_MAX / (uint32_t)opening->n_parties;
	bool settles = post->kind == PB_POST_KIND__POST_ANSWERS || post->kind == PB_POST_KIND__POST_CLOSES;
	if (number > share || (number == share && !settles))
		return tb_fail(err, TB_ETOOBIG, "post: the share of %.8s in this matter is %u posts",
		               post->region, share);
	return TB_OK;
}

static enum tb_code check_form(const PbMatterPost *post, struct tb_error *err)
{
	if (!post->actor || post->actor->role == PB_ROLE__ROLE_UNSPECIFIED)
		return tb_fail(err, TB_EINVALID, "post.actor: missing");
	if (post->kind < PB_POST_KIND__POST_OPENS || post->kind > PB_POST_KIND__POST_CLOSES)
		return tb_fail(err, TB_EINVALID, "post.kind: missing");
	if (strlen(post->video) > TB_NAME_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "post.video is too long");
	if (case_text_blank(post->text) && post->n_files == 0 && !post->video[0])
		return tb_fail(err, TB_EINVALID, "post: nothing is said");
	if (post->n_files > TB_MATTER_FILES_MAX)
		return tb_fail(err, TB_ETOOBIG, "post.files: more than %d", TB_MATTER_FILES_MAX);
	return catalogue_check_supplement(post->files, post->n_files, err);
}

/* ---- keeping */

/* First the warning, if there is time for one, then the end. */
static tb_time next_due(const struct turn *turn, const PbMatterRecord *record)
{
	tb_time warn_at = turn_warn_at(turn, PB_CLOCK__CLOCK_UNSPECIFIED, record->due_ms);
	return record->warned || warn_at == INT64_MAX || warn_at <= record->opening->at_ms ? record->due_ms
	                                                                                   : warn_at;
}

static void arm_due(struct turn *turn, const PbMatterRecord *record)
{
	struct kv_key key = due_key(next_due(turn, record), record->opening->matter);
	kv_mark(&turn->kv, KV_MATTER_DUE, &key);
}

static void set_due(struct turn *turn, PbMatterRecord *record)
{
	const PbMatterPost *opening = record->opening;
	tb_day last;
	struct tb_error err;
	if (opening->days == 0)
		return;
	if (calendar_add(turn->core->setup.calendar, tb_day_at(opening->at_ms), (int32_t)opening->days, &last,
	                 &err)) {
		turn_log(turn, TB_LOG_ERROR, "matter.no_limit", "", opening->matter, "%s", err.text);
		return;
	}
	record->due_ms = calendar_deadline(last);
	arm_due(turn, record);
}

static void end_due(struct turn *turn, const PbMatterRecord *record)
{
	/* The setting may be another by now than when it was armed: what is left behind is passed over. */
	struct kv_key key = due_key(next_due(turn, record), record->opening->matter);
	if (record->due_ms)
		kv_delete(&turn->kv, KV_MATTER_DUE, &key);
}

/* A dispute about a case shows at the case, as long as it is open. */
static void mark_case(struct turn *turn, const PbMatterPost *opening, bool disputed)
{
	PbCaseRecord *record;
	if (opening->about != PB_MATTER_KIND__DISPUTE || !opening->case_number[0] ||
	    case_load(&turn->kv, opening->case_number, &turn->arena, &record, NULL) != TB_OK)
		return;
	record->dispute = disputed;
	case_save(turn, record);
}

static void move(struct turn *turn, PbMatterRecord *record, const PbMatterPost *post)
{
	if (post->kind == PB_POST_KIND__POST_OPENS) {
		record->state = PB_MATTER_STATE__MATTER_OPEN;
		set_due(turn, record);
		mark_case(turn, post, true);
	} else if (post->kind == PB_POST_KIND__POST_ANSWERS) {
		record->state = PB_MATTER_STATE__MATTER_ANSWERED;
		record->outcome = post->outcome;
		end_due(turn, record);
	} else if (post->kind == PB_POST_KIND__POST_CLOSES) {
		record->state = PB_MATTER_STATE__MATTER_CLOSED;
		end_due(turn, record);
		mark_case(turn, record->opening, false);
	}
}

static void keep(struct turn *turn, PbMatterRecord *record, const PbMatterPost *post)
{
	for (size_t i = 0; i < post->n_files; i++)
		material_belongs(turn, post->matter, proto_bytes(post->files[i]->root));
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &post->base);
	struct kv_key key = post_prefix(post->matter), record_key = matter_key(post->matter);
	uint8_t digest[PKI_HASH_BYTES];
	kv_key_add_u64(&key, (uint64_t)post->at_ms);
	kv_key_add_str(&key, post->region);
	kv_key_add_u32(&key, post->number);
	kv_put(&turn->kv, KV_POST, &key, bytes);
	move(turn, record, post);
	record->seen[party_index(record->opening, post->region)] = post->number;
	record->updated_ms = turn->now;
	kv_put_message(&turn->kv, KV_MATTER, &record_key, &record->base);
	pki_sha256(digest, bytes);
	const char *self = turn->core->setup.region;
	audit_add(turn, PB_LEAF_KIND__LEAF_MATTER, post->matter,
	          strcmp(post->region, self) ? post->region : "", tb_bytes_of(digest, sizeof(digest)),
	          post->number);
}

static PbMatterRecord *new_matter(struct turn *turn, const PbMatterPost *post)
{
	PbMatterRecord *record = PROTO_NEW(PbMatterRecord, matter_record, &turn->arena);
	record->opening = (PbMatterPost *)(uintptr_t)post;
	record->n_seen = post->n_parties;
	record->seen = tb_arena_alloc(&turn->arena, post->n_parties * sizeof(*record->seen));
	return record;
}

/* ---- our own posts */

static void name_matter(struct turn *turn, PbMatterPost *post)
{
	uint8_t random[4];
	int year, month, day;
	pki_random_bytes(turn->core->random, random, sizeof(random));
	tb_day_split(tb_day_at(turn->now), &year, &month, &day);
	post->matter =
		tb_arena_printf(&turn->arena, "%.6s-%04d%02d%02d-%02x%02x%02x%02x", turn->core->setup.region,
	                        year, month, day, random[0], random[1], random[2], random[3]);
}

static enum tb_code check_parties(struct turn *turn, const PbMatterPost *post, struct tb_error *err)
{
	for (size_t i = 0; i < post->n_parties; i++) {
		const char *party = post->parties[i];
		if (strcmp(party, turn->core->setup.region) != 0 && !peer_find(turn->core->peers, party))
			return tb_fail(err, TB_ENOTFOUND, "post.parties: %.8s is not a peer of this node",
			               party);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(party, post->parties[j]) == 0)
				return tb_fail(err, TB_EINVALID, "post.parties: %.8s twice", party);
		}
	}
	PbCaseRecord *record;
	return post->case_number[0] ? case_load(&turn->kv, post->case_number, &turn->arena, &record, err)
	                            : TB_OK;
}

static void send(struct turn *turn, const PbMatterRecord *record, PbMatterPost *post)
{
	for (size_t i = 0; i < record->opening->n_parties; i++) {
		const char *party = record->opening->parties[i];
		PbCaseMessage message = PB_CASE_MESSAGE__INIT;
		if (strcmp(party, turn->core->setup.region) == 0)
			continue;
		for (size_t j = 0; j < post->n_files; j++)
			material_allow(turn, party, proto_bytes(post->files[j]->root));
		message.case_number = post->matter;
		message.post = post;
		delivery_queue_post(turn, party, &message);
	}
}

static PbMatterView *view_of(const PbMatterRecord *record, struct tb_arena *arena)
{
	const PbMatterPost *opening = record->opening;
	PbMatterView *view = PROTO_NEW(PbMatterView, matter_view, arena);
	view->matter = opening->matter;
	view->about = opening->about;
	view->subject = opening->subject;
	view->parties = opening->parties;
	view->n_parties = opening->n_parties;
	view->asked = opening->asked;
	view->case_number = opening->case_number;
	view->credential = opening->credential;
	view->opened_ms = opening->at_ms;
	view->state = record->state;
	view->due_ms = record->due_ms;
	view->overdue = record->overdue;
	view->outcome = record->outcome;
	return view;
}

static void said(struct turn *turn, struct core_request *request, PbMatterRecord *record, PbMatterPost *post)
{
	post->region = tb_arena_str(&turn->arena, turn->core->setup.region);
	post->at_ms = turn->now;
	post->number = ++record->own_posts;
	keep(turn, record, post);
	send(turn, record, post);
	/* The reply outlives the turn. */
	PbMatterView *view = view_of(record, &turn->arena), *copy = NULL;
	if (PROTO_DECODE_OWN(&copy, matter_view, proto_encode_arena(&request->arena, &view->base),
	                     &request->arena, NULL) == TB_OK)
		turn_reply(turn, request, &copy->base);
}

void matter_apply_open(struct turn *turn, struct core_request *request)
{
	PbMatterPost *post = ((const PbMatterOpenRequest *)(const void *)request->message)->post;
	struct tb_error err = {0};
	enum tb_code code = post ? TB_OK : tb_fail(&err, TB_EINVALID, "post: missing");
	if (code == TB_OK) {
		post->kind = PB_POST_KIND__POST_OPENS;
		post->region = tb_arena_str(&turn->arena, turn->core->setup.region);
		code = check_form(post, &err);
	}
	if (code == TB_OK)
		code = check_opening(post, &err);
	if (code == TB_OK)
		code = check_parties(turn, post, &err);
	if (code == TB_OK)
		code = material_check_here(turn, post->files, post->n_files, &err);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	name_matter(turn, post);
	said(turn, request, new_matter(turn, post), post);
}

void matter_apply_post(struct turn *turn, struct core_request *request)
{
	PbMatterPost *post = ((const PbMatterPostRequest *)(const void *)request->message)->post;
	PbMatterRecord *record = NULL;
	struct tb_error err = {0};
	enum tb_code code = post ? check_form(post, &err) : tb_fail(&err, TB_EINVALID, "post: missing");
	if (code == TB_OK && post->kind == PB_POST_KIND__POST_OPENS)
		code = tb_fail(&err, TB_EINVALID, "post.kind: POST_SAYS, POST_ANSWERS or POST_CLOSES");
	if (code == TB_OK)
		code = load(&turn->kv, post->matter, &turn->arena, &record, &err);
	if (code == TB_OK) {
		post->region = tb_arena_str(&turn->arena, turn->core->setup.region);
		code = check_post(record, post, &err);
	}
	if (code == TB_OK)
		code = material_check_here(turn, post->files, post->n_files, &err);
	if (code == TB_OK)
		code = check_share(record->opening, post, record->own_posts + 1, &err);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	said(turn, request, record, post);
}

/* ---- peers' posts */

/* Who is granted something, has a case with us, or was drawn into the matter by us may show us files. */
static bool may_show(struct turn *turn, const char *peer, const PbMatterPost *opening)
{
	const struct peer *config = peer_find(turn->core->peers, peer);
	PbCaseRecord *record;
	if ((config && (config->verify_count > 0 || config->cases_count > 0)) ||
	    strcmp(opening->region, turn->core->setup.region) == 0)
		return true;
	return opening->case_number[0] &&
	       case_load(&turn->kv, opening->case_number, &turn->arena, &record, NULL) == TB_OK &&
	       case_sides(record, peer) != 0;
}

static enum tb_code check_files(struct turn *turn, const char *peer, const PbMatterPost *opening,
                                const PbMatterPost *post, bool *defer, struct tb_error *err)
{
	if (post->n_files == 0)
		return TB_OK;
	if (!may_show(turn, peer, opening))
		return tb_fail(err, TB_EDENIED, "post.files: %.8s has no grant here, and no case with us",
		               peer);
	return material_check_room(turn, peer, post->files, post->n_files, defer, err);
}

static enum tb_code take_opening(struct turn *turn, const char *peer, const PbMatterPost *post, bool *defer,
                                 struct tb_error *err)
{
	PbMatterRecord *known;
	enum tb_code code = check_opening(post, err);
	if (code)
		return code;
	if (!is_party(post, turn->core->setup.region))
		return tb_fail(err, TB_EINVALID, "post.parties: this region is not one");
	if (strlen(post->matter) > TB_ID_BYTES_MAX / 4 || strncmp(post->matter, peer, strlen(peer)) != 0)
		return tb_fail(err, TB_EINVALID, "post.matter: not a number of %.8s", peer);
	if (post->number != 1)
		return tb_fail(err, TB_EINVALID, "post.number: an opening is its author's first");
	code = load(&turn->kv, post->matter, &turn->arena, &known, err);
	if (code != TB_ENOTFOUND)
		return code ? code : tb_fail(err, TB_ESTATE, "the matter is open already");
	code = check_files(turn, peer, post, post, defer, err);
	if (code == TB_OK && !*defer)
		keep(turn, new_matter(turn, post), post);
	return code;
}

enum tb_code matter_take(struct turn *turn, const char *peer, const PbMatterPost *post, bool *defer,
                         struct tb_error *err)
{
	PbMatterRecord *record;
	enum tb_code code = check_form(post, err);
	if (code == TB_OK && strcmp(post->region, peer) != 0)
		code = tb_fail(err, TB_EDENIED, "a post of %.8s, sent by %.8s", post->region, peer);
	if (code == TB_OK)
		code = material_check_named(turn, peer, post->files, post->n_files, err);
	if (code)
		return code;
	if (post->kind == PB_POST_KIND__POST_OPENS) {
		code = take_opening(turn, peer, post, defer, err);
	} else {
		code = load(&turn->kv, post->matter, &turn->arena, &record, err);
		*defer = code == TB_ENOTFOUND;
		if (code == TB_OK)
			code = check_post(record, post, err);
		if (code == TB_OK)
			code = check_share(record->opening, post, post->number, err);
		if (code == TB_OK && record->n_seen == record->opening->n_parties) {
			uint32_t last = record->seen[party_index(record->opening, post->region)];
			*defer = post->number > last + 1;
			if (post->number <= last)
				code = tb_fail(err, TB_ESTATE, "post %u of %.8s was here before",
				               post->number, peer);
		}
		if (code == TB_OK && !*defer)
			code = check_files(turn, peer, record->opening, post, defer, err);
		if (code == TB_OK && !*defer)
			keep(turn, record, post);
	}
	if (*defer)
		return TB_OK;
	for (size_t i = 0; i < post->n_files && code == TB_OK; i++) {
		if (post->files[i]->root.len == PKI_HASH_BYTES &&
		    !material_here(&turn->kv, proto_bytes(post->files[i]->root)))
			material_want_file(turn, peer, post->matter, post->files[i]);
	}
	return code;
}

/* ---- what was not answered in time */

/* Warns, or says that it was not answered in time. */
static void came_due(struct turn *turn, PbMatterRecord *record)
{
	const char *matter = record->opening->matter, *asked = record->opening->asked;
	bool over = record->due_ms <= turn->now;
	if (over ? record->overdue : record->warned)
		return;
	if (over)
		record->overdue = true;
	else
		record->warned = true;
	struct kv_key key = matter_key(matter);
	kv_put_message(&turn->kv, KV_MATTER, &key, &record->base);
	audit_add(turn, over ? PB_LEAF_KIND__LEAF_OVERDUE : PB_LEAF_KIND__LEAF_MATTER_DUE_SOON, matter, asked,
	          tb_bytes_of(NULL, 0), 1);
	turn_log(turn, TB_LOG_WARN, over ? "matter.overdue" : "matter.due_soon", asked, matter, "%s",
	         over ? "was not answered in time" : "is to be answered soon");
	if (!over)
		arm_due(turn, record);
}

tb_time matter_finish(struct turn *turn)
{
	for (unsigned done = 0; done < DUE_PER_TURN; done++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		struct kv_key due = {.size = 0};
		PbMatterRecord *record;
		store_cursor(&cursor, turn->kv.txn, KV_MATTER_DUE, tb_bytes_of(NULL, 0),
		             tb_bytes_of(NULL, 0));
		if (store_next(&cursor, &key, &value) && key.size > 8)
			due = kv_key_of(key);
		store_cursor_end(&cursor);
		if (due.size == 0)
			return INT64_MAX;
		if ((tb_time)tb_get_u64(due.bytes) > turn->now)
			return (tb_time)tb_get_u64(due.bytes);
		const char *matter = tb_arena_printf(&turn->arena, "%.*s", (int)(due.size - 8),
		                                     (const char *)due.bytes + 8);
		kv_delete(&turn->kv, KV_MATTER_DUE, &due);
		if (load(&turn->kv, matter, &turn->arena, &record, NULL) != TB_OK)
			continue;
		if (record->state == PB_MATTER_STATE__MATTER_OPEN)
			came_due(turn, record);
	}
	return turn->now;
}

/* ---- reading */

enum tb_code matter_read_get(struct query *query, struct tb_error *err)
{
	const PbMatterGetRequest *get = (const PbMatterGetRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbMatterRecord *record;
	enum tb_code code = load(&query->kv, get->matter, arena, &record, err);
	if (code)
		return code;
	PbMatterView *view = view_of(record, arena);
	struct kv_key prefix = post_prefix(get->matter);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	view->posts = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*view->posts));
	store_cursor(&cursor, query->kv.txn, KV_POST, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	while (code == TB_OK && view->n_posts < TB_PAGE_ROWS_MAX && store_next(&cursor, &key, &sealed)) {
		code = kv_open(&query->kv, KV_POST, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&view->posts[view->n_posts], matter_post, plain, arena, err);
		view->n_posts += code == TB_OK;
	}
	store_cursor_end(&cursor);
	query->request->reply = &view->base;
	return code;
}

enum tb_code matter_read_list(struct query *query, struct tb_error *err)
{
	const PbMatterListRequest *list = (const PbMatterListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbMatterListResponse *reply = PROTO_NEW(PbMatterListResponse, matter_list_response, arena);
	uint32_t limit = list->limit && list->limit < TB_PAGE_ROWS_MAX ? list->limit : TB_PAGE_ROWS_MAX;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->matters = tb_arena_alloc(arena, limit * sizeof(*reply->matters));
	store_cursor(&cursor, query->kv.txn, KV_MATTER, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && reply->n_matters < limit && store_next(&cursor, &key, &sealed)) {
		PbMatterRecord *record;
		code = kv_open(&query->kv, KV_MATTER, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, matter_record, plain, arena, err);
		if (code)
			break;
		bool wanted = (!list->case_number[0] ||
		               strcmp(list->case_number, record->opening->case_number) == 0) &&
		              (list->state == PB_MATTER_STATE__MATTER_STATE_UNSPECIFIED ||
		               list->state == record->state);
		if (wanted)
			reply->matters[reply->n_matters++] = view_of(record, arena);
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}
