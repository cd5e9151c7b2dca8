#include "node/io/config_priv.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/calendar.h"
#include "node/core/region.h"
#include "node/io/data.h"

enum {
	HOURS_MOST = 24 * 365,
	YEARS_MOST = 1000,
	STORE_GIB_DEFAULT = 64,
	STORE_GIB_MAX = 64 * 1024,
	DUE_SOON_HOURS_MAX = 24 * 366
};

struct tls_yaml {
	char *certificate;
	char *key;
};

struct api_yaml {
	char *listen;
	struct tls_yaml *tls;
};

/* Hours before a limit runs out at which people are warned; 0: never. */
struct due_soon_yaml {
	unsigned *all; /* where nothing else is said */
	unsigned *matters;
	unsigned *of[CORE_CLOCKS];
};

struct webhooks_yaml {
	char **allow;
	unsigned allow_count;
	char **networks;
	unsigned networks_count;
	char *ca;
	unsigned *patience_hours;
};

struct retention_yaml {
	unsigned *cases;
	unsigned *materials;
};

struct node_yaml {
	struct webhooks_yaml *webhooks;
	struct retention_yaml *retention;
	char *region;
	char *name;
	char *listen;
	char *endpoint;
	unsigned *store_max_gib;
	struct api_yaml *api;
	struct due_soon_yaml *due_soon;
	int log_level; /* one more than enum tb_log_level; 0: not given */
};

static const cyaml_strval_t log_levels[] = {
	{"debug", TB_LOG_DEBUG + 1},
	{"info", TB_LOG_INFO + 1},
	{"warn", TB_LOG_WARN + 1},
	{"error", TB_LOG_ERROR + 1},
};

