/* Two nodes' directories to be loaded, and the peers of one. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/io/config.h"
#include "node/io/file.h"

#define NOW ((tb_time)1795000000000) /* 2026-11-18 */

/* A scratch directory with two nodes, 320400 in a/ and 510100 in b/; removed by teardown. */
struct scratch {
	char root[64];
	char a[96];
	char b[96];
	struct tb_error err;
	char path[256];
};

static inline void init_node(const char *dir, const char *region, const char *listen)
{
	struct tb_error err = {0};
	const struct config_new init = {
		.region = region, .listen = listen, .message_suite = PKI_ED25519, .now = NOW};
	if (config_init(dir, &init, &err) != TB_OK)
		fail_msg("%s", err.text);
}

static inline int setup(void **state)
{
	struct scratch *s = tb_alloc(sizeof(*s));
	snprintf(s->root, sizeof(s->root), "/tmp/tongban_config_XXXXXX");
	assert_non_null(mkdtemp(s->root));
	snprintf(s->a, sizeof(s->a), "%s/a", s->root);
	snprintf(s->b, sizeof(s->b), "%s/b", s->root);
	init_node(s->a, "320400", "127.0.0.1:7443");
	init_node(s->b, "510100", NULL);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct scratch *s = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", s->root);
	int rc = system(command);
	free(s);
	return rc;
}

static inline const char *in(struct scratch *s, const char *dir, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", dir, name);
	return s->path;
}

static inline void put(struct scratch *s, const char *dir, const char *name, const char *text)
{
	struct tb_error err = {0};
	if (file_replace(in(s, dir, name), tb_bytes_str(text), 0600, &err) != TB_OK)
		fail_msg("%s", err.text);
}

static inline void assert_says(const struct tb_error *err, const char *text)
{
	if (!strstr(err->text, text))
		fail_msg("\"%s\" does not say \"%s\"", err->text, text);
}

static inline unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline void copy(struct scratch *s, const char *from_dir, const char *from, const char *to)
{
	struct tb_buf text = {0};
	assert_int_equal(file_read(&text, in(s, from_dir, from), 1 << 16, &s->err), TB_OK);
	assert_int_equal(file_replace(in(s, s->a, to), tb_buf_bytes(&text), 0600, &s->err), TB_OK);
	tb_buf_clear(&text);
}

#define WITH_NODES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
