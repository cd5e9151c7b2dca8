/* The verbs of tongban credential that are files of their own. */
#pragma once

#include "node/cli/cli.h"

/* tongban credential import; in cmd_credential_import.c. */
extern const struct option credential_import_options[];
int credential_import_run(struct cli *cli, const struct options *options);

/* tongban credential verify --batch; in cmd_credential_batch.c. */
int credential_batch_run(struct cli *cli, const struct options *options, const char *region);
