/* Who stands behind an application: the person before the window or the screen, for whom the receiving region
 * vouches, and the authority of an agent. What is said here travels in the package, which that region signs.
 */
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/catalogue.h"
#include "node/core/ident.h"
#include "node/core/turn.h"

void identity_state(struct turn *turn, PbApplication *application, const PbActor *actor)
{
	PbIdentityAssertion *identity = application->identity;
	if (!identity) {
		/* An officer has the person before them; who hands in alone has only said who they are. */
		identity = PROTO_NEW(PbIdentityAssertion, identity_assertion, &turn->arena);
		identity->level =
			actor->role == PB_ROLE__R_WIN ? PB_ASSURANCE__IN_PERSON : PB_ASSURANCE__SELF_DECLARED;
		application->identity = identity;
	}
	identity->region = tb_arena_str(&turn->arena, turn->core->setup.region);
	identity->at_ms = turn->now;
	if (!identity->verifier[0])
		identity->verifier = actor->id;
}

static enum tb_code check_assertion(const PbApplication *application, const PbActor *actor,
                                    struct tb_error *err)
{
	const PbIdentityAssertion *identity = application->identity;
	/* The system begins the parts of a joint case with what was said of the whole. */
	bool officer = actor && (actor->role == PB_ROLE__R_WIN || actor->role == PB_ROLE__SYSTEM);
	if (identity->level < PB_ASSURANCE__SELF_DECLARED || identity->level > PB_ASSURANCE__IN_PERSON)
		return tb_refuse(err, TB_REASON_IDENTITY_LEVEL, NULL);
	if (strlen(identity->method) > TB_NAME_BYTES_MAX || strlen(identity->verifier) > TB_NAME_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "application.identity: method or verifier is too long");
	/* A screen sees no original of an identity card. */
	if (identity->level == PB_ASSURANCE__IN_PERSON && !officer)
		return tb_refuse(err, TB_REASON_IDENTITY_IN_PERSON, NULL);
	return TB_OK;
}

enum tb_code identity_check_stated(const PbApplication *application, const PbActor *actor,
                                   struct tb_error *err)
{
	return application->identity ? check_assertion(application, actor, err) : TB_OK;
}

/* ---- agents */

static bool material_named(const PbApplication *application, const PbAuthorisation *authorisation)
{
	for (size_t i = 0; i < application->n_materials; i++) {
		const PbMaterial *material = application->materials[i];
		if ((authorisation->need[0] && strcmp(material->need, authorisation->need) == 0) ||
		    (authorisation->credential[0] &&
		     strcmp(material->credential, authorisation->credential) == 0))
			return true;
	}
	return false;
}

static enum tb_code check_validity(const PbAuthorisation *authorisation, tb_day day, struct tb_error *err)
{
	tb_day from, until;
	if (!tb_day_parse(authorisation->valid_from, &from) ||
	    !tb_day_parse(authorisation->valid_until, &until))
		return tb_refuse(err, TB_REASON_AUTHORISATION_DATES, NULL);
	if (day < from || day > until)
		return tb_refuse(err, TB_REASON_AUTHORISATION_EXPIRED, authorisation->valid_from,
		                 authorisation->valid_until, NULL);
	return TB_OK;
}

static enum tb_code check_scope(const PbApplication *application, struct tb_error *err)
{
	const PbAuthorisation *authorisation = application->authorisation;
	bool listed = authorisation->n_items == 0 || application->n_parts > 0;
	if (case_text_blank(authorisation->scope))
		return tb_refuse(err, TB_REASON_AUTHORISATION_SCOPE, NULL);
	if (authorisation->n_items > TB_NEEDS_MAX)
		return tb_fail(err, TB_ETOOBIG, "application.authorisation.items: more than %d",
		               TB_NEEDS_MAX);
	for (size_t i = 0; i < authorisation->n_items && !listed; i++)
		listed = strcmp(authorisation->items[i], application->item) == 0;
	return listed ? TB_OK : tb_refuse(err, TB_REASON_AUTHORISATION_ITEM, application->item, NULL);
}

enum tb_code identity_check_agent(const PbApplication *application, tb_day day, struct tb_error *err)
{
	const PbParty *agent = application->agent;
	struct tb_error why;
	if (!agent)
		return application->authorisation ? tb_refuse(err, TB_REASON_AUTHORISATION_NO_AGENT, NULL)
		                                  : TB_OK;
	if (case_text_blank(agent->name) || strlen(agent->name) > TB_NAME_BYTES_MAX)
		return tb_refuse(err, TB_REASON_AGENT_NAME, NULL);
	if (ident_holder_check(agent->code_type, agent->code, day, &why))
		return tb_fail_at(err, TB_EINVALID, &why, "application.agent");
	if (strcmp(agent->code, application->applicant->code) == 0)
		return tb_refuse(err, TB_REASON_AGENT_SELF, NULL);
	if (!application->authorisation)
		return tb_refuse(err, TB_REASON_AUTHORISATION_MISSING, NULL);
	enum tb_code code = check_scope(application, err);
	if (code == TB_OK)
		code = check_validity(application->authorisation, day, err);
	/* A part's materials are named by its own list; the lead has checked it. */
	if (code == TB_OK && !application->lead[0] &&
	    !material_named(application, application->authorisation))
		code = tb_refuse(err, TB_REASON_AUTHORISATION_PAPER, NULL);
	return code;
}

/* ---- what a peer says */

enum tb_code identity_check_peer(const PbApplication *application, const PbActor *actor, const char *peer,
                                 tb_time at, struct tb_error *err)
{
	const PbIdentityAssertion *identity = application->identity;
	if (identity && strcmp(identity->region, peer) != 0)
		return tb_refuse(err, TB_REASON_IDENTITY_OTHER_REGION, identity->region, peer, NULL);
	enum tb_code code = identity_check_stated(application, actor, err);
	return code ? code : identity_check_agent(application, tb_day_at(at), err);
}
