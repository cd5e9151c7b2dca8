#include "node/core/readinesscheck.h"

#include <string.h>

#include "node/core/agreement.h"
#include "node/core/cataloguecheck.h"

static const char *const words[] = {"list",     "elements", "peer_list", "link",       "agreement", "items",
                                    "postage",  "contacts", "halls",     "peer_halls", "tokens",    "letters",
                                    "training", "trial",    "backup",    "publicity"};
_Static_assert(sizeof(words) / sizeof(words[0]) == READINESS_TOPICS, "a word for every topic");

const char *readiness_word(enum readiness_topic topic)
{
	return words[topic];
}

struct check {
	const struct readiness_facts *facts;
	struct tb_arena *arena;
	PbReadinessReport *report;
	const PbAgreement *agreement; /* in force, with the peer; NULL */
};

static void line(struct check *check, enum readiness_topic topic, PbReadinessState state, const char *what)
{
	PbReadinessLine *line = PROTO_NEW(PbReadinessLine, readiness_line, check->arena);
	line->topic = tb_arena_str(check->arena, readiness_word(topic));
	line->state = state;
	line->what = tb_arena_str(check->arena, what);
	check->report->lines[check->report->n_lines++] = line;
	check->report->lacking += state == PB_READINESS_STATE__LACKING;
}

static PbReadinessState ready(bool is, PbReadinessState otherwise)
{
	return is ? PB_READINESS_STATE__READY : otherwise;
}

/* ---- lists */

static void check_lists(struct check *check)
{
	const struct readiness_facts *facts = check->facts;
	struct catalogue_finding *list;
	size_t findings = 0, wrong = 0;
	const PbCatalogue *own = facts->list, *peer = facts->peer_list;
	bool some = own && own->n_items > 0;
	line(check, READINESS_LIST, ready(some, PB_READINESS_STATE__LACKING),
	     some ? tb_arena_printf(check->arena, "%zu", own->n_items) : "0");
	if (some)
		findings = catalogue_findings(own, true, check->arena, &list);
	for (size_t i = 0; i < findings; i++)
		wrong += list[i].fault < CATALOGUE_ELEMENT;
	line(check, READINESS_ELEMENTS,
	     ready(some && findings == 0,
	           wrong > 0 || !some ? PB_READINESS_STATE__LACKING : PB_READINESS_STATE__ADVISABLE),
	     tb_arena_printf(check->arena, "%zu", findings));
	line(check, READINESS_PEER_LIST, ready(peer && peer->n_items > 0, PB_READINESS_STATE__LACKING),
	     tb_arena_printf(check->arena, "%zu", peer ? peer->n_items : 0));
}

/* ---- the link */

static void check_link(struct check *check)
{
	const struct readiness_facts *facts = check->facts;
	const PbPeerView *view = NULL;
	for (size_t i = 0; i < facts->status->n_peers; i++) {
		if (strcmp(facts->status->peers[i]->region, facts->peer) == 0)
			view = facts->status->peers[i];
	}
	bool up = view && view->last_contact_ms > facts->now - TB_HOUR && !view->last_error[0];
	char day[11] = "-";
	if (view && view->last_contact_ms)
		tb_day_format(day, tb_day_at(view->last_contact_ms));
	line(check, READINESS_LINK, ready(up, PB_READINESS_STATE__LACKING),
	     !view ? "-" : tb_arena_printf(check->arena, "%s %s", day, view->last_error));
}

/* ---- the agreement */

static void find_agreement(struct check *check)
{
	const PbAgreementListResponse *all = check->facts->agreements;
	const PbAgreementView *signing = NULL;
	for (size_t i = 0; all && i < all->n_agreements; i++) {
		const PbAgreementView *view = all->agreements[i];
		if (!view->agreement || !agreement_is_party(view->agreement, check->facts->peer))
			continue;
		if (view->state == PB_AGREEMENT_STATE__IN_FORCE)
			check->agreement = view->agreement;
		else if (view->state == PB_AGREEMENT_STATE__PROPOSED)
			signing = view;
	}
	line(check, READINESS_AGREEMENT, ready(check->agreement, PB_READINESS_STATE__LACKING),
	     check->agreement ? check->agreement->id
	     : signing        ? tb_arena_printf(check->arena, "%s ?", signing->agreement->id)
	                      : "-");
}

/* Items of |list| that an agreement lets |window| receive. */
static size_t covered(const struct check *check, const PbCatalogue *list, const char *home,
                      const char *window)
{
	const PbAgreementListResponse *all = check->facts->agreements;
	size_t count = 0;
	for (size_t i = 0; list && all && i < list->n_items; i++) {
		const PbItem *item = list->items[i];
		const char **modes = tb_arena_alloc(check->arena, (item->n_modes + 1) * sizeof(*modes));
		count += agreement_modes(all->agreements, all->n_agreements, item, home, window,
		                         check->facts->now, modes) > 0;
	}
	return count;
}

static bool has_contact(const PbAgreement *agreement, const char *region)
{
	for (size_t i = 0; i < agreement->n_contacts; i++) {
		if (strcmp(agreement->contacts[i]->region, region) == 0 && agreement->contacts[i]->phone[0])
			return true;
	}
	return false;
}

