'use strict';
// Cases: the table of mode DS, the log, epochs and clocks (docs/protocol.md, section 8).
const crypto = require('crypto');
const {sha256} = require('./merkle');
const {decode, encode, enumNumber} = require('./wire');
const {openSealed} = require('./batch');

// Why a message is refused: |code| is the receipt's machine word.
class Rejected extends Error {
	constructor(code, text)
	{
		super(text);
		this.code = code;
	}
}
const reject = (code, text) => {
	throw new Rejected(code, text);
};

// ---------------------------------------------------------------- the table

const UNDECIDED = 'RECEIVED CHECKING WINDOW_WAITS TRANSFER SIGNED_FOR RETURNED ACCEPTED CORRECTION REVIEW SPECIAL';
const OPEN = `${UNDECIDED} GRANTED DENIED DELIVERING`;
const SAME = '';

// from | event | to | roles | sides | needs | clocks, as on the page.
const ROWS = `
DRAFT|SUBMIT|RECEIVED|R_WIN APPLICANT|W|application|+T2
RECEIVED|CHECK|CHECKING|R_WIN|W||
CHECKING|ASK|WINDOW_WAITS|R_WIN|W|needs|=T2 +T7
WINDOW_WAITS|BRING|CHECKING|R_WIN APPLICANT|W||-T7 >T2
WINDOW_WAITS|LAPSE|TERMINATED|SYSTEM|W||0
CHECKING|SEND|TRANSFER|R_WIN|W||-T2 +T3
TRANSFER|BOUNCE|CHECKING|SYSTEM|W||-T3 +T2
TRANSFER SIGNED_FOR|POST|${SAME}|R_WIN|W|waybill|-T3
TRANSFER SIGNED_FOR|LOST|${SAME}|SYSTEM R_WIN H_WIN|WH||
TRANSFER|SIGN|SIGNED_FOR|SYSTEM H_WIN|H||-T3 +T4 +T1
SIGNED_FOR|RETURN|RETURNED|H_WIN|H|reason|-T1 -T4 +T2
RETURNED|FIX|CHECKING|R_WIN|W||
RETURNED|CLOSE|WITHDRAWN|R_WIN|W|reason|0
SIGNED_FOR|ACCEPT|ACCEPTED|H_WIN H_DEPT|H||-T1 -T4 +T5
SIGNED_FOR|NOTIFY|CORRECTION|H_WIN|H|needs|-T1 -T4 +T7
CORRECTION|SUPPLEMENT|SIGNED_FOR|R_WIN APPLICANT|WH||-T7 +T1 +T4
CORRECTION|LAPSE|TERMINATED|SYSTEM|H||0
SIGNED_FOR|DEEM|ACCEPTED|SYSTEM|H||-T1 -T4 +T5
SIGNED_FOR|REFUSE|NOT_ACCEPTED|H_WIN|H|reason|0
ACCEPTED|START|REVIEW|H_DEPT|H||
REVIEW|SUSPEND|SPECIAL|H_DEPT|H|reason|=T5
SPECIAL|RESUME|REVIEW|H_DEPT|H||>T5
REVIEW|EXTEND|${SAME}|H_HEAD|H|reason|*T5
REVIEW|GRANT|GRANTED|H_DEPT H_HEAD|H||-T5 +T6
REVIEW|DENY|DENIED|H_DEPT H_HEAD|H|reason|-T5 +T6
GRANTED DENIED|DISPATCH|DELIVERING|H_WIN|H|way|-T6
DELIVERING|HAND_OVER|CLOSED|R_WIN H_WIN APPLICANT|WH||0
CLOSED|EVALUATE|${SAME}|APPLICANT R_WIN|WH|grade|+T9
CLOSED|REPAIR|${SAME}|H_WIN H_DEPT|H|note|-T9
${UNDECIDED}|WITHDRAW|WITHDRAWN|APPLICANT R_WIN H_WIN|WH||0
${OPEN}|CONSULT|${SAME}|R_WIN H_WIN H_DEPT R_DEPT LIAISON|WH|note|
${OPEN} CLOSED|OVERDUE|${SAME}|SYSTEM|WH|clock|`;

const table = new Map();
for (const line of ROWS.trim().split('\n')) {
	const [froms, event, to, roles, sides, needs, clocks] = line.split('|');
	for (const from of froms.split(' '))
		table.set(`${from} ${event}`, {event, from, to: to || from, roles: roles.split(' '), sides, needs,
			clocks: clocks ? clocks.split(' ') : []});
}

const ROLE_SIDES = {R_WIN: 'W', R_DEPT: 'W', R_HEAD: 'W', H_WIN: 'H', H_DEPT: 'H', H_HEAD: 'H'};
const takes = (row, role, side) => row.roles.includes(role) && row.sides.includes(side) &&
	(ROLE_SIDES[role] || 'WH').includes(side);

// ---------------------------------------------------------------- clocks

