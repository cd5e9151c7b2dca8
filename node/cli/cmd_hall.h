/* tongban department load, list; in cmd_department.c. */
#pragma once

#include "node/cli/cli.h"

int department_load_run(struct cli *cli, const struct options *options);
extern const struct option department_list_options[];
int department_list_run(struct cli *cli, const struct options *options);
