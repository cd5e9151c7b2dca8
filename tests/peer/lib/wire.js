'use strict';
// Protobuf in and out. What comes from a peer is scanned by the rules of docs/protocol.md, section 4, before
// protobufjs sees it.
const path = require('path');
const protobuf = require('protobufjs');

const protoDir = path.join(__dirname, '../../../proto');
const root = new protobuf.Root();
root.resolvePath = (origin, target) => path.join(protoDir, target);
root.loadSync(['tongban/v1/exchange.proto', 'tongban/v1/node.proto']);
root.resolveAll();

const limits = {
	messageBytes: 1 << 20,
	partBytes: (2 << 20) + 4096,
	batchItems: 1024,
	headerBytes: 1024,
	signatureBytes: 256,
	chainCerts: 4,
	certBytes: 4096,
	saltBytes: 16,
	batchLifeMs: 5 * 60 * 1000,
	protoDepth: 12,
	protoFields: 65536,
	textBytes: 4096,
	idBytes: 128,
	chunkBytes: 256 * 1024,
	partChunks: 8,
	materialChunks: 8192,
};

// What is wrong with bytes from a peer. |status| is the gRPC status that its call ends with.
class Refused extends Error {
	constructor(status, text)
	{
		super(text);
		this.status = status;
	}
}
const MALFORMED = 3;
const DENIED = 7;
const UNTRUSTED = 16;

const refuse = (status, text) => {
	throw new Refused(status, text);
};

const type = name => root.lookupType(`tongban.v1.${name}`);

function encode(name, message)
{
	return Buffer.from(type(name).encode(type(name).fromObject(message)).finish());
}

function toPlain(name, decoded)
{
	return type(name).toObject(decoded, {longs: Number, enums: String, bytes: Buffer, defaults: true});
}

const strict = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
const multiline = field => ['note', 'text', 'reason'].includes(field.name) ||
	(field.name === 'checkpoint' && field.parent.name === 'Description');

function checkText(field, bytes)
{
	if (bytes.length > limits.textBytes)
		refuse(MALFORMED, `${field.fullName}: text is too long`);
	let text;
	try {
		text = strict.decode(bytes);
	} catch (error) {
		refuse(MALFORMED, `${field.fullName}: text is not UTF-8`);
	}
	if (multiline(field))
		text = text.replace(/\n/g, '');
	if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(text))
		refuse(MALFORMED, `${field.fullName}: text holds control characters`);
}

// A varint in its shortest form.
function varint(bytes, at, end)
{
	let value = 0n;
	for (let i = 0; i < 10; i++) {
		if (at + i >= end)
			refuse(MALFORMED, 'cut off');
		const byte = bytes[at + i];
		value |= BigInt(byte & 0x7f) << BigInt(7 * i);
		if (byte & 0x80)
			continue;
		if ((byte === 0 && i > 0) || (i === 9 && byte > 1))
			break;
		return {value, next: at + i + 1};
	}
	return refuse(MALFORMED, 'overlong number');
}

function checkNumber(field, value)
{
	const kind = field.resolvedType instanceof protobuf.Enum ? 'int32' : field.type;
	const good = kind === 'bool' ? value <= 1n
		: kind === 'uint32' ? value <= 0xffffffffn
		: kind === 'int32' ? value <= 0x7fffffffn || value >= 0xffffffff80000000n
		: true;
	if (!good)
		refuse(MALFORMED, `${field.fullName}: number out of range`);
}

const isMessage = field => field.resolvedType instanceof protobuf.Type;
const isVarint = field => !isMessage(field) && field.type !== 'string' && field.type !== 'bytes';

function scanMessage(state, kind, bytes, at, end, depth)
{
	if (depth > limits.protoDepth)
		refuse(MALFORMED, 'nested too deep');
	const seen = new Set();
	while (at < end) {
		const key = varint(bytes, at, end);
		if (key.value < 8n || key.value > 0xffffffffn)
			refuse(MALFORMED, 'bad field number');
		at = key.next;
		const wire = Number(key.value & 7n);
		const field = kind.fieldsById[Number(key.value >> 3n)];
		if (++state.fields > limits.protoFields)
			refuse(MALFORMED, 'too many fields');
		if (field && isMessage(field) && !field.repeated) {
			if (seen.has(field.id))
				refuse(MALFORMED, `${field.fullName}: message given twice`);
			seen.add(field.id);
		}
		at = scanValue(state, field, wire, bytes, at, end, depth);
	}
}

function scanValue(state, field, wire, bytes, at, end, depth)
{
	let size = {0: 0, 1: 8, 2: 0, 5: 4}[wire];
	if (size === undefined)
		refuse(MALFORMED, 'groups are not taken');
	let number = null;
	if (wire === 0 || wire === 2) {
		const read = varint(bytes, at, end);
		at = read.next;
		number = read.value;
		size = wire === 2 ? number : 0;
	}
	if (field) {
		const packed = isVarint(field) && field.repeated;
		if (!(wire === 0 && isVarint(field)) && !(wire === 2 && (!isVarint(field) || packed)))
			refuse(MALFORMED, `${field.fullName}: wrong wire type`);
	}
	if (wire === 0) {
		if (field)
			checkNumber(field, number);
		return at;
	}
	if (BigInt(size) > BigInt(end - at))
		refuse(MALFORMED, 'cut off');
	const stop = at + Number(size);
	if (field && isMessage(field))
		scanMessage(state, field.resolvedType, bytes, at, stop, depth + 1);
	else if (field && field.type === 'string')
		checkText(field, bytes.subarray(at, stop));
	else if (field && isVarint(field))
		scanPacked(state, field, bytes, at, stop);
	return stop;
}

function scanPacked(state, field, bytes, at, end)
{
	while (at < end) {
		const read = varint(bytes, at, end);
		checkNumber(field, read.value);
		if (++state.fields > limits.protoFields)
			refuse(MALFORMED, 'too many fields');
		at = read.next;
	}
}

function decode(name, bytes)
{
	scanMessage({fields: 0}, type(name), bytes, 0, bytes.length, 1);
	return toPlain(name, type(name).decode(bytes));
}

// Canonical protobuf JSON, as the node's command prints it and evidence files are written in.
function fromJson(name, json)
{
	return toPlain(name, type(name).fromObject(JSON.parse(json)));
}
function toJson(name, message)
{
	return JSON.stringify(type(name).toObject(type(name).fromObject(message),
		{longs: String, enums: String, bytes: String}));
}

const enumNumber = (name, word) => root.lookupEnum(`tongban.v1.${name}`).values[word];

module.exports = {limits, Refused, refuse, MALFORMED, DENIED, UNTRUSTED, encode, decode, fromJson, toJson,
	enumNumber};