const DAY = 24 * 3600 * 1000;
const ZONE = 8 * 3600 * 1000;
const NAMES = {T1: 'T1_NOTIFY', T2: 'T2_PUSH', T3: 'T3_MAIL', T4: 'T4_RECHECK', T5: 'T5_DECIDE', T6: 'T6_RESULT',
	T7: 'T7_CORRECTION', T8: 'T8_JOINT', T9: 'T9_REPAIR'};
const DAYS = {T1: 5, T2: 1, T3: 2, T4: 1, T6: 1, T7: 15, T8: 45, T9: 15};

// Working days: weekends but those that |exceptions| ("YYYY-MM-DD" -> H or W) says otherwise of.
class Calendar {
	constructor(exceptions)
	{
		this.exceptions = exceptions;
	}

	working(day)
	{
		const date = new Date(day * DAY);
		const said = this.exceptions.get(date.toISOString().slice(0, 10));
		return said ? said === 'W' : date.getUTCDay() % 6 !== 0;
	}

	// The end of the |days|-th working day after the moment |at|.
	deadline(at, days)
	{
		let day = Math.floor((at + ZONE) / DAY);
		while (days > 0)
			if (this.working(++day))
				days--;
		return (day + 1) * DAY - ZONE;
	}
}

function clockFormed(list)
{
	const seen = new Set();
	return list.every(state => {
		const known = Object.values(NAMES).includes(state.clock) && !seen.has(state.clock);
		seen.add(state.clock);
		return known && state.daysLeft >= 0 && state.daysLeft <= 1010 && state.dueMs >= 0 &&
			(state.dueMs !== 0) === (state.running || state.overdue) &&
			(state.daysLeft === 0 || (!state.running && !state.overdue));
	});
}

// Only what this peer orders itself in the test; pausing and lengthening are left to owners that decide cases.
function moveClocks(list, row, at, detail, calendar)
{
	let next = row.clocks.includes('0') ? [] : list.slice();
	for (const op of row.clocks.filter(word => word !== '0')) {
		const short = op.slice(1);
		next = next.filter(state => state.clock !== NAMES[short]);
		if (op === '+T9' && detail.grade < 4)
			continue;
		if (op[0] === '+' && short !== 'T3')
			next.push({clock: NAMES[short], running: true,
				dueMs: calendar.deadline(at, DAYS[short] || detail.promisedDays)});
		else if (op[0] !== '-' && short !== 'T3')
			throw new Error(`clock ${op} is not in this peer`);
	}
	return next.sort((a, b) => enumNumber('Clock', a.clock) - enumNumber('Clock', b.clock));
}

// ---------------------------------------------------------------- numbers

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function checkCharacter(text)
{
	let p = 36;
	for (const char of text) {
		p += DIGITS.indexOf(char);
		if (p > 36)
			p -= 36;
		p *= 2;
		if (p > 37)
			p -= 37;
	}
	return DIGITS[(37 - p) % 36];
}

function caseNumber(region, at, sequence)
{
	const day = new Date(at + ZONE).toISOString().slice(0, 10).replace(/-/g, '');
	const text = `${region}${day}${String(sequence).padStart(7, '0')}`;
	return text + checkCharacter(text);
}

const numberGood = (number, region) => /^[0-9]{21}[0-9A-Z]$/.test(number) && number.startsWith(region) &&
	checkCharacter(number.slice(0, 21)) === number[21];

// ---------------------------------------------------------------- a case

class Case {
	constructor({number, window, home, self})
	{
		Object.assign(this, {number, window, home, self, owner: window, epoch: 0, state: 'DRAFT', seq: 0,
			head: Buffer.alloc(0), clocks: [], entries: [], handingOver: false, outSeq: 0, outPrevious: Buffer.alloc(0),
			inSeq: 0, inPrevious: Buffer.alloc(0), wanted: []});
	}

	get other()
	{
		return this.self === this.home ? this.window : this.home;
	}

	digests()
	{
		return this.entries.map(bytes => sha256(bytes).toString('hex'));
	}

	events()
	{
		return this.entries.map(bytes => decode('CaseEntry', bytes).event);
	}

	side(region)
	{
		return region === this.home ? 'H' : region === this.window ? 'W' : reject('not_granted', 'a region that is no party');
	}

	// A copy to try entries on.
	copy()
	{
		return Object.assign(Object.create(Case.prototype), this, {entries: this.entries.slice()});
	}

