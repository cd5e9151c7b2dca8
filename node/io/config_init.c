#include "node/io/config_priv.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "node/core/region.h"

#define YEAR (365 * TB_DAY)
/* Certificates are good from a little earlier on, for partners whose clocks are behind. */
#define EARLIER TB_HOUR

static const char ca_note[] =
	"ca.key is the key of this region's certification authority. The node runs without it: it is needed "
	"only\n"
	"to issue new certificates. Take it offline (a sealed medium, a safe) and delete it here.\n"
	"The other keys stay. None of them may be readable for anyone but the node's user.\n";

struct new_cert {
	const char *name; /* of the files */
	enum pki_role role;
	enum pki_suite suite;
	tb_time life;
};

static enum tb_code check_new(const struct config_new *init, const struct regions *regions,
                              struct tb_error *err)
{
	if (!config_region_name(regions, init->region))
		return config_region_unknown(regions, init->region, err);
	if (init->name && (!*init->name || strlen(init->name) > TB_NAME_BYTES_MAX ||
	                   !tb_text_printable(tb_bytes_str(init->name))))
		return tb_fail(err, TB_EINVALID, "name: 1 to %d bytes of printable text", TB_NAME_BYTES_MAX);
	if (init->listen &&
	    (strlen(init->listen) > CONFIG_ENDPOINT_BYTES_MAX || !config_address_valid(init->listen, true)))
		return tb_refuse(err, TB_REASON_CONFIG_LISTEN, init->listen, NULL);
	if (init->endpoint && *init->endpoint &&
	    (strlen(init->endpoint) > CONFIG_ENDPOINT_BYTES_MAX ||
	     !config_address_valid(init->endpoint, false)))
		return tb_refuse(err, TB_REASON_CONFIG_ENDPOINT, init->endpoint, NULL);
	return TB_OK;
}

static enum tb_code make_dir(const char *path, unsigned mode, struct tb_error *err)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return tb_fail(err, TB_EIO, "%s: cannot be made: %s", path, strerror(errno));
	return TB_OK;
}

static enum tb_code check_empty(const char *dir, struct tb_error *err)
{
	DIR *stream = opendir(dir);
	if (!stream)
		return tb_fail(err, TB_EIO, "%s: cannot be listed: %s", dir, strerror(errno));
	enum tb_code code = TB_OK;
	for (struct dirent *entry; code == TB_OK && (entry = readdir(stream)) != NULL;) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			code = tb_refuse(err, TB_REASON_DIR_NOT_EMPTY, dir, NULL);
	}
	closedir(stream);
	return code;
}

static enum tb_code make_dirs(const char *dir, struct tb_arena *arena, struct tb_error *err)
{
	static const char *const names[] = {"keys", "certs", "peers", "data", "store", "blobs"};
	enum tb_code code = make_dir(dir, 0700, err);
	if (code == TB_OK)
		code = check_empty(dir, err);
	/* One that was there already may be open to others. */
	if (code == TB_OK && chmod(dir, 0700) != 0)
		code = tb_fail(err, TB_EPERMISSIONS, "%s: cannot chmod 700: %s", dir, strerror(errno));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && code == TB_OK; i++)
		code = make_dir(config_path(arena, dir, "%s", names[i]), 0700, err);
	return code;
}

static enum tb_code write_key(const char *dir, const char *name, const struct pki_key *key,
                              struct tb_arena *arena, struct tb_error *err)
{
	struct tb_buf pem = {0};
	enum tb_code code = pki_key_to_pem(key, &pem, err);
	if (code == TB_OK)
		code = file_replace(config_path(arena, dir, "keys/%s.key", name), tb_buf_bytes(&pem), 0600,
		                    err);
	if (pem.size)
		explicit_bzero(pem.data, pem.size);
	tb_buf_clear(&pem);
	return code;
}

static enum tb_code make_leaf(const char *dir, const struct config_new *init, const struct new_cert *cert,
                              const struct pki_key *ca_key, struct tb_bytes ca_pem, struct tb_arena *arena,
                              struct tb_error *err)
{
	struct pki_key *key = NULL;
	struct tb_buf pem = {0};
	const struct pki_issue issue = {
		.region = init->region,
		.role = cert->role,
		.issuer = cert->role == PKI_ROLE_SEAL ? init->region : NULL,
		.common_name = tb_arena_printf(arena, "tongban %s %s", init->region, cert->name),
		.valid_from = init->now - EARLIER,
		.valid_until = init->now + cert->life,
	};
	enum tb_code code = pki_key_generate(&key, cert->suite, err);
	if (code == TB_OK)
		code = write_key(dir, cert->name, key, arena, err);
	if (code == TB_OK)
		code = pki_issue_leaf(&pem, key, ca_key, ca_pem, &issue, err);
	if (code == TB_OK)
		code = file_replace(config_path(arena, dir, "certs/%s.pem", cert->name), tb_buf_bytes(&pem),
		                    0644, err);
	tb_buf_clear(&pem);
	pki_key_free(key);
	return code;
}

