/* tongban openapi: the local API's contract as OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0), from the
 * descriptors that the API itself reads and writes by. */
#include <stdlib.h>
#include <string.h>

#include "node/cli/cli.h"
#include "node/core/core.h"

enum { SCHEMAS_MAX = 1024, DEPTH_MAX = 16 };

static const proto_service *const services[] = {
	&pb_node_service__descriptor,       &pb_peer_service__descriptor,
	&pb_credential_service__descriptor, &pb_catalogue_service__descriptor,
	&pb_case_service__descriptor,       &pb_matter_service__descriptor,
	&pb_agreement_service__descriptor,  &pb_stats_service__descriptor,
	&pb_hall_service__descriptor,       &pb_commitment_service__descriptor,
	&pb_material_service__descriptor,   &pb_evidence_service__descriptor,
	&pb_audit_service__descriptor,      &pb_token_service__descriptor,
	&pb_event_service__descriptor,      &pb_webhook_service__descriptor,
	&pb_export_service__descriptor,     &pb_retention_service__descriptor,
	&pb_readiness_service__descriptor,
};
enum { SERVICES_COUNT = sizeof(services) / sizeof(services[0]) };

/* ---- JSON, with two spaces a level */

struct doc {
	struct tb_buf out;
	unsigned depth;
	bool filled[DEPTH_MAX]; /* something is there already at this depth */
	const proto_type *types[SCHEMAS_MAX];
	size_t types_count;
	const proto_enum *enums[SCHEMAS_MAX];
	size_t enums_count;
};

static void indent(struct doc *doc)
{
	tb_buf_str(&doc->out, "\n");
	for (unsigned i = 0; i < doc->depth; i++)
		tb_buf_str(&doc->out, "  ");
}

static void quoted(struct doc *doc, const char *value)
{
	tb_buf_str(&doc->out, "\"");
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			tb_buf_str(&doc->out, "\\");
		tb_buf_add(&doc->out, c, 1);
	}
	tb_buf_str(&doc->out, "\"");
}

/* The next member (|name|) or value (NULL) of what is open. */
static void next(struct doc *doc, const char *name)
{
	if (doc->filled[doc->depth])
		tb_buf_str(&doc->out, ",");
	doc->filled[doc->depth] = true;
	if (doc->depth > 0)
		indent(doc);
	if (name) {
		quoted(doc, name);
		tb_buf_str(&doc->out, ": ");
	}
}

static void begin(struct doc *doc, const char *name, const char *bracket)
{
	next(doc, name);
	tb_buf_str(&doc->out, bracket);
	doc->filled[++doc->depth] = false;
}

static void end(struct doc *doc, const char *bracket)
{
	bool filled = doc->filled[doc->depth--];
	if (filled)
		indent(doc);
	tb_buf_str(&doc->out, bracket);
}

static void say(struct doc *doc, const char *name, const char *value)
{
	next(doc, name);
	quoted(doc, value);
}

/* A value that is JSON already, in one line. */
static void raw(struct doc *doc, const char *name, const char *json)
{
	next(doc, name);
	tb_buf_str(&doc->out, json);
}

/* ---- schemas */

static const char *short_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot ? dot + 1 : name;
}

/* Its schema will be there. */
static void reference(struct doc *doc, const char *name)
{
	tb_buf_printf(&doc->out, "{\"$ref\": \"#/components/schemas/%s\"}", short_name(name));
}

static void use_enum(struct doc *doc, const proto_enum *type)
{
	for (size_t i = 0; i < doc->enums_count; i++) {
		if (doc->enums[i] == type)
			return;
	}
	if (doc->enums_count < SCHEMAS_MAX)
		doc->enums[doc->enums_count++] = type;
}

/* And everything that it holds; no message holds itself. */
static void use_type(struct doc *doc, const proto_type *type)
{
	for (size_t i = 0; i < doc->types_count; i++) {
		if (doc->types[i] == type)
			return;
	}
	if (doc->types_count == SCHEMAS_MAX)
		return;
	doc->types[doc->types_count++] = type;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		if (field->type == PROTOBUF_C_TYPE_MESSAGE)
			use_type(doc, field->descriptor);
		else if (field->type == PROTOBUF_C_TYPE_ENUM)
			use_enum(doc, field->descriptor);
	}
}

