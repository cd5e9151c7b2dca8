/* tongban matter: what regions say to each other beside the cases (会商、咨询、投诉、异议、督办). */
#include <ctype.h>
#include <string.h>

#include "node/cli/cmd_case.h"

enum { DAYS_MAX = 365 };

/* ---- words */

static const char *kind_text(PbMatterKind kind)
{
	static const enum text_id texts[] = {TEXT_EMPTY,       TEXT_W_CONSULTATION, TEXT_W_ENQUIRY,
	                                     TEXT_W_COMPLAINT, TEXT_W_DISPUTE,      TEXT_W_SUPERVISION};
	return kind <= PB_MATTER_KIND__SUPERVISION ? text(texts[kind]) : "?";
}

static const char *state_text(PbMatterState state)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_MATTER_OPEN, TEXT_W_MATTER_ANSWERED,
	                                     TEXT_W_MATTER_CLOSED};
	return state <= PB_MATTER_STATE__MATTER_CLOSED ? text(texts[state]) : "?";
}

static const char *outcome_text(PbOutcome outcome)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_UPHELD, TEXT_W_PARTLY_UPHELD,
	                                     TEXT_W_NOT_UPHELD};
	return outcome <= PB_OUTCOME__NOT_UPHELD ? text(texts[outcome]) : "?";
}

static const char *post_text(PbPostKind kind)
{
	static const enum text_id texts[] = {TEXT_EMPTY, TEXT_W_POST_OPENS, TEXT_W_POST_SAYS,
	                                     TEXT_W_POST_ANSWERS, TEXT_W_POST_CLOSES};
	return kind <= PB_POST_KIND__POST_CLOSES ? text(texts[kind]) : "?";
}

/* ---- showing */

static const char *joined(struct cli *cli, char *const *list, size_t count)
{
	const char *all = "";
	for (size_t i = 0; i < count; i++)
		all = tb_arena_printf(&cli->arena, "%s%s%s", all, i ? " " : "", list[i]);
	return all;
}

static const char *due_text(struct cli *cli, const PbMatterView *view)
{
	return view->overdue ? tb_arena_printf(&cli->arena, "%s %s", cli_time(cli, view->due_ms),
	                                       text(TEXT_W_MATTER_OVERDUE))
	                     : cli_time(cli, view->due_ms);
}

/* What was said, with the names of the files and the video that go with it. */
static const char *said_text(struct cli *cli, const PbMatterPost *post)
{
	const char *all = post->text;
	for (size_t i = 0; i < post->n_files; i++)
		all = tb_arena_printf(&cli->arena, "%s [%s]", all, post->files[i]->name);
	return post->video[0] ? tb_arena_printf(&cli->arena, "%s [%s]", all, post->video) : all;
}

static void show_posts(struct cli *cli, const PbMatterView *view)
{
	static const struct table_column columns[] = {{TEXT_H_TIME, false},
	                                              {TEXT_H_REGION, false},
	                                              {TEXT_H_WHO, false},
	                                              {TEXT_H_KIND, false},
	                                              {TEXT_H_SAID, false}};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < view->n_posts; i++) {
		const PbMatterPost *post = view->posts[i];
		TABLE_ROW(table, cli_time(cli, post->at_ms), post->region, post->actor ? post->actor->id : "",
		          post->outcome ? tb_arena_printf(&cli->arena, "%s (%s)", post_text(post->kind),
		                                          outcome_text(post->outcome))
		                        : post_text(post->kind),
		          said_text(cli, post));
	}
	puts("");
	table_end(table, stdout);
}

