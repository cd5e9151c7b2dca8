/* 多地联办: one application for several items, decided by several regions.
 *
 * The lead's case (mode LB) is kept by the region that received the application. Each part is an ordinary
 * case (mode LS) between the lead and a participant, with a log, an owner and messages of its own. Here is
 * what joins them: a part begins when those that it waits for are granted; what it comes to is written into
 * the lead's log; all granted grants the whole, one negative answer denies it and takes the other parts back.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/casetable.h"
#include "node/core/catalogue.h"
#include "node/core/turn.h"

/* ---- the application */

static enum tb_code check_after(const PbCasePart *part, size_t index, struct tb_error *err)
{
	for (size_t i = 0; i < part->n_after; i++) {
		/* Only backwards: so there is no circle. */
		if (part->after[i] >= index)
			return tb_fail(err, TB_EINVALID,
			               "application.parts[%zu].after: parts before it are expected", index);
	}
	return TB_OK;
}

enum tb_code joint_check(struct turn *turn, PbApplication *application, struct tb_error *err)
{
	if (application->item[0]) {
		enum tb_code code = bundle_apply(&turn->kv, turn->core->setup.region, tb_day_at(turn->now),
		                                 application, &turn->arena, err);
		if (code)
			return code;
	}
	if (application->n_parts < 2 || application->n_parts > TB_PARTS_MAX)
		return tb_refuse(err, TB_REASON_APPLICATION_PARTS, TB_NUMBER(TB_PARTS_MAX), NULL);
	if (!application->item_name[0])
		return tb_refuse(err, TB_REASON_APPLICATION_PARTS_NAME, NULL);
	for (size_t i = 0; i < application->n_parts; i++) {
		PbCasePart *part = application->parts[i];
		PbItem *item;
		struct tb_error why;
		bool own = strcmp(part->home, turn->core->setup.region) == 0;
		if (!own && !peer_find(turn->core->peers, part->home))
			return tb_fail(err, TB_ENOTFOUND, "application.parts[%zu].home: %.8s is not a peer",
			               i, part->home);
		if (catalogue_item(&turn->kv, part->home, part->item, tb_day_at(turn->now), &turn->arena,
		                   &item, &why) ||
		    catalogue_check_offer(item, application->mode, turn->core->setup.region, &why) ||
		    catalogue_check_eligible(item, part->home, application, &why))
			return tb_fail_at(err, why.code, &why, "application.parts[%zu].item", i);
		if (check_after(part, i, err))
			return err->code;
		part->item_name = item->name;
		part->promised_days = item->promised_days;
		part->catalogue_version = item->listed;
		part->item_version = item->version;
		part->number = tb_arena_str(&turn->arena, "");
		part->state = PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
		part->seq = 0;
	}
	return TB_OK;
}

/* How the joint application calls what is for |need| of part |index| alone. */
static void name_alone(char out[TB_ID_BYTES_MAX + 8], size_t index, const PbMaterialNeed *need)
{
	snprintf(out, TB_ID_BYTES_MAX + 8, "%zu:%.*s", index, TB_ID_BYTES_MAX, need->code);
}

/* Does the joint application's |material| meet |need| of part |index|? It names the need by its name, which
 * is the same for all parts, or one part's alone. */
static bool meets(const PbMaterial *material, size_t index, const PbMaterialNeed *need)
{
	char alone[TB_ID_BYTES_MAX + 8];
	name_alone(alone, index, need);
	return strcmp(material->need, need->name) == 0 || strcmp(material->need, alone) == 0;
}

/* The part's own application: the same people, the item's own list. */
static PbApplication *part_application(const PbApplication *joint, size_t index, const PbItem *item,
                                       struct tb_arena *arena)
{
	PbApplication *application = tb_arena_copy(arena, joint, sizeof(*joint));
	application->item = item->code;
	application->item_name = item->name;
	application->mode = tb_arena_str(arena, "LS");
	application->home = joint->parts[index]->home;
	application->catalogue_version = item->listed;
	application->item_version = item->version;
	application->n_parts = 0;
	application->parts = NULL;
	application->n_materials = 0;
	application->materials = tb_arena_alloc(arena, (item->n_materials + 1) * sizeof(PbMaterial *));
	for (size_t i = 0; i < item->n_materials; i++) {
		const PbMaterial *taken = NULL; /* what was brought goes before what was promised */
		for (size_t j = 0; j < joint->n_materials; j++) {
			if (meets(joint->materials[j], index, item->materials[i]) &&
			    (!taken || (taken->commitment[0] && !joint->materials[j]->commitment[0])))
				taken = joint->materials[j];
		}
		if (!taken)
			continue;
		PbMaterial *material = tb_arena_copy(arena, taken, sizeof(PbMaterial));
		material->need = item->materials[i]->code;
		application->materials[application->n_materials++] = material;
	}
	return application;
}

