#include "node/io/config_priv.h"
#include "node/core/casetable.h"
#include "node/core/ident.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRANTS_MAX = 256,       /* of one kind, in one file */
	GRANT_NAMES_MAX = 2000, /* types or items of one grant */
	GRANT_MODES_MAX = 8,
	QUERIES_PER_SECOND = 200, /* where the file says nothing */
	QUERIES_BURST = 1000,
	QUERIES_MAX = 1000000,
	EXPORT_VERSION = 1,
};

struct verify_yaml {
	char **types;
	unsigned types_count;
	PbDisclosure disclosure;
};

struct cases_yaml {
	char **items;
	unsigned items_count;
	char **modes;
	unsigned modes_count;
};

struct grants_yaml {
	struct verify_yaml *verify;
	unsigned verify_count;
	struct cases_yaml *cases;
	unsigned cases_count;
};

struct peer_yaml {
	char *region;
	char *name;
	char *endpoint;
	struct grants_yaml *grants;
	struct config_maps *maps;
	unsigned *queries_per_second;
	unsigned *queries_burst;
};

static const cyaml_schema_value_t name_value = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TB_ID_BYTES_MAX)};

static const cyaml_strval_t disclosures[] = {
	{"status", PB_DISCLOSURE__STATUS},
	{"match", PB_DISCLOSURE__MATCH},
	{"document", PB_DISCLOSURE__DOCUMENT},
};

static const cyaml_schema_field_t verify_fields[] = {
	CYAML_FIELD_SEQUENCE("types", CYAML_FLAG_POINTER, struct verify_yaml, types, &name_value, 1,
                             GRANT_NAMES_MAX),
	CYAML_FIELD_ENUM("disclosure", CYAML_FLAG_STRICT, struct verify_yaml, disclosure, disclosures,
                         CYAML_ARRAY_LEN(disclosures)),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t verify_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct verify_yaml, verify_fields)};

static const cyaml_schema_field_t cases_fields[] = {
	CYAML_FIELD_SEQUENCE("items", CYAML_FLAG_POINTER, struct cases_yaml, items, &name_value, 1,
                             GRANT_NAMES_MAX),
	CYAML_FIELD_SEQUENCE("modes", CYAML_FLAG_POINTER, struct cases_yaml, modes, &name_value, 1,
                             GRANT_MODES_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t cases_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct cases_yaml, cases_fields)};

/* A key whose lines are all commented out grants nothing, as one that is missing does. */
static const cyaml_schema_field_t grants_fields[] = {
	CYAML_FIELD_SEQUENCE("verify", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct grants_yaml,
                             verify, &verify_value, 0, GRANTS_MAX),
	CYAML_FIELD_SEQUENCE("cases", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct grants_yaml,
                             cases, &cases_value, 0, GRANTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t peer_fields[] = {
	CYAML_FIELD_STRING_PTR("region", CYAML_FLAG_POINTER, struct peer_yaml, region, 1,
                               PKI_REGION_ROOM - 1),
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct peer_yaml, name, 0,
                               TB_NAME_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("endpoint", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct peer_yaml,
                               endpoint, 0, CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_MAPPING_PTR("grants", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct peer_yaml,
                                grants, grants_fields),
	CYAML_FIELD_MAPPING_PTR("maps", CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL, struct peer_yaml, maps,
                                config_maps_fields),
	CYAML_FIELD_UINT_PTR("queries_per_second", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct peer_yaml,
                             queries_per_second),
	CYAML_FIELD_UINT_PTR("queries_burst", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct peer_yaml,
                             queries_burst),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t peer_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct peer_yaml, peer_fields)};

/* ---- reading */

enum names { TYPES, ITEMS, MODES };

static enum tb_code check_names(const struct yamldoc *doc, const char *field, char *const *names,
                                size_t count, enum names kind, struct tb_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = names[i];
		if (!tb_text_printable(tb_bytes_str(name)))
			return yamldoc_fail(doc, field, NULL, 0, err, "control characters are not allowed");
		const struct case_mode *mode = kind == MODES ? case_mode_find(name) : NULL;
		if (kind == MODES && (!mode || mode->listed_as))
			return yamldoc_fail(doc, field, name, 0, err, "%s is no handling mode", name);
		if (kind != MODES && strcmp(name, "*") != 0 && strchr(name, '*'))
			return yamldoc_fail(doc, field, name, 0, err, "%s: \"*\" stands alone", name);
		if (kind == TYPES && strcmp(name, "*") != 0 && !ident_type_valid(name))
			return yamldoc_fail(doc, field, name, 0, err,
			                    "%s is no certificate type (21 characters)", name);
	}
	return TB_OK;
}

static enum tb_code check_grants(const struct yamldoc *doc, const struct grants_yaml *grants,
                                 struct tb_error *err)
{
	char field[96];
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < grants->verify_count && code == TB_OK; i++) {
		snprintf(field, sizeof(field), "grants.verify[%zu].types", i);
		code = check_names(doc, field, grants->verify[i].types, grants->verify[i].types_count, TYPES,
		                   err);
	}
	for (size_t i = 0; i < grants->cases_count && code == TB_OK; i++) {
		const struct cases_yaml *cases = &grants->cases[i];
		snprintf(field, sizeof(field), "grants.cases[%zu].items", i);
		code = check_names(doc, field, cases->items, cases->items_count, ITEMS, err);
		if (code != TB_OK)
			break;
		snprintf(field, sizeof(field), "grants.cases[%zu].modes", i);
		code = check_names(doc, field, cases->modes, cases->modes_count, MODES, err);
	}
	return code;
}