/* One value of a field, by protobuf's JSON mapping. */
static void value_schema(struct doc *doc, const ProtobufCFieldDescriptor *field)
{
	const char *schema = "{\"type\": \"number\"}";
	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		reference(doc, ((const proto_type *)field->descriptor)->name);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		reference(doc, ((const proto_enum *)field->descriptor)->name);
		return;
	case PROTOBUF_C_TYPE_STRING:
		schema = "{\"type\": \"string\"}";
		break;
	case PROTOBUF_C_TYPE_BYTES:
		schema = "{\"type\": \"string\", \"contentEncoding\": \"base64\"}";
		break;
	case PROTOBUF_C_TYPE_BOOL:
		schema = "{\"type\": \"boolean\"}";
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		schema = "{\"type\": \"integer\", \"format\": \"int32\"}";
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		schema = "{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 4294967295}";
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		schema = "{\"type\": \"string\", \"format\": \"int64\", \"pattern\": \"^-?[0-9]{1,19}$\"}";
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		schema = "{\"type\": \"string\", \"format\": \"uint64\", \"pattern\": \"^[0-9]{1,20}$\"}";
		break;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		break;
	}
	tb_buf_str(&doc->out, schema);
}

/* lowerCamelCase of a field's name, as proto/json.c has it. */
static void json_name(char out[64], const char *name)
{
	size_t size = 0;
	bool upper = false;
	for (; *name && size + 1 < 64; name++) {
		if (*name == '_') {
			upper = true;
			continue;
		}
		out[size++] = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		upper = false;
	}
	out[size] = '\0';
}

static void type_schema(struct doc *doc, const proto_type *type)
{
	begin(doc, short_name(type->name), "{");
	say(doc, "type", "object");
	begin(doc, "properties", "{");
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char name[64];
		json_name(name, field->name);
		next(doc, name);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			tb_buf_str(&doc->out, "{\"type\": \"array\", \"items\": ");
		value_schema(doc, field);
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			tb_buf_str(&doc->out, "}");
	}
	end(doc, "}");
	raw(doc, "additionalProperties", "false");
	end(doc, "}");
}

static void enum_schema(struct doc *doc, const proto_enum *type)
{
	begin(doc, short_name(type->name), "{");
	say(doc, "type", "string");
	begin(doc, "enum", "[");
	for (unsigned i = 0; i < type->n_values; i++)
		say(doc, NULL, type->values[i].name);
	end(doc, "]");
	end(doc, "}");
}

static int by_type_name(const void *a, const void *b)
{
	return strcmp((*(const proto_type *const *)a)->name, (*(const proto_type *const *)b)->name);
}

static int by_enum_name(const void *a, const void *b)
{
	return strcmp((*(const proto_enum *const *)a)->name, (*(const proto_enum *const *)b)->name);
}

static void error_schema(struct doc *doc)
{
	static const char *const connect[] = {
#define XX(name, fault, connect, text) connect,
		TB_CODE_MAP(XX)
#undef XX
	};
	begin(doc, "Error", "{");
	say(doc, "type", "object");
	begin(doc, "properties", "{");
	begin(doc, "code", "{");
	say(doc, "type", "string");
	begin(doc, "enum", "[");
	for (size_t i = 0; i < sizeof(connect) / sizeof(connect[0]); i++) {
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(connect[i], connect[k]) == 0;
		if (!seen)
			say(doc, NULL, connect[i]);
	}
	end(doc, "]");
	end(doc, "}");
	raw(doc, "message", "{\"type\": \"string\"}");
	begin(doc, "reason", "{");
	say(doc, "type", "string");
	say(doc, "description",
	    "A word that stays, where there is one; message is its text with values, at where");
	begin(doc, "examples", "[");
	say(doc, NULL, tb_reason_name(TB_REASON_CASE_MOVED_ON));
	end(doc, "]");
	end(doc, "}");
	raw(doc, "values", "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}");
	raw(doc, "where", "{\"type\": \"string\"}");
	end(doc, "}");
	raw(doc, "required", "[\"code\", \"message\"]");
	end(doc, "}");
}

