/* tongban hall: halls and windows, own and others'. */
#include <string.h>

#include "node/cli/cmd_hall.h"
#include "node/cli/csvtable.h"
#include "node/core/hall.h"

/* ---- CSV: one hall a row */

/* "workdays 09:00-17:00" */
static void set_hours(struct cli *cli, PbHall *hall, const char *cell)
{
	size_t count;
	char **list = csvtable_list(cli, cell, &count);
	hall->hours = tb_arena_alloc(&cli->arena, (count + 1) * sizeof(PbServiceHours *));
	for (size_t i = 0; i < count; i++) {
		PbServiceHours *hours = PROTO_NEW(PbServiceHours, service_hours, &cli->arena);
		char *from = strchr(list[i], ' '), *to = from ? strchr(from, '-') : NULL;
		hours->days = list[i];
		if (from && to) {
			*from = *to = 0;
			hours->from = from + 1;
			hours->to = to + 1;
		}
		hall->hours[hall->n_hours++] = hours;
	}
}

/* "王联络 0519-12345" */
static void set_contacts(struct cli *cli, PbHall *hall, const char *cell)
{
	size_t count;
	char **list = csvtable_list(cli, cell, &count);
	hall->contacts = tb_arena_alloc(&cli->arena, (count + 1) * sizeof(PbContact *));
	for (size_t i = 0; i < count; i++) {
		PbContact *contact = PROTO_NEW(PbContact, contact, &cli->arena);
		char *phone = strchr(list[i], ' ');
		contact->name = list[i];
		if (phone) {
			*phone = 0;
			contact->phone = phone + 1;
		}
		hall->contacts[hall->n_contacts++] = contact;
	}
}

static bool set_cell(struct cli *cli, void *row, const char *head, const char *cell)
{
	if (strcmp(head, "hours") == 0)
		set_hours(cli, row, cell);
	else if (strcmp(head, "contacts") == 0)
		set_contacts(cli, row, cell);
	else
		return false;
	return true;
}

static int run_load(struct cli *cli, const struct options *options)
{
	static const struct csvtable table = {&pb_hall_load_request__descriptor, "halls", TB_HALLS_MAX,
	                                      set_cell};
	proto_message *request;
	PbHallLoadResponse *reply = NULL;
	enum tb_code code = csvtable_load(&request, cli, options, &table);
	if (!code)
		code = cli_call(cli, "/tongban.v1.HallService/Load", request,
		                &pb_hall_load_response__descriptor, (proto_message **)(void *)&reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&reply->base);
	else
		text_say(stdout, TEXT_M_HALLS_LOADED, cli_number(cli, reply->version),
		         cli_number(cli, reply->halls), NULL);
	return CLI_DONE;
}

/* ---- looking */

static const char *hours_text(struct cli *cli, const PbHall *hall)
{
	const char *all = "";
	for (size_t i = 0; i < hall->n_hours; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s %s-%s", all, i ? "; " : "", hall->hours[i]->days,
		                      hall->hours[i]->from, hall->hours[i]->to);
	return all;
}

static const char *contacts_text(struct cli *cli, const PbHall *hall)
{
	const char *all = hall->phone;
	for (size_t i = 0; i < hall->n_contacts; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s %s", all, all[0] ? "; " : "",
		                      hall->contacts[i]->name, hall->contacts[i]->phone);
	return all;
}

/* "2026-11-22T12:30", Beijing time. */
static enum tb_code open_at(struct cli *cli, const char *value, int64_t *out)
{
	char date[11] = "";
	tb_day day;
	int hour = 0, minute = 0;
	if (!value)
		return TB_OK;
	if (strlen(value) == 16)
		memcpy(date, value, 10);
	if (!tb_day_parse(date, &day) || sscanf(value + 11, "%2d:%2d", &hour, &minute) != 2 || hour > 23 ||
	    minute > 59 || hour < 0 || minute < 0)
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_PAIR, "open-at", "2026-01-31T12:30",
		                 NULL);
	*out = tb_day_start(day) + hour * TB_HOUR + minute * TB_MINUTE;
	return TB_OK;
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_CODE, false},      {TEXT_H_NAME, false},         {TEXT_H_HALL_LEVEL, false},
		{TEXT_H_HALL_AREA, false}, {TEXT_H_HALL_DOES, false},    {TEXT_H_HOURS, false},
		{TEXT_H_CONTACTS, false},  {TEXT_H_HALL_ADDRESS, false},
	};
	PbHallListRequest request = PB_HALL_LIST_REQUEST__INIT;
	PbHallListResponse *reply;
	if (open_at(cli, options_value(options, "open-at"), &request.open_at_ms))
		return cli_usage(cli);
	request.region = cli_pb(options_value_or(options, "region", ""));
	request.area = cli_pb(options_value_or(options, "area", ""));
	request.department = cli_pb(options_value_or(options, "department", ""));
	request.alliance = cli_pb(options_value_or(options, "alliance", ""));
	request.hands_out = options_flag(options, "pickup");
	request.receives = options_flag(options, "receives");
	enum tb_code code = CLI_CALL(cli, "HallService/List", &request, hall_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; reply->list && i < reply->list->n_halls; i++) {
		const PbHall *hall = reply->list->halls[i];
		TABLE_ROW(table, hall->code, hall->name, hall_level_text(hall_level(hall->area), text_zh()),
		          hall->area,
		          tb_arena_printf(&cli->arena, "%s%s%s",
		                          hall->receives ? text(TEXT_W_HALL_RECEIVES) : "",
		                          hall->receives && hall->hands_out ? ", " : "",
		                          hall->hands_out ? text(TEXT_W_HALL_HANDS_OUT) : ""),
		          hours_text(cli, hall), contacts_text(cli, hall), hall->address);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

static const struct option list_options[] = {
	{"region", OPTION_VALUE, "CODE", TEXT_O_HALL_REGION},
	{"area", OPTION_VALUE, "CODE", TEXT_O_HALL_AREA},
	{"receives", OPTION_FLAG, NULL, TEXT_O_HALL_RECEIVES},
	{"pickup", OPTION_FLAG, NULL, TEXT_O_HALL_PICKUP},
	{"department", OPTION_VALUE, "USCC", TEXT_O_HALL_DEPARTMENT},
	{"alliance", OPTION_VALUE, "NAME", TEXT_O_HALL_ALLIANCE},
	{"open-at", OPTION_VALUE, "YYYY-MM-DDTHH:MM", TEXT_O_HALL_OPEN},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_hall_verbs[] = {
	{"hall load", "FILE", 1, 1, TEXT_V_HALL_LOAD, csvtable_options, "tongban hall load halls.csv", false,
         run_load},
	{"hall list", "", 0, 0, TEXT_V_HALL_LIST, list_options, "tongban hall list --region 320400 --pickup",
         false, run_list},
	{"department load", "FILE", 1, 1, TEXT_V_DEPARTMENT_LOAD, csvtable_options,
         "tongban department load departments.csv", false, department_load_run},
	{"department list", "", 0, 0, TEXT_V_DEPARTMENT_LIST, department_list_options,
         "tongban department list --phase 1 --on 2026-01-31", false, department_list_run},
	{0},
};
