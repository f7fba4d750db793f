// For programs that drive the page, such as its own tests: the same functions, nothing more.

globalThis.khazana = Object.freeze({
  checkFile,
  pinByFile,
  pinByFingerprint,
  sha256,
  sha512,
  ownSignatureFits,
  browserSignatureFits,
  signatureFits,
  parseStrict,
  canonicalText,
});
