/* LMDB's data format 1 in 64 bits and native byte order, as far as it takes to see that a file is whole.
 *
 *   page 0, page 1   meta pages; the one with the greater txnid counts
 *   page             head, then an array of 16-bit offsets of nodes; lower ends the array
 *   free table       B+tree whose values are lists of free pages: count, then page numbers, 64 bits each
 *
 * The file may be shorter than the meta's last page and still be whole: pages that a transaction takes at the
 * end and gives back before it commits are free without ever having been written. So a short file is whole
 * if, and only if, every page that it lacks is in the free table.
 *
 * LMDB takes a page that a list names without looking whether there can be one: the lists are looked through
 * here, each of which descends. */
#include "storage/store_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

struct page_head {
	uint64_t number;
	uint16_t unused;
	uint16_t flags;
	uint16_t lower; /* bytes from the page's start */
	uint16_t upper;
};

struct tree {
	uint32_t page_bytes; /* in the free table's; others use it otherwise */
	uint16_t flags;
	uint16_t depth;
	uint64_t branch_pages;
	uint64_t leaf_pages;
	uint64_t overflow_pages;
	uint64_t entries;
	uint64_t root;
};

struct meta {
	uint32_t magic;
	uint32_t version;
	uint64_t address;
	uint64_t map_bytes;
	struct tree free_tree;
	struct tree main_tree;
	uint64_t last_page;
	uint64_t txnid;
};

struct meta_page {
	struct page_head head;
	struct meta meta;
};

struct node {
	uint16_t low; /* branch: child page, bits 0-15; leaf: bytes of the value */
	uint16_t high;
	uint16_t flags; /* branch: child page, bits 32-47 */
	uint16_t key_bytes;
};

_Static_assert(sizeof(struct page_head) == 16, "LMDB PAGEHDRSZ");
_Static_assert(sizeof(struct meta) == 136, "LMDB MDB_meta");
_Static_assert(sizeof(struct node) == 8, "LMDB NODESIZE");

enum {
	PAGE_BRANCH = 0x01,
	PAGE_LEAF = 0x02,
	PAGE_META = 0x08,
	NODE_OVERFLOW = 0x01, /* the value is in pages of its own */
	PAGE_BYTES_MIN = 512,
	PAGE_BYTES_MAX = 32768,
	TREE_DEPTH_MAX = 32, /* LMDB CURSOR_STACK */
	METAS = 2,
};
static const uint32_t META_MAGIC = 0xBEEFC0DE;
static const uint32_t META_VERSION = 1;
static const uint64_t NO_PAGE = UINT64_MAX;                /* the root of an empty tree */
static const uint64_t PAGE_NUMBER_MAX = (uint64_t)1 << 47; /* what a branch node can name */

struct file {
	int fd;
	size_t page_bytes;
	uint64_t pages; /* whole pages that the file has */
	uint64_t last_page;
	uint64_t missing_free; /* free pages found that the file lacks */
	int error;             /* errno of a failed read */
};

static bool read_at(struct file *file, void *out, size_t size, uint64_t offset)
{
	uint8_t *to = out;
	while (size > 0) {
		ssize_t got = pread(file->fd, to, size, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			file->error = errno;
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
	return true;
}

/* Counts those that the file lacks. False: one is no page, or not below the one before it, |*before|. */
static bool count_missing(struct file *file, const uint64_t *numbers, size_t count, uint64_t *before)
{
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] < METAS || numbers[i] >= *before)
			return false;
		file->missing_free += numbers[i] >= file->pages;
		*before = numbers[i];
	}
	return true;
}

/* Counts a list of free pages of |size| bytes at |offset|. */
static bool walk_list(struct file *file, uint64_t offset, uint64_t size)
{
	uint64_t numbers[512];
	uint64_t left, before = file->last_page + 1;
	if (size < sizeof(left) || !read_at(file, &left, sizeof(left), offset))
		return false;
	if (left > size / sizeof(left) - 1)
		return false;
	offset += sizeof(left);
	while (left > 0) {
		size_t some = left < 512 ? (size_t)left : 512;
		if (!read_at(file, numbers, some * sizeof(*numbers), offset) ||
		    !count_missing(file, numbers, some, &before))
			return false;
		offset += some * sizeof(*numbers);
		left -= some;
	}
	return true;
}

static bool walk_page(struct file *file, uint64_t number, unsigned depth);