static enum tb_code check_peer(const struct yamldoc *doc, const struct peer_yaml *peer, const char *own,
                               const struct regions *regions, struct tb_error *err)
{
	const char *slash = strrchr(doc->file, '/');
	const char *stem = slash ? slash + 1 : doc->file;
	if (!config_region_name(regions, peer->region))
		return yamldoc_fail(doc, "region", NULL, 0, err, "%s is in no region table", peer->region);
	if (strcmp(peer->region, own) == 0)
		return yamldoc_fail(doc, "region", NULL, 0, err, "%s is this node's own region",
		                    peer->region);
	if (strncmp(stem, peer->region, strlen(peer->region)) != 0 ||
	    strcmp(stem + strlen(peer->region), ".yaml") != 0)
		return yamldoc_fail(doc, "region", NULL, 0, err,
		                    "%s does not fit the file's name; call it %s.yaml", peer->region,
		                    peer->region);
	if (peer->name && !tb_text_printable(tb_bytes_str(peer->name)))
		return yamldoc_fail(doc, "name", NULL, 0, err, "control characters are not allowed");
	if (peer->endpoint && *peer->endpoint && !config_address_valid(peer->endpoint, false))
		return yamldoc_fail(doc, "endpoint", NULL, 0, err, "%s is not host:port", peer->endpoint);
	if (peer->queries_per_second && *peer->queries_per_second > QUERIES_MAX)
		return yamldoc_fail(doc, "queries_per_second", NULL, 0, err, "over %d", QUERIES_MAX);
	if (peer->queries_burst && *peer->queries_burst > QUERIES_MAX)
		return yamldoc_fail(doc, "queries_burst", NULL, 0, err, "over %d", QUERIES_MAX);
	enum tb_code code = peer->grants ? check_grants(doc, peer->grants, err) : TB_OK;
	return code == TB_OK && peer->maps ? config_maps_check(doc, peer->maps, err) : code;
}

