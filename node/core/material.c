#include "node/core/material.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/turn.h"

enum {
	SYNC_CHUNKS = 64,  /* durable progress of a fetch is noted every so often: 16 MiB */
	INTAKE_CHUNKS = 4, /* of an upload, in memory: as many as there are connections may wait */
};

static void seal_chunk(struct pki_vault *vault, struct pki_random *random, struct tb_bytes chunk,
                       const struct pki_digest *leaf, struct tb_buf *sealed)
{
	uint8_t nonce[12];
	pki_random_bytes(random, nonce, sizeof(nonce));
	sealed->size = 0;
	pki_vault_seal(vault, sealed, chunk, tb_bytes_of(leaf->bytes, PKI_HASH_BYTES), nonce);
}

/* ---- a local upload */

struct material_intake {
	const struct core_setup *setup;
	struct pki_vault *vault;
	struct pki_random *random;
	struct pki_hash *whole;
	struct blob_writer *writer;
	struct tb_buf chunks; /* gathered so far: their leaves are hashed together */
	struct tb_buf sealed;
	struct tb_buf leaves;
	uint64_t size;
};

enum tb_code material_intake_new(struct material_intake **out, const struct core_setup *setup,
                                 const uint8_t seed[32], struct tb_error *err)
{
	struct material_intake *intake = tb_alloc(sizeof(*intake));
	uint8_t name[16];
	char text[2 * sizeof(name) + 1];
	intake->setup = setup;
	intake->vault = pki_vault_new(setup->vault_key);
	intake->random = pki_random_new(seed);
	intake->whole = pki_hash_new();
	pki_random_bytes(intake->random, name, sizeof(name));
	tb_hex(text, name, sizeof(name));
	enum tb_code code = blob_writer_open(&intake->writer, setup->blobs, text, 0, err);
	if (code) {
		material_intake_free(intake);
		intake = NULL;
	}
	*out = intake;
	return code;
}

void material_intake_free(struct material_intake *intake)
{
	if (!intake)
		return;
	if (intake->writer)
		blob_writer_close(intake->writer, true);
	pki_vault_free(intake->vault);
	pki_random_free(intake->random);
	pki_hash_free(intake->whole);
	tb_buf_clear(&intake->chunks);
	tb_buf_clear(&intake->sealed);
	tb_buf_clear(&intake->leaves);
	free(intake);
}

static enum tb_code intake_chunks(struct material_intake *intake, struct tb_error *err)
{
	struct tb_bytes all = tb_buf_bytes(&intake->chunks);
	struct tb_bytes chunks[INTAKE_CHUNKS] = {0};
	struct pki_digest leaves[INTAKE_CHUNKS];
	size_t count = 0;
	for (size_t at = 0; at < all.size; at += TB_CHUNK_BYTES) {
		size_t left = all.size - at;
		chunks[count++] = tb_bytes_of(all.data + at, left < TB_CHUNK_BYTES ? left : TB_CHUNK_BYTES);
	}
	if (intake->leaves.size / PKI_HASH_BYTES + count > TB_MATERIAL_CHUNKS_MAX)
		return tb_fail(err, TB_ETOOBIG, "material over %d chunks of 256 KiB", TB_MATERIAL_CHUNKS_MAX);
	pki_merkle_leaves(leaves, chunks, count);
	pki_hash_add(intake->whole, all);
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < count && code == TB_OK; i++) {
		seal_chunk(intake->vault, intake->random, chunks[i], &leaves[i], &intake->sealed);
		code = blob_write(intake->writer, tb_buf_bytes(&intake->sealed), err);
	}
	tb_buf_add(&intake->leaves, leaves, count * PKI_HASH_BYTES);
	intake->size += all.size;
	intake->chunks.size = 0;
	return code;
}

