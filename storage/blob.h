/* Blobs: large contents, named by the RFC 6962 root of their chunks, in files under one directory.
 *
 * A blob is written once, chunk after chunk, into DIR/partial/<name>, synced, then renamed to DIR/<2
 * hex>/<root>. What a chunk's bytes look like on disk (they come sealed) is the caller's affair: every chunk
 * but the last has the same stored size. Any thread; one writer per name. Names are made of lower-case hex
 * only. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct blob_dir;
struct blob_writer;
struct blob_reader;

TB_MUST_CHECK enum tb_code blob_dir_open(struct blob_dir **out, const char *dir, size_t stored_chunk_bytes,
                                         struct tb_error *err);
void blob_dir_close(struct blob_dir *dir);

/* Opens the partial |name| with |chunks| chunks known to be good; what lies behind them is cut off. */
TB_MUST_CHECK enum tb_code blob_writer_open(struct blob_writer **out, struct blob_dir *dir, const char *name,
                                            uint32_t chunks, struct tb_error *err);
/* Appends a chunk. TB_EFULL: no room. */
TB_MUST_CHECK enum tb_code blob_write(struct blob_writer *writer, struct tb_bytes chunk,
                                      struct tb_error *err);
/* Everything written so far is on the disk when this returns TB_OK. If it fails, so does every later sync of
 * this writer: open another one behind the chunks that are known to be good. */
TB_MUST_CHECK enum tb_code blob_sync(struct blob_writer *writer, struct tb_error *err);
/* Syncs, renames to its final |root| (hex), syncs the directories. Frees the writer on success and failure.
 */
TB_MUST_CHECK enum tb_code blob_finish(struct blob_writer *writer, const char *root, struct tb_error *err);
/* Closes and keeps the partial, or removes it. */
void blob_writer_close(struct blob_writer *writer, bool remove);

bool blob_exists(struct blob_dir *dir, const char *root);
TB_MUST_CHECK enum tb_code blob_reader_open(struct blob_reader **out, struct blob_dir *dir, const char *root,
                                            struct tb_error *err);
/* Chunk |index| as stored, into |chunk|; its size is 0 past the end. Works on a partial writer's file too. */
TB_MUST_CHECK enum tb_code blob_read(struct blob_reader *reader, uint32_t index, struct tb_buf *chunk,
                                     struct tb_error *err);
void blob_reader_close(struct blob_reader *reader);
/* Opens the partial |name| for reading what was synced. */
TB_MUST_CHECK enum tb_code blob_reader_open_partial(struct blob_reader **out, struct blob_dir *dir,
                                                    const char *name, struct tb_error *err);
/* Removes a finished blob and the partial of its name, durably; TB_OK also when there is none. Who reads it
 * reads on. */
TB_MUST_CHECK enum tb_code blob_remove(struct blob_dir *dir, const char *root, struct tb_error *err);
/* Removes partials whose name |keep| refuses; at start-up. */
void blob_sweep(struct blob_dir *dir, bool (*keep)(void *ctx, const char *name), void *ctx);
