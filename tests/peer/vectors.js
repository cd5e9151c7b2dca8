'use strict';
// The worked examples of docs/protocol.md, section 12: `node vectors.js` prints them, and the test compares what the
// page says with what this program makes.
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const merkle = require('./lib/merkle');
const {pae, build} = require('./lib/batch');
const {spki, suiteOf} = require('./lib/cert');
const {keyId} = require('./lib/note');
const {encode} = require('./lib/wire');

const page = path.join(__dirname, '../../docs/protocol.md');

// Fixed keys: an Ed25519 seed 00 01 .. 1f, and the P-256 private key whose number is the same bytes.
const seed = Buffer.from(Array.from({length: 32}, (_, i) => i));
const ed25519 = crypto.createPrivateKey({key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
	format: 'der', type: 'pkcs8'});
function p256()
{
	const ecdh = crypto.createECDH('prime256v1');
	ecdh.setPrivateKey(seed);
	const point = ecdh.getPublicKey();
	const part = (from, to) => point.subarray(from, to).toString('base64url');
	return crypto.createPrivateKey({format: 'jwk', key: {kty: 'EC', crv: 'P-256', d: seed.toString('base64url'), x: part(1, 33),
		y: part(33, 65)}});
}

// ECDSA draws a number for each signature: this one was made once.
const P256_SIGNATURE = '30460221008442da55a2e3f1ff2f38006be2fa46e8b77988fcba31835b2d079653f783a6ec022100cdf2e2c19ef74c84d438ddd3fec55cbfd259a37bf252a0d64f9c1e64c082770c';

// Bytes that count up from |first|.
function counter(first)
{
	let next = first;
	return size => Buffer.from(Array.from({length: size}, () => next++ & 0xff));
}

function describe(name, key, head, messages, first)
{
	const batch = build({...head, sentAtMs: 1795219200000, expiresAtMs: 1795219350000}, messages, counter(first));
	const body = pae(batch.headerBytes);
	const lines = {public_key: spki(crypto.createPublicKey(key))};
	batch.items.forEach((item, i) => {
		lines[`item${i}`] = item;
		lines[`leaf${i}`] = batch.leaves[i];
	});
	Object.assign(lines, {root: batch.root, header: batch.headerBytes, pae: body, pae_sha256: merkle.sha256(body)});
	batch.items.forEach((item, i) => merkle.path(batch.leaves, i).forEach((hash, k) => {
		lines[`path${i}_${k}`] = hash;
	}));
	lines.signature = name === 'A' ? crypto.sign(null, body, key) : Buffer.from(P256_SIGNATURE, 'hex');
	return Object.fromEntries(Object.entries(lines).map(([field, bytes]) => [`${name}.${field}`, bytes.toString('hex')]));
}

function make()
{
	const query = {type: '11100000MB0143028R001', purpose: '变更登记', basis: '条例第二十四条', disclosure: 'STATUS'};
	const out = {
		...describe('A', ed25519, {kind: 'DESCRIBE', sender: '441300', receiver: '320400'},
			[encode('DescribeRequest', {catalogueVersion: 7})], 0),
		...describe('B', p256(), {kind: 'QUERIES', sender: '441300', receiver: '320400'},
			['N1', 'N2', 'N3'].map(number => encode('Query', {...query, number})), 0x40),
	};
	const material = Buffer.from(Array.from({length: 600000}, (_, i) => i % 251));
	const chunks = [0, 1, 2].map(i => material.subarray(i * 262144, (i + 1) * 262144));
	chunks.forEach((chunk, i) => {
		out[`C.leaf${i}`] = merkle.leaf(chunk).toString('hex');
	});
	out['C.root'] = merkle.root(chunks.map(merkle.leaf)).toString('hex');
	out['C.sha256'] = merkle.sha256(material).toString('hex');
	for (const [name, key] of [['ed25519', ed25519], ['p256', p256()]]) {
		const publicKey = crypto.createPublicKey(key);
		out[`D.key_id_${name}`] = keyId('tongban/441300', {key: publicKey, suite: suiteOf(publicKey)}).toString('hex');
	}
	return out;
}

// What is wrong with the page; nothing, if all is well.
function problems()
{
	const text = fs.readFileSync(page, 'utf8');
	const said = Object.fromEntries([...text.matchAll(/^([A-D]\.[a-z0-9_]+) = ([0-9a-f]+)$/gm)].map(([, name, hex]) => [name, hex]));
	const made = make();
	const wrong = Object.keys(made).filter(name => made[name] !== said[name]);
	wrong.push(...Object.keys(said).filter(name => !(name in made)));
	const key = crypto.createPublicKey(p256());
	if (!crypto.verify('sha256', Buffer.from(made['B.pae'], 'hex'), key, Buffer.from(made['B.signature'], 'hex')))
		wrong.push('B.signature does not hold');
	return wrong;
}

// The limits that the page lists, against the header that the node is built with.
function limitProblems()
{
	const text = fs.readFileSync(page, 'utf8');
	const header = fs.readFileSync(path.join(__dirname, '../../base/limits.h'), 'utf8').replace(/\/\*[^]*?\*\//g, '');
	const values = {};
	for (const [, name, sum] of header.matchAll(/(TB_[A-Z0-9_]+)\s*=\s*([0-9 *+()<]+)/g)) {
		// Products, sums and shifts of numbers: JavaScript reads them as C does.
		values[name] = Function(`return (${sum})`)();
	}
	const rows = [...text.matchAll(/^\| `(TB_[A-Z0-9_]+)` \| ([0-9]+) \|/gm)];
	return rows.length < 20 ? ['the table of limits is not there']
		: rows.filter(([, name, value]) => values[name] !== Number(value)).map(([, name]) => name);
}

if (require.main === module) {
	if (process.argv[2] === '--sign')
		console.log(crypto.sign('sha256', Buffer.from(make()['B.pae'], 'hex'), p256()).toString('hex'));
	else
		for (const [name, hex] of Object.entries(make()))
			console.log(`${name} = ${hex}`);
}

module.exports = {problems, limitProblems};
