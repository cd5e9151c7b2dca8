/* tongban case submit, case needs: an application is handed in, or asked about. Also what submitting and
 * acting share. */
#include "node/cli/cmd_case.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/cli/userfile.h"
#include "node/core/casetable.h"

PbRole case_role(const char *mode, PbCaseState state, PbCaseEvent event, PbRole usual)
{
	static const PbRole roles[] = {PB_ROLE__R_WIN,     PB_ROLE__R_DEPT, PB_ROLE__R_HEAD,
	                               PB_ROLE__H_WIN,     PB_ROLE__H_DEPT, PB_ROLE__H_HEAD,
	                               PB_ROLE__APPLICANT, PB_ROLE__LIAISON};
	const struct case_mode *known = case_mode_find(mode);
	const struct case_row *row = known ? case_row_find(known, state, event) : NULL;
	if (!row || case_row_takes(row, usual, row->sides))
		return usual;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (case_row_takes(row, roles[i], row->sides))
			return roles[i];
	}
	return usual;
}

enum tb_code case_actor(struct cli *cli, const struct options *options, PbRole role, PbActor **out)
{
	int value = (int)role;
	const char *given = options_value(options, "role");
	const char *id = options_value(options, "actor");
	*out = NULL;
	if (given && cli_enum_option(cli, &pb_role__descriptor, "role", given, &value))
		return TB_EINVALID;
	if (!id)
		return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, "actor", NULL);
	*out = PROTO_NEW(PbActor, actor, &cli->arena);
	(*out)->role = (PbRole)value;
	(*out)->id = cli_pb(id);
	(*out)->name = cli_pb(options_value_or(options, "actor-name", ""));
	return cli_channel_option(cli, options, &(*out)->channel);
}

enum tb_code case_way(struct cli *cli, const char *option, const char *value, PbDeliveryWay *out)
{
	static const struct {
		const char *name;
		PbDeliveryWay way;
	} ways[] = {
		{"courier", PB_DELIVERY_WAY__COURIER},
		{"window", PB_DELIVERY_WAY__WINDOW_PICKUP},
		{"home", PB_DELIVERY_WAY__HOME_PICKUP},
		{"network", PB_DELIVERY_WAY__NETWORK},
	};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, value) == 0) {
			*out = ways[i].way;
			return TB_OK;
		}
	}
	return text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_ONE_OF, option,
	                 "courier, window, home, network", NULL);
}

/* ---- materials */

