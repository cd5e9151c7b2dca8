/* tongban case prepare: what the applicant need not bring. */
#include <string.h>

#include "node/cli/cmd_case.h"

static enum tb_code call(struct cli *cli, const struct options *options, PbApplication *application,
                         PbCasePrepareResponse **out)
{
	PbCasePrepareRequest request = PB_CASE_PREPARE_REQUEST__INIT;
	const char *region;
	request.application = application;
	request.ask = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(char *));
	for (size_t at = 0; (region = options_next(options, "ask", &at)) != NULL;)
		request.ask[request.n_ask++] = cli_pb(region);
	return CLI_CALL(cli, "CaseService/Prepare", &request, case_prepare_response, out);
}

static enum text_id by_text(const PbPreparedNeed *need)
{
	static const enum text_id texts[] = {
		[PB_PREPARED_BY__PREPARED_GIVEN] = TEXT_W_PREPARED_GIVEN,
		[PB_PREPARED_BY__PREPARED_HELD_HERE] = TEXT_W_PREPARED_HELD,
		[PB_PREPARED_BY__PREPARED_VERIFIED] = TEXT_W_PREPARED_VERIFIED,
		[PB_PREPARED_BY__PREPARED_EARLIER] = TEXT_W_PREPARED_EARLIER,
	};
	if (need->by == PB_PREPARED_BY__PREPARED_MISSING)
		return need->need->required ? TEXT_W_PREPARED_MISSING : TEXT_W_PREPARED_OPTIONAL;
	return (size_t)need->by < sizeof(texts) / sizeof(texts[0]) ? texts[need->by] : TEXT_EMPTY;
}

static void say(struct cli *cli, const PbCasePrepareResponse *reply, FILE *stream)
{
	static const struct table_column columns[] = {{TEXT_H_CODE, false},
	                                              {TEXT_H_MATERIAL, false},
	                                              {TEXT_H_PREPARED_BY, false},
	                                              {TEXT_H_PREPARED_WHAT, false},
	                                              {TEXT_H_REMARK, false}};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_needs; i++) {
		const PbPreparedNeed *need = reply->needs[i];
		const PbMaterial *material = need->material;
		const char *what = !material                 ? ""
		                   : material->credential[0] ? material->credential
		                                             : material->reused;
		TABLE_ROW(table, cli_beside(cli, need->need->code, need->code_here), need->need->name,
		          text(by_text(need)), what, need->note);
	}
	table_end(table, stream);
}

enum tb_code case_fill(struct cli *cli, const struct options *options, PbApplication *application)
{
	PbCasePrepareResponse *reply;
	enum tb_code code = call(cli, options, application, &reply);
	if (code)
		return code;
	size_t count = application->n_materials;
	PbMaterial **all = tb_arena_alloc(&cli->arena, (count + reply->n_needs + 1) * sizeof(PbMaterial *));
	if (count > 0)
		memcpy(all, application->materials, count * sizeof(PbMaterial *));
	for (size_t i = 0; i < reply->n_needs; i++) {
		if (reply->needs[i]->material)
			all[count++] = reply->needs[i]->material;
	}
	application->materials = all;
	application->n_materials = count;
	if (!cli->json)
		say(cli, reply, stderr);
	return TB_OK;
}

int case_prepare_run(struct cli *cli, const struct options *options)
{
	PbApplication *application;
	PbCasePrepareResponse *reply;
	if (case_application_of(cli, options, &application))
		return cli_usage(cli);
	enum tb_code code = call(cli, options, application, &reply);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&reply->base);
	else
		say(cli, reply, stdout);
	return CLI_DONE;
}
