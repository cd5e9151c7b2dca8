/* What the parts of the benchmark share.
 *
 * One process, one thread, so that it can fork: whatever uses gRPC does so in a child. The node under test is
 * the program itself, started as an operator starts it, and seen through its command and its local API only.
 */
#pragma once

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "tests/bench/report.h"

#define BENCH_HOME "320400"   /* 常州: certificates are at home here, cases are decided here */
#define BENCH_WINDOW "620100" /* 兰州: asks, hands cases over */
#define BENCH_CALLER "510100" /* 成都: only its keys are used, for idle connections */
#define BENCH_ITEM "123204000000000013320001000001A"

enum { BENCH_PATH_ROOM = 256 };

struct bench_node {
	char region[8];
	char dir[BENCH_PATH_ROOM];
	char log[BENCH_PATH_ROOM]; /* its stderr, of the last start */
	pid_t pid;                 /* 0: not running */
};

struct bench {
	const char *program; /* tongban */
	const char *dir;     /* everything is made in here */
	const char *only;    /* names of rows, parted by commas; NULL: all */
	bool quick;
	unsigned runs;         /* of each rate */
	unsigned seconds;      /* of each measurement that goes by time */
	uint64_t certificates; /* at home */
	struct generator *generator;
	struct report report;
	struct bench_node home;
	struct bench_node window;
	struct bench_node caller;
};

/* True if the row is to be measured. */
bool bench_wants(const struct bench *bench, const char *row);

/* Something that must work did not: says so and ends with status 2. */
noreturn void bench_die(const char *fmt, ...) TB_PRINTF(1, 2);
/* Progress, on stderr. */
void bench_say(const char *fmt, ...) TB_PRINTF(1, 2);

/* Seconds on a clock that only goes on. */
double bench_now(void);
void bench_sleep_ms(unsigned ms);
void bench_sleep_us(unsigned us);
/* The value below which |share| (0..1) of |values| are; sorts them. */
double bench_percentile(double *values, size_t count, double share);
/* Reads a whole file. */
/* Closes a file that was written. It is on the disk then: what is measured next does not share the disk with
 * it. */
void bench_close_file(FILE *file, const char *path);
void bench_read_file(struct tb_buf *out, const char *path);

/* ---- rows */

void row_import(struct bench *bench);
void row_start(struct bench *bench);
void row_memory(struct bench *bench);
void row_verify(struct bench *bench);
void row_deliver(struct bench *bench);
void row_material(struct bench *bench);
void row_catalogue(struct bench *bench);
