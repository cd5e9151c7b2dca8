/* What a run says in the end. */
#pragma once

#include "sim/lab/faults.h"
#include "sim/lab/work.h"

/* The exit status that the run has earned, and one sentence for it. */
int lab_verdict(const struct lab *lab, char *sentence, size_t room);
/* report.html, report.json, junit.xml, and the summary on stdout. */
TB_MUST_CHECK enum tb_code lab_results_write(const struct lab *lab, const struct lab_work *work,
                                             const struct lab_faults *faults, double seconds,
                                             struct tb_error *err);
/* One line about where the run stands. */
void lab_progress(struct lab *lab);
