/* Checkpoints of the audit log: C2SP tlog-checkpoint in a C2SP signed-note. */
#pragma once

#include "pki/batch.h"

struct pki_checkpoint {
	char origin[64]; /* "tongban/320400" */
	uint64_t size;   /* leaves */
	struct pki_digest root;
};

/* Appends the signed note: "<origin>\n<size>\n<base64 root>\n\n- <origin> <base64 keyhash || signature>\n".
 * Signature types: 0x01 Ed25519, 0x02 ECDSA (signed-note, "Signature types"). */
TB_MUST_CHECK enum tb_code pki_note_sign(struct tb_buf *note, const struct pki_checkpoint *checkpoint,
                                         const struct pki_key *key, struct tb_error *err);
/* Checks the note of |signer|; fills *out. */
TB_MUST_CHECK enum tb_code pki_note_check(struct pki_checkpoint *out, struct tb_bytes note,
                                          const struct pki_identity *signer, struct tb_error *err);
