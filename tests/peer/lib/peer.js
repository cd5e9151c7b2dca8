'use strict';
// The peer itself: a gRPC server and client over mutual TLS (docs/protocol.md, sections 2, 5, 6, 7 and 9).
const crypto = require('crypto');
const {EventEmitter} = require('events');
const grpc = require('@grpc/grpc-js');
const merkle = require('./merkle');
const batch = require('./batch');
const {Trust, readPeerFile} = require('./cert');
const {Case, Rejected, reject, numberGood} = require('./cases');
const {limits, Refused, refuse, MALFORMED, UNTRUSTED, encode, decode} = require('./wire');

const raw = {requestSerialize: bytes => bytes, requestDeserialize: bytes => bytes, responseSerialize: bytes => bytes,
	responseDeserialize: bytes => bytes};
const method = (name, responseStream) => ({path: `/tongban.v1.Exchange/${name}`, requestStream: false, responseStream, ...raw});
const service = {verify: method('Verify', false), deliver: method('Deliver', false), describe: method('Describe', false),
	fetchMaterial: method('FetchMaterial', true)};

const KINDS = {Verify: ['QUERIES', 'ANSWERS'], Deliver: ['MESSAGES', 'RECEIPTS'], Describe: ['DESCRIBE', 'DESCRIPTION']};

// A material, cut and hashed.
function material(bytes)
{
	const chunks = [];
	for (let at = 0; at < bytes.length; at += limits.chunkBytes)
		chunks.push(bytes.subarray(at, at + limits.chunkBytes));
	const leaves = chunks.map(merkle.leaf);
	return {bytes, chunks, leaves, size: bytes.length, root: merkle.root(leaves), sha256: merkle.sha256(bytes)};
}

// Events: "receipt" (of a message of ours), "message" (from the partner, applied or not), "fetch" (first chunk asked for).
class Peer extends EventEmitter {
	constructor({region, name, tls, message, seal, anchors, calendar, catalogue})
	{
		super();
		Object.assign(this, {region, name, tls, message, seal, anchors, calendar, catalogue});
		this.trust = new Trust();
		this.credentials = []; // sealed by this region: {credential, batch, index}
		this.materials = new Map(); // by root in hex
		this.allowed = new Set(); // roots that the partner was sent
		this.fetchesToCut = 0;
		this.cases = new Map();
		this.inbox = new Map(); // id in hex -> {digest, receipt}
		this.seq = 0;
		this.nonces = new Set();
		this.described = 0;
	}

	// ---- the server

	async listen(partnerPem)
	{
		this.server = new grpc.Server({'grpc.max_receive_message_length': limits.messageBytes});
		this.server.addService(service, {
			verify: this.unary('Verify', (item, inbound, i) => this.answer(item, inbound, i)),
			deliver: this.unary('Deliver', item => this.receive(item)),
			describe: this.unary('Describe', item => this.describe(item)),
			fetchMaterial: call => this.serveMaterial(call),
		});
		const credentials = grpc.ServerCredentials.createSsl(Buffer.from(partnerPem),
			[{private_key: Buffer.from(this.tls.keyPem), cert_chain: Buffer.from(this.tls.certPem)}], true);
		this.port = await new Promise((resolve, fail) => this.server.bindAsync('127.0.0.1:0', credentials,
			(error, port) => (error ? fail(error) : resolve(port))));
		return this.port;
	}

	addPartner(file)
	{
		this.partner = readPeerFile(file);
		this.trust.add(this.partner.region, this.partner.pem);
		this.trust.add(this.region, this.anchors);
	}

	// Who calls. TLS has proven the key; whose region it is, is for the trust list to say.
	caller(call)
	{
		const shown = call.getAuthContext().sslPeerCertificate;
		const who = this.trust.check(shown ? [shown.raw] : [], 'node', Date.now());
		if (who.region !== this.partner.region)
			refuse(UNTRUSTED, `${who.region} is not a peer`);
		return who.region;
	}

	unary(name, handle)
	{
		return (call, callback) => {
			try {
				const from = this.caller(call);
				const inbound = batch.check(call.request, this.trust, {kind: KINDS[name][0], sender: from, receiver: this.region});
				const replies = inbound.messages.map((item, i) => handle(item, inbound, i));
				const out = batch.build({kind: KINDS[name][1], sender: this.region, receiver: from, inReplyTo: inbound.root}, replies);
				callback(null, batch.encodeBatch(batch.signBatch(out, this.message)));
			} catch (error) {
				if (!(error instanceof Refused))
					this.emit('fault', error);
				callback({code: error instanceof Refused ? error.status : grpc.status.INTERNAL, details: error.message});
			}
		};
	}

