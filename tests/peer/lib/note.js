'use strict';
// Checkpoints: C2SP signed-note and tlog-checkpoint (docs/protocol.md, section 10).
const {sha256} = require('./merkle');
const {spki, holds} = require('./cert');
const {refuse, MALFORMED, UNTRUSTED} = require('./wire');

function keyId(name, who)
{
	if (who.suite.name === 'p256')
		return sha256(spki(who.key)).subarray(0, 4);
	return sha256(Buffer.from(`${name}\n`), Buffer.of(1), spki(who.key).subarray(-32)).subarray(0, 4);
}

// Checks the note of the region that |who| (an identity with role "message") speaks for.
function check(note, who)
{
	const cut = note.lastIndexOf('\n\n');
	const text = note.slice(0, cut + 1);
	const [origin, size, root] = text.split('\n');
	if (cut < 0 || !note.endsWith('\n') || !/^(0|[1-9][0-9]*)$/.test(size) || !/^[A-Za-z0-9+/]{43}=$/.test(root))
		refuse(MALFORMED, 'note: not a checkpoint');
	if (!origin.endsWith(`/${who.region}`))
		refuse(UNTRUSTED, 'note: of another log');
	let held = 0;
	for (const line of note.slice(cut + 2, -1).split('\n')) {
		const parts = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+=*)$/.exec(line);
		if (!parts)
			refuse(MALFORMED, 'note: a line that is not a signature');
		const signature = Buffer.from(parts[2], 'base64');
		if (parts[1] !== origin || !signature.subarray(0, 4).equals(keyId(origin, who)))
			continue;
		if (!holds(who, Buffer.from(text), signature.subarray(4)))
			refuse(UNTRUSTED, 'note: the log\'s signature does not hold');
		held++;
	}
	if (held !== 1)
		refuse(UNTRUSTED, 'note: not one signature of the log\'s key');
	return {origin, size: Number(size), root: Buffer.from(root, 'base64')};
}

module.exports = {check, keyId};
