'use strict';
// A peer of a real node, in another language: makes its own region, starts a node, and lives through everything that
// docs/protocol.md says, in both directions. Prints TAP; the exit status is 0 if all is well.
//
//   node peer.js --tongban BIN [--keep]
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');
const path = require('path');
const {spawn, execFile} = require('child_process');
const merkle = require('./lib/merkle');
const batch = require('./lib/batch');
const note = require('./lib/note');
const vectors = require('./vectors');
const {Authority, Trust, peerFile, readPeerFile} = require('./lib/cert');
const {Case, Calendar, caseNumber} = require('./lib/cases');
const {Peer} = require('./lib/peer');
const {encode, decode, fromJson, toJson} = require('./lib/wire');

const SELF = '441300';
const NODE = '320400';
const LICENCE = '11100000MB0143028R001';
const PERMIT = '11100000000013338W032';
const ITEM = '320400001001';
const OTHER_ITEM = '320400001002';
const OWN_ITEM = '441300001001';
const CITIZEN = '11010519491231002X';
const STATUS = {INVALID_ARGUMENT: 3, UNIMPLEMENTED: 12, UNAVAILABLE: 14, UNAUTHENTICATED: 16, NOT_FOUND: 5};
const TIME_MS = 60000;

// ---------------------------------------------------------------- TAP

let count = 0;
let failed = 0;

function ok(good, name, more)
{
	count++;
	if (!good)
		failed++;
	console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
	if (!good && more !== undefined)
		console.log(`# ${typeof more === 'string' ? more : JSON.stringify(more)}`.slice(0, 2000).replace(/\n/g, '\n# '));
	return good;
}
const equal = (got, wanted, name) => ok(JSON.stringify(got) === JSON.stringify(wanted), name, {got, wanted});

async function refused(promise, status, name)
{
	try {
		await promise;
		ok(false, name, 'it was not refused');
	} catch (error) {
		ok(error.code === status, name, `${error.code}: ${error.message}`);
	}
}

// ---------------------------------------------------------------- the node

class Node {
	constructor(bin, dir)
	{
		Object.assign(this, {bin, dir, output: ''});
	}

	// Runs the command; gives what it prints.
	cli(...args)
	{
		return new Promise((resolve, fail) => execFile(this.bin, [...args, '--dir', this.dir, '--lang', 'en'], {timeout: 20000},
			(error, stdout, stderr) => (error ? fail(new Error(`tongban ${args.join(' ')}: ${stderr}${stdout}`)) : resolve(stdout))));
	}

	async json(...args)
	{
		return JSON.parse(await this.cli(...args, '--json'));
	}

	start()
	{
		this.child = spawn(this.bin, ['run', '--dir', this.dir], {stdio: ['ignore', 'pipe', 'pipe']});
		this.child.stdout.on('data', data => { this.output += data; });
		this.child.stderr.on('data', data => { this.output += data; });
		this.exited = new Promise(resolve => this.child.on('exit', (code, signal) => resolve(signal || code)));
	}

	async stop()
	{
		this.child.kill('SIGTERM');
		return this.exited;
	}
}

// Tries |step| until it gives something, for the few things that the node does not tell by itself.
async function eventually(step, what)
{
	const until = Date.now() + 15000;
	for (;;) {
		try {
			const got = await step();
			if (got)
				return got;
		} catch (error) {
			if (Date.now() > until)
				throw error;
		}
		if (Date.now() > until)
			throw new Error(`${what}: did not come about`);
		await new Promise(resolve => setTimeout(resolve, 50));
	}
}

// Waits until |good|, which is asked again whenever the partner has delivered something.
function until(peer, good, what)
{
	return new Promise((resolve, fail) => {
		const timer = setTimeout(() => {
			peer.off('message', look);
			fail(new Error(`${what}: did not come about`));
		}, 15000);
		function look()
		{
			if (!good())
				return;
			clearTimeout(timer);
			peer.off('message', look);
			resolve();
		}
		peer.on('message', look);
		look();
	});
}

// ---------------------------------------------------------------- the scene

const need = (code, required) => `      - {code: ${code}, name: 材料${code}, required: ${required}, basis: 公证程序规则}\n`;
const itemYaml = (code, more) => `  - code: "${code}"
    name: 机动车驾驶证公证
    department: 11320400014109045T
    department_name: 常州市司法局
    modes: [DS]
    promised_days: 5
    legal_days: 15
    result_type: ${PERMIT}
    materials:
${need('M1', true)}${need('M2', false)}${more || ''}`;

const GRANTS = `grants:
  verify:
    - types: ["${LICENCE}"]
      disclosure: document
    - types: ["${PERMIT}"]
      disclosure: match
  cases:
    - items: ["${ITEM}"]
      modes: [DS]
`;

const credential = (type, number, more) => ({type, number, name: '营业执照', issuer: NODE, issuerName: '常州市', issuedOn: '2024-01-02',
	validFrom: '2024-01-02', region: NODE, holders: [{codeType: '111', code: CITIZEN, name: '王伟'}], ...more});

