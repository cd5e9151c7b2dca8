/* What the config_*.c files share. */
#pragma once

#include "node/io/config.h"
#include "node/io/file.h"
#include "node/io/yamldoc_priv.h"

enum {
	CONFIG_KEY_BYTES_MAX = 16 * 1024, /* a key file */
	CONFIG_PEM_BYTES_MAX = 64 * 1024, /* a file of certificates */
	CONFIG_ENDPOINT_BYTES_MAX = 255,
	CONFIG_WEBHOOK_HOSTS_MAX = 64,
};

/* "host:port", as gRPC takes it; port 0 only if |any_port|. */
bool config_address_valid(const char *text, bool any_port);
/* DIR/... in |arena|. */
char *config_path(struct tb_arena *arena, const char *dir, const char *fmt, ...) TB_PRINTF(3, 4);
/* The tables that the directory overrides, or the compiled ones. */
TB_MUST_CHECK enum tb_code config_regions_load(struct regions **out, const char *dir, struct tb_error *err);
/* NULL if the table does not hold it. */
const char *config_region_name(const struct regions *regions, const char *code);
/* TB_EINVALID that names a region which is spelt like |code|, if there is one. */
enum tb_code config_region_unknown(const struct regions *regions, const char *code, struct tb_error *err);

/* ---- config_maps.c: the maps: of a peer's file */
struct config_code {
	char *item;
	char *theirs;
	char *ours;
};

struct config_map {
	struct config_code *codes;
	unsigned count;
};

enum { CONFIG_MAPS = 5 };

struct config_maps {
	struct config_map of[CONFIG_MAPS];
};

extern const cyaml_schema_field_t config_maps_fields[];
/* What the schema cannot say. TB_EINVALID. */
TB_MUST_CHECK enum tb_code config_maps_check(const struct yamldoc *doc, const struct config_maps *maps,
                                             struct tb_error *err);
/* The entries in |arena|; their texts are borrowed. */
const struct peer_code *config_maps_of(const struct config_maps *maps, size_t *count, struct tb_arena *arena);