enum tb_code material_intake_add(struct material_intake *intake, struct tb_bytes bytes, struct tb_error *err)
{
	while (bytes.size > 0) {
		size_t room = (size_t)INTAKE_CHUNKS * TB_CHUNK_BYTES - intake->chunks.size;
		size_t take = bytes.size < room ? bytes.size : room;
		tb_buf_add(&intake->chunks, bytes.data, take);
		bytes.data += take;
		bytes.size -= take;
		if (take == room) {
			enum tb_code code = intake_chunks(intake, err);
			if (code)
				return code;
		}
	}
	return TB_OK;
}

enum tb_code material_intake_finish(struct material_intake *intake, struct core_request **out,
                                    struct tb_error *err)
{
	enum tb_code code = intake->chunks.size > 0 ? intake_chunks(intake, err) : TB_OK;
	size_t chunks = intake->leaves.size / PKI_HASH_BYTES;
	*out = NULL;
	if (code == TB_OK && chunks == 0)
		code = tb_refuse(err, TB_REASON_MATERIAL_EMPTY, NULL);
	if (code == TB_OK) {
		struct core_request *request = tb_alloc(sizeof(*request));
		PbStoredMaterial *record = PROTO_NEW(PbStoredMaterial, stored_material, &request->arena);
		uint8_t whole[PKI_HASH_BYTES];
		char name[2 * PKI_HASH_BYTES + 1];
		struct pki_digest root =
			pki_merkle_root((const struct pki_digest *)(const void *)intake->leaves.data, chunks);
		pki_hash_end(intake->whole, whole);
		tb_hex(name, root.bytes, PKI_HASH_BYTES);
		record->size = intake->size;
		record->sha256 =
			proto_data(tb_arena_bytes(&request->arena, tb_bytes_of(whole, sizeof(whole))));
		record->leaves = proto_data(tb_arena_bytes(&request->arena, tb_buf_bytes(&intake->leaves)));
		record->chunks = (uint32_t)chunks;
		record->complete = true;
		request->method = &material_added_method;
		request->message = &record->base;
		request->prepared = tb_arena_copy(&request->arena, root.bytes, PKI_HASH_BYTES);
		code = blob_finish(intake->writer, name, err);
		intake->writer = NULL; /* freed by blob_finish() */
		if (code == TB_OK)
			*out = request;
		else
			core_request_free(request);
	}
	material_intake_free(intake);
	return code;
}

/* ---- a fetch from a peer */

struct material_sink {
	struct core_fetch *fetch;
	struct pki_vault *vault;
	struct pki_random *random;
	struct pki_hash *whole;
	struct blob_writer *writer;
	struct tb_buf sealed;
	struct pki_digest *leaves; /* NULL until the first part gave them */
	uint32_t chunks;           /* that the material has */
	uint32_t written;
	char name[2 * PKI_HASH_BYTES + 1];
};

static void sink_free(struct material_sink *sink)
{
	if (sink->writer)
		blob_writer_close(sink->writer, false);
	pki_vault_free(sink->vault);
	pki_random_free(sink->random);
	pki_hash_free(sink->whole);
	tb_buf_clear(&sink->sealed);
	free(sink->leaves);
	free(sink);
}

static enum tb_code take_leaves(struct material_sink *sink, struct tb_bytes leaves, struct tb_error *err)
{
	if (leaves.size != (size_t)sink->chunks * PKI_HASH_BYTES)
		return tb_fail(err, TB_EMALFORMED, "leaves: %u chunks expected", sink->chunks);
	struct pki_digest *list = tb_alloc(leaves.size);
	memcpy(list, leaves.data, leaves.size);
	struct pki_digest root = pki_merkle_root(list, sink->chunks);
	if (memcmp(root.bytes, sink->fetch->root, PKI_HASH_BYTES) != 0) {
		free(list);
		return tb_fail(err, TB_EUNTRUSTED, "leaves: their root is not the material's");
	}
	free(sink->leaves);
	sink->leaves = list;
	if (sink->fetch->leaves.data != leaves.data) {
		free((void *)(uintptr_t)sink->fetch->leaves.data);
		uint8_t *copy = tb_alloc(leaves.size);
		memcpy(copy, leaves.data, leaves.size);
		sink->fetch->leaves = tb_bytes_of(copy, leaves.size);
	}
	return TB_OK;
}