	describe(item)
	{
		const asked = decode('DescribeRequest', item);
		const newer = asked.catalogueVersion < this.catalogue.version;
		this.described++;
		return encode('Description', {region: this.region, name: this.name, protocol: 1,
			catalogueVersion: this.catalogue.version, ...(newer ? {catalogue: this.catalogue} : {})});
	}

	answer(item, inbound, i)
	{
		const nonce = inbound.header.nonce.toString('hex');
		if (i === 0 && this.nonces.has(nonce))
			refuse(UNTRUSTED, 'this batch was answered before');
		this.nonces.add(nonce);
		const answer = {atMs: Date.now(), query: inbound.leaves[i]};
		let query;
		try {
			query = decode('Query', item);
		} catch (error) {
			return encode('Answer', {...answer, result: 'BAD_QUERY'});
		}
		const found = this.credentials.find(({credential}) => credential.identifier === query.identifier ||
			(credential.type === query.type && credential.number === query.number));
		if (!found)
			return encode('Answer', {...answer, result: 'NOT_FOUND'});
		const matches = query.match.map(({name, value}) => ({name, equal: found.credential[name] === value}));
		if (matches.some(match => !match.equal))
			return encode('Answer', {...answer, result: 'MISMATCH', state: 'VALID', matches});
		return encode('Answer', {...answer, result: 'CONFIRMED', state: 'VALID', matches,
			...(query.disclosure === 'DOCUMENT' ? {document: {proof: batch.makeProof(found.batch, found.index)}} : {})});
	}

	sealCredentials(credentials)
	{
		const sealed = batch.signBatch(batch.build({kind: 'SEAL', sender: this.region, issuer: this.region},
			credentials.map(credential => encode('Credential', credential))), this.seal);
		credentials.forEach((credential, index) => this.credentials.push({credential, batch: sealed, index}));
	}

	// ---- materials

	addMaterial(bytes)
	{
		const made = material(bytes);
		this.materials.set(made.root.toString('hex'), made);
		return made;
	}

	serveMaterial(call)
	{
		const fail = (code, details) => call.emit('error', {code, details});
		try {
			this.caller(call);
			const request = decode('MaterialRequest', call.request);
			const root = request.root.toString('hex');
			const found = this.materials.get(root);
			if (!found || !this.allowed.has(root))
				return fail(grpc.status.NOT_FOUND, 'no such material for you');
			if (request.firstChunk > found.chunks.length)
				return fail(grpc.status.INVALID_ARGUMENT, 'first_chunk');
			this.emit('fetch', request.firstChunk);
			const cut = this.fetchesToCut > 0;
			if (cut)
				this.fetchesToCut--;
			for (let next = request.firstChunk, first = true; first || next < found.chunks.length; first = false) {
				if (cut && !first)
					return fail(grpc.status.UNAVAILABLE, 'cut');
				// Fewer than a first part may have: there is something left to resume.
				const chunks = found.chunks.slice(next, next + (first ? 3 : limits.partChunks));
				call.write(encode('MaterialPart', {firstChunk: next, chunks,
					...(first ? {size: found.size, leaves: Buffer.concat(found.leaves)} : {})}));
				next += chunks.length;
			}
			call.end();
		} catch (error) {
			fail(error instanceof Refused ? error.status : grpc.status.INTERNAL, error.message);
		}
		return undefined;
	}

	// Fetches what |wanted| (a Material) names, from |firstChunk|; gives the bytes.
	fetchMaterial(client, wanted, firstChunk = 0)
	{
		return new Promise((resolve, fail) => {
			const call = client.makeServerStreamRequest(service.fetchMaterial.path, raw.requestSerialize, raw.responseDeserialize,
				encode('MaterialRequest', {root: wanted.root, firstChunk}), {deadline: Date.now() + 10000});
			const chunks = [];
			let leaves = null;
			call.on('data', bytes => {
				try {
					const part = decode('MaterialPart', bytes);
					if (!leaves) {
						leaves = [];
						for (let at = 0; at < part.leaves.length; at += 32)
							leaves.push(part.leaves.subarray(at, at + 32));
						if (part.size !== wanted.size || !merkle.root(leaves).equals(wanted.root))
							refuse(UNTRUSTED, 'leaves: their root is not the material\'s');
					}
					if (part.chunks.length > limits.partChunks || (part.chunks.length > 0 && part.firstChunk !== firstChunk + chunks.length))
						refuse(MALFORMED, 'chunks out of order');
					for (const chunk of part.chunks) {
						if (!merkle.leaf(chunk).equals(leaves[firstChunk + chunks.length]))
							refuse(UNTRUSTED, 'chunk: wrong digest');
						chunks.push(chunk);
					}
				} catch (error) {
					call.cancel();
					fail(error);
				}
			});
			call.on('error', fail);
			call.on('end', () => {
				if (leaves && firstChunk + chunks.length === leaves.length)
					resolve(Buffer.concat(chunks));
				else
					fail(new Error('the stream ended early'));
			});
		});
	}

