/* The texts of the catalogue's verbs; see text_map.h. */
#pragma once

/* clang-format off */
#define TEXT_MAP_CATALOGUE(XX) \
	XX(TEXT_M_ITEMFILE_FORMAT, "{1}：应为 yaml、jsonl 或 csv", "{1}: yaml, jsonl or csv is expected") \
	XX(TEXT_M_ITEMFILE_FAULTS, "{1} 处有误，{2} 项不能装载，{3} 项无误", "{1} faults: {2} items are not in order, {3} are") \
	XX(TEXT_O_LIST_EMPTY, "清单可以为空：已公布的将全部撤下", "the list may be empty: all that is published is withdrawn") \
	XX(TEXT_M_LIST_EMPTY, "{1}：清单为空，装载后将撤下已公布的全部内容；确需如此请加 --empty", "{1}: lists nothing, which would withdraw all that is published; if that is meant: --empty") \
	XX(TEXT_M_ITEMFILE_NOTHING, "没有装载任何事项（--skip 可跳过有误的事项）", "nothing was loaded (--skip leaves out what is not in order)") \
	XX(TEXT_M_CATALOGUE_CONFORMS, "{1} 的目录与基本目录一致（{2} 项）", "{1}: the list conforms to the base ({2} items)") \
	XX(TEXT_M_CATALOGUE_CONFORM_SUM, "应领未领 {1}，名称编码依据类型不一致 {2}，其他要素不一致 {3}，多要材料 {4}，基本目录外 {5}", "not claimed {1}, name, code, basis or type {2}, other elements {3}, papers {4}, outside of the base {5}") \
	XX(TEXT_M_CATALOGUE_REPLACED, "以前的版本", "What stood there before") \
	XX(TEXT_V_CASE_PREPARE, "查明哪些材料不必提交（证照、核验、以往办件）", "find what need not be brought: certificates, earlier cases") \
	XX(TEXT_O_FILL, "能核验或以往提交过的材料自动补入", "put in what need not be brought") \
	XX(TEXT_O_PREPARE_ASK, "向哪些地区核验（默认为属地）", "peers that are asked; by default the home region") \
	XX(TEXT_H_PREPARED_BY, "来源", "from") \
	XX(TEXT_H_PREPARED_WHAT, "凭据", "what") \
	XX(TEXT_W_PREPARED_MISSING, "须提交", "to be brought") \
	XX(TEXT_W_PREPARED_OPTIONAL, "可提交", "may be brought") \
	XX(TEXT_W_PREPARED_GIVEN, "已提供", "given") \
	XX(TEXT_W_PREPARED_HELD, "本节点持有的证照", "certificate held here") \
	XX(TEXT_W_PREPARED_VERIFIED, "经核验的证照", "certificate verified") \
	XX(TEXT_W_PREPARED_EARLIER, "以往办件的材料", "earlier case") \
	XX(TEXT_V_CATALOGUE_TEMPLATE, "输出事项清单模板（含一个示例）", "write a template for item lists, with an example") \
	XX(TEXT_V_CATALOGUE_EXPORT, "把事项目录导出为文件", "write a catalogue as a file") \
	XX(TEXT_V_CATALOGUE_SHOW, "查看一个事项的全部要素与材料（办事指南）", "show all elements and materials of an item") \
	XX(TEXT_V_CATALOGUE_COUNT, "按年度、通办范围、窗口类别、模式统计事项", "count items by year, scope, window and mode") \
	XX(TEXT_V_CATALOGUE_CONFORM, "与基本目录比对，报告不一致之处", "hold a catalogue against a base catalogue") \
	XX(TEXT_O_ITEMFILE_FORMAT, "文件格式（默认按文件名）", "format of the file; by default its name tells") \
	XX(TEXT_O_ITEMFILE_SKIP, "跳过有误的事项，已发布的保持不变", "leave out items that are not in order; what is published of them stays") \
	XX(TEXT_O_ITEMFILE_MERGE, "文件中没有的事项保持不变", "items that are not in the file stay") \
	XX(TEXT_O_ITEMFILE_OUT, "输出文件", "where to write") \
	XX(TEXT_O_CATALOGUE_FILE, "检查文件而非已发布的目录", "look at a file instead of what is published") \
	XX(TEXT_O_CATALOGUE_ELEMENTS, "同时检查 23 个要素、编码与到现场依据", "also look at the 23 elements, codes and why one must come") \
	XX(TEXT_O_CATALOGUE_BASE, "基本目录文件", "file of the base catalogue") \
	XX(TEXT_O_CATALOGUE_FULL, "不截短长文字", "do not shorten long texts") \
	XX(TEXT_O_CATALOGUE_HISTORY, "同时列出被替换的版本", "also what stood there before") \
	XX(TEXT_O_CATALOGUE_YEAR, "只列此年度清单的事项", "only items of this year's list") \
	XX(TEXT_O_CATALOGUE_SCOPE, "只列此通办范围的事项", "only items of this scope") \
	XX(TEXT_H_LIST_BY, "统计口径", "by") \
	XX(TEXT_H_LIST_COUNT, "项数", "items") \
	XX(TEXT_H_LIST_BASE, "基本目录", "base") \
	XX(TEXT_H_LIST_HERE, "本地", "here") \
	XX(TEXT_H_LIST_MATERIAL, "材料", "material") \
	XX(TEXT_H_LIST_PAPERS, "材料份数（必需）", "papers (required)") \
	XX(TEXT_H_LIST_ALL, "合计", "all") \
	XX(TEXT_H_LIST_YEAR, "年度", "year") \
	XX(TEXT_H_LIST_SCOPE, "通办范围", "scope") \
	XX(TEXT_H_LIST_WINDOW, "窗口类别", "window") \
	XX(TEXT_W_FAULT_BUNDLE, "“一件事”中的事项不在目录内、不支持联办或本身也是“一件事”", "a bundle's item is not in the list, is not for LB, or is a bundle") \
	XX(TEXT_O_BROKEN, "经核查不实的承诺（材料编码），记入信用记录", "promise that did not hold, by the paper's code: a credit note is made") \
	XX(TEXT_V_CREDIT_NOTES, "查询信用记录（告知承诺不实），按申请人或办件", "credit notes (broken promises) of an applicant or a case") \
	XX(TEXT_V_CREDIT_DISPUTE, "登记对信用记录的异议，处理前不再限制", "note that a credit note is disputed: it bars nothing until settled") \
	XX(TEXT_V_CREDIT_SETTLE, "处理对信用记录的异议：更正或维持", "correct a credit note, or say that it stands") \
	XX(TEXT_O_CREDIT_CASE, "办件编号", "number of the case") \
	XX(TEXT_O_CREDIT_CORRECT, "更正（否则维持）", "correct it; else it stands") \
	XX(TEXT_M_CREDIT_WHOSE, "须给出 --applicant-code 或 --case，二者取一", "either --applicant-code or --case is expected") \
	XX(TEXT_H_CREDIT_SINCE, "起", "since") \
	XX(TEXT_W_CREDIT_STANDS, "有效", "stands") \
	XX(TEXT_W_CREDIT_DISPUTED, "异议中", "disputed") \
	XX(TEXT_W_CREDIT_CORRECTED, "已更正", "corrected") \
	XX(TEXT_V_PROGRESS, "通办任务清单的进展：认领、一致、协议、窗口、办件，逾期在前", "how far the items of a base list are: claimed, as the base, agreed, halls, cases; overdue ones first") \
	XX(TEXT_O_PROGRESS_BASE, "通办任务清单（基本目录）文件", "file of the base list") \
	XX(TEXT_O_PROGRESS_CSV, "写成 CSV 报表，报送上级", "write it as CSV, for the next level") \
	XX(TEXT_H_PROGRESS_DUE, "完成期限", "due") \
	XX(TEXT_H_PROGRESS_PARTNERS, "通办地区", "with") \
	XX(TEXT_H_PROGRESS_DIFFERS, "不一致", "differs") \
	XX(TEXT_H_PROGRESS_HALLS, "大厅", "halls") \
	XX(TEXT_M_PROGRESS_SUM, "{1} 截至 {2}：{3} 项，已通办 {4}，逾期 {5}；可受理大厅 {6} 个，覆盖 {7}/{8} 个县区", "{1} on {2}: {3} items, {4} offered, {5} overdue; {6} halls receive, in {7} of {8} counties") \
	XX(TEXT_O_ELIGIBLE, "申请人符合的地域条件及所在区划，如 registered=320412（户籍地）", "what ties the applicant to an area: registered=320412 and the like") \
	XX(TEXT_O_BUNDLE, "“一件事”编码，代替 --item 与 --mode", "code of a bundle (一件事), instead of --item and --mode") \
	XX(TEXT_O_BUNDLE_NEEDS, "“一件事”编码，代替 REGION:ITEM", "code of a bundle (一件事), instead of REGION:ITEM") \
	XX(TEXT_O_BUNDLE_LIST, "“一件事”在哪个地区的目录中（默认为本地区）", "region whose list has the bundle; by default the own one") \
	XX(TEXT_O_BUNDLE_AT, "“一件事”的哪一项由哪个地区办理", "which region decides which part of the bundle") \
	XX(TEXT_M_NEEDS_WHAT, "须给出 REGION:ITEM 或 --bundle，二者取一", "either REGION:ITEM or --bundle is expected") \
	XX(TEXT_W_FAULT_ELEMENT, "缺少要素", "an element is not given") \
	XX(TEXT_W_FAULT_CODE, "事项编码不合规范", "not an item code of either generation") \
	XX(TEXT_W_FAULT_ONSITE, "须到现场但无法律依据", "one must come, but no law is named") \
	XX(TEXT_W_CONFORM_UNCLAIMED, "应领未领", "not claimed") \
	XX(TEXT_W_CONFORM_IDENTITY, "名称编码依据类型不一致", "name, code, basis or type") \
	XX(TEXT_W_CONFORM_ELEMENT, "要素不一致", "element") \
	XX(TEXT_W_CONFORM_PAPER, "多要材料", "paper") \
	XX(TEXT_W_CONFORM_OUTSIDE, "不在基本目录内", "outside of the base")