/* The item that a part stands on, by the list as it was when all was applied for. */
static enum tb_code part_item(struct kv *kv, const PbCasePart *part, struct tb_arena *arena, PbItem **item,
                              struct tb_error *err)
{
	PbCaseRecord record = PB_CASE_RECORD__INIT;
	record.home = part->home;
	record.item = part->item;
	record.catalogue_version = part->catalogue_version;
	record.item_version = part->item_version;
	return catalogue_item_of(kv, &record, arena, item, err);
}

enum tb_code joint_complete(struct turn *turn, const PbApplication *application, struct tb_error *err)
{
	for (size_t i = 0; i < application->n_parts; i++) {
		PbItem *item;
		struct tb_error why;
		const PbCasePart *part = application->parts[i];
		enum tb_code code = part_item(&turn->kv, part, &turn->arena, &item, &why);
		PbApplication *own =
			code == TB_OK ? part_application(application, i, item, &turn->arena) : NULL;
		if (code == TB_OK)
			code = catalogue_check_application(item, own,
			                                   peer_find(turn->core->peers, part->home), &why);
		/* What a part would be refused for here, is said before all begin. */
		if (code == TB_OK && strcmp(part->home, turn->core->setup.region) == 0)
			code = credit_check(turn, item, own->applicant, own->materials, own->n_materials,
			                    &why);
		if (code)
			return tb_fail_at(err, code, &why, "part %zu (%.8s)", i, part->home);
	}
	return TB_OK;
}

/* ---- what becomes of papers */

static PbMaterialNeed *paper_named(PbItem *all, const char *name, struct tb_arena *arena)
{
	for (size_t i = 0; i < all->n_materials; i++) {
		if (strcmp(all->materials[i]->code, name) == 0)
			return all->materials[i];
	}
	PbMaterialNeed *paper = PROTO_NEW(PbMaterialNeed, material_need, arena);
	paper->code = tb_arena_str(arena, name);
	all->materials[all->n_materials++] = paper;
	return paper;
}

/* What one part keeps cannot go back, whatever the others' lists say. */
static void add_paper(PbItem *all, const char *name, const PbMaterialNeed *need, struct tb_arena *arena)
{
	PbMaterialNeed *paper = paper_named(all, name, arena);
	paper->name = need->name;
	paper->original = paper->original || need->original;
	if (need->disposition == PB_DISPOSITION__ARCHIVED_ORIGINAL ||
	    paper->disposition != PB_DISPOSITION__ARCHIVED_ORIGINAL)
		paper->disposition = need->disposition ? need->disposition : paper->disposition;
}

enum tb_code joint_papers(struct kv *kv, const PbCaseRecord *lead, struct tb_arena *arena, PbItem **out,
                          struct tb_error *err)
{
	PbItem *all = PROTO_NEW(PbItem, item, arena);
	all->materials =
		tb_arena_alloc(arena, (size_t)2 * TB_PARTS_MAX * TB_NEEDS_MAX * sizeof(*all->materials));
	*out = all;
	for (size_t i = 0; i < lead->n_parts && i < TB_PARTS_MAX; i++) {
		char alone[TB_ID_BYTES_MAX + 8];
		PbItem *item;
		enum tb_code code = part_item(kv, lead->parts[i], arena, &item, err);
		if (code == TB_ENOTFOUND) /* of a list that is gone nothing can be said */
			continue;
		if (code)
			return code;
		for (size_t j = 0; j < item->n_materials && j < TB_NEEDS_MAX; j++) {
			name_alone(alone, i, item->materials[j]);
			add_paper(all, item->materials[j]->name, item->materials[j], arena);
			add_paper(all, alone, item->materials[j], arena);
		}
	}
	return TB_OK;
}

/* ---- what the parts need together */

static PbJointNeed *union_find(PbCaseJointNeedsResponse *all, const char *name)
{
	for (size_t i = 0; i < all->n_needs; i++) {
		if (strcmp(all->needs[i]->need->name, name) == 0)
			return all->needs[i];
	}
	return NULL;
}

