'use strict';
// Certificates: issuing them with the openssl command, and checking chains (docs/protocol.md, section 1).
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const {execFileSync} = require('child_process');
const {sha256} = require('./merkle');
const {limits, refuse, MALFORMED, UNTRUSTED} = require('./wire');

// ---------------------------------------------------------------- issuing

const leafUri = (region, role, issuer) => `spiffe://${region}/${role}${role === 'seal' ? `/${issuer}` : ''}`;

function newKey(suite)
{
	const pair = suite === 'ed25519' ? crypto.generateKeyPairSync('ed25519')
		: crypto.generateKeyPairSync('ec', {namedCurve: 'prime256v1'});
	return pair.privateKey;
}
const keyPem = key => key.export({type: 'pkcs8', format: 'pem'});

function openssl(args)
{
	execFileSync('openssl', args, {stdio: ['ignore', 'ignore', 'pipe']});
}

// A region's authority, kept in |dir|, which must be private.
class Authority {
	constructor(dir, region)
	{
		this.dir = dir;
		this.region = region;
		this.serial = 0;
		this.keyFile = path.join(dir, 'ca.key');
		this.certFile = path.join(dir, 'ca.pem');
		fs.writeFileSync(this.keyFile, keyPem(newKey('p256')), {mode: 0o600});
		const config = path.join(dir, 'ca.cnf');
		fs.writeFileSync(config, `[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
string_mask = utf8only
[name]
C = CN
O = ${region}
CN = tongban ${region} ca
[extensions]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectAltName = URI:spiffe://${region}
nameConstraints = critical, permitted;URI:${region}
`);
		openssl(['req', '-x509', '-new', '-sha256', '-days', '30', '-key', this.keyFile, '-config', config,
			'-out', this.certFile]);
		this.pem = fs.readFileSync(this.certFile, 'utf8');
	}

	// A leaf for |role|; |uri| is what its name says, if that is to be something else.
	issue(role, {suite = 'p256', issuer = '', uri = leafUri(this.region, role, issuer)} = {})
	{
		const stem = path.join(this.dir, `${role}-${++this.serial}`);
		const key = newKey(suite);
		fs.writeFileSync(`${stem}.key`, keyPem(key), {mode: 0o600});
		fs.writeFileSync(`${stem}.cnf`, `subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectAltName = URI:${uri}
${role === 'node' ? 'extendedKeyUsage = serverAuth, clientAuth\n' : ''}`);
		openssl(['req', '-new', '-key', `${stem}.key`, '-subj', `/C=CN/O=${this.region}/CN=tongban ${role}`,
			'-out', `${stem}.csr`]);
		openssl(['x509', '-req', '-sha256', '-in', `${stem}.csr`, '-CA', this.certFile, '-CAkey', this.keyFile,
			'-set_serial', `0x4${crypto.randomBytes(15).toString('hex')}`, '-days', '30', '-extfile',
			`${stem}.cnf`, '-out', `${stem}.pem`]);
		const pem = fs.readFileSync(`${stem}.pem`, 'utf8');
		return {key, keyPem: keyPem(key), certPem: pem, chain: [new crypto.X509Certificate(pem).raw]};
	}
}

// ---------------------------------------------------------------- DER, as much of it as is needed

function tlv(bytes, at, end)
{
	if (at + 2 > end)
		refuse(MALFORMED, 'certificate: cut off');
	const tag = bytes[at];
	let size = bytes[at + 1];
	let start = at + 2;
	if (size > 0x80) {
		const count = size & 0x7f;
		if (count > 4 || start + count > end || bytes[start] === 0)
			refuse(MALFORMED, 'certificate: bad length');
		size = bytes.readUIntBE(start, count);
		start += count;
		if (size < 0x80)
			refuse(MALFORMED, 'certificate: BER, not DER');
	}
	if (size === 0x80 || start + size > end)
		refuse(MALFORMED, 'certificate: bad length');
	return {tag, at, start, stop: start + size};
}

function children(bytes, parent)
{
	const list = [];
	for (let at = parent.start; at < parent.stop;) {
		const child = tlv(bytes, at, parent.stop);
		list.push(child);
		at = child.stop;
	}
	return list;
}
const hexOf = (bytes, node) => bytes.subarray(node.start, node.stop).toString('hex');

