/* The texts of what a region reports and prepares; see text_map.h. */
#pragma once

/* clang-format off */
#define TEXT_MAP_REPORTS(XX) \
	XX(TEXT_V_READY, "与某地区开展通办还缺什么：目录、清单、接口、协议、物流、联络、窗口、培训", "what is lacking before cases are taken with a region: lists, link, agreement, parcels, contacts, halls, training") \
	XX(TEXT_V_READY_NOTE, "登记系统不能自知的准备工作：培训、联调、备份演练、宣传", "note what the node cannot know: training, a trial, a restored backup, publicity") \
	XX(TEXT_O_READY_TEXT, "做了什么", "what was done") \
	XX(TEXT_O_READY_PEER, "只对此地区有效（默认所有地区）", "for this region only; by default for all") \
	XX(TEXT_O_READY_ON, "哪天做的（默认今天）", "the day; by default today") \
	XX(TEXT_O_READY_WITHDRAW, "撤销此项登记", "take the note back") \
	XX(TEXT_M_READY_TEXT, "须给出 --text 或 --withdraw，二者取一", "either --text or --withdraw is expected") \
	XX(TEXT_M_READY_WITHDRAWN, "已撤回：{1}", "withdrawn: {1}") \
	XX(TEXT_M_READY_NOTED, "已登记：{1} {2}", "noted: {1} {2}") \
	XX(TEXT_M_READY_LACKING, "与 {1} 开展通办还缺 {2} 项", "{2} things are lacking before cases are taken with {1}") \
	XX(TEXT_M_READY, "与 {1} 开展通办的准备已齐", "all is there to take cases with {1}") \
	XX(TEXT_H_READY_FOUND, "现状", "found") \
	XX(TEXT_H_READY_NEXT, "下一步", "next") \
	XX(TEXT_W_READY_LIST, "通办目录（项）", "own list (items)") \
	XX(TEXT_W_NEXT_LIST, "tongban catalogue load FILE", "tongban catalogue load FILE") \
	XX(TEXT_W_READY_ELEMENTS, "实施清单要素（待完善处）", "elements (findings)") \
	XX(TEXT_W_NEXT_ELEMENTS, "tongban catalogue check --elements", "tongban catalogue check --elements") \
	XX(TEXT_W_READY_PEER_LIST, "对方目录（项）", "the peer's list (items)") \
	XX(TEXT_W_NEXT_PEER_LIST, "请 {1} 发布目录", "ask {1} to publish its list") \
	XX(TEXT_W_READY_LINK, "接口（最近联系）", "link (last contact)") \
	XX(TEXT_W_NEXT_LINK, "tongban peer list：核对地址、证书、双方时钟", "tongban peer list: address, certificates, both clocks") \
	XX(TEXT_W_READY_AGREEMENT, "合作协议", "agreement") \
	XX(TEXT_W_NEXT_AGREEMENT, "tongban agreement propose 或 sign", "tongban agreement propose, or sign") \
	XX(TEXT_W_READY_ITEMS, "协议覆盖的事项", "items that it covers") \
	XX(TEXT_W_NEXT_ITEMS, "协议中增补事项与模式：tongban agreement propose", "amend the agreement: tongban agreement propose") \
	XX(TEXT_W_READY_POSTAGE, "物流：寄递费用由谁付", "parcels: who pays") \
	XX(TEXT_W_NEXT_POSTAGE, "协议中写明 postage", "say so in the agreement: postage") \
	XX(TEXT_W_READY_CONTACTS, "双方联络员（有电话）", "contacts of both, with telephone") \
	XX(TEXT_W_NEXT_CONTACTS, "协议中写明双方 contacts", "name them in the agreement: contacts") \
	XX(TEXT_W_READY_HALLS, "窗口：地址电话时间齐全/可受理", "halls: complete/receiving") \
	XX(TEXT_W_NEXT_HALLS, "tongban hall load FILE", "tongban hall load FILE") \
	XX(TEXT_W_READY_PEER_HALLS, "对方大厅", "the peer's halls") \
	XX(TEXT_W_NEXT_PEER_HALLS, "请 {1} 发布大厅", "ask {1} to publish its halls") \
	XX(TEXT_W_READY_TOKENS, "部门系统令牌（缺）", "tokens (missing)") \
	XX(TEXT_W_NEXT_TOKENS, "tongban token add NAME --role …", "tongban token add NAME --role …") \
	XX(TEXT_W_READY_LETTERS, "未送达而放弃的消息", "messages that were given up") \
	XX(TEXT_W_NEXT_LETTERS, "tongban status --dead", "tongban status --dead") \
	XX(TEXT_W_READY_TRAINING, "窗口与审批人员培训", "training") \
	XX(TEXT_W_NEXT_TRAINING, "培训后：tongban readiness note training", "then: tongban readiness note training") \
	XX(TEXT_W_READY_TRIAL, "与对方联调", "a trial with the peer") \
	XX(TEXT_W_NEXT_TRIAL, "试办一件后：tongban readiness note trial --peer {1}", "then: tongban readiness note trial --peer {1}") \
	XX(TEXT_W_READY_BACKUP, "备份与恢复演练", "a backup that was restored") \
	XX(TEXT_W_NEXT_BACKUP, "演练后：tongban readiness note backup", "then: tongban readiness note backup") \
	XX(TEXT_W_READY_PUBLICITY, "宣传", "publicity") \
	XX(TEXT_W_NEXT_PUBLICITY, "公布后：tongban readiness note publicity", "then: tongban readiness note publicity") \
	XX(TEXT_V_ZONE, "生成线上专区页面：可办事项、地区、方式、材料、窗口", "write the page of what can be done across regions: items, regions, ways, papers, halls") \
	XX(TEXT_O_ZONE_HTML, "写成此文件（默认标准输出）", "write it to this file; by default to the standard output")