	// ---- the client

	client(endpoint, {tls = this.tls, roots = this.partner.pem} = {})
	{
		const credentials = grpc.credentials.createSsl(Buffer.from(roots), Buffer.from(tls.keyPem), Buffer.from(tls.certPem), {
			// Certificates name regions, not hosts.
			checkServerIdentity: (host, shown) => {
				try {
					const who = this.trust.check([shown.raw], 'node', Date.now());
					return who.region === this.partner.region ? undefined : new Error('another region');
				} catch (error) {
					return error;
				}
			},
		});
		return new grpc.Client(endpoint, credentials, {'grpc.max_receive_message_length': limits.partBytes,
			'grpc.use_local_subchannel_pool': 1, 'grpc.ssl_target_name_override': `${this.partner.region}.node`});
	}

	// Sends bytes as they are.
	callRaw(client, path, bytes)
	{
		return new Promise((resolve, fail) => client.makeUnaryRequest(path, raw.requestSerialize, raw.responseDeserialize, bytes,
			{deadline: Date.now() + 10000}, (error, reply) => (error ? fail(error) : resolve(reply))));
	}

	// Builds and signs a request; |head| overrides what is usual.
	request(name, messages, head = {}, identity = this.message)
	{
		return batch.signBatch(batch.build({kind: KINDS[name][0], sender: this.region, receiver: this.partner.region, ...head},
			messages), identity);
	}

	async send(client, name, request)
	{
		const reply = await this.callRaw(client, `/tongban.v1.Exchange/${name}`, batch.encodeBatch(request));
		return batch.check(reply, this.trust, {kind: KINDS[name][1], sender: this.partner.region, receiver: this.region,
			inReplyTo: request.root, count: request.items.length});
	}

	// Asks; gives each answer with what proves it.
	async verify(client, queries)
	{
		const request = this.request('Verify', queries.map(query => encode('Query', query)));
		const reply = await this.send(client, 'Verify', request);
		return reply.messages.map((bytes, i) => {
			const answer = decode('Answer', bytes);
			if (!answer.query.equals(request.leaves[i]))
				refuse(UNTRUSTED, 'answered another query');
			const credential = answer.document ? batch.openSealed(answer.document, this.trust, this.partner.region) : null;
			return {answer, credential, request, reply, i};
		});
	}

	// ---- delivery

	// A new message in |kase|; it is encoded once.
	newMessage(kase, body, {handsOver = false, over = {}} = {})
	{
		const now = Date.now();
		const message = {id: crypto.randomBytes(16), seq: ++this.seq, caseSeq: ++kase.outSeq, caseNumber: kase.number,
			epoch: kase.messageEpoch(handsOver), issuedAtMs: now, expiresAtMs: now + 7 * 24 * 3600 * 1000,
			previous: kase.outPrevious, ...body, ...over};
		const bytes = encode('CaseMessage', message);
		kase.outPrevious = merkle.sha256(bytes);
		return {bytes, message, digest: kase.outPrevious};
	}

	// A message that stands outside of its case's sequence.
	newNotice(number, expired)
	{
		const bytes = encode('CaseMessage', {id: crypto.randomBytes(16), seq: ++this.seq, caseNumber: number, issuedAtMs: Date.now(),
			expiresAtMs: Date.now() + 1000000, expired});
		return {bytes, message: decode('CaseMessage', bytes), digest: merkle.sha256(bytes)};
	}

	// Delivers messages; gives their receipts, which are checked to be theirs.
	async deliver(client, messages)
	{
		const request = this.request('Deliver', messages.map(message => message.bytes));
		const reply = await this.send(client, 'Deliver', request);
		const receipts = reply.messages.map((bytes, i) => {
			const receipt = decode('Receipt', bytes);
			if (!receipt.digest.equals(messages[i].digest) || !receipt.id.equals(messages[i].message.id))
				refuse(UNTRUSTED, 'receipt of another message');
			return Object.assign(receipt, {bytes});
		});
		return {receipts, request, reply};
	}