	// Checks an entry that |owner| has ordered and takes it.
	take(bytes, owner)
	{
		const entry = decode('CaseEntry', bytes);
		if (entry.caseNumber !== this.number)
			reject('invalid', 'entry of another case');
		if (entry.seq !== this.seq + 1 || !entry.previous.equals(this.head))
			reject('state', `entry ${entry.seq} does not follow entry ${this.seq}`);
		if (entry.epoch !== this.epoch)
			reject('state', `entry ${entry.seq}: epoch ${entry.epoch}, the case is in ${this.epoch}`);
		const row = table.get(`${this.state} ${entry.event}`);
		if (!row || entry.from !== this.state || entry.to !== row.to)
			reject('state', `entry ${entry.seq}: ${entry.event} in ${this.state}`);
		if (!entry.actor || !takes(row, entry.actor.role, this.side(entry.node)))
			reject('not_granted', `entry ${entry.seq}: a role or a side that may not`);
		if (entry.owner !== owner)
			reject('not_granted', `entry ${entry.seq}: not ordered by ${owner}`);
		if (entry.salt.length !== 16 || !clockFormed(entry.clocks))
			reject('invalid', `entry ${entry.seq}: salt or clocks`);
		this.append(entry, bytes);
		return entry;
	}

	append(entry, bytes)
	{
		this.entries.push(bytes);
		this.seq = entry.seq;
		this.head = sha256(bytes);
		this.state = entry.to;
		this.clocks = entry.clocks;
	}

	// Orders an event as the owner; gives the entry's bytes.
	order({event, actor, detail = {}, node = this.self, proposal, calendar, at = Date.now()})
	{
		const row = table.get(`${this.state} ${event}`);
		if (this.owner !== this.self || this.handingOver)
			reject('state', 'not the owner');
		if (!row)
			reject('state', `${event} in ${this.state}`);
		if (!takes(row, actor.role, this.side(node)))
			reject('not_granted', `${event} is not for ${actor.role}`);
		if (row.needs && !detail[row.needs])
			reject('invalid', `${event} needs ${row.needs}`);
		const entry = {caseNumber: this.number, seq: this.seq + 1, epoch: this.epoch, event, from: row.from, to: row.to, node,
			owner: this.self, actor, basis: `mode DS, ${this.window} to ${this.home}`, atMs: at, detail,
			clocks: moveClocks(this.clocks, row, at, detail, calendar), previous: this.head,
			salt: crypto.randomBytes(16), proposal: proposal || Buffer.alloc(0)};
		const bytes = encode('CaseEntry', entry);
		this.append(decode('CaseEntry', bytes), bytes);
		return bytes;
	}

	// The epoch that a message carries now.
	messageEpoch(handsOver)
	{
		return this.epoch + (this.handingOver && !handsOver ? 1 : 0);
	}

	handedOver()
	{
		if (!this.handingOver)
			return;
		this.handingOver = false;
		this.owner = this.other;
		this.epoch++;
	}

	// Steps 6 and 7 of receiving: true if the message is to be deferred.
	follows(message)
	{
		if (message.caseSeq > this.inSeq + 1)
			return false;
		if (message.caseSeq !== this.inSeq + 1 || !message.previous.equals(this.inPrevious))
			reject('state', `message ${message.caseSeq} does not follow message ${this.inSeq}`);
		return true;
	}

	checkEpoch(message)
	{
		if (this.handingOver && message.epoch === this.epoch + 1)
			this.handedOver();
		if (message.epoch !== this.epoch)
			reject('state', `stale: epoch ${message.epoch}, the case is in ${this.epoch}`);
	}

	consume(message, digest)
	{
		this.inSeq = message.caseSeq;
		this.inPrevious = digest;
	}

	takePackage(body, from)
	{
		if (this.owner !== from)
			reject('state', `${from} does not own the case`);
		const trial = this.copy();
		body.entries.forEach((bytes, i) => {
			if (i >= this.seq)
				trial.take(bytes, from);
			else if (!bytes.equals(this.entries[i]))
				reject('state', `entry ${i + 1} is not the one that is here`);
		});
		if (trial.seq === this.seq || trial.state !== 'TRANSFER')
			reject('state', 'a package ends with its sending');
		Object.assign(this, trial, {owner: this.home, epoch: this.epoch + 1});
		this.wanted = this.entries.map(bytes => decode('CaseEntry', bytes).detail).filter(Boolean)
			.flatMap(detail => [...(detail.application ? detail.application.materials : []), ...detail.materials])
			.filter(material => material.root.length === 32);
	}

	takeEntries(body, from, trust)
	{
		if (this.owner !== from)
			reject('state', `${from} does not own the case`);
		if (body.entries.length === 0)
			reject('malformed', 'no entries');
		const trial = this.copy();
		const taken = body.entries.map(bytes => trial.take(bytes, from));
		const last = taken[taken.length - 1];
		if (body.handOver !== (last.event === 'RETURN'))
			reject('invalid', 'a return hands the case over, and nothing else does');
		for (const {detail} of taken.filter(entry => entry.detail && entry.detail.decision && entry.detail.decision.credential)) {
			const credential = openSealed(detail.decision.credential, trust, from);
			if (credential.identifier !== detail.decision.credentialIdentifier)
				reject('invalid', 'the issued certificate is not the one that the decision names');
		}
		Object.assign(this, trial);
		if (body.handOver)
			Object.assign(this, {owner: this.self, epoch: this.epoch + 1});
		return taken;
	}
}

module.exports = {Case, Calendar, Rejected, reject, caseNumber, numberGood};