static const cyaml_schema_field_t tls_fields[] = {
	CYAML_FIELD_STRING_PTR("certificate", CYAML_FLAG_POINTER, struct tls_yaml, certificate, 1,
                               CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct tls_yaml, key, 1, CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t api_fields[] = {
	CYAML_FIELD_STRING_PTR("listen", CYAML_FLAG_POINTER, struct api_yaml, listen, 1,
                               CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_MAPPING_PTR("tls", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct api_yaml, tls,
                                tls_fields),
	CYAML_FIELD_END,
};

#define HOURS_FIELD(name, member) \
	CYAML_FIELD_UINT_PTR(name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct due_soon_yaml, member)
#define CLOCK_FIELD(number) HOURS_FIELD("T" #number, of[number])

static const cyaml_schema_field_t due_soon_fields[] = {
	HOURS_FIELD("default", all),
	HOURS_FIELD("matters", matters),
	CLOCK_FIELD(1),
	CLOCK_FIELD(2),
	CLOCK_FIELD(3),
	CLOCK_FIELD(4),
	CLOCK_FIELD(5),
	CLOCK_FIELD(6),
	CLOCK_FIELD(7),
	CLOCK_FIELD(8),
	CLOCK_FIELD(9),
	CLOCK_FIELD(10),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t text_value = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CONFIG_ENDPOINT_BYTES_MAX)};

static const cyaml_schema_field_t webhooks_fields[] = {
	CYAML_FIELD_SEQUENCE("allow", CYAML_FLAG_POINTER, struct webhooks_yaml, allow, &text_value, 1,
                             CONFIG_WEBHOOK_HOSTS_MAX),
	CYAML_FIELD_SEQUENCE("networks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct webhooks_yaml,
                             networks, &text_value, 1, CONFIG_WEBHOOK_HOSTS_MAX),
	CYAML_FIELD_STRING_PTR("ca", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct webhooks_yaml, ca, 1,
                               CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_UINT_PTR("patience_hours", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct webhooks_yaml,
                             patience_hours),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t retention_fields[] = {
	CYAML_FIELD_UINT_PTR("cases", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct retention_yaml, cases),
	CYAML_FIELD_UINT_PTR("materials", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct retention_yaml,
                             materials),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t node_fields[] = {
	CYAML_FIELD_MAPPING_PTR("webhooks", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml,
                                webhooks, webhooks_fields),
	CYAML_FIELD_MAPPING_PTR("retention", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml,
                                retention, retention_fields),
	CYAML_FIELD_STRING_PTR("region", CYAML_FLAG_POINTER, struct node_yaml, region, 1,
                               PKI_REGION_ROOM - 1),
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml, name, 0,
                               TB_NAME_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("listen", CYAML_FLAG_POINTER, struct node_yaml, listen, 1,
                               CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("endpoint", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml,
                               endpoint, 0, CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_UINT_PTR("store_max_gib", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml,
                             store_max_gib),
	CYAML_FIELD_MAPPING_PTR("api", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml, api,
                                api_fields),
	CYAML_FIELD_MAPPING_PTR("due_soon_hours", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct node_yaml,
                                due_soon, due_soon_fields),
	CYAML_FIELD_ENUM("log_level", CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, struct node_yaml, log_level,
                         log_levels, CYAML_ARRAY_LEN(log_levels)),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t node_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct node_yaml, node_fields)};

bool config_address_valid(const char *text, bool any_port)
{
	const char *colon = strrchr(text, ':');
	if (!colon || colon == text || !isdigit((unsigned char)colon[1]) || strlen(colon) > 6)
		return false;
	char *end;
	unsigned long port = strtoul(colon + 1, &end, 10);
	if (*end || port > 65535 || (port == 0 && !any_port))
		return false;
	size_t host_size = (size_t)(colon - text);
	if (text[0] == '[')
		return host_size > 2 && colon[-1] == ']' &&
		       1 + strspn(text + 1, "0123456789abcdefABCDEF:.") == host_size - 1;
	return strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") == host_size;
}

char *config_path(struct tb_arena *arena, const char *dir, const char *fmt, ...)
{
	char name[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	return tb_arena_printf(arena, "%s/%s", dir, name);
}

/* ---- tables */

/* DIR/data/NAME.tsv into |text|, if it is there. |*path| names the file, or is NULL: the compiled one counts.
 */
static enum tb_code override(struct tb_buf *text, const char **path, struct tb_arena *arena, const char *dir,
                             const char *name, struct tb_error *err)
{
	const char *file = config_path(arena, dir, "data/%s.tsv", name);
	*path = NULL;
	if (!file_exists(file))
		return TB_OK;
	*path = file;
	return file_read(text, file, TB_FILE_BYTES_MAX, err);
}

static enum tb_code calendar_load(struct calendar **out, const char *dir, struct tb_error *err)
{
	*out = NULL;
	struct tb_arena arena = {0};
	struct tb_buf text = {0};
	struct tb_error inner = {0};
	const char *path;
	enum tb_code code = override(&text, &path, &arena, dir, "workdays", err);
	if (code == TB_OK) {
		struct tb_bytes tsv =
			path ? tb_buf_bytes(&text) : tb_bytes_of(data_workdays, data_workdays_size);
		code = calendar_parse(out, tsv, &inner);
		if (code != TB_OK)
			tb_fail_at(err, code, &inner, "%s", path ? path : "compiled calendar");
	}
	tb_buf_clear(&text);
	tb_arena_clear(&arena);
	return code;
}

enum tb_code config_regions_load(struct regions **out, const char *dir, struct tb_error *err)
{
	*out = NULL;
	struct tb_arena arena = {0};
	struct tb_buf text = {0};
	struct tb_error inner = {0};
	const char *path;
	enum tb_code code = override(&text, &path, &arena, dir, "regions", err);
	if (code == TB_OK) {
		if (!path) {
			tb_buf_add(&text, data_regions, data_regions_size);
			tb_buf_str(&text, "\n");
			tb_buf_add(&text, data_regions_direct_county, data_regions_direct_county_size);
		}
		code = regions_parse(out, tb_buf_bytes(&text), &inner);
		if (code != TB_OK)
			tb_fail_at(err, code, &inner, "%s", path ? path : "compiled regions");
	}
	tb_buf_clear(&text);
	tb_arena_clear(&arena);
	return code;
}

const char *config_region_name(const struct regions *regions, const char *code)
{
	return regions_name(regions, code);
}

/* Places in which two codes differ; a missing digit differs. */
static size_t code_distance(const char *a, const char *b)
{
	size_t distance = 0;
	for (; *a || *b; a += *a != '\0', b += *b != '\0')
		distance += *a != *b;
	return distance;
}

enum tb_code config_region_unknown(const struct regions *regions, const char *code, struct tb_error *err)
{
	enum { DISTANCE_MAX = 2 };
	const char *best_code = NULL;
	const char *best_name = NULL;
	size_t best = DISTANCE_MAX + 1;
	for (size_t i = 0; i < regions_count(regions); i++) {
		const char *row_code, *row_name;
		regions_at(regions, i, &row_code, &row_name);
		/* A name in place of a code: "常州" for 常州市. */
		size_t distance = *code && strstr(row_name, code) ? 0 : code_distance(row_code, code);
		if (distance < best) {
			best = distance;
			best_code = row_code;
			best_name = row_name;
		}
	}
	if (!best_code)
		return tb_refuse(err, TB_REASON_CONFIG_REGION, code, NULL);
	return tb_refuse(err, TB_REASON_CONFIG_REGION_NEAR, code, best_code, best_name, NULL);
}

/* ---- node.yaml */

/* Nobody else's machine can reach it. */
static bool is_loopback(const char *address)
{
	struct in_addr four;
	char host[CONFIG_ENDPOINT_BYTES_MAX + 1];
	snprintf(host, sizeof(host), "%.*s", (int)(strrchr(address, ':') - address), address);
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

static enum tb_code check_api(const struct yamldoc *doc, const struct api_yaml *api, struct tb_error *err)
{
	if (!config_address_valid(api->listen, true))
		return yamldoc_fail(doc, "api.listen", api->listen, 0, err, "%s is not host:port",
		                    api->listen);
	/* Tokens and citizens' data would travel in clear. */
	if (!api->tls && !is_loopback(api->listen))
		return yamldoc_fail(doc, "api.listen", api->listen, 0, err,
		                    "%s: without api.tls the local API listens on a loopback address only",
		                    api->listen);
	return TB_OK;
}

static enum tb_code check_hours(const struct yamldoc *doc, const char *name, const unsigned *hours,
                                struct tb_error *err)
{
	char field[40];
	snprintf(field, sizeof(field), "due_soon_hours.%s", name);
	return !hours || *hours <= DUE_SOON_HOURS_MAX
	               ? TB_OK
	               : yamldoc_fail(doc, field, NULL, 0, err, "%u is over %d", *hours, DUE_SOON_HOURS_MAX);
}

static enum tb_code check_due_soon(const struct yamldoc *doc, const struct due_soon_yaml *hours,
                                   struct tb_error *err)
{
	enum tb_code code = check_hours(doc, "default", hours->all, err);
	if (code == TB_OK)
		code = check_hours(doc, "matters", hours->matters, err);
	for (int i = PB_CLOCK__T1_NOTIFY; i < CORE_CLOCKS && code == TB_OK; i++) {
		char name[8];
		snprintf(name, sizeof(name), "T%d", i);
		code = check_hours(doc, name, hours->of[i], err);
	}
	return code;
}

static enum tb_code check_webhooks(const struct yamldoc *doc, const struct webhooks_yaml *hooks,
                                   struct tb_error *err)
{
	struct address_range range;
	struct tb_error why;
	for (unsigned i = 0; i < hooks->allow_count; i++) {
		const char *host = hooks->allow[i];
		bool port = host[0] == '[' ? strstr(host, "]:") != NULL : strchr(host, ':') != NULL;
		char with_port[CONFIG_ENDPOINT_BYTES_MAX + 5];
		snprintf(with_port, sizeof(with_port), "%s%s", host, port ? "" : ":443");
		if (!config_address_valid(with_port, false) || strpbrk(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
			return yamldoc_fail(doc, "webhooks.allow", host, 0, err,
			                    "%s is not host or host:port, in small letters", host);
	}
	for (unsigned i = 0; i < hooks->networks_count; i++) {
		if (address_range_parse(&range, hooks->networks[i], &why))
			return yamldoc_fail(doc, "webhooks.networks", hooks->networks[i], 0, err, "%.200s",
			                    why.text);
	}
	if (hooks->patience_hours && (*hooks->patience_hours == 0 || *hooks->patience_hours > HOURS_MOST))
		return yamldoc_fail(doc, "webhooks.patience_hours", NULL, 0, err, "%u is not in 1 to %d",
		                    *hooks->patience_hours, HOURS_MOST);
	return TB_OK;
}

static enum tb_code check_retention(const struct yamldoc *doc, const struct retention_yaml *retention,
                                    struct tb_error *err)
{
	const struct {
		const char *field;
		const unsigned *years;
	} kinds[] = {{"retention.cases", retention->cases}, {"retention.materials", retention->materials}};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].years && (*kinds[i].years == 0 || *kinds[i].years > YEARS_MOST))
			return yamldoc_fail(doc, kinds[i].field, NULL, 0, err, "%u is not in 1 to %d years",
			                    *kinds[i].years, YEARS_MOST);
	}
	return TB_OK;
}

static enum tb_code check_node(const struct yamldoc *doc, const struct node_yaml *node,
                               const struct regions *regions, struct tb_error *err)
{
	if (!config_region_name(regions, node->region))
		return yamldoc_fail(doc, "region", NULL, 0, err, "%s is in no region table", node->region);
	if (node->name && !tb_text_printable(tb_bytes_str(node->name)))
		return yamldoc_fail(doc, "name", NULL, 0, err, "control characters are not allowed");
	if (!config_address_valid(node->listen, true))
		return yamldoc_fail(doc, "listen", NULL, 0, err, "%s is not host:port", node->listen);
	if (node->endpoint && *node->endpoint && !config_address_valid(node->endpoint, false))
		return yamldoc_fail(doc, "endpoint", NULL, 0, err, "%s is not host:port", node->endpoint);
	if (node->store_max_gib && (*node->store_max_gib == 0 || *node->store_max_gib > STORE_GIB_MAX))
		return yamldoc_fail(doc, "store_max_gib", NULL, 0, err, "%u is not in 1 to %d",
		                    *node->store_max_gib, STORE_GIB_MAX);
	enum tb_code code = node->due_soon ? check_due_soon(doc, node->due_soon, err) : TB_OK;
	if (code == TB_OK && node->webhooks)
		code = check_webhooks(doc, node->webhooks, err);
	if (code == TB_OK && node->retention)
		code = check_retention(doc, node->retention, err);
	return code == TB_OK && node->api ? check_api(doc, node->api, err) : code;
}

/* Relative to the node's directory. */
static const char *own_path(struct config *config, const char *path)
{
	return path[0] == '/' ? tb_arena_str(&config->arena, path)
	                      : config_path(&config->arena, config->dir, "%s", path);
}

static void fill_api(struct config *config, const struct api_yaml *api)
{
	config->api_listen = tb_arena_str(&config->arena, api->listen);
	if (!api->tls)
		return;
	config->api_tls_certificate = own_path(config, api->tls->certificate);
	config->api_tls_key = own_path(config, api->tls->key);
}

static void fill_due_soon(struct config *config, const struct due_soon_yaml *hours)
{
	for (int i = 0; hours && i < CORE_CLOCKS; i++) {
		const unsigned *own = i == 0 ? hours->matters : hours->of[i];
		const unsigned *given = own ? own : hours->all;
		if (given)
			config->warn_before[i] = *given ? (tb_time)*given * TB_HOUR : CORE_NO_WARNING;
	}
}

static void fill_webhooks(struct config *config, const struct webhooks_yaml *hooks)
{
	struct tb_arena *arena = &config->arena;
	const char **hosts = tb_arena_alloc(arena, (hooks->allow_count + 1) * sizeof(*hosts));
	struct address_range *networks = tb_arena_alloc(arena, hooks->networks_count * sizeof(*networks));
	for (unsigned i = 0; i < hooks->allow_count; i++)
		hosts[i] = tb_arena_str(arena, hooks->allow[i]);
	for (unsigned i = 0; i < hooks->networks_count; i++) {
		enum tb_code code = address_range_parse(&networks[i], hooks->networks[i], NULL);
		assert(code == TB_OK); /* check_webhooks() has seen it. */
	}
	config->webhook_hosts = hosts;
	config->webhook_networks = networks;
	config->webhook_networks_count = hooks->networks_count;
	config->webhook_ca = hooks->ca ? own_path(config, hooks->ca) : NULL;
	config->webhook_patience = hooks->patience_hours ? *hooks->patience_hours * TB_HOUR : 0;
}

static void fill(struct config *config, const struct node_yaml *node)
{
	struct tb_arena *arena = &config->arena;
	unsigned gib = node->store_max_gib ? *node->store_max_gib : STORE_GIB_DEFAULT;
	config->region = tb_arena_str(arena, node->region);
	config->name = tb_arena_str(arena, node->name && *node->name
	                                           ? node->name
	                                           : config_region_name(config->regions, node->region));
	config->listen = tb_arena_str(arena, node->listen);
	config->endpoint = tb_arena_str(arena, node->endpoint);
	config->store_max_bytes = (uint64_t)gib << 30;
	if (node->api)
		fill_api(config, node->api);
	if (node->webhooks)
		fill_webhooks(config, node->webhooks);
	if (node->retention) {
		config->retention_cases = node->retention->cases ? *node->retention->cases : 0;
		config->retention_materials = node->retention->materials ? *node->retention->materials : 0;
	}
	fill_due_soon(config, node->due_soon);
	config->log_level = node->log_level ? (enum tb_log_level)(node->log_level - 1) : TB_LOG_INFO;
}

/* What the permissions must be; those that are not there are missed by whoever reads them. */
static enum tb_code check_permissions(struct config *config, struct tb_error *err)
{
	static const char *const private_files[] = {"keys/ca.key", "keys/node.key", "keys/message.key",
	                                            "keys/seal.key", "keys/vault.key"};
	static const char *const dirs[] = {"certs", "peers", "data"};
	enum tb_code code = file_check_dir(config->dir, false, err);
	if (code == TB_OK)
		code = file_check_dir(config_path(&config->arena, config->dir, "keys"), true, err);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && code == TB_OK; i++) {
		const char *path = config_path(&config->arena, config->dir, "%s", dirs[i]);
		if (file_exists(path))
			code = file_check_dir(path, false, err);
	}
	for (size_t i = 0; i < sizeof(private_files) / sizeof(private_files[0]) && code == TB_OK; i++) {
		const char *path = config_path(&config->arena, config->dir, "%s", private_files[i]);
		if (file_exists(path))
			code = file_check_private(path, err);
	}
	return code;
}

static enum tb_code load_node(struct config *config, struct tb_error *err)
{
	struct tb_buf text = {0};
	struct yamldoc doc = {0};
	const char *path = config_path(&config->arena, config->dir, "node.yaml");
	enum tb_code code = file_read(&text, path, TB_FILE_BYTES_MAX, err);
	if (code == TB_ENOTFOUND)
		code = tb_refuse_as(err, code, TB_REASON_DIR_NO_NODE, config->dir, NULL);
	if (code == TB_OK)
		code = yamldoc_load(&doc, path, tb_buf_bytes(&text), &node_value, err);
	if (code == TB_OK)
		code = check_node(&doc, doc.data, config->regions, err);
	if (code == TB_OK)
		fill(config, doc.data);
	yamldoc_free(&doc);
	tb_buf_clear(&text);
	return code;
}

enum tb_code config_load(struct config **out, const char *dir, struct tb_error *err)
{
	*out = NULL;
	struct config *config = tb_alloc(sizeof(*config));
	char *own = tb_arena_str(&config->arena, dir);
	for (size_t size = strlen(own); size > 1 && own[size - 1] == '/'; size--)
		own[size - 1] = '\0';
	config->dir = own;
	config->api_socket = config_path(&config->arena, own, "api.sock");
	config->store_dir = config_path(&config->arena, own, "store");
	config->blobs_dir = config_path(&config->arena, own, "blobs");
	enum tb_code code = TB_OK;
	if (!file_exists(config_path(&config->arena, own, "node.yaml")))
		code = tb_refuse(err, TB_REASON_DIR_NO_NODE, own, NULL);
	if (code == TB_OK)
		code = check_permissions(config, err);
	if (code == TB_OK)
		code = config_regions_load(&config->regions, own, err);
	if (code == TB_OK)
		code = calendar_load(&config->calendar, own, err);
	if (code == TB_OK)
		code = load_node(config, err);
	if (code != TB_OK) {
		config_free(config);
		return code;
	}
	*out = config;
	return TB_OK;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	if (config->regions)
		regions_free(config->regions);
	if (config->calendar)
		calendar_free(config->calendar);
	tb_arena_clear(&config->arena);
	free(config);
}