const OID = {
	keyUsage: '551d0f',
	names: '551d11',
	basicConstraints: '551d13',
	extendedKeyUsage: '551d25',
	server: '2b06010505070301',
	client: '2b06010505070302',
	ecdsaSha256: '2a8648ce3d040302',
	ed25519: '2b6570',
};

// What node:crypto does not tell of a certificate.
function takeApart(der)
{
	const whole = tlv(der, 0, der.length);
	if (whole.stop !== der.length)
		refuse(MALFORMED, 'certificate: bytes left over');
	const [body, algorithm] = children(der, whole);
	const extensions = children(der, body).find(child => child.tag === 0xa3);
	const out = {signedAs: hexOf(der, children(der, algorithm)[0]), uris: [], ca: false, usage: null, extended: null};
	const seen = new Set();
	for (const extension of extensions ? children(der, children(der, extensions)[0]) : []) {
		const parts = children(der, extension);
		const oid = hexOf(der, parts[0]);
		const value = tlv(der, parts[parts.length - 1].start, parts[parts.length - 1].stop);
		if (seen.has(oid))
			refuse(UNTRUSTED, 'certificate: an extension is there twice');
		seen.add(oid);
		if (oid === OID.names) // [6] IMPLICIT IA5String: a URI
			out.uris = children(der, value).filter(name => name.tag === 0x86)
				.map(name => der.subarray(name.start, name.stop).toString('latin1'));
		else if (oid === OID.basicConstraints)
			out.ca = children(der, value).some(child => child.tag === 1 && der[child.start] === 0xff);
		else if (oid === OID.keyUsage)
			out.usage = {digitalSignature: (der[value.start + 1] & 0x80) !== 0,
				certSign: (der[value.start + 1] & 0x04) !== 0, crlSign: (der[value.start + 1] & 0x02) !== 0};
		else if (oid === OID.extendedKeyUsage)
			out.extended = children(der, value).map(child => hexOf(der, child));
	}
	return out;
}

function read(der, index)
{
	if (der.length === 0 || der.length > limits.certBytes)
		refuse(MALFORMED, `certificate ${index}: empty or over ${limits.certBytes} bytes`);
	const parts = takeApart(der);
	let cert;
	try {
		cert = new crypto.X509Certificate(der);
	} catch (error) {
		refuse(MALFORMED, `certificate ${index}: not DER`);
	}
	return {...parts, der, cert, key: cert.publicKey, from: Date.parse(cert.validFrom), until: Date.parse(cert.validTo)};
}

function suiteOf(key)
{
	if (key.asymmetricKeyType === 'ed25519')
		return {name: 'ed25519', digest: null, oid: OID.ed25519};
	if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails.namedCurve === 'prime256v1')
		return {name: 'p256', digest: 'sha256', oid: OID.ecdsaSha256};
	return refuse(UNTRUSTED, 'certificate: its key is neither P-256 nor Ed25519');
}

// ---------------------------------------------------------------- trust

// Which anchors stand for which region.
class Trust {
	constructor()
	{
		this.regions = new Map();
	}

