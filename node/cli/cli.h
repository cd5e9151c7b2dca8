/* What the verbs of the command share. */
#pragma once

#include "node/cli/client.h"
#include "node/cli/options.h"
#include "node/cli/table.h"
#include "node/cli/text.h"

/* The process's exit status. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_REFUSED = 1,     /* with a reason on stderr */
	CLI_USAGE = 2,       /* the command line is not right */
	CLI_UNREACHABLE = 3, /* no node runs there, or the peer cannot be reached */
};

struct cli {
	const struct cli_verb *verb;
	const char *dir; /* of the node; NULL if none is known and the verb needs none */
	bool json;
	struct client *client; /* made at first use */
	struct tb_arena arena; /* until the command ends */
	struct tb_error error;
};

struct cli_verb {
	const char *name;     /* "case show" or "status"; NULL ends a table */
	const char *operands; /* for the help: "NUMBER" */
	size_t operands_min;
	size_t operands_max;
	enum text_id about;
	const struct option *options; /* may be NULL */
	const char *example;          /* one line */
	bool offline;                 /* needs no node directory */
	int (*run)(struct cli *cli, const struct options *options);
};

/* The groups, in the order of the help; each ended by a verb without a name. */
extern const struct cli_verb cmd_init_verbs[];
extern const struct cli_verb cmd_run_verbs[];
extern const struct cli_verb cmd_status_verbs[];
extern const struct cli_verb cmd_peer_verbs[];
extern const struct cli_verb cmd_catalogue_verbs[];
extern const struct cli_verb cmd_credential_verbs[];
extern const struct cli_verb cmd_case_verbs[];
extern const struct cli_verb cmd_catalogue_file_verbs[];
extern const struct cli_verb cmd_catalogue_compare_verbs[];
extern const struct cli_verb cmd_trace_verbs[];
extern const struct cli_verb cmd_agreement_verbs[];
extern const struct cli_verb cmd_stats_verbs[];
extern const struct cli_verb cmd_commitment_verbs[];
extern const struct cli_verb cmd_hall_verbs[];
extern const struct cli_verb cmd_matter_verbs[];
extern const struct cli_verb cmd_material_verbs[];
extern const struct cli_verb cmd_evidence_verbs[];
extern const struct cli_verb cmd_audit_verbs[];
extern const struct cli_verb cmd_token_verbs[];
extern const struct cli_verb cmd_webhook_verbs[];
extern const struct cli_verb cmd_export_verbs[];
extern const struct cli_verb cmd_import_verbs[];
extern const struct cli_verb cmd_archive_verbs[];
extern const struct cli_verb cmd_prune_verbs[];
extern const struct cli_verb cmd_hold_verbs[];
extern const struct cli_verb cmd_erase_verbs[];
extern const struct cli_verb cmd_progress_verbs[];
extern const struct cli_verb cmd_readiness_verbs[];
extern const struct cli_verb cmd_zone_verbs[];
extern const struct cli_verb cmd_openapi_verbs[];

/* Says cli->error and gives the exit status for |code|. */
int cli_fail(struct cli *cli, enum tb_code code);
/* Says cli->error and where help is: CLI_USAGE. */
int cli_usage(struct cli *cli);

struct client *cli_client(struct cli *cli);
/* The reply is in cli->arena; the reason of a failure in cli->error. */
TB_MUST_CHECK enum tb_code cli_call(struct cli *cli, const char *path, const proto_message *request,
                                    const proto_type *reply_type, proto_message **out);
#define CLI_CALL(cli, path, request, name, out)                                        \
	cli_call(cli, "/tongban.v1." path, &(request)->base, &pb_##name##__descriptor, \
	         (proto_message **)(void *)(out))

/* The reply as canonical JSON, for programs. */
void cli_print_json(const proto_message *message);

/* After a call: true if nothing is left to be said in a person's words, for the call failed (|code|), which
 * is told, or the reply was wanted as JSON, which is printed. *status is the exit status then, and CLI_DONE
 * otherwise. */
bool cli_ended(struct cli *cli, enum tb_code code, const proto_message *reply, int *status);
#define CLI_ENDED(cli, code, reply, status) cli_ended(cli, code, (code) ? NULL : &(reply)->base, status)

/* Texts in cli->arena. */
const char *cli_number(struct cli *cli, uint64_t number);
const char *cli_time(struct cli *cli, int64_t at_ms); /* Beijing time, to the second; "" for 0 */
const char *cli_hex(struct cli *cli, ProtobufCBinaryData bytes);
const char *cli_enum(const proto_enum *type, int value); /* "" for 0 */
/* The generated structs' texts are not const; nothing writes through them. */
char *cli_pb(const char *text);

/* "r-win", "R_WIN": the value of an enum, whatever the case. TB_EINVALID names the option and lists what
 * there is. */
TB_MUST_CHECK enum tb_code cli_enum_option(struct cli *cli, const proto_enum *type, const char *option,
                                           const char *value, int *out);
/* --channel; *out stays unspecified without it. */
TB_MUST_CHECK enum tb_code cli_channel_option(struct cli *cli, const struct options *options, PbChannel *out);
/* 渠道: "" where it is not known. */
const char *cli_channel_text(PbChannel channel);
/* --from and --to; "" where not given. TB_EINVALID if the period ends before it begins. */
TB_MUST_CHECK enum tb_code cli_period_options(struct cli *cli, const struct options *options, char **from,
                                              char **to);
/* "LEFT=RIGHT" of option |name|, in cli->arena. */
TB_MUST_CHECK enum tb_code cli_pair(struct cli *cli, const char *name, const char *value, const char **left,
                                    const char **right);
/* "|text| [|code|]": a code of another region's beside ours; |text| alone if there is none. */
const char *cli_beside(struct cli *cli, const char *text, const char *code);
/* Reads a JSON message from a file. */
TB_MUST_CHECK enum tb_code cli_read_json(struct cli *cli, const char *path, const proto_type *type,
                                         proto_message **out);
