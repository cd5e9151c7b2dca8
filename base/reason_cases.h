/* Reasons of refusals about cases, applications and what they are for: name, code, Chinese, English. */
#pragma once

/* clang-format off */
#define TB_REASONS_CASES(XX) \
	XX(CASE_UNKNOWN, TB_ENOTFOUND, "本节点没有办件 {1}", \
	   "no case {1} here") \
	XX(CASE_NUMBER_MISSING, TB_EINVALID, "number：缺少办件编号", \
	   "number: missing") \
	XX(CASE_MOVED_ON, TB_ESTATE, "办件已有新进展：日志现有 {1} 条，不是 {2} 条；请重新查看后再办", \
	   "the case has moved on: its log has {1} entries, not {2}") \
	XX(CASE_STATE, TB_ESTATE, "当前状态为“{3}”（{4}），不能执行“{1}”（{2}）", \
	   "{1} ({2}) is not possible in state {3} ({4})") \
	XX(CASE_ROLE, TB_EDENIED, "在状态“{4}”下，“{1}”不能由{2}{3}办理", \
	   "{1} is not for {2}{3} in state {4}") \
	XX(CASE_ONCE, TB_ESTATE, "“{1}”在一个办件中只能办理一次", \
	   "{1}: only once in a case") \
	XX(CASE_FULL, TB_ETOOBIG, "办件 {1} 的日志已达 {2} 条上限", \
	   "case {1} has {2} entries already") \
	XX(CASE_TOO_BIG, TB_ETOOBIG, "办件 {1} 超过 {2} 字节", \
	   "case {1} is over {2} bytes") \
	XX(CASE_ERASED, TB_ESTATE, "办件 {1} 的个人信息已删除", \
	   "the personal data of case {1} were erased") \
	XX(CASE_NOT_OURS, TB_ESTATE, "本地区当前不持有此办件，不能移交", \
	   "the case is not this region's to hand over") \
	XX(CASE_COPY_SENT, TB_ESTATE, "{1} 已有此办件的副本，或副本已在途中", \
	   "{1} has its copy, or it is on the way") \
	XX(CASE_MATERIALS_COMING, TB_ESTATE, "尚有 {1} 份材料在传输中", \
	   "{1} materials are still on their way") \
	XX(CASE_ARCHIVE_NOT_WHOLE, TB_ESTATE, "归档材料不齐：{1}", \
	   "the archive is not whole: {1}") \
	XX(CASE_NOT_ENDED, TB_ESTATE, "办件 {1} 尚未办结", \
	   "case {1} has not ended") \
	XX(CASE_ON_HOLD, TB_ESTATE, "办件 {1} 处于法律保全中", \
	   "case {1} is under a hold") \
	XX(CASE_ON_HOLD_ALREADY, TB_EEXISTS, "办件 {1} 已在法律保全中", \
	   "case {1} is under a hold already") \
	XX(CASE_NO_HOLD, TB_ENOTFOUND, "办件 {1} 没有法律保全", \
	   "case {1} is under no hold") \
	XX(CASE_REQUEST_ID_USED, TB_EEXISTS, "requestId：已被另一令牌使用", \
	   "requestId: another token has used it") \
	XX(CASE_REQUEST_ID_OTHER, TB_EEXISTS, "requestId：已用于另一份申请", \
	   "requestId: it was used for another application") \
	XX(CASE_UNKNOWN_THERE, TB_ENOTFOUND, "本节点没有此办件", \
	   "no such case here") \
	XX(DETAIL_WAYBILL, TB_EINVALID, "detail.waybill：请填写承运单位和运单号", \
	   "detail.waybill: carrier and number are needed") \
	XX(DETAIL_WAYBILL_LONG, TB_EINVALID, "detail.waybill：承运单位或运单号过长", \
	   "detail.waybill: carrier or number is too long") \
	XX(DETAIL_WAYBILL_CONTENTS, TB_EINVALID, "detail.waybill.contents：超过 {1} 项", \
	   "detail.waybill.contents: more than {1}") \
	XX(DETAIL_WAYBILL_PAYER, TB_EINVALID, "detail.waybill.payer：运费由谁承担以协议 {1} 为准", \
	   "detail.waybill.payer: agreement {1} says who pays") \
	XX(DETAIL_NEEDS, TB_EINVALID, "detail.needs：请列出需要补正的全部材料", \
	   "detail.needs: the list of what is missing is needed") \
	XX(DETAIL_NEEDS_MANY, TB_EINVALID, "detail.needs：超过 {1} 项", \
	   "detail.needs: more than {1}") \
	XX(DETAIL_NEED_EMPTY, TB_EINVALID, "detail.needs[{1}]：既无编码也无名称", \
	   "detail.needs[{1}]: neither code nor name") \
	XX(DETAIL_NEED_SHOWN, TB_EDENIED, "detail.needs[{1}]：{2} 已有有效电子证照，不得再要求提交纸质材料", \
	   "detail.needs[{1}]: a valid certificate shows {2}, which may not be asked for on paper") \
	XX(DETAIL_FEE, TB_EINVALID, "detail.fee：请填写缴费凭据和状态", \
	   "detail.fee: reference and state are needed") \
	XX(DETAIL_FEE_LONG, TB_EINVALID, "detail.fee：文字过长", \
	   "detail.fee: a text is too long") \
	XX(DETAIL_FEE_AMOUNT, TB_EINVALID, "detail.fee.amount_fen：超过 {1} 分", \
	   "detail.fee.amount_fen: over {1}") \
	XX(DETAIL_WAY, TB_EINVALID, "detail.way：请选择送达方式", \
	   "detail.way: a way of delivery is needed") \
	XX(DETAIL_WAY_NOBODY, TB_EINVALID, "detail.way：该结果无需到场领取", \
	   "detail.way: nobody has to come for this result") \
	XX(DETAIL_CLOCK, TB_EINVALID, "detail.clock：请指明时限", \
	   "detail.clock: a clock is needed") \
	XX(DETAIL_CLOCK_EVENT, TB_EINVALID, "detail.clock：{1} 在“{2}”状态届满时，对应事件为“{3}”", \
	   "detail.clock: when {1} runs out in {2}, the event is {3}") \
	XX(DETAIL_APPLICATION, TB_EINVALID, "detail.application：只能随 SUBMIT（提交）给出", \
	   "detail.application: only with SUBMIT") \
	XX(DETAIL_DECISION, TB_EINVALID, "detail.decision：只能随准予或不予许可给出", \
	   "detail.decision: only with GRANT or DENY") \
	XX(DETAIL_REASON, TB_EINVALID, "detail.reason：请写明理由", \
	   "detail.reason: a reason is needed") \
	XX(DETAIL_REASON_LISTED, TB_EINVALID, "detail.reason：须以协议 {1} 所列理由之一开头", \
	   "detail.reason: begins with one of the reasons of agreement {1}") \
	XX(DETAIL_NOTE, TB_EINVALID, "detail.note：请填写说明", \
	   "detail.note: a note is needed") \
	XX(DETAIL_DAYS, TB_EINVALID, "detail.days：请填写 1 至 {1} 个工作日", \
	   "detail.days: from 1 to {1} working days are needed") \
	XX(DETAIL_GRADE, TB_EINVALID, "detail.grade：请给出 1 至 5 的评价等级", \
	   "detail.grade: a grade from 1 to 5 is needed") \
	XX(DETAIL_MATERIALS, TB_EINVALID, "detail.materials：请附上文件", \
	   "detail.materials: files are needed") \
	XX(DETAIL_ISSUE, TB_EINVALID, "issue：只能随准予给出", \
	   "issue: only with GRANT") \
	XX(ACTOR_ID, TB_EINVALID, "actor.id：缺少经办人标识", \
	   "actor.id: missing") \
	XX(ACTOR_ROLE, TB_EINVALID, "actor.role：缺少经办角色", \
	   "actor.role: missing") \
	XX(ACTOR_SYSTEM, TB_EDENIED, "actor.role：SYSTEM 只能由节点自己使用", \
	   "actor.role: SYSTEM is the node's own") \
	XX(APPLICATION_MODE, TB_EINVALID, "application.mode：没有这种办理模式", \
	   "application.mode: no such handling mode") \
	XX(APPLICATION_APPLICANT, TB_EINVALID, "application.applicant：缺少申请人", \
	   "application.applicant: missing") \
	XX(APPLICATION_APPLICANT_NAME, TB_EINVALID, "application.applicant.name：缺少申请人姓名或名称", \
	   "application.applicant.name: missing") \
	XX(APPLICATION_APPLICANT_LONG, TB_EINVALID, "application.applicant.name：超过 {1} 字节", \
	   "application.applicant.name: over {1} bytes") \
	XX(APPLICATION_PARTS_MODE, TB_EINVALID, "application.parts：只用于联办（LB）模式", \
	   "application.parts: only with mode LB") \
	XX(APPLICATION_PARTS, TB_EINVALID, "application.parts：应为 2 至 {1} 项", \
	   "application.parts: 2 to {1} expected") \
	XX(APPLICATION_PARTS_NAME, TB_EINVALID, "application.item_name：请写明联办事项的名称", \
	   "application.item_name: what the parts are together") \
	XX(APPLICATION_LEAD, TB_EINVALID, "application.home：联办件由收件地牵头", \
	   "application.home: who receives a joint case leads it") \
	XX(APPLICATION_OWN_ITEM, TB_EINVALID, "application.home：{1} 模式只用于其他地区的事项", \
	   "application.home: mode {1} is for items of another region") \
	XX(APPLICATION_NOT_PEER, TB_ENOTFOUND, "application.home：{1} 不是本节点的对等节点，请运维人员先导入", \
	   "application.home: {1} is not a peer of this node: the operator imports it first") \
	XX(APPLICATION_MATERIALS_MANY, TB_ETOOBIG, "application.materials：超过 {1} 份", \
	   "application.materials: more than {1}") \
	XX(APPLICATION_FORM_MANY, TB_ETOOBIG, "application.form：超过 {1} 项", \
	   "application.form: more than {1}") \
	XX(APPLICATION_NO_PAPER, TB_EINVALID, "application.mode：{1} 模式不收取纸质原件", \
	   "application.mode: {1} takes no paper originals") \
	XX(MATERIAL_NOT_UPLOADED, TB_ENOTFOUND, "materials[{1}]：该文件尚未上传到本节点", \
	   "materials[{1}]: this content was not uploaded here") \
	XX(MATERIAL_DIFFERS, TB_EINVALID, "materials[{1}]：size 或 sha256 与 root 所指的内容不符", \
	   "materials[{1}]: size or sha256 is not that of the content that root names") \
	XX(MATERIAL_UNKNOWN, TB_ENOTFOUND, "本节点没有此材料", \
	   "no such material here") \
	XX(MATERIAL_EMPTY, TB_EINVALID, "材料为空文件", \
	   "the material is empty") \
	XX(MATERIAL_COMING, TB_ESTATE, "该材料仍在传输中", \
	   "this material is still on its way here") \
	XX(MATERIALS_MISSING, TB_EINVALID, "缺少材料：{1}", \
	   "materials are missing: {1}") \
	XX(MATERIALS_MISSING_MORE, TB_EINVALID, "缺少材料：{1}，另有 {2} 份", \
	   "materials are missing: {1} and {2} more") \
	XX(MATERIAL_NOT_ONE, TB_EINVALID, "materials[{1}]：既不是文件，也不是电子证照、原件或告知承诺", \
	   "materials[{1}] is neither a file nor a certificate, an original or a commitment") \
	XX(MATERIAL_NEED_UNKNOWN, TB_EINVALID, "materials[{1}].need：不是该事项的材料", \
	   "materials[{1}].need is not one of the item's") \
	XX(MATERIAL_CREDENTIAL_TYPE, TB_EINVALID, "materials[{1}]：该类电子证照不能替代 {2}", \
	   "materials[{1}]: no certificate of this type stands for {2}") \
	XX(MATERIAL_COMMITMENT, TB_EINVALID, "materials[{1}]：{2} 不适用告知承诺", \
	   "materials[{1}]: no commitment stands in for {2}") \
	XX(MATERIAL_ORIGINAL, TB_EINVALID, "materials[{1}]：{2} 不要求提交原件", \
	   "materials[{1}]: the original of {2} is not asked for") \
	XX(ITEM_MODE, TB_EINVALID, "该事项不支持此办理模式", \
	   "mode is not one of the item's") \
	XX(ITEM_WINDOW, TB_EDENIED, "事项 {1} 的 {2} 模式不向 {3} 的窗口开放", \
	   "item {1} is not offered in mode {2} to windows of {3}") \
	XX(ITEM_EXTERNAL, TB_ESTATE, "事项 {1} 由其他系统受理：{2}", \
	   "item {1}: applications go to another system, {2}") \
	XX(ITEM_BUNDLE, TB_ESTATE, "事项 {1} 是“一件事”，应以联办（LB）模式整体申请", \
	   "item {1} is a bundle: it is applied for as such, in mode LB") \
	XX(ITEM_ASSURANCE, TB_EINVALID, "身份核验：事项要求 {1}，申请为 {2}", \
	   "identity: the item asks for {1}, the application has {2}") \
	XX(ITEM_UNKNOWN, TB_ENOTFOUND, "{2} 的事项清单（第 {3} 版）中没有事项 {1}", \
	   "item {1} is not in the list of {2} (version {3})") \
	XX(ITEM_UNKNOWN_BASE, TB_ENOTFOUND, "{2} 的事项清单中没有基本编码为 {1} 的事项", \
	   "no item with basic code {1} is in the list of {2}") \
	XX(ITEM_NO_CODE, TB_ENOTFOUND, "事项编码为空或过长", \
	   "there is no item without a code, or with one so long") \
	XX(ITEM_ENDED, TB_ESTATE, "{2} 的事项 {1} 自 {3} 起不再受理新办件", \
	   "item {1} of {2} takes no new cases since {3}") \
	XX(ITEM_NOT_BEGUN, TB_ESTATE, "{2} 的事项 {1} 在 {3} 之前不受理办件", \
	   "item {1} of {2} takes no cases before {3}") \
	XX(ITEM_REPLACED, TB_ESTATE, "事项 {1} 在清单第 {2} 版中已被替换，早于申请日期很久", \
	   "item {1} was replaced in version {2} of the list, long before the application") \
	XX(ITEM_LIST_NOT_HERE, TB_EUNREACHABLE, "尚未取得 {1} 的事项清单，请确认与该地区的连接（tongban peer show）", \
	   "the item list of {1} is not here yet: look at the link to it (tongban peer show)") \
	XX(ITEM_LIST_NONE, TB_ENOTFOUND, "本节点还没有 {1} 的事项清单（与该地区的连接见 tongban peer show {1}）", \
	   "no item list of {1} is here (tongban peer show {1} tells of the link)") \
	XX(ITEM_NO_CRITERIA, TB_ESTATE, "事项 {1}：清单未列明基本编码或审查标准，不能异地审批", \
	   "item {1}: its list names no basic code or criteria to decide by") \
	XX(ITEM_OTHER_CRITERIA, TB_ESTATE, "事项 {1} 的审查标准为 {2}，本地区为 {3}，不一致", \
	   "item {1} is decided by criteria {2}, ours are {3}") \
	XX(HALL_UNKNOWN, TB_ENOTFOUND, "未找到 {2} 的大厅 {1}", \
	   "no hall {1} of {2} is known here") \
	XX(HALL_NO_RECEIPT, TB_EINVALID, "application.hall：大厅 {1} 不收件", \
	   "application.hall: {1} receives no applications") \
	XX(HALL_NO_PICKUP, TB_EINVALID, "application.pickup.hall：大厅 {1} 不发放结果", \
	   "application.pickup.hall: {1} hands nothing out") \
	XX(HALL_LIST_NONE, TB_ENOTFOUND, "本节点没有 {1} 的大厅名录", \
	   "no list of halls of {1} is here") \
	XX(IDENTITY_LEVEL, TB_EINVALID, "application.identity.level：缺少身份核验等级，或本节点不认识该等级", \
	   "application.identity.level: missing or not known here") \
	XX(IDENTITY_IN_PERSON, TB_EDENIED, "application.identity.level：当面核验只能由工作人员填写", \
	   "application.identity.level: IN_PERSON is for an officer to say") \
	XX(AUTHORISATION_DATES, TB_EINVALID, "application.authorisation：有效期起止应写作 2026-01-31", \
	   "application.authorisation: valid_from and valid_until are dates like 2026-01-31") \
	XX(AUTHORISATION_EXPIRED, TB_EINVALID, "application.authorisation：授权有效期为 {1} 至 {2}，今日不在其内", \
	   "application.authorisation: valid from {1} to {2}, not today") \
	XX(AUTHORISATION_SCOPE, TB_EINVALID, "application.authorisation.scope：请写明授权范围", \
	   "application.authorisation.scope: what the agent may do") \
	XX(AUTHORISATION_ITEM, TB_EINVALID, "application.authorisation.items：授权事项不包括 {1}", \
	   "application.authorisation.items: item {1} is not one") \
	XX(AUTHORISATION_NO_AGENT, TB_EINVALID, "application.authorisation：没有代理人", \
	   "application.authorisation: there is no agent") \
	XX(AUTHORISATION_MISSING, TB_EINVALID, "application.authorisation：代理人须有授权", \
	   "application.authorisation: an agent needs one") \
	XX(AUTHORISATION_PAPER, TB_EINVALID, "application.authorisation：未指明申请中的授权材料或证照", \
	   "application.authorisation: names no material or certificate of the application") \
	XX(AGENT_NAME, TB_EINVALID, "application.agent.name：缺少代理人姓名", \
	   "application.agent.name: missing") \
	XX(AGENT_SELF, TB_EINVALID, "application.agent：申请人本人办理无需代理人", \
	   "application.agent: the applicant needs none") \
	XX(IDENTITY_OTHER_REGION, TB_EDENIED, "身份由 {1} 核验，不是由 {2}", \
	   "the identity is vouched for by {1}, not by {2}")
/* clang-format on */
