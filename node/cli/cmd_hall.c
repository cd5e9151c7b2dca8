/* tongban hall: halls and windows, own and others'. */
#include <stdlib.h>
#include <string.h>

#include "node/cli/cli.h"
#include "node/cli/userfile.h"
#include "node/core/hall.h"
#include "node/io/yamlmsg.h"

/* ---- CSV: RFC 4180, one hall a line; lists are separated by ';' */

enum { CELLS_MAX = 16 };

/* Cuts |line| into cells, in place. A quoted cell may hold commas and "" for a quote. */
static size_t cells_of(char *line, char *cells[CELLS_MAX])
{
	size_t count = 0;
	for (char *at = line; count < CELLS_MAX;) {
		char *out = at;
		bool quoted = *at == '"';
		cells[count++] = out;
		for (at += quoted; *at && (quoted || *at != ','); at++) {
			if (quoted && *at == '"' && *++at != '"')
				break;
			*out++ = *at;
		}
		bool more = *at == ',';
		*out = 0;
		if (!more)
			break;
		at++;
	}
	return count;
}

static char **list_of(struct cli *cli, const char *cell, size_t *count)
{
	char *text = tb_arena_str(&cli->arena, cell);
	char **list = tb_arena_alloc(&cli->arena, (strlen(cell) / 2 + 2) * sizeof(*list));
	*count = 0;
	for (char *next, *part = text; part && *part; part = next) {
		next = strchr(part, ';');
		if (next)
			*next++ = 0;
		if (*part)
			list[(*count)++] = part;
	}
	return list;
}

/* "workdays 09:00-17:00" */
static void set_hours(struct cli *cli, PbHall *hall, const char *cell)
{
	size_t count;
	char **list = list_of(cli, cell, &count);
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
	char **list = list_of(cli, cell, &count);
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

static bool set_cell(struct cli *cli, PbHall *hall, const char *head, char *cell)
{
	const struct {
		const char *head;
		char **field;
	} texts[] = {
		{"code", &hall->code},       {"name", &hall->name},   {"area", &hall->area},
		{"address", &hall->address}, {"phone", &hall->phone}, {"window_class", &hall->window_class},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].head, head) == 0) {
			*texts[i].field = tb_arena_str(&cli->arena, cell);
			return true;
		}
	}
	if (strcmp(head, "receives") == 0)
		hall->receives =
			strcmp(cell, "1") == 0 || strcmp(cell, "是") == 0 || strcmp(cell, "true") == 0;
	else if (strcmp(head, "hands_out") == 0)
		hall->hands_out =
			strcmp(cell, "1") == 0 || strcmp(cell, "是") == 0 || strcmp(cell, "true") == 0;
	else if (strcmp(head, "windows") == 0)
		hall->windows = list_of(cli, cell, &hall->n_windows);
	else if (strcmp(head, "departments") == 0)
		hall->departments = list_of(cli, cell, &hall->n_departments);
	else if (strcmp(head, "alliances") == 0)
		hall->alliances = list_of(cli, cell, &hall->n_alliances);
	else if (strcmp(head, "hours") == 0)
		set_hours(cli, hall, cell);
	else if (strcmp(head, "contacts") == 0)
		set_contacts(cli, hall, cell);
	else
		return false;
	return true;
}

static char *next_line(char **at)
{
	char *line = *at, *end;
	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	*at = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	line[strcspn(line, "\r")] = 0;
	return line;
}

static enum tb_code read_csv(struct cli *cli, char *text, PbHallLoadRequest *request)
{
	char *heads[CELLS_MAX], *cells[CELLS_MAX], *at = text;
	if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	char *line = next_line(&at);
	size_t heads_count = line ? cells_of(line, heads) : 0;
	request->halls = tb_arena_alloc(&cli->arena, TB_HALLS_MAX * sizeof(PbHall *));
	for (size_t number = 2; (line = next_line(&at)) != NULL; number++) {
		PbHall *hall = PROTO_NEW(PbHall, hall, &cli->arena);
		if (!line[0])
			continue;
		size_t count = cells_of(line, cells);
		const char *where = cli_number(cli, number);
		if (request->n_halls == TB_HALLS_MAX || count > heads_count)
			return text_fail(&cli->error, TB_EINVALID, TEXT_M_HALL_LINE, where, "", NULL);
		for (size_t i = 0; i < count; i++) {
			if (!set_cell(cli, hall, heads[i], cells[i]))
				return text_fail(&cli->error, TB_EINVALID, TEXT_M_HALL_LINE, where, heads[i],
				                 NULL);
		}
		request->halls[request->n_halls++] = hall;
	}
	return TB_OK;
}

static int run_load(struct cli *cli, const struct options *options)
{
	PbHallLoadRequest csv = PB_HALL_LOAD_REQUEST__INIT, *request = &csv;
	PbHallLoadResponse *reply;
	struct tb_buf file = {0};
	const char *path = options->operands[0];
	size_t size = strlen(path);
	enum tb_code code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	if (!code) {
		char *text = tb_arena_str(&cli->arena, tb_buf_text(&file));
		if (size > 4 && strcmp(path + size - 4, ".csv") == 0)
			code = read_csv(cli, text, &csv);
		else
			code = yaml_message((proto_message **)(void *)&request,
			                    &pb_hall_load_request__descriptor, path, tb_buf_bytes(&file),
			                    &cli->arena, &cli->error);
	}
	tb_buf_clear(&file);
	if (!code)
		code = CLI_CALL(cli, "HallService/Load", request, hall_load_response, &reply);
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
	{"hall load", "FILE", 1, 1, TEXT_V_HALL_LOAD, NULL, "tongban hall load halls.csv", false, run_load},
	{"hall list", "", 0, 0, TEXT_V_HALL_LIST, list_options, "tongban hall list --region 320400 --pickup",
         false, run_list},
	{0},
};
