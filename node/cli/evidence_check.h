/* Checks evidence files offline, with nothing but the anchors of the regions. docs/protocol.md, section 3.
 *
 * What a file proves is told in words for people, each sentence after the check that bears it. */
#pragma once

#include "node/cli/text.h"
#include "pki/batch.h"

/* Reads an evidence file: JSON as the local API gives it, or the encoded message. */
TB_MUST_CHECK enum tb_code evidence_read(PbEvidence **out, struct tb_bytes file, struct tb_arena *arena,
                                         struct tb_error *err);

/* The anchors of a directory's <region>.pem files. TB_ENOTFOUND: no such directory, or no anchor in it. */
TB_MUST_CHECK enum tb_code evidence_anchors(struct pki_trust **out, const char *dir, struct tb_error *err);

/* Checks |evidence|; |report| gets a line for every fact that holds, also those before a failure. |*claim|,
 * if not NULL, is what was signed, decoded (PbAnswer, PbReceipt or PbCaseMessage) into |arena|.
 *
 * TB_EMALFORMED  not such a file       TB_EUNTRUSTED  a signature, chain or path does not hold
 * TB_EINVALID    the parts are good, but don't belong together */
TB_MUST_CHECK enum tb_code evidence_check(struct tb_buf *report, proto_message **claim,
                                          const PbEvidence *evidence, struct pki_trust *trust,
                                          struct tb_arena *arena, struct tb_error *err);
