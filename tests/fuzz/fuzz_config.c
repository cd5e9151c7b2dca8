/* Files that an operator gets from others or writes. The first byte chooses: 0, a partner's exported file; 1,
 * a peer's file with its grants; 2 to 4, an item list as YAML, JSON Lines, CSV. What is imported is a peer
 * that the node can start with; what is read of a list is read again the same from what is written of it. */
#include "node/io/config.h"
#include "node/io/itemfile.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/scratch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char node_dir[300];
static struct config *config;

static void write_peer(const char *ending, struct tb_bytes text)
{
	char path[400];
	snprintf(path, sizeof(path), "%s/peers/320400.%s", node_dir, ending);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(text.data, 1, text.size, file) != text.size || fclose(file) != 0)
		abort();
}

static void prepare(void)
{
	const struct config_new new = {.region = "330100", .message_suite = PKI_P256, .now = FUZZ_NOW};
	if (config)
		return;
	snprintf(node_dir, sizeof(node_dir), "%s/node", fuzz_scratch());
	fuzz_must(config_init(node_dir, &new, NULL));
	fuzz_must(config_load(&config, node_dir, NULL));
}

static void must_be_peers(size_t count)
{
	struct peer_set *peers = NULL;
	fuzz_must(config_peers(&peers, node_dir, "330100", config->regions, NULL));
	assert(peer_set_count(peers) == count);
	peer_set_unref(peers);
}

static enum tb_code check_items(enum itemfile_format format, struct tb_bytes text, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct itemfile file, again;
	struct tb_buf written = {0};
	enum tb_code code = itemfile_read(&file, format, "items", text, &arena, err);
	if (code == TB_OK) {
		assert((file.bad_count == 0) == (file.faults_count == 0));
		itemfile_write(&written, format, file.items, file.items_count, true);
		tb_buf_text(&written);
		fuzz_must(itemfile_read(&again, format, "items", tb_buf_bytes(&written), &arena, err));
		assert(again.faults_count == 0 && again.items_count == file.items_count);
	}
	tb_buf_clear(&written);
	tb_arena_clear(&arena);
	return code;
}

static enum tb_code check_import(struct tb_bytes text, struct tb_error *err)
{
	struct config_peer_imported peer;
	enum tb_code code = config_peer_import(&peer, node_dir, "320400.peer", text, false, err);
	if (code != TB_OK)
		return code;
	must_be_peers(1);
	fuzz_must(config_peer_remove(node_dir, peer.region, NULL));
	return TB_OK;
}

static enum tb_code check_peer(struct tb_bytes text, struct tb_error *err)
{
	struct peer_set *peers = NULL;
	write_peer("pem", tb_bytes_str(FUZZ_ANCHOR));
	write_peer("yaml", text);
	enum tb_code code = config_peers(&peers, node_dir, "330100", config->regions, err);
	assert((code == TB_OK) == (peers != NULL));
	assert(!peers || (peer_set_count(peers) == 1 && peer_find(peers, "320400")));
	peer_set_unref(peers);
	fuzz_must(config_peer_remove(node_dir, "320400", NULL));
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct tb_error err = {0};
	struct tb_buf text = {0};
	prepare();
	tb_buf_add(&text, data + 1, size - 1);
	tb_buf_text(&text); /* The parsers may want the NUL. */
	unsigned kind = data[0] % 5;
	enum tb_code code = kind == 0   ? check_import(tb_buf_bytes(&text), &err)
	                    : kind == 1 ? check_peer(tb_buf_bytes(&text), &err)
	                                : check_items(kind - 2, tb_buf_bytes(&text), &err);
	assert(code == TB_OK || (err.code == code && err.text[0] && tb_utf8_valid(tb_bytes_str(err.text))));
	tb_buf_clear(&text);
	return 0;
}
