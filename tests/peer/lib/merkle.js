'use strict';
// Merkle trees by RFC 6962, section 2.1, with SHA-256 (docs/protocol.md, section 3.2).
const crypto = require('crypto');

const sha256 = (...parts) => {
	const hash = crypto.createHash('sha256');
	for (const part of parts)
		hash.update(part);
	return hash.digest();
};
const leaf = item => sha256(Buffer.of(0), item);
const node = (left, right) => sha256(Buffer.of(1), left, right);

// The largest power of two below |count|.
function split(count)
{
	let half = 1;
	while (2 * half < count)
		half *= 2;
	return half;
}

function root(leaves)
{
	if (leaves.length === 0)
		return sha256();
	if (leaves.length === 1)
		return leaves[0];
	const half = split(leaves.length);
	return node(root(leaves.slice(0, half)), root(leaves.slice(half)));
}

// The inclusion path of leaf |index|, from the leaf up.
function path(leaves, index)
{
	if (leaves.length === 1)
		return [];
	const half = split(leaves.length);
	if (index < half)
		return [...path(leaves.slice(0, half), index), root(leaves.slice(half))];
	return [...path(leaves.slice(half), index - half), root(leaves.slice(0, half))];
}

// The root that |path| gives for the leaf; null if it is too long or too short.
function fold(at, index, count, hashes)
{
	if (count === 1)
		return hashes.length === 0 ? at : null;
	if (hashes.length === 0)
		return null;
	const half = split(count);
	const sibling = hashes[hashes.length - 1];
	const below = hashes.slice(0, -1);
	const inner = index < half ? fold(at, index, half, below) : fold(at, index - half, count - half, below);
	if (!inner)
		return null;
	return index < half ? node(inner, sibling) : node(sibling, inner);
}

function included(expected, count, index, at, hashes)
{
	if (index >= count || hashes.some(hash => hash.length !== 32))
		return false;
	const got = fold(at, index, count, hashes);
	return got !== null && got.equals(expected);
}

// RFC 9162, section 2.1.4.2.
function consistent(oldCount, oldRoot, newCount, newRoot, hashes)
{
	if (oldCount > newCount || oldCount === 0)
		return false;
	if (oldCount === newCount)
		return hashes.length === 0 && oldRoot.equals(newRoot);
	let rest = hashes.slice();
	let fn = oldCount - 1;
	let sn = newCount - 1;
	while (fn % 2 === 1) {
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	if (fn === 0)
		rest.unshift(oldRoot);
	if (rest.length === 0)
		return false;
	let fr = rest[0];
	let sr = rest[0];
	for (const hash of rest.slice(1)) {
		if (sn === 0)
			return false;
		if (fn % 2 === 1 || fn === sn) {
			fr = node(hash, fr);
			sr = node(hash, sr);
			while (fn % 2 === 0 && fn !== 0) {
				fn = Math.floor(fn / 2);
				sn = Math.floor(sn / 2);
			}
		} else {
			sr = node(sr, hash);
		}
		fn = Math.floor(fn / 2);
		sn = Math.floor(sn / 2);
	}
	return sn === 0 && fr.equals(oldRoot) && sr.equals(newRoot);
}

module.exports = {sha256, leaf, node, root, path, included, consistent};