static enum tb_code make_certs(const char *dir, const struct config_new *init, struct tb_arena *arena,
                               struct tb_error *err)
{
	const struct new_cert leaves[] = {
		{"node", PKI_ROLE_NODE, PKI_P256, 2 * YEAR},
		{"message", PKI_ROLE_MESSAGE, init->message_suite, 2 * YEAR},
		{"seal", PKI_ROLE_SEAL, PKI_P256, 5 * YEAR},
	};
	const struct pki_issue issue = {
		.region = init->region,
		.common_name = tb_arena_printf(arena, "tongban %s ca", init->region),
		.valid_from = init->now - EARLIER,
		.valid_until = init->now + 20 * YEAR,
		.ca = true,
	};
	struct pki_key *ca_key = NULL;
	struct tb_buf ca_pem = {0};
	enum tb_code code = pki_key_generate(&ca_key, PKI_P256, err);
	if (code == TB_OK)
		code = write_key(dir, "ca", ca_key, arena, err);
	if (code == TB_OK)
		code = pki_issue_ca(&ca_pem, ca_key, &issue, err);
	if (code == TB_OK)
		code = file_replace(config_path(arena, dir, "certs/ca.pem"), tb_buf_bytes(&ca_pem), 0644,
		                    err);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]) && code == TB_OK; i++)
		code = make_leaf(dir, init, &leaves[i], ca_key, tb_buf_bytes(&ca_pem), arena, err);
	tb_buf_clear(&ca_pem);
	pki_key_free(ca_key);
	return code;
}

static enum tb_code make_vault_key(const char *dir, struct tb_arena *arena, struct tb_error *err)
{
	uint8_t key[PKI_VAULT_KEY_BYTES];
	/* Up to 256 bytes are never cut short (getrandom(2)). */
	ssize_t got = getrandom(key, sizeof(key), 0);
	assert(got == (ssize_t)sizeof(key));
	enum tb_code code = file_replace(config_path(arena, dir, "keys/vault.key"),
	                                 tb_bytes_of(key, sizeof(key)), 0600, err);
	explicit_bzero(key, sizeof(key));
	return code;
}

/* A listening address that others can use as well. */
static bool reachable(const char *listen)
{
	return strncmp(listen, "0.0.0.0:", 8) != 0 && strncmp(listen, "[::]:", 5) != 0 &&
	       config_address_valid(listen, false);
}

static void node_text(struct tb_buf *text, const struct config_new *init, const struct regions *regions)
{
	const char *listen = init->listen ? init->listen : "0.0.0.0:7443";
	const char *endpoint = init->endpoint ? init->endpoint : reachable(listen) ? listen : "";
	tb_buf_printf(text, "region: \"%s\"\nname: ", init->region);
	yamldoc_quote(text, init->name ? init->name : config_region_name(regions, init->region));
	tb_buf_str(text, "\n\n# Where peers' calls are taken, and the host:port that peers are told to "
	                 "call.\nlisten: ");
	yamldoc_quote(text, listen);
	tb_buf_str(text, "\nendpoint: ");
	yamldoc_quote(text, endpoint);
	tb_buf_str(text, "\n\n# The most that the store may grow to.\nstore_max_gib: 64\n"
	                 "# debug, info, warn or error\nlog_level: info\n");
}

enum tb_code config_init(const char *dir, const struct config_new *init, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct regions *regions = NULL;
	struct tb_buf text = {0};
	enum tb_code code = config_regions_load(&regions, dir, err);
	if (code == TB_OK)
		code = check_new(init, regions, err);
	if (code == TB_OK)
		code = make_dirs(dir, &arena, err);
	if (code == TB_OK)
		code = make_certs(dir, init, &arena, err);
	if (code == TB_OK)
		code = make_vault_key(dir, &arena, err);
	if (code == TB_OK)
		code = file_replace(config_path(&arena, dir, "keys/README"), tb_bytes_str(ca_note), 0600,
		                    err);
	/* Last: a directory with node.yaml in it is complete. */
	if (code == TB_OK) {
		node_text(&text, init, regions);
		code = file_replace(config_path(&arena, dir, "node.yaml"), tb_buf_bytes(&text), 0644, err);
	}
	tb_buf_clear(&text);
	if (regions)
		regions_free(regions);
	tb_arena_clear(&arena);
	return code;
}
