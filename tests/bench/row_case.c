/* Delivery of cases, and the materials that they name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/api.h"
#include "tests/bench/disk.h"
#include "tests/bench/process.h"
#include "tests/bench/rpc.h"

enum {
	IN_FLIGHT = 256,
	CASES = 20000,
	CASES_QUICK = 2000,
	ALONE = 200,
	ALONE_QUICK = 50,
	FORM_BYTES = 1240, /* brings the package to about 2 KiB */
	COMMIT_RECORDS = 256,
	MATERIAL_MB = 256,
	MATERIAL_MB_QUICK = 32,
	STREAM_BYTES = 256 * 1024,
	RECEIPT_SECONDS = 120,
	POLL_US = 100, /* between two looks: without a pause they would take a core from the nodes */
};

static const char submit_path[] = "/tongban.v1.CaseService/Submit";
static const char status_path[] = "/tongban.v1.NodeService/Status";

/* ---- what is handed in */

static void add_case(struct tb_buf *body, uint64_t id, const char *materials)
{
	tb_buf_printf(
		body,
		"{\"application\":{\"item\":\"" BENCH_ITEM "\",\"mode\":\"DS\",\"home\":\"" BENCH_HOME
		"\",\"applicant\":{\"name\":\"王伟\",\"codeType\":\"111\",\"code\":\"11010519491231002X\"},"
		"\"delivery\":\"COURIER\",\"address\":\"甘肃省兰州市城关区\",\"window\":\"政务大厅12号\","
		"\"form\":[{\"name\":\"申请内容\",\"value\":\"%llu ",
		(unsigned long long)id);
	size_t at = body->size;
	tb_buf_reserve(body, FORM_BYTES);
	memset(body->data + at, 'x', FORM_BYTES);
	body->size += FORM_BYTES;
	tb_buf_printf(body,
	              "\"}],\"materials\":[%s]},\"actor\":{\"role\":\"R_WIN\",\"id\":\"w1\"},"
	              "\"forward\":true}",
	              materials);
}

/* ---- waiting */

static PbStatusResponse *status_of(struct api *api, struct tb_arena *arena)
{
	return (PbStatusResponse *)(void *)api_call(api, status_path, "{}", &pb_status_response__descriptor,
	                                            arena);
}

static void wait_receipts(struct api *api)
{
	double until = bench_now() + RECEIPT_SECONDS;
	for (;;) {
		struct tb_arena arena = {0};
		PbStatusResponse *status = status_of(api, &arena);
		uint64_t outbox = status->outbox;
		uint64_t dead = status->dead_letters;
		tb_arena_clear(&arena);
		if (dead > 0)
			bench_die("deliver: %llu dead letters", (unsigned long long)dead);
		if (outbox == 0)
			return;
		if (bench_now() > until)
			bench_die("deliver: %llu messages have no receipt", (unsigned long long)outbox);
		bench_sleep_ms(2);
	}
}

static uint64_t cases_at(const struct bench_node *node)
{
	struct tb_arena arena = {0};
	struct api *api = api_open(node);
	uint64_t cases = status_of(api, &arena)->cases;
	api_close(api);
	tb_arena_clear(&arena);
	return cases;
}

/* The window's node has asked the home node what it offers. */
static void wait_catalogue(const struct bench *bench)
{
	struct api *api = api_open(&bench->window);
	double until = bench_now() + RECEIPT_SECONDS;
	for (bool there = false; !there;) {
		struct tb_bytes reply;
		unsigned status = api_post(api, "/tongban.v1.CatalogueService/List",
		                           tb_bytes_str("{\"region\":\"" BENCH_HOME "\"}"), &reply);
		there = status == 200 &&
		        memmem(reply.data, reply.size, BENCH_ITEM, sizeof(BENCH_ITEM) - 1) != NULL;
		if (!there && bench_now() > until)
			bench_die("the window's node has no list of items of the home region");
		if (!there)
			bench_sleep_ms(20);
	}
	api_close(api);
}

/* ---- many at once */

struct handing {
	uint64_t next;
	uint64_t end;
};

static bool hand_next(void *ctx, struct tb_buf *body)
{
	struct handing *handing = ctx;
	if (handing->next == handing->end)
		return false;
	add_case(body, handing->next++, "");
	return true;
}

static bool hand_check(void *ctx, unsigned status, struct tb_bytes body)
{
	(void)ctx;
	(void)body;
	return status == 200;
}

