/* Lists of halls: the own one, and those that peers showed in their descriptions. */
#include <string.h>

#include "base/log.h"
#include "node/core/hall.h"
#include "node/core/turn.h"

enum tb_code hall_load(struct kv *kv, const char *region, struct tb_arena *arena, PbHallList **out,
                       struct tb_error *err)
{
	struct kv_key key = kv_key_of(tb_bytes_of(region, strnlen(region, PKI_REGION_ROOM)));
	return KV_GET(kv, KV_HALL, &key, hall_list, arena, out, err);
}

static enum tb_code check_all(PbHall *const *halls, size_t count, const char *region, struct tb_error *err)
{
	if (count > TB_HALLS_MAX)
		return tb_fail(err, TB_ETOOBIG, "halls: more than %d", TB_HALLS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct tb_error why;
		if (hall_check(halls[i], region, &why))
			return tb_fail(err, why.code, "halls[%zu].%s", i, why.text);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(halls[i]->code, halls[j]->code) == 0)
				return tb_fail(err, TB_EINVALID, "halls[%zu].code: the same as halls[%zu]", i,
				               j);
		}
	}
	return TB_OK;
}

static enum tb_code check_departments(PbDepartment *const *list, size_t count, struct tb_error *err)
{
	if (count > TB_DEPARTMENTS_MAX)
		return tb_fail(err, TB_ETOOBIG, "departments: more than %d", TB_DEPARTMENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct tb_error why;
		if (department_check_one(list[i], &why))
			return tb_fail(err, why.code, "departments[%zu].%s", i, why.text);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(list[i]->code, list[j]->code) == 0)
				return tb_fail(err, TB_EINVALID,
				               "departments[%zu].code: the same as departments[%zu]", i, j);
		}
	}
	return TB_OK;
}

static void put(struct turn *turn, const char *region, struct tb_bytes bytes, size_t count, const char *from)
{
	struct kv_key key = kv_key_str(region);
	uint8_t digest[PKI_HASH_BYTES];
	kv_put(&turn->kv, KV_HALL, &key, bytes);
	pki_sha256(digest, bytes);
	audit_add(turn, PB_LEAF_KIND__LEAF_HALLS, "halls", from, tb_bytes_of(digest, sizeof(digest)),
	          (uint32_t)count);
}

/* The own list as it is, or a new one, to be changed and published. */
static PbHallList *next_list(struct turn *turn)
{
	const char *self = turn->core->setup.region;
	PbHallList *list;
	if (hall_load(&turn->kv, self, &turn->arena, &list, NULL)) {
		list = PROTO_NEW(PbHallList, hall_list, &turn->arena);
		list->region = tb_arena_str(&turn->arena, self);
	}
	list->version++;
	list->published_at_ms = turn->now;
	return list;
}

/* |code|: what was wrong with it so far. */
static void publish(struct turn *turn, struct core_request *request, const PbHallList *list,
                    enum tb_code code, struct tb_error *err)
{
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &list->base);
	if (code == TB_OK && bytes.size > TB_HALLS_BYTES_MAX)
		code = tb_fail(err, TB_ETOOBIG, "halls and departments: over %d bytes", TB_HALLS_BYTES_MAX);
	if (code) {
		turn_refuse(turn, request, err);
		return;
	}
	put(turn, turn->core->setup.region, bytes, list->n_halls, "");
	PbHallLoadResponse *reply = PROTO_NEW(PbHallLoadResponse, hall_load_response, &request->arena);
	reply->version = list->version;
	reply->halls = (uint32_t)list->n_halls;
	reply->departments = (uint32_t)list->n_departments;
	turn_reply(turn, request, &reply->base);
}

void hall_apply_load(struct turn *turn, struct core_request *request)
{
	const PbHallLoadRequest *given = (const PbHallLoadRequest *)(const void *)request->message;
	struct tb_error err = {0};
	enum tb_code code = check_all(given->halls, given->n_halls, turn->core->setup.region, &err);
	PbHallList *list = next_list(turn);
	list->n_halls = given->n_halls;
	list->halls = given->halls;
	publish(turn, request, list, code, &err);
}

void department_apply_load(struct turn *turn, struct core_request *request)
{
	const PbDepartmentLoadRequest *given =
		(const PbDepartmentLoadRequest *)(const void *)request->message;
	struct tb_error err = {0};
	enum tb_code code = check_departments(given->departments, given->n_departments, &err);
	PbHallList *list = next_list(turn);
	list->n_departments = given->n_departments;
	list->departments = given->departments;
	publish(turn, request, list, code, &err);
}

/* ---- looking */