	// Hands a case over: as many turns as it takes. The sender's side of the hand-over ends with the receipt.
	async handOver(client, kase, body)
	{
		const sent = this.newMessage(kase, body, {handsOver: true});
		kase.handingOver = true;
		const delivered = await this.deliver(client, [sent]);
		if (delivered.receipts[0].kind === 'DURABLE')
			kase.handedOver();
		else
			kase.handingOver = false;
		return {sent, ...delivered};
	}

	receive(bytes)
	{
		const digest = merkle.sha256(bytes);
		const receipt = {digest, atMs: Date.now(), kind: 'DURABLE'};
		let message;
		try {
			message = decode('CaseMessage', bytes);
			const bodies = [message.package, message.entries, message.proposal, message.expired].filter(Boolean);
			if (message.id.length !== 16 || bodies.length !== 1 || !message.caseNumber || message.caseNumber.length > 32)
				reject('malformed', 'id, body or case number');
		} catch (error) {
			return encode('Receipt', {...receipt, kind: 'REJECTED', code: 'malformed', reason: error.message});
		}
		Object.assign(receipt, {id: message.id, caseNumber: message.caseNumber});
		const known = this.inbox.get(message.id.toString('hex'));
		if (known)
			return known.digest.equals(digest) ? known.receipt
				: encode('Receipt', {...receipt, kind: 'REJECTED', code: 'same_id_other_content'});
		const applied = message.expired ? this.giveUp(message, receipt) : this.apply(message, digest, receipt);
		const encoded = encode('Receipt', receipt);
		if (receipt.kind !== 'DEFERRED')
			this.inbox.set(message.id.toString('hex'), {digest, receipt: encoded});
		// After the answer is out: nothing here waits for the partner, which waits for us.
		setImmediate(() => this.emit('message', {message, receipt, entries: applied || []}));
		return encoded;
	}

	// The partner gives a message up: it is told what became of it, and what did not take effect never will.
	giveUp(message, receipt)
	{
		const {id, caseSeq, digest} = message.expired;
		const known = this.inbox.get(id.toString('hex'));
		receipt.code = known && decode('Receipt', known.receipt).kind === 'DURABLE' ? 'applied' : 'unseen';
		if (known)
			return null;
		this.inbox.set(id.toString('hex'), {digest, receipt: encode('Receipt', {id, digest, kind: 'REJECTED', code: 'expired',
			atMs: receipt.atMs, caseNumber: message.caseNumber})});
		const kase = this.cases.get(message.caseNumber);
		if (kase && caseSeq === kase.inSeq + 1)
			kase.consume({caseSeq}, digest);
		return null;
	}

	apply(message, digest, receipt)
	{
		let kase = this.cases.get(message.caseNumber);
		let applied = null;
		try {
			if (kase && !kase.follows(message)) {
				receipt.kind = 'DEFERRED';
				return null;
			}
		} catch (error) {
			Object.assign(receipt, {kind: 'REJECTED', code: error.code, reason: error.message});
			return null;
		}
		try {
			if (kase)
				kase.checkEpoch(message);
			if (message.package) {
				kase = kase || this.newCase(message);
				kase.takePackage(message.package, this.partner.region);
				this.cases.set(message.caseNumber, kase);
			} else if (!kase) {
				reject('unknown_case', 'no such case here');
			} else if (message.entries) {
				applied = kase.takeEntries(message.entries, this.partner.region, this.trust);
			} else {
				const {event, actor, detail} = message.proposal;
				const entry = kase.order({event, actor, detail: detail || {}, node: this.partner.region, proposal: message.id,
					calendar: this.calendar});
				this.emit('ordered', kase, entry);
			}
		} catch (error) {
			if (!(error instanceof Rejected) && !(error instanceof Refused))
				this.emit('fault', error);
			Object.assign(receipt, {kind: 'REJECTED', code: error.code || 'invalid', reason: error.message});
		}
		if (kase && this.cases.has(message.caseNumber)) {
			kase.consume(message, digest);
			receipt.head = kase.seq;
		}
		return applied;
	}

	newCase(message)
	{
		const first = decode('CaseEntry', message.package.entries[0] || Buffer.alloc(0));
		const application = first.detail && first.detail.application;
		if (!application || !application.applicant || application.home !== this.region)
			reject('invalid', 'no application for this region');
		if (!numberGood(message.caseNumber, this.partner.region))
			reject('invalid', 'case number');
		if (!this.catalogue.items.some(item => item.code === application.item && item.modes.includes(application.mode)))
			reject('not_granted', 'item or mode');
		return new Case({number: message.caseNumber, window: this.partner.region, home: this.region, self: this.region});
	}

	close()
	{
		this.server.forceShutdown();
	}
}

module.exports = {Peer, material};
