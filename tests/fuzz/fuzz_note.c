/* pki_note_check(). The first byte says how: 0, the rest is the note; else the rest is its text, which the
 * log's own key signs. What passes must be what is signed again. */
#include "pki/note.h"
#include "tests/fuzz/fuzz_region.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pki_identity *signer(void)
{
	static const struct pki_identity *identity;
	struct fuzz_region *region = fuzz_region();
	if (!identity)
		fuzz_must(pki_chain_check(&identity, region->trust, region->certs, 1, PKI_ROLE_MESSAGE,
		                          FUZZ_NOW, NULL));
	return identity;
}

static void check(struct tb_bytes note)
{
	struct pki_checkpoint out;
	struct tb_error err = {0};
	enum tb_code code = pki_note_check(&out, note, signer(), &err);
	if (code != TB_OK) {
		assert(err.code == code && err.text[0] && out.origin[0] == 0);
		return;
	}
	struct pki_checkpoint second;
	struct tb_buf again = {0};
	fuzz_must(pki_note_sign(&again, &out, fuzz_region()->keys[0], NULL));
	fuzz_must(pki_note_check(&second, tb_buf_bytes(&again), signer(), NULL));
	assert(strcmp(out.origin, second.origin) == 0 && out.size == second.size &&
	       memcmp(&out.root, &second.root, sizeof(out.root)) == 0);
	tb_buf_clear(&again);
}

/* The key id depends on the name: it is taken from a note that this key signs under the name of |text|. */
static void check_signed(struct tb_bytes text)
{
	struct pki_checkpoint named = {.size = 1};
	const uint8_t *end = text.size ? memchr(text.data, '\n', text.size) : NULL;
	size_t size = end ? (size_t)(end - text.data) : 0;
	if (size == 0 || size >= sizeof(named.origin))
		return;
	for (size_t i = 0; i < size; i++) {
		if (text.data[i] <= ' ' || text.data[i] >= 0x7f || text.data[i] == '+')
			return;
	}
	memcpy(named.origin, text.data, size);
	struct tb_buf like = {0};
	struct tb_buf signature = {0};
	struct tb_buf note = {0};
	fuzz_must(pki_note_sign(&like, &named, fuzz_region()->keys[0], NULL));
	const char *line = strrchr(tb_buf_text(&like), ' ') + 1;
	bool ok = tb_unbase64(&signature, line, strlen(line) - 1);
	assert(ok);
	signature.size = 4;
	fuzz_must(pki_sign(fuzz_region()->keys[0], text, &signature, NULL));
	tb_buf_add(&note, text.data, text.size);
	tb_buf_printf(&note, "\n\xe2\x80\x94 %s ", named.origin);
	tb_base64(&note, tb_buf_bytes(&signature));
	tb_buf_str(&note, "\n");
	check(tb_buf_bytes(&note));
	tb_buf_clear(&note);
	tb_buf_clear(&signature);
	tb_buf_clear(&like);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	if (fuzz_number(&in, 1) == 0)
		check(tb_bytes_of(in.data, in.size));
	else
		check_signed(tb_bytes_of(in.data, in.size));
	return 0;
}
