// The tree over the parts (RFC 6962, section 2.1) and the digests that are its leaves.

const PART_DOMAIN = utf8Of("khazana.statement.part/1\0");
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** content: the canonical text of {"body": ..., "name": ...}. */
const partDigest = (salt, content) => sha256(PART_DOMAIN, fromHex(salt), utf8Of(content));
const leafHash = (digest) => sha256(LEAF_PREFIX, digest);

/** Neighbours are paired level by level; an odd one rises unchanged. */
async function rootOf(leaves, pause) {
  let level = leaves;
  while (level.length > 1) {
    const paired = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      paired.push(sha256(NODE_PREFIX, level[i], level[i + 1]));
      await pause();
    }
    if (level.length % 2) paired.push(level[level.length - 1]);
    level = paired;
  }
  return level[0];
}
