// The parts of a reserve statement: shape, names, counts, and whether they fit one another (R17).

const PART_ID = {
  entity: (body) => body.id,
  wallet: (body) => body.id,
  scripts: (body) => body.wallet,
  descriptor: (body) => body.wallet,
  coins: (body) => body.wallet,
  entry: (body) => body.txid,
  explanation: (body) => body.txid,
  document: (body) => body.id,
  account: (body) => body.id,
  perimeter: (body) => body.id,
};
const NUMBERED_PARTS = ["book", "sealed", "exclusion"];
const COST_METHODS = ["weighted_average", "fifo"];

/** The statement's bodies by kind, each of the shape of its kind; refuses what is not. */
async function typedParts(statement, pause) {
  const bodies = {};
  for (const kind of Object.keys(SCHEMAS.parts.properties)) bodies[kind] = [];
  for (const part of statement.parts) {
    const kind = kindOf(part.name);
    if (!Object.hasOwn(bodies, kind)) continue; // an extension that may be passed over
    const problem = shapeProblem(SCHEMAS.parts.properties[kind], part.body, "", SCHEMAS.parts.$defs);
    if (problem) throw malformed(`part ${part.name}${problem[0]}`, problem[1]);
    bodies[kind].push(part.body);
    requirePartName(part, kind);
    await pause();
  }
  const withheld = (kind) => (statement.header.parts[kind] ?? 0) - bodies[kind].length;
  const reserve = { header: statement.header, bodies, withheld };
  requireCounts(statement, reserve);
  await requireValues(bodies, pause);
  for (const [text, where] of contradictions(reserve)) throw malformed(where, `${text} (Rule R17)`);
  return reserve;
}

function requirePartName(part, kind) {
  const path = `part ${part.name}`;
  if ((kind === "header") !== (part.name === "header")) throw malformed(path, "there is one header");
  if (Object.hasOwn(PART_ID, kind) && part.name !== `${kind}/${PART_ID[kind](part.body)}`) {
    throw malformed(path, `its body is about ${PART_ID[kind](part.body)}`);
  }
  if (NUMBERED_PARTS.includes(kind) && !/^[0-9]+$/.test(idOf(part.name))) {
    throw malformed(path, `parts of kind ${kind} are numbered from 1`);
  }
}

/** The header counts every part, so a reader knows how much of each kind is withheld. */
function requireCounts(statement, { bodies, withheld }) {
  const stated = statement.header.parts;
  const disclosed = Object.create(null);
  for (const part of statement.parts) {
    const kind = kindOf(part.name);
    if (part.name !== "header") disclosed[kind] = (disclosed[kind] ?? 0) + 1;
  }
  for (const [kind, count] of Object.entries(stated)) {
    const known = kind !== "header" && Object.hasOwn(bodies, kind);
    const path = `part header.parts.${kind}`;
    if (!known && !isExtension(kind)) throw malformed(path, "unknown kind");
    if (count < 0 || (known && withheld(kind) < 0)) {
      throw malformed(path, `${disclosed[kind] ?? 0} are disclosed, ${count} counted`);
    }
  }
  for (const [kind, count] of Object.entries(disclosed)) {
    if ((stated[kind] ?? 0) < count) {
      throw malformed("part header.parts", `parts of kind ${kind} are not all counted`);
    }
  }
  const counted = sumOf(Object.values(stated));
  if (counted + 1n !== BigInt(statement.leaves.length)) {
    throw malformed(
      "part header.parts",
      `${counted} parts are counted, ${statement.leaves.length - 1} are under the root`,
    );
  }
}

/** Bodies of the right shape may still be impossible, such as a coinbase that spends a coin. */
async function requireValues(bodies, pause) {
  const rules = { wallet: walletProblem, entry: entryProblem, perimeter: perimeterProblem };
  for (const [kind, rule] of Object.entries(rules)) {
    for (const body of bodies[kind]) {
      const problem = rule(body);
      if (problem) throw malformed(`a part of kind ${kind}`, problem);
      await pause();
    }
  }
}

function walletProblem({ id, lanes }) {
  if (!lanes.length) return `wallet ${id} has no legal lane`;
  if (lanes[0].since !== null) return `wallet ${id}: the first lane must hold from the start`;
  const heights = lanes.map((lane) => (lane.since === null ? -1 : lane.since.height));
  const rising = heights.every((height, i) => !i || height > heights[i - 1]);
  return rising ? null : `wallet ${id}: lanes must begin at rising heights`;
}

