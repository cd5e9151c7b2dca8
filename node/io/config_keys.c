#include "node/io/config_priv.h"

#include <stdlib.h>
#include <string.h>

static enum tb_code read_pem(struct tb_bytes *out, struct config_keys *keys, const char *path,
                             size_t bytes_max, struct tb_error *err)
{
	struct tb_buf text = {0};
	enum tb_code code = file_read(&text, path, bytes_max, err);
	if (code == TB_OK) {
		*out = tb_arena_bytes(&keys->arena, tb_bytes_of(tb_buf_text(&text), text.size + 1));
		out->size--; /* The NUL is there, but not counted. */
		explicit_bzero(text.data, text.size);
	}
	tb_buf_clear(&text);
	return code;
}

static enum tb_code read_key(struct pki_key **out, struct config_keys *keys, const char *path,
                             struct tb_error *err)
{
	struct tb_bytes pem;
	struct tb_error inner = {0};
	enum tb_code code = read_pem(&pem, keys, path, CONFIG_KEY_BYTES_MAX, err);
	if (code != TB_OK)
		return code;
	code = pki_key_from_pem(out, pem, &inner);
	explicit_bzero((void *)(uintptr_t)pem.data, pem.size);
	return code == TB_OK ? TB_OK : tb_fail_at(err, code, &inner, "%s", path);
}

/* The certificate's public key is the key's: what one signs the other checks. */
static enum tb_code check_pair(const struct pki_identity *identity, const struct pki_key *key,
                               struct tb_error *err)
{
	struct tb_buf signature = {0};
	struct tb_bytes probe = tb_bytes_str("tongban key and certificate");
	enum tb_code code = pki_sign(key, probe, &signature, err);
	if (code == TB_OK)
		code = pki_verify(identity, probe, tb_buf_bytes(&signature), err);
	tb_buf_clear(&signature);
	return code;
}

struct pair {
	const char *name;
	enum pki_role role;
};

static enum tb_code check_cert(const struct config *config, struct config_keys *keys, const struct pair *pair,
                               const struct pki_key *key, struct tb_bytes pem, tb_time now,
                               struct tb_error *err)
{
	const struct pki_identity *identity;
	struct tb_error inner = {0};
	const char *path = config_path(&keys->arena, config->dir, "certs/%s.pem", pair->name);
	enum tb_code code = pki_chain_check_pem(&identity, keys->anchors, pem, pair->role, now, &inner);
	if (code == TB_OK && strcmp(identity->region, config->region) != 0)
		code = tb_fail(&inner, TB_EUNTRUSTED, "region %s", identity->region);
	if (code == TB_OK && pair->role == PKI_ROLE_SEAL && strcmp(identity->issuer, config->region) != 0)
		code = tb_fail(&inner, TB_EUNTRUSTED, "issuer %s, not %s", identity->issuer, config->region);
	if (code != TB_OK)
		return tb_fail_at(err, code, &inner, "%s", path);
	if (check_pair(identity, key, &inner) != TB_OK)
		return tb_refuse(err, TB_REASON_CONFIG_KEY_PAIR, path, pair->name, NULL);
	return TB_OK;
}

static enum tb_code load_pair(const struct config *config, struct config_keys *keys, const struct pair *pair,
                              struct pki_key **key, struct tb_bytes *pem, tb_time now, struct tb_error *err)
{
	enum tb_code code =
		read_key(key, keys, config_path(&keys->arena, config->dir, "keys/%s.key", pair->name), err);
	if (code == TB_OK)
		code = read_pem(pem, keys, config_path(&keys->arena, config->dir, "certs/%s.pem", pair->name),
		                CONFIG_PEM_BYTES_MAX, err);
	if (code == TB_OK)
		code = check_cert(config, keys, pair, *key, *pem, now, err);
	return code;
}

static enum tb_code load_anchors(const struct config *config, struct config_keys *keys, struct tb_error *err)
{
	struct tb_error inner = {0};
	const char *path = config_path(&keys->arena, config->dir, "certs/ca.pem");
	enum tb_code code = read_pem(&keys->ca_pem, keys, path, CONFIG_PEM_BYTES_MAX, err);
	if (code != TB_OK)
		return code;
	keys->anchors = pki_trust_new();
	code = pki_trust_add(keys->anchors, config->region, keys->ca_pem, &inner);
	return code == TB_OK ? TB_OK : tb_fail_at(err, code, &inner, "%s", path);
}

static enum tb_code load_vault(const struct config *config, struct config_keys *keys, struct tb_error *err)
{
	struct tb_buf bytes = {0};
	const char *path = config_path(&keys->arena, config->dir, "keys/vault.key");
	enum tb_code code = file_read(&bytes, path, PKI_VAULT_KEY_BYTES, err);
	if (code == TB_OK && bytes.size != PKI_VAULT_KEY_BYTES)
		code = tb_fail(err, TB_EINVALID, "%s: %zu bytes, not %d", path, bytes.size,
		               PKI_VAULT_KEY_BYTES);
	if (code == TB_OK)
		memcpy(keys->vault_key, bytes.data, PKI_VAULT_KEY_BYTES);
	if (bytes.size)
		explicit_bzero(bytes.data, bytes.size);
	tb_buf_clear(&bytes);
	return code;
}

static enum tb_code load_all(const struct config *config, struct config_keys *keys, tb_time now,
                             struct tb_error *err)
{
	static const struct pair node = {"node", PKI_ROLE_NODE};
	static const struct pair message = {"message", PKI_ROLE_MESSAGE};
	static const struct pair seal = {"seal", PKI_ROLE_SEAL};
	struct pki_key *node_key = NULL;
	struct tb_bytes pem;
	enum tb_code code = load_anchors(config, keys, err);
	if (code == TB_OK)
		code = load_vault(config, keys, err);
	if (code == TB_OK)
		code = load_pair(config, keys, &node, &node_key, &keys->node_cert_pem, now, err);
	pki_key_free(node_key);
	/* TLS takes the key as text. */
	if (code == TB_OK)
		code = read_pem(&keys->node_key_pem, keys,
		                config_path(&keys->arena, config->dir, "keys/node.key"), CONFIG_KEY_BYTES_MAX,
		                err);
	if (code == TB_OK)
		code = load_pair(config, keys, &message, &keys->message_key, &pem, now, err);
	if (code == TB_OK)
		code = pki_pem_to_chain(keys->message_chain, &keys->message_chain_count, pem, &keys->arena,
		                        err);
	if (code == TB_OK)
		code = load_pair(config, keys, &seal, &keys->seal_key, &pem, now, err);
	if (code == TB_OK)
		code = pki_pem_to_chain(keys->seal_chain, &keys->seal_chain_count, pem, &keys->arena, err);
	return code;
}

enum tb_code config_keys_load(struct config_keys **out, const struct config *config, tb_time now,
                              struct tb_error *err)
{
	*out = NULL;
	struct config_keys *keys = tb_alloc(sizeof(*keys));
	enum tb_code code = load_all(config, keys, now, err);
	if (code != TB_OK) {
		config_keys_free(keys);
		return code;
	}
	*out = keys;
	return TB_OK;
}

void config_keys_free(struct config_keys *keys)
{
	if (!keys)
		return;
	pki_key_free(keys->message_key);
	pki_key_free(keys->seal_key);
	if (keys->anchors)
		pki_trust_unref(keys->anchors);
	if (keys->node_key_pem.size)
		explicit_bzero((void *)(uintptr_t)keys->node_key_pem.data, keys->node_key_pem.size);
	tb_arena_clear(&keys->arena);
	explicit_bzero(keys, sizeof(*keys));
	free(keys);
}
