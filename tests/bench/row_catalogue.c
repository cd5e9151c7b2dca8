/* A city's whole item list: publishing it, looking at it, holding it against another city's. */
#include <stdio.h>
#include <string.h>

#include "proto/codec.h"
#include "sim/lab/rig_child.h"
#include "tests/bench/api.h"
#include "tests/bench/process.h"

enum {
	ITEMS = 1087,
	LEARNT_SECONDS = 60,
	LOOK_MS = 200,
};

#define CITY "320600"  /* 南通 */
#define OTHER "330400" /* 嘉兴 */
#define ITEM "000110001000"

static void write_items(const struct bench *bench, const char *region, const char *city, const char *seed,
                        char path[BENCH_PATH_ROOM])
{
	char err[BENCH_PATH_ROOM];
	const char *args[] = {"items", region, city, seed, NULL};
	snprintf(path, BENCH_PATH_ROOM, "%s/items-%s.jsonl", bench->dir, region);
	snprintf(err, sizeof(err), "%s/items.err", bench->dir);
	if (rig_child_run(BENCH_GEN, args, path, err) != 0)
		bench_die("tongban-gen items failed");
}

static double load(const struct bench *bench, const struct bench_node *node, const char *path)
{
	const char *args[] = {"catalogue", "load", path, "--dir", node->dir, NULL};
	return process_command(bench, NULL, args) * 1000;
}

static size_t known_items(struct api *api)
{
	struct tb_arena arena = {0};
	struct tb_bytes reply;
	proto_message *message;
	struct tb_error err;
	size_t count = 0;
	/* 404 until the first page is here. */
	if (api_post(api, "/tongban.v1.CatalogueService/List", tb_bytes_str("{\"region\":\"" OTHER "\"}"),
	             &reply) == 200) {
		if (proto_json_decode(&message, &pb_catalogue_list_response__descriptor, reply, &arena, &err))
			bench_die("the item list of " OTHER ": %s", err.text);
		const PbCatalogueListResponse *list = (const PbCatalogueListResponse *)(const void *)message;
		count = list->catalogue ? list->catalogue->n_items : 0;
	}
	tb_arena_clear(&arena);
	return count;
}

static void wait_learnt(const struct bench_node *node)
{
	double end = bench_now() + LEARNT_SECONDS;
	struct api *api = api_open(node);
	while (known_items(api) < ITEMS) {
		if (bench_now() > end)
			bench_die("%s has not the whole item list of " OTHER, node->region);
		bench_sleep_ms(LOOK_MS);
	}
	api_close(api);
}

static struct report_row *add_row(struct bench *bench, const char *name)
{
	struct report_row *row = report_add(&bench->report, name, "ms");
	row->less = true;
	return row;
}

void row_catalogue(struct bench *bench)
{
	struct bench_node city, other;
	char path[BENCH_PATH_ROOM], seed[16], regions[16];
	if (!bench_wants(bench, "catalogue"))
		return;
	bench_say("two cities' lists of %d items", ITEMS);
	node_init(bench, &city, CITY);
	node_init(bench, &other, OTHER);
	node_start(bench, &city);
	node_start(bench, &other);
	node_introduce(bench, &city, &other);
	node_introduce(bench, &other, &city);
	write_items(bench, OTHER, "嘉兴", "1", path);
	load(bench, &other, path);
	struct report_row *row = add_row(bench, "catalogue_import");
	for (unsigned run = 0; run < bench->runs; run++) {
		/* Another seed: nearly every item is a new one. */
		snprintf(seed, sizeof(seed), "%u", run + 1);
		write_items(bench, CITY, "南通", seed, path);
		report_run(row, load(bench, &city, path), 0);
	}
	/* It asks its peers for their lists when it starts. */
	node_stop(&city);
	node_start(bench, &city);
	wait_learnt(&city);
	snprintf(regions, sizeof(regions), "%s,%s", city.region, other.region);
	const char *diff[] = {"catalogue", "diff", ITEM, "--regions", regions, "--dir", city.dir, NULL};
	const char *check[] = {"catalogue", "check", "--elements", "--dir", city.dir, NULL};
	row = add_row(bench, "catalogue_diff");
	for (unsigned run = 0; run < bench->runs; run++)
		report_run(row, process_command(bench, NULL, diff) * 1000, 0);
	row = add_row(bench, "catalogue_check");
	for (unsigned run = 0; run < bench->runs; run++)
		report_run(row, process_command(bench, NULL, check) * 1000, 0);
	node_stop(&other);
	node_stop(&city);
}