static const char *const *list_of(struct tb_arena *arena, char *const *names, size_t count)
{
	const char **list = tb_arena_alloc(arena, (count + 1) * sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = names[i];
	return list;
}

static struct peer peer_of(const struct peer_yaml *from, const struct regions *regions,
                           struct tb_arena *arena)
{
	struct peer peer = {
		.region = from->region,
		.name = from->name && *from->name ? from->name : config_region_name(regions, from->region),
		.endpoint = from->endpoint ? from->endpoint : "",
		.queries_per_second =
			from->queries_per_second ? *from->queries_per_second : QUERIES_PER_SECOND,
		.queries_burst = from->queries_burst ? *from->queries_burst : QUERIES_BURST,
	};
	if (from->maps)
		peer.codes = config_maps_of(from->maps, &peer.codes_count, arena);
	if (!from->grants)
		return peer;
	struct peer_verify_grant *verify =
		tb_arena_alloc(arena, from->grants->verify_count * sizeof(*verify));
	for (size_t i = 0; i < from->grants->verify_count; i++) {
		const struct verify_yaml *grant = &from->grants->verify[i];
		verify[i].types = list_of(arena, grant->types, grant->types_count);
		verify[i].disclosure = grant->disclosure;
	}
	struct peer_case_grant *cases = tb_arena_alloc(arena, from->grants->cases_count * sizeof(*cases));
	for (size_t i = 0; i < from->grants->cases_count; i++) {
		const struct cases_yaml *grant = &from->grants->cases[i];
		cases[i].items = list_of(arena, grant->items, grant->items_count);
		cases[i].modes = list_of(arena, grant->modes, grant->modes_count);
	}
	peer.verify = verify;
	peer.verify_count = from->grants->verify_count;
	peer.cases = cases;
	peer.cases_count = from->grants->cases_count;
	return peer;
}

/* Adds the peer of DIR/peers/<stem>.yaml. */
static enum tb_code add_peer(struct peer_set *set, const char *path, const char *own,
                             const struct regions *regions, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct tb_buf text = {0};
	struct tb_buf pem = {0};
	struct yamldoc doc = {0};
	enum tb_code code = file_read(&text, path, TB_FILE_BYTES_MAX, err);
	if (code == TB_OK)
		code = yamldoc_load(&doc, path, tb_buf_bytes(&text), &peer_value, err);
	if (code == TB_OK)
		code = check_peer(&doc, doc.data, own, regions, err);
	if (code != TB_OK)
		goto out;
	struct peer peer = peer_of(doc.data, regions, &arena);
	char *pem_path = tb_arena_printf(&arena, "%.*s.pem", (int)(strlen(path) - strlen(".yaml")), path);
	code = file_read(&pem, pem_path, CONFIG_PEM_BYTES_MAX, err);
	if (code != TB_OK)
		goto out;
	struct tb_error inner = {0};
	code = peer_set_add(set, &peer, tb_buf_bytes(&pem), &inner);
	if (code != TB_OK)
		code = tb_fail_at(err, code, &inner, "%s", pem_path);
out:
	yamldoc_free(&doc);
	tb_buf_clear(&pem);
	tb_buf_clear(&text);
	tb_arena_clear(&arena);
	return code;
}

static int is_peer_file(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);
	return entry->d_name[0] != '.' && size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

enum tb_code config_peers(struct peer_set **out, const char *dir, const char *own,
                          const struct regions *regions, struct tb_error *err)
{
	*out = NULL;
	struct tb_arena arena = {0};
	struct peer_set *set = peer_set_new();
	struct dirent **entries = NULL;
	char *peers = config_path(&arena, dir, "peers");
	enum tb_code code = TB_OK;
	/* Sorted, so that the same files always give the same error first. */
	int count = scandir(peers, &entries, is_peer_file, alphasort);
	if (count < 0 && errno != ENOENT)
		code = tb_fail(err, TB_EIO, "%s: cannot be listed: %s", peers, strerror(errno));
	if (count > TB_PEERS_MAX)
		code = tb_fail(err, TB_ETOOBIG, "%s: %d peers, over %d", peers, count, TB_PEERS_MAX);
	for (int i = 0; i < count && code == TB_OK; i++)
		code = add_peer(set, config_path(&arena, peers, "%s", entries[i]->d_name), own, regions, err);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	tb_arena_clear(&arena);
	if (code != TB_OK) {
		peer_set_unref(set);
		return code;
	}
	*out = set;
	return TB_OK;
}

/* ---- export */

static int digests_order(const void *a, const void *b)
{
	return memcmp(a, b, PKI_HASH_BYTES);
}

/* What people compare must change with every anchor that is trusted: of one anchor it is its key's, of
 * several SHA-256 over the keys', in ascending order (docs/protocol.md, 1.4). */
static enum tb_code anchors_fingerprint(char fingerprint[2 * PKI_HASH_BYTES + 1],
                                        const struct tb_bytes *anchors, size_t count, struct tb_error *err)
{
	uint8_t digests[TB_CHAIN_CERTS_MAX][PKI_HASH_BYTES];
	assert(count > 0 && count <= TB_CHAIN_CERTS_MAX);
	for (size_t i = 0; i < count; i++) {
		enum tb_code code = pki_cert_fingerprint(digests[i], anchors[i], err);
		if (code != TB_OK)
			return code;
	}
	if (count > 1) {
		uint8_t all[PKI_HASH_BYTES];
		qsort(digests, count, sizeof(digests[0]), digests_order);
		pki_sha256(all, tb_bytes_of(digests, count * sizeof(digests[0])));
		memcpy(digests[0], all, sizeof(all));
	}
	tb_hex(fingerprint, digests[0], sizeof(digests[0]));
	return TB_OK;
}

/* |pem| without anything that is not a certificate, and what identifies it. */
static enum tb_code anchors_normal(struct tb_buf *normal, struct config_anchors *anchors, struct tb_bytes pem,
                                   struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t count = 0;
	enum tb_code code = pki_pem_to_chain(chain, &count, pem, &arena, err);
	if (code == TB_OK && count == 0)
		code = tb_fail(err, TB_EMALFORMED, "no certificate");
	if (code == TB_OK)
		code = anchors_fingerprint(anchors->fingerprint, chain, count, err);
	if (code == TB_OK) {
		anchors->count = count;
		pki_chain_to_pem(normal, chain, count);
	}
	tb_arena_clear(&arena);
	return code;
}

static void add_indented(struct tb_buf *out, struct tb_bytes text)
{
	for (size_t at = 0; at < text.size;) {
		const uint8_t *newline = memchr(text.data + at, '\n', text.size - at);
		size_t size = newline ? (size_t)(newline - text.data) - at : text.size - at;
		tb_buf_printf(out, "  %.*s\n", (int)size, (const char *)text.data + at);
		at += size + 1;
	}
}

enum tb_code config_peer_export(const char *dir, struct tb_buf *out, struct config_anchors *anchors,
                                struct tb_error *err)
{
	struct config *config = NULL;
	struct tb_buf pem = {0};
	struct tb_buf normal = {0};
	enum tb_code code = config_load(&config, dir, err);
	if (code != TB_OK)
		return code;
	const char *path = config_path(&config->arena, dir, "certs/ca.pem");
	code = file_read(&pem, path, CONFIG_PEM_BYTES_MAX, err);
	if (code == TB_OK)
		code = anchors_normal(&normal, anchors, tb_buf_bytes(&pem), err);
	if (code == TB_OK) {
		tb_buf_printf(
			out,
			"# A tongban peer. The partner runs: tongban peer import FILE\n"
			"# Both sides compare the fingerprint by another way, by telephone for instance.\n"
			"tongban_peer: %d\nregion: \"%s\"\nname: ",
			EXPORT_VERSION, config->region);
		yamldoc_quote(out, config->name);
		tb_buf_str(out, "\nendpoint: ");
		yamldoc_quote(out, config->endpoint);
		tb_buf_printf(out, "\nfingerprint: \"%s\"\nanchor: |\n", anchors->fingerprint);
		add_indented(out, tb_buf_bytes(&normal));
	}
	tb_buf_clear(&normal);
	tb_buf_clear(&pem);
	config_free(config);
	return code;
}

/* ---- import */

struct export_yaml {
	unsigned version;
	char *region;
	char *name;
	char *endpoint;
	char *fingerprint;
	char *anchor;
};

static const cyaml_schema_field_t export_fields[] = {
	CYAML_FIELD_UINT("tongban_peer", CYAML_FLAG_DEFAULT, struct export_yaml, version),
	CYAML_FIELD_STRING_PTR("region", CYAML_FLAG_POINTER, struct export_yaml, region, 1,
                               PKI_REGION_ROOM - 1),
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct export_yaml, name, 1, TB_NAME_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("endpoint", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct export_yaml,
                               endpoint, 0, CONFIG_ENDPOINT_BYTES_MAX),
	CYAML_FIELD_STRING_PTR("fingerprint", CYAML_FLAG_POINTER, struct export_yaml, fingerprint,
                               2 * PKI_HASH_BYTES, 2 * PKI_HASH_BYTES),
	CYAML_FIELD_STRING_PTR("anchor", CYAML_FLAG_POINTER, struct export_yaml, anchor, 1,
                               CONFIG_PEM_BYTES_MAX),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t export_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct export_yaml, export_fields)};

