/* What submitting a case and acting on one share. */
#pragma once

#include "node/cli/cli.h"

/* Checks the form of the options below, before anything is uploaded. */
TB_MUST_CHECK enum tb_code case_materials_form(struct cli *cli, const struct options *options);
/* The materials of --material NEED=FILE, --credential NEED=ID and --original NEED; files are uploaded.
 * Appends to *materials (moved to cli->arena). */
TB_MUST_CHECK enum tb_code case_materials(struct cli *cli, const struct options *options,
                                          PbMaterial ***materials, size_t *count);
#define CASE_MATERIAL_OPTIONS                                              \
	{"material", OPTION_LIST, "NEED=FILE", TEXT_O_MATERIAL},           \
		{"credential", OPTION_LIST, "NEED=ID", TEXT_O_CREDENTIAL}, \
	{                                                                  \
		"original", OPTION_LIST, "NEED", TEXT_O_ORIGINAL           \
	}

/* Uploads the file |path|; *out is it as a material, without the need that it meets. */
TB_MUST_CHECK enum tb_code case_upload(struct cli *cli, const char *path, PbMaterial **out);

/* Who acts, and through what: --role, --actor, --actor-name, --channel. TB_EINVALID without --actor: what is
 * done in law is a person's act, and the account of the computer is none. */
TB_MUST_CHECK enum tb_code case_actor(struct cli *cli, const struct options *options, PbRole role,
                                      PbActor **out);
#define CASE_ACTOR_OPTIONS                                                                        \
	{"role", OPTION_VALUE, "ROLE", TEXT_O_ROLE}, {"actor", OPTION_VALUE, "ID", TEXT_O_ACTOR}, \
		{"channel", OPTION_VALUE, "window|online|mobile|kiosk|phone", TEXT_O_CHANNEL},    \
	{                                                                                         \
		"actor-name", OPTION_VALUE, "NAME", TEXT_O_ACTOR_NAME                             \
	}

/* Who causes |event| in |state| of a case in |mode|: |usual| if the mode lets that role, else the first that
 * it lets. |usual| for a mode or an event that is not known here. */
PbRole case_role(const char *mode, PbCaseState state, PbCaseEvent event, PbRole usual);

/* "courier", "window", "home", "network". */
TB_MUST_CHECK enum tb_code case_way(struct cli *cli, const char *option, const char *value,
                                    PbDeliveryWay *out);

/* Shows a case after it was changed: its state, and what may follow. */
void case_brief(struct cli *cli, const PbCaseView *view);

/* tongban case submit, case needs; in cmd_case_submit.c. */
extern const struct option case_submit_options[];
int case_submit_run(struct cli *cli, const struct options *options);
extern const struct option case_needs_options[];
int case_needs_run(struct cli *cli, const struct options *options);
/* --at PART=REGION of a bundle, as parts of an application. */
TB_MUST_CHECK enum tb_code case_bundle_parts(struct cli *cli, const struct options *options,
                                             PbCasePart ***parts, size_t *count);

/* What submit's options say, without the materials. TB_EINVALID: they are not right. */
TB_MUST_CHECK enum tb_code case_application_of(struct cli *cli, const struct options *options,
                                               PbApplication **out);
/* Adds what need not be brought (CaseService.Prepare), and says what it was. */
TB_MUST_CHECK enum tb_code case_fill(struct cli *cli, const struct options *options,
                                     PbApplication *application);
int case_prepare_run(struct cli *cli, const struct options *options);
