/* What the verbs that count cases share. */
#pragma once

#include "node/cli/cli.h"

/* StatsService.Cases, all pages of it, added up into |all|, which is empty before. */
TB_MUST_CHECK enum tb_code stats_cases(struct cli *cli, PbStatsCasesRequest *request,
                                       PbStatsCasesResponse *all);
