// The tree of balances: docs/spec/solvency.md in JavaScript. Amounts are exact: at most 2^53 - 1.

class Rejected extends Error {
  /** reason: one of the names of the specification. */
  constructor(reason, problem) {
    super(problem);
    this.reason = reason;
  }
}

const NODE_SIZE = 40;
const MOST_STEPS = 40;
const PUBLISHED_BITS = 16;
const SLIP_HEAD = 80;
const BEYOND = 2 ** 53;

/** Eight bytes as a number; anything from 2^53 on is only known to be too large. */
function numberAt(bytes, at) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const value = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
  return value < BEYOND ? value : BEYOND;
}

function u64(value) {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(value));
  return new Uint8Array(view.buffer);
}

function u32(value) {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return new Uint8Array(view.buffer);
}

const nodeAt = (bytes, at) => ({ hash: bytes.slice(at, at + 32), sum: numberAt(bytes, at + 32) });
const contributionOf = (words) => sha256([5], utf8Of(words));
const padOf = (epoch, level, position) => ({ hash: sha256([3], u64(epoch), [level], u64(position)), sum: 0 });

function parentOf(left, right, most) {
  // Compared before adding: nothing can wrap around.
  if (left.sum > most || right.sum > most || left.sum > most - right.sum) {
    throw new Rejected("sum_out_of_range", `${left.sum} and ${right.sum} together exceed ${most}`);
  }
  const hash = sha256([1], left.hash, u64(left.sum), right.hash, u64(right.sum));
  return { hash, sum: left.sum + right.sum };
}

function depthOf(leaves) {
  let depth = 0;
  for (let room = 1; room < leaves; room *= 2) depth += 1;
  return depth;
}

const levelOf = (tree) => Math.max(0, depthOf(tree.leaves) - PUBLISHED_BITS);
const treeName = (tree) => `${tree.kind}/${tree.asset}`;
const sameBlock = (a, b) => a.hash === b.hash && a.height === b.height;

/** The statement in its canonical bytes. */
function readEpoch(raw) {
  let value;
  try {
    value = parseStrict(raw);
    requireShape("epoch", value);
    if (!sameBytes(canonicalBytes(value), raw)) throw new Refused("it is not in canonical form");
  } catch (error) {
    if (error instanceof Refused) throw new Rejected("statement_malformed", error.message);
    throw error;
  }
  const names = value.trees.map(treeName);
  if (names.some((name, i) => i > 0 && names[i - 1] >= name)) {
    throw new Rejected("statement_malformed", "its trees are not ordered by name, each once");
  }
  for (const tree of value.trees) {
    // With another scale few coins would look like many beside what is owed.
    if (tree.asset === "BTC" && (tree.scale !== 8 || tree.most !== 2_100_000_000_000_000)) {
      throw new Rejected("statement_malformed", `${treeName(tree)}: BTC has 8 decimals`);
    }
    if (tree.sum > tree.most) throw new Rejected("amount_out_of_range", `${treeName(tree)} owes ${tree.sum}`);
    if (tree.leaves > 2 ** 40) throw new Rejected("statement_malformed", "too many leaves");
  }
  if (value.reserves !== null && !sameBlock(value.reserves.block, value.block)) {
    throw new Rejected("blocks_differ", "balances and reserves are of different blocks");
  }
  const digest = toHex(sha256(utf8Of("khazana.solvency-epoch/1\0"), raw));
  return { ...value, digest };
}

function checkStatement(epoch, { pinned, newest }) {
  if (pinned !== undefined && pinned !== epoch.digest) {
    throw new Rejected("other_statement", `this is ${epoch.digest}, others were shown ${pinned}`);
  }
  if (newest !== undefined && epoch.epoch < newest) {
    throw new Rejected("stale", `epoch ${newest} is out, and this is epoch ${epoch.epoch}`);
  }
}

function readSlip(raw) {
  const malformed = (problem) => new Rejected("slip_malformed", problem);
  if (raw.length < SLIP_HEAD || !sameBytes(raw.slice(0, 4), Uint8Array.of(0x4b, 0x53, 0x53, 1))) {
    throw malformed("it does not begin as a slip does");
  }
  const height = raw[5];
  const count = raw[78] * 256 + raw[79];
  if (height > MOST_STEPS) throw malformed(`it claims a way of ${height} steps`);
  if (count === 0) throw malformed("it has no leaf");
  const each = 16 + NODE_SIZE * height;
  if (raw.length !== SLIP_HEAD + count * each) throw malformed(`${count} leaves take another length`);
  const leaves = Array.from({ length: count }, (_, i) => {
    const at = SLIP_HEAD + i * each;
    const beside = Array.from({ length: height }, (_, j) => nodeAt(raw, at + 16 + NODE_SIZE * j));
    return { amount: numberAt(raw, at), position: numberAt(raw, at + 8), beside };
  });
  return {
    tree: raw[4],
    height,
    root: toHex(raw.slice(6, 38)),
    epoch: numberAt(raw, 38),
    secret: raw.slice(46, 78),
    leaves,
  };
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 base32 without padding, in its one spelling. */
function fromBase32(text) {
  if (!/^[A-Z2-7]*$/.test(text) || [1, 3, 6].includes(text.length % 8)) throw new Refused("other letters");
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    bits = (bits << 5) | BASE32.indexOf(letter);
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes[at] = bits >> held;
      bits &= (1 << held) - 1;
      at += 1;
    }
  }
  if (bits !== 0) throw new Refused("bits that stand for nothing");
  return bytes;
}

/** RFC 4648 base64url without padding, in its one spelling. */
function fromBase64Url(text) {
  if (/[+/=]/.test(text)) throw new Refused("other letters");
  return fromBase64(text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4));
}

