/* Faults: when they come, what they do, when they end. Loop's thread. */
#pragma once

#include "sim/lab/lab.h"
#include "sim/lab/life.h"
#include "sim/lab/proxy.h"
#include "sim/report.h"

struct lab_faults;

/* Borrows all; |processes| are options.nodes many, |loop| a uv_loop_t. */
struct lab_faults *lab_faults_new(struct lab *lab, struct lab_process *processes, struct lab_proxy *proxy,
                                  void *loop);
void lab_faults_free(struct lab_faults *faults);

/* While there is trouble: begins what is due; always: ends what is over. */
void lab_faults_tick(struct lab_faults *faults);
/* Ends all. True once none is left: a store that is being put back takes its time. */
bool lab_faults_end(struct lab_faults *faults);

/* Links that were not well, for the report; they stay the faults'. */
const struct sim_report_span *lab_faults_spans(const struct lab_faults *faults, size_t *count);