function entryProblem({ txid, fee, paid_outside: outside, coinbase, spent }) {
  if ((fee === null) !== (outside === null)) {
    return `${txid}: a fee and what was paid outside are known together`;
  }
  if (coinbase && (spent.length || fee !== null)) {
    return `${txid}: a coinbase spends no coin and pays no fee`;
  }
  if (fee !== null && !spent.length) return `${txid}: a fee is known only from the coins that paid it`;
  return null;
}

function perimeterProblem({ id, members }) {
  const spans = new Map();
  for (const { account, since, until } of members) {
    if (since && until && until.height <= since.height) return `${account} leaves before it enters`;
    const span = [since ? since.height : -1, until ? until.height : Infinity];
    spans.set(account, [...(spans.get(account) ?? []), span]);
  }
  for (const [account, lived] of spans) {
    lived.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    if (lived.some((span, i) => i && span[0] < lived[i - 1][1])) {
      return `${account} is twice a member of ${id} at the same time`;
    }
  }
  return null;
}

function* contradictions(reserve) {
  yield* headerContradictions(reserve.header);
  yield* nameContradictions(reserve);
  yield* entryContradictions(reserve);
  yield* accountContradictions(reserve);
  yield* bookContradictions(reserve);
}

function* headerContradictions({ period, cost_method: method, previous, supersedes }) {
  if (period.after.height >= period.until.height) {
    yield ["the period ends before it begins", "part header.period"];
  }
  if (!COST_METHODS.includes(method)) {
    yield [`${method} is no method this version knows`, "part header.cost_method"];
  }
  if (previous !== null && previous === supersedes) {
    yield ["it cannot both follow and replace one statement", "part header.supersedes"];
  }
}

function* nameContradictions({ bodies, withheld }) {
  const ids = (kind) => new Set(bodies[kind].map((body) => body.id));
  const [wallets, accounts, entities] = [ids("wallet"), ids("account"), ids("entity")];
  for (const name of wallets) {
    if (accounts.has(name)) {
      yield [`a wallet and a custodial account are both called ${name}`, `part account/${name}`];
    }
  }
  if (!withheld("entity")) {
    for (const kind of ["wallet", "account"]) {
      for (const { id, entity } of bodies[kind]) {
        if (!entities.has(entity)) yield [`its entity ${entity} is not stated`, `part ${kind}/${id}`];
      }
    }
  }
  if (!withheld("wallet")) {
    for (const kind of ["coins", "descriptor"]) {
      for (const { wallet } of bodies[kind]) {
        if (!wallets.has(wallet)) {
          yield ["it is about a wallet that is not stated", `part ${kind}/${wallet}`];
        }
      }
    }
  }
}

function* entryContradictions({ header: { period }, bodies }) {
  const places = new Map();
  for (const { txid, block, position } of bodies.entry) {
    const where = `part entry/${txid}`;
    if (block.height <= period.after.height || block.height > period.until.height) {
      yield [`block ${block.height} is not in the period`, where];
    }
    const place = `${block.height}/${position}`;
    if (places.has(place)) {
      yield [`it stands where ${places.get(place)} stands in block ${block.height}`, where];
    }
    places.set(place, txid);
  }
}

function* accountContradictions({ header: { period }, bodies }) {
  for (const { id, opening, attested, lines } of bodies.account) {
    const where = `part account/${id}`;
    if (opening !== null && opening.block.height > period.after.height) {
      yield [`its opening balance is attested for block ${opening.block.height}`, where];
    }
    let last = period.after.height;
    for (const { block } of attested) {
      if (block.height <= last || block.height > period.until.height) {
        const text = `the balance attested for block ${block.height} is not in the period, `;
        yield [`${text}or not in order of block`, where];
      }
      last = block.height;
    }
    for (const line of lines) {
      if (line.wallet !== id) yield [`a line explains ${line.wallet}`, where];
    }
    if (lines.length && !attested.length) {
      yield ["lines explain a change of its balance, and none was attested", where];
    }
  }
}

function* bookContradictions({ header: { period }, bodies, withheld }) {
  const hidden = withheld("wallet") || withheld("account");
  const accounts = new Set([...bodies.wallet, ...bodies.account].map((body) => body.id));
  for (const { kind, block, account, perimeter } of bodies.book) {
    const where = `the ${kind} of ${account}`;
    if (block.height > period.until.height) yield [`block ${block.height} is after the period`, where];
    if (kind !== "loss" && kind !== "restatement") continue;
    if (!hidden && !accounts.has(account)) yield [`its account ${account} is not stated`, where];
    if (perimeter !== null) yield ["it belongs to an account, wherever that is counted", where];
  }
}