static void union_add(PbCaseJointNeedsResponse *all, size_t part, const PbMaterialNeed *need,
                      struct tb_arena *arena)
{
	PbJointNeed *row = union_find(all, need->name);
	if (!row) {
		row = PROTO_NEW(PbJointNeed, joint_need, arena);
		row->need = tb_arena_copy(arena, need, sizeof(*need));
		row->need->code = need->name;
		row->meets = tb_arena_alloc(arena, TB_PARTS_MAX * sizeof(char *));
		all->needs[all->n_needs++] = row;
	}
	row->need->required = row->need->required || need->required;
	row->need->original = row->need->original || need->original;
	if (row->n_meets < TB_PARTS_MAX)
		row->meets[row->n_meets++] = tb_arena_printf(arena, "%zu:%s", part, need->code);
}

enum tb_code joint_read_needs(struct query *query, struct tb_error *err)
{
	const PbCaseJointNeedsRequest *request =
		(const PbCaseJointNeedsRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbCaseJointNeedsResponse *reply =
		PROTO_NEW(PbCaseJointNeedsResponse, case_joint_needs_response, arena);
	PbApplication wanted = PB_APPLICATION__INIT;
	wanted.item = request->bundle;
	wanted.list = request->list;
	wanted.parts = request->parts;
	wanted.n_parts = request->n_parts;
	if (request->bundle[0] &&
	    bundle_apply(&query->kv, query->setup->region, tb_day_at(query->now), &wanted, arena, err))
		return err->code;
	if (wanted.n_parts == 0 || wanted.n_parts > TB_PARTS_MAX)
		return tb_fail(err, TB_EINVALID, "parts: 1 to %d expected", TB_PARTS_MAX);
	reply->parts = wanted.parts;
	reply->n_parts = wanted.n_parts;
	reply->needs = tb_arena_alloc(arena, (size_t)TB_PARTS_MAX * TB_NEEDS_MAX * sizeof(*reply->needs));
	for (size_t i = 0; i < wanted.n_parts; i++) {
		PbItem *item;
		struct tb_error why;
		if (catalogue_item(&query->kv, wanted.parts[i]->home, wanted.parts[i]->item,
		                   tb_day_at(query->now), arena, &item, &why))
			return tb_fail_at(err, why.code, &why, "parts[%zu]", i);
		for (size_t j = 0; j < item->n_materials; j++)
			union_add(reply, i, item->materials[j], arena);
	}
	query->request->reply = &reply->base;
	return TB_OK;
}

/* ---- the lead follows its parts */

static bool negative(PbCaseState state)
{
	return state == PB_CASE_STATE__DENIED || state == PB_CASE_STATE__NOT_ACCEPTED ||
	       state == PB_CASE_STATE__TERMINATED || state == PB_CASE_STATE__WITHDRAWN;
}

static bool part_done(const PbCasePart *part)
{
	return part->state == PB_CASE_STATE__GRANTED;
}

static bool part_ready(const PbCaseRecord *lead, const PbCasePart *part)
{
	bool ready = part->number[0] == '\0' && !negative(part->state);
	for (size_t i = 0; i < part->n_after && ready; i++)
		ready = part->after[i] < lead->n_parts && part_done(lead->parts[part->after[i]]);
	return ready;
}

static enum tb_code order_lead(struct turn *turn, PbCaseRecord *lead, PbCaseEvent event, PbCaseDetail *detail)
{
	struct case_change change = {.event = event,
	                             .actor = case_system_actor(&turn->arena),
	                             .detail = detail,
	                             .node = turn->core->setup.region};
	struct tb_error err;
	enum tb_code code = case_order(turn, lead, &change, &err);
	if (code)
		turn_log(turn, TB_LOG_ERROR, "joint.failed", "", lead->number, "%s: %s",
		         case_event_text(event, false), err.text);
	return code;
}

/* Writes what |part| has come to into the lead's log. */
static void note_part(struct turn *turn, PbCaseRecord *lead, const PbCasePart *part, const char *reason)
{
	PbCaseDetail *detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	detail->part = tb_arena_copy(&turn->arena, part, sizeof(*part));
	detail->reason = tb_arena_str(&turn->arena, reason);
	(void)order_lead(turn, lead, PB_CASE_EVENT__PART, detail);
}

/* Begins part |index|: a case of its own, on its way to the participant. */
static enum tb_code begin_part(struct turn *turn, PbCaseRecord *lead, size_t index, struct tb_error *err)
{
	PbCasePart *part = lead->parts[index];
	PbApplication *joint;
	PbItem *item;
	char number[32];
	enum tb_code code = case_application(turn, lead, &joint, err);
	if (code == TB_OK)
		code = part_item(&turn->kv, part, &turn->arena, &item, err);
	if (code)
		return code;
	PbCaseRecord *record = PROTO_NEW(PbCaseRecord, case_record, &turn->arena);
	PbCaseDetail *detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	detail->application = part_application(joint, index, item, &turn->arena);
	detail->application->lead = lead->number;
	case_next_number(turn, number);
	record->number = tb_arena_str(&turn->arena, number);
	record->item = item->code;
	record->item_name = item->name;
	record->catalogue_version = item->listed;
	record->item_version = item->version;
	record->mode = detail->application->mode;
	record->first_node = lead->first_node;
	record->window = lead->window;
	record->owner = lead->window;
	record->home = part->home;
	record->state = PB_CASE_STATE__DRAFT;
	record->created_ms = turn->now;
	record->applicant_name = lead->applicant_name;
	record->lead = lead->number;
	if (strcmp(part->home, lead->window) != 0)
		code = case_agreement(turn, lead->window, part->home, item, record->mode, record, err);
	if (code)
		return code;
	/* The lead knows its part before the part can say anything. */
	part->number = record->number;
	part->state = PB_CASE_STATE__TRANSFER;
	case_use_number(turn);
	case_save(turn, lead);
	struct case_change change = {.event = PB_CASE_EVENT__SUBMIT,
	                             .actor = case_system_actor(&turn->arena),
	                             .detail = detail,
	                             .node = turn->core->setup.region};
	code = case_order(turn, record, &change, err);
	if (code == TB_OK)
		case_maybe_sign(turn, record);
	return code;
}

/* ---- the critical path: which parts the joint limit waits for */

static uint32_t longest(const PbCaseRecord *lead, uint32_t through[TB_PARTS_MAX])
{
	uint32_t before[TB_PARTS_MAX] = {0}, behind[TB_PARTS_MAX] = {0}, most = 0;
	for (size_t i = 0; i < lead->n_parts; i++) {
		const PbCasePart *part = lead->parts[i];
		for (size_t j = 0; j < part->n_after; j++) {
			uint32_t at = before[part->after[j]];
			before[i] = before[i] > at ? before[i] : at;
		}
		before[i] += part_done(part) ? 0 : part->promised_days;
		most = most > before[i] ? most : before[i];
	}
	for (size_t i = lead->n_parts; i-- > 0;) {
		const PbCasePart *part = lead->parts[i];
		through[i] = before[i] + behind[i];
		uint32_t with = behind[i] + (part_done(part) ? 0 : part->promised_days);
		for (size_t j = 0; j < part->n_after; j++) {
			uint32_t *at = &behind[part->after[j]];
			*at = *at > with ? *at : with;
		}
	}
	return most;
}

/* A part on the critical path is in a special procedure. */
static bool held(const PbCaseRecord *lead)
{
	uint32_t through[TB_PARTS_MAX];
	uint32_t most = longest(lead, through);
	for (size_t i = 0; i < lead->n_parts; i++) {
		if (lead->parts[i]->state == PB_CASE_STATE__SPECIAL && through[i] == most)
			return true;
	}
	return false;
}

static bool joint_clock_runs(const PbCaseRecord *lead)
{
	for (size_t i = 0; i < lead->n_clocks; i++) {
		if (lead->clocks[i]->clock == PB_CLOCK__T8_JOINT)
			return lead->clocks[i]->running;
	}
	return false;
}

/* ---- what follows */

static bool settle(struct turn *turn, PbCaseRecord *lead)
{
	size_t granted = 0;
	PbCaseDetail *detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	for (size_t i = 0; i < lead->n_parts; i++) {
		const PbCasePart *part = lead->parts[i];
		granted += part_done(part);
		if (!negative(part->state))
			continue;
		detail->reason = tb_arena_printf(&turn->arena, "%s %s: %s", part->home, part->item_name,
		                                 case_state_text(part->state, true));
		(void)order_lead(turn, lead, PB_CASE_EVENT__DENY, detail);
		return true;
	}
	if (granted < lead->n_parts)
		return false;
	(void)order_lead(turn, lead, PB_CASE_EVENT__GRANT, detail);
	return true;
}

static void hold_or_go_on(struct turn *turn, PbCaseRecord *lead)
{
	bool hold = held(lead), runs = joint_clock_runs(lead);
	if (hold == runs && lead->state == PB_CASE_STATE__REVIEW)
		(void)order_lead(turn, lead, hold ? PB_CASE_EVENT__HOLD : PB_CASE_EVENT__GO_ON,
		                 PROTO_NEW(PbCaseDetail, case_detail, &turn->arena));
}

/* Begins what can begin, and ends what is decided. Each round begins one part or is the last. */
static void advance(struct turn *turn, const char *number)
{
	for (size_t round = 0; round <= TB_PARTS_MAX; round++) {
		PbCaseRecord *lead;
		size_t next = 0;
		struct tb_error err;
		if (case_load(&turn->kv, number, &turn->arena, &lead, NULL) != TB_OK ||
		    lead->n_parts > TB_PARTS_MAX ||
		    (lead->state != PB_CASE_STATE__ACCEPTED && lead->state != PB_CASE_STATE__REVIEW) ||
		    settle(turn, lead))
			return;
		while (next < lead->n_parts && !part_ready(lead, lead->parts[next]))
			next++;
		if (next == lead->n_parts) {
			hold_or_go_on(turn, lead);
			return;
		}
		if (begin_part(turn, lead, next, &err) == TB_OK)
			continue;
		turn_log(turn, TB_LOG_ERROR, "joint.part_failed", lead->parts[next]->home, number, "%s",
		         err.text);
		lead->parts[next]->state = PB_CASE_STATE__TERMINATED;
		note_part(turn, lead, lead->parts[next], err.text);
	}
}

/* The system takes |part| back, or closes it. */
static void tell_part(struct turn *turn, const PbCasePart *part, PbCaseEvent event, const char *reason)
{
	PbCaseRecord *record;
	struct tb_error err;
	PbCaseDetail *detail = PROTO_NEW(PbCaseDetail, case_detail, &turn->arena);
	detail->reason = tb_arena_str(&turn->arena, reason);
	if (!part->number[0] || case_load(&turn->kv, part->number, &turn->arena, &record, NULL) != TB_OK ||
	    case_state_final(record->state))
		return;
	struct case_change change = {.event = event,
	                             .actor = case_system_actor(&turn->arena),
	                             .detail = detail,
	                             .node = turn->core->setup.region};
	bool here = strcmp(record->owner, turn->core->setup.region) == 0 && !record->handing_over;
	/* A denied part has nothing to be taken back; it closes. */
	if (event == PB_CASE_EVENT__WITHDRAW && record->state == PB_CASE_STATE__DENIED)
		change.event = PB_CASE_EVENT__HAND_OVER;
	enum tb_code code = here ? case_order(turn, record, &change, &err)
	                         : case_propose(turn, record, change.event,
	                                        (PbActor *)(uintptr_t)change.actor, detail, &err);
	if (code)
		turn_log(turn, TB_LOG_WARN, "joint.part_stays", record->home, record->number, "%s", err.text);
}

static void lead_moved(struct turn *turn, const PbCaseRecord *lead, PbCaseEvent event)
{
	if (event == PB_CASE_EVENT__ACCEPT) {
		advance(turn, lead->number);
		return;
	}
	bool ends = event == PB_CASE_EVENT__HAND_OVER;
	if (!ends && event != PB_CASE_EVENT__DENY && event != PB_CASE_EVENT__WITHDRAW)
		return;
	for (size_t i = 0; i < lead->n_parts; i++)
		tell_part(turn, lead->parts[i], ends ? PB_CASE_EVENT__HAND_OVER : PB_CASE_EVENT__WITHDRAW,
		          ends ? "" : "the joint case was denied or withdrawn");
}

static void part_moved(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event)
{
	PbCaseRecord *lead;
	bool decided = event == PB_CASE_EVENT__GRANT || event == PB_CASE_EVENT__DENY;
	if (case_load(&turn->kv, record->lead, &turn->arena, &lead, NULL) != TB_OK)
		return;
	bool open = lead->state == PB_CASE_STATE__ACCEPTED || lead->state == PB_CASE_STATE__REVIEW;
	for (size_t i = 0; i < lead->n_parts; i++) {
		PbCasePart *part = lead->parts[i];
		if (strcmp(part->number, record->number) != 0 || part->state == record->state)
			continue;
		if (!open) { /* its decision and its taking back have crossed: once more */
			if (decided && lead->state != PB_CASE_STATE__GRANTED)
				tell_part(turn, part, PB_CASE_EVENT__WITHDRAW,
				          "the joint case was denied or withdrawn");
			return;
		}
		part->state = record->state;
		part->seq = record->seq;
		note_part(turn, lead, part, "");
		advance(turn, lead->number);
		return;
	}
}

void joint_moved(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event)
{
	if (record->n_parts > 0)
		lead_moved(turn, record, event);
	else if (record->lead[0] && strcmp(record->window, turn->core->setup.region) == 0)
		part_moved(turn, record, event);
}