// Working days of this year and the next: the node's own calendar may end before the test does.
function workdays()
{
	const year = new Date().getFullYear();
	return [`${year}-01-01\tH\tNew Year`, `${year + 1}-01-01\tH\tNew Year`].join('\n') + '\n';
}

class Scene {
	constructor(bin)
	{
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tongban-peer-'));
		fs.chmodSync(this.dir, 0o700);
		this.node = new Node(bin, path.join(this.dir, 'node'));
		this.faults = [];
		this.sequence = 0;
	}

	file(name, text)
	{
		const file = path.join(this.dir, name);
		fs.writeFileSync(file, text, {mode: 0o600});
		return file;
	}

	// Both sides are made, exchange their peer files, and the node runs.
	async begin()
	{
		const {node} = this;
		await node.cli('init', '--region', NODE, '--listen', '127.0.0.1:0');
		fs.writeFileSync(path.join(node.dir, 'data/workdays.tsv'), workdays(), {mode: 0o600});
		const authorityDir = path.join(this.dir, 'authority');
		fs.mkdirSync(authorityDir, {mode: 0o700});
		this.authority = new Authority(authorityDir, SELF);
		const calendar = new Calendar(new Map(workdays().trim().split('\n').map(line => line.split('\t').slice(0, 2))));
		const items = [{code: OWN_ITEM, name: '户口迁移', department: '11320400014109045T', modes: ['DS'], promisedDays: 5, legalDays: 15,
			materials: [{code: 'M1', name: '申请表', required: true, basis: '条例'}]}];
		this.peer = new Peer({region: SELF, name: '惠州市', anchors: this.authority.pem, calendar,
			tls: this.authority.issue('node'), message: this.authority.issue('message', {suite: 'ed25519'}),
			seal: this.authority.issue('seal', {issuer: SELF}),
			catalogue: {region: SELF, version: 3, publishedAtMs: Date.now(), items}});
		this.peer.on('fault', error => this.faults.push(error.stack));
		const exported = await node.cli('peer', 'export');
		this.peer.addPartner(exported);
		const port = await this.peer.listen(readPeerFile(exported).pem);
		const own = peerFile({region: SELF, name: '惠州市', endpoint: `127.0.0.1:${port}`, pem: this.authority.pem});
		await node.cli('peer', 'import', this.file(`${SELF}.peer`, own));
		const grants = path.join(node.dir, `peers/${SELF}.yaml`);
		fs.writeFileSync(grants, fs.readFileSync(grants, 'utf8').replace(/^grants:\n(#.*\n)*/m, GRANTS));
		node.start();
		const status = await eventually(() => node.json('status'), 'the node starts');
		this.endpoint = status.listen;
		this.client = this.peer.client(this.endpoint);
		ok(/:[1-9][0-9]*$/.test(this.endpoint), `the node listens (${this.endpoint})`);
		await node.cli('catalogue', 'load', this.file('items.yaml', `items:\n${itemYaml(ITEM)}${itemYaml(OTHER_ITEM)}`));
		const lines = [credential(LICENCE, 'N-1'), credential(LICENCE, 'N-2'), credential(PERMIT, 'P-1', {name: '操作证'})];
		await node.cli('credential', 'import', this.file('licences.jsonl', lines.map(line => `${JSON.stringify(line)}\n`).join('')));
	}

	async end(keep)
	{
		if (this.client)
			this.client.close();
		if (this.node.child) {
			const code = await this.node.stop();
			ok(code === 0, 'the node ends well', `exit ${code}\n${this.node.output}`);
		}
		if (this.peer && this.peer.server)
			this.peer.close();
		ok(this.faults.length === 0, 'this peer had no fault of its own', this.faults.join('\n'));
		if (keep)
			console.log(`# kept: ${this.dir}`);
		else
			fs.rmSync(this.dir, {recursive: true, force: true});
	}

	// A new case of this window's with its first two entries.
	newCase(item, materials)
	{
		const number = caseNumber(SELF, Date.now(), ++this.sequence);
		const kase = new Case({number, window: SELF, home: NODE, self: SELF});
		const actor = {role: 'R_WIN', id: 'js-1', name: '李娜'};
		const application = {item, itemName: '机动车驾驶证公证', mode: 'DS', home: NODE, delivery: 'NETWORK', window: '惠州 3',
			applicant: {name: '王伟', codeType: '111', code: CITIZEN, phone: '13800000000'}, catalogueVersion: 1,
			materials: materials.map(({size, root, sha256}, i) => ({need: `M${i + 1}`, name: `scan-${i + 1}.pdf`,
				mediaType: 'application/pdf', size, root, sha256}))};
		const {calendar} = this.peer;
		kase.order({event: 'SUBMIT', actor, detail: {application}, calendar});
		kase.order({event: 'CHECK', actor, calendar});
		this.peer.cases.set(number, kase);
		return kase;
	}

	async hand(kase)
	{
		kase.order({event: 'SEND', actor: {role: 'R_WIN', id: 'js-1'}, calendar: this.peer.calendar});
		return this.peer.handOver(this.client, kase, {package: {entries: kase.entries}});
	}

	async sameLog(kase, name)
	{
		const view = await this.node.json('case', 'show', kase.number);
		equal(view.logDigests, kase.digests(), `${name}: both sides hold the same ${kase.seq} entries`);
		equal([view.state, view.owner, view.epoch || 0], [kase.state, kase.owner, kase.epoch], `${name}: state, owner and epoch agree`);
		return view;
	}
}

// ---------------------------------------------------------------- what is tested

// The page's own examples and numbers.
function testPage()
{
	equal(vectors.problems(), [], 'the worked examples of docs/protocol.md are what this program makes');
	equal(vectors.limitProblems(), [], 'the limits of docs/protocol.md are those of base/limits.h');
}

async function testLink(scene)
{
	const {peer, client} = scene;
	const health = await peer.callRaw(client, '/grpc.health.v1.Health/Check', Buffer.from('\x0a\x13tongban.v1.Exchange', 'latin1'));
	equal(health.toString('hex'), '0801', 'the health service says SERVING');
	await refused(peer.callRaw(client, '/grpc.health.v1.Health/Check', Buffer.from('\x0a\x01x', 'latin1')), STATUS.NOT_FOUND,
		'and knows no other service');
	await refused(peer.callRaw(client, '/tongban.v1.Exchange/Nothing', Buffer.alloc(0)), STATUS.UNIMPLEMENTED, 'an unknown method is refused');
	const foreignDir = path.join(scene.dir, 'foreign');
	fs.mkdirSync(foreignDir, {mode: 0o700});
	const strangers = {
		'a CA that is not this region\'s': new Authority(foreignDir, SELF).issue('node'),
		'its own CA, but in the name of another region': scene.authority.issue('node', {uri: `spiffe://${NODE}/node`}),
		'its own CA, but in another role': scene.authority.issue('node', {uri: `spiffe://${SELF}/message`}),
	};
	for (const [name, tls] of Object.entries(strangers)) {
		const stranger = peer.client(scene.endpoint, {tls});
		await refused(peer.send(stranger, 'Describe', peer.request('Describe', [encode('DescribeRequest', {})])), STATUS.UNAVAILABLE,
			`the handshake is refused to a certificate of ${name}`);
		stranger.close();
	}
}

async function testDescribe(scene)
{
	const {peer, client} = scene;
	const ask = version => peer.send(client, 'Describe', peer.request('Describe', [encode('DescribeRequest', {catalogueVersion: version})]));
	const reply = await ask(0);
	const said = decode('Description', reply.messages[0]);
	equal([said.region, said.protocol, said.catalogueVersion], [NODE, 1, 1], 'Describe says who it is');
	equal(said.catalogue.items.map(item => item.code), [ITEM, OTHER_ITEM], 'and what it offers');
	equal(decode('Description', (await ask(1)).messages[0]).catalogue, null, 'the list comes only if it is newer');
}

const query = more => ({type: LICENCE, number: 'N-1', purpose: '变更登记', basis: '条例第二十四条', disclosure: 'STATUS', ...more});

async function testVerify(scene)
{
	const {peer, client} = scene;
	const name = value => ({match: [{name: 'holder.name', value}], disclosure: 'MATCH'});
	const answers = await peer.verify(client, [
		query({...name('王伟'), disclosure: 'DOCUMENT'}),
		query(name('张三')),
		query({number: 'N-9'}),
		query({type: PERMIT, number: 'P-1', ...name('王伟')}),
		query({type: PERMIT, number: 'P-1', ...name('张三')}),
		query({type: PERMIT, number: 'P-9', ...name('张三')}),
		query({type: PERMIT, number: 'P-1', disclosure: 'DOCUMENT'}),
		query({type: '11100000000013127D001'}),
		query({purpose: ''}),
		query({holder: {codeType: '111', code: CITIZEN.toLowerCase()}, number: 'N-2'}),
	]);
	equal(answers.map(({answer}) => answer.result), ['CONFIRMED', 'MISMATCH', 'NOT_FOUND', 'CONFIRMED', 'NOT_CONFIRMED', 'NOT_CONFIRMED',
		'NOT_GRANTED', 'NOT_GRANTED', 'BAD_QUERY', 'CONFIRMED'], 'ten queries of one batch get what the page says');
	const [confirmed, mismatch] = answers;
	equal([confirmed.answer.state, confirmed.answer.matches], ['VALID', [{name: 'holder.name', equal: true}]], 'confirmed: state and matches');
	equal([mismatch.answer.state, mismatch.answer.matches], ['VALID', [{name: 'holder.name', equal: false}]], 'mismatch: which field differs');
	equal(confirmed.credential && confirmed.credential.number, 'N-1', 'the sealed certificate holds, by the seal key of its region');
	const shape = ({answer}) => ({...answer, query: 0, atMs: 0});
	equal(shape(answers[4]), shape(answers[5]), 'without the right to documents a wrong guess and an unknown certificate look the same');

	const request = peer.request('Verify', [encode('Query', query())]);
	await peer.send(client, 'Verify', request);
	await refused(peer.send(client, 'Verify', request), STATUS.UNAUTHENTICATED, 'the same batch of queries is not answered twice');

	const evidence = {version: 1, subject: 'answer', claim: batch.makeProof(confirmed.reply, 0), question: batch.makeProof(confirmed.request, 0)};
	const file = scene.file('answer.json', toJson('Evidence', evidence));
	const anchors = path.join(scene.dir, 'anchors');
	fs.mkdirSync(anchors);
	fs.writeFileSync(path.join(anchors, `${NODE}.pem`), peer.partner.pem);
	fs.writeFileSync(path.join(anchors, `${SELF}.pem`), scene.authority.pem);
	ok(/N-1/.test(await scene.node.cli('evidence', 'check', file, '--anchors', anchors)), 'the node\'s command checks evidence made here');
	evidence.claim = batch.makeProof(confirmed.reply, 1);
	fs.writeFileSync(file, toJson('Evidence', evidence));
	ok(await scene.node.cli('evidence', 'check', file, '--anchors', anchors).then(() => false, () => true), 'and refuses it when the answer is to another query');
}

async function testHostileBatches(scene)
{
	const {peer, client} = scene;
	const items = [encode('Query', query())];
	const call = bytes => peer.callRaw(client, '/tongban.v1.Exchange/Verify', bytes);
	const sent = (head, identity) => call(batch.encodeBatch(peer.request('Verify', items, head, identity)));
	const tampered = peer.request('Verify', items);
	tampered.items[0] = Buffer.from(tampered.items[0]);
	tampered.items[0][20] ^= 1;
	await refused(call(batch.encodeBatch(tampered)), STATUS.UNAUTHENTICATED, 'a tampered item is refused');
	const cracked = peer.request('Verify', items);
	cracked.signature = Buffer.from(cracked.signature);
	cracked.signature[8] ^= 1;
	await refused(call(batch.encodeBatch(cracked)), STATUS.UNAUTHENTICATED, 'a broken signature is refused');
	await refused(sent({}, peer.tls), STATUS.UNAUTHENTICATED, 'a signature by a key in another role is refused');
	await refused(sent({sender: '110000'}), STATUS.UNAUTHENTICATED, 'another sender than the connection\'s is refused');
	await refused(sent({receiver: '110000'}), STATUS.UNAUTHENTICATED, 'a batch for another region is refused');
	await refused(sent({inReplyTo: crypto.randomBytes(32)}), STATUS.UNAUTHENTICATED, 'a request that answers something is refused');
	await refused(sent({sentAtMs: Date.now() - 900000, expiresAtMs: Date.now() - 600000}), STATUS.UNAUTHENTICATED, 'an expired batch is refused');
	await refused(sent({expiresAtMs: Date.now() + 600000}), STATUS.UNAUTHENTICATED, 'a batch that lives too long is refused');
	await refused(sent({count: 2}), STATUS.INVALID_ARGUMENT, 'a wrong count is refused');
	await refused(sent({kind: 'MESSAGES'}), STATUS.INVALID_ARGUMENT, 'another kind is refused');
	await refused(sent({version: 2}), STATUS.INVALID_ARGUMENT, 'another version is refused');
	const good = batch.encodeBatch(peer.request('Verify', items));
	await refused(call(Buffer.concat([good, Buffer.of(0x78, 0x80, 0x00)])), STATUS.INVALID_ARGUMENT, 'an overlong varint is refused');
	await refused(call(Buffer.concat([good, Buffer.of(0x7b, 0x7c)])), STATUS.INVALID_ARGUMENT, 'a group is refused');
	await refused(call(good.subarray(0, good.length - 1)), STATUS.INVALID_ARGUMENT, 'a batch that is cut off is refused');
	const twice = await peer.verify(client, [query()]);
	const odd = [Buffer.concat([encode('Query', query()), Buffer.of(0x22, 0x00, 0x22, 0x00)]), encode('Query', query({purpose: 'x\u202ey'}))];
	const reply = await peer.send(client, 'Verify', peer.request('Verify', [...odd, encode('Query', query())]));
	equal(reply.messages.map(bytes => decode('Answer', bytes).result), ['BAD_QUERY', 'BAD_QUERY', 'CONFIRMED'],
		'a message given twice and a forbidden character spoil their own items only');
	equal(twice[0].answer.result, 'CONFIRMED', 'and good batches go on');
}

// The node is the home region: package, material, decision.
async function testCaseAtHome(scene)
{
	const {peer, client, node} = scene;
	const scan = peer.addMaterial(crypto.randomBytes(1200000));
	peer.allowed.add(scan.root.toString('hex'));
	const asked = [];
	peer.on('fetch', first => asked.push(first));
	peer.fetchesToCut = 1;
	const kase = scene.newCase(ITEM, [scan]);
	const {sent, receipts, request, reply} = await scene.hand(kase);
	const [receipt] = receipts;
	equal([receipt.kind, receipt.caseNumber, receipt.head], ['DURABLE', kase.number, 3], 'the package has a durable receipt');
	equal([kase.owner, kase.epoch], [NODE, 1], 'the node owns the case');
	const evidence = scene.file('receipt.json', toJson('Evidence', {version: 1, subject: 'receipt', claim: batch.makeProof(reply, 0),
		question: batch.makeProof(request, 0)}));
	ok(await node.cli('evidence', 'check', evidence, '--anchors', path.join(scene.dir, 'anchors')), 'the receipt is evidence');
	await until(peer, () => kase.state === 'SIGNED_FOR', 'the node signs');
	equal(asked, [0, 3], 'the material was fetched, and resumed where the stream was cut');
	const got = path.join(scene.dir, 'scan.back');
	await node.cli('material', 'get', scan.root.toString('hex'), '--out', got);
	ok(fs.readFileSync(got).equals(scan.bytes), 'the node has the material, byte for byte');

	const again = await peer.callRaw(client, '/tongban.v1.Exchange/Deliver', batch.encodeBatch(request));
	const replayed = batch.check(again, peer.trust, {kind: 'RECEIPTS', sender: NODE, receiver: SELF, inReplyTo: request.root, count: 1});
	ok(replayed.messages[0].equals(receipt.bytes), 'the same batch again gets the same receipt');
	ok((await peer.deliver(client, [sent])).receipts[0].bytes.equals(receipt.bytes), 'and so does the same message in a new batch');
	const forged = {...sent.message, expiresAtMs: sent.message.expiresAtMs + 1};
	const other = encode('CaseMessage', forged);
	const fork = (await peer.deliver(client, [{bytes: other, message: forged, digest: merkle.sha256(other)}])).receipts[0];
	equal([fork.kind, fork.code], ['REJECTED', 'same_id_other_content'], 'the same id with other content is refused');

	await node.cli('case', 'accept', kase.number, '--actor', '2086');
	await until(peer, () => kase.state === 'ACCEPTED', 'acceptance comes');
	await node.cli('case', 'start', kase.number, '--actor', '3011');
	const issue = scene.file('permit.json', JSON.stringify({validFrom: '2024-01-02', validUntil: '2999-12-31'}));
	await node.cli('case', 'grant', kase.number, '--actor', '3011', '--issue', issue, '--document-number', '常司许〔2026〕1号');
	await until(peer, () => kase.state === 'GRANTED', 'the decision comes');
	equal(kase.events(), ['SUBMIT', 'CHECK', 'SEND', 'SIGN', 'ACCEPT', 'START', 'GRANT'], 'the log goes on as the node ordered it');
	await scene.sameLog(kase, 'granted');
	const {decision} = decode('CaseEntry', kase.entries[6]).detail;
	const issued = batch.openSealed(decision.credential, peer.trust, NODE);
	equal([issued.type, issued.holders[0].code, issued.identifier], [PERMIT, CITIZEN, decision.credentialIdentifier], 'the decision carries the sealed certificate');
	const [verified] = await peer.verify(client, [query({type: '', number: '', identifier: issued.identifier})]);
	equal([verified.answer.result, verified.answer.state], ['CONFIRMED', 'VALID'], 'which is verified where it was issued');

	await node.cli('case', 'dispatch', kase.number, '--actor', '2086', '--way', 'network');
	await node.cli('case', 'hand-over', kase.number, '--actor', '2086', '--role', 'H_WIN');
	await until(peer, () => kase.state === 'CLOSED', 'the case closes');
	const grade = peer.newMessage(kase, {proposal: {event: 'EVALUATE', actor: {role: 'APPLICANT', id: CITIZEN}, detail: {grade: 5}, head: kase.seq}});
	equal((await peer.deliver(client, [grade])).receipts[0].kind, 'DURABLE', 'an evaluation is proposed');
	await until(peer, () => kase.events().includes('EVALUATE'), 'and ordered');
	const late = peer.newMessage(kase, {proposal: {event: 'WITHDRAW', actor: {role: 'APPLICANT', id: CITIZEN}, head: kase.seq}});
	const lost = (await peer.deliver(client, [late])).receipts[0];
	equal([lost.kind, lost.code], ['REJECTED', 'state'], 'a withdrawal after the decision loses');
	await scene.sameLog(kase, 'closed');
	return {kase, scan};
}

// Withdrawal, refusals, order, and messages that are given up.
async function testProposals(scene, scan)
{
	const {peer, client} = scene;
	const kase = scene.newCase(ITEM, [scan]);
	equal((await scene.hand(kase)).receipts[0].kind, 'DURABLE', 'a second package is received');
	await until(peer, () => kase.state === 'SIGNED_FOR', 'the node has the material already and signs');
	const propose = (event, role, over) => peer.newMessage(kase, {proposal: {event, actor: {role, id: 'js-1'}, detail: {}, head: kase.seq}}, over);
	const wrong = (await peer.deliver(client, [propose('ACCEPT', 'H_WIN')])).receipts[0];
	equal([wrong.kind, wrong.code], ['REJECTED', 'not_granted'], 'no window speaks for the home region\'s officers');
	const stale = (await peer.deliver(client, [propose('WITHDRAW', 'APPLICANT', {over: {epoch: 0}})])).receipts[0];
	equal([stale.kind, stale.code], ['REJECTED', 'state'], 'a message of an epoch that is over is refused');
	const withdraw = propose('WITHDRAW', 'APPLICANT');
	const after = propose('CONSULT', 'LIAISON');
	const early = (await peer.deliver(client, [after])).receipts[0];
	equal(early.kind, 'DEFERRED', 'a message that overtakes another is deferred');
	equal((await peer.deliver(client, [withdraw])).receipts[0].kind, 'DURABLE', 'a withdrawal is received');
	await until(peer, () => kase.state === 'WITHDRAWN', 'and ordered');
	const entry = decode('CaseEntry', kase.entries[kase.seq - 1]);
	equal([entry.node, entry.owner, entry.proposal.toString('hex')], [SELF, NODE, withdraw.message.id.toString('hex')],
		'the entry names who proposed it and who ordered it');
	equal((await peer.deliver(client, [after])).receipts[0].code, 'state', 'what was deferred is decided when it is next');
	await scene.sameLog(kase, 'withdrawn');

	const denied = scene.newCase(OTHER_ITEM, [scan]);
	const bounced = await scene.hand(denied);
	equal([bounced.receipts[0].kind, bounced.receipts[0].code], ['REJECTED', 'not_granted'], 'an item that is not granted is refused');
	denied.order({event: 'BOUNCE', actor: {role: 'SYSTEM', id: 'js'}, calendar: peer.calendar});
	equal([denied.owner, denied.epoch, denied.state], [SELF, 0, 'CHECKING'], 'and the case is still the window\'s');

	const giveUp = async ({message, digest}) => {
		const notice = peer.newNotice(message.caseNumber, {id: message.id, caseSeq: message.caseSeq, digest, seq: message.seq});
		const receipt = (await peer.deliver(client, [notice])).receipts[0];
		return [receipt.kind, receipt.code];
	};
	equal(await giveUp(withdraw), ['DURABLE', 'applied'], 'a message that took effect and is given up: applied');
	equal(await giveUp(bounced.sent), ['DURABLE', 'unseen'], 'one that was refused: unseen');
	const never = propose('CONSULT', 'LIAISON');
	equal(await giveUp(never), ['DURABLE', 'unseen'], 'one that never came: unseen');
	equal(await giveUp(never), ['DURABLE', 'unseen'], 'and told so again');
	const ghost = (await peer.deliver(client, [never])).receipts[0];
	equal([ghost.kind, ghost.code], ['REJECTED', 'expired'], 'which then never takes effect');
	const next = (await peer.deliver(client, [propose('WITHDRAW', 'APPLICANT')])).receipts[0];
	equal([next.code, /not possible/.test(next.reason)], ['state', true], 'and the next message follows it');

	const broken = {bytes: Buffer.of(0xff), message: {id: Buffer.alloc(0)}, digest: merkle.sha256(Buffer.of(0xff))};
	const mixed = (await peer.deliver(client, [broken, withdraw])).receipts.map(receipt => `${receipt.kind} ${receipt.code}`);
	equal(mixed, ['REJECTED malformed', 'DURABLE '], 'a malformed message does not harm its neighbour');
}

// The node returns a case, which this window mends and sends again.
async function testReturned(scene, scan)
{
	const {peer, client, node} = scene;
	const {calendar} = peer;
	const kase = scene.newCase(ITEM, [scan]);
	await scene.hand(kase);
	await until(peer, () => kase.state === 'SIGNED_FOR', 'the node signs');
	await node.cli('case', 'return', kase.number, '--actor', '2086', '--reason', '扫描件不清晰');
	await until(peer, () => kase.owner === SELF, 'the case comes back');
	equal([kase.epoch, kase.state], [2, 'RETURNED'], 'a return hands the case over');
	const window = {role: 'R_WIN', id: 'js-1'};
	const fix = kase.order({event: 'FIX', actor: window, calendar});
	const odd = kase.copy();
	odd.epoch = 9;
	const other = odd.order({event: 'CONSULT', actor: window, detail: {note: 'x'}, calendar});
	const entries = list => peer.newMessage(kase, {entries: {entries: list}});
	equal((await peer.deliver(client, [entries([fix])])).receipts[0].kind, 'DURABLE', 'what this window orders is taken');
	const wrong = (await peer.deliver(client, [entries([other])])).receipts[0];
	equal([wrong.kind, wrong.code], ['REJECTED', 'state'], 'an entry of another epoch is refused');
	const send = kase.order({event: 'SEND', actor: window, calendar});
	const first = decode('CaseEntry', kase.entries[0]);
	first.detail.application.address = 'elsewhere';
	const forged = (await peer.handOver(client, kase, {package: {entries: [encode('CaseEntry', first), ...kase.entries.slice(1)]}})).receipts[0];
	equal([forged.kind, forged.code], ['REJECTED', 'state'], 'a package with another past is refused');
	const bounce = kase.order({event: 'BOUNCE', actor: {role: 'SYSTEM', id: 'js'}, calendar});
	equal((await peer.deliver(client, [entries([send, bounce])])).receipts[0].kind, 'DURABLE', 'the sending that failed and its undoing are taken');
	equal((await scene.hand(kase)).receipts[0].kind, 'DURABLE', 'the case is sent again');
	await until(peer, () => kase.state === 'SIGNED_FOR', 'the node signs again');
	equal([kase.owner, kase.epoch], [NODE, 3], 'in the third epoch');
	await scene.sameLog(kase, 'sent again');
}

// This peer is the home region; the node is the window.
async function testCaseFromWindow(scene)
{
	const {peer, client, node} = scene;
	const calendar = peer.calendar;
	const scan = scene.file('form.pdf', crypto.randomBytes(600000));
	await eventually(() => node.json('catalogue', 'list', '--region', SELF), 'the node learns this region\'s list');
	const submit = async () => {
		const view = await node.json('case', 'submit', '--item', OWN_ITEM, '--home', SELF, '--applicant-name', '王伟', '--applicant-code', CITIZEN,
			'--delivery', 'network', '--material', `M1=${scan}`, '--actor', '0371', '--forward');
		await until(peer, () => peer.cases.has(view.number), 'the package comes');
		return peer.cases.get(view.number);
	};
	const order = async (kase, event, role, detail) => {
		const bytes = kase.order({event, actor: {role, id: 'js-2'}, detail, calendar});
		const body = {entries: {entries: [bytes], handOver: event === 'RETURN'}};
		if (event === 'RETURN')
			return (await peer.handOver(client, kase, body)).receipts[0].kind;
		return (await peer.deliver(client, [peer.newMessage(kase, body)])).receipts[0].kind;
	};
	const kase = await submit();
	equal([kase.owner, kase.epoch, kase.state], [SELF, 1, 'TRANSFER'], 'a package of the node\'s is taken over');
	const [wanted] = kase.wanted;
	const whole = await peer.fetchMaterial(client, wanted);
	ok(merkle.sha256(whole).equals(wanted.sha256) && whole.equals(fs.readFileSync(scan)), 'its material is fetched from the node');
	ok((await peer.fetchMaterial(client, wanted, 1)).equals(whole.subarray(262144)), 'also from the middle');
	await refused(peer.fetchMaterial(client, {root: crypto.randomBytes(32)}), STATUS.NOT_FOUND, 'another one is not given');
	await refused(peer.fetchMaterial(client, wanted, 4), STATUS.INVALID_ARGUMENT, 'nor a chunk beyond the last');
	equal(await order(kase, 'SIGN', 'SYSTEM', {}), 'DURABLE', 'this side signs');
	equal(await order(kase, 'RETURN', 'H_WIN', {reason: '扫描件不清晰'}), 'DURABLE', 'and returns the case');
	equal([kase.owner, kase.epoch], [NODE, 2], 'which the node owns again');
	await scene.sameLog(kase, 'returned');
	await node.cli('case', 'fix', kase.number, '--actor', 'w1');
	await node.cli('case', 'send', kase.number, '--actor', 'w1');
	await until(peer, () => kase.epoch === 3, 'the node mends it and sends it again');
	equal([kase.owner, kase.events().slice(4)], [SELF, ['RETURN', 'FIX', 'SEND']], 'the log goes on where it was');
	equal(await order(kase, 'SIGN', 'SYSTEM', {}), 'DURABLE', 'this side signs again');
	equal(await order(kase, 'REFUSE', 'H_WIN', {reason: '不属于本机关职权范围'}), 'DURABLE', 'and does not accept');
	await scene.sameLog(kase, 'refused');

	const second = await submit();
	equal(await order(second, 'SIGN', 'SYSTEM', {}), 'DURABLE', 'another case is signed for');
	const ordered = new Promise(resolve => peer.once('ordered', (of, bytes) => resolve(bytes)));
	await node.cli('case', 'withdraw', second.number, '--actor', 'w1');
	const bytes = await ordered;
	const told = await peer.deliver(client, [peer.newMessage(second, {entries: {entries: [bytes]}})]);
	equal([told.receipts[0].kind, second.state], ['DURABLE', 'WITHDRAWN'], 'the node proposes a withdrawal, which this side orders');
	await scene.sameLog(second, 'withdrawn at the window');
	const foreign = Buffer.from(bytes);
	const forged = (await peer.deliver(client, [peer.newMessage(second, {entries: {entries: [foreign]}})])).receipts[0];
	equal([forged.kind, forged.code], ['REJECTED', 'state'], 'entries that do not follow are refused');
	return kase;
}

// The node verifies here, and its evidence is checked here.
async function testVerifyFromNode(scene)
{
	const {peer, node} = scene;
	peer.sealCredentials([credential(LICENCE, 'J-0', {identifier: 'x', region: SELF}),
		credential(LICENCE, 'J-1', {identifier: `1.2.156.3005.2.${LICENCE}.${SELF}.J1.001.0`, region: SELF})]);
	const reply = await node.json('credential', 'verify', '--region', SELF, '--type', LICENCE, '--number', 'J-1', '--purpose', '变更登记',
		'--basis', '条例', '--disclosure', 'document');
	const [outcome] = reply.outcomes;
	equal([outcome.answer.result, outcome.document && outcome.document.number], ['CONFIRMED', 'J-1'], 'the node verifies a certificate here, with its seal');
	const plain = credential(LICENCE, 'J-2', {identifier: 'y', region: SELF});
	peer.credentials.push({credential: plain, index: 0, batch: batch.signBatch(batch.build(
		{kind: 'QUERIES', sender: SELF, receiver: NODE}, [encode('Credential', plain)]), peer.message)});
	const unsealed = await node.json('credential', 'verify', '--region', SELF, '--type', LICENCE, '--number', 'J-2', '--purpose', '变更登记',
		'--basis', '条例', '--disclosure', 'document').then(() => 'taken', error => error.message);
	ok(/not sealed/.test(unsealed), 'and takes no certificate that is signed otherwise than by a seal', unsealed);
	const file = path.join(scene.dir, 'exported.json');
	await node.cli('evidence', 'export', outcome.evidence, '--out', file);
	const anchors = new Trust();
	anchors.add(NODE, peer.partner.pem);
	anchors.add(SELF, scene.authority.pem);
	const checked = batch.checkEvidence(fromJson('Evidence', fs.readFileSync(file, 'utf8')), anchors);
	equal([checked.claim.content.result, checked.question.content.number], ['CONFIRMED', 'J-1'], 'the evidence that it keeps of that holds');
}

async function testCaseEvidence(scene, atHome, fromWindow)
{
	for (const kase of [atHome, fromWindow]) {
		const view = await scene.node.json('case', 'show', kase.number);
		const subjects = new Set();
		for (const reference of view.evidence) {
			const evidence = JSON.parse(await scene.node.cli('evidence', 'export', reference));
			batch.checkEvidence(fromJson('Evidence', JSON.stringify(evidence)), scene.peer.trust);
			subjects.add(evidence.subject);
		}
		ok(view.evidence.length > 3 && subjects.has('package') && subjects.has('receipt'), `all ${view.evidence.length} pieces of evidence of the case hold`);
	}
}

// Last, since a node makes its first checkpoint some seconds after its start.
async function testCheckpoint(scene)
{
	const {peer, client, node} = scene;
	const reply = await eventually(async () => {
		const got = await peer.send(client, 'Describe', peer.request('Describe', [encode('DescribeRequest', {catalogueVersion: 1})]));
		return decode('Description', got.messages[0]).checkpoint && got;
	}, 'a checkpoint');
	const said = decode('Description', reply.messages[0]).checkpoint;
	const checkpoint = note.check(said, reply.signer);
	ok(checkpoint.size > 0 && checkpoint.origin === `tongban/${NODE}`, 'the checkpoint in a description is signed by the message key', said);
	const now = await node.json('audit', 'checkpoint');
	const proof = await node.json('audit', 'consistency', String(checkpoint.size), String(now.size));
	const bytes = text => Buffer.from(text, 'base64');
	ok(merkle.consistent(checkpoint.size, checkpoint.root, Number(now.size), bytes(now.root), (proof.path || []).map(bytes)),
		'a later checkpoint of the log goes on from it', proof);
}

async function main()
{
	const at = process.argv.indexOf('--tongban');
	const bin = at > 0 ? process.argv[at + 1] : process.env.TONGBAN;
	if (!bin) {
		console.error('usage: node peer.js --tongban BIN [--keep]');
		process.exit(2);
	}
	const keep = process.argv.includes('--keep');
	const scene = new Scene(path.resolve(bin));
	const bail = setTimeout(() => {
		console.log(`Bail out! not done within ${TIME_MS / 1000} s`);
		if (scene.node.child)
			scene.node.child.kill('SIGKILL');
		process.exit(1);
	}, TIME_MS);
	try {
		testPage();
		await scene.begin();
		await testLink(scene);
		await testDescribe(scene);
		await testVerify(scene);
		await testHostileBatches(scene);
		const {kase, scan} = await testCaseAtHome(scene);
		await testProposals(scene, scan);
		await testReturned(scene, scan);
		const fromWindow = await testCaseFromWindow(scene);
		await testVerifyFromNode(scene);
		await testCaseEvidence(scene, kase, fromWindow);
		await testCheckpoint(scene);
	} catch (error) {
		ok(false, 'the test itself', `${error.stack}\n${scene.node.output.slice(-1500)}`);
	}
	try {
		await scene.end(keep);
	} catch (error) {
		ok(false, 'ending', error.stack);
	}
	clearTimeout(bail);
	console.log(`1..${count}`);
	console.log(failed === 0 ? `# all ${count} good` : `# ${failed} of ${count} failed`);
	process.exit(failed === 0 ? 0 : 1);
}

main();
