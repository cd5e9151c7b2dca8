/* tongban stats: what cases have come to, against what was agreed. */
#include <string.h>

#include "node/cli/cmd_stats.h"
#include "node/core/casetable.h"

enum { PAGES_MAX = 100000 };

/* ---- pages added up */

static void add_counts(struct cli *cli, PbStatsCount ***list, size_t *size, PbStatsCount *const *more,
                       size_t count)
{
	PbStatsCount **all = tb_arena_alloc(&cli->arena, (*size + count) * sizeof(PbStatsCount *));
	size_t used = *size;
	if (used > 0)
		memcpy(all, *list, used * sizeof(PbStatsCount *));
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;
		while (j < used && strcmp(all[j]->name, more[i]->name) != 0)
			j++;
		if (j == used)
			all[used++] = more[i];
		else
			all[j]->count += more[i]->count;
	}
	*list = all;
	*size = used;
}

/* Every number of |more|, whatever there is, is added to |row|'s. */
static void add_row(struct cli *cli, PbStatsRow *row, const PbStatsRow *more)
{
	const proto_type *type = row->base.descriptor;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		if (field->type == PROTOBUF_C_TYPE_UINT64 && field->label != PROTOBUF_C_LABEL_REPEATED) {
			uint64_t a, b;
			memcpy(&a, (const char *)row + field->offset, sizeof(a));
			memcpy(&b, (const char *)more + field->offset, sizeof(b));
			a += b;
			memcpy((char *)row + field->offset, &a, sizeof(a));
		}
	}
	for (size_t i = 0; i < row->n_grades && i < more->n_grades; i++)
		row->grades[i] += more->grades[i];
	add_counts(cli, &row->reasons, &row->n_reasons, more->reasons, more->n_reasons);
	add_counts(cli, &row->late, &row->n_late, more->late, more->n_late);
}

static void add_page(struct cli *cli, PbStatsCasesResponse *all, const PbStatsCasesResponse *page)
{
	PbStatsRow **rows = tb_arena_alloc(&cli->arena, (all->n_rows + page->n_rows) * sizeof(PbStatsRow *));
	if (all->n_rows > 0)
		memcpy(rows, all->rows, all->n_rows * sizeof(PbStatsRow *));
	all->rows = rows;
	all->looked_at += page->looked_at;
	all->left_out += page->left_out;
	for (size_t i = 0; i < page->n_rows; i++) {
		size_t j = 0;
		while (j < all->n_rows && (strcmp(rows[j]->key, page->rows[i]->key) != 0 ||
		                           strcmp(rows[j]->side, page->rows[i]->side) != 0))
			j++;
		if (j < all->n_rows)
			add_row(cli, rows[j], page->rows[i]);
		else
			rows[all->n_rows++] = page->rows[i];
	}
}

enum tb_code stats_cases(struct cli *cli, PbStatsCasesRequest *request, PbStatsCasesResponse *all)
{
	for (unsigned page = 0; page < PAGES_MAX; page++) {
		PbStatsCasesResponse *reply;
		enum tb_code code =
			CLI_CALL(cli, "StatsService/Cases", request, stats_cases_response, &reply);
		if (code)
			return code;
		add_page(cli, all, reply);
		if (!reply->next[0])
			return TB_OK;
		request->after = reply->next;
	}
	return text_fail(&cli->error, TB_ETOOBIG, TEXT_M_STATS_MANY, NULL);
}

/* ---- showing */

static const char *side_text(const char *side)
{
	if (strcmp(side, "window") == 0)
		return text(TEXT_W_STATS_WINDOW);
	if (strcmp(side, "home") == 0)
		return text(TEXT_W_STATS_HOME);
	return side[0] ? text(TEXT_W_STATS_OWN) : "";
}

/* One place behind the point. */
static const char *mean(struct cli *cli, uint64_t sum, uint64_t count)
{
	uint64_t tenths = count ? (sum * 10 + count / 2) / count : 0;
	return count ? tb_arena_printf(&cli->arena, "%llu.%llu", (unsigned long long)(tenths / 10),
	                               (unsigned long long)(tenths % 10))
	             : "-";
}

static const char *share(struct cli *cli, uint64_t part, uint64_t whole)
{
	return whole ? tb_arena_printf(&cli->arena, "%llu%%", (unsigned long long)(part * 100 / whole)) : "-";
}

static const char *saved(struct cli *cli, const PbStatsRow *row)
{
	return tb_arena_printf(&cli->arena, "%llu / %llu / %llu", (unsigned long long)row->runs_saved,
	                       (unsigned long long)row->papers_saved, (unsigned long long)row->days_saved);
}

static const char *grades(struct cli *cli, const PbStatsRow *row)
{
	const char *all = "";
	for (size_t i = 0; i < row->n_grades; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%llu", all, i ? " " : "",
		                      (unsigned long long)row->grades[i]);
	return all;
}

