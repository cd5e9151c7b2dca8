/* material_sink_part(). The first byte says how: 0, the rest are parts of a small material as they would
 * arrive, each after its size in two bytes; else the rest describes the parts of a larger one, most of them
 * right, so that what lies behind the digests is reached. What is taken as whole reads back as it was. */
#include "node/core/material.h"
#include "tests/fuzz/fuzz_region.h"
#include "tests/fuzz/scratch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNKS_ROOM = 6, PARTS_MAX = 16 };

static const char small[] = "tongban";

struct subject {
	uint8_t *content;
	size_t size;
	struct pki_digest leaves[CHUNKS_ROOM];
	uint32_t chunks;
	struct core_fetch fetch;
};

static const struct core_setup *setup(void)
{
	static struct core_setup made;
	if (!made.blobs)
		fuzz_must(blob_dir_open(&made.blobs, fuzz_scratch(), TB_CHUNK_BYTES + PKI_VAULT_OVERHEAD,
		                        NULL));
	return &made;
}

static struct tb_bytes chunk_of(const struct subject *subject, uint32_t index)
{
	size_t from = (size_t)index * TB_CHUNK_BYTES;
	size_t left = subject->size - from;
	return tb_bytes_of(subject->content + from, left < TB_CHUNK_BYTES ? left : TB_CHUNK_BYTES);
}

static void subject_init(struct subject *subject, const void *content, size_t size, struct tb_arena *arena)
{
	subject->content = tb_arena_copy(arena, content, size);
	subject->size = size;
	subject->chunks = (uint32_t)((size + TB_CHUNK_BYTES - 1) / TB_CHUNK_BYTES);
	assert(subject->chunks <= CHUNKS_ROOM);
	for (uint32_t i = 0; i < subject->chunks; i++)
		subject->leaves[i] = pki_merkle_leaf(chunk_of(subject, i));
	struct pki_digest root = pki_merkle_root(subject->leaves, subject->chunks);
	memcpy(subject->fetch.root, root.bytes, PKI_HASH_BYTES);
	subject->fetch.size = size;
	pki_sha256(subject->fetch.sha256, tb_bytes_of(content, size));
}

/* What was taken reads back, and is gone afterwards. */
static void read_back(const struct subject *subject)
{
	char root[2 * PKI_HASH_BYTES + 1];
	char path[400];
	struct material_source *source;
	struct tb_buf all = {0};
	bool more = true;
	PbStoredMaterial record = PB_STORED_MATERIAL__INIT;
	record.size = subject->size;
	record.leaves = proto_data(tb_bytes_of(subject->leaves, subject->chunks * PKI_HASH_BYTES));
	fuzz_must(material_source_new(&source, setup(), &record, subject->fetch.root, 0, NULL));
	while (more)
		fuzz_must(material_source_chunk(source, &all, &more, NULL));
	material_source_free(source);
	assert(tb_bytes_equal(tb_buf_bytes(&all), tb_bytes_of(subject->content, subject->size)));
	tb_buf_clear(&all);
	tb_hex(root, subject->fetch.root, PKI_HASH_BYTES);
	snprintf(path, sizeof(path), "%s/%.2s/%s", fuzz_scratch(), root, root);
	int removed = remove(path);
	assert(removed == 0);
}

/* One part that is right but for what the input says. */
static struct tb_bytes draw_part(struct fuzz_input *in, const struct subject *subject, uint32_t next,
                                 struct tb_arena *arena)
{
	PbMaterialPart part = PB_MATERIAL_PART__INIT;
	ProtobufCBinaryData chunks[CHUNKS_ROOM];
	uint64_t how = fuzz_number(in, 1);
	uint8_t *leaves = tb_arena_copy(arena, subject->leaves, subject->chunks * PKI_HASH_BYTES);
	part.size = how & 1 ? fuzz_number(in, 4) : subject->size;
	if (how & 2)
		leaves[fuzz_number(in, 1) % (subject->chunks * PKI_HASH_BYTES)] ^= 1;
	if (next == 0 || how & 4)
		part.leaves = proto_data(
			tb_bytes_of(leaves, (subject->chunks - (how & 8 ? 1 : 0)) * (size_t)PKI_HASH_BYTES));
	part.first_chunk = how & 16 ? (uint32_t)fuzz_number(in, 1) : next;
	part.chunks = chunks;
	part.n_chunks = fuzz_number(in, 1) % CHUNKS_ROOM;
	for (uint32_t i = 0; i < part.n_chunks; i++) {
		struct tb_bytes chunk = chunk_of(subject, (next + i) % subject->chunks);
		if (how & 32)
			chunk.size -= fuzz_number(in, 1) % 2;
		chunks[i] = proto_data(chunk);
		if (how & 64) {
			uint8_t *other = tb_arena_copy(arena, chunk.data, chunk.size);
			other[chunk.size / 2] ^= (uint8_t)fuzz_number(in, 1);
			chunks[i].data = other;
		}
	}
	return proto_encode_arena(arena, &part.base);
}

static void run(struct fuzz_input *in, struct tb_arena *arena)
{
	static const uint8_t seed[32] = {7};
	struct subject subject = {0};
	struct material_sink *sink;
	bool raw = fuzz_number(in, 1) == 0;
	if (raw) {
		subject_init(&subject, small, sizeof(small) - 1, arena);
	} else {
		size_t size = fuzz_number(in, 3) % (CHUNKS_ROOM * TB_CHUNK_BYTES) + 1;
		subject_init(&subject, tb_arena_alloc(arena, size), size, arena);
	}
	if (fuzz_number(in, 1) == 0xff)
		subject.fetch.sha256[0] ^= 1;
	fuzz_must(material_sink_new(&sink, setup(), &subject.fetch, seed, NULL));
	uint32_t next = 0;
	for (int i = 0; i < PARTS_MAX && in->size > 0; i++) {
		bool progress;
		struct tb_error err = {0};
		struct tb_bytes part;
		if (raw) {
			size_t size = fuzz_number(in, 2);
			part = tb_bytes_of(in->data, size < in->size ? size : in->size);
			in->data += part.size;
			in->size -= part.size;
		} else {
			part = draw_part(in, &subject, next % subject.chunks, arena);
			next += subject.chunks > 2 ? 2 : 1;
		}
		material_sink_digest(sink, part);
		enum tb_code code = material_sink_part(sink, part, &progress, &err);
		assert(code == TB_OK || (err.code == code && err.text[0]));
		assert(subject.fetch.chunks <= subject.chunks);
		if (code != TB_OK)
			break;
	}
	enum tb_code code = material_sink_end(sink, NULL);
	assert(code != TB_OK || subject.fetch.chunks == subject.chunks);
	if (code == TB_OK)
		read_back(&subject);
	free((void *)(uintptr_t)subject.fetch.leaves.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tb_arena arena = {0};
	struct fuzz_input in = {data, size};
	run(&in, &arena);
	tb_arena_clear(&arena);
	return 0;
}
