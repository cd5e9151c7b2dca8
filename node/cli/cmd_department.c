/* tongban department: the register of departments (部门), since when they are at the halls, and in which
 * phase.
 */
#include <stdlib.h>
#include <string.h>

#include "node/cli/cmd_hall.h"
#include "node/cli/csvtable.h"
#include "node/io/now.h"

enum { PHASES = 100 };

int department_load_run(struct cli *cli, const struct options *options)
{
	static const struct csvtable table = {&pb_department_load_request__descriptor, "departments",
	                                      TB_DEPARTMENTS_MAX, NULL};
	proto_message *request;
	PbHallLoadResponse *reply = NULL;
	enum tb_code code = csvtable_load(&request, cli, options, &table);
	if (!code)
		code = cli_call(cli, "/tongban.v1.HallService/LoadDepartments", request,
		                &pb_hall_load_response__descriptor, (proto_message **)(void *)&reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	text_say(stdout, TEXT_M_DEPARTMENTS_LOADED, cli_number(cli, reply->version),
	         cli_number(cli, reply->departments), NULL);
	return CLI_DONE;
}

static const char *joined(struct cli *cli, char *const *list, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? ", " : "", list[i]);
	return all;
}

/* 分三批进驻: how many of each phase, and how many of them are there by |day|. */
static void show_phases(struct cli *cli, const PbDepartmentListResponse *reply, tb_day day)
{
	size_t of[PHASES + 1] = {0}, there[PHASES + 1] = {0};
	for (size_t i = 0; i < reply->n_departments; i++) {
		const PbDepartment *department = reply->departments[i]->department;
		tb_day since;
		if (!department->phase || department->phase > PHASES)
			continue;
		of[department->phase]++;
		there[department->phase] += tb_day_parse(department->since, &since) && since <= day;
	}
	for (unsigned phase = 1; phase <= PHASES; phase++) {
		if (of[phase] > 0)
			text_say(stdout, TEXT_M_DEPARTMENTS_PHASE, cli_number(cli, phase),
			         cli_number(cli, of[phase]), cli_number(cli, there[phase]), NULL);
	}
}

static void show_rows(struct cli *cli, const PbDepartmentListResponse *reply)
{
	static const struct table_column columns[] = {
		{TEXT_H_CODE, false},   {TEXT_H_NAME, false},       {TEXT_H_AT_HALL_SINCE, false},
		{TEXT_H_PHASE, true},   {TEXT_H_ITEMS_COUNT, true}, {TEXT_H_HALLS, false},
		{TEXT_H_TOKENS, false},
	};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_departments; i++) {
		const PbDepartmentView *view = reply->departments[i];
		const PbDepartment *department = view->department;
		TABLE_ROW(table, department->code, department->name,
		          view->registered ? department->since : text(TEXT_W_UNREGISTERED),
		          department->phase ? cli_number(cli, department->phase) : "",
		          cli_number(cli, view->items), joined(cli, view->halls, view->n_halls),
		          joined(cli, view->tokens, view->n_tokens));
	}
	table_end(table, stdout);
}

int department_list_run(struct cli *cli, const struct options *options)
{
	PbDepartmentListRequest request = PB_DEPARTMENT_LIST_REQUEST__INIT;
	PbDepartmentListResponse *reply;
	uint64_t phase;
	if (options_number(options, "phase", 1, PHASES, 0, &phase, &cli->error))
		return cli_usage(cli);
	request.region = cli_pb(options_value_or(options, "region", ""));
	request.on = cli_pb(options_value_or(options, "on", ""));
	request.phase = (uint32_t)phase;
	enum tb_code code =
		CLI_CALL(cli, "HallService/ListDepartments", &request, department_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	tb_day day = tb_day_at(now_ms());
	show_rows(cli, reply);
	/* A phase is counted with those who are not there yet. */
	if (request.on[0] && tb_day_parse(request.on, &day)) {
		request.on = cli_pb("");
		code = CLI_CALL(cli, "HallService/ListDepartments", &request, department_list_response,
		                &reply);
		if (code)
			return cli_fail(cli, code);
	}
	show_phases(cli, reply, day);
	return CLI_DONE;
}

const struct option department_list_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_HALL_REGION},
	{"phase", OPTION_VALUE, "N", TEXT_O_DEPARTMENT_PHASE},
	{"on", OPTION_VALUE, "DATE", TEXT_O_DEPARTMENT_ON},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};