/* |cpu_us|: of the window's node and the home node, for a case. */
static double hand_run(const struct bench *bench, uint64_t cases, double cpu_us[2])
{
	struct handing handing = {.end = cases};
	const struct api_load load = {.node = &bench->window,
	                              .path = submit_path,
	                              .clients = IN_FLIGHT,
	                              .next = hand_next,
	                              .check = hand_check,
	                              .ctx = &handing};
	uint64_t count;
	uint64_t before = cases_at(&bench->home);
	double window_us = node_cpu_us(&bench->window);
	double home_us = node_cpu_us(&bench->home);
	double from = bench_now();
	api_load_run(&load, &count);
	/* Only now: the node takes no more connections than the load had. */
	struct api *api = api_open(&bench->window);
	wait_receipts(api);
	double took = bench_now() - from;
	api_close(api);
	cpu_us[0] = (node_cpu_us(&bench->window) - window_us) / (double)cases;
	cpu_us[1] = (node_cpu_us(&bench->home) - home_us) / (double)cases;
	if (cases_at(&bench->home) - before != cases)
		bench_die("deliver: the home node has not all cases");
	return (double)cases / took;
}

/* ---- one at a time */

/* Hands one case in and waits until the home region owns it. Seconds. */
static double hand_one(struct api *api, uint64_t id)
{
	static const char number_key[] = "\"number\":\"";
	static const char owned[] = "\"owner\":\"" BENCH_HOME "\"";
	struct tb_buf body = {0};
	struct tb_bytes reply;
	char number[64];
	char get[128];
	add_case(&body, id, "");
	double from = bench_now();
	unsigned status = api_post(api, submit_path, tb_buf_bytes(&body), &reply);
	const char *at =
		status == 200 ? memmem(reply.data, reply.size, number_key, sizeof(number_key) - 1) : NULL;
	if (!at || sscanf(at + sizeof(number_key) - 1, "%63[^\"]", number) != 1)
		bench_die("submit: %u %.*s", status, (int)reply.size, (const char *)reply.data);
	snprintf(get, sizeof(get), "{\"number\":\"%s\"}", number);
	do {
		bench_sleep_us(POLL_US);
		status = api_post(api, "/tongban.v1.CaseService/Get", tb_bytes_str(get), &reply);
		if (status != 200 || bench_now() - from > RECEIPT_SECONDS)
			bench_die("case %s: %u, not handed over", number, status);
	} while (!memmem(reply.data, reply.size, owned, sizeof(owned) - 1));
	tb_buf_clear(&body);
	return bench_now() - from;
}

static void alone(struct bench *bench)
{
	size_t count = bench->quick ? ALONE_QUICK : ALONE;
	double *times = tb_alloc(count * sizeof(*times));
	struct api *api = api_open(&bench->window);
	double commit_us;
	bench_say("deliver, one at a time");
	wait_receipts(api);
	disk_lmdb(bench, 1, &commit_us);
	for (size_t i = 0; i < count; i++) {
		times[i] = hand_one(api, i) * 1e6;
		/* The home node signs for it and tells so; the next one begins when that is over. */
		bench_sleep_ms(10);
	}
	struct report_row *row = report_add(&bench->report, "deliver_latency_p50", "us");
	row->base = "commit";
	row->less = true;
	row->must = 6;
	row->goal = 3;
	report_run(row, bench_percentile(times, count, 0.5), commit_us);
	row = report_add(&bench->report, "deliver_latency_p99", "us");
	row->base = "commit";
	row->less = true;
	report_run(row, bench_percentile(times, count, 0.99), commit_us);
	api_close(api);
	free(times);
}

void row_deliver(struct bench *bench)
{
	uint64_t cases = bench->quick ? CASES_QUICK : CASES;
	wait_catalogue(bench);
	if (bench_wants(bench, "deliver")) {
		struct report_row *row = report_add(&bench->report, "deliver", "cases/s");
		row->base = "lmdb_commit";
		row->must = 0.03;
		row->goal = 0.1;
		struct report_row *window = report_add(&bench->report, "deliver_cpu_window", "us");
		struct report_row *home = report_add(&bench->report, "deliver_cpu_home", "us");
		double cpu_us[2];
		hand_run(bench, cases / 10, cpu_us);
		for (unsigned run = 0; run < bench->runs; run++) {
			bench_say("deliver, run %u (home pid %d, window pid %d)", run + 1,
			          (int)bench->home.pid, (int)bench->window.pid);
			double lmdb = disk_lmdb(bench, COMMIT_RECORDS, NULL);
			report_run(row, hand_run(bench, cases, cpu_us), lmdb);
			report_run(window, cpu_us[0], 0);
			report_run(home, cpu_us[1], 0);
		}
	}
	if (bench_wants(bench, "deliver_latency"))
		alone(bench);
}

/* ---- materials */

/* Contents that no other run has: a material that is there already is not fetched. */
static void write_material(const char *path, uint64_t bytes, uint64_t seed)
{
	enum { WORDS = 1 << 17 };
	uint64_t *block = tb_alloc(WORDS * sizeof(*block));
	FILE *file = fopen(path, "we");
	uint64_t x = seed * 0x9E3779B97F4A7C15u + 1;
	if (!file)
		bench_die("%s: %s", path, strerror(errno));
	for (uint64_t done = 0; done < bytes; done += WORDS * sizeof(*block)) {
		for (size_t i = 0; i < WORDS; i++) {
			x ^= x << 13; /* xorshift64 (Marsaglia) */
			x ^= x >> 7;
			x ^= x << 17;
			block[i] = x;
		}
		fwrite(block, sizeof(*block), WORDS, file);
	}
	bench_close_file(file, path);
	free(block);
}

