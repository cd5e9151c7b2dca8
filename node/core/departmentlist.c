/* The register of departments as people look at it: with the items that each decides, the halls that receive
 * for it, and the tokens of its systems. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "node/core/turn.h"

struct view {
	struct query *query;
	PbDepartmentView *rows[TB_DEPARTMENTS_MAX];
	size_t count;
	const PbDepartmentListRequest *ask;
};

static PbDepartmentView *row_of(struct view *view, const char *code)
{
	for (size_t i = 0; i < view->count; i++) {
		if (strcmp(view->rows[i]->department->code, code) == 0)
			return view->rows[i];
	}
	return NULL;
}

static PbDepartmentView *add_row(struct view *view, PbDepartment *department, bool registered)
{
	if (view->count == TB_DEPARTMENTS_MAX)
		return NULL;
	PbDepartmentView *row = PROTO_NEW(PbDepartmentView, department_view, &view->query->request->arena);
	row->department = department;
	row->registered = registered;
	view->rows[view->count++] = row;
	return row;
}

static void add_text(char ***list, size_t *count, const char *text, struct tb_arena *arena)
{
	char **all = tb_arena_alloc(arena, (*count + 1) * sizeof(*all));
	if (*count > 0)
		memcpy(all, *list, *count * sizeof(*all));
	all[(*count)++] = tb_arena_str(arena, text);
	*list = all;
}

/* Items are shown under departments that nobody registered, too. */
static bool count_item(void *ctx, PbItem *item)
{
	struct view *view = ctx;
	struct tb_arena *arena = &view->query->request->arena;
	PbDepartmentView *row = row_of(view, item->department);
	if (!row) {
		PbDepartment *department = PROTO_NEW(PbDepartment, department, arena);
		department->code = item->department;
		department->name = item->department_name;
		row = add_row(view, department, false);
	}
	if (row)
		row->items++;
	return true;
}

static void add_halls(struct view *view, const PbHallList *list)
{
	for (size_t i = 0; i < list->n_halls; i++) {
		const PbHall *hall = list->halls[i];
		for (size_t j = 0; j < hall->n_departments; j++) {
			PbDepartmentView *row = row_of(view, hall->departments[j]);
			if (row)
				add_text(&row->halls, &row->n_halls, hall->code,
				         &view->query->request->arena);
		}
	}
}

static void add_token(void *ctx, const PbStoredToken *token)
{
	struct view *view = ctx;
	PbDepartmentView *row = token->revoked_ms ? NULL : row_of(view, token->department);
	if (row && row->registered)
		add_text(&row->tokens, &row->n_tokens, token->name, &view->query->request->arena);
}

static bool wanted(const PbDepartmentListRequest *ask, const PbDepartment *department)
{
	tb_day since, on;
	return (!ask->phase || department->phase == ask->phase) &&
	       (!ask->on[0] ||
	        (tb_day_parse(department->since, &since) && tb_day_parse(ask->on, &on) && since <= on));
}

static int by_code(const void *a, const void *b)
{
	const PbDepartmentView *const *x = a, *const *y = b;
	return strcmp((*x)->department->code, (*y)->department->code);
}

enum tb_code department_read_list(struct query *query, struct tb_error *err)
{
	const PbDepartmentListRequest *ask =
		(const PbDepartmentListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	struct view view = {.query = query, .ask = ask};
	PbDepartmentListResponse *reply =
		PROTO_NEW(PbDepartmentListResponse, department_list_response, arena);
	bool own = !ask->region[0] || strcmp(ask->region, query->setup->region) == 0;
	const char *region = own ? query->setup->region : ask->region;
	PbHallList *list;
	tb_day day;
	if (ask->on[0] && !tb_day_parse(ask->on, &day))
		return tb_fail(err, TB_EINVALID, "on: a date like 2026-01-31 is expected");
	enum tb_code code = hall_load(&query->kv, region, arena, &list, err);
	if (code == TB_ENOTFOUND)
		list = PROTO_NEW(PbHallList, hall_list, arena);
	else if (code)
		return code;
	for (size_t i = 0; i < list->n_departments; i++)
		add_row(&view, list->departments[i], true);
	code = catalogue_walk(&query->kv, region, arena, count_item, &view, err);
	add_halls(&view, list);
	if (code == TB_OK && own)
		code = token_walk(&query->kv, arena, add_token, &view, err);
	reply->departments = tb_arena_alloc(arena, (view.count + 1) * sizeof(PbDepartmentView *));
	for (size_t i = 0; i < view.count; i++) {
		if (wanted(ask, view.rows[i]->department))
			reply->departments[reply->n_departments++] = view.rows[i];
	}
	qsort(reply->departments, reply->n_departments, sizeof(PbDepartmentView *), by_code);
	query->request->reply = &reply->base;
	return code;
}