static enum tb_code check_export(const struct yamldoc *doc, const struct export_yaml *export,
                                 const struct config *config, struct tb_buf *pem,
                                 struct config_anchors *anchors, struct tb_error *err)
{
	if (export->version != EXPORT_VERSION)
		return yamldoc_fail(doc, "tongban_peer", NULL, 0, err, "version %u, this program reads %d",
		                    export->version, EXPORT_VERSION);
	if (!config_region_name(config->regions, export->region))
		return yamldoc_fail(doc, "region", NULL, 0, err, "%s is in no region table", export->region);
	if (strcmp(export->region, config->region) == 0)
		return yamldoc_fail(doc, "region", NULL, 0, err, "%s is this node's own region",
		                    export->region);
	if (!tb_text_printable(tb_bytes_str(export->name)))
		return yamldoc_fail(doc, "name", NULL, 0, err, "control characters are not allowed");
	if (export->endpoint && *export->endpoint && !config_address_valid(export->endpoint, false))
		return yamldoc_fail(doc, "endpoint", NULL, 0, err, "%s is not host:port", export->endpoint);

	struct tb_error inner = {0};
	if (anchors_normal(pem, anchors, tb_bytes_str(export->anchor), &inner) != TB_OK)
		return yamldoc_fail(doc, "anchor", NULL, 0, err, "%s", inner.text);
	struct pki_trust *trust = pki_trust_new();
	enum tb_code code = pki_trust_add(trust, export->region, tb_buf_bytes(pem), &inner);
	pki_trust_unref(trust);
	if (code != TB_OK)
		return yamldoc_fail(doc, "anchor", NULL, 0, err, "%s", inner.text);
	if (strcmp(anchors->fingerprint, export->fingerprint) != 0)
		return yamldoc_fail(doc, "fingerprint", NULL, 0, err,
		                    anchors->count == 1 ? "the anchor's is %s" : "the anchors' is %s",
		                    anchors->fingerprint);
	return TB_OK;
}

