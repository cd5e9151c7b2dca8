/* Certificates: making them (init), and checking chains against the anchors of one region.
 *
 * A region's trust domain is spiffe://<region>/ (SPIFFE-ID, sections 2 and 3). Its offline CA issues leaf
 * certificates with one URI SAN:
 *     spiffe://320400/node               TLS identity
 *     spiffe://320400/message            message key
 *     spiffe://320400/seal/<issuer>      seal key of an issuing authority
 * A chain is good for region R only if it leads to one of R's anchors *and* the leaf's only URI SAN is
 * spiffe://R/...; every CA on the way that names a URI must name R as well. Anything else is refused: several
 * URI SANs, wildcards, other case, NUL, a common name instead. Path rules: RFC 5280, section 6.
 *
 * Nothing here reads a file, the network or a clock. */
#pragma once

#include "base/limits.h"
#include "base/time.h"
#include "pki/key.h"

enum pki_role { PKI_ROLE_NODE, PKI_ROLE_MESSAGE, PKI_ROLE_SEAL };

enum { PKI_REGION_ROOM = 8 };    /* "320400" and NUL */
enum { PKI_SUBJECT_ROOM = 136 }; /* issuer code of a seal key, and NUL */

/* A checked leaf: who it is and its public key. Never changes; belongs to the trust set that checked it. */
struct pki_identity {
	char region[PKI_REGION_ROOM];
	enum pki_role role;
	char issuer[PKI_SUBJECT_ROOM]; /* PKI_ROLE_SEAL: code of the issuing authority */
	tb_time valid_from;
	tb_time valid_until;           /* the first moment when it is expired */
	uint8_t keyid[PKI_HASH_BYTES]; /* SHA-256 of the subject public key info */
	struct pki_public *key;
};

/* Checks |signature| over |message| with the identity's key: TB_EUNTRUSTED if it does not hold. Any thread.
 */
TB_MUST_CHECK enum tb_code pki_verify(const struct pki_identity *identity, struct tb_bytes message,
                                      struct tb_bytes signature, struct tb_error *err);

/* ---- trust: which anchors stand for which region */

/* An immutable set once it is shared; counted references; any thread. It caches chains that it has checked,
 * since parsing and checking one costs some hundred microseconds. */
struct pki_trust;

struct pki_trust *pki_trust_new(void);
/* Adds the CA certificates of |pem| as anchors of |region|. TB_EMALFORMED: no PEM, or not a CA; TB_EINVALID:
 * the anchor names another region in a URI SAN. Before the set is shared. */
TB_MUST_CHECK enum tb_code pki_trust_add(struct pki_trust *trust, const char *region, struct tb_bytes pem,
                                         struct tb_error *err);
bool pki_trust_knows(const struct pki_trust *trust, const char *region);
struct pki_trust *pki_trust_ref(struct pki_trust *trust);
void pki_trust_unref(struct pki_trust *trust);

/* Checks a chain of DER certificates, leaf first, at |now|. On success *out is owned by |trust| (its cache)
 * and lives as long as it does.
 *
 * TB_EMALFORMED  not DER, bytes left over, too many or too large certificates
 * TB_EUNTRUSTED  region unknown, no path to an anchor of the region that the SAN names, wrong role, wrong use
 * TB_EEXPIRED    a certificate on the path is not valid at |now| */
TB_MUST_CHECK enum tb_code pki_chain_check(const struct pki_identity **out, struct pki_trust *trust,
                                           const struct tb_bytes *chain, size_t chain_count,
                                           enum pki_role role, tb_time now, struct tb_error *err);
/* The same for PEM text (TLS hands it over so). */
TB_MUST_CHECK enum tb_code pki_chain_check_pem(const struct pki_identity **out, struct pki_trust *trust,
                                               struct tb_bytes pem, enum pki_role role, tb_time now,
                                               struct tb_error *err);

/* ---- making */

struct pki_issue {
	const char *region;
	enum pki_role role;      /* ignored for a CA */
	const char *issuer;      /* PKI_ROLE_SEAL */
	const char *common_name; /* for people */
	tb_time valid_from;
	tb_time valid_until;
	const char *uri_override; /* tests only: a URI SAN that is not the right one; NULL otherwise */
	bool ca;                  /* an intermediate CA */
};

/* A self-signed CA certificate for |key|, naming spiffe://<region> and, as name constraint, its URI host. */
TB_MUST_CHECK enum tb_code pki_issue_ca(struct tb_buf *pem, const struct pki_key *key,
                                        const struct pki_issue *issue, struct tb_error *err);
/* A leaf (or intermediate) certificate for |subject|'s public key, signed by |ca_key|. */
TB_MUST_CHECK enum tb_code pki_issue_leaf(struct tb_buf *pem, const struct pki_key *subject,
                                          const struct pki_key *ca_key, struct tb_bytes ca_pem,
                                          const struct pki_issue *issue, struct tb_error *err);

/* PEM text to DER certificates in |arena|; at most TB_CHAIN_CERTS_MAX. */
TB_MUST_CHECK enum tb_code pki_pem_to_chain(struct tb_bytes *chain, size_t *chain_count, struct tb_bytes pem,
                                            struct tb_arena *arena, struct tb_error *err);
void pki_chain_to_pem(struct tb_buf *pem, const struct tb_bytes *chain, size_t chain_count);
/* SHA-256 of the SubjectPublicKeyInfo of |cert|, hex-ready; for showing fingerprints at peering. */
TB_MUST_CHECK enum tb_code pki_cert_fingerprint(uint8_t out[PKI_HASH_BYTES], struct tb_bytes der,
                                                struct tb_error *err);
