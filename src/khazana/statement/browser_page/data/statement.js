// The statement file, read strictly: docs/spec/statement.md, rules S1 to S10.

const MOST_PARTS = 5_000_000;
const kindOf = (name) => name.split("/", 1)[0];
const idOf = (name) => name.slice(kindOf(name).length + 1);
const isExtension = (name) => name.startsWith("x-");
const isCritical = (part) => isExtension(part.name) && part.body.critical === true;

const malformed = (path, problem) =>
  new Refused(`The statement is refused: at ${path}, ${problem}.`, path);

/** Runs what refuses with [path, problem] and says it as the reader of statements does. */
function asStatement(action) {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refused && error.where.startsWith("$")) throw malformed(error.where, error.message);
    throw error;
  }
}

/**
 * The statement in the bytes of a file. Each part keeps its canonical content, which is what its
 * digest is made of. `pause` lets the page breathe.
 */
async function readStatement(bytes, pause) {
  const text = textOf(bytes);
  const document = await new JsonReader(text, pause).documentInTurns();
  await requireFileShape(document, pause);
  const { parts, withheld } = document;
  const leaves = leavesOf(parts, withheld);
  for (const part of parts) {
    part.bodyText = canonicalText(part.body);
    await pause();
  }
  const header = parts[0].body;
  requireAgreement(document, header);
  requireKnownKinds(parts);
  requireCanonical(text, document);
  return { ...document, header, leaves };
}

/** The shape of the whole without its lists, then of each item in turn. */
async function requireFileShape(document, pause) {
  asStatement(() => {
    const lists = {};
    if (typeOf(document) === "object") {
      for (const name of ["parts", "withheld", "evidence"]) {
        if (Array.isArray(document[name])) lists[name] = document[name].slice(0, 1);
      }
    }
    requireShape("statement", typeOf(document) === "object" ? { ...document, ...lists } : document);
  });
  const definitions = SCHEMAS.statement.$defs;
  for (const [name, type] of [["parts", "PartFile"], ["withheld", "WithheldFile"], ["evidence", "EvidenceFile"]]) {
    const most = definitions.StatementFile.properties[name].maxItems;
    if (document[name].length > most) throw malformed(`$.${name}`, `more than ${most} items`);
    for (let row = 0; row < document[name].length; row += 1) {
      const problem = shapeProblem(definitions[type], document[name][row], `$.${name}[${row}]`, definitions);
      if (problem) throw malformed(...problem);
      await pause();
    }
  }
}

function leavesOf(parts, withheld) {
  const leaves = [];
  const names = new Set();
  const count = parts.length + withheld.length;
  if (count > MOST_PARTS) throw malformed("$", `it has ${count} parts`);
  parts.forEach((part, row) => {
    const path = `$.parts[${row}]`;
    if (leaves[part.index]) throw malformed(path, `index ${part.index} occurs twice`);
    if (names.has(part.name)) throw malformed(path, `the name ${part.name} occurs twice`);
    if ((part.index === 0) !== (part.name === "header")) {
      throw malformed(path, "the header, and only it, has index 0");
    }
    names.add(part.name);
    leaves[part.index] = part;
  });
  withheld.forEach((hidden, row) => {
    if (leaves[hidden.index]) throw malformed(`$.withheld[${row}]`, `index ${hidden.index} occurs twice`);
    leaves[hidden.index] = hidden;
  });
  if (!names.has("header")) throw malformed("$.parts", "there is no part called header");
  for (let index = 0; index < count; index += 1) {
    if (!leaves[index]) throw malformed("$", `part ${index} is neither disclosed nor withheld`);
  }
  for (const [field, items] of [["parts", parts], ["withheld", withheld]]) {
    if (items.some((item, row) => row && item.index < items[row - 1].index)) {
      throw malformed(`$.${field}`, "the indexes do not ascend");
    }
  }
  return leaves;
}

/** A network we know has one name and one genesis block; a test network is marked as one. */
function networkProblem(network, test) {
  const known =
    NETWORKS.find((each) => each.genesis === network.genesis) ??
    NETWORKS.find((each) => each.name === network.name);
  if (!known) return null;
  if (known.name !== network.name || known.genesis !== network.genesis) {
    return ["$.network", `${known.name} is the network with genesis ${known.genesis}`];
  }
  if (known.test && !test) return ["$.test", `${known.name} is a test network, so this must be true`];
  return null;
}

/** What stands outside the parts is not under the root, so the header must repeat it. */
function requireAgreement(document, header) {
  const { network, test, parts } = document;
  if (header.network === undefined || !sameValue(header.network, network)) {
    throw malformed("$.network", "the header part names another network");
  }
  if (header.test !== test) throw malformed("$.test", "the header part says otherwise");
  const problem = networkProblem(network, test);
  if (problem) throw malformed(...problem);
  parts.forEach((part, row) => {
    if (isExtension(part.name) && typeof part.body.critical !== "boolean") {
      throw malformed(`$.parts[${row}].body.critical`, `the extension ${part.name} must say true or false`);
    }
  });
  const critical = parts.filter(isCritical).map((part) => part.name).sort();
  if (!sameValue(header.critical ?? [], critical) || header.critical === null) {
    throw malformed(
      "$.parts[0].body.critical",
      "it is not the sorted list of the critical extensions disclosed",
    );
  }
}

function requireKnownKinds(parts) {
  parts.forEach((part, row) => {
    const kind = kindOf(part.name);
    if (part.name === "header" || Object.hasOwn(SCHEMAS.parts.properties, kind)) return;
    if (!isExtension(part.name) || isCritical(part)) {
      throw new Refused(
        `The statement is refused: ${part.name} at $.parts[${row}] is a kind of part that this ` +
          "version does not know and must not ignore. Use a newer version.",
        `$.parts[${row}]`,
      );
    }
  });
}

/** Piece by piece, so that a large file is never written out a second time. */
function requireCanonical(text, document) {
  let at = 0;
  const expect = (piece) => {
    if (text.startsWith(piece, at)) {
      at += piece.length;
      return;
    }
    let same = 0;
    while (same < piece.length && text[at + same] === piece[same]) same += 1;
    const offset = utf8Of(text.slice(0, at + same)).length;
    throw new Refused(
      `The statement is refused: from byte ${offset} on it is not in canonical form (RFC 8785), ` +
        "as if it had been reformatted. Ask for the file as it was published.",
      "the file",
    );
  };
  const partText = ({ bodyText, index, name, salt }) =>
    `{"body":${bodyText},"index":${index},"name":${JSON.stringify(name)},"salt":"${salt}"}`;
  Object.keys(document).sort().forEach((key, place) => {
    expect(`${place ? "," : "{"}${JSON.stringify(key)}:`);
    if (key !== "parts") {
      expect(canonicalText(document[key]));
      return;
    }
    document.parts.forEach((part, row) => expect((row ? "," : "[") + partText(part)));
    expect("]");
  });
  expect("}\n");
  if (at !== text.length) expect("\0"); // something follows, which nothing matches
}

/** The root that the disclosed parts and the digests of the others give. */
async function computedRoot(statement, pause) {
  const hashes = [];
  for (const leaf of statement.leaves) {
    const digest = leaf.digest
      ? fromHex(leaf.digest)
      : partDigest(leaf.salt, `{"body":${leaf.bodyText},"name":${JSON.stringify(leaf.name)}}`);
    hashes.push(leafHash(digest));
    await pause();
  }
  return toHex(await rootOf(hashes, pause));
}
