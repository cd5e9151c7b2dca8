/* tongban catalogue zone: the page of what can be done across regions here (线上专区). */
#include <string.h>

#include "node/cli/cmd_catalogue.h"
#include "node/cli/userfile.h"
#include "node/cli/zone.h"
#include "node/core/agreement.h"
#include "node/io/now.h"

static enum tb_code list_of(struct cli *cli, const char *region, const PbCatalogue **out)
{
	PbCatalogueListResponse *reply;
	enum tb_code code = catalogue_list(cli, region, "", false, &reply);
	*out = code ? NULL : reply->catalogue;
	return code == TB_ENOTFOUND ? TB_OK : code;
}

static enum tb_code add_partners(struct cli *cli, const PbStatusResponse *status, struct zone_facts *facts)
{
	struct zone_partner *partners =
		tb_arena_alloc(&cli->arena, (status->n_peers + 1) * sizeof(*partners));
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < status->n_peers && code == TB_OK; i++) {
		const PbPeerView *peer = status->peers[i];
		struct zone_partner *partner = &partners[facts->partners_count];
		bool agreed = false;
		for (size_t j = 0; j < facts->agreements_count && !agreed; j++)
			agreed = facts->agreements[j]->state == PB_AGREEMENT_STATE__IN_FORCE &&
			         facts->agreements[j]->agreement &&
			         agreement_is_party(facts->agreements[j]->agreement, peer->region);
		if (!agreed)
			continue;
		partner->region = peer->region;
		partner->name = peer->name;
		code = list_of(cli, peer->region, &partner->list);
		facts->partners_count++;
	}
	facts->partners = partners;
	return code;
}

static enum tb_code gather(struct cli *cli, struct zone_facts *facts)
{
	PbStatusRequest asked = PB_STATUS_REQUEST__INIT;
	PbStatusResponse *status;
	PbAgreementListRequest all = PB_AGREEMENT_LIST_REQUEST__INIT;
	PbAgreementListResponse *agreements;
	PbHallListRequest halls = PB_HALL_LIST_REQUEST__INIT;
	PbHallListResponse *own;
	enum tb_code code = CLI_CALL(cli, "NodeService/Status", &asked, status_response, &status);
	if (code == TB_OK)
		code = CLI_CALL(cli, "AgreementService/List", &all, agreement_list_response, &agreements);
	if (code == TB_OK)
		code = list_of(cli, "", &facts->list);
	if (code)
		return code;
	code = CLI_CALL(cli, "HallService/List", &halls, hall_list_response, &own);
	if (code && code != TB_ENOTFOUND)
		return code;
	facts->halls = code ? NULL : own->list;
	facts->region = status->region;
	facts->name = status->name;
	facts->agreements = agreements->agreements;
	facts->agreements_count = agreements->n_agreements;
	return add_partners(cli, status, facts);
}

static int run_zone(struct cli *cli, const struct options *options)
{
	struct zone_facts facts = {.now = now_ms()};
	struct tb_buf page = {0};
	enum tb_code code = gather(cli, &facts);
	if (code)
		return cli_fail(cli, code);
	zone_write(&page, &facts);
	code = userfile_write(options_value_or(options, "html", "-"), tb_buf_bytes(&page), &cli->error);
	tb_buf_clear(&page);
	return code ? cli_fail(cli, code) : CLI_DONE;
}

static const struct option zone_options[] = {
	{"html", OPTION_VALUE, "FILE", TEXT_O_ZONE_HTML},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

const struct cli_verb cmd_zone_verbs[] = {
	{"catalogue zone", "", 0, 0, TEXT_V_ZONE, zone_options, "tongban catalogue zone --html zone.html",
         false, run_zone},
	{0},
};