static int show(struct cli *cli, const PbMatterView *view)
{
	if (cli->json) {
		cli_print_json(&view->base);
		return CLI_DONE;
	}
	struct table *table = table_new_pairs();
	table_pair(table, TEXT_H_MATTER, view->matter);
	table_pair(table, TEXT_H_KIND, kind_text(view->about));
	table_pair(table, TEXT_H_TITLE, view->subject);
	table_pair(table, TEXT_H_STATE, state_text(view->state));
	table_pair(table, TEXT_H_OUTCOME, outcome_text(view->outcome));
	table_pair(table, TEXT_H_PARTIES, joined(cli, view->parties, view->n_parties));
	table_pair(table, TEXT_H_ASKED, view->asked);
	table_pair(table, TEXT_H_DUE, due_text(cli, view));
	table_pair(table, TEXT_H_CASE, view->case_number);
	table_pair(table, TEXT_H_IDENTIFIER, view->credential);
	table_end(table, stdout);
	if (view->n_posts > 0)
		show_posts(cli, view);
	return CLI_DONE;
}

/* ---- what a post says */

static enum tb_code set_files(struct cli *cli, const struct options *options, PbMatterPost *post)
{
	const char *path;
	enum tb_code code = TB_OK;
	post->files = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(*post->files));
	for (size_t at = 0; code == TB_OK && (path = options_next(options, "file", &at)) != NULL;) {
		code = case_upload(cli, path, &post->files[post->n_files]);
		post->n_files += code == TB_OK;
	}
	return code;
}

/* The text, the video and who speaks: a failure is one of the command line. */
static enum tb_code set_words(struct cli *cli, const struct options *options, PbRole role, PbMatterPost *post)
{
	post->text = cli_pb(options_value_or(options, "text", ""));
	post->video = cli_pb(options_value_or(options, "video", ""));
	return case_actor(cli, options, role, &post->actor);
}

/* ---- opening */

static enum tb_code own_region(struct cli *cli, char **out)
{
	PbStatusRequest request = PB_STATUS_REQUEST__INIT;
	PbStatusResponse *reply;
	enum tb_code code = CLI_CALL(cli, "NodeService/Status", &request, status_response, &reply);
	*out = code ? NULL : reply->region;
	return code;
}

static void add_party(PbMatterPost *post, const char *region)
{
	for (size_t i = 0; i < post->n_parties; i++) {
		if (strcmp(post->parties[i], region) == 0)
			return;
	}
	post->parties[post->n_parties++] = cli_pb(region);
}

/* This region, who must answer, and who else is named; each once. */
static enum tb_code set_parties(struct cli *cli, const struct options *options, PbMatterPost *post)
{
	char *own;
	const char *party;
	enum tb_code code = own_region(cli, &own);
	if (code)
		return code;
	post->parties = tb_arena_alloc(&cli->arena, (options->given_count + 2) * sizeof(*post->parties));
	add_party(post, own);
	if (post->asked[0])
		add_party(post, post->asked);
	for (size_t at = 0; (party = options_next(options, "party", &at)) != NULL;)
		add_party(post, party);
	return TB_OK;
}

static enum tb_code set_opening(struct cli *cli, const struct options *options, PbMatterPost *post)
{
	const char *about = options_value(options, "about");
	uint64_t days;
	int kind = 0;
	if (!about)
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "about", NULL);
	enum tb_code code = cli_enum_option(cli, &pb_matter_kind__descriptor, "about", about, &kind);
	if (code == TB_OK)
		code = options_number(options, "days", 1, DAYS_MAX, 0, &days, &cli->error);
	if (code)
		return code;
	post->about = (PbMatterKind)kind;
	post->days = (uint32_t)days;
	post->subject = cli_pb(options_value_or(options, "subject", ""));
	post->asked = cli_pb(options_value_or(options, "ask", ""));
	post->case_number = cli_pb(options_value_or(options, "case", ""));
	post->credential = cli_pb(options_value_or(options, "credential", ""));
	return TB_OK;
}