/* The whole's digest needs what is here already: it is read, opened and hashed again. */
static enum tb_code rehash(struct material_sink *sink, struct blob_dir *blobs, struct tb_error *err)
{
	struct blob_reader *reader;
	struct tb_buf sealed = {0}, plain = {0};
	enum tb_code code = blob_reader_open_partial(&reader, blobs, sink->name, err);
	if (code)
		return code;
	for (uint32_t i = 0; i < sink->written && code == TB_OK; i++) {
		sealed.size = 0;
		plain.size = 0;
		code = blob_read(reader, i, &sealed, err);
		if (code == TB_OK)
			code = pki_vault_open(sink->vault, &plain, tb_buf_bytes(&sealed),
			                      tb_bytes_of(sink->leaves[i].bytes, PKI_HASH_BYTES), err);
		if (code == TB_OK)
			pki_hash_add(sink->whole, tb_buf_bytes(&plain));
	}
	blob_reader_close(reader);
	tb_buf_clear(&sealed);
	tb_buf_clear(&plain);
	return code;
}

enum tb_code material_sink_new(struct material_sink **out, const struct core_setup *setup,
                               struct core_fetch *fetch, const uint8_t seed[32], struct tb_error *err)
{
	uint64_t chunks = (fetch->size + TB_CHUNK_BYTES - 1) / TB_CHUNK_BYTES;
	*out = NULL;
	if (chunks == 0 || chunks > TB_MATERIAL_CHUNKS_MAX)
		return tb_fail(err, TB_ETOOBIG, "material of %llu bytes", (unsigned long long)fetch->size);
	struct material_sink *sink = tb_alloc(sizeof(*sink));
	sink->fetch = fetch;
	sink->chunks = (uint32_t)chunks;
	sink->vault = pki_vault_new(setup->vault_key);
	sink->random = pki_random_new(seed);
	sink->whole = pki_hash_new();
	tb_hex(sink->name, fetch->root, PKI_HASH_BYTES);
	enum tb_code code = TB_OK;
	if (fetch->leaves.size > 0)
		code = take_leaves(sink, fetch->leaves, err);
	else
		fetch->first_chunk = 0;
	sink->written = fetch->first_chunk;
	if (code == TB_OK)
		code = blob_writer_open(&sink->writer, setup->blobs, sink->name, sink->written, err);
	bool lost = code == TB_ECORRUPT && sink->written > 0;
	if (lost || (code == TB_OK && sink->written > 0 && rehash(sink, setup->blobs, err))) {
		/* What is here is not what was noted: from the start again. */
		if (sink->writer)
			blob_writer_close(sink->writer, true);
		pki_hash_free(sink->whole);
		sink->whole = pki_hash_new();
		sink->written = 0;
		fetch->first_chunk = 0;
		code = blob_writer_open(&sink->writer, setup->blobs, sink->name, 0, err);
	}
	fetch->chunks = sink->written;
	if (code) {
		sink_free(sink);
		return code;
	}
	*out = sink;
	return TB_OK;
}

static enum tb_code take_chunk(struct material_sink *sink, struct tb_bytes chunk, struct pki_digest leaf,
                               struct tb_error *err)
{
	if (memcmp(&leaf, &sink->leaves[sink->written], sizeof(leaf)) != 0)
		return tb_fail(err, TB_EUNTRUSTED, "chunk %u: wrong digest", sink->written);
	seal_chunk(sink->vault, sink->random, chunk, &leaf, &sink->sealed);
	enum tb_code code = blob_write(sink->writer, tb_buf_bytes(&sink->sealed), err);
	if (code == TB_OK)
		sink->written++;
	return code;
}