static void components(struct doc *doc)
{
	qsort(doc->types, doc->types_count, sizeof(doc->types[0]), by_type_name);
	qsort(doc->enums, doc->enums_count, sizeof(doc->enums[0]), by_enum_name);
	begin(doc, "components", "{");
	begin(doc, "securitySchemes", "{");
	raw(doc, "bearer",
	    "{\"type\": \"http\", \"scheme\": \"bearer\", \"description\": \"tongban token add NAME --role "
	    "ROLE\"}");
	end(doc, "}");
	begin(doc, "responses", "{");
	begin(doc, "Error", "{");
	say(doc, "description",
	    "Refused, with Connect's code; the HTTP status goes with it (connectrpc.com/docs/protocol)");
	raw(doc, "content",
	    "{\"application/json\": {\"schema\": {\"$ref\": \"#/components/schemas/Error\"}}}");
	end(doc, "}");
	end(doc, "}");
	begin(doc, "schemas", "{");
	error_schema(doc);
	for (size_t i = 0; i < doc->types_count; i++)
		type_schema(doc, doc->types[i]);
	for (size_t i = 0; i < doc->enums_count; i++)
		enum_schema(doc, doc->enums[i]);
	end(doc, "}");
	end(doc, "}");
}

/* ---- paths */

static void content_of(struct doc *doc, const proto_type *type)
{
	next(doc, "content");
	tb_buf_str(&doc->out, "{\"application/json\": {\"schema\": ");
	reference(doc, type->name);
	tb_buf_str(&doc->out, "}}");
	use_type(doc, type);
}

static void errors(struct doc *doc)
{
	raw(doc, "default", "{\"$ref\": \"#/components/responses/Error\"}");
}

/* Which tokens may call it. */
static void roles_of(struct doc *doc, const char *path)
{
	const struct core_method *method = core_method_find(path);
	uint32_t tokens = method ? core_method_tokens(method) : 0;
	const proto_enum *type = &pb_token_role__descriptor;
	if (tokens == 0)
		say(doc, "description", "For the socket's owner alone: no token may call it.");
	begin(doc, "x-token-roles", "[");
	for (unsigned i = 0; i < type->n_values; i++) {
		if (tokens >> type->values[i].value & 1)
			say(doc, NULL, type->values[i].name);
	}
	end(doc, "]");
}

static void method_path(struct doc *doc, const proto_service *service,
                        const ProtobufCMethodDescriptor *method)
{
	char path[160], id[128];
	snprintf(path, sizeof(path), "/%s/%s", service->name, method->name);
	snprintf(id, sizeof(id), "%s.%s", short_name(service->name), method->name);
	begin(doc, path, "{");
	begin(doc, "post", "{");
	say(doc, "operationId", id);
	begin(doc, "tags", "[");
	say(doc, NULL, short_name(service->name));
	end(doc, "]");
	roles_of(doc, path);
	begin(doc, "requestBody", "{");
	raw(doc, "required", "true");
	content_of(doc, method->input);
	end(doc, "}");
	begin(doc, "responses", "{");
	begin(doc, "200", "{");
	say(doc, "description", short_name(method->output->name));
	content_of(doc, method->output);
	end(doc, "}");
	errors(doc);
	end(doc, "}");
	end(doc, "}");
	end(doc, "}");
}

/* What is no message in JSON. */
static void other_paths(struct doc *doc)
{
	static const char bytes[] = "{\"application/octet-stream\": {\"schema\": {\"type\": \"string\", "
				    "\"format\": \"binary\"}}}";
	begin(doc, "/material", "{");
	begin(doc, "put", "{");
	say(doc, "operationId", "Material.Put");
	say(doc, "description", "Uploads a scan or file; the reply's root names it.");
	begin(doc, "requestBody", "{");
	raw(doc, "required", "true");
	raw(doc, "content", bytes);
	end(doc, "}");
	begin(doc, "responses", "{");
	begin(doc, "200", "{");
	say(doc, "description", "MaterialView");
	content_of(doc, &pb_material_view__descriptor);
	end(doc, "}");
	errors(doc);
	end(doc, "}");
	end(doc, "}");
	end(doc, "}");
	begin(doc, "/material/{root}", "{");
	begin(doc, "get", "{");
	say(doc, "operationId", "Material.Bytes");
	raw(doc, "parameters",
	    "[{\"name\": \"root\", \"in\": \"path\", \"required\": true, \"schema\": {\"type\": \"string\", "
	    "\"pattern\": \"^[0-9a-f]{64}$\"}}]");
	begin(doc, "responses", "{");
	begin(doc, "200", "{");
	say(doc, "description", "The bytes as they were uploaded");
	raw(doc, "content", bytes);
	end(doc, "}");
	errors(doc);
	end(doc, "}");
	end(doc, "}");
	end(doc, "}");
}