static void show_rows(struct cli *cli, const PbStatsCasesResponse *all)
{
	static const struct table_column columns[] = {
		{TEXT_EMPTY, false},           {TEXT_H_STATS_SIDE, false},    {TEXT_H_STATS_CASES, true},
		{TEXT_H_STATS_OPEN, true},     {TEXT_H_STATS_DECIDED, true},  {TEXT_H_STATS_IN_TIME, true},
		{TEXT_H_STATS_DAYS, true},     {TEXT_H_STATS_PROMISED, true}, {TEXT_H_STATS_LATE, true},
		{TEXT_H_STATS_RETURNS, true},  {TEXT_H_STATS_SAVED, true},    {TEXT_H_STATS_GRADES, true},
		{TEXT_H_STATS_SWITCHED, true},
	};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < all->n_rows; i++) {
		const PbStatsRow *row = all->rows[i];
		int channel;
		const char *key = proto_enum_value(&pb_channel__descriptor, row->key, &channel)
		                          ? cli_channel_text((PbChannel)channel)
		                          : row->key;
		TABLE_ROW(table, row->name[0] ? tb_arena_printf(&cli->arena, "%s %s", key, row->name) : key,
		          side_text(row->side), cli_number(cli, row->cases), cli_number(cli, row->open),
		          cli_number(cli, row->decided), share(cli, row->in_time, row->decided),
		          mean(cli, row->elapsed_days, row->decided),
		          mean(cli, row->promised_days, row->decided), cli_number(cli, row->late_cases),
		          cli_number(cli, row->returns), saved(cli, row), grades(cli, row),
		          cli_number(cli, row->switched));
	}
	table_end(table, stdout);
}

/* Why cases came back, and which limits were missed. */
static void show_lists(struct cli *cli, const PbStatsCasesResponse *all)
{
	static const struct table_column columns[] = {
		{TEXT_EMPTY, false}, {TEXT_EMPTY, false}, {TEXT_EMPTY, false}, {TEXT_EMPTY, true}};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < all->n_rows; i++) {
		const PbStatsRow *row = all->rows[i];
		for (size_t j = 0; j < row->n_reasons; j++)
			TABLE_ROW(table, row->key, text(TEXT_H_STATS_RETURNS), row->reasons[j]->name,
			          cli_number(cli, row->reasons[j]->count));
		for (size_t j = 0; j < row->n_late; j++)
			TABLE_ROW(table, row->key, text(TEXT_H_STATS_LATE), row->late[j]->name,
			          cli_number(cli, row->late[j]->count));
	}
	if (table_rows(table) > 0)
		puts("");
	table_end(table, stdout);
}

static enum tb_code by_option(struct cli *cli, const struct options *options, PbStatsBy *out)
{
	static const struct {
		const char *name;
		PbStatsBy by;
	} all[] = {
		{"peer", PB_STATS_BY__STATS_BY_PEER},
		{"item", PB_STATS_BY__STATS_BY_ITEM},
		{"mode", PB_STATS_BY__STATS_BY_MODE},
		{"window", PB_STATS_BY__STATS_BY_WINDOW},
		{"month", PB_STATS_BY__STATS_BY_MONTH},
		{"channel", PB_STATS_BY__STATS_BY_CHANNEL},
		{"evaluation", PB_STATS_BY__STATS_BY_EVALUATION},
	};
	const char *given = options_value_or(options, "by", "peer");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].name, given) == 0) {
			*out = all[i].by;
			return TB_OK;
		}
	}
	return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "by",
	                 "peer, item, mode, window, month, channel, evaluation", NULL);
}

static int run_stats(struct cli *cli, const struct options *options)
{
	PbStatsCasesRequest request = PB_STATS_CASES_REQUEST__INIT;
	PbStatsCasesResponse all = PB_STATS_CASES_RESPONSE__INIT;
	if (by_option(cli, options, &request.by) ||
	    cli_period_options(cli, options, &request.from, &request.to))
		return cli_usage(cli);
	request.peer = cli_pb(options_value_or(options, "peer", ""));
	enum tb_code code = stats_cases(cli, &request, &all);
	if (code)
		return cli_fail(cli, code);
	if (cli->json) {
		cli_print_json(&all.base);
		return CLI_DONE;
	}
	show_rows(cli, &all);
	show_lists(cli, &all);
	if (all.left_out > 0)
		text_say(stderr, TEXT_M_STATS_LEFT_OUT, cli_number(cli, all.left_out), NULL);
	return CLI_DONE;
}

static const struct option stats_options[] = {
	{"peer", OPTION_VALUE, "REGION", TEXT_O_CASE_PEER},
	{"from", OPTION_VALUE, "DATE", TEXT_O_STATS_FROM},
	{"to", OPTION_VALUE, "DATE", TEXT_O_STATS_TO},
	{"by", OPTION_VALUE, "peer|item|mode|window|month|channel|evaluation", TEXT_O_STATS_BY},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_stats_verbs[] = {
	{"stats", "", 0, 0, TEXT_V_STATS, stats_options,
         "tongban stats --peer 320400 --from 2026-01-01 --to 2026-03-31", false, run_stats},
	{0},
};