static bool has(char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

static bool wanted(const struct query *query, const PbHallListRequest *ask, const PbHall *hall)
{
	bool open = true;
	if (ask->open_at_ms && hall_open(hall, query->setup->calendar, ask->open_at_ms, &open, NULL))
		open = false;
	return open && strncmp(hall->area, ask->area, strlen(ask->area)) == 0 &&
	       (!ask->hands_out || hall->hands_out) && (!ask->receives || hall->receives) &&
	       (!ask->department[0] || has(hall->departments, hall->n_departments, ask->department)) &&
	       (!ask->alliance[0] || has(hall->alliances, hall->n_alliances, ask->alliance));
}

enum tb_code hall_read_list(struct query *query, struct tb_error *err)
{
	const PbHallListRequest *ask = (const PbHallListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	const char *region = ask->region[0] ? ask->region : query->setup->region;
	PbHallListResponse *reply = PROTO_NEW(PbHallListResponse, hall_list_response, arena);
	enum tb_code code = hall_load(&query->kv, region, arena, &reply->list, err);
	if (code == TB_ENOTFOUND)
		return tb_refuse_as(err, code, TB_REASON_HALL_LIST_NONE, region, NULL);
	if (code)
		return code;
	size_t kept = 0;
	for (size_t i = 0; i < reply->list->n_halls; i++) {
		if (wanted(query, ask, reply->list->halls[i]))
			reply->list->halls[kept++] = reply->list->halls[i];
	}
	reply->list->n_halls = kept;
	query->request->reply = &reply->base;
	return TB_OK;
}

enum tb_code department_check(struct turn *turn, const char *code_text, struct tb_error *err)
{
	PbHallList *list;
	enum tb_code code = hall_load(&turn->kv, turn->core->setup.region, &turn->arena, &list, err);
	for (size_t i = 0; code == TB_OK && i < list->n_departments; i++) {
		if (strcmp(list->departments[i]->code, code_text) == 0)
			return TB_OK;
	}
	return code && code != TB_ENOTFOUND
	               ? code
	               : tb_fail(err, TB_ENOTFOUND, "department %.40s is not in the register", code_text);
}

static enum tb_code find(struct turn *turn, const char *region, const char *code_text, PbHall **out,
                         struct tb_error *err)
{
	PbHallList *list;
	enum tb_code code = hall_load(&turn->kv, region, &turn->arena, &list, err);
	*out = NULL;
	if (code && code != TB_ENOTFOUND)
		return code;
	for (size_t i = 0; code == TB_OK && i < list->n_halls && !*out; i++)
		*out = strcmp(list->halls[i]->code, code_text) == 0 ? list->halls[i] : NULL;
	return *out ? TB_OK : tb_refuse(err, TB_REASON_HALL_UNKNOWN, code_text, region, NULL);
}

enum tb_code hall_check_application(struct turn *turn, const PbApplication *application, struct tb_error *err)
{
	PbHall *hall;
	bool fetched = application->delivery == PB_DELIVERY_WAY__WINDOW_PICKUP ||
	               application->delivery == PB_DELIVERY_WAY__HOME_PICKUP;
	enum tb_code code = TB_OK;
	if (application->hall[0])
		code = find(turn, turn->core->setup.region, application->hall, &hall, err);
	if (code == TB_OK && application->hall[0] && !hall->receives)
		code = tb_refuse(err, TB_REASON_HALL_NO_RECEIPT, hall->code, NULL);
	if (code || !application->pickup)
		return code;
	if (!fetched)
		return tb_fail(err, TB_EINVALID, "application.pickup: only for what is fetched");
	/* Where it was handed in and where it is decided: nobody else has the result. */
	const char *region = application->delivery == PB_DELIVERY_WAY__HOME_PICKUP ? application->home
	                                                                           : turn->core->setup.region;
	if (application->pickup->region[0] && strcmp(application->pickup->region, region) != 0)
		return tb_fail(err, TB_EINVALID, "application.pickup.region: %s, by the way of delivery",
		               region);
	application->pickup->region = tb_arena_str(&turn->arena, region);
	code = find(turn, region, application->pickup->hall, &hall, err);
	if (code == TB_OK && !hall->hands_out)
		code = tb_refuse(err, TB_REASON_HALL_NO_PICKUP, hall->code, NULL);
	return code;
}

/* ---- between nodes */

uint64_t hall_version(struct turn *turn, const char *region)
{
	PbHallList *list;
	return hall_load(&turn->kv, region, &turn->arena, &list, NULL) == TB_OK ? list->version : 0;
}

PbHallList *hall_shared(struct turn *turn)
{
	PbHallList *list;
	return hall_load(&turn->kv, turn->core->setup.region, &turn->arena, &list, NULL) == TB_OK ? list
	                                                                                          : NULL;
}

void hall_learn(struct turn *turn, struct core_outbound *outbound, const PbHallList *list)
{
	struct tb_error err = {0};
	enum tb_code code = TB_OK;
	if (strcmp(list->region, outbound->peer) != 0)
		code = tb_fail(&err, TB_EINVALID, "halls of another region");
	if (code == TB_OK)
		code = check_all(list->halls, list->n_halls, outbound->peer, &err);
	if (code == TB_OK)
		code = check_departments(list->departments, list->n_departments, &err);
	if (code) {
		turn_log(turn, TB_LOG_WARN, "halls.refused", outbound->peer, "", "%s", err.text);
		refusal_note(turn, outbound->peer, "halls", code, pki_batch_root(outbound->answer));
		return;
	}
	if (list->version <= hall_version(turn, outbound->peer))
		return;
	put(turn, outbound->peer, proto_encode_arena(&turn->arena, &list->base), list->n_halls,
	    outbound->peer);
	/* The signed batch stays as proof of what a window showed. */
	batch_keep(turn, outbound->answer, outbound->peer, 0);
	turn_log(turn, TB_LOG_INFO, "halls.learned", outbound->peer, "", "version %llu, %zu halls",
	         (unsigned long long)list->version, list->n_halls);
}
