/* The standard forms of a case (DB4406/T 14-2021, appendices A to K) as HTML that prints on A4, in Chinese.
 *
 * A form states what one entry of the case's log says; it bears the case's number, the entry's place, the
 * region that ordered it and the short digest under which the evidence is found. */
#pragma once

#include "node/cli/cli.h"

/* The names of the forms that |view|'s log has entries for, joined by spaces, in |cli|'s arena. */
const char *forms_list(struct cli *cli, const PbCaseView *view);
/* Appends form |name| (its Chinese title) of the newest entry that it is for. False: there is none. */
bool forms_write(struct tb_buf *out, struct cli *cli, const PbCaseView *view, const char *name);
