// Ed25519 (RFC 8032, section 5.1): verification, as strict as the program's own.

const ED_P = 2n ** 255n - 19n;
const ED_L = 2n ** 252n + 27742317777372353535851937790883648493n;

const edMod = (x) => {
  const rest = x % ED_P;
  return rest < 0n ? rest + ED_P : rest;
};

function edPower(base, exponent) {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = edMod(result * b);
    b = edMod(b * b);
  }
  return result;
}

const edInverse = (x) => edPower(x, ED_P - 2n);
const ED_D = edMod(-121665n * edInverse(121666n));
const ED_ROOT_OF_MINUS_1 = edPower(2n, (ED_P - 1n) / 4n);
const ED_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022n;
/** The y of the eight points whose order divides 8. */
const ED_SMALL_ORDER_Y = [0n, 1n, ED_P - 1n, ED_ORDER_8, ED_P - ED_ORDER_8];

function littleEndian(bytes) {
  let number = 0n;
  for (let i = bytes.length - 1; i >= 0; i -= 1) number = (number << 8n) | BigInt(bytes[i]);
  return number;
}

/** x of the point with this y and sign, or null when there is none. */
function edX(y, sign) {
  const x2 = edMod((y * y - 1n) * edInverse(ED_D * y * y + 1n));
  let x = edPower(x2, (ED_P + 3n) / 8n);
  if (edMod(x * x - x2) !== 0n) x = edMod(x * ED_ROOT_OF_MINUS_1);
  if (edMod(x * x - x2) !== 0n) return null;
  return (x & 1n) === sign ? x : edMod(-x);
}

// Points in extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z.
const edPoint = (x, y) => [x, y, 1n, edMod(x * y)];
const ED_ZERO = [0n, 1n, 1n, 0n];
const ED_BASE_Y = edMod(4n * edInverse(5n));
const ED_BASE = edPoint(edX(ED_BASE_Y, 0n), ED_BASE_Y);

function edAdd([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = edMod((y1 - x1) * (y2 - x2));
  const b = edMod((y1 + x1) * (y2 + x2));
  const c = edMod(2n * t1 * t2 * ED_D);
  const d = edMod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [edMod(e * f), edMod(g * h), edMod(f * g), edMod(e * h)];
}

/** a·A + b·B, both at once from the highest bit down. */
function edSumOfTwo(a, A, b, B) {
  const both = edAdd(A, B);
  let result = ED_ZERO;
  for (let bit = 255n; bit >= 0n; bit -= 1n) {
    result = edAdd(result, result);
    const [inA, inB] = [(a >> bit) & 1n, (b >> bit) & 1n];
    if (inA && inB) result = edAdd(result, both);
    else if (inA) result = edAdd(result, A);
    else if (inB) result = edAdd(result, B);
  }
  return result;
}

function edEncoded([x, y, z]) {
  const inverse = edInverse(z);
  let number = edMod(y * inverse) | ((edMod(x * inverse) & 1n) << 255n);
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(number & 255n);
    number >>= 8n;
    return byte;
  });
}

/** The point of a sound public key; refuses what is not one key in its one encoding. */
function requirePublicKey(key) {
  if (key.length !== 32) throw new Refused(`an Ed25519 key has 32 bytes, not ${key.length}`);
  const number = littleEndian(key);
  const y = number & ((1n << 255n) - 1n);
  if (y >= ED_P) throw new Refused(`the key ${toHex(key)} is not canonically encoded`);
  if (ED_SMALL_ORDER_Y.includes(y)) {
    throw new Refused(`the key ${toHex(key)} is a point of small order`);
  }
  const x = edX(y, number >> 255n);
  if (x === null) throw new Refused(`the key ${toHex(key)} is not a point of the curve`);
  return edPoint(x, y);
}

/** By this page alone: s below the group order, and the encoding of R byte for byte. */
function ownSignatureFits(key, signature, message) {
  const point = requirePublicKey(key);
  if (signature.length !== 64) return false;
  const r = signature.slice(0, 32);
  const s = littleEndian(signature.slice(32));
  if (s >= ED_L) return false;
  const k = littleEndian(sha512(r, key, message)) % ED_L;
  const [x, y, z, t] = point;
  const minus = [edMod(-x), y, z, edMod(-t)];
  return sameBytes(edEncoded(edSumOfTwo(s, ED_BASE, k, minus)), r);
}

/** What the browser's own cryptography says; null where it has no Ed25519 to ask. */
async function browserSignatureFits(key, signature, message) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  try {
    const imported = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await subtle.verify({ name: "Ed25519" }, imported, signature, message);
  } catch {
    return null;
  }
}

const signatureEngines = new Set();
const signatureAnswers = new Map();

function forgetSignatures() {
  signatureEngines.clear();
  signatureAnswers.clear();
}

/**
 * Whether the signature fits. Both implementations are asked where there are two, and both must
 * say yes: an error in one of them cannot make a false signature good. One question is asked once.
 */
async function signatureFits(key, signature, message) {
  const question = [key, signature, sha256(message)].map(toHex).join(" ");
  if (!signatureAnswers.has(question)) {
    signatureAnswers.set(question, await answeredByAll(key, signature, message));
  }
  return signatureAnswers.get(question);
}

async function answeredByAll(key, signature, message) {
  const own = ownSignatureFits(key, signature, message);
  signatureEngines.add("own");
  if (!own) return false;
  const browser = await browserSignatureFits(key, signature, message);
  if (browser !== null) signatureEngines.add("browser");
  return browser !== false;
}