static const char *media_type(const char *file)
{
	static const struct {
		const char *end;
		const char *type;
	} types[] = {
		{".pdf", "application/pdf"}, {".ofd", "application/ofd"}, {".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},     {".png", "image/png"},       {".tif", "image/tiff"},
		{".tiff", "image/tiff"},     {".zip", "application/zip"}, {".xml", "application/xml"},
		{".txt", "text/plain"},
	};
	const char *dot = strrchr(file, '.');
	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcasecmp(dot, types[i].end) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

enum tb_code case_upload(struct cli *cli, const char *path, PbMaterial **out)
{
	PbMaterialView *view;
	enum tb_code code = client_put_file(cli_client(cli), path, &cli->arena, &view, &cli->error);
	*out = NULL;
	if (code)
		return code;
	*out = PROTO_NEW(PbMaterial, material, &cli->arena);
	(*out)->name = cli_pb(userfile_base(path));
	(*out)->media_type = cli_pb(media_type(path));
	(*out)->size = view->size;
	(*out)->root = view->root;
	(*out)->sha256 = view->sha256;
	return TB_OK;
}

static enum tb_code add_file(struct cli *cli, const char *given, PbMaterial **materials, size_t *count)
{
	const char *need;
	const char *file;
	PbMaterial *material;
	enum tb_code code = cli_pair(cli, "material", given, &need, &file);
	if (!code)
		code = case_upload(cli, file, &material);
	if (code)
		return code;
	material->need = cli_pb(need);
	materials[(*count)++] = material;
	return TB_OK;
}

static enum tb_code add_credential(struct cli *cli, const char *given, PbMaterial **materials, size_t *count)
{
	const char *need;
	const char *identifier;
	enum tb_code code = cli_pair(cli, "credential", given, &need, &identifier);
	if (code)
		return code;
	PbMaterial *material = PROTO_NEW(PbMaterial, material, &cli->arena);
	material->need = cli_pb(need);
	material->credential = cli_pb(identifier);
	materials[(*count)++] = material;
	return TB_OK;
}

/* The original belongs to the scan of the same need, if there is one. */
static void add_original(struct cli *cli, const char *need, PbMaterial **materials, size_t *count)
{
	bool marked = false;
	for (size_t i = 0; i < *count; i++) {
		if (strcmp(materials[i]->need, need) != 0 || materials[i]->size == 0)
			continue;
		materials[i]->original = true;
		marked = true;
	}
	if (marked)
		return;
	PbMaterial *material = PROTO_NEW(PbMaterial, material, &cli->arena);
	material->need = cli_pb(need);
	material->original = true;
	materials[(*count)++] = material;
}

enum tb_code case_materials_form(struct cli *cli, const struct options *options)
{
	static const char *const names[] = {"material", "credential"};
	for (size_t i = 0; i < 2; i++) {
		const char *given;
		for (size_t at = 0; (given = options_next(options, names[i], &at)) != NULL;) {
			const char *left;
			const char *right;
			enum tb_code code = cli_pair(cli, names[i], given, &left, &right);
			if (code)
				return code;
		}
	}
	return TB_OK;
}

enum tb_code case_materials(struct cli *cli, const struct options *options, PbMaterial ***materials,
                            size_t *count)
{
	size_t room = *count + options->given_count;
	PbMaterial **all = tb_arena_alloc(&cli->arena, (room + 1) * sizeof(PbMaterial *));
	size_t all_count = *count;
	enum tb_code code = TB_OK;
	const char *given;
	if (all_count > 0)
		memcpy(all, *materials, all_count * sizeof(PbMaterial *));
	for (size_t at = 0; !code && (given = options_next(options, "material", &at)) != NULL;)
		code = add_file(cli, given, all, &all_count);
	for (size_t at = 0; !code && (given = options_next(options, "credential", &at)) != NULL;)
		code = add_credential(cli, given, all, &all_count);
	for (size_t at = 0; !code && (given = options_next(options, "original", &at)) != NULL;)
		add_original(cli, given, all, &all_count);
	*materials = all;
	*count = all_count;
	return code;
}

/* ---- submit */

const struct option case_submit_options[] = {
	{"file", OPTION_VALUE, "FILE", TEXT_O_APPLICATION},
	{"item", OPTION_VALUE, "CODE", TEXT_O_ITEM},
	{"mode", OPTION_VALUE, "QC|DS|YS|YB|LB", TEXT_O_MODE},
	{"bundle", OPTION_VALUE, "CODE", TEXT_O_BUNDLE},
	{"list", OPTION_VALUE, "REGION", TEXT_O_BUNDLE_LIST},
	{"at", OPTION_LIST, "PART=REGION", TEXT_O_BUNDLE_AT},
	{"home", OPTION_VALUE, "REGION", TEXT_O_HOME},
	{"applicant-name", OPTION_VALUE, "NAME", TEXT_O_APPLICANT_NAME},
	{"applicant-code-type", OPTION_VALUE, "TYPE", TEXT_O_CODE_TYPE},
	{"applicant-code", OPTION_VALUE, "CODE", TEXT_O_APPLICANT_CODE},
	{"applicant-phone", OPTION_VALUE, "NUMBER", TEXT_O_PHONE},
	{"agent-name", OPTION_VALUE, "NAME", TEXT_O_AGENT_NAME},
	{"agent-code-type", OPTION_VALUE, "TYPE", TEXT_O_CODE_TYPE},
	{"agent-code", OPTION_VALUE, "CODE", TEXT_O_AGENT_CODE},
	{"agent-phone", OPTION_VALUE, "NUMBER", TEXT_O_PHONE},
	{"authorisation", OPTION_VALUE, "NEED", TEXT_O_AUTHORISATION},
	{"authorisation-credential", OPTION_VALUE, "ID", TEXT_O_AUTHORISATION_CREDENTIAL},
	{"authorisation-scope", OPTION_VALUE, "TEXT", TEXT_O_AUTHORISATION_SCOPE},
	{"authorisation-from", OPTION_VALUE, "DATE", TEXT_O_AUTHORISATION_FROM},
	{"authorisation-until", OPTION_VALUE, "DATE", TEXT_O_AUTHORISATION_UNTIL},
	{"identity", OPTION_VALUE, "self-declared|matched|present|in-person", TEXT_O_IDENTITY},
	{"identity-method", OPTION_VALUE, "TEXT", TEXT_O_IDENTITY_METHOD},
	{"delivery", OPTION_VALUE, "courier|window|home|network", TEXT_O_DELIVERY},
	{"address", OPTION_VALUE, "TEXT", TEXT_O_ADDRESS},
	{"window", OPTION_VALUE, "TEXT", TEXT_O_WINDOW},
	{"hall", OPTION_VALUE, "CODE", TEXT_O_HALL},
	{"pickup", OPTION_VALUE, "CODE", TEXT_O_PICKUP_HALL},
	{"eligible", OPTION_LIST, "CONDITION=AREA", TEXT_O_ELIGIBLE},
	{"form", OPTION_LIST, "NAME=VALUE", TEXT_O_FORM},
	CASE_MATERIAL_OPTIONS,
	CASE_ACTOR_OPTIONS,
	{"fill", OPTION_FLAG, NULL, TEXT_O_FILL},
	{"ask", OPTION_LIST, "REGION", TEXT_O_PREPARE_ASK},
	{"forward", OPTION_FLAG, NULL, TEXT_O_FORWARD},
	{"request-id", OPTION_VALUE, "ID", TEXT_O_REQUEST_ID},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

static void set_text(const struct options *options, const char *name, char **field)
{
	const char *value = options_value(options, name);
	if (value)
		*field = cli_pb(value);
}

/* |who| is "applicant" or "agent"; *party stays as it is unless an option is about it. */
static void set_party(struct cli *cli, const struct options *options, const char *who, PbParty **party)
{
	static const char *const parts[] = {"name", "code-type", "code", "phone"};
	char names[4][32];
	bool any = false;
	for (size_t i = 0; i < 4; i++) {
		snprintf(names[i], sizeof(names[i]), "%s-%s", who, parts[i]);
		any = any || options_value(options, names[i]);
	}
	if (!any)
		return;
	if (!*party)
		*party = PROTO_NEW(PbParty, party, &cli->arena);
	set_text(options, names[0], &(*party)->name);
	set_text(options, names[1], &(*party)->code_type);
	set_text(options, names[2], &(*party)->code);
	set_text(options, names[3], &(*party)->phone);
	if (!(*party)->code_type[0])
		(*party)->code_type = cli_pb("111");
}

static enum tb_code set_identity(struct cli *cli, const struct options *options, PbApplication *application)
{
	const char *level = options_value(options, "identity");
	int value;
	if (!level)
		return TB_OK;
	enum tb_code code = cli_enum_option(cli, &pb_assurance__descriptor, "identity", level, &value);
	if (code)
		return code;
	if (!application->identity)
		application->identity = PROTO_NEW(PbIdentityAssertion, identity_assertion, &cli->arena);
	application->identity->level = (PbAssurance)value;
	set_text(options, "identity-method", &application->identity->method);
	return TB_OK;
}

static void set_authorisation(struct cli *cli, const struct options *options, PbApplication *application)
{
	static const char *const names[] = {"authorisation", "authorisation-credential",
	                                    "authorisation-scope", "authorisation-from",
	                                    "authorisation-until"};
	bool any = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		any = any || options_value(options, names[i]);
	if (!any)
		return;
	if (!application->authorisation)
		application->authorisation = PROTO_NEW(PbAuthorisation, authorisation, &cli->arena);
	set_text(options, names[0], &application->authorisation->need);
	set_text(options, names[1], &application->authorisation->credential);
	set_text(options, names[2], &application->authorisation->scope);
	set_text(options, names[3], &application->authorisation->valid_from);
	set_text(options, names[4], &application->authorisation->valid_until);
}

static enum tb_code set_form(struct cli *cli, const struct options *options, PbApplication *application)
{
	size_t room = application->n_form + options->given_count;
	PbAttribute **form = tb_arena_alloc(&cli->arena, (room + 1) * sizeof(PbAttribute *));
	const char *given;
	if (application->n_form > 0)
		memcpy(form, application->form, application->n_form * sizeof(PbAttribute *));
	application->form = form;
	for (size_t at = 0; (given = options_next(options, "form", &at)) != NULL;) {
		const char *name;
		const char *value;
		enum tb_code code = cli_pair(cli, "form", given, &name, &value);
		if (code)
			return code;
		PbAttribute *field = PROTO_NEW(PbAttribute, attribute, &cli->arena);
		field->name = cli_pb(name);
		field->value = cli_pb(value);
		form[application->n_form++] = field;
	}
	return TB_OK;
}

enum tb_code case_bundle_parts(struct cli *cli, const struct options *options, PbCasePart ***parts,
                               size_t *count)
{
	const char *given;
	*parts = tb_arena_alloc(&cli->arena, (options->given_count + 1) * sizeof(PbCasePart *));
	*count = 0;
	for (size_t at = 0; (given = options_next(options, "at", &at)) != NULL;) {
		const char *code, *region;
		if (cli_pair(cli, "at", given, &code, &region))
			return TB_EINVALID;
		PbCasePart *part = PROTO_NEW(PbCasePart, case_part, &cli->arena);
		part->item = cli_pb(code);
		part->home = cli_pb(region);
		(*parts)[(*count)++] = part;
	}
	return TB_OK;
}

static enum tb_code set_eligibility(struct cli *cli, const struct options *options,
                                    PbApplication *application)
{
	size_t have = application->n_eligibility, room = have + options->given_count;
	PbEligibilityClaim **claims = tb_arena_alloc(&cli->arena, (room + 1) * sizeof(*claims));
	const char *given;
	if (have > 0)
		memcpy(claims, application->eligibility, have * sizeof(*claims));
	application->eligibility = claims;
	for (size_t at = 0; (given = options_next(options, "eligible", &at)) != NULL;) {
		const char *ground, *area;
		if (cli_pair(cli, "eligible", given, &ground, &area))
			return TB_EINVALID;
		PbEligibilityClaim *claim = PROTO_NEW(PbEligibilityClaim, eligibility_claim, &cli->arena);
		claim->ground = cli_pb(ground);
		claim->area = cli_pb(area);
		claims[application->n_eligibility++] = claim;
	}
	return TB_OK;
}

static enum tb_code set_bundle(struct cli *cli, const struct options *options, PbApplication *application)
{
	if (!options_value(options, "bundle"))
		return TB_OK;
	set_text(options, "bundle", &application->item);
	set_text(options, "list", &application->list);
	application->mode = cli_pb("LB");
	return case_bundle_parts(cli, options, &application->parts, &application->n_parts);
}

/* The file's content first, the options over it. Nothing is uploaded yet. */
static enum tb_code make_application(struct cli *cli, const struct options *options, PbApplication **out)
{
	const char *file = options_value(options, "file");
	const char *way = options_value(options, "delivery");
	proto_message *message = proto_new(&cli->arena, &pb_application__descriptor);
	if (file) {
		enum tb_code code = cli_read_json(cli, file, &pb_application__descriptor, &message);
		if (code)
			return code;
	}
	PbApplication *application = (PbApplication *)(void *)message;
	*out = application;
	set_text(options, "item", &application->item);
	set_text(options, "home", &application->home);
	set_text(options, "address", &application->address);
	set_text(options, "window", &application->window);
	set_text(options, "mode", &application->mode);
	set_text(options, "hall", &application->hall);
	if (options_value(options, "pickup")) {
		application->pickup = PROTO_NEW(PbPickup, pickup, &cli->arena);
		set_text(options, "pickup", &application->pickup->hall);
	}
	set_party(cli, options, "applicant", &application->applicant);
	set_party(cli, options, "agent", &application->agent);
	set_authorisation(cli, options, application);
	if (set_identity(cli, options, application) || set_eligibility(cli, options, application) ||
	    set_bundle(cli, options, application))
		return TB_EINVALID;
	if (way && case_way(cli, "delivery", way, &application->delivery))
		return TB_EINVALID;
	return set_form(cli, options, application);
}

static const char *missing_option(const PbApplication *application)
{
	/* A joint case is for its parts' items, and led by who receives it. */
	return !application->item[0] && application->n_parts == 0              ? "item"
	       : !application->home[0] && strcmp(application->mode, "LB") != 0 ? "home"
	       : !application->applicant || !application->applicant->name[0]   ? "applicant-name"
	       : !application->applicant->code[0]                              ? "applicant-code"
	                                                                       : NULL;
}

/* The item's first mode, by the home region's list. */
static enum tb_code choose_mode(struct cli *cli, PbApplication *application)
{
	PbCatalogueListRequest request = PB_CATALOGUE_LIST_REQUEST__INIT;
	PbCatalogueListResponse *reply;
	request.code = application->item;
	if (application->mode[0])
		return TB_OK;
	if (application->n_parts > 0) {
		application->mode = cli_pb("LB");
		return TB_OK;
	}
	request.region = application->home;
	enum tb_code code = CLI_CALL(cli, "CatalogueService/List", &request, catalogue_list_response, &reply);
	if (code)
		return code;
	for (size_t i = 0; reply->catalogue && i < reply->catalogue->n_items; i++) {
		const PbItem *item = reply->catalogue->items[i];
		if (strcmp(item->code, application->item) == 0 && item->n_modes > 0) {
			application->mode = item->modes[0];
			return TB_OK;
		}
	}
	return text_fail(&cli->error, TB_ENOTFOUND, TEXT_M_ITEM_UNKNOWN, application->home, application->item,
	                 NULL);
}

enum tb_code case_application_of(struct cli *cli, const struct options *options, PbApplication **out)
{
	enum tb_code code = make_application(cli, options, out);
	const char *missing = code ? NULL : missing_option(*out);
	if (missing)
		code = text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, missing, NULL);
	return code ? code : case_materials_form(cli, options);
}

int case_submit_run(struct cli *cli, const struct options *options)
{
	PbCaseSubmitRequest request = PB_CASE_SUBMIT_REQUEST__INIT;
	PbCaseView *view;
	enum tb_code code = make_application(cli, options, &request.application);
	if (code)
		return code == TB_EINVALID ? cli_usage(cli) : cli_fail(cli, code);
	const char *missing = missing_option(request.application);
	if (missing) {
		text_fail(&cli->error, TB_EINVALID, TEXT_OPTION_MISSING, missing, NULL);
		return cli_usage(cli);
	}
	if (case_actor(cli, options, PB_ROLE__R_WIN, &request.actor) || case_materials_form(cli, options))
		return cli_usage(cli);
	code = choose_mode(cli, request.application);
	if (code)
		return cli_fail(cli, code);
	if (!options_value(options, "role"))
		request.actor->role = case_role(request.application->mode, PB_CASE_STATE__DRAFT,
		                                PB_CASE_EVENT__SUBMIT, PB_ROLE__R_WIN);
	request.forward = options_flag(options, "forward");
	request.request_id = cli_pb(options_value_or(options, "request-id", ""));
	code = case_materials(cli, options, &request.application->materials,
	                      &request.application->n_materials);
	if (!code && options_flag(options, "fill"))
		code = case_fill(cli, options, request.application);
	if (!code)
		code = CLI_CALL(cli, "CaseService/Submit", &request, case_view, &view);
	if (code)
		return cli_fail(cli, code);
	if (cli->json)
		cli_print_json(&view->base);
	else
		case_brief(cli, view);
	return CLI_DONE;
}

/* ---- needs: what is asked for, before anything is handed in */

/* "REGION:ITEM", one a part. */
static enum tb_code needs_parts(struct cli *cli, const struct options *options,
                                PbCaseJointNeedsRequest *request)
{
	request->parts = tb_arena_alloc(&cli->arena, options->operands_count * sizeof(*request->parts));
	for (size_t i = 0; i < options->operands_count; i++) {
		const char *home;
		const char *item;
		enum tb_code code = options_split(options->operands[i], ':', "REGION:ITEM", &home, &item,
		                                  &cli->arena, &cli->error);
		if (code)
			return code;
		PbCasePart *part = PROTO_NEW(PbCasePart, case_part, &cli->arena);
		part->home = cli_pb(home);
		part->item = cli_pb(item);
		request->parts[request->n_parts++] = part;
	}
	return TB_OK;
}

/* "0:M1" of the reply as "310000 M1". */
static const char *meets_text(struct cli *cli, const PbCaseJointNeedsRequest *request, const PbJointNeed *row)
{
	const char *all = "";
	for (size_t i = 0; i < row->n_meets; i++) {
		char *code = strchr(row->meets[i], ':');
		size_t part = strtoul(row->meets[i], NULL, 10);
		if (code && part < request->n_parts)
			all = tb_arena_printf(&cli->arena, "%s%s%s %s", all, all[0] ? ", " : "",
			                      request->parts[part]->home, code + 1);
	}
	return all;
}

const struct option case_needs_options[] = {
	{"bundle", OPTION_VALUE, "CODE", TEXT_O_BUNDLE_NEEDS},
	{"list", OPTION_VALUE, "REGION", TEXT_O_BUNDLE_LIST},
	{"at", OPTION_LIST, "PART=REGION", TEXT_O_BUNDLE_AT},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

static void show_parts(const PbCaseJointNeedsRequest *request)
{
	static const struct table_column columns[] = {
		{TEXT_H_HOME, false}, {TEXT_H_CODE, false}, {TEXT_H_ITEM, false}};
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < request->n_parts; i++)
		TABLE_ROW(table, request->parts[i]->home, request->parts[i]->item,
		          request->parts[i]->item_name);
	table_end(table, stdout);
	puts("");
}

int case_needs_run(struct cli *cli, const struct options *options)
{
	static const struct table_column columns[] = {
		{TEXT_H_MATERIAL, false}, {TEXT_H_REQUIRED, false}, {TEXT_H_ASKED_BY, false}};
	PbCaseJointNeedsRequest request = PB_CASE_JOINT_NEEDS_REQUEST__INIT;
	PbCaseJointNeedsResponse *reply;
	const char *bundle = options_value(options, "bundle");
	if (!bundle == (options->operands_count == 0)) {
		text_fail(&cli->error, TB_EINVALID, TEXT_M_NEEDS_WHAT, NULL);
		return cli_usage(cli);
	}
	if (bundle ? case_bundle_parts(cli, options, &request.parts, &request.n_parts)
	           : needs_parts(cli, options, &request))
		return cli_usage(cli);
	request.bundle = cli_pb(bundle ? bundle : "");
	request.list = cli_pb(options_value_or(options, "list", ""));
	enum tb_code code =
		CLI_CALL(cli, "CaseService/JointNeeds", &request, case_joint_needs_response, &reply);
	int ended;
	if (CLI_ENDED(cli, code, reply, &ended))
		return ended;
	if (bundle) {
		request.parts = reply->parts;
		request.n_parts = reply->n_parts;
		show_parts(&request);
	}
	struct table *table = TABLE_NEW(columns);
	for (size_t i = 0; i < reply->n_needs; i++) {
		const PbMaterialNeed *need = reply->needs[i]->need;
		TABLE_ROW(table, need ? need->name : "",
		          text(need && need->required ? TEXT_M_YES : TEXT_M_NO),
		          meets_text(cli, &request, reply->needs[i]));
	}
	table_end(table, stdout);
	return CLI_DONE;
}
