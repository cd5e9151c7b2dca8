/* A node's directory and its files.
 *
 * - DIR/node.yaml: who this node is, where it listens
 * - DIR/keys/ (0700): ca.key node.key message.key seal.key (PKCS #8), vault.key (32 bytes), each 0600
 * - DIR/certs/: ca.pem node.pem message.pem seal.pem
 * - DIR/peers/REGION.yaml: a peer, where it is, what it is granted (default: nothing); REGION.pem: its
 * anchors
 * - DIR/data/: optional: workdays.tsv, regions.tsv in place of the compiled ones
 * - DIR/store/, DIR/blobs/: what the node keeps
 * - DIR/api.sock, DIR/listen, DIR/api.listen, DIR/tongban.lock: of a running node
 *
 * Texts of errors are "file:line: field: what". No file is changed but by config_init() and the
 * config_peer_* functions, and those replace a file as a whole or not at all. */
#pragma once

#include "base/log.h"
#include "node/core/core.h"
#include "node/io/address.h"

struct config {
	struct tb_arena arena; /* everything below but regions and calendar */
	const char *dir;
	const char *region;   /* GB/T 2260, known to the table */
	const char *name;     /* of the region, for people */
	const char *listen;   /* host:port; port 0: any */
	const char *endpoint; /* host:port that peers are told; "" if none */
	uint64_t store_max_bytes;
	enum tb_log_level log_level;
	tb_time warn_before[CORE_CLOCKS]; /* as in core_setup */
	const char *api_socket;           /* DIR/api.sock */
	const char *api_listen;           /* host:port of the local API besides; NULL: none */
	const char *api_tls_certificate;  /* file, PEM, leaf first; NULL: no TLS */
	const char *api_tls_key;          /* file, PEM */
	const char *const
		*webhook_hosts; /* "host" or "host:port" that may be told what happened, ended by NULL */
	const struct address_range *webhook_networks; /* not public, and allowed */
	size_t webhook_networks_count;
	const char *webhook_ca;   /* file, PEM; NULL: the system's */
	tb_time webhook_patience; /* 0: as usual */
	unsigned retention_cases; /* years after the end of a case; 0: for ever */
	unsigned retention_materials;
	const char *store_dir; /* DIR/store */
	const char *blobs_dir; /* DIR/blobs */
	struct regions *regions;
	struct calendar *calendar;
};

/* Reads node.yaml and the tables; checks owner and permissions of the directory and all key files.
 * TB_ENOTFOUND: no node.yaml there; TB_EPERMISSIONS: |err| names the file and the chmod to run. */
TB_MUST_CHECK enum tb_code config_load(struct config **out, const char *dir, struct tb_error *err);
void config_free(struct config *config);

/* ---- keys */

/* What a running node needs of keys/ and certs/; the CA's key is not among it. */
struct config_keys {
	struct tb_arena arena;
	struct tb_bytes node_key_pem; /* NUL-terminated, the NUL not counted; so are the next two */
	struct tb_bytes node_cert_pem;
	struct tb_bytes ca_pem;
	struct pki_trust *anchors; /* the region's own */
	struct pki_key *message_key;
	struct tb_bytes message_chain[TB_CHAIN_CERTS_MAX]; /* DER, leaf first */
	size_t message_chain_count;
	struct pki_key *seal_key;
	struct tb_bytes seal_chain[TB_CHAIN_CERTS_MAX];
	size_t seal_chain_count;
	uint8_t vault_key[PKI_VAULT_KEY_BYTES];
};

/* Besides reading, checks that each certificate is of this region and role, and valid at |now|. */
TB_MUST_CHECK enum tb_code config_keys_load(struct config_keys **out, const struct config *config,
                                            tb_time now, struct tb_error *err);
void config_keys_free(struct config_keys *keys); /* wipes */

/* ---- peers */

/* Reads every *.yaml in DIR/peers. |own| is the node's own region. */
TB_MUST_CHECK enum tb_code config_peers(struct peer_set **out, const char *dir, const char *own,
                                        const struct regions *regions, struct tb_error *err);

/* The anchors in a peer's file, as people compare them by phone. */
struct config_anchors {
	size_t count;
	char fingerprint[2 * PKI_HASH_BYTES + 1]; /* of all of them */
};

/* Appends the file that a partner imports: region, name, endpoint, anchors and their fingerprint. */
TB_MUST_CHECK enum tb_code config_peer_export(const char *dir, struct tb_buf *out,
                                              struct config_anchors *anchors, struct tb_error *err);

struct config_peer_imported {
	char region[PKI_REGION_ROOM];
	char name[TB_NAME_BYTES_MAX + 1];
	char endpoint[256];
	struct config_anchors anchors;
	bool known; /* the peer was here before: its grants are kept, name and endpoint are brought up to date
	             */
	bool replaced; /* its anchors were replaced, because of |force| */
};
/* Makes DIR/peers/REGION.yaml, with no grants, and REGION.pem from |text|, an exported file. |file| names it
 * in errors.
 * TB_EEXISTS    the peer is here with other anchors and |force| is false
 * TB_EINVALID   own or unknown region, an anchor of another region, fingerprint that does not fit */
TB_MUST_CHECK enum tb_code config_peer_import(struct config_peer_imported *out, const char *dir,
                                              const char *file, struct tb_bytes text, bool force,
                                              struct tb_error *err);
/* TB_ENOTFOUND: there is none. */
TB_MUST_CHECK enum tb_code config_peer_remove(const char *dir, const char *region, struct tb_error *err);

/* ---- a new node */

struct config_new {
	const char *region;
	const char *name;     /* NULL: from the table */
	const char *listen;   /* NULL: "0.0.0.0:7443" */
	const char *endpoint; /* NULL: |listen| if others can reach that, else none */
	enum pki_suite message_suite;
	tb_time now;
};
/* Creates |dir|, which may exist but not hold anything. TB_EINVALID: unknown region (|err| suggests one) or
 * malformed address; TB_EEXISTS: the directory is not empty. */
TB_MUST_CHECK enum tb_code config_init(const char *dir, const struct config_new *init, struct tb_error *err);
