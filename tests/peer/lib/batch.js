'use strict';
// Signed batches, proofs and evidence (docs/protocol.md, section 3).
const crypto = require('crypto');
const merkle = require('./merkle');
const {sign, holds} = require('./cert');
const {limits, refuse, MALFORMED, UNTRUSTED, encode, decode} = require('./wire');

const TYPE = 'application/vnd.tongban.batch.v1+protobuf';
const YEAR_9999_END = 253402300799999;

function pae(body)
{
	return Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${body.length} `), body]);
}

// Builds a batch. Times, nonce and salts are drawn unless they are given.
function build(head, messages, random = size => crypto.randomBytes(size))
{
	const items = messages.map(message => Buffer.concat([random(limits.saltBytes), message]));
	const leaves = items.map(merkle.leaf);
	const now = Date.now();
	const header = {version: 1, kind: head.kind, sender: head.sender, sentAtMs: now, expiresAtMs: now + 150000,
		nonce: random(16), count: items.length, root: merkle.root(leaves), ...head};
	return {header, headerBytes: encode('BatchHeader', header), items, leaves, root: header.root,
		messages: items.map(item => item.subarray(limits.saltBytes))};
}

function signBatch(batch, identity)
{
	batch.signature = sign(identity.key, pae(batch.headerBytes));
	batch.chain = identity.chain;
	return batch;
}

function encodeBatch(batch)
{
	return encode('SignedBatch',
		{header: batch.headerBytes, signature: batch.signature, chain: batch.chain, items: batch.items});
}

// ---------------------------------------------------------------- checking

function checkSizes(header, signature, chain)
{
	if (header.length === 0 || header.length > limits.headerBytes || signature.length === 0 ||
	    signature.length > limits.signatureBytes || chain.length === 0 || chain.length > limits.chainCerts ||
	    chain.some(cert => cert.length > limits.certBytes))
		refuse(MALFORMED, 'batch: header, signature or chain is missing or too large');
}

const isRegion = text => /^[0-9]{6}$/.test(text);

function checkHeader(bytes)
{
	const header = decode('BatchHeader', bytes);
	const seal = header.kind === 'SEAL';
	const wrong = header.version !== 1 ? 'version'
		: typeof header.kind !== 'string' || header.kind === 'BATCH_KIND_UNSPECIFIED' ? 'kind'
		: !isRegion(header.sender) ? 'sender'
		: seal !== (header.receiver === '') || (!seal && !isRegion(header.receiver)) ? 'receiver'
		: seal !== (header.issuer !== '') || Buffer.byteLength(header.issuer) > limits.idBytes ? 'issuer'
		: header.nonce.length !== 16 ? 'nonce'
		: header.root.length !== 32 ? 'root'
		: ![0, 32].includes(header.inReplyTo.length) || (seal && header.inReplyTo.length) ? 'in_reply_to'
		: header.count === 0 || header.count > limits.batchItems ? 'count'
		: header.sentAtMs < 0 || header.sentAtMs > header.expiresAtMs || header.expiresAtMs > YEAR_9999_END ? 'times'
		: null;
	if (wrong)
		refuse(MALFORMED, `header: ${wrong}`);
	return header;
}

function checkSignature(trust, header, headerBytes, signature, chain, at)
{
	const who = trust.check(chain, header.kind === 'SEAL' ? 'seal' : 'message', at);
	if (who.region !== header.sender || (header.kind === 'SEAL' && who.issuer !== header.issuer))
		refuse(UNTRUSTED, 'batch: the chain is not the sender\'s');
	if (!holds(who, pae(headerBytes), signature))
		refuse(UNTRUSTED, 'batch: the signature over the header does not hold');
	return who;
}

// Checks a SignedBatch; |expect| is {kind, sender, receiver, inReplyTo, count, now}.
function check(bytes, trust, expect)
{
	if (bytes.length > limits.messageBytes)
		refuse(MALFORMED, 'batch: too large');
	const wire = decode('SignedBatch', bytes);
	checkSizes(wire.header, wire.signature, wire.chain);
	if (wire.items.some(item => item.length < limits.saltBytes))
		refuse(MALFORMED, 'batch: an item is shorter than its salt');
	const header = checkHeader(wire.header);
	if (header.count !== wire.items.length)
		refuse(MALFORMED, 'batch: the header counts other items');
	if (header.kind !== expect.kind || (expect.count && header.count !== expect.count))
		refuse(MALFORMED, 'batch: another kind or count than belongs here');
	if (header.sender !== expect.sender || header.receiver !== expect.receiver ||
	    !header.inReplyTo.equals(expect.inReplyTo || Buffer.alloc(0)))
		refuse(UNTRUSTED, 'batch: not from, for or in reply to what it should');
	const now = expect.now === undefined ? Date.now() : expect.now;
	if (header.expiresAtMs - header.sentAtMs > limits.batchLifeMs || header.sentAtMs - limits.batchLifeMs > now ||
	    header.expiresAtMs + limits.batchLifeMs < now)
		refuse(UNTRUSTED, 'batch: expired, or from the future');
	const signer = checkSignature(trust, header, wire.header, wire.signature, wire.chain, now);
	const leaves = wire.items.map(merkle.leaf);
	if (!merkle.root(leaves).equals(header.root))
		refuse(UNTRUSTED, 'batch: the items do not give the root that was signed');
	return {header, headerBytes: wire.header, signature: wire.signature, chain: wire.chain, items: wire.items,
		leaves, root: header.root, signer, messages: wire.items.map(item => item.subarray(limits.saltBytes))};
}

// ---------------------------------------------------------------- one item

function makeProof(batch, index)
{
	return {header: batch.headerBytes, signature: batch.signature, chain: batch.chain, item: batch.items[index], index,
		path: merkle.path(batch.leaves, index)};
}

function checkProof(proof, trust)
{
	if (!proof)
		refuse(MALFORMED, 'proof: none');
	checkSizes(proof.header, proof.signature, proof.chain);
	if (proof.item.length < limits.saltBytes)
		refuse(MALFORMED, 'proof: an item shorter than its salt');
	const header = checkHeader(proof.header);
	const signer = checkSignature(trust, header, proof.header, proof.signature, proof.chain, header.sentAtMs);
	const leaf = merkle.leaf(proof.item);
	if (!merkle.included(header.root, header.count, proof.index, leaf, proof.path))
		refuse(UNTRUSTED, 'proof: the item is not part of the batch that was signed');
	return {header, signer, leaf, message: proof.item.subarray(limits.saltBytes)};
}

// The certificate in a SealedCredential that |region| has sealed.
function openSealed(sealed, trust, region)
{
	const proven = checkProof(sealed.proof, trust);
	if (proven.header.kind !== 'SEAL' || proven.header.sender !== region)
		refuse(UNTRUSTED, 'certificate: not sealed by the region that it is of');
	return decode('Credential', proven.message);
}

// Checks an evidence file's content; gives the claim and what it is about.
function checkEvidence(evidence, trust)
{
	const kinds = {answer: ['ANSWERS', 'Answer', 'QUERIES', 'Query'], receipt: ['RECEIPTS', 'Receipt', 'MESSAGES', 'CaseMessage'],
		package: ['MESSAGES', 'CaseMessage'], entry: ['MESSAGES', 'CaseMessage']}[evidence.subject];
	if (evidence.version !== 1 || !kinds)
		refuse(MALFORMED, 'evidence: version or subject');
	const claim = checkProof(evidence.claim, trust);
	if (claim.header.kind !== kinds[0])
		refuse(UNTRUSTED, 'evidence: the claim is of another kind');
	claim.content = decode(kinds[1], claim.message);
	if (!kinds[2])
		return {claim};
	const question = checkProof(evidence.question, trust);
	question.content = decode(kinds[3], question.message);
	if (question.header.kind !== kinds[2] || claim.header.sender !== question.header.receiver ||
	    claim.header.receiver !== question.header.sender)
		refuse(UNTRUSTED, 'evidence: claim and question are not between the same two');
	const fits = evidence.subject === 'answer'
		? claim.header.inReplyTo.equals(question.header.root) && evidence.claim.index === evidence.question.index &&
			claim.content.query.equals(question.leaf)
		: claim.content.digest.equals(merkle.sha256(question.message)) && claim.content.id.equals(question.content.id);
	if (!fits)
		refuse(UNTRUSTED, 'evidence: the claim is about something else');
	return {claim, question};
}

module.exports = {TYPE, pae, build, signBatch, encodeBatch, check, checkHeader, makeProof, checkProof, openSealed, checkEvidence};