static void material_json(const PbMaterialView *view, struct tb_buf *out)
{
	tb_buf_printf(out,
	              "{\"need\":\"M1\",\"name\":\"scan.pdf\",\"mediaType\":\"application/pdf\","
	              "\"size\":%llu,\"root\":\"",
	              (unsigned long long)view->size);
	tb_base64(out, proto_bytes(view->root));
	tb_buf_str(out, "\",\"sha256\":\"");
	tb_base64(out, proto_bytes(view->sha256));
	tb_buf_str(out, "\"}");
}

/* Waits until the home node has all of it, and compares what both say of it. */
static void wait_material(struct api *home, const PbMaterialView *sent)
{
	struct tb_buf get = {0};
	double until = bench_now() + RECEIPT_SECONDS;
	tb_buf_str(&get, "{\"root\":\"");
	tb_base64(&get, proto_bytes(sent->root));
	tb_buf_str(&get, "\"}");
	for (bool complete = false; !complete;) {
		struct tb_arena arena = {0};
		struct tb_bytes reply;
		proto_message *message = NULL;
		struct tb_error err;
		unsigned status =
			api_post(home, "/tongban.v1.MaterialService/Get", tb_buf_bytes(&get), &reply);
		if (status == 200 && proto_json_decode(&message, &pb_material_view__descriptor, reply, &arena,
		                                       &err) == TB_OK) {
			const PbMaterialView *view = (const PbMaterialView *)(const void *)message;
			complete = view->complete;
			if (!tb_bytes_equal(proto_bytes(view->sha256), proto_bytes(sent->sha256)) ||
			    view->size != sent->size)
				bench_die("material: the two nodes name different contents");
		}
		tb_arena_clear(&arena);
		if (!complete && bench_now() > until)
			bench_die("material: it does not arrive");
		if (!complete)
			bench_sleep_ms(2);
	}
	tb_buf_clear(&get);
}

static double material_run(const struct bench *bench, uint64_t bytes, uint64_t seed, double *upload)
{
	char path[BENCH_PATH_ROOM];
	struct tb_arena arena = {0};
	struct tb_buf material = {0};
	struct tb_buf body = {0};
	struct tb_bytes reply;
	struct api *window = api_open(&bench->window);
	struct api *home = api_open(&bench->home);
	snprintf(path, sizeof(path), "%s/material.bin", bench->dir);
	write_material(path, bytes, seed);
	double from = bench_now();
	const PbMaterialView *view = api_put(window, path, bytes, &arena);
	*upload = (double)bytes / (bench_now() - from) / 1e6;
	material_json(view, &material);
	add_case(&body, seed, tb_buf_text(&material));
	from = bench_now();
	unsigned status = api_post(window, submit_path, tb_buf_bytes(&body), &reply);
	if (status != 200)
		bench_die("submit: %u %.*s", status, (int)reply.size, (const char *)reply.data);
	wait_material(home, view);
	double took = bench_now() - from;
	wait_receipts(window);
	api_close(home);
	api_close(window);
	unlink(path);
	tb_buf_clear(&material);
	tb_buf_clear(&body);
	tb_arena_clear(&arena);
	return (double)bytes / took / 1e6;
}

void row_material(struct bench *bench)
{
	uint64_t bytes = (uint64_t)(bench->quick ? MATERIAL_MB_QUICK : MATERIAL_MB) << 20;
	if (!bench_wants(bench, "material"))
		return;
	wait_catalogue(bench);
	struct report_row *row = report_add(&bench->report, "material", "MB/s");
	struct report_row *put = report_add(&bench->report, "material_upload", "MB/s");
	struct report_row *stream = report_add(&bench->report, "tls_stream", "MB/s");
	struct report_row *disk = report_add(&bench->report, "disk", "MB/s");
	row->base = "min(tls_stream, disk)";
	row->must = 0.5;
	row->goal = 0.9;
	for (unsigned run = 0; run < bench->runs; run++) {
		double upload;
		bench_say("material, run %u (home pid %d, window pid %d)", run + 1, (int)bench->home.pid,
		          (int)bench->window.pid);
		double by_stream = rpc_stream(bench, STREAM_BYTES);
		double by_disk = disk_files(bench, bytes);
		double rate = material_run(bench, bytes, run + 1, &upload);
		report_run(row, rate, by_stream < by_disk ? by_stream : by_disk);
		report_run(put, upload, 0);
		report_run(stream, by_stream, 0);
		report_run(disk, by_disk, 0);
	}
}