/* The chunks of a part are hashed together, which costs about as much as one of them. */
static enum tb_code take_chunks(struct material_sink *sink, const PbMaterialPart *part, struct tb_error *err)
{
	struct tb_bytes chunks[TB_PART_CHUNKS_MAX] = {0};
	struct pki_digest leaves[TB_PART_CHUNKS_MAX];
	size_t count = 0;
	for (; count < part->n_chunks; count++) {
		uint32_t at = sink->written + (uint32_t)count;
		chunks[count] = proto_bytes(part->chunks[count]);
		if (at == sink->chunks)
			return tb_fail(err, TB_ETOOBIG, "more chunks than were announced");
		uint64_t left = sink->fetch->size - (uint64_t)at * TB_CHUNK_BYTES;
		if (chunks[count].size != (left < TB_CHUNK_BYTES ? left : TB_CHUNK_BYTES))
			return tb_fail(err, TB_EMALFORMED, "chunk %u: wrong size", at);
	}
	pki_merkle_leaves(leaves, chunks, count);
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < count && code == TB_OK; i++)
		code = take_chunk(sink, chunks[i], leaves[i], err);
	return code;
}

void material_sink_digest(struct material_sink *sink, struct tb_bytes bytes)
{
	struct tb_arena arena = {0};
	PbMaterialPart *part;
	if (bytes.size <= TB_PART_BYTES_MAX &&
	    PROTO_DECODE_OWN(&part, material_part, bytes, &arena, NULL) == TB_OK) {
		for (size_t i = 0; i < part->n_chunks && i < TB_PART_CHUNKS_MAX; i++)
			pki_hash_add(sink->whole, proto_bytes(part->chunks[i]));
	}
	tb_arena_clear(&arena);
}

enum tb_code material_sink_part(struct material_sink *sink, struct tb_bytes bytes, bool *progress,
                                struct tb_error *err)
{
	struct tb_arena arena = {0};
	PbMaterialPart *part;
	*progress = false;
	if (bytes.size > TB_PART_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "part over %d bytes", TB_PART_BYTES_MAX);
	enum tb_code code = PROTO_DECODE(&part, material_part, bytes, &arena, err);
	if (code == TB_OK && part->leaves.len > 0 && part->size != sink->fetch->size)
		code = tb_fail(err, TB_EUNTRUSTED, "size: not what the package says");
	if (code == TB_OK && part->leaves.len > 0)
		code = take_leaves(sink, proto_bytes(part->leaves), err);
	if (code == TB_OK && !sink->leaves)
		code = tb_fail(err, TB_EMALFORMED, "chunks before leaves");
	if (code == TB_OK && part->n_chunks > TB_PART_CHUNKS_MAX)
		code = tb_fail(err, TB_ETOOBIG, "more than %d chunks in a part", TB_PART_CHUNKS_MAX);
	if (code == TB_OK && part->n_chunks > 0 && part->first_chunk != sink->written)
		code = tb_fail(err, TB_EMALFORMED, "chunk %u came, %u was expected", part->first_chunk,
		               sink->written);
	if (code == TB_OK)
		code = take_chunks(sink, part, err);
	tb_arena_clear(&arena);
	if (code == TB_OK && sink->written - sink->fetch->chunks >= SYNC_CHUNKS &&
	    sink->written < sink->chunks) {
		code = blob_sync(sink->writer, err);
		if (code == TB_OK) {
			sink->fetch->chunks = sink->written;
			*progress = true;
		}
	}
	return code;
}

enum tb_code material_sink_end(struct material_sink *sink, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	if (sink->written == sink->chunks) {
		uint8_t whole[PKI_HASH_BYTES];
		pki_hash_end(sink->whole, whole);
		if (memcmp(whole, sink->fetch->sha256, PKI_HASH_BYTES) != 0) {
			/* The sender's two digests contradict each other: nothing of it can be kept. */
			blob_writer_close(sink->writer, true);
			sink->writer = NULL;
			sink->fetch->chunks = 0;
			code = tb_fail(err, TB_EUNTRUSTED,
			               "SHA-256 of the whole is not what the package says");
		} else {
			code = blob_finish(sink->writer, sink->name, err);
			sink->writer = NULL; /* freed by blob_finish() */
			sink->fetch->chunks = code == TB_OK ? sink->written : 0;
		}
	} else {
		code = tb_fail(err, TB_EUNREACHABLE, "the stream ended after %u of %u chunks", sink->written,
		               sink->chunks);
		struct tb_error why;
		if (blob_sync(sink->writer, &why) == TB_OK)
			sink->fetch->chunks = sink->written;
	}
	sink_free(sink);
	return code;
}

