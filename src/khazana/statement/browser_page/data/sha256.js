// SHA-256 (FIPS 180-4), for whole messages.

const SHA256_K = new Uint32Array(64);
const SHA256_START = new Uint32Array(8);

(function firstPrimes() {
  // The constants are the first 32 bits of the fractions of roots of the first primes, computed
  // exactly in integers: floor(root(p * 2^(32 n), n)) mod 2^32.
  const root = (value, n) => {
    let low = 0n;
    let high = 1n << 64n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** n <= value) low = middle;
      else high = middle;
    }
    return low;
  };
  const primes = [];
  for (let candidate = 2; primes.length < 64; candidate += 1) {
    if (primes.every((prime) => candidate % prime)) primes.push(candidate);
  }
  primes.forEach((prime, i) => {
    SHA256_K[i] = Number(root(BigInt(prime) << 96n, 3n) & 0xffffffffn);
    if (i < 8) SHA256_START[i] = Number(root(BigInt(prime) << 64n, 2n) & 0xffffffffn);
  });
})();

const SHA256_WORDS = new Uint32Array(64);

function sha256Block(state, view, at) {
  const w = SHA256_WORDS;
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_K[i] + w[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] += word;
  });
}

/** The message with a one bit, zeros and its length in bits, as both SHA-2 hashes pad it. */
function paddedForSha2(message, blockBytes) {
  const lengthBytes = blockBytes / 8;
  const blocks = Math.ceil((message.length + 1 + lengthBytes) / blockBytes);
  const padded = new Uint8Array(blocks * blockBytes);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  return view;
}

function sha256(...pieces) {
  const view = paddedForSha2(joinedBytes(...pieces), 64);
  const state = SHA256_START.slice();
  for (let at = 0; at < view.byteLength; at += 64) sha256Block(state, view, at);
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setUint32(4 * i, word));
  return new Uint8Array(out.buffer);
}