const TEXT_FORMS = [["KSS1:", "base64url", fromBase64Url], ["KSS1.", "base32", fromBase32]];

/** A slip's bytes, given as they are, as text, or as an address whose # the text follows. */
function slipBytes(raw) {
  if (raw.length > 1 << 22 || sameBytes(raw.slice(0, 4), Uint8Array.of(0x4b, 0x53, 0x53, 1))) return raw;
  // Where a line was broken on the way, by a messenger or a printer, nothing is lost.
  const text = new TextDecoder().decode(raw).replace(/[ \t\n\v\f\r]+/g, "").split("#").pop();
  for (const [prefix, name, decoded] of TEXT_FORMS) {
    if (text.slice(0, prefix.length).toUpperCase() !== prefix) continue;
    try {
      return decoded(text.slice(prefix.length));
    } catch {
      throw new Rejected("slip_malformed", `its text is not ${name} in canonical form`);
    }
  }
  return raw;
}

function headOf(epoch, tree) {
  if (tree >= epoch.trees.length) {
    throw new Rejected("no_such_tree", `the statement has ${epoch.trees.length} trees`);
  }
  return epoch.trees[tree];
}

const total = (found, head) =>
  new Rejected("total_differs", `the nodes add up to ${found}, the statement says ${head.sum}`);

function readLevel(raw, epoch, tree) {
  const head = headOf(epoch, tree);
  const differs = (problem) => new Rejected("level_differs", problem);
  if (toHex(sha256(raw)) !== head.level_sha256) throw differs("it is another file than the statement's");
  const level = levelOf(head);
  const count = Math.ceil(head.leaves / 2 ** level);
  if (raw.length !== count * NODE_SIZE) throw differs("it has another length");
  const nodes = Array.from({ length: count }, (_, i) => nodeAt(raw, NODE_SIZE * i));
  for (const node of nodes) inRange(node.sum, head, "a published node");
  let above = nodes;
  for (let at = level; at < depthOf(head.leaves); at += 1) {
    const below = above.length % 2 ? [...above, padOf(epoch.epoch, at, above.length)] : above;
    above = [];
    for (let i = 0; i < below.length; i += 2) above.push(parentOf(below[i], below[i + 1], head.most));
  }
  if (toHex(above[0].hash) !== head.root) throw differs("its nodes do not lead to the root");
  if (above[0].sum !== head.sum) throw total(above[0].sum, head);
  return { tree, nodes };
}

function inRange(amount, head, what) {
  if (amount > head.most) {
    throw new Rejected("amount_out_of_range", `${what} is more than there can be of ${head.asset}, or negative`);
  }
}

function targetsOf(slip, head, level) {
  const depth = depthOf(head.leaves);
  if (slip.height === depth) return [{ hash: fromHex(head.root), sum: head.sum }];
  if (slip.height !== levelOf(head)) {
    throw new Rejected("wrong_height", `the way up has ${slip.height} steps, not ${levelOf(head)} or ${depth}`);
  }
  if (level === null || level.tree !== slip.tree) {
    throw new Rejected("level_needed", `the published level of ${treeName(head)} was not given`);
  }
  return level.nodes;
}

/** The balance that is in the tree, in smallest units; throws Rejected. */
function checkSlip(slip, { epoch, contribution, level, balance }) {
  const head = headOf(epoch, slip.tree);
  if (slip.epoch !== epoch.epoch) {
    throw new Rejected("other_epoch", `the slip is of epoch ${slip.epoch}, the statement of ${epoch.epoch}`);
  }
  if (slip.root !== head.root) throw new Rejected("other_root", "the slip is for another root");
  const targets = targetsOf(slip, head, level);
  if (slip.leaves.some((leaf) => leaf.position >= head.leaves)) {
    throw new Rejected("position_out_of_range", "a position is not among the leaves");
  }
  if (new Set(slip.leaves.map((leaf) => leaf.position)).size !== slip.leaves.length) {
    throw new Rejected("leaf_twice", "one leaf is counted twice");
  }
  const key = sha256([4], slip.secret, contribution);
  let sum = 0;
  slip.leaves.forEach((leaf, split) => {
    checkLeaf(leaf, { split, key, head, epoch: slip.epoch, targets });
    if (sum > head.most - leaf.amount) throw new Rejected("sum_out_of_range", "the shares exceed what there is");
    sum += leaf.amount;
  });
  if (balance !== undefined && balance !== sum) {
    throw new Rejected("balance_differs", `the tree holds ${sum} for you, and you expect ${balance}`);
  }
  return { balance: sum, head };
}

function checkLeaf(leaf, { split, key, head, epoch, targets }) {
  inRange(leaf.amount, head, "the amount");
  const nonce = sha256([2], key, u64(epoch), u32(split));
  let node = { hash: sha256([0], nonce, u64(leaf.amount), u64(leaf.position)), sum: leaf.amount };
  let at = leaf.position;
  let count = head.leaves;
  leaf.beside.forEach((beside, level) => {
    inRange(beside.sum, head, "a node beside the way up");
    const odd = at % 2;
    const position = odd ? at - 1 : at + 1;
    if (position >= count) {
      const pad = padOf(epoch, level, position);
      if (beside.sum !== 0 || !sameBytes(pad.hash, beside.hash)) {
        throw new Rejected("padding_wrong", `something else than padding stands in level ${level}`);
      }
    }
    node = odd ? parentOf(beside, node, head.most) : parentOf(node, beside, head.most);
    at = Math.floor(at / 2);
    count = Math.ceil(count / 2);
  });
  if (!sameBytes(node.hash, targets[at].hash)) {
    throw new Rejected("not_in_tree", `share ${split} does not lead to the published node`);
  }
  if (node.sum !== targets[at].sum) throw total(node.sum, head);
}