static void new_peer_text(struct tb_buf *text, const struct export_yaml *export)
{
	tb_buf_printf(text, "region: \"%s\"\nname: ", export->region);
	yamldoc_quote(text, export->name);
	tb_buf_str(text, "\nendpoint: ");
	yamldoc_quote(text, export->endpoint ? export->endpoint : "");
	tb_buf_printf(text,
	              "\n\n"
	              "# What this peer may do here. Nothing is granted until it is written here and the "
	              "node is told\n"
	              "# to read its files again (tongban peer reload, or SIGHUP).\n"
	              "grants:\n"
	              "#  verify:\n"
	              "#    - types: [\"11100000MB0143028R001\"]   # certificate types; [\"*\"]: every type\n"
	              "#      disclosure: status                  # status, match or document\n"
	              "#  cases:\n"
	              "#    - items: [\"*\"]                        # item codes that it may hand in\n"
	              "#      modes: [DS]\n\n"
	              "queries_per_second: %d\nqueries_burst: %d\n",
	              QUERIES_PER_SECOND, QUERIES_BURST);
}

/* Copies |old| with the line of the top-level |key| replaced, or added in front if there is none. */
static void replace_line(struct tb_buf *text, const char *old, const char *key, const char *value)
{
	struct tb_buf line = {0};
	tb_buf_printf(&line, "%s: ", key);
	size_t prefix = line.size - 1;
	yamldoc_quote(&line, value);
	tb_buf_str(&line, "\n");
	bool done = false;
	struct tb_buf rest = {0};
	for (const char *at = old; *at;) {
		const char *newline = strchr(at, '\n');
		size_t size = newline ? (size_t)(newline - at) + 1 : strlen(at);
		if (!done && size >= prefix && memcmp(at, line.data, prefix) == 0) {
			tb_buf_add(&rest, line.data, line.size);
			done = true;
		} else {
			tb_buf_add(&rest, at, size);
		}
		at += size;
	}
	if (!done)
		tb_buf_add(text, line.data, line.size);
	tb_buf_add(text, rest.data, rest.size);
	tb_buf_clear(&rest);
	tb_buf_clear(&line);
}