/* ---- out */

struct material_source {
	struct pki_vault *vault;
	struct blob_reader *reader;
	struct pki_digest *leaves;
	uint64_t size;
	uint32_t chunks;
	uint32_t next;
	bool first;
	struct tb_buf sealed;
};

enum tb_code material_source_new(struct material_source **out, const struct core_setup *setup,
                                 const PbStoredMaterial *record, const uint8_t root[PKI_HASH_BYTES],
                                 uint32_t first_chunk, struct tb_error *err)
{
	uint32_t chunks = (uint32_t)(record->leaves.len / PKI_HASH_BYTES);
	char name[2 * PKI_HASH_BYTES + 1];
	*out = NULL;
	if (chunks == 0 || first_chunk > chunks)
		return tb_fail(err, TB_EINVALID, "first_chunk: the material has %u chunks", chunks);
	struct material_source *source = tb_alloc(sizeof(*source));
	tb_hex(name, root, PKI_HASH_BYTES);
	enum tb_code code = blob_reader_open(&source->reader, setup->blobs, name, err);
	if (code) {
		free(source);
		return code;
	}
	source->vault = pki_vault_new(setup->vault_key);
	source->size = record->size;
	source->chunks = chunks;
	source->next = first_chunk;
	source->first = true;
	source->leaves = tb_alloc(record->leaves.len);
	memcpy(source->leaves, record->leaves.data, record->leaves.len);
	*out = source;
	return TB_OK;
}

void material_source_free(struct material_source *source)
{
	if (!source)
		return;
	blob_reader_close(source->reader);
	pki_vault_free(source->vault);
	free(source->leaves);
	tb_buf_clear(&source->sealed);
	free(source);
}

enum tb_code material_source_chunk(struct material_source *source, struct tb_buf *chunk, bool *more,
                                   struct tb_error *err)
{
	*more = source->next < source->chunks;
	if (!*more)
		return TB_OK;
	source->sealed.size = 0;
	enum tb_code code = blob_read(source->reader, source->next, &source->sealed, err);
	if (code == TB_OK)
		code = pki_vault_open(source->vault, chunk, tb_buf_bytes(&source->sealed),
		                      tb_bytes_of(source->leaves[source->next].bytes, PKI_HASH_BYTES), err);
	if (code == TB_OK)
		source->next++;
	return code;
}

enum tb_code material_source_part(struct material_source *source, struct tb_buf *out, bool *more,
                                  struct tb_error *err)
{
	PbMaterialPart part = PB_MATERIAL_PART__INIT;
	ProtobufCBinaryData chunks[TB_PART_CHUNKS_MAX];
	struct tb_buf data[TB_PART_CHUNKS_MAX] = {{0}};
	enum tb_code code = TB_OK;
	bool any = true;
	*more = source->first || source->next < source->chunks;
	if (!*more)
		return TB_OK;
	part.first_chunk = source->next;
	part.chunks = chunks;
	if (source->first) {
		part.size = source->size;
		part.leaves =
			proto_data(tb_bytes_of(source->leaves, (size_t)source->chunks * PKI_HASH_BYTES));
		source->first = false;
	}
	/* The first part leaves room for the leaves. */
	size_t most = part.leaves.len > 0 ? TB_PART_CHUNKS_MAX - 1 : TB_PART_CHUNKS_MAX;
	while (part.n_chunks < most && any && code == TB_OK) {
		struct tb_buf *chunk = &data[part.n_chunks];
		code = material_source_chunk(source, chunk, &any, err);
		if (code == TB_OK && any)
			chunks[part.n_chunks++] = proto_data(tb_buf_bytes(chunk));
	}
	if (code == TB_OK)
		proto_encode(out, &part.base);
	for (size_t i = 0; i < TB_PART_CHUNKS_MAX; i++)
		tb_buf_clear(&data[i]);
	return code;
}
