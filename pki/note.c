#include "pki/note.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "pki/pki_priv.h"

/* C2SP signed-note, "Format": a signature line opens with an em dash (U+2014) and a space. */
static const char DASH[] = "\xe2\x80\x94 ";

enum {
	DASH_BYTES = sizeof(DASH) - 1,
	KEY_ID_BYTES = 4,
	ED25519_BYTES = 32,
	TYPE_ED25519 = 0x01, /* signed-note, "Signature types" */
};

/* signed-note, "Signatures": names without spaces and plus; ours are ASCII besides. */
static bool name_valid(struct tb_bytes name)
{
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == '+')
			return false;
	}
	return name.size > 0;
}

static void key_id(uint8_t out[KEY_ID_BYTES], struct tb_bytes name, enum pki_suite suite,
                   struct tb_bytes spki)
{
	uint8_t digest[PKI_HASH_BYTES];
	switch (suite) {
	case PKI_P256:
		/* Type 0x02: the hash of the SubjectPublicKeyInfo alone, without name and type. */
		pki_sha256(digest, spki);
		break;
	case PKI_ED25519: {
		static const uint8_t middle[] = {'\n', TYPE_ED25519};
		assert(spki.size > ED25519_BYTES);
		struct pki_hash *hash = pki_hash_new();
		pki_hash_add(hash, name);
		pki_hash_add(hash, tb_bytes_of(middle, sizeof(middle)));
		pki_hash_add(hash, tb_bytes_of(spki.data + spki.size - ED25519_BYTES, ED25519_BYTES));
		pki_hash_end(hash, digest);
		pki_hash_free(hash);
		break;
	}
	}
	memcpy(out, digest, KEY_ID_BYTES);
}