static void parameter(struct doc *doc, const char *name, const char *in, const char *schema,
                      const char *about)
{
	begin(doc, NULL, "{");
	say(doc, "name", name);
	say(doc, "in", in);
	say(doc, "description", about);
	raw(doc, "schema", schema);
	end(doc, "}");
}

static void events_path(struct doc *doc)
{
	begin(doc, "/events", "{");
	begin(doc, "get", "{");
	say(doc, "operationId", "Events");
	say(doc, "description",
	    "What happened after a cursor: a stream of server-sent events, each with an Event as data and "
	    "its "
	    "cursor as id; with wait one reply as soon as there is something.");
	roles_of(doc, "/tongban.v1.EventService/List");
	begin(doc, "parameters", "[");
	parameter(doc, "after", "query", "{\"type\": \"string\", \"pattern\": \"^([0-9]{1,20}|now)$\"}",
	          "The cursor; now: what comes; without it: from the beginning");
	parameter(doc, "wait", "query", "{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 60}",
	          "Seconds to wait for something; one reply instead of a stream");
	parameter(doc, "Last-Event-ID", "header", "{\"type\": \"string\", \"pattern\": \"^[0-9]{1,20}$\"}",
	          "The same as after, and before it");
	end(doc, "]");
	begin(doc, "responses", "{");
	begin(doc, "200", "{");
	say(doc, "description", "Events");
	raw(doc, "content",
	    "{\"text/event-stream\": {\"schema\": {\"type\": \"string\"}}, \"application/json\": "
	    "{\"schema\": "
	    "{\"$ref\": \"#/components/schemas/EventListResponse\"}}}");
	end(doc, "}");
	errors(doc);
	end(doc, "}");
	end(doc, "}");
	end(doc, "}");
}

static void metrics_path(struct doc *doc)
{
	begin(doc, "/metrics", "{");
	begin(doc, "get", "{");
	say(doc, "operationId", "Metrics");
	say(doc, "description", "What the node has counted, in Prometheus' text format 0.0.4.");
	roles_of(doc, "/tongban.v1.NodeService/Metrics");
	begin(doc, "responses", "{");
	begin(doc, "200", "{");
	say(doc, "description", "Metrics");
	raw(doc, "content", "{\"text/plain\": {\"schema\": {\"type\": \"string\"}}}");
	end(doc, "}");
	errors(doc);
	end(doc, "}");
	end(doc, "}");
	end(doc, "}");
}

static void write_doc(struct doc *doc)
{
	begin(doc, NULL, "{");
	say(doc, "openapi", "3.1.0");
	begin(doc, "info", "{");
	say(doc, "title", "tongban: the local API of a node");
	say(doc, "version", TONGBAN_VERSION);
	say(doc, "description",
	    "Connect's unary protocol with JSON. Fields at their default are left out of replies. 64-bit "
	    "numbers "
	    "are texts in replies; requests may have them as numbers, too. How to connect: "
	    "docs/departments.md.");
	end(doc, "}");
	raw(doc, "servers", "[{\"url\": \"http://127.0.0.1:7480\"}]");
	raw(doc, "security", "[{\"bearer\": []}]");
	begin(doc, "paths", "{");
	for (size_t i = 0; i < SERVICES_COUNT; i++) {
		for (unsigned k = 0; k < services[i]->n_methods; k++)
			method_path(doc, services[i], &services[i]->methods[k]);
	}
	other_paths(doc);
	events_path(doc);
	metrics_path(doc);
	end(doc, "}");
	components(doc);
	end(doc, "}");
	tb_buf_str(&doc->out, "\n");
}

static int run_openapi(struct cli *cli, const struct options *options)
{
	(void)options;
	struct doc *doc = tb_arena_alloc(&cli->arena, sizeof(*doc));
	write_doc(doc);
	fwrite(doc->out.data, 1, doc->out.size, stdout);
	tb_buf_clear(&doc->out);
	return CLI_DONE;
}

const struct cli_verb cmd_openapi_verbs[] = {
	{"openapi", "", 0, 0, TEXT_V_OPENAPI, NULL, "tongban openapi > openapi.json", true, run_openapi},
	{0},
};