static void check_agreement(struct check *check)
{
	const char *self = check->facts->status->region, *peer = check->facts->peer;
	find_agreement(check);
	const PbAgreement *agreement = check->agreement;
	size_t ours = covered(check, check->facts->list, self, peer);
	size_t theirs = covered(check, check->facts->peer_list, peer, self);
	line(check, READINESS_ITEMS,
	     ready(ours > 0 && theirs > 0,
	           ours + theirs > 0 ? PB_READINESS_STATE__ADVISABLE : PB_READINESS_STATE__LACKING),
	     tb_arena_printf(check->arena, "%s %zu, %s %zu", self, ours, peer, theirs));
	line(check, READINESS_POSTAGE, ready(agreement && agreement->postage, PB_READINESS_STATE__LACKING),
	     agreement && agreement->postage
	             ? proto_enum_name(&pb_postage_payer__descriptor, (int)agreement->postage)
	             : "-");
	bool own = agreement && has_contact(agreement, self),
	     other = agreement && has_contact(agreement, peer);
	line(check, READINESS_CONTACTS, ready(own && other, PB_READINESS_STATE__LACKING),
	     tb_arena_printf(check->arena, "%s %s, %s %s", self, own ? "1" : "0", peer, other ? "1" : "0"));
}

/* ---- halls, tokens, messages */

static void check_halls(struct check *check)
{
	const PbHallList *halls = check->facts->halls, *peer = check->facts->peer_halls;
	size_t receive = 0, whole = 0, there = 0;
	for (size_t i = 0; halls && i < halls->n_halls; i++) {
		const PbHall *hall = halls->halls[i];
		receive += hall->receives;
		whole += hall->receives && hall->address[0] && hall->phone[0] && hall->n_hours > 0;
	}
	for (size_t i = 0; peer && i < peer->n_halls; i++)
		there += peer->halls[i]->receives || peer->halls[i]->hands_out;
	line(check, READINESS_HALLS,
	     ready(receive > 0 && whole == receive,
	           whole > 0 ? PB_READINESS_STATE__ADVISABLE : PB_READINESS_STATE__LACKING),
	     tb_arena_printf(check->arena, "%zu/%zu", whole, receive));
	line(check, READINESS_PEER_HALLS, ready(there > 0, PB_READINESS_STATE__ADVISABLE),
	     tb_arena_printf(check->arena, "%zu", there));
}

static bool has_role(const PbTokenListResponse *tokens, PbTokenRole role)
{
	for (size_t i = 0; tokens && i < tokens->n_tokens; i++) {
		for (size_t j = 0; j < tokens->tokens[i]->n_roles; j++) {
			if (tokens->tokens[i]->roles[j] == role && tokens->tokens[i]->revoked_ms == 0)
				return true;
		}
	}
	return false;
}

static void check_tokens(struct check *check)
{
	static const PbTokenRole needed[] = {PB_TOKEN_ROLE__TOKEN_WINDOW, PB_TOKEN_ROLE__TOKEN_REVIEW,
	                                     PB_TOKEN_ROLE__TOKEN_HEAD};
	const char *missing = "";
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		/* A head may do what reviewers do. */
		bool there = has_role(check->facts->tokens, needed[i]) ||
		             (needed[i] == PB_TOKEN_ROLE__TOKEN_REVIEW &&
		              has_role(check->facts->tokens, PB_TOKEN_ROLE__TOKEN_HEAD));
		if (!there)
			missing =
				tb_arena_printf(check->arena, "%s%s%s", missing, missing[0] ? ", " : "",
			                        proto_enum_name(&pb_token_role__descriptor, (int)needed[i]));
	}
	/* People may work by the command alone. */
	line(check, READINESS_TOKENS, ready(!missing[0], PB_READINESS_STATE__ADVISABLE), missing);
	line(check, READINESS_LETTERS,
	     ready(check->facts->status->dead_letters == 0, PB_READINESS_STATE__ADVISABLE),
	     tb_arena_printf(check->arena, "%llu", (unsigned long long)check->facts->status->dead_letters));
}

/* ---- notes */

static void check_note(struct check *check, enum readiness_topic topic, PbReadinessState otherwise)
{
	const PbReadinessNote *found = NULL;
	for (size_t i = 0; check->facts->notes && i < check->facts->notes->n_notes; i++) {
		const PbReadinessNote *note = check->facts->notes->notes[i];
		bool fits = strcmp(note->topic, readiness_word(topic)) == 0 &&
		            (!note->peer[0] || strcmp(note->peer, check->facts->peer) == 0);
		if (fits && (!found || strcmp(note->done_on, found->done_on) > 0))
			found = note;
	}
	line(check, topic, ready(found, otherwise),
	     found ? tb_arena_printf(check->arena, "%s %s", found->done_on, found->text) : "-");
}

PbReadinessReport *readiness_check(const struct readiness_facts *facts, struct tb_arena *arena)
{
	struct check check = {.facts = facts, .arena = arena};
	check.report = PROTO_NEW(PbReadinessReport, readiness_report, arena);
	check.report->region = tb_arena_str(arena, facts->status->region);
	check.report->peer = tb_arena_str(arena, facts->peer);
	check.report->at_ms = facts->now;
	check.report->lines = tb_arena_alloc(arena, READINESS_TOPICS * sizeof(*check.report->lines));
	check_lists(&check);
	check_link(&check);
	check_agreement(&check);
	check_halls(&check);
	check_tokens(&check);
	check_note(&check, READINESS_TRAINING, PB_READINESS_STATE__LACKING);
	check_note(&check, READINESS_TRIAL, PB_READINESS_STATE__LACKING);
	check_note(&check, READINESS_BACKUP, PB_READINESS_STATE__LACKING);
	check_note(&check, READINESS_PUBLICITY, PB_READINESS_STATE__ADVISABLE);
	return check.report;
}
