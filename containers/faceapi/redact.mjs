/** What no log may hold, taken out of text; containers/common/runtime/redact.py has the same rules for Python. */

const HIDDEN = "[hidden]";
const PATTERNS = [
  [/(https?:\/\/[^\s"'<>\\?#]+)\?[^\s"'<>\\]*/g, `$1?${HIDDEN}`], // signed URLs are all query
  [/(\w+:\/\/)[^\s"'/@\\]+@/g, `$1${HIDDEN}@`],
  [/\b(x-amz-(?:signature|security-token|credential)\W{1,3})[^\s"'&\\]+/gi, `$1${HIDDEN}`],
  [/\b(bearer|basic) +[^\s"'\\]+/gi, `$1 ${HIDDEN}`],
  [/\bhf_[A-Za-z0-9]{8,}/g, HIDDEN],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/g, HIDDEN],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, HIDDEN],
];
const SECRETS = ["HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
const LEAST = 8; // characters; a shorter value would take words out of sentences

/** The text with `[hidden]` in place of secrets; JSON stays JSON. */
export function redact(text) {
  for (const name of SECRETS) {
    const secret = process.env[name] ?? "";
    if (secret.length >= LEAST) text = text.replaceAll(secret, HIDDEN);
  }
  return PATTERNS.reduce((result, [pattern, hidden]) => result.replace(pattern, hidden), text);
}

/** The error without secrets in its message and stack, which the caller and the log get. */
export function redacted(error) {
  if (!(error instanceof Error)) return error;
  error.message = redact(error.message);
  error.stack = redact(error.stack ?? "");
  return error;
}
