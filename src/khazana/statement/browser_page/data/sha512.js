// SHA-512 (FIPS 180-4), for the short messages that are signed.

const SHA512_MASK = (1n << 64n) - 1n;
const SHA512_K = [];
const SHA512_START = [];

(function firstPrimes() {
  // As for SHA-256, with 64 bits: floor(root(p * 2^(64 n), n)) mod 2^64.
  const root = (value, n) => {
    let low = 0n;
    let high = 1n << 96n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** n <= value) low = middle;
      else high = middle;
    }
    return low;
  };
  const primes = [];
  for (let candidate = 2; primes.length < 80; candidate += 1) {
    if (primes.every((prime) => candidate % prime)) primes.push(candidate);
  }
  primes.forEach((prime, i) => {
    SHA512_K.push(root(BigInt(prime) << 192n, 3n) & SHA512_MASK);
    if (i < 8) SHA512_START.push(root(BigInt(prime) << 128n, 2n) & SHA512_MASK);
  });
})();

function sha512(...pieces) {
  const view = paddedForSha2(joinedBytes(...pieces), 128);
  const turn = (x, n) => ((x >> n) | (x << (64n - n))) & SHA512_MASK;
  let state = SHA512_START;
  const w = new Array(80);
  for (let at = 0; at < view.byteLength; at += 128) {
    for (let i = 0; i < 16; i += 1) w[i] = view.getBigUint64(at + 8 * i);
    for (let i = 16; i < 80; i += 1) {
      const s0 = turn(w[i - 15], 1n) ^ turn(w[i - 15], 8n) ^ (w[i - 15] >> 7n);
      const s1 = turn(w[i - 2], 19n) ^ turn(w[i - 2], 61n) ^ (w[i - 2] >> 6n);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & SHA512_MASK;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i += 1) {
      const s1 = turn(e, 14n) ^ turn(e, 18n) ^ turn(e, 41n);
      const choice = (e & f) ^ ((e ^ SHA512_MASK) & g);
      const t1 = h + s1 + choice + SHA512_K[i] + w[i];
      const s0 = turn(a, 28n) ^ turn(a, 34n) ^ turn(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & SHA512_MASK, c, b, a, (t1 + t2) & SHA512_MASK];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]) & SHA512_MASK);
  }
  const out = new DataView(new ArrayBuffer(64));
  state.forEach((word, i) => out.setBigUint64(8 * i, word));
  return new Uint8Array(out.buffer);
}