static bool walk_node(struct file *file, uint64_t number, const uint8_t *page, size_t at, unsigned depth)
{
	struct node node;
	if (at < sizeof(struct page_head) || at + sizeof(node) > file->page_bytes)
		return false;
	memcpy(&node, page + at, sizeof(node));
	struct page_head head;
	memcpy(&head, page, sizeof(head));
	uint64_t low = (uint64_t)node.low | (uint64_t)node.high << 16;
	if (head.flags & PAGE_BRANCH)
		return walk_page(file, low | (uint64_t)node.flags << 32, depth + 1);
	size_t value = at + sizeof(node) + node.key_bytes;
	if (!(node.flags & NODE_OVERFLOW))
		return value + low <= file->page_bytes &&
		       walk_list(file, number * file->page_bytes + value, low);
	uint64_t overflow;
	if (value + sizeof(overflow) > file->page_bytes)
		return false;
	memcpy(&overflow, page + value, sizeof(overflow));
	return overflow < file->pages &&
	       walk_list(file, overflow * file->page_bytes + sizeof(struct page_head), low);
}

static bool walk_page(struct file *file, uint64_t number, unsigned depth)
{
	if (number >= file->pages || depth > TREE_DEPTH_MAX)
		return false;
	uint8_t *page = tb_alloc(file->page_bytes);
	struct page_head head = {0};
	bool good = read_at(file, page, file->page_bytes, number * file->page_bytes);
	if (good) {
		memcpy(&head, page, sizeof(head));
		good = head.number == number && head.lower >= sizeof(head) &&
		       head.lower <= file->page_bytes && (head.flags & (PAGE_BRANCH | PAGE_LEAF)) != 0;
	}
	for (size_t at = sizeof(head); good && at + 2 <= head.lower; at += 2) {
		uint16_t offset;
		memcpy(&offset, page + at, sizeof(offset));
		good = walk_node(file, number, page, offset, depth);
	}
	free(page);
	return good;
}

static bool meta_read(struct file *file, struct meta *meta, uint64_t offset)
{
	struct meta_page page;
	if (!read_at(file, &page, sizeof(page), offset))
		return false;
	*meta = page.meta;
	uint32_t size = meta->free_tree.page_bytes;
	return (page.head.flags & PAGE_META) && meta->magic == META_MAGIC && meta->version == META_VERSION &&
	       size >= PAGE_BYTES_MIN && size <= PAGE_BYTES_MAX && (size & (size - 1)) == 0 &&
	       meta->last_page >= 1 && meta->last_page < PAGE_NUMBER_MAX;
}

enum tb_code store_damage_check(int fd, struct tb_error *err)
{
	struct file file = {.fd = fd};
	struct meta metas[2];
	struct stat stat;
	if (fstat(fd, &stat) != 0)
		return tb_fail(err, store_engine_code(errno), "store: data.mdb: cannot be examined");
	bool good = meta_read(&file, &metas[0], 0) &&
	            meta_read(&file, &metas[1], metas[0].free_tree.page_bytes) &&
	            metas[0].free_tree.page_bytes == metas[1].free_tree.page_bytes;
	if (file.error != 0)
		return tb_fail(err, TB_ESTORAGE, "store: data.mdb: cannot be read");
	if (!good)
		return tb_fail(err, TB_ECORRUPT, "store: data.mdb: not a data file, or its head is damaged");
	const struct meta *meta = &metas[metas[1].txnid > metas[0].txnid];
	file.page_bytes = meta->free_tree.page_bytes;
	file.pages = (uint64_t)stat.st_size / file.page_bytes;
	file.last_page = meta->last_page;
	good = meta->free_tree.root == NO_PAGE || walk_page(&file, meta->free_tree.root, 0);
	if (file.error != 0)
		return tb_fail(err, TB_ESTORAGE, "store: data.mdb: cannot be read");
	bool is_short = file.last_page >= file.pages;
	if (!good && !is_short)
		return tb_fail(err, TB_ECORRUPT, "store: data.mdb: its table of free pages is damaged");
	if (is_short && (!good || file.missing_free < file.last_page + 1 - file.pages))
		return tb_fail(err, TB_ECORRUPT, "store: data.mdb: cut off: page %llu of %llu is missing",
		               (unsigned long long)file.pages, (unsigned long long)file.last_page + 1);
	return TB_OK;
}

/* A head lies within one sector, so that writing what is there already cannot tear it. All other pages of a
 * transaction were synced before its head was written. */
enum tb_code store_settle(int fd, struct tb_error *err)
{
	struct file file = {.fd = fd};
	struct meta_page page;
	uint64_t offset = 0;
	for (int i = 0; i < 2; i++) {
		if (!read_at(&file, &page, sizeof(page), offset))
			return tb_fail(err, TB_ESTORAGE, "store: data.mdb: its heads cannot be read");
		errno = 0;
		if (pwrite(fd, &page, sizeof(page), (off_t)offset) != (ssize_t)sizeof(page))
			return tb_fail(err, store_engine_code(errno ? errno : EIO),
			               "store: data.mdb: its heads cannot be written");
		offset = page.meta.free_tree.page_bytes;
	}
	if (fdatasync(fd) != 0)
		return tb_fail(err, store_engine_code(errno), "store: data.mdb: cannot be synced");
	return TB_OK;
}