static int run_open(struct cli *cli, const struct options *options)
{
	PbMatterOpenRequest request = PB_MATTER_OPEN_REQUEST__INIT;
	PbMatterPost post = PB_MATTER_POST__INIT;
	PbMatterView *view;
	if (set_opening(cli, options, &post))
		return cli_usage(cli);
	bool order = post.about == PB_MATTER_KIND__SUPERVISION;
	if (set_words(cli, options, order ? PB_ROLE__SUPERVISOR : PB_ROLE__LIAISON, &post))
		return cli_usage(cli);
	request.post = &post;
	enum tb_code code = set_parties(cli, options, &post);
	if (code == TB_OK)
		code = set_files(cli, options, &post);
	if (code == TB_OK)
		code = CLI_CALL(cli, "MatterService/Open", &request, matter_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

/* ---- going on */

static int run_post(struct cli *cli, const struct options *options, PbMatterPost *post)
{
	PbMatterPostRequest request = PB_MATTER_POST_REQUEST__INIT;
	PbMatterView *view;
	if (set_words(cli, options, PB_ROLE__LIAISON, post))
		return cli_usage(cli);
	post->matter = cli_pb(options->operands[0]);
	request.post = post;
	enum tb_code code = set_files(cli, options, post);
	if (code == TB_OK)
		code = CLI_CALL(cli, "MatterService/Post", &request, matter_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

static int run_say(struct cli *cli, const struct options *options)
{
	PbMatterPost post = PB_MATTER_POST__INIT;
	post.kind = PB_POST_KIND__POST_SAYS;
	return run_post(cli, options, &post);
}

static int run_answer(struct cli *cli, const struct options *options)
{
	PbMatterPost post = PB_MATTER_POST__INIT;
	const char *given = options_value(options, "outcome");
	int outcome = 0;
	if (given && cli_enum_option(cli, &pb_outcome__descriptor, "outcome", given, &outcome))
		return cli_usage(cli);
	post.kind = PB_POST_KIND__POST_ANSWERS;
	post.outcome = (PbOutcome)outcome;
	return run_post(cli, options, &post);
}

static int run_close(struct cli *cli, const struct options *options)
{
	PbMatterPost post = PB_MATTER_POST__INIT;
	post.kind = PB_POST_KIND__POST_CLOSES;
	return run_post(cli, options, &post);
}

/* ---- looking */

static int run_show(struct cli *cli, const struct options *options)
{
	PbMatterGetRequest request = PB_MATTER_GET_REQUEST__INIT;
	PbMatterView *view;
	request.matter = cli_pb(options->operands[0]);
	enum tb_code code = CLI_CALL(cli, "MatterService/Get", &request, matter_view, &view);
	return code ? cli_fail(cli, code) : show(cli, view);
}

/* "open": the enum calls it MATTER_OPEN. */
static enum tb_code set_state(struct cli *cli, const struct options *options, PbMatterState *out)
{
	const char *value = options_value(options, "state");
	char name[32] = "MATTER_";
	size_t prefix = strlen(name), size = value ? strlen(value) : 0;
	int state = 0;
	*out = PB_MATTER_STATE__MATTER_STATE_UNSPECIFIED;
	if (!value)
		return TB_OK;
	for (size_t i = 0; i < size && prefix + i + 1 < sizeof(name); i++)
		name[prefix + i] = (char)toupper((unsigned char)value[i]);
	if (!proto_enum_value(&pb_matter_state__descriptor, name, &state) || state == 0)
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, "state",
		                 "open, answered, closed", NULL);
	*out = (PbMatterState)state;
	return TB_OK;
}

static int run_list(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_MATTER, false}, {TEXT_H_KIND, false}, {TEXT_H_STATE, false}, {TEXT_H_OUTCOME, false},
		{TEXT_H_ASKED, false},  {TEXT_H_DUE, false},  {TEXT_H_CASE, false},  {TEXT_H_TITLE, false},
	};
	PbMatterListRequest request = PB_MATTER_LIST_REQUEST__INIT;
	PbMatterListResponse *reply;
	uint64_t limit;
	if (set_state(cli, options, &request.state) ||
	    options_number(options, "limit", 1, TB_PAGE_ROWS_MAX, 100, &limit, &cli->error))
		return cli_usage(cli);
	request.case_number = cli_pb(options_value_or(options, "case", ""));
	request.limit = (uint32_t)limit;
	enum tb_code code = CLI_CALL(cli, "MatterService/List", &request, matter_list_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_matters; i++) {
		const PbMatterView *view = reply->matters[i];
		TABLE_ROW(table, view->matter, kind_text(view->about), state_text(view->state),
		          outcome_text(view->outcome), view->asked, due_text(cli, view), view->case_number,
		          view->subject);
	}
	table_end(table, stdout);
	return CLI_DONE;
}

#define POST_OPTIONS                                                                             \
	{"text", OPTION_VALUE, "TEXT", TEXT_O_TEXT}, {"file", OPTION_LIST, "FILE", TEXT_O_FILE}, \
		{"video", OPTION_VALUE, "TEXT", TEXT_O_VIDEO}, CASE_ACTOR_OPTIONS
#define LAST_OPTION                                 \
	{                                           \
		NULL, OPTION_FLAG, NULL, TEXT_EMPTY \
	}

static const struct option open_options[] = {
	{"about", OPTION_VALUE, "consultation|enquiry|complaint|dispute|supervision", TEXT_O_ABOUT},
	{"subject", OPTION_VALUE, "TEXT", TEXT_O_SUBJECT},
	{"ask", OPTION_VALUE, "REGION", TEXT_O_ASK},
	{"days", OPTION_VALUE, "N", TEXT_O_ANSWER_DAYS},
	{"party", OPTION_LIST, "REGION", TEXT_O_PARTY},
	{"case", OPTION_VALUE, "NUMBER", TEXT_O_ABOUT_CASE},
	{"credential", OPTION_VALUE, "ID", TEXT_O_ABOUT_CREDENTIAL},
	POST_OPTIONS,
	LAST_OPTION,
};
static const struct option say_options[] = {POST_OPTIONS, LAST_OPTION};
static const struct option answer_options[] = {
	{"outcome", OPTION_VALUE, "upheld|partly-upheld|not-upheld", TEXT_O_OUTCOME},
	POST_OPTIONS,
	LAST_OPTION,
};
static const struct option list_options[] = {
	{"case", OPTION_VALUE, "NUMBER", TEXT_O_ABOUT_CASE},
	{"state", OPTION_VALUE, "open|answered|closed", TEXT_O_MATTER_STATE},
	{"limit", OPTION_VALUE, "N", TEXT_O_LIMIT},
	LAST_OPTION,
};

const struct cli_verb cmd_matter_verbs[] = {
	{"matter open", "", 0, 0, TEXT_V_MATTER_OPEN, open_options,
         "tongban matter open --about dispute --ask 320400 --days 15 --case NUMBER --actor 0931 "
         "--subject 执照名称有误 --text 与申请书不符",
         false, run_open},
	{"matter say", "MATTER", 1, 1, TEXT_V_MATTER_SAY, say_options,
         "tongban matter say 441300-20261122-7a6da133 --actor 0931 --text 补充说明 --file photo.jpg", false,
         run_say},
	{"matter answer", "MATTER", 1, 1, TEXT_V_MATTER_ANSWER, answer_options,
         "tongban matter answer 441300-20261122-7a6da133 --actor 0519 --outcome upheld --text 已核实", false,
         run_answer},
	{"matter close", "MATTER", 1, 1, TEXT_V_MATTER_CLOSE, say_options,
         "tongban matter close 441300-20261122-7a6da133 --actor 0931 --text 已更正", false, run_close},
	{"matter show", "MATTER", 1, 1, TEXT_V_MATTER_SHOW, NULL,
         "tongban matter show 441300-20261122-7a6da133", false, run_show},
	{"matter list", "", 0, 0, TEXT_V_MATTER_LIST, list_options, "tongban matter list --state open", false,
         run_list},
	{0},
};