/* The new text of a peer file that is there already: the operator's grants and comments stay. */
static enum tb_code update_peer_text(struct tb_buf *text, const char *path, const struct export_yaml *export,
                                     struct tb_error *err)
{
	struct tb_buf old = {0};
	struct tb_buf named = {0};
	struct yamldoc doc = {0};
	enum tb_code code = file_read(&old, path, TB_FILE_BYTES_MAX, err);
	if (code == TB_OK) {
		replace_line(&named, tb_buf_text(&old), "name", export->name);
		replace_line(text, tb_buf_text(&named), "endpoint", export->endpoint ? export->endpoint : "");
		/* A name or endpoint that the operator spread over several lines would end up broken. */
		code = yamldoc_load(&doc, path, tb_buf_bytes(text), &peer_value, err);
		yamldoc_free(&doc);
	}
	tb_buf_clear(&named);
	tb_buf_clear(&old);
	return code;
}

static enum tb_code store_peer(struct config_peer_imported *out, struct config *config,
                               const struct export_yaml *export, struct tb_bytes pem, bool force,
                               struct tb_error *err)
{
	const char *yaml_path = config_path(&config->arena, config->dir, "peers/%s.yaml", export->region);
	const char *pem_path = config_path(&config->arena, config->dir, "peers/%s.pem", export->region);
	struct tb_buf old_pem = {0};
	struct tb_buf text = {0};
	enum tb_code code = TB_OK;
	out->known = file_exists(yaml_path);
	bool same = false;
	if (out->known && file_exists(pem_path)) {
		code = file_read(&old_pem, pem_path, CONFIG_PEM_BYTES_MAX, err);
		if (code != TB_OK)
			goto out;
		same = tb_bytes_equal(tb_buf_bytes(&old_pem), pem);
		if (!same && !force) {
			code = tb_refuse(err, TB_REASON_PEER_OTHER_ANCHORS, pem_path, export->region, NULL);
			goto out;
		}
		out->replaced = !same;
	}
	if (out->known)
		code = update_peer_text(&text, yaml_path, export, err);
	else
		new_peer_text(&text, export);
	/* The anchors first: a peer file without anchors would keep the node from starting. */
	if (code == TB_OK && !same)
		code = file_replace(pem_path, pem, 0644, err);
	if (code == TB_OK)
		code = file_replace(yaml_path, tb_buf_bytes(&text), 0644, err);
out:
	tb_buf_clear(&text);
	tb_buf_clear(&old_pem);
	return code;
}

enum tb_code config_peer_import(struct config_peer_imported *out, const char *dir, const char *file,
                                struct tb_bytes text, bool force, struct tb_error *err)
{
	*out = (struct config_peer_imported){0};
	if (text.size > CONFIG_PEM_BYTES_MAX + 4096)
		return tb_fail(err, TB_ETOOBIG, "%s: over %d bytes", file, CONFIG_PEM_BYTES_MAX + 4096);
	struct config *config = NULL;
	struct yamldoc doc = {0};
	struct tb_buf pem = {0};
	enum tb_code code = config_load(&config, dir, err);
	if (code != TB_OK)
		return code;
	code = yamldoc_load(&doc, file, text, &export_value, err);
	if (code != TB_OK)
		goto out;
	const struct export_yaml *export = doc.data;
	code = check_export(&doc, export, config, &pem, &out->anchors, err);
	if (code != TB_OK)
		goto out;
	snprintf(out->region, sizeof(out->region), "%s", export->region);
	snprintf(out->name, sizeof(out->name), "%s", export->name);
	snprintf(out->endpoint, sizeof(out->endpoint), "%s", export->endpoint ? export->endpoint : "");
	code = store_peer(out, config, export, tb_buf_bytes(&pem), force, err);
out:
	tb_buf_clear(&pem);
	yamldoc_free(&doc);
	config_free(config);
	return code;
}

enum tb_code config_peer_remove(const char *dir, const char *region, struct tb_error *err)
{
	/* |region| becomes part of a path. */
	if (strlen(region) >= PKI_REGION_ROOM || region[strspn(region, "0123456789")] || !*region)
		return tb_fail(err, TB_EINVALID, "not a region code");
	struct tb_arena arena = {0};
	enum tb_code code = file_remove(config_path(&arena, dir, "peers/%s.yaml", region), err);
	if (code == TB_ENOTFOUND)
		code = tb_refuse(err, TB_REASON_PEER_UNKNOWN, region, NULL);
	const char *pem = config_path(&arena, dir, "peers/%s.pem", region);
	if (code == TB_OK && file_exists(pem))
		code = file_remove(pem, err);
	tb_arena_clear(&arena);
	return code;
}