enum tb_code pki_note_sign(struct tb_buf *note, const struct pki_checkpoint *checkpoint,
                           const struct pki_key *key, struct tb_error *err)
{
	struct tb_bytes origin = tb_bytes_str(checkpoint->origin);
	assert(name_valid(origin));
	struct tb_buf text = {0};
	struct tb_buf spki = {0};
	struct tb_buf signature = {0};
	tb_buf_printf(&text, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
	tb_base64(&text, tb_bytes_of(checkpoint->root.bytes, PKI_HASH_BYTES));
	tb_buf_str(&text, "\n");
	uint8_t id[KEY_ID_BYTES];
	pki_key_spki(key, &spki);
	key_id(id, origin, pki_key_suite(key), tb_buf_bytes(&spki));
	tb_buf_add(&signature, id, sizeof(id));
	enum tb_code code = pki_sign(key, tb_buf_bytes(&text), &signature, err);
	if (code == TB_OK) {
		tb_buf_add(note, text.data, text.size);
		tb_buf_printf(note, "\n%s%s ", DASH, checkpoint->origin);
		tb_base64(note, tb_buf_bytes(&signature));
		tb_buf_str(note, "\n");
	}
	tb_buf_clear(&signature);
	tb_buf_clear(&spki);
	tb_buf_clear(&text);
	return code;
}

/* ---- checking */

/* Cuts the next line off |rest|, without its newline. False if there is none. */
static bool next_line(struct tb_bytes *rest, struct tb_bytes *line)
{
	const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	if (!end)
		return false;
	*line = tb_bytes_of(rest->data, (size_t)(end - rest->data));
	*rest = tb_bytes_of(end + 1, rest->size - line->size - 1);
	return true;
}

/* Divides a note at its last empty line: |text| with its final newline, |signatures| the lines after. */
static enum tb_code divide(struct tb_bytes note, struct tb_bytes *text, struct tb_bytes *signatures,
                           struct tb_error *err)
{
	if (note.size > TB_NOTE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "note: %zu bytes", note.size);
	if (!tb_utf8_valid(note))
		return tb_fail(err, TB_EMALFORMED, "note: not UTF-8");
	size_t blank = 0;
	for (size_t i = 0; i < note.size; i++) {
		if (note.data[i] < ' ' && note.data[i] != '\n')
			return tb_fail(err, TB_EMALFORMED, "note: a control character");
		if (i > 0 && note.data[i] == '\n' && note.data[i - 1] == '\n')
			blank = i;
	}
	if (blank == 0)
		return tb_fail(err, TB_EMALFORMED, "note: no empty line before the signatures");
	*text = tb_bytes_of(note.data, blank);
	*signatures = tb_bytes_of(note.data + blank + 1, note.size - blank - 1);
	if (signatures->size == 0 || signatures->data[signatures->size - 1] != '\n')
		return tb_fail(err, TB_EMALFORMED, "note: no signatures, or the last line is cut off");
	return TB_OK;
}

/* tlog-checkpoint: decimal without leading zeros. */
static bool parse_size(struct tb_bytes line, uint64_t *out)
{
	uint64_t value = 0;
	if (line.size == 0 || (line.size > 1 && line.data[0] == '0'))
		return false;
	for (size_t i = 0; i < line.size; i++) {
		uint64_t digit = (uint64_t)line.data[i] - '0';
		if (line.data[i] < '0' || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

static bool parse_root(struct tb_bytes line, struct pki_digest *out)
{
	/* 32 bytes are 44 characters, so that nothing long is decoded. */
	if (line.size != (PKI_HASH_BYTES + 2) / 3 * 4)
		return false;
	struct tb_buf root = {0};
	bool ok = tb_unbase64(&root, (const char *)line.data, line.size) && root.size == PKI_HASH_BYTES;
	if (ok)
		memcpy(out->bytes, root.data, PKI_HASH_BYTES);
	tb_buf_clear(&root);
	return ok;
}

/* C2SP tlog-checkpoint, "Note text". Extension lines are signed but mean nothing here. */
static enum tb_code parse_text(struct pki_checkpoint *out, struct tb_bytes text, struct tb_error *err)
{
	struct tb_bytes line = {0};
	if (!next_line(&text, &line) || !name_valid(line) || line.size >= sizeof(out->origin))
		return tb_fail(err, TB_EMALFORMED, "note: the first line is not an origin");
	memcpy(out->origin, line.data, line.size);
	if (!next_line(&text, &line) || !parse_size(line, &out->size))
		return tb_fail(err, TB_EMALFORMED, "note: the second line is not a size");
	if (!next_line(&text, &line) || !parse_root(line, &out->root))
		return tb_fail(err, TB_EMALFORMED, "note: the third line is not a root hash");
	while (next_line(&text, &line)) {
		if (line.size == 0)
			return tb_fail(err, TB_EMALFORMED, "note: an empty line among the extension lines");
	}
	return TB_OK;
}

/* A log speaks for its own region only: "<anything>/<region>". */
static bool origin_is_of(const char *origin, const char *region)
{
	const char *slash = strrchr(origin, '/');
	return slash && strcmp(slash + 1, region) == 0;
}

/* "— <name> <base64 of key id and signature>". */
static bool parse_signature(struct tb_bytes line, struct tb_bytes *name, struct tb_buf *signature)
{
	if (line.size <= DASH_BYTES || memcmp(line.data, DASH, DASH_BYTES) != 0)
		return false;
	line = tb_bytes_of(line.data + DASH_BYTES, line.size - DASH_BYTES);
	const uint8_t *space = memchr(line.data, ' ', line.size);
	if (!space || space == line.data)
		return false;
	*name = tb_bytes_of(line.data, (size_t)(space - line.data));
	return tb_unbase64(signature, (const char *)space + 1, line.size - name->size - 1) &&
	       signature->size > KEY_ID_BYTES;
}

/* Signatures of others, such as witnesses, are passed over; one that says it is this key's must hold. */
static enum tb_code check_signatures(struct tb_bytes text, struct tb_bytes lines, struct tb_bytes origin,
                                     const uint8_t id[KEY_ID_BYTES], const struct pki_identity *signer,
                                     struct tb_error *err)
{
	struct tb_buf signature = {0};
	struct tb_bytes line = {0};
	size_t held = 0;
	enum tb_code code = TB_OK;
	while (code == TB_OK && next_line(&lines, &line)) {
		struct tb_bytes name;
		signature.size = 0;
		if (!parse_signature(line, &name, &signature)) {
			code = tb_fail(err, TB_EMALFORMED, "note: a line that is not a signature");
			break;
		}
		if (!tb_bytes_equal(name, origin) || memcmp(signature.data, id, KEY_ID_BYTES) != 0)
			continue;
		/* One is what a log writes; checking many would let a peer buy time with a small note. */
		if (held++ > 0)
			code = tb_fail(err, TB_EMALFORMED, "note: two signatures of one key");
		else
			code = pki_verify(
				signer, text,
				tb_bytes_of(signature.data + KEY_ID_BYTES, signature.size - KEY_ID_BYTES),
				err);
		if (code == TB_EUNTRUSTED)
			code = tb_fail(err, code, "note: the log's signature does not hold");
	}
	tb_buf_clear(&signature);
	if (code == TB_OK && held == 0)
		return tb_fail(err, TB_EUNTRUSTED, "note: no signature of the log's key");
	return code;
}

enum tb_code pki_note_check(struct pki_checkpoint *out, struct tb_bytes note,
                            const struct pki_identity *signer, struct tb_error *err)
{
	*out = (struct pki_checkpoint){0};
	struct pki_checkpoint checkpoint = {0};
	struct tb_bytes text = {0};
	struct tb_bytes signatures = {0};
	enum tb_code code = divide(note, &text, &signatures, err);
	if (code == TB_OK)
		code = parse_text(&checkpoint, text, err);
	if (code != TB_OK)
		return code;
	if (!origin_is_of(checkpoint.origin, signer->region))
		return tb_fail(err, TB_EUNTRUSTED, "note: of another log than region %s's", signer->region);
	struct tb_bytes origin = tb_bytes_str(checkpoint.origin);
	struct tb_buf spki = {0};
	uint8_t id[KEY_ID_BYTES];
	pki_public_spki(signer->key, &spki);
	key_id(id, origin, pki_public_suite(signer->key), tb_buf_bytes(&spki));
	tb_buf_clear(&spki);
	code = check_signatures(text, signatures, origin, id, signer, err);
	if (code == TB_OK)
		*out = checkpoint;
	return code;
}