	add(region, pem)
	{
		const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) || [];
		this.regions.set(region, blocks.map((block, i) => read(new crypto.X509Certificate(block).raw, i)));
	}

	// Checks a chain of DER certificates, leaf first, for |role| at |now|; gives who it is.
	check(chain, role, now)
	{
		if (chain.length === 0 || chain.length > limits.chainCerts)
			refuse(MALFORMED, `chain: not of 1 to ${limits.chainCerts} certificates`);
		const certs = chain.map(read);
		const leaf = certs[0];
		const name = /^spiffe:\/\/([0-9]{6})\/(?:(node|message)|(seal)\/([A-Za-z0-9._-]{1,128}))$/.exec(leaf.uris[0]);
		if (leaf.uris.length !== 1 || !name)
			refuse(UNTRUSTED, 'certificate 0: not one URI name spiffe://<region>/<role>');
		const who = {region: name[1], role: name[2] || name[3], issuer: name[4] || '', key: leaf.key,
			suite: suiteOf(leaf.key)};
		if (who.role !== role || who.issuer === '.' || who.issuer === '..')
			refuse(UNTRUSTED, `certificate 0: role is ${who.role}, not ${role}`);
		const anchors = this.regions.get(who.region);
		if (!anchors)
			refuse(UNTRUSTED, `certificate 0: region ${who.region} is not known`);
		if (!leaf.usage || !leaf.usage.digitalSignature || leaf.ca || leaf.usage.certSign || leaf.usage.crlSign)
			refuse(UNTRUSTED, 'certificate 0: not a leaf for signatures');
		if (role === 'node' && leaf.extended && !(leaf.extended.includes(OID.server) && leaf.extended.includes(OID.client)))
			refuse(UNTRUSTED, 'certificate 0: not for server and client');
		this.path(certs, anchors, who.region, now);
		return who;
	}

	path(certs, anchors, region, now)
	{
		let at = certs[0];
		for (let depth = 0; depth <= limits.chainCerts; depth++) {
			if (now < at.from || now > at.until)
				refuse(UNTRUSTED, `certificate ${depth}: not valid at this time`);
			if (anchors.some(anchor => anchor.der.equals(at.der)))
				return;
			const issued = ca => at.cert.checkIssued(ca.cert) && at.cert.verify(ca.key) && ca !== at;
			const issuer = anchors.find(issued) || certs.slice(1).find(issued);
			if (!issuer)
				refuse(UNTRUSTED, `certificate ${depth}: no path to an anchor of ${region}`);
			if (!issuer.ca || !issuer.usage || !issuer.usage.certSign)
				refuse(UNTRUSTED, `certificate ${depth + 1}: not a CA`);
			if (issuer.uris.some(uri => uri !== `spiffe://${region}`))
				refuse(UNTRUSTED, `certificate ${depth + 1}: a CA that names another region`);
			if (at.signedAs !== suiteOf(issuer.key).oid)
				refuse(UNTRUSTED, `certificate ${depth}: signed otherwise than its CA's key says`);
			at = issuer;
		}
		refuse(UNTRUSTED, 'chain: too long');
	}
}

const sign = (key, bytes) => crypto.sign(suiteOf(crypto.createPublicKey(key)).digest, bytes, key);
const holds = (who, bytes, signature) => signature.length > 0 && signature.length <= limits.signatureBytes &&
	crypto.verify(who.suite.digest, bytes, who.key, signature);

const spki = key => key.export({type: 'spki', format: 'der'});

// Of all anchors in |pem| (docs/protocol.md, 1.4).
function fingerprint(pem)
{
	const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) || [];
	const digests = blocks.map(block => sha256(spki(new crypto.X509Certificate(block).publicKey)));
	if (digests.length === 0 || digests.length > limits.chainCerts)
		throw new Error(`peer file: not 1 to ${limits.chainCerts} anchors`);
	return (digests.length === 1 ? digests[0] : sha256(Buffer.concat(digests.sort(Buffer.compare)))).toString('hex');
}

// The file that a partner imports.
function peerFile({region, name, endpoint, pem})
{
	const anchor = pem.trim().split('\n').map(line => `  ${line}\n`).join('');
	return `tongban_peer: 1\nregion: "${region}"\nname: ${JSON.stringify(name)}\nendpoint: "${endpoint}"\n` +
		`fingerprint: "${fingerprint(pem)}"\nanchor: |\n${anchor}`;
}

function readPeerFile(text)
{
	const line = name => (new RegExp(`^${name}: "?([^"\n]*)"?$`, 'm').exec(text) || [])[1];
	const anchor = /^anchor: \|\n((?: {2}.*\n)+)/m.exec(text)[1].replace(/^ {2}/gm, '');
	if (line('tongban_peer') !== '1' || fingerprint(anchor) !== line('fingerprint'))
		throw new Error('peer file: version or fingerprint');
	return {region: line('region'), name: line('name'), endpoint: line('endpoint'), pem: anchor};
}

module.exports = {Authority, Trust, sign, holds, spki, suiteOf, peerFile, readPeerFile};
